//! A call of gRPC that is a stream of messages both ways: each is read like a call or an answer of its own.
//!
//! ```text
//! caller   ─ message ─> parse ─> classify ─> decide ─> record ─> provider        refused: a message that says so to the caller
//! caller   <─ message ─ tokens put back, held against limits <─ message ─ provider
//! ```
//!
//! To the ledger it is one exchange, as a session over WebSocket is. Its intent holds the first message, on which it is decided, held
//! and counted like any other call; each later one is decided anew, on the same crossing and under the same plant, and has a record of
//! its own that is durable before it leaves. The outcome is durable before the trailers. Of each side one message is held at a time,
//! so that who does not read slows the other down, and both ways go on while one of them waits.

mod inbox;
mod outlet;

use crate::GOODBYE;
use crate::breakers::Trial;
use crate::chain::Chain;
use crate::credential::Credential;
use crate::ends::Ends;
use crate::grpc::{self, Outcome};
use crate::headers;
use crate::journal::Journal;
use crate::passing::unwritten;
use crate::place::Place;
use crate::reply::{self, Body, Piece, Reply};
use crate::session::{Judge, Judged, Tally};
use crate::watch::aside;
use bytes::Bytes;
use fallback::Ended as Tried;
use http::{HeaderMap, HeaderValue, Response, header};
use inbox::Heard;
pub(crate) use inbox::{Entering, Inbox};
pub(crate) use outlet::{Leaving, Opened, Outgoing};
use outlet::{Outlet, Told, Voice};
use plant::{Form, Reason, Refusal, Rewrite as _};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, timeout};
use tracing::Instrument;
use wire::Facts;

/// How many messages wait for a caller before more of its own are heard: an answer, and what is said of a refused message.
const WAITING: usize = 2;

/// A stream of messages that may begin.
pub(crate) struct Beginning {
    pub(crate) judge: Judge,
    pub(crate) ends: Ends,
    pub(crate) chain: Chain,
    pub(crate) opened: Opened,
    pub(crate) inbox: Inbox,
    /// The first message as it leaves.
    pub(crate) first: Bytes,
    pub(crate) place: Place,
    pub(crate) trial: Option<Trial>,
}

/// A stream of messages under way. Boxed, as the journal is.
struct Messages {
    judge: Judge,
    ends: Ends,
    chain: Chain,
    credential: Option<Arc<Credential>>,
    tally: Tally,
    facts: Facts,
    inbox: Inbox,
    /// Whether the caller has said all.
    said: bool,
    /// What leaves next.
    leaving: Option<Leaving>,
    outlet: Outlet,
    voice: Voice,
    /// What the caller gets next.
    giving: VecDeque<Bytes>,
    trial: Option<Trial>,
    place: Place,
}

/// How a stream ended.
enum Ended {
    /// The provider said how; these are the trailers that the caller gets.
    Told(u32, HeaderMap),
    /// It may not go on.
    Badly(Refusal),
    /// The caller is gone.
    Alone,
}

impl Beginning {
    /// Tells the caller that the stream begins, and carries it on beside.
    pub(crate) fn begin(self, journal: Box<Journal>) -> Reply {
        let Self { judge, ends, chain, opened, mut inbox, first, place, trial } = self;
        let (gate, until, verdict, record) = (Arc::clone(&judge.gate), ends.at, judge.passage.verdict, journal.id());
        let commitment = journal.answer(&gate.secrets.commitments);
        let mut tally = Tally::new(&gate, journal, commitment);
        tally.begins(&inbox.take_first(), &first);
        let Opened { outlet, voice, credential } = opened;
        let messages = Box::new(Messages {
            chain: chain.led_by(judge.restorer.clone()),
            judge,
            ends,
            credential,
            tally,
            facts: Facts::default(),
            inbox,
            said: false,
            leaving: Some(Leaving::Message(first)),
            outlet,
            voice,
            giving: VecDeque::new(),
            trial,
            place,
        });
        let (release, pieces) = mpsc::channel(1);
        gate.tracker.spawn(messages.live(release).in_current_span());
        let mut reply = Response::new(Body::stream(pieces, until + GOODBYE));
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        reply::sign(&mut reply, verdict, None, Some(record));
        reply
    }
}

impl Messages {
    /// From the first message to the trailers.
    async fn live(mut self: Box<Self>, release: Sender<Piece>) {
        let ended = self.converse(&release).await;
        let (failure, status, trailers) = match ended {
            Ended::Told(status, trailers) => (None, wire::grpc::as_http(status), Some(trailers)),
            Ended::Badly(refusal) => {
                let trailers = grpc::trailers(&refusal, Some(&self.tally.id().to_string()));
                (Some(refusal.clone()), refusal.reason.status(), Some(trailers))
            }
            Ended::Alone => {
                let gone = Refusal::new(Reason::CallerLeft, "in mid-stream");
                (Some(gone), Reason::CallerLeft.status(), None)
            }
        };
        self.tried(failure.as_ref(), status);
        let Self { tally, chain, facts, place, outlet, voice, .. } = *self;
        // What the provider still has to say nobody hears.
        drop((outlet, voice));
        let lost = tally.conclude(status, failure.as_ref(), &facts, chain).await.is_err();
        let trailers = match trailers {
            Some(_) if lost => Some(grpc::trailers(&unwritten(), None)),
            trailers => trailers,
        };
        if let Some(trailers) = trailers {
            let _ = timeout(GOODBYE, release.send(Piece::Ending(Box::new(trailers)))).await;
        }
        drop(place);
    }

    async fn converse(&mut self, release: &Sender<Piece>) -> Ended {
        let (gate, call) = (Arc::clone(&self.judge.gate), self.judge.call.clone());
        loop {
            match gate.until_cut(&call, async { Ok(self.turn(release).await) }).await {
                Ok(Ok(())) => {}
                Ok(Err(ended)) => return ended,
                Err(refusal) => return Ended::Badly(refusal),
            }
            // A stream that never pauses must notice too that its time is up.
            if Instant::now() >= self.ends.at {
                return Ended::Badly(self.ends.because.clone());
            }
        }
    }

    /// Takes one step of either side.
    async fn turn(&mut self, release: &Sender<Piece>) -> Result<(), Ended> {
        let patience = (Instant::now() + self.judge.passage.bounds.idle).min(self.ends.at);
        let hears = !self.said && self.leaving.is_none() && self.giving.len() < WAITING;
        tokio::select! {
            heard = self.inbox.next(), if hears => self.heard(heard).await,
            taken = self.outlet.room(), if self.leaving.is_some() => {
                self.leave(taken);
                Ok(())
            }
            told = self.voice.next(), if self.giving.is_empty() => self.told(told),
            room = release.reserve(), if !self.giving.is_empty() => {
                let room = room.map_err(|_| Ended::Alone)?;
                if let Some(message) = self.giving.pop_front() {
                    self.tally.releases(&message);
                    room.send(Piece::More(message));
                }
                Ok(())
            }
            () = release.closed() => Err(Ended::Alone),
            () = tokio::time::sleep_until(patience) => Err(Ended::Badly(self.late(patience))),
        }
    }

    /// Takes what the caller said: it leaves, if it may, or the caller is told why it does not.
    async fn heard(&mut self, heard: Result<Heard, Refusal>) -> Result<(), Ended> {
        let message = match heard.map_err(Ended::Badly)? {
            Heard::Message(message) => self.inbox.plain(message, &mut self.place).await.map_err(Ended::Badly)?,
            Heard::All => {
                (self.said, self.leaving) = (true, Some(Leaving::Last));
                return Ok(());
            }
        };
        let mut journal = self.tally.event();
        let judged = aside(message.len(), || self.judge.judge(&message, &mut journal));
        let judged = judged.and_then(|judged| self.judge.gate.open(&journal.body).map(|()| judged));
        match judged {
            Ok(Judged { leaves, .. }) => {
                self.tally.record(journal, None, false).await.map_err(Ended::Badly)?;
                self.tally.forwards(&message, &leaves);
                self.leaving = Some(Leaving::Message(leaves));
            }
            Err(refusal) => {
                let record = self.tally.record(journal, Some(&refusal), false).await.map_err(Ended::Badly)?;
                let error = wire::stream_error(self.judge.endpoint, &refusal, &record.to_string(), &message);
                self.giving.push_back(error.into());
            }
        }
        Ok(())
    }

    /// Hands the next message to the provider. One that takes no more has ended the call, and says so itself.
    fn leave(&mut self, taken: bool) {
        let message = self.leaving.take();
        match message.filter(|_| taken) {
            Some(message) => self.outlet.say(message),
            None => self.said = true,
        }
    }

    /// Takes what the provider said.
    fn told(&mut self, told: Result<Told, Refusal>) -> Result<(), Ended> {
        match told.map_err(Ended::Badly)? {
            Told::Message(message) => {
                let out = aside(message.len(), || self.read(&message)).map_err(Ended::Badly)?;
                let bounds = &self.judge.passage.bounds;
                if self.tally.released().saturating_add(out.len() as u64) > bounds.answer {
                    let detail = format!("the answers of the stream are larger than {} bytes", bounds.answer);
                    return Err(Ended::Badly(Refusal::new(Reason::AnswerTooLarge, detail)));
                }
                self.giving.push_back(out.into());
                Ok(())
            }
            Told::End(trailers) => match self.outcome(&trailers) {
                Ok((status, trailers)) => Err(Ended::Told(status, trailers)),
                Err(refusal) => Err(Ended::Badly(refusal)),
            },
        }
    }

    /// Reads a message of the provider as an answer of its own.
    fn read(&mut self, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (mut answer, mut out) = (self.judge.reader("application/grpc"), Vec::new());
        let read = answer.push(message, &mut self.chain, &mut out);
        let read = read.and_then(|()| answer.finish(&mut self.chain, &mut out));
        read.map_err(|broken| Refusal::new(broken.reason, broken.detail))?;
        self.facts = answer.facts().clone();
        Ok(out)
    }

    /// How the call ended, by the provider's word: its status, and the trailers that the caller gets.
    fn outcome(&mut self, trailers: &HeaderMap) -> Result<(u32, HeaderMap), Refusal> {
        let mut outcome = Outcome::of(trailers)?;
        if let Some(text) = outcome.message.take() {
            let said = self.chain.whole(&text, Form::Plain).unwrap_or(text);
            if let Some(refusal) = self.chain.stopped() {
                return Err(refusal);
            }
            let blanked = self.credential.as_ref().and_then(|own| own.blank(&said));
            outcome.message = Some(blanked.unwrap_or(said));
        }
        let (status, credential) = (outcome.status, self.credential.clone());
        let trailers = outcome.tell(|from, to| {
            headers::carry_back(from, to, |value| credential.as_ref().is_some_and(|own| own.is_in(value)));
        });
        Ok((status, trailers))
    }

    fn late(&self, patience: Instant) -> Refusal {
        if patience >= self.ends.at {
            return self.ends.because.clone();
        }
        Refusal::new(Reason::ProviderTimeout, "the stream fell silent")
    }

    /// Tells the breaker, if there is one, how the provider did.
    fn tried(&mut self, failure: Option<&Refusal>, status: u16) {
        let Some(trial) = self.trial.take() else { return };
        match failure {
            Some(failure) => trial.failed(&self.judge.gate, failure.reason),
            None if status == 429 => {}
            None => trial.ended(&self.judge.gate, if status >= 500 { Tried::Badly } else { Tried::Well }),
        }
    }
}
