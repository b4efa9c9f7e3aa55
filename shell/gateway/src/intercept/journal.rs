//! What the records of connections say that are refused before a call, or that pass unread.

use super::settle::Wanted;
use super::tunnel::Asked;
use super::{Authority, Via};
use crate::account::cut;
use crate::connection::Caller;
use crate::journal::Journal;
use crate::life::{Life, Patience};
use crate::recorder::now;
use crate::{Gate, Inforce};
use http::HeaderMap;
use plant::{Note, RecordId, Refusal, What};
use std::sync::Arc;

impl Journal {
    /// Opens the record of a connection: who holds it, as far as it has said, and where it is to lead.
    pub(crate) fn of_tunnel(gate: &Arc<Gate>, inforce: &Inforce, asked: &Asked, to: Option<&Authority>) -> Box<Self> {
        let wanted = match &asked.wanted {
            Wanted::Tunnel(to) => Some(to.clone()),
            Wanted::Address(address) => {
                Some(Authority { host: address.ip().to_canonical().to_string(), port: address.port() })
            }
            Wanted::Here => None,
        };
        let to = to.cloned().or(wanted);
        let nowhere = || Authority { host: String::new(), port: 0 };
        let (way, token) = (asked.wanted.way(), asked.token.clone());
        let via = Via { to: to.clone().unwrap_or_else(nowhere), tls: true, token, way };
        let caller = Caller::new(&asked.origin, resting(gate), Some(Arc::new(via)));
        let mut journal = Self::open(gate, caller.who());
        // What is wrong with it is told elsewhere; here counts whom it names.
        let _ = journal.identified(inforce.identified(&caller, &HeaderMap::new(), now()));
        let shown = to.as_ref().map_or_else(|| "an unknown host".to_owned(), ToString::to_string);
        let provider = to.as_ref().and_then(|to| inforce.interception()?.hosts.provider(to, true)).cloned();
        let plant = inforce.plant();
        journal.stands_in(plant);
        journal.body.what = Some(What {
            dialect: provider.as_ref().and_then(|id| plant.providers.get(id)).map(|one| one.dialect),
            provider,
            endpoint: cut(&format!("CONNECT {shown}")),
            ..What::default()
        });
        journal.body.note.insert("way", Note::text(way));
        journal
    }

    /// Records that the connection goes nowhere: one record each, unless many come at once from nobody who is known.
    pub(crate) async fn turn_away(self: Box<Self>, gate: &Arc<Gate>, refusal: &Refusal) -> Option<RecordId> {
        let known = self.body.who.as_ref().is_some_and(|who| who.workload.is_some() || who.workstation.is_some());
        if !known && !gate.flood.admits(gate) {
            self.unkept();
            return None;
        }
        self.refuse(refusal).await.1
    }
}

/// The life of a connection whose end somebody else watches.
pub(super) fn resting(gate: &Gate) -> Arc<Life> {
    Life::begin(Patience::of(&gate.limits), false)
}
