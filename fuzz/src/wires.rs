//! `wire` under fire: documents, forms, requests and answers.

use plant::Dialect;
use wire::{Limits, Request};

const LIMITS: Limits = Limits { depth: 32, nodes: 4096, pieces: 4096, parts: 32 };

/// A JSON document.
pub fn json(bytes: &[u8]) {
    wire::json::fuzz(bytes);
}

/// A form: the first line is its boundary.
pub fn multipart(bytes: &[u8]) {
    wire::fuzz_multipart(bytes);
}

/// A body at the endpoint that the first byte picks.
pub fn request(bytes: &[u8]) {
    wire::fuzz_request(bytes);
}

/// What a program tells of an answer.
pub fn oversight(bytes: &[u8]) {
    wire::fuzz_oversight(bytes);
}

/// A body at an endpoint that takes forms; the first byte picks which. As `request`, so that no luck is needed to get there.
pub fn form(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let places: Vec<usize> = wire::endpoints()
        .enumerate()
        .filter(|(_, own)| own.carries() == wire::Carries::Form)
        .map(|(at, _)| at)
        .collect();
    let place = places[usize::from(*first) % places.len()];
    wire::fuzz_request(&[&[u8::try_from(place).expect("fewer than 256 endpoints")], body].concat());
}

/// A whole call: first line `dialect method path?query`, second line the content type, then the body.
///
/// What reaches an endpoint has one reading: its parameters are segments of its path, and another model can be put there.
pub fn call(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
    let (Some(first), Some(kind), Some(body)) = (lines.next(), lines.next(), lines.next()) else { return };
    let (Ok(first), Ok(kind)) = (std::str::from_utf8(first), std::str::from_utf8(kind)) else { return };
    let mut words = first.splitn(3, ' ');
    let (Some(dialect), Some(method), Some(target)) = (words.next(), words.next(), words.next()) else { return };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    for dialect in Dialect::NAMES.iter().filter(|(name, _)| *name == dialect).map(|(_, dialect)| *dialect) {
        let Some(endpoint) = wire::endpoint(dialect, method, path) else { continue };
        // Amazon's SDKs escape the colons and slashes of a model's name, and nothing else.
        let amazon = dialect == Dialect::Bedrock;
        let escapes = ["%3A", "%3a", "%2F", "%2f"];
        let bare =
            escapes.iter().fold(path.to_owned(), |path, escape| if amazon { path.replace(escape, "") } else { path });
        assert!(!bare.contains(['%', '\\', ';', '?', '#']) && !path.contains("//"), "a path has one reading");
        for (name, value) in endpoint.parameters(path) {
            let steps = |step: &str| !step.is_empty() && step != "." && step != "..";
            assert!(value.split('/').all(steps) && (amazon || !value.contains('/')), "a parameter is a segment");
            if name == "model" {
                let same = endpoint.path_with_model(path, &value).expect("its own model has a place");
                assert!(same == path || amazon && endpoint.model_in(&same) == Some(value));
                let changed = endpoint.path_with_model(path, "other").expect("a model has a place");
                assert_eq!(wire::endpoint(dialect, method, &changed), Some(endpoint));
            }
        }
        let kind = Some(kind).filter(|kind| !kind.is_empty());
        if let Ok(request) = Request::parse(endpoint, kind, body, &LIMITS) {
            let request = request.at(path, query);
            assert!(request.content().pieces.len() <= LIMITS.pieces + 8, "the limit of pieces holds");
            let named = request.rewrite(&[], Some("other"));
            if let (Ok(changed), false) = (named, endpoint.has_model_in_path()) {
                let again = Request::parse(endpoint, kind, &changed, &LIMITS).expect("another model keeps the form");
                assert_eq!(again.model(), Some("other"));
            }
        }
    }
}

/// An answer: the first byte picks the endpoint, the second how it is carried.
pub fn answer(bytes: &[u8]) {
    wire::fuzz_answer(bytes);
}

/// An event stream.
pub fn sse(bytes: &[u8]) {
    wire::sse::fuzz(bytes);
}

/// Amazon's event stream, its checksums made right.
pub fn messages(bytes: &[u8]) {
    wire::fuzz_messages(bytes);
}

/// A message of the open inference protocol, as a request and as an answer.
pub fn protobuf(bytes: &[u8]) {
    wire::fuzz_protobuf(bytes);
}

/// A body of gRPC, and the texts of its trailers.
pub fn grpc(bytes: &[u8]) {
    wire::grpc::fuzz(bytes);
}

/// Lines of JSON.
pub fn ndjson(bytes: &[u8]) {
    wire::ndjson::fuzz(bytes);
}
