//! Messages of the open inference protocol in protocol buffers: where their texts stand, and the lengths around them.
//!
//! A field that is known is held to its type; one that is not is read all the same: as a text, and as a message if it could be
//! one. Singular fields come once: a server takes the last of several, and would read another than the one that was judged.
//!
//! ```text
//! body ─> gRPC's frame ─> Fields ─> walk along a Shape ─> Item (text | file), Lengths, Tensor
//! ```

mod field;
mod length;
mod shape;
mod tensor;
mod walk;

pub(crate) use length::{Change, Lengths};
pub(crate) use tensor::Tensor;

use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::grpc;
use length::Form;
use plant::Reason;
use shape::Shape;
use std::ops::Range;

/// What reading a message may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Deepest nesting of messages.
    pub(crate) depth: u32,
    /// Most fields, numbers and elements of tensors.
    pub(crate) nodes: u32,
    /// Most texts and files.
    pub(crate) items: usize,
}

/// A text or a file in a message.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
    pub(crate) said: Said<'a>,
    pub(crate) hold: Hold,
}

/// What an item says.
#[derive(Clone, Debug)]
pub(crate) enum Said<'a> {
    Text(&'a str),
    /// No text in UTF-8.
    File(&'a [u8]),
    /// What can be read of it, though it does not stand there so: long numbers, a text in another encoding.
    Read(String),
}

/// Whether an item may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Free,
    /// It holds the message together.
    Word,
    /// Nobody knows what it is, or something else says how long it is.
    Foreign,
}

/// A message, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) lengths: Lengths,
    /// Where its bytes are.
    pub(crate) span: Range<usize>,
    /// The model, and where its name stands.
    pub(crate) model: Option<(&'a str, Range<usize>)>,
    pub(crate) id: Option<&'a str>,
    pub(crate) tensors: Vec<Tensor<'a>>,
}

/// Reads a request that is one message.
pub(crate) fn request<'a>(endpoint: Endpoint, body: &'a [u8], limits: &Limits) -> Result<Message<'a>, Malformed> {
    let shape = match endpoint.name() {
        "infer" | "infer_stream" => &shape::INFER,
        "model" | "model.ready" => &shape::NAMED,
        _ => &shape::EMPTY,
    };
    match grpc::messages(body, usize::MAX)?.as_slice() {
        [only] => read(shape, body, only, limits),
        _ => Err(Malformed::new(0, "the body is not one message")),
    }
}

/// Reads the messages of an answer.
pub(crate) fn answer<'a>(
    endpoint: Endpoint,
    body: &'a [u8],
    limits: &Limits,
) -> Result<Option<Message<'a>>, Malformed> {
    let shape = match endpoint.name() {
        "infer" => &shape::INFERRED,
        "infer_stream" => &shape::STREAMED,
        "model" => &shape::MODEL,
        "server" => &shape::SERVER,
        _ => &shape::SAYS,
    };
    match grpc::messages(body, usize::MAX)?.as_slice() {
        [] => Ok(None),
        [only] => read(shape, body, only, limits).map(Some),
        _ => Err(Malformed::new(0, "the answer is more than one message")),
    }
}

fn read<'a>(
    shape: &'static Shape,
    body: &'a [u8],
    frame: &grpc::Message,
    limits: &Limits,
) -> Result<Message<'a>, Malformed> {
    if frame.compressed {
        return Err(Malformed::with(Reason::ContentEncoding, 0, "the message is compressed"));
    }
    walk::walk(shape, body, frame.span.clone(), limits)
}

/// The length before a message of gRPC, at its place.
fn framed(lengths: &mut Lengths, span: &Range<usize>) {
    lengths.note(Form::Frame, span.start.saturating_sub(4)..span.start, span.clone());
}

impl Message<'_> {
    /// The same in the protocol's JSON: its tensors, and whose they are.
    pub(crate) fn json(&self) -> String {
        tensor::json(self.model.as_ref().map(|(model, _)| *model), self.id, &self.tensors)
    }
}

/// One frame with a `ModelStreamInferResponse` that is an error: what is wrong, and with which request.
pub(crate) fn error_frame(text: &str, id: Option<&str>) -> Vec<u8> {
    let mut message = text_field(1, text);
    if let Some(id) = id {
        let answer = text_field(3, id);
        field::write(2 << 3 | 2, &mut message);
        field::write(answer.len() as u64, &mut message);
        message.extend_from_slice(&answer);
    }
    let head = grpc::head(message.len()).unwrap_or_default();
    [&head, message.as_slice()].concat()
}

/// A message with this field of text alone, for a model that a request does not name.
pub(crate) fn text_field(number: u32, text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 8);
    field::write(u64::from(number) << 3 | 2, &mut bytes);
    text_at(text, &mut bytes);
    bytes
}

fn text_at(text: &str, bytes: &mut Vec<u8>) {
    field::write(text.len() as u64, bytes);
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
