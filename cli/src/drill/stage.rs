//! Where a drill plays: the gateway of this program over the plant's double, its stand-ins, a ledger that goes with it.
//!
//! Nothing of it is a stub but the providers: the gateway listens, identifies, decides, records and forwards as it does under
//! `penstock run`.

use super::caller::Caller;
use super::double::{Double, Turn};
use super::promise::{Asked, Outcome};
use super::standin::StandIn;
use crate::assemble;
use crate::journal::Ledger;
use crate::vault::Vault;
use fallback::Trouble;
use gateway::{
    Acknowledge, Due, Gateway, Kept, Known, Limits, Listen, Metrics, OperatorKeys, Recorder, Sockets, Unwritten, Valve,
    Way,
};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::{Draft, Kind, Millis, ProviderId, Reason, RecordId, Sealed};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::Store;
use tokio::net::TcpSocket;

/// Everything that plays.
pub(super) struct Stage {
    pub(super) double: Double,
    roles: Vec<String>,
    stand_ins: BTreeMap<ProviderId, StandIn>,
    gateway: Gateway,
    address: SocketAddr,
    keys: Option<Arc<OperatorKeys>>,
    recorder: Arc<Tap>,
    turn: Turn,
}

/// What a caller saw of a call, and what the drill saw beside it.
pub(super) struct Seen {
    pub(super) outcome: Outcome,
    pub(super) asked: Asked,
    /// From before it connected until it had read all of its answer.
    pub(super) micros: u64,
    /// Whether the call's records are what its outcome asks for.
    pub(super) recorded: bool,
}

impl Stage {
    pub(super) async fn set(double: Double, roles: &[String]) -> miette::Result<Self> {
        let mut stand_ins = BTreeMap::new();
        for (id, number) in double.loaded.plant.providers.keys().zip(0..) {
            stand_ins.insert(id.clone(), StandIn::of(id, number).await?);
        }
        let (keys, turn) = (double.operator_keys()?, Turn::default());
        let inforce = double.inforce(&turn, keys.clone(), |id| place(&stand_ins, &turn, id))?;
        let opening = assemble::opening(&double.loaded)?;
        let (store, _) = Store::open(&double.loaded.gateway.ledger, &opening)
            .into_diagnostic()
            .wrap_err("no ledger for the drill can be made")?;
        let vault = Arc::new(Vault::open(&double.loaded)?);
        let recorder = Arc::new(Tap {
            ledger: Ledger { store: Arc::new(store), vault, folder: double.loaded.gateway.ledger.clone() },
            shut: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let listen = Listen { address: (Ipv4Addr::LOCALHOST, 0).into(), tls: None, way: Way::Calls };
        let doors = (&[listen][..], None, Sockets::default());
        let (secrets, metrics) = (double.key.secrets(), Arc::new(Metrics::default()));
        let own: Arc<dyn Recorder> = Arc::clone(&recorder) as Arc<dyn Recorder>;
        let gateway = Gateway::start(doors, Limits::default(), secrets, inforce, own, metrics).await;
        let gateway = gateway.into_diagnostic().wrap_err("the drill's gateway cannot listen")?;
        let address = gateway.addresses().next().ok_or_else(|| miette!("the drill's gateway listens nowhere"))?;
        Ok(Self { double, roles: roles.to_vec(), stand_ins, gateway, address, keys, recorder, turn })
    }

    /// What moves the gateway by hand.
    pub(super) fn valve(&self) -> Valve {
        self.gateway.valve()
    }

    /// Has the double be other than usual, as a reload would.
    pub(super) fn turn(&mut self, turn: &Turn) -> miette::Result<()> {
        // Breakers that stand as the last step left them are no beginning for the next one.
        if self.turn != *turn || turn.rest.is_some() {
            let inforce = self.double.inforce(turn, self.keys.clone(), |id| place(&self.stand_ins, turn, id))?;
            self.gateway.enforce(inforce);
            self.turn = turn.clone();
        }
        Ok(())
    }

    /// Has these providers be in a trouble, and all others well.
    pub(super) fn trouble(&self, troubled: &[ProviderId], trouble: Option<Trouble>, stream: bool) {
        for (id, stand_in) in &self.stand_ins {
            stand_in.behave(trouble.filter(|_| troubled.contains(id)), stream);
        }
    }

    /// Has the ledger take nothing, or take records again.
    pub(super) fn shut_ledger(&self, shut: bool) {
        self.recorder.shut.store(shut, Ordering::SeqCst);
    }

    /// The stand-in of a provider.
    pub(super) fn stand_in(&self, id: &ProviderId) -> Option<&StandIn> {
        self.stand_ins.get(id)
    }

    /// Makes a call, and sees what comes of it.
    pub(super) async fn call(&self, caller: &Caller, stream: bool) -> miette::Result<Seen> {
        let counts = || self.stand_ins.iter().map(|(id, one)| (id.clone(), one.asked()));
        let before: Asked = counts().collect();
        let began = Instant::now();
        let got = self.exchange(caller, stream).await?;
        let micros = micros_since(began);
        let since = |(id, now): (ProviderId, usize)| {
            let count = now.saturating_sub(before.get(&id).copied().unwrap_or_default());
            (count > 0).then_some((id, count))
        };
        let asked = counts().filter_map(since).collect();
        let Some((head, body)) = got else {
            return Ok(Seen { outcome: Outcome::Nobody, asked, micros, recorded: true });
        };
        let outcome = self.outcome(head.status, &head.headers, &body);
        let recorded = self.recorder.agrees(&head.headers, &outcome);
        Ok(Seen { outcome, asked, micros, recorded })
    }

    /// Sends a call and reads its answer; nothing if nobody takes the connection.
    async fn exchange(&self, caller: &Caller, stream: bool) -> miette::Result<Option<(http::response::Parts, Bytes)>> {
        let socket = TcpSocket::new_v4().into_diagnostic()?;
        let bound = socket.bind((caller.from, 0).into()).into_diagnostic();
        bound.wrap_err_with(|| format!("cannot call from {}: a drill needs all of 127.0.0.0/8", caller.from))?;
        let Ok(connected) = socket.connect(self.address).await else { return Ok(None) };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(connected)).await.into_diagnostic()?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(self.request(caller, stream)?).await;
        let (head, body) = answer.into_diagnostic().wrap_err("the drill's gateway broke off")?.into_parts();
        // An answer that is cut is one that is seen as far as it came.
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        connection.abort();
        Ok(Some((head, body)))
    }

    fn request(&self, caller: &Caller, stream: bool) -> miette::Result<http::Request<Full<Bytes>>> {
        let asked = caller.request(stream);
        let token = self.double.token(&caller.workload).ok_or_else(|| miette!("the caller has no token"))?;
        let mut request = http::Request::post(format!("/{}{}", caller.provider, asked.path))
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header("anthropic-version", "2023-06-01")
            .header("penstock-purpose", &caller.purpose);
        if let Some(token) = caller.operator.as_ref().and_then(|how| self.double.operator(how, &self.roles)) {
            request = request.header("penstock-operator", token);
        }
        request.body(Full::new(Bytes::from(asked.body.to_string()))).into_diagnostic()
    }

    /// What an answer is.
    fn outcome(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Outcome {
        if !status.is_success() {
            let reason = text(headers, "penstock-decision").split_once("reason=").map(|(_, code)| code);
            let reason = reason.and_then(Reason::named);
            return Outcome::Error { status: status.as_u16(), reason };
        }
        let (by, because) = text(headers, "penstock-fallback").split_once("; because=").unwrap_or_default();
        let because = Trouble::NAMES.iter().find(|(name, _)| *name == because).map(|(_, trouble)| *trouble);
        if let Some(because) = because.filter(|_| by == "fixed-answer") {
            return Outcome::Fixed { because };
        }
        let speaker = self.stand_ins.iter().find(|(_, one)| one.said(body)).map(|(id, _)| id);
        match (speaker, because) {
            (Some(id), Some(_)) if id.as_str() != by => Outcome::Odd(format!("`{id}` answers, and `{by}` is named")),
            (Some(id), because) => Outcome::Answer { by: id.clone(), because },
            (None, _) => Outcome::Odd(format!("{} bytes of nobody's answer", body.len())),
        }
    }

    /// Ends the gateway: nobody takes connections any more. Gives what is left to call at.
    pub(super) async fn gone(self) -> Gone {
        let Self { double, roles, stand_ins, gateway, address, keys, recorder, turn } = self;
        let _ = gateway.stop().await;
        drop((roles, stand_ins, keys, turn));
        recorder.ledger.store.close();
        Gone { address, _double: double }
    }
}

/// What is left where a gateway was.
pub(super) struct Gone {
    address: SocketAddr,
    _double: Double,
}

impl Gone {
    /// Whether a caller still gets a connection; how long it took to see, in microseconds.
    pub(super) async fn call(&self) -> (Outcome, u64) {
        let began = Instant::now();
        let outcome = match tokio::net::TcpStream::connect(self.address).await {
            Ok(_) => Outcome::Odd("somebody takes the connection".to_owned()),
            Err(_) => Outcome::Nobody,
        };
        (outcome, micros_since(began))
    }
}

/// How long it is since then, in microseconds.
pub(super) fn micros_since(then: Instant) -> u64 {
    u64::try_from(then.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn place(stand_ins: &BTreeMap<ProviderId, StandIn>, turn: &Turn, id: &ProviderId) -> Option<SocketAddr> {
    stand_ins.get(id)?.address(!turn.gone.contains(id))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The drill's ledger, with what was written to it, and a hand to shut it.
struct Tap {
    ledger: Ledger,
    shut: AtomicBool,
    seen: Mutex<Vec<(Kind, RecordId, Option<RecordId>)>>,
}

impl Tap {
    fn seen(&self) -> MutexGuard<'_, Vec<(Kind, RecordId, Option<RecordId>)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the records of a call are what its outcome asks for: one end, and a switch if another answered.
    fn agrees(&self, headers: &HeaderMap, outcome: &Outcome) -> bool {
        let unrecorded = Outcome::Error { status: 503, reason: Some(Reason::LedgerUnavailable) };
        let Some(id) = RecordId::parse(text(headers, "penstock-record")) else { return *outcome == unrecorded };
        let seen = self.seen();
        let count = |kind: Kind, fits: &dyn Fn(&RecordId, &Option<RecordId>) -> bool| {
            seen.iter().filter(|(own, record, of)| *own == kind && fits(record, of)).count()
        };
        let ends = count(Kind::Outcome, &|_, of| *of == Some(id)) + count(Kind::Refuse, &|record, _| *record == id);
        let switched = match outcome {
            Outcome::Answer { because, .. } => because.is_some(),
            Outcome::Fixed { .. } => true,
            _ => false,
        };
        ends == 1 && (!switched || count(Kind::Switch, &|_, of| *of == Some(id)) > 0)
    }
}

impl Recorder for Tap {
    fn append(&self, draft: Draft, done: Acknowledge) {
        if self.shut.load(Ordering::SeqCst) {
            return done(Err(Unwritten("the drill has shut it".to_owned())));
        }
        self.seen().push((draft.kind, draft.id, draft.reference));
        self.ledger.append(draft, done);
    }

    fn keep(&self, kept: &Kept) -> Result<Sealed, Unwritten> {
        self.ledger.keep(kept)
    }

    fn look_up(&self, call: RecordId) -> Result<Option<Known>, Unwritten> {
        self.ledger.look_up(call)
    }

    fn unaccounted(&self, since: Option<Millis>, longest: Duration) -> Result<Vec<Due>, Unwritten> {
        self.ledger.unaccounted(since, longest)
    }

    fn health(&self) -> Result<(), String> {
        self.ledger.health()
    }
}
