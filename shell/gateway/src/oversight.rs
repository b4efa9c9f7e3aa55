//! What people did with answers: `POST /penstock/v1/oversight` on the listeners for calls.
//!
//! ```text
//! origin ─> who tells ─> where from ─> body ─> which call, whose, how long ago ─> `oversight` record ─> told
//! ```
//!
//! No stage of an exchange takes part: nothing leaves. What is told is on record, durable and signed, before anybody
//! hears that it was taken; what is refused is on record as a refusal. Nothing is rewritten: who changes their mind
//! adds a record.

mod book;
mod cross;
mod own;

pub use book::Due;
pub(crate) use book::{Book, watch};

use crate::connection::Caller;
use crate::intake;
use crate::journal::Journal;
use crate::keeping::Keeping;
use crate::recorder::{Ended, Known, Unwritten, now};
use crate::reply::{self, Body as ReplyBody, Reply};
use crate::target::Target;
use crate::{Gate, Inforce};
use bytes::Bytes;
use cross::Origin;
use http::header::{ALLOW, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use plant::{
    Body, Bounds, Draft, Judgement, Keep, Kind, Millis, Note, Oversight, Party, Plant, Principal, Reason, RecordId,
    Refusal, Sealed, Verdict, Workload, WorkloadId,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wire::Account;

/// Where people account for what they did with answers.
pub(crate) const PATH: &str = "/penstock/v1/oversight";

/// Longest body, and how long it may take.
const BODY: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one who tells may wait for others whose calls are being looked up, and how many are looked up at once.
const QUEUE: Duration = Duration::from_secs(5);
pub(crate) const LOOKS: usize = 2;
/// Most records of one answer: minds are changed, and programs ask again.
const MOST: u64 = 32;
/// By how much a program's clock may run faster than ours, in milliseconds, while an answer is on show.
const SLACK: u64 = 1_000;
/// How long whoever told may take to read that it was taken.
const READ: Duration = Duration::from_secs(60);

/// Takes what a person did with an answer.
pub(crate) async fn take(gate: Arc<Gate>, caller: Arc<Caller>, request: Request<Incoming>) -> Reply {
    let stay = caller.life.stay();
    let inforce = gate.inforce.load_full();
    let (head, mut body) = request.into_parts();
    let origin = Origin::of(&head.headers, inforce.origins());
    if let Some(reply) = origin.preflight(&head) {
        return reply.map(|body| body.holding(stay));
    }
    let mut journal = Journal::open(&gate, caller.who());
    journal.body.note.insert("at", Note::text("oversight"));
    journal.stands_in(inforce.plant());
    let desk = Desk { gate: &gate, inforce: &inforce, caller: &caller, head: &head };
    let taken = match origin.admitted() {
        Ok(()) => desk.take(&mut body, &mut journal).await,
        Err(refusal) => Err(refusal),
    };
    let mut reply = match taken {
        Ok(taken) => gate.keep(journal, taken).await,
        Err(refusal) => {
            intake::discard(body, head.version, &head.headers, caller.life.stay());
            let (_, record) = journal.refuse(&refusal).await;
            refused(&refusal, record)
        }
    };
    origin.sign(&mut reply);
    reply.map(|body| body.holding(stay))
}

/// One who tells, and what holds for them.
struct Desk<'a> {
    gate: &'a Arc<Gate>,
    inforce: &'a Arc<Inforce>,
    caller: &'a Caller,
    head: &'a Parts,
}

/// What was told, and of what.
struct Taken {
    account: Account,
    call: Known,
    /// The record of its end, when that was, and by when it was due if it was.
    ended: Ended,
    by: WorkloadId,
    /// Whether the person who tells was asserted by the program only.
    asserted: Option<Party>,
    bytes: Bytes,
    keep: bool,
}

impl Desk<'_> {
    async fn take(&self, body: &mut Incoming, journal: &mut Journal) -> Result<Taken, Refusal> {
        let mut place = self.gate.enter()?;
        let target = Target::of(self.head, self.inforce, self.caller);
        self.well_formed(&target)?;
        let headers = &self.head.headers;
        let principal = journal.identified(self.inforce.identify(self.caller, headers).await)?;
        let by = self.inforce.policy().standing(&principal, self.caller.peer.ip())?;
        if let Some(place) = &mut journal.body.place {
            place.zone = Some(by.zone.clone());
        }
        let bounds = Bounds { request: BODY, idle: PATIENCE, total: PATIENCE, ..Bounds::default() };
        let bytes = intake::read(body, &target, &bounds, &mut place).await?;
        journal.received(&self.gate.secrets.commitments, &bytes);
        let account = Account::parse(&bytes)?;
        let (call, terms, keep) = self.call(account.call, by).await?;
        let asserted = self.person(&account, &principal, &terms)?;
        let ended = timely(account.shown, &call, &terms, now())?;
        Ok(Taken { account, call, ended, by: by.id.clone(), asserted, bytes, keep })
    }

    fn well_formed(&self, target: &Target<'_>) -> Result<(), Refusal> {
        let refuse = |reason, detail: &str| Err(Refusal::new(reason, detail));
        target.well_formed()?;
        if self.head.method != Method::POST {
            return refuse(Reason::UnknownEndpoint, "accounts are posted");
        }
        if self.head.uri.query().is_some() {
            return refuse(Reason::BadRequest, "the address takes no query");
        }
        let kind = self.head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        // Anything else a page of any origin could send without asking first.
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return refuse(Reason::ContentType, "the body is not declared to be `application/json`");
        }
        Ok(())
    }

    /// The call that is accounted for, if it is this workload's to account for, with the terms of its conduit and whether
    /// that keeps content.
    async fn call(&self, id: RecordId, by: &Workload) -> Result<(Known, Oversight, bool), Refusal> {
        let known = self.gate.known(id).await?;
        let (terms, keep) = terms(&known, id, self.inforce.plant())?;
        let whose = known.about.who.as_ref().and_then(|who| who.workload.as_ref()).map(|party| party.id.as_str());
        if whose != Some(by.id.as_str()) && !terms.by.contains(&by.id) {
            let whose = whose.unwrap_or("nobody known");
            return Err(unknown(&format!("call `{id}` is `{whose}`'s, for which `{}` does not account", by.id)));
        }
        Ok((known, terms, keep))
    }

    /// Whom the program names where nobody is proved. Never more than asserted.
    fn person(&self, account: &Account, principal: &Principal, terms: &Oversight) -> Result<Option<Party>, Refusal> {
        if principal.operator.proved().is_some() {
            return match account.operator {
                Some(_) => Err(Refusal::new(Reason::Malformed, "the body names a person, and a token proves one")),
                None => Ok(None),
            };
        }
        if terms.proved {
            let named = if account.operator.is_some() { "only names one" } else { "names none" };
            let detail = format!("the conduit needs an operator for its accounts, and this one {named}");
            return Err(Refusal::new(Reason::OperatorRequired, detail));
        }
        let Some(subject) = &account.operator else { return Ok(None) };
        let person = self.inforce.pseudonym(subject)?;
        Ok(Some(Party { id: person.to_string(), by: "asserted" }))
    }
}

fn unknown(detail: &str) -> Refusal {
    Refusal::new(Reason::RecordUnknown, detail)
}

/// The terms of the conduit that the call crossed, and whether that keeps content; the usual ones if it is there no more.
fn terms(call: &Known, id: RecordId, plant: &Plant) -> Result<(Oversight, bool), Refusal> {
    let place = call.about.place.as_ref().filter(|place| place.plant == plant.id);
    let place = place.ok_or_else(|| unknown(&format!("call `{id}` is of another plant")))?;
    let conduit = place.conduit.as_ref().and_then(|conduit| plant.conduits.get(conduit));
    Ok(conduit.map(|conduit| (conduit.oversight.clone(), conduit.keep == Keep::Content)).unwrap_or_default())
}

/// The end of the call, if it has one, and that is not too long ago. `shown` is how long its answer was on show, in milliseconds.
fn timely(shown: Option<u64>, call: &Known, terms: &Oversight, now: Millis) -> Result<Ended, Refusal> {
    let Some(ended) = call.ended.clone() else {
        return Err(Refusal::new(Reason::RecordOpen, "nobody knows its whole answer yet"));
    };
    let since = |time: Millis| now.0.saturating_sub(time.0);
    if u128::from(since(ended.at)) > terms.until.as_millis() {
        return Err(Refusal::new(Reason::RecordClosed, format!("the call ended at {}", ended.at)));
    }
    if call.accounted >= MOST {
        return Err(Refusal::new(Reason::RecordClosed, format!("{MOST} records account for it already")));
    }
    if shown.is_some_and(|shown| shown > since(call.began).saturating_add(SLACK)) {
        return Err(Refusal::new(Reason::Malformed, "`shown_ms` is longer than it is since the call began"));
    }
    Ok(ended)
}

impl Gate {
    /// What the ledger says of a call that has left.
    async fn known(self: &Arc<Self>, id: RecordId) -> Result<Known, Refusal> {
        let looked = timeout(QUEUE, self.look_up(id)).await;
        let looked = looked.map_err(|_| Refusal::new(Reason::TooBusy, "too many calls are being looked up"))?;
        let known = looked.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
        known.ok_or_else(|| unknown(&format!("`{id}` is no call that has left and is recent")))
    }

    /// What the ledger says of a call.
    pub(crate) async fn look_up(self: &Arc<Self>, call: RecordId) -> Result<Option<Known>, Unwritten> {
        let turn = self.looks.acquire().await;
        let recorder = Arc::clone(&self.recorder);
        let looked = tokio::task::spawn_blocking(move || recorder.look_up(call)).await;
        drop(turn);
        looked.unwrap_or_else(|_| Err(Unwritten::writer_gone()))
    }

    /// Has what was told recorded, and says so once it is durable.
    async fn keep(self: &Arc<Self>, mut journal: Box<Journal>, taken: Taken) -> Reply {
        let at = now();
        if let (Some(party), Some(who)) = (&taken.asserted, &mut journal.body.who) {
            who.operator = Some(party.clone());
        }
        let (id, call) = (journal.id(), taken.account.call);
        let seal = match self.seal(&mut journal, &taken).await {
            Ok(seal) => seal,
            Err(refusal) => {
                let (_, record) = journal.refuse(&refusal).await;
                return refused(&refusal, record);
            }
        };
        let note = note(&journal, &self.secrets.commitments, &taken, at);
        let about = &taken.call.about;
        let body = Body {
            who: journal.body.who.clone(),
            place: about.place.clone(),
            what: about.what.clone(),
            io: journal.body.io.clone(),
            seal,
            note,
            ..Body::default()
        };
        journal.unkept();
        let told = told(&body, id, call);
        match self.account(id, call, body, taken.account.judgement).await {
            Ok(()) => taken_reply(told, id),
            Err(refusal) => refused(&refusal, None),
        }
    }

    /// Has it on record that a call is accounted for.
    async fn account(&self, id: RecordId, call: RecordId, body: Body, judgement: Judgement) -> Result<(), Refusal> {
        let conduit = body.place.as_ref().and_then(|place| place.conduit.as_ref()).map(ToString::to_string);
        // Queued at once; until it is durable, nobody else finds that nothing was told.
        let owed = self.book.strike(call);
        let written = self.write(Draft { kind: Kind::Oversight, id, reference: Some(call), body }).await;
        if let Err(problem) = written {
            self.metrics.unwritten.inc();
            owed.into_iter().for_each(|due| self.book.enter(due));
            return Err(Refusal::new(Reason::LedgerUnavailable, problem.0));
        }
        self.metrics.accounted(conduit.as_deref().unwrap_or_default(), judgement.name());
        Ok(())
    }

    /// Seals what was told, where the conduit keeps content.
    async fn seal(&self, journal: &mut Journal, taken: &Taken) -> Result<Option<Sealed>, Refusal> {
        if taken.keep {
            journal.keeping = Some(Box::new(Keeping::draw()?));
            journal.received(&self.secrets.commitments, &taken.bytes);
        }
        let sealed = journal.sealed(journal.id(), taken.bytes.clone()).await;
        sealed.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))
    }
}

/// What the record says beside whose answer it was and who tells.
fn note(journal: &Journal, commitments: &seal::Mac, taken: &Taken, at: Millis) -> BTreeMap<&'static str, Note> {
    let Taken { account, call, ended, by, .. } = taken;
    let mut note = judged(account.judgement, call, ended, Some(by), at);
    note.extend(account.shown.map(|shown| ("shown_ms", Note::Number(shown))));
    for (word, bytes, text) in
        [("comment", "comment_bytes", &account.comment), ("edited", "edited_bytes", &account.edited)]
    {
        let Some(text) = text else { continue };
        note.insert(word, Note::Text(journal.commit(commitments, word, text.as_bytes())));
        note.insert(bytes, Note::Number(text.len() as u64));
    }
    note
}

/// What was done with an answer and when, and whose answer it was if that is not who tells.
fn judged(
    judgement: Judgement,
    call: &Known,
    ended: &Ended,
    by: Option<&WorkloadId>,
    at: Millis,
) -> BTreeMap<&'static str, Note> {
    let after = at.0.saturating_sub(ended.at.0);
    let mut note = BTreeMap::from([
        ("decision", Note::text(judgement.name())),
        ("outcome", Note::Text(ended.record.to_string())),
        ("after_ms", Note::Number(after)),
        ("nth", Note::Number(call.accounted.saturating_add(1))),
    ]);
    let late = ended.within.and_then(|within| after.checked_sub(within)).filter(|late| *late > 0);
    note.extend(late.map(|late| ("late_ms", Note::Number(late))));
    let whose = call.about.who.as_ref().and_then(|who| who.workload.as_ref());
    note.extend(
        whose.filter(|whose| by.is_none_or(|by| whose.id != by.as_str())).map(|whose| ("of", Note::text(&whose.id))),
    );
    note
}

/// What whoever told is told.
fn told(body: &Body, id: RecordId, call: RecordId) -> Bytes {
    let number = |key: &str| match body.note.get(key) {
        Some(Note::Number(number)) => Some(*number),
        _ => None,
    };
    let decision = match body.note.get("decision") {
        Some(Note::Text(decision)) => decision.as_str(),
        _ => "",
    };
    let person = body.who.as_ref().and_then(|who| who.operator.as_ref()).map(|party| party.by);
    let told = json!({
        "record": id.to_string(),
        "call": call.to_string(),
        "decision": decision,
        "operator": person,
        "after_ms": number("after_ms"),
        "late": number("late_ms").is_some(),
        "nth": number("nth"),
    });
    told.to_string().into()
}

fn taken_reply(told: Bytes, id: RecordId) -> Reply {
    let mut reply = Response::new(ReplyBody::whole(told, Instant::now() + READ));
    *reply.status_mut() = StatusCode::CREATED;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply::recorded(&mut reply, id);
    reply
}

/// Why it was not taken: a problem document (RFC 9457).
fn refused(refusal: &Refusal, record: Option<RecordId>) -> Reply {
    let reason = refusal.reason;
    let post = reason == Reason::UnknownEndpoint;
    let status = if post { StatusCode::METHOD_NOT_ALLOWED.as_u16() } else { reason.status() };
    let mut problem = json!({
        "type": format!("urn:penstock:reason:{reason}"),
        "title": reason.message(),
        "status": status,
        "code": reason.code(),
        "record": record.map(|id| id.to_string()),
    });
    // What is wrong with what they sent themselves: names of members and offsets, never what stood there.
    let own = matches!(
        reason,
        Reason::Malformed | Reason::DuplicateKey | Reason::TooDeep | Reason::ContentType | Reason::UnknownEndpoint
    );
    if let Some(members) = problem.as_object_mut().filter(|_| own) {
        members.insert("detail".to_owned(), json!(refusal.detail));
    }
    let mut reply = Response::new(ReplyBody::whole(problem.to_string(), Instant::now() + READ));
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    reply::sign(&mut reply, Verdict::Refuse, Some(reason), record);
    if post {
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if matches!(refusal.reason, Reason::RecordOpen | Reason::TooBusy | Reason::LedgerUnavailable) {
        reply::after(&mut reply, Duration::from_secs(1));
    }
    reply
}
