//! The files of registered documents, tables and pictures: read whole, replaced whole, readable by its owner alone.

use crate::assemble;
use crate::secrets::PlantKey;
use config::{Gateway, Loaded, private};
use gateway::KnownPictures;
use inspect::Known;
use miette::{IntoDiagnostic, bail, miette};
use pictures::{Gallery, Registered as Picture};
use plant::{DocumentId, InvalidId, Label, PictureId, TableId};
use prints::file::FileError;
use prints::{Collection, Document, Keys, Matcher, Sheet, Sheets, Table};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

/// Largest file. 100,000 documents of 3 KB take 140 MB.
const LARGEST: u64 = 2 << 30;
/// What to do where the scale has changed.
const ANEW: &str = "register it anew with a sensitivity of the plant file's scale";

/// What is registered in a file of its own.
pub(crate) trait Registered: Clone + Default + PartialEq {
    /// What one is called by.
    type Id: FromStr<Err = InvalidId> + Display + Ord;
    /// One that is registered.
    type One;
    /// What one is, in words.
    const NOUN: &str;
    /// The command that registers one.
    const COMMAND: &str;
    /// Its file.
    fn path(gateway: &Gateway) -> &Path;
    fn all(&self) -> &[Self::One];
    /// Forgets one; whether it was there.
    fn remove(&mut self, id: &Self::Id) -> bool;
    fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError>;
    fn encode(&self, keys: &Keys) -> Vec<u8>;
}

impl Registered for Collection {
    type Id = DocumentId;
    type One = Document;
    const NOUN: &str = "document";
    const COMMAND: &str = "penstock fingerprint add";

    fn path(gateway: &Gateway) -> &Path {
        &gateway.documents
    }

    fn all(&self) -> &[Document] {
        self.documents()
    }

    fn remove(&mut self, id: &DocumentId) -> bool {
        self.remove(id)
    }

    fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError> {
        Self::decode(bytes, keys)
    }

    fn encode(&self, keys: &Keys) -> Vec<u8> {
        self.encode(keys)
    }
}

impl Registered for Sheets {
    type Id = TableId;
    type One = Sheet;
    const NOUN: &str = "table";
    const COMMAND: &str = "penstock match add";

    fn path(gateway: &Gateway) -> &Path {
        &gateway.tables
    }

    fn all(&self) -> &[Sheet] {
        self.sheets()
    }

    fn remove(&mut self, id: &TableId) -> bool {
        self.remove(id)
    }

    fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError> {
        Self::decode(bytes, keys)
    }

    fn encode(&self, keys: &Keys) -> Vec<u8> {
        self.encode(keys)
    }
}

impl Registered for Gallery {
    type Id = PictureId;
    type One = Picture;
    const NOUN: &str = "picture";
    const COMMAND: &str = "penstock image add";

    fn path(gateway: &Gateway) -> &Path {
        &gateway.pictures
    }

    fn all(&self) -> &[Picture] {
        self.pictures()
    }

    fn remove(&mut self, id: &PictureId) -> bool {
        self.remove(id)
    }

    fn decode(bytes: &[u8], keys: &Keys) -> Result<Self, FileError> {
        Self::decode(bytes, keys)
    }

    fn encode(&self, keys: &Keys) -> Vec<u8> {
        self.encode(keys)
    }
}

/// The pictures that are to be known again; `None` if none is registered. A damaged file is an error, as for [`known`].
pub(crate) fn pictures(loaded: &Loaded, key: &PlantKey) -> miette::Result<Option<KnownPictures>> {
    let keys = key.prints();
    let gallery: Gallery = read(&loaded.gateway.pictures, &keys)?;
    let rule = plant::RuleId::new("picture").into_diagnostic()?;
    if gallery.pictures().is_empty() || loaded.inspect.disabled.contains(&rule) {
        return Ok(None);
    }
    tracing::info!(pictures = gallery.pictures().len(), "pictures are known again");
    let known = KnownPictures::new(keys, gallery, |label, name| match name {
        None => Ok(loaded.inspect.sensitivity(label)),
        Some(name) => loaded.plant.scale.step(name).ok_or_else(|| {
            miette!(help = ANEW, "a picture was registered as `{name}`, which is no sensitivity of the plant")
        }),
    });
    known.map(Some)
}

/// What the inspector is to know again; `None` if nothing is registered.
///
/// A file that is damaged is an error, and not an empty one: a gateway that starts without it would let pass what it was
/// told to hold.
pub(crate) fn known(loaded: &Loaded, key: &PlantKey) -> miette::Result<Option<Known>> {
    let keys = key.prints();
    let documents: Collection = read(&loaded.gateway.documents, &keys)?;
    let tables: Sheets = read(&loaded.gateway.tables, &keys)?;
    let (count, sheets) = (documents.documents().len(), tables.sheets().len());
    if count + sheets == 0 {
        return Ok(None);
    }
    tracing::info!(documents = count, tables = sheets, "what is registered is known again");
    let (table, values) = (Table::new(&documents), Matcher::new(tables));
    let known = Known::new(&loaded.inspect, &loaded.plant.scale, keys, table, values);
    known.map(Some).map_err(|problem| miette!(help = ANEW, "{problem}"))
}

/// The plant, and the keys that prints are made with.
pub(crate) fn open(plant: &Path) -> miette::Result<(Loaded, Keys)> {
    let loaded = assemble::load(plant)?;
    let keys = PlantKey::read(&loaded.gateway.keys)?.prints();
    Ok((loaded, keys))
}

/// A label for what is registered, if findings may have it: of its own family, or of the plant's dictionary.
pub(crate) fn label(text: &str, family: &str, loaded: &Loaded) -> miette::Result<Label> {
    let label = Label::new(text).into_diagnostic()?;
    let own = Label::new(family).is_ok_and(|family| family.covers(&label));
    if label.as_str() == "document.trace" {
        bail!("`document.trace` is what too little of a document is labelled, whichever it is");
    }
    if !own && !loaded.inspect.dictionary.contains_key(&label) {
        let help = format!("write `{family}`, `{family}.NAME`, or a label of `[dictionary]`");
        return Err(miette!(help = help, "the plant knows no label `{label}` for this"));
    }
    Ok(label)
}

/// A sensitivity, if the plant has it.
pub(crate) fn sensitivity(name: Option<&str>, loaded: &Loaded) -> miette::Result<Option<String>> {
    let scale = &loaded.plant.scale;
    match name {
        Some(name) if scale.step(name).is_none() => {
            let help = format!("its scale is {}", scale.names().join(", "));
            Err(miette!(help = help, "the plant has no sensitivity `{}`", name.escape_debug()))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

/// Reads a file. One that is not there holds nothing.
pub(crate) fn read<R: Registered>(path: &Path, keys: &Keys) -> miette::Result<R> {
    let failed = |problem: io::Error| miette!("cannot read `{}`: {problem}", path.display());
    let file = match File::open(path) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(R::default()),
        opened => opened.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(miette!("`{}` is larger than 2 GiB", path.display()));
    }
    let help = format!(
        "put it back from a backup, with the `plant.key` that it was made with; or remove it and register everything anew \
         with `{}`",
        R::COMMAND
    );
    R::decode(&bytes, keys).map_err(|problem| miette!(help = help, "`{}` cannot be used: {problem}", path.display()))
}

/// Lets `change` change what is registered, and writes it back if it did: one writer at a time, whole or not at all.
pub(crate) fn change<R: Registered, T>(
    path: &Path,
    keys: &Keys,
    change: impl FnOnce(&mut R) -> T,
) -> miette::Result<T> {
    // A link is followed, so that it is the file behind it that is replaced.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let failed = |problem: io::Error| miette!("cannot write `{}`: {problem}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder).map_err(failed)?;
    // Ends with the handle.
    folder.lock().map_err(failed)?;
    let before: R = read(path, keys)?;
    let mut after = before.clone();
    let result = change(&mut after);
    if after != before {
        private::replace(path, &folder, &after.encode(keys)).map_err(failed)?;
    }
    Ok(result)
}
