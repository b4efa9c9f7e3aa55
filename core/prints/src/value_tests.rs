//! Which values of a table are found, and which are not.

use crate::file::FileError;
use crate::{Keys, Matcher, Order, Search, SheetError, Sheets};
use plant::{Label, TableId};
use proptest::prelude::*;

const PARTS: &str = "part;customer;colour\r\n\
    4711-0815;Ackermann Pumpen GmbH;blue\r\n\
    4711-0816;Ackermann Pumpen GmbH;red\r\n\
    PX 99/204;Nordsee Brauerei AG;blue\r\n\
    \"7,5\";\"Lübben \"\"Nord\"\" & Söhne\";green\r\n";

fn keys() -> Keys {
    Keys::new(&[3; 32])
}

fn order(rules: &[(&[&str], u32)]) -> Order {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Order {
        id: TableId::new("parts").expect("a name"),
        label: Label::new("data").expect("a label"),
        sensitivity: None,
        rules: rules.iter().map(|(columns, within)| (names(columns), *within)).collect(),
    }
}

fn sheets(rules: &[(&[&str], u32)], csv: &str) -> Sheets {
    let mut sheets = Sheets::default();
    sheets.add(order(rules), csv, &keys()).expect("it is fit");
    sheets
}

/// What stands at the places that are found.
fn found(rules: &[(&[&str], u32)], texts: &[&str]) -> Vec<String> {
    let (matcher, keys) = (Matcher::new(sheets(rules, PARTS)), keys());
    let mut search = Search::new(&matcher, &keys);
    for text in texts {
        search.read(text);
    }
    let places = search.finish().into_iter().flat_map(|matched| matched.places);
    places.map(|(text, span)| texts[text as usize][span].to_owned()).collect()
}

#[test]
fn a_value_is_found_however_it_is_separated_and_written() {
    let part: &[(&[&str], u32)] = &[(&["part"], 0)];
    for written in [
        "4711-0815",
        "4711 0815",
        "47110815",
        "4711.0815",
        "47 11 08 15",
        "4711\u{2013}0815",
        "４７１１-0815",
        "47\u{200B}11-0815",
    ] {
        for (before, after) in [("Is ", " in stock?"), ("", ""), ("(", ")"), ("\n", " is"), ("|", "|")] {
            assert_eq!(found(part, &[&format!("{before}{written}{after}")]), [written], "{before}{written}{after}");
        }
    }
    assert_eq!(found(part, &["PX-99-204, px99204 and PX 99/204"]), ["PX-99-204", "px99204", "PX 99/204"]);
    for other in ["14711-0815", "4711-08155", "x4711-0815", "4711-0817", "4711\n\n\n\n\n\n\n\n\n\n0815", "7,5"] {
        assert_eq!(found(part, &[other]), [""; 0], "{other}");
    }
}

#[test]
fn names_are_found_without_case_accents_and_punctuation() {
    let customer: &[(&[&str], u32)] = &[(&["customer"], 0)];
    assert_eq!(found(customer, &["for ACKERMANN PUMPEN GMBH."]), ["ACKERMANN PUMPEN GMBH"]);
    assert_eq!(found(customer, &["an Lübben „Nord“ & Söhne"]), ["Lübben „Nord“ & Söhne"]);
    assert_eq!(found(customer, &["Ackermann Pumpen", "the Nordsee"]), [""; 0]);
}

#[test]
fn values_of_one_row_tell_together_what_neither_tells_alone() {
    let both: &[(&[&str], u32)] = &[(&["part", "customer"], 0)];
    assert_eq!(found(both, &["4711-0815 for Ackermann Pumpen GmbH"]), ["4711-0815", "Ackermann Pumpen GmbH"]);
    assert_eq!(found(both, &["4711-0815", "Ackermann Pumpen GmbH"]), ["4711-0815", "Ackermann Pumpen GmbH"]);
    for text in ["4711-0815 and 4711-0816", "PX 99/204 for Ackermann Pumpen GmbH", "Nordsee Brauerei AG"] {
        assert_eq!(found(both, &[text]), [""; 0], "{text}");
    }
    let near: &[(&[&str], u32)] = &[(&["part", "customer"], 40)];
    assert_eq!(found(near, &["4711-0815 for Ackermann Pumpen GmbH"]).len(), 2);
    assert_eq!(found(near, &[&format!("4711-0815 {} Ackermann Pumpen GmbH", "x ".repeat(40))]), [""; 0]);
    assert_eq!(found(near, &["4711-0815", "Ackermann Pumpen GmbH"]), [""; 0]);
    let three: &[(&[&str], u32)] = &[(&["part", "customer", "colour"], 0)];
    assert_eq!(found(three, &["the blue PX 99/204 of Nordsee Brauerei AG"]).len(), 3);
    assert_eq!(found(three, &["the red PX 99/204 of Nordsee Brauerei AG"]), [""; 0]);
}

#[test]
fn what_cannot_be_registered_is_told() {
    let add = |rules: &[(&[&str], u32)], csv: &str| Sheets::default().add(order(rules), csv, &keys()).map(|_| ());
    let missing = SheetError::NoColumn { name: "parts".to_owned(), columns: "part, customer, colour".to_owned() };
    assert_eq!(add(&[(&["parts"], 0)], PARTS), Err(missing));
    assert_eq!(add(&[], PARTS), Err(SheetError::Columns));
    assert_eq!(add(&[(&["a"], 0)], "a\n12\n-\n"), Err(SheetError::Empty));
    assert!(matches!(add(&[(&["a"], 0)], "a,b\n1\n"), Err(SheetError::Csv(_))));
    assert!(matches!(add(&[(&["a"], 0)], ""), Err(SheetError::NoColumn { .. })));
    let mut all = Sheets::default();
    let entered = all.add(order(&[(&["part"], 0)]), PARTS, &keys()).expect("it is fit");
    assert_eq!((entered.rows, entered.values, entered.skipped, entered.replaced), (3, 3, 1, false));
    assert!(all.add(order(&[(&["customer"], 0)]), PARTS, &keys()).expect("it is fit").replaced);
    assert_eq!(all.sheets().len(), 1);
    assert!(all.remove(&TableId::new("parts").expect("a name")) && all.sheets().is_empty());
}

#[test]
fn a_file_holds_no_value_and_comes_back_as_it_was() {
    let all = sheets(&[(&["part"], 0), (&["part", "customer"], 300)], PARTS);
    let file = all.encode(&keys());
    assert_eq!(Sheets::decode(&file, &keys()), Ok(all));
    let shown = String::from_utf8_lossy(&file).to_lowercase();
    assert!(!shown.contains("4711") && !shown.contains("ackermann") && shown.contains("customer"));
    assert_eq!(Sheets::decode(&file, &Keys::new(&[4; 32])), Err(FileError::OtherKey));
    for at in 0..file.len() {
        let mut altered = file.clone();
        altered[at] ^= 1;
        assert!(Sheets::decode(&altered, &keys()).is_err() && Sheets::decode(&file[..at], &keys()).is_err(), "{at}");
    }
}

#[test]
fn eight_times_the_text_takes_about_eight_times_the_time() {
    let rows: String = (0..2_000).map(|row| format!("{:05};One Customer GmbH\n", row * 7)).collect();
    let all = sheets(&[(&["part", "customer"], 100)], &format!("part;customer\n{rows}"));
    let (matcher, keys) = (Matcher::new(all), keys());
    for unit in
        ["00007 ", "One Customer GmbH ", "00014 One Customer GmbH ", "a ", "aaaaa ", "-", "<b>", "é ", "1.", "\n1. "]
    {
        let time = |length: usize| {
            let text = unit.repeat(length / unit.len() + 1);
            let begin = crate::tests::cpu_seconds();
            let mut search = Search::new(&matcher, &keys);
            search.read(&text);
            assert!(search.finish().len() <= 1);
            crate::tests::cpu_seconds() - begin
        };
        let least = |length| (0..3).map(|_| time(length)).fold(f64::MAX, f64::min);
        let (small, large) = (least(1 << 14), least(1 << 17));
        assert!(large < 32.0 * small.max(0.001), "{unit:?}: {small} s, then {large} s");
    }
}

proptest! {
    #[test]
    fn every_value_is_found_in_any_text(
        values in prop::collection::vec("[a-hj-km-z2-9]{3,7}[ /-][a-hj-km-z2-9]{2,9}", 1..8), pick in 0usize..8, before in "[a-z ,]{0,30}", after in "[ ,.][a-z ,]{0,30}"
    ) {
        let csv = format!("v\n{}", values.join("\n"));
        let (matcher, keys) = (Matcher::new(sheets(&[(&["v"], 0)], &csv)), keys());
        let value = &values[pick % values.len()];
        let text = format!("{before} {value}{after}");
        let mut search = Search::new(&matcher, &keys);
        search.read(&text);
        let matched = search.finish();
        let at = before.len() + 1;
        prop_assert!(matched.iter().flat_map(|one| &one.places).any(|(_, span)| *span == (at..at + value.len())));
    }
}
