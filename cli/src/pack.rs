//! Evidence packs on the command line: `penstock export --pack` makes one, `penstock verify PACK` checks it.

use crate::anchor::{self, Judged};
use crate::notice::Notice;
use crate::{assemble, secrets, signing};
use clap::ValueEnum;
use export::pack::{self, Checked, Order, Problem, Profile, Redaction, Sample, Sink};
use ledger::verify::{Class, Trust};
use miette::IntoDiagnostic;
use plant::{Kind, Note};
use seal::Sign;
use seal::note::Verifier;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Filter, Reader};

/// How a pack is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Wish {
    /// Make an evidence pack: a folder, or a zip if the name ends in `.zip`. Nothing may be there yet.
    #[arg(long, value_name = "DIR|FILE.zip", conflicts_with_all = ["format", "out"])]
    pub(crate) pack: Option<PathBuf>,

    /// Put only a sample of so many records into the pack.
    #[arg(long, value_name = "N", requires = "pack", requires = "seed")]
    sample: Option<usize>,

    /// What the sample is drawn by. The auditor names it, after the records were written.
    #[arg(long, value_name = "SEED", requires = "sample")]
    seed: Option<String>,

    /// Keep back the bytes of some records: their leaf hashes go into the pack in their stead, and still prove number and place.
    #[arg(long, value_enum, value_name = "PROFILE", requires = "pack", default_value_t = Redact::None)]
    redact: Redact,

    /// The folder of the key that signs the manifest; the plant's own if it is left out.
    #[arg(long, value_name = "DIR", requires = "pack")]
    keys: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Redact {
    /// Every record as it is.
    None,
    /// No record that names an operator or a workstation, nor any whose notes may name somebody. Of the calls among them the pack
    /// says where, what and how decided; that is the exporter's word, which no hash proves.
    Persons,
    /// No record at all: hashes, numbers and proofs.
    All,
}

impl From<Redact> for Option<Profile> {
    fn from(redact: Redact) -> Self {
        match redact {
            Redact::None => None,
            Redact::Persons => Some(Profile::Persons),
            Redact::All => Some(Profile::All),
        }
    }
}

impl Wish {
    /// What is recorded of it.
    pub(crate) fn notice(&self) -> Notice {
        let profile = Option::<Profile>::from(self.redact).map_or("none", Profile::name);
        let mut note = BTreeMap::from([("event", Note::text("pack")), ("redact", Note::text(profile))]);
        note.extend(self.sample.map(|size| ("sample", Note::Number(size as u64))));
        note.extend(self.seed.as_deref().map(|seed| ("seed", Note::text(seed))));
        Notice { kind: Kind::Export, note }
    }
}

/// Makes a pack and says what is in it.
pub(crate) fn make(place: &Path, wish: &Wish, plant: &Path, reader: &Reader, filter: Filter) -> miette::Result<()> {
    let sample = wish.sample.zip(wish.seed.as_deref()).map(|(size, seed)| Sample::new(size, seed));
    let sample = sample.transpose().into_diagnostic()?;
    let key = key(wish.keys.as_deref(), plant, reader)?;
    let order = Order { reader, filter, sample: sample.clone(), profile: wish.redact.into(), now: gateway::now(), key };
    let made = pack::make(order, Sink::new(place).into_diagnostic()?).into_diagnostic()?;
    let mut out = io::stdout().lock();
    let say = |out: &mut dyn Write| {
        writeln!(out, "pack       {}", place.display())?;
        writeln!(out, "ledger     {}", made.head.origin)?;
        writeln!(out, "head       {} records, root {}", made.head.size, seal::base64(&made.head.root))?;
        writeln!(out, "population {} records fit what was asked for", made.population)?;
        match &sample {
            Some(sample) => writeln!(out, "records    {}, drawn by the seed `{}`", made.records, sample.seed())?,
            None => writeln!(out, "records    {}, all of them", made.records)?,
        }
        print_redaction(out, made.redaction)?;
        if made.signed {
            writeln!(out, "signed     by the ledger's key")
        } else {
            writeln!(out, "signed     no: the ledger's key is not at hand, so nobody vouches for the population")
        }
    };
    say(&mut out).into_diagnostic()
}

/// The key that signs the manifest: the one that was named, or the plant's, if it is this ledger's. A copy of the ledger on
/// an auditor's machine has none.
fn key(named: Option<&Path>, plant: &Path, reader: &Reader) -> miette::Result<Option<Arc<dyn Sign>>> {
    if let Some(keys) = named {
        return Ok(Some(Arc::new(secrets::signing_key(keys)?)));
    }
    let Ok(loaded) = assemble::load(plant) else { return Ok(None) };
    let key = match signing::key(&loaded.gateway) {
        Ok(key) => key,
        // Whoever has a device wants to know why it did not sign; a file that is not there is what an auditor has.
        Err(problem) if loaded.gateway.signing.is_some() => return Err(problem.into()),
        Err(_) => return Ok(None),
    };
    let origin = export::origin(reader).into_diagnostic()?.unwrap_or_default();
    let Ok(verifier) = Verifier::new(origin, key.verifying_key()) else { return Ok(None) };
    let trust = std::fs::read_to_string(reader.folder().join("trust/ledger.vkey")).unwrap_or_default();
    Ok((trust.trim() == verifier.to_string()).then_some(key))
}

fn print_redaction(out: &mut dyn Write, redaction: Option<Redaction>) -> io::Result<()> {
    let Some(Redaction { profile, records }) = redaction else { return Ok(()) };
    writeln!(out, "redacted   {records} of them by the profile `{}`: only their hashes are here, and", profile.name())?;
    writeln!(out, "           what else is said of them is the exporter's word, which no hash proves")
}

/// What `penstock verify` found out about a pack.
pub(crate) struct Findings {
    checked: Checked,
    /// Whether only by the copy of the key that came with it.
    own_key: bool,
    /// Whether a policy was asked who has seen the head.
    policy: bool,
    /// What its time stamps come to, if somebody is trusted with them.
    judged: Option<Vec<Judged>>,
    /// Whether the ledger is at hand that it was made from.
    beside: bool,
}

impl Findings {
    /// Checks a pack against the auditor's trust file, or its own copy.
    pub(crate) fn new(place: &Path, trust: Option<&Trust>) -> Self {
        let policy = trust.is_some_and(|trust| trust.quorum().is_some());
        Self { checked: pack::check(place, trust), own_key: trust.is_none(), policy, judged: None, beside: false }
    }

    /// The same, and its ledger is at hand.
    pub(crate) fn beside(self) -> Self {
        Self { beside: true, ..self }
    }

    pub(crate) fn class(&self) -> Option<Class> {
        [self.checked.class(), self.judged.as_deref().and_then(anchor::class)].into_iter().flatten().min()
    }

    /// Judges the time stamps of the pack by those who are trusted.
    pub(crate) fn judge(&mut self, place: &Path, authority: &Path) -> miette::Result<()> {
        let Some(head) = &self.checked.head else { return Ok(()) };
        // What is wrong with them is among the problems already.
        let stamps = pack::stamps(place, head).unwrap_or_default();
        self.judged = Some(anchor::of_pack(&stamps, authority)?);
        Ok(())
    }

    /// Compares what the pack claims to have selected with a ledger. Both are proved before.
    pub(crate) fn compare(&mut self, place: &Path, ledger: &Path) -> Option<u64> {
        let compared = Reader::open(ledger)
            .map_err(|error| Problem {
                class: Class::Undecided,
                place: "the ledger".to_owned(),
                what: error.to_string(),
            })
            .and_then(|reader| pack::compare(place, &reader));
        compared.map_err(|problem| self.checked.problems.push(problem)).ok()
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { checked, own_key, policy, judged, beside } = self;
        let Checked { head, population, proved, redaction, seed, made, signed, stamps, problems } = checked;
        if let Some(head) = head {
            writeln!(out, "ledger     {}", head.origin)?;
            writeln!(out, "head       {} records, root {}", head.size, seal::base64(&head.root))?;
            writeln!(out, "population {population} records")?;
            let by = seed.as_ref().map(|seed| format!(", drawn by the seed `{seed}`")).unwrap_or_default();
            writeln!(out, "proved     {proved} records{by}")?;
            print_redaction(out, *redaction)?;
        }
        if let Some(made) = made.as_ref().filter(|_| *signed) {
            writeln!(out, "signed     by the ledger's key, {made}")?;
        }
        match judged {
            None if *stamps > 0 => {
                writeln!(out, "stamped    {stamps} time stamps, not checked: no authority was given (`--authority`)")?;
            }
            Some(judged) if judged.is_empty() => writeln!(out, "stamped    by nobody: there are no time stamps")?,
            judged => judged.iter().flatten().try_for_each(|one| writeln!(out, "stamped    {}", one.told()))?,
        }
        if head.is_some() {
            match policy {
                true if self.class().is_none() => {
                    writeln!(out, "witnesses  enough for the policy have signed the head")?;
                }
                true => {}
                false => writeln!(out, "witnesses  not checked: no policy was given (`--policy`)")?,
            }
            if !beside {
                writeln!(out, "selection  not made again: no ledger was given (`--ledger`)")?;
            }
        }
        if *own_key {
            writeln!(out, "key        the pack's own copy: compare it with the one that the plant gave you")?;
        }
        for problem in problems {
            writeln!(out, "{}: {}: {}", problem.class, problem.place, problem.what)?;
        }
        Ok(())
    }

    /// What could have been checked with more at hand.
    fn unchecked(&self) -> Vec<&'static str> {
        let Self { checked, policy, judged, beside, .. } = self;
        let left = [("witnesses", !policy), ("selection", !beside), ("stamps", checked.stamps > 0 && judged.is_none())];
        left.into_iter().filter(|(_, left)| *left).map(|(name, _)| name).collect()
    }

    pub(crate) fn json(&self, result: &str, code: u8) -> Value {
        let Self { checked, own_key, judged, .. } = self;
        let Checked { head, population, proved, redaction, seed, made, signed, stamps, problems } = checked;
        let problems: Vec<Value> = problems
            .iter()
            .map(
                |problem| json!({ "class": problem.class.to_string(), "problem": problem.what, "file": problem.place }),
            )
            .collect();
        json!({
            "result": result,
            "code": code,
            "checkpoint": head.as_ref().map(|head| json!({
                "origin": head.origin,
                "size": head.size,
                "root": seal::base64(&head.root),
            })),
            "population": population,
            "records": proved,
            "redacted": redaction.map(|redaction| json!({
                "profile": redaction.profile.name(),
                "records": redaction.records,
            })),
            "seed": seed,
            "made": made,
            "signed": signed,
            "stamped": stamps,
            "stamps": judged.as_deref().map(anchor::as_json),
            "key": if *own_key { "own" } else { "given" },
            "unchecked": self.unchecked(),
            "problems": problems,
        })
    }
}
