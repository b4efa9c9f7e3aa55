//! What has changed about data sources: what they are made of, and who may use them.

use super::both;
use super::said::{Said, list};
use plant::{Access, Plant, Source, SourceId, Unapproved};

/// Where a source has so many patterns that naming each would bury the rest.
const NAMED: usize = 8;

pub(super) fn compare(old: &Plant, new: &Plant, said: &mut Said) {
    for (id, was, is) in both(&old.sources, &new.sources) {
        let place = || format!("source `{id}`");
        match (was, is) {
            (None, Some(is)) => said.changes(place, || format!("is new: {}", made(is))),
            (Some(_), None) => said.opens(place, || "is no source any more: nothing of it is looked for".to_owned()),
            (Some(was), Some(is)) => source(place, (old, was), (new, is), said),
            (None, None) => {}
        }
    }
    for (id, was, is) in both(&old.workloads, &new.workloads) {
        if let Some((was, is)) = was.zip(is) {
            access(|| format!("workload `{id}`"), &was.sources, &is.sources, said);
        }
    }
    for (id, was, is) in both(&old.conduits, &new.conduits) {
        let place = || format!("conduit `{id}`");
        let Some((was, is)) = was.zip(is) else { continue };
        access(place, &was.sources, &is.sources, said);
        let name = |one: Unapproved| Unapproved::NAMES.iter().find(|(_, of)| *of == one).map_or("", |(name, _)| name);
        let names = (name(was.unapproved), name(is.unapproved));
        let text = || format!("what is of a source that is not approved: {}, and was {}", names.1, names.0);
        match was.unapproved.cmp(&is.unapproved) {
            std::cmp::Ordering::Greater => said.opens(place, text),
            std::cmp::Ordering::Less => said.closes(place, text),
            std::cmp::Ordering::Equal => {}
        }
    }
}

/// What it is made of, as numbers.
fn made(source: &Source) -> String {
    let parts = [("tags", &source.tags), ("paths", &source.paths), ("tables", &source.tables)];
    let collections = Some(("collections of documents", &source.documents));
    let parts = parts.into_iter().chain(collections).filter(|(_, all)| !all.is_empty());
    parts.map(|(name, all)| format!("{name}: {}", all.len())).collect::<Vec<_>>().join(", ")
}

fn source(
    place: impl Fn() -> String + Copy,
    (old, was): (&Plant, &Source),
    (new, is): (&Plant, &Source),
    said: &mut Said,
) {
    let steps = (old.scale.name(was.sensitivity), new.scale.name(is.sensitivity));
    said.plain(place, "sensitivity", (&steps.0, &steps.1));
    said.plain(place, "owner", (&was.owner, &is.owner));
    for (what, was, is) in [
        ("tag", &was.tags, &is.tags),
        ("path", &was.paths, &is.paths),
        ("table", &was.tables, &is.tables),
        ("collection", &was.documents, &is.documents),
    ] {
        let came: Vec<&String> = is.iter().filter(|one| !was.contains(one)).collect();
        let went: Vec<&String> = was.iter().filter(|one| !is.contains(one)).collect();
        let named = |all: &[&String]| match all.len() {
            1..=NAMED => format!("{what} {}", list(all)),
            count => format!("{count} of its {what}s"),
        };
        if !came.is_empty() {
            said.changes(place, || format!("holds {} too", named(&came)));
        }
        if !went.is_empty() {
            said.opens(place, || format!("does not hold {} any more", named(&went)));
        }
    }
}

fn access(place: impl Fn() -> String + Copy, was: &Access, is: &Access, said: &mut Said) {
    match (&was.open, &is.open) {
        (Some(_), None) => said.opens(place, || "may use any source that is not denied".to_owned()),
        (None, Some(open)) => {
            let only = if open.is_empty() { "no source".to_owned() } else { format!("source {} only", list(open)) };
            said.closes(place, || format!("may use {only}"));
        }
        (Some(was), Some(is)) => said.set(place, (was, is), "may use source {} too", "may not use source {} any more"),
        (None, None) => {}
    }
    let text = |ids: &[&SourceId]| list(ids);
    let came: Vec<&SourceId> = is.denied.iter().filter(|one| !was.denied.contains(one)).collect();
    let went: Vec<&SourceId> = was.denied.iter().filter(|one| !is.denied.contains(one)).collect();
    if !came.is_empty() {
        said.closes(place, || format!("is denied source {}", text(&came)));
    }
    if !went.is_empty() {
        said.opens(place, || format!("is denied source {} no longer", text(&went)));
    }
}
