//! Marks that tell a model who speaks: the tokens of chat templates, and what people write in their place.
//!
//! A template's own tokens have no place in a text, whoever writes it. Tags such as `</system>` may be anybody's XML, and
//! count only with other evidence. Both are found with all other literals.

/// Tokens of chat templates: of ChatML, Llama 2 and 3, Gemma, Mistral, Phi, DeepSeek, Command, harmony.
pub(crate) const TOKENS: [&str; 30] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|endoftext|>",
    "<|endofprompt|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<|python_tag|>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[SYSTEM_PROMPT]",
    "[TOOL_RESULTS]",
    "[AVAILABLE_TOOLS]",
    "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|SYSTEM_TOKEN|>",
    "<|channel|>",
    "<|begin\u{2581}of\u{2581}sentence|>",
];

/// What may be a mark of that kind, or something else.
pub(crate) const TAGS: [&str; 22] = [
    "</system>",
    "<system>",
    "<system_prompt>",
    "</system_prompt>",
    "<system-prompt>",
    "[system]",
    "[/system]",
    "[admin]",
    "[/admin]",
    "[developer]",
    "[assistant]",
    "[system](#",
    "### instruction:",
    "### system:",
    "### response:",
    "\nsystem:",
    "\nassistant:",
    "\nhuman:",
    "</document>",
    "</context>",
    "</tool_result>",
    "</user_input>",
];
