//! Walks a file along the table of keys, and reports every key and value that does not fit.
//!
//! This looks at one value at a time; what several of them mean together is judged afterwards.

use crate::names::Names;
use crate::nearest::nearest;
use crate::node::{self, Node};
use crate::problem::Code;
use crate::report::Report;
use crate::secret;
use crate::table::{Field, Kind, Named, Need, Section};
use crate::value::{Fault, enumerate, quote};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// Longest text. Descriptions are sentences, not books.
const LONGEST_TEXT: usize = 4096;
/// Most tables of one kind. The largest plants have hundreds of zones; pairs of conduits are compared.
const MOST_TABLES: usize = 4096;
/// Most tables in a list. Each entry of `handling` is compared with those before it.
const MOST_ROWS: usize = 256;
/// Longest list: dictionaries are the longest, and nothing in a list is compared with everything else.
const MOST_ENTRIES: usize = 100_000;

/// Checks a file's shape.
pub(crate) struct Shape<'a, 'r> {
    pub(crate) names: &'r Names<'a>,
    /// Where secrets stand. They have been reported; nothing may quote them.
    pub(crate) secrets: &'r [Range<usize>],
    pub(crate) report: &'r mut Report,
}

impl<'a> Shape<'a, '_> {
    /// Checks a table.
    pub(crate) fn table(&mut self, node: &Node<'a>) {
        for (key, value) in node.table {
            if self.is_secret(&key.span()) || self.report.is_full() {
                continue;
            }
            match node.section.fields.iter().find(|field| field.key == key.get_ref()) {
                Some(field) => self.value(node, field, &field.kind, value, key.span()),
                None => self.unknown(node, key.get_ref(), key.span(), value),
            }
        }
        for field in node.section.fields {
            self.presence(node, field);
        }
        self.choice(node);
    }

    fn is_secret(&self, span: &Range<usize>) -> bool {
        secret::touches(self.secrets, span)
    }

    fn unknown(&mut self, node: &Node<'a>, key: &str, span: Range<usize>, value: &Spanned<DeValue<'a>>) {
        // Reported as a secret, which is the more urgent news.
        if secret::names_a_secret(key) && self.is_secret(&value.span()) {
            return;
        }
        let keys = node.section.fields.iter().map(|field| field.key);
        let help = match nearest(key, keys.clone()) {
            Some(known) => format!("did you mean {}?", quote(known)),
            None => format!("its keys are {}", enumerate(keys)),
        };
        let message = format!("{} has no key {}", node.place, quote(key));
        self.report.add(self.report.problem(Code::UnknownKey, span, message).here("not known here").help(help));
    }

    fn presence(&mut self, node: &Node<'a>, field: &Field) {
        let needed = match field.need {
            Need::Must => true,
            Need::Unless(flag) => !node.flag(flag),
            Need::Either | Need::May => false,
        };
        if !needed || node.says(field.key) || self.is_secret(&node.span) {
            return;
        }
        let message = format!("{} has no {}", node.place, quote(field.key));
        let problem = self.report.problem(Code::MissingKey, node.span.clone(), message);
        let add = match &field.kind {
            Kind::Tables(_, named) => named.declaration("NAME"),
            _ if field.example.is_empty() => format!("[{}]", field.key),
            _ => format!("{} = {}", field.key, field.example),
        };
        let help = format!("add `{add}`. {}", field.about);
        self.report.add(problem.here(format!("needs {}", quote(field.key))).help(help));
    }

    /// Exactly one of several keys.
    fn choice(&mut self, node: &Node<'a>) {
        let choices: Vec<&Field> = node.section.fields.iter().filter(|field| field.need == Need::Either).collect();
        let (code, message) = match choices.iter().filter(|field| node.says(field.key)).count() {
            0 if choices.is_empty() => return,
            0 => (Code::MissingKey, format!("{} says neither {}", node.place, one_or_other(&choices, "nor"))),
            1 => return,
            _ => (Code::BadValue, format!("{} says both {}", node.place, one_or_other(&choices, "and"))),
        };
        let lines: Vec<String> = choices.iter().map(|field| format!("`{} = {}`", field.key, field.example)).collect();
        let help = format!("say one of them: {}", lines.join(" or "));
        self.report.add(self.report.problem(code, node.span.clone(), message).help(help));
    }

    fn value(
        &mut self,
        node: &Node<'a>,
        field: &'static Field,
        kind: &'static Kind,
        value: &'a Spanned<DeValue<'a>>,
        key: Range<usize>,
    ) {
        let span = value.span();
        match (kind, value.get_ref()) {
            // A table is walked even if a secret stands in it; anything else that is secret has been reported.
            (Kind::Table(section), DeValue::Table(table)) => {
                let place = node.child_place(field.key);
                self.table(&Node { section, table, span: key, place });
            }
            (Kind::Tables(section, named), DeValue::Table(table)) => self.tables(section, *named, table, &key),
            (Kind::Map(named, of), DeValue::Table(table)) => self.map(node, field, *named, of, table),
            (Kind::Rows(section), DeValue::Array(items)) => {
                self.length(items.len(), 0, MOST_ROWS, field, &span);
                for item in items.iter().take(MOST_ROWS) {
                    match item.get_ref() {
                        DeValue::Table(table) => {
                            let place = node.child_place(field.key);
                            self.table(&Node { section, table, span: item.span(), place });
                        }
                        other => self.wrong_type(field, kind, other, item.span()),
                    }
                }
            }
            (Kind::List { of, least }, DeValue::Array(items)) => self.list(node, field, of, *least, items, &span),
            _ if self.is_secret(&span) => {}
            (kind, value) => self.scalar(field, kind, value, span),
        }
    }

    fn tables(
        &mut self,
        section: &'static Section,
        named: Named,
        table: &'a toml::de::DeTable<'a>,
        key: &Range<usize>,
    ) {
        if table.len() > MOST_TABLES {
            let message =
                format!("there are {} {}s, and at most {MOST_TABLES} can be declared", table.len(), section.noun);
            self.report.add(
                self.report
                    .problem(Code::TooMany, key.clone(), message)
                    .help("divide the plant into several files, one for each gateway"),
            );
        }
        for (name, value) in table.iter().take(MOST_TABLES) {
            if self.is_secret(&name.span()) {
                continue;
            }
            self.word(name.get_ref(), Some(named.noun()), name.span());
            let place = format!("{} {}", section.noun, quote(name.get_ref()));
            match value.get_ref() {
                DeValue::Table(table) => self.table(&Node { section, table, span: name.span(), place }),
                other => {
                    let message = format!("{place} is {}, and must be a table", type_of(other));
                    let help = format!("begin it with a line of its own: `{}`", named.declaration(name.get_ref()));
                    self.report.add(self.report.problem(Code::WrongType, value.span(), message).help(help));
                }
            }
        }
    }

    fn map(
        &mut self,
        node: &Node<'a>,
        field: &'static Field,
        named: Named,
        of: &'static Kind,
        table: &'a toml::de::DeTable<'a>,
    ) {
        self.length(table.len(), 0, MOST_ENTRIES, field, &node.span);
        for (name, value) in table.iter().take(MOST_ENTRIES) {
            self.name(name.get_ref(), named, name.span());
            self.value(node, field, of, value, name.span());
        }
    }

    fn list(
        &mut self,
        node: &Node<'a>,
        field: &'static Field,
        of: &'static Kind,
        least: usize,
        items: &'a [Spanned<DeValue<'a>>],
        span: &Range<usize>,
    ) {
        self.length(items.len(), least, MOST_ENTRIES, field, span);
        let mut seen: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        for item in items.iter().take(MOST_ENTRIES) {
            self.value(node, field, of, item, item.span());
            let Some(text) = item.get_ref().as_str().filter(|_| !self.is_secret(&item.span())) else { continue };
            if let Some(first) = seen.insert(text, item.span()) {
                let message = format!("{} stands twice in {}", quote(text), quote(field.key));
                let problem = self.report.problem(Code::Duplicate, item.span(), message).also(first, "first here");
                self.report.add(problem.help("remove one of them"));
            }
        }
    }

    fn length(&mut self, length: usize, least: usize, most: usize, field: &Field, span: &Range<usize>) {
        if length < least {
            let message = match least {
                1 => format!("{} is empty", quote(field.key)),
                least => format!("{} needs at least {least} entries", quote(field.key)),
            };
            let help = format!("for example: `{} = {}`", field.key, field.example);
            self.report.add(self.report.problem(Code::BadValue, span.clone(), message).help(help));
        }
        if length > most {
            let message = format!("{} has {length} entries, and may have {most}", quote(field.key));
            self.report.add(self.report.problem(Code::TooMany, span.clone(), message).help("say it with fewer"));
        }
    }

    fn scalar(&mut self, field: &Field, kind: &'static Kind, value: &DeValue<'a>, span: Range<usize>) {
        match (kind, value) {
            (Kind::Flag, DeValue::Boolean(_)) => {}
            (Kind::Level, value) if node::level_text(value).is_some() => {
                let text = node::level_text(value).unwrap_or_default();
                self.fault(&text, crate::value::level(&text).map(drop), span);
            }
            (Kind::Moment, DeValue::Datetime(datetime)) => {
                let text = datetime.to_string();
                self.fault(&text, crate::value::moment(&text).map(drop), span);
            }
            (Kind::Moment, DeValue::String(text)) => self.fault(text, crate::value::moment(text).map(drop), span),
            (Kind::Number, DeValue::Integer(_) | DeValue::Float(_)) => {
                if node::decimal(value).is_none() {
                    let message = format!("{} is no number that can be compared", quote(field.key));
                    let help = format!("for example: `{} = {}`", field.key, field.example);
                    self.report.add(self.report.problem(Code::BadValue, span, message).help(help));
                }
            }
            (Kind::Count { low, high }, DeValue::Integer(_)) => {
                self.range(field, node::integer(value), *low, *high, u64::to_string, span);
            }
            (Kind::Size { low, high }, DeValue::Integer(_)) => {
                self.range(field, node::integer(value), *low, *high, |bytes| show_size(*bytes), span);
            }
            (Kind::Size { low, high }, DeValue::String(text)) => match crate::value::size(text) {
                Ok(size) => self.range(field, Some(size), *low, *high, |bytes| show_size(*bytes), span),
                Err(fault) => self.fault(text, Err(fault), span),
            },
            (Kind::Time { low, high }, DeValue::String(text)) => match crate::value::duration(text) {
                Ok(time) => {
                    let millis = u64::try_from(time.as_millis()).ok();
                    self.range(field, millis, *low, *high, |millis| show_time(*millis), span);
                }
                Err(fault) => self.fault(text, Err(fault), span),
            },
            (Kind::Text | Kind::Word | Kind::Name(_) | Kind::OneOf(_) | Kind::Form(_), DeValue::String(text)) => {
                self.text(field, kind, text, span);
            }
            (kind, other) => self.wrong_type(field, kind, other, span),
        }
    }

    fn text(&mut self, field: &Field, kind: &Kind, text: &str, span: Range<usize>) {
        if text.trim().is_empty() {
            let help = format!("{} For example: `{}`", field.about, field.example);
            let problem = self.report.problem(Code::BadValue, span, format!("{} is blank", quote(field.key)));
            return self.report.add(problem.help(help));
        }
        if text.len() > LONGEST_TEXT {
            let message = format!("{} is {} bytes long, and may have {LONGEST_TEXT}", quote(field.key), text.len());
            return self.report.add(self.report.problem(Code::BadValue, span, message).help("say it shorter"));
        }
        match kind {
            Kind::Word => self.word(text, None, span),
            Kind::Name(named) => self.name(text, *named, span),
            Kind::OneOf(names) => self.fault(text, crate::value::one_of(text, names), span),
            Kind::Form(form) => self.fault(text, (form.check)(text), span),
            _ => {}
        }
    }

    fn fault(&mut self, text: &str, result: Result<(), Fault>, span: Range<usize>) {
        if let Err(Fault { message, help }) = result {
            self.report.add(self.report.problem(Code::BadValue, span, format!("{} {message}", quote(text))).help(help));
        }
    }

    fn range(
        &mut self,
        field: &Field,
        value: Option<u64>,
        low: u64,
        high: u64,
        show: impl Fn(&u64) -> String,
        span: Range<usize>,
    ) {
        if value.is_some_and(|value| (low..=high).contains(&value)) {
            return;
        }
        let message = format!("{} must be between {} and {}", quote(field.key), show(&low), show(&high));
        let help = format!("for example: `{} = {}`", field.key, field.example);
        self.report.add(self.report.problem(Code::BadValue, span, message).help(help));
    }

    /// A name that is declared here.
    fn word(&mut self, text: &str, noun: Option<&str>, span: Range<usize>) {
        let Err(invalid) = plant::RuleId::new(text) else { return };
        let message = match noun {
            Some(noun) => format!("{} cannot be the name of a {noun}: {}", quote(text), invalid.problem),
            None => format!("{} cannot be a name: {}", quote(text), invalid.problem),
        };
        let help = match tamed(text) {
            Some(better) if noun.is_some() => {
                format!("write {}, and put the full name into `title` where there is one", quote(&better))
            }
            Some(better) => format!("write {}", quote(&better)),
            None => "names have 1 to 96 lower-case letters, digits, `-`, `_` and `.`: `filling-line-2`".to_owned(),
        };
        self.report.add(self.report.problem(Code::BadName, span, message).help(help));
    }

    /// A name that is declared elsewhere.
    fn name(&mut self, text: &str, named: Named, span: Range<usize>) {
        if self.names.has(named, text) {
            return;
        }
        let help = match nearest(text, self.names.all(named)) {
            Some(known) => format!("did you mean {}?", quote(known)),
            None if self.names.all(named).next().is_none() => format!("declare it: `{}`", named.declaration(text)),
            None => {
                let known = enumerate(self.names.all(named));
                format!("declared are {known}; or declare it: `{}`", named.declaration(text))
            }
        };
        let message = format!("{} {} is not declared", named.noun(), quote(text));
        self.report.add(self.report.problem(Code::DanglingName, span, message).here("not declared").help(help));
    }

    fn wrong_type(&mut self, field: &Field, kind: &Kind, value: &DeValue<'_>, span: Range<usize>) {
        let entry = if std::ptr::eq(kind, &field.kind) { "" } else { "an entry of " };
        let message = format!("{entry}{} holds {}, and takes {}", quote(field.key), type_of(value), takes(kind));
        let help = match (kind, value) {
            (Kind::List { .. }, DeValue::String(text)) if text.len() < 60 => {
                format!("write it as a list: `{} = [\"{}\"]`", field.key, quote(text).trim_matches('`'))
            }
            _ if field.example.is_empty() => format!("give it a table of its own: `[{}]`", field.key),
            _ => format!("for example: `{} = {}`", field.key, field.example),
        };
        self.report.add(self.report.problem(Code::WrongType, span, message).help(help));
    }
}

/// The name that was probably meant: `Cell 2 (old)` becomes `cell-2-old`.
fn tamed(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let joined = words.join("-");
    plant::RuleId::new(joined.trim_start_matches(['-', '_', '.'])).ok().map(|id| id.as_str().to_owned())
}

fn one_or_other(choices: &[&Field], word: &str) -> String {
    choices.iter().map(|field| quote(field.key)).collect::<Vec<_>>().join(&format!(" {word} "))
}

/// A value's type, with its article.
pub(crate) fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What a key takes, in words.
pub(crate) fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::Flag => "`true` or `false`".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::Count { low, high } => format!("a whole number from {low} to {high}"),
        Kind::Size { low, high } => format!("a size from {} to {}", show_size(*low), show_size(*high)),
        Kind::Time { low, high } => format!("a duration from {} to {}", show_time(*low), show_time(*high)),
        Kind::Moment => "a date, or a date and time with its offset".to_owned(),
        Kind::Level => "a Purdue level".to_owned(),
        Kind::Word => "a name".to_owned(),
        Kind::Name(named) => format!("the name of a {}", named.noun()),
        Kind::OneOf(names) => {
            let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Form(form) => form.what.to_owned(),
        Kind::List { of, .. } => format!("a list, each entry {}", takes(of)),
        Kind::Table(_) => "a table".to_owned(),
        Kind::Tables(_, named) => format!("a table for each {}", named.noun()),
        Kind::Rows(_) => "a list of tables".to_owned(),
        Kind::Map(named, of) => format!("for each {} {}", named.noun(), takes(of)),
    }
}

/// A size with the largest unit that divides it.
pub(crate) fn show_size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(factor, _)| bytes >= *factor && bytes.is_multiple_of(*factor));
    unit.map_or_else(|| format!("{bytes}B"), |(factor, name)| format!("{}{name}", bytes / factor))
}

/// A duration with the largest unit that divides it.
pub(crate) fn show_time(millis: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let unit = units.into_iter().find(|(factor, _)| millis >= *factor && millis.is_multiple_of(*factor));
    unit.map_or_else(|| format!("{millis}ms"), |(factor, name)| format!("{}{name}", millis / factor))
}
