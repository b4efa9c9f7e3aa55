//! An answer on its way: rewritten as it passes, recorded before its last byte.

use crate::answer::Fallen;
use crate::breakers::Trial;
use crate::credential::Credential;
use crate::ends::Ends;
use crate::grpc::Outcome;
use crate::journal::{End, Journal};
use crate::place::Place;
use crate::reader::Reader;
use crate::recorder::Unwritten;
use crate::reply::{self, Piece, Reply, Tongue};
use crate::source::Source;
use crate::upstream::Ticket;
use crate::{GOODBYE, Gate, headers};
use bytes::Bytes;
use fallback::{Ended as Tried, Trouble, Troubles};
use http::HeaderMap;
use plant::{Io, Reason, Refusal};
use policy::Passage;
use seal::Tagging;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a provider may take to end its body after its last event. What comes then is not passed on.
const LINGER: Duration = Duration::from_millis(50);

/// An answer on its way. Boxed, as the journal is.
pub(crate) struct Passing {
    pub(crate) gate: Arc<Gate>,
    pub(crate) journal: Box<Journal>,
    pub(crate) passage: Passage,
    pub(crate) tongue: Tongue,
    /// The provider's status; of gRPC, the one of HTTP that says the same.
    pub(crate) status: u16,
    /// The provider's credential, if what it says may repeat it.
    pub(crate) credential: Option<Arc<Credential>>,
    pub(crate) io: Io,
    pub(crate) first_byte_micros: u64,
    pub(crate) commitment: Box<Tagging>,
    /// What was released so far, if it is kept.
    pub(crate) kept: Option<Vec<u8>>,
    pub(crate) ends: Ends,
    pub(crate) reader: Reader,
    pub(crate) place: Place,
    /// What is put into its beginning, if another provider answers than was asked first.
    pub(crate) told: Option<Value>,
    /// What its breaker waits to be told, if it has one.
    pub(crate) trial: Option<Trial>,
    pub(crate) _ticket: Ticket,
}

/// The beginning of a stream that was read before its head went out: whether it ended, and what may be released.
pub(crate) type First = (bool, Vec<u8>);

/// How a stream ended.
enum Ended {
    /// All of it came; this is the last of it, not yet released.
    Whole(Vec<u8>),
    /// It broke off, or grew too large or too long; what could still be released of it.
    Badly(Refusal, Vec<u8>),
    /// The caller left.
    Alone,
}

impl Passing {
    /// Takes a document whole.
    pub(crate) async fn document(&mut self, source: &mut Source) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        loop {
            let ended = self.step(source, &mut out).await?;
            self.place.hold(usize::try_from(source.given()).unwrap_or(usize::MAX).max(out.len()))?;
            if ended {
                self.announce(&mut out);
                return Ok(out);
            }
        }
    }

    /// How a call of gRPC ended, by what came behind its answer: the trailers that the caller gets.
    pub(crate) fn outcome(&mut self, trailers: Option<&HeaderMap>) -> Result<HeaderMap, Refusal> {
        let missing = || Refusal::new(Reason::ProviderBroken, "its answer ended without trailers");
        let mut outcome = Outcome::of(trailers.ok_or_else(missing)?)?;
        let credential = self.credential.clone();
        if let Some(text) = outcome.message.take() {
            outcome.message = Some(self.reader.beside(&text, credential.as_deref())?);
        }
        if outcome.status != wire::grpc::OK {
            self.status = wire::grpc::as_http(outcome.status);
        }
        Ok(outcome.tell(|from, to| {
            headers::carry_back(from, to, |value| credential.as_ref().is_some_and(|own| own.is_in(value)));
        }))
    }

    /// Records that a document was given; the outcome is durable then.
    pub(crate) async fn whole(mut self: Box<Self>, out: &[u8]) -> Result<(), Reply> {
        self.released(out);
        let (tongue, verdict, record) = (self.tongue, self.passage.verdict, self.journal.id());
        self.conclude(None).await.map_err(|_| {
            let refusal = unwritten();
            reply::error(tongue, verdict, &refusal, refusal.reason.status(), Some(record))
        })
    }

    /// Ends an answer of which nothing was given: as an error, or, where more can be tried, not yet.
    pub(crate) async fn fails(mut self: Box<Self>, failure: Refusal, more: Troubles) -> Result<Reply, Box<Fallen>> {
        if !Trouble::of_reason(failure.reason).is_some_and(|trouble| more.holds(trouble)) {
            return Ok(self.fail(&failure).await);
        }
        self.tried(Some(failure.reason));
        let Self { place, journal, passage, .. } = *self;
        Err(Box::new(Fallen { failure, place, journal, from: passage.provider }))
    }

    /// Reads a stream to where its first event can be released.
    pub(crate) async fn begin(&mut self, source: &mut Source) -> Result<First, Refusal> {
        let mut out = Vec::new();
        loop {
            let ended = self.step(source, &mut out).await?;
            if self.reader.facts().is_some_and(|facts| facts.error.is_some()) {
                return Err(Refusal::new(Reason::ProviderBroken, "its stream begins with an error"));
            }
            if ended || !out.is_empty() {
                return Ok((ended, out));
            }
        }
    }

    /// Puts into the beginning of an answer what is told of it.
    fn announce(&mut self, out: &mut Vec<u8>) {
        if !out.is_empty()
            && let Some(told) = self.told.take()
        {
            wire::announce(out, &told);
        }
    }

    /// Tells the breaker, if there is one, how the provider did.
    fn tried(&mut self, failure: Option<Reason>) {
        let Some(trial) = self.trial.take() else { return };
        match failure {
            Some(reason) => trial.failed(&self.gate, reason),
            None if self.status == 429 => {}
            None => trial.ended(&self.gate, if self.status >= 500 { Tried::Badly } else { Tried::Well }),
        }
    }

    /// Ends an exchange whose answer never began to reach the caller.
    pub(crate) async fn fail(mut self: Box<Self>, failure: &Refusal) -> Reply {
        if self.status < 400 {
            self.status = failure.reason.status();
        }
        let (tongue, status, verdict, record) = (self.tongue, self.status, self.passage.verdict, self.journal.id());
        // The caller is told the same whether or not the ledger takes this: nothing of the answer is released.
        let _ = self.conclude(Some(failure)).await;
        reply::error(tongue, verdict, failure, status, Some(record))
    }

    /// Releases a stream piece by piece.
    pub(crate) async fn pump(mut self: Box<Self>, mut source: Source, first: Option<First>, release: Sender<Piece>) {
        let (gate, until) = (Arc::clone(&self.gate), self.ends.at);
        match self.stream(&mut source, first, &release).await {
            Ended::Whole(last) => {
                self.released(&last);
                let unrecorded = self.reader.farewell(&unwritten(), self.journal.id());
                let end = match self.conclude(None).await {
                    Ok(()) => Piece::Last(last.into()),
                    Err(_) => unrecorded.map_or(Piece::Cut, Piece::Last),
                };
                tokio::join!(hand_over(&gate, &release, end, until), timeout(LINGER, source.drain())).0;
            }
            Ended::Badly(failure, mut rest) => {
                drop(source);
                let goodbye = self.reader.farewell(&failure, self.journal.id());
                rest.extend_from_slice(goodbye.as_deref().unwrap_or_default());
                self.released(&rest);
                let _ = self.conclude(Some(&failure)).await;
                let until = Instant::now() + GOODBYE;
                if goodbye.is_some() {
                    hand_over(&gate, &release, Piece::Last(rest.into()), until).await;
                } else {
                    hand_over(&gate, &release, Piece::More(rest.into()), until).await;
                    hand_over(&gate, &release, Piece::Cut, until).await;
                }
            }
            Ended::Alone => {
                drop(source);
                let _ = self.conclude(Some(&Refusal::new(Reason::CallerLeft, "in mid-stream"))).await;
            }
        }
    }

    async fn stream(&mut self, source: &mut Source, mut first: Option<First>, release: &Sender<Piece>) -> Ended {
        loop {
            let mut out = Vec::new();
            let read = match first.take() {
                Some((ended, begun)) => {
                    out = begun;
                    Ok(ended)
                }
                None => tokio::select! {
                    read = self.step(source, &mut out) => read,
                    () = release.closed() => return Ended::Alone,
                },
            };
            self.announce(&mut out);
            match read {
                Ok(ended) if ended || self.reader.complete() => return Ended::Whole(out),
                Ok(_) if out.is_empty() => {}
                Ok(_) => {
                    self.tried(None);
                    self.released(&out);
                    let sent = tokio::select! {
                        sent = timeout_at(self.ends.at, release.send(Piece::More(out.into()))) => sent,
                        refusal = self.gate.shut(&self.journal.body) => return Ended::Badly(refusal, Vec::new()),
                    };
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return Ended::Alone,
                        Err(_) => return Ended::Badly(self.ends.because.clone(), Vec::new()),
                    }
                }
                Err(failure) => return Ended::Badly(failure, out),
            }
        }
    }

    /// Reads the next piece, or the end. What may be released is in `out`, also where reading failed; whether it ended.
    async fn step(&mut self, source: &mut Source, out: &mut Vec<u8>) -> Result<bool, Refusal> {
        let piece = self.next(source).await?;
        self.reader.read(piece.as_deref(), out)
    }

    /// The next piece of the answer, within the conduit's bounds.
    async fn next(&mut self, source: &mut Source) -> Result<Option<Bytes>, Refusal> {
        let bounds = &self.passage.bounds;
        let patience = (Instant::now() + bounds.idle).min(self.ends.at);
        let piece = tokio::select! {
            piece = timeout_at(patience, source.next()) => piece,
            refusal = self.gate.shut(&self.journal.body) => return Err(refusal),
        };
        match piece {
            // A stream that never pauses must notice too that its time is up.
            _ if Instant::now() >= self.ends.at => Err(self.ends.because.clone()),
            Ok(Some(Ok(_))) if source.given() > bounds.answer => {
                let detail = format!("the answer is larger than {} bytes", bounds.answer);
                Err(Refusal::new(Reason::AnswerTooLarge, detail))
            }
            Ok(Some(Ok(piece))) => self.room_for(&piece).map(|()| Some(piece)),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(Refusal::new(Reason::ProviderBroken, "the answer broke off")),
            Err(_) => Err(Refusal::new(Reason::ProviderTimeout, "the answer fell silent")),
        }
    }

    /// Makes sure that there is room for a piece more, if the answer is kept.
    fn room_for(&mut self, piece: &Bytes) -> Result<(), Refusal> {
        self.kept.as_ref().map_or(Ok(()), |kept| self.place.hold(kept.len().saturating_add(piece.len())))
    }

    /// Counts bytes that are about to be released, and gathers them if they are kept.
    fn released(&mut self, bytes: &[u8]) {
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
        self.commitment.update(bytes);
        self.io.answer_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    /// Records the outcome; durable when this returns.
    async fn conclude(mut self: Box<Self>, failure: Option<&Refusal>) -> Result<(), Unwritten> {
        self.tried(failure.map(|failure| failure.reason));
        let Self { journal, status, mut io, first_byte_micros, commitment, kept, reader, .. } = *self;
        let facts = reader.facts();
        io.answer = Some(seal::hex(&(*commitment).finish()));
        io.input_tokens = facts.and_then(|facts| facts.input_tokens);
        io.output_tokens = facts.and_then(|facts| facts.output_tokens);
        let failure = failure.map(|failure| (failure.reason, failure.detail.as_str()));
        let (kept, findings) = (kept.map(Bytes::from), reader.findings());
        let first_byte_micros = Some(first_byte_micros);
        journal.conclude(End { status, failure, io, first_byte_micros, facts, findings, kept }).await
    }
}

/// Gives a piece to a caller that may be slow, or may not read at all.
async fn hand_over(gate: &Gate, release: &Sender<Piece>, piece: Piece, until: Instant) {
    let until = until.max(Instant::now() + GOODBYE);
    tokio::select! {
        _ = timeout_at(until, release.send(piece)) => {}
        () = gate.isolation.gone() => {}
    }
}

/// Why an answer is withheld whose outcome is in no ledger.
pub(crate) fn unwritten() -> Refusal {
    Refusal::new(Reason::LedgerUnavailable, "the outcome could not be written")
}
