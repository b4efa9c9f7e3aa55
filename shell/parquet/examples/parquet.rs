//! Writes each view of a ledger as a Parquet file.
//!
//! `cargo run -p penstock-parquet --example parquet -- LEDGER FOLDER`

use std::fs::File;
use std::path::PathBuf;
use store::{Filter, Reader};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(ledger), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: parquet LEDGER FOLDER".into());
    };
    let reader = Reader::open(&ledger)?;
    for view in index::SCHEMA {
        let path = folder.join(format!("{}.parquet", view.name));
        let rows = penstock_parquet::write(&reader, view, Filter::default(), File::create_new(&path)?)?;
        println!("{rows} rows in {}", path.display());
    }
    Ok(())
}
