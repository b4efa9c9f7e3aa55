//! Keys, signatures, signed notes, commitments; the one crate that names a cryptographic library.
