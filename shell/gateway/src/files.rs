//! Files that a request carries: opened, and what is in them laid beside the request's own texts.
//!
//! Decides nothing. What is found in a file is judged like any other text; where it would have to be replaced, the file is
//! left out of the call if its conduit says so, because nothing can be replaced inside. Pictures leave without what they
//! carry beside their pixels.

use crate::room::Room;
use extract::{Budget, Extracted, File, Kept, Limits};
use inspect::Changes;
use plant::{Attachments, Conduit, Files, Finding, Images, Reason, Refusal};
use policy::Passage;
use std::collections::{BTreeMap, BTreeSet};
use wire::{Part, Request, Substitute};

/// What opening the files of a request brought, beside what it added to the request's content.
#[derive(Default)]
pub struct Opened {
    /// The pictures among the files.
    pictures: BTreeSet<usize>,
    /// Pictures without what they carry beside their pixels, where they carry anything.
    stripped: BTreeMap<usize, Kept>,
    /// Pieces that are in no stripped picture.
    removed: BTreeSet<usize>,
}

/// Opens every file of a request and adds what it says, and what of it could not be read, to the request's content.
///
/// # Errors
/// If the files hold more texts than a request may have.
pub fn open_files(request: &mut Request<'_>) -> Result<Opened, Refusal> {
    let (mut budget, mut opened) = (Budget::new(&Limits::default()), Opened::default());
    for attachment in 0..request.attachments().len() {
        let found = {
            let Some(bytes) = bytes(request, attachment) else { continue };
            let own = request.attachments().get(attachment);
            let name = own.and_then(|own| own.name.as_deref());
            let media = own.and_then(|own| own.media.as_deref());
            extract::extract(&File { bytes: bytes.as_ref(), name, media }, &mut budget)
        };
        opened
            .add(request, attachment, found)
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

impl Opened {
    fn add(&mut self, request: &mut Request<'_>, attachment: usize, found: Extracted) -> Option<()> {
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
        // A picture in a document is as little read as one beside it.
        for place in found.pictures {
            request.add_within(attachment, &place, String::new(), Some("image/in-a-file".to_owned()))?;
        }
        for opaque in found.opaque {
            let kind = format!("opaque/{}", opaque.why.name());
            request.add_within(attachment, &opaque.place, String::new(), Some(kind))?;
        }
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
        fixed && !leaves_out && !self.removed.contains(&finding.piece)
    }

    /// What a permit asks to be replaced, apart for texts and for files. `files` is what its conduit does with files.
    ///
    /// # Errors
    /// If a picture would have to be left out of a call that is about it.
    pub fn replaced(
        &self,
        request: &Request<'_>,
        findings: &[Finding],
        terms: &Passage,
        files: Files,
    ) -> Result<Replaced, Refusal> {
        let mut left_out: BTreeMap<usize, String> = BTreeMap::new();
        if files.images == Images::Drop {
            left_out.extend(self.pictures.iter().map(|picture| (*picture, "attachment.image".to_owned())));
        }
        let mut in_texts = |indices: &[usize]| -> Vec<usize> {
            let keep = |index: &&usize| {
                let Some(finding) = findings.get(**index) else { return true };
                let Some(file) = request.attachment_of(finding.piece) else { return true };
                if !self.removed.contains(&finding.piece) {
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
        if left_out.keys().any(|file| !request.can_leave_out(*file)) {
            let detail = format!("conduit `{}` drops pictures, and the call is about one", terms.conduit);
            return Err(Refusal::new(Reason::ContentRefused, detail));
        }
        let stripped = self.stripped.iter().filter(|(file, _)| !left_out.contains_key(file));
        let mut files: Vec<Substitute> =
            stripped.map(|(file, kept)| Substitute::Rest { attachment: *file, parts: parts(kept) }).collect();
        let note = |(attachment, label)| Substitute::Note { attachment, text: format!("[file left out: {label}]") };
        files.extend(left_out.into_iter().map(note));
        Ok(Replaced { texts, files })
    }
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
