//! A session over WebSocket (RFC 6455): events both ways, each read like a call or an answer of its own.
//!
//! ```text
//! caller   ─ event ─> parse ─> classify ─> decide ─> record ─> provider          refused: an error event to the caller
//! caller   <─ event ─ texts joined, tokens put back, held against limits <─ event ─ provider
//! ```
//!
//! To the ledger a session is one exchange: its intent is durable before the provider is connected, its outcome before the last
//! frame, and between them stands a record of each event that left or did not, durable before it leaves. Each event is decided anew,
//! on the crossing and under the plant that the session began with. Nothing leaves in parts: fragments are joined, and a message is
//! forwarded whole or not at all.

mod frames;
mod judging;
mod opening;
mod tally;

use crate::Gate;
use crate::answer::Crossed;
use crate::chain::Chain;
use crate::credential::Credential;
use crate::ends::Ends;
use crate::journal::Journal;
use crate::place::Place;
use crate::upstream::Ticket;
use crate::watch::aside;
use bytes::Bytes;
use frames::{Leg, Said};
use hyper::upgrade::OnUpgrade;
use plant::{Reason, Refusal};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use wire::Answer;

pub(crate) use frames::{Shake, agrees, asks};
pub(crate) use judging::{Judge, Judged, Shared};
pub(crate) use opening::{Opening, Speaker, admits, begin};
pub(crate) use tally::Tally;

/// How long either side may take to become a session after it was told so.
const SWITCH: Duration = Duration::from_secs(10);
/// The longest message of either side, in bytes. `OpenAI` takes 15 MiB of sound in one event.
const LARGEST: usize = 16 << 20;

/// A session under way. Boxed, as the journal is.
struct Session {
    judge: Judge,
    ends: Ends,
    answer: Answer,
    chain: Chain,
    credential: Option<Arc<Credential>>,
    tally: Tally,
    place: Place,
    _ticket: Ticket,
}

/// How a session ended.
enum Ended {
    /// One side closed it, with this code.
    Closed(Option<u16>),
    /// It may not go on.
    Badly(Refusal),
    /// The caller is gone.
    Alone,
}

impl Session {
    fn new(gate: &Arc<Gate>, crossed: Crossed, opening: Opening, journal: Box<Journal>) -> Box<Self> {
        let Crossed { answered, passage, chain, ends, commitment, place, .. } = crossed;
        let Opening { inforce, speaker, endpoint, .. } = opening;
        let restorer = Shared::default();
        let chain = chain.led_by(restorer.clone());
        let (gate, call) = (Arc::clone(gate), journal.body.clone());
        let tally = Tally::new(&gate, journal, commitment);
        let judge = Judge { gate, inforce, call, speaker, endpoint, passage, restorer };
        Box::new(Self {
            // Each event is a line.
            answer: judge.reader("application/x-ndjson"),
            chain,
            judge,
            ends,
            credential: answered.credential,
            tally,
            place,
            _ticket: answered.ticket,
        })
    }

    /// From the first frame to the last.
    async fn live(mut self: Box<Self>, caller: OnUpgrade, provider: OnUpgrade) {
        let largest = self.largest();
        let both = async { Ok(timeout(SWITCH, async { tokio::join!(caller, provider) }).await) };
        let (mut caller, mut provider) = match self.judge.gate.until_cut(&self.judge.call, both).await {
            Ok(Ok((Ok(caller), Ok(provider)))) => (
                Leg::of_caller(caller, largest, self.place.beside()).await,
                Leg::of_provider(provider, LARGEST, self.place.beside()).await,
            ),
            Ok(Ok((Ok(_), Err(_)))) => return self.conclude(&Ended::Badly(broken("no session began"))).await,
            Ok(Ok((Err(_), _)) | Err(_)) => return self.conclude(&Ended::Alone).await,
            Err(refusal) => return self.conclude(&Ended::Badly(refusal)).await,
        };
        let ended = self.converse(&mut caller, &mut provider).await;
        self.part(&mut caller, provider, ended).await;
    }

    /// The longest event that the caller may send, in bytes.
    fn largest(&self) -> usize {
        usize::try_from(self.judge.speaker.crossing.bounds().request).unwrap_or(LARGEST).min(LARGEST)
    }

    async fn converse(&mut self, caller: &mut Leg, provider: &mut Leg) -> Ended {
        let (gate, call) = (Arc::clone(&self.judge.gate), self.judge.call.clone());
        loop {
            match gate.until_cut(&call, async { Ok(self.turn(caller, provider).await) }).await {
                Ok(Ok(())) => {}
                Ok(Err(ended)) => return ended,
                Err(refusal) => return Ended::Badly(refusal),
            }
            // A session that never pauses must notice too that its time is up.
            if Instant::now() >= self.ends.at {
                return Ended::Badly(self.ends.because.clone());
            }
        }
    }

    /// Takes what one side says to the other.
    async fn turn(&mut self, caller: &mut Leg, provider: &mut Leg) -> Result<(), Ended> {
        let patience = (Instant::now() + self.judge.passage.bounds.idle).min(self.ends.at);
        tokio::select! {
            said = caller.next() => self.heard(said, caller, provider).await,
            said = provider.next() => self.told(said, caller).await,
            () = tokio::time::sleep_until(patience) => Err(Ended::Badly(self.late(patience))),
        }
    }

    /// Takes what the caller said to the provider, if it may.
    async fn heard(&mut self, said: Said, caller: &mut Leg, provider: &mut Leg) -> Result<(), Ended> {
        let event = match said {
            Said::Event(event) => event,
            Said::Nothing => return Ok(()),
            Said::Closed(code) => {
                provider.close(code, "").await;
                return Err(Ended::Closed(code));
            }
            Said::Bytes => {
                let refusal = Refusal::new(Reason::ContentType, "an event of the session is no text");
                return self.object(self.tally.event(), &refusal, &Bytes::new(), caller).await;
            }
            Said::Oversized => {
                let detail = format!("an event of the session is larger than {} bytes", self.largest());
                return Err(Ended::Badly(Refusal::new(Reason::BodyTooLarge, detail)));
            }
            Said::Broken => {
                return Err(Ended::Badly(Refusal::new(Reason::BadRequest, "the frames of the caller broke")));
            }
            Said::NoText => {
                return Err(Ended::Badly(Refusal::new(Reason::Malformed, "an event of the session is no UTF-8")));
            }
            Said::Roomless(refusal) => return Err(Ended::Badly(refusal)),
            Said::Gone => return Err(Ended::Alone),
        };
        let mut journal = self.tally.event();
        let Judged { leaves, sound } = match aside(event.len(), || self.judge.judge(&event, &mut journal)) {
            Ok(judged) => judged,
            Err(refusal) => return self.object(journal, &refusal, &event, caller).await,
        };
        self.tally.record(journal, None, sound).await.map_err(Ended::Badly)?;
        self.judge.gate.open(&self.judge.call).map_err(Ended::Badly)?;
        self.tally.forwards(&event, &leaves);
        match timeout(self.judge.passage.bounds.idle, provider.say(leaves)).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Ended::Badly(broken("the provider takes nothing more"))),
        }
    }

    /// Takes what the provider said to the caller.
    async fn told(&mut self, said: Said, caller: &mut Leg) -> Result<(), Ended> {
        let badly = |refusal| Err(Ended::Badly(refusal));
        let event = match said {
            Said::Event(event) => event,
            Said::Nothing => return Ok(()),
            Said::Closed(code) => return Err(Ended::Closed(code)),
            Said::Bytes => return badly(broken("an event of the provider is no text")),
            Said::Oversized => {
                let detail = format!("an event of the session is larger than {LARGEST} bytes");
                return badly(Refusal::new(Reason::AnswerTooLarge, detail));
            }
            Said::Broken | Said::NoText => return badly(broken("the frames of the provider broke")),
            Said::Roomless(refusal) => return badly(refusal),
            Said::Gone => return badly(broken("the provider left without a word")),
        };
        let mut out = Vec::new();
        let read = aside(event.len(), || self.read(&event, &mut out));
        self.release(out, caller).await?;
        read.map_err(Ended::Badly)?;
        if self.tally.released() > self.judge.passage.bounds.answer {
            let detail = format!("the session's answers are larger than {} bytes", self.judge.passage.bounds.answer);
            return badly(Refusal::new(Reason::AnswerTooLarge, detail));
        }
        Ok(())
    }

    /// Gives lines on, each as the event that it is.
    async fn release(&mut self, lines: Vec<u8>, caller: &mut Leg) -> Result<(), Ended> {
        let lines = Bytes::from(lines);
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.tally.releases(line);
            self.give(lines.slice_ref(line), caller).await?;
        }
        Ok(())
    }

    async fn give(&mut self, event: Bytes, caller: &mut Leg) -> Result<(), Ended> {
        let until = (Instant::now() + self.judge.passage.bounds.idle).min(self.ends.at);
        match timeout_at(until, caller.say(event)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Ended::Alone),
            Err(_) => Err(Ended::Badly(self.late(until))),
        }
    }

    fn late(&self, patience: Instant) -> Refusal {
        if patience >= self.ends.at {
            return self.ends.because.clone();
        }
        Refusal::new(Reason::ProviderTimeout, "the session fell silent")
    }

    /// Ends the session on both sides; the outcome is durable before the caller's last frame.
    async fn part(mut self: Box<Self>, caller: &mut Leg, provider: Leg, ended: Ended) {
        // Whoever closed is answered at last; where the session may not go on, the provider is left at once.
        let provider = Some(provider).filter(|_| matches!(ended, Ended::Closed(_)));
        let mut rest = Vec::new();
        if let Ended::Closed(_) = &ended {
            // What was held back to the end, and is no stand-in.
            let _ = self.answer.finish(&mut self.chain, &mut rest);
            let _ = timeout(crate::GOODBYE, self.release(rest, caller)).await;
        }
        let goodbye = match &ended {
            Ended::Badly(refusal) => {
                let error = wire::session_error(refusal, &self.tally.id().to_string(), None);
                self.tally.releases(error.as_bytes());
                Some((Some(code(refusal.reason)), refusal.reason.code(), Some(error)))
            }
            Ended::Closed(code) => Some((*code, "", None)),
            Ended::Alone => None,
        };
        self.conclude(&ended).await;
        let Some((code, why, error)) = goodbye else { return };
        if let Some(error) = error {
            let _ = timeout(crate::GOODBYE, caller.say(error.into())).await;
        }
        caller.close(code, why).await;
        if let Some(mut provider) = provider {
            provider.close(None, "").await;
        }
    }

    async fn conclude(self: Box<Self>, ended: &Ended) {
        let Self { tally, chain, answer, place, .. } = *self;
        let gone = Refusal::new(Reason::CallerLeft, "in mid-session");
        let failure = match ended {
            Ended::Closed(_) => None,
            Ended::Badly(refusal) => Some(refusal),
            Ended::Alone => Some(&gone),
        };
        // Whoever asks for the record of a session that the ledger did not take is told by its health.
        let _ = tally.conclude(101, failure, answer.facts(), chain).await;
        drop(place);
    }
}

/// Why a session ends, as a close code (RFC 6455 section 7.4.1).
fn code(reason: Reason) -> u16 {
    match reason {
        Reason::ShuttingDown => 1001,
        Reason::BadRequest => 1002,
        Reason::Malformed => 1007,
        Reason::BodyTooLarge => 1009,
        Reason::ProviderBroken | Reason::ProviderTimeout | Reason::AnswerTooLarge | Reason::LedgerUnavailable => 1011,
        Reason::TooBusy => 1013,
        _ => 1008,
    }
}

fn broken(detail: &str) -> Refusal {
    Refusal::new(Reason::ProviderBroken, detail)
}
