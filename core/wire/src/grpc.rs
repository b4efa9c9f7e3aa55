//! gRPC around its messages: the frames of a body, and how an outcome is said in trailers.
//!
//! After the protocol's own description ("gRPC over HTTP2"): a message is a byte that says whether it is compressed, its length
//! in four bytes with the highest first, and its bytes.

use crate::error::Malformed;
use bytes::{Bytes, BytesMut};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use plant::Reason;
use std::ops::Range;

/// What stands before a message: a flag and a length.
pub const HEAD: usize = 5;

/// The outcome of a call that went well.
pub const OK: u32 = 0;

/// A message in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whether it is compressed, by what the head of the call names.
    pub compressed: bool,
    /// Its bytes.
    pub span: Range<usize>,
}

/// The messages of a whole body.
///
/// # Errors
/// If a flag is neither 0 nor 1, a message is longer than `most` bytes, or the body ends in the middle of one.
pub fn messages(body: &[u8], most: usize) -> Result<Vec<Message>, Malformed> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let (flag, length) = match rest {
            [flag @ (0 | 1), a, b, c, d, ..] => (*flag, u32::from_be_bytes([*a, *b, *c, *d])),
            [0 | 1, ..] => return Err(Malformed::new(at, "the body ends within the head of a message")),
            _ => return Err(Malformed::new(at, "a message says neither that it is compressed nor that it is not")),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most {
            return Err(Malformed::with(Reason::BodyTooLarge, at, "a message is longer than the limit"));
        }
        let (start, end) = (at + HEAD, at.saturating_add(HEAD).saturating_add(length));
        if end > body.len() {
            return Err(Malformed::new(at, "the body ends within a message"));
        }
        found.push(Message { compressed: flag == 1, span: start..end });
        at = end;
    }
    Ok(found)
}

/// The messages of a body that is still coming, each in its frame.
#[derive(Debug)]
pub struct Frames {
    held: BytesMut,
    most: usize,
}

impl Frames {
    /// Messages of at most `most` bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { held: BytesMut::new(), most }
    }

    /// Takes the next bytes of the body, wherever they were cut.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next message with its frame, if all of it has come.
    ///
    /// # Errors
    /// As [`messages`], as soon as the frame shows it.
    pub fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        let length = match &*self.held {
            [0 | 1, a, b, c, d, ..] => usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX),
            [] | [0 | 1, ..] => return Ok(None),
            _ => return Err(Malformed::new(0, "a message says neither that it is compressed nor that it is not")),
        };
        if length > self.most {
            return Err(Malformed::with(Reason::BodyTooLarge, 0, "a message is longer than the limit"));
        }
        let whole = length.saturating_add(HEAD);
        Ok((self.held.len() >= whole).then(|| self.held.split_to(whole).freeze()))
    }

    /// How many bytes wait for the rest of their message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.held.len()
    }
}

/// What stands before a message that is not compressed. `None` if it is too long for one.
#[must_use]
pub fn head(length: usize) -> Option<[u8; HEAD]> {
    let [a, b, c, d] = u32::try_from(length).ok()?.to_be_bytes();
    Some([0, a, b, c, d])
}

/// The status code (gRPC, "Status codes and their use in gRPC") of a reason.
#[must_use]
pub fn status(reason: Reason) -> u32 {
    match reason {
        Reason::CallerLeft => 1,
        Reason::UnknownProvider => 5,
        Reason::UnknownEndpoint | Reason::ContentEncoding => 12,
        Reason::BodyTooLarge | Reason::AnswerTooLarge => 8,
        reason => match reason.status() {
            400 | 415 | 421 => 3,
            401 => 16,
            408 | 504 => 4,
            403 | 495 => 7,
            404 => 5,
            413 | 429 => 8,
            502 | 503 => 14,
            _ => 13,
        },
    }
}

/// The HTTP status that says the same as a status code, for whoever judges how a provider did.
#[must_use]
pub fn as_http(status: u32) -> u16 {
    match status {
        OK => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

/// A text as the value of `grpc-message`: percent-encoded, save what is printed in ASCII.
#[must_use]
pub fn escaped(text: &str) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The text of a `grpc-message`. What is no escape stays, and what is no UTF-8 shows as U+FFFD.
#[must_use]
pub fn unescaped(value: &[u8]) -> String {
    percent_decode(value).decode_utf8_lossy().into_owned()
}

/// The time that a `grpc-timeout` gives: at most eight digits and a unit.
#[must_use]
pub fn timeout(value: &str) -> Option<std::time::Duration> {
    use std::time::Duration;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let count: u64 = Some(digits)
        .filter(|digits| (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Entry for fuzzing: what is read as messages is all of the body, in order, and a text survives its escapes.
pub fn fuzz(bytes: &[u8]) {
    if let Ok(found) = messages(bytes, 1 << 16) {
        let mut at = 0;
        for message in &found {
            assert!(message.span.start == at + HEAD && message.span.end <= bytes.len(), "messages follow each other");
            at = message.span.end;
        }
        assert!(at == bytes.len(), "nothing is left between or behind them");
    }
    let whole = messages(bytes, 1 << 16).map(|all| all.len());
    let (mut frames, mut count, mut broke) = (Frames::new(1 << 16), 0, false);
    for piece in bytes.chunks(7) {
        frames.feed(piece);
        while let Some(next) = frames.next().unwrap_or_else(|_| {
            broke = true;
            None
        }) {
            assert!(next.len() >= HEAD, "a frame has its head");
            count += 1;
        }
    }
    assert!(whole.is_err() || (Ok(count) == whole && !broke && frames.waiting() == 0), "cuts change no message");
    let text = unescaped(bytes);
    assert!(unescaped(escaped(&text).as_bytes()) == text, "a text survives its escapes");
    let _ = std::str::from_utf8(bytes).ok().and_then(timeout);
}

#[cfg(test)]
mod tests {
    use super::{Frames, as_http, escaped, messages, status, timeout, unescaped};
    use plant::Reason;
    use std::time::Duration;

    #[test]
    fn lengths_that_lie_are_refused() {
        let problem = |bytes: &[u8]| messages(bytes, 16).unwrap_err();
        assert_eq!(problem(b"\0\0\0\0").to_string(), "the body ends within the head of a message at byte 0");
        assert_eq!(problem(b"\0\0\0\0\x05abc").to_string(), "the body ends within a message at byte 0");
        assert_eq!(problem(b"\0\x80\0\0\0").reason, Reason::BodyTooLarge);
        assert_eq!(problem(b"\x02\0\0\0\0").reason, Reason::Malformed);
        assert_eq!(problem(b"\0\0\0\0\x01a\x01").offset, 6);
        let spans: Vec<_> = messages(b"\0\0\0\0\x01a\x01\0\0\0\0", 16).unwrap();
        assert_eq!((spans[0].span.clone(), spans[0].compressed), (5..6, false));
        assert_eq!((spans[1].span.clone(), spans[1].compressed), (11..11, true));
    }

    #[test]
    fn messages_that_come_in_pieces_are_the_same_messages() {
        let body = b"\0\0\0\0\x03abc\x01\0\0\0\0\0\0\0\0\x01z";
        for size in 1..=body.len() {
            let (mut frames, mut found) = (Frames::new(3), Vec::new());
            for piece in body.chunks(size) {
                frames.feed(piece);
                while let Some(next) = frames.next().unwrap() {
                    found.push(next.to_vec());
                }
            }
            assert_eq!(found, [&body[..8], &body[8..13], &body[13..]], "in pieces of {size}");
            assert_eq!(frames.waiting(), 0);
        }
        let problem = |bytes: &[u8]| {
            let mut frames = Frames::new(3);
            frames.feed(bytes);
            frames.next().unwrap_err().reason
        };
        assert_eq!(problem(b"\0\0\0\0\x04"), Reason::BodyTooLarge, "before the bytes come");
        assert_eq!(problem(b"\x02"), Reason::Malformed);
    }

    #[test]
    fn a_text_survives_its_escapes() {
        assert_eq!(escaped("100 % für\nalle"), "100 %25 f%C3%BCr%0Aalle");
        assert_eq!(unescaped(b"100 %25 f%C3%BCr%0Aalle"), "100 % für\nalle");
        assert_eq!(unescaped(b"50% %zz %4"), "50% %zz %4");
    }

    #[test]
    fn a_timeout_has_digits_and_a_unit() {
        assert_eq!(timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(timeout("7n"), Some(Duration::from_nanos(7)));
        for wrong in ["", "m", "1", "-1S", "123456789S", "1 S", "1s", "+1S", "1é"] {
            assert_eq!(timeout(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_reason_is_an_error_with_the_code_that_clients_expect() {
        assert!(Reason::ALL.iter().all(|reason| (1..=16).contains(&status(*reason))));
        let codes = [
            (Reason::NoIdentity, 16),
            (Reason::NoConduit, 7),
            (Reason::QuotaExceeded, 8),
            (Reason::BodyTooLarge, 8),
            (Reason::LedgerUnavailable, 14),
            (Reason::ProviderUnreachable, 14),
            (Reason::Malformed, 3),
            (Reason::AnswerTooLong, 4),
            (Reason::UnknownEndpoint, 12),
        ];
        assert!(codes.into_iter().all(|(reason, code)| status(reason) == code));
        assert_eq!((as_http(14), as_http(0), as_http(99)), (503, 200, 500));
    }
}
