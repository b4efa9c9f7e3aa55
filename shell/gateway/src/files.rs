//! Files that a request carries: opened, and what is in them laid beside the request's own texts.
//!
//! Decides nothing. What is found in a file is judged like any other text; where it would have to be replaced, the file is
//! left out of the call if its conduit says so, because nothing can be replaced inside. Pictures leave without what they
//! carry beside their pixels, smaller or blurred if the conduit says so.

use crate::gallery::{KnownPictures, PictureSighting, Shown, lessened, look, why};
use crate::room::Room;
use crate::writing::Scribe;
use extract::{Budget, Extracted, File, Inside, Kept, Limits, Recording};
use inspect::Changes;
use ocr::{Area, Writing};
use pictures::Unread;
use plant::{Attachments, Conduit, Files, Finding, Images, Reason, Refusal};
use policy::Passage;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wire::{Part, Request, Substitute};

/// What a picture that is left out is called in its place.
const IMAGE: &str = "attachment.image";

/// What opening the files of a request brought, beside what it added to the request's content.
#[derive(Default)]
pub struct Opened {
    /// The pictures among the files.
    pictures: BTreeSet<usize>,
    /// Pictures without what they carry beside their pixels, where they carry anything.
    stripped: BTreeMap<usize, Kept>,
    /// Pieces that are in no stripped picture.
    removed: BTreeSet<usize>,
    /// The registered pictures that are among them.
    sightings: Vec<PictureSighting>,
    /// The recordings among the files.
    recordings: Vec<Recording>,
    /// What is written in pictures, by its piece.
    writings: BTreeMap<usize, Written>,
}

/// What is written in a picture.
struct Written {
    writing: Arc<Writing>,
    /// The longer side of the picture, if it is a file of its own, and so may leave smaller or not at all.
    side: Option<u32>,
}

/// Lower letters than this, in pixels of what leaves, are not read by anybody.
const LEGIBLE: u64 = 4;

impl Written {
    /// Whether what stands there cannot be read in what leaves.
    fn is_gone(&self, at: usize, files: Files) -> bool {
        let (Some(own), Some(area)) = (self.side, self.writing.area(at)) else { return false };
        let side = match files.images {
            Images::Drop => return true,
            Images::Strip => return false,
            Images::Downscale => files.image_side,
            Images::Blur => files.image_detail.min(files.image_side),
        };
        side < own && u64::from(area.height) * u64::from(side) < LEGIBLE * u64::from(own)
    }
}

/// Opens every file of a request and adds what it says, what its pictures show, and what of it could not be read, to the
/// request's content. `known` is what the plant registered; `scribe` reads what is written in pictures.
///
/// # Errors
/// If the files hold more texts than a request may have.
pub fn open_files(
    request: &mut Request<'_>,
    known: Option<&KnownPictures>,
    scribe: Option<&mut Scribe<'_>>,
) -> Result<Opened, Refusal> {
    let mut eye = Eye { known, scribe, pixels: pictures::Budget::new(&pictures::Limits::default()) };
    let (mut budget, mut opened) = (Budget::new(&Limits::default()), Opened::default());
    for attachment in 0..request.attachments().len() {
        let (found, shown) = {
            let Some(bytes) = bytes(request, attachment) else { continue };
            let own = request.attachments().get(attachment);
            let name = own.and_then(|own| own.name.as_deref());
            let media = own.and_then(|own| own.media.as_deref());
            let bytes = bytes.as_ref();
            (extract::extract(&File { bytes, name, media }, &mut budget), eye.look(bytes))
        };
        opened
            .show(request, attachment, shown)
            .and_then(|()| opened.add(request, attachment, found, &mut eye))
            .ok_or_else(|| Refusal::new(Reason::BodyTooLarge, "the files hold more texts than the limit"))?;
    }
    Ok(opened)
}

/// The bytes of a file: those in the body where they stand there as they are, else decoded into room of their own.
fn bytes<'a>(request: &Request<'a>, attachment: usize) -> Option<Held<'a>> {
    if let Some(bytes) = request.attachment_in_body(attachment) {
        return Some(Held::Body(bytes));
    }
    let mut room = Room::of(request.attachment_most(attachment)?);
    request.attachment_into(attachment, |piece| room.extend(piece))?;
    Some(Held::Own(room))
}

enum Held<'a> {
    Body(&'a [u8]),
    Own(Room),
}

impl AsRef<[u8]> for Held<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Body(bytes) => bytes,
            Self::Own(room) => room.as_ref(),
        }
    }
}

/// What looks at pictures, and how much it still may.
struct Eye<'k, 's> {
    known: Option<&'k KnownPictures>,
    scribe: Option<&'k mut Scribe<'s>>,
    pixels: pictures::Budget,
}

/// What a picture shows, and what is written in it if anybody reads that.
type Seen = (Shown, Option<Result<Arc<Writing>, ocr::Unread>>);

impl Eye<'_, '_> {
    /// What is seen of a picture; `None` if it is none that is decoded here.
    fn look(&mut self, bytes: &[u8]) -> Option<Result<Seen, Unread>> {
        let shown = look(bytes, &mut self.pixels, self.known);
        let written = |shown| (shown, self.scribe.as_mut().and_then(|scribe| scribe.look(bytes)));
        Some(shown.map(written)).filter(|seen| !matches!(seen, Err(Unread::Unknown)))
    }

    /// Whether a picture that cannot be looked at counts as unread, wherever it stands.
    fn is_strict(&self) -> bool {
        self.scribe.as_ref().is_some_and(|scribe| scribe.strict())
    }
}

impl Opened {
    /// Adds what a picture that is a file of its own shows.
    fn show(&mut self, request: &mut Request<'_>, attachment: usize, seen: Option<Result<Seen, Unread>>) -> Option<()> {
        match seen {
            None => Some(()),
            Some(Ok(seen)) => {
                request.shows(attachment, seen.0.kind.name());
                self.recognise(request, attachment, "", seen)
            }
            Some(Err(unread)) => {
                request.add_within(attachment, "", String::new(), Some(format!("opaque/{}", why(unread)))).map(|_| ())
            }
        }
    }

    /// Adds a picture that stands in a file. One that cannot be looked at is as little read as before there was anybody to look,
    /// unless the conduit asks for more.
    fn inside(
        &mut self,
        request: &mut Request<'_>,
        attachment: usize,
        picture: &Inside,
        eye: &mut Eye<'_, '_>,
    ) -> Option<()> {
        let place = picture.place.as_str();
        let seen = picture.bytes.as_deref().and_then(|bytes| eye.look(bytes)?.ok());
        let kind = seen.as_ref().map(|(shown, _)| format!("; shows={}", shown.kind.name())).unwrap_or_default();
        request.add_within(attachment, place, String::new(), Some(format!("image/in-a-file{kind}")))?;
        match seen {
            Some(seen) => self.recognise(request, attachment, place, seen),
            None if eye.is_strict() => unwritten(request, attachment, place),
            None => Some(()),
        }
    }

    /// Adds what is written in a picture, what codes in it say, and which registered pictures it looks like.
    fn recognise(
        &mut self,
        request: &mut Request<'_>,
        attachment: usize,
        place: &str,
        (shown, written): Seen,
    ) -> Option<()> {
        let within = |what: String| if place.is_empty() { what } else { format!("{place}: {what}") };
        for (number, code) in shown.codes.into_iter().enumerate() {
            let place = within(format!("{} {}", code.form, number + 1));
            request.add_within(attachment, &place, code.text, None)?;
        }
        match written {
            Some(Ok(writing)) if !writing.text.is_empty() => {
                let text = writing.text.clone();
                let piece = request.add_within(attachment, &within("writing".to_owned()), text, None)?;
                let side = place.is_empty().then_some(shown.side);
                self.writings.insert(piece, Written { writing, side });
            }
            Some(Err(_)) => unwritten(request, attachment, place)?,
            Some(Ok(_)) | None => {}
        }
        for sighting in shown.known {
            let place = within(format!("picture `{}`", sighting.picture));
            let piece = request.add_within(attachment, &place, String::new(), None)?;
            self.sightings.push(PictureSighting { piece, ..sighting });
        }
        Some(())
    }

    /// Where in its picture a finding stands, in pixels of the picture, if it was read there: the line that it begins in.
    #[must_use]
    pub fn area(&self, finding: &Finding) -> Option<Area> {
        self.writings.get(&finding.piece)?.writing.area(finding.span.start)
    }

    /// The pieces that were read in pictures.
    pub fn writings(&self) -> impl Iterator<Item = usize> {
        self.writings.keys().copied()
    }

    /// Whether what was found is not in what leaves, because a picture leaves bare, smaller, blurred or not at all.
    fn is_gone(&self, finding: &Finding, files: Files) -> bool {
        let written = self.writings.get(&finding.piece);
        self.removed.contains(&finding.piece)
            || written.is_some_and(|written| written.is_gone(finding.span.start, files))
    }

    /// The registered pictures that the request holds. [`Self::with_pictures`] has the same as findings.
    #[must_use]
    pub fn pictures(&self) -> &[PictureSighting] {
        &self.sightings
    }

    /// Findings that are ordered by piece and span, and those of registered pictures.
    #[must_use]
    pub fn with_pictures(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        if !self.sightings.is_empty() {
            findings.extend(self.sightings.iter().map(PictureSighting::finding));
            findings.sort_by_key(|finding| (finding.piece, finding.span.start));
        }
        findings
    }

    fn add(
        &mut self,
        request: &mut Request<'_>,
        attachment: usize,
        found: Extracted,
        eye: &mut Eye<'_, '_>,
    ) -> Option<()> {
        let said = request.attachments().get(attachment).is_some_and(|own| own.said);
        if request.attachments().get(attachment).is_some_and(|own| own.picture) {
            self.pictures.insert(attachment);
        }
        for text in found.texts {
            // A text file is a piece of the request already.
            if !(said && text.place.is_empty()) {
                let place = if text.hidden { format!("{} (hidden)", text.place) } else { text.place };
                let piece = request.add_within(attachment, &place, text.text, None)?;
                if text.removed {
                    self.removed.insert(piece);
                }
            }
        }
        for picture in &found.pictures {
            self.inside(request, attachment, picture, eye)?;
        }
        for opaque in found.opaque {
            let kind = format!("opaque/{}", opaque.why.name());
            request.add_within(attachment, &opaque.place, String::new(), Some(kind))?;
        }
        self.recordings.extend(found.recording);
        if let Some(stripped) = found.stripped {
            self.stripped.insert(attachment, stripped);
        }
        Some(())
    }

    /// Whether a finding stands where nothing can be replaced on this conduit, not even by leaving a file out.
    #[must_use]
    pub fn is_fixed(&self, request: &Request<'_>, finding: &Finding, conduit: &Conduit) -> bool {
        let fixed = request.content().pieces.get(finding.piece).is_none_or(|piece| piece.fixed);
        let file = request.attachment_of(finding.piece);
        let drops = conduit.files.attachments == Attachments::Drop;
        let leaves_out = drops && file.is_some_and(|file| request.can_leave_out(file));
        fixed && !leaves_out && !self.is_gone(finding, conduit.files)
    }

    /// Holds the recordings against what the conduit of a permit takes.
    ///
    /// # Errors
    /// If they sound longer together, or how long one sounds cannot be told.
    pub fn admit(&self, terms: &Passage) -> Result<(), Refusal> {
        let Some(most) = terms.bounds.audio else { return Ok(()) };
        let length = self.recordings.iter().try_fold(Duration::ZERO, |length, recording| match recording {
            Recording::Lasts(own) => Some(length.saturating_add(*own)),
            Recording::Untold => None,
        });
        let sounds = match length {
            Some(length) if length <= most => return Ok(()),
            Some(length) => format!("the recordings last {} s", length.as_secs()),
            None => "how long a recording lasts cannot be told".to_owned(),
        };
        let detail = format!("{sounds}, and conduit `{}` takes {} s", terms.conduit, most.as_secs());
        Err(Refusal::new(Reason::ContentRefused, detail))
    }

    /// What a permit asks to be replaced, apart for texts and for files. `files` is what its conduit does with files.
    ///
    /// # Errors
    /// If a picture would have to be left out of a call that is about it, or as of [`Self::admit`].
    pub fn replaced(
        &self,
        request: &Request<'_>,
        findings: &[Finding],
        terms: &Passage,
        files: Files,
    ) -> Result<Replaced, Refusal> {
        self.admit(terms)?;
        let mut left_out: BTreeMap<usize, String> = BTreeMap::new();
        if files.images == Images::Drop {
            left_out.extend(self.pictures.iter().map(|picture| (*picture, IMAGE.to_owned())));
        }
        let mut in_texts = |indices: &[usize]| -> Vec<usize> {
            let keep = |index: &&usize| {
                let Some(finding) = findings.get(**index) else { return true };
                let Some(file) = request.attachment_of(finding.piece) else { return true };
                if !self.is_gone(finding, files) {
                    left_out.entry(file).or_insert_with(|| finding.label.as_str().to_owned());
                }
                false
            };
            indices.iter().filter(keep).copied().collect()
        };
        let texts = Changes {
            redact: in_texts(&terms.redact),
            generalise: in_texts(&terms.generalise),
            tokenise: in_texts(&terms.tokenise),
            alike: terms.alike.clone(),
        };
        let mut lesser = BTreeMap::new();
        if matches!(files.images, Images::Downscale | Images::Blur) {
            for picture in self.pictures.iter().filter(|picture| !left_out.contains_key(picture)).collect::<Vec<_>>() {
                match bytes(request, *picture).map(|bytes| lessened(bytes.as_ref(), files)) {
                    Some(Ok(Some(bytes))) => drop(lesser.insert(*picture, bytes)),
                    Some(Ok(None)) => {}
                    // What cannot be made smaller does not leave as large as it came.
                    Some(Err(_)) | None => drop(left_out.insert(*picture, IMAGE.to_owned())),
                }
            }
        }
        if left_out.keys().any(|file| !request.can_leave_out(*file)) {
            let detail = format!("conduit `{}` drops pictures, and the call is about one", terms.conduit);
            return Err(Refusal::new(Reason::ContentRefused, detail));
        }
        let gone = |file: &usize| left_out.contains_key(file) || lesser.contains_key(file);
        let stripped = self.stripped.iter().filter(|(file, _)| !gone(file));
        let mut files: Vec<Substitute> =
            stripped.map(|(file, kept)| Substitute::Rest { attachment: *file, parts: parts(kept) }).collect();
        files.extend(lesser.into_iter().map(|(attachment, bytes)| Substitute::Bytes { attachment, bytes }));
        let note = |(attachment, label)| Substitute::Note { attachment, text: format!("[file left out: {label}]") };
        files.extend(left_out.into_iter().map(note));
        Ok(Replaced { texts, files })
    }
}

/// Adds that nobody has read what is written in a picture.
fn unwritten(request: &mut Request<'_>, attachment: usize, place: &str) -> Option<()> {
    request.add_within(attachment, place, String::new(), Some("opaque/unread-writing".to_owned())).map(|_| ())
}

/// What is left of a file, as the request takes it: stretches, so that a large picture is not held twice.
fn parts(kept: &Kept) -> Vec<Part> {
    let part = |part: &extract::Part| match part {
        extract::Part::Span(span) => Part::Span(span.clone()),
        extract::Part::Own(bytes) => Part::Own(bytes.clone()),
    };
    kept.parts().iter().map(part).collect()
}

/// What is replaced of a request.
pub struct Replaced {
    /// What is done with findings in texts.
    pub texts: Changes,
    /// Files to put in the place of others, or to leave out.
    pub files: Vec<Substitute>,
}
