//! Whom the auditor trusts: a file of the auditor's own. The copy in the ledger's `trust/` is a convenience; a
//! forger of the ledger would forge it too.

use crate::epoch::Schedule;
use seal::note::{NoteError, Verifier};

/// Longest trust file and most keys in it.
const LENGTH_LIMIT: usize = 64 << 10;
const KEYS_LIMIT: usize = 64;

/// The keys of the ledgers that the auditor trusts; a key's name is its ledger's origin.
#[derive(Clone, Debug)]
pub struct Trust {
    verifiers: Vec<Verifier>,
    /// Schedules of epoch keys, by the name of the ledger.
    schedules: Vec<(String, Schedule)>,
    witnesses: bool,
}

/// Why a trust file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A line is none of those that are known.
    #[error(
        "line {line} of the trust file is neither a key, `log KEY`, `quorum none`, nor `epochs DAY ROOT` after a key"
    )]
    Line {
        /// Which, counted from one.
        line: usize,
    },
    /// A key cannot be read.
    #[error("line {line} of the trust file: {problem}")]
    Key {
        /// Which, counted from one.
        line: usize,
        /// What is wrong with the key.
        problem: NoteError,
    },
    /// The file names no key, or more than anyone needs.
    #[error("the trust file names no key, or more than {KEYS_LIMIT}")]
    Keys,
    /// The file is too long.
    #[error("the trust file is longer than 64 KiB")]
    TooLong,
}

impl Trust {
    /// Trusts these keys and asks for no witnesses.
    #[must_use]
    pub fn new(verifiers: Vec<Verifier>) -> Self {
        Self { verifiers, schedules: Vec::new(), witnesses: false }
    }

    /// Reads a trust file: verifier keys, one a line, bare or as the `log` lines of C2SP tlog-policy. Lines that begin
    /// with `#` are comments. A line `epochs DAY ROOT` is the schedule of epoch keys of the ledger whose key stands above
    /// it. A policy that asks for witnesses is read; that they are not checked yet is reported.
    ///
    /// # Errors
    /// Names the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        if text.len() > LENGTH_LIMIT {
            return Err(TrustError::TooLong);
        }
        let mut trust = Self::new(Vec::new());
        for (text, line) in text.lines().zip(1..) {
            let words: Vec<&str> = text.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["quorum", "none"] => {}
                ["witness" | "group" | "quorum", ..] => trust.witnesses = true,
                ["log", key] | ["log", key, _] | [key] => {
                    trust.verifiers.push(Verifier::parse(key).map_err(|problem| TrustError::Key { line, problem })?);
                }
                ["epochs", first, root] => {
                    let schedule = Schedule::parse(&format!("{first} {root}"));
                    let log = trust.verifiers.last().map(|key| key.name().to_owned());
                    trust.schedules.push(log.zip(schedule).ok_or(TrustError::Line { line })?);
                }
                _ => return Err(TrustError::Line { line }),
            }
        }
        if (1..=KEYS_LIMIT).contains(&trust.verifiers.len()) { Ok(trust) } else { Err(TrustError::Keys) }
    }

    /// The keys.
    #[must_use]
    pub fn verifiers(&self) -> &[Verifier] {
        &self.verifiers
    }

    /// The schedule of the epoch keys of a ledger, if the auditor has it.
    #[must_use]
    pub fn schedule(&self, origin: &str) -> Option<Schedule> {
        self.schedules.iter().find(|(name, _)| name == origin).map(|(_, schedule)| *schedule)
    }

    pub(super) fn wants_witnesses(&self) -> bool {
        self.witnesses
    }
}

#[cfg(test)]
mod tests {
    use super::{Trust, TrustError};

    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_trust_file_names_keys_and_says_where_it_is_wrong() {
        let good = Trust::parse(&format!("# ours\n\n{KEY}\nlog {KEY} https://example.com\nquorum none\n")).unwrap();
        assert_eq!((good.verifiers().len(), good.wants_witnesses()), (2, false));
        let epochs = "epochs 20413 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        let scheduled = Trust::parse(&format!("{KEY}\n{epochs}\n")).unwrap();
        assert_eq!(scheduled.schedule("PeterNeumann").unwrap().first, 20_413);
        assert_eq!((scheduled.schedule("another"), good.schedule("PeterNeumann")), (None, None));
        for bad in [format!("{epochs}\n{KEY}\n"), format!("\nepochs 1 AAAA\n{KEY}\n")] {
            assert!(matches!(Trust::parse(&bad), Err(TrustError::Line { .. })), "{bad}");
        }
        assert!(Trust::parse(&format!("log {KEY}\nwitness w {KEY}\nquorum w\n")).unwrap().wants_witnesses());
        assert!(matches!(Trust::parse(&format!("{KEY}x")), Err(TrustError::Key { line: 1, .. })));
        assert_eq!(Trust::parse("\nlog a b c\n").unwrap_err(), TrustError::Line { line: 2 });
        assert_eq!(Trust::parse("# nothing\n").unwrap_err(), TrustError::Keys);
        assert_eq!(Trust::parse(&" ".repeat(1 << 20)).unwrap_err(), TrustError::TooLong);
    }
}
