//! Records of a gateway elsewhere, asked of its console page by page.

use crate::reaching::Reach;
use miette::{IntoDiagnostic, WrapErr, bail};
use std::path::Path;
use store::{Filter, Record};

/// Most records of a page.
const PAGE: u64 = 200;
/// Most bytes of records that are held, for the newest come first and are printed last.
const MOST: usize = 256 << 20;

/// A ledger elsewhere.
pub(super) struct Afar<'a> {
    plant: &'a Path,
    reach: &'a Reach,
    wanted: console::Wanted,
}

impl<'a> Afar<'a> {
    pub(super) fn new(plant: &'a Path, reach: &'a Reach, filter: Filter) -> miette::Result<Self> {
        let Filter { since, until, kind, zone, conduit, workload, operator, provider, model, verdict, .. } = filter;
        let Filter { reason, sensitivity, judgement: decision, id, incident, .. } = filter;
        if incident.is_some() {
            bail!(
                help = "`--id RECORD` has a call's own; the console's page of a record has the rest",
                "what is tied to an incident is gathered where the ledger is"
            );
        }
        let wanted = console::Wanted {
            since,
            until,
            kind,
            zone,
            conduit,
            workload,
            operator,
            provider,
            model,
            verdict,
            reason,
            sensitivity,
            decision,
            finding: None,
            id,
            before: None,
            limit: PAGE,
        };
        Ok(Self { plant, reach, wanted })
    }

    /// The newest of them, the oldest first.
    pub(super) fn newest(&self, most: usize) -> miette::Result<Vec<Record>> {
        let limit = u64::try_from(most).unwrap_or(PAGE).clamp(1, PAGE);
        let mut next = Some(console::Wanted { limit, ..self.wanted.clone() }.address());
        let (mut records, mut held) = (Vec::new(), 0);
        while let Some(address) = next.take().filter(|_| records.len() < most) {
            let (text, following) = self.reach.page(self.plant, &address)?;
            held += text.len();
            if held > MOST {
                bail!(help = "narrow it down with `--limit` or `--since`", "more records fit than can be held");
            }
            for line in text.lines() {
                records.push(read(line, records.last())?);
            }
            next = following;
        }
        records.truncate(most);
        records.reverse();
        Ok(records)
    }
}

/// A record, which must be older than the one before.
fn read(line: &str, newer: Option<&Record>) -> miette::Result<Record> {
    let entry = ledger::decode(line.as_bytes()).into_diagnostic().wrap_err("the gateway's answer is no record")?;
    if newer.is_some_and(|newer| newer.entry.seq() <= entry.seq()) {
        bail!("the gateway's records are not in their order");
    }
    Ok(Record { line: line.as_bytes().to_vec(), entry })
}
