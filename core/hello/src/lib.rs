//! Reads a TLS `ClientHello` from bytes, before anybody has decided who answers it.
//!
//! ```text
//! bytes as they come ──> records (RFC 8446 section 5.1) ──> one handshake message ──> server name, protocols, ECH
//! ```
//!
//! It speaks no TLS and answers nothing: it says what the first flight of a caller asks for, so that the gateway can
//! match the destination first and then splice, intercept or refuse. The bytes stay with whoever read them.
//!
//! Strict where two readers could differ: whoever is spliced to must read the same name as we did. What TLS forbids
//! (two extensions of a kind, two names, bytes left over) is an error here and never a matter of who comes first.

mod extensions;
mod record;
#[cfg(test)]
mod tests;

pub use record::Reader;

/// Largest `ClientHello` that is read, in bytes. Those with post-quantum key shares take two thousand; a message may
/// have 16 MiB (RFC 8446 section 4), which nobody sends.
pub const LARGEST: usize = 16 << 10;
/// Most records that one may come in. Callers that split it to get past filters use a handful.
pub const MOST_RECORDS: usize = 64;

/// What a caller's first message says, as far as a gateway must know it. What it offers in ciphers is for those who answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The server that it names (RFC 6066 section 3), in lower case. `None` if it names none: clients do not for addresses.
    pub server_name: Option<String>,
    /// The protocols that it offers inside (RFC 7301), in its order, without the grease of RFC 8701.
    pub protocols: Vec<Vec<u8>>,
    /// Whether another, encrypted message may stand behind it (RFC 9849 section 5). Decoys look the same, by design.
    pub encrypted: bool,
}

impl Hello {
    /// Whether it offers this protocol, for example `h2`.
    #[must_use]
    pub fn offers(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|one| one == protocol.as_bytes())
    }
}

/// Bytes that are no `ClientHello`, or none that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes begin like another protocol.
    #[error("the bytes are not TLS")]
    NotTls,
    /// TLS, but not its first message.
    #[error("the first TLS message is not a `ClientHello`")]
    NotHello,
    /// A record is empty or longer than a record may be (RFC 8446 section 5.1).
    #[error("a TLS record has a length that none may have")]
    Record,
    /// The message is larger than [`LARGEST`], or comes in more than [`MOST_RECORDS`] pieces.
    #[error("the `ClientHello` is larger, or cut into more pieces, than any that is sent")]
    TooLarge,
    /// A length inside leads beyond its end, or something is left over.
    #[error("the lengths in the `ClientHello` do not fit")]
    Length,
    /// Two extensions of one kind (RFC 8446 section 4.2).
    #[error("the `ClientHello` has two extensions of one kind")]
    Repeated,
    /// The server name is not one DNS name (RFC 6066 section 3).
    #[error("the server name is not one DNS name")]
    ServerName,
    /// The list of protocols is empty, or one of them is (RFC 7301 section 3.1).
    #[error("the list of protocols is not one")]
    Protocols,
}

/// Laws for hostile bytes: what was read whole reads the same in any pieces, and never later than its last byte.
#[doc(hidden)]
pub mod fuzz {
    use crate::{Malformed, Reader};

    /// Reads `bytes` in pieces of `step`.
    fn in_steps(bytes: &[u8], step: usize) -> Result<Option<crate::Hello>, Malformed> {
        let mut reader = Reader::default();
        for piece in bytes.chunks(step.max(1)) {
            if let Some(hello) = reader.push(piece)? {
                return Ok(Some(hello));
            }
        }
        Ok(None)
    }

    /// Reads bytes in several ways.
    ///
    /// # Panics
    /// When a law is broken.
    pub fn hello(bytes: &[u8]) {
        let whole = in_steps(bytes, bytes.len());
        for step in [1, 2, 7] {
            let pieces = in_steps(bytes, step);
            assert_eq!(pieces, whole, "in pieces of {step}");
        }
        if let Ok(Some(hello)) = whole {
            assert!(hello.server_name.is_none_or(|name| !name.is_empty() && name.len() <= 253));
        }
    }
}
