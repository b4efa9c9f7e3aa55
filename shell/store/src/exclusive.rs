//! One writer for one ledger: two processes never open one log.
//!
//! The lock is `flock` on `writer.lock`, which the kernel lets go when the process ends however it ends. The
//! file's content, the holder's process id, is for people only. Somebody who is told that the ledger is in use may
//! remove that file; therefore the folder of the log is locked too, which cannot go while the log is there.

use rustix::fs::FlockOperation;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Held for as long as the ledger is open.
#[derive(Debug)]
pub(crate) struct Exclusive {
    file: File,
    log: File,
}

/// Why the lock was not had.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another process has it; its id, if it could be read.
    Held(Option<u32>),
    /// The file cannot be opened or locked.
    Io(io::Error),
}

impl Exclusive {
    /// Takes the lock of the ledger in `folder`, or says who has it. Does not wait.
    pub(crate) fn take(folder: &Path) -> Result<Self, Refused> {
        let path = folder.join("writer.lock");
        // Not truncated on opening: whoever holds the lock must stay readable.
        let options = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.map_err(Refused::Io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let read = Read::by_ref(&mut file).take(20).read_to_string(&mut text);
                return Err(Refused::Held(read.ok().and_then(|_| text.trim().parse().ok())));
            }
            Err(error) => return Err(Refused::Io(error.into())),
        }
        let log = File::open(folder.join("wal")).map_err(Refused::Io)?;
        // Some network file systems cannot lock a folder; then the file alone has to do.
        if rustix::fs::flock(&log, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK) {
            return Err(Refused::Held(None));
        }
        let named = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = named {
            // A full disk must not keep a ledger closed that is about to report it.
            tracing::warn!(%error, "the lock file does not name its holder");
        }
        Ok(Self { file, log })
    }
}

impl Drop for Exclusive {
    /// Unlocking speaks for the open file itself; merely closing it would leave the lock with a child process that
    /// is just being started and still holds a copy of the descriptor.
    fn drop(&mut self) {
        for held in [&self.log, &self.file] {
            let _ = rustix::fs::flock(held, FlockOperation::Unlock);
        }
    }
}
