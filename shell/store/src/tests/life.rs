//! What a ledger does when nothing goes wrong.

use super::{
    draft, flood, folder, image, kinds, numbers, open, opening, segments, settings, settle, unpublished, verify,
    wait_published, write,
};
use crate::{Clock, Condition, Failure, Filter, OpenError, ReadError, Reader, Reading, Settings, Store};
use plant::{Body, Dialect, Draft, Kind, Millis, Note, Party, Place, What, Who, Wildcard};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

#[test]
fn a_new_ledger_begins_with_genesis_and_boot_and_verifies() {
    let folder = folder();
    let (store, recovery) = open(folder.path());
    assert!(recovery.fresh && recovery.size == 0 && recovery.abandoned.is_empty());
    let state = store.close();
    assert_eq!((state.size, state.published, state.condition), (2, 2, Condition::Closed));
    assert_eq!(kinds(folder.path()), ["genesis", "boot"]);
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn every_start_is_on_record_and_the_ledger_goes_on_where_it_ended() {
    let folder = folder();
    for start in 0..4u64 {
        let (store, recovery) = open(folder.path());
        assert_eq!((recovery.fresh, recovery.size), (start == 0, if start == 0 { 0 } else { 1 + 2 * start }));
        assert_eq!(write(&store, start).seq, 2 + 2 * start);
    }
    assert_eq!(kinds(folder.path()), ["genesis", "boot", "admin", "boot", "admin", "boot", "admin", "boot", "admin"]);
    assert_eq!(numbers(folder.path()), [0, 1, 2, 3]);
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn records_are_acknowledged_in_order_with_their_place() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let acknowledged = flood(&store, 0..3000, 400);
    for (seq, told) in (2..).zip(&acknowledged) {
        let written = told.recv().unwrap().unwrap();
        assert_eq!(written.seq, seq);
    }
    let last = Reader::open(folder.path()).unwrap().newest(1, Filter::default()).unwrap().remove(0);
    assert_eq!(last.entry.number("note.n"), Some(2999));
    store.close();
    assert_eq!(numbers(folder.path()), (0..3000).collect::<Vec<_>>());
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn f14_tiles_are_right_on_both_sides_of_their_boundaries() {
    for size in [255, 256, 257, 511, 512, 513] {
        let folder = folder();
        let (store, _) = open(folder.path());
        settle(flood(&store, 0..size - 2, 10));
        assert_eq!(store.close().published, size);
        assert_eq!(verify(folder.path()), [""; 0], "{size}");
        assert_eq!(numbers(folder.path()).len() as u64, size - 2);
    }
}

#[test]
fn f14_tiles_are_right_where_the_second_row_begins_a_third() {
    let folder = folder();
    let settings = Settings { segment_bytes: 8 << 20, queue: 70_000, ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    settle(flood(&store, 0..65_533, 1));
    assert_eq!(store.close().published, 65_535);
    for size in [65_536, 65_537] {
        assert_eq!(verify(folder.path()), [""; 0], "{size}");
        let (store, _) = open(folder.path());
        assert_eq!(store.close().published, size);
    }
    assert_eq!(verify(folder.path()), [""; 0]);
    assert!(folder.path().join("tile/2/000.p/1").exists());
}

#[test]
fn covered_segments_and_superfluous_partials_go() {
    let folder = folder();
    let (store, _) = open(folder.path());
    for round in 0..10 {
        settle(flood(&store, round * 300..(round + 1) * 300, 900));
        wait_published(&store);
    }
    store.close();
    assert!(segments(folder.path()).len() <= 4, "{:?}", segments(folder.path()));
    assert!(!folder.path().join("tile/entries/000.p").exists());
    assert!(!folder.path().join("wal/next").exists());
    assert_eq!(numbers(folder.path()).len(), 3000);
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn old_notes_are_thinned_out() {
    let folder = folder();
    let settings = Settings { keep_notes: 5, ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    for number in 0..20 {
        write(&store, number);
        wait_published(&store);
    }
    store.close();
    let notes = std::fs::read_dir(folder.path().join("checkpoints")).unwrap().count();
    assert!((5..=7).contains(&notes), "{notes}: five, the first of the day, and the lock record");
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn f10_two_openers_never_have_one_ledger() {
    let folder = folder();
    let (_store, _) = open(folder.path());
    let error = Store::open(folder.path(), &opening(settings())).unwrap_err();
    assert!(matches!(error, OpenError::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
}

#[test]
fn the_ledger_of_another_gateway_or_key_does_not_open() {
    let folder = folder();
    open(folder.path()).0.close();
    let mut other = opening(settings());
    other.gateway = plant::GatewayId::new("gate-2").unwrap();
    assert!(matches!(Store::open(folder.path(), &other), Err(OpenError::Foreign(_))));
    let mut other = opening(settings());
    other.key = Arc::new(seal::SigningKey::from_seed([8; 32].into()));
    assert!(matches!(Store::open(folder.path(), &other), Err(OpenError::Checkpoint(_))));
    assert_eq!(open(folder.path()).1.size, 2);
}

#[test]
fn a_full_queue_says_so_at_once_and_a_closed_ledger_too() {
    let folder = folder();
    let settings = Settings { queue: 4, ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    let (gate, held) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (inner_gate, inner_held) = (Arc::clone(&gate), Arc::clone(&held));
    // The first acknowledgement holds the writer, so what follows stays in the queue.
    store.append(
        draft(Kind::Admin, 0, None, 1),
        Box::new(move |_| {
            inner_held.wait();
            inner_gate.wait();
        }),
    );
    held.wait();
    let waiting = flood(&store, 1..5, 1);
    assert_eq!(store.state().queue_depth, 4);
    assert_eq!(store.write(draft(Kind::Admin, 5, None, 1)), Err(Failure::Busy));
    gate.wait();
    settle(waiting);
    store.close();
    assert_eq!(store.write(draft(Kind::Admin, 6, None, 1)), Err(Failure::Closed));
    assert_eq!(numbers(folder.path()), [0, 1, 2, 3, 4]);
}

#[test]
fn a_caller_that_panics_harms_nobody_else() {
    let folder = folder();
    let (store, _) = open(folder.path());
    store.append(draft(Kind::Admin, 0, None, 1), Box::new(|_| std::panic::resume_unwind(Box::new(()))));
    write(&store, 1);
    assert!(store.state().healthy);
}

#[test]
fn a_draft_that_cannot_be_written_down_is_rejected_and_leaves_no_gap() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let mut bad = draft(Kind::Admin, 0, None, 1);
    bad.body.note.insert("Not A Key", Note::Number(1));
    assert!(matches!(store.write(bad), Err(Failure::Rejected(_))));
    assert_eq!(write(&store, 1).seq, 2);
}

#[test]
fn silence_is_broken_by_beats() {
    let folder = folder();
    let settings = Settings { beat: Duration::from_millis(10), ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(settings)).unwrap();
    let begin = std::time::Instant::now();
    while store.state().size < 5 && begin.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
    store.close();
    assert_eq!(kinds(folder.path()).get(2..5).unwrap(), ["beat", "beat", "beat"]);
}

/// A clock that stands where it was put.
#[derive(Debug)]
struct Put(AtomicU64, AtomicU64);

impl Clock for Put {
    fn read(&self) -> Reading {
        Reading { time: Millis(self.0.load(Ordering::SeqCst)), mono: self.1.load(Ordering::SeqCst) * 1000 }
    }
    fn boot(&self) -> String {
        "machine-1".to_owned()
    }
    fn source(&self) -> String {
        "script".to_owned()
    }
}

#[test]
fn a12_a_clock_that_is_set_back_is_on_record_before_anything_else() {
    let folder = folder();
    let clock = Arc::new(Put(AtomicU64::new(1_700_000_000_000), AtomicU64::new(5)));
    let settings = Settings { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..settings() };
    let (store, _) = Store::open(folder.path(), &opening(settings.clone())).unwrap();
    write(&store, 0);
    clock.0.store(1_600_000_000_000, Ordering::SeqCst);
    assert_eq!(write(&store, 1).seq, 4);
    store.close();
    clock.0.store(1_500_000_000_000, Ordering::SeqCst);
    Store::open(folder.path(), &opening(settings)).unwrap().0.close();
    assert_eq!(kinds(folder.path()), ["genesis", "boot", "admin", "clock", "admin", "clock", "boot"]);
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn intents_that_a_crash_left_open_are_closed_as_abandoned_once() {
    let folder = folder();
    let store = unpublished(folder.path());
    let intents: Vec<_> = (0..3).map(|number| store.write(draft(Kind::Intent, number, None, 1)).unwrap().id).collect();
    store.write(draft(Kind::Outcome, 3, Some(intents[1]), 1)).unwrap();
    let crashed = image(folder.path());
    let (store, recovery) = open(crashed.path());
    let mut expected = vec![intents[0], intents[2]];
    expected.sort_unstable();
    assert_eq!((recovery.abandoned, recovery.replayed), (expected, 6));
    store.close();
    let all = kinds(crashed.path());
    assert_eq!(all.get(6..).unwrap(), ["boot", "abandon", "abandon"]);
    assert!(open(crashed.path()).1.abandoned.is_empty());
    assert_eq!(verify(crashed.path()), [""; 0]);
}

#[test]
fn an_abandoned_call_says_whose_it_was() {
    let party = |id: &str, by| Some(Party { id: id.to_owned(), by });
    let body = Body {
        who: Some(Who {
            client: Some(plant::Client { name: "OpenAI/Python".to_owned(), version: None }),
            workload: party("mes-copilot", "mtls"),
            workstation: party("panel-7", "asserted"),
            operator: party("op-k5f2", "oidc"),
            peer: "10.3.0.17".parse().unwrap(),
        }),
        place: Some(Place {
            plant: "brewery".parse().unwrap(),
            zone: "cell-1".parse().ok(),
            conduit: "copilot".parse().ok(),
            purpose: "maintenance".parse().ok(),
        }),
        what: Some(What {
            provider: "openai".parse().ok(),
            rerouted: "edge".parse().ok(),
            dialect: Some(Dialect::OpenAi),
            endpoint: "chat.completions".to_owned(),
            model: Some("gpt-4o".to_owned()),
            sensitivity: Some("internal".to_owned()),
            stream: true,
            ..What::default()
        }),
        ..Body::default()
    };
    let folder = folder();
    let store = unpublished(folder.path());
    let intent = store.write(Draft { body, ..draft(Kind::Intent, 0, None, 1) }).unwrap().id;
    let crashed = image(folder.path());
    open(crashed.path()).0.close();
    let wanted =
        Filter { conduit: "copilot".parse().ok(), model: Some(Wildcard("gpt*".to_owned())), ..Filter::default() };
    let found = Reader::open(crashed.path()).unwrap().newest(2, wanted).unwrap();
    let [begun, abandoned] = &found[..] else { panic!("{found:?}") };
    assert_eq!((begun.entry.id(), abandoned.entry.reference()), (intent, Some(intent)));
    for part in ["who", "where", "what"] {
        assert_eq!(begun.entry.at(part), abandoned.entry.at(part), "{part}");
    }
}

#[test]
fn open_intents_are_known_without_reading_what_was_published() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let intent = store.write(draft(Kind::Intent, 0, None, 1)).unwrap().id;
    settle(flood(&store, 1..2000, 300));
    store.close();
    let (_store, recovery) = open(folder.path());
    assert_eq!((recovery.replayed, recovery.abandoned), (0, vec![intent]));
}

#[test]
fn a_reader_beside_a_live_writer_sees_everything_once_and_in_order() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let reader = Reader::open(folder.path()).unwrap();
    let mut seen = 0;
    let mut waiting = Vec::new();
    let mut from = 0;
    for round in 0..40u64 {
        waiting.extend(flood(&store, round * 50..(round + 1) * 50, 700));
        let mut records = reader.records(from, Filter::default());
        for record in records.by_ref() {
            if let Some(number) = record.unwrap().entry.number("note.n") {
                assert_eq!(number, seen);
                seen += 1;
            }
        }
        from = records.position();
    }
    settle(waiting);
    store.close();
    let rest = reader.records(from, Filter::default()).map(|record| record.unwrap());
    assert_eq!(seen + rest.filter(|record| record.entry.number("note.n").is_some()).count() as u64, 2000);
}

#[test]
fn records_are_found_by_what_they_say() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let intent = store.write(draft(Kind::Intent, 0, None, 1)).unwrap();
    let refused: Draft = draft(Kind::Refuse, 1, None, 1);
    store.write(refused).unwrap();
    store.write(draft(Kind::Outcome, 2, Some(intent.id), 1)).unwrap();
    settle(flood(&store, 3..600, 1));
    let reader = Reader::open(folder.path()).unwrap();
    let count = |filter: Filter| reader.records(0, filter).map(Result::unwrap).count();
    for _ in ["from the log", "from tiles"] {
        assert_eq!(count(Filter { kind: Some(Kind::Refuse), ..Filter::default() }), 1);
        assert_eq!(count(Filter { id: Some(intent.id), ..Filter::default() }), 2);
        assert_eq!(count(Filter { since: Some(Millis(u64::MAX)), ..Filter::default() }), 0);
        assert_eq!(count(Filter { until: Some(Millis(u64::MAX)), ..Filter::default() }), 602);
        assert_eq!(reader.find(intent.id).unwrap().unwrap().entry.seq(), 2);
        assert_eq!(reader.find(plant::RecordId::new(Millis(1), [0; 10])).unwrap(), None);
        let newest = reader.newest(300, Filter { kind: Some(Kind::Admin), ..Filter::default() }).unwrap();
        let newest: Vec<_> = newest.iter().filter_map(|record| record.entry.number("note.n")).collect();
        assert_eq!(newest, (300..600).collect::<Vec<_>>());
        store.close();
    }
}

#[test]
fn a_receipt_proves_its_record_and_only_when_it_is_published() {
    let folder = folder();
    let store = unpublished(folder.path());
    settle(flood(&store, 0..300, 10));
    let written = write(&store, 300);
    let reader = Reader::open(folder.path()).unwrap();
    let record = reader.find(written.id).unwrap().unwrap();
    assert!(matches!(reader.receipt(&record), Err(ReadError::NotPublished { seq: 302 })));
    let verifier = store.verifier().clone();
    store.close();
    let receipt = reader.receipt(&record).unwrap().to_string();
    let receipt = ledger::Receipt::parse(receipt.as_bytes()).unwrap();
    assert_eq!(receipt.verify(receipt.extra().unwrap(), &[verifier]).unwrap().size, 303);
}

#[test]
fn whoever_waits_when_the_ledger_closes_is_told() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let store = Arc::new(store);
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                let (tell, told) = sync_channel(1000);
                for number in 0..1000 {
                    let tell = tell.clone();
                    let done = move |result: Result<_, _>| tell.send(result.is_ok()).unwrap();
                    store.append(draft(Kind::Admin, number, None, 1), Box::new(done));
                }
                drop(tell);
                told.iter().collect::<Vec<_>>()
            })
        })
        .collect();
    store.close();
    let told: Vec<bool> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
    assert_eq!(told.len(), 4000);
    assert_eq!(numbers(folder.path()).len(), told.iter().filter(|written| **written).count());
}

#[test]
fn reading_on_from_a_time_misses_nothing_and_reads_little_before() {
    let folder = folder();
    let (store, _) = open(folder.path());
    for round in 0..8 {
        settle(flood(&store, round * 400..(round + 1) * 400, 1));
    }
    store.close();
    let reader = Reader::open(folder.path()).unwrap();
    let records = |from| reader.records(from, Filter::default());
    let times: Vec<Millis> = records(0).map(|record| record.unwrap().entry.t()).collect();
    for time in [Millis(0), times[0], times[700], times[2500], *times.last().unwrap(), Millis(u64::MAX)] {
        let first = times.iter().position(|other| *other >= time).unwrap_or(times.len()) as u64;
        let from = reader.since(time).unwrap();
        assert!(from <= first && first - from <= 512, "{from} {first}");
    }
    assert_eq!((records(5).below(9).count(), records(9).below(9).count()), (4, 0));
}

#[test]
fn a_record_has_its_number_in_tiles_and_after_them() {
    let folder = folder();
    let (store, _) = open(folder.path());
    settle(flood(&store, 0..700, 50));
    store.close();
    let store = unpublished(folder.path());
    settle(flood(&store, 700..900, 50));
    let reader = Reader::open(folder.path()).unwrap();
    let all: Vec<_> = reader.records(0, Filter::default()).map(Result::unwrap).collect();
    let mut numbered = reader.numbered(Filter::default()).unwrap();
    for record in all.iter().rev() {
        assert_eq!(numbered.get(record.entry.seq()).unwrap().as_ref(), Some(record));
    }
    assert_eq!(numbered.get(all.len() as u64).unwrap(), None);
    let mut boots = reader.numbered(Filter { kind: Some(Kind::Boot), ..Filter::default() }).unwrap();
    let kept: Vec<_> = (0..all.len() as u64).filter(|seq| boots.get(*seq).unwrap().is_some()).collect();
    let known = all.iter().filter(|record| record.entry.kind() == Some(Kind::Boot)).map(|record| record.entry.seq());
    assert_eq!(kept, known.collect::<Vec<_>>());
}

/// A clock that knows how far it may be off: as many milliseconds as it was looked at.
#[derive(Debug, Default)]
struct Unsure(std::sync::atomic::AtomicU64);

impl crate::Clock for Unsure {
    fn read(&self) -> crate::Reading {
        let looks = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        crate::Reading { time: Millis(1_763_674_500_000 + looks), mono: 1000 * looks }
    }
    fn boot(&self) -> String {
        "boot-1".to_owned()
    }
    fn source(&self) -> String {
        "ntp".to_owned()
    }
    fn bound(&self, at: &crate::Reading) -> Option<u64> {
        (at.mono > 5000).then_some(at.mono / 1000)
    }
}

#[test]
fn a12_every_record_says_how_far_its_time_may_be_off() {
    let folder = folder();
    let clock = std::sync::Arc::new(Unsure::default());
    let (store, _) = Store::open(folder.path(), &opening(Settings { clock, ..settings() })).unwrap();
    for number in 0..10 {
        write(&store, number);
    }
    store.close();
    let records = Reader::open(folder.path()).unwrap().records(0, Filter::default());
    let said: Vec<_> = records.map(|record| record.unwrap().entry).collect();
    for entry in &said {
        assert_eq!(entry.number("clk.bound"), Some(entry.number("mono").unwrap() / 1000).filter(|looks| *looks > 5));
    }
    let sure = said.iter().filter(|entry| entry.number("clk.bound").is_some()).count();
    assert!(sure > 3 && sure < said.len(), "{sure}");
    assert_eq!(verify(folder.path()), [""; 0]);
}

#[test]
fn an_incident_is_all_that_is_tied_to_a_record_and_nothing_else() {
    let folder = folder();
    let (store, _) = open(folder.path());
    let note = |kind, number, name: &'static str, of: plant::RecordId| {
        let mut draft = draft(kind, number, None, 1);
        draft.body.note.insert(name, Note::Text(of.to_string()));
        draft
    };
    let write = |draft| store.write(draft).unwrap().id;
    let hold = write(draft(Kind::Hold, 0, None, 1));
    let intent = write(draft(Kind::Intent, 1, Some(hold), 1));
    let other = write(draft(Kind::Intent, 2, None, 1));
    let outcome = write(draft(Kind::Outcome, 3, Some(intent), 1));
    write(draft(Kind::Outcome, 4, Some(other), 1));
    let account = write(note(Kind::Oversight, 5, "outcome", outcome));
    write(note(Kind::Read, 6, "record", intent));
    // What merely says an identity is not tied to it: the field may come from outside.
    write(note(Kind::Admin, 7, "text2", outcome));
    store.close();
    let reader = Reader::open(folder.path()).unwrap();
    let found = |of, size, filter: Filter| {
        let incident = Some(crate::Incident::about(of));
        let filter = Filter { incident, ..filter }.gathered(&reader, size).unwrap();
        let records = reader.records(0, filter).map(|record| record.unwrap().entry.number("note.n").unwrap());
        records.collect::<Vec<_>>()
    };
    for record in [hold, intent, outcome, account] {
        assert_eq!(found(record, u64::MAX, Filter::default()), [0, 1, 3, 5, 6], "{record}");
    }
    assert_eq!(found(other, u64::MAX, Filter::default()), [2, 4]);
    assert_eq!(found(hold, 6, Filter::default()), [0, 1, 3], "two records of the ledger's own come first");
    let calls = Filter { kind: Some(Kind::Intent), ..Filter::default() };
    assert_eq!(found(account, u64::MAX, calls), [1]);
    assert_eq!(found(crate::own::id(Millis(1)), u64::MAX, Filter::default()), [0_u64; 0]);
}
