//! Digests that the formats of others prescribe. Ours is SHA-256, and nothing else.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA384, SHA512, digest};

/// SHA-1 (FIPS 180-4), where it names something and vouches for nothing.
#[must_use]
pub fn sha1(bytes: &[u8]) -> Vec<u8> {
    of(&SHA1_FOR_LEGACY_USE_ONLY, bytes)
}

/// SHA-384 (FIPS 180-4).
#[must_use]
pub fn sha384(bytes: &[u8]) -> Vec<u8> {
    of(&SHA384, bytes)
}

/// SHA-512 (FIPS 180-4).
#[must_use]
pub fn sha512(bytes: &[u8]) -> Vec<u8> {
    of(&SHA512, bytes)
}

fn of(algorithm: &'static Algorithm, bytes: &[u8]) -> Vec<u8> {
    digest(algorithm, bytes).as_ref().to_vec()
}
