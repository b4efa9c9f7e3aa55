//! The operations that change files or make them durable. All of them pass here, so that a test can look at the folder
//! between any two, and can know what a power cut would leave of it.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// What was done.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests look at what was done"))]
pub(crate) enum Touch<'a> {
    /// Bytes or names changed; nothing of it is durable.
    Changed,
    /// Names went; that they did is not durable.
    Removed,
    /// What the file holds is durable.
    Synced(&'a Path),
    /// The names in the folder are durable.
    SyncedFolder(&'a Path),
    /// Everything below the folder is durable.
    SyncedAll(&'a Path),
}

#[cfg(not(test))]
fn touch<T>(_: &Path, _: Touch<'_>, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    act()
}

#[cfg(test)]
use watch::touch;

pub(crate) fn create(path: &Path) -> io::Result<File> {
    create_with(path, 0o666)
}

/// Creates a file with this mode, less what the process masks.
pub(crate) fn create_with(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true).mode(mode);
    touch(path, Touch::Changed, || options.open(path))
}

pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    touch(path, Touch::Changed, || std::fs::create_dir(path))
}

/// Writes all of it, in as many pieces as the system takes, also when a signal comes between.
pub(crate) fn write(mut file: impl Write, path: &Path, bytes: &[u8]) -> io::Result<()> {
    touch(path, Touch::Changed, || file.write_all(bytes))
}

/// As [`write`], at a place.
pub(crate) fn write_at(file: &impl FileExt, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
    touch(path, Touch::Changed, || file.write_all_at(bytes, offset))
}

pub(crate) fn sync(file: &File, path: &Path) -> io::Result<()> {
    touch(path, Touch::Synced(path), || file.sync_data())
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    touch(folder, Touch::SyncedFolder(folder), || File::open(folder)?.sync_all())
}

/// Makes everything on the file system of `folder` durable: for many new files at once this is one journal
/// commit instead of one for each. It tells of errors since `opened` was opened, so open the folder before writing.
pub(crate) fn sync_file_system(opened: &File, folder: &Path) -> io::Result<()> {
    touch(folder, Touch::SyncedAll(folder), || Ok(rustix::fs::syncfs(opened)?))
}

pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    touch(to, Touch::Changed, || std::fs::rename(from, to))
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    touch(path, Touch::Removed, || std::fs::remove_file(path))
}

pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    touch(path, Touch::Removed, || std::fs::remove_dir_all(path))
}

/// Tests that look, and tests that let operations fail.
#[cfg(test)]
pub(crate) mod watch {
    use super::Touch;
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex};

    type Look = Arc<Mutex<dyn FnMut(Touch<'_>) + Send>>;
    type Refuse = Arc<Mutex<dyn FnMut(Touch<'_>) -> io::Result<()> + Send>>;
    static WATCHED: Mutex<Vec<(PathBuf, Look)>> = Mutex::new(Vec::new());
    static FAILING: Mutex<Vec<(PathBuf, Refuse)>> = Mutex::new(Vec::new());

    /// Calls `look` after each operation below `folder`, and lets no other begin meanwhile; until it is dropped.
    pub(crate) struct Watched(PathBuf);

    pub(crate) fn watch(folder: &Path, look: impl FnMut(Touch<'_>) + Send + 'static) -> Watched {
        WATCHED.lock().unwrap().push((folder.to_owned(), Arc::new(Mutex::new(look))));
        Watched(folder.to_owned())
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            WATCHED.lock().unwrap().retain(|(folder, _)| *folder != self.0);
        }
    }

    /// Asks `refuse` before each operation below `folder`; what it refuses is not done. Until it is dropped.
    pub(crate) struct Failing(PathBuf);

    pub(crate) fn fail(folder: &Path, refuse: impl FnMut(Touch<'_>) -> io::Result<()> + Send + 'static) -> Failing {
        FAILING.lock().unwrap().push((folder.to_owned(), Arc::new(Mutex::new(refuse))));
        Failing(folder.to_owned())
    }

    impl Drop for Failing {
        fn drop(&mut self) {
            FAILING.lock().unwrap().retain(|(folder, _)| *folder != self.0);
        }
    }

    /// What was registered for the folder that holds `path`.
    fn of<T: Clone>(registered: &Mutex<Vec<(PathBuf, T)>>, path: &Path) -> Option<T> {
        let registered = registered.lock().unwrap();
        registered.iter().find(|(folder, _)| path.starts_with(folder)).map(|(_, one)| one.clone())
    }

    pub(super) fn touch<T>(path: &Path, touch: Touch<'_>, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if let Some(refuse) = of(&FAILING, path) {
            (refuse.lock().unwrap())(touch)?;
        }
        let Some(look) = of(&WATCHED, path) else { return act() };
        let mut look = look.lock().unwrap();
        let done = act()?;
        look(touch);
        Ok(done)
    }
}
