//! Amazon's event stream: what is changed is sealed anew, and what is damaged is not passed on.

use super::consumer::messages;
use super::rig::{CONVERSE, INVOKE, Restore, Same, give, golden};
use plant::Reason;
use wire::AnswerLimits;

/// The lengths of the messages of a stream.
fn lengths(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some(head) = bytes.first_chunk::<4>() {
        lengths.push(u32::from_be_bytes(*head) as usize);
        bytes = &bytes[u32::from_be_bytes(*head) as usize..];
    }
    lengths
}

#[test]
fn what_is_rewritten_is_a_stream_of_messages_with_right_checksums() {
    for (name, source) in [("bedrock-converse.eventstream", CONVERSE), ("bedrock-invoke.eventstream", INVOKE)] {
        let came = golden(name);
        let given = source.give(came.chunks(5), &mut Restore::default());
        assert_eq!(given.ended, Ok(()), "{name}");
        let (before, after) = (messages(&came), messages(&given.out));
        assert_eq!(
            after.len(),
            before.len() + 1,
            "{name}: what was held at the end of a block comes in a message of its own"
        );
        assert!(after.iter().all(|(headers, _)| headers.len() == 3), "{name}");
    }
}

#[test]
fn a_damaged_message_ends_the_stream_where_it_stands() {
    let came = golden("bedrock-converse.eventstream");
    let first = lengths(&came)[0];
    for at in first..first + lengths(&came)[1] {
        let mut damaged = came.clone();
        damaged[at] ^= 0x20;
        let given = CONVERSE.give(damaged.chunks(64), &mut Same);
        assert_eq!(given.ended.unwrap_err().reason, Reason::ProviderBroken, "{at}");
        assert_eq!(given.out, came[..first], "{at}: nothing of it");
    }
}

#[test]
fn a_stream_that_stops_in_a_message_or_before_its_last_one_is_told() {
    let came = golden("bedrock-converse.eventstream");
    let lengths = lengths(&came);
    let before_last = came.len() - lengths[lengths.len() - 1];
    for cut in [3, lengths[0], lengths[0] + 5, before_last, came.len() - 1] {
        let given = CONVERSE.give([&came[..cut]], &mut Same);
        assert_eq!(given.ended.unwrap_err().reason, Reason::ProviderBroken, "{cut}");
        assert!(came.starts_with(&given.out), "{cut}: whole messages");
    }
}

#[test]
fn a_message_that_claims_to_be_endless_is_refused_before_it_comes() {
    let limits = AnswerLimits { frame: 1 << 10, ..AnswerLimits::default() };
    let mut prelude = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0].to_vec();
    prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
    let given = give(CONVERSE.answer(false).within(limits), [prelude.as_slice()], &mut Same);
    assert_eq!(given.ended.unwrap_err().reason, Reason::AnswerTooLarge);
    for (total, headers) in [(0u32, 0u32), (15, 0), (16, 1), (400, 399), (300, 290)] {
        let mut prelude = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        let given = CONVERSE.give([prelude.as_slice()], &mut Same);
        assert_eq!(given.ended.unwrap_err().reason, Reason::ProviderBroken, "{total} {headers}");
    }
}

#[test]
fn an_error_within_a_stream_is_passed_on_and_ends_it() {
    let refusal = plant::Refusal::new(Reason::ProviderTimeout, "");
    let endpoint = wire::endpoint(CONVERSE.dialect, "POST", CONVERSE.path).unwrap();
    let error = wire::error_event(CONVERSE.dialect, endpoint, &refusal, "rec-7").unwrap();
    let (headers, payload) = messages(&error).remove(0);
    assert_eq!(headers[":message-type"], "exception");
    assert_eq!(headers[":exception-type"], "modelStreamErrorException");
    assert!(payload.contains("rec-7"), "{payload}");
    let came = golden("bedrock-converse.eventstream");
    let start: usize = lengths(&came)[..6].iter().sum();
    let broken = [&came[..start], &error].concat();
    let given = CONVERSE.give([broken.as_slice()], &mut Restore::default());
    assert_eq!(given.ended, Ok(()));
    assert_eq!(given.facts.error.as_deref(), Some("modelStreamErrorException"));
    let said = messages(&given.out);
    assert_eq!(said.last().unwrap().1, payload);
    assert!(said[said.len() - 2].1.contains("TO"), "what was held back comes before it");
}

/// A stream as the fuzz target takes it: for each message two lengths, headers and payload.
fn loose(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(prelude) = bytes.first_chunk::<8>() {
        let total = u32::from_be_bytes(prelude[..4].try_into().unwrap()) as usize;
        let headers = u32::from_be_bytes(prelude[4..].try_into().unwrap()) as usize;
        let (message, rest) = bytes.split_at(total);
        let body = &message[12..total - 4];
        out.push(u8::try_from(headers).unwrap());
        out.extend(u16::try_from(body.len() - headers).unwrap().to_be_bytes());
        out.extend_from_slice(body);
        bytes = rest;
    }
    out
}

#[test]
fn damaged_messages_with_right_checksums_never_panic_and_pass_as_they_came_or_not_at_all() {
    for name in ["bedrock-converse.eventstream", "bedrock-invoke.eventstream"] {
        let whole = loose(&golden(name));
        wire::fuzz_messages(&whole);
        for at in (0..whole.len()).step_by(5) {
            for byte in [0, b'"', 0xff, whole[at] ^ 1] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                wire::fuzz_messages(&damaged);
            }
        }
    }
    let beside = br#"{"bytes":"e30=","x":"TOKEN"}"#;
    wire::fuzz_messages(&[&[0, 0, 28], beside.as_slice()].concat());
}
