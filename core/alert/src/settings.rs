//! Where alerts go, as the plant file says.

use crate::{Alert, Code, Eyes, Severity, Site, Terms, Watch};
use ledger::Entry;
use plant::{CredentialReference, DestinationId, Kind, Millis, Plant, Sensitivity};
use std::path::PathBuf;
use std::time::Duration;

/// Where alerts go, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name in the plant file.
    pub id: DestinationId,
    /// How it is reached.
    pub way: Way,
    /// What is less urgent is not told there.
    pub at_least: Severity,
    /// How long equal sightings after the first are counted before they are told as one.
    pub window: Duration,
    /// Most alerts in a minute; the others are counted.
    pub per_minute: u32,
    /// From which sensitivity of a call on what is found in it is an alert.
    pub findings: Sensitivity,
    /// A PEM file of authorities to trust in place of the system's.
    pub authorities: Option<PathBuf>,
    /// What it is proved with: the secret that a webhook's messages are signed with, the password of an account for mail.
    pub credential: Option<CredentialReference>,
}

impl Destination {
    /// What it wants to hear.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { at_least: self.at_least, window: self.window, per_minute: self.per_minute }
    }

    /// Takes notice of a record at `now`; gives what is to be told at once.
    pub fn hear(
        &self,
        entry: &Entry,
        (eyes, watch): (&mut Eyes, &mut Watch),
        plant: &Plant,
        site: &Site,
        now: Millis,
    ) -> Vec<Alert> {
        let terms = self.terms();
        let mut told = Vec::new();
        if entry.kind() == Some(Kind::Boot) {
            // A gateway that starts leaves no provider alone and can write; what it finds otherwise it records anew.
            for code in [Code::BreakerOpen, Code::LedgerDisk] {
                told.extend(watch.end(code, |_| false, &terms, site, now));
            }
        }
        let seen = eyes.look(entry, plant, self.findings);
        told.extend(seen.and_then(|seen| watch.see(seen, &terms, site, now)));
        told
    }
}

/// How a destination is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A collector of syslog.
    Syslog {
        /// Over what.
        transport: Transport,
        /// Host, without brackets.
        host: String,
        /// Port.
        port: u16,
        /// What the message is.
        form: Form,
    },
    /// A program that takes a POST of JSON.
    Webhook {
        /// Its whole URL.
        url: String,
    },
    /// A mail server.
    Mail {
        /// Host, without brackets.
        host: String,
        /// Port.
        port: u16,
        /// Whether TLS begins at once (RFC 8314); otherwise by STARTTLS, without which nothing is sent.
        implicit: bool,
        /// Whom mails are from.
        from: String,
        /// Whom they are for.
        recipients: Vec<String>,
        /// The account, if the server wants one; its password is the credential.
        user: Option<String>,
        /// Least time between two mails; what comes meanwhile is in the next.
        digest: Duration,
    },
}

/// What syslog travels over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS (RFC 5425).
    Tls,
    /// TCP in the clear (RFC 6587).
    Tcp,
    /// UDP (RFC 5426): whether anything arrives nobody knows.
    Udp,
}

/// What a message of syslog is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ArcSight Common Event Format.
    Cef,
    /// Structured data of RFC 5424.
    Rfc5424,
    /// The same JSON as a webhook's.
    Json,
}

impl Form {
    /// Every form with its name in the plant file.
    pub const NAMES: [(&'static str, Self); 3] = [("cef", Self::Cef), ("rfc5424", Self::Rfc5424), ("json", Self::Json)];
}
