//! What the records of a chapter say, gathered under the words that people search for.

use super::chapter::{self, BUNDLES};
use ledger::Entry;
use std::collections::BTreeMap;

/// Most different values of a field in a chapter, and of a model, which callers choose freely; longest value in bytes. A field that goes
/// beyond is not searched by in that chapter, and its records are looked at one by one.
const VALUES: usize = 16_384;
const MODELS: usize = 2048;
const LONGEST: usize = u8::MAX as usize;

/// What is searched by. Their order is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Kind,
    Zone,
    Conduit,
    Workload,
    Operator,
    Provider,
    Model,
    Verdict,
    Reason,
    Sensitivity,
    Judgement,
    Finding,
}

/// Every field with its places in a record: those that [`store::Filter`] looks at.
pub(crate) const FIELDS: [(Field, &[&str]); 12] = [
    (Field::Kind, &["kind"]),
    (Field::Zone, &["where.zone"]),
    (Field::Conduit, &["where.conduit"]),
    (Field::Workload, &["who.workload.id", "note.workload"]),
    (Field::Operator, &["who.operator.id"]),
    (Field::Provider, &["what.provider", "what.rerouted"]),
    (Field::Model, &["what.model", "out.model", "note.model"]),
    (Field::Verdict, &["dec.verdict"]),
    (Field::Reason, &["dec.reason", "out.reason", "note.reason"]),
    (Field::Sensitivity, &["what.sensitivity"]),
    (Field::Judgement, &["note.decision"]),
    (Field::Finding, &["what.findings"]),
];

/// The identities that a record names beside its own.
const NAMED: [&str; 4] = ["id", "ref", "note.record", "note.call"];

/// A chapter that is being gathered.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The number of its first record.
    pub(crate) first: u64,
    /// From which place on it is gathered: those before were removed.
    pub(crate) from: u64,
    /// To which place it is.
    pub(crate) to: u64,
    lists: [BTreeMap<Box<str>, Vec<u16>>; FIELDS.len()],
    /// Fields that nobody can search by here.
    full: u16,
    names: Vec<u64>,
    times: Vec<(u64, u64)>,
    /// Places of records that cannot be read.
    odd: Vec<u16>,
}

impl Gathered {
    pub(crate) fn new(first: u64) -> Self {
        let times = vec![(u64::MAX, 0); BUNDLES];
        let lists = std::array::from_fn(|_| BTreeMap::new());
        Self { first, from: 0, to: 0, lists, full: 0, names: Vec::new(), times, odd: Vec::new() }
    }

    /// Takes in the next record; nothing, if it is there and cannot be read.
    pub(crate) fn take(&mut self, seq: u64, entry: Option<&Entry>) {
        let Ok(place) = u16::try_from(seq.saturating_sub(self.first)) else { return };
        if self.to == 0 {
            self.from = u64::from(place);
        }
        self.to = u64::from(place) + 1;
        let Some(entry) = entry else { return self.odd.push(place) };
        if let Some((low, high)) = self.times.get_mut(usize::from(place >> 8)) {
            (*low, *high) = (entry.t().0.min(*low), entry.t().0.max(*high));
        }
        for (index, (field, paths)) in FIELDS.iter().enumerate() {
            for path in *paths {
                match field {
                    Field::Finding => labels(entry, path).for_each(|label| self.list(index, label, place, VALUES)),
                    Field::Model => entry.text(path).into_iter().for_each(|text| self.list(index, text, place, MODELS)),
                    _ => entry.text(path).into_iter().for_each(|text| self.list(index, text, place, VALUES)),
                }
            }
        }
        let names = NAMED.iter().filter_map(|path| entry.text(path)).filter_map(name);
        self.names.extend(names.map(|name| name << 16 | u64::from(place)));
    }

    fn list(&mut self, index: usize, value: &str, place: u16, most: usize) {
        let Some(lists) = self.lists.get_mut(index).filter(|_| self.full >> index & 1 == 0) else { return };
        if let Some(list) = lists.get_mut(value) {
            if list.last() != Some(&place) {
                list.push(place);
            }
        } else if lists.len() < most && value.len() <= LONGEST {
            lists.insert(value.into(), vec![place]);
        } else {
            lists.clear();
            self.full |= 1 << index;
        }
    }

    /// The chapter as it is stored, with the leaf hash of its last record.
    pub(crate) fn encode(&self, last: &ledger::Hash) -> Vec<u8> {
        let mut written = chapter::Words::default();
        for (index, values) in (0..).zip(&self.lists) {
            values.iter().for_each(|(value, list)| written.push(index, value, list));
        }
        if !self.odd.is_empty() {
            written.push(chapter::ODD, "", &self.odd);
        }
        let mut names = self.names.clone();
        names.sort_unstable();
        names.dedup();
        let head = chapter::Head { first: self.first, from: self.from, to: self.to, full: self.full, last: *last };
        head.encode(&self.times, &written, &names)
    }
}

fn labels<'a>(entry: &'a Entry, path: &str) -> impl Iterator<Item = &'a str> {
    let items = entry.at(path).and_then(|items| items.as_array()).into_iter().flatten();
    items.filter_map(|item| item.get("label")?.as_str())
}

/// Whether something with that label was found in a record.
pub(crate) fn found(entry: &Entry, label: &str) -> bool {
    FIELDS
        .iter()
        .filter(|(field, _)| *field == Field::Finding)
        .any(|(_, paths)| paths.iter().any(|path| labels(entry, path).any(|found| found == label)))
}

/// Whether a record names an identity: as its own, or of another.
pub(crate) fn names(entry: &Entry, id: &str) -> bool {
    NAMED.iter().any(|path| entry.text(path) == Some(id))
}

/// The last 48 bits of an identity, which are drawn at random.
pub(crate) fn name(id: &str) -> Option<u64> {
    let random = id.get(id.len().checked_sub(12)?..)?;
    (id.len() == 36).then(|| u64::from_str_radix(random, 16).ok()).flatten()
}
