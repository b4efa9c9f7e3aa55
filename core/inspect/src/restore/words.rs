//! Follows the words of released text, to count those that look like tokens and are none of this call's.

use super::RestoreCounts;
use crate::stand_in::StandIns;
use crate::token::{LONGEST_BODY, is_body, is_token};

/// How many characters of a token's body a word must share with it to be taken for it, changed.
const LIKE: usize = 5;

/// The last word, and the one before it if an underscore stands between.
#[derive(Clone, Default)]
pub(super) struct Words {
    kind: String,
    word: String,
}

impl Words {
    pub(super) fn read(&mut self, mut rest: &[u8], known: &StandIns, counts: &mut RestoreCounts) {
        loop {
            let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            let (word, behind) = rest.split_at(length);
            let Some((ender, after)) = behind.split_first() else { return self.take(word) };
            if self.kind.is_empty() && *ender != b'_' {
                // Neither half of a token.
                self.word.clear();
            } else {
                self.take(word);
                self.end(known, counts);
                if *ender != b'_' {
                    self.kind.clear();
                }
            }
            rest = after;
        }
    }

    fn take(&mut self, word: &[u8]) {
        // One more than the longest, so that longer ones are known to be too long.
        let room = (LONGEST_BODY + 1).saturating_sub(self.word.len());
        self.word.extend(word.iter().take(room).map(|byte| char::from(byte.to_ascii_uppercase())));
    }

    pub(super) fn end(&mut self, known: &StandIns, counts: &mut RestoreCounts) {
        // One of this call that is left stands in a link, and is counted there.
        let ours = |letters: &str| known.beginning(letters).any(|one| one.letters() == letters);
        if is_token(&self.kind, &self.word) {
            counts.unknown += u64::from(!ours(&format!("{}{}", self.kind, self.word)));
        } else if let Some(head) = self.word.get(..LIKE).filter(|_| !self.kind.is_empty() && is_body(&self.word)) {
            let like = known.beginning(&format!("{}{head}", self.kind)).next();
            counts.altered += u64::from(like.is_some());
        }
        std::mem::swap(&mut self.kind, &mut self.word);
        self.word.clear();
    }
}
