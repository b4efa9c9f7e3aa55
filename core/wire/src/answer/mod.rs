//! Answers on their way back: read as they stream, rewritten where they must be, byte for byte as they came where not.
//!
//! ```text
//! chunks -> carrier -> events (sse) | lines (ndjson) -> reading (openai, anthropic, ...) -> channels + Rewrite -> out
//!                    \ elements of an array | messages (amazon) /
//!                    \ document, message, text: whole, at the end                                          \-> facts
//!                     \ opaque: as they come
//! ```
//!
//! What the caller assembles from a stream is what a rewriter sees: the deltas of one text joined, whatever the events,
//! chunks, escapes or halves of characters they were cut into. Nothing waits here, and no more is kept than one
//! event, an event's frame for each text of which something is held back, and what the rewriter itself holds.
//! Names of members are not texts and stay as they are; so do comments and fields of events other than `data`.

mod amazon;
mod anthropic;
mod bedrock;
mod calls;
mod carrier;
mod channel;
mod cohere;
mod described;
mod document;
mod elements;
mod facts;
mod farewell;
mod frame;
mod fuzz;
mod gemini;
mod kserve;
mod llamacpp;
mod logprobs;
mod message;
pub mod ndjson;
mod offers;
mod ollama;
mod openai;
mod reading;
mod realtime;
pub mod sse;
mod stream;
mod surrogate;

pub use amazon::fuzz as fuzz_messages;
pub use carrier::Carrier;
pub use facts::Facts;
pub use farewell::error_event;
pub use frame::{Frame, TooLong};
pub use fuzz::fuzz;
pub(crate) use message::fuzz as fuzz_message;

use crate::{Endpoint, json};
use amazon::Messages;
pub(crate) use amazon::message as sealed;
use elements::Elements;
use ndjson::Lines;
use plant::{Dialect, Reason, Refusal, Rewrite};
use sse::Events;
use stream::{Fault, Stream, unless_stopped};

/// What reading an answer may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest event of a stream, in bytes.
    pub frame: usize,
    /// Longest body that must be taken whole, in bytes.
    pub body: usize,
    /// Deepest nesting of arrays and objects.
    pub depth: u32,
    /// Most JSON values in one event or document.
    pub nodes: u32,
}

impl Default for Limits {
    /// 16 MiB to an event (the last event of a stream can hold an image in base64), 64 MiB to a body as in a conduit's
    /// default bounds, depth 128 (twice a request's: schemas and tool results come back quoted), a million values.
    fn default() -> Self {
        Self { frame: 16 << 20, body: 64 << 20, depth: 128, nodes: 1 << 20 }
    }
}

/// How much of a document that passes unread is kept for its facts.
const COPY: usize = 1 << 20;

/// An answer that cannot be carried on. What was given before it stays released and ends with a whole event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Broken {
    /// [`Reason::ProviderBroken`], [`Reason::AnswerTooLarge`], or why the rewriter stopped it.
    pub reason: Reason,
    /// What is wrong, for the plant's people. Never content.
    pub detail: String,
    /// Bytes that were given so far, what came with this included.
    pub released: u64,
}

/// An answer as it passes.
#[derive(Debug)]
pub struct Answer {
    dialect: Dialect,
    endpoint: Endpoint,
    status: u16,
    kind: String,
    passive: bool,
    limits: Limits,
    facts: Facts,
    body: Body,
    stream: Stream,
    taken: u64,
    released: u64,
    broken: Option<Broken>,
}

/// What is under way of a body.
#[derive(Debug)]
enum Body {
    /// Its first bytes, until they tell what it is.
    Unknown(Vec<u8>),
    Events(Events),
    Lines(Lines),
    Elements(Elements),
    Messages(Messages),
    Document(Vec<u8>),
    /// A body of gRPC.
    Message(Vec<u8>),
    Text(Vec<u8>),
    Opaque,
}

impl Answer {
    /// An answer of an endpoint, as its head declares it. `kind` is the content type, empty if there is none.
    ///
    /// A `passive` answer is one in which nothing could need rewriting: the rewriter is never called, and a document is
    /// released as it comes.
    #[must_use]
    pub fn new(dialect: Dialect, endpoint: Endpoint, status: u16, kind: &str, passive: bool) -> Self {
        let limits = Limits::default();
        let mut answer = Self {
            dialect,
            endpoint,
            status,
            kind: kind.to_owned(),
            passive,
            limits,
            facts: Facts::default(),
            body: Body::Unknown(Vec::new()),
            stream: Stream::new(dialect, b"", passive, &limits),
            taken: 0,
            released: 0,
            broken: None,
        };
        answer.begin_declared();
        answer
    }

    /// The same answer within other limits. To be set before the first byte.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self.body = Body::Unknown(Vec::new());
        self.begin_declared();
        self
    }

    fn begin_declared(&mut self) {
        match Carrier::declared(&self.kind) {
            _ if self.endpoint.is_grpc() => self.begin(Carrier::Message),
            Some(Carrier::Document) if self.status < 400 && self.endpoint.gives_elements() => {
                self.begin(Carrier::Elements);
            }
            Some(carrier) => self.begin(carrier),
            None => {}
        }
    }

    /// Takes the next bytes of the answer; appends to `out` what is released.
    ///
    /// # Errors
    /// If the answer cannot be carried on. What stands in `out` may be released still; nothing more will come.
    pub fn push(&mut self, chunk: &[u8], rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) -> Result<(), Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let before = out.len();
        self.taken = self.taken.saturating_add(chunk.len() as u64);
        let taken = self.take(chunk, rewrite, out);
        self.settle(taken, out.len() - before)
    }

    /// The answer's body has ended; appends to `out` what was still held back.
    ///
    /// # Errors
    /// If it ended too early, or is not what it declared to be. What stands in `out` may be released still.
    pub fn finish(&mut self, rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) -> Result<(), Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let before = out.len();
        let ended = self.end(rewrite, out);
        self.settle(ended, out.len() - before)?;
        self.facts.complete = true;
        Ok(())
    }

    /// What is known of the answer so far.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The endpoint that answers.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// How the answer is carried; `None` until its first bytes have told.
    #[must_use]
    pub fn carrier(&self) -> Option<Carrier> {
        match self.body {
            Body::Unknown(_) => None,
            Body::Events(_) => Some(Carrier::Events),
            Body::Lines(_) => Some(Carrier::Lines),
            Body::Elements(_) => Some(Carrier::Elements),
            Body::Messages(_) => Some(Carrier::Messages),
            Body::Document(_) => Some(Carrier::Document),
            Body::Message(_) => Some(Carrier::Message),
            Body::Text(_) => Some(Carrier::Text),
            Body::Opaque => Some(Carrier::Opaque),
        }
    }

    /// The last event of an answer that ends badly, in the form it is carried in; `None` if it can only be cut.
    #[must_use]
    pub fn error_event(&self, refusal: &Refusal, record: &str) -> Option<Vec<u8>> {
        let event = farewell::farewell(self.dialect, self.endpoint, self.carrier()?, refusal, record)?;
        // The first element of an array has another mark before it than those that follow.
        let opens = matches!(self.body, Body::Elements(_)).then_some(if self.released == 0 { "[" } else { "," });
        Some([opens.unwrap_or_default().as_bytes(), &event].concat())
    }

    fn begin(&mut self, carrier: Carrier) {
        let terminator: &[u8] = match carrier {
            Carrier::Lines => b"\n",
            Carrier::Elements => b"",
            Carrier::Messages => b"\0",
            Carrier::Events | Carrier::Document | Carrier::Message | Carrier::Text | Carrier::Opaque => b"\n\n",
        };
        self.stream = Stream::new(self.dialect, terminator, self.passive, &self.limits);
        self.body = match carrier {
            Carrier::Events => Body::Events(Events::new(self.limits.frame)),
            Carrier::Lines => Body::Lines(Lines::new(self.limits.frame)),
            Carrier::Elements => Body::Elements(Elements::new(self.limits.frame)),
            Carrier::Messages => Body::Messages(Messages::new(self.limits.frame)),
            Carrier::Document => Body::Document(Vec::new()),
            Carrier::Message => Body::Message(Vec::new()),
            Carrier::Text => Body::Text(Vec::new()),
            Carrier::Opaque => Body::Opaque,
        };
    }

    fn take(&mut self, chunk: &[u8], rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Self { body, stream, limits, facts, .. } = self;
        match body {
            Body::Unknown(sample) => {
                sample.extend_from_slice(chunk);
                if sample.len() < carrier::SAMPLE {
                    return Ok(());
                }
                self.decide(rewrite, out)
            }
            Body::Events(events) => {
                events.feed(chunk);
                while let Some(frame) = events.next()? {
                    stream.event(&frame, limits, facts, rewrite, out)?;
                }
                Ok(())
            }
            Body::Lines(lines) => {
                lines.feed(chunk);
                while let Some(frame) = lines.next()? {
                    stream.event(&frame, limits, facts, rewrite, out)?;
                }
                Ok(())
            }
            Body::Elements(elements) => {
                elements.feed(chunk);
                while let Some(frame) = elements.next()? {
                    stream.event(&frame, limits, facts, rewrite, out)?;
                }
                Ok(())
            }
            Body::Messages(messages) => {
                messages.feed(chunk);
                messages.release(stream, limits, facts, rewrite, out)
            }
            Body::Document(kept) if self.passive => {
                out.extend_from_slice(chunk);
                keep_some(kept, chunk, COPY.min(limits.body));
                Ok(())
            }
            Body::Message(kept) => keep_all(kept, chunk, limits.body),
            Body::Document(kept) | Body::Text(kept) if !self.passive => keep_all(kept, chunk, limits.body),
            Body::Document(_) | Body::Text(_) | Body::Opaque => {
                out.extend_from_slice(chunk);
                Ok(())
            }
        }
    }

    /// Tells from its first bytes what the body is, and goes on with them.
    fn decide(&mut self, rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Body::Unknown(sample) = &mut self.body else { return Ok(()) };
        let sample = std::mem::take(sample);
        let told = Carrier::sniff(&self.kind, sample.get(..carrier::SAMPLE).unwrap_or(&sample));
        // A stored file that begins like JSON may be lines of it: what a batch has come to is.
        let stored = told == Carrier::Document && self.endpoint.name() == "files.content";
        self.begin(if stored { Carrier::Text } else { told });
        self.take(&sample, rewrite, out)
    }

    fn end(&mut self, rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.decide(rewrite, out)?;
        // The beginning of an event that never came is not passed on: an error follows it.
        let cut = self.must_end() && !self.facts.complete;
        let Self { body, stream, limits, facts, .. } = self;
        match body {
            Body::Unknown(_) | Body::Opaque => Ok(()),
            Body::Text(_) if self.passive => Ok(()),
            Body::Text(kept) => {
                let before = out.len();
                document::release_text(&std::mem::take(kept), rewrite, out);
                unless_stopped(rewrite, Ok(()), before, out)
            }
            Body::Message(kept) => {
                let (kept, before) = (std::mem::take(kept), out.len());
                let released = message::release(self.endpoint, &kept, limits, facts, rewrite, out);
                unless_stopped(rewrite, released, before, out)
            }
            // No content (204), or a HEAD.
            Body::Document(_) if self.taken == 0 => Ok(()),
            Body::Document(kept) => {
                facts.frames = 1;
                let kept = std::mem::take(kept);
                let whole = kept.len() as u64 == self.taken;
                let before = out.len();
                let released = match (self.passive, whole) {
                    (true, false) => Ok(()),
                    (true, true) => document::note(&kept, limits, facts),
                    (false, _) => document::release(&kept, limits, facts, rewrite, out),
                };
                let released = released.map_err(Fault::from);
                unless_stopped(rewrite, released, before, out)
            }
            Body::Events(events) => {
                let read = events.rest().map_or(Ok(()), |frame| {
                    if cut && frame.data.is_empty() {
                        Ok(())
                    } else {
                        stream.event(&frame, limits, facts, rewrite, out)
                    }
                });
                self.end_stream(read, rewrite, out)
            }
            Body::Lines(lines) => {
                let read = lines.rest().map_or(Ok(()), |frame| stream.event(&frame, limits, facts, rewrite, out));
                self.end_stream(read, rewrite, out)
            }
            Body::Elements(elements) => {
                let read = elements
                    .rest()
                    .and_then(|frame| frame.map_or(Ok(()), |frame| stream.event(&frame, limits, facts, rewrite, out)));
                self.end_stream(read, rewrite, out)
            }
            Body::Messages(messages) => {
                let cut = Err(Fault::Garbled("the stream ends in the middle of a message"));
                let (read, wraps) = (if messages.is_cut() { cut } else { Ok(()) }, messages.wraps());
                self.end_messages(read, wraps, rewrite, out)
            }
        }
    }

    /// Ends a stream of messages, whose last texts are yet to become messages.
    fn end_messages(
        &mut self,
        read: Result<(), Fault>,
        wraps: bool,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut frames = Vec::new();
        let ended = self.end_stream(read, rewrite, &mut frames);
        amazon::write_last(&frames, wraps, out);
        ended
    }

    fn end_stream(
        &mut self,
        read: Result<(), Fault>,
        rewrite: &mut dyn Rewrite,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        // What the provider did send is the caller's, whether or not more should have come.
        let given = self.stream.end(rewrite, out);
        let ended = match given.and(read) {
            Ok(()) if self.must_end() && !self.facts.complete => {
                Err(Fault::Garbled("the stream broke off before its last event"))
            }
            read => read,
        };
        if ended.is_err() {
            self.stream.close(out);
        }
        ended
    }

    /// Whether the dialect marks the end of such a stream.
    fn must_end(&self) -> bool {
        self.status < 400
            && match self.dialect {
                Dialect::OpenAi | Dialect::Azure | Dialect::Vllm => openai::must_end(self.endpoint.name()),
                Dialect::Mistral => self.endpoint.name().ends_with("completions"),
                Dialect::Anthropic => self.endpoint.name() == "messages",
                Dialect::Bedrock => self.endpoint.name() == "converse-stream",
                Dialect::Cohere => self.endpoint.name() == "chat",
                Dialect::LlamaCpp => {
                    matches!(self.endpoint.name(), "completion" | "infill" | "chat.completions" | "completions")
                }
                Dialect::Ollama => true,
                Dialect::Gemini | Dialect::Kserve | Dialect::Json | Dialect::Described(_) | Dialect::Mcp => false,
            }
    }

    fn settle(&mut self, ended: Result<(), Fault>, given: usize) -> Result<(), Broken> {
        self.released = self.released.saturating_add(given as u64);
        let Err(fault) = ended else { return Ok(()) };
        let (reason, detail) = fault.into_reason();
        let broken = Broken { reason, detail, released: self.released };
        self.broken = Some(broken.clone());
        Err(broken)
    }
}

impl Fault {
    fn into_reason(self) -> (Reason, String) {
        match self {
            Self::TooLong(limit) => {
                (Reason::AnswerTooLarge, format!("what must be taken whole is longer than {limit} bytes"))
            }
            Self::Garbled(detail) => (Reason::ProviderBroken, detail.to_owned()),
            Self::Json(error) => {
                (Reason::ProviderBroken, format!("the answer is not the JSON it declares to be: {error}"))
            }
            Self::Message(malformed) => {
                (Reason::ProviderBroken, format!("the answer is not the message it declares to be: {malformed}"))
            }
            Self::Stopped(refusal) => (refusal.reason, refusal.detail),
            Self::TooMany => (Reason::AnswerTooLarge, "the stream has too many texts open at once".to_owned()),
        }
    }
}

impl From<TooLong> for Fault {
    fn from(TooLong { limit }: TooLong) -> Self {
        Self::TooLong(limit)
    }
}

impl From<json::Error> for Fault {
    fn from(error: json::Error) -> Self {
        Self::Json(error)
    }
}

/// Appends all of it.
fn keep_all(kept: &mut Vec<u8>, chunk: &[u8], most: usize) -> Result<(), Fault> {
    if kept.len().saturating_add(chunk.len()) > most {
        return Err(Fault::TooLong(most));
    }
    kept.extend_from_slice(chunk);
    Ok(())
}

/// Appends what fits.
fn keep_some(kept: &mut Vec<u8>, chunk: &[u8], most: usize) {
    let room = most.saturating_sub(kept.len()).min(chunk.len());
    kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
}
