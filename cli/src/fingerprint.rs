//! `penstock fingerprint`: register documents, so that a prompt that repeats one is known.
//!
//! It changes `documents.prints` and nothing else. A running gateway takes the changed file within a second.

use crate::columns::columns;
use crate::registered::{self, open, say};
use crate::texts::{self, Found};
use clap::Subcommand;
use miette::{IntoDiagnostic, bail, miette};
use plant::DocumentId;
use prints::{Added, Collection, CollectionError, Document, Level, Reader, Recognised, Registration, Table};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Documents of which each is told by itself; beyond, only their number.
const TOLD: usize = 20;

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
    List(List),
    Remove(Remove),
    Test(Test),
}

/// Register text files, or every text file below a folder
///
/// A document is called by its file, or its path below the folder: `sop/pump 7.txt` is `sop.pump-7`. One of that name that is
/// registered already is replaced, so the same command again brings a folder up to date. Of PDF and office files, register
/// the text: `pdftotext recipe.pdf`.
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

    /// Text files and folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// List the registered documents.
#[derive(Debug, clap::Args)]
struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Forget documents.
#[derive(Debug, clap::Args)]
struct Remove {
    /// What they are called, as `penstock fingerprint list` shows it.
    #[arg(required = true, value_name = "NAME")]
    ids: Vec<String>,
}

/// Say which registered documents a text repeats, and where
///
/// Ends with 0 if no passage was copied, with 1 if one was, and with 2 if that cannot be told. Nothing is sent or recorded.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Test {
    /// The text, from a file or `-` for standard input.
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
        // A script must not take a mistyped flag for a copy, so this does not leave it to `main`.
        Task::Test(args) => test(plant, &args).or_else(|problem| {
            eprintln!("{problem:?}");
            Ok(ExitCode::from(2))
        }),
    }
}

fn add(plant: &Path, args: &Add) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let label = registered::label(&args.label, "document", &loaded)?;
    let sensitivity = registered::sensitivity(args.sensitivity.as_deref(), &loaded)?;
    let found = found(args)?;
    let mut done: Vec<(DocumentId, Result<Added, CollectionError>)> = Vec::new();
    let mut unread = Vec::new();
    registered::change(&loaded.gateway.documents, &keys, |collection: &mut Collection| {
        let all = found.iter().filter_map(|Found { id, path }| match texts::text(path) {
            Ok(text) => {
                let (label, sensitivity) = (label.clone(), sensitivity.clone());
                Some((Registration { id: id.clone(), label, sensitivity, public: args.public }, text))
            }
            Err(problem) => {
                unread.push(format!("`{}` is not registered: {problem}", path.display()));
                None
            }
        });
        collection.add(all, &keys, |id, added| done.push((id.clone(), added)));
    })?;
    let refused =
        done.iter().filter_map(|(id, added)| Some(format!("`{id}` is not registered: {}", added.as_ref().err()?)));
    let failed: Vec<String> = unread.into_iter().chain(refused).collect();
    failed.iter().for_each(|problem| eprintln!("{problem}"));
    say(&told(&done))?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of the documents, for people.
fn told(done: &[(DocumentId, Result<Added, CollectionError>)]) -> String {
    let added: Vec<(&DocumentId, &Added)> =
        done.iter().filter_map(|(id, added)| Some((id, added.as_ref().ok()?))).collect();
    if added.len() > TOLD {
        let (replaced, like) = (|added: &Added| added.replaced, |added: &Added| added.like.is_some());
        let count = |which: fn(&Added) -> bool| added.iter().filter(|(_, added)| which(added)).count();
        let (replaced, like) = (count(replaced), count(like));
        return format!("{} documents are registered: {replaced} anew, {like} much like another\n", added.len());
    }
    let line = |(id, added): &(&DocumentId, &Added)| {
        let anew = if added.replaced { "registered anew" } else { "registered" };
        let like = added.like.as_ref().map(|like| format!("; much like `{like}`")).unwrap_or_default();
        format!("`{id}` is {anew}: {} prints{like}\n", added.prints)
    };
    added.iter().map(line).collect()
}

/// The files to register, each under a name of its own.
fn found(args: &Add) -> miette::Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in &args.files {
        found.extend(texts::below(path)?);
    }
    if let Some(id) = &args.id {
        let [one] = found.as_mut_slice() else { bail!("`--id` names one document, and there are {}", found.len()) };
        one.id = DocumentId::new(id.as_str()).into_diagnostic()?;
    }
    let mut names: BTreeMap<&DocumentId, &Path> = BTreeMap::new();
    for Found { id, path } in &found {
        if let Some(other) = names.insert(id, path) {
            bail!("`{}` and `{}` would both be called `{id}`", other.display(), path.display());
        }
    }
    Ok(found)
}

fn remove(plant: &Path, args: &Remove) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let ids =
        args.ids.iter().map(|id| DocumentId::new(id.as_str()).into_diagnostic()).collect::<Result<Vec<_>, _>>()?;
    registered::forget(&loaded.gateway.documents, &keys, ids, "document", Collection::remove)
}

fn list(plant: &Path, args: &List) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let collection: Collection = registered::read(&loaded.gateway.documents, &keys)?;
    let documents = collection.documents();
    say(&if args.json {
        format!("{:#}\n", documents.iter().map(document).collect::<Value>())
    } else if documents.is_empty() {
        "no documents; `penstock fingerprint add FILE` registers one\n".to_owned()
    } else {
        table(documents)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn document(document: &Document) -> Value {
    json!({
        "id": document.id.as_str(),
        "label": document.label.as_str(),
        "sensitivity": document.sensitivity,
        "public": document.public,
        "letters": document.letters,
        "prints": document.prints(),
    })
}

fn table(documents: &[Document]) -> String {
    let head = ["DOCUMENT", "LABEL", "SENSITIVITY", "LETTERS", "PRINTS"].map(str::to_owned);
    let row = |one: &Document| {
        let label = if one.public { "public".to_owned() } else { one.label.to_string() };
        let sensitivity = one.sensitivity.clone().unwrap_or_default();
        [one.id.to_string(), label, sensitivity, one.letters.to_string(), one.prints().to_string()]
    };
    columns(&std::iter::once(head).chain(documents.iter().map(row)).collect::<Vec<_>>())
}

fn test(plant: &Path, args: &Test) -> miette::Result<ExitCode> {
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
    let copied = recognised.iter().any(|one| one.level == Level::Copy);
    Ok(if copied { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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
