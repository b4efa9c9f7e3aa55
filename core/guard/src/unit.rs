//! Units of process values: UCUM codes, what people write for them, and the way from one to another.
//!
//! Values are `f64`: conversions here cost a few units in the sixteenth digit, and [`crate::judge`] takes a value within a
//! billionth of a limit for the limit itself, far below what any transmitter resolves.

mod table;

use crate::words::Words;
use std::collections::HashMap;
use std::sync::OnceLock;
use table::UNITS;

use Against::{Gauge, Unsaid, Vacuum};

/// What a unit measures. Only units of one dimension can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Temperature,
    Pressure,
    Frequency,
    VolumeFlow,
    /// At 0 °C and 1.01325 bar (DIN 1343).
    NormalFlow,
    /// At 60 °F and 14.696 psi, as the field in North America has it.
    StandardFlow,
    MassFlow,
    MolarFlow,
    Time,
    Length,
    Area,
    Volume,
    Mass,
    Amount,
    Speed,
    Acceleration,
    Force,
    Torque,
    Power,
    ApparentPower,
    Energy,
    Voltage,
    Current,
    Resistance,
    Conductivity,
    Density,
    Molarity,
    Share,
    Humidity,
    Acidity,
    Viscosity,
    KinematicViscosity,
    Angle,
    Turbidity,
    Sound,
    Light,
    Flux,
}

/// What a pressure is measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Against {
    /// It does not say.
    #[default]
    Unsaid,
    /// The air around.
    Gauge,
    /// Nothing at all.
    Vacuum,
}

/// A unit of measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    pub(crate) code: &'static str,
    pub(crate) dimension: Dimension,
    /// Times this, plus the offset, is the value in the dimension's base unit.
    factor: f64,
    offset: f64,
    pub(crate) against: Against,
}

/// The air's pressure in pascal: what lies between gauge and absolute (ISO 2533).
const AIR: f64 = 101_325.0;

impl Unit {
    /// The unit that a plant file names: a UCUM code, or what people write for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        table().find(name.trim())
    }

    /// Every unit's code with what else is read as it, for a list of them.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        UNITS.iter().map(|row| (row.0, row.1))
    }

    /// Its UCUM code, or ours where UCUM has none.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What `value` in this unit may be in `other`: the more than one where it is not said against what a pressure is
    /// measured. Nothing if the two measure different things.
    pub(crate) fn readings(&self, value: f64, other: &Self) -> Option<(f64, Option<f64>)> {
        if self.dimension != other.dimension {
            return None;
        }
        let base = value * self.factor + self.offset;
        let to = |base: f64| (base - other.offset) / other.factor;
        Some(match (self.against, other.against) {
            (Gauge, Vacuum) => (to(base + AIR), None),
            (Vacuum, Gauge) => (to(base - AIR), None),
            // A limit in bar is one of gauge pressure as a rule; who writes `bara` beside it means another.
            (Vacuum, Unsaid) => (to(base), Some(to(base - AIR))),
            (Unsaid, Vacuum) => (to(base), Some(to(base + AIR))),
            _ => (to(base), None),
        })
    }

    /// A difference of `value` in this unit, in `other`: offsets do not count.
    pub(crate) fn difference(&self, value: f64, other: &Self) -> Option<f64> {
        (self.dimension == other.dimension).then(|| value * self.factor / other.factor)
    }

    /// The seconds that one of it has, if it is one of time.
    pub(crate) fn seconds(&self) -> Option<f64> {
        (self.dimension == Dimension::Time).then_some(self.factor)
    }

    /// What this is a rate of, with its second as the time: `mm/s` of lengths.
    pub(crate) fn integral(&self) -> Option<Dimension> {
        match self.dimension {
            Dimension::Speed => Some(Dimension::Length),
            Dimension::Acceleration => Some(Dimension::Speed),
            Dimension::VolumeFlow => Some(Dimension::Volume),
            Dimension::MassFlow => Some(Dimension::Mass),
            _ => None,
        }
    }

    /// A change in a second, in the dimension's base unit, of what this is a rate of.
    pub(crate) fn per_second(&self, value: f64, other: &Self) -> Option<f64> {
        (self.integral() == Some(other.dimension)).then(|| value * self.factor / other.factor)
    }
}

/// What says degrees and not of what.
const DEGREES: [&str; 9] = ["°", "º", "deg", "degs", "degree", "degrees", "Grad", "grad", "deg."];

struct Table {
    exact: HashMap<&'static str, usize, Words>,
    /// Without case; `None` where two units differ in nothing else (`mPa` and `MPa`).
    loose: HashMap<String, Option<usize>, Words>,
    /// By how names begin, without case: the longest of them, in bytes. Most words behind a number begin no unit.
    heads: HashMap<String, usize, Words>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { exact: HashMap::default(), loose: HashMap::default(), heads: HashMap::default() };
        for name in DEGREES {
            table.head(name);
        }
        for (at, row) in UNITS.iter().enumerate() {
            for name in std::iter::once(row.0).chain(row.1.split('|')).filter(|name| !name.is_empty()) {
                table.head(name);
                table.exact.entry(name).or_insert(at);
                let loose = table.loose.entry(name.to_lowercase()).or_insert(Some(at));
                if loose.is_some_and(|known| UNITS.get(known).map(|row| row.0) != Some(row.0)) {
                    *loose = None;
                }
            }
        }
        table
    })
}

impl Table {
    fn head(&mut self, name: &str) {
        let longest = self.heads.entry(head(name).to_lowercase()).or_default();
        *longest = name.len().max(*longest);
    }

    /// How long a unit at the start of `text` can be at most.
    fn longest(&self, text: &str) -> Option<usize> {
        let head = head(text);
        if head.len() > 24 {
            return None;
        }
        // Letters may have another length in their other case.
        Some(self.heads.get(head.to_lowercase().as_str())? + 8)
    }

    fn find(&self, name: &str) -> Option<Unit> {
        let exact = self.exact.get(name).copied();
        // One letter says nothing without its case: `m` is no mega, `c` no coulomb.
        let loose = || self.loose.get(&name.to_lowercase()).copied().flatten().filter(|_| name.chars().count() > 1);
        let row = UNITS.get(exact.or_else(loose)?)?;
        Some(Unit { code: row.0, dimension: row.2, factor: row.3, offset: row.4, against: row.5 })
    }
}

/// The letters that a name begins with, or its first sign: a name that stands at the start of a text, and does not end
/// within a word, has the same.
fn head(text: &str) -> &str {
    let letters = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let end = if letters > 0 { letters } else { text.chars().next().map_or(0, char::len_utf8) };
    text.get(..end).unwrap_or_default()
}

/// What stands behind a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behind {
    /// A unit.
    Unit(Unit),
    /// `°` or `degrees` alone: of the temperature that the tag has, or of an angle.
    Degrees,
}

/// The unit at the start of `text`, and its length in bytes. Blanks in it count as one.
pub(crate) fn read(text: &str) -> Option<(Behind, usize)> {
    let mut end = text.len().min(table().longest(text)?);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end)?;
    // Nothing in a unit goes over a line.
    let head = head.split(['\n', '|', '\t']).next()?;
    let ends = head.char_indices().map(|(at, character)| at + character.len_utf8()).rev();
    for end in ends {
        let (name, after) = (head.get(..end)?, text.get(end..)?);
        if !bounded(name, after) {
            continue;
        }
        if let Some(unit) = table().find(name) {
            return Some((Behind::Unit(unit), end));
        }
        if DEGREES.contains(&name) {
            return Some((Behind::Degrees, end));
        }
    }
    None
}

/// Whether a name that ends here is not the beginning of a longer one.
fn bounded(name: &str, after: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let last = name.chars().next_back().is_some_and(|c| word(c) || matches!(c, '°' | 'º'));
    let next = after.chars().next();
    !(name.ends_with(char::is_whitespace) || last && next.is_some_and(|c| word(c) || c == '°'))
}

#[cfg(test)]
mod tests {
    use super::{Behind, Unit, read};

    fn unit(name: &str) -> Unit {
        Unit::named(name).unwrap_or_else(|| panic!("{name} is a unit"))
    }

    fn check(value: f64, from: &str, to: &str, wanted: f64) {
        let (got, _) = unit(from).readings(value, &unit(to)).unwrap_or_else(|| panic!("{from} to {to}"));
        assert!((got - wanted).abs() <= 1e-6 * wanted.abs().max(1.0), "{value} {from} = {got} {to}, not {wanted}");
    }

    #[test]
    fn values_convert() {
        check(448.15, "K", "Cel", 175.0);
        check(356.0, "°F", "°C", 180.0);
        check(-40.0, "degF", "Cel", -40.0);
        check(43.51, "psi", "bar", 2.999_909);
        check(1.3, "MPa", "bar", 13.0);
        check(27.88, "Hz", "rpm", 1672.8);
        check(37000.0, "L/h", "m3/h", 37.0);
        check(228.9, "gpm", "m3/h", 51.988_845);
        check(1.0, "bar(g)", "bar(a)", 2.013_25);
        check(5.0, "kg/min", "kg/h", 300.0);
        check(1.0, "t/h", "kg/h", 1000.0);
    }

    #[test]
    fn a_pressure_that_does_not_say_against_what_has_two_readings() {
        let (plain, other) = unit("bara").readings(6.5, &unit("bar")).unwrap();
        assert!((plain - 6.5).abs() < 1e-9 && (other.unwrap() - 5.486_75).abs() < 1e-9);
        assert_eq!(unit("barg").readings(6.5, &unit("bar")).unwrap().1, None);
        assert_eq!(unit("bar").readings(1.0, &unit("Cel")), None);
    }

    #[test]
    fn a_difference_has_no_offset() {
        assert_eq!(unit("K").difference(2.5, &unit("Cel")), Some(2.5));
        assert!((unit("°F").difference(18.0, &unit("Cel")).unwrap() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn the_longest_way_to_write_one_counts_and_case_only_where_it_must() {
        let code = |text: &str| match read(text) {
            Some((Behind::Unit(unit), end)) => (unit.code, end),
            Some((Behind::Degrees, end)) => ("degrees", end),
            None => ("", 0),
        };
        assert_eq!(code("m3/h/min."), ("m3/h", 4));
        assert_eq!(code("degrees Celsius now"), ("Cel", 15));
        assert_eq!(code("degrees."), ("degrees", 7));
        assert_eq!((code("mPa"), code("mpa")), (("mPa", 3), ("", 0)));
        assert_eq!(code("MPa"), ("MPa", 3));
        assert_eq!(code("BAR,"), ("bar", 3));
        assert_eq!(code("cubic meters per hour stellen"), ("m3/h", 21));
        assert_eq!(code("K\nA"), ("K", 1));
        assert_eq!(code("flurbs"), ("", 0));
        assert_eq!(code("c"), ("", 0));
    }
}
