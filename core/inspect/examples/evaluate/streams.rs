//! What streams say when they are put together again: nothing that is labelled may be left once it is redacted, and
//! tokens must come back alike at whatever character the answer is cut.

use crate::data::Row;
use crate::{find, message};
use penstock_inspect::{Changes, Inspector, Keyed, Maker, transform};
use plant::{Channel, Form, Rewrite as _};
use serde_json::{Value, json};
use std::fmt;

/// What inspection promises to find. Names and addresses are not among it.
const PROMISED: [&str; 7] = ["secret", "email", "iban", "credit_card", "ip", "mac", "phone"];

#[derive(Default)]
pub(crate) struct Streams {
    texts: usize,
    values: usize,
    left: usize,
    cuts: usize,
    differ: usize,
}

pub(crate) fn evaluate(inspector: &Inspector, rows: &[Row]) -> Streams {
    let mut streams = Streams { texts: rows.len(), ..Streams::default() };
    for row in rows {
        let (content, findings) = (message(&row.text), find(inspector, &row.text));
        let all: Vec<usize> = (0..findings.len()).collect();
        let maker = Maker { conduit: "evaluate", key: &Counted, own: &|_| false };
        let redact = Changes { redact: all.clone(), ..Changes::default() };
        let tokenise = Changes { tokenise: all, ..Changes::default() };
        let Ok(redacted) = transform(&content, &findings, &redact, &maker) else { continue };
        let sent = apply(&row.text, &redacted.edits);
        for (_, span) in row.labels.iter().filter(|(kind, _)| PROMISED.contains(&&**kind)) {
            streams.values += 1;
            streams.left += usize::from(sent.contains(&row.text[span.clone()]));
        }
        let Ok(mut tokenised) = transform(&content, &findings, &tokenise, &maker) else { continue };
        let sent = apply(&row.text, &tokenised.edits);
        let whole = tokenised.restorer.whole(&sent, Form::Plain).unwrap_or_else(|| sent.clone());
        for cut in sent.char_indices().map(|(at, _)| at).step_by(7) {
            let Ok(mut again) = transform(&content, &findings, &tokenise, &maker) else { continue };
            let channel = Channel { number: 0, form: Form::Plain };
            let (front, behind) = sent.split_at(cut);
            let mut out = again.restorer.push(channel, front);
            out.push_str(&again.restorer.push(channel, behind));
            out.push_str(&again.restorer.finish(channel));
            streams.cuts += 1;
            streams.differ += usize::from(out != whole);
        }
    }
    streams
}

fn apply(text: &str, edits: &[plant::Edit]) -> String {
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.span.clone(), &edit.replacement);
    }
    out
}

/// Spreads its input over 32 bytes. Not secret, and not for traffic.
struct Counted;

impl Keyed for Counted {
    fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32] {
        let mut state = 0xCBF2_9CE4_8422_2325_u64;
        for byte in [conduit, label, value].iter().flat_map(|part| part.bytes().chain([0xFF])) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        std::array::from_fn(|_| {
            state = (state ^ state >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9).wrapping_add(0x9E37_79B9);
            state.to_be_bytes()[0]
        })
    }
}

impl Streams {
    pub(crate) fn json(&self) -> Value {
        json!({ "texts": self.texts, "values": self.values, "left": self.left, "cuts": self.cuts, "differ": self.differ })
    }
}

impl fmt::Display for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { texts, values, left, cuts, differ } = self;
        writeln!(
            f,
            "{texts} streams: {left} of {values} values left after redaction; {differ} of {cuts} cuts restore otherwise"
        )
    }
}
