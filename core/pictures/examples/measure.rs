//! How well pictures are known again: `cargo run --release -p penstock-pictures --example measure -- FOLDER`
//!
//! FOLDER holds pictures, such as drawings and photographs. Each is registered, changed in each of the ways below, and looked
//! for. `NUMBER_base.EXTENSION` may have changed copies beside it, made by others: `NUMBER_KIND.EXTENSION`. A false alarm is a
//! changed picture that is taken for a registered one that it was not made from.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement that cannot read its files has failed"
)]

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops};
use penstock_pictures::{Budget, Gallery, Limits, Picture, Registration, Sight, Sort};
use plant::{Label, PictureId};
use prints::Keys;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a way to change pictures comes to.
#[derive(Default)]
struct Row {
    found: usize,
    all: usize,
    /// Distances to the picture itself and to others, by sort.
    own: [Vec<u32>; 2],
    others: [Vec<u32>; 2],
    wrong: usize,
    pairs: usize,
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let (base, made): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| stem(path).split_once('_').is_none_or(|(_, kind)| kind == "base"));
    let keys = Keys::new(&[3; 32]);
    let mut gallery = Gallery::default();
    let mut sources = Vec::new();
    for path in &base {
        let bytes = std::fs::read(path).unwrap();
        let name = stem(path).replace("_base", "").to_lowercase();
        let registration = Registration {
            id: PictureId::new(name.as_str()).unwrap(),
            label: Label::new("picture").unwrap(),
            sensitivity: None,
        };
        match gallery.add(registration, &read(&bytes), &keys) {
            Ok(added) => {
                if let Some(like) = added.like {
                    println!("`{name}` looks like `{like}`");
                }
                sources.push((name, image::load_from_memory(&bytes).unwrap()));
            }
            Err(problem) => println!("`{name}` is not registered: {problem}"),
        }
    }
    let (mut rows, mut spent, mut looked) = (BTreeMap::<String, Row>::new(), [Duration::ZERO; 2], 0u32);
    let mut look = |way: String, name: &str, bytes: &[u8]| {
        let began = Instant::now();
        let sight = Sight::of(&read(bytes), &keys);
        spent[0] += began.elapsed();
        let began = Instant::now();
        let found = gallery.find(&sight);
        spent[1] += began.elapsed();
        looked += 1;
        let row = rows.entry(way).or_default();
        row.all += 1;
        row.found += usize::from(found.iter().any(|one| one.picture.id.as_str() == name));
        row.wrong += found.iter().filter(|one| one.picture.id.as_str() != name).count();
        row.pairs += gallery.pictures().len() - 1;
        for (at, sort) in Sort::ALL.into_iter().enumerate() {
            for picture in gallery.pictures() {
                let distance = picture.distance(sort, &sight).unwrap_or(256);
                let of = if picture.id.as_str() == name { &mut row.own } else { &mut row.others };
                of[at].push(distance);
            }
        }
    };
    for (name, picture) in &sources {
        for (way, bytes) in changed(picture) {
            look(way.to_owned(), name, &bytes);
        }
    }
    for path in made {
        let name = stem(&path);
        let (name, way) = name.split_once('_').unwrap();
        look(format!("others' {way}"), name, &std::fs::read(&path).unwrap());
    }
    let millis = |spent: Duration| spent.as_secs_f64() * 1e3 / f64::from(looked.max(1));
    println!(
        "{} registered; {looked} looked at: {:.2} ms to decode and look, {:.3} ms to compare",
        sources.len(),
        millis(spent[0]),
        millis(spent[1])
    );
    if std::env::args().any(|argument| argument == "--tune") {
        tune(&rows);
    }
    println!("| changed | found | taken for another |\n|---|---|---|");
    let (mut found, mut all, mut wrong, mut pairs) = (0, 0, 0, 0);
    for (way, row) in &rows {
        println!("| {way} | {} | {} of {} |", share(row.found, row.all), row.wrong, row.pairs);
        (found, all, wrong, pairs) = (found + row.found, all + row.all, wrong + row.wrong, pairs + row.pairs);
    }
    println!("| all | {} | {wrong} of {pairs}: {} |", share(found, all), share(wrong, pairs));
}

/// Each distance at which one of a thousand others would be taken for the picture, and what is found then.
fn tune(rows: &BTreeMap<String, Row>) {
    for at in 0..2 {
        let mut others: Vec<u32> = rows.values().flat_map(|row| row.others[at].clone()).collect();
        others.sort_unstable();
        for (name, share) in [("1/1000", 1000), ("1/2000", 2000), ("1/5000", 5000)] {
            let limit = others[others.len() / share].saturating_sub(1);
            println!("sort {at}, {name}: {limit}");
            let line = rows.iter().map(|(way, row)| {
                let found = row.own[at].iter().filter(|own| **own <= limit).count();
                format!("{way} {:.2}", found as f64 / row.all as f64)
            });
            println!("   {}", line.collect::<Vec<_>>().join(", "));
        }
    }
}

fn read(bytes: &[u8]) -> Picture {
    Picture::decode(bytes, &mut Budget::new(&Limits::default())).unwrap()
}

/// A share with its interval of 95 % (Wilson).
fn share(hits: usize, all: usize) -> String {
    let (n, p, z) = (all as f64, hits as f64 / all.max(1) as f64, 1.96f64);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    format!("{p:.3} ({:.3} to {:.3})", (middle - half).max(0.0), (middle + half).min(1.0))
}

/// A picture, changed in each way.
fn changed(source: &DynamicImage) -> Vec<(&'static str, Vec<u8>)> {
    let flat = over_white(source);
    let (width, height) = flat.dimensions();
    let picture = DynamicImage::from(flat.clone());
    let scaled = |factor: f64| {
        let side = |own: u32| ((f64::from(own) * factor) as u32).max(1);
        picture.resize_exact(side(width), side(height), FilterType::Triangle)
    };
    let cut = |percent: u32| {
        let (x, y) = (width * percent / 100, height * percent / 100);
        picture.crop_imm(x, y, width - 2 * x, height - 2 * y)
    };
    let one_side = picture.crop_imm(0, 0, width - width * 5 / 100, height);
    let corner = *flat.get_pixel(0, 0);
    let mut wider = RgbImage::from_pixel(width * 13 / 10, height * 14 / 10, corner);
    imageops::overlay(&mut wider, &flat, i64::from(width / 10), i64::from(height / 5));
    let mut screen = RgbImage::from_pixel(1600, 1000, Rgb([236, 240, 241]));
    for (x, y, pixel) in screen.enumerate_pixels_mut() {
        if y < 48 || x < 180 && (y / 30) % 2 == 0 {
            *pixel = Rgb([52, 73, 94]);
        }
    }
    let window = picture.resize(1000, 800, FilterType::Triangle).to_rgb8();
    imageops::overlay(&mut screen, &window, 320, 120);
    let mut inverted = picture.clone();
    inverted.invert();
    let png = |picture: DynamicImage| encoded(&picture, ImageFormat::Png);
    let mut coarse = Cursor::new(Vec::new());
    picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut coarse, 25)).unwrap();
    vec![
        ("the same", png(picture.clone())),
        ("half the size", png(scaled(0.5))),
        ("a third of the size", png(scaled(0.33))),
        ("twice the size", png(scaled(2.0))),
        ("JPEG, quality 25", coarse.into_inner()),
        ("GIF", encoded(&picture, ImageFormat::Gif)),
        ("blurred, 2 pixels", png(picture.blur(2.0))),
        ("light for dark", png(inverted)),
        ("margins added", png(wider.into())),
        ("mirrored", png(picture.fliph())),
        ("turned by a quarter", png(picture.rotate90())),
        ("turned by a half", png(picture.rotate180())),
        ("turned by 1 degree", png(turned(&flat, 1.0))),
        ("turned by 2 degrees", png(turned(&flat, 2.0))),
        ("turned by 3 degrees", png(turned(&flat, 3.0))),
        ("turned by 5 degrees", png(turned(&flat, 5.0))),
        ("turned by 10 degrees", png(turned(&flat, 10.0))),
        ("cut by 2 % on each side", png(cut(2))),
        ("cut by 5 % on each side", png(cut(5))),
        ("cut by 10 % on each side", png(cut(10))),
        ("cut by 5 % on one side", png(one_side)),
        ("in a window on a screen", png(screen.into())),
    ]
}

fn over_white(source: &DynamicImage) -> RgbImage {
    let mut flat = RgbImage::from_pixel(source.width(), source.height(), Rgb([255; 3]));
    for (to, from) in flat.pixels_mut().zip(source.to_rgba8().pixels()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        to.0 = [red, green, blue].map(|own| ((own * alpha + 255 * (255 - alpha)) / 255) as u8);
    }
    flat
}

/// Turned around its middle; the corner's colour where it ends.
fn turned(source: &RgbImage, degrees: f64) -> DynamicImage {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y) = (f64::from(source.width()) / 2.0, f64::from(source.height()) / 2.0);
    let corner = *source.get_pixel(0, 0);
    let out = RgbImage::from_fn(source.width(), source.height(), |x, y| {
        let (dx, dy) = (f64::from(x) + 0.5 - middle_x, f64::from(y) + 0.5 - middle_y);
        let from_x = cosine * dx + sine * dy + middle_x - 0.5;
        let from_y = cosine * dy - sine * dx + middle_y - 0.5;
        imageops::interpolate_bilinear(source, from_x as f32, from_y as f32).unwrap_or(corner)
    });
    out.into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}
