//! The others: what stands between an application and a provider where Penstock does not, each as it is installed.
//!
//! | contender | TLS from its caller | who may call | what it reads |
//! |---|---|---|---|
//! | nginx, HAProxy | yes | anyone | nothing: bytes pass |
//! | LiteLLM | yes | one master key | parses and writes anew, inspects nothing |
//! | Portkey | no | anyone: the provider's key passes through | parses, inspects nothing |

use crate::Outcome;
use crate::gate::trust;
use crate::load::Target;
use crate::process::{Running, free_address, wait_for};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// Someone else's gateway that runs.
pub(crate) struct Other {
    pub(crate) target: Target,
    pub(crate) version: String,
    _process: Running,
}

/// Where a contender finds what it needs.
pub(crate) struct Ground<'a> {
    /// A folder for its files.
    pub(crate) folder: &'a Path,
    /// A plant whose certificates it serves with.
    pub(crate) plant: &'a Path,
    /// What `bench/side-by-side` installed.
    pub(crate) installed: &'a Path,
    pub(crate) provider: SocketAddr,
}

type Start = fn(&Ground<'_>) -> Outcome<Other>;

/// Everyone who is installed; who is not, is told of and left out.
pub(crate) fn start(ground: &Ground<'_>) -> Vec<Other> {
    let all: [(&str, Start); 4] = [("nginx", nginx), ("haproxy", haproxy), ("litellm", litellm), ("portkey", portkey)];
    let started = all.into_iter().map(|(name, start)| (name, start(ground)));
    let told = started.filter_map(|(name, started)| match started {
        Ok(other) => Some(other),
        Err(problem) => {
            eprintln!("{name} is left out: {problem}");
            None
        }
    });
    told.collect()
}

const PATH: &str = "/v1/chat/completions";

fn nginx(ground: &Ground<'_>) -> Outcome<Other> {
    let address = free_address()?;
    let text = format!(
        "worker_processes auto; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_max_body_size 64m; client_body_buffer_size 256k;
  upstream provider {{ server {provider}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {address} ssl; ssl_protocols TLSv1.3;
    ssl_certificate {pki}/gateway.pem; ssl_certificate_key {pki}/gateway.key;
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;
    }}
  }}
}}
",
        folder = ground.folder.display(),
        pki = ground.plant.join("pki").display(),
        provider = ground.provider,
    );
    let file = ground.folder.join("nginx.conf");
    std::fs::write(&file, text)?;
    let version = said("nginx", &["-v"], "nginx/");
    secure("nginx", ground, address, Vec::new(), version, Command::new("nginx").arg("-c").arg(&file))
}

fn haproxy(ground: &Ground<'_>) -> Outcome<Other> {
    let address = free_address()?;
    let pki = ground.plant.join("pki");
    let both = std::fs::read_to_string(pki.join("gateway.pem"))? + &std::fs::read_to_string(pki.join("gateway.key"))?;
    let pair = ground.folder.join("haproxy.pem");
    std::fs::write(&pair, both)?;
    let text = format!(
        "global
  maxconn 8192
  nbthread {threads}
  tune.bufsize 32768
defaults
  mode http
  timeout connect 5s
  timeout client 120s
  timeout server 120s
  http-reuse always
frontend tls
  bind {address} ssl crt {pair} ssl-min-ver TLSv1.3
  default_backend provider
backend provider
  server provider {provider} pool-max-conn 512
",
        threads = std::thread::available_parallelism()?,
        pair = pair.display(),
        provider = ground.provider,
    );
    let file = ground.folder.join("haproxy.cfg");
    std::fs::write(&file, text)?;
    let version = said("haproxy", &["-v"], "version ");
    secure("haproxy", ground, address, Vec::new(), version, Command::new("haproxy").arg("-db").arg("-f").arg(&file))
}

fn litellm(ground: &Ground<'_>) -> Outcome<Other> {
    let address = free_address()?;
    let model = |name: &str| {
        format!(
            "  - {{ model_name: {name}, litellm_params: {{ model: openai/{name}, \
             api_base: \"http://{}/v1\", api_key: sk-provider }} }}\n",
            ground.provider
        )
    };
    let models: String = ["bench", "paced-5"].map(model).concat();
    let text = format!(
        "model_list:\n{models}general_settings: {{ master_key: sk-load-0123456789 }}\n\
         litellm_settings: {{ telemetry: false, num_retries: 0, set_verbose: false }}\n"
    );
    let file = ground.folder.join("litellm.yaml");
    std::fs::write(&file, text)?;
    let bin = ground.installed.join("litellm/bin");
    let version = said(&bin.join("pip").display().to_string(), &["show", "litellm"], "Version: ");
    let pki = ground.plant.join("pki");
    let mut command = Command::new(bin.join("litellm"));
    command
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR")
        .arg("--config")
        .arg(&file)
        .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--num_workers", &std::thread::available_parallelism()?.to_string()])
        .arg("--ssl_certfile_path")
        .arg(pki.join("gateway.pem"))
        .arg("--ssl_keyfile_path")
        .arg(pki.join("gateway.key"));
    let headers = vec![("authorization", "Bearer sk-load-0123456789".to_owned())];
    secure("litellm", ground, address, headers, version, &mut command)
}

fn portkey(ground: &Ground<'_>) -> Outcome<Other> {
    let address = free_address()?;
    let package = ground.installed.join("portkey/node_modules/@portkey-ai/gateway");
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(package.join("package.json"))?)?;
    let version = manifest.get("version").and_then(|version| version.as_str()).unwrap_or("?").to_owned();
    let mut command = Command::new("node");
    command
        .env("NODE_ENV", "production")
        .env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1")
        .arg(package.join("build/start-server.js"))
        .args(["--headless", &format!("--port={}", address.port())]);
    let process = Running::start(&mut command)?;
    wait_for("portkey", || TcpStream::connect(address).ok())?;
    let headers = vec![
        ("authorization", "Bearer sk-provider".to_owned()),
        ("x-portkey-provider", "openai".to_owned()),
        ("x-portkey-custom-host", format!("http://{}/v1", ground.provider)),
    ];
    let target = Target { name: "portkey", address, path: PATH.to_owned(), tls: None, headers, process: process.id() };
    Ok(Other { target, version, _process: process })
}

/// Starts one that ends TLS.
fn secure(
    name: &'static str,
    ground: &Ground<'_>,
    address: SocketAddr,
    headers: Vec<(&'static str, String)>,
    version: String,
    command: &mut Command,
) -> Outcome<Other> {
    let process = Running::start(command)?;
    wait_for(name, || TcpStream::connect(address).ok())?;
    let tls = Some(trust(ground.plant, false)?);
    let target = Target { name, address, path: PATH.to_owned(), tls, headers, process: process.id() };
    Ok(Other { target, version, _process: process })
}

/// The word behind `mark` in what a command says of itself.
fn said(program: &str, arguments: &[&str], mark: &str) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).into_owned();
    let word = text.split_once(mark).and_then(|(_, rest)| rest.split_whitespace().next());
    word.unwrap_or("?").to_owned()
}
