//! `[[limits]]`: what answers may recommend for which tag.

use crate::callers::strings;
use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::value::quote;
use guard::{Decimal, Guard, Limit, Unit};
use std::collections::BTreeMap;
use std::ops::Range;

/// Builds the guard, with every limit that is whole.
pub(crate) fn build(file: &Node<'_>, report: &mut Report) -> Option<Guard> {
    let rows = file.rows("limits");
    let mut names = BTreeMap::new();
    for row in &rows {
        called(row, &mut names, report);
        ordered(row, report);
        stepped(row, report);
        useful(row, report);
    }
    let limits = rows.iter().filter_map(limit).collect();
    let guard = Guard::new(limits, decimal(file));
    if guard.is_err() {
        let span = file.span_of("limits");
        report.add(report.problem(Code::TooMany, span, "the limits have too many names").help("give up aliases"));
    }
    guard.ok()
}

fn decimal(file: &Node<'_>) -> Decimal {
    match file.table("inspection").and_then(|node| node.string("decimal")).as_deref() {
        Some("point") => Decimal::Point,
        Some("comma") => Decimal::Comma,
        _ => Decimal::Either,
    }
}

fn limit(row: &Node<'_>) -> Option<Limit> {
    Some(Limit {
        tag: row.string("tag")?,
        aliases: strings(row, "aliases"),
        unit: Unit::named(row.text("unit")?.value)?,
        low: row.decimal("low"),
        high: row.decimal("high"),
        step: row.decimal("step"),
        window: row.duration("window"),
        modes: strings(row, "modes"),
        interlocked: row.flag("interlocked"),
    })
}

/// Each name means one tag.
fn called(row: &Node<'_>, names: &mut BTreeMap<String, Range<usize>>, report: &mut Report) {
    for At { value, span } in row.text("tag").into_iter().chain(row.texts("aliases")) {
        let plain: String = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if plain.chars().count() < 3 {
            let message = format!("{} is too short to be told from other words", quote(value));
            let help = "write at least three letters or digits: `TIC-101`, `reactor temperature`";
            report.add(report.problem(Code::BadValue, span, message).help(help));
        } else if let Some(first) = names.get(&plain) {
            let message = format!("{} has limits already", quote(value));
            let problem = report.problem(Code::Duplicate, span, message).also(first.clone(), "the same name");
            report.add(problem.help("case and what joins the parts of a name do not matter: say it once"));
        } else {
            names.insert(plain, span);
        }
    }
}

fn ordered(row: &Node<'_>, report: &mut Report) {
    let (Some(low), Some(high)) = (row.decimal("low"), row.decimal("high")) else { return };
    if low > high {
        let message = format!("`low` of {} is above its `high`", name(row));
        let problem =
            report.problem(Code::BadValue, row.span_of("low"), message).also(row.span_of("high"), "its `high`");
        report.add(problem.help("nothing could be recommended: exchange the two, or set `interlocked = true`"));
    }
}

fn stepped(row: &Node<'_>, report: &mut Report) {
    if row.decimal("step").is_some_and(|step| step <= 0.0) {
        let message = format!("`step` of {} is not above zero", name(row));
        report.add(
            report
                .problem(Code::BadValue, row.span_of("step"), message)
                .help("write the largest change, of either sign"),
        );
    }
    if row.says("window") && !row.says("step") {
        let message = format!("`window` of {} has no `step` to go with it", name(row));
        report.add(
            report
                .problem(Code::Unused, row.span_of("window"), message)
                .help("say how much may change in it: `step = 5`"),
        );
    }
}

fn useful(row: &Node<'_>, report: &mut Report) {
    let says = ["low", "high", "step", "modes"].iter().any(|key| row.says(key));
    if !says && !row.flag("interlocked") {
        let message = format!("{} has no limit", name(row));
        let problem = report.problem(Code::MissingKey, row.span.clone(), message).here("needs a limit");
        report.add(problem.help("say what may be recommended: `low`, `high`, `step`, `modes` or `interlocked`"));
    }
}

fn name(row: &Node<'_>) -> String {
    row.text("tag").map_or_else(|| "a limit".to_owned(), |tag| quote(tag.value))
}
