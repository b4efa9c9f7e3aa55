//! `inspect` under fire: content that is read, and tokens that are put back.

/// A text to be read for findings.
pub fn findings(bytes: &[u8]) {
    inspect::fuzz_read(bytes);
}

/// A text in which tokens are put back; the first byte is the length of the chunks.
pub fn restore(bytes: &[u8]) {
    inspect::fuzz_restore(bytes);
}

/// What makes an answer safe to show gives the same for the whole and for chunks.
pub fn sinks(bytes: &[u8]) {
    inspect::fuzz_sinks(bytes);
}
