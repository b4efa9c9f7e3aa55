//! What the table of keys is made of: sections, fields, and the forms that values have. `keys` holds the table.

use crate::alerts;
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
    /// A number, with or without a fraction, of either sign.
    Number,
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
    Source,
    Quota,
    Destination,
    Component,
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
            Self::Source => "source",
            Self::Quota => "quota",
            Self::Destination => "destination of alerts",
            Self::Component => "component",
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
            Self::Source => format!("[sources.{name}]"),
            Self::Quota => format!("[quotas.{name}]"),
            Self::Destination => format!("[alerts.{name}]"),
            Self::Component => format!("[components.{name}]"),
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
pub(crate) static ORIGIN: Form =
    Form { what: "a URL without a path", check: value::origin, pattern: "^https?://[^/?#@]+/?$" };
pub(crate) static TIME_ZONE: Form = Form {
    what: "the name of a time zone",
    check: value::time_zone,
    pattern: "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$",
};
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
pub(crate) static MODEL: Form =
    Form { what: "the name of a model", check: value::model, pattern: "^[A-Za-z0-9_]{1,32}$" };
pub(crate) static ENVIRONMENT: Form =
    Form { what: "an environment variable", check: value::environment, pattern: "^[A-Za-z_][A-Za-z0-9_]*$" };
pub(crate) static RECIPIENT: Form = Form {
    what: "a public key that content is sealed for",
    check: value::recipient,
    pattern: "^x25519:[A-Za-z0-9+/]{43}=$",
};
pub(crate) static APPROVER: Form = Form {
    what: "a public key that changes are approved with",
    check: |text| value::approver(text).map(drop),
    pattern: "^[A-Za-z0-9._-]+[+][0-9a-f]{8}[+][A-Za-z0-9+/]{44}$",
};
pub(crate) static SIGNING: Form =
    Form { what: "a key in a device", check: |text| value::signing(text).map(drop), pattern: "^[pP][kK][cC][sS]11:" };
pub(crate) static ALGORITHM: Form = Form {
    what: "a signature algorithm",
    check: value::algorithm,
    pattern: "^(ES(256|384)|EdDSA|[PR]S(256|384|512))$",
};
pub(crate) static WILDCARD: Form =
    Form { what: "a name, in which `*` stands for anything", check: value::wildcard, pattern: "^.{1,256}$" };

pub(crate) static TIME_SERVER: Form =
    Form { what: "a time server", check: |text| value::time_server(text).map(drop), pattern: "^[^/?#@]+$" };
pub(crate) static HOST: Form = Form {
    what: "a host",
    check: |text| value::host(text).map(drop),
    pattern: "^([a-zA-Z0-9._-]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]{1,5})?$",
};
pub(crate) static PAGE_ORIGIN: Form = Form {
    what: "an origin of web pages",
    check: value::page_origin,
    pattern: "^https?://([a-z0-9._-]+|\\[[0-9a-f:.]+\\])(:[0-9]{1,5})?$",
};
pub(crate) static HOST_NAME: Form = Form {
    what: "a host without a port",
    check: |text| value::host_name(text).map(drop),
    pattern: "^([a-zA-Z0-9._-]+|\\[[0-9a-fA-F:.]+\\])$",
};
pub(crate) static CALL: Form = Form {
    what: "a call",
    check: value::call,
    pattern: "^[A-Za-z0-9._-]+ (GET|POST|PUT|PATCH|DELETE) /[A-Za-z0-9._{}/-]+$",
};
pub(crate) static JSON_PATH: Form = Form { what: "a path in JSON", check: value::json_path, pattern: "^[^.\\[\\]*$]" };
pub(crate) static SINGLE_PATH: Form =
    Form { what: "a path in JSON to one value", check: value::single_path, pattern: "^[^\\[\\]*$]+$" };
pub(crate) static ERROR: Form = Form { what: "an error in JSON", check: value::error, pattern: "^\\s*\\{" };

pub(crate) static DESTINATION: Form = Form {
    what: "a destination of alerts",
    check: |text| alerts::address(text).map(drop),
    pattern: "^(https?|smtps?|syslog[+](tls|tcp|udp))://[^?#@]+$",
};
pub(crate) static MAILBOX: Form = Form {
    what: "an address of mail",
    check: |text| alerts::mailbox(text).map(drop),
    pattern: "^[!-?A-~]+@[A-Za-z0-9._-]+$",
};

pub(crate) static HASH: Form = Form {
    what: "a digest",
    check: value::hash,
    pattern: "^(md5|sha-?[0-9]+(-[0-9]+)?|blake2b-[0-9]+|blake3):[0-9a-f]{32,128}$",
};

pub(crate) static PURL: Form = Form { what: "a package URL", check: value::purl, pattern: "^pkg:[^/]+/.+$" };

pub(crate) static UNIT: Form = Form { what: "a unit", check: value::unit, pattern: "^\\S.*$" };

pub(crate) const fn must(key: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field { key, kind, need: Need::Must, example, about }
}

pub(crate) const fn may(key: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field { key, kind, need: Need::May, example, about }
}

pub(crate) const fn either(key: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field { key, kind, need: Need::Either, example, about }
}

pub(crate) const fn list(of: &'static Kind) -> Kind {
    Kind::List { of, least: 1 }
}

pub(crate) const fn any(of: &'static Kind) -> Kind {
    Kind::List { of, least: 0 }
}
