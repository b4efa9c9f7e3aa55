//! The key of one subject and month: what every record key of that subject and month is wrapped by.
//!
//! It lies in a small file of its own, wrapped to each recipient, and nowhere else: to destroy that file is to erase all
//! content of that subject and month, in every copy that was made without it.
//!
//! ```text
//! bytes      what
//! 8          `penkey` 0x00 0x01: the format and its version
//! 1          n, the length of the name, 9 to 120
//! n          the name, `YYYY-MM/SUBJECT`
//! 1          the number of recipients, 1 to 16
//! 112 each   recipient 32, encapsulated key 32, the subject's key sealed 48; recipients ascend
//! ```
//!
//! Each copy is sealed by HPKE (RFC 9180, base mode) with everything before the number of recipients as `info`.

use crate::hpke::{OpeningKey, Recipient, TAG, WeakKey};
use plant::Millis;
use std::fmt;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"penkey\x00\x01";
/// Shortest name: a month, a slash and one character; longest: a kind, a dot and an id of 96 characters, with room.
const NAME: std::ops::RangeInclusive<usize> = 9..=120;
/// Most recipients: a gateway and more auditors than a plant has.
pub const RECIPIENTS: usize = 16;
const COPY: usize = 32 + 32 + 32 + TAG;
/// The longest file of a key.
pub const KEY_FILE_LIMIT: usize = MAGIC.len() + 2 + *NAME.end() + RECIPIENTS * COPY;

/// Which subject and month: `2026-11/operator.op-7k2m`. Safe as a path below a folder: one slash, and no name that begins
/// with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// The random key of one subject and month. `Debug` shows nothing of it.
pub struct SubjectKey(Zeroizing<[u8; 32]>);

/// The copies of a subject's key, one for each recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    name: KeyName,
    copies: Vec<(Recipient, [u8; 32], Vec<u8>)>,
}

/// Bytes that are no key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key file {0}")]
pub struct BadKeyFile(&'static str);

impl KeyName {
    /// The name of the key for content of `subject` (a kind, a dot and an id, as `operator.op-7k2m`) at a time.
    #[must_use]
    pub fn at(time: Millis, subject: &str) -> Option<Self> {
        Self::parse(&format!("{}/{subject}", time.to_string().get(..7)?))
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (month, subject) = text.split_once('/')?;
        let [a, b, c, d, b'-', tens, ones] = month.as_bytes() else { return None };
        let digits = [a, b, c, d, tens, ones].into_iter().all(u8::is_ascii_digit);
        let month = matches!((tens, ones), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'));
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let clean = subject.bytes().all(|byte| letters(byte) || b"-_.".contains(&byte));
        let begins = subject.bytes().next().is_some_and(letters);
        (digits && month && clean && begins && NAME.contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The month, `YYYY-MM`.
    #[must_use]
    pub fn month(&self) -> &str {
        self.0.split_once('/').map_or("", |(month, _)| month)
    }

    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, subject)| subject)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SubjectKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

impl KeyFile {
    /// Wraps a key to recipients, each with 32 random bytes of its own; a recipient that comes twice gets one copy.
    ///
    /// # Errors
    /// If a recipient is of small order, or there are none, or more than [`RECIPIENTS`].
    pub fn wrap(
        name: KeyName,
        key: &SubjectKey,
        recipients: impl IntoIterator<Item = (Recipient, Zeroizing<[u8; 32]>)>,
    ) -> Result<Self, WeakKey> {
        let info = head(&name);
        let mut copies = Vec::new();
        for (recipient, ephemeral) in recipients {
            let (enc, sealed) = recipient.seal(ephemeral, &info, b"", key.as_bytes())?;
            copies.push((recipient, enc, sealed));
        }
        copies.sort_by_key(|(recipient, ..)| *recipient);
        copies.dedup_by_key(|(recipient, ..)| *recipient);
        if (1..=RECIPIENTS).contains(&copies.len()) { Ok(Self { name, copies }) } else { Err(WeakKey) }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Unless the bytes are exactly what [`Self::encode`] writes for some key.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadKeyFile> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(BadKeyFile("is of another format or version"))?;
        let (name, rest) = take_name(rest).ok_or(BadKeyFile("has no name that may be"))?;
        let (count, rest) = rest.split_first().ok_or(BadKeyFile("is cut short"))?;
        let (copies, left) = rest.as_chunks::<COPY>();
        let counted = usize::from(*count) == copies.len() && left.is_empty();
        if !counted || !(1..=RECIPIENTS).contains(&copies.len()) {
            return Err(BadKeyFile("does not have as many recipients as it says"));
        }
        let copies: Vec<_> = copies.iter().filter_map(copy).collect();
        if !copies.is_sorted_by(|one, next| one.0 < next.0) {
            return Err(BadKeyFile("names recipients twice or out of order"));
        }
        Ok(Self { name, copies })
    }

    /// The bytes of the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = head(&self.name);
        bytes.push(u8::try_from(self.copies.len()).unwrap_or(u8::MAX));
        for (recipient, enc, sealed) in &self.copies {
            bytes.extend_from_slice(recipient.as_bytes());
            bytes.extend_from_slice(enc);
            bytes.extend_from_slice(sealed);
        }
        bytes
    }

    /// Which subject and month.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Who can open it, ascending.
    pub fn recipients(&self) -> impl Iterator<Item = Recipient> {
        self.copies.iter().map(|(recipient, ..)| *recipient)
    }

    /// The subject's key; `None` if it is not wrapped to the holder of this one, or was altered.
    #[must_use]
    pub fn unwrap_with(&self, key: &OpeningKey) -> Option<SubjectKey> {
        let (_, enc, sealed) = self.copies.iter().find(|(recipient, ..)| *recipient == key.recipient())?;
        let opened = key.open(enc, &head(&self.name), b"", sealed)?;
        let mut bytes = Zeroizing::new([0; 32]);
        (opened.len() == bytes.len()).then_some(())?;
        bytes.copy_from_slice(&opened);
        Some(SubjectKey(bytes))
    }
}

/// Everything before the recipients.
fn head(name: &KeyName) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    put_name(&mut bytes, name);
    bytes
}

fn copy(bytes: &[u8; COPY]) -> Option<(Recipient, [u8; 32], Vec<u8>)> {
    let (recipient, rest) = bytes.split_first_chunk::<32>()?;
    let (enc, sealed) = rest.split_first_chunk::<32>()?;
    Some((Recipient::from_bytes(*recipient), *enc, sealed.to_vec()))
}

/// Writes a name with its length before it.
pub(crate) fn put_name(bytes: &mut Vec<u8>, name: &KeyName) {
    bytes.push(u8::try_from(name.0.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name.0.as_bytes());
}

/// Takes a name with its length before it.
pub(crate) fn take_name(bytes: &[u8]) -> Option<(KeyName, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((KeyName::parse(std::str::from_utf8(name).ok()?)?, rest))
}

#[cfg(test)]
mod tests {
    use super::{KEY_FILE_LIMIT, KeyFile, KeyName, RECIPIENTS, SubjectKey};
    use crate::hpke::{OpeningKey, WeakKey};
    use plant::Millis;
    use zeroize::Zeroizing;

    fn opening(byte: u8) -> OpeningKey {
        OpeningKey::from_bytes(Zeroizing::new([byte; 32])).unwrap()
    }

    fn file(holders: &[u8]) -> Result<KeyFile, WeakKey> {
        let name = KeyName::parse("2026-11/operator.op-7k2m").unwrap();
        let key = SubjectKey::from_bytes(Zeroizing::new([5; 32]));
        let wrapped = |byte: &u8| (opening(*byte).recipient(), Zeroizing::new([byte.wrapping_add(100); 32]));
        KeyFile::wrap(name, &key, holders.iter().map(wrapped))
    }

    #[test]
    fn each_recipient_opens_the_same_key_and_nobody_else() {
        let file = file(&[1, 2, 1]).unwrap();
        let read = KeyFile::parse(&file.encode()).unwrap();
        assert_eq!((&read, read.recipients().count()), (&file, 2));
        for holder in [1, 2] {
            assert_eq!(read.unwrap_with(&opening(holder)).unwrap().as_bytes(), &[5; 32]);
        }
        assert!(read.unwrap_with(&opening(3)).is_none());
    }

    #[test]
    fn there_is_at_least_one_recipient_and_not_any_number() {
        assert_eq!(file(&[]), Err(WeakKey));
        let many: Vec<u8> = (1..=17).collect();
        assert_eq!(file(&many), Err(WeakKey));
        let most = file(&many[..RECIPIENTS]).unwrap().encode();
        assert!(most.len() <= KEY_FILE_LIMIT && KeyFile::parse(&most).is_ok());
    }

    #[test]
    fn any_flipped_bit_or_cut_is_refused_or_opens_nothing() {
        let bytes = file(&[1]).unwrap().encode();
        for at in 0..bytes.len() {
            assert!(KeyFile::parse(&bytes[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                let opened = KeyFile::parse(&altered).ok().and_then(|file| file.unwrap_with(&opening(1)));
                assert!(opened.is_none(), "byte {at} bit {bit}");
            }
        }
        assert!(KeyFile::parse(&[bytes, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_name_is_a_month_and_a_subject_and_no_way_out_of_the_folder() {
        let name = KeyName::at(Millis(1_795_000_000_000), "workload.mes").unwrap();
        assert_eq!((name.month(), name.subject()), ("2026-11", "workload.mes"));
        let long = format!("2026-11/{}", "a".repeat(113));
        for bad in [
            "",
            "2026-11",
            "2026-11/",
            "2026-13/a",
            "2026-00/a",
            "2026-1/aa",
            "26-11/aaaa",
            "2026-11/../a",
            "2026-11/.a",
            "2026-11/a/b",
            "../11/aaa",
            "2026-11/A",
            "2026-11/a b",
            "2026-11/a\0",
            "+026-11/a",
            &long,
        ] {
            assert!(KeyName::parse(bad).is_none(), "{bad}");
        }
    }
}
