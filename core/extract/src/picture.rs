//! Pictures: what they carry beside their pixels, taken out so that the pixels stay bit for bit.
//!
//! JPEG (ITU-T T.81), PNG (W3C, third edition), GIF89a, WebP (RFC 9649) and BMP are cut along their own segments, and what is
//! not needed to show them is left out: Exif, XMP, IPTC, comments, thumbnails, and whatever stands behind the end. Of Exif
//! the orientation stays, without which a photograph lies on its side. Colour profiles stay.

use crate::cut::{Cut, Cutter};

/// Whether these bytes begin like a picture that cannot: TIFF and the containers of HEIC and AVIF.
pub(crate) fn is_closed(bytes: &[u8]) -> bool {
    let brand = bytes.get(4..12).unwrap_or_default();
    let brands: [&[u8]; 5] = [b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif", b"ftypmsf1"];
    bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*") || brands.contains(&brand)
}

/// How a picture that begins like this is cut up.
pub(crate) fn cutter(bytes: &[u8]) -> Option<Cutter> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(webp),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(bmp),
        _ => None,
    }
}

/// Segments up to the end of the image; entropy-coded data stands between them (T.81, annex B).
fn jpeg(bytes: &[u8]) -> Option<Cut<'_>> {
    let mut cut = Cut::default();
    cut.kept.span(0..2);
    let mut at = 2;
    loop {
        let marker = *bytes.get(at..)?.first().filter(|first| **first == 0xff).and_then(|_| bytes.get(at + 1))?;
        let length = match marker {
            0xff => {
                cut.take("metadata", bytes.get(at..=at)?)?;
                at += 1;
                continue;
            }
            0xd9 => break,
            0x01 | 0xd0..=0xd7 => 0,
            _ => usize::from(u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?)).max(2),
        };
        let segment = bytes.get(at..at + 2 + length)?;
        keep_segment(&mut cut, marker, at, segment)?;
        at += segment.len();
        if marker == 0xda {
            let end = at + coded(bytes.get(at..)?)?;
            cut.kept.span(at..end);
            at = end;
        }
    }
    cut.kept.span(at..at + 2);
    cut.behind(bytes, at + 2);
    Some(cut)
}

/// Where entropy-coded data ends: at a marker that is neither a stuffed byte nor a restart.
fn coded(data: &[u8]) -> Option<usize> {
    let marks = memchr::memchr_iter(0xff, data);
    marks.into_iter().find(|at| !matches!(data.get(at + 1), Some(0 | 0xd0..=0xd7 | 0xff)))
}

fn keep_segment<'a>(cut: &mut Cut<'a>, marker: u8, at: usize, segment: &'a [u8]) -> Option<()> {
    let body = segment.get(4..).unwrap_or_default();
    let whole = at..at + segment.len();
    match marker {
        // JFIF: its thumbnail goes, and what says how large it is.
        0xe0 if body.starts_with(b"JFIF\0") && body.len() > 14 => {
            cut.kept.own(&[0xff, 0xe0, 0, 16]);
            cut.kept.span(at + 4..at + 16);
            cut.kept.own(&[0, 0]);
            cut.take("thumbnail", body.get(14..).unwrap_or_default())?;
        }
        0xe0 if body.starts_with(b"JFIF\0") => cut.kept.span(whole),
        0xe2 if body.starts_with(b"ICC_PROFILE\0") => cut.kept.span(whole),
        // How colours are transformed.
        0xee if body.starts_with(b"Adobe") => cut.kept.span(whole),
        0xe1 if body.starts_with(b"Exif\0\0") => {
            if let Some(value) = orientation(body.get(6..).unwrap_or_default()) {
                cut.kept.own(&upright(value));
            }
            // What is no more than the orientation is not news.
            cut.take("metadata", if body.len() > 32 { body } else { &[] })?;
        }
        0xe0..=0xef | 0xfe => cut.take("metadata", body)?,
        _ => cut.kept.span(whole),
    }
    Some(())
}

/// The orientation that an Exif block states (Exif 3.0, tag 0x0112), if it is not the usual one.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let little = tiff.starts_with(b"II");
    let short = |at: usize| {
        let pair: [u8; 2] = tiff.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }))
    };
    let (low, high) = if little { (short(4)?, short(6)?) } else { (short(6)?, short(4)?) };
    let first = high << 16 | low;
    let entries = (0..short(first)?).map(|entry| first + 2 + entry * 12);
    let found = entries.take(512).find(|at| short(*at) == Some(0x0112))?;
    u8::try_from(short(found + 8)?).ok().filter(|value| (2..=8).contains(value))
}

/// An Exif segment that holds the orientation and nothing else.
fn upright(orientation: u8) -> [u8; 36] {
    let mut segment = *b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    if let Some(value) = segment.get_mut(29) {
        *value = orientation;
    }
    segment
}

/// Chunks up to the end of the image; those that show it stay.
fn png(bytes: &[u8]) -> Option<Cut<'_>> {
    const SHOWN: [&[u8; 4]; 17] = [
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD",
        b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
    ];
    let mut cut = Cut::default();
    cut.kept.span(0..8);
    let mut at = 8;
    loop {
        let length = usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()?;
        let chunk = bytes.get(at..at.checked_add(length)?.checked_add(12)?)?;
        let kind = chunk.get(4..8)?;
        if SHOWN.iter().any(|own| *own == kind) {
            cut.kept.span(at..at + chunk.len());
        } else {
            cut.take("metadata", chunk.get(4..8 + length)?)?;
        }
        at += chunk.len();
        if kind == b"IEND" {
            cut.behind(bytes, at);
            return Some(cut);
        }
    }
}

/// Blocks up to the trailer (GIF89a, appendix A); comments and applications' own go, save how often it repeats.
fn gif(bytes: &[u8]) -> Option<Cut<'_>> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = 13 + table(*bytes.get(10)?);
    bytes.get(..at)?;
    let mut cut = Cut::default();
    cut.kept.span(0..at);
    loop {
        let start = at;
        let shown = match bytes.get(at)? {
            0x3b => {
                cut.kept.span(at..at + 1);
                cut.behind(bytes, at + 1);
                return Some(cut);
            }
            0x2c => {
                at += 11 + table(*bytes.get(at + 9)?);
                true
            }
            0x21 => {
                let (label, own) = (*bytes.get(at + 1)?, bytes.get(at + 3..at + 14).unwrap_or_default());
                at += 2;
                label == 0xf9 || label == 0xff && (own == b"NETSCAPE2.0" || own == b"ANIMEXTS1.0")
            }
            _ => return None,
        };
        loop {
            let length = usize::from(*bytes.get(at)?);
            at += 1 + length;
            if length == 0 {
                break;
            }
        }
        let block = bytes.get(start..at)?;
        if shown {
            cut.kept.span(start..at);
        } else {
            cut.take("metadata", block)?;
        }
    }
}

/// Chunks of a RIFF; the flags that tell of Exif and XMP go with them (RFC 9649, section 2.7).
fn webp(bytes: &[u8]) -> Option<Cut<'_>> {
    const SHOWN: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
    let size = usize::try_from(u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?)).ok()?;
    let end = size.checked_add(8).filter(|end| *end <= bytes.len())?;
    let mut cut = Cut::default();
    let stated = cut.riff(bytes)?;
    let mut at = 12;
    while at < end {
        let length = usize::try_from(u32::from_le_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?)).ok()?;
        let next = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
        let chunk = bytes.get(at..next.min(bytes.len()))?;
        let kind = chunk.get(..4)?;
        if SHOWN.iter().any(|own| *own == kind) {
            if let Some(flags) = chunk.get(8).filter(|_| kind == b"VP8X") {
                cut.kept.span(at..at + 8);
                cut.kept.own(&[flags & !0x0c]);
                cut.kept.span(at + 9..at + chunk.len());
            } else {
                cut.kept.span(at..at + chunk.len());
            }
        } else {
            cut.take("metadata", chunk)?;
        }
        at = next;
    }
    cut.resize(stated)?;
    cut.behind(bytes, at);
    Some(cut)
}

/// A BMP has nothing beside its pixels; something may stand behind them.
fn bmp(bytes: &[u8]) -> Option<Cut<'_>> {
    let size = usize::try_from(u32::from_le_bytes(bytes.get(2..6)?.try_into().ok()?)).ok()?;
    // Head and shortest description.
    bytes.get(..size).filter(|kept| kept.len() >= 26)?;
    let mut cut = Cut::default();
    cut.kept.span(0..size);
    cut.behind(bytes, size);
    Some(cut)
}
