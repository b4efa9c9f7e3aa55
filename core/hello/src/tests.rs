//! Good messages, and those that somebody would send to be read in two ways.

use crate::{Hello, LARGEST, MOST_RECORDS, Malformed, Reader};
use proptest::prelude::*;

fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &long(content)].concat()
}

fn named(name: &str) -> Vec<u8> {
    extension(0, &long(&[&[0], long(name.as_bytes()).as_slice()].concat()))
}

fn speaks(names: &[&[u8]]) -> Vec<u8> {
    extension(16, &long(&names.iter().flat_map(|name| short(name)).collect::<Vec<_>>()))
}

fn body(extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(short(&[1; 32]));
    body.extend(long(&[0x1a, 0x1a, 0x13, 0x01]));
    body.extend(short(&[0]));
    body.extend(long(&extensions.concat()));
    body
}

fn message(body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1], &length[..], body].concat()
}

/// A message in records of this many bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(|part| [&[22, 3, 1][..], &long(part)].concat()).collect()
}

fn hello(extensions: &[Vec<u8>]) -> Vec<u8> {
    records(&message(&body(extensions)), 1 << 14)
}

fn read(bytes: &[u8]) -> Result<Option<Hello>, Malformed> {
    Reader::default().push(bytes)
}

#[test]
fn a_hello_says_where_it_wants_to_go() {
    let grease = extension(0x2a2a, &[]);
    let bytes = hello(&[grease, named("API.OpenAI.com"), speaks(&[&[0x3a, 0x3a], b"h2", b"http/1.1"])]);
    let hello = read(&bytes).unwrap().unwrap();
    assert_eq!(hello.server_name.as_deref(), Some("api.openai.com"));
    assert!(hello.offers("h2") && hello.offers("http/1.1") && !hello.offers("h3"));
    assert_eq!(hello.protocols.len(), 2, "grease is no protocol");
    assert!(!hello.encrypted);
    assert_eq!(read(&self::hello(&[])).unwrap(), Some(Hello::default()));
}

#[test]
fn what_may_hide_another_hello_is_seen() {
    for kind in [0xfe0d, 0xffce, 0xfe0a] {
        let bytes = hello(&[named("cover.example"), extension(kind, &[0; 32])]);
        assert!(read(&bytes).unwrap().unwrap().encrypted, "{kind:x}");
    }
}

#[test]
fn records_and_pieces_of_any_size_change_nothing() {
    let message = message(&body(&[named("api.openai.com"), extension(51, &[9; 1216])]));
    let whole = read(&records(&message, 1 << 14)).unwrap();
    assert!(whole.is_some());
    for size in [message.len() / MOST_RECORDS + 1, 100, 1000] {
        let bytes = records(&message, size);
        for step in [1, 3, 64] {
            let mut reader = Reader::default();
            let mut read = bytes.chunks(step).map(|piece| reader.push(piece).unwrap());
            assert_eq!(read.find(Option::is_some).flatten(), whole, "records of {size}, pieces of {step}");
        }
    }
}

#[test]
fn early_data_behind_it_is_left_alone() {
    let mut bytes = hello(&[named("api.openai.com")]);
    bytes.extend([20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 0, 0]);
    assert!(read(&bytes).unwrap().is_some());
}

#[test]
fn what_could_be_read_in_two_ways_is_not_read() {
    let two = extension(0, &long(&[&[0][..], &long(b"a.example"), &[0], &long(b"b.example")].concat()));
    let kind = extension(0, &long(&[&[1][..], &long(b"a.example")].concat()));
    let cases: [(Malformed, Vec<u8>); 24] = [
        (Malformed::NotTls, b"GET / HTTP/1.1\r\n".to_vec()),
        (Malformed::NotTls, b"SSH-2.0-x".to_vec()),
        // SSL 2, which some scanners still speak
        (Malformed::NotTls, vec![0x80, 0x2e, 1, 3, 1]),
        (Malformed::NotTls, vec![22, 2, 0]),
        (Malformed::NotTls, vec![21, 3, 1, 0, 2, 2, 40]),
        (Malformed::NotHello, vec![22, 3, 1, 0, 4, 2, 0, 0, 0]),
        (Malformed::Record, vec![22, 3, 1, 0, 0]),
        (Malformed::Record, vec![22, 3, 1, 0x40, 1]),
        (Malformed::TooLarge, vec![22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]),
        (Malformed::TooLarge, records(&message(&body(&[named("a.example"), extension(51, &[9; 400])])), 1)),
        (Malformed::NotHello, [&records(&message(&body(&[])), 40)[..45], &[23, 3, 3, 0, 1, 1]].concat()),
        (Malformed::Length, records(&[message(&body(&[])), vec![1]].concat(), 1 << 14)),
        (Malformed::Length, records(&message(&[&body(&[])[..], &[0]].concat()), 1 << 14)),
        (Malformed::Length, records(&message(&body(&[])[..20]), 1 << 14)),
        (Malformed::Length, records(&message(&body(&[vec![0, 0, 0, 9, 0]])), 1 << 14)),
        (Malformed::Repeated, hello(&[named("a.example"), named("a.example")])),
        (Malformed::Repeated, hello(&[extension(0xfe0d, &[]), extension(0xfe0d, &[])])),
        (Malformed::ServerName, hello(&[two])),
        (Malformed::ServerName, hello(&[kind])),
        (Malformed::ServerName, hello(&[extension(0, &[])])),
        (
            Malformed::ServerName,
            hello(&[extension(0, &[&long(&[&[0][..], &long(b"a.example")].concat())[..], &[0]].concat())]),
        ),
        (Malformed::Protocols, hello(&[speaks(&[])])),
        (Malformed::Protocols, hello(&[speaks(&[b"h2", b""])])),
        (Malformed::Protocols, hello(&[extension(16, &[0, 3, 9, b'h', b'2'])])),
    ];
    for (at, (expected, bytes)) in cases.into_iter().enumerate() {
        assert_eq!(read(&bytes), Err(expected), "case {at}");
    }
}

#[test]
fn a_server_name_is_a_dns_name_and_nothing_else() {
    for good in ["localhost", "api.openai.com", "a-b_c.example", &format!("{}.example", "x".repeat(63))] {
        assert_eq!(read(&hello(&[named(good)])).unwrap().unwrap().server_name.as_deref(), Some(good));
    }
    let long = format!("{}.example", "x.".repeat(130));
    for bad in [
        "",
        ".",
        "api.openai.com.",
        "a..b",
        "10.0.0.1",
        "1",
        "0x7f.1",
        "[::1]",
        "a b",
        "a\0b",
        "ä.example",
        "*.x",
        &long,
    ] {
        assert_eq!(read(&hello(&[named(bad)])), Err(Malformed::ServerName), "{bad}");
    }
}

#[test]
fn a_hello_that_never_ends_takes_no_more_than_its_largest() {
    let mut reader = Reader::default();
    let claims = [22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc];
    assert_eq!(reader.push(&claims), Ok(None));
    let taken = std::iter::repeat_with(|| reader.push(&[0; 1000])).take_while(|read| *read == Ok(None)).count();
    assert!(taken <= LARGEST / 1000 + 1, "{taken}");
}

proptest! {
    #[test]
    fn any_bytes_read_the_same_in_any_pieces(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        crate::fuzz::hello(&bytes);
    }

    #[test]
    fn any_change_to_a_hello_reads_the_same_in_any_pieces(at in 0_usize..160, to in any::<u8>()) {
        let mut bytes = hello(&[named("api.openai.com"), speaks(&[b"h2"]), extension(0xfe0d, &[1, 2])]);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = to;
        }
        crate::fuzz::hello(&bytes);
    }
}
