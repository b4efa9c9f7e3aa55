//! What a pack lies in: a folder or a zip. Writes both, and reads both as if a stranger had made them.
//!
//! Nothing is ever unpacked to disk. Names are compared with those that a pack can have before anything is opened, so
//! `..`, absolute paths, links and devices lead nowhere; every read has a limit, so a bomb goes off at its rim.

use super::stamps::FILES_LIMIT;
use super::{BYTES_LIMIT, FIXED, RECORDS_LIMIT, is_name};
use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// The named files, the proofs, the time stamps, and the folders.
const ENTRIES_LIMIT: usize = RECORDS_LIMIT + FIXED.len() + FILES_LIMIT + FOLDERS.len();
/// Where files lie that are not at the top.
const FOLDERS: [&str; 3] = ["trust", "proofs", "anchors"];

/// Why a pack cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VesselError {
    /// A file or folder cannot be read or written.
    #[error("`{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something would be written over.
    #[error("`{0}` is there already")]
    There(PathBuf),
    /// The zip is malformed.
    #[error("the zip is malformed: {0}")]
    Zip(#[from] rawzip::Error),
    /// A name that no pack has, shown without what a terminal would obey.
    #[error("it holds `{0}`, and no pack has a file of that name")]
    Name(String),
    /// Two files have one name.
    #[error("it holds `{0}` twice")]
    Twice(String),
    /// A link, a device, an encrypted file, or a compression other than Deflate.
    #[error("`{0}` is not a plain file")]
    Kind(String),
    /// Files that share bytes: what small bombs are made of.
    #[error("`{0}` lies over another file of the zip")]
    Overlap(String),
    /// More files, or larger ones, than a pack has.
    #[error("it holds more than a pack can hold")]
    TooMuch,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> VesselError + use<'_> {
    move |source| VesselError::Io { path: path.to_owned(), source }
}

/// Where a pack is written. It appears at its place when it is complete, and never over something else.
pub struct Sink {
    place: PathBuf,
    begun: Begun,
}

enum Begun {
    Folder(TempDir),
    Zip(Box<rawzip::ZipArchiveWriter<BufWriter<NamedTempFile>>>),
}

impl Sink {
    /// Begins a pack: a zip if the name ends in `.zip`, else a folder.
    ///
    /// # Errors
    /// If something is there already, or nothing can be written beside it.
    pub fn new(place: &Path) -> Result<Self, VesselError> {
        if fs::symlink_metadata(place).is_ok() {
            return Err(VesselError::There(place.to_owned()));
        }
        let beside = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let begun = if place.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip")) {
            let file = NamedTempFile::new_in(beside).map_err(io_error(beside))?;
            Begun::Zip(Box::new(rawzip::ZipArchiveWriter::new(BufWriter::new(file))))
        } else {
            Begun::Folder(TempDir::new_in(beside).map_err(io_error(beside))?)
        };
        Ok(Self { place: place.to_owned(), begun })
    }

    /// Writes one file; `fill` writes what is in it.
    pub(super) fn file<E: From<VesselError>>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |source| VesselError::Io { path: self.place.join(name), source };
        match &mut self.begun {
            Begun::Folder(folder) => {
                let path = folder.path().join(name);
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(failed)?;
                }
                let mut out = BufWriter::new(File::create_new(&path).map_err(failed)?);
                fill(&mut out)?;
                out.flush().map_err(failed)?;
            }
            Begun::Zip(archive) => {
                let file = archive.new_file(name).compression_method(CompressionMethod::DEFLATE);
                let (mut entry, config) = file.unix_permissions(0o644).start().map_err(VesselError::Zip)?;
                let mut out = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
                fill(&mut out)?;
                let (encoder, descriptor) = out.finish().map_err(VesselError::Zip)?;
                encoder.finish().map_err(failed)?;
                entry.finish(descriptor).map_err(VesselError::Zip)?;
            }
        }
        Ok(())
    }

    /// Puts the whole into its place.
    pub(super) fn finish(self) -> Result<(), VesselError> {
        let Self { place, begun } = self;
        match begun {
            Begun::Folder(folder) => {
                // A rename takes the place of an empty folder that came in between, and of nothing else.
                fs::rename(folder.path(), &place).map_err(io_error(&place))?;
                // It is not there any more; nothing is left to remove.
                let _ = folder.keep();
            }
            Begun::Zip(archive) => {
                let out = archive.finish()?;
                let file = out.into_inner().map_err(|error| io_error(&place)(error.into_error()))?;
                file.persist_noclobber(&place).map_err(|error| io_error(&place)(error.error))?;
            }
        }
        Ok(())
    }
}

/// A pack as it lies there.
pub(super) enum Source {
    Folder(PathBuf, BTreeSet<String>),
    Zip(Box<ZipArchive<FileReader>>, BTreeMap<String, (ZipArchiveEntryWayfinder, CompressionMethod)>),
}

impl Source {
    /// Looks through names and sizes.
    pub(super) fn open(place: &Path) -> Result<Self, VesselError> {
        if fs::metadata(place).map_err(io_error(place))?.is_dir() {
            let mut names = BTreeSet::new();
            list(place, "", &mut names)?;
            FOLDERS.iter().try_for_each(|folder| list(place, folder, &mut names))?;
            Ok(Self::Folder(place.to_owned(), names))
        } else {
            open_zip(File::open(place).map_err(io_error(place))?)
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Folder(_, names) => names.iter().map(String::as_str).collect(),
            Self::Zip(_, entries) => entries.keys().map(String::as_str).collect(),
        }
    }

    /// Opens a file for reading, at most `limit` bytes of it; `None` if it is not there.
    pub(super) fn open_file(&self, name: &str, limit: u64) -> Result<Option<Box<dyn Read + '_>>, VesselError> {
        match self {
            Self::Folder(root, names) if names.contains(name) => {
                let path = root.join(name);
                let file = File::open(&path).map_err(io_error(&path))?;
                Ok(Some(Box::new(file.take(limit))))
            }
            Self::Zip(archive, entries) => match entries.get(name) {
                Some((place, method)) => {
                    let entry = archive.get_entry(*place)?;
                    let reader: Box<dyn Read> = if *method == CompressionMethod::STORE {
                        Box::new(entry.verifying_reader(entry.reader()).take(limit))
                    } else {
                        let inflated = DeflateDecoder::new(BufReader::new(entry.reader()));
                        Box::new(entry.verifying_reader(inflated).take(limit))
                    };
                    Ok(Some(reader))
                }
                None => Ok(None),
            },
            Self::Folder(..) => Ok(None),
        }
    }
}

/// Adds the files of one folder of a pack.
fn list(root: &Path, folder: &str, names: &mut BTreeSet<String>) -> Result<(), VesselError> {
    let path = root.join(folder);
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_empty() => return Ok(()),
        other => other.map_err(io_error(&path))?,
    };
    for entry in entries {
        let entry = entry.map_err(io_error(&path))?;
        let kind = entry.file_type().map_err(io_error(&path))?;
        let own = entry.file_name();
        let own = own.to_string_lossy();
        let name = if folder.is_empty() { own.into_owned() } else { format!("{folder}/{own}") };
        match (kind.is_dir(), kind.is_file()) {
            (true, _) if FOLDERS.contains(&name.as_str()) => {}
            (false, true) if is_name(&name) => {
                names.insert(name);
            }
            (false, false) if is_name(&name) => return Err(VesselError::Kind(name)),
            _ => return Err(VesselError::Name(shown(name.as_bytes()))),
        }
        if names.len() > ENTRIES_LIMIT {
            return Err(VesselError::TooMuch);
        }
    }
    Ok(())
}

fn open_zip(file: File) -> Result<Source, VesselError> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut buffer)?;
    let (mut entries, mut ranges) = (BTreeMap::new(), BTreeMap::new());
    let mut total = 0_u64;
    let mut directory = archive.entries(&mut buffer);
    while let Some(entry) = directory.next_entry()? {
        let raw = entry.file_path();
        let bytes: &[u8] = raw.as_bytes();
        let name = std::str::from_utf8(bytes).map_err(|_| VesselError::Name(shown(bytes)))?;
        if name.strip_suffix('/').is_some_and(|name| FOLDERS.contains(&name)) {
            continue;
        }
        if !is_name(name) {
            return Err(VesselError::Name(shown(bytes)));
        }
        let method = entry.compression_method();
        let known = [CompressionMethod::STORE, CompressionMethod::DEFLATE].contains(&method);
        if !known || entry.flags().is_encrypted() || !is_plain(entry.mode().value()) {
            return Err(VesselError::Kind(name.to_owned()));
        }
        total = total.saturating_add(entry.uncompressed_size_hint());
        if entries.len() >= ENTRIES_LIMIT || total > BYTES_LIMIT {
            return Err(VesselError::TooMuch);
        }
        let place = entry.wayfinder();
        let (from, to) = archive.get_entry(place)?.compressed_data_range();
        // Empty files may share a place; by the end of each range, the one after must begin behind it.
        let before = ranges.range(..=from).next_back().is_some_and(|(_, end): (&u64, &u64)| *end > from);
        let after = ranges.range(from..).next().is_some_and(|(begin, _)| *begin < to);
        if before || after {
            return Err(VesselError::Overlap(name.to_owned()));
        }
        ranges.insert(from, to);
        if entries.insert(name.to_owned(), (place, method)).is_some() {
            return Err(VesselError::Twice(name.to_owned()));
        }
    }
    Ok(Source::Zip(Box::new(archive), entries))
}

/// Whether the mode, if the archive has one, is that of a regular file: not of a link or a device.
fn is_plain(mode: u32) -> bool {
    matches!(mode & 0o170_000, 0 | 0o100_000)
}

/// A foreign name for a message.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(120).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}
