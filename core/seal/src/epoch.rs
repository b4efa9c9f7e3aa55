//! Keys that cannot sign as yesterday: a chain of seeds of which the holder keeps only the newest.
//!
//! ```text
//! seed 0 ── next ──> seed 1 ── next ──> seed 2        each overwrites the one before
//!   └─ sign ─> key 0   └─ sign ─> key 1   └─ sign ─> key 2
//! ```
//!
//! Whoever steals a seed can make the keys of its epoch and of all later ones, and none before: HKDF (RFC 5869) does
//! not run backwards. That is the forward security of Bellare and Miner (CRYPTO 1999) with plain Ed25519 keys.

use crate::SigningKey;
use crate::text::{base64, unbase64};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use std::fmt;
use zeroize::Zeroizing;

/// Separates these derivations from those of anyone else who would use the same seed.
const SALT: &[u8] = b"penstock epoch v1";
/// The first line of a file that keeps a seed.
const TITLE: &str = "penstock epoch seed 1";

/// The seed of one epoch. Cleared from memory when it goes; `Debug` shows nothing of it.
pub struct EpochSeed(Zeroizing<[u8; 32]>);

impl EpochSeed {
    /// Takes 32 secret, random bytes, or those that [`Self::as_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be kept where only the holder reads them, and overwritten by those of the next epoch.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text of the file in which the seed of `epoch` is kept: a title, the epoch, the seed in base64.
    #[must_use]
    pub fn encode(&self, epoch: u32) -> Zeroizing<String> {
        let seed = Zeroizing::new(base64(self.as_bytes()));
        Zeroizing::new(format!("{TITLE}\nepoch {epoch}\nseed {}\n", seed.as_str()))
    }

    /// Reads what [`Self::encode`] wrote, and clears it; `None` if it is anything else.
    #[must_use]
    pub fn decode(file: Vec<u8>) -> Option<(u32, Self)> {
        let file = Zeroizing::new(file);
        let lines = std::str::from_utf8(&file).ok()?.strip_prefix(TITLE)?.strip_prefix("\nepoch ")?;
        let (epoch, seed) = lines.strip_suffix('\n')?.split_once("\nseed ")?;
        let bytes = Zeroizing::new(unbase64(seed)?);
        let mut kept = Self(Zeroizing::new([0; 32]));
        (bytes.len() == kept.0.len()).then(|| kept.0.copy_from_slice(&bytes))?;
        let epoch = epoch.parse::<u32>().ok().filter(|number| number.to_string() == epoch)?;
        Some((epoch, kept))
    }

    /// The seed of the next epoch.
    #[must_use]
    pub fn next(&self) -> Self {
        Self(derive(&self.0, "next"))
    }

    /// The key that signs in this epoch.
    #[must_use]
    pub fn key(&self) -> SigningKey {
        SigningKey::from_seed(derive(&self.0, "sign"))
    }
}

impl fmt::Debug for EpochSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochSeed(..)")
    }
}

#[expect(clippy::expect_used, reason = "RFC 5869 section 2.3 refuses only outputs above 255 hashes; this is one")]
fn derive(seed: &[u8; 32], label: &str) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    let extracted = Salt::new(HKDF_SHA256, SALT).extract(seed);
    let info = [label.as_bytes()];
    let filled = extracted.expand(&info, HKDF_SHA256).and_then(|output| output.fill(derived.as_mut_slice()));
    filled.expect("an output of one hash");
    derived
}

#[cfg(test)]
mod tests {
    use super::EpochSeed;
    use crate::hex;

    #[test]
    fn the_chain_is_the_same_for_everyone_who_knows_its_beginning() {
        let (one, other) = (EpochSeed::from_bytes([7; 32]), EpochSeed::from_bytes([7; 32]));
        let (third, again) = (one.next().next(), EpochSeed::from_bytes(*other.next().as_bytes()).next());
        assert_eq!(third.as_bytes(), again.as_bytes());
        assert_eq!(third.key().verifying_key(), again.key().verifying_key());
        assert_eq!(hex(one.next().as_bytes()), NEXT);
        assert_eq!(hex(one.key().verifying_key().as_bytes()), PUBLIC);
    }

    /// Computed with `cryptography` in Python: HKDF(SHA256, 32, b"penstock epoch v1", label).derive(b"\x07" * 32).
    const NEXT: &str = "a898b96fd4cb0c02daad62e8d9a60cff46416debbe27e42c47c7123c8a8d275f";
    const PUBLIC: &str = "2e1b453e15337b077416eb602753747970195581f87f87b5ddd239724c6b0a3c";

    #[test]
    fn every_epoch_has_a_key_of_its_own() {
        let mut seed = EpochSeed::from_bytes([0; 32]);
        let mut keys = std::collections::HashSet::new();
        for _ in 0..100 {
            assert!(keys.insert(seed.key().verifying_key()));
            seed = seed.next();
        }
    }

    #[test]
    fn a_file_that_keeps_a_seed_has_one_spelling() {
        let text = EpochSeed::from_bytes([7; 32]).encode(17).to_string();
        let (epoch, seed) = EpochSeed::decode(text.clone().into_bytes()).unwrap();
        assert_eq!((epoch, seed.as_bytes()), (17, &[7; 32]));
        for bad in [
            "".to_owned(),
            text.trim_end().to_owned(),
            format!("{text}\n"),
            text.replace("17", "+17"),
            text.replace("17", "017"),
            text.replace("17", "4294967296"),
            text.replace("seed 1", "seed 2"),
            text.replace("Bwc=", "Bw=="),
            text.replace("BwcHBwcH", ""),
        ] {
            assert!(EpochSeed::decode(bad.clone().into_bytes()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_shows_nothing_of_the_seed() {
        assert_eq!(format!("{:?}", EpochSeed::from_bytes([7; 32])), "EpochSeed(..)");
    }
}
