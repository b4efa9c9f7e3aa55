//! Writes the rows of records into the tables of the index.

use crate::columns::{Field, SCHEMA, View};
use ledger::{Entry, Hash};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, params_from_iter};

/// One statement for each view.
pub(crate) struct Rows<'a>(Vec<(&'static View, Statement<'a>)>);

impl<'a> Rows<'a> {
    pub(crate) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let statements = SCHEMA.iter().map(|view| {
            let places = vec!["?"; view.stored().filter(|stored| *stored).count()].join(", ");
            let statement = connection.prepare(&format!("insert into {} values ({places})", view.table()))?;
            Ok((view, statement))
        });
        statements.collect::<rusqlite::Result<_>>().map(Self)
    }

    /// Writes what the record at a position says.
    pub(crate) fn insert(&mut self, position: u64, leaf: &Hash, entry: &Entry) -> rusqlite::Result<()> {
        for (view, statement) in &mut self.0 {
            for row in view.rows(position, leaf, entry) {
                let stored = row.iter().zip(view.stored()).filter(|(_, stored)| *stored);
                statement.execute(params_from_iter(stored.map(|(field, _)| bound(field))))?;
            }
        }
        Ok(())
    }
}

fn bound<'a>(field: &'a Field<'_>) -> ToSqlOutput<'a> {
    match field {
        Field::Null => ToSqlOutput::Borrowed(ValueRef::Null),
        Field::Integer(number) => (*number).into(),
        Field::Text(text) => ToSqlOutput::from(&**text),
    }
}
