//! What the commands that register documents, tables and pictures have in common.

use crate::print::{columns, say};
use crate::registered::{self, Registered, open};
use crate::texts;
use miette::{IntoDiagnostic, bail};
use plant::InvalidId;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

/// Of how many each is told by itself; beyond, only their number.
const TOLD: usize = 20;

/// What `list` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What `remove` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// What they are called, as `list` shows it.
    #[arg(required = true, value_name = "NAME")]
    ids: Vec<String>,
}

/// What `test` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The file to be tested; of a text, `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The exit code of `test`: 2 if it could not tell. A script must not take a mistyped flag for something found, so this is
/// not left to `main`.
pub(crate) fn tested(found: miette::Result<bool>) -> ExitCode {
    match found {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem:?}");
            ExitCode::from(2)
        }
    }
}

/// Lists what is registered: as JSON by `data`, or else as a table of `row`s below `head`.
pub(crate) fn list<R: Registered, const N: usize>(
    plant: &Path,
    args: &List,
    data: impl Fn(&R::One) -> Value,
    head: [&str; N],
    row: impl Fn(&R::One) -> [String; N],
) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let registered: R = registered::read(R::path(&loaded.gateway), &keys)?;
    let all = registered.all();
    say(&if args.json {
        format!("{:#}\n", all.iter().map(data).collect::<Value>())
    } else if all.is_empty() {
        format!("no {}s; `{} FILE` registers one\n", R::NOUN, R::COMMAND)
    } else {
        columns(head, all.iter().map(row))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Forgets what has these names, and says of each whether it was there; a failure if one was not.
pub(crate) fn remove<R: Registered>(plant: &Path, args: &Remove) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let ids = args.ids.iter().map(|id| id.parse::<R::Id>().into_diagnostic()).collect::<Result<Vec<_>, _>>()?;
    let removed = registered::change(R::path(&loaded.gateway), &keys, |registered: &mut R| {
        ids.into_iter().map(|id| (registered.remove(&id), id)).collect::<Vec<_>>()
    })?;
    let line = |(there, id): &(bool, R::Id)| match there {
        true => format!("`{id}` is forgotten\n"),
        false => format!("there is no {} `{id}`\n", R::NOUN),
    };
    say(&removed.iter().map(line).collect::<String>())?;
    Ok(if removed.iter().all(|(there, _)| *there) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The files to register, those below folders too, each under a name of its own: `id` if it is one.
pub(crate) fn found<I: FromStr<Err = InvalidId> + Display + Ord>(
    files: &[PathBuf],
    id: Option<&str>,
    noun: &str,
) -> miette::Result<Vec<(I, PathBuf)>> {
    let mut found = Vec::new();
    for path in files {
        for (name, path) in texts::below(path)? {
            found.push((name.parse().into_diagnostic()?, path));
        }
    }
    if let Some(id) = id {
        let [one] = found.as_mut_slice() else { bail!("`--id` names one {noun}, and there are {}", found.len()) };
        one.0 = id.parse().into_diagnostic()?;
    }
    let mut names: BTreeMap<&I, &Path> = BTreeMap::new();
    for (id, path) in &found {
        if let Some(other) = names.insert(id, path) {
            bail!("`{}` and `{}` would both be called `{id}`", other.display(), path.display());
        }
    }
    Ok(found)
}

/// One that was registered.
pub(crate) struct Done<I> {
    pub(crate) id: I,
    /// What is kept of it: `12 prints`.
    pub(crate) kept: String,
    /// Whether one of this name stood there before.
    pub(crate) replaced: bool,
    /// One that is much the same.
    pub(crate) like: Option<I>,
}

/// Says what became of all, those that `failed` first.
pub(crate) fn tell<I: Display>(done: &[Done<I>], failed: &[String], noun: &str) -> miette::Result<ExitCode> {
    failed.iter().for_each(|problem| eprintln!("{problem}"));
    say(&told(done, noun))?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told<I: Display>(done: &[Done<I>], noun: &str) -> String {
    if done.len() > TOLD {
        let replaced = done.iter().filter(|one| one.replaced).count();
        let like = done.iter().filter(|one| one.like.is_some()).count();
        return format!("{} {noun}s are registered: {replaced} anew, {like} much like another\n", done.len());
    }
    let line = |one: &Done<I>| {
        let anew = if one.replaced { "registered anew" } else { "registered" };
        let like = one.like.as_ref().map(|like| format!("; much like `{like}`")).unwrap_or_default();
        format!("`{}` is {anew}: {}{like}\n", one.id, one.kept)
    };
    done.iter().map(line).collect()
}
