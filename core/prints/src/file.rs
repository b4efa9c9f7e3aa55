//! How what is registered lies on a disk: a name and a version, the key's name, what it holds, and a keyed checksum.
//!
//! ```text
//! "penstock documents 1\n" | key 8 | body ... | checksum 16        numbers are little-endian
//! ```

use crate::key::Keys;

const CHECKSUM: usize = 16;
const KEY: usize = 8;

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It does not begin as such a file does.
    #[error("it is no file of this kind, or of a version that is not known here")]
    Foreign,
    /// It was made with another key.
    #[error("it was made with another `plant.key`")]
    OtherKey,
    /// It was cut, damaged or altered.
    #[error("it is damaged: its checksum does not fit")]
    Damaged,
    /// The checksum fits, and what it holds breaks a rule of the format.
    #[error("it does not keep to its format at byte {at}")]
    Malformed {
        /// Where in the file.
        at: usize,
    },
}

/// Puts a body between head and checksum.
#[must_use]
pub fn close(name: &[u8], keys: &Keys, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + KEY + body.len() + CHECKSUM);
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&keys.name());
    bytes.extend_from_slice(body);
    let checksum = keys.checksum(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

/// The body of a file, if all around it is right.
///
/// # Errors
/// What is not right.
pub fn open<'a>(name: &[u8], keys: &Keys, bytes: &'a [u8]) -> Result<Parts<'a>, FileError> {
    let rest = bytes.strip_prefix(name).ok_or(FileError::Foreign)?;
    let (key, _) = rest.split_at_checked(KEY).ok_or(FileError::Damaged)?;
    if key != keys.name() {
        return Err(FileError::OtherKey);
    }
    let end = bytes.len().checked_sub(CHECKSUM).ok_or(FileError::Damaged)?;
    let (content, checksum) = bytes.split_at_checked(end).ok_or(FileError::Damaged)?;
    let body = content.get(name.len() + KEY..).ok_or(FileError::Damaged)?;
    if keys.checksum(content) != checksum {
        return Err(FileError::Damaged);
    }
    Ok(Parts { rest: body, end })
}

/// What of a body is still to be read.
pub struct Parts<'a> {
    rest: &'a [u8],
    /// Where the body ends in the file.
    end: usize,
}

impl<'a> Parts<'a> {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The format is broken here.
    #[must_use]
    pub fn malformed(&self) -> FileError {
        FileError::Malformed { at: self.end - self.rest.len() }
    }

    /// So many bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], FileError> {
        let (part, rest) = self.rest.split_at_checked(count).ok_or(self.malformed())?;
        self.rest = rest;
        Ok(part)
    }

    /// One byte.
    ///
    /// # Errors
    /// If there is none.
    pub fn byte(&mut self) -> Result<u8, FileError> {
        let malformed = self.malformed();
        self.bytes(1)?.first().copied().ok_or(malformed)
    }

    /// What [`put_number`] writes.
    ///
    /// # Errors
    /// If there are too few bytes.
    pub fn number(&mut self) -> Result<u32, FileError> {
        let malformed = self.malformed();
        let bytes = self.bytes(4)?.first_chunk().ok_or(malformed)?;
        Ok(u32::from_le_bytes(*bytes))
    }

    /// A number that counts what follows.
    ///
    /// # Errors
    /// As of [`Self::number`].
    pub fn size(&mut self) -> Result<usize, FileError> {
        usize::try_from(self.number()?).map_err(|_| self.malformed())
    }

    /// A text of at most 255 bytes.
    ///
    /// # Errors
    /// If there are too few bytes, or they are no text.
    pub fn text(&mut self) -> Result<&'a str, FileError> {
        let malformed = self.malformed();
        let length = self.byte()?;
        std::str::from_utf8(self.bytes(usize::from(length))?).map_err(|_| malformed)
    }
}

/// Writes what [`Parts::text`] reads.
pub fn put_text(body: &mut Vec<u8>, text: &str) {
    body.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    body.extend(text.bytes().take(usize::from(u8::MAX)));
}

/// Writes what [`Parts::number`] reads.
pub fn put_number(body: &mut Vec<u8>, number: u32) {
    body.extend_from_slice(&number.to_le_bytes());
}
