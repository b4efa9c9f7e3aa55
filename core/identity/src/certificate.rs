//! Client certificates: the names in them, and whose names those are.
//!
//! Only the subject alternative name counts. The common name is free text that an authority need not check
//! (RFC 9525 section 2), and it is never read. The chain is judged by the shell, in or after the TLS handshake;
//! the validity period is judged here as well, for every call, because a connection can outlive it.

use plant::{Millis, Reason, Refusal};
use std::collections::{BTreeSet, HashMap};
use x509_parser::certificate::X509CertificateParser;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::nom::Parser as _;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::prelude::FromDer;

/// Largest certificate in bytes. Client certificates have 1 to 2 KiB; the length of the TLS message allows 16 MiB.
const LARGEST: usize = 64 << 10;

/// Most names that are read from one certificate.
const MOST_NAMES: usize = 64;

/// Longest name. A SPIFFE ID has at most 2048 bytes (SPIFFE ID section 2.3), a DNS name 253.
const LONGEST_NAME: usize = 2048;

const SPIFFE: &str = "spiffe://";

/// What the shell found when it judged the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateState {
    /// The chain leads to the plant's authority, and everything in it was valid when it was judged.
    Valid,
    /// The chain leads to the plant's authority, but something in it is past its end or before its start.
    Expired,
    /// The chain leads elsewhere, or is broken.
    Untrusted,
}

/// A client certificate whose holder proved possession of its key. Read once for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedCertificate {
    state: CertificateState,
    /// `None` if the bytes are no certificate that we can read.
    content: Option<Content>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    names: BTreeSet<Name>,
    /// First and last second of the validity period, both included (RFC 5280 section 4.1.2.5).
    first: i64,
    last: i64,
}

/// A name, by kind: a DNS name that spells a SPIFFE ID is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Name {
    Spiffe(String),
    /// Lower-case.
    Dns(String),
}

impl PresentedCertificate {
    /// Reads the leaf of a chain, from DER. Bytes that cannot be read are kept as such, and refused when used.
    #[must_use]
    pub fn read(der: &[u8], state: CertificateState) -> Self {
        Self { state, content: read(der) }
    }

    /// Why it proves nothing at this time, if it does not.
    pub(crate) fn refusal(&self, now: Millis) -> Option<Refusal> {
        let refuse = |reason, detail: &str| Some(Refusal::new(reason, detail));
        let Some(content) = &self.content else {
            return refuse(Reason::CertificateUntrusted, "the client certificate cannot be read");
        };
        match self.state {
            CertificateState::Untrusted => {
                refuse(Reason::CertificateUntrusted, "the client certificate does not lead to the plant's authority")
            }
            CertificateState::Expired => {
                refuse(Reason::CertificateExpired, "the client certificate's chain was not valid at the handshake")
            }
            CertificateState::Valid => {
                let now = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
                let valid = (content.first..=content.last).contains(&now);
                if valid { None } else { refuse(Reason::CertificateExpired, "the client certificate is not valid now") }
            }
        }
    }

    /// When it ends.
    pub(crate) fn until(&self) -> Option<Millis> {
        let last = u64::try_from(self.content.as_ref()?.last).ok()?;
        Some(Millis(last.saturating_add(1).saturating_mul(1000)))
    }

    /// Its names, for the plant's people: at most three, cut.
    pub(crate) fn describe(&self) -> String {
        let names = self.content.iter().flat_map(|content| &content.names);
        let shown: Vec<String> = names.take(3).map(|(Name::Spiffe(name) | Name::Dns(name))| cut(name)).collect();
        if shown.is_empty() {
            return "the client certificate holds no SPIFFE ID and no DNS name".to_owned();
        }
        format!("no workload or workstation has the certificate name {}", shown.join(" or "))
    }
}

fn cut(name: &str) -> String {
    let shown: String = name.chars().take(120).flat_map(char::escape_debug).collect();
    format!("`{shown}`")
}

fn read(der: &[u8]) -> Option<Content> {
    if der.len() > LARGEST {
        return None;
    }
    // Extensions we do not need are not parsed: the less code meets foreign bytes, the better.
    let (rest, certificate) = X509CertificateParser::new().with_deep_parse_extensions(false).parse(der).ok()?;
    let mut extensions = certificate.extensions().iter().filter(|one| one.oid == OID_X509_EXT_SUBJECT_ALT_NAME);
    let (extension, second) = (extensions.next(), extensions.next());
    // RFC 5280 section 4.2: an extension stands at most once.
    if !rest.is_empty() || second.is_some() {
        return None;
    }
    let names = match extension {
        Some(extension) => names(extension.value)?,
        None => BTreeSet::new(),
    };
    let validity = certificate.validity();
    Some(Content { names, first: validity.not_before.timestamp(), last: validity.not_after.timestamp() })
}

fn names(extension: &[u8]) -> Option<BTreeSet<Name>> {
    let (rest, alternatives) = SubjectAlternativeName::from_der(extension).ok()?;
    if !rest.is_empty() || alternatives.general_names.len() > MOST_NAMES {
        return None;
    }
    let mut names = BTreeSet::new();
    let mut uris = 0_usize;
    for alternative in &alternatives.general_names {
        match alternative {
            GeneralName::URI(uri) => {
                uris = uris.saturating_add(1);
                if uri.starts_with(SPIFFE) && uri.len() <= LONGEST_NAME {
                    names.insert(Name::Spiffe((*uri).to_owned()));
                }
            }
            // A wildcard names a set of hosts, and a workload is one.
            GeneralName::DNSName(name) if !name.contains('*') && name.len() <= LONGEST_NAME => {
                names.insert(Name::Dns(name.to_ascii_lowercase()));
            }
            _ => {}
        }
    }
    // X.509-SVID section 2: an SVID has exactly one URI. One with more is not to be taken for any of them.
    if uris > 1 {
        names.retain(|name| matches!(name, Name::Dns(_)));
    }
    Some(names)
}

/// Whose name is whose.
#[derive(Debug)]
pub(crate) struct Names<T>(HashMap<Name, Vec<T>>);

impl<T: Clone + Ord> Names<T> {
    pub(crate) fn new<'a>(declared: impl Iterator<Item = (&'a T, &'a [String])>) -> Self
    where
        T: 'a,
    {
        let mut names: HashMap<Name, Vec<T>> = HashMap::new();
        for (id, texts) in declared {
            for text in texts {
                let spiffe = text.starts_with(SPIFFE);
                let name = if spiffe { Name::Spiffe(text.clone()) } else { Name::Dns(text.to_ascii_lowercase()) };
                names.entry(name).or_default().push(id.clone());
            }
        }
        Self(names)
    }

    /// Everyone whom the certificate names, each once.
    pub(crate) fn of(&self, certificate: &PresentedCertificate) -> Vec<&T> {
        let names = certificate.content.iter().flat_map(|content| &content.names);
        let found: BTreeSet<&T> = names.filter_map(|name| self.0.get(name)).flatten().collect();
        found.into_iter().collect()
    }
}
