//! Tells shifts. Calls are heard after they have ended, beside the exchanges; what has shifted goes into the ledger, the
//! metrics and the log.
//!
//! ```text
//! Journal, closed ──> [bounded queue] ──> shift::Shifts ──> `alert` record, counter, warning
//! ```
//!
//! No exchange waits for it: a call that finds the queue full is not heard, and counted.

use crate::journal::Journal;
use crate::recorder::{draw_id, now};
use crate::{Gate, Inforce};
use plant::{Body, Content, Draft, FindingCount, Io, Kind, Millis, Note, Reason};
use seal::Mac;
use shift::{Call, Language, Level, Shift, Shifts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Calls that may wait to be heard: each is heard in microseconds.
const QUEUE: usize = 8192;
/// How long they may wait: to be woken for each of them costs more than to hear it.
const PAUSE: Duration = Duration::from_millis(50);

/// What is taken of a prompt.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    language: Option<Language>,
    prompt: Option<u64>,
}

/// Where calls are told.
pub(crate) type Ear = Sender<(Millis, Call)>;

/// An ear, and what hears.
pub(crate) fn ear() -> (Ear, Receiver<(Millis, Call)>) {
    channel(QUEUE)
}

/// Takes what is needed of a prompt, if shifts are watched. Its words stay where they are.
pub(crate) fn listen(inforce: &Inforce, key: &Mac, content: Option<&Content<'_>>) -> Heard {
    let Some(content) = content.filter(|_| inforce.shifts().is_some()) else { return Heard::default() };
    let sketch = shift::sketch(content);
    let prompt = sketch.normal.map(|normal| {
        let tag = key.tag(&[&normal]);
        tag.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    });
    Heard { language: sketch.language, prompt }
}

impl Journal {
    /// Tells what the call was like, now that it has ended: `left` says how it went if it left, with its status and what was
    /// found in the answer.
    pub(crate) fn told(&self, reason: Option<Reason>, left: Option<(u16, &Io, &[FindingCount])>) {
        let body = &self.body;
        let workload = body.who.as_ref().and_then(|who| who.workload.as_ref());
        let (Some(workload), Some(what)) = (workload, body.what.as_ref()) else { return };
        let stopped = matches!(
            reason,
            Some(Reason::AnswerRefused | Reason::AnswerLimit | Reason::AnswerUnresolved | Reason::AnswerHeld)
        );
        let troubled = reason.is_some_and(|reason| reason != Reason::CallerLeft);
        let fault = |status: u16| status >= 500;
        let families = what.findings.iter().filter_map(|found| found.label.split('.').next());
        let labels: BTreeSet<&str> = families.collect();
        let call = Call {
            workload: workload.id.clone(),
            model: what.model.clone().unwrap_or_default(),
            request_bytes: body.io.as_ref().map_or(0, |io| io.request_bytes),
            answer_bytes: left.map(|(_, io, _)| io.answer_bytes).filter(|bytes| *bytes > 0),
            refused: left.is_none() && troubled && !reason.is_some_and(|reason| fault(reason.status())),
            failed: match left {
                None => reason.is_some_and(|reason| fault(reason.status())),
                Some((status, ..)) => !stopped && (troubled || reason.is_none() && status >= 400),
            },
            guarded: left.is_some_and(|(_, _, findings)| stopped || !findings.is_empty()),
            labels: labels.into_iter().map(str::to_owned).collect(),
            language: self.heard.language,
            prompt: self.heard.prompt,
        };
        self.gate().hear(call);
    }
}

impl Gate {
    fn hear(&self, call: Call) {
        if self.inforce.load().shifts().is_some() && self.ear.try_send((now(), call)).is_err() {
            self.metrics.unheard.inc();
        }
    }

    /// Writes down that something shifted.
    fn shifted(&self, shift: &Shift) {
        let Shift { workload, model, measure, before, after, .. } = shift;
        self.metrics.shifted(workload, measure.kind());
        let (before, after) = (told(before), told(after));
        tracing::warn!(workload, model, %measure, before, after, "the calls of a workload have shifted");
        let note = note(shift);
        let body = Body { note, ..Body::default() };
        self.record(Draft { kind: Kind::Alert, id: draw_id(now()), reference: None, body });
    }
}

/// Hears calls until the gateway has ended.
pub(crate) async fn hear(gate: Arc<Gate>, mut calls: Receiver<(Millis, Call)>) {
    let (mut shifts, mut heard) = (Shifts::default(), Vec::new());
    loop {
        tokio::select! {
            biased;
            count = calls.recv_many(&mut heard, QUEUE) => if count == 0 { return },
            () = gate.ended.cancelled() => return,
        }
        let inforce = gate.inforce.load_full();
        for (at, call) in heard.drain(..) {
            let Some(settings) = inforce.shifts() else { continue };
            shifts.hear(call, at, settings).iter().for_each(|shift| gate.shifted(shift));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn told(level: &Level) -> String {
    match level {
        Level::Share { hits, calls } => format!("{hits} of {calls} calls"),
        Level::Size { bytes, calls } => format!("{bytes} bytes in {calls} calls"),
    }
}

/// What the record says. Numbers only, and names that are in other records too.
fn note(shift: &Shift) -> BTreeMap<&'static str, Note> {
    let mut note = BTreeMap::from([
        ("event", Note::text("shift")),
        ("workload", Note::text(&shift.workload)),
        ("model", Note::text(&shift.model)),
        ("measure", Note::text(shift.measure.kind())),
        ("since", Note::Number(shift.since.0)),
        ("deviation", Note::Number(u64::from(shift.deviation))),
    ]);
    if let Some(of) = shift.measure.of() {
        note.insert("of", Note::text(of));
    }
    let mut level = |level: Level, names: [&'static str; 3]| {
        let [hits, bytes, all] = names;
        let (own, count, calls) = match level {
            Level::Share { hits: count, calls } => (hits, count, calls),
            Level::Size { bytes: count, calls } => (bytes, count, calls),
        };
        note.insert(own, Note::Number(count));
        note.insert(all, Note::Number(calls));
    };
    level(shift.before, ["before", "before_bytes", "before_calls"]);
    level(shift.after, ["after", "after_bytes", "after_calls"]);
    note
}
