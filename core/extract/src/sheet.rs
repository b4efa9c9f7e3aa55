//! Rows of cells: what stands in a row is one text, so that a value keeps what names it.

use crate::harvest::Harvest;

/// Rows that get a text of their own. Beyond that, a text holds [`BLOCK`] of them.
const SINGLE: usize = 4096;
const BLOCK: usize = 256;

/// Gathers rows and gives them to the harvest.
pub(crate) struct Rows {
    name: String,
    text: String,
    /// First row of `text` and the last, from 1; the widest column, from 1.
    first: usize,
    last: usize,
    columns: usize,
    hidden: bool,
    given: usize,
}

impl Rows {
    /// Rows of a sheet that is called this.
    pub(crate) fn new(name: String) -> Self {
        Self { name, text: String::new(), first: 0, last: 0, columns: 0, hidden: false, given: 0 }
    }

    /// Takes a row by its number, from 1. Cells are separated by tabs, and the first is in column A.
    pub(crate) fn take(&mut self, harvest: &mut Harvest<'_>, row: usize, cells: &str, hidden: bool) {
        let full = self.given < SINGLE || self.last + 1 - self.first.min(self.last) >= BLOCK;
        if !self.text.is_empty() && (full || hidden != self.hidden) {
            self.give(harvest);
        }
        if self.text.is_empty() {
            (self.first, self.hidden, self.columns) = (row, hidden, 0);
        } else {
            self.text.push('\n');
        }
        self.last = row;
        self.columns = self.columns.max(cells.matches('\t').count() + 1);
        self.text.push_str(cells);
    }

    /// Gives what is left.
    pub(crate) fn finish(mut self, harvest: &mut Harvest<'_>) {
        self.give(harvest);
    }

    fn give(&mut self, harvest: &mut Harvest<'_>) {
        let end = column(self.columns.max(1));
        let single = self.first == self.last && self.columns <= 1;
        let mut place = format!("A{}", self.first);
        if !single {
            place.push_str(&format!(":{end}{}", self.last));
        }
        if !self.name.is_empty() {
            place = format!("{} {place}", self.name);
        }
        let text = std::mem::take(&mut self.text);
        if self.hidden {
            harvest.hidden(&place, text);
        } else {
            harvest.text(&place, text);
        }
        self.given += 1;
    }
}

/// The letters of a column, from 1: `A`, `Z`, `AA`.
fn column(mut number: usize) -> String {
    let mut letters = Vec::new();
    while number > 0 {
        number -= 1;
        letters.push(char::from(b'A' + u8::try_from(number % 26).unwrap_or(0)));
        number /= 26;
    }
    letters.iter().rev().collect()
}

/// The column of a cell's reference (`AB12`), from 1; at most the 16,384 that there are.
pub(crate) fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number =
        letters.take(4).fold(0, |number, byte| number * 26 + usize::from(byte.to_ascii_uppercase() - b'A') + 1);
    (1..=16_384).contains(&number).then_some(number)
}

/// Reads rows of separated values. Which character separates them is not asked: a rule sees through all of them.
pub(crate) fn separated(harvest: &mut Harvest<'_>, said: &str) {
    let mut rows = Rows::new(String::new());
    for (row, line) in said.lines().enumerate() {
        rows.take(harvest, row + 1, line, false);
    }
    rows.finish(harvest);
}
