//! Variables of HMI and controller by their spelling: `MIX6_TempSP`, `CIP5_JacketTempSetpoint`, and pins that a
//! LinuxCNC `setp` line sets.

use crate::bytes::{Bytes, is_blank};
use std::ops::Range;

/// What the name of such a variable ends in.
const ENDINGS: [&str; 26] = [
    "SP",
    "PV",
    "OP",
    "CV",
    "MV",
    "Setpoint",
    "SetPoint",
    "HiLim",
    "LoLim",
    "HighLimit",
    "LowLimit",
    "HiHi",
    "LoLo",
    "Sollwert",
    "Istwert",
    "Temp",
    "Press",
    "Flow",
    "Level",
    "Speed",
    "_HH",
    "_LL",
    "_SP",
    "_PV",
    "HiAlm",
    "LoAlm",
];

/// Whether the word, which has an underscore, is such a name: equipment with a number, then what is meant of it.
pub(crate) fn is_variable(word: &[u8]) -> bool {
    let head = word.split(|b| *b == b'_').next().unwrap_or_default();
    let letters = head.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let numbered = letters >= 1 && letters < head.len() && head.iter().skip(letters).all(u8::is_ascii_digit);
    numbered
        && head.len() < word.len()
        && word.len() <= 64
        && ENDINGS.iter().any(|ending| word.ends_with(ending.as_bytes()))
}

/// Pin and value of the line that begins with `setp` at `start`: `setp pid.0.Pgain 12.5`.
pub(crate) fn pin(text: Bytes<'_>, start: usize) -> Option<(Range<usize>, Range<usize>)> {
    let line = text.run_back(start, 16, is_blank);
    if !matches!(text.before(line), 0 | b'\n' | b'\r' | b'`') {
        return None;
    }
    let name = text.run(start + 4, 16, is_blank);
    let end = text.run(name, 96, |b| b.is_ascii_alphanumeric() || b"._-[]()$".contains(&b));
    let value = text.run(end, 32, is_blank);
    let stop = text.run(value, 32, |b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let number =
        stop > value && text.slice(value..stop).iter().any(u8::is_ascii_digit) && !text.at(value).is_ascii_alphabetic();
    let fits = name > start + 4 && text.slice(name..end).contains(&b'.') && value > end && number;
    fits.then_some((name..end, value..stop))
}
