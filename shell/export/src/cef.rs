//! ArcSight Common Event Format, version 0.
//!
//! In the header a backslash and a pipe are escaped by a backslash; in the extension a backslash and an equals sign, and
//! line breaks are written `\n` and `\r`. A blank separates pairs, so a value may hold blanks but no bare `word=`, which the
//! escaped equals sign sees to.

use crate::row::{Course, Gravity, Row, one_line};
use crate::{PRODUCT, VERSION};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Keys of the extension dictionary with the paths whose first value they carry.
pub(crate) const KEYS: [(&str, &[&str]); 19] = [
    ("externalId", &["id"]),
    ("act", &["dec.verdict"]),
    ("reason", &["dec.reason", "out.reason", "note.reason"]),
    ("msg", &["dec.detail", "note.detail"]),
    ("sproc", &["who.workload.id"]),
    ("suser", &["who.operator.id"]),
    ("shost", &["who.workstation.id"]),
    ("destinationServiceName", &["what.rerouted", "what.provider"]),
    ("app", &["what.dialect"]),
    ("request", &["what.endpoint"]),
    // From the source's side: in is what flows to the destination.
    ("in", &["io.request_bytes"]),
    ("out", &["io.answer_bytes"]),
    ("start", &["out.began"]),
    ("deviceExternalId", &["ledger"]),
    ("requestClientApplication", &["who.client.name"]),
    ("flexString1", &["where.purpose"]),
    ("flexString2", &["what.sensitivity"]),
    ("flexNumber1", &["io.input_tokens"]),
    ("flexNumber2", &["io.output_tokens"]),
];

/// Keys that are named by a label beside them.
pub(crate) const LABELLED: [(&str, &str, &[&str]); 9] = [
    ("cn1", "seq", &["seq"]),
    ("cn2", "status", &["out.status"]),
    ("cn3", "us", &["out.us"]),
    ("cs1", "leaf", &["leaf"]),
    ("cs2", "zone", &["where.zone"]),
    ("cs3", "conduit", &["where.conduit"]),
    ("cs4", "model", &["out.model", "what.model"]),
    ("cs5", "findings", &["what.findings"]),
    ("cs6", "policy", &["dec.policy"]),
];

/// What the flexible keys above are.
const FLEXIBLE: [(&str, &str); 4] = [
    ("flexString1", "purpose"),
    ("flexString2", "sensitivity"),
    ("flexNumber1", "input_tokens"),
    ("flexNumber2", "output_tokens"),
];

pub(crate) fn write(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let kind = header(row.kind());
    let severity = match row.gravity() {
        Gravity::Routine => 1,
        Gravity::Notice => 4,
        Gravity::Warning => 6,
    };
    let mut line = format!("CEF:0|{PRODUCT}|{PRODUCT}|{VERSION}|{kind}|AI {kind}|{severity}|rt={}", row.time().0);
    address(row, &mut line);
    for (key, paths) in KEYS {
        if let Some(value) = row.first(paths) {
            pair(&mut line, key, &value);
            if let Some((_, label)) = FLEXIBLE.iter().find(|(flexible, _)| *flexible == key) {
                pair(&mut line, &format!("{key}Label"), label);
            }
        }
    }
    for (key, label, paths) in LABELLED {
        if let Some(value) = row.first(paths) {
            pair(&mut line, key, &value);
            pair(&mut line, &format!("{key}Label"), label);
        }
    }
    match row.course() {
        Course::Success => pair(&mut line, "outcome", "success"),
        Course::Failure => pair(&mut line, "outcome", "failure"),
        Course::None => {}
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// `src` holds addresses of version 4 only; the others go to the second of the custom ones, whose meaning is fixed.
fn address(row: &Row<'_>, line: &mut String) {
    let Some(peer) = row.cell("who.peer") else { return };
    if peer.contains(':') {
        pair(line, "c6a2", &peer);
        pair(line, "c6a2Label", "Source IPv6 Address");
    } else {
        pair(line, "src", &peer);
    }
}

pub(crate) fn pair(line: &mut String, key: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = write!(line, " {key}={}", extension(value));
}

pub(crate) fn header(text: &str) -> String {
    one_line(text).fold(String::new(), |mut line, character| {
        if matches!(character, '\\' | '|') {
            line.push('\\');
        }
        line.push(character);
        line
    })
}

fn extension(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for (part, line) in text.split('\n').enumerate() {
        if part > 0 {
            value.push_str("\\n");
        }
        for (part, piece) in line.split('\r').enumerate() {
            if part > 0 {
                value.push_str("\\r");
            }
            for character in one_line(piece) {
                if matches!(character, '\\' | '=') {
                    value.push('\\');
                }
                value.push(character);
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{extension, header};

    #[test]
    fn nothing_ends_a_field_of_the_header() {
        for (text, written) in [
            ("refuse", "refuse"),
            ("a|b\\c", "a\\|b\\\\c"),
            ("a=b", "a=b"),
            ("a\nb\u{2028}c\0", "a\u{fffd}b\u{fffd}c\u{fffd}"),
        ] {
            assert_eq!(header(text), written, "{text:?}");
        }
    }

    #[test]
    fn nothing_ends_a_value_of_the_extension() {
        for (text, written) in [
            ("a|b", "a|b"),
            ("a=b\\", "a\\=b\\\\"),
            ("x act=allow", "x act\\=allow"),
            ("one\r\ntwo\nthree", "one\\r\\ntwo\\nthree"),
            ("\\n", "\\\\n"),
            ("a\u{2028}b\u{85}c\u{1b}", "a\u{fffd}b\u{fffd}c\u{fffd}"),
        ] {
            assert_eq!(extension(text), written, "{text:?}");
        }
    }
}
