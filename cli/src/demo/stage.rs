//! The demo's plant, built and running: its folder, its keys and tokens, its AI services, its gateway.

use super::caller::{self, Got};
use super::scenes::{Proof, Scene};
use super::services::Services;
use crate::assemble;
use crate::init::{self, Template};
use crate::run::House;
use crate::secret::random;
use crate::signin::SignIn;
use crate::token;
use http::{Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::{Millis, Plant, WorkloadId};
use seal::token::Secret;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

const DAY: u64 = 86_400_000;
/// Whose sign-in the demo makes; records hold a pseudonym.
const OPERATOR: &str = "l.okafor";

/// Everything that runs.
pub(super) struct Stage {
    /// The plant's folder.
    pub(super) folder: PathBuf,
    /// The plant, as its file declares it.
    pub(super) plant: Arc<Plant>,
    /// What `penstock check` would warn of.
    pub(super) warnings: Vec<String>,
    /// The folder of the ledger.
    pub(super) ledger: PathBuf,
    /// The AI services.
    pub(super) services: Services,
    /// The gateway with all that belongs to it.
    pub(super) house: House,
    /// Where it takes calls.
    pub(super) gateway: SocketAddr,
    tokens: BTreeMap<WorkloadId, Secret>,
    issuer: SignIn,
}

impl Stage {
    /// Builds the plant in an empty folder, and starts all that belongs to it.
    pub(super) async fn set(folder: &Path, picture: &[u8]) -> miette::Result<Self> {
        let services = Services::start().await?;
        let now = gateway::now();
        let plant_file = plant_file(&services, now);
        let template =
            Template { plant_file: &plant_file, rules: &[("rules/advice.cedar", include_str!("advice.cedar"))] };
        let loaded = init::lay(folder, &template, false, now)?;
        for provider in ["openai", "anthropic"] {
            let key = format!("sk-demo-{provider}-{}\n", seal::hex(random::<32>()?.as_ref()));
            write(folder, &format!("secrets/{provider}.key"), 0o600, key.as_bytes())?;
        }
        let issuer = loaded.plant.issuer.as_ref();
        let issuer = SignIn::new(issuer.ok_or_else(|| miette!("the demo's plant names no issuer of operators"))?)?;
        write(folder, "pki/operators.jwks", 0o644, issuer.keys().to_string().as_bytes())?;
        write(folder, "cap.png", 0o644, picture)?;
        let mut tokens = BTreeMap::new();
        for workload in loaded.plant.workloads.keys() {
            let note = Some("made by penstock demo".to_owned());
            let secret = token::add(&loaded.gateway.tokens, workload, (now, Some(Millis(now.0 + DAY))), note)?;
            tokens.insert(workload.clone(), secret);
        }
        // Again: what it warned of is there now.
        let loaded = assemble::load(folder)?;
        let (plant, ledger) = (Arc::clone(&loaded.plant), loaded.gateway.ledger.clone());
        let warnings = loaded.warnings.iter().map(|warning| warning.message.clone()).collect();
        let house = House::open(folder, loaded).await?;
        let gateway = house.gateway().addresses().next().ok_or_else(|| miette!("the gateway listens nowhere"))?;
        Ok(Self { folder: folder.to_owned(), plant, warnings, ledger, services, house, gateway, tokens, issuer })
    }

    /// The public key of the ledger.
    pub(super) fn ledger_key(&self) -> PathBuf {
        self.ledger.join("trust/ledger.trust")
    }

    /// A workload's token, as the application has it.
    pub(super) fn token(&self, workload: &str) -> miette::Result<&str> {
        let secret = WorkloadId::new(workload).ok().and_then(|id| self.tokens.get(&id));
        secret.map(Secret::text).ok_or_else(|| miette!("no workload `{workload}`"))
    }

    /// Lets an application make its call.
    pub(super) async fn call(&self, scene: &Scene) -> miette::Result<Got> {
        let certificate = (scene.proof == Proof::Certificate).then_some(scene.workload);
        let tls: TlsConnector = caller::tls(&self.folder, certificate)?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(scene.path)
            .header(header::HOST, self.gateway.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "penstock-demo");
        // An SDK sends its key where its dialect has one, also where a certificate is what counts.
        if scene.path.starts_with("/anthropic/") {
            request =
                request.header("anthropic-version", "2023-06-01").header("x-api-key", self.token(scene.workload)?);
        } else if scene.proof == Proof::Token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token(scene.workload)?));
        }
        if let Some(purpose) = scene.purpose {
            request = request.header("penstock-purpose", purpose);
        }
        if scene.operator {
            let methods = ["pwd", "mfa"].map(str::to_owned);
            let token = self.issuer.token(OPERATOR, &methods, &[], gateway::now());
            request = request.header("penstock-operator", token);
        }
        let request = request.body(Full::new(Bytes::from(scene.body.clone()))).into_diagnostic()?;
        let made = caller::call(scene.from, &tls, self.gateway, request).await;
        made.wrap_err_with(|| format!("the call of `{}` failed", scene.workload))
    }
}

/// The plant file, with the addresses of its services and an approval that begins today.
fn plant_file(services: &Services, now: Millis) -> String {
    let day = |at: u64| Millis(at).to_string().chars().take(10).collect::<String>();
    let mut text =
        include_str!("plant.toml").replace("@TODAY@", &day(now.0)).replace("@EXPIRES@", &day(now.0 + 365 * DAY));
    for (name, address) in services.addresses() {
        text = text.replace(&format!("@{}@", name.to_uppercase()), &format!("http://{address}"));
    }
    text
}

fn write(folder: &Path, name: &str, mode: u32, bytes: &[u8]) -> miette::Result<()> {
    let path = folder.join(name);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .and_then(|mut file| file.write_all(bytes));
    written.into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))
}
