//! What is counted.

/// An amount of each thing that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Calls.
    pub requests: u64,
    /// Tokens of prompts and answers.
    pub tokens: u64,
    /// Bytes of prompts and answers.
    pub bytes: u64,
    /// Money, in millionths of the unit that prices are in.
    pub money: u64,
}

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens.
    Tokens,
    /// Bytes.
    Bytes,
    /// Money.
    Money,
    /// Calls at the same time.
    Concurrent,
}

impl Measure {
    /// Those that add up over a window.
    pub const SUMMED: [Self; 4] = [Self::Requests, Self::Tokens, Self::Bytes, Self::Money];

    /// Its name in plant files, records and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Bytes => "bytes",
            Self::Money => "money",
            Self::Concurrent => "concurrent",
        }
    }

    /// An amount of it as people write it: money in its unit, everything else as a number.
    #[must_use]
    pub fn show(self, amount: u64) -> String {
        match self {
            Self::Money => format!("{}.{:04}", amount / 1_000_000, amount % 1_000_000 / 100),
            Self::Requests | Self::Tokens | Self::Bytes | Self::Concurrent => amount.to_string(),
        }
    }
}

impl Amounts {
    /// The amount of one thing; none of what does not add up.
    #[must_use]
    pub fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Requests => self.requests,
            Measure::Tokens => self.tokens,
            Measure::Bytes => self.bytes,
            Measure::Money => self.money,
            Measure::Concurrent => 0,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.each(other, u64::saturating_add)
    }

    /// What is left without the other; never less than nothing.
    #[must_use]
    pub fn less(&self, other: &Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    fn each(&self, other: &Self, join: fn(u64, u64) -> u64) -> Self {
        Self {
            requests: join(self.requests, other.requests),
            tokens: join(self.tokens, other.tokens),
            bytes: join(self.bytes, other.bytes),
            money: join(self.money, other.money),
        }
    }
}
