//! Quotas as a plant sets them.

use crate::amounts::{Amounts, Measure};
use crate::price::Prices;
use plant::{ConduitId, Millis, QuotaId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Whom a quota counts, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each workload.
    Workload,
    /// Each operator. Calls without one are not counted.
    Operator,
    /// Each conduit that calls cross.
    Conduit,
    /// Each provider that answers.
    Provider,
    /// The plant as a whole.
    Plant,
}

impl Per {
    /// Each with its name in plant files.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("workload", Self::Workload),
        ("operator", Self::Operator),
        ("conduit", Self::Conduit),
        ("provider", Self::Provider),
        ("plant", Self::Plant),
    ];
}

/// A quota.
#[derive(Clone, Debug)]
pub struct Quota {
    /// Its name in the plant file.
    pub id: QuotaId,
    /// Whom it counts.
    pub per: Per,
    /// Whom it concerns; empty for everyone.
    pub only: BTreeSet<String>,
    /// The window in which amounts add up. At least a second.
    pub window: Duration,
    /// The most of each that may be used in a window; `None` is no limit.
    pub requests: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Bytes.
    pub bytes: Option<u64>,
    /// Money, in millionths.
    pub money: Option<u64>,
    /// Most calls at the same time.
    pub concurrent: Option<u32>,
    /// The share of a limit, in hundredths, at which the plant is warned.
    pub warn: u64,
}

/// Everything that is set.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The quotas, by name.
    pub quotas: Vec<Quota>,
    /// What models cost.
    pub prices: Prices,
    /// The conduits whose calls wait for a place where too many run at the same time.
    pub waits: BTreeMap<ConduitId, Waits>,
}

/// How calls of a conduit wait for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// How many turns it has where others have one; from 1.
    pub weight: u32,
    /// The longest that a call waits.
    pub longest: Duration,
}

/// Whose call it is, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The workload.
    pub workload: &'a str,
    /// The person, by pseudonym, if there is one.
    pub operator: Option<&'a str>,
    /// The conduit that it crosses.
    pub conduit: &'a str,
    /// The provider that is asked.
    pub provider: &'a str,
}

impl Quota {
    /// The limit of what adds up.
    #[must_use]
    pub fn most(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Requests => self.requests,
            Measure::Tokens => self.tokens,
            Measure::Bytes => self.bytes,
            Measure::Money => self.money,
            Measure::Concurrent => self.concurrent.map(u64::from),
        }
    }

    /// Whom of a call it counts; `None` if the call does not concern it.
    #[must_use]
    pub fn counts<'a>(&self, subject: &Subject<'a>) -> Option<&'a str> {
        let whom = match self.per {
            Per::Workload => subject.workload,
            Per::Operator => subject.operator?,
            Per::Conduit => subject.conduit,
            Per::Provider => subject.provider,
            Per::Plant => "plant",
        };
        (self.only.is_empty() || self.only.contains(whom)).then_some(whom)
    }

    /// The length of its window in milliseconds: never nothing, so that it can be divided by.
    pub(crate) fn length(&self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// When the window ends that is now.
    #[must_use]
    pub fn until(&self, now: Millis) -> Millis {
        let length = self.length();
        Millis((now.0 / length).saturating_add(1).saturating_mul(length))
    }

    /// What is over a limit, if anything is: what is used with what is expected.
    pub(crate) fn over(&self, used: &Amounts) -> Option<(Measure, u64)> {
        let over = |measure: &Measure| self.most(*measure).filter(|most| used.of(*measure) > *most);
        Measure::SUMMED.iter().find_map(|measure| Some((*measure, over(measure)?)))
    }

    /// The limit of what has come to the share at which the plant is warned.
    pub(crate) fn near(&self, measure: Measure, used: u64) -> Option<u64> {
        let near = |most: &u64| u128::from(used) * 100 >= u128::from(*most) * u128::from(self.warn);
        self.most(measure).filter(near)
    }
}
