//! `penstock diff`: what a change of the plant file comes to, in plain words.

use crate::assemble;
use crate::print::say;
use config::{Control, Loaded};
use inventory::{Component, ComponentKind, State};
use policy::{Comparison, Difference, Effect};
use seal::note::Verifier;
use serde_json::json;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Say what a changed plant file opens, closes and changes
///
/// Both are read in full, with their rules. First comes what becomes possible, then what stops,
/// then what is done otherwise. Ends with 0 if there is no difference, with 1 if there is, and with
/// 2 if one of them cannot be read.
///
///     penstock diff /etc/penstock draft/
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A plant: a folder that holds `plant.toml`, or the file itself.
    #[arg(value_name = "BEFORE")]
    before: PathBuf,

    /// Another.
    #[arg(value_name = "AFTER")]
    after: PathBuf,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> miette::Result<ExitCode> {
    let read = |path: &Path| assemble::load(path).map_err(|problem| eprintln!("{problem:?}"));
    let (Ok(before), Ok(after)) = (read(&args.before), read(&args.after)) else { return Ok(ExitCode::from(2)) };
    let differences = differences(&before, &after, u64::MAX)?.differences;
    let text = if args.json { format!("{:#}\n", data(&differences)) } else { words(&differences) };
    say(&text)?;
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Every difference between two plants: those of the policy, with which workload reaches which provider if that takes no more
/// than `steps`, and that there are others.
pub(crate) fn differences(before: &Loaded, after: &Loaded, steps: u64) -> miette::Result<Comparison> {
    let Comparison { differences: mut all, paths } =
        policy::compare(&assemble::policy(before)?, &assemble::policy(after)?, steps);
    let mut other = |place: &str, text: &str, same: bool| {
        if !same {
            let (place, text) = (place.to_owned(), text.to_owned());
            all.push(Difference { effect: Effect::Changes, place, text });
        }
    };
    other(
        "inspection",
        "content is read otherwise: labels, dictionary, detectors",
        same(&before.inspect, &after.inspect),
    );
    other("limits", "of tags are others", same(&before.guard, &after.guard));
    other("shifts", "are told of on other terms", same(&before.shifts, &after.shifts));
    other("fallback", "what happens when providers fail is said otherwise", same(&before.failing, &after.failing));
    other("quotas", "how much may be used, or what it costs, is said otherwise", same(&before.quotas, &after.quotas));
    other(
        "alerts",
        "where they go, or which, is said otherwise",
        own(before, &before.alerts) == own(after, &after.alerts),
    );
    let others = |loaded: &Loaded| {
        let approvers = Vec::new();
        own(loaded, &Control { approvals: 0, approvers, ..loaded.control.clone() })
    };
    other(
        "control",
        "who may control the gateway, and how long calls wait for people, is said otherwise",
        others(before) == others(after),
    );
    let (old, new) = (&before.gateway, &after.gateway);
    other(
        "gateway",
        "it runs otherwise; addresses and limits come into force at the next start",
        own(before, old) == own(after, new),
    );
    all.extend(approving(&before.control, &after.control));
    all.extend(governing(before, after));
    all.sort();
    Ok(Comparison { differences: all, paths })
}

/// What has changed about who must approve the next change.
fn approving(before: &Control, after: &Control) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut told = |effect, text| all.push(Difference { effect, place: "changes of the plant".to_owned(), text });
    let (was, is) = (before.approvals, after.approvals);
    if was != is {
        let effect = if is < was { Effect::Opens } else { Effect::Closes };
        told(effect, format!("take {is} approvals, and took {was}"));
    }
    let new = |one: &&Verifier, others: &Control| !others.approvers.contains(one);
    for key in after.approvers.iter().filter(|key| new(key, before)) {
        told(Effect::Opens, format!("may be approved with `{key}`"));
    }
    for key in before.approvers.iter().filter(|key| new(key, after)) {
        told(Effect::Closes, format!("may not be approved with `{key}` any more"));
    }
    all
}

/// What has changed about components, and what they need.
fn governing(before: &Loaded, after: &Loaded) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut told = |effect, place: String, text: String| all.push(Difference { effect, place, text });
    let (was, is) = (&before.governance, &after.governance);
    let components = || "components".to_owned();
    if was.unlisted != is.unlisted {
        let effect = if is.unlisted == State::Live { Effect::Opens } else { Effect::Closes };
        let text =
            format!("of which nobody signed a step are {}, and were {}", is.unlisted.name(), was.unlisted.name());
        told(effect, components(), text);
    }
    if was.approvals != is.approvals {
        let effect = if is.approvals < was.approvals { Effect::Opens } else { Effect::Closes };
        told(effect, components(), format!("take a step with {} approvals, and took {}", is.approvals, was.approvals));
    }
    for kind in was.require.difference(&is.require) {
        told(Effect::Opens, components(), format!("of kind `{}` need not be declared any more", kind.name()));
    }
    for kind in is.require.difference(&was.require) {
        told(Effect::Closes, components(), format!("of kind `{}` must be declared in full", kind.name()));
    }
    if was.contact != is.contact {
        told(Effect::Changes, components(), "have another contact".to_owned());
    }
    let of = |all: &'_ [Component], one: &Component| all.iter().find(|other| other.name == one.name).cloned();
    for one in &after.components {
        let place = format!("component `{}`", one.name);
        match of(&before.components, one) {
            Some(other) if said(&other) != said(one) => {
                told(Effect::Changes, place, "is declared otherwise".to_owned());
            }
            None if has_no_table(one) => told(Effect::Changes, place, "is declared".to_owned()),
            _ => {}
        }
    }
    for one in before.components.iter().filter(|one| has_no_table(one) && of(&after.components, one).is_none()) {
        let text = "is not declared any more: if it is out of service, nothing says so from then on";
        told(Effect::Opens, format!("component `{}`", one.name), text.to_owned());
    }
    all
}

/// Whether it is declared for the inventory alone. Workloads and providers come and go in the policy's own words.
fn has_no_table(component: &Component) -> bool {
    !matches!(component.name.kind(), ComponentKind::Workload | ComponentKind::Provider)
}

/// What is declared of a component, as far as the policy does not say it.
fn said(component: &Component) -> String {
    let mut own = component.clone();
    if own.name.kind() == ComponentKind::Workload {
        (own.governance, own.title) = Default::default();
    }
    own.told()
}

/// Whether two settings say the same, by how they are written down.
fn same(before: &impl Debug, after: &impl Debug) -> bool {
    format!("{before:?}") == format!("{after:?}")
}

/// What settings say, wherever the plant's folder lies.
fn own(loaded: &Loaded, settings: &impl Debug) -> String {
    format!("{settings:?}").replace(&format!("{:?}", loaded.folder).trim_matches('"').to_owned(), "")
}

pub(crate) fn words(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "no difference: both plants allow and do the same\n".to_owned();
    }
    let mut text = String::new();
    for (effect, heading) in
        [(Effect::Opens, "Becomes possible"), (Effect::Closes, "Stops"), (Effect::Changes, "Is done otherwise")]
    {
        let mut these = differences.iter().filter(|one| one.effect == effect).peekable();
        if these.peek().is_some() {
            text += &format!("{heading}\n");
            these.for_each(|Difference { place, text: what, .. }| text += &format!("  {place} {what}\n"));
        }
    }
    text
}

pub(crate) fn data(differences: &[Difference]) -> serde_json::Value {
    let one = |one: &Difference| json!({ "effect": one.effect.name(), "place": one.place, "text": one.text });
    serde_json::Value::Array(differences.iter().map(one).collect())
}
