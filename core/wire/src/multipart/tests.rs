//! Forms: parts with their spans, limits, and whatever servers read differently.

use super::{boundary, parse};
use crate::header::Header;
use plant::Reason;
use proptest::prelude::*;

const GOOD: &str = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
    --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"Schicht 2.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--x--\r\n";

fn fails(body: &str) -> Reason {
    parse(body.as_bytes(), "x", 8).unwrap_err().reason
}

#[test]
fn parts_come_with_their_spans() {
    let parts = parse(GOOD.as_bytes(), "x", 8).unwrap();
    let [model, file] = parts.as_slice() else { panic!() };
    assert_eq!((model.name, &GOOD[model.content.clone()]), ("model", "whisper-1"));
    assert_eq!((file.name, file.kind, &GOOD[file.content.clone()]), ("file", Some("audio/wav"), "RIFF"));
    let (name, span) = file.file.clone().unwrap();
    assert_eq!((name, &GOOD[span.unwrap()]), ("Schicht 2.wav", "Schicht 2.wav"));
}

#[test]
fn an_empty_form_and_an_empty_part_are_fine() {
    assert!(parse(b"--x--\r\n", "x", 8).unwrap().is_empty());
    assert!(parse(b"--x--", "x", 8).unwrap().is_empty());
    let parts = parse(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--x--", "x", 8).unwrap();
    assert!(parts[0].content.is_empty());
}

#[test]
fn whatever_servers_read_differently_is_refused() {
    let edits: &[(&str, &str, &str)] = &[
        (
            "a preamble",
            "--x\r\nContent-Disposition: form-data; name=\"model\"",
            "hi\r\n--x\r\nContent-Disposition: form-data; name=\"model\"",
        ),
        ("an epilogue", "--x--\r\n", "--x--\r\nmore"),
        ("no terminator", "--x--\r\n", "--x\r\n"),
        ("nothing after the last part", "\r\n--x--\r\n", ""),
        ("bare line feeds", "\r\n", "\n"),
        ("padding behind a boundary", "whisper-1\r\n--x\r\n", "whisper-1\r\n--x \r\n"),
        ("a longer boundary", "whisper-1", "whisper-1\r\n--xy\r\nContent"),
        ("a boundary in the middle of a line", "whisper-1", "whisper --x 1"),
        ("a boundary after a bare line feed", "whisper-1", "whisper\n--x\n1"),
        ("a folded header", "form-data; name=\"model\"", "form-data;\r\n name=\"model\""),
        ("no disposition", "Content-Disposition: form-data; name=\"model\"", "Content-Type: text/plain"),
        ("two dispositions", "name=\"model\"", "name=\"model\"\r\nContent-Disposition: form-data; name=\"b\""),
        ("an unknown header", "name=\"model\"", "name=\"model\"\r\nX-Other: b"),
        ("an extended file name", "filename=\"Schicht 2.wav\"", "filename*=utf-8''a.wav"),
        ("an escaped quote", "Schicht 2.wav", "a\\\"b.wav"),
        ("a name twice", "name=\"model\"", "name=\"model\"; name=\"file\""),
        ("no name", "name=\"model\"", "name=\"\""),
        ("an attachment", "form-data; name=\"model\"", "attachment; name=\"model\""),
        ("a transfer encoding", "Content-Type: audio/wav", "Content-Transfer-Encoding: base64"),
        ("a control character in a name", "Schicht 2.wav", "a\u{0}b.wav"),
        ("headers without end", "\r\n\r\nRIFF", "\r\nRIFF"),
    ];
    for (what, from, to) in edits {
        let body = GOOD.replace(from, to);
        assert_ne!(body, GOOD, "{what}");
        assert_eq!(fails(&body), Reason::Malformed, "{what}");
    }
}

#[test]
fn a_field_comes_once_unless_it_is_a_list() {
    assert_eq!(fails(&GOOD.replace("name=\"file\"", "name=\"model\"")), Reason::DuplicateKey);
    let list = GOOD.replace("name=\"file\"", "name=\"image[]\"").replace("name=\"model\"", "name=\"image[]\"");
    assert_eq!(parse(list.as_bytes(), "x", 8).unwrap().len(), 2);
}

#[test]
fn parts_and_headers_are_bounded() {
    assert_eq!(parse(GOOD.as_bytes(), "x", 1).unwrap_err().reason, Reason::BodyTooLarge);
    assert_eq!(fails(&GOOD.replace("Schicht 2", &"a".repeat(5000))), Reason::Malformed);
}

#[test]
fn a_boundary_is_one_that_the_standard_allows() {
    let of = |text: &'static str| Header::parse(text).and_then(|header| boundary(text, &header).map(str::to_owned));
    assert_eq!(of("multipart/form-data; boundary=----WebKit7a").as_deref(), Some("----WebKit7a"));
    assert_eq!(of("multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
    assert_eq!(of("multipart/form-data"), None);
    assert_eq!(of("multipart/form-data; boundary=\"\""), None);
    assert_eq!(of("multipart/form-data; boundary=\"a \""), None);
    assert_eq!(of("multipart/form-data; boundary=a; boundary=b"), None);
    assert_eq!(of("multipart/form-data; boundary=\"é\""), None);
}

proptest! {
    #[test]
    fn any_content_comes_back_as_it_was(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
        let mut body = Vec::new();
        for (n, content) in contents.iter().enumerate() {
            body.extend_from_slice(format!("--7d1c9f\r\nContent-Disposition: form-data; name=\"f{n}\"\r\n\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--7d1c9f--\r\n");
        let parts = parse(&body, "7d1c9f", 8).unwrap();
        let back: Vec<_> = parts.iter().map(|part| body[part.content.clone()].to_vec()).collect();
        prop_assert_eq!(back, contents);
    }

    #[test]
    fn damaged_forms_are_read_without_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut body = format!("x\n{GOOD}").into_bytes();
        let at = at.index(body.len());
        if cut { body.truncate(at); } else { body[at] = byte; }
        super::fuzz(&body);
    }
}
