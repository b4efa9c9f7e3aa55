//! From bytes to the one handshake message that they carry, over records and fragments.

use crate::{Hello, LARGEST, MOST_RECORDS, Malformed, extensions};

/// The content type of handshake records (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;
/// The type of a `ClientHello` (RFC 8446 section 4).
const CLIENT_HELLO: u8 = 1;
/// Longest fragment of a record (RFC 8446 section 5.1).
const FRAGMENT: usize = 1 << 14;
/// A message's type and length.
const HEAD: usize = 4;

/// Takes a caller's bytes as they come, until its `ClientHello` is whole.
#[derive(Debug, Default)]
pub struct Reader {
    /// The head of the record that is being read, as far as it has come.
    head: Vec<u8>,
    /// What is left of the record's fragment.
    left: usize,
    records: usize,
    message: Vec<u8>,
}

impl Reader {
    /// Takes the next bytes. Gives the message once it is whole; what follows it is not looked at.
    ///
    /// # Errors
    /// When no `ClientHello` can come of them any more. What is pushed after that, or after the end, means nothing.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Option<Hello>, Malformed> {
        while let Some((byte, rest)) = bytes.split_first() {
            if self.left == 0 {
                self.begin(*byte)?;
                bytes = rest;
                continue;
            }
            let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
            self.message.extend_from_slice(piece);
            self.left -= piece.len();
            bytes = rest;
            if let Some(hello) = self.whole()? {
                return Ok(Some(hello));
            }
        }
        Ok(None)
    }

    /// Takes one byte of a record's head: type, version, length.
    fn begin(&mut self, byte: u8) -> Result<(), Malformed> {
        self.head.push(byte);
        match *self.head.as_slice() {
            [kind] if kind != HANDSHAKE && self.records == 0 => Err(Malformed::NotTls),
            [kind] if kind != HANDSHAKE => Err(Malformed::NotHello),
            // Every version of TLS says 3 here; the second number means nothing any more.
            [_, version] if version != 3 => Err(Malformed::NotTls),
            [_, _, _, high, low] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                // Zero-length fragments of handshake messages must not be sent.
                if length == 0 || length > FRAGMENT {
                    return Err(Malformed::Record);
                }
                self.records += 1;
                if self.records > MOST_RECORDS {
                    return Err(Malformed::TooLarge);
                }
                self.head.clear();
                self.left = length;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn whole(&self) -> Result<Option<Hello>, Malformed> {
        let message = self.message.as_slice();
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return Err(Malformed::NotHello);
        }
        let [_, high, middle, low, body @ ..] = message else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).unwrap_or(usize::MAX);
        if length > LARGEST - HEAD {
            return Err(Malformed::TooLarge);
        }
        match body.len() {
            // A caller waits for the answer to its first message: nothing may follow it within its record.
            have if have > length || have == length && self.left > 0 => Err(Malformed::Length),
            have if have == length => extensions::hello(body).map(Some),
            _ => Ok(None),
        }
    }
}
