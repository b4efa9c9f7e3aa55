//! Files: the texts inside, where they stand, and what cannot be read.
//!
//! Takes the bytes of one file and gives what a person or a model would read in it. Nothing is trusted: neither the
//! name nor the declared type decides what a file is, and every reader that its bytes fit is asked, so that a file that
//! is two things at once is read as both. What nobody here can read is [`Opaque`], never silence.
//!
//! ```text
//! bytes ─> kind ─┬─> text, markup, table, mail, RTF, CAD ─┐
//!                ├─> PDF ─────────────────────────────────┼─> Harvest { texts, opaque }, within a Budget
//!                └─> ZIP (Office), gzip, tar ─> bytes ────┘
//! ```
//!
//! It does not judge what the texts say; that is `inspect`.

mod archive;
mod audio;
mod cad;
mod cut;
mod harvest;
mod inflate;
mod kept;
mod kind;
mod mail;
mod markup;
mod office;
mod ogg;
mod pdf;
mod picture;
mod rtf;
mod sheet;
mod sound;
mod text;

#[cfg(test)]
mod tests;

pub use harvest::{Budget, Limits};
pub use kept::{Kept, Part};
pub use sound::Recording;

use harvest::Harvest;
use std::fmt;

/// A file as it came.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// Its bytes, transfer encodings undone.
    pub bytes: &'a [u8],
    /// The name that it was given, if any. It only helps to tell kinds of text from each other.
    pub name: Option<&'a str>,
    /// The media type that it was declared as, if any. It only helps to tell kinds and encodings of text.
    pub media: Option<&'a str>,
}

/// What was found in a file.
#[derive(Default)]
pub struct Extracted {
    /// The texts, in the order of the file.
    pub texts: Vec<Text>,
    /// What could not be read, and why.
    pub opaque: Vec<Opaque>,
    /// The pictures in the file. They are not read here.
    pub pictures: Vec<Inside>,
    /// The file itself without what it carries beside its pixels or its sound, if it is a picture or a recording that carries
    /// anything.
    pub stripped: Option<Kept>,
    /// How long the file itself sounds, if it is a recording or a film.
    pub recording: Option<Recording>,
}

/// A picture that stands in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Inside {
    /// Where it stands, as in [`Text`].
    pub place: String,
    /// Its bytes, if it stands there as a file of its own.
    pub bytes: Option<Vec<u8>>,
}

/// One text of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// Where it stands, for people: `page 3`, `sheet "Prices" A3:F3`, `entry "docs/a.docx": comments`. Names that could
    /// be content are shown as positions, so that it may go into a record.
    pub place: String,
    /// What it says.
    pub text: String,
    /// Whether people would not see it: white on white, vanished, deleted, in a note or in a property.
    pub hidden: bool,
    /// Whether it is not in [`Extracted::stripped`].
    pub removed: bool,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Where it stands, as in [`Text`]. Empty for the file itself.
    pub place: String,
    /// Why.
    pub why: Why,
}

/// Why something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It is encrypted, or asks for a password.
    Encrypted,
    /// It is of no kind that is read here.
    Unknown,
    /// It is not what its beginning says, or breaks off.
    Damaged,
    /// It, or what it unfolds to, is beyond the limits.
    TooLarge,
    /// It lies in more archives than are opened.
    TooDeep,
}

impl Why {
    /// One word for it, for media types and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Unknown => "unknown",
            Self::Damaged => "damaged",
            Self::TooLarge => "too-large",
            Self::TooDeep => "too-deep",
        }
    }
}

impl fmt::Debug for File<'_> {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Extracted {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { texts, opaque, pictures, stripped, recording } = self;
        let stripped = stripped.as_ref().map(Kept::len);
        let mut shape = f.debug_struct("Extracted");
        shape.field("texts", texts).field("opaque", opaque).field("pictures", pictures).field("stripped", &stripped);
        shape.field("recording", recording);
        shape.finish()
    }
}

impl fmt::Debug for Inside {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.as_ref().map(Vec::len);
        f.debug_struct("Inside").field("place", &self.place).field("bytes", &bytes).finish()
    }
}

impl fmt::Debug for Text {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("place", &self.place).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Reads a file. Takes what it uses from `budget`, which several files of one message share.
///
/// Takes time in the bytes given and the bytes that the budget lets unfold.
#[must_use]
pub fn extract(file: &File<'_>, budget: &mut Budget) -> Extracted {
    let mut harvest = Harvest::new(budget);
    kind::read(&mut harvest, file);
    harvest.finish()
}

/// Entry for fuzzing: the first byte picks a name, the rest is the file. Whatever comes, the limits hold.
pub fn fuzz(bytes: &[u8]) {
    const NAMES: [Option<&str>; 8] = [
        None,
        Some("a.csv"),
        Some("a.eml"),
        Some("a.html"),
        Some("a.dxf"),
        Some("a.stp"),
        Some("a.rtf"),
        Some("a.svg"),
    ];
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = NAMES.get(usize::from(*first) % NAMES.len()).copied().flatten();
    let limits = Limits { unfolded: 1 << 20, text: 1 << 18, texts: 256, entries: 64, ..Limits::default() };
    let found = extract(&File { bytes, name, media: None }, &mut Budget::new(&limits));
    debug_assert!(found.texts.len() <= limits.texts);
    debug_assert!(found.texts.iter().map(|text| text.text.len()).sum::<usize>() <= limits.text);
    debug_assert!(found.texts.iter().all(|text| !text.text.is_empty()));
}
