//! `penstock approve`: shows what a draft of the plant changes, and signs it so that it may come into force.

use crate::approvals::{self, Step};
use crate::assemble;
use crate::diff;
use crate::print::say;
use crate::secret;
use crate::secrets;
use crate::stranger::Stranger;
use clap::Subcommand;
use config::Loaded;
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use plant::TokenId;
use seal::SigningKey;
use seal::note::{Note, Signer, Verifier};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Approve changes of the plant
///
/// Where `approvals` of `[control]` says so, a changed plant file comes into force only if so many
/// of its `approvers` have signed it: those of the plant in force, whatever the draft says. What
/// they sign is the step from one digest to the other, of the plant file with its rules.
///
///     penstock approve show draft/ --plant /etc/penstock
///     penstock approve sign draft/ --plant /etc/penstock --digest 5f0c... --key ada.key
///     cp draft/plant.toml /etc/penstock/
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a key to approve with, and print its public half for `approvers` of the plant file.
    Key {
        /// Whose key it is.
        #[arg(long, value_name = "NAME")]
        name: TokenId,

        /// The file that the key is written to. It must not be there.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what a draft changes, its digest, and who has signed it. Ends with 1 while that is not enough.
    Show {
        /// The draft: a folder that holds `plant.toml`, or the file itself.
        #[arg(value_name = "DRAFT")]
        draft: PathBuf,

        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sign a draft.
    Sign {
        /// The draft: a folder that holds `plant.toml`, or the file itself.
        #[arg(value_name = "DRAFT")]
        draft: PathBuf,

        /// The digest of the draft that you have looked at, as `show` says it: another one is not signed.
        #[arg(long, value_name = "DIGEST")]
        digest: String,

        /// Your key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Key { name, out } => make(&name, &out),
        Task::Show { draft, json } => show(&Change::load(plant, &draft)?, json),
        Task::Sign { draft, digest, key } => sign(&Change::load(plant, &draft)?, &digest, &key),
    }
}

/// A plant and the draft that is to replace it.
struct Change {
    now: Loaded,
    draft: Loaded,
}

impl Change {
    fn load(plant: &Path, draft: &Path) -> miette::Result<Self> {
        let (now, draft) = (assemble::load(plant)?, assemble::load(draft)?);
        Stranger::refuse(&now, &draft)?;
        if now.plant.digest == draft.plant.digest {
            bail!(
                help = "what is approved is a step from one plant to another: keep the draft apart until it is signed",
                "the draft is what `{}` holds already",
                plant.display()
            );
        }
        Ok(Self { now, draft })
    }

    fn step(&self) -> Step<'_> {
        Step { plant: &self.now.plant.id, from: &self.now.plant.digest, to: &self.draft.plant.digest }
    }

    fn signers(&self) -> miette::Result<Vec<&str>> {
        let control = &self.now.control;
        let signers = self.step().signers(&control.signatures, &control.approvers)?;
        Ok(signers.into_iter().map(Verifier::name).collect())
    }
}

fn make(name: &TokenId, out: &Path) -> miette::Result<ExitCode> {
    let seed = secret::random::<32>()?;
    let line = Zeroizing::new(format!("{name} {}", seal::base64(seed.as_ref())));
    let signer = signer(&line)?;
    secrets::write_new(out, &line).into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", out.display()))?;
    say(&format!("{}\n", signer.verifier()))?;
    eprintln!(
        "put that line into `approvers` of `[control]`, and keep `{}` where only {name} can read it",
        out.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// The key of a person who approves, from its file.
pub(crate) fn signer_of(path: &Path) -> miette::Result<Signer> {
    signer(&secrets::read(path)?)
}

/// The key that a file holds: whose it is, and its seed in base64.
fn signer(line: &str) -> miette::Result<Signer> {
    let read = || {
        let (name, seed) = line.trim().split_once(' ')?;
        let seed = Zeroizing::new(seal::unbase64(seed)?);
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).ok()?);
        Signer::new(TokenId::new(name).ok()?.as_str(), Arc::new(SigningKey::from_seed(seed))).ok()
    };
    read().ok_or_else(|| miette!("this is not a key of `penstock approve key`"))
}

fn show(change: &Change, json: bool) -> miette::Result<ExitCode> {
    let (now, digest) = (&change.now.control, &change.draft.plant.digest);
    let (signers, differences) =
        (change.signers()?, diff::differences(&change.now, &change.draft, u64::MAX)?.differences);
    let text = if json {
        let told = json!({
            "from": change.now.plant.digest,
            "digest": digest,
            "needed": now.approvals,
            "approved_by": signers,
            "differences": diff::data(&differences),
        });
        format!("{told:#}\n")
    } else {
        let by = if signers.is_empty() { "nobody".to_owned() } else { signers.join(", ") };
        format!("{}\ndigest    {digest}\napproved  by {by}; it takes {}\n", diff::words(&differences), now.approvals)
    };
    say(&text)?;
    Ok(if signers.len() < now.approvals { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn sign(change: &Change, digest: &str, key: &Path) -> miette::Result<ExitCode> {
    let (signer, control, step) = (signer(&secrets::read(key)?)?, &change.now.control, change.step());
    let name = signer.verifier().name();
    if !control.approvers.contains(signer.verifier()) {
        bail!(help = "`approvers` of the plant in force says who may approve", "`{name}` with this key is no approver");
    }
    if digest != step.to {
        bail!(
            help = "look at it with `penstock approve show`",
            "the draft is {}, and not what you have looked at",
            step.to
        );
    }
    let (folder, path) = (&control.signatures, step.place(&control.signatures, name));
    let note = Note::sign(step.text(), &signer).into_diagnostic()?;
    approvals::leave(folder, &path, &note)?;
    let signers = change.signers()?;
    say(&format!("{name} has approved {}\n{} of {} approvals\n", step.to, signers.len(), control.approvals))?;
    Ok(ExitCode::SUCCESS)
}
