//! `penstock run`: the gateway, until it is told to stop.
//!
//! A changed plant file, rule or token file comes into force by itself within a second, or at once by SIGHUP. A bad
//! one never replaces a good one; either way a record says so.

use crate::alerts::{self, Alerting, Board};
use crate::approvals::{Last, Unapproved, in_force};
use crate::assemble;
use crate::controlling::{self, Controlling, Order};
use crate::governing::Governing;
use crate::isolating::Isolating;
use crate::journal::{self, Ledger};
use crate::logging::{self, Form};
use crate::mcp;
use crate::notice;
use crate::prune;
use crate::quotas::Kept;
use crate::secrets::PlantKey;
use crate::sighted::Sighted;
use crate::stranger::Stranger;
use crate::vault::Vault;
use crate::witnessing::{Fresh, Witnessing};
use config::Loaded;
use config::tokens::{self, Change, Tokens};
use gateway::{Gateway, Limits, Listen, Metrics, Offered, OperatorKeys, Sockets, TlsFiles, Way};
use miette::{IntoDiagnostic, WrapErr};
use plant::{ConduitId, CredentialReference, Kind, Note};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use store::Store;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often files are looked at for changes.
const LOOK: Duration = Duration::from_millis(500);
/// How often records that are too old are removed.
const DAY: Duration = Duration::from_secs(86_400);

/// Run the gateway.
///
/// Callers use `https://HOST:PORT/<provider>/...` as their base URL, with a workload token as API key or a client
/// certificate. Logs go to standard error; health, readiness and metrics to the `admin` address of the plant file.
///
/// SIGTERM or Ctrl-C stops it: what is under way may end first. SIGHUP reads the plant file anew.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The form of the log.
    #[arg(long, value_enum, default_value = "human", env = "PENSTOCK_LOG_FORM")]
    log: Form,

    /// What is logged: `error`, `warn`, `info`, `debug`, or a filter such as `info,penstock_store=debug`.
    #[arg(long, default_value = "info", env = "PENSTOCK_LOG")]
    log_level: String,

    /// Write the addresses that are listened on to this file, once they are: the calls' first, then operations', the
    /// witness's, the console's, and those of interception.
    #[arg(long, value_name = "FILE")]
    addresses: Option<PathBuf>,
}

pub(crate) fn run(path: &Path, args: Args) -> miette::Result<ExitCode> {
    keep_to_small_pages();
    let runtime = runtime().into_diagnostic()?;
    let traces = runtime.block_on(async {
        let loaded = assemble::load(path)?;
        let traces = logging::begin(args.log, &args.log_level, loaded.gateway.telemetry.as_ref())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        raise_descriptors();
        let signals = Signals::listen()?;
        let mut house = House::open(path, loaded).await?;
        house.announce(args.addresses.as_deref())?;
        house.live(signals).await;
        house.close().await;
        Ok::<_, miette::Report>(traces)
    })?;
    traces.flush();
    Ok(ExitCode::SUCCESS)
}

/// Threads that wait for work for a while end, and their memory with them. Chores come by twice a second and wake one each time,
/// so that with the usual ten seconds a score of threads would stay for ever.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    const IDLE: Duration = Duration::from_secs(2);
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(IDLE).build()
}

/// Where huge pages are the default, the system lays 2 MiB under whatever has a page in use, also long after the load is over: a gateway
/// at rest had 27 MiB of its own with them, and 7 without.
fn keep_to_small_pages() {
    // A kernel that has none has nothing to switch off.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Many callers hold many connections; the usual soft limit of 1,024 descriptors is soon used up.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: now.maximum, maximum: now.maximum };
    if let Err(problem) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%problem, "the limit of open files stays as it is");
    }
}

/// What the system tells a gateway. Listened to before anybody knows that it runs: who is told to stop while it starts ends
/// as it should.
pub(crate) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// What a signal asks for.
pub(crate) enum Told {
    /// Read the files anew.
    Renew,
    /// End.
    Stop,
}

impl Signals {
    pub(crate) fn listen() -> miette::Result<Self> {
        let listen = |kind| signal(kind).into_diagnostic();
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits until the process is told something.
    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::Renew,
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
        }
    }
}

/// A gateway with everything that belongs to it.
pub(crate) struct House {
    path: PathBuf,
    loaded: Arc<Loaded>,
    key: PlantKey,
    operator_keys: Option<Arc<OperatorKeys>>,
    /// Tools of MCP servers that wait for a person.
    offered: Arc<Offered>,
    tokens: Tokens,
    store: Arc<Store>,
    vault: Arc<Vault>,
    gateway: Gateway,
    witnessing: Witnessing,
    controlling: Controlling,
    seen: Seen,
    kept: Kept,
    alerting: Alerting,
    /// Where components stand in their lives.
    governing: Governing,
    /// What is seen of them in traffic.
    sighted: Arc<Mutex<Sighted>>,
    chores: Option<tokio::task::JoinHandle<()>>,
    /// When records that are too old were looked for last.
    pruned: Option<Instant>,
}

impl House {
    /// Opens the ledger, binds the listeners, begins to serve.
    pub(crate) async fn open(path: &Path, loaded: Loaded) -> miette::Result<Self> {
        let loaded = Arc::new(loaded);
        let key = PlantKey::read(&loaded.gateway.keys)?;
        let opening = assemble::opening(&loaded)?;
        let folder = &loaded.gateway.ledger;
        let (store, recovery) = Store::open(folder, &opening)
            .into_diagnostic()
            .wrap_err_with(|| format!("the ledger in `{}` cannot be opened", folder.display()))?;
        let store = Arc::new(store);
        tracing::info!(
            records = recovery.size,
            replayed = recovery.replayed,
            torn_bytes = recovery.torn,
            abandoned = recovery.abandoned.len(),
            "ledger open"
        );
        let last = Last::read(folder, &key)?.unwrap_or_else(|| Last::of(&loaded));
        let approved = last.approvers_of(&loaded);
        let approvers = approved.inspect_err(|problem| journal::note(&store, Kind::Config, rejected(problem)))?;
        let operator_keys = assemble::operator_keys(loaded.plant.issuer.as_ref(), None)?;
        let tokens = tokens::read(&loaded.gateway.tokens)?;
        let isolating = Arc::new(Isolating::open(folder, &key, Arc::clone(&store)));
        let offered = mcp::restored(&loaded);
        let inforce = assemble::inforce(&loaded, &tokens, &key, operator_keys.clone())?;
        let inforce = inforce.approving(mcp::in_force(&loaded, &offered)?).isolating(isolating.parts());
        let (kept, used) = Kept::open(&loaded);
        let mut governing = Governing::open(&loaded, &key, &store)?;
        governing.advance(&loaded, &store);
        governing.keep(&store);
        let inforce = inforce.resuming(used).governing(governing.standing(&loaded));
        // Before the first call: what a record of a call says decided it is on record.
        last.hand_over(&loaded, &approvers, &store, &key, None)?;
        let metrics = Arc::new(Metrics::default());
        journal::measure(&metrics, &store);
        let board = Board::shown(&metrics);
        let vault = Arc::new(Vault::open(&loaded)?);
        let ledger = Ledger { store: Arc::clone(&store), vault: Arc::clone(&vault), folder: folder.clone() };
        let recorder = Arc::new(ledger);
        let witnessing = Witnessing::open(&loaded, &store, &metrics).await?;
        let (listen, limits) = (listen(&loaded), limits(&loaded));
        let own = Arc::clone(&recorder);
        let doors = (listen.as_slice(), loaded.gateway.admin, handed()?);
        let gateway =
            Gateway::start(doors, limits, key.secrets(), inforce, recorder, metrics).await.into_diagnostic()?;
        let standing = witnessing.standing();
        let controlling =
            Controlling::open(path, &loaded, gateway.valve(), isolating, own, Arc::clone(&standing)).await?;
        let seen = Seen::look(&loaded, path);
        store.set_essential(essential(&loaded));
        let alerting = Alerting::open(&loaded, alerts::House { store: Arc::clone(&store), standing, board });
        let sighted = Arc::new(Mutex::new(Sighted::new(&loaded.gateway.ledger)));
        Ok(Self {
            path: path.to_owned(),
            loaded,
            key,
            operator_keys,
            offered,
            tokens,
            store,
            vault,
            gateway,
            witnessing,
            controlling,
            seen,
            kept,
            alerting,
            governing,
            sighted,
            chores: None,
            pruned: None,
        })
    }

    /// A one-time link to its console, if it has one.
    pub(crate) fn console_link(&self) -> Option<String> {
        self.controlling.link()
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// How its ledger is doing.
    pub(crate) fn ledger(&self) -> store::State {
        self.store.state()
    }

    fn announce(&self, file: Option<&Path>) -> miette::Result<()> {
        let all = self.gateway.addresses().chain(self.gateway.operations()).chain(self.witnessing.addresses());
        let all = all.chain(self.controlling.address()).chain(self.gateway.intercepting());
        let addresses: Vec<String> = all.map(|address| address.to_string()).collect();
        for address in self.gateway.addresses() {
            tracing::info!(%address, "listening for calls");
        }
        for address in self.gateway.intercepting() {
            tracing::info!(%address, "listening for connections to intercept");
        }
        if let Some(address) = self.gateway.operations() {
            tracing::info!(%address, "listening for operations");
        }
        for address in self.witnessing.addresses() {
            tracing::info!(%address, "listening as a witness");
        }
        if let Some(address) = self.controlling.address() {
            tracing::info!(%address, "listening for the console");
        }
        self.controlling.welcome();
        let Some(file) = file else { return Ok(()) };
        let written = crate::file::replace(file, addresses.join("\n") + "\n");
        written.into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", file.display()))
    }

    /// Serves, and follows the plant's files, until a signal says stop.
    pub(crate) async fn live(&mut self, mut signals: Signals) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                told = signals.next() => match told {
                    Told::Renew => drop(self.reload(None)),
                    Told::Stop => return,
                },
                Some(Order { by, told }) = self.controlling.orders.recv() => {
                    let done = self.reload(Some(by.told())).map(|()| controlling::in_force(&self.loaded.plant));
                    self.alerting.follow(&self.loaded).await;
                    // Whoever asked may be gone.
                    let _ = told.send(done);
                }
                _ = look.tick() => {
                    self.do_chores();
                    self.kept.keep(&self.gateway.used());
                    let seen = Seen::look(&self.loaded, &self.path);
                    if seen != self.seen {
                        self.seen = seen;
                        drop(self.reload(None));
                    }
                    // Also by a plant that stays in force because the new one is bad.
                    if self.governing.advance(&self.loaded, &self.store) {
                        self.gateway.valve().govern(self.governing.standing(&self.loaded));
                    }
                    self.governing.keep(&self.store);
                }
            }
            self.alerting.follow(&self.loaded).await;
        }
    }

    /// Records what commands have left to be recorded, and once a day removes what is too old. Beside the calls: the oldest
    /// records have to be read for that.
    fn do_chores(&mut self) {
        if self.chores.as_ref().is_some_and(|chores| !chores.is_finished()) {
            return;
        }
        let prune = self.pruned.is_none_or(|last| last.elapsed() >= DAY);
        if prune {
            self.pruned = Some(Instant::now());
        }
        let (loaded, store) = (Arc::clone(&self.loaded), Arc::clone(&self.store));
        let (offered, sighted) = (Arc::clone(&self.offered), Arc::clone(&self.sighted));
        let charting = Arc::clone(&self.controlling.hands.charting);
        self.chores = Some(tokio::task::spawn_blocking(move || {
            notice::collect(&loaded, &store);
            mcp::keep(&loaded, &offered);
            sighted.lock().unwrap_or_else(PoisonError::into_inner).keep(store.state().size);
            charting.keep(&loaded.plant, store.state().size);
            if prune && let Err(problem) = prune::by_policy(&loaded, &store) {
                tracing::error!(%problem, "records that are too old are not removed");
            }
        }));
    }

    /// Puts the plant's files in force as they are now, or keeps what is in force; says why, if so. Records which, and who
    /// asked for it if it was not the files themselves.
    fn reload(&mut self, by: Option<String>) -> Result<(), String> {
        let renewed = self.renew(by.as_deref());
        let mut note = match &renewed {
            Ok(changed) => {
                tracing::info!(digest = self.loaded.plant.digest, "plant file in force");
                if *changed {
                    return Ok(());
                }
                in_force(&self.loaded.plant)
            }
            Err(problem) => {
                for line in told(problem) {
                    tracing::error!(problem = line, "the plant's files were rejected; what was in force stays");
                }
                let mut note = rejected(problem);
                note.insert("kept", Note::text(&self.loaded.plant.digest));
                note
            }
        };
        note.extend(by.map(|by| ("by", Note::Text(by))));
        journal::note(&self.store, Kind::Config, note);
        renewed.map(drop).map_err(|problem| told(&problem).join("; "))
    }

    /// Whether another policy is in force now, which is on record then.
    fn renew(&mut self, by: Option<&str>) -> miette::Result<bool> {
        let loaded = Arc::new(assemble::load(&self.path)?);
        Stranger::refuse(&self.loaded, &loaded)?;
        let last = Last::of(&self.loaded);
        let approvers = last.approvers_of(&loaded)?;
        self.gateway.renew_tls().into_diagnostic()?;
        let used = self.loaded.plant.issuer.as_ref().zip(self.operator_keys.as_ref());
        let operator_keys = assemble::operator_keys(loaded.plant.issuer.as_ref(), used)?;
        let tokens = tokens::read(&loaded.gateway.tokens)?;
        let inforce = assemble::inforce(&loaded, &tokens, &self.key, operator_keys.clone())?;
        let inforce = inforce.approving(mcp::in_force(&loaded, &self.offered)?);
        let fresh = Fresh::read(&loaded)?;
        let hands = controlling::Fresh::read(&loaded)?;
        self.vault.renew(&loaded)?;
        let another = loaded.plant.digest != self.loaded.plant.digest;
        if another {
            last.hand_over(&loaded, &approvers, &self.store, &self.key, by)?;
        } else {
            Last::of(&loaded).keep(&loaded, &self.key)?;
        }
        self.store.set_essential(essential(&loaded));
        self.witnessing.renew(&loaded, &self.store, fresh);
        self.gateway.valve().govern(self.governing.standing(&loaded));
        self.gateway.enforce(inforce);
        for change in tokens.since(&self.tokens) {
            journal::note(&self.store, Kind::Admin, changed(&change));
        }
        for (what, badge) in self.controlling.renew(&loaded, hands) {
            journal::note(&self.store, Kind::Admin, controlling::changed(what, &badge));
        }
        if addresses(&loaded) != addresses(&self.loaded) {
            tracing::warn!("changed addresses come into force at the next start");
        }
        if loaded.gateway.signing != self.loaded.gateway.signing {
            tracing::warn!("another key begins another ledger: `signing` comes into force at the next start");
        }
        (self.loaded, self.operator_keys, self.tokens) = (loaded, operator_keys, tokens);
        Ok(another)
    }

    /// Lets what is under way end, then closes the ledger with a last checkpoint.
    pub(crate) async fn close(mut self) {
        tracing::info!("stopping: exchanges under way may end");
        self.controlling.close().await;
        let (used, mut kept) = (self.gateway.used(), self.kept);
        let cut = self.gateway.stop().await;
        kept.keep(&used);
        mcp::keep(&self.loaded, &self.offered);
        if cut > 0 {
            tracing::warn!(cut, "exchanges were cut at the end of the grace");
        }
        if let Some(chores) = self.chores {
            let _ = chores.await;
        }
        self.alerting.close().await;
        self.governing.keep(&self.store);
        let state = self.store.close();
        tracing::info!(records = state.size, published = state.published, "ledger closed");
        self.witnessing.close().await;
    }
}

/// The listening sockets that this process was started with, as systemd hands them over (`sd_listen_fds(3)`).
fn handed() -> miette::Result<Sockets> {
    let mut sockets = listenfd::ListenFd::from_env();
    let taken: Result<Vec<_>, _> = (0..sockets.len()).map(|index| sockets.take_tcp_listener(index)).collect();
    let taken = taken.into_diagnostic().wrap_err("a socket that was handed over cannot be used")?;
    Ok(Sockets::new(taken.into_iter().flatten().collect()))
}

/// The conduits of which some calls may leave while the ledger cannot be written.
fn essential(loaded: &Loaded) -> BTreeSet<ConduitId> {
    loaded.plant.conduits.values().filter(|conduit| conduit.essential).map(|conduit| conduit.id.clone()).collect()
}

/// What is wrong with a plant, a line each.
fn told(problem: &miette::Report) -> Vec<String> {
    match problem.downcast_ref::<config::Problems>() {
        Some(problems) => problems.list.iter().map(ToString::to_string).collect(),
        None => vec![format!("{problem:#}")],
    }
}

fn listen(loaded: &Loaded) -> Vec<Listen> {
    let gateway = &loaded.gateway;
    let tls = TlsFiles {
        certificate: gateway.certificate.clone(),
        key: gateway.key.clone(),
        client_authority: Some(gateway.client_authority.clone()),
    };
    let (own, secure, plain) = (gateway.intercept.as_ref(), Some(&tls), None);
    let all: [(&[SocketAddr], Option<&TlsFiles>, Way); 5] = [
        (&gateway.listen, secure, Way::Calls),
        (&gateway.plain_http, plain, Way::Calls),
        (own.map_or(&[], |own| own.proxy.as_slice()), plain, Way::Proxy),
        (own.map_or(&[], |own| own.proxy_tls.as_slice()), secure, Way::Proxy),
        (own.map_or(&[], |own| own.transparent.as_slice()), plain, Way::Transparent),
    ];
    let each = |(addresses, tls, way): (&[SocketAddr], Option<&TlsFiles>, Way)| -> Vec<Listen> {
        addresses.iter().map(|address| Listen { address: *address, tls: tls.cloned(), way }).collect()
    };
    all.into_iter().flat_map(each).collect()
}

/// What comes into force only at a start: where it listens, for calls and as a witness, and as which witness.
fn addresses(loaded: &Loaded) -> (Vec<SocketAddr>, Option<config::Witness>) {
    let witness = loaded.gateway.witness.clone().map(|witness| config::Witness { logs: PathBuf::new(), ..witness });
    (listen(loaded).iter().map(|one| one.address).collect(), witness)
}

fn limits(loaded: &Loaded) -> Limits {
    let limits = &loaded.gateway.limits;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        header_bytes: usize::try_from(limits.header_bytes).unwrap_or(usize::MAX),
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        connections: count(limits.connections),
        exchanges: count(limits.exchanges),
        bodies: usize::try_from(limits.bodies).unwrap_or(usize::MAX),
        grace: limits.drain_timeout,
        ..Limits::default()
    }
}

/// What a `config` record says of a plant that did not.
fn rejected(problem: &miette::Report) -> BTreeMap<&'static str, Note> {
    let unapproved = problem.downcast_ref().map(Unapproved::note);
    let mut note = unapproved.or_else(|| problem.downcast_ref().map(Stranger::note)).unwrap_or_default();
    note.insert("result", Note::text("rejected"));
    note
}

/// What an `admin` record says of a workload token.
fn changed(change: &Change) -> BTreeMap<&'static str, Note> {
    let (what, entry) = match change {
        Change::Issued(entry) => ("token-issued", entry),
        Change::Revoked(entry) => ("token-revoked", entry),
        Change::Altered(entry) => ("token-altered", entry),
        Change::Removed(entry) => ("token-removed", entry),
    };
    let mut note = BTreeMap::from([
        ("change", Note::text(what)),
        ("token", Note::text(entry.id.to_string())),
        ("workload", Note::text(entry.workload.to_string())),
    ]);
    if let Some(expires) = entry.expires {
        note.insert("expires", Note::text(expires.to_string()));
    }
    note
}

/// When the plant's files last changed, and how long they are.
#[derive(PartialEq, Eq)]
struct Seen(Vec<Option<(SystemTime, u64)>>);

impl Seen {
    fn look(loaded: &Loaded, path: &Path) -> Self {
        let plant = if path.is_dir() { path.join("plant.toml") } else { path.to_owned() };
        let gateway = &loaded.gateway;
        let rules = loaded.rules.iter().map(|rule| loaded.folder.join(&rule.name));
        let own = [
            &gateway.tokens,
            &loaded.control.tokens,
            &loaded.control.signatures,
            &gateway.documents,
            &gateway.tables,
            &gateway.pictures,
            &gateway.tools,
            &gateway.certificate,
            &gateway.key,
            &gateway.client_authority,
        ]
        .map(Clone::clone);
        let providers = loaded.plant.providers.values().flat_map(|provider| {
            let credential = match &provider.credential {
                Some(CredentialReference::File(path)) => Some(path.clone()),
                Some(CredentialReference::Environment(_)) | None => None,
            };
            credential.into_iter().chain(provider.authorities.clone())
        });
        let witnesses = gateway.witnesses.iter().flat_map(|one| [Some(one.policy.clone()), one.authorities.clone()]);
        let logs = gateway.witness.iter().map(|witness| Some(witness.logs.clone()));
        let witnessing = witnesses.chain(logs).flatten();
        let intercept = gateway.intercept.iter();
        let intercept = intercept.flat_map(|own| [own.certificate.clone(), own.key.clone(), own.authorities.clone()]);
        let look = |file: PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        Self(
            [plant]
                .into_iter()
                .chain(own)
                .chain(providers)
                .chain(rules)
                .chain(witnessing)
                .chain(intercept)
                .map(look)
                .collect(),
        )
    }
}
