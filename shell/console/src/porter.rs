//! The porter: who comes in at the console and who does not, told once and within bounds.
//!
//! ```text
//! sign-in, token, page ─> let in ──> one entry for a session, or for a token in twelve hours ─┐
//!                      └> turned away ─> the first few of a source ───────────────────────────┼─> the record
//!                                     └> the others, as numbers, when the window is over ──────┘
//! ```
//!
//! IEC 62443-3-3 SR 2.8 wants both on record, SR 1.11 the failures. Anybody who reaches the console can fail as often as they like,
//! so what they may write into the ledger has a bound, whatever their number: see [`ALL`] and [`KEYS`].

use crate::control::Person;
use crate::session::LONGEST;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long failures are counted before those without an entry of their own are told as numbers.
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// Failures of one source for one reason that are told one by one in a window: noise of one kind hides no other.
const EACH: u32 = 5;
/// Failures of all sources that are.
const ALL: u32 = 40;
/// Sources with a reason that are kept apart in a window; beyond, only reasons are.
const KEYS: usize = 64;
/// Tokens that are remembered by who bears them and from where; the one that was told first makes room.
const TOKENS: usize = 256;
/// How far back [`Porter::lately`] looks.
const LATELY: Duration = Duration::from_secs(15 * 60);
/// In slots of this.
const SLOT: Duration = Duration::from_secs(60);

/// Why somebody was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A one-time link that nobody has drawn.
    LinkUnknown,
    /// One that somebody has followed before.
    LinkUsed,
    /// One that was not followed in time.
    LinkExpired,
    /// A token that nobody issued.
    TokenUnknown,
    /// One whose time is over.
    TokenExpired,
    /// One that was revoked.
    TokenRevoked,
    /// A way back from the issuer that did not begin in that browser, or is over.
    TripUnknown,
    /// The issuer vouches for nobody, or not for this sign-in.
    IssuerRefused,
    /// The issuer cannot be asked.
    IssuerUnavailable,
    /// Somebody who is known, and to whom the plant gives no role.
    NoRole,
    /// Somebody whose roles do not have the right.
    RightMissing,
    /// A request of a browser that comes from no page of the console.
    CrossSite,
}

impl Why {
    /// Its name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LinkUnknown => "link-unknown",
            Self::LinkUsed => "link-used",
            Self::LinkExpired => "link-expired",
            Self::TokenUnknown => "token-unknown",
            Self::TokenExpired => "token-expired",
            Self::TokenRevoked => "token-revoked",
            Self::TripUnknown => "trip-unknown",
            Self::IssuerRefused => "issuer-refused",
            Self::IssuerUnavailable => "issuer-unavailable",
            Self::NoRole => "no-role",
            Self::RightMissing => "right-missing",
            Self::CrossSite => "cross-site",
        }
    }
}

/// Somebody who shows what does not let them in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barred {
    /// Why not.
    pub why: Why,
    /// Whose it is, if that is proved all the same.
    pub whose: Option<Person>,
}

impl From<Why> for Barred {
    fn from(why: Why) -> Self {
        Self { why, whose: None }
    }
}

/// Something that the porter tells, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// What happened.
    pub what: Passage,
    /// Who, as far as that is proved.
    pub person: Option<Person>,
    /// The address that they come from. Of several it is that of their network; nothing, if they come from more than are kept apart.
    pub peer: Option<IpAddr>,
    /// How often, where it is told as a number.
    pub times: Option<u64>,
}

/// What happened at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Somebody came in.
    SignedIn,
    /// Somebody left.
    SignedOut,
    /// Somebody was turned away.
    Refused(Why),
}

/// Remembers who came.
pub(crate) struct Porter(Mutex<Book>);

#[derive(Default)]
struct Book {
    /// When the window began in which failures are counted.
    began: Option<Instant>,
    /// How many of each source and reason, and of all, were told one by one in it.
    told: BTreeMap<(Option<IpAddr>, Why), u32>,
    all: u32,
    /// How many were not.
    left: BTreeMap<(Option<IpAddr>, Why), u64>,
    /// When whose token was told of.
    tokens: BTreeMap<(String, Option<IpAddr>), Instant>,
    /// Failures of the last minutes, the newest at the end: when a slot began, and how many.
    lately: VecDeque<(Instant, u64)>,
}

impl Porter {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// What is to be told of somebody who was turned away, if not as a number later.
    pub(crate) fn bars(&self, barred: Barred, peer: Option<IpAddr>, now: Instant) -> Option<Visit> {
        let Barred { why, whose: person } = barred;
        let mut book = self.book();
        book.count(now);
        book.began.get_or_insert(now);
        let key = (peer.map(network), why);
        let known = book.told.contains_key(&key) || book.told.len() < KEYS;
        let told = book.told.get(&key).copied().unwrap_or(0);
        if known && told < EACH {
            book.told.insert(key, told + 1);
            if book.all < ALL {
                book.all += 1;
                return Some(Visit { what: Passage::Refused(why), person, peer, times: None });
            }
        }
        let left = book.left.entry(if known { key } else { (None, why) }).or_default();
        *left = left.saturating_add(1);
        None
    }

    /// What is to be told of somebody who bears a token that counts: once in as long as a session lasts.
    pub(crate) fn admits(&self, person: &Person, peer: Option<IpAddr>, now: Instant) -> Option<Visit> {
        let mut book = self.book();
        let key = (person.told(), peer.map(network));
        if book.tokens.get(&key).is_some_and(|then| now.saturating_duration_since(*then) < LONGEST) {
            return None;
        }
        book.tokens.retain(|_, then| now.saturating_duration_since(*then) < LONGEST);
        if book.tokens.len() >= TOKENS
            && let Some(oldest) = book.tokens.iter().min_by_key(|(_, then)| **then).map(|(key, _)| key.clone())
        {
            book.tokens.remove(&oldest);
        }
        book.tokens.insert(key, now);
        Some(Visit { what: Passage::SignedIn, person: Some(person.clone()), peer, times: None })
    }

    /// What is to be told as numbers: once the window is over, or now, if nobody will ask again.
    pub(crate) fn sum(&self, now: Instant, last: bool) -> Vec<Visit> {
        let mut book = self.book();
        let over = book.began.is_some_and(|began| now.saturating_duration_since(began) >= WINDOW);
        if !over && !last {
            return Vec::new();
        }
        (book.began, book.all) = (None, 0);
        book.told.clear();
        let left = std::mem::take(&mut book.left);
        let sum = |((peer, why), times)| Visit { what: Passage::Refused(why), person: None, peer, times: Some(times) };
        left.into_iter().map(sum).collect()
    }

    /// How many were turned away in the last quarter of an hour.
    pub(crate) fn lately(&self, now: Instant) -> u64 {
        let book = self.book();
        let recent = book.lately.iter().filter(|(since, _)| now.saturating_duration_since(*since) < LATELY);
        recent.map(|(_, count)| *count).sum()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic under this lock leaves whole entries.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn count(&mut self, now: Instant) {
        self.lately.retain(|(since, _)| now.saturating_duration_since(*since) < LATELY);
        match self.lately.back_mut() {
            Some((since, count)) if now.saturating_duration_since(*since) < SLOT => *count = count.saturating_add(1),
            _ => self.lately.push_back((now, 1)),
        }
    }
}

/// What counts as one source: an address of IPv4, or the 64 bits that a host of IPv6 does not choose itself.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, EACH, KEYS, Passage, Porter, TOKENS, WINDOW, Why};
    use crate::session::{LONGEST, owner};
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_first_few_of_a_source_are_told_and_the_others_as_a_number() {
        let (porter, now) = (Porter::new(), Instant::now());
        let told = |peer: &str| porter.bars(Why::TokenUnknown.into(), from(peer), now).is_some();
        assert_eq!((0..30).filter(|_| told("10.0.0.1")).count(), EACH as usize);
        assert!(told("10.0.0.2"), "who is quiet is told of beside who is not");
        assert!(porter.bars(Why::LinkUsed.into(), from("10.0.0.1"), now).is_some(), "and what is something else");
        assert_eq!(porter.sum(now + WINDOW - Duration::from_secs(1), false), []);
        let [sum] = porter.sum(now + WINDOW, false).try_into().unwrap();
        assert_eq!((sum.what, sum.peer, sum.times), (Passage::Refused(Why::TokenUnknown), from("10.0.0.1"), Some(25)));
        assert!(told("10.0.0.1"), "a new window");
        assert_eq!(porter.sum(now + WINDOW, true), []);
    }

    #[test]
    fn hosts_of_one_network_are_one_source_and_many_networks_fill_nothing() {
        let (porter, now) = (Porter::new(), Instant::now());
        let hosts = (0..100).filter(|host| {
            let peer = from(&format!("2001:db8::{host:x}"));
            porter.bars(Why::LinkUnknown.into(), peer, now).is_some()
        });
        assert_eq!(hosts.count(), EACH as usize);
        for net in 0..20_000_u32 {
            let peer = from(&format!("2001:db8:{:x}:{:x}::1", net >> 16, net & 0xffff));
            for why in [Why::TokenUnknown, Why::LinkUnknown] {
                let _ = porter.bars(why.into(), peer, now);
            }
        }
        let book = porter.0.lock().unwrap();
        assert!(book.all <= ALL && book.told.len() <= KEYS);
        drop(book);
        let sums = porter.sum(now, true);
        assert!(sums.len() <= KEYS + 2, "{}", sums.len());
        let count: u64 = sums.iter().filter_map(|one| one.times).sum();
        assert_eq!(count + u64::from(ALL), 100 + 40_000);
        assert!(sums.iter().any(|one| one.peer.is_none()));
    }

    #[test]
    fn a_token_is_told_of_once_in_as_long_as_a_session_lasts() {
        let (porter, now) = (Porter::new(), Instant::now());
        let told = |peer: &str, at: Instant| porter.admits(&owner(), from(peer), at).is_some();
        assert_eq!([told("10.0.0.1", now), told("10.0.0.1", now), told("10.0.0.2", now)], [true, false, true]);
        assert!(!told("10.0.0.1", now + LONGEST - Duration::from_secs(1)));
        assert!(told("10.0.0.1", now + LONGEST));
        for host in 0..1_000 {
            told(&format!("10.1.{}.{}", host / 250, host % 250), now);
        }
        assert!(porter.0.lock().unwrap().tokens.len() <= TOKENS);
    }

    #[test]
    fn what_was_lately_goes_by() {
        let (porter, now) = (Porter::new(), Instant::now());
        for second in 0..100 {
            let _ = porter.bars(Why::CrossSite.into(), from("10.0.0.1"), now + Duration::from_secs(second));
        }
        assert_eq!(porter.lately(now + Duration::from_secs(100)), 100);
        assert_eq!(porter.lately(now + Duration::from_secs(15 * 60 + 30)), 40);
        assert_eq!(porter.lately(now + Duration::from_secs(3600)), 0);
    }
}
