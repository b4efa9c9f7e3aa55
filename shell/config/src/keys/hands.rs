//! The keys of what people do with a running gateway: the console, and control.

use crate::table::{APPROVER, Kind, ORIGIN, PATH, SOCKET, Section, TIME_ZONE, any, list, may, must};

static TEXT: Kind = Kind::Text;
static APPROVERS: Kind = Kind::Form(&APPROVER);
static BY_TWO: [&str; 2] = ["isolate", "restore"];
static ANY_BY_TWO: Kind = Kind::OneOf(&BY_TWO);

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

pub(crate) static CONSOLE: Section = Section {
    path: "console",
    noun: "console",
    about: "Where people reach a running gateway over the network: the API that `penstock isolate`, `restore`, `holds` and `reload` use, \
            described by itself at `/api/v1/openapi.json`. On the gateway's own machine its own user needs none of this: a socket in the \
            ledger's folder is always there.",
    fields: &[
        may(
            "listen",
            Kind::Form(&SOCKET),
            "\"127.0.0.1:9465\"",
            "Address and port. On a loopback address plain HTTP is spoken, on any other HTTPS with the gateway's certificate.",
        ),
        may(
            "tokens",
            Kind::Form(&PATH),
            "\"console.json\"",
            "The file of hashed tokens of people and programs that control the gateway, which `penstock admin token` keeps.",
        ),
        may(
            "url",
            Kind::Form(&ORIGIN),
            "\"https://gate-1.brewery-north.example:9465\"",
            "What people's browsers reach the console by, if that is not `listen` itself: the issuer sends them back there, and one-time \
             links lead there.",
        ),
        may(
            "time_zone",
            Kind::Form(&TIME_ZONE),
            "\"Europe/Berlin\"",
            "The plant's time zone, by its name in the IANA database: the console's pages show times in it.",
        ),
        may("login", Kind::Table(&CONSOLE_LOGIN), "", "How people sign in at the operators' issuer."),
        may("roles", Kind::Table(&CONSOLE_ROLES), "", "Which operators of the issuer have which role."),
    ],
};

pub(crate) static CONSOLE_LOGIN: Section = Section {
    path: "console.login",
    noun: "login",
    about: "How people sign in at the console's pages: at the issuer of `[operators]`, by the authorization code flow with PKCE. The issuer \
            has to know the console as a client that is sent back to `/signed-in` of its `url`.",
    fields: &[
        must(
            "client",
            Kind::Text,
            "\"penstock-console\"",
            "The console's client id at the issuer; one of the `audiences` of `[operators]`.",
        ),
        may(
            "secret",
            Kind::Form(&PATH),
            "\"secrets/console-login.key\"",
            "A file whose first line is the client's secret, readable by its owner only. A public client has none.",
        ),
        may("scopes", list(&TEXT), "[\"openid\", \"groups\"]", "What is asked for; `openid` is one of them."),
    ],
};

pub(crate) static CONSOLE_ROLES: Section = Section {
    path: "console.roles",
    noun: "roles",
    about: "What an operator's token has to state in the claim of roles (`roles_claim` of `[operators]`) for each role. Who states none \
            of them has no role and sees nothing.",
    fields: &[
        may("viewer", any(&TEXT), "[\"plant-staff\"]", "Sees how the gateway stands, without content."),
        may("operator", any(&TEXT), "[\"shift-lead\"]", "Also isolates, and decides holds."),
        may(
            "engineer",
            any(&TEXT),
            "[\"ot-engineering\"]",
            "Also sees the content of held calls, restores, and has changes read in.",
        ),
        may("security", any(&TEXT), "[\"ot-security\"]", "The same as an engineer."),
        may("auditor", any(&TEXT), "[\"audit\"]", "Sees everything, changes nothing."),
        may(
            "administrator",
            any(&TEXT),
            "[\"it-platform\"]",
            "Isolates, restores, has changes read in; sees no content and decides no holds.",
        ),
    ],
};

pub(crate) static CONTROL: Section = Section {
    path: "control",
    noun: "control",
    about: "What takes two people, who approves changes of the plant, and how long calls wait for a person.",
    fields: &[
        may(
            "approvals",
            Kind::Count { low: 0, high: 16 },
            "2",
            "How many of `approvers` must have signed a changed plant file, with its rules, before it comes into force: what is said \
             here holds for the plant that replaces this one.",
        ),
        may(
            "approvers",
            any(&APPROVERS),
            "[\"ada+ee2f453d+Af8VT5xsneqX6sodUtpfQ4a0e4Kss8Bs/p4xP3hlQshL\", \"ben+0c3ecca5+AWqRWUhytld0kFg6wLjPfAlm//FzqMbY+6hjazOHeglT\"]",
            "The public keys of those who may sign a change: what `penstock approve key` prints, one for each person.",
        ),
        may(
            "approver_for",
            any(&ANY_BY_TWO),
            "[\"restore\"]",
            "What needs two people: the first asks, and it is done when another one asks for the same within the hour.",
        ),
        may(
            "hold_for",
            Kind::Time { low: SECOND, high: 24 * HOUR },
            "\"5m\"",
            "How long a held call waits for a person; then it is refused.",
        ),
        may(
            "holds",
            Kind::Count { low: 1, high: 10_000 },
            "64",
            "Most calls that wait for a person at a time; more are refused as `too-busy`.",
        ),
    ],
};
