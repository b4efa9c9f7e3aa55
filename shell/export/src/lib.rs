//! Records for other people's programs, and for auditors.
//!
//! ```text
//! store::Reader -> Record -> Row -> ndjson | csv | ocsf | cef | rfc5424
//!                         -> pack: records, proofs, manifest -> folder | zip -> check
//! alert::Alert -> a message of syslog | a letter
//! ```
//!
//! A row is a copy for a SIEM: it carries the record's index and leaf hash, so that whoever doubts it can look the
//! record up in the ledger. Field contents are hostile: a caller chooses names of models and tools, a provider its
//! ids. Nothing of them may end a field or a line, or become a formula in a spreadsheet.
//!
//! One row at a time: memory does not grow with the ledger.

pub mod alerts;
mod cef;
mod csv;
mod ocsf;
pub mod pack;
mod row;
mod syslog;

pub use csv::field as csv_field;

use row::Row;
use std::io::{self, Write};
use store::{Filter, ReadError, Reader, Record};

/// Our name and version as the formats ask for them.
const PRODUCT: &str = "Penstock";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What rows look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line: index, leaf hash, and the record's exact bytes.
    Ndjson,
    /// RFC 4180, with a heading.
    Csv,
    /// OCSF 1.8, API Activity (6003), one JSON object a line.
    Ocsf,
    /// ArcSight Common Event Format, version 0, one event a line.
    Cef,
    /// RFC 5424 with structured data, one message a line.
    Rfc5424,
}

/// Writes rows of one ledger.
#[derive(Debug)]
pub struct Exporter<W> {
    format: Format,
    origin: String,
    out: W,
}

impl<W: Write> Exporter<W> {
    /// Begins, with the heading if the format has one. `origin` is the ledger's name.
    ///
    /// # Errors
    /// As writing.
    pub fn new(format: Format, origin: String, mut out: W) -> io::Result<Self> {
        if format == Format::Csv {
            csv::heading(&mut out)?;
        }
        Ok(Self { format, origin, out })
    }

    /// Writes one record.
    ///
    /// # Errors
    /// As writing.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        let row = Row::new(record, &self.origin);
        let out = &mut self.out;
        match self.format {
            Format::Ndjson => ndjson(&row, out),
            Format::Csv => csv::write(&row, out),
            Format::Ocsf => ocsf::write(&row, out),
            Format::Cef => cef::write(&row, out),
            Format::Rfc5424 => syslog::write(&row, out),
        }
    }

    /// Ends; gives back what was written to, flushed.
    ///
    /// # Errors
    /// As writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The record's bytes are repeated as they are, so that SHA-256 of a zero byte and them is the leaf hash.
fn ndjson(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{\"leaf\":\"{}\",\"seq\":{},\"record\":", row.leaf(), row.seq())?;
    out.write_all(row.line())?;
    out.write_all(b"}\n")
}

/// The name of a ledger: as its checkpoint has it, or before the first checkpoint its genesis record. Nothing here is
/// believed: it is a label.
///
/// # Errors
/// As reading them.
pub fn origin(reader: &Reader) -> Result<Option<String>, ReadError> {
    if let Some((checkpoint, _)) = reader.published()? {
        return Ok(Some(checkpoint.origin));
    }
    let genesis = reader.records(0, Filter::default()).next().transpose()?;
    Ok(genesis.and_then(|record| record.entry.text("note.origin").map(str::to_owned)))
}

#[cfg(test)]
mod tests;
