//! What people did with answers, as those who oversee them see it: how many, how fast, and which answers nobody accounted for.

use crate::answer::{Answered, json, parse, record};
use crate::control::{Control, Person};
use crate::problem::Problem;
use crate::query;
use http::StatusCode;
use http::request::Parts;
use plant::{ConduitId, Judgement, Millis, WorkloadId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which answers are looked at; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Ended at this time or later.
    pub since: Option<Millis>,
    /// Ended before this time.
    pub until: Option<Millis>,
    /// To calls on this conduit.
    pub conduit: Option<ConduitId>,
    /// To calls of this workload.
    pub workload: Option<WorkloadId>,
    /// What is told apart.
    pub by: Apart,
}

/// What is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Apart {
    /// The conduit that the call crossed.
    #[default]
    Conduit,
    /// The person who decided first, by pseudonym; else the one for whom the call was made.
    Operator,
    /// The software that called.
    Workload,
    /// The day on which the answer ended, in UTC.
    Day,
}

impl Apart {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Self); 4] =
        [("conduit", Self::Conduit), ("operator", Self::Operator), ("workload", Self::Workload), ("day", Self::Day)];
}

/// What people did with answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Oversight {
    /// Added up.
    pub rows: Vec<Accounts>,
    /// The answers that nobody has accounted for: first those of who asks, and those whose time still runs before the others.
    pub open: Vec<Owed>,
    /// How many more of these there are than are told.
    pub left_out: usize,
    /// Where the time to look was over: what came later is not counted.
    pub counted_until: Option<String>,
    /// Accepted in less than so many milliseconds counts as unread.
    pub quick_ms: u64,
}

/// Answers added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Of what: a conduit, a person, a workload or a day; `-` if that is not known.
    pub name: String,
    /// Those that somebody had to account for.
    pub required: u64,
    /// Of these, those for which nobody did and the time still runs.
    pub open: u64,
    /// Of these, those for which nobody ever did.
    pub never: u64,
    /// Those where somebody did after the time.
    pub late: u64,
    /// By the last decision.
    pub accepted: u64,
    /// The same.
    pub edited: u64,
    /// The same.
    pub rejected: u64,
    /// The same.
    pub overridden: u64,
    /// The same.
    pub stopped: u64,
    /// Those where nobody was proved to have decided.
    pub unproved: u64,
    /// Those that were accepted at first.
    pub accepted_first: u64,
    /// Of these, those where that took hardly any time.
    pub accepted_quickly: u64,
    /// The time to the first decision, in milliseconds: half of them took at most so long.
    pub median_ms: Option<u64>,
    /// Nine of ten took at most so long.
    pub p90_ms: Option<u64>,
}

/// An answer that nobody has accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owed {
    /// The record of its call.
    pub record: String,
    /// Across what.
    pub conduit: Option<String>,
    /// Who called.
    pub workload: Option<String>,
    /// For whom, by pseudonym.
    pub operator: Option<String>,
    /// When the answer ended.
    pub ended: String,
    /// By when somebody must account for it.
    pub due: String,
    /// Whether that is over.
    pub over: bool,
    /// Whether the call was made for who asks, who may account for it.
    pub mine: bool,
}

/// A record that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accounted {
    /// Its identity.
    pub record: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountBody {
    decision: String,
}

/// Answers a request that only looks.
pub(crate) async fn look(control: &dyn Control, person: Person, head: &Parts) -> Answered {
    let period = query::period(head.uri.query().unwrap_or_default())?;
    json(StatusCode::OK, &control.oversight(person, period).await?)
}

/// Takes what somebody did with an answer. Only whom the operators' issuer knows can be told to be the one for whom a call was made.
pub(crate) async fn account(
    control: &dyn Control,
    person: Person,
    call: &str,
    body: &[u8],
    peer: Option<IpAddr>,
) -> Answered {
    let AccountBody { decision } = parse(body)?;
    let judgement = Judgement::named(&decision).ok_or_else(|| {
        let names = Judgement::NAMES.map(|(name, _)| format!("`{name}`")).join(", ");
        Problem::Unfit(format!("`decision` is one of {names}"))
    })?;
    if person.by != "oidc" {
        return Err(Problem::Nobody);
    }
    json(StatusCode::CREATED, &control.account(person, record(call)?, judgement, peer).await?)
}
