//! `tokens.json`: the workload tokens of a plant, hashed.
//!
//! ```json
//! { "version": 1, "tokens": [ { "id": "mes-k7q2vd", "workload": "mes", "sha256": "9f86...", "issued": "2026-11-20T21:30:00.000Z",
//!   "expires": "2027-02-18T21:30:00.000Z", "revoked": null, "note": "line 2, rack 4" } ] }
//! ```
//!
//! Every key must be there: an `expires` that got lost must not make a token that never ends. The file is
//! replaced as a whole, by rename, so that a reader needs no lock and sees the old one or the new one. Writers take turns by a lock on the
//! folder, which needs no file of its own.
//!
//! A token counts from the moment it stands in this file. It is the gateway that writes the change into the
//! ledger, when it notices it: a running gateway holds the ledger, so `penstock token` cannot.

mod disk;
mod json;
#[cfg(test)]
mod tests;

pub use disk::{change, read};
pub(crate) use disk::{replace, text};
pub(crate) use json::{hash, misread, name, time, time_or_null, unhex, version};

use identity::TokenEntry;
use miette::{Diagnostic, NamedSource, SourceSpan};
use plant::{Millis, TokenId};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Most tokens.
const MOST_TOKENS: usize = 10_000;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 200;

/// A token as the file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What identifies its bearer.
    pub entry: TokenEntry,
    /// What it is for, for people.
    pub note: Option<String>,
}

/// Every token of a plant, in the order of their issue.
///
/// INVARIANT: ids and hashes are distinct, notes are at most 200 characters without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens(Vec<Token>);

/// What became of a wish to revoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token is revoked now.
    Revoked,
    /// It had been revoked before, at this time, which stands.
    Already(Millis),
    /// There is no such token.
    Unknown,
}

/// How a token differs between two readings of the file, for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Issued(TokenEntry),
    /// It was revoked.
    Revoked(TokenEntry),
    /// It differs in another way: somebody edited the file.
    Altered(TokenEntry),
    /// It is gone: somebody edited the file.
    Removed(TokenEntry),
}

/// The file of tokens cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum TokensProblem {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code("unreadable"))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may write it.
    #[error("`{}` can be written by others than its owner (mode {mode:o})", path.display())]
    #[diagnostic(code("file-exposed"), help("whoever can write this file can give himself a token: `chmod 600 {}`", path.display()))]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is larger than 8 MiB.
    #[error("`{}` is larger than 8 MiB", path.display())]
    #[diagnostic(code("too-many"), help("`penstock token list` shows tokens that ended; take them out"))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not what it should be.
    #[error("{message}")]
    #[diagnostic(
        code("syntax"),
        help("the file is written by `penstock token`; restore it from a backup, or issue the tokens anew")
    )]
    Malformed {
        /// What is wrong.
        message: String,
        /// The file's text.
        #[source_code]
        text: NamedSource<String>,
        /// Where.
        #[label]
        place: Option<SourceSpan>,
    },
    /// It holds two tokens of one id or one hash, too many, or an impossible note.
    #[error("`{}`: {message}", path.display())]
    #[diagnostic(code("bad-value"))]
    Impossible {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// It cannot be written.
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(code("unwritable"), help("run this as the user that owns the plant's folder"))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another writer holds it.
    #[error("another process has been writing `{}` for 10 s", path.display())]
    #[diagnostic(code("busy"), help("try again; if it stays so, look for a `penstock token` that hangs"))]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

impl Tokens {
    /// Every token, in the order of their issue.
    #[must_use]
    pub fn list(&self) -> &[Token] {
        &self.0
    }

    /// What the registry of identities needs of them.
    #[must_use]
    pub fn entries(&self) -> Vec<TokenEntry> {
        self.0.iter().map(|token| token.entry.clone()).collect()
    }

    /// The token of this id.
    #[must_use]
    pub fn find(&self, id: &TokenId) -> Option<&Token> {
        self.0.iter().find(|token| token.entry.id == *id)
    }

    /// Takes a list of tokens, if it is possible; says what is not.
    fn new(list: Vec<Token>) -> Result<Self, String> {
        if list.len() > MOST_TOKENS {
            return Err(format!("there are more than {MOST_TOKENS} tokens"));
        }
        let (mut ids, mut hashes) = (BTreeSet::new(), BTreeMap::new());
        for Token { entry, note } in &list {
            let id = &entry.id;
            if !ids.insert(id) {
                return Err(format!("token `{id}` stands twice"));
            }
            if let Some(twin) = hashes.insert(entry.sha256, id) {
                return Err(format!("tokens `{twin}` and `{id}` have the same secret"));
            }
            let note = note.as_deref().unwrap_or_default();
            if note.chars().count() > LONGEST_NOTE || note.chars().any(char::is_control) {
                let limit = format!("longer than {LONGEST_NOTE} characters or not one line of text");
                return Err(format!("the note of token `{id}` is {limit}"));
            }
        }
        Ok(Self(list))
    }

    /// Adds a token.
    ///
    /// # Errors
    /// What is impossible about it: its id or hash is taken, its note is too long, or there are too many tokens.
    pub fn add(&mut self, token: Token) -> Result<(), String> {
        let mut list = self.0.clone();
        list.push(token);
        *self = Self::new(list)?;
        Ok(())
    }

    /// Revokes a token, if it is not revoked yet.
    pub fn revoke(&mut self, id: &TokenId, now: Millis) -> Revocation {
        let Some(token) = self.0.iter_mut().find(|token| token.entry.id == *id) else { return Revocation::Unknown };
        match token.entry.revoked {
            Some(at) => Revocation::Already(at),
            None => {
                token.entry.revoked = Some(now);
                Revocation::Revoked
            }
        }
    }

    /// What has changed since another reading, in the order of the file; what is gone comes last.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<Change> {
        let old: BTreeMap<_, _> = before.0.iter().map(|token| (&token.entry.id, &token.entry)).collect();
        let kept: BTreeSet<_> = self.0.iter().map(|token| &token.entry.id).collect();
        let changed = self.0.iter().filter_map(|token| {
            let new = &token.entry;
            match old.get(&new.id) {
                None => Some(Change::Issued(new.clone())),
                Some(old) if *old == new => None,
                Some(old) if TokenEntry { revoked: new.revoked, ..(*old).clone() } == *new && old.revoked.is_none() => {
                    Some(Change::Revoked(new.clone()))
                }
                Some(_) => Some(Change::Altered(new.clone())),
            }
        });
        let gone = before.0.iter().filter(|token| !kept.contains(&token.entry.id));
        changed.chain(gone.map(|token| Change::Removed(token.entry.clone()))).collect()
    }
}
