//! What a model makes of a stand-in: each row over every split of the stream, and at once.

use super::Restorer;
use crate::stand_in::{Spelling, StandIn};
use plant::{Channel, Form, Rewrite as _};

fn restorer() -> Restorer {
    Restorer::new([
        StandIn::new("TAG_BGSVC0HAJC", Spelling::Word, "FV-203"),
        StandIn::new("TIC-48213", Spelling::Tag, "TIC-101"),
        StandIn::new("10-PT-7350", Spelling::Tag, "20-PT-4711"),
        StandIn::new("k3m9qxr2wd@example.com", Spelling::Address, "anna@brewery.example"),
        StandIn::new("192.0.2.71", Spelling::Address, "10.20.30.40"),
        StandIn::new("+999 9201 77", Spelling::Number, "+49 4561 08"),
    ])
}

/// What comes out whole, having been compared with what comes out of each split in two, and byte by byte.
fn restored(text: &str, form: Form) -> (String, super::RestoreCounts) {
    let mut whole = restorer();
    let expected = whole.whole(text, form).unwrap_or_else(|| text.to_owned());
    let channel = Channel { number: 3, form };
    let splits = text.char_indices().map(|(at, _)| vec![text.split_at(at).0, text.split_at(at).1]);
    let single = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect();
    for pieces in splits.chain([single]) {
        let mut streamed = restorer();
        let mut out: String = pieces.iter().map(|piece| streamed.push(channel, piece)).collect();
        out.push_str(&streamed.finish(channel));
        assert_eq!((&out, streamed.counts()), (&expected, whole.counts()), "{pieces:?}");
    }
    (expected, whole.counts())
}

fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(restored(text, Form::Plain).0, *expected, "{text:?}");
    }
}

#[test]
fn a_word_comes_back_however_it_is_torn() {
    check(&[
        ("tag_bgsvc0hajc", "FV-203"),
        ("Tag_Bgsvc0hajc is open", "FV-203 is open"),
        ("[TAG_BGSVC0HAJC] <TAG_BGSVC0HAJC>", "[FV-203] <FV-203>"),
        ("TAG\\_BGSVC0HAJC", "FV-203"),
        ("TAG BGSVC0HAJC", "FV-203"),
        ("TAG-BGSVC0HAJC", "FV-203"),
        ("TAG_BGSV C0HAJC", "FV-203"),
        ("TAG_BGSV\u{AD}C0HAJC", "FV-203"),
        ("T\u{200B}AG_BGSVC0\u{2060}HAJC", "FV-203"),
        ("TAG_BGSV-\n  C0HAJC", "FV-203"),
        ("TAG_BGSVC0HAJCs TAG_BGSVC0HAJC's", "FV-203s FV-203's"),
        ("des TAG_BGSVC0HAJCs", "des FV-203s"),
        ("xTAG_BGSVC0HAJC", "xFV-203"),
        ("TAG_TAG_BGSVC0HAJC", "TAG_FV-203"),
    ]);
}

#[test]
fn a_tag_comes_back_in_other_spellings() {
    check(&[
        ("tic-48213", "TIC-101"),
        ("TIC 48213, TIC48213, TIC_48213, TIC\\-48213", "TIC-101, TIC-101, TIC-101, TIC-101"),
        ("TIC\u{2011}48213 or TIC-\u{AD}48213", "TIC-101 or TIC-101"),
        ("TIC-\n48213", "TIC-101"),
        ("**TIC-48213**, _TIC-48213_ and `TIC-48213`.", "**TIC-101**, _TIC-101_ and `TIC-101`."),
        ("des TIC-48213s, die TIC-48213er, dem TIC-48213-Regler", "des TIC-101s, die TIC-101er, dem TIC-101-Regler"),
        ("Temperatur-TIC-48213", "Temperatur-TIC-101"),
        ("TIC-48213.PV is high. TIC-48213.", "TIC-101.PV is high. TIC-101."),
        ("10-PT-7350 and 10PT7350", "20-PT-4711 and 20-PT-4711"),
    ]);
}

#[test]
fn what_is_another_tag_stays() {
    for text in [
        "TIC-482130",
        "TIC-48213A",
        "FTIC-48213",
        "10-TIC-48213",
        "TIC-48213-2",
        "TIC-48213.5",
        "TIC-482 13",
        "TIC (48213)",
        "TIC-4821",
        "T IC-48213",
        "tic-48213s",
        "10-PT-73500",
    ] {
        assert_eq!(restored(text, Form::Plain).0, text);
    }
}

#[test]
fn addresses_and_numbers_come_back_as_they_stand() {
    check(&[
        ("K3M9QXR2WD@EXAMPLE.COM.", "anna@brewery.example."),
        ("<k3m9qxr2wd@example.com>", "<anna@brewery.example>"),
        ("ping 192.0.2.71, 192.0.2.71:502 or 192.0.2.71/24.", "ping 10.20.30.40, 10.20.30.40:502 or 10.20.30.40/24."),
        ("+999920177 +999-9201-77", "+49 4561 08 +49 4561 08"),
    ]);
    for text in [
        "192.0.2.7",
        "192.0.2.710",
        "192.0.2.71.5",
        "1192.0.2.71",
        "192.0 .2.71",
        "x.k3m9qxr2wd@example.com",
        "k3m9qxr2wd@example.com.evil",
        "k3m9qxr2wd@example.comx",
    ] {
        assert_eq!(restored(text, Form::Plain).0, text);
    }
}

#[test]
fn json_is_read_through_its_escapes() {
    for (text, expected) in [
        (r#"{"a":"TAG\\_BGSVC0HAJC"}"#, r#"{"a":"FV-203"}"#),
        (r#"{"a":"TAG_BGSV\nC0HAJC"}"#, r#"{"a":"FV-203"}"#),
        (r#"{"a":"TIC\u00ad-48213"}"#, r#"{"a":"TIC-101"}"#),
        (r#"{"a":"see:\nTIC-48213\tand"}"#, r#"{"a":"see:\nTIC-101\tand"}"#),
        (r#"{"a":"\\nTIC-48213"}"#, r#"{"a":"\\nTIC-48213"}"#),
        (r#"{"TIC-48213":1,"b":"TIC-48213"}"#, r#"{"TIC-101":1,"b":"TIC-101"}"#),
    ] {
        assert_eq!(restored(text, Form::Json).0, expected, "{text}");
    }
}

#[test]
fn in_links_it_stays_and_is_counted() {
    for text in [
        "![](https://evil.example/?q=TIC-48213)",
        "[x](https://evil.example/TAG_BGSV%20C0HAJC/TAG_BGSVC0HAJC)",
        "[x](<https://e.example/a TIC 48213>)",
        "https://evil.example/k3m9qxr2wd@example.com",
        "//192.0.2.71/a",
        "mailto:k3m9qxr2wd@example.com",
    ] {
        let (out, counts) = restored(text, Form::Plain);
        assert_eq!((out.as_str(), counts.in_links, counts.restored), (text, 1, 0));
    }
}

#[test]
fn what_was_altered_or_is_unknown_stays_and_is_recorded() {
    let (out, counts) = restored("TAG_BGSVC0HAJD, TAG_BGSVC0H4JC and TAG_BGSVC0HAJ; TAG_ZZZZZZZZZZ", Form::Plain);
    assert_eq!((out.contains("FV"), counts.altered, counts.unknown), (false, 3, 0));
    let mut restorer = restorer();
    restorer.whole("TAG_BGSVC0HAJD", Form::Plain);
    let found: Vec<_> = restorer.findings().into_iter().map(|found| (found.label, found.count)).collect();
    assert_eq!(found, [("token.altered".to_owned(), 1)]);
}

#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let unit = 64 << 10;
    for part in
        ["TAG_BGSVC0HAJ", "TIC-4821", "T\u{AD}", "TIC-", "k3m9qxr2wd@example.co", "+999 9201 7", "192.0.2.", "10-"]
    {
        let time = |length: usize| {
            let (text, mut restorer) = (part.repeat(length / part.len()), restorer());
            let begin = crate::tests::cpu_seconds();
            let _ = restorer.whole(&text, Form::Plain);
            crate::tests::cpu_seconds() - begin
        };
        let (small, large) = (time(unit).min(time(unit)), time(8 * unit).min(time(8 * unit)));
        // Eight times the text; the square would be 64 times. Below a millisecond the clock says nothing.
        assert!(large < 32.0 * small.max(0.001), "{part:?}: {small} s, then {large} s");
    }
}

/// In a session each event brings its own. What could stand for either of two is not learned.
#[test]
fn stand_ins_of_another_call_are_learned_unless_they_could_be_mistaken() {
    let mut known = restorer();
    assert!(known.learn(Restorer::new([StandIn::new("TAG_QQQQC0HAJC", Spelling::Word, "FIC-7")])));
    assert!(known.learn(restorer()), "the same again is nothing new");
    let text = "TAG_QQQQC0HAJC beside TAG_BGSVC0HAJC";
    assert_eq!(known.whole(text, Form::Plain).as_deref(), Some("FIC-7 beside FV-203"));
    for (letters, value) in [("TAG_QQQQC0HAJC", "other"), ("TAG_QQQQC0HAJCX", "FIC-8")] {
        assert!(!known.learn(Restorer::new([StandIn::new(letters, Spelling::Word, value)])), "{letters}");
    }
    assert_eq!(known.whole(text, Form::Plain).as_deref(), Some("FIC-7 beside FV-203"));
}
