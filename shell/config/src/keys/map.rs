//! The keys of the plant's map: zones, what calls from them, providers, and the conduits between the two.

use super::answers::ANSWERS;
use super::components::{HASHES, LICENCE, PACKAGE, VERSION};
use super::sources::ANY_SOURCE;
use super::{API, BREAKER, CONDUIT_OVERSIGHT, FALLBACK, GRPC, PRICES, QUEUE};
use crate::table::{
    CERTIFICATE, COUNTRY, ENVIRONMENT, Field, HOST, Kind, NETWORK, Named, Need, PATH, Section, URL, WILDCARD, any,
    either, list, may, must,
};

/// The names of a list of names and values.
#[expect(clippy::indexing_slicing, reason = "the index stays below N")]
pub(super) const fn names<T: Copy, const N: usize>(pairs: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = pairs[index].0;
        index += 1;
    }
    names
}

static DIALECTS: [&str; plant::Dialect::NAMES.len()] = names(&plant::Dialect::NAMES);
static KEEPS: [&str; 2] = names(&plant::Keep::NAMES);
static ATTACHMENTS: [&str; 2] = names(&plant::Attachments::NAMES);
static IMAGES: [&str; 4] = names(&plant::Images::NAMES);
static WRITING: [&str; 3] = names(&plant::Writing::NAMES);
static OPAQUE_FILES: [&str; 2] = names(&plant::OpaqueFiles::NAMES);
static CRITICALITIES: [&str; 4] = names(&plant::Criticality::NAMES);
/// Every verdict that handling can name.
static DEEDS: [&str; 7] = names(&plant::Verdict::NAMES);
static TOKENS: [&str; 2] = names(&plant::Tokens::NAMES);

static UNAPPROVED: [&str; 3] = names(&plant::Unapproved::NAMES);

const GIB: u64 = 1 << 30;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

static WORD: Kind = Kind::Word;
static TEXT: Kind = Kind::Text;
static ANY_ZONE: Kind = Kind::Name(Named::Zone);
static ANY_WORKLOAD: Kind = Kind::Name(Named::Workload);
static ANY_NETWORK: Kind = Kind::Form(&NETWORK);
static ANY_CERTIFICATE: Kind = Kind::Form(&CERTIFICATE);
static ANY_HOST: Kind = Kind::Form(&HOST);
static ANY_WILDCARD: Kind = Kind::Form(&WILDCARD);

pub(crate) static ZONE: Section = Section {
    path: "zones.<zone>",
    noun: "zone",
    about: "An IEC 62443 zone: assets that share one security level. A call belongs to the zone whose network it comes from, so no two \
            zones may share an address.",
    fields: &[
        may("title", Kind::Text, "\"Filling line 2\"", "What people call it."),
        may(
            "external",
            Kind::Flag,
            "false",
            "It is not part of the plant (a cloud): it has no networks, and no calls come from it.",
        ),
        Field {
            key: "networks",
            kind: list(&ANY_NETWORK),
            need: Need::Unless("external"),
            example: "[\"10.20.2.0/24\"]",
            about: "The addresses of its assets, in CIDR form.",
        },
        Field {
            key: "level",
            kind: Kind::Level,
            need: Need::Unless("external"),
            example: "2",
            about: "Its level in the Purdue reference model: 0, 1, 2, 3, 3.5 (the industrial DMZ), 4 or 5. An external zone is at 5.",
        },
        Field {
            key: "sl_t",
            kind: Kind::Table(&SECURITY_LEVELS),
            need: Need::Unless("external"),
            example: "{ iac = 2, uc = 2, si = 2, dc = 2, rdf = 3, tre = 2, ra = 2 }",
            about: "SL-T, the security level that it is to reach, for each foundational requirement.",
        },
        Field {
            key: "criticality",
            kind: Kind::OneOf(&CRITICALITIES),
            need: Need::Unless("external"),
            example: "\"high\"",
            about: "How bad it is when it fails: an inconvenience, lost production, damage or a long stop, danger to people.",
        },
        must("owner", Kind::Text, "\"OT operations, filling\"", "Who answers for it."),
    ],
};

pub(crate) static SECURITY_LEVELS: Section = Section {
    path: "zones.<zone>.sl_t",
    noun: "sl_t",
    about: "The security level from 0 to 4 that a zone is to reach, for each foundational requirement of IEC 62443-3-3.",
    fields: &[
        must("iac", Kind::Count { low: 0, high: 4 }, "2", "FR 1: identification and authentication control."),
        must("uc", Kind::Count { low: 0, high: 4 }, "2", "FR 2: use control."),
        must("si", Kind::Count { low: 0, high: 4 }, "2", "FR 3: system integrity."),
        must("dc", Kind::Count { low: 0, high: 4 }, "2", "FR 4: data confidentiality."),
        must("rdf", Kind::Count { low: 0, high: 4 }, "3", "FR 5: restricted data flow."),
        must("tre", Kind::Count { low: 0, high: 4 }, "2", "FR 6: timely response to events."),
        must("ra", Kind::Count { low: 0, high: 4 }, "2", "FR 7: resource availability."),
    ],
};

pub(crate) static WORKLOAD: Section = Section {
    path: "workloads.<workload>",
    noun: "workload",
    about: "A software process that calls AI. It is proved by a client certificate or by a token (`penstock token issue`). Without \
            `owner`, `update_process` and `isolation_plan` it is on file, but its calls are refused as `ungoverned`.",
    fields: &[
        may("title", Kind::Text, "\"Vision station, bottle inspection\"", "What people call it."),
        must(
            "zone",
            Kind::Name(Named::Zone),
            "\"filling\"",
            "The zone that it runs in. Its calls must come from there.",
        ),
        may(
            "certificates",
            any(&ANY_CERTIFICATE),
            "[\"spiffe://brewery-north/workload/vision\"]",
            "The names in a client certificate (SPIFFE URI or DNS name) that prove it. Compared exactly.",
        ),
        may(
            "addresses",
            any(&ANY_NETWORK),
            "[\"10.20.1.7/32\"]",
            "Addresses that prove it where nothing else does, on intercepted connections (`[intercept]`) only: the weakest evidence, and \
             recorded as `address`. Within its zone's networks.",
        ),
        must("purposes", list(&WORD), "[\"quality\"]", "What it may call AI for, in the plant's own words."),
        may(
            "sources",
            any(&ANY_SOURCE),
            "[\"line-1\"]",
            "The data sources that its calls may hold something of. Without this key, what `[plant] sources` says.",
        ),
        may(
            "deny_sources",
            any(&ANY_SOURCE),
            "[\"sis\"]",
            "The data sources that they may not, whatever else is said.",
        ),
        may("owner", Kind::Text, "\"Quality department\"", "Who answers for it."),
        may(
            "update_process",
            Kind::Text,
            "\"Vendor image, tested on line 0, rolled out monthly\"",
            "How it is kept up to date.",
        ),
        may(
            "isolation_plan",
            Kind::Text,
            "\"Pull port 7 of switch S2; inspect by hand\"",
            "How it is cut off, and what the plant does without it.",
        ),
        may("supplier", Kind::Text, "\"Vendor of the vision station\"", "The company behind it."),
        VERSION,
        LICENCE,
        HASHES,
        PACKAGE,
    ],
};

pub(crate) static WORKSTATION: Section = Section {
    path: "workstations.<workstation>",
    noun: "workstation",
    about: "A device that calls come from.",
    fields: &[
        must("zone", Kind::Name(Named::Zone), "\"control-room\"", "The zone that it stands in."),
        may(
            "certificates",
            any(&ANY_CERTIFICATE),
            "[\"panel-3.brewery-north.example\"]",
            "The names in a client certificate that prove it. Without one, a workstation is only ever asserted, and recorded so.",
        ),
    ],
};

pub(crate) static PROVIDER: Section = Section {
    path: "providers.<provider>",
    noun: "provider",
    about: "An AI service. Its name is the first step of the path that callers use: `https://GATEWAY/<provider>/...`; what follows is \
            appended to `address`.",
    fields: &[
        must(
            "dialect",
            Kind::OneOf(&DIALECTS),
            "\"openai\"",
            "The wire format that it speaks. `json` reads any JSON API.",
        ),
        may("api", Kind::Table(&API), "", "What is known of a `json` API beyond that it is JSON."),
        must(
            "address",
            Kind::Form(&URL),
            "\"https://api.openai.com\"",
            "Scheme, host, and where needed port and path.",
        ),
        may(
            "hosts",
            any(&ANY_HOST),
            "[\"api.openai.com\"]",
            "Hosts that applications call it by besides that of `address`, where connections are intercepted (`[intercept]`): with a port if \
             that is not 443. What calls one of them goes to `address`.",
        ),
        may(
            "authorities",
            Kind::Form(&PATH),
            "\"pki/edge-authority.pem\"",
            "Authorities to trust for it in place of the system's, PEM.",
        ),
        may(
            "credential",
            Kind::Table(&CREDENTIAL),
            "{ file = \"secrets/openai.key\" }",
            "Where its credential is. The credential itself is never in the plant file, and the plant's applications never see it.",
        ),
        may("grpc", Kind::Table(&GRPC), "", "That it is reached over gRPC too. Only for `kserve`."),
        must("zone", Kind::Name(Named::Zone), "\"cloud\"", "The zone that it stands in."),
        must(
            "clearance",
            Kind::Name(Named::Sensitivity),
            "\"internal\"",
            "The most sensitive content that it may ever be shown, whatever a conduit says.",
        ),
        must(
            "supplier",
            Kind::Table(&SUPPLIER),
            "{ name = \"OpenAI Ireland Ltd\", country = \"IE\" }",
            "The company behind it.",
        ),
        may("title", Kind::Text, "\"Language models of the cloud\"", "What people call it."),
        VERSION,
        LICENCE,
        HASHES,
        PACKAGE,
        may("owner", Kind::Text, "\"OT security\"", "Who answers for its use."),
        may("update_process", Kind::Text, "\"Supplier's notice, read each month\"", "How one learns that it changes."),
        may(
            "isolation_plan",
            Kind::Text,
            "\"penstock isolate provider:openai; the edge model answers\"",
            "How it is cut off, and what the plant does without it.",
        ),
        may("breaker", Kind::Table(&BREAKER), "{ failures = 5, rest = \"10s\" }", "When it is left alone."),
        may(
            "prices",
            Kind::Rows(&PRICES),
            "[{ model = \"gpt-4o*\", input = 2.5, output = 10 }]",
            "What its models cost.",
        ),
    ],
};

pub(crate) static CREDENTIAL: Section = Section {
    path: "providers.<provider>.credential",
    noun: "credential",
    about: "Where a provider's credential is: in a file or in an environment variable. Exactly one of the two.",
    fields: &[
        either(
            "file",
            Kind::Form(&PATH),
            "\"secrets/openai.key\"",
            "A file whose first line is the credential, readable by its owner only.",
        ),
        either(
            "environment",
            Kind::Form(&ENVIRONMENT),
            "\"OPENAI_API_KEY\"",
            "An environment variable of the gateway.",
        ),
    ],
};

pub(crate) static SUPPLIER: Section = Section {
    path: "providers.<provider>.supplier",
    noun: "supplier",
    about: "The company behind a provider, and whom it hands content to.",
    fields: &[
        must("name", Kind::Text, "\"OpenAI Ireland Ltd\"", "Its legal name."),
        may("country", Kind::Form(&COUNTRY), "\"IE\"", "The country of its seat (ISO 3166-1 alpha-2)."),
        may("sub_processors", any(&TEXT), "[\"Microsoft Corporation\"]", "The companies that it hands content to."),
    ],
};

pub(crate) static CONDUIT: Section = Section {
    path: "conduits.<conduit>",
    noun: "conduit",
    about: "The authorised path of AI traffic from zones to one provider. No two conduits may cover the same zone, provider, workload and purpose.",
    fields: &[
        must("from", list(&ANY_ZONE), "[\"filling\"]", "The zones that calls may come from."),
        must("to", Kind::Name(Named::Provider), "\"openai\"", "The provider that calls go to."),
        may(
            "workloads",
            list(&ANY_WORKLOAD),
            "[\"vision\"]",
            "The workloads that may use it. Without this key, every workload of the zones.",
        ),
        must("purposes", list(&WORD), "[\"quality\"]", "What it may be used for."),
        must(
            "models",
            list(&ANY_WILDCARD),
            "[\"gpt-4o\", \"gpt-4o-*\"]",
            "The models that may be asked; `*` stands for any run of characters.",
        ),
        may(
            "tools",
            any(&ANY_WILDCARD),
            "[\"read_*\"]",
            "The tools that its calls may offer to a model, or call on an MCP server, whose other tools are not listed either. Without this key, any.",
        ),
        must(
            "ceiling",
            Kind::Name(Named::Sensitivity),
            "\"internal\"",
            "The most sensitive content that may cross, after redaction and tokens.",
        ),
        may(
            "operator",
            Kind::Table(&OPERATOR),
            "{ required = true, assurance = [\"mfa\"] }",
            "Whether a person must stand behind each call.",
        ),
        may(
            "handling",
            Kind::Rows(&HANDLING),
            "[{ label = \"secret\", do = \"refuse\" }, { label = \"person\", do = \"tokenise\" }]",
            "What is done with what is found. The first entry whose label fits decides.",
        ),
        may(
            "sources",
            any(&ANY_SOURCE),
            "[\"line-1\"]",
            "The data sources that may cross, of those that the workload may use. Without this key, all of those.",
        ),
        may("deny_sources", any(&ANY_SOURCE), "[\"sis\"]", "The data sources that may not, whatever else is said."),
        may(
            "unapproved_sources",
            Kind::OneOf(&UNAPPROVED),
            "\"redact\"",
            "What is done with what a call holds of a source that its workload may not use or that may not cross: `refuse` the call, or `redact` or `tokenise` \
             it. Where nothing can be replaced the call is refused, unless `attachments` drops the file.",
        ),
        may(
            "reroute",
            Kind::Table(&REROUTE),
            "{ to = \"edge\", model = \"llama-3.1-8b\" }",
            "Where content above the ceiling goes instead of being refused.",
        ),
        may(
            "fallback",
            Kind::Rows(&FALLBACK),
            "[{ to = \"edge\", model = \"llama-3.1-8b\" }, { answer = \"The assistant is not available.\" }]",
            "What happens when the provider fails, in this order.",
        ),
        may(
            "opaque",
            any(&ANY_WILDCARD),
            "[\"/v1/batches\"]",
            "Endpoints that pass without being read, and are recorded as opaque.",
        ),
        may(
            "attachments",
            Kind::OneOf(&ATTACHMENTS),
            "\"drop\"",
            "What is done where `handling` would redact, generalise or tokenise something inside a file, where nothing can be replaced: `refuse` the \
             call, or `drop` the file and put a text in its place. The file of a form is never dropped: the call is about it.",
        ),
        may(
            "opaque_files",
            Kind::OneOf(&OPAQUE_FILES),
            "\"record\"",
            "What is done with files, or parts of them, that cannot be read because they are encrypted, of unknown kind, damaged or too large: \
             `refuse` the call, or `record` them as `attachment.opaque`, which `labels` and `handling` then judge like any other.",
        ),
        may(
            "images",
            Kind::OneOf(&IMAGES),
            "\"drop\"",
            "What is done with pictures: `strip` what they carry beside their pixels (place, time, camera, author, comments, thumbnails); \
             `downscale` or `blur` them, which strips them too; or `drop` them and put a text in their place. One that cannot be made \
             smaller or blurred is dropped. Pictures inside documents are not reached.",
        ),
        may(
            "image_side",
            Kind::Count { low: 16, high: 1 << 15 },
            "768",
            "Longest side of a picture that is downscaled or blurred, in pixels.",
        ),
        may(
            "image_detail",
            Kind::Count { low: 4, high: 4096 },
            "32",
            "How many pixels on its longer side a picture would need for what a blurred one still shows. What is finer is gone.",
        ),
        may(
            "writing",
            Kind::OneOf(&WRITING),
            "\"require\"",
            "What is done with writing in pictures, where the plant has `[ocr]`: `ignore` it; `read` it, and then a picture on which the engine fails \
             counts as a file that cannot be read; or `require` that, and then so does one that cannot be taken out of its document. A \
             conduit that reroutes or falls back does what the strictest of all does.",
        ),
        may("answers", Kind::Table(&ANSWERS), "", "What may come back."),
        may("limits", Kind::Table(&CONDUIT_LIMITS), "", "Limits of size and time."),
        may(
            "keep",
            Kind::OneOf(&KEEPS),
            "\"content\"",
            "What is kept of its calls beside their records: `nothing`, or the `content`, request as sent and answer as released, \
             sealed for the gateway and for `auditors`. It stays until `penstock erase` destroys it, or as long as its record.",
        ),
        may(
            "essential",
            Kind::Flag,
            "false",
            "Whether a bounded number of its calls may leave while the ledger cannot be written. Their records are put aside, durable and \
             signed, and come into the ledger when it works again (`emergency_bytes`).",
        ),
        may("oversight", Kind::Table(&CONDUIT_OVERSIGHT), "", "How its answers are accounted for."),
        may("queue", Kind::Table(&QUEUE), "", "How calls of an essential conduit wait for a place."),
        must("owner", Kind::Text, "\"Quality department\"", "Who answers for it."),
        must("approved_by", Kind::Text, "\"OT security, J. Brandt\"", "Who approved it."),
        may("approved_at", Kind::Moment, "2026-11-02", "When it was approved."),
        may("expires", Kind::Moment, "2027-11-02", "When the approval ends. From then on its calls are refused."),
    ],
};

pub(crate) static OPERATOR: Section = Section {
    path: "conduits.<conduit>.operator",
    noun: "operator",
    about: "Whether a person must stand behind each call of a conduit.",
    fields: &[
        may(
            "required",
            Kind::Flag,
            "true",
            "A proved operator is needed. One that is named without being needed is still checked and recorded.",
        ),
        may(
            "assurance",
            list(&TEXT),
            "[\"mfa\"]",
            "Ways to sign in (`acr` or `amr` values), one of which the issuer must state.",
        ),
    ],
};

pub(crate) static HANDLING: Section = Section {
    path: "conduits.<conduit>.handling",
    noun: "handling",
    about: "What is done with findings of one label or family of labels.",
    fields: &[
        must(
            "label",
            Kind::Name(Named::Label),
            "\"person\"",
            "The label, or the family that it begins with: `person` fits `person.email`.",
        ),
        must(
            "do",
            Kind::OneOf(&DEEDS),
            "\"tokenise\"",
            "`allow` lets it pass, `tokenise` replaces it by a stand-in that is put back in the answer, `generalise` says in general what it \
             is (`a temperature`), `redact` blacks it out, `reroute`, `hold` and `refuse` decide for the whole call. A call that is \
             held waits for a person (`[control]`, `penstock holds`), and leaves with this as it is if they approve and the ceiling allows it.",
        ),
        may(
            "tokens",
            Kind::OneOf(&TOKENS),
            "\"words\"",
            "What stand-ins look like: `words` such as `TAG_BGSVC0HAJC`, or `alike`, which have the form of what they stand for (a tag, an \
             e-mail address, an address of a network, a number) where that has one.",
        ),
    ],
};

pub(crate) static REROUTE: Section = Section {
    path: "conduits.<conduit>.reroute",
    noun: "reroute",
    about: "Where content above the ceiling goes instead: a provider of the same dialect, to which a conduit of its own leads from the same zones.",
    fields: &[
        must("to", Kind::Name(Named::Provider), "\"edge\"", "The provider."),
        may(
            "model",
            Kind::Text,
            "\"llama-3.1-8b\"",
            "The model to ask there, where the caller's model has another name.",
        ),
    ],
};

pub(crate) static CONDUIT_LIMITS: Section = Section {
    path: "conduits.<conduit>.limits",
    noun: "limits",
    about: "Limits of size and time of one exchange on a conduit.",
    fields: &[
        may(
            "request_bytes",
            Kind::Size { low: 1, high: GIB },
            "\"32MiB\"",
            "Largest request body, after content encodings are undone.",
        ),
        may("depth", Kind::Count { low: 1, high: 256 }, "64", "Deepest nesting of arrays and objects in a JSON body."),
        may("answer_bytes", Kind::Size { low: 1, high: 4 * GIB }, "\"64MiB\"", "Largest answer, streams included."),
        may("first_byte", Kind::Time { low: 1, high: HOUR }, "\"2m\"", "Longest wait for the head of the answer."),
        may("idle", Kind::Time { low: 1, high: HOUR }, "\"2m\"", "Longest silence between two pieces of an answer."),
        may("total", Kind::Time { low: 1, high: 24 * HOUR }, "\"30m\"", "Longest exchange from first byte to last."),
        may(
            "audio",
            Kind::Time { low: 1, high: 24 * HOUR },
            "\"10m\"",
            "Longest recording that a call may carry (MP3, WAV, FLAC, Ogg). With it, one whose length cannot be told is refused too. \
             Without it, any.",
        ),
    ],
};
