//! Setpoints: process values, by their unit or in the neighbourhood of a tag, an assignment or a word of process control.
//!
//! `TIC-101 := 185.0 °C`, `set temperature to 72 °C`, `{"tag":"LIT-9076","sp":19.6}`. Words that set something are without end, so
//! a value in a unit that little but processes is told of in is one unless there is evidence against it: it is only mentioned
//! (`acetone boils at 56 °C`), was read, or is of a plate. A tolerance, a rate and a change are none either.

mod clause;
mod compound;
pub(crate) mod key;
mod list;
pub(crate) mod quantity;
mod table;
pub(crate) mod unit;
mod words;

use crate::bytes::{Bytes, Word, is_blank, is_digit, is_joined, is_word};
use clause::Clause;
use list::Lists;
use quantity::Quantity;
use std::cell::LazyCell;
use std::ops::Range;
use table::Tables;
use unit::{Unit, Units};
use words::{is_deed, is_equipment, is_nature, is_strong};

pub(crate) use words::{CUES, PROCESS, is_spoken};

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
    quantity: Option<Quantity>,
}

impl Number {
    pub(crate) fn start(&self) -> usize {
        self.span.start
    }

    /// Whether the unit alone tells of a process. A single letter may be anything (`4 K`), and what begins at zero is the range
    /// of an instrument.
    fn is_evident(&self, text: Bytes<'_>) -> bool {
        let unit = text.slice(self.bare..self.span.end).trim_ascii();
        self.quantity.is_some_and(Quantity::is_evident) && unit.len() != 1 && !self.is_from_zero(text)
    }

    /// `0-16 bar`, `0 to 10 bar`: either end of it.
    fn is_from_zero(&self, text: Bytes<'_>) -> bool {
        let start = self.span.start;
        let leads = |from: usize| {
            text.slice(from..from + 1) == b"0"
                && !is_joined(text.before(from))
                && !matches!(text.before(from), b'.' | b',')
        };
        let joined =
            |to: &str| start.checked_sub(to.len() + 1).filter(|_| text.slice(start - to.len()..start) == to.as_bytes());
        leads(start) && !matches!(text.at(start + 1), b'.' | b',')
            || [" to ", " bis ", "-", " - ", "..", "...", "–", "…"].into_iter().filter_map(joined).any(leads)
    }
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
    let own = units.read(text, markup(text, end)).or_else(|| hot(text, begin, end));
    let shared = || shared(text, end, units).filter(|_| !is_time(text, begin) && is_end(text, begin, end));
    let own = own.or_else(shared).or_else(|| in_front(text, begin, end, units));
    let last = own.map_or(end, |(.., last)| last);
    if own.is_none() && (is_word(text.at(end)) || text.at(end) == b'.' && is_word(text.at(end + 1))) {
        return None;
    }
    let (quantity, unit) = own.map(|(quantity, unit, _)| (quantity, unit)).unzip();
    let back = skip_back(text, begin);
    let tied = unit.is_some()
        || b"=:;,|\t>".contains(&text.before(back))
        || arrow(text, back)
        || back < begin && (is_given(text, back) || is_led(text, back));
    tied.then_some((Number { span: begin..last, bare: end, unit, quantity }, last))
}

/// `at 1050C`: the sign of a temperature that touches its number, behind a word that leads to a value.
fn hot(text: Bytes<'_>, start: usize, end: usize) -> Option<(Quantity, Unit, usize)> {
    let fits = end - start >= 2
        && matches!(text.at(end), b'C' | b'F')
        && !is_word(text.at(end + 1))
        && text.at(end + 1) != b'-';
    let led = || {
        text.words_before(start).next().is_some_and(|word| word.is_one_of(&["at", "to", "from", "and", "auf", "bei"]))
    };
    (fits && led()).then_some((Quantity::Temperature, Unit::Process, end + 1))
}

/// The unit that a number has in common with those behind it, and where the last of them ends: `2.0 to 1.6 mg/l`,
/// `22 auf 20,5 °C`, `720/760/780 °C`.
fn shared(text: Bytes<'_>, end: usize, units: &Units) -> Option<(Quantity, Unit, usize)> {
    let mut at = end;
    for _ in 0..6 {
        at = joined(text, at)?;
        let next = text.run(at, 1, |b| b == b'-' || b == b'+');
        if !is_digit(text.at(next)) {
            return None;
        }
        at = decimal(text, next);
        if let Some(unit) = units.read(text, at) {
            return Some(unit);
        }
    }
    None
}

/// Whether the digits at `start` are the minutes of a time: `05:40`.
fn is_time(text: Bytes<'_>, start: usize) -> bool {
    text.before(start) == b':' && start > 1 && is_digit(text.before(start - 1))
}

/// Where the number begins that a word or a sign joins to the one before.
fn joined(text: Bytes<'_>, at: usize) -> Option<usize> {
    let from = text.run(at, 2, |b| b == b' ');
    if text.at(from) == b'/' {
        return Some(text.run(from + 1, 1, |b| b == b' '));
    }
    if from == at || !matches!(text.at(from), b't' | b'a' | b'o' | b'b' | b'u') {
        return None;
    }
    let word =
        ["to", "and", "or", "auf", "bis", "und", "oder", "bzw."].into_iter().find(|word| text.continues(from, word))?;
    let next = from + word.len();
    (text.at(next) == b' ').then_some(next + 1)
}

/// Whether the number at `start` may be one end of a range: in `zone 3 to 45 %` it is a name.
fn is_end(text: Bytes<'_>, start: usize, end: usize) -> bool {
    const LEADS: [&str; 14] =
        ["from", "von", "vom", "between", "zwischen", "at", "bei", "of", "range", "bereich", "ab", "in", "auf", "to"];
    let moved = text.slice(end..end + 4) == b" to " || text.slice(end..end + 5) == b" auf ";
    !moved || text.words_before(start).next().is_some_and(|word| word.is_one_of(&LEADS))
}

/// The unit in brackets in front of what ties the number: `Temperature (°C): 185`.
fn in_front(text: Bytes<'_>, start: usize, end: usize, units: &Units) -> Option<(Quantity, Unit, usize)> {
    let tie = skip_back(text, start);
    let close =
        matches!(text.before(tie), b':' | b'=').then(|| text.run_back(tie - 1, 3, |b| b == b' ' || b == b':'))?;
    matches!(text.before(close), b')' | b']').then_some(())?;
    let open = text.run_back(close - 1, 12, |b| !matches!(b, b'(' | b'[' | b'\n'));
    let (quantity, unit, last) = units.read(text, open)?;
    (matches!(text.before(open), b'(' | b'[') && last == close - 1).then_some((quantity, unit, end))
}

/// The value that `sized` is, if it is in a unit of a process: `55 ± 2 °C` is no size.
pub(crate) fn with_tolerance(text: Bytes<'_>, sized: &Range<usize>, units: &Units) -> Option<Number> {
    let (quantity, unit, end) = units.read(text, sized.end)?;
    let process = unit == Unit::Process && quantity != Quantity::Length;
    process.then_some(Number { span: sized.start..end, bare: sized.end, unit: Some(unit), quantity: Some(quantity) })
}

/// Whether the word that ends here is one that a number is given to: `SP 12`, `Sollwert 6,8`.
fn is_given(text: Bytes<'_>, end: usize) -> bool {
    // The last letter spares prose a look at its words.
    matches!(text.before(end), b'p' | b'P' | b't' | b'T' | b'l' | b'L') && is_given_word(text, end)
}

fn is_given_word(text: Bytes<'_>, end: usize) -> bool {
    Word(text.slice(text.run_back(end, 12, is_word)..end)).is_one_of(&["sp", "setpoint", "sollwert", "soll", "ziel"])
}

/// Whether the word that ends here leads from what is set to its value: `SP down to -4`, `Ziel ist 4,6`.
fn is_led(text: Bytes<'_>, end: usize) -> bool {
    matches!(text.before(end), b'o' | b't' | b's' | b'f')
        && Word(text.slice(text.run_back(end, 12, is_word)..end)).is_one_of(&["to", "at", "is", "auf", "ist"])
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
        quantity: Some(Quantity::Acidity),
    })
}

/// Judges numbers, in their order in the text.
pub(crate) struct Judge<'a> {
    pub(crate) text: Bytes<'a>,
    pub(crate) around: Around<'a>,
    pub(crate) units: &'a Units,
    tables: Tables,
    lists: Lists,
}

impl<'a> Judge<'a> {
    /// Of a text and all its numbers.
    pub(crate) fn new(text: Bytes<'a>, around: Around<'a>, units: &'a Units, numbers: &[Number]) -> Self {
        Self { text, around, units, tables: Tables::default(), lists: Lists::new(text, numbers) }
    }

    /// The setpoint that the number is, with its unit.
    pub(crate) fn judge(&mut self, number: &Number) -> Option<Range<usize>> {
        let Self { text, around, units, tables, lists } = self;
        let (text, start) = (*text, number.span.start);
        let before = skip_back(text, start);
        let tie = text.before(before);
        let operator = tie == b'=' || tie == b':';
        let word = text.words_before(start).next();
        if word.is_some_and(|word| word.is_one_of(&["by", "um", "de", "qty", "times"])) && !operator {
            return None;
        }
        let clause = LazyCell::new(|| Clause::around(text, &number.span));
        let tagged = around.tag_within(start.saturating_sub(200), number.span.end + 120);
        let elsewhere = || !tagged && !clause.names() && (clause.tells() || clause.is_elsewhere());
        let switched = || number.quantity != Some(Quantity::Duration) && clause.switches();
        let listed = || lists.hold(start);
        let spoken = || tagged || around.thing(text, start.saturating_sub(200), number.span.end + 120);
        let fits = match number.unit {
            Some(Unit::Process) => {
                let cue = around.cue(text, start.saturating_sub(200), number.span.end + 120);
                let near = || tagged || cue.is_some() || listed() || clause.wants() || switched();
                let evident = || number.is_evident(text) && !clause.states() && !lists.is_plate(start);
                let said = near() || evident();
                said && !is_equation(text, number, units) && (operator || !is_nature(text, start, cue)) && !elsewhere()
            }
            Some(Unit::Plain) => {
                let told = word.is_some_and(|word| {
                    word.is_one_of(&["to", "auf", "at", "is", "of", "from", "was", "von", "war", "ist"])
                }) && text.slice(before..start).iter().all(|b| *b != b'\n');
                let share = number.quantity == Some(Quantity::Share);
                let lasts = number.quantity == Some(Quantity::Duration);
                operator && !lasts && around.near(start.saturating_sub(60), number.span.end)
                    || told && around.tag_within(start.saturating_sub(60), start)
                    || switched() && !elsewhere()
                    || matches!(number.quantity, Some(Quantity::Share | Quantity::Length)) && listed() && !elsewhere()
                    || share
                        && (is_strong(text, number.span.end + 1)
                            || paired(text, number, units)
                            || around.thing(text, start.saturating_sub(20), start) && !clause.states()
                            || clause.fulfils()
                            || (around.strong(text, start) || clause.wants()) && spoken())
                        && !elsewhere()
            }
            None => {
                bare(text, number, before, tie, around, units)
                    || before < start && is_led(text, before) && clause.gives()
                    || table::begins_cell(text, start) && tables.holds(text, start, units)
            }
        };
        fits.then(|| number.span.clone())
    }
}

/// A number without unit is a setpoint where it is given to a tag, stands under a telling key of a record with
/// a tag, or in a row between tag and unit.
fn bare(text: Bytes<'_>, number: &Number, before: usize, tie: u8, around: &Around<'_>, units: &Units) -> bool {
    let start = number.span.start;
    match tie {
        _ if arrow(text, before) => named(text, text.run_back(before - 2, 4, is_blank), around),
        b'=' | b':' => {
            let between = |b| b == b'=' || b == b':' || is_blank(b) || b == b'"' || b == b'\'' || b == b']';
            let name = text.run_back(before, 6, between);
            let key = text.run_back(name, 24, is_word);
            let telling = KEYS.iter().any(|known| text.slice(key..name).eq_ignore_ascii_case(known.as_bytes()));
            telling && (around.tag_within(start.saturating_sub(160), number.span.end + 60) || beside(text, key))
                || named(text, name, around)
                || key::measures(text.slice(key..name)) && is_argument(text, key)
        }
        b'>' => element(text, number, before, units),
        _ if is_given(text, before) && before < start => true,
        b';' | b',' | b'|' | b'\t' => {
            let cell = text.run_back(before - 1, 4, |b| is_blank(b) || b == b'"');
            let next = text.run(number.bare, 4, |b| is_blank(b) || b == b'"');
            let separated = text.at(next) == tie && units.behind(text, next + 1).is_some();
            // A row of tag and value, alone on its line.
            let line = text.run(next, 2, |b| matches!(b, b' ' | b'\r' | b'|'));
            let row = matches!(text.at(line), 0 | b'\n') && around.tag_begins_line(text, cell);
            let argument = tie == b',' && text.at(cell) == b'"' && named(text, cell, around);
            argument || around.tag_ends(cell) && (separated || row)
        }
        _ => false,
    }
}

/// Whether it is one side of an equation of units: `1 bar = 100 kPa`, `1 psi is 6.9 kPa`.
fn is_equation(text: Bytes<'_>, number: &Number, units: &Units) -> bool {
    let sign = text.run(number.span.end, 2, is_blank);
    let verb = ["=", "is ", "are ", "equals ", "ist ", "sind ", "entspricht "]
        .into_iter()
        .find(|verb| text.continues(sign, verb));
    let right = verb.is_some_and(|verb| is_digit(text.at(text.run(sign + verb.len(), 2, is_blank))));
    let left = || {
        let sign = text.run_back(number.span.start, 2, is_blank);
        let end = text.run_back(sign.saturating_sub(1), 2, is_blank);
        let unit = text.run_back(end, 12, |b| !is_digit(b));
        text.before(sign) == b'='
            && is_digit(text.before(unit))
            && units.behind(text, unit).is_some_and(|(_, last)| last == end)
    };
    right || left()
}

/// Whether a value of a process stands behind `@`: `2 % @ 80 °C`.
fn paired(text: Bytes<'_>, number: &Number, units: &Units) -> bool {
    let at = text.run(number.span.end, 2, is_blank);
    let next = text.run(at + 1, 2, is_blank);
    text.at(at) == b'@' && matches!(units.behind(text, decimal(text, next)), Some((Unit::Process, _)))
}

/// Whether the name that ends at `end` is a tag, or tells of a setpoint.
fn named(text: Bytes<'_>, end: usize, around: &Around<'_>) -> bool {
    let start = text.run_back(end, 48, |b| is_word(b) || matches!(b, b'-' | b'.'));
    around.tag_ends(end) || key::tells(text.slice(start..end))
}

/// Whether a value of the same object names a setpoint: `"tag":"oven.zone2.sp","value":240`.
fn beside(text: Bytes<'_>, key: usize) -> bool {
    let open = text.run_back(key, 80, |b| !matches!(b, b'{' | b'}' | b'\n'));
    text.before(open) == b'{' && text.slice(open..key).split(|b| matches!(b, b'"' | b'\'')).any(key::names)
}

/// Whether the name at `key` is one of the arguments of something that sets: `set_target(temp=185.0`.
fn is_argument(text: Bytes<'_>, key: usize) -> bool {
    let open = text.run_back(key, 80, |b| !matches!(b, b'(' | b')' | b'{' | b'}' | b'\n'));
    let name = text.run_back(open.saturating_sub(1), 48, is_word);
    text.before(open) == b'(' && key::sets(text.slice(name..open - 1))
}

/// Whether `<-` or `->` ends here.
fn arrow(text: Bytes<'_>, end: usize) -> bool {
    end >= 2 && matches!(text.slice(end - 2..end), b"<-" | b"->")
}

/// `<setpoint>185</setpoint>`, `<value>65</value><unit>°C</unit>`: by what the element is called, or the unit beside.
fn element(text: Bytes<'_>, number: &Number, before: usize, units: &Units) -> bool {
    let open = text.run_back(before - 1, 120, |b| b != b'<' && b != b'>');
    let name = open..text.run(open, 48, |b| is_word(b) || b == b'-');
    let close = text.run(number.bare, 2, is_blank);
    if text.before(open) != b'<' || text.slice(close..close + 2) != b"</" {
        return false;
    }
    let next = text.run(close, 64, |b| b != b'>') + 1;
    let sibling = text.run(text.run(next, 16, |b| b.is_ascii_whitespace()), 48, |b| b != b'>' && b != b'\n') + 1;
    let unit = || text.before(sibling) == b'>' && matches!(units.behind(text, sibling), Some((Unit::Process, _)));
    let name = text.slice(name);
    key::tells(name) || Word(name).is_one_of(&KEYS) && unit()
}

impl Around<'_> {
    /// The word of process control in the stretch that says most: the first that is no equipment, or else the first.
    fn cue(&self, text: Bytes<'_>, from: usize, to: usize) -> Option<usize> {
        let at = self.cues.partition_point(|cue| *cue < from);
        let within = || self.cues.iter().skip(at).copied().take_while(|cue| *cue < to).take(4);
        within().find(|cue| !is_equipment(text, *cue)).or_else(|| within().next())
    }

    /// Whether a word close before says that what follows is set: `alarm at 85 %`.
    fn strong(&self, text: Bytes<'_>, start: usize) -> bool {
        let at = self.cues.partition_point(|cue| *cue + 48 < start);
        self.cues.iter().skip(at).take_while(|cue| **cue < start).take(4).any(|cue| is_strong(text, *cue))
    }

    fn near(&self, from: usize, to: usize) -> bool {
        let at = self.cues.partition_point(|cue| *cue < from);
        self.cues.get(at).is_some_and(|cue| *cue < to) || self.tag_within(from, to)
    }

    /// Whether a thing of a process is spoken of near, not only of what is done to it.
    fn thing(&self, text: Bytes<'_>, from: usize, to: usize) -> bool {
        let at = self.cues.partition_point(|cue| *cue < from);
        self.cues.iter().skip(at).take_while(|cue| **cue < to).any(|cue| !is_deed(text, *cue))
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
