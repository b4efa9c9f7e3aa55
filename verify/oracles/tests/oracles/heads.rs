//! Signed heads: what one side signs the other opens, and what is spoilt neither does.

use crate::support::{flipped, keys, open, sign};
use ledger::Checkpoint;
use signed_note::StandardVerifier;

const ORIGIN: &str = "brewery/gate-1/000102030405060708090a0b0c0d0e0f";

fn head() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 257, root: [7; 32] }
}

fn their_head() -> tlog_tiles::Checkpoint {
    tlog_tiles::Checkpoint::new(ORIGIN, 257, tlog_tiles::Hash([7; 32]), "").unwrap()
}

/// Whether we believe the note, and whether the crates do.
fn both(note: &[u8], key: &seal::note::Verifier) -> (bool, bool) {
    let ours = Checkpoint::open(note, std::slice::from_ref(key)).is_ok();
    (ours, open(note, &key.to_string()).is_ok())
}

#[test]
fn a_head_has_the_same_bytes_whoever_signs_it() {
    let (ours, theirs) = keys(ORIGIN, 1);
    let note = head().sign(&ours).unwrap().to_string().into_bytes();
    assert_eq!(note, sign(&their_head(), &theirs));
    assert_eq!(open(&note, &ours.verifier().to_string()).unwrap(), their_head());
    assert_eq!(Checkpoint::open(&sign(&their_head(), &theirs), &[ours.verifier().clone()]).unwrap().0, head());
}

#[test]
fn a_verifier_key_is_read_by_both_sides() {
    let (ours, theirs) = keys(ORIGIN, 1);
    let key = ours.verifier().to_string();
    let read = StandardVerifier::new(&key).unwrap();
    assert_eq!(signed_note::Verifier::key_id(&read).to_be_bytes(), ours.verifier().id());
    assert_eq!(signed_note::Signer::key_id(&theirs).to_be_bytes(), ours.verifier().id());
    let (name, rest) = key.split_once('+').unwrap();
    let (id, encoded) = rest.split_once('+').unwrap();
    for bad in [
        format!("{name}+00000000+{encoded}"),
        format!("another+{id}+{encoded}"),
        format!("{name}+{id}+{}", &encoded[4..]),
        format!("{name}+{id}"),
        format!("{key}="),
        format!("a {key}"),
        String::new(),
    ] {
        assert!(seal::note::Verifier::parse(&bad).is_err() && StandardVerifier::new(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_head_is_seen_by_both_sides() {
    let (ours, _) = keys(ORIGIN, 1);
    let note = head().sign(&ours).unwrap().to_string().into_bytes();
    assert_eq!(both(&note, ours.verifier()), (true, true));
    for at in 0..note.len() {
        let bit = at % 8;
        assert_eq!(both(&flipped(&note, at, bit), ours.verifier()), (false, false), "bit {bit} of byte {at}");
    }
}

#[test]
fn a_head_that_is_wrong_is_refused_by_both_sides() {
    let (log, theirs) = keys(ORIGIN, 1);
    let note = head().sign(&log).unwrap().to_string();
    let line = note.lines().last().unwrap();
    let signature = seal::unbase64(line.rsplit_once(' ').unwrap().1).unwrap();
    let under = |id: &[u8], signature: &[u8]| format!("\u{2014} {ORIGIN} {}", seal::base64(&[id, signature].concat()));
    let (id, signature) = signature.split_at(4);
    let stranger = keys(ORIGIN, 2).0;
    let text = head().to_string();
    let elsewhere = their_head().to_bytes();
    let mut foreign = signed_note::Note::new(&elsewhere, &[]).unwrap();
    foreign.add_sigs(&[&keys("another", 1).1]).unwrap();
    for (name, bad) in [
        ("another key", head().sign(&stranger).unwrap().to_string()),
        ("another name", String::from_utf8(foreign.to_bytes()).unwrap()),
        ("a wrong key id", note.replace(line, &under(b"\0\0\0\0", signature))),
        (
            "another key under the right id",
            note.replace(line, &under(id, &stranger.key().sign(text.as_bytes()).unwrap())),
        ),
        ("a signature cut short", note.replace(line, &under(id, &signature[..63]))),
        ("a signature too long", note.replace(line, &under(id, &[signature, b"\0"].concat()))),
        ("no signature", note.replace(line, "")),
        ("no signature part", text.clone()),
        (
            "a bad signature beside the good one",
            format!("{note}{}\n", under(id, &[0; 64])).replacen(line, &under(id, &[0; 64]), 1),
        ),
        ("101 signatures", format!("{note}{}", format!("{line}\n").repeat(100))),
        ("trailing bytes", format!("{note}x")),
        ("a trailing line", format!("{note}\n")),
        ("no last newline", note.trim_end().to_owned()),
        ("CR LF", note.replace('\n', "\r\n")),
        ("a NUL", note.replacen("gate", "ga\0te", 1)),
        ("base64 with stray bits", note.replace("=\n", "==\n")),
        ("another size", note.replacen("\n257\n", "\n256\n", 1)),
        ("a size with a zero before it", resigned(&theirs, &text.replace("\n257\n", "\n0257\n"))),
        ("a size with a sign", resigned(&theirs, &text.replace("\n257\n", "\n+257\n"))),
        ("a size of 2^64", resigned(&theirs, &text.replace("\n257\n", "\n18446744073709551616\n"))),
        ("a root that is too short", resigned(&theirs, &format!("{ORIGIN}\n257\nBwcH\n"))),
        ("no root", resigned(&theirs, &format!("{ORIGIN}\n257\n"))),
        ("no origin", resigned(&theirs, &text.replace(ORIGIN, ""))),
        ("an empty line more", resigned(&theirs, &format!("{text}\n"))),
    ] {
        assert_eq!(both(bad.as_bytes(), log.verifier()), (false, false), "{name}: {bad}");
    }
}

/// Any text, rightly signed.
fn resigned(signer: &signed_note::StandardSigner, text: &str) -> String {
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[signer]).unwrap();
    String::from_utf8(note.to_bytes()).unwrap()
}

#[test]
fn other_peoples_signatures_beside_ours_do_no_harm() {
    let (log, theirs) = keys(ORIGIN, 1);
    let mut note = signed_note::Note::new(&their_head().to_bytes(), &[]).unwrap();
    note.add_sigs(&[&keys("witness.example/w1", 3).1, &theirs, &keys(ORIGIN, 4).1]).unwrap();
    assert_eq!(both(&note.to_bytes(), log.verifier()), (true, true));
}

/// Both are signed, and allowed by the format. We refuse them on purpose: nobody could judge what an extension says, and
/// 2^63 is where others' counting ends.
#[test]
fn extensions_and_sizes_from_2_63_are_refused_by_us_alone() {
    let (log, theirs) = keys(ORIGIN, 1);
    let text = head().to_string();
    for text in [format!("{text}extension\n"), text.replace("\n257\n", "\n9223372036854775808\n")] {
        assert_eq!(both(resigned(&theirs, &text).as_bytes(), log.verifier()), (false, true), "{text}");
    }
}
