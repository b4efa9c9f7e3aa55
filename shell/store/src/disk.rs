//! What the store asks of the file system: replacing a file whole, making names durable, telling a full disk
//! from a broken one.

pub(crate) use crate::touch::{sync_file_system, sync_folder};

use crate::touch;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How full the disk under the ledger is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in use.
    pub used: u64,
    /// Bytes that this process may still write.
    pub free: u64,
}

impl Usage {
    /// Asks the file system that holds `path`.
    ///
    /// # Errors
    /// As `statvfs`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Self {
            used: stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize),
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    /// Per cent in use of what there is for us, as `df` counts it.
    #[must_use]
    pub fn percent(self) -> u8 {
        let total = self.used.saturating_add(self.free).max(1);
        u8::try_from(self.used.saturating_mul(100).div_ceil(total)).unwrap_or(100)
    }
}

/// Whether an error means that there is no room: a full disk, a quota, a limit on file size.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// Whether an error says that the process or the system is short of something for the moment: descriptors that a flood
/// of connections has taken, memory. Nothing was done to the disk, and the next attempt may succeed.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let passing = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR, Errno::AGAIN];
    error.raw_os_error().is_some_and(|number| passing.iter().any(|errno| errno.raw_os_error() == number))
}

/// Makes a folder and those above it, each durable in the one that holds it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let Some(parent) = parent else { return Err(ErrorKind::NotFound.into()) };
    make_folder(parent)?;
    match touch::create_folder(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

/// Modes of files: what is published, and what only the owner may read.
const PUBLIC: u32 = 0o666;
const OWNER: u32 = 0o600;

/// The name that a file has until it is whole. One writer, so no two processes use it at once.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

fn put(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> io::Result<()> {
    let unfinished = unfinished(path);
    let written = (|| {
        let file = touch::create_with(&unfinished, mode)?;
        touch::write(&file, &unfinished, bytes)?;
        if sync { touch::sync(&file, &unfinished) } else { Ok(()) }
    })();
    match written.and_then(|()| touch::rename(&unfinished, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // Half a file must not eat the last of a full disk. If this fails too, the next attempt overwrites it.
            let _ = touch::remove(&unfinished);
            Err(error)
        }
    }
}

/// Puts a whole file in place, making parent folders. Its durability is the caller's concern.
pub(crate) fn place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match put(path, bytes, PUBLIC, false) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            put(path, bytes, PUBLIC, false)
        }
        other => other,
    }
}

/// Replaces a file so that at any moment, power cuts included, the old or the new one is there, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, PUBLIC, true)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Replaces a file that only its owner may read, as [`replace`] does, and then writes zeros over the old one where it
/// lay. What a file system with copies of its own or a flash disk keeps of it beyond that is not in our hands.
pub(crate) fn replace_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = File::options().write(true).open(path);
    put(path, bytes, OWNER, true)?;
    path.parent().map_or(Ok(()), sync_folder)?;
    let Ok(old) = old else { return Ok(()) };
    let zeros = vec![0; usize::try_from(old.metadata()?.len()).unwrap_or(0).min(1 << 16)];
    touch::write_at(&old, path, &zeros, 0)?;
    touch::sync(&old, path)
}

/// Opens a file to read it. A pipe or a device in its place, which a hostile copy of a ledger may hold, would keep the
/// reader waiting for ever.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let no_waiting = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(no_waiting).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(ErrorKind::InvalidData, "it is no file")) }
}

/// The numbers that name files of a folder, before this ending. None if there is no such folder.
pub(crate) fn numbered(folder: &Path, ending: &str) -> io::Result<Vec<u64>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(ending)?.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// Reads a file that need not exist, up to a limit.
pub(crate) fn read_if_there(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    Ok(read_into(path, limit, &mut bytes)?.then_some(bytes))
}

/// As [`read_if_there`], into memory that is used again; whether the file is there.
pub(crate) fn read_into(path: &Path, limit: u64, bytes: &mut Vec<u8>) -> io::Result<bool> {
    bytes.clear();
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    // Room for all of it: a file of a few kilobytes is otherwise read in ten pieces, each of twice the length of the last.
    let length = file.metadata()?.len().min(limit).saturating_add(1);
    bytes.reserve(usize::try_from(length).unwrap_or(0));
    io::Read::read_to_end(&mut io::Read::take(file, limit.saturating_add(1)), bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(ErrorKind::InvalidData, "the file is larger than it may be"));
    }
    Ok(true)
}

/// Makes a file of zeros that will not need to grow: written, not merely allocated, for an extent that was
/// only allocated costs a journal commit on its first use, and that would be in the path of an acknowledgement.
pub(crate) fn zeroed(path: &Path, bytes: u64) -> io::Result<File> {
    static PIECE: [u8; 1 << 18] = [0; 1 << 18];
    let made = (|| {
        let file = touch::create(path)?;
        let mut left = bytes;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(PIECE.len()).min(PIECE.len());
            touch::write(&file, path, PIECE.get(..piece).unwrap_or(&PIECE))?;
            left = left.saturating_sub(u64::try_from(piece).unwrap_or(u64::MAX));
        }
        touch::sync(&file, path)?;
        Ok(file)
    })();
    if made.is_err() {
        let _ = touch::remove(path);
    }
    made
}

/// Removes a file that need not exist.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match touch::remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file that only takes up room, to be given back when the disk is full.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    bytes: u64,
}

impl Reserve {
    /// Takes up the room if that is possible and not done yet.
    pub(crate) fn hold(path: PathBuf, bytes: u64) -> Self {
        let reserve = Self { path, bytes };
        reserve.fill();
        reserve
    }

    /// Takes up the room again; `false` if there is none.
    pub(crate) fn fill(&self) -> bool {
        let there = std::fs::metadata(&self.path).is_ok_and(|file| file.size() >= self.bytes);
        there || zeroed(&self.path, self.bytes).is_ok()
    }

    /// Gives the room back.
    pub(crate) fn release(&self) -> io::Result<()> {
        remove_if_there(&self.path)?;
        self.path.parent().map_or(Ok(()), sync_folder)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reserve, Usage, is_full, place, read_if_there, replace, replace_secret, zeroed};
    use std::io;

    #[test]
    fn a_replaced_file_is_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        place(&folder.path().join("tile/0/x001/000"), b"tile").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_replaced_secret_is_its_owners_and_the_old_one_is_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed");
        replace_secret(&path, b"yesterday").unwrap();
        let old = std::fs::File::open(&path).unwrap();
        replace_secret(&path, b"today").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"today");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(io::read_to_string(old).unwrap(), "\0".repeat(9));
    }

    #[test]
    fn a_file_above_its_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(read_if_there(&path, 3).unwrap().is_none());
        std::fs::write(&path, b"four").unwrap();
        assert!(read_if_there(&path, 3).is_err());
        assert_eq!(read_if_there(&path, 4).unwrap().unwrap(), b"four");
    }

    #[test]
    fn a_zeroed_file_has_its_length_and_its_blocks() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let file = zeroed(&folder.path().join("next"), (1 << 18) + 4096).unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(meta.len(), (1 << 18) + 4096);
        assert!(meta.blocks() * 512 >= meta.len());
    }

    #[test]
    fn a_reserve_is_released_and_filled_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        let reserve = Reserve::hold(path.clone(), 8192);
        assert_eq!(path.metadata().unwrap().len(), 8192);
        reserve.release().unwrap();
        reserve.release().unwrap();
        assert!(!path.exists());
        assert!(reserve.fill() && path.exists());
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        for (number, full) in [(28, true), (122, true), (27, true), (5, false), (30, false)] {
            assert_eq!(is_full(&io::Error::from_raw_os_error(number)), full, "{number}");
        }
    }

    #[test]
    fn usage_is_in_per_cent_of_what_there_is_for_us() {
        assert_eq!(Usage { used: 69, free: 31 }.percent(), 69);
        assert_eq!(Usage { used: 0, free: 0 }.percent(), 0);
        assert_eq!(Usage { used: 5, free: 0 }.percent(), 100);
        assert!(Usage::of(std::path::Path::new("/")).unwrap().used > 0);
    }
}
