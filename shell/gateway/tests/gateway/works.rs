//! A small plant with a gateway, built in the test.

use crate::ledger::Ledger;
use gateway::{Gateway, Inforce, Limits, Listen, Metrics, Secrets, TlsFiles, Upstream, Way};
use guard::{Decimal, Guard, Limit, Unit};
use identity::{Registry, TokenEntry};
use inspect::{Entry, Inspector, Settings};
use plant::{
    Answers, Approval, Bounds, Conduit, CredentialReference, Criticality, Dialect, Files, Governance, Grpc, Guarding,
    Handling, Keep, Label, Millis, OperatorRequirement, Plant, Provider, PurdueLevel, Scale, SecurityLevels, Supplier,
    TokenId, Verdict, Wildcard, Workload, Zone,
};
use policy::Policy;
use seal::RootKey;
use seal::token::Secret;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// What the provider must never show anyone.
pub(crate) const CREDENTIAL: &str = "sk-proj-Ab3dEf6hIj9k3f2a";

/// What can be set about a plant.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) address: String,
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) bounds: Bounds,
    /// What may come back.
    pub(crate) answers: Answers,
    pub(crate) limits: Limits,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) token_expires: Option<Millis>,
    pub(crate) models: &'static str,
    pub(crate) opaque: &'static str,
    /// What conduits do with files.
    pub(crate) files: Files,
    /// What reads writing in pictures.
    pub(crate) engine: Option<ocr::Settings>,
    /// What conduits do with secrets.
    pub(crate) secrets: Verdict,
    /// What conduits do with tags.
    pub(crate) tags: Verdict,
    /// How calls wait for people.
    pub(crate) holds: gateway::HoldTerms,
    /// In which time answers must be accounted for.
    pub(crate) account_within: Option<Duration>,
    /// Whether conduits keep content.
    pub(crate) keep: bool,
    /// What conduits do with what answers recommend, if a tag has limits.
    pub(crate) guarding: Option<Guarding>,
    /// What stand-ins for tags look like.
    pub(crate) tokens: plant::Tokens,
    /// Providers that there are.
    pub(crate) providers: &'static str,
    /// Those of them to which a conduit leads.
    pub(crate) conduits: &'static str,
    /// Where `edge` is, if it is elsewhere.
    pub(crate) edge: Option<SocketAddr>,
    /// What `edge` may be shown: the plant's highest step, or less.
    pub(crate) edge_clearance: &'static str,
    /// What happens when providers fail.
    pub(crate) failing: fallback::Settings,
    /// How much may be used.
    pub(crate) quotas: quota::Settings,
    /// How much was used before.
    pub(crate) used: quota::Counters,
    /// Whether `kserve` is reached over gRPC too.
    pub(crate) grpc: bool,
    /// Counts its changes.
    pub(crate) version: u64,
}

impl Setting {
    pub(crate) fn new(provider: SocketAddr) -> Self {
        Self {
            address: format!("http://{provider}"),
            authorities: None,
            bounds: Bounds { first_byte: Duration::from_secs(5), idle: Duration::from_secs(5), ..Bounds::default() },
            answers: Answers::open(),
            limits: Limits { grace: Duration::from_secs(5), ..Limits::default() },
            tls: None,
            token_expires: None,
            models: "*",
            opaque: "",
            files: Files::default(),
            engine: None,
            secrets: Verdict::Refuse,
            tags: Verdict::Tokenise,
            holds: gateway::HoldTerms::default(),
            account_within: None,
            keep: false,
            guarding: None,
            tokens: plant::Tokens::Words,
            providers: "openai edge anthropic ollama kserve",
            conduits: "openai edge anthropic ollama kserve",
            edge: None,
            edge_clearance: "restricted",
            failing: fallback::Settings::default(),
            quotas: quota::Settings::default(),
            used: quota::Counters::default(),
            grpc: false,
            version: 1,
        }
    }

    /// One whose conduits wait for no provider, and take no long answers.
    pub(crate) fn impatient(provider: SocketAddr) -> Self {
        let bounds = Bounds {
            first_byte: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            answer: 64 << 10,
            ..Bounds::default()
        };
        Self { bounds, ..Self::new(provider) }
    }
}

/// A plant with its gateway.
pub(crate) struct Works {
    pub(crate) gateway: Gateway,
    pub(crate) address: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) token: String,
    setting: Setting,
}

impl Works {
    pub(crate) async fn start(setting: Setting) -> Self {
        let ledger = Ledger::new();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let root = root();
        let [commitments, tokens, shifts, sessions] =
            ["commitments", "tokens", "shifts", "sessions"].map(|label| root.derive(label));
        let secrets = Secrets { commitments, tokens, shifts, sessions };
        let listen = Listen { address: loopback, tls: setting.tls.clone(), way: Way::Calls };
        let gateway = Gateway::start(
            (&[listen], Some(loopback), gateway::Sockets::default()),
            setting.limits.clone(),
            secrets,
            inforce(&setting),
            Arc::clone(&ledger) as Arc<dyn gateway::Recorder>,
            Arc::new(Metrics::default()),
        )
        .await
        .unwrap();
        let address = gateway.addresses().next().unwrap();
        let operations = gateway.operations().unwrap();
        Self { gateway, address, operations, ledger, token: token(), setting }
    }

    /// Puts a changed plant in force.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Setting)) {
        change(&mut self.setting);
        self.setting.version += 1;
        self.gateway.enforce(inforce(&self.setting));
    }

    /// A request as an SDK would send it.
    pub(crate) fn request(&self, path: &str, body: &str) -> Vec<u8> {
        self.head(path, &format!("Content-Length: {}", body.len()), body)
    }

    /// A request with lines of its own.
    pub(crate) fn head(&self, path: &str, lines: &str, body: &str) -> Vec<u8> {
        let token = &self.token;
        format!(
            "POST {path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{lines}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// A chat that is streamed or not.
    pub(crate) fn chat(&self, content: &str, stream: bool) -> Vec<u8> {
        self.request("/openai/v1/chat/completions", &chat(content, stream))
    }

    /// What the gateway counts.
    pub(crate) async fn metric(&self, line: &str) -> Option<u64> {
        let text = crate::caller::get(self.operations, "/metrics").await;
        text.lines().find_map(|one| one.strip_prefix(line)?.trim().parse().ok())
    }
}

pub(crate) fn chat(content: &str, stream: bool) -> String {
    format!(r#"{{"model":"gpt-4o","stream":{stream},"messages":[{{"role":"user","content":"{content}"}}]}}"#)
}

fn root() -> RootKey {
    RootKey::from_bytes([7; 32])
}

fn token() -> String {
    Secret::new(TokenId::new("copilot-1").unwrap(), &zeroize::Zeroizing::new([9; 32])).text().to_owned()
}

fn inforce(setting: &Setting) -> Inforce {
    let plant = Arc::new(plant(setting));
    let policy = Policy::new(Arc::clone(&plant), &[]).unwrap();
    let mut settings = Settings::new(plant.scale.step("internal").unwrap());
    let terms = Entry { terms: vec!["house yeast".to_owned()], patterns: Vec::new() };
    settings.dictionary.insert(Label::new("recipe").unwrap(), terms);
    let entry = TokenEntry {
        id: id("copilot-1"),
        workload: id("copilot"),
        sha256: seal::sha256(token().as_bytes()),
        issued: Millis(0),
        expires: setting.token_expires,
        revoked: None,
    };
    let upstreams = plant
        .providers
        .values()
        .map(|provider| (provider.id.clone(), Upstream::new(provider, Some(CREDENTIAL)).unwrap()))
        .collect();
    let registry = Registry::new(&plant, vec![entry], root().derive("pseudonyms"));
    let inforce = Inforce::new(policy, Inspector::new(&settings).unwrap(), registry, upstreams, None);
    let inforce = inforce
        .holding(setting.holds)
        .failing(setting.failing.clone())
        .within(setting.quotas.clone())
        .resuming(setting.used.clone())
        .reading(setting.engine.clone().map(|settings| Arc::new(ocr::Engine::new(settings))));
    if setting.guarding.is_some() { inforce.guarded(guard()) } else { inforce }
}

/// One tag has limits.
fn guard() -> Arc<Guard> {
    let limit = Limit {
        tag: "KIC-77".to_owned(),
        aliases: vec!["kiln draught".to_owned()],
        unit: Unit::named("Cel").unwrap(),
        low: Some(20.0),
        high: Some(180.0),
        step: None,
        window: None,
        modes: Vec::new(),
        interlocked: false,
    };
    Arc::new(Guard::new(vec![limit], Decimal::Either).unwrap())
}

/// An authority that has issued nothing: reading the system's, for each provider of each plant, would take most of the
/// tests' time.
fn authority() -> PathBuf {
    static AUTHORITY: LazyLock<PathBuf> = LazyLock::new(|| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = tempfile::NamedTempFile::new_in(folder).unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        // Whole or not at all: another run of the tests may read it.
        let path = folder.join("authority.pem");
        file.persist(&path).unwrap();
        path
    });
    AUTHORITY.clone()
}

fn id<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// What names a version of the plant in records.
pub(crate) fn digest(version: u64) -> String {
    format!("{version:064x}")
}

fn plant(setting: &Setting) -> Plant {
    let zone = |name: &str, networks: &[&str]| Zone {
        id: id(name),
        title: None,
        networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        level: PurdueLevel::Operations,
        target: SecurityLevels::new([2; 7]).unwrap(),
        criticality: Criticality::Medium,
        owner: "works".to_owned(),
    };
    let text = |text: &str| Some(text.to_owned());
    let workload = Workload {
        id: id("copilot"),
        title: None,
        zone: id("line"),
        certificates: vec!["spiffe://works/workload/copilot".to_owned()],
        purposes: vec![id("advice")],
        sources: plant::Access::default(),
        governance: Governance { owner: text("A"), update_process: text("B"), isolation_plan: text("C") },
    };
    let scale = Scale::new(["public", "internal", "restricted"].map(str::to_owned).to_vec()).unwrap();
    let (clearance, ceiling) = (scale.highest(), scale.highest());
    let provider = |name: &str, dialect| Provider {
        id: id(name),
        dialect,
        address: setting.address.clone(),
        authorities: Some(setting.authorities.clone().unwrap_or_else(authority)),
        credential: Some(CredentialReference::Environment("TEST".to_owned())),
        zone: id(if name == "edge" { "line" } else { "cloud" }),
        clearance,
        grpc: None,
        supplier: Supplier { name: "Scripted".to_owned(), country: None, sub_processors: Vec::new() },
        governance: Governance::default(),
    };
    let grpc = Grpc { names: vec!["localhost".to_owned()], address: setting.address.clone() };
    let edge = Provider {
        address: setting.edge.map_or_else(|| setting.address.clone(), |edge| format!("http://{edge}")),
        clearance: scale.step(setting.edge_clearance).unwrap(),
        ..provider("edge", Dialect::OpenAi)
    };
    let providers = [
        provider("openai", Dialect::OpenAi),
        edge,
        provider("anthropic", Dialect::Anthropic),
        provider("ollama", Dialect::Ollama),
        Provider { grpc: Some(grpc).filter(|_| setting.grpc), ..provider("kserve", Dialect::Kserve) },
    ];
    let named = |names: &str, one: &&Provider| names.split_whitespace().any(|name| name == one.id.as_str());
    let providers: Vec<_> = providers.iter().filter(|one| named(setting.providers, one)).cloned().collect();
    let wildcards = |text: &str| text.split_whitespace().map(|text| Wildcard(text.to_owned())).collect::<Vec<_>>();
    let handling =
        |label: &str, verdict| Handling { label: Label::new(label).unwrap(), verdict, tokens: setting.tokens };
    let conduit = |to: &Provider| Conduit {
        id: id(&format!("to-{}", to.id)),
        from: vec![id("line")],
        to: to.id.clone(),
        workloads: Vec::new(),
        purposes: vec![id("advice")],
        models: wildcards(setting.models),
        tools: None,
        ceiling,
        operator: OperatorRequirement::Optional,
        handling: vec![
            handling("secret", setting.secrets),
            handling("person", Verdict::Redact),
            handling("tag", setting.tags),
            handling("recipe", if to.id.as_str() == "edge" { Verdict::Allow } else { Verdict::Reroute }),
        ],
        reroute: (to.id.as_str() == "openai").then(|| id("edge")),
        reroute_model: None,
        opaque: wildcards(setting.opaque),
        answers: setting.answers.clone(),
        bounds: setting.bounds.clone(),
        files: setting.files,
        sources: plant::Access::default(),
        unapproved: plant::Unapproved::default(),
        guarding: setting.guarding.unwrap_or_default(),
        keep: if setting.keep { Keep::Content } else { Keep::Nothing },
        essential: false,
        oversight: plant::Oversight { within: setting.account_within, ..plant::Oversight::default() },
        owner: "works".to_owned(),
        approval: Approval { by: "works".to_owned(), at: None },
        expires: None,
    };
    let conduits: Vec<Conduit> = providers.iter().filter(|one| named(setting.conduits, one)).map(conduit).collect();
    Plant {
        id: id("works"),
        gateway: id("gate-1"),
        scale,
        zones: [zone("line", &["127.0.0.1/32"]), zone("cloud", &[])]
            .into_iter()
            .map(|one| (one.id.clone(), one))
            .collect(),
        workloads: BTreeMap::from([(workload.id.clone(), workload)]),
        workstations: BTreeMap::new(),
        sources: BTreeMap::new(),
        issuer: None,
        providers: providers.into_iter().map(|one| (one.id.clone(), one)).collect(),
        conduits: conduits.into_iter().map(|one| (one.id.clone(), one)).collect(),
        digest: digest(setting.version),
    }
}

impl Works {
    /// Waits until a metric has a value.
    pub(crate) async fn until_metric(&self, line: &str, value: u64) {
        let end = tokio::time::Instant::now() + crate::caller::PATIENCE;
        loop {
            let now = self.metric(line).await;
            if now == Some(value) {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "waited for `{line} {value}`, it is {now:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
