//! Keys, signatures, signed notes, commitments; the one crate that names a cryptographic library (TLS aside).
//!
//! Thin by intent: it gives each thing that we need from `aws-lc-rs` a type that cannot be misused, and the two text
//! forms that carry keys and signatures between people and machines. It draws no random number: seeds are arguments.
//!
//! ```text
//! digest, text <- mac, sign <- note <- cosignature
//!                      sign <- token, epoch
//!         text <- hpke <- subject <- envelope <- person
//! jose, pkcs11
//! ```

pub mod cosignature;
mod digest;
pub mod envelope;
mod epoch;
pub mod foreign;
mod hpke;
pub mod jose;
mod mac;
pub mod note;
pub mod person;
pub mod pkcs11;
mod sign;
pub mod subject;
mod text;
pub mod token;

pub use digest::{Sha256, equal, sha256, sha256_parts};
pub use epoch::EpochSeed;
pub use hpke::{OpeningKey, Recipient, WeakKey};
pub use mac::{Mac, RootKey, Tagging, hmac_sha256};
pub use sign::{Sign, SignError, SigningKey, VerifyingKey};
pub use text::{base64, base64_url, hex, unbase64, unhex};
