//! `penstock fingerprint`: register documents, so that a prompt that repeats one is known.
//!
//! It changes `documents.prints` and nothing else. A running gateway takes the changed file within a second.

use crate::print::say;
use crate::register::{self, Done};
use crate::registered::{self, open};
use crate::texts;
use clap::Subcommand;
use config::Loaded;
use miette::miette;
use plant::{CollectionId, DocumentId, Source};
use prints::{Added, Collection, Document, Level, Reader, Recognised, Registration, Table};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Register documents: a prompt that repeats one is then known, also re-wrapped, reformatted or with words changed.
///
/// Of a document, keyed fingerprints are kept (in `documents.prints`), and nothing of its text. What repeats a passage is
/// found as `document`, or the label that it was registered with; a few common runs of words as `document.trace`, which is
/// recorded and, unless the plant file says more, no more than that. Paraphrase and translation are not recognised.
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
    /// List the registered documents.
    List(register::List),
    /// Forget documents.
    Remove(register::Remove),
    /// Say which registered documents a text repeats, and where
    ///
    /// Ends with 0 if no passage was copied, with 1 if one was, and with 2 if that cannot be told.
    /// Nothing is sent or recorded.
    #[command(verbatim_doc_comment)]
    Test(register::Test),
}

/// Register text files, or every text file below a folder
///
/// A document is called by its file, or its path below the folder: `sop/pump 7.txt` is
/// `sop.pump-7`. One of that name that is registered already is replaced, so the same command again
/// brings a folder up to date. Of PDF and office files, register the text: `pdftotext recipe.pdf`.
///
///     penstock fingerprint add --label document.recipe --sensitivity restricted recipes/
///     penstock fingerprint add --public terms-of-delivery.txt
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Add {
    /// What the document is called, if it is one: at most 80 lower-case letters, digits, `-`, `_` and `.`.
    #[arg(long, value_name = "NAME")]
    id: Option<String>,

    /// How a message is labelled that repeats it: `document`, `document.NAME`, or a label of the plant's dictionary.
    #[arg(long, default_value = "document", value_name = "LABEL")]
    label: String,

    /// How sensitive that makes the message, by its name on the plant's scale. Left out: what `[labels]` says of the label.
    #[arg(long, value_name = "NAME")]
    sensitivity: Option<String>,

    /// The text is public: whatever else has it, it is no evidence. For boilerplate, licences, standards.
    #[arg(long, conflicts_with_all = ["label", "sensitivity"])]
    public: bool,

    /// The collection that the documents are of. What repeats one is of the data sources that name the collection (`[sources.NAME] documents`).
    #[arg(long, value_name = "NAME", conflicts_with = "public")]
    collection: Option<CollectionId>,

    /// Text files and folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Add(args) => add(plant, &args),
        Task::List(args) => list(plant, &args),
        Task::Remove(args) => register::remove::<Collection>(plant, &args),
        Task::Test(args) => Ok(register::tested(test(plant, &args))),
    }
}

fn add(plant: &Path, args: &Add) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let label = registered::label(&args.label, "document", &loaded)?;
    let sensitivity = registered::sensitivity(args.sensitivity.as_deref(), &loaded)?;
    unnamed(args.collection.as_ref(), &loaded);
    let found = register::found(&args.files, args.id.as_deref(), "document")?;
    let (mut done, mut unread, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    registered::change(&loaded.gateway.documents, &keys, |collection: &mut Collection| {
        let all = found.iter().filter_map(|(id, path)| match texts::text(path) {
            Ok(text) => {
                let (id, label, sensitivity) = (DocumentId::clone(id), label.clone(), sensitivity.clone());
                let collection = args.collection.clone();
                Some((Registration { id, label, sensitivity, public: args.public, collection }, text))
            }
            Err(problem) => {
                unread.push(format!("`{}` is not registered: {problem}", path.display()));
                None
            }
        });
        collection.add(all, &keys, |id, added| match added {
            Ok(Added { prints, replaced, like }) => {
                done.push(Done { id: id.clone(), kept: format!("{prints} prints"), replaced, like });
            }
            Err(problem) => refused.push(format!("`{id}` is not registered: {problem}")),
        });
    })?;
    unread.append(&mut refused);
    register::tell(&done, &unread, "document")
}

/// Says so if no source names the collection: what is registered would be of none.
fn unnamed(collection: Option<&CollectionId>, loaded: &Loaded) {
    let Some(name) = collection else { return };
    let named = |source: &Source| source.documents.iter().any(|own| own == name.as_str());
    if !loaded.plant.sources.values().any(named) {
        eprintln!("no source of the plant names collection `{name}`: add it to `documents` of one");
    }
}

fn list(plant: &Path, args: &register::List) -> miette::Result<ExitCode> {
    let row = |one: &Document| {
        let label = if one.public { "public".to_owned() } else { one.label.to_string() };
        let sensitivity = one.sensitivity.clone().unwrap_or_default();
        let collection = one.collection.as_ref().map(ToString::to_string).unwrap_or_default();
        [one.id.to_string(), label, sensitivity, collection, one.letters.to_string(), one.prints().to_string()]
    };
    let head = ["DOCUMENT", "LABEL", "SENSITIVITY", "COLLECTION", "LETTERS", "PRINTS"];
    register::list::<Collection, 6>(plant, args, document, head, row)
}

fn document(document: &Document) -> Value {
    json!({
        "id": document.id.as_str(),
        "label": document.label.as_str(),
        "sensitivity": document.sensitivity,
        "public": document.public,
        "collection": document.collection.as_ref().map(CollectionId::as_str),
        "letters": document.letters,
        "prints": document.prints(),
    })
}

fn test(plant: &Path, args: &register::Test) -> miette::Result<bool> {
    let (loaded, keys) = open(plant)?;
    let collection: Collection = registered::read(&loaded.gateway.documents, &keys)?;
    let text =
        texts::text(&args.file).map_err(|problem| miette!("`{}` cannot be read: {problem}", args.file.display()))?;
    let table = Table::new(&collection);
    let mut reader = Reader::new(&table, &keys);
    reader.read(&text);
    let recognised = reader.finish();
    say(&if args.json {
        format!("{:#}\n", recognised.iter().map(sighting).collect::<Value>())
    } else if recognised.is_empty() {
        format!("none of {} registered documents is recognised\n", collection.documents().len())
    } else {
        recognised.iter().map(|one| sentence(one, &text)).collect()
    })?;
    Ok(recognised.iter().any(|one| one.level == Level::Copy))
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Copy => "copy",
        Level::Trace => "trace",
    }
}

/// What was recognised, and where, by lines as an editor counts them.
fn sentence(one: &Recognised<'_>, text: &str) -> String {
    let like = if one.others > 0 { format!(" (and {} much like it)", one.others) } else { String::new() };
    let head = format!(
        "{} of `{}`{like}: {} hits, {} letters, {} % of it\n",
        level(one.level),
        one.document,
        one.hits,
        one.letters,
        one.coverage
    );
    let place = |passage: &prints::Passage| {
        let span = &passage.span;
        format!("  {}, bytes {}..{}\n", texts::lines(text, span), span.start, span.end)
    };
    head + &one.passages.iter().map(place).collect::<String>()
}

fn sighting(one: &Recognised<'_>) -> Value {
    let passage = |passage: &prints::Passage| json!({"start": passage.span.start, "end": passage.span.end});
    json!({
        "document": one.document.as_str(),
        "others": one.others,
        "label": one.kind.label.as_str(),
        "level": level(one.level),
        "hits": one.hits,
        "letters": one.letters,
        "coverage": one.coverage,
        "passages": one.passages.iter().map(passage).collect::<Vec<_>>(),
    })
}
