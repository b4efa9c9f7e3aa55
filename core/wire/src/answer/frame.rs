//! What a framer gives: one event of a stream, with its bytes exactly as they came.
//!
//! ```text
//! chunks -> sse::Events | ndjson::Lines -> Frame -> json -> a dialect's reading -> channels -> out
//! ```

use std::ops::Range;

/// Most bytes whose place is kept between events: a long one must not cost its length until the stream ends.
pub(super) const SPARE: usize = 1 << 20;

/// One event of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The bytes as they came, up to and including what ends the event.
    pub raw: &'a [u8],
    /// Where in `raw` the payload stands: one stretch, or one for each `data` line of an event that has several.
    pub data: &'a [Range<usize>],
    /// Whether the end of the event was seen; the last event of a stream that breaks off has none.
    pub ended: bool,
}

impl<'a> Frame<'a> {
    /// The payload; stretches are joined by a line feed, as the consumer will join them (HTML, section 9.2.6).
    #[must_use]
    pub fn payload<'b>(&self, scratch: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        if let [only] = self.data {
            return self.raw.get(only.clone()).unwrap_or_default();
        }
        scratch.clear();
        for (n, line) in self.data.iter().enumerate() {
            if n > 0 {
                scratch.push(b'\n');
            }
            scratch.extend_from_slice(self.raw.get(line.clone()).unwrap_or_default());
        }
        scratch
    }

    /// Where in `raw` a stretch of the payload stands, if it lies within one line, as every JSON string does.
    #[must_use]
    pub fn locate(&self, span: &Range<usize>) -> Option<Range<usize>> {
        let mut before = 0;
        for line in self.data {
            let end = before + line.len();
            if span.start >= before && span.end <= end {
                return Some(span.start - before + line.start..span.end - before + line.start);
            }
            before = end + 1;
        }
        None
    }
}

/// An event is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {limit} bytes")]
pub struct TooLong {
    /// The longest event that is accepted.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_payload_of_several_lines_is_joined_and_found_again() {
        let raw = b"data: {\"a\":\ndata:\"bc\"}\n\n";
        let frame = Frame { raw, data: &[6..11, 17..22], ended: true };
        let mut scratch = Vec::new();
        assert_eq!(frame.payload(&mut scratch), b"{\"a\":\n\"bc\"}");
        assert_eq!(frame.locate(&(7..9)).map(|at| raw[at].to_vec()), Some(b"bc".to_vec()));
        assert_eq!(frame.locate(&(1..2)), Some(7..8));
        assert_eq!(frame.locate(&(4..8)), None, "no stretch crosses a line");
    }
}
