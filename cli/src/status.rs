//! `penstock status`: how a gateway that runs stands. What it tells is in no file: breakers, calls under way, what was turned away.

use crate::print::{columns, say};
use crate::reaching::Reach;
use http::Method;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Show how a running gateway stands.
///
/// Whether it takes calls, what is in force, what crossed its conduits in the last minute, its providers and their breakers, its
/// ledger, and what waits for people. It ends with 1 if no calls are taken.
///
/// The gateway of this plant on this machine: `penstock status`
///
/// One elsewhere: `penstock status --console https://10.20.35.10:9465 --token-file ada.token`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON, as `/api/v1/now` gives it.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(plant: &Path, args: &Args) -> miette::Result<ExitCode> {
    let (_, now) = args.reach.ask(plant, &Method::GET, "/api/v1/now", None)?;
    say(&if args.json { format!("{now:#}\n") } else { told(&now) })?;
    let ready = now.get("problem").is_some_and(Value::is_null);
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(now: &Value) -> String {
    let mut said = String::new();
    for (name, value) in facts(now) {
        let _ = writeln!(said, "{name:14}{value}");
    }
    let lanes: Vec<_> =
        rows(now, "/lanes").iter().filter(|lane| !text(lane, "/conduit").is_empty() || busy(lane)).collect();
    let lane = |lane: &&Value| {
        let name = Some(text(lane, "/conduit")).filter(|name| !name.is_empty()).unwrap_or("(no conduit)");
        let calls = number(lane, "/minute/passed") + number(lane, "/minute/refused");
        let took =
            |at| lane.pointer(at).and_then(Value::as_f64).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
        [
            name.to_owned(),
            text(lane, "/to").to_owned(),
            calls.to_string(),
            number(lane, "/minute/refused").to_string(),
            number(lane, "/minute/failed").to_string(),
            took("/p50_ms"),
            took("/p95_ms"),
        ]
    };
    let head = ["CONDUIT", "TO", "A MINUTE", "REFUSED", "FAILED", "P50 MS", "P95 MS"];
    let _ = write!(said, "\n{}", columns(head, lanes.iter().map(lane)));
    let provider = |one: &Value| {
        let breaker = Some(text(one, "/breaker")).filter(|breaker| !breaker.is_empty()).unwrap_or("none");
        [text(one, "/provider"), text(one, "/zone"), breaker].map(str::to_owned)
    };
    let _ =
        write!(said, "\n{}", columns(["PROVIDER", "ZONE", "BREAKER"], rows(now, "/providers").iter().map(provider)));
    said
}

fn facts(now: &Value) -> Vec<(&'static str, String)> {
    let in_force = text(now, "/in_force/digest");
    let count = |key: &str| number(now, &format!("/in_force/{key}"));
    let [zones, conduits, workloads, providers] = ["zones", "conduits", "workloads", "providers"].map(count);
    let records = number(now, "/ledger/records");
    let unpublished = records.saturating_sub(number(now, "/ledger/published"));
    let problem = |at: &str| now.pointer(at).and_then(Value::as_str).map(|problem| format!("no: {problem}"));
    let parts: Vec<&str> = rows(now, "/isolations/isolated").iter().map(|one| text(one, "/part")).collect();
    let mut facts = vec![
        ("gateway", format!("{} / {}, version {}", text(now, "/plant"), text(now, "/gateway"), text(now, "/version"))),
        ("takes calls", problem("/problem").unwrap_or_else(|| "yes".to_owned())),
        (
            "in force",
            format!(
                "{}: {zones} zones, {conduits} conduits, {workloads} workloads, {providers} providers",
                in_force.get(..12).unwrap_or(in_force)
            ),
        ),
        ("under way", number(now, "/under_way").to_string()),
        ("ledger", format!("{records} records, {unpublished} of them not yet published")),
        ("isolated", if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }),
        ("held", number(now, "/held").to_string()),
        ("turned away", format!("{} at the console in the last 15 minutes", number(now, "/barred"))),
    ];
    facts.extend(problem("/ledger/problem").map(|problem| ("takes records", problem)));
    facts
}

fn busy(lane: &Value) -> bool {
    ["/minute/passed", "/minute/refused"].iter().any(|at| number(lane, at) > 0)
}

fn text<'v>(value: &'v Value, at: &str) -> &'v str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, at: &str) -> u64 {
    value.pointer(at).and_then(Value::as_u64).unwrap_or_default()
}

fn rows<'v>(value: &'v Value, at: &str) -> &'v [Value] {
    value.pointer(at).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::told;
    use serde_json::json;

    #[test]
    fn what_stands_is_told_in_lines_and_what_is_missing_breaks_nothing() {
        let now = json!({
            "plant": "works", "gateway": "gate-1", "version": "0.1.0", "problem": null, "under_way": 2, "held": 1, "barred": 3,
            "in_force": { "digest": "0123456789abcdef", "zones": 4, "conduits": 1, "workloads": 2, "providers": 1 },
            "ledger": { "problem": null, "records": 12, "published": 10 },
            "isolations": { "isolated": [{ "part": "zone:lab" }] },
            "lanes": [
                { "conduit": "copilot", "to": "openai", "minute": { "passed": 5, "refused": 1, "failed": 0 }, "p50_ms": 12.04, "p95_ms": null },
                { "conduit": "", "to": null, "minute": { "passed": 0, "refused": 0, "failed": 0 } },
            ],
            "providers": [{ "provider": "openai", "zone": "cloud", "breaker": "open" }],
        });
        let said = told(&now);
        for line in [
            "gateway       works / gate-1, version 0.1.0",
            "takes calls   yes",
            "in force      0123456789ab: 4 zones, 1 conduits, 2 workloads, 1 providers",
            "ledger        12 records, 2 of them not yet published",
            "isolated      zone:lab",
            "turned away   3 at the console in the last 15 minutes",
            "copilot  openai  6         1        0       12.0    -",
            "openai    cloud  open",
        ] {
            assert!(said.lines().any(|one| one == line), "{line}\n{said}");
        }
        assert!(!said.contains("(no conduit)"));
        assert!(told(&json!({})).contains("takes calls   yes"));
    }
}
