//! The wire formats of AI services, by name. `wire` knows what they look like.

use crate::Description;
use std::fmt;

/// The wire format of an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `OpenAI`: chat completions, responses, embeddings, models, images, audio, files, batches.
    OpenAi,
    /// Anthropic messages.
    Anthropic,
    /// `OpenAI` models at Azure: by deployment and API version, or below `/openai/v1`.
    Azure,
    /// Google's Gemini API: `generateContent` and what belongs to it.
    Gemini,
    /// Amazon Bedrock's runtime: Converse and `InvokeModel`, their streams in Amazon's event framing.
    Bedrock,
    /// Cohere, version 2 of its API.
    Cohere,
    /// Mistral.
    Mistral,
    /// A vLLM server: `OpenAI`'s API and what it adds.
    Vllm,
    /// A llama.cpp server: `OpenAI`'s API and its own.
    LlamaCpp,
    /// Ollama's own API.
    Ollama,
    /// `KServe` open inference protocol v2 over HTTP.
    Kserve,
    /// Any JSON API: every string is read, nothing else is known.
    Json,
    /// A JSON API that the plant file describes. In plant file and records it is `json` too.
    Described(&'static Description),
    /// Model Context Protocol over streamable HTTP: the server of tools, not of a model.
    Mcp,
}

impl Dialect {
    /// Every dialect that needs no description with its name in the plant file.
    pub const NAMES: [(&'static str, Self); 13] = [
        ("openai", Self::OpenAi),
        ("anthropic", Self::Anthropic),
        ("azure", Self::Azure),
        ("gemini", Self::Gemini),
        ("bedrock", Self::Bedrock),
        ("cohere", Self::Cohere),
        ("mistral", Self::Mistral),
        ("vllm", Self::Vllm),
        ("llamacpp", Self::LlamaCpp),
        ("ollama", Self::Ollama),
        ("kserve", Self::Kserve),
        ("json", Self::Json),
        ("mcp", Self::Mcp),
    ];

    /// The dialect's name in plant file and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Azure => "azure",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
            Self::Mistral => "mistral",
            Self::Vllm => "vllm",
            Self::LlamaCpp => "llamacpp",
            Self::Ollama => "ollama",
            Self::Kserve => "kserve",
            Self::Json | Self::Described(_) => "json",
            Self::Mcp => "mcp",
        }
    }

    /// The dialect whose messages it uses: many servers speak `OpenAI`'s, at paths and with additions of their own.
    #[must_use]
    pub fn kin(self) -> Self {
        match self {
            Self::Azure | Self::Mistral | Self::Vllm | Self::LlamaCpp => Self::OpenAi,
            Self::Described(_) => Self::Json,
            own => own,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
