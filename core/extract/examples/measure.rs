//! Reads files and says how long that takes, how much text comes out, and what could not be read:
//! `cargo run --release -p penstock-extract --example measure -- FILE...`
//!
//! With `--text` it prints the texts, with `--strip FOLDER` it writes pictures and recordings as they would leave.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot read its files has nothing to say")]

use penstock_extract::{Budget, File, Limits, extract};
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn main() {
    let (mut show, mut strip, mut paths) = (false, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--text" => show = true,
            "--strip" => strip = arguments.next().map(PathBuf::from),
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    let (mut spent, mut bytes_in, mut bytes_out) = (Duration::ZERO, 0, 0);
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().and_then(|name| name.to_str());
        let began = Instant::now();
        let found = extract(&File { bytes: &bytes, name, media: None }, &mut Budget::new(&Limits::default()));
        let took = began.elapsed();
        let said: usize = found.texts.iter().map(|text| text.text.len()).sum();
        (spent, bytes_in, bytes_out) = (spent + took, bytes_in + bytes.len(), bytes_out + said);
        let opaque: Vec<String> = found.opaque.iter().map(|own| format!("{} {}", own.place, own.why.name())).collect();
        println!(
            "{}: {} bytes, {} texts, {said} bytes of text, {took:?} {opaque:?}",
            path.display(),
            bytes.len(),
            found.texts.len()
        );
        for text in found.texts.iter().filter(|_| show) {
            println!("--- {}{}\n{}", text.place, if text.hidden { " (hidden)" } else { "" }, text.text);
        }
        if let (Some(folder), Some(stripped)) = (&strip, &found.stripped) {
            std::fs::write(folder.join(name.unwrap()), stripped.of(&bytes)).unwrap();
        }
    }
    let rate = bytes_in as f64 / spent.as_secs_f64().max(1e-9) / 1e6;
    println!("{bytes_in} bytes in {spent:?}: {rate:.0} MB/s, {bytes_out} bytes of text");
}
