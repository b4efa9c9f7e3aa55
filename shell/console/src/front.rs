//! The console's front of house: what browsers need beside the API, shared by everybody who is served.
//!
//! ```text
//! GET /             the page        GET /sign-in    to the issuer
//! GET /files/...    its files       GET /signed-in  back from it, with a session
//! ```

use crate::control::{Control, Fault, Person};
use crate::cookie::Cookie;
use crate::entrance::{Arrival, Entrance};
use crate::pages::Pages;
use crate::porter::{Barred, Passage, Porter, Visit, Why};
use crate::problem::{Problem, Reply, with};
use crate::pulse::Pulse;
use crate::query::Query;
use crate::session::{LINK, NoRandom, Sessions};
use crate::trips::Trips;
use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue, LOCATION, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Most consoles that follow live at a time.
const WATCHERS: usize = 32;
/// How often it is looked whether there is something to tell as a number.
const SUMS: Duration = Duration::from_secs(5);
/// Where the issuer sends browsers back to.
const BACK: &str = "/signed-in";
/// What a page says that it has read from its session, when it changes something.
const TOKEN: HeaderName = HeaderName::from_static("penstock-console-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where browsers reach the console.
struct Place {
    /// Scheme, host and port.
    origin: String,
    session: Cookie,
    trip: Cookie,
}

/// What everybody who is served shares.
pub(crate) struct Front {
    pub(crate) entrance: Arc<dyn Entrance>,
    pub(crate) sessions: Sessions,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) watchers: Arc<Semaphore>,
    porter: Arc<Porter>,
    trips: Trips,
    pages: Pages,
    /// There once it is listened beyond the machine's own socket.
    place: OnceLock<Place>,
}

/// A session, as a request shows it.
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) person: Person,
}

impl From<NoRandom> for Problem {
    fn from(_: NoRandom) -> Self {
        Self::Fault(Fault::Unavailable("the system gives no random bytes".to_owned()))
    }
}

impl Front {
    pub(crate) fn new(control: Arc<dyn Control>, entrance: Arc<dyn Entrance>) -> Self {
        let porter = Arc::new(Porter::new());
        Self {
            sessions: Sessions::new(Arc::clone(&entrance)),
            pulse: Pulse::new(control, Arc::clone(&porter)),
            porter,
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            trips: Trips::default(),
            pages: Pages::new(|bytes| entrance.digest(bytes)),
            place: OnceLock::new(),
            entrance,
        }
    }

    /// Says where browsers reach it: by `url` if there is one, else by the address that is listened on.
    pub(crate) fn open(&self, url: Option<&str>, address: SocketAddr, secure: bool) {
        let scheme = if secure { "https" } else { "http" };
        let host =
            if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
        let origin = url.map_or_else(|| format!("{scheme}://{host}"), str::to_owned);
        // What counts is what the browser sees, which a proxy in front may have given TLS.
        let secure = origin.starts_with("https://");
        let port = address.port();
        let (session, trip) = (Cookie::session(secure, port), Cookie::trip(secure, port));
        let _ = self.place.set(Place { origin, session, trip });
    }

    /// A one-time link for somebody, and for how many seconds it is good.
    pub(crate) fn link(&self, person: Person) -> Result<(String, u64), Problem> {
        let none = || Problem::Unfit("this gateway has no console: say where it listens, in `[console]`".to_owned());
        let origin = &self.place.get().ok_or_else(none)?.origin;
        let secret = self.sessions.link(person, Instant::now())?;
        // Behind the fragment sign, so that no server, proxy or log on the way ever sees it.
        Ok((format!("{origin}/#link={secret}"), LINK.as_secs()))
    }

    /// What is no address of the API.
    pub(crate) async fn page(&self, head: &Parts, peer: Option<IpAddr>) -> Result<Reply, Problem> {
        let Some(place) = self.place.get() else { return Err(Problem::NoRoute) };
        let path = head.uri.path();
        let page = self.pages.find(path, &head.headers);
        if page.is_none() && path != "/sign-in" && path != BACK {
            return Err(Problem::NoRoute);
        }
        if head.method != Method::GET && head.method != Method::HEAD {
            return Err(Problem::Method("GET, HEAD"));
        }
        match page {
            Some(page) => Ok(page),
            None if head.method == Method::HEAD => Ok(with(StatusCode::OK, "text/plain", Bytes::new())),
            None if path == BACK => Ok(self.arrive(place, head, peer).await),
            None => self.leave(place, peer).await,
        }
    }

    /// Sends a browser to the issuer.
    async fn leave(&self, place: &Place, peer: Option<IpAddr>) -> Result<Reply, Problem> {
        let (id, trip) = self.trips.begin(format!("{}{BACK}", place.origin), Instant::now())?;
        match self.entrance.leave(&trip).await {
            Ok(address) => Ok(redirect(&address, [place.trip.set(&id)])),
            Err(problem) => {
                tracing::warn!(%problem, "console: nobody can be sent to the issuer");
                self.bar(Why::IssuerUnavailable.into(), peer);
                Ok(redirect("/#sign-in-failed", [None]))
            }
        }
    }

    /// Takes a browser that comes back. It is led to the front page whatever comes of it, and told no more than whether it worked.
    async fn arrive(&self, place: &Place, head: &Parts, peer: Option<IpAddr>) -> Reply {
        match self.arrived(place, head, peer).await {
            Ok(session) => redirect("/", [place.session.set(&session), place.trip.unset()]),
            Err((why, problem)) => {
                tracing::warn!(problem, "console: a sign-in at the issuer came to nothing");
                self.bar(why.into(), peer);
                redirect("/#sign-in-failed", [None, place.trip.unset()])
            }
        }
    }

    async fn arrived(&self, place: &Place, head: &Parts, peer: Option<IpAddr>) -> Result<String, (Why, String)> {
        let astray = |why: &str| (Why::TripUnknown, why.to_owned());
        let query = Query::read(head.uri.query().unwrap_or_default());
        let query = query.ok_or_else(|| astray("what it brings cannot be read"))?;
        let state = query.one("state").ok_or_else(|| astray("it brings no state"))?;
        let id = place.trip.of(&head.headers).ok_or_else(|| astray("it began in another browser"))?;
        let trip = self.trips.end(id, &state, Instant::now());
        let trip = trip.ok_or_else(|| astray("it began elsewhere, is over, or has another state"))?;
        let code = query.one("code").ok_or_else(|| (Why::IssuerRefused, "the issuer gave no code".to_owned()))?;
        let arrival = Arrival { code, issuer: query.one("iss") };
        let person = self.entrance.arrive(&trip, arrival).await.map_err(|problem| match problem {
            Fault::Unavailable(_) => (Why::IssuerUnavailable, problem.to_string()),
            _ => (Why::IssuerRefused, problem.to_string()),
        })?;
        let before = place.session.of(&head.headers);
        let session = self.sessions.begin(person.clone(), before, Instant::now());
        let session = session.map_err(|_| (Why::IssuerUnavailable, "the system gives no random bytes".to_owned()))?;
        if person.roles.is_empty() {
            self.bar(Barred { why: Why::NoRole, whose: Some(person) }, peer);
        } else {
            self.tell(Passage::SignedIn, &person, peer);
        }
        Ok(session)
    }

    /// Tells of somebody who was turned away, within the porter's bounds.
    pub(crate) fn bar(&self, barred: Barred, peer: Option<IpAddr>) {
        self.porter.bars(barred, peer, Instant::now()).into_iter().for_each(|visit| self.entrance.note(visit));
    }

    /// Tells of somebody who bears a token that counts, if that is news.
    pub(crate) fn admit(&self, person: &Person, peer: Option<IpAddr>) {
        self.porter.admits(person, peer, Instant::now()).into_iter().for_each(|visit| self.entrance.note(visit));
    }

    fn tell(&self, what: Passage, person: &Person, peer: Option<IpAddr>) {
        self.entrance.note(Visit { what, person: Some(person.clone()), peer, times: None });
    }

    /// Tells as numbers of whom nothing else was told, once a window; and when the console stops.
    pub(crate) async fn sum_up(self: Arc<Self>, stopping: CancellationToken) {
        let mut looks = tokio::time::interval(SUMS);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let last = tokio::select! {
                _ = looks.tick() => false,
                () = stopping.cancelled() => true,
            };
            self.porter.sum(Instant::now(), last).into_iter().for_each(|visit| self.entrance.note(visit));
            if last {
                return;
            }
        }
    }

    /// Signs in who brings a one-time link; gives the cookie.
    pub(crate) fn follow(
        &self,
        headers: &HeaderMap,
        link: &str,
        peer: Option<IpAddr>,
    ) -> Result<(Shown, HeaderValue), Problem> {
        let place = self.place.get().ok_or(Problem::NoRoute)?;
        own_page(headers)?;
        let person = self.sessions.follow(link, Instant::now())?;
        let id = self.sessions.begin(person.clone(), place.session.of(headers), Instant::now())?;
        let cookie = place.session.set(&id).ok_or(Problem::Stranger)?;
        self.tell(Passage::SignedIn, &person, peer);
        Ok((Shown { id, person }, cookie))
    }

    /// The session that a request shows, if it is one.
    pub(crate) fn session(&self, headers: &HeaderMap, acts: bool) -> Option<Shown> {
        let id = self.place.get()?.session.of(headers)?;
        let person = self.sessions.find(id, acts, Instant::now())?;
        Some(Shown { id: id.to_owned(), person })
    }

    /// Whether who changes something by a session does it from one of the console's own pages.
    pub(crate) fn is_from_own_page(&self, headers: &HeaderMap, session: &Shown) -> Result<(), Problem> {
        own_page(headers)?;
        let token = headers.get(TOKEN).map(HeaderValue::as_bytes).unwrap_or_default();
        let same = self.entrance.digest(token) == self.entrance.digest(self.sessions.token(&session.id).as_bytes());
        if same { Ok(()) } else { Err(Problem::Foreign("the token of the session is missing or another one's")) }
    }

    /// Signs out; gives what takes the cookie back.
    pub(crate) fn leave_for_good(&self, session: &Shown, peer: Option<IpAddr>) -> Option<HeaderValue> {
        if let Some(person) = self.sessions.end(&session.id) {
            self.tell(Passage::SignedOut, &person, peer);
        }
        self.place.get()?.session.unset()
    }
}

/// Browsers say which page a request comes from. It must be one of the host that it goes to.
fn own_page(headers: &HeaderMap) -> Result<(), Problem> {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value.filter(|_| values.next().is_none())
    };
    if headers.contains_key(&FETCH_SITE) && one(&FETCH_SITE) != Some("same-origin") {
        return Err(Problem::Foreign("another site asks"));
    }
    let origin = one(&ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    match (origin, one(&HOST)) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Problem::Foreign("it has no origin, or another one")),
    }
}

fn redirect<const N: usize>(to: &str, cookies: [Option<HeaderValue>; N]) -> Reply {
    let mut reply = with(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    reply.headers_mut().extend(HeaderValue::from_str(to).ok().map(|to| (LOCATION, to)));
    for cookie in cookies.into_iter().flatten() {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::own_page;
    use http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn only_a_page_of_the_same_host_asks_for_itself() {
        let judged = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            own_page(&map).is_ok()
        };
        let (host, origin) = (("host", "gate:9465"), ("origin", "https://gate:9465"));
        assert!(judged(&[host, origin]));
        assert!(judged(&[host, origin, ("sec-fetch-site", "same-origin")]));
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!judged(&[host, origin, ("sec-fetch-site", site)]), "{site}");
        }
        for other in ["https://gate:9466", "https://evil", "null", "", "gate:9465"] {
            assert!(!judged(&[host, ("origin", other)]), "{other}");
        }
        assert!(!judged(&[host]));
        assert!(!judged(&[origin]));
        assert!(!judged(&[host, origin, origin]));
    }
}
