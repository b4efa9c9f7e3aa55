//! The registered pictures: what each is called and how it looks. Of a picture nothing else is kept, and looks lie on the disk
//! under a keystream, so that whoever has the file and not the key cannot even compare them with a picture.
//!
//! ```text
//! "penstock pictures 1\n" | key 8 | pictures 4 | picture ... | checksum 16        numbers are little-endian
//! picture: name, label, sensitivity (each a byte for its length, then its text) | digest 16 | drawn 1 | whole 1 | looks 64 each
//! ```

use crate::decode::Picture;
use crate::look::{Kept, Sort, prototypes};
use crate::sight::Sight;
use plant::{Label, PictureId};
use prints::Keys;
use prints::file::{self, FileError, Parts, put_number, put_text};
use std::collections::HashSet;

pub(crate) const NAME: &[u8] = b"penstock pictures 1\n";
/// Most pictures: each is compared with each picture of a call.
const MOST: usize = 100_000;
/// Longest name: what findings are called by begins with `picture.`, and has at most 96 characters.
const LONGEST_NAME: usize = 80;
/// Most looks of one sort of one picture.
const MOST_LOOKS: usize = 64;

/// The registered pictures, in the order of their registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gallery {
    pictures: Vec<Registered>,
}

/// A registered picture, without what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What it is called.
    pub id: PictureId,
    /// How a message is labelled that holds it.
    pub label: Label,
    /// How sensitive that makes a message, by the plant's name for it; `None` leaves it to the label.
    pub sensitivity: Option<String>,
    digest: [u8; 16],
    drawn: Vec<Kept>,
    whole: Vec<Kept>,
}

impl Registered {
    /// How many looks are kept of it.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.drawn.len() + self.whole.len()
    }

    /// In how many of 160 signs a picture differs from it, by looks of one sort. `None` if one of the two has none.
    #[must_use]
    pub fn distance(&self, sort: Sort, sight: &Sight) -> Option<u32> {
        match sort {
            Sort::Drawn => sight.nearest(sort, &self.drawn),
            Sort::Whole => sight.nearest(sort, &self.whole),
        }
    }
}

/// A picture to be registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// What it is called. One that is registered under this name is replaced.
    pub id: PictureId,
    /// See [`Registered::label`].
    pub label: Label,
    /// See [`Registered::sensitivity`].
    pub sensitivity: Option<String>,
}

/// What registering a picture did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// How many looks are kept of it.
    pub looks: usize,
    /// Whether one of this name stood there before.
    pub replaced: bool,
    /// A registered picture that looks so much the same that the two will be taken for each other.
    pub like: Option<PictureId>,
}

/// A picture cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GalleryError {
    /// It shows nothing.
    #[error("it shows nothing that it could be known again by")]
    Plain,
    /// Its name is too long.
    #[error("its name is longer than 80 characters")]
    Name,
    /// Its sensitivity is no name.
    #[error("the name of its sensitivity is longer than 255 bytes")]
    Sensitivity,
    /// There are too many.
    #[error("100,000 pictures are registered, and there may not be more")]
    Full,
}

/// A registered picture that was known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised<'g> {
    /// The picture.
    pub picture: &'g Registered,
    /// Its index among [`Gallery::pictures`].
    pub index: usize,
    /// Whether every pixel is as bright as in the registered one.
    pub exact: bool,
    /// In how many of 160 signs the nearest two looks differ.
    pub distance: u32,
}

impl Gallery {
    /// The pictures, in the order of their registration.
    #[must_use]
    pub fn pictures(&self) -> &[Registered] {
        &self.pictures
    }

    /// Registers a picture. One that is there already is replaced.
    ///
    /// # Errors
    /// If it cannot be known again, or does not fit.
    pub fn add(&mut self, registration: Registration, picture: &Picture, keys: &Keys) -> Result<Added, GalleryError> {
        let Registration { id, label, sensitivity } = registration;
        if id.as_str().len() > LONGEST_NAME {
            return Err(GalleryError::Name);
        }
        if sensitivity.as_ref().is_some_and(|name| name.is_empty() || name.len() > usize::from(u8::MAX)) {
            return Err(GalleryError::Sensitivity);
        }
        let (sight, all) = (Sight::of(picture, keys), prototypes(picture));
        let of = |sort: Sort| all.iter().filter(|(own, _)| *own == sort).map(|(_, look)| *look).collect();
        let (drawn, whole): (Vec<Kept>, Vec<Kept>) = (of(Sort::Drawn), of(Sort::Whole));
        if drawn.is_empty() && whole.is_empty() {
            return Err(GalleryError::Plain);
        }
        let like = self.find(&sight).into_iter().map(|one| one.picture.id.clone()).find(|other| *other != id);
        let registered = Registered { id, label, sensitivity, digest: sight.digest, drawn, whole };
        let looks = registered.looks();
        let place = self.pictures.iter().position(|old| old.id == registered.id);
        if place.is_none() && self.pictures.len() >= MOST {
            return Err(GalleryError::Full);
        }
        match place.and_then(|place| self.pictures.get_mut(place)) {
            Some(old) => *old = registered,
            None => self.pictures.push(registered),
        }
        Ok(Added { looks, replaced: place.is_some(), like })
    }

    /// Forgets a picture; false if there is none of that name.
    pub fn remove(&mut self, id: &PictureId) -> bool {
        let before = self.pictures.len();
        self.pictures.retain(|picture| picture.id != *id);
        self.pictures.len() < before
    }

    /// Which of the pictures one looks like, the nearest first. Takes time in the registered pictures.
    #[must_use]
    pub fn find(&self, sight: &Sight) -> Vec<Recognised<'_>> {
        let mut found: Vec<Recognised<'_>> = Vec::new();
        for (index, picture) in self.pictures.iter().enumerate() {
            let near = Sort::ALL
                .into_iter()
                .filter_map(|sort| picture.distance(sort, sight).filter(|distance| *distance <= sort.farthest()));
            let distance = near.min();
            let exact = picture.digest == sight.digest;
            if exact || distance.is_some() {
                let distance = distance.filter(|_| !exact).unwrap_or_default();
                found.push(Recognised { picture, index, exact, distance });
            }
        }
        found.sort_by_key(|one| (!one.exact, one.distance, one.index));
        found
    }

    /// The bytes of its file.
    #[must_use]
    pub fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut body = Vec::new();
        put_number(&mut body, u32::try_from(self.pictures.len()).unwrap_or(u32::MAX));
        for picture in &self.pictures {
            put_text(&mut body, picture.id.as_str());
            put_text(&mut body, picture.label.as_str());
            put_text(&mut body, picture.sensitivity.as_deref().unwrap_or_default());
            body.extend_from_slice(&picture.digest);
            for looks in [&picture.drawn, &picture.whole] {
                body.push(u8::try_from(looks.len()).unwrap_or(u8::MAX));
            }
            let looks = picture.drawn.iter().chain(&picture.whole).flat_map(Kept::words);
            let plain: Vec<u8> = looks.flat_map(u64::to_le_bytes).collect();
            body.extend(covered(&plain, &picture.digest, keys));
        }
        file::close(NAME, keys, &body)
    }

    /// Reads the bytes of a file. What is read is encoded as the same bytes.
    ///
    /// # Errors
    /// If it is not such a file, or not of this key, or not whole.
    pub fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError> {
        let mut parts = file::open(NAME, keys, bytes)?;
        let count = parts.size()?;
        if count > MOST {
            return Err(parts.malformed());
        }
        let (mut pictures, mut names) = (Vec::new(), HashSet::new());
        for _ in 0..count {
            let picture = registered(&mut parts, keys)?;
            if !names.insert(picture.id.clone()) {
                return Err(parts.malformed());
            }
            pictures.push(picture);
        }
        if parts.is_empty() { Ok(Self { pictures }) } else { Err(parts.malformed()) }
    }
}

fn registered(parts: &mut Parts<'_>, keys: &Keys) -> Result<Registered, FileError> {
    let malformed = parts.malformed();
    let id = PictureId::new(parts.text()?).ok().filter(|id| id.as_str().len() <= LONGEST_NAME);
    let (id, label) = (id.ok_or(malformed)?, Label::new(parts.text()?).map_err(|_| malformed)?);
    let sensitivity = Some(parts.text()?.to_owned()).filter(|name| !name.is_empty());
    let digest = parts.bytes(16)?.first_chunk().copied().ok_or(malformed)?;
    let (drawn, whole) = (usize::from(parts.byte()?), usize::from(parts.byte()?));
    if drawn.max(whole) > MOST_LOOKS || drawn + whole == 0 {
        return Err(malformed);
    }
    let plain = covered(parts.bytes((drawn + whole) * 64)?, &digest, keys);
    let word = |word: &[u8]| word.first_chunk().copied().map(u64::from_le_bytes);
    let words: Vec<u64> = plain.chunks_exact(8).filter_map(word).collect();
    let mut looks: Vec<Kept> =
        words.chunks_exact(8).filter_map(|own| own.first_chunk().copied()).map(Kept::read).collect();
    let whole = looks.split_off(drawn.min(looks.len()));
    Ok(Registered { id, label, sensitivity, digest, drawn: looks, whole })
}

/// Bytes under the keystream of a picture, or from under it. Its digest is another for every other picture, so that no
/// stretch of the stream covers two.
fn covered(bytes: &[u8], digest: &[u8; 16], keys: &Keys) -> Vec<u8> {
    let blocks = (0u32..).zip(bytes.chunks(16));
    let block = |(number, block): (u32, &[u8])| {
        let stream = keys.digest("look", &[digest, &number.to_le_bytes()]);
        block.iter().zip(stream).map(|(byte, own)| byte ^ own).collect::<Vec<u8>>()
    };
    blocks.flat_map(block).collect()
}
