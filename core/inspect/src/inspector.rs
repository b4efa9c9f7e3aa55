//! The inspector: settings compiled once, then any number of messages read.

use crate::detector::Detector;
use crate::dictionary::{APART, Dictionary};
use crate::escape::{Escapes, LAYERS};
use crate::injection::{self, Injection};
use crate::keyed::{Keys, assigns};
use crate::known::{Known, Sighting};
use crate::layer::{Layered, merge, stretches};
use crate::literal::Literals;
use crate::overlap::{Claim, resolve};
use crate::plain;
use crate::rule::{BuiltIn, RuleIndex, rules_with_repeats};
use crate::scan::{Found, Hit, Scan};
use crate::setpoint::unit::Units;
use crate::settings::{Settings, SettingsProblem};
use crate::source::Sources;
use crate::unseen::Unseen;
use crate::view::View;
use crate::wrapped;
use plant::{CollectionId, Content, Finding, Label, Piece, RuleId, Sensitivity, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Reads content and says what is in it, and where.
pub struct Inspector {
    literals: Literals,
    units: Units,
    dictionary: Dictionary,
    injection: Injection,
    /// The plant's own rules.
    detectors: Vec<Detector>,
    /// Built-in rules, vendors, the dictionary's labels, then the plant's own rules.
    rules: Vec<Rule>,
    /// In lower case.
    ignore: BTreeSet<String>,
    longest_ignored: usize,
    most: usize,
    known: Option<Known>,
    sources: Sources,
    /// The sources, by their rules, that a collection of documents is part of.
    collections: BTreeMap<String, Vec<RuleIndex>>,
    /// Where the rules of the dictionary begin among all, where those of data sources do, and where those of registered tables do.
    own: RuleIndex,
    first_source: RuleIndex,
    tables: RuleIndex,
}

struct Rule {
    id: RuleId,
    label: Label,
    sensitivity: Sensitivity,
    enabled: bool,
}

/// The message holds more findings than the settings allow, or is made of escapes. It was not read to its end and must
/// not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message holds more than {most} findings, or more escapes than are undone")]
pub struct Overflow {
    /// The allowed number.
    pub most: usize,
}

impl Inspector {
    /// Compiles the settings.
    ///
    /// # Errors
    /// The first pattern, term or rule name that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SettingsProblem> {
        let dictionary = Dictionary::new(settings)?;
        let mut rules = Vec::new();
        for (name, label) in rules_with_repeats() {
            rules.extend(Rule::new(settings, name, label));
        }
        for rule in &settings.disabled {
            if !rules.iter().any(|known| known.id == *rule) {
                return Err(SettingsProblem::NoSuchRule { rule: rule.clone() });
            }
        }
        let first = rules.len();
        let replaced = |rule: &Rule| settings.detectors.iter().any(|own| own.name == rule.id);
        for rule in &mut rules {
            rule.enabled &= !replaced(rule);
        }
        rules.extend(dictionary.labels().iter().filter_map(|label| Rule::new(settings, "dictionary", label.as_str())));
        let own = settings.detectors.iter();
        let own = own.filter_map(|own| Rule::new(settings, own.name.as_str(), own.label.as_str()));
        rules.extend(own.map(|rule| Rule { enabled: true, ..rule }));
        let sources = Sources::new(settings.sources.iter())?;
        let first_source = rules.len();
        let mut collections: BTreeMap<String, Vec<RuleIndex>> = BTreeMap::new();
        for source in &settings.sources {
            source.documents.iter().for_each(|name| collections.entry(name.clone()).or_default().push(rules.len()));
            rules.extend(Rule::of(source));
        }
        let ignore: BTreeSet<String> = settings.ignore.iter().map(|text| text.trim().to_lowercase()).collect();
        Ok(Self {
            literals: Literals::new(dictionary.heads()),
            units: Units::new(),
            dictionary,
            injection: Injection::new(
                rules.iter().enumerate().any(|(at, rule)| injection::is_ours(at) && rule.enabled),
            ),
            detectors: settings.detectors.clone(),
            rules,
            longest_ignored: ignore.iter().map(String::len).max().unwrap_or(0),
            ignore,
            most: settings.findings,
            known: None,
            sources,
            collections,
            own: first,
            first_source,
            tables: 0,
        })
    }

    /// Also finds what the plant registered.
    #[must_use]
    pub fn knowing(mut self, known: Known) -> Self {
        self.tables = self.rules.len();
        let rule = |(id, label, sensitivity): &(RuleId, Label, Sensitivity)| Rule {
            id: id.clone(),
            label: label.clone(),
            sensitivity: *sensitivity,
            enabled: true,
        };
        self.rules.extend(known.tables().iter().map(rule));
        Self { known: Some(known), ..self }
    }

    /// Which registered documents the content repeats, and where. [`Self::read`] has the same as findings.
    #[must_use]
    pub fn documents(&self, content: &Content<'_>) -> Vec<Sighting> {
        self.known.as_ref().map_or_else(Vec::new, |known| known.read(content, self.tables).documents)
    }

    /// Whether the plant knows a text as its own: by its dictionary, or by a table that it registered.
    #[must_use]
    pub fn owns(&self, text: &str) -> bool {
        let mut own = false;
        self.dictionary.find(text, (0..text.len()).step_by(APART), |label, _| {
            own |= label.is_some_and(|label| label < self.dictionary.labels().len());
            !own
        });
        own || self.known.as_ref().is_some_and(|known| known.holds(text))
    }

    /// What is in the content: ordered by piece and span. Findings do not overlap, save those of `injection` and of data
    /// sources: an instruction with a tag in it is one, a tag may be of a source or of two, and the tag is found all the same.
    ///
    /// # Errors
    /// If there is more than the settings allow; such a message is hostile or belongs elsewhere.
    pub fn read(&self, content: &Content<'_>) -> Result<Vec<Finding>, Overflow> {
        let overflow = Overflow { most: self.most };
        let (mut findings, mut keys) = (Vec::new(), Keys::default());
        let mut seen = self.known.as_ref().map(|known| known.read(content, self.tables)).unwrap_or_default();
        for (index, piece) in content.pieces.iter().enumerate() {
            findings.extend(self.attachment(index, piece));
            let claims = self.claims(piece, keys.of(piece), seen.values.remove(&index)).ok_or(overflow)?;
            if findings.len() + claims.len() > self.most {
                return Err(overflow);
            }
            findings.extend(claims.into_iter().filter_map(|claim| {
                let rule = self.rules.get(claim.rule)?;
                let found = finding(rule, index, claim.span);
                if injection::is_ours(claim.rule) { injection::placed(found, piece.origin) } else { Some(found) }
            }));
        }
        let of_collections = self.of_collections(&seen.documents);
        let mut findings = seen.fill(findings, content);
        if !of_collections.is_empty() {
            findings.extend(of_collections);
            findings.sort_by_key(|finding| (finding.piece, finding.span.start));
        }
        if findings.len() <= self.most { Ok(findings) } else { Err(overflow) }
    }

    /// Disjoint claims on one piece, by the rules and by the values of tables; `None` if there are too many.
    fn claims(&self, piece: &Piece<'_>, key: Option<&str>, values: Option<Vec<Hit>>) -> Option<Vec<Claim>> {
        let mut hits = self.hits(&piece.text, LAYERS)?;
        hits.extend(values.into_iter().flatten());
        hits.extend(key.and_then(|key| assigns(key, piece, &self.literals, &self.units)));
        let of_sources = self.of_sources(&mut hits);
        let claims = hits.into_iter().filter_map(|hit| self.claim(&piece.text, hit));
        let (told, held): (Vec<Claim>, Vec<Claim>) = claims.partition(|claim| injection::is_ours(claim.rule));
        let mut claims = resolve(held, &piece.text);
        if !told.is_empty() || !of_sources.is_empty() {
            // What tag characters say is one thing, that they hide it another.
            let (said, hidden) = told.into_iter().partition(|claim| claim.rule == BuiltIn::EncodedPhrase.index());
            claims.extend(resolve(said, &piece.text));
            claims.extend(resolve(hidden, &piece.text));
            claims.extend(of_sources);
            claims.sort_by_key(|claim| (claim.span.start, claim.span.end));
        }
        Some(claims)
    }

    /// Takes what is of data sources out of the hits: disjoint for each of them, whatever else stands there. A tag of a
    /// source is a tag as well, and may be of two sources.
    fn of_sources(&self, hits: &mut Vec<Hit>) -> Vec<Claim> {
        let mut found: Vec<Hit> = Vec::new();
        hits.retain(|hit| {
            let own = self.is_source(hit.rule) && !hit.span.is_empty();
            if own {
                found.push(hit.clone());
            }
            !own
        });
        found.sort_unstable_by_key(|hit| (hit.rule, hit.span.start, hit.span.end));
        let mut claims: Vec<Claim> = Vec::with_capacity(found.len());
        for Hit { rule, span } in found {
            match claims.last_mut().filter(|last| last.rule == rule && span.start < last.span.end) {
                Some(last) => last.span.end = last.span.end.max(span.end),
                None => {
                    let sensitivity = self.rules.get(rule).map_or(Sensitivity::LOWEST, |rule| rule.sensitivity);
                    claims.push(Claim { span, sensitivity, rule });
                }
            }
        }
        claims
    }

    fn is_source(&self, rule: RuleIndex) -> bool {
        (self.first_source..self.first_source + self.sources.count()).contains(&rule)
    }

    /// What is of data sources because it repeats a document of theirs.
    fn of_collections(&self, documents: &[Sighting]) -> Vec<Finding> {
        let copied = documents.iter().filter(|sighting| sighting.copied);
        let sources = |sighting: &Sighting| {
            let name = sighting.collection.as_ref().map(CollectionId::as_str);
            name.and_then(|name| self.collections.get(name)).cloned().unwrap_or_default()
        };
        let found: BTreeSet<(usize, usize, usize, RuleIndex)> = copied
            .flat_map(|sighting| {
                let rules = sources(sighting);
                let at = sighting.passages.iter().map(|(piece, span)| (*piece, span.start, span.end));
                at.flat_map(|(piece, start, end)| {
                    rules.iter().map(move |rule| (piece, start, end, *rule)).collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
            })
            .collect();
        found
            .into_iter()
            .filter_map(|(piece, start, end, rule)| Some(finding(self.rules.get(rule)?, piece, start..end)))
            .collect()
    }

    /// Everything found in a text, and in what its escapes say, that many layers deep. May overlap.
    fn hits(&self, text: &str, layers: usize) -> Option<Vec<Hit>> {
        let mut hits = self.outermost(text, layers)?;
        let Some(escapes) = Escapes::of(text).filter(|_| layers > 0) else { return Some(hits) };
        let stretches = stretches(text, escapes, &mut hits);
        let (mut all, mut hits) = (Vec::with_capacity(hits.len()), hits.into_iter().peekable());
        for stretch in stretches {
            let mut until = |end| std::iter::from_fn(|| hits.next_if(|hit| hit.span.start < end)).collect::<Vec<_>>();
            all.append(&mut until(stretch.read.start));
            let outer = until(stretch.read.end).into_iter().map(|hit| hit.back(stretch.read.start)).collect();
            let source = text.get(stretch.read.clone())?;
            let undone = self.undone(source, outer, escapes, layers, &stretch.told())?;
            all.extend(undone.hits.into_iter().map(|hit| hit.on(stretch.read.start)));
            if all.len() > self.most_hits() {
                return None;
            }
        }
        all.extend(hits);
        (all.len() <= self.most_hits()).then_some(all)
    }

    /// What was found in a text and what is found in what its escapes say there, where those tell anything.
    fn undone(
        &self,
        text: &str,
        hits: Vec<Hit>,
        escapes: Escapes,
        layers: usize,
        told: &Range<usize>,
    ) -> Option<Layered> {
        let inner = View::new(text, |text, from| escapes.next(text, from)).ok()?;
        if inner.map.is_plain() {
            return Some(Layered { hits, maps: Vec::new() });
        }
        let (layers, within) = (layers - 1, 0..inner.text.len());
        let deeper = self.outermost(&inner.text, layers)?;
        let deeper = match escapes.inside(&inner.text).filter(|_| layers > 0) {
            Some(escapes) => self.undone(&inner.text, deeper, escapes, layers, &within)?,
            None => Layered { hits: deeper, maps: Vec::new() },
        };
        let all = merge(hits, deeper, inner.map, told);
        (all.hits.len() <= self.most_hits()).then_some(all)
    }

    /// Everything found in a text as it stands there, and in what is wrapped in it.
    fn outermost(&self, text: &str, layers: usize) -> Option<Vec<Hit>> {
        let view = View::new(text, plain::next).ok()?;
        let (mut hits, long) = self.detect(&view.text)?;
        hits.extend(self.unwrapped(&view.text, &long, layers)?);
        for hit in &mut hits {
            hit.span = view.map.source(&hit.span);
        }
        self.injection.hidden(text, self.most_hits(), &mut hits);
        hits.extend(self.unseen(text, layers)?);
        Some(hits)
    }

    /// What is found in the text that tag characters say.
    fn unseen(&self, text: &str, layers: usize) -> Option<Vec<Hit>> {
        let Some(unseen) = Unseen::of(text).filter(|_| layers > 0) else { return Some(Vec::new()) };
        let mut hits = self.hits(&unseen.text, layers - 1)?;
        for hit in &mut hits {
            *hit = Hit { rule: encoded(hit.rule), span: unseen.source(&hit.span) };
        }
        Some(hits)
    }

    /// What is found in texts that are wrapped in the long words of this one, each as a hit of the whole wrapping.
    fn unwrapped(&self, text: &str, long: &[Range<usize>], layers: usize) -> Option<Vec<Hit>> {
        let mut hits = Vec::new();
        if layers == 0 {
            return Some(hits);
        }
        for (span, inner) in wrapped::texts(text, long) {
            let inside = self.hits(&inner, layers - 1)?;
            let rules: BTreeSet<RuleIndex> = inside.into_iter().map(|hit| encoded(hit.rule)).collect();
            hits.extend(rules.into_iter().map(|rule| Hit { rule, span: span.clone() }));
            if hits.len() > self.most_hits() {
                return None;
            }
        }
        Some(hits)
    }

    /// Hits may overlap and be ignored, so more of them are held than findings allowed; but not without end.
    fn most_hits(&self) -> usize {
        self.most.saturating_mul(2).saturating_add(64)
    }

    /// What is found in a plain text, and the words in it that are so long that text may be wrapped in them.
    fn detect(&self, text: &str) -> Option<(Vec<Hit>, Vec<Range<usize>>)> {
        let most = self.most_hits();
        let Found { mut hits, long, roles, terms } = Scan::new(text, most).run(&self.literals, &self.units).ok()?;
        self.injection.said(text, roles, most, &mut hits);
        if hits.len() > most {
            return None;
        }
        let mut overflow = false;
        let labels = self.dictionary.labels().len();
        self.dictionary.find(text, terms, |label, span| {
            let rule = label.map_or(BuiltIn::TagScheme.index(), |label| self.own + label);
            let own = label.and_then(|label| self.detectors.get(label.checked_sub(labels)?));
            if own.is_some_and(|own| !own.takes(text, &span)) {
                return true;
            }
            hits.push(Hit { rule, span });
            overflow = hits.len() > most;
            !overflow
        });
        self.sources.find(text, |source, span| {
            hits.push(Hit { rule: self.first_source + source, span });
            overflow = hits.len() > most;
            !overflow
        });
        (!overflow).then_some((hits, long))
    }

    fn claim(&self, source: &str, hit: Hit) -> Option<Claim> {
        let rule = self.rules.get(hit.rule).filter(|rule| rule.enabled)?;
        let value = source.get(hit.span.clone())?;
        let ignored = value.len() <= self.longest_ignored && self.ignore.contains(&value.to_lowercase());
        (!ignored && !hit.span.is_empty()).then_some(Claim {
            span: hit.span,
            sensitivity: rule.sensitivity,
            rule: hit.rule,
        })
    }

    fn attachment(&self, index: usize, piece: &Piece<'_>) -> Option<Finding> {
        let media = piece.attachment.as_deref()?.to_ascii_lowercase();
        let rule: RuleIndex = if media.starts_with("image/") {
            let shown = media.rsplit_once("; shows=").map_or("", |(_, shown)| shown);
            let kind = match shown {
                "drawing" => BuiltIn::ImageDrawing,
                "screen" => BuiltIn::ImageScreen,
                "photograph" => BuiltIn::ImagePhotograph,
                _ => BuiltIn::Image,
            };
            let enabled = self.rules.get(kind.index()).is_some_and(|rule| rule.enabled);
            if enabled { kind.index() } else { BuiltIn::Image.index() }
        } else if media.starts_with("audio/") {
            BuiltIn::Audio.index()
        } else if media.starts_with("opaque/") {
            BuiltIn::Opaque.index()
        } else {
            BuiltIn::File.index()
        };
        let rule = self.rules.get(rule).filter(|rule| rule.enabled)?;
        Some(finding(rule, index, 0..0))
    }
}

impl Rule {
    /// `None` only if name or label are no identifiers, which a test of the table rules out.
    fn new(settings: &Settings, name: &str, label: &str) -> Option<Self> {
        let (id, label) = (RuleId::new(name).ok()?, Label::new(label).ok()?);
        let (sensitivity, enabled) = (settings.sensitivity(&label), !settings.disabled.contains(&id));
        Some(Self { id, label, sensitivity, enabled })
    }

    /// The rule that finds a data source; `None` only for a name that is too long, which was refused before.
    fn of(source: &Source) -> Option<Self> {
        let label = source.id.label()?;
        Some(Self { id: RuleId::new(label.as_str()).ok()?, label, sensitivity: source.sensitivity, enabled: true })
    }
}

/// What stands for a finding in a text that has to be decoded: an instruction there is an encoded one.
fn encoded(rule: RuleIndex) -> RuleIndex {
    if injection::is_ours(rule) { BuiltIn::EncodedPhrase.index() } else { rule }
}

fn finding(rule: &Rule, piece: usize, span: Range<usize>) -> Finding {
    Finding { label: rule.label.clone(), sensitivity: rule.sensitivity, piece, span, rule: rule.id.clone() }
}
