//! The pictures of a call: decoded within limits, and said what they show.
//!
//! Decodes nothing itself, and decides nothing. A large picture takes a quarter of a gigabyte for a moment, so that
//! large ones are decoded one after another, whoever sent them.

use pictures::{Budget, Code, Gallery, Kind, Picture, Sight, Unread};
use plant::{Files, Finding, Images, Label, PictureId, RuleId, Sensitivity};
use prints::Keys;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// From this many pixels on, a picture is large: 12 million in three bytes are what 36 MiB of body are.
const LARGE: u64 = 12_000_000;

/// Held while a large picture is decoded.
static DECODING: Mutex<()> = Mutex::new(());

/// The pictures that the plant registered, and what finding one means.
pub struct KnownPictures {
    keys: Keys,
    gallery: Gallery,
    /// For each: what the finding is called, how it is labelled, and how sensitive that is.
    rules: Vec<(RuleId, Label, Sensitivity)>,
}

/// A registered picture that a call holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureSighting {
    /// The piece of the call that stands for it.
    pub piece: usize,
    /// The picture.
    pub picture: PictureId,
    /// How it is labelled.
    pub label: Label,
    /// How sensitive that makes the message.
    pub sensitivity: Sensitivity,
    /// The rule that saw it: `picture.NAME`.
    pub rule: RuleId,
    /// Whether every pixel is as bright as in the registered one.
    pub exact: bool,
    /// In how many of 160 signs the nearest two looks differ.
    pub distance: u32,
}

impl PictureSighting {
    pub(crate) fn finding(&self) -> Finding {
        let (label, rule) = (self.label.clone(), self.rule.clone());
        Finding { label, sensitivity: self.sensitivity, piece: self.piece, span: 0..0, rule }
    }
}

/// What a picture shows.
pub(crate) struct Shown {
    pub(crate) kind: Kind,
    /// What QR and bar codes in it say.
    pub(crate) codes: Vec<Code>,
    /// What is known of it, the nearest first; the pieces are still to be numbered.
    pub(crate) known: Vec<PictureSighting>,
    /// Its longer side in pixels.
    pub(crate) side: u32,
}

impl KnownPictures {
    /// Joins the registered pictures with how sensitive each makes a message; `sensitivity` says it of one.
    ///
    /// # Errors
    /// What `sensitivity` says of the first that it cannot tell.
    pub fn new<E>(
        keys: Keys,
        gallery: Gallery,
        sensitivity: impl Fn(&Label, Option<&str>) -> Result<Sensitivity, E>,
    ) -> Result<Self, E> {
        let mut rules = Vec::new();
        for picture in gallery.pictures() {
            let sensitivity = sensitivity(&picture.label, picture.sensitivity.as_deref())?;
            // Names of pictures are short enough for that.
            rules.extend(
                RuleId::new(format!("picture.{}", picture.id)).map(|id| (id, picture.label.clone(), sensitivity)),
            );
        }
        Ok(Self { keys, gallery, rules })
    }

    fn find(&self, picture: &Picture) -> Vec<PictureSighting> {
        /// Of a family of drawings, so many are named.
        const MOST: usize = 4;
        let sight = Sight::of(picture, &self.keys);
        let sighting = |one: &pictures::Recognised<'_>| {
            let (rule, label, sensitivity) = self.rules.get(one.index)?.clone();
            let (picture, exact, distance) = (one.picture.id.clone(), one.exact, one.distance);
            Some(PictureSighting { piece: 0, picture, label, sensitivity, rule, exact, distance })
        };
        self.gallery.find(&sight).iter().filter_map(sighting).take(MOST).collect()
    }
}

/// Looks at a picture.
pub(crate) fn look(bytes: &[u8], budget: &mut Budget, known: Option<&KnownPictures>) -> Result<Shown, Unread> {
    let _turn = turn(bytes);
    let picture = Picture::decode(bytes, budget)?;
    let (kind, codes) = (picture.kind(), picture.codes());
    let side = picture.width().max(picture.height());
    Ok(Shown { kind, codes, known: known.map(|known| known.find(&picture)).unwrap_or_default(), side })
}

/// A picture as an engine gets it; `None` if it cannot be looked at.
pub(crate) fn page(bytes: &[u8]) -> Option<ocr::Page> {
    /// A screen of 1,920 x 1,080 doubled, or a page of A4 at 300 dots per inch.
    const MOST: u64 = 8_700_000;
    let _turn = turn(bytes);
    let picture = Picture::decode(bytes, &mut Budget::new(&pictures::Limits::default())).ok()?;
    let pictures::Page { width, height, pixels, scale } = picture.page(MOST);
    Some(ocr::Page { width, height, pixels, scale })
}

/// A picture with as little in it as a conduit lets leave; `None` if it has no more than that.
pub(crate) fn lessened(bytes: &[u8], files: Files) -> Result<Option<Vec<u8>>, Unread> {
    let _turn = turn(bytes);
    let picture = || Picture::decode(bytes, &mut Budget::new(&pictures::Limits::default()));
    match files.images {
        Images::Strip | Images::Drop => Ok(None),
        Images::Downscale => picture()?.smaller(files.image_side),
        Images::Blur => picture()?.blurred(files.image_detail, files.image_side).map(Some),
    }
}

/// One word for why a picture cannot be looked at, as for other files.
pub(crate) fn why(unread: Unread) -> &'static str {
    match unread {
        Unread::Unknown => "unknown",
        Unread::Damaged => "damaged",
        Unread::TooLarge => "too-large",
    }
}

/// Waits until a picture may be decoded, if it is large; it may be until this is dropped.
fn turn(bytes: &[u8]) -> Option<MutexGuard<'static, ()>> {
    let large = pictures::pixels(bytes).is_some_and(|pixels| pixels >= LARGE);
    // Nothing is kept behind the lock that a panic could leave half done.
    large.then(|| DECODING.lock().unwrap_or_else(PoisonError::into_inner))
}
