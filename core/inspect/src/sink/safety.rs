//! Sentences that tell somebody to defeat a safeguard: `bypass the interlock`, `Sicherheitsrelais überbrücken`.
//!
//! A sentence counts if it has a safeguard and a verb that makes it ineffective, as an order, an advice or a way to go. It
//! does not if it forbids (`never bypass`), reports (`was bypassed yesterday`), supposes (`if you bypass`) or asks.
//!
//! Words pass as they come until a sentence has one of the two; from there on it is held to its end. Of a word that may still
//! become one, so is its beginning.

use super::{Found, Seen};
use crate::blocks::{Alphabet, Blocks, Found as Run};
use crate::injection::letter::fold;
use crate::injection::words::{Class, Classes, LONGEST, Lexicon};
use plant::{Deed, Form};
use std::sync::LazyLock;

/// Longest stretch of a sentence that is held, in bytes. What stands further apart is not one advice.
const LONG: usize = 1200;

/// What stands behind a sentence that is let pass with a warning.
const WARNING: &str = " [unsafe: this would defeat a safety function]";

const WORDS: &[(Class, &str)] = &[
    (
        Class::Defeat,
        "bypass jumper defeat disable override overrule inhibit deactivate circumvent suppress uberbrucke uberbrucken brucke brucken",
    ),
    (
        Class::Defeat,
        "uberbruecke* umgehe umgehen deaktiviere* ausschalten abschalten aushebeln manipuliere* kurzschliese* abklemmen",
    ),
    (
        Class::Defeat,
        "shunter shuntez ponter pontez desactivez desactiver contournez contourner puentear puentee puentea desactivar desactive",
    ),
    (
        Class::Defeat,
        "anular anule ponticellare ponticella disattivare disattiva bypassare zmostkuj zmostkowac obejdz wylacz wylaczyc dezaktywuj",
    ),
    (Class::Force, "force jump forcez forcer forzar forza forzare wymus zwinge"),
    (
        Class::Defeated,
        "bypassed jumpered jumped defeated disabled overridden forced inhibited deactivated circumvented suppressed uberbruckt",
    ),
    (
        Class::Defeated,
        "gebruckt umgangen deaktiviert ausgeschaltet abgeschaltet ausgehebelt manipuliert shunte ponte puenteado desactivado",
    ),
    (Class::Defeated, "anulado ponticellato disattivato bypassato zmostkowany wylaczony"),
    (
        Class::Defeating,
        "bypassing jumpering defeating disabling overriding forcing inhibiting deactivating circumventing suppressing",
    ),
    (
        Class::Guard,
        "interlock interlocks interlocking sis esd estop lockout loto psv psvs guard guards trip trips permissive permissives",
    ),
    (
        Class::Guard,
        "verriegelung* sicherheitsrelais sicherheitskreis* sicherheitsschalter* sicherheitssteuerung* sicherheitsfunktion*",
    ),
    (
        Class::Guard,
        "sicherheitseinrichtung* sicherheitsventil* sicherheitsabschaltung* sicherheitskette* sicherheitsverriegelung* lichtvorhang*",
    ),
    (
        Class::Guard,
        "lichtvorhange* lichtgitter* lichtschranke* notaus nothalt schutztur* schutzeinrichtung* schutzgitter* schutzfunktion*",
    ),
    (Class::Guard, "uberdruckventil* endschalter* zweihandschaltung* verrouillage* enclavamiento* interblocc* blokad*"),
    (Class::Alarm, "alarm alarms alarme alarmes alarma alarmas allarme allarmi alarmy"),
    (Class::Safe, "safety emergency light protective e not over overspeed overpressure flame"),
    (Class::Safe, "barriere cortina barriera kurtyna"),
    (Class::Behind, "securite seguridad sicurezza bezpieczenstwa d'urgence emergencia emergenza awaryjny"),
    (
        Class::Thing,
        "relay relays circuit circuits switch switches stop stops curtain curtains gate gates door doors valve valves function functions",
    ),
    (
        Class::Thing,
        "system systems device devices controller controllers plc loop loops chain chains sensor sensors barrier barriers mat mats",
    ),
    (
        Class::Thing,
        "scanner scanners shutdown shutdowns protection aus halt relais circuit* interrupteur* arret rele circuito* parada paro",
    ),
    (
        Class::Thing,
        "arresto przekaznik* obwod* wylacznik* fonction* funcion* immateriel* lumineuse fotoelettric* swietln*",
    ),
    (
        Class::Ban,
        "not never don't dont doesn't mustn't shouldn't can't cannot won't no without avoid avoids prevent prevents preventing prohibited",
    ),
    (
        Class::Ban,
        "forbidden illegal unsafe dangerous refuse hazardous against nicht nie niemals kein* keinesfalls verboten untersagt vermeide*",
    ),
    (
        Class::Ban,
        "ohne gefahrlich unzulassig jamais pas interdit* sans nunca prohibid* sin mai non vietat* senza zabron* bez ne nigdy",
    ),
    (
        Class::Past,
        "was were been had did wurde wurden war waren worden hatte gestern yesterday has etait fue era stato zostal",
    ),
    (Class::If, "if unless when whenever whether wenn falls sobald ob si quand cuando se quando jesli gdy"),
    (
        Class::Lead,
        "and then just simply so now instead please und dann einfach jetzt bitte also but et puis y luego e poi i",
    ),
    (
        Class::Auxiliary,
        "must should shall can could may need needs to have will muss mussen soll sollte sollten kann konnen konnten zu get",
    ),
    (Class::Auxiliary, "doit devez peut pouvez debe deben puede pueden deve devono puo mozna trzeba nalezy"),
    (Class::From, "by try recommend suggest consider advise start durch"),
    (Class::Article, "the a an this that each every any der das den dem die ein eine einen"),
    (Class::Call, "use install apply fit set put add insert make setze setzen lege"),
    (Class::Turn, "turn switch turned switched schalte schalten auser setze setzen take taken"),
    (Class::Off, "off ab aus kraft"),
];

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::of(WORDS));

/// The words without one of which no sentence harms.
static DEFEATS: LazyLock<Lexicon> = LazyLock::new(|| {
    let defeats =
        |class: Class| matches!(class, Class::Defeat | Class::Defeated | Class::Defeating | Class::Force | Class::Off);
    Lexicon::of(&WORDS.iter().copied().filter(|(class, _)| defeats(*class)).collect::<Vec<_>>())
});

/// One channel's text so far.
#[derive(Default)]
pub(super) struct Safety {
    /// Of a sentence with a telling word, all since that; else what stands behind the last word.
    held: String,
    /// How much of `held` was read.
    read: usize,
    /// How much of `held` is released, and stays only until what follows is known.
    gone: usize,
    sentence: Sentence,
}

/// What a sentence says so far.
#[derive(Default)]
struct Sentence {
    /// Whether it has a telling word, so that it is held.
    tells: bool,
    guard: bool,
    alarm: bool,
    defeat: bool,
    force: bool,
    /// Whether the verb stands at the head of a clause, so that what was denied before says nothing of it.
    heads: bool,
    /// Whether something forbids: in the sentence, in the clause.
    ban: (bool, bool),
    past: bool,
    supposes: bool,
    can: bool,
    turns: bool,
    /// Whether words stand since the last place where an order may begin.
    inside: bool,
    /// The last two words, nearest first.
    last: [Classes; 2],
}

impl Safety {
    pub(super) fn push(&mut self, text: &str, end: bool, form: Form, deed: Deed, seen: &mut Seen) -> String {
        self.held.push_str(text);
        let input = std::mem::take(&mut self.held);
        let mut out = String::with_capacity(input.len());
        let (mut done, mut at, gone) = (0, self.read, self.gone);
        // Where the last word ends that need not be held.
        let mut clear = 0;
        let part = |from: usize, to: usize| input.get(from.max(gone)..to).unwrap_or_default();
        loop {
            let begin = word_start(&input, at);
            let gap = input.get(at..begin.unwrap_or(input.len())).unwrap_or_default();
            let stop = if gap == " " { None } else { stop(gap, form) };
            let reach = stop.map(|(place, _)| at + place).or(begin).unwrap_or(input.len());
            if self.sentence.tells && reach - done > LONG {
                let cut = input.floor_char_boundary(done + LONG);
                self.judge(part(done, cut), deed, form, seen, &mut out);
                (done, at) = (cut, at.max(cut));
                continue;
            }
            if let Some((place, next)) = stop {
                self.judge(part(done, at + place), deed, form, seen, &mut out);
                done = at + place;
                at += next;
                continue;
            }
            let word = begin.and_then(|start| Some((start, word_end(&input, start, end)?)));
            let Some((start, until)) = word else { break };
            if gap != " " && gap.contains([',', ';', ':']) {
                self.sentence.clause();
            }
            let told = self.sentence.tells;
            let escaped = form == Form::Json && input.get(..start).is_some_and(|before| before.ends_with('\\'));
            let word = input.get(start + usize::from(escaped)..until).unwrap_or_default();
            self.sentence.take(classes(word, &LEXICON));
            if !self.sentence.tells {
                clear = until;
            } else if !told {
                out.push_str(part(done, start));
                done = start;
            } else if until - done > LONG {
                self.judge(part(done, until), deed, form, seen, &mut out);
                done = until;
            }
            at = until;
        }
        if clear > done {
            out.push_str(part(done, clear));
            done = clear;
        }
        if end {
            self.judge(part(done, input.len()), deed, form, seen, &mut out);
            (self.read, self.gone) = (0, 0);
            return out;
        }
        // Of signs alone, the last may still end a sentence.
        if word_start(&input, at).is_none() {
            let signs = input.get(at..).unwrap_or_default();
            if signs.contains([',', ';', ':']) {
                self.sentence.clause();
            }
            at = input.floor_char_boundary(input.len().saturating_sub(1)).max(at);
            if !self.sentence.tells {
                out.push_str(part(done, at));
                done = at;
            }
        }
        let pass = if self.sentence.tells { done } else { may_tell(&input, at).unwrap_or(input.len()) };
        out.push_str(part(done, pass));
        input.get(done..).unwrap_or_default().clone_into(&mut self.held);
        (self.read, self.gone) = (at - done, pass.max(gone) - done);
        out
    }

    /// A sentence has ended: what is held of it goes, with a warning or without.
    fn judge(&mut self, held: &str, deed: Deed, form: Form, seen: &mut Seen, out: &mut String) {
        let (said, blank) = held.split_at(held.trim_end().len());
        let harm = std::mem::take(&mut self.sentence).harms() && !said.ends_with('?');
        out.push_str(said);
        if harm {
            seen.count(Found::Unsafe);
            match deed {
                Deed::Block => seen.stop(Found::Unsafe.label()),
                // In JSON it may stand in a key, or in a value that a program compares.
                Deed::Annotate if form == Form::Plain => out.push_str(WARNING),
                Deed::Allow | Deed::Record | Deed::Annotate => {}
            }
        }
        out.push_str(blank);
    }
}

impl Sentence {
    fn take(&mut self, classes: Classes) {
        let [last, second] = self.last;
        // Most words do nothing.
        if classes.is_empty() {
            (self.inside, self.last) = (true, [classes, last]);
            return;
        }
        let has = |class| classes.has(class);
        let lately = |class| last.has(class) || second.has(class);
        self.ban = (self.ban.0 || has(Class::Ban), self.ban.1 || has(Class::Ban));
        self.past |= has(Class::Past);
        self.can |= has(Class::Auxiliary);
        // `the bypass` is a thing, unless somebody puts one in.
        let noun = last.has(Class::Article) && !second.has(Class::Call);
        let defeat = has(Class::Defeat) && !noun
            || has(Class::Defeated) && self.can && !self.past
            || has(Class::Defeating) && lately(Class::From)
            || has(Class::Off) && self.turns;
        let force = has(Class::Force) && !noun;
        if (defeat || force) && !(self.defeat || self.force) {
            self.heads = !self.inside;
        }
        self.defeat |= defeat;
        self.force |= force;
        let safe = has(Class::Thing) && lately(Class::Safe) || has(Class::Behind) && lately(Class::Thing);
        self.guard |= has(Class::Guard) || safe;
        self.alarm |= has(Class::Alarm);
        // What is supposed behind the order does not take it back.
        self.supposes |= has(Class::If) && !self.defeat;
        self.turns |= has(Class::Turn);
        self.tells |= self.guard || self.alarm || self.defeat || self.force || self.turns;
        self.inside = !has(Class::Lead);
        self.last = [classes, last];
    }

    /// A comma: what was supposed is over, and so may be what was denied. Verb and safeguard stand in one clause.
    fn clause(&mut self) {
        if !self.is_whole() {
            (self.guard, self.alarm, self.defeat, self.force, self.turns) = (false, false, false, false, false);
            self.supposes = false;
            self.ban.1 = false;
        }
        self.inside = false;
    }

    fn is_whole(&self) -> bool {
        self.defeat && (self.guard || self.alarm) || self.force && self.guard
    }

    fn harms(&self) -> bool {
        let (sentence, clause) = self.ban;
        let banned = if self.heads { clause } else { sentence };
        self.is_whole() && !banned && !self.supposes
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte >= 0x80 || *byte == b'\''
}

/// Where the next word begins, at or after `from`.
fn word_start(text: &str, from: usize) -> Option<usize> {
    Some(from + text.as_bytes().get(from..)?.iter().position(is_word)?)
}

/// Where the word ends that begins at `start`; `None` while it may go on. A long one, which is none of ours, comes in pieces.
fn word_end(text: &str, start: usize, end: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let run = bytes.get(start..)?.iter().take(LONGEST + 1).take_while(|byte| is_word(byte)).count();
    if run > LONGEST {
        return Some(text.floor_char_boundary(start + LONGEST));
    }
    (start + run < bytes.len() || end).then_some(start + run)
}

/// Where a word begins that is not whole yet and may become one of ours, at or after `from`.
fn may_tell(text: &str, from: usize) -> Option<usize> {
    let start = word_start(text, from)?;
    let word = text.as_bytes().get(start..)?;
    let plain = word.len() >= 3 && word.is_ascii() && !word.contains(&b'\'') && !LEXICON.may_begin(word);
    // Behind a backslash, its first letter may be none of it.
    (!plain || start > 0 && text.as_bytes().get(start - 1) == Some(&b'\\')).then_some(start)
}

/// Where a sentence ends in what stands between two words, and where the next may begin. Known as soon as one sign more has
/// come than the one that ends it.
fn stop(gap: &str, form: Form) -> Option<(usize, usize)> {
    let signs = gap.as_bytes();
    signs.iter().enumerate().find_map(|(at, sign)| match sign {
        b'.' | b'!' | b'?' => {
            let behind = signs.get(at + 1)?;
            let stops = behind.is_ascii_whitespace() || matches!(behind, b'"' | b')' | b'*' | b'\\');
            stops.then_some((at + 1, at + 1))
        }
        b'\n' => Some((at, at + 1)),
        b'"' if form == Form::Json => Some((at, at + 1)),
        _ => None,
    })
}

/// What a word does, of those that `lexicon` has.
fn classes(word: &str, lexicon: &Lexicon) -> Classes {
    let word = word.as_bytes();
    if word.len() > LONGEST || word.iter().all(u8::is_ascii_alphabetic) && !lexicon.may_have(word) {
        return Classes::default();
    }
    let mut folded = [0; LONGEST];
    lexicon.classes(fold(word, &mut folded, |byte| byte))
}

/// Whether a text that is plain and whole may hold a sentence that harms. Most have no word for it.
pub(super) fn may_harm(text: &str) -> bool {
    let (mut words, mut at, defeats) = (Blocks::<Letters>::new(text.as_bytes()), 0, &*DEFEATS);
    while let Some(Run::Word(word)) = words.next(at) {
        let mut start = word.start;
        at = word.end;
        let letters = !word.digits && !word.signs && word.end - word.start <= LONGEST;
        if letters && !defeats.may_have(text.as_bytes().get(start..at).unwrap_or_default()) {
            continue;
        }
        // A long one comes in pieces.
        while start < word.end {
            let end = word_end(text, start, true).unwrap_or(word.end);
            if !classes(text.get(start..end).unwrap_or_default(), defeats).is_empty() {
                return true;
            }
            start = end;
        }
    }
    false
}

/// What words are made of: [`is_word`].
struct Letters;

impl Alphabet for Letters {
    fn is_digit(byte: u8) -> bool {
        byte.is_ascii_digit()
    }

    fn is_sign(byte: u8) -> bool {
        matches!(byte, b'\'' | 0x80..)
    }

    fn is_mark(_: u8) -> bool {
        false
    }
}
