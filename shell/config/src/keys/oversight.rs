//! The keys of oversight: who must say what was done with an answer, and which web pages may tell.

use crate::table::{Kind, Named, PAGE_ORIGIN, Section, any, may};

static ANY_ORIGIN: Kind = Kind::Form(&PAGE_ORIGIN);
static ANY_WORKLOAD: Kind = Kind::Name(Named::Workload);

const SECOND: u64 = 1_000;
const DAY: u64 = 24 * 3_600 * SECOND;

pub(crate) static OVERSIGHT: Section = Section {
    path: "oversight",
    noun: "oversight",
    about: "Where people account for what they did with answers: `POST /penstock/v1/oversight` on the addresses for calls.",
    fields: &[may(
        "origins",
        any(&ANY_ORIGIN),
        "[\"https://hmi.brewery-north.example\"]",
        "The origins of web pages whose scripts may account for answers straight from a browser (CORS). A page of any other is refused; \
         programs that are no browsers send no origin, and need no entry.",
    )],
};

pub(crate) static CONDUIT_OVERSIGHT: Section = Section {
    path: "conduits.<conduit>.oversight",
    noun: "oversight",
    about: "How the answers of a conduit are accounted for: accepted, edited, rejected, overridden or stopped, and by whom.",
    fields: &[
        may(
            "required",
            Kind::Flag,
            "true",
            "Somebody must account for each answer of a model. One for which nobody does in time becomes an `alert` in the ledger.",
        ),
        may(
            "within",
            Kind::Time { low: SECOND, high: DAY },
            "\"5m\"",
            "The time for it, from the end of the answer. Later is still taken, and recorded as late.",
        ),
        may(
            "until",
            Kind::Time { low: SECOND, high: 31 * DAY },
            "\"24h\"",
            "How long after its end an answer can be accounted for at all.",
        ),
        may(
            "by",
            any(&ANY_WORKLOAD),
            "[\"panel\"]",
            "The workloads that may account for it besides the one that called: the panel in front of people, where another program calls.",
        ),
        may(
            "proved",
            Kind::Flag,
            "true",
            "Whoever accounts for it must be proved by an operator token of their own (`Penstock-Operator`).",
        ),
    ],
};
