//! Seals for whoever holds an X25519 key: HPKE, RFC 9180, in base mode, one message each.
//!
//! The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305 (0x0020, 0x0001, 0x0003), so that what we seal
//! is opened by any implementation of the standard. The ephemeral key is an argument: nothing here draws random bytes.
//!
//! ```text
//! ephemeral, recipient ── X25519 ──> extract, expand ──> key, nonce ── ChaCha20Poly1305 ──> enc, ciphertext
//! ```

use crate::{base64, unbase64};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use std::fmt;
use zeroize::Zeroizing;

/// RFC 9180 section 4.1: what sets the key encapsulation apart.
const KEM: &[u8] = b"KEM\x00\x20";
/// RFC 9180 section 5.1: what sets the whole suite apart.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
/// How a recipient begins in text.
const PREFIX: &str = "x25519:";
/// What authentication adds to a text.
pub(crate) const TAG: usize = 16;

/// Whom something is sealed for: an X25519 public key (RFC 7748). In text `x25519:` and 32 bytes in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient([u8; 32]);

/// What opens: an X25519 private key. `Debug` shows nothing of it.
pub struct OpeningKey {
    secret: Zeroizing<[u8; 32]>,
    recipient: Recipient,
}

/// Nothing can be agreed on with this key: it is of small order (RFC 7748 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is none that anything can be sealed for")]
pub struct WeakKey;

impl Recipient {
    /// Takes 32 bytes as they are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads `x25519:` and base64; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(unbase64(text.strip_prefix(PREFIX)?)?.try_into().ok()?))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals one message; gives the encapsulated key and the ciphertext, 16 bytes longer than the message. `ephemeral` are
    /// 32 random bytes that are used for nothing else.
    ///
    /// # Errors
    /// If the recipient is of small order.
    pub fn seal(
        &self,
        ephemeral: Zeroizing<[u8; 32]>,
        info: &[u8],
        aad: &[u8],
        message: &[u8],
    ) -> Result<([u8; 32], Vec<u8>), WeakKey> {
        let ephemeral = OpeningKey::from_bytes(ephemeral)?;
        let shared = ephemeral.agree(self)?;
        let enc = *ephemeral.recipient.as_bytes();
        let (key, nonce) = schedule(&shared_secret(&shared, &enc, &self.0), info);
        Ok((enc, encrypt(&key, nonce, aad, message)))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", base64(&self.0))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl OpeningKey {
    /// Takes 32 random bytes.
    ///
    /// # Errors
    /// If the library refuses them, which it does for no bytes that are known.
    pub fn from_bytes(secret: Zeroizing<[u8; 32]>) -> Result<Self, WeakKey> {
        let key = PrivateKey::from_private_key(&X25519, secret.as_slice()).map_err(|_| WeakKey)?;
        let public = key.compute_public_key().map_err(|_| WeakKey)?;
        let recipient = Recipient(public.as_ref().try_into().map_err(|_| WeakKey)?);
        Ok(Self { secret, recipient })
    }

    /// The other half, for whoever seals.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        self.recipient
    }

    /// Opens what was sealed for this key; `None` if it was not, or was altered.
    #[must_use]
    pub fn open(&self, enc: &[u8; 32], info: &[u8], aad: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let shared = self.agree(&Recipient(*enc)).ok()?;
        let (key, nonce) = schedule(&shared_secret(&shared, enc, &self.recipient.0), info);
        decrypt(&key, nonce, aad, ciphertext)
    }

    /// The library refuses an agreement of all zeros, as RFC 9180 section 7.1.4 demands.
    fn agree(&self, with: &Recipient) -> Result<Zeroizing<[u8; 32]>, WeakKey> {
        let key = PrivateKey::from_private_key(&X25519, self.secret.as_slice()).map_err(|_| WeakKey)?;
        agree(&key, UnparsedPublicKey::new(&X25519, with.0), WeakKey, |agreed| {
            agreed.try_into().map(Zeroizing::new).map_err(|_| WeakKey)
        })
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningKey({})", self.recipient)
    }
}

/// ChaCha20-Poly1305 (RFC 8439) of a message, under a key and nonce that are used together once.
#[expect(clippy::expect_used, reason = "RFC 8439 section 2.8 takes every key of 32 bytes, and messages below 256 GiB")]
pub(crate) fn encrypt(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], message: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of 32 bytes"));
    let mut out = Vec::with_capacity(message.len().saturating_add(TAG));
    out.extend_from_slice(message);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out)
        .expect("a short message");
    out
}

/// Undoes [`encrypt`]; `None` unless the ciphertext and `aad` are what was encrypted under this key and nonce.
pub(crate) fn decrypt(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let mut out = Zeroizing::new(ciphertext.to_vec());
    let length = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out).ok()?.len();
    out.truncate(length);
    Some(out)
}

/// RFC 9180 section 4.1, `ExtractAndExpand`.
fn shared_secret(agreed: &[u8; 32], enc: &[u8; 32], recipient: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let extracted = extract(KEM, b"", b"eae_prk", agreed);
    expand(KEM, &extracted, b"shared_secret", &[enc.as_slice(), recipient].concat(), 32)
}

/// RFC 9180 section 5.1, `KeySchedule` in base mode: the key and the nonce of the first message.
fn schedule(shared: &[u8; 32], info: &[u8]) -> (Zeroizing<[u8; 32]>, [u8; 12]) {
    let mut context = vec![0];
    context.extend_from_slice(extract(SUITE, b"", b"psk_id_hash", b"").as_slice());
    context.extend_from_slice(extract(SUITE, b"", b"info_hash", info).as_slice());
    let secret = extract(SUITE, shared, b"secret", b"");
    let key = expand(SUITE, &secret, b"key", &context, 32);
    let long = expand(SUITE, &secret, b"base_nonce", &context, 12);
    let mut nonce = [0; 12];
    nonce.iter_mut().zip(long.iter()).for_each(|(byte, from)| *byte = *from);
    (key, nonce)
}

/// RFC 9180 section 4, `LabeledExtract`.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Zeroizing<[u8; 32]> {
    mac(salt, &[b"HPKE-v1", suite, label, ikm])
}

/// RFC 9180 section 4, `LabeledExpand`, for at most one hash, of which `length` bytes are meant.
fn expand(suite: &[u8], key: &[u8; 32], label: &[u8], info: &[u8], length: u16) -> Zeroizing<[u8; 32]> {
    mac(key, &[&length.to_be_bytes(), b"HPKE-v1", suite, label, info, &[1]])
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    let mut tag = Zeroizing::new([0; 32]);
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

#[cfg(test)]
mod tests {
    use super::{OpeningKey, Recipient, WeakKey};
    use crate::unhex;
    use zeroize::Zeroizing;

    fn bytes(text: &str) -> [u8; 32] {
        unhex(text).unwrap().try_into().unwrap()
    }

    /// RFC 9180 appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, base mode, sequence number 0.
    #[test]
    fn the_vectors_of_the_standard_hold() {
        let key = OpeningKey::from_bytes(Zeroizing::new(bytes(
            "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
        )))
        .unwrap();
        let recipient = bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        assert_eq!(key.recipient().as_bytes(), &recipient);
        let ephemeral = bytes("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
        let info = unhex("4f6465206f6e2061204772656369616e2055726e").unwrap();
        let (enc, sealed) = key
            .recipient()
            .seal(Zeroizing::new(ephemeral), &info, b"Count-0", b"Beauty is truth, truth beauty")
            .unwrap();
        assert_eq!(enc, bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"));
        let expected = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";
        assert_eq!(crate::hex(&sealed), expected);
        let opened = key.open(&enc, &info, b"Count-0", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"Beauty is truth, truth beauty");
    }

    #[test]
    fn nothing_opens_that_was_altered_or_is_for_another() {
        let key = |byte| OpeningKey::from_bytes(Zeroizing::new([byte; 32])).unwrap();
        let (enc, sealed) = key(1).recipient().seal(Zeroizing::new([9; 32]), b"info", b"aad", b"text").unwrap();
        assert!(key(1).open(&enc, b"info", b"aad", &sealed).is_some());
        assert!(key(2).open(&enc, b"info", b"aad", &sealed).is_none());
        assert!(key(1).open(&enc, b"other", b"aad", &sealed).is_none());
        assert!(key(1).open(&enc, b"info", b"other", &sealed).is_none());
        assert!(key(1).open(&[3; 32], b"info", b"aad", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(key(1).open(&enc, b"info", b"aad", &altered).is_none(), "byte {at}");
            assert!(key(1).open(&enc, b"info", b"aad", &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn a_point_of_small_order_is_refused_on_both_sides() {
        // RFC 7748 section 6.1: zero, one, and a point of order 8.
        let eighth = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
        let key = OpeningKey::from_bytes(Zeroizing::new([1; 32])).unwrap();
        let mut one = [0; 32];
        one[0] = 1;
        for weak in [[0; 32], one, bytes(eighth)] {
            let sealed = Recipient::from_bytes(weak).seal(Zeroizing::new([9; 32]), b"", b"", b"text");
            assert_eq!(sealed, Err(WeakKey));
            assert!(key.open(&weak, b"", b"", &[0; 20]).is_none());
        }
    }

    #[test]
    fn a_recipient_has_one_spelling_and_a_key_shows_nothing() {
        let key = OpeningKey::from_bytes(Zeroizing::new([1; 32])).unwrap();
        let text = key.recipient().to_string();
        assert_eq!(Recipient::parse(&text), Some(key.recipient()));
        assert_eq!(format!("{key:?}"), format!("OpeningKey({text})"));
        let base64 = &text["x25519:".len()..];
        for bad in ["", "x25519:", base64, "x25519:AAAA", &format!("{text} "), &format!("X25519:{base64}")] {
            assert_eq!(Recipient::parse(bad), None, "{bad}");
        }
    }
}
