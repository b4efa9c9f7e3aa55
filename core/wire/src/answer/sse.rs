//! Server-sent events as bytes (HTML, section 9.2): cuts a stream into events and keeps each exactly as it came.
//!
//! Comments, unknown fields, mixed line endings and a byte order mark stay in the raw bytes. Nothing is
//! decoded here, so a character that two chunks share is never seen in halves.

use super::frame::{Frame, SPARE, TooLong};
use memchr::memchr2;
use std::ops::Range;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts a stream into events, however it is chunked.
#[derive(Debug)]
pub struct Events {
    buffer: Vec<u8>,
    /// Where the current event begins.
    start: usize,
    /// Where the current line begins.
    line: usize,
    /// Up to where no line ending was found.
    scanned: usize,
    /// The values of the current event's `data` lines, counted from `start`.
    data: Vec<Range<usize>>,
    /// How the last line of the current event ended.
    ending: Option<Ending>,
    /// Whether the last event ended in a lone CR. A LF that follows belongs to it.
    after_cr: bool,
    /// Whether the current line is the stream's first, which may begin with a byte order mark.
    first: bool,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Cr,
    Lf,
    CrLf,
}

impl Events {
    /// A stream of events that are at most `limit` bytes long.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            line: 0,
            scanned: 0,
            data: Vec::new(),
            ending: None,
            after_cr: false,
            first: true,
            limit,
        }
    }

    /// Takes the next bytes of the stream. Take every event with [`Self::next`] before the next chunk.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.line -= self.start;
            self.scanned -= self.start;
            self.start = 0;
            self.buffer.shrink_to(SPARE);
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole event, if there is one. An event may be empty: a blank line more than needed, or the LF
    /// of a CR LF whose CR had already ended an event.
    ///
    /// # Errors
    /// If an event is longer than the limit, whole or not.
    #[expect(clippy::should_implement_trait, reason = "it lends from the buffer, which an Iterator cannot")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, TooLong> {
        if self.start == self.line {
            self.data.clear();
        }
        if self.after_cr
            && let Some(&byte) = self.buffer.get(self.line)
        {
            self.after_cr = false;
            if byte == b'\n' {
                return Ok(Some(self.cut(self.line + 1)));
            }
        }
        while let Some((text, next, ending)) = self.next_line() {
            let blank = self.take_line(text);
            self.line = next;
            self.scanned = next;
            if blank {
                self.within(next)?;
                self.after_cr = ending == Ending::Cr;
                return Ok(Some(self.cut(next)));
            }
            self.ending = Some(ending);
        }
        self.within(self.buffer.len())?;
        Ok(None)
    }

    /// What is left at the end of the stream: an event whose end never came.
    pub fn rest(&mut self) -> Option<Frame<'_>> {
        let end = self.buffer.len();
        if self.start == end {
            return None;
        }
        if self.start == self.line {
            self.data.clear();
        }
        // A CR whose LF will not come any more ends its line.
        let text_end = if self.buffer.last() == Some(&b'\r') { end - 1 } else { end };
        if self.line < end {
            self.take_line(self.line..text_end.max(self.line));
        }
        let raw = self.buffer.get(self.start..end).unwrap_or_default();
        self.start = end;
        self.line = end;
        self.scanned = end;
        Some(Frame { raw, data: &self.data, ended: false })
    }

    fn within(&self, end: usize) -> Result<(), TooLong> {
        if end - self.start > self.limit { Err(TooLong { limit: self.limit }) } else { Ok(()) }
    }

    /// Ends the current event at `end`, where the next begins.
    fn cut(&mut self, end: usize) -> Frame<'_> {
        let raw = self.buffer.get(self.start..end).unwrap_or_default();
        self.start = end;
        self.line = end;
        self.scanned = end;
        self.ending = None;
        Frame { raw, data: &self.data, ended: true }
    }

    /// The current line without its ending, where the next begins, and how it ended; `None` until that is known.
    fn next_line(&mut self) -> Option<(Range<usize>, usize, Ending)> {
        let ahead = self.buffer.get(self.scanned..)?;
        let Some(found) = memchr2(b'\r', b'\n', ahead) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let at = self.scanned + found;
        let text = self.line..at;
        if self.buffer.get(at) == Some(&b'\n') {
            return Some((text, at + 1, Ending::Lf));
        }
        // A CR may be half of a CR LF. In a stream whose lines end in a lone CR, waiting for the next byte would
        // hold every event back until the next comes; so there a CR ends the event, and a LF that follows
        // after all is passed on by itself. The choice hangs on the event's own bytes, never on the chunks.
        if text.is_empty() && self.ending == Some(Ending::Cr) {
            return Some((text, at + 1, Ending::Cr));
        }
        match self.buffer.get(at + 1) {
            Some(b'\n') => Some((text, at + 2, Ending::CrLf)),
            Some(_) => Some((text, at + 1, Ending::Cr)),
            None => {
                self.scanned = at;
                None
            }
        }
    }

    /// Notes the value of a `data` line; says whether the line is blank.
    fn take_line(&mut self, text: Range<usize>) -> bool {
        let mut at = text.start;
        let Some(mut line) = self.buffer.get(text) else { return false };
        if std::mem::take(&mut self.first)
            && let Some(rest) = line.strip_prefix(MARK)
        {
            line = rest;
            at += MARK.len();
        }
        let Some(rest) = line.strip_prefix(b"data") else { return line.is_empty() };
        at += b"data".len();
        let value = match rest {
            [] => at..at,
            [b':', b' ', value @ ..] => at + 2..at + 2 + value.len(),
            [b':', value @ ..] => at + 1..at + 1 + value.len(),
            _ => return false,
        };
        self.data.push(value.start - self.start..value.end - self.start);
        false
    }
}

/// Cuts `bytes` whole and byte by byte, and asserts that both give the same events and lose nothing. For fuzzing.
pub fn fuzz(bytes: &[u8]) {
    let mut pieces = Vec::new();
    for size in [1, 3, bytes.len().max(1)] {
        let mut events = Events::new(1 << 16);
        let mut seen: Vec<(Vec<u8>, Vec<Range<usize>>)> = Vec::new();
        let mut broke = false;
        for chunk in bytes.chunks(size) {
            events.feed(chunk);
            loop {
                match events.next() {
                    Ok(Some(frame)) => seen.push((frame.raw.to_vec(), frame.data.to_vec())),
                    Ok(None) => break,
                    Err(TooLong { .. }) => {
                        broke = true;
                        break;
                    }
                }
            }
            if broke {
                break;
            }
        }
        if !broke {
            seen.extend(events.rest().map(|frame| (frame.raw.to_vec(), frame.data.to_vec())));
            assert_eq!(seen.iter().flat_map(|(raw, _)| raw.iter().copied()).collect::<Vec<u8>>(), bytes);
        }
        pieces.push((seen, broke));
    }
    assert!(pieces.windows(2).all(|pair| pair.first() == pair.last()), "chunking changes nothing");
}

#[cfg(test)]
mod tests {
    use super::{Ending, Events, fuzz};
    use proptest::prelude::*;

    /// The events of a stream as text: raw bytes, and the payload of each.
    fn events(bytes: &[u8]) -> Vec<(String, Option<String>)> {
        let mut events = Events::new(1 << 16);
        let mut seen = Vec::new();
        let mut note = |frame: crate::answer::Frame<'_>| {
            let mut scratch = Vec::new();
            let payload = (!frame.data.is_empty()).then(|| frame.payload(&mut scratch).to_vec());
            seen.push((
                String::from_utf8(frame.raw.to_vec()).unwrap(),
                payload.map(|payload| String::from_utf8(payload).unwrap()),
            ));
        };
        events.feed(bytes);
        while let Some(frame) = events.next().unwrap() {
            note(frame);
        }
        if let Some(frame) = events.rest() {
            note(frame);
        }
        seen
    }

    fn check(stream: &str, payloads: &[&str]) {
        let seen = events(stream.as_bytes());
        assert_eq!(seen.iter().map(|(raw, _)| raw.as_str()).collect::<String>(), stream);
        let found: Vec<_> = seen.iter().filter_map(|(_, payload)| payload.as_deref()).collect();
        assert_eq!(found, payloads);
        fuzz(stream.as_bytes());
    }

    #[test]
    fn each_form_of_line_ending_ends_an_event() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\rdata: e\r\n\r", &["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn comments_and_unknown_fields_stay_in_the_event() {
        check(": ping\n\nevent: x\nid: 1\nretry: 5\nfoo\ndata: a\n: more\n\n", &["a"]);
        check("datax: a\n\ndata : b\n\n", &[]);
    }

    #[test]
    fn one_space_after_the_colon_is_no_part_of_the_value() {
        check("data:a\n\ndata:  b\n\ndata\n\ndata:\n\n", &["a", " b", "", ""]);
    }

    #[test]
    fn several_data_lines_are_one_payload() {
        check("data: a\r\ndata: b\rdata:c\n\n", &["a\nb\nc"]);
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_start() {
        check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
        check("\u{feff}\ndata: a\n\n", &["a"]);
    }

    #[test]
    fn an_event_without_its_end_is_given_at_the_end() {
        check("data: a\n\ndata: b\ndata: c", &["a", "b\nc"]);
        check("data: a\n\ndata: b\r", &["a", "b"]);
        check("data: a\n\ndata: b\n", &["a", "b"]);
    }

    #[test]
    fn an_event_in_lone_crs_is_given_without_waiting_for_more() {
        let mut events = Events::new(64);
        events.feed(b"data: a\r\r");
        assert_eq!(events.next().unwrap().unwrap().raw, b"data: a\r\r");
        events.feed(b"\ndata: b\r\n\r");
        assert_eq!(events.next().unwrap().unwrap().raw, b"\n");
        assert!(events.next().unwrap().is_none(), "the LF of this CR is still to come");
        assert_eq!(events.ending, Some(Ending::CrLf));
        events.feed(b"\n");
        assert_eq!(events.next().unwrap().unwrap().raw, b"data: b\r\n\r\n");
    }

    #[test]
    fn an_endless_event_is_refused_whole_or_not() {
        let mut events = Events::new(16);
        events.feed(b"data: 0123456789");
        assert!(events.next().unwrap().is_none());
        events.feed(b"a");
        assert!(events.next().is_err());
        let mut events = Events::new(16);
        events.feed(b"data: 0123456789\n\n");
        assert!(events.next().is_err());
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(parts in prop::collection::vec(
            prop::sample::select(vec!["data", ":", " ", "\r", "\n", "x", "\u{feff}", "data: y"]), 0..40,
        )) {
            fuzz(parts.concat().as_bytes());
        }
    }
}
