//! The table of keys: what a plant file may say, where, and in which form.
//!
//! The one source of truth. The reader walks a file along it, the JSON Schema and the reference page are written
//! from it, and the defaults are checked against it. A key that is not here does not exist. Zones, callers,
//! providers and conduits are in `map`, console and control in `hands`, witnesses in `witnesses`.

mod alerts;
mod answers;
mod components;
mod failing;
mod hands;
mod intercept;
mod map;
mod ocr;
mod oversight;
mod quotas;
mod reading;
mod services;
mod shifts;
mod sources;
mod witnesses;

use crate::table::{
    ALGORITHM, ISSUER, Kind, Named, PATH, RECIPIENT, SIGNING, SOCKET, Section, TIME_SERVER, UNIT, URL, URL_OR_PATH,
    any, list, may, must,
};
pub(crate) use alerts::{ALERT, ALERT_CREDENTIAL};
pub(crate) use answers::{ANSWERS, WITHHOLD};
pub(crate) use components::{COMPONENT, GOVERNANCE};
pub(crate) use failing::{BREAKER, FALLBACK};
pub(crate) use hands::{CONSOLE, CONSOLE_LOGIN, CONSOLE_ROLES, CONTROL};
pub(crate) use intercept::INTERCEPT;
pub(crate) use map::{
    CONDUIT, CONDUIT_LIMITS, CREDENTIAL, HANDLING, OPERATOR, PROVIDER, REROUTE, SECURITY_LEVELS, SUPPLIER, WORKLOAD,
    WORKSTATION, ZONE,
};
pub(crate) use ocr::OCR;
pub(crate) use oversight::{CONDUIT_OVERSIGHT, OVERSIGHT};
pub(crate) use quotas::{PRICES, QUEUE, QUOTA};
pub(crate) use reading::{DICTIONARY, INSPECTION};
pub(crate) use services::{API, GRPC};
pub(crate) use shifts::SHIFTS;
pub(crate) use sources::SOURCE;
pub(crate) use witnesses::{WITNESS, WITNESSES};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

static WORD: Kind = Kind::Word;
static TEXT: Kind = Kind::Text;
static ANY_SENSITIVITY: Kind = Kind::Name(Named::Sensitivity);
static ANY_SOCKET: Kind = Kind::Form(&SOCKET);
static ANY_PATH: Kind = Kind::Form(&PATH);
static ANY_ALGORITHM: Kind = Kind::Form(&ALGORITHM);
static ANY_RECIPIENT: Kind = Kind::Form(&RECIPIENT);
static ANY_TIME_SERVER: Kind = Kind::Form(&TIME_SERVER);

/// The whole file.
pub(crate) static FILE: Section = Section {
    path: "",
    noun: "plant file",
    about: "One TOML file describes a plant: its zones, what calls AI in them, which AI services there are, and the conduits \
            between the two. What no conduit allows is closed.",
    fields: &[
        must("plant", Kind::Table(&PLANT), "", "The site."),
        may("gateway", Kind::Table(&GATEWAY), "", "How this gateway runs."),
        may("intercept", Kind::Table(&INTERCEPT), "", "Connections that are taken over."),
        may("witnesses", Kind::Table(&WITNESSES), "", "Who signs the heads of this gateway's ledger."),
        may("witness", Kind::Table(&WITNESS), "", "This gateway as a witness of others."),
        may("console", Kind::Table(&CONSOLE), "", "Where people reach this gateway while it runs."),
        may("oversight", Kind::Table(&OVERSIGHT), "", "Where people account for what they did with answers."),
        may("control", Kind::Table(&CONTROL), "", "What takes two people, and how long calls wait for one."),
        must("zones", Kind::Tables(&ZONE, Named::Zone), "", "The IEC 62443 zones."),
        may("workloads", Kind::Tables(&WORKLOAD, Named::Workload), "", "The software that calls AI."),
        may("workstations", Kind::Tables(&WORKSTATION, Named::Workstation), "", "The devices that calls come from."),
        may("operators", Kind::Table(&OPERATORS), "", "Who vouches for operators."),
        may("providers", Kind::Tables(&PROVIDER, Named::Provider), "", "The AI services."),
        may("components", Kind::Tables(&COMPONENT, Named::Component), "", "What else the plant uses of AI."),
        may("governance", Kind::Table(&GOVERNANCE), "", "What components need before calls use them."),
        may("conduits", Kind::Tables(&CONDUIT, Named::Conduit), "", "The authorised paths."),
        may("alerts", Kind::Tables(&ALERT, Named::Destination), "", "Where alerts go."),
        may(
            "sources",
            Kind::Tables(&SOURCE, Named::Source),
            "",
            "The parts of the plant's data that workloads may use or not.",
        ),
        may("quotas", Kind::Tables(&QUOTA, Named::Quota), "", "How much may be used, and by whom."),
        may(
            "labels",
            Kind::Map(Named::Label, &ANY_SENSITIVITY),
            "",
            "How sensitive each label makes content: a label or family of labels on the left (`secret`, `person`, `person.email`, a word of \
             the dictionary), a step of the plant's scale on the right. The longest label that fits decides. What is not said here \
             has a default, which moves along the plant's own scale: the lowest, the highest, or the step in between, rounded up.",
        ),
        may(
            "dictionary",
            Kind::Tables(&DICTIONARY, Named::Label),
            "",
            "The plant's own words that must be recognised.",
        ),
        may("inspection", Kind::Table(&INSPECTION), "", "How content is read."),
        may("ocr", Kind::Table(&OCR), "", "What reads writing in pictures."),
        may(
            "limits",
            Kind::Rows(&TAG_LIMIT),
            "",
            "The limits of tags, which what an answer recommends is held against.",
        ),
        may("shifts", Kind::Table(&SHIFTS), "", "When a change in the calls of a workload is one to tell of."),
        may("rules", Kind::Table(&RULES), "", "The plant's own rules, in Cedar."),
    ],
};

pub(crate) static PLANT: Section = Section {
    path: "plant",
    noun: "plant",
    about: "The site, and this gateway within it. Both names are part of every record.",
    fields: &[
        must(
            "name",
            Kind::Word,
            "\"brewery-north\"",
            "The site's name: part of every record and of the ledger's origin. Never change it.",
        ),
        may(
            "gateway",
            Kind::Word,
            "\"gate-1\"",
            "This gateway's name within the site; each gateway has a ledger of its own.",
        ),
        may(
            "sensitivity",
            Kind::List { of: &WORD, least: 2 },
            "[\"public\", \"internal\", \"confidential\", \"restricted\"]",
            "The plant's scale of sensitivity, from what anyone may know to what must not leave: 2 to 16 steps.",
        ),
        may(
            "sources",
            Kind::OneOf(&sources::UNSAID),
            "\"none\"",
            "What a workload may use that says nothing of `sources`: `any` source that is not denied to it, or `none`.",
        ),
    ],
};

pub(crate) static GATEWAY: Section = Section {
    path: "gateway",
    noun: "gateway",
    about: "How this gateway runs: where it listens, and where its files are. Relative paths begin at the plant's folder.",
    fields: &[
        may("listen", any(&ANY_SOCKET), "[\"10.20.35.10:8443\"]", "Where HTTPS is spoken, HTTP/1.1 and HTTP/2."),
        may(
            "plain_http",
            any(&ANY_SOCKET),
            "[\"127.0.0.1:8080\"]",
            "Where HTTP is spoken without TLS. Only loopback addresses, unless `plain_http_beyond_loopback` is set.",
        ),
        may(
            "plain_http_beyond_loopback",
            Kind::Flag,
            "false",
            "Allows `plain_http` on other addresses than loopback: workload tokens and prompts then travel in the clear.",
        ),
        may(
            "admin",
            Kind::Form(&SOCKET),
            "\"127.0.0.1:9464\"",
            "Where `/healthz`, `/readyz` and `/metrics` are served, in plain HTTP.",
        ),
        may("certificate", Kind::Form(&PATH), "\"pki/gateway.pem\"", "The gateway's certificate chain, PEM."),
        may("key", Kind::Form(&PATH), "\"pki/gateway.key\"", "The private key of `certificate`, PEM."),
        may(
            "client_authority",
            Kind::Form(&PATH),
            "\"pki/authority.pem\"",
            "The authorities whose client certificates prove workloads, PEM.",
        ),
        may("ledger", Kind::Form(&PATH), "\"ledger\"", "The folder of the ledger."),
        may(
            "keys",
            Kind::Form(&PATH),
            "\"keys\"",
            "The folder of `gateway.key`, which signs the ledger, `plant.key`, by which people are found and from which tokens are derived, and \
             `epoch.seed`, which the gateway replaces each day: it must be able to write there.",
        ),
        may(
            "signing",
            Kind::Form(&SIGNING),
            "\"pkcs11:token=penstock;object=gateway?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:keys/hsm.pin\"",
            "The key in a device that signs the ledger, in place of `gateway.key`: a PKCS #11 URI (RFC 7512). Token, key, module and the \
             file of the PIN must be named.",
        ),
        may(
            "tokens",
            Kind::Form(&PATH),
            "\"tokens.json\"",
            "The file of workload tokens, hashed; `penstock token` writes it.",
        ),
        may(
            "documents",
            Kind::Form(&PATH),
            "\"documents.prints\"",
            "The file of registered documents, as keyed fingerprints; `penstock fingerprint` writes it. Nothing is known again without it.",
        ),
        may(
            "tables",
            Kind::Form(&PATH),
            "\"tables.match\"",
            "The file of registered tables, as keyed prints of their values; `penstock match` writes it. Without it no value is looked for.",
        ),
        may(
            "pictures",
            Kind::Form(&PATH),
            "\"pictures.looks\"",
            "The file of registered pictures, by how they look; `penstock image` writes it. Without it no picture is known again.",
        ),
        may(
            "tools",
            Kind::Form(&PATH),
            "\"tools.json\"",
            "The file of approved tools of MCP servers; `penstock mcp` writes it. No tool is open without it.",
        ),
        may(
            "auditors",
            any(&ANY_RECIPIENT),
            "[\"x25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\"]",
            "Who besides the gateway can open content that conduits `keep`: public keys, at most 15. `penstock seal` makes them.",
        ),
        may(
            "time_servers",
            any(&ANY_TIME_SERVER),
            "[\"10.20.35.5\", \"ntp.plant.example\"]",
            "NTP servers that the machine's clock is compared with, about once a minute, so that records say how far their time may be \
             off (`clk.bound`). The clock itself is never set: that is for the machine's own time service.",
        ),
        may("limits", Kind::Table(&GATEWAY_LIMITS), "", "What the gateway takes at most."),
        may("retention", Kind::Table(&RETENTION), "", "How long records are kept."),
        may("telemetry", Kind::Table(&TELEMETRY), "", "Where traces go. Without this table, nowhere."),
    ],
};

pub(crate) static GATEWAY_LIMITS: Section = Section {
    path: "gateway.limits",
    noun: "limits",
    about: "What the gateway takes at most, whatever conduit a call is on.",
    fields: &[
        may(
            "header_bytes",
            Kind::Size { low: KIB, high: MIB },
            "\"64KiB\"",
            "Largest head of a request: request line and headers.",
        ),
        may(
            "header_timeout",
            Kind::Time { low: 100, high: 10 * MINUTE },
            "\"10s\"",
            "Longest wait for the whole head of a request.",
        ),
        may(
            "idle_timeout",
            Kind::Time { low: SECOND, high: 24 * HOUR },
            "\"2m\"",
            "Longest a connection stays open without a call.",
        ),
        may("connections", Kind::Count { low: 1, high: 1_000_000 }, "10000", "Most connections at once."),
        may(
            "exchanges",
            Kind::Count { low: 1, high: 1_000_000 },
            "4096",
            "Most exchanges at once; what comes beyond is refused as `too-busy`.",
        ),
        may(
            "bodies",
            Kind::Size { low: 16 * MIB, high: 1024 * 1024 * MIB },
            "\"1GiB\"",
            "Most bytes of prompts and answers that are held whole, of all exchanges together; what comes beyond is refused as `too-busy`.",
        ),
        may(
            "drain_timeout",
            Kind::Time { low: 0, high: 24 * HOUR },
            "\"30s\"",
            "Longest a stopping gateway waits for exchanges under way.",
        ),
        may(
            "emergency_bytes",
            Kind::Size { low: 64 * KIB, high: 1024 * MIB },
            "\"4MiB\"",
            "Room for records of `essential` conduits while the ledger cannot be written. A call takes about 8 KiB.",
        ),
    ],
};

pub(crate) static RETENTION: Section = Section {
    path: "gateway.retention",
    noun: "retention",
    about: "How long records are kept. The gateway looks once a day, and `penstock prune` whenever it is asked.",
    fields: &[
        may(
            "keep_for",
            Kind::Time { low: 24 * HOUR, high: 36_500 * 24 * HOUR },
            "\"1095d\"",
            "Records that are older are removed with what is sealed of them, 256 at a time, the oldest first. Without it, none are.",
        ),
        may(
            "floor",
            Kind::Time { low: 24 * HOUR, high: 36_500 * 24 * HOUR },
            "\"183d\"",
            "The shortest that `keep_for` may be. Regulation (EU) 2024/1689, Article 26(6), asks deployers of high-risk AI for six months.",
        ),
    ],
};

pub(crate) static TELEMETRY: Section = Section {
    path: "gateway.telemetry",
    noun: "telemetry",
    about: "Where OpenTelemetry traces go. They hold no content.",
    fields: &[
        must(
            "otlp",
            Kind::Form(&URL),
            "\"http://127.0.0.1:4318\"",
            "The collector's OTLP endpoint over HTTP or HTTPS.",
        ),
        may(
            "authorities",
            Kind::Form(&PATH),
            "\"pki/collector-authority.pem\"",
            "Authorities to trust for it in place of the system's, PEM.",
        ),
        may("service", Kind::Text, "\"penstock\"", "The `service.name` of the traces."),
    ],
};

pub(crate) static OPERATORS: Section = Section {
    path: "operators",
    noun: "operators",
    about: "The OpenID Connect issuer that vouches for operators. An application passes the operator's token in the `Penstock-Operator` header.",
    fields: &[
        must(
            "issuer",
            Kind::Form(&ISSUER),
            "\"https://login.brewery-north.example/realms/plant\"",
            "The exact `iss` claim.",
        ),
        must(
            "audiences",
            list(&TEXT),
            "[\"penstock\"]",
            "The `aud` claims that are accepted; a token needs one of them.",
        ),
        must(
            "keys",
            Kind::Form(&URL_OR_PATH),
            "\"https://login.brewery-north.example/realms/plant/keys\"",
            "Where the issuer's keys (JWKS) are: a URL (of the keys, or of the discovery document), or a file for plants without internet.",
        ),
        may(
            "authorities",
            Kind::Form(&PATH),
            "\"pki/login-authority.pem\"",
            "Authorities to trust for that URL in place of the system's, PEM.",
        ),
        may("algorithms", list(&ANY_ALGORITHM), "[\"ES256\"]", "The signature algorithms that are accepted."),
        may(
            "subject_claim",
            Kind::Text,
            "\"sub\"",
            "The claim that names the person. The ledger holds only a pseudonym of it.",
        ),
        may("roles_claim", Kind::Text, "\"groups\"", "The claim that holds roles or groups, for rules to ask for."),
        may("leeway_seconds", Kind::Count { low: 0, high: 300 }, "30", "How far the issuer's clock may be off."),
    ],
};

pub(crate) static TAG_LIMIT: Section = Section {
    path: "limits",
    noun: "limit",
    about: "The limits of one tag. What answers recommend for it, in text, tables, data, code and tool calls, is held against them; what becomes of \
            an answer that does not keep them, each conduit says under `answers`.",
    fields: &[
        must(
            "tag",
            Kind::Text,
            "\"TIC-101\"",
            "The tag. Case does not matter, nor what joins its parts: `tic_101` is the same.",
        ),
        may("aliases", any(&TEXT), "[\"reactor temperature\"]", "What else it is called."),
        must(
            "unit",
            Kind::Form(&UNIT),
            "\"Cel\"",
            "The unit of the values here: a UCUM code, or what the field writes (`°C`, `barg`, `rpm`).",
        ),
        may("low", Kind::Number, "20", "The lowest value that may be recommended."),
        may("high", Kind::Number, "180.5", "The highest."),
        may("step", Kind::Number, "5", "The largest change: at once, or within each `window` where that is given."),
        may(
            "window",
            Kind::Time { low: SECOND, high: 24 * HOUR },
            "\"1m\"",
            "The time in which a change of `step` is allowed: makes of it the steepest ramp.",
        ),
        may(
            "modes",
            any(&TEXT),
            "[\"manual\"]",
            "The modes of operation in which a value may be recommended at all. Which one it is must stand in the conversation.",
        ),
        may("interlocked", Kind::Flag, "false", "Whether nothing may be recommended for it, ever."),
    ],
};

pub(crate) static RULES: Section = Section {
    path: "rules",
    noun: "rules",
    about: "The plant's own rules, in the Cedar policy language. They can only forbid: no rule permits what no conduit allows.",
    fields: &[may("files", any(&ANY_PATH), "[\"rules/shifts.cedar\"]", "The rule files.")],
};

/// Every section, in the order of the file.
pub(crate) static SECTIONS: &[&Section] = &[
    &FILE,
    &PLANT,
    &GATEWAY,
    &GATEWAY_LIMITS,
    &RETENTION,
    &TELEMETRY,
    &INTERCEPT,
    &WITNESSES,
    &WITNESS,
    &CONSOLE,
    &CONSOLE_LOGIN,
    &CONSOLE_ROLES,
    &CONTROL,
    &OVERSIGHT,
    &ZONE,
    &SECURITY_LEVELS,
    &WORKLOAD,
    &WORKSTATION,
    &OPERATORS,
    &PROVIDER,
    &API,
    &GRPC,
    &CREDENTIAL,
    &SUPPLIER,
    &BREAKER,
    &PRICES,
    &COMPONENT,
    &GOVERNANCE,
    &CONDUIT,
    &OPERATOR,
    &HANDLING,
    &ANSWERS,
    &WITHHOLD,
    &REROUTE,
    &FALLBACK,
    &CONDUIT_LIMITS,
    &CONDUIT_OVERSIGHT,
    &QUEUE,
    &QUOTA,
    &ALERT,
    &ALERT_CREDENTIAL,
    &SOURCE,
    &DICTIONARY,
    &INSPECTION,
    &OCR,
    &TAG_LIMIT,
    &SHIFTS,
    &RULES,
];
