//! `penstock witness serve`: a witness on a machine of its own, asked over the network.

use super::{Failure, cosigner};
use crate::file;
use crate::logging::{self, Form};
use crate::run::{Signals, Told};
use crate::verify::trust;
use arc_swap::ArcSwap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use witness::{Judge, Listen, Server, Tls};

/// How often files are looked at for changes.
const LOOK: Duration = Duration::from_millis(500);

/// Sign the heads that gateways send over the network
///
/// Gateways ask at `http://ADDRESS/add-checkpoint`, the call of <https://c2sp.org/tlog-witness>; their policy has
/// `http://ADDRESS` behind this witness's key. It needs no internet, no plant file and next to no memory, and sees heads
/// and hashes, never a record. Other commands may sign with the same state meanwhile.
///
/// Plain HTTP is enough: both sides sign what they say, and none of it is secret. With `--certificate` it speaks HTTPS.
///
/// A changed file of public keys, or a changed certificate, comes into force by itself. SIGTERM or Ctrl-C stops it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port to listen on: `0.0.0.0:7380`, `[::]:7380`.
    #[arg(long, value_name = "ADDRESS", required = true)]
    listen: Vec<SocketAddr>,

    /// The private key of the witness, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The folder in which the witness keeps what it has signed. Never put it back from a backup: it would forget.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,

    /// The public keys of the ledgers that this witness looks after: their `ledger.vkey`, one after the other.
    #[arg(long, value_name = "FILE")]
    logs: PathBuf,

    /// The certificate chain for HTTPS, in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate_key")]
    certificate: Option<PathBuf>,

    /// The private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    certificate_key: Option<PathBuf>,

    /// Write the addresses that are listened on to this file, once they are.
    #[arg(long, value_name = "FILE")]
    addresses: Option<PathBuf>,

    /// The form of the log, which goes to standard error.
    #[arg(long, value_enum, default_value = "human", env = "PENSTOCK_LOG_FORM")]
    log: Form,

    /// What is logged: `error`, `warn`, `info`, `debug`.
    #[arg(long, default_value = "info", env = "PENSTOCK_LOG")]
    log_level: String,
}

pub(super) fn serve(args: &Args) -> Result<(), Failure> {
    let _traces =
        logging::begin(args.log, &args.log_level, None).map_err(|problem| Failure::Start(problem.to_string()))?;
    let judge = Judge::new(cosigner(&args.key)?, &args.state, trust(&args.logs)?.verifiers().to_vec())?;
    let tls = args.tls()?;
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::System)?;
    runtime.block_on(async {
        let signals = Signals::listen().map_err(|problem| Failure::Start(problem.to_string()))?;
        let listen: Vec<Listen> =
            args.listen.iter().map(|address| Listen { address: *address, tls: tls.clone() }).collect();
        let server = Server::start(&listen, &judge).await?;
        for address in server.addresses() {
            tracing::info!(%address, "witness: listening");
        }
        if let Some(file) = &args.addresses {
            announce(file, server.addresses())?;
        }
        follow(signals, args, &judge, tls.as_ref()).await;
        tracing::info!("witness: stopping");
        server.stop().await;
        Ok(())
    })
}

fn announce(path: &Path, addresses: &[SocketAddr]) -> Result<(), Failure> {
    let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
    file::replace(path, text).map_err(|source| Failure::Write { path: path.to_owned(), source })
}

/// Follows the files until a signal says stop.
async fn follow(mut signals: Signals, args: &Args, judge: &Judge, tls: Option<&Tls>) {
    let mut look = tokio::time::interval(LOOK);
    let mut seen = args.look();
    loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Renew => args.renew(judge, tls),
                Told::Stop => return,
            },
            _ = look.tick() => {
                let now = args.look();
                if now != seen {
                    seen = now;
                    args.renew(judge, tls);
                }
            }
        }
    }
}

impl Args {
    fn tls(&self) -> Result<Option<Tls>, Failure> {
        let Some((certificate, key)) = self.certificate.as_deref().zip(self.certificate_key.as_deref()) else {
            return Ok(None);
        };
        let told = |problem: gateway::TlsError| {
            let cause = problem.source().map_or_else(String::new, |cause| format!(": {cause}"));
            Failure::Start(format!("{problem}{cause}"))
        };
        Ok(Some(Arc::new(ArcSwap::from_pointee(gateway::server(certificate, key).map_err(told)?))))
    }

    /// Reads the files anew. A bad one never replaces a good one.
    fn renew(&self, judge: &Judge, tls: Option<&Tls>) {
        match trust(&self.logs) {
            Ok(logs) => {
                tracing::info!(ledgers = logs.verifiers().len(), "witness: public keys in force");
                judge.look_after(logs.verifiers().to_vec());
            }
            Err(problem) => tracing::error!(%problem, "witness: the public keys were rejected; those in use stay"),
        }
        match self.tls() {
            Ok(fresh) => {
                if let Some((tls, fresh)) = tls.zip(fresh) {
                    tls.store(fresh.load_full());
                }
            }
            Err(problem) => tracing::error!(%problem, "witness: the certificate was rejected; the one in use stays"),
        }
    }

    /// When the files last changed, and how long they are.
    fn look(&self) -> Vec<Option<(SystemTime, u64)>> {
        let files = [Some(&self.logs), self.certificate.as_ref(), self.certificate_key.as_ref()];
        let look = |file: &PathBuf| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        files.into_iter().flatten().map(look).collect()
    }
}
