//! Cuts a segment into tags, quantities, words and marks.

use crate::judge::{Measure, Quantity};
use crate::lexicon::{self, Kind};
use crate::number::{self, Number, Style};
use crate::tags::{Part, Sighting};
use crate::unit;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) what: What,
    pub(crate) span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    /// A limited tag.
    Tag(usize, Part),
    /// What looks like a tag, and is none that is limited.
    Other,
    Quantity(Quantity),
    Word(Kind),
    /// A word that says a multiple: `double`.
    Times(Kind, f64),
    Mark(u8),
}

impl Token {
    /// What a word may do; nothing for others.
    pub(crate) fn kind(&self) -> Kind {
        match self.what {
            What::Word(kind) | What::Times(kind, _) => kind,
            _ => 0,
        }
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind() & kind != 0
    }

    pub(crate) fn mark(&self) -> Option<u8> {
        match self.what {
            What::Mark(mark) => Some(mark),
            _ => None,
        }
    }

    pub(crate) fn quantity(&self) -> Option<&Quantity> {
        match &self.what {
            What::Quantity(quantity) => Some(quantity),
            _ => None,
        }
    }
}

/// Cuts a text in which `sightings` were seen.
pub(crate) fn cut(text: &str, sightings: &[Sighting], style: Style) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut seen = sightings.iter().peekable();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        while seen.next_if(|sighting| sighting.span.start < at).is_some() {}
        if let Some(sighting) = seen.next_if(|sighting| sighting.span.start == at) {
            tokens.push(Token { what: What::Tag(sighting.tag, sighting.part), span: sighting.span.clone() });
            at = sighting.span.end;
            continue;
        }
        let until = seen.peek().map_or(text.len(), |sighting| sighting.span.start);
        let (what, length) = next(rest, text, at, style, &tokens);
        // Nothing reaches into a tag.
        let length = length.min(until - at).max(rest.chars().next().map_or(1, char::len_utf8));
        if let Some(what) = what {
            tokens.push(Token { what, span: at..at + length });
        }
        at += length;
    }
    named_unit(text, &mut tokens);
    spell(text, &mut tokens);
    negate(text, &mut tokens);
    tokens
}

/// The token at the start of `rest`, and its length. Blanks are none.
fn next(rest: &str, text: &str, at: usize, style: Style, before: &[Token]) -> (Option<What>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 0) };
    if first.is_whitespace() {
        let mark = (first == '\n').then_some(What::Mark(b'\n'));
        return (mark, first.len_utf8());
    }
    let digit = |at: usize| rest.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let joined = text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_alphanumeric);
    let sign = usize::from(matches!(first, '-' | '+'));
    if (digit(sign) || digit(sign + 1) && rest.as_bytes().get(sign) == Some(&b'.')) && !(joined && sign == 0) {
        // Between two values a dash means `to`; behind a word it joins.
        let signs = sign == 1 && (joined || first == '-' && ranges(before, text, at));
        if !signs && let Some((number, length)) = number::digits(rest.get(sign..).unwrap_or_default(), style) {
            let number = if first == '-' { number.map(|value| -value) } else { number };
            let number = Number { plus: first == '+', ..number };
            let behind = rest.get(sign + length..).unwrap_or_default();
            if let Some(after) = money(behind) {
                return (Some(What::Word(lexicon::OTHER)), sign + length + after);
            }
            let (quantity, after) = measured(number, behind);
            return (Some(What::Quantity(quantity)), sign + length + after);
        }
        if !signs {
            // A date, an address, a version: nothing that is a value.
            let part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ',' | ':' | '-'));
            let length = rest.get(sign..).and_then(|rest| rest.find(part)).unwrap_or(rest.len() - sign) + sign;
            return (Some(What::Word(lexicon::OTHER)), length);
        }
    }
    if first.is_alphabetic() || first == '_' {
        return word(rest);
    }
    let byte = u8::try_from(first).unwrap_or(b'?');
    (Some(What::Mark(byte)), first.len_utf8())
}

/// Whether a dash here stands between two values.
fn ranges(before: &[Token], text: &str, at: usize) -> bool {
    before.last().is_some_and(|last| {
        last.quantity().is_some() && text.get(last.span.end..at).is_some_and(|gap| gap.chars().all(char::is_whitespace))
    })
}

/// A word, or what looks like a tag.
fn word(rest: &str) -> (Option<What>, usize) {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    let letters = word.bytes().take_while(u8::is_ascii_uppercase).count();
    let joint = usize::from(matches!(rest.as_bytes().get(letters), Some(b'-' | b'_')));
    let digits = rest.bytes().skip(letters + joint).take_while(u8::is_ascii_digit).count();
    if (1..=5).contains(&letters) && digits >= 2 {
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let whole = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let whole = rest.get(..whole).unwrap_or_default().trim_end_matches(['.', '-']).len();
        return (Some(What::Other), whole);
    }
    let lower = word.trim_end_matches('\'').to_lowercase();
    let (kind, factor) = lexicon::word(&lower);
    (Some(factor.map_or(What::Word(kind), |factor| What::Times(kind, factor))), length)
}

/// The length of a currency behind a number: that counts money and is no value.
fn money(behind: &str) -> Option<usize> {
    const MONEY: [&str; 12] =
        ["EUR", "USD", "CHF", "GBP", "PLN", "Euro", "euros", "euro", "dollars", "dollar", "€", "$"];
    let rest = behind.strip_prefix(' ').unwrap_or(behind);
    let name = MONEY.iter().find(|name| rest.starts_with(**name))?;
    let after = rest.get(name.len()..)?;
    (!after.starts_with(char::is_alphanumeric)).then_some(behind.len() - after.len())
}

/// A number with what stands behind it, and the length of that.
fn measured(number: Number, behind: &str) -> (Quantity, usize) {
    let blanks = behind.bytes().take(3).take_while(|byte| matches!(byte, b' ' | b'~')).count();
    let hyphen = usize::from(
        blanks == 0 && behind.starts_with('-') && behind.get(1..).is_some_and(|b| b.starts_with(char::is_alphabetic)),
    );
    let start = blanks + hyphen;
    let plain = Quantity { number, measure: Measure::Bare, per: None };
    let Some(rest) = behind.get(start..) else { return (plain, 0) };
    if let Some((unit, length)) = unit::read(rest) {
        let after = rest.get(length..).unwrap_or_default();
        if let Some((per, more)) = per(after) {
            return (Quantity { measure: unit.into(), per: Some(per), ..plain }, start + length + more);
        }
        let compound = after.strip_prefix('/').is_some_and(|after| after.starts_with(char::is_alphabetic));
        let measure = if compound { Measure::Unknown } else { unit.into() };
        return (Quantity { measure, ..plain }, start + length);
    }
    if hyphen == 1 {
        return (plain, 0);
    }
    // `400; (* degC *)`, `400  # °C`: code says its unit in a comment.
    if let Some((unit, length)) = commented(behind) {
        return (Quantity { measure: unit, ..plain }, length);
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '°' | '/' | '^' | '*' | '%' | '_');
    let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    // `250.0f` of C.
    if start == 0 && matches!(word, "f" | "d") {
        return (plain, 1);
    }
    if start <= 2 && foreign(word, start == 0) {
        return (Quantity { measure: Measure::Unknown, ..plain }, start + length);
    }
    (plain, 0)
}

/// `/min`, `per minute`, `pro Stunde`: the seconds, and the length.
fn per(after: &str) -> Option<(f64, usize)> {
    let word = ["/ ", "/", " per ", " pro ", " je ", " a ", " an ", " every ", "*", " "]
        .iter()
        .find(|word| after.starts_with(**word))?;
    let rest = after.get(word.len()..)?;
    let rest_unit = |text: &str| match unit::read(text)? {
        (unit::Behind::Unit(unit), length) => unit.seconds().map(|seconds| (seconds, length)),
        (unit::Behind::Degrees, _) => None,
    };
    if matches!(*word, "*" | " ") {
        // `K*min-1`, `K min^-1`.
        let (seconds, length) = rest_unit_inverse(rest)?;
        return Some((seconds, word.len() + length));
    }
    let (seconds, length) = rest_unit(rest)?;
    Some((seconds, word.len() + length))
}

fn rest_unit_inverse(text: &str) -> Option<(f64, usize)> {
    let units = [("min-1", 60.0), ("min^-1", 60.0), ("h-1", 3600.0), ("h^-1", 3600.0), ("s-1", 1.0), ("s^-1", 1.0)];
    units.into_iter().find(|(unit, _)| text.starts_with(unit)).map(|(unit, seconds)| (seconds, unit.len()))
}

/// A unit in a comment of code behind a number, on its line; and where it ends.
fn commented(behind: &str) -> Option<(Measure, usize)> {
    let line = behind.split('\n').next()?;
    let open = line.trim_start_matches([' ', ';', ')', ',', '}', ']', '"', '\'', '\t']);
    let opener = ["(*", "//", "/*", "#", "--", "'", "["].iter().find(|opener| open.starts_with(**opener))?;
    let inside = open.get(opener.len()..)?.trim_start();
    let (unit, length) = unit::read(inside)?;
    let after = inside.get(length..)?.trim_start();
    let closed = ["*)", "*/", "]"].iter().any(|close| after.starts_with(close)) || after.is_empty();
    closed.then(|| (unit.into(), line.len() - after.len()))
}

/// Whether a word behind a number can only be a unit, if one that nobody knows.
fn foreign(word: &str, attached: bool) -> bool {
    if word.is_empty() {
        return false;
    }
    let lower = word.to_lowercase();
    let signs = word.contains(['°', '^']) || word.contains('/') && !word.starts_with('/');
    let letters = word.starts_with(|c: char| c.is_alphabetic() || c == '°' || c == '%');
    let known = lexicon::kind(&lower) != 0 || lexicon::counts(&lower) && number::spelled(&[&lower]).is_some();
    let long = word.chars().count() > 12 || lower.ends_with("ly") || lower.ends_with("ing");
    letters && !known && (attached || signs || !long && !word.contains(|c: char| c.is_ascii_digit()))
}

/// `unit: "°C"` beside a value: gives the value that unit.
fn named_unit(text: &str, tokens: &mut Vec<Token>) {
    let names = ["unit", "units", "uom", "eu", "einheit", "engineering_units"];
    let mut at = 0;
    // Each one found costs a walk over the tokens, so there is an end to it.
    let mut left = 64;
    while let Some(token) = tokens.get(at).filter(|_| left > 0) {
        let named = matches!(token.what, What::Word(_))
            && text
                .get(token.span.clone())
                .is_some_and(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)));
        let rest = text.get(token.span.end..).unwrap_or_default();
        let value = rest.trim_start_matches([' ', '"', '\'', '=', ':']);
        let tied = rest.len() - value.len() > 0
            && rest.get(..rest.len() - value.len()).is_some_and(|tie| tie.contains([':', '=']));
        if named && tied {
            let (measure, length) = match unit::read(value) {
                Some((unit, length)) => (Measure::from(unit), length),
                None => (Measure::Unknown, value.find(|c: char| !c.is_alphanumeric()).unwrap_or(value.len())),
            };
            let end = token.span.end + (rest.len() - value.len()) + length;
            let start = token.span.start;
            tokens.retain(|token| token.span.end <= start || token.span.start >= end);
            let bare =
                |token: &&mut Token| matches!(token.what, What::Quantity(Quantity { measure: Measure::Bare, .. }));
            let middle = at.min(tokens.len());
            let (before, after) = tokens.split_at_mut(middle);
            let nearest = before.iter_mut().rev().find(bare).or_else(|| after.iter_mut().find(bare));
            if let Some(Token { what: What::Quantity(quantity), .. }) = nearest {
                quantity.measure = measure;
            }
            left -= 1;
            continue;
        }
        at += 1;
    }
}

/// `minus five`.
fn negate(text: &str, tokens: &mut Vec<Token>) {
    let says = |token: &Token| text.get(token.span.clone()).is_some_and(|word| word.eq_ignore_ascii_case("minus"));
    let mut gone = Vec::new();
    for at in 1..tokens.len() {
        let (before, rest) = tokens.split_at_mut(at);
        if let (Some(word), Some(Token { what: What::Quantity(quantity), .. })) = (before.last(), rest.first_mut())
            && matches!(word.what, What::Word(_))
            && says(word)
        {
            quantity.number = quantity.number.map(|value| -value);
            gone.push(word.span.start);
        }
    }
    tokens.retain(|token| gone.binary_search(&token.span.start).is_err());
}

/// Puts quantities in the place of words that say numbers.
fn spell(text: &str, tokens: &mut Vec<Token>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        // Most words are none of a number, and known for that.
        let first = match token.what {
            What::Word(_) => text.get(token.span.clone()).unwrap_or_default().to_lowercase(),
            _ => String::new(),
        };
        if !lexicon::counts(&first) {
            at += 1;
            continue;
        }
        let words: Vec<(usize, String)> = tokens
            .iter()
            .enumerate()
            .skip(at)
            .take(40)
            .filter(|(_, token)| token.mark() != Some(b'-'))
            .map_while(|(place, token)| match token.what {
                What::Word(_) => Some((place, text.get(token.span.clone())?.to_lowercase())),
                _ => None,
            })
            .collect();
        let said: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
        let Some((value, used)) = number::spelled(&said) else {
            at += 1;
            continue;
        };
        let last = used.checked_sub(1).and_then(|last| words.get(last)).map_or(at, |(place, _)| *place);
        let Some((start, end)) = tokens.get(at).map(|t| t.span.start).zip(tokens.get(last).map(|t| t.span.end)) else {
            return;
        };
        let (quantity, after) = measured(Number::of(value), text.get(end..).unwrap_or_default());
        // `one` alone is as often a pronoun, and so is `ein` an article.
        let pronoun = matches!(said.first(), Some(&("one" | "ein"))) && used == 1 && quantity.measure.unit().is_none();
        if pronoun {
            at += 1;
            continue;
        }
        let end = end + after;
        let gone = tokens.iter().skip(at).take_while(|token| token.span.start < end).count();
        let quantity = Token { what: What::Quantity(quantity), span: start..end };
        tokens.splice(at..at + gone, [quantity]);
        at += 1;
    }
}
