//! What the record of an exchange says, filled in as the exchange learns it.

use crate::Inforce;
use crate::journal::Journal;
use crate::reading::Reading;
use crate::target::Target;
use bytes::Bytes;
use http::HeaderMap;
use http::header::USER_AGENT;
use identity::Identified;
use plant::{
    Client, Decided, Finding, FindingCount, Identity, Io, Note, Party, Place, Plant, Principal, Refusal, Scale,
    Verdict, What,
};
use policy::{Crossing, Decision, Misplaced, Partial, Passage, Permit};
use seal::{Mac, Tagging};
use std::collections::BTreeMap;
use std::fmt::Display;

/// Longest foreign text in a record, in characters.
const LONGEST: usize = 120;
/// Most tool names in a record.
const MOST_TOOLS: usize = 32;

/// The client library that a call was made with, as it says itself. A secret that stands there is none.
fn client(headers: &HeaderMap) -> Option<Client> {
    let agent = headers.get(USER_AGENT)?.as_bytes();
    inventory::client(agent).filter(|_| !identity::holds_token(agent))
}

impl Journal {
    /// Where the call wants to go.
    pub(crate) fn heads_for(&mut self, target: &Target<'_>, inforce: &Inforce) {
        let plant = inforce.plant();
        let provider = plant::ProviderId::new(target.provider).ok().filter(|id| plant.providers.contains_key(id));
        let endpoint = match &target.endpoint {
            Some(endpoint) => endpoint.name().to_owned(),
            None => cut(&format!("{} {}", target.method, target.path)),
        };
        if let Some(who) = &mut self.body.who {
            who.client = client(target.headers);
        }
        if let Some(way) = target.way {
            self.body.note.insert("way", Note::text(way));
        }
        self.stands_in(plant);
        let dialect = provider.is_some().then_some(target.dialect);
        self.body.what = Some(What { dialect, provider, endpoint, ..What::default() });
    }

    /// In which plant, and by which version of it decided: refused, until more is known.
    pub(crate) fn stands_in(&mut self, plant: &Plant) {
        self.body.place = Some(Place { plant: plant.id.clone(), zone: None, conduit: None, purpose: None });
        self.body.decided = Some(Decided {
            verdict: Verdict::Refuse,
            reason: None,
            detail: None,
            rules: Vec::new(),
            policy: plant.digest.clone(),
        });
    }

    /// Who calls, as far as known.
    pub(crate) fn identified(&mut self, identified: Identified) -> Result<Principal, Refusal> {
        if let Some(who) = &mut self.body.who {
            who.workload = party(&identified.principal.workload);
            who.workstation = party(&identified.principal.workstation);
            who.operator = party(&identified.principal.operator);
        }
        match identified.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(identified.principal),
        }
    }

    /// The crossing, as far as it was placed.
    pub(crate) fn placed(&mut self, placed: Result<Crossing, Box<Misplaced>>) -> Result<Crossing, Refusal> {
        let (partial, result) = match placed {
            Ok(crossing) => (crossing.as_partial(), Ok(crossing)),
            Err(misplaced) => {
                let Misplaced { place, refusal } = *misplaced;
                (place, Err(refusal))
            }
        };
        let Partial { zone, conduit, purpose, .. } = partial;
        if let Some(place) = &mut self.body.place {
            (place.zone, place.conduit, place.purpose) = (zone, conduit, purpose);
        }
        result
    }

    /// The request as it came.
    pub(crate) fn received(&mut self, commitments: &Mac, bytes: &Bytes) {
        self.body.io = Some(Io {
            request: Some(self.commit(commitments, "request", bytes)),
            request_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            ..Io::default()
        });
    }

    /// What the request asks for.
    pub(crate) fn asks(&mut self, request: &Reading<'_>) {
        let asked = request.asked();
        if let Some(what) = &mut self.body.what {
            what.model = asked.model.map(cut);
            what.stream = asked.stream;
            what.tools = asked.tools.iter().take(MOST_TOOLS).map(|tool| cut(tool)).collect();
        }
    }

    /// The decision, and what was found.
    pub(crate) fn decided(&mut self, scale: &Scale, decided: policy::Decided, findings: &[Finding]) -> Decision {
        if let Some(what) = &mut self.body.what {
            what.sensitivity = Some(scale.name(decided.sensitivity).to_owned());
            what.findings = counts(findings);
        }
        match &decided.decision {
            Decision::Permit(permit) => self.permitted(permit.terms()),
            Decision::Hold(held) => {
                self.permitted(held.terms());
                if let Some(decided) = &mut self.body.decided {
                    decided.verdict = Verdict::Hold;
                }
            }
            Decision::Refuse(_) => {}
        }
        decided.decision
    }

    /// A held call that a person has released: what is done to it is what its permit says.
    pub(crate) fn released(&mut self, permit: Permit) -> Permit {
        self.permitted(permit.terms());
        permit
    }

    fn permitted(&mut self, terms: &Passage) {
        if let Some(place) = &mut self.body.place {
            place.conduit = Some(terms.conduit.clone());
        }
        if let Some(what) = self.body.what.as_mut().filter(|_| terms.rerouted) {
            what.rerouted = Some(terms.provider.clone());
            what.renamed = terms.model.as_deref().map(cut);
        }
        if let Some(decided) = &mut self.body.decided {
            decided.verdict = terms.verdict;
            decided.rules.clone_from(&terms.rules);
        }
    }

    /// The request as it leaves, if that is not as it came.
    pub(crate) fn sends(&mut self, commitments: &Mac, came: &Bytes, leaves: &Bytes) {
        if came.as_ptr() != leaves.as_ptr() {
            let sent = self.commit(commitments, "sent", leaves);
            if let Some(io) = &mut self.body.io {
                io.sent = Some(sent);
            }
        }
        let request_bytes = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        self.sent = Io { request_bytes, ..Io::default() };
    }

    /// Whether anything was found in it.
    pub(crate) fn finds(&self) -> bool {
        self.body.what.as_ref().is_some_and(|what| !what.findings.is_empty())
    }

    /// Why it goes nowhere.
    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        if let Some(decided) = &mut self.body.decided {
            decided.verdict = Verdict::Refuse;
            decided.reason = Some(refusal.reason);
            decided.detail = Some(refusal.detail.clone());
            decided.rules.clone_from(&refusal.rules);
        }
    }

    /// Begins the commitment to the answer, salted like the others.
    pub(crate) fn answer(&self, commitments: &Mac) -> Box<Tagging> {
        Box::new(self.commitments(commitments).start(&[self.id().to_string().as_bytes(), b"answer"]))
    }

    /// A commitment to bytes, salted by the record's id: equal bodies of two calls do not look equal, and nobody
    /// can try out guesses without the plant's key, or, where content is kept, without what is sealed with it.
    pub(crate) fn commit(&self, commitments: &Mac, part: &str, bytes: &[u8]) -> String {
        seal::hex(&self.commitments(commitments).tag(&[self.id().to_string().as_bytes(), part.as_bytes(), bytes]))
    }
}

fn party<T: Display>(identity: &Identity<T>) -> Option<Party> {
    identity.known().map(|(id, by)| Party { id: id.to_string(), by })
}

pub(crate) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn counts(findings: &[Finding]) -> Vec<FindingCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.label.as_str()).or_default() += 1;
    }
    counts.into_iter().map(|(label, count)| FindingCount { label: label.to_owned(), count }).collect()
}
