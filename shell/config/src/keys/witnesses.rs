//! The keys of witnesses: who signs the heads of this gateway's ledger, and whose heads it signs.

use crate::table::{Kind, PATH, SOCKET, Section, any, may, must};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

static ANY_SOCKET: Kind = Kind::Form(&SOCKET);

pub(crate) static WITNESSES: Section = Section {
    path: "witnesses",
    noun: "witnesses",
    about: "Who signs the heads of this gateway's ledger, so that nobody can cut off its end, put it back from a backup or go on with a \
            copy without being seen. Without this table nobody is asked over the network.",
    fields: &[
        must(
            "policy",
            Kind::Form(&PATH),
            "\"trust/policy\"",
            "The C2SP tlog-policy that auditors use too: `witness NAME KEY URL` for each witness that is asked, `group`s that count \
             organisations, and a `quorum`. Witnesses without a URL sign by files that people carry.",
        ),
        may(
            "every",
            Kind::Time { low: SECOND, high: 24 * HOUR },
            "\"1m\"",
            "Least time between two heads that they are asked to sign.",
        ),
        may(
            "warn_after",
            Kind::Time { low: SECOND, high: 365 * 24 * HOUR },
            "\"1h\"",
            "How long a record may wait until enough of them have signed a head that covers it; beyond it the log warns.",
        ),
        may(
            "authorities",
            Kind::Form(&PATH),
            "\"pki/witness-authority.pem\"",
            "Authorities to trust for `https://` URLs in place of the system's, PEM.",
        ),
    ],
};

pub(crate) static WITNESS: Section = Section {
    path: "witness",
    noun: "witness",
    about: "This gateway as a witness of others: it signs the heads that their gateways send, by C2SP tlog-witness. The best witness of a \
            plant is another plant.",
    fields: &[
        may(
            "listen",
            any(&ANY_SOCKET),
            "[\"10.20.35.10:7443\"]",
            "Where HTTPS is spoken, with the gateway's certificate.",
        ),
        may(
            "plain_http",
            any(&ANY_SOCKET),
            "[\"10.20.35.10:7380\"]",
            "Where HTTP is spoken without TLS. That is safe: both sides sign what they say, and none of it is secret.",
        ),
        may(
            "key",
            Kind::Form(&PATH),
            "\"keys/witness.key\"",
            "The witness's private key; `penstock witness key` makes one.",
        ),
        may(
            "state",
            Kind::Form(&PATH),
            "\"witness\"",
            "The folder of what it has signed. Never put it back from a backup: a witness must not forget.",
        ),
        must(
            "logs",
            Kind::Form(&PATH),
            "\"trust/peers\"",
            "The public keys of the ledgers that it looks after: their `trust/ledger.vkey`, one after the other.",
        ),
    ],
};
