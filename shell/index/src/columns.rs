//! What the index holds: one table that says for each column where it comes from, in what unit and what it means. The
//! tables, the rows and the documentation are made from it.

use ledger::{Entry, Hash};
use serde_json::Value as Json;
use std::borrow::Cow;

/// A view that questions may read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// What one of its rows is.
    pub says: &'static str,
    /// The array of the record whose items are its rows; without one the record itself is a row.
    each: Option<&'static str>,
    columns: &'static [Column],
}

/// A column as it is documented.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// `text` or `integer`, as SQLite has it; any may be null.
    pub kind: &'static str,
    /// The field of the record that it holds, or how it is made.
    pub source: String,
    /// Unit and meaning.
    pub says: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    name: &'static str,
    source: Source,
    says: &'static str,
}

/// Where a column of the view comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// The index of the leaf.
    Position,
    /// The leaf hash.
    Leaf,
    /// The text at a path of the record.
    Text(&'static str),
    /// The number at a path.
    Number(&'static str),
    /// The truth value at a path, as 0 or 1.
    Flag(&'static str),
    /// The object at a path, as JSON.
    Json(&'static str),
    /// The texts of the array at a path, joined by blanks.
    Joined(&'static str),
    /// The sum of `count` over the objects of the array at a path; none is 0.
    Counts(&'static str),
    /// Not stored: computed from stored columns, in SQL and from the record.
    Computed(&'static str, fn(&Entry) -> Field<'_>),
    /// The item itself, a text.
    Item,
    /// The text at a key of the item.
    ItemText(&'static str),
    /// The number at a key of the item.
    ItemNumber(&'static str),
}

/// What a record says in one column. Complete: the two types that [`Described::kind`] names, and nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// Nothing.
    Null,
    /// A whole number below 2^53.
    Integer(i64),
    /// Text.
    Text(Cow<'a, str>),
}

const fn column(name: &'static str, source: Source, says: &'static str) -> Column {
    Column { name, source, says }
}

/// The views that questions may read.
pub const SCHEMA: &[View] = &[
    View { name: "records", says: "one row for each published record", each: None, columns: RECORDS },
    View {
        name: "findings",
        says: "one row for each label that was found in a record",
        each: Some("what.findings"),
        columns: FINDINGS,
    },
    View {
        name: "tools",
        says: "one row for each tool that a record's request offers",
        each: Some("what.tools"),
        columns: TOOLS,
    },
    View {
        name: "rules",
        says: "one row for each rule that decided a record",
        each: Some("dec.rules"),
        columns: RULES,
    },
];

const RECORDS: &[Column] = &[
    column("seq", Source::Position, "the record's number, from 0"),
    column("leaf", Source::Leaf, "its leaf hash (RFC 6962), lower-case hexadecimal"),
    column("id", Source::Text("id"), "its identity, a UUID"),
    column("ref", Source::Text("ref"), "the identity of the record that it answers"),
    column("kind", Source::Text("kind"), "`intent`, `outcome`, `refuse` ..."),
    column("t", Source::Number("t"), "when it was written: milliseconds since 1970, UTC"),
    column(
        "time",
        Source::Computed("strftime('%Y-%m-%dT%H:%M:%fZ', t / 1000.0, 'unixepoch')", time),
        "the same, to be read",
    ),
    column(
        "t_within",
        Source::Number("clk.bound"),
        "how far `t` may be off, in milliseconds, if it was compared with time servers",
    ),
    column("boot", Source::Number("boot"), "which start of the gateway wrote it, from 1"),
    column("peer", Source::Text("who.peer"), "the address that the call came from"),
    column("workload", Source::Text("who.workload.id"), "the workload"),
    column("workload_by", Source::Text("who.workload.by"), "its proof: `mtls`, `token`, `asserted`"),
    column("workstation", Source::Text("who.workstation.id"), "the workstation"),
    column("workstation_by", Source::Text("who.workstation.by"), "its proof: `mtls`, `asserted`"),
    column("operator", Source::Text("who.operator.id"), "the person, by pseudonym"),
    column("operator_by", Source::Text("who.operator.by"), "the proof: `oidc`, `asserted`"),
    column("client", Source::Text("who.client.name"), "the client library, as it says itself: it proves nothing"),
    column("client_version", Source::Text("who.client.version"), "its version, as it says itself"),
    column("plant", Source::Text("where.plant"), "the site"),
    column("zone", Source::Text("where.zone"), "the zone of origin"),
    column("conduit", Source::Text("where.conduit"), "the conduit"),
    column("purpose", Source::Text("where.purpose"), "the purpose"),
    column("provider", Source::Text("what.provider"), "the provider that was called"),
    column("rerouted", Source::Text("what.rerouted"), "the provider that it went to instead"),
    column("dialect", Source::Text("what.dialect"), "the wire format"),
    column("endpoint", Source::Text("what.endpoint"), "the endpoint's name"),
    column("model", Source::Text("what.model"), "the model that was asked"),
    column("model_answered", Source::Text("out.model"), "the model that answered"),
    column("stream", Source::Flag("what.stream"), "whether a stream was asked for: 0 or 1"),
    column("sensitivity", Source::Text("what.sensitivity"), "of the request as it came, in the plant's words"),
    column("findings", Source::Counts("what.findings"), "how many findings"),
    column("verdict", Source::Text("dec.verdict"), "`allow`, `tokenise`, `generalise`, `redact`, `reroute`, `refuse`"),
    column(
        "reason",
        Source::Computed("coalesce(reason_decided, reason_ended, reason_noted)", reason),
        "why: the first of the next three that is there",
    ),
    column("reason_decided", Source::Text("dec.reason"), "why it was refused"),
    column("reason_ended", Source::Text("out.reason"), "why it did not end well"),
    column("reason_noted", Source::Text("note.reason"), "why it was abandoned, or somebody turned away"),
    column("detail", Source::Text("dec.detail"), "what exactly; never content"),
    column("rules", Source::Joined("dec.rules"), "the rules that decided, with blanks between them"),
    column("policy", Source::Text("dec.policy"), "SHA-256 of the plant file in force, hexadecimal"),
    column("request_bytes", Source::Number("io.request_bytes"), "bytes of the request; in an outcome, as it left"),
    column("answer_bytes", Source::Number("io.answer_bytes"), "bytes of the answer"),
    column("input_tokens", Source::Number("io.input_tokens"), "model tokens of the prompt, as the provider counts"),
    column("output_tokens", Source::Number("io.output_tokens"), "model tokens of the answer, as the provider counts"),
    column("status", Source::Number("out.status"), "the HTTP status that the caller got"),
    column("began", Source::Number("out.began"), "when the call came: milliseconds since 1970, UTC"),
    column("us", Source::Number("out.us"), "microseconds from then to its end"),
    column(
        "first_byte_us",
        Source::Number("out.first_byte_us"),
        "microseconds until the head of the provider's answer",
    ),
    column("provider_id", Source::Text("out.provider_id"), "the provider's own id of the call"),
    column("decision", Source::Text("note.decision"), "of an `oversight`: what was done with the answer"),
    column(
        "decided_ms",
        Source::Number("note.after_ms"),
        "of an `oversight`: milliseconds from the end of the answer until it was told",
    ),
    column(
        "shown_ms",
        Source::Number("note.shown_ms"),
        "of an `oversight`: milliseconds that the answer was on show, as the program says",
    ),
    column(
        "oversight_ms",
        Source::Number("note.oversight_ms"),
        "of an `outcome`: milliseconds in which somebody must account for the answer",
    ),
    column("note", Source::Json("note"), "what else its kind says, as JSON: `note ->> 'change'`"),
];

const FINDINGS: &[Column] = &[
    column("seq", Source::Position, "the record's number"),
    column("label", Source::ItemText("label"), "what was found"),
    column("count", Source::ItemNumber("count"), "how often"),
];

const TOOLS: &[Column] =
    &[column("seq", Source::Position, "the record's number"), column("tool", Source::Item, "the tool's name")];

const RULES: &[Column] =
    &[column("seq", Source::Position, "the record's number"), column("rule", Source::Item, "the rule's name")];

impl View {
    /// Its columns, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = Described> + use<> {
        let each = self.each.unwrap_or_default();
        self.columns.iter().map(move |column| Described {
            name: column.name,
            kind: column.source.kind(),
            source: column.source.path(each),
            says: column.says,
        })
    }

    /// The rows that the record at a position has in it, each with a field for each column.
    #[must_use]
    pub fn rows<'a>(&self, position: u64, leaf: &Hash, entry: &'a Entry) -> Vec<Vec<Field<'a>>> {
        let row = |item: &'a Json| {
            self.columns.iter().map(|column| column.source.read(position, leaf, entry, item)).collect()
        };
        match self.each {
            None => vec![row(&Json::Null)],
            Some(path) => items(entry, path).map(row).collect(),
        }
    }

    /// Whether each of its columns is stored, in order.
    pub(crate) fn stored(&self) -> impl Iterator<Item = bool> + use<> {
        self.columns.iter().map(|column| column.source.is_stored())
    }

    /// The table that holds what it shows.
    pub(crate) fn table(&self) -> String {
        format!("stored_{}", self.name)
    }

    fn definition(&self) -> String {
        let stored = self.columns.iter().filter(|column| column.source.is_stored());
        let stored = stored.map(|column| match column.source {
            // A record has one row, and its number finds it without another index.
            Source::Position if self.each.is_none() => format!("{} integer primary key", column.name),
            _ => format!("{} {}", column.name, column.source.kind()),
        });
        let shown = self.columns.iter().map(|column| match column.source {
            Source::Computed(sql, _) => format!("{sql} as {}", column.name),
            _ => column.name.to_owned(),
        });
        let (table, shown) = (self.table(), shown.collect::<Vec<_>>().join(", "));
        format!(
            "create table if not exists {table} ({});\ncreate view if not exists {} as select {shown} from {table};\n",
            stored.collect::<Vec<_>>().join(", "),
            self.name
        )
    }
}

impl Source {
    fn is_stored(self) -> bool {
        !matches!(self, Self::Computed(..))
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Position | Self::Number(_) | Self::Flag(_) | Self::Counts(_) | Self::ItemNumber(_) => "integer",
            Self::Leaf | Self::Text(_) | Self::Json(_) | Self::Joined(_) | Self::Computed(..) | Self::Item => "text",
            Self::ItemText(_) => "text",
        }
    }

    /// Where it stands in the record, in items of the array at `each`.
    fn path(self, each: &str) -> String {
        match self {
            Self::Position => "seq".to_owned(),
            Self::Leaf => "the whole line".to_owned(),
            Self::Text(path) | Self::Number(path) | Self::Flag(path) => path.to_owned(),
            Self::Json(path) | Self::Joined(path) | Self::Counts(path) => path.to_owned(),
            Self::Computed(..) => "computed".to_owned(),
            Self::Item => each.to_owned(),
            Self::ItemText(key) | Self::ItemNumber(key) => format!("{each}.{key}"),
        }
    }

    fn read<'a>(self, position: u64, leaf: &Hash, entry: &'a Entry, item: &'a Json) -> Field<'a> {
        match self {
            Self::Position => number(Some(position)),
            Self::Leaf => Field::Text(seal::hex(leaf).into()),
            Self::Text(path) => text(entry.text(path)),
            Self::Number(path) => number(entry.number(path)),
            Self::Flag(path) => number(entry.at(path).and_then(Json::as_bool).map(u64::from)),
            Self::Json(path) => entry.at(path).map_or(Field::Null, |value| Field::Text(value.to_string().into())),
            Self::Joined(path) => {
                let texts: Vec<_> = items(entry, path).filter_map(Json::as_str).collect();
                if texts.is_empty() { Field::Null } else { Field::Text(texts.join(" ").into()) }
            }
            Self::Counts(path) => number(Some(items(entry, path).filter_map(|item| item.get("count")?.as_u64()).sum())),
            Self::Computed(_, from) => from(entry),
            Self::Item => text(item.as_str()),
            Self::ItemText(key) => text(item.get(key).and_then(Json::as_str)),
            Self::ItemNumber(key) => number(item.get(key).and_then(Json::as_u64)),
        }
    }
}

fn text(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Null, |text| Field::Text(text.into()))
}

/// Numbers of records stay below 2^53.
fn number(number: Option<u64>) -> Field<'static> {
    number.and_then(|number| i64::try_from(number).ok()).map_or(Field::Null, Field::Integer)
}

/// The items of the array at a path; none if there is no array.
fn items<'a>(entry: &'a Entry, path: &str) -> impl Iterator<Item = &'a Json> {
    entry.at(path).and_then(Json::as_array).into_iter().flatten()
}

fn time(entry: &Entry) -> Field<'_> {
    Field::Text(entry.t().to_string().into())
}

fn reason(entry: &Entry) -> Field<'_> {
    text(["dec.reason", "out.reason", "note.reason"].into_iter().find_map(|path| entry.text(path)))
}

/// What finds answers sooner: both ends of a reference, the time, and the record of a finding, tool or rule.
const KEYS: &str = "
    create index if not exists records_by_id on stored_records (id);
    create index if not exists records_by_ref on stored_records (ref) where ref is not null;
    create index if not exists records_by_time on stored_records (t);
    create index if not exists findings_by_seq on stored_findings (seq);
    create index if not exists tools_by_seq on stored_tools (seq);
    create index if not exists rules_by_seq on stored_rules (seq);
";

/// The statements that make what is not there yet.
pub(crate) fn tables() -> String {
    SCHEMA.iter().map(View::definition).chain([KEYS.to_owned()]).collect()
}

/// Which form of index this program makes. How fields are read may change with a version, too.
pub(crate) fn format() -> String {
    let sum = seal::sha256(tables().as_bytes());
    format!("{}-{}", env!("CARGO_PKG_VERSION"), seal::hex(&sum).get(..8).unwrap_or_default())
}

/// Whether questions may read that table or view. Views show all that their tables hold, so who reads these learns
/// nothing more.
pub(crate) fn is_open(name: &str) -> bool {
    SCHEMA.iter().any(|view| name.eq_ignore_ascii_case(view.name) || name.eq_ignore_ascii_case(&view.table()))
}
