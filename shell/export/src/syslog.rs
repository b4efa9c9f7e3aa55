//! RFC 5424, one message a line: what RFC 6587 section 3.4.2 calls non-transparent framing.
//!
//! In a value of structured data `"`, `\` and `]` are escaped by a backslash (section 6.3.3). Line breaks the RFC
//! lets through, and the framing does not: they are replaced.

use crate::VERSION;
use crate::row::{Gravity, Row, one_line};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Facility 13, log audit (section 6.2.1).
const FACILITY: u8 = 13;
/// The enterprise number that RFC 5612 sets aside for documentation: we have none of our own.
pub(crate) const ENTERPRISE: u32 = 32473;

/// Parameters of our structured data, with the paths whose first value they carry.
pub(crate) const PARAMETERS: [(&str, &[&str]); 33] = [
    ("seq", &["seq"]),
    ("leaf", &["leaf"]),
    ("ledger", &["ledger"]),
    ("id", &["id"]),
    ("ref", &["ref"]),
    ("verdict", &["dec.verdict"]),
    ("reason", &["dec.reason", "out.reason", "note.reason"]),
    ("detail", &["dec.detail", "note.detail"]),
    ("rules", &["dec.rules"]),
    ("policy", &["dec.policy"]),
    ("zone", &["where.zone"]),
    ("conduit", &["where.conduit"]),
    ("purpose", &["where.purpose"]),
    ("workload", &["who.workload.id"]),
    ("workstation", &["who.workstation.id"]),
    ("operator", &["who.operator.id"]),
    ("peer", &["who.peer"]),
    ("client", &["who.client.name"]),
    ("client_version", &["who.client.version"]),
    ("provider", &["what.provider"]),
    ("rerouted", &["what.rerouted"]),
    ("dialect", &["what.dialect"]),
    ("endpoint", &["what.endpoint"]),
    ("model", &["out.model", "what.model"]),
    ("tools", &["what.tools"]),
    ("sensitivity", &["what.sensitivity"]),
    ("findings", &["what.findings"]),
    ("request_bytes", &["io.request_bytes"]),
    ("answer_bytes", &["io.answer_bytes"]),
    ("input_tokens", &["io.input_tokens"]),
    ("output_tokens", &["io.output_tokens"]),
    ("status", &["out.status"]),
    ("us", &["out.us"]),
];

pub(crate) fn write(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let severity = match row.gravity() {
        Gravity::Routine => 6,
        Gravity::Notice => 5,
        Gravity::Warning => 4,
    };
    let host = word(row.origin().split('/').nth(1).unwrap_or_default(), 255);
    let mut line = format!("<{}>1 {} {host} penstock - {} ", FACILITY * 8 + severity, row.time(), word(row.kind(), 32));
    quality(row, &mut line);
    // Writing to a string cannot fail.
    let _ = write!(line, "[origin software=\"penstock\" swVersion=\"{VERSION}\"][penstock@{ENTERPRISE}");
    for (name, paths) in PARAMETERS {
        if let Some(text) = row.first(paths) {
            let _ = write!(line, " {name}=\"{}\"", value(&text));
        }
    }
    line.push(']');
    // In ASCII only, so that no byte order mark is needed (section 6.4).
    for text in [Some(row.kind()), row.entry().text("dec.verdict"), row.reason()].into_iter().flatten() {
        let _ = write!(line, " {}", word(text, 64));
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// How far the time can be trusted (section 7.1): the zone is known, UTC.
fn quality(row: &Row<'_>, line: &mut String) {
    let entry = row.entry();
    let synced = entry.text("clk.source").is_some_and(|source| source != "system");
    let accuracy = entry.number("clk.bound").filter(|_| synced);
    let accuracy = accuracy.map(|bound| format!(" syncAccuracy=\"{}\"", bound.saturating_mul(1000)));
    let _ =
        write!(line, "[timeQuality tzKnown=\"1\" isSynced=\"{}\"{}]", u8::from(synced), accuracy.unwrap_or_default());
}

/// Printable ASCII without blanks, or the sign for nothing.
pub(crate) fn word(text: &str, longest: usize) -> String {
    let word: String =
        text.chars().map(|letter| if letter.is_ascii_graphic() { letter } else { '?' }).take(longest).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

pub(crate) fn value(text: &str) -> String {
    one_line(text).fold(String::with_capacity(text.len()), |mut value, character| {
        if matches!(character, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(character);
        value
    })
}

#[cfg(test)]
mod tests {
    use super::{value, word};

    #[test]
    fn nothing_ends_a_value_or_a_message() {
        for (text, written) in [
            ("gpt-4o", "gpt-4o"),
            ("a\"] [x@1 b=\"c", "a\\\"\\] [x@1 b=\\\"c"),
            ("\\", "\\\\"),
            ("one\r\ntwo\u{2028}three\u{85}", "one\u{fffd}\u{fffd}two\u{fffd}three\u{fffd}"),
            ("Größe", "Größe"),
        ] {
            assert_eq!(value(text), written, "{text:?}");
        }
    }

    #[test]
    fn words_of_the_header_are_words() {
        assert_eq!(
            (word("", 4), word("gate 1", 9), word("refuse", 3)),
            ("-".to_owned(), "gate?1".to_owned(), "ref".to_owned())
        );
    }
}
