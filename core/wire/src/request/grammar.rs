//! What the dialects' words mean to a rewrite: which strings hold a message together, and which keys say nothing.
//!
//! A string that these tables do not name is content and may be replaced. One that they name is read all the same; it
//! only cannot be replaced, because the provider would refuse or misroute the call.

use crate::json::Kind;
use plant::Dialect;

/// What kind of land a value lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// The dialect's own structure.
    Structure,
    /// A JSON Schema.
    Schema,
    /// The caller's own data: nothing in it holds the message together.
    Data,
}

impl Region {
    /// Where a body begins.
    pub(super) fn outermost(dialect: Dialect) -> Self {
        if dialect.kin() == Dialect::Json { Self::Data } else { Self::Structure }
    }

    /// The region of what is inside a value of this region under this key.
    pub(super) fn inside(self, dialect: Dialect, key: &str, kind: Kind) -> Self {
        if self != Self::Structure || kind != Kind::Object {
            return self;
        }
        match (dialect.kin(), key) {
            (Dialect::OpenAi, "metadata" | "arguments" | "variables")
            | (Dialect::Anthropic, "input" | "metadata")
            | (Dialect::Gemini, "args" | "response" | "labels")
            | (
                Dialect::Bedrock,
                "input" | "json" | "additionalModelRequestFields" | "requestMetadata" | "promptVariables",
            )
            | (Dialect::Cohere, "data" | "arguments")
            | (Dialect::Ollama, "arguments" | "options")
            | (Dialect::Mcp, "arguments" | "structuredContent")
            | (Dialect::Kserve, "parameters") => Self::Data,
            (Dialect::OpenAi | Dialect::Ollama, "parameters" | "schema" | "format")
            | (Dialect::OpenAi, "guided_json")
            | (Dialect::Cohere, "parameters" | "json_schema")
            | (Dialect::Bedrock, "inputSchema" | "input_schema")
            | (Dialect::Anthropic, "input_schema" | "schema") => self.schema(key, dialect),
            (Dialect::Gemini, "parameters") => Self::Schema,
            // `responseSchema`, `parameters_json_schema` and the like.
            (Dialect::Gemini, key) if key.to_ascii_lowercase().ends_with("schema") => Self::Schema,
            _ => self,
        }
    }

    /// `format` is a schema for Ollama; in `OpenAI`'s responses it is structure that holds one.
    fn schema(self, key: &str, dialect: Dialect) -> Self {
        if key == "format" && dialect.kin() == Dialect::OpenAi { self } else { Self::Schema }
    }

    /// Whether a string in this region under this key (its array's, if it is an item) must stay as it is.
    /// `message` says that it is a member of an item of `messages`.
    pub(super) fn fixes(self, dialect: Dialect, key: &str, message: bool) -> bool {
        match self {
            Self::Data => false,
            Self::Schema => holds(SCHEMA, key),
            // A participant's name is a person's; every other name is a tool's, a schema's or a tensor's.
            Self::Structure if key == "name" => !message,
            Self::Structure => match dialect {
                Dialect::Kserve => ["datatype", "id", "model_name", "model_version"].contains(&key),
                Dialect::Mcp => MCP.contains(&key),
                Dialect::Gemini => holds(FIXED, key) || GEMINI.contains(&key),
                Dialect::Bedrock => holds(FIXED, key) || BEDROCK.contains(&key),
                Dialect::Cohere => holds(FIXED, key) || ["embedding_types", "input_type", "safety_mode"].contains(&key),
                Dialect::Vllm | Dialect::LlamaCpp => holds(FIXED, key) || GRAMMARS.contains(&key),
                _ => holds(FIXED, key),
            },
        }
    }
}

/// Keys whose strings are chosen from a list, name something, or were given out by the provider. In order of [`holds`].
static FIXED: &[&str] = &[
    "id",
    "ttl",
    "mode",
    "role",
    "size",
    "type",
    "model",
    "phase",
    "style",
    "think",
    "voice",
    "detail",
    "effort",
    "format",
    "object",
    "ranker",
    "status",
    "syntax",
    "call_id",
    "context",
    "file_id",
    "include",
    "item_id",
    "purpose",
    "quality",
    "version",
    "event_id",
    "generate",
    "language",
    "container",
    "mime_type",
    "signature",
    "tool_name",
    "verbosity",
    "background",
    "keep_alive",
    "media_type",
    "modalities",
    "moderation",
    "truncation",
    "environment",
    "response_id",
    "tool_choice",
    "tool_use_id",
    "connector_id",
    "image_detail",
    "service_tier",
    "tool_call_id",
    "cache_control",
    "output_format",
    "stream_format",
    "input_fidelity",
    "summary_format",
    "allowed_callers",
    "citation_format",
    "encoding_format",
    "encrypted_index",
    "response_format",
    "previous_item_id",
    "prompt_cache_key",
    "reasoning_effort",
    "require_approval",
    "retention_policy",
    "vector_store_ids",
    "encrypted_content",
    "search_context_size",
    "previous_response_id",
    "prompt_cache_retention",
    "timestamp_granularities",
];

/// The same for messages of MCP.
static MCP: &[&str] = &[
    "jsonrpc",
    "method",
    "id",
    "type",
    "role",
    "uri",
    "cursor",
    "level",
    "action",
    "mimeType",
    "requestId",
    "taskId",
    "stopReason",
    "progressToken",
    "protocolVersion",
    "resultType",
];

/// The same of Gemini, in both of its spellings where it has two.
static GEMINI: [&str; 24] = [
    "allowedFunctionNames",
    "allowed_function_names",
    "aspectRatio",
    "cachedContent",
    "cached_content",
    "category",
    "fileUri",
    "file_uri",
    "imageSize",
    "languageCode",
    "mediaResolution",
    "media_resolution",
    "mimeType",
    "responseMimeType",
    "responseModalities",
    "response_mime_type",
    "response_modalities",
    "taskType",
    "task_type",
    "thinkingLevel",
    "thoughtSignature",
    "thought_signature",
    "threshold",
    "voiceName",
];

/// The same of Bedrock.
static BEDROCK: [&str; 8] = [
    "anthropic_beta",
    "anthropic_version",
    "guardrailIdentifier",
    "guardrailVersion",
    "latency",
    "toolUseId",
    "trace",
    "uri",
];

/// What holds a server's answer to a form, and is no form any more with a word replaced.
static GRAMMARS: [&str; 5] = ["grammar", "grammar_lazy", "guided_grammar", "guided_regex", "regex"];

/// Keys of a JSON Schema whose strings other parts of the schema or the validator depend on. In order of [`holds`].
static SCHEMA: &[&str] = &[
    "$id",
    "$ref",
    "type",
    "format",
    "$anchor",
    "$schema",
    "pattern",
    "required",
    "$dynamicRef",
    "contentEncoding",
    "contentMediaType",
];

/// Whether a table has a key. Tables are in order of length, then text: most steps compare two numbers, and this is
/// asked for every key of a body.
fn holds(table: &[&str], key: &str) -> bool {
    table.binary_search_by(|own| own.len().cmp(&key.len()).then_with(|| (*own).cmp(key))).is_ok()
}

/// Whether a key is a word of a dialect. It then says nothing of the caller, and is no piece of its own.
pub(super) fn is_known_key(key: &str) -> bool {
    holds(KNOWN, key)
}

/// Words of the dialects. In order of [`holds`].
static KNOWN: &[&str] = &[
    "n",
    "id",
    "url",
    "args",
    "data",
    "enum",
    "file",
    "json",
    "name",
    "role",
    "seed",
    "size",
    "stop",
    "text",
    "topK",
    "topP",
    "type",
    "user",
    "anyOf",
    "audio",
    "bytes",
    "image",
    "input",
    "items",
    "model",
    "parts",
    "query",
    "shape",
    "store",
    "texts",
    "title",
    "tools",
    "top_k",
    "top_n",
    "top_p",
    "voice",
    "detail",
    "effort",
    "format",
    "images",
    "inputs",
    "object",
    "output",
    "prefix",
    "prompt",
    "schema",
    "source",
    "status",
    "stream",
    "strict",
    "suffix",
    "system",
    "call_id",
    "content",
    "default",
    "fileUri",
    "file_id",
    "include",
    "maximum",
    "minimum",
    "num_ctx",
    "options",
    "outputs",
    "quality",
    "refusal",
    "summary",
    "toolUse",
    "b64_json",
    "contents",
    "datatype",
    "document",
    "fileData",
    "file_url",
    "filename",
    "function",
    "is_error",
    "language",
    "logprobs",
    "messages",
    "metadata",
    "mimeType",
    "required",
    "response",
    "template",
    "thinking",
    "toolSpec",
    "truncate",
    "arguments",
    "citations",
    "documents",
    "file_data",
    "functions",
    "image_url",
    "maxTokens",
    "mime_type",
    "reasoning",
    "signature",
    "toolUseId",
    "verbosity",
    "cachePoint",
    "dimensions",
    "inlineData",
    "input_type",
    "keep_alive",
    "logit_bias",
    "max_tokens",
    "media_type",
    "modalities",
    "parameters",
    "properties",
    "text_input",
    "toolConfig",
    "toolResult",
    "tool_calls",
    "truncation",
    "description",
    "inputSchema",
    "input_audio",
    "json_schema",
    "num_predict",
    "temperature",
    "tool_choice",
    "tool_use_id",
    "functionCall",
    "input_schema",
    "instructions",
    "service_tier",
    "tool_call_id",
    "top_logprobs",
    "budget_tokens",
    "cache_control",
    "function_call",
    "include_usage",
    "stopSequences",
    "candidateCount",
    "responseSchema",
    "safetySettings",
    "stop_sequences",
    "stream_options",
    "thinkingConfig",
    "embedding_types",
    "encoding_format",
    "inferenceConfig",
    "maxOutputTokens",
    "response_format",
    "functionResponse",
    "generationConfig",
    "presence_penalty",
    "reasoning_effort",
    "responseMimeType",
    "thoughtSignature",
    "anthropic_version",
    "chunking_strategy",
    "encrypted_content",
    "frequency_penalty",
    "max_output_tokens",
    "systemInstruction",
    "parallel_tool_calls",
    "additionalProperties",
    "functionDeclarations",
    "previous_response_id",
    "max_completion_tokens",
];

#[cfg(test)]
mod tests {
    use super::{FIXED, KNOWN, Region, SCHEMA};
    use crate::json::Kind;
    use plant::Dialect;

    #[test]
    fn tables_are_sorted_and_free_of_repeats() {
        for table in [FIXED, SCHEMA, KNOWN] {
            assert!(table.windows(2).all(|pair| (pair[0].len(), pair[0]) < (pair[1].len(), pair[1])), "{table:?}");
        }
    }

    #[test]
    fn a_tools_input_is_data_and_its_schema_a_schema() {
        let inside = |dialect, key| Region::Structure.inside(dialect, key, Kind::Object);
        assert_eq!(inside(Dialect::Anthropic, "input"), Region::Data);
        assert_eq!(inside(Dialect::OpenAi, "input"), Region::Structure);
        assert_eq!(inside(Dialect::OpenAi, "parameters"), Region::Schema);
        assert_eq!(inside(Dialect::OpenAi, "format"), Region::Structure);
        assert_eq!(inside(Dialect::Ollama, "format"), Region::Schema);
        assert!(!Region::Data.fixes(Dialect::Anthropic, "type", false));
        assert!(Region::Schema.fixes(Dialect::OpenAi, "required", false));
        assert!(!Region::Structure.fixes(Dialect::OpenAi, "name", true));
    }
}
