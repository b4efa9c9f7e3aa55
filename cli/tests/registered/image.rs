//! `penstock image`, as its users run it: registered, listed, found by `test` and by `explain`.

use crate::plant::Plant;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;

/// A drawing of lines that lie this far apart.
fn drawing(apart: u32) -> DynamicImage {
    let line = |x: u32, y: u32| {
        let (from, to) = (apart * 3, 600 - apart);
        let inside = (from..to).contains(&x) && (50..350).contains(&y);
        inside && (x % apart < 2 || y % (apart + 9) < 2 || (x * 2 + y) % (apart * 4) < 2 && x > y)
    };
    RgbImage::from_fn(640, 400, |x, y| if line(x, y) { Rgb([0; 3]) } else { Rgb([255; 3]) }).into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn plant() -> Plant {
    let picture = |apart| encoded(&drawing(apart), ImageFormat::Png);
    Plant::with([("drawings/Flange 7.png", &picture(31)), ("drawings/shaft.png", &picture(83))])
}

fn register(plant: &Plant) -> String {
    plant.good(&["image", "add", "--label", "picture.drawing", "--sensitivity", "restricted", "drawings"])
}

#[test]
fn pictures_are_registered_listed_and_forgotten() {
    let plant = plant();
    assert!(plant.good(&["image", "list"]).contains("no pictures"));
    let told = register(&plant);
    assert!(told.contains("`flange-7` is registered: ") && told.contains("`shaft` is registered: "), "{told}");
    assert_eq!(fs::metadata(plant.path("pictures.looks")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(register(&plant).contains("`flange-7` is registered anew"));
    let listed = plant.good(&["image", "list"]);
    assert!(
        listed.contains("flange-7") && listed.contains("picture.drawing") && listed.contains("restricted"),
        "{listed}"
    );
    let listed = plant.good(&["image", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[1]["id"], "shaft");
    assert_eq!(plant.good(&["image", "remove", "shaft"]), "`shaft` is forgotten\n");
    assert!(plant.refused(&["image", "remove", "shaft"]).contains("there is no picture `shaft`"));
}

#[test]
fn what_cannot_be_registered_is_told_and_the_rest_is() {
    let plant = plant();
    plant.write("drawings/blank.png", encoded(&RgbImage::from_pixel(90, 90, Rgb([9; 3])).into(), ImageFormat::Png));
    plant.write("drawings/notes.txt", b"no picture");
    let told = plant.refused(&["image", "add", "drawings"]);
    for said in [
        "blank.png` is not registered: it shows nothing",
        "notes.txt` is not registered: it is no picture",
        "`shaft` is registered",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert_eq!(plant.run(&["image", "add", "--label", "recipe", "drawings"]).0, 1);
    assert_eq!(plant.run(&["image", "add", "--id", "one", "drawings"]).0, 1);
    assert_eq!(plant.run(&["image", "test", "missing.png"]).0, 2);
}

#[test]
fn a_changed_copy_is_recognised_by_test_and_by_explain() {
    let plant = plant();
    register(&plant);
    let copy = encoded(&drawing(31).resize_exact(400, 250, FilterType::Triangle).rotate90(), ImageFormat::Jpeg);
    plant.write("copy.jpg", &copy);
    let (code, told, _) = plant.run(&["image", "test", "copy.jpg"]);
    assert!(code == 1 && told.contains("a drawing; looks like `flange-7`: "), "{told}");
    plant.write("other.png", encoded(&drawing(47), ImageFormat::Png));
    let (code, told, _) = plant.run(&["image", "test", "--json", "other.png"]);
    assert_eq!((code, serde_json::from_str::<Value>(&told).unwrap()["recognised"].clone()), (0, json!([])));
    let url = format!("data:image/jpeg;base64,{}", seal::base64(&copy));
    let part = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": part}]});
    plant.write("body.json", body.to_string().as_bytes());
    let line = "explain --workload copilot --provider openai --purpose assistance --at 2026-11-20T21:30:00Z --body body.json --json";
    let line: Vec<&str> = line.split(' ').collect();
    let (_, told, _) = plant.run(&line);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["pictures"][0]["picture"], "flange-7", "{told}");
    let findings = told["findings"].as_array().unwrap();
    let known = findings.iter().find(|finding| finding["rule"] == "picture.flange-7").unwrap();
    assert_eq!((&known["label"], &known["sensitivity"]), (&json!("picture.drawing"), &json!("restricted")));
    assert!(findings.iter().any(|finding| finding["label"] == "attachment.image.drawing"), "{told}");
}

#[test]
fn a_damaged_file_is_an_error_and_not_an_empty_one() {
    let plant = plant();
    register(&plant);
    let mut bytes = fs::read(plant.path("pictures.looks")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    plant.write("pictures.looks", &bytes);
    let (code, _, told) = plant.run(&["image", "test", "drawings/shaft.png"]);
    assert!(code == 2 && told.contains("pictures.looks") && told.contains("damaged"), "{told}");
}
