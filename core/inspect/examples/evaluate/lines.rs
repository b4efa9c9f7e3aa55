//! How much is recognised of three lines: people paste fragments, not files.

use crate::data::Row;
use crate::find;
use crate::score::{KINDS, Kind, Share};
use penstock_inspect::Inspector;
use serde_json::{Map, Value, json};
use std::fmt;

/// Kinds that are recognised by their form, not by a value.
const FORMS: [&str; 3] = ["plc_code", "gcode", "recipe"];

/// For each kind: fragments of labelled texts that were recognised, fragments of benign texts that were too.
pub(crate) struct Lines(Vec<(&'static str, Share, Share)>);

pub(crate) fn evaluate(inspector: &Inspector, rows: &[Row]) -> Lines {
    let forms = KINDS.iter().filter(|kind| FORMS.contains(&kind.name));
    Lines(forms.map(|kind| (kind.name, labelled(inspector, rows, kind), benign(inspector, rows, kind))).collect())
}

/// Prints the fragments of a kind that are not recognised.
pub(crate) fn show(inspector: &Inspector, rows: &[Row], name: &str) {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else { return };
    let texts = rows.iter().flat_map(|row| row.spans(kind.name).map(|span| &row.text[span.clone()]));
    for text in texts.flat_map(fragments).filter(|text| kind.ours(&find(inspector, text)).next().is_none()) {
        println!("MISS {}", text.replace('\n', "⏎"));
    }
}

fn labelled(inspector: &Inspector, rows: &[Row], kind: &Kind) -> Share {
    let texts = rows.iter().flat_map(|row| row.spans(kind.name).map(|span| &row.text[span.clone()]));
    share(inspector, kind, texts)
}

fn benign(inspector: &Inspector, rows: &[Row], kind: &Kind) -> Share {
    let texts = rows.iter().filter(|row| row.class == "benign" && row.kind != "neg").map(|row| &*row.text);
    share(inspector, kind, texts)
}

fn share<'t>(inspector: &Inspector, kind: &Kind, texts: impl Iterator<Item = &'t str>) -> Share {
    let fragments: Vec<String> = texts.flat_map(fragments).collect();
    let found = fragments.iter().filter(|text| kind.ours(&find(inspector, text)).next().is_some()).count();
    Share(found, fragments.len())
}

/// The text in threes of its lines; comments and lines without a letter say nothing and do not count: nobody can tell of three
/// rows of `1,0,0` what they are.
fn fragments(text: &str) -> Vec<String> {
    let lines: Vec<&str> = code(text).into_iter().filter(|line| line.chars().any(char::is_alphabetic)).collect();
    lines.chunks(3).filter(|lines| lines.len() == 3).map(|lines| lines.join("\n")).collect()
}

/// The lines that are not comment alone: behind `//` or `;`, or in `( )`, `(* *)`, `<!-- -->`.
fn code(text: &str) -> Vec<&str> {
    let mut inside = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let body = line.trim();
        let opened = [("(*", "*)"), ("<!--", "-->")].into_iter().find(|(open, _)| body.starts_with(open));
        let Some(close) = inside.or(opened.map(|(_, close)| close)) else {
            let comment =
                body.starts_with("//") || body.starts_with(';') || body.starts_with('(') && body.ends_with(')');
            lines.extend((!comment).then_some(line));
            continue;
        };
        inside = (!body.contains(close)).then_some(close);
    }
    lines
}

impl Lines {
    pub(crate) fn json(&self) -> Value {
        let kinds = self.0.iter().map(|(name, found, wrong)| {
            (
                (*name).to_owned(),
                json!({ "fragments": found.1, "recall": found.json(), "benign": wrong.1, "false": wrong.json() }),
            )
        });
        Value::Object(kinds.collect::<Map<_, _>>())
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, found, wrong) in &self.0 {
            let (share, mistaken) = (found.value(), wrong.value());
            writeln!(
                f,
                "{name} from three lines: {share:.3} of {} found; {mistaken:.4} of {} benign ones",
                found.1, wrong.1
            )?;
        }
        Ok(())
    }
}
