//! Tells of a call what its record says: who, from where to where, the verdict and why.

use super::page::{Page, excerpt};
use super::services::Reached;
use ledger::Entry;
use plant::{Conduit, ConduitId, Label, Plant, Reason, Verdict, Zone};
use serde_json::Value;

/// What is told of a call beyond its record.
#[derive(Default)]
pub(super) struct Beside<'a> {
    /// Its place in the demo.
    pub(super) number: &'a str,
    /// What happens, in a sentence.
    pub(super) about: &'a str,
    /// What the application asked.
    pub(super) asked: Option<&'a str>,
    /// What the application got, and in how many events if it was streamed.
    pub(super) got: Option<(&'a str, usize)>,
}

/// Prints a call as a card.
pub(super) fn card(page: Page, plant: &Plant, record: &Entry, reached: &[Reached], beside: &Beside<'_>) {
    let verdict = record.text("dec.verdict").unwrap_or("?");
    page.card(beside.number, verdict, &way(page, record));
    if !beside.about.is_empty() {
        page.field("", beside.about, None);
    }
    if let Some(text) = found(plant, record) {
        page.field("found", &text, None);
    }
    let left: Vec<String> = reached.iter().map(Reached::prompt).collect();
    let left = left.first().map(String::as_str);
    if let Some(asked) = beside.asked {
        page.field("asked", &excerpt(asked), left.filter(|_| verdict != Verdict::Allow.name()));
    }
    if let Some(reason) = record.text("dec.reason") {
        told(page, record, reason);
    } else {
        answered(page, plant, reached, beside);
    }
    page.field("record", &recorded(record), None);
}

/// Who, from where to where.
fn way(page: Page, record: &Entry) -> String {
    let arrow = page.arrow();
    let who = record.text("who.workload.id").unwrap_or("nobody");
    let asked = record.text("what.provider").unwrap_or("?");
    let Some(zone) = record.text("where.zone") else { return format!("{who} {arrow} {asked}, not placed") };
    let to = match record.text("what.rerouted") {
        Some(other) => format!("{other}, not {asked}"),
        None => asked.to_owned(),
    };
    let conduit = record.text("where.conduit").unwrap_or("(no conduit)");
    format!("{who}: {zone} {arrow} {conduit} {arrow} {to}")
}

/// What was found, and what the conduit that was asked does with it.
fn found(plant: &Plant, record: &Entry) -> Option<String> {
    let findings = record.at("what.findings").and_then(Value::as_array)?;
    let conduit = asked_conduit(plant, record);
    let verdict = record.text("dec.verdict");
    // What decides for the whole call leaves the rest undone.
    let whole = [Verdict::Reroute, Verdict::Refuse].into_iter().find(|deed| verdict == Some(deed.name()));
    let each = findings.iter().filter_map(|finding| {
        let label = finding.get("label")?.as_str()?;
        let count = finding.get("count").and_then(Value::as_u64).unwrap_or(1);
        let times = if count > 1 { format!(" x{count}") } else { String::new() };
        let deed = conduit.and_then(|conduit| handling(conduit, label)).unwrap_or(Verdict::Allow);
        let told = whole.is_none_or(|whole| whole == deed);
        Some(if told { format!("{label}{times}: {deed}") } else { format!("{label}{times}") })
    });
    let each: Vec<String> = each.collect();
    let sensitivity = record.text("what.sensitivity").unwrap_or("?");
    (!each.is_empty()).then(|| format!("{}; {sensitivity} in all", each.join(", ")))
}

/// The conduit to the provider that was asked, which is not the one that was crossed after a reroute.
fn asked_conduit<'a>(plant: &'a Plant, record: &Entry) -> Option<&'a Conduit> {
    if record.text("what.rerouted").is_none() {
        return plant.conduits.get(&ConduitId::new(record.text("where.conduit")?).ok()?);
    }
    let (zone, to) = (record.text("where.zone")?, record.text("what.provider")?);
    let workload = record.text("who.workload.id")?;
    plant.conduits.values().find(|one| {
        one.to.as_str() == to
            && one.from.iter().any(|from| from.as_str() == zone)
            && one.workloads.iter().any(|admitted| admitted.as_str() == workload)
    })
}

fn handling(conduit: &Conduit, label: &str) -> Option<Verdict> {
    let label = Label::new(label).ok()?;
    conduit.handling.iter().find(|entry| entry.label.covers(&label)).map(|entry| entry.verdict)
}

/// A refusal: what the plant's people read, and what the application was told.
fn told(page: Page, record: &Entry, reason: &str) {
    let detail = record.text("dec.detail").unwrap_or_default().replace('`', "");
    page.field("why", &format!("{reason}: {detail}"), None);
    if let Some(reason) = Reason::named(reason) {
        let (status, message) = (reason.status(), reason.message());
        let class = match status {
            401 => " AuthenticationError",
            403 => " PermissionDeniedError",
            _ => "",
        };
        page.field("told", &format!("{status}{class}: {message}"), None);
    }
}

/// What left, what came back, and what the application got of it.
fn answered(page: Page, plant: &Plant, reached: &[Reached], beside: &Beside<'_>) {
    for one in reached {
        let (prompt, said) = (one.prompt(), one.said());
        let (got, events) = beside.got.unwrap_or(("", 0));
        let unchanged = beside.asked.is_some_and(|asked| asked.starts_with(&prompt));
        let outside = is_outside(plant, one.provider);
        let label = if outside { "left" } else { "carried" };
        let sent = match (unchanged, outside) {
            (true, true) => "exactly that".to_owned(),
            (true, false) => {
                let model = one.model().map_or_else(String::new, |model| format!(", to {model}"));
                format!("exactly that{model}; it stays in the plant")
            }
            (false, _) => excerpt(&prompt),
        };
        page.field(label, &sent, beside.asked.filter(|_| !unchanged));
        // Where nothing was put back, the answer is told once.
        if events > 0 {
            page.field("came back", &excerpt(&testkit::pieces(&said).join("|")), None);
        } else if beside.got.is_some() && got != said && outside {
            page.field("came back", &excerpt(&said), Some(got));
        }
        if events > 0 {
            page.field("streamed", &format!("{} [{events} events]", excerpt(got)), Some(&said));
        } else if beside.got.is_some() {
            page.field("got", &excerpt(got), outside.then_some(said.as_str()));
        }
    }
}

fn is_outside(plant: &Plant, provider: &str) -> bool {
    let provider = plant.providers.values().find(|one| one.id.as_str() == provider);
    provider.and_then(|one| plant.zones.get(&one.zone)).is_none_or(Zone::is_external)
}

/// Where the record stands, and who is in it.
fn recorded(record: &Entry) -> String {
    let id: String = record.id().to_string().chars().take(13).collect();
    let mut text = format!("{} ({id}...)", record.seq());
    let party = |kind: &str| Some((record.text(&format!("who.{kind}.id"))?, record.text(&format!("who.{kind}.by"))?));
    if let Some((id, by)) = party("workload") {
        text.push_str(&format!(" {id} by {by}"));
    }
    if let Some((id, by)) = party("operator") {
        text.push_str(&format!(", {id} by {by}"));
    }
    if let Some(peer) = record.text("who.peer") {
        text.push_str(&format!(", from {peer}"));
    }
    text
}
