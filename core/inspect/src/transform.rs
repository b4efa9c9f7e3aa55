//! Turns findings into edits: redaction for good, tokens that the answer's [`Restorer`] puts back.

use crate::generalise::Generalise;
use crate::issue::{Issue, Wanted};
use crate::restore::Restorer;
use crate::token::Maker;
use plant::{Content, Edit, Finding};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What is to be done with which findings, by their index. What is in several is done as the first of them says.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// To black out.
    pub redact: Vec<usize>,
    /// To say in general only.
    pub generalise: Vec<usize>,
    /// To replace by stand-ins.
    pub tokenise: Vec<usize>,
    /// Those of them whose stand-in is to have the form of what it stands for, where that has one.
    pub alike: Vec<usize>,
}

impl Changes {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.redact.is_empty() && self.generalise.is_empty() && self.tokenise.is_empty()
    }
}

/// What is to be changed, and the way back.
#[derive(Debug)]
pub struct Transformation {
    /// The replacements, in order of piece and span, never overlapping.
    pub edits: Vec<Edit>,
    /// Puts tokens back in the answer.
    pub restorer: Restorer,
    /// How many findings were blacked out.
    pub redacted: usize,
    /// How many findings are said in general only.
    pub generalised: usize,
    /// How many findings were replaced by tokens.
    pub tokenised: usize,
}

/// Why a finding cannot be replaced. Each means that the call must not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformProblem {
    /// It stands where text may not be replaced: a key, a model name, an attachment.
    #[error("finding {finding} is in `{path}`, which may not be changed")]
    Fixed {
        /// Which finding.
        finding: usize,
        /// Where its piece stands in the message.
        path: String,
    },
    /// There is no such finding, or its span does not fit the content. A mistake of ours.
    #[error("finding {finding} does not fit the content")]
    Misfit {
        /// Which finding.
        finding: usize,
    },
}

/// Changes the findings as told. Stand-ins depend on the conduit, so two conduits' tell nothing of each other.
///
/// # Errors
/// When a finding may not be replaced.
pub fn transform(
    content: &Content<'_>,
    findings: &[Finding],
    changes: &Changes,
    maker: &Maker<'_>,
) -> Result<Transformation, TransformProblem> {
    let redact: BTreeSet<usize> = changes.redact.iter().copied().collect();
    let general: BTreeSet<usize> = without(&changes.generalise, &[&redact]);
    let tokenise: BTreeSet<usize> = without(&changes.tokenise, &[&redact, &general]);
    let alike: BTreeSet<usize> = changes.alike.iter().copied().collect();
    let mut edits = Vec::with_capacity(redact.len() + general.len() + tokenise.len());
    for index in &redact {
        let (finding, _) = replaceable(content, findings, *index)?;
        edits.push(edit(finding, format!("[redacted:{}]", finding.label)));
    }
    if !general.is_empty() {
        let generalise = Generalise::new(content);
        for index in &general {
            let (finding, value) = replaceable(content, findings, *index)?;
            let text = content.pieces.get(finding.piece).map_or("", |piece| &piece.text);
            let before = text.get(..finding.span.start).unwrap_or_default();
            edits.push(edit(finding, generalise.phrase(finding, value, before)));
        }
    }
    let changed = || redact.iter().chain(&general).chain(&tokenise).filter_map(|index| findings.get(*index));
    let starts: BTreeSet<(usize, usize)> = changed().map(|finding| (finding.piece, finding.span.start)).collect();
    let ends: BTreeSet<(usize, usize)> = changed().map(|finding| (finding.piece, finding.span.end)).collect();
    let mut wanted = Vec::with_capacity(tokenise.len());
    for index in &tokenise {
        let (finding, value) = replaceable(content, findings, *index)?;
        let text = content.pieces.get(finding.piece).map_or("", |piece| &piece.text);
        let beside = (text.get(..finding.span.start), text.get(finding.span.end..));
        let beside = (beside.0.unwrap_or_default(), beside.1.unwrap_or_default());
        // What stands next to another change is not told from it by what was there before.
        let joins = |c: Option<char>| usize::from(matches!(c, Some('-' | '_' | '.')));
        let (front, back) = (joins(beside.0.chars().next_back()), joins(beside.1.chars().next()));
        let near = |edges: &BTreeSet<(usize, usize)>, from: usize, to: usize| {
            edges.range((finding.piece, from)..=(finding.piece, to)).next().is_some()
        };
        let (start, end) = (finding.span.start, finding.span.end);
        let apart = !near(&starts, end, end + back) && !near(&ends, start - front, start);
        wanted.push(Wanted { finding, value, beside, alike: apart && alike.contains(index) });
    }
    let mut issue = Issue::new(content, maker, &wanted);
    edits.extend(wanted.iter().map(|wanted| edit(wanted.finding, issue.stand_in(wanted))));
    edits.sort_by_key(|edit| (edit.piece, edit.span.start, Reverse(edit.span.end)));
    Ok(Transformation {
        edits: apart(edits),
        restorer: issue.restorer(),
        redacted: redact.len(),
        generalised: general.len(),
        tokenised: tokenise.len(),
    })
}

/// The indices that are in none of the sets.
fn without(indices: &[usize], sets: &[&BTreeSet<usize>]) -> BTreeSet<usize> {
    indices.iter().copied().filter(|index| !sets.iter().any(|set| set.contains(index))).collect()
}

/// Edits that overlap as one that covers them all: an instruction that is blacked out takes the tag in it along. A stand-in
/// speaks for all that is replaced only if it is that of all; where two overlap in part, neither would bring back the whole.
fn apart(edits: Vec<Edit>) -> Vec<Edit> {
    let mut apart: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match apart.last_mut().filter(|last| last.piece == edit.piece && edit.span.start < last.span.end) {
            Some(last) => {
                if edit.span.end > last.span.end && !last.replacement.starts_with('[') {
                    last.replacement = "[redacted]".to_owned();
                }
                last.span.end = last.span.end.max(edit.span.end);
                if edit.replacement.starts_with('[') {
                    last.replacement = edit.replacement;
                }
            }
            None => apart.push(edit),
        }
    }
    apart
}

fn edit(finding: &Finding, replacement: String) -> Edit {
    Edit { piece: finding.piece, span: finding.span.clone(), replacement }
}

fn replaceable<'a>(
    content: &'a Content<'_>,
    findings: &'a [Finding],
    index: usize,
) -> Result<(&'a Finding, &'a str), TransformProblem> {
    let misfit = TransformProblem::Misfit { finding: index };
    let finding = findings.get(index).ok_or(misfit.clone())?;
    let piece = content.pieces.get(finding.piece).ok_or(misfit.clone())?;
    if piece.fixed || piece.attachment.is_some() {
        return Err(TransformProblem::Fixed { finding: index, path: piece.path.clone() });
    }
    let value = piece.text.get(finding.span.clone()).filter(|value| !value.is_empty()).ok_or(misfit)?;
    Ok((finding, value))
}
