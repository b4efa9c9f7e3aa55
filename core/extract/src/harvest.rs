//! What readers put their finds into, and what they may spend on it.

use crate::kept::Kept;
use crate::{Extracted, Inside, Opaque, Recording, Text, Why};
use std::fmt::Write;

/// What the files of one message may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that compressed data may unfold to, all together.
    pub unfolded: usize,
    /// Most times that one compressed stream may grow, once it is beyond a mebibyte.
    pub ratio: usize,
    /// Most bytes of text.
    pub text: usize,
    /// Most texts.
    pub texts: usize,
    /// Most entries of archives, parts of mails and objects of documents.
    pub entries: usize,
    /// Most archives, mails and documents within each other.
    pub depth: usize,
}

impl Default for Limits {
    /// 128 MiB unfolded, 200 times as large, 32 MiB of text in 50,000 texts, 20,000 entries, four within each other:
    /// a mail in an archive with a document that has a table in it.
    fn default() -> Self {
        Self { unfolded: 128 << 20, ratio: 200, text: 32 << 20, texts: 50_000, entries: 20_000, depth: 4 }
    }
}

/// What is left of the limits.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Limits,
}

impl Budget {
    /// All of it.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { left: *limits }
    }
}

/// Finds, and the place at which the reader is.
pub(crate) struct Harvest<'b> {
    budget: &'b mut Budget,
    found: Extracted,
    /// Where the reader is, outermost first.
    place: String,
    depth: usize,
}

impl<'b> Harvest<'b> {
    pub(crate) fn new(budget: &'b mut Budget) -> Self {
        Self { budget, found: Extracted::default(), place: String::new(), depth: 0 }
    }

    pub(crate) fn finish(self) -> Extracted {
        self.found
    }

    /// Takes a text that stands in plain sight.
    pub(crate) fn text(&mut self, place: &str, text: impl Into<String>) {
        self.take(place, text.into(), false, false);
    }

    /// Takes a text that people would not see.
    pub(crate) fn hidden(&mut self, place: &str, text: impl Into<String>) {
        self.take(place, text.into(), true, false);
    }

    /// Takes a text that a picture carries, and that is taken out of it if the picture is the file itself.
    pub(crate) fn removed(&mut self, place: &str, text: impl Into<String>) {
        self.take(place, text.into(), true, self.depth == 0);
    }

    /// Takes the file itself without what it carries.
    pub(crate) fn stripped(&mut self, kept: Kept) {
        self.found.stripped = Some(kept);
    }

    /// Notes how long the file itself sounds.
    pub(crate) fn sounds(&mut self, recording: Recording) {
        if self.depth == 0 {
            self.found.recording = Some(recording);
        }
    }

    fn take(&mut self, place: &str, text: String, hidden: bool, removed: bool) {
        if text.chars().all(char::is_whitespace) {
            return;
        }
        let left = &mut self.budget.left;
        if left.texts == 0 || left.text < text.len() {
            return self.opaque(place, Why::TooLarge);
        }
        left.texts -= 1;
        left.text -= text.len();
        let place = self.at(place);
        self.found.texts.push(Text { place, text, hidden, removed });
    }

    /// Notes what could not be read. The same is said once.
    pub(crate) fn opaque(&mut self, place: &str, why: Why) {
        const MOST: usize = 64;
        let opaque = Opaque { place: self.at(place), why };
        if self.found.opaque.len() < MOST && self.found.opaque.last() != Some(&opaque) {
            self.found.opaque.push(opaque);
        }
    }

    /// Notes a picture in the file, with its bytes where they are those of a file. Of those without, one for each place;
    /// and of more than may be, that they are not looked at.
    pub(crate) fn picture(&mut self, place: &str, bytes: Option<&[u8]>) {
        const MOST: usize = 256;
        let picture = Inside { place: self.at(place), bytes: bytes.map(<[u8]>::to_vec) };
        let said = picture.bytes.is_none() && self.found.pictures.last() == Some(&picture);
        if self.found.pictures.len() < MOST {
            self.found.pictures.extend(Some(picture).filter(|_| !said));
        } else if !said {
            self.opaque(place, Why::TooLarge);
        }
    }

    /// Whether it reads something that lies in something else.
    pub(crate) fn is_inside(&self) -> bool {
        self.depth > 0
    }

    /// Whether one more entry may be read; if not, that is noted.
    pub(crate) fn entry(&mut self) -> bool {
        match self.budget.left.entries.checked_sub(1) {
            Some(left) => {
                self.budget.left.entries = left;
                true
            }
            None => {
                self.opaque("", Why::TooLarge);
                false
            }
        }
    }

    /// Most bytes of text that are still taken.
    pub(crate) fn text_left(&self) -> usize {
        self.budget.left.text
    }

    /// Reads something inside at a place of its own.
    pub(crate) fn within(&mut self, step: &str, read: impl FnOnce(&mut Self)) {
        if self.depth >= self.budget.left.depth {
            return self.opaque(step, Why::TooDeep);
        }
        let length = self.place.len();
        self.place = self.at(step);
        self.depth += 1;
        read(self);
        self.depth -= 1;
        self.place.truncate(length);
    }

    /// Most bytes that this much compressed data may unfold to now.
    pub(crate) fn room(&self, compressed: usize) -> usize {
        const SMALL: usize = 1 << 20;
        self.budget.left.unfolded.min(compressed.saturating_mul(self.budget.left.ratio).max(SMALL))
    }

    /// Counts bytes that were unfolded.
    pub(crate) fn unfolded(&mut self, bytes: usize) {
        self.budget.left.unfolded = self.budget.left.unfolded.saturating_sub(bytes);
    }

    fn at(&self, step: &str) -> String {
        match (self.place.is_empty(), step.is_empty()) {
            (true, _) => step.to_owned(),
            (_, true) => self.place.clone(),
            _ => format!("{}: {step}", self.place),
        }
    }
}

/// A name as it may be shown in a record: in quotes if it says nothing of anyone, else its position.
pub(crate) fn shown(what: &str, name: &str, position: usize) -> String {
    const LONGEST: usize = 48;
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-/".contains(&byte));
    let mut out = what.to_owned();
    let written = if plain && !name.is_empty() && name.len() <= LONGEST && digits <= 4 {
        write!(out, " \"{name}\"")
    } else {
        write!(out, " {}", position + 1)
    };
    debug_assert!(written.is_ok(), "a string takes everything");
    out
}
