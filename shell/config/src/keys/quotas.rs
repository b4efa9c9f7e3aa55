//! The keys of quotas: how much of AI may be used, by whom, and what it costs.

use super::map::names;
use crate::table::{Kind, Section, WILDCARD, any, may, must};

static PER: [&str; 5] = names(&quota::Per::NAMES);
static ANY_WORD: Kind = Kind::Word;

const TERA: u64 = 1 << 40;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

pub(crate) static QUOTA: Section = Section {
    path: "quotas.<quota>",
    noun: "quota",
    about: "How much of AI may be used in a window of time. What would be more is refused as `quota-exceeded` (429) with `Retry-After`. Windows are fixed: \
            one of a day begins at midnight UTC.",
    fields: &[
        must(
            "per",
            Kind::OneOf(&PER),
            "\"workload\"",
            "Whom it counts, each by itself: each `workload`, `operator` (calls without one are not counted), `conduit` that is crossed, `provider` that is asked, or the \
             `plant` as a whole.",
        ),
        may("only", any(&ANY_WORD), "[\"copilot\"]", "Whom it concerns, by name. Without this key, everyone."),
        may(
            "window",
            Kind::Time { low: SECOND, high: 31 * 24 * HOUR },
            "\"1d\"",
            "The window in which calls, tokens, bytes and money add up.",
        ),
        may("requests", Kind::Count { low: 0, high: TERA }, "1000", "Most calls in a window."),
        may(
            "tokens",
            Kind::Count { low: 0, high: TERA },
            "500000",
            "Most tokens of prompts and answers. Before a call is sent its prompt is counted as a token for each four bytes; then as the provider counts.",
        ),
        may("bytes", Kind::Size { low: 0, high: TERA }, "\"1GiB\"", "Most bytes of prompts and answers."),
        may("money", Kind::Number, "20", "Most money, in the unit that `prices` are in."),
        may("concurrent", Kind::Count { low: 1, high: 1_000_000 }, "8", "Most calls at the same time."),
        may(
            "warn",
            Kind::Count { low: 1, high: 100 },
            "80",
            "The share of a limit, in hundredths, at which an `alert` is recorded, once in a window.",
        ),
    ],
};

pub(crate) static QUEUE: Section = Section {
    path: "conduits.<conduit>.queue",
    noun: "queue",
    about: "How calls of an `essential` conduit wait where a quota lets only so many run at the same time (`concurrent`). Calls of other conduits are refused there. \
            At most 64 of a conduit wait.",
    fields: &[
        may(
            "weight",
            Kind::Count { low: 1, high: 100 },
            "2",
            "How many turns the conduit has where another essential one has one.",
        ),
        may(
            "longest",
            Kind::Time { low: 1, high: HOUR },
            "\"10s\"",
            "The longest that a call waits; then it is refused.",
        ),
    ],
};

pub(crate) static PRICES: Section = Section {
    path: "providers.<provider>.prices",
    noun: "price",
    about: "What models of a provider cost. The first entry whose name fits holds; a model that none fits costs nothing.",
    fields: &[
        must(
            "model",
            Kind::Form(&WILDCARD),
            "\"gpt-4o*\"",
            "The models that are asked; `*` stands for any run of characters.",
        ),
        must("input", Kind::Number, "2.5", "The price of a million tokens of prompts."),
        must("output", Kind::Number, "10", "The price of a million tokens of answers."),
    ],
};
