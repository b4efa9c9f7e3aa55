//! What is registered to be known again: documents, tables and pictures, as the users of the commands see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fingerprint;
mod image;
mod matching;
mod plant;
