//! The keys of alerts: where they go, which, and how often.

use super::map::names;
use crate::table::{DESTINATION, ENVIRONMENT, Kind, MAILBOX, Named, PATH, Section, any, either, may, must};

static SEVERITIES: [&str; 5] = names(&alert::Severity::NAMES);
static FORMATS: [&str; 3] = names(&alert::Form::NAMES);
static ANY_MAILBOX: Kind = Kind::Form(&MAILBOX);

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

pub(crate) static ALERT: Section = Section {
    path: "alerts.<destination>",
    noun: "destination of alerts",
    about: "Where alerts go: findings and changes of state that somebody should hear of. They hold no content. A destination that is away delays no call; \
            it gets what it missed when it is back.",
    fields: &[
        must(
            "to",
            Kind::Form(&DESTINATION),
            "\"syslog+tls://siem.plant.example:6514\"",
            "Where: a collector of syslog (`syslog+tls://`, `syslog+tcp://` or `syslog+udp://`, host and port), a program that takes a POST of JSON (`https://`), or a mail \
             server (`smtps://`, or `smtp://` with STARTTLS, which must be there).",
        ),
        may(
            "format",
            Kind::OneOf(&FORMATS),
            "\"cef\"",
            "Only for syslog: ArcSight Common Event Format, structured data of RFC 5424, or JSON. Without this key, CEF.",
        ),
        may(
            "at_least",
            Kind::OneOf(&SEVERITIES),
            "\"high\"",
            "What is less urgent is not told there. How urgent something is depends on the zone's `criticality`.",
        ),
        may(
            "sensitivity",
            Kind::Name(Named::Sensitivity),
            "\"restricted\"",
            "From which sensitivity of a call on what was found in it is an alert, where the call went on. Without this key, the scale's highest step.",
        ),
        may(
            "window",
            Kind::Time { low: SECOND, high: 31 * 24 * HOUR },
            "\"1h\"",
            "Of equal alerts the first is sent at once, and the others as one with their number when this time is over.",
        ),
        may(
            "per_minute",
            Kind::Count { low: 1, high: 6_000 },
            "60",
            "Most alerts in a minute. More are counted, and the number is sent.",
        ),
        may(
            "authorities",
            Kind::Form(&PATH),
            "\"pki/siem.pem\"",
            "A PEM file of authorities to trust in place of the system's.",
        ),
        may(
            "credential",
            Kind::Table(&ALERT_CREDENTIAL),
            "",
            "For a webhook the secret that messages are signed with (`whsec_...`), for mail the password of `user`.",
        ),
        may("from", Kind::Form(&MAILBOX), "", "Only for mail: whom it is from."),
        may("recipients", any(&ANY_MAILBOX), "", "Only for mail: whom it is for."),
        may("user", Kind::Text, "", "Only for mail: the account, if the server asks for one."),
        may(
            "digest",
            Kind::Time { low: 0, high: 31 * 24 * HOUR },
            "",
            "Only for mail: least time between two mails. What comes meanwhile is in the next.",
        ),
    ],
};

pub(crate) static ALERT_CREDENTIAL: Section = Section {
    path: "alerts.<destination>.credential",
    noun: "credential",
    about: "Where the credential for a destination of alerts is: in a file or in an environment variable. Exactly one of the two.",
    fields: &[
        either(
            "file",
            Kind::Form(&PATH),
            "\"secrets/webhook.key\"",
            "A file whose first line is the credential, readable by its owner only.",
        ),
        either("environment", Kind::Form(&ENVIRONMENT), "\"WEBHOOK_KEY\"", "An environment variable of the gateway."),
    ],
};
