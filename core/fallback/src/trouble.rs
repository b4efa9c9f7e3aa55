//! What can be wrong with a provider, as far as it matters for what comes next.

use plant::Reason;

/// What is wrong with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// No connection could be made, or it has no credential.
    Unreachable,
    /// It took too long.
    Slow,
    /// It says that it was asked too much (429).
    Limited,
    /// It says that it has failed (5xx).
    Failing,
    /// It does not accept the plant's credential, or wants to be paid (401, 402, 403).
    Denied,
    /// It broke off, or what it sent is no answer.
    Broken,
    /// Its answer is too large, or may not come back on the conduit.
    Unsafe,
}

impl Trouble {
    /// Every trouble with its name in plant files and records.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("unreachable", Self::Unreachable),
        ("slow", Self::Slow),
        ("limited", Self::Limited),
        ("failing", Self::Failing),
        ("denied", Self::Denied),
        ("broken", Self::Broken),
        ("unsafe", Self::Unsafe),
    ];

    /// Its name in plant files and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
            Self::Limited => "limited",
            Self::Failing => "failing",
            Self::Denied => "denied",
            Self::Broken => "broken",
            Self::Unsafe => "unsafe",
        }
    }

    /// The trouble that a failure of ours tells of; `None` if the provider is not to blame for it.
    #[must_use]
    pub fn of_reason(reason: Reason) -> Option<Self> {
        Some(match reason {
            Reason::ProviderUnreachable | Reason::CredentialMissing | Reason::ProviderResting => Self::Unreachable,
            Reason::ProviderTimeout | Reason::AnswerTooLong => Self::Slow,
            Reason::ProviderBroken => Self::Broken,
            Reason::AnswerTooLarge
            | Reason::AnswerRefused
            | Reason::AnswerLimit
            | Reason::AnswerUnresolved
            | Reason::AnswerHeld => Self::Unsafe,
            _ => return None,
        })
    }

    /// The trouble that a provider's own status tells of; `None` if it tells of the request.
    #[must_use]
    pub fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            429 => Self::Limited,
            401..=403 => Self::Denied,
            500.. => Self::Failing,
            _ => return None,
        })
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A set of troubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Troubles(u8);

impl Troubles {
    /// No trouble.
    pub const NONE: Self = Self(0);
    /// All but [`Trouble::Unsafe`]: to ask around until an answer slips through the plant's limits is nothing that
    /// should happen unsaid.
    pub const USUAL: Self = Self(0b011_1111);

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it holds one.
    #[must_use]
    pub fn holds(self, trouble: Trouble) -> bool {
        self.0 & trouble.bit() != 0
    }
}

impl FromIterator<Trouble> for Troubles {
    fn from_iter<I: IntoIterator<Item = Trouble>>(troubles: I) -> Self {
        Self(troubles.into_iter().fold(0, |set, trouble| set | trouble.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Trouble, Troubles};
    use plant::Reason;

    #[test]
    fn the_usual_ones_are_all_but_what_the_plant_stopped_itself() {
        let usual: Vec<_> = Trouble::NAMES.iter().filter(|(_, one)| Troubles::USUAL.holds(*one)).collect();
        assert_eq!(usual.len(), Trouble::NAMES.len() - 1);
        assert!(!Troubles::USUAL.holds(Trouble::Unsafe));
        assert!(Trouble::NAMES.iter().all(|(name, one)| one.name() == *name));
        assert!(Trouble::NAMES.iter().all(|(_, one)| Troubles::from_iter([*one]).holds(*one)));
    }

    #[test]
    fn what_is_wrong_with_a_request_is_no_trouble_of_a_provider() {
        for status in [200, 204, 301, 400, 404, 413, 422] {
            assert_eq!(Trouble::of_status(status), None, "{status}");
        }
        assert_eq!(Trouble::of_status(429), Some(Trouble::Limited));
        assert_eq!(Trouble::of_status(529), Some(Trouble::Failing));
        let blamed = Reason::ALL.iter().filter(|reason| Trouble::of_reason(**reason).is_some());
        let codes: Vec<_> = blamed.map(|reason| reason.code()).collect();
        assert!(
            codes.iter().all(|code| code.starts_with("provider-")
                || code.starts_with("answer-")
                || *code == "credential-missing")
        );
        assert_eq!(Trouble::of_reason(Reason::LedgerUnavailable), None);
    }
}
