//! What a file is, by its bytes: every reader that they fit is asked.

use crate::harvest::Harvest;
use crate::inflate::{Wrapping, inflate};
use crate::{File, Recording, Why, archive, audio, cad, cut, mail, markup, pdf, picture, rtf, sheet, text};

/// Where `%PDF-` may stand, and still readers of PDF take the file (ISO 32000-1, annex H.3, note 13).
const PDF_HEADER: usize = 1024;

/// Beginnings of formats that hold text and are not read here.
const CLOSED: [&[u8]; 9] = [
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",
    b"\xfd7zXZ\0",
    b"BZh",
    b"MSCF",
    b"AC10",
    b"\x7fELF",
    b"MZ",
];

/// Reads a file as everything that it is.
pub(crate) fn read(harvest: &mut Harvest<'_>, file: &File<'_>) {
    let bytes = file.bytes;
    if bytes.is_empty() {
        return;
    }
    let mut known = false;
    if is_zip(bytes) {
        known |= archive::zip(harvest, bytes);
    }
    if is_pdf(bytes) {
        known |= pdf::read(harvest, bytes);
    }
    if bytes.starts_with(b"\x1f\x8b") {
        gzip(harvest, file);
        known = true;
    }
    if bytes.get(257..262) == Some(b"ustar") {
        archive::tar(harvest, bytes);
        known = true;
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        harvest.opaque("", compound(bytes));
        known = true;
    }
    if is_sound(bytes) {
        harvest.sounds(Recording::of(bytes));
    }
    // `ID3 is a tag` is a text.
    let cutter = picture::cutter(bytes).or_else(|| audio::cutter(bytes));
    if let Some(cutter) = cutter.filter(|_| !is_printed(bytes)) {
        let stripped = cut::read(harvest, cutter, bytes);
        if !harvest.is_inside() {
            stripped.into_iter().for_each(|stripped| harvest.stripped(stripped));
        } else if picture::cutter(bytes).is_some() {
            harvest.picture("", Some(bytes));
        }
        return;
    }
    if picture::is_closed(bytes) {
        return harvest.opaque("", Why::Unknown);
    }
    if is_media(bytes) {
        return;
    }
    if known {
        return;
    }
    let closed = CLOSED.iter().any(|own| bytes.starts_with(own)) && !is_printed(bytes);
    match text::decode(file).filter(|_| !closed) {
        Some(said) => texts(harvest, file, &said),
        None => harvest.opaque("", Why::Unknown),
    }
}

/// Whether a ZIP begins or ends here: it is found from its end, so that anything may stand before it.
fn is_zip(bytes: &[u8]) -> bool {
    const TAIL: usize = 22 + 65_535;
    let tail = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default();
    bytes.starts_with(b"PK\x03\x04") || memchr::memmem::rfind(tail, b"PK\x05\x06").is_some()
}

fn is_pdf(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes.get(..PDF_HEADER).unwrap_or(bytes), b"%PDF-").is_some()
}

/// Whether it is a picture, a recording or a film: they are labelled as what they are.
pub(crate) fn is_media(bytes: &[u8]) -> bool {
    let at = |at: usize, own: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(own));
    let begins = [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"\xff\xd8\xff",
        b"GIF87a",
        b"GIF89a",
        b"II*\0",
        b"MM\0*",
        b"ID3",
        b"\xff\xfb",
        b"\xff\xf3",
        b"\xff\xf2",
        b"\xff\xf1",
        b"\xff\xf9",
        b"OggS",
        b"fLaC",
        b"\x1a\x45\xdf\xa3",
    ];
    begins.iter().any(|own| at(0, own) && !is_printed(bytes))
        || at(0, b"RIFF") && (at(8, b"WEBP") || at(8, b"WAVE") || at(8, b"AVI "))
        || at(4, b"ftyp") && !is_printed(bytes)
        || at(0, b"BM") && bytes.get(6..10) == Some(&[0; 4])
}

/// Whether it is a recording or a film.
fn is_sound(bytes: &[u8]) -> bool {
    let closed = picture::is_closed(bytes) || picture::cutter(bytes).is_some();
    is_media(bytes) && !closed || audio::cutter(bytes).is_some() && !is_printed(bytes)
}

/// Whether the beginning is nothing but printed ASCII: `BZh` and `MZ` are also how a word may begin.
fn is_printed(bytes: &[u8]) -> bool {
    let head = bytes.get(..512).unwrap_or(bytes);
    head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}

/// An OLE container: an encrypted Office document, or one of before 2007.
fn compound(bytes: &[u8]) -> Why {
    let package: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if memchr::memmem::find(bytes, &package).is_some() { Why::Encrypted } else { Why::Unknown }
}

fn gzip(harvest: &mut Harvest<'_>, file: &File<'_>) {
    if !harvest.entry() {
        return;
    }
    let (inner, why) = inflate(harvest, file.bytes, Wrapping::Gzip);
    harvest.within("unpacked", |harvest| {
        if let Some(why) = why {
            harvest.opaque("", why);
        }
        let name = file.name.map(|name| name.strip_suffix(".gz").unwrap_or(name));
        read(harvest, &File { bytes: &inner, name, media: None });
    });
}

/// Reads a text as what it is: by its beginning, then by its name or declared type.
fn texts(harvest: &mut Harvest<'_>, file: &File<'_>, said: &str) {
    let name = file.name.unwrap_or_default().to_ascii_lowercase();
    let media = file.media.unwrap_or_default().to_ascii_lowercase();
    let named = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let head = said.trim_start().get(..5).unwrap_or_default().to_ascii_lowercase();
    if said.starts_with("{\\rtf") {
        rtf::read(harvest, file.bytes);
    } else if said.starts_with("ISO-10303-21;") {
        cad::step(harvest, said);
    } else if cad::is_dxf(said) {
        cad::dxf(harvest, said);
    } else if media.starts_with("message/") || named(&[".eml", ".mht", ".mhtml"]) || mail::is_mail(said) {
        mail::read(harvest, file.bytes);
    } else if head.starts_with('<') || media.contains("html") || media.contains("xml") {
        markup::read(harvest, said);
    } else if named(&[".csv", ".tsv"]) || media == "text/csv" || media == "text/tab-separated-values" {
        sheet::separated(harvest, said);
    } else {
        harvest.text("", said);
    }
}
