//! A crash after every single operation on files (F1), recovery included; and every single operation failing (F3, F4).
//!
//! Each operation leaves pictures of the folder. A process that was killed leaves everything that it has done. A
//! power cut leaves at worst only what was synced: contents of files and names in folders, each for itself. Between them
//! lie a file system that keeps names in order and loses contents, as journals of metadata do; and a disk that has
//! written some of the blocks that were not synced, in whatever order, and half of another. Every picture must be a
//! ledger that verifies as it lies there and that opens again without a record missing that was acknowledged before.

mod blocks;
mod errors;

use super::emergency::call;
use super::epochs::{Days, opening};
use super::retention::{day, keep, prune};
use super::{draft, folder, settings};
use crate::touch::{Touch, watch};
use crate::{Blobs, ContentFault, ContentProblem, Reader, Scope, Settings, Store};
use plant::{Body, ConduitId, Draft, Kind, Note, RecordId};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Files by path below the ledger's folder; `None` for a folder. Most pictures share most of their files.
type Picture = BTreeMap<PathBuf, Option<Arc<[u8]>>>;
type Acknowledged = BTreeMap<u64, RecordId>;
/// Records that were put aside have no place yet; they are counted from here.
const ASIDE: u64 = 1 << 60;

/// What the disk would have after a power cut: files by number, names by folder.
#[derive(Clone, Default)]
struct Durable {
    contents: BTreeMap<u64, Arc<[u8]>>,
    names: BTreeMap<PathBuf, Vec<(PathBuf, u64, bool)>>,
    /// Files by their inodes now. A new file may get the inode of one that is gone, but never its number here.
    numbers: BTreeMap<u64, u64>,
    /// Paths with their inodes, as they were after the last operation.
    inodes: BTreeMap<PathBuf, u64>,
}

impl Durable {
    fn all(folder: &Path) -> Self {
        let mut durable = Self::default();
        durable.look(folder);
        durable.sync_all(folder);
        durable
    }

    /// The same for a copy of the folder, whose files have other inodes.
    fn moved(&self, before: &Path, now: &Path) -> Self {
        let place = |path: &Path| now.join(path.strip_prefix(before).unwrap());
        let mut moved = Self { contents: self.contents.clone(), ..Self::default() };
        for (folder, names) in &self.names {
            let names = names.iter().map(|(path, number, is_folder)| (place(path), *number, *is_folder)).collect();
            moved.names.insert(place(folder), names);
        }
        for (path, inode) in &self.inodes {
            if let Ok(meta) = place(path).metadata() {
                moved.numbers.insert(meta.ino(), self.numbers[inode]);
                moved.inodes.insert(place(path), meta.ino());
            }
        }
        moved
    }

    /// Notes which file has which inode, and gives those that are new a number.
    fn look(&mut self, folder: &Path) {
        let before = std::mem::take(&mut self.inodes);
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for (path, inode, is_folder) in names(&folder) {
                folders.extend(is_folder.then(|| path.clone()));
                if !before.values().any(|known| *known == inode) {
                    self.numbers.insert(inode, NUMBERS.fetch_add(1, Ordering::Relaxed));
                }
                self.inodes.insert(path, inode);
            }
        }
    }

    fn follow(&mut self, folder: &Path, touch: Touch<'_>) {
        self.look(folder);
        match touch {
            Touch::Changed | Touch::Removed => {}
            Touch::Synced(path) => drop(self.contents.insert(self.number(path), read(path))),
            Touch::SyncedFolder(folder) => self.sync_folder(folder),
            Touch::SyncedAll(folder) => self.sync_all(folder),
        }
    }

    fn number(&self, path: &Path) -> u64 {
        self.numbers[&self.inodes[path]]
    }

    /// The names that are there. What another thread made since [`Self::look`] comes with the next touch.
    fn now(&self, folder: &Path) -> Vec<(PathBuf, u64, bool)> {
        let named = |(path, inode, is_folder)| Some((path, *self.numbers.get(&inode)?, is_folder));
        names(folder).into_iter().filter_map(named).collect()
    }

    fn sync_folder(&mut self, folder: &Path) {
        self.names.insert(folder.to_owned(), self.now(folder));
    }

    fn sync_all(&mut self, folder: &Path) {
        self.sync_folder(folder);
        for (path, number, is_folder) in self.now(folder) {
            if is_folder {
                self.sync_all(&path);
            } else {
                if let Ok(bytes) = std::fs::read(&path) {
                    self.contents.insert(number, bytes.into());
                }
            }
        }
    }

    /// What is left of `folder`: with the names that are there now, or with those that were synced.
    fn picture(&self, base: &Path, folder: &Path, names_kept: bool, into: &mut Picture) {
        let names = if names_kept { self.now(folder) } else { self.names.get(folder).cloned().unwrap_or_default() };
        for (path, number, is_folder) in names {
            let bytes = (!is_folder).then(|| self.contents.get(&number).cloned().unwrap_or_else(|| Arc::from([])));
            into.insert(path.strip_prefix(base).unwrap().to_owned(), bytes);
            if is_folder {
                self.picture(base, &path, names_kept, into);
            }
        }
    }
}

/// The next number of a file: no two in a run have the same.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

fn read(path: &Path) -> Arc<[u8]> {
    std::fs::read(path).unwrap().into()
}

fn names(folder: &Path) -> Vec<(PathBuf, u64, bool)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        // Another thread may have taken it away by now.
        let meta = entry.metadata().ok()?;
        Some((entry.path(), meta.ino(), meta.is_dir()))
    };
    entries.filter_map(entry).collect()
}

fn picture(folder: &Path) -> Picture {
    fn walk(base: &Path, folder: &Path, into: &mut Picture) {
        for (path, _, is_folder) in names(folder) {
            let bytes = (!is_folder).then(|| read(&path));
            into.insert(path.strip_prefix(base).unwrap().to_owned(), bytes);
            if is_folder {
                walk(base, &path, into);
            }
        }
    }
    let mut picture = Picture::new();
    walk(folder, folder, &mut picture);
    picture
}

fn paint(picture: &Picture) -> tempfile::TempDir {
    let folder = folder();
    for (path, bytes) in picture {
        let path = folder.path().join(path);
        match bytes {
            Some(bytes) => {
                std::fs::write(&path, bytes).unwrap();
                if path.ends_with("epoch.seed") {
                    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
                }
            }
            None => std::fs::create_dir_all(path).unwrap(),
        }
    }
    folder
}

/// Every picture that a run leaves, each once, with what had been acknowledged when it was taken first.
#[derive(Default)]
struct Album {
    seen: BTreeSet<[u8; 32]>,
    files: BTreeMap<[u8; 32], Arc<[u8]>>,
    shots: Vec<Shot>,
}

#[derive(Clone)]
struct Shot {
    picture: Picture,
    /// Of a process that was killed: what of it the disk has, should the power be cut later.
    durable: Option<(Durable, PathBuf)>,
    acknowledged: Acknowledged,
    what: String,
}

impl Album {
    fn take(&mut self, mut shot: Shot) {
        let mut text = Vec::new();
        for bytes in shot.picture.values_mut().flatten() {
            *bytes = Arc::clone(self.files.entry(seal::sha256(bytes)).or_insert_with(|| Arc::clone(bytes)));
        }
        for bytes in shot.durable.iter_mut().flat_map(|(durable, _)| durable.contents.values_mut()) {
            *bytes = Arc::clone(self.files.entry(seal::sha256(bytes)).or_insert_with(|| Arc::clone(bytes)));
        }
        for (path, bytes) in &shot.picture {
            // Neither tells two ledgers apart.
            if path.ends_with("writer.lock") || path.ends_with("reserve") {
                continue;
            }
            text.extend_from_slice(path.as_os_str().as_encoded_bytes());
            text.push(u8::from(bytes.is_some()));
            text.extend_from_slice(&seal::sha256(bytes.as_deref().unwrap_or_default()));
        }
        text.extend_from_slice(&shot.acknowledged.len().to_be_bytes());
        text.push(u8::from(shot.durable.is_some()));
        if self.seen.insert(seal::sha256(&text)) {
            self.shots.push(shot);
        }
    }
}

/// Looks at all that `act` does to a folder, of which so much is durable at the beginning.
fn observe(folder: &Path, mut durable: Durable, acknowledged: &Arc<Mutex<Acknowledged>>, act: impl FnOnce()) -> Album {
    let album = Arc::new(Mutex::new(Album::default()));
    let watched = {
        let (album, acknowledged, folder) = (Arc::clone(&album), Arc::clone(acknowledged), folder.to_owned());
        let mut count = 0_u64;
        watch::watch(&folder.clone(), move |touch| {
            durable.follow(&folder, touch);
            count += 1;
            let acknowledged = acknowledged.lock().unwrap().clone();
            let mut album = album.lock().unwrap();
            let mut take = |picture, durable, what: &str| {
                let what = format!("{what} after {count}: {touch:?}");
                album.take(Shot { picture, durable, acknowledged: acknowledged.clone(), what });
            };
            let written = picture(&folder);
            let [mut named, mut synced] = [Picture::new(), Picture::new()];
            durable.picture(&folder, &folder, true, &mut named);
            durable.picture(&folder, &folder, false, &mut synced);
            for seed in 0..3 {
                let Some(between) = blocks::some(&named, &written, 3 * count + seed) else { break };
                take(between, None, "some blocks written");
            }
            take(written, Some((durable.clone(), folder.clone())), "killed");
            take(synced, None, "power cut");
            take(named, None, "contents lost");
        })
    };
    act();
    drop(watched);
    Arc::try_unwrap(album).ok().unwrap().into_inner().unwrap()
}

fn tiny() -> Settings {
    Settings {
        segment_bytes: 64 << 10,
        publish_after: std::time::Duration::ZERO,
        publish_records: 1,
        keep_segments: 0,
        keep_notes: 3,
        reserve_bytes: 4096,
        ..settings()
    }
}

/// Writes a record and waits for it, and for the checkpoint over it.
fn publish(store: &Store, acknowledged: &Arc<Mutex<Acknowledged>>, draft: Draft) {
    let written = store.write(draft).unwrap();
    acknowledged.lock().unwrap().insert(written.seq, written.id);
    super::wait_published(store);
}

fn append(store: &Store, acknowledged: &Arc<Mutex<Acknowledged>>, number: u64, bytes: usize) {
    let acknowledged = Arc::clone(acknowledged);
    let draft = draft(Kind::Admin, number, None, bytes);
    store.append(
        draft,
        Box::new(move |result| {
            let written = result.unwrap();
            acknowledged.lock().unwrap().insert(written.seq, written.id);
        }),
    );
}

/// What lies there verifies, as far as anything was published; what was acknowledged is there after a start, unless it was
/// removed with authority; and then it verifies too.
fn check(Shot { picture, acknowledged, what, .. }: &Shot) {
    let folder = paint(picture);
    let path = folder.path();
    if path.join("checkpoint").exists() && path.join("trust/ledger.trust").exists() {
        assert_eq!(judge(path), [""; 0], "{what}, as it lies there");
    }
    let (store, _) =
        Store::open(path, &opening(path, &Days::at(2), tiny())).unwrap_or_else(|error| panic!("{what}: {error}"));
    store.close();
    let reader = Reader::open(path).unwrap();
    let first = reader.first().unwrap();
    // That it may have gone, `judge` says.
    let mut left: Acknowledged = acknowledged.clone().into_iter().filter(|(seq, _)| *seq >= first).collect();
    for record in reader.records(0, crate::Filter::default()) {
        let entry = record.unwrap_or_else(|error| panic!("{what}: {error}")).entry;
        if let Some(scope) = Scope::of(&entry) {
            Blobs::new(path).doomed(&scope).unwrap().destroy().unwrap();
        }
        left.retain(|seq, id| *seq < ASIDE || *id != entry.id());
        if let Some(id) = left.remove(&entry.seq()) {
            assert_eq!(entry.id(), id, "{what}");
        }
    }
    assert!(left.is_empty(), "{what}: acknowledged and lost: {left:?}");
    assert_eq!(judge(path), [""; 0], "{what}, after a start");
    let content = crate::audit_content(path, &super::report(path)).unwrap();
    assert_eq!(content.faults, [], "{what}, after what was to be erased was erased again");
}

fn judge(folder: &Path) -> Vec<String> {
    let report = super::report(folder);
    let mut problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    match crate::audit_content(folder, &report) {
        Ok(content) => {
            // Whoever was erasing must ask again, and is told so.
            let broken = |fault: &&ContentFault| !matches!(fault.what, ContentProblem::Unfinished { .. });
            problems.extend(content.faults.iter().filter(broken).map(ToString::to_string));
        }
        Err(error) => problems.push(error.to_string()),
    }
    if let Err(fault) = super::damage::audited(folder) {
        problems.push(fault.to_string());
    }
    problems
}

/// So many of the pictures, evenly; all if `PENSTOCK_CRASHES` says so.
fn some(album: &Album, most: usize) -> impl Iterator<Item = &Shot> {
    let most = if std::env::var_os("PENSTOCK_CRASHES").is_some() { usize::MAX } else { most };
    album.shots.iter().step_by(album.shots.len().div_ceil(most).max(1))
}

#[test]
fn f1_a_crash_after_any_operation_loses_nothing_that_was_acknowledged() {
    let base = folder();
    let ledger = base.path().join("ledger");
    std::fs::create_dir(&ledger).unwrap();
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let album = observe(&ledger, Durable::all(&ledger), &acknowledged, || {
        let clock = Days::at(0);
        let (store, _) = Store::open(&ledger, &opening(&ledger, &clock, tiny())).unwrap();
        publish(&store, &acknowledged, keep(&ledger, day(0), "operator.op-1", 1000));
        // Over the end of the first tile, then over the ends of segments.
        (0..248).for_each(|number| append(&store, &acknowledged, number, 1));
        for subject in ["operator.op-2", "operator.op-3"] {
            publish(&store, &acknowledged, keep(&ledger, day(0), subject, 1001));
        }
        for number in 248..280 {
            // The day changes, and its key is announced in the middle of what comes (attack A15).
            if number == 264 {
                clock.pass(1);
                (300..340).for_each(|number| append(&store, &acknowledged, number, 100));
            }
            let kind = if number % 5 == 0 { Kind::Intent } else { Kind::Admin };
            publish(&store, &acknowledged, draft(kind, number, None, 1000));
            match number {
                266 => erase(&ledger, "operator.op-2", |draft| publish(&store, &acknowledged, draft)),
                270 => publish(&store, &acknowledged, prune(256, day(0), 1)),
                _ => {}
            }
        }
        store.close();
    });
    assert!(album.shots.len() > 300, "{}", album.shots.len());
    let count = |wanted: &str| super::kinds(&ledger).iter().filter(|kind| *kind == wanted).count();
    // The key of the first day went with the first bundle.
    assert_eq!(["key", "erase", "prune"].map(count), [1; 3]);
    assert_eq!(Reader::open(&ledger).unwrap().first().unwrap(), 256);
    some(&album, 60).for_each(check);
}

#[test]
fn f1_a_crash_while_essential_calls_are_put_aside_loses_none_of_them() {
    let base = folder();
    let ledger = base.path().join("ledger");
    std::fs::create_dir(&ledger).unwrap();
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let settings = || Settings { emergency_bytes: 256 << 10, ..tiny() };
    let begin = |settings| {
        let store = Store::open(&ledger, &opening(&ledger, &Days::at(0), settings)).unwrap().0;
        store.set_essential([ConduitId::new("copilot").unwrap()].into());
        store
    };
    let album = observe(&ledger, Durable::all(&ledger), &acknowledged, || {
        let faulty = settings();
        let faults = Arc::clone(&faulty.faults);
        let store = begin(faulty);
        publish(&store, &acknowledged, draft(Kind::Admin, 1, None, 100));
        faults.next_sync_fails.store(true, Ordering::SeqCst);
        assert!(store.write(call("copilot", Kind::Intent, 2, None)).is_err());
        for number in 0..4 {
            let put_aside = |draft: Draft, place: u64| {
                let written = store.write(draft).unwrap();
                acknowledged.lock().unwrap().insert(ASIDE + place, written.id);
                written.id
            };
            let intent = put_aside(call("copilot", Kind::Intent, number, None), 2 * number);
            put_aside(call("copilot", Kind::Outcome, number, Some(intent)), 2 * number + 1);
        }
        store.close();
        let store = begin(settings());
        publish(&store, &acknowledged, draft(Kind::Admin, 3, None, 100));
        store.close();
    });
    assert_eq!(super::kinds(&ledger).iter().filter(|kind| *kind == "gap").count(), 1);
    some(&album, 60).for_each(check);
}

/// Erases what is kept of a subject, as `penstock erase` does.
fn erase(ledger: &Path, subject: &str, record: impl FnOnce(Draft)) {
    let scope = Scope::subject(subject, None).unwrap();
    let doomed = Blobs::new(ledger).doomed(&scope).unwrap();
    assert_eq!(doomed.envelopes(), 1);
    let event = [("event", Note::text("erased"))];
    let note = event.into_iter().chain(scope.note()).collect();
    let id = crate::own::id(day(1));
    record(Draft { kind: Kind::Erase, id, reference: None, body: Body { note, ..Body::default() } });
    doomed.destroy().unwrap();
}

#[test]
fn f1_a_crash_during_the_recovery_from_a_crash_loses_nothing_either() {
    let base = folder();
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let album = observe(base.path(), Durable::all(base.path()), &acknowledged, || {
        let clock = Days::at(0);
        let (store, _) = Store::open(base.path(), &opening(base.path(), &clock, tiny())).unwrap();
        (0..20).for_each(|number| append(&store, &acknowledged, number, 1000));
        clock.pass(1);
        (20..40).for_each(|number| append(&store, &acknowledged, number, 1000));
        super::wait_published(&store);
        store.close();
    });
    for Shot { picture, durable, acknowledged, what } in some(&album, 12) {
        let mut picture = picture.clone();
        if durable.is_none() {
            tear(&mut picture);
        }
        let crashed = paint(&picture);
        let durable = match durable {
            Some((durable, before)) => durable.moved(before, crashed.path()),
            None => Durable::all(crashed.path()),
        };
        let acknowledged = Arc::new(Mutex::new(acknowledged.clone()));
        let again = observe(crashed.path(), durable, &acknowledged, || {
            let (store, _) = Store::open(crashed.path(), &opening(crashed.path(), &Days::at(2), tiny())).unwrap();
            append(&store, &acknowledged, 99, 1000);
            store.close();
        });
        // All of all would be a million.
        for shot in again.shots.iter().step_by(again.shots.len().div_ceil(6).max(1)) {
            check(&Shot { what: format!("{what}; then {}", shot.what), ..shot.clone() });
        }
    }
}

/// Leaves something behind the last frame, so that there is something to cut.
fn tear(picture: &mut Picture) {
    let segment = picture.iter_mut().rfind(|(path, _)| path.extension().is_some_and(|extension| extension == "seg"));
    let Some((_, Some(bytes))) = segment else { return };
    let mut torn = bytes.to_vec();
    let end = torn.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last + 1).next_multiple_of(4096));
    if let Some(block) = torn.get_mut(end..end + 4096) {
        block[100..200].fill(0xaa);
    }
    *bytes = torn.into();
}
