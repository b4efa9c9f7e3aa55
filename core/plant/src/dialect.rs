//! The wire formats of AI services, by name. `wire` knows what they look like.

use std::fmt;

/// The wire format of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `OpenAI`: chat completions, responses, embeddings, models, images, audio.
    OpenAi,
    /// Anthropic messages.
    Anthropic,
    /// Ollama's own API.
    Ollama,
    /// `KServe` open inference protocol v2 over HTTP.
    Kserve,
    /// Any JSON API: every string is read, nothing else is known.
    Json,
}

impl Dialect {
    /// Every dialect with its name in the plant file.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("openai", Self::OpenAi),
        ("anthropic", Self::Anthropic),
        ("ollama", Self::Ollama),
        ("kserve", Self::Kserve),
        ("json", Self::Json),
    ];

    /// The dialect's name in plant file and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
            Self::Kserve => "kserve",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
