//! Notes that others signed, the limits, and forged signature lines.

use super::{Note, NoteError, SIGNATURES_LIMIT, Signature, Signer, TEXT_LIMIT, Verifier};
use crate::{SigningKey, VerifyingKey, base64};
use proptest::prelude::{any, prop, proptest};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The example of <https://pkg.go.dev/golang.org/x/mod/sumdb/note>, whose key is public.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signer(name: &str, seed: u8) -> Signer {
    Signer::new(name, Arc::new(SigningKey::from_seed(Zeroizing::new([seed; 32])))).unwrap()
}

fn parse(text: &str) -> Result<Note, NoteError> {
    Note::parse(text.as_bytes())
}

#[test]
fn a_note_that_others_signed_verifies() {
    let peter = Verifier::parse(PETER).unwrap();
    assert_eq!(peter.to_string(), PETER);
    let note = parse(PETERS_NOTE).unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&peter)).unwrap(), [&peter]);
    assert_eq!(note.to_string(), PETERS_NOTE);
}

#[test]
fn what_we_sign_verifies_and_the_last_blank_line_separates() {
    let (log, witness) = (signer("plant/gate", 1), signer("witness.example", 2));
    let mut note = Note::sign("one\n\ntwo\n", &log).unwrap();
    note.add(&witness).unwrap();
    let read = parse(&note.to_string()).unwrap();
    assert_eq!(read, note);
    assert_eq!(read.text(), "one\n\ntwo\n");
    let trusted = [log.verifier().clone(), witness.verifier().clone()];
    assert_eq!(read.verify(&trusted).unwrap().len(), 2);
}

#[test]
fn a8_a_line_with_name_and_id_of_a_known_key_must_verify() {
    let log = signer("log", 1);
    let mut note = Note::sign("text\n", &log).unwrap();
    // The forger's key has the same name and, by computation, the same id.
    let forged =
        Signature { bytes: signer("log", 9).key().sign(b"text\n").unwrap().to_vec(), ..note.signatures[0].clone() };
    note.signatures.insert(0, forged);
    assert_eq!(note.verify(&[log.verifier().clone()]), Err(NoteError::BadSignature { line: 1 }));
}

#[test]
fn a8_two_known_keys_with_one_name_and_id_are_refused() {
    let log = signer("log", 1);
    let twin = Verifier { key: VerifyingKey::from_bytes([5; 32]), ..log.verifier().clone() };
    let note = Note::sign("text\n", &log).unwrap();
    assert_eq!(note.verify(&[log.verifier().clone(), twin]), Err(NoteError::AmbiguousVerifiers));
}

#[test]
fn a8_unknown_signatures_are_ignored_and_do_not_count() {
    let log = signer("log", 1);
    let mut note = Note::sign("text\n", &signer("log", 2)).unwrap();
    note.add(&signer("other", 1)).unwrap();
    let trusted = [log.verifier().clone()];
    assert_eq!(note.verify(&trusted), Err(NoteError::NotSigned));
    note.add(&log).unwrap();
    note.add(&log).unwrap();
    assert_eq!(parse(&note.to_string()).unwrap().verify(&trusted).unwrap(), [log.verifier()]);
}

#[test]
fn another_text_does_not_verify() {
    let log = signer("log", 1);
    let mut note = Note::sign("text\n", &log).unwrap();
    note.text = "test\n".to_owned();
    assert_eq!(note.verify(&[log.verifier().clone()]), Err(NoteError::BadSignature { line: 1 }));
}

#[test]
fn a8_hostile_forms_are_refused() {
    let good = Note::sign("a\nb\n", &signer("log", 1)).unwrap().to_string();
    let line = good.lines().last().unwrap().to_owned();
    let refused = |text: String, error: NoteError| assert_eq!(parse(&text), Err(error), "{text:?}");
    refused(good.replace('\n', "\r\n"), NoteError::NoSignaturePart);
    refused(good.replace("a\n", "a\r\n"), NoteError::NotText);
    refused(good.replace("a\n", "a\0\n"), NoteError::NotText);
    refused(good.trim_end().to_owned(), NoteError::NoSignaturePart);
    refused(format!("{good}\n"), NoteError::NoSignaturePart);
    refused(format!("{good}trailing"), NoteError::NoSignaturePart);
    refused(format!("\n\n{line}\n").replacen('\n', "", 1), NoteError::NoSignaturePart);
    refused("a\nb\n\n".to_owned(), NoteError::NoSignaturePart);
    refused("a\nb\n".to_owned(), NoteError::NoSignaturePart);
    for bad in [
        line.replace('\u{2014}', "-"),
        line.replace("log ", "log  "),
        line.replace("log ", "l+g "),
        line.replace("log ", " "),
        line.replace("log ", "l\u{a0}g "),
        line.replace("log ", "l\u{2028}g "),
        format!("{line} "),
        format!("{line}="),
        "\u{2014} log AAAA".to_owned(),
        "\u{2014} log AAAAAA==".to_owned(),
        "\u{2014} log".to_owned(),
        "\u{2014} log !!!!".to_owned(),
    ] {
        refused(format!("a\nb\n\n{bad}\n"), NoteError::SignatureLine { line: 1 });
    }
    assert_eq!(Note::parse(b"a\n\n\xff\n"), Err(NoteError::NotText));
}

#[test]
fn a8_limits_hold() {
    let good = Note::sign("a\n", &signer("log", 1)).unwrap();
    let line = good.to_string().lines().last().unwrap().to_owned();
    let many = |count: usize| parse(&format!("a\n\n{}", format!("{line}\n").repeat(count)));
    assert_eq!(many(SIGNATURES_LIMIT).unwrap().signatures().len(), SIGNATURES_LIMIT);
    assert_eq!(many(1000), Err(NoteError::TooManySignatures));
    assert_eq!(parse(&format!("{}\n\n{line}\n", "a".repeat(TEXT_LIMIT))), Err(NoteError::TooLong));
    assert_eq!(Note::parse(&vec![b'a'; 64 << 20]), Err(NoteError::TooLong));
    let mut full = many(SIGNATURES_LIMIT).unwrap();
    assert_eq!(full.add(&signer("log", 1)), Err(NoteError::TooManySignatures));
}

#[test]
fn only_a_text_that_can_be_read_back_is_signed() {
    let log = signer("log", 1);
    for bad in ["", "a", "a\tb\n", "a\r\n"] {
        assert!(Note::sign(bad, &log).is_err(), "{bad:?}");
    }
    for bad in ["", "a b", "a+b", "a\nb", "a\u{7}b", "a\u{3000}b"] {
        assert_eq!(Verifier::new(bad, VerifyingKey::from_bytes([1; 32])), Err(NoteError::KeyName), "{bad:?}");
    }
}

#[test]
fn a_verifier_key_is_read_only_in_its_one_form() {
    let good = signer("plant/gate", 4).verifier().to_string();
    assert_eq!(Verifier::parse(&good).unwrap(), *signer("plant/gate", 4).verifier());
    let mut parts = good.splitn(3, '+');
    let (name, id, key) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    for bad in [
        format!("other+{id}+{key}"),
        format!("{name}+00000000+{key}"),
        format!("{name}+{}+{key}", id.to_uppercase().replace("00", "0")),
        format!("{name}+{id}"),
        format!("{name}+{id}+"),
        format!("{name}+{id}+{}", base64(&[1; 34])),
        format!("{name}+{id}+{}", base64(&[4; 33])),
        format!("{good} "),
        format!("{good}\n"),
        String::new(),
    ] {
        assert!(Verifier::parse(&bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(note) = Note::parse(&bytes) {
            assert_eq!(note.to_string().as_bytes(), bytes);
        }
    }

    #[test]
    fn a_note_that_parses_is_written_back_byte_for_byte(text in "[a-c\n\u{2014} +/=]{0,40}", tail in "(\n\u{2014} [a-z]{1,4} [A-D/+]{8}\n){0,3}") {
        let whole = format!("{text}\n{tail}");
        if let Ok(note) = parse(&whole) {
            assert_eq!(note.to_string(), whole);
        }
    }

    #[test]
    fn a_flipped_bit_is_never_believed(position: prop::sample::Index, bit in 0_u8..8) {
        let log = signer("log", 1);
        let mut bytes = Note::sign("log\n7\nroot\n", &log).unwrap().to_string().into_bytes();
        let length = bytes.len();
        bytes[position.index(length)] ^= 1 << bit;
        assert!(Note::parse(&bytes).and_then(|note| note.verify(&[log.verifier().clone()]).map(|_| ())).is_err());
    }
}
