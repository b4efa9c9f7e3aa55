//! The keys of data sources: what each is made of.

use crate::table::{Kind, Named, Section, any, may, must};

/// What holds for a workload that says nothing of sources.
pub(super) static UNSAID: [&str; 2] = ["any", "none"];

static TEXT: Kind = Kind::Text;
static WORD: Kind = Kind::Word;
pub(super) static ANY_SOURCE: Kind = Kind::Name(Named::Source);

pub(crate) static SOURCE: Section = Section {
    path: "sources.<source>",
    noun: "source",
    about: "A part of the plant's data under one name, found in whatever a call holds. Workloads and conduits say which sources they may use (`sources`) and \
            which they may not (`deny_sources`); a call with something of another is refused as `source-denied`, and told which. Patterns are names as \
            they stand; `*` stands for a part of a name, behind at least three letters or digits. Case does not matter, nor which of `.`, `/`, `\\`, `|`, `:`, `_`, `-` \
            joins the parts. What belongs to two sources is of both.",
    fields: &[
        may("title", Kind::Text, "\"Line 1, filling\"", "What people call it."),
        may(
            "tags",
            any(&TEXT),
            "[\"AREA1.TIC101.*\", \"ns=2;s=Line1.Oven.*\", \"[default]Line1/*\"]",
            "Its tags, as control systems, OPC UA or Ignition name them.",
        ),
        may(
            "paths",
            any(&TEXT),
            "['\\\\PISRV01\\L1-*', '\\\\AFSRV\\Brewery\\Line 1\\*']",
            "Its points and elements in historians and asset frameworks.",
        ),
        may(
            "documents",
            any(&WORD),
            "[\"recipes\"]",
            "Collections of registered documents (`penstock fingerprint add --collection`). What repeats a passage of one is of the source.",
        ),
        may(
            "tables",
            any(&TEXT),
            "[\"mes.orders\", \"mes.batch_*\"]",
            "Its tables and views in databases, with their schema; also found as SQL quotes them.",
        ),
        must(
            "sensitivity",
            Kind::Name(Named::Sensitivity),
            "\"confidential\"",
            "How sensitive it makes content, also where it may be used.",
        ),
        must("owner", Kind::Text, "\"OT operations, filling\"", "Who answers for it."),
    ],
};
