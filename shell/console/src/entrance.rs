//! What signing in takes that the console does not have itself: hashes, the operators' issuer, and the plant's word on whom it lets in.

use crate::control::{Fault, Later, Person};
use crate::porter::Visit;

/// How people come in.
pub trait Entrance: Send + Sync {
    /// SHA-256.
    fn digest(&self, bytes: &[u8]) -> [u8; 32];

    /// On what terms people come in now.
    fn terms(&self) -> Terms;

    /// The address at the issuer to which somebody is sent who wants to sign in.
    fn leave<'a>(&'a self, trip: &'a Trip) -> Later<'a, Result<String, Fault>>;

    /// Who came back from the issuer.
    fn arrive<'a>(&'a self, trip: &'a Trip, arrival: Arrival) -> Later<'a, Result<Person, Fault>>;

    /// Somebody has come in, left or been turned away: for the record. It waits for nothing.
    fn note(&self, visit: Visit);
}

/// On what terms people come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether the issuer signs people in.
    pub issuer: bool,
    /// Another number once somebody who was let in might not be let in again: sessions of before are over.
    pub epoch: u64,
    /// The plant's time zone, by its IANA name.
    pub time_zone: String,
}

/// One way to the issuer and back. Nobody but the browser that it began in may end it, and only once.
#[derive(Clone)]
pub struct Trip {
    /// Where the issuer sends the browser back to.
    pub back: String,
    /// What the issuer hands back with the browser (RFC 6749 section 10.12).
    pub state: String,
    /// What the issuer signs into the token (OpenID Connect Core section 15.5.2).
    pub nonce: String,
    /// What proves that who redeems the code has asked for it (RFC 7636).
    pub verifier: String,
}

/// What the issuer has handed back.
pub struct Arrival {
    /// What the token is had for.
    pub code: String,
    /// Which issuer says so, if it says (RFC 9207).
    pub issuer: Option<String>,
}
