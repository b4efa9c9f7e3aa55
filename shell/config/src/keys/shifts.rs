//! The keys of shifts: when a change in calls is one to tell of.

use crate::table::{Kind, Section, may};

pub(crate) static SHIFTS: Section = Section {
    path: "shifts",
    noun: "shifts",
    about: "When a change in what a workload asks of a model and gets from it is one to tell of. The last calls are compared with those before; \
            a shift must both stand out from chance and be large.",
    fields: &[
        may("watch", Kind::Flag, "false", "Whether calls are watched at all."),
        may("calls", Kind::Count { low: 10, high: 10_000 }, "50", "Calls that are compared at a time."),
        may(
            "baseline",
            Kind::Count { low: 2, high: 100 },
            "8",
            "How many times as many must have passed before anything is said.",
        ),
        may("deviation", Kind::Count { low: 3, high: 100 }, "8", "Standard errors by which a shift must stand out."),
        may(
            "share",
            Kind::Count { low: 1, high: 100 },
            "15",
            "The least change of a share, in percentage points: of calls that are refused, fail, repeat, hold a label, are in a language.",
        ),
        may("factor", Kind::Count { low: 2, high: 1000 }, "2", "How many times as large or as small a size must be."),
    ],
};
