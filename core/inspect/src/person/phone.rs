//! Phone numbers: international form, North American form, national form with a trunk zero; any other grouping
//! only where a word nearby says that it is one.

use super::groups::Groups;
use crate::bytes::{Bytes, is_digit, is_joined};
use std::ops::Range;

const CUES: [&str; 36] = [
    "phone",
    "telephone",
    "telefon",
    "tel",
    "fax",
    "mobile",
    "mobil",
    "cell",
    "cellphone",
    "handy",
    "call",
    "calling",
    "called",
    "hotline",
    "whatsapp",
    "dial",
    "reach",
    "contact",
    "ring",
    "sms",
    "telefonnummer",
    "rufnummer",
    "durchwahl",
    "landline",
    "messages",
    "telefoon",
    "telefone",
    "telefono",
    "phones",
    "desk",
    "answering",
    "bereitschaft",
    "rufbereitschaft",
    "notruf",
    "notfall",
    "erreichbar",
];

/// Words in front that make it the number of something else.
const THINGS: [&str; 40] = [
    "order",
    "auftrag",
    "auftragsnr",
    "bestellung",
    "bestellnummer",
    "bestellnr",
    "zeichnung",
    "zeichnungsnr",
    "drawing",
    "teil",
    "teilenr",
    "teilenummer",
    "part",
    "article",
    "artikel",
    "artikelnr",
    "artikelnummer",
    "serial",
    "seriennummer",
    "serien",
    "batch",
    "charge",
    "chargennummer",
    "lot",
    "material",
    "materialnummer",
    "zähler",
    "zählerstand",
    "counter",
    "meter",
    "invoice",
    "rechnung",
    "rechnungsnummer",
    "ticket",
    "vorgang",
    "konto",
    "kontonummer",
    "account",
    "sap",
    "equipment",
];

/// The phone number that `groups` is or begins with, with its extension.
pub(crate) fn number(text: Bytes<'_>, groups: &Groups) -> Option<Range<usize>> {
    let start = groups.span.start;
    let (before, further) = (text.before(start), text.before(start.saturating_sub(1)));
    let plus = text.at(start) == b'+';
    // `1.030 12345` and `A-0301234567` are something else, `Tel.030 12345` is none of them.
    let glued = matches!(before, b'.' | b'-' | b'/' | b'#' | b'$' | b'_') && is_joined(further);
    if before == b'+' || glued && !plus && (is_digit(further) || !cued(text, start)) {
        return None;
    }
    let form = |groups: &Groups| is_international(groups, plus) || is_american(groups) || is_national(groups);
    let shown = || is_shown(groups) && cued(text, start);
    let thing = !plus && text.words_before(start).take(2).any(|word| word.is_one_of(&THINGS)) && !cued(text, start);
    let whole = !groups.more && !thing && (form(groups) || shown());
    let end = if whole { groups.span.end } else { beginning(groups, plus).filter(|_| !thing)? };
    // `555-123-4567-A` numbers a part.
    let goes_on =
        text.at(end) == b'-' && text.at(end + 1).is_ascii_uppercase() && !text.at(end + 2).is_ascii_lowercase();
    if is_joined(text.at(end)) && text.at(end) != b'x' || goes_on {
        return None;
    }
    // An extension: `x4567`.
    let extension = text.run(end + 1, 6, is_digit);
    let extended = text.at(end) == b'x' && extension > end + 1 && !is_joined(text.at(extension));
    Some(start..if extended { extension } else { end })
}

/// Where the number ends that the groups begin with, if it shows itself: a date, a count or another number may follow it.
fn beginning(groups: &Groups, plus: bool) -> Option<usize> {
    let lengths = groups.lengths();
    if !plus && !lengths.windows(3).any(|three| three == [3, 3, 4]) {
        return None;
    }
    let shorter = (1..=lengths.len()).rev().map(|length| groups.first(length));
    let shown = |groups: &Groups| plus && is_international(groups, plus) || is_american(groups);
    shorter.into_iter().find(shown).map(|groups| groups.span.end)
}

/// Whether a word in front is enough to make it a phone number.
fn is_shown(groups: &Groups) -> bool {
    (7..=15).contains(&groups.count) && groups.lengths().len() <= 6 && !is_date(groups)
}

fn is_international(groups: &Groups, plus: bool) -> bool {
    let varied = groups.digits().windows(2).any(|pair| matches!(pair, [a, b] if a != b));
    (9..=15).contains(&groups.count)
        && varied
        && (plus || groups.digits().starts_with(b"00") && groups.lengths().len() > 1)
}

fn is_american(groups: &Groups) -> bool {
    let lengths = groups.lengths();
    let area = groups.count.checked_sub(10).and_then(|area| groups.digits().get(area));
    (10..=15).contains(&groups.count)
        && lengths.ends_with(&[3, 3, 4])
        && lengths.len() <= 5
        && (groups.separators(b"-") >= 1 || groups.separators(b".") >= 2 || groups.separators(b"()") >= 2)
        && matches!(area, Some(b'2'..=b'9'))
}

fn is_national(groups: &Groups) -> bool {
    let (lengths, digits) = (groups.lengths(), groups.digits());
    let dotted =
        groups.separators(b".") == 0 || lengths.len() >= 4 && lengths.iter().skip(1).all(|length| *length == 2);
    digits.first() == Some(&b'0')
        && digits.get(1) != Some(&b'0')
        && (9..=13).contains(&groups.count)
        && lengths.first().is_some_and(|length| *length >= 2)
        && dotted
        && groups.separators(b"-") <= 1
        && ((2..=6).contains(&lengths.len()) || groups.count >= 10)
        && !is_date(groups)
}

/// Day, month and year in any order, with one kind of separator.
fn is_date(groups: &Groups) -> bool {
    matches!(groups.lengths(), [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
        && [b".", b"-", b"/"].iter().any(|mark| groups.separators(*mark) == 2)
}

/// Whether a word in front says that a number is a phone number.
fn cued(text: Bytes<'_>, start: usize) -> bool {
    text.words_before(start).any(|word| word.is_one_of(&CUES)) || line_above(text, start)
}

/// The number stands alone on a line, and the line above says what it is: `Phone:`.
fn line_above(text: Bytes<'_>, start: usize) -> bool {
    let line = text.run_back(start, 4, |b| b == b' ');
    let above = text.run_back(line, 3, |b| b == b'\n' || b == b'\r');
    above < line && text.words_before(above).take(1).any(|word| word.is_one_of(&CUES))
}
