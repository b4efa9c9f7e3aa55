//! What a request presents: the headers that carry evidence, read in one place.
//!
//! Reading decides nothing about validity. It only tells our tokens from other people's keys, and a request that
//! speaks with one voice from one that does not.

use crate::PresentedCertificate;
use plant::WorkloadId;
use std::fmt;

/// Headers in which the SDKs send their API key, lower-case: OpenAI and Ollama, Anthropic, Azure, Google.
pub const TOKEN_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// The header that carries the operator's ID or access token.
pub const OPERATOR_HEADER: &str = "penstock-operator";

/// The header in which an application names the workstation that a call is made for.
pub const WORKSTATION_HEADER: &str = "penstock-workstation";

/// How every workload token begins.
const TOKEN_PREFIX: &str = "psk_";

/// The evidence of one request. `Debug` shows what kinds came, never the secrets.
#[derive(Clone, Copy, Default)]
pub struct Presented<'a> {
    pub(crate) certificate: Option<&'a PresentedCertificate>,
    pub(crate) key: Key<'a>,
    /// The header of a key that is not one of ours.
    pub(crate) foreign_key: Option<&'static str>,
    pub(crate) operator: OperatorToken<'a>,
    pub(crate) workstation: Option<&'a str>,
    /// The workload that the caller's address stands for, if it does.
    pub(crate) address: Option<&'a WorkloadId>,
}

/// The workload token of a request.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    #[default]
    Absent,
    Token(&'a str),
    /// Two different tokens: whichever we chose, the caller could mean the other.
    Several,
}

/// The operator token of a request.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OperatorToken<'a> {
    #[default]
    Absent,
    Token(&'a str),
    /// Several headers, or bytes that no token has.
    Unreadable,
}

impl<'a> Presented<'a> {
    /// Reads the evidence from a request's headers. `lookup` gives all values of a header by its lower-case name.
    #[must_use]
    pub fn read<I>(certificate: Option<&'a PresentedCertificate>, lookup: impl Fn(&'static str) -> I) -> Self
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        let mut presented = Self { certificate, ..Self::default() };
        for header in TOKEN_HEADERS {
            for value in lookup(header) {
                presented.add_key(header, value);
            }
        }
        for value in lookup(OPERATOR_HEADER) {
            presented.operator = match (presented.operator, text(value)) {
                (OperatorToken::Absent, Some(token)) => OperatorToken::Token(bearer(token).unwrap_or(token)),
                _ => OperatorToken::Unreadable,
            };
        }
        let mut stations = lookup(WORKSTATION_HEADER).into_iter();
        // Two names are no assertion; what is not text names no workstation, and is then noticed as unknown.
        presented.workstation = match (stations.next(), stations.next()) {
            (Some(one), None) => Some(text(one).unwrap_or_default()),
            (None, _) => None,
            (Some(_), Some(_)) => Some(""),
        };
        presented
    }

    /// The same with a workload token that a proxy was shown.
    #[must_use]
    pub fn and_token(mut self, token: Option<&'a str>) -> Self {
        if let Some(token) = token {
            self.add_key("proxy-authorization", token.as_bytes());
        }
        self
    }

    /// The same from an address that stands for a workload: the weakest evidence, which counts where there is no other.
    #[must_use]
    pub fn from_address(mut self, workload: Option<&'a WorkloadId>) -> Self {
        self.address = workload;
        self
    }

    fn add_key(&mut self, header: &'static str, value: &'a [u8]) {
        let value = text(value).unwrap_or("?");
        // Basic and other schemes are not how an SDK sends a key; they are foreign.
        let key = if header == "authorization" { bearer(value) } else { Some(value) };
        match key {
            Some("") => {}
            Some(key) if key.starts_with(TOKEN_PREFIX) => {
                self.key = match self.key {
                    Key::Absent => Key::Token(key),
                    Key::Token(other) if other == key => Key::Token(key),
                    Key::Token(_) | Key::Several => Key::Several,
                };
            }
            _ => self.foreign_key = self.foreign_key.or(Some(header)),
        }
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("certificate", &self.certificate)
            .field("key", &(self.key != Key::Absent))
            .field("foreign_key", &self.foreign_key)
            .field("operator", &(self.operator != OperatorToken::Absent))
            .field("workstation", &self.workstation)
            .field("address", &self.address)
            .finish()
    }
}

/// Whether a header's value holds a workload token, whichever header it is: such a header must not be forwarded.
///
/// An application that puts its token into a header of its own invention would otherwise hand it to the provider.
#[must_use]
pub fn holds_token(value: &[u8]) -> bool {
    value.windows(TOKEN_PREFIX.len()).any(|window| window == TOKEN_PREFIX.as_bytes())
}

fn text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    Some(text.trim_matches([' ', '\t']))
}

/// What follows the scheme `Bearer`, whose case does not matter (RFC 9110 section 11.1).
fn bearer(value: &str) -> Option<&str> {
    if value.eq_ignore_ascii_case("bearer") {
        return Some("");
    }
    let (scheme, rest) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_start_matches(' '))
}
