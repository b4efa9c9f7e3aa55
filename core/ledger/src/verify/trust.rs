//! Whom the auditor trusts: a file of the auditor's own. The copy in the ledger's `trust/` is a convenience; a
//! forger of the ledger would forge it too.

use crate::epoch::Schedule;
use crate::witness::{Lines, Quorum, QuorumError};
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
    quorum: Option<Quorum>,
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
    /// A line about witnesses is wrong.
    #[error("line {line} of the trust file: {problem}")]
    Quorum {
        /// Which, counted from one.
        line: usize,
        /// What is wrong with it.
        problem: QuorumError,
    },
    /// Two `log` lines have one key.
    #[error("line {line} of the trust file: another log has this key")]
    LogTwice {
        /// Which, counted from one.
        line: usize,
    },
    /// Witnesses are named, and no line says which of them are enough.
    #[error("the policy has no `quorum` line")]
    NoQuorum,
    /// The policy is for other logs.
    #[error("the policy names logs, and the key that was given is of none of them")]
    OtherLogs,
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
        Self { verifiers, schedules: Vec::new(), quorum: None }
    }

    /// Reads a trust file: verifier keys, one a line, bare or as the `log` lines of C2SP tlog-policy. Lines that begin
    /// with `#` are comments. A line `epochs DAY ROOT` is the schedule of epoch keys of the ledger whose key stands above
    /// it. Lines `witness`, `group` and `quorum` say which witnesses must have seen a checkpoint.
    ///
    /// # Errors
    /// Names the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let trust = Self::read(text)?;
        if trust.verifiers.is_empty() { Err(TrustError::Keys) } else { Ok(trust) }
    }

    /// Reads a policy: a trust file that has a `quorum` line, and need not name a log.
    ///
    /// # Errors
    /// Names the line that is wrong.
    pub fn parse_policy(text: &str) -> Result<Self, TrustError> {
        let trust = Self::read(text)?;
        if trust.quorum.is_none() { Err(TrustError::NoQuorum) } else { Ok(trust) }
    }

    /// These keys under that policy. If it names logs, only keys of those are trusted any more.
    ///
    /// # Errors
    /// If none of the keys is of a log that the policy names.
    pub fn under(mut self, policy: Self) -> Result<Self, TrustError> {
        if !policy.verifiers.is_empty() {
            self.verifiers.retain(|verifier| policy.verifiers.contains(verifier));
        }
        self.quorum = policy.quorum;
        if self.verifiers.is_empty() { Err(TrustError::OtherLogs) } else { Ok(self) }
    }

    /// The same keys, and no witnesses asked for.
    #[must_use]
    pub fn without_quorum(self) -> Self {
        Self { quorum: None, ..self }
    }

    fn read(text: &str) -> Result<Self, TrustError> {
        if text.len() > LENGTH_LIMIT {
            return Err(TrustError::TooLong);
        }
        let mut trust = Self::new(Vec::new());
        let (mut lines, mut logs) = (Lines::default(), Vec::new());
        for (text, line) in text.lines().zip(1..) {
            // What the format calls white space, and no more: a name may hold other blanks.
            let words: Vec<&str> = text.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            let key = |key: &str| Verifier::parse(key).map_err(|problem| TrustError::Key { line, problem });
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                _ if text.contains(|c: char| c < ' ' && c != '\t') => return Err(TrustError::Line { line }),
                ["witness" | "group" | "quorum", ..] => {
                    lines.take(&words).map_err(|problem| TrustError::Quorum { line, problem })?;
                }
                ["log", log] | ["log", log, _] => {
                    let log = key(log)?;
                    if logs.contains(log.key()) {
                        return Err(TrustError::LogTwice { line });
                    }
                    logs.push(*log.key());
                    trust.verifiers.push(log);
                }
                [bare] => trust.verifiers.push(key(bare)?),
                ["epochs", first, root] => {
                    let schedule = Schedule::parse(&format!("{first} {root}"));
                    let log = trust.verifiers.last().map(|key| key.name().to_owned());
                    trust.schedules.push(log.zip(schedule).ok_or(TrustError::Line { line })?);
                }
                _ => return Err(TrustError::Line { line }),
            }
        }
        let begun = !lines.is_empty();
        trust.quorum = lines.end();
        match trust.verifiers.len() {
            _ if begun && trust.quorum.is_none() => Err(TrustError::NoQuorum),
            0..=KEYS_LIMIT => Ok(trust),
            _ => Err(TrustError::Keys),
        }
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

    /// Which witnesses must have seen a checkpoint; `None` if nobody said.
    #[must_use]
    pub fn quorum(&self) -> Option<&Quorum> {
        self.quorum.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::{Trust, TrustError};

    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_trust_file_names_keys_and_says_where_it_is_wrong() {
        let good = Trust::parse(&format!("# ours\n\n{KEY}\nlog {KEY} https://example.com\nquorum none\n")).unwrap();
        assert_eq!((good.verifiers().len(), good.quorum().unwrap().witnesses().count()), (2, 0));
        let epochs = "epochs 20413 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        let scheduled = Trust::parse(&format!("{KEY}\n{epochs}\n")).unwrap();
        assert_eq!(scheduled.schedule("PeterNeumann").unwrap().first, 20_413);
        assert_eq!((scheduled.schedule("another"), good.schedule("PeterNeumann")), (None, None));
        for bad in [format!("{epochs}\n{KEY}\n"), format!("\nepochs 1 AAAA\n{KEY}\n")] {
            assert!(matches!(Trust::parse(&bad), Err(TrustError::Line { .. })), "{bad}");
        }
        assert!(Trust::parse(KEY).unwrap().quorum().is_none());
        assert!(matches!(Trust::parse(&format!("{KEY}x")), Err(TrustError::Key { line: 1, .. })));
        assert_eq!(Trust::parse("\nlog a b c\n").unwrap_err(), TrustError::Line { line: 2 });
        assert_eq!(Trust::parse("# nothing\n").unwrap_err(), TrustError::Keys);
        assert_eq!(Trust::parse(&" ".repeat(1 << 20)).unwrap_err(), TrustError::TooLong);
        assert_eq!(Trust::parse(&format!("log {KEY}\nlog {KEY}\n")).unwrap_err(), TrustError::LogTwice { line: 2 });
        assert_eq!(Trust::parse(&format!("{KEY}\u{b}\n")).unwrap_err(), TrustError::Line { line: 1 });
    }

    const WITNESS: &str = "hilltop.example/w1+a5f34f20+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

    #[test]
    fn a_policy_has_a_quorum_and_need_not_name_a_log() {
        let policy = Trust::parse_policy(&format!("witness w {WITNESS}\nquorum w\n")).unwrap();
        let under = Trust::parse(KEY).unwrap().under(policy.clone()).unwrap();
        assert_eq!((under.verifiers().len(), under.quorum()), (1, policy.quorum()));
        assert_eq!(Trust::parse_policy(KEY).unwrap_err(), TrustError::NoQuorum);
        assert_eq!(Trust::parse(&format!("{KEY}\nwitness w {WITNESS}\n")).unwrap_err(), TrustError::NoQuorum);
        assert_eq!(Trust::parse(&format!("witness w {WITNESS}\nquorum w\n")).unwrap_err(), TrustError::Keys);
        let wrong = Trust::parse_policy(&format!("witness w {KEY}\nquorum w\n")).unwrap_err();
        assert!(matches!(wrong, TrustError::Quorum { line: 1, .. }));
    }

    #[test]
    fn a_policy_for_other_logs_is_not_for_this_one() {
        let policy = Trust::parse_policy(&format!("log {KEY}\nquorum none\n")).unwrap();
        assert_eq!(Trust::parse(KEY).unwrap().under(policy.clone()).unwrap().verifiers().len(), 1);
        let verifier = seal::note::Verifier::new("another", *policy.verifiers()[0].key()).unwrap();
        assert_eq!(Trust::new(vec![verifier]).under(policy).unwrap_err(), TrustError::OtherLogs);
    }
}
