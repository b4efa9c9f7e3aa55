//! Changes of the plant that people must have signed: what a gateway holds a changed plant against before it comes into force.
//!
//! ```text
//! draft ─> digest ─> signed, a note for each approver ─> folder of notes ─> reload or start: enough of them?
//! ```
//!
//! Who must approve is said by the plant **in force**, never by the draft. So that a restart is no way round it, what was in force
//! last is kept in the ledger's folder, under the plant's key. What is signed is one step, from one digest to another: a plant that was
//! approved once is not approved for ever.

use crate::file;
use crate::journal;
use crate::secrets::PlantKey;
use config::{Control, Loaded, private};
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use plant::{Kind, Note, Plant, PlantId};
use seal::Mac;
use seal::note::{self, NOTE_LIMIT, NoteError, Verifier};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use store::Store;

/// The name of the file in the ledger's folder.
const FILE: &str = "in-force.json";
/// Largest such file: sixteen approvers with the longest names are a tenth of it.
const LIMIT: u64 = 64 << 10;

/// A step from the plant in force to another one.
pub(crate) struct Step<'a> {
    pub(crate) plant: &'a PlantId,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

impl Step<'_> {
    /// What its approvers sign.
    pub(crate) fn text(&self) -> String {
        let Self { plant, from, to } = self;
        format!("penstock: a plant may come into force\n{plant}\nfrom {from}\nto {to}\n")
    }

    /// Where the signature of one of them is.
    pub(crate) fn place(&self, signatures: &Path, name: &str) -> PathBuf {
        signatures.join(format!("{}.{name}.note", self.to))
    }

    /// Who of these has signed it.
    ///
    /// # Errors
    /// If a file that should hold a signature cannot be read, or holds something else under an approver's key.
    pub(crate) fn signers<'v>(
        &self,
        signatures: &Path,
        approvers: &'v [Verifier],
    ) -> miette::Result<Vec<&'v Verifier>> {
        let mut signers = Vec::new();
        for approver in approvers {
            let path = self.place(signatures, approver.name());
            let signed = self.signed(&path, approver);
            if signed.wrap_err_with(|| format!("the approval in `{}` cannot be used", path.display()))? {
                signers.push(approver);
            }
        }
        Ok(signers)
    }

    fn signed(&self, path: &Path, approver: &Verifier) -> miette::Result<bool> {
        let Some(note) = note(path)? else { return Ok(false) };
        match note.verify(std::slice::from_ref(approver)) {
            // Of another step to the same plant: it was good for that one.
            Ok(_) => Ok(note.text() == self.text()),
            Err(NoteError::NotSigned) => Ok(false),
            Err(problem) => Err(problem).into_diagnostic(),
        }
    }
}

/// The note that somebody has left in a file, if any.
pub(crate) fn note(path: &Path) -> miette::Result<Option<note::Note>> {
    let limit = u64::try_from(NOTE_LIMIT).unwrap_or(u64::MAX);
    let bytes = file::read(path, limit).into_diagnostic()?;
    bytes.map(|bytes| note::Note::parse(&bytes).into_diagnostic()).transpose()
}

/// Leaves a note in a folder of them. A gateway may be reading.
pub(crate) fn leave(folder: &Path, path: &Path, note: &note::Note) -> miette::Result<()> {
    let written = std::fs::create_dir_all(folder).and_then(|()| file::replace(path, note.to_string()));
    written.into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))
}

/// A change that too few have approved.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the change is not approved: {needed} must sign {refused}, and {} so far", told(by))]
#[diagnostic(help(
    "`penstock approve show` tells what it changes, and `penstock approve sign` signs it, once for each person"
))]
pub(crate) struct Unapproved {
    /// The digest of the plant that does not come into force.
    refused: String,
    needed: usize,
    by: Vec<String>,
}

fn told(by: &[String]) -> String {
    match by {
        [] => "nobody has".to_owned(),
        [one] => format!("{one} has"),
        several => format!("{} have", several.join(", ")),
    }
}

impl Unapproved {
    /// What a record says of it, beside what it was refused for.
    pub(crate) fn note(&self) -> BTreeMap<&'static str, Note> {
        let count = |number: usize| Note::Number(u64::try_from(number).unwrap_or(u64::MAX));
        BTreeMap::from([
            ("refused", Note::text(&self.refused)),
            ("approvals", count(self.by.len())),
            ("needed", count(self.needed)),
        ])
    }
}

/// The plant that came into force last, as far as it says who approves the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    digest: String,
    approvals: usize,
    approvers: Vec<Verifier>,
}

impl Last {
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let Control { approvals, approvers, .. } = &loaded.control;
        Self { digest: loaded.plant.digest.clone(), approvals: *approvals, approvers: approvers.clone() }
    }

    /// Reads what was in force; nothing if no plant here has asked for approvals yet.
    pub(crate) fn read(ledger: &Path, key: &PlantKey) -> miette::Result<Option<Self>> {
        let path = ledger.join(FILE);
        let bytes =
            file::read(&path, LIMIT).into_diagnostic().wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let last = String::from_utf8(bytes).ok().and_then(|text| Self::decode(&text, &key.in_force()));
        last.map(Some).ok_or_else(|| {
            miette!(
                help = "find out who changed it. Once people have looked at the plant file, remove it: the plant file counts as it stands then",
                "`{}` is damaged, or was not written by this plant's gateway: nobody knows which plant was approved",
                path.display()
            )
        })
    }

    /// Who has approved the plant that is to come into force now; nobody where nothing has changed or nobody needs to.
    ///
    /// # Errors
    /// [`Unapproved`], if too few have.
    pub(crate) fn approvers_of(&self, loaded: &Loaded) -> miette::Result<Vec<Verifier>> {
        let step = Step { plant: &loaded.plant.id, from: &self.digest, to: &loaded.plant.digest };
        if self.approvals == 0 || step.from == step.to {
            return Ok(Vec::new());
        }
        let signers = step.signers(&loaded.control.signatures, &self.approvers)?;
        if signers.len() < self.approvals {
            let by = signers.iter().map(|one| one.name().to_owned()).collect();
            bail!(Unapproved { refused: step.to.to_owned(), needed: self.approvals, by });
        }
        Ok(signers.into_iter().cloned().collect())
    }

    /// Records the policy that comes into force and who approved it, and keeps what holds for the next. Durable when this returns.
    ///
    /// # Errors
    /// If the ledger takes no record, or it cannot be kept: then nothing has come into force.
    pub(crate) fn hand_over(
        self,
        loaded: &Loaded,
        approvers: &[Verifier],
        store: &Store,
        key: &PlantKey,
        by: Option<&str>,
    ) -> miette::Result<()> {
        for approver in approvers {
            let note = [
                ("from", Note::text(&self.digest)),
                ("policy", Note::text(&loaded.plant.digest)),
                ("by", Note::text(approver.name())),
                ("key", Note::text(seal::hex(approver.key().as_bytes()))),
            ];
            let recorded = journal::written(store, Kind::Approval, note.into());
            recorded.into_diagnostic().wrap_err("who approved the change cannot be recorded")?;
        }
        let recorded = journal::written(store, Kind::Policy, self.step(loaded, approvers, by));
        recorded.into_diagnostic().wrap_err("what comes into force cannot be recorded")?;
        Self::of(loaded).keep(loaded, key)
    }

    /// What a `policy` record says: what comes into force, after what, on whose word.
    fn step(&self, loaded: &Loaded, approvers: &[Verifier], by: Option<&str>) -> BTreeMap<&'static str, Note> {
        let mut note = in_force(&loaded.plant);
        if self.digest != loaded.plant.digest {
            note.insert("from", Note::text(&self.digest));
        }
        if !approvers.is_empty() {
            let names: Vec<&str> = approvers.iter().map(Verifier::name).collect();
            note.insert("approvals", Note::Number(names.len() as u64));
            note.insert("approvers", Note::text(names.join(", ")));
        }
        note.extend(by.map(|by| ("by", Note::text(by))));
        note
    }

    /// Nothing is kept for a plant that has never asked for approvals.
    pub(crate) fn keep(&self, loaded: &Loaded, key: &PlantKey) -> miette::Result<()> {
        let ledger = &loaded.gateway.ledger;
        let path = ledger.join(FILE);
        if self.approvals == 0 && !path.exists() {
            return Ok(());
        }
        let line = self.encode(&key.in_force());
        let kept = File::open(ledger).and_then(|folder| private::replace(&path, &folder, line.as_bytes()));
        kept.into_diagnostic().wrap_err("what is in force cannot be kept")
    }

    fn encode(&self, mac: &Mac) -> String {
        let approvers: Vec<String> = self.approvers.iter().map(ToString::to_string).collect();
        let line = json!({ "digest": self.digest, "approvals": self.approvals, "approvers": approvers }).to_string();
        file::tagged(&line, mac)
    }

    fn decode(text: &str, mac: &Mac) -> Option<Self> {
        let value: Value = serde_json::from_str(file::untagged(text, mac)?).ok()?;
        let approvers = value.get("approvers")?.as_array()?.iter();
        Some(Self {
            digest: value.get("digest")?.as_str()?.to_owned(),
            approvals: usize::try_from(value.get("approvals")?.as_u64()?).ok()?,
            approvers: approvers.map(|one| Verifier::parse(one.as_str()?).ok()).collect::<Option<_>>()?,
        })
    }
}

/// What a record says of a plant that is in force.
pub(crate) fn in_force(plant: &Plant) -> BTreeMap<&'static str, Note> {
    let count = |length: usize| Note::Number(length as u64);
    BTreeMap::from([
        ("result", Note::text("in-force")),
        ("policy", Note::text(&plant.digest)),
        ("zones", count(plant.zones.len())),
        ("conduits", count(plant.conduits.len())),
        ("workloads", count(plant.workloads.len())),
        ("providers", count(plant.providers.len())),
    ])
}

#[cfg(test)]
mod tests {
    use super::{Last, Step};
    use plant::PlantId;
    use seal::note::{Note, Signer, Verifier};
    use seal::{RootKey, SigningKey};
    use std::sync::Arc;
    use zeroize::Zeroizing;

    fn signer(name: &str, byte: u8) -> Signer {
        Signer::new(name, Arc::new(SigningKey::from_seed(Zeroizing::new([byte; 32])))).unwrap()
    }

    fn last() -> Last {
        let approvers = [("ada", 1), ("ben", 2)].map(|(name, byte)| signer(name, byte).verifier().clone()).to_vec();
        Last { digest: "00".repeat(32), approvals: 2, approvers }
    }

    #[test]
    fn what_was_in_force_reads_as_it_was_kept_and_nothing_else_does() {
        let mac = RootKey::from_bytes([1; 32]).derive("in-force");
        let good = last().encode(&mac);
        assert_eq!(Last::decode(&good, &mac), Some(last()));
        assert_eq!(Last::decode(&good, &RootKey::from_bytes([2; 32]).derive("in-force")), None);
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(String::from_utf8(bytes).ok().and_then(|text| Last::decode(&text, &mac)), None, "byte {at}");
            assert_eq!(Last::decode(&good[..at], &mac), None, "cut at {at}");
        }
    }

    #[test]
    fn only_a_signature_of_an_approver_in_force_over_this_very_step_counts() {
        let folder = tempfile::tempdir().unwrap();
        let plant = PlantId::new("works").unwrap();
        let (from, to, other) = ("00".repeat(32), "11".repeat(32), "22".repeat(32));
        let step = Step { plant: &plant, from: &from, to: &to };
        let write = |name: &str, text: &str, signer: &Signer| {
            let note = Note::sign(text, signer).unwrap().to_string();
            std::fs::write(step.place(folder.path(), name), note).unwrap();
        };
        let signers = || {
            let last = last();
            let signers = step.signers(folder.path(), &last.approvers);
            signers.map(|signers| signers.into_iter().map(Verifier::name).map(str::to_owned).collect::<Vec<_>>())
        };
        let nobody: [&str; 0] = [];
        assert_eq!(signers().unwrap(), nobody, "nothing is there");
        write("ada", &step.text(), &signer("ada", 1));
        assert_eq!(signers().unwrap(), ["ada"]);
        for (why, name, text, key) in [
            ("one who is no approver", "eve", step.text(), signer("eve", 3)),
            ("another key under an approver's name", "ben", step.text(), signer("ben", 4)),
            ("an approver in the place of another", "ben", step.text(), signer("ada", 1)),
            ("from another plant", "ben", Step { from: &other, ..step }.text(), signer("ben", 2)),
            ("to another plant", "ben", Step { to: &other, ..step }.text(), signer("ben", 2)),
            ("of another site", "ben", step.text().replace("works", "mine"), signer("ben", 2)),
        ] {
            write(name, &text, &key);
            assert_eq!(signers().unwrap(), ["ada"], "{why}");
        }
        write("ben", &step.text(), &signer("ben", 2));
        assert_eq!(signers().unwrap(), ["ada", "ben"]);
        for bytes in [b"no note".to_vec(), vec![b'x'; seal::note::NOTE_LIMIT + 1]] {
            std::fs::write(step.place(folder.path(), "ben"), bytes).unwrap();
            assert!(signers().is_err(), "what is no note is told, not passed over");
        }
        let forged = Note::sign(step.text(), &signer("ben", 2)).unwrap().to_string().replace("may come", "can come");
        std::fs::write(step.place(folder.path(), "ben"), forged).unwrap();
        assert!(signers().is_err(), "a signature that is not of this text");
    }
}
