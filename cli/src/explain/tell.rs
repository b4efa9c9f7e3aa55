//! The explanation, for people and for machines. Neither holds content, save the body that was asked for.

use super::TheCall;
use super::rows::{Row, rows};
use gateway::PictureSighting;
use inspect::Sighting;
use miette::IntoDiagnostic;
use ocr::Area;
use plant::{Refusal, Verdict};
use policy::{Partial, Passage, Step};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::ops::Range;

/// Findings that are listed for people. A log of 10,000 tags would bury the verdict.
const LISTED: usize = 40;

/// Everything that is told of a call.
#[derive(Default)]
pub(super) struct Told {
    /// Each check by name, and what it found.
    steps: Vec<(&'static str, String)>,
    pub(super) place: Partial,
    /// As it came, and as it would leave.
    pub(super) sensitivity: Option<(String, String)>,
    pub(super) findings: Vec<Seen>,
    pub(super) documents: Vec<Repeated>,
    /// The registered pictures that the call holds, each with its path.
    pub(super) pictures: Vec<(String, PictureSighting)>,
    /// What is written in pictures, each with its path, where that was asked for.
    pub(super) writings: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// Whether the tokens in the body are made with a key that nobody uses.
    pub(super) example_tokens: bool,
    /// What it would wait for a person for, if it would.
    pub(super) waits: Option<String>,
    /// In which time somebody must account for its answer.
    pub(super) account_within: Option<std::time::Duration>,
    pub(super) outcome: Outcome,
}

/// What would become of the call.
#[derive(Default)]
pub(super) enum Outcome {
    /// Not decided yet.
    #[default]
    Open,
    /// It would pass.
    Permitted(Box<Passage>),
    /// It would be refused.
    Refused(Refusal),
}

/// A finding, without what it says.
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) span: Range<usize>,
    pub(super) characters: usize,
    pub(super) label: String,
    pub(super) sensitivity: String,
    pub(super) rule: String,
    pub(super) done: &'static str,
    /// Where in its picture it was read, in pixels.
    pub(super) area: Option<Area>,
}

/// A registered document that the call repeats.
pub(super) struct Repeated {
    pub(super) sighting: Sighting,
    /// The path of the text, and where in it.
    pub(super) passages: Vec<(String, Range<usize>)>,
}

impl Told {
    pub(super) fn step(&mut self, name: &'static str, text: String) {
        self.steps.push((name, text));
    }

    /// Adds what policy checked.
    pub(super) fn add(&mut self, steps: Vec<Step>) {
        self.steps.extend(steps.into_iter().map(|step| (step.stage.name(), step.text)));
    }
}

impl Outcome {
    pub(super) fn permitted(&self) -> bool {
        matches!(self, Self::Permitted(_))
    }
}

/// Bold and colours, if somebody looks at a terminal.
struct Paint(bool);

impl Paint {
    fn heading(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn outcome(&self, good: bool, text: &str) -> String {
        self.wrap(if good { "1;32" } else { "1;31" }, text)
    }

    fn wrap(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The explanation for people.
pub(super) fn people(told: &Told, call: &TheCall) -> String {
    let paint = Paint(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let mut text = String::new();
    let _ = told_to(&mut text, told, call, &paint);
    text
}

fn told_to(text: &mut String, told: &Told, call: &TheCall, paint: &Paint) -> std::fmt::Result {
    writeln!(text, "{}  {}", paint.heading("Call"), asked(call))?;
    writeln!(text, "\n{}", paint.heading("Steps"))?;
    for (name, step) in &told.steps {
        writeln!(text, "  {name:<12} {step}")?;
    }
    findings(text, told, paint)?;
    documents(text, told, paint)?;
    pictures(text, told, paint)?;
    match &told.outcome {
        Outcome::Permitted(passage) => permitted(text, told, passage, paint)?,
        Outcome::Refused(refusal) => refused(text, refusal, paint)?,
        Outcome::Open => {}
    }
    for (path, writing) in &told.writings {
        writeln!(text, "\n{}\n{}", paint.heading(&format!("Read in {path}")), shown(writing.as_bytes()))?;
    }
    if let Some(body) = &told.body {
        writeln!(text, "\n{}", paint.heading("Body as it would leave"))?;
        if told.example_tokens {
            writeln!(text, "  (the plant's key cannot be read, so its tokens would look alike but read otherwise)")?;
        }
        writeln!(text, "{}", shown(body))?;
    }
    Ok(())
}

fn asked(call: &TheCall) -> String {
    let workload = call.principal.workload.known().map_or("nobody", |(id, _)| id.as_str());
    let mut text = format!("`{workload}` at {} asks `{}` for {} {}", call.peer, call.provider, call.method, call.path);
    if let Some(endpoint) = &call.endpoint {
        let _ = write!(text, " ({})", endpoint.name());
    }
    let _ = write!(text, ", {}", call.now);
    text
}

fn findings(text: &mut String, told: &Told, paint: &Paint) -> std::fmt::Result {
    if told.findings.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{}", paint.heading("Findings"))?;
    let rows = rows(&told.findings);
    let listed = || rows.iter().take(LISTED);
    let width = |part: fn(&Seen) -> usize| listed().map(|row| part(row.seen)).max().unwrap_or(0);
    let places = width(|seen| seen.path.chars().count());
    let labels = width(|seen| seen.label.len());
    let steps = width(|seen| seen.sensitivity.len());
    for Row { seen, span, characters, count } in listed() {
        let Seen { path, label, sensitivity, rule, done, area, .. } = seen;
        let times = if *count > 1 { format!("{count} times, ") } else { String::new() };
        let place = format!("bytes {}..{}", span.start, span.end);
        let stands = area.map(|Area { left, top, .. }| format!("  read at {left}, {top}")).unwrap_or_default();
        let line = format!(
            "  {path:<places$}  {place:<16} {label:<labels$}  {sensitivity:<steps$}  {times}{characters:>3} characters, seen by `{rule}`  {done}{stands}"
        );
        writeln!(text, "{}", line.trim_end())?;
    }
    match rows.len().checked_sub(LISTED) {
        Some(more) if more > 0 => writeln!(text, "  and {more} more"),
        _ => Ok(()),
    }
}

fn documents(text: &mut String, told: &Told, paint: &Paint) -> std::fmt::Result {
    if told.documents.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{}", paint.heading("Documents"))?;
    for Repeated { sighting, passages } in told.documents.iter().take(LISTED) {
        let Sighting { document, others, label, hits, letters, coverage, .. } = sighting;
        let like = if *others > 0 { format!(" (and {others} much like it)") } else { String::new() };
        writeln!(text, "  `{document}`{like}, as `{label}`: {hits} hits, {letters} letters, {coverage} % of it")?;
        for (path, span) in passages.iter().take(LISTED) {
            writeln!(text, "    {path}  bytes {}..{}", span.start, span.end)?;
        }
    }
    Ok(())
}

fn pictures(text: &mut String, told: &Told, paint: &Paint) -> std::fmt::Result {
    if told.pictures.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n{}", paint.heading("Pictures"))?;
    for (_, PictureSighting { picture, label, exact, distance, .. }) in told.pictures.iter().take(LISTED) {
        let near = if *exact { "every pixel the same".to_owned() } else { format!("{distance} of 160 signs differ") };
        writeln!(text, "  `{picture}`, as `{label}`: {near}")?;
    }
    Ok(())
}

fn permitted(text: &mut String, told: &Told, passage: &Passage, paint: &Paint) -> std::fmt::Result {
    let verdict = if told.waits.is_some() { Verdict::Hold.name() } else { passage.verdict.name() };
    writeln!(text, "\n{}  {}", paint.heading("Verdict"), paint.outcome(true, verdict))?;
    if let Some(waits) = &told.waits {
        writeln!(text, "  because      {waits}; if they approve, it")?;
    }
    writeln!(text, "  goes to      `{}` across conduit `{}`", passage.provider, passage.conduit)?;
    if let Some(model) = &passage.model {
        writeln!(text, "  asks for     model `{model}` instead")?;
    }
    if !passage.redact.is_empty() {
        writeln!(text, "  redacts      {}", count(passage.redact.len()))?;
    }
    if !passage.generalise.is_empty() {
        writeln!(text, "  generalises  {}", count(passage.generalise.len()))?;
    }
    if !passage.tokenise.is_empty() {
        writeln!(text, "  tokenises    {}, put back in the answer", count(passage.tokenise.len()))?;
    }
    if let Some(within) = told.account_within {
        writeln!(text, "  oversight    somebody must account for the answer within {} s", within.as_secs_f64())?;
    }
    if let Some((before, after)) = &told.sensitivity {
        writeln!(text, "  sensitivity  `{before}` as it came, `{after}` as it leaves")?;
    }
    Ok(())
}

fn refused(text: &mut String, refusal: &Refusal, paint: &Paint) -> std::fmt::Result {
    let verdict = format!("{}: {}", Verdict::Refuse, refusal.reason);
    writeln!(text, "\n{}  {}", paint.heading("Verdict"), paint.outcome(false, &verdict))?;
    writeln!(text, "  because      {}", refusal.detail)?;
    writeln!(text, "  caller gets  HTTP {}: {}", refusal.reason.status(), refusal.reason.message())
}

fn count(findings: usize) -> String {
    if findings == 1 { "1 finding".to_owned() } else { format!("{findings} findings") }
}

fn shown(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        // A captured body may hold anything, and a terminal obeys.
        Ok(text) => {
            text.chars().map(|one| if one.is_control() && !"\n\t".contains(one) { '\u{fffd}' } else { one }).collect()
        }
        Err(_) => format!("  {} bytes that are not text", body.len()),
    }
}

/// The explanation for machines.
pub(super) fn json(told: &Told, call: &TheCall) -> miette::Result<String> {
    let steps: Vec<Value> = told.steps.iter().map(|(name, text)| json!({"stage": name, "text": text})).collect();
    let findings: Vec<Value> = told.findings.iter().map(seen).collect();
    let name = |id: Option<String>| id.map_or(Value::Null, Value::String);
    let mut value = json!({
        "permitted": told.outcome.permitted(),
        "call": {
            "workload": call.principal.workload.known().map(|(id, _)| id.as_str()),
            "peer": call.peer.to_string(),
            "provider": call.provider,
            "method": call.method,
            "path": call.path,
            "endpoint": call.endpoint.as_ref().map(wire::Endpoint::name),
            "at": call.now.to_string(),
        },
        "place": {
            "provider": name(told.place.provider.as_ref().map(ToString::to_string)),
            "zone": name(told.place.zone.as_ref().map(ToString::to_string)),
            "conduit": name(told.place.conduit.as_ref().map(ToString::to_string)),
            "purpose": name(told.place.purpose.as_ref().map(ToString::to_string)),
        },
        "steps": steps,
        "findings": findings,
        "pictures": told.pictures.iter().map(pictured).collect::<Vec<_>>(),
        "documents": told.documents.iter().map(repeated).collect::<Vec<_>>(),
        "sensitivity": told.sensitivity.as_ref().map(|(before, after)| json!({"came": before, "leaves": after})),
        "decision": decision(&told.outcome, told.waits.as_deref()),
    });
    if let (Some(within), Some(fields)) = (told.account_within, value.as_object_mut()) {
        fields.insert("account_within_ms".to_owned(), json!(u64::try_from(within.as_millis()).unwrap_or(u64::MAX)));
    }
    if let (false, Some(fields)) = (told.writings.is_empty(), value.as_object_mut()) {
        let writings = told.writings.iter().map(|(path, text)| json!({"path": path, "text": text}));
        fields.insert("writings".to_owned(), writings.collect());
    }
    if let (Some(body), Some(fields)) = (&told.body, value.as_object_mut()) {
        fields.insert("body".to_owned(), std::str::from_utf8(body).map_or(Value::Null, |text| json!(text)));
        fields.insert("example_tokens".to_owned(), json!(told.example_tokens));
    }
    let mut text = serde_json::to_string_pretty(&value).into_diagnostic()?;
    text.push('\n');
    Ok(text)
}

fn seen(seen: &Seen) -> Value {
    json!({
        "path": seen.path,
        "start": seen.span.start,
        "end": seen.span.end,
        "characters": seen.characters,
        "label": seen.label,
        "sensitivity": seen.sensitivity,
        "rule": seen.rule,
        "area": seen.area.map(|area| json!([area.left, area.top, area.width, area.height])),
        "done": if seen.done.is_empty() { Value::Null } else { json!(seen.done) },
    })
}

fn repeated(repeated: &Repeated) -> Value {
    let Repeated { sighting, passages } = repeated;
    let passage = |(path, span): &(String, Range<usize>)| json!({"path": path, "start": span.start, "end": span.end});
    json!({
        "document": sighting.document.as_str(),
        "others": sighting.others,
        "label": sighting.label.as_str(),
        "copied": sighting.copied,
        "hits": sighting.hits,
        "letters": sighting.letters,
        "coverage": sighting.coverage,
        "passages": passages.iter().map(passage).collect::<Vec<_>>(),
    })
}

fn pictured((path, one): &(String, PictureSighting)) -> Value {
    json!({
        "path": path,
        "picture": one.picture.as_str(),
        "label": one.label.as_str(),
        "exact": one.exact,
        "distance": one.distance,
    })
}

fn decision(outcome: &Outcome, waits: Option<&str>) -> Value {
    let names = |rules: &[plant::RuleId]| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
    match outcome {
        Outcome::Permitted(passage) => json!({
            "verdict": if waits.is_some() { Verdict::Hold.name() } else { passage.verdict.name() },
            "waits_for": waits,
            "provider": passage.provider.as_str(),
            "conduit": passage.conduit.as_str(),
            "rerouted": passage.rerouted,
            "model": passage.model,
            "redacted": passage.redact.len(),
            "generalised": passage.generalise.len(),
            "tokenised": passage.tokenise.len(),
            "rules": names(&passage.rules),
        }),
        Outcome::Refused(refusal) => json!({
            "verdict": Verdict::Refuse.name(),
            "reason": refusal.reason.code(),
            "status": refusal.reason.status(),
            "message": refusal.reason.message(),
            "detail": refusal.detail,
            "rules": names(&refusal.rules),
        }),
        Outcome::Open => Value::Null,
    }
}
