//! The registered documents: what each is called and how it prints. Grows and shrinks by documents; nothing else of them
//! is kept, so that this is enough to add one to a hundred thousand.

use crate::file::{self, FileError, put_number, put_text};
use crate::group::Groups;
use crate::key::Keys;
use crate::list::Prints;
use crate::winnow::winnow;
use plant::{CollectionId, DocumentId, Label};
use std::collections::{HashMap, HashSet};

pub(crate) const NAME: &[u8] = b"penstock documents 1\n";
/// Of a file in which a document is of a collection. Where none is, it stays one that earlier versions read.
pub(crate) const NAME_2: &[u8] = b"penstock documents 2\n";
/// Most documents: their numbers and those of groups fit 22 bits beside a print.
const MOST: usize = 1_000_000;
/// Longest document in letters; a book has a million. A longer one is registered in parts.
const LONGEST: u32 = 32 << 20;
/// Fewest prints. With fewer, nothing could be told from a chance.
const FEWEST: u32 = 4;
/// Longest name: what findings are called by begins with `document.`, and has at most 96 characters.
const LONGEST_NAME: usize = 80;

/// The registered documents, in the order of their registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    documents: Vec<Document>,
}

/// A registered document, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is called.
    pub id: DocumentId,
    /// How a message is labelled that repeats it.
    pub label: Label,
    /// How sensitive that makes a message, by the plant's name for it; `None` leaves it to the label.
    pub sensitivity: Option<String>,
    /// Its text is public: it is no evidence, wherever it stands.
    pub public: bool,
    /// The collection that it is of, for data sources to name; at most 80 characters.
    pub collection: Option<CollectionId>,
    /// Near-duplicates have the same number.
    pub(crate) group: u32,
    /// How many letters and digits it has.
    pub letters: u32,
    pub(crate) prints: Prints,
}

impl Document {
    /// How many prints are kept of it.
    #[must_use]
    pub fn prints(&self) -> u32 {
        self.prints.len()
    }
}

/// A document to be registered.
#[derive(Clone, Debug)]
pub struct Registration {
    /// What it is called. One that is registered under this name is replaced.
    pub id: DocumentId,
    /// See [`Document::label`].
    pub label: Label,
    /// See [`Document::sensitivity`].
    pub sensitivity: Option<String>,
    /// See [`Document::public`].
    pub public: bool,
    /// See [`Document::collection`].
    pub collection: Option<CollectionId>,
}

/// What registering a document did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// How many prints are kept of it.
    pub prints: u32,
    /// Whether one of this name stood there before.
    pub replaced: bool,
    /// A document that is much the same, if one is: the two are of one group.
    pub like: Option<DocumentId>,
}

/// A document cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CollectionError {
    /// It has too little text.
    #[error("it has too little text to be known again: about a hundred letters are needed")]
    Short,
    /// It has too much text.
    #[error("it has more than 32 million letters; register it in parts")]
    Long,
    /// Its name is too long.
    #[error("its name is longer than 80 characters")]
    Name,
    /// Its sensitivity is no name.
    #[error("the name of its sensitivity is longer than 255 bytes")]
    Sensitivity,
    /// There are too many.
    #[error("a million documents are registered, and there may not be more")]
    Full,
}

impl Collection {
    /// The documents, in the order of their registration.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Registers documents, each with its text, and tells of each whether it could be. One that is there already is
    /// replaced.
    pub fn add<T: AsRef<str>>(
        &mut self,
        all: impl IntoIterator<Item = (Registration, T)>,
        keys: &Keys,
        mut added: impl FnMut(&DocumentId, Result<Added, CollectionError>),
    ) {
        let mut groups = Groups::of(&self.documents);
        let places = self.documents.iter().enumerate();
        let mut places: HashMap<DocumentId, usize> = places.map(|(at, one)| (one.id.clone(), at)).collect();
        for (registration, text) in all {
            let id = registration.id.clone();
            let place = places.get(&id).copied();
            let done = self.add_one(registration, text.as_ref(), keys, place, &mut groups);
            let fresh = place.is_none() && done.is_ok();
            added(&id, done);
            if fresh {
                places.insert(id, self.documents.len() - 1);
            }
        }
        self.number_groups();
    }

    /// Registers a document, in the place of the one of its name if there is one.
    fn add_one(
        &mut self,
        registration: Registration,
        text: &str,
        keys: &Keys,
        place: Option<usize>,
        groups: &mut Groups,
    ) -> Result<Added, CollectionError> {
        let Registration { id, label, sensitivity, public, collection } = registration;
        let too_long = |name: &CollectionId| name.as_str().len() > LONGEST_NAME;
        if id.as_str().len() > LONGEST_NAME || collection.as_ref().is_some_and(too_long) {
            return Err(CollectionError::Name);
        }
        if sensitivity.as_ref().is_some_and(|name| name.is_empty() || name.len() > usize::from(u8::MAX)) {
            return Err(CollectionError::Sensitivity);
        }
        let mut prints = Vec::new();
        let letters = winnow(text, keys, |kept| prints.push(kept.print));
        if letters > LONGEST {
            return Err(CollectionError::Long);
        }
        let prints = Prints::new(prints);
        if prints.len() < FEWEST {
            return Err(CollectionError::Short);
        }
        let like = groups.like(&self.documents, &prints).and_then(|like| self.documents.get(like));
        let old = place.and_then(|place| self.documents.get(place)).filter(|old| old.prints == prints);
        let group = like.or(old).map_or_else(|| groups.begin(), |alike| alike.group);
        let like = like.map(|like| like.id.clone()).filter(|like| *like != id);
        groups.join(group, place.unwrap_or(self.documents.len()), &prints);
        let added = Added { prints: prints.len(), replaced: place.is_some(), like };
        let document = Document { id, label, sensitivity, public, collection, group, letters, prints };
        if place.is_none() && self.documents.len() >= MOST {
            return Err(CollectionError::Full);
        }
        match place.and_then(|place| self.documents.get_mut(place)) {
            Some(old) => *old = document,
            None => self.documents.push(document),
        }
        Ok(added)
    }

    /// Numbers the groups by their first documents, so that the numbers stay small whatever comes and goes.
    fn number_groups(&mut self) {
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        for document in &mut self.documents {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            document.group = *numbers.entry(document.group).or_insert(next);
        }
    }

    /// Forgets a document; says whether it was there.
    pub fn remove(&mut self, id: &DocumentId) -> bool {
        let before = self.documents.len();
        self.documents.retain(|document| document.id != *id);
        self.documents.len() < before
    }

    /// The bytes of its file.
    #[must_use]
    pub fn encode(&self, keys: &Keys) -> Vec<u8> {
        let collected = self.documents.iter().any(|document| document.collection.is_some());
        let mut body = Vec::with_capacity(self.documents.iter().map(|one| one.prints.steps().len() + 64).sum());
        put_number(&mut body, u32::try_from(self.documents.len()).unwrap_or(u32::MAX));
        for document in &self.documents {
            put_text(&mut body, document.id.as_str());
            put_text(&mut body, document.label.as_str());
            put_text(&mut body, document.sensitivity.as_deref().unwrap_or_default());
            body.push(u8::from(document.public));
            if collected {
                put_text(&mut body, document.collection.as_ref().map_or("", CollectionId::as_str));
            }
            let steps = document.prints.steps();
            let length = u32::try_from(steps.len()).unwrap_or(u32::MAX);
            for number in [document.group, document.letters, document.prints.len(), length] {
                put_number(&mut body, number);
            }
            body.extend_from_slice(steps);
        }
        file::close(if collected { NAME_2 } else { NAME }, keys, &body)
    }

    /// Reads the bytes of a file. What is read is encoded as the same bytes.
    ///
    /// # Errors
    /// If it is not such a file, or not of this key, or not whole.
    pub fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError> {
        let (mut parts, collected) = match file::open(NAME, keys, bytes) {
            Err(FileError::Foreign) => (file::open(NAME_2, keys, bytes)?, true),
            opened => (opened?, false),
        };
        let count = parts.size()?;
        if count > MOST {
            return Err(parts.malformed());
        }
        let mut documents = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..count {
            let malformed = parts.malformed();
            let id = DocumentId::new(parts.text()?).ok().filter(|id| id.as_str().len() <= LONGEST_NAME);
            let (id, label) = (id.ok_or(malformed)?, Label::new(parts.text()?).map_err(|_| malformed)?);
            let sensitivity = Some(parts.text()?.to_owned()).filter(|name| !name.is_empty());
            let public = match parts.byte()? {
                0 => false,
                1 => true,
                _ => return Err(malformed),
            };
            let collection = match if collected { parts.text()? } else { "" } {
                "" => None,
                name if name.len() > LONGEST_NAME => return Err(malformed),
                name => Some(CollectionId::new(name).map_err(|_| malformed)?),
            };
            let (group, letters, prints, length) = (parts.number()?, parts.number()?, parts.number()?, parts.size()?);
            let prints = Prints::read(prints, parts.bytes(length)?).map_err(|_| malformed)?;
            if group as usize >= MOST || prints.len() < FEWEST || !names.insert(id.clone()) {
                return Err(malformed);
            }
            documents.push(Document { id, label, sensitivity, public, collection, group, letters, prints });
        }
        // What is read is encoded as the same bytes.
        let fits = !collected || documents.iter().any(|document| document.collection.is_some());
        if parts.is_empty() && fits { Ok(Self { documents }) } else { Err(parts.malformed()) }
    }
}
