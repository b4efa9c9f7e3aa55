//! `[sources.<source>]`, and the `sources` of workloads and conduits: what the plant's data is called, and who may use it.

use crate::callers::strings;
use crate::node::{At, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::value::quote;
use inspect::{Holding, Listed, Overlap, SourceProblem};
use plant::{Access, Scale, Source, SourceId, Unapproved};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Longest name: labels begin with `source.`, and have at most 96 characters.
const LONGEST: usize = 80;
/// Most sources: a record names each that was found.
const MOST: usize = 256;
/// Overlaps that are told of one pair of sources: the rest are of the same kind.
const TOLD: usize = 1;

const HOLDINGS: [Holding; 3] = [Holding::Tag, Holding::Path, Holding::Table];

/// Builds every source that is whole, and sees that its patterns can be told from each other.
pub(crate) fn build(file: &Node<'_>, scale: &Scale, report: &mut Report) -> BTreeMap<SourceId, Source> {
    let mut sources = BTreeMap::new();
    let mut sound = true;
    let tables = file.tables("sources");
    if let Some((name, _)) = tables.get(MOST) {
        let message = format!("there are {} sources, and there may be {MOST}", tables.len());
        let help = "a source is a part of the plant's data that is opened or closed as a whole: put together what goes together";
        report.add(report.problem(Code::TooMany, name.span.clone(), message).help(help));
        sound = false;
    }
    for (name, node) in tables {
        sound &= judge(&name, &node, report);
        if let Some(source) = source(name.value, &node, scale) {
            sources.insert(source.id.clone(), source);
        }
    }
    for key in ["workloads", "conduits"] {
        file.tables(key).iter().for_each(|(_, node)| both(node, report));
    }
    if sound && !sources.is_empty() {
        match inspect::overlaps(sources.values()) {
            Ok(overlaps) => overlapping(file, &overlaps, report),
            Err(problem) => tell(file, &problem, report),
        }
    }
    sources
}

fn source(name: &str, node: &Node<'_>, scale: &Scale) -> Option<Source> {
    Some(Source {
        id: SourceId::new(name).ok()?,
        title: node.string("title"),
        sensitivity: scale.step(node.text("sensitivity")?.value)?,
        owner: node.string("owner")?,
        tags: strings(node, "tags"),
        paths: strings(node, "paths"),
        documents: strings(node, "documents"),
        tables: strings(node, "tables"),
    })
}

/// Which sources a workload may use; what it does not say, the plant says for all.
pub(crate) fn of_workload(file: &Node<'_>, node: &Node<'_>) -> Access {
    let access = access(node);
    let none = file.table("plant").and_then(|plant| plant.string("sources")).is_some_and(|unsaid| unsaid == "none");
    Access { open: access.open.or_else(|| none.then(Vec::new)), ..access }
}

/// Which sources may cross a conduit.
pub(crate) fn of_conduit(node: &Node<'_>) -> Access {
    access(node)
}

fn access(node: &Node<'_>) -> Access {
    let named = |key| node.reads(key, SourceId::new);
    Access { open: node.says("sources").then(|| named("sources")), denied: named("deny_sources") }
}

/// What a conduit does with what may not cross it.
pub(crate) fn unapproved(node: &Node<'_>) -> Option<Unapproved> {
    let choice = node.text("unapproved_sources")?;
    Some(Unapproved::NAMES.iter().find(|(name, _)| *name == choice.value)?.1)
}

/// Judges a source by itself; whether its patterns can be looked for.
fn judge(name: &At<&str>, node: &Node<'_>, report: &mut Report) -> bool {
    if name.value.len() > LONGEST {
        let message = format!("{} has a name of {} characters, and may have {LONGEST}", node.place, name.value.len());
        report.add(
            report.problem(Code::BadName, name.span.clone(), message).help("findings are called by it; shorten it"),
        );
        return false;
    }
    if ["tags", "paths", "documents", "tables"].iter().all(|key| node.texts(key).is_empty()) {
        let message = format!("{} is made of nothing", node.place);
        let help =
            "say what it is made of: `tags`, `paths`, `documents` or `tables`, such as `tags = [\"AREA1.TIC101.*\"]`";
        report.add(report.problem(Code::MissingKey, node.span.clone(), message).here("needs a part").help(help));
    }
    let mut sound = true;
    for holding in HOLDINGS {
        for pattern in node.texts(holding.key()) {
            if report.is_full() {
                return false;
            }
            if let Err(why) = inspect::check_pattern(pattern.value, holding) {
                sound = false;
                let message = format!("{} cannot be looked for: {why}", quote(pattern.value));
                let help = "write the name as it stands, with `*` for a part of it: `AREA1.TIC101.*`";
                report.add(report.problem(Code::Pattern, pattern.span, message).help(help));
            }
        }
    }
    sound
}

/// Reports what is open and denied at once.
fn both(node: &Node<'_>, report: &mut Report) {
    let denied = node.texts("deny_sources");
    for open in node.texts("sources") {
        if let Some(other) = denied.iter().find(|denied| denied.value == open.value) {
            let message = format!("{} names {} as a source, and denies it", node.place, quote(open.value));
            let problem = report.problem(Code::Unused, open.span, message).also(other.span.clone(), "denied here");
            report.add(problem.help("it is denied; remove it from one of the two"));
        }
    }
}

fn place(file: &Node<'_>, at: &Listed) -> Range<usize> {
    let node = file.entry("sources", at.source.as_str());
    let text = node.as_ref().and_then(|node| node.texts(at.holding.key()).into_iter().nth(at.index));
    text.map(|text| text.span).or_else(|| node.map(|node| node.span)).unwrap_or(0..0)
}

fn pattern<'a>(file: &Node<'a>, at: &Listed) -> &'a str {
    let node = file.entry("sources", at.source.as_str());
    node.and_then(|node| node.texts(at.holding.key()).into_iter().nth(at.index)).map_or("", |text| text.value)
}

/// Reports what stands in two sources, and what lies within another source that somebody may not use who may use the inner.
fn overlapping(file: &Node<'_>, overlaps: &BTreeSet<Overlap>, report: &mut Report) {
    let mut told: BTreeMap<(&SourceId, &SourceId, bool), usize> = BTreeMap::new();
    for Overlap { outer, inner, same } in overlaps {
        let pair = (&outer.source, &inner.source);
        let (first, second) = pair.min((pair.1, pair.0));
        let count = told.entry((first, second, *same)).or_default();
        if *count >= TOLD || report.is_full() {
            continue;
        }
        if *same {
            *count += 1;
            let (first, second) = (place(file, outer), place(file, inner));
            let (first, second) = if first.start <= second.start { (first, second) } else { (second, first) };
            let message = format!("{} stands in sources `{}` and `{}`", quote(pattern(file, inner)), pair.0, pair.1);
            let problem = report.problem(Code::SourceOverlap, second, message).also(first, "and here");
            report.add(problem.help("case and separators do not matter: leave it in the one that it belongs to"));
        } else {
            *count += usize::from(contradicts(file, outer, inner, report));
        }
    }
}

/// Reports a workload that may use the inner source and not the outer: each use would be refused.
fn contradicts(file: &Node<'_>, outer: &Listed, inner: &Listed, report: &mut Report) -> bool {
    for key in ["workloads", "conduits"] {
        for (_, node) in file.tables(key) {
            let access = access(&node);
            let named = access.open.as_ref().is_some_and(|open| open.contains(&inner.source));
            if !named
                || access.closes(outer.source.as_str()).is_none()
                || access.closes(inner.source.as_str()).is_some()
            {
                continue;
            }
            let at = node.texts("sources").into_iter().find(|text| text.value == inner.source.as_str());
            let (within, without) = (quote(pattern(file, inner)), quote(pattern(file, outer)));
            let message = format!(
                "{} may use source `{}`, and not `{}`, of which {within} is too: {without}",
                node.place, inner.source, outer.source
            );
            let problem = report
                .problem(Code::SourceOverlap, at.map_or(node.span.clone(), |text| text.span), message)
                .also(place(file, inner), format!("of `{}`", inner.source))
                .also(place(file, outer), format!("of `{}`", outer.source));
            let help =
                "what is of two sources is refused to whoever may not use both: open both, or narrow the wider one";
            report.add(problem.help(help));
            return true;
        }
    }
    false
}

/// Tells what is wrong with all patterns together.
fn tell(file: &Node<'_>, problem: &SourceProblem, report: &mut Report) {
    let (code, span, message, help) = match problem {
        SourceProblem::Alike { at } => (
            Code::TooMany,
            place(file, at),
            format!("more than 16 patterns begin as {} does before its `*`", quote(pattern(file, at))),
            "each of them is tried wherever that beginning stands: write more before the `*`, or one pattern for all",
        ),
        SourceProblem::Pattern { at, why } => {
            (Code::Pattern, place(file, at), why.to_string(), "write the name as it stands")
        }
        other => (
            Code::TooMany,
            file.given("sources").map_or(0..0, |(name, _)| name.span()),
            other.to_string(),
            "one pattern with `*` stands for many tags",
        ),
    };
    report.add(report.problem(code, span, message).help(help));
}

#[cfg(test)]
mod tests {
    use crate::{NoFiles, Surroundings, read};
    use plant::{Closed, Millis, Plant, SourceId, Unapproved, WorkloadId};
    use std::path::Path;
    use std::sync::Arc;

    const PLANT: &str = r#"
        [plant]
        name = "works"
        sources = "UNSAID"
        [zones.line]
        networks = ["10.0.0.0/24"]
        level = 3
        sl_t = { iac = 1, uc = 1, si = 1, dc = 1, rdf = 1, tre = 1, ra = 1 }
        criticality = "low"
        owner = "OT"
        [zones.cloud]
        external = true
        owner = "IT"
        [workloads.says-nothing]
        zone = "line"
        purposes = ["advice"]
        [workloads.lists]
        zone = "line"
        purposes = ["advice"]
        sources = ["line-1"]
        [workloads.denies]
        zone = "line"
        purposes = ["advice"]
        deny_sources = ["sis"]
        [sources.line-1]
        tags = ["LINE1.*"]
        sensitivity = "internal"
        owner = "OT"
        [sources.sis]
        tags = ["SIS-*"]
        paths = ['\\PISRV01\SIS*']
        documents = ["trips"]
        tables = ["mes.trips"]
        sensitivity = "restricted"
        owner = "Safety"
        [providers.openai]
        dialect = "openai"
        address = "https://api.openai.com"
        zone = "cloud"
        clearance = "internal"
        supplier = { name = "OpenAI" }
        [conduits.cloud]
        from = ["line"]
        to = "openai"
        purposes = ["advice"]
        models = ["*"]
        ceiling = "internal"
        handling = [{ label = "source.sis", do = "refuse" }, { label = "source", do = "hold" }]
        deny_sources = ["sis"]
        unapproved_sources = "tokenise"
        owner = "OT"
        approved_by = "Security"
    "#;

    fn plant(unsaid: &str) -> Arc<Plant> {
        let around = Surroundings {
            name: "plant.toml",
            folder: Path::new("/nowhere"),
            files: &NoFiles,
            now: Millis(1_800_000_000_000),
            hash: |_| "0".repeat(64),
        };
        read(PLANT.replace("UNSAID", unsaid).as_bytes(), around).map_err(|problems| problems.to_string()).unwrap().plant
    }

    #[test]
    fn what_a_workload_does_not_say_the_plant_says_for_all() {
        let closes = |unsaid, workload: &str, source| {
            plant(unsaid).workloads[&WorkloadId::new(workload).unwrap()].sources.closes(source)
        };
        assert_eq!(closes("any", "says-nothing", "sis"), None);
        assert_eq!(closes("none", "says-nothing", "sis"), Some(Closed::Unnamed));
        for unsaid in ["any", "none"] {
            assert_eq!(closes(unsaid, "lists", "line-1"), None);
            assert_eq!(closes(unsaid, "lists", "sis"), Some(Closed::Unnamed));
            assert_eq!(closes(unsaid, "denies", "sis"), Some(Closed::Denied));
        }
        assert_eq!(closes("any", "denies", "line-1"), None);
        assert_eq!(closes("none", "denies", "line-1"), Some(Closed::Unnamed));
    }

    #[test]
    fn a_source_is_read_whole() {
        let plant = plant("any");
        let source = &plant.sources[&SourceId::new("sis").unwrap()];
        assert_eq!(source.paths, [r"\\PISRV01\SIS*"]);
        assert_eq!((source.documents.len(), source.tables.len(), source.owner.as_str()), (1, 1, "Safety"));
        assert_eq!(source.sensitivity, plant.scale.highest());
        let conduit = plant.conduits.values().next().unwrap();
        assert_eq!((conduit.unapproved, conduit.sources.closes("sis")), (Unapproved::Tokenise, Some(Closed::Denied)));
    }
}
