//! What a drill leaves in the plant's own ledger: that it began, each step, how it ended.
//!
//! The beginning is on record before the first call, so that a drill that is broken off is seen as one.

use super::steps::{Step, Verdict};
use super::tell::Tally;
use crate::notice::{self, Notice, PATIENCE};
use config::Loaded;
use gateway::{draw_id, now};
use plant::{Kind, Note, RecordId};
use std::collections::BTreeMap;

/// Longest text of a note, in characters.
const LONGEST: usize = 300;

type Notes = BTreeMap<&'static str, Note>;

/// Who holds a drill, and who watches.
#[derive(Clone, Debug)]
pub(super) struct People {
    pub(super) by: String,
    pub(super) witness: Option<String>,
    pub(super) observed: Option<String>,
}

/// The records of a drill.
pub(super) struct Evidence<'a> {
    loaded: &'a Loaded,
    people: People,
    /// The record of its beginning, which the others refer to.
    pub(super) begun: RecordId,
}

impl<'a> Evidence<'a> {
    /// Records that a drill begins.
    pub(super) fn begin(loaded: &'a Loaded, people: People) -> miette::Result<Self> {
        let evidence = Self { loaded, people, begun: draw_id(now()) };
        let note = evidence.people("begun");
        notice::record_all(vec![(evidence.begun, Notice { kind: Kind::Drill, note })], loaded, PATIENCE)?;
        Ok(evidence)
    }

    /// Records its steps, and how it ended.
    pub(super) fn end(&self, steps: &[Step], micros: u64) -> miette::Result<()> {
        let all = steps.iter().zip(1_u64..).map(|(step, number)| self.notice(self.step(step, number)));
        notice::record_all(all.collect(), self.loaded, PATIENCE)?;
        let tally = Tally::of(steps);
        let mut note = self.people("ended");
        note.insert("result", Note::text(tally.result()));
        note.extend([
            ("steps", Note::Number(tally.steps)),
            ("broken", Note::Number(tally.broken)),
            ("undrilled", Note::Number(tally.undrilled)),
            ("us", Note::Number(micros)),
        ]);
        notice::record_all(vec![self.notice(note)], self.loaded, PATIENCE)
    }

    /// Records that it could not be held to its end.
    pub(super) fn broke_off(&self, why: &str) -> miette::Result<()> {
        let mut note = self.people("ended");
        note.extend([("result", Note::text("broken-off")), ("detail", text(why))]);
        notice::record_all(vec![self.notice(note)], self.loaded, PATIENCE)
    }

    fn notice(&self, mut note: Notes) -> (RecordId, Notice) {
        note.insert("of", Note::text(self.begun.to_string()));
        (draw_id(now()), Notice { kind: Kind::Drill, note })
    }

    fn people(&self, event: &'static str) -> Notes {
        let People { by, witness, observed } = &self.people;
        let mut note = Notes::from([
            ("event", Note::text(event)),
            ("by", text(by)),
            ("sha256", Note::text(&self.loaded.plant.digest)),
        ]);
        note.extend(witness.as_deref().map(|one| ("witness", text(one))));
        note.extend(observed.as_deref().filter(|_| event == "ended").map(|one| ("observed", text(one))));
        note
    }

    fn step(&self, step: &Step, number: u64) -> Notes {
        let mut note = Notes::from([
            ("event", Note::text("step")),
            ("number", Note::Number(number)),
            ("path", text(&step.path)),
            ("expected", text(&step.expected)),
            ("seen", text(&step.seen)),
            ("result", Note::text(step.verdict.name())),
        ]);
        if !matches!(step.verdict, Verdict::Observed | Verdict::Unobserved) {
            note.insert("us", Note::Number(step.micros));
        }
        note.extend(step.conduit.as_ref().map(|id| ("conduit", Note::text(id.as_str()))));
        note.extend(step.detail.as_deref().filter(|detail| !detail.is_empty()).map(|detail| ("detail", text(detail))));
        note
    }
}

/// A text, cut.
fn text(text: &str) -> Note {
    Note::Text(text.chars().take(LONGEST).collect())
}
