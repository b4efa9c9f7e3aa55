//! `[witnesses]` and `[witness]`: who signs the heads of this gateway's ledger, and whose heads this gateway signs.

use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use crate::value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `[witnesses]` table: who is asked to sign the heads of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnesses {
    /// The C2SP tlog-policy that names them and says which of them are enough.
    pub policy: PathBuf,
    /// Least time between two rounds.
    pub every: Duration,
    /// How long a record may wait for a quorum before that is a warning.
    pub warn_after: Duration,
    /// A PEM file of authorities to trust for their URLs in place of the system's.
    pub authorities: Option<PathBuf>,
}

/// The `[witness]` table: this gateway as a witness of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Where HTTPS is spoken, with the gateway's certificate.
    pub listen: Vec<SocketAddr>,
    /// Where plain HTTP is spoken.
    pub plain_http: Vec<SocketAddr>,
    /// The witness's private key.
    pub key: PathBuf,
    /// The folder of what it has signed.
    pub state: PathBuf,
    /// The public keys of the ledgers that it looks after.
    pub logs: PathBuf,
}

/// Builds the `[witnesses]` table, if there is one.
pub(crate) fn witnesses(file: &Node<'_>, folder: &Path) -> Option<Witnesses> {
    let node = file.table("witnesses").filter(|_| file.says("witnesses"))?;
    Some(Witnesses {
        policy: folder.join(node.text("policy")?.value),
        every: node.duration("every")?,
        warn_after: node.duration("warn_after")?,
        authorities: node.text("authorities").map(|path| folder.join(path.value)),
    })
}

/// Builds the `[witness]` table, if there is one.
pub(crate) fn witness(file: &Node<'_>, folder: &Path, report: &mut Report) -> Option<Witness> {
    let node = file.table("witness").filter(|_| file.says("witness"))?;
    let path = |key| node.text(key).map(|path| folder.join(path.value));
    let witness = Witness {
        listen: node.reads("listen", value::socket),
        plain_http: node.reads("plain_http", value::socket),
        key: path("key")?,
        state: path("state")?,
        logs: path("logs")?,
    };
    if witness.listen.is_empty() && witness.plain_http.is_empty() {
        let help = "say where other gateways reach it: `listen = [\"10.20.35.10:7380\"]`";
        report.add(report.problem(Code::BadValue, node.span.clone(), "the witness listens nowhere").help(help));
    }
    Some(witness)
}
