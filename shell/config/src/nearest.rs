//! The known name that a mistyped one was probably meant to be.

/// Longer words are not compared: nobody mistypes them by accident, and the cost grows with the square.
const LONGEST: usize = 100;

/// The name closest to `word`, if one is close enough to be worth asking about.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let folded = fold(word);
    // One slip in three letters, and always at least one.
    let slack = (folded.chars().count() / 3).max(1);
    names
        .into_iter()
        .filter(|name| name.len() <= LONGEST)
        .filter_map(|name| {
            let other = fold(name);
            let distance = strsim::damerau_levenshtein(&folded, &other);
            let part = folded.len() >= 3 && (other.contains(&folded) || folded.contains(&other) && other.len() >= 3);
            (distance <= slack || part).then_some((distance, name))
        })
        .min_by_key(|(distance, name)| (*distance, *name))
        .map(|(_, name)| name)
}

/// Letters and digits only, lower case: `Client-Authority` is meant as `client_authority`.
fn fold(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn check(word: &str, expected: Option<&str>) {
        assert_eq!(
            nearest(word, ["networks", "title", "level", "sl_t", "owner", "client_authority"]),
            expected,
            "{word}"
        );
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        check("netwroks", Some("networks"));
        check("network", Some("networks"));
        check("Client-Authority", Some("client_authority"));
        check("authority", Some("client_authority"));
        check("onwer", Some("owner"));
    }

    #[test]
    fn a_foreign_word_finds_nothing() {
        check("colour", None);
        check("", None);
        check(&"x".repeat(10_000), None);
    }
}
