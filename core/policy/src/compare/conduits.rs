//! What has changed about conduits.

use super::both;
use super::said::{Said, list};
use plant::{Conduit, Handling, Keep, Label, Millis, OperatorRequirement, Plant, Tokens, Verdict};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) fn compare(old: &Plant, new: &Plant, said: &mut Said) {
    for (id, was, is) in both(&old.conduits, &new.conduits) {
        let place = || format!("conduit `{id}`");
        match (was, is) {
            (None, Some(conduit)) => said.opens(place, || told(new, conduit)),
            (Some(conduit), None) => said.closes(place, || format!("is gone; it was: {}", told(old, conduit))),
            (Some(was), Some(is)) => conduit(place, (old, was), (new, is), said),
            (None, None) => {}
        }
    }
}

/// A whole conduit in a sentence.
fn told(plant: &Plant, conduit: &Conduit) -> String {
    let who = if conduit.workloads.is_empty() { "every workload".to_owned() } else { list(&conduit.workloads) };
    let models: Vec<&String> = conduit.models.iter().map(|model| &model.0).collect();
    let ceiling = plant.scale.name(conduit.ceiling);
    let operator = if conduit.operator == OperatorRequirement::Optional { "" } else { ", with an operator behind it" };
    format!(
        "{who} of {} may ask models {} of `{}` for {}, up to `{ceiling}`{operator}",
        list(&conduit.from),
        list(&models),
        conduit.to,
        list(&conduit.purposes)
    )
}

fn conduit(
    place: impl Fn() -> String + Copy,
    (old, was): (&Plant, &Conduit),
    (new, is): (&Plant, &Conduit),
    said: &mut Said,
) {
    said.plain(place, "its provider", (&was.to, &is.to));
    said.set(place, (&was.from, &is.from), "is open to zone {} too", "is closed to zone {}");
    workloads(place, was, is, said);
    said.set(place, (&was.purposes, &is.purposes), "may be used for {} too", "may not be used for {} any more");
    let models = |conduit: &Conduit| conduit.models.iter().map(|model| model.0.clone()).collect::<Vec<_>>();
    said.set(place, (&models(was), &models(is)), "opens models {} too", "opens models {} no longer");
    said.step(
        place,
        "its ceiling",
        (old.scale.name(was.ceiling), new.scale.name(is.ceiling)),
        was.ceiling.cmp(&is.ceiling),
    );
    operator(place, was, is, said);
    handling(place, was, is, said);
    let opaque = |conduit: &Conduit| conduit.opaque.iter().map(|path| path.0.clone()).collect::<Vec<_>>();
    said.set(
        place,
        (&opaque(was), &opaque(is)),
        "lets endpoints {} pass unread",
        "lets endpoints {} pass unread no longer",
    );
    let reroute =
        |conduit: &Conduit| conduit.reroute.as_ref().map(ToString::to_string).unwrap_or_else(|| "nowhere".to_owned());
    said.plain(place, "where it reroutes to", (&reroute(was), &reroute(is)));
    time(place, was.expires, is.expires, said);
    oversight(place, was, is, said);
    if was.essential != is.essential {
        let text = if is.essential {
            "is essential: some of its calls may leave while the ledger cannot be written"
        } else {
            "is not essential any more: nothing leaves without the ledger"
        };
        if is.essential {
            said.opens(place, || text.to_owned());
        } else {
            said.closes(place, || text.to_owned());
        }
    }
    if was.keep != is.keep {
        let text = if is.keep == Keep::Content {
            "keeps the content of its calls, sealed"
        } else {
            "keeps no content of its calls any more"
        };
        said.changes(place, || text.to_owned());
    }
    for (what, (a, b)) in [
        ("answers", (format!("{:?}", was.answers), format!("{:?}", is.answers))),
        ("files", (format!("{:?}", was.files), format!("{:?}", is.files))),
        ("recommendations for limited tags", (format!("{:?}", was.guarding), format!("{:?}", is.guarding))),
    ] {
        if a != b {
            said.changes(place, || format!("does something else with {what}"));
        }
    }
    bounds(place, was, is, said);
    said.plain(place, "owner", (&was.owner, &is.owner));
    said.plain(place, "approver", (&was.approval.by, &is.approval.by));
}

/// No names are all names.
fn workloads(place: impl Fn() -> String + Copy, was: &Conduit, is: &Conduit, said: &mut Said) {
    match (was.workloads.is_empty(), is.workloads.is_empty()) {
        (false, true) => said.opens(place, || "is open to every workload of its zones".to_owned()),
        (true, false) => said.closes(place, || format!("is open to {} only", list(&is.workloads))),
        _ => said.set(place, (&was.workloads, &is.workloads), "is open to {} too", "is closed to {}"),
    }
}

fn operator(place: impl Fn() -> String + Copy, was: &Conduit, is: &Conduit, said: &mut Said) {
    match (&was.operator, &is.operator) {
        (OperatorRequirement::Optional, OperatorRequirement::Required { .. }) => {
            said.closes(place, || "asks for a proved operator".to_owned());
        }
        (OperatorRequirement::Required { .. }, OperatorRequirement::Optional) => {
            said.opens(place, || "asks for no operator any more".to_owned());
        }
        (OperatorRequirement::Required { assurance: a }, OperatorRequirement::Required { assurance: b }) if a != b => {
            said.changes(place, || format!("asks operators to sign in by {}, and asked for {}", list(b), list(a)));
        }
        _ => {}
    }
}

fn oversight(place: impl Fn() -> String + Copy, was: &Conduit, is: &Conduit, said: &mut Said) {
    let (was, is) = (&was.oversight, &is.oversight);
    let most = |within: Option<Duration>| within.unwrap_or(Duration::MAX);
    let told = |within: Option<Duration>| match within {
        Some(time) => format!("within {} s", time.as_secs_f64()),
        None => "by nobody who does not want to".to_owned(),
    };
    let text = || format!("its answers are accounted for {}, and were {}", told(is.within), told(was.within));
    match most(was.within).cmp(&most(is.within)) {
        Ordering::Less => said.opens(place, text),
        Ordering::Greater => said.closes(place, text),
        Ordering::Equal => {}
    }
    match (was.proved, is.proved) {
        (true, false) => said.opens(place, || "takes accounts without a proved operator".to_owned()),
        (false, true) => said.closes(place, || "takes no account without a proved operator".to_owned()),
        _ => {}
    }
    said.set(
        place,
        (&was.by, &is.by),
        "lets {} account for its answers",
        "does not let {} account for its answers any more",
    );
    said.plain(
        place,
        "how long its answers can be accounted for, in seconds",
        (&was.until.as_secs(), &is.until.as_secs()),
    );
}

/// What is done with each label that either names, and with any of the others.
fn handling(place: impl Fn() -> String + Copy, was: &Conduit, is: &Conduit, said: &mut Said) {
    let labels: BTreeSet<&Label> = was.handling.iter().chain(&is.handling).map(|row| &row.label).collect();
    for label in labels {
        let ((before, old_form), (after, new_form)) = (deed(&was.handling, label), deed(&is.handling, label));
        let text = || format!("`{label}`: {after}, and was {before}");
        match before.cmp(&after) {
            Ordering::Greater => said.opens(place, text),
            Ordering::Less => said.closes(place, text),
            Ordering::Equal if before == Verdict::Tokenise && old_form != new_form => {
                said.changes(place, || format!("`{label}` gets tokens of another form"));
            }
            Ordering::Equal => {}
        }
    }
}

/// What the first row that covers a label does with it.
fn deed(rows: &[Handling], label: &Label) -> (Verdict, Tokens) {
    let row = rows.iter().find(|row| row.label.covers(label));
    row.map_or((Verdict::Allow, Tokens::Words), |row| (row.verdict, row.tokens))
}

fn time(place: impl Fn() -> String + Copy, was: Option<Millis>, is: Option<Millis>, said: &mut Said) {
    let told = |time: Option<Millis>| time.map_or("without an end".to_owned(), |time| format!("until {time}"));
    let end = |time: Option<Millis>| time.map_or(u64::MAX, |time| time.0);
    let text = || format!("is approved {}, and was {}", told(is), told(was));
    match end(was).cmp(&end(is)) {
        Ordering::Less => said.opens(place, text),
        Ordering::Greater => said.closes(place, text),
        Ordering::Equal => {}
    }
}

fn bounds(place: impl Fn() -> String + Copy, was: &Conduit, is: &Conduit, said: &mut Said) {
    let (was, is) = (&was.bounds, &is.bounds);
    let seconds = |time: Duration| format!("{} s", time.as_secs_f64());
    let most = |audio: Option<Duration>| audio.map_or(u64::MAX, |audio| audio.as_secs());
    for (what, old, new) in [
        ("largest request in bytes", was.request, is.request),
        ("deepest nesting", was.depth.into(), is.depth.into()),
        ("largest answer in bytes", was.answer, is.answer),
        ("longest sound in seconds", most(was.audio), most(is.audio)),
    ] {
        said.step(place, what, (old, new), old.cmp(&new));
    }
    for (what, old, new) in [
        ("longest wait for an answer", was.first_byte, is.first_byte),
        ("longest silence", was.idle, is.idle),
        ("longest exchange", was.total, is.total),
    ] {
        said.step(place, what, (seconds(old), seconds(new)), old.cmp(&new));
    }
}
