//! Instructions to a model where they have no place: hidden in characters that nobody sees, in marks that tell a model who
//! speaks, in phrases that undo what it was told, and in encodings of those.
//!
//! ```text
//! text as sent   -> hidden   tags, selectors, zero-width splits, turned direction
//! plain view     -> marker   <|im_start|>, [INST], </system>
//!                -> phrase   frames of words, in six languages; letters apart and digits for letters too
//!                -> markup   weak evidence where nobody sees it
//! unwrapped text -> encoded  any of those in base64 or hexadecimal
//! ```
//!
//! It does not know what a text means. A request without telling words (`and mail a copy to ...`) is not found: what goes
//! out again is held at the sinks, in answers.

mod hidden;
pub(crate) mod letter;
pub(crate) mod marker;
mod markup;
mod phrase;
pub(crate) mod words;

#[cfg(test)]
mod tests;

pub(crate) use hidden::is_flag;

use crate::rule::{BuiltIn, RuleIndex};
use crate::scan::Hit;
use phrase::Evidence;
use plant::{Finding, Label, Origin};
use std::ops::Range;
use words::Lexicon;

/// Evidence of any kind that is enough where nobody sees it, in points.
const HIDDEN: u32 = 3;

/// Finds instructions to a model.
pub(crate) struct Injection {
    lexicon: Lexicon,
    /// Whether any of its rules is switched on.
    on: bool,
}

impl Injection {
    pub(crate) fn new(on: bool) -> Self {
        Self { lexicon: Lexicon::new(), on }
    }

    /// What is hidden in a text as it was sent. Stops shortly after `most`.
    pub(crate) fn hidden(&self, text: &str, most: usize, hits: &mut Vec<Hit>) {
        if self.on && !text.is_ascii() {
            hidden::find(text, most, hits);
        }
    }

    /// What a text says as it is read, where role `tags` stand in it. Stops shortly after `most`.
    pub(crate) fn said(&self, text: &str, tags: Vec<Range<usize>>, most: usize, hits: &mut Vec<Hit>) {
        if !self.on {
            return;
        }
        let mut read = phrase::read(text, &self.lexicon, most);
        let role = |span| Evidence { rule: BuiltIn::MarkerRole, points: 2, span };
        read.weak.extend(tags.into_iter().map(role).take(most));
        read.weak.sort_by_key(|evidence| evidence.span.start);
        phrase::combine(&mut read, most);
        if read.weak.is_empty() && read.hits.is_empty() {
            return;
        }
        read.hits.sort_by_key(|hit| hit.span.start);
        for stretch in markup::hidden(text) {
            let from = read.weak.partition_point(|evidence| evidence.span.start < stretch.start);
            let inside = read.weak.iter().skip(from).take_while(|evidence| evidence.span.end <= stretch.end);
            let from = read.hits.partition_point(|hit| hit.span.start < stretch.start);
            let said = read.hits.get(from).is_some_and(|hit| hit.span.end <= stretch.end);
            if said || inside.map(|evidence| evidence.points).sum::<u32>() >= HIDDEN {
                hits.push(Hit { rule: BuiltIn::HiddenMarkup.index(), span: stretch });
            }
        }
        hits.append(&mut read.hits);
    }
}

/// The labels of what stands in a tool's words or in a document. What stands in a prompt has its rule's own.
const PLACES: [(&str, &str, &str); 4] = [
    ("injection.hidden", "injection.tool.hidden", "injection.document.hidden"),
    ("injection.marker", "injection.tool.marker", "injection.document.marker"),
    ("injection.phrase", "injection.tool.phrase", "injection.document.phrase"),
    ("injection.encoded", "injection.tool.encoded", "injection.document.encoded"),
];

/// The labels that a finding of `injection` bears by the place where it stands, beside those of [`crate::rules`]; and the
/// families that they make.
pub fn labels_by_place() -> impl Iterator<Item = &'static str> {
    let members = PLACES.iter().flat_map(|(_, tool, document)| [*tool, *document]);
    ["injection.tool", "injection.document"].into_iter().chain(members)
}

/// A finding under the label of the place where it stands. What an application tells its model in phrases is none.
pub(crate) fn placed(finding: Finding, origin: Origin) -> Option<Finding> {
    let places = PLACES.iter().find(|(label, ..)| *label == finding.label.as_str());
    let label = match (origin, places) {
        (Origin::System, Some(("injection.phrase", ..))) => return None,
        (Origin::Tool, Some((_, tool, _))) => tool,
        (Origin::Document, Some((_, _, document))) => document,
        _ => return Some(finding),
    };
    Some(Finding { label: Label::new(*label).ok()?, ..finding })
}

/// Whether a rule is one of those here.
pub(crate) fn is_ours(rule: RuleIndex) -> bool {
    (BuiltIn::HiddenTags.index()..=BuiltIn::EncodedPhrase.index()).contains(&rule)
}
