//! Dialects: bytes to typed messages and back, streams, limits on everything.
//!
//! A request is read whole: [`json`] and multipart keep where everything stands, so that a rewrite changes only the
//! bytes it must. An answer is read as it streams. Nothing here decides, waits, or knows a socket.
//!
//! ```text
//! path ─> Endpoint ─┐
//! body ─> json | multipart | protobuf ─> Request ─> Content ─> (inspect) ─> Edit ─> Request::rewrite ─> body
//! answer ─> Answer, driven with a plant::Rewrite ─> answer
//! ```

pub mod grpc;
pub mod json;

mod answer;
mod described;
mod endpoint;
mod error;
mod fixed;
mod header;
mod media;
mod multipart;
mod oversight;
mod protobuf;
mod request;

/// What names of parameters begin with that say where in memory a tensor lies which caller and server share: Triton's extension.
const SHARED: &str = "shared_memory_";

pub use answer::{
    Answer, Broken, Carrier, Facts, Frame, Limits as AnswerLimits, TooLong, error_event, fuzz as fuzz_answer,
    fuzz_messages, ndjson, sse,
};
pub use endpoint::{Carries, Endpoint, endpoint, endpoints};
pub use error::{Malformed, anthropic_type, error_body, message, openai_type, session_error, stream_error};
pub use fixed::{Fixed, announce, fixed};
pub use multipart::fuzz as fuzz_multipart;
pub use oversight::{Account, fuzz as fuzz_oversight};
pub use request::{
    Attachment, Limits, Part, Request, Rewriting, Substitute, Unfit, fuzz as fuzz_request, fuzz_protobuf,
};
