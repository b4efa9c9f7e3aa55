//! A person's word on an answer to a call that was made for them, told by themselves and not by the program in front of them.

use super::{judged, terms, timely, unknown};
use crate::Valve;
use crate::recorder::{draw_id, now};
use plant::{Body, Judgement, Note, OperatorId, Party, RecordId, Refusal, Who};
use std::net::IpAddr;

impl Valve {
    /// Has it on record what a person did with the answer of a call that was made for them; gives the record, durable by then. Whoever asks has
    /// proved who they are at the operators' issuer.
    ///
    /// # Errors
    /// `record-unknown` if there is no such call of theirs, `record-open` if it has not ended, `record-closed` if that is too long ago or enough was told
    /// of it, and `ledger-unavailable`.
    pub async fn account(
        &self,
        call: RecordId,
        judgement: Judgement,
        person: &OperatorId,
        peer: IpAddr,
    ) -> Result<RecordId, Refusal> {
        let known = self.gate.known(call).await?;
        let whose = known.about.who.as_ref().and_then(|who| who.operator.as_ref());
        if whose.is_none_or(|whose| whose.id != person.as_str()) {
            return Err(unknown(&format!("call `{call}` was not made for `{person}`")));
        }
        let inforce = self.gate.inforce.load_full();
        let (terms, _) = terms(&known, call, inforce.plant())?;
        let at = now();
        let ended = timely(None, &known, &terms, at)?;
        let mut note = judged(judgement, &known, &ended, None, at);
        note.insert("via", Note::text("console"));
        let operator = Some(Party { id: person.to_string(), by: "oidc" });
        let body = Body {
            who: Some(Who { workload: None, workstation: None, operator, peer, client: None }),
            place: known.about.place,
            what: known.about.what,
            note,
            ..Body::default()
        };
        let id = draw_id(at);
        self.gate.account(id, call, body, judgement).await?;
        Ok(id)
    }
}
