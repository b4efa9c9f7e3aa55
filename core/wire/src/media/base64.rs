//! Base64 in windows: what a long string stands for, without a second copy of the string.
//!
//! Standard or URL-safe alphabet, not both in one text; line ends and padding wherever they stand.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Characters that are decoded at a time; a multiple of four.
const WINDOW: usize = 16 << 10;
/// Bytes that a window stands for.
const DECODED: usize = WINDOW / 4 * 3;

/// Decodes base64 that comes in runs, and hands it on window by window. `None` if it is none; what was handed on by then is
/// to be thrown away.
pub(crate) fn decode_runs<'a>(runs: impl Iterator<Item = &'a str>, mut take: impl FnMut(&[u8])) -> Option<()> {
    let mut window = Window { held: Vec::with_capacity(WINDOW), decoded: vec![0; DECODED], safe: None };
    for run in runs {
        let mut rest = run.as_bytes();
        while !rest.is_empty() {
            let end = memchr::memchr3(b'\r', b'\n', b'=', rest).unwrap_or(rest.len());
            let (mut said, after) = rest.split_at_checked(end)?;
            while !said.is_empty() {
                let (now, later) = said.split_at_checked(said.len().min(WINDOW - window.held.len()))?;
                window.held.extend_from_slice(now);
                said = later;
                if window.held.len() == WINDOW {
                    take(window.decode()?);
                }
            }
            rest = after.get(1..).unwrap_or_default();
        }
    }
    take(window.decode()?);
    Some(())
}

/// What all of a text stands for.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    decode_runs(std::iter::once(text), |bytes| out.extend_from_slice(bytes)).map(|()| out)
}

struct Window {
    held: Vec<u8>,
    decoded: Vec<u8>,
    /// Whether it is the URL-safe alphabet, once that has shown.
    safe: Option<bool>,
}

impl Window {
    fn decode(&mut self) -> Option<&[u8]> {
        let safe = memchr::memchr2(b'-', b'_', &self.held).is_some();
        let standard = memchr::memchr2(b'+', b'/', &self.held).is_some();
        if safe || standard {
            if safe == standard || self.safe.is_some_and(|before| before != safe) {
                return None;
            }
            self.safe = Some(safe);
        }
        let engine = if safe { &URL_SAFE } else { &STANDARD };
        let length = engine.decode_slice(&self.held, &mut self.decoded).ok()?;
        self.held.clear();
        self.decoded.get(..length)
    }
}

/// How long this many bytes are in base64 with padding.
pub(crate) fn encoded_length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Gives bytes that come in pieces on as standard base64 with padding.
pub(crate) struct Encoder<'o> {
    give: &'o mut dyn FnMut(&[u8]),
    /// Bytes that make no group of three yet.
    held: Vec<u8>,
    text: Vec<u8>,
}

impl<'o> Encoder<'o> {
    pub(crate) fn new(give: &'o mut dyn FnMut(&[u8])) -> Self {
        Self { give, held: Vec::new(), text: Vec::new() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(DECODED) {
            self.held.extend_from_slice(bytes);
            let whole = self.held.len() / 3 * 3;
            let rest = self.held.split_off(whole);
            self.flush();
            self.held = rest;
        }
    }

    pub(crate) fn finish(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        self.text.resize(encoded_length(self.held.len()), b'=');
        let written = base64::prelude::BASE64_STANDARD.encode_slice(&self.held, &mut self.text);
        debug_assert!(written.is_ok(), "there is room for what was held");
        (self.give)(&self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoder, WINDOW, decode, decode_runs};
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn however_it_is_cut_it_stands_for_the_same(
            seed in any::<u8>(), length in 0usize..3 * WINDOW, line in 1usize..200, cut in 1usize..5000,
        ) {
            let bytes: Vec<u8> = (0..length).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect();
            let lines = |text: &str| text.as_bytes().chunks(line).map(|line| String::from_utf8(line.to_vec()).unwrap() + "\r\n").collect::<String>();
            let standard = lines(&BASE64_STANDARD.encode(&bytes));
            prop_assert_eq!(decode(&standard), Some(bytes.clone()));
            prop_assert_eq!(decode(&BASE64_URL_SAFE_NO_PAD.encode(&bytes)), Some(bytes.clone()));
            let runs: Vec<String> = standard.as_bytes().chunks(cut).map(|run| String::from_utf8(run.to_vec()).unwrap()).collect();
            let (mut out, mut again) = (Vec::new(), Vec::new());
            prop_assert!(decode_runs(runs.iter().map(String::as_str), |bytes| out.extend_from_slice(bytes)).is_some());
            prop_assert_eq!(&out, &bytes);
            let mut give = |text: &[u8]| again.extend_from_slice(text);
            let mut encoder = Encoder::new(&mut give);
            bytes.chunks(cut).for_each(|piece| encoder.push(piece));
            encoder.finish();
            prop_assert_eq!(String::from_utf8(again).unwrap(), BASE64_STANDARD.encode(&bytes));
        }
    }

    #[test]
    fn two_alphabets_in_one_text_are_no_base64() {
        let long = "A".repeat(WINDOW);
        for text in
            ["+-AA".to_owned(), format!("+{long}AAA-"), format!("_{long}AAA/"), "A".to_owned(), "a b!".to_owned()]
        {
            assert_eq!(decode(&text), None);
        }
    }
}
