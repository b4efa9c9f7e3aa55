//! The plant's own detection rules: a pattern, what must stand near it, a check, and examples that say what it finds.

use crate::bytes::Bytes;
use crate::dictionary::Dictionary;
use crate::person::{card, iban};
use crate::settings::{Settings, SettingsProblem};
use plant::{Label, RuleId, Sensitivity};
use std::ops::Range;

/// One rule of the plant's own. If it is called like a built-in one, it stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detector {
    /// Its name, which comes back in a finding's `rule`.
    pub name: RuleId,
    /// The label that it gives.
    pub label: Label,
    /// Regular expressions, without look-around and back-references. A match lies within one line.
    pub patterns: Vec<String>,
    /// Words of which one must be among the three in front of the match, in the same line. None: it may stand anywhere.
    pub near: Vec<String>,
    /// What its digits must fulfil.
    pub check: Option<Check>,
    /// Texts that it must find something in.
    pub finds: Vec<String>,
    /// Texts that it must find nothing in.
    pub ignores: Vec<String>,
}

/// What the digits of a match must fulfil, so that not every number is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The check digit of ISO/IEC 7812-1 annex B, as on payment cards.
    Luhn,
    /// ISO 7064 MOD 97-10 with the first four characters at the end, as in an IBAN.
    Mod97,
}

impl Check {
    /// Every check, by the name that a rules file gives it.
    pub const NAMES: [(&'static str, Self); 2] = [("luhn", Self::Luhn), ("mod97", Self::Mod97)];

    fn holds(self, text: &[u8]) -> bool {
        let signs: Vec<u8> = text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        match self {
            Self::Luhn => {
                let digits: Vec<u8> = signs.into_iter().filter(u8::is_ascii_digit).collect();
                digits.len() > 1 && card::luhn(&digits)
            }
            Self::Mod97 => signs.len() > 4 && iban::remainder(&signs) == 1,
        }
    }
}

impl Detector {
    /// Whether its patterns can be used, by themselves.
    ///
    /// # Errors
    /// The first one that cannot.
    pub fn check(&self) -> Result<(), SettingsProblem> {
        let mut settings = Settings::new(Sensitivity::LOWEST);
        settings.detectors = vec![self.clone()];
        Dictionary::new(&settings).map(|_| ())
    }

    /// Whether a match of one of its patterns is a finding.
    pub(crate) fn takes(&self, text: &str, span: &Range<usize>) -> bool {
        let bytes = Bytes(text.as_bytes());
        let words: Vec<&str> = self.near.iter().map(String::as_str).collect();
        (words.is_empty() || bytes.words_before(span.start).any(|word| word.is_one_of(&words)))
            && self.check.is_none_or(|check| check.holds(bytes.slice(span.clone())))
    }
}
