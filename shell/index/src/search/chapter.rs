//! A chapter as it is stored: which of 65,536 records say what.
//!
//! ```text
//! head │ time of each bundle │ words: field, value, how many, where │ places of each word │ names, ascending │ SHA-256
//! ```
//!
//! Numbers are little-endian. The sum says that the file is whole, and the leaf hash of the last record, to which all before it are
//! chained, which records it was made of. What is found by it is read from the log, so a wrong chapter can hide a record from a
//! search, and never show a wrong one.

use super::gather::{FIELDS, Field};
use super::set::{Set, WIDTH};
use ledger::Hash;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bundles of a chapter.
pub(crate) const BUNDLES: usize = 256;
/// The field of the places of records that cannot be read.
pub(crate) const ODD: u8 = u8::MAX;
const MAGIC: &[u8; 16] = b"penstock search1";
const HEAD: usize = MAGIC.len() + 7 * 8 + 32;
const TIMES: usize = BUNDLES * 16;
pub(crate) const SUM: usize = 32;
/// Longest words: those of every field at their most and longest.
const WORDS_LIMIT: u64 = 48 << 20;
/// Longest file: a record stands in a handful of lists, and has at most four names.
pub(crate) const LIMIT: u64 = 128 << 20;

/// What a chapter says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of its first record.
    pub(crate) first: u64,
    /// The places that it covers.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Fields that nobody can search by, a bit for each.
    pub(crate) full: u16,
    /// The leaf hash of its last record.
    pub(crate) last: Hash,
}

/// Words with their places, as they are written.
#[derive(Default)]
pub(crate) struct Words {
    words: Vec<u8>,
    lists: Vec<u8>,
}

impl Words {
    pub(crate) fn push(&mut self, field: u8, value: &str, places: &[u16]) {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        self.words.extend([field, u8::try_from(value.len()).unwrap_or(u8::MAX)]);
        self.words.extend(value.as_bytes());
        self.words.extend(number(places.len()));
        self.words.extend(number(self.lists.len()));
        Set::store(places, &mut self.lists);
    }
}

impl Head {
    pub(crate) fn encode(&self, times: &[(u64, u64)], Words { words, lists }: &Words, names: &[u64]) -> Vec<u8> {
        let long = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let mut bytes = MAGIC.to_vec();
        let lengths = [words.len(), lists.len(), names.len()].map(long);
        for number in [self.first, self.from, self.to, u64::from(self.full)].into_iter().chain(lengths) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.last);
        bytes.extend(times.iter().flat_map(|(low, high)| [low.to_le_bytes(), high.to_le_bytes()]).flatten());
        bytes.extend(words);
        bytes.extend(lists);
        bytes.extend(names.iter().flat_map(|name| name.to_le_bytes()));
        bytes.extend(seal::sha256(&bytes));
        bytes
    }
}

/// Where the bytes of a chapter are.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    Memory(Arc<[u8]>),
    File(Arc<File>),
}

impl Bytes {
    fn read(&self, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let cut = || io::Error::from(ErrorKind::UnexpectedEof);
        let size = usize::try_from(length).map_err(|_| cut())?;
        match self {
            Self::Memory(bytes) => {
                let at = usize::try_from(at).map_err(|_| cut())?;
                Ok(bytes.get(at..).and_then(|rest| rest.get(..size)).ok_or_else(cut)?.to_vec())
            }
            Self::File(file) => {
                let mut bytes = vec![0; size];
                file.read_exact_at(&mut bytes, at)?;
                Ok(bytes)
            }
        }
    }

    fn length(&self) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::File(file) => Ok(file.metadata()?.len()),
        }
    }
}

/// A chapter that can be asked.
#[derive(Debug)]
pub(crate) struct Chapter {
    pub(crate) head: Head,
    bytes: Bytes,
    times: Vec<u8>,
    words: Vec<u8>,
    /// Where the places, and then the names begin, and how many names there are.
    lists: u64,
    names: u64,
    count: u64,
}

/// A word of a chapter.
struct Word<'a> {
    field: u8,
    value: &'a str,
    places: u64,
    at: u64,
}

impl Chapter {
    /// Opens a chapter whose sum is known to be right.
    pub(crate) fn open(bytes: Bytes) -> io::Result<Self> {
        let damaged = || io::Error::from(ErrorKind::InvalidData);
        let long = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let start = bytes.read(0, long(HEAD))?;
        let mut rest = start.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let mut numbers = [0; 7];
        for number in &mut numbers {
            let (bytes, after) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
            (*number, rest) = (u64::from_le_bytes(*bytes), after);
        }
        let [first, from, to, full, words, lists, count] = numbers;
        let last = Hash::try_from(rest).map_err(|_| damaged())?;
        let full = u16::try_from(full).map_err(|_| damaged())?;
        let fits = from <= to && to <= WIDTH && words <= WORDS_LIMIT && lists <= LIMIT && count <= LIMIT / 8;
        let begins = long(HEAD + TIMES).saturating_add(words);
        let names = begins.saturating_add(lists);
        let ends = names.saturating_add(count.saturating_mul(8)).saturating_add(long(SUM));
        if !fits || bytes.length()? != ends {
            return Err(damaged());
        }
        let head = Head { first, from, to, full, last };
        let times = bytes.read(long(HEAD), long(TIMES))?;
        let words = bytes.read(long(HEAD + TIMES), words)?;
        Ok(Self { head, times, words, lists: begins, names, count, bytes })
    }

    /// The places of records that cannot be read. Whatever is asked for, it may be among them.
    pub(crate) fn odd(&self) -> io::Result<Set> {
        self.places(ODD, |_| true)
    }

    /// The places of records that say something under a field that a test likes; `None` if nobody can search by it here.
    pub(crate) fn saying(&self, field: Field, likes: impl Fn(&str) -> bool) -> io::Result<Option<Set>> {
        let index = FIELDS.iter().position(|(known, _)| *known == field).unwrap_or_default();
        if self.head.full >> index & 1 == 1 {
            return Ok(None);
        }
        self.places(u8::try_from(index).unwrap_or(ODD), likes).map(Some)
    }

    /// The places of bundles in which a record may have been written from one time on and before another.
    pub(crate) fn written(&self, since: Option<u64>, until: Option<u64>) -> Set {
        let mut set = Set::none();
        for (times, bundle) in self.times.as_chunks::<16>().0.iter().zip(0_u64..) {
            let (low, high) = times.split_at(8);
            let time = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
            if since.is_none_or(|since| time(high) >= since) && until.is_none_or(|until| time(low) < until) {
                set.insert_all(bundle * 256..(bundle + 1) * 256);
            }
        }
        set
    }

    /// The places of records that name an identity by its last 48 bits.
    pub(crate) fn naming(&self, name: u64) -> io::Result<Set> {
        const STEP: u64 = 512;
        let at = |index: u64| -> io::Result<u64> {
            let bytes = self.bytes.read(self.names + index * 8, 8)?;
            Ok(<[u8; 8]>::try_from(bytes).map_or(0, u64::from_le_bytes))
        };
        let (mut low, mut high) = (0, self.count);
        // By halves until a page holds what is left.
        while high - low > STEP {
            let middle = low.midpoint(high);
            if at(middle)? >> 16 < name { low = middle } else { high = middle }
        }
        let mut set = Set::none();
        let mut next = low;
        loop {
            let page = STEP.min(self.count - next);
            let bytes = self.bytes.read(self.names + next * 8, page * 8)?;
            for entry in bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)) {
                if entry >> 16 > name {
                    return Ok(set);
                }
                if entry >> 16 == name
                    && let Ok(place) = u16::try_from(entry & 0xffff)
                {
                    set.insert(place);
                }
            }
            next += page;
            if page == 0 || next >= self.count {
                return Ok(set);
            }
        }
    }

    fn places(&self, field: u8, likes: impl Fn(&str) -> bool) -> io::Result<Set> {
        let mut set = Set::none();
        for word in self.words().filter(|word| word.field == field && likes(word.value)) {
            let length = Set::length(usize::try_from(word.places.min(WIDTH)).unwrap_or_default());
            let bytes =
                self.bytes.read(self.lists.saturating_add(word.at), u64::try_from(length).unwrap_or_default())?;
            set.or(&Set::load(&bytes));
        }
        Ok(set)
    }

    fn words(&self) -> impl Iterator<Item = Word<'_>> {
        let mut rest = self.words.as_slice();
        std::iter::from_fn(move || {
            let ([field, length], after) = rest.split_first_chunk::<2>()?;
            let (value, after) = after.split_at_checked(usize::from(*length))?;
            let (places, after) = after.split_first_chunk::<4>()?;
            let (at, after) = after.split_first_chunk::<4>()?;
            rest = after;
            let number = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
            let value = std::str::from_utf8(value).unwrap_or_default();
            Some(Word { field: *field, value, places: number(places), at: number(at) })
        })
    }
}

/// A chapter of these records, for [`fuzz`] to begin with.
#[doc(hidden)]
#[must_use]
pub fn seed(records: &[ledger::Entry]) -> Vec<u8> {
    let mut gathered = super::gather::Gathered::new(0);
    (0..).zip(records).for_each(|(seq, entry)| gathered.take(seq, Some(entry)));
    gathered.encode(&[7; 32])
}

/// Whatever the bytes are, asking them comes to an end within its limits.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let Ok(chapter) = Chapter::open(Bytes::Memory(bytes.into())) else { return };
    let _ = (chapter.odd(), chapter.naming(7), chapter.written(Some(1), Some(9)).is_empty());
    for (field, _) in FIELDS {
        if let Ok(Some(set)) = chapter.saying(field, |value| value.len() < 9) {
            assert!(set.below(WIDTH).is_sorted_by(|one, other| one > other));
        }
    }
}
