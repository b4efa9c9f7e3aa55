//! Calls that wait for a person: the book of them, and the wait itself.
//!
//! ```text
//! decided `hold` ─> in the book ─> `hold` record ─> a person's word ─> decided anew ─> intent, or refusal
//!                                        └─> time is up, isolated, the gateway stops: refused    caller gone: withdrawn
//! ```
//!
//! No intent is written before the word: an intent says that a call is about to leave. The records after the word
//! refer to the `hold` record, so a gateway that dies in between finds at its next start whose wait nobody ended.

use crate::Gate;
use crate::journal::Journal;
use crate::recorder::{draw_id, now};
use plant::{Body, Content, Draft, Finding, Kind, Millis, Note, Reason, RecordId, Refusal, Verdict};
use policy::{Approval, Held};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Most findings of a held call that a person is shown. Who decides reads no more.
const MOST_FOUND: usize = 200;
/// How many characters are shown on either side of a finding, and of one at most.
const AROUND: usize = 60;
const LONGEST: usize = 400;

/// How many calls wait for people, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// Most calls that wait at a time.
    pub most: usize,
    /// Longest wait.
    pub patience: Duration,
}

impl Default for HoldTerms {
    fn default() -> Self {
        Self { most: 64, patience: Duration::from_secs(300) }
    }
}

/// A call that waits, as a person who decides sees it. Without `Debug`, which would show content.
#[derive(Clone)]
pub struct Waiting {
    /// The record that it will have.
    pub id: RecordId,
    /// Its `hold` record.
    pub record: RecordId,
    /// Since when it waits.
    pub since: Millis,
    /// When it is refused if nobody decides.
    pub until: Millis,
    /// What its record says so far.
    pub call: Body,
    /// Why it is held.
    pub why: String,
    /// What was found in it.
    pub found: Arc<Vec<Glimpse>>,
}

/// Something found, with what stands around it.
#[derive(Clone)]
pub struct Glimpse {
    /// What, and by which rule.
    pub label: String,
    /// The rule that saw it.
    pub rule: String,
    /// Where it stands in the call.
    pub place: String,
    /// Whether the call is held for it.
    pub held_for: bool,
    /// What stands before it, it, and what stands behind it, each cut.
    pub text: [String; 3],
}

/// A person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Whether the call may go on.
    pub approve: bool,
    /// Whose word it is, and how that is known.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The calls that wait.
#[derive(Default)]
pub(crate) struct Holds(Mutex<BTreeMap<RecordId, (Waiting, oneshot::Sender<Word>)>>);

impl Holds {
    /// Those that wait, the oldest first.
    pub(crate) fn list(&self) -> Vec<Waiting> {
        self.book().values().map(|(waiting, _)| waiting.clone()).collect()
    }

    /// Which wait, and until when.
    pub(crate) fn ends(&self) -> Vec<(RecordId, Millis)> {
        self.book().iter().map(|(id, (waiting, _))| (*id, waiting.until)).collect()
    }

    pub(crate) fn find(&self, id: RecordId) -> Option<Waiting> {
        self.book().get(&id).map(|(waiting, _)| waiting.clone())
    }

    /// Gives a person's word. `None` if no such call waits, or its caller has just left.
    pub(crate) fn decide(&self, id: RecordId, word: Word) -> Option<Waiting> {
        let (waiting, answer) = self.book().remove(&id)?;
        answer.send(word).ok().map(|()| waiting)
    }

    fn enter(&self, waiting: Waiting, most: usize) -> Result<Entry<'_>, Refusal> {
        let (answer, word) = oneshot::channel();
        let (id, mut book) = (waiting.id, self.book());
        if book.len() >= most {
            return Err(Refusal::new(Reason::TooBusy, "too many calls wait for a person"));
        }
        book.insert(id, (waiting, answer));
        Ok(Entry { holds: self, id, word })
    }

    fn book(&self) -> MutexGuard<'_, BTreeMap<RecordId, (Waiting, oneshot::Sender<Word>)>> {
        // A panic under this lock leaves whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place in the book, until it is dropped: its caller may leave at any time.
struct Entry<'a> {
    holds: &'a Holds,
    id: RecordId,
    word: oneshot::Receiver<Word>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.holds.book().remove(&self.id);
    }
}

/// What a held call is waiting with: made where its content is at hand.
pub(crate) struct Wait {
    pub(crate) approval: Approval,
    why: String,
    found: Vec<Glimpse>,
}

impl Wait {
    pub(crate) fn of(held: &Held, content: Option<&Content<'_>>, findings: &[Finding]) -> Self {
        let glimpse = |(index, finding): (usize, &Finding)| {
            let piece = content.and_then(|content| content.pieces.get(finding.piece));
            Glimpse {
                label: finding.label.to_string(),
                rule: finding.rule.to_string(),
                place: piece.map(|piece| piece.path.clone()).unwrap_or_default(),
                held_for: held.found().binary_search(&index).is_ok(),
                text: piece.map(|piece| around(&piece.text, finding)).unwrap_or_default(),
            }
        };
        let mut found: Vec<Glimpse> = findings.iter().enumerate().map(glimpse).collect();
        // What decides is never what is cut off.
        found.sort_by_key(|one| !one.held_for);
        found.truncate(MOST_FOUND);
        Self { approval: held.approval(), why: held.to_string(), found }
    }

    /// Waits for a person's word, and gives what it lets pass.
    pub(crate) async fn word(
        self,
        gate: &Gate,
        terms: HoldTerms,
        total: Instant,
        journal: &mut Journal,
    ) -> Result<Approval, Refusal> {
        let Self { approval, why, found } = self;
        let end = total.min(Instant::now() + terms.patience);
        let (since, left) = (now(), end.saturating_duration_since(Instant::now()));
        let until = Millis(since.0.saturating_add(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)));
        let record = draw_id(since);
        let waiting = Waiting {
            id: journal.id(),
            record,
            since,
            until,
            call: journal.body.clone(),
            why: why.clone(),
            found: Arc::new(found),
        };
        let entry = &mut gate.holds.enter(waiting, terms.most)?;
        let written = gate.write(held(journal, record, &why, until)).await;
        written.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
        journal.held = Some(record);
        tracing::info!(record = %journal.id(), why, "a call waits for a person");
        let word = gate.until_cut(&journal.body, async {
            let expired = || Refusal::new(Reason::HoldExpired, format!("nobody decided until {until}"));
            let heard = timeout_at(end, &mut entry.word).await.map_err(|_| expired())?;
            heard.map_err(|_| expired())
        });
        let word = word.await?;
        let said = if word.approve { "approved" } else { "refused" };
        journal.body.note.extend([
            ("hold", Note::text(said)),
            ("by", Note::text(&word.by)),
            ("reason", Note::text(&word.reason)),
        ]);
        if word.approve {
            Ok(approval)
        } else {
            Err(Refusal::new(Reason::HoldRefused, format!("{} refused it", word.by)))
        }
    }
}

/// What the `hold` record says: whose call waits, what was found in it, and what for.
fn held(journal: &Journal, id: RecordId, why: &str, until: Millis) -> Draft {
    let body = Body {
        note: [
            ("event", Note::text("held")),
            ("call", Note::Text(journal.id().to_string())),
            ("why", Note::text(why)),
            ("until", Note::Text(until.to_string())),
        ]
        .into(),
        ..journal.body.clone()
    };
    debug_assert_eq!(body.decided.as_ref().map(|decided| decided.verdict), Some(Verdict::Hold));
    Draft { kind: Kind::Hold, id, reference: None, body }
}

/// What stands before a finding, it, and what stands behind it.
fn around(text: &str, finding: &Finding) -> [String; 3] {
    let span = &finding.span;
    let [before, found, after] =
        [text.get(..span.start), text.get(span.clone()), text.get(span.end..)].map(Option::unwrap_or_default);
    let start = before.char_indices().rev().take(AROUND).last().map_or(before.len(), |(at, _)| at);
    [
        before.get(start..).unwrap_or_default().to_owned(),
        found.chars().take(LONGEST).collect(),
        after.chars().take(AROUND).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::around;
    use plant::{Finding, Label, RuleId, Scale};

    #[test]
    fn what_stands_around_a_finding_is_cut_between_letters() {
        let finding = |span| Finding {
            label: Label::new("tag").unwrap(),
            sensitivity: Scale::new(vec!["a".to_owned(), "b".to_owned()]).unwrap().highest(),
            piece: 0,
            span,
            rule: RuleId::new("r").unwrap(),
        };
        let text = format!("{}TIC-101{}", "ö".repeat(100), "ü".repeat(100));
        let [before, found, after] = around(&text, &finding(200..207));
        assert_eq!((before, found, after), ("ö".repeat(60), "TIC-101".to_owned(), "ü".repeat(60)));
        assert_eq!(around("TIC-101", &finding(0..7)), ["", "TIC-101", ""]);
        assert_eq!(around("é", &finding(1..9)), ["", "", ""], "a span that fits nothing shows nothing");
    }
}
