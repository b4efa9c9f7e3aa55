//! What a JSON request asks for beside its content: a model, a stream, tools.
//!
//! These steer policy, so they must mean to us what they mean to the server. Servers in Go match keys without
//! regard to case, and take the last: a key that differs from one of these in case alone is refused.

use super::rpc::Rpc;
use crate::described;
use crate::endpoint::Endpoint;
use crate::error::Malformed;
use crate::json::{Kind, Text, Value};
use plant::{Dialect, Reason};

/// What a request asks for.
pub(super) struct Asks<'a> {
    pub(super) model: Option<Text<'a>>,
    pub(super) stream: bool,
    pub(super) tools: Vec<String>,
    /// What a server of tools is asked.
    pub(super) rpc: Option<Rpc<'a>>,
    /// What an event of a session is and sets beside.
    pub(super) event: Event<'a>,
}

/// What is particular to an event of a session.
#[derive(Default)]
pub(super) struct Event<'a> {
    /// The model that is to write down what is said, which is another than the one that answers.
    pub(super) transcriber: Option<Text<'a>>,
    /// Whether it holds a piece of sound and nothing else.
    pub(super) sound: bool,
}

impl<'a> Asks<'a> {
    /// Reads them from the body's outermost value.
    pub(super) fn read(endpoint: Endpoint, root: Value<'_, 'a>) -> Result<Self, Malformed> {
        let dialect = endpoint.dialect();
        if dialect.kin() == Dialect::Json {
            // Nothing is known of it, so nothing can be wrong: a member called `model` is a model if it may be one.
            let stream = match dialect {
                Dialect::Described(own) => own.stream.as_ref().and_then(|path| described::at(root, path)),
                _ => root.get("stream"),
            };
            let stream = stream.and_then(Value::as_bool).unwrap_or(false);
            let model = place_of_model(dialect, root).filter(|_| !endpoint.has_model_in_path());
            return Ok(Self {
                model: model.and_then(Value::text),
                stream,
                tools: Vec::new(),
                rpc: None,
                event: Event::default(),
            });
        }
        if dialect == Dialect::Mcp {
            let rpc = Rpc::read(root)?;
            let tools = rpc.tool().map(str::to_owned).into_iter().collect();
            return Ok(Self { model: None, stream: false, tools, rpc: Some(rpc), event: Event::default() });
        }
        if endpoint.is_session() {
            return Self::of_event(root);
        }
        // Where the path names it, servers look at nothing else: Azure lets a body name another than its deployment has.
        let model =
            if dialect == Dialect::Kserve || endpoint.has_model_in_path() { None } else { model(endpoint, root)? };
        let stream = match (dialect, endpoint.name()) {
            _ if endpoint.always_streams() => true,
            (Dialect::Kserve, _) => false,
            (Dialect::Ollama, "chat" | "generate") => flag(root, "stream")?.unwrap_or(true),
            _ => flag(root, "stream")?.unwrap_or(false),
        };
        if dialect == Dialect::Kserve {
            refuse_unread_tensors(root)?;
        }
        Ok(Self { model, stream, tools: tools(dialect, root)?, rpc: None, event: Event::default() })
    }
}

/// The tools that a body offers.
pub(super) fn tools(dialect: Dialect, root: Value<'_, '_>) -> Result<Vec<String>, Malformed> {
    let mut tools = Vec::new();
    for key in ["tools", "functions"] {
        for tool in list(root, key)? {
            match dialect {
                Dialect::Gemini => google_tools(tool, &mut tools)?,
                _ => tools.push(tool_name(tool)?),
            }
        }
    }
    if let Some(config) = member(root, "toolConfig")?.filter(|_| dialect == Dialect::Bedrock) {
        for tool in list(config, "tools")? {
            amazon_tool(tool, &mut tools)?;
        }
    }
    Ok(tools)
}

/// Google's: an object that declares functions, or has a built-in tool under its name. Its servers read names of members
/// in two spellings (the JSON mapping of protocol buffers); a built-in tool is told here in the first.
fn google_tools(tool: Value<'_, '_>, tools: &mut Vec<String>) -> Result<(), Malformed> {
    for own in tool.children() {
        let Some(key) = own.key().map(Text::decode) else { continue };
        if key == "functionDeclarations" || key == "function_declarations" {
            for function in own.children() {
                tools.push(tool_name(function)?);
            }
        } else {
            let mut words = key.split('_');
            let first = words.next().unwrap_or_default().to_owned();
            tools.push(words.fold(first, |name, word| {
                let (head, tail) = word.split_at_checked(1).unwrap_or((word, ""));
                name + &head.to_ascii_uppercase() + tail
            }));
        }
    }
    Ok(())
}

/// Bedrock's: an object with a specification, or one for a tool of the system. A point of a cache stands among them.
fn amazon_tool(tool: Value<'_, '_>, tools: &mut Vec<String>) -> Result<(), Malformed> {
    for own in tool.children().filter(|own| !own.is_at("cachePoint")) {
        tools.push(tool_name(own)?);
    }
    Ok(())
}

/// Where a body names its model, if it does.
pub(super) fn place_of_model<'d, 'a>(dialect: Dialect, root: Value<'d, 'a>) -> Option<Value<'d, 'a>> {
    match dialect {
        Dialect::Described(own) => own.model.as_ref().and_then(|path| described::at(root, path)),
        _ => root.get("model"),
    }
}

impl<'a> Asks<'a> {
    /// Reads them from an event of a session: it sets a model or tools for the session, or for one answer.
    fn of_event(root: Value<'_, 'a>) -> Result<Self, Malformed> {
        let kind = member(root, "type")?.and_then(Value::text).filter(|kind| !kind.is_empty());
        let kind = kind.ok_or_else(|| Malformed::new(root.span().start, "an event of the session has no type"))?;
        let (mut model, mut tools) = (None, Vec::new());
        let mut event = Event { transcriber: None, sound: kind.is("input_audio_buffer.append") };
        for key in ["session", "response"] {
            let Some(own) = member(root, key)?.filter(|own| own.kind() == Kind::Object) else { continue };
            model = only(model, member(own, "model")?)?;
            for place in transcribers(own)? {
                event.transcriber = only(event.transcriber, place)?;
            }
            for tool in list(own, "tools")? {
                tools.push(tool_name(tool)?);
            }
        }
        Ok(Self { model, stream: true, tools, rpc: None, event })
    }
}

/// Where a session names the model that writes down what is said: `audio.input.transcription.model`, in the beta
/// `input_audio_transcription.model`.
fn transcribers<'d, 'a>(session: Value<'d, 'a>) -> Result<[Option<Value<'d, 'a>>; 2], Malformed> {
    let at = |path: &[&str]| {
        path.iter().try_fold(Some(session), |place, step| match place.filter(|own| own.kind() == Kind::Object) {
            Some(own) => member(own, step),
            None => Ok(None),
        })
    };
    Ok([at(&["audio", "input", "transcription", "model"])?, at(&["input_audio_transcription", "model"])?])
}

/// The one model that an event names. Of two, nobody knows which the provider takes.
fn only<'a>(known: Option<Text<'a>>, place: Option<Value<'_, 'a>>) -> Result<Option<Text<'a>>, Malformed> {
    let Some((place, named)) = place.and_then(|place| Some((place, place.text()?))) else { return Ok(known) };
    match known {
        Some(known) if known.decode() != named.decode() => {
            Err(Malformed::new(place.span().start, "the event names two models"))
        }
        _ => Ok(Some(named)),
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
pub(super) fn member<'d, 'a>(object: Value<'d, 'a>, key: &str) -> Result<Option<Value<'d, 'a>>, Malformed> {
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

/// Refuses the extensions by which tensors would pass unread, in the request or asked for in the answer: behind the JSON, or in
/// shared memory.
fn refuse_unread_tensors(root: Value<'_, '_>) -> Result<(), Malformed> {
    let lists = ["inputs", "outputs"].into_iter().filter_map(|key| root.get(key)).flat_map(Value::children);
    for owner in std::iter::once(root).chain(lists) {
        let Some(parameters) = owner.get("parameters") else { continue };
        for parameter in parameters.children() {
            let binary = parameter.is_at("binary_data_size")
                || ((parameter.is_at("binary_data") || parameter.is_at("binary_data_output"))
                    && parameter.as_bool() != Some(false));
            // Triton's: the content lies in memory that caller and server share, and passes nobody.
            if parameter.key().is_some_and(|key| key.decode().to_ascii_lowercase().starts_with(crate::SHARED)) {
                let detail = "a tensor lies in shared memory, where nobody reads it";
                return Err(Malformed::with(Reason::ContentRefused, parameter.span().start, detail));
            }
            if binary {
                return Err(Malformed::new(parameter.span().start, "binary tensors are not supported; send JSON"));
            }
        }
    }
    Ok(())
}
