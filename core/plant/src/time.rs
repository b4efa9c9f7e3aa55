//! Time as the core sees it: a number that the shell hands in.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// Reads an RFC 3339 date-time (`2026-11-20T21:30:00Z`) or a plain date, which means its first moment in UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp = text.parse::<jiff::Timestamp>().ok().or_else(|| {
            let date = text.parse::<jiff::civil::Date>().ok()?;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        })?;
        u64::try_from(timestamp.as_millisecond()).ok().map(Self)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = i64::try_from(self.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        match shown {
            Some(timestamp) => write!(f, "{timestamp:.3}"),
            None => write!(f, "{} ms", self.0),
        }
    }
}
