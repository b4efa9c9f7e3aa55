//! What a drill came to, for people and for machines.

use super::steps::{Step, Verdict};
use crate::print::columns;
use plant::RecordId;
use serde_json::{Value, json};

/// How many steps came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) steps: u64,
    pub(super) kept: u64,
    pub(super) broken: u64,
    pub(super) undrilled: u64,
}

impl Tally {
    pub(super) fn of(steps: &[Step]) -> Self {
        steps.iter().fold(Self::default(), |tally, step| {
            let is = |verdict| u64::from(step.verdict == verdict);
            Self {
                steps: tally.steps + 1,
                kept: tally.kept + is(Verdict::Kept),
                broken: tally.broken + is(Verdict::Broken),
                undrilled: tally.undrilled + is(Verdict::Undrilled),
            }
        })
    }

    /// The whole of it in a word. What was not drilled is not known to be kept.
    pub(super) fn result(self) -> &'static str {
        match self {
            Self { broken: 1.., .. } => Verdict::Broken.name(),
            Self { undrilled: 1.., .. } => Verdict::Undrilled.name(),
            _ => Verdict::Kept.name(),
        }
    }
}

/// A drill that is over.
pub(super) struct Told<'a> {
    pub(super) plant: &'a str,
    pub(super) digest: &'a str,
    pub(super) by: &'a str,
    pub(super) witness: Option<&'a str>,
    pub(super) began: String,
    pub(super) micros: u64,
    /// The record of its beginning, if it is on record.
    pub(super) record: Option<RecordId>,
    pub(super) steps: &'a [Step],
}

impl Told<'_> {
    pub(super) fn data(&self) -> Value {
        let step = |(step, number): (&Step, u64)| {
            json!({
                "number": number,
                "conduit": step.conduit.as_ref().map(ToString::to_string),
                "path": step.path,
                "expected": step.expected,
                "seen": step.seen,
                "us": step.micros,
                "result": step.verdict.name(),
                "detail": step.detail,
            })
        };
        let tally = Tally::of(self.steps);
        json!({
            "plant": self.plant,
            "digest": self.digest,
            "by": self.by,
            "witness": self.witness,
            "began": self.began,
            "us": self.micros,
            "result": tally.result(),
            "kept": tally.kept,
            "broken": tally.broken,
            "undrilled": tally.undrilled,
            "record": self.record.map(|id| id.to_string()),
            "steps": self.steps.iter().zip(1..).map(step).collect::<Vec<_>>(),
        })
    }

    pub(super) fn words(&self) -> String {
        let head = ["NO", "CONDUIT", "PATH", "EXPECTED", "SEEN", "TIME", "RESULT"];
        let row = |(step, number): (&Step, u64)| {
            let conduit = step.conduit.as_ref().map_or("-", |id| id.as_str()).to_owned();
            let (expected, seen) = (step.expected.clone(), step.seen.clone());
            let time = if step.micros == 0 { "-".to_owned() } else { time(step.micros) };
            [number.to_string(), conduit, step.path.clone(), expected, seen, time, step.verdict.name().to_owned()]
        };
        let mut text = columns(head, self.steps.iter().zip(1..).map(row));
        for (step, number) in self.steps.iter().zip(1_u64..) {
            if let Some(detail) = step.detail.as_deref().filter(|detail| !detail.is_empty()) {
                text += &format!("{number}: {detail}\n");
            }
        }
        let Tally { steps, kept, broken, undrilled } = Tally::of(self.steps);
        let rest = steps.saturating_sub(kept + broken + undrilled);
        text += &format!("{steps} steps in {}: {kept} kept, {broken} broken, {undrilled} undrilled", time(self.micros));
        text += &if rest > 0 { format!(", {rest} for a person\n") } else { "\n".to_owned() };
        text += &match self.record {
            Some(id) => format!("on record: penstock records --id {id}\n"),
            None => "not on record\n".to_owned(),
        };
        text
    }
}

fn time(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, time};

    #[test]
    fn what_was_not_drilled_is_not_kept() {
        let tally = |broken, undrilled| Tally { steps: 3, kept: 1, broken, undrilled }.result();
        assert_eq!((tally(0, 0), tally(0, 1), tally(1, 1)), ("kept", "undrilled", "broken"));
    }

    #[test]
    fn times_are_told_as_people_read_them() {
        assert_eq!([950, 12_345, 2_345_678].map(time), ["0.9 ms", "12 ms", "2.3 s"]);
    }
}
