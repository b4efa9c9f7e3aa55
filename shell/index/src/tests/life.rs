//! Building, catching up, and everything that must not be believed.

use super::{ask, draft, one, open, store, write};
use crate::{FILE, Index, IndexError, Progress};
use rusqlite::Connection;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use store::{Filter, Reader};

const COUNT: &str = "select count(*) from records";
const FORGED: &str = "select count(*) from records where verdict = 'forged'";

/// How many records a call of `open` had to read.
fn read_again(ledger: &Path) -> u64 {
    let mut first = None;
    let mut last = 0;
    let index = Index::open(ledger, &mut |Progress { done, of }| {
        first.get_or_insert(of);
        last = done;
    });
    drop(index.unwrap());
    last
}

/// How many records the log has.
fn size(ledger: &Path) -> u64 {
    Reader::open(ledger).unwrap().records(0, Filter::default()).count() as u64
}

fn inode(ledger: &Path) -> u64 {
    std::fs::metadata(ledger.join(FILE)).unwrap().ino()
}

/// Changes the index as somebody with the owner's rights could.
fn forge(ledger: &Path) {
    let connection = Connection::open(ledger.join(FILE)).unwrap();
    connection.execute("update stored_records set verdict = 'forged'", ()).unwrap();
    connection.close().unwrap();
}

#[test]
fn it_is_built_once_and_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..600);
    assert_eq!(one(folder.path(), COUNT), size(folder.path()).to_string());
    let first = inode(folder.path());
    assert_eq!(read_again(folder.path()), 0);
    write(folder.path(), 600..700);
    let index = open(folder.path());
    let size = size(folder.path());
    assert_eq!(index.head().size, size);
    let counted = "select min(seq), max(seq) + 1, count(distinct leaf) from records";
    assert_eq!(ask(&index, counted).unwrap(), [format!("0|{size}|{size}")]);
    assert_eq!(inode(folder.path()), first);
}

#[test]
fn only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..3);
    drop(open(folder.path()));
    for name in [FILE, "index.stamp"] {
        assert_eq!(std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_record_shows_in_every_column_that_it_fills() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..200);
    let index = open(folder.path());
    for view in crate::SCHEMA {
        for column in view.columns() {
            if matches!(column.name, "purpose" | "provider_id") {
                continue; // no record of these tests has one
            }
            let filled = format!("select count({}) > 0 from {}", column.name, view.name);
            assert_eq!(ask(&index, &filled).unwrap(), ["1"], "{}.{}", view.name, column.name);
        }
    }
    let times = "select count(*) from records where unixepoch(time, 'subsec') * 1000 <> t";
    assert_eq!(ask(&index, times).unwrap(), ["0"]);
    let sums =
        "select count(*) from records r where findings <> (select total(count) from findings f where f.seq = r.seq)";
    assert_eq!(ask(&index, sums).unwrap(), ["0"]);
}

/// An index that was altered in some way is built anew and says what the log says.
fn check_not_believed(alter: impl Fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..50);
    let size = one(folder.path(), COUNT);
    alter(folder.path());
    assert_eq!(read_again(folder.path()).to_string(), size);
    assert_eq!(one(folder.path(), FORGED), "0");
    assert_eq!(one(folder.path(), COUNT), size);
}

#[test]
fn what_was_altered_is_built_anew() {
    check_not_believed(forge);
    check_not_believed(|ledger| std::fs::write(ledger.join(FILE), "").unwrap());
    check_not_believed(|ledger| std::fs::write(ledger.join(FILE), vec![b'S'; 8192]).unwrap());
    check_not_believed(|ledger| std::fs::remove_file(ledger.join(FILE)).unwrap());
    check_not_believed(|ledger| std::fs::remove_file(ledger.join("index.stamp")).unwrap());
    check_not_believed(|ledger| std::fs::write(ledger.join("index.stamp"), "x\n1\n\n\n").unwrap());
    check_not_believed(|ledger| {
        let path = ledger.join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    });
    check_not_believed(|ledger| {
        let file = std::fs::File::options().write(true).open(ledger.join(FILE)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    });
}

#[test]
fn an_index_that_came_with_a_copy_is_built_anew() {
    check_not_believed(|ledger| {
        // Forged elsewhere, with the stamp of the true one.
        let (path, copy) = (ledger.join(FILE), ledger.join("copy"));
        std::fs::copy(&path, &copy).unwrap();
        std::fs::rename(&copy, &path).unwrap();
    });
    check_not_believed(|ledger| {
        let (path, elsewhere) = (ledger.join(FILE), ledger.join("elsewhere"));
        std::fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    });
}

#[test]
fn a_journal_that_somebody_put_beside_it_is_neither_used_nor_kept() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..50);
    drop(open(folder.path()));
    // A real hot journal of this very index, as a process leaves it that is killed while it writes.
    let (index, journal) = (folder.path().join(FILE), folder.path().join("index.sqlite-journal"));
    let twin = folder.path().join("twin.sqlite");
    std::fs::copy(&index, &twin).unwrap();
    let connection = Connection::open(&twin).unwrap();
    connection.execute_batch("update stored_records set verdict = 'forged'").unwrap();
    connection.execute_batch("pragma cache_size = 1; begin; update stored_records set zone = 'forged'").unwrap();
    std::fs::copy(folder.path().join("twin.sqlite-journal"), &journal).unwrap();
    drop(connection);
    assert!(std::fs::metadata(&journal).unwrap().len() > 512);
    assert_eq!(one(folder.path(), FORGED), "0");
    write(folder.path(), 50..60);
    assert_eq!(one(folder.path(), FORGED), "0");
    assert!(!journal.exists());
}

#[test]
fn a_log_that_went_back_or_is_another_one_makes_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, early) = (folder.path().join("ledger"), folder.path().join("early"));
    write(&ledger, 0..40);
    let copied = Command::new("cp").arg("-a").args([&ledger, &early]).status().unwrap();
    assert!(copied.success());
    write(&ledger, 40..90);
    drop(open(&ledger));
    for name in [FILE, "index.stamp"] {
        std::fs::rename(ledger.join(name), early.join(name)).unwrap();
    }
    assert_eq!(one(&early, COUNT), size(&early).to_string());
    // The same sizes, another history.
    write(&early, 140..190);
    assert_eq!(one(&early, "select count(*) from records where request_bytes between 40 and 89"), "0");
}

#[test]
fn records_that_the_checkpoint_does_not_cover_are_no_index() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..20);
    let bundle = std::fs::read_dir(folder.path().join("tile/entries/000.p")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read(&bundle).unwrap();
    let at = text.windows(8).position(|window| window == b"\"boot\":1").unwrap();
    let mut forged = text.clone();
    forged[at + 7] = b'2';
    std::fs::write(&bundle, forged).unwrap();
    let error = Index::open(folder.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, IndexError::Differs { .. }), "{error}");
    std::fs::write(&bundle, text).unwrap();
    assert_eq!(one(folder.path(), "select max(boot) from records"), "1");
}

#[test]
fn a_ledger_that_published_nothing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Index::open(folder.path(), &mut |_| {}), Err(IndexError::Read(_))));
    std::fs::create_dir(folder.path().join("wal")).unwrap();
    assert!(matches!(Index::open(folder.path(), &mut |_| {}), Err(IndexError::NotPublished(_))));
}

#[test]
fn it_is_read_while_the_gateway_writes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..5);
    let store = store(folder.path(), 3);
    for number in 5..50 {
        store.write(draft(number)).unwrap();
        drop(open(folder.path()));
    }
    store.close();
    assert_eq!(one(folder.path(), COUNT), size(folder.path()).to_string());
}

const CHILD: &str = "PENSTOCK_INDEX_CHILD";

/// Builds the index and says how far it is. Not a test of its own: without the variable it does nothing.
#[test]
fn a_child_that_builds_until_it_is_killed() {
    let Some(ledger) = std::env::var_os(CHILD) else { return };
    let told = |progress: Progress| println!("\nbuilt {}", progress.done);
    drop(Index::rebuild(Path::new(&ledger), &mut { told }).unwrap());
    println!("\ndone");
}

#[test]
fn one_that_was_killed_at_work_leaves_nothing_that_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..9000);
    let expected = "select count(*), count(distinct leaf), sum(seq) from records";
    drop(open(folder.path()));
    let whole = one(folder.path(), expected);
    // After the first word it is in the middle; after the last it syncs, stamps or has ended.
    for words in [1, 2, 3] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::life::a_child_that_builds_until_it_is_killed", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.filter(|line| line.starts_with("built ")).take(words).count(), words);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(one(folder.path(), expected), whole, "killed after {words}");
    }
}
