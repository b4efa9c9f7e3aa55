//! One request, from its head to its answer.

use crate::components::Sheet;
use crate::control::{Asked, Control, Decision, Person, Ruling, Wish};
use crate::front::{Front, Shown};
use crate::live;
use crate::oversight;
use crate::pages::harden;
use crate::paths::Form;
use crate::porter::{Barred, Why};
use crate::problem::{Problem, Reply, Turned, with};
use crate::query;
use crate::records;
use crate::repeat::Repeats;
use crate::routes::{self, Act, OPENAPI, Route};
use crate::throttle::Throttle;
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use plant::{Part, RecordId, Right, Role, TokenId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a token may follow events before it has to be shown again.
const FOLLOWED: Duration = Duration::from_secs(15 * 60);
/// Longest body.
const BODY: usize = 64 << 10;
/// Longest draft of a plant.
const DRAFT: usize = 2 << 20;
/// Longest path of one of its files, in characters.
const PATH: usize = 256;
/// Most files of a draft.
const FILES: usize = 64;
/// How much of what is too long is let go by before the answer.
const PASSING: usize = 16 << 20;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest reason, in characters.
const REASON: usize = 500;
/// Longest name of a component, in characters.
pub(crate) const COMPONENT: usize = 600;
/// Longest idempotency key.
const KEY: usize = 128;

const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json; version=1.6";
const IDEMPOTENCY: HeaderName = HeaderName::from_static("idempotency-key");

/// What all requests share.
pub(crate) struct Desk {
    control: Arc<dyn Control>,
    repeats: Repeats,
    throttle: Throttle,
    front: Arc<Front>,
    stopping: CancellationToken,
}

/// What a connection proves of who is at its other end.
pub(crate) struct Caller {
    /// Who sits at the gateway's own machine.
    pub(crate) local: Option<Person>,
    /// The address that they come from.
    pub(crate) peer: Option<IpAddr>,
}

/// Who asks, and by which session, if it is one.
struct Who {
    person: Person,
    session: Option<Shown>,
    /// From where, unless it is the gateway's own machine.
    peer: Option<IpAddr>,
}

/// What is answered: with which status, and what.
pub(crate) type Answered = Result<(StatusCode, Bytes), Problem>;

impl Desk {
    pub(crate) fn new(control: Arc<dyn Control>, front: Arc<Front>, stopping: CancellationToken) -> Self {
        Self { control, repeats: Repeats::default(), throttle: Throttle::new(Instant::now()), front, stopping }
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, caller: &Caller, request: Request<Incoming>) -> Reply {
        let mut reply = match self.reply(caller, request).await {
            Ok(reply) => reply,
            Err(turned) => {
                turned.barred().into_iter().for_each(|barred| self.front.bar(barred, caller.peer));
                turned.problem.reply()
            }
        };
        harden(&mut reply);
        reply
    }

    async fn reply(&self, caller: &Caller, request: Request<Incoming>) -> Result<Reply, Turned> {
        if !self.throttle.admits(Instant::now()) {
            return Err(Problem::Busy.into());
        }
        let (head, body) = request.into_parts();
        if !head.uri.path().starts_with("/api/") {
            return Ok(self.front.page(&head, caller.peer).await?);
        }
        let (route, name) = routes::find(&head.method, head.uri.path())?;
        let Some(right) = route.right else { return self.open(route.act, &head, body, caller.peer).await };
        let acts = route.method != Method::GET || route.act == Act::Hold;
        let who = self.who(caller, &head.headers, acts).await?;
        let by = Some(who.person.clone());
        if !who.person.may(right) {
            return Err(Turned { problem: Problem::Forbidden(right.name()), by });
        }
        self.serve(route, name, who, &head, body).await.map_err(|problem| Turned { problem, by })
    }

    /// Does what is asked, for whoever has the right to it.
    async fn serve(&self, route: &Route, name: &str, who: Who, head: &Parts, body: Incoming) -> Result<Reply, Problem> {
        let looks = route.method == Method::GET;
        if looks && route.act == Act::Events {
            no_query(head)?;
            return self.follow(who);
        }
        if route.act.is_of_records() {
            return records::look(&*self.control, who.person, route.act, name, head).await;
        }
        match route.act {
            Act::Paths => return self.paths(head).await,
            Act::Components => return self.components(head).await,
            _ => {}
        }
        if looks {
            let (status, body) = self.look(route.act, who.person, name, head).await?;
            return Ok(with(status, JSON, body));
        }
        if let Some(session) = &who.session {
            self.front.is_from_own_page(&head.headers, session)?;
        }
        no_query(head)?;
        let (key, person, peer) = (key(&head.headers)?, who.person, who.peer);
        if route.act == Act::Draft {
            // It changes nothing, so it may be asked as often as somebody likes.
            let DraftBody { files } = parse(&read(&head.headers, body, DRAFT).await?)?;
            return self.draft(files).await;
        }
        let body = read(&head.headers, body, BODY).await?;
        if route.act == Act::Declare {
            let ComponentBody { component } = parse(&body)?;
            let (status, body) = json(StatusCode::OK, &self.control.declaration(named(component)?).await?)?;
            return Ok(with(status, JSON, body));
        }
        if route.act == Act::Link {
            return self.link(&person, &body);
        }
        if route.act == Act::Open {
            // Each opening is one of its own, and what was said is not remembered for a repeat.
            return records::open(&*self.control, person, name, &body).await;
        }
        let asked = [head.uri.path().as_bytes(), b"\n", &body].concat().into();
        let new = match self.repeats.take(&person.told(), key, asked)? {
            Ok(new) => new,
            Err(reply) => return Ok(reply),
        };
        let (status, body) = self.change(route.act, person, name, &body, peer).await?;
        Ok(new.answered(status, JSON, body))
    }

    /// What anybody may ask: what the API is, who is signed in, and to be.
    async fn open(&self, act: Act, head: &Parts, body: Incoming, peer: Option<IpAddr>) -> Result<Reply, Turned> {
        match act {
            Act::Describe => Ok(with(StatusCode::OK, JSON, OPENAPI)),
            Act::Session => {
                no_query(head)?;
                let session = self.front.session(&head.headers, true);
                let (status, body) = json(StatusCode::OK, &Session::of(&self.front, session.as_ref()))?;
                Ok(with(status, JSON, body))
            }
            Act::SignIn => {
                no_query(head)?;
                let LinkBody { link } = parse(&read(&head.headers, body, BODY).await?)?;
                let (session, cookie) = self.front.follow(&head.headers, &link, peer)?;
                let (status, body) = json(StatusCode::OK, &Session::of(&self.front, Some(&session)))?;
                let mut reply = with(status, JSON, body);
                reply.headers_mut().insert(SET_COOKIE, cookie);
                Ok(reply)
            }
            _ => {
                let session = self.front.session(&head.headers, true).ok_or(Problem::Stranger)?;
                let by = || Some(session.person.clone());
                let own = self.front.is_from_own_page(&head.headers, &session);
                own.map_err(|problem| Turned { problem, by: by() })?;
                let mut reply = with(StatusCode::NO_CONTENT, JSON, Bytes::new());
                reply
                    .headers_mut()
                    .extend(self.front.leave_for_good(&session, peer).map(|cookie| (SET_COOKIE, cookie)));
                Ok(reply)
            }
        }
    }

    /// Who asks: whoever bears the token, else whoever is signed in, else whoever sits at the machine.
    async fn who(&self, caller: &Caller, headers: &HeaderMap, acts: bool) -> Result<Who, Problem> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return match (&caller.local, self.front.session(headers, acts)) {
                (Some(local), _) => Ok(Who { person: local.clone(), session: None, peer: caller.peer }),
                (None, Some(session)) => {
                    Ok(Who { person: session.person.clone(), session: Some(session), peer: caller.peer })
                }
                (None, None) => Err(Problem::Stranger),
            };
        };
        let token = value.to_str().ok().and_then(|value| value.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match (token, values.next()) {
            (Some((_, token)), None) => {
                let person = self.control.recognise(token.trim()).await?;
                if !person.roles.is_empty() {
                    self.front.admit(&person, caller.peer);
                }
                Ok(Who { person, session: None, peer: caller.peer })
            }
            _ => Err(Barred::from(Why::TokenUnknown).into()),
        }
    }

    fn follow(&self, who: Who) -> Result<Reply, Problem> {
        let (front, since) = (Arc::clone(&self.front), Instant::now());
        let still = move || match &who.session {
            Some(session) => front.sessions.find(&session.id, false, Instant::now()).is_some(),
            None => since.elapsed() < FOLLOWED,
        };
        live::open(&self.front, self.stopping.clone(), still)
    }

    /// Draws a one-time link: for whoever could read the gateway's keys anyway, and nobody else.
    fn link(&self, by: &Person, body: &[u8]) -> Result<Reply, Problem> {
        if by.by != "local" {
            return Err(Problem::Afar);
        }
        let PersonBody { person, roles } = parse(body)?;
        let name = TokenId::new(person).map_err(|problem| Problem::Unfit(problem.to_string()))?;
        let roles: Option<_> = roles.iter().map(|role| Role::named(role)).collect();
        let roles: std::collections::BTreeSet<_> = roles.unwrap_or_default();
        if roles.is_empty() {
            return Err(Problem::Unfit("a person has one role or more, by their names".to_owned()));
        }
        let (link, seconds) = self.front.link(Person { name: name.to_string(), by: "link", roles })?;
        let (status, body) = json(StatusCode::OK, &Link { link, seconds })?;
        Ok(with(status, JSON, body))
    }

    /// The paths as a page shows them, or as a file.
    async fn paths(&self, head: &Parts) -> Result<Reply, Problem> {
        let (sought, form) = query::sought(head.uri.query().unwrap_or_default())?;
        let Some(form) = form else {
            let (status, body) = json(StatusCode::OK, &self.control.paths(sought).await?)?;
            return Ok(with(status, JSON, body));
        };
        let text = self.control.paths_as(sought, form).await?;
        Ok(match form {
            Form::Json => file(JSON, "attachment; filename=\"paths.json\"", text),
            Form::Csv => file(CSV, "attachment; filename=\"paths.csv\"", text),
            Form::Mermaid => file(TEXT, "attachment; filename=\"paths.mmd\"", text),
        })
    }

    /// The inventory as a page shows it, or as a file.
    async fn components(&self, head: &Parts) -> Result<Reply, Problem> {
        let Some((picked, sheet)) = query::picked(head.uri.query().unwrap_or_default())? else {
            let (status, body) = json(StatusCode::OK, &self.control.components().await?)?;
            return Ok(with(status, JSON, body));
        };
        let text = self.control.components_as(picked, sheet).await?;
        Ok(match sheet {
            Sheet::Text => file(TEXT, "attachment; filename=\"components.txt\"", text),
            Sheet::Json => file(JSON, "attachment; filename=\"components.json\"", text),
            Sheet::Csv => file(CSV, "attachment; filename=\"components.csv\"", text),
            Sheet::Cyclonedx => file(CYCLONEDX, "attachment; filename=\"components.cdx.json\"", text),
        })
    }

    async fn draft(&self, files: BTreeMap<String, String>) -> Result<Reply, Problem> {
        if files.is_empty() || files.len() > FILES {
            return Err(Problem::Unfit(format!("a draft has 1 to {FILES} files")));
        }
        if files.keys().any(|path| !(1..=PATH).contains(&path.chars().count())) {
            return Err(Problem::Unfit(format!("the path of a file has 1 to {PATH} characters")));
        }
        let (status, body) = json(StatusCode::OK, &self.control.draft(files).await?)?;
        Ok(with(status, JSON, body))
    }

    async fn look(&self, act: Act, person: Person, name: &str, head: &Parts) -> Answered {
        if act == Act::Hold {
            let content = wants_content(head.uri.query())?;
            if content && !person.may(Right::SeeContent) {
                return Err(Problem::Forbidden(Right::SeeContent.name()));
            }
            return json(StatusCode::OK, &self.control.hold(person, record(name)?, content).await?);
        }
        if act == Act::Oversight {
            return oversight::look(&*self.control, person, head).await;
        }
        no_query(head)?;
        match act {
            Act::Me => json(StatusCode::OK, &Me::of(&person)),
            Act::State => json(StatusCode::OK, &self.control.state()),
            Act::Now => json(StatusCode::OK, &self.front.pulse.now()),
            Act::History => json(StatusCode::OK, &self.front.pulse.day()),
            Act::Map => json(StatusCode::OK, &self.control.map()),
            Act::Isolations => json(StatusCode::OK, &self.control.isolations()),
            Act::Plant => {
                let texts = person.may(Right::Change) || person.may(Right::SeeContent);
                json(StatusCode::OK, &self.control.plant(texts).await?)
            }
            Act::Undeclared => json(StatusCode::OK, &self.control.undeclared().await?),
            Act::Holds => json(StatusCode::OK, &Holds { holds: self.control.holds() }),
            _ => Err(Problem::NoRoute),
        }
    }

    async fn change(&self, act: Act, person: Person, name: &str, body: &[u8], peer: Option<IpAddr>) -> Answered {
        match act {
            Act::Account => oversight::account(&*self.control, person, name, body, peer).await,
            Act::Isolate => asked(self.control.isolate(person, wish(body)?).await?),
            Act::Restore => asked(self.control.restore(person, wish(body)?).await?),
            Act::Decide => {
                let ruling = ruling(body)?;
                json(StatusCode::OK, &self.control.decide(person, record(name)?, ruling).await?)
            }
            Act::Reload if body.is_empty() => json(StatusCode::OK, &self.control.reload(person).await?),
            Act::Reload => Err(Problem::Unfit("a reload takes no body".to_owned())),
            _ => Err(Problem::NoRoute),
        }
    }
}

#[derive(Serialize)]
struct Me {
    name: String,
    by: &'static str,
    roles: Vec<&'static str>,
    rights: Vec<&'static str>,
}

impl Me {
    fn of(person: &Person) -> Self {
        let rights = Right::NAMES.into_iter().filter(|(_, right)| person.may(*right));
        Self {
            name: person.name.clone(),
            by: person.by,
            roles: person.roles.iter().map(|role| role.name()).collect(),
            rights: rights.map(|(name, _)| name).collect(),
        }
    }
}

/// Who is signed in, and what a page has to know before anybody is.
#[derive(Serialize)]
struct Session {
    person: Option<Me>,
    token: Option<String>,
    issuer: bool,
    time_zone: Option<String>,
    idle_seconds: u64,
}

impl Session {
    fn of(front: &Front, shown: Option<&Shown>) -> Self {
        let terms = front.entrance.terms();
        Self {
            person: shown.map(|shown| Me::of(&shown.person)),
            token: shown.map(|shown| front.sessions.token(&shown.id)),
            issuer: terms.issuer,
            time_zone: shown.map(|_| terms.time_zone),
            idle_seconds: crate::session::IDLE.as_secs(),
        }
    }
}

#[derive(Serialize)]
struct Link {
    link: String,
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    link: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    person: String,
    roles: Vec<String>,
}

#[derive(Serialize)]
struct Holds {
    holds: Vec<crate::control::Hold>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DraftBody {
    files: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentBody {
    component: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WishBody {
    part: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulingBody {
    decision: String,
    reason: String,
}

/// Something to be kept as a file; `told` says what it is called.
fn file(kind: &'static str, told: &'static str, text: String) -> Reply {
    let mut reply = with(StatusCode::OK, kind, text);
    reply.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static(told));
    reply
}

fn wish(body: &[u8]) -> Result<Wish, Problem> {
    let WishBody { part, reason } = parse(body)?;
    let part = Part::parse(&part).map_err(|problem| Problem::Unfit(problem.to_string()))?;
    Ok(Wish { part, reason: said(reason)? })
}

fn ruling(body: &[u8]) -> Result<Ruling, Problem> {
    let RulingBody { decision, reason } = parse(body)?;
    let decision = match decision.as_str() {
        "approve" => Decision::Approve,
        "refuse" => Decision::Refuse,
        _ => return Err(Problem::Unfit("the decision is `approve` or `refuse`".to_owned())),
    };
    Ok(Ruling { decision, reason: said(reason)? })
}

/// The body as a type. What is wrong with it is told without repeating it.
pub(crate) fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|problem| match problem.classify() {
        serde_json::error::Category::Data => {
            Problem::Unfit("the body has not the members that it must have".to_owned())
        }
        _ => Problem::Malformed("the body is not JSON"),
    })
}

/// Whether a character moves a cursor, hides, or turns others round.
#[must_use]
pub fn misleads(c: char) -> bool {
    let hides = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || hides
}

/// A reason: one line, and not an empty one.
fn said(reason: String) -> Result<String, Problem> {
    // What reorders or hides letters has no place in a record either. The description of the API says the same in a pattern.
    if reason.trim().is_empty() || reason.chars().count() > REASON || reason.chars().any(misleads) {
        return Err(Problem::Unfit(format!("a reason is one line of 1 to {REASON} characters")));
    }
    Ok(reason)
}

/// The name of a component, as the inventory has it.
fn named(component: String) -> Result<String, Problem> {
    if (1..=COMPONENT).contains(&component.chars().count()) {
        return Ok(component);
    }
    Err(Problem::Unfit(format!("the name of a component has 1 to {COMPONENT} characters")))
}

pub(crate) fn record(name: &str) -> Result<RecordId, Problem> {
    let unknown = || crate::control::Fault::Unknown("no call of that name waits".to_owned());
    RecordId::parse(name).ok_or_else(unknown).map_err(Problem::from)
}

fn wants_content(query: Option<&str>) -> Result<bool, Problem> {
    match query {
        None | Some("" | "content=false") => Ok(false),
        Some("content=true") => Ok(true),
        Some(_) => Err(Problem::Malformed("the query may say `content=true`, and nothing else")),
    }
}

fn no_query(head: &Parts) -> Result<(), Problem> {
    match head.uri.query() {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::Malformed("the address takes no query")),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let wrong = || Problem::Malformed("an idempotency key is one text of 1 to 128 visible characters");
    let mut values = headers.get_all(IDEMPOTENCY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let visible = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= KEY).filter(visible);
    match (text, values.next()) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(wrong()),
    }
}

/// Entry for fuzzing: a body in every shape that bodies have here. What is taken of it misleads nobody.
pub(crate) fn fuzz(body: &[u8]) {
    let plain = |text: &str| !text.chars().any(misleads);
    if let Ok(Wish { part, reason }) = wish(body) {
        debug_assert!(plain(&reason) && Part::parse(&part.to_string()) == Ok(part));
    }
    if let Ok(ruling) = ruling(body) {
        debug_assert!(plain(&ruling.reason));
    }
    // These are compared, and never shown.
    let _ = (parse::<LinkBody>(body), parse::<PersonBody>(body), parse::<DraftBody>(body));
    if let Ok(name) = parse::<ComponentBody>(body).and_then(|body| named(body.component)) {
        debug_assert!(!name.is_empty() && name.chars().count() <= COMPONENT);
    }
}

async fn read(headers: &HeaderMap, body: Incoming, most: usize) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON) {
        return Err(Problem::Kind);
    }
    timeout(PATIENCE, gather(body, most)).await.unwrap_or(Err(Problem::Slow))
}

/// The whole body. Of one that is too long the rest is let go by, up to some length: whoever is still sending does not listen.
async fn gather(mut body: Incoming, most: usize) -> Result<Bytes, Problem> {
    let (mut whole, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::Malformed("the body broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= most {
            whole.extend_from_slice(&data);
        } else if length > most + PASSING {
            break;
        }
    }
    if length <= most { Ok(whole.freeze()) } else { Err(Problem::TooLong) }
}

fn asked<T: Serialize>(asked: Asked<T>) -> Answered {
    match asked {
        Asked::Done(now) => json(StatusCode::OK, &now),
        Asked::Waits(now) => json(StatusCode::ACCEPTED, &now),
    }
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answered {
    let bytes = serde_json::to_vec(value);
    let bytes = bytes.map_err(|_| crate::control::Fault::Unavailable("the answer cannot be written".to_owned()))?;
    Ok((status, bytes.into()))
}
