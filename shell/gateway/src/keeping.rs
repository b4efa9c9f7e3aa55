//! What is kept of a call beside its records, where its conduit says so: sealed, and durable before a record refers to it.
//!
//! ```text
//! decided ──> request as it leaves ── sealed ──> intent ──> forwarded ──> answer as released ── sealed ──> outcome
//! ```
//!
//! The request is sealed before it leaves: whoever hangs up early does not get around being kept. A call of a conduit
//! that keeps nothing has no [`Keeping`], and nothing here is done for it.

use crate::journal::Journal;
use crate::recorder::{Kept, Unwritten};
use bytes::Bytes;
use plant::{Reason, RecordId, Refusal, Sealed};
use seal::Mac;
use seal::envelope::Salt;
use zeroize::Zeroizing;

/// That the content of a call is kept, and under which salt its commitments are.
pub(crate) struct Keeping {
    salt: Salt,
    commitments: Mac,
}

impl Keeping {
    /// Draws the salt of one call.
    pub(crate) fn draw() -> Result<Self, Refusal> {
        let mut bytes = Zeroizing::new([0; 32]);
        // A salt that somebody could know would let them try out content that has been erased.
        getrandom::fill(bytes.as_mut_slice())
            .map_err(|_| Refusal::new(Reason::LedgerUnavailable, "the system gives no random bytes"))?;
        let salt = Salt::from_bytes(bytes);
        Ok(Self { commitments: salt.commitments(), salt })
    }
}

impl Journal {
    /// What makes the call's commitments: the salt that is sealed with its content, or else the plant's key.
    pub(crate) fn commitments<'a>(&'a self, plant: &'a Mac) -> &'a Mac {
        self.keeping.as_ref().map_or(plant, |keeping| &keeping.commitments)
    }

    /// Where the answer is gathered, if it is kept.
    pub(crate) fn gathers(&self) -> Option<Vec<u8>> {
        self.keeping.is_some().then(Vec::new)
    }

    /// Keeps what is about to leave; the intent will refer to it.
    pub(crate) async fn keep(&mut self, leaves: &Bytes) -> Result<(), Refusal> {
        if self.keeping.is_some() {
            let kept = self.sealed(self.id(), leaves.clone()).await;
            self.body.seal = kept.map_err(|problem| Refusal::new(Reason::LedgerUnavailable, problem.0))?;
        }
        Ok(())
    }

    /// Seals bytes for the record that will refer to them; `None` if nothing is kept. Durable when this returns.
    pub(crate) async fn sealed(&self, record: RecordId, bytes: Bytes) -> Result<Option<Sealed>, Unwritten> {
        let Some(Keeping { salt, .. }) = self.keeping.as_deref() else { return Ok(None) };
        let kept = Kept { record, at: self.began(), subject: self.subject(), salt: salt.clone(), bytes };
        let recorder = self.recorder();
        let sealed = tokio::task::spawn_blocking(move || recorder.keep(&kept)).await;
        sealed.unwrap_or_else(|_| Err(Unwritten::writer_gone())).map(Some)
    }

    /// Whose content it is: the person's if there is one, for whom erasure is made; else the workload's, the
    /// workstation's or the plant's own.
    fn subject(&self) -> String {
        let who = self.body.who.as_ref();
        let operator = who.and_then(|who| who.operator.as_ref()).map(|party| ("operator", party));
        let workload = who.and_then(|who| who.workload.as_ref()).map(|party| ("workload", party));
        let workstation = who.and_then(|who| who.workstation.as_ref()).map(|party| ("workstation", party));
        let subject = operator.or(workload).or(workstation);
        subject.map_or_else(|| "plant".to_owned(), |(kind, party)| format!("{kind}.{}", party.id))
    }
}
