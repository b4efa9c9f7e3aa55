//! The keys of how content is read: the plant's own words, tag schemes and rules.

use crate::table::{Kind, Named, PATH, Section, any, may};

static WORD: Kind = Kind::Word;
static TEXT: Kind = Kind::Text;
static ANY_PATH: Kind = Kind::Form(&PATH);

static DECIMALS: [&str; 3] = ["point", "comma", "either"];

pub(crate) static DICTIONARY: Section = Section {
    path: "dictionary.<label>",
    noun: "dictionary",
    about: "Words of the plant that must be recognised: products, recipes, customers, projects. The table's name is the label that they get.",
    fields: &[
        may(
            "terms",
            any(&TEXT),
            "[\"Brewhouse Gold\", \"Project Amber\"]",
            "Words and phrases, found without regard to case, as whole words.",
        ),
        may(
            "patterns",
            any(&TEXT),
            "['RCP-[0-9]{4}']",
            "Regular expressions. They run in linear time: no look-around, no back-references.",
        ),
        may(
            "sensitivity",
            Kind::Name(Named::Sensitivity),
            "\"confidential\"",
            "How sensitive they make content. Needed, unless `[labels]` says it.",
        ),
    ],
};

pub(crate) static INSPECTION: Section = Section {
    path: "inspection",
    noun: "inspection",
    about: "How content is read, beyond what is built in.",
    fields: &[
        may(
            "tags",
            any(&TEXT),
            "['[A-Z]{2}[0-9]{2}-[A-Z]{3}-[0-9]{3}']",
            "Regular expressions of the plant's tag numbering schemes. What they match is labelled `tag`.",
        ),
        may(
            "ignore",
            any(&TEXT),
            "[\"info@brewery-north.example\"]",
            "Texts that are never a finding, compared whole and without case.",
        ),
        may(
            "decimal",
            Kind::OneOf(&DECIMALS),
            "\"comma\"",
            "How numbers are written where one separator may be either, as in `1.250`: with a decimal `point` or `comma`. With `either`, as the \
             language of the text has it, and where that does not show both ways, of which the worse counts.",
        ),
        may("disabled", any(&WORD), "[\"person.phone\"]", "Built-in rules to switch off, by name."),
        may(
            "detectors",
            any(&ANY_PATH),
            "[\"detectors.toml\"]",
            "Files with detection rules of the plant's own, in TOML.",
        ),
        may(
            "findings",
            Kind::Count { low: 1, high: 1_000_000 },
            "32768",
            "Most findings in one message. A message with more is refused: it cannot be handled finding by finding.",
        ),
    ],
};
