//! Sessions of tool servers, each bound to the workload that began it.
//!
//! To a server that speaks MCP all calls come from the plant, under one credential: whoever knows the name of a session speaks in it
//! (MCP, security best practices, session hijacking). So a caller is told the name under a tag that only the plant's key makes, for
//! its workload and that server, and shows both again; the server sees the name alone. Nothing is kept, so that a session outlives
//! the gateway.

use crate::Secrets;
use crate::target::Target;
use http::{HeaderMap, HeaderName, HeaderValue, request};
use plant::{Body, Dialect, ProviderId, Reason, Refusal};

/// The name of a session (MCP 2025-06-18, transports, session management).
pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// What is kept of a tag, in bytes; it is written in hex.
const TAG: usize = 16;

/// The tag that a caller showed behind the name of a session.
#[derive(Clone)]
pub(crate) struct Leash(Vec<u8>);

/// Takes the tag from a session's name, so that nobody behind reads it as content, or as part of the name.
pub(crate) fn take(head: &mut request::Parts) {
    let mut shown = head.headers.get_all(SESSION).iter().map(HeaderValue::as_bytes);
    // Where there are two, the call is refused.
    let (Some(shown), None) = (shown.next(), shown.next()) else { return };
    let at = shown.len().checked_sub(2 * TAG + 1);
    let Some((name, tag)) = at.and_then(|at| shown.split_at_checked(at)) else { return };
    if let (Some(tag), Ok(name)) = (tag.strip_prefix(b"."), HeaderValue::from_bytes(name)) {
        head.extensions.insert(Leash(tag.to_vec()));
        head.headers.insert(SESSION, name);
    }
}

/// Binds the session that an answer begins to the workload that asked.
pub(crate) fn bind(headers: &mut HeaderMap, secrets: &Secrets, provider: &ProviderId, call: &Body) {
    let Some(name) = headers.get(SESSION) else { return };
    let bound = [name.as_bytes(), b".", tag(secrets, provider, call, name).as_bytes()].concat();
    match HeaderValue::from_bytes(&bound) {
        Ok(bound) => headers.insert(SESSION, bound),
        Err(_) => headers.remove(SESSION),
    };
}

/// Refuses a call in a session that its workload did not begin here.
pub(crate) fn check(target: &Target<'_>, secrets: &Secrets, provider: &ProviderId, call: &Body) -> Result<(), Refusal> {
    let Some(name) = target.headers.get(SESSION).filter(|_| target.dialect == Dialect::Mcp) else { return Ok(()) };
    let bound = tag(secrets, provider, call, name);
    let known = target.leash.is_some_and(|leash| seal::equal(&leash.0, bound.as_bytes()));
    if known { Ok(()) } else { Err(Refusal::new(Reason::SessionUnknown, format!("a session of `{provider}`"))) }
}

fn tag(secrets: &Secrets, provider: &ProviderId, call: &Body, name: &HeaderValue) -> String {
    let workload = call.who.as_ref().and_then(|who| who.workload.as_ref()).map_or("", |workload| workload.id.as_str());
    let tag = secrets.sessions.tag(&[provider.as_str().as_bytes(), workload.as_bytes(), name.as_bytes()]);
    seal::hex(&tag[..TAG])
}
