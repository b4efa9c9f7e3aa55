//! `fallback` of conduits and `breaker` of providers: what happens when a provider fails.
//!
//! Whether the entries lead somewhere is judged in `paths`.

use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use fallback::{Breaking, Settings, Step, Then, Trouble, Troubles};
use plant::{ConduitId, ProviderId};

/// Longest fixed answer, in bytes: a text that people read at a machine.
const LONGEST: usize = 4096;
/// Most entries of one conduit.
const MOST: usize = 8;

/// Reads what the file says of it.
pub(crate) fn build(file: &Node<'_>, report: &mut Report) -> Settings {
    let mut settings = Settings::default();
    for (name, node) in file.tables("conduits") {
        let rows = node.rows("fallback");
        judge(&node, &rows, report);
        let steps: Vec<Step> = rows.iter().filter_map(step).collect();
        if let Some(id) = ConduitId::new(name.value).ok().filter(|_| !steps.is_empty()) {
            settings.steps.insert(id, steps.into());
        }
    }
    for (name, node) in file.tables("providers") {
        if let Some(id) = ProviderId::new(name.value).ok().filter(|_| node.says("breaker")) {
            settings.breakers.extend(node.table("breaker").and_then(|table| breaking(&table)).map(|set| (id, set)));
        }
    }
    settings
}

fn step(row: &Node<'_>) -> Option<Step> {
    let then = match row.read("to", ProviderId::new) {
        Some(to) => Then::Ask { to, model: row.string("model") },
        None => Then::Say(row.string("answer")?),
    };
    Some(Step { on: troubles(row), then })
}

fn troubles(row: &Node<'_>) -> Troubles {
    if !row.says("on") {
        return Troubles::USUAL;
    }
    let named = |text: &str| Trouble::NAMES.iter().find(|(name, _)| *name == text).map(|(_, trouble)| *trouble);
    row.texts("on").iter().filter_map(|text| named(text.value)).collect()
}

fn breaking(node: &Node<'_>) -> Option<Breaking> {
    Some(Breaking {
        failures: node.number("failures")?,
        within: node.duration("within")?,
        rest: node.duration("rest")?,
        longest: node.duration("longest")?,
    })
}

/// What the entries of one conduit mean together.
fn judge(node: &Node<'_>, rows: &[Node<'_>], report: &mut Report) {
    if rows.len() > MOST {
        let message = format!("{} has {} entries of `fallback`, and may have {MOST}", node.place, rows.len());
        let help = "a caller has left before so many have failed";
        report.add(report.problem(Code::TooMany, node.span_of("fallback"), message).help(help));
    }
    for (index, row) in rows.iter().enumerate() {
        let earlier = rows.get(..index).unwrap_or_default();
        if row.says("answer") && row.says("model") {
            let message = format!("{} asks no model where it gives a fixed answer", node.place);
            report.add(report.problem(Code::Unused, row.span_of("model"), message).help("remove `model`"));
        }
        if let Some(answer) = row.text("answer").filter(|answer| answer.value.len() > LONGEST) {
            let message = format!("the answer has {} bytes, and may have {LONGEST}", answer.value.len());
            let help = "say where people find more";
            report.add(report.problem(Code::TooMany, answer.span, message).help(help));
        }
        let covers = |other: &&Node<'_>| {
            let (own, theirs) = (troubles(row), troubles(other));
            let covered = Trouble::NAMES.iter().all(|(_, one)| !own.holds(*one) || theirs.holds(*one));
            other.says("answer") && covered
        };
        if let Some(first) = earlier.iter().find(covers) {
            let message = format!("{} never comes so far: a fixed answer ends the call before", node.place);
            let problem = report.problem(Code::Unused, row.span.clone(), message);
            let problem = problem.also(first.span_of("answer"), "this one");
            report.add(problem.help("put the fixed answer last, or say `on` which troubles it is"));
        }
    }
}
