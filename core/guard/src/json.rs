//! Reads JSON leniently, and says which of its values are meant for which tag.
//!
//! No document of a dialect is read here, that is `wire`'s: what is read is what a model wrote for a program, as a whole
//! or within a text. A key twice, a comma too many or a comment do not matter.

use std::borrow::Cow;

/// Deepest nesting that is read.
const DEPTH: u32 = 64;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'t> {
    Object(Vec<(Cow<'t, str>, Value<'t>)>),
    Array(Vec<Value<'t>>),
    Text(Cow<'t, str>),
    /// A number or a word, as it stands.
    Word(&'t str),
}

/// Reads the value at the start of `text`; `None` if it is none, or nested too deep.
pub(crate) fn parse(text: &str) -> Option<Value<'_>> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.blank();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            let rest = self.rest();
            let end = match rest.get(..2) {
                Some("//") => rest.find('\n').unwrap_or(rest.len()),
                Some("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
                _ => return,
            };
            self.at += end;
        }
    }

    fn take(&mut self, mark: char) -> bool {
        self.blank();
        let taken = self.rest().starts_with(mark);
        self.at += usize::from(taken) * mark.len_utf8();
        taken
    }

    fn value(&mut self, depth: u32) -> Option<Value<'t>> {
        if depth > DEPTH {
            return None;
        }
        if self.take('{') {
            let mut members = Vec::new();
            while !self.take('}') {
                let key = match self.rest().chars().next()? {
                    '"' | '\'' => self.text()?,
                    _ => Cow::Borrowed(self.word()?),
                };
                if !self.take(':') {
                    return None;
                }
                members.push((key, self.value(depth + 1)?));
                if !self.take(',') && !self.rest().starts_with('}') {
                    return None;
                }
            }
            return Some(Value::Object(members));
        }
        if self.take('[') {
            let mut items = Vec::new();
            while !self.take(']') {
                items.push(self.value(depth + 1)?);
                if !self.take(',') && !self.rest().starts_with(']') {
                    return None;
                }
            }
            return Some(Value::Array(items));
        }
        self.blank();
        match self.rest().chars().next()? {
            '"' | '\'' => self.text().map(Value::Text),
            _ => self.word().map(Value::Word),
        }
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let length = rest.find(|c: char| c.is_whitespace() || ",:{}[]\"'".contains(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).filter(|word| !word.is_empty())
    }

    fn text(&mut self) -> Option<Cow<'t, str>> {
        let quote = self.rest().chars().next()?;
        self.at += 1;
        let rest = self.rest();
        let plain = rest.find([quote, '\\'])?;
        if rest.get(plain..)?.starts_with(quote) {
            self.at += plain + 1;
            return rest.get(..plain).map(Cow::Borrowed);
        }
        let mut out = rest.get(..plain)?.to_owned();
        self.at += plain;
        loop {
            let rest = self.rest();
            let stop = rest.find([quote, '\\'])?;
            out.push_str(rest.get(..stop)?);
            self.at += stop;
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += 1;
                return Some(Cow::Owned(out));
            }
            let escaped = rest.get(1..)?.chars().next()?;
            let length = match escaped {
                'n' | 'r' => {
                    out.push('\n');
                    2
                }
                't' => {
                    out.push('\t');
                    2
                }
                'b' | 'f' => 2,
                'u' => match view::escape::unicode(rest.as_bytes()) {
                    Some((view::Says::Character(character), length)) => {
                        out.push(character);
                        length
                    }
                    _ => return None,
                },
                other => {
                    out.push(other);
                    1 + other.len_utf8()
                }
            };
            self.at += length;
        }
    }
}

/// What a key says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// It is to be set.
    Value,
    /// It is what is, or was.
    Reading,
    /// It is a bound.
    Bound,
    /// The value changes by it.
    Change,
    /// It changes by so much in a time.
    Rate,
    Unit,
    /// Nothing that we know.
    Other,
}

impl Key {
    pub(crate) fn of(key: &str) -> Self {
        let plain: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let any = |words: &[&str]| words.contains(&plain.as_str());
        if ["index", "token", "count", "sequence", "version", "timestamp"].iter().any(|word| plain.contains(word)) {
            return Self::Other;
        }
        let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
        if any(&[
            "unit",
            "units",
            "uom",
            "eu",
            "einheit",
            "engineeringunits",
            "engunits",
            "engineeringunit",
            "unitofmeasure",
        ]) {
            Self::Unit
        } else if has(&[
            "current", "actual", "measured", "previous", "reading", "present", "istwert", "aktuell", "bisher", "before",
        ]) || any(&[
            "pv",
            "old",
            "oldvalue",
            "processvalue",
            "from",
            "ist",
            "was",
            "oldsp",
            "alt",
            "now",
            "last",
        ]) {
            Self::Reading
        } else if has(&["ramp", "rate", "gradient", "slope", "rampe"]) {
            Self::Rate
        } else if any(&["delta", "by", "increment", "decrement", "stepsize", "adjustment", "diff", "difference"])
            || has(&[
                "changeby",
                "increaseby",
                "decreaseby",
                "percentchange",
                "changepercent",
                "deltavalue",
                "änderung",
            ])
        {
            Self::Change
        } else if any(&["min", "max", "low", "high", "hh", "ll", "hi", "lo", "minimum", "maximum"])
            || has(&["limit", "alarm", "range", "grenz", "threshold"])
        {
            Self::Bound
        } else if has(&[
            "setpoint",
            "sollwert",
            "value",
            "target",
            "recommend",
            "proposed",
            "suggest",
            "new",
            "wert",
            "ziel",
            "desired",
            "optimal",
            "setting",
            "vorgabe",
            "output",
            "command",
        ]) || any(&["sp", "op", "mv", "co", "to", "val", "set", "soll", "amount", "v", "cv", "data", "y"])
        {
            Self::Value
        } else {
            Self::Other
        }
    }

    /// Whether dialects put pieces of an answer's text under this key.
    pub(crate) fn is_text(key: &str) -> bool {
        let keys =
            ["delta", "content", "text", "thinking", "partial_json", "arguments", "text_output", "response", "token"];
        keys.contains(&key) || key.contains("reasoning")
    }

    /// The unit that a key's name ends with: `setpoint_degC`, `pressureBar`.
    pub(crate) fn unit(key: &str) -> Option<&str> {
        key.rsplit_once(['_', ' ', '-', '.', '(', '['])
            .map(|(_, last)| last.trim_end_matches([')', ']']))
            .filter(|last| !last.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Value, parse};

    #[test]
    fn json_is_read_as_models_write_it() {
        let text = r#"{"a": [1, "x\u00b0\n",], 'b': {c: true}, // note
            "d": -1.5e3}"#;
        let Some(Value::Object(members)) = parse(text) else { panic!("an object") };
        assert_eq!(members[0].1, Value::Array(vec![Value::Word("1"), Value::Text("x°\n".into())]));
        assert_eq!(members[2].1, Value::Word("-1.5e3"));
        for text in ["{", "{]", "[1 2]", "\"a", "{} x", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    #[test]
    fn keys_say_what_their_values_are() {
        for (key, wanted) in [
            ("sp", Key::Value),
            ("new_setpoint", Key::Value),
            ("currentValue", Key::Reading),
            ("high_limit", Key::Bound),
            ("ramp_rate", Key::Rate),
            ("uom", Key::Unit),
            ("comment", Key::Other),
        ] {
            assert_eq!(Key::of(key), wanted, "{key}");
        }
    }
}
