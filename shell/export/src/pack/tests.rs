//! Packs, good and hostile.

use super::{
    Checked, MANIFEST, Made, MakeError, NOTE, Order, POPULATION, Profile, REDACTED, Redaction, Sample, Sink,
    VesselError, check, compare, head, is_pack, make, manifest,
};
use ledger::verify::{Class, Trust};
use plant::{Body, Draft, GatewayId, Kind, Millis, Party, PlantId, RecordId, Verdict, Who};
use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use seal::SigningKey;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Filter, Opening, Reader, Settings, Store};
use tempfile::TempDir;

/// A folder with a closed ledger of 62 records in `ledger`: 40 refusals, 8 of them of an operator, 20 beats, genesis and boot.
struct House(TempDir);

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        fs::create_dir(&ledger).unwrap();
        let opening = Opening {
            key: Arc::new(key(3)),
            plant: PlantId::new("brewery").unwrap(),
            gateway: GatewayId::new("gate-1").unwrap(),
            epoch_seed: None,
            settings: Settings {
                segment_bytes: 1 << 20,
                reserve_bytes: 4096,
                warn_at: Vec::new(),
                ..Settings::default()
            },
        };
        let store = Store::open(&ledger, &opening).unwrap().0;
        for number in 0..60_u8 {
            let kind = if number % 3 == 0 { Kind::Beat } else { Kind::Refuse };
            let id = RecordId::new(Millis(1_700_000_000_000), [number; 10]);
            let operator = Party { id: "op-7k2m5qhd3zxw4a6t".to_owned(), by: "oidc" };
            let who = Who {
                client: None,
                workload: None,
                workstation: None,
                operator: Some(operator),
                peer: [10, 0, 0, 1].into(),
            };
            let who = (number % 5 == 0).then_some(who);
            store.write(Draft { kind, id, reference: None, body: Body { who, ..Body::default() } }).unwrap();
        }
        store.close();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn make(&self, name: &str, sample: Option<Sample>, key: Option<SigningKey>) -> Result<Made, MakeError> {
        self.redact(name, sample, key, None)
    }

    fn redact(
        &self,
        name: &str,
        sample: Option<Sample>,
        key: Option<SigningKey>,
        profile: Option<Profile>,
    ) -> Result<Made, MakeError> {
        let reader = Reader::open(&self.path("ledger")).unwrap();
        let filter = Filter { kind: Some(Kind::Refuse), ..Filter::default() };
        let sink = Sink::new(&self.path(name))?;
        make(
            Order {
                reader: &reader,
                filter,
                sample,
                profile,
                now: Millis(1_800_000_000_000),
                key: key.map(|key| Arc::new(key) as _),
            },
            sink,
        )
    }

    /// A signed pack of 5 of the 40 refusals.
    fn sampled(&self, name: &str) -> PathBuf {
        let made = self.make(name, Sample::new(5, "spring").ok(), Some(key(3))).unwrap();
        assert_eq!((made.population, made.records, made.signed), (40, 5, true));
        self.path(name)
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32].into())
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for below in ["", "trust", "proofs"] {
        for entry in fs::read_dir(folder.join(below)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn refused(place: &Path) -> String {
    let checked = check(place, None);
    assert_eq!(checked.class(), Some(Class::Tampered), "{checked:?}");
    checked.problems[0].what.clone()
}

/// A zip of these files, with whatever names.
fn zipped(place: &Path, files: &[(&[u8], &[u8])]) {
    let mut archive = ZipArchiveWriter::new(fs::File::create(place).unwrap());
    for (name, bytes) in files {
        let file = archive.new_file(EntryPath::verbatim(*name)).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = file.start().unwrap();
        let mut out = config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best()));
        out.write_all(bytes).unwrap();
        let (encoder, descriptor) = out.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn a_pack_is_good_as_folder_and_as_zip() {
    let house = House::new();
    let trust = Trust::parse(&fs::read_to_string(house.path("ledger/trust/ledger.trust")).unwrap()).unwrap();
    for name in ["pack", "pack.zip"] {
        let place = house.sampled(name);
        assert!(is_pack(&place));
        for trust in [None, Some(&trust)] {
            let Checked { population, proved, seed, signed, problems, head, .. } = check(&place, trust);
            assert!(problems.is_empty(), "{problems:?}");
            assert_eq!((population, proved, seed.as_deref(), signed), (40, 5, Some("spring"), true));
            assert_eq!(head.unwrap().size, 62);
        }
    }
    assert!(!is_pack(&house.path("ledger")) && !is_pack(&house.path("nowhere")));
}

#[test]
fn without_a_sample_all_that_fits_is_there() {
    let house = House::new();
    let made = house.make("all", None, Some(key(3))).unwrap();
    assert_eq!((made.population, made.records), (40, 40));
    let lines = fs::read_to_string(house.path("all/records.ndjson")).unwrap();
    assert!(lines.lines().count() == 40 && lines.lines().all(|line| line.contains("\"kind\":\"refuse\"")));
    // Genesis 0, boot 1, beat 2, then two refusals and a beat in turn.
    assert!(fs::read_to_string(house.path("all/population.txt")).unwrap().starts_with("3-4\n6-7\n9-10\n"));
    assert_eq!(check(&house.path("all"), None).class(), None);
}

#[test]
fn what_is_redacted_is_proved_and_is_not_there() {
    let house = House::new();
    for (profile, records) in [(Profile::Persons, 8), (Profile::All, 40)] {
        let redaction = Some(Redaction { profile, records });
        let made = house.redact(profile.name(), None, Some(key(3)), Some(profile)).unwrap();
        assert_eq!((made.population, made.records, made.redaction), (40, 40, redaction));
        let place = house.path(profile.name());
        let Checked { proved, redaction: found, signed, problems, .. } = check(&place, None);
        assert!(problems.is_empty() && signed, "{problems:?}");
        assert_eq!((proved, found), (40, redaction));
        for name in files(&place) {
            let text = fs::read_to_string(place.join(&name)).unwrap();
            assert!(!text.contains("op-7k2m"), "{name}");
            // Neither is the record in its proof, nor what else would let somebody try out names against its hash.
            assert!(
                name != REDACTED || !["\"id\"", "prev", "mono", "who"].iter().any(|part| text.contains(part)),
                "{text}"
            );
        }
        let carried = files(&place).iter().filter(|name| name.starts_with("proofs/")).count();
        let open = |name: &str| fs::read_to_string(place.join(name)).unwrap().contains("\nextra ");
        assert_eq!(carried, 40);
        assert_eq!(files(&place).iter().filter(|name| open(name)).count() as u64, 40 - records);
    }
}

#[test]
fn a_redacted_sample_is_the_same_sample() {
    let house = House::new();
    let drawn = |name: &str, profile: Option<Profile>| {
        house.redact(name, Sample::new(5, "spring").ok(), Some(key(3)), profile).unwrap();
        assert_eq!(check(&house.path(name), None).class(), None);
        files(&house.path(name)).into_iter().filter(|name| name.starts_with("proofs/")).collect::<Vec<_>>()
    };
    let whole = drawn("whole", None);
    assert_eq!(drawn("persons", Some(Profile::Persons)), whole);
    assert_eq!(drawn("all.zip.folder", Some(Profile::All)), whole);
}

#[test]
fn a_flipped_byte_among_the_redacted_is_found() {
    let house = House::new();
    house.redact("pack", None, Some(key(3)), Some(Profile::Persons)).unwrap();
    let path = house.path("pack").join(REDACTED);
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(97) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        let checked = check(&house.path("pack"), None);
        assert_eq!(checked.class(), Some(Class::Tampered), "at {at}: {checked:?}");
        assert!(checked.problems.iter().any(|problem| problem.place.contains(REDACTED)), "at {at}: {checked:?}");
    }
}

#[test]
fn who_is_redacted_cannot_be_asked_for() {
    let house = House::new();
    let reader = Reader::open(&house.path("ledger")).unwrap();
    for filter in [
        Filter { operator: Some(plant::OperatorId::new("op-7k2m5qhd3zxw4a6t").unwrap()), ..Filter::default() },
        Filter { id: Some(RecordId::new(Millis(1_700_000_000_000), [5; 10])), ..Filter::default() },
    ] {
        for profile in [Profile::Persons, Profile::All] {
            let (profile, now) = (Some(profile), Millis(1));
            let order = Order { reader: &reader, filter: filter.clone(), sample: None, profile, now, key: None };
            let made = make(order, Sink::new(&house.path("about")).unwrap());
            assert!(matches!(made, Err(MakeError::GivesAway)), "{made:?}");
        }
    }
    assert!(!house.path("about").exists());
}

#[test]
fn the_same_seed_draws_the_same_records() {
    let house = House::new();
    let drawn = |name: &str, seed: &str| {
        house.make(name, Sample::new(5, seed).ok(), Some(key(3))).unwrap();
        fs::read_to_string(house.path(name).join("records.ndjson")).unwrap()
    };
    let first = drawn("one", "spring");
    assert_eq!(drawn("two", "spring"), first);
    assert_ne!(drawn("three", "autumn"), first);
}

#[test]
fn a_flipped_byte_is_found_in_each_file_and_named() {
    let house = House::new();
    let place = house.sampled("pack");
    for name in files(&place) {
        let path = place.join(&name);
        let good = fs::read(&path).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            let checked = check(&place, None);
            assert_eq!(checked.class(), Some(Class::Tampered), "{name} at {at}: {checked:?}");
            assert!(
                checked.problems.iter().any(|problem| problem.place.contains(&name)),
                "{name} at {at}: {checked:?}"
            );
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(check(&place, None).class(), None);
}

#[test]
fn a_flipped_bit_of_a_zip_is_found_or_changes_nothing_that_is_read() {
    let house = House::new();
    let place = house.sampled("pack.zip");
    let good = fs::read(&place).unwrap();
    let whole = check(&place, None);
    for at in (0..good.len()).step_by(61) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&place, bytes).unwrap();
        let checked = check(&place, None);
        assert!(checked.class() == Some(Class::Tampered) || checked == whole, "at {at}: {checked:?}");
    }
}

#[test]
fn a_missing_file_is_missed() {
    let house = House::new();
    let place = house.sampled("pack");
    for name in files(&place) {
        let good = fs::read(place.join(&name)).unwrap();
        fs::remove_file(place.join(&name)).unwrap();
        let class = if name == NOTE { Class::Undecided } else { Class::Incomplete };
        let checked = check(&place, None);
        assert_eq!(checked.class(), Some(class), "{name}: {checked:?}");
        assert!(checked.problems.iter().any(|problem| problem.place == name), "{checked:?}");
        fs::write(place.join(&name), good).unwrap();
    }
    assert_eq!(check(&house.path("nowhere"), None).class(), Some(Class::Undecided));
}

#[test]
fn a_manifest_that_somebody_wrote_anew_is_not_signed() {
    let house = House::new();
    let place = house.sampled("pack");
    let manifest = place.join(MANIFEST);
    let mut value: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    value["filter"]["zone"] = Value::from("cell-1");
    fs::write(&manifest, value.to_string()).unwrap();
    assert!(refused(&place).contains("signed"));
    // Nor does taking the signature away help.
    fs::remove_file(place.join(NOTE)).unwrap();
    assert_eq!(check(&place, None).class(), Some(Class::Undecided));
    // A larger population would need other records.
    value["population"] = Value::from(41);
    fs::write(&manifest, value.to_string()).unwrap();
    let checked = check(&place, None);
    assert_eq!(checked.class(), Some(Class::Tampered));
    assert!(checked.problems.iter().any(|problem| problem.what.contains("fewer")), "{checked:?}");
}

#[test]
fn a_pack_of_another_ledger_is_not_believed() {
    let house = House::new();
    let place = house.sampled("pack");
    let other = seal::note::Verifier::new("brewery/gate-1/00", key(4).verifying_key()).unwrap();
    let checked = check(&place, Some(&Trust::new(vec![other])));
    assert_eq!(checked.class(), Some(Class::Tampered), "{checked:?}");
}

/// The population is of 40 refusals: every third record from the third on is a beat.
#[test]
fn a_selection_is_made_again_and_what_was_left_out_is_named() {
    let house = House::new();
    let place = house.path("pack");
    house.make("pack", None, Some(key(3))).unwrap();
    let reader = Reader::open(&house.path("ledger")).unwrap();
    let compared = || compare(&place, &reader).map_err(|problem| format!("{}: {}", problem.class, problem.place));
    assert_eq!(compared(), Ok(40));
    assert_eq!(head(&place), fs::read(house.path("ledger/checkpoint")).ok());
    let population = fs::read_to_string(place.join(POPULATION)).unwrap();
    assert!(population.starts_with("3-4\n6-7\n") && population.ends_with("60-61\n"), "{population}");
    for (from, to, expected) in [
        ("6-7", "7", "incomplete: record 6 of the ledger"),
        ("60-61\n", "", "incomplete: record 60 of the ledger"),
        ("3-4\n", "", "incomplete: record 3 of the ledger"),
        ("6-7", "5-7", "tampered: population.txt"),
        ("60-61", "60-62", "tampered: population.txt"),
        ("6-7", "6-07", "tampered: population.txt"),
    ] {
        fs::write(place.join(POPULATION), population.replace(from, to)).unwrap();
        assert_eq!(compared(), Err(expected.to_owned()), "{from} {to}");
    }
    fs::write(place.join(POPULATION), population).unwrap();
    let manifest = fs::read_to_string(place.join(MANIFEST)).unwrap();
    for (from, to) in [("\"refuse\"", "\"ask\""), ("\"kind\"", "\"mood\"")] {
        assert!(manifest.contains(from));
        fs::write(place.join(MANIFEST), manifest.replace(from, to)).unwrap();
        assert_eq!(compared(), Err("undecided: manifest.json".to_owned()), "{to}");
    }
}

#[test]
fn every_filter_that_a_manifest_names_is_read_again() {
    let text = |text: &str| text.parse::<String>().unwrap();
    let filter = Filter {
        since: Some(Millis(1_700_000_000_123)),
        until: Some(Millis(1_800_000_000_000)),
        kind: Some(Kind::Intent),
        zone: plant::ZoneId::new("filling").ok(),
        conduit: plant::ConduitId::new("cloud").ok(),
        workload: plant::WorkloadId::new("mes").ok(),
        operator: plant::OperatorId::new("op-7k2m5qhd3zxw4a6t").ok(),
        provider: plant::ProviderId::new("openai").ok(),
        model: Some(plant::Wildcard(text("gpt-*"))),
        verdict: Some(Verdict::Redact),
        reason: Some(plant::Reason::ALL[0]),
        sensitivity: Some(text("internal")),
        judgement: Some(plant::Judgement::Edited),
        id: Some(RecordId::new(Millis(1_700_000_000_000), [7; 10])),
        incident: Some(store::Incident::about(RecordId::new(Millis(1_700_000_000_000), [8; 10]))),
    };
    let asked = manifest::filter(&filter);
    assert_eq!(asked.len(), 15, "each of them");
    assert_eq!(format!("{:?}", manifest::read_filter(&asked)), format!("{:?}", Some(filter)));
}

#[test]
fn a_pack_whose_head_too_few_have_seen_is_unwitnessed() {
    let house = House::new();
    let place = house.sampled("pack.zip");
    let key = fs::read_to_string(house.path("ledger/trust/ledger.vkey")).unwrap();
    let asked = include_str!("../../../../testdata/ledgers/trust-witnessed");
    let asked: Vec<&str> = asked.lines().filter(|line| !line.starts_with("log ")).collect();
    let policy = Trust::parse_policy(&format!("log {key}{}\n", asked.join("\n"))).unwrap();
    let checked = check(&place, Some(&policy));
    assert_eq!(checked.class(), Some(Class::Unwitnessed), "{checked:?}");
}

#[test]
fn without_the_key_a_pack_is_undecided_and_a_foreign_key_makes_none() {
    let house = House::new();
    assert!(!house.make("unsigned", None, None).unwrap().signed);
    let checked = check(&house.path("unsigned"), None);
    assert_eq!((checked.class(), checked.proved, checked.problems.len()), (Some(Class::Undecided), 40, 1));
    assert!(matches!(house.make("foreign", None, Some(key(4))), Err(MakeError::ForeignKey)));
    assert!(!house.path("foreign").exists());
}

#[test]
fn a_ledger_that_was_changed_makes_no_pack() {
    let house = House::new();
    let bundle = house.path("ledger/tile/entries/000.p/62");
    let text = fs::read(&bundle).unwrap();
    let at = text.windows(6).rposition(|window| window == b"refuse").unwrap();
    let mut changed = text;
    changed[at..at + 6].copy_from_slice(b"refusf");
    fs::write(&bundle, changed).unwrap();
    assert!(house.make("beats", Sample::new(40, "a").ok(), None).is_ok(), "the changed one does not fit any more");
    let reader = Reader::open(&house.path("ledger")).unwrap();
    let order =
        Order { reader: &reader, filter: Filter::default(), sample: None, profile: None, now: Millis(1), key: None };
    let made = make(order, Sink::new(&house.path("all.zip")).unwrap());
    assert!(matches!(made, Err(MakeError::Record { .. })), "{made:?}");
    assert!(!house.path("all.zip").exists());
}

#[test]
fn nothing_is_written_over() {
    let house = House::new();
    house.sampled("pack.zip");
    assert!(matches!(house.make("pack.zip", None, None), Err(MakeError::Vessel(VesselError::There(_)))));
    assert!(matches!(house.make("ledger", None, None), Err(MakeError::Vessel(VesselError::There(_)))));
}

#[test]
fn hostile_names_are_refused_in_folders_and_zips() {
    let house = House::new();
    let zip = house.path("hostile.zip");
    let names: [&[u8]; 12] = [
        b"../etc/passwd",
        b"/etc/passwd",
        b"proofs/../../x",
        b"proofs\\000000000001.tlog-proof",
        b"C:evil",
        b"README.md\0.sh",
        b"readme.md",
        b"proofs/1.tlog-proof",
        b"proofs/+00000000001.tlog-proof",
        b"__MACOSX/",
        b"\xff\xfe",
        b"evil\x1b[2J",
    ];
    for name in names {
        zipped(&zip, &[(MANIFEST.as_bytes(), b"{}"), (name, b"x")]);
        let said = refused(&zip);
        assert!(said.contains("no pack has") && !said.contains('\u{1b}'), "{name:?}: {said}");
    }
    zipped(&zip, &[(MANIFEST.as_bytes(), b"{}"), (MANIFEST.as_bytes(), b"[]")]);
    assert!(refused(&zip).contains("twice"));
    let place = house.sampled("pack");
    fs::write(place.join("proofs/verify.sh"), "").unwrap();
    assert!(refused(&place).contains("no pack has"));
    fs::remove_file(place.join("proofs/verify.sh")).unwrap();
    fs::write(place.join("proofs/000000000001.tlog-proof"), "").unwrap();
    assert!(refused(&place).contains("not in the manifest"));
}

#[test]
fn links_are_not_followed() {
    let house = House::new();
    let place = house.sampled("pack");
    fs::rename(place.join("README.md"), house.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(house.path("elsewhere"), place.join("README.md")).unwrap();
    assert!(refused(&place).contains("not a plain file"));
}

#[test]
fn bombs_go_off_at_their_rim() {
    let house = House::new();
    let zip = house.path("bomb.zip");
    // A manifest that is longer than 32 MiB.
    zipped(&zip, &[(MANIFEST.as_bytes(), &vec![b' '; 33 << 20])]);
    assert!(fs::metadata(&zip).unwrap().len() < 1 << 20);
    assert!(refused(&zip).contains("too long"));
    // A file that is larger than its manifest says is read no further than that.
    let place = house.sampled("pack");
    let mut files: Vec<(String, Vec<u8>)> =
        files(&place).into_iter().map(|name| (name.clone(), fs::read(place.join(name)).unwrap())).collect();
    for (name, bytes) in &mut files {
        if name == "records.ndjson" {
            bytes.resize(4 << 20, b'\n');
        }
    }
    let borrowed: Vec<(&[u8], &[u8])> = files.iter().map(|(name, bytes)| (name.as_bytes(), bytes.as_slice())).collect();
    zipped(&zip, &borrowed);
    let checked = check(&zip, None);
    assert!(checked.problems.iter().any(|problem| problem.place == "records.ndjson"), "{checked:?}");
    // Two entries over the same bytes, and a size that nobody has.
    zipped(&zip, &[(b"README.md", b"one"), (b"verify.py", b"one")]);
    let bytes = fs::read(&zip).unwrap();
    let directory: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02").map(|(at, _)| at).collect();
    let mut over = bytes.clone();
    over[directory[1] + 42..directory[1] + 46].fill(0);
    fs::write(&zip, over).unwrap();
    assert!(refused(&zip).contains("lies over"), "{}", refused(&zip));
    zipped(&zip, &[(b"README.md", b"one"), (b"verify.py", b"two"), (b"pack.py", b"three")]);
    let mut huge = fs::read(&zip).unwrap();
    let directory: Vec<usize> =
        huge.windows(4).enumerate().filter(|(_, four)| four == b"PK\x01\x02").map(|(at, _)| at).collect();
    for at in directory {
        huge[at + 24..at + 28].fill(0xfe);
    }
    fs::write(&zip, huge).unwrap();
    assert!(refused(&zip).contains("more than a pack"));
    for cut in [0, 3, 21, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&zip, &bytes[..cut]).unwrap();
        refused(&zip);
    }
}

#[test]
fn a_filter_stands_in_the_manifest_in_the_words_of_the_command_line() {
    let filter = Filter {
        since: Millis::parse("2026-11-20"),
        kind: Some(Kind::Intent),
        verdict: Some(Verdict::Allow),
        model: Some(plant::Wildcard("gpt-*".to_owned())),
        ..Filter::default()
    };
    let said = Value::from(manifest::filter(&filter));
    let since = "2026-11-20T00:00:00.000Z";
    assert_eq!(said, serde_json::json!({ "kind": "intent", "model": "gpt-*", "since": since, "verdict": "allow" }));
}
