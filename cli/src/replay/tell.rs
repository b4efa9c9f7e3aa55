//! What a replay came to, for people and for machines. It holds no content.

use super::answers::{self, AnswerChange, Judged as Answered};
use super::call::{Basis, Recorded};
use super::side::{Ruling, Side};
use crate::print::{columns, second};
use console::{Judged, Replay};
use gateway::Reread;
use plant::Millis;
use policy::Effect;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is left out of a replay, and why. Each is counted.
pub(super) const EVENTS: &str =
    "events of sessions and messages of streams: only the call that opened them was decided anew";
pub(super) const UNANSWERED: &str = "answers: no outcome stands in the records that were looked at";
pub(super) const NOTHING_CAME: &str = "answers: none came";
pub(super) const ERRORS: &str = "answers: they were errors";
pub(super) const NOT_KEPT: &str = "answers: nothing of them was kept";
pub(super) const NO_KEY: &str = "answers: kept, and read with `--key` only";
pub(super) const CLOSED: &str = "answers: kept, but erased, or sealed for another key";
pub(super) const UNREAD: &str = "answers: of endpoints that pass unread";
pub(super) const UNREADABLE: &str = "answers: kept, but not to be read again";
/// What holds whatever is recorded.
const ALWAYS: &str =
    "what happens when providers fail, waits of essential conduits, what is isolated, and life cycles of components";

/// Changed calls that are listed for people. `--json` lists all.
const LISTED: usize = 40;

/// A recorded call, as the plant in force and the draft decide it.
pub(super) struct Change {
    pub(super) call: Recorded,
    pub(super) before: Ruling,
    pub(super) after: Ruling,
    pub(super) basis: Basis,
    /// Whether the record holds too little to be sure.
    pub(super) doubtful: bool,
}

impl Change {
    fn effect(&self) -> Effect {
        match (self.before.lets_pass(), self.after.lets_pass()) {
            (false, true) => Effect::Opens,
            (true, false) => Effect::Closes,
            _ => Effect::Changes,
        }
    }

    fn conduit(&self) -> String {
        self.call.conduit.clone().unwrap_or_else(|| "-".to_owned())
    }

    fn data(&self) -> Value {
        let ruling = |ruling: &Ruling| {
            json!({
                "verdict": ruling.verdict.map(plant::Verdict::name),
                "reason": ruling.reason.map(plant::Reason::code),
                "detail": ruling.detail,
                "conduit": ruling.conduit.as_ref().map(ToString::to_string),
                "provider": ruling.provider,
                "done": ruling.done.iter().map(|(label, what)| json!({ "label": label.as_str(), "do": what })).collect::<Vec<_>>(),
            })
        };
        let call = &self.call;
        json!({
            "record": call.id,
            "seq": call.seq,
            "time": call.at.to_string(),
            "workload": call.workload(),
            "conduit": call.conduit,
            "recorded": { "verdict": call.verdict, "reason": call.reason },
            "in_force": ruling(&self.before),
            "draft": ruling(&self.after),
            "effect": self.effect().name(),
            "judged_by": self.basis.name(),
            "doubtful": self.doubtful,
        })
    }
}

/// How often what became of the calls of a workload on a conduit.
#[derive(Default)]
struct Tally {
    calls: u64,
    opens: u64,
    closes: u64,
    changes: u64,
    doubtful: u64,
}

/// Everything that a replay came to.
pub(crate) struct Told {
    from: String,
    to: String,
    since: Option<Millis>,
    calls: u64,
    /// How many were judged by what.
    by: BTreeMap<&'static str, u64>,
    tallies: BTreeMap<(String, String), Tally>,
    /// The calls that the draft decides otherwise, oldest first.
    changes: Vec<Change>,
    /// How many answers were read again.
    answers: u64,
    /// The answers of which the draft would make something else, oldest first.
    answered: Vec<AnswerChange>,
    /// What was not replayed: why, and how many.
    left_out: BTreeMap<&'static str, u64>,
    /// What of quotas was not replayed.
    quotas: &'static str,
}

impl Told {
    pub(super) fn new(before: &Side, after: &Side) -> Self {
        let digest = |side: &Side| side.loaded.plant.digest.clone();
        let by = [Basis::Content, Basis::Findings, Basis::Head].map(|basis| (basis.name(), 0)).into();
        let (from, to) = (digest(before), digest(after));
        Self {
            from,
            to,
            since: None,
            calls: 0,
            by,
            tallies: BTreeMap::new(),
            changes: Vec::new(),
            answers: 0,
            answered: Vec::new(),
            left_out: BTreeMap::new(),
            quotas: "",
        }
    }

    /// Whether nothing that was replayed would be otherwise.
    pub(super) fn is_the_same(&self) -> bool {
        self.changes.is_empty() && self.answered.is_empty()
    }

    /// Counts an answer.
    pub(super) fn answered(&mut self, judged: Option<Answered>) {
        match judged {
            None => {}
            Some(Answered::LeftOut(why)) => self.leaves_out(why, 1),
            Some(Answered::Same) => self.answers += 1,
            Some(Answered::Change(change)) => {
                self.answers += 1;
                self.answered.push(*change);
            }
        }
    }

    /// So many of something were not replayed.
    pub(super) fn leaves_out(&mut self, why: &'static str, count: u64) {
        if count > 0 {
            *self.left_out.entry(why).or_default() += count;
        }
    }

    /// Says what of quotas was replayed, if a plant has any.
    pub(super) fn quotas(&mut self, any: bool, all: bool) {
        self.quotas = match (any, all) {
            (false, _) => "",
            (true, true) => "what of quotas was used before the first of these calls, and tokens of calls under way",
            (true, false) => "quotas: only some of the calls of that time were looked at",
        };
    }

    /// Everything that was not replayed, a line each.
    fn unseen(&self) -> Vec<String> {
        let counted = self.left_out.iter().map(|(why, count)| format!("{count} {why}"));
        let rest = [self.quotas, ALWAYS].into_iter().filter(|text| !text.is_empty()).map(str::to_owned);
        counted.chain(rest).collect()
    }

    pub(super) fn add(&mut self, change: Change) {
        self.calls += 1;
        self.since = self.since.or(Some(change.call.at));
        *self.by.entry(change.basis.name()).or_default() += 1;
        let tally = self.tallies.entry((change.conduit(), change.call.workload().to_owned())).or_default();
        tally.calls += 1;
        if !change.is_one() {
            return;
        }
        match change.effect() {
            Effect::Opens => tally.opens += 1,
            Effect::Closes => tally.closes += 1,
            Effect::Changes => tally.changes += 1,
        }
        tally.doubtful += u64::from(change.doubtful);
        self.changes.push(change);
    }

    pub(super) fn data(&self) -> Value {
        let tally = |((conduit, workload), tally): (&(String, String), &Tally)| {
            json!({
                "conduit": conduit,
                "workload": workload,
                "calls": tally.calls,
                "opens": tally.opens,
                "closes": tally.closes,
                "changes": tally.changes,
                "doubtful": tally.doubtful,
            })
        };
        json!({
            "in_force": self.from,
            "draft": self.to,
            "calls": self.calls,
            "judged_by": self.by,
            "conduits": self.tallies.iter().map(tally).collect::<Vec<_>>(),
            "changed": self.changes.iter().map(Change::data).collect::<Vec<_>>(),
            "answers": self.answers,
            "changed_answers": self.answered.iter().map(answer).collect::<Vec<_>>(),
            "not_replayed": self.unseen(),
        })
    }

    /// What the console shows of it.
    pub(crate) fn shown(&self) -> Replay {
        let tally = |((conduit, workload), tally): (&(String, String), &Tally)| console::Tally {
            conduit: conduit.clone(),
            workload: workload.clone(),
            calls: tally.calls,
            opens: tally.opens,
            closes: tally.closes,
            changes: tally.changes,
            doubtful: tally.doubtful,
        };
        let judged = |change: &Change| Judged {
            record: change.call.id.clone(),
            time: change.call.at.to_string(),
            workload: change.call.workload().to_owned(),
            conduit: change.conduit(),
            in_force: change.before.words(),
            draft: change.after.words(),
            doubtful: change.doubtful,
        };
        Replay {
            since: self.since.map(|since| since.to_string()),
            calls: self.calls,
            changed: u64::try_from(self.changes.len()).unwrap_or(u64::MAX),
            tallies: self.tallies.iter().map(tally).collect(),
            list: self.changes.iter().rev().take(LISTED).map(judged).collect(),
            not_replayed: self.unseen(),
        }
    }

    pub(super) fn words(&self) -> String {
        let by: Vec<String> = self.by.iter().filter(|(_, count)| **count > 0).map(basis).collect();
        let mut text = match self.calls {
            0 => "no recorded call fits\n".to_owned(),
            calls => format!("{calls} calls, {} decided otherwise. Judged by {}\n", self.changes.len(), by.join(", ")),
        };
        if self.answers > 0 {
            let (answers, changed) = (self.answers, self.answered.len());
            text += &format!("{answers} answers were read again, of which {changed} would be otherwise\n");
        }
        if !self.changes.is_empty() {
            text += &self.tables();
        }
        if !self.answered.is_empty() {
            text += "\n";
            text += &self.answers();
        }
        if self.calls > 0 {
            text += "\nNot replayed\n";
            self.unseen().iter().for_each(|line| text += &format!("  {line}\n"));
        }
        text
    }

    fn tables(&self) -> String {
        let mut text = String::new();
        let head = ["CONDUIT", "WORKLOAD", "CALLS", "PASS NOW", "REFUSED NOW", "OTHERWISE", "DOUBTFUL"];
        let row = |((conduit, workload), tally): (&(String, String), &Tally)| {
            let Tally { calls, opens, closes, changes, doubtful } = tally;
            let [calls, opens, closes, changes, doubtful] =
                [calls, opens, closes, changes, doubtful].map(u64::to_string);
            [conduit.clone(), workload.clone(), calls, opens, closes, changes, doubtful]
        };
        text += "\n";
        text += &columns(head, self.tallies.iter().map(row));
        text += "\n";
        text += &self.list();
        text
    }

    fn answers(&self) -> String {
        let head = ["NO", "TIME", "WORKLOAD", "ANSWER NOW", "DRAFT", "RECORD"];
        let row = |AnswerChange { call, record, before, after }: &AnswerChange| {
            let time = second(call.at);
            let (now, then) = (answers::words(before), answers::words(after));
            [call.seq.to_string(), time, call.workload().to_owned(), now, then, record.clone()]
        };
        let mut text = columns(head, self.answered.iter().take(LISTED).map(row));
        if self.answered.len() > LISTED {
            text += &format!("and {} more: `--json` lists all\n", self.answered.len() - LISTED);
        }
        text
    }

    fn list(&self) -> String {
        let head = ["NO", "TIME", "WORKLOAD", "CONDUIT", "NOW", "DRAFT", "RECORD"];
        let row = |change: &Change| {
            let Change { call, before, after, doubtful, .. } = change;
            let doubt = if *doubtful { " ?" } else { "" };
            let time = second(call.at);
            let (now, then) = (before.words(), format!("{}{doubt}", after.words()));
            [call.seq.to_string(), time, call.workload().to_owned(), change.conduit(), now, then, call.id.clone()]
        };
        let rows = self.changes.iter().take(LISTED).map(row);
        let mut text = columns(head, rows);
        if self.changes.len() > LISTED {
            text += &format!("and {} more: `--json` lists all\n", self.changes.len() - LISTED);
        }
        if self.changes.iter().any(|change| change.doubtful) {
            text += "? what is recorded does not suffice to be sure\n";
        }
        text
    }
}

fn answer(AnswerChange { call, record, before, after }: &AnswerChange) -> Value {
    let told = |one: &Reread| {
        let found = one.findings.iter().map(|found| json!({ "label": found.label, "count": found.count }));
        let findings: Vec<Value> = found.collect();
        json!({ "changed": one.changed, "reason": one.stopped.map(plant::Reason::code), "findings": findings })
    };
    json!({
        "record": record,
        "call": call.id,
        "workload": call.workload(),
        "conduit": call.conduit,
        "in_force": told(before),
        "draft": told(after),
    })
}

fn basis((name, count): (&&'static str, &u64)) -> String {
    match *name {
        "content" => format!("what was kept of them ({count})"),
        "findings" => format!("what was found then ({count})"),
        _ => format!("their head alone ({count})"),
    }
}
