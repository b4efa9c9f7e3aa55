//! The way out: spends the permit, and where the provider fails, takes the steps that the conduit names.
//!
//! ```text
//! permit ─> provider ─ answers ──────────────────────────────────────────────> answer
//!              └ fails ─> next step ─ another provider: decided anew, recorded ─┘ or fails ─> next step ...
//!                             └ a fixed answer, or else the error of whoever was asked last
//! ```
//!
//! No permit leads to two providers. A call is sent to the same one again only if that provably did not process it.

use crate::answer::{Came, Crossed, Fallen, Switched};
use crate::breakers::Trial;
use crate::chain::Chain;
use crate::connection::Caller;
use crate::ends::Ends;
use crate::exchange::{Judged, Occasion, Ready, judge, refuse};
use crate::fixed::{self, Fixed};
use crate::journal::Journal;
use crate::messages::{Beginning, Inbox};
use crate::place::Place;
use crate::reply::Reply;
use crate::session::{Judge, Opening, Shared, Speaker};
use crate::target::Target;
use crate::upstream::Answered;
use crate::watch::aside;
use crate::{Gate, Inforce, answer, telemetry};
use bytes::Bytes;
use fallback::{Ended, Plan, Step, Then, Trouble, Troubles};
use plant::{ConduitId, Millis, Principal, ProviderId, Reason, Refusal};
use policy::{Crossing, Passage, Permit};
use std::sync::Arc;

/// Where a call is on its way out.
pub(crate) struct Outward<'a> {
    pub(crate) gate: &'a Arc<Gate>,
    pub(crate) inforce: Arc<Inforce>,
    pub(crate) caller: &'a Caller,
    pub(crate) target: &'a Target<'a>,
    /// When the first evidence of the caller ends.
    pub(crate) proved_until: Option<Millis>,
    /// Whether it passes unread.
    pub(crate) opaque: bool,
    /// Who speaks, if it opens a session.
    pub(crate) speaker: Option<Box<Speaker>>,
    /// What it takes to try elsewhere, if its conduit names anything.
    pub(crate) standby: Option<Box<Standby>>,
    /// What else the caller says, if it is a stream of messages.
    pub(crate) inbox: Option<Box<Inbox>>,
}

/// What a call needs to be decided once more.
pub(crate) struct Standby {
    pub(crate) principal: Principal,
    pub(crate) crossing: Crossing,
    /// The request as it came.
    pub(crate) bytes: Bytes,
    pub(crate) plan: Plan,
    /// The conduit whose plan it is.
    pub(crate) conduit: ConduitId,
    /// Whether its answer is to be streamed.
    pub(crate) stream: bool,
}

impl Standby {
    /// What a call that may leave needs besides, if the conduit that it crosses names anything. A call that asks no model (a
    /// list, a file) means its own provider and no other.
    pub(crate) fn of(
        inforce: &Inforce,
        ready: &Ready,
        bytes: Option<Bytes>,
        principal: Principal,
        crossing: Crossing,
    ) -> Option<Box<Self>> {
        let bytes = bytes.filter(|_| ready.asks)?;
        let conduit = ready.permit.terms().conduit.clone();
        let plan = inforce.plan(&conduit)?;
        Some(Box::new(Self { principal, crossing, bytes, plan, conduit, stream: ready.stream }))
    }
}

/// A provider was asked.
struct Attempt {
    passage: Passage,
    chain: Chain,
    ends: Ends,
    sent: Result<Answered, Refusal>,
}

impl Attempt {
    /// What is wrong, if the provider is to blame.
    fn trouble(&self) -> Option<Trouble> {
        match &self.sent {
            Ok(answered) => Trouble::of_status(answered.status()),
            Err(refusal) => Trouble::of_reason(refusal.reason),
        }
    }

    fn detail(&self) -> String {
        match &self.sent {
            Ok(answered) => format!("it answered with status {}", answered.status()),
            Err(refusal) => refusal.detail.clone(),
        }
    }
}

/// Gives the caller what came of it: an answer, or the error of whoever was asked last.
pub(crate) async fn give(mut outward: Outward<'_>, mut came: Came, mut journal: Box<Journal>) -> Reply {
    loop {
        let crossed = match came {
            Came::Across(crossed) => *crossed,
            Came::Fixed(fixed) => return fixed.give(outward.target.dialect, journal).await,
            Came::Messages(beginning) => return beginning.begin(journal),
        };
        let Fallen { failure, place, journal: back, from } = match answer::give(outward.gate, crossed, journal).await {
            Ok(reply) => return reply,
            Err(fallen) => *fallen,
        };
        journal = back;
        let failed =
            Trouble::of_reason(failure.reason).map(|trouble| Failed { trouble, from, detail: &failure.detail });
        came = match failed {
            Some(failed) => match outward.instead(failed, place, &mut journal).await {
                Ok(Instead::Came(came)) => came,
                Ok(Instead::Nothing(_)) => return refuse(outward.target, journal, &failure).await,
                Err(refusal) => return refuse(outward.target, journal, &refusal).await,
            },
            None => return refuse(outward.target, journal, &failure).await,
        };
    }
}

/// Who failed, and how.
struct Failed<'a> {
    trouble: Trouble,
    from: ProviderId,
    detail: &'a str,
}

/// What came of the steps.
enum Instead {
    Came(Came),
    /// None was left that could be taken.
    Nothing(Place),
}

impl Outward<'_> {
    /// Spends the permit. If the provider fails, goes on with what its conduit names for that.
    pub(crate) async fn forward(&mut self, ready: Ready, place: Place, journal: &mut Journal) -> Result<Came, Refusal> {
        if let Some(inbox) = self.inbox.take() {
            return self.begin(*inbox, ready, place, journal).map(Box::new).map(Came::Messages);
        }
        let attempt = self.attempt(ready, journal).await;
        let Some(trouble) = self.standby.as_ref().and(attempt.trouble()) else {
            return self.across(attempt, place, None, journal).map(Came::Across);
        };
        let (from, detail) = (attempt.passage.provider.clone(), attempt.detail());
        match self.instead(Failed { trouble, from, detail: &detail }, place, journal).await? {
            Instead::Came(came) => Ok(came),
            Instead::Nothing(place) => self.across(attempt, place, None, journal).map(Came::Across),
        }
    }

    /// Begins a stream of messages, which stays where it began.
    fn begin(&mut self, inbox: Inbox, ready: Ready, place: Place, journal: &mut Journal) -> Result<Beginning, Refusal> {
        let Ready { permit, body: first, chain, .. } = ready;
        let (passage, ends) = self.spend(permit, journal);
        let speaker = self.speaker.take().zip(self.target.endpoint.filter(|_| !self.opaque));
        let (speaker, endpoint) = speaker
            .ok_or_else(|| Refusal::new(Reason::UnknownEndpoint, "a stream of messages does not pass unread"))?;
        let trial = self.trial(&passage, journal)?;
        let opened = self.inforce.upstream(&passage)?.open(&passage, &self.target.head(&passage), place.beside())?;
        let (gate, inforce, restorer) = (Arc::clone(self.gate), Arc::clone(&self.inforce), Shared::default());
        let judge = Judge { gate, inforce, call: journal.body.clone(), speaker, endpoint, passage, restorer };
        Ok(Beginning { judge, ends, chain, opened, inbox, first, place, trial })
    }

    /// Spends a permit: where it leads, and when the exchange must end.
    fn spend(&self, permit: Permit, journal: &Journal) -> (Passage, Ends) {
        let mut passage = permit.spend();
        self.target.hurry(&mut passage.bounds);
        telemetry::decided(journal.model(), &passage, self.inforce.plant().providers.get(&passage.provider));
        let then = |then| self.inforce.lapse(self.caller, self.target.headers, then);
        let ends = Ends::new(journal.clock(), &passage.bounds, self.proved_until, then);
        (passage, ends)
    }

    /// Asks the breaker of a provider, if it has one.
    fn trial(&self, passage: &Passage, journal: &mut Journal) -> Result<Option<Trial>, Refusal> {
        self.inforce.breakers().admit(self.gate, &passage.provider).map_err(|(refusal, left)| {
            journal.after = Some(left);
            refusal
        })
    }

    /// Takes the steps that are left, until one leads somewhere.
    async fn instead(&mut self, failed: Failed<'_>, place: Place, journal: &mut Journal) -> Result<Instead, Refusal> {
        let Failed { mut trouble, mut from, detail } = failed;
        let (mut detail, mut last) = (detail.to_owned(), None);
        while let Some((number, Step { then, .. })) = self.standby.as_mut().and_then(|held| held.plan.after(trouble)) {
            match then {
                Then::Say(text) => {
                    let stream = self.standby.as_ref().is_some_and(|held| held.stream);
                    let switched = Switched { to: None, because: trouble };
                    let endpoint = self.target.endpoint.filter(|_| !self.opaque);
                    let told = switched.told(journal.id());
                    let asked = endpoint.zip(Some(self.target.query.unwrap_or_default()));
                    let said = asked.and_then(|asked| fixed::said(asked, stream, &text, &told, journal));
                    let Some(said) = said else { continue };
                    self.count(&switched);
                    journal.switch(number, &from, &switched, &detail, None).await?;
                    return Ok(Instead::Came(Came::Fixed(Box::new(Fixed { said, switched, place }))));
                }
                Then::Ask { to, model } => {
                    let switched = Switched { to: Some(to.clone()), because: trouble };
                    let ready = match self.elsewhere(&to, model.as_deref(), journal) {
                        Ok(ready) => ready,
                        Err(refusal) => {
                            tracing::warn!(provider = %to, reason = %refusal, "a call may not go to the provider that its conduit falls back to");
                            continue;
                        }
                    };
                    self.count(&switched);
                    journal.switch(number, &from, &switched, &detail, Some(&ready.body)).await?;
                    let attempt = self.attempt(ready, journal).await;
                    let Some(next) = attempt.trouble() else {
                        return self
                            .across(attempt, place, Some(switched), journal)
                            .map(Came::Across)
                            .map(Instead::Came);
                    };
                    (trouble, from, detail) = (next, to, attempt.detail());
                    last = Some((attempt, switched));
                }
            }
        }
        match last {
            Some((attempt, switched)) => {
                self.across(attempt, place, Some(switched), journal).map(Came::Across).map(Instead::Came)
            }
            None => Ok(Instead::Nothing(place)),
        }
    }

    /// Decides anew whether the call may go to another provider, and with what done to it. If it may not, its record says nothing
    /// of that one.
    fn elsewhere(&self, to: &ProviderId, model: Option<&str>, journal: &mut Journal) -> Result<Ready, Refusal> {
        let before = journal.body.clone();
        self.judged(to, model, journal).inspect_err(|_| journal.body = before)
    }

    fn judged(&self, to: &ProviderId, model: Option<&str>, journal: &mut Journal) -> Result<Ready, Refusal> {
        let Some(Standby { principal, crossing, bytes, .. }) = self.standby.as_deref() else {
            return Err(Refusal::new(Reason::ProviderUnreachable, "nothing is left to decide by"));
        };
        let (people, occasion) = ((principal, crossing), Occasion::Instead(to, model));
        let judge = || judge(self.gate, &self.inforce, self.target, people, bytes.clone(), occasion, journal);
        let speaks =
            self.inforce.plant().providers.get(to).is_some_and(|one| one.grpc.is_some()) || self.target.grpc.is_none();
        if !speaks {
            return Err(Refusal::new(Reason::UnknownEndpoint, "that provider is not reached over gRPC"));
        }
        let ready = match aside(bytes.len(), judge)? {
            Judged::Ready(ready) => ready,
            Judged::Unread(_) | Judged::Held(..) => {
                return Err(Refusal::new(Reason::HoldRefused, "a person would have to decide, and the caller waits"));
            }
        };
        self.gate.open(&journal.body)?;
        self.gate.count_again(&self.inforce, journal, &ready)?;
        Ok(ready)
    }

    fn count(&self, switched: &Switched) {
        if let Some(held) = &self.standby {
            self.gate.metrics.switched(held.conduit.as_str(), switched);
        }
    }

    /// Asks the provider that the permit leads to, unless that one is being left alone.
    async fn attempt(&self, ready: Ready, journal: &mut Journal) -> Attempt {
        let Ready { permit, body, chain, .. } = ready;
        let (passage, ends) = self.spend(permit, journal);
        let (gate, inforce) = (self.gate, &self.inforce);
        let trial = match self.trial(&passage, journal) {
            Ok(trial) => trial,
            Err(refusal) => return Attempt { passage, chain, ends, sent: Err(refusal) },
        };
        let sent = match inforce.upstream(&passage) {
            Ok(upstream) => {
                gate.until_cut(&journal.body, upstream.send(&passage, &self.target.head(&passage), body)).await
            }
            Err(refusal) => Err(refusal),
        };
        let sent = match (sent, trial) {
            // Said here: where another is asked instead, nobody reads this answer to its end.
            (Ok(answered), Some(trial)) if (500..600).contains(&answered.status()) => {
                trial.ended(gate, Ended::Badly);
                Ok(answered)
            }
            (Ok(answered), trial) => Ok(Answered { trial, ..answered }),
            (Err(refusal), Some(trial)) => {
                trial.failed(gate, refusal.reason);
                Err(refusal)
            }
            (Err(refusal), None) => Err(refusal),
        };
        journal.retries += sent.as_ref().map_or(0, |answered| answered.retries);
        Attempt { passage, chain, ends, sent }
    }

    /// What of an answer is needed to give it to the caller.
    fn across(
        &mut self,
        attempt: Attempt,
        place: Place,
        switched: Option<Switched>,
        journal: &Journal,
    ) -> Result<Box<Crossed>, Refusal> {
        let Attempt { passage, chain, ends, sent } = attempt;
        let (answered, target) = (sent?, self.target);
        let endpoint = target.endpoint.filter(|_| !self.opaque);
        let commitment = journal.answer(&self.gate.secrets.commitments);
        let more = self.standby.as_ref().map_or(Troubles::NONE, |held| held.plan.left());
        let (tongue, opening) = (target.tongue(), Opening::of(self, &answered));
        Ok(Box::new(Crossed {
            answered,
            passage,
            tongue,
            endpoint,
            chain,
            ends,
            commitment,
            place,
            switched,
            more,
            opening,
        }))
    }
}
