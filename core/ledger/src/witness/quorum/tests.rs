//! Policies: what they ask for, and what is refused.

use super::{Lines, Quorum, QuorumError};
use proptest::prelude::{prop, proptest};
use seal::SigningKey;
use seal::cosignature::Cosigner;
use seal::note::{Note, NoteError, Signer};
use std::sync::Arc;

fn key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed([seed; 32].into()))
}

fn witness(seed: u8) -> Cosigner {
    Cosigner::new(format!("w{seed}.example"), key(seed)).unwrap()
}

/// A policy in which `W3` stands for the key of witness 3.
fn read(text: &str) -> Result<Option<Quorum>, (usize, QuorumError)> {
    let mut lines = Lines::default();
    for (line, number) in text.lines().zip(1..) {
        let words: Vec<String> = line
            .split(' ')
            .map(|word| match word.strip_prefix('W').map(str::parse) {
                Some(Ok(seed)) => witness(seed).witness().to_string(),
                _ => word.to_owned(),
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        lines.take(&words).map_err(|error| (number, error))?;
    }
    Ok(lines.end())
}

fn note(seeds: &[u8]) -> Note {
    let mut note = Note::sign("log\n1\nroot\n", &Signer::new("log", key(200)).unwrap()).unwrap();
    for seed in seeds {
        note.put(witness(*seed).sign(&note, 1_700_000_000 + u64::from(*seed))).unwrap();
    }
    note
}

/// The example of the specification.
const EXAMPLE: &str = "witness X1 W1\nwitness X2 W2\nwitness X3 W3\ngroup X-witnesses 2 X1 X2 X3\nwitness Y1 W4\nwitness Y2 W5\n\
    witness Y3 W6\ngroup Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y";

#[test]
fn a_policy_says_where_a_witness_can_be_asked() {
    let quorum = read("witness one W1 https://one.example/w\nwitness two W2\nquorum one").unwrap().unwrap();
    let urls: Vec<_> = quorum.named().iter().map(|named| (named.name.as_str(), named.url.as_deref())).collect();
    assert_eq!(urls, [("one", Some("https://one.example/w")), ("two", None)]);
    assert!(!quorum.is_none() && read("witness one W1\nquorum none").unwrap().unwrap().is_none());
}

#[test]
fn organisations_are_counted_and_not_their_machines() {
    let quorum = read(EXAMPLE).unwrap().unwrap();
    let enough = |seeds: &[u8]| quorum.judge(&note(seeds)).unwrap().enough;
    for good in [&[1, 2, 4][..], &[2, 3, 6], &[1, 2, 3, 4, 5, 6]] {
        assert!(enough(good), "{good:?}");
    }
    for bad in [&[][..], &[1, 4], &[1, 2, 3], &[4, 5, 6], &[1, 4, 5, 6]] {
        assert!(!enough(bad), "{bad:?}");
    }
    assert!(quorum.named().iter().all(|named| named.url.is_none()));
    let seen = quorum.judge(&note(&[5, 1])).unwrap();
    assert_eq!(seen.by, [("X1".to_owned(), 1_700_000_001), ("Y2".to_owned(), 1_700_000_005)]);
    assert_eq!(seen.missing, ["X2", "X3", "Y1", "Y3"]);
}

#[test]
fn one_witness_or_nobody_can_be_asked_for() {
    let one = read("witness a W1 https://a.example/\nwitness b W2\nquorum a").unwrap().unwrap();
    assert!(one.judge(&note(&[1])).unwrap().enough && !one.judge(&note(&[2])).unwrap().enough);
    let nobody = read("witness a W1\nquorum none").unwrap().unwrap();
    assert_eq!((nobody.judge(&note(&[])).unwrap().enough, nobody.witnesses().count()), (true, 1));
    assert_eq!(read("witness a W1").unwrap(), None);
}

#[test]
fn policies_that_would_count_somebody_twice_or_nobody_are_refused() {
    use QuorumError::{Count, Form, Key, Member, Name, Quorums, Twice, Unknown};
    for (text, line, error) in [
        ("witness a", 1, Form),
        ("witness a W1 url more", 1, Form),
        ("group g", 1, Form),
        ("quorum", 1, Form),
        ("quorum a b", 1, Form),
        ("witness a key", 1, Key(NoteError::VerifierKey)),
        ("witness none W1", 1, Name),
        ("witness a W1\nwitness a W2", 2, Name),
        ("witness a W1\ngroup a any a", 2, Name),
        ("witness a W1\nwitness b W1", 2, Twice),
        ("quorum a\nwitness a W1", 1, Unknown),
        ("group g any g", 1, Unknown),
        ("witness a W1\ngroup g any none", 2, Unknown),
        ("witness a W1\ngroup g any a a", 2, Member),
        ("witness a W1\nwitness b W2\ngroup g any a\ngroup h any b a", 4, Member),
        ("witness a W1\ngroup g 0 a", 2, Count),
        ("witness a W1\ngroup g 2 a", 2, Count),
        ("witness a W1\ngroup g 01 a", 2, Count),
        ("witness a W1\ngroup g +1 a", 2, Count),
        ("witness a W1\ngroup g all", 2, Count),
        ("quorum none\nquorum none", 2, Quorums),
    ] {
        assert_eq!(read(text), Err((line, error)), "{text}");
    }
    let crowd: String = (0..65).map(|number| format!("witness w{number} W{number}\n")).collect();
    assert_eq!(read(&crowd), Err((65, QuorumError::TooMany)));
}

#[test]
fn a_line_that_claims_to_be_of_a_witness_spoils_the_checkpoint() {
    let quorum = read("witness a W1\nwitness b W2\nquorum a").unwrap().unwrap();
    let good = note(&[1, 2]).to_string();
    let other = Note::sign("log\n2\nroot\n", &Signer::new("log", key(200)).unwrap()).unwrap();
    let forged =
        good.replace(&witness(2).sign(&note(&[]), 1_700_000_002).to_string(), &witness(2).sign(&other, 7).to_string());
    assert_ne!(forged, good);
    assert_eq!(quorum.judge(&Note::parse(forged.as_bytes()).unwrap()), Err(NoteError::BadSignature { line: 3 }));
}

proptest! {
    #[test]
    fn another_witness_never_takes_the_quorum_away(seeds in prop::collection::hash_set(1_u8..9, 0..8), more in 1_u8..9) {
        let quorum = read(EXAMPLE).unwrap().unwrap();
        let before: Vec<u8> = seeds.iter().copied().collect();
        let after: Vec<u8> = seeds.iter().copied().chain([more]).collect();
        assert!(quorum.judge(&note(&after)).unwrap().enough >= quorum.judge(&note(&before)).unwrap().enough);
    }
}
