//! Workload tokens: `psk_<id>_<52 characters>`, what an unmodified SDK sends as its API key.
//!
//! Only the SHA-256 of the whole text is stored. A slow hash would protect a guessable secret; 256 random bits need
//! none, and the gateway checks one on every call. The prefix lets secret scanners find leaked tokens.

use crate::digest::{equal, sha256};
use plant::TokenId;
use std::fmt;
use zeroize::Zeroizing;

const PREFIX: &str = "psk_";
/// RFC 4648 section 6 in lower case: survives case-folding copies, and has no `_`, which ends the id.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 256 bits in groups of five.
const SECRET_LENGTH: usize = 52;
/// Nothing longer can be a token: prefix, the longest id, `_`, secret.
const LONGEST: usize = PREFIX.len() + 96 + 1 + SECRET_LENGTH;

/// A workload token, as its holder has it. `Debug` shows its id only.
pub struct Secret {
    id: TokenId,
    text: Zeroizing<String>,
}

/// The text is not a workload token. It is not repeated: it may be another service's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a workload token")]
pub struct MalformedToken;

impl Secret {
    /// Makes a token of an id and 32 random bytes.
    #[must_use]
    pub fn new(id: TokenId, random: &Zeroizing<[u8; 32]>) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        text.push_str(PREFIX);
        text.push_str(id.as_str());
        text.push('_');
        push_base32(&mut text, random);
        Self { id, text }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// If the text is anything else, another spelling of a token's bits included.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if text.len() > LONGEST {
            return Err(MalformedToken);
        }
        let (id, secret) = text.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('_')).ok_or(MalformedToken)?;
        // The last of 52 characters holds one bit of the 256; the other four are zero.
        let well_formed = secret.len() == SECRET_LENGTH
            && secret.bytes().all(|character| ALPHABET.contains(&character))
            && secret.ends_with(['a', 'q']);
        if !well_formed {
            return Err(MalformedToken);
        }
        let id = TokenId::new(id).map_err(|_| MalformedToken)?;
        Ok(Self { id, text: Zeroizing::new(text.to_owned()) })
    }

    /// The name under which the token is listed and revoked.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// The whole token, to be shown to its holder once.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is stored instead of the token: the SHA-256 of its text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.text.as_bytes())
    }

    /// Whether this is the token whose [`digest`](Self::digest) was stored.
    #[must_use]
    pub fn is(&self, stored: &[u8; 32]) -> bool {
        equal(&self.digest(), stored)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}, ..)", self.id)
    }
}

fn push_base32(text: &mut String, bytes: &[u8; 32]) {
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut push = |five: u32| {
        let character = ALPHABET.get(five as usize & 31).copied().unwrap_or(b'a');
        text.push(char::from(character));
    };
    for byte in bytes {
        bits = (bits << 8 | u32::from(*byte)) & 0xfff;
        count += 8;
        while count >= 5 {
            count -= 5;
            push(bits >> count);
        }
    }
    push(bits << (5 - count));
}

#[cfg(test)]
mod tests {
    use super::{MalformedToken, Secret};
    use plant::TokenId;
    use proptest::prelude::{any, proptest};
    use zeroize::Zeroizing;

    fn secret(id: &str, random: [u8; 32]) -> Secret {
        Secret::new(TokenId::new(id).unwrap(), &Zeroizing::new(random))
    }

    #[test]
    fn a_token_looks_as_documented() {
        // Python: base64.b32encode(bytes(range(32))).decode().lower().rstrip("=")
        assert_eq!(
            secret("mes_line-2", std::array::from_fn(|index| u8::try_from(index).unwrap())).text(),
            "psk_mes_line-2_aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
        );
        assert!(secret("a", [0xff; 32]).text().ends_with("7777q"));
    }

    #[test]
    fn what_is_not_exactly_a_token_is_refused() {
        let good = secret("mes", [9; 32]).text().to_owned();
        let spare_bits = format!("{}b", &good[..good.len() - 1]);
        for bad in [
            "",
            "psk_",
            "sk-proj-abc",
            &good[1..],
            &good[..good.len() - 1],
            &format!("{good}a"),
            &format!(" {good}"),
            &good.to_uppercase(),
            &good.replace("mes", "MES"),
            &good.replace("mes", ""),
            &spare_bits,
            &format!("psk_{}{}", "a".repeat(97), &good[7..]),
        ] {
            assert_eq!(Secret::parse(bad).err(), Some(MalformedToken), "{bad}");
        }
    }

    #[test]
    fn the_digest_tells_tokens_apart_and_debug_hides_them() {
        let (one, other) = (secret("mes", [1; 32]), secret("mes", [2; 32]));
        assert!(one.is(&one.digest()));
        assert!(!other.is(&one.digest()));
        assert_eq!(format!("{one:?}"), "Secret(mes, ..)");
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(id in "[a-z0-9][a-z0-9_.-]{0,95}", random in any::<[u8; 32]>()) {
            let made = secret(&id, random);
            let read = Secret::parse(made.text()).unwrap();
            assert_eq!((read.id(), read.text()), (made.id(), made.text()));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Ok(secret) = Secret::parse(&text) {
                assert_eq!(secret.text(), text);
            }
        }
    }
}
