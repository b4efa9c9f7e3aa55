//! What the codes of a font stand for: by its `ToUnicode` map, or by its encoding.

use super::object::{Dictionary, Lexer, Value};
use crate::text;
use std::collections::BTreeMap;

/// Most entries of a map: as many as there are codes of two bytes.
const MOST: usize = 65_536;

/// How to read strings that are shown in a font.
#[derive(Clone, Debug, Default)]
pub(super) struct Font {
    /// Bytes of a code.
    wide: bool,
    map: BTreeMap<u32, String>,
    /// Names of glyphs that differ from the encoding.
    differences: BTreeMap<u8, char>,
    /// Widths of the codes from the first on, in thousandths of the size.
    widths: (u32, Vec<f64>),
    /// Whether its codes stand for nothing that can be known.
    pub(super) closed: bool,
}

impl Font {
    /// Reads a font; `map` is what its `ToUnicode` stream holds, `encoding` its encoding.
    pub(super) fn new(font: &Dictionary, map: Option<&[u8]>, encoding: Option<&Value>, widths: Option<&Value>) -> Self {
        let composite = font.get("Subtype").and_then(Value::name) == Some("Type0");
        let mut own = Self { wide: composite, ..Self::default() };
        if let Some(map) = map {
            own.read_map(map);
        }
        let mut named = false;
        if let Some(differences) = encoding.and_then(Value::dictionary).and_then(|own| own.get("Differences")) {
            named = own.read_differences(differences.array().unwrap_or_default());
        }
        own.closed = own.map.is_empty() && !(named || is_latin(font, composite) && encoding.is_none_or(is_named));
        let widths = widths.and_then(Value::array).unwrap_or_default().iter().filter_map(Value::number).collect();
        let first = font.get("FirstChar").and_then(Value::count).unwrap_or(0);
        own.widths = (u32::try_from(first).unwrap_or(0), widths);
        own
    }

    /// Appends what a string says; gives how wide it is, in sizes of the font.
    pub(super) fn say(&self, bytes: &[u8], out: &mut String) -> f64 {
        let mut width = 0.0;
        for code in bytes.chunks(if self.wide { 2 } else { 1 }) {
            let code = code.iter().fold(0u32, |code, byte| code << 8 | u32::from(*byte));
            let (first, widths) = &self.widths;
            let known = code.checked_sub(*first).and_then(|place| widths.get(usize::try_from(place).ok()?));
            width += known.map_or(0.5, |width| width / 1000.0);
            match (self.map.get(&code), u8::try_from(code)) {
                (Some(text), _) => out.push_str(text),
                (None, Ok(code)) if !self.wide => {
                    out.push(self.differences.get(&code).copied().unwrap_or_else(|| text::windows_character(code)));
                }
                (None, _) => out.push(char::REPLACEMENT_CHARACTER),
            }
        }
        width
    }

    /// Reads a map from codes to characters (section 9.10.3; Adobe Technical Note 5411).
    fn read_map(&mut self, source: &[u8]) {
        let mut lexer = Lexer::new(source, 0);
        let mut operands: Vec<Value> = Vec::new();
        while let Some(value) = lexer.value() {
            let Value::Word(word) = value else {
                if operands.len() < 4 * MOST {
                    operands.push(value);
                }
                continue;
            };
            match word.as_str() {
                "endcodespacerange" => {
                    let longest = operands.iter().map(|own| code(own).map_or(0, |(_, bytes)| bytes)).max();
                    self.wide = longest.unwrap_or(1) > 1;
                }
                "endbfchar" => {
                    for pair in operands.chunks_exact(2) {
                        if let [from, Value::Text(to)] = pair
                            && let Some((from, _)) = code(from)
                        {
                            self.put(from, text::utf16(to, u16::from_be_bytes));
                        }
                    }
                }
                "endbfrange" => operands.chunks_exact(3).for_each(|range| self.read_range(range)),
                _ => {}
            }
            operands.clear();
        }
    }

    fn read_range(&mut self, range: &[Value]) {
        let [from, to, target] = range else { return };
        let (Some((from, _)), Some((to, _))) = (code(from), code(to)) else { return };
        match target {
            Value::Text(first) => {
                let first = text::utf16(first, u16::from_be_bytes);
                let Some(last) = first.chars().last() else { return };
                let head = first.get(..first.len() - last.len_utf8()).unwrap_or_default();
                for step in 0..=to.saturating_sub(from).min(0xffff) {
                    let Some(last) = char::from_u32(u32::from(last) + step) else { break };
                    if !self.put(from + step, format!("{head}{last}")) {
                        break;
                    }
                }
            }
            Value::Array(targets) => {
                for (code, target) in (from..=to).zip(targets) {
                    if let Value::Text(target) = target {
                        self.put(code, text::utf16(target, u16::from_be_bytes));
                    }
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, code: u32, text: String) -> bool {
        let room = self.map.len() < MOST && text.len() <= 64;
        if room {
            self.map.insert(code, text);
        }
        room
    }

    /// Reads which codes stand for other glyphs. Whether most of those have names that tell a character.
    fn read_differences(&mut self, items: &[Value]) -> bool {
        let (mut code, mut names) = (0usize, 0usize);
        for item in items {
            match item {
                Value::Number(_) => code = item.count().unwrap_or(0),
                Value::Name(name) => {
                    if let (Ok(code), Some(character)) = (u8::try_from(code), glyph(name)) {
                        self.differences.insert(code, character);
                    }
                    code += 1;
                    names += 1;
                }
                _ => {}
            }
        }
        self.differences.len() * 2 >= names
    }
}

/// Whether a font that maps nothing is one whose codes are letters: neither composite, nor drawn by procedures, nor a subset
/// without an encoding, whose codes are given out as they come.
fn is_latin(font: &Dictionary, composite: bool) -> bool {
    let word = |key: &str| font.get(key).and_then(Value::name).unwrap_or_default();
    let subset = word("BaseFont").as_bytes().get(6) == Some(&b'+');
    !composite && word("Subtype") != "Type3" && (!subset || font.contains_key("Encoding"))
}

/// Whether an encoding is one by name, or begins with one.
fn is_named(encoding: &Value) -> bool {
    encoding.name().is_some() || encoding.dictionary().is_some_and(|own| !own.contains_key("Differences"))
}

/// A code and how many bytes it has.
fn code(value: &Value) -> Option<(u32, usize)> {
    let Value::Text(bytes) = value else { return None };
    (bytes.len() <= 4).then(|| (bytes.iter().fold(0, |code, byte| code << 8 | u32::from(*byte)), bytes.len()))
}

/// The character that a glyph is named after (Adobe Glyph List, what Latin text needs).
fn glyph(name: &str) -> Option<char> {
    const NAMES: [(&str, char); 62] = [
        ("space", ' '),
        ("exclam", '!'),
        ("quotedbl", '"'),
        ("numbersign", '#'),
        ("dollar", '$'),
        ("percent", '%'),
        ("ampersand", '&'),
        ("quotesingle", '\''),
        ("parenleft", '('),
        ("parenright", ')'),
        ("asterisk", '*'),
        ("plus", '+'),
        ("comma", ','),
        ("hyphen", '-'),
        ("period", '.'),
        ("slash", '/'),
        ("zero", '0'),
        ("one", '1'),
        ("two", '2'),
        ("three", '3'),
        ("four", '4'),
        ("five", '5'),
        ("six", '6'),
        ("seven", '7'),
        ("eight", '8'),
        ("nine", '9'),
        ("colon", ':'),
        ("semicolon", ';'),
        ("less", '<'),
        ("equal", '='),
        ("greater", '>'),
        ("question", '?'),
        ("at", '@'),
        ("bracketleft", '['),
        ("backslash", '\\'),
        ("bracketright", ']'),
        ("asciicircum", '^'),
        ("underscore", '_'),
        ("grave", '`'),
        ("braceleft", '{'),
        ("bar", '|'),
        ("braceright", '}'),
        ("asciitilde", '~'),
        ("degree", '°'),
        ("plusminus", '±'),
        ("mu", 'µ'),
        ("germandbls", 'ß'),
        ("ae", 'æ'),
        ("AE", 'Æ'),
        ("oe", 'œ'),
        ("OE", 'Œ'),
        ("oslash", 'ø'),
        ("Oslash", 'Ø'),
        ("endash", '–'),
        ("emdash", '—'),
        ("quoteright", '’'),
        ("quoteleft", '‘'),
        ("quotedblleft", '“'),
        ("quotedblright", '”'),
        ("bullet", '•'),
        ("Euro", '€'),
        ("minus", '−'),
    ];
    const ACCENTED: [(&str, &str, &str); 8] = [
        ("acute", "aeiouyAEIOUYcnsz", "áéíóúýÁÉÍÓÚÝćńśź"),
        ("grave", "aeiouAEIOU", "àèìòùÀÈÌÒÙ"),
        ("circumflex", "aeiouAEIOU", "âêîôûÂÊÎÔÛ"),
        ("dieresis", "aeiouyAEIOU", "äëïöüÿÄËÏÖÜ"),
        ("tilde", "anoANO", "ãñõÃÑÕ"),
        ("ring", "auAU", "åůÅŮ"),
        ("caron", "cerszCERSZn", "čěřšžČĚŘŠŽň"),
        ("cedilla", "csCS", "çşÇŞ"),
    ];
    let mut characters = name.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        return Some(only);
    }
    if let Some(hex) = name.strip_prefix("uni").or_else(|| name.strip_prefix('u')).filter(|hex| hex.len() >= 4)
        && let Some(character) = hex.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32)
    {
        return Some(character);
    }
    if let Some((_, character)) = NAMES.iter().find(|(own, _)| *own == name) {
        return Some(*character);
    }
    ACCENTED.iter().find_map(|(accent, bases, results)| {
        let base = name.strip_suffix(accent)?;
        let place = bases.chars().position(|own| base.len() == 1 && base.starts_with(own))?;
        results.chars().nth(place)
    })
}
