//! Names of data that say of a number that it is a setpoint: `zone1_setpoint`, `rSollTemperatur`, `temp_c`.

use crate::bytes::Word;

/// Words for what is set, in lower case.
const SET: [&str; 9] =
    ["setpoint", "setpoints", "sollwert", "sollwerte", "sp", "soll", "consigne", "consigna", "target"];

/// Words that name a setpoint whatever else the name says.
const WHOLE: usize = 5;

const QUANTITIES: [&str; 45] = [
    "temp",
    "temperature",
    "temperatur",
    "pressure",
    "druck",
    "flow",
    "durchfluss",
    "speed",
    "drehzahl",
    "level",
    "humidity",
    "feuchte",
    "torque",
    "drehmoment",
    "frequency",
    "frequenz",
    "power",
    "leistung",
    "current",
    "voltage",
    "spannung",
    "vacuum",
    "conductivity",
    "leitwert",
    "rpm",
    "geschwindigkeit",
    "feed",
    "dosing",
    "density",
    "viscosity",
    "temps",
    "press",
    "dose",
    "dosage",
    "tension",
    "force",
    "kraft",
    "menge",
    "rate",
    "bias",
    "inlet",
    "outlet",
    "supply",
    "return",
    "dew",
];

const UNITS: [&str; 48] = [
    "c",
    "f",
    "k",
    "degc",
    "degf",
    "celsius",
    "fahrenheit",
    "bar",
    "barg",
    "bara",
    "mbar",
    "psi",
    "psig",
    "kpa",
    "mpa",
    "rpm",
    "lpm",
    "gpm",
    "m3h",
    "hz",
    "kw",
    "percent",
    "pct",
    "nm",
    "grad",
    "prozent",
    "torr",
    "mtorr",
    "pa",
    "hpa",
    "sccm",
    "slm",
    "slpm",
    "w",
    "v",
    "a",
    "ma",
    "kn",
    "n",
    "ppm",
    "ppb",
    "ntu",
    "mgl",
    "lph",
    "kgh",
    "tph",
    "mm",
    "um",
];

/// Whether a number under this name is a setpoint.
pub(crate) fn tells(name: &[u8]) -> bool {
    if !name.iter().any(u8::is_ascii_alphabetic) || name.len() > 48 {
        return false;
    }
    let is = |words: &'static [&str]| move |word: &[u8]| Word(word).is_one_of(words);
    let any = |list| words(name).any(is(list));
    let whole = SET.split_at(WHOLE).0;
    let (set, quantity) = (any(&SET), any(&QUANTITIES));
    any(whole)
        || joined(name)
        || set && quantity
        || (set || quantity) && words(name).skip(1).last().is_some_and(is(&UNITS))
}

/// Whether the name is one of what is measured.
pub(super) fn measures(name: &[u8]) -> bool {
    words(name).any(|word| Word(word).is_one_of(&QUANTITIES))
}

/// Whether a function of this name sets something.
pub(super) fn sets(name: &[u8]) -> bool {
    words(name).any(|word| Word(word).is_one_of(&["set", "write", "setze", "schreibe"]))
}

/// Whether a value names a setpoint, as a path of names does: `oven.zone2.sp`.
pub(super) fn names(value: &[u8]) -> bool {
    let path = value.iter().any(|byte| matches!(byte, b'.' | b'_' | b'/'));
    path && !value.contains(&b' ') && tells(value)
}

/// `set_point`, `Set-Point`.
fn joined(name: &[u8]) -> bool {
    let mut last = false;
    words(name).any(|word| {
        let point = last && Word(word).is_one_of(&["point", "points"]);
        last = Word(word).is_one_of(&["set"]);
        point
    })
}

/// The words of a name, as signs, digits and capitals part them.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let start = rest.iter().position(u8::is_ascii_alphabetic)?;
        rest = rest.get(start..)?;
        let inside = |(at, byte): &(usize, &u8)| {
            let before = at.checked_sub(1).and_then(|before| rest.get(before));
            byte.is_ascii_alphabetic() && !(byte.is_ascii_uppercase() && before.is_some_and(u8::is_ascii_lowercase))
        };
        let length = rest.iter().enumerate().take_while(inside).count();
        let (word, behind) = rest.split_at(length);
        rest = behind;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::tells;

    #[test]
    fn names_of_setpoints_are_told_from_names_of_other_numbers() {
        for name in [
            "sp",
            "zone1_setpoint",
            "Set-Point",
            "rSollTemperatur",
            "temp_c",
            "targetTemperature",
            "max_power_kw",
            "TIC.SP",
        ] {
            assert!(tells(name.as_bytes()), "{name}");
        }
        for name in ["temperature", "temp", "speed", "target", "wasp", "max_tokens", "level", "c", "spare", "point", ""]
        {
            assert!(!tells(name.as_bytes()), "{name}");
        }
    }
}
