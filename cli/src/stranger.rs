//! A plant file that belongs to another plant or gateway: it is no change of the one in force, whoever put it there.

use config::Loaded;
use plant::Note;
use std::collections::BTreeMap;

/// A plant file of another plant, or of another gateway of the same one.
///
/// Its records would go on in the ledger of this one, which carries the names of both since its first record.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("this is the plant file of {theirs}, and not of {ours}")]
#[diagnostic(help(
    "put the plant file of {ours} back. A plant or a gateway that gets another name begins a ledger of its own: stop the gateway, \
     give `ledger` of `[gateway]` another folder, and start it"
))]
pub(crate) struct Stranger {
    ours: String,
    theirs: String,
    /// The digest of the file that does not come into force.
    refused: String,
}

impl Stranger {
    /// Refuses a draft that is not of the plant and the gateway that is there.
    pub(crate) fn refuse(now: &Loaded, draft: &Loaded) -> Result<(), Self> {
        let names = |loaded: &Loaded| (loaded.plant.id.clone(), loaded.plant.gateway.clone());
        if names(now) == names(draft) {
            return Ok(());
        }
        let told = |loaded: &Loaded| format!("plant `{}`, gateway `{}`", loaded.plant.id, loaded.plant.gateway);
        Err(Self { ours: told(now), theirs: told(draft), refused: draft.plant.digest.clone() })
    }

    /// What a record says of it, beside that it was rejected.
    pub(crate) fn note(&self) -> BTreeMap<&'static str, Note> {
        BTreeMap::from([("refused", Note::text(&self.refused)), ("of", Note::text(&self.theirs))])
    }
}
