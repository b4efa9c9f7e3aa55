//! Writes the table of keys down for others: as a JSON Schema for editors, and as the reference page for people.

use crate::keys::{FILE, SECTIONS};
use crate::labels;
use crate::node;
use crate::problem::{Code, Severity};
use crate::shape::{show_size, show_time, takes};
use crate::table::{Field, Kind, Named, Need, Section};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use toml::de::{DeTable, DeValue};

/// What a name looks like; see `plant`'s identifiers.
const NAME: &str = "^[a-z0-9][a-z0-9_.-]{0,95}$";

/// The JSON Schema (draft 2020-12) of the plant file, for editors. It knows each key and value; what several of
/// them mean together only `penstock check` knows.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for section in SECTIONS.iter().filter(|section| !section.path.is_empty()) {
        definitions.insert(definition(section), table_schema(section));
    }
    let mut root = table_schema(&FILE);
    if let Some(root) = root.as_object_mut() {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("$id".to_owned(), json!("urn:penstock:plant-file"));
        root.insert("title".to_owned(), json!("Penstock plant file"));
        root.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

/// A section's name among the definitions: `zones.<zone>.sl_t` becomes `zones.sl_t`.
fn definition(section: &Section) -> String {
    section.path.split('.').filter(|step| !step.starts_with('<')).collect::<Vec<_>>().join(".")
}

fn table_schema(section: &'static Section) -> Value {
    let properties: Map<String, Value> =
        section.fields.iter().map(|field| (field.key.to_owned(), field_schema(section, field))).collect();
    let must: Vec<&str> =
        section.fields.iter().filter(|field| field.need == Need::Must).map(|field| field.key).collect();
    let mut schema = json!({
        "type": "object",
        "description": section.about,
        "additionalProperties": false,
        "properties": properties,
        "required": must,
    });
    let Some(object) = schema.as_object_mut() else { return schema };
    let choices: Vec<Value> = section
        .fields
        .iter()
        .filter(|field| field.need == Need::Either)
        .map(|field| json!({ "required": [field.key] }))
        .collect();
    if !choices.is_empty() {
        object.insert("oneOf".to_owned(), Value::Array(choices));
    }
    let flags = section.fields.iter().filter_map(|field| match field.need {
        Need::Unless(flag) => Some((flag, field.key)),
        _ => None,
    });
    let (flags, keys): (Vec<&str>, Vec<&str>) = flags.unzip();
    if let Some(flag) = flags.first() {
        debug_assert!(flags.iter().all(|other| other == flag), "one flag of a table excuses keys");
        object.insert("if".to_owned(), json!({ "properties": { *flag: { "const": true } }, "required": [flag] }));
        object.insert("else".to_owned(), json!({ "required": keys }));
    }
    schema
}

fn field_schema(section: &Section, field: &'static Field) -> Value {
    let mut schema = kind_schema(&field.kind);
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), json!(field.about));
        if let Some(default) = node::default(section, field.key).filter(|value| value.get_ref().as_table().is_none()) {
            object.insert("default".to_owned(), to_json(default.get_ref()));
        }
        if let Some(example) = parse_example(field) {
            object.insert("examples".to_owned(), json!([example]));
        }
    }
    schema
}

fn kind_schema(kind: &'static Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string", "pattern": "\\S", "maxLength": 4096 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Count { low, high } => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Size { low, high } => json!({ "anyOf": [
            { "type": "string", "pattern": "^[0-9]{1,15} *(B|kB|KB|KiB|MB|MiB|GB|GiB)$" },
            { "type": "integer", "minimum": low, "maximum": high },
        ] }),
        Kind::Time { .. } => json!({ "type": "string", "pattern": "^[0-9]{1,15} *(ms|s|m|h|d)$" }),
        Kind::Moment => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}" }),
        Kind::Level => json!({ "enum": [0, 1, 2, 3, 3.5, 4, 5, "0", "1", "2", "3", "3.5", "4", "5"] }),
        Kind::Word | Kind::Name(_) => json!({ "type": "string", "pattern": NAME }),
        Kind::OneOf(names) => json!({ "enum": names }),
        Kind::Form(form) => json!({ "type": "string", "pattern": form.pattern }),
        Kind::List { of, least } => {
            json!({ "type": "array", "items": kind_schema(of), "minItems": least, "uniqueItems": true })
        }
        Kind::Table(section) => json!({ "$ref": format!("#/$defs/{}", definition(section)) }),
        Kind::Tables(section, _) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "$ref": format!("#/$defs/{}", definition(section)) },
        }),
        Kind::Rows(section) => {
            json!({ "type": "array", "items": { "$ref": format!("#/$defs/{}", definition(section)) } })
        }
        Kind::Map(_, of) => {
            json!({ "type": "object", "propertyNames": { "pattern": NAME }, "additionalProperties": kind_schema(of) })
        }
    }
}

/// A field's example as data.
fn parse_example(field: &Field) -> Option<Value> {
    if field.example.is_empty() {
        return None;
    }
    DeValue::parse(field.example).ok().map(|value| to_json(value.get_ref()))
}

fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(_) => json!(node::integer(value)),
        DeValue::Float(float) => json!(float.as_str().parse::<f64>().ok()),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Datetime(datetime) => json!(datetime.to_string()),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}

fn object(table: &DeTable<'_>) -> Value {
    Value::Object(table.iter().map(|(key, value)| (key.get_ref().to_string(), to_json(value.get_ref()))).collect())
}

/// The reference page of the plant file.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    for section in SECTIONS {
        let _ = write!(page, "\n## {}\n\n{}\n\n", heading(section), section.about);
        page.push_str("| key | takes | default | |\n|---|---|---|---|\n");
        for field in section.fields {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                field.key,
                cell(&taking(field)),
                cell(&default_of(section, field)),
                cell(field.about)
            );
        }
        let _ = write!(page, "{}", example(section));
    }
    page.push_str("\n## Labels that are built in\n\nWith the sensitivity that they have on the default scale.\n\n| label | sensitivity |\n|---|---|\n");
    let defaults = node::defaults().pairs("labels");
    for label in labels::built_in() {
        let fits = defaults
            .iter()
            .filter(|(family, _)| label == family.value || label.starts_with(&format!("{}.", family.value)));
        let step = fits.max_by_key(|(family, _)| family.value.len()).map_or("the highest", |(_, step)| step.value);
        let _ = writeln!(page, "| `{label}` | {step} |");
    }
    page.push_str(
        "\n## What `penstock check` can say\n\nErrors keep a plant file from coming into force. Warnings do not.\n\n",
    );
    page.push_str("| code | | |\n|---|---|---|\n");
    for severity in [Severity::Error, Severity::Warning] {
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            let _ = writeln!(page, "| `{code}` | {} | {} |", severity.name(), cell(code.about()));
        }
    }
    page
}

const INTRODUCTION: &str = "\
<!-- Generated from the table of keys in shell/config; a test compares the two. Do not edit by hand. -->

# The plant file

`plant.toml` is TOML 1.0. Unknown keys are refused. `penstock check` reports everything that is wrong at once, with the line and a way
out; `penstock schema` prints the JSON Schema for editors; `penstock init DIR` writes a commented file to begin with.

- **Names** have 1 to 96 lower-case letters, digits, `-`, `_` and `.`, and begin with a letter or a digit.
- **Paths** begin at the folder of the plant file, unless they are absolute.
- **Sizes** have a unit: `B`, `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB`. A plain number means bytes.
- **Durations** have a unit: `ms`, `s`, `m`, `h`, `d`.
- **Dates** are `2027-06-30`, its first moment in UTC, or a date and time with its offset: `2027-06-30T12:00:00Z`.
- **Secrets** never stand in the file: it is refused if one does, comments included.

The digest in each record says which configuration decided: `sha256sum plant.toml`; or, where the plant has rules,
`sha256sum plant.toml rules/... | sha256sum` with the files in the order of `[rules]`.
";

fn heading(section: &Section) -> String {
    match section.path {
        "" => "The file".to_owned(),
        "limits" => "`[[limits]]`".to_owned(),
        path => format!("`[{path}]`"),
    }
}

fn taking(field: &Field) -> String {
    let takes = match &field.kind {
        Kind::Table(section) | Kind::Tables(section, _) | Kind::Rows(section) => {
            format!("[{}](#{})", takes(&field.kind), anchor(&heading(section)))
        }
        Kind::Map(Named::Label, _) => "for each label the name of a sensitivity".to_owned(),
        kind => takes(kind),
    };
    match field.need {
        Need::Must => format!("{takes}; **needed**"),
        Need::Unless(flag) => format!("{takes}; **needed** unless `{flag}`"),
        Need::Either => format!("{takes}; this or the other"),
        Need::May => takes,
    }
}

/// The anchor that mdbook gives a heading.
fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
        .collect()
}

fn default_of(section: &Section, field: &Field) -> String {
    let Some(default) = node::default(section, field.key) else { return String::new() };
    match (&field.kind, default.get_ref()) {
        (_, DeValue::Table(_)) => String::new(),
        (Kind::Size { .. }, value) => format!("`{}`", node::size(value).map_or_else(String::new, show_size)),
        (Kind::Time { .. }, DeValue::String(text)) => {
            let time = crate::value::duration(text).ok().and_then(|time| u64::try_from(time.as_millis()).ok());
            format!("`{}`", time.map_or_else(String::new, show_time))
        }
        (_, value) => format!("`{}`", to_json(value)),
    }
}

/// A section as somebody could write it.
fn example(section: &Section) -> String {
    let lines: Vec<String> = section
        .fields
        .iter()
        .filter(|field| !field.example.is_empty())
        .map(|field| format!("{} = {}", field.key, field.example))
        .collect();
    if lines.is_empty() || section.fields.iter().any(|field| field.need == Need::Either) {
        return String::new();
    }
    let header = match section.path {
        "limits" => "[[limits]]".to_owned(),
        "conduits.<conduit>.handling" => "[[conduits.quality.handling]]".to_owned(),
        "conduits.<conduit>.answers.withhold" => "[[conduits.quality.answers.withhold]]".to_owned(),
        "providers.<provider>.prices" => "[[providers.openai.prices]]".to_owned(),
        path => format!(
            "[{}]",
            path.replace("<zone>", "filling")
                .replace("<workload>", "vision")
                .replace("<workstation>", "panel-3")
                .replace("<provider>", "openai")
                .replace("<conduit>", "quality")
                .replace("<quota>", "assistants")
                .replace("<destination>", "soc")
                .replace("<component>", "gpt-4o")
                .replace("<source>", "line-1")
                .replace("<label>", "recipe")
        ),
    };
    format!("\n```toml\n{header}\n{}\n```\n", lines.join("\n"))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
