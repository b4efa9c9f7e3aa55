//! The provider's own credential: put into requests here, and kept out of what comes back.
//!
//! A provider that does not accept it may say so by repeating it (`Incorrect API key provided: sk-pr****3f2a`). The
//! caller must not learn it from there, not in part either: a masked key still tells which of the plant's keys it is.

use crate::amazon::Signer;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use plant::{Channel, Dialect, FindingCount, Form, Millis, Refusal, Rewrite};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What stands where the credential stood.
const BLANK: &str = "[credential]";
/// Shorter than this, what is alike at both ends of a masked key says nothing.
const ALIKE: usize = 2;

/// A provider's credential. `Debug` shows nothing of it.
pub(crate) struct Credential {
    /// What of it must not come back.
    secrets: Vec<Zeroizing<String>>,
    proof: Proof,
}

/// How it proves who calls.
enum Proof {
    Header(HeaderName, HeaderValue),
    Signature(Box<Signer>),
}

impl Credential {
    /// `None` if it cannot stand in a header.
    pub(crate) fn new(dialect: Dialect, secret: &str) -> Option<Self> {
        if let Some(signer) = Signer::parse(secret).filter(|_| dialect == Dialect::Bedrock) {
            return Some(Self { secrets: signer.secrets(), proof: Proof::Signature(Box::new(signer)) });
        }
        // Clouds take tokens of their directories in place of a key: Entra's are signed JSON, Google's begin so.
        let (name, bearer) = match dialect {
            Dialect::Anthropic => (HeaderName::from_static("x-api-key"), false),
            Dialect::Azure if !is_jwt(secret) => (HeaderName::from_static("api-key"), false),
            Dialect::Gemini if !secret.starts_with("ya29.") => (HeaderName::from_static("x-goog-api-key"), false),
            Dialect::OpenAi
            | Dialect::Azure
            | Dialect::Gemini
            | Dialect::Bedrock
            | Dialect::Cohere
            | Dialect::Mistral
            | Dialect::Vllm
            | Dialect::LlamaCpp
            | Dialect::Ollama
            | Dialect::Kserve
            | Dialect::Json
            | Dialect::Mcp
            | Dialect::Described(_) => (header::AUTHORIZATION, true),
        };
        let text = Zeroizing::new(if bearer { format!("Bearer {secret}") } else { secret.to_owned() });
        let mut value = HeaderValue::from_str(&text).ok().filter(|_| !secret.is_empty())?;
        value.set_sensitive(true);
        Some(Self { secrets: vec![Zeroizing::new(secret.to_owned())], proof: Proof::Header(name, value) })
    }

    /// Puts the proof into the head of a request that leaves at `now`. `None` if it cannot be put there.
    pub(crate) fn prove(
        &self,
        request: (&Method, &Uri, &[u8]),
        headers: &mut HeaderMap,
        now: impl FnOnce() -> Millis,
    ) -> Option<()> {
        match &self.proof {
            Proof::Header(name, value) => {
                headers.insert(name.clone(), value.clone());
                Some(())
            }
            Proof::Signature(signer) => signer.sign(request, headers, now()),
        }
    }

    /// Whether bytes hold it.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.secrets.iter().any(|secret| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
    }

    /// A text without it, and without words that show its ends around a mask. `None` if there was nothing to blank.
    pub(crate) fn blank(&self, text: &str) -> Option<String> {
        let whole = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), BLANK));
        let part = |letter: char| letter.is_ascii_alphanumeric() || "-_*.…•".contains(letter);
        let mut out = String::with_capacity(whole.len());
        let mut rest = whole.as_str();
        while !rest.is_empty() {
            let length = rest.find(|letter| !part(letter)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            out.push_str(if self.shows_in(word) { BLANK } else { word });
            let between = after.chars().next().map_or(0, char::len_utf8);
            let (letter, next) = after.split_at(between);
            out.push_str(letter);
            rest = next;
        }
        (out != text).then_some(out)
    }

    /// Whether a word is the credential with its middle masked: `sk-pr****3f2a`, `sk-pr...`, `…3f2a`.
    fn shows_in(&self, word: &str) -> bool {
        let masked = ["**", "...", "…", "••", "XXX"].iter().any(|mask| word.contains(mask));
        let mask = |letter: char| "*.…•X".contains(letter);
        let head = word.split(mask).next().unwrap_or_default();
        let tail = word.trim_end_matches('.').rsplit(mask).next().unwrap_or_default();
        masked
            && self.secrets.iter().any(|secret| {
                head.len() >= ALIKE && secret.starts_with(head) || tail.len() >= ALIKE && secret.ends_with(tail)
            })
    }
}

/// Whether it is a signed token in JSON (RFC 7519): three parts, the first of which begins as `{"` does.
fn is_jwt(secret: &str) -> bool {
    secret.starts_with("eyJ") && secret.split('.').count() == 3
}

/// Keeps the credential out of a failed answer's texts, and does whatever else is to be done with them.
pub(crate) struct Blanking<'a, R> {
    pub(crate) credential: &'a Credential,
    pub(crate) inner: &'a mut R,
    /// Texts in the making: a word can only be judged whole. A failed answer is short, and limited.
    pub(crate) texts: &'a mut BTreeMap<u32, String>,
}

impl<R: Rewrite> Rewrite for Blanking<'_, R> {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        let text = self.inner.push(channel, text);
        self.texts.entry(channel.number).or_default().push_str(&text);
        String::new()
    }

    fn finish(&mut self, channel: Channel) -> String {
        let mut text = self.texts.remove(&channel.number).unwrap_or_default();
        text.push_str(&self.inner.finish(channel));
        self.credential.blank(&text).unwrap_or(text)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        let changed = self.inner.whole(text, form);
        self.credential.blank(changed.as_deref().unwrap_or(text)).or(changed)
    }

    fn document(&mut self, json: &str) -> Option<String> {
        self.inner.document(json)
    }

    fn calls(&mut self, tool: &str) {
        self.inner.calls(tool);
    }

    fn offers(&mut self, tool: &str, definition: &str) -> bool {
        self.inner.offers(tool, definition)
    }

    fn stopped(&self) -> Option<Refusal> {
        self.inner.stopped()
    }

    fn findings(&self) -> Vec<FindingCount> {
        self.inner.findings()
    }
}

#[cfg(test)]
mod tests {
    use super::Credential;
    use http::{HeaderMap, Method, Uri};
    use plant::{Dialect, Millis};

    fn blank(text: &str) -> String {
        let credential = Credential::new(Dialect::OpenAi, "sk-proj-Ab3dEf6hIj9k3f2a").unwrap();
        credential.blank(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn the_credential_is_blanked_whole_and_masked() {
        assert_eq!(blank("the key sk-proj-Ab3dEf6hIj9k3f2a is wrong"), "the key [credential] is wrong");
        assert_eq!(
            blank("Incorrect API key provided: sk-proj-********3f2a. You can find your API key at https://x.example."),
            "Incorrect API key provided: [credential] You can find your API key at https://x.example."
        );
        assert_eq!(blank("key `sk-p...3f2a`"), "key `[credential]`");
        assert_eq!(blank("key ending in …3f2a"), "key ending in [credential]");
        assert_eq!(blank("Bearer=****3f2a;"), "Bearer=[credential];");
    }

    #[test]
    fn other_words_stay() {
        for text in [
            "",
            "wait... what",
            "see https://docs.example/keys",
            "the model `gpt-4o` does not exist ...",
            "rating: ***** of 5",
            "äöü … €",
        ] {
            assert_eq!(blank(text), text);
        }
    }

    #[test]
    fn each_cloud_gets_its_credential_where_it_looks_for_it() {
        let name = |dialect, secret: &str| {
            let mut headers = HeaderMap::new();
            let uri = Uri::from_static("https://ai.example/model/m/converse");
            let credential = Credential::new(dialect, secret).unwrap();
            credential.prove((&Method::POST, &uri, b"{}"), &mut headers, || Millis(1_440_938_160_000)).unwrap();
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(name(Dialect::Azure, "0a1b"), "api-key: 0a1b");
        assert_eq!(name(Dialect::Azure, "eyJ0.eyJh.c2ln"), "authorization: Bearer eyJ0.eyJh.c2ln");
        assert_eq!(name(Dialect::Gemini, "AIza-1"), "x-goog-api-key: AIza-1");
        assert_eq!(name(Dialect::Gemini, "ya29.a0"), "authorization: Bearer ya29.a0");
        assert_eq!(name(Dialect::Bedrock, "ABSK-1"), "authorization: Bearer ABSK-1");
        let signed = name(Dialect::Bedrock, "access_key_id=AKIDEXAMPLE secret_access_key=wJalr region=eu-central-1");
        assert!(signed.contains("Credential=AKIDEXAMPLE/20150830/eu-central-1/bedrock/") && !signed.contains("wJalr"));
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_credential() {
        assert!(Credential::new(Dialect::OpenAi, "").is_none());
        assert!(Credential::new(Dialect::OpenAi, "a\r\nx: y").is_none());
    }
}
