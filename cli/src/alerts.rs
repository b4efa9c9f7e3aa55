//! Alerts: what the gateway tells of them while it runs, and `penstock alerts`.
//!
//! ```text
//! ledger ─ from the state on ─> Desk: eyes, watch, outbox ─> send: syslog | webhook | mail
//! ledger's health, witnesses,     │ ^                          │
//! other destinations ─────────────┘ └── state, after each ─────┘
//! ```
//!
//! Each destination has a desk of its own, which reads the ledger by itself, so that one that is away holds up no other and
//! no call. What a desk knows is in a file beside the ledger: after a crash it goes on from there, and what may not have
//! arrived is sent again under the same identity.

mod board;
mod command;
mod desk;
mod mail;
mod send;
mod state;
mod syslog;
mod tell;
mod webhook;

pub(crate) use board::Board;
pub(crate) use command::{Args, run};
pub(crate) use desk::{Alerting, House};
