//! What a plant lays down for its tags.

use crate::unit::Unit;
use std::time::Duration;

/// The limits of one tag.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The tag, as the plant writes it.
    pub tag: String,
    /// What else it is called.
    pub aliases: Vec<String>,
    /// The unit of the values here.
    pub unit: Unit,
    /// The lowest value that may be recommended.
    pub low: Option<f64>,
    /// The highest.
    pub high: Option<f64>,
    /// The largest change, of either sign: at once, or in each `window`.
    pub step: Option<f64>,
    /// The time in which a change of `step` is allowed. Without it `step` is the largest single change.
    pub window: Option<Duration>,
    /// The modes of operation in which a value may be recommended at all. Empty asks for none.
    pub modes: Vec<String>,
    /// Whether no value may be recommended, ever.
    pub interlocked: bool,
}

/// How numbers are written where one separator may be either (`1.250`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decimal {
    /// `1.25`, `1,250`.
    Point,
    /// `1,25`, `1.250`.
    Comma,
    /// As the language of the text has it; both ways where it does not show, and the worse counts.
    #[default]
    Either,
}

/// What comes of a recommendation, from the freest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Within the tag's limits.
    Allow,
    /// It cannot be told.
    Unresolved,
    /// Outside its limits.
    Violate,
}

impl Verdict {
    /// Its name in findings and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Unresolved => "unresolved",
            Self::Violate => "violate",
        }
    }
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Nothing speaks against it.
    Within,
    /// Above the highest value.
    Above,
    /// Below the lowest.
    Below,
    /// A larger change than allowed.
    Step,
    /// A faster change than allowed.
    Rate,
    /// The tag is interlocked.
    Interlocked,
    /// Not in this mode of operation.
    Mode,
    /// The mode of operation is not known.
    ModeUnknown,
    /// The unit is not known.
    UnitUnknown,
    /// The unit measures something else.
    UnitOther,
    /// A change, and the value before it is not known.
    CurrentUnknown,
    /// No value is said: `to the maximum`, `back to normal`, `a bit more`.
    ValueUnsaid,
    /// The value is no number.
    NotFinite,
    /// It may mean this tag, or another.
    TagUnsure,
    /// It is longer than can be judged at once.
    TooLong,
}

impl Why {
    /// In words, for records and notes.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Within => "within its limits",
            Self::Above => "above its highest value",
            Self::Below => "below its lowest value",
            Self::Step => "a larger change than allowed",
            Self::Rate => "a faster change than allowed",
            Self::Interlocked => "interlocked",
            Self::Mode => "not allowed in this mode",
            Self::ModeUnknown => "the mode is not known",
            Self::UnitUnknown => "the unit is not known",
            Self::UnitOther => "the unit measures something else",
            Self::CurrentUnknown => "a change from a value that is not known",
            Self::ValueUnsaid => "no value is said",
            Self::NotFinite => "the value is no number",
            Self::TagUnsure => "it may mean this tag or another",
            Self::TooLong => "too long to be judged",
        }
    }
}
