//! One exchange, from first byte to last: the only place that knows the order of the stages.
//!
//! ```text
//! accept ─> identify ─> place ─> parse ─> classify ─> decide ─> commit ─> forward ─> inspect answer ─> close
//! gateway   identity    policy   wire     inspect     policy    ledger    gateway    wire, inspect     ledger
//! ```
//!
//! Identity and place come before the body: nobody whom no conduit admits makes us read, let alone parse, what
//! they send. Each stage either gives what the next one takes, or a refusal; both end in a record.

use crate::answer::Came;
use crate::chain::Chain;
use crate::connection::Caller;
use crate::forward::{self, Outward, Standby};
use crate::holds::Wait;
use crate::journal::Journal;
use crate::keeping::Keeping;
use crate::messages::Entering;
use crate::reading::Reading;
use crate::recorder::now;
use crate::reply::{self, Reply};
use crate::session::Speaker;
use crate::target::Target;
use crate::telemetry;
use crate::watch::{Watch, aside};
use crate::writing::{self, Answers, Turn};
use crate::{Gate, Inforce, leash, session, shifts};
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Version};
use hyper::body::Incoming;
use plant::{Conduit, Millis, Principal, ProviderId, Reason, Refusal};
use policy::{Approval, Case, Crossing, Decision, Held, Permit};
use std::sync::Arc;
use tracing::Instrument;

/// Carries one call across, or refuses it. Whatever happens, one record says so.
pub(crate) async fn exchange(gate: Arc<Gate>, caller: Arc<Caller>, request: Request<Incoming>) -> Reply {
    let stay = caller.life.stay();
    let mut journal = Journal::open(&gate, caller.who());
    let inforce = gate.inforce.load_full();
    let (mut head, body) = request.into_parts();
    leash::take(&mut head);
    let target = Target::of(&head, &inforce, &caller);
    let (span, mut body) = (telemetry::span(&target, journal.id()), Entering::Body(body));
    async {
        let reply = match cross(&gate, &inforce, &caller, &target, &mut body, &mut journal).await {
            Ok((outward, came)) => forward::give(outward, came, journal).await,
            Err(refusal) => {
                body.discard(&target, caller.life.stay());
                refuse(&target, journal, &refusal).await
            }
        };
        let reply = reply.map(|body| body.holding(stay));
        if target.method == Method::HEAD { reply::bare(reply) } else { reply }
    }
    .instrument(span)
    .await
}

/// The stages up to the head of the answer.
async fn cross<'a>(
    gate: &'a Arc<Gate>,
    inforce: &Arc<Inforce>,
    caller: &'a Caller,
    target: &'a Target<'a>,
    body: &mut Entering,
    journal: &mut Journal,
) -> Result<(Outward<'a>, Came), Refusal> {
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
    let crossing = journal.placed(placed)?.hurried(|bounds| target.hurry(bounds));
    target.known_method()?;
    leash::check(target, &gate.secrets, &crossing.provider().id, &journal.body)?;
    watch.lap("place");

    // accept: the body, within the conduit's bounds, its encoding undone
    let bytes = gate.until_cut(&journal.body, body.read(target, crossing.bounds(), &mut place)).await?;
    watch.lap("receive");

    // parse, classify, decide: what would leave, and whether it may
    let turn = gate.until_cut(&journal.body, gate.turn(bytes.len(), crossing.bounds().total)).await?;
    let spare = inforce.has_plans().then(|| bytes.clone());
    let people = (&principal, &crossing);
    let judged = aside(bytes.len(), || judge(gate, inforce, target, people, bytes, Occasion::First, journal))?;
    drop(turn);
    let judged = match judged {
        Judged::Unread(bytes) => read_first(gate, inforce, target, people, bytes, journal).await?,
        judged => judged,
    };
    watch.lap("decide");

    // hold: a person decides, and then everything is decided anew, by the plant as it is then
    let Crossable { ready, inforce, principal, crossing, proved_until, spare } = match judged {
        Judged::Ready(ready) => {
            Crossable { ready, inforce: Arc::clone(inforce), principal, crossing, proved_until, spare }
        }
        Judged::Held(wait, bytes) => {
            let total = journal.clock() + crossing.bounds().total;
            let approval = wait.word(gate, inforce.holds, total, journal).await?;
            again(gate, caller, target, bytes, &approval, journal).await?
        }
        Judged::Unread(_) => return Err(Refusal::new(Reason::ContentRefused, "its pictures were not read")),
    };

    // isolate: nothing goes where the plant has shut the gate by hand
    gate.open(&journal.body)?;

    // count: within what workload, operator, conduit and provider may use, in its turn where the conduit is essential
    if let Some(line) = gate.count(&inforce, journal, &ready)? {
        line.turn(journal).await?;
    }

    // keep: what leaves lies sealed before its record says so, if the conduit keeps content
    journal.keep(&ready.body).await?;

    // commit: nothing leaves before its record is durable and signed
    journal.intend().await.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
    watch.lap("record");

    // forward: the permit is spent, and the provider's own credential put in; what the conduit names instead if that fails
    let (opaque, speaker) = (crossing.opaque(), Speaker::of(target, &principal, &crossing));
    let standby = Standby::of(&inforce, &ready, spare, principal, crossing);
    let inbox = body.take_messages();
    let mut outward = Outward { gate, inforce, caller, target, proved_until, opaque, speaker, standby, inbox };
    let came = outward.forward(ready, place, journal).await?;
    watch.lap("provider");
    Ok((outward, came))
}

/// Has the pictures of a call read, which takes no turn from others, and judges it by what they say.
async fn read_first(
    gate: &Gate,
    inforce: &Inforce,
    target: &Target<'_>,
    people: (&Principal, &Crossing),
    bytes: Bytes,
    journal: &mut Journal,
) -> Result<Judged, Refusal> {
    let answers = writing::read(inforce, target, people.1, &bytes, &gate.metrics)?;
    let turn = gate.until_cut(&journal.body, gate.turn(bytes.len(), people.1.bounds().total)).await?;
    let occasion = Occasion::Read(&answers);
    let judged = aside(bytes.len(), || judge(gate, inforce, target, people, bytes, occasion, journal));
    drop(turn);
    judged
}

/// A call that may leave, and by what it was decided.
struct Crossable {
    ready: Ready,
    inforce: Arc<Inforce>,
    principal: Principal,
    crossing: Crossing,
    /// When the first evidence of the caller ends.
    proved_until: Option<Millis>,
    /// The request as it came, where more than one provider may be tried.
    spare: Option<Bytes>,
}

/// Identifies, places and judges a call once more that a person has approved. What it waits for now must be what they saw.
async fn again(
    gate: &Gate,
    caller: &Caller,
    target: &Target<'_>,
    bytes: Bytes,
    approval: &Approval,
    journal: &mut Journal,
) -> Result<Crossable, Refusal> {
    let changed = || Err(Refusal::new(Reason::HoldRefused, "the plant has changed since: it is not what was approved"));
    let inforce = gate.inforce.load_full();
    journal.heads_for(target, &inforce);
    let identified = inforce.identify(caller, target.headers).await;
    let proved_until = identified.until;
    let principal = journal.identified(identified)?;
    let placed = inforce.policy().place(&principal, caller.peer.ip(), &target.call(), now());
    let crossing = journal.placed(placed)?.hurried(|bounds| target.hurry(bounds));
    if crossing.provider().dialect != target.dialect {
        return changed();
    }
    let spare = inforce.has_plans().then(|| bytes.clone());
    let (people, occasion) = ((&principal, &crossing), Occasion::Approved(approval));
    match aside(bytes.len(), || judge(gate, &inforce, target, people, bytes, occasion, journal))? {
        Judged::Ready(ready) => Ok(Crossable { ready, inforce, principal, crossing, proved_until, spare }),
        Judged::Held(..) | Judged::Unread(_) => changed(),
    }
}

/// Why a call is judged.
#[derive(Clone, Copy)]
pub(crate) enum Occasion<'a> {
    /// It has just come.
    First,
    /// Its pictures have been read.
    Read(&'a Answers),
    /// A person has approved it.
    Approved(&'a Approval),
    /// The provider failed, and this one with this model is to be asked instead.
    Instead(&'a ProviderId, Option<&'a str>),
}

/// The permit of a held call, if a person's word covers it.
fn released(held: Held, occasion: Occasion<'_>) -> Result<Permit, Held> {
    match occasion {
        Occasion::Approved(approval) => held.release(approval),
        Occasion::First | Occasion::Read(_) | Occasion::Instead(..) => Err(held),
    }
}

impl<'a> Occasion<'a> {
    /// When its pictures are read. A call that was judged before has had them read, and most are remembered.
    fn turn(self) -> Turn<'a> {
        match self {
            Self::First => Turn::Recall,
            Self::Read(answers) => Turn::Answered(answers),
            Self::Approved(_) | Self::Instead(..) => Turn::Read,
        }
    }
}

/// What a call that was judged may do.
pub(crate) enum Judged {
    Ready(Ready),
    /// Its pictures are yet to be read; with its body as it came.
    Unread(Bytes),
    /// It waits for a person, with its body as it came.
    Held(Box<Wait>, Bytes),
}

/// A call that may leave: under which permit, as which bytes, and what its answer passes.
pub(crate) struct Ready {
    pub(crate) permit: Permit,
    pub(crate) body: Bytes,
    pub(crate) chain: Chain,
    /// Whether its answer is to be streamed.
    pub(crate) stream: bool,
    /// Whether it asks a model, so that another may be asked instead. A session stays where it began.
    pub(crate) asks: bool,
    /// How much text it gives a model to read, in bytes, where that is counted.
    pub(crate) letters: u64,
}

/// Reads the body and decides; where a provider failed, about another one. Takes processor time and nothing else. The body as it
/// came ends here, save where more can be tried: where another leaves in its place, nobody holds both while the provider thinks.
pub(crate) fn judge(
    gate: &Gate,
    inforce: &Inforce,
    target: &Target<'_>,
    (principal, crossing): (&Principal, &Crossing),
    bytes: Bytes,
    occasion: Occasion<'_>,
    journal: &mut Journal,
) -> Result<Judged, Refusal> {
    // parse: every string that would leave
    journal.received(&gate.secrets.commitments, &bytes);
    let mut scribe = inforce.scribe(crossing, occasion.turn(), &gate.metrics);
    let request = Reading::of(inforce, target, crossing, &bytes, scribe.as_mut())?;
    if scribe.is_some_and(|scribe| scribe.lacks()) {
        return Ok(Judged::Unread(bytes.clone()));
    }
    journal.asks(&request);
    journal.heard = shifts::listen(inforce, &gate.secrets.shifts, request.content());

    // classify: what they hold
    let findings = request.findings(inforce)?;

    // decide: by conduit, ceiling, clearance and the plant's own rules
    let fixed = |finding: usize, conduit: &Conduit| request.fixed(findings.get(finding), conduit);
    let (asked, now) = (request.asked(), journal.began());
    let case = Case { principal, crossing, asked, findings: &findings, fixed: &fixed, now };
    let decided = match occasion {
        Occasion::Instead(to, model) => inforce.policy().instead(&case, to, model),
        Occasion::First | Occasion::Read(_) | Occasion::Approved(_) => inforce.policy().decide(&case),
    };
    let permit = match journal.decided(&inforce.plant().scale, decided, &findings) {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => return Err(refusal),
        Decision::Hold(held) => match released(held, occasion) {
            Ok(permit) => journal.released(permit),
            Err(held) => {
                let wait = Wait::of(&held, request.content(), &findings);
                return Ok(Judged::Held(Box::new(wait), bytes.clone()));
            }
        },
    };
    inforce.tools(permit.terms(), request.calls())?;
    session::admits(inforce, target, permit.terms())?;

    // transform: redact, generalise and tokenise as the permit demands
    let (body, restorer) = request.transform(permit.terms(), &findings, inforce, &gate.secrets)?;
    let body = body.unwrap_or_else(|| bytes.clone());
    journal.keeping = match journal.keeping.take() {
        _ if !inforce.keeps(permit.terms()) => None,
        None => Some(Box::new(Keeping::draw()?)),
        kept => kept,
    };
    if journal.keeping.is_some() {
        // Committed to once more: what is sealed with the content is what opens the commitments.
        journal.received(&gate.secrets.commitments, &bytes);
    }
    journal.owed = inforce.owed(permit.terms(), target.endpoint.as_ref());
    journal.sends(&gate.secrets.commitments, &bytes, &body);

    // What the answer will pass; the guard last, for it judges what the caller will read.
    let chain = Chain::default()
        .then(Some(restorer).filter(|restorer| !restorer.idle()))
        .then(inforce.sinks(permit.terms(), crossing.workload()))
        .then(inforce.shown(permit.terms()))
        .then(inforce.watch(permit.terms(), request.content()));
    let asks = asked.model.is_some() && !target.goes_on();
    let letters = inforce.letters(request.content().filter(|_| asks));
    Ok(Judged::Ready(Ready { permit, body, chain, stream: asked.stream, asks, letters }))
}

/// Records a refusal, or the failure of a call that had already left, and tells the caller.
pub(crate) async fn refuse(target: &Target<'_>, journal: Box<Journal>, refusal: &Refusal) -> Reply {
    let waits = matches!(refusal.reason, Reason::ProviderResting | Reason::QuotaExceeded);
    let after = journal.after.filter(|_| waits);
    let (verdict, record) = journal.refuse(refusal).await;
    let mut reply = reply::error(target.tongue(), verdict, refusal, refusal.reason.status(), record);
    if let Some(left) = after {
        reply::after(&mut reply, left);
    }
    // Where a request was not well-formed, others may see the next one begin elsewhere.
    if refusal.reason == Reason::BadRequest && target.version <= Version::HTTP_11 {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}
