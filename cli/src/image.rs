//! `penstock image`: register pictures, so that a call that holds one is known.
//!
//! It changes `pictures.looks` and nothing else. A running gateway takes the changed file within a second.

use crate::print::say;
use crate::register::{self, Done};
use crate::registered::{self, open};
use crate::texts;
use clap::Subcommand;
use miette::{IntoDiagnostic, miette};
use pictures::{Added, Budget, Gallery, Limits, Picture, Recognised, Registered, Registration, Sight};
use plant::PictureId;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Largest file.
const LARGEST: u64 = 256 << 20;

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
    /// List the registered pictures.
    List(register::List),
    /// Forget pictures.
    Remove(register::Remove),
    /// Say which registered pictures a picture looks like, and what sort of picture it is
    ///
    /// Ends with 0 if it looks like none, with 1 if it looks like one, and with 2 if that cannot be
    /// told. Nothing is sent or recorded.
    #[command(verbatim_doc_comment)]
    Test(register::Test),
}

/// Register pictures, or every picture below a folder
///
/// A picture is called by its file, or its path below the folder: `pumps/P 7.png` is `pumps.p-7`.
/// One of that name that is registered already is replaced, so the same command again brings a
/// folder up to date. Of drawings in PDF or DXF, register what people take pictures of: `pdftoppm
/// -r 100 -png drawing.pdf page`.
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

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Add(args) => add(plant, &args),
        Task::List(args) => list(plant, &args),
        Task::Remove(args) => register::remove::<Gallery>(plant, &args),
        Task::Test(args) => Ok(register::tested(test(plant, &args))),
    }
}

fn add(plant: &Path, args: &Add) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let label = registered::label(&args.label, "picture", &loaded)?;
    let sensitivity = registered::sensitivity(args.sensitivity.as_deref(), &loaded)?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let found = register::found::<PictureId>(&args.files, args.id.as_deref(), "picture")?;
    registered::change(&loaded.gateway.pictures, &keys, |gallery: &mut Gallery| {
        for (id, path) in found {
            let registration = Registration { id: id.clone(), label: label.clone(), sensitivity: sensitivity.clone() };
            let added = picture(&path).and_then(|picture| gallery.add(registration, &picture, &keys).into_diagnostic());
            match added {
                Ok(Added { looks, replaced, like }) => {
                    done.push(Done { id, kept: format!("{looks} looks"), replaced, like });
                }
                Err(problem) => failed.push(format!("`{}` is not registered: {problem}", path.display())),
            }
        }
    })?;
    register::tell(&done, &failed, "picture")
}

fn picture(path: &Path) -> miette::Result<Picture> {
    let bytes = texts::bytes(path, LARGEST).into_diagnostic()?;
    Picture::decode(&bytes, &mut Budget::new(&Limits::default())).into_diagnostic()
}

fn list(plant: &Path, args: &register::List) -> miette::Result<ExitCode> {
    let row = |one: &Registered| {
        let sensitivity = one.sensitivity.clone().unwrap_or_default();
        [one.id.to_string(), one.label.to_string(), sensitivity, one.looks().to_string()]
    };
    register::list::<Gallery, 4>(plant, args, data, ["PICTURE", "LABEL", "SENSITIVITY", "LOOKS"], row)
}

fn data(one: &Registered) -> Value {
    json!({
        "id": one.id.as_str(),
        "label": one.label.as_str(),
        "sensitivity": one.sensitivity,
        "looks": one.looks(),
    })
}

fn test(plant: &Path, args: &register::Test) -> miette::Result<bool> {
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
    Ok(!known.is_empty())
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
