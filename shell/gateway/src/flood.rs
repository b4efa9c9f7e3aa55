//! A bound on what bytes that are no HTTP may put into the ledger.
//!
//! Each such connection says that something on the plant's network is broken or hostile, and deserves a record. But
//! making one takes four bytes and no identity, and a ledger that anyone can fill is no evidence for long. So the first
//! few of a second get a record each, and the rest one together, with their number.

use crate::Gate;
use crate::recorder::{draw_id, now};
use plant::{Body, Draft, Io, Kind, Note, Outcome, Reason};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Records a second of what is no HTTP. A scanner or a broken device stays below; an attack does not.
const RECORDS: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// Counts bad requests by the second.
#[derive(Debug, Default)]
pub(crate) struct Flood(Mutex<Second>);

#[derive(Debug, Default)]
struct Second {
    began: Option<Instant>,
    admitted: u32,
    /// Those that got no record of their own.
    together: u64,
}

impl Flood {
    /// Whether the next gets a record of its own. If not, it is counted, and a record of all those follows.
    pub(crate) fn admits(&self, gate: &Arc<Gate>) -> bool {
        let now = Instant::now();
        let first = {
            let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if second.together == 0 && second.began.is_none_or(|began| now.duration_since(began) >= WINDOW) {
                *second = Second { began: Some(now), ..Second::default() };
            }
            if second.admitted < RECORDS {
                second.admitted += 1;
                return true;
            }
            second.together += 1;
            second.together == 1
        };
        gate.metrics.unread.inc();
        if first {
            let gate = Arc::clone(gate);
            let tracker = gate.tracker.clone();
            tracker.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(WINDOW) => {}
                    () = gate.stopping.cancelled() => {}
                }
                let count = gate.flood.end();
                gate.record(together(count));
            });
        }
        false
    }

    /// Ends the second; gives how many have no record.
    fn end(&self) -> u64 {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).together
    }
}

/// One record of many.
fn together(count: u64) -> Draft {
    let began = now();
    let reason = Some(Reason::BadRequest);
    let status = Reason::BadRequest.status();
    let out = Outcome { status, reason, began, micros: 0, first_byte_micros: None, provider_id: None, model: None };
    let note = BTreeMap::from([
        ("connections", Note::Number(count)),
        (
            "detail",
            Note::text(
                "connections of nobody known that were refused or held no HTTP, beyond those with a record of their own",
            ),
        ),
    ]);
    let body = Body { out: Some(out), io: Some(Io::default()), note, ..Body::default() };
    Draft { kind: Kind::Refuse, id: draw_id(began), reference: None, body }
}
