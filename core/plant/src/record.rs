//! What a record says, before the ledger gives it its place: [ledger.md, section 2].
//!
//! A [`Draft`] is what an exchange (or an administrator, or the ledger itself) wants written. The writer adds
//! sequence, previous hash and time, and `ledger` turns it into one line of JSON.

use crate::{ConduitId, Dialect, Millis, PlantId, ProviderId, Purpose, Reason, RecordId, RuleId, Verdict, ZoneId};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What kind of event a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The first record of a ledger.
    Genesis,
    /// The gateway started.
    Boot,
    /// A call is about to leave.
    Intent,
    /// A call that left has ended.
    Outcome,
    /// A call was refused; nothing left.
    Refuse,
    /// A call that left and whose end nobody saw: the gateway died.
    Abandon,
    /// The gateway is alive and had nothing to say.
    Beat,
    /// A key came or went.
    Key,
    /// A policy came into force: a plant file with its rules, at a start or in the place of another.
    Policy,
    /// A plant file was rejected, or was read again and is the one in force.
    Config,
    /// An administrator did something: issued or revoked a token.
    Admin,
    /// The clock was set or drifted.
    Clock,
    /// Something about the storage: a torn tail was cut, space runs out.
    Storage,
    /// Somebody read the ledger.
    Read,
    /// Content is erased.
    Erase,
    /// Records whose time was over are removed.
    Prune,
    /// Records that were taken while the disk was full are in the log now.
    Gap,
    /// A time-stamping authority has said when the ledger was how long.
    Anchor,
    /// Records were exported.
    Export,
    /// Something that people should look at: the calls of a workload have shifted.
    Alert,
    /// A part of the plant's AI traffic was isolated, or restored.
    Isolate,
    /// A call waits for a person, or a person looked at it.
    Hold,
    /// A person approved a change of the plant's files.
    Approval,
    /// A call that left is answered by another than the one that was asked, because that one failed.
    Switch,
    /// An event of a session is about to leave.
    Event,
    /// A person has said what they did with an answer.
    Oversight,
    /// What happens when AI fails was tried out, without any provider.
    Drill,
}

impl Kind {
    /// Every kind with its name in records.
    pub const NAMES: [(&'static str, Self); 27] = [
        ("genesis", Self::Genesis),
        ("boot", Self::Boot),
        ("intent", Self::Intent),
        ("outcome", Self::Outcome),
        ("refuse", Self::Refuse),
        ("abandon", Self::Abandon),
        ("beat", Self::Beat),
        ("key", Self::Key),
        ("policy", Self::Policy),
        ("config", Self::Config),
        ("admin", Self::Admin),
        ("clock", Self::Clock),
        ("storage", Self::Storage),
        ("read", Self::Read),
        ("erase", Self::Erase),
        ("prune", Self::Prune),
        ("gap", Self::Gap),
        ("anchor", Self::Anchor),
        ("export", Self::Export),
        ("alert", Self::Alert),
        ("isolate", Self::Isolate),
        ("hold", Self::Hold),
        ("approval", Self::Approval),
        ("switch", Self::Switch),
        ("event", Self::Event),
        ("oversight", Self::Oversight),
        ("drill", Self::Drill),
    ];

    /// The kind of that name; `None` for one that a later version added.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The kind's name in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Boot => "boot",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Refuse => "refuse",
            Self::Abandon => "abandon",
            Self::Beat => "beat",
            Self::Key => "key",
            Self::Policy => "policy",
            Self::Config => "config",
            Self::Admin => "admin",
            Self::Clock => "clock",
            Self::Storage => "storage",
            Self::Read => "read",
            Self::Erase => "erase",
            Self::Prune => "prune",
            Self::Gap => "gap",
            Self::Anchor => "anchor",
            Self::Export => "export",
            Self::Alert => "alert",
            Self::Isolate => "isolate",
            Self::Hold => "hold",
            Self::Approval => "approval",
            Self::Switch => "switch",
            Self::Event => "event",
            Self::Oversight => "oversight",
            Self::Drill => "drill",
        }
    }
}

/// A record that wants to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What happened.
    pub kind: Kind,
    /// The record's own identity.
    pub id: RecordId,
    /// The record that this one answers: outcome to intent, abandon to intent, oversight to intent.
    pub reference: Option<RecordId>,
    /// What it says.
    pub body: Body,
}

impl Draft {
    /// A number that the note says.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        self.body.note.get(key)?.as_number()
    }

    /// A text that the note says.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.body.note.get(key)?.as_text()
    }
}

/// What a record says. Empty parts are left out of the line.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// `who`: everyone behind the call.
    pub who: Option<Who>,
    /// `where`: the crossing.
    pub place: Option<Place>,
    /// `what`: the call itself.
    pub what: Option<What>,
    /// `dec`: the decision.
    pub decided: Option<Decided>,
    /// `io`: commitments to and sizes of what passed.
    pub io: Option<Io>,
    /// `out`: how it ended.
    pub out: Option<Outcome>,
    /// `seal`: where the content lies, if it is kept: of an intent what leaves, of an outcome what was released.
    pub seal: Option<Sealed>,
    /// `note`: what kinds without a call say (genesis, boot, config, key ...).
    pub note: BTreeMap<&'static str, Note>,
}

impl Body {
    /// Whose call it is, across what and to where: what the end of a call repeats of its beginning, so that it says by
    /// itself which call ended.
    #[must_use]
    pub fn about(&self) -> Self {
        let what = self.what.as_ref().map(|what| What {
            provider: what.provider.clone(),
            rerouted: what.rerouted.clone(),
            dialect: what.dialect,
            endpoint: what.endpoint.clone(),
            model: what.model.clone(),
            renamed: what.renamed.clone(),
            sensitivity: what.sensitivity.clone(),
            stream: what.stream,
            ..What::default()
        });
        Self { who: self.who.clone(), place: self.place.clone(), what, ..Self::default() }
    }
}

/// A value of a record's `note`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Text.
    Text(String),
    /// A whole number below 2^53.
    Number(u64),
}

impl Note {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }
}

/// Everyone behind a call.
#[derive(Clone, Debug)]
pub struct Who {
    /// The software.
    pub workload: Option<Party>,
    /// The device.
    pub workstation: Option<Party>,
    /// The person, by pseudonym.
    pub operator: Option<Party>,
    /// The address that the call came from.
    pub peer: IpAddr,
    /// The library that it was made with, as it says itself: it proves nothing.
    pub client: Option<Client>,
}

/// A client library, as the `User-Agent` of its calls names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Client {
    /// Its name: at most 64 letters, digits, `-`, `_`, `.` and one `/`.
    pub name: String,
    /// Its version, if it says one: at most 32 letters, digits, `-`, `_`, `.` and `+`.
    pub version: Option<String>,
}

/// One of those behind a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub id: String,
    /// How it is known: `mtls`, `token`, `oidc`, `address` or `asserted`.
    pub by: &'static str,
}

/// The crossing, as far as it was placed.
#[derive(Clone, Debug)]
pub struct Place {
    /// The site.
    pub plant: PlantId,
    /// The zone that the call came from.
    pub zone: Option<ZoneId>,
    /// The conduit that it crosses.
    pub conduit: Option<ConduitId>,
    /// What it is for.
    pub purpose: Option<Purpose>,
}

/// The call.
#[derive(Clone, Debug, Default)]
pub struct What {
    /// Where it was meant to go.
    pub provider: Option<ProviderId>,
    /// Where it goes instead, if rerouted.
    pub rerouted: Option<ProviderId>,
    /// The wire format.
    pub dialect: Option<Dialect>,
    /// The endpoint's name, or the method and path of an unknown one cut to 120 characters.
    pub endpoint: String,
    /// The model that was asked, cut to 120 characters; empty, and not recorded, where the choice was left to the provider.
    pub model: Option<String>,
    /// The model that was asked in its place, where it was rerouted or fell back and has another name there.
    pub renamed: Option<String>,
    /// The names of the tools that the request offers, at most 32.
    pub tools: Vec<String>,
    /// The sensitivity of the request as it came, by the plant's name for it.
    pub sensitivity: Option<String>,
    /// What was found, by label.
    pub findings: Vec<FindingCount>,
    /// Whether the answer is streamed.
    pub stream: bool,
}

/// How often something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingCount {
    /// What.
    pub label: String,
    /// How often.
    pub count: u64,
}

/// The decision.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The outcome in one word.
    pub verdict: Verdict,
    /// Why, if refused.
    pub reason: Option<Reason>,
    /// What exactly: ids, labels, offsets; never content.
    pub detail: Option<String>,
    /// The rules that decided.
    pub rules: Vec<RuleId>,
    /// SHA-256 of the plant file in force.
    pub policy: String,
}

/// Commitments to what passed, and its size.
#[derive(Clone, Debug, Default)]
pub struct Io {
    /// Salted commitment to the request as it came, lower-case hexadecimal.
    pub request: Option<String>,
    /// Length of the request in bytes: as it came in an intent or refusal, as it was sent in an outcome.
    pub request_bytes: u64,
    /// Salted commitment to the request as it left, if it was changed.
    pub sent: Option<String>,
    /// Salted commitment to the answer as released.
    pub answer: Option<String>,
    /// Length of the answer as released, in bytes.
    pub answer_bytes: u64,
    /// Tokens of the prompt, as the provider counts them.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the provider counts them.
    pub output_tokens: Option<u64>,
}

/// Where sealed content lies, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of the envelope in lower-case hexadecimal: the name of its file.
    pub blob: String,
    /// The name of the key that wraps the record's own: `YYYY-MM/SUBJECT`.
    pub key: String,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The HTTP status that the caller got.
    pub status: u16,
    /// Why it did not end well, if it did not.
    pub reason: Option<Reason>,
    /// When the call began.
    pub began: Millis,
    /// Microseconds from the first byte of the request to the last of the answer.
    pub micros: u64,
    /// Microseconds until the provider's first byte.
    pub first_byte_micros: Option<u64>,
    /// The provider's own id of the call, cut to 120 characters. A field, never the identity.
    pub provider_id: Option<String>,
    /// The model that answered, as the provider names it, cut to 120 characters.
    pub model: Option<String>,
}
