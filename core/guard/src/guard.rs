//! The guard of one plant, and what a conversation told it.

use crate::limits::{Decimal, Limit, Verdict, Why};
use crate::reader::{Context, Reader};
use crate::tags::Tags;
use std::collections::BTreeMap;
use std::ops::Range;

/// Holds what is recommended against the limits of a plant.
#[derive(Debug)]
pub struct Guard {
    pub(crate) limits: Vec<Limit>,
    pub(crate) tags: Tags,
    pub(crate) decimal: Decimal,
}

/// The limits have more names than one automaton can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limits have too many names")]
pub struct TooManyNames;

/// What a text recommends for one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation<'g> {
    /// The tag, as the plant writes it.
    pub tag: &'g str,
    /// The value, or what stands in its place, in bytes of the text; all of a block of JSON.
    pub span: Range<usize>,
    /// Whether it may be followed.
    pub verdict: Verdict,
    /// Why.
    pub why: Why,
}

/// What a conversation told before its answer: the values that tags have, the mode, and what was last spoken of.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub(crate) current: BTreeMap<usize, f64>,
    pub(crate) mentioned: Vec<usize>,
    pub(crate) mode: Option<String>,
}

impl Guard {
    /// Prepares the limits.
    ///
    /// # Errors
    /// If they have more names than one automaton can hold: some hundred thousand.
    pub fn new(limits: Vec<Limit>, decimal: Decimal) -> Result<Self, TooManyNames> {
        let names = limits.iter().enumerate().flat_map(|(at, limit)| {
            std::iter::once(&limit.tag).chain(&limit.aliases).map(move |name| (at, name.as_str()))
        });
        let tags = Tags::new(names).ok_or(TooManyNames)?;
        Ok(Self { limits, tags, decimal })
    }

    /// Whether no tag is limited, so that no answer need be read.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.limits.is_empty()
    }

    /// What a text recommends, in its order.
    #[must_use]
    pub fn read(&self, text: &str, known: &Known) -> Vec<Recommendation<'_>> {
        let heard = Reader::new(self, known).whole(text, &mut Context::new(&known.mentioned));
        heard
            .found
            .into_iter()
            .filter_map(|found| {
                let (verdict, why) = found.ruling;
                let tag = self.limits.get(found.tag)?.tag.as_str();
                Some(Recommendation { tag, span: found.span, verdict, why })
            })
            .collect()
    }

    /// Takes one text of the conversation, in its order: what tags it speaks of, and what values it tells.
    pub fn hear(&self, text: &str, known: &mut Known) {
        let seen = match view::plain::text(text) {
            plain if self.tags.first(&plain).is_none() => Vec::new(),
            plain => self.tags.find(&plain),
        };
        if !seen.is_empty() {
            known.mentioned = crate::reader::distinct(seen.iter().map(|seen| seen.tag).collect());
            let empty = Known::default();
            let reader = Reader { hearing: true, ..Reader::new(self, &empty) };
            let heard = reader.whole(text, &mut Context::default());
            known.current.extend(heard.told.into_iter().filter(|(_, value)| value.is_finite()));
        }
        if let Some(mode) = self.mode(text) {
            known.mode = Some(mode);
        }
    }

    /// Says outright what value a tag has, in its own unit.
    pub fn tell(&self, tag: &str, value: f64, known: &mut Known) {
        if let Some(at) = self.limits.iter().position(|limit| limit.tag == tag) {
            known.current.insert(at, value);
        }
    }

    /// What recommends a value outside limits, to see what comes of it; `None` where no tag has a limit that a value alone breaks.
    #[must_use]
    pub fn forbidden(&self) -> Option<String> {
        self.limits.iter().find_map(|limit| {
            let far = limit.high.or(limit.low).unwrap_or_default().abs() * 10.0 + 1000.0;
            let far = if limit.high.is_some() || limit.interlocked { far } else { -far };
            let text = format!("Set {} to {far:.0} {}.", limit.tag, limit.unit.code);
            let found = self.read(&text, &Known::default());
            found.iter().any(|one| one.verdict == Verdict::Violate && one.tag == limit.tag).then_some(text)
        })
    }

    /// Whether a text surely names no limited tag, so that it need not be read if nothing was spoken of before.
    pub(crate) fn names_none(&self, text: &str) -> bool {
        let none = |text: &str| self.tags.first(text).is_none();
        none(text) && crate::sight::of(text).is_some_and(|view| none(&view.text))
    }

    /// Whether a text names a limited tag.
    #[must_use]
    pub fn names(&self, text: &str) -> bool {
        !self.names_none(text)
    }

    /// The mode of operation that a text says last, of those that limits ask for.
    fn mode(&self, text: &str) -> Option<String> {
        let modes = self.limits.iter().flat_map(|limit| &limit.modes);
        // Most plants have none, and what the conversation holds may be long.
        modes.clone().next()?;
        let lower = text.to_lowercase();
        let said = |mode: &String| {
            let mode = mode.to_lowercase();
            let ways = [
                format!("{mode} mode"),
                format!("mode {mode}"),
                format!("mode: {mode}"),
                format!("mode is {mode}"),
                format!("\"mode\":\"{mode}\""),
                format!("\"mode\": \"{mode}\""),
                format!("modus {mode}"),
                format!("betriebsart {mode}"),
                format!("betriebsart: {mode}"),
                format!("im {mode}betrieb"),
            ];
            ways.iter().filter_map(|way| lower.rfind(way.as_str())).max()
        };
        modes.filter_map(|mode| Some((said(mode)?, mode))).max().map(|(_, mode)| mode.clone())
    }
}
