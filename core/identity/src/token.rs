//! Workload tokens: known by the hash of their text.

use crate::Heard;
use crate::presented::Key;
use plant::{Evidence, Millis, Reason, Refusal, TokenId, WorkloadId};
use seal::token::Secret;
use std::collections::HashMap;

/// A workload token as it is stored: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// Its name, by which it is listed and revoked.
    pub id: TokenId,
    /// The workload that it proves.
    pub workload: WorkloadId,
    /// SHA-256 of the token's text.
    pub sha256: [u8; 32],
    /// When it was issued.
    pub issued: Millis,
    /// When it ends; `None` is never.
    pub expires: Option<Millis>,
    /// When it was revoked, if it was.
    pub revoked: Option<Millis>,
}

/// The plant's tokens, found by hash.
///
/// A look-up by hash leaks nothing through its timing that helps: what is compared is the SHA-256 of the guess,
/// which a caller cannot steer towards a stored value byte by byte, and the secret behind it has 256 random bits.
#[derive(Debug)]
pub(crate) struct Tokens(HashMap<[u8; 32], Known>);

#[derive(Debug)]
struct Known {
    entry: TokenEntry,
    /// Whether the plant still declares the workload.
    declared: bool,
}

impl Tokens {
    pub(crate) fn new(entries: Vec<TokenEntry>, declared: impl Fn(&WorkloadId) -> bool) -> Self {
        let known = |entry: TokenEntry| (entry.sha256, Known { declared: declared(&entry.workload), entry });
        Self(entries.into_iter().map(known).collect())
    }

    pub(crate) fn hear(&self, key: &Key<'_>, now: Millis) -> Heard<WorkloadId> {
        let text = match key {
            Key::Absent => return Heard::nothing(Evidence::Token),
            Key::Several => return refuse(None, Reason::IdentityConflict, "the call carries two different tokens"),
            Key::Token(text) => text,
        };
        let Ok(secret) = Secret::parse(text) else {
            return refuse(None, Reason::TokenUnknown, "the token is not well-formed; it may be cut off");
        };
        let id = secret.id();
        let Some(Known { entry, declared }) = self.0.get(&secret.digest()) else {
            return refuse(None, Reason::TokenUnknown, format!("no token `{id}` with this secret was issued"));
        };
        let workload = &entry.workload;
        if !declared {
            let detail = format!("token `{id}` is for workload `{workload}`, which is not declared");
            return refuse(None, Reason::TokenUnknown, detail);
        }
        // Revocation has no beginning: a clock that is set back must not bring a token to life again.
        if let Some(revoked) = entry.revoked {
            let detail = format!("token `{id}` was revoked at {revoked}");
            return refuse(Some(workload), Reason::TokenRevoked, detail);
        }
        if let Some(expires) = entry.expires.filter(|expires| *expires <= now) {
            let detail = format!("token `{id}` expired at {expires}");
            return refuse(Some(workload), Reason::TokenExpired, detail);
        }
        Heard { names: Some(workload.clone()), evidence: Evidence::Token, refusal: None, until: entry.expires }
    }
}

fn refuse(workload: Option<&WorkloadId>, reason: Reason, detail: impl Into<String>) -> Heard<WorkloadId> {
    Heard::refused(Evidence::Token, workload.cloned(), Refusal::new(reason, detail))
}
