//! The keys of `[intercept]`: connections of applications whose base URL cannot be changed.

use crate::table::{HOST, Kind, PATH, SOCKET, Section, any, may};

static ANY_SOCKET: Kind = Kind::Form(&SOCKET);
static ANY_HOST: Kind = Kind::Form(&HOST);

static ENCRYPTED: [&str; 2] = ["refuse", "decline"];

pub(crate) static INTERCEPT: Section = Section {
    path: "intercept",
    noun: "interception",
    about: "For applications whose base URL cannot be changed: the gateway as their proxy, or in their way. A host tells the provider, by its \
            `address` or its `hosts`; every other host is refused. `penstock intercept init` makes the authority that callers must trust.",
    fields: &[
        may(
            "proxy",
            any(&ANY_SOCKET),
            "[\"10.20.35.10:3128\"]",
            "Where it is an HTTP proxy, spoken to in the clear: what goes through its tunnels is TLS all the same.",
        ),
        may(
            "proxy_tls",
            any(&ANY_SOCKET),
            "[\"10.20.35.10:3129\"]",
            "Where it is an HTTP proxy that is spoken to by TLS, with the gateway's certificate; callers may prove themselves with theirs.",
        ),
        may(
            "transparent",
            any(&ANY_SOCKET),
            "[\"10.20.35.10:3130\"]",
            "Where the network hands over connections that were meant for somebody else: by nftables `redirect` or `tproxy`, or by a name \
             that leads here.",
        ),
        may(
            "certificate",
            Kind::Form(&PATH),
            "\"pki/intercept.pem\"",
            "The authority that issues the certificates which callers are shown, PEM: an intermediate for the hosts of the providers and no others.",
        ),
        may("key", Kind::Form(&PATH), "\"pki/intercept.key\"", "The private key of `certificate`, PEM."),
        may(
            "authorities",
            Kind::Form(&PATH),
            "\"pki/intercept-authorities.pem\"",
            "The authorities that callers must trust, PEM. The proxy gives them to whoever asks for `/authorities.pem`.",
        ),
        may(
            "pinned",
            any(&ANY_HOST),
            "[\"telemetry.vendor.example\"]",
            "Hosts of providers whose connections pass unread, because their applications believe one certificate only. They are recorded as \
             not inspected, and need a conduit whose `opaque` opens every path.",
        ),
        may(
            "encrypted_hello",
            Kind::OneOf(&ENCRYPTED),
            "\"refuse\"",
            "What a handshake comes to that may hide another one (ECH, RFC 9849): `refuse`, or `decline`, which answers for the host that is named \
             openly. Browsers send decoys that look the same. On pinned hosts it is always refused.",
        ),
        may(
            "challenge",
            Kind::Flag,
            "false",
            "Whether a proxy caller that shows no evidence is asked for some (407) before its tunnel opens. Java and browsers show none unless \
             they are asked; callers that send their workload token as the API key need not show it to the proxy.",
        ),
    ],
};
