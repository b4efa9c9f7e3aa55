//! Laws that hold whatever patterns and texts say, for fuzzing.

use super::Sources;
use crate::plain;
use plant::{Sensitivity, Source, SourceId};

/// Lines of patterns, a blank line, and a text. Each name is found wherever it stands between blanks, in capitals too, and what is
/// found is text of the text.
pub fn fuzz_sources(data: &[u8]) {
    let all = String::from_utf8_lossy(data);
    let (patterns, text) = all.split_once("\n\n").unwrap_or((&all, ""));
    let usable = |line: &&str| super::check(line, super::Holding::Tag).is_ok();
    let tags: Vec<String> = patterns.lines().filter(usable).take(32).map(str::to_owned).collect();
    let Ok(id) = SourceId::new("fuzz") else { return };
    let source = Source {
        id,
        title: None,
        sensitivity: Sensitivity::LOWEST,
        owner: String::new(),
        tags: tags.clone(),
        paths: Vec::new(),
        documents: Vec::new(),
        tables: Vec::new(),
    };
    let Ok(sources) = Sources::new(std::iter::once(&source)) else { return };
    let find = |text: &str| {
        let mut spans = Vec::new();
        sources.find(text, |number, span| {
            assert!(
                number == 0 && text.get(span.clone()).is_some_and(|found| !found.is_empty()),
                "what is found is text"
            );
            spans.push(span);
            true
        });
        spans
    };
    find(text);
    for name in source.tags.iter().filter(|name| !name.contains('*')) {
        let name = plain::text(name.trim());
        for name in [name.to_string(), name.to_ascii_uppercase()] {
            let joined = format!("{text} {name} {text}");
            let own = text.len() + 1..text.len() + 1 + name.len();
            let held = find(&joined).into_iter().any(|span| span.start >= own.start && span.end <= own.end);
            assert!(held, "a name is found wherever it stands");
        }
    }
}
