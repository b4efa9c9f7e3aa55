//! Pass A: everything that detectors look for literally, in one pass and in any case of ASCII letters.
//!
//! Few places of a text begin with four bytes that any literal begins with; only there is it compared. That takes a
//! table of 8 KiB, which stays in the cache between calls. An automaton over all of it has megabytes.

use crate::injection::marker;
use crate::numbered::{self, Named};
use crate::person::address;
use crate::person::name::{self, Before};
use crate::plan;
use crate::ranked::{Ranked, spread};
use crate::secret::assigned::{KEYWORDS, Names};
use crate::secret::command;
use crate::secret::encoded::HASHES;
use crate::secret::mark::MARKS;
use crate::secret::pem;
use crate::secret::vendor::VENDORS;
use crate::setpoint::{CUES, PROCESS};
use crate::tolerance;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What a literal opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    /// A vendor's key, by its row.
    Vendor(usize),
    /// A mark inside a vendor's key, by its row.
    Mark(usize),
    /// An assignment.
    Keyword(Names),
    PemOpener,
    PemCloser,
    /// `://`.
    Scheme,
    /// `-u`, `--user`.
    User,
    /// `Bearer`, `Basic`.
    Bearer,
    Webhook,
    Jwt,
    Hash,
    /// `Q~`.
    Entra,
    /// `:AA`.
    Telegram,
    /// `AZDO`.
    AzureDevops,
    /// A word of process control.
    Cue,
    /// One that says nothing of names near it; whether words are joined to it.
    Process(bool),
    /// `setp`.
    Setp,
    /// `ns=`.
    Node,
    /// `Program:`, `Local:`.
    Module,
    /// `[at]`.
    At,
    /// What stands in front of a word that is a secret, by its row.
    Command(usize),
    /// A label in front of a number.
    Label(Named),
    /// A title or a label in front of a name.
    Name(Before),
    /// A word for a street.
    Street,
    /// `address:`.
    Address,
    /// A word for a geometrical tolerance.
    Geometry,
    /// A statement of a firewall or a switch.
    Statement,
    Vlan,
    /// A token of a chat template.
    Template,
    /// A tag that may tell who speaks.
    Role,
    /// What a term of the plant's dictionary begins with.
    Term,
}

/// What is looked for, by its first four bytes.
pub(crate) struct Literals {
    /// The openings that literals have.
    openings: Ranked<WORDS>,
    /// For each opening that literals have, ascending, those literals.
    groups: Vec<Vec<Known>>,
}

/// A literal, and what of its first eight bytes does not tell the cases of a letter apart.
#[derive(Clone)]
struct Known {
    head: u64,
    /// The bits of `head` that it has.
    mask: u64,
    text: Cow<'static, [u8]>,
    meaning: Literal,
}

impl Known {
    fn new(text: Cow<'static, [u8]>, meaning: Literal) -> Self {
        let own = u32::try_from(text.len().min(8)).unwrap_or(0) * 8;
        let mask = u64::MAX.checked_shr(64 - own).unwrap_or(0);
        Self { head: uncased(&text), mask: mask & UNCASED, text, meaning }
    }

    /// Whether it stands where a text goes on so; `head` is of `text`.
    #[inline]
    fn stands(&self, head: u64, text: &[u8]) -> bool {
        let own = self.text.as_ref();
        head & self.mask == self.head && text.get(..own.len()).is_some_and(|text| text.eq_ignore_ascii_case(own))
    }
}

/// Five bits of each of eight bytes: those do not tell the cases of a letter apart.
const UNCASED: u64 = 0x1F1F_1F1F_1F1F_1F1F;

/// What is told of the first eight bytes of a text.
#[inline]
fn uncased(text: &[u8]) -> u64 {
    u64::from_le_bytes(head(text)) & UNCASED
}

/// How many words of 64 bits tell the openings.
const WORDS: usize = 1 << 10;

/// What is told of four bytes, below 2^16.
#[inline]
fn opening(head: [u8; 4]) -> usize {
    spread(u64::from(u32::from_le_bytes(head) & 0x1F1F_1F1F), 16)
}

/// The openings that a literal may have: one of fewer than four bytes opens with whatever follows.
fn openings(literal: &[u8]) -> BTreeSet<usize> {
    let any = |byte: Option<&u8>| byte.map_or(0..=31, |byte| byte & 31..=byte & 31);
    let [first, second, ..] = head::<4>(literal);
    let (thirds, fourths) = (any(literal.get(2)), any(literal.get(3)));
    thirds.flat_map(|third| fourths.clone().map(move |fourth| opening([first, second, third, fourth]))).collect()
}

/// The first bytes of a text; behind its end are zeros.
#[inline]
fn head<const N: usize>(text: &[u8]) -> [u8; N] {
    text.first_chunk().copied().unwrap_or_else(|| {
        let mut head = [0; N];
        head.iter_mut().zip(text).for_each(|(to, byte)| *to = *byte);
        head
    })
}

impl Literals {
    /// Those of the built-in rules, and what the plant's own terms begin with.
    pub(crate) fn new<'t>(terms: impl Iterator<Item = &'t [u8]>) -> Self {
        let mut table: Vec<(&str, Literal)> = Vec::new();
        table.extend(VENDORS.iter().enumerate().map(|(at, vendor)| (vendor.prefix, Literal::Vendor(at))));
        table.extend(MARKS.iter().enumerate().map(|(at, mark)| (mark.mark, Literal::Mark(at))));
        table.extend(KEYWORDS.iter().map(|(word, names)| (*word, Literal::Keyword(*names))));
        table.extend([(pem::OPENER, Literal::PemOpener), (pem::CLOSER, Literal::PemCloser), ("://", Literal::Scheme)]);
        table.extend([("-u ", Literal::User), ("--user", Literal::User), ("-u=", Literal::User)]);
        table.extend([
            ("bearer ", Literal::Bearer),
            ("basic ", Literal::Bearer),
            ("bearer: ", Literal::Bearer),
            ("authorization:", Literal::Bearer),
            ("ssws ", Literal::Bearer),
        ]);
        table.extend(
            [
                "hooks.slack.com/services/",
                "hooks.slack.com/workflows/",
                "webhook.office.com/webhook",
                "outlook.office.com/webhook/",
                "discord.com/api/webhooks/",
            ]
            .map(|host| (host, Literal::Webhook)),
        );
        table.extend([
            ("eyJ", Literal::Jwt),
            ("Q~", Literal::Entra),
            (":AA", Literal::Telegram),
            ("AZDO", Literal::AzureDevops),
        ]);
        table.extend(HASHES.map(|hash| (hash, Literal::Hash)));
        table.extend(CUES.iter().map(|cue| (*cue, Literal::Cue)));
        table.extend(PROCESS.iter().map(|word| {
            let joined = word.strip_prefix('*');
            (joined.unwrap_or(word), Literal::Process(joined.is_some()))
        }));
        table.extend([("setp ", Literal::Setp), ("ns=", Literal::Node), ("vlan", Literal::Vlan)]);
        table.extend([("Program:", Literal::Module), ("Local:", Literal::Module)]);
        table.extend(["[at]", "(at)", "{at}"].map(|at| (at, Literal::At)));
        table.extend(command::COMMANDS.iter().enumerate().map(|(row, (head, _))| (*head, Literal::Command(row))));
        table.extend(numbered::LABELS.iter().map(|(label, named)| (*label, Literal::Label(*named))));
        table.extend(name::BEFORE.map(|(before, kind)| (before, Literal::Name(kind))));
        table.extend(address::STREETS.map(|street| (street, Literal::Street)));
        table.extend(address::LABELS.map(|label| (label, Literal::Address)));
        table.extend(tolerance::GEOMETRY.map(|word| (word, Literal::Geometry)));
        table.extend(plan::STATEMENTS.map(|head| (head, Literal::Statement)));
        table.extend(marker::TOKENS.map(|token| (token, Literal::Template)));
        table.extend(marker::TAGS.map(|tag| (tag, Literal::Role)));
        let built_in = table.into_iter().map(|(text, meaning)| Known::new(Cow::Borrowed(text.as_bytes()), meaning));
        let own = terms.map(|term| Known::new(Cow::Owned(term.to_vec()), Literal::Term));
        let mut groups: BTreeMap<usize, Vec<Known>> = BTreeMap::new();
        for known in built_in.chain(own) {
            for opening in openings(&known.text) {
                groups.entry(opening).or_default().push(known.clone());
            }
        }
        Self { openings: Ranked::new(groups.keys().copied()), groups: groups.into_values().collect() }
    }

    /// Every occurrence, overlapping ones too, in order of their beginnings.
    pub(crate) fn find<'t>(&'t self, text: &'t str) -> Occurrences<'t> {
        Occurrences { literals: self, text: text.as_bytes(), at: 0, head: 0, group: [].iter() }
    }

    /// The literals that may stand where a text goes on so.
    #[inline]
    fn group(&self, head: [u8; 4]) -> Option<&[Known]> {
        self.groups.get(self.openings.rank(opening(head))?).map(Vec::as_slice)
    }
}

/// Goes through a text.
pub(crate) struct Occurrences<'t> {
    literals: &'t Literals,
    text: &'t [u8],
    /// Behind the place that was looked at last.
    at: usize,
    /// What is told of the text there.
    head: u64,
    /// What may still stand there.
    group: std::slice::Iter<'t, Known>,
}

impl Iterator for Occurrences<'_> {
    type Item = (Literal, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at.saturating_sub(1)..).unwrap_or_default();
            let head = self.head;
            if let Some(known) = self.group.find(|known| known.stands(head, rest)) {
                let start = self.at - 1;
                return Some((known.meaning, start..start + known.text.len()));
            }
            self.group = self.advance()?.iter();
        }
    }
}

impl<'t> Occurrences<'t> {
    /// Goes to the next place where a literal may begin.
    fn advance(&mut self) -> Option<&'t [Known]> {
        let rest = self.text.get(self.at..)?;
        let whole = rest.array_windows().enumerate().find_map(|(at, head)| Some((at, self.literals.group(*head)?)));
        let last = || {
            let mut tails = (rest.len().saturating_sub(3)..rest.len()).filter_map(|at| Some((at, rest.get(at..)?)));
            tails.find_map(|(at, tail)| Some((at, self.literals.group(head(tail))?)))
        };
        let (at, group) = whole.or_else(last)?;
        self.at += at + 1;
        self.head = uncased(rest.get(at..)?);
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::Literals;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_occurrence_is_found(text in prop::collection::vec(
            prop::sample::select(vec!["password", "pass", "Word", "eyJ", "EY", "q~", "Q", "://", ":AA", "s", " ", "é", "ns="]), 0..24,
        )) {
            let (text, literals) = (text.concat(), Literals::new([b"Tank".as_slice(), b"tan"].into_iter()));
            let mut slowly: Vec<_> = literals.groups.iter().flatten().flat_map(|known| {
                let folded = text.to_ascii_lowercase();
                let literal = known.text.to_ascii_lowercase();
                let ends = move |at: usize| folded.as_bytes()[at..].starts_with(&literal).then_some(at + literal.len());
                (0..text.len()).filter_map(move |at| Some((at, ends(at)?))).collect::<Vec<_>>()
            }).collect();
            slowly.sort_unstable();
            slowly.dedup();
            let mut found: Vec<_> = literals.find(&text).map(|(_, span)| (span.start, span.end)).collect();
            found.sort_unstable();
            found.dedup();
            prop_assert_eq!(found, slowly);
        }
    }

    #[test]
    fn no_place_is_compared_with_many() {
        let literals = Literals::new(std::iter::empty());
        let most = literals.groups.iter().map(Vec::len).max().expect("groups");
        assert!(most <= 24, "{most} literals begin alike: an opening of four bytes tells too little");
    }
}
