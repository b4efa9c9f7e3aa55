//! What one conduit does with what was found.

use crate::decide::Case;
use crate::source::{Sources, Unopened};
use crate::steps::{Stage, Trace};
use plant::{Conduit, Finding, Label, OpaqueFiles, Reason, Refusal, RuleId, Sensitivity, Tokens, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a conduit does with findings that it does not refuse.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// Indices of findings to black out, rising.
    pub(crate) redact: Vec<usize>,
    /// Indices of findings to say in general only, rising.
    pub(crate) generalise: Vec<usize>,
    /// Indices of findings to replace by tokens, rising.
    pub(crate) tokenise: Vec<usize>,
    /// Indices of those of them whose tokens are to have the form of what they stand for, rising.
    pub(crate) alike: Vec<usize>,
    /// Set if a finding sends the whole call elsewhere: which, in words.
    pub(crate) reroute: Option<String>,
    /// The rules of those findings.
    pub(crate) away: Vec<RuleId>,
    /// Indices of findings that the call waits for a person for, rising.
    pub(crate) hold: Vec<usize>,
    /// How sensitive the content still is afterwards.
    pub(crate) residual: Sensitivity,
    /// The rules whose findings made something be done.
    pub(crate) rules: BTreeSet<RuleId>,
}

impl Handled {
    /// The strictest of what is done to the content.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.redact.is_empty(), self.generalise.is_empty(), self.tokenise.is_empty()) {
            (false, ..) => Verdict::Redact,
            (true, false, _) => Verdict::Generalise,
            (true, true, false) => Verdict::Tokenise,
            (true, true, true) => Verdict::Allow,
        }
    }
}

/// The label of files that nobody could read.
const UNREAD: &str = "attachment.opaque";

/// The first entry whose label covers the finding decides. A finding that no entry covers passes, and so does one
/// whose entry allows it; both still count towards the ceiling. A file that nobody could read is refused whatever the
/// entries say of attachments, unless the conduit records such files.
fn handling(conduit: &Conduit, label: &Label) -> (Verdict, Tokens) {
    if label.as_str() == UNREAD && conduit.files.opaque == OpaqueFiles::Refuse {
        return (Verdict::Refuse, Tokens::Words);
    }
    let entry = conduit.handling.iter().find(|entry| entry.label.covers(label));
    entry.map_or((Verdict::Allow, Tokens::Words), |entry| (entry.verdict, entry.tokens))
}

/// What is done with a finding, and with which tokens.
pub(crate) fn verdict(sources: &Sources<'_>, finding: &Finding) -> (Verdict, Tokens) {
    let (verdict, tokens) = handling(sources.conduit, &finding.label);
    match sources.verdict(finding, verdict) {
        Some(verdict) => (verdict, Tokens::Words),
        None => (verdict, tokens),
    }
}

/// Does what the conduit says with each finding. Takes time in findings times entries of the conduit.
pub(crate) fn handle(sources: &Sources<'_>, case: &Case<'_>, trace: &mut Trace<'_>) -> Result<Handled, Refusal> {
    let conduit = sources.conduit;
    sources.tell(case.findings, trace);
    let mut unopened = Unopened::default();
    let mut handled = Handled::default();
    let (mut refused, mut stuck, mut away) = (Tally::default(), Tally::default(), Tally::default());
    for (index, finding) in case.findings.iter().enumerate() {
        let (verdict, tokens) = verdict(sources, finding);
        match verdict {
            Verdict::Allow => handled.residual = handled.residual.max(finding.sensitivity),
            Verdict::Redact | Verdict::Generalise | Verdict::Tokenise if (case.fixed)(index, conduit) => {
                if sources.closed(finding) { unopened.add(sources, finding) } else { stuck.add(finding) }
            }
            Verdict::Redact => handled.redact.push(index),
            Verdict::Generalise => handled.generalise.push(index),
            Verdict::Tokenise => {
                handled.tokenise.push(index);
                handled.alike.extend((tokens == Tokens::Alike).then_some(index));
            }
            Verdict::Reroute => away.add(finding),
            // It leaves as it is if a person says so, and so counts towards the ceiling, which no person lifts.
            Verdict::Hold => {
                handled.residual = handled.residual.max(finding.sensitivity);
                handled.hold.push(index);
            }
            Verdict::Refuse if sources.closed(finding) => unopened.add(sources, finding),
            Verdict::Refuse => refused.add(finding),
        }
    }
    if !unopened.is_empty() {
        return Err(sources.refusal(&unopened));
    }
    let refuse =
        |detail, tally: &Tally<'_>| Err(Refusal { reason: Reason::ContentRefused, detail, rules: tally.rules() });
    if !refused.is_empty() {
        return refuse(format!("conduit `{}` refuses {refused}", conduit.id), &refused);
    }
    if !stuck.is_empty() {
        let detail =
            format!("conduit `{}` would replace {stuck}, which stands where nothing can be replaced", conduit.id);
        return refuse(detail, &stuck);
    }
    let replaced = [&handled.redact, &handled.generalise, &handled.tokenise, &handled.hold].into_iter().flatten();
    let replaced = replaced.filter_map(|index| case.findings.get(*index));
    handled.rules = replaced.map(|finding| finding.rule.clone()).collect();
    handled.away = away.rules();
    handled.reroute = (!away.is_empty()).then(|| away.to_string());
    trace.say(Stage::Handling, || told(sources, case.findings, &handled));
    Ok(handled)
}

/// What would leave although it is above `limit`: the labels in words, and the rules that saw them.
pub(crate) fn above(sources: &Sources<'_>, findings: &[Finding], limit: Sensitivity) -> (String, Vec<RuleId>) {
    let mut tally = Tally::default();
    let leaves = |finding: &&Finding| finding.sensitivity > limit && leaves_whole(verdict(sources, finding).0);
    findings.iter().filter(leaves).for_each(|finding| tally.add(finding));
    (tally.to_string(), tally.rules())
}

/// Whether what was found leaves as it is, if the call leaves.
fn leaves_whole(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Allow | Verdict::Hold)
}

fn told(sources: &Sources<'_>, findings: &[Finding], handled: &Handled) -> String {
    if findings.is_empty() {
        return "nothing was found".to_owned();
    }
    let tally = |indices: &[usize]| {
        let mut tally = Tally::default();
        indices.iter().filter_map(|index| findings.get(*index)).for_each(|finding| tally.add(finding));
        tally.to_string()
    };
    let mut passing = Tally::default();
    let allowed = |finding: &&Finding| verdict(sources, finding).0 == Verdict::Allow;
    findings.iter().filter(allowed).for_each(|finding| passing.add(finding));
    let mut did = Vec::new();
    if !handled.redact.is_empty() {
        did.push(format!("redacts {}", tally(&handled.redact)));
    }
    if !handled.generalise.is_empty() {
        did.push(format!("generalises {}", tally(&handled.generalise)));
    }
    if !handled.tokenise.is_empty() {
        did.push(format!("tokenises {}", tally(&handled.tokenise)));
    }
    if let Some(away) = &handled.reroute {
        did.push(format!("reroutes for {away}"));
    }
    if !handled.hold.is_empty() {
        did.push(format!("waits for a person because of {}", tally(&handled.hold)));
    }
    if !passing.is_empty() {
        did.push(format!("lets pass {passing}"));
    }
    format!("conduit `{}` {}", sources.conduit.id, did.join(", "))
}

/// Findings counted by label.
#[derive(Default)]
struct Tally<'a> {
    counts: BTreeMap<&'a Label, usize>,
    rules: BTreeSet<&'a RuleId>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, finding: &'a Finding) {
        *self.counts.entry(&finding.label).or_default() += 1;
        self.rules.insert(&finding.rule);
    }

    fn rules(&self) -> Vec<RuleId> {
        self.rules.iter().map(|&id| id.clone()).collect()
    }

    fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl fmt::Display for Tally<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (label, count)) in self.counts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match count {
                1 => write!(f, "{comma}`{label}`")?,
                _ => write!(f, "{comma}`{label}` ({count} times)")?,
            }
        }
        Ok(())
    }
}
