//! The clouds whose APIs are not of one kind with others: Google's Gemini, Amazon's Bedrock, Cohere; and llama.cpp's own.

use crate::answer::{Answer, Fault};
use crate::dialect::{ID, data, pieces, prompt, words};
use crate::provider::{Script, Seen};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Response};
use serde_json::{Value, json};

/// Paths of those that have no model in them.
const PATHS: [&str; 10] = [
    "/v2/chat",
    "/v2/embed",
    "/v2/rerank",
    "/rerank",
    "/reranking",
    "/tokenize",
    "/detokenize",
    "/completion",
    "/infill",
    "/ocr",
];

/// What is only looked up, if the path is one of these.
pub(crate) fn look_up(seen: &Seen, path: &str) -> Option<Response<Answer>> {
    if seen.method != Method::GET {
        return None;
    }
    let model =
        |name: &str| json!({"name": format!("models/{name}"), "displayName": name, "inputTokenLimit": 1_048_576});
    // Google's models have the path of OpenAI's.
    let google = seen.headers.contains_key("x-goog-api-key");
    match path.trim_start_matches("/v1") {
        "/models" | "beta/models" if google => Some(Answer::json(200, &json!({"models": [model("gemini-2.5-flash")]}))),
        "/props" => Some(Answer::json(200, &json!({"default_generation_settings": {"n_ctx": 8192}, "total_slots": 1}))),
        "/health" => Some(Answer::json(200, &json!({"status": "ok"}))),
        path if google => self::google(path).map(|name| Answer::json(200, &model(name))),
        _ => None,
    }
}

/// The answer to a call, if it is to one of these.
pub(crate) fn answer(seen: &Seen, path: &str, body: &Value, script: &Script) -> Option<Response<Answer>> {
    let call = |model: &str, asked: String| Call {
        said: script(&asked, model),
        asked,
        fault: Fault::of(model),
        model: model.to_owned(),
        body,
        events: seen.path.contains("alt=sse"),
    };
    if let Some((model, method)) = google(path).and_then(|rest| rest.split_once(':')) {
        return Some(call(model, gemini_prompt(body)).gemini(method));
    }
    if let Some((model, method)) = path.strip_prefix("/model/").and_then(|rest| rest.split_once('/')) {
        return Some(call(&model.replace("%3A", ":"), prompt(body)).bedrock(method));
    }
    if path.starts_with("/api/machines/") {
        return Some(machine(body, script));
    }
    if !PATHS.contains(&path) {
        return None;
    }
    let call = call(body.get("model").and_then(Value::as_str).unwrap_or_default(), prompt(body));
    Some(match path {
        "/v2/chat" => call.cohere(),
        "/v2/embed" => {
            let whole = json!({"id": ID, "response_type": "embeddings_by_type", "texts": body.get("texts"),
                "embeddings": {"float": [[0.25, -0.5, 0.125]]}});
            Answer::document(&whole, call.fault)
        }
        "/v2/rerank" | "/rerank" | "/reranking" => {
            Answer::document(&json!({"id": ID, "results": [{"index": 0, "relevance_score": 0.93}]}), call.fault)
        }
        "/tokenize" => Answer::document(&json!({"tokens": [1, 2, 3], "count": 3}), call.fault),
        "/detokenize" => Answer::document(&json!({"content": "abc", "prompt": "abc"}), call.fault),
        "/completion" | "/infill" => call.llama(),
        "/ocr" => {
            let page = json!({"index": 0, "markdown": "# Work order", "images": [], "dimensions": null});
            Answer::document(
                &json!({"pages": [page], "model": call.model, "usage_info": {"pages_processed": 1}}),
                call.fault,
            )
        }
        _ => return None,
    })
}

/// The cloud of a machine's maker: an API that nobody else has.
fn machine(body: &Value, script: &Script) -> Response<Answer> {
    let text = |place: &str| body.pointer(place).and_then(Value::as_str).unwrap_or_default();
    let said = script(text("/question"), text("/engine/name"));
    if body.pointer("/options/live").and_then(Value::as_bool) != Some(true) {
        return Answer::document(&json!({"answer": said, "echo": body}), Fault::None);
    }
    let events = pieces(&said).into_iter().map(|text| data(&json!({"delta": {"text": text}}))).collect();
    Answer::stream("text/event-stream", events, Fault::None)
}

struct Call<'a> {
    model: String,
    asked: String,
    said: String,
    fault: Fault,
    body: &'a Value,
    /// Whether a stream is asked for as events.
    events: bool,
}

impl Call<'_> {
    fn counts(&self) -> (u64, u64) {
        (words(&self.asked), words(&self.said))
    }

    /// The name of the first tool that the request offers, if the model is to call one.
    fn tool(&self, place: &str) -> Option<&str> {
        let named = self.body.pointer(place).filter(|_| self.model.starts_with("tool"));
        named.and_then(Value::as_str)
    }

    fn streams(&self) -> bool {
        self.body.get("stream").and_then(Value::as_bool) == Some(true)
    }

    fn gemini(&self, method: &str) -> Response<Answer> {
        let vector = json!({"values": [0.25, -0.5, 0.125]});
        let whole = |parts: Value, reason: Option<&str>| {
            let (input, output) = self.counts();
            let candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": reason});
            json!({"candidates": [candidate], "modelVersion": self.model, "responseId": ID,
                "usageMetadata": {"promptTokenCount": input, "candidatesTokenCount": output,
                    "totalTokenCount": input + output}})
        };
        let said = || match self.tool("/tools/0/functionDeclarations/0/name") {
            Some(name) => json!([{"functionCall": {"name": name, "args": {"note": self.said}}}]),
            None => json!([{"text": self.said}]),
        };
        match method {
            "generateContent" => Answer::document(&whole(said(), Some("STOP")), self.fault),
            "streamGenerateContent" => {
                let texts = if self.tool("/tools/0/functionDeclarations/0/name").is_some() {
                    vec![whole(said(), Some("STOP"))]
                } else {
                    let texts = pieces(&self.said).into_iter().map(|text| whole(json!([{"text": text}]), None));
                    texts.chain([whole(json!([{"text": ""}]), Some("STOP"))]).collect()
                };
                if self.events {
                    let events = texts.iter().map(|event| format!("data: {event}\r\n\r\n")).collect();
                    return Answer::stream("text/event-stream", events, self.fault);
                }
                let mark = |at: usize| if at == 0 { "[" } else { ",\r\n" };
                let mut items: Vec<String> =
                    texts.iter().enumerate().map(|(at, item)| format!("{}{item}\n", mark(at))).collect();
                items.push("]\n".to_owned());
                Answer::stream("application/json", items, self.fault)
            }
            "countTokens" => Answer::document(&json!({"totalTokens": words(&self.asked)}), self.fault),
            "embedContent" => Answer::document(&json!({"embedding": vector}), self.fault),
            "batchEmbedContents" => {
                let asked = self.body.get("requests").and_then(Value::as_array).map_or(1, Vec::len);
                Answer::document(&json!({"embeddings": vec![vector; asked]}), self.fault)
            }
            _ => {
                Answer::json(404, &json!({"error": {"code": 404, "message": "no such method", "status": "NOT_FOUND"}}))
            }
        }
    }

    fn bedrock(&self, method: &str) -> Response<Answer> {
        let (input, output) = self.counts();
        let usage = json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output});
        let metrics = json!({"latencyMs": 7});
        let tool = self.tool("/toolConfig/tools/0/toolSpec/name");
        let reason = if tool.is_some() { "tool_use" } else { "end_turn" };
        match method {
            "converse" => {
                let block = match tool {
                    Some(name) => json!({"toolUse": {"toolUseId": "t1", "name": name, "input": {"note": self.said}}}),
                    None => json!({"text": self.said}),
                };
                let message = json!({"role": "assistant", "content": [block]});
                let whole =
                    json!({"output": {"message": message}, "stopReason": reason, "usage": usage, "metrics": metrics});
                Answer::document(&whole, self.fault)
            }
            "converse-stream" => {
                let mut events = vec![event("messageStart", &json!({"role": "assistant", "p": "abc"}))];
                let delta = |delta: Value| event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": delta}));
                if let Some(name) = tool {
                    let start =
                        json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t1", "name": name}}});
                    events.push(event("contentBlockStart", &start));
                    let arguments = json!({"note": self.said}).to_string();
                    events.extend(pieces(&arguments).iter().map(|piece| delta(json!({"toolUse": {"input": piece}}))));
                } else {
                    events.extend(pieces(&self.said).iter().map(|piece| delta(json!({"text": piece}))));
                }
                events.push(event("contentBlockStop", &json!({"contentBlockIndex": 0})));
                events.push(event("messageStop", &json!({"stopReason": reason})));
                events.push(event("metadata", &json!({"usage": usage, "metrics": metrics})));
                Answer::stream(AMAZON, events, self.fault)
            }
            "invoke" => {
                let whole = json!({"id": ID, "type": "message", "role": "assistant", "model": self.model,
                    "content": [{"type": "text", "text": self.said}], "stop_reason": "end_turn",
                    "usage": {"input_tokens": input, "output_tokens": output}});
                Answer::document(&whole, self.fault)
            }
            "invoke-with-response-stream" => {
                let chunk = |value: Value| {
                    event("chunk", &json!({"bytes": BASE64_STANDARD.encode(value.to_string()), "p": "abcdefgh"}))
                };
                let mut events = vec![chunk(
                    json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                )];
                events.extend(pieces(&self.said).iter().map(|piece| {
                    let delta = json!({"type": "text_delta", "text": piece});
                    chunk(json!({"type": "content_block_delta", "index": 0, "delta": delta}))
                }));
                events.push(chunk(json!({"type": "content_block_stop", "index": 0})));
                events.push(chunk(json!({"type": "message_stop",
                    "amazon-bedrock-invocationMetrics": {"inputTokenCount": input, "outputTokenCount": output}})));
                Answer::stream(AMAZON, events, self.fault)
            }
            "count-tokens" => Answer::document(&json!({"inputTokens": input}), self.fault),
            _ => Answer::json(404, &json!({"__type": "UnknownOperationException"})),
        }
    }

    fn cohere(&self) -> Response<Answer> {
        let (input, output) = self.counts();
        let counts = json!({"input_tokens": input, "output_tokens": output});
        let usage = json!({"billed_units": counts, "tokens": counts});
        let arguments = json!({"note": self.said}).to_string();
        let tool = self.tool("/tools/0/function/name");
        let call = |name: &str, arguments: &str| json!({"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}});
        let reason = if tool.is_some() { "TOOL_CALL" } else { "COMPLETE" };
        if !self.streams() {
            let message = match tool {
                Some(name) => {
                    json!({"role": "assistant", "tool_plan": "I note it.", "tool_calls": [call(name, &arguments)]})
                }
                None => json!({"role": "assistant", "content": [{"type": "text", "text": self.said}]}),
            };
            let whole = json!({"id": ID, "finish_reason": reason, "message": message, "usage": usage});
            return Answer::document(&whole, self.fault);
        }
        let event = |kind: &str, delta: Value| {
            let index = json!({"type": kind, "index": 0, "delta": delta});
            format!("event: {kind}\n{}", data(&index))
        };
        let content = |text: &str| json!({"message": {"content": {"type": "text", "text": text}}});
        let start =
            json!({"type": "message-start", "id": ID, "delta": {"message": {"role": "assistant", "content": []}}});
        let mut events = vec![format!("event: message-start\n{}", data(&start))];
        if let Some(name) = tool {
            events.push(event("tool-call-start", json!({"message": {"tool_calls": call(name, "")}})));
            events.extend(pieces(&arguments).iter().map(|piece| {
                let piece = json!({"message": {"tool_calls": {"function": {"arguments": piece}}}});
                event("tool-call-delta", piece)
            }));
            events.push(event("tool-call-end", json!({})));
        } else {
            events.push(event("content-start", content("")));
            events.extend(pieces(&self.said).iter().map(|piece| event("content-delta", content(piece))));
            events.push(event("content-end", json!({})));
        }
        events.push(event("message-end", json!({"finish_reason": reason, "usage": usage})));
        Answer::stream("text/event-stream", events, self.fault)
    }

    fn llama(&self) -> Response<Answer> {
        let (input, output) = self.counts();
        let last = |text: &str| {
            json!({"index": 0, "content": text, "stop": true, "model": self.model, "tokens_evaluated": input,
                "tokens_predicted": output})
        };
        if !self.streams() {
            return Answer::document(&last(&self.said), self.fault);
        }
        let texts = pieces(&self.said).into_iter().map(|text| json!({"index": 0, "content": text, "stop": false}));
        let events = texts.chain([last("")]).map(|event| data(&event)).collect();
        Answer::stream("text/event-stream", events, self.fault)
    }
}

/// What follows `/models/`, in any version of the API; `path` is without `/v1`.
fn google(path: &str) -> Option<&str> {
    ["/models/", "beta/models/", "alpha/models/"].iter().find_map(|prefix| path.strip_prefix(prefix))
}

/// The texts of the last turn.
fn gemini_prompt(body: &Value) -> String {
    let turns = body.get("contents").or_else(|| body.get("content")).unwrap_or(body);
    let turn = turns.as_array().and_then(|turns| turns.last()).unwrap_or(turns);
    let parts = turn.get("parts").and_then(Value::as_array);
    let texts = parts.into_iter().flatten().filter_map(|part| part.get("text")?.as_str());
    texts.collect::<Vec<_>>().join(" ")
}

const AMAZON: &str = "application/vnd.amazon.eventstream";

/// A message of Amazon's event stream.
fn event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers: Vec<u8> = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")]
        .iter()
        .flat_map(|(name, value)| {
            let length = |text: &str| u16::try_from(text.len()).unwrap_or_default().to_be_bytes();
            let [_, short] = length(name);
            [&[short], name.as_bytes(), &[7], &length(value), value.as_bytes()].concat()
        })
        .collect();
    let payload = payload.to_string();
    let number = |bytes: usize| u32::try_from(bytes).unwrap_or_default().to_be_bytes();
    let mut out = [number(headers.len() + payload.len() + 16), number(headers.len())].concat();
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(headers);
    out.extend(payload.bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}
