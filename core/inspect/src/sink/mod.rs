//! What comes back, made safe to show: the sinks through which a model that was talked into something would do harm.
//!
//! ```text
//! answer -> markup   images and links off the allow-list, active HTML, hidden characters
//!        -> safety   sentences that tell how to defeat a safeguard
//!        -> leak     what the conduit's reader may not see
//!        -> caller
//! ```
//!
//! Whether a model was talked into it cannot be told for certain. That an image from a foreign host would be fetched can.

mod leak;
mod markup;
mod safety;
mod target;
mod units;

#[cfg(test)]
mod tests;

use crate::Inspector;
use leak::Leak;
use markup::Markup;
use plant::{Answers, Channel, Deed, FindingCount, Form, Label, Reason, Refusal, Rewrite, Verdict};
use safety::Safety;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What is taken care of, of [`Answers`].
pub(crate) struct Cares {
    pub(crate) hosts: Vec<plant::Wildcard>,
    pub(crate) images: bool,
    pub(crate) links: bool,
    pub(crate) addresses: bool,
    pub(crate) markup: bool,
}

/// What was met in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    Nothing,
    Image,
    Link,
    Active,
    Hidden,
    Unsafe,
    Tool,
}

impl Found {
    /// The label under which it is recorded.
    fn label(self) -> &'static str {
        match self {
            Self::Nothing => "answer",
            Self::Image => "answer.image",
            Self::Link => "answer.link",
            Self::Active => "answer.active",
            Self::Hidden => "answer.hidden",
            Self::Unsafe => "unsafe.instruction",
            Self::Tool => "answer.tool",
        }
    }

    /// What it is called where it stood.
    fn noun(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Link => "link",
            Self::Nothing | Self::Active | Self::Hidden | Self::Unsafe | Self::Tool => "element",
        }
    }
}

/// What was met so far, by label.
#[derive(Default)]
pub(crate) struct Seen {
    counts: BTreeMap<String, u64>,
    stopped: Option<Refusal>,
}

impl Seen {
    pub(crate) fn count(&mut self, found: Found) {
        self.add(found.label());
    }

    pub(crate) fn add(&mut self, label: &str) {
        let count = self.counts.entry(label.to_owned()).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn stop(&mut self, label: &str) {
        let refusal = || Refusal::new(Reason::AnswerRefused, format!("the conduit lets no `{label}` come back"));
        self.stopped.get_or_insert_with(refusal);
    }
}

/// Makes one call's answer safe to show.
pub struct Sinks {
    cares: Cares,
    deed: Deed,
    /// Tools that may be called; `None` lets any.
    tools: Option<Vec<plant::Wildcard>>,
    withheld: Vec<(Label, Verdict)>,
    inspector: Arc<Inspector>,
    texts: BTreeMap<u32, Text>,
    seen: Seen,
}

/// One channel's text so far.
#[derive(Default)]
struct Text {
    markup: Markup,
    safety: Safety,
    leak: Leak,
}

impl Sinks {
    /// As a conduit has it; `inspector` finds what is withheld.
    #[must_use]
    pub fn new(answers: &Answers, inspector: Arc<Inspector>) -> Self {
        let cares = Cares {
            hosts: answers.hosts.clone(),
            images: answers.images,
            links: answers.links,
            addresses: answers.addresses,
            markup: answers.markup,
        };
        Self {
            cares,
            deed: answers.unsafe_instructions,
            tools: answers.tools.clone(),
            withheld: answers.withhold.iter().map(|entry| (entry.label.clone(), entry.verdict)).collect(),
            inspector,
            texts: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    fn pass(&mut self, text: &mut Text, piece: &str, form: Form, end: bool) -> String {
        let Self { cares, deed, withheld, inspector, seen, .. } = self;
        let shown = text.markup.push(piece, end, form, cares, seen);
        let said = match deed {
            Deed::Allow => shown,
            deed => text.safety.push(&shown, end, form, *deed, seen),
        };
        if withheld.is_empty() { said } else { text.leak.push(&said, end, withheld, inspector, seen) }
    }
}

impl Rewrite for Sinks {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        let mut state = self.texts.remove(&channel.number).unwrap_or_default();
        let out = self.pass(&mut state, text, channel.form, false);
        self.texts.insert(channel.number, state);
        out
    }

    fn finish(&mut self, channel: Channel) -> String {
        let mut state = self.texts.remove(&channel.number).unwrap_or_default();
        self.pass(&mut state, "", channel.form, true)
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        // Most texts hold nothing that is looked at, and go as they are.
        let harmless = self.deed == Deed::Allow || form == Form::Plain && !safety::may_harm(text);
        if self.withheld.is_empty() && harmless && markup::is_dull(text) {
            return None;
        }
        let rewritten = self.pass(&mut Text::default(), text, form, true);
        (rewritten != text).then_some(rewritten)
    }

    fn calls(&mut self, tool: &str) {
        let open = self.tools.as_ref().is_none_or(|tools| tools.iter().any(|own| own.fits(tool)));
        if !open {
            self.seen.count(Found::Tool);
            self.seen.stop(Found::Tool.label());
        }
    }

    fn stopped(&self) -> Option<Refusal> {
        self.seen.stopped.clone()
    }

    fn findings(&self) -> Vec<FindingCount> {
        self.seen.counts.iter().map(|(label, count)| FindingCount { label: label.clone(), count: *count }).collect()
    }
}

impl fmt::Debug for Sinks {
    /// Without texts: a log must hold none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sinks").field("counts", &self.seen.counts).finish_non_exhaustive()
    }
}
