//! What the index holds: one table that says for each column where it comes from, in what unit and what it means. The
//! tables, the rows and the documentation are made from it.

use ledger::{Entry, Hash};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, params, params_from_iter};

/// A view that questions may read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// What one of its rows is.
    pub says: &'static str,
    columns: &'static [Column],
}

/// A column as it is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// `text` or `integer`, as SQLite has it; any may be null.
    pub kind: &'static str,
    /// The field of the record that it holds, or how it is made.
    pub source: &'static str,
    /// Unit and meaning.
    pub says: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    name: &'static str,
    from: Source,
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
    /// Not stored: computed from stored columns.
    Computed(&'static str),
}

const fn column(name: &'static str, from: Source, says: &'static str) -> Column {
    Column { name, from, says }
}

/// The views that questions may read.
pub const SCHEMA: &[View] = &[
    View { name: "records", says: "one row for each published record", columns: RECORDS },
    View { name: "findings", says: "one row for each label that was found in a record", columns: FINDINGS },
    View { name: "tools", says: "one row for each tool that a record's request offers", columns: TOOLS },
    View { name: "rules", says: "one row for each rule that decided a record", columns: RULES },
];

const RECORDS: &[Column] = &[
    column("seq", Source::Position, "the record's number, from 0"),
    column("leaf", Source::Leaf, "its leaf hash (RFC 6962), lower-case hexadecimal"),
    column("id", Source::Text("id"), "its identity, a UUID"),
    column("ref", Source::Text("ref"), "the identity of the record that it answers"),
    column("kind", Source::Text("kind"), "`intent`, `outcome`, `refuse` ..."),
    column("t", Source::Number("t"), "when it was written: milliseconds since 1970, UTC"),
    column("time", Source::Computed("strftime('%Y-%m-%dT%H:%M:%fZ', t / 1000.0, 'unixepoch')"), "the same, to be read"),
    column("boot", Source::Number("boot"), "which start of the gateway wrote it, from 1"),
    column("peer", Source::Text("who.peer"), "the address that the call came from"),
    column("workload", Source::Text("who.workload.id"), "the workload"),
    column("workload_by", Source::Text("who.workload.by"), "its proof: `mtls`, `token`, `asserted`"),
    column("workstation", Source::Text("who.workstation.id"), "the workstation"),
    column("workstation_by", Source::Text("who.workstation.by"), "its proof: `mtls`, `asserted`"),
    column("operator", Source::Text("who.operator.id"), "the person, by pseudonym"),
    column("operator_by", Source::Text("who.operator.by"), "the proof: `oidc`, `asserted`"),
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
    column("verdict", Source::Text("dec.verdict"), "`allow`, `tokenise`, `redact`, `reroute`, `refuse`"),
    column(
        "reason",
        Source::Computed("coalesce(reason_decided, reason_ended, reason_noted)"),
        "why: the first of the next three that is there",
    ),
    column("reason_decided", Source::Text("dec.reason"), "why it was refused"),
    column("reason_ended", Source::Text("out.reason"), "why it did not end well"),
    column("reason_noted", Source::Text("note.reason"), "why it was abandoned"),
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
    column("note", Source::Json("note"), "what else its kind says, as JSON: `note ->> 'change'`"),
];

const FINDINGS: &[Column] = &[
    column("seq", Source::Position, "the record's number"),
    column("label", Source::Text("what.findings.label"), "what was found"),
    column("count", Source::Number("what.findings.count"), "how often"),
];

const TOOLS: &[Column] = &[
    column("seq", Source::Position, "the record's number"),
    column("tool", Source::Text("what.tools"), "the tool's name"),
];

const RULES: &[Column] = &[
    column("seq", Source::Position, "the record's number"),
    column("rule", Source::Text("dec.rules"), "the rule's name"),
];

impl View {
    /// Its columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = Described> + use<> {
        self.columns.iter().map(|column| Described {
            name: column.name,
            kind: column.from.kind(),
            source: column.from.source(),
            says: column.says,
        })
    }

    /// The table that holds what it shows.
    fn table(&self) -> String {
        format!("stored_{}", self.name)
    }

    fn definition(&self) -> String {
        let stored = self.columns.iter().filter(|column| column.from.is_stored());
        let stored: Vec<_> = stored.map(|column| format!("{} {}", column.name, column.from.kind())).collect();
        let shown = self.columns.iter().map(|column| match column.from {
            Source::Computed(sql) => format!("{sql} as {}", column.name),
            _ => column.name.to_owned(),
        });
        let (table, shown) = (self.table(), shown.collect::<Vec<_>>().join(", "));
        format!(
            "create table if not exists {table} ({});\ncreate view if not exists {} as select {shown} from {table};\n",
            stored.join(", "),
            self.name
        )
    }
}

impl Source {
    fn is_stored(self) -> bool {
        !matches!(self, Self::Computed(_))
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Position => "integer",
            Self::Number(_) | Self::Flag(_) | Self::Counts(_) => "integer",
            Self::Leaf | Self::Text(_) | Self::Json(_) | Self::Joined(_) | Self::Computed(_) => "text",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Position => "seq",
            Self::Leaf => "the whole line",
            Self::Text(path)
            | Self::Number(path)
            | Self::Flag(path)
            | Self::Json(path)
            | Self::Joined(path)
            | Self::Counts(path) => path,
            Self::Computed(_) => "computed",
        }
    }
}

/// What finds answers sooner: the number, both ends of a reference, and the time.
const KEYS: &str = "
    create unique index if not exists records_by_seq on stored_records (seq);
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

/// Writes rows.
pub(crate) struct Rows<'a> {
    record: Statement<'a>,
    finding: Statement<'a>,
    tool: Statement<'a>,
    rule: Statement<'a>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let count = RECORDS.iter().filter(|column| column.from.is_stored()).count();
        let places = vec!["?"; count].join(", ");
        Ok(Self {
            record: connection.prepare(&format!("insert into stored_records values ({places})"))?,
            finding: connection.prepare("insert into stored_findings values (?, ?, ?)")?,
            tool: connection.prepare("insert into stored_tools values (?, ?)")?,
            rule: connection.prepare("insert into stored_rules values (?, ?)")?,
        })
    }

    /// Writes what the record at a position says.
    pub(crate) fn insert(&mut self, position: u64, leaf: &Hash, entry: &Entry) -> rusqlite::Result<()> {
        let position = number(position);
        let stored = RECORDS.iter().filter(|column| column.from.is_stored());
        let values = stored.map(|column| match column.from {
            Source::Position => position.into(),
            Source::Leaf => seal::hex(leaf).into(),
            Source::Text(path) => text(entry.text(path)),
            Source::Number(path) => entry.number(path).map_or(NULL, |value| number(value).into()),
            Source::Flag(path) => entry.at(path).and_then(|value| value.as_bool()).map_or(NULL, ToSqlOutput::from),
            Source::Json(path) => entry.at(path).map_or(NULL, |value| value.to_string().into()),
            Source::Joined(path) => Some(texts(entry, path).collect::<Vec<_>>())
                .filter(|texts| !texts.is_empty())
                .map_or(NULL, |texts| texts.join(" ").into()),
            Source::Counts(path) => number(counts(entry, path).map(|(_, count)| count).sum()).into(),
            Source::Computed(_) => NULL,
        });
        self.record.execute(params_from_iter(values))?;
        for (label, count) in counts(entry, "what.findings") {
            self.finding.execute(params![position, label, number(count)])?;
        }
        for tool in texts(entry, "what.tools") {
            self.tool.execute(params![position, tool])?;
        }
        for rule in texts(entry, "dec.rules") {
            self.rule.execute(params![position, rule])?;
        }
        Ok(())
    }
}

const NULL: ToSqlOutput<'static> = ToSqlOutput::Borrowed(ValueRef::Null);

fn text(text: Option<&str>) -> ToSqlOutput<'_> {
    text.map_or(NULL, ToSqlOutput::from)
}

/// Numbers of records stay below 2^53.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn texts<'a>(entry: &'a Entry, path: &str) -> impl Iterator<Item = &'a str> {
    entry.at(path).and_then(|value| value.as_array()).into_iter().flatten().filter_map(|value| value.as_str())
}

fn counts<'a>(entry: &'a Entry, path: &str) -> impl Iterator<Item = (&'a str, u64)> {
    let array = entry.at(path).and_then(|value| value.as_array()).into_iter().flatten();
    array.filter_map(|finding| Some((finding.get("label")?.as_str()?, finding.get("count")?.as_u64()?)))
}
