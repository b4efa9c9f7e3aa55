//! What is measured: a plant, its gateway, nginx and the scripted provider, each a process of its own.

use crate::load::Target;
use crate::{Outcome, target};
use bytes::Bytes;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Everything that runs; dropped, it ends.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    ledger: tempfile::TempDir,
    provider: (Child, SocketAddr),
    gateway: (Child, SocketAddr),
    nginx: Option<(Child, SocketAddr)>,
    tls: Arc<rustls::ClientConfig>,
    token: String,
}

impl Rig {
    pub(crate) fn build(binaries: &Path, ledgers: &Path) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let ledger = tempfile::tempdir_in(ledgers)?;
        let penstock = binaries.join("penstock");
        let provider = provider(&binaries.join("scripted-provider"))?;

        let plant = folder.path().join("plant");
        done(Command::new(&penstock).arg("init").arg(&plant).args(["--name", "bench"]))?;
        std::fs::write(plant.join("plant.toml"), plant_file(provider.1, ledger.path()))?;
        done(Command::new(&penstock).arg("--plant").arg(&plant).arg("check"))?;
        let issued = Command::new(&penstock)
            .arg("--plant")
            .arg(&plant)
            .args(["token", "issue", "--workload", "load"])
            .output()?;
        let token = String::from_utf8(issued.stdout)?.trim().to_owned();

        let gateway = gateway(&penstock, &plant)?;
        let nginx = nginx(folder.path(), &plant, provider.1)?;
        let tls = trust(&plant.join("pki/authority.pem"))?;
        Ok(Self { folder, ledger, provider, gateway, nginx, tls, token })
    }

    /// The contenders, in the order of their turns.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let path = "/v1/chat/completions";
        let mut targets = vec![target("direct", self.provider.1, path, self.provider.0.id())];
        if let Some((child, address)) = &self.nginx {
            targets.push(Target { tls: Some(Arc::clone(&self.tls)), ..target("nginx", *address, path, child.id()) });
        }
        let (child, address) = &self.gateway;
        let (tls, token) = (Some(Arc::clone(&self.tls)), Some(self.token.clone()));
        targets.push(Target { tls, token, ..target("penstock", *address, &format!("/provider{path}"), child.id()) });
        targets
    }

    /// A chat of about 1 KiB, as a copilot would send it.
    pub(crate) fn body(&self, model: &str) -> Bytes {
        Bytes::from(chat(model, PROMPT, false).to_string())
    }

    pub(crate) fn body_streamed(&self, model: &str) -> Bytes {
        Bytes::from(chat(model, PROMPT, true).to_string())
    }

    /// A body with an image of about `bytes` in base64.
    pub(crate) fn large(&self, bytes: usize) -> Bytes {
        let image = format!("data:image/png;base64,iVBORw0KGgo{}", "A".repeat(bytes));
        let parts = json!([{"type": "text", "text": "Is the seal intact?"},
            {"type": "image_url", "image_url": {"url": image}}]);
        Bytes::from(json!({"model": "bench", "messages": [{"role": "user", "content": parts}]}).to_string())
    }

    /// Resident memory of the gateway in MiB.
    pub(crate) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.0.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    }

    /// What the disk itself needs: p50 and p99 of a 4 KiB write and fdatasync into an allocated file, in microseconds.
    pub(crate) fn raw_sync(&self, rounds: usize) -> Outcome<(u128, u128)> {
        let mut file = File::create(self.ledger.path().join("raw"))?;
        file.write_all(&vec![0; 4096 * rounds])?;
        file.sync_all()?;
        std::io::Seek::rewind(&mut file)?;
        let mut times = Vec::new();
        for _ in 0..rounds {
            let began = Instant::now();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            times.push(began.elapsed().as_micros());
        }
        times.sort_unstable();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        Ok((at(rounds / 2), at(rounds * 99 / 100)))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let nginx = self.nginx.as_mut().map(|(child, _)| child);
        for child in [&mut self.provider.0, &mut self.gateway.0].into_iter().chain(nginx) {
            // What has ended already needs no ending.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
        let _ = &self.folder;
    }
}

const PROMPT: &str = "Line 4, filler 2. Over the last shift the fill weight drifted upwards by about half a gram while the \
product temperature stayed steady. The operator cleaned the nozzles at the change of shift and reset the counter. Look at \
the following readings, taken every ten minutes, and say whether the drift began before or after the cleaning, what the \
likeliest causes are, in what order you would check them, and which of them can be checked without stopping the line. \
Readings in grams: five hundred and two, five hundred and two, five hundred and three, five hundred and three, five \
hundred and four, five hundred and four, five hundred and four. Keep the answer short enough to be read on the panel, name \
the checks in the order of their cost, and say plainly if the readings are too few to tell anything from them. The line \
must not be stopped before the end of the order unless there is a risk for the product or for people.";

fn chat(model: &str, prompt: &str, stream: bool) -> serde_json::Value {
    json!({"model": model, "stream": stream, "messages": [
        {"role": "system", "content": "You advise the operator of a filling line. You never write to a controller."},
        {"role": "user", "content": prompt}]})
}

fn provider(binary: &Path) -> Outcome<(Child, SocketAddr)> {
    // Its standard input is the leash: it ends when we do.
    let mut child =
        Command::new(binary).args(["127.0.0.1:0", "forget"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

fn gateway(binary: &Path, plant: &Path) -> Outcome<(Child, SocketAddr)> {
    let file = plant.join("addresses");
    let child = Command::new(binary)
        .arg("--plant")
        .arg(plant)
        .args(["run", "--log-level", "warn", "--addresses"])
        .arg(&file)
        .spawn()?;
    let text = wait_for(|| std::fs::read_to_string(&file).ok())?;
    let address = text.lines().next().ok_or("no address")?.parse()?;
    Ok((child, address))
}

fn nginx(folder: &Path, plant: &Path, provider: SocketAddr) -> Outcome<Option<(Child, SocketAddr)>> {
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
        eprintln!("nginx is not installed (apt-get install nginx-light): left out");
        return Ok(None);
    }
    // A free port: taken for a moment, then given to nginx.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let pki = plant.join("pki");
    let text = format!(
        "worker_processes auto; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_max_body_size 64m;
  upstream provider {{ server {provider}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {address} ssl; ssl_protocols TLSv1.3;
    ssl_certificate {pki}/gateway.pem; ssl_certificate_key {pki}/gateway.key;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
  }}
}}
",
        folder = folder.display(),
        pki = pki.display(),
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text)?;
    let child = Command::new("nginx").arg("-c").arg(&file).stderr(Stdio::null()).spawn()?;
    wait_for(|| std::net::TcpStream::connect(address).ok())?;
    Ok(Some((child, address)))
}

fn trust(authority: &Path) -> Outcome<Arc<rustls::ClientConfig>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn done(command: &mut Command) -> Outcome<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {said}").into())
}

/// Waits for something to be there, for at most ten seconds.
fn wait_for<T>(look: impl Fn() -> Option<T>) -> Outcome<T> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match look() {
            Some(found) => return Ok(found),
            None if Instant::now() > end => return Err("waited ten seconds in vain".into()),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn plant_file(provider: SocketAddr, ledger: &Path) -> String {
    include_str!("plant.toml")
        .replace("PROVIDER", &provider.to_string())
        .replace("LEDGER", &ledger.display().to_string())
}
