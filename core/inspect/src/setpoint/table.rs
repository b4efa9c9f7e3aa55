//! Setpoints in the columns of a table: below `SP` or `Temp (°C)`, and below `Value` where the row has a unit.
//!
//! Rows are told from prose by their signs: a row has as many cells as the head above it. Each line is read once.

use super::unit::{Unit, Units};
use super::{key, skip_back};
use crate::bytes::{Bytes, Word};
use std::ops::Range;

/// Longest line that is read, and how many lines above a number its head may stand without a number between.
const LINE: usize = 512;
const ABOVE: usize = 4;

/// Most columns of a table.
const COLUMNS: usize = 32;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    /// Setpoints.
    Set,
    /// Setpoints, if the row has a unit.
    Value,
    /// Something else.
    Other,
}

/// The table that was read last.
#[derive(Default)]
pub(super) struct Tables {
    columns: Vec<Column>,
    sign: u8,
    /// The line that was read last, if it is of the table.
    line: Range<usize>,
    /// Whether that line has a unit in a cell of its own.
    unit: bool,
}

impl Tables {
    /// Whether the number at `start` stands in a column of setpoints. Asked for in order of the numbers.
    pub(super) fn holds(&mut self, text: Bytes<'_>, start: usize, units: &Units) -> bool {
        if !self.line.contains(&start) && !self.advance(text, start, units) {
            return false;
        }
        if self.columns.is_empty() {
            return false;
        }
        let before = text.slice(self.line.start..start).iter().filter(|b| **b == self.sign).count();
        match self.columns.get(before) {
            Some(Column::Set) => true,
            Some(Column::Value) => self.unit,
            _ => false,
        }
    }

    /// Goes to the line of `at`: of the table whose rows were read so far, or of another, whose head stands above.
    fn advance(&mut self, text: Bytes<'_>, at: usize, units: &Units) -> bool {
        let line = line(text, at);
        let next = !self.line.is_empty()
            && self.line.end + 1 == line.start
            && self.columns.len() == cells(text, &line, self.sign).count();
        if !next {
            self.columns.clear();
            self.sign = sign(text, &line);
            self.head(text, &line, units);
        }
        self.unit = cells(text, &line, self.sign).any(|cell| {
            matches!(units.behind(text, cell.start), Some((Unit::Process | Unit::Plain, end)) if end == cell.end)
        });
        self.line = line;
        !self.columns.is_empty()
    }

    /// The head of the table in which `row` stands: the uppermost line close above that has as many cells.
    fn head(&mut self, text: Bytes<'_>, row: &Range<usize>, units: &Units) {
        let width = cells(text, row, self.sign).count();
        let mut head = None;
        let mut below = row.clone();
        for _ in 0..ABOVE {
            let Some(end) = below.start.checked_sub(1).filter(|_| self.sign != 0 && (2..=COLUMNS).contains(&width))
            else {
                break;
            };
            let above = line(text, end.saturating_sub(1).max(text.run_back(end, LINE, |b| b != b'\n')));
            if above.end != end || cells(text, &above, self.sign).count() != width {
                break;
            }
            below = above.clone();
            head = Some(above);
        }
        let Some(head) = head else { return };
        self.columns = cells(text, &head, self.sign).map(|cell| column(text, cell, units)).collect();
    }
}

fn column(text: Bytes<'_>, cell: Range<usize>, units: &Units) -> Column {
    const SET: [&str; 38] = [
        "sp",
        "setpoint",
        "set point",
        "set-point",
        "soll",
        "sollwert",
        "target",
        "hi",
        "lo",
        "hh",
        "ll",
        "high",
        "low",
        "max",
        "min",
        "limit",
        "pv",
        "op",
        "hi alarm",
        "lo alarm",
        "ist",
        "istwert",
        "nominal",
        "nom",
        "lsl",
        "usl",
        "lcl",
        "ucl",
        "lower",
        "upper",
        "lower limit",
        "upper limit",
        "vorgabe",
        "ziel",
        "zielwert",
        "grenzwert",
        "untergrenze",
        "obergrenze",
    ];
    const VALUE: [&str; 8] = ["value", "wert", "values", "werte", "setting", "einstellung", "valeur", "valor"];
    let name = text.slice(cell.clone());
    // A unit behind the name: `Temp (°C)`, `Setpoint [bar]`, `Pressure bar`.
    let open = text.run(cell.start, cell.len(), |b| !matches!(b, b'(' | b'['));
    let bare = text.slice(cell.start..text.run_back(open, open - cell.start, |b| b == b' '));
    let last = text.run_back(cell.end, cell.len(), |b| b != b' ');
    let measured = open < cell.end && matches!(units.behind(text, open + 1), Some((Unit::Process, _)))
        || last > cell.start && matches!(units.behind(text, last), Some((Unit::Process, end)) if end == cell.end);
    if measured || Word(bare).is_one_of(&SET) || key::tells(name) {
        Column::Set
    } else if Word(bare).is_one_of(&VALUE) {
        Column::Value
    } else {
        Column::Other
    }
}

/// The line that `at` stands in, as far as it is read.
fn line(text: Bytes<'_>, at: usize) -> Range<usize> {
    text.run_back(at, LINE, |b| b != b'\n')..text.run(at, LINE, |b| b != b'\n')
}

/// What parts the cells of a row.
fn sign(text: Bytes<'_>, row: &Range<usize>) -> u8 {
    let has = |sign: &u8| text.slice(row.clone()).contains(sign);
    [b'|', b'\t', b';', b','].into_iter().find(has).unwrap_or(0)
}

/// The cells of a row, without their blanks and quotes.
fn cells<'t>(text: Bytes<'t>, row: &Range<usize>, sign: u8) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let (mut at, end) = (row.start, row.end);
    std::iter::from_fn(move || {
        if at > end {
            return None;
        }
        let stop = text.run(at, end - at, |b| b != sign);
        let start = text.run(at, stop - at, |b| matches!(b, b' ' | b'"' | b'*'));
        let last = text.run_back(stop, stop - start, |b| matches!(b, b' ' | b'"' | b'*' | b'\r'));
        at = stop + 1;
        Some(start..last)
    })
}

/// Whether the number that begins at `start` begins its cell.
pub(super) fn begins_cell(text: Bytes<'_>, start: usize) -> bool {
    matches!(text.before(skip_back(text, start)), b';' | b',' | b'|' | b'\t')
}
