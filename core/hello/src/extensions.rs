//! The inside of a `ClientHello` (RFC 8446 section 4.1.2), and the three extensions that tell where it wants to go.

use crate::{Hello, Malformed};
use std::collections::BTreeSet;

const SERVER_NAME: u16 = 0;
const PROTOCOLS: u16 = 16;
/// `encrypted_client_hello` (RFC 9849 section 11.1).
const ENCRYPTED: u16 = 0xfe0d;
/// Drafts of it, which hide the same: `encrypted_server_name`, and numbers 8 to 12.
const DRAFTS: [u16; 6] = [0xffce, 0xfe08, 0xfe09, 0xfe0a, 0xfe0b, 0xfe0c];

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::Length)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// What follows a length of one byte.
    fn short(&mut self) -> Result<Bytes<'a>, Malformed> {
        let length = usize::from(self.byte()?);
        self.take(length).map(Bytes)
    }

    /// What follows a length of two bytes.
    fn long(&mut self) -> Result<Bytes<'a>, Malformed> {
        let length = usize::from(self.number()?);
        self.take(length).map(Bytes)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed::Length) }
    }
}

/// Reads the message without its head.
pub(crate) fn hello(body: &[u8]) -> Result<Hello, Malformed> {
    let mut bytes = Bytes(body);
    let _version_and_random = bytes.take(2 + 32)?;
    let session = bytes.short()?;
    let suites = bytes.long()?;
    let compressions = bytes.short()?;
    if session.0.len() > 32 || suites.is_empty() || suites.0.len() % 2 == 1 || compressions.is_empty() {
        return Err(Malformed::Length);
    }
    let mut hello = Hello::default();
    // TLS 1.2 may have none at all (RFC 5246 section 7.4.1.2).
    if bytes.is_empty() {
        return Ok(hello);
    }
    let mut all = bytes.long()?;
    bytes.end()?;
    let mut seen = BTreeSet::new();
    while !all.is_empty() {
        let kind = all.number()?;
        let content = all.long()?;
        if !seen.insert(kind) {
            return Err(Malformed::Repeated);
        }
        match kind {
            SERVER_NAME => hello.server_name = Some(server_name(content)?),
            PROTOCOLS => hello.protocols = protocols(content)?,
            kind => hello.encrypted |= kind == ENCRYPTED || DRAFTS.contains(&kind),
        }
    }
    Ok(hello)
}

/// The one name of the list. Others than host names have never been defined, and two of a kind must not be there.
fn server_name(mut content: Bytes<'_>) -> Result<String, Malformed> {
    let mut list = content.long().map_err(|_| Malformed::ServerName)?;
    let one = |list: &mut Bytes<'_>| Ok((list.byte()?, list.long()?.0.to_vec()));
    let (kind, name) = one(&mut list).map_err(|_: Malformed| Malformed::ServerName)?;
    let name = String::from_utf8(name).map_err(|_| Malformed::ServerName)?.to_ascii_lowercase();
    if kind == 0 && is_name(&name) && list.is_empty() && content.is_empty() {
        return Ok(name);
    }
    Err(Malformed::ServerName)
}

/// Whether it is a DNS name as clients send it: letters, digits, hyphens and underscores, no dot at the end, and no address.
fn is_name(name: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // A last label of digits alone makes it an address in some spelling (RFC 3696 section 2).
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

fn protocols(mut content: Bytes<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut list = content.long().map_err(|_| Malformed::Protocols)?;
    if list.is_empty() || !content.is_empty() {
        return Err(Malformed::Protocols);
    }
    let mut protocols = Vec::new();
    while !list.is_empty() {
        let name = list.short().map_err(|_| Malformed::Protocols)?.0;
        if name.is_empty() {
            return Err(Malformed::Protocols);
        }
        if !is_grease(name) {
            protocols.push(name.to_vec());
        }
    }
    Ok(protocols)
}

/// Names that mean nothing, so that servers get used to those (RFC 8701 section 2).
fn is_grease(name: &[u8]) -> bool {
    matches!(name, [one, other] if one == other && one & 0x0f == 0x0a)
}
