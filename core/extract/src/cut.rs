//! Pictures and recordings cut along their own segments: what shows or sounds is kept as it stands, the rest is taken out and
//! read.

use crate::harvest::Harvest;
use crate::inflate::{Wrapping, inflate};
use crate::kept::Kept;
use crate::{Why, text};

/// Most pieces that are taken out of one file: no camera or program writes as many, and each costs a note.
const MOST: usize = 8192;

/// A file cut up.
#[derive(Default)]
pub(crate) struct Cut<'a> {
    pub(crate) kept: Kept,
    /// What was taken out, by what it is, as it stood.
    pub(crate) taken: Vec<(&'static str, &'a [u8])>,
}

/// Cuts a file of one format; `None` if it does not go on as it begins.
pub(crate) type Cutter = for<'a> fn(&'a [u8]) -> Option<Cut<'a>>;

/// Reads what a file carries beside what it shows. Gives the file without it, if it carries anything; one that cannot be cut to
/// its end is damaged.
pub(crate) fn read(harvest: &mut Harvest<'_>, cutter: Cutter, bytes: &[u8]) -> Option<Kept> {
    let Some(cut) = cutter(bytes) else {
        harvest.opaque("", Why::Damaged);
        return None;
    };
    for (place, data) in &cut.taken {
        let unpacked = deflated(harvest, data);
        let mut said = String::new();
        strings(unpacked.as_deref().unwrap_or(data), &mut said);
        harvest.removed(place, said);
    }
    (!cut.kept.is(bytes)).then_some(cut.kept)
}

/// The text of a PNG chunk that holds it deflated, behind a keyword and a byte for the method.
fn deflated(harvest: &mut Harvest<'_>, chunk: &[u8]) -> Option<Vec<u8>> {
    let (kind, data) = chunk.split_at_checked(4)?;
    let keyword = memchr::memchr(0, data)?;
    let body = match kind {
        b"zTXt" => data.get(keyword + 2..)?,
        b"iTXt" if data.get(keyword + 1) == Some(&1) => {
            let rest = data.get(keyword + 3..)?;
            let language = memchr::memchr(0, rest)?;
            let rest = rest.get(language + 1..)?;
            rest.get(memchr::memchr(0, rest)? + 1..)?
        }
        _ => return None,
    };
    let (text, why) = inflate(harvest, body, Wrapping::Zlib);
    if let Some(why) = why {
        harvest.opaque("metadata", why);
    }
    Some([data.get(..keyword).unwrap_or_default(), b"\n", &text].concat())
}

/// Appends the texts in bytes: runs of four printed characters and more, one byte or two for each.
fn strings(bytes: &[u8], out: &mut String) {
    const SHORTEST: usize = 4;
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')) {
        return out.push_str(text);
    }
    let printed = |byte: u8| byte >= 0x20 && byte != 0x7f || matches!(byte, b'\n' | b'\t');
    for run in bytes.split(|byte| !printed(*byte)).filter(|run| run.len() >= SHORTEST) {
        out.push_str(&text::decode_as(run, None));
        out.push('\n');
    }
    let mut wide = String::new();
    let mut give = |wide: &mut String| {
        if wide.len() >= SHORTEST {
            out.push_str(wide);
            out.push('\n');
        }
        wide.clear();
    };
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        match after.first() {
            Some(0) if printed(*first) && first.is_ascii() => {
                wide.push(char::from(*first));
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                give(&mut wide);
                rest = after;
            }
        }
    }
    give(&mut wide);
}

impl<'a> Cut<'a> {
    /// Takes a piece out. `None` if there are more than a file has.
    pub(crate) fn take(&mut self, what: &'static str, bytes: &'a [u8]) -> Option<()> {
        if self.taken.len() >= MOST {
            return None;
        }
        self.taken.push((what, bytes));
        Some(())
    }

    /// Keeps the head of a RIFF, of 12 bytes; gives where the size that it states can be changed.
    pub(crate) fn riff(&mut self, bytes: &[u8]) -> Option<usize> {
        self.kept.span(0..4);
        let stated = self.kept.own(bytes.get(4..8)?);
        self.kept.span(8..12);
        Some(stated)
    }

    /// States the size of what is kept in the head of a RIFF.
    pub(crate) fn resize(&mut self, stated: usize) -> Option<()> {
        let size = u32::try_from(self.kept.len() - 8).ok()?;
        self.kept.own_at(stated)?.copy_from_slice(&size.to_le_bytes());
        Some(())
    }

    /// Takes what stands behind the end.
    pub(crate) fn behind(&mut self, bytes: &'a [u8], end: usize) {
        let rest = bytes.get(end..).unwrap_or_default();
        if !rest.is_empty() {
            self.taken.push(("behind the picture", rest));
        }
    }
}
