//! Cosignatures that others made, and forged ones (attack A8).

use super::{Cosigner, LENGTH, Witness};
use crate::note::{Note, NoteError, Signature, Signer, Verifier};
use crate::{SigningKey, base64};
use proptest::prelude::{prop, proptest};
use std::sync::Arc;
use zeroize::Zeroizing;

const TIME: u64 = 1_700_000_000;
const TEXT: &str = "brewery/gate-1/00\n12\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n";

fn key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(Zeroizing::new([seed; 32])))
}

fn cosigner(name: &str, seed: u8) -> Cosigner {
    Cosigner::new(name, key(seed)).unwrap()
}

/// A checkpoint that its log has signed, and these witnesses at these times.
fn cosigned(witnesses: &[(&Cosigner, u64)]) -> Note {
    let mut note = Note::sign(TEXT, &Signer::new("brewery/gate-1/00", key(1)).unwrap()).unwrap();
    let lines: String = witnesses.iter().map(|(cosigner, time)| format!("{}\n", cosigner.sign(&note, *time))).collect();
    note = Note::parse(format!("{note}{lines}").as_bytes()).unwrap();
    note
}

/// The note with one signature line in place of another.
fn with_line(note: &Note, line: usize, signature: &Signature) -> Note {
    let text = note.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.is_empty()).unwrap() + line;
    let line = signature.to_string();
    lines[at] = &line;
    Note::parse(format!("{}\n", lines.join("\n")).as_bytes()).unwrap()
}

#[test]
fn a_cosignature_says_who_saw_the_note_and_when() {
    let (one, other) = (cosigner("hilltop.example/w1", 2), cosigner("harbour.example/w1", 3));
    let note = cosigned(&[(&one, TIME), (&other, TIME + 60)]);
    assert_eq!(one.witness().check(&note), Ok(Some(TIME)));
    assert_eq!(other.witness().check(&note), Ok(Some(TIME + 60)));
    assert_eq!(cosigner("hilltop.example/w1", 4).witness().check(&note), Ok(None));
    assert_eq!(cosigner("another", 2).witness().check(&note), Ok(None));
}

#[test]
fn the_form_is_that_of_the_standard_byte_for_byte() {
    // Computed with `cryptography` in Python from the text of the specification: seed 2, this note, this time.
    let one = cosigner("hilltop.example/w1", 2);
    assert_eq!(one.witness().to_string(), VKEY);
    assert_eq!(one.sign(&cosigned(&[]), TIME).to_string(), LINE);
    assert_eq!(Witness::parse(VKEY).as_ref(), Ok(one.witness()));
}

const VKEY: &str = "hilltop.example/w1+a5f34f20+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";
const LINE: &str = "\u{2014} hilltop.example/w1 pfNPIAAAAABlU/EALdv26uMebg9qklftHwB56K/cpVufdlQPepgBEJrkfkhogvDmCIE8FFkdjQ0DAU6OVGYaIdj6IlHGRMnrfh3pCw==";

#[test]
fn the_latest_word_of_a_witness_counts_and_a_new_one_takes_the_place_of_the_old() {
    let one = cosigner("w", 2);
    let mut note = cosigned(&[(&one, TIME + 9), (&one, TIME)]);
    assert_eq!(one.witness().check(&note), Ok(Some(TIME + 9)));
    note.put(one.sign(&note, TIME + 20)).unwrap();
    assert_eq!((note.signatures().len(), one.witness().check(&note)), (2, Ok(Some(TIME + 20))));
}

#[test]
fn a_key_of_a_log_is_no_witness_and_a_witness_is_no_log() {
    let one = cosigner("w", 2);
    let as_log = Verifier::new("w", *one.witness().key()).unwrap();
    assert_eq!(Witness::parse(&as_log.to_string()), Err(NoteError::VerifierKey));
    assert_eq!(Verifier::parse(&one.witness().to_string()), Err(NoteError::VerifierKey));
    assert_eq!(cosigned(&[(&one, TIME)]).verify(&[as_log]), Err(NoteError::NotSigned));
    // The same key as a log over a text that looks like the signed message: the line has another id.
    let text = format!("cosignature/v1\ntime {TIME}\n{TEXT}");
    let signed = Note::sign(text, &Signer::new("w", key(2)).unwrap()).unwrap();
    assert_eq!(one.witness().check(&signed), Ok(None));
}

#[test]
fn a8_a_line_with_name_and_id_of_a_witness_that_is_not_its_is_refused() {
    let one = cosigner("w", 2);
    let note = cosigned(&[(&one, TIME)]);
    let good = note.signatures()[1].clone();
    let forge = |bytes: Vec<u8>| Signature::new(good.name(), good.id(), bytes);
    let sign = |text: &str, time: u64| {
        let signature = key(2).sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
        forge([time.to_be_bytes().as_slice(), &signature].concat())
    };
    assert_eq!(sign(TEXT, TIME), good);
    let mut later = good.bytes().to_vec();
    later[7] ^= 1;
    for forged in [
        forge(later),
        forge(good.bytes()[8..].to_vec()),
        forge(good.bytes()[..LENGTH - 1].to_vec()),
        forge([good.bytes(), &[0]].concat()),
        // Its key, for another text, and at a time that the format does not have.
        sign("brewery/gate-1/00\n13\nBwcH\n", TIME),
        sign(TEXT, 1 << 63),
        // Another key under the same name and, by computation, the same id.
        forge(cosigner("w", 9).sign(&note, TIME).bytes().to_vec()),
    ] {
        let note = with_line(&note, 2, &forged);
        assert_eq!(one.witness().check(&note), Err(NoteError::BadSignature { line: 2 }), "{forged}");
    }
}

#[test]
fn a8_as_many_signatures_as_there_may_be_are_read_and_no_more_are_added() {
    let many: Vec<Cosigner> = (0..99).map(|number| cosigner(&format!("w{number}"), number)).collect();
    let mut note = cosigned(&many.iter().map(|one| (one, TIME)).collect::<Vec<_>>());
    assert!(many.iter().all(|one| one.witness().check(&note) == Ok(Some(TIME))));
    assert_eq!(note.put(cosigner("one-more", 0).sign(&note, TIME)), Err(NoteError::TooManySignatures));
    assert_eq!(note.put(many[0].sign(&note, TIME)), Ok(()));
}

#[test]
fn keys_of_witnesses_have_one_spelling() {
    let good = cosigner("w", 2).witness().to_string();
    let (head, key) = good.rsplit_once('+').unwrap();
    for bad in [
        head.to_owned(),
        format!("{head}+"),
        format!("{head}+{}", base64(&[4; 33])),
        format!("{head}+{}", base64(&[4; 34])),
        format!("v{}", good.get(1..).unwrap()),
        format!("+{}+{key}", head.rsplit_once('+').unwrap().1),
        good.to_uppercase(),
        format!("{good}\n"),
    ] {
        assert!(Witness::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_private_key_reads_as_it_was_written_and_shows_nothing() {
    let text = Cosigner::encode("hilltop.example/w1", &Zeroizing::new([2; 32])).unwrap();
    let cosigner = Cosigner::decode(&text).unwrap();
    assert_eq!(cosigner.witness().to_string(), VKEY);
    assert!(!format!("{cosigner:?}").contains(&base64(&[2; 32])[..20]));
    for bad in [
        text.replace("PRIVATE", "private"),
        text.replace("w1", "w2"),
        text.replace("hilltop.example/w1", ""),
        format!("{}\n", text.as_str()),
        VKEY.to_owned(),
        text.replace("+BAIC", "+AQIC"),
        String::new(),
    ] {
        assert!(Cosigner::decode(&bad).is_err(), "{bad}");
    }
    assert!(Cosigner::encode("two words", &Zeroizing::new([2; 32])).is_err());
}

proptest! {
    #[test]
    fn a_flipped_bit_is_never_a_cosignature(position: prop::sample::Index, bit in 0_u8..8) {
        let one = cosigner("w", 2);
        let mut bytes = cosigned(&[(&one, TIME)]).to_string().into_bytes();
        // Behind the log's own line, which is the log's business.
        let line = String::from_utf8_lossy(&bytes).find("\u{2014} w ").unwrap();
        let at = line + position.index(bytes.len() - line);
        bytes[at] ^= 1 << bit;
        let checked = Note::parse(&bytes).and_then(|note| one.witness().check(&note));
        assert!(!matches!(checked, Ok(Some(_))), "{at}");
    }
}
