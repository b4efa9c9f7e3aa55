//! Units of process values, as plants write them.

mod written;

use super::compound;
use super::quantity::Quantity;
use crate::bytes::Bytes;
use crate::tag::address;
use written::WRITTEN;

/// How much a unit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Temperature, pressure, flow, speed, power and the like: a process value, if the process is spoken of.
    Process,
    /// Time, mass, length, share: only what is assigned is a setpoint.
    Plain,
}

/// Units of one quantity, and whether a blank must stand in front of each.
type Group = &'static [(&'static str, bool)];

/// What a unit measures and how much it says, and the units: each with whether a blank must stand in front (`4K` is no
/// temperature). Case matters; the longest that fits counts.
#[rustfmt::skip]
const UNITS: &[(Quantity, Unit, Group)] = {
    use Unit::{Plain, Process};
    &[
        (Quantity::Temperature, Process, &[
            ("°C", false), ("° C", false), ("°F", false), ("° F", false), ("°K", false), ("degC", false),
            ("degF", false), ("DEGC", false), ("DEGF", false), ("deg C", false), ("deg F", false), ("Grad Celsius", false), ("Grad", true), ("degrees Celsius", false),
            ("degrees Fahrenheit", false), ("degrees C", false), ("degrees F", false), ("Celsius", false),
            ("Fahrenheit", false), ("C", true), ("F", true), ("K", true),
        ]),
        (Quantity::Pressure, Process, &[
            ("bar", false), ("barg", false), ("bara", false), ("bar(g)", false), ("bar(a)", false), ("bar g", false),
            ("bar a", false), ("mbar", false), ("µbar", false), ("ubar", false), ("mbarg", false), ("mbara", false), ("Pa", false), ("hPa", false),
            ("kPa", false), ("kPag", false), ("MPa", false), ("psi", false), ("psig", false), ("psia", false),
            ("mmHg", false), ("inHg", false), ("mmH2O", false), ("inH2O", false), ("Torr", false), ("mTorr", false), ("torr", false), ("mmWS", false), ("mWS", false), ("kPa(a)", false), ("kPa(g)", false),
            ("mbar(a)", false), ("mbar(g)", false), ("µmHg", false),
            ("atm", true),
        ]),
        (Quantity::Speed, Process, &[
            ("rpm", false), ("RPM", false), ("U/min", false), ("1/min", true), ("min-1", false), ("/min", false), ("r/min", false), ("U/Min", false), ("Upm", false),
            ("rps", false), ("1/s", true), ("s-1", false), ("Hub/min", false), ("Hübe/min", false), ("spm", false),
        ]),
        (Quantity::Flow, Process, &[
            ("l/h", false), ("L/h", false), ("l/min", false), ("L/min", false), ("l/s", false), ("L/s", false),
            ("ml/min", false), ("mL/min", false), ("ml/h", false), ("lpm", false), ("LPM", false), ("slpm", false), ("slm", false), ("SLM", false), ("SCCM", false),
            ("sccm", false), ("gpm", false), ("GPM", false), ("gph", false), ("cfm", false), ("CFM", false),
            ("scfm", false), ("m3/h", false), ("m3/hr", false), ("m3/s", false), ("m3/min", false), ("Nm3/h", false),
            ("hl/h", false), ("m3/d", false), ("l/d", false), ("Nl/min", false), ("Nl/h", false), ("Nm3/min", false),
            ("m3/hour", false), ("MGD", false), ("MLD", false), ("kg/h", false), ("kg/hr", false), ("kg/min", false), ("kg/s", false), ("t/h", false),
            ("g/min", false), ("g/h", false), ("g/s", false), ("kg/d", false), ("t/d", false), ("tph", false), ("t/hr", false), ("lb/h", false), ("lb/min", false),
        ]),
        (Quantity::Power, Process, &[
            ("kW", false), ("MW", false), ("W", true), ("kVA", false), ("kvar", false),
        ]),
        (Quantity::Current, Process, &[
            ("A", true), ("mA", false), ("kA", false),
        ]),
        (Quantity::Voltage, Process, &[
            ("V", true), ("mV", false), ("kV", false), ("VDC", false), ("VAC", false),
        ]),
        (Quantity::Frequency, Process, &[
            ("Hz", false), ("kHz", false), ("MHz", false),
        ]),
        (Quantity::Torque, Process, &[
            ("Nm", false),
        ]),
        (Quantity::Force, Process, &[
            ("N", true), ("kN", false), ("MN", false), ("N/mm", false), ("N/mm2", false), ("N/cm", false),
        ]),
        (Quantity::Concentration, Process, &[
            ("ppm", false), ("ppb", false), ("mg/l", false), ("mg/L", false), ("g/l", false), ("g/L", false),
            ("mol/l", false), ("mmol/l", false), ("mval/l", false), ("mg/m3", false), ("µg/l", false), ("g/m3", false), ("mg/Nm3", false),
            ("kg/t", false), ("ml/l", false), ("l/kg", false), ("l/t", false), ("g/kg", false), ("°dH", false), ("°KH", false),
        ]),
        (Quantity::Conductivity, Process, &[
            ("µS/cm", false), ("uS/cm", false), ("mS/cm", false), ("S/m", false),
        ]),
        (Quantity::Turbidity, Process, &[
            ("NTU", false), ("FNU", false),
        ]),
        (Quantity::Density, Process, &[
            ("kg/m3", false), ("g/cm3", false),
        ]),
        (Quantity::Extract, Process, &[
            ("°Bx", false), ("°P", false), ("Brix", false), ("°Plato", false), ("°Oe", false),
        ]),
        (Quantity::Viscosity, Process, &[
            ("cP", false), ("mPas", false), ("cSt", false),
        ]),
        (Quantity::Dose, Process, &[
            ("J/m2", false), ("mJ/cm2", false), ("J/cm2", false), ("W/cm2", false), ("kW/m2", false), ("A/dm2", false),
            ("A/m2", false), ("g/m2", false), ("l/m2h", false), ("kGy", false),
        ]),
        (Quantity::Velocity, Process, &[
            ("m/s", false), ("mm/s", false), ("m/min", false), ("mm/min", false), ("m/h", false), ("cm/s", false), ("cm/min", false), ("ft/min", false), ("fpm", false),
        ]),
        (Quantity::Acidity, Process, &[
            ("pH", false),
        ]),
        (Quantity::Length, Process, &[
            ("µm", false), ("um", true), ("mm", false),
        ]),
        (Quantity::Humidity, Process, &[
            ("%rH", false), ("% r.F.", false), ("% rF", false), ("%RH", false), ("% RH", false), ("rH", true),
        ]),
        (Quantity::Length, Plain, &[
            ("cm", false), ("m", true), ("in", true), ("ft", true),
        ]),
        (Quantity::Share, Plain, &[
            ("%", false),
        ]),
        (Quantity::Duration, Plain, &[
            ("s", false), ("ms", false), ("sec", false), ("seconds", false), ("Sekunden", false), ("min", false),
            ("minutes", false), ("Minuten", false), ("h", false), ("hours", false), ("Stunden", false),
        ]),
        (Quantity::Mass, Plain, &[
            ("kg", false), ("g", true), ("mg", false), ("t", true), ("lb", true),
        ]),
        (Quantity::Volume, Plain, &[
            ("l", true), ("L", true), ("ml", false), ("mL", false), ("hl", false), ("m3", false), ("gal", true),
        ]),
        (Quantity::Energy, Plain, &[
            ("kWh", false), ("Wh", false), ("MWh", false),
        ]),
    ]
};

/// A unit, what it measures, how much it says, and whether a blank must stand in front.
type Known = (&'static str, Quantity, Unit, bool);

/// Units by their first byte, so that a number costs one look-up.
pub(crate) struct Units {
    by_first: Vec<Vec<Known>>,
}

impl Units {
    pub(crate) fn new() -> Self {
        let mut by_first = vec![Vec::new(); 256];
        let all = UNITS
            .iter()
            .flat_map(|(quantity, says, units)| units.iter().map(|(unit, blank)| (*unit, *quantity, *says, *blank)));
        let written = WRITTEN.iter().flat_map(|(quantity, says, units)| {
            units.split('|').map(|unit| (unit, *quantity, *says, unit.len() <= 2 && !unit.contains('%')))
        });
        for unit in all.chain(written) {
            let first = unit.0.bytes().next().unwrap_or(0);
            if let Some(slot) = by_first.get_mut(usize::from(first)) {
                slot.push(unit);
            }
        }
        for slot in &mut by_first {
            slot.sort_by_key(|(unit, ..)| std::cmp::Reverse(unit.len()));
        }
        Self { by_first }
    }

    /// The unit that stands behind a number that ends at `number`, with at most two blanks between; where it ends.
    pub(crate) fn behind(&self, text: Bytes<'_>, number: usize) -> Option<(Unit, usize)> {
        self.read(text, number).map(|(_, says, end)| (says, end))
    }

    /// What is measured in it.
    pub(crate) fn quantity(&self, text: Bytes<'_>, number: usize) -> Option<Quantity> {
        self.read(text, number).map(|(quantity, ..)| quantity)
    }

    /// The unit that stands behind a number that ends at `number`: what is measured in it, how much it says, and where it ends.
    pub(crate) fn read(&self, text: Bytes<'_>, number: usize) -> Option<(Quantity, Unit, usize)> {
        let at = text.run(number, 2, |b| b == b' ');
        let apart = at > number;
        let units = self.by_first.get(usize::from(text.at(at)))?;
        let second = text.at(at + 1);
        let known = units.iter().find_map(|(unit, quantity, says, blank)| {
            if unit.as_bytes().get(1).is_some_and(|own| *own != second) {
                return None;
            }
            let end = at + unit.len();
            // In `ADD 2 %MW10` the sign begins a variable.
            let variable = || *unit == "%" && address::direct(text, at).is_some();
            let fits =
                text.slice(at..end) == unit.as_bytes() && (apart || !blank) && closed(text, end, unit) && !variable();
            fits.then_some((*quantity, *says, end))
        });
        known.or_else(|| compound::read(text, at).map(|(quantity, end)| (quantity, Unit::Process, end)))
    }
}

/// Whether the unit ends here: not inside a word, and not the upper half of a rate that is no unit of ours.
fn closed(text: Bytes<'_>, end: usize, unit: &str) -> bool {
    let next = text.at(end);
    let symbol = unit.ends_with('%');
    let inside = !symbol && (next == b'_' || text.goes_on(end));
    let goes_on = next == b'^' || next == b'/' && text.at(end + 1).is_ascii_alphabetic();
    !inside && !goes_on
}
