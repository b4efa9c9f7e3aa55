//! Prints an answer row by row: a table for people, JSON and CSV for programs.

use export::csv_field;
use index::{Answer, Value};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Ndjson,
    Csv,
}

/// How many rows of a table are looked at before the first is printed, to make the columns wide enough for them.
const LOOKED_AT: usize = 200;
/// Widest column that is kept in line; longer cells push the rest of their row to the right, whole.
const WIDEST: usize = 60;

pub(super) struct Printer<'a> {
    out: &'a mut dyn Write,
    format: Format,
    names: Vec<String>,
    /// Rows of a table that wait for their columns' widths.
    waiting: Vec<Vec<String>>,
    widths: Vec<usize>,
    begun: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(out: &'a mut dyn Write, format: Format) -> Self {
        Self { out, format, names: Vec::new(), waiting: Vec::new(), widths: Vec::new(), begun: false }
    }

    /// Ends what was begun. An answer that is not whole stays open as JSON, so that no program takes it for one.
    pub(super) fn end(&mut self, whole: bool) -> io::Result<()> {
        match self.format {
            Format::Table => self.release()?,
            Format::Json if whole => self.out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })?,
            _ => {}
        }
        self.out.flush()
    }

    /// A row of plain texts, as CSV.
    pub(super) fn texts(&mut self, texts: &[&str]) -> io::Result<()> {
        let fields: Vec<_> = texts.iter().map(|text| csv_field(text)).collect();
        write!(self.out, "{}\r\n", fields.join(","))
    }

    fn object(&self, values: &[Value<'_>]) -> String {
        let pairs =
            self.names.iter().zip(values).map(|(name, value)| format!("{}:{}", Json::from(&**name), json(value)));
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
    }

    /// Prints the rows that wait, and from then on each as it comes.
    fn release(&mut self) -> io::Result<()> {
        if self.widths.is_empty() && !self.names.is_empty() {
            let rows = std::iter::once(&self.names).chain(&self.waiting);
            self.widths = rows.fold(vec![0; self.names.len()], |widths, row| {
                widths.iter().zip(row).map(|(width, cell)| (*width).max(cell.chars().count()).min(WIDEST)).collect()
            });
            let names = std::mem::take(&mut self.names);
            self.line(&names)?;
            self.names = names;
        }
        for row in std::mem::take(&mut self.waiting) {
            self.line(&row)?;
        }
        Ok(())
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let cells = cells.iter().zip(&self.widths).map(|(cell, &width)| format!("{cell:width$}"));
        writeln!(self.out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())
    }
}

impl Answer for Printer<'_> {
    fn columns(&mut self, names: &[&str]) -> io::Result<()> {
        let different: BTreeSet<_> = names.iter().collect();
        if matches!(self.format, Format::Json | Format::Ndjson) && different.len() < names.len() {
            let problem = "two columns have the same name; give one another with `as`";
            return Err(io::Error::new(ErrorKind::InvalidInput, problem));
        }
        // A name is any text that the question holds.
        self.names = names.iter().map(|name| plain(name)).collect();
        if self.format == Format::Csv { self.texts(names) } else { Ok(()) }
    }

    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.begun, true);
        match self.format {
            Format::Table => {
                self.waiting.push(values.iter().map(cell).collect());
                if self.waiting.len() >= LOOKED_AT || !self.widths.is_empty() { self.release() } else { Ok(()) }
            }
            Format::Json => {
                let object = self.object(values);
                write!(self.out, "{}{object}", if first { "[\n" } else { ",\n" })
            }
            Format::Ndjson => {
                let object = self.object(values);
                writeln!(self.out, "{object}")
            }
            Format::Csv => {
                let fields: Vec<_> = values
                    .iter()
                    .map(|value| match value {
                        Value::Null => String::new(),
                        Value::Text(text) => csv_field(&String::from_utf8_lossy(text)),
                        // A number is no formula, also below zero.
                        other => cell(other),
                    })
                    .collect();
                write!(self.out, "{}\r\n", fields.join(","))
            }
        }
    }
}

fn json(value: &Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => Json::from(*number),
        Value::Real(number) => Json::from(*number),
        Value::Text(text) => Json::from(String::from_utf8_lossy(text)),
        Value::Bytes(bytes) => Json::from(seal::hex(bytes)),
    }
}

fn cell(value: &Value<'_>) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => plain(&String::from_utf8_lossy(text)),
        Value::Bytes(bytes) => seal::hex(bytes),
    }
}

/// Text on one line that does nothing to a terminal. Records hold no such characters; a question can make them.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Format, Printer};
    use index::{Answer, Value};

    fn printed(format: Format, names: &[&str], rows: &[&[Value<'_>]]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, format);
        printer.columns(names).unwrap();
        rows.iter().for_each(|row| printer.row(row).unwrap());
        printer.end(true).unwrap();
        String::from_utf8(out).unwrap()
    }

    const ROWS: &[&[Value<'_>]] = &[
        &[Value::Integer(-1), Value::Text(b"=1+1"), Value::Null],
        &[Value::Real(0.5), Value::Text(b"a \"b\"\n\x1b[31m"), Value::Bytes(b"\x0f")],
    ];

    #[test]
    fn every_kind_of_value_is_printed_in_every_format() {
        for (format, text) in [
            (
                Format::Table,
                "n    t                blob\n-1   =1+1             -\n0.5  a \"b\"\u{fffd}\u{fffd}[31m      0f\n",
            ),
            (
                Format::Ndjson,
                "{\"n\":-1,\"t\":\"=1+1\",\"blob\":null}\n{\"n\":0.5,\"t\":\"a \\\"b\\\"\\n\\u001b[31m\",\"blob\":\"0f\"}\n",
            ),
            (Format::Csv, "n,t,blob\r\n-1,'=1+1,\r\n0.5,\"a \"\"b\"\"\n\u{1b}[31m\",0f\r\n"),
        ] {
            let printed = printed(format, &["n", "t", "blob"], ROWS);
            assert_eq!(printed.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
        let json: serde_json::Value = serde_json::from_str(&printed(Format::Json, &["n", "t", "blob"], ROWS)).unwrap();
        assert_eq!(json[1]["n"], 0.5);
    }

    #[test]
    fn an_empty_answer_is_one() {
        for (format, text) in
            [(Format::Table, "n\n"), (Format::Json, "[]\n"), (Format::Ndjson, ""), (Format::Csv, "n\r\n")]
        {
            assert_eq!(printed(format, &["n"], &[]), text);
        }
    }

    #[test]
    fn columns_stay_in_line_and_late_long_cells_are_whole() {
        let long = "x".repeat(300);
        let mut rows: Vec<Vec<Value<'_>>> = vec![vec![Value::Text(b"ab"), Value::Integer(1)]; 201];
        rows.push(vec![Value::Text(long.as_bytes()), Value::Integer(2)]);
        let rows: Vec<&[Value<'_>]> = rows.iter().map(Vec::as_slice).collect();
        let printed = printed(Format::Table, &["a", "b"], &rows);
        assert!(printed.starts_with("a   b\nab  1\n") && printed.ends_with(&format!("\n{long}  2\n")));
        assert_eq!(printed.lines().count(), 203);
    }
}
