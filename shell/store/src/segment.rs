//! Segments: the files of the write-ahead log, written front to back and never grown.

use crate::{background, disk, touch};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// The name of the segment that begins with a sequence number. Twenty digits hold every `u64`, so that names
/// sort as numbers do.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// Where the segment that begins with a sequence number is.
pub(crate) fn path(wal: &Path, first: u64) -> PathBuf {
    wal.join(name(first))
}

/// Longest segment. The file system gives a hostile copy of a ledger files of any length for nothing, and whoever
/// verifies it reads them to their end.
pub(crate) const LIMIT: u64 = 1 << 30;

/// Opens a segment to read it; gives its length too.
pub(crate) fn open(wal: &Path, first: u64) -> io::Result<(File, u64)> {
    let file = disk::open(&path(wal, first))?;
    let length = file.metadata()?.len();
    if length > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than any segment"));
    }
    Ok((file, length))
}

/// The first sequence numbers of all segments, in order.
pub(crate) fn list(wal: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(wal)? {
        let file_name = entry?.file_name();
        let digits = file_name.to_str().and_then(|text| text.strip_suffix(".seg")).filter(|text| text.len() == 20);
        found.extend(digits.and_then(|text| text.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The segment that takes the next frames.
#[derive(Debug)]
pub(crate) struct Segment {
    file: File,
    path: PathBuf,
    /// Sequence number of its first record.
    pub(crate) first: u64,
    /// Where the next frame goes.
    pub(crate) offset: u64,
    length: u64,
    identity: (u64, u64),
    #[cfg(test)]
    faults: std::sync::Arc<crate::settings::Faults>,
}

/// Why a group did not become durable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The file that we hold open is no longer the one in the folder: writes to it would vanish silently.
    #[error("the segment `{0}` was removed, replaced or cut while it was in use")]
    Displaced(PathBuf),
    /// Writing or syncing failed. What is on the disk now is unknown.
    #[error("cannot write the segment `{path}`: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Segment {
    /// Gives a prepared file its name and takes it into use.
    pub(crate) fn adopt(file: File, prepared: &Path, wal: &Path, first: u64) -> io::Result<Self> {
        let path = path(wal, first);
        touch::rename(prepared, &path)?;
        disk::sync_folder(wal)?;
        Self::around(file, path, first, 0)
    }

    /// Opens a segment to go on at `offset`.
    pub(crate) fn resume(wal: &Path, first: u64, offset: u64) -> io::Result<Self> {
        let path = path(wal, first);
        let file = File::options().read(true).write(true).open(&path)?;
        Self::around(file, path, first, offset)
    }

    fn around(file: File, path: PathBuf, first: u64, offset: u64) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self {
            file,
            path,
            first,
            offset,
            length: meta.len(),
            identity: (meta.dev(), meta.ino()),
            #[cfg(test)]
            faults: std::sync::Arc::default(),
        })
    }

    #[cfg(test)]
    pub(crate) fn inject(&mut self, faults: &std::sync::Arc<crate::settings::Faults>) {
        self.faults = std::sync::Arc::clone(faults);
    }

    /// Bytes that are left in it.
    pub(crate) fn room(&self) -> u64 {
        self.length.saturating_sub(self.offset)
    }

    /// Whether a frame of so many bytes, padding included, still fits.
    pub(crate) fn fits(&self, stride: usize) -> bool {
        u64::try_from(stride).is_ok_and(|stride| stride <= self.room())
    }

    /// Whether more than half of it is used.
    pub(crate) fn past_half(&self) -> bool {
        self.offset > self.length / 2
    }

    /// Writes one whole frame and makes it durable: the one fdatasync between a record and its acknowledgement.
    ///
    /// After an error the segment must not be used again. A failed sync may have thrown away the dirty pages and
    /// cleared the error, so that a second sync would succeed without having written anything.
    pub(crate) fn commit(&mut self, frame: &[u8]) -> Result<(), WriteError> {
        if !self.still_there() {
            return Err(WriteError::Displaced(self.path.clone()));
        }
        let io = |source| WriteError::Io { path: self.path.clone(), source };
        touch::write_at(&self.file, &self.path, frame, self.offset).map_err(io)?;
        self.sync().map_err(io)?;
        self.offset += u64::try_from(frame.len()).unwrap_or(0);
        Ok(())
    }

    /// An unlinked open file takes writes and syncs without complaint.
    fn still_there(&self) -> bool {
        let same = |meta: &std::fs::Metadata| {
            (meta.dev(), meta.ino()) == self.identity && meta.nlink() > 0 && meta.len() == self.length
        };
        self.file.metadata().is_ok_and(|meta| same(&meta))
            && std::fs::metadata(&self.path).is_ok_and(|meta| same(&meta))
    }

    fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.faults.sync()?;
        touch::sync(&self.file, &self.path)
    }
}

/// Prepares the next segment in the background, so that rolling over costs no stall.
#[derive(Debug)]
pub(crate) struct Ahead {
    path: PathBuf,
    bytes: u64,
    under_way: Option<JoinHandle<io::Result<File>>>,
}

impl Ahead {
    /// Removes what an earlier run left half prepared.
    pub(crate) fn new(wal: &Path, bytes: u64) -> Self {
        let path = wal.join("next");
        let _ = touch::remove(&path);
        Self { path, bytes, under_way: None }
    }

    /// Begins to prepare a segment, unless that is done or under way.
    pub(crate) fn begin(&mut self) {
        if self.under_way.is_none() {
            let (path, bytes) = (self.path.clone(), self.bytes);
            let spawned = std::thread::Builder::new().name("ledger-ahead".to_owned());
            // If no thread can be had, `take` does the work itself.
            let zeroed = move || {
                background::step_back();
                disk::zeroed(&path, bytes)
            };
            self.under_way = spawned.spawn(zeroed).ok();
        }
    }

    /// The next segment, named and ready; waits for it if need be.
    pub(crate) fn take(&mut self, wal: &Path, first: u64) -> io::Result<Segment> {
        let file = match self.under_way.take().map(JoinHandle::join) {
            Some(Ok(Ok(prepared))) => prepared,
            // What kept it from being prepared, a full disk or too few descriptors, may have passed since.
            Some(Ok(Err(_)) | Err(_)) | None => disk::zeroed(&self.path, self.bytes)?,
        };
        Segment::adopt(file, &self.path, wal, first)
    }

    /// A small segment out of what the reserve gave back.
    pub(crate) fn take_small(&mut self, wal: &Path, first: u64, bytes: u64) -> io::Result<Segment> {
        Segment::adopt(disk::zeroed(&self.path, bytes.min(self.bytes))?, &self.path, wal, first)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            let _ = under_way.join();
        }
        let _ = touch::remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ahead, Segment, WriteError, list, name};

    #[test]
    fn only_segments_are_listed_and_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for file in [&name(300), &name(0), &name(21), "next", "1.seg", "0000000000000000000x.seg"] {
            std::fs::write(folder.path().join(file), b"").unwrap();
        }
        assert_eq!(list(folder.path()).unwrap(), [0, 21, 300]);
    }

    fn segment() -> (tempfile::TempDir, Segment) {
        let folder = tempfile::tempdir().unwrap();
        let mut ahead = Ahead::new(folder.path(), 1 << 16);
        ahead.begin();
        let segment = ahead.take(folder.path(), 5).unwrap();
        (folder, segment)
    }

    #[test]
    fn f6_a_segment_that_was_unlinked_replaced_or_cut_takes_no_more() {
        let displaced = |spoil: &dyn Fn(&std::path::Path)| {
            let (folder, mut segment) = segment();
            segment.commit(&[1; 4096]).unwrap();
            spoil(&folder.path().join(name(5)));
            assert!(matches!(segment.commit(&[2; 4096]), Err(WriteError::Displaced(_))));
        };
        displaced(&|path| std::fs::remove_file(path).unwrap());
        displaced(&|path| {
            std::fs::copy(path, path.with_extension("copy")).unwrap();
            std::fs::rename(path.with_extension("copy"), path).unwrap();
        });
        displaced(&|path| std::fs::File::options().write(true).open(path).unwrap().set_len(8192).unwrap());
    }

    #[test]
    fn a_segment_knows_what_still_fits() {
        let (_folder, mut segment) = segment();
        assert!(segment.fits(1 << 16) && !segment.fits((1 << 16) + 1) && !segment.past_half());
        segment.commit(&[1; 36864]).unwrap();
        assert!(segment.fits(28672) && !segment.fits(32768) && segment.past_half());
    }
}
