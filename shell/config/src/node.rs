//! A table of the file, seen through the table of keys: typed access to values that may be missing or wrong.
//!
//! What is wrong has been reported when the shape was checked, so access is silent: a value that cannot be used
//! is not there. Where the file says nothing, the embedded defaults speak.

use crate::keys::FILE;
use crate::table::{Kind, Section};
use crate::value;
use plant::Millis;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What holds where a plant file says nothing: the embedded, commented file.
pub(crate) const DEFAULTS: &str = include_str!("defaults.toml");

static DEFAULT_TABLE: LazyLock<DeTable<'static>> =
    LazyLock::new(|| DeTable::parse(DEFAULTS).map(Spanned::into_inner).unwrap_or_default());

/// The defaults, as a table like the file's own.
pub(crate) fn defaults() -> Node<'static> {
    Node { section: &FILE, table: &DEFAULT_TABLE, span: 0..0, place: String::new() }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A table of the file.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    /// What it is.
    pub(crate) section: &'static Section,
    /// What it holds.
    pub(crate) table: &'a DeTable<'a>,
    /// Where its name stands: what to underline when something is missing.
    pub(crate) span: Range<usize>,
    /// What it is called in messages: "zone `cell-1`".
    pub(crate) place: String,
}

impl<'a> Node<'a> {
    /// The whole file.
    pub(crate) fn file(table: &'a DeTable<'a>) -> Self {
        Self { section: &FILE, table, span: 0..0, place: "the plant file".to_owned() }
    }

    /// The key and its value as the file gives them.
    pub(crate) fn given(
        &self,
        key: &str,
    ) -> Option<(&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)> {
        debug_assert!(self.section.fields.iter().any(|field| field.key == key), "`{key}` is in the table of keys");
        self.table.get_key_value(key)
    }

    /// Whether the file itself says it.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.given(key).is_some()
    }

    /// Where the value stands, or else the table's name.
    pub(crate) fn span_of(&self, key: &str) -> Range<usize> {
        self.given(key).map_or_else(|| self.span.clone(), |(_, value)| value.span())
    }

    fn value(&self, key: &str) -> Option<At<&'a DeValue<'a>>> {
        if let Some((_, value)) = self.given(key) {
            return Some(At { value: value.get_ref(), span: value.span() });
        }
        let value = default(self.section, key)?.get_ref();
        Some(At { value, span: self.span.clone() })
    }

    /// A text.
    pub(crate) fn text(&self, key: &str) -> Option<At<&'a str>> {
        let At { value, span } = self.value(key)?;
        value.as_str().filter(|text| !text.trim().is_empty()).map(|value| At { value, span })
    }

    /// A text of its own.
    pub(crate) fn string(&self, key: &str) -> Option<String> {
        self.text(key).map(|text| text.value.trim().to_owned())
    }

    /// Texts, in order.
    pub(crate) fn texts(&self, key: &str) -> Vec<At<&'a str>> {
        let Some(At { value: DeValue::Array(items), .. }) = self.value(key) else { return Vec::new() };
        items.iter().filter_map(|item| item.get_ref().as_str().map(|value| At { value, span: item.span() })).collect()
    }

    /// A text that `read` understands.
    pub(crate) fn read<T, E>(&self, key: &str, read: impl Fn(&'a str) -> Result<T, E>) -> Option<T> {
        self.text(key).and_then(|text| read(text.value).ok())
    }

    /// Texts that `read` understands.
    pub(crate) fn reads<T, E>(&self, key: &str, read: impl Fn(&'a str) -> Result<T, E>) -> Vec<T> {
        self.texts(key).into_iter().filter_map(|text| read(text.value).ok()).collect()
    }

    /// A flag; `false` where nothing is said.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.value(key).and_then(|at| at.value.as_bool()).unwrap_or(false)
    }

    /// A whole number.
    pub(crate) fn count(&self, key: &str) -> Option<u64> {
        integer(self.value(key)?.value)
    }

    /// A whole number that fits the type.
    pub(crate) fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        self.count(key).and_then(|count| T::try_from(count).ok())
    }

    /// A number, with or without a fraction.
    pub(crate) fn decimal(&self, key: &str) -> Option<f64> {
        decimal(self.value(key)?.value)
    }

    /// A size in bytes.
    pub(crate) fn size(&self, key: &str) -> Option<u64> {
        size(self.value(key)?.value)
    }

    /// A duration.
    pub(crate) fn duration(&self, key: &str) -> Option<Duration> {
        self.read(key, value::duration)
    }

    /// A date, or a date and time.
    pub(crate) fn moment(&self, key: &str) -> Option<At<Millis>> {
        let At { value, span } = self.value(key)?;
        moment(value).map(|value| At { value, span })
    }

    /// A Purdue level.
    pub(crate) fn level(&self, key: &str) -> Option<plant::PurdueLevel> {
        value::level(&level_text(self.value(key)?.value)?).ok()
    }

    /// A table; an empty one where the file says nothing, so that its defaults speak.
    pub(crate) fn table(&self, key: &str) -> Option<Node<'a>> {
        static NOTHING: LazyLock<DeTable<'static>> = LazyLock::new(DeTable::new);
        let (section, place) = match &self.section.fields.iter().find(|field| field.key == key)?.kind {
            Kind::Table(section) => (*section, self.child_place(key)),
            _ => return None,
        };
        let Some((name, value)) = self.given(key) else {
            return Some(Node { section, table: &NOTHING, span: self.span.clone(), place });
        };
        Some(Node { section, table: value.get_ref().as_table()?, span: name.span(), place })
    }

    /// Tables by name, in the order of their names.
    pub(crate) fn tables(&self, key: &str) -> Vec<(At<&'a str>, Node<'a>)> {
        let Some((_, value)) = self.given(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else { return Vec::new() };
        let names = table.keys().map(|name| At { value: name.get_ref().as_ref(), span: name.span() });
        names.filter_map(|name| Some((name.clone(), self.entry(key, name.value)?))).collect()
    }

    /// The table of that name.
    pub(crate) fn entry(&self, key: &str, name: &str) -> Option<Node<'a>> {
        let Kind::Tables(section, _) = &self.section.fields.iter().find(|field| field.key == key)?.kind else {
            return None;
        };
        let (name, value) = self.given(key)?.1.get_ref().as_table()?.get_key_value(name)?;
        let place = format!("{} {}", section.noun, value::quote(name.get_ref()));
        Some(Node { section, table: value.get_ref().as_table()?, span: name.span(), place })
    }

    /// Tables in order.
    pub(crate) fn rows(&self, key: &str) -> Vec<Node<'a>> {
        let Some(Kind::Rows(section)) =
            self.section.fields.iter().find(|field| field.key == key).map(|field| &field.kind)
        else {
            return Vec::new();
        };
        let Some((_, value)) = self.given(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else { return Vec::new() };
        let place = self.child_place(key);
        items
            .iter()
            .filter_map(|item| {
                Some(Node { section, table: item.get_ref().as_table()?, span: item.span(), place: place.clone() })
            })
            .collect()
    }

    /// Names and texts, in the order of the names.
    pub(crate) fn pairs(&self, key: &str) -> Vec<(At<&'a str>, At<&'a str>)> {
        let Some((_, value)) = self.given(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else { return Vec::new() };
        let text = |value: &'a Spanned<DeValue<'a>>| Some(At { value: value.get_ref().as_str()?, span: value.span() });
        table
            .iter()
            .filter_map(|(name, value)| Some((At { value: name.get_ref().as_ref(), span: name.span() }, text(value)?)))
            .collect()
    }

    /// What a table below this one is called in messages.
    pub(crate) fn child_place(&self, key: &str) -> String {
        if self.section.path.is_empty() { format!("`[{key}]`") } else { format!("`{key}` of {}", self.place) }
    }
}

/// The embedded default of a key.
pub(crate) fn default(section: &Section, key: &str) -> Option<&'static Spanned<DeValue<'static>>> {
    let mut table: &DeTable<'static> = &DEFAULT_TABLE;
    for step in section.path.split('.').filter(|step| !step.is_empty()) {
        table = table.get(step)?.get_ref().as_table()?;
    }
    table.get(key)
}

/// A whole number that is not negative.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A number that is finite.
pub(crate) fn decimal(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).ok()?.to_string().parse().ok()
        }
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A size in bytes, given as a text with its unit or as a number.
pub(crate) fn size(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::String(text) => value::size(text).ok(),
        value => integer(value),
    }
}

/// A date, given as TOML's own or as a text.
pub(crate) fn moment(value: &DeValue<'_>) -> Option<Millis> {
    match value {
        DeValue::String(text) => value::moment(text).ok(),
        DeValue::Datetime(datetime) => value::moment(&datetime.to_string()).ok(),
        _ => None,
    }
}

/// A Purdue level as text, given as a number or as a text.
pub(crate) fn level_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(integer) => Some(integer.to_string()),
        DeValue::Float(float) => {
            // `3.0` and `3.50` say the same as `3` and `3.5`.
            let text = float.as_str();
            Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
        }
        _ => None,
    }
}
