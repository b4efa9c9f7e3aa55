//! Identifiers. Different things have different types, so that a zone can never be passed for a conduit.

use std::fmt;

/// The text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name: {problem}")]
pub struct InvalidId {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Longest identifier. Fits a DNS label with room for a suffix, and keeps a record small.
const LONGEST: usize = 96;

fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > LONGEST {
        return Err("it is longer than 96 characters");
    }
    if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b)) {
        return Err("only lower-case letters, digits, `-`, `_` and `.` are allowed");
    }
    if !text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return Err("it must begin with a letter or a digit");
    }
    Ok(())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes the text if it is an identifier: 1 to 96 lower-case letters, digits, `-`, `_`, `.`.
            ///
            /// # Errors
            /// Says which of these rules the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                match check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(problem) => Err(InvalidId { text: text.chars().take(80).collect(), problem }),
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
    )*};
}

ids! {
    /// Names a site.
    PlantId;
    /// Names one gateway of a site.
    GatewayId;
    /// Names an IEC 62443 zone.
    ZoneId;
    /// Names a conduit.
    ConduitId;
    /// Names a software process that calls AI.
    WorkloadId;
    /// Names a device that calls come from.
    WorkstationId;
    /// Names an operator by pseudonym: `op-` and 16 base32 characters, keyed by the plant, so that a
    /// record identifies a person only to those who hold the key.
    OperatorId;
    /// Names an AI service.
    ProviderId;
    /// What a call is for, in the plant's own words (`maintenance`, `quality`).
    Purpose;
    /// Names a rule: of the detectors, or a Cedar policy's `@id`.
    RuleId;
    /// Names a document that was registered to be known again.
    DocumentId;
    /// Names a collection of registered documents.
    CollectionId;
    /// Names a table of which values are looked for.
    TableId;
    /// Names a registered picture.
    PictureId;
    /// Names a destination of alerts.
    DestinationId;
    /// Names a data source of the plant.
    SourceId;
    /// Names a quota.
    QuotaId;
    /// Names a workload token, so that it can be listed and revoked without being known.
    TokenId;
}

/// A record's own identity: a `UUIDv7` that we draw, never one that a provider or a caller sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(uuid::Uuid);

impl RecordId {
    /// Builds the id from the time and 80 random bits (RFC 9562 section 5.7; version and variant are set here).
    #[must_use]
    pub fn new(now: crate::Millis, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(now.0, &random).into_uuid())
    }

    /// When it was drawn, by the clock of who drew it; zero for an identity that is no `UUIDv7`.
    #[must_use]
    pub fn time(self) -> crate::Millis {
        let (seconds, nanoseconds) = self.0.get_timestamp().map_or((0, 0), |time| time.to_unix());
        crate::Millis(seconds.saturating_mul(1000).saturating_add(u64::from(nanoseconds / 1_000_000)))
    }

    /// Reads the usual hyphenated form; `None` if the text is no UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::RecordId;
    use crate::Millis;

    #[test]
    fn a_record_knows_when_its_identity_was_drawn() {
        for time in [0, 1, 999, 1_795_274_899_001, (1 << 48) - 1] {
            assert_eq!(RecordId::new(Millis(time), [0xff; 10]).time(), Millis(time));
        }
        assert_eq!(RecordId::parse("5f0c1f6e-0000-4000-8000-000000000000").unwrap().time(), Millis(0));
    }
}
