//! Numbers as people and programs write them: digits with all their separators, exponents, and words.

use crate::{Decimal, lexicon};

/// A number, and the other value that it may have where its one separator may be either.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) other: Option<f64>,
    /// Whether a sign says that it is a change: `+10`.
    pub(crate) plus: bool,
}

impl Number {
    pub(crate) fn of(value: f64) -> Self {
        Self { value, other: None, plus: false }
    }

    pub(crate) fn map(self, by: impl Fn(f64) -> f64) -> Self {
        Self { value: by(self.value), other: self.other.map(by), plus: self.plus }
    }
}

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// What the plant says.
    pub(crate) decimal: Decimal,
    /// What the text's own language says, where the plant leaves it open. `None` where it does not show.
    pub(crate) comma: Option<bool>,
}

/// Reads the digits at the start of `text`; the number and its length. `None` if they are none of a number: a date, an
/// address, a version, an ordinal.
pub(crate) fn digits(text: &str, style: Style) -> Option<(Number, usize)> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = usize::from(bytes.first() == Some(&b'.'));
    let mut plain = String::new();
    // What parts the digits, and how many stand before it.
    let mut marks: Vec<(u8, usize)> = Vec::new();
    let mut count = 0;
    if end == 1 {
        marks.push((b'.', 0));
    }
    loop {
        let byte = bytes.get(end).copied().unwrap_or(0);
        if byte.is_ascii_digit() {
            plain.push(char::from(byte));
            count += 1;
            end += 1;
            if count > 40 {
                return None;
            }
        } else if matches!(byte, b'.' | b',') && digit(end + 1)
            || matches!(byte, b'\'' | b'_' | b' ') && three(bytes, end + 1) && (byte != b' ' || leads(&marks, count))
        {
            marks.push((byte, count));
            end += 1;
        } else {
            break;
        }
    }
    let (mut number, exponent) = (joined(&plain, &marks, style)?, exponent(bytes, end));
    if let Some((power, after)) = exponent {
        number = number.map(|value| format!("{value}e{power}").parse().unwrap_or(f64::INFINITY));
        end = after;
    }
    // A time of day, a ratio.
    if bytes.get(end) == Some(&b':') && digit(end + 1) {
        return None;
    }
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|suffix| {
        let after = text.get(end..).unwrap_or_default();
        after.strip_prefix(suffix).is_some_and(|after| !after.starts_with(char::is_alphanumeric))
    });
    (!ordinal).then_some((number, end))
}

/// Whether three digits stand here, and no more.
fn three(bytes: &[u8], at: usize) -> bool {
    let digits = bytes.iter().skip(at).take(4).take_while(|byte| byte.is_ascii_digit()).count();
    digits == 3
}

/// Whether the digits so far may be the first of groups that blanks part.
fn leads(marks: &[(u8, usize)], count: usize) -> bool {
    match marks.last() {
        None => (1..=3).contains(&count),
        Some((mark, at)) => *mark == b' ' && count - at == 3,
    }
}

/// Whether a text has what may part the digits of a number: a point or a comma between two.
pub(crate) fn separated(text: &str) -> bool {
    let parts = |three: &[u8]| matches!(three, [a, b'.' | b',', b] if a.is_ascii_digit() && b.is_ascii_digit());
    text.as_bytes().windows(3).any(parts)
}

/// The value of digits with separators between them.
fn joined(plain: &str, marks: &[(u8, usize)], style: Style) -> Option<Number> {
    let at = |place: usize| -> Option<f64> {
        let (whole, part) = plain.split_at_checked(place)?;
        format!("0{whole}.{part}0").parse().ok()
    };
    let whole = || at(plain.len());
    let points: Vec<_> = marks.iter().filter(|(mark, _)| matches!(mark, b'.' | b',')).collect();
    let groups = |mark: u8| {
        let own: Vec<usize> = points.iter().filter(|(m, _)| *m == mark).map(|(_, at)| *at).collect();
        own.windows(2).all(|pair| pair.last().zip(pair.first()).is_some_and(|(b, a)| b - a == 3))
    };
    let value = match points.as_slice() {
        [] => Number::of(plain.parse().ok()?),
        [(mark, place)] => {
            let ambiguous = plain.len() - place == 3 && (1..=3).contains(place) && !plain.starts_with('0');
            let (decimal, thousands) = (at(*place)?, whole()?);
            let comma = match style.decimal {
                Decimal::Point => Some(false),
                Decimal::Comma => Some(true),
                Decimal::Either => style.comma,
            };
            match comma {
                _ if !ambiguous => Number::of(decimal),
                Some(comma) if comma == (*mark == b',') => Number::of(decimal),
                Some(_) => Number::of(thousands),
                None => Number { other: Some(thousands), ..Number::of(decimal) },
            }
        }
        [.., (before, _), (last, place)] if before != last && groups(*before) => Number::of(at(*place)?),
        // `1.250.000`; else a date, an address or a version.
        [(first, _), .., (_, last)] => {
            let one = points.iter().all(|(mark, _)| mark == first);
            (one && groups(*first) && plain.len() - last == 3).then(whole)?.map(Number::of)?
        }
    };
    Some(value)
}

/// `e-3`, `x10^3`, `*10**3`: the power of ten, and where it ends.
fn exponent(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let blanks = bytes.iter().skip(at).take(2).take_while(|byte| **byte == b' ').count();
    let rest = bytes.get(at..)?;
    let times = bytes.get(at + blanks..)?;
    let skip = if matches!(rest.first(), Some(b'e' | b'E')) {
        1
    } else if matches!(times.first(), Some(b'x' | b'*')) {
        let after = times.get(1..)?;
        let gap = after.iter().take(2).take_while(|byte| **byte == b' ').count();
        let power = after.get(gap..)?.strip_prefix(b"10")?;
        let sign = if power.starts_with(b"**") { 2 } else { usize::from(power.first() == Some(&b'^')) };
        let brace = usize::from(power.get(sign) == Some(&b'{'));
        (sign > 0).then_some(blanks + 1 + gap + 2 + sign + brace)?
    } else {
        return None;
    };
    let body = rest.get(skip..)?;
    let sign = usize::from(matches!(body.first(), Some(b'-' | b'+')));
    let digits = body.iter().skip(sign).take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(body.get(..sign + digits)?).ok()?;
    let power = text.trim_start_matches('+').parse().ok()?;
    let end = at + skip + sign + digits;
    let end = end + usize::from(bytes.get(end) == Some(&b'}'));
    (!bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)).then_some((power, end))
}

/// The number that words at the start of `words` say, and how many of them. Hyphens are left out of `words`.
pub(crate) fn spelled(words: &[&str]) -> Option<(f64, usize)> {
    let first = words.first()?;
    if let Some(value) = german(first) {
        return Some(tail(value, words, 1));
    }
    let (mut total, mut group, mut used, mut any) = (0.0, 0.0, 0, false);
    for (at, word) in words.iter().enumerate().take(24) {
        let next = words.get(at + 1);
        match *word {
            "a" | "an" if !any && next.is_some_and(|word| matches!(*word, "hundred" | "thousand" | "million")) => {
                group = 1.0;
            }
            "and" if any && next.is_some_and(|word| small(word).is_some()) => continue,
            "hundred" if any || group > 0.0 => group *= 100.0,
            "thousand" if any || group > 0.0 => {
                total += group * 1000.0;
                group = 0.0;
            }
            "million" if any || group > 0.0 => {
                total += group * 1e6;
                group = 0.0;
            }
            word => match small(word) {
                // `twenty one`, but not `one two`.
                Some(value) if !any || fits(group, value) => group += value,
                _ => break,
            },
        }
        any = true;
        used = at + 1;
    }
    any.then(|| tail(total + group, words, used))
}

/// Whether `value` may follow `group` in one number.
fn fits(group: f64, value: f64) -> bool {
    let rest = group % 100.0;
    rest == 0.0 || value < 10.0 && value > 0.0 && rest >= 20.0 && rest % 10.0 == 0.0
}

/// `point five`, `and a half`, `Komma fünf` behind a number.
fn tail(value: f64, words: &[&str], used: usize) -> (f64, usize) {
    let rest = words.get(used..).unwrap_or_default();
    match rest {
        ["and", "a", "half", ..] => (value + 0.5, used + 3),
        ["point" | "komma" | "dot", after @ ..] => {
            let digits: String = after
                .iter()
                .map_while(|word| small(word).or_else(|| german(word)).filter(|value| *value < 10.0))
                .take(6)
                .map(|value| value.to_string())
                .collect();
            match format!("0.{digits}").parse::<f64>() {
                Ok(part) if !digits.is_empty() => (value + part, used + 1 + digits.len()),
                _ => (value, used),
            }
        }
        _ => (value, used),
    }
}

fn small(word: &str) -> Option<f64> {
    lexicon::NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// A German number of one word: `dreihundertneunundsechzig`.
fn german(word: &str) -> Option<f64> {
    if let Some(whole) = word.strip_suffix("einhalb").filter(|whole| !whole.is_empty()) {
        return Some(if whole == "ein" || whole == "eine" { 1.5 } else { below_hundred(whole)? + 0.5 });
    }
    let (thousands, rest) = match word.split_once("tausend") {
        Some(("", rest)) => (1.0, rest),
        Some((head, rest)) => (hundreds(head)?, rest),
        None => (0.0, word),
    };
    let rest = rest.strip_prefix("und").filter(|_| thousands > 0.0).unwrap_or(rest);
    let below = if rest.is_empty() && thousands > 0.0 { 0.0 } else { hundreds(rest)? };
    Some(thousands * 1000.0 + below)
}

fn hundreds(word: &str) -> Option<f64> {
    let (head, rest) = match word.split_once("hundert") {
        Some(("", rest)) => (1.0, rest),
        Some((head, rest)) => (below_hundred(head)?, rest),
        None => return below_hundred(word),
    };
    let rest = rest.strip_prefix("und").unwrap_or(rest);
    Some(head * 100.0 + if rest.is_empty() { 0.0 } else { below_hundred(rest)? })
}

fn below_hundred(word: &str) -> Option<f64> {
    let known = |word: &str| lexicon::ZAHLEN.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    known(word).or_else(|| {
        let (one, ten) = word.match_indices("und").find_map(|(at, und)| {
            let one = known(word.get(..at)?).filter(|one| *one < 10.0 && *one > 0.0)?;
            let ten = known(word.get(at + und.len()..)?).filter(|ten| *ten >= 20.0)?;
            Some((one, ten))
        })?;
        Some(one + ten)
    })
}

#[cfg(test)]
mod tests {
    use super::{Style, digits, spelled};
    use crate::Decimal;

    fn read(text: &str, decimal: Decimal, comma: Option<bool>) -> Option<(f64, Option<f64>, usize)> {
        digits(text, Style { decimal, comma }).map(|(number, end)| (number.value, number.other, end))
    }

    #[test]
    fn separators_say_what_they_can() {
        let any = |text| read(text, Decimal::Either, None);
        assert_eq!(any("185 °C"), Some((185.0, None, 3)));
        assert_eq!(any("158,5"), Some((158.5, None, 5)));
        assert_eq!(any("1.250,75"), Some((1250.75, None, 8)));
        assert_eq!(any("1,250.75"), Some((1250.75, None, 8)));
        assert_eq!(any("1,250,000"), Some((1_250_000.0, None, 9)));
        assert_eq!(any("1 250 000 x"), Some((1_250_000.0, None, 9)));
        assert_eq!(any("1'250"), Some((1250.0, None, 5)));
        assert_eq!(any("0.125"), Some((0.125, None, 5)));
        assert_eq!(any(".5"), Some((0.5, None, 2)));
        assert_eq!(any("1.85e2"), Some((185.0, None, 6)));
        assert_eq!(any("1.85 x 10^2 K"), Some((185.0, None, 11)));
        assert_eq!(any("1e400").map(|(value, ..)| value.is_finite()), Some(false));
        assert_eq!(any("10.4.7.12"), None);
        assert_eq!(any("12.05.2024"), None);
        assert_eq!(any("3rd"), None);
    }

    #[test]
    fn one_separator_before_three_digits_is_read_as_the_plant_or_the_language_says_or_both_ways() {
        assert_eq!(read("1.250", Decimal::Either, None), Some((1.25, Some(1250.0), 5)));
        assert_eq!(read("1.250", Decimal::Either, Some(true)), Some((1250.0, None, 5)));
        assert_eq!(read("1.250", Decimal::Point, Some(true)), Some((1.25, None, 5)));
        assert_eq!(read("1,250", Decimal::Comma, None), Some((1.25, None, 5)));
    }

    #[test]
    fn words_say_numbers() {
        let said = |text: &str| spelled(&text.split(['-', ' ']).collect::<Vec<_>>());
        assert_eq!(said("sixty-nine degrees"), Some((69.0, 2)));
        assert_eq!(said("three hundred and sixty-nine"), Some((369.0, 5)));
        assert_eq!(said("one thousand three hundred and fifty-four"), Some((1354.0, 7)));
        assert_eq!(said("a hundred bar"), Some((100.0, 2)));
        assert_eq!(said("four and a half"), Some((4.5, 4)));
        assert_eq!(said("two point five bar"), Some((2.5, 3)));
        assert_eq!(said("dreihundertneunundsechzig"), Some((369.0, 1)));
        assert_eq!(said("tausenddreihundertvierundfünfzig"), Some((1354.0, 1)));
        assert_eq!(said("einhundertachtzig"), Some((180.0, 1)));
        assert_eq!(said("zweieinhalb bar"), Some((2.5, 1)));
        assert_eq!(said("sieben komma fünf"), Some((7.5, 3)));
        assert_eq!(said("valve"), None);
        assert_eq!(said("ten bar"), Some((10.0, 1)));
    }
}
