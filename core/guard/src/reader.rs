//! Reads a text segment by segment: which grammar it is in, and what was said before.

use crate::clause::{self, Around, Found, Said};
use crate::guard::{Guard, Known};
use crate::json::{self, Key, Value};
use crate::judge::{Measure, Quantity, Ruling, UNSAID};
use crate::lexicon as lex;
use crate::limits::{Decimal, Verdict, Why};
use crate::number::{Number, Style};
use crate::segment::{Cut, Segmenter};
use crate::table::{self, Header};
use crate::token::{self, Token, What};
use crate::{judge, number, sight, unit};
use std::collections::BTreeMap;
use std::ops::Range;

/// Most tags that one value can be meant for. Where there are more, nobody can tell for which it is.
const MOST: usize = 16;

/// Sentences after which a tag that was spoken of is no longer meant.
const MEMORY: u32 = 4;

/// What was said so far in one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) active: Vec<usize>,
    age: u32,
    open: bool,
    pub(crate) header: Option<Header>,
    comma: Option<bool>,
}

impl Context {
    pub(crate) fn new(active: &[usize]) -> Self {
        Self { active: active.to_vec(), ..Self::default() }
    }
}

/// What a text said.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Recommendations, with spans in the text.
    pub(crate) found: Vec<Found>,
    /// Values that it told of.
    pub(crate) told: Vec<(usize, f64)>,
}

/// Reads texts against the limits of a guard.
pub(crate) struct Reader<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) current: &'a BTreeMap<usize, f64>,
    pub(crate) mode: Option<&'a str>,
    /// Whether this is the conversation, in which values are told of, and not an answer.
    pub(crate) hearing: bool,
    /// Whether the texts of a document are judged elsewhere, each by itself.
    pub(crate) structure: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(guard: &'a Guard, known: &'a Known) -> Self {
        Self { guard, current: &known.current, mode: known.mode.as_deref(), hearing: false, structure: false }
    }

    /// Reads a text that is there whole.
    pub(crate) fn whole(&self, text: &str, context: &mut Context) -> Heard {
        let mut heard = Heard::default();
        if context.active.is_empty() && context.header.is_none() && self.guard.names_none(text) {
            return heard;
        }
        let mut start = 0;
        while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            let cut = Segmenter::default().read(rest).unwrap_or(Cut { end: rest.len(), long: false });
            let segment = rest.get(..cut.end).unwrap_or(rest);
            let first = heard.found.len();
            self.segment(segment, cut.long, context, &mut heard);
            for found in heard.found.iter_mut().skip(first) {
                found.span = found.span.start + start..found.span.end + start;
            }
            start += cut.end.max(1);
        }
        heard
    }

    /// Reads one segment; spans are in the segment.
    pub(crate) fn segment(&self, raw: &str, long: bool, context: &mut Context, heard: &mut Heard) {
        let first = heard.found.len();
        let quiet = context.active.is_empty() && context.header.is_none() && !table::may_be(raw);
        if quiet && raw.is_ascii() && !raw.contains(['&', '\\', '<', '*', '^']) && self.guard.tags.first(raw).is_none()
        {
            return;
        }
        let Some(view) = sight::of(raw) else {
            let tags = self.guard.tags.find(raw);
            heard
                .found
                .extend(tags.into_iter().map(|seen| found(seen.tag, seen.span, (Verdict::Unresolved, Why::TooLong))));
            return;
        };
        let sightings = self.guard.tags.find(&view.text);
        if quiet && sightings.is_empty() {
            return;
        }
        if long {
            let unread = |seen: &crate::tags::Sighting| {
                found(seen.tag, view.map.source(&seen.span), (Verdict::Unresolved, Why::TooLong))
            };
            heard.found.extend(sightings.iter().map(unread));
        }
        let judged = heard.found.len();
        let start = raw.trim_start();
        if start.starts_with(['{', '['])
            && let Some(value) = json::parse(start.trim_end())
        {
            let span = raw.len() - start.len()..raw.trim_end().len();
            self.json(&value, &context.active.clone(), &span, heard);
            self.remember(context, &sightings.iter().map(|seen| seen.tag).collect::<Vec<_>>());
            self.finish(first, heard);
            return;
        }
        if let Some(row) = table::row(&view.text, &sightings, context.header.as_ref()) {
            self.row(&row, &sightings, context, heard);
        } else {
            context.header = None;
            self.text(&view.text, &sightings, context, heard);
        }
        for found in heard.found.iter_mut().skip(judged) {
            found.span = view.map.source(&found.span);
        }
        self.finish(first, heard);
    }

    fn text(&self, text: &str, sightings: &[crate::tags::Sighting], context: &mut Context, heard: &mut Heard) {
        let style = self.style(context);
        let mut tokens = token::cut(text, sightings, style);
        self.language(&tokens, context);
        // Read again where the language of this very segment tells how its numbers are written.
        if self.style(context) != style && number::separated(text) {
            tokens = token::cut(text, sightings, self.style(context));
        }
        let said = self.said(&tokens, &context.active, context.open, heard);
        context.open = said.open;
        match said.tags {
            Some(tags) => {
                context.active = distinct(tags);
                context.age = 0;
            }
            None => self.age(context),
        }
    }

    fn said(&self, tokens: &[Token], active: &[usize], open: bool, heard: &mut Heard) -> Said {
        let around = Around { limits: &self.guard.limits, current: self.current, active, open, hearing: self.hearing };
        let mut said = clause::read(tokens, &around);
        heard.found.append(&mut said.found);
        heard.told.append(&mut said.told);
        said
    }

    fn remember(&self, context: &mut Context, tags: &[usize]) {
        if !tags.is_empty() {
            context.active = distinct(tags.to_vec());
            context.age = 0;
        }
    }

    fn age(&self, context: &mut Context) {
        context.age += 1;
        if context.age > MEMORY {
            context.active.clear();
        }
    }

    fn style(&self, context: &Context) -> Style {
        Style { decimal: self.guard.decimal, comma: context.comma }
    }

    /// Which language the text is in, if it shows: how it writes its decimals.
    fn language(&self, tokens: &[Token], context: &mut Context) {
        let words = |kind| tokens.iter().filter(|token| token.is(kind)).count();
        let (german, english) = (words(lex::GERMAN), words(lex::ENGLISH));
        if german != english {
            context.comma = Some(german > english);
        }
    }

    /// What holds for every verdict: the mode of operation.
    pub(crate) fn modes(&self, heard: &mut Heard) {
        self.finish(0, heard);
    }

    fn finish(&self, first: usize, heard: &mut Heard) {
        for found in heard.found.iter_mut().skip(first) {
            let Some(limit) = self.guard.limits.get(found.tag).filter(|limit| !limit.modes.is_empty()) else {
                continue;
            };
            let mode = match self.mode {
                None => (Verdict::Unresolved, Why::ModeUnknown),
                Some(mode) if limit.modes.iter().any(|known| known.eq_ignore_ascii_case(mode)) => continue,
                Some(_) => (Verdict::Violate, Why::Mode),
            };
            found.ruling = found.ruling.max(mode);
        }
    }

    fn row(&self, row: &table::Row<'_>, sightings: &[crate::tags::Sighting], context: &mut Context, heard: &mut Heard) {
        let style = self.style(context);
        let cells: Vec<Vec<Token>> = row
            .cells
            .iter()
            .map(|(span, text)| {
                let inside: Vec<_> = sightings
                    .iter()
                    .filter(|seen| seen.span.start >= span.start && seen.span.end <= span.end)
                    .map(|seen| {
                        let at = seen.span.start - span.start..seen.span.end - span.start;
                        crate::tags::Sighting { span: at, ..seen.clone() }
                    })
                    .collect();
                let mut tokens = token::cut(text, &inside, style);
                for token in &mut tokens {
                    token.span = token.span.start + span.start..token.span.end + span.start;
                }
                tokens
            })
            .collect();
        if row.rule {
            return;
        }
        let tags: Vec<usize> = sightings.iter().map(|seen| seen.tag).collect();
        if tags.len() > MOST {
            let unsure =
                sightings.iter().map(|seen| found(seen.tag, seen.span.clone(), (Verdict::Unresolved, Why::TagUnsure)));
            heard.found.extend(unsure);
            return;
        }
        let valued = cells.iter().flatten().any(|token| token.quantity().is_some());
        let transposed = tags.len() > 1 && !valued;
        if context.header.is_none() && !valued && (tags.is_empty() || transposed)
            || context.header.is_none() && tags.is_empty()
        {
            context.header = Some(Header::new(row, &cells));
            return;
        }
        let header = context.header.clone().unwrap_or_else(|| Header::none(row));
        let label = row.cells.first().map_or(Key::Other, |(_, text)| Key::of(text));
        let named = cells.iter().zip(&header.columns).find(|(_, column)| column.key == Key::Unit).map(|(cell, _)| cell);
        let unit = named.and_then(|_| row.unit(&header));
        for (at, cell) in cells.iter().enumerate() {
            let column = header.columns.get(at).cloned().unwrap_or_default();
            let own = cell.iter().any(|token| matches!(token.what, What::Tag(..)));
            let (owners, key) = match column.tag {
                Some(tag) if tags.is_empty() => (vec![tag], label),
                _ => (tags.clone(), column.key),
            };
            if own || owners.is_empty() || key == Key::Unit || key == Key::Bound {
                continue;
            }
            let plain = header.no_target() && at > 0 && !column.counts;
            let key = if key == Key::Other && plain { Key::Value } else { key };
            let measure = column.measure.or(unit);
            self.cell(cell, &owners, key, measure, heard);
        }
        self.remember(context, &tags);
    }

    /// Judges the quantities of one cell for the tags of its row.
    fn cell(&self, cell: &[Token], tags: &[usize], key: Key, measure: Option<Measure>, heard: &mut Heard) {
        let quantities: Vec<(&Token, Quantity)> = cell
            .iter()
            .filter_map(|token| {
                let mut quantity = *token.quantity()?;
                if let (Measure::Bare, Some(measure)) = (quantity.measure, measure) {
                    quantity.measure = measure;
                }
                Some((token, quantity))
            })
            .collect();
        let unsaid = quantities.is_empty() && cell.iter().any(|token| token.is(lex::EXTREME | lex::BACK));
        for tag in tags {
            if key == Key::Other {
                // Prose in a column of remarks.
                let mut tokens = vec![Token { what: What::Tag(*tag, crate::tags::Part::Value), span: 0..0 }];
                tokens.extend(cell.iter().cloned());
                let prose = cell.iter().any(|token| token.is(lex::WRITE | lex::TO | lex::BY));
                if prose {
                    self.said(&tokens, &[], false, heard);
                }
                continue;
            }
            for (token, quantity) in &quantities {
                self.keyed(*tag, key, quantity, &token.span, heard);
            }
            if unsaid
                && key == Key::Value
                && let Some(token) = cell.first()
            {
                heard.found.push(found(*tag, token.span.clone(), UNSAID));
            }
        }
    }

    /// Judges a quantity that a key or a column says the meaning of.
    fn keyed(&self, tag: usize, key: Key, quantity: &Quantity, span: &Range<usize>, heard: &mut Heard) {
        let Some(limit) = self.guard.limits.get(tag) else { return };
        let current = self.current.get(&tag).copied();
        if key == Key::Reading || self.hearing && key == Key::Value {
            heard.told.extend(judge::plain(limit, quantity).map(|value| (tag, value)));
            return;
        }
        let rate = quantity.per.is_some()
            || quantity.measure.unit().is_some_and(|unit| unit.integral() == Some(limit.unit.dimension));
        let ruling: Ruling = match key {
            _ if limit.interlocked => (Verdict::Violate, Why::Interlocked),
            Key::Rate => judge::rate(limit, quantity),
            Key::Value if rate => judge::rate(limit, quantity),
            Key::Value if quantity.number.plus => judge::change(limit, quantity, Some(true), current),
            Key::Value if quantity.measure.is_percent() && limit.unit.code() != "%" => UNSAID,
            Key::Value => judge::target(limit, quantity, current),
            Key::Change => judge::change(limit, quantity, Some(true), current),
            Key::Reading | Key::Bound | Key::Unit | Key::Other => return,
        };
        heard.found.push(found(tag, span.clone(), ruling));
    }

    /// Judges what a JSON value says, for the tags around it.
    pub(crate) fn json(&self, value: &Value<'_>, around: &[usize], span: &Range<usize>, heard: &mut Heard) {
        self.member(value, Place { tags: around, own: false, key: Key::Other, measure: None }, span, heard);
    }

    fn member(&self, value: &Value<'_>, place: Place<'_>, span: &Range<usize>, heard: &mut Heard) {
        match value {
            Value::Object(members) => self.object(members, place, span, heard),
            Value::Array(items) => self.array(items, place, span, heard),
            Value::Word(word) => self.scalar(word, place, span, heard),
            Value::Text(text) => {
                let start = text.trim();
                if self.structure {
                    if start.len() <= 48 && self.guard.tags.find(start).is_empty() {
                        self.scalar(start, place, span, heard);
                    }
                    return;
                }
                if start.starts_with(['{', '['])
                    && let Some(value) = json::parse(start)
                {
                    return self.member(&value, Place { own: false, ..place }, span, heard);
                }
                let own = self.guard.tags.find(start);
                let prose = start.contains(' ') && (!own.is_empty() || place.key == Key::Other);
                if prose {
                    let mut context = Context::new(place.tags);
                    let inner = self.whole(text, &mut context);
                    heard.told.extend(inner.told);
                    heard.found.extend(inner.found.into_iter().map(|inner| Found { span: span.clone(), ..inner }));
                } else if own.is_empty() {
                    self.scalar(start, place, span, heard);
                }
            }
        }
    }

    fn object(
        &self,
        members: &[(std::borrow::Cow<'_, str>, Value<'_>)],
        place: Place<'_>,
        span: &Range<usize>,
        heard: &mut Heard,
    ) {
        let mut own = Vec::new();
        let mut measure = place.measure;
        let mut lists: Vec<Option<usize>> = Vec::new();
        for (key, value) in members {
            match value {
                Value::Text(text) if Key::of(key) == Key::Unit => {
                    let name = sight::of(text).map(|view| view.text.trim().to_owned()).unwrap_or_default();
                    measure = Some(match unit::read(&name) {
                        Some((unit, length)) if length == name.len() => Measure::from(unit),
                        _ if name.is_empty() => Measure::Bare,
                        _ => Measure::Unknown,
                    });
                }
                // A piece of a text that is judged elsewhere.
                Value::Text(_) if self.structure && Key::is_text(key) => {}
                // The name of a thing, or of a function that sets it.
                Value::Text(text) if !text.trim().contains(' ') || text.len() <= 48 => {
                    let view = sight::of(text);
                    let seen = view.map(|view| self.guard.tags.find(&view.text)).unwrap_or_default();
                    let whole = seen.iter().any(|seen| seen.span.len() + 12 >= text.trim().len());
                    if whole {
                        own.extend(seen.into_iter().map(|seen| seen.tag));
                    }
                }
                Value::Array(items) => {
                    let tags: Vec<Option<usize>> = items
                        .iter()
                        .map(|item| match item {
                            Value::Text(text) => self.guard.tags.find(text).first().map(|seen| seen.tag),
                            _ => None,
                        })
                        .collect();
                    if tags.iter().any(Option::is_some) && items.iter().all(|item| matches!(item, Value::Text(_))) {
                        lists = tags;
                    }
                }
                _ => {}
            }
        }
        own.sort_unstable();
        own.dedup();
        if own.len() > MOST {
            heard
                .found
                .extend(own.drain(..).map(|tag| found(tag, span.clone(), (Verdict::Unresolved, Why::TagUnsure))));
        }
        let mine = !own.is_empty();
        let tags = if mine { own } else { place.tags.to_vec() };
        for (name, value) in members {
            let key = Key::of(name);
            if key == Key::Unit {
                continue;
            }
            let measure = measure.or_else(|| suffix(name));
            let named = self.guard.tags.find(name);
            if let Some(seen) = named.first() {
                let key = match seen.part {
                    crate::tags::Part::Value => Key::Value,
                    crate::tags::Part::Reading => Key::Reading,
                    crate::tags::Part::Bound => Key::Bound,
                };
                self.member(value, Place { tags: &[seen.tag], own: true, key, measure }, span, heard);
                continue;
            }
            if let (Value::Array(items), false) = (value, lists.is_empty())
                && items.len() == lists.len()
                && items.iter().all(|item| !matches!(item, Value::Object(_)))
                && key != Key::Bound
            {
                let key = if key == Key::Other { Key::Value } else { key };
                for (item, tag) in items.iter().zip(&lists) {
                    if let Some(tag) = tag {
                        self.member(item, Place { tags: &[*tag], own: true, key, measure }, span, heard);
                    }
                }
                continue;
            }
            // The value of a thing whose key is the tag's: `{"TIC-101": {"x": 400}}` says no more than that.
            let key = if key == Key::Other && place.own && members.len() <= 2 { place.key } else { key };
            self.command(name, value, &tags, span, heard);
            self.member(value, Place { tags: &tags, own: false, key, measure }, span, heard);
        }
    }

    /// What an interlocked tag is told to do, without a number.
    fn command(&self, name: &str, value: &Value<'_>, tags: &[usize], span: &Range<usize>, heard: &mut Heard) {
        let commands = ["command", "action", "state", "position", "mode", "cmd", "operation"];
        let told = Key::of(name) == Key::Value || commands.iter().any(|word| name.eq_ignore_ascii_case(word));
        let text = matches!(value, Value::Text(text) if self.guard.tags.find(text).is_empty());
        let word = matches!(value, Value::Word(word) if !word.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        if told && (text || word) && !self.hearing {
            for tag in tags.iter().filter(|tag| self.guard.limits.get(**tag).is_some_and(|limit| limit.interlocked)) {
                heard.found.push(found(*tag, span.clone(), (Verdict::Violate, Why::Interlocked)));
            }
        }
    }

    fn array(&self, items: &[Value<'_>], place: Place<'_>, span: &Range<usize>, heard: &mut Heard) {
        let mut tags = Vec::new();
        let mut measure = place.measure;
        let scalars = items.iter().all(|item| matches!(item, Value::Text(_) | Value::Word(_)));
        for item in items.iter().filter(|_| scalars) {
            if let Value::Text(text) = item {
                let seen = self.guard.tags.find(text);
                if seen.is_empty() {
                    let view = sight::of(text).map(|view| view.text.into_owned()).unwrap_or_default();
                    let unit = unit::read(view.trim()).filter(|(_, length)| *length == view.trim().len());
                    measure = unit.map(|(unit, _)| Measure::from(unit)).or(measure);
                }
                tags.extend(seen.into_iter().map(|seen| seen.tag));
            }
        }
        let row = tags.len() == 1;
        let key = if row || place.own { Key::Value } else { place.key };
        let tags = if row { tags } else { place.tags.to_vec() };
        for item in items {
            self.member(item, Place { tags: &tags, own: place.own, key, measure }, span, heard);
        }
    }

    /// A number, or a text that may say one.
    fn scalar(&self, text: &str, place: Place<'_>, span: &Range<usize>, heard: &mut Heard) {
        if place.tags.is_empty() || matches!(place.key, Key::Other | Key::Bound | Key::Unit) {
            return;
        }
        let view = sight::of(text).map(|view| view.text.into_owned()).unwrap_or_default();
        let bare = view.trim();
        let number =
            bare.parse::<f64>().ok().filter(|_| bare.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)));
        let quantity = match number {
            Some(value) => Some(Quantity { number: Number::of(value), measure: Measure::Bare, per: None }),
            None => {
                let style = Style {
                    decimal: self.guard.decimal,
                    comma: if self.guard.decimal == Decimal::Either { None } else { Some(false) },
                };
                token::cut(bare, &[], style).iter().find_map(Token::quantity).copied()
            }
        };
        let Some(mut quantity) = quantity else {
            let words = token::cut(bare, &[], Style { decimal: self.guard.decimal, comma: None });
            if place.key == Key::Value
                && !self.hearing
                && words.iter().any(|word| word.is(lex::EXTREME | lex::BACK | lex::FACTOR))
            {
                heard.found.extend(place.tags.iter().map(|tag| found(*tag, span.clone(), UNSAID)));
            }
            return;
        };
        if let (Measure::Bare, Some(measure)) = (quantity.measure, place.measure) {
            quantity.measure = measure;
        }
        for tag in place.tags {
            self.keyed(*tag, place.key, &quantity, span, heard);
        }
    }
}

/// Where in a document a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    tags: &'a [usize],
    /// Whether the key right above is the tag's.
    own: bool,
    key: Key,
    measure: Option<Measure>,
}

/// The unit that a key's name ends with.
fn suffix(name: &str) -> Option<Measure> {
    let last = Key::unit(name)?;
    let last = if last.len() == 1 { last.to_uppercase() } else { last.to_owned() };
    let (unit, length) = unit::read(&last)?;
    let measure = Measure::from(unit);
    let sole = length == last.len() && !matches!(last.as_str(), "M" | "S" | "H" | "D" | "min" | "Min" | "MIN");
    sole.then_some(measure).filter(|measure| *measure != Measure::Degrees)
}

/// The last few tags, each once.
pub(crate) fn distinct(mut tags: Vec<usize>) -> Vec<usize> {
    let surplus = tags.len().saturating_sub(MOST);
    tags.drain(..surplus);
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn found(tag: usize, span: Range<usize>, ruling: Ruling) -> Found {
    Found { tag, span, ruling }
}
