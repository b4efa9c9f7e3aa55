//! A person signs a step of a component's life.

use crate::approvals;
use crate::governing;
use config::Loaded;
use inventory::{Component, State, Step};
use miette::{IntoDiagnostic, bail, miette};
use seal::note::{Note, Signer};

/// Signs the step that leads from where a component stands to another state; says who has signed it so far.
pub(super) fn sign(loaded: &Loaded, name: &str, to: State, because: &str, signer: &Signer) -> miette::Result<String> {
    let component = named(loaded, name)?;
    let because = because.trim();
    if !governing::is_reason(because) {
        bail!("say why in one line of at most {} characters", governing::LONGEST);
    }
    let own = signer.verifier();
    if !loaded.control.approvers.contains(own) {
        bail!(help = "`approvers` of `[control]` says who may", "`{}` with this key is no approver", own.name());
    }
    let step = step(loaded, component, to)?;
    let note = Note::sign(governing::text(&step, &loaded.plant.id, because), signer).into_diagnostic()?;
    let (folder, needed) = (&loaded.control.signatures, loaded.governance.approvals);
    let path = folder.join(step.file(own.name()));
    approvals::leave(folder, &path, &note)?;
    let count = governing::signers(&step, loaded).len();
    Ok(format!(
        "{} has signed that {} goes from {} to {}\n{count} of {needed} approvals\n",
        own.name(),
        step.component,
        step.from.name(),
        step.to.name()
    ))
}

fn step(loaded: &Loaded, component: &Component, to: State) -> miette::Result<Step> {
    let (lives, unlisted) = (governing::known(loaded)?, loaded.governance.unlisted);
    let gaps = component.governance.gaps();
    if to.is_governed() && !gaps.is_empty() {
        bail!("`{}` has no {}, and none goes live without", component.name, gaps.join(", "));
    }
    let from = lives.of(&component.name).map_or(unlisted, |life| life.state);
    lives.step(&component.name, unlisted, to, &governing::declared(component)).ok_or_else(|| {
        let next: Vec<&str> = from.next().iter().map(|state| state.name()).collect();
        miette!(
            help = format!("from there it goes to: {}", next.join(", ")),
            "`{}` is {}, from where no step leads to {}",
            component.name,
            from.name(),
            to.name()
        )
    })
}

fn named<'a>(loaded: &'a Loaded, name: &str) -> miette::Result<&'a Component> {
    let all = &loaded.components;
    if let Some(one) = all.iter().find(|one| one.name.to_string() == name) {
        return Ok(one);
    }
    let mut found = all.iter().filter(|one| one.name.id() == name);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(one), Some(other)) => {
            bail!(help = format!("say which: `{}`, `{}`", one.name, other.name), "several components have that name")
        }
        (None, _) => bail!(
            help = "what is only seen is declared first: `penstock inventory draft`",
            "the plant file declares no such component"
        ),
    }
}
