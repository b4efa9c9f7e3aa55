//! How long a connection may live: no longer than somebody uses it, and no longer than an exchange on it may last.
//!
//! hyper knows neither. It would keep a connection open for ever whose caller does not read its answer, since what
//! it waits for then is room in the socket; and on HTTP/1.1 it has one patience for a head that trickles in and for a
//! connection that rests between two calls, although the first is an attack and the second is how SDKs work.

use crate::Limits;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a connection may wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From the first byte of a head to its last.
    pub(crate) head: Duration,
    /// Between two exchanges.
    pub(crate) idle: Duration,
}

impl Patience {
    /// As the gateway's limits say.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self { head: limits.header_timeout, idle: limits.idle_timeout }
    }
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Nobody has called for a while.
    Idle,
    /// A head has begun and does not end.
    Head,
    /// An exchange on it should have ended.
    Overdue,
}

impl Over {
    /// Its name in metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Head => "head",
            Self::Overdue => "overdue",
        }
    }
}

/// The life of one connection.
#[derive(Debug)]
pub(crate) struct Life {
    patience: Patience,
    state: Mutex<State>,
    sooner: Notify,
}

#[derive(Debug)]
struct State {
    /// Exchanges under way, and when each must be over.
    stays: BTreeMap<u64, Option<Instant>>,
    next: u64,
    /// Since when there is none.
    since: Instant,
    /// Whether nothing has come yet.
    fresh: bool,
    /// When the first byte of a head came, if one has begun.
    heard: Option<Instant>,
    /// Until when the watch sleeps.
    armed: Instant,
}

impl Life {
    /// A connection begins. On HTTP/1.1 the first head is due at once; HTTP/2 has begun with its preface.
    pub(crate) fn begin(patience: Patience, head_due: bool) -> Arc<Self> {
        let now = Instant::now();
        let heard = head_due.then_some(now);
        let state = State { stays: BTreeMap::new(), next: 0, since: now, fresh: head_due, heard, armed: now };
        Arc::new(Self { patience, state: Mutex::new(state), sooner: Notify::new() })
    }

    /// An exchange begins; it lasts until what this gives is dropped.
    pub(crate) fn stay(self: &Arc<Self>) -> Stay {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.stays.insert(number, None);
        state.heard = None;
        Stay { life: Arc::clone(self), number }
    }

    /// Waits until the connection must end.
    pub(crate) async fn over(&self) -> Over {
        loop {
            let (due, over) = self.due();
            if due <= Instant::now() {
                return over;
            }
            // Looking again after a head's patience finds every head that has begun since in time, without being
            // told of each.
            let wake = due.min(Instant::now() + self.patience.head);
            self.state().armed = wake;
            tokio::select! {
                () = tokio::time::sleep_until(wake) => {}
                () = self.sooner.notified() => {}
            }
        }
    }

    /// When the connection must end as things stand, and why.
    fn due(&self) -> (Instant, Over) {
        let state = self.state();
        let Patience { head, idle } = self.patience;
        match (state.stays.is_empty(), state.heard) {
            (false, _) => {
                let soonest = state.stays.values().flatten().min().copied();
                (soonest.unwrap_or_else(|| Instant::now() + idle), Over::Overdue)
            }
            (true, Some(heard)) => (heard + head, Over::Head),
            (true, None) => (state.since + idle, Over::Idle),
        }
    }

    /// Whether somebody has connected and not said anything yet: they are about to. Never of HTTP/2, which loses no call that
    /// crosses its goodbye (RFC 9113 section 6.8).
    pub(crate) fn is_fresh(&self) -> bool {
        self.state().fresh
    }

    fn hear(&self) {
        let mut state = self.state();
        state.fresh = false;
        if state.stays.is_empty() && state.heard.is_none() {
            state.heard = Some(Instant::now());
        }
    }

    /// The state is whole between any two statements, so a panic elsewhere spoils nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An exchange on a connection.
#[derive(Debug)]
pub(crate) struct Stay {
    life: Arc<Life>,
    number: u64,
}

impl Stay {
    /// Says when the exchange must be over. The connection ends with it if it is not.
    pub(crate) fn until(&self, due: Instant) {
        let mut state = self.life.state();
        state.stays.insert(self.number, Some(due));
        if due < state.armed {
            self.life.sooner.notify_one();
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut state = self.life.state();
        state.stays.remove(&self.number);
        state.since = Instant::now();
    }
}

/// A connection's bytes, listened to for the beginning of a head.
pub(crate) struct Heard<S> {
    pub(crate) stream: S,
    pub(crate) life: Arc<Life>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            this.life.hear();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Life, Over, Patience};
    use std::time::Duration;
    use tokio::time::Instant;

    const PATIENCE: Patience = Patience { head: Duration::from_secs(10), idle: Duration::from_secs(120) };

    #[tokio::test(start_paused = true)]
    async fn a_head_that_never_comes_and_a_connection_that_rests_end_in_their_own_time() {
        let began = Instant::now();
        assert_eq!(Life::begin(PATIENCE, true).over().await, Over::Head);
        assert_eq!(began.elapsed().as_secs(), 10);
        let rests = Life::begin(PATIENCE, true);
        drop(rests.stay());
        assert_eq!(rests.over().await, Over::Idle);
        assert_eq!(began.elapsed().as_secs(), 130);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_begins_while_the_connection_rests_is_due_from_its_first_byte() {
        let life = Life::begin(PATIENCE, false);
        let began = Instant::now();
        let over = tokio::spawn({
            let life = life.clone();
            async move { life.over().await }
        });
        tokio::time::sleep(Duration::from_secs(13)).await;
        life.hear();
        tokio::time::sleep(Duration::from_secs(4)).await;
        life.hear();
        assert_eq!(over.await.unwrap(), Over::Head);
        assert_eq!(began.elapsed().as_secs(), 23);
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_keeps_its_connection_until_it_is_due_and_no_longer() {
        let life = Life::begin(PATIENCE, true);
        let (long, short) = (life.stay(), life.stay());
        let began = Instant::now();
        let over = tokio::spawn({
            let life = life.clone();
            async move { life.over().await }
        });
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert!(!over.is_finished(), "no one has said when they must be over");
        long.until(Instant::now() + Duration::from_secs(50));
        short.until(Instant::now() + Duration::from_secs(3));
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(short);
        assert_eq!(over.await.unwrap(), Over::Overdue);
        assert_eq!(began.elapsed().as_secs(), 650);
    }
}
