//! A scripted AI provider that speaks the real dialects over real sockets. For tests and the demo only.
//!
//! It answers what a provider would answer, from a script: what it says depends on the request alone, so a run can be
//! repeated. What it *saw* is kept and can be asked for, because the point of most tests is what did not arrive.
//!
//! The model's name chooses how it behaves:
//!
//! | model begins with | behaviour |
//! |---|---|
//! | `hang` | accepts the request and never answers |
//! | `reset` | sends half of the answer, then resets the connection |
//! | `truncate` | ends the answer early but cleanly: no `[DONE]`, no closing brace |
//! | `wrong-length` | declares more bytes than it sends |
//! | `garbled` | sends a stream of bytes that are no events, or a document that is no JSON |
//! | `html` | 500 with a web page |
//! | `overloaded` | 529 or 503 with an error in its dialect |
//! | `silent` | begins a stream, then says nothing more |
//! | `endless` | streams for ever |
//! | `gzip` | encodes its answer although nobody asked for it |
//! | `tool` | answers with a tool call that repeats the prompt in its arguments |
//! | anything else | answers with what the script says; by default it repeats the prompt |

mod answer;
mod clouds;
mod dialect;
mod provider;
mod realtime;

pub use dialect::pieces;
pub use provider::{Manner, Provider, Script, Seen};
