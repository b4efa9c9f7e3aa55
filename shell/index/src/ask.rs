//! Asks the index a question in SQL. The question comes from a person who may know no SQL, or mean harm.
//!
//! The file is opened for reading as one that nobody changes, so that nothing beside it is read either. An authorizer
//! admits reading the documented views and a list of functions, and nothing else; size, time, memory and rows have
//! limits. See <https://www.sqlite.org/security.html>.

use crate::stamp::Stamp;
use crate::{Index, columns};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How much one question may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run.
    pub time: Duration,
    /// Most rows of its answer.
    pub rows: u64,
}

impl Default for Limits {
    /// 30 seconds and 100,000 rows.
    fn default() -> Self {
        Self { time: Duration::from_secs(30), rows: 100_000 }
    }
}

/// Longest question, in bytes.
const QUESTION_LIMIT: i32 = 64 << 10;
/// Longest text or other value, also in between, in bytes.
const VALUE_LIMIT: i32 = 1 << 20;
/// Most memory of SQLite, in bytes: for sorting and grouping, which never spill to a disk.
const MEMORY_LIMIT: u64 = 256 << 20;
/// How many instructions of SQLite's machine run between two looks at the clock: well under a millisecond.
const LOOK: i32 = 1000;

/// One value of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// Text. A question can make some that is not UTF-8, and that holds control characters; no record does.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// Takes an answer as it comes.
pub trait Answer {
    /// The names of the columns, first and once.
    ///
    /// # Errors
    /// If they cannot be printed.
    fn columns(&mut self, names: &[&str]) -> io::Result<()>;

    /// The next row, with one value for each column.
    ///
    /// # Errors
    /// If it cannot be printed.
    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()>;
}

/// Why a question has no whole answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// It is nothing that SQLite understands.
    #[error("{0}")]
    Wrong(String),
    /// It would do more than read the views.
    #[error("the question {0}")]
    Forbidden(String),
    /// It is empty, or only a comment.
    #[error("there is no question")]
    Nothing,
    /// It is several.
    #[error("one question at a time: there is more after the first `;`")]
    Several,
    /// Its answer takes too long.
    #[error("the answer takes longer than {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// Its answer has too many rows.
    #[error("the answer has more than {0} rows")]
    TooMany(u64),
    /// It, or a value on the way, is too long, or takes too much memory.
    #[error("{0}")]
    TooLarge(&'static str),
    /// The index is damaged. It will not be believed again.
    #[error("`{0}` is damaged; it was thrown away and will be built anew: ask again")]
    Damaged(PathBuf),
    /// The answer cannot be printed.
    #[error(transparent)]
    Print(#[from] io::Error),
}

/// What the authorizer refused first.
type Refusal = Arc<Mutex<Option<String>>>;

impl Index {
    /// Answers a question. Rows that came before an error have been handed out.
    ///
    /// # Errors
    /// Says what is wrong with the question or its answer.
    pub fn ask(&self, question: &str, limits: &Limits, answer: &mut impl Answer) -> Result<(), QueryError> {
        let refusal = Refusal::default();
        let asked = open(self.path(), limits, &refusal)
            .map_err(Failed::Sql)
            .and_then(|connection| run(&connection, question, limits, answer));
        asked.map_err(|failed| match failed {
            Failed::Query(error) => error,
            Failed::Sql(error) => self.explain(error, limits, &refusal),
        })
    }

    fn explain(&self, error: rusqlite::Error, limits: &Limits, refusal: &Refusal) -> QueryError {
        let refused = refusal.lock().ok().and_then(|mut refusal| refusal.take());
        if let Some(refused) = refused {
            return QueryError::Forbidden(refused);
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => QueryError::TooSlow(limits.time),
            Some(ErrorCode::TooBig) => QueryError::TooLarge("the question or a value in it is too long"),
            Some(ErrorCode::OutOfMemory) => QueryError::TooLarge("the answer takes too much memory"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::CannotOpen) => {
                // Without its stamp nobody opens it again. If that fails, neither does anything else in the folder.
                let _ = self.path().parent().map(Stamp::remove);
                QueryError::Damaged(self.path().to_owned())
            }
            _ => wrong(error),
        }
    }
}

fn wrong(error: rusqlite::Error) -> QueryError {
    match error {
        rusqlite::Error::MultipleStatement => QueryError::Several,
        // Its text without ours around it: the person has the question before the eyes.
        rusqlite::Error::SqlInputError { msg, .. } | rusqlite::Error::SqliteFailure(_, Some(msg)) => {
            QueryError::Wrong(msg)
        }
        other => QueryError::Wrong(other.to_string()),
    }
}

enum Failed {
    Sql(rusqlite::Error),
    Query(QueryError),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<QueryError> for Failed {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Query(error.into())
    }
}

/// The file as a URI of SQLite. `immutable`: no lock, no journal, nothing beside it is looked at.
fn uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

fn open(path: &Path, limits: &Limits, refusal: &Refusal) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(uri(path), flags)?;
    connection.execute_batch(&format!(
        "pragma temp_store = memory; pragma cell_size_check = on; pragma query_only = on; \
         pragma hard_heap_limit = {MEMORY_LIMIT};"
    ))?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        // "text" in double quotes is a column and never silently a text.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_LIMIT),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, QUESTION_LIMIT),
        (Limit::SQLITE_LIMIT_COLUMN, 200),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 20),
        (Limit::SQLITE_LIMIT_VDBE_OP, 100_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 16),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    let deadline = Instant::now().checked_add(limits.time);
    connection.progress_handler(LOOK, Some(move || deadline.is_some_and(|deadline| Instant::now() >= deadline)))?;
    let modules = modules(&connection)?;
    let refusal = Arc::clone(refusal);
    connection.authorizer(Some(move |context: AuthContext<'_>| match forbidden(&context, &modules) {
        None => Authorization::Allow,
        Some(why) => {
            if let Ok(mut refusal) = refusal.lock() {
                refusal.get_or_insert(why);
            }
            Authorization::Deny
        }
    }))?;
    Ok(connection)
}

/// The tables that SQLite makes up when they are named.
fn modules(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection.prepare("select name from pragma_module_list")?.query_map((), |row| row.get(0))?.collect()
}

/// What is wrong with something that a question wants to do; nothing if it may.
///
/// SQLite also tells through which view a table is read, and that is not looked at: a question can give any name to a
/// part of its own.
fn forbidden(context: &AuthContext<'_>, modules: &[String]) -> Option<String> {
    match context.action {
        AuthAction::Select | AuthAction::Recursive => None,
        AuthAction::Read { table_name, .. } if columns::is_open(table_name) || is_values(table_name) => None,
        // No column of it is read, as in `count(*)`: here SQLite names also the parts of the question itself.
        AuthAction::Read { table_name, column_name: "" } if !is_inner(table_name, modules) => None,
        AuthAction::Read { table_name, .. } => Some(format!("reads `{table_name}`, which is none of the views")),
        AuthAction::Function { function_name } if FUNCTIONS.contains(&function_name) => None,
        AuthAction::Function { function_name } => Some(format!("calls `{function_name}`, which is not admitted here")),
        _ => Some("does more than read".to_owned()),
    }
}

/// Tables that are functions of their arguments alone. A part of a question may have no name.
fn is_values(table: &str) -> bool {
    matches!(table, "json_each" | "json_tree" | "")
}

/// Whether a name is one of SQLite's own tables. The index has none but its views' and these.
fn is_inner(table: &str, modules: &[String]) -> bool {
    let table = table.to_ascii_lowercase();
    table.starts_with("sqlite_") || table.starts_with("pragma_") || modules.contains(&table)
}

/// Functions that only compute. Missing on purpose: what loads code, what tells of the machine or the library, what makes
/// noise or bytes in bulk.
const FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "abs",
    "avg",
    "ceil",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_tree",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "pow",
    "power",
    "printf",
    "quote",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "time",
    "timediff",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
];

fn run(connection: &Connection, question: &str, limits: &Limits, answer: &mut impl Answer) -> Result<(), Failed> {
    let mut statement = connection.prepare(question)?;
    if statement.column_count() == 0 {
        return Err(QueryError::Nothing.into());
    }
    if !statement.readonly() {
        return Err(QueryError::Forbidden("does more than read".to_owned()).into());
    }
    answer.columns(&statement.column_names().collect::<Vec<_>>())?;
    rows(&mut statement, limits, answer)
}

fn rows(statement: &mut Statement<'_>, limits: &Limits, answer: &mut impl Answer) -> Result<(), Failed> {
    let columns = statement.column_count();
    let mut rows = statement.query(())?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if count == limits.rows {
            return Err(QueryError::TooMany(limits.rows).into());
        }
        count += 1;
        let values = (0..columns).map(|column| row.get_ref(column).map(Value::from));
        answer.row(&values.collect::<rusqlite::Result<Vec<_>>>()?)?;
    }
    Ok(())
}

impl<'a> From<ValueRef<'a>> for Value<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(text),
            ValueRef::Blob(bytes) => Self::Bytes(bytes),
        }
    }
}
