//! ZIP (APPNOTE 6.3) and tar (POSIX.1-2017, pax): every entry is read as a file of its own.
//!
//! Sizes and names that an archive states are not believed: what unfolds is counted as it unfolds, names are texts like
//! any other, and bytes that belong to no entry are said to be unread.

use crate::harvest::{Harvest, shown};
use crate::inflate::{Wrapping, inflate};
use crate::kind;
use crate::office;
use crate::{File, Why};
use rawzip::{CompressionMethod, ZipArchive, ZipSliceArchive};
use std::borrow::Cow;

/// One entry of a ZIP.
pub(crate) struct Entry<'a> {
    pub(crate) name: String,
    data: &'a [u8],
    method: CompressionMethod,
    encrypted: bool,
}

impl<'a> Entry<'a> {
    /// What it holds, and what kept that from being all of it.
    pub(crate) fn open(&self, harvest: &mut Harvest<'_>) -> (Cow<'a, [u8]>, Option<Why>) {
        if self.encrypted {
            return (Cow::Borrowed(&[]), Some(Why::Encrypted));
        }
        match self.method {
            CompressionMethod::STORE => (Cow::Borrowed(self.data), None),
            CompressionMethod::DEFLATE => {
                let (bytes, why) = inflate(harvest, self.data, Wrapping::Raw);
                (Cow::Owned(bytes), why)
            }
            _ => (Cow::Borrowed(&[]), Some(Why::Unknown)),
        }
    }
}

/// Reads a ZIP. False if it is none.
pub(crate) fn zip(harvest: &mut Harvest<'_>, bytes: &[u8]) -> bool {
    let Ok(archive) = ZipArchive::from_slice(bytes) else {
        let begins = bytes.starts_with(b"PK\x03\x04");
        if begins {
            harvest.opaque("", Why::Damaged);
        }
        return begins;
    };
    let entries = entries(harvest, &archive, bytes);
    if let Some(document) = office::Kind::of(&entries) {
        office::read(harvest, document, &entries);
        return true;
    }
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    harvest.text("entry names", names.join("\n"));
    for (position, entry) in entries.iter().enumerate() {
        single(harvest, position, entry);
    }
    true
}

/// Reads one entry as a file of its own.
pub(crate) fn single(harvest: &mut Harvest<'_>, position: usize, entry: &Entry<'_>) {
    harvest.within(&shown("entry", &entry.name, position), |harvest| {
        let (bytes, why) = entry.open(harvest);
        if let Some(why) = why {
            harvest.opaque("", why);
        }
        kind::read(harvest, &File { bytes: &bytes, name: Some(&entry.name), media: None });
    });
}

/// The entries of the directory, as many as may be read. Of two that share bytes the second is not opened: such an
/// archive unfolds to more than its bytes could hold (Fifield, "A better zip bomb", WOOT 2019).
fn entries<'a>(harvest: &mut Harvest<'_>, archive: &'a ZipSliceArchive<&'a [u8]>, bytes: &[u8]) -> Vec<Entry<'a>> {
    let mut entries = Vec::new();
    let (mut listed, mut ranges) = (archive.entries(), Vec::new());
    loop {
        let record = match listed.next_entry() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(_) => {
                harvest.opaque("", Why::Damaged);
                break;
            }
        };
        if !harvest.entry() {
            break;
        }
        let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
        match archive.get_entry(record.wayfinder()) {
            _ if record.is_dir() && record.compressed_size_hint() == 0 => {}
            Ok(own) => {
                let (start, end) = own.compressed_data_range();
                ranges.push((record.local_header_offset(), end, start, entries.len()));
                let (method, encrypted) = (record.compression_method(), record.flags().is_encrypted());
                entries.push(Entry { name, data: own.data(), method, encrypted });
            }
            Err(_) => harvest.opaque("", Why::Damaged),
        }
    }
    ranges.sort_unstable();
    let mut last = 0;
    let mut unread = 0;
    for (header, end, _, index) in ranges {
        if header < last {
            harvest.opaque("", Why::Damaged);
            if let Some(entry) = entries.get_mut(index) {
                entry.data = &[];
                entry.method = CompressionMethod::STORE;
            }
        }
        unread += header.saturating_sub(last);
        last = last.max(end);
    }
    unread += archive.directory_offset().saturating_sub(last);
    // Descriptors and alignment take some bytes for each entry.
    let slack = 64 * (entries.len() as u64 + 1);
    if unread > slack + 256 && !known_prefix(bytes) {
        harvest.opaque("between the entries", Why::Unknown);
    }
    entries
}

/// Whether a ZIP follows something that is read or labelled as what it is.
fn known_prefix(bytes: &[u8]) -> bool {
    kind::is_media(bytes) || bytes.starts_with(b"%PDF-")
}

/// Reads a tar: headers of 512 bytes, each followed by its file, padded.
pub(crate) fn tar(harvest: &mut Harvest<'_>, bytes: &[u8]) {
    const BLOCK: usize = 512;
    let (mut at, mut position) = (0, 0);
    while let Some(header) = bytes.get(at..at + BLOCK).filter(|header| header.iter().any(|byte| *byte != 0)) {
        if !harvest.entry() {
            return;
        }
        let size = number(header.get(124..136).unwrap_or_default());
        let data = size.and_then(|size| bytes.get(at + BLOCK..(at + BLOCK).checked_add(size)?));
        let (Some(data), Some(b"ustar")) = (data, header.get(257..262)) else {
            return harvest.opaque("", Why::Damaged);
        };
        let name = until_zero(header.get(..100).unwrap_or_default());
        // Long names (GNU `L`, pax `x` and `g`) are entries whose content is text.
        let kind = header.get(156).copied().unwrap_or_default();
        let step = shown("entry", &name, position);
        harvest.text(&format!("{step}: name"), name.clone());
        harvest.text(&format!("{step}: link"), until_zero(header.get(157..257).unwrap_or_default()));
        if !matches!(kind, b'1' | b'2' | b'5') {
            harvest.within(&step, |harvest| kind::read(harvest, &File { bytes: data, name: Some(&name), media: None }));
        }
        at += BLOCK + data.len().div_ceil(BLOCK) * BLOCK;
        position += 1;
    }
}

/// A number of a tar header: octal digits, or base 256 behind a set bit (GNU).
fn number(field: &[u8]) -> Option<usize> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let tail = field.get(field.len().checked_sub(8)?..)?;
        return usize::try_from(u64::from_be_bytes(tail.try_into().ok()?)).ok();
    }
    let text = until_zero(field);
    usize::from_str_radix(text.trim(), 8).ok()
}

fn until_zero(field: &[u8]) -> String {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
