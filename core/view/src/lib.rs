//! Text as it reads: without disguise, without escapes, and with the way back to where it stood.
//!
//! What reads a text for what it says, the findings in what leaves and the guard on what comes back, sees the same plain
//! form. Nothing here knows what anybody looks for.
//!
//! ```text
//! source -> escape | plain -> View: text, map -> (inspect, guard) -> spans -> map -> source
//! ```

pub mod escape;
pub mod plain;
mod view;

pub use view::{Change, Map, Says, TooMany, View};
