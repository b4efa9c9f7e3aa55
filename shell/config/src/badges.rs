//! `console.json`: the hashed tokens of people and programs that control a gateway. Each names a person and their roles.
//!
//! ```json
//! { "version": 1, "tokens": [ { "id": "ada-k7q2vd", "person": "ada", "roles": ["engineer"], "sha256": "9f86...",
//!   "issued": "2026-11-20T21:30:00.000Z", "expires": "2026-12-20T21:30:00.000Z", "revoked": null, "note": null } ] }
//! ```
//!
//! Where two people are needed, two tokens of one person count as one.

use crate::tokens::{self, TokensProblem, hash, misread, name, time, time_or_null, unhex, version};
use plant::{Millis, Role, TokenId};
use seal::token::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// Most tokens.
const MOST: usize = 1_000;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 200;

/// A token as the file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What it is listed and revoked by.
    pub id: TokenId,
    /// Whose it is.
    pub person: TokenId,
    /// What that person may do with it. Never empty.
    pub roles: BTreeSet<Role>,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// When it was issued.
    pub issued: Millis,
    /// When it ends.
    pub expires: Option<Millis>,
    /// When it was revoked.
    pub revoked: Option<Millis>,
    /// What it is for, for people.
    pub note: Option<String>,
}

/// Whether a token counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Valid,
    /// Its time is over.
    Expired,
    /// It was revoked, whatever its time.
    Revoked,
}

impl Badge {
    /// Whether it counts at `now`.
    #[must_use]
    pub fn state(&self, now: Millis) -> State {
        match self {
            Self { revoked: Some(_), .. } => State::Revoked,
            Self { expires: Some(end), .. } if *end <= now => State::Expired,
            _ => State::Valid,
        }
    }
}

/// Every token, in the order of their issue.
///
/// INVARIANT: ids and hashes are distinct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Badges(Vec<Badge>);

impl Badges {
    /// Every token, in the order of their issue.
    #[must_use]
    pub fn list(&self) -> &[Badge] {
        &self.0
    }

    /// The token that somebody shows, whether or not it still counts.
    #[must_use]
    pub fn of(&self, secret: &Secret) -> Option<&Badge> {
        self.0.iter().find(|badge| badge.id == *secret.id()).filter(|badge| secret.is(&badge.sha256))
    }

    /// Adds a token.
    ///
    /// # Errors
    /// What is impossible about it.
    pub fn add(&mut self, badge: Badge) -> Result<(), String> {
        let mut list = self.0.clone();
        list.push(badge);
        *self = Self::new(list)?;
        Ok(())
    }

    /// Revokes a token; says when it had been, if it had, and `None` if there is no such token.
    pub fn revoke(&mut self, id: &TokenId, now: Millis) -> Option<Millis> {
        let badge = self.0.iter_mut().find(|badge| badge.id == *id)?;
        Some(*badge.revoked.get_or_insert(now))
    }

    /// What is different from another reading, in words for a record: what happened, to which token of whom.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<(&'static str, Badge)> {
        let old = |id: &TokenId| before.0.iter().find(|badge| badge.id == *id);
        let changed = self.0.iter().filter_map(|badge| {
            let what = match old(&badge.id) {
                None => "admin-token-issued",
                Some(old) if old == badge => return None,
                Some(old) if old.revoked.is_none() && badge.revoked.is_some() => "admin-token-revoked",
                Some(_) => "admin-token-altered",
            };
            Some((what, badge.clone()))
        });
        let gone = before.0.iter().filter(|badge| !self.0.iter().any(|kept| kept.id == badge.id));
        changed.chain(gone.map(|badge| ("admin-token-removed", badge.clone()))).collect()
    }

    fn new(list: Vec<Badge>) -> Result<Self, String> {
        if list.len() > MOST {
            return Err(format!("there are more than {MOST} tokens"));
        }
        let (mut ids, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        for badge in &list {
            if !ids.insert(&badge.id) || !hashes.insert(badge.sha256) {
                return Err(format!("token `{}` stands twice", badge.id));
            }
            if badge.roles.is_empty() {
                return Err(format!("token `{}` has no role", badge.id));
            }
            let note = badge.note.as_deref().unwrap_or_default();
            if note.chars().count() > LONGEST_NOTE || note.chars().any(char::is_control) {
                let limit = format!("longer than {LONGEST_NOTE} characters or not one line of text");
                return Err(format!("the note of token `{}` is {limit}", badge.id));
            }
        }
        Ok(Self(list))
    }
}

/// Reads the file. One that does not exist holds no tokens.
///
/// # Errors
/// When it cannot be read, can be written by others, or is not what it should be.
pub fn read(path: &Path) -> Result<Badges, TokensProblem> {
    tokens::text(path)?.map_or_else(|| Ok(Badges::default()), |text| parse(path, text))
}

fn parse(path: &Path, text: String) -> Result<Badges, TokensProblem> {
    let file: BadgesFile = serde_json::from_str(&text).map_err(|problem| misread(path, text, &problem))?;
    let impossible = |message| TokensProblem::Impossible { path: path.to_owned(), message };
    let list: Option<Vec<Badge>> = file.tokens.into_iter().map(Row::badge).collect();
    Badges::new(list.ok_or_else(|| impossible("a value is out of range".to_owned()))?).map_err(impossible)
}

/// Lets `change` change the tokens, and writes them back if it did: atomically, durably, one writer at a time.
///
/// # Errors
/// When the file cannot be read or written, or another writer does not come to an end. Nothing is written then.
pub fn change<T>(path: &Path, change: impl FnOnce(&mut Badges) -> T) -> Result<T, TokensProblem> {
    tokens::replace(path, |path| {
        let before = read(path)?;
        let mut after = before.clone();
        let result = change(&mut after);
        Ok((result, (after != before).then(|| write(&after))))
    })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BadgesFile {
    #[serde(deserialize_with = "version")]
    version: u32,
    tokens: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(deserialize_with = "name")]
    id: String,
    #[serde(deserialize_with = "name")]
    person: String,
    #[serde(deserialize_with = "roles")]
    roles: Vec<String>,
    #[serde(deserialize_with = "hash")]
    sha256: String,
    #[serde(deserialize_with = "time")]
    issued: String,
    #[serde(deserialize_with = "time_or_null")]
    expires: Option<String>,
    #[serde(deserialize_with = "time_or_null")]
    revoked: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    note: Option<String>,
}

fn roles<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(source)?;
    match names.iter().all(|name| Role::named(name).is_some()) {
        true => Ok(names),
        false => Err(serde::de::Error::custom("this is not a list of roles")),
    }
}

impl Row {
    /// `None` only for what was refused already.
    fn badge(self) -> Option<Badge> {
        let time = |text: Option<String>| text.map_or(Some(None), |text| Millis::parse(&text).map(Some));
        Some(Badge {
            id: TokenId::new(self.id).ok()?,
            person: TokenId::new(self.person).ok()?,
            roles: self.roles.iter().filter_map(|name| Role::named(name)).collect(),
            sha256: unhex(&self.sha256)?,
            issued: Millis::parse(&self.issued)?,
            expires: time(self.expires)?,
            revoked: time(self.revoked)?,
            note: self.note,
        })
    }

    fn of(badge: &Badge) -> Self {
        Self {
            id: badge.id.to_string(),
            person: badge.person.to_string(),
            roles: badge.roles.iter().map(ToString::to_string).collect(),
            sha256: seal::hex(&badge.sha256),
            issued: badge.issued.to_string(),
            expires: badge.expires.map(|time| time.to_string()),
            revoked: badge.revoked.map(|time| time.to_string()),
            note: badge.note.clone(),
        }
    }
}

#[expect(clippy::expect_used, reason = "texts and numbers always are JSON")]
fn write(badges: &Badges) -> String {
    let file = BadgesFile { version: 1, tokens: badges.0.iter().map(Row::of).collect() };
    let mut text = serde_json::to_string_pretty(&file).expect("JSON of plain texts");
    text.push('\n');
    text
}

/// Entry for fuzzing: what is read is written so that it reads the same.
pub fn fuzz(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("console.json");
    if let Ok(badges) = parse(path, text.to_owned()) {
        debug_assert_eq!(parse(path, write(&badges)).ok(), Some(badges));
    }
}

#[cfg(test)]
mod tests {
    use super::{Badge, Badges, State, change, read};
    use plant::{Millis, Role, TokenId};
    use seal::token::Secret;
    use zeroize::Zeroizing;

    fn secret(id: &str, byte: u8) -> Secret {
        Secret::new(TokenId::new(id).unwrap(), &Zeroizing::new([byte; 32]))
    }

    fn badge(secret: &Secret, expires: Option<Millis>) -> Badge {
        Badge {
            id: secret.id().clone(),
            person: TokenId::new("ada").unwrap(),
            roles: [Role::Engineer, Role::Viewer].into(),
            sha256: secret.digest(),
            issued: Millis(1_000),
            expires,
            revoked: None,
            note: Some("the console".to_owned()),
        }
    }

    #[test]
    fn a_token_counts_from_its_issue_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.json");
        assert_eq!(read(&path).unwrap(), Badges::default());
        let (own, other) = (secret("ada-1", 1), secret("ada-1", 2));
        let entry = badge(&own, Some(Millis(5_000)));
        change(&path, |badges| badges.add(entry.clone())).unwrap().unwrap();
        assert!(change(&path, |badges| badges.add(entry.clone())).unwrap().is_err(), "ids are distinct");
        let badges = read(&path).unwrap();
        assert_eq!(badges.of(&own), Some(&entry));
        assert_eq!([4_999, 5_000].map(|at| entry.state(Millis(at))), [State::Valid, State::Expired]);
        assert_eq!(badges.of(&other), None, "the same id, another secret");
        assert_eq!(change(&path, |badges| badges.revoke(own.id(), Millis(3_000))).unwrap(), Some(Millis(3_000)));
        let revoked = read(&path).unwrap();
        assert_eq!(revoked.of(&own).map(|badge| badge.state(Millis(4_000))), Some(State::Revoked));
        let told: Vec<&str> = revoked.since(&badges).into_iter().map(|(what, _)| what).collect();
        assert_eq!(told, ["admin-token-revoked"]);
    }

    #[test]
    fn a_file_that_is_not_exactly_one_gives_nobody_a_role() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("console.json");
        change(&path, |badges| badges.add(badge(&secret("ada-1", 1), None))).unwrap().unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [
            ("\"engineer\"", "\"root\""),
            ("\"version\": 1", "\"version\": 2"),
            ("\"expires\": null,", ""),
            ("\"person\": \"ada\"", "\"person\": \"\""),
            ("\"ada-1\"", "\"ada-1\", \"more\": 1"),
        ] {
            assert_ne!(good, good.replacen(from, to, 1), "{from} is there");
            std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
            assert!(read(&path).is_err(), "{to}");
        }
        let none = good
            .replace("\"engineer\",", "")
            .replace("\"viewer\",", "")
            .replace("\"engineer\"", "")
            .replace("\"viewer\"", "");
        std::fs::write(&path, none).unwrap();
        assert!(read(&path).is_err(), "no role");
    }
}
