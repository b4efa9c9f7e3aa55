//! What ties a value to the name in front of it: an operator, an element, a verb, the next cell, the next line.

use crate::bytes::{Bytes, Word, is_blank};
use std::ops::Range;

/// How name and value are tied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// `=`, `:=`, `=>`.
    Assign,
    /// `:`.
    Colon,
    /// `"name", "value"`: an argument after the quoted name.
    Argument,
    /// `<name>value`.
    Element,
    /// `--name value`.
    Flag,
    /// `password is "value"`.
    Prose,
    /// `password value`, `password of the panel: value`: only what can be nothing else.
    Beside,
}

/// What stands between name and value; where the value begins. A name that is only a `hint` needs something between.
pub(super) fn tie(text: Bytes<'_>, name: &Range<usize>, hint: bool) -> Option<(Tie, usize)> {
    let blank = |at| text.run(at, 32, is_blank);
    let mut at = name.end;
    if text.at(at) == b'>' && text.before(name.start) == b'<' {
        return Some((Tie::Element, text.run(at + 1, 32, |b| b.is_ascii_whitespace())));
    }
    if let Some(inside) = element(text, name) {
        return Some((Tie::Element, inside));
    }
    // Closing quotes, brackets and markup of the name, as in `"key":`, `[key] =`, `\"key\":`, `**key**:`.
    let closed = text.run(at, 4, |b| matches!(b, b'"' | b'\'' | b'`' | b']' | b')' | b'\\' | b'}' | b'*'));
    let quoted = text.slice(at..closed).iter().any(|b| *b != b'*');
    at = blank(closed);
    let tabbed = text.slice(closed..at).contains(&b'\t');
    // A type between name and operator: `var token string = "..."`, `pin: str = "..."`. Behind a quoted name, it is another.
    let word = text.run(at, 12, |b| b.is_ascii_alphabetic());
    if at > closed && !quoted && word > at && matches!(text.at(blank(word)), b'=') {
        at = blank(word);
    }
    let operators = text.run(at, 3, |b| matches!(b, b'=' | b':' | b'?' | b'|' | b'>' | b'!'));
    // `"Password:"` and `'password = '` are texts that end here, not names that are given something.
    let opened = text.before(name.start);
    if !quoted && matches!(opened, b'"' | b'\'' | b'`') && text.at(blank(operators)) == opened {
        return None;
    }
    let apart = at > name.end;
    match text.slice(at..operators) {
        b"=" | b":=" | b"=>" | b"?=" | b"||=" | b"==" | b"!=" | b"|=" | b"::" => {
            Some((Tie::Assign, begins(text, operators)))
        }
        b":" => Some((Tie::Colon, begins(text, operators))),
        // A cell of a table.
        b"|" if apart && is_blank(text.at(operators)) => Some((Tie::Colon, blank(operators))),
        b"" if tabbed => Some((Tie::Colon, at)),
        // `<property name="password">value</property>`.
        b">" if quoted && closed == at => Some((Tie::Element, text.run(operators, 32, |b| b.is_ascii_whitespace()))),
        b"" if at == name.end && text.at(at) == b'(' => call(text, name, at),
        b"" if quoted && text.at(at) == b',' => argument(text, begins(text, at + 1)),
        b"" if quoted && text.at(at) == b'{' => variable(text, name, at + 1),
        b"" if text.slice(name.start..name.start + 1) == b"-" && apart => Some((Tie::Flag, at)),
        // `machine host login user password value`: a line of .netrc.
        b"" if apart && text.words_before(name.start).skip(1).any(|word| word.is_one_of(&["login"])) => {
            Some((Tie::Flag, at))
        }
        b"" if apart && (text.continues(at, "- ") || text.continues(at, "-> ")) => {
            Some((Tie::Colon, blank(text.run(at, 2, |b| b == b'-' || b == b'>'))))
        }
        b"" => {
            let beside = || (apart && !hint).then(|| (Tie::Beside, beside(text, at)));
            prose(text, at).or_else(|| paired(text, at)).or_else(|| told(text, at)).or_else(beside)
        }
        _ => None,
    }
}

/// Where a value begins behind its operator: blanks, the rest of markup (`**Password:** x`), the sign of a block in YAML
/// and the bracket of a list are not of it.
fn begins(text: Bytes<'_>, from: usize) -> usize {
    let skip = |at| text.run(at, 32, |b| b.is_ascii_whitespace());
    let bold = |at| if text.slice(at..at + 2) == b"**" { skip(at + 2) } else { at };
    let at = bold(skip(bold(from)));
    let block = text.run(at, 2, |b| matches!(b, b'|' | b'>' | b'-' | b'+'));
    if block > at && matches!(text.at(block), b'\n' | b'\r') {
        return skip(block);
    }
    let listed = skip(at + 1);
    let quote = text.at(text.run(listed, 8, |b| b == b'\\'));
    if text.at(at) == b'[' && matches!(quote, b'"' | b'\'') { listed } else { at }
}

/// `<ns:password type="x">value`: behind the name's own attributes, its value begins.
fn element(text: Bytes<'_>, name: &Range<usize>) -> Option<usize> {
    let prefix = if text.before(name.start) == b':' { text.run_back(name.start - 1, 16, is_name) } else { name.start };
    if text.before(prefix) != b'<' || !is_blank(text.at(name.end)) {
        return None;
    }
    let end = text.run(name.end, 200, |b| b != b'>' && b != b'<' && b != b'\n');
    (text.at(end) == b'>' && text.before(end) != b'/').then(|| text.run(end + 1, 32, |b| b.is_ascii_whitespace()))
}

/// `set_password("x")`: the only thing that a call is given, unless the call asks for it.
fn call(text: Bytes<'_>, name: &Range<usize>, open: usize) -> Option<(Tie, usize)> {
    const ASKS: [&str; 14] = [
        "get", "read", "find", "fetch", "lookup", "ask", "prompt", "input", "request", "label", "has", "is", "load",
        "require",
    ];
    let called = text.slice(name.clone());
    let asks = |verb: &&str| called.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb.as_bytes()));
    let from = text.run(open + 1, 4, is_blank);
    let quote = text.at(from);
    let end = text.run(from + 1, 128, |b| b != quote && b != b'\n');
    let only = matches!(quote, b'"' | b'\'') && text.at(end) == quote && text.at(end + 1) == b')';
    (only && called.len() >= 6 && !ASKS.iter().any(asks)).then_some((Tie::Argument, from))
}

/// `"password", "x"`: the value is the next argument. In `"name": "password", "value": "x"` it is another member's, and in
/// `"password", "user": "x"` there is none.
fn argument(text: Bytes<'_>, next: usize) -> Option<(Tie, usize)> {
    let marks = |at| text.run(at, 8, |b| matches!(b, b'\\' | b'"' | b'\''));
    let name = marks(next);
    let end = text.run(name, 24, is_name);
    let colon = text.run(marks(end), 4, is_blank);
    if name == next || marks(end) == end || text.at(colon) != b':' {
        return Some((Tie::Argument, next));
    }
    text.slice(name..end).eq_ignore_ascii_case(b"value").then(|| (Tie::Colon, begins(text, colon + 1)))
}

/// `variable "db_password" { default = "x" }`: the value is the default of the block.
fn variable(text: Bytes<'_>, name: &Range<usize>, inside: usize) -> Option<(Tie, usize)> {
    let declared = text.words_before(name.start).take(1).any(|word| word.is_one_of(&["variable"]));
    let end = text.run(inside, 200, |b| b != b'}');
    let found = memchr::memmem::find(text.slice(inside..end), b"default").filter(|_| declared)?;
    let sign = text.run(inside + found + 7, 16, is_blank);
    (text.at(sign) == b'=').then(|| (Tie::Assign, begins(text, sign + 1)))
}

/// `password for the panel is x`, `das Passwort der CPU lautet x`: some words say whose it is, then a verb.
fn told(text: Bytes<'_>, at: usize) -> Option<(Tie, usize)> {
    const OF: [&str; 34] = [
        "for", "of", "on", "to", "at", "für", "der", "des", "vom", "von", "im", "zum", "zur", "am", "auf", "zu",
        "pour", "de", "du", "para", "del", "dla", "do", "da", "dello", "della", "per", "van", "voor", "till", "til",
        "k", "ke", "la",
    ];
    let letter = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || matches!(b, b'-' | b'_');
    let mut from = at;
    for place in 0..7 {
        let end = text.run(from, 24, letter);
        if end == from || !is_blank(text.at(end)) || place == 0 && !Word(text.slice(from..end)).is_one_of(&OF) {
            return None;
        }
        if place > 1
            && let Some(told) = prose(text, from)
        {
            return Some(told);
        }
        from = text.run(end, 2, is_blank);
    }
    None
}

/// `password is x`, `das Passwort lautet: x`.
fn prose(text: Bytes<'_>, at: usize) -> Option<(Tie, usize)> {
    const VERBS: [&str; 13] = ["is", "was", "ist", "war", "lautet", "heißt", "est", "es", "è", "é", "är", "er", "jest"];
    let end = text.run(at, 8, |b| b.is_ascii_alphabetic() || b >= 0x80);
    let verb = Word(text.slice(at..end)).is_one_of(&VERBS);
    let colon = end + usize::from(text.at(end) == b':');
    (verb && is_blank(text.at(colon))).then(|| (Tie::Prose, begins(text, colon)))
}

/// Where a value may begin that no operator gives: behind words and a colon, `password (panel 4): x`; behind the digit
/// that says how it is encrypted, `password 7 x`; or right here.
fn beside(text: Bytes<'_>, at: usize) -> usize {
    let words = text.run(at, 40, |b| b.is_ascii_alphanumeric() || b >= 0x80 || b" ()-_".contains(&b));
    let kind = at + 1;
    if text.at(words) == b':' && text.at(words + 1).is_ascii_whitespace() {
        begins(text, words + 1)
    } else if text.at(at).is_ascii_digit() && text.at(kind) == b' ' {
        kind + 1
    } else {
        at
    }
}

/// `name: DB_PASSWORD`, and the next line `value: x`.
fn paired(text: Bytes<'_>, at: usize) -> Option<(Tie, usize)> {
    let next = text.run(at, 48, |b| b.is_ascii_whitespace());
    let apart = text.slice(at..next).contains(&b'\n') && text.continues(next, "value:");
    apart.then(|| (Tie::Colon, begins(text, next + 6)))
}

/// Letters and digits of a name, and what parts its words.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
