//! Answers of gRPC that are one message of protocol buffers: taken whole, like a JSON document.

use super::Limits;
use super::facts::Facts;
use super::stream::Fault;
use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::protobuf::{self, Change, Hold, Item, Said};
use plant::{Form, Reason, Rewrite};
use std::ops::Range;

/// Releases a body: every text that may be changed is, with the lengths around it, and each other byte as it came.
///
/// # Errors
/// What is wrong with it, if it is no message; or if something would have to be changed where nothing can be.
pub(super) fn release(
    endpoint: Endpoint,
    bytes: &[u8],
    limits: &Limits,
    facts: &mut Facts,
    rewrite: &mut dyn Rewrite,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let own = protobuf::Limits { depth: limits.depth, nodes: limits.nodes, items: usize::MAX };
    let Some(message) = protobuf::answer(endpoint, bytes, &own)? else { return Ok(()) };
    facts.frames = 1;
    facts.message(message.model.as_ref().map(|(model, _)| *model), message.id);
    if !message.tensors.is_empty() {
        rewrite.document(&message.json());
    }
    let mut changes = changed(&message.items, rewrite)?;
    let lengths = changes.iter().map(|(span, text)| Change { span: span.clone(), length: text.len() });
    let lengths = message.lengths.after(lengths).ok_or(Fault::Garbled("a changed answer is too long for a message"))?;
    changes.extend(lengths);
    changes.sort_by_key(|(span, _)| span.start);
    let mut at = 0;
    for (span, new) in changes {
        out.extend_from_slice(bytes.get(at..span.start).unwrap_or_default());
        out.extend_from_slice(&new);
        at = span.end;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Ok(())
}

/// What is put in the place of what.
type Changes = Vec<(Range<usize>, Vec<u8>)>;

fn changed(items: &[Item<'_>], rewrite: &mut dyn Rewrite) -> Result<Changes, Fault> {
    let mut changes = Vec::new();
    for item in items {
        let text = match &item.said {
            Said::Text(text) => text,
            Said::Read(text) => text.as_str(),
            Said::File(_) => continue,
        };
        let object = text.trim_start().starts_with('{') && text.trim_end().ends_with('}');
        let form = if object { Form::Json } else { Form::Plain };
        match rewrite.whole(text, form) {
            Some(new) if item.hold != Hold::Foreign => changes.push((item.span.clone(), new.into_bytes())),
            Some(_) => return Err(Fault::Garbled("a field in which nothing can be changed would have to be")),
            None => {}
        }
    }
    Ok(changes)
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        match malformed.reason {
            Reason::BodyTooLarge => Self::TooMany,
            _ => Self::Message(malformed),
        }
    }
}

/// Entry for fuzzing: an answer in which nothing is changed leaves as it came.
pub(crate) fn fuzz(endpoint: Endpoint, body: &[u8]) {
    let limits = Limits { frame: 1 << 12, body: 1 << 16, depth: 16, nodes: 4096 };
    let mut out = Vec::new();
    if release(endpoint, body, &limits, &mut Facts::default(), &mut super::fuzz::Same, &mut out).is_ok() {
        assert!(out == body, "what nothing changes leaves as it came");
    }
}
