//! Secrets that were written into a plant file: by their shape, by the name of their key, or in place of a
//! credential's place.

use crate::node::Node;
use crate::problem::Code;
use crate::secret;
use crate::shape::Report;
use crate::table::{FILE, Kind, Section};
use crate::value::quote;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A secret in the file.
#[derive(Debug)]
pub(crate) struct Spill {
    /// Where it stands.
    pub(crate) span: Range<usize>,
    /// What gave it away.
    sign: Sign,
}

#[derive(Debug)]
enum Sign {
    /// It looks like a key.
    Shape,
    /// Its key says so.
    Key(String),
    /// It stands where the place of a credential belongs.
    Credential,
}

/// Finds secrets in the text, comments included, and in the values as they read once escapes are undone.
pub(crate) fn find(text: &str, file: &Node<'_>) -> Vec<Spill> {
    let mut spills: Vec<Spill> = secret::find(text).into_iter().map(|span| Spill { span, sign: Sign::Shape }).collect();
    table(file.table, Some(&FILE), &mut spills);
    spills.sort_by_key(|spill| (spill.span.start, std::cmp::Reverse(spill.span.end)));
    // A value that looks like a key and has a telling name is one secret, not two.
    let mut end = 0;
    spills.retain(|spill| {
        let inside = spill.span.end <= end;
        end = end.max(spill.span.end);
        !inside
    });
    spills
}

/// Says where secrets belong.
pub(crate) fn report(spills: &[Spill], report: &mut Report) {
    for spill in spills {
        let (message, help) = match &spill.sign {
            Sign::Shape => (
                "a secret is written in the plant file".to_owned(),
                "treat it as lost: replace it at its issuer. Keep the new one in a file or the environment: \
                 `credential = { file = \"secrets/openai.key\" }`",
            ),
            Sign::Key(key) => (
                format!("{} holds a secret in the plant file", quote(key)),
                "remove it, and treat it as lost. Providers take `credential = { file = \"secrets/openai.key\" }` or \
                 `credential = { environment = \"OPENAI_API_KEY\" }`",
            ),
            Sign::Credential => (
                "`credential` is a text, where the place of the credential belongs".to_owned(),
                "say where it is: `credential = { file = \"secrets/openai.key\" }` or \
                 `credential = { environment = \"OPENAI_API_KEY\" }`. If this was the credential itself, treat it as lost",
            ),
        };
        let problem = report.problem(Code::SecretInFile, spill.span.clone(), message);
        report.add(problem.here("starred out here").help(help));
    }
}

/// The section that the value of `key` is in, if the table of keys knows it.
fn below(section: Option<&'static Section>, key: &str) -> Option<&'static Section> {
    match &section?.fields.iter().find(|field| field.key == key)?.kind {
        Kind::Table(section) | Kind::Tables(section, _) | Kind::Rows(section) => Some(section),
        _ => None,
    }
}

// Recursion is bounded: the parser refuses values that nest deeper than 80.
fn table(table_: &DeTable<'_>, section: Option<&'static Section>, spills: &mut Vec<Spill>) {
    for (key, value) in table_ {
        let known = section.and_then(|section| section.fields.iter().find(|field| field.key == key.get_ref().as_ref()));
        let text = matches!(value.get_ref(), DeValue::String(_));
        if text && key.get_ref() == "credential" {
            spills.push(Spill { span: value.span(), sign: Sign::Credential });
        } else if text && known.is_none() && secret::names_a_secret(key.get_ref()) {
            spills.push(Spill { span: value.span(), sign: Sign::Key(key.get_ref().to_string()) });
        }
        match known.map(|field| &field.kind) {
            // The keys of these are names that the plant chose: `[labels] secret = "restricted"`.
            Some(Kind::Tables(section, _)) => {
                for (_, value) in value.get_ref().as_table().into_iter().flatten() {
                    walk(value, Some(section), spills);
                }
            }
            Some(Kind::Map(..)) => {
                for (_, value) in value.get_ref().as_table().into_iter().flatten() {
                    walk(value, None, spills);
                }
            }
            _ => walk(value, below(section, key.get_ref()), spills),
        }
    }
}

fn walk(value: &Spanned<DeValue<'_>>, section: Option<&'static Section>, spills: &mut Vec<Spill>) {
    match value.get_ref() {
        // Spans of the decoded text are not spans of the file: the whole value is starred out.
        DeValue::String(text) if !secret::find(text).is_empty() => spills.push(Spill { span: value.span(), sign: Sign::Shape }),
        DeValue::Array(items) => items.iter().for_each(|item| walk(item, section, spills)),
        DeValue::Table(inner) => table(inner, section, spills),
        _ => {}
    }
}
