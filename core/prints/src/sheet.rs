//! Tables of exact values, exported from MES, PLM or ERP: of each value a keyed print, and which of them stand in one row.
//!
//! Nothing of a value is kept that could be read. With the key, whoever guesses a value can find out whether it is in a
//! table; so the key stays where the gateway's other keys are.

use crate::csv::{Csv, CsvError};
use crate::file::{self, FileError, put_number, put_text};
use crate::key::Keys;
use crate::letters::{self, Take};
use plant::{Label, TableId};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

pub(crate) const NAME: &[u8] = b"penstock tables 1\n";
/// Most tables.
const TABLES: usize = 1_000;
/// Most columns of a table that are looked for.
const COLUMNS: usize = 8;
/// Most rows of all tables together.
const ROWS: usize = 4_000_000;
/// Longest value in letters and digits. A longer one is a text: register it as a document.
pub(crate) const LONGEST: usize = 64;
/// Shortest value that tells something alone, and beside another one of its row.
const ALONE: usize = 5;
const TOGETHER: usize = 3;
/// Longest name that the findings of a table can be called by.
const LONGEST_NAME: usize = 80;

/// The registered tables, in the order of their registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheets {
    sheets: Vec<Sheet>,
}

/// A registered table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What it is called.
    pub id: TableId,
    /// How a message is labelled that has values of it.
    pub label: Label,
    /// How sensitive that makes a message, by the plant's name for it; `None` leaves it to the label.
    pub sensitivity: Option<String>,
    /// The columns that are looked for.
    pub columns: Vec<String>,
    /// What must be found.
    pub rules: Vec<Together>,
    /// Ascending by their prints.
    pub(crate) values: Vec<Value>,
    /// Row by row, for each column the number of its value from 1, or 0 for none. Empty if every rule has one column.
    pub(crate) rows: Vec<u32>,
}

/// Columns of which values of one row must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// A bit for each of [`Sheet::columns`].
    pub columns: u8,
    /// Within how many bytes of one text; 0 for anywhere in the message.
    pub within: u32,
}

/// A value of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) print: u64,
    /// What a filter is made of.
    pub(crate) code: u32,
    /// How many letters and digits it has.
    pub(crate) letters: u8,
    /// A bit for each column that it stands in.
    pub(crate) columns: u8,
}

/// A table to be registered.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is called. One that is registered under this name is replaced.
    pub id: TableId,
    /// See [`Sheet::label`].
    pub label: Label,
    /// See [`Sheet::sensitivity`].
    pub sensitivity: Option<String>,
    /// By their names in the first line: each alone, or several of one row together, within so many bytes (0 for
    /// anywhere in a message).
    pub rules: Vec<(Vec<String>, u32)>,
}

/// What registering a table did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Rows that have a value in one of the columns.
    pub rows: usize,
    /// Different values that are looked for.
    pub values: usize,
    /// Values that are too short to tell anything, or too long.
    pub skipped: usize,
    /// Whether one of this name stood there before.
    pub replaced: bool,
}

/// A table cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// It is no CSV.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A column is not in its first line.
    #[error("it has no column `{name}`; its columns are {columns}")]
    NoColumn {
        /// The column.
        name: String,
        /// Those that it has.
        columns: String,
    },
    /// Nothing is asked for, or too much.
    #[error("ask for 1 to 8 columns, each name of at most 255 bytes")]
    Columns,
    /// Nothing in the columns tells anything.
    #[error("none of its values has enough letters or digits: five alone, three beside others")]
    Empty,
    /// Its name or sensitivity is too long.
    #[error("its name is longer than 80 characters")]
    Name,
    /// There are too many.
    #[error("there would be more than 1,000 tables, or more than 4 million rows")]
    Full,
}

/// Letters of a value, and its running sum.
struct Sum<'k> {
    keys: &'k Keys,
    sum: u64,
    letters: usize,
}

impl Take for Sum<'_> {
    fn take(&mut self, letter: u8, _: u32, _: u32) {
        self.sum = self.keys.add(self.sum, letter);
        self.letters += 1;
    }
}

impl Sheets {
    /// The tables, in the order of their registration.
    #[must_use]
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// Registers a table from its CSV, of which the first line names the columns.
    ///
    /// # Errors
    /// If it is no such text, or has not what is asked for. Nothing is changed then.
    pub fn add(&mut self, order: Order, csv: &str, keys: &Keys) -> Result<Entered, SheetError> {
        if order.id.as_str().len() > LONGEST_NAME || order.sensitivity.as_ref().is_some_and(|name| name.len() > 255) {
            return Err(SheetError::Name);
        }
        let (sheet, skipped, rows) = Sheet::read(order, csv, keys)?;
        let replaced = self.sheets.iter().any(|one| one.id == sheet.id);
        let others = || self.sheets.iter().filter(|one| one.id != sheet.id);
        if others().count() >= TABLES || others().map(Sheet::rows).sum::<usize>() + rows > ROWS {
            return Err(SheetError::Full);
        }
        let values = sheet.values.len();
        self.remove(&sheet.id.clone());
        self.sheets.push(sheet);
        Ok(Entered { rows, values, skipped, replaced })
    }

    /// Forgets a table; says whether it was there.
    pub fn remove(&mut self, id: &TableId) -> bool {
        let before = self.sheets.len();
        self.sheets.retain(|sheet| sheet.id != *id);
        self.sheets.len() < before
    }

    /// The bytes of its file.
    #[must_use]
    pub fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut body = Vec::new();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        put_number(&mut body, count(self.sheets.len()));
        for sheet in &self.sheets {
            put_text(&mut body, sheet.id.as_str());
            put_text(&mut body, sheet.label.as_str());
            put_text(&mut body, sheet.sensitivity.as_deref().unwrap_or_default());
            put_number(&mut body, count(sheet.columns.len()));
            sheet.columns.iter().for_each(|column| put_text(&mut body, column));
            put_number(&mut body, count(sheet.rules.len()));
            for rule in &sheet.rules {
                body.push(rule.columns);
                put_number(&mut body, rule.within);
            }
            put_number(&mut body, count(sheet.values.len()));
            for value in &sheet.values {
                body.extend_from_slice(&value.print.to_le_bytes());
                put_number(&mut body, value.code);
                body.extend_from_slice(&[value.letters, value.columns]);
            }
            put_number(&mut body, count(sheet.rows.len()));
            sheet.rows.iter().for_each(|value| put_number(&mut body, *value));
        }
        file::close(NAME, keys, &body)
    }

    /// Reads the bytes of a file. What is read is encoded as the same bytes.
    ///
    /// # Errors
    /// If it is not such a file, or not of this key, or not whole.
    pub fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError> {
        let mut parts = file::open(NAME, keys, bytes)?;
        let mut sheets: Vec<Sheet> = Vec::new();
        for _ in 0..parts.size()? {
            let malformed = parts.malformed();
            let sheet = Sheet::decode(&mut parts)?;
            if sheets.len() == TABLES || sheets.iter().any(|one| one.id == sheet.id) {
                return Err(malformed);
            }
            sheets.push(sheet);
        }
        if parts.is_empty() { Ok(Self { sheets }) } else { Err(parts.malformed()) }
    }
}

impl Sheet {
    /// How many rows are kept.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len() / self.columns.len().max(1)
    }

    /// How many different values are looked for.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values.len()
    }

    /// The names of the columns of a rule.
    pub fn names(&self, rule: &Together) -> impl Iterator<Item = &str> {
        let columns = rule.columns;
        self.columns.iter().enumerate().filter(move |(at, _)| columns & 1 << at != 0).map(|(_, name)| name.as_str())
    }

    /// Reads a table; says how many values were passed over, and how many rows had one.
    fn read(order: Order, csv: &str, keys: &Keys) -> Result<(Self, usize, usize), SheetError> {
        let Order { id, label, sensitivity, rules } = order;
        let mut records = Csv::new(csv);
        let head = records.next().transpose()?.unwrap_or_default();
        let Chosen { columns, places, rules } = chosen(&rules, &head)?;
        let least = |column: usize| {
            let alone = rules.iter().any(|rule| rule.columns == 1 << column);
            if alone { ALONE } else { TOGETHER }
        };
        let least: Vec<usize> = (0..columns.len()).map(least).collect();
        let (mut values, mut numbers): (Vec<Value>, HashMap<u64, u32>) = (Vec::new(), HashMap::new());
        let (mut cells, mut skipped, mut rows) = (Vec::new(), 0, 0);
        for record in records {
            let record = record?;
            let begin = cells.len();
            for (column, (place, least)) in places.iter().zip(&least).enumerate() {
                let text = record.get(*place).map(|field| field.trim()).unwrap_or_default();
                let mut sum = Sum { keys, sum: 0, letters: 0 };
                letters::read(text, false, &mut sum);
                if !(*least..=LONGEST).contains(&sum.letters) {
                    skipped += usize::from(!text.is_empty());
                    cells.push(0);
                    continue;
                }
                let print = keys.value(sum.sum);
                let next = u32::try_from(values.len()).unwrap_or(u32::MAX);
                let number = *numbers.entry(print).or_insert(next);
                if number == next {
                    let letters = u8::try_from(sum.letters).unwrap_or(u8::MAX);
                    values.push(Value { print, code: keys.code(sum.sum), letters, columns: 0 });
                }
                if let Some(value) = values.get_mut(number as usize) {
                    value.columns |= 1 << column;
                }
                cells.push(number + 1);
            }
            let row = cells.get(begin..).unwrap_or_default();
            if row.iter().all(|cell| *cell == 0) {
                cells.truncate(begin);
            } else {
                rows += 1;
            }
            if rows > ROWS {
                return Err(SheetError::Full);
            }
        }
        if values.is_empty() {
            return Err(SheetError::Empty);
        }
        let alone = rules.iter().all(|rule| rule.columns.is_power_of_two());
        let mut sheet =
            Self { id, label, sensitivity, columns, rules, values, rows: if alone { Vec::new() } else { cells } };
        sheet.sort();
        Ok((sheet, skipped, rows))
    }

    /// Brings the values in the order of their prints, and the rows in an order that tells nothing of the export's.
    fn sort(&mut self) {
        let mut order: Vec<u32> = (0..u32::try_from(self.values.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_key(|number| self.values.get(*number as usize).map(|value| value.print));
        let mut places = vec![0u32; order.len()];
        for (place, number) in (1u32..).zip(&order) {
            if let Some(slot) = places.get_mut(*number as usize) {
                *slot = place;
            }
        }
        self.values.sort_by_key(|value| value.print);
        for cell in self.rows.iter_mut().filter(|cell| **cell > 0) {
            *cell = places.get(*cell as usize - 1).copied().unwrap_or_default();
        }
        let mut rows: Vec<&[u32]> = self.rows.chunks(self.columns.len()).collect();
        rows.sort_unstable();
        rows.dedup();
        self.rows = rows.concat();
    }

    fn decode(parts: &mut file::Parts<'_>) -> Result<Self, FileError> {
        let malformed = parts.malformed();
        let id = TableId::new(parts.text()?).ok().filter(|id| id.as_str().len() <= LONGEST_NAME).ok_or(malformed)?;
        let label = Label::new(parts.text()?).map_err(|_| malformed)?;
        let sensitivity = Some(parts.text()?.to_owned()).filter(|name| !name.is_empty());
        let width = parts.size()?;
        if !(1..=COLUMNS).contains(&width) {
            return Err(malformed);
        }
        let columns = (0..width).map(|_| Ok(parts.text()?.to_owned())).collect::<Result<Vec<_>, FileError>>()?;
        let all = u8::try_from((1u32 << width) - 1).unwrap_or(u8::MAX);
        let count = parts.size()?;
        let mut rules = Vec::new();
        for _ in 0..count {
            let rule = Together { columns: parts.byte()?, within: parts.number()? };
            if rule.columns == 0 || rule.columns & !all != 0 || rules.len() > 255 {
                return Err(malformed);
            }
            rules.push(rule);
        }
        let mut values: Vec<Value> = Vec::new();
        for _ in 0..parts.size()? {
            let print = parts.bytes(8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).ok_or(malformed)?;
            let value = Value { print, code: parts.number()?, letters: parts.byte()?, columns: parts.byte()? };
            let ascending = values.last().is_none_or(|last| last.print < print);
            let fits = (1..=LONGEST).contains(&usize::from(value.letters)) && value.columns & !all == 0;
            if !ascending || !fits {
                return Err(malformed);
            }
            values.push(value);
        }
        let length = parts.size()?;
        if length % width != 0 || length / width > ROWS {
            return Err(malformed);
        }
        let mut rows = Vec::new();
        for cell in parts.bytes(length * 4)?.chunks_exact(4) {
            let cell = cell.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)).ok_or(malformed)?;
            if cell as usize > values.len() {
                return Err(malformed);
            }
            rows.push(cell);
        }
        Ok(Self { id, label, sensitivity, columns, rules, values, rows })
    }
}

/// The columns that rules name.
struct Chosen {
    columns: Vec<String>,
    /// Where each stands in a row.
    places: Vec<usize>,
    rules: Vec<Together>,
}

/// Finds the columns that rules name in the first line.
fn chosen(asked: &[(Vec<String>, u32)], head: &[Cow<'_, str>]) -> Result<Chosen, SheetError> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let names: Vec<&str> = head.iter().map(|name| name.trim()).collect();
    let mut columns: Vec<String> = Vec::new();
    let mut rules = Vec::new();
    for (asked, within) in asked {
        let mut bits = 0u8;
        for name in asked {
            let at = columns.iter().position(|known| known == name).unwrap_or(columns.len());
            if at == columns.len() {
                let place = names.iter().position(|known| known == name).ok_or_else(|| SheetError::NoColumn {
                    name: name.chars().take(80).collect(),
                    columns: names.join(", ").chars().take(400).collect(),
                })?;
                if at == COLUMNS || name.len() > 255 {
                    return Err(SheetError::Columns);
                }
                places.insert(name, place);
                columns.push(name.clone());
            }
            bits |= 1 << at;
        }
        if bits == 0 {
            return Err(SheetError::Columns);
        }
        rules.push(Together { columns: bits, within: *within });
    }
    let places: Vec<usize> = columns.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
    if columns.is_empty() { Err(SheetError::Columns) } else { Ok(Chosen { columns, places, rules }) }
}
