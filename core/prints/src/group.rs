//! Near-duplicates: revisions of one instruction, copies under another name, files that were made from one template. Their
//! prints count as those of one document, or each of them would make those of the others look like boilerplate.

use crate::collection::Document;
use crate::list::Prints;
use std::collections::{BTreeMap, HashMap};

/// The smallest prints of a document, by which those that may be alike are met: of two documents that share a quarter of
/// all their prints, all 16 differ once in a hundred times (Broder, "On the resemblance and containment of documents",
/// 1997).
const SKETCH: usize = 16;
/// A print that so many groups have among the smallest is a phrase of the house.
const COMMON: usize = 32;
/// Those that share most of the sketch are compared print by print, and no more than these.
const COMPARED: usize = 8;
/// Share of the shorter one's prints that two documents of a group have in common, in percent.
const ALIKE: u32 = 25;

/// The groups of a collection.
pub(crate) struct Groups {
    /// By print: each group that has it in a sketch, and the document that has.
    sketches: HashMap<u64, Vec<(u32, u32)>>,
    next: u32,
}

impl Groups {
    pub(crate) fn of(documents: &[Document]) -> Self {
        let mut groups = Self { sketches: HashMap::new(), next: 0 };
        for (index, document) in documents.iter().enumerate() {
            groups.next = groups.next.max(document.group + 1);
            groups.join(document.group, index, &document.prints);
        }
        groups
    }

    /// The document that is most like one with these prints, if one is like it.
    pub(crate) fn like(&self, documents: &[Document], prints: &Prints) -> Option<usize> {
        let mut votes: BTreeMap<u32, usize> = BTreeMap::new();
        for print in prints.iter().take(SKETCH) {
            for (_, index) in self.sketches.get(&print).into_iter().flatten() {
                *votes.entry(*index).or_default() += 1;
            }
        }
        let mut likely: Vec<(u32, usize)> = votes.into_iter().collect();
        likely.sort_by_key(|(index, votes)| (usize::MAX - votes, *index));
        let compared = likely.into_iter().take(COMPARED).filter_map(|(index, _)| {
            let other = &documents.get(index as usize)?.prints;
            let shared = prints.shared(other);
            let alike = u64::from(shared) * 100 >= u64::from(ALIKE) * u64::from(prints.len().min(other.len()));
            alike.then_some((shared, index as usize))
        });
        compared.max_by_key(|(shared, index)| (*shared, usize::MAX - index)).map(|(_, index)| index)
    }

    /// The number of a new group.
    pub(crate) fn begin(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// The document with this index is of that group.
    pub(crate) fn join(&mut self, group: u32, index: usize, prints: &Prints) {
        for print in prints.iter().take(SKETCH) {
            let groups = self.sketches.entry(print).or_default();
            if groups.len() < COMMON && groups.iter().all(|(other, _)| *other != group) {
                groups.push((group, u32::try_from(index).unwrap_or(u32::MAX)));
            }
        }
    }
}
