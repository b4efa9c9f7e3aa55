//! What every test here drives: sources of answers, and rewriters to put on them.

use plant::{Channel, Dialect, Form, Rewrite};
use std::collections::BTreeMap;
use wire::{Answer, Broken};

/// Releases what it takes.
pub(crate) struct Same;

impl Rewrite for Same {
    fn push(&mut self, _: Channel, text: &str) -> String {
        text.to_owned()
    }

    fn finish(&mut self, _: Channel) -> String {
        String::new()
    }

    fn whole(&mut self, _: &str, _: Form) -> Option<String> {
        None
    }
}

/// What stands where `TOKEN` stood. It must be escaped wherever it is put.
pub(crate) const VALUE: &str = "C:\\\"valve\" \u{2028}\u{e4}\n7";

/// Puts [`VALUE`] in the place of `TOKEN`; holds back what may still become one.
#[derive(Default)]
pub(crate) struct Restore(BTreeMap<u32, String>);

/// `TOKEN` replaced in a text that is there whole.
pub(crate) fn replaced(text: &str, form: Form) -> String {
    match form {
        Form::Plain => text.replace("TOKEN", VALUE),
        Form::Json => {
            let quoted = serde_json::to_string(VALUE).unwrap();
            text.replace("TOKEN", &quoted[1..quoted.len() - 1])
        }
    }
}

impl Rewrite for Restore {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        let held = self.0.entry(channel.number).or_default();
        held.push_str(text);
        let mut out = replaced(held, channel.form);
        let keep = (1..5).rev().find(|length| held.ends_with(&"TOKEN"[..*length])).unwrap_or(0);
        *held = held[held.len() - keep..].to_owned();
        out.truncate(out.len() - keep);
        out
    }

    fn finish(&mut self, channel: Channel) -> String {
        self.0.remove(&channel.number).unwrap_or_default()
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        text.contains("TOKEN").then(|| replaced(text, form))
    }
}

/// An answer that came to its end, well or badly.
pub(crate) struct Given {
    pub(crate) out: Vec<u8>,
    pub(crate) ended: Result<(), Broken>,
    pub(crate) facts: wire::Facts,
}

/// Where an answer comes from, and how it declares itself.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub(crate) dialect: Dialect,
    pub(crate) path: &'static str,
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
}

pub(crate) const SSE: &str = "text/event-stream; charset=utf-8";
pub(crate) const CHAT: Source = Source { dialect: Dialect::OpenAi, path: "/chat/completions", status: 200, kind: SSE };
pub(crate) const COMPLETIONS: Source = Source { path: "/completions", ..CHAT };
pub(crate) const RESPONSES: Source = Source { path: "/responses", ..CHAT };
pub(crate) const TRANSCRIPTION: Source = Source { path: "/audio/transcriptions", ..CHAT };
pub(crate) const REALTIME: Source = Source { path: "/realtime", kind: "application/x-ndjson", ..CHAT };
pub(crate) const SPEECH: Source = Source { path: "/audio/speech", ..CHAT };
pub(crate) const MESSAGES: Source = Source { dialect: Dialect::Anthropic, path: "/messages", ..CHAT };
pub(crate) const OLLAMA: Source =
    Source { dialect: Dialect::Ollama, path: "/api/chat", status: 200, kind: "application/x-ndjson" };
pub(crate) const KSERVE: Source = Source { dialect: Dialect::Kserve, path: "/v2/models/m/generate_stream", ..CHAT };
pub(crate) const INFER: &str = "/inference.GRPCInferenceService/ModelInfer";
pub(crate) const GEMINI: Source =
    Source { dialect: Dialect::Gemini, path: "/v1beta/models/m:streamGenerateContent", ..CHAT };
pub(crate) const CONVERSE: Source = Source {
    dialect: Dialect::Bedrock,
    path: "/model/m/converse-stream",
    status: 200,
    kind: "application/vnd.amazon.eventstream",
};
pub(crate) const INVOKE: Source = Source { path: "/model/m/invoke-with-response-stream", ..CONVERSE };
pub(crate) const COHERE: Source = Source { dialect: Dialect::Cohere, path: "/v2/chat", ..CHAT };
pub(crate) const MISTRAL: Source = Source { dialect: Dialect::Mistral, path: "/v1/chat/completions", ..CHAT };
pub(crate) const LLAMA: Source = Source { dialect: Dialect::LlamaCpp, path: "/completion", ..CHAT };
pub(crate) const JSON: Source = Source { dialect: Dialect::Json, path: "/any", ..CHAT };

impl Source {
    pub(crate) fn document(self) -> Self {
        Self { kind: "application/json", ..self }
    }

    pub(crate) fn answer(self, passive: bool) -> Answer {
        let of = |method| wire::endpoint(self.dialect, method, self.path);
        let endpoint = of("POST").or_else(|| of("GET")).unwrap();
        Answer::new(self.dialect, endpoint, self.status, self.kind, passive)
    }

    /// The answer that these chunks make.
    pub(crate) fn give<'a>(self, chunks: impl IntoIterator<Item = &'a [u8]>, rewrite: &mut dyn Rewrite) -> Given {
        give(self.answer(false), chunks, rewrite)
    }
}

pub(crate) fn give<'a>(
    mut answer: Answer,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    rewrite: &mut dyn Rewrite,
) -> Given {
    let mut out = Vec::new();
    let mut ended = Ok(());
    for chunk in chunks {
        ended = answer.push(chunk, rewrite, &mut out);
        if ended.is_err() {
            break;
        }
    }
    let ended = ended.and_then(|()| answer.finish(rewrite, &mut out));
    if let Err(broken) = &ended {
        assert_eq!(broken.released, out.len() as u64);
        assert_eq!(answer.push(b"data: x\n\n", rewrite, &mut out).as_ref(), Err(broken), "nothing comes after the end");
    }
    Given { out, ended, facts: answer.facts().clone() }
}

/// A file of the golden answers.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let path = format!("{}/../../testdata/dialects/answers/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every golden answer with where it comes from.
pub(crate) fn all() -> Vec<(&'static str, Source)> {
    vec![
        ("openai-chat.sse", CHAT),
        ("openai-chat-tools.sse", CHAT),
        ("openai-chat-logprobs.sse", CHAT),
        ("openai-completions.sse", COMPLETIONS),
        ("openai-responses.sse", RESPONSES),
        ("openai-transcription.sse", TRANSCRIPTION),
        ("openai-realtime.ndjson", REALTIME),
        ("anthropic.sse", MESSAGES),
        ("anthropic-error.sse", MESSAGES),
        ("ollama-chat.ndjson", OLLAMA),
        ("ollama-generate.ndjson", Source { path: "/api/generate", ..OLLAMA }),
        ("kserve-generate.sse", KSERVE),
        ("json.sse", JSON),
        ("gemini.sse", GEMINI),
        ("gemini-array.json", GEMINI.document()),
        ("bedrock-converse.eventstream", CONVERSE),
        ("bedrock-invoke.eventstream", INVOKE),
        ("cohere.sse", COHERE),
        ("mistral.sse", MISTRAL),
        ("llamacpp-completion.sse", LLAMA),
        ("gemini.json", Source { path: "/v1beta/models/m:generateContent", ..GEMINI }.document()),
        ("bedrock-converse.json", Source { path: "/model/m/converse", ..CONVERSE }.document()),
        ("cohere.json", COHERE.document()),
        ("openai-chat.json", CHAT.document()),
        ("openai-responses.json", RESPONSES.document()),
        ("openai-embeddings.json", Source { path: "/embeddings", ..CHAT }.document()),
        ("anthropic.json", MESSAGES.document()),
        ("ollama-chat.json", OLLAMA.document()),
        ("kserve-infer.json", Source { path: "/v2/models/m/infer", ..KSERVE }.document()),
        ("kserve-infer.grpc", Source { path: INFER, kind: "application/grpc", ..KSERVE }),
        ("error-500.html", Source { status: 500, kind: "text/html", ..CHAT }),
    ]
}
