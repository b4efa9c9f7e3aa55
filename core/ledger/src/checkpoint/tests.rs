//! Checkpoints: signed by the key whose name they bear; hostile texts.

use super::{Checkpoint, CheckpointError, number};
use proptest::prelude::{any, proptest};
use seal::SigningKey;
use seal::note::{NoteError, Signer};
use std::sync::Arc;

const ORIGIN: &str = "brewery/gate-1/000102030405060708090a0b0c0d0e0f";

fn signer(name: &str, seed: u8) -> Signer {
    Signer::new(name, Arc::new(SigningKey::from_seed([seed; 32].into()))).unwrap()
}

fn head(size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size, root: [7; 32] }
}

#[test]
fn a8_a_signed_checkpoint_opens_with_its_key_only() {
    let log = signer(ORIGIN, 1);
    let note = head(12).sign(&log).unwrap().to_string();
    let open = |trusted: &Signer| Checkpoint::open(note.as_bytes(), &[trusted.verifier().clone()]);
    assert_eq!(open(&log).unwrap().0, head(12));
    assert_eq!(open(&signer(ORIGIN, 2)).unwrap_err(), CheckpointError::Note(NoteError::NotSigned));
    assert_eq!(open(&signer("other", 1)).unwrap_err(), CheckpointError::Note(NoteError::NotSigned));
}

#[test]
fn the_signer_has_the_name_of_the_origin() {
    let other = signer("brewery/gate-2/ff", 1);
    assert_eq!(head(1).sign(&other), Err(CheckpointError::Origin));
    // A key that is trusted for one ledger must not vouch for another (attack A7 by confusion).
    let note = seal::note::Note::sign(head(1).to_string(), &other).unwrap().to_string();
    let opened = Checkpoint::open(note.as_bytes(), &[other.verifier().clone()]);
    assert_eq!(opened.unwrap_err(), CheckpointError::Origin);
}

#[test]
fn a8_hostile_texts_are_refused() {
    let good = head(10).to_string();
    assert_eq!(Checkpoint::parse(&good), Ok(head(10)));
    let refused = |text: &str, error| assert_eq!(Checkpoint::parse(text), Err(error), "{text:?}");
    refused("", CheckpointError::Form);
    refused("a\n1\n", CheckpointError::Form);
    refused(good.trim_end(), CheckpointError::Form);
    refused(&good.replace(ORIGIN, ""), CheckpointError::Form);
    refused(&format!("{good}extension\n"), CheckpointError::Extension);
    refused(&format!("{good}\n"), CheckpointError::Extension);
    for size in ["", "010", "+10", "-1", " 10", "10 ", "1e1", "9223372036854775808", "99999999999999999999", "٣"] {
        refused(&good.replace("\n10\n", &format!("\n{size}\n")), CheckpointError::Size);
    }
    for root in
        ["", "BwcH", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd=", "!"]
    {
        refused(&format!("{ORIGIN}\n10\n{root}\n"), CheckpointError::Root);
    }
    assert_eq!(number("9223372036854775807"), Some(u64::MAX >> 1));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text: String, lines in "[a-z]{1,3}\n[0-9]{1,20}\n[A-Za-z0-9+/=]{40,44}\n") {
        for text in [text, lines] {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                assert_eq!(checkpoint.to_string(), text);
            }
        }
    }

    #[test]
    fn reading_undoes_writing(size in 0..u64::MAX >> 1, root in any::<[u8; 32]>()) {
        let checkpoint = Checkpoint { root, ..head(size) };
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }
}
