//! Joins the console to the house: what people ask of a running gateway, done with its parts.

use crate::charting::Charting;
use crate::drafting;
use crate::isolating::{Deed, Isolating};
use crate::journal::{self, Ledger};
use crate::searching::Searching;
use crate::signing_in::SigningIn;
use crate::stocktaking;
use crate::visits;
use ::witness::Standing;
use arc_swap::ArcSwap;
use config::Loaded;
use config::badges::{self, Badges};
use console::{
    Archive, Arrival, Asked, Barred, Components, Console, Control, Decision, Declaration, Entrance, Fault, Form, Found,
    Hold, InForce, Isolations, Later, Listen, Listing, Map, Name, Opening, Paths, Person, Picked, Proof, Reading,
    Receipt, Ruling, Sheet, Sought, Standing as PlantFiles, State, Stored, Story, Tls, Tried, Trip, Undeclared, Visit,
    Wanted, Why, Wish,
};
use gateway::{Inforce, Valve, Waiting, Word};
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Note, Plant, RecordId};
use seal::token::Secret;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// The name of the socket in the ledger's folder: there is one gateway to a ledger.
const SOCKET: &str = "control.sock";
/// Most orders that wait for the house.
const ORDERS: usize = 16;

/// Where a gateway on this machine is asked.
pub(crate) fn socket(ledger: &Path) -> PathBuf {
    ledger.join(SOCKET)
}

/// Something that the house does between two looks at its files: reads them anew, and says what came of it.
pub(crate) struct Order {
    pub(crate) by: Person,
    pub(crate) told: oneshot::Sender<Result<InForce, String>>,
}

/// Who may control a gateway, and what takes two.
pub(crate) struct Terms {
    pub(crate) control: config::Control,
    pub(crate) badges: Badges,
    loaded: Arc<Loaded>,
    signing_in: Option<Arc<SigningIn>>,
    /// Whoever was let in under others may not be let in again.
    epoch: u64,
}

impl Terms {
    pub(crate) fn read(loaded: &Arc<Loaded>) -> miette::Result<Self> {
        let (control, issuer) = (loaded.control.clone(), loaded.plant.issuer.as_ref());
        let signing_in = issuer.zip(control.login.clone());
        let signing_in = signing_in.map(|(issuer, login)| Arc::new(SigningIn::new(issuer.clone(), login)));
        let mut hasher = DefaultHasher::new();
        format!("{:?} {:?} {issuer:?}", control.roles, control.login).hash(&mut hasher);
        let badges = badges::read(&control.tokens)?;
        Ok(Self { control, badges, loaded: Arc::clone(loaded), signing_in, epoch: hasher.finish() })
    }

    /// Whether nobody can come in yet but by a one-time link.
    fn fresh(&self) -> bool {
        self.signing_in.is_none() && self.badges.list().is_empty()
    }
}

/// The hands on a gateway.
pub(crate) struct Hands {
    valve: Valve,
    isolating: Arc<Isolating>,
    recorder: Arc<Ledger>,
    standing: Arc<Standing>,
    searching: Arc<Searching>,
    terms: ArcSwap<Terms>,
    orders: mpsc::Sender<Order>,
    plant_file: PathBuf,
    /// Drafts that are being tried out, and looks at the plant's files. A place is kept until the work is done: whoever hangs up does
    /// not end it.
    drafts: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    /// Looks into the inventory, one at a time, in the same way.
    stocktaking: Arc<Semaphore>,
    pub(crate) charting: Arc<Charting>,
}

/// The console of a gateway that runs.
pub(crate) struct Controlling {
    pub(crate) hands: Arc<Hands>,
    pub(crate) orders: mpsc::Receiver<Order>,
    console: Console,
    tls: Option<Tls>,
}

impl Controlling {
    /// Begins to listen.
    pub(crate) async fn open(
        path: &Path,
        loaded: &Arc<Loaded>,
        valve: Valve,
        isolating: Arc<Isolating>,
        recorder: Arc<Ledger>,
        standing: Arc<Standing>,
    ) -> miette::Result<Self> {
        let (sender, orders) = mpsc::channel(ORDERS);
        let Fresh { terms, certificate } = Fresh::read(loaded)?;
        let terms = ArcSwap::from_pointee(terms);
        let plant_file = if path.is_dir() { path.join(config::PLANT_FILE) } else { path.to_owned() };
        let (drafts, looks) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(2)));
        let stocktaking = Arc::new(Semaphore::new(1));
        let charting = Arc::new(Charting::new(loaded.gateway.ledger.clone()));
        let searching = Searching::open(loaded, Arc::clone(&recorder));
        let hands = Arc::new(Hands {
            valve,
            isolating,
            recorder,
            standing,
            searching,
            terms,
            orders: sender,
            plant_file,
            drafts,
            looks,
            stocktaking,
            charting,
        });
        let tls = certificate.map(|certificate| Arc::new(ArcSwap::from_pointee(certificate)));
        let url = loaded.control.url.clone();
        let listen = loaded.control.listen.map(|address| Listen { address, tls: tls.clone(), url });
        let (control, entrance) = (Arc::clone(&hands) as Arc<dyn Control>, Arc::clone(&hands) as Arc<dyn Entrance>);
        let console = Console::start(&socket(&loaded.gateway.ledger), listen.as_ref(), control, entrance)
            .await
            .into_diagnostic()
            .wrap_err("nobody could control this gateway")?;
        Ok(Self { hands, orders, console, tls })
    }

    /// Where it listens, if beyond the machine's own socket.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.console.address()
    }

    /// A one-time link by which the gateway's own user signs in.
    pub(crate) fn link(&self) -> Option<String> {
        self.console.link()
    }

    /// Tells who starts a gateway that nobody can sign in at yet how to: with a link on a terminal, which is nobody else's, and
    /// without one in a log.
    pub(crate) fn welcome(&self) {
        if self.address().is_none() || !self.hands.terms.load().fresh() {
            return;
        }
        match self.console.link().filter(|_| std::io::stderr().is_terminal()) {
            Some(link) => eprintln!("\nsign in at the console, once and within a quarter of an hour:\n\n    {link}\n"),
            None => {
                tracing::info!("nobody can sign in at the console yet: `penstock admin link` prints a one-time link");
            }
        }
    }

    /// Puts in force what the files say now; gives what has changed about tokens.
    pub(crate) fn renew(&self, loaded: &Loaded, fresh: Fresh) -> Vec<(&'static str, badges::Badge)> {
        if let Some((tls, certificate)) = self.tls.as_ref().zip(fresh.certificate) {
            tls.store(Arc::new(certificate));
        }
        let before = self.hands.terms.swap(Arc::new(fresh.terms));
        if (loaded.control.listen, &loaded.control.url) != (before.control.listen, &before.control.url) {
            tracing::warn!("a changed address of the console comes into force at the next start");
        }
        self.hands.terms.load().badges.since(&before.badges)
    }

    pub(crate) async fn close(self) {
        self.hands.searching.close();
        self.console.stop().await;
    }
}

/// What the files say now, read before any of it comes into force.
pub(crate) struct Fresh {
    terms: Terms,
    certificate: Option<rustls::ServerConfig>,
}

impl Fresh {
    pub(crate) fn read(loaded: &Arc<Loaded>) -> miette::Result<Self> {
        let secure = loaded.control.listen.is_some_and(|address| !address.ip().is_loopback());
        let own = || gateway::server(&loaded.gateway.certificate, &loaded.gateway.key).into_diagnostic();
        let certificate = if secure { Some(own()?) } else { None };
        Ok(Self { terms: Terms::read(loaded)?, certificate })
    }
}

/// What an `admin` record says of a token.
pub(crate) fn changed(what: &'static str, badge: &badges::Badge) -> BTreeMap<&'static str, Note> {
    let roles = badge.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    let mut note = BTreeMap::from([
        ("change", Note::text(what)),
        ("token", Note::text(badge.id.to_string())),
        ("person", Note::text(badge.person.to_string())),
        ("roles", Note::text(roles)),
    ]);
    note.extend(badge.expires.map(|expires| ("expires", Note::text(expires.to_string()))));
    note
}

/// What is in force, in numbers.
pub(crate) fn in_force(plant: &Plant) -> InForce {
    InForce {
        digest: plant.digest.clone(),
        zones: plant.zones.len(),
        conduits: plant.conduits.len(),
        workloads: plant.workloads.len(),
        providers: plant.providers.len(),
    }
}

impl Hands {
    /// What runs.
    fn store(&self) -> &Store {
        &self.recorder.store
    }

    async fn known(&self, token: &str) -> Result<Person, Barred> {
        let terms = self.terms.load_full();
        if let Ok(secret) = Secret::parse(token) {
            let badge = terms.badges.of(&secret).ok_or(Why::TokenUnknown)?;
            let person = Person { name: badge.person.to_string(), by: "token", roles: badge.roles.clone() };
            return match badge.state(gateway::now()) {
                badges::State::Valid => Ok(person),
                badges::State::Expired => Err(Barred { why: Why::TokenExpired, whose: Some(person) }),
                badges::State::Revoked => Err(Barred { why: Why::TokenRevoked, whose: Some(person) }),
            };
        }
        let (person, stated) = self.valve.inforce().operator(token).await.ok_or(Why::TokenUnknown)?;
        let roles = terms.control.roles_of(&stated).collect();
        Ok(Person { name: person.to_string(), by: "oidc", roles })
    }

    async fn change(&self, deed: Deed, by: Person, wish: Wish) -> Result<Asked<Isolations>, Fault> {
        let (isolating, valve, terms) = (Arc::clone(&self.isolating), self.valve.clone(), self.terms.load_full());
        let two = match deed {
            Deed::Isolate => terms.control.two_isolate,
            Deed::Restore => terms.control.two_restore,
        };
        let (told, part) = (by.told(), wish.part.to_string());
        let work = move || {
            let inforce = valve.inforce();
            isolating.change(deed, &by, wish, two, inforce.plant(), |parts| valve.isolate(parts))
        };
        let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(lost()));
        match &done {
            Ok(Asked::Done(_)) => tracing::warn!(by = told, part, deed = deed.name(), "done by hand"),
            Ok(Asked::Waits(_)) => {
                tracing::warn!(by = told, part, deed = deed.name(), "asked for, and waits for a second person");
            }
            Err(problem) => tracing::error!(by = told, part, deed = deed.name(), %problem, "not done as asked"),
        }
        done
    }

    /// A held call. Whoever sees its content is on record before they see it.
    async fn look(&self, by: Person, id: RecordId, content: bool) -> Result<Hold, Fault> {
        let waiting = self.valve.hold(id).ok_or_else(nothing)?;
        if content {
            let note =
                [("event", Note::text("seen")), ("call", Note::text(id.to_string())), ("by", Note::text(by.told()))];
            let recorded = journal::referring(&self.recorder.store, Kind::Hold, waiting.record, note.into());
            recorded.await.map_err(|problem| {
                Fault::Unavailable(format!("content is not shown while that cannot be recorded: {problem}"))
            })?;
        }
        Ok(shown(&waiting, content))
    }

    /// Works with the plant's files, beside everything else.
    async fn with_files<T: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        work: impl FnOnce(&Path, &Loaded) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (path, now) = (self.plant_file.clone(), Arc::clone(&self.terms.load().loaded));
        let worked = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&path, &now)
        });
        worked.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Looks into the inventory, after whoever does so now.
    async fn with_stock<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Loaded) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let place = Arc::clone(&self.stocktaking).acquire_owned().await.map_err(|_| lost())?;
        self.with_files(place, move |_, now| work(now)).await
    }

    /// Looks at the paths, in the same turn as the inventory.
    async fn with_paths<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Charting, &Loaded, &Inforce) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (charting, inforce) = (Arc::clone(&self.charting), self.valve.inforce());
        self.with_stock(move |now| work(&charting, now, &inforce)).await
    }

    async fn order(&self, by: Person) -> Result<InForce, Fault> {
        let (told, came) = oneshot::channel();
        let busy = |_| Fault::Unavailable("the gateway has as many orders as it takes; try again".to_owned());
        self.orders.try_send(Order { by, told }).map_err(busy)?;
        came.await.map_err(|_| lost())?.map_err(Fault::Unfit)
    }
}

fn nothing() -> Fault {
    Fault::Unknown("no call of that name waits".to_owned())
}

/// A call that waits, as it is shown: with what was found in it only to whom may see content.
fn shown(waiting: &Waiting, content: bool) -> Hold {
    let (call, text) = (&waiting.call, |text: Option<&dyn ToString>| text.map(ToString::to_string));
    let (who, place, what) = (call.who.as_ref(), call.place.as_ref(), call.what.as_ref());
    let found = waiting.found.iter().map(|one| {
        let [before, found, after] = one.text.clone().map(|text| content.then_some(text));
        Found {
            label: one.label.clone(),
            rule: one.rule.clone(),
            place: one.place.clone(),
            held_for: one.held_for,
            before,
            text: found,
            after,
        }
    });
    Hold {
        id: waiting.id.to_string(),
        since: waiting.since.to_string(),
        until: waiting.until.to_string(),
        workload: who.and_then(|who| who.workload.as_ref()).map(|party| party.id.clone()),
        operator: who.and_then(|who| who.operator.as_ref()).map(|party| party.id.clone()),
        zone: text(place.and_then(|place| place.zone.as_ref()).map(|id| id as &dyn ToString)),
        conduit: text(place.and_then(|place| place.conduit.as_ref()).map(|id| id as &dyn ToString)),
        provider: text(
            what.and_then(|what| what.rerouted.as_ref().or(what.provider.as_ref())).map(|id| id as &dyn ToString),
        ),
        model: what.and_then(|what| what.model.clone()).filter(|model| !model.is_empty()),
        purpose: text(place.and_then(|place| place.purpose.as_ref()).map(|id| id as &dyn ToString)),
        sensitivity: what.and_then(|what| what.sensitivity.clone()),
        why: waiting.why.clone(),
        found: found.collect(),
    }
}

/// Whoever should have done it is gone: the gateway stops.
fn lost() -> Fault {
    Fault::Unavailable("the gateway is stopping".to_owned())
}

impl Control for Hands {
    fn recognise<'a>(&'a self, token: &'a str) -> Later<'a, Result<Person, Barred>> {
        Box::pin(self.known(token))
    }

    fn state(&self) -> State {
        let (inforce, ledger, readiness) = (self.valve.inforce(), self.store().state(), self.valve.readiness());
        let plant = inforce.plant();
        State {
            plant: plant.id.to_string(),
            gateway: plant.gateway.to_string(),
            version: env!("CARGO_PKG_VERSION"),
            ready: readiness.is_ok(),
            problem: readiness.err(),
            in_force: in_force(plant),
            ledger: console::Ledger { healthy: ledger.healthy, records: ledger.size, published: ledger.published },
            isolated: self.valve.isolated().len(),
            held: self.valve.holds().len(),
        }
    }

    fn reading(&self) -> Reading {
        crate::instruments::reading(&self.valve, self.store(), &self.standing, self.isolating.list())
    }

    fn map(&self) -> Map {
        let terms = self.terms.load();
        let two = [(terms.control.two_isolate, "isolate"), (terms.control.two_restore, "restore")];
        let two = two.into_iter().filter(|(two, _)| *two).map(|(_, deed)| deed).collect();
        crate::instruments::map(self.valve.inforce().plant(), two)
    }

    fn isolations(&self) -> Isolations {
        self.isolating.list()
    }

    fn isolate(&self, by: Person, wish: Wish) -> Later<'_, Result<Asked<Isolations>, Fault>> {
        Box::pin(self.change(Deed::Isolate, by, wish))
    }

    fn restore(&self, by: Person, wish: Wish) -> Later<'_, Result<Asked<Isolations>, Fault>> {
        Box::pin(self.change(Deed::Restore, by, wish))
    }

    fn holds(&self) -> Vec<Hold> {
        self.valve.holds().iter().map(|waiting| shown(waiting, false)).collect()
    }

    fn hold(&self, by: Person, id: RecordId, content: bool) -> Later<'_, Result<Hold, Fault>> {
        Box::pin(self.look(by, id, content))
    }

    fn decide(&self, by: Person, id: RecordId, ruling: Ruling) -> Later<'_, Result<Hold, Fault>> {
        let word = Word { approve: ruling.decision == Decision::Approve, by: by.told(), reason: ruling.reason };
        let decided = self.valve.decide(id, word).map(|waiting| shown(&waiting, false)).ok_or_else(nothing);
        Box::pin(std::future::ready(decided))
    }

    fn plant(&self, texts: bool) -> Later<'_, Result<PlantFiles, Fault>> {
        Box::pin(async move {
            let place = Arc::clone(&self.looks).acquire_owned().await.map_err(|_| lost())?;
            self.with_files(place, move |path, now| drafting::standing(path, now, texts)).await
        })
    }

    fn draft(&self, files: BTreeMap<String, String>) -> Later<'_, Result<Tried, Fault>> {
        Box::pin(async move {
            let busy = |_| Fault::Unavailable("another draft is being tried out; try again".to_owned());
            let place = Arc::clone(&self.drafts).try_acquire_owned().map_err(busy)?;
            self.with_files(place, move |path, now| drafting::try_out(path, now, &files)).await
        })
    }

    fn components(&self) -> Later<'_, Result<Components, Fault>> {
        let size = self.store().state().size;
        Box::pin(self.with_stock(move |now| stocktaking::components(now, size)))
    }

    fn components_as(&self, picked: Picked, sheet: Sheet) -> Later<'_, Result<String, Fault>> {
        Box::pin(self.with_stock(move |now| stocktaking::text(now, &picked, sheet)))
    }

    fn declaration(&self, name: String) -> Later<'_, Result<Declaration, Fault>> {
        Box::pin(self.with_stock(move |now| stocktaking::declaration(now, &name)))
    }

    fn paths(&self, sought: Sought) -> Later<'_, Result<Paths, Fault>> {
        let size = self.store().state().size;
        Box::pin(self.with_paths(move |charting, now, inforce| charting.paths(now, inforce, &sought, size)))
    }

    fn paths_as(&self, sought: Sought, form: Form) -> Later<'_, Result<String, Fault>> {
        Box::pin(self.with_paths(move |charting, now, inforce| charting.text(now, inforce, &sought, form)))
    }

    fn undeclared(&self) -> Later<'_, Result<Undeclared, Fault>> {
        let size = self.store().state().size;
        Box::pin(self.with_paths(move |charting, now, inforce| charting.undeclared(now, inforce, size)))
    }

    fn reload(&self, by: Person) -> Later<'_, Result<InForce, Fault>> {
        Box::pin(self.order(by))
    }
}

impl Archive for Hands {
    fn search(&self, by: Person, wanted: Wanted) -> Later<'_, Result<Listing, Fault>> {
        Box::pin(Arc::clone(&self.searching).beside(by, move |searching, _| searching.listing(wanted)))
    }

    fn stored(&self, by: Person, wanted: Wanted) -> Later<'_, Result<Stored, Fault>> {
        Box::pin(Arc::clone(&self.searching).beside(by, move |searching, _| searching.stored(wanted)))
    }

    fn record(&self, by: Person, name: Name) -> Later<'_, Result<Story, Fault>> {
        Box::pin(Arc::clone(&self.searching).beside(by, move |searching, _| searching.story(name)))
    }

    fn proof(&self, by: Person, name: Name) -> Later<'_, Result<Proof, Fault>> {
        Box::pin(Arc::clone(&self.searching).beside(by, move |searching, _| searching.proof(name)))
    }

    fn receipt(&self, by: Person, name: Name) -> Later<'_, Result<Receipt, Fault>> {
        Box::pin(Arc::clone(&self.searching).beside(by, move |searching, _| searching.receipt(name)))
    }

    fn open(&self, by: Person, name: Name) -> Later<'_, Result<Opening, Fault>> {
        Box::pin(Arc::clone(&self.searching).beside(by, move |searching, by| searching.opening(by, name)))
    }
}

impl Entrance for Hands {
    fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        seal::sha256(bytes)
    }

    fn terms(&self) -> console::Terms {
        let terms = self.terms.load();
        console::Terms {
            issuer: terms.signing_in.is_some(),
            epoch: terms.epoch,
            time_zone: terms.control.time_zone.clone(),
        }
    }

    fn leave<'a>(&'a self, trip: &'a Trip) -> Later<'a, Result<String, Fault>> {
        Box::pin(async move {
            let signing_in = self.terms.load().signing_in.clone();
            signing_in.ok_or_else(no_issuer)?.leave(trip).await
        })
    }

    fn arrive<'a>(&'a self, trip: &'a Trip, arrival: Arrival) -> Later<'a, Result<Person, Fault>> {
        Box::pin(async move {
            let terms = self.terms.load_full();
            let signing_in = terms.signing_in.as_ref().ok_or_else(no_issuer)?;
            let (person, stated) = signing_in.arrive(&self.valve.inforce(), trip, arrival).await?;
            Ok(Person { name: person.to_string(), by: "oidc", roles: terms.control.roles_of(&stated).collect() })
        })
    }

    fn note(&self, visit: Visit) {
        // Beside who signs in: a ledger that cannot be written keeps nobody from shutting the gate.
        journal::leave(&self.recorder.store, Kind::Admin, visits::body(visit));
    }
}

fn no_issuer() -> Fault {
    Fault::Unfit("the plant has no issuer that people sign in at: `[console.login]`".to_owned())
}
