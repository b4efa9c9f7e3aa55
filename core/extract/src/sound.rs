//! How long a recording sounds, by what it is made of where that can be counted.
//!
//! MP3 is counted frame by frame and Opus packet by packet; WAV and FLAC say it, and are not believed where their bytes do not
//! fit; Vorbis is believed.

use crate::{audio, ogg};
use std::time::Duration;

/// A recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// It sounds so long.
    Lasts(Duration),
    /// How long cannot be told: another format, or one that does not say.
    Untold,
}

impl Recording {
    /// The recording that these bytes are, if they begin like one whose length can be told.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let micros = match bytes {
            [b'R', b'I', b'F', b'F', ..] => wav(bytes),
            [b'f', b'L', b'a', b'C', ..] => flac(bytes),
            [b'O', b'g', b'g', b'S', ..] => ogg::length(bytes),
            [b'I', b'D', b'3', ..] | [0xff, ..] => audio::frames(bytes).and_then(|frames| mp3(&frames)),
            _ => None,
        };
        micros.map_or(Self::Untold, |micros| Self::Lasts(Duration::from_micros(micros)))
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)))
}

fn micros(samples: u64, rate: u64) -> Option<u64> {
    samples.checked_mul(1_000_000)?.checked_div(rate)
}

/// Sound that is not compressed: its bytes by its rate. What is behind the last chunk would be sound to a player that does not
/// believe sizes, and counts.
fn wav(bytes: &[u8]) -> Option<u64> {
    let (mut at, mut form) = (12, None);
    while let Some(kind) = bytes.get(at..at + 4) {
        let length = usize::try_from(long(bytes, at + 4)?).ok()?;
        let body = at + 8;
        match kind {
            b"fmt " => {
                // PCM, floating point, and either of them in the longer form.
                let plain = matches!(short(bytes, body)?, 1 | 3 | 0xfffe);
                form = Some((long(bytes, body + 4)?, short(bytes, body + 12)?)).filter(|_| plain);
            }
            b"data" => {
                let (rate, block) = form?;
                let size = u64::try_from(bytes.len().saturating_sub(body)).ok()?;
                return micros(size.checked_div(block)?, rate);
            }
            _ => {}
        }
        at = body.checked_add(length)?.checked_add(length % 2)?;
    }
    None
}

/// What the stream says of itself (RFC 9639, section 8.2), unless its frames are more than that could be.
fn flac(bytes: &[u8]) -> Option<u64> {
    let packed = u64::from_be_bytes(bytes.get(18..26)?.try_into().ok()?);
    let (rate, channels, bits) = (packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1);
    let samples = packed & 0xf_ffff_ffff;
    let plain = samples.checked_mul(channels * bits.div_ceil(8))?;
    // Tags and pictures stand in the same file; what is beyond an eighth more and those is not of that length.
    let most = plain.checked_add(plain / 8)?.checked_add(16 << 20)?;
    let fits = samples > 0 && u64::try_from(bytes.len()).ok()? <= most;
    if fits { micros(samples, rate) } else { None }
}

/// Frame by frame (ISO/IEC 11172-3, section 2.4.1; ISO/IEC 13818-3 for half the rates). What is between frames is passed over, if it
/// is an eighth of all or less: else it is something that a player may hear and we do not.
fn mp3(bytes: &[u8]) -> Option<u64> {
    let (mut at, mut length, mut framed) = (0usize, 0u64, 0usize);
    while let Some(found) = memchr::memchr(0xff, bytes.get(at..)?) {
        at += found;
        let Some(Frame { size, samples, rate }) = bytes.get(at..at + 4).and_then(Frame::read) else {
            at += 1;
            continue;
        };
        length = length.checked_add(micros(samples, rate)?)?;
        framed = framed.checked_add(size)?;
        at = at.checked_add(size)?;
        if at >= bytes.len() {
            break;
        }
    }
    let between = bytes.len().saturating_sub(framed);
    (framed > 0 && between <= bytes.len() / 8).then_some(length)
}

/// What the head of a frame says.
struct Frame {
    size: usize,
    samples: u64,
    rate: u64,
}

impl Frame {
    fn read(head: &[u8]) -> Option<Self> {
        /// By layer, in thousands of bits a second.
        const FULL: [[u64; 14]; 3] = [
            [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
            [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        ];
        const HALF: [[u64; 14]; 2] = [
            [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
            [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        let [0xff, second, third, _] = *head.first_chunk()? else { return None };
        let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
        if second < 0xe0 || version == 1 || layer == 0 {
            return None;
        }
        let layer = usize::from(4 - layer);
        let full = version == 3;
        let place = usize::from(third >> 4).checked_sub(1)?;
        let bits = if full { FULL.get(layer - 1)?.get(place)? } else { HALF.get((layer - 1).min(1))?.get(place)? };
        let rate = [44_100u64, 48_000, 32_000].get(usize::from(third >> 2 & 3))?
            >> match version {
                3 => 0,
                2 => 1,
                _ => 2,
            };
        let samples = match layer {
            1 => 384,
            3 if !full => 576,
            _ => 1152,
        };
        let padding = u64::from(third >> 1 & 1) * if layer == 1 { 4 } else { 1 };
        // A slot of layer I has four bytes.
        let slots = if layer == 1 { 12_000 * bits / rate * 4 } else { samples / 8 * 1000 * bits / rate };
        Some(Self { size: usize::try_from(slots + padding).ok()?.max(4), samples, rate })
    }
}
