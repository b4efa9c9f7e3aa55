//! What is left of a file that was stripped, as stretches of it: a large picture is not held twice.

use std::ops::Range;

/// A part of what is left.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// A stretch of the file as it stands. Stretches rise and do not overlap.
    Span(Range<usize>),
    /// Bytes in place of others.
    Own(Vec<u8>),
}

/// What is left of a file, in order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Kept {
    // INVARIANT: spans rise, do not overlap, and lie in the file.
    parts: Vec<Part>,
}

impl Kept {
    /// Keeps a stretch; one that goes on where the last ended is one with it.
    pub(crate) fn span(&mut self, span: Range<usize>) {
        match self.parts.last_mut() {
            Some(Part::Span(last)) if last.end == span.start => last.end = span.end,
            _ => self.parts.push(Part::Span(span)),
        }
    }

    /// Puts bytes of our own; gives where they can be changed.
    pub(crate) fn own(&mut self, bytes: &[u8]) -> usize {
        self.parts.push(Part::Own(bytes.to_vec()));
        self.parts.len() - 1
    }

    /// Bytes of our own, to be changed.
    pub(crate) fn own_at(&mut self, part: usize) -> Option<&mut [u8]> {
        match self.parts.get_mut(part)? {
            Part::Own(bytes) => Some(bytes),
            Part::Span(_) => None,
        }
    }

    /// Its parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// How many bytes it is.
    #[must_use]
    pub fn len(&self) -> usize {
        let length = |part: &Part| match part {
            Part::Span(span) => span.len(),
            Part::Own(bytes) => bytes.len(),
        };
        self.parts.iter().map(length).sum()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is left of this file, as bytes.
    #[must_use]
    pub fn of(&self, file: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        for part in &self.parts {
            out.extend_from_slice(match part {
                Part::Span(span) => file.get(span.clone()).unwrap_or_default(),
                Part::Own(bytes) => bytes,
            });
        }
        out
    }

    /// Whether all of the file is left, and nothing else.
    pub(crate) fn is(&self, file: &[u8]) -> bool {
        let mut rest = file;
        self.parts.iter().all(|part| {
            let (at, own) = match part {
                Part::Span(span) => (Some(span.start), file.get(span.clone()).unwrap_or_default()),
                Part::Own(bytes) => (None, bytes.as_slice()),
            };
            let same = at == Some(file.len() - rest.len()) || rest.starts_with(own);
            rest = rest.get(own.len()..).unwrap_or_default();
            same
        }) && rest.is_empty()
            && self.len() == file.len()
    }
}

impl std::fmt::Debug for Kept {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("parts", &self.parts.len()).field("bytes", &self.len()).finish()
    }
}

impl std::fmt::Debug for Part {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Span(span) => f.debug_tuple("Span").field(span).finish(),
            Self::Own(bytes) => f.debug_tuple("Own").field(&bytes.len()).finish(),
        }
    }
}
