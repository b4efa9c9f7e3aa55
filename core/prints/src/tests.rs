//! What is known again, and what is not.

use crate::file::FileError;
use crate::{Added, Collection, CollectionError, Keys, Reader, Registration, Table};
use plant::{DocumentId, Label};
use proptest::prelude::*;

const RECIPE: &str = "1. Charge reactor R-201 with 1,250 kg of demineralised water and start the agitator at 45 rpm.\n\
    2. Heat the jacket to 62 °C within forty minutes; the ramp must not exceed 1.5 K per minute.\n\
    3. Add the emulsifier slowly through the side port while the vacuum is held between 80 and 120 mbar.\n\
    4. Keep the temperature for twenty-five minutes, draw a sample and determine the viscosity in the laboratory.\n\
    5. If the viscosity is below 340 mPas, dose thickener in portions of two kilograms until it fits.\n\
    6. Cool down to 28 °C, break the vacuum with nitrogen and transfer the batch to the buffer tank T-17.\n";

const MANUAL: &str = "The conveyor may be restarted only after the guard doors have been closed and the emergency stop \
    has been released by a key switch at the main cabinet. Inspect belts and rollers every Monday, grease the bearings with two \
    strokes, and note the hours of operation in the log book beside the operator panel. Worn belts are replaced in pairs.";

fn keys() -> Keys {
    Keys::new(&[7; 32])
}

fn registration(id: &str) -> Registration {
    Registration {
        id: DocumentId::new(id).expect("a name"),
        label: Label::new("document").expect("a label"),
        sensitivity: None,
        public: false,
        collection: None,
    }
}

fn add(collection: &mut Collection, registration: Registration, text: &str) -> Result<Added, CollectionError> {
    let mut done = None;
    collection.add([(registration, text)], &keys(), |_, added| done = Some(added));
    done.expect("one was given")
}

fn registered(documents: &[(&str, &str)]) -> Collection {
    let mut collection = Collection::default();
    for (id, text) in documents {
        add(&mut collection, registration(id), text).expect("it is fit");
    }
    collection
}

/// `document: level, hits, coverage` of what texts repeat.
fn told(collection: &Collection, texts: &[&str]) -> Vec<String> {
    let (table, keys) = (Table::new(collection), keys());
    let mut reader = Reader::new(&table, &keys);
    for text in texts {
        reader.read(text);
    }
    let tell = |one: crate::Recognised<'_>| format!("{} {:?}", one.document, one.level);
    reader.finish().into_iter().map(tell).collect()
}

#[test]
fn an_excerpt_is_known_again_however_it_is_written() {
    let collection = registered(&[("recipe", RECIPE), ("manual", MANUAL)]);
    let middle: String = RECIPE.lines().skip(1).take(4).collect::<Vec<_>>().join("\n");
    let interleaved: String = middle
        .chars()
        .enumerate()
        .flat_map(|(at, c)| [Some(c), (at % 10 == 0).then_some('\u{200B}')])
        .flatten()
        .collect();
    let wrapped = middle.replace(' ', "\n").replace("temperature", "temper-\nature");
    let look_alike = middle.replace('a', "а").replace('e', "е").replace('o', "ο");
    let renumbered = middle.replace("\n3. ", "\n17) ").replace("\n4. ", "\n17.1 ");
    let formatted = middle.replace("the ", "<b>the</b> ").replace("vacuum", "**vacuum**");
    let reordered: String = middle.lines().rev().collect::<Vec<_>>().join("\n");
    let rows: String = middle.lines().map(|line| format!("| {line} | x |\n")).collect();
    for (how, excerpt) in [
        ("as it is", &middle),
        ("in capitals", &middle.to_uppercase()),
        ("interleaved", &interleaved),
        ("wrapped", &wrapped),
        ("look-alike", &look_alike),
        ("renumbered", &renumbered),
        ("formatted", &formatted),
        ("reordered", &reordered),
        ("rows", &rows),
        ("OCR", &middle.replace('l', "1").replace('0', "O")),
    ] {
        let prompt = format!("Please translate this for the night shift:\n\n{excerpt}\n\nThank you.");
        assert_eq!(told(&collection, &[&prompt]), ["recipe Copy"], "{how}: {prompt}");
    }
}

#[test]
fn two_columns_that_are_copied_line_by_line_are_known_again() {
    let collection = registered(&[("recipe", RECIPE), ("manual", MANUAL)]);
    let columns = RECIPE.lines().zip(RECIPE.lines().skip(3));
    let pasted: String = columns.map(|(left, right)| format!("{left:60.60}    {right:60.60}\n")).collect();
    assert_eq!(told(&collection, &[&pasted]), ["recipe Copy"], "{pasted}");
}

#[test]
fn twelve_words_are_a_trace_and_no_copy() {
    let collection = registered(&[("recipe", RECIPE), ("manual", MANUAL)]);
    let words = |from: usize| MANUAL.split_whitespace().skip(from).take(12).collect::<Vec<_>>().join(" ");
    for from in [0, 8, 20] {
        assert_eq!(
            told(&collection, &[&format!("What does \"{}\" mean?", words(from))]),
            ["manual Trace"],
            "{}",
            words(from)
        );
    }
}

#[test]
fn what_is_told_in_other_words_is_not_known_again() {
    let collection = registered(&[("recipe", RECIPE), ("manual", MANUAL)]);
    for text in [
        "First fill the vessel with about a ton of water and stir it, then warm everything gently and put in emulsifier.",
        "Füllen Sie den Reaktor mit Wasser, starten Sie das Rührwerk und heizen Sie den Mantel langsam auf.",
        "What is the viscosity of water at 28 °C?",
        "",
    ] {
        assert_eq!(told(&collection, &[text]), [""; 0], "{text}");
    }
}

#[test]
fn a_short_quotation_is_a_trace_and_an_excerpt_over_several_messages_a_copy() {
    let collection = registered(&[("recipe", RECIPE)]);
    let lines: Vec<&str> = RECIPE.lines().collect();
    assert_eq!(told(&collection, &[&lines[1][..70]]), ["recipe Trace"]);
    assert_eq!(told(&collection, &lines), ["recipe Copy"]);
}

#[test]
fn a_passage_that_is_repeated_says_no_more_than_once() {
    let collection = registered(&[("recipe", RECIPE)]);
    let line = &RECIPE.lines().nth(1).expect("six lines")[..70];
    assert_eq!(told(&collection, &[&format!("{line}\n").repeat(100)]), ["recipe Trace"]);
}

#[test]
fn passages_are_where_the_document_is_repeated_with_what_was_changed_in_it() {
    let (collection, keys) = (registered(&[("recipe", RECIPE)]), keys());
    let table = Table::new(&collection);
    let line = RECIPE.lines().nth(2).expect("six lines");
    let changed = line.replace("emulsifier", "the stabilising agent");
    let prompt = format!("Ünd nün, as I was saying before: {changed} And something entirely different at the end.");
    let mut reader = Reader::new(&table, &keys);
    assert_eq!((reader.read("Hello."), reader.read(&prompt)), (0, 1));
    let recognised = reader.finish();
    let [one] = &recognised[..] else { panic!("{recognised:?}") };
    assert_eq!(one.passages.len(), 1);
    let passage = &one.passages[0];
    let text = &prompt[passage.span.clone()];
    assert_eq!(passage.text, 1);
    assert!(changed.contains(text) && text.contains("through the side port while the vacuum"), "{text}");
    assert!((10..=30).contains(&one.coverage), "{}", one.coverage);
}

#[test]
fn near_duplicates_count_as_one_document() {
    let revised = RECIPE.replace("45 rpm", "52 rpm").replace("T-17", "T-19");
    let mut collection = registered(&[("recipe-a", RECIPE), ("manual", MANUAL)]);
    let added = add(&mut collection, registration("recipe-b"), &revised).expect("it is fit");
    assert_eq!(added.like.as_ref().map(DocumentId::as_str), Some("recipe-a"));
    for name in ["recipe-c", "recipe-d", "recipe-e"] {
        add(&mut collection, registration(name), RECIPE).expect("it is fit");
    }
    assert_eq!(told(&collection, &[RECIPE]), ["recipe-a Copy"]);
    assert_eq!(told(&collection, &[&revised]), ["recipe-b Copy"]);
    let table = Table::new(&collection);
    let keys = keys();
    let mut reader = Reader::new(&table, &keys);
    reader.read(&revised);
    assert_eq!(reader.finish()[0].others, 4);
}

#[test]
fn what_stands_in_four_documents_or_is_public_tells_none() {
    let own = |word: &str| -> String {
        (0..60)
            .map(|line| format!("The {word} of part {line} has its own {word}{} and size {}.\n", line * 7, line * 13))
            .collect()
    };
    let texts = ["valve", "pump", "motor", "sensor"].map(|word| format!("{MANUAL}\n{}", own(word)));
    let names = ["a", "b", "c", "d"];
    let mut collection = Collection::default();
    for (name, text) in names.iter().zip(&texts).take(3) {
        add(&mut collection, registration(name), text).expect("it is fit");
    }
    assert_eq!(told(&collection, &[MANUAL]).len(), 3);
    add(&mut collection, registration("d"), &texts[3]).expect("it is fit");
    assert_eq!(told(&collection, &[MANUAL]), [""; 0]);
    assert_eq!(told(&collection, &[&own("pump")]), ["b Copy"]);
    assert!(collection.remove(&DocumentId::new("d").expect("a name")));
    add(&mut collection, Registration { public: true, ..registration("policy") }, MANUAL).expect("it is fit");
    assert_eq!(told(&collection, &[MANUAL]), [""; 0]);
    assert_eq!(told(&collection, &[&own("pump")]), ["b Copy"]);
}

#[test]
fn a_document_is_replaced_and_removed_by_its_name() {
    let mut collection = registered(&[("recipe", MANUAL), ("manual", MANUAL)]);
    let added = add(&mut collection, registration("recipe"), RECIPE).expect("it is fit");
    assert!(added.replaced && added.like.is_none());
    assert_eq!(told(&collection, &[RECIPE]), ["recipe Copy"]);
    let before = collection.clone();
    assert!(add(&mut collection, registration("recipe"), RECIPE).expect("it is fit").replaced);
    assert_eq!(collection, before, "what has not changed stays as it was");
    let name = DocumentId::new("recipe").expect("a name");
    assert!(collection.remove(&name) && !collection.remove(&name));
    assert_eq!(told(&collection, &[RECIPE]), [""; 0]);
}

#[test]
fn a_document_knows_its_collection_and_so_does_a_copy_in_another() {
    let of = |id: &str, name: &str| Registration {
        collection: Some(plant::CollectionId::new(name).expect("a name")),
        ..registration(id)
    };
    let mut collection = Collection::default();
    add(&mut collection, registration("manual"), MANUAL).expect("it is fit");
    let plain = collection.encode(&keys());
    assert!(plain.starts_with(b"penstock documents 1\n"), "earlier versions read what has no collections");
    add(&mut collection, of("r-1", "recipes"), RECIPE).expect("it is fit");
    add(&mut collection, of("r-2", "supplier"), RECIPE).expect("it is fit");
    let bytes = collection.encode(&keys());
    assert!(bytes.starts_with(b"penstock documents 2\n"));
    assert_eq!(Collection::decode(&bytes, &keys()), Ok(collection.clone()));
    let (table, keys) = (Table::new(&collection), keys());
    let mut reader = Reader::new(&table, &keys);
    reader.read(RECIPE);
    let seen = reader.finish();
    let mut of: Vec<&str> =
        seen.iter().filter_map(|one| one.kind.collection.as_ref()).map(|one| one.as_str()).collect();
    of.sort_unstable();
    assert_eq!(of, ["recipes", "supplier"]);
}

#[test]
fn too_little_text_is_refused() {
    let mut collection = Collection::default();
    let long = "x".repeat(100_000);
    for text in ["", "Heat to 185 °C.", &long, &"0 ".repeat(1_000), &"-".repeat(1_000)] {
        assert_eq!(add(&mut collection, registration("a"), text), Err(CollectionError::Short));
    }
    assert!(Table::new(&collection).is_empty());
}

#[test]
fn with_another_key_nothing_is_known_again() {
    let collection = registered(&[("recipe", RECIPE)]);
    let (table, other) = (Table::new(&collection), Keys::new(&[8; 32]));
    let mut reader = Reader::new(&table, &other);
    reader.read(RECIPE);
    assert!(reader.finish().is_empty());
}

#[test]
fn a_file_holds_no_text_and_comes_back_as_it_was() {
    let collection = registered(&[("recipe", RECIPE), ("manual", MANUAL)]);
    let file = collection.encode(&keys());
    assert_eq!(Collection::decode(&file, &keys()), Ok(collection));
    let shown = String::from_utf8_lossy(&file).to_lowercase();
    for word in ["reactor", "water", "conveyor", "viscos"] {
        assert!(!shown.contains(word), "{word}");
    }
}

#[test]
fn a_file_that_was_altered_is_told() {
    let file = registered(&[("recipe", RECIPE)]).encode(&keys());
    let read = |bytes: &[u8]| Collection::decode(bytes, &keys());
    assert_eq!(Collection::decode(&file, &Keys::new(&[9; 32])), Err(FileError::OtherKey));
    assert_eq!(read(b""), Err(FileError::Foreign));
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "cut to {length}");
    }
    for at in 0..file.len() {
        let mut altered = file.clone();
        altered[at] ^= 1;
        assert!(read(&altered).is_err(), "altered at {at}");
    }
    assert_eq!(read(&[&file[..], b"x"].concat()), Err(FileError::Damaged));
}

#[test]
fn eight_times_the_text_takes_about_eight_times_the_time() {
    let collection = registered(&[("recipe", RECIPE), ("manual", MANUAL)]);
    let (table, keys) = (Table::new(&collection), keys());
    let units = [
        RECIPE,
        "<",
        "<b",
        "<b>",
        "1.",
        "\n1. ",
        "a",
        "\u{200B}",
        "ﷺ",
        "ab",
        "| 1.",
        "é",
        "<a<a/",
        "\n1.1.1.1.1.1.1.1.",
    ];
    for unit in units {
        let time = |length: usize| {
            let text = unit.repeat(length / unit.len() + 1);
            let begin = cpu_seconds();
            let mut reader = Reader::new(&table, &keys);
            reader.read(&text);
            assert!(reader.finish().len() <= 2);
            cpu_seconds() - begin
        };
        let least = |length| (0..3).map(|_| time(length)).fold(f64::MAX, f64::min);
        let (small, large) = (least(1 << 15), least(1 << 18));
        // The square would be 64 times. Below a millisecond the clock says nothing.
        assert!(large < 32.0 * small.max(0.001), "{unit:?}: {small} s, then {large} s");
    }
}

/// What this thread has had of a processor: what others do meanwhile does not count.
pub(crate) fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::try_from(time).expect("a time").as_secs_f64()
}

proptest! {
    #[test]
    fn whatever_two_texts_share_is_found_if_it_is_long_enough(
        before in "[a-z ]{0,60}", shared in "[a-z]{39,80}", after in "[a-z ]{0,60}", other in "[a-z ]{0,60}"
    ) {
        let kept = |text: &str| {
            let mut prints = std::collections::BTreeSet::new();
            crate::winnow::winnow(text, &keys(), |kept| { prints.insert(kept.print); });
            prints
        };
        let different: std::collections::BTreeSet<char> = shared.chars().collect();
        prop_assume!(different.len() > 20);
        let (one, two) = (kept(&format!("{before}{shared}{after}")), kept(&format!("{other}{shared}{before}")));
        // Runs that are too plain are not kept; the rarest of windows has no other.
        let plain = shared.as_bytes().windows(24).any(|run| run.iter().collect::<std::collections::BTreeSet<_>>().len() < 7);
        prop_assert!(plain || one.intersection(&two).next().is_some());
    }

    #[test]
    fn passages_lie_on_character_boundaries(cut in 0usize..400, junk in "[\u{200B}éßﬁ√ж ]{0,12}") {
        let collection = registered(&[("recipe", RECIPE)]);
        let (table, keys) = (Table::new(&collection), keys());
        let at = RECIPE.floor_char_boundary(cut);
        let text = format!("{}{junk}{}", &RECIPE[..at], &RECIPE[at..]);
        let mut reader = Reader::new(&table, &keys);
        reader.read(&text);
        for one in reader.finish() {
            for passage in one.passages {
                prop_assert!(text.get(passage.span).is_some());
            }
        }
    }

    #[test]
    fn prints_come_back_from_their_steps(prints: Vec<u64>) {
        let prints: Vec<u64> = prints.into_iter().map(|print| print >> 22).collect();
        let list = crate::list::Prints::new(prints.clone());
        let mut sorted = prints;
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(list.iter().collect::<Vec<_>>(), sorted);
        let read = crate::list::Prints::read(list.len(), list.steps()).ok().expect("our own");
        prop_assert_eq!(read, list);
    }

    #[test]
    fn steps_have_one_spelling(steps: Vec<u8>, count in 0u32..4) {
        if let Ok(list) = crate::list::Prints::read(count, &steps) {
            let again = crate::list::Prints::new(list.iter().collect());
            prop_assert_eq!(again.steps(), &steps[..]);
        }
    }
}

proptest! {
    #[test]
    fn the_laws_of_fuzzing_hold(at in 0usize..4_000, byte: u8, cut in 0usize..4_000) {
        let mut body = registered(&[("recipe", RECIPE), ("manual", MANUAL)]).encode(&Keys::new(&[5; 32]));
        body.drain(..crate::collection::NAME.len() + 8);
        body.truncate(body.len() - 16);
        crate::fuzz_documents(&body);
        crate::fuzz_documents(&body[..cut.min(body.len())]);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        crate::fuzz_documents(&body);
        crate::fuzz_tables(&body);
        crate::fuzz_csv(&body);
    }
}
