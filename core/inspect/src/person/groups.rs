//! Digits in groups, as numbers of cards and phones are written.

use crate::bytes::{Bytes, is_digit};
use std::ops::Range;

/// Most digits that are read: a number of either kind has fewer.
const DIGITS: usize = 24;
/// Most groups that are read.
const GROUPS: usize = 8;

/// Digits with separators, as they stand in the text.
#[derive(Clone)]
pub(crate) struct Groups {
    pub(crate) span: Range<usize>,
    /// How many digits.
    pub(crate) count: usize,
    /// Whether further digits follow, which were not read.
    pub(crate) more: bool,
    digits: [u8; DIGITS],
    length: usize,
    /// How many digits each group has, where it ends, and what stands in front of it.
    lengths: [u8; GROUPS],
    ends: [usize; GROUPS],
    between: [[u8; 2]; GROUPS],
}

impl Groups {
    /// Reads groups of digits from `start`, which is a digit, `+` or `(`. One or two separators part them; those at the
    /// end belong to the sentence.
    pub(crate) fn read(text: Bytes<'_>, start: usize) -> Option<Self> {
        let mut read = Self {
            span: start..start,
            count: 0,
            more: false,
            digits: [0; DIGITS],
            length: 0,
            lengths: [0; GROUPS],
            ends: [0; GROUPS],
            between: [[0; 2]; GROUPS],
        };
        let mut at = start + usize::from(text.at(start) == b'+');
        loop {
            let from = text.run(at, 2, |b| matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
            let end = text.run(from, DIGITS + 1, is_digit);
            if end == from {
                break;
            }
            if read.take(text.slice(at..from), text.slice(from..end), end).is_none() {
                read.more = true;
                break;
            }
            // Counting, not a number: `1 2 3`.
            if read.length == 3 && read.count == 3 {
                return None;
            }
            at = end;
        }
        (read.count > 0).then_some(read)
    }

    /// Takes one more group that ends at `end`; `None` if there is no room for it.
    fn take(&mut self, between: &[u8], group: &[u8], end: usize) -> Option<()> {
        let (lengths, ends) = (self.lengths.get_mut(self.length)?, self.ends.get_mut(self.length)?);
        self.digits.get_mut(self.count..self.count + group.len())?.copy_from_slice(group);
        self.between.get_mut(self.length)?.iter_mut().zip(between).for_each(|(slot, byte)| *slot = *byte);
        (*lengths, *ends) = (u8::try_from(group.len()).ok()?, end);
        self.count += group.len();
        self.length += 1;
        self.span.end = end;
        Some(())
    }

    /// The first `length` of the groups.
    pub(crate) fn first(&self, length: usize) -> Self {
        let mut first = self.clone();
        first.length = length.min(self.length);
        first.count = first.lengths().iter().map(|length| usize::from(*length)).sum();
        first.span.end = first.ends.get(..first.length).and_then(<[_]>::last).map_or(first.span.start, |end| *end);
        first.more = self.more || first.length < self.length;
        first
    }

    pub(crate) fn digits(&self) -> &[u8] {
        self.digits.get(..self.count).unwrap_or_default()
    }

    pub(crate) fn lengths(&self) -> &[u8] {
        self.lengths.get(..self.length).unwrap_or_default()
    }

    /// What stands in front of the group at `index`.
    pub(crate) fn separator(&self, index: usize) -> Option<[u8; 2]> {
        self.between.get(..self.length)?.get(index).copied()
    }

    /// How many of the separators are one of these.
    pub(crate) fn separators(&self, which: &[u8]) -> usize {
        self.between.iter().take(self.length).flatten().filter(|byte| which.contains(byte)).count()
    }
}
