//! The plant's own words and patterns.

use crate::plain;
use crate::settings::{Settings, SettingsProblem};
use aho_corasick::{AhoCorasick, MatchKind};
use plant::Label;
use regex_automata::meta::Regex;
use regex_automata::{Input, util::syntax};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

/// Longest stretch that a pattern sees at once. Patterns run in linear time per search, but many searches over
/// one long line may cost the square of its length; this bounds the square.
const WINDOW: usize = 4096;

/// Longest match that is found for certain when it crosses two windows.
const OVERLAP: usize = 256;

/// Compiled size of all patterns together.
const SIZE: usize = 8 << 20;

/// Terms and patterns, compiled. What they find is numbered by the labels of [`Dictionary::labels`].
pub(crate) struct Dictionary {
    labels: Vec<Label>,
    terms: Option<AhoCorasick>,
    /// What its terms begin with, of [`HEAD`] bytes at most; none if one of them is too short to be told by it.
    heads: BTreeSet<Vec<u8>>,
    /// Length of the longest term in bytes.
    longest: usize,
    /// Label of each literal of `terms`.
    term_labels: Vec<usize>,
    patterns: Option<Regex>,
    /// Label of each pattern; `None` is a tag scheme.
    pattern_labels: Vec<Option<usize>>,
}

impl Dictionary {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsProblem> {
        let labels: Vec<Label> = settings.dictionary.keys().cloned().collect();
        let (mut terms, mut term_labels) = (Vec::new(), Vec::new());
        let (mut patterns, mut pattern_labels) = (Vec::new(), Vec::new());
        for (at, (label, entry)) in settings.dictionary.iter().enumerate() {
            for (index, term) in entry.terms.iter().enumerate() {
                let term = term.trim();
                if term.len() > 256 || !term.chars().any(char::is_alphanumeric) {
                    return Err(SettingsProblem::Term { label: label.clone(), index });
                }
                for form in forms(term) {
                    terms.push(form);
                    term_labels.push(at);
                }
            }
            for (index, pattern) in entry.patterns.iter().enumerate() {
                let problem = |problem| SettingsProblem::Pattern { label: label.clone(), index, problem };
                check(pattern).map_err(problem)?;
                for form in plainly(pattern) {
                    patterns.push(form);
                    pattern_labels.push(Some(at));
                }
            }
        }
        for (index, pattern) in settings.tags.iter().enumerate() {
            check(pattern).map_err(|problem| SettingsProblem::Tag { index, problem })?;
            for form in plainly(pattern) {
                patterns.push(form);
                pattern_labels.push(None);
            }
        }
        for (at, own) in settings.detectors.iter().enumerate() {
            for (index, pattern) in own.patterns.iter().enumerate() {
                check(pattern).map_err(|problem| SettingsProblem::Detector {
                    rule: own.name.clone(),
                    index,
                    problem,
                })?;
                for form in plainly(pattern) {
                    patterns.push(form);
                    pattern_labels.push(Some(labels.len() + at));
                }
            }
        }
        let heads = heads(&terms);
        let longest = terms.iter().map(String::len).max().unwrap_or(0);
        let terms = (!terms.is_empty()).then(|| automaton(&terms)).transpose()?;
        let patterns =
            (!patterns.is_empty()).then(|| compile(&patterns)).transpose().map_err(|_| SettingsProblem::TooLarge)?;
        Ok(Self { labels, terms, heads, longest, term_labels, patterns, pattern_labels })
    }

    /// The labels, in order.
    pub(crate) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// What a place begins with where a term may stand; where nothing is given, that is anywhere.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &[u8]> {
        self.heads.iter().map(Vec::as_slice)
    }

    /// What is found in `text`: the label's number (`None`: a tag; behind the labels, a rule of the plant's own) and where. `false` stops.
    /// `places` are those that begin with one of [`Self::heads`], ascending, at least one in [`APART`] bytes.
    pub(crate) fn find(
        &self,
        text: &str,
        places: impl IntoIterator<Item = usize>,
        mut found: impl FnMut(Option<usize>, Range<usize>) -> bool,
    ) {
        if let Some(terms) = &self.terms {
            for stretch in self.stretches(text, places) {
                for hit in terms.find_overlapping_iter(aho_corasick::Input::new(text).range(stretch)) {
                    let label = self.term_labels.get(hit.pattern().as_usize()).copied();
                    if whole(text, &hit.range()) && label.is_some() && !found(label, hit.range()) {
                        return;
                    }
                }
            }
        }
        let Some(patterns) = &self.patterns else { return };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let mut from = 0;
            while from < line.len() {
                let end = line.floor_char_boundary((from + WINDOW).min(line.len()));
                let input = Input::new(text).range(start + from..start + end);
                for hit in patterns.find_iter(input).filter(|hit| !hit.is_empty()) {
                    let label = self.pattern_labels.get(hit.pattern().as_usize()).copied().flatten();
                    if !found(label, hit.range()) {
                        return;
                    }
                }
                from = if end == line.len() { end } else { line.floor_char_boundary(end - OVERLAP) };
            }
            start += line.len();
        }
    }

    /// The stretches of a text that hold every term that begins at one of these places: apart from each other.
    fn stretches(&self, text: &str, places: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
        if self.heads.is_empty() {
            return std::iter::once(0..text.len()).collect();
        }
        let mut stretches: Vec<Range<usize>> = Vec::new();
        for place in places {
            let end = (place + APART + self.longest).min(text.len());
            match stretches.last_mut().filter(|last| place <= last.end) {
                Some(last) => last.end = end,
                None => stretches.push(place..end),
            }
        }
        stretches
    }
}

/// Bytes of a term that a place is told by.
const HEAD: usize = 4;

/// How far apart places are told, in bytes: so that a text of nothing else does not make a place of each byte.
pub(crate) const APART: usize = 64;

/// What terms begin with, in lower case; none if one of them is shorter than three bytes, for most places would be told by it.
fn heads(terms: &[String]) -> BTreeSet<Vec<u8>> {
    if terms.iter().any(|term| term.len() < HEAD - 1) {
        return BTreeSet::new();
    }
    terms.iter().map(|term| term.bytes().take(HEAD).map(|byte| byte.to_ascii_lowercase()).collect()).collect()
}

/// How a term may stand in a text that reads plainly. The automaton folds ASCII only; other scripts by their two usual
/// forms. Accents that come as characters of their own, as in names of files, are not read. Words may be parted by a line's end, and in names of files and addresses by what stands there for a blank.
fn forms(term: &str) -> BTreeSet<String> {
    const BLANKS: [&str; 6] = [" ", "\n", "\r\n", "_", "-", "+"];
    let plain = plain::text(term);
    let cases = [plain.to_string(), plain.to_lowercase(), plain.to_uppercase(), bare(&plain)];
    let count = if plain.is_ascii() { 1 } else { cases.len() };
    let forms = cases.iter().take(count).flat_map(|term| BLANKS.map(|blank| term.replace(' ', blank)));
    forms.collect()
}

/// A term without accents.
fn bare(term: &str) -> String {
    const LETTERS: [(char, &str); 12] = [
        ('a', "àáâãäå"),
        ('c', "çć"),
        ('e', "èéêëę"),
        ('i', "ìíîï"),
        ('n', "ñń"),
        ('o', "òóôõöő"),
        ('s', "şšś"),
        ('u', "ùúûüůű"),
        ('y', "ýÿ"),
        ('z', "źżž"),
        ('r', "ř"),
        ('t', "ť"),
    ];
    let bare = |letter: char| LETTERS.iter().find(|(_, own)| own.contains(letter)).map_or(letter, |(bare, _)| *bare);
    term.to_lowercase().chars().map(bare).collect()
}

/// The pattern, and if it has signs that no text has once it reads plainly, also with what is left of them.
fn plainly(pattern: &str) -> impl Iterator<Item = String> {
    let plain = Some(plain::text(pattern)).filter(|plain| plain != pattern && check(plain).is_ok());
    std::iter::once(pattern.to_owned()).chain(plain.map(Cow::into_owned))
}

fn automaton(terms: &[String]) -> Result<AhoCorasick, SettingsProblem> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(terms)
        .map_err(|_| SettingsProblem::TooLarge)
}

fn check(pattern: &str) -> Result<(), String> {
    let regex = compile(&[pattern.to_owned()])?;
    if regex.is_match("") { Err("it matches the empty text".to_owned()) } else { Ok(()) }
}

fn compile(patterns: &[String]) -> Result<Regex, String> {
    let config = Regex::config().nfa_size_limit(Some(SIZE)).hybrid_cache_capacity(2 << 20);
    Regex::builder().configure(config).syntax(syntax::Config::new().nest_limit(64)).build_many(patterns).map_err(
        |error| match error.syntax_error() {
            Some(error) => error.to_string().lines().last().unwrap_or("it is no regular expression").to_owned(),
            None => "it is too large".to_owned(),
        },
    )
}

/// Whether a term stands as whole words: where it begins or ends with a letter or digit, no other goes before
/// or follows. Scripts without blanks between words have no whole words.
pub(crate) fn whole(text: &str, span: &Range<usize>) -> bool {
    let parts = |first: Option<char>, second: Option<char>| {
        let joins = |side: Option<char>| side.is_some_and(|side| side.is_alphanumeric() && !has_no_blanks(side));
        !(joins(first) && joins(second))
    };
    let split = |at: usize| text.split_at_checked(at).unwrap_or((text, ""));
    let ((before, from), (to, behind)) = (split(span.start), split(span.end));
    parts(before.chars().next_back(), from.chars().next()) && parts(to.chars().next_back(), behind.chars().next())
}

/// Thai, Lao, Burmese and Khmer; Chinese, Japanese and Korean.
fn has_no_blanks(letter: char) -> bool {
    matches!(u32::from(letter), 0xE00..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x2E80..=0xD7FF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
mod tests {
    use super::{APART, Dictionary};
    use crate::literal::{Literal, Literals};
    use crate::settings::{Entry, Settings};
    use plant::{Label, Sensitivity};
    use proptest::prelude::*;

    fn dictionary(terms: &[&str]) -> Dictionary {
        let mut settings = Settings::new(Sensitivity::LOWEST);
        let terms = terms.iter().map(|term| (*term).to_owned()).collect();
        settings.dictionary.insert(Label::new("own").unwrap(), Entry { terms, patterns: Vec::new() });
        Dictionary::new(&settings).unwrap()
    }

    proptest! {
        #[test]
        fn terms_are_found_where_their_beginnings_stand(
            short in prop::bool::ANY,
            pieces in prop::collection::vec(
                prop::sample::select(vec!["house", " ", "House Yeast", "yeast", "SÜD-7", "süd", "a", "tan", "TANK", "_", "gose", "in the plant "]),
                0..60,
            ),
        ) {
            let terms = ["house yeast", "yeast", "SÜD-7", "tan", "tank", if short { "go" } else { "gose" }];
            let (dictionary, text) = (dictionary(&terms), pieces.concat());
            let all = |places: Vec<usize>| {
                let mut found = Vec::new();
                dictionary.find(&text, places, |label, span| {
                    found.push((label, span));
                    true
                });
                found
            };
            let mut places: Vec<usize> = Vec::new();
            Literals::new(dictionary.heads()).find(&text, |literal, at| {
                if literal == Literal::Term && places.last().is_none_or(|last| at.start - last >= APART) {
                    places.push(at.start);
                }
                true
            });
            prop_assert_eq!(all(places), all((0..text.len()).step_by(APART).collect()));
        }
    }
}
