//! The inventory of AI components: what the plant file declares, what is seen in traffic, and what may be used.
//!
//! ```text
//! plant file ──> declared ──┐
//! records ─────> seen ──────┴─> drift: declared, matched, mismatch, shadow, retired
//! approvals ───> life cycle ──> standing ──> may a call use it?
//! ```
//!
//! Records are the evidence; what is seen is counted from them and can be counted anew. Nothing here reads a file or a
//! clock, and nothing here decides who may call whom: a component that may not be used only takes away.

mod bom;
mod client;
mod component;
mod drift;
mod fragment;
mod life;
mod seen;
mod standing;

pub use bom::{About, BomError, MOST_BYTES, Parsed, export, read};
pub use client::client;
pub use component::{Component, ComponentKind, ComponentName, InvalidName, Subject};
pub use drift::{Drift, Row, rows};
pub use fragment::{drafted, fragment};
pub use life::{Approved, Life, Lives, State, Step};
pub use seen::{Corrupt, Entry, Seen, Span};
pub use standing::{Standing, Terms};
