//! The keys of failing well: what a conduit does when its provider fails, and when a provider is left alone.

use super::map::names;
use crate::table::{Kind, Named, Section, any, either, may};

static TROUBLES: [&str; 7] = names(&fallback::Trouble::NAMES);
static ANY_TROUBLE: Kind = Kind::OneOf(&TROUBLES);

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

pub(crate) static FALLBACK: Section = Section {
    path: "conduits.<conduit>.fallback",
    noun: "entry",
    about: "What happens when the conduit's provider fails: the entries are tried in their order, each at most once, and only for calls that ask a \
            model. Each either asks another provider or gives a fixed answer. Without any, or after the last, the caller gets the error.",
    fields: &[
        either(
            "to",
            Kind::Name(Named::Provider),
            "\"edge\"",
            "Another provider of the same dialect, to which a conduit of its own leads from the same zones. What may go there is decided anew.",
        ),
        either(
            "answer",
            Kind::Text,
            "\"The assistant is not available. Follow the work instruction at the machine.\"",
            "A text that is given as the answer, in the caller's dialect, streamed if the call was.",
        ),
        may("model", Kind::Text, "\"llama-3.1-8b\"", "The model to ask at `to`, where the caller's has another name."),
        may(
            "on",
            any(&ANY_TROUBLE),
            "[\"unreachable\", \"slow\"]",
            "The troubles that it is for: `unreachable` (no connection, no credential, or left alone by its breaker), `slow` (no answer in time), \
             `limited` (429), `failing` (5xx), `denied` (401 to 403), `broken` (it broke off, or what came is no answer), `unsafe` (the answer is too large, or \
             was stopped). Without this key, all but `unsafe`.",
        ),
    ],
};

pub(crate) static BREAKER: Section = Section {
    path: "providers.<provider>.breaker",
    noun: "breaker",
    about: "When a provider is left alone: after so many failures, if they are at least half of what ended, its calls fail at once, or go where their \
            conduit falls back to. After a rest one call at a time is tried, and the first that goes well ends it. Without this table there is no breaker; an \
            empty one has the defaults.",
    fields: &[
        may("failures", Kind::Count { low: 1, high: 10_000 }, "5", "So many failures open it."),
        may("within", Kind::Time { low: SECOND, high: HOUR }, "\"30s\"", "The time in which they are counted."),
        may(
            "rest",
            Kind::Time { low: 100, high: HOUR },
            "\"10s\"",
            "How long the provider is left alone at first. Each trial that fails doubles it.",
        ),
        may("longest", Kind::Time { low: 100, high: 24 * HOUR }, "\"5m\"", "The longest that it is left alone."),
    ],
};
