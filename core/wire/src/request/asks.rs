//! What a JSON request asks for beside its content: a model, a stream, tools.
//!
//! These steer policy, so they must mean to us what they mean to the server. Servers in Go match keys without
//! regard to case, and take the last: a key that differs from one of these in case alone is refused.

use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::json::{Kind, Text, Value};
use plant::{Dialect, Reason};

/// What a request asks for.
pub(super) struct Asks<'a> {
    pub(super) model: Option<Text<'a>>,
    pub(super) stream: bool,
    pub(super) tools: Vec<String>,
}

impl<'a> Asks<'a> {
    /// Reads them from the body's outermost value.
    pub(super) fn read(endpoint: Endpoint, root: Value<'_, 'a>) -> Result<Self, Malformed> {
        let dialect = endpoint.dialect();
        if dialect == Dialect::Json {
            // Nothing is known of it, so nothing can be wrong: a member called `model` is a model if it may be one.
            let stream = root.get("stream").and_then(Value::as_bool).unwrap_or(false);
            return Ok(Self { model: root.get("model").and_then(Value::text), stream, tools: Vec::new() });
        }
        let model = if dialect == Dialect::Kserve { None } else { model(endpoint, root)? };
        let stream = match (dialect, endpoint.name()) {
            (Dialect::Kserve, name) => name == "generate_stream",
            (Dialect::Ollama, "chat" | "generate") => flag(root, "stream")?.unwrap_or(true),
            _ => flag(root, "stream")?.unwrap_or(false),
        };
        if dialect == Dialect::Kserve {
            refuse_binary_tensors(root)?;
        }
        let mut tools = Vec::new();
        for key in ["tools", "functions"] {
            for tool in list(root, key)? {
                tools.push(tool_name(tool)?);
            }
        }
        Ok(Self { model, stream, tools })
    }
}

fn model<'a>(endpoint: Endpoint, root: Value<'_, 'a>) -> Result<Option<Text<'a>>, Malformed> {
    let named = |key| match member(root, key)? {
        Some(value) if value.kind() != Kind::Null => match value.text() {
            Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Err(Malformed::new(value.span().start, "the model is not a string")),
        },
        _ => Ok(None),
    };
    match named("model")? {
        // Ollama's older word for it, which counts where `model` is missing or empty.
        None if endpoint.dialect() == Dialect::Ollama => named("name"),
        model => Ok(model),
    }
}

/// A truth value. A string or number in its place is refused: servers differ in what they make of `"false"`.
fn flag(root: Value<'_, '_>, key: &str) -> Result<Option<bool>, Malformed> {
    match member(root, key)? {
        Some(value) if value.kind() == Kind::Null => Ok(None),
        Some(value) => match value.as_bool() {
            Some(flag) => Ok(Some(flag)),
            None => Err(Malformed::new(value.span().start, "a flag is neither true nor false")),
        },
        None => Ok(None),
    }
}

fn list<'d, 'a>(root: Value<'d, 'a>, key: &str) -> Result<impl Iterator<Item = Value<'d, 'a>>, Malformed> {
    match member(root, key)? {
        Some(value) if !matches!(value.kind(), Kind::Array | Kind::Null) => {
            Err(Malformed::new(value.span().start, "the tools are not a list"))
        }
        value => Ok(value.into_iter().flat_map(Value::children)),
    }
}

/// What a tool is called: a function's name, or the type of one that is built in.
fn tool_name(tool: Value<'_, '_>) -> Result<String, Malformed> {
    let unnamed = || Malformed::new(tool.span().start, "a tool has no name");
    if tool.kind() != Kind::Object {
        return Err(unnamed());
    }
    let function = member(tool, "function")?;
    let named = match function {
        Some(function) if function.kind() == Kind::Object => member(function, "name")?,
        _ => match member(tool, "name")? {
            Some(name) => Some(name),
            None => member(tool, "type")?,
        },
    };
    let name = named.and_then(Value::as_str).ok_or_else(unnamed)?;
    Ok(name.into_owned())
}

/// The member under a key, unless another key could be taken for it.
fn member<'d, 'a>(object: Value<'d, 'a>, key: &str) -> Result<Option<Value<'d, 'a>>, Malformed> {
    let mut found = None;
    for child in object.children() {
        let Some(own) = child.key() else { continue };
        if own.is(key) {
            found = Some(child);
        } else if folds_to(&own.decode(), key) {
            let at = own.span().start;
            return Err(Malformed::with(Reason::DuplicateKey, at, "a key differs from a known one in case alone"));
        }
    }
    Ok(found)
}

/// Whether a key is another without regard to case, as Go's `encoding/json` has it: it folds the long s and the
/// Kelvin sign to ASCII too.
fn folds_to(text: &str, key: &str) -> bool {
    // Longer in bytes, if at all, only by such characters: three bytes for one.
    text.len() <= key.len() * 3
        && text
            .chars()
            .map(|character| match character {
                '\u{17f}' => 's',
                '\u{212a}' => 'k',
                other => other.to_ascii_lowercase(),
            })
            .eq(key.chars())
}

/// Refuses the binary tensor extension: tensors behind the JSON, in the request or asked for in the answer, would
/// pass unread.
fn refuse_binary_tensors(root: Value<'_, '_>) -> Result<(), Malformed> {
    let lists = ["inputs", "outputs"].into_iter().filter_map(|key| root.get(key)).flat_map(Value::children);
    for owner in std::iter::once(root).chain(lists) {
        let Some(parameters) = owner.get("parameters") else { continue };
        for parameter in parameters.children() {
            let binary = parameter.is_at("binary_data_size")
                || ((parameter.is_at("binary_data") || parameter.is_at("binary_data_output"))
                    && parameter.as_bool() != Some(false));
            if binary {
                return Err(Malformed::new(parameter.span().start, "binary tensors are not supported; send JSON"));
            }
        }
    }
    Ok(())
}
