//! The ledger's form: records, Merkle tree, tiles, checkpoints, receipts, and the proof that all of it holds together.
//!
//! No I/O: `store` writes and reads the files, [`verify()`] asks for them through [`verify::Files`]. Everything here that reads
//! bytes expects them to be hostile.
//!
//! ```text
//! Draft + Stamp -> entry::encode -> leaf_hash -> Frontier -> Checkpoint -> signed note
//!                        |              |            |            |
//!                   entry bundle    hash tiles    receipt  <-  receipt   -> verify
//! ```
//!
//! [`epoch`] says which key signs on which day; [`witness`] what others can say of a ledger.

pub mod checkpoint;
pub mod cose;
pub mod entry;
pub mod epoch;
mod origin;
mod proof;
mod pruning;
pub mod receipt;
pub mod tile;
mod tree;
pub mod verify;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use cose::{CoseError, CoseReceipt};
pub use entry::{
    ClockState, EncodeError, Entry, Head, Malformed, RestampError, Stamp, Unstamped, decode, encode, is_treacherous,
    restamp,
};
pub use epoch::{EpochKeys, Schedule};
pub use origin::Origin;
pub use proof::{
    Hashes, Missing, ProofError, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
pub use pruning::Pruning;
pub use receipt::{Receipt, ReceiptError};
pub use tile::{Edge, Row, Tile};
pub use tree::{Frontier, Hash, empty_root, leaf_hash, node_hash};
pub use verify::verify;
