//! The plant's data sources: their tags, paths and tables, found in a text as they stand there.
//!
//! ```text
//! patterns -> folded, cut at `*` -> one automaton over what each begins with
//! text     -> folded -> automaton -> what follows the beginning, within a bounded stretch -> spans
//! ```
//!
//! Folding makes case and separators alike, and several separators one, so that `Area1/TIC-101/PV`, `AREA1.TIC_101.PV` and `[default]area1\tic-101\pv` are one name. A stretch that follows a
//! beginning is bounded and few patterns share a beginning, so the whole is linear in the text.

mod fuzz;
mod pattern;
#[cfg(test)]
mod tests;

pub use fuzz::fuzz_sources;
pub use pattern::PatternProblem;

use crate::dictionary::whole;
use aho_corasick::{AhoCorasick, MatchKind};
use pattern::{Folded, Pattern};
use plant::{Source, SourceId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Most patterns of all sources together.
pub const MOST_PATTERNS: usize = 50_000;
/// Most patterns with `*` that begin with the same text before it: each of them is tried where that text stands.
const MOST_ALIKE: usize = 16;

/// Which list of a source a pattern is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holding {
    /// `tags`.
    Tag,
    /// `paths`.
    Path,
    /// `tables`.
    Table,
}

impl Holding {
    /// The key of the list in plant files.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Tag => "tags",
            Self::Path => "paths",
            Self::Table => "tables",
        }
    }
}

/// A pattern in the list that it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The source.
    pub source: SourceId,
    /// Which of its lists.
    pub holding: Holding,
    /// Which entry of it, from 0.
    pub index: usize,
}

/// Why sources cannot be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceProblem {
    /// A pattern cannot be used.
    #[error("pattern {} of {} of source `{}` cannot be used: {why}", at.index, at.holding.key(), at.source)]
    Pattern {
        /// Which.
        at: Listed,
        /// Why.
        why: PatternProblem,
    },
    /// Too many begin with the same text before a `*`.
    #[error("more than {MOST_ALIKE} patterns begin alike before `*`")]
    Alike {
        /// The first that is too many.
        at: Listed,
    },
    /// There are too many, or they are too large.
    #[error("the sources have more than {MOST_PATTERNS} patterns, or they are too large to be compiled")]
    TooMany,
    /// A source's name is too long for a label.
    #[error("the name of source `{name}` is longer than 80 characters")]
    Name {
        /// It.
        name: SourceId,
    },
}

/// Patterns of two sources of which one stands within the other: what the inner one finds is of both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap {
    /// What is found wherever `inner` is.
    pub outer: Listed,
    /// What is found of another source too.
    pub inner: Listed,
    /// Whether the two say the same.
    pub same: bool,
}

/// Whether a pattern can be used, by itself.
///
/// # Errors
/// Why it cannot.
pub fn check(pattern: &str, holding: Holding) -> Result<(), PatternProblem> {
    Pattern::forms(pattern, holding == Holding::Table).map(drop)
}

/// Patterns of one source that stand within what those of another find.
///
/// # Errors
/// The first pattern that cannot be used.
pub fn overlaps<'s>(sources: impl Iterator<Item = &'s Source>) -> Result<BTreeSet<Overlap>, SourceProblem> {
    Ok(Sources::new(sources)?.overlaps())
}

/// The patterns of all sources, compiled. What they find is numbered by the order of the sources.
#[derive(Default)]
pub(crate) struct Sources {
    beginnings: Option<AhoCorasick>,
    /// The patterns that begin as each literal of `beginnings`.
    groups: Vec<Vec<usize>>,
    patterns: Vec<Known>,
    count: usize,
}

struct Known {
    pattern: Pattern,
    source: usize,
    at: Listed,
}

impl Sources {
    pub(crate) fn new<'s>(sources: impl Iterator<Item = &'s Source>) -> Result<Self, SourceProblem> {
        let mut patterns = Vec::new();
        let mut count = 0;
        for (number, source) in sources.enumerate() {
            count = number + 1;
            if source.id.label().is_none() {
                return Err(SourceProblem::Name { name: source.id.clone() });
            }
            let lists =
                [(Holding::Tag, &source.tags), (Holding::Path, &source.paths), (Holding::Table, &source.tables)];
            for (holding, list) in lists {
                for (index, text) in list.iter().enumerate() {
                    let at = Listed { source: source.id.clone(), holding, index };
                    let forms = Pattern::forms(text, holding == Holding::Table);
                    let forms = forms.map_err(|why| SourceProblem::Pattern { at: at.clone(), why })?;
                    let known = |pattern| Known { pattern, source: number, at: at.clone() };
                    patterns.extend(forms.into_iter().map(known));
                }
            }
        }
        Ok(Self { count, ..Self::of(patterns)? })
    }

    fn of(patterns: Vec<Known>) -> Result<Self, SourceProblem> {
        let listed: BTreeSet<&Listed> = patterns.iter().map(|known| &known.at).collect();
        if listed.len() > MOST_PATTERNS {
            return Err(SourceProblem::TooMany);
        }
        let mut groups: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for (number, known) in patterns.iter().enumerate() {
            groups.entry(known.pattern.beginning()).or_default().push(number);
        }
        for group in groups.values() {
            let open = group.iter().filter_map(|number| patterns.get(*number)).filter(|known| known.pattern.is_open());
            // The forms of one pattern count once.
            let open: BTreeSet<&Listed> = open.map(|known| &known.at).collect();
            if let Some(at) = open.into_iter().nth(MOST_ALIKE) {
                return Err(SourceProblem::Alike { at: at.clone() });
            }
        }
        let beginnings = (!groups.is_empty()).then(|| automaton(groups.keys())).transpose()?;
        let groups = groups.into_values().collect();
        Ok(Self { beginnings, groups, patterns, count: 0 })
    }

    /// How many sources there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Where `text` has something of which source, by its number; may overlap. `false` stops.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(usize, Range<usize>) -> bool) {
        self.search(text, |known, span| found(known.source, span));
    }

    fn search(&self, text: &str, mut found: impl FnMut(&Known, Range<usize>) -> bool) {
        let Some(beginnings) = &self.beginnings else { return };
        let folded = Folded::new(text);
        for hit in beginnings.find_overlapping_iter(&folded.text) {
            let group = self.groups.get(hit.pattern().as_usize()).into_iter().flatten();
            for known in group.filter_map(|number| self.patterns.get(*number)) {
                let Some(span) = known.pattern.stands(&folded.text, hit.range()) else { continue };
                let span = folded.source(&span);
                // A pattern may end within a character of another script; no name does.
                let is_text = text.is_char_boundary(span.start) && text.is_char_boundary(span.end);
                if is_text && whole(text, &span) && !found(known, span) {
                    return;
                }
            }
        }
    }

    /// Patterns of one source that stand within what those of another find, each pair of sources and entry once.
    fn overlaps(&self) -> BTreeSet<Overlap> {
        let mut overlaps = BTreeSet::new();
        for inner in &self.patterns {
            let sample = inner.pattern.sample();
            let Ok(text) = std::str::from_utf8(&sample) else { continue };
            self.search(text, |outer, _| {
                if outer.source != inner.source {
                    let same = outer.pattern.sample() == sample;
                    overlaps.insert(Overlap { outer: outer.at.clone(), inner: inner.at.clone(), same });
                }
                true
            });
        }
        overlaps
    }
}

fn automaton<'l>(beginnings: impl Iterator<Item = &'l &'l [u8]>) -> Result<AhoCorasick, SourceProblem> {
    AhoCorasick::builder().match_kind(MatchKind::Standard).build(beginnings).map_err(|_| SourceProblem::TooMany)
}
