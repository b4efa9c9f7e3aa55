//! Header values with parameters: `text/plain; charset=utf-8`, `form-data; name="file"`.

use std::ops::Range;

/// A value and its parameters, in order. Names are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What stands before the first semicolon, lower case.
    pub(crate) value: String,
    parameters: Vec<Parameter>,
}

/// One parameter of a header value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: String,
    /// Where its value stands in the header's text, without quotes.
    span: Range<usize>,
    quoted: bool,
}

impl Header {
    /// Reads a value. Strict: a parameter that comes twice, a backslash in quotes (readers disagree on what it
    /// means), a comment or an extended parameter (`name*=`) is not read at all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (value, _) = text.split_once(';').unwrap_or((text, ""));
        let mut at = value.len();
        let value = value.trim_matches([' ', '\t']);
        if value.is_empty() || !value.bytes().all(|byte| token(byte) || byte == b'/') {
            return None;
        }
        let mut header = Self { value: value.to_ascii_lowercase(), parameters: Vec::new() };
        while at < text.len() {
            let (parameter, end) = parameter(text, at)?;
            if header.parameters.len() >= 8 || header.parameters.iter().any(|own| own.name == parameter.name) {
                return None;
            }
            header.parameters.push(parameter);
            at = end;
        }
        Some(header)
    }

    /// Where a parameter's value stands in the header's text, and whether in quotes.
    pub(crate) fn span(&self, name: &str) -> Option<(Range<usize>, bool)> {
        self.parameters.iter().find(|own| own.name == name).map(|own| (own.span.clone(), own.quoted))
    }

    /// A parameter's value; `text` is what the header was read from.
    pub(crate) fn parameter<'t>(&self, text: &'t str, name: &str) -> Option<&'t str> {
        text.get(self.span(name)?.0)
    }

    /// Whether the parameters are all among these.
    pub(crate) fn has_only(&self, names: &[&str]) -> bool {
        self.parameters.iter().all(|own| names.contains(&own.name.as_str()))
    }
}

/// Reads `; name=value` from `at`; gives it and where the next begins.
fn parameter(text: &str, at: usize) -> Option<(Parameter, usize)> {
    let rest = text.get(at..)?.strip_prefix(';')?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let (name, value) = rest.split_once('=')?;
    if name.is_empty() || !name.bytes().all(|byte| token(byte) && byte != b'*') {
        return None;
    }
    let start = text.len() - value.len();
    let (span, quoted, end) = match value.strip_prefix('"') {
        Some(inner) => {
            let (inner, _) = inner.split_once('"')?;
            if inner.bytes().any(|byte| byte == b'\\' || byte < 0x20 || byte == 0x7f) {
                return None;
            }
            (start + 1..start + 1 + inner.len(), true, start + inner.len() + 2)
        }
        None => {
            let length = value.bytes().take_while(|byte| token(*byte)).count();
            if length == 0 {
                return None;
            }
            (start..start + length, false, start + length)
        }
    };
    let tail = text.get(end..)?;
    let end = text.len() - tail.trim_start_matches([' ', '\t']).len();
    Some((Parameter { name: name.to_ascii_lowercase(), span, quoted }, end))
}

/// RFC 9110, section 5.6.2.
fn token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::Header;

    fn check(text: &str, name: &str) -> Option<String> {
        Header::parse(text)?.parameter(text, name).map(str::to_owned)
    }

    #[test]
    fn parameters_are_found_with_or_without_quotes() {
        assert_eq!(check("application/json; charset=UTF-8", "charset").as_deref(), Some("UTF-8"));
        assert_eq!(check("multipart/form-data;boundary=\"a; b\" ; x=1", "boundary").as_deref(), Some("a; b"));
        assert_eq!(check("multipart/form-data;boundary=\"a; b\" ; x=1", "x").as_deref(), Some("1"));
        assert_eq!(check("form-data; name=\"Ü\"", "name").as_deref(), Some("Ü"));
        assert_eq!(Header::parse(" Text/Plain ").unwrap().value, "text/plain");
    }

    #[test]
    fn what_readers_disagree_about_is_not_read() {
        for text in [
            "",
            ";",
            "a b",
            "text/plain;",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; a=1; A=2",
            "form-data; name=\"a\\\"b\"",
            "form-data; name*=utf-8''a",
            "form-data; name=\"a",
            "form-data; name=\"a\"b",
            "text/plain (comment)",
            "text/plain, text/html",
        ] {
            assert_eq!(Header::parse(text), None, "{text}");
        }
    }
}
