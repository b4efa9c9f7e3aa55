//! One exchange, from first byte to last: the only place that knows the order of the stages.
//!
//! ```text
//! accept ─> identify ─> place ─> parse ─> classify ─> decide ─> commit ─> forward ─> inspect answer ─> close
//! gateway   identity    policy   wire     inspect     policy    ledger    gateway    wire, inspect     ledger
//! ```
//!
//! Identity and place come before the body: nobody whom no conduit admits makes us read, let alone parse, what
//! they send. Each stage either gives what the next one takes, or a refusal; both end in a record.

use crate::answer::{self, Crossed};
use crate::listen::Caller;
use crate::reading::Reading;
use crate::recorder::Journal;
use crate::reply::{self, Reply};
use crate::target::Target;
use crate::telemetry::{self, Ending};
use crate::{Gate, Inforce, intake};
use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use inspect::Restorer;
use plant::{Dialect, Principal, Reason, Refusal, Verdict};
use policy::{Crossing, Decision, Permit};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// A body from this size on is read on a thread of its own accord, so that other exchanges do not wait for it.
const HEAVY: usize = 128 << 10;

/// Carries one call across, or refuses it. Whatever happens, one record says so.
pub(crate) async fn exchange(gate: Arc<Gate>, caller: Arc<Caller>, request: Request<Incoming>) -> Reply {
    let mut journal = Journal::open(Arc::clone(&gate.recorder), caller.who());
    let inforce = gate.inforce.load_full();
    let (head, body) = request.into_parts();
    let target = Target::of(&head, &inforce);
    let span = telemetry::span(&target, journal.id());
    async {
        let _under_way = gate.metrics.under_way();
        match cross(&gate, &inforce, &caller, &target, body, &mut journal).await {
            Ok(crossed) => answer::give(&gate, crossed, journal).await,
            Err(refusal) => refuse(&gate, target.dialect, journal, &refusal).await,
        }
    }
    .instrument(span)
    .await
}

/// The stages up to the head of the answer.
async fn cross(
    gate: &Gate,
    inforce: &Inforce,
    caller: &Caller,
    target: &Target<'_>,
    body: Incoming,
    journal: &mut Journal,
) -> Result<Crossed, Refusal> {
    let mut watch = Watch::start(gate);
    journal.heads_for(target, inforce);
    let _place = gate.exchanges.try_acquire().map_err(|_| Refusal::new(Reason::TooBusy, "too many exchanges"))?;
    target.well_formed()?;

    // identify: who calls, and what proves it
    let principal = journal.identified(inforce.identify(caller, target.headers).await)?;
    watch.lap("identify");

    // place: from which zone, through which conduit, to whom, what for
    let placed = inforce.policy().place(&principal, caller.peer.ip(), &target.call(), journal.began());
    let crossing = journal.placed(placed)?;
    watch.lap("place");

    // accept: the body, within the conduit's bounds, its encoding undone
    let bytes = intake::read(body, target.headers, crossing.bounds()).await?;
    journal.received(&gate.secrets.commitments, &bytes);
    watch.lap("receive");

    // parse, classify, decide: what would leave, and whether it may
    let Ready { permit, body, restorer } = match bytes.len() {
        HEAVY.. => tokio::task::block_in_place(|| judge(gate, inforce, target, &principal, &crossing, &bytes, journal)),
        _ => judge(gate, inforce, target, &principal, &crossing, &bytes, journal),
    }?;
    watch.lap("decide");

    // commit: nothing leaves before its record is durable and signed
    let io = journal.sends(&gate.secrets.commitments, &bytes, &body);
    journal.intend().await.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
    watch.lap("record");

    // forward: the permit is spent, and the provider's own credential put in
    let passage = permit.spend();
    telemetry::decided(journal.model(), &passage);
    let answer = inforce.upstream(&passage)?.send(&passage, &target.head(&passage), body).await?;
    watch.lap("provider");

    let commitment = gate.secrets.commitments.start();
    let (dialect, endpoint) = (target.dialect, target.endpoint.filter(|_| !crossing.opaque()));
    Ok(Crossed { answer, passage, dialect, endpoint, restorer, io, first_byte_micros: journal.micros(), commitment })
}

/// A call that may leave: under which permit, as which bytes, and what puts its tokens back.
struct Ready {
    permit: Permit,
    body: Bytes,
    restorer: Restorer,
}

/// Reads the body and decides. Takes processor time and nothing else.
fn judge(
    gate: &Gate,
    inforce: &Inforce,
    target: &Target<'_>,
    principal: &Principal,
    crossing: &Crossing,
    bytes: &Bytes,
    journal: &mut Journal,
) -> Result<Ready, Refusal> {
    // parse: every string that would leave
    let request = Reading::of(target, crossing, bytes)?;
    journal.asks(&request);

    // classify: what they hold
    let findings = request.findings(inforce)?;

    // decide: by conduit, ceiling, clearance and the plant's own rules
    let fixed = |finding: usize| request.fixed(findings.get(finding));
    let decided = inforce.policy().decide(principal, crossing, &request.asked(), &findings, &fixed, journal.began());
    let permit = match journal.decided(&inforce.plant().scale, decided, &findings) {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => return Err(refusal),
    };

    // transform: redact and tokenise as the permit demands
    let (body, restorer) = request.transform(permit.terms(), &findings, &gate.secrets)?;
    Ok(Ready { permit, body: body.map_or_else(|| bytes.clone(), Bytes::from), restorer })
}

/// Records a refusal, or the failure of a call that had already left, and tells the caller.
async fn refuse(gate: &Gate, dialect: Dialect, mut journal: Journal, refusal: &Refusal) -> Reply {
    journal.refused(refusal);
    let (record, micros) = (journal.id(), journal.micros());
    let conduit = journal.conduit();
    let status = refusal.reason.status();
    gate.metrics.ended(conduit.as_deref(), Verdict::Refuse, Some(refusal.reason));
    telemetry::ended(&Ending {
        record,
        conduit: conduit.as_deref(),
        verdict: Verdict::Refuse,
        reason: Some(refusal.reason),
        detail: &refusal.detail,
        status,
        micros,
        facts: None,
    });
    let record = match journal.refuse(refusal.reason).await {
        Ok(()) => Some(record),
        Err(_) => {
            gate.metrics.unwritten.inc();
            None
        }
    };
    reply::error(dialect, Verdict::Refuse, refusal.reason, status, record)
}

/// Records bytes that were no request at all. The connection is gone, so nobody is told.
pub(crate) async fn refuse_unread(gate: &Gate, journal: Journal) {
    let refusal = Refusal::new(Reason::BadRequest, "the bytes on the connection were no HTTP request");
    let _ = refuse(gate, Dialect::Json, journal, &refusal).await;
}

/// Tells how long each stage took.
struct Watch<'a> {
    gate: &'a Gate,
    last: Instant,
}

impl<'a> Watch<'a> {
    fn start(gate: &'a Gate) -> Self {
        Self { gate, last: Instant::now() }
    }

    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.gate.metrics.spent(stage, now.duration_since(self.last));
        self.last = now;
    }
}
