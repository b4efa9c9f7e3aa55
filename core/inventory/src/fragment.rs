//! A component as a piece of a plant file.

use crate::{Component, ComponentKind, ComponentName, Entry};
use plant::Wildcard;
use std::fmt::Write as _;

/// Components as tables of a plant file. What a person has to say stands there as a comment.
#[must_use]
pub fn fragment(components: &[Component]) -> String {
    components.iter().map(table).collect::<Vec<_>>().join("\n")
}

/// The declaration of something that was seen, as far as traffic says it. `None` of what the plant file declares elsewhere, or not
/// at all: workloads, providers, endpoints, addresses.
#[must_use]
pub fn drafted(kind: ComponentKind, name: &str, entry: &Entry) -> Option<Component> {
    let (provider, called) = match kind {
        ComponentKind::Model => name.split_once('/').map(|(provider, model)| (provider.parse().ok(), model))?,
        ComponentKind::Library => (None, name),
        _ => return None,
    };
    let own = ComponentName::new(kind, &tamed(called)).ok()?;
    // A star would stand for anything.
    let names = (!called.contains('*')).then(|| Wildcard(called.to_owned())).into_iter().collect();
    let versions = entry
        .versions
        .keys()
        .filter(|version| !version.contains('*') && version.len() <= 256)
        .cloned()
        .map(Wildcard)
        .collect();
    Some(Component { provider, names, versions, ..Component::bare(own) })
}

/// A name of the plant file that looks like a foreign one.
#[must_use]
pub(crate) fn tamed(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c) { c } else { '-' })
        .take(96)
        .collect();
    while name.starts_with(['-', '_', '.']) {
        name.remove(0);
    }
    let name = name.trim_end_matches(['-', '.']).to_owned();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

fn table(component: &Component) -> String {
    let Component {
        name, title, governance, version, supplier, licence, hashes, purl, provider, names, versions, ..
    } = component;
    // A name may hold dots, which would be steps.
    let mut text = format!("[components.{}]\nkind = {}\n", quoted(name.id()), quoted(name.kind().name()));
    let mut line = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        }
    };
    line("title", title.as_deref());
    line("provider", provider.as_ref().map(plant::ProviderId::as_str));
    line("version", version.as_deref());
    line("supplier", supplier.as_deref());
    line("licence", licence.as_deref());
    line("purl", purl.as_deref());
    let mut list = |key: &str, values: Vec<&str>| {
        if !values.is_empty() {
            let values: Vec<String> = values.into_iter().map(quoted).collect();
            let _ = writeln!(text, "{key} = [{}]", values.join(", "));
        }
    };
    list("names", names.iter().map(|one| one.0.as_str()).collect());
    list("versions", versions.iter().map(|one| one.0.as_str()).collect());
    list("hashes", hashes.iter().map(String::as_str).collect());
    list("workloads", component.workloads.iter().map(plant::WorkloadId::as_str).collect());
    list("providers", component.providers.iter().map(plant::ProviderId::as_str).collect());
    for (key, value) in [
        ("owner", &governance.owner),
        ("update_process", &governance.update_process),
        ("isolation_plan", &governance.isolation_plan),
    ] {
        let _ = match value {
            Some(value) => writeln!(text, "{key} = {}", quoted(value)),
            None => writeln!(text, "# {key} = \"\""),
        };
    }
    text
}

/// A basic string of TOML 1.0: controls, and what hides or turns the direction of writing, are escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if misleads(c) => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character moves a cursor, hides, or turns others round. Each is one of four hexadecimal digits.
fn misleads(c: char) -> bool {
    let marks = matches!(c, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    c.is_control() || marks || turns
}

#[cfg(test)]
mod tests {
    use super::{drafted, fragment, quoted, tamed};
    use crate::{ComponentKind, Entry};

    #[test]
    fn what_was_seen_is_drafted_with_what_traffic_says() {
        let mut entry = Entry::default();
        entry.versions.insert("gpt-4o-2024-08-06".to_owned(), Default::default());
        let component = drafted(ComponentKind::Model, "openai/gpt-4o", &entry).unwrap();
        assert_eq!(
            fragment(&[component]),
            "[components.\"gpt-4o\"]\nkind = \"model\"\nprovider = \"openai\"\nnames = [\"gpt-4o\"]\n\
             versions = [\"gpt-4o-2024-08-06\"]\n# owner = \"\"\n# update_process = \"\"\n# isolation_plan = \"\"\n"
        );
        assert!(drafted(ComponentKind::Workload, "copilot", &entry).is_none());
    }

    #[test]
    fn foreign_text_stays_within_its_quotes() {
        assert_eq!(quoted("a\"]\nb = \\ \u{202e}"), r#""a\"]\nb = \\ \u202E""#);
        assert_eq!(quoted("\u{2066}\u{ad}\u{feff}"), r#""\u2066\u00AD\uFEFF""#);
        assert_eq!(tamed("OpenAI/Python"), "openai-python");
        assert_eq!(tamed("../ÄÖ"), "unnamed");
    }
}
