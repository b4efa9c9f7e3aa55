//! What a command prints on standard output, for people or for programs.

use miette::IntoDiagnostic;
use plant::Millis;
use std::io::{self, Write};

/// Prints it, whole.
pub(crate) fn say(text: &str) -> miette::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).into_diagnostic()
}

/// A time to the second.
pub(crate) fn second(time: Millis) -> String {
    Millis(time.0 / 1000 * 1000).to_string().replace(".000", "")
}

/// Each row on a line below the head, its cells as wide as the widest of their column.
pub(crate) fn columns<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    });
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
