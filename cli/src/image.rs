//! `penstock image`: register pictures, so that a call that holds one is known.
//!
//! It changes `pictures.looks` and nothing else. A running gateway takes the changed file within a second.

use crate::columns::columns;
use crate::registered::{self, open, say};
use crate::texts;
use clap::Subcommand;
use miette::{IntoDiagnostic, bail, miette};
use pictures::{Added, Budget, Gallery, Limits, Picture, Recognised, Registered, Registration, Sight};
use plant::PictureId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Largest file.
const LARGEST: u64 = 256 << 20;
/// Pictures of which each is told by itself; beyond, only their number.
const TOLD: usize = 20;

/// Register pictures: a call that holds one is then known, also scaled, compressed anew, mirrored or turned.
///
/// Of a picture, its looks are kept (in `pictures.looks`, under the plant's key), and nothing else of what it shows. A call that
/// holds it, in PNG, JPEG, GIF, WebP or BMP, is labelled `picture`, or as it was registered. How well that works for which change
/// is measured in the reference; a part of a picture is not recognised.
///
/// A running gateway takes a change within a second; without one, the next start does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Add(Add),
    List(List),
    Remove(Remove),
    Test(Test),
}

/// Register pictures, or every picture below a folder
///
/// A picture is called by its file, or its path below the folder: `pumps/P 7.png` is `pumps.p-7`. One of that name that is
/// registered already is replaced, so the same command again brings a folder up to date. Of drawings in PDF or DXF, register what
/// people take pictures of: `pdftoppm -r 100 -png drawing.pdf page`.
///
///     penstock image add --label picture.drawing --sensitivity restricted drawings/
///     penstock image add --id nozzle-4 nozzle.jpg
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Add {
    /// What the picture is called, if it is one: at most 80 lower-case letters, digits, `-`, `_` and `.`.
    #[arg(long, value_name = "NAME")]
    id: Option<String>,

    /// How a message is labelled that holds it: `picture`, `picture.NAME`, or a label of the plant's dictionary.
    #[arg(long, default_value = "picture", value_name = "LABEL")]
    label: String,

    /// How sensitive that makes the message, by its name on the plant's scale. Left out: what `[labels]` says of the label.
    #[arg(long, value_name = "NAME")]
    sensitivity: Option<String>,

    /// Pictures and folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// List the registered pictures.
#[derive(Debug, clap::Args)]
struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Forget pictures.
#[derive(Debug, clap::Args)]
struct Remove {
    /// What they are called, as `penstock image list` shows it.
    #[arg(required = true, value_name = "NAME")]
    ids: Vec<String>,
}

/// Say which registered pictures a picture looks like, and what sort of picture it is
///
/// Ends with 0 if it looks like none, with 1 if it looks like one, and with 2 if that cannot be told. Nothing is sent or recorded.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Test {
    /// The picture.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Add(args) => add(plant, &args),
        Task::List(args) => list(plant, &args),
        Task::Remove(args) => remove(plant, &args),
        // A script must not take a mistyped flag for a picture, so this does not leave it to `main`.
        Task::Test(args) => test(plant, &args).or_else(|problem| {
            eprintln!("{problem:?}");
            Ok(ExitCode::from(2))
        }),
    }
}

fn add(plant: &Path, args: &Add) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let label = registered::label(&args.label, "picture", &loaded)?;
    let sensitivity = registered::sensitivity(args.sensitivity.as_deref(), &loaded)?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let found = found(args)?;
    registered::change(&loaded.gateway.pictures, &keys, |gallery: &mut Gallery| {
        for (id, path) in found {
            let (label, sensitivity) = (label.clone(), sensitivity.clone());
            let added = picture(&path).and_then(|picture| {
                gallery.add(Registration { id: id.clone(), label, sensitivity }, &picture, &keys).into_diagnostic()
            });
            match added {
                Ok(added) => done.push((id, added)),
                Err(problem) => failed.push(format!("`{}` is not registered: {problem}", path.display())),
            }
        }
    })?;
    failed.iter().for_each(|problem| eprintln!("{problem}"));
    say(&told(&done))?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of the pictures, for people.
fn told(done: &[(PictureId, Added)]) -> String {
    if done.len() > TOLD {
        let count = |which: fn(&Added) -> bool| done.iter().filter(|(_, added)| which(added)).count();
        let (replaced, like) = (count(|added| added.replaced), count(|added| added.like.is_some()));
        return format!("{} pictures are registered: {replaced} anew, {like} much like another\n", done.len());
    }
    let line = |(id, added): &(PictureId, Added)| {
        let anew = if added.replaced { "registered anew" } else { "registered" };
        let like = added.like.as_ref().map(|like| format!("; much like `{like}`")).unwrap_or_default();
        format!("`{id}` is {anew}: {} looks{like}\n", added.looks)
    };
    done.iter().map(line).collect()
}

/// The files to register, each under a name of its own.
fn found(args: &Add) -> miette::Result<Vec<(PictureId, PathBuf)>> {
    let mut found = Vec::new();
    for path in &args.files {
        for one in texts::below(path)? {
            found.push((PictureId::new(one.id.as_str()).into_diagnostic()?, one.path));
        }
    }
    if let Some(id) = &args.id {
        let [one] = found.as_mut_slice() else { bail!("`--id` names one picture, and there are {}", found.len()) };
        one.0 = PictureId::new(id.as_str()).into_diagnostic()?;
    }
    let mut names: BTreeMap<&PictureId, &Path> = BTreeMap::new();
    for (id, path) in &found {
        if let Some(other) = names.insert(id, path) {
            bail!("`{}` and `{}` would both be called `{id}`", other.display(), path.display());
        }
    }
    Ok(found)
}

fn picture(path: &Path) -> miette::Result<Picture> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).into_diagnostic()?;
    if bytes.len() as u64 > LARGEST {
        bail!("it is larger than 256 MiB");
    }
    Picture::decode(&bytes, &mut Budget::new(&Limits::default())).into_diagnostic()
}

fn remove(plant: &Path, args: &Remove) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let ids = args.ids.iter().map(|id| PictureId::new(id.as_str()).into_diagnostic()).collect::<Result<Vec<_>, _>>()?;
    registered::forget(&loaded.gateway.pictures, &keys, ids, "picture", Gallery::remove)
}

fn list(plant: &Path, args: &List) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let gallery: Gallery = registered::read(&loaded.gateway.pictures, &keys)?;
    let all = gallery.pictures();
    say(&if args.json {
        format!("{:#}\n", all.iter().map(data).collect::<Value>())
    } else if all.is_empty() {
        "no pictures; `penstock image add FILE` registers one\n".to_owned()
    } else {
        let head = ["PICTURE", "LABEL", "SENSITIVITY", "LOOKS"].map(str::to_owned);
        let row = |one: &Registered| {
            let sensitivity = one.sensitivity.clone().unwrap_or_default();
            [one.id.to_string(), one.label.to_string(), sensitivity, one.looks().to_string()]
        };
        columns(&std::iter::once(head).chain(all.iter().map(row)).collect::<Vec<_>>())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn data(one: &Registered) -> Value {
    json!({
        "id": one.id.as_str(),
        "label": one.label.as_str(),
        "sensitivity": one.sensitivity,
        "looks": one.looks(),
    })
}

fn test(plant: &Path, args: &Test) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let gallery: Gallery = registered::read(&loaded.gateway.pictures, &keys)?;
    let picture =
        picture(&args.file).map_err(|problem| miette!("`{}` cannot be read: {problem}", args.file.display()))?;
    let kind = picture.kind().name();
    let known = gallery.find(&Sight::of(&picture, &keys));
    say(&if args.json {
        let (width, height) = (picture.width(), picture.height());
        let known = known.iter().map(sighting).collect::<Value>();
        format!("{:#}\n", json!({"kind": kind, "width": width, "height": height, "recognised": known}))
    } else if known.is_empty() {
        format!("a {kind}; none of {} registered pictures is recognised\n", gallery.pictures().len())
    } else {
        known.iter().map(|one| sentence(kind, one)).collect()
    })?;
    Ok(if known.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sentence(kind: &str, one: &Recognised<'_>) -> String {
    let near = match one.exact {
        true => "every pixel the same".to_owned(),
        false => format!("{} of 160 signs differ", one.distance),
    };
    format!("a {kind}; looks like `{}`: {near}\n", one.picture.id)
}

fn sighting(one: &Recognised<'_>) -> Value {
    json!({
        "picture": one.picture.id.as_str(),
        "label": one.picture.label.as_str(),
        "exact": one.exact,
        "distance": one.distance,
    })
}
