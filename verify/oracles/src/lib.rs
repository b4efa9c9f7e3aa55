//! Other people's crates for transparency logs, as oracles of our ledger's format. What is compared is in `tests/`;
//! nothing depends on this crate, and what it brings along never gets into the binary.
//!
//! | crate | licence | what it judges here |
//! |---|---|---|
//! | `signed_note` 0.2 | BSD-3-Clause | notes and verifier keys: ours are opened, its own are opened by us |
//! | `tlog_tiles` 0.2 | BSD-3-Clause | hashes, roots, tile paths and bytes, inclusion and consistency proofs, text of checkpoints |
//! | `sigsum` 0.3 | MIT | inclusion proofs and signed tree heads |
//!
//! The first two are a port of the packages of the Go project that `verify/go` uses, `sigsum` was written from the RFC; so
//! two lines of descent agree with ours, not four. Where the crates end:
//!
//! - None reads entry bundles, `tlog-proof` receipts or what records say. The framing of bundles is undone by the tests.
//! - `tlog_tiles` has the height in its paths and calls entries `data`, as the Go packages do; the tests map them. It
//!   reads `.p/0` as a path and panics, so it is given no hostile ones.
//! - `tlog_tiles` takes extension lines and sizes from 2^63, which the format has and our reader refuses.
//! - `sigsum` keeps its Merkle functions private and verifies leaves of its own form only (128 bytes: checksum, signature,
//!   key hash), under an origin of its own. So it cannot check our records. What it checks is a tree of ours that holds
//!   leaves of that form: our hashing, our path, our text of the head and our signature. It has no consistency proofs.
