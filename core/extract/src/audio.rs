//! Recordings: what they carry beside the sound, taken out so that the sound stays bit for bit.
//!
//! MP3 with ID3 and APE tags, WAV (RIFF), FLAC (RFC 9639) and Ogg. Of other formats the tags stay where they are.

use crate::cut::{Cut, Cutter};
use crate::ogg;

/// How a recording that begins like this is cut up.
pub(crate) fn cutter(bytes: &[u8]) -> Option<Cutter> {
    match bytes {
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3 | 0xf2, ..] => Some(mp3),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(wav),
        [b'f', b'L', b'a', b'C', ..] => Some(flac),
        [b'O', b'g', b'g', b'S', ..] => Some(ogg::cut),
        _ => None,
    }
}

/// Tags stand before the frames (ID3v2) and behind them (APEv2, ID3v1).
fn mp3(bytes: &[u8]) -> Option<Cut<'_>> {
    let (mut rest, mut cut) = (bytes, Cut::default());
    while rest.starts_with(b"ID3") {
        let size = rest.get(6..10)?.iter().fold(0usize, |size, byte| size << 7 | usize::from(byte & 0x7f));
        // A footer repeats the head.
        let footer = if rest.get(5)? & 0x10 == 0 { 0 } else { 10 };
        let (tag, after) = rest.split_at_checked(10 + size + footer)?;
        cut.take("tags", tag)?;
        rest = after;
    }
    let start = bytes.len() - rest.len();
    loop {
        let length = match (rest.len().checked_sub(128), rest.len().checked_sub(32)) {
            (Some(at), _) if rest.get(at..).is_some_and(|own| own.starts_with(b"TAG")) => 128,
            (_, Some(at)) if rest.get(at..).is_some_and(|own| own.starts_with(b"APETAGEX")) => {
                let size = u32::from_le_bytes(rest.get(at + 12..at + 16)?.try_into().ok()?);
                // The size counts the footer, and not the head that there may be.
                usize::try_from(size).ok()?.max(32)
            }
            _ => break,
        };
        let (before, tag) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
        cut.take("tags", tag)?;
        rest = before;
    }
    cut.kept.span(start..start + rest.len());
    Some(cut)
}

/// An MP3 without its tags.
pub(crate) fn frames(bytes: &[u8]) -> Option<Vec<u8>> {
    mp3(bytes).map(|cut| cut.kept.of(bytes))
}

/// Chunks of a RIFF: the sound and what is needed to play it stay.
fn wav(bytes: &[u8]) -> Option<Cut<'_>> {
    const PLAYED: [&[u8; 4]; 4] = [b"fmt ", b"fact", b"data", b"ds64"];
    let mut cut = Cut::default();
    let stated = cut.riff(bytes)?;
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = usize::try_from(u32::from_le_bytes(head.get(4..8)?.try_into().ok()?)).ok()?;
        let next = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
        // What is streamed states no length, or the longest there is.
        let chunk = bytes.get(at..next.min(bytes.len()))?;
        if PLAYED.iter().any(|own| head.starts_with(*own)) {
            cut.kept.span(at..at + chunk.len());
        } else {
            cut.take("tags", chunk)?;
        }
        at = next;
    }
    cut.behind(bytes, at);
    if !cut.taken.is_empty() {
        cut.resize(stated)?;
    }
    Some(cut)
}

/// Metadata blocks before the frames (RFC 9639, section 8): the stream's own data and its seek table stay.
fn flac(bytes: &[u8]) -> Option<Cut<'_>> {
    let mut cut = Cut::default();
    cut.kept.span(0..4);
    let (mut at, mut last_kept) = (4, None);
    loop {
        let [head, high, middle, low] = bytes.get(at..at + 4)?.try_into().ok()?;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let block = bytes.get(at..at + 4 + length)?;
        if matches!(head & 0x7f, 0 | 3) {
            last_kept = Some(cut.kept.own(&[head & 0x7f]));
            cut.kept.span(at + 1..at + block.len());
        } else {
            cut.take("tags", block)?;
        }
        at += block.len();
        if head & 0x80 != 0 {
            break;
        }
    }
    *cut.kept.own_at(last_kept?)?.first_mut()? |= 0x80;
    cut.kept.span(at..bytes.len());
    Some(cut)
}
