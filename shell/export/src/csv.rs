//! RFC 4180: lines end in CRLF; a field with a comma, a quote or a line break is quoted, and a quote in it doubled.
//!
//! Spreadsheets compute fields that begin like a formula (CWE-1236), quoted or not. Such a field gets an apostrophe
//! before it; so does one that begins with an apostrophe, so that whoever takes one away has the field as it was.

use crate::row::Row;
use std::io::{self, Write};

/// The columns: index, leaf hash and time, then paths into the record.
pub(crate) const COLUMNS: [&str; 50] = [
    "seq",
    "leaf",
    "time",
    "kind",
    "id",
    "ref",
    "dec.verdict",
    "dec.reason",
    "dec.detail",
    "dec.rules",
    "dec.policy",
    "where.plant",
    "where.zone",
    "where.conduit",
    "where.purpose",
    "who.workload.id",
    "who.workload.by",
    "who.workstation.id",
    "who.workstation.by",
    "who.operator.id",
    "who.operator.by",
    "who.peer",
    "what.provider",
    "what.rerouted",
    "what.dialect",
    "what.endpoint",
    "what.model",
    "what.stream",
    "what.tools",
    "what.sensitivity",
    "what.findings",
    "io.request_bytes",
    "io.answer_bytes",
    "io.input_tokens",
    "io.output_tokens",
    "io.request",
    "io.sent",
    "io.answer",
    "out.status",
    "out.reason",
    "out.began",
    "out.us",
    "out.first_byte_us",
    "out.provider_id",
    "out.model",
    "clk.source",
    "clk.bound",
    "note",
    "who.client.name",
    "who.client.version",
];

pub(crate) fn heading(out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}\r\n", COLUMNS.join(","))
}

pub(crate) fn write(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    for (number, column) in COLUMNS.iter().enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        out.write_all(field(&row.cell(column).unwrap_or_default()).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// A text as a field of CSV: quoted if need be, and never a formula.
#[must_use]
pub fn field(text: &str) -> String {
    let guarded = if begins_formula(text) { format!("'{text}") } else { text.to_owned() };
    // Blanks at the ends belong to the field (section 2, point 4); quoted they survive readers that trim.
    let quoted = guarded.contains([',', '"', '\r', '\n', ';', '\t']) || guarded.trim() != guarded;
    if quoted { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

/// Whether a spreadsheet might compute it. The full-width signs count in East Asian editions; blanks and controls before a
/// sign are skipped by some.
fn begins_formula(text: &str) -> bool {
    let begin = text.trim_start_matches(|character: char| character.is_whitespace() || character.is_control());
    let sign = begin.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\'']);
    sign || text.starts_with(['\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_quoted_and_formulas_are_text() {
        for (text, written) in [
            ("", ""),
            ("gpt-4o", "gpt-4o"),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("one\r\ntwo", "\"one\r\ntwo\""),
            (" blank ", "\" blank \""),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"http://a\",\"b\")", "\"'=HYPERLINK(\"\"http://a\"\",\"\"b\"\")\""),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("'quoted", "''quoted"),
            ("1-1=0", "1-1=0"),
        ] {
            assert_eq!(field(text), written, "{text:?}");
        }
    }
}
