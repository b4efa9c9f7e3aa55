//! The ledger of a running gateway, looked into for the console: searched, proved, opened.
//!
//! ```text
//! console ─> a place among few ─> a thread beside the calls ─> search, log, tiles ─> answer
//! ```
//!
//! Of the places one person takes all but one, so that nobody keeps the others away. A search ends within a second, whatever is asked for and however long the ledger is. When the gateway stops, all of them do.

mod places;

use crate::journal::{self, Ledger};
use crate::records::open::judge;
use crate::secrets;
use config::Loaded;
use console::{Body, Entry, Fault, Line, Listing, Name, Opening, Person, Proof, Receipt, Stored, Story, Wanted};
use index::{Bounds, Found, Question, Search};
use places::Places;
use plant::{Kind, Note, RecordId, Sealed};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Blobs, Filter, Folder, Numbered, ReadError, Reader, Record};

/// How long one may look.
const TIME: Duration = Duration::from_secs(1);
/// How often what is new is put away.
const REST: Duration = Duration::from_secs(3600);
/// Most records that are shown with one.
const RELATED: usize = 200;
/// Most bytes that are shown of a body, as text and otherwise.
const TEXT: usize = 1 << 20;
const BYTES: usize = 64 << 10;

/// What looks into the ledger.
pub(crate) struct Searching {
    search: Search,
    recorder: Arc<Ledger>,
    /// Where the key is that opens what is kept.
    keys: PathBuf,
    places: Places,
    stop: Arc<AtomicBool>,
    /// What wakes the thread that puts away; there once it runs.
    putting: Mutex<Option<Sender<()>>>,
}

impl Searching {
    /// Begins to put away what is searched, where people can come to look at it; else once somebody does.
    pub(crate) fn open(loaded: &Loaded, recorder: Arc<Ledger>) -> Arc<Self> {
        let searching = Arc::new(Self {
            search: Search::new(&recorder.folder),
            keys: loaded.gateway.keys.clone(),
            places: Places::default(),
            stop: Arc::default(),
            putting: Mutex::default(),
            recorder,
        });
        if loaded.control.listen.is_some() {
            searching.put_away();
        }
        searching
    }

    /// Has whoever is looking stop.
    pub(crate) fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.putting.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn put_away(self: &Arc<Self>) {
        let mut putting = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        if putting.is_some() || self.stop.load(Ordering::Relaxed) {
            return;
        }
        let (wake, woken) = channel();
        *putting = Some(wake);
        let (own, stop) = (Arc::downgrade(self), Arc::clone(&self.stop));
        let put = move || {
            while let Some(own) = own.upgrade() {
                let size = own.recorder.store.state().size;
                if let Err(problem) = own.search.prepare(size, &stop) {
                    tracing::warn!(%problem, "console: records are found slower, because what is searched cannot be put away");
                }
                drop(own);
                if woken.recv_timeout(REST) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let begun = std::thread::Builder::new().name("search".to_owned()).spawn(put);
        if let Err(problem) = begun {
            tracing::warn!(%problem, "console: records are found slower, because no thread could be had");
        }
    }

    /// Does something for somebody beside the calls, when its turn comes.
    pub(crate) async fn beside<T: Send + 'static>(
        self: Arc<Self>,
        by: Person,
        work: impl FnOnce(&Self, &Person) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let busy = || Fault::Unavailable("as many look into the ledger as may; try again".to_owned());
        let place = self.places.take(&by.told()).await.ok_or_else(busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            self.put_away();
            work(&self, &by)
        });
        done.await.unwrap_or_else(|_| Err(Fault::Unavailable("the ledger could not be looked into".to_owned())))
    }

    /// The records that are wanted.
    pub(crate) fn listing(&self, wanted: Wanted) -> Result<Listing, Fault> {
        let most = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
        let question = question(wanted);
        let size = self.size();
        let page = self.page(&question, most, size)?;
        let records = page.found.iter().map(line).collect();
        Ok(Listing { records, next: page.below, cut: page.cut, size })
    }

    /// The same as they are stored. What cannot be read ends it: nobody takes what is left for the whole.
    pub(crate) fn stored(&self, wanted: Wanted) -> Result<Stored, Fault> {
        let most = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
        let page = self.page(&question(wanted), most, self.size())?;
        let mut lines = Vec::new();
        for found in page.found {
            match found {
                Found::Record(record) => lines.extend(record.line.into_iter().chain([b'\n'])),
                Found::Damaged { problem, .. } => return Err(unreadable(problem)),
            }
        }
        Ok(Stored { lines, next: page.below })
    }

    fn size(&self) -> u64 {
        self.recorder.store.state().size
    }

    fn page(&self, question: &Question, records: usize, end: u64) -> Result<index::Page, Fault> {
        let bounds = Bounds { records, time: TIME, end, stop: &self.stop };
        self.search.page(question, &bounds).map_err(unreadable)
    }

    fn reader(&self) -> Result<Reader, Fault> {
        Reader::open(&self.recorder.folder).map_err(unreadable)
    }

    /// The number of a record, and it, if it can be read.
    fn find(&self, name: Name) -> Result<Found, Fault> {
        let unknown = || Fault::Unknown("the ledger has no such record".to_owned());
        match name {
            Name::Seq(seq) if seq >= self.size() => Err(unknown()),
            Name::Seq(seq) => match self.numbered()?.get(seq) {
                Ok(Some(record)) => Ok(Found::Record(Box::new(record))),
                Ok(None) => Err(unknown()),
                Err(problem) => Ok(Found::Damaged { seq, problem }),
            },
            Name::Id(id) => {
                let question = Question { filter: Filter { id: Some(id), ..Filter::default() }, ..Question::default() };
                let page = self.page(&question, RELATED, self.size())?;
                let own = |found: &Found| matches!(found, Found::Record(record) if record.entry.id() == id);
                let found = page.found.into_iter().find(own);
                found.ok_or_else(|| if page.below.is_some() { slow() } else { unknown() })
            }
        }
    }

    fn numbered(&self) -> Result<Numbered, Fault> {
        self.reader()?.numbered(Filter::default()).map_err(unreadable)
    }

    /// A record, with those of the same call and those that name it.
    pub(crate) fn story(&self, name: Name) -> Result<Story, Fault> {
        let found = self.find(name)?;
        let mut numbered = self.numbered()?;
        let mut related = BTreeMap::new();
        let mut more = false;
        if let Found::Record(record) = &found {
            let named = ["id", "ref", "note.record", "note.call"].iter().filter_map(|path| record.entry.text(path));
            for id in named {
                let question = Question { naming: Some(id.to_owned()), ..Question::default() };
                let page = self.page(&question, RELATED, self.size())?;
                more |= page.below.is_some();
                related.extend(page.found.into_iter().map(|found| (found.seq(), found)));
            }
        }
        related.remove(&found.seq());
        // What is damaged may be anything; here only what is known to belong is shown.
        related.retain(|_, found| matches!(found, Found::Record(_)));
        more |= related.len() > RELATED;
        let related = related.values().take(RELATED).map(|found| entry(&mut numbered, found)).collect();
        Ok(Story { record: entry(&mut numbered, &found), related, more })
    }

    /// What proves that a record is in the ledger. Damaged or not: the proof says which it is.
    pub(crate) fn proof(&self, name: Name) -> Result<Proof, Fault> {
        let seq = self.find(name)?.seq();
        let (head, bytes) = self.reader()?.published().map_err(unreadable)?.ok_or_else(unpublished)?;
        if seq >= head.size {
            return Err(unpublished());
        }
        let damaged = |problem: &dyn std::fmt::Display| Fault::Unavailable(format!("no proof can be made: {problem}"));
        let note = ::seal::note::Note::parse(&bytes).map_err(|problem| damaged(&problem))?;
        let tiles = Folder::new(&self.recorder.folder).tiles(head.size);
        let receipt = ledger::Receipt::make(seq, note, &tiles).map_err(|problem| damaged(&problem))?;
        Ok(Proof {
            seq,
            path: receipt.path().iter().map(|hash| ::seal::base64(hash)).collect(),
            checkpoint: receipt.note().to_string(),
            key: self.recorder.store.verifier().to_string(),
        })
    }

    /// The receipt of a record.
    pub(crate) fn receipt(&self, name: Name) -> Result<Receipt, Fault> {
        let record = self.whole(name)?;
        match self.reader()?.receipt(&record) {
            Ok(receipt) => Ok(Receipt {
                name: format!("{}.tlog-proof", record.entry.id()),
                bytes: receipt.to_string().into_bytes(),
            }),
            Err(ReadError::NotPublished { .. }) => Err(unpublished()),
            Err(problem) => Err(unreadable(problem)),
        }
    }

    fn whole(&self, name: Name) -> Result<Record, Fault> {
        match self.find(name)? {
            Found::Record(record) => Ok(*record),
            Found::Damaged { problem, .. } => Err(unreadable(problem)),
        }
    }

    /// What a call said. Who opens it is on record before this returns.
    pub(crate) fn opening(&self, by: &Person, name: Name) -> Result<Opening, Fault> {
        let record = self.whole(name)?;
        let call = record.entry.reference().unwrap_or(record.entry.id());
        let none = || Fault::Unknown("nothing is kept of what this call said".to_owned());
        let path = self.keys.join("seal.key");
        if !path.exists() {
            return Err(none());
        }
        let key = secrets::opening_key(&path).map_err(|problem| Fault::Unavailable(problem.to_string()))?;
        let bodies = self.bodies(call, &key)?;
        if bodies.is_empty() {
            return Err(none());
        }
        let note = BTreeMap::from([
            ("event", Note::text("opened")),
            ("key", Note::text(key.recipient().to_string())),
            ("record", Note::text(call.to_string())),
            ("by", Note::text(by.told())),
        ]);
        let recorded = journal::written(&self.recorder.store, Kind::Read, note).map_err(|problem| {
            Fault::Unavailable(format!("content is not shown while that cannot be recorded: {problem}"))
        })?;
        Ok(Opening { recorded: recorded.to_string(), bodies })
    }

    fn bodies(&self, call: RecordId, key: &::seal::OpeningKey) -> Result<Vec<Body>, Fault> {
        let question = Question { filter: Filter { id: Some(call), ..Filter::default() }, ..Question::default() };
        let page = self.page(&question, RELATED, self.size())?;
        if page.cut {
            return Err(slow());
        }
        let blobs = Blobs::new(&self.recorder.folder);
        let mut bodies = Vec::new();
        for found in page.found.iter().rev() {
            let Found::Record(record) = found else { continue };
            let text = |path| record.entry.text(path).map(str::to_owned);
            let Some((blob, name)) = text("seal.blob").zip(text("seal.key")) else { continue };
            let opened = blobs.open(record.entry.id(), &Sealed { blob, key: name }, key);
            let opened = opened.map_err(|problem| Fault::Conflict(problem.to_string()))?;
            let (_, genuine) = judge(record, &opened);
            let what = match record.entry.kind() {
                Some(Kind::Intent) => "request",
                Some(Kind::Oversight) => "account",
                _ => "answer",
            };
            bodies.push(body(record.entry.seq(), what, genuine, &opened.content));
        }
        Ok(bodies)
    }
}

fn body(seq: u64, what: &'static str, genuine: bool, content: &[u8]) -> Body {
    let text = std::str::from_utf8(content).ok().map(|text| {
        let end = text.floor_char_boundary(TEXT);
        text.get(..end).unwrap_or_default().to_owned()
    });
    let start = content.get(..BYTES.min(content.len())).unwrap_or_default();
    let base64 = text.is_none().then(|| ::seal::base64(start));
    let shown = text.as_ref().map_or(start.len(), String::len);
    let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
    Body { seq, what, genuine, bytes, text, base64, cut: shown < content.len() }
}

fn question(wanted: Wanted) -> Question {
    let Wanted { since, until, kind, zone, conduit, workload, operator, provider, model, .. } = wanted;
    let Wanted { verdict, reason, sensitivity, decision, finding, id, before, limit: _, .. } = wanted;
    let filter = Filter {
        since,
        until,
        kind,
        zone,
        conduit,
        workload,
        operator,
        provider,
        model,
        verdict,
        reason,
        sensitivity,
        judgement: decision,
        id,
        incident: None,
    };
    Question { filter, finding, naming: None, below: before }
}

fn unreadable(problem: ReadError) -> Fault {
    tracing::warn!(%problem, "console: the ledger cannot be read");
    // Where its files are is nobody's business over the network.
    Fault::Unavailable(match problem {
        ReadError::Record { seq, .. } => format!("record {seq} is damaged; `penstock verify` says more"),
        _ => "the ledger cannot be read; `penstock verify` says more".to_owned(),
    })
}

fn unpublished() -> Fault {
    Fault::Unavailable("the record is durable, and not under a published head yet: ask again in a second".to_owned())
}

fn slow() -> Fault {
    Fault::Unavailable(
        "the record was not found in time; the ledger is still being put in order for searches".to_owned(),
    )
}

/// Where the last column of a line comes from, found first.
const REASON: [&str; 8] = [
    "dec.reason",
    "out.reason",
    "note.reason",
    "note.path",
    "note.event",
    "note.decision",
    "note.change",
    "note.result",
];

fn line(found: &Found) -> Line {
    let Found::Record(record) = found else {
        return Line { seq: found.seq(), damaged: Some("it cannot be read".to_owned()), ..Line::default() };
    };
    let entry = &record.entry;
    let first = |paths: &[&str]| paths.iter().find_map(|path| entry.text(path)).map(str::to_owned);
    let findings = entry.at("what.findings").and_then(|items| items.as_array()).into_iter().flatten();
    Line {
        seq: entry.seq(),
        id: Some(entry.id().to_string()),
        reference: entry.reference().map(|id| id.to_string()),
        time: Some(entry.t().to_string()),
        kind: first(&["kind"]),
        verdict: first(&["dec.verdict"]),
        reason: first(&REASON),
        workload: first(&["who.workload.id", "note.workload"]),
        operator: first(&["who.operator.id"]),
        zone: first(&["where.zone"]),
        conduit: first(&["where.conduit"]),
        provider: first(&["what.rerouted", "what.provider"]),
        model: first(&["out.model", "what.model", "note.model"]),
        status: entry.number("out.status"),
        findings: findings.filter_map(|item| item.get("count")?.as_u64()).sum(),
        damaged: None,
    }
}

fn entry(numbered: &mut Numbered, found: &Found) -> Entry {
    let (bytes, kept) = match found {
        Found::Record(record) => (Some(record.line.clone()), record.entry.text("seal.blob").is_some()),
        Found::Damaged { seq, .. } => (numbered.line(*seq).ok().flatten(), false),
    };
    Entry { line: line(found), text: bytes.and_then(|bytes| String::from_utf8(bytes).ok()), kept }
}
