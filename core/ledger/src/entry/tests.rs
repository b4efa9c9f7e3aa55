//! Records: what is written is canonical and is read again; hostile lines are refused.

use super::write::is_treacherous;
use super::{ClockState, EncodeError, Head, NUMBER_LIMIT, RECORD_LIMIT, RestampError, Stamp, decode, encode, restamp};
use crate::tree::leaf_hash;
use plant::{
    Body, ConduitId, Decided, Dialect, Draft, FindingCount, Io, Kind, Millis, Note, Outcome, Party, Place, PlantId,
    ProviderId, Purpose, Reason, RecordId, RuleId, Sealed, Verdict, What, Who, ZoneId,
};
use proptest::prelude::{any, prop, proptest};
use std::collections::BTreeMap;

fn stamp() -> Stamp {
    Stamp {
        seq: 3,
        prev: leaf_hash(b""),
        t: Millis(1_763_674_500_123),
        mono: 5_000_001,
        boot: 2,
        clk: ClockState { source: "ntp".to_owned(), bound: Some(12) },
    }
}

fn id(byte: u8) -> RecordId {
    RecordId::new(Millis(1_763_674_500_000), [byte; 10])
}

fn bare(kind: Kind, body: Body) -> Draft {
    Draft { kind, id: id(1), reference: None, body }
}

fn full() -> Draft {
    let party = |id: &str, by| Some(Party { id: id.to_owned(), by });
    Draft {
        kind: Kind::Outcome,
        id: id(1),
        reference: Some(id(2)),
        body: Body {
            who: Some(Who {
                client: Some(plant::Client { name: "OpenAI/Python".to_owned(), version: Some("1.52.0".to_owned()) }),
                workload: party("mes-copilot", "mtls"),
                workstation: party("panel-7", "asserted"),
                operator: party("op-k5f2", "oidc"),
                peer: "10.3.0.17".parse().unwrap(),
            }),
            place: Some(Place {
                plant: PlantId::new("brewery").unwrap(),
                zone: Some(ZoneId::new("cell-1").unwrap()),
                conduit: Some(ConduitId::new("copilot").unwrap()),
                purpose: Some(Purpose::new("maintenance").unwrap()),
            }),
            what: Some(What {
                provider: Some(ProviderId::new("openai").unwrap()),
                rerouted: Some(ProviderId::new("edge").unwrap()),
                dialect: Some(Dialect::OpenAi),
                endpoint: "chat.completions".to_owned(),
                model: Some("gpt-4o".to_owned()),
                renamed: Some("llama3".to_owned()),
                tools: vec!["read_tag".to_owned(), "say \"hi\\\"".to_owned()],
                sensitivity: Some("internal".to_owned()),
                findings: vec![FindingCount { label: "person.email".to_owned(), count: 2 }],
                stream: true,
            }),
            decided: Some(Decided {
                verdict: Verdict::Redact,
                reason: Some(Reason::AboveCeiling),
                detail: Some("was über".to_owned()),
                rules: vec![RuleId::new("no-recipes").unwrap()],
                policy: "ab".repeat(32),
            }),
            io: Some(Io {
                request: Some("cd".repeat(32)),
                request_bytes: 100,
                sent: Some("ef".repeat(32)),
                answer: Some("01".repeat(32)),
                answer_bytes: 2,
                input_tokens: Some(u64::MAX),
                output_tokens: Some(5),
            }),
            out: Some(Outcome {
                status: 200,
                reason: Some(Reason::CallerLeft),
                began: Millis(1_763_674_499_000),
                micros: 1_123_000,
                first_byte_micros: Some(900_000),
                provider_id: Some("chatcmpl-1".to_owned()),
                model: Some("gpt-4o-2024".to_owned()),
            }),
            seal: Some(Sealed { blob: "23".repeat(32), key: "2026-11/operator.op-k5f2".to_owned() }),
            note: BTreeMap::from([("n", Note::Number(7)), ("text", Note::Text("x".to_owned()))]),
        },
    }
}

fn line(draft: &Draft) -> String {
    String::from_utf8(encode(&stamp(), draft).unwrap()).unwrap()
}

#[test]
fn a_record_is_one_line_in_canonical_order() {
    let prev = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    let (policy, cd, ef, o1) = ("ab".repeat(32), "cd".repeat(32), "ef".repeat(32), "01".repeat(32));
    let (one, two) = (id(1), id(2));
    assert_eq!(
        line(&full()),
        [
            r#"{"boot":2,"clk":{"bound":12,"source":"ntp"},"#,
            r#""dec":{"detail":"was über","policy":""#, &policy, r#"","reason":"above-ceiling","rules":["no-recipes"],"verdict":"redact"},"#,
            r#""id":""#, &one.to_string(), r#"","#,
            r#""io":{"answer":""#, &o1, r#"","answer_bytes":2,"input_tokens":9007199254740991,"output_tokens":5,"request":""#, &cd,
            r#"","request_bytes":100,"sent":""#, &ef, r#""},"kind":"outcome","mono":5000001,"note":{"n":7,"text":"x"},"#,
            r#""out":{"began":1763674499000,"first_byte_us":900000,"model":"gpt-4o-2024","provider_id":"chatcmpl-1","reason":"caller-left","status":200,"us":1123000},"#,
            r#""prev":""#, prev, r#"","ref":""#, &two.to_string(),
            r#"","seal":{"blob":""#, &"23".repeat(32), r#"","key":"2026-11/operator.op-k5f2"},"seq":3,"t":1763674500123,"v":1,"#,
            r#""what":{"dialect":"openai","endpoint":"chat.completions","findings":[{"count":2,"label":"person.email"}],"model":"gpt-4o","provider":"openai","renamed":"llama3","rerouted":"edge","sensitivity":"internal","stream":true,"tools":["read_tag","say \"hi\\\""]},"#,
            r#""where":{"conduit":"copilot","plant":"brewery","purpose":"maintenance","zone":"cell-1"},"#,
            r#""who":{"client":{"name":"OpenAI/Python","version":"1.52.0"},"operator":{"by":"oidc","id":"op-k5f2"},"peer":"10.3.0.17","workload":{"by":"mtls","id":"mes-copilot"},"workstation":{"by":"asserted","id":"panel-7"}}}"#,
        ]
        .concat()
    );
}

#[test]
fn empty_parts_are_left_out() {
    let shown = line(&bare(Kind::Beat, Body::default()));
    let keys: Vec<String> = decode(shown.as_bytes()).unwrap().value().keys().cloned().collect();
    assert_eq!(keys, ["boot", "clk", "id", "kind", "mono", "prev", "seq", "t", "v"]);
}

#[test]
fn what_was_written_is_read() {
    let (written, draft) = (line(&full()), full());
    let entry = decode(written.as_bytes()).unwrap();
    assert_eq!((entry.seq(), *entry.prev(), entry.t()), (3, stamp().prev, stamp().t));
    assert_eq!((entry.id(), entry.reference(), entry.kind()), (draft.id, draft.reference, Some(Kind::Outcome)));
    assert_eq!(entry.text("who.workload.id"), Some("mes-copilot"));
    assert_eq!(entry.text("what.model"), Some("gpt-4o"));
    assert_eq!(entry.number("out.status"), Some(200));
    assert_eq!(entry.at("what.tools.0"), None);
    assert_eq!(entry.at("nothing.at.all"), None);
    let again = serde_json::to_string(entry.value()).unwrap();
    assert_eq!(again, written, "another canonical writer writes the same");
}

#[test]
fn a18_foreign_text_cannot_make_a_record_look_like_another() {
    let hostile = "a\n\r\0\u{1b}[31m\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}\u{7f}\u{9b}\u{e0041}z";
    let mut draft = full();
    let what = draft.body.what.as_mut().unwrap();
    (what.model, what.endpoint) = (Some(hostile.to_owned()), hostile.to_owned());
    what.tools = vec![hostile.to_owned()];
    draft.body.decided.as_mut().unwrap().detail = Some(hostile.to_owned());
    let out = draft.body.out.as_mut().unwrap();
    (out.model, out.provider_id) = (Some(hostile.to_owned()), Some(hostile.to_owned()));
    draft.body.who.as_mut().unwrap().workstation = Some(Party { id: hostile.to_owned(), by: "asserted" });
    draft.body.note = BTreeMap::from([("x", Note::Text(hostile.to_owned()))]);
    let written = line(&draft);
    assert!(!written.chars().any(is_treacherous), "{written:?}");
    let entry = decode(written.as_bytes()).unwrap();
    let shown = "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}z";
    for path in
        ["what.model", "what.endpoint", "dec.detail", "out.model", "out.provider_id", "who.workstation.id", "note.x"]
    {
        assert_eq!(entry.text(path), Some(shown), "{path}");
    }
}

#[test]
fn a18_foreign_text_is_cut_and_cannot_make_a_record_too_long() {
    let mut draft = full();
    let flood = "\"\u{1F9EA}".repeat(20_000);
    let what = draft.body.what.as_mut().unwrap();
    (what.model, what.endpoint, what.tools) = (Some(flood.clone()), flood.clone(), vec![flood.clone(); 1000]);
    let out = draft.body.out.as_mut().unwrap();
    (out.model, out.provider_id) = (Some(flood.clone()), Some(flood.clone()));
    draft.body.decided.as_mut().unwrap().detail = Some(flood);
    let written = line(&draft);
    assert!(written.len() < RECORD_LIMIT * 3 / 4, "{}", written.len());
    let entry = decode(written.as_bytes()).unwrap();
    assert!(entry.text("what.model").unwrap().ends_with('\u{2026}'));
    assert_eq!(entry.at("what.tools").unwrap().as_array().unwrap().len(), 32);
}

#[test]
fn what_cannot_be_a_record_is_refused_by_the_writer() {
    let note = |key, value| bare(Kind::Config, Body { note: BTreeMap::from([(key, value)]), ..Body::default() });
    for key in ["", "A", "a b", "a\"", "\u{e9}"] {
        assert_eq!(encode(&stamp(), &note(key, Note::Number(1))), Err(EncodeError::Key { key }));
    }
    let mut long = full();
    long.body.decided.as_mut().unwrap().rules = vec![RuleId::new("r".repeat(96)).unwrap(); 200];
    assert!(matches!(encode(&stamp(), &long), Err(EncodeError::TooLong { length: 20_000.. })));
    for stamp in [Stamp { seq: NUMBER_LIMIT, ..stamp() }, Stamp { mono: u64::MAX, ..stamp() }] {
        assert_eq!(encode(&stamp, &full()), Err(EncodeError::Number));
    }
}

#[test]
fn a18_hostile_lines_are_refused() {
    let good = line(&bare(Kind::Beat, Body::default()));
    assert!(decode(good.as_bytes()).is_ok());
    let refused = |text: &str| {
        assert!(Head::parse(text.as_bytes()).is_err(), "{text}");
        assert!(decode(text.as_bytes()).is_err(), "{text}");
    };
    for (from, to) in [
        (r#""v":1"#, r#""v":2"#),
        (r#""v":1"#, r#""v":01"#),
        (r#""v":1"#, r#""v":1.0"#),
        (r#""v":1"#, r#""v":1e0"#),
        (r#""v":1"#, r#""v":-1"#),
        (r#""v":1"#, r#""v":"1""#),
        (r#""v":1"#, r#""v":1,"v":1"#),
        (r#""v":1"#, r#""v":1,"a":1"#),
        (r#""v":1"#, r#""v":1,"w":null"#),
        (r#""v":1"#, r#""v":1,"w":tru"#),
        (r#""v":1"#, r#""v":1,"w":9007199254740992"#),
        (r#""v":1"#, r#""v":1,"w":99999999999999999999999999"#),
        (r#""v":1"#, r#""v":1,"w":{"a":1,"a":1}"#),
        (r#""v":1"#, r#""v":1,"w":{"b":1,"a":1}"#),
        (r#""v":1"#, r#""v":1,"w":"\n""#),
        (r#""v":1"#, "\"v\":1,\"w\":\"\n\""),
        (r#""v":1"#, r#""v":1,"w":"\u0041""#),
        (r#""v":1"#, r#""v":1,"w":"\/""#),
        (r#""v":1"#, r#""v":1,"w":"\""#),
        (r#""v":1"#, r#""v":1,"\u0077":1"#),
        (r#""v":1"#, r#""v":1,"":1"#),
        (r#""v":1"#, r#""v":1,"w":[1,]"#),
        (r#""v":1"#, r#""v":1,"w":[,1]"#),
        (r#""v":1"#, r#""v":1,"#),
        (r#""v":1"#, r#""v": 1"#),
        (r#""seq":3,"#, ""),
        (r#""seq":3,"#, r#""seq":9007199254740992,"#),
        ("\"kind\":\"beat\",", ""),
        ("6e340b", "6E340B"),
        ("6e340b", "6e340"),
        ("6e340b", "6e340bff"),
    ] {
        refused(&good.replace(from, to));
    }
    let id = id(1).to_string();
    for bad in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), String::new()] {
        refused(&good.replace(&id, &bad));
    }
    refused("");
    refused("[]");
    refused("{}");
    refused(&format!("{good}\n"));
    refused(&format!(" {good}"));
    refused(&good[..good.len() - 1]);
    refused(&good.replace(r#""v":1"#, &format!(r#""v":1,"w":{}1{}"#, "[".repeat(50_000), "]".repeat(50_000))));
    refused(&good.replace(r#""v":1"#, &format!(r#""v":1,"w":"{}""#, "a".repeat(70_000))));
    assert!(Head::parse(b"{\"a\":\"\xff\"}").is_err());
    let bidi = good.replace(r#""v":1"#, "\"v\":1,\"w\":\"\u{202e}\"");
    assert!(decode(bidi.as_bytes()).is_err());
}

#[test]
fn a_record_of_a_later_minor_form_is_still_read() {
    let good = line(&bare(Kind::Beat, Body::default()));
    let later = good.replace("\"beat\"", "\"surmise\"").replace(r#""v":1"#, r#""seal":{"a":[true,false,{}]},"v":1"#);
    let later = later.replace(r#","seal":{"a":[true,false,{}]},"v":1"#, r#","v":1,"w":{"a":[true,false,{},[]]}"#);
    let entry = decode(later.as_bytes()).unwrap();
    assert_eq!((entry.kind(), entry.text("kind")), (None, Some("surmise")));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), cut: prop::sample::Index, byte: u8) {
        let _ = decode(&bytes);
        let mut line = line(&full()).into_bytes();
        let at = cut.index(line.len());
        line[at] = byte;
        if let Ok(entry) = decode(&line) {
            assert_eq!(serde_json::to_string(entry.value()).unwrap().as_bytes(), line);
        }
        line.truncate(at);
        assert!(decode(&line).is_err());
    }

    #[test]
    fn any_text_in_any_field_gives_a_canonical_record(texts in prop::collection::vec(any::<String>(), 6)) {
        let mut draft = full();
        let what = draft.body.what.as_mut().unwrap();
        (what.model, what.endpoint, what.tools) = (Some(texts[0].clone()), texts[1].clone(), texts[2..4].to_vec());
        draft.body.decided.as_mut().unwrap().detail = Some(texts[4].clone());
        draft.body.note = BTreeMap::from([("x", Note::Text(texts[5].clone()))]);
        let line = line(&draft);
        let entry = decode(line.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(entry.value()).unwrap(), line);

        // With another place it is what it would have been there.
        for bound in [None, Some(u64::MAX)] {
            let clk = ClockState { source: "system".to_owned(), bound };
            let place = Stamp { seq: 1 << 40, prev: leaf_hash(&[1]), t: Millis(9), mono: 0, boot: 77, clk };
            draft.body.note.insert("taken", Note::Number(stamp().t.0));
            assert_eq!(restamp(line.as_bytes(), &place).unwrap(), encode(&place, &draft).unwrap());
            let bare = bare(Kind::Beat, Body::default());
            let taken = Body { note: BTreeMap::from([("taken", Note::Number(stamp().t.0))]), ..Body::default() };
            let given = restamp(self::line(&bare).as_bytes(), &place).unwrap();
            assert_eq!(given, encode(&place, &Draft { body: taken, ..bare }).unwrap());
        }
    }
}

#[test]
fn only_a_record_gets_another_place_and_only_one_that_can_be_written() {
    for bad in ["", "{}", "[1]", "{\"v\":1}"] {
        assert!(matches!(restamp(bad.as_bytes(), &stamp()), Err(RestampError::Malformed(_))), "{bad}");
    }
    let good = line(&full());
    let far = Stamp { seq: NUMBER_LIMIT, ..stamp() };
    assert_eq!(restamp(good.as_bytes(), &far), Err(RestampError::Encode(EncodeError::Number)));
    let mut long = full();
    long.body.what.as_mut().unwrap().tools = vec!["x".repeat(128); 32];
    let clk = ClockState { source: "s".repeat(RECORD_LIMIT), bound: None };
    let refused = restamp(line(&long).as_bytes(), &Stamp { clk, ..stamp() });
    assert!(matches!(refused, Err(RestampError::Encode(EncodeError::TooLong { .. }))));
}
