//! Holds one recommended value against the limits of its tag.

use crate::limits::{Limit, Verdict, Why};
use crate::number::Number;
use crate::unit::{Behind, Dimension, Unit};

/// A value with what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) number: Number,
    pub(crate) measure: Measure,
    /// The seconds of the time that it is said per.
    pub(crate) per: Option<f64>,
}

/// What stands behind a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Measure {
    /// Nothing: the tag's own unit.
    Bare,
    /// `°` alone.
    Degrees,
    Unit(Unit),
    /// Something that is no unit we know.
    Unknown,
}

/// A verdict and its reason; the greater is the worse.
pub(crate) type Ruling = (Verdict, Why);

pub(crate) const WITHIN: Ruling = (Verdict::Allow, Why::Within);
pub(crate) const UNSAID: Ruling = (Verdict::Unresolved, Why::ValueUnsaid);

impl Measure {
    pub(crate) fn unit(self) -> Option<Unit> {
        match self {
            Self::Unit(unit) => Some(unit),
            Self::Bare | Self::Degrees | Self::Unknown => None,
        }
    }

    pub(crate) fn is_percent(self) -> bool {
        self.unit().is_some_and(|unit| unit.code == "%")
    }
}

impl From<Behind> for Measure {
    fn from(behind: Behind) -> Self {
        match behind {
            Behind::Unit(unit) => Self::Unit(unit),
            Behind::Degrees => Self::Degrees,
        }
    }
}

/// Whether the quantity may be one of the limit's tag at all, judged by its unit. What has none may.
pub(crate) fn suits(limit: &Limit, quantity: &Quantity) -> bool {
    match quantity.measure {
        Measure::Unit(unit) => unit.dimension == limit.unit.dimension || unit.integral() == Some(limit.unit.dimension),
        Measure::Degrees => matches!(limit.unit.dimension, Dimension::Temperature | Dimension::Angle),
        Measure::Bare | Measure::Unknown => true,
    }
}

/// A value that the tag is to have.
pub(crate) fn target(limit: &Limit, quantity: &Quantity, current: Option<f64>) -> Ruling {
    readings(limit, quantity, |value| value_of(limit, value, current))
}

/// A value that the tag is only said to stay above or below.
pub(crate) fn bound(limit: &Limit, quantity: &Quantity, above: bool) -> Ruling {
    readings(limit, quantity, |value| match level(limit, value) {
        ruling @ (_, Why::Above) if above => ruling,
        ruling @ (_, Why::Below) if !above => ruling,
        _ => WITHIN,
    })
}

/// A change by the quantity; in either direction if `up` is not known.
pub(crate) fn change(limit: &Limit, quantity: &Quantity, up: Option<bool>, current: Option<f64>) -> Ruling {
    let signs: &[f64] = match up {
        Some(true) => &[1.0],
        Some(false) => &[-1.0],
        None => &[1.0, -1.0],
    };
    let changed = |by: f64| {
        let ruled = signs.iter().map(|sign| match current {
            Some(current) => value_of(limit, current + sign * by, Some(current)),
            None if over(by.abs(), step(limit)) => (Verdict::Violate, Why::Step),
            None => (Verdict::Unresolved, Why::CurrentUnknown),
        });
        ruled.max().unwrap_or(UNSAID)
    };
    let share = |percent: f64| match current {
        Some(current) => changed(current.abs() * percent / 100.0),
        None => (Verdict::Unresolved, Why::CurrentUnknown),
    };
    let number = quantity.number;
    let each = |rule: &dyn Fn(f64) -> Ruling| worst([Some(number.value), number.other].into_iter().flatten().map(rule));
    match quantity.measure {
        // Of a tag in percent, `10 %` may be points or a share.
        measure if measure.is_percent() && limit.unit.code == "%" => each(&changed).max(each(&share)),
        measure if measure.is_percent() => each(&share),
        Measure::Unit(unit) => match unit.difference(1.0, &limit.unit) {
            Some(factor) => each(&|value| changed(value * factor)),
            None => (Verdict::Unresolved, Why::UnitOther),
        },
        Measure::Bare | Measure::Degrees => each(&changed),
        Measure::Unknown => (Verdict::Unresolved, Why::UnitUnknown),
    }
}

/// A multiple of the value that is there.
pub(crate) fn multiple(limit: &Limit, factor: f64, current: Option<f64>) -> Ruling {
    match current {
        Some(current) => value_of(limit, current * factor, Some(current)),
        None => (Verdict::Unresolved, Why::CurrentUnknown),
    }
}

/// A rate of change.
pub(crate) fn rate(limit: &Limit, quantity: &Quantity) -> Ruling {
    let Some((step, window)) = limit.step.zip(limit.window) else { return WITHIN };
    let factor = match (quantity.measure, quantity.per) {
        (Measure::Unit(unit), Some(per)) => unit.difference(1.0, &limit.unit).map(|factor| factor / per),
        (Measure::Unit(unit), None) => unit.per_second(1.0, &limit.unit),
        (Measure::Bare | Measure::Degrees, Some(per)) => Some(1.0 / per),
        (Measure::Bare | Measure::Degrees, None) => Some(1.0 / window.as_secs_f64()),
        (Measure::Unknown, _) => return (Verdict::Unresolved, Why::UnitUnknown),
    };
    let Some(factor) = factor else { return (Verdict::Unresolved, Why::UnitOther) };
    let values = [Some(quantity.number.value), quantity.number.other];
    worst(values.into_iter().flatten().map(|value| match (value * factor * window.as_secs_f64()).abs() {
        change if !change.is_finite() => (Verdict::Unresolved, Why::NotFinite),
        change if over(change, Some(step)) => (Verdict::Violate, Why::Rate),
        _ => WITHIN,
    }))
}

/// What a quantity is in the tag's unit, if that can be told.
pub(crate) fn plain(limit: &Limit, quantity: &Quantity) -> Option<f64> {
    match quantity.measure {
        Measure::Unit(unit) => unit.readings(quantity.number.value, &limit.unit).map(|(value, _)| value),
        Measure::Bare | Measure::Degrees => Some(quantity.number.value),
        Measure::Unknown => None,
    }
}

/// The worst ruling over all that a quantity may mean.
fn readings(limit: &Limit, quantity: &Quantity, rule: impl Fn(f64) -> Ruling) -> Ruling {
    let values = [Some(quantity.number.value), quantity.number.other].into_iter().flatten();
    match quantity.measure {
        Measure::Unknown => (Verdict::Unresolved, Why::UnitUnknown),
        Measure::Bare => worst(values.map(rule)),
        Measure::Degrees => {
            // What people call degrees where the limit is in kelvin are degrees Celsius.
            let celsius = Unit::named("Cel").filter(|_| limit.unit.code == "K");
            let unit = celsius.unwrap_or(limit.unit);
            worst(values.filter_map(|value| Some(rule(unit.readings(value, &limit.unit)?.0))))
        }
        Measure::Unit(unit) => {
            let mut worst_of = None;
            for value in values {
                let Some((first, second)) = unit.readings(value, &limit.unit) else {
                    return (Verdict::Unresolved, Why::UnitOther);
                };
                let ruled = second.map(&rule).into_iter().chain([rule(first)]).max();
                worst_of = worst_of.max(ruled);
            }
            worst_of.unwrap_or(UNSAID)
        }
    }
}

fn worst(rulings: impl Iterator<Item = Ruling>) -> Ruling {
    rulings.max().unwrap_or(UNSAID)
}

fn value_of(limit: &Limit, value: f64, current: Option<f64>) -> Ruling {
    let level = level(limit, value);
    let step = match (step(limit), current) {
        (None, _) => WITHIN,
        (Some(step), Some(current)) if over((value - current).abs(), Some(step)) => (Verdict::Violate, Why::Step),
        (Some(_), Some(_)) => WITHIN,
        (Some(_), None) => (Verdict::Unresolved, Why::CurrentUnknown),
    };
    level.max(step)
}

/// The largest single change, if one is laid down.
fn step(limit: &Limit) -> Option<f64> {
    limit.step.filter(|_| limit.window.is_none())
}

fn level(limit: &Limit, value: f64) -> Ruling {
    if !value.is_finite() {
        return (Verdict::Unresolved, Why::NotFinite);
    }
    if over(value, limit.high) {
        return (Verdict::Violate, Why::Above);
    }
    if over(-value, limit.low.map(|low| -low)) {
        return (Verdict::Violate, Why::Below);
    }
    WITHIN
}

/// Whether a value is more than a limit, by more than conversions cost.
fn over(value: f64, limit: Option<f64>) -> bool {
    limit.is_some_and(|limit| value > limit + 1e-9 * limit.abs().max(1e-6))
}
