//! Office Open XML (ECMA-376): documents, sheets and slides, with what people do not see of them.

use crate::archive::{Entry, single};
use crate::harvest::{Harvest, shown};
use crate::markup::{self, Token, Tokens};
use crate::sheet::{Rows, column_of};
use crate::text;
use crate::{File, Why};
use std::collections::BTreeMap;

/// What kind of document a package holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Words,
    Sheets,
    Slides,
}

impl Kind {
    /// The kind of a package, if it is one.
    pub(crate) fn of(entries: &[Entry<'_>]) -> Option<Self> {
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        let kinds = [
            ("word/document.xml", Self::Words),
            ("xl/workbook.xml", Self::Sheets),
            ("ppt/presentation.xml", Self::Slides),
        ];
        kinds.into_iter().find(|(name, _)| has("[Content_Types].xml") && has(name)).map(|(_, kind)| kind)
    }
}

/// Parts that say nothing of anyone: styles, themes and the shape of the package.
const PLAIN: [&str; 9] = [
    "[Content_Types].xml",
    "styles.xml",
    "theme",
    "fontTable.xml",
    "settings.xml",
    "webSettings.xml",
    "slideLayout",
    "viewProps.xml",
    "tableStyles.xml",
];

/// Reads a package.
pub(crate) fn read(harvest: &mut Harvest<'_>, kind: Kind, entries: &[Entry<'_>]) {
    let part = |harvest: &mut Harvest<'_>, name: &str| {
        let entry = entries.iter().find(|entry| entry.name == name)?;
        source(harvest, entry)
    };
    let (mut strings, mut sheets) = (Strings::default(), BTreeMap::new());
    if kind == Kind::Sheets {
        strings = part(harvest, "xl/sharedStrings.xml").map(|xml| Strings::of(&xml)).unwrap_or_default();
        let relations = part(harvest, "xl/_rels/workbook.xml.rels").unwrap_or_default();
        let workbook = part(harvest, "xl/workbook.xml").unwrap_or_default();
        sheets = sheet_names(harvest, &workbook, &relations);
    }
    for (position, entry) in entries.iter().enumerate() {
        let name = entry.name.as_str();
        let file = name.rsplit('/').next().unwrap_or(name);
        if PLAIN.iter().any(|plain| file.starts_with(plain)) || name == "xl/sharedStrings.xml" {
            continue;
        }
        if name.starts_with("xl/worksheets/sheet") || sheets.contains_key(name) {
            let Some(xml) = source(harvest, entry) else { continue };
            let sheet =
                sheets.remove(name).unwrap_or_else(|| Sheet { place: shown("sheet", file, position), hidden: false });
            cells(harvest, sheet, &xml, &strings);
        } else if name.ends_with(".rels") {
            let Some(xml) = source(harvest, entry) else { continue };
            harvest.hidden("links", links(&xml));
        } else if name.ends_with(".xml") || name.ends_with(".vml") {
            let Some(xml) = source(harvest, entry) else { continue };
            let place = title(name, position);
            let Said { shown, hidden } = said(&xml);
            if name.starts_with("docProps/") || name.contains("notes") || name.contains("omments") {
                harvest.hidden(&place, shown);
            } else {
                harvest.text(&place, shown);
            }
            harvest.hidden(&place, hidden);
        } else {
            single(harvest, position, entry);
        }
    }
}

/// A part as text.
fn source(harvest: &mut Harvest<'_>, entry: &Entry<'_>) -> Option<String> {
    let (bytes, why) = entry.open(harvest);
    if let Some(why) = why {
        harvest.opaque(&shown("entry", &entry.name, 0), why);
    }
    if bytes.is_empty() {
        return None;
    }
    let text = text::decode(&File { bytes: &bytes, name: None, media: None });
    if text.is_none() {
        harvest.opaque(&shown("entry", &entry.name, 0), Why::Damaged);
    }
    text
}

/// What people call a part.
fn title(name: &str, position: usize) -> String {
    let file = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".xml");
    let digits = file.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (word, number) = file.split_at(digits);
    match word {
        "slide" | "notesSlide" | "header" | "footer" | "comments" | "comment" => {
            let word = if word == "notesSlide" { "notes of slide" } else { word };
            if number.is_empty() { word.to_owned() } else { format!("{word} {number}") }
        }
        "document" | "footnotes" | "endnotes" | "core" | "app" | "custom" | "workbook" => word.to_owned(),
        _ => shown("part", name, position),
    }
}

/// Targets of relations that lead out of the package, and attachments by name.
fn links(xml: &str) -> String {
    let mut out = String::new();
    for token in Tokens::new(xml) {
        let Token::Open { attributes, .. } = token else { continue };
        if markup::attribute(attributes, "TargetMode") == Some("External")
            && let Some(target) = markup::attribute(attributes, "Target")
        {
            markup::resolve(target, &mut out);
            out.push('\n');
        }
    }
    out
}

/// What a part says.
#[derive(Default)]
struct Said {
    shown: String,
    hidden: String,
}

/// The text of a part: paragraphs on lines, cells between tabs, runs joined as they stand. What is vanished, white,
/// deleted, an instruction of a field, a property or the description of a picture is hidden.
fn said(xml: &str) -> Said {
    let mut said = Said::default();
    let (mut vanished, mut aside) = (false, 0usize);
    for token in Tokens::new(xml) {
        match token {
            Token::Open { name, attributes, closed } => {
                match markup::local(name) {
                    "r" => vanished = false,
                    "vanish" | "webHidden" | "specVanish" => {
                        vanished = !matches!(markup::attribute(attributes, "val"), Some("0" | "false" | "off"));
                    }
                    "color" if markup::attribute(attributes, "val") == Some("FFFFFF") => vanished = true,
                    "sz" if markup::attribute(attributes, "val").is_some_and(|size| matches!(size, "1" | "2")) => {
                        vanished = true;
                    }
                    "delText" | "instrText" if !closed => aside += 1,
                    "tab" | "ptab" => said.shown.push('\t'),
                    "br" | "cr" => said.shown.push('\n'),
                    _ => {}
                }
                for (key, value) in markup::attributes(attributes) {
                    if ["descr", "title", "author", "alt", "tooltip", "string"].contains(&markup::local(key)) {
                        markup::resolve(value, &mut said.hidden);
                        said.hidden.push('\n');
                    }
                }
            }
            Token::Close(name) => match markup::local(name) {
                "delText" | "instrText" => aside = aside.saturating_sub(1),
                "tc" => {
                    // The paragraph in a cell ends with the cell.
                    said.shown.truncate(said.shown.trim_end_matches('\n').len());
                    said.shown.push('\t');
                }
                "p" | "tr" | "si" | "comment" => {
                    vanished = false;
                    said.end_line();
                }
                "t" | "r" | "rPr" | "pPr" | "b" | "i" => {}
                _ if said.shown.ends_with(|c: char| c.is_alphanumeric()) && !is_run(name) => said.shown.push('\n'),
                _ => {}
            },
            Token::Text(text) if text.trim_matches(['\r', '\n', ' ']).is_empty() && text.contains('\n') => {}
            Token::Text(text) => markup::resolve(text, said.side(vanished || aside > 0)),
            Token::Data(text) => said.side(vanished || aside > 0).push_str(text),
            Token::Comment(text) => said.hidden.push_str(text),
        }
    }
    said
}

/// Whether an element stands within a line of text.
fn is_run(name: &str) -> bool {
    // Prefixes of text: `w:` in documents, `a:` in drawings. Properties and custom parts have others.
    name.starts_with("w:") || name.starts_with("a:") || !name.contains(':') && name.len() <= 2
}

impl Said {
    fn side(&mut self, hidden: bool) -> &mut String {
        if hidden { &mut self.hidden } else { &mut self.shown }
    }

    fn end_line(&mut self) {
        for side in [&mut self.shown, &mut self.hidden] {
            if !side.is_empty() && !side.ends_with('\n') {
                side.push('\n');
            }
        }
    }
}

/// The strings that cells share.
#[derive(Default)]
struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    fn of(xml: &str) -> Self {
        let mut strings = Self::default();
        let mut phonetic = false;
        for token in Tokens::new(xml) {
            match token {
                Token::Open { name, closed: true, .. } if markup::local(name) == "si" => {
                    strings.ends.push(strings.text.len());
                }
                Token::Open { name, .. } if markup::local(name) == "rPh" => phonetic = true,
                Token::Close(name) if markup::local(name) == "rPh" => phonetic = false,
                Token::Close(name) if markup::local(name) == "si" => strings.ends.push(strings.text.len()),
                Token::Text(text) if !phonetic && !text.trim().is_empty() => markup::resolve(text, &mut strings.text),
                Token::Data(text) => strings.text.push_str(text),
                _ => {}
            }
        }
        strings
    }

    fn at(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(index).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }
}

/// A sheet as it is listed.
struct Sheet {
    place: String,
    hidden: bool,
}

/// The sheets by the names of their parts. Their own names are texts.
fn sheet_names(harvest: &mut Harvest<'_>, workbook: &str, relations: &str) -> BTreeMap<String, Sheet> {
    let opens = |xml: &'_ str, wanted: &'static str| -> Vec<String> {
        let fits = |token: Token<'_>| match token {
            Token::Open { name, attributes, .. } if markup::local(name) == wanted => Some(attributes.to_owned()),
            _ => None,
        };
        Tokens::new(xml).filter_map(fits).take(4096).collect()
    };
    let targets: BTreeMap<String, String> = opens(relations, "Relationship")
        .iter()
        .filter_map(|own| {
            Some((markup::attribute(own, "Id")?.to_owned(), markup::attribute(own, "Target")?.to_owned()))
        })
        .collect();
    let mut sheets = BTreeMap::new();
    let mut names = String::new();
    for (position, own) in opens(workbook, "sheet").iter().enumerate() {
        let mut name = String::new();
        markup::resolve(markup::attribute(own, "name").unwrap_or_default(), &mut name);
        names.push_str(&name);
        names.push('\n');
        let target = markup::attributes(own).find(|(key, _)| key.ends_with(":id")).and_then(|(_, id)| targets.get(id));
        let hidden = markup::attribute(own, "state").is_some_and(|state| state != "visible");
        if let Some(target) = target {
            let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
            sheets.insert(part, Sheet { place: shown("sheet", &name, position), hidden });
        }
    }
    harvest.text("sheet names", names);
    sheets
}

/// The cells of a sheet, row by row. Formulas stand beside what they come to.
fn cells(harvest: &mut Harvest<'_>, sheet: Sheet, xml: &str, strings: &Strings) {
    // A cell far to the right must not be paid for with tabs.
    const GAP: usize = 64;
    let mut rows = Rows::new(sheet.place.clone());
    let (mut line, mut width, mut row, mut hidden) = (String::new(), 0, 0, sheet.hidden);
    let (mut shared, mut value, mut formula, mut rest) = (false, false, false, String::new());
    for token in Tokens::new(xml) {
        match token {
            Token::Open { name, attributes, closed } => match markup::local(name) {
                "row" => {
                    row = markup::attribute(attributes, "r").and_then(|row| row.parse().ok()).unwrap_or(row + 1);
                    hidden = sheet.hidden || markup::attribute(attributes, "hidden").is_some_and(|own| own != "0");
                    (line, width) = (String::new(), 0);
                }
                "c" => {
                    let column = markup::attribute(attributes, "r").and_then(column_of).unwrap_or(width + 1);
                    let gap = column.saturating_sub(width.max(1)).min(GAP);
                    line.extend(std::iter::repeat_n('\t', gap));
                    width = column.max(width);
                    shared = markup::attribute(attributes, "t") == Some("s");
                }
                "v" | "t" => value = !closed,
                "f" => formula = !closed,
                _ => {}
            },
            Token::Close(name) => match markup::local(name) {
                "row" => rows.take(harvest, row, &line, hidden),
                "v" | "t" => value = false,
                "f" => {
                    formula = false;
                    rest.push('\n');
                }
                _ => {}
            },
            Token::Text(text) | Token::Data(text) if value && shared => {
                let string = text.trim().parse().map_or(text, |index| strings.at(index));
                // One long string in many cells is a bomb as well.
                if line.len() + string.len() > harvest.text_left() {
                    return harvest.opaque(&sheet.place, Why::TooLarge);
                }
                line.push_str(string);
            }
            Token::Text(text) if value => markup::resolve(text, &mut line),
            Token::Text(text) if formula => markup::resolve(text, &mut rest),
            Token::Text(text) | Token::Data(text) => {
                markup::resolve(text.trim(), &mut rest);
            }
            Token::Comment(text) => rest.push_str(text),
        }
    }
    rows.finish(harvest);
    harvest.hidden(&format!("{} formulas", sheet.place), rest);
}
