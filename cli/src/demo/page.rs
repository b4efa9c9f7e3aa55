//! What the demo looks like: colour and lines on a terminal, plain text in a pipe, never wider than a page.

use plant::Verdict;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

/// Widest and narrowest line.
const WIDEST: usize = 104;
const NARROWEST: usize = 72;
/// Where the text of a card begins, behind its labels.
const INDENT: usize = 15;

/// The colours, by what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// A heading.
    Strong,
    /// What need not be read first.
    Faint,
    /// As it should be.
    Good,
    /// Refused, or wrong.
    Bad,
    /// Changed on its way.
    Changed,
    /// Gone another way.
    Moved,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "1;32",
            Self::Bad => "1;31",
            Self::Changed => "1;33",
            Self::Moved => "1;35",
        }
    }

    /// The colour of a verdict.
    pub(super) fn of(verdict: &str) -> Self {
        match Verdict::NAMES.iter().find(|(name, _)| *name == verdict) {
            Some((_, Verdict::Allow)) => Self::Good,
            Some((_, Verdict::Tokenise | Verdict::Generalise | Verdict::Redact)) => Self::Changed,
            Some((_, Verdict::Reroute | Verdict::Hold)) => Self::Moved,
            Some((_, Verdict::Refuse)) | None => Self::Bad,
        }
    }
}

/// Standard output, as a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    rich: bool,
    width: usize,
}

impl Page {
    /// Rich on a terminal, unless it cannot or the person does not want to (<https://no-color.org>).
    pub(super) fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        let unable = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = io::stdout().is_terminal();
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
        // A terminal that does not know its size says 0.
        let width = columns.ok().filter(|columns| terminal && *columns > 0).unwrap_or(WIDEST);
        Self { rich: terminal && !unwanted && !unable, width: width.clamp(NARROWEST, WIDEST) }
    }

    /// An arrow that the output can show.
    pub(super) fn arrow(self) -> &'static str {
        if self.rich { "→" } else { "->" }
    }

    /// Text in a colour.
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        if self.rich { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) } else { text.to_owned() }
    }

    /// A line as it is. Whoever closes the pipe early has read enough.
    pub(super) fn line(self, text: &str) {
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// The beginning of a line that a later one ends: something takes its time.
    pub(super) fn begin(self, text: &str) {
        let mut out = io::stdout();
        let _ = write!(out, "{text}").and_then(|()| out.flush());
    }

    /// The heading of a step, and what it is about.
    pub(super) fn step(self, number: usize, title: &str, about: &str) {
        self.line("");
        let heading = format!("{number}  {title}");
        if self.rich {
            let rule = "─".repeat(self.width.saturating_sub(heading.chars().count() + 4));
            let (heading, rule) = (self.ink(Ink::Strong, &heading), self.ink(Ink::Faint, &rule));
            self.line(&format!("{} {heading} {rule}", self.ink(Ink::Faint, "──")));
        } else {
            self.line(&heading);
            self.line(&"-".repeat(heading.len()));
        }
        self.prose(about);
    }

    /// A paragraph.
    pub(super) fn prose(self, text: &str) {
        for line in wrap(text, self.width - 3) {
            self.line(&format!("   {line}"));
        }
    }

    /// A line of a program's output: wrapped, what does not fit is indented.
    pub(super) fn output(self, ink: Option<Ink>, text: &str) {
        let lines =
            if text.chars().count() + 3 > self.width { wrap(text, self.width - 7) } else { vec![text.to_owned()] };
        for (at, line) in lines.iter().enumerate() {
            let line = ink.map_or_else(|| line.clone(), |ink| self.ink(ink, line));
            self.line(&format!("   {}{line}", if at == 0 { "" } else { "    " }));
        }
    }

    /// The first line of a card: number, verdict, what it is about.
    pub(super) fn card(self, number: &str, verdict: &str, head: &str) {
        let shown = format!("{:10}", verdict.to_uppercase());
        self.line("");
        self.line(&format!("{number:>3}  {}{head}", self.ink(Ink::of(verdict), &shown)));
    }

    /// A labelled text of a card, wrapped. Words that `other` does not have stand out: they are what changed.
    pub(super) fn field(self, label: &str, text: &str, other: Option<&str>) {
        let known: Option<BTreeSet<&str>> = other.map(|other| other.split_whitespace().map(bare).collect());
        for (at, line) in wrap(text, self.width - INDENT).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let label = self.ink(Ink::Faint, &format!("{label:10}"));
            let line = match &known {
                Some(known) if self.rich => self.stressed(line, known),
                _ => line.clone(),
            };
            self.line(&format!("     {label}{line}"));
        }
    }

    fn stressed(self, line: &str, known: &BTreeSet<&str>) -> String {
        let word = |word: &str| {
            let stays = known.contains(bare(word));
            if stays { word.to_owned() } else { self.ink(Ink::Changed, word) }
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// Rows under headings, columns in line.
    pub(super) fn table(self, headings: &[&str], rows: &[Vec<String>]) {
        let widths: Vec<usize> = headings
            .iter()
            .enumerate()
            .map(|(column, heading)| {
                let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                cells.max().unwrap_or(0).max(heading.len())
            })
            .collect();
        let line = |cells: Vec<&str>| {
            let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.line("");
        self.line(&format!("   {}", self.ink(Ink::Faint, &line(headings.to_vec()))));
        for row in rows {
            self.line(&format!("   {}", line(row.iter().map(String::as_str).collect())));
        }
    }
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '(' | ')' | '"'))
}

/// Breaks a text at its spaces. A word that is wider than the page stays whole: somebody may want to copy it.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

/// Cuts a text that would fill the screen.
pub(super) fn excerpt(text: &str) -> String {
    /// Three lines of a card.
    const LONGEST: usize = 3 * (WIDEST - INDENT) - 8;
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_none() { start } else { format!("{start} ...") }
}

#[cfg(test)]
mod tests {
    use super::{Ink, Page, excerpt, wrap};

    #[test]
    fn text_is_broken_between_words_and_never_inside_one() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("a very-long-word b", 6), ["a", "very-long-word", "b"]);
        assert_eq!(wrap("", 6), [""]);
    }

    #[test]
    fn a_plain_page_has_no_escapes_and_no_arrows_beyond_ascii() {
        let page = Page { rich: false, width: 80 };
        assert_eq!(page.ink(Ink::Bad, "refuse"), "refuse");
        assert!(page.arrow().is_ascii());
    }

    #[test]
    fn words_that_changed_stand_out() {
        let page = Page { rich: true, width: 80 };
        let known = "call Anna today".split(' ').collect();
        assert_eq!(page.stressed("call EMAIL_1 today.", &known), "call \u{1b}[1;33mEMAIL_1\u{1b}[0m today.");
    }

    #[test]
    fn an_excerpt_says_that_it_is_one() {
        assert_eq!(excerpt("short"), "short");
        assert!(excerpt(&"x".repeat(900)).ends_with("x ..."));
    }
}
