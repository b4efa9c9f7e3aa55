//! What is linked is there, and what is there is in the summary.

use crate::{blocks, pages, read, root};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        let (_, prose) = blocks(&text);
        for target in targets(&prose) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let found = file.exists() && (anchor.is_empty() || anchors(&read(&file)).contains(anchor));
            if !found {
                broken.push(format!("{}: {target}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_in_the_summary() {
    let book = root().join("docs/src");
    let listed: BTreeSet<PathBuf> =
        targets(&read(&book.join("SUMMARY.md"))).iter().map(|page| book.join(page)).collect();
    let there = pages().into_iter().filter(|page| page.starts_with(&book) && !page.ends_with("SUMMARY.md"));
    assert_eq!(listed, there.collect());
}

/// What a text links to within the repository.
fn targets(prose: &str) -> Vec<String> {
    let mut text = String::new();
    // What stands between backticks is no link.
    for (place, part) in prose.split('`').enumerate() {
        text.push_str(if place % 2 == 0 { part } else { "code" });
    }
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let images = prose.split("src=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(target, _)| target);
    inline
        .chain(images)
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

fn anchors(page: &str) -> BTreeSet<String> {
    let (_, prose) = blocks(page);
    let headings =
        prose.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(slug).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_') || c.is_whitespace());
    kept.map(|c| if c.is_whitespace() { '-' } else { c.to_ascii_lowercase() }).collect()
}
