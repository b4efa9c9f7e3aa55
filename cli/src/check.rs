//! `penstock check`: everything that is wrong with a plant file, at once, with the line and a way out.

use config::{Loaded, Problem, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, IntoDiagnostic};
use plant::Keep;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// Say everything that is wrong with a plant file, with the line and a way out.
///
/// Nothing is started, sent or written. Ends with 0 if the file can come into force, and with 1 if it cannot.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the same as data, for scripts and editors.
    #[arg(long)]
    json: bool,
    /// End with 1 also if there are only warnings.
    #[arg(long)]
    deny_warnings: bool,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let result = config::load(plant, gateway::now(), |bytes| seal::hex(&seal::sha256(bytes)));
    let (loaded, problems) = match &result {
        Ok(loaded) => (Some(loaded), &loaded.warnings),
        Err(problems) => (None, &problems.list),
    };
    let mut out = std::io::stdout().lock();
    let written = if args.json {
        let text = serde_json::to_string_pretty(&data(loaded, problems)).into_diagnostic()?;
        writeln!(out, "{text}")
    } else {
        let color = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let theme = match (out.is_terminal(), color) {
            (true, true) => GraphicalTheme::unicode(),
            (true, false) => GraphicalTheme::unicode_nocolor(),
            (false, _) => GraphicalTheme::none(),
        };
        out.write_all(report(loaded, problems, theme).as_bytes())
    };
    written.into_diagnostic()?;
    let good = loaded.is_some() && (problems.is_empty() || !args.deny_warnings);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a person reads.
fn report(loaded: Option<&Loaded>, problems: &[Problem], theme: GraphicalTheme) -> String {
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
    let mut text = String::new();
    for problem in problems {
        // Writing to a string does not fail.
        let _ = handler.render_report(&mut text, problem);
        text.push('\n');
    }
    text.push_str(&summary(loaded, problems));
    text.push('\n');
    text
}

/// The last line.
fn summary(loaded: Option<&Loaded>, problems: &[Problem]) -> String {
    let count = |severity| problems.iter().filter(|problem| problem.severity() == severity).count();
    let warnings = match count(Severity::Warning) {
        0 => "no warnings".to_owned(),
        warnings => number(warnings, "warning"),
    };
    match loaded {
        Some(loaded) => {
            let plant = &loaded.plant;
            let summary = format!(
                "{}: {}, {}, {}, {}; {warnings}",
                plant.id,
                number(plant.zones.len(), "zone"),
                number(plant.conduits.len(), "conduit"),
                number(plant.providers.len(), "provider"),
                number(plant.workloads.len(), "workload"),
            );
            kept(loaded).into_iter().fold(summary, |summary, kept| format!("{kept}\n{summary}"))
        }
        None => {
            let file = problems.first().map_or("the plant file", Problem::file);
            format!("{file} cannot come into force: {}, {warnings}", number(count(Severity::Error), "error"))
        }
    }
}

/// Which content is kept, and who can open it; `None` if none is.
fn kept(loaded: &Loaded) -> Option<String> {
    let keeps = loaded.plant.conduits.values().filter(|conduit| conduit.keep == Keep::Content);
    let keeps: Vec<String> = keeps.map(|conduit| format!("`{}`", conduit.id)).collect();
    let holders = match loaded.gateway.auditors.len() {
        0 => "nobody else".to_owned(),
        auditors => number(auditors, "auditor"),
    };
    let content = format!(
        "content of {} is kept, sealed; it opens to the gateway and to {holders}, until `penstock erase`",
        keeps.join(", ")
    );
    (!keeps.is_empty()).then_some(content)
}

fn number(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What a script reads.
fn data(loaded: Option<&Loaded>, problems: &[Problem]) -> Value {
    let summary = loaded.map(|loaded| {
        let plant = &loaded.plant;
        json!({
            "plant": plant.id.as_str(),
            "gateway": plant.gateway.as_str(),
            "digest": plant.digest,
            "zones": plant.zones.len(),
            "workloads": plant.workloads.len(),
            "workstations": plant.workstations.len(),
            "providers": plant.providers.len(),
            "conduits": plant.conduits.len(),
            "rule_files": loaded.rules.len(),
            "keeps": plant.conduits.values().filter(|one| one.keep == Keep::Content).map(|one| one.id.as_str()).collect::<Vec<_>>(),
            "auditors": loaded.gateway.auditors,
        })
    });
    json!({
        "ok": loaded.is_some(),
        "summary": summary,
        "problems": problems.iter().map(problem_data).collect::<Vec<_>>(),
    })
}

fn problem_data(problem: &Problem) -> Value {
    let (line, column) = problem.position();
    let others = problem.marks.iter().skip(1);
    json!({
        "file": problem.file(),
        "line": line,
        "column": column,
        "span": { "start": problem.span().start, "end": problem.span().end },
        "code": problem.code.name(),
        "severity": problem.severity().name(),
        "message": problem.message,
        "help": problem.help,
        "related": others.map(|mark| json!({
            "span": { "start": mark.span.start, "end": mark.span.end },
            "text": mark.text,
        })).collect::<Vec<_>>(),
    })
}
