//! What an answer says about itself: model, the provider's id, tokens, how it ended. Never its content.

use crate::json::{Document, Kind, Value};

/// Longest text that is kept of an answer, in characters.
const LONGEST: usize = 120;

/// What is known of an answer so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// The provider's own id of the call.
    pub provider_id: Option<String>,
    /// Tokens of the prompt, those read from or written to a cache included.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub output_tokens: Option<u64>,
    /// Why the model stopped, in the dialect's word; of several choices the last that ended.
    pub finish: Option<String>,
    /// The type or code of an error that the answer holds.
    pub error: Option<String>,
    /// Events of the stream that had a payload; 1 for a document.
    pub frames: u64,
    /// Whether the answer has come to its end: its last event, an error of the provider's own, or the end of a
    /// body that has no such mark.
    pub complete: bool,
}

impl Facts {
    /// Takes what stands at the usual places of a document or an event.
    pub(super) fn note(&mut self, document: &Document<'_>) {
        self.object(document.root());
    }

    /// Takes what a message of the open inference protocol says of itself.
    pub(super) fn message(&mut self, model: Option<&str>, id: Option<&str>) {
        let cut = |text: &str| text.chars().take(LONGEST).collect();
        let kept = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(cut);
        (self.model, self.provider_id) = (kept(model), kept(id));
    }

    /// Takes what stands in one object.
    pub(super) fn object(&mut self, object: Value<'_, '_>) {
        if object.kind() != Kind::Object {
            return;
        }
        for member in object.children() {
            let Some(key) = member.key() else { continue };
            match &*key.decode() {
                "id" | "responseId" => keep(&mut self.provider_id, member),
                "model" | "model_name" | "modelVersion" => keep(&mut self.model, member),
                "usage" | "usageMetadata" | "amazon-bedrock-invocationMetrics" => self.usage(member),
                "prompt_eval_count" | "prompt_token_count" | "inputTextTokenCount" | "tokens_evaluated" => {
                    self.input_tokens = member.as_u64().or(self.input_tokens);
                }
                "eval_count" | "generation_token_count" | "totalOutputTextTokenCount" | "tokens_predicted" => {
                    self.output_tokens = member.as_u64().or(self.output_tokens);
                }
                "stop_reason" | "done_reason" | "stopReason" | "completionReason" | "finish_reason" => {
                    self.finish(member);
                }
                "candidates" => member
                    .children()
                    .filter_map(|candidate| candidate.get("finishReason"))
                    .for_each(|reason| self.finish(reason)),
                "choices" => member
                    .children()
                    .filter_map(|choice| choice.get("finish_reason"))
                    .for_each(|reason| self.finish(reason)),
                "error" => self.error(member),
                "__type" => self.error = cut(member),
                "type" if self.error.is_none() && member.text().is_some_and(|kind| kind.is("error")) => {
                    self.error = Some(object.get("code").and_then(cut).unwrap_or_else(|| "error".to_owned()));
                }
                // The events of OpenAI's responses and Anthropic's `message_start` hold the answer in a member;
                // so does Anthropic's `message_delta` its reason to stop.
                "response" | "message" if member.get("id").is_some() => self.object(member),
                "delta" if member.get("stop_reason").or(member.get("finish_reason")).is_some() => self.object(member),
                "status"
                    if object.get("object").is_some_and(|kind| kind.text().is_some_and(|kind| kind.is("response"))) =>
                {
                    self.finish(member);
                }
                _ => {}
            }
        }
    }

    /// Takes the reason why the model stopped, if there is one.
    fn finish(&mut self, reason: Value<'_, '_>) {
        if let Some(text) = cut(reason).filter(|text| !text.is_empty()) {
            self.finish = Some(text);
        }
    }

    fn usage(&mut self, usage: Value<'_, '_>) {
        let (mut input, mut output): (Option<u64>, Option<u64>) = (None, None);
        // Cohere's counts stand beside what is billed of them.
        let usage = usage.get("tokens").filter(|tokens| tokens.kind() == Kind::Object).unwrap_or(usage);
        for member in usage.children() {
            let (Some(key), Some(count)) = (member.key(), member.as_u64()) else { continue };
            match &*key.decode() {
                "prompt_tokens"
                | "input_tokens"
                | "cache_creation_input_tokens"
                | "cache_read_input_tokens"
                | "inputTokens"
                | "cacheReadInputTokens"
                | "cacheWriteInputTokens"
                | "inputTokenCount"
                | "promptTokenCount"
                | "toolUsePromptTokenCount" => input = Some(input.unwrap_or(0).saturating_add(count)),
                "completion_tokens"
                | "output_tokens"
                | "outputTokens"
                | "outputTokenCount"
                | "candidatesTokenCount"
                | "thoughtsTokenCount" => output = Some(output.unwrap_or(0).saturating_add(count)),
                _ => {}
            }
        }
        self.input_tokens = input.or(self.input_tokens);
        self.output_tokens = output.or(self.output_tokens);
    }

    /// Takes the kind of an error. Its message may quote the prompt, so it is not kept.
    fn error(&mut self, error: Value<'_, '_>) {
        if error.kind() == Kind::Null {
            return;
        }
        let named = ["code", "status", "type"].into_iter().find_map(|key| cut(error.get(key)?));
        self.error = Some(named.unwrap_or_else(|| "error".to_owned()));
    }
}

/// Keeps the first text that comes.
fn keep(place: &mut Option<String>, value: Value<'_, '_>) {
    if place.is_none() {
        *place = cut(value);
    }
}

fn cut(value: Value<'_, '_>) -> Option<String> {
    value.as_str().map(|text| text.chars().take(LONGEST).collect())
}
