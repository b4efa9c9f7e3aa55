//! The language of a text, by its script, or by its small words where the script is Latin.
//!
//! Says nothing of texts that are short, of code, of tables, or of languages that are not listed; a text in two languages is of
//! the one with more small words, or of none. It is meant for shares over many calls, not for one.

use std::sync::LazyLock;

macro_rules! languages {
    ($($(#[$doc:meta])* $name:ident $code:literal $words:literal;)*) => {
        /// A language, or the family of those that are written in one script.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Language { $($(#[$doc])* $name,)* }

        impl Language {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its code: of ISO 639-1, or of ISO 15924 for a script.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The small words that it is told by, in lower case; none for a script.
            fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

languages! {
    /// English.
    English "en" "the and of to is are was were that this with for from which what when how why not you your it its be been have has by at on an as or if we our can should do does will";
    /// German.
    German "de" "der die das und ist sind war nicht mit von für auf dem den des ein eine einen einer zu im wie was warum wenn wir ich sie es auch bei nach aus wird werden kann soll bitte am um oder";
    /// French.
    French "fr" "le la les et est sont pas avec pour dans des du un une au aux ce cette que qui quoi comment pourquoi nous vous il elle je sur par ou être peut doit quand plus votre";
    /// Spanish.
    Spanish "es" "el la los las y es son no con para por del un una unos al este esta que qué quien cómo cuando porque nosotros usted lo se su sus como más puede debe está pero o sobre";
    /// Italian.
    Italian "it" "il lo la gli le e è sono non con per del della dei delle un una di da in che chi come quando perché noi voi si su nel nella al alla questo questa può deve anche più";
    /// Portuguese.
    Portuguese "pt" "o os as e é são não com para por do da dos das um uma no na nos nas que quem como quando porque nós você se seu sua em ao mais pode deve está este esta";
    /// Dutch.
    Dutch "nl" "de het een en is zijn was niet met van voor op aan dat dit die wat hoe waarom wanneer wij ik je u er ook bij naar uit wordt worden kan moet om of te door maar";
    /// Polish.
    Polish "pl" "i w na z do nie jest są że się jak co dlaczego kiedy dla od po przez przy ten ta to tego tej czy lub oraz być może należy jego ich tym już proszę o za";
    /// Czech.
    Czech "cs" "a v na s z do je jsou že se jak co proč když pro od po při ten ta to toho této nebo také být může musí jeho jejich tím už prosím o za ve ale není podle";
    /// Cyrillic script.
    Cyrillic "Cyrl" "";
    /// Greek script.
    Greek "Grek" "";
    /// Arabic script.
    Arabic "Arab" "";
    /// Hebrew script.
    Hebrew "Hebr" "";
    /// Devanagari script.
    Devanagari "Deva" "";
    /// Thai script.
    Thai "Thai" "";
    /// Hangul.
    Korean "ko" "";
    /// Kana, with Han or without.
    Japanese "ja" "";
    /// Han without kana.
    Chinese "zh" "";
}

/// Letters of a text, by script.
#[derive(Default)]
struct Letters {
    latin: usize,
    kana: usize,
    han: usize,
    others: [(usize, Option<Language>); 7],
}

impl Language {
    /// The language of a text; `None` if it does not show.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        /// Fewest letters of a script, and of small words, that tell anything.
        const LETTERS: usize = 8;
        if text.is_ascii() {
            return Self::of_latin(text);
        }
        let letters = Letters::of(text);
        let other = letters.others.iter().max_by_key(|(count, _)| *count);
        let east = letters.kana + letters.han;
        let (most, language) = match other {
            Some((count, language)) if *count > east => (*count, *language),
            // Japanese has kana in every sentence.
            _ => (east, Some(if letters.kana * 8 >= east { Self::Japanese } else { Self::Chinese })),
        };
        if most >= LETTERS && most * 2 > letters.latin { language } else { Self::of_latin(text) }
    }

    fn of_latin(text: &str) -> Option<Self> {
        const WORDS: usize = 3;
        let mut counts = [0usize; Self::ALL.len()];
        for_each_short_word(text, |word| {
            let mut said = SMALL_WORDS.get(word);
            while said != 0 {
                if let Some(count) = counts.get_mut(said.trailing_zeros() as usize) {
                    *count += 1;
                }
                said &= said - 1;
            }
        });
        let (best, language) = counts.iter().copied().zip(Self::ALL).max_by_key(|(count, _)| *count)?;
        let ahead = counts.iter().filter(|count| **count * 4 > best * 3).count() == 1;
        (best >= WORDS && ahead).then_some(*language)
    }
}

/// Longest small word, in bytes of UTF-8: `pourquoi`.
const LONGEST: u32 = 8;

/// Calls `each` for every word of at most [`LONGEST`] bytes, in lower case, as the number that its bytes make.
fn for_each_short_word(text: &str, mut each: impl FnMut(u64)) {
    let (mut word, mut length) = (0u64, 0u32);
    let mut take = |byte: Option<u8>| match byte {
        Some(byte) => {
            (word, length) = (word << 8 | u64::from(byte), length + 1);
        }
        None => {
            if (1..=LONGEST).contains(&length) {
                each(word);
            }
            (word, length) = (0, 0);
        }
    };
    for own in text.chars() {
        if own.is_ascii_alphabetic() {
            take(u8::try_from(own.to_ascii_lowercase()).ok());
        } else if !own.is_ascii() && own.is_alphabetic() {
            let mut bytes = [0; 4];
            own.to_lowercase().for_each(|own| own.encode_utf8(&mut bytes).bytes().for_each(|byte| take(Some(byte))));
        } else {
            take(None);
        }
    }
    take(None);
}

/// Words, each with a bit for every language that has it, in the order of [`Language::ALL`]: a table with open addresses.
struct Words(Vec<(u64, u32)>);

impl Words {
    /// Four times as many places as there are words, so that most look-ups end where they begin.
    const PLACES: usize = 2048;

    fn places(word: u64) -> impl Iterator<Item = usize> {
        let first = (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 53) as usize;
        (0..Self::PLACES).map(move |step| (first + step) % Self::PLACES)
    }

    fn add(&mut self, word: u64, said: u32) {
        for place in Self::places(word) {
            if let Some(entry) = self.0.get_mut(place).filter(|entry| entry.1 == 0 || entry.0 == word) {
                *entry = (word, entry.1 | said);
                return;
            }
        }
    }

    /// The languages that have a word; none if it is not listed.
    fn get(&self, word: u64) -> u32 {
        let mut entries = Self::places(word).filter_map(|place| self.0.get(place));
        entries.find(|entry| entry.1 == 0 || entry.0 == word).map_or(0, |entry| entry.1)
    }
}

/// The small words of all languages.
static SMALL_WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words(vec![(0, 0); Words::PLACES]);
    for (bit, language) in Language::ALL.iter().enumerate() {
        for_each_short_word(language.words(), |word| words.add(word, 1 << bit));
    }
    words
});

impl Letters {
    fn of(text: &str) -> Self {
        use Language::{Arabic, Cyrillic, Devanagari, Greek, Hebrew, Korean, Thai};
        let mut letters = Self::default();
        let scripts = [Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai, Korean];
        for (own, language) in letters.others.iter_mut().zip(scripts) {
            own.1 = Some(language);
        }
        for own in text.chars() {
            let script = match u32::from(own) {
                0x41..=0x5A | 0x61..=0x7A | 0xC0..=0x24F => {
                    letters.latin += 1;
                    continue;
                }
                0x3040..=0x30FF => {
                    letters.kana += 1;
                    continue;
                }
                0x3400..=0x9FFF | 0x2_0000..=0x3_FFFF => {
                    letters.han += 1;
                    continue;
                }
                0x400..=0x52F => 0,
                0x370..=0x3FF => 1,
                0x600..=0x6FF | 0x750..=0x77F => 2,
                0x590..=0x5FF => 3,
                0x900..=0x97F => 4,
                0xE00..=0xE7F => 5,
                0xAC00..=0xD7AF | 0x1100..=0x11FF => 6,
                _ => continue,
            };
            if let Some((count, _)) = letters.others.get_mut(script) {
                *count += 1;
            }
        }
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Language, SMALL_WORDS, for_each_short_word};

    #[test]
    fn every_small_word_is_looked_up() {
        for (bit, language) in Language::ALL.iter().enumerate() {
            for word in language.words().split_ascii_whitespace() {
                assert!(word.len() <= LONGEST as usize, "{word}");
                let mut said = 0;
                for_each_short_word(&word.to_uppercase(), |word| said = SMALL_WORDS.get(word));
                assert_eq!(said >> bit & 1, 1, "{word}");
            }
        }
        let mut said = Vec::new();
        for_each_short_word("Abgasreinigung, oder", |word| said.push(SMALL_WORDS.get(word)));
        for_each_short_word("xyzzy", |word| said.push(SMALL_WORDS.get(word)));
        assert_eq!(said, [SMALL_WORDS.get(u64::from_be_bytes(*b"\0\0\0\0oder")), 0]);
    }
}
