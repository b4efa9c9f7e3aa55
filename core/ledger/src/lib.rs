//! Merkle tree, entries, checkpoints, proofs, verification.
