//! Who is signed in. A session is known by 256 random bits in a cookie; here is only their hash, in memory: a restart ends all.
//!
//! ```text
//! one-time link, issuer ─> a new id, always ─> cookie ─> person ─> idle, too old, signed out, other terms: over
//! ```

use crate::control::Person;
use crate::entrance::Entrance;
use crate::porter::{Barred, Why};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a session lasts in which nobody does anything.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long it lasts at most: a long shift.
pub(crate) const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// How long a one-time link may be followed.
pub(crate) const LINK: Duration = Duration::from_secs(15 * 60);
/// Most sessions; the one that was idle longest makes room.
const MOST: usize = 256;
/// How long it is known what became of one.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Most links; the oldest that somebody has followed makes room, or else the oldest.
const MOST_LINKS: usize = 64;

/// The system gives no random bytes.
#[derive(Debug)]
pub(crate) struct NoRandom;

type Hash = [u8; 32];

struct Session {
    person: Person,
    epoch: u64,
    began: Instant,
    seen: Instant,
}

impl Session {
    fn over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) >= IDLE || now.saturating_duration_since(self.began) >= LONGEST
    }
}

struct Link {
    person: Person,
    since: Instant,
    /// Kept until its time is over: who follows it again may have read it where they should not.
    used: bool,
}

#[derive(Default)]
struct Kept {
    sessions: BTreeMap<Hash, Session>,
    links: BTreeMap<Hash, Link>,
}

/// Everybody who is signed in, and the links by which somebody may.
pub(crate) struct Sessions {
    entrance: Arc<dyn Entrance>,
    kept: Mutex<Kept>,
}

/// Text that nobody can guess: 256 random bits in hexadecimal.
pub(crate) fn drawn() -> Result<String, NoRandom> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(hex(&bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sessions {
    pub(crate) fn new(entrance: Arc<dyn Entrance>) -> Self {
        Self { entrance, kept: Mutex::default() }
    }

    /// Begins a session under a new id; the one that the browser had before is over.
    pub(crate) fn begin(&self, person: Person, before: Option<&str>, now: Instant) -> Result<String, NoRandom> {
        let id = drawn()?;
        let epoch = self.entrance.terms().epoch;
        let mut kept = self.kept();
        if let Some(before) = before {
            kept.sessions.remove(&self.hash(before));
        }
        kept.sessions.retain(|_, session| !session.over(now));
        if kept.sessions.len() >= MOST
            && let Some(oldest) = kept.sessions.iter().min_by_key(|(_, session)| session.seen).map(|(hash, _)| *hash)
        {
            kept.sessions.remove(&oldest);
        }
        kept.sessions.insert(self.hash(&id), Session { person, epoch, began: now, seen: now });
        Ok(id)
    }

    /// Whose session this is. Whoever `acts` keeps it from becoming idle; what a page asks by itself does not.
    pub(crate) fn find(&self, id: &str, acts: bool, now: Instant) -> Option<Person> {
        let (hash, epoch) = (self.hash(id), self.entrance.terms().epoch);
        let mut kept = self.kept();
        let session = kept.sessions.get_mut(&hash)?;
        if session.over(now) || session.epoch != epoch {
            kept.sessions.remove(&hash);
            return None;
        }
        if acts {
            session.seen = now;
        }
        Some(session.person.clone())
    }

    /// Ends a session; says whose it was.
    pub(crate) fn end(&self, id: &str) -> Option<Person> {
        self.kept().sessions.remove(&self.hash(id)).map(|session| session.person)
    }

    /// What a page of this session has to show when it changes something. It does not tell the id.
    pub(crate) fn token(&self, id: &str) -> String {
        hex(&self.entrance.digest(format!("penstock console token\n{id}").as_bytes()))
    }

    /// Draws the secret of a one-time link.
    pub(crate) fn link(&self, person: Person, now: Instant) -> Result<String, NoRandom> {
        let secret = drawn()?;
        let mut kept = self.kept();
        kept.links.retain(|_, link| now.saturating_duration_since(link.since) < REMEMBERED);
        if kept.links.len() >= MOST_LINKS
            && let Some(oldest) =
                kept.links.iter().min_by_key(|(_, link)| (!link.used, link.since)).map(|(hash, _)| *hash)
        {
            kept.links.remove(&oldest);
        }
        kept.links.insert(self.hash(&secret), Link { person, since: now, used: false });
        Ok(secret)
    }

    /// Who comes by a link. Nobody comes by it again.
    pub(crate) fn follow(&self, secret: &str, now: Instant) -> Result<Person, Barred> {
        let hash = self.hash(secret);
        let mut kept = self.kept();
        let link = kept.links.get_mut(&hash).ok_or(Why::LinkUnknown)?;
        let person = link.person.clone();
        let late = now.saturating_duration_since(link.since) >= LINK;
        match (std::mem::replace(&mut link.used, true), late) {
            (true, _) => Err(Barred { why: Why::LinkUsed, whose: Some(person) }),
            (false, true) => Err(Barred { why: Why::LinkExpired, whose: Some(person) }),
            (false, false) => Ok(person),
        }
    }

    fn hash(&self, secret: &str) -> Hash {
        self.entrance.digest(secret.as_bytes())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic under this lock leaves whole entries.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gateway's own user at its own machine, who may do everything there anyway.
pub(crate) fn owner() -> Person {
    Person::of_machine(rustix::process::geteuid().as_raw(), "link")
}

#[cfg(test)]
mod tests {
    use super::{IDLE, LINK, LONGEST, MOST, Sessions, owner};
    use crate::porter::{Barred, Why};
    use crate::tests::Doors;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    fn sessions() -> (Sessions, Arc<Doors>) {
        let doors = Arc::new(Doors::default());
        (Sessions::new(Arc::clone(&doors) as Arc<_>), doors)
    }

    #[test]
    fn a_session_ends_when_it_is_idle_or_too_old_and_what_a_page_asks_does_not_keep_it() {
        let (sessions, _) = sessions();
        let start = Instant::now();
        let id = sessions.begin(owner(), None, start).unwrap();
        assert!(sessions.find(&id, false, start + IDLE / 2).is_some());
        assert!(sessions.find(&id, false, start + IDLE).is_none());
        let id = sessions.begin(owner(), None, start).unwrap();
        let mut now = start;
        while now < start + LONGEST {
            assert!(sessions.find(&id, true, now).is_some());
            now += IDLE / 2;
        }
        assert!(sessions.find(&id, true, now).is_none());
    }

    #[test]
    fn signing_in_always_gives_another_id_and_ends_the_one_before() {
        let (sessions, _) = sessions();
        let now = Instant::now();
        let first = sessions.begin(owner(), Some("an id that somebody planted"), now).unwrap();
        let second = sessions.begin(owner(), Some(&first), now).unwrap();
        assert_ne!(first, second);
        assert!(sessions.find("an id that somebody planted", true, now).is_none());
        assert!(sessions.find(&first, true, now).is_none());
        assert!(sessions.find(&second, true, now).is_some());
        assert_ne!(sessions.token(&first), sessions.token(&second));
        assert_eq!(sessions.end(&second), Some(owner()));
        assert!(sessions.find(&second, true, now).is_none());
    }

    #[test]
    fn other_terms_end_every_session() {
        let (sessions, doors) = sessions();
        let id = sessions.begin(owner(), None, Instant::now()).unwrap();
        doors.epoch.store(2, Ordering::Relaxed);
        assert!(sessions.find(&id, true, Instant::now()).is_none());
    }

    #[test]
    fn there_is_room_for_so_many_and_who_was_idle_longest_goes() {
        let (sessions, _) = sessions();
        let start = Instant::now();
        let ids: Vec<_> = (0..=MOST as u64)
            .map(|second| sessions.begin(owner(), None, start + Duration::from_millis(second)).unwrap())
            .collect();
        assert!(sessions.find(&ids[0], false, start).is_none());
        assert!(ids[1..].iter().all(|id| sessions.find(id, false, start).is_some()));
    }

    #[test]
    fn a_link_is_followed_once_and_in_time() {
        let (sessions, _) = sessions();
        let start = Instant::now();
        let link = sessions.link(owner(), start).unwrap();
        let barred = |why| Err(Barred { why, whose: Some(owner()) });
        assert_eq!(sessions.follow("another", start), Err(Why::LinkUnknown.into()));
        assert_eq!(sessions.follow(&link, start), Ok(owner()));
        assert_eq!(sessions.follow(&link, start), barred(Why::LinkUsed));
        let late = sessions.link(owner(), start).unwrap();
        assert_eq!(sessions.follow(&late, start + LINK), barred(Why::LinkExpired));
        assert_eq!(sessions.follow(&late, start), barred(Why::LinkUsed));
    }
}
