//! A JSON array as bytes: cuts a stream at its elements and keeps each exactly as it came.
//!
//! Google's servers stream so where events are not asked for: one array, an object for each event. What stands before an
//! element, `[` or a comma, belongs to it; the closing bracket comes last, without a payload.

use super::frame::{Frame, SPARE};
use super::stream::Fault;
use std::ops::Range;

/// Cuts an array into elements, however it is chunked.
#[derive(Debug)]
pub(super) struct Elements {
    buffer: Vec<u8>,
    /// Where the current frame begins.
    start: usize,
    /// Up to where it was looked at.
    scanned: usize,
    /// Where its object begins, once it has.
    object: Option<usize>,
    state: State,
    data: Vec<Range<usize>>,
    limit: usize,
}

/// Where in the array the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the bracket that opens it.
    Before,
    /// Before an element: the first, or one after a comma.
    Between { comma: bool },
    /// In an element, this many brackets deep.
    Inside { depth: u32, string: bool, escape: bool },
    /// Behind an element.
    Behind,
    /// Behind the bracket that closes it.
    After,
}

impl Elements {
    pub(super) fn new(limit: usize) -> Self {
        let (buffer, data) = (Vec::new(), Vec::new());
        Self { buffer, start: 0, scanned: 0, object: None, state: State::Before, data, limit }
    }

    /// Takes the next bytes. Take every element with [`Self::next`] before the next chunk.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.object = self.object.map(|at| at.saturating_sub(self.start));
            self.start = 0;
            self.buffer.shrink_to(SPARE);
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole element, if there is one; the closing bracket is one without a payload.
    ///
    /// # Errors
    /// If it is no array of objects, or an element is longer than the limit, whole or not.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        while let Some(byte) = self.buffer.get(self.scanned).copied() {
            self.scanned += 1;
            if self.scanned - self.start > self.limit {
                return Err(Fault::TooLong(self.limit));
            }
            let ended = self.step(byte)?;
            if ended {
                return Ok(Some(self.cut()));
            }
        }
        Ok(None)
    }

    /// Looks at one byte; says whether a frame ends with it.
    fn step(&mut self, byte: u8) -> Result<bool, Fault> {
        let garbled = Err(Fault::Garbled("the stream is no array of objects"));
        self.state = match (self.state, byte) {
            (State::Inside { depth, string: true, escape }, _) => {
                let closes = byte == b'"' && !escape;
                State::Inside { depth, string: !closes, escape: byte == b'\\' && !escape }
            }
            (State::Inside { depth, .. }, b'"') => State::Inside { depth, string: true, escape: false },
            (State::Inside { depth, string, escape }, b'{' | b'[') => {
                State::Inside { depth: depth.saturating_add(1), string, escape }
            }
            (State::Inside { depth: 1, .. }, b'}' | b']') => {
                self.state = State::Behind;
                return Ok(true);
            }
            (State::Inside { depth, string, escape }, b'}' | b']') => {
                State::Inside { depth: depth.saturating_sub(1), string, escape }
            }
            (State::Inside { .. }, _) => self.state,
            (_, b' ' | b'\t' | b'\r' | b'\n') => self.state,
            (State::Before, b'[') => State::Between { comma: false },
            (State::Between { .. }, b'{') => {
                self.object = Some(self.scanned - 1);
                State::Inside { depth: 1, string: false, escape: false }
            }
            (State::Behind, b',') => State::Between { comma: true },
            (State::Behind | State::Between { comma: false }, b']') => {
                self.state = State::After;
                return Ok(true);
            }
            (State::Before | State::Between { .. } | State::Behind | State::After, _) => return garbled,
        };
        Ok(false)
    }

    /// What is left at the end: white space behind the array.
    ///
    /// # Errors
    /// If the array has not ended.
    pub(super) fn rest(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        match self.state {
            State::After if self.start < self.buffer.len() => Ok(Some(self.cut())),
            State::After => Ok(None),
            _ => Err(Fault::Garbled("the stream ends in the middle of its array")),
        }
    }

    fn cut(&mut self) -> Frame<'_> {
        let (start, end) = (self.start, self.scanned);
        self.start = end;
        self.data.clear();
        if let Some(object) = self.object.take() {
            self.data.push(object.saturating_sub(start)..end - start);
        }
        Frame { raw: self.buffer.get(start..end).unwrap_or_default(), data: &self.data, ended: true }
    }
}

#[cfg(test)]
mod tests {
    use super::{Elements, Fault};
    use proptest::prelude::*;

    fn cut(text: &str, size: usize) -> Result<Vec<(String, String)>, Fault> {
        let mut elements = Elements::new(64);
        let mut seen = Vec::new();
        let mut keep = |frame: super::Frame<'_>| {
            let payload = frame.data.first().map(|at| frame.raw[at.clone()].to_vec()).unwrap_or_default();
            seen.push((String::from_utf8(frame.raw.to_vec()).unwrap(), String::from_utf8(payload).unwrap()));
        };
        for chunk in text.as_bytes().chunks(size) {
            elements.feed(chunk);
            while let Some(frame) = elements.next()? {
                keep(frame);
            }
        }
        if let Some(frame) = elements.rest()? {
            keep(frame);
        }
        Ok(seen)
    }

    #[test]
    fn elements_keep_what_stands_before_them() {
        let text = "[{\"a\":\"]\\\"}\"}\n,\r\n{\"b\":[{}]}\n]\n";
        let own = |raw: &str, payload: &str| (raw.to_owned(), payload.to_owned());
        let expected = vec![
            own("[{\"a\":\"]\\\"}\"}", "{\"a\":\"]\\\"}\"}"),
            own("\n,\r\n{\"b\":[{}]}", "{\"b\":[{}]}"),
            own("\n]", ""),
            own("\n", ""),
        ];
        for size in 1..text.len() {
            assert_eq!(cut(text, size).unwrap(), expected);
        }
        assert_eq!(cut("[]", 1).unwrap(), [own("[]", "")]);
    }

    #[test]
    fn what_is_no_array_of_objects_is_told() {
        for text in
            ["{}", "[1]", "[\"a\"]", "[{},]", "[{} {}]", "[,{}]", "[{}]]", "[{}]x", "[[]]", "[{}", "[", "", "[{}}"]
        {
            assert!(cut(text, 1).is_err(), "{text}");
        }
        assert_eq!(cut(&format!("[{{\"a\":\"{}\"}}]", "x".repeat(80)), 7), Err(Fault::TooLong(64)));
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing_and_nothing_is_lost(parts in prop::collection::vec(
            prop::sample::select(vec!["[", "]", "{", "}", "\"", "\\", ",", " ", "\u{e4}", "{\"a\":1}"]), 0..30,
        )) {
            let text = parts.concat();
            let whole = cut(&text, text.len().max(1));
            prop_assert_eq!(&cut(&text, 1), &whole);
            if let Ok(seen) = whole {
                prop_assert_eq!(seen.into_iter().map(|(raw, _)| raw).collect::<String>(), text);
            }
        }
    }
}
