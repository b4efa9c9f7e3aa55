//! JSON lines as bytes: cuts a stream at line feeds and keeps each line exactly as it came.

use super::frame::{Frame, SPARE, TooLong};
use memchr::memchr;
use std::ops::Range;

/// Cuts a stream into lines, however it is chunked.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the current line begins.
    start: usize,
    /// Up to where there is no line feed.
    scanned: usize,
    /// The value of the current line: one stretch, or none if the line is blank.
    data: Vec<Range<usize>>,
    limit: usize,
}

impl Lines {
    /// A stream of lines that are at most `limit` bytes long.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, scanned: 0, data: Vec::new(), limit }
    }

    /// Takes the next bytes of the stream. Take every line with [`Self::next`] before the next chunk.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
            self.buffer.shrink_to(SPARE);
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole line, if there is one. It may be blank.
    ///
    /// # Errors
    /// If a line is longer than the limit, whole or not.
    #[expect(clippy::should_implement_trait, reason = "it lends from the buffer, which an Iterator cannot")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, TooLong> {
        let found = memchr(b'\n', self.buffer.get(self.scanned..).unwrap_or_default());
        let end = found.map_or(self.buffer.len(), |found| self.scanned + found + 1);
        self.scanned = end;
        if end - self.start > self.limit {
            return Err(TooLong { limit: self.limit });
        }
        Ok(found.is_some().then(|| self.cut(end, true)))
    }

    /// What is left at the end of the stream: a line without its line feed.
    pub fn rest(&mut self) -> Option<Frame<'_>> {
        let end = self.buffer.len();
        (self.start < end).then(|| self.cut(end, false))
    }

    fn cut(&mut self, end: usize, ended: bool) -> Frame<'_> {
        let raw = self.buffer.get(self.start..end).unwrap_or_default();
        self.start = end;
        self.scanned = end;
        self.data.clear();
        let from = raw.len() - raw.trim_ascii_start().len();
        let value = from..from + raw.trim_ascii().len();
        if !value.is_empty() {
            self.data.push(value);
        }
        Frame { raw, data: &self.data, ended }
    }
}

/// Cuts `bytes` whole and byte by byte, and asserts that both give the same lines and lose nothing. For fuzzing.
pub fn fuzz(bytes: &[u8]) {
    let mut pieces = Vec::new();
    for size in [1, 3, bytes.len().max(1)] {
        let mut lines = Lines::new(1 << 16);
        let mut seen = Vec::new();
        let mut broke = false;
        for chunk in bytes.chunks(size) {
            lines.feed(chunk);
            while let Some(frame) = lines.next().unwrap_or_else(|TooLong { .. }| {
                broke = true;
                None
            }) {
                seen.push((frame.raw.to_vec(), frame.data.to_vec()));
            }
            if broke {
                break;
            }
        }
        if !broke {
            seen.extend(lines.rest().map(|frame| (frame.raw.to_vec(), frame.data.to_vec())));
            assert_eq!(seen.iter().flat_map(|(raw, _)| raw.iter().copied()).collect::<Vec<u8>>(), bytes);
        }
        pieces.push((seen, broke));
    }
    assert!(pieces.windows(2).all(|pair| pair.first() == pair.last()), "chunking changes nothing");
}

#[cfg(test)]
mod tests {
    use super::{Lines, fuzz};
    use proptest::prelude::*;

    #[test]
    fn lines_keep_their_endings_and_blank_lines_pass() {
        let stream = b"{\"a\":1}\r\n\n  {\"b\":2} \n{\"c\":3}";
        let mut lines = Lines::new(64);
        lines.feed(stream);
        let mut seen = Vec::new();
        while let Some(frame) = lines.next().unwrap() {
            seen.push((frame.raw.to_vec(), frame.data.first().map(|at| frame.raw[at.clone()].to_vec())));
        }
        assert_eq!(seen[0], (b"{\"a\":1}\r\n".to_vec(), Some(b"{\"a\":1}".to_vec())));
        assert_eq!(seen[1], (b"\n".to_vec(), None));
        assert_eq!(seen[2], (b"  {\"b\":2} \n".to_vec(), Some(b"{\"b\":2}".to_vec())));
        let rest = lines.rest().unwrap();
        assert_eq!((rest.raw, rest.ended), (&b"{\"c\":3}"[..], false));
        assert!(lines.rest().is_none());
        fuzz(stream);
    }

    #[test]
    fn an_endless_line_is_refused_whole_or_not() {
        let mut lines = Lines::new(8);
        lines.feed(b"01234567");
        assert!(lines.next().unwrap().is_none());
        lines.feed(b"8");
        assert!(lines.next().is_err());
        let mut lines = Lines::new(8);
        lines.feed(b"01234567\n");
        assert!(lines.next().is_err());
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(parts in prop::collection::vec(
            prop::sample::select(vec!["{}", "\r", "\n", " ", "\u{e4}"]), 0..40,
        )) {
            fuzz(parts.concat().as_bytes());
        }
    }
}
