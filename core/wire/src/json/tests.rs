//! Documents: each problem with its offset, limits, spans, and agreement with serde.

use super::{Document, Kind, Limits, Problem, encode};
use proptest::prelude::*;

fn check(text: &str, problem: Problem, offset: usize) {
    let error = Document::parse(text.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!((error.problem, error.offset), (problem, offset), "{text}");
}

fn accept(text: &str) -> Document<'_> {
    Document::parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn each_problem_is_named_with_its_offset() {
    check("", Problem::UnexpectedEnd, 0);
    check("  ", Problem::UnexpectedEnd, 2);
    check("\u{feff}{}", Problem::ByteOrderMark, 0);
    check("{} {}", Problem::Trailing, 3);
    check("[1,]", Problem::UnexpectedByte, 3);
    check("[1 2]", Problem::UnexpectedByte, 3);
    check("{\"a\" 1}", Problem::UnexpectedByte, 5);
    check("{a:1}", Problem::UnexpectedByte, 1);
    check("{\"a\":1,}", Problem::UnexpectedByte, 7);
    check("[}", Problem::UnexpectedByte, 1);
    check("[1}", Problem::UnexpectedByte, 2);
    check("{\"a\":1]", Problem::UnexpectedByte, 6);
    check("'a'", Problem::UnexpectedByte, 0);
    check("nul", Problem::UnexpectedEnd, 0);
    check("nulL", Problem::UnexpectedByte, 0);
    check("NaN", Problem::Number, 0);
    check("-Infinity", Problem::Number, 1);
    check("01", Problem::Number, 1);
    check("1.", Problem::UnexpectedEnd, 2);
    check("[1.]", Problem::Number, 3);
    check("[1e+]", Problem::Number, 4);
    check("[+1]", Problem::Number, 1);
    check("[0x1F]", Problem::Number, 2);
    check("\"a\nb\"", Problem::ControlCharacter, 2);
    check("\"a\u{0}\"", Problem::ControlCharacter, 2);
    check("\"\\x41\"", Problem::Escape, 1);
    check("\"\\u00g0\"", Problem::Escape, 1);
    check("\"\\u12", Problem::UnexpectedEnd, 5);
    check("\"abc", Problem::UnexpectedEnd, 4);
    check("\"\\ud83d\"", Problem::LoneSurrogate, 1);
    check("\"\\ude00\"", Problem::LoneSurrogate, 1);
    check("\"\\ud83d\\u0041\"", Problem::LoneSurrogate, 1);
    check("\"\\ud83d\\ud83d\\ude00\"", Problem::LoneSurrogate, 1);
    check("{\"a\":1,\"b\":2,\"a\":3}", Problem::DuplicateKey, 13);
    check("{\"model\":1,\"mo\\u0064el\":2}", Problem::DuplicateKey, 11);
    check("[{\"x\":{\"\":1,\"\":2}}]", Problem::DuplicateKey, 12);
}

#[test]
fn bytes_that_are_no_utf8_and_other_encodings_are_refused() {
    let parse = |bytes: &[u8]| Document::parse(bytes, &Limits::default()).unwrap_err();
    assert_eq!(parse(b"\"a\xff\"").problem, Problem::Utf8);
    assert_eq!(parse(b"\"a\xff\"").offset, 2);
    assert_eq!(parse(b"\"\xed\xa0\xbd\"").problem, Problem::Utf8, "a surrogate in UTF-8");
    assert_eq!(parse(b"\"\xc0\xaf\"").problem, Problem::Utf8, "an overlong form");
    assert_eq!(parse(b"\xff\xfe{\0}\0").problem, Problem::ByteOrderMark);
    assert_eq!(parse(b"{\0}\0").problem, Problem::UnexpectedByte, "UTF-16 without a mark");
}

#[test]
fn limits_hold_exactly() {
    let limits = Limits { depth: 3, nodes: 5 };
    let parse =
        |text: &'static str| Document::parse(text.as_bytes(), &limits).map(|_| ()).map_err(|error| error.problem);
    assert_eq!(parse("[[[1]]]"), Ok(()));
    assert_eq!(parse("[[[[]]]]"), Err(Problem::TooDeep));
    assert_eq!(parse("[true,true,true,true]"), Ok(()));
    assert_eq!(parse("[true,true,true,true,true]"), Err(Problem::TooMany));
    assert_eq!(parse("[1,2,3,4,5,6,7,8,9]"), Ok(()), "a run of numbers is one value");
    let deep = "[".repeat(1_000_000);
    check(&deep, Problem::TooDeep, 64);
}

#[test]
fn a_key_twice_is_found_among_many_and_among_escaped_ones() {
    let mut members: Vec<String> = (0..1000).map(|n| format!("\"k{n}\":{n}")).collect();
    accept(&format!("{{{}}}", members.join(",")));
    members.push("\"k\\u0035\":0".to_owned());
    let text = format!("{{{}}}", members.join(","));
    check(&text, Problem::DuplicateKey, text.rfind("\"k\\u").unwrap());
}

#[test]
fn values_are_found_by_key_and_position() {
    let document = accept(
        r#"{"choices":[{"delta":{"content":"Ventil \u00f6ffnen"},"index":0}],"usage":{"total":17},"m":[1,2,"x",3]}"#,
    );
    let root = document.root();
    let delta = root.get("choices").unwrap().at(0).unwrap().get("delta").unwrap();
    assert_eq!(delta.get("content").unwrap().as_str().unwrap(), "Ventil öffnen");
    assert_eq!(root.get("usage").unwrap().get("total").unwrap().as_u64(), Some(17));
    assert_eq!(delta.parent().unwrap().len(), 2);
    let mixed = root.get("m").unwrap();
    assert_eq!(mixed.len(), 4);
    let kinds: Vec<_> = mixed.children().map(|child| (child.kind(), child.position(), child.raw())).collect();
    assert_eq!(kinds, [(Kind::Numbers, 0, "1,2"), (Kind::String, 2, "\"x\""), (Kind::Number, 3, "3")]);
    assert_eq!(mixed.at(2).unwrap().raw(), "\"x\"");
    assert!(root.get("nothing").is_none() && mixed.at(9).is_none() && mixed.at(0).is_none());
    assert_eq!(document.value(root.get("usage").unwrap().index()).unwrap().key().unwrap().raw(), "usage");
}

#[test]
fn a_decoded_offset_leads_back_to_the_byte_it_came_from() {
    let document = accept(r#"  "a\n\u00fc\ud83d\ude00ü😀z""#);
    let text = document.root().text().unwrap();
    assert_eq!(text.decode(), "a\nü😀ü😀z");
    // a, \n, ü as an escape, the emoji as a pair of escapes, ü and the emoji bare, z, the end.
    let raw: Vec<_> = [0, 1, 2, 4, 8, 10, 14, 15].map(|at| text.cursor().seek(at).unwrap()).to_vec();
    assert_eq!(raw, [3, 4, 6, 12, 24, 26, 30, 31]);
    for inside in [3, 5, 6, 7, 9, 11, 12, 13, 16] {
        assert_eq!(text.cursor().seek(inside), None, "{inside}");
    }
}

/// A JSON text of a value in which white space and the form of each character are picked by `dice`.
fn spell(value: &serde_json::Value, dice: &mut impl Iterator<Item = u8>, out: &mut String) {
    let space = |dice: &mut dyn Iterator<Item = u8>, out: &mut String| {
        out.push_str(["", "", "", " ", "\n", "\t", "\r\n "][usize::from(dice.next().unwrap_or(0)) % 7]);
    };
    space(dice, out);
    match value {
        serde_json::Value::String(text) => spell_string(text, dice, out),
        serde_json::Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                spell(item, dice, out);
            }
            space(dice, out);
            out.push(']');
        }
        serde_json::Value::Object(members) => {
            out.push('{');
            for (n, (key, member)) in members.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                space(dice, out);
                spell_string(key, dice, out);
                space(dice, out);
                out.push(':');
                spell(member, dice, out);
            }
            space(dice, out);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
    space(dice, out);
}

fn spell_string(text: &str, dice: &mut impl Iterator<Item = u8>, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        let escape = dice.next().unwrap_or(0).is_multiple_of(4);
        if escape {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            let mut encoded = Vec::new();
            encode(character.encode_utf8(&mut [0; 4]), &mut encoded);
            out.push_str(std::str::from_utf8(&encoded).unwrap());
        }
    }
    out.push('"');
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e9..1e9).prop_map(|number: f64| number.into()),
        ".{0,12}".prop_map(Into::into),
        "[a-z\\\\\"\n\u{1}é😀]{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::btree_map(".{0,6}", inner, 0..16)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What we read, as `serde_json` would have it.
fn rebuild(value: super::Value<'_, '_>) -> serde_json::Value {
    match value.kind() {
        Kind::Array => value
            .children()
            .flat_map(|child| match child.kind() {
                Kind::Numbers => child.raw().split(',').map(|raw| serde_json::from_str(raw).unwrap()).collect(),
                _ => vec![rebuild(child)],
            })
            .collect(),
        Kind::Object => serde_json::Value::Object(
            value.children().map(|child| (child.key().unwrap().decode().into_owned(), rebuild(child))).collect(),
        ),
        Kind::String => value.as_str().unwrap().into_owned().into(),
        _ => serde_json::from_str(value.raw()).unwrap(),
    }
}

/// Accepts what `serde_json` accepts, and reads the same, apart from what we refuse on purpose.
fn agree(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    match (Document::parse(bytes, &Limits::default()), theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(rebuild(ours.root()), theirs),
        (Ok(_), Err(error)) => assert!(error.to_string().contains("number out of range"), "{error}"),
        (Err(error), Ok(_)) => {
            assert!(matches!(error.problem, Problem::DuplicateKey | Problem::TooDeep), "{error}");
        }
        (Err(_), Err(_)) => {}
    }
    super::fuzz(bytes);
}

proptest! {
    #[test]
    fn reading_agrees_with_serde_on_any_spelling(value in value(), dice in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut text = String::new();
        spell(&value, &mut dice.into_iter().cycle(), &mut text);
        let document = accept(&text);
        prop_assert_eq!(rebuild(document.root()), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        agree(text.as_bytes());
    }

    #[test]
    fn reading_agrees_with_serde_on_damaged_texts(
        value in value(),
        dice in prop::collection::vec(any::<u8>(), 1..50),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut text = String::new();
        spell(&value, &mut dice.into_iter().cycle(), &mut text);
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        if cut { bytes.remove(at); } else { bytes[at] = byte; }
        agree(&bytes);
    }

    #[test]
    fn reading_agrees_with_serde_on_json_like_noise(text in "[\\[\\]{}:,\"\\\\0-9eE+.\\-truefalsn ud8c]{0,40}") {
        agree(text.as_bytes());
    }

    #[test]
    fn any_text_survives_encoding_and_decoding(text in "\\PC*|(?s).{0,40}") {
        let mut json = vec![b'"'];
        encode(&text, &mut json);
        json.push(b'"');
        let document = Document::parse(&json, &Limits::default()).unwrap();
        prop_assert_eq!(document.root().as_str().unwrap(), text);
        document.root().text().unwrap().check();
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        agree(&bytes);
    }
}
