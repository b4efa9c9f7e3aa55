//! Characters that carry text which nobody sees: tags, variation selectors, zero-width splits, and those that turn the order
//! in which a text is shown.
//!
//! All of them have an honest use, which is left alone: the flags of Scotland and Wales are written in tag characters
//! (UTS 51, section 1.4.6), an emoji or an ideograph takes one variation selector (Unicode 16, section 23.4), Arabic and
//! Indic scripts, emoji families, Thai line ends and hyphenation need joiners and breaks (section 23.2), and isolates keep a
//! phone number together in a text that runs the other way (UAX 9).

use crate::rule::BuiltIn;
use crate::scan::Hit;
use std::ops::Range;

/// What a character may hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tag,
    Selector,
    /// Zero-width, and soft hyphens.
    Zero,
    Bidi,
}

/// Reads the characters of one text.
pub(super) fn find(text: &str, most: usize, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    let mut zero = Splits::default();
    let mut bidi = Direction::default();
    let mut selectors = Selectors::default();
    let mut at = 0;
    while let Some(next) = next_lead(bytes, at) {
        if hits.len() > most {
            return;
        }
        hits.extend(bidi.lines(bytes, at..next));
        at = next;
        let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        let end = at + character.len_utf8();
        match kind(character) {
            None => bidi.saw(character),
            Some(Kind::Tag) => {
                let run = run(text, at, |next| kind(next) == Some(Kind::Tag));
                if !is_flag(text, &run) {
                    hits.push(Hit { rule: BuiltIn::HiddenTags.index(), span: run.clone() });
                }
                at = run.end;
                continue;
            }
            Some(Kind::Selector) => {
                let run = run(text, at, |next| kind(next) == Some(Kind::Selector));
                hits.extend(selectors.run(text, &run));
                at = run.end;
                continue;
            }
            Some(Kind::Zero) => {
                let run = run(text, at, |next| kind(next) == Some(Kind::Zero));
                hits.extend(zero.run(text, &run));
                at = run.end;
                continue;
            }
            Some(Kind::Bidi) => hits.extend(bidi.mark(text, character, at..end)),
        }
        at = end;
    }
    hits.extend(bidi.lines(bytes, at..bytes.len()));
    hits.extend(bidi.line(bytes.len()));
}

/// Where the next character may begin that is looked at, at or after `from`.
fn next_lead(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    for chunk in bytes.get(from..)?.chunks(64) {
        // Most of most texts is ASCII, which is told many bytes at once.
        if !chunk.is_ascii()
            && let Some(lead) = chunk.iter().position(|byte| is_lead(*byte))
        {
            return Some(at + lead);
        }
        at += chunk.len();
    }
    None
}

/// Whether a character that is looked at may begin with this byte: from U+00AD on, what is no ASCII.
fn is_lead(byte: u8) -> bool {
    byte >= 0xC2
}

fn kind(character: char) -> Option<Kind> {
    match character {
        '\u{AD}'
        | '\u{34F}'
        | '\u{115F}'..='\u{1160}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200D}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206A}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{1D173}'..='\u{1D17A}' => Some(Kind::Zero),
        '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => Some(Kind::Selector),
        '\u{E0000}'..='\u{E007F}' => Some(Kind::Tag),
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => Some(Kind::Bidi),
        _ => None,
    }
}

/// The run of characters of one class that begins at `from`.
fn run(text: &str, from: usize, class: impl Fn(char) -> bool) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    from..from + rest.find(|next| !class(next)).unwrap_or(rest.len())
}

fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

fn behind(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// A flag of a region: a black flag, a few letters or digits, the cancel tag.
pub(crate) fn is_flag(text: &str, tags: &Range<usize>) -> bool {
    let spec = text.get(tags.clone()).unwrap_or_default();
    before(text, tags.start) == Some('\u{1F3F4}')
        && spec.chars().count() <= 8
        && spec.ends_with('\u{E007F}')
        && spec.chars().all(|tag| matches!(tag, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}' | '\u{E007F}'))
}

/// Follows variation selectors.
#[derive(Default)]
struct Selectors {
    /// Those on letters and blanks of ASCII, which have no variants: where the first of them stands, and how many.
    astray: Option<(usize, usize)>,
}

impl Selectors {
    fn run(&mut self, text: &str, span: &Range<usize>) -> Option<Hit> {
        /// So many on bases that take none are no slip of an editor.
        const MANY: usize = 4;
        let hit = |span| Some(Hit { rule: BuiltIn::HiddenSelectors.index(), span });
        let mut selectors = text.get(span.clone()).unwrap_or_default().chars();
        let (first, count) = (selectors.next(), selectors.clone().count() + 1);
        // An editor may double the one that asks for the look of an emoji; data needs different ones.
        if count >= 4 || count > 1 && selectors.any(|next| Some(next) != first) {
            return hit(span.clone());
        }
        let takes_none = before(text, span.start).is_none_or(|base| base.is_ascii_alphabetic() || base.is_whitespace());
        if !takes_none {
            return None;
        }
        let (start, astray) = self.astray.take().unwrap_or((span.start, 0));
        if astray + 1 == MANY {
            return hit(start..span.end);
        }
        self.astray = Some((start, astray + 1));
        None
    }
}

/// Follows zero-width characters.
#[derive(Default)]
struct Splits {
    /// The splits of letters of ASCII that stand near one another: where the first begins, where the last ends, and how many.
    near: Option<(usize, usize, usize)>,
}

impl Splits {
    fn run(&mut self, text: &str, span: &Range<usize>) -> Option<Hit> {
        /// A message in two kinds of zero-width characters has eight for each letter.
        const LONG: usize = 6;
        /// Nobody hyphenates so.
        const FEW: usize = 3;
        let hit = |span| Some(Hit { rule: BuiltIn::HiddenZeroWidth.index(), span });
        let inside = text.get(span.clone()).unwrap_or_default();
        if inside.chars().count() >= LONG {
            self.near = None;
            return hit(span.clone());
        }
        let (left, right) = (before(text, span.start), behind(text, span.end));
        if !splits(left, right) {
            return None;
        }
        let gap = |last: usize| text.get(last..span.start).map_or(usize::MAX, |gap| gap.chars().count());
        match self.near.take() {
            // Pieces of a few letters, one after another: no line needs to end there.
            Some((start, last, count)) if gap(last) <= 3 => {
                if count + 1 == FEW {
                    let whole = start..word_end(text, span.end);
                    self.near = Some((start, span.end, count + 1));
                    return hit(whole);
                }
                self.near = Some((start, span.end, count + 1));
            }
            _ => self.near = Some((span.start, span.end, 1)),
        }
        None
    }
}

/// Whether what stands between two characters splits a word, and is not there for the sake of a script or an emoji.
fn splits(left: Option<char>, right: Option<char>) -> bool {
    // Long names and addresses may break at a sign between words, and at a camel's hump.
    let ours = |side: char| side.is_ascii_alphanumeric() || side == ' ' || is_latin(side);
    let hump = left.is_some_and(char::is_lowercase) && right.is_some_and(char::is_uppercase);
    left.is_some_and(ours) && right.is_some_and(ours) && !hump
}

fn is_latin(letter: char) -> bool {
    matches!(letter, '\u{C0}'..='\u{24F}')
}

/// Where the letters and zero-width characters end that go on at `from`; at most 256 bytes on.
fn word_end(text: &str, from: usize) -> usize {
    let most = text.floor_char_boundary((from + 256).min(text.len()));
    let rest = text.get(from..most).unwrap_or_default();
    from + rest.find(|next: char| next.is_whitespace() && next != ' ').unwrap_or(rest.len())
}

/// Follows what turns the direction of a line.
#[derive(Default)]
struct Direction {
    /// Where each that is not closed yet was opened; at most [`DEPTH`] are told apart.
    open: Vec<(char, usize)>,
    /// Whether the line has a letter of a script that runs right to left.
    leftward: bool,
    /// The first opener for that direction.
    forced: Option<Range<usize>>,
    /// Whether the line has an override: one finding tells of all.
    overridden: bool,
}

/// UAX 9, section 3.3.2, allows 125; nobody writes four.
const DEPTH: usize = 4;

impl Direction {
    fn saw(&mut self, character: char) {
        self.leftward |= matches!(character, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
            | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}');
    }

    fn mark(&mut self, text: &str, character: char, span: Range<usize>) -> Option<Hit> {
        match character {
            // An override shows letters in another order than they are read in: no language needs it.
            '\u{202D}' | '\u{202E}' => {
                self.open.push((character, span.start));
                self.open.truncate(DEPTH);
                if std::mem::replace(&mut self.overridden, true) {
                    return None;
                }
                let end = text.get(span.end..).and_then(|rest| rest.find(['\u{202C}', '\n'])).map(|at| span.end + at);
                return Some(Hit { rule: BuiltIn::HiddenBidi.index(), span: span.start..end.unwrap_or(text.len()) });
            }
            '\u{202B}' | '\u{2067}' => {
                self.forced.get_or_insert(span.clone());
                self.open.push((character, span.start));
            }
            '\u{202A}' | '\u{2066}' | '\u{2068}' => self.open.push((character, span.start)),
            _ => {
                self.open.pop();
            }
        }
        let deep = self.open.len() > DEPTH;
        self.open.truncate(DEPTH);
        deep.then_some(Hit { rule: BuiltIn::HiddenBidi.index(), span })
    }

    /// The lines end that end in a stretch in which nothing turns anything.
    fn lines(&mut self, bytes: &[u8], stretch: Range<usize>) -> Option<Hit> {
        let idle = self.open.is_empty() && !self.leftward && self.forced.is_none() && !self.overridden;
        if idle {
            return None;
        }
        // Behind the first of them, nothing is open.
        let end = memchr::memchr(b'\n', bytes.get(stretch.clone())?)?;
        self.line(stretch.start + end)
    }

    /// The line ends: what is still open turns what a reader takes for the rest of it (Trojan Source, CVE-2021-42574).
    fn line(&mut self, end: usize) -> Option<Hit> {
        let Self { open, leftward, forced, .. } = std::mem::take(self);
        let hit = |start| Hit { rule: BuiltIn::HiddenBidi.index(), span: start..end };
        let left = open.iter().find(|(opener, _)| !matches!(opener, '\u{202D}' | '\u{202E}'));
        let turned = forced.filter(|_| !leftward);
        left.map(|(_, start)| hit(*start)).or_else(|| turned.map(|span| hit(span.start)))
    }
}
