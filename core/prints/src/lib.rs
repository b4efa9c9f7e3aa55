//! Knows registered documents and values again: keyed fingerprints, and nothing of what they were made from.
//!
//! ```text
//! document -> letters -> winnow -> prints ─> Collection (a file) ─> Table ─┐
//! message  -> letters -> winnow -> prints ───────────────────────────────> Reader -> what it repeats, and where
//! ```
//!
//! A print stands for a run of [`RUN`] letters. Which runs are kept is decided as in Schleimer, Wilkerson and Aiken,
//! "Winnowing: local algorithms for document fingerprinting" (SIGMOD 2003), so that of every stretch of
//! [`CERTAIN`] letters that two texts share, both keep the same run. Prints are made with a secret of the site: who has
//! the file and not the key cannot even try out what is in it.
//!
//! Values of tables ([`Sheets`]) are found whole ([`Search`]), alone or with others of their row.
//!
//! Paraphrase, translation and summary are not known again: they share no runs.

mod collection;
mod csv;
pub mod file;
mod fuzz;
mod group;
mod key;
mod letters;
mod list;
mod matcher;
mod reader;
mod sheet;
mod table;
mod winnow;

pub use collection::{Added, Collection, CollectionError, Document, Registration};
pub use csv::{Csv, CsvError};
pub use fuzz::{fuzz_csv, fuzz_documents, fuzz_tables};
pub use key::Keys;
pub use matcher::{Matched, Matcher, Search};
pub use reader::{Level, Passage, Reader, Recognised};
pub use sheet::{Entered, Order, Sheet, SheetError, Sheets, Together};
pub use table::{Kind, Table};
pub use winnow::{CERTAIN, RUN};

/// Bits of a print. 2^42 is so much more than the prints of 10^5 documents (some 10^7) that a foreign run meets one of
/// them by chance once in 10^5 times, and two of one document practically never.
const BITS: u32 = 42;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod value_tests;
