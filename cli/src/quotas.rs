//! What has been used of quotas, kept over a restart in a small file beside the ledger.
//!
//! Counting the ledger anew at each start would take as long as its window has records. The file is written twice a second where it
//! has changed, without a sync: a crash forgets half a second of counting, and no record. The ledger stays what is proved; this is
//! what is counted.

use crate::assemble;
use crate::file;
use crate::print::columns;
use config::Loaded;
use gateway::{Used, now};
use miette::{IntoDiagnostic, WrapErr};
use quota::{Counters, Measure};
use serde_json::json;
use std::path::{Path, PathBuf};

const FILE: &str = "quotas.used";
/// Longest file: as many counts as are kept, each of two names and six numbers.
const LIMIT: u64 = 8 << 20;

/// The file, and what stands in it.
pub(crate) struct Kept {
    path: PathBuf,
    text: String,
}

impl Kept {
    /// Goes on with what was used before. What cannot be read is told of, and counted anew: nobody is to be refused for it.
    pub(crate) fn open(loaded: &Loaded) -> (Self, Counters) {
        let path = loaded.gateway.ledger.join(FILE);
        let used = read(&path).unwrap_or_else(|problem| {
            tracing::error!(path = %path.display(), %problem, "what was used of quotas is counted anew");
            Counters::default()
        });
        (Self { path, text: used.save() }, used)
    }

    /// Writes down what is used now, if that has changed.
    pub(crate) fn keep(&mut self, used: &Used) {
        let text = used.save();
        if text == self.text {
            return;
        }
        match file::replace(&self.path, &text) {
            Ok(()) => self.text = text,
            Err(problem) => tracing::error!(%problem, "what is used of quotas is not kept"),
        }
    }
}

/// What was used; nothing where there is no file.
fn read(path: &Path) -> miette::Result<Counters> {
    let bytes = file::read(path, LIMIT).into_diagnostic()?.unwrap_or_default();
    Counters::restore(&String::from_utf8(bytes).into_diagnostic()?).into_diagnostic()
}

/// What of each quota is used in the window that is now, as far as it adds up: as a table, or as data.
pub(crate) fn standing(plant: &Path, data: bool) -> miette::Result<String> {
    let loaded = assemble::load(plant)?;
    let path = loaded.gateway.ledger.join(FILE);
    let counters = read(&path).wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let (quotas, now) = (&loaded.quotas.quotas, now());
    let mut rows = Vec::new();
    for (quota, whose, used, _) in counters.used(quotas, now) {
        for measure in Measure::SUMMED {
            let Some(most) = quota.most(measure) else { continue };
            rows.push((quota, whose, measure, used.of(measure), most));
        }
    }
    if data {
        let row = |(quota, whose, measure, used, most): &(&quota::Quota, &str, Measure, u64, u64)| {
            let until = quota.until(now).to_string();
            json!({ "quota": quota.id.as_str(), "whose": whose, "measure": measure.name(), "used": used, "most": most, "until": until })
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        return Ok(serde_json::to_string_pretty(&rows).into_diagnostic()? + "\n");
    }
    if rows.is_empty() {
        return Ok("nothing is used of any quota\n".to_owned());
    }
    let heading = ["QUOTA", "WHOSE", "MEASURE", "USED", "MOST", "UNTIL"];
    let row = |(quota, whose, measure, used, most): &(&quota::Quota, &str, Measure, u64, u64)| {
        let until = quota.until(now).to_string();
        [
            quota.id.to_string(),
            (*whose).to_owned(),
            measure.name().to_owned(),
            measure.show(*used),
            measure.show(*most),
            until,
        ]
    };
    Ok(columns(heading, rows.iter().map(row)))
}
