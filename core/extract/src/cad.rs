//! Drawings by content: the texts of DXF (AutoCAD, group codes) and of STEP (ISO 10303-21).

use crate::harvest::Harvest;

/// Whether a text is a DXF in ASCII: it begins with a section, comments aside.
pub(crate) fn is_dxf(said: &str) -> bool {
    let mut lines = said.lines().map(str::trim);
    loop {
        match (lines.next(), lines.next()) {
            (Some("999"), Some(_)) => {}
            (Some("0"), Some("SECTION")) => return true,
            _ => return false,
        }
    }
}

/// Reads the texts of a DXF: what is written on the drawing, its attributes, and the names of its blocks and layers.
pub(crate) fn dxf(harvest: &mut Harvest<'_>, said: &str) {
    let (mut written, mut names) = (String::new(), String::new());
    let mut entity = "";
    let mut lines = said.lines();
    while let (Some(code), Some(value)) = (lines.next(), lines.next()) {
        let spoken = matches!(
            entity,
            "TEXT"
                | "MTEXT"
                | "ATTRIB"
                | "ATTDEF"
                | "DIMENSION"
                | "LEADER"
                | "MULTILEADER"
                | "TOLERANCE"
                | "ACAD_TABLE"
                | "ARCALIGNEDTEXT"
                | "RTEXT"
                | "FIELD"
        );
        match code.trim() {
            "0" => {
                entity = value.trim();
                // The parts of a long text belong together (group 3 before group 1).
                if !written.is_empty() && !written.ends_with('\n') {
                    written.push('\n');
                }
            }
            "1" | "302" | "304" if spoken => {
                plain(value, &mut written);
                written.push('\n');
            }
            "3" if spoken => plain(value, &mut written),
            // Comments, extended data, custom properties and texts of objects that nobody draws.
            "999" | "1000" | "1" | "2" | "3" | "300" | "301" | "302" | "303" | "304" => {
                plain(value, &mut names);
                names.push('\n');
            }
            _ => {}
        }
    }
    harvest.text("drawing text", written);
    harvest.hidden("names and properties", names);
}

/// Appends a text without its formatting (AutoCAD, "Format codes for multiline text"; `%%` codes; `\U+XXXX`).
fn plain(value: &str, out: &mut String) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '%', '{', '}', '^']) {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        let (said, length) = format(code);
        out.extend(said);
        rest = code.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// What a format code says, and how long it is.
fn format(code: &str) -> (Option<char>, usize) {
    if let Some(hex) = code.strip_prefix("\\U+").or_else(|| code.strip_prefix("\\u+")).and_then(|rest| rest.get(..4)) {
        return (u32::from_str_radix(hex, 16).ok().and_then(char::from_u32), 7);
    }
    if let Some(rest) = code.strip_prefix("%%") {
        let digits = rest.get(..3).and_then(|digits| digits.parse().ok()).and_then(char::from_u32);
        return match rest.bytes().next() {
            Some(b'd' | b'D') => (Some('°'), 3),
            Some(b'p' | b'P') => (Some('±'), 3),
            Some(b'c' | b'C') => (Some('⌀'), 3),
            Some(b'%') => (Some('%'), 3),
            Some(b'u' | b'U' | b'o' | b'O' | b'k' | b'K') => (None, 3),
            _ if digits.is_some() => (digits, 5),
            _ => (Some('%'), 1),
        };
    }
    if let Some(rest) = code.strip_prefix('\\') {
        // `\fArial|b0;`, `\H2.5x;` and their like run to a semicolon.
        let argument = || rest.bytes().take(256).position(|byte| byte == b';').map(|end| end + 2);
        return match rest.bytes().next() {
            Some(b'P' | b'X' | b'N') => (Some('\n'), 2),
            Some(b'~') => (Some(' '), 2),
            Some(b'\\') => (Some('\\'), 2),
            Some(b'{') => (Some('{'), 2),
            Some(b'}') => (Some('}'), 2),
            Some(b'L' | b'l' | b'O' | b'o' | b'K' | b'k') => (None, 2),
            Some(b'S') => (None, 2),
            Some(b'f' | b'F' | b'H' | b'W' | b'Q' | b'T' | b'C' | b'c' | b'A' | b'p') => {
                argument().map_or((Some('\\'), 1), |length| (None, length))
            }
            _ => (Some('\\'), 1),
        };
    }
    match code.bytes().next() {
        Some(b'{' | b'}') => (None, 1),
        Some(b'^') if code.starts_with("^I") => (Some('\t'), 2),
        Some(b'^') if code.starts_with("^J") => (Some('\n'), 2),
        other => (other.map(char::from), 1),
    }
}

/// Reads the strings of a STEP file: header, products, properties and annotations, one on each line.
pub(crate) fn step(harvest: &mut Harvest<'_>, said: &str) {
    let mut strings = String::new();
    let mut rest = said;
    while let Some(at) = memchr::memchr2(b'\'', b'/', rest.as_bytes()) {
        let (_, after) = rest.split_at(at);
        if let Some(comment) = after.strip_prefix("/*") {
            let (inner, next) = comment.split_once("*/").unwrap_or((comment, ""));
            strings.push_str(inner);
            strings.push('\n');
            rest = next;
            continue;
        }
        let Some(string) = after.strip_prefix('\'') else {
            rest = after.get(1..).unwrap_or_default();
            continue;
        };
        rest = string_of(string, &mut strings);
        strings.push('\n');
    }
    harvest.text("strings", strings);
}

/// Appends a string (ISO 10303-21, section 6.4.3) and gives what follows it.
fn string_of<'a>(source: &'a str, out: &mut String) -> &'a str {
    let mut rest = source;
    while let Some(at) = rest.find(['\'', '\\']) {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = code.strip_prefix("''") {
            out.push('\'');
            rest = after;
        } else if let Some(after) = code.strip_prefix('\'') {
            return after;
        } else if let Some(body) = code.strip_prefix("\\X2\\").or_else(|| code.strip_prefix("\\X4\\")) {
            let (hex, after) = body.split_once("\\X0\\").unwrap_or((body, ""));
            let wide = if code.starts_with("\\X4") { 8 } else { 4 };
            let digits: Vec<char> = hex.chars().take_while(char::is_ascii_hexdigit).collect();
            let units = digits.chunks_exact(wide).filter_map(|unit| {
                u32::from_str_radix(&unit.iter().collect::<String>(), 16).ok().and_then(char::from_u32)
            });
            out.extend(units);
            rest = after;
        } else if let Some(body) = code.strip_prefix("\\X\\") {
            let code = body.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
            out.extend(code.map(char::from));
            rest = body.get(2..).unwrap_or_default();
        } else if let Some(body) = code.strip_prefix("\\S\\") {
            let mut characters = body.chars();
            let shifted = characters.next().and_then(|c| u8::try_from(u32::from(c) + 0x80).ok());
            out.extend(shifted.map(char::from));
            rest = characters.as_str();
        } else {
            out.push('\\');
            rest = code.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    ""
}
