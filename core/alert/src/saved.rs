//! What a destination was told, over a restart: as JSON, and back.

use crate::alert::{self, Alert};
use crate::watch::{Open, Watch};
use crate::{Code, Eyes, Severity};
use plant::{Millis, RecordId};
use serde_json::{Map, Value, json};

/// Most that is open in what is restored, and most codes.
const MOST: usize = 8192;

/// A saved state is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

impl std::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is no state of alerts")
    }
}

impl std::error::Error for Corrupt {}

impl Watch {
    /// What [`Self::restore`] takes up.
    #[must_use]
    pub fn save(&self) -> Value {
        let open: Vec<Value> = self.open.iter().map(|((code, about), open)| open.save(*code, about)).collect();
        let withheld: Map<String, Value> =
            self.withheld.iter().map(|(code, count)| (code.name().to_owned(), (*count).into())).collect();
        json!({
            "open": open,
            "minute": [self.minute.0.0, self.minute.1],
            "withheld": withheld,
            "worst": self.worst.map(Severity::name),
            "since": self.since.map(|since| since.0),
        })
    }

    /// Takes up what was saved.
    ///
    /// # Errors
    /// If it was not saved by [`Self::save`].
    pub fn restore(value: &Value) -> Result<Self, Corrupt> {
        Self::read(value).ok_or(Corrupt)
    }

    fn read(value: &Value) -> Option<Self> {
        let open = value.get("open")?.as_array().filter(|open| open.len() <= MOST)?;
        let open = open.iter().map(Open::read).collect::<Option<_>>()?;
        let minute = value.get("minute")?;
        let minute = (Millis(minute.get(0)?.as_u64()?), u32::try_from(minute.get(1)?.as_u64()?).ok()?);
        let withheld = value.get("withheld")?.as_object()?;
        let withheld = withheld.iter().map(|(code, count)| Some((Code::named(code)?, count.as_u64()?)));
        let worst = match value.get("worst")? {
            Value::Null => None,
            name => Some(Severity::named(name.as_str()?)?),
        };
        let since = match value.get("since")? {
            Value::Null => None,
            since => Some(Millis(since.as_u64()?)),
        };
        Some(Self { open, minute, withheld: withheld.collect::<Option<_>>()?, worst, since })
    }
}

impl Open {
    fn save(&self, code: Code, about: &str) -> Value {
        let facts: Map<String, Value> =
            self.facts.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        json!({
            "code": code.name(),
            "about": about,
            "ends": self.ends.0,
            "count": self.count,
            "first": self.first.0,
            "last": self.last.0,
            "record": self.record.map(|id| id.to_string()),
            "severity": self.severity.name(),
            "facts": facts,
            "holds": self.holds,
            "told": self.told,
            "turns": self.turns,
        })
    }

    fn read(value: &Value) -> Option<((Code, String), Self)> {
        let text = |key: &str| value.get(key)?.as_str();
        let number = |key: &str| value.get(key)?.as_u64();
        let flag = |key: &str| match value.get(key)? {
            Value::Null => Some(None),
            flag => flag.as_bool().map(Some),
        };
        let record = match value.get("record")? {
            Value::Null => None,
            id => Some(RecordId::parse(id.as_str()?)?),
        };
        let open = Self {
            ends: Millis(number("ends")?),
            count: number("count")?,
            first: Millis(number("first")?),
            last: Millis(number("last")?),
            record,
            severity: Severity::named(text("severity")?)?,
            facts: alert::facts(value.get("facts")?)?,
            holds: flag("holds")?,
            told: flag("told")?,
            turns: u32::try_from(number("turns")?).ok()?,
        };
        Some(((Code::named(text("code")?)?, text("about")?.to_owned()), open))
    }
}

impl Eyes {
    /// What [`Self::restore`] takes up.
    #[must_use]
    pub fn save(&self) -> Value {
        json!(self.policy)
    }

    /// Takes up what was saved.
    #[must_use]
    pub fn restore(value: &Value) -> Self {
        Self { policy: value.as_str().map(str::to_owned) }
    }
}

impl Alert {
    /// Takes up an alert as [`Self::data`] gave it.
    ///
    /// # Errors
    /// If it is none.
    pub fn restore(value: &Value) -> Result<Self, Corrupt> {
        Self::read(value).ok_or(Corrupt)
    }
}
