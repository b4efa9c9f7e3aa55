//! Answers that come whole: a JSON document, a text.

use super::Limits;
use super::calls;
use super::channel::encode;
use super::facts::Facts;
use super::logprobs;
use super::offers;
use super::stream::Change;
use super::surrogate::mend;
use crate::json::{self, Document, Problem, Value};
use plant::{Form, Rewrite};

/// Reads JSON, with stand-ins for lone halves of surrogate pairs, so that spans still fit what came.
pub(super) fn parse<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    mended: &'a mut Vec<u8>,
) -> Result<Document<'a>, json::Error> {
    let limits = json::Limits { depth: limits.depth, nodes: limits.nodes };
    match Document::parse(bytes, &limits) {
        Err(error) if error.problem == Problem::LoneSurrogate => {
            *mended = mend(bytes).ok_or(error)?;
            Document::parse(mended, &limits)
        }
        read => read,
    }
}

/// Rewrites every string of a document save some; gives what changes, in order.
pub(super) fn wholes(document: &Document<'_>, save: impl Fn(usize) -> bool, rewrite: &mut dyn Rewrite) -> Vec<Change> {
    let mut changes = Vec::new();
    for value in document.values() {
        let Some(text) = value.text().filter(|text| !text.is_empty() && !save(value.index())) else { continue };
        let decoded = text.decode();
        if let Some(new) = rewrite.whole(&decoded, form(value, &decoded)) {
            let mut bytes = Vec::with_capacity(new.len());
            encode(&new, &mut bytes);
            changes.push(Change { span: text.span(), bytes });
        }
    }
    changes
}

/// How a text will be read: as JSON if it holds a tool call's arguments, or an answer in a schema.
fn form(value: Value<'_, '_>, text: &str) -> Form {
    let named = || value.is_at("arguments") || value.is_at("partial_json");
    let object = || text.trim_start().starts_with('{') && text.trim_end().ends_with('}');
    if named() || object() { Form::Json } else { Form::Plain }
}

/// Releases a JSON document.
///
/// # Errors
/// What is wrong with it, if it is none.
pub(super) fn release(
    bytes: &[u8],
    limits: &Limits,
    facts: &mut Facts,
    rewrite: &mut dyn Rewrite,
    out: &mut Vec<u8>,
) -> Result<(), json::Error> {
    let mut mended = Vec::new();
    let document = parse(bytes, limits, &mut mended)?;
    facts.note(&document);
    show(bytes, rewrite);
    calls::tell(&document, rewrite);
    let mut at = 0;
    let gone = offers::withheld(&document, rewrite);
    let changes = wholes(&document, |_| false, rewrite);
    for change in offers::without(logprobs::without(&document, changes, false), gone) {
        out.extend_from_slice(bytes.get(at..change.span.start).unwrap_or_default());
        out.extend_from_slice(&change.bytes);
        at = change.span.end;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Ok(())
}

/// Shows the rewriter what is about to be released, as it came.
pub(super) fn show(bytes: &[u8], rewrite: &mut dyn Rewrite) {
    // What was parsed is UTF-8; halves of characters are escapes.
    if let Ok(text) = std::str::from_utf8(bytes) {
        rewrite.document(text);
    }
}

/// Takes the facts of a document that was released already.
///
/// # Errors
/// What is wrong with it, if it is none.
pub(super) fn note(bytes: &[u8], limits: &Limits, facts: &mut Facts) -> Result<(), json::Error> {
    let mut mended = Vec::new();
    facts.note(&parse(bytes, limits, &mut mended)?);
    Ok(())
}

/// Releases a text. One that is no UTF-8 is in an encoding that we do not read, and passes as it came.
pub(super) fn release_text(bytes: &[u8], rewrite: &mut dyn Rewrite, out: &mut Vec<u8>) {
    let form = |text: &str| if text.trim_start().starts_with('{') { Form::Json } else { Form::Plain };
    match std::str::from_utf8(bytes).ok().and_then(|text| rewrite.whole(text, form(text))) {
        Some(new) => out.extend_from_slice(new.as_bytes()),
        None => out.extend_from_slice(bytes),
    }
}
