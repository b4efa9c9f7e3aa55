//! What the plant registered: documents that a message repeats, and values of tables that it has.
//!
//! ```text
//! pieces -> what their escapes say -> prints::Search -> claims, resolved with those of the rules
//!                                  `> prints::Reader -> sightings -> findings where no rule has found anything
//! ```
//!
//! A passage never takes a tag or a secret within it from the rule that found it: handling of `tag` holds in a recipe too.

use crate::escape::{Escapes, LAYERS};
use crate::overlap::{Claim, resolve};
use crate::rule::{RuleIndex, TRACE};
use crate::scan::Hit;
use crate::settings::Settings;
use crate::view::{Map, View};
use crate::wrapped;
use plant::{CollectionId, Content, DocumentId, Finding, Label, RuleId, Scale, Sensitivity};
use prints::{Kind, Level, Matcher, Reader, Recognised, Search, Table};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// What the plant registered, and how sensitive each of it makes a message.
pub struct Known {
    keys: prints::Keys,
    documents: Table,
    values: Matcher,
    /// What the findings of each table are called, how they are labelled, and how sensitive that is.
    tables: Vec<(RuleId, Label, Sensitivity)>,
    /// How sensitive each kind of the table makes a message.
    sensitivities: Vec<Sensitivity>,
    /// Whether passages are findings, whether traces are, and whether values are.
    enabled: [bool; 3],
    trace: Option<(Label, Sensitivity)>,
}

/// Why what was registered cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnownProblem {
    /// The plant's scale has changed since.
    #[error("a document or table was registered as `{name}`, which is no sensitivity of the plant")]
    NoSuchSensitivity {
        /// The name.
        name: String,
    },
}

/// A document that a message repeats, or several that are nearly the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The document.
    pub document: DocumentId,
    /// How many others are nearly the same.
    pub others: usize,
    /// The collection that it is of.
    pub collection: Option<CollectionId>,
    /// How it is labelled.
    pub label: Label,
    /// How sensitive that makes the message.
    pub sensitivity: Sensitivity,
    /// Whether a passage was copied, or only traces were found.
    pub copied: bool,
    /// Different prints that were found.
    pub hits: usize,
    /// Letters and digits that they cover.
    pub letters: usize,
    /// The share of the document that was found, in percent.
    pub coverage: u8,
    /// Where: the piece, and the span in its text.
    pub passages: Vec<(usize, Range<usize>)>,
}

impl Known {
    /// Joins what was registered with what the settings say of its labels.
    ///
    /// # Errors
    /// If one was registered with a sensitivity that the plant does not have.
    pub fn new(
        settings: &Settings,
        scale: &Scale,
        keys: prints::Keys,
        documents: Table,
        values: Matcher,
    ) -> Result<Self, KnownProblem> {
        let step = |label: &Label, sensitivity: &Option<String>| match sensitivity {
            None => Ok(settings.sensitivity(label)),
            Some(name) => scale.step(name).ok_or_else(|| KnownProblem::NoSuchSensitivity { name: name.clone() }),
        };
        let kind = |kind: &Kind| step(&kind.label, &kind.sensitivity);
        let sensitivities = documents.kinds().iter().map(kind).collect::<Result<_, _>>()?;
        let mut tables = Vec::new();
        for sheet in values.sheets() {
            let sensitivity = step(&sheet.label, &sheet.sensitivity)?;
            // Names of tables are short enough for that.
            tables.extend(RuleId::new(format!("data.{}", sheet.id)).map(|id| (id, sheet.label.clone(), sensitivity)));
        }
        let is_enabled = |name| !settings.disabled.iter().any(|rule| rule.as_str() == name);
        let enabled = ["document", TRACE, "data"].map(is_enabled);
        let trace = Label::new(TRACE).ok().map(|label| (label.clone(), settings.sensitivity(&label)));
        Ok(Self { keys, documents, values, tables, sensitivities, enabled, trace })
    }

    /// What the findings of each table are called, how they are labelled, and how sensitive that is.
    pub(crate) fn tables(&self) -> &[(RuleId, Label, Sensitivity)] {
        &self.tables
    }

    /// Whether a text is a value of a registered table.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let mut search = Search::new(&self.values, &self.keys);
        search.read(text);
        !self.tables.is_empty() && !search.finish().is_empty()
    }

    /// What the content has of it. The rules of tables are numbered from `first`.
    pub(crate) fn read(&self, content: &Content<'_>, first: RuleIndex) -> Seen {
        let [copies, traces, data] = self.enabled;
        let (documents, data) = ((copies || traces) && !self.documents.is_empty(), data && !self.tables.is_empty());
        if !(documents || data) {
            return Seen::default();
        }
        let mut reader = documents.then(|| Reader::new(&self.documents, &self.keys));
        let mut search = data.then(|| Search::new(&self.values, &self.keys));
        let mut ways: Vec<Way> = Vec::new();
        let mut read = |text: &str| {
            if let Some(reader) = &mut reader {
                reader.read(text);
            }
            if let Some(search) = &mut search {
                search.read(text);
            }
        };
        for (piece, content) in content.pieces.iter().enumerate() {
            let (text, maps) = innermost(&content.text);
            read(&text);
            ways.push(Way { piece, maps: maps.clone(), whole: None });
            for (span, inner) in wrapped::passages(&text) {
                read(&inner);
                ways.push(Way { piece, maps: maps.clone(), whole: Some(span) });
            }
        }
        let mut values: BTreeMap<usize, Vec<Hit>> = BTreeMap::new();
        for matched in search.map(Search::finish).unwrap_or_default() {
            for (piece, span) in matched.places.iter().filter_map(|(text, span)| source(&ways, *text, span)) {
                values.entry(piece).or_default().push(Hit { rule: first + matched.index, span });
            }
        }
        let recognised = reader.map(Reader::finish).unwrap_or_default();
        let documents = recognised.into_iter().filter_map(|one| self.sighting(&one, &ways)).collect();
        Seen { values, documents }
    }

    fn sighting(&self, one: &Recognised<'_>, ways: &[Way]) -> Option<Sighting> {
        let [copies, traces, _] = self.enabled;
        let copied = one.level == Level::Copy;
        if !(if copied { copies } else { traces }) {
            return None;
        }
        let (label, sensitivity) = match copied {
            true => (one.kind.label.clone(), *self.sensitivities.get(one.kind_index)?),
            false => self.trace.clone()?,
        };
        let passages = one.passages.iter().filter_map(|passage| source(ways, passage.text, &passage.span));
        let mut passages: Vec<_> = passages.collect();
        passages.sort_by_key(|(piece, span)| (*piece, span.start, span.end));
        passages.dedup();
        Some(Sighting {
            document: one.document.clone(),
            others: one.others,
            collection: one.kind.collection.clone(),
            label,
            sensitivity,
            copied,
            hits: one.hits,
            letters: one.letters,
            coverage: one.coverage,
            passages,
        })
    }
}

/// What a content has of what was registered.
#[derive(Default)]
pub(crate) struct Seen {
    /// Values of tables, by piece.
    pub(crate) values: BTreeMap<usize, Vec<Hit>>,
    /// Documents that it repeats.
    pub(crate) documents: Vec<Sighting>,
}

impl Seen {
    /// Adds the documents to findings that are ordered by piece and span.
    pub(crate) fn fill(&self, mut findings: Vec<Finding>, content: &Content<'_>) -> Vec<Finding> {
        let sightings = &self.documents;
        let mut claims: BTreeMap<usize, Vec<Claim>> = BTreeMap::new();
        for (rule, sighting) in sightings.iter().enumerate() {
            for (piece, span) in &sighting.passages {
                let claim = Claim { span: span.clone(), sensitivity: sighting.sensitivity, rule };
                claims.entry(*piece).or_default().push(claim);
            }
        }
        let mut added = Vec::new();
        for (piece, claims) in claims {
            let Some(text) = content.pieces.get(piece).map(|piece| &*piece.text) else { continue };
            let first = findings.partition_point(|finding| finding.piece < piece);
            let held = findings.iter().skip(first).take_while(|finding| finding.piece == piece);
            for (claim, span) in free(resolve(claims, text), held.map(|finding| &finding.span)) {
                let says = text.get(span.clone()).is_some_and(|part| part.chars().any(char::is_alphanumeric));
                let sighting = sightings.get(claim).filter(|_| says);
                added.extend(sighting.and_then(|sighting| sighting.finding(piece, span)));
            }
        }
        if !added.is_empty() {
            findings.append(&mut added);
            findings.sort_by_key(|finding| (finding.piece, finding.span.start));
        }
        findings
    }
}

impl Sighting {
    /// `None` only for a name that is too long, which no document has.
    fn finding(&self, piece: usize, span: Range<usize>) -> Option<Finding> {
        let rule = RuleId::new(format!("document.{}", self.document)).ok()?;
        Some(Finding { label: self.label.clone(), sensitivity: self.sensitivity, piece, span, rule })
    }
}

/// The way from a text that was read to the piece that holds it.
struct Way {
    piece: usize,
    /// From what the escapes say to the text around them, the outermost layer first.
    maps: Rc<[Map]>,
    /// Where the wrapping of the text stands, if it was wrapped: a part of it cannot be replaced.
    whole: Option<Range<usize>>,
}

/// What the escapes of a text say, to the last layer; and the way back. Where there are any, the text around them is not
/// read too: a passage that was found there could end within an escape, and what is put in its place would break it.
fn innermost(text: &str) -> (Cow<'_, str>, Rc<[Map]>) {
    let (mut text, mut way) = (Cow::Borrowed(text), Vec::new());
    for _ in 0..LAYERS {
        let Some(escapes) = Escapes::of(&text) else { break };
        let Ok(inner) = View::new(&text, |text, from| escapes.next(text, from)) else { break };
        if inner.map.is_plain() {
            break;
        }
        way.push(inner.map);
        text = Cow::Owned(inner.text.into_owned());
    }
    (text, way.into())
}

/// Where a span of a text that was read lies in its piece. Each text was read once, so their numbers are those of the ways.
fn source(ways: &[Way], text: u32, span: &Range<usize>) -> Option<(usize, Range<usize>)> {
    let way = ways.get(usize::try_from(text).ok()?)?;
    let span = way.whole.as_ref().unwrap_or(span).clone();
    Some((way.piece, way.maps.iter().rev().fold(span, |span, map| map.source(&span))))
}

/// The parts of disjoint claims that no held span covers; both in order.
fn free<'f>(claims: Vec<Claim>, held: impl Iterator<Item = &'f Range<usize>>) -> Vec<(usize, Range<usize>)> {
    let mut held = held.peekable();
    let mut parts = Vec::new();
    for claim in claims {
        let mut from = claim.span.start;
        while let Some(span) = held.peek().filter(|span| span.start < claim.span.end) {
            if span.start > from {
                parts.push((claim.rule, from..span.start));
            }
            from = from.max(span.end);
            if span.end > claim.span.end {
                break;
            }
            held.next();
        }
        if from < claim.span.end {
            parts.push((claim.rule, from..claim.span.end));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::Known;
    use crate::fuzz::message;
    use crate::{Inspector, Settings};
    use plant::{DocumentId, Label, Scale, TableId};
    use prints::{Collection, Keys, Matcher, Order, Registration, Sheets, Table};

    const RECIPE: &str = "Charge the reactor with demineralised water and start the agitator slowly. Heat the jacket by TIC-303 \
        within forty minutes and add the emulsifier slowly through the side port while the vacuum is held. Keep the \
        temperature for twenty-five minutes, draw a sample and determine the viscosity in the laboratory. Write to \
        anna@brewery.example if the viscosity is too low, and dose thickener in portions of two kilograms.";

    fn inspector(alter: impl FnOnce(&mut Settings)) -> Inspector {
        let scale = Scale::new(["public", "internal", "secret"].map(str::to_owned).to_vec()).expect("a scale");
        let step = |name| scale.step(name).expect("a step");
        let label = |name| Label::new(name).expect("a label");
        let mut settings = Settings::new(step("internal"));
        settings.labels.insert(label("document.trace"), step("public"));
        alter(&mut settings);
        let registration = Registration {
            id: DocumentId::new("recipe-17").expect("a name"),
            label: label("document.recipe"),
            sensitivity: Some("secret".to_owned()),
            public: false,
            collection: None,
        };
        let (keys, mut collection) = (Keys::new(&[1; 32]), Collection::default());
        collection.add([(registration, RECIPE)], &keys, |_, added| assert!(added.is_ok()));
        let order = Order {
            id: TableId::new("parts").expect("a name"),
            label: label("data.part"),
            sensitivity: Some("secret".to_owned()),
            rules: vec![(vec!["part".to_owned()], 0), (vec!["lot".to_owned(), "customer".to_owned()], 0)],
        };
        let mut sheets = Sheets::default();
        sheets
            .add(order, "part,lot,customer\nTIC-101,B77,Nordsee AG\nTIC-102,B78,Ostsee AG\n", &keys)
            .expect("a table");
        let (table, values) = (Table::new(&collection), Matcher::new(sheets));
        let known = Known::new(&settings, &scale, keys, table, values).expect("a known sensitivity");
        Inspector::new(&settings).expect("built-in settings compile").knowing(known)
    }

    fn found(inspector: &Inspector, text: &str) -> Vec<(String, String)> {
        let findings = inspector.read(&message(text)).expect("few findings");
        for pair in findings.windows(2) {
            assert!(pair[0].span.end <= pair[1].span.start, "{pair:?}");
        }
        findings.into_iter().map(|f| (format!("{} by {}", f.label, f.rule), text[f.span].to_owned())).collect()
    }

    #[test]
    fn a_passage_is_a_finding_around_those_of_the_rules() {
        let text = format!("Shorten this: {RECIPE} Thanks.");
        let found = found(&inspector(|_| ()), &text);
        let labels: Vec<&str> = found.iter().map(|(label, _)| label.as_str()).collect();
        let document = "document.recipe by document.recipe-17";
        assert_eq!(labels, [document, "tag by tag.isa", document, "person.email by person.email", document]);
        let all: String = found.iter().map(|(_, text)| text.as_str()).collect();
        assert!(RECIPE.contains(&all) && all.len() > RECIPE.len() - 30, "{all}");
    }

    #[test]
    fn a_passage_behind_escapes_covers_them_whole() {
        let inner = serde_json::to_string(&format!("a\n\"{}\"", RECIPE.replace(". ", ".\n"))).expect("a string");
        let text = serde_json::to_string(&inner).expect("a string");
        let inspector = inspector(|_| ());
        let sightings = inspector.documents(&message(&text));
        assert_eq!(sightings.len(), 1);
        assert!(sightings[0].copied && sightings[0].coverage > 90, "{sightings:?}");
        let all: String = found(&inspector, &text).into_iter().map(|(_, text)| text).collect();
        assert!(all.contains("laboratory.\\\\n") && all.len() > RECIPE.len() - 40, "{all}");
    }

    #[test]
    fn a_passage_that_is_wrapped_stands_for_all_of_its_wrapping() {
        let wrapped = |text: &str, line: usize| {
            let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let code = |three: &[u8]| {
                let word = three.iter().fold(0, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
                let all = [word >> 18, word >> 12, word >> 6, word].map(|six| char::from(digits[six & 63]));
                all.into_iter().take(three.len() + 1).collect::<String>()
            };
            let all: Vec<char> = text.as_bytes().chunks(3).map(code).collect::<String>().chars().collect();
            all.chunks(line).map(|line| line.iter().collect()).collect::<Vec<String>>().join("\n")
        };
        let inspector = inspector(|_| ());
        for line in [64, 76, 100_000] {
            let wrapping = wrapped(RECIPE, line);
            let text = format!("config: {wrapping}\nthanks");
            let sightings = inspector.documents(&message(&text));
            assert!(sightings.len() == 1 && sightings[0].copied && sightings[0].coverage > 90, "{line}: {sightings:?}");
            assert_eq!(text[sightings[0].passages[0].1.clone()], wrapping, "{line}");
            let outer = serde_json::to_string(&text).expect("a string");
            assert_eq!(inspector.documents(&message(&outer)).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_trace_has_a_label_of_its_own() {
        let text = &RECIPE[RECIPE.find("Keep").expect("a sentence")..][..80];
        assert!(
            found(&inspector(|_| ()), text).iter().any(|(label, _)| label == "document.trace by document.recipe-17")
        );
        let off = inspector(|settings| {
            settings.disabled.insert(plant::RuleId::new("document.trace").expect("a rule"));
        });
        assert_eq!(found(&off, text), []);
        assert_eq!(off.documents(&message(RECIPE)).len(), 1);
    }
    #[test]
    fn a_value_of_a_table_is_more_than_the_tag_that_it_reads_as() {
        let inspector = inspector(|_| ());
        let text = "Is TIC-101 tighter than TIC-109?";
        let part = "data.part by data.parts".to_owned();
        assert_eq!(
            found(&inspector, text),
            [(part.clone(), "TIC-101".to_owned()), ("tag by tag.isa".to_owned(), "TIC-109".to_owned())]
        );
        let text = r#"{\"lot\": \"B77\", \"for\": \"Nordsee\u0020AG\"}"#;
        assert_eq!(found(&inspector, text), [(part.clone(), "B77".to_owned()), (part, r"Nordsee\u0020AG".to_owned())]);
        assert_eq!(found(&inspector, "lot B77 for Ostsee AG"), []);
    }
}
