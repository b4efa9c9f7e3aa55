//! An answer that the plant gives itself, in the caller's dialect and in the shape that its SDK reads; and what is put
//! into the answer of a provider that was asked in place of another, so that whoever reads it can tell.
//!
//! Both name themselves: a member `penstock` in the first object, or a comment before the first event.

mod clouds;

use crate::Endpoint;
use plant::{Dialect, Millis};
use serde_json::{Value, json};

/// The model that a fixed answer names: no model has answered.
const MODEL: &str = "penstock-fixed-answer";

/// An answer that no model made.
#[derive(Clone, Copy, Debug)]
pub struct Fixed<'a> {
    /// What it says.
    pub text: &'a str,
    /// What makes its ids: the record that stands behind it.
    pub record: &'a str,
    /// When it is given.
    pub at: Millis,
    /// What it says of itself, as the member `penstock`.
    pub told: &'a Value,
    /// The query of the call: where Gemini's callers say how a stream is to come.
    pub query: &'a str,
}

/// A fixed answer to a call of an endpoint: its content type and its bytes, streamed if the call was. `None` where the
/// dialect has no place for a text.
#[must_use]
pub fn fixed(endpoint: Endpoint, stream: bool, answer: &Fixed<'_>) -> Option<(&'static str, Vec<u8>)> {
    let form = Form { id: answer.record.replace('-', ""), seconds: answer.at.0 / 1000, answer };
    let whole = |document: Value| ("application/json", document.to_string().into_bytes());
    let events = |events: Vec<String>| ("text/event-stream", events.concat().into_bytes());
    Some(match (endpoint.dialect().kin(), endpoint.name(), stream) {
        (Dialect::OpenAi, "chat.completions", false) => whole(form.chat()),
        (Dialect::OpenAi, "chat.completions", true) => events(form.chat_stream()),
        (Dialect::OpenAi, "completions", false) => whole(form.completion()),
        (Dialect::OpenAi, "completions", true) => events(vec![data(&form.completion()), DONE.to_owned()]),
        (Dialect::OpenAi, "responses", false) => whole(form.response("completed")),
        (Dialect::OpenAi, "responses", true) => events(form.response_stream()),
        (Dialect::Anthropic, "messages", false) => whole(form.message()),
        (Dialect::Anthropic, "messages", true) => events(form.message_stream()),
        (Dialect::Ollama, "chat" | "generate", false) => whole(form.ollama(endpoint.name())),
        (Dialect::Ollama, "chat" | "generate", true) => {
            let line = format!("{}\n", form.ollama(endpoint.name()));
            ("application/x-ndjson", line.into_bytes())
        }
        (Dialect::Cohere, "chat", false) => whole(form.cohere()),
        (Dialect::Cohere, "chat", true) => events(form.cohere_stream()),
        (Dialect::Gemini, "generateContent", _) => whole(form.gemini()),
        (Dialect::Gemini, "streamGenerateContent", _) if form.asks_for_events() => events(vec![data(&form.gemini())]),
        (Dialect::Gemini, "streamGenerateContent", _) => whole(json!([form.gemini()])),
        (Dialect::Bedrock, "converse", _) => whole(form.converse()),
        (Dialect::Bedrock, "converse-stream", _) => ("application/vnd.amazon.eventstream", form.converse_stream()),
        _ => return None,
    })
}

/// Puts into the beginning of an answer what is told of it, where its form has a place: the first member of a document or
/// of a first line, a comment before the first event. Gives whether it had.
pub fn announce(start: &mut Vec<u8>, told: &Value) -> bool {
    let blank = |byte: &u8| byte.is_ascii_whitespace();
    let Some(first) = start.iter().position(|byte| !blank(byte)) else { return false };
    let rest = start.get(first..).unwrap_or_default();
    let (at, text) = if rest.starts_with(b"{") {
        let empty = rest.iter().skip(1).find(|byte| !blank(byte)).is_none_or(|byte| *byte == b'}');
        (first + 1, format!("\"penstock\":{told}{}", if empty { "" } else { "," }))
    } else if [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|field| rest.starts_with(field)) {
        (0, format!(": penstock {told}\n\n"))
    } else {
        return false;
    };
    start.splice(at..at, text.into_bytes());
    true
}

const DONE: &str = "data: [DONE]\n\n";

fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event of a dialect that names its events.
fn event(value: &Value) -> String {
    format!("event: {}\n{}", value.get("type").and_then(Value::as_str).unwrap_or_default(), data(value))
}

/// A fixed answer on its way into a form.
struct Form<'a> {
    id: String,
    seconds: u64,
    answer: &'a Fixed<'a>,
}

impl Form<'_> {
    fn chat(&self) -> Value {
        let message = json!({"role": "assistant", "content": self.answer.text, "refusal": null});
        json!({
            "id": format!("chatcmpl-{}", self.id), "object": "chat.completion", "created": self.seconds, "model": MODEL,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            "penstock": self.answer.told,
        })
    }

    fn chat_stream(&self) -> Vec<String> {
        let chunk = |delta: Value, finish: Value| {
            data(&json!({
                "id": format!("chatcmpl-{}", self.id), "object": "chat.completion.chunk", "created": self.seconds,
                "model": MODEL, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
                "penstock": self.answer.told,
            }))
        };
        let delta = json!({"role": "assistant", "content": self.answer.text});
        vec![chunk(delta, Value::Null), chunk(json!({}), "stop".into()), DONE.to_owned()]
    }

    fn completion(&self) -> Value {
        json!({
            "id": format!("cmpl-{}", self.id), "object": "text_completion", "created": self.seconds, "model": MODEL,
            "choices": [{"index": 0, "text": self.answer.text, "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            "penstock": self.answer.told,
        })
    }

    fn part(&self, text: &str) -> Value {
        json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
    }

    fn item(&self, status: &str, content: Value) -> Value {
        let id = format!("msg_{}", self.id);
        json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
    }

    fn response(&self, status: &str) -> Value {
        let ended = status == "completed";
        let output = if ended { json!([self.item(status, json!([self.part(self.answer.text)]))]) } else { json!([]) };
        let usage = json!({"input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0});
        json!({
            "id": format!("resp_{}", self.id), "object": "response", "created_at": self.seconds, "status": status,
            "error": null, "incomplete_details": null, "instructions": null, "metadata": {}, "model": MODEL,
            "output": output, "parallel_tool_calls": true, "temperature": null, "tool_choice": "auto", "tools": [],
            "top_p": null, "usage": if ended { usage } else { Value::Null }, "penstock": self.answer.told,
        })
    }

    fn response_stream(&self) -> Vec<String> {
        let (id, text) = (format!("msg_{}", self.id), self.answer.text);
        let steps = [
            json!({"type": "response.created", "response": self.response("in_progress")}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": self.item("in_progress", json!([]))}),
            json!({"type": "response.content_part.added", "item_id": id, "output_index": 0, "content_index": 0,
                "part": self.part("")}),
            json!({"type": "response.output_text.delta", "item_id": id, "output_index": 0, "content_index": 0,
                "delta": text, "logprobs": []}),
            json!({"type": "response.output_text.done", "item_id": id, "output_index": 0, "content_index": 0,
                "text": text, "logprobs": []}),
            json!({"type": "response.content_part.done", "item_id": id, "output_index": 0, "content_index": 0,
                "part": self.part(text)}),
            json!({"type": "response.output_item.done", "output_index": 0,
                "item": self.item("completed", json!([self.part(text)]))}),
            json!({"type": "response.completed", "response": self.response("completed")}),
        ];
        let numbered = steps.into_iter().enumerate().map(|(number, mut step)| {
            if let Some(members) = step.as_object_mut() {
                members.insert("sequence_number".to_owned(), number.into());
            }
            event(&step)
        });
        numbered.collect()
    }

    fn begun(&self, content: Value, reason: Value) -> Value {
        json!({
            "id": format!("msg_{}", self.id), "type": "message", "role": "assistant", "model": MODEL, "content": content,
            "stop_reason": reason, "stop_sequence": null, "usage": {"input_tokens": 0, "output_tokens": 0},
            "penstock": self.answer.told,
        })
    }

    fn message(&self) -> Value {
        self.begun(json!([{"type": "text", "text": self.answer.text}]), "end_turn".into())
    }

    fn message_stream(&self) -> Vec<String> {
        let steps = [
            json!({"type": "message_start", "message": self.begun(json!([]), Value::Null)}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": self.answer.text}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"output_tokens": 0}}),
            json!({"type": "message_stop"}),
        ];
        steps.iter().map(event).collect()
    }

    /// One line says all: its stream may end with its first.
    fn ollama(&self, endpoint: &str) -> Value {
        let mut line = json!({
            "model": MODEL, "created_at": self.answer.at.to_string(), "done": true, "done_reason": "stop",
            "total_duration": 0, "load_duration": 0, "prompt_eval_count": 0, "eval_count": 0, "penstock": self.answer.told,
        });
        if let Some(members) = line.as_object_mut() {
            let text = self.answer.text;
            match endpoint {
                "chat" => members.insert("message".to_owned(), json!({"role": "assistant", "content": text})),
                _ => members.insert("response".to_owned(), text.into()),
            };
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{Fixed, announce, fixed};
    use crate::{Answer, endpoints};
    use plant::{Channel, Dialect, Form, Millis, Rewrite};
    use serde_json::{Value, json};

    /// Gathers what a caller would read.
    #[derive(Default)]
    struct Reading(String);

    impl Rewrite for Reading {
        fn push(&mut self, _: Channel, text: &str) -> String {
            self.0.push_str(text);
            text.to_owned()
        }

        fn finish(&mut self, _: Channel) -> String {
            String::new()
        }

        fn whole(&mut self, text: &str, _: Form) -> Option<String> {
            self.0.push_str(text);
            None
        }
    }

    #[test]
    fn our_own_reader_reads_each_form_to_its_end_and_finds_the_text() {
        let told = json!({"answered_by": "fixed answer", "because": "unreachable"});
        let mut forms = 0;
        for (endpoint, query) in endpoints().flat_map(|endpoint| [(endpoint, ""), (endpoint, "key=k&alt=sse")]) {
            let (record, at) = ("0193-7f", Millis(1_763_000_000_000));
            let answer = Fixed { text: "Follow \"SOP 7\".", record, at, told: &told, query };
            for stream in [false, true] {
                let Some((kind, bytes)) = fixed(endpoint, stream, &answer) else { continue };
                forms += 1;
                let (mut reading, mut out) = (Reading::default(), Vec::new());
                let mut read = Answer::new(endpoint.dialect(), endpoint, 200, kind, false);
                read.push(&bytes, &mut reading, &mut out).unwrap();
                read.finish(&mut reading, &mut out).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                assert!(reading.0.contains(answer.text), "{endpoint:?}: {text}");
                assert!(read.facts().complete, "{endpoint:?}");
                assert!(text.contains("unreachable"), "{endpoint:?}: {text}");
            }
        }
        assert!(forms > 40, "{forms}");
    }

    #[test]
    fn a_vector_or_a_transcript_is_nothing_that_a_text_could_stand_in_for() {
        let told = Value::Null;
        let answer = Fixed { text: "no", record: "r", at: Millis(0), told: &told, query: "" };
        let dumb = |name: &str| endpoints().find(|one| one.dialect() == Dialect::OpenAi && one.name() == name).unwrap();
        for name in ["embeddings", "audio.transcriptions", "models", "files"] {
            assert!(fixed(dumb(name), false, &answer).is_none(), "{name}");
        }
    }

    fn announced(text: &str) -> Option<String> {
        let mut bytes = text.as_bytes().to_vec();
        announce(&mut bytes, &json!({"by": "edge"})).then(|| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn what_is_told_stands_first_and_changes_nothing_else() {
        assert_eq!(announced("{\"a\":1}").unwrap(), "{\"penstock\":{\"by\":\"edge\"},\"a\":1}");
        assert_eq!(announced(" {\n}").unwrap(), " {\"penstock\":{\"by\":\"edge\"}\n}");
        assert_eq!(announced("data: {}\n\n").unwrap(), ": penstock {\"by\":\"edge\"}\n\ndata: {}\n\n");
        for text in ["", " \n", "[1]", "plain text", "\u{0}\u{1}"] {
            assert_eq!(announced(text), None, "{text:?}");
        }
    }
}
