//! The endpoints that each dialect is known to have, and what a call to one carries.
//!
//! What is not in the table is unknown, and an unknown endpoint is refused unless its conduit calls it opaque. A
//! path matches by its segments alone, as plain text: nothing is decoded or resolved here, because whatever the
//! provider would decode or resolve differently would reach another endpoint than the one that was judged.

use plant::Dialect;
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
}

/// A row of the table.
struct Entry {
    dialect: Dialect,
    name: &'static str,
    method: &'static str,
    /// Segments without the version prefix; one in braces stands for any.
    pattern: &'static str,
    carries: Carries,
}

/// A known endpoint of a dialect. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Endpoint(&'static Entry);

macro_rules! table {
    ($($dialect:ident { $($name:literal $method:ident $pattern:literal $carries:ident;)* })*) => {
        &[$($(Entry {
            dialect: Dialect::$dialect,
            name: $name,
            method: stringify!($method),
            pattern: $pattern,
            carries: Carries::$carries,
        },)*)*]
    };
}

/// Every known endpoint. Literal segments stand before patterns they could be taken for.
static TABLE: &[Entry] = table! {
    OpenAi {
        "chat.completions" POST "/chat/completions" Json;
        "completions" POST "/completions" Json;
        "responses" POST "/responses" Json;
        "responses.get" GET "/responses/{id}" Nothing;
        "responses.delete" DELETE "/responses/{id}" Nothing;
        "responses.cancel" POST "/responses/{id}/cancel" JsonOrNothing;
        "responses.input_items" GET "/responses/{id}/input_items" Nothing;
        "embeddings" POST "/embeddings" Json;
        "models" GET "/models" Nothing;
        "models.get" GET "/models/{model}" Nothing;
        "images.generations" POST "/images/generations" Json;
        "images.edits" POST "/images/edits" Form;
        "images.variations" POST "/images/variations" Form;
        "audio.transcriptions" POST "/audio/transcriptions" Form;
        "audio.translations" POST "/audio/translations" Form;
        "audio.speech" POST "/audio/speech" Json;
        "moderations" POST "/moderations" Json;
        "files" POST "/files" Form;
        "files.list" GET "/files" Nothing;
        "files.get" GET "/files/{id}" Nothing;
        "files.delete" DELETE "/files/{id}" Nothing;
        "files.content" GET "/files/{id}/content" Nothing;
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
    Json {
        "json" POST "/{...}" Json;
        "json.get" GET "/{...}" Nothing;
    }
};

/// Longest path that is looked at.
const LONGEST: usize = 1024;

/// The endpoint that a call reaches: `path` is what follows `/<provider>`, without the query.
#[must_use]
pub fn endpoint(dialect: Dialect, method: &str, path: &str) -> Option<Endpoint> {
    let path = plain(path)?;
    let path = unversioned(dialect, path);
    let fits =
        |entry: &&Entry| entry.dialect == dialect && entry.method == method && bind(entry.pattern, path).is_some();
    TABLE.iter().find(fits).map(Endpoint)
}

/// Every known endpoint, for reference pages and for tests that prove coverage.
pub fn endpoints() -> impl ExactSizeIterator<Item = Endpoint> + Clone {
    TABLE.iter().map(Endpoint)
}

/// The path without what a base URL often holds already: the official SDKs of both begin at `/v1`.
fn unversioned(dialect: Dialect, path: &str) -> &str {
    match (dialect, path.strip_prefix("/v1")) {
        (Dialect::OpenAi | Dialect::Anthropic, Some(rest)) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// The path, if it can mean only one thing: no dot segments, no empty ones, no escapes, no parameters.
///
/// An encoded slash, `%2e%2e` or `;` is read differently by proxies, frameworks and servers; an official SDK
/// sends none of them to these endpoints.
fn plain(path: &str) -> Option<&str> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@+,=".contains(&byte);
    let segments = path.strip_prefix('/')?;
    let fine = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(known);
    (path.len() <= LONGEST && segments.split('/').all(fine)).then_some(path)
}

/// The values of a pattern's braces in a path that fits it.
fn bind<'p>(pattern: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    if pattern == "/{...}" {
        return Some(Vec::new());
    }
    let mut bound = Vec::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => bound.push((name, segment)),
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
        self.0.dialect
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
        matches!(self.0.carries, Carries::Json | Carries::Form)
    }

    /// The content type that a body must have, if there is one.
    #[must_use]
    pub fn content_type(&self) -> Option<&'static str> {
        match self.0.carries {
            Carries::Nothing => None,
            Carries::Json | Carries::JsonOrNothing => Some("application/json"),
            Carries::Form => Some("multipart/form-data"),
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
        let stores = self.0.name == "files";
        self.has_model_in_path() || (self.has_body() && !stores)
    }

    /// What stands in the braces of its pattern in a path (without query) that fits it.
    #[must_use]
    pub fn parameters<'p>(&self, path: &'p str) -> Vec<(&'static str, &'p str)> {
        plain(path).and_then(|path| bind(self.0.pattern, unversioned(self.0.dialect, path))).unwrap_or_default()
    }

    /// The model that a path names, if its path rather than its body does.
    #[must_use]
    pub fn model_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        self.parameters(path).into_iter().find_map(|(name, value)| (name == "model").then_some(value))
    }

    /// The path with another model in it. `None` if it has none, or the name cannot stand in a path.
    #[must_use]
    pub fn path_with_model(&self, path: &str, model: &str) -> Option<String> {
        let own = self.model_in(path)?;
        let at = own.as_ptr().addr().checked_sub(path.as_ptr().addr())?;
        let (before, after) = (path.get(..at)?, path.get(at + own.len()..)?);
        let changed = format!("{before}{model}{after}");
        (self.model_in(&changed) == Some(model)).then_some(changed)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.dialect, self.0.name)
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.0.dialect == other.0.dialect && self.0.name == other.0.name
    }
}

impl Eq for Endpoint {}

#[cfg(test)]
mod tests;
