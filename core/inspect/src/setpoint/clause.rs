//! What the clause around a number says of it: that it is to be so, that it was measured so, or that it belongs to the weather,
//! to trade or to a plate.

use crate::bytes::{Bytes, Word, is_joined};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

/// How far a clause is read in front of and behind a number, in bytes and in words.
const BEFORE: usize = 96;
const BEHIND: usize = 64;
const WORDS: usize = 12;

/// What a word does in a clause: a set of bits.
type Kind = u16;

/// Gives a thing a value of its own, whatever it is.
const SET: Kind = 1;
/// Obliges, holds or bounds, in front of a value.
const OBLIGE: Kind = 1 << 1;
/// Moves something to a value.
const MOVE: Kind = 1 << 2;
/// Right in front of a value, says that it was read off.
const MEASURED: Kind = 1 << 3;
/// The same, one word before the name of what was read: `Ist-Temperatur`.
const ACTUAL: Kind = 1 << 4;
/// May stand between such a word and its value.
const FILLER: Kind = 1 << 5;
/// Of samples and plates, weather and trade: what is said in such a clause is no setting of a process.
const ELSEWHERE: Kind = 1 << 6;
/// Leads to a value that something is moved to.
const TO: Kind = 1 << 7;
/// Ties a verb of German, far behind, to a value.
const WITH: Kind = 1 << 8;

/// Is given a number without a unit: `SP down to 4`.
const GIVEN: Kind = 1 << 9;
/// Turns something on or off, at a value.
const SWITCH: Kind = 1 << 10;
/// At a value.
const AT: Kind = 1 << 11;
/// Tells what somebody read or what became of something.
const REPORT: Kind = 1 << 12;
/// Of what a thing can do or is like.
const ABLE: Kind = 1 << 13;
/// Says in front of a value that something is or has it.
const STATES: Kind = 1 << 14;

/// What things do at a temperature of their own, whatever it is set to.
const POINTS: [&str; 5] = ["boiling point", "melting point", "freezing point", "softening point", "flash point"];

const LEXICON: [(Kind, &str); 15] = [
    (
        SET,
        "sp setpoint setpoints target sollwert soll vorgabe ziel zielwert consigne consigna set-point nominal limit \
         grenzwert trip alarm setting einstellung",
    ),
    (
        OBLIGE,
        "shall must kept keep maintain maintained held hold controlled regulated capped cap limited max maximum min \
         minimum adjust adjusted run runs running operate operated operates instead muss müssen darf dürfen soll sollen \
         sollte mindestens höchstens maximal minimal gehalten",
    ),
    (
        MOVE,
        "set sets raise raised lower lowered reduce reduced increase increased decrease decreased drop dropped bring \
         brought take taken turn turned throttle throttled open close limit cut ramp ramped knock dial put change changed \
         adjust adjusted move moved switch switched step back crank bump bumped heat cool push pushed trim trimmed dilute \
         pressurise pressurize charge went going go",
    ),
    (
        MEASURED,
        "was were war waren measured gemessen gemessene actual ist istwert reads read showed shows zeigt zeigte zeigen \
         reading measurement messwert came had",
    ),
    (ACTUAL, "ist actual measured gemessene"),
    (FILLER, "at in es it only about around still even noch nur etwa rund bei just now auf"),
    (
        ELSEWHERE,
        "sample samples lab labor analysis analyse nameplate typenschild rated catalogue catalog datasheet \
         datenblatt nennleistung nennspannung weather wetter outside outdoors outdoor draußen wind forecast river \
         tomorrow price prices discount budget invoice cost costs headcount salary preis preise rabatt kosten rechnung \
         chart font zoom scrap oee ausschuss auslastung cup cups tablespoon tablespoons teaspoon teaspoons tbsp tsp",
    ),
    (TO, "to auf at zu"),
    (GIVEN, "sp setpoint setpoints sollwert soll zielwert ziel vorgabe consigne consigna target set-point"),
    (
        SWITCH,
        "ein aus on off start starts stop stops open opens close closes cut-in cut-out einschalten ausschalten schaltet \
         startet stoppt öffnet schließt relieve relieves trips",
    ),
    (AT, "at bei"),
    (
        REPORT,
        "measured gemessen showed shown zeigte reading registered recorded observed noted beobachtet abgelesen ermittelt \
         climbed rose risen fell fallen sank stieg gestiegen fiel gefallen gesunken averaged peaked lay lag betrug found \
         gefunden",
    ),
    (STATES, "is are was were has have had gets ist sind war waren hat haben hatte hatten wird"),
    (
        ABLE,
        "accuracy genauigkeit messbereich design designed built gebaut ausgelegt capacity capable withstands withstand \
         beständig resistant covers weighs wiegt delivers fördert equals entspricht equal kennlinie dichte melts boils \
         freezes ignites burns schmilzt siedet gefriert erstarrt brennt verdampft decomposes condenses expands",
    ),
    (WITH, "auf mit bei zwischen von über unter ab"),
];

/// Verbs of German that stand behind the value, by how they end.
const ENDS: [&str; 31] = [
    "stellen", "stellt", "setzen", "setzt", "fahren", "regeln", "regelt", "halten", "grenzen", "grenzt", "drosseln",
    "drosselt", "höhen", "höht", "senken", "senkt", "duzieren", "duziert", "heben", "hoben", "nehmen", "nommen",
    "heizen", "heizt", "kühlen", "kühlt", "treiben", "trieben", "dosieren", "dosiert", "betragen",
];

fn kind(word: &[u8]) -> Kind {
    static KINDS: LazyLock<HashMap<&[u8], Kind>> = LazyLock::new(|| {
        let mut kinds = HashMap::new();
        for (kind, words) in LEXICON {
            words.split(' ').for_each(|word| *kinds.entry(word.as_bytes()).or_default() |= kind);
        }
        kinds
    });
    /// The longest word of the lexicon, in bytes.
    const LONGEST: usize = 14;
    let mut lower = [0; LONGEST];
    let Some(own) = lower.get_mut(..word.len()) else { return 0 };
    own.copy_from_slice(word);
    own.make_ascii_lowercase();
    KINDS.get(&*own).copied().unwrap_or_default()
}

/// The clause around one number.
pub(super) struct Clause<'t> {
    /// What the words in front are, nearest first.
    before: [Kind; WORDS],
    /// What any of them is, and any behind the last comma.
    any: Kind,
    part: Kind,
    head: &'t [u8],
    behind: &'t [u8],
}

impl<'t> Clause<'t> {
    /// The clause of the number at `span`: the line as far as it is read, up to the end of a sentence.
    pub(super) fn around(text: Bytes<'t>, span: &Range<usize>) -> Self {
        let head = text.slice(text.run_back(span.start, BEFORE, |b| b != b'\n')..span.start);
        let head = head.get(ends(head).last().unwrap_or(0)..).unwrap_or_default();
        let behind = text.slice(span.end..text.run(span.end, BEHIND, |b| b != b'\n'));
        let behind = behind.get(..ends(behind).next().unwrap_or(behind.len())).unwrap_or_default();
        let mut before = [0; WORDS];
        before.iter_mut().zip(backwards(head)).for_each(|(own, word)| *own = kind(word));
        let own =
            backwards(head.rsplit(|b| *b == b',').next().filter(|own| own.starts_with(b" ")).unwrap_or(head)).count();
        let all = |words: usize| before.iter().take(words).fold(0, |any, kind| any | kind);
        Self { before, any: all(WORDS), part: all(own), head, behind }
    }

    /// Whether something is named that has a value of its own to be given: `the brine SP`.
    pub(super) fn names(&self) -> bool {
        self.part & SET != 0
    }

    /// Whether the value is given to such a thing close before: `the SP down to 4`.
    pub(super) fn gives(&self) -> bool {
        self.before.iter().take(4).any(|kind| kind & GIVEN != 0)
    }

    /// Whether something turns on or off there: `pump on at 2.8 m`.
    pub(super) fn switches(&self) -> bool {
        matches!(self.before, [at, switch, ..] if at & AT != 0 && switch & SWITCH != 0)
    }

    /// Whether the value is to be so: `shall be between`, `auf 45 % gestellt`, `take the feed up to`.
    pub(super) fn wants(&self) -> bool {
        let moved = || self.first() & TO != 0 && self.any & MOVE != 0;
        self.any & OBLIGE != 0 || moved() || self.fulfils()
    }

    /// Whether a verb of German stands behind: `mit 37 °C gefahren`.
    pub(super) fn fulfils(&self) -> bool {
        self.any & WITH != 0 && words(self.behind).any(|word| ENDS.iter().any(|end| Word(word).ends_with(end)))
    }

    /// Whether the value was read off: `it was at 22 °C`, `Ist-Temperatur 63 °C`.
    pub(super) fn tells(&self) -> bool {
        let mut words = self.before.iter().skip_while(|kind| **kind & FILLER != 0 && **kind & MEASURED == 0);
        let mut next = || words.next().copied().unwrap_or_default();
        next() & MEASURED != 0 || next() & ACTUAL != 0
    }

    /// Whether it says what something is or has: `it is 34 °C in the hall`, `the boiling point of acetone`.
    pub(super) fn states(&self) -> bool {
        let filler = |kind: &&Kind| **kind & FILLER != 0 && **kind & STATES == 0;
        let first = self.before.iter().find(|kind| !filler(kind));
        let point =
            |point: &str| self.head.windows(point.len()).any(|part| part.eq_ignore_ascii_case(point.as_bytes()));
        self.part & (SET | OBLIGE) == 0
            && (first.is_some_and(|kind| kind & STATES != 0) || POINTS.into_iter().any(point))
    }

    /// Whether the clause is about a sample, a plate, the weather or trade, tells what was read, or what a thing can do.
    pub(super) fn is_elsewhere(&self) -> bool {
        let any = self.any | words(self.behind).fold(0, |any, word| any | kind(word));
        any & ELSEWHERE != 0 || any & (REPORT | ABLE) != 0 && self.any & (OBLIGE | GIVEN) == 0
    }

    fn first(&self) -> Kind {
        self.before.first().copied().unwrap_or_default()
    }
}

/// The words of a stretch, the last first.
fn backwards(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.rsplit(|b| !letter(*b)).filter(|word| !word.is_empty())
}

/// The words of a stretch, in order.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| !letter(*b)).filter(|word| !word.is_empty()).take(WORDS)
}

fn letter(byte: u8) -> bool {
    is_joined(byte) || byte >= 0x80
}

/// Where sentences end: behind a full stop, a question or an exclamation mark with a blank behind it, and behind a semicolon.
fn ends(text: &[u8]) -> impl Iterator<Item = usize> {
    let marks = text.iter().zip(text.iter().skip(1).chain(Some(&b' '))).enumerate();
    marks.filter_map(|(at, (mark, next))| {
        let sentence = matches!(mark, b'.' | b'?' | b'!') && matches!(next, b' ') && !short(text, at);
        (sentence || *mark == b';').then_some(at + 1)
    })
}

/// Whether the full stop at `at` ends a short form or an ordinal: `max.`, `1. Stufe`.
fn short(text: &[u8], at: usize) -> bool {
    let bytes = Bytes(text);
    let word = Word(bytes.slice(bytes.run_back(at, 8, letter)..at));
    word.0.len() < 3 || word.is_one_of(&["max", "min", "temp", "ca", "approx", "bzw", "resp", "nom"])
}
