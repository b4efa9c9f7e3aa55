//! Bytes as text: which encoding they are in, and what they say in it.

use crate::File;

/// The characters of Windows-1252 from 0x80 to 0x9f (WHATWG, "Encoding", index windows-1252).
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// What a file says, if it is text: by its byte order mark, as UTF-8, as UTF-16 if every other byte is zero, or as
/// Windows-1252 if it is declared so or nearly all of it can be printed.
pub(crate) fn decode(file: &File<'_>) -> Option<String> {
    let bytes = file.bytes;
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Some(String::from_utf8_lossy(rest).into_owned());
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return Some(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return Some(utf16(rest, u16::from_be_bytes));
    }
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0') && legible(bytes)) {
        return Some(text.to_owned());
    }
    match zeros(bytes) {
        (even, odd) if odd > even && odd * 3 >= bytes.len() => return Some(utf16(bytes, u16::from_le_bytes)),
        (even, odd) if even > odd && even * 3 >= bytes.len() => return Some(utf16(bytes, u16::from_be_bytes)),
        _ => {}
    }
    (is_declared_windows(file) && !bytes.contains(&0) || legible(bytes)).then(|| windows(bytes))
}

/// Bytes as Windows-1252, in which each is a character.
pub(crate) fn windows(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| windows_character(*byte)).collect()
}

/// One byte of Windows-1252.
pub(crate) fn windows_character(byte: u8) -> char {
    let high = byte.checked_sub(0x80).and_then(|place| WINDOWS.get(usize::from(place)));
    high.copied().unwrap_or(char::from(byte))
}

/// Bytes as UTF-16 in this order; what is no character becomes U+FFFD.
pub(crate) fn utf16(bytes: &[u8], order: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(order(pair.try_into().ok()?)));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Text in an encoding by its name (WHATWG, "Encoding"); what the name does not tell is guessed.
pub(crate) fn decode_as(bytes: &[u8], charset: Option<&str>) -> String {
    let windows_names = ["windows-1252", "iso-8859-1", "latin1", "us-ascii", "cp1252", "iso-8859-15"];
    match (std::str::from_utf8(bytes), charset.map(str::to_ascii_lowercase).as_deref()) {
        (_, Some("utf-16le" | "utf-16")) => utf16(bytes, u16::from_le_bytes),
        (_, Some("utf-16be")) => utf16(bytes, u16::from_be_bytes),
        (Ok(text), _) => text.to_owned(),
        (Err(_), Some(name)) if windows_names.contains(&name) => windows(bytes),
        (Err(_), Some(_)) => String::from_utf8_lossy(bytes).into_owned(),
        (Err(_), None) => windows(bytes),
    }
}

/// Zero bytes at even and at odd places.
fn zeros(bytes: &[u8]) -> (usize, usize) {
    let count = |first: usize| bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    (count(0), count(1))
}

fn is_declared_windows(file: &File<'_>) -> bool {
    let media = file.media.unwrap_or_default().to_ascii_lowercase();
    media.starts_with("text/") && (media.contains("1252") || media.contains("8859-1") || media.contains("latin1"))
}

/// Whether fifteen of sixteen bytes are printed.
fn legible(bytes: &[u8]) -> bool {
    let hides = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x0c\x1b".contains(*byte) || **byte == 0x7f;
    bytes.iter().filter(hides).count() * 16 <= bytes.len()
}
