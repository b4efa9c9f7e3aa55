//! The endpoints that each dialect is known to have, and what a call to one carries.
//!
//! What is not in the table is unknown, and an unknown endpoint is refused unless its conduit calls it opaque. A
//! path matches by its segments alone, as plain text: nothing is decoded or resolved here, because whatever the
//! provider would decode or resolve differently would reach another endpoint than the one that was judged.

use plant::{DescribedCall, Dialect};
use std::borrow::Cow;
use std::fmt;

/// What a call to an endpoint carries in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// No body.
    Nothing,
    /// One JSON value.
    Json,
    /// One JSON value, or no body.
    JsonOrNothing,
    /// A `multipart/form-data` body.
    Form,
    /// One message of protocol buffers in a call of gRPC.
    Protobuf,
}

/// A row of the table.
struct Entry {
    /// Whose it is: servers that speak another's dialect share its rows.
    dialects: &'static [Dialect],
    row: Row,
}

/// What is known of an endpoint.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    method: &'static str,
    /// Segments without the version prefix; one in braces stands for any.
    pattern: &'static str,
    carries: Carries,
}

/// A known endpoint of a dialect. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Endpoint(Row, Dialect);

macro_rules! dialects {
    ([$($dialect:ident)+]) => { &[$(Dialect::$dialect),+] };
    ($dialect:ident) => { &[Dialect::$dialect] };
}

macro_rules! table {
    ($($set:tt { $($name:literal $method:ident $pattern:literal $carries:ident;)* })*) => {
        &[$($(Entry {
            dialects: dialects!($set),
            row: Row { name: $name, method: stringify!($method), pattern: $pattern, carries: Carries::$carries },
        },)*)*]
    };
}

/// Every known endpoint. Literal segments stand before patterns they could be taken for.
static TABLE: &[Entry] = table! {
    [OpenAi Azure Mistral Vllm LlamaCpp] {
        "chat.completions" POST "/chat/completions" Json;
        "embeddings" POST "/embeddings" Json;
        "models" GET "/models" Nothing;
        "models.get" GET "/models/{model}" Nothing;
    }
    [OpenAi Azure Vllm LlamaCpp] {
        "completions" POST "/completions" Json;
    }
    [OpenAi Azure Vllm] {
        "responses" POST "/responses" Json;
        "responses.get" GET "/responses/{id}" Nothing;
        "responses.delete" DELETE "/responses/{id}" Nothing;
        "responses.cancel" POST "/responses/{id}/cancel" JsonOrNothing;
        "responses.input_items" GET "/responses/{id}/input_items" Nothing;
        "audio.transcriptions" POST "/audio/transcriptions" Form;
        "audio.translations" POST "/audio/translations" Form;
    }
    [OpenAi Azure] {
        "realtime" GET "/realtime" Nothing;
        "images.generations" POST "/images/generations" Json;
        "images.edits" POST "/images/edits" Form;
        "images.variations" POST "/images/variations" Form;
        "audio.speech" POST "/audio/speech" Json;
        "batches" POST "/batches" Json;
        "batches.list" GET "/batches" Nothing;
        "batches.get" GET "/batches/{id}" Nothing;
        "batches.cancel" POST "/batches/{id}/cancel" JsonOrNothing;
    }
    [OpenAi Azure Mistral] {
        "moderations" POST "/moderations" Json;
        "files" POST "/files" Form;
        "files.list" GET "/files" Nothing;
        "files.get" GET "/files/{id}" Nothing;
        "files.delete" DELETE "/files/{id}" Nothing;
        "files.content" GET "/files/{id}/content" Nothing;
    }
    Azure {
        "chat.completions" POST "/deployments/{model}/chat/completions" Json;
        "completions" POST "/deployments/{model}/completions" Json;
        "embeddings" POST "/deployments/{model}/embeddings" Json;
        "images.generations" POST "/deployments/{model}/images/generations" Json;
        "images.edits" POST "/deployments/{model}/images/edits" Form;
        "audio.transcriptions" POST "/deployments/{model}/audio/transcriptions" Form;
        "audio.translations" POST "/deployments/{model}/audio/translations" Form;
        "audio.speech" POST "/deployments/{model}/audio/speech" Json;
    }
    Mistral {
        "fim.completions" POST "/fim/completions" Json;
        "agents.completions" POST "/agents/completions" Json;
        "ocr" POST "/ocr" Json;
        "chat.moderations" POST "/chat/moderations" Json;
        "classifications" POST "/classifications" Json;
        "chat.classifications" POST "/chat/classifications" Json;
    }
    [Vllm LlamaCpp] {
        "tokenize" POST "/tokenize" Json;
        "detokenize" POST "/detokenize" Json;
        "rerank" POST "/rerank" Json;
        "health" GET "/health" Nothing;
    }
    Vllm {
        "rerank" POST "/v2/rerank" Json;
        "score" POST "/score" Json;
        "pooling" POST "/pooling" Json;
        "classify" POST "/classify" Json;
        "version" GET "/version" Nothing;
        "ping" GET "/ping" Nothing;
    }
    LlamaCpp {
        "completion" POST "/completion" Json;
        "infill" POST "/infill" Json;
        "embedding" POST "/embedding" Json;
        "rerank" POST "/reranking" Json;
        "apply-template" POST "/apply-template" Json;
        "props" GET "/props" Nothing;
    }
    Cohere {
        "chat" POST "/v2/chat" Json;
        "embed" POST "/v2/embed" Json;
        "rerank" POST "/v2/rerank" Json;
        "tokenize" POST "/v1/tokenize" Json;
        "detokenize" POST "/v1/detokenize" Json;
        "classify" POST "/v1/classify" Json;
        "models" GET "/v1/models" Nothing;
        "models.get" GET "/v1/models/{model}" Nothing;
    }
    Gemini {
        "generateContent" POST "/models/{model}:generateContent" Json;
        "streamGenerateContent" POST "/models/{model}:streamGenerateContent" Json;
        "countTokens" POST "/models/{model}:countTokens" Json;
        "embedContent" POST "/models/{model}:embedContent" Json;
        "batchEmbedContents" POST "/models/{model}:batchEmbedContents" Json;
        "models" GET "/models" Nothing;
        "models.get" GET "/models/{model}" Nothing;
        "files.list" GET "/files" Nothing;
        "files.get" GET "/files/{id}" Nothing;
        "files.delete" DELETE "/files/{id}" Nothing;
    }
    Bedrock {
        "converse" POST "/model/{model}/converse" Json;
        "converse-stream" POST "/model/{model}/converse-stream" Json;
        "invoke" POST "/model/{model}/invoke" Json;
        "invoke-with-response-stream" POST "/model/{model}/invoke-with-response-stream" Json;
        "count-tokens" POST "/model/{model}/count-tokens" Json;
    }
    Anthropic {
        "messages" POST "/messages" Json;
        "messages.count_tokens" POST "/messages/count_tokens" Json;
        "models" GET "/models" Nothing;
        "models.get" GET "/models/{model}" Nothing;
    }
    Ollama {
        "chat" POST "/api/chat" Json;
        "generate" POST "/api/generate" Json;
        "embed" POST "/api/embed" Json;
        "embeddings" POST "/api/embeddings" Json;
        "tags" GET "/api/tags" Nothing;
        "show" POST "/api/show" Json;
        "version" GET "/api/version" Nothing;
        "ps" GET "/api/ps" Nothing;
    }
    Kserve {
        "server" GET "/v2" Nothing;
        "health.live" GET "/v2/health/live" Nothing;
        "health.ready" GET "/v2/health/ready" Nothing;
        "model" GET "/v2/models/{model}" Nothing;
        "model" GET "/v2/models/{model}/versions/{version}" Nothing;
        "model.ready" GET "/v2/models/{model}/ready" Nothing;
        "model.ready" GET "/v2/models/{model}/versions/{version}/ready" Nothing;
        "infer" POST "/v2/models/{model}/infer" Json;
        "infer" POST "/v2/models/{model}/versions/{version}/infer" Json;
        "generate" POST "/v2/models/{model}/generate" Json;
        "generate" POST "/v2/models/{model}/versions/{version}/generate" Json;
        "generate_stream" POST "/v2/models/{model}/generate_stream" Json;
        "generate_stream" POST "/v2/models/{model}/versions/{version}/generate_stream" Json;
    }
    Mcp {
        "message" POST "/{...}" Json;
        "listen" GET "/{...}" Nothing;
        "end" DELETE "/{...}" Nothing;
    }
    Json {
        "json" POST "/{...}" Json;
        "json.get" GET "/{...}" Nothing;
    }
    Kserve {
        "server" POST "/inference.GRPCInferenceService/ServerMetadata" Protobuf;
        "health.live" POST "/inference.GRPCInferenceService/ServerLive" Protobuf;
        "health.ready" POST "/inference.GRPCInferenceService/ServerReady" Protobuf;
        "model" POST "/inference.GRPCInferenceService/ModelMetadata" Protobuf;
        "model.ready" POST "/inference.GRPCInferenceService/ModelReady" Protobuf;
        "infer" POST "/inference.GRPCInferenceService/ModelInfer" Protobuf;
        "infer_stream" POST "/inference.GRPCInferenceService/ModelStreamInfer" Protobuf;
    }
};

/// Longest path that is looked at.
const LONGEST: usize = 1024;

/// The endpoint that a call reaches: `path` is what follows `/<provider>`, without the query.
#[must_use]
pub fn endpoint(dialect: Dialect, method: &str, path: &str) -> Option<Endpoint> {
    let path = unversioned(dialect, plain(dialect, path)?)?;
    let fits = |row: &Row| row.method == method && bind(row.pattern, path).is_some();
    if let Dialect::Described(description) = dialect
        && !description.calls.is_empty()
    {
        return description.calls.iter().map(row).find(fits).map(|row| Endpoint(row, dialect));
    }
    let known = |entry: &&Entry| entry.dialects.iter().any(|own| *own == dialect || is_json(*own, dialect));
    TABLE.iter().filter(known).map(|entry| entry.row).find(fits).map(|row| Endpoint(row, dialect))
}

/// Whether a row of the dialect `json` is one of a description that names no calls.
fn is_json(own: Dialect, dialect: Dialect) -> bool {
    own == Dialect::Json && matches!(dialect, Dialect::Described(_))
}

/// A call as a description has it.
fn row(call: &'static DescribedCall) -> Row {
    let carries = if matches!(&*call.method, "GET" | "DELETE") { Carries::Nothing } else { Carries::Json };
    Row { name: &call.name, method: &call.method, pattern: &call.path, carries }
}

/// Every known endpoint, for reference pages and for tests that prove coverage.
pub fn endpoints() -> impl Iterator<Item = Endpoint> + Clone {
    TABLE.iter().flat_map(|entry| entry.dialects.iter().map(|dialect| Endpoint(entry.row, *dialect)))
}

/// The path without what a base URL often holds already: the official SDKs begin at a version, or know none. `None` if the
/// dialect has nothing there.
fn unversioned(dialect: Dialect, path: &str) -> Option<&str> {
    let below = |prefix| path.strip_prefix(prefix).filter(|rest: &&str| rest.starts_with('/'));
    match dialect {
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Mistral | Dialect::Vllm | Dialect::LlamaCpp => {
            Some(below("/v1").unwrap_or(path))
        }
        // With a deployment in the path or an API version in the query, and the newer form as of OpenAI itself.
        Dialect::Azure => below("/openai/v1").or_else(|| below("/openai")),
        Dialect::Gemini => Some(["/v1beta", "/v1alpha", "/v1"].into_iter().find_map(below).unwrap_or(path)),
        Dialect::Bedrock
        | Dialect::Cohere
        | Dialect::Ollama
        | Dialect::Kserve
        | Dialect::Json
        | Dialect::Mcp
        | Dialect::Described(_) => Some(path),
    }
}

/// The path, if it can mean only one thing: no dot segments, no empty ones, no escapes, no parameters.
///
/// An encoded slash, `%2e%2e` or `;` is read differently by proxies, frameworks and servers; an official SDK
/// sends none of them to these endpoints. Amazon's write the colons and slashes of a model's name as escapes: there they
/// may stand, and the name that they make is held to the same as a path.
fn plain(dialect: Dialect, path: &str) -> Option<&str> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@+,=".contains(&byte);
    let bare = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(known);
    let segments = path.strip_prefix('/')?;
    let fine = |(position, segment): (usize, &str)| {
        let escaped = dialect == Dialect::Bedrock && position == 1 && segment.contains('%');
        if escaped { unescaped(segment).split('/').all(bare) } else { bare(segment) }
    };
    (path.len() <= LONGEST && segments.split('/').enumerate().all(fine)).then_some(path)
}

/// A segment with its colons and slashes. Any other escape stays, and so stays an escape.
fn unescaped(segment: &str) -> String {
    segment.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/")
}

/// The values of a pattern's braces in a path that fits it. What stands behind a brace in its segment, as a method behind a
/// colon, stands there in the path too, and no value has a colon then.
fn bind<'p>(pattern: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    if pattern == "/{...}" {
        return Some(Vec::new());
    }
    let mut bound = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, "")) => bound.push((name, segment)),
            Some((name, method)) => {
                let value = segment.strip_suffix(method)?;
                bound.push((name, Some(value).filter(|value| !value.is_empty() && !value.contains(':'))?));
            }
            None if expected == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(bound)
}

impl Endpoint {
    /// Its name: the same word in policies, records and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The dialect it belongs to.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.1
    }

    /// The method it is called with.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.0.method
    }

    /// Its path pattern without the version prefix; segments in braces stand for any.
    #[must_use]
    pub fn pattern(&self) -> &'static str {
        self.0.pattern
    }

    /// What a call to it carries.
    #[must_use]
    pub fn carries(&self) -> Carries {
        self.0.carries
    }

    /// Whether a call to it normally has a body.
    #[must_use]
    pub fn has_body(&self) -> bool {
        matches!(self.0.carries, Carries::Json | Carries::Form | Carries::Protobuf)
    }

    /// The content type that a body must have, if there is one.
    #[must_use]
    pub fn content_type(&self) -> Option<&'static str> {
        match self.0.carries {
            Carries::Nothing => None,
            Carries::Json | Carries::JsonOrNothing => Some("application/json"),
            Carries::Form => Some("multipart/form-data"),
            Carries::Protobuf => Some("application/grpc"),
        }
    }

    /// Whether its path rather than its body names the model.
    #[must_use]
    pub fn has_model_in_path(&self) -> bool {
        self.0.pattern.contains("{model}")
    }

    /// Whether a model answers a call to it, so that a call which names none leaves the choice to the provider.
    #[must_use]
    pub fn asks_model(&self) -> bool {
        // What a file of calls asks is judged when it is stored.
        let stores = matches!(self.0.name, "files" | "batches") || self.1 == Dialect::Mcp;
        if self.is_grpc() {
            return self.0.name.starts_with("model") || self.0.name.starts_with("infer");
        }
        self.has_model_in_path() || self.is_session() || (self.has_body() && !stores)
    }

    /// Whether what comes back is for people to act on: text, speech, pictures. Not lists, counts and vectors, which programs read.
    #[must_use]
    pub fn advises(&self) -> bool {
        const COUNTS: [&str; 10] = [
            "mbed",
            "rerank",
            "moderation",
            "okenize",
            "count",
            "classif",
            "score",
            "pooling",
            "apply-template",
            "show",
        ];
        let asks = self.asks_model() && (self.is_session() || self.method() == "POST");
        let tells_of_models = self.is_grpc() && self.0.name.starts_with("model");
        asks && !tells_of_models && !COUNTS.iter().any(|part| self.0.name.contains(part))
    }

    /// Whether a call to it opens a session over WebSocket.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.0.name == "realtime" && self.1.kin() == Dialect::OpenAi
    }

    /// Whether it is a method of gRPC.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.0.carries == Carries::Protobuf
    }

    /// Whether a call to it is a stream of messages both ways, each of which is read by itself.
    #[must_use]
    pub fn exchanges_messages(&self) -> bool {
        self.is_grpc() && self.0.name == "infer_stream"
    }

    /// Whether it streams without being asked, in its path rather than in the body.
    #[must_use]
    pub fn always_streams(&self) -> bool {
        const STREAMS: [&str; 5] = [
            "generate_stream",
            "infer_stream",
            "streamGenerateContent",
            "converse-stream",
            "invoke-with-response-stream",
        ];
        STREAMS.contains(&self.0.name)
    }

    /// Whether an answer that declares itself to be JSON may be an array that streams.
    #[must_use]
    pub fn gives_elements(&self) -> bool {
        self.0.name == "streamGenerateContent"
    }

    /// What stands in the braces of its pattern in a path (without query) that fits it.
    #[must_use]
    pub fn parameters<'p>(&self, path: &'p str) -> Vec<(&'static str, Cow<'p, str>)> {
        let read = |(name, value): (&'static str, &'p str)| match value.contains('%') {
            true => (name, Cow::Owned(unescaped(value))),
            false => (name, Cow::Borrowed(value)),
        };
        self.bound(path).into_iter().map(read).collect()
    }

    fn bound<'p>(&self, path: &'p str) -> Vec<(&'static str, &'p str)> {
        let below = plain(self.1, path).and_then(|path| unversioned(self.1, path));
        below.and_then(|path| bind(self.0.pattern, path)).unwrap_or_default()
    }

    /// The model that a path names, if its path rather than its body does.
    #[must_use]
    pub fn model_in<'p>(&self, path: &'p str) -> Option<Cow<'p, str>> {
        self.parameters(path).into_iter().find_map(|(name, value)| (name == "model").then_some(value))
    }

    /// The path with another model in it. `None` if it has none, or the name cannot stand in a path.
    #[must_use]
    pub fn path_with_model(&self, path: &str, model: &str) -> Option<String> {
        let own = self.bound(path).into_iter().find_map(|(name, value)| (name == "model").then_some(value))?;
        let at = own.as_ptr().addr().checked_sub(path.as_ptr().addr())?;
        let (before, after) = (path.get(..at)?, path.get(at + own.len()..)?);
        let escaped = match self.1 {
            Dialect::Bedrock => Cow::Owned(model.replace(':', "%3A").replace('/', "%2F")),
            _ => Cow::Borrowed(model),
        };
        let changed = format!("{before}{escaped}{after}");
        (self.model_in(&changed).as_deref() == Some(model)).then_some(changed)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.1, self.0.name)
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1 && self.0.name == other.0.name
    }
}

impl Eq for Endpoint {}

#[cfg(test)]
mod tests;
