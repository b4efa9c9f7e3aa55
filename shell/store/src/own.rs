//! The records that the ledger writes about itself.

use crate::clock::Step;
use ledger::Entry;
use plant::{Body, Client, Dialect, Draft, Kind, Millis, Note, Party, Place, Reason, RecordId, What, Who};
use std::collections::BTreeMap;
use std::str::FromStr;

/// A record's identity: time and random bits, so that records of two ledgers never share one.
pub(crate) fn id(now: Millis) -> RecordId {
    let mut random = [0; 10];
    if getrandom::fill(&mut random).is_err() {
        // Without a random source the identity stays unique within this process, and the sequence number is what
        // the ledger itself goes by.
        static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        random[2..].copy_from_slice(&count.to_be_bytes());
    }
    RecordId::new(now, random)
}

/// A draft that says only what its note says.
pub(crate) fn note<const N: usize>(kind: Kind, now: Millis, note: [(&'static str, Note); N]) -> Draft {
    Draft { kind, id: id(now), reference: None, body: Body { note: BTreeMap::from(note), ..Body::default() } }
}

/// The gateway started.
pub(crate) fn boot(now: Millis, boot: &str) -> Draft {
    note(Kind::Boot, now, [("version", Note::text(env!("CARGO_PKG_VERSION"))), ("machine", Note::text(boot))])
}

/// The gateway is alive and had nothing to say.
pub(crate) fn beat(now: Millis, interval: std::time::Duration) -> Draft {
    note(Kind::Beat, now, [("interval_ms", Note::Number(u64::try_from(interval.as_millis()).unwrap_or(0)))])
}

/// The wall clock and boot time parted.
pub(crate) fn clock(now: Millis, step: Step) -> Draft {
    let direction = if step.back { "back" } else { "forward" };
    note(
        Kind::Clock,
        now,
        [
            ("event", Note::text("step")),
            ("direction", Note::text(direction)),
            ("by_ms", Note::Number(step.by.min((1 << 53) - 1))),
            ("last", Note::Number(step.last.0.min((1 << 53) - 1))),
        ],
    )
}

/// A write that a crash cut short was removed.
pub(crate) fn torn(now: Millis, bytes: u64) -> Draft {
    note(Kind::Storage, now, [("event", Note::text("torn-tail")), ("bytes", Note::Number(bytes))])
}

/// The disk fills up, is full, or has room again.
pub(crate) fn disk(now: Millis, event: &str, percent: u8) -> Draft {
    note(Kind::Storage, now, [("event", Note::text(event)), ("percent", Note::Number(u64::from(percent)))])
}

/// The log could not be written for a while: since when, why, how many records were put aside and come next, and how many
/// were turned away, if that is known.
pub(crate) fn gap(now: Millis, why: &str, since: Millis, records: u64, turned_away: Option<u64>) -> Draft {
    let mut draft = note(
        Kind::Gap,
        now,
        [("why", Note::text(why)), ("since", Note::Number(since.0)), ("records", Note::Number(records))],
    );
    draft.body.note.extend(turned_away.map(|count| ("turned_away", Note::Number(count))));
    draft
}

/// Nobody saw the end of a call that left. `about` is whose call it was, if its intent can still be read.
pub(crate) fn abandon(now: Millis, intent: RecordId, seq: u64, about: Option<Body>) -> Draft {
    let mut draft =
        note(Kind::Abandon, now, [("reason", Note::text(Reason::Abandoned.code())), ("intent_seq", Note::Number(seq))]);
    draft.reference = Some(intent);
    draft.body = Body { note: draft.body.note, ..about.unwrap_or_default() };
    draft
}

/// Nobody decided on a call that waited for a person: the gateway ended. Nothing of it has left.
pub(crate) fn unheard(now: Millis, wait: RecordId, held: &Entry) -> Draft {
    let mut draft =
        note(Kind::Refuse, now, [("reason", Note::text(Reason::Abandoned.code())), ("hold", Note::text("ended"))]);
    // The record that its caller would have been told.
    draft.id = held.text("note.call").and_then(RecordId::parse).unwrap_or(draft.id);
    draft.reference = Some(wait);
    draft.body = Body { note: draft.body.note, ..about(held).unwrap_or_default() };
    draft
}

/// What the end of a call repeats of its intent, read back from it; see [`Body::about`].
#[must_use]
pub fn about(intent: &Entry) -> Option<Body> {
    fn id<T: FromStr>(intent: &Entry, path: &str) -> Option<T> {
        intent.text(path)?.parse().ok()
    }
    let party = |who: &str| {
        let by = intent.text(&format!("who.{who}.by"))?;
        let by = ["mtls", "token", "oidc", "address", "asserted"].into_iter().find(|known| *known == by)?;
        Some(Party { id: intent.text(&format!("who.{who}.id"))?.to_owned(), by })
    };
    let dialect = intent.text("what.dialect");
    let what = What {
        provider: id(intent, "what.provider"),
        rerouted: id(intent, "what.rerouted"),
        dialect: Dialect::NAMES.iter().find(|(name, _)| dialect == Some(name)).map(|(_, dialect)| *dialect),
        endpoint: intent.text("what.endpoint")?.to_owned(),
        model: intent.text("what.model").map(str::to_owned),
        renamed: intent.text("what.renamed").map(str::to_owned),
        sensitivity: intent.text("what.sensitivity").map(str::to_owned),
        stream: intent.at("what.stream").and_then(|value| value.as_bool())?,
        ..What::default()
    };
    let place = Place {
        plant: id(intent, "where.plant")?,
        zone: id(intent, "where.zone"),
        conduit: id(intent, "where.conduit"),
        purpose: id(intent, "where.purpose"),
    };
    let who = Who {
        client: intent.text("who.client.name").map(|name| Client {
            name: name.to_owned(),
            version: intent.text("who.client.version").map(str::to_owned),
        }),
        workload: party("workload"),
        workstation: party("workstation"),
        operator: party("operator"),
        peer: id(intent, "who.peer")?,
    };
    Some(Body { who: Some(who), place: Some(place), what: Some(what), ..Body::default() })
}
