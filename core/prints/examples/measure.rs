//! How well registered documents are known again, and how fast: the figures of docs/src/reference/fingerprints.md.
//!
//! ```text
//! cargo run --release -p penstock-prints --example measure -- FOLDER [DOCUMENTS | --json]
//! ```
//!
//! FOLDER holds `docs/`, `docs.json` (a list of `file` and `cluster`, the same number for near-duplicates) and
//! `labelled.jsonl` (`text` and `class`). For the speed, DOCUMENTS documents (100,000) of some 3 KB are made from the words
//! of those in FOLDER. With `--json` the figures are told as data, and the speed is not measured. Everything is drawn from a fixed seed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement that cannot go on has failed")]

use penstock_prints::{Collection, Keys, Level, Matcher, Order, Reader, Registration, Search, Sheets, Table};
use plant::{DocumentId, Label, TableId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

/// Excerpts of each kind.
const EXCERPTS: usize = 1_000;
const PROMPT: usize = 64 << 10;

struct Document {
    name: String,
    family: String,
    cluster: u64,
    text: String,
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

fn main() {
    let folder = std::env::args().nth(1).unwrap();
    let how = std::env::args().nth(2);
    let documents = documents(&folder);
    let foreign = foreign(&folder);
    let keys = Keys::new(&[42; 32]);
    let asked = [recall(&documents, &keys, ""), recall(&documents, &keys, "manual")];
    let alarms = alarms(&documents, &foreign, &keys);
    if how.as_deref() == Some("--json") {
        println!("{}", json!({ "excerpts": asked, "prompts": alarms }));
        return;
    }
    asked.iter().for_each(show_recall);
    alarms.iter().for_each(show_alarms);
    speed(&documents, &foreign, &keys, how.map_or(100_000, |count| count.parse().unwrap()));
}

fn documents(folder: &str) -> Vec<Document> {
    let list: Value = serde_json::from_slice(&fs::read(format!("{folder}/docs.json")).unwrap()).unwrap();
    let read = |row: &Value| {
        let file = row["file"].as_str().unwrap();
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".txt").to_lowercase();
        let text = String::from_utf8_lossy(&fs::read(format!("{folder}/{file}")).unwrap()).into_owned();
        let family = name.split('-').next().unwrap().to_owned();
        Document { name, family, cluster: row["cluster"].as_u64().unwrap(), text }
    };
    list.as_array().unwrap().iter().map(read).collect()
}

/// Texts by class.
fn foreign(folder: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in fs::read_to_string(format!("{folder}/labelled.jsonl")).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        // What comes from the books that are registered is no foreign prompt.
        let own = row["source"].as_str().unwrap().contains("linuxcnc");
        let class = format!("{}{}", row["class"].as_str().unwrap(), if own { ", of the same books" } else { "" });
        all.entry(class).or_default().push(row["text"].as_str().unwrap().to_owned());
    }
    all
}

fn registered<'d>(documents: impl Iterator<Item = &'d Document>, keys: &Keys) -> (Table, usize) {
    let mut collection = Collection::default();
    let mut short = 0;
    let all = documents.map(|one| (registration(&one.name), one.text.as_str()));
    collection.add(all, keys, |_, added| short += usize::from(added.is_err()));
    (Table::new(&collection), short)
}

fn registration(name: &str) -> Registration {
    let (id, label) = (DocumentId::new(name).unwrap(), Label::new("document").unwrap());
    Registration { id, label, sensitivity: None, public: false, collection: None }
}

/// The level at which each document is told, and its name.
fn told(table: &Table, keys: &Keys, text: &str) -> Vec<(String, Level)> {
    let mut reader = Reader::new(table, keys);
    reader.read(text);
    reader.finish().iter().map(|one| (one.document.to_string(), one.level)).collect()
}

/// A share with its 95 % confidence interval (Wilson, 1927).
fn share(count: usize, of: usize) -> String {
    let (n, p, z) = (of as f64, count as f64 / of.max(1) as f64, 1.96);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    format!("{p:.3} ({:.3} to {:.3})", (middle - half).max(0.0), (middle + half).min(1.0))
}

/// How many excerpts are known again, of the documents of one family or, without a name, of all.
fn recall(documents: &[Document], keys: &Keys, family: &str) -> Value {
    let (table, short) = registered(documents.iter(), keys);
    let cluster: BTreeMap<&str, u64> = documents.iter().map(|one| (one.name.as_str(), one.cluster)).collect();
    let mut random = Random(1);
    let own: Vec<&Document> = documents.iter().filter(|one| one.family.starts_with(family)).collect();
    let mut rows = Vec::new();
    for words in [12, 15, 30, 60, 120] {
        for edited in [0, 5, 10, 20] {
            let (mut known, mut copy, mut right) = (0, 0, 0);
            for _ in 0..EXCERPTS {
                let (name, text) = excerpt(&own, words, edited, &mut random);
                let told = told(&table, keys, &text);
                known += usize::from(!told.is_empty());
                copy += usize::from(told.iter().any(|(_, level)| *level == Level::Copy));
                right += usize::from(told.iter().any(|(found, _)| cluster[found.as_str()] == cluster[name]));
            }
            rows.push(
                json!({ "words": words, "edited_percent": edited, "known": known, "copy": copy, "right": right }),
            );
        }
    }
    json!({ "family": family, "documents": documents.len() - short, "too_short": short, "of": EXCERPTS, "rows": rows })
}

fn show_recall(asked: &Value) {
    let (documents, short, family) = (&asked["documents"], &asked["too_short"], asked["family"].as_str().unwrap());
    println!("\n{documents} documents registered, {short} with too little text; excerpts of `{family}`\n");
    println!(
        "| words | edited | known again | as a copy | of the right document or a near-duplicate |\n|---|---|---|---|---|"
    );
    for row in asked["rows"].as_array().unwrap() {
        let shares = ["known", "copy", "right"].map(|key| share(number(&row[key]), EXCERPTS));
        println!("| {} | {} % | {} |", row["words"], row["edited_percent"], shares.join(" | "));
    }
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Words in a row of a document, that many percent of them replaced, left away or doubled.
fn excerpt<'d>(documents: &[&'d Document], words: usize, edited: usize, random: &mut Random) -> (&'d str, String) {
    loop {
        let document = documents[random.below(documents.len())];
        // The dots of a table of contents are no words.
        let says = |word: &&str| word.chars().any(char::is_alphanumeric);
        let all: Vec<&str> = document.text.split_whitespace().filter(says).collect();
        if all.len() < words {
            continue;
        }
        let start = random.below(all.len() - words + 1);
        let mut text = Vec::new();
        for word in &all[start..start + words] {
            // One edit in `edited` percent of all words, so that short excerpts are edited as often as long ones.
            if random.below(100) >= edited {
                text.push((*word).to_owned());
                continue;
            }
            match random.below(3) {
                0 => {}
                1 => text.extend([(*word).to_owned(), all[random.below(all.len())].to_owned()]),
                _ => text.push(all[random.below(all.len())].to_owned()),
            }
        }
        return (&document.name, text.join(" "));
    }
}

fn alarms(documents: &[Document], foreign: &BTreeMap<String, Vec<String>>, keys: &Keys) -> [Value; 2] {
    let (table, _) = registered(documents.iter(), keys);
    let rows = foreign.iter().map(|(class, texts)| tell(class, texts, &table, keys)).collect();
    let foreign = json!({ "what": "foreign prompts", "rows": Value::Array(rows) });
    // Of each family, the clusters with an even number are registered, and passages of the others are asked.
    let (table, _) = registered(documents.iter().filter(|one| one.cluster % 2 == 0), keys);
    let families: BTreeSet<&str> = documents.iter().map(|one| one.family.as_str()).collect();
    let mut random = Random(2);
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for family in families {
        let own: Vec<&Document> = documents.iter().filter(|one| one.cluster % 2 == 1 && one.family == family).collect();
        if !documents.iter().any(|one| one.cluster % 2 == 0 && one.family == family) {
            continue;
        }
        let passages = own.iter().map(|one| passage(&one.text, 200, &mut random)).collect::<Vec<_>>();
        rows.push(tell(family, &passages, &table, keys));
        all.extend(passages);
    }
    rows.push(tell("all", &all, &table, keys));
    [foreign, json!({ "what": "prompts of a family", "rows": rows })]
}

fn show_alarms(alarms: &Value) {
    println!("\n| {} | number | recorded | held |\n|---|---|---|---|", alarms["what"].as_str().unwrap());
    for row in alarms["rows"].as_array().unwrap() {
        let [texts, recorded, held] = ["texts", "recorded", "held"].map(|key| number(&row[key]));
        let what = row["class"].as_str().unwrap();
        println!("| {what} | {texts} | {} | {} |", share(recorded, texts), share(held, texts));
    }
}

fn passage(text: &str, words: usize, random: &mut Random) -> String {
    let all: Vec<&str> = text.split_whitespace().collect();
    let start = random.below(all.len().saturating_sub(words) + 1);
    all[start..(start + words).min(all.len())].join(" ")
}

fn tell(class: &str, texts: &[String], table: &Table, keys: &Keys) -> Value {
    let level = |text: &String| told(table, keys, text).into_iter().map(|(_, level)| level).max();
    let levels: Vec<Option<Level>> = texts.iter().map(level).collect();
    let recorded = levels.iter().filter(|level| level.is_some()).count();
    let held = levels.iter().filter(|level| **level == Some(Level::Copy)).count();
    json!({ "class": class, "texts": levels.len(), "recorded": recorded, "held": held })
}

fn speed(documents: &[Document], foreign: &BTreeMap<String, Vec<String>>, keys: &Keys, many: usize) {
    let words: Vec<&str> = documents.iter().flat_map(|one| one.text.split_whitespace()).collect();
    let mut random = Random(3);
    let mut made = |_| {
        // Short stretches of real text, in an order that nobody wrote: the words and their lengths are real, the runs new.
        let mut text = String::new();
        while text.len() < 3_000 {
            let start = random.below(words.len() - 3);
            text.push_str(&words[start..start + 1 + random.below(2)].join(" "));
            text.push(' ');
        }
        text
    };
    let (small, _) = registered(documents.iter(), keys);
    println!("\n{} documents", documents.len());
    times(&small, foreign, keys);
    let began = Instant::now();
    let mut collection = Collection::default();
    let (mut bytes, mut failed) = (0, 0);
    let all = (0..many).map(|number| {
        let text = made(number);
        bytes += text.len();
        (registration(&format!("made-{number}")), text)
    });
    collection.add(all, keys, |_, added| failed += usize::from(added.is_err()));
    println!("\n{many} documents, {} MB, registered in {:.1?}; {failed} failed", bytes / 1_000_000, began.elapsed());
    let began = Instant::now();
    let file = collection.encode(keys);
    println!("file of {} MB written in {:.1?}", file.len() / 1_000_000, began.elapsed());
    drop(collection);
    let began = Instant::now();
    let collection = Collection::decode(&file, keys).unwrap();
    drop(file);
    let table = Table::new(&collection);
    drop(collection);
    println!("read and made into a table of {} MB in {:.1?}", table.bytes() / 1_000_000, began.elapsed());
    times(&table, foreign, keys);
    values(foreign, keys, 100_000);
}

/// The time for values of a table of so many rows, in which a part number and a customer are looked for together.
fn values(foreign: &BTreeMap<String, Vec<String>>, keys: &Keys, rows: usize) {
    let mut random = Random(5);
    let customers: Vec<String> =
        (0..rows / 20).map(|_| format!("{:05x} {:05x} Ltd", random.below(1 << 20), random.below(1 << 20))).collect();
    let mut csv = String::from("part,customer\n");
    for _ in 0..rows {
        let (part, customer) = (random.below(100_000_000), &customers[random.below(customers.len())]);
        csv.push_str(&format!("{:04}-{:04},{customer}\n", part / 10_000, part % 10_000));
    }
    let mut sheets = Sheets::default();
    let id = TableId::new("orders").unwrap();
    let rules = vec![(vec!["part".to_owned()], 0), (vec!["part".to_owned(), "customer".to_owned()], 300)];
    let order = Order { id, label: Label::new("data").unwrap(), sensitivity: None, rules };
    let entered = sheets.add(order, &csv, keys).unwrap();
    let file = sheets.encode(keys).len();
    println!("\na table of {} rows and {} values, file of {} MB", entered.rows, entered.values, file / 1_000_000);
    let matcher = Matcher::new(sheets);
    measured(foreign, |prompt| {
        let mut search = Search::new(&matcher, keys);
        search.read(prompt);
        search.finish().len()
    });
}

fn times(table: &Table, foreign: &BTreeMap<String, Vec<String>>, keys: &Keys) {
    measured(foreign, |prompt| {
        let mut reader = Reader::new(table, keys);
        reader.read(prompt);
        reader.finish().len()
    });
}

/// The time that is needed for prompts of 64 KiB, made of foreign ones.
fn measured(foreign: &BTreeMap<String, Vec<String>>, read: impl Fn(&str) -> usize) {
    let prompts: Vec<&String> =
        foreign.iter().filter(|(class, _)| *class == "benign").flat_map(|(_, all)| all).collect();
    let mut random = Random(4);
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let mut prompt = String::new();
        while prompt.len() < PROMPT {
            prompt.push_str(prompts[random.below(prompts.len())]);
            prompt.push('\n');
        }
        let began = cpu_time();
        let told = read(&prompt[..prompt.floor_char_boundary(PROMPT)]);
        times.push(cpu_time() - began);
        assert!(told < 10);
    }
    times.sort();
    let at = |percent: usize| times[times.len() * percent / 100];
    let rate = PROMPT as f64 / at(50).as_secs_f64() / 1e6;
    println!(
        "64 KiB prompt: p50 {} µs, p99 {} µs of one core ({rate:.0} MB/s)",
        at(50).as_micros(),
        at(99).as_micros()
    );
}

/// What this thread has had of a processor: what others do meanwhile does not count.
fn cpu_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap()
}
