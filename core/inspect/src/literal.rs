//! Pass A: one automaton over everything that detectors look for literally.

use crate::secret::assigned::{KEYWORDS, Names};
use crate::secret::encoded::HASHES;
use crate::secret::pem;
use crate::secret::vendor::VENDORS;
use crate::setpoint::CUES;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What a literal opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    /// A vendor's key, by its row.
    Vendor(usize),
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
}

/// The automaton and what its patterns mean.
pub(crate) struct Literals {
    automaton: AhoCorasick,
    meanings: Vec<Literal>,
}

impl Literals {
    /// `None` only if the automaton could not be built, which its fixed size rules out.
    pub(crate) fn new() -> Option<Self> {
        let mut table: Vec<(&str, Literal)> = Vec::new();
        table.extend(VENDORS.iter().enumerate().map(|(at, vendor)| (vendor.prefix, Literal::Vendor(at))));
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
        table.extend([("setp ", Literal::Setp), ("ns=", Literal::Node)]);
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(table.iter().map(|(literal, _)| literal))
            .ok()?;
        Some(Self { automaton, meanings: table.into_iter().map(|(_, meaning)| meaning).collect() })
    }

    /// Every occurrence, overlapping ones too, in order of their ends.
    pub(crate) fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (Literal, std::ops::Range<usize>)> + 't {
        self.automaton
            .find_overlapping_iter(text)
            .filter_map(|hit| Some((*self.meanings.get(hit.pattern().as_usize())?, hit.range())))
    }
}
