//! One pattern: a name as a historian, an OPC UA server or a database writes it, in which `*` stands for a part of it.

use crate::plain;
use std::collections::BTreeSet;
use std::ops::Range;

/// Longest pattern, in bytes: more than any historian's name.
const LONGEST: usize = 256;
/// Most `*` of one pattern.
const STARS: usize = 4;
/// Fewest letters and digits before a `*`, or of a whole pattern. With fewer it would stand anywhere.
const FEWEST: usize = 3;
/// Longest stretch that the rest of a pattern is looked for in.
const STRETCH: usize = 256;

/// Why a pattern cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternProblem {
    /// Hardly anything in it tells it from other words.
    #[error("it needs at least {FEWEST} letters or digits before the first `*` that follows them")]
    Vague,
    /// It is too long.
    #[error("it has more than {LONGEST} bytes")]
    Long,
    /// It has too many stars.
    #[error("it has more than {STARS} `*`")]
    Stars,
    /// It has a line's end.
    #[error("it holds a control character")]
    Control,
}

/// A pattern, folded and cut at its stars.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    /// Whether a star stands before the first part.
    led: bool,
    /// What stands between the stars; the first is never empty. An empty last part: a star stands at the end.
    parts: Vec<Vec<u8>>,
}

impl Pattern {
    /// The forms that a pattern may stand in: of a table its ways to be quoted, of other scripts than Latin their cases.
    pub(super) fn forms(text: &str, table: bool) -> Result<BTreeSet<Self>, PatternProblem> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(PatternProblem::Long);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternProblem::Control);
        }
        let plain = plain::text(text);
        let cases = if plain.is_ascii() {
            vec![plain.to_string()]
        } else {
            vec![plain.to_string(), plain.to_lowercase(), plain.to_uppercase()]
        };
        let quoted = cases.iter().flat_map(|text| if table { quotings(text) } else { vec![text.clone()] });
        quoted.map(|text| Self::new(&text)).collect()
    }

    fn new(text: &str) -> Result<Self, PatternProblem> {
        let led = text.starts_with('*');
        let text = text.trim_start_matches('*');
        // `\\SERVER\tag` stands as `\SERVER\tag` where somebody undid an escape too many.
        let text = text.trim_start_matches(['.', '/', '\\', '|', ':']);
        let mut parts: Vec<Vec<u8>> = text.split('*').map(|part| Folded::new(part).text).collect();
        // Two stars in a row are one.
        let last = parts.len().saturating_sub(1);
        let mut number = 0;
        parts.retain(|part| {
            number += 1;
            !part.is_empty() || number == 1 || number == last + 1
        });
        if parts.len() > STARS + 1 {
            return Err(PatternProblem::Stars);
        }
        let letters = |part: &Vec<u8>| String::from_utf8_lossy(part).chars().filter(|c| c.is_alphanumeric()).count();
        if parts.first().is_none_or(|first| letters(first) < FEWEST) {
            return Err(PatternProblem::Vague);
        }
        Ok(Self { led, parts })
    }

    /// What it begins with.
    pub(super) fn beginning(&self) -> &[u8] {
        self.parts.first().map_or(&[], Vec::as_slice)
    }

    /// Whether it has a star behind its beginning.
    pub(super) fn is_open(&self) -> bool {
        self.parts.len() > 1
    }

    /// A name that fits it, folded.
    pub(super) fn sample(&self) -> Vec<u8> {
        let mut sample = if self.led { b"x".to_vec() } else { Vec::new() };
        sample.extend(self.parts.join(&b'x'));
        sample
    }

    /// All of it, if it stands where its beginning does in a folded text.
    pub(super) fn stands(&self, text: &[u8], beginning: Range<usize>) -> Option<Range<usize>> {
        let start = if self.led { run_before(text, beginning.start) } else { beginning.start };
        let Some((last, between)) = self.parts.get(1..).and_then(<[_]>::split_last) else {
            return Some(start..beginning.end);
        };
        let limit = text.len().min(beginning.end + STRETCH);
        // Where what was found so far may end, rising: a star takes as little as it can, or more.
        let mut ends = vec![beginning.end];
        for part in between {
            ends = places(text, &ends, part, limit).map(|at| at + part.len()).collect();
        }
        let end = if last.is_empty() {
            let run = ends.into_iter().map(|from| run_after(text, from, limit)).max()?;
            // What ends a sentence is not of the name; and behind a separator there must be something.
            let trimmed = run - text.get(..run)?.iter().rev().take_while(|byte| is_separator(**byte)).count();
            Some(trimmed).filter(|end| *end >= beginning.end)
        } else {
            places(text, &ends, last, limit).map(|at| at + last.len()).filter(|end| !goes_on(text, *end)).max()
        };
        end.map(|end| start..end)
    }
}

/// Where a part stands behind one of the ends, with nothing but a name's signs between.
fn places<'t>(text: &'t [u8], ends: &[usize], part: &'t [u8], limit: usize) -> impl Iterator<Item = usize> + 't {
    let (mut reach, mut until) = (Vec::new(), 0);
    for from in ends.iter().copied() {
        // Each end reaches as far as the name's signs go; one within what another reaches gets no further.
        if from >= until {
            until = run_after(text, from, limit) + 1;
            reach.push(from..until);
        }
    }
    let begins = part.first().copied();
    let candidates = reach.into_iter().flat_map(move |range| {
        let window = text.get(range.start..range.end.min(limit)).unwrap_or_default();
        begins.into_iter().flat_map(move |byte| memchr::memchr_iter(byte, window).map(move |at| range.start + at))
    });
    candidates.filter(move |at| text.get(*at..limit).is_some_and(|rest| rest.starts_with(part)))
}

/// Whether a letter or digit of ASCII follows.
fn goes_on(text: &[u8], end: usize) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    letter(end.checked_sub(1)) && letter(Some(end))
}

/// Where the signs of a name that begin at `from` end.
fn run_after(text: &[u8], from: usize, limit: usize) -> usize {
    let run = text.get(from..limit).into_iter().flatten();
    from + run.take_while(|byte| is_sign(**byte)).count()
}

/// Where the signs of a name that end at `to` begin.
fn run_before(text: &[u8], to: usize) -> usize {
    let run = text.get(to.saturating_sub(STRETCH)..to).unwrap_or_default();
    to - run.iter().rev().take_while(|byte| is_sign(**byte)).count()
}

/// The signs that names are made of, folded; each byte of another script is one.
fn is_sign(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, SEPARATOR | b'#' | b'$' | b'@' | b'~' | b'[' | b']')
}

const SEPARATOR: u8 = b'.';

fn is_separator(byte: u8) -> bool {
    byte == SEPARATOR
}

/// A text without case in ASCII, in which whatever joins the parts of a name is one separator, and the way back.
pub(super) struct Folded {
    pub(super) text: Vec<u8>,
    /// Where bytes were left out: the place in the folded text, and how many up to there. Rising.
    left: Vec<(usize, usize)>,
}

impl Folded {
    pub(super) fn new(source: &str) -> Self {
        let (mut text, mut left, mut joined, mut count) = (Vec::with_capacity(source.len()), Vec::new(), false, 0);
        let bytes = source.as_bytes();
        for (at, byte) in bytes.iter().copied().enumerate() {
            let byte = FOLD.get(usize::from(byte)).copied().unwrap_or(byte);
            let byte = if byte == b'"' && is_between(bytes, at) { SEPARATOR } else { byte };
            if joined && byte == SEPARATOR {
                count += 1;
                left.push((text.len(), count));
                continue;
            }
            joined = byte == SEPARATOR;
            text.push(byte);
        }
        Self { text, left }
    }

    /// Where a span of the folded text stands in its source.
    pub(super) fn source(&self, span: &Range<usize>) -> Range<usize> {
        if self.left.is_empty() || span.is_empty() {
            return span.clone();
        }
        let place = |at: usize| {
            let before = self.left.partition_point(|(place, _)| *place <= at);
            at + before.checked_sub(1).and_then(|last| self.left.get(last)).map_or(0, |(_, count)| *count)
        };
        place(span.start)..place(span.end - 1) + 1
    }
}

/// Whether a quotation mark stands between two parts that are both quoted: `"Line1"."Oven"`, as S7 controllers name their variables.
fn is_between(text: &[u8], at: usize) -> bool {
    let sign = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
    let joins = |sign: Option<u8>| matches!(sign, Some(b'.' | b'/' | b'\\'));
    let opens = joins(sign(at.checked_sub(1))) && sign(at.checked_sub(2)) == Some(b'"');
    opens || joins(sign(at.checked_add(1))) && sign(at.checked_add(2)) == Some(b'"')
}

/// What each byte is folded to.
static FOLD: [u8; 256] = fold();

#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "the index stays below 256")]
const fn fold() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'.' | b'/' | b'\\' | b'|' | b':' | b'_' | b'-' => SEPARATOR,
            other => other.to_ascii_lowercase(),
        };
        byte += 1;
    }
    table
}

/// How a table's name is written in SQL: bare, in quotation marks (ISO/IEC 9075), brackets or backticks.
fn quotings(name: &str) -> Vec<String> {
    const MARKS: [(&str, &str); 3] = [("\"", "\""), ("[", "]"), ("`", "`")];
    let mut forms = vec![name.to_owned()];
    let parts: Vec<&str> = name.split('.').collect();
    let quoted = |part: &str, (open, close): (&str, &str)| match part.contains('*') {
        // What a star stands for ends where the name does, quoted or not.
        true => format!("{open}{part}"),
        false => format!("{open}{part}{close}"),
    };
    for marks in MARKS {
        forms.push(parts.iter().map(|part| quoted(part, marks)).collect::<Vec<_>>().join("."));
        if let Some((last, front)) = parts.split_last().filter(|(_, front)| !front.is_empty()) {
            forms.push(format!("{}.{}", front.join("."), quoted(last, marks)));
        }
    }
    forms
}
