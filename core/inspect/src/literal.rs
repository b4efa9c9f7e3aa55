//! Pass A: everything that detectors look for literally, in one pass and in any case of ASCII letters.
//!
//! Few places of a text begin with three bytes that any literal begins with; only there is it compared. That takes a
//! table of 4 KiB, which stays in the cache between calls. An automaton over all of it has megabytes.

use crate::injection::marker;
use crate::numbered::{self, Named};
use crate::person::address;
use crate::person::name::{self, Before};
use crate::plan;
use crate::secret::assigned::{KEYWORDS, Names};
use crate::secret::command;
use crate::secret::encoded::HASHES;
use crate::secret::mark::MARKS;
use crate::secret::pem;
use crate::secret::vendor::VENDORS;
use crate::setpoint::CUES;
use crate::tolerance;
use std::collections::BTreeMap;
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
    /// `setp`.
    Setp,
    /// `ns=`.
    Node,
    /// `Program:`, `Local:`.
    Module,
    /// `[at]`.
    At,
    /// What stands in front of a word that is a secret.
    Command,
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
}

/// What is looked for, by its first three bytes.
pub(crate) struct Literals {
    /// The openings that literals have: 64 to a word, a bit each.
    openings: Box<[u64; WORDS]>,
    /// How many openings the words before hold.
    ranks: Box<[u16; WORDS]>,
    /// For each opening that literals have, ascending, those literals.
    groups: Vec<Group>,
}

/// Literals that begin alike.
#[derive(Default)]
struct Group {
    /// The fourth bytes that they go on with, a bit for each five; all of them, if one has no fourth.
    fourth: u32,
    literals: Vec<(&'static str, Literal)>,
}

/// Three bytes, five bits of each: those do not tell the cases of a letter apart.
type Opening = u16;

const WORDS: usize = 512;

/// The opening that follows on one when the text goes on with a byte.
fn follow(opening: Opening, byte: u8) -> Opening {
    (opening << 5 | Opening::from(byte & 31)) & 0x7FFF
}

/// The word of an opening, and its bit there.
fn place(opening: Opening) -> (usize, u64) {
    (usize::from(opening >> 6) % WORDS, 1 << (opening & 63))
}

impl Literals {
    pub(crate) fn new() -> Self {
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
        table.extend([("setp ", Literal::Setp), ("ns=", Literal::Node), ("vlan", Literal::Vlan)]);
        table.extend([("Program:", Literal::Module), ("Local:", Literal::Module)]);
        table.extend(["[at]", "(at)", "{at}"].map(|at| (at, Literal::At)));
        table.extend(command::HEADS.map(|head| (head, Literal::Command)));
        table.extend(numbered::LABELS.iter().map(|(label, named)| (*label, Literal::Label(*named))));
        table.extend(name::BEFORE.map(|(before, kind)| (before, Literal::Name(kind))));
        table.extend(address::STREETS.map(|street| (street, Literal::Street)));
        table.extend(address::LABELS.map(|label| (label, Literal::Address)));
        table.extend(tolerance::GEOMETRY.map(|word| (word, Literal::Geometry)));
        table.extend(plan::STATEMENTS.map(|head| (head, Literal::Statement)));
        table.extend(marker::TOKENS.map(|token| (token, Literal::Template)));
        table.extend(marker::TAGS.map(|tag| (tag, Literal::Role)));
        let mut groups: BTreeMap<Opening, Group> = BTreeMap::new();
        for (literal, meaning) in table {
            let first = literal.bytes().take(3).fold(0, follow);
            // One of two bytes opens with whatever follows.
            let openings = if literal.len() < 3 { (first << 5) & 0x7FFF..=first << 5 | 31 } else { first..=first };
            for opening in openings {
                let group = groups.entry(opening).or_default();
                group.fourth |= literal.as_bytes().get(3).map_or(u32::MAX, |byte| 1 << (byte & 31));
                group.literals.push((literal, meaning));
            }
        }
        let (mut openings, mut ranks) = (Box::new([0_u64; WORDS]), Box::new([0_u16; WORDS]));
        for opening in groups.keys() {
            let (word, bit) = place(*opening);
            if let Some(openings) = openings.get_mut(word) {
                *openings |= bit;
            }
        }
        let mut rank = 0;
        for (word, openings) in ranks.iter_mut().zip(openings.iter()) {
            *word = rank;
            rank += count(*openings);
        }
        Self { openings, ranks, groups: groups.into_values().collect() }
    }

    /// Every occurrence, overlapping ones too, in order of their beginnings.
    pub(crate) fn find<'t>(&'t self, text: &'t str) -> Occurrences<'t> {
        let opening = text.bytes().take(2).fold(0, follow);
        Occurrences { literals: self, text: text.as_bytes(), at: 0, opening, group: [].iter() }
    }

    /// The literals that begin so.
    fn group(&self, opening: Opening) -> Option<&Group> {
        let (word, bit) = place(opening);
        let openings = self.openings.get(word).filter(|openings| *openings & bit != 0)?;
        let rank = self.ranks.get(word)? + count(openings & (bit - 1));
        self.groups.get(usize::from(rank))
    }
}

/// How many bits are set.
fn count(word: u64) -> u16 {
    word.count_ones().try_into().unwrap_or_default()
}

/// Goes through a text.
pub(crate) struct Occurrences<'t> {
    literals: &'t Literals,
    text: &'t [u8],
    /// Behind the place that was looked at last.
    at: usize,
    /// The two bytes there.
    opening: Opening,
    /// What may still stand at the place that was looked at last.
    group: std::slice::Iter<'t, (&'static str, Literal)>,
}

impl Iterator for Occurrences<'_> {
    type Item = (Literal, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for (literal, meaning) in self.group.by_ref() {
                let span = self.at - 1..self.at - 1 + literal.len();
                if self.text.get(span.clone()).is_some_and(|text| text.eq_ignore_ascii_case(literal.as_bytes())) {
                    return Some((*meaning, span));
                }
            }
            self.group = self.advance()?.iter();
        }
    }
}

impl<'t> Occurrences<'t> {
    /// Goes to the next place where a literal may begin.
    fn advance(&mut self) -> Option<&'t [(&'static str, Literal)]> {
        let (mut at, mut opening) = (self.at, self.opening);
        while at < self.text.len() {
            opening = follow(opening, self.text.get(at + 2).copied().unwrap_or_default());
            at += 1;
            if let Some(group) = self.literals.group(opening)
                && group.fourth >> (self.text.get(at + 2).copied().unwrap_or_default() & 31) & 1 == 1
            {
                (self.at, self.opening) = (at, opening);
                return Some(&group.literals);
            }
        }
        self.at = at;
        None
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
            let (text, literals) = (text.concat(), Literals::new());
            let mut slowly: Vec<_> = literals.groups.iter().flat_map(|group| &group.literals).flat_map(|(literal, _)| {
                let folded = text.to_ascii_lowercase();
                let literal = literal.to_ascii_lowercase();
                let ends = move |at: usize| folded.as_bytes()[at..].starts_with(literal.as_bytes()).then_some(at + literal.len());
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
        let literals = Literals::new();
        let most = literals.groups.iter().map(|group| group.literals.len()).max().expect("groups");
        assert!(most <= 24, "{most} literals begin alike: an opening of three bytes tells too little");
    }
}
