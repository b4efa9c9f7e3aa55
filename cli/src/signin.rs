//! An issuer of operators that a command plays itself: signs what an OpenID Connect provider would.

use crate::secret::random;
use plant::{Issuer, Millis};
use seal::{SigningKey, base64_url};
use serde_json::{Value, json};

/// The name of the key in the issuer's set.
const KEY: &str = "played-1";
/// How long a sign-in lasts, in seconds.
const LASTS: u64 = 300;

/// An issuer with a key that nobody else has.
pub(crate) struct SignIn {
    key: SigningKey,
    terms: Issuer,
}

impl SignIn {
    /// Plays an issuer by its terms in the plant file.
    pub(crate) fn new(terms: &Issuer) -> miette::Result<Self> {
        Ok(Self { key: SigningKey::from_seed(random()?), terms: terms.clone() })
    }

    /// The algorithm that it signs with, by its JOSE name.
    pub(crate) const ALGORITHM: &str = "EdDSA";

    /// Its public keys: a JWKS (RFC 7517, RFC 8037).
    pub(crate) fn keys(&self) -> Value {
        let x = base64_url(self.key.verifying_key().as_bytes());
        let alg = Self::ALGORITHM;
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": KEY, "alg": alg, "use": "sig", "x": x}]})
    }

    /// An ID token for `subject`, who signed in by these methods and has these roles.
    pub(crate) fn token(&self, subject: &str, methods: &[String], roles: &[String], now: Millis) -> String {
        let now = now.0 / 1000;
        let header = json!({"alg": Self::ALGORITHM, "typ": "JWT", "kid": KEY});
        let mut claims = json!({"iss": self.terms.issuer, "aud": self.terms.audiences.first(), "sub": subject, "iat": now,
            "exp": now + LASTS, "amr": methods});
        if let Value::Object(claims) = &mut claims {
            // A claim at a dotted path may also bear the whole path as its name.
            claims.insert(self.terms.subject_claim.clone(), subject.into());
            if let Some(name) = self.terms.roles_claim.as_ref().filter(|_| !roles.is_empty()) {
                claims.insert(name.clone(), roles.into());
            }
        }
        let signed =
            format!("{}.{}", base64_url(header.to_string().as_bytes()), base64_url(claims.to_string().as_bytes()));
        format!("{signed}.{}", base64_url(&self.key.sign(signed.as_bytes())))
    }
}
