//! Reads one normalised text once with each pass, and verifies what they point at.
//!
//! ```text
//! pass A  automaton over literals ->  vendor keys, assignments, PEM, URLs, cues
//! pass B  runs of word bytes      ->  e-mail, numbers, addresses, tags
//! then    numbers with tags and cues around them -> setpoints
//! ```
//!
//! Every check reads a bounded stretch around its candidate, so the whole is linear in the text.

use crate::blocks::{Alphabet, Blocks, Found as Run, Word};
use crate::bytes::{Bytes, is_digit, is_joined};
use crate::literal::{Literal, Literals};
use crate::rule::{self, BuiltIn, RuleIndex, vendor};
use crate::secret::assigned::Names;
use crate::secret::mark::MARKS;
use crate::secret::vendor::VENDORS;
use crate::secret::{assigned, column, command, encoded, mark, near, pem, url};
use crate::setpoint::unit::Units;
use crate::setpoint::{self, Around, Judge, Number};
use crate::tag::{address, isa, variable};
use crate::{dictionary, form, network, numbered, person, plan, tolerance, wrapped};
use std::ops::Range;

/// What a rule found in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) rule: RuleIndex,
    pub(crate) span: Range<usize>,
}

impl Hit {
    /// The same in a text that this one stands in from `start` on.
    pub(crate) fn on(self, start: usize) -> Self {
        Self { span: self.span.start + start..self.span.end + start, ..self }
    }

    /// The same in the part of the text that begins at `start`, which is not behind it.
    pub(crate) fn back(self, start: usize) -> Self {
        Self { span: self.span.start.saturating_sub(start)..self.span.end.saturating_sub(start), ..self }
    }
}

/// Reads one text.
pub(crate) struct Scan<'t> {
    text: Bytes<'t>,
    source: &'t str,
    hits: Vec<Hit>,
    /// Words of process control, for names near them.
    cues: Vec<usize>,
    /// The same and more, for numbers near them.
    spoken: Vec<usize>,
    tags: Vec<Range<usize>>,
    numbers: Vec<Number>,
    long: Vec<Range<usize>>,
    roles: Vec<Range<usize>>,
    terms: Vec<usize>,
    most: usize,
}

/// What was found in a text.
pub(crate) struct Found {
    /// In no order, possibly overlapping.
    pub(crate) hits: Vec<Hit>,
    /// Words so long that text may be wrapped in them, ascending.
    pub(crate) long: Vec<Range<usize>>,
    /// Tags that may tell a model who speaks, ascending.
    pub(crate) roles: Vec<Range<usize>>,
    /// Where a term of the plant's dictionary may begin, ascending; others may begin up to [`dictionary::APART`] behind.
    pub(crate) terms: Vec<usize>,
}

/// The words that pass B goes through, and the signs between them that something may begin or stand with.
struct Runs;

impl Alphabet for Runs {
    fn is_digit(byte: u8) -> bool {
        byte.is_ascii_digit()
    }

    fn is_sign(_: u8) -> bool {
        false
    }

    fn is_mark(byte: u8) -> bool {
        matches!(byte, b'@' | b'+' | b'(' | b'%' | b'=' | b':' | 0xE2)
    }
}

/// What literals opened in a text.
#[derive(Default)]
struct Opened {
    openers: Vec<Range<usize>>,
    closers: Vec<usize>,
    hashes: encoded::Hashes,
    columns: column::Columns,
}

/// There are more hits than anyone wants to hold.
pub(crate) struct TooMany;

impl<'t> Scan<'t> {
    pub(crate) fn new(source: &'t str, most: usize) -> Self {
        let text = Bytes(source.as_bytes());
        let (hits, cues, spoken, tags, numbers, long, roles, terms) = Default::default();
        Self { text, source, hits, cues, spoken, tags, numbers, long, roles, terms, most }
    }

    /// Reads it.
    pub(crate) fn run(mut self, literals: &Literals, units: &Units) -> Result<Found, TooMany> {
        self.literals(literals)?;
        self.runs(units)?;
        self.setpoints(units);
        let hits = &mut self.hits;
        form::blocks(self.source, |rule, span| hits.push(Hit { rule: rule.index(), span }));
        let Self { hits, long, roles, terms, .. } = self;
        if hits.len() > self.most { Err(TooMany) } else { Ok(Found { hits, long, roles, terms }) }
    }

    fn hit(&mut self, rule: BuiltIn, span: Option<Range<usize>>) -> bool {
        let Some(span) = span else { return false };
        if matches!(
            rule,
            BuiltIn::TagIsa
                | BuiltIn::TagVariable
                | BuiltIn::TagAddress
                | BuiltIn::TagKks
                | BuiltIn::TagReference
                | BuiltIn::TagOpc
                | BuiltIn::TagPin
        ) {
            self.tags.push(span.clone());
        }
        self.hits.push(Hit { rule: rule.index(), span });
        true
    }

    fn found(&mut self, found: Option<(BuiltIn, Range<usize>)>) {
        if let Some((rule, span)) = found {
            self.hit(rule, Some(span));
        }
    }

    fn literals(&mut self, literals: &Literals) -> Result<(), TooMany> {
        let (text, mut opened) = (self.text, Opened::default());
        literals.find(self.source, |literal, at| {
            self.literal(literal, at, &mut opened);
            self.hits.len() <= self.most
        });
        if self.hits.len() > self.most {
            return Err(TooMany);
        }
        let Opened { openers, closers, .. } = opened;
        let mut covered = 0;
        for opener in openers {
            // An opener inside a block that was just read is part of it.
            if opener.start >= covered {
                let block = pem::block(text, opener, &closers);
                covered = block.as_ref().map_or(covered, |block| block.end);
                self.hit(BuiltIn::PrivateKey, block);
            }
        }
        self.cues.sort_unstable();
        self.spoken.sort_unstable();
        Ok(())
    }

    /// Looks at what a literal opens. What reads the text byte by byte is quicker without all of this in it.
    #[inline(never)]
    fn literal(&mut self, literal: Literal, at: Range<usize>, opened: &mut Opened) {
        let text = self.text;
        match literal {
            Literal::Vendor(row) => {
                if let Some(span) = VENDORS.get(row).and_then(|known| crate::secret::vendor::key(text, known, at.start))
                {
                    self.hits.push(Hit { rule: vendor(row), span });
                }
            }
            Literal::Mark(row) => {
                if let Some(span) = MARKS.get(row).and_then(|known| mark::key(text, known, at.start)) {
                    self.hits.push(Hit { rule: rule::mark(row), span });
                }
            }
            Literal::Keyword(names) => {
                let near = || near::near(text, &at).filter(|_| names != Names::Password);
                self.found(assigned::assigned(text, at.clone(), names).or_else(near));
                if names == Names::Password {
                    opened.columns.below(text, &at).into_iter().for_each(|cell| self.found(Some(cell)));
                }
            }
            Literal::PemOpener => opened.openers.push(at),
            Literal::PemCloser => opened.closers.push(at.start),
            Literal::Scheme => self.found(url::userinfo(text, at.start)),
            Literal::User => self.found(url::user_option(text, at)),
            Literal::Bearer => self.found(url::bearer(text, at)),
            Literal::Webhook => self.found(url::webhook(text, at)),
            Literal::Jwt => self.found(encoded::jwt(text, at.start)),
            Literal::Entra => self.found(encoded::entra(text, at.start)),
            Literal::Telegram => self.found(encoded::telegram(text, at.start)),
            Literal::AzureDevops => self.found(encoded::azure_devops(text, at.start)),
            Literal::Hash => self.found(opened.hashes.hash(text, at.start)),
            Literal::Cue => {
                if !is_joined(text.before(at.start)) && !text.goes_on(at.end) {
                    self.cues.push(at.start);
                    self.spoken.push(at.start);
                }
            }
            Literal::Process(joined) => {
                if setpoint::is_spoken(text, at.start, at.end, joined) {
                    self.spoken.push(at.start);
                }
            }
            Literal::Setp => {
                if let Some((pin, value)) = variable::pin(text, at.start) {
                    self.hit(BuiltIn::TagPin, Some(pin));
                    self.hit(BuiltIn::Setpoint, Some(value));
                }
            }
            Literal::Node => self.found(address::node(text, at.start)),
            Literal::Module => {
                self.hit(BuiltIn::TagAddress, address::module(text, at));
            }
            Literal::At => {
                self.hit(BuiltIn::Email, person::email::spelled(text, at));
            }
            Literal::Command(row) => self.found(command::word(text, at, row)),
            Literal::Label(named) => self.found(numbered::number(text, at, named)),
            Literal::Name(kind) => {
                self.hit(BuiltIn::PersonName, person::name::name(text, at, kind));
            }
            Literal::Street => {
                self.hit(BuiltIn::PostalAddress, person::address::street(text, at));
            }
            Literal::Address => {
                self.hit(BuiltIn::PostalAddress, person::address::labelled(text, at));
            }
            Literal::Geometry => {
                self.hit(BuiltIn::Geometry, tolerance::geometry(text, at));
            }
            Literal::Statement => {
                self.hit(BuiltIn::NetworkPlan, plan::statement(text, at));
            }
            Literal::Vlan => {
                self.hit(BuiltIn::NetworkPlan, plan::vlan(text, at));
            }
            Literal::Template => {
                self.hit(BuiltIn::MarkerTemplate, Some(at));
            }
            Literal::Role => {
                // Of two that begin together, one.
                if self.roles.last().is_none_or(|last| last.start != at.start) {
                    self.roles.push(at);
                }
            }
            Literal::Term => {
                if self.terms.last().is_none_or(|last| at.start - last >= dictionary::APART) {
                    self.terms.push(at.start);
                }
            }
        }
    }

    fn runs(&mut self, units: &Units) -> Result<(), TooMany> {
        let text = self.text;
        let (mut blocks, mut at) = (Blocks::<Runs>::new(text.0), 0);
        while let Some(found) = blocks.next(at) {
            at = match found {
                Run::Word(word) => self.run_of(&word, units),
                Run::Mark(mark) => self.sign(mark),
            };
            if self.hits.len() > self.most {
                return Err(TooMany);
            }
        }
        Ok(())
    }

    /// Looks at a word; gives where the scan goes on.
    #[inline]
    fn run_of(&mut self, word: &Word, units: &Units) -> usize {
        let Word { start, end, digits, .. } = *word;
        if end - start >= wrapped::SHORTEST {
            self.long.push(start..end);
        }
        if !digits && end - start != 2 && self.text.is_prose(end) {
            return end;
        }
        match self.variable(start, end) {
            Some(further) => further,
            None => self.word(start, end, units).max(end),
        }
    }

    /// Looks at a sign between words; gives where the scan goes on.
    fn sign(&mut self, at: usize) -> usize {
        let text = self.text;
        match text.at(at) {
            b'@' => {
                self.hit(BuiltIn::Email, person::email::address(text, at));
            }
            b'+' | b'(' if is_digit(text.at(at + 1)) => {
                if let Some(further) = self.groups(at) {
                    return further;
                }
            }
            b'%' => {
                self.hit(BuiltIn::TagAddress, address::direct(text, at));
            }
            b'=' => {
                self.hit(BuiltIn::TagReference, address::designation(text, at));
            }
            // `⌖`, `⏥`, `⏊`, `⌭`, `⌓`, `○`, `◎`, `⌯`: the signs of ISO 1101.
            0xE2 if matches!(
                text.slice(at + 1..at + 3),
                [0x8C, 0x93 | 0x96 | 0xAD | 0xAF] | [0x8F, 0xA5 | 0x8A] | [0x97, 0x8E]
            ) =>
            {
                self.hit(BuiltIn::Geometry, tolerance::geometry(text, at..at + 3));
            }
            b':' if text.at(at + 1) == b':' => {
                self.hit(BuiltIn::Ipv6, network::ipv6(text, at));
            }
            _ => {}
        }
        at + 1
    }

    /// A variable whose name begins with the word `start..end`; where it ends.
    fn variable(&mut self, start: usize, end: usize) -> Option<usize> {
        let text = self.text;
        let before = text.before(start);
        if text.at(end) != b'_' || before == b'_' || before >= 0x80 {
            return None;
        }
        let end = text.run(end, 65, |b| is_joined(b) || b == b'_');
        let found = variable::is_variable(text.slice(start..end)) && self.hit(BuiltIn::TagVariable, Some(start..end));
        found.then_some(end)
    }

    /// Looks at the word `start..end` of letters and digits; gives where the scan goes on, if beyond the word.
    fn word(&mut self, start: usize, end: usize, units: &Units) -> usize {
        let text = self.text;
        let first = text.at(start);
        if first.is_ascii_hexdigit() && self.station(start, end) {
            return end;
        }
        if is_digit(first) {
            return self.numeral(start, end, units);
        }
        let letters = text.run(start, 6, |b| b.is_ascii_alphabetic());
        let length = letters - start;
        if length == 2 {
            if is_digit(text.at(letters))
                && is_digit(text.at(letters + 1))
                && self.hit(BuiltIn::Iban, person::iban::number(text, start))
            {
                return end;
            }
            if text.slice(start..letters).starts_with(b"R") && letters == end {
                self.hit(BuiltIn::Geometry, tolerance::surface(text, start));
            }
            if let Some(span) =
                address::memory(text, start, end).filter(|_| self.cued(start) || address::is_operand(text, start))
            {
                self.hit(BuiltIn::TagAddress, Some(span));
                return end;
            }
            if text.slice(start..letters) == b"pH" {
                self.numbers.extend(setpoint::acidity(text, start));
            }
            if text.slice(start..letters) == b"DB" && self.hit(BuiltIn::TagAddress, address::block(text, start)) {
                return end;
            }
        }
        if length == 1 && is_digit(text.at(letters)) && text.at(end) == b':' {
            self.hit(BuiltIn::TagAddress, address::data_file(text, start, end));
        }
        let numbered = is_digit(text.at(letters + usize::from(matches!(text.at(letters), b'-' | b'_' | b' '))));
        if (2..=5).contains(&length) && numbered {
            let cued = self.cued(start);
            if let Some(span) = isa::tag(text, start, letters, cued) {
                let further = span.end;
                self.hit(BuiltIn::TagIsa, Some(span));
                return further;
            }
        }
        if length == 3
            && let Some(span) = address::kks(text, start)
        {
            let further = span.end;
            self.hit(BuiltIn::TagKks, Some(span));
            return further;
        }
        end
    }

    /// A run that begins with a digit.
    fn numeral(&mut self, start: usize, end: usize, units: &Units) -> usize {
        let text = self.text;
        if self.hit(BuiltIn::Ipv4, network::ipv4(text, start)) {
            return end;
        }
        if let Some(span) = address::kks(text, start) {
            let further = span.end;
            self.hit(BuiltIn::TagKks, Some(span));
            return further;
        }
        if self.hit(BuiltIn::NationalId, numbered::secured(text, start, end)) {
            return end;
        }
        if let Some(further) = self.groups(start) {
            return further;
        }
        if let Some(span) = tolerance::size(text, start) {
            let further = span.end;
            match setpoint::with_tolerance(text, &span, units) {
                Some(number) => self.numbers.push(number),
                None => _ = self.hit(BuiltIn::Tolerance, Some(span)),
            }
            return further;
        }
        match setpoint::number(text, start, units) {
            // `Pump_2 m` says where, not how high.
            Some((number, further)) if text.before(start) != b'_' => {
                self.numbers.push(number);
                further
            }
            _ => end,
        }
    }

    /// IPv6 or MAC, if the run looks like the first group of one.
    fn station(&mut self, start: usize, end: usize) -> bool {
        let text = self.text;
        match (end - start, text.at(end)) {
            (2, b':' | b'-') if self.hit(BuiltIn::Mac, network::mac(text, start)) => true,
            (4, b'.') => self.hit(BuiltIn::Mac, network::mac(text, start)),
            (1..=4, b':') => self.hit(BuiltIn::Ipv6, network::ipv6(text, start)),
            _ => false,
        }
    }

    /// A card or phone number that begins at `start`; where it ends.
    fn groups(&mut self, start: usize) -> Option<usize> {
        let text = self.text;
        let before = text.before(start);
        // The digits of a fraction are none.
        if is_joined(before) || before == b'.' && is_digit(text.before(start - 1)) {
            return None;
        }
        let groups = person::groups::Groups::read(text, start).filter(|groups| groups.count >= 7)?;
        let card = person::card::number(text, &groups).map(|span| (BuiltIn::Card, span));
        let phone = || Some((BuiltIn::Phone, person::phone::number(text, &groups)?));
        let (rule, span) = card.or_else(phone)?;
        let end = span.end;
        self.hit(rule, Some(span));
        Some(end)
    }

    fn cued(&self, at: usize) -> bool {
        let from = self.cues.partition_point(|cue| *cue < at.saturating_sub(120));
        self.cues.get(from).is_some_and(|cue| *cue < at + 120)
    }

    fn setpoints(&mut self, units: &Units) {
        self.tags.sort_unstable_by_key(|tag| (tag.start, tag.end));
        // A variable of several words is found before what stands in it.
        self.numbers.sort_by_key(Number::start);
        let around = Around { tags: &self.tags, cues: &self.spoken };
        let mut judge = Judge::new(self.text, around, units, &self.numbers);
        let rule = BuiltIn::Setpoint.index();
        for number in &self.numbers {
            if let Some(span) = judge.judge(number) {
                self.hits.push(Hit { rule, span });
            }
        }
    }
}
