//! Units that are put together of others, as `mg/cm2` and `kN/m`: no list has them all, and what is measured in one follows from
//! its parts. Prices, data rates, a vehicle's speed and the energy that something took are none.

use super::quantity::Quantity;
use crate::bytes::{Bytes, is_digit};

/// Longest name of a part, in bytes.
const LONGEST: usize = 5;

/// What stands above the line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    Length,
    /// Mass, volume, or number of particles.
    Amount,
    /// Power, current, force and the like.
    Strength,
}

/// What stands below the line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    Time,
    Length,
    Amount,
}

/// The compound unit at `at`: what is measured in it, and where it ends.
pub(super) fn read(text: Bytes<'_>, at: usize) -> Option<(Quantity, usize)> {
    let (above, power, line) = part(text, at, above)?;
    let from = (text.at(line) == b'/').then_some(line + 1)?;
    let (below, root, end) = part(text, from, below)?;
    let closed = text.at(end) != b'/' && text.at(end) != b'_' && !text.goes_on(end);
    Some((measured((above, power), (below, root))?, end)).filter(|_| closed)
}

fn measured(above: (Above, u8), below: (Below, u8)) -> Option<Quantity> {
    match (above, below) {
        ((Above::Length, 1), (Below::Time, 1)) => Some(Quantity::Velocity),
        ((Above::Length, 3) | (Above::Amount, 1), (Below::Time, 1)) => Some(Quantity::Flow),
        ((Above::Length, 3) | (Above::Amount, 1), (Below::Amount, 1) | (Below::Length, 3)) => {
            Some(Quantity::Concentration)
        }
        ((Above::Amount | Above::Strength, 1), (Below::Length, 1 | 2)) => Some(Quantity::Dose),
        _ => None,
    }
}

/// The part at `at` that `known` knows, the power it is raised to, and where it ends.
fn part<T>(text: Bytes<'_>, at: usize, known: fn(&[u8]) -> Option<T>) -> Option<(T, u8, usize)> {
    let end = text.run(at, LONGEST, |b| b.is_ascii_alphabetic() || b >= 0x80);
    let part = known(text.slice(at..end))?;
    let power = end + usize::from(text.at(end) == b'^');
    match text.at(power) {
        digit @ b'2'..=b'3' if !is_digit(text.at(power + 1)) => Some((part, digit - b'0', power + 1)),
        _ => (power == end).then_some((part, 1, end)),
    }
}

fn above(name: &[u8]) -> Option<Above> {
    match name {
        b"m" | b"cm" | b"dm" | b"mm" | b"nm" | b"um" | b"ft" | b"in" | b"Nm" | b"Sm" => Some(Above::Length),
        b"g" | b"kg" | b"mg" | b"ug" | b"ng" | b"t" | b"lb" | b"lbs" | b"oz" | b"mol" | b"mmol" | b"kmol" | b"l"
        | b"L" | b"ml" | b"mL" | b"cl" | b"dl" | b"hl" | b"Nl" | b"NL" | b"gal" => Some(Above::Amount),
        b"W" | b"mW" | b"kW" | b"MW" | b"J" | b"mJ" | b"kJ" | b"N" | b"kN" | b"MN" | b"A" | b"mA" | b"kA" | b"V"
        | b"kV" | b"mV" => Some(Above::Strength),
        _ => match std::str::from_utf8(name).ok()? {
            "µm" => Some(Above::Length),
            "µg" | "µl" | "µmol" => Some(Above::Amount),
            "µW" | "µA" => Some(Above::Strength),
            _ => None,
        },
    }
}

fn below(name: &[u8]) -> Option<Below> {
    match name {
        b"s" | b"sec" | b"min" | b"h" | b"hr" | b"d" | b"day" | b"hour" => Some(Below::Time),
        b"m" | b"cm" | b"dm" | b"mm" | b"ft" | b"in" | b"Nm" | b"Sm" => Some(Below::Length),
        b"l" | b"L" | b"ml" | b"mL" | b"hl" | b"kg" | b"g" | b"t" | b"mol" | b"gal" => Some(Below::Amount),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::bytes::Bytes;

    #[test]
    fn a_unit_is_known_by_its_parts_and_what_is_no_unit_of_a_process_is_none() {
        let quantity = |unit: &str| read(Bytes(unit.as_bytes()), 0).filter(|(_, end)| *end == unit.len());
        for unit in ["mg/cm2", "kN/m", "g/m^2", "Nm3/h", "W/cm2", "m3/min", "kg/m3", "µmol/l", "cm/h", "N/mm2"] {
            assert!(quantity(unit).is_some(), "{unit}");
        }
        for unit in ["km/h", "EUR/t", "kWh/t", "MJ/kg", "m2/h", "m/m", "l/x", "mg", "kg/", "m4/h", "m/h/d", "MB/s"] {
            assert!(quantity(unit).is_none(), "{unit}");
        }
    }
}
