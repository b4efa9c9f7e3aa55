//! The shape of the file, and its values, refused where they stand.

use super::{Token, Tokens, TokensProblem};
use identity::TokenEntry;
use miette::{NamedSource, SourceSpan};
use plant::{Millis, TokenId, WorkloadId};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::Path;

/// The version of the file's shape.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensFile {
    #[serde(deserialize_with = "version")]
    version: u32,
    tokens: Vec<TokenRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRow {
    #[serde(deserialize_with = "name")]
    id: String,
    #[serde(deserialize_with = "name")]
    workload: String,
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

/// Refuses a value that does not pass `good`, where it stands in the text.
fn checked<'de, D: Deserializer<'de>>(source: D, good: impl Fn(&str) -> bool, wrong: &str) -> Result<String, D::Error> {
    let text = String::deserialize(source)?;
    if good(&text) { Ok(text) } else { Err(serde::de::Error::custom(wrong)) }
}

pub(crate) fn version<'de, D: Deserializer<'de>>(source: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(source)?;
    let wrong = || serde::de::Error::custom("the file is of another version of penstock");
    if version == VERSION { Ok(version) } else { Err(wrong()) }
}

pub(crate) fn name<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    // Tokens and workloads have names of one shape.
    checked(source, |text| TokenId::new(text).is_ok(), "this is not a name")
}

pub(crate) fn hash<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    checked(source, |text| unhex(text).is_some(), "this is not a SHA-256 in lower-case hexadecimal")
}

pub(crate) fn time<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    checked(source, |text| Millis::parse(text).is_some(), "this is not a time like 2026-11-20T21:30:00Z")
}

pub(crate) fn time_or_null<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(source)?;
    let good = text.as_deref().is_none_or(|text| Millis::parse(text).is_some());
    if good { Ok(text) } else { Err(serde::de::Error::custom("this is not a time like 2026-11-20T21:30:00Z")) }
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    seal::unhex(text)?.try_into().ok()
}

impl TokenRow {
    /// `None` only for what [`checked`] has refused already.
    fn token(self) -> Option<Token> {
        let time = |text: Option<String>| text.map_or(Some(None), |text| Millis::parse(&text).map(Some));
        let entry = TokenEntry {
            id: TokenId::new(self.id).ok()?,
            workload: WorkloadId::new(self.workload).ok()?,
            sha256: unhex(&self.sha256)?,
            issued: Millis::parse(&self.issued)?,
            expires: time(self.expires)?,
            revoked: time(self.revoked)?,
        };
        Some(Token { entry, note: self.note })
    }

    fn of(token: &Token) -> Self {
        let Token { entry, note } = token;
        Self {
            id: entry.id.to_string(),
            workload: entry.workload.to_string(),
            sha256: seal::hex(&entry.sha256),
            issued: entry.issued.to_string(),
            expires: entry.expires.map(|time| time.to_string()),
            revoked: entry.revoked.map(|time| time.to_string()),
            note: note.clone(),
        }
    }
}

/// Reads the text of the file at `path`.
pub(super) fn read(path: &Path, text: String) -> Result<Tokens, TokensProblem> {
    let file: TokensFile = match serde_json::from_str(&text) {
        Ok(file) => file,
        Err(problem) => return Err(misread(path, text, &problem)),
    };
    let impossible = |message| TokensProblem::Impossible { path: path.to_owned(), message };
    let list: Option<Vec<Token>> = file.tokens.into_iter().map(TokenRow::token).collect();
    Tokens::new(list.ok_or_else(|| impossible("a value is out of range".to_owned()))?).map_err(impossible)
}

/// What is wrong with a file of tokens that does not read, and where.
pub(crate) fn misread(path: &Path, text: String, problem: &serde_json::Error) -> TokensProblem {
    let place = Some(SourceSpan::from(offset(&text, problem.line(), problem.column())));
    let message = problem.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    let text = NamedSource::new(path.display().to_string(), text).with_language("json");
    TokensProblem::Malformed { message, text, place }
}

/// The byte that `serde_json` means: lines count from 1, columns are bytes and point behind what was read.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    start.saturating_add(column.saturating_sub(1)).min(text.len())
}

/// The text of the file.
#[expect(clippy::expect_used, reason = "texts and numbers always are JSON")]
pub(super) fn write(tokens: &Tokens) -> String {
    let file = TokensFile { version: VERSION, tokens: tokens.0.iter().map(TokenRow::of).collect() };
    let mut text = serde_json::to_string_pretty(&file).expect("JSON of plain texts");
    text.push('\n');
    text
}
