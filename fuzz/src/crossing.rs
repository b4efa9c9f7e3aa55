//! `wire` and `inspect` together, as the gateway joins them: a request that is read, judged and changed, and its answer.

use inspect::{Changes, Inspector, Keyed, Maker, Restorer, Settings, transform};
use plant::{Content, Edit, Piece, Sensitivity};
use std::sync::OnceLock;
use wire::{Answer, AnswerLimits, Carries, Limits, Request};

const LIMITS: Limits = Limits { depth: 32, nodes: 4096, pieces: 4096, parts: 32 };

/// Tokens under a test key.
struct Key(seal::Mac);

impl Keyed for Key {
    fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32] {
        self.0.tag(&[conduit.as_bytes(), label.as_bytes(), value.as_bytes()])
    }
}

fn key() -> Key {
    Key(seal::RootKey::from_bytes([7; 32]).derive("tokens"))
}

fn maker(key: &Key) -> Maker<'_> {
    Maker { conduit: "cloud", key, own: &|_| false }
}

fn inspector() -> &'static Inspector {
    static INSPECTOR: OnceLock<Inspector> = OnceLock::new();
    INSPECTOR.get_or_init(|| Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("settings of our own"))
}

/// The text after the edits of one piece.
fn edited(text: &str, edits: &[&Edit]) -> String {
    let (mut out, mut done) = (String::new(), 0);
    for edit in edits {
        out.push_str(&text[done..edit.span.start]);
        out.push_str(&edit.replacement);
        done = edit.span.end;
    }
    out + &text[done..]
}

/// A body at the endpoint that the first byte picks: read, inspected, a quarter of what is found redacted, generalised,
/// and tokenised in either way. What leaves must say what was decided, piece by piece, and nothing of what was taken out.
pub fn request(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let Some(endpoint) = wire::endpoints().nth(usize::from(*first) % wire::endpoints().count()) else { return };
    let kind = if endpoint.carries() == Carries::Form {
        Some("multipart/form-data; boundary=x")
    } else {
        endpoint.content_type()
    };
    let Ok(request) = Request::parse(endpoint, kind, body, &LIMITS) else { return };
    let content = request.content();
    let Ok(findings) = inspector().read(content) else { return };
    let may = |index: &usize| !content.pieces[findings[*index].piece].fixed;
    let every = |which: usize| (0..findings.len()).filter(may).filter(|index| index % 4 == which).collect::<Vec<_>>();
    let (alike, words) = (every(2), every(3));
    let tokenise = alike.iter().chain(&words).copied().collect();
    let changes = Changes { redact: every(0), generalise: every(1), tokenise, alike };
    let changed = transform(content, &findings, &changes, &maker(&key())).expect("none of them is fixed");
    // A form may refuse: an edit must not put its boundary into a part, nor change what a batch asks.
    let Ok(sent) = request.rewrite(&changed.edits, None) else { return };
    let after = Request::parse(endpoint, kind, &sent, &LIMITS).expect("what was read is read again after the edits");
    let (before, afterwards) = (own(content), own(after.content()));
    assert_eq!(afterwards.len(), before.len(), "edits add and take no piece");
    assert_eq!((after.model(), after.stream(), after.tools()), (request.model(), request.stream(), request.tools()));
    for ((index, before), (_, after)) in before.into_iter().zip(afterwards) {
        let edits: Vec<&Edit> = changed.edits.iter().filter(|edit| edit.piece == index).collect();
        // A text that becomes good base64 where a file may stand is taken for the file; its bytes are the same.
        if before.attachment == after.attachment {
            assert_eq!(edited(&before.text, &edits), after.text, "what leaves is what was decided");
        }
    }
}

/// The pieces with their numbers, but for those that are only read, and stand in another piece as well: the type in a data URL,
/// say, which changes, comes and goes with the URL.
fn own<'c>(content: &'c Content<'c>) -> Vec<(usize, &'c Piece<'c>)> {
    let pieces = &content.pieces;
    let whole = |other: &Piece<'_>| !other.fixed || other.attachment.is_some();
    let twin = |one: &Piece<'_>| !whole(one) && pieces.iter().any(|other| whole(other) && other.path == one.path);
    pieces.iter().enumerate().filter(|(_, one)| !twin(one)).collect()
}

/// An answer with tokens in it, restored as it streams: the first byte picks the endpoint, the second how it is carried.
/// Whatever the chunks, the caller gets the same bytes.
pub fn answer(bytes: &[u8]) {
    let [which, carrier, bytes @ ..] = bytes else { return };
    let Some(endpoint) = wire::endpoints().nth(usize::from(*which) % wire::endpoints().count()) else { return };
    let kinds = ["text/event-stream", "application/x-ndjson", "application/json", "text/plain", "", "image/png"];
    let kind = kinds[usize::from(*carrier) % kinds.len()];
    let limits = AnswerLimits { frame: 1 << 12, body: 1 << 14, depth: 16, nodes: 512 };
    let mut results = Vec::new();
    for size in [1, 7, bytes.len().max(1)] {
        let mut restorer = changed().1.clone();
        let mut answer = Answer::new(endpoint.dialect(), endpoint, 200, kind, false).within(limits);
        let mut out = Vec::new();
        let pushed = bytes.chunks(size).try_for_each(|chunk| answer.push(chunk, &mut restorer, &mut out));
        let ended = pushed.and_then(|()| answer.finish(&mut restorer, &mut out));
        results.push((ended, String::from_utf8_lossy(&out).into_owned(), answer.facts().clone(), restorer.counts()));
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "chunks change nothing");
}

/// A token that the answer's restorer knows. Seeds have it where `testdata/` has `TOKEN`.
pub(crate) fn token() -> &'static str {
    &changed().0
}

/// A token, and the restorer that knows it.
fn changed() -> &'static (String, Restorer) {
    static CHANGED: OnceLock<(String, Restorer)> = OnceLock::new();
    CHANGED.get_or_init(|| {
        let endpoint = wire::endpoint(plant::Dialect::OpenAi, "POST", "/chat/completions").expect("an endpoint");
        let body =
            br#"{"model":"m","messages":[{"role":"user","content":"write to \"a\" <anna@brewery.example> now"}]}"#;
        let request = Request::parse(endpoint, Some("application/json"), body, &LIMITS).expect("a request");
        let findings = inspector().read(request.content()).expect("few findings");
        let all: Vec<usize> =
            (0..findings.len()).filter(|at| !request.content().pieces[findings[*at].piece].fixed).collect();
        let changes = Changes { tokenise: all, ..Changes::default() };
        let changed = transform(request.content(), &findings, &changes, &maker(&key())).expect("a prompt");
        (changed.edits.first().expect("an address is found").replacement.clone(), changed.restorer)
    })
}
