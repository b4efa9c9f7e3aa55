//! The life cycle of components: steps that people have signed, kept so that they survive.
//!
//! ```text
//! signed, a note for each approver ─> enough of them? ─> `approval` records ─> in force ─> file, synced
//! ```
//!
//! The notes lie in `approvals/` beside those of changed plant files, are made with the same keys, and are good for one step each.
//! `components.json` in the ledger's folder, under a checksum that only the plant's key makes, says where each component stood at a
//! record. What was recorded since is read behind it, so that an older copy of the file brings nothing back into service. If it is not
//! there, or somebody has changed it, the ledger's records say the same; where they are pruned, nobody knows, and nothing is in service.

use crate::approvals;
use crate::file;
use crate::journal;
use crate::secrets::PlantKey;
use config::{Loaded, private};
use inventory::{Approved, Component, ComponentName, Lives, Standing, State, Step};
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::{Kind, Note};
use seal::Mac;
use seal::note::Verifier;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use store::{Reader, Store};

/// The name of the file in the ledger's folder.
const FILE: &str = "components.json";
/// Largest file: four thousand components with the longest reasons are half of it.
const LIMIT: u64 = 16 << 20;
/// What the names of notes begin with that are of components, and most of them that are looked at.
const NOTES: &str = "component.";
const MOST: usize = 65_536;
/// Most steps at a time: notes for the next ones may be there before the first is taken.
const ROUNDS: usize = 64;
/// How many records a start reads behind the file at most, as long as the gateway can write it.
const BEHIND: u64 = 16_384;
/// Longest reason, in characters.
pub(crate) const LONGEST: usize = 200;
/// What the last line of a note begins with, in which each person says why.
const BECAUSE: &str = "because ";

/// The digest of what the plant file declares of a component.
pub(crate) fn declared(component: &Component) -> String {
    digest(component.told().as_bytes())
}

/// As [`declared`], for whoever has the text.
pub(crate) fn digest(told: &[u8]) -> String {
    seal::hex(&seal::sha256(told))
}

/// What a person signs.
pub(crate) fn text(step: &Step, plant: &plant::PlantId, because: &str) -> String {
    format!("{}{BECAUSE}{because}\n", step.text(plant))
}

/// Whether a text says why, in a line that hides nothing.
pub(crate) fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.chars().any(console::misleads)
}

/// A step that a component can take next.
pub(crate) struct Next {
    /// To where.
    pub(crate) to: State,
    /// Who has signed it, by name.
    pub(crate) by: Vec<String>,
}

/// The steps that each component can take next, with who has signed them.
pub(crate) fn next(loaded: &Loaded, lives: &Lives) -> BTreeMap<ComponentName, Vec<Next>> {
    let notes = notes(&loaded.control.signatures);
    let there = |file: String| notes.binary_search_by(|(name, _)| name.cmp(&file)).is_ok();
    let unlisted = loaded.governance.unlisted;
    let of = |component: &Component| {
        let (name, declared) = (&component.name, declared(component));
        let state = lives.of(name).map_or(unlisted, |life| life.state);
        let next = state.next().iter().filter_map(|to| {
            let step = lives.step(name, unlisted, *to, &declared)?;
            // Nobody's folder is searched for each of thousands of names.
            let any = loaded.control.approvers.iter().any(|approver| there(step.file(approver.name())));
            let signers = if any { signers(&step, loaded) } else { Vec::new() };
            Some(Next { to: *to, by: signers.iter().map(|(one, _)| one.name().to_owned()).collect() })
        });
        (name.clone(), next.collect())
    };
    loaded.components.iter().map(of).collect()
}

/// Who of these has signed a step, each with why.
pub(crate) fn signers(step: &Step, loaded: &Loaded) -> Vec<(Verifier, String)> {
    let approvers = loaded.control.approvers.iter();
    let signed = |approver: &Verifier| {
        let path = loaded.control.signatures.join(step.file(approver.name()));
        let because = signed(&path, approver, &step.text(&loaded.plant.id)).unwrap_or_else(|problem| {
            tracing::warn!(%problem, path = %path.display(), "a signature of a component's step cannot be used");
            None
        });
        because.map(|because| (approver.clone(), because))
    };
    approvers.filter_map(signed).collect()
}

/// Why one of them signed a step, if they did.
fn signed(path: &Path, approver: &Verifier, step: &str) -> miette::Result<Option<String>> {
    let Some(note) = approvals::note(path)? else { return Ok(None) };
    note.verify(std::slice::from_ref(approver)).into_diagnostic()?;
    let because = note.text().strip_prefix(step).and_then(|rest| rest.strip_prefix(BECAUSE)?.strip_suffix('\n'));
    if because.is_some_and(|because| !is_reason(because)) {
        miette::bail!("it does not say why in one line of at most {LONGEST} characters");
    }
    // Signed for a component that was declared otherwise by then.
    Ok(because.map(str::to_owned))
}

/// Where each component stands, as the file says: for commands, which may not have the plant's key.
pub(crate) fn known(loaded: &Loaded) -> miette::Result<Lives> {
    let path = loaded.gateway.ledger.join(FILE);
    let bytes =
        file::read(&path, LIMIT).into_diagnostic().wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let Some(bytes) = bytes else { return Ok(Lives::default()) };
    let text = String::from_utf8(bytes).into_diagnostic()?;
    let line = match PlantKey::read(&loaded.gateway.keys) {
        Ok(key) => file::untagged(&text, &key.components()),
        Err(_) => text.split_once('\n').map(|(_, line)| line),
    };
    line.and_then(Kept::decode).map(|kept| kept.lives).ok_or_else(|| {
        miette!(
            help = "find out who changed it; a gateway that starts writes it anew from the ledger",
            "`{}` is damaged, or was not written by this plant's gateway",
            path.display()
        )
    })
}

/// What the file says: where each component stood when the ledger had so many records.
struct Kept {
    next: u64,
    lives: Lives,
}

impl Kept {
    fn encode(&self) -> String {
        format!("{{\"next\":{},\"lives\":{}}}", self.next, self.lives.save())
    }

    fn decode(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let lives = Lives::restore(&value.get("lives")?.to_string())?;
        Some(Self { next: value.get("next")?.as_u64()?, lives })
    }

    fn read(path: &Path, mac: &Mac) -> Result<Option<Self>, String> {
        let Some(bytes) = file::read(path, LIMIT).map_err(|problem| problem.to_string())? else { return Ok(None) };
        let line = std::str::from_utf8(&bytes).ok().and_then(|text| file::untagged(text, mac));
        let unknown = || "it is damaged, or was not written by this plant's gateway".to_owned();
        line.and_then(Self::decode).map(Some).ok_or_else(unknown)
    }
}

/// When a file was written, and how long it is.
type Look = Option<(SystemTime, u64)>;

/// Where each component stands, on disk and in force.
pub(crate) struct Governing {
    path: PathBuf,
    mac: Mac,
    lives: Lives,
    /// How many records the file counts, and how it looked when it was written; nothing while it is yet to be written.
    kept: Option<(u64, Look)>,
    /// Whether it was said that the file cannot be written.
    told: bool,
    /// The notes that were there when it was looked last, and the plant by which.
    looked: (Vec<(String, Option<SystemTime>)>, String),
}

impl Governing {
    /// Reads where components stood when a gateway ran last. [`Self::keep`] comes next, so that the next start need not read as much.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) fn open(loaded: &Loaded, key: &PlantKey, store: &Store) -> miette::Result<Self> {
        let (path, mac) = (loaded.gateway.ledger.join(FILE), key.components());
        let reader = Reader::open(&loaded.gateway.ledger).into_diagnostic()?;
        let read = Kept::read(&path, &mac);
        if let Err(problem) = &read {
            tracing::error!(problem, path = %path.display(), "where components stand: the ledger's records count");
        }
        let kept = read.ok().flatten();
        let lost = kept.is_none() && reader.first().into_diagnostic()? > 0;
        let Kept { next, lives } = kept.unwrap_or_else(|| Kept { next: 0, lives: Lives::default() });
        // A ledger that lost its tail with the power has fewer than the file counts.
        let next = next.min(store.state().size);
        let mut lives = recorded(&reader, next, lives).wrap_err("nobody knows which components are suspended")?;
        if lost {
            unknown(&mut lives, loaded);
        }
        Ok(Self { path, mac, lives, kept: None, told: false, looked: Default::default() })
    }

    /// What that means for calls.
    pub(crate) fn standing(&self, loaded: &Loaded) -> Standing {
        Standing::new(&loaded.components, &loaded.governance, &self.lives)
    }

    /// Takes the steps that enough people have signed; whether there were any. They are to be put in force before they are kept: the
    /// file may not be written for a while.
    pub(crate) fn advance(&mut self, loaded: &Loaded, store: &Store) -> bool {
        let notes = (notes(&loaded.control.signatures), loaded.plant.digest.clone());
        if notes == self.looked {
            return false;
        }
        let mut taken = false;
        for _ in 0..ROUNDS {
            let Some((step, signers)) = self.next(loaded, &notes.0) else { break };
            let done = self.take(step, &signers, store);
            if let Err(problem) = done {
                // Looked at again the next time.
                tracing::error!(%problem, "a step of a component that people have signed is not taken");
                return taken;
            }
            taken = true;
        }
        self.looked = notes;
        taken
    }

    /// The next step that enough people have signed.
    fn next(&self, loaded: &Loaded, notes: &[(String, Option<SystemTime>)]) -> Option<(Step, Vec<(Verifier, String)>)> {
        let terms = &loaded.governance;
        loaded.components.iter().find_map(|component| {
            let state = self.lives.of(&component.name).map_or(terms.unlisted, |life| life.state);
            state.next().iter().find_map(|to| {
                let step = self.lives.step(&component.name, terms.unlisted, *to, &declared(component))?;
                let there = |approver: &Verifier| {
                    let file = step.file(approver.name());
                    notes.binary_search_by(|(name, _)| name.cmp(&file)).is_ok()
                };
                let gaps = to.is_governed() && !component.governance.gaps().is_empty();
                if gaps || loaded.control.approvers.iter().filter(|one| there(one)).count() < terms.approvals {
                    return None;
                }
                let signers = signers(&step, loaded);
                (signers.len() >= terms.approvals).then_some((step, signers))
            })
        })
    }

    /// Records who approved a step, and keeps it.
    fn take(&mut self, step: Step, signers: &[(Verifier, String)], store: &Store) -> miette::Result<()> {
        for (approver, because) in signers {
            let note = BTreeMap::from([
                ("event", Note::text("component")),
                ("component", Note::text(step.component.to_string())),
                ("step", Note::Number(step.number)),
                ("from", Note::text(step.from.name())),
                ("to", Note::text(step.to.name())),
                ("declared", Note::text(&step.declared)),
                ("because", Note::text(because.as_str())),
                ("by", Note::text(approver.name())),
                ("key", Note::text(seal::hex(approver.key().as_bytes()))),
            ]);
            journal::written(store, Kind::Approval, note).into_diagnostic().wrap_err("it cannot be recorded")?;
        }
        let by: Vec<String> = signers.iter().map(|(one, _)| one.name().to_owned()).collect();
        let because = signers.first().map(|(_, because)| because.clone()).unwrap_or_default();
        tracing::warn!(component = %step.component, state = step.to.name(), by = by.join(", "), "a component's state is in force");
        self.lives.take(Approved { step, by, because }, gateway::now());
        self.kept = None;
        Ok(())
    }

    /// Has the file say where components stand, also where somebody else has changed it. Tried again at the next look if it cannot be
    /// written.
    pub(crate) fn keep(&mut self, store: &Store) {
        let (size, look) = (store.state().size, self.look());
        match self.kept {
            Some((next, as_left)) if as_left == look && size.saturating_sub(next) < BEHIND => return,
            Some((_, as_left)) if as_left != look => {
                tracing::error!(path = %self.path.display(), "somebody has changed where components stand; it is written again");
            }
            _ => {}
        }
        match self.write(size) {
            Ok(()) => (self.kept, self.told) = (Some((size, self.look())), false),
            Err(problem) if !self.told => {
                tracing::error!(%problem, path = %self.path.display(), "where components stand is in force, and cannot be written");
                (self.kept, self.told) = (None, true);
            }
            Err(_) => self.kept = None,
        }
    }

    fn look(&self) -> Look {
        let metadata = std::fs::symlink_metadata(&self.path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    fn write(&self, size: u64) -> std::io::Result<()> {
        let line = Kept { next: size, lives: self.lives.clone() }.encode();
        let folder = File::open(self.path.parent().unwrap_or(Path::new(".")))?;
        private::replace(&self.path, &folder, file::tagged(&line, &self.mac).as_bytes())
    }
}

/// Takes out of service whatever people may have taken a step with that nobody knows any more.
fn unknown(lives: &mut Lives, loaded: &Loaded) {
    if loaded.control.approvers.is_empty() {
        return;
    }
    tracing::error!(
        "where components stood is lost, and the ledger's oldest records are pruned: what they do not say is suspended"
    );
    let now = gateway::now();
    for component in loaded.components.iter().filter(|one| lives.of(&one.name).is_none()).collect::<Vec<_>>() {
        // Numbered from now on: no signature of an earlier step fits.
        let (number, from, to) = (now.0, loaded.governance.unlisted, State::Suspended);
        let step = Step { component: component.name.clone(), number, from, to, declared: declared(component) };
        let because = "where it stood is lost, and was pruned from the ledger".to_owned();
        lives.take(Approved { step, by: vec!["the gateway".to_owned()], because }, now);
    }
}

/// The notes of components in a folder, by name.
fn notes(folder: &Path) -> Vec<(String, Option<SystemTime>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let note = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with(NOTES))?;
        Some((name, entry.metadata().and_then(|metadata| metadata.modified()).ok()))
    };
    let mut notes: Vec<_> = entries.filter_map(note).take(MOST).collect();
    notes.sort();
    notes
}

/// Where each component stands by what the ledger says from a record on.
fn recorded(reader: &Reader, next: u64, mut lives: Lives) -> miette::Result<Lives> {
    let mut last: Option<(Step, Vec<String>)> = None;
    for record in reader.holding(next.max(reader.first().into_diagnostic()?), "\"component\"") {
        let entry = record.into_diagnostic()?.entry;
        let text = |key: &str| entry.text(&format!("note.{key}"));
        let step = || {
            Some(Step {
                component: ComponentName::parse(text("component")?).ok()?,
                number: entry.number("note.step")?,
                from: State::named(text("from")?)?,
                to: State::named(text("to")?)?,
                declared: text("declared")?.to_owned(),
            })
        };
        if entry.kind() != Some(Kind::Approval) || text("event") != Some("component") {
            continue;
        }
        let Some(step) = step() else { continue };
        // A record for each who signed it, one after the other.
        let mut by = last.filter(|(before, _)| *before == step).map(|(_, by)| by).unwrap_or_default();
        by.extend(text("by").map(str::to_owned));
        let because = text("because").unwrap_or_default().to_owned();
        last = Some((step.clone(), by.clone()));
        lives.take(Approved { step, by, because }, entry.t());
    }
    Ok(lives)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, signed, text};
    use crate::approvals;
    use inventory::{ComponentName, Lives, State};
    use plant::PlantId;
    use seal::SigningKey;
    use seal::note::{Note, Signer};
    use std::sync::Arc;
    use zeroize::Zeroizing;

    #[test]
    fn a_note_that_says_why_in_no_plain_line_signs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let plant = PlantId::new("works").unwrap();
        let name = ComponentName::parse("model:gpt").unwrap();
        let step = Lives::default().step(&name, State::Live, State::Suspended, "00").unwrap();
        let ada = Signer::new("ada", Arc::new(SigningKey::from_seed(Zeroizing::new([1; 32])))).unwrap();
        let path = folder.path().join(step.file("ada"));
        let read = |because: &str| {
            let note = Note::sign(text(&step, &plant, because), &ada).unwrap();
            approvals::leave(folder.path(), &path, &note).unwrap();
            signed(&path, ada.verifier(), &step.text(&plant))
        };
        assert_eq!(read("leaks recipes").unwrap().as_deref(), Some("leaks recipes"));
        let long = "ä".repeat(LONGEST + 1);
        for because in ["", " ", "one\ntwo", "back\u{202e}wards", "no\u{200b}thing", long.as_str()] {
            assert!(!matches!(read(because), Ok(Some(_))), "{because:?}");
        }
        assert!(read(&long[2..]).unwrap().is_some());
        assert!(
            Note::sign(text(&step, &plant, "it\u{1b}[2Jhides"), &ada).is_err(),
            "no note holds what moves a cursor"
        );
    }
}
