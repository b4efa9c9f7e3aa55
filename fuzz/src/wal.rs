//! `store` under fire: frames of the write-ahead log, answers of time servers.

use plant::Millis;
use store::TimeAnswer;
use store::frame::{self, HEADER};

/// A frame; its checksum is put right first, or nothing would get past it. The first byte is the segment.
pub fn frame(bytes: &[u8]) {
    let Some((segment, rest)) = bytes.split_first() else { return };
    let segment = u64::from(*segment);
    let _ = frame::claimed(rest);
    check(rest, segment);
    let mut repaired = rest.to_vec();
    if let Ok(length) = frame::claimed(rest)
        && let Some(entries) = rest.get(HEADER..HEADER + length)
    {
        let crc = crc32c::crc32c(&segment.to_be_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c_append(crc, &rest[..HEADER - 4]), entries);
        repaired[HEADER - 4..HEADER].copy_from_slice(&crc.to_be_bytes());
        check(&repaired, segment);
    }
}

/// A frame that is read is written as the same bytes, and nowhere else is it a frame.
fn check(bytes: &[u8], segment: u64) {
    let Ok(read) = frame::decode(bytes, segment) else { return };
    let mut again = Vec::new();
    assert_eq!(frame::encode(&read.header, segment, read.entries, &mut again), read.hash);
    assert_eq!(again.len(), read.stride());
    let end = HEADER + read.entries.len();
    assert_eq!(again[..end], bytes[..end], "a frame has one spelling");
    assert!(frame::split(read.entries).all(|entry| entry.is_ok()));
    assert!(frame::decode(bytes, segment + 1).is_err(), "a frame of another segment is none");
}

/// The answer of a time server: whatever it says, at whatever time. Nobody else's question is ours.
pub fn time(bytes: &[u8]) {
    for near in [0, 1_790_000_000_000, 2_085_978_496_000, u64::MAX] {
        for waited in [0, 250_000, u64::MAX] {
            let read = TimeAnswer::read(bytes, *b"question", waited, Millis(near));
            if let Some(answer) = read {
                let later = TimeAnswer::read(bytes, *b"question", waited.saturating_add(2), Millis(near));
                assert!(
                    later.is_none_or(|later| later.within >= answer.within),
                    "a longer wait says nothing more exactly"
                );
            }
            assert!(read.is_none() || TimeAnswer::read(bytes, *b"answered", waited, Millis(near)).is_none());
        }
    }
}
