//! Tokens: stand-ins for values, made by a keyed function so that no table has to be kept.
//!
//! `TAG_7K3M9QXR2W`: the kind in capitals, an underscore, 9 characters of base32 and a check character. Only
//! letters, digits and the underscore, so that a token passes as one word through prose, JSON, URLs and code.
//! The characters come from the *canonical* value (an IBAN without its spaces); a value that is written in
//! another way than the canonical one gets 2 more characters, so that each form comes back as it was sent.

use plant::Label;

/// Douglas Crockford's base32 alphabet: without I, L, O and U, which people and models confuse.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 45 bits: among the 32,768 findings that one message may have, two values share a token with a chance of
/// about 1 in 65,000, and then the second is lengthened.
const BODY: usize = 9;

/// Characters that tell the forms of one value apart.
const FORM: usize = 2;

/// Longest body, check character included: 25 characters hold 125 bits of the 256.
pub(crate) const LONGEST_BODY: usize = 26;

/// Longest kind in a token.
const LONGEST_KIND: usize = 12;

/// Something that computes a keyed pseudo-random function: `seal` does, with a key that only the plant has.
pub trait Keyed {
    /// 32 bytes that depend on all three texts and on the key, and tell nothing of them to who lacks the key.
    fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32];
}

/// What makes the stand-ins of one call.
#[derive(Clone, Copy)]
pub struct Maker<'a> {
    /// The conduit: its stand-ins tell nothing of another's.
    pub conduit: &'a str,
    /// The plant's key.
    pub key: &'a dyn Keyed,
    /// Whether the plant knows a text as its own, so that no stand-in may look like it.
    pub own: &'a dyn Fn(&str) -> bool,
}

/// The token of a value as long as nothing else has it; `longer` adds characters.
pub(crate) fn token(key: &dyn Keyed, conduit: &str, label: &Label, value: &str, longer: usize) -> String {
    let kind = kind(label);
    let plain = canonical(label, value);
    let mut body = base32(&key.tag(conduit, label.as_str(), &plain), BODY);
    // The separator cannot be in a label, so this is never the tag of some other value's body.
    let form = || key.tag(conduit, &format!("{label}\u{1F}form"), value);
    if longer > 0 {
        // All of it anew: a longer token must not begin with the one that it gives way to.
        body = base32(&form(), (BODY + FORM + longer).min(LONGEST_BODY - 1));
    } else if plain != value {
        body.push_str(&base32(&form(), FORM));
    }
    let check = check(&kind, &body);
    format!("{kind}_{body}{check}")
}

/// The first characters of a body: what tells a token from all others of a message.
pub(crate) fn head(body: &str) -> Option<String> {
    let head = body.get(..BODY)?.to_ascii_uppercase();
    head.bytes().all(|b| ALPHABET.contains(&b)).then_some(head)
}

/// Whether `body` could be the body of one of our tokens of this kind. Both in capitals.
pub(crate) fn is_token(kind: &str, body: &str) -> bool {
    let lengths = BODY + 1..=LONGEST_BODY;
    let Some((last, rest)) = body.as_bytes().split_last() else { return false };
    !kind.is_empty()
        && kind.len() <= LONGEST_KIND
        && kind.bytes().all(|b| b.is_ascii_uppercase())
        && lengths.contains(&body.len())
        && body.bytes().all(|b| ALPHABET.contains(&b))
        && std::str::from_utf8(rest).is_ok_and(|rest| check(kind, rest) == char::from(*last))
}

/// Whether a word is about as long as a body: what a model made of one that it changed. In capitals.
pub(crate) fn is_body(word: &str) -> bool {
    (BODY - 1..=LONGEST_BODY).contains(&word.len())
}

/// The kind word of a label: its last part, letters only, in capitals.
pub(crate) fn kind(label: &Label) -> String {
    let last = label.as_str().rsplit('.').next().unwrap_or_default();
    let word: String = last.chars().filter(char::is_ascii_alphabetic).take(LONGEST_KIND).collect();
    if word.is_empty() { "VALUE".to_owned() } else { word.to_ascii_uppercase() }
}

/// One form for all spellings of a value, where spelling carries no meaning.
pub(crate) fn canonical(label: &Label, value: &str) -> String {
    match label.as_str() {
        "person.email" | "network.address" => value.to_lowercase(),
        "person.iban" | "person.card" | "network.mac" => {
            value.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
        }
        "person.phone" => value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        "tag" => value.to_uppercase(),
        _ => value.to_owned(),
    }
}

/// The first `count` characters of the bytes in base32; at most 51.
fn base32(bytes: &[u8; 32], count: usize) -> String {
    let mut bits = 0u32;
    let mut held = 0u32;
    let mut out = String::with_capacity(count);
    let mut bytes = bytes.iter();
    while out.len() < count {
        if held < 5 {
            let Some(byte) = bytes.next() else { break };
            bits = (bits << 8 | u32::from(*byte)) & 0xFFFF;
            held += 8;
        }
        held -= 5;
        out.push(symbol(bits >> held));
    }
    out
}

fn symbol(value: u32) -> char {
    ALPHABET.get((value & 31) as usize).map_or('0', |b| char::from(*b))
}

/// A check character that changes with any one character and with any two neighbours exchanged: the sum of
/// the characters weighted by position, modulo the prime 31 (so that a weight is never a divisor of zero).
fn check(kind: &str, body: &str) -> char {
    let sum = kind
        .bytes()
        .chain(body.bytes())
        .zip(0u32..)
        .fold(0u32, |sum, (byte, at)| (sum + (at % 29 + 1) * u32::from(byte)) % 31);
    symbol(sum)
}

#[cfg(test)]
mod tests {
    use super::{Keyed, is_token, token};
    use plant::Label;

    struct Toy;
    impl Keyed for Toy {
        fn tag(&self, conduit: &str, label: &str, value: &str) -> [u8; 32] {
            let mut out = [7u8; 32];
            for (at, byte) in conduit.bytes().chain(label.bytes()).chain(value.bytes()).enumerate() {
                let at = at % 32;
                out[at] = out[at].wrapping_mul(31).wrapping_add(byte).wrapping_add(out[(at + 5) % 32]);
            }
            out
        }
    }

    fn label(text: &str) -> Label {
        Label::new(text).expect("a label")
    }

    #[test]
    fn a_token_is_one_word_of_capitals_and_digits_with_a_check_character() {
        let token = token(&Toy, "c", &label("tag"), "TIC-101", 0);
        let (kind, body) = token.split_once('_').expect("an underscore");
        assert_eq!((kind, body.len()), ("TAG", 10));
        assert!(is_token(kind, body));
    }

    #[test]
    fn one_wrong_or_two_exchanged_characters_are_noticed() {
        let token = token(&Toy, "c", &label("person.email"), "a@b.example", 0);
        let (kind, body) = token.split_once('_').expect("an underscore");
        for at in 0..body.len() {
            let mut wrong = body.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'7' { b'8' } else { b'7' };
            assert!(!is_token(kind, std::str::from_utf8(&wrong).expect("text")), "character {at}");
        }
    }

    #[test]
    fn spellings_of_one_value_share_the_body_and_differ_at_the_end() {
        let plain = token(&Toy, "c", &label("person.iban"), "DE22280110958719972238", 0);
        let spaced = token(&Toy, "c", &label("person.iban"), "DE22 2801 1095 8719 9722 38", 0);
        assert_eq!(plain[..14], spaced[..14]);
        assert_eq!((plain.len(), spaced.len()), (15, 17));
    }

    #[test]
    fn a_plants_own_label_gives_a_kind_word() {
        assert!(token(&Toy, "c", &label("recipe.2-stage"), "x", 0).starts_with("STAGE_"));
        assert!(token(&Toy, "c", &label("recipe.42"), "x", 0).starts_with("VALUE_"));
    }
}
