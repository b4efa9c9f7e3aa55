//! Turns findings into edits: redaction for good, tokens that the answer's [`Restorer`] puts back.

use crate::restore::Restorer;
use crate::token::{LONGEST_BODY, Keyed, is_token, token};
use plant::{Content, Edit, Finding};
use std::collections::{BTreeMap, BTreeSet};

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
    let mut tokens = Tokens { taken: forged(content, tokenise.is_empty()), issued: BTreeMap::new(), values: BTreeMap::new() };
    for index in &redact {
        let (finding, _) = replaceable(content, findings, *index)?;
        edits.push(edit(finding, format!("[redacted:{}]", finding.label)));
    }
    for index in &tokenise {
        let (finding, value) = replaceable(content, findings, *index)?;
        edits.push(edit(finding, tokens.issue(finding, value, conduit, key)));
    }
    edits.sort_by(|a, b| (a.piece, a.span.start).cmp(&(b.piece, b.span.start)));
    let restorer = Restorer::new(tokens.values);
    Ok(Transformation { edits, restorer, redacted: redact.len(), tokenised: tokenise.len() })
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
struct Tokens {
    /// Token-like words that the caller itself sent. A model that echoes one must not be answered with a value,
    /// so none of them is ever issued.
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
        // Lengthening ends: a body has at most LONGEST_BODY characters, and 125 equal bits of two values do not happen.
        let token = (0..LONGEST_BODY)
            .map(|longer| token(key, conduit, &finding.label, value, longer))
            .find(|token| !self.taken.contains(token) && !self.values.contains_key(token));
        let Some(token) = token else { return format!("[redacted:{}]", finding.label) };
        self.values.insert(token.clone(), value.to_owned());
        self.issued.insert(name, token.clone());
        token
    }
}

/// Every word of the content that has the form of a token, in capitals.
fn forged(content: &Content<'_>, skip: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if skip {
        return found;
    }
    for piece in &content.pieces {
        let mut last = "";
        for word in piece.text.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()) {
            for part in word.split('_') {
                if part.len() > crate::token::LONGEST_KIND.max(LONGEST_BODY) {
                    last = "";
                    continue;
                }
                let (kind, body) = (last.to_ascii_uppercase(), part.to_ascii_uppercase());
                if is_token(&kind, &body) {
                    found.insert(format!("{kind}_{body}"));
                }
                last = part;
            }
            last = "";
        }
    }
    found
}
