//! A person whom records name by pseudonym: who that is, sealed for those who hold a key, for as long as the file is there.
//!
//! ```text
//! bytes      what
//! 8          `penwho` 0x00 0x01: the format and its version
//! 2          n, the length of the file of the key, in network order
//! n          the file of a key of its own, see [`crate::subject`], named `YYYY-MM/operator.PSEUDONYM`: the month of the first call
//! the rest   an envelope under that key, see [`crate::envelope`]; its content is the length of the issuer (2 bytes, network
//!            order), issuer and subject in UTF-8
//! ```
//!
//! The pseudonym is a commitment to issuer and subject under the salt of the envelope, and the salt is nowhere else. Who opens the
//! file can tell and prove whose the pseudonym is; once it is destroyed nobody can, not by trying every name of the site and not
//! with every other key of the plant.

use crate::envelope::{self, Envelope, Fresh, Salt};
use crate::hpke::OpeningKey;
use crate::subject::{KEY_FILE_LIMIT, KeyFile, SubjectKey};
use plant::RecordId;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"penwho\x00\x01";
/// What the subject of a key begins with that is a person's.
const OPERATOR: &str = "operator.";
/// Longest issuer, and longest subject.
const NAME_LIMIT: usize = 4096;
/// The longest file.
pub const PERSON_LIMIT: usize = MAGIC.len() + 2 + KEY_FILE_LIMIT + 512 + 2 * NAME_LIMIT;

/// A file that was read and not opened.
#[derive(Clone, Debug)]
pub struct PersonFile<'a> {
    key: KeyFile,
    envelope: Envelope<'a>,
}

/// Who a pseudonym is. Without `Debug`, which would show it.
pub struct Person {
    /// What the pseudonym is made with.
    pub salt: Salt,
    /// The issuer of the person's tokens.
    pub issuer: Zeroizing<String>,
    /// What the issuer calls them.
    pub subject: Zeroizing<String>,
}

/// Bytes that say nothing of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file of a person is damaged, or of another format or version")]
pub struct BadPerson;

/// Writes who a person is. `wrapped` is the file of `key`; `id` is drawn for this file. `None` if a name is too long.
#[must_use]
pub fn seal(wrapped: &KeyFile, key: &SubjectKey, id: RecordId, fresh: &Fresh, person: &Person) -> Option<Vec<u8>> {
    let Person { salt, issuer, subject } = person;
    let mut content = Zeroizing::new(Vec::with_capacity(2 + issuer.len() + subject.len()));
    let length = u16::try_from(issuer.len()).ok().filter(|_| issuer.len().max(subject.len()) <= NAME_LIMIT)?;
    content.extend_from_slice(&length.to_be_bytes());
    content.extend_from_slice(issuer.as_bytes());
    content.extend_from_slice(subject.as_bytes());
    let file = wrapped.encode();
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&u16::try_from(file.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(&file);
    bytes.extend_from_slice(&envelope::seal(id, wrapped.name(), key, fresh, salt, &content));
    Some(bytes)
}

impl<'a> PersonFile<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// Unless the bytes have its form, and both halves are of one pseudonym.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BadPerson> {
        Self::parts(bytes).ok_or(BadPerson)
    }

    fn parts(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC).filter(|_| bytes.len() <= PERSON_LIMIT)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (key, envelope) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (key, envelope) = (KeyFile::parse(key).ok()?, Envelope::parse(envelope).ok()?);
        let whole = key.name().subject().starts_with(OPERATOR) && envelope.key().as_ref() == Some(key.name());
        whole.then_some(Self { key, envelope })
    }

    /// The pseudonym, `op-` and letters.
    #[must_use]
    pub fn pseudonym(&self) -> &str {
        let subject = self.key.name().subject();
        subject.strip_prefix(OPERATOR).unwrap_or(subject)
    }

    /// Who it is; `None` if the file is not sealed to the holder of this key, or was altered.
    #[must_use]
    pub fn open(&self, holder: &OpeningKey) -> Option<Person> {
        let opened = self.envelope.open(&self.key.unwrap_with(holder)?).ok()?;
        let (length, names) = opened.content.split_first_chunk::<2>()?;
        let (issuer, subject) = names.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let text = |bytes: &[u8]| Some(Zeroizing::new(std::str::from_utf8(bytes).ok()?.to_owned()));
        Some(Person { issuer: text(issuer)?, subject: text(subject)?, salt: opened.salt })
    }
}

#[cfg(test)]
mod tests {
    use super::{BadPerson, Person, PersonFile, seal};
    use crate::envelope::{Fresh, Salt};
    use crate::hpke::OpeningKey;
    use crate::subject::{KeyFile, KeyName, SubjectKey};
    use plant::{Millis, RecordId};
    use zeroize::Zeroizing;

    fn holder(byte: u8) -> OpeningKey {
        OpeningKey::from_bytes(Zeroizing::new([byte; 32])).unwrap()
    }

    fn file(name: &str, subject: &str) -> Option<Vec<u8>> {
        let key = SubjectKey::from_bytes(Zeroizing::new([5; 32]));
        let recipients = [1, 2].map(|byte| (holder(byte).recipient(), Zeroizing::new([byte; 32])));
        let wrapped = KeyFile::wrap(KeyName::parse(name).unwrap(), &key, recipients).unwrap();
        let fresh = Fresh::from_bytes(Zeroizing::new([6; 32]), [7; 12]);
        let (salt, issuer) = (Salt::from_bytes(Zeroizing::new([8; 32])), "https://login.plant.example".to_owned());
        let person = Person { salt, issuer: issuer.into(), subject: subject.to_owned().into() };
        seal(&wrapped, &key, RecordId::new(Millis(1), [9; 10]), &fresh, &person)
    }

    #[test]
    fn who_a_pseudonym_is_opens_to_its_recipients_alone_and_stands_nowhere_in_plain() {
        let bytes = file("2026-11/operator.op-7k2m", "änna").unwrap();
        let read = PersonFile::parse(&bytes).unwrap();
        assert_eq!(read.pseudonym(), "op-7k2m");
        let person = read.open(&holder(2)).unwrap();
        assert_eq!((person.issuer.as_str(), person.subject.as_str()), ("https://login.plant.example", "änna"));
        assert_eq!(
            person.salt.commitments().tag(&[]),
            Salt::from_bytes(Zeroizing::new([8; 32])).commitments().tag(&[])
        );
        assert!(read.open(&holder(3)).is_none());
        assert!(!bytes.windows(5).any(|window| window == "änna".as_bytes() || window == b"login"));
    }

    #[test]
    fn a_file_that_was_cut_or_altered_names_nobody() {
        let good = file("2026-11/operator.op-7k2m", "anna").unwrap();
        for at in 0..good.len() {
            let opens = |file: PersonFile<'_>| file.open(&holder(1)).is_some();
            assert!(!PersonFile::parse(&good[..at]).is_ok_and(opens), "cut at {at}");
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            // The copy for another recipient does not matter to this one.
            let same = |file: PersonFile<'_>| file.open(&holder(2)).is_some() && file.pseudonym() == "op-7k2m";
            let other = PersonFile::parse(&bytes).is_ok_and(same)
                && PersonFile::parse(&bytes).unwrap().open(&holder(1)).is_some();
            assert!(!other, "byte {at}");
        }
        assert_eq!(PersonFile::parse(&file("2026-11/workload.mes", "anna").unwrap()).err(), Some(BadPerson));
        assert!(file("2026-11/operator.op-7k2m", &"x".repeat(4097)).is_none());
    }
}
