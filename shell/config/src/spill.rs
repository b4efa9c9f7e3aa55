//! Secrets that were written into a plant file: by their shape, by the name of their key, or in place of a
//! credential's place.

use crate::keys::FILE;
use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use crate::secret;
use crate::table::{Kind, Section};
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
    let raw = secret::find(text);
    let mut spills: Vec<Spill> = raw.iter().map(|span| Spill { span: span.clone(), sign: Sign::Shape }).collect();
    Search { text, raw: &raw, spills: &mut spills }.table(file.table, Some(&FILE));
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

/// Takes the secrets out of the tree, so that no message can quote what is no longer there.
pub(crate) fn scrub(table: &mut DeTable<'_>, secrets: &[Range<usize>]) {
    let entries = std::mem::take(table).into_iter().filter(|(key, _)| !secret::touches(secrets, &key.span()));
    *table = entries
        .map(|(key, mut value)| {
            scrub_value(&mut value, secrets);
            (key, value)
        })
        .collect();
}

fn scrub_value(value: &mut Spanned<DeValue<'_>>, secrets: &[Range<usize>]) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if secret::touches(secrets, &span) => *text = "".into(),
        DeValue::Array(items) => items.iter_mut().for_each(|item| scrub_value(item, secrets)),
        DeValue::Table(table) => scrub(table, secrets),
        _ => {}
    }
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

/// The search through the values of a file.
struct Search<'a> {
    text: &'a str,
    /// What the text itself gave away.
    raw: &'a [Range<usize>],
    spills: &'a mut Vec<Spill>,
}

impl Search<'_> {
    // Recursion is bounded: the parser refuses values that nest deeper than 80.
    fn table(&mut self, table: &DeTable<'_>, section: Option<&'static Section>) {
        for (key, value) in table {
            let known =
                section.and_then(|section| section.fields.iter().find(|field| field.key == key.get_ref().as_ref()));
            let text = matches!(value.get_ref(), DeValue::String(_));
            if text && key.get_ref() == "credential" {
                self.spills.push(Spill { span: value.span(), sign: Sign::Credential });
            } else if text && known.is_none() && secret::names_a_secret(key.get_ref()) {
                self.spills.push(Spill { span: value.span(), sign: Sign::Key(key.get_ref().to_string()) });
            }
            match known.map(|field| &field.kind) {
                // The keys of these are names that the plant chose: `[labels] secret = "restricted"`.
                Some(Kind::Tables(section, _)) => self.named(value, Some(section)),
                Some(Kind::Map(..)) => self.named(value, None),
                _ => self.value(value, below(section, key.get_ref())),
            }
        }
    }

    fn named(&mut self, value: &Spanned<DeValue<'_>>, section: Option<&'static Section>) {
        for (_, value) in value.get_ref().as_table().into_iter().flatten() {
            self.value(value, section);
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, section: Option<&'static Section>) {
        match value.get_ref() {
            DeValue::String(text) if !secret::find(text).is_empty() && !self.is_plain(&value.span()) => {
                // Spans of the decoded text are not spans of the file: the whole value is starred out.
                self.spills.push(Spill { span: value.span(), sign: Sign::Shape });
            }
            DeValue::Array(items) => items.iter().for_each(|item| self.value(item, section)),
            DeValue::Table(inner) => self.table(inner, section),
            _ => {}
        }
    }

    /// Whether the value stands in the file as it reads, so that its secrets were found there.
    fn is_plain(&self, span: &Range<usize>) -> bool {
        let found = secret::touches(self.raw, span);
        found && self.text.get(span.clone()).is_some_and(|text| !text.contains('\\'))
    }
}
