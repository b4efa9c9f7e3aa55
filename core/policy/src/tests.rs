//! Calls at a brewery, each written as a line and tried through one door.

mod brewery;
mod calls;
mod compare;
mod instead;
mod laws;
mod refusals;
mod rules;
mod sources;

use crate::{Asked, Call, Case, Decided, Decision, Misplaced, Passage, Policy, RuleFile, Step};
use brewery::{brewery, finding, id};
use plant::{Evidence, Finding, Identity, Millis, Plant, Principal, Reason, Refusal};
use std::sync::Arc;

/// A call in words: `copilot 10.1.0.5 -> openai chat.completions, for maintenance, ask gpt-4o, hold recipe`.
///
/// A name before `->` is proved, one in brackets asserted, `-` absent; a path that begins with `/` is an unknown
/// endpoint. `hold` takes labels, each a finding; `!` marks one that stands
/// where nothing can be replaced. Further words: `by op:role:mfa`, `at workstation`, `when TIME`, `tool NAME`, `stream`.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub principal: Principal,
    pub peer: String,
    pub provider: String,
    pub endpoint: String,
    pub purpose: Option<String>,
    pub model: Option<String>,
    pub stream: bool,
    pub tools: Vec<String>,
    pub findings: Vec<Finding>,
    pub fixed: Vec<bool>,
    pub now: Millis,
}

fn identity<T: std::str::FromStr<Err = plant::InvalidId>>(text: &str, evidence: Evidence) -> Identity<T> {
    match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        _ if text == "-" => Identity::Absent,
        Some(asserted) => Identity::Asserted(id(asserted)),
        None => Identity::Proved(id(text), evidence),
    }
}

impl Line {
    pub(crate) fn parse(text: &str) -> Self {
        let (caller, rest) = text.split_once("->").unwrap();
        let (workload, peer) = caller.trim().split_once(' ').unwrap();
        let mut parts = rest.split(',').map(str::trim);
        let (provider, endpoint) = parts.next().unwrap().split_once(' ').unwrap();
        let mut line = Self {
            principal: Principal { workload: identity(workload, Evidence::Token), ..Principal::unknown() },
            peer: peer.trim().to_owned(),
            provider: provider.to_owned(),
            endpoint: endpoint.to_owned(),
            purpose: None,
            model: None,
            stream: false,
            tools: Vec::new(),
            findings: Vec::new(),
            fixed: Vec::new(),
            now: Millis::parse("2026-11-20T21:30:00Z").unwrap(),
        };
        parts.for_each(|part| line.word(part));
        line
    }

    fn word(&mut self, part: &str) {
        let (word, value) = part.split_once(' ').unwrap_or((part, ""));
        match word {
            "for" => self.purpose = Some(value.to_owned()),
            "ask" => self.model = Some(value.to_owned()),
            "tool" => self.tools.push(value.to_owned()),
            "stream" => self.stream = true,
            "at" => self.principal.workstation = identity(value, Evidence::Certificate),
            "when" => self.now = Millis::parse(value).unwrap(),
            "by" => {
                let mut words = value.split(':');
                self.principal.operator = identity(words.next().unwrap(), Evidence::Oidc);
                self.principal.roles = words.next().into_iter().map(str::to_owned).collect();
                self.principal.authentication = words.map(str::to_owned).collect();
            }
            "hold" => {
                for label in value.split_whitespace() {
                    self.fixed.push(label.ends_with('!'));
                    self.findings.push(finding(label.trim_end_matches('!'), self.findings.len()));
                }
            }
            other => panic!("`{other}` is no word of a call"),
        }
    }

    pub(crate) fn take(&self, policy: &Policy, steps: &mut Vec<Step>) -> Result<Decided, Box<Misplaced>> {
        let unknown = self.endpoint.starts_with('/');
        let call = Call {
            provider: &self.provider,
            endpoint: (!unknown).then_some(&self.endpoint),
            method: "POST",
            path: if unknown { &self.endpoint } else { "/v1/known" },
            purpose: self.purpose.as_deref(),
        };
        let peer = self.peer.parse().unwrap();
        let crossing = policy.place_aloud(&self.principal, peer, &call, self.now, steps)?;
        let asked = Asked { model: self.model.as_deref(), stream: self.stream, tools: &self.tools };
        let fixed = |index: usize, _: &plant::Conduit| self.fixed[index];
        let (principal, findings) = (&self.principal, self.findings.as_slice());
        let case = Case { principal, crossing: &crossing, asked, findings, fixed: &fixed, now: self.now };
        Ok(policy.decide_aloud(&case, steps))
    }
}

pub(crate) fn policy(plant: Plant, rules: &str) -> Policy {
    let files = [RuleFile { name: "rules.cedar".to_owned(), text: rules.to_owned() }];
    Policy::new(Arc::new(plant), &files).unwrap()
}

/// Where a call ends: the passage it is granted, or the refusal.
pub(crate) fn outcome(policy: &Policy, line: &Line) -> Result<Passage, Refusal> {
    match line.take(policy, &mut Vec::new()) {
        Err(misplaced) => Err(misplaced.refusal),
        Ok(Decided { decision: Decision::Refuse(refusal), .. }) => Err(refusal),
        Ok(Decided { decision: Decision::Permit(permit), .. }) => Ok(permit.spend()),
        Ok(Decided { decision: Decision::Hold(held), .. }) => {
            let approval = held.approval();
            Ok(Passage { verdict: plant::Verdict::Hold, ..held.release(&approval).unwrap().spend() })
        }
    }
}

/// A passage or a refusal in a line.
pub(crate) fn told(outcome: &Result<Passage, Refusal>) -> String {
    let passage = match outcome {
        Err(refusal) => return refusal.reason.code().to_owned(),
        Ok(passage) => passage,
    };
    let mut text = format!("{} to {} over {}", passage.verdict, passage.provider, passage.conduit);
    if let Some(model) = &passage.model {
        text += &format!(" as {model}");
    }
    if !passage.redact.is_empty() {
        text += &format!(", redact {:?}", passage.redact);
    }
    if !passage.generalise.is_empty() {
        text += &format!(", generalise {:?}", passage.generalise);
    }
    if !passage.tokenise.is_empty() {
        text += &format!(", tokenise {:?}", passage.tokenise);
    }
    text
}

/// The one door: what becomes of a call at the brewery, without rules.
#[track_caller]
pub(crate) fn check(line: &str, expected: &str) {
    let policy = policy(brewery(), "");
    assert_eq!(told(&outcome(&policy, &Line::parse(line))), expected, "{line}");
}

#[track_caller]
pub(crate) fn refused(line: &str, reason: Reason) {
    check(line, reason.code());
}
