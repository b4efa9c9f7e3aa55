//! Envelopes: there and back, the fixed bytes of the format, and hostile ones.

use super::{Envelope, EnvelopeError, Fresh, HEAD_LIMIT, Salt, addressed, seal};
use crate::subject::{KeyName, SubjectKey};
use crate::{hex, sha256};
use plant::{Millis, RecordId};
use proptest::prelude::proptest;
use zeroize::Zeroizing;

fn record() -> RecordId {
    RecordId::new(Millis(1_795_000_000_000), [7; 10])
}

fn name() -> KeyName {
    KeyName::parse("2026-11/operator.op-7k2m").unwrap()
}

fn key(byte: u8) -> SubjectKey {
    SubjectKey::from_bytes(Zeroizing::new([byte; 32]))
}

fn salt() -> Salt {
    Salt::from_bytes(Zeroizing::new([3; 32]))
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let fresh = Fresh::from_bytes(Zeroizing::new([1; 32]), [2; 12]);
    seal(record(), &name(), &key(5), &fresh, &salt(), content)
}

#[test]
fn what_is_sealed_opens_with_its_key_and_no_other() {
    let bytes = sealed(b"the recipe");
    let envelope = Envelope::parse(&bytes).unwrap();
    assert_eq!((envelope.record(), envelope.key()), (record(), Some(name())));
    assert_eq!(addressed(&bytes[..bytes.len().min(HEAD_LIMIT)]), Ok((record(), name())));
    let opened = envelope.open(&key(5)).unwrap();
    assert_eq!(opened.content.as_slice(), b"the recipe");
    let commitment = |salt: &Salt| salt.commitments().tag(&[b"x"]);
    assert_eq!(commitment(&opened.salt), commitment(&salt()));
    assert_eq!(envelope.open(&key(6)).err(), Some(EnvelopeError::Closed));
}

/// The format is fixed: kept envelopes must open in ten years. Checked against Python's `cryptography`, see
/// `testdata/envelopes/README.md`.
#[test]
fn the_bytes_are_those_that_another_implementation_makes() {
    let vector = include_str!("../../../../testdata/envelopes/recipe.hex");
    assert_eq!(hex(&sealed(b"the recipe")), vector.trim());
}

#[test]
fn any_flipped_bit_or_cut_is_refused() {
    let bytes = sealed(b"the recipe");
    for at in 0..bytes.len() {
        let cut = Envelope::parse(&bytes[..at]).and_then(|envelope| envelope.open(&key(5)));
        assert!(cut.is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let opened = Envelope::parse(&altered).and_then(|envelope| envelope.open(&key(5)));
            assert!(opened.is_err(), "byte {at} bit {bit}");
        }
    }
    let longer = [bytes, vec![0]].concat();
    assert_eq!(Envelope::parse(&longer).unwrap().open(&key(5)).err(), Some(EnvelopeError::Closed));
}

#[test]
fn an_envelope_of_one_record_is_not_taken_for_that_of_another() {
    let mut bytes = sealed(b"the recipe");
    let other = RecordId::new(Millis(1_795_000_000_000), [8; 10]).to_string();
    bytes[8..44].copy_from_slice(other.as_bytes());
    assert_eq!(Envelope::parse(&bytes).unwrap().open(&key(5)).err(), Some(EnvelopeError::Closed));
}

#[test]
fn nothing_secret_is_shown() {
    let bytes = sealed(b"the recipe");
    let opened = Envelope::parse(&bytes).unwrap().open(&key(5)).unwrap();
    let fresh = Fresh::from_bytes(Zeroizing::new([1; 32]), [2; 12]);
    let shown = format!("{opened:?} {:?} {fresh:?} {:?}", salt(), key(5));
    assert_eq!(shown, "Opened(..) Salt(..) Fresh(..) SubjectKey(..)");
    assert_ne!(sha256(&bytes), sha256(&sealed(b"the recipf")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
        if let Ok(envelope) = Envelope::parse(&bytes) {
            assert!(envelope.open(&key(5)).is_err());
        }
    }

    #[test]
    fn any_content_comes_back(content: Vec<u8>) {
        let bytes = sealed(&content);
        let opened = Envelope::parse(&bytes).unwrap().open(&key(5)).unwrap();
        assert_eq!(opened.content.as_slice(), &content);
    }
}
