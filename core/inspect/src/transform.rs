//! Turns findings into edits: redaction for good, tokens that the answer's [`Restorer`] puts back.

use crate::restore::Restorer;
use crate::token::{Keyed, LONGEST_BODY, head, token};
use plant::{Content, Edit, Finding};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What is to be changed, and the way back.
#[derive(Debug)]
pub struct Transformation {
    /// The replacements, in order of piece and span, never overlapping.
    pub edits: Vec<Edit>,
    /// Puts tokens back in the answer.
    pub restorer: Restorer,
    /// How many findings were blacked out.
    pub redacted: usize,
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

/// Blacks out the findings `redact` and replaces the findings `tokenise` (both are indices into `findings`; what
/// is in both is blacked out). Tokens depend on the conduit, so two conduits' tokens tell nothing of each other.
///
/// # Errors
/// When a finding may not be replaced.
pub fn transform(
    content: &Content<'_>,
    findings: &[Finding],
    redact: &[usize],
    tokenise: &[usize],
    conduit: &str,
    key: &dyn Keyed,
) -> Result<Transformation, TransformProblem> {
    let redact: BTreeSet<usize> = redact.iter().copied().collect();
    let tokenise: BTreeSet<usize> = tokenise.iter().copied().filter(|index| !redact.contains(index)).collect();
    let mut edits = Vec::with_capacity(redact.len() + tokenise.len());
    let mut tokens =
        Tokens { taken: forged(content, tokenise.is_empty()), issued: BTreeMap::new(), values: BTreeMap::new() };
    for index in &redact {
        let (finding, _) = replaceable(content, findings, *index)?;
        edits.push(edit(finding, format!("[redacted:{}]", finding.label)));
    }
    for index in &tokenise {
        let (finding, value) = replaceable(content, findings, *index)?;
        edits.push(edit(finding, tokens.issue(finding, value, conduit, key)));
    }
    edits.sort_by_key(|edit| (edit.piece, edit.span.start));
    let edits = apart(edits);
    let restorer = Restorer::new(tokens.values);
    Ok(Transformation { edits, restorer, redacted: redact.len(), tokenised: tokenise.len() })
}

/// Edits that overlap as one that covers them all: an instruction that is blacked out takes the tag in it along.
fn apart(edits: Vec<Edit>) -> Vec<Edit> {
    let mut apart: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match apart.last_mut().filter(|last| last.piece == edit.piece && edit.span.start < last.span.end) {
            Some(last) => {
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

/// The tokens of one call.
///
/// INVARIANT: no token begins with another; [`Restorer`] reads them without looking further.
struct Tokens {
    /// What follows each underscore of the content, as far as it could be the body of a token. A model that
    /// echoes a token which the caller forged must not be answered with a value, so no such body is issued.
    taken: BTreeSet<String>,
    /// Label and value to token.
    issued: BTreeMap<(String, String), String>,
    /// Token to value.
    values: BTreeMap<String, String>,
}

impl Tokens {
    fn issue(&mut self, finding: &Finding, value: &str, conduit: &str, key: &dyn Keyed) -> String {
        let name = (finding.label.as_str().to_owned(), value.to_owned());
        if let Some(token) = self.issued.get(&name) {
            return token.clone();
        }
        let token = (0..LONGEST_BODY)
            .map(|longer| token(key, conduit, &finding.label, value, longer))
            .find(|token| self.free(token));
        // Cannot happen short of 45 equal bits many times over; then the value stays away, and does not come back.
        let Some(token) = token else { return format!("[redacted:{}]", finding.label) };
        self.values.insert(token.clone(), value.to_owned());
        self.issued.insert(name, token.clone());
        token
    }

    fn free(&self, token: &str) -> bool {
        let forged =
            token.split_once('_').and_then(|(_, body)| head(body)).is_none_or(|head| self.taken.contains(&head));
        let above = self.values.range::<str, _>((Bound::Included(token), Bound::Unbounded)).next();
        let below = self.values.range::<str, _>((Bound::Unbounded, Bound::Included(token))).next_back();
        !forged
            && !above.is_some_and(|(other, _)| other.starts_with(token))
            && !below.is_some_and(|(other, _)| token.starts_with(other))
    }
}

/// The heads of bodies that stand in the content.
fn forged(content: &Content<'_>, skip: bool) -> BTreeSet<String> {
    let texts = content.pieces.iter().filter(|_| !skip).map(|piece| &piece.text);
    texts
        .flat_map(|text| memchr::memchr_iter(b'_', text.as_bytes()).filter_map(|at| head(text.get(at + 1..)?)))
        .collect()
}
