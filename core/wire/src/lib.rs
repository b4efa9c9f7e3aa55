//! Dialects: bytes to typed messages and back, streams, limits on everything.
//!
//! A request is read whole: [`json`] and multipart keep where everything stands, so that a rewrite changes only the
//! bytes it must. An answer is read as it streams. Nothing here decides, waits, or knows a socket.

pub mod json;

mod answer;
