//! Laws that hold whatever a file or a message says, for fuzzing.

use crate::{Collection, Csv, Keys, Matcher, Order, Reader, Search, Sheets, Table, collection, file, sheet};
use plant::{Label, TableId};

const TEXT: &str = "Charge reactor R-201 with 1,250 kg of demineralised water and start the agitator at 45 rpm.";

fn keys() -> Keys {
    Keys::new(&[5; 32])
}

/// The body of a file of documents. What is read is written as the same bytes, and can be looked up in.
pub fn fuzz_documents(body: &[u8]) {
    let keys = keys();
    let _ = Collection::decode(body, &keys);
    for name in [collection::NAME, collection::NAME_2] {
        let bytes = file::close(name, &keys, body);
        let Ok(read) = Collection::decode(&bytes, &keys) else { continue };
        assert!(read.encode(&keys) == bytes, "a file has one spelling");
        let table = Table::new(&read);
        let mut reader = Reader::new(&table, &keys);
        reader.read(TEXT);
        assert!(reader.finish().iter().all(|one| one.hits >= 2 && one.coverage <= 100));
    }
}

/// The body of a file of tables.
pub fn fuzz_tables(body: &[u8]) {
    let keys = keys();
    let _ = Sheets::decode(body, &keys);
    let bytes = file::close(sheet::NAME, &keys, body);
    let Ok(read) = Sheets::decode(&bytes, &keys) else { return };
    assert!(read.encode(&keys) == bytes, "a file has one spelling");
    let matcher = Matcher::new(read);
    let mut search = Search::new(&matcher, &keys);
    search.read(TEXT);
    let _ = search.finish();
}

/// An export; and a message that says the same. Whatever is registered is found in what it was registered from, at the
/// least once, or there is nothing in it.
pub fn fuzz_csv(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut records = Csv::new(&text);
    let Some(Ok(head)) = records.next() else { return };
    let all = records.collect::<Result<Vec<_>, _>>();
    let (Ok(id), Ok(label)) = (TableId::new("table"), Label::new("data")) else { return };
    let column: Vec<String> = head.iter().take(1).map(|name| name.trim().to_owned()).collect();
    let (keys, mut sheets) = (keys(), Sheets::default());
    let entered = sheets.add(Order { id, label, sensitivity: None, rules: vec![(column, 0)] }, &text, &keys);
    assert!(all.is_ok() || entered.is_err(), "what is no CSV is not registered");
    let (Ok(entered), Ok(all)) = (entered, all) else { return };
    let file = sheets.encode(&keys);
    assert!(Sheets::decode(&file, &keys).as_ref() == Ok(&sheets), "what is written is read again");
    let matcher = Matcher::new(sheets);
    let mut search = Search::new(&matcher, &keys);
    for field in all.iter().filter_map(|record| record.first()) {
        search.read(field);
    }
    for matched in search.finish() {
        assert!(matched.count <= entered.values);
    }
}
