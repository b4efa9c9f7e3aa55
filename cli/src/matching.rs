//! `penstock match`: register tables of exact values, such as exports of MES, PLM or ERP.
//!
//! It changes `tables.match` and nothing else. A running gateway takes the changed file within a second.

use crate::print::say;
use crate::register;
use crate::registered::{self, open};
use crate::texts;
use clap::{ArgGroup, Subcommand};
use miette::{IntoDiagnostic, miette};
use plant::TableId;
use prints::{Matched, Matcher, Order, Search, Sheet, Sheets, Together};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Register tables of exact values: part numbers, customers, orders, alone or several of one row together.
///
/// A table is a CSV export (RFC 4180, UTF-8; `;` and tabs are taken too). Of each value a keyed print is kept (in
/// `tables.match`), and nothing that could be read. A value is found as whole words and without regard to case, accents or
/// what separates its parts: `4711-0815`, `4711 0815` and `47110815` are one.
///
/// A running gateway takes a change within a second; without one, the next start does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Add(Add),
    /// List the registered tables.
    List(register::List),
    /// Forget tables.
    Remove(register::Remove),
    /// Say of which tables a text has values, and where
    ///
    /// Ends with 0 if it has none, with 1 if it has some, and with 2 if that cannot be told. Nothing is
    /// sent or recorded.
    #[command(verbatim_doc_comment)]
    Test(register::Test),
}

/// Register a table, or bring one up to date
///
/// Choose columns of which each value tells something, and leave out those that say `blue` or
/// `pump`. What tells nothing alone may do so together with another value of its row. Values alone
/// need five letters or digits, together three.
///
///     penstock match add --column part --label data.part parts.csv
///     penstock match add --together part,customer --within 300 --sensitivity restricted orders.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("rules").required(true).multiple(true))]
struct Add {
    /// What the table is called. Left out: as its file. One of that name is replaced.
    #[arg(long, value_name = "NAME")]
    id: Option<String>,

    /// How a message is labelled that has what is looked for: `data`, `data.NAME`, or a label of the plant's dictionary.
    #[arg(long, default_value = "data", value_name = "LABEL")]
    label: String,

    /// How sensitive that makes the message, by its name on the plant's scale. Left out: what `[labels]` says of the label.
    #[arg(long, value_name = "NAME")]
    sensitivity: Option<String>,

    /// A column of which every value is looked for, by its name in the first line; may be given several times.
    #[arg(long, group = "rules", value_name = "COLUMN")]
    column: Vec<String>,

    /// Columns of which values of one row are looked for together, parted by commas; may be given several times.
    #[arg(long, group = "rules", value_name = "COLUMNS")]
    together: Vec<String>,

    /// Within how many bytes of one text values must stand together. Left out: anywhere in a message.
    #[arg(long, value_name = "BYTES", default_value = "0", hide_default_value = true)]
    within: u32,

    /// The CSV file; its first line names the columns.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    match args.task {
        Task::Add(args) => add(plant, &args),
        Task::List(args) => list(plant, &args),
        Task::Remove(args) => register::remove::<Sheets>(plant, &args),
        Task::Test(args) => Ok(register::tested(test(plant, &args))),
    }
}

fn add(plant: &Path, args: &Add) -> miette::Result<ExitCode> {
    let (loaded, keys) = open(plant)?;
    let id = match &args.id {
        Some(id) => TableId::new(id.as_str()).into_diagnostic()?,
        None => TableId::new(texts::name(Path::new(args.file.file_name().unwrap_or_default()))?).into_diagnostic()?,
    };
    let alone = args.column.iter().map(|column| (vec![column.clone()], 0));
    let parted = |columns: &String| columns.split(',').map(|column| column.trim().to_owned()).collect();
    let together = args.together.iter().map(|columns| (parted(columns), args.within));
    let order = Order {
        id: id.clone(),
        label: registered::label(&args.label, "data", &loaded)?,
        sensitivity: registered::sensitivity(args.sensitivity.as_deref(), &loaded)?,
        rules: alone.chain(together).collect(),
    };
    let cannot = |problem: &dyn std::fmt::Display| miette!("`{}` is not registered: {problem}", args.file.display());
    let text = texts::text(&args.file).map_err(|problem| cannot(&problem))?;
    let entered =
        registered::change(&loaded.gateway.tables, &keys, |sheets: &mut Sheets| sheets.add(order, &text, &keys))?;
    let entered = entered.map_err(|problem| cannot(&problem))?;
    let anew = if entered.replaced { "registered anew" } else { "registered" };
    say(&format!("`{id}` is {anew}: {} rows, {} different values\n", entered.rows, entered.values))?;
    if entered.skipped > 0 {
        eprintln!(
            "note: {} values are too short to tell anything, or longer than 64 letters, and are left out",
            entered.skipped
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn list(plant: &Path, args: &register::List) -> miette::Result<ExitCode> {
    let row = |one: &Sheet| {
        let rules: Vec<String> = one.rules.iter().map(|rule| told(one, rule)).collect();
        let sensitivity = one.sensitivity.clone().unwrap_or_default();
        [one.id.to_string(), one.label.to_string(), sensitivity, one.values().to_string(), rules.join("; ")]
    };
    register::list::<Sheets, 5>(plant, args, sheet, ["TABLE", "LABEL", "SENSITIVITY", "VALUES", "LOOKED FOR"], row)
}

/// A rule in words.
fn told(sheet: &Sheet, rule: &Together) -> String {
    let names = sheet.names(rule).collect::<Vec<_>>().join(" with ");
    if rule.within > 0 { format!("{names} within {} bytes", rule.within) } else { names }
}

fn sheet(sheet: &Sheet) -> Value {
    let rule = |rule: &Together| json!({"columns": sheet.names(rule).collect::<Vec<_>>(), "within": rule.within});
    json!({
        "id": sheet.id.as_str(),
        "label": sheet.label.as_str(),
        "sensitivity": sheet.sensitivity,
        "values": sheet.values(),
        "rules": sheet.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn test(plant: &Path, args: &register::Test) -> miette::Result<bool> {
    let (loaded, keys) = open(plant)?;
    let sheets: Sheets = registered::read(&loaded.gateway.tables, &keys)?;
    let text =
        texts::text(&args.file).map_err(|problem| miette!("`{}` cannot be read: {problem}", args.file.display()))?;
    let count = sheets.sheets().len();
    let matcher = Matcher::new(sheets);
    let mut search = Search::new(&matcher, &keys);
    search.read(&text);
    let matched = search.finish();
    say(&if args.json {
        format!("{:#}\n", matched.iter().map(data).collect::<Value>())
    } else if matched.is_empty() {
        format!("none of {count} registered tables has a value that is found\n")
    } else {
        matched.iter().map(|one| sentence(one, &text)).collect()
    })?;
    Ok(!matched.is_empty())
}

fn sentence(one: &Matched<'_>, text: &str) -> String {
    let what = match (one.columns.len(), one.count) {
        (1, 1) => "1 value of".to_owned(),
        (1, count) => format!("{count} values of"),
        (_, 1) => "1 row of".to_owned(),
        (_, count) => format!("{count} rows of"),
    };
    let head = format!("{what} {} in `{}`\n", one.columns.join(" with "), one.table);
    let place = |(_, span): &(u32, std::ops::Range<usize>)| {
        format!("  {}, bytes {}..{}\n", texts::lines(text, span), span.start, span.end)
    };
    head + &one.places.iter().map(place).collect::<String>()
}

fn data(one: &Matched<'_>) -> Value {
    let place = |(_, span): &(u32, std::ops::Range<usize>)| json!({"start": span.start, "end": span.end});
    json!({
        "table": one.table.as_str(),
        "columns": one.columns,
        "count": one.count,
        "places": one.places.iter().map(place).collect::<Vec<_>>(),
    })
}
