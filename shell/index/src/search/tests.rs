//! Searches over ledgers that a store has written: nothing is left out, nothing is shown twice, whatever happens to the chapters.

use super::{Bounds, FOLDER, Found, Page, Question, Search};
use crate::tests::same::{RECORDS, filters};
use crate::tests::{draft, id, store, write};
use plant::{Kind, Millis};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use store::{Filter, Reader};

static GO_ON: AtomicBool = AtomicBool::new(false);
const LONG: Duration = Duration::from_secs(600);

fn bounds(records: usize, end: u64, time: Duration) -> Bounds<'static> {
    Bounds { records, time, end, stop: &GO_ON }
}

fn seqs(page: &Page) -> Vec<u64> {
    page.found.iter().map(Found::seq).collect()
}

/// Every page of an answer.
fn all(search: &Search, question: &Question, most: usize, end: u64) -> Vec<u64> {
    let (mut found, mut question) = (Vec::new(), question.clone());
    loop {
        let page = search.page(&question, &bounds(most, end, LONG)).unwrap();
        assert!(page.found.len() <= most && !page.cut);
        found.extend(seqs(&page));
        match page.below {
            Some(_) => question.below = page.below,
            None => return found,
        }
        assert_eq!(page.found.len(), most, "only a full page has another");
    }
}

fn read(ledger: &Path, filter: Filter) -> Vec<u64> {
    let mut seqs: Vec<_> =
        Reader::open(ledger).unwrap().records(0, filter).map(|record| record.unwrap().entry.seq()).collect();
    seqs.reverse();
    seqs
}

fn end(ledger: &Path) -> u64 {
    read(ledger, Filter::default())[0] + 1
}

fn asked(filter: Filter) -> Question {
    Question { filter, ..Question::default() }
}

#[test]
fn every_filter_finds_what_reading_the_whole_ledger_finds() {
    let folder = tempfile::tempdir().unwrap();
    let mut searches: Vec<_> = [256, 512, 65_536].map(|width| Search::with_width(folder.path(), width)).into();
    for life in 0..4 {
        write(folder.path(), RECORDS / 4 * life..RECORDS / 4 * (life + 1));
        let end = end(folder.path());
        // One has stored chapters, one is as far as searches have brought it, one comes anew.
        searches[0].prepare(end, &GO_ON).unwrap();
        searches[1].page(&Question::default(), &bounds(1, end, LONG)).unwrap();
        searches[2] = Search::new(folder.path());
    }
    let end = end(folder.path());
    let times: Vec<Millis> = Reader::open(folder.path())
        .unwrap()
        .records(0, Filter::default())
        .map(|record| record.unwrap().entry.t())
        .collect();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&(filters(times), 1..60_usize), |(filter, most)| {
        let wanted = read(folder.path(), filter.clone());
        for search in &searches {
            prop_assert_eq!(&all(search, &asked(filter.clone()), most, end), &wanted, "{:?}", &filter);
        }
        Ok(())
    });
    checked.unwrap();
    let label = Question { finding: Some("recipe".to_owned()), ..Question::default() };
    let found = all(&searches[0], &label, 50, end);
    assert!(!found.is_empty() && found.len() < usize::try_from(end).unwrap());
    assert_eq!(found, all(&searches[2], &label, 50, end));
    let naming = Question { naming: Some(id(6).to_string()), ..Question::default() };
    let [answer, itself] = all(&searches[0], &naming, 50, end)[..] else { panic!("one and its answer") };
    assert!(answer > itself);
}

#[test]
fn a_cursor_stays_true_while_records_are_added() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..700);
    let search = Search::with_width(folder.path(), 256);
    let wanted = read(folder.path(), Filter { kind: Some(Kind::Refuse), ..Filter::default() });
    let mut question = asked(Filter { kind: Some(Kind::Refuse), ..Filter::default() });
    let mut found = Vec::new();
    for life in 0.. {
        let page = search.page(&question, &bounds(20, end(folder.path()), LONG)).unwrap();
        found.extend(seqs(&page));
        let Some(below) = page.below else { break };
        question.below = Some(below);
        write(folder.path(), 700 + life * 100..800 + life * 100);
    }
    assert_eq!(found, wanted);
}

#[test]
fn a_running_ledger_is_searched_to_its_last_durable_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 3);
    let search = Search::with_width(folder.path(), 256);
    for number in 0..600 {
        let written = store.write(draft(number)).unwrap();
        if number % 50 == 0 {
            let end = store.state().size;
            let page = search.page(&Question::default(), &bounds(3, end, LONG)).unwrap();
            assert_eq!(page.found[0].seq(), end - 1);
            let one = asked(Filter { id: Some(written.id), ..Filter::default() });
            assert_eq!(search.page(&one, &bounds(3, end, LONG)).unwrap().found[0].seq(), end - 1);
        }
    }
    store.close();
}

/// The bytes of the stored chapters.
fn stored(ledger: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(ledger.join(FOLDER)).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn what_happens_to_stored_chapters_hides_nothing_and_a_restart_takes_up_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..1200);
    let end = end(folder.path());
    let question = asked(Filter { kind: Some(Kind::Refuse), ..Filter::default() });
    let wanted = read(folder.path(), question.filter.clone());
    let search = Search::with_width(folder.path(), 256);
    search.prepare(end, &GO_ON).unwrap();
    let before = stored(folder.path());
    assert_eq!(before.len(), 4);
    let files: Vec<_> = before.keys().cloned().collect();
    std::fs::remove_file(&files[0]).unwrap();
    let mut flipped = before[&files[1]].clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    std::fs::write(&files[1], &flipped).unwrap();
    std::fs::write(&files[2], b"").unwrap();
    std::fs::write(folder.path().join(FOLDER).join("000000000000.unfinished"), b"x").unwrap();
    assert_eq!(all(&search, &question, 50, end), wanted, "by who found them whole before");
    let fresh = Search::with_width(folder.path(), 256);
    assert_eq!(all(&fresh, &question, 50, end), wanted, "by who has looked at none");
    let kept = std::fs::metadata(&files[3]).unwrap();
    fresh.prepare(end, &GO_ON).unwrap();
    assert_eq!(stored(folder.path()), before, "what was broken is made anew");
    use std::os::unix::fs::MetadataExt;
    assert_eq!(std::fs::metadata(&files[3]).unwrap().ino(), kept.ino(), "what was whole is not");
    assert_eq!(kept.mode() & 0o777, 0o600);
    assert_eq!(all(&fresh, &question, 50, end), wanted);
}

#[test]
fn chapters_of_another_ledger_are_not_believed() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), 0..600);
    write(other.path(), 600..1200);
    let search = Search::with_width(one.path(), 256);
    search.prepare(end(one.path()), &GO_ON).unwrap();
    std::fs::rename(one.path().join(FOLDER), other.path().join(FOLDER)).unwrap();
    let before = stored(other.path());
    let search = Search::with_width(other.path(), 256);
    search.prepare(end(other.path()), &GO_ON).unwrap();
    assert!(stored(other.path()).iter().zip(&before).all(|(one, other)| one.0 == other.0 && one.1 != other.1));
}

#[test]
fn a_damaged_record_is_shown_as_such_and_the_others_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..600);
    let end = end(folder.path());
    let search = Search::with_width(folder.path(), 256);
    search.prepare(end, &GO_ON).unwrap();
    let bundle = folder.path().join("tile/entries/000");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let line = Reader::open(folder.path()).unwrap().records(77, Filter::default()).next().unwrap().unwrap().line;
    let at = bytes.windows(line.len()).position(|window| window == line).unwrap();
    bytes[at] = b'[';
    std::fs::write(&bundle, bytes).unwrap();
    for search in [search, Search::with_width(folder.path(), 256)] {
        let page = search.page(&Question { below: Some(79), ..Question::default() }, &bounds(3, end, LONG)).unwrap();
        let [Found::Record(_), Found::Damaged { seq: 77, .. }, Found::Record(_)] = &page.found[..] else {
            panic!("{page:?}")
        };
    }
    // Where it was gathered after it was damaged, nobody knows what it said.
    std::fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
    let prepared = Search::with_width(folder.path(), 256);
    prepared.prepare(end, &GO_ON).unwrap();
    let genesis = asked(Filter { kind: Some(Kind::Genesis), ..Filter::default() });
    let found = prepared.page(&genesis, &bounds(9, end, LONG)).unwrap();
    assert!(found.found.iter().any(|found| matches!(found, Found::Damaged { seq: 77, .. })), "it may be the one");
}

#[test]
fn a_record_that_says_another_number_leads_no_page_astray() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..600);
    let end = end(folder.path());
    let bundle = folder.path().join("tile/entries/000");
    let text = std::fs::read(&bundle).unwrap();
    let at = text.windows(9).position(|window| window == b"\"seq\":177").unwrap();
    let altered = [&text[..at], b"\"seq\":101", &text[at + 9..]].concat();
    std::fs::write(&bundle, altered).unwrap();
    let search = Search::with_width(folder.path(), 256);
    for prepared in [false, true] {
        if prepared {
            search.prepare(end, &GO_ON).unwrap();
        }
        assert!(all(&search, &Question::default(), 7, end).into_iter().eq((0..end).rev()));
    }
    let page = search.page(&Question { below: Some(178), ..Question::default() }, &bounds(1, end, LONG)).unwrap();
    assert!(matches!(page.found[..], [Found::Damaged { seq: 177, .. }]));
}

#[test]
fn a_chapter_without_any_place_takes_its_time_too() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..1200);
    let end = end(folder.path());
    let search = Search::with_width(folder.path(), 256);
    search.prepare(end, &GO_ON).unwrap();
    let question = asked(Filter { zone: Some(plant::ZoneId::new("nowhere").unwrap()), ..Filter::default() });
    let (mut question, mut pages) = (question, 1);
    while let Some(below) = search.page(&question, &bounds(50, end, Duration::ZERO)).unwrap().below {
        (question.below, pages) = (Some(below), pages + 1);
    }
    assert_eq!(pages, end.div_ceil(256), "each looks at one");
}

#[test]
fn a_search_whose_time_is_over_says_where_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..300);
    let end = end(folder.path());
    let search = Search::with_width(folder.path(), 256);
    let genesis = asked(Filter { kind: Some(Kind::Genesis), ..Filter::default() });
    let page = search.page(&genesis, &bounds(50, end, Duration::ZERO)).unwrap();
    assert_eq!((page.found.len(), page.below, page.cut), (0, Some(256), true), "not without having looked");
    let on = Question { below: page.below, ..genesis.clone() };
    let page = search.page(&on, &bounds(50, end, Duration::ZERO)).unwrap();
    assert_eq!((seqs(&page), page.below), (vec![0], None), "whoever goes on comes to the end");
    let stopped = AtomicBool::new(true);
    let page = search.page(&Question::default(), &Bounds { stop: &stopped, ..bounds(50, end, LONG) }).unwrap();
    assert!(page.cut && page.found.is_empty());
    search.prepare(end, &stopped).unwrap();
    assert!(!folder.path().join(FOLDER).exists());
}

#[test]
fn a_field_with_too_many_values_is_searched_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = store(folder.path(), 3);
    let (tell, told) = std::sync::mpsc::channel();
    for number in 0..4500 {
        let tell = tell.clone();
        let mut one = draft(3);
        (one.id, one.reference) = (id(number), None);
        one.body.what = Some(plant::What { model: Some(format!("model-{number}")), ..plant::What::default() });
        ledger.append(one, Box::new(move |result| tell.send(result.is_ok()).unwrap()));
    }
    drop(tell);
    assert!(told.iter().all(|written| written));
    ledger.close();
    let search = Search::new(folder.path());
    let model = Some(plant::Wildcard("model-44*9".to_owned()));
    let question = asked(Filter { model, ..Filter::default() });
    let found = all(&search, &question, 50, end(folder.path()));
    assert_eq!(found.len(), 11);
    assert_eq!(found, read(folder.path(), question.filter));
}

#[test]
fn what_is_removed_from_the_ledger_is_removed_from_what_is_searched() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..1800);
    let ledger = store(folder.path(), 3);
    let search = Search::with_width(folder.path(), 512);
    // Calls that the life before left open are closed by records of their own.
    let size = ledger.state().size;
    search.prepare(size, &GO_ON).unwrap();
    let before = stored(folder.path()).len();
    assert!(before >= 3);
    for leftover in ["000000000000.unfinished", "18446744073709551615"] {
        std::fs::write(folder.path().join(FOLDER).join(leftover), b"op-aaaabbbbccccdddd").unwrap();
    }
    let mut begun = Reader::open(folder.path()).unwrap().numbered(Filter::default()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let until = Millis(u64::try_from(now).unwrap() - 2 * 86_400_000);
    let note = ledger::Pruning { minimum: 768, until, keep_days: 1 }.note();
    let body = plant::Body { note, ..plant::Body::default() };
    ledger.write(plant::Draft { kind: Kind::Prune, id: id(9999), reference: None, body }).unwrap();
    ledger.close();
    let end = end(folder.path());
    let wanted = read(folder.path(), Filter::default());
    assert_eq!(wanted.last(), Some(&768));
    assert_eq!(all(&search, &Question::default(), 50, end), wanted);
    assert!(begun.get(7).unwrap().is_none(), "removed since, and not damaged");
    // The first chapter is gone with what a crash has left of it, and the one that was cut: the search did that.
    assert_eq!(stored(folder.path()).len(), before - 2 + 1);
    std::fs::remove_file(folder.path().join(FOLDER).join("18446744073709551615")).unwrap();
    search.prepare(end, &GO_ON).unwrap();
    let after = stored(folder.path());
    assert_eq!(after.len(), before - 1);
    for search in [search, Search::with_width(folder.path(), 512)] {
        search.prepare(end, &GO_ON).unwrap();
        let kind = asked(Filter { kind: Some(Kind::Refuse), ..Filter::default() });
        assert_eq!(all(&search, &kind, 50, end), read(folder.path(), kind.filter.clone()));
        assert_eq!(all(&search, &Question::default(), 50, end), wanted);
        assert_eq!(stored(folder.path()), after, "what was cut is made anew, once");
    }
}

#[test]
fn a_disk_that_takes_nothing_keeps_nobody_from_searching() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..700);
    // A file stands where the folder should.
    std::fs::write(folder.path().join(FOLDER), b"").unwrap();
    let end = end(folder.path());
    let search = Search::with_width(folder.path(), 256);
    assert!(search.prepare(end, &GO_ON).is_err());
    write(folder.path(), 700..1100);
    let end = self::end(folder.path());
    let kind = asked(Filter { kind: Some(Kind::Refuse), ..Filter::default() });
    assert_eq!(all(&search, &kind, 50, end), read(folder.path(), kind.filter.clone()));
}
