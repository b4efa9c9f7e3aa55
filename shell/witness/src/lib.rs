//! Witnessing over the network: both ends of <https://c2sp.org/tlog-witness>.
//!
//! ```text
//! peer's ledger ── POST add-checkpoint ──> Server ─ Judge ─ store::Memory, durable ──> signature
//!
//! our ledger ── Rounds, the newest head ── asking ── POST add-checkpoint ──> witnesses ──> witnessed/<size>.note
//! ```
//!
//! What a witness may sign is decided by `ledger::witness`, and what it must never forget is kept by `store`. A witness is
//! handed its key and the keys of the ledgers that it looks after; whoever asks is handed a way to servers. Neither end is
//! in the path of a call: without any witness the gateway goes on, and says how far behind it is.

mod asking;
mod judge;
mod listen;
mod rounds;
mod standing;

pub use asking::{Connector, UrlError};
pub use judge::Judge;
pub use listen::{Listen, ListenError, Server, Tls};
pub use rounds::{Rounds, Settings};
pub use standing::{Behind, Standing};
