//! Ed25519 (RFC 8032): the key that signs the ledger, and the key that checks it.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use zeroize::Zeroizing;

/// What signs as one Ed25519 key: a key in memory, or a device that keeps its own.
pub trait Sign: fmt::Debug + Send + Sync {
    /// The public half. It is known without asking the device.
    fn verifying_key(&self) -> VerifyingKey;

    /// Signs `message`; what comes back verifies under [`Sign::verifying_key`].
    ///
    /// # Errors
    /// If the key is not at hand just now. A key in memory always is.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// Why a device has not signed. Nothing was signed, and the next attempt may fare better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It is not there, or it does not answer to its name.
    #[error("the device that signs is away")]
    Away,
    /// It is there, and says no.
    #[error("the device that signs refuses to")]
    Refused,
    /// What it gave is no signature of its key.
    #[error("the device that signs gave a false signature")]
    False,
}

/// An Ed25519 private key. `Debug` shows nothing of it; the library clears its memory when it goes.
pub struct SigningKey(Ed25519KeyPair);

/// An Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VerifyingKey([u8; 32]);

impl SigningKey {
    /// Expands the 32-byte seed of RFC 8032 section 5.1.5. The seed is cleared when this returns.
    #[must_use]
    #[expect(clippy::expect_used, reason = "32 bytes are the only thing that the library asks of a seed")]
    #[expect(clippy::needless_pass_by_value, reason = "taking the seed is what clears it")]
    pub fn from_seed(seed: Zeroizing<[u8; 32]>) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).expect("a seed of 32 bytes"))
    }

    /// Signs `message`. Deterministic: the same key and message give the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(message).as_ref());
        signature
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        VerifyingKey(key)
    }
}

impl Sign for SigningKey {
    fn verifying_key(&self) -> VerifyingKey {
        self.verifying_key()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.sign(message))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl VerifyingKey {
    /// Takes the encoding of RFC 8032 section 5.1.2. Bytes that are no point of the curve verify nothing.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of RFC 8032 section 5.1.2.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{SigningKey, VerifyingKey};
    use crate::{hex, unhex};
    use zeroize::Zeroizing;

    /// RFC 8032 section 7.1, test 2.
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

    fn key() -> SigningKey {
        SigningKey::from_seed(Zeroizing::new(unhex(SEED).unwrap().try_into().unwrap()))
    }

    #[test]
    fn signing_agrees_with_the_vector_of_rfc_8032() {
        let key = key();
        assert_eq!(
            hex(key.verifying_key().as_bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = key.sign(&[0x72]);
        assert_eq!(
            hex(&signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.verifying_key().verify(&[0x72], &signature));
    }

    #[test]
    fn a_signature_fails_for_another_message_key_or_length() {
        let key = key();
        let signature = key.sign(b"message");
        assert!(!key.verifying_key().verify(b"massage", &signature));
        assert!(!key.verifying_key().verify(b"message", &signature[..63]));
        assert!(!VerifyingKey::from_bytes([7; 32]).verify(b"message", &signature));
        assert!(!VerifyingKey::from_bytes([0xff; 32]).verify(b"message", &signature));
    }

    #[test]
    fn a_signature_with_its_scalar_shifted_by_the_group_order_fails() {
        // The group order, little-endian (RFC 8032 section 5.1): s + L is the malleable twin that section 5.1.7 refuses.
        let order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
        let key = key();
        let mut signature = key.sign(b"message");
        let mut carry = 0_u16;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert!(!key.verifying_key().verify(b"message", &signature));
    }

    #[test]
    fn debug_output_shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", key()), "SigningKey(..)");
    }
}
