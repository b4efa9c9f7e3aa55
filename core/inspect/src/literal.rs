//! Pass A: everything that detectors look for literally, in one pass and in any case of ASCII letters.
//!
//! Few places of a text begin with four bytes that any literal begins with; only there is it compared. That takes a
//! table of 16 KiB, which stays in the cache between calls. An automaton over all of it has megabytes.

use crate::bytes::{Caseless, first, head};
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

/// A literal, and its first eight bytes.
#[derive(Clone)]
struct Known {
    caseless: Caseless,
    text: Cow<'static, [u8]>,
    meaning: Literal,
}

impl Known {
    fn new(text: Cow<'static, [u8]>, meaning: Literal) -> Self {
        Self { caseless: Caseless::new(&text), text, meaning }
    }
}

/// How many words of 64 bits tell the openings.
const WORDS: usize = 1 << 11;

/// What is told of four bytes, below 2^17.
#[inline]
fn opening(head: [u8; 4]) -> usize {
    spread(u64::from(u32::from_le_bytes(head) & 0x1F1F_1F1F), 17)
}

/// The openings that a literal may have: one of fewer than four bytes opens with whatever follows.
fn openings(literal: &[u8]) -> BTreeSet<usize> {
    let any = |byte: Option<&u8>| byte.map_or(0..=31, |byte| byte & 31..=byte & 31);
    let [one, two, ..] = head::<4>(literal);
    let (thirds, fourths) = (any(literal.get(2)), any(literal.get(3)));
    thirds.flat_map(|third| fourths.clone().map(move |fourth| opening([one, two, third, fourth]))).collect()
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

    /// Tells `take` every occurrence, overlapping ones too, in order of their beginnings, until it says no.
    pub(crate) fn find(&self, text: &str, mut take: impl FnMut(Literal, Range<usize>) -> bool) {
        let text = text.as_bytes();
        for start in (0..text.len()).step_by(BLOCK) {
            let mut places = self.places(text, start);
            while places != 0 {
                let at = start + places.trailing_zeros() as usize;
                places &= places - 1;
                let rest = text.get(at..).unwrap_or_default();
                let first = first(rest);
                for known in self.group(head(rest)) {
                    if known.caseless.stands(&known.text, first, rest)
                        && !take(known.meaning, at..at + known.text.len())
                    {
                        return;
                    }
                }
            }
        }
    }

    /// A bit for each place of the block of `text` that begins at `start` where a literal may begin, the first the lowest.
    fn places(&self, text: &[u8], start: usize) -> u64 {
        let rest = text.get(start..).unwrap_or_default();
        match rest.first_chunk() {
            Some(whole) => self.openings_of(whole),
            None => {
                let places = self.openings_of(&head(rest));
                let behind = u32::try_from(rest.len()).ok().and_then(|length| u64::MAX.checked_shl(length));
                places & !behind.unwrap_or(0)
            }
        }
    }

    /// Without a branch for each byte: no processor guesses where an opening stands.
    #[inline]
    fn openings_of(&self, block: &[u8; BLOCK + 3]) -> u64 {
        let has = |head: &[u8; 4]| u64::from(self.openings.has(opening(*head)));
        block.array_windows().zip(0..).fold(0, |places, (head, at)| places | has(head) << at)
    }

    /// The literals that may stand where a text goes on so.
    #[inline]
    fn group(&self, head: [u8; 4]) -> &[Known] {
        let group = self.openings.rank(opening(head)).and_then(|rank| self.groups.get(rank));
        group.map(Vec::as_slice).unwrap_or_default()
    }
}

/// Bytes of a block.
const BLOCK: usize = 64;

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
            let mut found = Vec::new();
            literals.find(&text, |_, span| {
                found.push((span.start, span.end));
                true
            });
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
