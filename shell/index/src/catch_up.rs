//! Brings the index of a ledger up to its published checkpoint.
//!
//! Memory is bounded: one bundle of records and SQLite's page cache. Nothing is journaled, because the stamp is taken
//! away first and comes back when all is durable: whatever interrupts us leaves an index that nobody believes.

use crate::columns::{self, SCHEMA, View};
use crate::rows::Rows;
use crate::stamp::Stamp;
use crate::{FILE, IndexError, Progress};
use ledger::{Checkpoint, Frontier, Pruning};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use store::{Filter, Folder, Reader};

/// How many records are between two words of progress.
const STEP: u64 = 4096;

/// For the one connection that writes: it has the file for itself, and a file that it leaves behind is believed only
/// with a stamp.
const SETTINGS: &str = "
    pragma journal_mode = off;
    pragma synchronous = off;
    pragma locking_mode = exclusive;
    pragma secure_delete = on;
    pragma cache_size = -65536;
    pragma temp_store = memory;
    pragma trusted_schema = off;";

/// The head that the ledger publishes.
fn published(reader: &Reader) -> Result<Checkpoint, IndexError> {
    let published = reader.published()?.ok_or_else(|| IndexError::NotPublished(reader.folder().to_owned()))?;
    Ok(published.0)
}

/// Whether an index with that head lacks nothing, and the log still says the same.
pub(crate) fn is_current(reader: &Reader, known: &Checkpoint) -> Result<bool, IndexError> {
    let head = published(reader)?;
    Ok(*known == head && resume(reader.folder(), known, &head).is_some())
}

/// Reads what is missing, under the exclusive lock; gives the head that the index holds then.
pub(crate) fn catch_up(reader: &Reader, progress: &mut dyn FnMut(Progress)) -> Result<Checkpoint, IndexError> {
    let folder = reader.folder();
    let head = published(reader)?;
    let known = Stamp::read(folder);
    let kept = known.as_ref().and_then(|known| resume(folder, known, &head));
    if known.is_some_and(|known| known == head) && kept.is_some() {
        return Ok(head);
    }
    Stamp::remove(folder)?;
    // What SQLite would take for the journal of a crash, and write into the index, is none of ours.
    for ending in ["-journal", "-wal", "-shm"] {
        remove(&folder.join(format!("{FILE}{ending}")))?;
    }
    let path = folder.join(FILE);
    let frontier = match kept {
        Some(frontier) => frontier,
        None => {
            remove(&path)?;
            // Only we can read it.
            let made = File::options().write(true).create_new(true).mode(0o600).open(&path);
            made.map_err(IndexError::io(&path))?;
            Frontier::new()
        }
    };
    let connection = connect(&path).map_err(|source| IndexError::Build { path: path.clone(), source })?;
    fill(reader, &connection, frontier, &head, progress)?;
    connection.close().map_err(|(_, source)| IndexError::Build { path: path.clone(), source })?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(IndexError::io(&path))?;
    Stamp::write(folder, &head)?;
    Ok(head)
}

/// The tree that an index holds, if it is the beginning of the log's.
fn resume(folder: &Path, known: &Checkpoint, head: &Checkpoint) -> Option<Frontier> {
    if known.origin != head.origin || known.size > head.size {
        return None;
    }
    let tiles = Folder::new(folder).tiles(head.size);
    Frontier::from_hashes(known.size, &tiles).ok().filter(|frontier| frontier.root() == known.root)
}

fn remove(path: &Path) -> Result<(), IndexError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(IndexError::io(path)(error)),
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(SETTINGS)?;
    connection.execute_batch(&columns::tables())?;
    Ok(connection)
}

/// Writes the rows of the records from the frontier to the head, and holds them against the head's root.
fn fill(
    reader: &Reader,
    connection: &Connection,
    mut frontier: Frontier,
    head: &Checkpoint,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), IndexError> {
    let failed = |source| IndexError::Build { path: reader.folder().join(FILE), source };
    connection.execute_batch("begin").map_err(failed)?;
    let mut rows = Rows::new(connection).map_err(failed)?;
    let tiles = Folder::new(reader.folder()).tiles(head.size);
    let mut records = reader.records(frontier.size(), Filter::default());
    let mut minimum = 0;
    while frontier.size() < head.size {
        let Some(record) = records.next() else { break };
        let (record, seq) = (record?, records.position().saturating_sub(1));
        if seq > frontier.size() {
            // What was removed because its time was over; the stored hashes stand in.
            let size = frontier.size();
            frontier = Frontier::from_hashes(seq, &tiles).map_err(|_| IndexError::Differs { size })?;
        }
        let leaf = ledger::leaf_hash(&record.line);
        rows.insert(seq, &leaf, &record.entry).map_err(failed)?;
        minimum = Pruning::of(&record.entry).map_or(0, |pruning| pruning.minimum.min(seq)).max(minimum);
        frontier.push(leaf);
        if frontier.size().is_multiple_of(STEP) {
            progress(Progress { done: frontier.size(), of: head.size });
        }
    }
    drop(rows);
    if minimum > 0 {
        let minimum = i64::try_from(minimum).unwrap_or(i64::MAX);
        let delete =
            |view: &View| connection.execute(&format!("delete from {} where seq < ?", view.table()), [minimum]);
        SCHEMA.iter().try_for_each(|view| delete(view).map(drop)).map_err(failed)?;
    }
    connection.execute_batch("commit").map_err(failed)?;
    progress(Progress { done: frontier.size(), of: head.size });
    let same = frontier.size() == head.size && frontier.root() == head.root;
    if same { Ok(()) } else { Err(IndexError::Differs { size: frontier.size() }) }
}
