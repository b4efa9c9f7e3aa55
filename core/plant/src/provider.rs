//! Where calls go: AI services and the companies behind them.

use crate::{Dialect, Governance, ProviderId, Sensitivity, ZoneId};

/// An AI service.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in the plant file, and the first step of the path that callers use.
    pub id: ProviderId,
    /// The wire format it speaks.
    pub dialect: Dialect,
    /// Scheme, host, port and path prefix, for example `https://api.openai.com`. No trailing slash.
    pub address: String,
    /// A PEM file of authorities to trust for it in place of the system's, if the plant names one.
    pub authorities: Option<std::path::PathBuf>,
    /// Where its credential is, if it needs one.
    pub credential: Option<CredentialReference>,
    /// The zone it stands in, often an external one.
    pub zone: ZoneId,
    /// The most sensitive content it may ever be shown, whatever a conduit says.
    pub clearance: Sensitivity,
    /// How it is reached over gRPC, if it is.
    pub grpc: Option<Grpc>,
    /// The company behind it.
    pub supplier: Supplier,
    /// Who answers for its use, how it is kept up to date, and how it is cut off.
    pub governance: Governance,
}

/// How a provider is reached over gRPC, whose clients know a host and no path in front of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grpc {
    /// The hosts under which callers mean it, without ports: DNS names in lower case, or addresses. If there are none, it is meant
    /// under each that no other provider has.
    pub names: Vec<String>,
    /// Scheme, host and port where it speaks gRPC.
    pub address: String,
}

/// Where a secret is. The secret itself is never in the plant file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialReference {
    /// The first line of a file that only its owner can read.
    File(std::path::PathBuf),
    /// An environment variable.
    Environment(String),
}

/// The company behind a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supplier {
    /// Its legal name.
    pub name: String,
    /// ISO 3166-1 alpha-2 code of its seat, where declared.
    pub country: Option<String>,
    /// Companies that it hands content to, where declared.
    pub sub_processors: Vec<String>,
}
