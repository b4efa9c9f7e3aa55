//! Messages as clients write them and as attackers do, read as requests and as answers.

use crate::{Limits, Request, endpoint, grpc};
use plant::{Dialect, Edit, Reason};

fn varint(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    super::field::write(number, &mut bytes);
    bytes
}

fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn text(number: u64, content: &str) -> Vec<u8> {
    bytes(number, content.as_bytes())
}

fn tensor(name: &str, datatype: &str, shape: &[u64], rest: &[u8]) -> Vec<u8> {
    let shape: Vec<u8> = shape.iter().flat_map(|own| varint(*own)).collect();
    [text(1, name), text(2, datatype), bytes(3, &shape), rest.to_vec()].concat()
}

fn elements(texts: &[&str]) -> Vec<u8> {
    let own = |text: &&str| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat();
    texts.iter().flat_map(own).collect()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&grpc::head(message.len()).unwrap()[..], message].concat()
}

fn infer() -> crate::Endpoint {
    endpoint(Dialect::Kserve, "POST", "/inference.GRPCInferenceService/ModelInfer").unwrap()
}

fn parse(body: &[u8]) -> Result<Request<'_>, crate::Malformed> {
    Request::parse(infer(), Some("application/grpc"), body, &Limits::default())
}

fn problem(message: &[u8]) -> (Reason, String) {
    let body = framed(message);
    let problem = parse(&body).unwrap_err();
    (problem.reason, problem.detail.into_owned())
}

fn pieces(message: &[u8]) -> Vec<(String, String, bool)> {
    let body = framed(message);
    let request = parse(&body).unwrap();
    let own = |piece: &plant::Piece<'_>| {
        let text = piece.attachment.as_ref().map_or_else(|| piece.text.to_string(), |kind| format!("<{kind}>"));
        (piece.path.clone(), text, piece.fixed)
    };
    request.content().pieces.iter().map(own).collect()
}

fn piece(path: &str, text: &str, fixed: bool) -> (String, String, bool) {
    (path.to_owned(), text.to_owned(), fixed)
}

/// A call with every kind of text.
fn whole() -> Vec<u8> {
    let parameter = [text(1, "site"), bytes(2, &text(3, "Linz"))].concat();
    let texts = bytes(5, &[text(8, "Which seal for P-12?"), text(8, "Maria Lang")].concat());
    [
        text(1, "weld"),
        text(2, "3"),
        text(3, "run-88"),
        bytes(4, &parameter),
        bytes(5, &tensor("question", "BYTES", &[2], &texts)),
        bytes(6, &text(1, "answer")),
    ]
    .concat()
}

#[test]
fn every_text_is_a_piece_at_its_place() {
    let expected = [
        piece("model_name", "weld", true),
        piece("model_version", "3", true),
        piece("id", "run-88", true),
        piece("parameters[0].key", "site", true),
        piece("parameters[0].value.string_param", "Linz", false),
        piece("inputs[0].name", "question", true),
        piece("inputs[0].datatype", "BYTES", true),
        piece("inputs[0].contents.bytes_contents[0]", "Which seal for P-12?", false),
        piece("inputs[0].contents.bytes_contents[1]", "Maria Lang", false),
        piece("outputs[0].name", "answer", true),
    ];
    assert_eq!(pieces(&whole()), expected);
    let body = framed(&whole());
    assert_eq!(parse(&body).unwrap().model(), Some("weld"));
}

#[test]
fn an_edit_changes_the_lengths_around_it_and_nothing_else() {
    let long = "x".repeat(300);
    let raw = |text: &str| {
        let texts = elements(&["Operator:", text, "end"]);
        let number = tensor("vibration", "FP32", &[2], b"");
        let inputs = [bytes(5, &tensor("note", "BYTES", &[3], b"")), bytes(5, &number)].concat();
        framed(&[text_field("weld"), inputs, bytes(7, &texts), bytes(7, &[0x3f; 8])].concat())
    };
    let body = raw("Maria Lang");
    let request = parse(&body).unwrap();
    let at = request.content().pieces.iter().position(|piece| piece.text == "Maria Lang").unwrap();
    for replacement in ["", "M", "Maria Lang", &long] {
        let edit = Edit { piece: at, span: 0..10, replacement: replacement.to_owned() };
        assert_eq!(request.rewrite(&[edit], None).unwrap(), raw(replacement));
    }
}

fn text_field(model: &str) -> Vec<u8> {
    text(1, model)
}

#[test]
fn another_model_takes_the_place_of_the_named_one_or_of_none() {
    let body = framed(&whole());
    let changed = parse(&body).unwrap().rewrite(&[], Some("weld-edge")).unwrap();
    assert_eq!(changed, framed(&[text(1, "weld-edge"), whole()[6..].to_vec()].concat()));
    let none = framed(&whole()[6..]);
    let request = parse(&none).unwrap();
    assert_eq!((request.model(), request.asked_model()), (None, Some("")));
    assert_eq!(request.rewrite(&[], Some("weld")).unwrap(), body);
}

#[test]
fn raw_contents_are_what_their_tensors_say() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let image = [&u32::try_from(png.len()).unwrap().to_le_bytes()[..], png].concat();
    let inputs = [
        bytes(5, &tensor("text", "BYTES", &[1], b"")),
        bytes(5, &tensor("image", "BYTES", &[1], b"")),
        bytes(5, &tensor("vibration", "FP32", &[2], b"")),
        bytes(5, &tensor("hidden", "UINT8", &[12], b"")),
        bytes(5, &tensor("caller", "INT64", &[1], b"")),
        bytes(5, &tensor("jpeg", "UINT8", &[1, 12], b"")),
    ];
    let raws = [
        bytes(7, &elements(&["seal P-12"])),
        bytes(7, &image),
        bytes(7, &[0x01; 8]),
        bytes(7, b"Maria Lang, "),
        bytes(7, &431_234_567_890_i64.to_le_bytes()),
        bytes(7, b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"),
    ];
    let found = pieces(&[inputs.concat(), raws.concat()].concat());
    let raw: Vec<_> = found.into_iter().filter(|(path, ..)| path.starts_with("raw")).collect();
    let expected = [
        piece("raw_input_contents[0][0]", "seal P-12", false),
        piece("raw_input_contents[1][0]", "<image/png>", true),
        piece("raw_input_contents[2]", "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}", true),
        piece("raw_input_contents[3]", "Maria Lang, ", true),
        piece("raw_input_contents[4]", "431234567890", true),
        piece("raw_input_contents[5]", "<image/jpeg>", true),
    ];
    assert_eq!(raw, expected);
}

#[test]
fn what_nobody_knows_is_read_as_text_and_as_message() {
    let nested = bytes(99, &[text(7, "Maria Lang"), bytes(8, b"\xff\xfe\x01")].concat());
    let mut found =
        pieces(&[text(1, "m"), nested, text(100, "KIC-77"), varint(101 << 3), varint(431_234_567_890)].concat());
    found.remove(0);
    let expected = [
        piece("field 99.field 7", "Maria Lang", true),
        piece("field 99.field 8", "<application/octet-stream>", true),
        piece("field 100", "KIC-77", true),
        piece("field 101", "431234567890", true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn base64_in_a_text_is_a_file() {
    let picture = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAO0lEQVR4nAXBIRKAMAxFwWcyzCQDMRBR1Me0iioc9z9X";
    let tensor = tensor("frame", "BYTES", &[1], &bytes(5, &text(8, picture)));
    let body = framed(&bytes(5, &tensor));
    let request = parse(&body).unwrap();
    assert_eq!(request.attachments().len(), 1);
    assert!(request.attachment_bytes(0).unwrap().starts_with(b"\x89PNG"));
    let substitute = crate::Substitute::Bytes { attachment: 0, bytes: b"abcdef".to_vec() };
    let changed = request.rewrite_with(&[], &[substitute], None).unwrap();
    let again = parse(&changed).unwrap();
    assert!(again.content().pieces.iter().any(|piece| piece.text == "YWJjZGVm"));
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    let twice = [text(1, "weld"), text(1, "other")].concat();
    assert_eq!(problem(&twice).0, Reason::DuplicateKey);
    let contents = bytes(5, &text(8, "a"));
    let merged = bytes(5, &tensor("q", "BYTES", &[1], &[contents.clone(), contents].concat()));
    assert_eq!(problem(&merged).0, Reason::DuplicateKey);
    assert_eq!(problem(&[8, 1]).1, "a field has another type than its message gives it");
    assert_eq!(problem(&bytes(1, b"\xff")).1, "a text is not in UTF-8");
    let shared = [text(1, "shared_memory_region"), bytes(2, &text(3, "r"))].concat();
    assert_eq!(problem(&bytes(5, &tensor("q", "BYTES", &[1], &bytes(4, &shared)))).0, Reason::ContentRefused);
}

#[test]
fn tensors_and_contents_must_fit_each_other() {
    let two = bytes(5, &tensor("q", "BYTES", &[1], b"")).repeat(2);
    let raw = bytes(7, &elements(&["a"]));
    assert!(problem(&[two.clone(), raw.clone()].concat()).1.contains("more tensors than contents"));
    assert!(problem(&raw).1.contains("more contents of tensors"));
    assert!(problem(&[two.clone(), raw.clone(), raw.clone(), two.clone()].concat()).1.contains("comes after"));
    let lies = bytes(7, &[200, 0, 0, 0, b'a']);
    assert!(problem(&[two, lies, raw].concat()).1.contains("beyond its tensor"));
}

#[test]
fn what_nests_without_end_or_has_no_end_is_refused() {
    let deep = (0..6).fold(b"\x0a\x01\xff".to_vec(), |inner, _| bytes(99, &inner));
    assert_eq!(problem(&deep).0, Reason::TooDeep);
    let body = framed(&text(3, "a").repeat(2));
    assert!(parse(&body[..body.len() - 1]).is_err());
    assert!(parse(&[body.clone(), body.clone()].concat()).is_err(), "one message, and no more");
    assert!(parse(b"").is_err());
    let many = bytes(5, &tensor("n", "FP32", &[1], &bytes(5, &bytes(6, &[0; 400]))));
    let limits = Limits { nodes: 50, ..Limits::default() };
    let body = framed(&many);
    let problem = Request::parse(infer(), Some("application/grpc"), &body, &limits).unwrap_err();
    assert_eq!(problem.reason, Reason::BodyTooLarge);
}

#[test]
fn only_protocol_buffers_are_read() {
    let body = framed(&whole());
    for kind in [Some("application/grpc+json"), Some("application/json"), Some("application/grpc-web"), None] {
        let problem = Request::parse(infer(), kind, &body, &Limits::default()).unwrap_err();
        assert_eq!(problem.reason, Reason::ContentType, "{kind:?}");
    }
    assert!(Request::parse(infer(), Some("application/grpc+proto"), &body, &Limits::default()).is_ok());
}

mod answers {
    use super::{bytes, elements, framed, infer, tensor, text};
    use crate::{Answer, Facts};
    use plant::{Channel, Form, Rewrite};

    /// Puts one word in the place of another, and keeps the JSON that it is shown.
    #[derive(Default)]
    struct Word {
        from: &'static str,
        to: String,
        json: String,
    }

    impl Rewrite for Word {
        fn push(&mut self, _: Channel, text: &str) -> String {
            text.to_owned()
        }

        fn finish(&mut self, _: Channel) -> String {
            String::new()
        }

        fn whole(&mut self, text: &str, _: Form) -> Option<String> {
            text.contains(self.from).then(|| text.replace(self.from, &self.to))
        }

        fn document(&mut self, json: &str) -> Option<String> {
            self.json = json.to_owned();
            None
        }
    }

    fn answer(body: &[u8], size: usize, word: &mut Word) -> Result<(Vec<u8>, Facts), crate::Broken> {
        let mut answer = Answer::new(plant::Dialect::Kserve, infer(), 200, "application/grpc", false);
        let mut out = Vec::new();
        body.chunks(size).try_for_each(|chunk| answer.push(chunk, word, &mut out))?;
        answer.finish(word, &mut out)?;
        Ok((out, answer.facts().clone()))
    }

    fn said(what: &str) -> Vec<u8> {
        let outputs =
            [bytes(5, &tensor("answer", "BYTES", &[1], b"")), bytes(5, &tensor("FIC-101.SP", "FP32", &[1], b""))];
        let raws = [bytes(6, &elements(&[what])), bytes(6, &82.5_f32.to_le_bytes())];
        framed(&[text(1, "weld"), text(3, "run-88"), outputs.concat(), raws.concat()].concat())
    }

    #[test]
    fn a_text_is_changed_with_the_lengths_around_it() {
        let to = "Maria Lang of the second shift, who has a long name".repeat(4);
        let body = said("ask PERSON_1 today");
        for size in [1, 7, body.len()] {
            let mut word = Word { from: "PERSON_1", to: to.clone(), json: String::new() };
            let (out, facts) = answer(&body, size, &mut word).unwrap();
            assert_eq!(out, said(&format!("ask {to} today")));
            assert_eq!((facts.model.as_deref(), facts.provider_id.as_deref()), (Some("weld"), Some("run-88")));
        }
    }

    #[test]
    fn what_is_judged_by_its_structure_is_shown_as_json() {
        let mut word = Word { from: "nothing", ..Word::default() };
        let body = said("ask");
        assert_eq!(answer(&body, body.len(), &mut word).unwrap().0, body);
        let seen: serde_json::Value = serde_json::from_str(&word.json).unwrap();
        assert_eq!(seen["outputs"][1]["name"], "FIC-101.SP");
        assert_eq!(seen["outputs"][1]["data"][0], 82.5);
        assert_eq!(seen["outputs"][0]["data"][0], "ask");
    }

    #[test]
    fn what_cannot_be_changed_is_not_released() {
        let body = framed(&[text(1, "weld"), text(77, "ask PERSON_1")].concat());
        let mut word = Word { from: "PERSON_1", to: "Maria".to_owned(), ..Word::default() };
        assert!(answer(&body, 9, &mut word).unwrap_err().detail.contains("nothing can be changed"));
        assert!(answer(&body[..9], 9, &mut word).unwrap_err().detail.contains("ends within"));
        assert_eq!(answer(b"", 1, &mut word).unwrap().0, b"");
    }
}
