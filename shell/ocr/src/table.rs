//! What an engine wrote: one row for each word, with where it stands (Tesseract's TSV). Read like anything from outside.

/// What a picture says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Writing {
    /// Its words, line by line.
    pub text: String,
    /// Where its lines stand, by where they begin in the text.
    pub lines: Vec<Line>,
}

/// A line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The byte of the text that it begins at.
    pub start: usize,
    /// Where it stands.
    pub area: Area,
}

/// A part of a picture, in the picture's own pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    /// From its left edge.
    pub left: u32,
    /// From its upper edge.
    pub top: u32,
    /// How wide it is.
    pub width: u32,
    /// How high it is.
    pub height: u32,
}

impl std::fmt::Debug for Writing {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("bytes", &self.text.len()).field("lines", &self.lines.len()).finish()
    }
}

/// Words that the engine is less sure of than this, of 100, are mostly none: it reads letters into the grain of a photograph.
const SURE: f32 = 20.0;

/// A word of the table: which line it is in, where, and what it says.
struct Word<'a> {
    line: [&'a str; 4],
    area: Area,
    text: &'a str,
}

impl Writing {
    /// Reads a table of a page with so many pixels for a hundred of the picture's. `None` if it says more than `most` bytes.
    pub(crate) fn read(table: &[u8], scale: u32, most: u64) -> Option<Self> {
        let table = String::from_utf8_lossy(table);
        let mut writing = Self::default();
        let mut last = None;
        for word in table.lines().filter_map(word) {
            if last == Some(word.line) {
                writing.text.push(' ');
            } else {
                if last.is_some() {
                    writing.text.push('\n');
                }
                writing.lines.push(Line { start: writing.text.len(), area: word.area });
                last = Some(word.line);
            }
            writing.text.push_str(mended(word.text));
            if let Some(line) = writing.lines.last_mut() {
                line.area = joined(line.area, word.area);
            }
            if writing.text.len() as u64 > most {
                return None;
            }
        }
        for line in &mut writing.lines {
            line.area = scaled(line.area, scale);
        }
        Some(writing)
    }

    /// Where a byte of the text stands.
    #[must_use]
    pub fn area(&self, at: usize) -> Option<Area> {
        let after = self.lines.partition_point(|line| line.start <= at);
        self.lines.get(after.checked_sub(1)?).map(|line| line.area)
    }

    /// What it takes to remember, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.text.len() + self.lines.len() * size_of::<Line>()
    }
}

fn word(row: &str) -> Option<Word<'_>> {
    let mut cells = row.split('\t');
    let mut next = || cells.next();
    // Rows of pages, blocks, paragraphs and lines have lower levels, and say nothing.
    if next()? != "5" {
        return None;
    }
    let line = [next()?, next()?, next()?, next()?];
    next()?;
    let mut number = || next()?.parse::<u32>().ok();
    let area = Area { left: number()?, top: number()?, width: number()?, height: number()? };
    let sure: f32 = next()?.parse().ok()?;
    let text = next()?.trim();
    (sure >= SURE && !text.is_empty()).then_some(Word { line, area, text })
}

/// A word that engines take for another: a small l before a stroke looks like a capital i, and no unit begins with that.
fn mended(word: &str) -> &str {
    const WORDS: [(&str, &str); 3] = [("I/min", "l/min"), ("I/h", "l/h"), ("I/s", "l/s")];
    WORDS.iter().find(|(read, _)| *read == word).map_or(word, |(_, meant)| meant)
}

fn joined(one: Area, other: Area) -> Area {
    let (left, top) = (one.left.min(other.left), one.top.min(other.top));
    let right = |area: Area| area.left.saturating_add(area.width);
    let bottom = |area: Area| area.top.saturating_add(area.height);
    let width = right(one).max(right(other)).saturating_sub(left);
    Area { left, top, width, height: bottom(one).max(bottom(other)).saturating_sub(top) }
}

fn scaled(area: Area, scale: u32) -> Area {
    let of = |own: u32| u32::try_from(u64::from(own) * 100 / u64::from(scale.max(1))).unwrap_or(u32::MAX);
    Area { left: of(area.left), top: of(area.top), width: of(area.width), height: of(area.height) }
}

/// Reads a table of a stranger's; for the fuzzer.
pub fn fuzz_table(table: &[u8]) {
    let Some(writing) = Writing::read(table, 200, 1 << 16) else { return };
    assert!(writing.text.len() <= 1 << 16, "as long as it may be");
    let starts: Vec<usize> = writing.lines.iter().map(|line| line.start).collect();
    assert!(starts.is_sorted() && starts.iter().all(|start| writing.text.is_char_boundary(*start)), "lines are in it");
    assert_eq!(
        writing.area(writing.text.len()).is_some(),
        !writing.lines.is_empty(),
        "whatever is said stands somewhere"
    );
}
