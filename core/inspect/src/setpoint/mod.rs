//! Setpoints: process values in the neighbourhood of a tag, an assignment or a word of process control.
//!
//! `TIC-101 := 185.0 °C`, `set temperature to 72 °C`, `{"tag":"LIT-9076","sp":19.6}`. A value that is only
//! mentioned (`acetone boils at 56 °C`) is none; a tolerance, a rate and a change are none either.

pub(crate) mod quantity;
pub(crate) mod unit;

use crate::bytes::{Bytes, is_blank, is_digit, is_word};
use std::ops::Range;
use unit::{Unit, Units};

/// Words that say that a process is spoken of. Found by the automaton as whole words, without case.
pub(crate) const CUES: &[&str] = &[
    "set",
    "setpoint",
    "setpoints",
    "set-point",
    "sp",
    "pv",
    "target",
    "limit",
    "limits",
    "alarm",
    "alarms",
    "trip",
    "raise",
    "lower",
    "increase",
    "decrease",
    "reduce",
    "hold",
    "keep",
    "keeps",
    "heat",
    "heating",
    "cool",
    "cooling",
    "ramp",
    "jacket",
    "reactor",
    "interlock",
    "exceeds",
    "exceed",
    "temperature",
    "temperatures",
    "temp",
    "pressure",
    "level",
    "flow",
    "flowrate",
    "speed",
    "setting",
    "settings",
    "loop",
    "controller",
    "pump",
    "valve",
    "agitator",
    "mixer",
    "dosing",
    "recipe",
    "dryer",
    "furnace",
    "boiler",
    "chiller",
    "compressor",
    "conveyor",
    "extruder",
    "autoclave",
    "pasteurise",
    "pasteurize",
    "sterilise",
    "sterilize",
    "overpressure",
    "throttle",
    "motor",
    "drive",
    "spindle",
    "heater",
    "burner",
    "hh",
    "ll",
    "sollwert",
    "istwert",
    "temperatur",
    "druck",
    "drehzahl",
    "durchfluss",
    "füllstand",
    "stelle",
    "setze",
    "halte",
    "erhöhe",
    "senke",
    "heizen",
    "kühlen",
    "grenzwert",
    "vorlauf",
    "rücklauf",
    "ventil",
    "pumpe",
    "consigne",
    "température",
    "pression",
    "débit",
    "temperatura",
    "presión",
    "setp",
    "threshold",
    "bypass",
    "writes",
    "feed",
    "spindle speed",
];

/// Keys of data that hold a setpoint.
const KEYS: [&str; 18] = [
    "sp",
    "setpoint",
    "set_point",
    "sollwert",
    "target",
    "value",
    "op",
    "limit",
    "hi",
    "lo",
    "hh",
    "ll",
    "high",
    "low",
    "max",
    "min",
    "setvalue",
    "pv",
];

/// A number that may be a setpoint, judged once all tags and cues are known.
pub(crate) struct Number {
    /// With its unit.
    span: Range<usize>,
    /// Without its unit.
    bare: usize,
    unit: Option<Unit>,
}

/// What is known of the text around.
pub(crate) struct Around<'a> {
    /// Spans of tags, ascending.
    pub(crate) tags: &'a [Range<usize>],
    /// Where words of process control begin, ascending.
    pub(crate) cues: &'a [usize],
}

/// Reads the number whose first digit is at `start`; the number, and where the scan goes on.
pub(crate) fn number(text: Bytes<'_>, start: usize, units: &Units) -> Option<(Number, usize)> {
    let mut begin = start;
    match text.before(start) {
        b'.' if !is_word(text.before(start - 1)) => begin -= 1,
        b'.' | b'#' | b'$' | b'/' => return None,
        b'-' | b'+' if !is_word(text.before(start - 1)) && text.before(start - 1) != b'/' => begin -= 1,
        b'-' | b'+' => return None,
        _ => {}
    }
    let mut end = decimal(text, start);
    // A range: `10-20 °C`.
    if text.at(end) == b'-' && is_digit(text.at(end + 1)) {
        end = decimal(text, end + 1);
    }
    if tolerance(text, begin, end) {
        return None;
    }
    let unit = units.behind(text, markup(text, end));
    let span = begin..unit.map_or(end, |(_, end)| end);
    let next = span.end;
    if unit.is_none() && (is_word(text.at(end)) || text.at(end) == b'.' && is_word(text.at(end + 1))) {
        return None;
    }
    let tied = b"=:;,|\t>".contains(&text.before(skip_back(text, begin))) || unit.is_some();
    tied.then_some((Number { span, bare: end, unit: unit.map(|(unit, _)| unit) }, next))
}

/// Where the markup ends that closes behind a number: `<b>185</b> °C`, `**185** °C`.
fn markup(text: Bytes<'_>, at: usize) -> usize {
    if text.slice(at..at + 2) == b"</" {
        let name = text.run(at + 2, 8, |b| b.is_ascii_alphabetic());
        return if text.at(name) == b'>' { name + 1 } else { at };
    }
    text.run(at, 2, |b| b == b'*')
}

/// `pH 5.4`: the unit stands in front.
pub(crate) fn acidity(text: Bytes<'_>, start: usize) -> Option<Number> {
    let from = text.run(start + 2, 4, |b| is_blank(b) || b == b'=' || b == b':');
    let end = decimal(text, from);
    (end > from && is_digit(text.at(from)) && !is_word(text.at(end))).then_some(Number {
        span: start..end,
        bare: end,
        unit: Some(Unit::Process),
    })
}

/// Whether the number is a setpoint.
pub(crate) fn judge(text: Bytes<'_>, number: &Number, around: &Around<'_>, units: &Units) -> Option<Range<usize>> {
    let start = number.span.start;
    let before = skip_back(text, start);
    let tie = text.before(before);
    let operator = tie == b'=' || tie == b':';
    let word = text.words_before(start).next();
    if word.is_some_and(|word| word.is_one_of(&["by", "um", "de", "qty", "times"])) && !operator {
        return None;
    }
    let near = |back, ahead| around.near(start.saturating_sub(back), number.span.end + ahead);
    let fits = match number.unit {
        Some(Unit::Process) => operator && near(40, 0) || near(200, 120),
        Some(Unit::Plain) => {
            let told = word.is_some_and(|word| {
                word.is_one_of(&["to", "auf", "at", "is", "of", "from", "was", "von", "war", "ist"])
            }) && text.slice(before..start).iter().all(|b| *b != b'\n');
            operator && near(60, 0) || told && around.tag_within(start.saturating_sub(60), start)
        }
        None => bare(text, number, before, tie, around, units),
    };
    fits.then(|| number.span.clone())
}

/// A number without unit is a setpoint where it is given to a tag, stands under a telling key of a record with
/// a tag, or in a row between tag and unit.
fn bare(text: Bytes<'_>, number: &Number, before: usize, tie: u8, around: &Around<'_>, units: &Units) -> bool {
    let start = number.span.start;
    match tie {
        b'=' | b':' => {
            let name = text.run_back(before, 6, |b| b == b'=' || b == b':' || is_blank(b) || b == b'"' || b == b'\'');
            let key = text.run_back(name, 24, is_word);
            let telling = KEYS.iter().any(|known| text.slice(key..name).eq_ignore_ascii_case(known.as_bytes()));
            around.tag_ends(name) || telling && around.tag_within(start.saturating_sub(160), number.span.end + 60)
        }
        b';' | b',' | b'|' | b'\t' => {
            let cell = text.run_back(before - 1, 4, |b| is_blank(b) || b == b'"');
            let next = text.run(number.bare, 4, |b| is_blank(b) || b == b'"');
            let separated = text.at(next) == tie && units.behind(text, next + 1).is_some();
            // A row of tag and value, alone on its line.
            let line = text.run(next, 2, |b| matches!(b, b' ' | b'\r' | b'|'));
            let row = matches!(text.at(line), 0 | b'\n') && around.tag_begins_line(text, cell);
            around.tag_ends(cell) && (separated || row)
        }
        _ => false,
    }
}

impl Around<'_> {
    fn near(&self, from: usize, to: usize) -> bool {
        let at = self.cues.partition_point(|cue| *cue < from);
        self.cues.get(at).is_some_and(|cue| *cue < to) || self.tag_within(from, to)
    }

    fn tag_within(&self, from: usize, to: usize) -> bool {
        let at = self.tags.partition_point(|tag| tag.end <= from);
        self.tags.get(at).is_some_and(|tag| tag.start < to)
    }

    /// Whether the tag that ends at `at` stands at the beginning of its line.
    fn tag_begins_line(&self, text: Bytes<'_>, at: usize) -> bool {
        let before = self.tags.partition_point(|tag| tag.end < at);
        self.tags.get(before).is_some_and(|tag| {
            let start = text.run_back(tag.start, 4, |b| matches!(b, b' ' | b'|' | b'"' | b'\t'));
            tag.end == at && matches!(text.before(start), 0 | b'\n')
        })
    }

    fn tag_ends(&self, at: usize) -> bool {
        let after = self.tags.partition_point(|tag| tag.end < at);
        // An attribute that is not part of the tag may stand between: `%MD10.SP = 4`.
        self.tags.get(after).is_some_and(|tag| tag.end == at)
            || after.checked_sub(1).and_then(|last| self.tags.get(last)).is_some_and(|tag| at - tag.end <= 4)
    }
}

/// The end of digits with decimal and thousands separators and an exponent.
fn decimal(text: Bytes<'_>, start: usize) -> usize {
    let mut end = text.run(start, 20, is_digit);
    for _ in 0..3 {
        if matches!(text.at(end), b'.' | b',') && is_digit(text.at(end + 1)) {
            end = text.run(end + 1, 20, is_digit);
        }
    }
    if matches!(text.at(end), b'e' | b'E') {
        let sign = end + 1 + usize::from(matches!(text.at(end + 1), b'+' | b'-'));
        let exponent = text.run(sign, 4, is_digit);
        if exponent > sign && !is_word(text.at(exponent)) {
            return exponent;
        }
    }
    end
}

/// `±0.02` in front or behind, `+0.1/-0`, and diameters.
fn tolerance(text: Bytes<'_>, start: usize, end: usize) -> bool {
    let before = skip_back(text, start);
    let after = text.run(end, 2, is_blank);
    let sign = |at: usize| text.slice(at..at + 2) == "±".as_bytes();
    let limits = text.at(after) == b'+' && is_digit(text.at(after + 1));
    sign(after)
        || limits
        || before >= 2 && (sign(before - 2) || text.slice(before - 2..before) == "Ø".as_bytes())
        || text.before(start) == b'/'
}

/// The place before `at`, blanks and an opening quote skipped.
fn skip_back(text: Bytes<'_>, at: usize) -> usize {
    let at = text.run_back(at, 1, |b| b == b'"' || b == b'\'');
    text.run_back(at, 8, |b| b == b' ')
}
