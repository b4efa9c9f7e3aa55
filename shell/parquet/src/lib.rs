//! Records as Parquet files (<https://parquet.apache.org/docs/file-format/>), for engines that read columns.
//!
//! The files have the columns of the index's views, under the same names, so that a question in SQL means the same in
//! `penstock sql` and in an engine that reads the file. They are copies: the file's own metadata names the head of the
//! ledger that the records belong to (`penstock.origin`, `penstock.size`, `penstock.root`), and each row its leaf hash.
//!
//! A crate of its own, because the `parquet` crate costs 27 CPU seconds to compile for debugging, all that it needs
//! included: a tenth of the command line's cold build. Too little to have programs with it and without it, and to test
//! both. Nothing of Arrow, and no compression but dictionaries.

use index::{Field, View};
use ledger::Checkpoint;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use store::{Filter, ReadError, Reader};

/// A row group is written when it has so many rows, or fields of so many bytes together: what memory holds at once.
const ROWS: usize = 50_000;
const BYTES: usize = 32 << 20;

/// Why no file was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger has no published checkpoint yet.
    #[error("`{0}` has no published checkpoint yet; a running gateway publishes every second")]
    NotPublished(PathBuf),
    /// The file does not take what is written.
    #[error(transparent)]
    Out(#[from] io::Error),
    /// The rows make no file.
    #[error("cannot make the Parquet file: {0}")]
    Form(ParquetError),
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => Self::Out(*error),
                Err(other) => Self::Form(ParquetError::External(other)),
            },
            error => Self::Form(error),
        }
    }
}

/// Writes the rows that the published records have in a view, oldest first; gives how many.
///
/// # Errors
/// If the ledger cannot be read or the file cannot be written. What was written until then is no Parquet file.
pub fn write(reader: &Reader, view: &View, filter: Filter, out: impl Write + Send) -> Result<u64, WriteError> {
    let published = reader.published()?.ok_or_else(|| WriteError::NotPublished(reader.folder().to_owned()))?;
    let head = published.0;
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata(&head))).build();
    let mut file = SerializedFileWriter::new(out, Arc::new(schema(view)?), Arc::new(properties))?;
    let (mut group, mut count) = (Group::of(view), 0);
    let mut records = reader.records(0, filter);
    while let Some(record) = records.next().transpose()? {
        // The filter may pass over records; the position behind this one tells which it was.
        let position = records.position().saturating_sub(1);
        if position >= head.size {
            break;
        }
        for row in view.rows(position, &ledger::leaf_hash(&record.line), &record.entry) {
            group.push(row);
            count += 1;
        }
        if group.rows >= ROWS || group.bytes >= BYTES {
            std::mem::replace(&mut group, Group::of(view)).write(&mut file)?;
        }
    }
    if group.rows > 0 {
        group.write(&mut file)?;
    }
    file.close()?;
    Ok(count)
}

fn metadata(head: &Checkpoint) -> Vec<KeyValue> {
    [("origin", head.origin.clone()), ("size", head.size.to_string()), ("root", seal::base64(&head.root))]
        .map(|(key, value)| KeyValue::new(format!("penstock.{key}"), value))
        .to_vec()
}

fn schema(view: &View) -> Result<Type, ParquetError> {
    let columns = view.columns().map(|column| {
        let (physical, logical) = match column.kind {
            "integer" => (Physical::INT64, None),
            _ => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let column = Type::primitive_type_builder(column.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        column.build().map(Arc::new)
    });
    Type::group_type_builder(view.name).with_fields(columns.collect::<Result<_, _>>()?).build()
}

/// Rows that wait to be written, by column.
struct Group {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// The values of a column that are there, and for each row 1 if it has one (the definition level of the format).
#[derive(Default)]
struct Column {
    numbers: Vec<i64>,
    texts: Vec<ByteArray>,
    there: Vec<i16>,
}

impl Group {
    fn of(view: &View) -> Self {
        Self { columns: view.columns().map(|_| Column::default()).collect(), rows: 0, bytes: 0 }
    }

    fn push(&mut self, row: Vec<Field<'_>>) {
        for (column, field) in self.columns.iter_mut().zip(row) {
            column.there.push(i16::from(field != Field::Null));
            match field {
                Field::Null => {}
                Field::Integer(number) => column.numbers.push(number),
                Field::Text(text) => {
                    self.bytes += text.len();
                    column.texts.push(text.as_bytes().to_vec().into());
                }
            }
        }
        self.rows += 1;
    }

    fn write<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        for column in self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            match writer.untyped() {
                ColumnWriter::Int64ColumnWriter(writer) => {
                    writer.write_batch(&column.numbers, Some(&column.there), None)?
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(&column.texts, Some(&column.there), None)?
                }
                // The schema has no other.
                _ => 0,
            };
            writer.close()?;
        }
        group.close().map(drop)
    }
}

#[cfg(test)]
mod tests;
