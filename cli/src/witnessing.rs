//! Joins witnessing to the house: who signs the heads of our ledger, and whose heads we sign, as the plant file says.

use crate::verify::{text, trust};
use crate::witness::cosigner;
use ::witness::{Judge, Listen, Rounds, Server, Settings, Standing, Tls};
use arc_swap::ArcSwap;
use config::{Gateway, Loaded};
use gateway::Metrics;
use ledger::verify::Trust;
use miette::{IntoDiagnostic, WrapErr};
use seal::note::Verifier;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use store::Store;

/// Both ends of witnessing, as far as the plant file wants them.
pub(crate) struct Witnessing {
    standing: Arc<Standing>,
    rounds: Option<Rounds>,
    own: Option<Own>,
}

/// This gateway as a witness.
struct Own {
    judge: Arc<Judge>,
    server: Server,
    tls: Option<Tls>,
}

/// What the files say now, read before any of it comes into force.
pub(crate) struct Fresh {
    asked: Option<Settings>,
    logs: Option<Vec<Verifier>>,
    certificate: Option<rustls::ServerConfig>,
}

impl Fresh {
    pub(crate) fn read(loaded: &Loaded) -> miette::Result<Self> {
        let gateway = &loaded.gateway;
        let asked = gateway.witnesses.as_ref().map(asked).transpose()?;
        let logs = gateway.witness.as_ref().map(|witness| peers(&witness.logs)).transpose()?;
        let secure = gateway.witness.as_ref().is_some_and(|witness| !witness.listen.is_empty());
        let certificate = if secure { Some(certificate(gateway)?) } else { None };
        Ok(Self { asked, logs, certificate })
    }
}

impl Witnessing {
    /// Begins to ask and to listen.
    pub(crate) async fn open(loaded: &Loaded, store: &Arc<Store>, metrics: &Metrics) -> miette::Result<Self> {
        let Fresh { asked, logs, certificate } = Fresh::read(loaded)?;
        let standing = Arc::<Standing>::default();
        metrics.register(|registry| standing.register(registry));
        let own = match loaded.gateway.witness.as_ref().zip(logs) {
            Some((witness, logs)) => Some(Own::open(witness, logs, certificate, metrics).await?),
            None => None,
        };
        let mut witnessing = Self { standing, rounds: None, own };
        witnessing.ask(loaded, store, asked);
        Ok(witnessing)
    }

    /// How far witnesses have followed this gateway's ledger.
    pub(crate) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing)
    }

    /// The addresses that this gateway is asked at as a witness.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.own.iter().flat_map(|own| own.server.addresses().iter().copied())
    }

    /// Puts in force what was read anew.
    pub(crate) fn renew(&mut self, loaded: &Loaded, store: &Arc<Store>, fresh: Fresh) {
        if let Some((own, logs)) = self.own.as_ref().zip(fresh.logs) {
            own.judge.look_after(logs);
        }
        if let Some((tls, certificate)) = self.own.as_ref().and_then(|own| own.tls.as_ref()).zip(fresh.certificate) {
            tls.store(Arc::new(certificate));
        }
        self.ask(loaded, store, fresh.asked);
    }

    fn ask(&mut self, loaded: &Loaded, store: &Arc<Store>, settings: Option<Settings>) {
        // The old rounds end first: rounds that end say that nobody is asked.
        self.rounds = None;
        self.rounds = settings.map(|settings| Rounds::begin(settings, &loaded.gateway.ledger, store, &self.standing));
    }

    /// Has the last head of the closed ledger signed, and stops being a witness.
    pub(crate) async fn close(self) {
        if let Some(rounds) = self.rounds {
            rounds.end().await;
        }
        if let Some(own) = self.own {
            own.server.stop().await;
        }
    }
}

impl Own {
    async fn open(
        witness: &config::Witness,
        logs: Vec<Verifier>,
        certificate: Option<rustls::ServerConfig>,
        metrics: &Metrics,
    ) -> miette::Result<Self> {
        let cosigner = cosigner(&witness.key).map_err(|problem| miette::miette!("{problem}"))?;
        let judge = Judge::new(cosigner, &witness.state, logs).into_diagnostic()?;
        metrics.register(|registry| judge.register(registry));
        let tls = certificate.map(|certificate| Arc::new(ArcSwap::from_pointee(certificate)));
        let secure = witness.listen.iter().map(|address| Listen { address: *address, tls: tls.clone() });
        let plain = witness.plain_http.iter().map(|address| Listen { address: *address, tls: None });
        let listen: Vec<Listen> = secure.chain(plain).collect();
        let server = Server::start(&listen, &judge).await.into_diagnostic()?;
        Ok(Self { judge, server, tls })
    }
}

/// Whom the policy names, and where they are.
fn asked(witnesses: &config::Witnesses) -> miette::Result<Settings> {
    let path = &witnesses.policy;
    let policy = text(path).map_err(|problem| miette::miette!("{problem}"))?;
    let read = Trust::parse_policy(&policy).into_diagnostic().and_then(|policy| {
        let connector = gateway::connector(witnesses.authorities.as_deref()).into_diagnostic()?;
        let quorum = policy.quorum().ok_or_else(|| miette::miette!("it has no quorum"))?;
        Settings::new(quorum, witnesses.every, witnesses.warn_after, &connector).into_diagnostic()
    });
    read.wrap_err_with(|| format!("the policy `{}` cannot be used", path.display()))
}

/// The keys of the ledgers that this gateway witnesses.
fn peers(path: &Path) -> miette::Result<Vec<Verifier>> {
    Ok(trust(path).map_err(|problem| miette::miette!("{problem}"))?.verifiers().to_vec())
}

fn certificate(gateway: &Gateway) -> miette::Result<rustls::ServerConfig> {
    gateway::server(&gateway.certificate, &gateway.key).into_diagnostic()
}
