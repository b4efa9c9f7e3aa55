//! `penstock doctor`: whether a client's machine can use a gateway, step by step, and what to do where it cannot.
//!
//! ```text
//! resolve ─> connect ─> trust ─> clock ─> [tunnel ─> trust inside] ─> token, zone and conduit ─> what each runtime trusts
//! ```
//!
//! It needs no plant file. It asks for what no provider has, so that a call that would be good is refused as `unknown-endpoint`
//! and nothing leaves; each such question is a record like any other.

mod line;
mod trust;

use clap::builder::NonEmptyStringValueParser;
use gateway::Authority;
use line::{Answer, Line, Target};
use miette::{IntoDiagnostic, miette};
use plant::Millis;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use zeroize::Zeroizing;

/// How far two clocks may differ. A leaf is backdated by an hour, and tokens and records go by the minute.
const SKEW: u64 = 60_000;

/// Test whether this machine can call through a gateway: path, trust, clock, proxy and token.
///
/// Run it where the application runs, with the application's environment. With `--gateway` it tests the gateway's own address; with
/// `--proxy`, or with neither and HTTPS_PROXY set, the gateway as a proxy, and what Python, Node and curl here would trust. It sends
/// no content, and ends with 0 if all is well and with 1 if something is not.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The gateway as an SDK has it, for example `https://gate.plant.example:8443`.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    gateway: Option<String>,
    /// A provider of the plant: with `--gateway`, tests zone and conduit too.
    #[arg(long, value_name = "NAME", requires = "gateway")]
    provider: Option<String>,
    /// The gateway as a proxy, for example `http://gate.plant.example:3128`.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    proxy: Option<String>,
    /// The host that an application calls through the proxy.
    #[arg(long, value_name = "HOST[:PORT]", default_value = "api.openai.com")]
    host: String,
    /// The authorities to trust, PEM, in place of the system's.
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// A file whose first line is the workload token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print the findings as data.
    #[arg(long)]
    json: bool,
}

/// How one step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Look,
    Bad,
}

/// One step, and what to do if it did not go well.
struct Finding {
    check: &'static str,
    state: State,
    detail: String,
    help: &'static str,
}

/// Everything that was found, in order.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, check: &'static str, detail: impl Into<String>) {
        self.0.push(Finding { check, state: State::Good, detail: detail.into(), help: "" });
    }

    fn look(&mut self, check: &'static str, detail: impl Into<String>, help: &'static str) {
        self.0.push(Finding { check, state: State::Look, detail: detail.into(), help });
    }

    fn bad(&mut self, check: &'static str, detail: impl Into<String>, help: &'static str) {
        self.0.push(Finding { check, state: State::Bad, detail: detail.into(), help });
    }
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let token = token(&args)?;
    let mut findings = Findings::default();
    if let Some(url) = &args.gateway {
        let target = Target::read(url).ok_or_else(|| miette!("`--gateway` is no URL of a gateway"))?;
        through_gateway(&args, &target, token.as_deref().map(String::as_str), &mut findings);
    }
    let environment = || ["HTTPS_PROXY", "https_proxy"].iter().find_map(|name| std::env::var(name).ok());
    let proxy = args.proxy.clone().or_else(|| environment().filter(|url| args.gateway.is_none() && !url.is_empty()));
    if let Some(url) = &proxy {
        let proxy = Target::read(url).ok_or_else(|| miette!("`--proxy` or HTTPS_PROXY is no URL of a proxy"))?;
        let host = Authority::parse(&args.host, Some(443)).ok_or_else(|| miette!("`--host` is no host"))?;
        through_proxy(&args, &proxy, &host, token.as_deref().map(String::as_str), &mut findings);
    }
    if args.gateway.is_none() && proxy.is_none() {
        return Err(miette!(help = "say `--gateway URL`, `--proxy URL`, or both", "there is nothing to test"));
    }
    tell(&findings, args.json)?;
    let bad = findings.0.iter().any(|finding| finding.state == State::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn token(args: &Args) -> miette::Result<Option<Zeroizing<String>>> {
    let Some(path) = &args.token_file else { return Ok(None) };
    let text = std::fs::read_to_string(path).map(Zeroizing::new).into_diagnostic()?;
    Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned())))
}

/// The gateway at its own address.
fn through_gateway(args: &Args, target: &Target, token: Option<&str>, findings: &mut Findings) {
    let Some(mut line) = reach(target, args, findings) else { return };
    let provider = args.provider.as_deref().unwrap_or("penstock-doctor");
    let Some(answer) = ask(&mut line, &format!("/{provider}/penstock-doctor"), &target.authority, token, findings)
    else {
        return;
    };
    clock(&answer, findings);
    judged(&answer, token.is_some(), findings);
}

/// The gateway as a proxy.
fn through_proxy(args: &Args, proxy: &Target, host: &Authority, token: Option<&str>, findings: &mut Findings) {
    bypassed(host, findings);
    let Some(mut line) = reach(proxy, args, findings) else { return };
    let answer = match line.tunnel(host, proxy.credential.as_deref().map(String::as_str)) {
        Ok(answer) => answer,
        Err(problem) => {
            return findings.bad("tunnel", format!("no tunnel to {host}: {problem}"), "is this a proxy of Penstock?");
        }
    };
    clock(&answer, findings);
    match answer.status {
        200 => findings.good("tunnel", format!("the proxy leads to {host}")),
        407 => {
            let help = "put a workload token into the proxy's URL: http://any-name:psk_...@HOST:PORT";
            return findings.bad("tunnel", format!("the proxy asks who calls ({})", answer.reason()), help);
        }
        _ => {
            let help = "only hosts of the plant's providers are led to: `address` and `hosts` of the plant file";
            return findings.bad("tunnel", format!("the proxy refuses {host} ({})", answer.reason()), help);
        }
    }
    let mut line = match line.shake(&host.host, args.authorities.as_deref()) {
        Ok(line) => line,
        Err(problem) => {
            let help = "bring the plant's interception authority to this machine (/authorities.pem of the proxy), and compare its fingerprint";
            return findings.bad(
                "trust inside",
                format!("what is shown for {} is not trusted: {problem}", host.host),
                help,
            );
        }
    };
    findings.good("trust inside", format!("what is shown for {} is trusted here", host.host));
    if let Some(answer) = ask(&mut line, "/penstock-doctor", host, token, findings) {
        judged(&answer, token.is_some() || proxy.credential.is_some(), findings);
    }
    trust::runtimes(proxy, host, findings);
}

/// Resolves, connects, and shakes hands where TLS is spoken.
fn reach(target: &Target, args: &Args, findings: &mut Findings) -> Option<Line> {
    let addresses = match target.resolve() {
        Ok(addresses) => addresses,
        Err(problem) => {
            let help = "look at /etc/hosts and at the name server, or use the address";
            findings.bad("name", format!("`{}` is not known here: {problem}", target.authority.host), help);
            return None;
        }
    };
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    findings.good("name", format!("{} is {}", target.authority.host, shown.join(", ")));
    let line = match Line::connect(&addresses) {
        Ok(line) => line,
        Err(problem) => {
            let help =
                "does the gateway run and listen there, and does every firewall between let this machine through?";
            findings.bad("path", format!("no connection to {}: {problem}", target.authority), help);
            return None;
        }
    };
    findings.good("path", format!("{} answers", target.authority));
    if !target.tls {
        return Some(line);
    }
    match line.shake(&target.authority.host, args.authorities.as_deref()) {
        Ok(line) => {
            findings.good("trust", format!("the certificate of {} is trusted here", target.authority.host));
            Some(line)
        }
        Err(problem) => {
            let help = "trust the plant's authority (pki/authority.pem), or name it with `--authorities`; is this a name in the certificate?";
            findings.bad("trust", format!("the certificate is not trusted: {problem}"), help);
            None
        }
    }
}

fn ask(line: &mut Line, path: &str, host: &Authority, token: Option<&str>, findings: &mut Findings) -> Option<Answer> {
    line.get(path, host, token)
        .map_err(|problem| findings.bad("answer", format!("no answer came: {problem}"), "the gateway's log says more"))
        .ok()
}

/// What a refusal says of everything before it: the order in which a call is judged is part of the contract.
fn judged(answer: &Answer, shown: bool, findings: &mut Findings) {
    let reason = answer.reason();
    match reason {
        "unknown-endpoint" => {
            findings.good("call", "the token is good, and a conduit leads from this zone to the provider");
        }
        "unknown-provider" => findings.good("token", "the token is good; `--provider NAME` tests zone and conduit too"),
        "no-identity" if !shown => {
            let help = "give a workload token with `--token-file`; `penstock token issue` makes one";
            findings.look("token", "no token was shown, so none was tested", help);
        }
        "token-unknown" | "token-expired" | "token-revoked" | "no-identity" => {
            findings.bad(
                "token",
                format!("refused as `{reason}`"),
                "`penstock token list` shows the tokens; issue another",
            );
        }
        "zone-mismatch" => {
            let help = "the workload's zone must have the network of this machine, as the gateway sees it";
            findings.bad("zone", "this machine is not in the zone of the workload", help);
        }
        "" => findings.bad(
            "answer",
            format!("status {} from something that is not Penstock", answer.status),
            "look at URL and port",
        ),
        reason => findings.bad("call", format!("refused as `{reason}`"), "`penstock explain` on the gateway tells why"),
    }
}

/// Holds this machine's clock against the gateway's.
fn clock(answer: &Answer, findings: &mut Findings) {
    let Some(theirs) = answer.date() else { return };
    let ours = gateway::now();
    let apart = ours.0.abs_diff(theirs.0);
    if apart <= SKEW {
        return findings.good("clock", format!("within {} s of the gateway's", apart / 1000 + 1));
    }
    let word = if ours > theirs { "ahead of" } else { "behind" };
    let help = "set the time (chrony, NTP, PTP): certificates and tokens are judged by it";
    findings.bad("clock", format!("this machine is {} s {word} the gateway", apart / 1000), help);
}

/// Whether the environment leads a host past the proxy.
fn bypassed(host: &Authority, findings: &mut Findings) {
    let said = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let covers = |entry: &str| {
        let entry = entry.trim().trim_start_matches('.');
        entry == "*" || !entry.is_empty() && (host.host == entry || host.host.ends_with(&format!(".{entry}")))
    };
    match said.split(',').find(|entry| covers(entry)) {
        Some(entry) => {
            let help = "take it out of NO_PROXY, or the application goes past the gateway";
            findings.bad(
                "environment",
                format!("NO_PROXY leads {} past the proxy (`{}`)", host.host, entry.trim()),
                help,
            );
        }
        None => findings.good("environment", format!("nothing leads {} past the proxy", host.host)),
    }
}

fn tell(findings: &Findings, as_data: bool) -> miette::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_data {
        let data = |one: &Finding| json!({ "check": one.check, "state": name(one.state), "detail": one.detail, "help": one.help });
        let all: Vec<_> = findings.0.iter().map(data).collect();
        let text = serde_json::to_string_pretty(&json!({ "findings": all })).into_diagnostic()?;
        return writeln!(out, "{text}").into_diagnostic();
    }
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for one in &findings.0 {
        let code = match one.state {
            State::Good => "32",
            State::Look => "33",
            State::Bad => "31",
        };
        let word = format!("{:4}", name(one.state));
        let word = if colour { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word };
        writeln!(out, "{word}  {:12}  {}", one.check, one.detail).into_diagnostic()?;
        if !one.help.is_empty() {
            writeln!(out, "{:20}{}", "", one.help).into_diagnostic()?;
        }
    }
    Ok(())
}

fn name(state: State) -> &'static str {
    match state {
        State::Good => "ok",
        State::Look => "look",
        State::Bad => "bad",
    }
}

/// A date as HTTP has it (RFC 9110 section 5.6.7), in its one form that is still sent.
fn moment(text: &str) -> Option<Millis> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts.as_slice() else { return None };
    let month = MONTHS.iter().position(|one| one == month)? + 1;
    Millis::parse(&format!("{year}-{month:02}-{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn the_time_of_an_answer_is_read_in_its_usual_form_only() {
        assert_eq!(moment("Sun, 06 Nov 1994 08:49:37 GMT").map(|at| at.0), Some(784_111_777_000));
        for other in ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET", ""]
        {
            assert_eq!(moment(other), None, "{other}");
        }
    }
}
