//! Where an issuer's keys come from: a file, a URL, or a discovery document that names the URL.

use super::fetch::{Fetch, FetchError, Fetched};
use super::{AGES, USUAL_AGE};
use crate::tls::TlsError;
use http::Uri;
use plant::Issuer;
use seal::jose::{Keys, KeysError};
use serde_json::Value;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt as _;

/// Largest file or body: the largest that [`Keys::parse`] takes.
pub(super) const LARGEST: usize = 256 << 10;
/// How often a file is looked at. It costs one system call.
const FILE_PERIOD: Duration = Duration::from_secs(5);
/// What a URL ends with that leads to an OpenID Connect discovery document (Discovery 1.0 section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The text is no URL.
    #[error("`{0}` is not a URL")]
    Url(String),
    /// The URL's scheme does not protect the keys on their way.
    #[error("keys come over https, or over http from this machine, and `{0}` is neither")]
    Scheme(String),
    /// The authorities that a server is judged by cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// The URL cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no key set.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What came is no discovery document.
    #[error("the discovery document is not a JSON object with `issuer` and `jwks_uri`")]
    Discovery,
    /// The discovery document is that of another issuer.
    #[error("the discovery document is not that of the issuer in the plant file")]
    Issuer,
}

/// A place that keys come from, and what was seen there last.
pub(super) struct Source {
    place: Place,
    issuer: String,
    fetch: Arc<dyn Fetch>,
}

enum Place {
    File { path: PathBuf, seen: Option<Seen> },
    Url(Uri),
    Discovery(Uri),
}

/// What tells one state of a file from another.
#[derive(PartialEq, Eq)]
struct Seen {
    modified: Option<SystemTime>,
    length: u64,
    /// The inode: a file that was replaced within one tick of the clock has another.
    number: u64,
}

/// What a look gave.
pub(super) struct Update {
    /// The keys; `None` if they are the same as before.
    pub(super) keys: Option<Keys>,
    /// When to look again.
    pub(super) good_for: Duration,
}

impl Source {
    pub(super) fn new(issuer: &Issuer, fetch: Arc<dyn Fetch>) -> Result<Self, SourceError> {
        let place = if issuer.keys.contains("://") {
            let url = url(&issuer.keys)?;
            if url.path().ends_with(DISCOVERY) { Place::Discovery(url) } else { Place::Url(url) }
        } else {
            Place::File { path: PathBuf::from(&issuer.keys), seen: None }
        };
        Ok(Self { place, issuer: issuer.issuer.clone(), fetch })
    }

    /// The kind of place, for logs: the place itself stands in the plant file.
    pub(super) fn name(&self) -> &'static str {
        match self.place {
            Place::File { .. } => "file",
            Place::Url(_) => "url",
            Place::Discovery(_) => "discovery",
        }
    }

    pub(super) async fn look(&mut self) -> Result<Update, SourceError> {
        match &mut self.place {
            Place::File { path, seen } => Ok(Update { keys: read(path, seen).await?, good_for: FILE_PERIOD }),
            Place::Url(url) => keys(self.fetch.get(url.clone()).await?),
            Place::Discovery(url) => {
                let document = self.fetch.get(url.clone()).await?;
                let place = discover(&document.body, &self.issuer, url)?;
                keys(self.fetch.get(place).await?)
            }
        }
    }
}

fn keys(fetched: Fetched) -> Result<Update, SourceError> {
    let good_for = fetched.max_age.unwrap_or(USUAL_AGE).clamp(AGES.0, AGES.1);
    Ok(Update { keys: Some(Keys::parse(&fetched.body)?), good_for })
}

/// The file's keys, unless the file is as it was seen.
async fn read(path: &Path, seen: &mut Option<Seen>) -> Result<Option<Keys>, SourceError> {
    let file = tokio::fs::File::open(path).await?;
    let metadata = file.metadata().await?;
    let now = Seen { modified: metadata.modified().ok(), length: metadata.len(), number: metadata.ino() };
    if seen.as_ref() == Some(&now) {
        return Ok(None);
    }
    // Only a good set is marked as seen, so that a bad one is complained about until it is repaired.
    *seen = None;
    let mut bytes = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).await?;
    let keys = Keys::parse(&bytes)?;
    *seen = Some(now);
    Ok(Some(keys))
}

/// The place of the keys that a discovery document names.
///
/// The issuer must be ours (Discovery 1.0 section 4.3), or somebody else's document would name our operators' keys.
/// A document that came over TLS may not send us to a place without.
fn discover(document: &[u8], issuer: &str, from: &Uri) -> Result<Uri, SourceError> {
    let document: Value = serde_json::from_slice(document).map_err(|_| SourceError::Discovery)?;
    if document.get("issuer").and_then(Value::as_str).ok_or(SourceError::Discovery)? != issuer {
        return Err(SourceError::Issuer);
    }
    let place = document.get("jwks_uri").and_then(Value::as_str).ok_or(SourceError::Discovery)?;
    let url = url(place)?;
    if url.scheme() == from.scheme() { Ok(url) } else { Err(SourceError::Scheme(shown(place))) }
}

/// Reads a URL that keys may come from: https, or http on this machine; without user and password, which would
/// be a secret in the plant file.
fn url(text: &str) -> Result<Uri, SourceError> {
    let url: Uri = text.parse().map_err(|_| SourceError::Url(shown(text)))?;
    let host = url.host().ok_or_else(|| SourceError::Url(shown(text)))?;
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(SourceError::Url(shown(text)));
    }
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback());
    match url.scheme_str() {
        Some("https") => Ok(url),
        Some("http") if here => Ok(url),
        _ => Err(SourceError::Scheme(shown(text))),
    }
}

/// A URL as an error may show it: cut, and without user and password.
fn shown(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let joint = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{joint}{rest}").chars().take(200).collect()
}
