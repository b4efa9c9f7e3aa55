//! Dialects: bytes to typed messages and back, streams, limits on everything.
