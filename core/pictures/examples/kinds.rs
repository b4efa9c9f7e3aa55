//! How well sorts of pictures are told apart: `cargo run --release -p penstock-pictures --example kinds -- FOLDER`
//!
//! FOLDER holds the folders `drawing`, `screen` and `photograph`, each with pictures of that sort.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot read its files has failed")]

use penstock_pictures::{Budget, Kind, Limits, Picture};
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    let (mut spent, mut pixels) = (Duration::ZERO, 0u64);
    println!("| is | drawing | screen | photograph |\n|---|---|---|---|");
    for (name, _) in Kind::NAMES {
        let mut told = [0; 3];
        for entry in std::fs::read_dir(folder.join(name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let picture = Picture::decode(&bytes, &mut Budget::new(&Limits::default())).unwrap();
            pixels += u64::from(picture.width()) * u64::from(picture.height());
            let began = Instant::now();
            let kind = picture.kind();
            spent += began.elapsed();
            if kind.name() != name {
                println!("{} taken for a {}", path.display(), kind.name());
            }
            for (count, (_, own)) in told.iter_mut().zip(Kind::NAMES) {
                *count += usize::from(own == kind);
            }
        }
        println!("| {name} | {} |", told.map(|count| count.to_string()).join(" | "));
    }
    println!("{:.1} million pixels in {spent:?}", pixels as f64 / 1e6);
}
