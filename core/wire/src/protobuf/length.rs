//! The lengths that stand before what they count, and what becomes of them when something inside is replaced.

use super::field;
use std::ops::Range;

/// How a length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Of a field: in base 128.
    Varint,
    /// Of an element of a tensor of texts: four bytes, the lowest first.
    Element,
    /// Of a message of gRPC: four bytes, the highest first.
    Frame,
    /// Nowhere, because something else says it: nothing inside may change its length.
    Rigid,
}

/// A length.
#[derive(Clone, Debug)]
struct Length {
    form: Form,
    at: Range<usize>,
    /// What it counts.
    over: Range<usize>,
    /// The length around it.
    within: Option<usize>,
}

/// A replacement of a stretch by so many bytes.
pub(crate) struct Change {
    pub(crate) span: Range<usize>,
    pub(crate) length: usize,
}

/// The lengths of a body, in the order of what they count: of two that begin together, the outer first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lengths(Vec<Length>);

impl Lengths {
    /// Notes a length. What lies around it was noted before it.
    pub(crate) fn note(&mut self, form: Form, at: Range<usize>, over: Range<usize>) {
        let mut within = self.0.len().checked_sub(1);
        while let Some(own) = within.and_then(|index| self.0.get(index)) {
            if own.over.start <= at.start && over.end <= own.over.end {
                break;
            }
            within = own.within;
        }
        self.0.push(Length { form, at, over, within });
    }

    /// What is written in the place of the lengths that changes make wrong, in order. `None` if one of them has no place, or
    /// cannot be as long as it would have to be.
    pub(crate) fn after(&self, changes: impl Iterator<Item = Change>) -> Option<Vec<(Range<usize>, Vec<u8>)>> {
        let mut grown = vec![0_i64; self.0.len()];
        for change in changes {
            let Some(index) = self.around(&change.span) else { continue };
            *grown.get_mut(index)? += i64::try_from(change.length).ok()? - i64::try_from(change.span.len()).ok()?;
        }
        let mut written = Vec::new();
        for (index, own) in self.0.iter().enumerate().rev() {
            let mut more = *grown.get(index)?;
            if more == 0 {
                continue;
            }
            let length = u64::try_from(i64::try_from(own.over.len()).ok()? + more).ok()?;
            let mut bytes = Vec::with_capacity(10);
            match own.form {
                Form::Varint => field::write(length, &mut bytes),
                Form::Element => bytes.extend_from_slice(&u32::try_from(length).ok()?.to_le_bytes()),
                Form::Frame => bytes.extend_from_slice(&u32::try_from(length).ok()?.to_be_bytes()),
                Form::Rigid => return None,
            }
            more += i64::try_from(bytes.len()).ok()? - i64::try_from(own.at.len()).ok()?;
            if let Some(outer) = own.within {
                *grown.get_mut(outer)? += more;
            }
            written.push((own.at.clone(), bytes));
        }
        written.reverse();
        Some(written)
    }

    /// The innermost length that counts a stretch.
    fn around(&self, span: &Range<usize>) -> Option<usize> {
        let mut next = self.0.partition_point(|own| own.over.start <= span.start).checked_sub(1);
        while let Some(own) = next.and_then(|index| self.0.get(index)) {
            if span.end <= own.over.end {
                break;
            }
            next = own.within;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Form, Lengths};

    /// A frame of one field of 200 bytes that holds a field of 120: each length is written in as few bytes as it takes, and a
    /// length that gets longer counts for those around it.
    #[test]
    fn a_length_that_grows_counts_for_those_around_it() {
        let mut lengths = Lengths::default();
        lengths.note(Form::Frame, 1..5, 5..208);
        lengths.note(Form::Varint, 6..8, 8..208);
        lengths.note(Form::Varint, 9..10, 10..130);
        let after = lengths.after([Change { span: 20..30, length: 25 }].into_iter()).unwrap();
        let expected = [(1..5, 219_u32.to_be_bytes().to_vec()), (6..8, vec![0xd8, 0x01]), (9..10, vec![0x87, 0x01])];
        assert_eq!(after, expected);
        assert_eq!(lengths.after([Change { span: 20..30, length: 10 }].into_iter()).unwrap(), []);
    }

    #[test]
    fn what_counts_elsewhere_keeps_its_length() {
        let mut lengths = Lengths::default();
        lengths.note(Form::Varint, 1..2, 2..20);
        lengths.note(Form::Rigid, 2..2, 2..20);
        assert!(lengths.after([Change { span: 3..5, length: 3 }].into_iter()).is_none());
        assert!(lengths.after([Change { span: 3..5, length: 2 }].into_iter()).is_some());
    }
}
