//! Amazon's event stream (`application/vnd.amazon.eventstream`) as bytes: messages with a prelude, headers, a payload and two
//! checksums; and what of a message is read and written anew.
//!
//! ```text
//! total length (4) | headers length (4) | CRC-32 of these (4) | headers | payload | CRC-32 of all before (4)
//! ```
//!
//! A message that nothing changes leaves as it came. What a model was invoked to say comes in base64 in its payload; that is
//! undone, or nobody would have read it.

use super::facts::Facts;
use super::frame::{Frame, SPARE};
use super::stream::{Fault, Stream};
use super::{Answer, Limits};
use crate::json::{self, Document, Value};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::{memchr, memmem};
use plant::{Dialect, Rewrite};
use std::borrow::Cow;
use std::ops::Range;

/// What stands before the headers, and after the payload.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// Most bytes of headers, as Amazon's own readers have it.
const HEADERS: usize = 128 << 10;

/// Cuts a stream into messages, however it is chunked.
#[derive(Debug)]
pub(super) struct Messages {
    buffer: Vec<u8>,
    /// Where the current message begins.
    start: usize,
    /// Whether the last message held what it says in base64.
    wrapped: bool,
    limit: usize,
}

/// A message, whole, its checksums right.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    /// The bytes as they came.
    raw: &'a [u8],
    headers: &'a [u8],
    payload: &'a [u8],
}

impl Messages {
    /// A stream of messages that are at most `limit` bytes long.
    pub(super) fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, wrapped: false, limit }
    }

    /// Takes the next bytes. Take every message with [`Self::next`] before the next chunk.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
            self.buffer.shrink_to(SPARE);
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole message, if there is one.
    ///
    /// # Errors
    /// If its lengths make no message, it is longer than the limit, whole or not, or a checksum is wrong.
    fn next(&mut self) -> Result<Option<Message<'_>>, Fault> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some(prelude) = rest.get(..PRELUDE) else { return Ok(None) };
        let (total, headers) = (number(prelude, 0), number(prelude, 4));
        // Before its lengths are believed: a wrong one would have us wait for bytes that never come.
        if !sums(prelude) {
            return Err(Fault::Garbled("the prelude of a message has a wrong checksum"));
        }
        if total > self.limit {
            return Err(Fault::TooLong(self.limit));
        }
        let Some(body) = total.checked_sub(PRELUDE + CHECKSUM).filter(|body| headers <= (*body).min(HEADERS)) else {
            return Err(Fault::Garbled("the lengths of a message do not fit each other"));
        };
        let Some(raw) = rest.get(..total) else { return Ok(None) };
        if !sums(raw) {
            return Err(Fault::Garbled("a message has a wrong checksum"));
        }
        self.start += total;
        let (headers, payload) = raw.get(PRELUDE..PRELUDE + body).unwrap_or_default().split_at(headers);
        Ok(Some(Message { raw, headers, payload }))
    }

    /// Releases every whole message.
    ///
    /// # Errors
    /// If the stream cannot be carried on. What stands in `out` may be released still.
    pub(super) fn release(
        &mut self,
        stream: &mut Stream,
        limits: &Limits,
        facts: &mut Facts,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        while let Some(message) = self.next()? {
            let said = message.said();
            let wrapped = said.wrapped;
            message.release(&said, stream, limits, facts, rewrite, out)?;
            self.wrapped = wrapped;
        }
        Ok(())
    }

    /// Whether bytes of a message are left that never became whole.
    pub(super) fn is_cut(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// Whether what is released next must be put in base64.
    pub(super) fn wraps(&self) -> bool {
        self.wrapped
    }
}

impl<'a> Message<'a> {
    fn release(
        &self,
        said: &Said<'_>,
        stream: &mut Stream,
        limits: &Limits,
        facts: &mut Facts,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if memchr(0, &said.text).is_some() {
            return Err(Fault::Garbled("a message of the stream holds no text"));
        }
        let failed = self.header(":message-type")?.is_some_and(|kind| kind != "event");
        let (raw, place) = self.opened(&said.text);
        let frame = Frame { raw: &raw, data: &[place], ended: true };
        let mut frames = Vec::new();
        // What is held back has its place before the error that ends the stream.
        let ended = if failed { stream.end(rewrite, &mut frames) } else { Ok(()) };
        let released = ended.and_then(|()| stream.event(&frame, limits, facts, rewrite, &mut frames));
        let same = |headers: &[u8], text: &[u8]| said.plain && headers == self.headers && text == said.text.as_ref();
        write_frames(&frames, said.wrapped, |headers, text| same(headers, text).then_some(self.raw), out);
        if failed {
            let kind = self.header(":exception-type")?.or(self.header(":error-code")?);
            facts.error = Some(kind.unwrap_or("error").chars().take(120).collect());
            facts.complete = true;
        }
        released
    }

    /// A frame that holds the message for whoever rewrites its text: `length of headers | headers | text | NUL`. No text has
    /// a NUL, so that several frames that are put behind each other can be told apart.
    fn opened(&self, text: &[u8]) -> (Vec<u8>, Range<usize>) {
        let length = u32::try_from(self.headers.len()).unwrap_or_default();
        let mut frame = Vec::with_capacity(text.len() + self.headers.len() + 5);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(self.headers);
        let start = frame.len();
        frame.extend_from_slice(text);
        let end = frame.len();
        frame.push(0);
        (frame, start..end)
    }

    /// What a header of text says.
    ///
    /// # Errors
    /// If the headers are not well-formed.
    fn header(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let mut rest = self.headers;
        let mut found = None;
        while !rest.is_empty() {
            let header = one_header(rest).ok_or(Fault::Garbled("a header of a message is cut"))?;
            if header.name == name.as_bytes() {
                found = header.text.and_then(|text| std::str::from_utf8(text).ok());
            }
            rest = header.rest;
        }
        Ok(found)
    }

    /// What a reader of the message reads: its payload, or what that holds in base64.
    fn said(&self) -> Said<'a> {
        let whole = Said { text: Cow::Borrowed(self.payload), wrapped: false, plain: true };
        if !self.payload.starts_with(b"{") || memmem::find(self.payload, b"\"bytes\"").is_none() {
            return whole;
        }
        let limits = json::Limits { depth: 4, nodes: 64 };
        let Ok(document) = Document::parse(self.payload, &limits) else { return whole };
        let root = document.root();
        let inner = root.get("bytes").and_then(Value::as_str);
        match inner.and_then(|inner| BASE64_STANDARD.decode(inner.as_bytes()).ok()) {
            // `p` is filling, so that the length of a message tells nothing; whatever else stood there nobody has read.
            Some(inner) => {
                let plain = root.children().all(|own| own.is_at("bytes") || own.is_at("p"));
                Said { text: Cow::Owned(inner), wrapped: true, plain }
            }
            None => whole,
        }
    }
}

/// What a message says.
#[derive(Debug)]
struct Said<'a> {
    text: Cow<'a, [u8]>,
    /// Whether it stood in base64 in the payload.
    wrapped: bool,
    /// Whether nothing stood beside it.
    plain: bool,
}

/// Writes frames as messages: as they came where `known` gives those bytes.
fn write_frames<'m>(frames: &[u8], wrapped: bool, known: impl Fn(&[u8], &[u8]) -> Option<&'m [u8]>, out: &mut Vec<u8>) {
    let mut rest = frames;
    while let Some((headers, text, after)) = one_frame(rest) {
        match known(headers, text) {
            Some(raw) => out.extend_from_slice(raw),
            None if wrapped => {
                write(headers, format!("{{\"bytes\":\"{}\"}}", BASE64_STANDARD.encode(text)).as_bytes(), out);
            }
            None => write(headers, text, out),
        }
        rest = after;
    }
}

/// Writes the frames that a stream gives at its end.
pub(super) fn write_last(frames: &[u8], wrapped: bool, out: &mut Vec<u8>) {
    write_frames(frames, wrapped, |_, _| None, out);
}

/// A message with these headers of text.
pub(crate) fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(u8::try_from(name.len()).unwrap_or_default());
        block.extend_from_slice(name.as_bytes());
        block.push(TEXT);
        block.extend_from_slice(&u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    let mut out = Vec::new();
    write(&block, payload, &mut out);
    out
}

/// Entry for fuzzing: each message is a byte with the length of its headers, two with that of its payload, and both. They are
/// sealed as Amazon does it, so that no luck is needed to get past the checksums. Chunks change nothing; what was released is
/// whole messages again; and as they came, save those that said something beside what they hold in base64.
pub fn fuzz(bytes: &[u8]) {
    let Some(endpoint) = crate::endpoint(Dialect::Bedrock, "POST", "/model/m/converse-stream") else { return };
    let (mut stream, mut rest) = (Vec::new(), bytes);
    while let [headers, high, low, body @ ..] = rest {
        let (headers, payload) = (usize::from(*headers), usize::from(u16::from_be_bytes([*high, *low])));
        let Some((block, body)) = body.split_at_checked(headers) else { break };
        let (payload, after) = body.split_at_checked(payload).unwrap_or((body, &[]));
        write(block, payload, &mut stream);
        rest = after;
    }
    let limits = Limits { frame: 1 << 12, body: 1 << 14, depth: 16, nodes: 512 };
    let mut results = Vec::new();
    for size in [1, 13, stream.len().max(1)] {
        let kind = "application/vnd.amazon.eventstream";
        let mut answer = Answer::new(endpoint.dialect(), endpoint, 200, kind, false).within(limits);
        let mut out = Vec::new();
        let pushed = stream.chunks(size).try_for_each(|chunk| answer.push(chunk, &mut super::fuzz::Same, &mut out));
        let ended = pushed.and_then(|()| answer.finish(&mut super::fuzz::Same, &mut out));
        results.push((ended, out, answer.facts().clone()));
    }
    assert!(results.windows(2).all(|pair| pair.first() == pair.last()), "chunking changes nothing");
    let Some((_, out, _)) = results.pop() else { return };
    let mut messages = Messages::new(usize::MAX);
    messages.feed(&out);
    let mut came = Messages::new(usize::MAX);
    came.feed(&stream);
    while let Ok(Some(message)) = messages.next() {
        let Ok(Some(before)) = came.next() else { break };
        let (said, first) = (message.said(), before.said());
        assert!(said.text == first.text && message.headers == before.headers, "nothing is changed");
        assert!(message.raw == before.raw || !first.plain, "nothing is written anew without need");
    }
    assert!(!messages.is_cut(), "what is released is whole messages");
}

fn write(headers: &[u8], payload: &[u8], out: &mut Vec<u8>) {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let start = out.len();
    out.extend_from_slice(&length(PRELUDE + headers.len() + payload.len() + CHECKSUM));
    out.extend_from_slice(&length(headers.len()));
    seal(start, out);
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    seal(start, out);
}

/// Appends the checksum of all from `start` on.
fn seal(start: usize, out: &mut Vec<u8>) {
    let sum = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&sum.to_be_bytes());
}

/// Whether the last four bytes are the checksum of those before.
fn sums(bytes: &[u8]) -> bool {
    let Some((before, sum)) = bytes.split_last_chunk::<CHECKSUM>() else { return false };
    crc32fast::hash(before) == u32::from_be_bytes(*sum)
}

fn number(bytes: &[u8], at: usize) -> usize {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    usize::try_from(u32::from_be_bytes(four)).unwrap_or(usize::MAX)
}

/// The kind of header that holds text.
const TEXT: u8 = 7;

/// A header of a message.
struct Header<'a> {
    name: &'a [u8],
    /// Its bytes, if it is one of text.
    text: Option<&'a [u8]>,
    /// What follows it.
    rest: &'a [u8],
}

/// The first header of a block.
fn one_header(block: &[u8]) -> Option<Header<'_>> {
    let (length, rest) = block.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let fixed = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        9 => 16,
        6 | &TEXT => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            return Some(Header { name, text: (*kind == TEXT).then_some(value), rest });
        }
        _ => return None,
    };
    rest.split_at_checked(fixed).map(|(_, rest)| Header { name, text: None, rest })
}

fn one_frame(frames: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = frames.split_first_chunk::<4>()?;
    let (headers, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let (text, after) = rest.split_at_checked(memchr(0, rest)?)?;
    Some((headers, text, after.get(1..)?))
}
