//! Quotas: counts a call before it leaves, and what it took when it has ended.
//!
//! Where the plant sets none, nothing here is done, and no lock is taken.

use crate::answer::Switched;
use crate::exchange::Ready;
use crate::journal::{End, Journal};
use crate::recorder::{draw_id, now};
use crate::{Gate, Inforce};
use plant::{Body, ConduitId, Draft, Kind, Note, Party, ProviderId, Reason, Refusal};
use quota::{Admitted, Amounts, Counters, Measure, Queue, Settings, Stop, Subject, Ticket, Warning};
use std::collections::BTreeMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// Bytes of text that are about a token: English and code have 3 to 4, other languages fewer.
const BYTES_OF_A_TOKEN: u64 = 4;

/// What has been used, and who waits for a place.
pub(crate) struct Quotas(Mutex<Books>);

struct Books {
    counters: Counters,
    queue: Queue<Waiter>,
}

/// A call that waits until fewer run at the same time.
struct Waiter {
    counted: Box<Counted>,
    told: oneshot::Sender<Box<Counted>>,
}

impl Quotas {
    pub(crate) fn new(counters: Counters) -> Self {
        Self(Mutex::new(Books { counters, queue: Queue::default() }))
    }

    /// Both are whole between any two statements.
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a restart goes on with.
    pub(crate) fn save(&self, settings: &Settings) -> String {
        let counters = &mut self.lock().counters;
        counters.sweep(&settings.quotas, now());
        counters.save()
    }
}

/// A call that is counted. Dropped, it took what was expected of it.
pub(crate) struct Counted {
    gate: Arc<Gate>,
    settings: Arc<Settings>,
    admitted: Admitted,
    workload: String,
    operator: Option<String>,
    conduit: ConduitId,
    provider: ProviderId,
    model: String,
    /// Whether a model is asked: what others give and take is no tokens.
    asks: bool,
    expected: Amounts,
}

impl Counted {
    /// What a call that may leave counts as; nothing yet.
    fn of(gate: &Arc<Gate>, settings: &Arc<Settings>, journal: &Journal, ready: &Ready) -> Self {
        let terms = ready.permit.terms();
        let model = terms.model.as_deref().or(journal.model()).unwrap_or_default().to_owned();
        let tokens = ready.letters.div_ceil(BYTES_OF_A_TOKEN);
        let money = settings.prices.of(&terms.provider, &model, tokens, 0);
        let who = journal.body.who.as_ref();
        let party = |party: &Party| party.id.clone();
        Self {
            gate: Arc::clone(gate),
            settings: Arc::clone(settings),
            admitted: Admitted::default(),
            workload: who.and_then(|who| who.workload.as_ref()).map(party).unwrap_or_default(),
            operator: who.and_then(|who| who.operator.as_ref()).map(party),
            conduit: terms.conduit.clone(),
            provider: terms.provider.clone(),
            model,
            asks: ready.asks,
            expected: Amounts { requests: 1, tokens, bytes: journal.sent.request_bytes, money },
        }
    }

    /// Counts it, if it fits.
    fn admit(&mut self, counters: &mut Counters) -> Result<(), Stop> {
        let subject = Subject {
            workload: &self.workload,
            operator: self.operator.as_deref(),
            conduit: self.conduit.as_str(),
            provider: self.provider.as_str(),
        };
        counters.count(&self.settings.quotas, &mut self.admitted, &subject, self.expected, now())
    }

    /// It went nowhere: it took nothing.
    pub(crate) fn give_back(mut self) {
        self.took(Amounts::default());
    }

    /// It has ended.
    pub(crate) fn settle(mut self, end: &End<'_>, switched: Option<&Switched>) {
        let io = &end.io;
        // Nobody is paid for an error, nor for what the plant says itself.
        let gave = self.asks && end.status < 400 && switched.is_none_or(|switched| switched.to.is_some());
        // What a provider does not count is guessed: an event of a stream is about a token.
        let guessed = match end.facts {
            Some(facts) if facts.frames > 1 => facts.frames,
            _ => io.answer_bytes / BYTES_OF_A_TOKEN,
        };
        let input = io.input_tokens.unwrap_or(if gave { self.expected.tokens } else { 0 });
        let output = io.output_tokens.unwrap_or(if gave { guessed } else { 0 });
        let money = self.settings.prices.of(&self.provider, &self.model, input, output);
        let bytes = io.request_bytes.saturating_add(io.answer_bytes);
        self.took(Amounts { requests: 1, tokens: input.saturating_add(output), bytes, money });
    }

    fn took(&mut self, took: Amounts) {
        let admitted = take(&mut self.admitted);
        if admitted.is_nothing() {
            return;
        }
        let (warnings, idle) = {
            let mut books = self.gate.quotas.lock();
            (books.counters.settle(&self.settings.quotas, admitted, took, now()), books.queue.is_empty())
        };
        self.gate.warn(&warnings);
        if !idle {
            self.gate.serve();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.took(self.expected);
    }
}

/// A place in the queue. Dropped, it is given up, and so is a turn that came too late.
pub(crate) struct Line {
    gate: Arc<Gate>,
    ticket: Ticket,
    turn: oneshot::Receiver<Box<Counted>>,
    /// What it waits for.
    stop: Stop,
    until: Instant,
}

impl Line {
    /// Waits for its turn: at most as long as its conduit says, and no longer than the whole exchange may take.
    pub(crate) async fn turn(mut self: Box<Self>, journal: &mut Journal) -> Result<(), Refusal> {
        // A place that came free before it joined is not lost.
        self.gate.serve();
        let gate = Arc::clone(&self.gate);
        let turn = async { Ok(timeout_at(self.until, &mut self.turn).await.ok().and_then(Result::ok)) };
        journal.counted = gate.until_cut(&journal.body, turn).await?;
        if journal.counted.is_none() {
            return Err(gate.stopped(journal, &self.stop));
        }
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let left = self.gate.quotas.lock().queue.leave(&self.ticket);
        drop(left);
        self.turn.close();
        if let Ok(counted) = self.turn.try_recv() {
            counted.give_back();
        }
    }
}

impl Gate {
    /// Counts a call that is about to leave, where the plant sets quotas. Where as many run at the same time as may, and its conduit
    /// is essential, it has to wait for its turn.
    pub(crate) fn count(
        self: &Arc<Self>,
        inforce: &Inforce,
        journal: &mut Journal,
        ready: &Ready,
    ) -> Result<Option<Box<Line>>, Refusal> {
        let Err((stop, counted)) = self.counted(inforce, journal, ready) else { return Ok(None) };
        let terms = ready.permit.terms();
        let waits = inforce.quotas().waits.get(&terms.conduit).filter(|_| stop.measure == Measure::Concurrent);
        let Some(waits) = waits else { return Err(self.stopped(journal, &stop)) };
        let (told, turn) = oneshot::channel();
        let joined = self.quotas.lock().queue.join(&terms.conduit, waits.weight, Waiter { counted, told });
        let Ok(ticket) = joined else { return Err(self.stopped(journal, &stop)) };
        self.metrics.waited(terms.conduit.as_str());
        let until = (Instant::now() + waits.longest).min(journal.clock() + terms.bounds.total);
        Ok(Some(Box::new(Line { gate: Arc::clone(self), ticket, turn, stop, until })))
    }

    /// The same for a call whose provider has failed: it counts as one to the next, and waits for nothing more.
    pub(crate) fn count_again(
        self: &Arc<Self>,
        inforce: &Inforce,
        journal: &mut Journal,
        ready: &Ready,
    ) -> Result<(), Refusal> {
        self.counted(inforce, journal, ready).map_err(|(stop, _)| self.stopped(journal, &stop))
    }

    fn counted(
        self: &Arc<Self>,
        inforce: &Inforce,
        journal: &mut Journal,
        ready: &Ready,
    ) -> Result<(), (Stop, Box<Counted>)> {
        let settings = inforce.quotas();
        if settings.quotas.is_empty() {
            return Ok(());
        }
        let mut counted = Box::new(Counted::of(self, settings, journal, ready));
        counted.admitted = journal.counted.as_mut().map(|before| take(&mut before.admitted)).unwrap_or_default();
        let admitted = counted.admit(&mut self.quotas.lock().counters);
        if let Err(stop) = admitted {
            journal.counted.iter_mut().for_each(|before| before.admitted = take(&mut counted.admitted));
            return Err((stop, counted));
        }
        self.warn(&counted.admitted.warnings);
        journal.counted = Some(counted);
        Ok(())
    }

    /// Gives places that are free to those who wait for them.
    fn serve(&self) {
        loop {
            let next = {
                let Books { counters, queue } = &mut *self.quotas.lock();
                queue.next(|waiter| waiter.counted.admit(counters).is_ok())
            };
            let Some(Waiter { counted, told }) = next else { return };
            self.warn(&counted.admitted.warnings);
            if let Err(counted) = told.send(counted) {
                counted.give_back();
            }
        }
    }

    fn stopped(&self, journal: &mut Journal, stop: &Stop) -> Refusal {
        let Stop { quota, whose, measure, most, after } = stop;
        self.metrics.stopped(quota.as_str(), measure.name());
        journal.after = Some((*after).max(Duration::from_millis(1)));
        let most = measure.show(*most);
        let detail =
            format!("quota `{quota}` lets `{whose}` have {most} {}, and the call would be more", measure.name());
        Refusal::new(Reason::QuotaExceeded, detail)
    }

    fn warn(&self, warnings: &[Warning]) {
        for Warning { quota, whose, measure, used, most } in warnings {
            self.metrics.warned(quota.as_str(), measure.name());
            let (name, used, most) = (measure.name(), *used, *most);
            tracing::warn!(%quota, whose, measure = name, used = measure.show(used), most = measure.show(most), "a quota is nearly used up");
            let note = BTreeMap::from([
                ("event", Note::text("quota")),
                ("quota", Note::text(quota.as_str())),
                ("whose", Note::text(whose)),
                ("measure", Note::text(name)),
                ("used", Note::Number(used)),
                ("most", Note::Number(most)),
            ]);
            let body = Body { note, ..Body::default() };
            self.record(Draft { kind: Kind::Alert, id: draw_id(now()), reference: None, body });
        }
    }
}
