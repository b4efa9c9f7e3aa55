//! The dialects as their providers speak them: paths, documents, events.

use crate::answer::{Answer, Fault};
use crate::clouds;
use crate::provider::{Script, Seen};
use http::{Method, Response};
use serde_json::{Value, json};

pub(crate) const ID: &str = "01jd4m8q2v7x";
const CREATED: u64 = 1_763_000_000;

/// Answers a request as the API at its path would.
pub(crate) fn answer(seen: &Seen, script: &Script) -> Response<Answer> {
    let (path, _) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    // Azure's paths, with the deployment in them or not.
    let path = path.strip_prefix("/openai").unwrap_or(path);
    let path = path
        .strip_prefix("/deployments/")
        .and_then(|rest| rest.find('/').and_then(|at| rest.get(at..)))
        .unwrap_or(path);
    if let Some(answer) = clouds::look_up(seen, path) {
        return answer;
    }
    let path = path.strip_prefix("/v1").unwrap_or(path);
    if seen.method == Method::GET {
        return look_up(path);
    }
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or(Value::Null);
    if let Some(answer) = clouds::answer(seen, path, &body, script) {
        return answer;
    }
    let model = body.get("model").and_then(Value::as_str).unwrap_or("kserve").to_owned();
    let fault = Fault::of(&model);
    match fault {
        Fault::Html => {
            let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
            return Answer::bytes(500, "text/html", page);
        }
        Fault::Overloaded if path == "/messages" => {
            let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
            return Answer::json(529, &error);
        }
        Fault::Overloaded => {
            let error = json!({"error": {"message": "The server is overloaded", "type": "server_error", "code": null}});
            return Answer::json(503, &error);
        }
        _ => {}
    }
    let call = Call { said: script(&prompt(&body), &model), model, fault, body: &body };
    match path {
        "/chat/completions" | "/fim/completions" => call.openai_chat(),
        "/responses" => call.openai_response(),
        "/embeddings" => call.openai_embeddings(),
        "/images/generations" | "/images/edits" | "/images/variations" => {
            Answer::document(&json!({"created": CREATED, "data": [{"b64_json": "aW1hZ2U="}]}), fault)
        }
        "/audio/transcriptions" | "/audio/translations" => {
            Answer::document(&json!({"text": format!("heard {} bytes", seen.body.len())}), fault)
        }
        "/audio/speech" => Answer::bytes(200, "audio/mpeg", vec![0xff, 0xf3, 0x44, 0xc4, 0, 0, 0, 3]),
        "/moderations" => {
            Answer::document(&json!({"id": ID, "model": call.model, "results": [{"flagged": false}]}), fault)
        }
        "/files" => Answer::document(
            &json!({"id": "file-1", "object": "file", "bytes": seen.body.len(), "created_at": CREATED,
                    "filename": "upload", "purpose": "assistants", "status": "processed"}),
            fault,
        ),
        "/batches" => Answer::document(&batch("validating"), fault),
        "/messages" => call.anthropic_message(),
        "/messages/count_tokens" => Answer::document(&json!({"input_tokens": words(&prompt(&body))}), fault),
        "/api/chat" => call.ollama("message"),
        "/api/generate" => call.ollama("response"),
        "/api/embed" => Answer::document(
            &json!({"model": call.model, "embeddings": [[0.25, -0.5, 0.125]], "prompt_eval_count": 3}),
            fault,
        ),
        "/api/embeddings" => Answer::document(&json!({"embedding": [0.25, -0.5, 0.125]}), fault),
        "/api/show" => Answer::document(&json!({"details": {"family": "scripted"}, "model_info": {}}), fault),
        _ if path.starts_with("/v2/models/") || path.starts_with("/models/") => call.kserve(path),
        _ => Answer::document(&json!({"answer": call.said, "echo": body}), fault),
    }
}

fn look_up(path: &str) -> Response<Answer> {
    let model = |id: &str| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "scripted"});
    match path {
        "/models" => Answer::json(
            200,
            &json!({"object": "list", "data": [model("gpt-4o-mini"), model("gpt-4o")],
            "has_more": false, "first_id": "gpt-4o-mini", "last_id": "gpt-4o"}),
        ),
        "/batches/batch_1" => Answer::json(200, &batch("completed")),
        "/files/file-2/content" => {
            let line = |id: &str| json!({"custom_id": id, "response": {"body": {"choices": []}}}).to_string() + "\n";
            Answer::bytes(200, "application/octet-stream", line("one") + &line("two"))
        }
        "/api/tags" => Answer::json(200, &json!({"models": [{"name": "llama3.2", "model": "llama3.2", "size": 1}]})),
        "/api/version" => Answer::json(200, &json!({"version": "0.12.0"})),
        "/api/ps" => Answer::json(200, &json!({"models": []})),
        "/v2" => Answer::json(200, &json!({"name": "scripted", "version": "1", "extensions": []})),
        "/v2/health/live" | "/v2/health/ready" => Answer::json(200, &json!({})),
        _ => match path.rsplit_once("/models/") {
            Some(("", id)) => Answer::json(200, &model(id)),
            Some((_, id)) => {
                Answer::json(200, &json!({"name": id, "platform": "scripted", "inputs": [], "outputs": []}))
            }
            None => Answer::json(404, &json!({"error": {"message": "no such thing", "type": "invalid_request_error"}})),
        },
    }
}

/// What a batch of calls has come to.
fn batch(status: &str) -> Value {
    json!({"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-1",
        "completion_window": "24h", "status": status, "output_file_id": "file-2", "created_at": CREATED})
}

struct Call<'a> {
    model: String,
    said: String,
    fault: Fault,
    body: &'a Value,
}

impl Call<'_> {
    fn streams(&self, default: bool) -> bool {
        self.body.get("stream").and_then(Value::as_bool).unwrap_or(default)
    }

    /// Whether it answers with a call of the first tool that the request offers.
    fn tool(&self) -> Option<String> {
        if !self.model.starts_with("tool") {
            return None;
        }
        let tool = self.body.get("tools")?.get(0)?;
        let named = tool.get("function").unwrap_or(tool).get("name")?;
        named.as_str().map(str::to_owned)
    }

    fn usage(&self) -> (u64, u64) {
        (words(&prompt(self.body)), words(&self.said))
    }

    fn openai_chat(&self) -> Response<Answer> {
        let (input, output) = self.usage();
        let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
        let id = format!("chatcmpl-{ID}");
        let arguments = json!({"note": self.said}).to_string();
        if !self.streams(false) {
            let (message, reason) = match self.tool() {
                Some(name) => {
                    let call = json!({"id": "call_1", "type": "function",
                        "function": {"name": name, "arguments": arguments}});
                    (json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
                }
                None => (json!({"role": "assistant", "content": self.said, "refusal": null}), "stop"),
            };
            let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": reason});
            let whole = json!({"id": id, "object": "chat.completion", "created": CREATED, "model": self.model,
                "choices": [choice], "usage": usage});
            return Answer::document(&whole, self.fault);
        }
        let chunk = |delta: Value, reason: Value| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
            data(&json!({"id": id, "object": "chat.completion.chunk", "created": CREATED, "model": self.model,
                "choices": [choice]}))
        };
        let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
        let reason = match self.tool() {
            Some(name) => {
                let begin = json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": name, "arguments": ""}}]});
                events.push(chunk(begin, Value::Null));
                events.extend(pieces(&arguments).into_iter().map(|piece| {
                    let delta = json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]});
                    chunk(delta, Value::Null)
                }));
                "tool_calls"
            }
            None => {
                events
                    .extend(pieces(&self.said).into_iter().map(|piece| chunk(json!({"content": piece}), Value::Null)));
                "stop"
            }
        };
        events.push(chunk(json!({}), Value::from(reason)));
        if self.body.pointer("/stream_options/include_usage").and_then(Value::as_bool) == Some(true) {
            events.push(data(&json!({"id": id, "object": "chat.completion.chunk", "created": CREATED,
                "model": self.model, "choices": [], "usage": usage})));
        }
        events.push("data: [DONE]\n\n".to_owned());
        Answer::stream("text/event-stream", events, self.fault)
    }

    fn openai_response(&self) -> Response<Answer> {
        let (input, output) = self.usage();
        let part = json!({"type": "output_text", "text": self.said, "annotations": []});
        let item =
            json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]});
        let whole = |status: &str, output_items: Value| {
            json!({"id": format!("resp_{ID}"), "object": "response", "created_at": CREATED, "status": status,
                "model": self.model, "output": output_items, "parallel_tool_calls": true, "tool_choice": "auto",
                "tools": [], "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
                "temperature": 1, "top_p": 1,
                "usage": {"input_tokens": input, "input_tokens_details": {"cached_tokens": 0},
                    "output_tokens": output, "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": input + output}})
        };
        if !self.streams(false) {
            return Answer::document(&whole("completed", json!([item])), self.fault);
        }
        let place = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
        let mut number = 0;
        let mut event = |kind: &str, mut value: Value, with: &Value| {
            if let (Some(value), Some(with)) = (value.as_object_mut(), with.as_object()) {
                value.extend(with.clone());
                value.insert("type".to_owned(), Value::from(kind));
                value.insert("sequence_number".to_owned(), Value::from(number));
                number += 1;
            }
            format!("event: {kind}\n{}", data(&value))
        };
        let none = json!({});
        let empty =
            json!({"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []});
        let blank = json!({"type": "output_text", "text": "", "annotations": []});
        let mut events = vec![
            event("response.created", json!({"response": whole("in_progress", json!([]))}), &none),
            event("response.output_item.added", json!({"output_index": 0, "item": empty}), &none),
            event("response.content_part.added", json!({"part": blank}), &place),
        ];
        for piece in pieces(&self.said) {
            events.push(event("response.output_text.delta", json!({"delta": piece, "logprobs": []}), &place));
        }
        events.extend([
            event("response.output_text.done", json!({"text": self.said, "logprobs": []}), &place),
            event("response.content_part.done", json!({"part": part}), &place),
            event("response.output_item.done", json!({"output_index": 0, "item": item}), &none),
            event("response.completed", json!({"response": whole("completed", json!([item]))}), &none),
        ]);
        Answer::stream("text/event-stream", events, self.fault)
    }

    fn openai_embeddings(&self) -> Response<Answer> {
        let count = self.body.get("input").and_then(Value::as_array).map_or(1, Vec::len);
        // The official SDKs ask for base64 and decode it: three 32-bit floats, little-endian.
        let vector: Value = match self.body.get("encoding_format").and_then(Value::as_str) {
            Some("base64") => {
                use base64::Engine as _;
                let bytes: Vec<u8> = [0.25_f32, -0.5, 0.125].iter().flat_map(|value| value.to_le_bytes()).collect();
                Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
            }
            _ => json!([0.25, -0.5, 0.125]),
        };
        let data: Vec<Value> =
            (0..count).map(|index| json!({"object": "embedding", "index": index, "embedding": vector})).collect();
        let (input, _) = self.usage();
        let usage = json!({"prompt_tokens": input, "total_tokens": input});
        let whole = json!({"id": ID, "object": "list", "data": data, "model": self.model, "usage": usage});
        Answer::document(&whole, self.fault)
    }

    fn anthropic_message(&self) -> Response<Answer> {
        let (input, output) = self.usage();
        let id = format!("msg_{ID}");
        let tool = self.tool();
        let (block, reason) = match &tool {
            Some(name) => {
                (json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": {"note": self.said}}), "tool_use")
            }
            None => (json!({"type": "text", "text": self.said}), "end_turn"),
        };
        let message = |content: Value, reason: Value, output: u64| {
            json!({"id": id, "type": "message", "role": "assistant", "model": self.model, "content": content,
                "stop_reason": reason, "stop_sequence": null,
                "usage": {"input_tokens": input, "output_tokens": output}})
        };
        if !self.streams(false) {
            return Answer::document(&message(json!([block]), Value::from(reason), output), self.fault);
        }
        let event = |kind: &str, value: Value| format!("event: {kind}\n{}", data(&value));
        let begin = match &tool {
            Some(name) => json!({"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}),
            None => json!({"type": "text", "text": ""}),
        };
        let mut events = vec![
            event("message_start", json!({"type": "message_start", "message": message(json!([]), Value::Null, 1)})),
            event("content_block_start", json!({"type": "content_block_start", "index": 0, "content_block": begin})),
            event("ping", json!({"type": "ping"})),
        ];
        let text = if tool.is_some() { json!({"note": self.said}).to_string() } else { self.said.clone() };
        for piece in pieces(&text) {
            let delta = match tool {
                Some(_) => json!({"type": "input_json_delta", "partial_json": piece}),
                None => json!({"type": "text_delta", "text": piece}),
            };
            let value = json!({"type": "content_block_delta", "index": 0, "delta": delta});
            events.push(event("content_block_delta", value));
        }
        events.extend([
            event("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
            event(
                "message_delta",
                json!({"type": "message_delta", "usage": {"output_tokens": output},
                "delta": {"stop_reason": reason, "stop_sequence": null}}),
            ),
            event("message_stop", json!({"type": "message_stop"})),
        ]);
        Answer::stream("text/event-stream", events, self.fault)
    }

    fn ollama(&self, key: &str) -> Response<Answer> {
        let (input, output) = self.usage();
        let line = |text: &str, done: bool| {
            let mut value = json!({"model": self.model, "created_at": "2026-11-20T12:00:00Z", "done": done});
            if let Some(value) = value.as_object_mut() {
                let said = if key == "message" { json!({"role": "assistant", "content": text}) } else { json!(text) };
                value.insert(key.to_owned(), said);
                if done {
                    value.extend([
                        ("done_reason".to_owned(), json!("stop")),
                        ("prompt_eval_count".to_owned(), json!(input)),
                        ("eval_count".to_owned(), json!(output)),
                    ]);
                }
            }
            value
        };
        if !self.streams(true) {
            let mut whole = line(&self.said, true);
            if let Some((name, members)) = self.tool().zip(whole.as_object_mut()) {
                let call = json!({"function": {"name": name, "arguments": {"note": self.said}}});
                let said = json!({"role": "assistant", "content": "", "tool_calls": [call]});
                members.insert(key.to_owned(), said);
            }
            return Answer::document(&whole, self.fault);
        }
        let mut lines: Vec<String> =
            pieces(&self.said).iter().map(|piece| format!("{}\n", line(piece, false))).collect();
        lines.push(format!("{}\n", line("", true)));
        Answer::stream("application/x-ndjson", lines, self.fault)
    }

    fn kserve(&self, path: &str) -> Response<Answer> {
        let model = path.split("/models/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if path.ends_with("/generate") {
            let said = json!({"model_name": model, "model_version": "1", "text_output": self.said});
            return Answer::document(&said, self.fault);
        }
        let output = json!({"name": "score", "datatype": "FP32", "shape": [1], "data": [0.93]});
        Answer::document(&json!({"model_name": model, "model_version": "1", "id": ID, "outputs": [output]}), self.fault)
    }
}

pub(crate) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// Cuts a text as models do: a few characters at a time, not minding words.
#[must_use]
pub fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|piece| piece.iter().collect()).collect()
}

pub(crate) fn words(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

/// The last text that a user (or the only text that anyone) said.
pub(crate) fn prompt(body: &Value) -> String {
    let said = body
        .get("messages")
        .or_else(|| body.get("input"))
        .or_else(|| body.get("prompt"))
        .or_else(|| body.get("inputs"))
        .unwrap_or(body);
    match said {
        Value::Array(turns) => turns.last().map(text_of).unwrap_or_default(),
        one => text_of(one),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "),
        Value::Object(part) => part.get("content").or_else(|| part.get("text")).map(text_of).unwrap_or_default(),
        _ => String::new(),
    }
}
