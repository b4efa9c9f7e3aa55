//! Keyed commitments: one root key per plant, a key for each use derived from it by label.
//!
//! Pseudonyms, content tokens and commitments to bodies all come from here, so that none of them can be
//! computed, or guessed backwards, without the plant's root key.

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use std::fmt;
use zeroize::Zeroizing;

/// Separates our derivations from those of anyone else who would use the same root key.
const SALT: &[u8] = b"penstock root key v1";

/// The plant's symmetric root key. It is only ever used to derive others; `Debug` shows nothing of it.
pub struct RootKey(Zeroizing<[u8; 32]>);

/// A key for one use: HMAC-SHA256 (RFC 2104).
#[derive(Clone)]
pub struct Mac(hmac::Key);

/// A tag in the making, for content that comes in pieces.
pub struct Tagging(hmac::Context);

impl RootKey {
    /// Takes 32 random bytes. Clear the caller's own copy.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key for the use that `label` names: HKDF-SHA256 (RFC 5869). Keys of different labels are independent.
    #[must_use]
    #[expect(clippy::expect_used, reason = "RFC 5869 section 2.3 refuses only outputs above 255 hashes; this is one")]
    pub fn derive(&self, label: &str) -> Mac {
        let extracted = Salt::new(HKDF_SHA256, SALT).extract(self.0.as_slice());
        let info = [label.as_bytes()];
        Mac(extracted.expand(&info, HMAC_SHA256).expect("an output of one hash").into())
    }
}

/// HMAC-SHA256 (RFC 2104) under a key of somebody else's scheme.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(hmac::sign(&hmac::Key::new(HMAC_SHA256, key), message).as_ref());
    tag
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

impl Mac {
    /// The tag of the parts. Each is preceded by its length, so that ("a", "bc") and ("ab", "c") differ.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.start(parts).finish()
    }

    /// Begins a tag over the parts, each preceded by its length, and then one stream of bytes; how the stream is cut
    /// into updates changes nothing.
    #[must_use]
    pub fn start(&self, parts: &[&[u8]]) -> Tagging {
        let mut tagging = Tagging(hmac::Context::with_key(&self.0));
        for part in parts {
            tagging.update(&(part.len() as u64).to_be_bytes());
            tagging.update(part);
        }
        tagging
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(..)")
    }
}

impl Tagging {
    /// Adds the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The tag of everything added.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(self.0.sign().as_ref());
        tag
    }
}

impl fmt::Debug for Tagging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tagging(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::{RootKey, hmac_sha256};
    use crate::hex;
    use proptest::prelude::proptest;

    #[test]
    fn derivation_agrees_with_another_implementation() {
        // Python: prk = HMAC(salt, 0x07 * 32); key = HMAC(prk, b"pseudonym" + b"\x01"); HMAC(key, be64(2) + b"op")
        let tag = RootKey::from_bytes([7; 32]).derive("pseudonym").tag(&[b"op"]);
        assert_eq!(hex(&tag), "108140f3670030b2246be3aca365b84115c3d9365d312e1b600771d2e8072eae");
    }

    // RFC 4231, section 4.3.
    #[test]
    fn a_tag_under_a_foreign_key_is_the_rfcs() {
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn labels_keys_and_boundaries_of_parts_matter() {
        let root = RootKey::from_bytes([1; 32]);
        let tag = |label: &str, parts: &[&[u8]]| root.derive(label).tag(parts);
        assert_ne!(tag("a", &[b"a", b"bc"]), tag("a", &[b"ab", b"c"]));
        assert_ne!(tag("a", &[b"abc"]), tag("b", &[b"abc"]));
        assert_ne!(tag("a", &[]), tag("a", &[b""]));
        assert_ne!(tag("a", &[b"x"]), RootKey::from_bytes([2; 32]).derive("a").tag(&[b"x"]));
    }

    #[test]
    fn debug_output_shows_nothing_of_the_keys() {
        let root = RootKey::from_bytes([1; 32]);
        let shown = format!("{root:?} {:?} {:?}", root.derive("a"), root.derive("a").start(&[]));
        assert_eq!(shown, "RootKey(..) Mac(..) Tagging(..)");
    }

    proptest! {
        #[test]
        fn the_cuts_of_a_stream_do_not_change_its_tag(bytes: Vec<u8>, cut: usize) {
            let mac = RootKey::from_bytes([3; 32]).derive("stream");
            let (mut whole, mut cut_up) = (mac.start(&[]), mac.start(&[]));
            whole.update(&bytes);
            let (head, tail) = bytes.split_at(cut.checked_rem(bytes.len()).unwrap_or(0));
            cut_up.update(head);
            cut_up.update(tail);
            assert_eq!(whole.finish(), cut_up.finish());
        }
    }
}
