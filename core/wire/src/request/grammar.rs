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
        if dialect == Dialect::Json { Self::Data } else { Self::Structure }
    }

    /// The region of what is inside a value of this region under this key.
    pub(super) fn inside(self, dialect: Dialect, key: &str, kind: Kind) -> Self {
        if self != Self::Structure || kind != Kind::Object {
            return self;
        }
        match (dialect, key) {
            (Dialect::OpenAi, "metadata" | "arguments" | "variables")
            | (Dialect::Anthropic, "input" | "metadata")
            | (Dialect::Ollama, "arguments" | "options")
            | (Dialect::Kserve, "parameters") => Self::Data,
            (Dialect::OpenAi | Dialect::Ollama, "parameters" | "schema" | "format")
            | (Dialect::Anthropic, "input_schema" | "schema") => self.schema(key, dialect),
            _ => self,
        }
    }

    /// `format` is a schema for Ollama; in `OpenAI`'s responses it is structure that holds one.
    fn schema(self, key: &str, dialect: Dialect) -> Self {
        if key == "format" && dialect == Dialect::OpenAi { self } else { Self::Schema }
    }

    /// Whether a string in this region under this key (its array's, if it is an item) must stay as it is.
    /// `message` says that it is a member of an item of `messages`.
    pub(super) fn fixes(self, dialect: Dialect, key: &str, message: bool) -> bool {
        match self {
            Self::Data => false,
            Self::Schema => SCHEMA.binary_search(&key).is_ok(),
            // A participant's name is a person's; every other name is a tool's, a schema's or a tensor's.
            Self::Structure if key == "name" => !message,
            Self::Structure => match dialect {
                Dialect::Kserve => ["datatype", "id", "model_name", "model_version"].contains(&key),
                _ => FIXED.binary_search(&key).is_ok(),
            },
        }
    }
}

/// Keys whose strings are chosen from a list, name something, or were given out by the provider. Sorted.
static FIXED: &[&str] = &[
    "allowed_callers",
    "background",
    "cache_control",
    "call_id",
    "citation_format",
    "connector_id",
    "container",
    "context",
    "detail",
    "effort",
    "encoding_format",
    "encrypted_content",
    "encrypted_index",
    "environment",
    "file_id",
    "format",
    "generate",
    "id",
    "image_detail",
    "include",
    "input_fidelity",
    "item_id",
    "keep_alive",
    "language",
    "media_type",
    "mime_type",
    "modalities",
    "mode",
    "model",
    "moderation",
    "object",
    "output_format",
    "phase",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "purpose",
    "quality",
    "ranker",
    "reasoning_effort",
    "require_approval",
    "response_format",
    "response_id",
    "retention_policy",
    "role",
    "search_context_size",
    "service_tier",
    "signature",
    "size",
    "status",
    "stream_format",
    "style",
    "summary_format",
    "syntax",
    "think",
    "timestamp_granularities",
    "tool_call_id",
    "tool_choice",
    "tool_name",
    "tool_use_id",
    "truncation",
    "ttl",
    "type",
    "vector_store_ids",
    "verbosity",
    "version",
    "voice",
];

/// Keys of a JSON Schema whose strings other parts of the schema or the validator depend on. Sorted.
static SCHEMA: &[&str] = &[
    "$anchor",
    "$dynamicRef",
    "$id",
    "$ref",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "format",
    "pattern",
    "required",
    "type",
];

/// Whether a key is a word of a dialect. It then says nothing of the caller, and is no piece of its own.
pub(super) fn is_known_key(key: &str) -> bool {
    KNOWN.binary_search(&key).is_ok()
}

/// Words of the dialects. Sorted.
static KNOWN: &[&str] = &[
    "additionalProperties",
    "anyOf",
    "arguments",
    "audio",
    "b64_json",
    "budget_tokens",
    "cache_control",
    "call_id",
    "chunking_strategy",
    "citations",
    "content",
    "data",
    "datatype",
    "default",
    "description",
    "detail",
    "dimensions",
    "effort",
    "encoding_format",
    "encrypted_content",
    "enum",
    "file",
    "file_data",
    "file_id",
    "file_url",
    "filename",
    "format",
    "frequency_penalty",
    "function",
    "function_call",
    "functions",
    "id",
    "image_url",
    "images",
    "include",
    "include_usage",
    "input",
    "input_audio",
    "input_schema",
    "inputs",
    "instructions",
    "is_error",
    "items",
    "json_schema",
    "keep_alive",
    "language",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "maximum",
    "media_type",
    "messages",
    "metadata",
    "mime_type",
    "minimum",
    "modalities",
    "model",
    "n",
    "name",
    "num_ctx",
    "num_predict",
    "object",
    "options",
    "output",
    "outputs",
    "parallel_tool_calls",
    "parameters",
    "prefix",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "properties",
    "quality",
    "reasoning",
    "reasoning_effort",
    "refusal",
    "required",
    "response_format",
    "role",
    "schema",
    "seed",
    "service_tier",
    "shape",
    "signature",
    "size",
    "source",
    "status",
    "stop",
    "stop_sequences",
    "store",
    "stream",
    "stream_options",
    "strict",
    "suffix",
    "summary",
    "system",
    "temperature",
    "template",
    "text",
    "text_input",
    "thinking",
    "title",
    "tool_call_id",
    "tool_calls",
    "tool_choice",
    "tool_use_id",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "truncate",
    "truncation",
    "type",
    "url",
    "user",
    "verbosity",
    "voice",
];

#[cfg(test)]
mod tests {
    use super::{FIXED, KNOWN, Region, SCHEMA};
    use crate::json::Kind;
    use plant::Dialect;

    #[test]
    fn tables_are_sorted_and_free_of_repeats() {
        for table in [FIXED, SCHEMA, KNOWN] {
            assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
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
