//! An issuer's key set: JWKS bytes to keys that are ready to verify.
//!
//! A key holds one verifier for each algorithm that it may sign with and no other, so that no later step can
//! use it for anything else. A member of the set that is not a public signature key of a kind we know is left
//! aside and named in [`Keys::ignored`]: RFC 7517 section 5 asks for that, and an issuer adds new kinds of
//! keys without asking us.

use super::{Algorithm, LONGEST_KEY_ID, json};
use crate::sha256;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// Largest key set in bytes. The largest public ones (with certificate chains) come to 30 KiB.
const LARGEST_SET: usize = 256 << 10;

/// Most members of a key set.
const MOST_KEYS: usize = 64;

/// Bounds of an RSA modulus in bits: NIST SP 800-131A asks for 2048, and checking more than 8192 takes
/// long enough to be a way of keeping us busy.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Members that only a private or symmetric key has (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const RSA: [(Algorithm, &RsaParameters); 6] = [
    (Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::Rs384, &RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::Rs512, &RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256),
    (Algorithm::Ps384, &RSA_PSS_2048_8192_SHA384),
    (Algorithm::Ps512, &RSA_PSS_2048_8192_SHA512),
];

/// The public signature keys of an issuer. Never empty.
#[derive(Clone, Debug)]
pub struct Keys {
    keys: Vec<Key>,
    ignored: Vec<Ignored>,
    digest: [u8; 32],
}

/// A member of a key set that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its key id, if it has one.
    pub id: Option<String>,
    /// Why it is not used.
    pub because: &'static str,
}

/// Why bytes are no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The set is larger than 256 KiB.
    #[error("the key set is larger than 256 KiB")]
    TooLarge,
    /// The bytes are not a JSON object with an array of objects called `keys`.
    #[error("the key set is not a JSON object with a list of `keys`")]
    Malformed,
    /// An object holds a member twice.
    #[error("an object of the key set holds a member twice")]
    DuplicateMember,
    /// The set has more than 64 members.
    #[error("the key set has more than 64 members")]
    TooMany,
    /// No member of the set can check a signature.
    #[error("the key set holds no public signature key that can be used")]
    Empty,
}

/// One key, ready to check signatures.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    /// INVARIANT: not empty, and holds only algorithms that the key's type, size and `alg` allow.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

impl Key {
    pub(super) fn verifier(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.verifiers.iter().find_map(|(known, key)| (*known == algorithm).then_some(key))
    }
}

impl Keys {
    /// Reads a JWK set.
    ///
    /// # Errors
    /// The set is too large, not well-formed, or holds no key that can be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeysError> {
        if bytes.len() > LARGEST_SET {
            return Err(KeysError::TooLarge);
        }
        let set = json::object(bytes).map_err(|problem| match problem {
            json::Problem::Duplicate => KeysError::DuplicateMember,
            json::Problem::Malformed => KeysError::Malformed,
        })?;
        let members = set.get("keys").and_then(Value::as_array).ok_or(KeysError::Malformed)?;
        if members.len() > MOST_KEYS {
            return Err(KeysError::TooMany);
        }
        let (mut keys, mut ignored) = (Vec::new(), Vec::new());
        for member in members {
            let member = member.as_object().ok_or(KeysError::Malformed)?;
            let id = text(member, "kid").map(str::to_owned);
            match verifiers(member) {
                Ok(verifiers) => keys.push(Key { id, verifiers }),
                Err(because) => ignored.push(Ignored { id, because }),
            }
        }
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Self { keys, ignored, digest: sha256(bytes) }) }
    }

    /// How many keys can be used.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a key set is never empty")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// SHA-256 of the text that the set was read from.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The members that are not used, and why.
    #[must_use]
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    pub(super) fn all(&self) -> &[Key] {
        &self.keys
    }
}

fn text<'a>(member: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    member.get(name).and_then(Value::as_str)
}

fn verifiers(member: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, &'static str> {
    // A private key that was published is anybody's; a symmetric one in a public place was never a secret.
    if PRIVATE.iter().any(|name| member.contains_key(*name)) || text(member, "kty") == Some("oct") {
        return Err("it is private or symmetric");
    }
    if text(member, "kid").is_some_and(|id| id.len() > LONGEST_KEY_ID) {
        return Err("its id is longer than 512 bytes");
    }
    if member.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err("it is not for signatures");
    }
    let verifies = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
    if member.get("key_ops").is_some_and(|operations| !verifies(operations)) {
        return Err("it is not for verification");
    }
    let mut verifiers = match text(member, "kty") {
        Some("RSA") => rsa(member)?,
        Some("EC") => elliptic(member)?,
        Some("OKP") => edwards(member)?,
        _ => return Err("its type is not supported"),
    };
    if let Some(algorithm) = member.get("alg") {
        let algorithm = algorithm.as_str().and_then(Algorithm::parse).ok_or("its algorithm is not supported")?;
        verifiers.retain(|(known, _)| *known == algorithm);
    }
    if verifiers.is_empty() { Err("its algorithm does not fit its type") } else { Ok(verifiers) }
}

fn bytes(member: &Map<String, Value>, name: &str) -> Result<Vec<u8>, &'static str> {
    text(member, name)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or("a part of the key is missing or no base64url")
}

fn rsa(member: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, &'static str> {
    // RFC 7518 section 6.3.1.1 forbids leading zeros; old issuers write one all the same.
    let n: Vec<u8> = bytes(member, "n")?.into_iter().skip_while(|byte| *byte == 0).collect();
    let e: Vec<u8> = bytes(member, "e")?.into_iter().skip_while(|byte| *byte == 0).collect();
    let bits = n.first().map_or(0, |first| n.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize));
    if bits < *RSA_BITS.start() {
        return Err("its modulus is shorter than 2048 bits");
    }
    if bits > *RSA_BITS.end() {
        return Err("its modulus is longer than 8192 bits");
    }
    // An exponent of 1 makes every message its own signature; a long one makes checking slow.
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !odd(&n) || !odd(&e) || e == [1] || e.len() > 4 {
        return Err("its modulus or exponent is not that of an RSA key");
    }
    let components = RsaPublicKeyComponents { n, e };
    let parsed =
        RSA.iter().map(|(algorithm, parameters)| Ok((*algorithm, components.to_parsed_public_key(parameters)?)));
    parsed.collect::<Result<_, aws_lc_rs::error::KeyRejected>>().map_err(|_| "it is no RSA key")
}

fn elliptic(member: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, &'static str> {
    let (algorithm, curve, size): (_, &'static dyn VerificationAlgorithm, _) = match text(member, "crv") {
        Some("P-256") => (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED, 32),
        Some("P-384") => (Algorithm::Es384, &ECDSA_P384_SHA384_FIXED, 48),
        _ => return Err("its curve is not supported"),
    };
    let (x, y) = (bytes(member, "x")?, bytes(member, "y")?);
    if x.len() != size || y.len() != size {
        return Err("its coordinates do not have the length of the curve");
    }
    // SEC 1 section 2.3.3: 4 marks an uncompressed point. The parser checks that it is on the curve.
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    let key = ParsedPublicKey::new(curve, point).map_err(|_| "its point is not on the curve")?;
    Ok(vec![(algorithm, key)])
}

fn edwards(member: &Map<String, Value>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, &'static str> {
    if text(member, "crv") != Some("Ed25519") {
        return Err("its curve is not supported");
    }
    let x = bytes(member, "x")?;
    if x.len() != 32 {
        return Err("its coordinate does not have the length of the curve");
    }
    let key = ParsedPublicKey::new(&ED25519, x).map_err(|_| "it is no Ed25519 key")?;
    Ok(vec![(Algorithm::EdDsa, key)])
}
