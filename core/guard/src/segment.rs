//! Cuts a text into what is judged at once: sentences, lines, blocks of JSON.
//!
//! Fed piece by piece it cuts at the same places as fed whole: each place is decided by what stands before it and by
//! the first sign of what follows.

/// Longest sentence or line, in bytes. What is longer is cut, and a limited tag in it cannot be judged: what its words are to
/// each other costs more the more of them there are.
pub(crate) const LONGEST: usize = 8 << 10;
/// Longest block of JSON, likewise.
pub(crate) const LONGEST_BLOCK: usize = 128 << 10;

/// A place at which a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// In bytes from the segment's start.
    pub(crate) end: usize,
    /// Whether it was cut for its length alone.
    pub(crate) long: bool,
}

/// Finds where the segment at the start of a growing text ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segmenter {
    /// How far the text has been read.
    at: usize,
    state: State,
    /// Brackets that are open, if the segment is a block of JSON.
    block: Option<Block>,
    /// Whether anything but blanks has come.
    begun: bool,
    /// What stands in front of `at`, blanks left out.
    last: char,
    /// The letters that stand right before the last point.
    word: String,
    /// Whether the line so far is prose: it has a blank between words and nothing that parts columns.
    line: Line,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Within,
    /// Behind a mark that may end a sentence, with what closes it; then behind a blank after it.
    Ending { end: usize, blank: bool },
    /// Behind the end of a line; whether a second one came.
    Line { end: usize, prose: bool },
    /// Behind a bracket that may open a block of JSON.
    Opening,
}

#[derive(Clone, Debug, Default)]
struct Block {
    depth: u32,
    quoted: bool,
    escaped: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    blank: bool,
    columns: bool,
}

/// Words that a point stands behind without an end of the sentence.
const SHORT: &[&str] = &[
    "approx", "ca", "max", "min", "nr", "no", "vs", "bzw", "ggf", "evtl", "etc", "fig", "temp", "sp", "zb", "inkl",
    "zzgl", "abs", "rel", "resp", "incl", "eg", "ie", "deg", "std", "sec", "hr", "sek", "dr", "st", "mr", "ms", "usw",
    "circa", "setp", "pos",
];

impl Segmenter {
    /// Reads on in `text`, which begins where the segment does; where the segment ends, once that is known.
    pub(crate) fn read(&mut self, text: &str) -> Option<Cut> {
        while let Some(character) = text.get(self.at..).and_then(|rest| rest.chars().next()) {
            let here = self.at;
            let next = here + character.len_utf8();
            if let Some(end) = self.step(character, here, next) {
                return Some(Cut { end, long: false });
            }
            self.at = next;
            if next >= if self.block.is_some() { LONGEST_BLOCK } else { LONGEST } {
                return Some(Cut { end: next, long: true });
            }
        }
        None
    }

    /// Takes one character; where the segment ended, if this tells.
    fn step(&mut self, character: char, here: usize, next: usize) -> Option<usize> {
        if let Some(block) = &mut self.block {
            return block.step(character).then_some(next);
        }
        match self.state {
            State::Opening => {
                if character.is_whitespace() {
                    return None;
                }
                self.state = State::Within;
                if matches!(character, '{' | '[' | '"' | '}' | ']') {
                    let mut block = Block { depth: 1, ..Block::default() };
                    let closed = block.step(character);
                    self.block = Some(block);
                    return closed.then_some(next);
                }
            }
            State::Ending { end, blank } => match character {
                '"' | '\'' | ')' | ']' | '*' | '_' | '`' | '”' | '“' | '»' | '.' | '!' | '?' if !blank => {
                    self.state = State::Ending { end: next, blank };
                }
                '\n' => {}
                _ if character.is_whitespace() => {
                    self.state = State::Ending { end, blank: true };
                    return None;
                }
                _ if blank && !self.goes_on(character) => return Some(end),
                _ => self.state = State::Within,
            },
            State::Line { end, prose } => match character {
                '\n' => return Some(end),
                ' ' | '\t' | '\r' => return None,
                _ if prose && goes_on_line(character) => {
                    self.state = State::Within;
                    self.line = Line { blank: true, columns: false };
                }
                _ => return Some(end),
            },
            State::Within => {}
        }
        self.within(character, next);
        let _ = here;
        None
    }

    fn within(&mut self, character: char, next: usize) {
        match character {
            '\n' => {
                let open = self.last.is_alphanumeric() || matches!(self.last, ',' | '(' | '-' | '/' | '°' | '%');
                self.state =
                    State::Line { end: next, prose: open && self.line.blank && !self.line.columns && self.begun };
                return;
            }
            '{' | '[' if !self.begun => self.state = State::Opening,
            '.' | '!' | '?' if !matches!(self.state, State::Ending { .. }) => {
                self.state = State::Ending { end: next, blank: false };
            }
            '|' | '\t' | ';' => self.line.columns = true,
            ' ' => self.line.blank |= self.begun,
            _ => {}
        }
        if character.is_alphabetic() {
            if !self.last.is_alphabetic() || self.word.len() > 16 {
                self.word.clear();
            }
            self.word.push(character);
        } else if character.is_ascii_digit() || character.is_whitespace() {
            self.word.clear();
        }
        if !character.is_whitespace() {
            self.begun = true;
        }
        self.last = character;
    }

    /// Whether what follows a point and a blank is of the same sentence.
    fn goes_on(&self, character: char) -> bool {
        let single = self.word.chars().count() == 1 && self.word.chars().all(char::is_lowercase);
        let short = self.last == '.' && (single || SHORT.iter().any(|word| self.word.eq_ignore_ascii_case(word)));
        // Other scripts have no capitals, and lists begin with a sign.
        character.is_lowercase()
            || character.is_ascii_digit()
            || short
            || matches!(character, '°' | '%' | ',' | ';' | ')')
    }
}

/// Whether a line that begins so continues the one before it.
fn goes_on_line(character: char) -> bool {
    character.is_lowercase() || character.is_ascii_digit() || matches!(character, '°' | '%' | '(')
}

impl Block {
    /// Takes one character; whether all brackets are closed.
    fn step(&mut self, character: char) -> bool {
        match character {
            _ if self.escaped => self.escaped = false,
            '\\' if self.quoted => self.escaped = true,
            '"' => self.quoted = !self.quoted,
            '{' | '[' if !self.quoted => self.depth += 1,
            '}' | ']' if !self.quoted => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth == 0
    }
}

/// Cuts a text that is there whole.
#[cfg(test)]
pub(crate) fn all(text: &str) -> Vec<&str> {
    let mut rest = text;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let end = Segmenter::default().read(rest).map_or(rest.len(), |cut| cut.end);
        let (segment, after) = rest.split_at(end);
        out.push(segment);
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn a_text_is_cut_where_a_sentence_a_line_or_a_block_ends() {
        assert_eq!(all("Set A to 4. Then B."), ["Set A to 4.", " Then B."]);
        assert_eq!(all("to approx. 400 °C. Or 1.5 bar"), ["to approx. 400 °C.", " Or 1.5 bar"]);
        assert_eq!(all("Set A to\n400 °C now\nB is"), ["Set A to\n400 °C now\n", "B is"]);
        assert_eq!(all("A,1\nb,2\n"), ["A,1\n", "b,2\n"]);
        assert_eq!(all("{\"a\": [1.\n\n2]}xy. Z"), ["{\"a\": [1.\n\n2]}", "xy.", " Z"]);
        assert_eq!(all("[note] A. B"), ["[note] A.", " B"]);
        assert_eq!(all("one\n\ntwo"), ["one\n", "\n", "two"]);
    }
}
