//! Reads the events of a stream one by one and releases each: as it came, or with some texts replaced.
//!
//! A frame whose text is held back goes out in its place with what may be released of it, often nothing: an empty
//! delta is what every dialect sends itself, the caller sees that the answer is alive, and the order of events
//! and what else they carry stay. What was held back goes out in an event of its own before the one that ends its text.

use super::Limits;
use super::calls;
use super::channel::{Channels, Rest, Template, TooMany};
use super::document::{self, parse, wholes};
use super::facts::Facts;
use super::frame::{Frame, SPARE};
use super::logprobs;
use super::offers;
use super::openai;
use super::reading::{End, Mould, Reading};
use super::surrogate::Edges;
use crate::error::Malformed;
use crate::json::{self, Document};
use plant::{Dialect, Form, Refusal, Rewrite};
use std::collections::BTreeSet;
use std::ops::Range;

/// Most pieces of texts, and most ends of texts, in one event. Real ones have one; a choice each at most.
const MOST: usize = 4096;

/// Why an event cannot be released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is longer than it may be.
    TooLong(usize),
    /// It is not what its dialect sends.
    Garbled(&'static str),
    /// It is not the JSON that it declares to be.
    Json(json::Error),
    /// It is not the message that it declares to be.
    Message(Malformed),
    /// More texts are open than may be.
    TooMany,
    /// A rewriter does not let it go on.
    Stopped(Box<Refusal>),
}

/// Takes back what was given since `before`, if the rewriter does not let it go.
///
/// # Errors
/// [`Fault::Stopped`] if so; else what `given` says.
pub(super) fn unless_stopped(
    rewrite: &dyn Rewrite,
    given: Result<(), Fault>,
    before: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    match rewrite.stopped() {
        None => given,
        Some(refusal) => {
            out.truncate(before);
            Err(Fault::Stopped(Box::new(refusal)))
        }
    }
}

impl From<TooMany> for Fault {
    fn from(_: TooMany) -> Self {
        Self::TooMany
    }
}

/// A replacement of a stretch of the payload.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) span: Range<usize>,
    pub(super) bytes: Vec<u8>,
}

/// Reads the events of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    dialect: Dialect,
    /// What ends an event that lacks its end. Empty for the elements of an array, NUL for messages of Amazon's.
    terminator: &'static [u8],
    passive: bool,
    channels: Channels,
    /// Whether the last event that was released lacks its end.
    open: bool,
    scratch: Vec<u8>,
}

impl Stream {
    pub(super) fn new(dialect: Dialect, terminator: &'static [u8], passive: bool, limits: &Limits) -> Self {
        let channels = Channels::new(limits.frame);
        Self { dialect, terminator, passive, channels, open: false, scratch: Vec::new() }
    }

    /// Releases one event.
    pub(super) fn event(
        &mut self,
        frame: &Frame<'_>,
        limits: &Limits,
        facts: &mut Facts,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let payload = frame.payload(&mut scratch);
        let before = out.len();
        let released = self.payload(frame, payload, limits, facts, rewrite, out);
        let released = unless_stopped(rewrite, released, before, out);
        scratch.clear();
        scratch.shrink_to(SPARE);
        self.scratch = scratch;
        self.open = !frame.ended && released.is_ok();
        released
    }

    fn payload(
        &mut self,
        frame: &Frame<'_>,
        payload: &[u8],
        limits: &Limits,
        facts: &mut Facts,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let trimmed = payload.trim_ascii();
        if trimmed.is_empty() {
            out.extend_from_slice(frame.raw);
            return Ok(());
        }
        facts.frames += 1;
        if openai::is_done(trimmed) && matches!(self.dialect.kin(), Dialect::OpenAi | Dialect::Cohere | Dialect::Json) {
            self.end(rewrite, out)?;
            facts.complete = true;
            out.extend_from_slice(frame.raw);
            return Ok(());
        }
        let mut mended = Vec::new();
        match parse(payload, limits, &mut mended) {
            Ok(document) => {
                facts.note(&document);
                let reading = Reading::of(self.dialect, &document);
                facts.complete |= reading.last;
                if self.passive {
                    out.extend_from_slice(frame.raw);
                    return Ok(());
                }
                document::show(payload, rewrite);
                calls::tell(&document, rewrite);
                self.release(frame, payload, &document, &reading, rewrite, out)
            }
            Err(_) if !frame.ended => Err(Fault::Garbled("the stream ends in mid-event")),
            Err(_) => self.text(frame, payload, rewrite, out),
        }
    }

    /// Releases an event whose payload is JSON.
    fn release(
        &mut self,
        frame: &Frame<'_>,
        came: &[u8],
        document: &Document<'_>,
        reading: &Reading<'_>,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if reading.deltas.len().max(reading.ends.len()) > MOST {
            return Err(Fault::TooMany);
        }
        let mut said = Vec::with_capacity(reading.deltas.len());
        for delta in &reading.deltas {
            let text = delta.text.decode();
            let span = delta.text.span();
            let edges = match came.get(span) {
                Some(came) if came != delta.text.raw().as_bytes() => Edges::of(came, delta.text.raw().as_bytes()),
                _ => Edges::default(),
            };
            said.push(self.channels.text(delta.key, delta.json, &text)?.take(&text, edges, rewrite));
        }
        for rest in self.channels.end(&reading.ends, rewrite) {
            let place = reading.deltas.iter().rposition(|delta| delta.key == rest.key);
            match place.and_then(|place| Some((reading.deltas.get(place)?, said.get_mut(place)?))) {
                Some((delta, said)) => {
                    let came = || came.get(delta.text.span()).unwrap_or_default().to_vec();
                    said.get_or_insert_with(came).extend_from_slice(&rest.bytes);
                }
                None => self.put(&rest, out),
            }
        }
        let mut own: Vec<usize> = reading.deltas.iter().map(|delta| delta.node).collect();
        own.sort_unstable();
        let changes = wholes(document, |node| own.binary_search(&node).is_ok(), rewrite);
        let changes = logprobs::without(document, changes, said.iter().any(Option::is_some));
        let mut changes = offers::without(changes, offers::withheld(document, rewrite));
        self.keep(frame, reading, &changes)?;
        for (delta, said) in reading.deltas.iter().zip(said) {
            changes.extend(said.map(|bytes| Change { span: delta.text.span(), bytes }));
        }
        splice(frame, changes, out)
    }

    /// Releases an event whose payload is no JSON.
    fn text(
        &mut self,
        frame: &Frame<'_>,
        payload: &[u8],
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let structured = matches!(payload.trim_ascii_start().first(), Some(b'{' | b'['));
        if structured || !matches!(self.dialect.kin(), Dialect::Json | Dialect::Kserve) {
            return Err(Fault::Garbled("an event of the stream is no JSON"));
        }
        let Ok(text) = std::str::from_utf8(payload) else {
            return Err(Fault::Garbled("an event of the stream is no UTF-8"));
        };
        let new = if self.passive { None } else { rewrite.whole(text, Form::Plain) };
        let Some(new) = new else {
            out.extend_from_slice(frame.raw);
            return Ok(());
        };
        let mut lines = new.split(['\r', '\n']);
        let mut at = 0;
        for (n, place) in frame.data.iter().enumerate() {
            out.extend_from_slice(frame.raw.get(at..place.start).unwrap_or_default());
            out.extend_from_slice(lines.next().unwrap_or_default().as_bytes());
            at = place.end;
            if n + 1 == frame.data.len() {
                for line in lines.by_ref() {
                    out.extend_from_slice(b"\ndata: ");
                    out.extend_from_slice(line.as_bytes());
                }
            }
        }
        out.extend_from_slice(frame.raw.get(at..).unwrap_or_default());
        Ok(())
    }

    /// Ends every text and releases what was held back.
    ///
    /// # Errors
    /// If the rewriter does not let it go.
    pub(super) fn end(&mut self, rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) -> Result<(), Fault> {
        let before = out.len();
        for rest in self.channels.end(&[End::All], rewrite) {
            self.put(&rest, out);
        }
        unless_stopped(rewrite, Ok(()), before, out)
    }

    /// Ends the last event that was released, if it lacks its end.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.open) {
            out.extend_from_slice(self.terminator);
        }
    }

    /// Releases the rest of a text in an event of its own.
    fn put(&mut self, rest: &Rest, out: &mut Vec<u8>) {
        debug_assert!(rest.template.is_some(), "a rewriter that released all it took has nothing left to give");
        let Some(template) = &rest.template else { return };
        self.close(out);
        out.extend_from_slice(&template.head);
        out.extend_from_slice(&rest.bytes);
        out.extend_from_slice(&template.tail);
    }

    /// Keeps, for each text of which something is held back, the event that would carry its rest.
    fn keep(&mut self, frame: &Frame<'_>, reading: &Reading<'_>, others: &[Change]) -> Result<(), Fault> {
        let mut kept = BTreeSet::new();
        // Choices share what stands around them, so that an event of many costs no more than their sum.
        let mut shared: Option<(Range<usize>, Template)> = None;
        for delta in reading.deltas.iter().rev() {
            if !self.channels.holds(&delta.key) || !kept.insert(delta.key) {
                continue;
            }
            let template = match &delta.mould {
                Mould::Own { event, before, after } => self.own(frame, event, before, after),
                Mould::Same(gone) => self.around(frame, &delta.text.span(), gone, reading, others),
                Mould::Around { stretch, before, after, gone } => {
                    let fresh = || (stretch.clone(), self.around(frame, stretch, gone, reading, others));
                    let (place, around) = shared.get_or_insert_with(fresh);
                    if place != stretch {
                        (*place, *around) = fresh();
                    }
                    let head = [&around.head, before.as_bytes()].concat();
                    Template { head, tail: [after.as_bytes(), &around.tail].concat() }
                }
            };
            self.channels.keep(&delta.key, template)?;
        }
        Ok(())
    }

    /// An event of its own, framed as the others are.
    fn own(&self, frame: &Frame<'_>, event: &str, before: &str, after: &str) -> Template {
        let head = match self.terminator {
            // The headers of the message at hand stand before its payload.
            b"\0" => {
                let headers = frame.data.first().and_then(|data| frame.raw.get(..data.start)).unwrap_or_default();
                [headers, before.as_bytes()].concat()
            }
            b"\n\n" => format!("event: {event}\ndata: {before}").into_bytes(),
            _ => before.as_bytes().to_vec(),
        };
        Template { head, tail: [after.as_bytes(), self.terminator].concat() }
    }

    /// The event without any text, cut in two at a stretch that goes.
    fn around(
        &self,
        frame: &Frame<'_>,
        stretch: &Range<usize>,
        gone: &[(Range<usize>, &'static str)],
        reading: &Reading<'_>,
        others: &[Change],
    ) -> Template {
        let mut cuts: Vec<(Range<usize>, &[u8])> = vec![(stretch.clone(), b"")];
        cuts.extend(gone.iter().map(|(span, put)| (span.clone(), put.as_bytes())));
        cuts.extend(reading.deltas.iter().map(|other| (other.text.span(), &b""[..])));
        cuts.extend(others.iter().map(|change| (change.span.clone(), change.bytes.as_slice())));
        // An outer stretch before those within it, which are skipped then.
        cuts.sort_by_key(|(span, _)| (span.start, usize::MAX - span.end));
        let mut template = Template::default();
        let mut at = 0;
        let mut bytes = Vec::with_capacity(frame.raw.len());
        for (span, put) in cuts {
            let Some(place) = place(frame, &span).filter(|place| place.start >= at) else { continue };
            bytes.extend_from_slice(frame.raw.get(at..place.start).unwrap_or_default());
            bytes.extend_from_slice(put);
            at = place.end;
            if span == *stretch {
                template.head = std::mem::take(&mut bytes);
            }
        }
        bytes.extend_from_slice(frame.raw.get(at..).unwrap_or_default());
        if !frame.ended {
            bytes.extend_from_slice(self.terminator);
        }
        template.tail = bytes;
        // A byte order mark belongs to the start of the stream alone.
        if template.head.starts_with(b"\xef\xbb\xbf") {
            template.head.drain(..3);
        }
        // And so does the bracket that opens an array of events.
        if self.terminator.is_empty()
            && let Some(open) = template.head.iter_mut().find(|byte| !byte.is_ascii_whitespace())
            && *open == b'['
        {
            *open = b',';
        }
        template
    }
}

/// Where a stretch of the payload stands, also one that spans lines.
fn place(frame: &Frame<'_>, span: &Range<usize>) -> Option<Range<usize>> {
    let first = frame.locate(&(span.start..span.start))?;
    let last = frame.locate(&(span.end..span.end))?;
    (first.start <= last.end).then_some(first.start..last.end)
}

/// Releases an event with some stretches replaced.
fn splice(frame: &Frame<'_>, mut changes: Vec<Change>, out: &mut Vec<u8>) -> Result<(), Fault> {
    changes.sort_by_key(|change| change.span.start);
    let mut at = 0;
    for change in changes {
        let Some(place) = frame.locate(&change.span) else {
            return Err(Fault::Garbled("a text of the stream spans lines"));
        };
        out.extend_from_slice(frame.raw.get(at..place.start).unwrap_or_default());
        out.extend_from_slice(&change.bytes);
        at = place.end;
    }
    out.extend_from_slice(frame.raw.get(at..).unwrap_or_default());
    Ok(())
}
