//! Looks for the values of registered tables in a message.
//!
//! ```text
//! letters -> tokens -> stretches of up to TOKENS tokens -> length -> filter -> print -> value -> rows
//! ```
//!
//! A value is found as whole tokens, whatever stands between them: `4711-0815`, `4711 0815` and `47110815` are one. Each
//! token begins a few stretches, and each stretch costs a multiplication and a look at one bit; so a text is read in time
//! that grows as its length.

use crate::key::Keys;
use crate::letters::{self, Take};
use crate::sheet::{LONGEST, Sheet, Sheets, Together};
use plant::TableId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Most tokens of a value.
const TOKENS: usize = 8;
/// Most bytes between two tokens of one value.
const GAP: u32 = 8;
/// Bits of the filter for each value, of which two are set: of stretches that are no value, one in 64 passes.
const FILTER: usize = 16;
/// Most finds of one message.
const MOST: usize = 1 << 18;
/// Places of one value that are compared with those of others.
const PLACES: usize = 16;

/// The values of registered tables, to be looked for.
#[derive(Debug)]
pub struct Matcher {
    sheets: Vec<Sheet>,
    /// Print, table and value, ascending.
    values: Vec<(u64, u32, u32)>,
    /// Bits by code.
    filter: Vec<u64>,
    /// A bit for each length that a value has.
    lengths: u128,
    /// By table and column: the rows of each value, in the order of values.
    postings: Vec<Vec<Postings>>,
}

/// The rows of each value of one column.
#[derive(Debug, Default)]
struct Postings {
    begins: Vec<u32>,
    rows: Vec<u32>,
}

/// Values of a table that a message has, by one of its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched<'m> {
    /// The table.
    pub table: &'m TableId,
    /// Index of the table among those registered.
    pub index: usize,
    /// The columns of the rule.
    pub columns: Vec<&'m str>,
    /// How many different values were found, or rows where several are asked for.
    pub count: usize,
    /// Where: the number of the text, and the span in it.
    pub places: Vec<(u32, Range<usize>)>,
}

impl Matcher {
    /// Prepares the tables.
    #[must_use]
    pub fn new(sheets: Sheets) -> Self {
        let sheets = sheets.sheets().to_vec();
        let count: usize = sheets.iter().map(Sheet::values).sum();
        let bits = (count * FILTER).max(64).next_power_of_two();
        let (mut values, mut filter, mut lengths) = (Vec::with_capacity(count), vec![0u64; bits / 64], 0u128);
        for (table, sheet) in (0u32..).zip(&sheets) {
            for (number, value) in (0u32..).zip(&sheet.values) {
                values.push((value.print, table, number));
                lengths |= 1 << value.letters;
                for bit in places(value.code, bits) {
                    if let Some(word) = filter.get_mut(bit / 64) {
                        *word |= 1 << (bit % 64);
                    }
                }
            }
        }
        values.sort_unstable();
        let postings =
            sheets.iter().map(|sheet| (0..sheet.columns.len()).map(|column| Postings::of(sheet, column)).collect());
        let postings = postings.collect();
        Self { sheets, values, filter, lengths, postings }
    }

    /// The tables.
    #[must_use]
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// The tables that have a value with this print, and which.
    fn find(&self, print: u64) -> impl Iterator<Item = (u32, u32)> {
        let first = self.values.partition_point(|(known, _, _)| *known < print);
        let same = self.values.iter().skip(first).take_while(move |(known, _, _)| *known == print);
        same.map(|(_, table, value)| (*table, *value))
    }

    fn may_hold(&self, code: u32) -> bool {
        let set = |bit: usize| self.filter.get(bit / 64).is_some_and(|word| word & 1 << (bit % 64) != 0);
        places(code, self.filter.len() * 64).into_iter().all(set)
    }
}

/// The two bits of a code in a filter of so many bits, a power of two.
fn places(code: u32, bits: usize) -> [usize; 2] {
    let code = code as usize;
    [code & (bits - 1), (code.rotate_right(15) ^ code.wrapping_mul(0x9E37_79B1)) & (bits - 1)]
}

impl Postings {
    fn of(sheet: &Sheet, column: usize) -> Self {
        let width = sheet.columns.len();
        let cells = || sheet.rows.iter().skip(column).step_by(width);
        let mut begins = vec![0u32; if sheet.rows.is_empty() { 0 } else { sheet.values.len() + 1 }];
        for cell in cells().filter(|cell| **cell > 0) {
            if let Some(begin) = begins.get_mut(*cell as usize) {
                *begin += 1;
            }
        }
        for at in 1..begins.len() {
            let before = begins.get(at - 1).copied().unwrap_or_default();
            if let Some(begin) = begins.get_mut(at) {
                *begin += before;
            }
        }
        let mut rows = vec![0; begins.last().map_or(0, |end| *end as usize)];
        let mut next = begins.clone();
        for (row, cell) in (0u32..).zip(cells()).filter(|(_, cell)| **cell > 0) {
            if let Some(place) = next.get_mut(*cell as usize - 1) {
                if let Some(slot) = rows.get_mut(*place as usize) {
                    *slot = row;
                }
                *place += 1;
            }
        }
        Self { begins, rows }
    }

    fn rows(&self, value: u32) -> &[u32] {
        let bounds = (self.begins.get(value as usize), self.begins.get(value as usize + 1));
        let (Some(start), Some(end)) = bounds else { return &[] };
        self.rows.get(*start as usize..*end as usize).unwrap_or_default()
    }
}

/// Looks for values in one message.
pub struct Search<'m> {
    matcher: &'m Matcher,
    keys: &'m Keys,
    texts: u32,
    finds: Vec<Find>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Find {
    table: u32,
    value: u32,
    text: u32,
    start: u32,
    end: u32,
}

impl<'m> Search<'m> {
    /// Begins a message.
    #[must_use]
    pub fn new(matcher: &'m Matcher, keys: &'m Keys) -> Self {
        Self { matcher, keys, texts: 0, finds: Vec::new() }
    }

    /// Reads a text of it; gives its number.
    pub fn read(&mut self, text: &str) -> u32 {
        let number = self.texts;
        self.texts += 1;
        let nothing = Stretch { sum: 0, letter: 0, start: 0 };
        let mut tokens =
            Tokens { search: self, text: number, sum: 0, letter: 0, end: 0, begun: [nothing; TOKENS], count: 0 };
        letters::read(text, false, &mut tokens);
        tokens.close();
        number
    }

    /// What of which table the message has.
    #[must_use]
    pub fn finish(mut self) -> Vec<Matched<'m>> {
        self.finds.sort_unstable();
        let mut matched = Vec::new();
        for finds in self.finds.chunk_by(|one, other| one.table == other.table) {
            let Some(index) = finds.first().map(|find| find.table as usize) else { continue };
            let Some(sheet) = self.matcher.sheets.get(index) else { continue };
            let found = Found::of(finds);
            for rule in &sheet.rules {
                let (count, values) = match rule.columns.is_power_of_two() {
                    true => found.alone(sheet, rule),
                    false => found.together(sheet, self.matcher.postings.get(index).map_or(&[], Vec::as_slice), rule),
                };
                if count > 0 {
                    let places =
                        values.iter().filter_map(|value| found.finds.get(value)).flat_map(|finds| finds.iter());
                    let places = places.map(|find| (find.text, find.start as usize..find.end as usize));
                    let mut places: Vec<_> = places.collect();
                    places.sort_by_key(|(text, span)| (*text, span.start));
                    matched.push(Matched {
                        table: &sheet.id,
                        index,
                        columns: sheet.names(rule).collect(),
                        count,
                        places,
                    });
                }
            }
        }
        matched
    }
}

/// What was found of one table.
struct Found<'f> {
    finds: BTreeMap<u32, &'f [Find]>,
}

impl<'f> Found<'f> {
    fn of(finds: &'f [Find]) -> Self {
        let values = finds.chunk_by(|one, other| one.value == other.value);
        Self { finds: values.filter_map(|finds| Some((finds.first()?.value, finds))).collect() }
    }

    fn alone(&self, sheet: &Sheet, rule: &Together) -> (usize, BTreeSet<u32>) {
        let stands =
            |value: &&u32| sheet.values.get(**value as usize).is_some_and(|value| value.columns & rule.columns != 0);
        let values: BTreeSet<u32> = self.finds.keys().filter(stands).copied().collect();
        (values.len(), values)
    }

    /// The rows of which every column of the rule was found. No row is looked at twice: those of the column that has the
    /// fewest are gone through.
    fn together(&self, sheet: &Sheet, postings: &[Postings], rule: &Together) -> (usize, BTreeSet<u32>) {
        let width = sheet.columns.len();
        let columns: Vec<usize> = (0..width).filter(|column| rule.columns & 1 << column != 0).collect();
        let rows = |column: usize| {
            let of = postings.get(column);
            self.finds.keys().flat_map(move |value| of.map_or(&[][..], |postings| postings.rows(*value)))
        };
        let Some(rarest) = columns.iter().copied().min_by_key(|column| rows(*column).count()) else {
            return (0, BTreeSet::new());
        };
        let (mut count, mut values) = (0, BTreeSet::new());
        for row in rows(rarest) {
            let cells = sheet.rows.get(*row as usize * width..(*row as usize + 1) * width).unwrap_or_default();
            let wanted = columns.iter().filter_map(|column| cells.get(*column)?.checked_sub(1));
            let finds: Vec<(u32, &[Find])> =
                wanted.filter_map(|value| Some((value, *self.finds.get(&value)?))).collect();
            if finds.len() == columns.len() && near(&finds, rule.within) {
                count += 1;
                values.extend(finds.iter().map(|(value, _)| *value));
            }
        }
        (count, values)
    }
}

/// Whether each of several values has a place so near to one of the first's.
fn near(finds: &[(u32, &[Find])], within: u32) -> bool {
    let Some(((_, first), others)) = finds.split_first().filter(|_| within > 0) else { return true };
    first.iter().take(PLACES).any(|one| {
        others.iter().all(|(_, finds)| {
            finds.iter().take(PLACES).any(|other| {
                other.text == one.text && one.start.max(other.start).saturating_sub(one.end.min(other.end)) <= within
            })
        })
    })
}

/// Where a stretch of tokens begins.
#[derive(Clone, Copy)]
struct Stretch {
    /// The running sum of the letters before it.
    sum: u64,
    letter: usize,
    start: u32,
}

/// Reads letters as tokens.
struct Tokens<'s, 'm> {
    search: &'s mut Search<'m>,
    text: u32,
    sum: u64,
    letter: usize,
    /// Where the last letter ends.
    end: u32,
    /// The last tokens, the newest last.
    begun: [Stretch; TOKENS],
    count: usize,
}

impl Take for Tokens<'_, '_> {
    fn take(&mut self, letter: u8, start: u32, end: u32) {
        if self.letter == 0 || start > self.end {
            self.close();
            if start > self.end + GAP {
                self.count = 0;
            }
            self.begun.rotate_left(1);
            if let Some(last) = self.begun.last_mut() {
                *last = Stretch { sum: self.sum, letter: self.letter, start };
            }
            self.count = (self.count + 1).min(TOKENS);
        }
        self.sum = self.search.keys.add(self.sum, letter);
        self.letter += 1;
        self.end = end;
    }
}

impl Tokens<'_, '_> {
    /// A token has ended: each stretch that ends with it may be a value.
    fn close(&mut self) {
        let Search { matcher, keys, finds, .. } = &mut *self.search;
        for stretch in self.begun.iter().rev().take(self.count) {
            let letters = self.letter - stretch.letter;
            if letters > LONGEST {
                break;
            }
            if matcher.lengths & 1 << letters == 0 {
                continue;
            }
            let sum = keys.less(self.sum, stretch.sum, letters);
            if !matcher.may_hold(keys.code(sum)) || finds.len() >= MOST {
                continue;
            }
            for (table, value) in matcher.find(keys.value(sum)) {
                finds.push(Find { table, value, text: self.text, start: stretch.start, end: self.end });
            }
        }
    }
}
