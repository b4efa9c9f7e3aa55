//! Finds the limited tags in a text, however their parts are joined.
//!
//! One automaton over all names and aliases, in each way to join their parts (`TIC-101`, `TIC_101`, `tic101`), is the
//! only thing that reads a text without any of them.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use std::collections::BTreeSet;
use std::ops::Range;

/// What of a tag is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its value or setpoint.
    Value,
    /// What it measures: `.PV`.
    Reading,
    /// One of its own bounds: `.HH`.
    Bound,
}

/// A tag that stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) span: Range<usize>,
    pub(crate) tag: usize,
    pub(crate) part: Part,
}

#[derive(Debug)]
pub(crate) struct Tags {
    automaton: Option<AhoCorasick>,
    /// The tag of each pattern.
    owner: Vec<usize>,
    longest: usize,
}

const JOINTS: [&str; 7] = ["-", "_", " ", "", ".", "/", " - "];

impl Tags {
    /// `names` gives each tag's names. `None` if there are too many of them for one automaton.
    pub(crate) fn new<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Option<Self> {
        let mut patterns = Vec::new();
        let mut owner = Vec::new();
        for (tag, name) in names {
            let parts = parts(name);
            let joined: BTreeSet<String> =
                JOINTS.iter().map(|joint| parts.join(joint)).chain([name.to_lowercase()]).collect();
            for pattern in joined {
                patterns.push(pattern);
                owner.push(tag);
            }
        }
        let longest = patterns.iter().map(String::len).max().unwrap_or(0);
        let automaton = match patterns.as_slice() {
            [] => None,
            patterns => {
                let kind = if patterns.len() > 5000 { AhoCorasickKind::ContiguousNFA } else { AhoCorasickKind::DFA };
                let mut builder = AhoCorasickBuilder::new();
                builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).kind(Some(kind));
                Some(builder.build(patterns).ok()?)
            }
        };
        Some(Self { automaton, owner, longest })
    }

    /// Longest name, in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Where the first name in `text` begins, whole word or not.
    pub(crate) fn first(&self, text: &str) -> Option<usize> {
        Some(self.automaton.as_ref()?.find(text)?.start())
    }

    /// The tags in `text`, in order, none over another; the longest where several could be.
    pub(crate) fn find(&self, text: &str) -> Vec<Sighting> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let mut found: Vec<Sighting> = Vec::new();
        for hit in automaton.find_overlapping_iter(text) {
            let Some(tag) = self.owner.get(hit.pattern().as_usize()) else { continue };
            let Some((end, part)) = ends(text, hit.end()).filter(|_| begins(text, hit.start())) else { continue };
            let span = hit.start()..end;
            // Hits come by their end: one that begins earlier, or at the same place, is the longer.
            while found.last().is_some_and(|last| last.span.start >= span.start) {
                found.pop();
            }
            if found.last().is_none_or(|last| last.span.end <= span.start) {
                found.push(Sighting { span, tag: *tag, part });
            }
        }
        found
    }
}

/// The runs of letters and of digits that a name is made of, in small letters.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = None;
    for character in name.chars().flat_map(char::to_lowercase) {
        let class = (character.is_alphanumeric()).then_some(character.is_numeric());
        match (class, before) {
            (None, _) => {}
            (class, before) if class == before => {
                if let Some(part) = parts.last_mut() {
                    part.push(character);
                }
            }
            _ => parts.push(character.to_string()),
        }
        before = class;
    }
    parts
}

fn begins(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    !before.is_some_and(char::is_alphanumeric)
}

/// Where a tag ends whose name ends here, with what of it is meant; `None` if it is the name of something longer.
fn ends(text: &str, at: usize) -> Option<(usize, Part)> {
    let rest = text.get(at..)?;
    let mut characters = rest.chars();
    let mark = match characters.next() {
        Some(next) if next.is_alphanumeric() => return None,
        Some(mark @ ('.' | '_' | '/' | '-' | ':' | '!')) => mark,
        _ => return Some((at, Part::Value)),
    };
    let after = characters.as_str();
    let length = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
    let word = after.get(..length)?;
    let part = match word.to_ascii_lowercase().as_str() {
        "" => return Some((at, Part::Value)),
        "sp" | "setpoint" | "set_point" | "sollwert" | "spt" | "target" | "cv" | "out" | "op" | "mv" | "co" | "set"
        | "value" | "val" | "spref" | "w" | "sp_ext" | "sp_int" | "spman" | "rsp" | "lsp" | "input" | "in"
        | "setvalue" | "sv" => Part::Value,
        "pv" | "act" | "actual" | "ist" | "istwert" | "x" | "measured" | "current" | "process_value" => Part::Reading,
        "hh" | "h" | "l" | "ll" | "hi" | "lo" | "hihi" | "lolo" | "max" | "min" | "limit" | "high" | "low" | "ah"
        | "al" | "ahh" | "all" => Part::Bound,
        // `TIC-101-A`, `TIC-101/2`: another tag. `TIC-101-loop` is this one, and so is all behind a point.
        word if mark == '-' || mark == '/' => {
            let other = word.len() == 1 || word.starts_with(|c: char| c.is_ascii_digit());
            return (!other).then_some((at, Part::Value));
        }
        _ if mark == ':' || mark == '!' => return Some((at, Part::Value)),
        // A point ends a sentence too.
        word if mark == '.' && word.starts_with(|c: char| c.is_ascii_digit()) => return None,
        _ => return Some((at, Part::Value)),
    };
    if mark == ':' || mark == '!' || mark == '-' && word.len() == 1 {
        return (mark != '-').then_some((at, Part::Value));
    }
    Some((at + 1 + length, part))
}

#[cfg(test)]
mod tests {
    use super::{Part, Tags};

    fn found(text: &str) -> Vec<(String, Part)> {
        let names = [(0, "TIC-101"), (0, "reactor temperature"), (1, "PIC-204"), (2, "TIC-10")];
        let tags = Tags::new(names.into_iter()).unwrap();
        tags.find(text).into_iter().map(|seen| (text[seen.span].to_owned(), seen.part)).collect()
    }

    #[test]
    fn a_tag_is_found_however_its_parts_are_joined_and_only_as_a_whole() {
        for text in ["TIC-101", "tic_101", "TIC 101", "Tic101", "R1.TIC-101", "TIC/101", "reactor  temperature"] {
            let wanted = usize::from(text != "reactor  temperature");
            assert_eq!(found(text).len(), wanted, "{text}");
        }
        for text in ["TIC-1012", "STIC-101", "TIC-101A", "TIC-101-A", "TIC-101.2", "xTIC101"] {
            assert_eq!(found(text), [], "{text}");
        }
        assert_eq!(found("TIC-10 or TIC-101"), [("TIC-10".into(), Part::Value), ("TIC-101".into(), Part::Value)]);
        assert_eq!(found("TIC_101.SP := 5"), [("TIC_101.SP".into(), Part::Value)]);
        assert_eq!(found("tic101.PV"), [("tic101.PV".into(), Part::Reading)]);
        assert_eq!(found("TIC-101_HH"), [("TIC-101_HH".into(), Part::Bound)]);
        assert_eq!(found("on TIC-101. The"), [("TIC-101".into(), Part::Value)]);
        assert_eq!(found("the TIC-101-loop"), [("TIC-101".into(), Part::Value)]);
    }
}
