//! A ledger that keeps drafts in memory, and that can be slow, full or broken on demand.

use bytes::Bytes;
use gateway::{Acknowledge, Due, Ended, Kept, Known, Recorder, Unwritten};
use plant::{Draft, Kind, Millis, Reason, RecordId, Sealed};
use seal::envelope::Salt;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// What the ledger does with a draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Does {
    Write,
    Refuse,
    /// Keeps the writer waiting until [`Ledger::release`].
    Hold,
    Panic,
}

type Rule = Box<dyn FnMut(&Draft) -> Does + Send>;

pub(crate) struct Ledger {
    rule: Mutex<Rule>,
    held: Mutex<Vec<(Draft, Acknowledge)>>,
    written: Mutex<Vec<Draft>>,
    changes: watch::Sender<usize>,
    kept: Mutex<Vec<Content>>,
    /// Which content is lost, counted from 0.
    loses: Mutex<Option<usize>>,
}

/// Content as it was to be kept.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) record: RecordId,
    pub(crate) subject: String,
    pub(crate) salt: Salt,
    pub(crate) bytes: Bytes,
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            rule: Mutex::new(Box::new(|_| Does::Write)),
            held: Mutex::default(),
            written: Mutex::default(),
            changes: watch::Sender::new(0),
            kept: Mutex::default(),
            loses: Mutex::default(),
        })
    }

    pub(crate) fn does(&self, rule: impl FnMut(&Draft) -> Does + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// Does `does` with the first draft of a kind, and writes all others.
    pub(crate) fn once(&self, kind: Kind, does: Does) {
        let mut done = false;
        self.does(
            move |draft| if draft.kind == kind && !std::mem::replace(&mut done, true) { does } else { Does::Write },
        );
    }

    /// Writes (or refuses) everything that is held.
    pub(crate) fn release(&self, does: Does) {
        let held = std::mem::take(&mut *self.held.lock().unwrap());
        for (draft, done) in held {
            self.end(draft, done, does);
        }
    }

    fn end(&self, draft: Draft, done: Acknowledge, does: Does) {
        if does == Does::Write {
            self.written.lock().unwrap().push(draft);
            done(Ok(()));
        } else {
            done(Err(Unwritten("the test says no".to_owned())));
        }
        self.changes.send_modify(|count| *count += 1);
    }

    /// Loses the content that comes as number `at`.
    pub(crate) fn loses(&self, at: usize) {
        *self.loses.lock().unwrap() = Some(at);
    }

    pub(crate) fn kept(&self) -> Vec<Content> {
        self.kept.lock().unwrap().clone()
    }

    pub(crate) fn written(&self) -> Vec<Draft> {
        self.written.lock().unwrap().clone()
    }

    /// Waits until what is written fits.
    pub(crate) async fn until(&self, what: &str, fits: impl Fn(&[Draft]) -> bool) -> Vec<Draft> {
        let mut changes = self.changes.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let written = self.written();
                if fits(&written) {
                    return written;
                }
                changes.changed().await.unwrap();
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited for {what}; written are {:?}", summary(&self.written())))
    }

    /// Waits until a draft is held.
    pub(crate) async fn until_held(&self) {
        let mut changes = self.changes.subscribe();
        while self.held.lock().unwrap().is_empty() {
            changes.changed().await.unwrap();
        }
    }

    /// Waits for the last record of each of `count` exchanges, and sees that there is no other.
    pub(crate) async fn stories(&self, count: usize) -> Vec<Story> {
        self.until("the ends of exchanges", |written| written.iter().filter(|draft| is_last(draft)).count() >= count)
            .await;
        let stories = stories(&self.written());
        assert_eq!(stories.len(), count, "{:?}", summary(&self.written()));
        stories
    }

    pub(crate) async fn story(&self) -> Story {
        self.stories(1).await.remove(0)
    }
}

impl Recorder for Ledger {
    fn append(&self, draft: Draft, done: Acknowledge) {
        let does = (self.rule.lock().unwrap())(&draft);
        match does {
            Does::Panic => panic!("the test says so"),
            Does::Hold => {
                self.held.lock().unwrap().push((draft, done));
                self.changes.send_modify(|count| *count += 1);
            }
            does => self.end(draft, done, does),
        }
    }

    /// So that exchanges bring their records together.
    fn is_quick(&self) -> bool {
        true
    }

    fn keep(&self, kept: &Kept) -> Result<Sealed, Unwritten> {
        let mut all = self.kept.lock().unwrap();
        if *self.loses.lock().unwrap() == Some(all.len()) {
            return Err(Unwritten("the test says no".to_owned()));
        }
        let Kept { record, subject, salt, bytes, .. } = kept;
        all.push(Content { record: *record, subject: subject.clone(), salt: salt.clone(), bytes: bytes.clone() });
        Ok(Sealed { blob: seal::hex(&seal::sha256(bytes)), key: format!("2026-11/{subject}") })
    }

    fn look_up(&self, call: RecordId) -> Result<Option<Known>, Unwritten> {
        let written = self.written();
        let of = |kind: Kind| written.iter().filter(move |draft| draft.kind == kind && draft.reference == Some(call));
        let Some(intent) = written.iter().find(|draft| draft.kind == Kind::Intent && draft.id == call) else {
            return Ok(None);
        };
        let ended = of(Kind::Outcome).next().map(|outcome| Ended {
            record: outcome.id,
            at: outcome.id.time(),
            within: outcome.number("oversight_ms"),
        });
        let missed = of(Kind::Alert).any(|alert| alert.text("event") == Some("unaccounted"));
        let accounted = of(Kind::Oversight).count() as u64;
        Ok(Some(Known { about: intent.body.about(), began: call.time(), ended, accounted, missed }))
    }

    fn unaccounted(&self, _since: Option<Millis>, _longest: Duration) -> Result<Vec<Due>, Unwritten> {
        Ok(Vec::new())
    }

    fn health(&self) -> Result<(), String> {
        Ok(())
    }
}

/// An exchange as the ledger tells it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) id: RecordId,
    pub(crate) intent: Option<Draft>,
    pub(crate) last: Draft,
}

impl Story {
    pub(crate) fn kind(&self) -> Kind {
        self.last.kind
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.last.body.out.as_ref().unwrap().reason
    }

    pub(crate) fn told(&self) -> (Kind, Option<Reason>) {
        (self.kind(), self.reason())
    }
}

fn is_last(draft: &Draft) -> bool {
    matches!(draft.kind, Kind::Refuse | Kind::Outcome | Kind::Abandon)
}

/// Joins intents and ends. Panics if an exchange has two ends, an end no beginning, or an id is used twice.
pub(crate) fn stories(written: &[Draft]) -> Vec<Story> {
    let ids: BTreeSet<RecordId> = written.iter().map(|draft| draft.id).collect();
    assert_eq!(ids.len(), written.len(), "an id is used twice: {:?}", summary(written));
    let mut stories = Vec::new();
    let mut ended = BTreeSet::new();
    for last in written.iter().filter(|draft| is_last(draft)) {
        let id = last.reference.unwrap_or(last.id);
        assert!(ended.insert(id), "an exchange has two ends: {:?}", summary(written));
        let intent = written.iter().find(|draft| draft.kind == Kind::Intent && draft.id == id).cloned();
        assert_eq!(last.reference.is_some(), intent.is_some(), "{:?}", summary(written));
        stories.push(Story { id, intent, last: last.clone() });
    }
    stories
}

fn summary(written: &[Draft]) -> Vec<String> {
    let line = |draft: &Draft| {
        let reason = draft.body.out.as_ref().and_then(|out| out.reason).map_or("", Reason::code);
        let detail = draft.body.decided.as_ref().and_then(|decided| decided.detail.clone()).unwrap_or_default();
        format!("{} {} {reason} {detail} {:?}", draft.kind.name(), draft.id, draft.body.note)
    };
    written.iter().map(line).collect()
}
