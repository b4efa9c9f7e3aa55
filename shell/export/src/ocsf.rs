//! OCSF 1.8 (<https://schema.ocsf.io/1.8.0/classes/api_activity>): class API Activity, one JSON object a line.
//!
//! Every record becomes an event of this class, also those of no call: then the gateway is actor and source. What the
//! schema has no place for stands in `unmapped`, and the record's exact bytes in `raw_data`: SHA-256 of a zero byte and them
//! is `unmapped.leaf`.

use crate::row::{Course, Gravity, Row};
use crate::{PRODUCT, VERSION};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

const SCHEMA: &str = "1.8.0";

/// What goes to `unmapped`.
pub(crate) const UNMAPPED: [(&str, &str); 13] = [
    ("verdict", "dec.verdict"),
    ("rules", "dec.rules"),
    ("policy", "dec.policy"),
    ("zone", "where.zone"),
    ("conduit", "where.conduit"),
    ("purpose", "where.purpose"),
    ("sensitivity", "what.sensitivity"),
    ("findings", "what.findings"),
    ("tools", "what.tools"),
    ("workload_by", "who.workload.by"),
    ("operator_by", "who.operator.by"),
    ("client", "who.client.name"),
    ("client_version", "who.client.version"),
];

pub(crate) fn write(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &event(row)).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

fn event(row: &Row<'_>) -> Value {
    let (severity_id, severity) = match row.gravity() {
        Gravity::Routine => (1, "Informational"),
        Gravity::Notice => (2, "Low"),
        Gravity::Warning => (3, "Medium"),
    };
    let (status_id, status) = match row.course() {
        Course::Success => (1, "Success"),
        Course::Failure => (2, "Failure"),
        Course::None => (0, "Unknown"),
    };
    let mut event = json!({
        "activity_id": 99,
        "activity_name": row.kind(),
        "actor": actor(row),
        "api": api(row),
        "category_name": "Application Activity",
        "category_uid": 6,
        "class_name": "API Activity",
        "class_uid": 6003,
        "message": message(row),
        "metadata": metadata(row),
        "raw_data": String::from_utf8_lossy(row.line()),
        "severity": severity,
        "severity_id": severity_id,
        "src_endpoint": source(row),
        "status": status,
        "status_id": status_id,
        "time": row.time().0,
        "type_name": "API Activity: Other",
        "type_uid": 600_399,
        "unmapped": unmapped(row),
    });
    if let Some(members) = event.as_object_mut() {
        optional(row, members);
    }
    event
}

fn optional(row: &Row<'_>, event: &mut Map<String, Value>) {
    let entry = row.entry();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            event.insert(key.to_owned(), value);
        }
    };
    put("status_code", row.reason().map(Value::from));
    put("status_detail", row.first(&["dec.detail", "note.detail"]).map(Value::from));
    put("duration", entry.number("out.us").map(|us| Value::from(us / 1000)));
    put("start_time", entry.number("out.began").map(Value::from));
    put("http_response", entry.number("out.status").map(|code| json!({ "code": code })));
    put("dst_endpoint", provider(row).map(|name| json!({ "name": name })));
    put("ai_model", model(row));
    put("message_context", context(row));
}

fn provider<'a>(row: &'a Row<'_>) -> Option<&'a str> {
    ["what.rerouted", "what.provider"].into_iter().find_map(|path| row.entry().text(path))
}

/// Of the profile `ai_operation`; both names are required.
fn model(row: &Row<'_>) -> Option<Value> {
    let name = row.first(&["out.model", "what.model"])?;
    Some(json!({ "ai_provider": provider(row)?, "name": name }))
}

/// Of the profile `ai_operation`: how many model tokens, and by which service.
fn context(row: &Row<'_>) -> Option<Value> {
    let entry = row.entry();
    let mut context = Map::new();
    let counts = [("prompt_tokens", "io.input_tokens"), ("completion_tokens", "io.output_tokens")];
    for (key, count) in counts.iter().filter_map(|(key, path)| Some((key, entry.number(path)?))) {
        context.insert((*key).to_owned(), Value::from(count));
    }
    if context.is_empty() {
        return None;
    }
    context.insert("service".to_owned(), json!({ "name": provider(row)? }));
    Some(Value::Object(context))
}

/// Who made the call; the gateway itself where there was none.
fn actor(row: &Row<'_>) -> Value {
    let entry = row.entry();
    let mut actor = Map::new();
    if let Some(workload) = entry.text("who.workload.id") {
        actor.insert("app_name".to_owned(), Value::from(workload));
    }
    if let Some(operator) = entry.text("who.operator.id") {
        actor.insert("user".to_owned(), json!({ "type": "User", "type_id": 1, "uid": operator }));
    }
    if actor.is_empty() {
        // Whoever called and is not known is not the gateway.
        let name = if entry.text("who.peer").is_some() { "unknown" } else { "penstock" };
        actor.insert("app_name".to_owned(), Value::from(name));
    }
    Value::Object(actor)
}

fn api(row: &Row<'_>) -> Value {
    let entry = row.entry();
    let operation = entry.text("what.endpoint").filter(|name| !name.is_empty()).unwrap_or(row.kind());
    let call = entry.reference().unwrap_or(entry.id());
    let mut api = json!({ "operation": operation, "request": { "uid": call.to_string() } });
    if let Some(members) = api.as_object_mut() {
        members.extend(provider(row).map(|name| ("service".to_owned(), json!({ "name": name }))));
        let response = entry.number("out.status").map(|code| match row.reason() {
            Some(reason) => json!({ "code": code, "error": reason }),
            None => json!({ "code": code }),
        });
        members.extend(response.map(|response| ("response".to_owned(), response)));
    }
    api
}

fn source(row: &Row<'_>) -> Value {
    let entry = row.entry();
    let mut source = Map::new();
    for (key, path) in [("ip", "who.peer"), ("name", "who.workstation.id"), ("zone", "where.zone")] {
        if let Some(text) = entry.text(path) {
            source.insert(key.to_owned(), Value::from(text));
        }
    }
    if !source.contains_key("ip") {
        source.insert("name".to_owned(), Value::from(row.origin()));
    }
    Value::Object(source)
}

fn metadata(row: &Row<'_>) -> Value {
    let entry = row.entry();
    let mut metadata = json!({
        "event_code": row.kind(),
        "log_name": row.origin(),
        "log_provider": "penstock",
        "original_time": row.time().to_string(),
        "product": { "name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION },
        "sequence": row.seq(),
        "uid": entry.id().to_string(),
        "version": SCHEMA,
    });
    if let Some(members) = metadata.as_object_mut() {
        members.extend(entry.reference().map(|call| ("correlation_uid".to_owned(), Value::from(call.to_string()))));
        if model(row).is_some() || context(row).is_some() {
            members.insert("profiles".to_owned(), json!(["ai_operation"]));
        }
    }
    metadata
}

fn unmapped(row: &Row<'_>) -> Value {
    let mut unmapped = Map::new();
    unmapped.insert("leaf".to_owned(), Value::from(row.leaf()));
    unmapped.insert("seq".to_owned(), Value::from(row.seq()));
    for (key, path) in UNMAPPED {
        if let Some(value) = row.entry().at(path) {
            unmapped.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(unmapped)
}

/// One line for people: `refuse: no-conduit`.
fn message(row: &Row<'_>) -> String {
    let said = row.reason().or_else(|| row.entry().text("dec.verdict"));
    said.map_or_else(|| row.kind().to_owned(), |said| format!("{}: {said}", row.kind()))
}
