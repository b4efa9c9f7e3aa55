//! What a decision comes to, in one word.

use std::fmt;

/// What happens to a call, from the freest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It goes as it came.
    Allow,
    /// Some of it is replaced by stand-ins that are put back in the answer.
    Tokenise,
    /// Some of it is said in general only.
    Generalise,
    /// Some of it is blacked out.
    Redact,
    /// It goes to another provider.
    Reroute,
    /// It waits for a person.
    Hold,
    /// It goes nowhere.
    Refuse,
}

impl Verdict {
    /// Every verdict with its name in plant file, records and headers.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("allow", Self::Allow),
        ("tokenise", Self::Tokenise),
        ("generalise", Self::Generalise),
        ("redact", Self::Redact),
        ("reroute", Self::Reroute),
        ("hold", Self::Hold),
        ("refuse", Self::Refuse),
    ];

    /// The verdict's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Tokenise => "tokenise",
            Self::Generalise => "generalise",
            Self::Redact => "redact",
            Self::Reroute => "reroute",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
