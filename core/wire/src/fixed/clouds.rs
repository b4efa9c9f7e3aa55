//! The forms of the dialects that only one cloud speaks.

use super::{Form, MODEL, event};
use crate::answer::sealed;
use serde_json::{Value, json};

impl Form<'_> {
    pub(super) fn cohere(&self) -> Value {
        let content = json!([{"type": "text", "text": self.answer.text}]);
        json!({
            "id": self.id, "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": content},
            "usage": cohere_usage(), "penstock": self.answer.told,
        })
    }

    pub(super) fn cohere_stream(&self) -> Vec<String> {
        let message = json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []});
        let start = json!({"type": "text", "text": ""});
        let steps = [
            json!({"type": "message-start", "id": self.id, "delta": {"message": message}, "penstock": self.answer.told}),
            json!({"type": "content-start", "index": 0, "delta": {"message": {"content": start}}}),
            json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": self.answer.text}}}}),
            json!({"type": "content-end", "index": 0}),
            json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": cohere_usage()}}),
        ];
        steps.iter().map(event).collect()
    }

    /// Whether a stream of Gemini's is to come as events; elsewhere it is one list.
    pub(super) fn asks_for_events(&self) -> bool {
        self.answer.query.split('&').any(|pair| pair == "alt=sse")
    }

    /// One object says all: a stream may have one.
    pub(super) fn gemini(&self) -> Value {
        let content = json!({"parts": [{"text": self.answer.text}], "role": "model"});
        json!({
            "candidates": [{"content": content, "index": 0, "finishReason": "STOP"}], "modelVersion": MODEL,
            "responseId": self.id, "penstock": self.answer.told,
            "usageMetadata": {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0},
        })
    }

    pub(super) fn converse(&self) -> Value {
        let message = json!({"role": "assistant", "content": [{"text": self.answer.text}]});
        json!({
            "output": {"message": message}, "stopReason": "end_turn", "usage": bedrock_usage(),
            "metrics": {"latencyMs": 0}, "penstock": self.answer.told,
        })
    }

    pub(super) fn converse_stream(&self) -> Vec<u8> {
        let steps = [
            ("messageStart", json!({"role": "assistant", "penstock": self.answer.told})),
            ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": self.answer.text}})),
            ("contentBlockStop", json!({"contentBlockIndex": 0})),
            ("messageStop", json!({"stopReason": "end_turn"})),
            ("metadata", json!({"usage": bedrock_usage(), "metrics": {"latencyMs": 0}})),
        ];
        let message = |(kind, body): &(&str, Value)| {
            let headers = [(":event-type", *kind), (":content-type", "application/json"), (":message-type", "event")];
            sealed(&headers, body.to_string().as_bytes())
        };
        steps.iter().flat_map(message).collect()
    }
}

fn cohere_usage() -> Value {
    let none = json!({"input_tokens": 0, "output_tokens": 0});
    json!({"billed_units": none, "tokens": none})
}

fn bedrock_usage() -> Value {
    json!({"inputTokens": 0, "outputTokens": 0, "totalTokens": 0})
}
