//! Rows of tables: Markdown, and values parted by commas, semicolons or tabs.

use crate::json::Key;
use crate::judge::Measure;
use crate::lexicon as lex;
use crate::tags::Sighting;
use crate::token::{Token, What};
use crate::unit;
use std::ops::Range;

/// A row, cut into cells.
#[derive(Debug)]
pub(crate) struct Row<'t> {
    delimiter: char,
    /// Span in the segment, and text.
    pub(crate) cells: Vec<(Range<usize>, &'t str)>,
    /// Whether it only rules off the header: `|---|`.
    pub(crate) rule: bool,
}

/// What the columns of a table are.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    delimiter: char,
    pub(crate) columns: Vec<Column>,
    known: bool,
}

/// What a column holds.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) key: Key,
    pub(crate) measure: Option<Measure>,
    /// The tag that it is about, if columns are tags.
    pub(crate) tag: Option<usize>,
    /// Whether it numbers the rows.
    pub(crate) counts: bool,
}

impl Default for Column {
    fn default() -> Self {
        Self { key: Key::Other, measure: None, tag: None, counts: false }
    }
}

/// Whether a segment may be a row at all, tags or not.
pub(crate) fn may_be(text: &str) -> bool {
    text.contains(['|', '\t', ';', ',']) || text.contains("<t") || text.contains("<T")
}

/// The cells of a segment that is a row of a table.
pub(crate) fn row<'t>(text: &'t str, sightings: &[Sighting], header: Option<&Header>) -> Option<Row<'t>> {
    let line = text.trim_matches(['\n', '\r', ' ']);
    if line.is_empty() || line.contains('\n') {
        return None;
    }
    let start = text.len() - text.trim_start_matches(['\n', '\r', ' ']).len();
    let known = header.map(|header| header.delimiter);
    let candidates = ['|', '\t', ';', ','];
    let delimiter = candidates.into_iter().find(|delimiter| {
        let count = line.matches(*delimiter).count();
        match delimiter {
            '|' => count >= 2 || count == 1 && known == Some('|'),
            '\t' => count >= 1,
            _ => {
                count >= 1
                    && (known == Some(*delimiter) && count + 1 >= header.map_or(0, |header| header.columns.len())
                        || looks(line, start, *delimiter, sightings))
            }
        }
    })?;
    let cells = cells(line, start, delimiter);
    let rule = cells.iter().all(|(_, cell)| !cell.is_empty() && cell.chars().all(|c| matches!(c, '-' | ':' | ' ')))
        || line.chars().all(|c| matches!(c, '-' | ':' | ' ' | '|' | '+'));
    Some(Row { delimiter, cells, rule })
}

fn cells(line: &str, start: usize, delimiter: char) -> Vec<(Range<usize>, &str)> {
    let inner = if delimiter == '|' { line.strip_prefix('|').unwrap_or(line) } else { line };
    let mut at = start + line.len() - inner.len();
    let inner = if delimiter == '|' { inner.strip_suffix('|').unwrap_or(inner) } else { inner };
    let mut out = Vec::new();
    for cell in inner.split(delimiter) {
        let trimmed = cell.trim_matches([' ', '"', '\'']);
        let lead = cell.len() - cell.trim_start_matches([' ', '"', '\'']).len();
        let first = at + lead.min(cell.len() - trimmed.len());
        out.push((first..first + trimmed.len(), trimmed));
        at += cell.len() + delimiter.len_utf8();
    }
    out
}

/// Whether a line of commas or semicolons is a row: a cell that is a tag and one that is a value, or a header of names.
fn looks(line: &str, start: usize, delimiter: char, sightings: &[Sighting]) -> bool {
    let cells = cells(line, start, delimiter);
    let short = cells.iter().all(|(_, cell)| cell.len() <= 40 && cell.matches(' ').count() <= 3);
    if !short {
        return false;
    }
    let tag = |span: &Range<usize>| {
        sightings.iter().any(|seen| seen.span.start <= span.start && seen.span.end + 1 >= span.end)
    };
    let number = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let values = cells.iter().filter(|(_, cell)| number(cell)).count();
    let names = cells.iter().filter(|(_, cell)| names(cell)).count();
    cells.iter().any(|(span, _)| tag(span)) && values > 0 && (delimiter == ';' || !line.contains(", "))
        || names >= 1
            && values == 0
            && cells.len() >= 2
            && cells.iter().filter(|(_, cell)| Key::of(cell) != Key::Other).count() >= 1
}

/// Whether a header names what the row is about.
fn names(cell: &str) -> bool {
    let cell = cell.to_lowercase();
    ["tag", "name", "point", "loop", "id", "messstelle", "signal", "instrument", "item", "kks", "parameter", "variable"]
        .iter()
        .any(|name| cell == *name || cell.starts_with(&format!("{name} ")) || cell.ends_with(name))
}

impl Header {
    pub(crate) fn new(row: &Row<'_>, cells: &[Vec<Token>]) -> Self {
        let columns = row.cells.iter().zip(cells).map(|((_, text), tokens)| column(text, tokens)).collect();
        Self { delimiter: row.delimiter, columns, known: true }
    }

    /// What holds where no header came.
    pub(crate) fn none(row: &Row<'_>) -> Self {
        Self { delimiter: row.delimiter, columns: row.cells.iter().map(|_| Column::default()).collect(), known: false }
    }

    /// Whether no column says that it holds what is to be set.
    pub(crate) fn no_target(&self) -> bool {
        !self.known || !self.columns.iter().any(|column| matches!(column.key, Key::Value | Key::Change))
    }
}

impl Row<'_> {
    /// The unit that the row's own column of units says.
    pub(crate) fn unit(&self, header: &Header) -> Option<Measure> {
        let at = header.columns.iter().position(|column| column.key == Key::Unit)?;
        let (_, cell) = self.cells.get(at)?;
        match unit::read(cell) {
            Some((unit, length)) if length == cell.len() => Some(unit.into()),
            _ if cell.is_empty() || *cell == "-" => None,
            _ => Some(Measure::Unknown),
        }
    }
}

fn column(text: &str, tokens: &[Token]) -> Column {
    let tag = tokens.iter().find_map(|token| match token.what {
        What::Tag(tag, _) => Some(tag),
        _ => None,
    });
    let bracket = text.find(['(', '[', ',', '/']).and_then(|at| {
        let inside = text.get(at + 1..)?.trim();
        let (unit, length) = unit::read(inside)?;
        let after = inside.get(length..)?;
        (after.is_empty() || after.starts_with([')', ']'])).then(|| Measure::from(unit))
    });
    let suffix =
        text.rsplit_once(' ').and_then(|(_, last)| unit::read(last).filter(|(_, length)| *length == last.len()));
    let name = text.split(['(', '[']).next().unwrap_or(text).trim();
    let lower = name.to_lowercase();
    let counts = [
        "no",
        "no.",
        "nr",
        "nr.",
        "#",
        "id",
        "step",
        "schritt",
        "line",
        "priority",
        "pos",
        "pos.",
        "count",
        "comment",
        "note",
        "remark",
        "time",
        "date",
        "zeit",
        "datum",
        "bemerkung",
        "reason",
        "description",
    ]
    .contains(&lower.as_str());
    let aims = tokens.iter().any(|token| token.is(lex::AIM) && !token.is(lex::REPORT));
    let key = match Key::of(name) {
        Key::Other if aims => Key::Value,
        key => key,
    };
    Column {
        key,
        measure: bracket.or_else(|| suffix.map(|(unit, _)| unit.into()).filter(|_| key != Key::Unit)),
        tag,
        counts,
    }
}
