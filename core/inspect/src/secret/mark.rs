//! Key formats that vendors mark in their middle or at their end, from the vendors' public documentation: so many
//! characters, the mark, so many more.

use super::draw::draw;
use super::value::Shape;
use super::vendor::Body;
use crate::bytes::Bytes;
use std::ops::Range;

/// One such format.
pub(crate) struct Mark {
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// What the automaton looks for; case matters.
    pub(crate) mark: &'static str,
    /// What stands before, and how many bytes of it.
    before: (Body, usize, usize),
    /// What stands behind.
    after: (Body, usize, usize),
}

type Side = (Body, usize, usize);

impl Mark {
    /// A key of this form, of the least length.
    pub(crate) fn example(&self) -> String {
        let ((before, least, _), (after, fewest, _)) = (self.before, self.after);
        format!("{}{}{}", draw(least, |b| before.holds(b)), self.mark, draw(fewest, |b| after.holds(b)))
    }
}

const fn mark(rule: &'static str, mark: &'static str, before: Side, after: Side) -> Mark {
    Mark { rule, mark, before, after }
}

/// The table. Azure's marked keys have 32, 39, 40 or 64 bytes; their base64 holds the service's four letters.
#[rustfmt::skip]
pub(crate) const MARKS: &[Mark] = &[
    mark("key.azure", "JQQJ99", (Body::Alnum, 52, 52), (Body::Alnum, 26, 26)),
    mark("key.azure", "AzFu", (Body::Base64, 44, 44), (Body::Base64, 8, 8)),
    mark("key.azure", "AzSe", (Body::Base64, 42, 42), (Body::Base64, 6, 6)),
    mark("key.azure", "AzCa", (Body::Base64, 33, 42), (Body::Base64, 6, 8)),
    mark("key.azure", "+ACR", (Body::Base64, 42, 42), (Body::Base64, 6, 6)),
    mark("key.azure", "ACDb", (Body::Base64, 76, 76), (Body::Base64, 8, 8)),
    mark("key.azure", "+ASt", (Body::Base64, 76, 76), (Body::Base64, 8, 8)),
    mark("key.azure", "+ABa", (Body::Base64, 76, 76), (Body::Base64, 8, 8)),
    mark("key.azure", "+ASb", (Body::Base64, 33, 33), (Body::Base64, 7, 7)),
    mark("key.azure", "+AEh", (Body::Base64, 33, 33), (Body::Base64, 7, 7)),
    mark("key.azure", "+ARm", (Body::Base64, 33, 33), (Body::Base64, 7, 7)),
    mark("key.azure", "AIoT", (Body::Base64, 33, 33), (Body::Base64, 7, 7)),
    mark("key.firebase", ":APA91b", (Body::Url, 11, 30), (Body::Url, 110, 200)),
    mark("key.mailchimp", "-us", (Body::Hex, 32, 32), (Body::Upper, 1, 2)),
    mark("key.maxmind", "_mmk", (Body::Word, 36, 36), (Body::Word, 0, 0)),
    mark("key.rapidapi", "jsn", (Body::Lower, 35, 35), (Body::Lower, 12, 12)),
    mark("key.salesforce", "!AQ", (Body::Alnum, 15, 18), (Body::Dotted, 80, 130)),
];

/// The key around the mark that stands at `at`, if it is one.
pub(crate) fn key(text: Bytes<'_>, format: &Mark, at: usize) -> Option<Range<usize>> {
    let behind = at + format.mark.len();
    if text.slice(at..behind) != format.mark.as_bytes() {
        return None;
    }
    let ((before, least, most), (after, fewest, longest)) = (format.before, format.after);
    let start = text.run_back(at, most + 1, |byte| before.holds(byte));
    let end = text.run(behind, longest + 1, |byte| after.holds(byte));
    let fits = (least..=most).contains(&(at - start)) && (fewest..=longest).contains(&(end - behind));
    let inside = text.before(start).is_ascii_alphanumeric() || text.at(end).is_ascii_alphanumeric();
    (fits && !inside && Shape::of(text.slice(start..at)).random()).then_some(start..end)
}
