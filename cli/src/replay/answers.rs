//! Answers that were kept, read again by both plants: what each would find in them, and what the caller would get.

use super::Sides;
use super::call::Recorded;
use super::side::Side;
use super::tell;
use gateway::{Again, Reread};
use plant::{ConduitId, Content, Verdict};
use std::collections::BTreeMap;
use wire::{Endpoint, Limits, Request};
use zeroize::Zeroizing;

/// Most calls whose answers are waited for. More are not under way in a gateway.
const MOST: usize = 20_000;

/// A call that left, until its answer comes.
struct Open {
    call: Recorded,
    before: Option<ConduitId>,
    after: Option<ConduitId>,
    /// What left, if it was kept and opens.
    asked: Option<Zeroizing<Vec<u8>>>,
}

/// Calls whose answers are still to come in the ledger.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<String, Open>);

/// What becomes of an answer.
pub(super) enum Judged {
    /// The same by both plants.
    Same,
    /// Something else.
    Change(Box<AnswerChange>),
    /// It was not read again, for this reason.
    LeftOut(&'static str),
}

/// An answer of which the draft would make something else.
pub(super) struct AnswerChange {
    pub(super) call: Recorded,
    /// The record of the answer.
    pub(super) record: String,
    pub(super) before: Reread,
    pub(super) after: Reread,
}

impl Answers {
    /// A call has left, and the draft would let it leave too.
    pub(super) fn expect(&mut self, call: Recorded, ways: [Option<ConduitId>; 2], asked: Option<Zeroizing<Vec<u8>>>) {
        let [before, after] = ways;
        if self.0.len() < MOST {
            self.0.insert(call.id.clone(), Open { call, before, after, asked });
        }
    }

    /// Its answer stands in this record: `kept` is what was given, or why nobody knows.
    pub(super) fn judge(
        &mut self,
        sides: &Sides,
        of: &str,
        record: &str,
        kept: Result<Zeroizing<Vec<u8>>, &'static str>,
    ) -> Option<Judged> {
        let Open { call, before, after, asked } = self.0.remove(of)?;
        let kept = match kept {
            Ok(kept) => kept,
            Err(why) => return Some(Judged::LeftOut(why)),
        };
        let asked = asked.as_ref().map(|asked| asked.as_slice());
        let Some(endpoint) = call.taking(asked.unwrap_or(&kept)) else {
            return Some(Judged::LeftOut(tell::UNREAD));
        };
        let request =
            asked.and_then(|bytes| Request::parse(endpoint, endpoint.content_type(), bytes, &Limits::default()).ok());
        let content = request.as_ref().map(Request::content);
        let read = |side: &Side, way: Option<&ConduitId>| side.reread(way?, endpoint, call.stream, content, &kept);
        let both = read(&sides.before, before.as_ref()).zip(read(&sides.after, after.as_ref()));
        Some(match both {
            None => Judged::LeftOut(tell::UNREADABLE),
            Some((before, after)) if before == after => Judged::Same,
            Some((before, after)) => {
                Judged::Change(Box::new(AnswerChange { call, record: record.to_owned(), before, after }))
            }
        })
    }

    /// How many answers never came.
    pub(super) fn left(&self) -> u64 {
        self.0.len() as u64
    }
}

impl Side {
    fn reread(
        &self,
        way: &ConduitId,
        endpoint: Endpoint,
        stream: bool,
        asked: Option<&Content<'_>>,
        given: &[u8],
    ) -> Option<Reread> {
        let conduit = self.loaded.plant.conduits.get(way)?;
        Again { guard: &self.loaded.guard, inspector: &self.inspector, conduit, endpoint, stream, asked }.read(given)
    }
}

/// What becomes of an answer, in a few words.
pub(super) fn words(one: &Reread) -> String {
    let found: Vec<String> = one.findings.iter().map(|found| found.label.clone()).collect();
    let found = if found.is_empty() { String::new() } else { format!(" ({})", found.join(", ")) };
    match (one.stopped, one.changed) {
        (Some(reason), _) => format!("{} ({})", Verdict::Refuse.name(), reason.code()),
        (None, true) => format!("changed{found}"),
        (None, false) if found.is_empty() => "given".to_owned(),
        (None, false) => format!("given, recorded{found}"),
    }
}
