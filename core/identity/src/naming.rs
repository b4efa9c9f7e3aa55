//! Under which pseudonym records speak of a person.
//!
//! A pseudonym is a commitment to a person: `op-` and 80 bits of a keyed hash over issuer and subject. Where the key was drawn
//! for that person alone and is destroyed, the pseudonym is nobody's any more, whatever other keys there are. Drawing keys and
//! keeping them is not for this crate: [`Naming`] is handed in.

use plant::OperatorId;
use seal::Mac;
use std::fmt;

/// RFC 4648 section 6, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A person as records name them, and where that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The pseudonym.
    pub id: OperatorId,
    /// What finds it again.
    pub place: [u8; 32],
}

/// Gives people their pseudonyms.
pub trait Naming: fmt::Debug + Send + Sync {
    /// The pseudonym of an issuer's subject: the one that they have, or a new one, durable when this returns. `None` if it
    /// cannot be kept.
    fn name(&self, issuer: &str, subject: &str) -> Option<Named>;

    /// Whether it still is theirs. Asked for each call.
    fn holds(&self, named: &Named) -> bool;
}

/// One key for all: for as long as it is there, whoever holds it can tell whose a pseudonym is.
impl Naming for Mac {
    fn name(&self, issuer: &str, subject: &str) -> Option<Named> {
        Some(Named { id: pseudonym(self, issuer, subject), place: self.tag(&[issuer.as_bytes(), subject.as_bytes()]) })
    }

    fn holds(&self, _: &Named) -> bool {
        true
    }
}

/// The pseudonym that a key makes of a person.
///
/// Without the key nobody can go from a pseudonym to a person, not even by trying every name of the site.
#[must_use]
#[expect(clippy::expect_used, reason = "`op-` and lower-case base32 always make an identifier")]
pub fn pseudonym(key: &Mac, issuer: &str, subject: &str) -> OperatorId {
    let tag = key.tag(&[issuer.as_bytes(), subject.as_bytes()]);
    let bits = tag.iter().take(10).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letters =
        (0..16).rev().map(|place| BASE32.get((bits >> (place * 5)) as usize & 31).copied().map_or('a', char::from));
    OperatorId::new(std::iter::once("op-".to_owned()).chain(letters.map(String::from)).collect::<String>())
        .expect("a valid identifier")
}
