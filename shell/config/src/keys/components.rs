//! The keys of the inventory: what the plant uses of AI beside workloads and providers, and what all of it needs.

use super::map::names;
use crate::table::{Field, HASH, Kind, Named, PURL, Section, WILDCARD, any, may, must};
use inventory::ComponentKind;

static KINDS: [&str; 6] = names(&ComponentKind::DECLARED);
static UNLISTED: [&str; 2] = ["live", "draft"];
static REQUIRED: [&str; 3] = ["provider", "model", "library"];
static ANY_REQUIRED: Kind = Kind::OneOf(&REQUIRED);
static ANY_HASH: Kind = Kind::Form(&HASH);
static ANY_WILDCARD: Kind = Kind::Form(&WILDCARD);
static ANY_WORKLOAD: Kind = Kind::Name(Named::Workload);
static ANY_PROVIDER: Kind = Kind::Name(Named::Provider);

/// What every component can say of itself.
pub(crate) const VERSION: Field = may("version", Kind::Text, "\"2024-08-06\"", "Its version.");
pub(crate) const LICENCE: Field =
    may("licence", Kind::Text, "\"Apache-2.0\"", "Its licence, best as an SPDX expression.");
pub(crate) const HASHES: Field = may(
    "hashes",
    any(&ANY_HASH),
    "[\"sha-256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"]",
    "Digests of what is installed: the algorithm as CycloneDX names it, a colon, lower-case hexadecimal.",
);
pub(crate) const PACKAGE: Field = may(
    "purl",
    Kind::Form(&PURL),
    "\"pkg:huggingface/meta-llama/Llama-3.1-8B\"",
    "Its package URL, by which others know it.",
);

pub(crate) static COMPONENT: Section = Section {
    path: "components.<component>",
    noun: "component",
    about: "What the plant uses of AI beside its workloads and providers, which are components by their own tables: models, libraries, edge nodes, containers, connectors, \
            identities. A call that uses one without an owner, an update process or an isolation plan is refused as `ungoverned`.",
    fields: &[
        must("kind", Kind::OneOf(&KINDS), "\"model\"", "What it is."),
        may("title", Kind::Text, "\"GPT-4o of the copilot\"", "What it is, for people."),
        may("provider", Kind::Name(Named::Provider), "\"openai\"", "Of a model: who serves it. Without this key, any."),
        may(
            "names",
            any(&ANY_WILDCARD),
            "[\"gpt-4o\", \"gpt-4o-mini\"]",
            "Of a model or a library: what calls name it by; `*` stands for any run of characters. Without this key, its own name.",
        ),
        may(
            "versions",
            any(&ANY_WILDCARD),
            "[\"gpt-4o-2024-*\"]",
            "Of a model: what its provider may say that answered; of a library, the versions that calls may be made with. What else is seen is told of as a mismatch. Without \
             this key, any.",
        ),
        may("workloads", any(&ANY_WORKLOAD), "", "Of the other kinds: the workloads that stand on it."),
        may("providers", any(&ANY_PROVIDER), "", "Of the other kinds: the providers that stand on it."),
        VERSION,
        may("supplier", Kind::Text, "\"OpenAI Ireland Ltd\"", "The company or project behind it."),
        LICENCE,
        HASHES,
        PACKAGE,
        may("owner", Kind::Text, "\"Production, day shift\"", "Who answers for it."),
        may(
            "update_process",
            Kind::Text,
            "\"Release notes of the supplier, tried off line\"",
            "How it is kept up to date.",
        ),
        may(
            "isolation_plan",
            Kind::Text,
            "\"Suspend it; the edge model answers\"",
            "How it is cut off, and what the plant does without it.",
        ),
    ],
};

pub(crate) static GOVERNANCE: Section = Section {
    path: "governance",
    noun: "governance",
    about: "What components need before calls use them, and who says so. The life cycle of a component (draft, approved, live, suspended, retired) is changed by \
            `penstock inventory sign`, with the keys of `approvers` of `[control]`.",
    fields: &[
        may(
            "unlisted",
            Kind::OneOf(&UNLISTED),
            "\"draft\"",
            "Where a component stands that nobody has signed a step of: `live`, so that calls use it, or `draft`, so that none does.",
        ),
        may(
            "require",
            any(&ANY_REQUIRED),
            "[\"provider\", \"model\"]",
            "Of what else than workloads every call needs one that is declared with owner, update process and isolation plan: `provider`, `model`, `library`. What is not is refused as \
             `ungoverned`.",
        ),
        may(
            "approvals",
            Kind::Count { low: 1, high: 16 },
            "2",
            "How many approvers sign a step. Without this key as many as a change of the plant file takes, and at least one.",
        ),
        may(
            "contact",
            Kind::Text,
            "\"ot-security@springwell.example\"",
            "Who answers for the inventory, an e-mail address or a URL: it stands in the bills of materials that are exported.",
        ),
    ],
};
