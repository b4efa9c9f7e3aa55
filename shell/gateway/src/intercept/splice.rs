//! Carries a pinned host's connection across unread, if a conduit opens the provider's every path unread and carries the highest
//! sensitivity: what nobody reads may hold anything.

use super::journal::resting;
use super::tunnel::Asked;
use super::{Authority, Via};
use crate::connection::Caller;
use crate::ends::Ends;
use crate::journal::{End, Journal};
use crate::place::Place;
use crate::replay::Replay;
use crate::{Gate, Inforce, telemetry};
use bytes::Bytes;
use http::HeaderMap;
use plant::{Bounds, Io, Note, Reason, Refusal};
use policy::{Call, Case, Decision, Passage};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// How long connecting to the host may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Carries a connection across, or refuses it. Whatever happens, one record says how it ended.
pub(crate) async fn serve<S>(gate: &Arc<Gate>, inforce: &Inforce, stream: S, asked: &Asked, to: Authority, bytes: Bytes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut journal = Journal::of_tunnel(gate, inforce, asked, Some(&to));
    journal.body.note.insert("inspected", Note::text("no"));
    let opened = open(gate, inforce, asked, &to, &mut journal).await;
    let Opened { mut upstream, passage, ends, place: _place } = match opened {
        Ok(opened) => opened,
        Err(refusal) => {
            let _ = journal.turn_away(gate, &refusal).await;
            return;
        }
    };
    let tally = Tally::default();
    let mut caller = Tallied { stream: Replay { bytes, stream }, tally: &tally };
    let ended = tokio::select! {
        done = copy_bidirectional(&mut caller, &mut upstream) => done.err().map(|_| (Reason::ProviderBroken, "one side broke off".to_owned())),
        () = idle(&tally, &passage.bounds) => Some((Reason::ProviderTimeout, "nothing passed for as long as the conduit allows".to_owned())),
        () = tokio::time::sleep_until(ends.at) => Some((ends.because.reason, ends.because.detail.clone())),
        refusal = gate.shut(&journal.body) => Some((refusal.reason, refusal.detail)),
    };
    let io = Io {
        request_bytes: tally.up.load(Ordering::Relaxed),
        answer_bytes: tally.down.load(Ordering::Relaxed),
        ..Io::default()
    };
    let failure = ended.as_ref().map(|(reason, detail)| (*reason, detail.as_str()));
    let status = failure.map_or(200, |(reason, _)| reason.status());
    let _ = journal.conclude(End { status, failure, io, ..End::default() }).await;
}

/// A connection that may cross, and its other side.
struct Opened {
    upstream: TcpStream,
    passage: Passage,
    ends: Ends,
    place: Place,
}

/// Identity, place, decision, record and then the connection: as for any call, without one to read.
async fn open(
    gate: &Arc<Gate>,
    inforce: &Inforce,
    asked: &Asked,
    to: &Authority,
    journal: &mut Journal,
) -> Result<Opened, Refusal> {
    let place = gate.enter()?;
    let via = Via { to: to.clone(), tls: true, token: asked.token.clone(), way: asked.wanted.way() };
    let caller = Caller::new(&asked.origin, resting(gate), Some(Arc::new(via)));
    let none = HeaderMap::new();
    let identified = inforce.identify(&caller, &none).await;
    let until = identified.until;
    let principal = journal.identified(identified)?;

    let known = inforce.interception().and_then(|one| one.hosts.provider(to, true));
    let provider = known.map(ToString::to_string).unwrap_or_default();
    // Any path: a conduit that opens only some cannot tell which this one will take.
    let call = Call { provider: &provider, endpoint: None, method: "CONNECT", path: "/*", purpose: None };
    let placed = inforce.policy().place(&principal, asked.origin.peer.ip(), &call, journal.began());
    let crossing = journal.placed(placed)?;
    let (asked, now) = (policy::Asked::default(), journal.began());
    let decided = inforce.policy().decide(&Case {
        principal: &principal,
        crossing: &crossing,
        asked,
        findings: &[],
        fixed: &|_, _| true,
        now,
    });
    let permit = match journal.decided(&inforce.plant().scale, decided, &[]) {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => return Err(refusal),
        Decision::Hold(_) => {
            return Err(Refusal::new(Reason::HoldRefused, "nobody can decide on a connection that is not read"));
        }
    };
    if permit.terms().rerouted {
        return Err(Refusal::new(Reason::AboveCeiling, "an unread connection cannot be led elsewhere"));
    }
    gate.open(&journal.body)?;
    journal.intend().await.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
    let passage = permit.spend();
    telemetry::decided(None, &passage, inforce.plant().providers.get(&passage.provider));
    let ends = Ends::new(journal.clock(), &passage.bounds, until, |then| inforce.lapse(&caller, &none, then));
    // Its own name, looked up here: not the address that the caller would have it be.
    let connecting = timeout(CONNECT, TcpStream::connect((to.host.as_str(), to.port)));
    let unreachable =
        |why: String| Refusal::new(Reason::ProviderUnreachable, format!("no connection could be made: {why}"));
    let upstream = connecting.await.map_err(|_| unreachable("it took too long".to_owned()))?;
    let upstream = upstream.map_err(|problem| unreachable(problem.to_string()))?;
    let _ = upstream.set_nodelay(true);
    Ok(Opened { upstream, passage, ends, place })
}

/// What has passed, and when the last of it did.
#[derive(Debug)]
struct Tally {
    up: AtomicU64,
    down: AtomicU64,
    began: Instant,
    /// Milliseconds from `began` to the last byte.
    last: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { up: AtomicU64::new(0), down: AtomicU64::new(0), began: Instant::now(), last: AtomicU64::new(0) }
    }
}

impl Tally {
    fn add(&self, to: &AtomicU64, bytes: usize) {
        to.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.last.store(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

/// Waits until nothing has passed in either direction for the conduit's patience.
async fn idle(tally: &Tally, bounds: &Bounds) {
    loop {
        let due = tally.last() + bounds.idle;
        if due <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(due).await;
    }
}

/// The caller's side of a connection, counted.
struct Tallied<'a, S> {
    stream: S,
    tally: &'a Tally,
}

impl<S: AsyncRead + Unpin> AsyncRead for Tallied<'_, S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        let count = buf.filled().len() - before;
        if count > 0 {
            this.tally.add(&this.tally.up, count);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tallied<'_, S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            this.tally.add(&this.tally.down, count);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
