//! Penstock as a contender: a plant with everything on, and the same with one step switched off.

use crate::Outcome;
use crate::load::Target;
use crate::process::{Running, done, wait_for};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// An endpoint of the provider's that the gateway does not know: what it knows it always reads.
const UNREAD: &str = "/v1/fim/completions";

/// A step that a plant can do without, and what it is called in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    Operator,
    Rule,
    Shifts,
    Reading,
    Certificate,
    Tls,
}

impl Without {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Without::Nothing => "everything on",
            Without::Operator => "without operator token",
            Without::Rule => "without Cedar rule",
            Without::Shifts => "without watch for shifts",
            Without::Reading => "nothing read (`opaque`)",
            Without::Certificate => "workload by token, no client certificate",
            Without::Tls => "workload by token, no TLS at all",
        }
    }
}

/// Lays out a plant in `folder`, with its ledger in a folder below `ledgers`, and starts its gateway.
pub(crate) struct Gate {
    pub(crate) target: Target,
    /// Where people look.
    pub(crate) console: SocketAddr,
    binary: PathBuf,
    plant: PathBuf,
    process: Option<Running>,
    ledger: tempfile::TempDir,
}

impl Gate {
    pub(crate) fn start(
        name: &'static str,
        (binary, plant, ledgers): (&Path, &Path, &Path),
        provider: SocketAddr,
        without: Without,
        more: &str,
    ) -> Outcome<Self> {
        let ledger = tempfile::tempdir_in(ledgers)?;
        let run = |arguments: &[&str]| done(Command::new(binary).arg("--plant").arg(plant).args(arguments));
        let folder = plant.display().to_string();
        run(&["init", &folder, "--name", "bench"])?;
        let operator = operator(plant)?;
        std::fs::write(plant.join("rule.cedar"), include_str!("rule.cedar"))?;
        std::fs::write(plant.join("plant.toml"), plant_file(provider, ledger.path(), without) + more)?;
        run(&["init", &folder, "--force"])?;
        run(&["check"])?;

        let mut headers = Vec::new();
        if matches!(without, Without::Certificate | Without::Tls) {
            let token = String::from_utf8(run(&["token", "issue", "--workload", "load"])?)?;
            headers.push(("authorization", format!("Bearer {}", token.trim())));
        }
        if without != Without::Operator {
            headers.push(("penstock-operator", operator));
        }
        let addresses = plant.join("addresses");
        let mut command = Command::new(binary);
        command.arg("--plant").arg(plant).args(["run", "--log-level", "warn", "--addresses"]).arg(&addresses);
        let process = Running::start(&mut command)?;
        let text = wait_for("penstock", || std::fs::read_to_string(&addresses).ok())?;
        let line = if without == Without::Tls { 1 } else { 0 };
        let address = text.lines().nth(line).ok_or("no address")?.parse()?;
        // The last, with nothing intercepted.
        let console = text.lines().last().ok_or("no console")?.parse()?;
        let tls = match without {
            Without::Tls => None,
            Without::Certificate => Some(trust(plant, false)?),
            _ => Some(trust(plant, true)?),
        };
        let path = if without == Without::Reading { UNREAD } else { "/v1/chat/completions" };
        let path = format!("/provider{path}");
        let target = Target { name, address, path, tls, headers, process: process.id() };
        let (binary, plant, process) = (binary.to_owned(), plant.to_owned(), Some(process));
        Ok(Self { target, console, binary, plant, process, ledger })
    }

    /// Ends the gateway; its plant stays.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// The folder of its ledger.
    pub(crate) fn ledger(&self) -> &Path {
        self.ledger.path()
    }

    /// Its plant file.
    pub(crate) fn plant_file(&self) -> PathBuf {
        self.plant.join("plant.toml")
    }

    /// A command of the plant's people, while the gateway runs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--plant").arg(&self.plant).args(arguments);
        command
    }
}

fn plant_file(provider: SocketAddr, ledger: &Path, without: Without) -> String {
    let unless = |step: Without, text: &str| if without == step { String::new() } else { text.to_owned() };
    let only = |step: Without, text: &str| if without == step { text.to_owned() } else { String::new() };
    include_str!("plant.toml")
        .replace("PROVIDER", &provider.to_string())
        .replace("LEDGER", &ledger.display().to_string())
        .replace("PLAIN", &only(Without::Tls, "plain_http = [\"127.0.0.1:0\"]"))
        .replace("OPAQUE", &only(Without::Reading, &format!("opaque = [\"{UNREAD}\"]")))
        .replace("MODELS", if without == Without::Reading { "[\"*\"]" } else { "[\"bench\", \"paced-*\", \"silent\"]" })
        // What nobody reads may be anything.
        .replace("CEILING", if without == Without::Reading { "restricted" } else { "confidential" })
        .replace("OPERATOR", &unless(Without::Operator, "operator = { required = true }"))
        .replace("RULES", &unless(Without::Rule, "[rules]\nfiles = [\"rule.cedar\"]"))
        .replace("SHIFTS", &only(Without::Shifts, "[shifts]\nwatch = false"))
}

/// An issuer of the benchmark's own: its keys go into the plant's folder, and the token of one operator comes back.
fn operator(plant: &Path) -> Outcome<String> {
    let key = plant.join("issuer.key");
    done(Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"))?;
    let shown = done(Command::new("openssl").args(["rsa", "-noout", "-modulus", "-in"]).arg(&key))?;
    let shown = String::from_utf8(shown)?;
    let hex = shown.trim().strip_prefix("Modulus=").ok_or("openssl shows no modulus")?;
    let modulus: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|at| hex.get(2 * at..2 * at + 2))
        .map(|pair| u8::from_str_radix(pair, 16))
        .collect::<Result<_, _>>()?;
    let text = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let keys = json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "bench", "e": "AQAB",
        "n": URL_SAFE_NO_PAD.encode(&modulus)}]});
    std::fs::write(plant.join("operators.json"), keys.to_string())?;

    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let head = text(json!({"alg": "RS256", "kid": "bench", "typ": "JWT"}));
    let claims = text(json!({"iss": "https://id.bench.example", "aud": "penstock", "sub": "operator",
        "iat": now, "exp": now + 7200}));
    let mut signer = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .arg(&key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    signer.stdin.take().ok_or("no input")?.write_all(format!("{head}.{claims}").as_bytes())?;
    let signature = signer.wait_with_output()?.stdout;
    Ok(format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A client's TLS: it trusts the plant's authority and, if asked to, shows the workload's certificate.
pub(crate) fn trust(plant: &Path, shown: bool) -> Outcome<Arc<rustls::ClientConfig>> {
    let pki = plant.join("pki");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pki.join("authority.pem"))?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.with_root_certificates(roots);
    if !shown {
        return Ok(Arc::new(builder.with_no_client_auth()));
    }
    let chain: Vec<_> = CertificateDer::pem_file_iter(pki.join("workloads/load.pem"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(pki.join("workloads/load.key"))?;
    Ok(Arc::new(builder.with_client_auth_cert(chain, key)?))
}
