//! Units of process values, as plants write them.

use crate::bytes::Bytes;
use crate::tag::address;

/// How much a unit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Temperature, pressure, flow, speed, power and the like: a process value, if the process is spoken of.
    Process,
    /// Time, mass, length, share: only what is assigned is a setpoint.
    Plain,
}

/// Unit, what it says, and whether a blank must stand in front (`4K` is no temperature). Case matters; the
/// longest that fits counts.
const UNITS: &[(&str, Unit, bool)] = {
    use Unit::{Plain, Process};
    &[
        ("°C", Process, false),
        ("° C", Process, false),
        ("°F", Process, false),
        ("° F", Process, false),
        ("°K", Process, false),
        ("degC", Process, false),
        ("degF", Process, false),
        ("deg C", Process, false),
        ("deg F", Process, false),
        ("Grad Celsius", Process, false),
        ("degrees Celsius", Process, false),
        ("degrees Fahrenheit", Process, false),
        ("degrees C", Process, false),
        ("degrees F", Process, false),
        ("Celsius", Process, false),
        ("Fahrenheit", Process, false),
        ("C", Process, true),
        ("F", Process, true),
        ("K", Process, true),
        ("bar", Process, false),
        ("barg", Process, false),
        ("bara", Process, false),
        ("bar(g)", Process, false),
        ("bar(a)", Process, false),
        ("bar g", Process, false),
        ("bar a", Process, false),
        ("mbar", Process, false),
        ("mbarg", Process, false),
        ("mbara", Process, false),
        ("Pa", Process, false),
        ("hPa", Process, false),
        ("kPa", Process, false),
        ("kPag", Process, false),
        ("MPa", Process, false),
        ("psi", Process, false),
        ("psig", Process, false),
        ("psia", Process, false),
        ("mmHg", Process, false),
        ("inHg", Process, false),
        ("mmH2O", Process, false),
        ("inH2O", Process, false),
        ("Torr", Process, false),
        ("mTorr", Process, false),
        ("atm", Process, true),
        ("rpm", Process, false),
        ("RPM", Process, false),
        ("U/min", Process, false),
        ("1/min", Process, true),
        ("min-1", Process, false),
        ("rps", Process, false),
        ("l/h", Process, false),
        ("L/h", Process, false),
        ("l/min", Process, false),
        ("L/min", Process, false),
        ("l/s", Process, false),
        ("L/s", Process, false),
        ("ml/min", Process, false),
        ("mL/min", Process, false),
        ("ml/h", Process, false),
        ("lpm", Process, false),
        ("LPM", Process, false),
        ("slpm", Process, false),
        ("sccm", Process, false),
        ("gpm", Process, false),
        ("GPM", Process, false),
        ("gph", Process, false),
        ("cfm", Process, false),
        ("CFM", Process, false),
        ("scfm", Process, false),
        ("m3/h", Process, false),
        ("m3/hr", Process, false),
        ("m3/s", Process, false),
        ("m3/min", Process, false),
        ("Nm3/h", Process, false),
        ("hl/h", Process, false),
        ("kg/h", Process, false),
        ("kg/hr", Process, false),
        ("kg/min", Process, false),
        ("kg/s", Process, false),
        ("t/h", Process, false),
        ("g/min", Process, false),
        ("g/h", Process, false),
        ("lb/h", Process, false),
        ("lb/min", Process, false),
        ("kW", Process, false),
        ("MW", Process, false),
        ("W", Process, true),
        ("kVA", Process, false),
        ("kvar", Process, false),
        ("A", Process, true),
        ("mA", Process, false),
        ("kA", Process, false),
        ("V", Process, true),
        ("mV", Process, false),
        ("kV", Process, false),
        ("VDC", Process, false),
        ("VAC", Process, false),
        ("Hz", Process, false),
        ("kHz", Process, false),
        ("MHz", Process, false),
        ("Nm", Process, false),
        ("N", Process, true),
        ("kN", Process, false),
        ("ppm", Process, false),
        ("ppb", Process, false),
        ("µS/cm", Process, false),
        ("uS/cm", Process, false),
        ("mS/cm", Process, false),
        ("S/m", Process, false),
        ("NTU", Process, false),
        ("FNU", Process, false),
        ("mg/l", Process, false),
        ("mg/L", Process, false),
        ("g/l", Process, false),
        ("g/L", Process, false),
        ("mol/l", Process, false),
        ("kg/m3", Process, false),
        ("g/cm3", Process, false),
        ("°Bx", Process, false),
        ("°P", Process, false),
        ("Brix", Process, false),
        ("cP", Process, false),
        ("mPas", Process, false),
        ("cSt", Process, false),
        ("m/s", Process, false),
        ("mm/s", Process, false),
        ("m/min", Process, false),
        ("mm/min", Process, false),
        ("pH", Process, false),
        ("µm", Process, false),
        ("um", Process, true),
        ("mm", Process, false),
        ("%RH", Process, false),
        ("% RH", Process, false),
        ("rH", Process, true),
        ("cm", Plain, false),
        ("m", Plain, true),
        ("in", Plain, true),
        ("ft", Plain, true),
        ("%", Plain, false),
        ("s", Plain, false),
        ("ms", Plain, false),
        ("sec", Plain, false),
        ("seconds", Plain, false),
        ("Sekunden", Plain, false),
        ("min", Plain, false),
        ("minutes", Plain, false),
        ("Minuten", Plain, false),
        ("h", Plain, false),
        ("hours", Plain, false),
        ("Stunden", Plain, false),
        ("kg", Plain, false),
        ("g", Plain, true),
        ("mg", Plain, false),
        ("t", Plain, true),
        ("lb", Plain, true),
        ("l", Plain, true),
        ("L", Plain, true),
        ("ml", Plain, false),
        ("mL", Plain, false),
        ("hl", Plain, false),
        ("m3", Plain, false),
        ("gal", Plain, true),
        ("kWh", Plain, false),
        ("Wh", Plain, false),
    ]
};

/// Units by their first byte, so that a number costs one look-up.
pub(crate) struct Units {
    by_first: Vec<Vec<(&'static str, Unit, bool)>>,
}

impl Units {
    pub(crate) fn new() -> Self {
        let mut by_first = vec![Vec::new(); 256];
        for unit in UNITS {
            let first = unit.0.bytes().next().unwrap_or(0);
            if let Some(slot) = by_first.get_mut(usize::from(first)) {
                slot.push(*unit);
            }
        }
        for slot in &mut by_first {
            slot.sort_by_key(|(unit, _, _)| std::cmp::Reverse(unit.len()));
        }
        Self { by_first }
    }

    /// The unit that stands behind a number that ends at `number`, with at most two blanks between; where it ends.
    pub(crate) fn behind(&self, text: Bytes<'_>, number: usize) -> Option<(Unit, usize)> {
        let at = text.run(number, 2, |b| b == b' ');
        let apart = at > number;
        let units = self.by_first.get(usize::from(text.at(at)))?;
        units.iter().find_map(|(unit, says, blank)| {
            let end = at + unit.len();
            // In `ADD 2 %MW10` the sign begins a variable.
            let variable = || *unit == "%" && address::direct(text, at).is_some();
            let fits =
                text.slice(at..end) == unit.as_bytes() && (apart || !blank) && closed(text, end, unit) && !variable();
            fits.then_some((*says, end))
        })
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
