//! How a session begins: as a call that both sides agree to go on with as something else.

use super::frames::Shake;
use super::{SWITCH, Session};
use crate::answer::Crossed;
use crate::forward::Outward;
use crate::journal::Journal;
use crate::reply::{self, Body, Reply};
use crate::target::Target;
use crate::upstream::Answered;
use crate::{Gate, Inforce, headers};
use bytes::Bytes;
use fallback::Ended as Tried;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use plant::{Principal, Reason, Refusal};
use policy::{Crossing, Passage};
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument;
use wire::Endpoint;

/// Who speaks in a session, on which crossing.
pub(crate) struct Speaker {
    pub(super) principal: Principal,
    pub(super) crossing: Crossing,
}

impl Speaker {
    /// Whose session or stream of messages a call opens, if it opens one.
    pub(crate) fn of(target: &Target<'_>, principal: &Principal, crossing: &Crossing) -> Option<Box<Self>> {
        let speaker = || Box::new(Self { principal: principal.clone(), crossing: crossing.clone() });
        target.goes_on().then(speaker)
    }
}

/// Refuses a session that asks of the gate what it cannot do in one.
pub(crate) fn admits(inforce: &Inforce, target: &Target<'_>, terms: &Passage) -> Result<(), Refusal> {
    let refuse = |detail: &str| Err(Refusal::new(Reason::UnknownEndpoint, detail));
    match terms {
        _ if !target.goes_on() => Ok(()),
        _ if inforce.keeps(terms) => refuse("a conduit that keeps content carries no sessions"),
        _ if terms.rerouted || terms.model.is_some() => refuse("a session stays where it began"),
        _ => Ok(()),
    }
}

/// What a session goes on with once the provider has agreed to it.
pub(crate) struct Opening {
    pub(super) inforce: Arc<Inforce>,
    pub(super) speaker: Box<Speaker>,
    pub(super) endpoint: Endpoint,
    caller: OnUpgrade,
    /// What the caller's handshake is answered with.
    shake: Shake,
}

impl Opening {
    /// `None` for whatever is no session.
    pub(crate) fn of(outward: &mut Outward<'_>, answered: &Answered) -> Option<Box<Self>> {
        let (target, inforce) = (outward.target, Arc::clone(&outward.inforce));
        let agreed = answered.answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let speaker = outward.speaker.take_if(|_| agreed)?;
        let shake = Shake::of(target.version, target.headers).ok()?;
        Some(Box::new(Self { inforce, speaker, endpoint: target.endpoint?, caller: target.upgrade?.clone(), shake }))
    }
}

/// Tells the caller that the session begins, and carries it on beside.
pub(crate) fn begin(gate: &Arc<Gate>, mut crossed: Crossed, opening: Opening, journal: Box<Journal>) -> Reply {
    if let Some(trial) = crossed.answered.trial.take() {
        trial.ended(gate, Tried::Well);
    }
    let provider = hyper::upgrade::on(&mut crossed.answered.answer);
    let mut reply = Response::new(Body::whole(Bytes::new(), Instant::now() + SWITCH));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let credential = crossed.answered.credential.clone();
    headers::carry_back(crossed.answered.answer.headers(), reply.headers_mut(), |value| {
        credential.as_ref().is_some_and(|credential| credential.is_in(value))
    });
    opening.shake.answer(crossed.answered.answer.headers(), reply.headers_mut());
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    reply.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    reply::sign(&mut reply, crossed.passage.verdict, None, Some(journal.id()));
    let caller = opening.caller.clone();
    let session = Session::new(gate, crossed, opening, journal);
    gate.tracker.spawn(session.live(caller, provider).in_current_span());
    reply
}
