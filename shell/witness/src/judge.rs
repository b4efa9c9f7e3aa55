//! A witness: takes the bytes of a request, and gives a signature or says why not.
//!
//! What it has signed is durable before it answers, and one request is judged at a time: two heads of one ledger that
//! come at once must not both be compared with what was signed before them.

use arc_swap::ArcSwap;
use http::StatusCode;
use ledger::witness::{Refusal, Request, RequestError};
use plant::Millis;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use seal::cosignature::Cosigner;
use seal::note::Verifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Clock, Memory, WitnessError};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a request may wait for those before it. A disk takes a few milliseconds for each.
const WAIT: Duration = Duration::from_secs(10);

/// A witness with its key and its memory.
#[derive(Debug)]
pub struct Judge {
    cosigner: Cosigner,
    /// The folder of what it has signed.
    state: PathBuf,
    logs: ArcSwap<Vec<Verifier>>,
    turn: Arc<Mutex<()>>,
    answers: Family<Answer, Counter>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    /// It is no request.
    #[error("malformed: {0}")]
    Malformed(#[from] RequestError),
    /// It is one that must not be signed.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Others are served, or somebody else uses the witness's state.
    #[error("the witness is busy; ask again")]
    Busy,
    /// What was signed cannot be kept or read: our side.
    #[error("the witness cannot sign; its log says why")]
    Broken,
}

impl Unsigned {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Refused(refusal) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Refused(Refusal::UnknownLog) => "unknown-log",
            Self::Refused(Refusal::NotSigned(_)) => "not-signed",
            Self::Refused(Refusal::Beyond) => "beyond",
            Self::Refused(Refusal::Conflict { .. }) => "conflict",
            Self::Refused(Refusal::OtherRoot { .. }) => "other-root",
            Self::Refused(Refusal::Inconsistent) => "inconsistent",
            Self::Busy => "busy",
            Self::Broken => "broken",
        }
    }
}

impl Judge {
    /// A witness with this key that keeps what it has signed in the folder `state` and looks after the ledgers of `logs`.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(cosigner: Cosigner, state: &Path, logs: Vec<Verifier>) -> Result<Arc<Self>, WitnessError> {
        Memory::try_open(state)?;
        Ok(Arc::new(Self {
            cosigner,
            state: state.to_owned(),
            logs: ArcSwap::from_pointee(logs),
            turn: Arc::default(),
            answers: Family::default(),
        }))
    }

    /// Looks after these ledgers from now on.
    pub fn look_after(&self, logs: Vec<Verifier>) {
        self.logs.store(Arc::new(logs));
    }

    /// Adds what it counts to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests for a signature under a head, by what this witness answered";
        registry.register("witness_answers", help, self.answers.clone());
    }

    /// Judges a request; gives the lines of the signatures.
    pub(crate) async fn answer(self: &Arc<Self>, body: &[u8]) -> Result<String, Unsigned> {
        let answer = self.judge(body).await;
        let answer_name = answer.as_ref().map_or_else(Unsigned::name, |_| "signed");
        self.answers.get_or_create(&Answer { answer: answer_name }).inc();
        answer
    }

    async fn judge(self: &Arc<Self>, body: &[u8]) -> Result<String, Unsigned> {
        let request = Request::parse(body).inspect_err(|problem| {
            tracing::info!(%problem, "witness: a request was malformed");
        })?;
        let (origin, size) = (request.head().origin.clone(), request.head().size);
        let logs = self.logs.load_full();
        let signed = match request.judge(&logs, None) {
            // Known without looking at what was signed: strangers neither wait for the disk nor make others wait for it.
            Err(refusal @ (Refusal::UnknownLog | Refusal::NotSigned(_) | Refusal::Beyond)) => Err(refusal.into()),
            _ => self.sign(request, logs).await,
        };
        match &signed {
            Ok(_) => tracing::info!(origin, size, "witness: signed a head"),
            Err(unsigned) => self.tell(unsigned, &origin, size),
        }
        signed
    }

    /// Compares with what was signed before, remembers and signs, when it is this request's turn.
    async fn sign(self: &Arc<Self>, request: Request, logs: Arc<Vec<Verifier>>) -> Result<String, Unsigned> {
        let turn = timeout(WAIT, Arc::clone(&self.turn).lock_owned()).await.map_err(|_| Unsigned::Busy)?;
        let judge = Arc::clone(self);
        let signing = tokio::task::spawn_blocking(move || {
            // Held to the end, also if whoever asked has gone away meanwhile.
            let _turn = turn;
            let time = store::System.read().time;
            judge.cosign(&request, &logs, time)
        });
        signing.await.unwrap_or(Err(Unsigned::Broken))
    }

    fn cosign(&self, request: &Request, logs: &[Verifier], now: Millis) -> Result<String, Unsigned> {
        // Taken anew each time, so that requests that people carry can be signed beside us.
        let cosigned = Memory::try_open(&self.state).and_then(|memory| {
            let Some(mut memory) = memory else { return Ok(None) };
            memory.cosign(request, logs, &self.cosigner, now).map(Some)
        });
        match cosigned {
            Ok(Some(note)) => {
                let ours = note.signatures().iter().filter(|line| self.cosigner.witness().is_named(line));
                Ok(ours.map(|line| format!("{line}\n")).collect())
            }
            Ok(None) => Err(Unsigned::Busy),
            Err(WitnessError::Refused(refusal)) => Err(Unsigned::Refused(refusal)),
            Err(WitnessError::Request(problem)) => Err(Unsigned::Malformed(problem)),
            Err(problem) => {
                tracing::error!(%problem, "witness: signs nothing, for it could not remember it or has forgotten");
                Err(Unsigned::Broken)
            }
        }
    }

    /// Says in the log what was refused, as loudly as it matters.
    fn tell(&self, unsigned: &Unsigned, origin: &str, size: u64) {
        match unsigned {
            Unsigned::Refused(Refusal::OtherRoot { .. } | Refusal::Inconsistent) => {
                let evidence = self.state.join(format!("{}.*", seal::hex(&seal::sha256(origin.as_bytes()))));
                tracing::error!(
                    origin,
                    size,
                    evidence = %evidence.display(),
                    "witness: {unsigned}. Keep the evidence, call the plant by another way, and compare with `penstock convict`"
                );
            }
            Unsigned::Refused(Refusal::Conflict { size: signed }) if size < *signed => tracing::warn!(
                origin,
                size,
                signed,
                "witness: a ledger shows a head that is older than the one that was signed last: its end is gone, or the request was late"
            ),
            // A ledger that does not remember where we are asks so, and then asks again.
            Unsigned::Refused(Refusal::Conflict { size: signed }) => {
                tracing::info!(
                    origin,
                    size,
                    signed,
                    "witness: asked from another head than the one that was signed last"
                );
            }
            // Whoever is not known chooses the name.
            unsigned => tracing::info!(?origin, size, problem = %unsigned, "witness: refused a request"),
        }
    }
}
