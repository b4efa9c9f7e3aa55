//! The documentation, held against the code: what is generated is up to date, what is shown works, what is linked is there.
//!
//! `UPDATE_DOCS=1 cargo test -p penstock --test docs` writes the generated parts anew. They stand between
//! `<!-- generated: NAME -->` and `<!-- end of NAME -->` in pages that are otherwise written by hand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod help;
#[cfg(test)]
mod links;
#[cfg(test)]
mod listed;
#[cfg(test)]
mod shown;

use std::path::{Path, PathBuf};

const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Every page that people read: the book, and the pages beside the code.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("docs/src")];
    let mut found = Vec::new();
    while let Some(path) = pages.pop() {
        if path.is_dir() {
            pages.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    let beside =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md", "dist/README.md"];
    found.extend(beside.iter().map(|page| root().join(page)));
    found.sort();
    found
}

/// A fenced block of a page.
struct Block {
    /// What stands behind the fence.
    language: String,
    text: String,
}

/// A page's fenced blocks, and its text without them.
fn blocks(page: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose, mut open): (Vec<Block>, String, Option<Block>) = (Vec::new(), String::new(), None);
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), open.as_mut()) {
            (Some(language), None) => {
                open = Some(Block { language: language.trim().to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    (blocks, prose)
}

fn blocks_of(page: &str, language: &str) -> Vec<String> {
    blocks(page).0.into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}
