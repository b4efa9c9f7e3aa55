//! `[quotas.<quota>]` and the `prices` of providers.

use crate::callers::strings;
use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use crate::value::quote;
use plant::{ConduitId, ProviderId, QuotaId, Wildcard};
use quota::{Per, Price, Prices, Quota, Settings, Waits};
use std::collections::BTreeMap;

/// Most quotas: each is looked at by each call.
const MOST: usize = 64;
/// What is counted in millionths.
const MILLION: f64 = 1_000_000.0;
/// Largest amount of money: beyond it a double counts no longer in ones.
const RICHEST: f64 = 1_000_000_000.0;

/// Reads what the file says of it.
pub(crate) fn build(file: &Node<'_>, report: &mut Report) -> Settings {
    let mut prices = Prices::default();
    for (name, node) in file.tables("providers") {
        let rows: Vec<Price> = node.rows("prices").iter().filter_map(|row| price(row, report)).collect();
        if let Some(id) = ProviderId::new(name.value).ok().filter(|_| !rows.is_empty()) {
            prices.0.insert(id, rows);
        }
    }
    let tables = file.tables("quotas");
    if let Some((name, _)) = tables.get(MOST) {
        let message = format!("there are {} quotas, and there may be {MOST}", tables.len());
        let help = "one quota counts each workload by itself: `per = \"workload\"`";
        report.add(report.problem(Code::TooMany, name.span.clone(), message).help(help));
    }
    let mut quotas = Vec::new();
    for (name, node) in &tables {
        judge(file, node, report);
        if node.says("money") && prices.is_empty() {
            let message = format!("{} limits money, and nothing has a price", node.place);
            let help =
                "say under a provider what its models cost: `prices = [{ model = \"*\", input = 2.5, output = 10 }]`";
            report.add(report.problem(Code::Unused, node.span_of("money"), message).help(help));
        }
        quotas.extend(quota(name.value, node, report));
    }
    let mut waits = BTreeMap::new();
    for (name, node) in file.tables("conduits") {
        if let Some((id, wait)) = ConduitId::new(name.value).ok().zip(waiting(&node, report)) {
            waits.insert(id, wait);
        }
    }
    Settings { quotas, prices, waits }
}

fn quota(name: &str, node: &Node<'_>, report: &mut Report) -> Option<Quota> {
    let per = node.text("per")?.value;
    Some(Quota {
        id: QuotaId::new(name).ok()?,
        per: Per::NAMES.iter().find(|(name, _)| *name == per)?.1,
        only: strings(node, "only").into_iter().collect(),
        window: node.duration("window")?,
        requests: node.count("requests"),
        tokens: node.count("tokens"),
        bytes: node.size("bytes"),
        money: if node.says("money") { Some(money(node, "money", report)?) } else { None },
        concurrent: node.number("concurrent"),
        warn: node.count("warn")?,
    })
}

/// How calls of a conduit wait, if they do.
fn waiting(conduit: &Node<'_>, report: &mut Report) -> Option<Waits> {
    if !conduit.flag("essential") {
        if conduit.says("queue") {
            let message = format!("{} has a `queue` and is not essential: its calls do not wait", conduit.place);
            report.add(
                report
                    .problem(Code::Unused, conduit.span_of("queue"), message)
                    .help("say `essential = true`, or remove it"),
            );
        }
        return None;
    }
    let queue = conduit.table("queue")?;
    Some(Waits { weight: queue.number("weight")?, longest: queue.duration("longest")? })
}

fn price(row: &Node<'_>, report: &mut Report) -> Option<Price> {
    Some(Price {
        model: Wildcard(row.string("model")?),
        input: money(row, "input", report)?,
        output: money(row, "output", report)?,
    })
}

/// An amount of money in millionths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it lies between nothing and RICHEST millions"
)]
fn money(node: &Node<'_>, key: &str, report: &mut Report) -> Option<u64> {
    let amount = node.decimal(key)?;
    if !(0.0..=RICHEST).contains(&amount) {
        let message = format!("`{key}` of {} is no amount of money", node.place);
        report.add(
            report.problem(Code::BadValue, node.span_of(key), message).help("a number from 0 to a thousand million"),
        );
        return None;
    }
    Some((amount * MILLION).round() as u64)
}

/// What a quota means.
fn judge(file: &Node<'_>, node: &Node<'_>, report: &mut Report) {
    if !["requests", "tokens", "bytes", "money", "concurrent"].iter().any(|key| node.says(key)) {
        let message = format!("{} limits nothing", node.place);
        let help = "say how much: `requests`, `tokens`, `bytes`, `money` or `concurrent`";
        report.add(report.problem(Code::Unused, node.span.clone(), message).help(help));
    }
    let Some(per) = node.text("per") else { return };
    let table = match per.value {
        "workload" => "workloads",
        "conduit" => "conduits",
        "provider" => "providers",
        "plant" if node.says("only") => {
            let message = format!("{} counts the plant as a whole, and concerns only some of it", node.place);
            let help = "remove `only`, or count each: `per = \"workload\"`";
            return report.add(report.problem(Code::BadValue, node.span_of("only"), message).help(help));
        }
        _ => return,
    };
    for name in node.texts("only") {
        if file.entry(table, name.value).is_none() {
            let message = format!("{} concerns {} {}, which is not declared", node.place, per.value, quote(name.value));
            report.add(
                report.problem(Code::DanglingName, name.span, message).help("is it spelled as where it is declared?"),
            );
        }
    }
}
