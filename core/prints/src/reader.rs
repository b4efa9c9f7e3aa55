//! Reads one message, text by text, and says which registered documents it repeats.

use crate::key::Keys;
use crate::table::{Kind, Owner, Table};
use crate::winnow::{CERTAIN, Kept, RUN, winnow};
use plant::DocumentId;
use std::collections::BTreeMap;
use std::ops::Range;

/// Prints of one document that are worth a record. One may be chance, or a phrase.
const TRACE: usize = 2;
/// Prints from which on a passage was copied: a paragraph of some 20 words.
const COPY: usize = 12;
/// Letters from which on a passage was copied.
const COPY_LETTERS: usize = 300;
/// Most finds of one message, 32 MiB of them. A message with more is all copy, and has long been told.
const MOST: usize = 1 << 20;
/// Prints that are looked up together, so that the processor waits for many at a time.
const BATCH: usize = 64;

/// How much of a document was repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A few runs: worth a record. A quotation, a common phrase, the remains of a passage that was rewritten.
    Trace,
    /// A passage, beyond chance.
    Copy,
}

/// A document that a message repeats, or one of several that are much the same.
#[derive(Clone, Debug)]
pub struct Recognised<'t> {
    /// The document; of several that are much the same, the one that most of the passages are of alone.
    pub document: &'t DocumentId,
    /// How many others are much the same.
    pub others: usize,
    /// How it was registered.
    pub kind: &'t Kind,
    /// Index of the kind among [`Table::kinds`].
    pub kind_index: usize,
    /// How much was repeated.
    pub level: Level,
    /// Different prints of it that the message has.
    pub hits: usize,
    /// Letters and digits that they cover.
    pub letters: usize,
    /// The share of the document's telling prints that the message has, in percent.
    pub coverage: u8,
    /// Where, in order.
    pub passages: Vec<Passage>,
}

/// A stretch of a text that repeats a document, smaller changes within it included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The number of the text, as [`Reader::read`] gave it.
    pub text: u32,
    /// Where in it, in bytes; on character boundaries.
    pub span: Range<usize>,
}

/// Reads one message.
pub struct Reader<'t> {
    table: &'t Table,
    keys: &'t Keys,
    finds: Vec<Find>,
    texts: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Find {
    family: u32,
    print: u64,
    document: Option<u32>,
    text: u32,
    letter: u32,
    start: u32,
    end: u32,
}

impl<'t> Reader<'t> {
    /// Begins a message.
    #[must_use]
    pub fn new(table: &'t Table, keys: &'t Keys) -> Self {
        Self { table, keys, finds: Vec::new(), texts: 0 }
    }

    /// Reads a text of it; gives its number.
    pub fn read(&mut self, text: &str) -> u32 {
        let number = self.texts;
        self.texts += 1;
        if text.len() < RUN || self.table.is_empty() {
            return number;
        }
        let mut batch = Batch { kept: [Kept::default(); BATCH], count: 0 };
        winnow(text, self.keys, |kept| {
            if let Some(place) = batch.kept.get_mut(batch.count) {
                *place = kept;
            }
            batch.count += 1;
            if batch.count == BATCH {
                batch.look_up(self.table, &mut self.finds, number);
            }
        });
        batch.look_up(self.table, &mut self.finds, number);
        number
    }

    /// Which documents the message repeats; those that it repeats most come first.
    #[must_use]
    pub fn finish(mut self) -> Vec<Recognised<'t>> {
        self.finds.sort_unstable();
        let groups = self.finds.chunk_by(|one, other| one.family == other.family);
        let mut recognised: Vec<_> = groups.filter_map(|finds| recognise(self.table, finds)).collect();
        recognised.sort_by(|a, b| (b.hits, a.document).cmp(&(a.hits, b.document)));
        recognised
    }
}

/// Prints that are looked up together.
struct Batch {
    kept: [Kept; BATCH],
    count: usize,
}

impl Batch {
    fn look_up(&mut self, table: &Table, finds: &mut Vec<Find>, text: u32) {
        let count = std::mem::take(&mut self.count);
        table.find(&self.kept.map(|kept| kept.print), |index, Owner { family, document }| {
            let kept = self.kept.get(index).filter(|_| index < count && finds.len() < MOST);
            if let Some(Kept { print, letter, start, end }) = kept.copied() {
                finds.push(Find { family, print, document, text, letter, start, end });
            }
        });
    }
}

/// What the finds of one family, in order, come to.
fn recognise<'t>(table: &'t Table, finds: &[Find]) -> Option<Recognised<'t>> {
    // A passage that is repeated a hundred times says no more than once.
    let mut different: Vec<Find> =
        finds.chunk_by(|one, other| one.print == other.print).filter_map(|same| same.first().copied()).collect();
    if different.len() < TRACE {
        return None;
    }
    let family = table.families.get(finds.first()?.family as usize)?;
    let hits = different.len();
    different.sort_unstable_by_key(place);
    let letters = covered(&different);
    let mut all = finds.to_vec();
    all.sort_unstable_by_key(place);
    let (own, number) = likeliest(&different).unwrap_or((0, family.first));
    let document = table.documents.get(number as usize)?;
    let shared = different.iter().filter(|find| find.document.is_none()).count();
    Some(Recognised {
        document: &document.id,
        others: family.size - 1,
        kind: table.kinds().get(usize::from(family.kind))?,
        kind_index: usize::from(family.kind),
        level: if hits >= COPY || letters >= COPY_LETTERS { Level::Copy } else { Level::Trace },
        hits,
        letters,
        coverage: u8::try_from((100 * (own + shared) / document.prints.max(1) as usize).min(100)).unwrap_or(100),
        passages: passages(&all),
    })
}

/// The document of a family that most finds are of alone, and how many those are.
fn likeliest(finds: &[Find]) -> Option<(usize, u32)> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for document in finds.iter().filter_map(|find| find.document) {
        *counts.entry(document).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(document, count)| (count, document))
        .max_by_key(|(count, document)| (*count, u32::MAX - document))
}

fn place(find: &Find) -> (u32, u32) {
    (find.text, find.letter)
}

/// How many letters finds in order of their places cover.
fn covered(finds: &[Find]) -> usize {
    let (mut letters, mut last) = (0, None::<(u32, usize)>);
    for find in finds {
        let end = find.letter as usize + RUN;
        let from = match last {
            Some((text, until)) if text == find.text => until.max(find.letter as usize),
            _ => find.letter as usize,
        };
        letters += end.saturating_sub(from);
        last = Some((find.text, end));
    }
    letters
}

/// Stretches of finds in order of their places. A changed word parts two finds by less than what is found for certain, and
/// belongs to the stretch.
fn passages(finds: &[Find]) -> Vec<Passage> {
    let near = |one: &Find, other: &Find| {
        one.text == other.text && (other.letter as usize) <= one.letter as usize + RUN + CERTAIN
    };
    let stretch = |finds: &[Find]| {
        let (first, last) = (finds.first()?, finds.last()?);
        Some(Passage { text: first.text, span: first.start as usize..last.end as usize })
    };
    finds.chunk_by(near).filter_map(stretch).collect()
}
