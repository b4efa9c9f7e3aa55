//! The system's clock beside those of the plant's time servers: how far its time may be off.
//!
//! Whoever keeps the machine's time (`chronyd`, `systemd-timesyncd`) is not asked: it may be wrong, or stopped. A thread of
//! its own asks each server about once a minute. Nothing is ever set; what comes of it stands in `clk.bound` of records.

use super::sntp::{Answer, PACKET, question};
use super::{Clock, Reading, System};
use plant::Millis;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often servers are asked: at most what public ones bear (RFC 4330 section 10).
const EVERY: Duration = Duration::from_secs(64);
/// How long an answer may take. One that took a second would say little.
const PATIENCE: Duration = Duration::from_secs(1);
/// How much a machine's clock that nobody keeps may drift, in parts per million: what the kernel assumes too.
const DRIFT: u64 = 500;

/// The clocks of the operating system, compared with servers.
#[derive(Debug)]
pub struct Compared {
    known: Arc<Known>,
    /// Ends the thread when it goes.
    _stop: Sender<()>,
}

/// What each server said last.
type Known = Mutex<Vec<Option<Mark>>>;

/// The time by a server at a moment of the time since the machine started.
#[derive(Clone, Copy, Debug)]
struct Mark {
    mono: u64,
    answer: Answer,
}

impl Mark {
    /// How far the wall clock may be off at this moment, in microseconds. A clock that was set since shows at once.
    fn bound(&self, at: &Reading) -> u64 {
        let since = at.mono.saturating_sub(self.mono);
        let by_server = self.answer.time.saturating_add(since);
        let apart = at.time.0.saturating_mul(1000).abs_diff(by_server);
        let drift = since.saturating_mul(DRIFT).div_ceil(1_000_000);
        // A millisecond is as exactly as a record says its time.
        apart.saturating_add(self.answer.within).saturating_add(drift).saturating_add(1000)
    }
}

impl Compared {
    /// Begins to ask these servers, each a name or address and a port. With none, no bound is ever known.
    #[must_use]
    pub fn with(servers: Vec<(String, u16)>) -> Self {
        let known = Arc::new(Mutex::new(vec![None; servers.len()]));
        let (stop, stopped) = channel();
        if !servers.is_empty() {
            let known = Arc::clone(&known);
            let asking = move || ask_on(&servers, &known, &stopped);
            if let Err(error) = std::thread::Builder::new().name("ledger-time".to_owned()).spawn(asking) {
                tracing::warn!(%error, "time servers cannot be asked: records will not say how far the clock may be off");
            }
        }
        Self { known, _stop: stop }
    }
}

impl Clock for Compared {
    fn read(&self) -> Reading {
        System.read()
    }

    fn boot(&self) -> String {
        System.boot()
    }

    fn source(&self) -> String {
        System.source()
    }

    /// The largest of what the servers give: one that is wrong, or lies, can make it larger and never smaller.
    fn bound(&self, at: &Reading) -> Option<u64> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().flatten().map(|mark| mark.bound(at).div_ceil(1000)).max()
    }
}

/// Asks every server, again and again, until nobody wants to know any more.
fn ask_on(servers: &[(String, u16)], known: &Known, stopped: &Receiver<()>) {
    let mut silent = vec![false; servers.len()];
    loop {
        for (place, (host, port)) in servers.iter().enumerate() {
            let asked = ask(host, *port);
            let fails = asked.is_err();
            match (&asked, silent.get(place)) {
                (Err(error), Some(false)) => tracing::warn!(server = %host, %error, "a time server does not answer"),
                (Ok(_), Some(true)) => tracing::info!(server = %host, "a time server answers again"),
                _ => {}
            }
            silent.get_mut(place).into_iter().for_each(|silent| *silent = fails);
            if let Ok(mark) = asked {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                known.get_mut(place).into_iter().for_each(|known| *known = Some(mark));
            }
        }
        if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Why a server said nothing that can be used.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("it has no address")]
    Unknown,
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("it says that it does not know the time, or something else than was asked")]
    Nothing,
}

fn ask(host: &str, port: u16) -> Result<Mark, Silence> {
    let server = (host, port).to_socket_addrs()?.next().ok_or(Silence::Unknown)?;
    let own: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own)?;
    socket.connect(server)?;
    let mut cookie = [0; 8];
    getrandom::fill(&mut cookie).map_err(|_| Silence::Nothing)?;
    let begin = Instant::now();
    socket.send(&question(cookie))?;
    let mut packet = [0; 2 * PACKET];
    // What answers another question does not end the wait for ours.
    while let Some(left) = PATIENCE.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) {
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut packet)?;
        let at = System.read();
        let waited = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        let answer = Answer::read(packet.get(..length).unwrap_or_default(), cookie, waited, Millis(at.time.0));
        if let Some(answer) = answer {
            return Ok(Mark { mono: at.mono, answer });
        }
    }
    Err(Silence::Nothing)
}

#[cfg(test)]
mod tests {
    use super::super::sntp::tests::answer;
    use super::{Answer, Clock, Compared, Mark, Reading};
    use crate::clock::System;
    use plant::Millis;
    use std::net::UdpSocket;

    #[test]
    fn the_bound_grows_with_time_and_shows_a_clock_that_was_set() {
        let mark = Mark { mono: 1_000_000, answer: Answer { time: 5_000_000_000, within: 2000 } };
        let bound = |time: u64, mono: u64| mark.bound(&Reading { time: Millis(time), mono });
        assert_eq!(bound(5_000_000, 1_000_000), 3000);
        assert_eq!(bound(5_000_010, 1_000_000), 13_000, "10 ms ahead");
        assert_eq!(bound(5_100_000, 101_000_000), 3000 + 50_000, "100 s later");
        assert_eq!(bound(4_999_000, 1_000_000), 1_003_000, "set back by a second");
        assert_eq!(bound(8_605_000, 6_000_000), 3_603_000_000 - 3_000_000 + 2_500 + 3000, "set forward by an hour");
    }

    /// A server whose clock goes wrong by so many milliseconds.
    fn server(ahead: u64) -> u16 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut packet = [0; 100];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                assert_eq!(length, 48);
                let cookie = packet[40..48].try_into().unwrap();
                let now = (System.read().time.0 + ahead) * 1000;
                // An answer to nobody's question, a cut one, and the right one.
                for answer in
                    [&answer([9; 8], now, now)[..], &answer(cookie, now, now)[..40], &answer(cookie, now, now)]
                {
                    socket.send_to(answer, from).unwrap();
                }
            }
        });
        port
    }

    fn compared(servers: &[u16]) -> u64 {
        let clock = Compared::with(servers.iter().map(|port| ("127.0.0.1".to_owned(), *port)).collect());
        loop {
            let all = clock.known.lock().unwrap().iter().all(Option::is_some);
            if all {
                return clock.bound(&clock.read()).unwrap();
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_server_that_is_an_hour_ahead_says_so_and_one_that_agrees_does_not_take_it_back() {
        // The scripted servers are exact to 0.1875 s by their own word.
        let bound = compared(&[server(0)]);
        assert!((187..3_000_000).contains(&bound), "{bound}");
        let bound = compared(&[server(3_600_000), server(0)]);
        assert!((3_600_000..7_200_000).contains(&bound), "{bound}");
    }

    #[test]
    fn without_servers_nothing_is_known() {
        let clock = Compared::with(Vec::new());
        assert_eq!(clock.bound(&clock.read()), None);
    }
}
