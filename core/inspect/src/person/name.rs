//! Names of persons behind a title or a label: `Frau Schmidt`, `attn Christopher Johnson`, `Operator: Jane Doe`. A name by
//! itself is not told from any other word; those that matter belong in the dictionary.

use crate::bytes::{Bytes, is_blank, is_joined};
use std::ops::Range;

/// What stands in front of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// One capitalised word is a name.
    Title,
    /// Two are.
    Label,
}

/// Titles and labels, in lower case, with what must follow them.
pub(crate) const BEFORE: [(&str, Before); 66] = [
    ("mr ", Before::Title),
    ("mr. ", Before::Title),
    ("mrs ", Before::Title),
    ("mrs. ", Before::Title),
    ("ms ", Before::Title),
    ("ms. ", Before::Title),
    ("miss ", Before::Title),
    ("dr. ", Before::Title),
    ("prof. ", Before::Title),
    ("herr ", Before::Title),
    ("herrn ", Before::Title),
    ("frau ", Before::Title),
    ("monsieur ", Before::Title),
    ("madame ", Before::Title),
    ("mme ", Before::Title),
    ("señor ", Before::Title),
    ("señora ", Before::Title),
    ("pan ", Before::Label),
    ("pani ", Before::Label),
    ("signora ", Before::Title),
    ("my name is ", Before::Title),
    ("mein name ist ", Before::Title),
    ("first name: ", Before::Title),
    ("last name: ", Before::Title),
    ("full name: ", Before::Title),
    ("vorname: ", Before::Title),
    ("nachname: ", Before::Title),
    ("surname: ", Before::Title),
    ("first_name\":\"", Before::Title),
    ("first_name\": \"", Before::Title),
    ("last_name\":\"", Before::Title),
    ("last_name\": \"", Before::Title),
    ("firstname\":\"", Before::Title),
    ("firstname\": \"", Before::Title),
    ("lastname\":\"", Before::Title),
    ("lastname\": \"", Before::Title),
    ("full_name\":\"", Before::Title),
    ("full_name\": \"", Before::Title),
    ("vorname\":\"", Before::Title),
    ("vorname\": \"", Before::Title),
    ("nachname\":\"", Before::Title),
    ("nachname\": \"", Before::Title),
    ("surname\":\"", Before::Title),
    ("surname\": \"", Before::Title),
    ("attn ", Before::Label),
    ("attn. ", Before::Label),
    ("attn: ", Before::Label),
    ("z.hd. ", Before::Label),
    ("z. hd. ", Before::Label),
    ("operator ", Before::Label),
    ("operator: ", Before::Label),
    ("shift lead ", Before::Label),
    ("shift lead: ", Before::Label),
    ("shift leader ", Before::Label),
    ("bediener ", Before::Label),
    ("bediener: ", Before::Label),
    ("schichtleiter ", Before::Label),
    ("schichtführer ", Before::Label),
    ("technician ", Before::Label),
    ("ask for ", Before::Label),
    ("signed by ", Before::Label),
    ("reported by ", Before::Label),
    ("approved by ", Before::Label),
    ("freigegeben von ", Before::Label),
    ("erstellt von ", Before::Label),
    ("geprüft von ", Before::Label),
];

/// Words that are capitalised behind such a label and name no one.
const NOT_NAMES: [&str; 34] = [
    "interface",
    "panel",
    "station",
    "manual",
    "training",
    "screen",
    "console",
    "workstation",
    "name",
    "id",
    "the",
    "a",
    "in",
    "on",
    "room",
    "control",
    "quality",
    "customer",
    "service",
    "support",
    "guide",
    "notes",
    "note",
    "report",
    "actions",
    "action",
    "safety",
    "maintenance",
    "engineer",
    "manager",
    "department",
    "team",
    "plant",
    "process",
];

/// The name behind `before`.
pub(crate) fn name(text: Bytes<'_>, before: Range<usize>, kind: Before) -> Option<Range<usize>> {
    // `dr` is a title with a capital only; a label may stand anywhere.
    let small = kind == Before::Title && before.len() <= 9 && !text.at(before.start).is_ascii_uppercase();
    if is_joined(text.before(before.start)) || small {
        return None;
    }
    let (mut at, mut end, mut names) = (before.end, before.end, 0);
    while names < 4 {
        let close = word(text, at);
        let link = ["van ", "von ", "de ", "der ", "den ", "la ", "di "]
            .iter()
            .find(|link| text.slice(at..at + link.len()) == link.as_bytes());
        if let Some(link) = link.filter(|_| names > 0 || kind == Before::Title) {
            at += link.len();
            continue;
        }
        let Some(close) = close else { break };
        (names, end) = (names + usize::from(close - at > 2), close);
        at = close + 1;
        if !is_blank(text.at(close)) {
            break;
        }
    }
    (names >= if kind == Before::Title { 1 } else { 2 }).then_some(before.end..end)
}

/// The end of a capitalised word or an initial at `at`.
fn word(text: Bytes<'_>, at: usize) -> Option<usize> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b >= 0x80 || b == b'\'' || b == b'-';
    let end = text.run(at, 32, letter);
    let capital = text.at(at).is_ascii_uppercase()
        || text.at(at) == 0xC3 && matches!(text.at(at + 1), 0x80..=0x9E)
        || matches!(text.at(at), 0xC4 | 0xC5);
    if !capital {
        return None;
    }
    if end == at + 1 && text.at(end) == b'.' {
        return Some(end + 1);
    }
    let word = text.slice(at..end);
    let mixed = word.iter().skip(1).any(|b| b.is_ascii_lowercase() || *b >= 0x80);
    let named = !NOT_NAMES.iter().any(|not| word.eq_ignore_ascii_case(not.as_bytes()));
    (mixed && named && end > at + 1).then_some(end)
}
