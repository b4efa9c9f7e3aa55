//! Stand-ins of the same form as what they stand for: a tag for a tag, an address for an address.
//!
//! Nothing here is a cipher: the characters come from a keyed function, and the way back is what the call remembers. So a
//! stand-in may be chosen such that it is nobody's: names and addresses from ranges that are set aside for documentation,
//! numbers whose check digits are wrong.

use crate::stand_in::{LONGEST, Spelling};
use plant::Label;
use std::net::IpAddr;

/// Characters of a mailbox: none that people and models confuse.
const MAILBOX: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";

/// Digits that a tag's stand-in has at least: of so many, few are met by chance.
const TAG_DIGITS: usize = 5;

/// Digits that a number's stand-in must have to be told from others.
const LEAST_DIGITS: usize = 4;

/// Numbers below a bound, drawn from a keyed function.
pub(crate) type Draw<'a> = dyn FnMut(u32) -> u32 + 'a;

/// Another value of the same form, and how loosely it may be spelled; `None` if there is no form to keep. Spellings of one
/// value give spellings of one stand-in from the same draws.
pub(crate) fn alike(label: &Label, value: &str, draw: &mut Draw<'_>) -> Option<(String, Spelling)> {
    if !value.is_ascii() || value.len() > LONGEST {
        return None;
    }
    let (text, spelling) = match label.as_str() {
        "tag" => (tag(value, draw)?, Spelling::Tag),
        "person.email" => (email(value, draw)?, Spelling::Address),
        "network.address" => (address(value, draw)?, Spelling::Address),
        "network.mac" => (mac(value, draw), Spelling::Number),
        "person.phone" => (phone(value, draw)?, Spelling::Number),
        "person.card" => (card(value, draw)?, Spelling::Number),
        "person.iban" => (iban(value, draw)?, Spelling::Number),
        "person.badge" | "person.id" => (number(value, draw)?, Spelling::Number),
        part if part.starts_with("part.") => (number(value, draw)?, Spelling::Number),
        _ => return None,
    };
    (text.len() <= LONGEST).then_some((text, spelling))
}

/// The value with other digits. The letters, which say what is measured or where it is, stay; the last number grows where
/// there are few digits, as five are seldom met by chance.
fn tag(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    // Letters that are a word would tell what they name.
    let word = |run: &str| run.len() > 5 || run.len() > 3 && run.bytes().any(|b| b.is_ascii_lowercase());
    if value.split(|c: char| !c.is_ascii_alphabetic()).any(word) {
        return None;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let last = value.rfind(|c: char| c.is_ascii_digit())?;
    let mut out = replaced(value.get(..=last)?, draw, |byte| byte.is_ascii_digit());
    for _ in digits..TAG_DIGITS {
        out.push(digit(draw));
    }
    out.push_str(value.get(last + 1..)?);
    Some(out)
}

/// A mailbox of RFC 2606's `example.com`.
fn email(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let plain = value.contains('@') && !value.contains(' ');
    let mut mailbox = || MAILBOX.get(draw(32) as usize).map_or('0', |byte| char::from(*byte));
    plain.then(|| format!("{}@example.com", (0..10).map(|_| mailbox()).collect::<String>()))
}

/// An address for documentation (RFC 5737, RFC 3849); of so few IPv4 addresses every other is one for measurements
/// between laboratories (RFC 2544), which is nobody's either. The length of a prefix stays.
fn address(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let (written, prefix) = value.split_once('/').map_or((value, ""), |(address, _)| (address, value));
    let prefix = prefix.get(written.len()..).unwrap_or_default();
    let other = match written.parse().ok()? {
        IpAddr::V4(_) => match draw(4) {
            0 => format!("192.0.2.{}", 1 + draw(254)),
            1 => format!("198.51.100.{}", 1 + draw(254)),
            2 => format!("203.0.113.{}", 1 + draw(254)),
            _ => format!("198.{}.{}.{}", 18 + draw(2), draw(256), 1 + draw(254)),
        },
        IpAddr::V6(_) => {
            let groups: Vec<String> = (0..6).map(|_| format!("{:x}", 1 + draw(0xFFFF))).collect();
            format!("2001:db8:{}", groups.join(":"))
        }
    };
    Some(other + prefix)
}

/// A hardware address that is locally administered (IEEE 802, clause 8): no maker has it.
fn mac(value: &str, draw: &mut Draw<'_>) -> String {
    let mut at = 0;
    let other = |byte: u8| {
        let drawn = draw(16);
        // The second lowest bit of the first octet says so; the lowest, that it is no group.
        let nibble = if at == 1 { drawn & 0b1100 | 0b0010 } else { drawn };
        at += 1;
        let digit = char::from_digit(nibble, 16).unwrap_or('0');
        if byte.is_ascii_uppercase() { digit.to_ascii_uppercase() } else { digit }
    };
    let mut other = other;
    value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { other(byte) } else { char::from(byte) }).collect()
}

/// A telephone number that is nobody's: country code 999, which ITU-T E.164 keeps in reserve, or three zeros.
fn phone(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let nobody = if value.contains('+') { '9' } else { '0' };
    let mut count = 0;
    let mut other = |character: char| {
        if !character.is_ascii_digit() {
            return character;
        }
        count += 1;
        if count <= 3 { nobody } else { digit(draw) }
    };
    let out: String = value.chars().map(&mut other).collect();
    (count >= 3 + LEAST_DIGITS).then_some(out)
}

/// A card number whose check digit (ISO/IEC 7812-1, annex B) is wrong.
fn card(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let mut out = number(value, draw)?;
    let digits: Vec<u32> = out.chars().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |(at, digit): (usize, &u32)| match (at % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice) => twice / 10 + twice % 10,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    let last = out.rfind(|c: char| c.is_ascii_digit())?;
    let digit = digits.last()?;
    if sum.is_multiple_of(10) {
        out.replace_range(last..=last, &((digit + 1) % 10).to_string());
    }
    Some(out)
}

/// An account of the same country whose check digits are 00, which no account has (ISO 13616-1: 02 to 98).
fn iban(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let mut seen = 0;
    let country: String = value.chars().take_while(|c| !c.is_ascii_digit()).collect();
    let rest = number(value.get(country.len()..)?, draw)?;
    let checked = rest.chars().map(|character| {
        seen += usize::from(character.is_ascii_digit());
        if character.is_ascii_digit() && seen <= 2 { '0' } else { character }
    });
    Some(country + &checked.collect::<String>())
}

/// The value with other letters and digits in the same places.
fn number(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    (digits >= LEAST_DIGITS).then(|| replaced(value, draw, |byte| byte.is_ascii_alphanumeric()))
}

/// The value with what `goes` replaced by others of its kind. A number that does not begin with zero does not afterwards.
fn replaced(value: &str, draw: &mut Draw<'_>, goes: fn(u8) -> bool) -> String {
    let mut before = b' ';
    let mut other = |byte: u8| {
        let begins = !before.is_ascii_digit() && byte != b'0';
        before = if byte.is_ascii_alphanumeric() { byte } else { before };
        // A letter takes as many draws in either case, so that spellings stay together.
        match byte {
            _ if !goes(byte) => char::from(byte),
            b'0'..=b'9' if begins => char::from_digit(1 + draw(9), 10).unwrap_or('1'),
            b'0'..=b'9' => digit(draw),
            b'A'..=b'Z' => letter(draw),
            _ => letter(draw).to_ascii_lowercase(),
        }
    };
    value.bytes().map(&mut other).collect()
}

fn digit(draw: &mut Draw<'_>) -> char {
    char::from_digit(draw(10), 10).unwrap_or('0')
}

fn letter(draw: &mut Draw<'_>) -> char {
    u8::try_from(draw(26)).map_or('A', |at| char::from(b'A' + at))
}

#[cfg(test)]
mod tests {
    use super::alike;
    use plant::Label;

    /// A stand-in from draws that are counted up.
    fn drawn(label: &str, value: &str) -> String {
        let mut count = 6;
        let mut draw = |below: u32| {
            count += 7;
            count % below
        };
        alike(&Label::new(label).unwrap(), value, &mut draw).map_or_else(|| "-".to_owned(), |(text, _)| text)
    }

    #[test]
    fn each_kind_keeps_its_form() {
        for (label, value, like) in [
            ("tag", "TIC-101", "TIC-#####"),
            ("tag", "tic_101", "tic_#####"),
            ("tag", "10-PT-4711", "##-PT-####"),
            ("tag", "FV-203A", "FV-#####A"),
            ("tag", "10LAB20CT001", "##LAB##CT###"),
            ("tag", "%IW64", "%IW#####"),
            ("tag", "DB12.DBD20", "DB##.DBD###"),
            ("tag", "ns=2;s=Boiler.Level", "-"),
            ("person.email", "anna.schmidt@brewery.example", "@@@@@@@@@@@example.com"),
            ("network.mac", "00:1b:63:84:45:E6", "~~:~~:~~:~~:~~:~~"),
            ("person.phone", "+49 4561 088570", "+99 9### ######"),
            ("person.phone", "04561/088570", "000##/######"),
            ("person.iban", "GB24 PMYB 1464 3687 9420 95", "GB00 ???? #### #### #### ##"),
            ("person.card", "4111 1111 1111 1111", "#### #### #### ####"),
            ("part.number", "BR-123455", "??-######"),
            ("part.number", "Kurbelwelle", "-"),
            ("part.number", "K-12", "-"),
            ("setpoint", "185 C", "-"),
            ("person.name", "Anna Schmidt", "-"),
        ] {
            let found = drawn(label, value);
            let form = |(found, like): (char, char)| match like {
                '#' => found.is_ascii_digit(),
                '?' => found.is_ascii_uppercase(),
                '~' => found.is_ascii_hexdigit(),
                '@' => found == '@' || found.is_ascii_lowercase() || found.is_ascii_digit(),
                exact => found == exact,
            };
            let fits = found.len() == like.len() && found.chars().zip(like.chars()).all(form);
            assert!(fits, "{label} {value}: {found} is not like {like}");
        }
    }

    #[test]
    fn spellings_of_one_value_give_spellings_of_one_stand_in() {
        let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
        for (label, one, other) in [
            ("tag", "TIC-101", "tic 101"),
            ("person.iban", "GB24PMYB14643687942095", "gb24 pmyb 1464 3687 9420 95"),
            ("network.mac", "00:1b:63:84:45:E6", "001b.6384.45e6"),
        ] {
            assert_eq!(letters(&drawn(label, one)), letters(&drawn(label, other)), "{one}");
        }
    }

    #[test]
    fn addresses_are_of_documentation() {
        for value in ["10.20.30.40", "10.20.30.0/24"] {
            let found = drawn("network.address", value);
            let nobody = ["192.0.2.", "198.51.100.", "203.0.113.", "198.18.", "198.19."];
            assert!(nobody.iter().any(|range| found.starts_with(range)), "{found}");
            assert_eq!(found.contains("/24"), value.contains("/24"));
        }
        assert!(drawn("network.address", "fd00::1").starts_with("2001:db8:"));
        assert_eq!(drawn("network.address", "10.1"), "-");
    }

    #[test]
    fn a_numbers_check_digits_are_wrong() {
        let digits: Vec<u32> =
            drawn("person.card", "4111111111111111").chars().filter_map(|c| c.to_digit(10)).collect();
        let twice = |(at, digit): (usize, &u32)| if at % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 };
        assert_ne!(digits.iter().rev().enumerate().map(twice).sum::<u32>() % 10, 0);
        let mac = drawn("network.mac", "00-1B-63-84-45-E6");
        assert_eq!(u8::from_str_radix(&mac[..2], 16).unwrap() & 0b11, 0b10, "locally administered, not a group");
    }
}
