//! `OpenAI`'s Realtime sessions as their provider speaks them: an event in, some events out.

use crate::answer::Answer;
use crate::dialect::pieces;
use crate::provider::{Memory, Seen};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

/// Whether a request opens a session.
pub(crate) fn opens(request: &Request<Incoming>) -> bool {
    request.uri().path().ends_with("/realtime") && request.headers().contains_key(UPGRADE)
}

/// Agrees to a session, and holds it beside.
pub(crate) fn begin(memory: Arc<Memory>, mut request: Request<Incoming>) -> Response<Answer> {
    let mut answer = Answer::json(200, &Value::Null);
    let key = request.headers().get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let accept = HeaderValue::from_str(&derive_accept_key(key)).unwrap_or(HeaderValue::from_static(""));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().clear();
    answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers = request.headers().clone();
    tokio::spawn(async move {
        let Ok(stream) = hyper::upgrade::on(&mut request).await else { return };
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
        Session { memory, path, headers, said: String::new(), number: 0 }.hold(stream).await;
    });
    answer
}

struct Session {
    memory: Arc<Memory>,
    path: String,
    headers: http::HeaderMap,
    /// The last text that the caller said.
    said: String,
    /// Answers so far.
    number: u64,
}

impl Session {
    async fn hold(mut self, mut stream: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>) {
        let model = self.path.split("model=").nth(1).unwrap_or_default().to_owned();
        let created =
            json!({"type": "session.created", "event_id": "event_0", "session": {"type": "realtime", "model": model}});
        let mut events = vec![created];
        loop {
            for event in events.drain(..) {
                if stream.send(Message::text(event.to_string())).await.is_err() {
                    return;
                }
            }
            let Some(Ok(message)) = stream.next().await else { return };
            let Message::Text(text) = message else { continue };
            let seen = Seen {
                method: Method::GET,
                path: self.path.clone(),
                headers: self.headers.clone(),
                body: text.as_str().to_owned().into(),
            };
            self.memory.remember(seen);
            let event: Value = serde_json::from_str(&text).unwrap_or_default();
            if self.said == "close" && kind(&event) == "response.create" {
                let frame = CloseFrame { code: 4001.into(), reason: "the session expired".into() };
                let _ = stream.close(Some(frame)).await;
                while let Some(Ok(_)) = stream.next().await {}
                return;
            }
            events = self.answer(&event, &model);
        }
    }

    /// What is said to an event.
    fn answer(&mut self, event: &Value, model: &str) -> Vec<Value> {
        match kind(event) {
            "session.update" => {
                vec![json!({"type": "session.updated", "event_id": "event_1", "session": event.get("session")})]
            }
            "conversation.item.create" => {
                let said = event.pointer("/item/content/0/text").and_then(Value::as_str).unwrap_or_default();
                said.clone_into(&mut self.said);
                vec![json!({"type": "conversation.item.added", "event_id": "event_2", "item": event.get("item")})]
            }
            "response.create" => self.respond(model),
            _ => Vec::new(),
        }
    }

    /// An answer: two texts at once, letter by letter, so that their deltas alternate.
    fn respond(&mut self, model: &str) -> Vec<Value> {
        self.number += 1;
        let (id, text) = (format!("resp_{}", self.number), (self.memory.script())(&self.said, model));
        let response = |status: &str| {
            json!({"id": id, "object": "realtime.response", "status": status, "output": [],
                "usage": {"total_tokens": 7, "input_tokens": 4, "output_tokens": 3}})
        };
        let part = |item: &str, kind: &str, key: &str, text: &str| {
            json!({"type": kind, "event_id": format!("event_{item}"), "response_id": id, "item_id": format!("{id}_{item}"),
                "output_index": 0, "content_index": 0, (key): text})
        };
        let mut events =
            vec![json!({"type": "response.created", "event_id": "event_3", "response": response("in_progress")})];
        for piece in pieces(&text) {
            events.push(part("a", "response.output_text.delta", "delta", &piece));
            events.push(part("b", "response.output_audio_transcript.delta", "delta", &piece));
        }
        events.push(part("a", "response.output_text.done", "text", &text));
        events.push(part("b", "response.output_audio_transcript.done", "transcript", &text));
        events.push(json!({"type": "response.done", "event_id": "event_4", "response": response("completed")}));
        events
    }
}

/// What an event is.
fn kind(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}
