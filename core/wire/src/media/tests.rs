//! What a file is, by its first bytes and by what is said of it.

use super::{Media, data_url, expected, is_text, named, query, readable, sniff, unexpected, unusual_type};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0\x90\x91h6\0\0\0\0IEND\xaeB`\x82";

fn binary(kind: &str) -> Option<Media> {
    Some(Media::Binary(kind.to_owned()))
}

#[test]
fn media_are_named_by_their_bytes() {
    let png = BASE64_STANDARD.encode(PNG);
    assert_eq!(expected(&png, None), binary("image/png"));
    assert_eq!(expected(&png, Some("image/png")), binary("image/png"));
    assert_eq!(expected(&BASE64_URL_SAFE_NO_PAD.encode(PNG), None), binary("image/png"));
    assert_eq!(data_url(&format!("data:image/png;base64,{png}")), binary("image/png"));
    assert_eq!(data_url(&format!("DATA:;BASE64,{png}")), binary("image/png"));
    assert_eq!(sniff(b"%PDF-1.7\n\xff"), Some("application/pdf"));
    assert_eq!(sniff(b"RIFF\x24\0\0\0WAVEfmt "), Some("audio/wav"));
}

#[test]
fn a_claim_that_the_bytes_contradict_is_noted() {
    let png = BASE64_STANDARD.encode(PNG);
    assert_eq!(expected(&png, Some("application/pdf")), binary("image/png; claimed=application/pdf"));
    assert_eq!(named(Some("image/png"), None), "application/octet-stream; claimed=image/png");
    assert_eq!(named(Some("model/step"), None), "model/step");
    assert_eq!(named(Some("image/jpg"), Some("image/jpeg")), "image/jpg");
    assert_eq!(
        named(Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document"), Some("application/zip")),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    );
    assert_eq!(named(Some("AKIA7Q some secret"), Some("image/png")), "image/png", "a claim is the caller's text");
}

#[test]
fn text_in_base64_is_read_as_text() {
    let text = "Rezeptur 4711: Stammwürze 12,5 °P, Maischen bei 63 °C";
    let base64 = BASE64_STANDARD.encode(text);
    assert_eq!(expected(&base64, Some("image/png")), Some(Media::Text(text.to_owned())));
    assert_eq!(data_url(&format!("data:text/plain;base64,{base64}")), Some(Media::Text(text.to_owned())));
    let csv = BASE64_STANDARD.encode("BM;PK;ID3\nMZ;GIF;1\n".repeat(40));
    assert!(matches!(expected(&csv, None), Some(Media::Text(_))), "a short signature is no proof of a format");
    let wrapped: String = BASE64_STANDARD
        .encode(text.repeat(9))
        .as_bytes()
        .chunks(76)
        .flat_map(|line| [line, b"\n"].concat())
        .map(char::from)
        .collect();
    assert_eq!(expected(&wrapped, None), Some(Media::Text(text.repeat(9))));
}

#[test]
fn what_is_no_base64_stays_text() {
    assert_eq!(expected("not base64 at all, really", None), None);
    assert_eq!(expected("c2hvcnQ=", None), None);
    assert_eq!(expected("AKIAIOSFODNN7EXAMPLE", Some("image/png")), None, "a key is no picture");
    let noise: Vec<u8> = (0..=255).cycle().take(600).collect();
    assert_eq!(expected(&BASE64_STANDARD.encode(noise), None), binary("application/octet-stream"));
    let png = BASE64_STANDARD.encode(PNG);
    assert_eq!(expected(&format!("{png} AKIAIOSFODNN7"), None), None);
    assert_eq!(data_url("data:text/plain,hello world"), None);
    assert_eq!(data_url("database: 10.0.0.7"), None);
    assert_eq!(data_url(&format!("data:image/png;base64,{png} and more")), None);
    assert_eq!(data_url("datä"), None);
}

#[test]
fn media_where_none_are_expected_must_look_like_them_from_end_to_end() {
    let png = BASE64_STANDARD.encode(PNG.repeat(2));
    assert_eq!(unexpected(&png), binary("image/png"));
    assert_eq!(unexpected(&format!("{png}, see above")), None);
    // A signature that happens to begin with two letters of a format.
    for letters in ["BM", "MZ"] {
        assert_eq!(unexpected(&BASE64_STANDARD.encode([letters.as_bytes(), &[7; 300]].concat())), None, "{letters}");
        assert!(unexpected(&BASE64_STANDARD.encode([letters.as_bytes(), &[0; 300]].concat())).is_some(), "{letters}");
    }
    assert_eq!(unexpected(&BASE64_STANDARD.encode([7; 300])), None, "unknown bytes are left to the reader of texts");
}

#[test]
fn text_has_no_control_characters() {
    assert!(is_text("Größe\n".as_bytes()));
    assert!(is_text(&"ü".as_bytes()[..1]), "cut at the end");
    assert!(!is_text(b"a\0b"));
    assert!(!is_text(b"\xffab"));
}

#[test]
fn what_most_of_which_reads_is_read_whatever_it_begins_with() {
    let encoded = |bytes: &[u8]| expected(&BASE64_STANDARD.encode(bytes), None);
    let secret = "GIF89a the password of the mixer is on the door";
    assert_eq!(encoded(secret.as_bytes()), Some(Media::Readable("image/gif".to_owned(), secret.to_owned())));
    let latin = b"Die Stammw\xfcrze der Charge ist 12,5";
    let read = "Die Stammwürze der Charge ist 12,5";
    assert_eq!(encoded(latin), Some(Media::Readable("application/octet-stream".to_owned(), read.to_owned())));
    let wide: Vec<u8> = "\u{feff}the mixer and the kettle".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(readable(&wide).as_deref(), Some("ÿþthe mixer and the kettle"));
    assert_eq!(readable(&[0, 1, 2, 3, 0xff, b'a'].repeat(40)), None);
    assert_eq!(readable(PNG), None);
    assert_eq!(readable(&[0; 4000]), None);
}

#[test]
fn a_data_url_in_percent_encoding_says_what_it_encodes() {
    let says = |text: &str| Some(Media::Text(text.to_owned()));
    assert_eq!(data_url("data:text/plain,AK%49A%20x%zz"), says("data:text/plain,AKIA x%zz"));
    assert_eq!(data_url("data:,%C3%BC"), says("data:,ü"));
    assert_eq!(data_url("100%25 of data"), None);
}

#[test]
fn a_query_is_read_as_a_person_would() {
    assert_eq!(query("q=max%40press-shop.example+now"), "q=max@press-shop.example now");
    assert_eq!(query("%4"), "%4");
    assert_eq!(query("100%+%zz%C3%BC"), "100% %zzü");
}

#[test]
fn a_type_that_nothing_has_is_content() {
    assert_eq!(unusual_type("data:image/png;base64,iVBOR"), None);
    assert_eq!(unusual_type("data:;base64,iVBOR"), None);
    assert_eq!(unusual_type("data:text/plain;charset=utf-8,hello"), None);
    assert_eq!(unusual_type("data:text/x;name=TIC-101;base64,aGVsbG8"), Some("text/x;name=TIC-101;base64"));
    assert_eq!(unusual_type("hello, world"), None);
}
