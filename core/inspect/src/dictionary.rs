//! The plant's own words and patterns.

use crate::bytes::is_word;
use crate::settings::{Settings, SettingsProblem};
use aho_corasick::{AhoCorasick, MatchKind};
use plant::Label;
use regex_automata::meta::Regex;
use regex_automata::{Input, util::syntax};
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
                // The automaton folds ASCII only; other scripts by their two usual forms.
                for form in forms(term) {
                    terms.push(form);
                    term_labels.push(at);
                }
            }
            for (index, pattern) in entry.patterns.iter().enumerate() {
                let problem = |problem| SettingsProblem::Pattern { label: label.clone(), index, problem };
                check(pattern).map_err(problem)?;
                patterns.push(pattern.clone());
                pattern_labels.push(Some(at));
            }
        }
        for (index, pattern) in settings.tags.iter().enumerate() {
            check(pattern).map_err(|problem| SettingsProblem::Tag { index, problem })?;
            patterns.push(pattern.clone());
            pattern_labels.push(None);
        }
        let terms = (!terms.is_empty()).then(|| automaton(&terms)).transpose()?;
        let patterns =
            (!patterns.is_empty()).then(|| compile(&patterns)).transpose().map_err(|_| SettingsProblem::TooLarge)?;
        Ok(Self { labels, terms, term_labels, patterns, pattern_labels })
    }

    /// The labels, in order.
    pub(crate) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// What is found in `text`: the label's number (`None`: a tag) and where. `false` stops.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(Option<usize>, Range<usize>) -> bool) {
        if let Some(terms) = &self.terms {
            for hit in terms.find_overlapping_iter(text) {
                let label = self.term_labels.get(hit.pattern().as_usize()).copied();
                if whole(text.as_bytes(), &hit.range()) && label.is_some() && !found(label, hit.range()) {
                    return;
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
}

fn forms(term: &str) -> Vec<String> {
    let mut forms = vec![term.to_owned()];
    if !term.is_ascii() {
        for form in [term.to_lowercase(), term.to_uppercase()] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
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
/// or follows.
fn whole(text: &[u8], span: &Range<usize>) -> bool {
    let word = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|b| is_word(*b));
    let before = span.start.checked_sub(1);
    !(word(Some(span.start)) && word(before) || word(span.end.checked_sub(1)) && word(Some(span.end)))
}
