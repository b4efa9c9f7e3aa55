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
use crate::chain::Chain;
use crate::connection::Caller;
use crate::ends::Ends;
use crate::journal::Journal;
use crate::keeping::Keeping;
use crate::reading::Reading;
use crate::reply::{self, Reply};
use crate::target::Target;
use crate::telemetry;
use crate::watch::{Watch, aside};
use crate::{Gate, Inforce, intake, shifts};
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use hyper::body::Incoming;
use plant::{Conduit, Principal, Reason, Refusal};
use policy::{Crossing, Decision, Permit};
use std::sync::Arc;
use tracing::Instrument;

/// Carries one call across, or refuses it. Whatever happens, one record says so.
pub(crate) async fn exchange(gate: Arc<Gate>, caller: Arc<Caller>, request: Request<Incoming>) -> Reply {
    let stay = caller.life.stay();
    let mut journal = Journal::open(&gate, caller.who());
    let inforce = gate.inforce.load_full();
    let (head, mut body) = request.into_parts();
    let target = Target::of(&head, &inforce);
    let span = telemetry::span(&target, journal.id());
    async {
        let reply = match cross(&gate, &inforce, &caller, &target, &mut body, &mut journal).await {
            Ok(crossed) => answer::give(&gate, crossed, journal).await,
            Err(refusal) => {
                intake::discard(body, target.version, target.headers, caller.life.stay());
                refuse(&target, journal, &refusal).await
            }
        };
        reply.map(|body| body.holding(stay))
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
    body: &mut Incoming,
    journal: &mut Journal,
) -> Result<Crossed, Refusal> {
    let mut watch = Watch::start(gate);
    journal.heads_for(target, inforce);
    let mut place = gate.enter()?;
    target.well_formed()?;

    // identify: who calls, and what proves it
    let identified = inforce.identify(caller, target.headers).await;
    let proved_until = identified.until;
    let principal = journal.identified(identified)?;
    watch.lap("identify");

    // place: from which zone, through which conduit, to whom, what for
    let placed = inforce.policy().place(&principal, caller.peer.ip(), &target.call(), journal.began());
    let crossing = journal.placed(placed)?;
    watch.lap("place");

    // accept: the body, within the conduit's bounds, its encoding undone
    let bytes = gate.until_cut(intake::read(body, target.headers, crossing.bounds(), &mut place)).await?;
    watch.lap("receive");

    // parse, classify, decide: what would leave, and whether it may
    let turn = gate.until_cut(gate.turn(bytes.len(), crossing.bounds().total)).await?;
    let Ready { permit, body, chain } =
        aside(bytes.len(), || judge(gate, inforce, target, &principal, &crossing, bytes, journal))?;
    drop(turn);
    watch.lap("decide");

    // keep: what leaves lies sealed before its record says so, if the conduit keeps content
    journal.keep(&body).await?;

    // commit: nothing leaves before its record is durable and signed
    journal.intend().await.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
    watch.lap("record");

    // forward: the permit is spent, and the provider's own credential put in
    let passage = permit.spend();
    telemetry::decided(journal.model(), &passage);
    let ends =
        Ends::new(journal.clock(), &passage.bounds, proved_until, |then| inforce.lapse(caller, target.headers, then));
    let answered = gate.until_cut(inforce.upstream(&passage)?.send(&passage, &target.head(&passage), body)).await?;
    watch.lap("provider");

    let endpoint = target.endpoint.filter(|_| !crossing.opaque());
    let commitment = journal.answer(&gate.secrets.commitments);
    Ok(Crossed { answered, passage, dialect: target.dialect, endpoint, chain, ends, commitment, place })
}

/// A call that may leave: under which permit, as which bytes, and what its answer passes.
struct Ready {
    permit: Permit,
    body: Bytes,
    chain: Chain,
}

/// Reads the body and decides. Takes processor time and nothing else. The body as it came ends here: where another leaves in
/// its place, nobody holds both while the provider thinks.
fn judge(
    gate: &Gate,
    inforce: &Inforce,
    target: &Target<'_>,
    principal: &Principal,
    crossing: &Crossing,
    bytes: Bytes,
    journal: &mut Journal,
) -> Result<Ready, Refusal> {
    // parse: every string that would leave
    journal.received(&gate.secrets.commitments, &bytes);
    let request = Reading::of(inforce, target, crossing, &bytes)?;
    journal.asks(&request);
    journal.heard = shifts::listen(inforce, &gate.secrets.shifts, request.content());

    // classify: what they hold
    let findings = request.findings(inforce)?;

    // decide: by conduit, ceiling, clearance and the plant's own rules
    let fixed = |finding: usize, conduit: &Conduit| request.fixed(findings.get(finding), conduit);
    let decided = inforce.policy().decide(principal, crossing, &request.asked(), &findings, &fixed, journal.began());
    let permit = match journal.decided(&inforce.plant().scale, decided, &findings) {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => return Err(refusal),
    };

    // transform: redact, generalise and tokenise as the permit demands
    let (body, restorer) = request.transform(permit.terms(), &findings, inforce, &gate.secrets)?;
    let body = body.unwrap_or_else(|| bytes.clone());
    if inforce.keeps(permit.terms()) {
        journal.keeping = Some(Box::new(Keeping::draw()?));
        // Committed to once more: what is sealed with the content is what opens the commitments.
        journal.received(&gate.secrets.commitments, &bytes);
    }
    journal.sends(&gate.secrets.commitments, &bytes, &body);

    // What the answer will pass; the guard last, for it judges what the caller will read.
    let chain = Chain::default()
        .then(Some(restorer).filter(|restorer| !restorer.idle()))
        .then(inforce.sinks(permit.terms()))
        .then(inforce.watch(permit.terms(), request.content()));
    Ok(Ready { permit, body, chain })
}

/// Records a refusal, or the failure of a call that had already left, and tells the caller.
async fn refuse(target: &Target<'_>, journal: Box<Journal>, refusal: &Refusal) -> Reply {
    let (verdict, record) = journal.refuse(refusal).await;
    let mut reply = reply::error(target.dialect, verdict, refusal, refusal.reason.status(), record);
    // Where a request was not well-formed, others may see the next one begin elsewhere.
    if refusal.reason == Reason::BadRequest && target.version <= Version::HTTP_11 {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}
