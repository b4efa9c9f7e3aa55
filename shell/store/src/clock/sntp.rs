//! What a time server says: the client's half of SNTP (RFC 5905 section 14), one packet out and one back.
//!
//! Nothing is believed that was not asked for: the answer repeats 64 random bits of the question. A server that says
//! it is not synchronised itself says nothing.

use plant::Millis;

/// A packet without extensions (RFC 5905 section 7.3).
pub(super) const PACKET: usize = 48;
/// Version 4, mode 3: a client.
const CLIENT: u8 = 0b00_100_011;
const SERVER: u8 = 4;
/// Leap indicator of a server that does not know the time.
const UNKNOWN: u8 = 3;
/// Seconds from 1900, where the timestamps begin, to 1970.
const UNIX: u64 = 2_208_988_800;
/// Seconds after which timestamps begin anew, first in 2036.
const ERA: u64 = 1 << 32;
/// Of a second.
const MICROS: u64 = 1_000_000;

/// What a server said, and how exactly it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The time on its clock when the answer was received, in microseconds since 1970.
    pub time: u64,
    /// How far the true time may be from that by the word of the server and the way that packets took, in microseconds.
    pub within: u64,
}

/// The question. The 64 bits stand where others write their own time, which is nobody's business.
pub(super) fn question(cookie: [u8; 8]) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    packet[0] = CLIENT;
    packet[40..].copy_from_slice(&cookie);
    packet
}

impl Answer {
    /// Reads the answer to the question with these bits, which came `waited` microseconds after it. `near` tells which era of
    /// the timestamps is meant: the one whose time is nearest.
    ///
    /// `None` if it is no answer to this question, or of a server that does not know the time.
    #[must_use]
    pub fn read(packet: &[u8], cookie: [u8; 8], waited: u64, near: Millis) -> Option<Self> {
        let (leap, version, mode) = (packet.first()? >> 6, packet.first()? >> 3 & 7, packet.first()? & 7);
        let stratum = *packet.get(1)?;
        let sane = leap != UNKNOWN && (3..=4).contains(&version) && mode == SERVER && (1..16).contains(&stratum);
        if !sane || packet.len() < PACKET || packet.get(24..32)? != cookie {
            return None;
        }
        let (received, sent) = (timestamp(packet.get(32..40)?, near)?, timestamp(packet.get(40..48)?, near)?);
        // What the server took is not of the way; one that claims to have taken longer than we waited is not exact.
        let way = waited.saturating_sub(sent.checked_sub(received)?);
        let distance = short(packet.get(4..8)?)? / 2 + short(packet.get(8..12)?)?;
        // The answer took something between nothing and the whole way.
        Some(Self { time: sent.checked_add(way / 2)?, within: way.div_ceil(2).checked_add(distance)? })
    }
}

/// A time in microseconds since 1970.
fn timestamp(bytes: &[u8], near: Millis) -> Option<u64> {
    let (seconds, fraction) = (word(bytes.get(..4)?)?, word(bytes.get(4..)?)?);
    if seconds == 0 && fraction == 0 {
        return None;
    }
    let near = near.0 / 1000 + UNIX;
    // Of the three eras around, the one in which it is nearest.
    let era = near / ERA;
    let eras = [era.saturating_sub(1), era, era + 1];
    let seconds = eras.into_iter().map(|era| era * ERA + seconds).min_by_key(|time| time.abs_diff(near))?;
    seconds.checked_sub(UNIX)?.checked_mul(MICROS)?.checked_add(fraction * MICROS >> 32)
}

/// Sixteen bits of seconds and sixteen of their fraction, in microseconds, rounded up.
fn short(bytes: &[u8]) -> Option<u64> {
    Some((word(bytes)? * MICROS).div_ceil(1 << 16))
}

fn word(bytes: &[u8]) -> Option<u64> {
    Some(u64::from(u32::from_be_bytes(bytes.try_into().ok()?)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Answer, ERA, PACKET, UNIX, question};
    use plant::Millis;
    use proptest::prelude::{any, prop, proptest};

    const NOW: Millis = Millis(1_790_000_000_000);
    const COOKIE: [u8; 8] = *b"tick-toc";

    /// An answer of stratum 2 that was received and sent at these microseconds, with root delay and dispersion of 1/8 s.
    pub(crate) fn answer(cookie: [u8; 8], received: u64, sent: u64) -> [u8; PACKET] {
        let mut packet = question(cookie);
        (packet[0], packet[1]) = (0b00_100_100, 2);
        packet[4..8].copy_from_slice(&(1_u32 << 13).to_be_bytes());
        packet[8..12].copy_from_slice(&(1_u32 << 13).to_be_bytes());
        packet[24..32].copy_from_slice(&cookie);
        for (at, micros) in [(32, received), (40, sent)] {
            let seconds = ((micros / 1_000_000 + UNIX) % ERA) as u32;
            let fraction = ((micros % 1_000_000) << 32).div_ceil(1_000_000) as u32;
            packet[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
            packet[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
        }
        packet
    }

    #[test]
    fn an_answer_says_the_time_and_how_exactly() {
        let time = NOW.0 * 1000 + 123;
        // 1 ms at the server, 4 ms on the way, there and back; half the root delay, and the dispersion.
        let read = Answer::read(&answer(COOKIE, time, time + 1000), COOKIE, 5000, NOW).unwrap();
        assert_eq!(read, Answer { time: time + 1000 + 2000, within: 2000 + 62_500 + 125_000 });
    }

    #[test]
    fn timestamps_begin_anew_in_2036() {
        for (near, time) in
            [(2_085_978_000, 2_085_979_000), (2_085_979_000, 2_085_978_000), (0, 100), (9_000_000_000, 9_000_000_000)]
        {
            let time = time * 1_000_000;
            let read = Answer::read(&answer(COOKIE, time, time), COOKIE, 0, Millis(near * 1000)).unwrap();
            assert_eq!(read.time, time);
        }
    }

    #[test]
    fn what_answers_another_question_or_knows_no_time_says_nothing() {
        let good = answer(COOKIE, NOW.0 * 1000, NOW.0 * 1000);
        let read = |packet: &[u8]| Answer::read(packet, COOKIE, 10, NOW);
        assert!(read(&good).is_some());
        let changed = |at: usize, byte: u8| {
            let mut packet = good;
            packet[at] = byte;
            read(&packet)
        };
        for (at, byte) in
            [(0, 0b11_100_100), (0, 0b00_100_011), (0, 0b00_010_100), (1, 0), (1, 16), (24, b'T'), (31, 0)]
        {
            assert_eq!(changed(at, byte), None, "byte {at}");
        }
        assert_eq!(read(&good[..PACKET - 1]), None);
        // Sent before it was received, and at no time at all.
        assert_eq!(read(&answer(COOKIE, NOW.0 * 1000 + 1_000_000, NOW.0 * 1000)), None);
        let mut timeless = good;
        timeless[40..].fill(0);
        assert_eq!(read(&timeless), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), waited: u64, near: u64) {
            let mut bytes = bytes;
            if let Some(cookie) = bytes.get_mut(24..32) {
                cookie.copy_from_slice(&COOKIE);
                (bytes[0], bytes[1]) = (0b00_100_100, 2);
            }
            let _ = Answer::read(&bytes, COOKIE, waited, Millis(near));
        }
    }
}
