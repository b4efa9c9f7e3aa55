//! The provider's own credential: put into requests here, and kept out of what comes back.
//!
//! A provider that does not accept it may say so by repeating it (`Incorrect API key provided: sk-pr****3f2a`). The
//! caller must not learn it from there, not in part either: a masked key still tells which of the plant's keys it is.

use http::header::{self, HeaderName, HeaderValue};
use plant::{Channel, Dialect, FindingCount, Form, Refusal, Rewrite};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What stands where the credential stood.
const BLANK: &str = "[credential]";
/// Shorter than this, what is alike at both ends of a masked key says nothing.
const ALIKE: usize = 2;

/// A provider's credential. `Debug` shows nothing of it.
pub(crate) struct Credential {
    secret: Zeroizing<String>,
    name: HeaderName,
    value: HeaderValue,
}

impl Credential {
    /// `None` if it cannot stand in a header.
    pub(crate) fn new(dialect: Dialect, secret: &str) -> Option<Self> {
        let (name, text) = match dialect {
            Dialect::Anthropic => (HeaderName::from_static("x-api-key"), Zeroizing::new(secret.to_owned())),
            Dialect::OpenAi | Dialect::Ollama | Dialect::Kserve | Dialect::Json => {
                (header::AUTHORIZATION, Zeroizing::new(format!("Bearer {secret}")))
            }
        };
        let mut value = HeaderValue::from_str(&text).ok().filter(|_| !secret.is_empty())?;
        value.set_sensitive(true);
        Some(Self { secret: Zeroizing::new(secret.to_owned()), name, value })
    }

    /// Its header.
    pub(crate) fn header(&self) -> (HeaderName, HeaderValue) {
        (self.name.clone(), self.value.clone())
    }

    /// Whether bytes hold it.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        bytes.windows(self.secret.len()).any(|window| window == self.secret.as_bytes())
    }

    /// A text without it, and without words that show its ends around a mask. `None` if there was nothing to blank.
    pub(crate) fn blank(&self, text: &str) -> Option<String> {
        let whole = text.replace(self.secret.as_str(), BLANK);
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
            && ((head.len() >= ALIKE && self.secret.starts_with(head))
                || (tail.len() >= ALIKE && self.secret.ends_with(tail)))
    }
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
    use plant::Dialect;

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
    fn what_cannot_stand_in_a_header_is_no_credential() {
        assert!(Credential::new(Dialect::OpenAi, "").is_none());
        assert!(Credential::new(Dialect::OpenAi, "a\r\nx: y").is_none());
    }
}
