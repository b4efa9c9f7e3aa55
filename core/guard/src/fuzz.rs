//! A target for fuzzing: any text, in any pieces.

use crate::{Decimal, Guard, Known, Limit, Unit, Watch};
use plant::{Act, Channel, Form, Guarding, Rewrite};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Reads a text as an answer, whole and in pieces, and requires the same of both. The first byte is the length of the pieces.
pub fn fuzz(bytes: &[u8]) {
    let Some((size, text)) = bytes.split_first() else { return };
    let (text, Some(guard)) = (String::from_utf8_lossy(text), limits()) else { return };
    let size = usize::from(*size).max(1);
    for act in [Act::Annotate, Act::Block] {
        for form in [Form::Plain, Form::Json] {
            let channel = Channel { number: 0, form };
            let watch = || Watch::new(Arc::clone(&guard), Guarding { violate: act, unresolved: act }, Known::default());
            let (mut whole, mut parts) = (watch(), watch());
            let mut given = whole.push(channel, &text);
            given.push_str(&whole.finish(channel));
            let mut pieces = String::new();
            let mut rest: &str = &text;
            while !rest.is_empty() {
                let cut = (size..rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
                let (piece, after) = rest.split_at(cut);
                pieces.push_str(&parts.push(channel, piece));
                rest = after;
            }
            pieces.push_str(&parts.finish(channel));
            assert_eq!(
                (whole.stopped(), whole.findings()),
                (parts.stopped(), parts.findings()),
                "pieces change nothing"
            );
            assert!(whole.stopped().is_some() || given == pieces, "pieces change nothing");
        }
    }
    let mut watch = Watch::new(Arc::clone(&guard), Guarding::default(), Known::default());
    let _ = (watch.document(&text), watch.whole(&text, Form::Plain), watch.whole(&text, Form::Json));
    let mut known = Known::default();
    guard.hear(&text, &mut known);
    let found = guard.read(&text, &known);
    assert!(found.iter().all(|found| text.get(found.span.clone()).is_some()), "spans are of the text");
}

fn limits() -> Option<Arc<Guard>> {
    static GUARD: OnceLock<Option<Arc<Guard>>> = OnceLock::new();
    let limit = |tag: &str, alias: &str, unit: &str, step: Option<f64>, interlocked: bool| {
        Some(Limit {
            tag: tag.to_owned(),
            aliases: vec![alias.to_owned()],
            unit: Unit::named(unit)?,
            low: Some(0.5),
            high: Some(180.0),
            step,
            window: step.map(|_| Duration::from_secs(60)),
            modes: Vec::new(),
            interlocked,
        })
    };
    let build = || {
        let limits = [
            limit("TIC-101", "reactor temperature", "Cel", Some(5.0), false)?,
            limit("PIC-204", "Kesseldruck", "bar", None, false)?,
            limit("XV-900", "feed valve", "%", None, true)?,
        ];
        Guard::new(limits.into(), Decimal::Either).ok().map(Arc::new)
    };
    GUARD.get_or_init(build).clone()
}
