//! Checks the signature of a compact JWS (RFC 7515) against an issuer's key set (RFC 7517).
//!
//! It does not judge claims: issuer, audience and expiry are `identity`'s. It follows the advice of RFC 8725:
//! the algorithm comes from the caller's list and never from the token alone, a key signs only what its type
//! can sign, and nothing that the token's header points at (`jku`, `x5u`, `jwk`) is ever used as a key.
//!
//! `jsonwebtoken` is not used here. It takes the last of two equal header members, ignores `crit`, and
//! parses the key again for every token; the signature itself is one call of aws-lc-rs, which it makes too.
//!
//! ```text
//! token -> size, three parts -> header: alg allowed, typ, no crit -> keys by kid and alg -> signature -> claims
//! ```

mod json;
mod keys;
#[cfg(test)]
mod tests;

pub use keys::{Ignored, Keys, KeysError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::Key;
use serde_json::{Map, Value};

/// The members of a token's payload. Signed, but not judged.
pub type Claims = Map<String, Value>;

/// Longest token. Tokens with a few hundred groups come to 10 KiB; HTTP servers rarely take a longer header.
const LONGEST_TOKEN: usize = 16 << 10;

/// Longest key id. Thumbprints take 43 characters, the longest seen in the field 90.
const LONGEST_KEY_ID: usize = 512;

/// Most keys that are tried for a token without a key id, so that it cannot buy a signature check of every key.
const MOST_TRIED: usize = 8;

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
///
/// Complete on purpose: `none` and the symmetric algorithms have no variant, so no list can ever allow them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    Rs512,
    /// RSA-PSS with SHA-256.
    Ps256,
    /// RSA-PSS with SHA-384.
    Ps384,
    /// RSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm with its JOSE name.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];

    /// Reads a JOSE name; case matters (RFC 7515 section 4.1.1). `Ed25519` is the newer name of the only
    /// curve that `EdDSA` stands for here (RFC 9864 section 2.2).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "Ed25519" { "EdDSA" } else { name };
        Self::NAMES.iter().find_map(|(known, algorithm)| (*known == name).then_some(*algorithm))
    }

    /// The JOSE name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// Why a token is not accepted. Nothing of the token's text is in any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoseError {
    /// The token is longer than 16 KiB.
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// The token is not three parts of base64url without padding.
    #[error("the token is not a compact JWS")]
    Form,
    /// The header is not a JSON object with the members that a header has.
    #[error("the header of the token is not well-formed")]
    Header,
    /// Header or payload hold a member twice; which one counts would be anybody's guess.
    #[error("the token holds a member twice")]
    DuplicateMember,
    /// The header asks for an extension to be understood (RFC 7515 section 4.1.11). We know none.
    #[error("the token asks for an extension that is not supported")]
    Critical,
    /// The header says that this is another kind of token: a logout token, a proof of possession, an event.
    #[error("the token is of another kind than an ID or access token")]
    Kind,
    /// The algorithm is unknown, symmetric, `none`, or not on the list.
    #[error("the signature algorithm of the token is not allowed")]
    Algorithm,
    /// The set does not hold the key: its id is not there or, for a token without one, no key made the
    /// signature. The set may be old; fetching it again may help.
    #[error("the key that signed the token is not in the issuer's key set")]
    UnknownKey,
    /// The key with this id cannot sign with this algorithm.
    #[error("the key that the token names does not fit its algorithm")]
    KeyMismatch,
    /// The signature is not that of the key.
    #[error("the signature of the token is wrong")]
    Signature,
    /// The payload is not a JSON object.
    #[error("the payload of the token is not a JSON object")]
    Payload,
}

/// Checks the signature of `token` with `keys`, if its algorithm is `allowed`; gives what it signs.
///
/// # Errors
/// Says what is wrong. [`JoseError::UnknownKey`] alone may be cured by a newer key set.
pub fn verify(token: &str, keys: &Keys, allowed: &[Algorithm]) -> Result<Claims, JoseError> {
    if token.len() > LONGEST_TOKEN {
        return Err(JoseError::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(JoseError::Form)?;
    // A fourth part would be in `payload` and fail to decode: a dot is no character of base64url.
    let [header, payload, signature] = [decode(header)?, decode(payload)?, decode(signature)?];
    let header = Header::read(&header, allowed)?;
    check(&header, keys, signed.as_bytes(), &signature)?;
    json::object(&payload).map_err(|problem| match problem {
        json::Problem::Duplicate => JoseError::DuplicateMember,
        json::Problem::Malformed => JoseError::Payload,
    })
}

fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    // Strict: no padding, no other alphabet, no stray bits; one text for one value.
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JoseError::Form)
}

/// What of a token's header counts.
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl Header {
    fn read(bytes: &[u8], allowed: &[Algorithm]) -> Result<Self, JoseError> {
        let members = json::object(bytes).map_err(|problem| match problem {
            json::Problem::Duplicate => JoseError::DuplicateMember,
            json::Problem::Malformed => JoseError::Header,
        })?;
        if members.contains_key("crit") {
            return Err(JoseError::Critical);
        }
        let name = members.get("alg").and_then(Value::as_str).ok_or(JoseError::Header)?;
        let algorithm = Algorithm::parse(name).filter(|known| allowed.contains(known)).ok_or(JoseError::Algorithm)?;
        match members.get("typ") {
            None => {}
            Some(Value::String(kind)) if is_person_token(kind) => {}
            Some(Value::String(_)) => return Err(JoseError::Kind),
            Some(_) => return Err(JoseError::Header),
        }
        let key_id = match members.get("kid") {
            None => None,
            Some(Value::String(id)) if id.len() <= LONGEST_KEY_ID => Some(id.clone()),
            Some(_) => return Err(JoseError::Header),
        };
        Ok(Self { algorithm, key_id })
    }
}

/// Whether a `typ` is that of an ID token or an access token (RFC 9068 section 2.1).
///
/// The issuer's other tokens carry the same signature, issuer, audience and often the same person, and must
/// not pass for a sign-in: RFC 8725 section 2.8.
fn is_person_token(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt")
}

fn check(header: &Header, keys: &Keys, signed: &[u8], signature: &[u8]) -> Result<(), JoseError> {
    let made_it =
        |key: &Key| key.verifier(header.algorithm).is_some_and(|key| key.verify_sig(signed, signature).is_ok());
    let Some(id) = header.key_id.as_deref() else {
        let mut fitting = keys.all().iter().filter(|key| key.verifier(header.algorithm).is_some()).take(MOST_TRIED);
        return if fitting.any(made_it) { Ok(()) } else { Err(JoseError::UnknownKey) };
    };
    // Several keys may share an id if their types differ (RFC 7517 section 4.5).
    let named: Vec<&Key> = keys.all().iter().filter(|key| key.id.as_deref() == Some(id)).take(MOST_TRIED).collect();
    if named.is_empty() {
        return Err(JoseError::UnknownKey);
    }
    if !named.iter().any(|key| key.verifier(header.algorithm).is_some()) {
        return Err(JoseError::KeyMismatch);
    }
    if named.into_iter().any(made_it) { Ok(()) } else { Err(JoseError::Signature) }
}
