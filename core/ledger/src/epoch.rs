//! Epoch keys: each UTC day has a key of its own, and the thief of today's cannot sign as yesterday.
//!
//! ```text
//! seed -> 4,096 public keys -> Merkle tree -> Schedule: first day, root      kept by the auditor, named by genesis
//!                                  |
//!              `key` record: epoch, key, its path to the root                proves each key against the schedule
//! ```
//!
//! The seeds are [`seal::EpochSeed`]'s business; here are the public halves, and the claim about all of them that was
//! made before the first one signed. A key that is not under that root cannot be put in its place later.

use crate::entry::Entry;
use crate::proof::{Hashes, Missing, prove_inclusion, verify_inclusion};
use crate::tree::{Frontier, Hash, leaf_hash};
use plant::{Body, Draft, Kind, Millis, Note, RecordId};
use seal::note::{NoteError, Verifier};
use seal::{EpochSeed, VerifyingKey, base64, unbase64};
use std::collections::BTreeMap;
use std::fmt;

/// How many epochs a schedule has: eleven years and two months of days.
pub const EPOCHS: u32 = 4096;
/// Bytes that the public keys of all epochs take.
pub const KEYS_LENGTH: usize = EPOCHS as usize * KEY;
/// Bytes of one key, and of one step of a proof.
const KEY: usize = 32;
/// No ledger with epochs began before this day, 2025-01-01. A machine without a battery for its clock may begin one in
/// 1970; its schedule would be over before the clock is set.
const EARLIEST: u32 = 20_089;
/// Milliseconds of an epoch.
const DAY: u64 = 86_400_000;

/// Which keys sign on which days, fixed when the ledger begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The day of epoch 0, in days since 1970.
    pub first: u32,
    /// The root of the RFC 6962 tree over the keys of all epochs; each leaf is the 32 bytes of a key.
    pub root: Hash,
}

impl Schedule {
    /// The schedule of these keys, if epoch 0 is the day of `now`, or of 2025-01-01 if the clock is behind even that.
    #[must_use]
    pub fn begin(now: Millis, keys: &EpochKeys) -> Self {
        Self { first: u32::try_from(now.0 / DAY).unwrap_or(u32::MAX).max(EARLIEST), root: keys.root() }
    }

    /// Reads `<first day> <root in base64>`, the form of its `Display`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, root) = text.split_once(' ')?;
        let schedule = Self { first: first.parse().ok()?, root: unbase64(root)?.try_into().ok()? };
        (schedule.to_string() == text).then_some(schedule)
    }

    /// The epoch that a moment lies in: the first for what is before, the last for what comes after all of them.
    #[must_use]
    pub fn epoch(&self, now: Millis) -> u32 {
        let since = (now.0 / DAY).saturating_sub(u64::from(self.first));
        u32::try_from(since).unwrap_or(u32::MAX).min(EPOCHS - 1)
    }

    /// When an epoch begins. It ends where the next one begins.
    #[must_use]
    pub fn begins(&self, epoch: u32) -> Millis {
        Millis((u64::from(self.first) + u64::from(epoch)).saturating_mul(DAY))
    }

    /// Whether `proof` shows that `key` is the key of `epoch`.
    #[must_use]
    pub fn admits(&self, epoch: u32, key: &VerifyingKey, proof: &[Hash]) -> bool {
        let leaf = leaf_hash(key.as_bytes());
        verify_inclusion(&leaf, u64::from(epoch), u64::from(EPOCHS), proof, &self.root)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.first, base64(&self.root))
    }
}

/// The public keys of all epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochKeys(Vec<[u8; KEY]>);

impl EpochKeys {
    /// Derives all of them from the seed of epoch 0, which is gone when this returns.
    #[must_use]
    pub fn derive(seed: EpochSeed) -> Self {
        let mut seed = seed;
        let mut keys = Vec::with_capacity(EPOCHS as usize);
        for _ in 0..EPOCHS {
            keys.push(*seed.key().verifying_key().as_bytes());
            seed = seed.next();
        }
        Self(keys)
    }

    /// Takes what [`Self::to_bytes`] gave; `None` if it is shorter or longer.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (keys, rest) = bytes.as_chunks::<KEY>();
        (bytes.len() == KEYS_LENGTH && rest.is_empty()).then(|| Self(keys.to_vec()))
    }

    /// The keys one after the other, [`KEYS_LENGTH`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.as_flattened().to_vec()
    }

    /// The root of the tree over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.subtree(0, EPOCHS)
    }

    /// The key of an epoch; `None` beyond the last.
    #[must_use]
    pub fn key(&self, epoch: u32) -> Option<VerifyingKey> {
        self.0.get(epoch as usize).map(|key| VerifyingKey::from_bytes(*key))
    }

    /// The `key` record that an epoch begins with; `None` beyond the last.
    #[must_use]
    pub fn announce(&self, epoch: u32, id: RecordId) -> Option<Draft> {
        let proof = prove_inclusion(u64::from(epoch), u64::from(EPOCHS), self).ok()?;
        let note = BTreeMap::from([
            ("epoch", Note::Number(u64::from(epoch))),
            ("key", Note::Text(base64(self.key(epoch)?.as_bytes()))),
            ("proof", Note::Text(base64(proof.as_flattened()))),
        ]);
        Some(Draft { kind: Kind::Key, id, reference: None, body: Body { note, ..Body::default() } })
    }

    fn subtree(&self, first: u32, count: u32) -> Hash {
        let mut frontier = Frontier::new();
        let keys = self.0.iter().skip(first as usize).take(count as usize);
        keys.for_each(|key| frontier.push(leaf_hash(key)));
        frontier.root()
    }
}

impl Hashes for EpochKeys {
    fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
        let missing = Missing { level, index };
        let count = 1_u32.checked_shl(level).filter(|count| *count <= EPOCHS).ok_or(missing)?;
        let first = u32::try_from(index).ok().and_then(|index| index.checked_mul(count)).ok_or(missing)?;
        if first < EPOCHS { Ok(self.subtree(first, count)) } else { Err(missing) }
    }
}

/// What a `key` record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The epoch.
    pub epoch: u32,
    /// Its key.
    pub key: VerifyingKey,
    /// The path from the key to the schedule's root.
    pub proof: Vec<Hash>,
}

impl Announced {
    /// Reads a `key` record; `None` if it does not say what such a record says. It proves nothing yet.
    #[must_use]
    pub fn read(record: &Entry) -> Option<Self> {
        let epoch = u32::try_from(record.number("note.epoch")?).ok()?;
        let key = unbase64(record.text("note.key")?)?.try_into().ok()?;
        let proof = unbase64(record.text("note.proof")?)?;
        let (steps, rest) = proof.as_chunks::<KEY>();
        rest.is_empty().then(|| Self { epoch, key: VerifyingKey::from_bytes(key), proof: steps.to_vec() })
    }
}

/// The name under which an epoch's key signs the checkpoints of a ledger.
///
/// # Errors
/// If the origin cannot be part of a key's name.
pub fn verifier(origin: &str, epoch: u32, key: VerifyingKey) -> Result<Verifier, NoteError> {
    Verifier::new(name(origin, epoch), key)
}

/// The name of an epoch's key: `<origin>/epoch/<epoch>`.
#[must_use]
pub fn name(origin: &str, epoch: u32) -> String {
    format!("{origin}/epoch/{epoch}")
}

#[cfg(test)]
mod tests {
    use super::{Announced, DAY, EPOCHS, EpochKeys, Schedule, name};
    use crate::{ClockState, Stamp, decode, encode};
    use plant::{Millis, RecordId};
    use seal::EpochSeed;
    use std::sync::LazyLock;

    static KEYS: LazyLock<EpochKeys> = LazyLock::new(|| EpochKeys::derive(EpochSeed::from_bytes([7; 32])));

    fn announced(epoch: u32) -> Announced {
        let draft = KEYS.announce(epoch, RecordId::new(Millis(1), [1; 10])).unwrap();
        let clk = ClockState { source: "system".to_owned(), bound: None };
        let stamp = Stamp { seq: 3, prev: [1; 32], t: Millis(7), mono: 1, boot: 1, clk };
        Announced::read(&decode(&encode(&stamp, &draft).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn every_record_of_a_key_proves_it_and_no_other() {
        let schedule = Schedule::begin(Millis(0), &KEYS);
        for epoch in [0, 1, 2, 255, 256, 2048, EPOCHS - 1] {
            let Announced { key, proof, epoch: says } = announced(epoch);
            assert_eq!((says, Some(key), proof.len()), (epoch, KEYS.key(epoch), 12));
            assert!(schedule.admits(epoch, &key, &proof));
            let (mut altered, mut cut) = (proof.clone(), proof.clone());
            altered[3][0] ^= 1;
            cut.pop();
            let other = KEYS.key(epoch ^ 1).unwrap();
            let moved = Schedule { root: [0; 32], ..schedule };
            assert!(!schedule.admits(epoch ^ 1, &key, &proof) && !schedule.admits(epoch, &other, &proof));
            assert!(!schedule.admits(epoch, &key, &altered) && !schedule.admits(epoch, &key, &cut));
            assert!(!moved.admits(epoch, &key, &proof) && !schedule.admits(epoch + EPOCHS, &key, &proof));
        }
        assert!(KEYS.announce(EPOCHS, RecordId::new(Millis(1), [1; 10])).is_none());
    }

    #[test]
    fn an_epoch_is_a_day_and_the_ends_of_the_schedule_hold() {
        let schedule = Schedule { first: 20_000, root: [0; 32] };
        let day = |day: u64| day * DAY;
        for (now, epoch) in [
            (0, 0),
            (day(20_000), 0),
            (day(20_001) - 1, 0),
            (day(20_001), 1),
            (day(20_000 + 4095), 4095),
            (day(20_000 + 4096), 4095),
            (u64::MAX, 4095),
        ] {
            assert_eq!(schedule.epoch(Millis(now)), epoch, "{now}");
        }
        assert_eq!(schedule.begins(3), Millis(day(20_003)));
        for (now, first) in [(day(20_413) + 5, 20_413), (0, 20_089), (u64::MAX, u32::MAX)] {
            assert_eq!(Schedule::begin(Millis(now), &KEYS).first, first);
        }
    }

    #[test]
    fn a_schedule_and_its_keys_have_one_spelling() {
        let schedule = Schedule { first: 20_413, root: [7; 32] };
        let text = schedule.to_string();
        assert_eq!(text, "20413 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(Schedule::parse(&text), Some(schedule));
        for bad in ["", "20413", "20413 BwcH", &text.replace(' ', "  "), &format!("+{text}"), &format!("0{text}")] {
            assert_eq!(Schedule::parse(bad), None, "{bad}");
        }
        let bytes = KEYS.to_bytes();
        assert_eq!(EpochKeys::from_bytes(&bytes).as_ref(), Some(&*KEYS));
        assert_eq!(EpochKeys::from_bytes(&bytes[1..]), None);
        assert_eq!(EpochKeys::from_bytes(&[bytes, vec![0; 32]].concat()), None);
        assert_eq!(name("brewery/gate-1/00", 7), "brewery/gate-1/00/epoch/7");
    }
}
