//! Who the pseudonyms of records are: one file for each person in `persons/`, sealed to the gateway and the auditors.
//!
//! A file is named by a tag that only the plant's key makes of a person, so that the gateway finds it and a reader of the folder
//! does not learn from the name whose it is. It holds the only key of the pseudonym: once it is destroyed, nobody can tell any more
//! whom the records mean, and whoever it was gets another pseudonym at the next call.

use super::{BlobError, Blobs, Scope, draw};
use crate::disk;
use plant::{Millis, RecordId};
use rustix::fs::FlockOperation;
use seal::envelope::{Fresh, Salt};
use seal::person::{self, PERSON_LIMIT, Person, PersonFile};
use seal::subject::{KeyFile, KeyName, SubjectKey};
use seal::{OpeningKey, Recipient};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// The name of the folder in the ledger's.
const FOLDER: &str = "persons";
/// How exactly a file's time says when the person was here last.
const EXACTLY: Duration = Duration::from_secs(86_400);

/// Held while somebody gets a name, by all who hand out names of this process.
static NAMING: Mutex<()> = Mutex::new(());

/// How it stands with a person.
enum Standing {
    Unknown,
    Named(String),
    /// Is being erased.
    Going,
}

/// A person who is to be named.
#[derive(Clone, Copy)]
pub struct Newcomer<'a> {
    /// The tag that finds them again.
    pub place: [u8; 32],
    /// The issuer of their tokens.
    pub issuer: &'a str,
    /// What the issuer calls them.
    pub subject: &'a str,
    /// Who is to be able to tell whose the pseudonym is, beside the gateway.
    pub auditors: &'a [Recipient],
    /// The time.
    pub now: Millis,
}

impl Blobs {
    /// The pseudonym of whoever has this place; `None` if they have none, or were forgotten.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn pseudonym(&self, place: &[u8; 32]) -> Result<Option<String>, BlobError> {
        Ok(match self.standing(place)? {
            Standing::Named(pseudonym) => Some(pseudonym),
            Standing::Unknown | Standing::Going => None,
        })
    }

    fn standing(&self, place: &[u8; 32]) -> Result<Standing, BlobError> {
        let path = self.person(place);
        let bytes = disk::read_if_there(&path, PERSON_LIMIT as u64).map_err(BlobError::io(&path))?;
        let Some(bytes) = bytes else { return Ok(Standing::Unknown) };
        if is_going(&bytes) {
            return Ok(Standing::Going);
        }
        let file = PersonFile::parse(&bytes).map_err(|source| BlobError::Person { path, source })?;
        Ok(Standing::Named(file.pseudonym().to_owned()))
    }

    /// The pseudonym of a person: the one that they have, or else the one that `pseudonym` makes with a fresh salt. Durable when
    /// this returns.
    ///
    /// # Errors
    /// If it could not be made durable; if the person is just being erased; or if the file is damaged: then nobody gets a second
    /// pseudonym beside the first.
    pub fn name(
        &self,
        own: &OpeningKey,
        person: Newcomer<'_>,
        pseudonym: impl FnOnce(&Salt) -> String,
    ) -> Result<String, BlobError> {
        let _alone = NAMING.lock().unwrap_or_else(PoisonError::into_inner);
        let _left = match self.standing(&person.place)? {
            Standing::Named(named) => return Ok(named),
            Standing::Unknown => None,
            // Left by a crash, unless somebody is at it, who would remove what is written there now. Calls of others do not wait
            // for whoever erases, who waits for the gateway.
            Standing::Going => Some(self.lock(FlockOperation::NonBlockingLockShared)?),
        };
        let salt = Salt::from_bytes(draw()?);
        let named = pseudonym(&salt);
        let bytes = sealed(own, &person, salt, &named)?;
        let (path, folder) = (self.person(&person.place), self.folder.join(FOLDER));
        let written = disk::make_folder(&folder).and_then(|()| disk::replace_secret(&path, &bytes));
        written.map_err(BlobError::io(&path))?;
        Ok(named)
    }

    /// Whether somebody still has this place. Looks at no more than the folder; notes, to the day, that they were here.
    #[must_use]
    pub fn is_named(&self, place: &[u8; 32]) -> bool {
        let path = self.person(place);
        let Ok(metadata) = std::fs::metadata(&path) else { return false };
        let now = SystemTime::now();
        let lately = metadata.modified().is_ok_and(|last| now.duration_since(last).is_ok_and(|since| since < EXACTLY));
        if !lately {
            // Without it, the file would be taken for that of somebody who left: it is in use, and stays.
            let _ = File::options().write(true).open(&path).and_then(|file| file.set_modified(now));
        }
        true
    }

    /// Who a pseudonym is; `None` if nobody knows any more, or the file does not open to this key.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn identity(&self, pseudonym: &str, holder: &OpeningKey) -> Result<Option<Person>, BlobError> {
        let open = |path: &PathBuf| {
            let bytes = disk::read_if_there(path, PERSON_LIMIT as u64).ok().flatten()?;
            PersonFile::parse(&bytes).ok()?.open(holder)
        };
        let found = self.named(pseudonym).map_err(BlobError::io(&self.folder.join(FOLDER)))?;
        Ok(found.iter().find_map(open))
    }

    /// The file of the person whom a scope erases, what a crash has left of it, and every one whose destruction was cut short.
    pub(super) fn persons_in(&self, scope: &Scope) -> io::Result<Vec<PathBuf>> {
        let Scope::Subject { subject, month: None } = scope else { return Ok(Vec::new()) };
        let Some(pseudonym) = subject.strip_prefix("operator.") else { return Ok(Vec::new()) };
        self.named(pseudonym)
    }

    /// Destroys who people are who were not here since a month before this moment: no record names them that stays.
    pub(crate) fn shred_persons_before(&self, moment: Millis) -> io::Result<()> {
        let folder = self.folder.join(FOLDER);
        if !folder.exists() {
            return Ok(());
        }
        let _alone = self.lock(FlockOperation::LockExclusive).map_err(io::Error::other)?;
        let kept = UNIX_EPOCH + Duration::from_millis(moment.0.saturating_sub(super::erase::MONTH));
        for name in super::erase::names(&folder)? {
            let path = folder.join(name);
            if path.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|last| last < kept) {
                super::erase::shred(&path)?;
            }
        }
        Ok(())
    }

    /// The files of a pseudonym, and those that are being destroyed.
    fn named(&self, pseudonym: &str) -> io::Result<Vec<PathBuf>> {
        let folder = self.folder.join(FOLDER);
        let mut found = Vec::new();
        for name in super::erase::names(&folder)? {
            let path = folder.join(&name);
            let Some(bytes) = disk::read_if_there(&path, PERSON_LIMIT as u64)? else { continue };
            if is_going(&bytes) || PersonFile::parse(&bytes).is_ok_and(|file| file.pseudonym() == pseudonym) {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn person(&self, place: &[u8; 32]) -> PathBuf {
        self.folder.join(FOLDER).join(seal::hex(place))
    }
}

/// Whether a file is being destroyed: it was overwritten, and the power failed before all of it was, or before it was removed.
/// Disks write sectors whole, and what is sealed has none of zeros alone.
fn is_going(bytes: &[u8]) -> bool {
    let blank = |sector: &[u8]| sector.len() >= 16 && sector.iter().all(|byte| *byte == 0);
    bytes.first() == Some(&0) || bytes.chunks(512).any(blank)
}

/// The file of a person.
fn sealed(own: &OpeningKey, person: &Newcomer<'_>, salt: Salt, pseudonym: &str) -> Result<Vec<u8>, BlobError> {
    let Newcomer { issuer, subject, auditors, now, .. } = *person;
    let name =
        KeyName::at(now, &format!("operator.{pseudonym}")).ok_or_else(|| BlobError::Name(pseudonym.to_owned()))?;
    let key = SubjectKey::from_bytes(draw()?);
    let recipients = auditors.iter().copied().chain([own.recipient()]).map(|recipient| Ok((recipient, draw()?)));
    let wrapped = KeyFile::wrap(name, &key, recipients.collect::<Result<Vec<_>, BlobError>>()?)?;
    let (mut nonce, mut random) = ([0; 12], [0; 10]);
    getrandom::fill(&mut nonce).and_then(|()| getrandom::fill(&mut random)).map_err(|_| BlobError::Random)?;
    let who = Person { salt, issuer: Zeroizing::new(issuer.to_owned()), subject: Zeroizing::new(subject.to_owned()) };
    let id = RecordId::new(now, random);
    let sealed = person::seal(&wrapped, &key, id, &Fresh::from_bytes(draw()?, nonce), &who);
    sealed.ok_or_else(|| BlobError::Name("a name of that length".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{BlobError, Blobs, Newcomer, Scope};
    use plant::Millis;
    use seal::envelope::Salt;
    use seal::{OpeningKey, hex};
    use std::fs::{self, File};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};
    use tempfile::TempDir;
    use zeroize::Zeroizing;

    const NOVEMBER: Millis = Millis(1_795_000_000_000);
    const ISSUER: &str = "https://login.plant.example";

    fn holder(byte: u8) -> OpeningKey {
        OpeningKey::from_bytes(Zeroizing::new([byte; 32])).unwrap()
    }

    fn made(salt: &Salt, subject: &str) -> String {
        format!("op-{}", &hex(&salt.commitments().tag(&[ISSUER.as_bytes(), subject.as_bytes()]))[..16])
    }

    struct Case(TempDir, Blobs);

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let blobs = Blobs::new(folder.path());
            Self(folder, blobs)
        }

        fn name(&self, byte: u8, subject: &str) -> Result<String, BlobError> {
            let auditors = [holder(2).recipient()];
            let newcomer = Newcomer { place: [byte; 32], issuer: ISSUER, subject, auditors: &auditors, now: NOVEMBER };
            self.1.name(&holder(1), newcomer, |salt| made(salt, subject))
        }

        fn file(&self, byte: u8) -> PathBuf {
            self.0.path().join("persons").join(hex(&[byte; 32]))
        }

        fn scope(pseudonym: &str, month: Option<&str>) -> Scope {
            Scope::subject(&format!("operator.{pseudonym}"), month).unwrap()
        }
    }

    #[test]
    fn a_person_keeps_one_pseudonym_and_those_who_hold_a_key_can_prove_whose_it_is() {
        let case = Case::new();
        let (anna, bert) = (case.name(1, "anna").unwrap(), case.name(2, "bert").unwrap());
        assert_eq!(case.name(1, "anna").unwrap(), anna);
        assert_ne!(anna, bert);
        assert_eq!(case.1.pseudonym(&[1; 32]).unwrap(), Some(anna.clone()));
        for by in [1, 2] {
            let person = case.1.identity(&anna, &holder(by)).unwrap().unwrap();
            assert_eq!((person.issuer.as_str(), person.subject.as_str()), (ISSUER, "anna"));
            assert_eq!(made(&person.salt, "anna"), anna);
        }
        assert!(case.1.identity(&anna, &holder(3)).unwrap().is_none());
        assert!(case.1.identity("op-nobody", &holder(1)).unwrap().is_none());
        assert_ne!(Case::new().name(1, "anna").unwrap(), anna, "another ledger's pseudonym says nothing of this one's");
    }

    #[test]
    fn a19_after_erasure_nobody_can_tell_whose_a_pseudonym_was_and_the_next_one_is_another() {
        let case = Case::new();
        let (anna, bert) = (case.name(1, "anna").unwrap(), case.name(2, "bert").unwrap());
        let file = File::open(case.file(1)).unwrap();
        for kept in [Case::scope(&anna, Some("2026-11")), Case::scope("op-other", None)] {
            assert!(case.1.doomed(&kept).unwrap().is_empty(), "{kept}");
        }
        let doomed = case.1.doomed(&Case::scope(&anna, None)).unwrap();
        assert!(doomed.is_named() && !doomed.is_empty());
        doomed.destroy().unwrap();
        assert!(!case.1.is_named(&[1; 32]) && case.1.is_named(&[2; 32]));
        assert_eq!(case.1.pseudonym(&[1; 32]).unwrap(), None);
        assert!(case.1.identity(&anna, &holder(1)).unwrap().is_none());
        let rest = std::io::read_to_string(file).unwrap();
        assert!(rest.bytes().all(|byte| byte == 0), "what is still open is overwritten");
        assert_ne!(case.name(1, "anna").unwrap(), anna);
        assert_eq!(case.name(2, "bert").unwrap(), bert);
    }

    #[test]
    fn a_destruction_that_was_cut_short_counts_and_is_ended_by_the_next() {
        let case = Case::new();
        let anna = case.name(1, "anna").unwrap();
        let mut torn = fs::read(case.file(1)).unwrap();
        torn.resize(600, 1);
        torn[512..].fill(0);
        fs::write(case.file(1), torn).unwrap();
        assert_eq!(case.1.pseudonym(&[1; 32]).unwrap(), None);
        assert!(case.1.doomed(&Case::scope(&anna, None)).unwrap().is_named());
        assert_ne!(case.name(1, "anna").unwrap(), anna);
    }

    #[test]
    fn while_somebody_erases_others_are_named_and_who_is_erased_waits() {
        let case = Case::new();
        let anna = case.name(1, "anna").unwrap();
        let doomed = case.1.doomed(&Case::scope(&anna, None)).unwrap();
        assert_eq!(case.name(1, "anna").unwrap(), anna, "nothing is destroyed yet");
        case.name(2, "bert").unwrap();
        fs::write(case.file(1), [0; 512]).unwrap();
        assert!(matches!(case.name(1, "anna"), Err(BlobError::Io { .. })));
        doomed.destroy().unwrap();
        assert_ne!(case.name(1, "anna").unwrap(), anna);
    }

    #[test]
    fn a_damaged_file_gives_nobody_a_second_pseudonym() {
        let case = Case::new();
        case.name(1, "anna").unwrap();
        fs::write(case.file(1), b"penwho?").unwrap();
        assert!(matches!(case.name(1, "anna"), Err(BlobError::Person { .. })));
    }

    #[test]
    fn who_left_before_the_oldest_record_that_stays_is_forgotten_and_who_calls_is_not() {
        let case = Case::new();
        let day = 86_400_000;
        for byte in 1..4 {
            case.name(byte, "somebody").unwrap();
        }
        let last = |byte, millis| {
            let file = File::options().write(true).open(case.file(byte)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_millis(millis)).unwrap();
        };
        last(1, NOVEMBER.0 - 32 * day);
        last(2, NOVEMBER.0 - 30 * day);
        last(3, NOVEMBER.0 - 32 * day);
        assert!(case.1.is_named(&[3; 32]), "and is here now");
        assert!(case.file(3).metadata().unwrap().modified().unwrap() > SystemTime::now() - Duration::from_secs(3600));
        case.1.shred_persons_before(NOVEMBER).unwrap();
        assert_eq!([1, 2, 3].map(|byte| case.1.is_named(&[byte; 32])), [false, true, true]);
    }
}
