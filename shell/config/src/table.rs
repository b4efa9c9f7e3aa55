//! The table of keys: what a plant file may say, where, and in which form.
//!
//! The one source of truth. The reader walks a file along it, the JSON Schema and the reference page are written
//! from it, and the defaults are checked against it. A key that is not here does not exist.

use crate::value::{self, Fault};

/// A table of the plant file.
#[derive(Debug)]
pub(crate) struct Section {
    /// Where it stands: `zones.<zone>`.
    pub(crate) path: &'static str,
    /// What one of them is called in messages.
    pub(crate) noun: &'static str,
    /// What it is for, in a sentence or two.
    pub(crate) about: &'static str,
    /// Its keys, in the order in which a person would write them.
    pub(crate) fields: &'static [Field],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) key: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Whether it must be there.
    pub(crate) need: Need,
    /// A value that it could have, in TOML. Empty for tables.
    pub(crate) example: &'static str,
    /// What it says.
    pub(crate) about: &'static str,
}

/// Whether a key must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Always.
    Must,
    /// Unless this flag of the same table is set.
    Unless(&'static str),
    /// Exactly one of the keys of the table that are marked so.
    Either,
    /// Not at all; the defaults may hold a value.
    May,
}

/// What a key takes.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Text for people.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Count { low: u64, high: u64 },
    /// A size with its unit, or a number of bytes.
    Size { low: u64, high: u64 },
    /// A duration with its unit; bounds in milliseconds.
    Time { low: u64, high: u64 },
    /// A date, or a date and time with its offset.
    Moment,
    /// A Purdue level, as a number or a text.
    Level,
    /// A new name: the plant's own word for something.
    Word,
    /// The name of something that the plant file declares.
    Name(Named),
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A text of a certain form.
    Form(&'static Form),
    /// Several, in order.
    List { of: &'static Kind, least: usize },
    /// A table.
    Table(&'static Section),
    /// Tables by name.
    Tables(&'static Section, Named),
    /// Tables in order.
    Rows(&'static Section),
    /// Values by name.
    Map(Named, &'static Kind),
}

/// What a name can be the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    Zone,
    Workload,
    Workstation,
    Provider,
    Conduit,
    Sensitivity,
    Label,
}

impl Named {
    /// The word for one of them.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Workload => "workload",
            Self::Workstation => "workstation",
            Self::Provider => "provider",
            Self::Conduit => "conduit",
            Self::Sensitivity => "sensitivity",
            Self::Label => "label",
        }
    }

    /// How one is declared.
    pub(crate) fn declaration(self, name: &str) -> String {
        match self {
            Self::Zone => format!("[zones.{name}]"),
            Self::Workload => format!("[workloads.{name}]"),
            Self::Workstation => format!("[workstations.{name}]"),
            Self::Provider => format!("[providers.{name}]"),
            Self::Conduit => format!("[conduits.{name}]"),
            Self::Sensitivity => format!("sensitivity = [..., \"{name}\"]"),
            Self::Label => format!("[dictionary.{name}]"),
        }
    }
}

/// A form that a text has.
#[derive(Debug)]
pub(crate) struct Form {
    /// What it is, with its article.
    pub(crate) what: &'static str,
    /// Says what is wrong with a text, if anything is.
    pub(crate) check: fn(&str) -> Result<(), Fault>,
    /// A regular expression for editors: never stricter than `check`.
    pub(crate) pattern: &'static str,
}

pub(crate) static NETWORK: Form =
    Form { what: "a network", check: |text| value::network(text).map(drop), pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$" };
pub(crate) static SOCKET: Form =
    Form { what: "an address and port", check: |text| value::socket(text).map(drop), pattern: ":[0-9]{1,5}$" };
pub(crate) static URL: Form =
    Form { what: "a URL", check: |text| value::url(text).map(drop), pattern: "^https?://[^?#@]+$" };
pub(crate) static ISSUER: Form = Form { what: "an issuer's URL", check: value::issuer, pattern: "^https?://[^?#@]+$" };
pub(crate) static URL_OR_PATH: Form = Form { what: "a URL or a file", check: value::url_or_path, pattern: "^[^~]" };
pub(crate) static PATH: Form = Form { what: "a file or folder", check: value::path, pattern: "^[^~]" };
pub(crate) static CERTIFICATE: Form = Form {
    what: "a certificate name",
    check: value::certificate_name,
    pattern: "^(spiffe://[^A-Z/]+/.+|[a-z0-9._-]+)$",
};
pub(crate) static COUNTRY: Form = Form { what: "a country code", check: value::country, pattern: "^[A-Z]{2}$" };
pub(crate) static ENVIRONMENT: Form =
    Form { what: "an environment variable", check: value::environment, pattern: "^[A-Za-z_][A-Za-z0-9_]*$" };
pub(crate) static ALGORITHM: Form = Form {
    what: "a signature algorithm",
    check: value::algorithm,
    pattern: "^(ES(256|384)|EdDSA|[PR]S(256|384|512))$",
};
pub(crate) static WILDCARD: Form =
    Form { what: "a name, in which `*` stands for anything", check: value::wildcard, pattern: "^.{1,256}$" };

/// The names of a list of names and values.
#[expect(clippy::indexing_slicing, reason = "the index stays below N")]
const fn names<T: Copy, const N: usize>(pairs: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = pairs[index].0;
        index += 1;
    }
    names
}

static DIALECTS: [&str; 5] = names(&plant::Dialect::NAMES);
static CRITICALITIES: [&str; 4] = names(&plant::Criticality::NAMES);
/// Every verdict that handling can name. `hold` waits for a person, and has no place to wait yet.
static DEEDS: [&str; 5] = ["allow", "tokenise", "redact", "reroute", "refuse"];

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

static WORD: Kind = Kind::Word;
static TEXT: Kind = Kind::Text;
static ANY_ZONE: Kind = Kind::Name(Named::Zone);
static ANY_WORKLOAD: Kind = Kind::Name(Named::Workload);
static ANY_SENSITIVITY: Kind = Kind::Name(Named::Sensitivity);
static ANY_NETWORK: Kind = Kind::Form(&NETWORK);
static ANY_SOCKET: Kind = Kind::Form(&SOCKET);
static ANY_PATH: Kind = Kind::Form(&PATH);
static ANY_CERTIFICATE: Kind = Kind::Form(&CERTIFICATE);
static ANY_ALGORITHM: Kind = Kind::Form(&ALGORITHM);
static ANY_WILDCARD: Kind = Kind::Form(&WILDCARD);

const fn must(key: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field { key, kind, need: Need::Must, example, about }
}

const fn may(key: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field { key, kind, need: Need::May, example, about }
}

const fn either(key: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field { key, kind, need: Need::Either, example, about }
}

const fn list(of: &'static Kind) -> Kind {
    Kind::List { of, least: 1 }
}

const fn any(of: &'static Kind) -> Kind {
    Kind::List { of, least: 0 }
}

/// The whole file.
pub(crate) static FILE: Section = Section {
    path: "",
    noun: "plant file",
    about: "One TOML file describes a plant: its zones, what calls AI in them, which AI services there are, and the conduits \
            between the two. What no conduit allows is closed.",
    fields: &[
        must("plant", Kind::Table(&PLANT), "", "The site."),
        may("gateway", Kind::Table(&GATEWAY), "", "How this gateway runs."),
        must("zones", Kind::Tables(&ZONE, Named::Zone), "", "The IEC 62443 zones."),
        may("workloads", Kind::Tables(&WORKLOAD, Named::Workload), "", "The software that calls AI."),
        may("workstations", Kind::Tables(&WORKSTATION, Named::Workstation), "", "The devices that calls come from."),
        may("operators", Kind::Table(&OPERATORS), "", "Who vouches for operators."),
        may("providers", Kind::Tables(&PROVIDER, Named::Provider), "", "The AI services."),
        may("conduits", Kind::Tables(&CONDUIT, Named::Conduit), "", "The authorised paths."),
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
            "true",
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
            "The folder of `gateway.key`, which signs the ledger, and `plant.key`, from which pseudonyms and tokens are derived.",
        ),
        may(
            "tokens",
            Kind::Form(&PATH),
            "\"tokens.json\"",
            "The file of workload tokens, hashed; `penstock token` writes it.",
        ),
        may("limits", Kind::Table(&GATEWAY_LIMITS), "", "What the gateway takes at most."),
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
            "drain_timeout",
            Kind::Time { low: 0, high: 24 * HOUR },
            "\"30s\"",
            "Longest a stopping gateway waits for exchanges under way.",
        ),
    ],
};

pub(crate) static TELEMETRY: Section = Section {
    path: "gateway.telemetry",
    noun: "telemetry",
    about: "Where OpenTelemetry traces go. They hold no content.",
    fields: &[
        must("otlp", Kind::Form(&URL), "\"http://127.0.0.1:4318\"", "The collector's OTLP endpoint over HTTP."),
        may("service", Kind::Text, "\"penstock\"", "The `service.name` of the traces."),
    ],
};

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
            "true",
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
        must("purposes", list(&WORD), "[\"quality\"]", "What it may call AI for, in the plant's own words."),
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
            "Where the issuer's keys (JWKS) are: a URL, or a file for plants without internet.",
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
        must(
            "address",
            Kind::Form(&URL),
            "\"https://api.openai.com\"",
            "Scheme, host, and where needed port and path.",
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
            "reroute",
            Kind::Table(&REROUTE),
            "{ to = \"edge\", model = \"llama-3.1-8b\" }",
            "Where content above the ceiling goes instead of being refused.",
        ),
        may(
            "opaque",
            any(&ANY_WILDCARD),
            "[\"/v1/batches\"]",
            "Endpoints that pass without being read, and are recorded as opaque.",
        ),
        may("limits", Kind::Table(&CONDUIT_LIMITS), "", "Limits of size and time."),
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
            "`allow` lets it pass, `tokenise` replaces it by a stand-in that is put back in the answer, `redact` blacks it out, \
             `reroute` and `refuse` decide for the whole call.",
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
    ],
};

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
        may("disabled", any(&WORD), "[\"person.phone\"]", "Built-in rules to switch off, by name."),
        may(
            "findings",
            Kind::Count { low: 1, high: 1_000_000 },
            "32768",
            "Most findings in one message. A message with more is refused: it cannot be handled finding by finding.",
        ),
    ],
};

pub(crate) static RULES: Section = Section {
    path: "rules",
    noun: "rules",
    about: "The plant's own rules, in the Cedar policy language. They can only forbid: no rule permits what no conduit allows.",
    fields: &[may("files", any(&ANY_PATH), "[\"rules/shifts.cedar\"]", "The rule files.")],
};

/// Every section, in the order of the file.
pub(crate) static SECTIONS: [&Section; 21] = [
    &FILE,
    &PLANT,
    &GATEWAY,
    &GATEWAY_LIMITS,
    &TELEMETRY,
    &ZONE,
    &SECURITY_LEVELS,
    &WORKLOAD,
    &WORKSTATION,
    &OPERATORS,
    &PROVIDER,
    &CREDENTIAL,
    &SUPPLIER,
    &CONDUIT,
    &OPERATOR,
    &HANDLING,
    &REROUTE,
    &CONDUIT_LIMITS,
    &DICTIONARY,
    &INSPECTION,
    &RULES,
];
