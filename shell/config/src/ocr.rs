//! `[ocr]`: the engine that reads writing in pictures.

use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `[ocr]` table: complete, paths joined to the plant's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ocr {
    /// The engine: the path of a program.
    pub command: PathBuf,
    /// The folder of its models; `None` for those that it was installed with.
    pub models: Option<PathBuf>,
    /// The models that read, by name, the likeliest first.
    pub languages: Vec<String>,
    /// Longest that one picture is read.
    pub time: Duration,
    /// Longest that all pictures of one call are read.
    pub call_time: Duration,
    /// Most memory of one engine, in bytes.
    pub memory: u64,
    /// Most engines at a time.
    pub at_once: u32,
    /// How long what a picture says is remembered.
    pub remember: Duration,
}

/// Builds the `[ocr]` table; `None` where nobody reads pictures.
pub(crate) fn build(file: &Node<'_>, folder: &Path, report: &mut Report) -> Option<Ocr> {
    if !file.says("ocr") {
        nobody(file, report);
        return None;
    }
    let node = file.table("ocr")?;
    let path = |key| node.text(key).map(|path| folder.join(path.value));
    Some(Ocr {
        command: path("command")?,
        models: path("models"),
        languages: node.texts("languages").into_iter().map(|language| language.value.to_owned()).collect(),
        time: node.duration("time")?,
        call_time: node.duration("call_time")?,
        memory: node.size("memory")?,
        at_once: node.number("at_once")?,
        remember: node.duration("remember")?,
    })
}

/// A conduit that says what is to be read needs somebody who reads.
fn nobody(file: &Node<'_>, report: &mut Report) {
    for (_, conduit) in file.tables("conduits") {
        if conduit.says("writing") && conduit.text("writing").is_some_and(|writing| writing.value != "ignore") {
            let message = format!("{} wants the writing in pictures read, and the plant has no engine", conduit.place);
            let help = "name one: `[ocr]` with `command = \"/usr/bin/tesseract\"`";
            report.add(report.problem(Code::NoEngine, conduit.span_of("writing"), message).help(help));
        }
    }
}
