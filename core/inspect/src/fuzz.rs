//! Entries for fuzzing: any bytes in, the laws of this crate checked.

use crate::stand_in::{Spelling, StandIn};
use crate::{Changes, Entry, Inspector, Keyed, Maker, Settings, Sinks, transform};
use plant::{Answers, Channel, Content, Deed, Edit, Form, Handling, Label, Piece, Rewrite, Sensitivity, Verdict};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// Reads the bytes as a message, then checks: spans lie on character boundaries, in order and apart; the
/// same again gives the same; a text without links comes back from tokens as it was.
pub fn fuzz_read(data: &[u8]) {
    let Some(inspector) = inspector() else { return };
    let text = String::from_utf8_lossy(data);
    let content = message(&text);
    let Ok(findings) = inspector.read(&content) else { return };
    assert_eq!(inspector.read(&content).as_deref(), Ok(findings.as_slice()), "the same text gives the same findings");
    let mut end = 0;
    for finding in &findings {
        let told = finding.label.as_str().starts_with("injection");
        assert!(told || finding.span.start >= end && !finding.span.is_empty(), "findings are in order and apart");
        assert!(text.get(finding.span.clone()).is_some(), "spans are whole characters");
        end = if told { end } else { finding.span.end };
    }
    let told = |index: &usize| findings.get(*index).is_some_and(|f| f.label.as_str().starts_with("injection"));
    let all: Vec<usize> = (0..findings.len()).filter(|index| !told(index)).collect();
    for alike in [Vec::new(), all.clone()] {
        let changes = Changes { tokenise: all.clone(), alike, ..Changes::default() };
        let Ok(mut changed) = transform(&content, &findings, &changes, &maker("fuzz")) else { return };
        let sent = apply(&text, &changed.edits);
        let back = changed.restorer.whole(&sent, Form::Plain).unwrap_or(sent);
        let same = back == text || !changes.alike.is_empty() && respelled(&back) == respelled(&text);
        assert!(changed.restorer.counts().in_links > 0 || same, "values come back as they were");
    }
}

/// A text as all spellings of its values have it: of a value that a call spells in two ways, the first comes back.
fn respelled(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Takes the first byte as a chunk length and restores the rest in such chunks: must equal the whole.
pub fn fuzz_restore(data: &[u8]) {
    let Some((length, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    let known = [
        StandIn::new("TAG_0000000000", Spelling::Word, "a\"b"),
        StandIn::new("KEY_0ABC", Spelling::Word, ""),
        StandIn::new("TIC-48213", Spelling::Tag, "FV-7"),
        StandIn::new("k3m@example.com", Spelling::Address, "a@b.example"),
        StandIn::new("999 12", Spelling::Number, "+49 1"),
    ];
    for form in [Form::Plain, Form::Json] {
        let (mut first, mut second) = (crate::Restorer::new(known.clone()), crate::Restorer::new(known.clone()));
        chunked(&mut first, &mut second, &text, usize::from(*length), form);
        assert_eq!(first.counts(), second.counts(), "chunks change nothing");
    }
}

/// The same for what makes an answer safe to show.
pub fn fuzz_sinks(data: &[u8]) {
    let Some((length, data)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(data);
    static INSPECTOR: OnceLock<Option<Arc<Inspector>>> = OnceLock::new();
    let build = || Inspector::new(&Settings::new(Sensitivity::LOWEST)).ok().map(Arc::new);
    let Some(inspector) = INSPECTOR.get_or_init(build) else { return };
    let withhold = Label::new("secret")
        .map(|label| Handling { label, verdict: Verdict::Redact, tokens: plant::Tokens::Words })
        .into_iter()
        .collect();
    let answers = Answers {
        images: true,
        links: true,
        addresses: true,
        markup: true,
        unsafe_instructions: Deed::Annotate,
        withhold,
        ..Answers::open()
    };
    let sinks = || Sinks::new(&answers, Arc::clone(inspector));
    for form in [Form::Plain, Form::Json] {
        chunked(&mut sinks(), &mut sinks(), &text, usize::from(*length), form);
    }
}

/// A text that one rewriter takes whole and another in chunks of so many characters must come out the same.
pub(crate) fn chunked(first: &mut dyn Rewrite, second: &mut dyn Rewrite, text: &str, length: usize, form: Form) {
    let whole = first.whole(text, form).unwrap_or_else(|| text.to_owned());
    let channel = Channel { number: 1, form };
    let mut out = String::new();
    let characters: Vec<char> = text.chars().collect();
    for chunk in characters.chunks(length.max(1)) {
        out.push_str(&second.push(channel, &chunk.iter().collect::<String>()));
    }
    out.push_str(&second.finish(channel));
    assert_eq!((out, second.findings()), (whole, first.findings()), "chunks change nothing");
    assert_eq!(first.stopped(), second.stopped(), "chunks change nothing");
}

fn inspector() -> Option<&'static Inspector> {
    static INSPECTOR: OnceLock<Option<Inspector>> = OnceLock::new();
    let build = || {
        let mut settings = Settings::new(Sensitivity::LOWEST);
        let entry =
            Entry { terms: vec!["acme brew".to_owned(), "süd".to_owned()], patterns: vec!["R-[0-9]+".to_owned()] };
        settings.dictionary.insert(Label::new("recipe").ok()?, entry);
        Inspector::new(&settings).ok()
    };
    INSPECTOR.get_or_init(build).as_ref()
}

pub(crate) fn message(text: &str) -> Content<'_> {
    let piece = Piece {
        path: "messages[0].content".to_owned(),
        text: Cow::Borrowed(text),
        attachment: None,
        origin: plant::Origin::Prompt,
        fixed: false,
    };
    Content { pieces: vec![piece] }
}

/// The text of the only piece after the edits.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        out.push_str(text.get(done..edit.span.start).unwrap_or_default());
        out.push_str(&edit.replacement);
        done = edit.span.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Stand-ins of a plant that has nothing of its own.
pub(crate) fn maker(conduit: &str) -> Maker<'_> {
    Maker { conduit, key: &Mixer, own: &|_| false }
}

/// A text whose findings are changed under the key of a test.
#[cfg(test)]
pub(crate) fn changed(
    content: &Content<'_>,
    findings: &[plant::Finding],
    redact: &[usize],
    tokenise: &[usize],
    conduit: &str,
) -> Result<crate::Transformation, crate::TransformProblem> {
    let changes = Changes { redact: redact.to_vec(), tokenise: tokenise.to_vec(), ..Changes::default() };
    transform(content, findings, &changes, &maker(conduit))
}

/// Spreads its input over 32 bytes. Not secret, and not for traffic.
pub(crate) struct Mixer;

impl Keyed for Mixer {
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
