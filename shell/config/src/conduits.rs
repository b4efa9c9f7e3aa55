//! `[conduits.<conduit>]`: builds conduits, and judges each by itself.
//!
//! What several conduits mean together is judged in `paths`.

use crate::callers::{no_networks, strings};
use crate::node::{At, Node};
use crate::oversight;
use crate::problem::Code;
use crate::report::Report;
use crate::sources;
use crate::value::{self, enumerate, quote};
use plant::{
    Act, Answers, Approval, Attachments, Bounds, Conduit, ConduitId, Deed, Dialect, Files, Guarding, Handling, Images,
    Keep, Label, Millis, OpaqueFiles, OperatorRequirement, ProviderId, PurdueLevel, Purpose, Scale, Tokens, Verdict,
    Wildcard, WorkloadId, Writing, ZoneId,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long before its end a conduit's approval is worth a warning.
const NOTICE: Millis = Millis(30 * 24 * 3_600_000);

/// Builds every conduit that is whole.
pub(crate) fn build(file: &Node<'_>, scale: &Scale, now: Millis, report: &mut Report) -> BTreeMap<ConduitId, Conduit> {
    let known = read_callers(file);
    let mut conduits = BTreeMap::new();
    for (name, node) in file.tables("conduits") {
        for zone in node.texts("from") {
            no_networks(file, &zone, &format!("{} begins in", node.place), report);
        }
        approval(&node, now, report);
        handling(&node, report);
        operator(file, &node, report);
        openness(&node, scale, file.says("limits"), report);
        clearance(file, &node, scale, report);
        near_the_process(file, &node, report);
        callers(&node, &known, report);
        times(&node, report);
        essential(&node, report);
        oversight::judge(file, &node, report);
        if let Some(conduit) = conduit(name.value, &node, scale) {
            conduits.insert(conduit.id.clone(), conduit);
        }
    }
    conduits
}

fn conduit(name: &str, node: &Node<'_>, scale: &Scale) -> Option<Conduit> {
    let reroute = node.table("reroute")?;
    Some(Conduit {
        id: ConduitId::new(name).ok()?,
        from: node.reads("from", ZoneId::new),
        to: node.read("to", ProviderId::new)?,
        workloads: node.reads("workloads", WorkloadId::new),
        purposes: node.reads("purposes", Purpose::new),
        models: wildcards(node, "models"),
        tools: node.says("tools").then(|| wildcards(node, "tools")),
        ceiling: scale.step(node.text("ceiling")?.value)?,
        operator: requirement(&node.table("operator")?),
        handling: handlings(node),
        sources: sources::of_conduit(node),
        unapproved: sources::unapproved(node)?,
        files: files(node)?,
        reroute: reroute.read("to", ProviderId::new),
        reroute_model: reroute.string("model"),
        opaque: wildcards(node, "opaque"),
        answers: answers(&node.table("answers")?)?,
        guarding: guarding(&node.table("answers")?)?,
        bounds: bounds(&node.table("limits")?)?,
        keep: keep(node)?,
        essential: node.flag("essential"),
        oversight: oversight::of(node)?,
        owner: node.string("owner")?,
        approval: Approval { by: node.string("approved_by")?, at: node.moment("approved_at").map(|at| at.value) },
        expires: node.moment("expires").map(|at| at.value),
    })
}

fn wildcards(node: &Node<'_>, key: &str) -> Vec<Wildcard> {
    strings(node, key).into_iter().map(Wildcard).collect()
}

fn requirement(node: &Node<'_>) -> OperatorRequirement {
    if node.flag("required") {
        OperatorRequirement::Required { assurance: strings(node, "assurance") }
    } else {
        OperatorRequirement::Optional
    }
}

/// What the file says, and what holds where it says nothing: an instruction to the model has no place in what a tool or a
/// document says. In a prompt it is recorded, and passes.
fn handlings(node: &Node<'_>) -> Vec<Handling> {
    let mut handlings: Vec<Handling> = node.rows("handling").iter().filter_map(tokenising).collect();
    let places = ["injection.tool", "injection.document"].into_iter().filter_map(|label| Label::new(label).ok());
    handlings.extend(places.map(|label| Handling { label, verdict: Verdict::Refuse, tokens: Tokens::Words }));
    handlings
}

/// An entry of `handling`, which also says what tokens look like.
fn tokenising(node: &Node<'_>) -> Option<Handling> {
    let form = node.text("tokens").map(|form| form.value);
    let tokens =
        Tokens::NAMES.iter().find(|(name, _)| form == Some(*name)).map_or(Tokens::Words, |(_, tokens)| *tokens);
    Some(Handling { tokens, ..handle(node)? })
}

fn handle(node: &Node<'_>) -> Option<Handling> {
    let deed = node.text("do")?;
    let verdict = Verdict::NAMES.iter().find(|(name, _)| *name == deed.value)?.1;
    Some(Handling { label: node.read("label", Label::new)?, verdict, tokens: Tokens::Words })
}

fn answers(node: &Node<'_>) -> Option<Answers> {
    let taken = |key| Some(node.text(key)?.value == "remove");
    let deed = node.text("unsafe")?.value;
    Some(Answers {
        hosts: strings(node, "hosts").iter().map(|host| Wildcard(host.to_lowercase())).collect(),
        images: taken("images")?,
        links: taken("links")?,
        addresses: taken("addresses")?,
        markup: taken("markup")?,
        unsafe_instructions: Deed::NAMES.iter().find(|(name, _)| *name == deed)?.1,
        tools: node.says("tools").then(|| wildcards(node, "tools")),
        withhold: node.rows("withhold").iter().filter_map(handle).collect(),
    })
}

fn bounds(node: &Node<'_>) -> Option<Bounds> {
    Some(Bounds {
        request: node.size("request_bytes")?,
        depth: node.number("depth")?,
        answer: node.size("answer_bytes")?,
        first_byte: node.duration("first_byte")?,
        idle: node.duration("idle")?,
        total: node.duration("total")?,
        audio: if node.says("audio") { Some(node.duration("audio")?) } else { None },
    })
}

fn guarding(node: &Node<'_>) -> Option<Guarding> {
    let act = |key| choice(node, key, &Act::NAMES);
    Some(Guarding { violate: act("violate")?, unresolved: act("unresolved")? })
}

fn keep(node: &Node<'_>) -> Option<Keep> {
    choice(node, "keep", &Keep::NAMES)
}

fn files(node: &Node<'_>) -> Option<Files> {
    Some(Files {
        attachments: choice(node, "attachments", &Attachments::NAMES)?,
        opaque: choice(node, "opaque_files", &OpaqueFiles::NAMES)?,
        images: choice(node, "images", &Images::NAMES)?,
        image_side: node.number("image_side")?,
        image_detail: node.number("image_detail")?,
        writing: choice(node, "writing", &Writing::NAMES)?,
    })
}

/// What a key says of a list of choices.
fn choice<T: Copy>(node: &Node<'_>, key: &str, names: &[(&str, T)]) -> Option<T> {
    let word = node.text(key)?.value;
    names.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice)
}

/// Content has to be sealed before a call leaves, and where the ledger has no room it cannot be.
fn essential(node: &Node<'_>, report: &mut Report) {
    if node.flag("essential") && node.text("keep").is_some_and(|keep| keep.value != "nothing") {
        let message = format!("{} is essential and keeps content", node.place);
        let help = "when the disk is full nothing can be kept, and its calls would be refused: give up one of the two";
        report.add(report.problem(Code::BadValue, node.span_of("essential"), message).help(help));
    }
}

fn approval(node: &Node<'_>, now: Millis, report: &mut Report) {
    if let (Some(owner), Some(approver)) = (node.text("owner"), node.text("approved_by"))
        && owner.value.trim() == approver.value.trim()
    {
        let message = format!("{} was approved by its own owner", node.place);
        let problem = report.problem(Code::SameApprover, approver.span, message).also(owner.span, "the owner");
        report.add(problem.help("let somebody approve it who does not need it"));
    }
    let (approved, expires) = (node.moment("approved_at"), node.moment("expires"));
    if let Some(approved) = approved.as_ref().filter(|approved| approved.value > now) {
        // Not an error: a gateway that starts with a dead clock must not lose its plant file over it.
        let message = format!("{} was approved on a day that has not come yet", node.place);
        let help = "write the day on which it was approved, or set the clock";
        report.add(report.problem(Code::ApprovedLater, approved.span.clone(), message).help(help));
    }
    let Some(expires) = expires else { return };
    if let Some(approved) = approved.filter(|approved| approved.value >= expires.value) {
        let message = format!("{} expires before it is approved", node.place);
        let problem = report.problem(Code::BadValue, expires.span, message).also(approved.span, "approved here");
        report.add(problem.help("let it expire after the day of its approval"));
    } else if expires.value <= now {
        let message = format!("approval of {} has ended: its calls are refused", node.place);
        let help = "have it approved again, then move `approved_at` and `expires`; or remove the conduit";
        report.add(report.problem(Code::ConduitExpired, expires.span, message).help(help));
    } else if expires.value.0 - now.0 <= NOTICE.0 {
        let days = (expires.value.0 - now.0) / (24 * 3_600_000);
        let left = match days {
            0 => "within a day".to_owned(),
            1 => "in 1 day".to_owned(),
            days => format!("in {days} days"),
        };
        let message = format!("approval of {} ends {left}", node.place);
        report.add(report.problem(Code::ConduitExpiring, expires.span, message).help("have it approved again in time"));
    }
}

fn handling(node: &Node<'_>, report: &mut Report) {
    let mut earlier: Vec<(Label, std::ops::Range<usize>)> = Vec::new();
    for row in node.rows("handling") {
        let Some(Handling { label, verdict, .. }) = handle(&row) else { continue };
        if row.says("tokens") && verdict != Verdict::Tokenise {
            let message = format!("{} says what tokens for `{label}` look like, and makes none", node.place);
            report.add(report.problem(Code::Unused, row.span_of("tokens"), message).help("`do = \"tokenise\"`"));
        }
        if verdict == Verdict::Reroute && !node.says("reroute") {
            let message = format!("{} is to reroute `{label}`, and has no `reroute`", node.place);
            let help = "say where to: `reroute = { to = \"edge\" }`";
            report.add(report.problem(Code::Reroute, row.span_of("do"), message).help(help));
        }
        if verdict == Verdict::Allow && label.as_str().split('.').next() == Some("secret") {
            let message = format!("{} lets secrets pass", node.place);
            let help = "a key that has left the plant is no longer a key: `do = \"refuse\"` or `do = \"redact\"`";
            report.add(report.problem(Code::Permissive, row.span_of("do"), message).help(help));
        }
        if let Some((first, span)) = earlier.iter().find(|(first, _)| first.covers(&label)) {
            let message = format!("`{label}` is already handled as `{first}`");
            let problem =
                report.problem(Code::Unused, row.span_of("label"), message).also(span.clone(), "decides first");
            report.add(problem.help("the first entry that fits decides: put the narrower label first, or remove it"));
        }
        earlier.push((label, row.span_of("label")));
    }
}

fn operator(file: &Node<'_>, node: &Node<'_>, report: &mut Report) {
    let Some(operator) = node.table("operator") else { return };
    if operator.flag("required") && !file.says("operators") {
        let message = format!("{} requires an operator, and nobody vouches for operators", node.place);
        let help = "add the OpenID Connect issuer of the plant under `[operators]`";
        report.add(report.problem(Code::NoIssuer, operator.span_of("required"), message).help(help));
    }
    if !operator.flag("required") && operator.says("assurance") {
        let message = format!("{} asks for assurance without requiring an operator", node.place);
        report.add(report.problem(Code::Unused, operator.span_of("assurance"), message).help("set `required = true`"));
    }
}

/// What a conduit allows that few plants want.
fn openness(node: &Node<'_>, scale: &Scale, limited: bool, report: &mut Report) {
    if let Some(model) = node.texts("models").into_iter().find(|model| model.value.chars().all(|c| c == '*')) {
        let message = format!("{} is open for every model, also for those to come", node.place);
        report.add(report.problem(Code::Permissive, model.span, message).help("name the models that were approved"));
    }
    for path in node.texts("opaque") {
        if !path.value.starts_with('/') {
            let message = format!("{} is not a path of an endpoint", quote(path.value));
            report.add(report.problem(Code::BadValue, path.span, message).help("begin it with a slash: `/v1/batches`"));
        } else if path.value.split('*').next().is_some_and(|fixed| fixed.len() <= "/v1/".len())
            && path.value.contains('*')
        {
            let message = format!("{} lets nearly every endpoint pass unread", node.place);
            report.add(
                report.problem(Code::Permissive, path.span, message).help("name the endpoints that may pass unread"),
            );
        }
    }
    let answers =
        node.table("answers").filter(|answers| answers.text("violate").is_some_and(|act| act.value == "allow"));
    if let Some(answers) = answers.filter(|_| limited) {
        let message = format!("{} lets answers recommend values outside the limits of their tags", node.place);
        let help = "`violate = \"block\"`, or `\"annotate\"` where a person reads every answer";
        report.add(report.problem(Code::Permissive, answers.span_of("violate"), message).help(help));
    }
    let highest = node.text("ceiling").filter(|ceiling| scale.step(ceiling.value) == Some(scale.highest()));
    let required = node.table("operator").is_some_and(|operator| operator.flag("required"));
    if let Some(ceiling) = highest.filter(|_| !required) {
        let message = format!("{} carries everything, and no person stands behind it", node.place);
        let help = "lower the ceiling, or set `operator = { required = true }`";
        report.add(report.problem(Code::Permissive, ceiling.span, message).help(help));
    }
}

fn clearance(file: &Node<'_>, node: &Node<'_>, scale: &Scale, report: &mut Report) {
    let (Some(to), Some(ceiling)) = (node.text("to"), node.text("ceiling")) else { return };
    let Some(provider) = file.entry("providers", to.value) else { return };
    let Some(clearance) = provider.text("clearance") else { return };
    let (Some(high), Some(low)) = (scale.step(ceiling.value), scale.step(clearance.value)) else { return };
    if high > low {
        let message = format!(
            "{} would carry {} to {}, which is cleared for {}",
            node.place,
            quote(ceiling.value),
            provider.place,
            quote(clearance.value)
        );
        let problem =
            report.problem(Code::CeilingAboveClearance, ceiling.span, message).also(clearance.span, "its clearance");
        report.add(
            problem.help(format!("lower the ceiling to {}, or clear the provider for more", quote(clearance.value))),
        );
    }
}

/// CISA and its partners, "Principles for the secure integration of AI in OT" (December 2025): language models
/// belong at levels 4 and 5, not beside the process.
fn near_the_process(file: &Node<'_>, node: &Node<'_>, report: &mut Report) {
    let Some(provider) = node.text("to").and_then(|to| file.entry("providers", to.value)) else { return };
    let dialect = provider.text("dialect").and_then(|dialect| value::dialect(dialect.value));
    let language = dialect.is_some_and(|dialect| !matches!(dialect, Dialect::Kserve | Dialect::Json | Dialect::Mcp));
    for from in node.texts("from") {
        let Some(zone) = file.entry("zones", from.value) else { continue };
        let safety = zone.text("criticality").is_some_and(|criticality| criticality.value == "safety");
        let low = zone.level("level").filter(|level| *level <= PurdueLevel::Supervision);
        let why = match low {
            _ if safety => "a safety zone calls AI".to_owned(),
            Some(level) if language => format!("a language model is called from Purdue level {level}"),
            _ => continue,
        };
        let message = format!("{}: {why}", node.place);
        let help = "let a workload at level 3 or above make the call with data that it was sent, so that AI stays out of the control loop";
        report.add(
            report.problem(Code::NearTheProcess, from.span, message).also(zone.span, zone.place.clone()).help(help),
        );
    }
}

/// A workload as conduits look at it, read once.
struct Caller<'a> {
    place: String,
    zone: At<&'a str>,
    purposes: Vec<At<&'a str>>,
}

/// The workloads that say which zone they are in, by name.
fn read_callers<'a>(file: &Node<'a>) -> BTreeMap<&'a str, Caller<'a>> {
    let workloads = file.tables("workloads").into_iter();
    workloads
        .filter_map(|(name, node)| {
            let (zone, purposes) = (node.text("zone")?, node.texts("purposes"));
            Some((name.value, Caller { place: node.place, zone, purposes }))
        })
        .collect()
}

/// Workloads that are elsewhere, and purposes that nobody has.
fn callers(node: &Node<'_>, known: &BTreeMap<&str, Caller<'_>>, report: &mut Report) {
    let from: BTreeSet<&str> = node.texts("from").into_iter().map(|zone| zone.value).collect();
    let named = node.texts("workloads");
    let mut purposes: BTreeSet<&str> = BTreeSet::new();
    // Where workloads or zones are not what they should be, that is the news.
    let mut whole = !from.is_empty();
    for mention in &named {
        let Some(caller) = known.get(mention.value) else {
            whole = false;
            continue;
        };
        if from.contains(caller.zone.value) {
            purposes.extend(caller.purposes.iter().map(|purpose| purpose.value));
        } else {
            whole = false;
            elsewhere(node, mention, caller, &from, report);
        }
    }
    if named.is_empty() {
        let local = known.values().filter(|caller| from.contains(caller.zone.value));
        purposes.extend(local.flat_map(|caller| &caller.purposes).map(|purpose| purpose.value));
    }
    for purpose in node.texts("purposes").into_iter().filter(|purpose| whole && !purposes.contains(purpose.value)) {
        let message = format!("no workload of {} has the purpose {}", node.place, quote(purpose.value));
        let help = match crate::nearest::nearest(purpose.value, purposes.iter().copied()) {
            Some(near) => format!("did you mean {}?", quote(near)),
            None if purposes.is_empty() => "declare a workload in one of its zones that has it".to_owned(),
            None => format!("their purposes are {}", enumerate(purposes.iter().copied())),
        };
        report.add(report.problem(Code::Unused, purpose.span, message).help(help));
    }
}

fn elsewhere(node: &Node<'_>, mention: &At<&str>, caller: &Caller<'_>, from: &BTreeSet<&str>, report: &mut Report) {
    let zone = quote(caller.zone.value);
    let message = format!("{} is in zone {zone}, and {} does not begin there", caller.place, node.place);
    let problem = report.problem(Code::ForeignWorkload, mention.span.clone(), message);
    let zones = enumerate(from.iter().copied());
    let help = format!("it begins in {zones}: add the zone to `from`, or remove the workload");
    report.add(problem.also(caller.zone.span.clone(), "its zone").help(help));
}

fn times(node: &Node<'_>, report: &mut Report) {
    let Some(limits) = node.table("limits") else { return };
    let Some(total) = limits.duration("total") else { return };
    for key in ["first_byte", "idle"] {
        if limits.says(key) && limits.duration(key).is_some_and(|wait| wait > total) {
            let message = format!("`{key}` of {} is longer than the whole exchange may take", node.place);
            let help = "shorten it, or lengthen `total`";
            report.add(report.problem(Code::BadValue, limits.span_of(key), message).help(help));
        }
    }
}
