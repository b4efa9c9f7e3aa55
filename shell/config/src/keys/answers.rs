//! The keys of what may come back across a conduit.

use super::map::names;
use crate::table::{Kind, Named, Section, WILDCARD, any, list, may, must};

static ACTS: [&str; 4] = names(&plant::Act::NAMES);
/// What is done with what leads elsewhere, or acts.
static TAKEN: [&str; 2] = ["remove", "allow"];
static WARNINGS: [&str; 4] = names(&plant::Deed::NAMES);
/// What is done with what may not be seen.
static WITHHELD: [&str; 2] = ["redact", "refuse"];

static ANY_WILDCARD: Kind = Kind::Form(&WILDCARD);

pub(crate) static ANSWERS: Section = Section {
    path: "conduits.<conduit>.answers",
    noun: "answers",
    about: "What may come back across a conduit. A model that was talked into something does harm through what its answer makes others \
            do: a viewer fetch an image, a person follow a link or an advice, a program call a tool.",
    fields: &[
        may(
            "hosts",
            any(&ANY_WILDCARD),
            "[\"docs.works.example\", \"*.plant.example\"]",
            "The hosts that images and links may lead to; `*` stands for any run of characters. Paths without a host may always stay.",
        ),
        may(
            "images",
            Kind::OneOf(&TAKEN),
            "\"remove\"",
            "Images that lead to other hosts, in Markdown and HTML, and `data:` images. A viewer fetches them unasked, and tells the host \
             whatever stands in the address.",
        ),
        may(
            "links",
            Kind::OneOf(&TAKEN),
            "\"remove\"",
            "Links that lead to other hosts: their text stays, with the name of the host behind it.",
        ),
        may(
            "addresses",
            Kind::OneOf(&TAKEN),
            "\"remove\"",
            "Bare addresses (`https://...`) of other hosts, which some viewers make links of. Where answers hold code, leave them.",
        ),
        may(
            "markup",
            Kind::OneOf(&TAKEN),
            "\"remove\"",
            "Active HTML (scripts, frames, forms, event handlers), and characters that nobody sees.",
        ),
        may(
            "unsafe",
            Kind::OneOf(&WARNINGS),
            "\"block\"",
            "Sentences that tell how to defeat a safeguard (`bypass the interlock`): `record` them, `annotate` them in the text, or `block` \
             the answer there.",
        ),
        may(
            "tools",
            list(&ANY_WILDCARD),
            "[\"read_*\"]",
            "The tools that an answer may call; another one ends it before anything of the call is released. Without this key, any.",
        ),
        may(
            "withhold",
            Kind::Rows(&WITHHOLD),
            "[{ label = \"secret\", do = \"redact\" }]",
            "What those who read the answers may not see. The first entry whose label fits decides. Texts are then released line by line.",
        ),
        may(
            "violate",
            Kind::OneOf(&ACTS),
            "\"block\"",
            "Of a value for a tag of `[[limits]]` that is outside them: `allow` counts it in the record, `annotate` puts a note behind it where it stands \
             in a text, `block` ends the answer with an error. `hold` is for a person to decide; as nobody can be asked yet, it ends the answer too, and \
             its error says so.",
        ),
        may(
            "unresolved",
            Kind::OneOf(&ACTS),
            "\"annotate\"",
            "Of what cannot be held against them: a unit that is not known, a change from a value that is not known, `to the maximum`.",
        ),
    ],
};

pub(crate) static WITHHOLD: Section = Section {
    path: "conduits.<conduit>.answers.withhold",
    noun: "entry",
    about: "What is done with findings of one label or family of labels in an answer.",
    fields: &[
        must("label", Kind::Name(Named::Label), "\"secret\"", "The label, or the family that it begins with."),
        must("do", Kind::OneOf(&WITHHELD), "\"redact\"", "`redact` blacks it out, `refuse` ends the answer there."),
    ],
};
