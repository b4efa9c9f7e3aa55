//! Takes a plant file from bytes to a plant, collecting every problem on the way.

use crate::files::{Files, MOST_BYTES};
use crate::names::Names;
use crate::node::{Node, defaults};
use crate::problem::{Code, Problem, Problems, Severity, Source};
use crate::report::Report;
use crate::shape::Shape;
use crate::{
    Loaded, alerts, callers, components, conduits, control, detection, failing, files, gateway, labels, limits,
    oversight, paths, providers, quotas, rules, secret, shifts, sources, spill, zones,
};
use plant::{GatewayId, Millis, Plant, PlantId, Scale};
use std::path::Path;
use std::sync::Arc;
use toml::de::DeTable;

/// What a plant file is read with.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The file's name in reports.
    pub name: &'a str,
    /// The folder that relative paths begin at.
    pub folder: &'a Path,
    /// The files beside it.
    pub files: &'a dyn Files,
    /// What has expired by now.
    pub now: Millis,
    /// SHA-256 in lower-case hexadecimal.
    pub hash: fn(&[u8]) -> String,
}

/// Reads a plant file. Hostile bytes cost time and memory in proportion to their length, and never more.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn read(bytes: &[u8], around: Surroundings<'_>) -> Result<Loaded, Problems> {
    let text = text(bytes, around.name)?;
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut tree = tree.into_inner();
    let spilt = spill::find(text, &Node::file(&tree));
    let spans = secret::merge(spilt.iter().map(|spill| spill.span.clone()).collect());
    spill::scrub(&mut tree, &spans);
    let file = Node::file(&tree);
    let source = Source::new(around.name, secret::star_out(text, &spans));
    let mut report = Report::new(&source);
    spill::report(&spilt, &mut report);

    let built_in = labels::built_in();
    let names = Names::of(&file, built_in.iter().copied());
    Shape { names: &names, secrets: &spans, report: &mut report }.table(&file);
    if !errors.is_empty() {
        return Err(broken(&errors, &source, report));
    }
    let built = build(&file, &around, &mut report);
    match built {
        Some(built) if !report.has_errors() => finish(bytes, built, &file, &around, report),
        built => {
            // INVARIANT: whatever keeps a plant from being built has been reported.
            if built.is_none() && !report.has_errors() {
                report.add(report.problem(Code::Unreadable, 0..0, "the plant file cannot be understood"));
            }
            Err(Problems { list: report.into_list() })
        }
    }
}

/// The bytes as text, if they are few enough and UTF-8.
fn text<'b>(bytes: &'b [u8], name: &str) -> Result<&'b str, Problems> {
    if bytes.len() > MOST_BYTES {
        let message = format!("the plant file has {} bytes, and may have {MOST_BYTES}", bytes.len());
        return Err(alone(name, message, "no plant needs a larger one; was this meant to be the plant file?"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        alone(name, format!("the plant file is not UTF-8 in line {line}"), "save it as UTF-8")
    })
}

/// One problem with a file that has no text to show.
pub(crate) fn alone(name: &str, message: String, help: &str) -> Problems {
    let source = Source::new(name, String::new());
    Problems { list: vec![Problem::new(&source, Code::Unreadable, 0..0, message).help(help)] }
}

/// What is wrong with a file that is not TOML throughout. Keys that are missing or undeclared are not among it:
/// they may stand in the part that could not be read.
fn broken(errors: &[toml::de::Error], source: &Source, report: Report) -> Problems {
    let line = |problem: &Problem| problem.position().0;
    let mut syntax: Vec<Problem> = Vec::new();
    for error in errors.iter().take(100) {
        let span = error.span().unwrap_or(0..0);
        let problem = Problem::new(source, Code::Syntax, span, error.message()).help(way_out(error.message()));
        // One slip can break the rest of its line; the first complaint is the one that helps.
        if syntax.last().is_none_or(|last| line(last) != line(&problem)) {
            syntax.push(problem);
        }
    }
    let lines: Vec<usize> = syntax.iter().map(line).collect();
    let certain = |problem: &Problem| {
        !matches!(problem.code, Code::MissingKey | Code::DanglingName) && !lines.contains(&line(problem))
    };
    let mut list: Vec<Problem> = report.into_list().into_iter().filter(certain).collect();
    list.extend(syntax);
    list.sort_by_key(|problem| (problem.span().start, problem.code));
    Problems { list }
}

fn way_out(message: &str) -> &'static str {
    if message.contains("duplicate key") {
        "each key and each table stands once: remove one of the two, or join them"
    } else if message.contains("string") {
        "texts stand in quotation marks: `owner = \"OT operations\"`"
    } else if message.contains("table") || message.contains("header") {
        "a table begins with its name in brackets, alone on its line: `[zones.filling]`"
    } else {
        "a line is `key = value`, with texts in quotation marks and lists in brackets: `networks = [\"10.20.1.0/24\"]`"
    }
}

type Built = (Plant, gateway::Gateway, control::Control, inspect::Settings, guard::Guard, Beside);

/// What stands beside the plant and is set for itself.
struct Beside {
    failing: fallback::Settings,
    quotas: quota::Settings,
    alerts: Vec<alert::Destination>,
    components: Vec<inventory::Component>,
    governance: inventory::Terms,
}

fn build(file: &Node<'_>, around: &Surroundings<'_>, report: &mut Report) -> Option<Built> {
    let node = file.table("plant")?;
    let scale = scale(&node, report);
    // Without a scale of its own the rest is still worth reading along the default one.
    let known = scale.clone().or_else(|| Scale::new(callers::strings(&defaults().table("plant")?, "sensitivity")))?;
    let zones = zones::build(file, report);
    let workloads = callers::workloads(file, report);
    let workstations = callers::workstations(file, report);
    callers::shared_certificates(file, report);
    let issuer = callers::issuer(file, around.folder);
    let providers = providers::build(file, &known, around.folder, report);
    let conduits = conduits::build(file, &known, around.now, report);
    paths::check(file, &known, report);
    let sources = sources::build(file, &known, report);
    let mut inspect = labels::build(file, &known, report);
    inspect.sources = sources.values().cloned().collect();
    let guard = limits::build(file, report);
    let alerts = alerts::build(file, &known, around.folder, report);
    let (failing, quotas) = (failing::build(file, report), quotas::build(file, report));
    let gateway = gateway::build(file, around.folder, report);
    let control = control::build(file, around.folder, report);
    let components = components::build(file, report);
    let governance = control.as_ref().and_then(|control| components::terms(file, control, report));
    files::check(file, around, report);
    let plant = Plant {
        id: node.read("name", PlantId::new)?,
        gateway: node.read("gateway", GatewayId::new)?,
        scale: scale?,
        zones,
        workloads,
        workstations,
        issuer,
        providers,
        sources,
        conduits,
        digest: String::new(),
    };
    let beside = Beside { failing, quotas, alerts, components, governance: governance? };
    Some((plant, gateway?, control?, inspect, guard?, beside))
}

fn scale(node: &Node<'_>, report: &mut Report) -> Option<Scale> {
    let names = callers::strings(node, "sensitivity");
    if names.len() > 16 {
        let message = format!("the scale has {} steps, and may have 16", names.len());
        let help = "people tell four or five steps apart: public, internal, confidential, restricted";
        report.add(report.problem(Code::TooMany, node.span_of("sensitivity"), message).help(help));
    }
    Scale::new(names)
}

/// Reads the rules, takes the digest, and lets the rules be judged against the plant.
fn finish(
    bytes: &[u8],
    (mut plant, gateway, control, mut inspect, guard, beside): Built,
    file: &Node<'_>,
    around: &Surroundings<'_>,
    mut report: Report,
) -> Result<Loaded, Problems> {
    let rules = rules::read(file, around, &mut report);
    let (detectors, files) = detection::read(file, around, &mut report);
    inspect.detectors = detectors;
    plant.digest = rules::digest(bytes, rules.iter().chain(&files), around.hash);
    let plant = Arc::new(plant);
    if !report.has_errors() {
        rules::judge(&plant, &rules, &mut report);
    }
    let origins = oversight::origins(file, &mut report);
    let failed = report.has_errors();
    let list = report.into_list();
    if failed {
        return Err(Problems { list });
    }
    debug_assert!(list.iter().all(|problem| problem.severity() == Severity::Warning), "errors were returned above");
    let folder = around.folder.to_path_buf();
    let shifts = shifts::build(file);
    Ok(Loaded {
        plant,
        rules,
        inspect,
        guard: Arc::new(guard),
        shifts,
        failing: beside.failing,
        origins,
        quotas: beside.quotas,
        alerts: beside.alerts,
        components: beside.components,
        governance: beside.governance,
        gateway,
        control,
        warnings: list,
        folder,
    })
}
