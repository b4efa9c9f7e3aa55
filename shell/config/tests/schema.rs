//! The JSON Schema agrees with the reader: it takes what loads, and refuses what has the wrong shape.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

use penstock_config as config;
use penstock_config::{Code, NoFiles, Surroundings};
use plant::Millis;
use regex_automata::meta::Regex;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn data(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(integer) => integer.as_str().parse::<i64>().unwrap().into(),
        DeValue::Float(float) => float.as_str().parse::<f64>().unwrap().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(datetime) => datetime.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| data(item.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}

fn object(table: &DeTable<'_>) -> Value {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), data(value.get_ref()))).collect::<Map<_, _>>().into()
}

/// As much of JSON Schema as ours uses. A keyword that it does not know is a failure, not a silence.
struct Validator {
    root: Value,
}

impl Validator {
    fn new() -> Self {
        Self { root: config::schema() }
    }

    fn takes(&self, text: &str) -> bool {
        self.fits(&self.root, &object(DeTable::parse(text).unwrap().get_ref()))
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        schema.as_object().unwrap().iter().all(|(keyword, rule)| match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "default" | "examples" | "else" => true,
            "$ref" => self.fits(self.root.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).unwrap(), value),
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "number" => value.is_number(),
                "integer" => value.is_u64() || value.is_i64(),
                other => panic!("{other}"),
            },
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "pattern" => value.as_str().is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
            "maxLength" => value.as_str().is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap()),
            "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= rule.as_i64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "uniqueItems" => value
                .as_array()
                .is_none_or(|items| items.iter().enumerate().all(|(index, item)| !items[index + 1..].contains(item))),
            "items" => value.as_array().is_none_or(|items| items.iter().all(|item| self.fits(rule, item))),
            "required" => value.as_object().is_none_or(|object| {
                rule.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "properties" => value.as_object().is_none_or(|object| {
                object.iter().all(|(key, value)| rule.get(key).is_none_or(|schema| self.fits(schema, value)))
            }),
            "additionalProperties" => value.as_object().is_none_or(|object| {
                let known = schema.get("properties");
                let others = object.iter().filter(|(key, _)| known.is_none_or(|known| known.get(key).is_none()));
                others.into_iter().all(|(_, value)| rule.is_object() && self.fits(rule, value))
            }),
            "propertyNames" => value
                .as_object()
                .is_none_or(|object| object.keys().all(|key| self.fits(rule, &Value::String(key.clone())))),
            "anyOf" => rule.as_array().unwrap().iter().any(|one| self.fits(one, value)),
            "oneOf" => rule.as_array().unwrap().iter().filter(|one| self.fits(one, value)).count() == 1,
            "if" => self.fits(rule, value) || self.fits(&schema["else"], value),
            other => panic!("the schema uses `{other}`"),
        })
    }

    /// Every part of the schema that stands for a value.
    fn parts<'a>(schema: &'a Value, parts: &mut Vec<&'a Value>) {
        match schema {
            Value::Object(object) => {
                parts.push(schema);
                object.values().for_each(|value| Self::parts(value, parts));
            }
            Value::Array(items) => items.iter().for_each(|item| Self::parts(item, parts)),
            _ => {}
        }
    }
}

fn codes(text: &str) -> Vec<Code> {
    let around = Surroundings {
        name: "plant.toml",
        folder: Path::new("."),
        files: &NoFiles,
        now: Millis::parse("2026-11-20").unwrap(),
        hash: |_| String::new(),
    };
    let list = match config::read(text.as_bytes(), around) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.list,
    };
    list.iter().map(|problem| problem.code).collect()
}

#[test]
fn the_schema_takes_what_loads() {
    let validator = Validator::new();
    for name in ["examples/brewery/plant.toml", "examples/filling-line/plant.toml", "testdata/plants/warnings.toml"] {
        assert!(validator.takes(&std::fs::read_to_string(root().join(name)).unwrap()), "{name}");
    }
}

#[test]
fn the_schema_refuses_what_has_the_wrong_shape() {
    let validator = Validator::new();
    for name in ["unknown-keys", "missing-keys", "wrong-types", "bad-values", "secrets", "empty"] {
        let text = std::fs::read_to_string(root().join(format!("testdata/plants/{name}.toml"))).unwrap();
        assert!(!validator.takes(&text), "{name}");
    }
    // One slip at a time, on a plant that is right.
    let good = std::fs::read_to_string(root().join("examples/filling-line/plant.toml")).unwrap();
    for (from, to) in [
        ("level = 2", "level = 6"),
        ("level = 2", "levle = 2"),
        ("iac = 1", "iac = 5"),
        ("\"192.168.20.0/24\"", "\"line\""),
        ("dialect = \"kserve\"", "dialect = \"grpc\""),
        ("owner = \"Filling, shift lead\"", "external = false"),
        ("models = [\"fill-level\", \"cap-*\"]", "models = []"),
        ("country = \"DE\"", "country = \"Germany\""),
        ("approved_by = \"Plant manager\"\n", ""),
        ("networks = [\"192.168.20.0/24\"]\n", ""),
    ] {
        let text = good.replacen(from, to, 1);
        assert!(text != good && !validator.takes(&text), "schema: {to}");
        assert!(!codes(&text).is_empty(), "reader: {to}");
    }
}

#[test]
fn every_example_and_default_of_the_schema_fits_its_key() {
    let validator = Validator::new();
    let mut parts = Vec::new();
    Validator::parts(&validator.root, &mut parts);
    let mut tried = 0;
    for part in parts {
        let examples = part.get("examples").and_then(Value::as_array).into_iter().flatten();
        for value in examples.chain(part.get("default")) {
            assert!(validator.fits(part, value), "{value} in {part}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried} examples and defaults");
}

#[test]
fn every_example_of_the_reference_page_has_the_right_shape() {
    let page = config::reference();
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 17, "{} examples", blocks.len());
    for block in blocks {
        let wrong: Vec<Code> = codes(block)
            .into_iter()
            .filter(|code| {
                matches!(
                    code,
                    Code::Syntax
                        | Code::UnknownKey
                        | Code::WrongType
                        | Code::BadValue
                        | Code::BadName
                        | Code::SecretInFile
                        | Code::Pattern
                        | Code::Duplicate
                )
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?} in\n{block}");
    }
}
