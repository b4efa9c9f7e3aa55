//! Looks prints up: five bytes for each, in buckets by its first bits.
//!
//! Built from a [`Collection`] when it is loaded. What is public, and what stands in more than [`GROUPS`] groups, is left
//! out: a phrase of the house tells no document.

use crate::BITS;
use crate::collection::Collection;
use crate::list::Walk;
use plant::{CollectionId, DocumentId, Label};
use std::collections::{BTreeMap, HashMap};

/// Most groups that share a print which still tells something.
const GROUPS: usize = 3;
/// Most prints of a bucket, on average; they lie in one or two lines of a processor's cache.
const BUCKET: usize = 6;
/// Parts that prints are sorted in, so that building holds few of them at a time.
const PARTS: u64 = 64;

/// Looks prints up.
#[derive(Debug, Default)]
pub struct Table {
    /// Where each bucket begins among the entries, and behind the last its end.
    buckets: Vec<u32>,
    /// The rest of the print, then the number of its owner: 40 bits.
    entries: Vec<[u8; 5]>,
    /// Bits of a print that choose its bucket.
    bucket_bits: u32,
    /// Bits of an entry that are the owner's number.
    owner_bits: u32,
    /// Bits of a print that are left away, if the owners need theirs.
    lost_bits: u32,
    pub(crate) documents: Vec<Known>,
    pub(crate) families: Vec<Family>,
    kinds: Vec<Kind>,
}

/// A document in the table.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: DocumentId,
    /// `None`: it is public.
    pub(crate) family: Option<u32>,
    /// Prints that tell it or its family.
    pub(crate) prints: u32,
}

/// The documents of one group that were registered alike.
#[derive(Debug)]
pub(crate) struct Family {
    group: u32,
    /// Index into the kinds of the table.
    pub(crate) kind: u16,
    /// The document that was registered first.
    pub(crate) first: u32,
    /// How many they are.
    pub(crate) size: usize,
}

/// Whose a print is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) family: u32,
    /// The document; `None` if several of the family have the print.
    pub(crate) document: Option<u32>,
}

/// How documents were registered: with which label, how sensitive, and in which collection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// How a message is labelled that repeats one.
    pub label: Label,
    /// How sensitive that makes it, by the plant's name for it; `None` leaves it to the label.
    pub sensitivity: Option<String>,
    /// The collection that they are of.
    pub collection: Option<CollectionId>,
}

impl Table {
    /// Builds the table.
    #[must_use]
    pub fn new(collection: &Collection) -> Self {
        let mut table = Self::default();
        let mut families: HashMap<(u32, u16), u32> = HashMap::new();
        let mut kinds: BTreeMap<Kind, u16> = BTreeMap::new();
        for (number, document) in (0u32..).zip(collection.documents()) {
            let family = (!document.public).then(|| {
                let kind = Kind {
                    label: document.label.clone(),
                    sensitivity: document.sensitivity.clone(),
                    collection: document.collection.clone(),
                };
                let next = u16::try_from(kinds.len()).unwrap_or(u16::MAX);
                let kind = *kinds.entry(kind).or_insert(next);
                let next = u32::try_from(table.families.len()).unwrap_or(u32::MAX);
                let family = *families.entry((document.group, kind)).or_insert(next);
                match table.families.get_mut(family as usize) {
                    Some(family) => family.size += 1,
                    None => table.families.push(Family { group: document.group, kind, first: number, size: 1 }),
                }
                family
            });
            table.documents.push(Known { id: document.id.clone(), family, prints: 0 });
        }
        let mut kinds: Vec<(u16, Kind)> = kinds.into_iter().map(|(kind, number)| (number, kind)).collect();
        kinds.sort();
        table.kinds = kinds.into_iter().map(|(_, kind)| kind).collect();
        let prints = collection.documents().iter().map(|document| document.prints() as usize).sum();
        table.fill(collection.documents().iter().map(|document| document.prints.iter()).collect(), prints);
        table
    }

    /// How the documents were registered.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Whether no document is registered, or only public ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let name = |document: &Known| document.id.as_str().len() + size_of::<Known>();
        self.buckets.capacity() * 4
            + self.entries.capacity() * 5
            + self.documents.iter().map(name).sum::<usize>()
            + self.families.capacity() * size_of::<Family>()
    }

    fn fill(&mut self, mut walks: Vec<Walk<'_>>, most: usize) {
        self.bucket_bits = (most / BUCKET).max(1 << 10).next_power_of_two().ilog2();
        self.owner_bits = usize::BITS - (self.documents.len() + self.families.len()).leading_zeros();
        self.lost_bits = (BITS - self.bucket_bits).saturating_sub(40 - self.owner_bits);
        self.entries.reserve_exact(most);
        self.buckets.reserve_exact((1 << self.bucket_bits) + 1);
        let mut part: Vec<(u64, Option<u32>, u32)> = Vec::new();
        for number in 1..=PARTS {
            let end = number * ((1u64 << BITS) / PARTS);
            for (document, walk) in (0u32..).zip(&mut walks) {
                let family = self.documents.get(document as usize).and_then(|document| document.family);
                while let Some(print) = walk.next_below(end) {
                    part.push((print, family, document));
                }
            }
            part.sort_unstable();
            for shared in part.chunk_by(|one, other| one.0 == other.0) {
                if self.tells(shared) {
                    shared.chunk_by(|one, other| one.1 == other.1).for_each(|family| self.enter(family));
                }
            }
            part.clear();
        }
        self.entries.shrink_to_fit();
        self.open_buckets(1 << self.bucket_bits);
    }

    /// Whether a print tells a document: it is not public, and stands in few groups.
    fn tells(&self, shared: &[(u64, Option<u32>, u32)]) -> bool {
        let mut groups = [None; GROUPS];
        shared.iter().all(|(_, family, _)| {
            let group = family.and_then(|family| self.families.get(family as usize)).map(|family| family.group);
            let place = groups.iter_mut().find(|known| known.is_none() || **known == group);
            group.is_some() && place.map(|place| *place = group).is_some()
        })
    }

    /// Enters a print of one family.
    fn enter(&mut self, family: &[(u64, Option<u32>, u32)]) {
        let Some((print, Some(number), first)) = family.first() else { return };
        let bucket = usize::try_from(print >> (BITS - self.bucket_bits)).unwrap_or_default();
        self.open_buckets(bucket);
        let owner = match family.len() {
            1 => *first as usize,
            _ => self.documents.len() + *number as usize,
        };
        let entry = (self.rest(*print) << self.owner_bits) | owner as u64;
        let [a, b, c, d, e, ..] = entry.to_le_bytes();
        self.entries.push([a, b, c, d, e]);
        for (_, _, document) in family {
            if let Some(document) = self.documents.get_mut(*document as usize) {
                document.prints += 1;
            }
        }
    }

    /// Says of every bucket up to this one where it begins.
    fn open_buckets(&mut self, bucket: usize) {
        let here = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        while self.buckets.len() <= bucket {
            self.buckets.push(here);
        }
    }

    /// What of a print stands in an entry.
    fn rest(&self, print: u64) -> u64 {
        (print & ((1 << (BITS - self.bucket_bits)) - 1)) >> self.lost_bits
    }

    /// Where the entries of a print are.
    fn bucket(&self, print: u64) -> &[[u8; 5]] {
        let bucket = usize::try_from(print >> (BITS - self.bucket_bits)).unwrap_or_default();
        let (Some(start), Some(end)) = (self.buckets.get(bucket), self.buckets.get(bucket + 1)) else { return &[] };
        self.entries.get(*start as usize..*end as usize).unwrap_or_default()
    }

    /// Whose prints are. Most are nobody's, and none of them is near another in memory: so all places are worked out first,
    /// then each is touched, and then read. The processor waits for many of them at a time.
    pub(crate) fn find<const N: usize>(&self, prints: &[u64; N], mut found: impl FnMut(usize, Owner)) {
        let buckets = prints.map(|print| self.bucket(print));
        let touched = buckets.map(|bucket| bucket.first().map_or(0, |entry| entry[0]));
        std::hint::black_box(touched);
        for (index, (bucket, print)) in buckets.iter().zip(prints).enumerate() {
            let rest = self.rest(*print);
            for [a, b, c, d, e] in *bucket {
                let entry = u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0]);
                if entry >> self.owner_bits == rest
                    && let Some(owner) = self.owner(entry & ((1 << self.owner_bits) - 1))
                {
                    found(index, owner);
                }
            }
        }
    }

    fn owner(&self, number: u64) -> Option<Owner> {
        let number = usize::try_from(number).ok()?;
        match number.checked_sub(self.documents.len()) {
            Some(family) => Some(Owner { family: u32::try_from(family).ok()?, document: None }),
            None => {
                let family = self.documents.get(number)?.family?;
                Some(Owner { family, document: u32::try_from(number).ok() })
            }
        }
    }
}
