//! How the gateway of a plant runs: where it listens, where its files are, what it takes at most.

use crate::intercept::{self, Intercept};
use crate::node::Node;
use crate::ocr::{self, Ocr};
use crate::problem::Code;
use crate::report::Report;
use crate::value;
use crate::witnesses::{self, Witness, Witnesses};
use seal::pkcs11::Uri;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `[gateway]` table: complete, paths joined to the plant's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Where HTTPS is spoken.
    pub listen: Vec<SocketAddr>,
    /// Where plain HTTP is spoken: on loopback, unless the plant file insists.
    pub plain_http: Vec<SocketAddr>,
    /// Where health and metrics are served, in plain HTTP and without content.
    pub admin: Option<SocketAddr>,
    /// The gateway's certificate chain, PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, PEM.
    pub key: PathBuf,
    /// The authorities that issue client certificates, PEM.
    pub client_authority: PathBuf,
    /// The folder of the ledger.
    pub ledger: PathBuf,
    /// The folder of `gateway.key` and `plant.key`.
    pub keys: PathBuf,
    /// The key that signs the ledger, if a device keeps it and not `gateway.key`.
    pub signing: Option<Uri>,
    /// The file of hashed workload tokens.
    pub tokens: PathBuf,
    /// The file of registered documents.
    pub documents: PathBuf,
    /// The file of registered tables.
    pub tables: PathBuf,
    /// The file of registered pictures.
    pub pictures: PathBuf,
    /// The file of approved tools.
    pub tools: PathBuf,
    /// Who besides the gateway can open kept content: each `x25519:` and 32 bytes in base64.
    pub auditors: Vec<String>,
    /// The time servers that its clock is compared with, each a name or address and a port.
    pub time_servers: Vec<(String, u16)>,
    /// What it takes at most.
    pub limits: Limits,
    /// How long records are kept; `None` for as long as there is room.
    pub keep_for: Option<Duration>,
    /// Where traces go, if anywhere.
    pub telemetry: Option<Telemetry>,
    /// Which connections are taken over, if any are.
    pub intercept: Option<Intercept>,
    /// What reads writing in pictures, if anything does.
    pub ocr: Option<Ocr>,
    /// Who is asked to sign the heads of the ledger, if anybody.
    pub witnesses: Option<Witnesses>,
    /// Whether and how it signs the heads of others.
    pub witness: Option<Witness>,
}

/// What the gateway takes at most, whatever conduit a call is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest head of a request: request line and headers, in bytes.
    pub header_bytes: u64,
    /// Longest wait for the whole head of a request.
    pub header_timeout: Duration,
    /// Longest a connection may stay open without a call.
    pub idle_timeout: Duration,
    /// Most connections at once.
    pub connections: u32,
    /// Most exchanges at once.
    pub exchanges: u32,
    /// Most bytes of bodies that are held whole at a time, all exchanges together.
    pub bodies: u64,
    /// Longest a stopping gateway waits for exchanges under way.
    pub drain_timeout: Duration,
    /// Room for records of essential conduits while the ledger cannot be written, in bytes.
    pub emergency_bytes: u64,
}

/// Where OpenTelemetry traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// The OTLP endpoint over HTTP or HTTPS, for example `http://127.0.0.1:4318`.
    pub otlp: String,
    /// A PEM file of authorities to trust for it in place of the system's.
    pub authorities: Option<PathBuf>,
    /// The `service.name` of the traces.
    pub service: String,
}

/// Builds the `[gateway]` table.
pub(crate) fn build(file: &Node<'_>, folder: &Path, report: &mut Report) -> Option<Gateway> {
    let node = file.table("gateway")?;
    in_the_clear(&node, report);
    let path = |key| node.text(key).map(|path| folder.join(path.value));
    let sockets = |key| node.reads(key, value::socket);
    let gateway = Gateway {
        listen: sockets("listen"),
        plain_http: sockets("plain_http"),
        admin: node.read("admin", value::socket),
        certificate: path("certificate")?,
        key: path("key")?,
        client_authority: path("client_authority")?,
        ledger: path("ledger")?,
        keys: path("keys")?,
        signing: node.read("signing", value::signing).map(|uri| Uri { pin: beside(folder, &uri.pin), ..uri }),
        tokens: path("tokens")?,
        documents: path("documents")?,
        tables: path("tables")?,
        pictures: path("pictures")?,
        tools: path("tools")?,
        auditors: auditors(file, &node, report),
        time_servers: node.reads("time_servers", value::time_server),
        limits: limits(&node.table("limits")?)?,
        keep_for: retention(&node.table("retention")?, report),
        telemetry: if node.says("telemetry") { Some(telemetry(&node.table("telemetry")?, folder)?) } else { None },
        intercept: intercept::build(file, folder, report),
        ocr: ocr::build(file, folder, report),
        witnesses: witnesses::witnesses(file, folder),
        witness: witnesses::witness(file, folder, report),
    };
    same_address(file, &node, report);
    if gateway.listen.is_empty() && gateway.plain_http.is_empty() {
        let message = "the gateway listens nowhere";
        let help = "for example: `listen = [\"127.0.0.1:8443\"]`";
        report.add(report.problem(Code::BadValue, node.span_of("listen"), message).help(help));
    }
    Some(gateway)
}

/// The path of a file that a URI names, from the plant's folder.
fn beside(folder: &Path, path: &str) -> String {
    // Both came out of text, so nothing is lost.
    folder.join(path).to_string_lossy().into_owned()
}

/// Most auditors: an envelope opens to 16, of which the gateway is one.
const AUDITORS: usize = 15;

fn auditors(file: &Node<'_>, node: &Node<'_>, report: &mut Report) -> Vec<String> {
    let auditors = node.texts("auditors");
    let keeps = |conduit: &Node<'_>| conduit.text("keep").is_some_and(|keep| keep.value == "content");
    if auditors.len() > AUDITORS {
        let message = format!("there are {} auditors, and there may be {AUDITORS}", auditors.len());
        let help = "let several people of one office share a key";
        report.add(report.problem(Code::BadValue, node.span_of("auditors"), message).help(help));
    } else if !auditors.is_empty() && !file.tables("conduits").iter().any(|(_, conduit)| keeps(conduit)) {
        let message = "auditors are named, and no conduit keeps anything that they could open";
        let help = "set `keep = \"content\"` on the conduits that are to be audited, or remove `auditors`";
        report.add(report.problem(Code::Unused, node.span_of("auditors"), message).help(help));
    }
    auditors.into_iter().map(|auditor| auditor.value.to_owned()).collect()
}

fn limits(node: &Node<'_>) -> Option<Limits> {
    Some(Limits {
        header_bytes: node.size("header_bytes")?,
        header_timeout: node.duration("header_timeout")?,
        idle_timeout: node.duration("idle_timeout")?,
        connections: node.number("connections")?,
        exchanges: node.number("exchanges")?,
        bodies: node.size("bodies")?,
        drain_timeout: node.duration("drain_timeout")?,
        emergency_bytes: node.size("emergency_bytes")?,
    })
}

/// Regulation (EU) 2024/1689, Article 26(6): at least six months.
const SIX_MONTHS: Duration = Duration::from_secs(183 * 86_400);

fn retention(node: &Node<'_>, report: &mut Report) -> Option<Duration> {
    let floor = node.duration("floor")?;
    let keep_for = node.says("keep_for").then(|| node.duration("keep_for")).flatten();
    if floor < SIX_MONTHS {
        let message = "records may be removed before six months are over";
        let help =
            "Regulation (EU) 2024/1689, Article 26(6), asks deployers of high-risk AI systems for six months of logs";
        report.add(report.problem(Code::Permissive, node.span_of("floor"), message).help(help));
    }
    if keep_for.is_some_and(|keep_for| keep_for < floor) {
        let message = "records are to be kept for less than the floor";
        let help = "raise `keep_for`, or lower `floor` if the law allows it";
        report.add(report.problem(Code::BadValue, node.span_of("keep_for"), message).help(help));
    }
    keep_for
}

fn telemetry(node: &Node<'_>, folder: &Path) -> Option<Telemetry> {
    let authorities = node.text("authorities").map(|path| folder.join(path.value));
    Some(Telemetry { otlp: node.read("otlp", value::url)?, authorities, service: node.string("service")? })
}

/// Plain HTTP shows tokens and prompts to whoever listens on the way.
fn in_the_clear(node: &Node<'_>, report: &mut Report) {
    let insisted = node.flag("plain_http_beyond_loopback");
    for text in node.texts("plain_http") {
        if value::socket(text.value).map_or(true, |address| address.ip().is_loopback()) {
            continue;
        }
        let (code, help) = if insisted {
            (Code::Permissive, "workload tokens and prompts travel in the clear; `listen` with a certificate avoids it")
        } else {
            (
                Code::PlainHttp,
                "use `listen`, which speaks HTTPS; if it must be, set `plain_http_beyond_loopback = true`",
            )
        };
        let message = format!("plain HTTP is spoken beyond loopback: {}", value::quote(text.value));
        report.add(report.problem(code, text.span, message).help(help));
    }
    if let Some(admin) = node.text("admin")
        && value::socket(admin.value).is_ok_and(|address| !address.ip().is_loopback())
    {
        let message = format!("health and metrics are served beyond loopback: {}", value::quote(admin.value));
        let help = "they hold no content, but tell how much is called; see that only the monitoring reaches them";
        report.add(report.problem(Code::Permissive, admin.span, message).help(help));
    }
}

/// Two listeners cannot share an address.
fn same_address(file: &Node<'_>, node: &Node<'_>, report: &mut Report) {
    let mut seen: Vec<(SocketAddr, crate::node::At<&str>)> = Vec::new();
    let admin = node.text("admin").filter(|_| node.says("admin"));
    let witness = file.table("witness").filter(|_| file.says("witness"));
    let listeners = [Some(node), witness.as_ref()].into_iter().flatten();
    let listeners = listeners.flat_map(|node| node.texts("listen").into_iter().chain(node.texts("plain_http")));
    let console = file.table("console").and_then(|console| console.text("listen"));
    let intercept = intercept::listeners(file);
    for text in listeners.chain(admin).chain(console).chain(intercept).take(64) {
        let Ok(address) = value::socket(text.value) else { continue };
        // Port 0 lets the system choose, and so never collides.
        if let Some((_, first)) =
            seen.iter().find(|(known, first)| *known == address && address.port() != 0 && first.span != text.span)
        {
            let message = format!("two listeners want {}", value::quote(text.value));
            let problem =
                report.problem(Code::Duplicate, text.span.clone(), message).also(first.span.clone(), "the other one");
            report.add(problem.help("give each an address or a port of its own"));
        }
        seen.push((address, text));
    }
}
