//! `penstock image`, as its users run it: registered, listed, found by `test` and by `explain`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

const PLANT: &str = include_str!("../../testdata/policies/explain/plant.toml");
const RULES: &str = include_str!("../../testdata/policies/explain/rules/hours.cedar");

/// A plant's folder with its key, and two drawings.
struct Plant(TempDir);

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

impl Plant {
    fn new() -> Self {
        let plant = Self(TempDir::new().unwrap());
        for folder in ["keys", "rules", "drawings"] {
            fs::create_dir(plant.path(folder)).unwrap();
        }
        plant.write("plant.toml", PLANT.as_bytes());
        plant.write("rules/hours.cedar", RULES.as_bytes());
        plant.write("keys/plant.key", format!("{}=\n", "A".repeat(43)).as_bytes());
        fs::set_permissions(plant.path("keys/plant.key"), fs::Permissions::from_mode(0o600)).unwrap();
        plant.write("drawings/Flange 7.png", &encoded(&drawing(31), ImageFormat::Png));
        plant.write("drawings/shaft.png", &encoded(&drawing(83), ImageFormat::Png));
        plant
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn run(&self, line: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_penstock"))
            .args(line)
            .current_dir(self.0.path())
            .env_remove("PENSTOCK_PLANT")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    fn register(&self) -> String {
        let (code, out) =
            self.run(&["image", "add", "--label", "picture.drawing", "--sensitivity", "restricted", "drawings"]);
        assert_eq!(code, 0, "{out}");
        out
    }
}

#[test]
fn pictures_are_registered_listed_and_forgotten() {
    let plant = Plant::new();
    assert!(plant.run(&["image", "list"]).1.contains("no pictures"));
    let told = plant.register();
    assert!(told.contains("`flange-7` is registered: ") && told.contains("`shaft` is registered: "), "{told}");
    assert_eq!(fs::metadata(plant.path("pictures.looks")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(plant.register().contains("`flange-7` is registered anew"));
    let (_, listed) = plant.run(&["image", "list"]);
    assert!(
        listed.contains("flange-7") && listed.contains("picture.drawing") && listed.contains("restricted"),
        "{listed}"
    );
    let (_, listed) = plant.run(&["image", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[1]["id"], "shaft");
    assert_eq!(plant.run(&["image", "remove", "shaft"]), (0, "`shaft` is forgotten\n".to_owned()));
    assert_eq!(plant.run(&["image", "remove", "shaft"]), (1, "there is no picture `shaft`\n".to_owned()));
}

#[test]
fn what_cannot_be_registered_is_told_and_the_rest_is() {
    let plant = Plant::new();
    plant.write("drawings/blank.png", &encoded(&RgbImage::from_pixel(90, 90, Rgb([9; 3])).into(), ImageFormat::Png));
    plant.write("drawings/notes.txt", b"no picture");
    let (code, told) = plant.run(&["image", "add", "drawings"]);
    assert_eq!(code, 1);
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
    let plant = Plant::new();
    plant.register();
    let copy = encoded(&drawing(31).resize_exact(400, 250, FilterType::Triangle).rotate90(), ImageFormat::Jpeg);
    plant.write("copy.jpg", &copy);
    let (code, told) = plant.run(&["image", "test", "copy.jpg"]);
    assert!(code == 1 && told.contains("a drawing; looks like `flange-7`: "), "{told}");
    plant.write("other.png", &encoded(&drawing(47), ImageFormat::Png));
    let (code, told) = plant.run(&["image", "test", "--json", "other.png"]);
    assert_eq!((code, serde_json::from_str::<Value>(&told).unwrap()["recognised"].clone()), (0, json!([])));
    let url = format!("data:image/jpeg;base64,{}", base64(&copy));
    let part = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": part}]});
    plant.write("body.json", body.to_string().as_bytes());
    let line = "explain --workload copilot --provider openai --purpose assistance --at 2026-11-20T21:30:00Z --body body.json --json";
    let line: Vec<&str> = line.split(' ').collect();
    let (_, told) = plant.run(&line);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["pictures"][0]["picture"], "flange-7", "{told}");
    let findings = told["findings"].as_array().unwrap();
    let known = findings.iter().find(|finding| finding["rule"] == "picture.flange-7").unwrap();
    assert_eq!((&known["label"], &known["sensitivity"]), (&json!("picture.drawing"), &json!("restricted")));
    assert!(findings.iter().any(|finding| finding["label"] == "attachment.image.drawing"), "{told}");
}

#[test]
fn a_damaged_file_is_an_error_and_not_an_empty_one() {
    let plant = Plant::new();
    plant.register();
    let mut bytes = fs::read(plant.path("pictures.looks")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    plant.write("pictures.looks", &bytes);
    let (code, told) = plant.run(&["image", "test", "drawings/shaft.png"]);
    assert!(code == 2 && told.contains("pictures.looks") && told.contains("damaged"), "{told}");
}

fn base64(bytes: &[u8]) -> String {
    seal::base64(bytes)
}
