//! Vectors of kept content. What the envelopes hold nobody opens here: a verifier has no key.

use super::{Expected, Vectors};
use crate::ledger::Pruning;
use crate::support::{Book, DAY, Folder};
use plant::{Body, Draft, Kind, Millis, Note, RecordId, Sealed};
use std::collections::BTreeMap;

const KEY: &str = "2025-11/operator.op-7k2m5qhd3zxw4a6t";
const OTHER: &str = "2025-11/workload.scheduler";

/// A ledger with content beside it.
#[derive(Clone)]
struct House {
    book: Book,
    /// Files of the folder beside those of the book.
    beside: BTreeMap<String, Vec<u8>>,
}

impl House {
    fn new() -> Self {
        Self { book: Book::begin(1), beside: BTreeMap::new() }
    }

    /// A call whose two records keep content under a key: the number of the first.
    fn call(&mut self, key: &str) -> (u64, RecordId) {
        let (seq, intent) = (self.book.records.len() as u64, self.book.id());
        self.sealed(Kind::Intent, intent, None, key);
        let id = self.book.id();
        self.sealed(Kind::Outcome, id, Some(intent), key);
        (seq, intent)
    }

    /// A record that names content, which is there with its key.
    fn sealed(&mut self, kind: Kind, id: RecordId, reference: Option<RecordId>, key: &str) {
        let bytes = format!("an envelope for {id}").into_bytes();
        let blob = seal::hex(&seal::sha256(&bytes));
        self.beside.insert(path(&blob), bytes);
        self.beside.insert(format!("seals/{key}"), b"a key".to_vec());
        self.naming(kind, id, reference, &blob, key);
    }

    fn naming(&mut self, kind: Kind, id: RecordId, reference: Option<RecordId>, blob: &str, key: &str) {
        let seal = Some(Sealed { blob: blob.to_owned(), key: key.to_owned() });
        self.book.write(&Draft { kind, id, reference, body: Body { seal, ..Body::default() } });
    }

    /// A record of an erasure, or of what else befell a scope.
    fn erase(&mut self, event: &str, scope: &[(&'static str, &str)]) -> &mut Self {
        let parts = [("event", event)].into_iter().chain(scope.iter().copied());
        let note = parts.map(|(key, text)| (key, Note::Text(text.to_owned()))).collect();
        let id = self.book.id();
        let body = Body { note, ..Body::default() };
        self.book.write(&Draft { kind: Kind::Erase, id, reference: None, body });
        // What is drawn in the same millisecond counts as before.
        self.book.now += 1;
        self
    }

    /// The content of a record is gone.
    fn lose(&mut self, seq: u64) -> &mut Self {
        let blob = self.blob(seq);
        self.beside.remove(&path(&blob)).unwrap();
        self
    }

    /// The content of a record is overwritten and not removed yet.
    fn overwrite(&mut self, seq: u64) -> &mut Self {
        let path = path(&self.blob(seq));
        let length = self.beside[&path].len();
        self.beside.insert(path, vec![0; length]);
        self
    }

    fn lose_key(&mut self, key: &str) -> &mut Self {
        self.beside.remove(&format!("seals/{key}")).unwrap();
        self
    }

    fn blob(&self, seq: u64) -> String {
        let record = &self.book.records[usize::try_from(seq).unwrap()];
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        record["seal"]["blob"].as_str().unwrap().to_owned()
    }

    fn folder(&self) -> Folder {
        let mut book = self.book.clone();
        book.publish();
        book.folder.0.extend(self.beside.clone());
        book.folder
    }
}

fn path(blob: &str) -> String {
    format!("blobs/{}/{blob}", &blob[..2])
}

pub(super) fn make(vectors: &mut Vectors) {
    let mut house = House::new();
    let (first, call) = house.call(KEY);
    let (second, _) = house.call(OTHER);
    let operator = ("subject", "operator.op-7k2m5qhd3zxw4a6t");
    let with = |change: &dyn Fn(&mut House)| {
        let mut house = house.clone();
        change(&mut house);
        house.folder()
    };
    let without = |house: &mut House| {
        house.lose(first).lose(first + 1).lose_key(KEY);
    };
    let mut case = |name: &str, why: &str, exit, seq, folder: Folder| {
        let name = format!("content-{name}");
        vectors.ledger(&name, why, &folder, &Expected { exit, seq, ..Expected::default() });
    };
    case("kept", "two calls with content", 0, None, house.folder());
    case(
        "gone",
        "an envelope is gone",
        12,
        Some(second),
        with(&|house| {
            house.lose(second);
        }),
    );
    case(
        "key-gone",
        "the key of two envelopes is gone",
        12,
        Some(first),
        with(&|house| {
            house.lose_key(KEY);
        }),
    );
    let altered = with(&|house| drop(house.beside.insert(path(&house.blob(second)), b"another".to_vec())));
    case("altered", "an envelope is another", 10, Some(second), altered);
    let erased = |scope: &[(&'static str, &str)]| {
        with(&|house| {
            without(house);
            house.erase("erased", scope);
        })
    };
    case("erased", "a subject was erased", 0, None, erased(&[operator]));
    case("erased-month", "a month of a subject was", 0, None, erased(&[operator, ("month", "2025-11")]));
    case("other-month", "another month was erased", 12, Some(first), erased(&[operator, ("month", "2025-12")]));
    let scheduler = ("subject", "workload.scheduler");
    case("other-subject", "another subject was, and is still there", 12, Some(first), erased(&[scheduler]));
    case(
        "two-scopes",
        "the record names a call as well",
        12,
        Some(first),
        erased(&[operator, ("record", &call.to_string())]),
    );
    case("no-scope", "the record names nobody", 12, Some(first), erased(&[]));
    case("odd-month", "the record names no month that is", 12, Some(first), erased(&[operator, ("month", "2025-13")]));
    let held = with(&|house| {
        without(house);
        house.erase("held", &[operator]);
    });
    case("held", "it was held, not erased", 12, Some(first), held);
    let one = with(&|house| {
        house.lose(first).lose(first + 1).erase("erased", &[("record", &call.to_string())]);
    });
    case("erased-call", "one call was erased", 0, None, one);
    let half = with(&|house| {
        house.lose(first).erase("erased", &[("record", &call.to_string())]);
    });
    case("unfinished", "erased, and half of it is still there", 12, Some(first + 1), half);
    let overwritten = |erased: bool| {
        with(&|house| {
            house.overwrite(first).lose(first + 1);
            if erased {
                house.erase("erased", &[("record", &call.to_string())]);
            }
        })
    };
    case("overwritten", "nothing but zeros is left of an envelope", 12, Some(first), overwritten(false));
    case("overwritten-erased", "erased, and its zeros not removed yet", 0, None, overwritten(true));
    let after = with(&|house| {
        without(house);
        house.erase("erased", &[operator]);
        let (seq, _) = house.call(KEY);
        house.lose(seq);
    });
    case("after", "content from after the erasure is gone", 12, Some(7), after);
    let anew = with(&|house| {
        without(house);
        house.erase("erased", &[operator]).call(KEY);
    });
    case("anew", "content from after the erasure is kept", 0, None, anew);
    // Drawn before the erasure, recorded after it: gone with the rest, or sealed after it under a fresh key.
    let drawn = |lost: bool| {
        with(&|house| {
            let early = house.book.id();
            without(house);
            house.erase("erased", &[operator]);
            house.sealed(Kind::Intent, early, None, KEY);
            if lost {
                house.lose(7).lose_key(KEY);
            }
        })
    };
    case("drawn-before", "an earlier identity, recorded after the erasure and gone", 0, None, drawn(true));
    case("sealed-after", "the same, and sealed under a fresh key", 0, None, drawn(false));
    // Content may go before its records, once these may: but it may not become another, nor be looked for elsewhere.
    let due = |minimum: u64, change: &dyn Fn(&mut House)| {
        with(&|house| {
            change(house);
            let until = Millis(house.book.now);
            while house.book.records.len() < 256 {
                house.book.plain(Kind::Beat);
            }
            house.book.now += 91 * DAY;
            let id = house.book.id();
            let note = Pruning { minimum, until, keep_days: 90 }.note();
            house.book.write(&Draft { kind: Kind::Prune, id, reference: None, body: Body { note, ..Body::default() } });
            house.lose(first).lose_key(OTHER);
        })
    };
    case("pruned", "content went before its records, as it may", 0, None, due(256, &|_| {}));
    case("not-pruned", "the same, and the records need not go", 12, Some(first), due(0, &|_| {}));
    let altered = due(256, &|house| drop(house.beside.insert(path(&house.blob(second)), b"another".to_vec())));
    case("pruned-altered", "the same, and an envelope without its key is another", 10, Some(second), altered);
    let elsewhere = due(256, &|house| {
        let (id, blob) = (house.book.id(), house.blob(second));
        house.naming(Kind::Refuse, id, None, &blob, "2025-11/../gone");
    });
    case("pruned-path", "the same, and a key leads out of the folder", 14, Some(6), elsewhere);
    let named = |blob: &str, key: &str| {
        let (blob, key) = (blob.to_owned(), key.to_owned());
        with(&move |house| {
            let id = house.book.id();
            house.naming(Kind::Refuse, id, None, &blob, &key);
        })
    };
    let blob = house.blob(first);
    case("same", "two records name one envelope", 0, None, named(&blob, KEY));
    case("upper-case", "a name in upper case", 14, Some(6), named(&blob.to_uppercase(), KEY));
    case("short-name", "a name that is no hash", 14, Some(6), named(&blob[..62], KEY));
    case("path", "a key that leads out of the folder", 14, Some(6), named(&blob, "2025-11/../../checkpoint"));
    case("no-month", "a key of no month", 14, Some(6), named(&blob, "2025-00/operator.op-7k2m5qhd3zxw4a6t"));
    case("dot", "a key that begins with a dot", 14, Some(6), named(&blob, "2025-11/.operator"));
    let folder = with(&|house| {
        let path = path(&house.blob(first));
        house.beside.remove(&path).unwrap();
        house.beside.insert(format!("{path}/x"), Vec::new());
    });
    case("folder", "a folder in place of an envelope", 14, Some(first), folder);
    // An identity that is no UUIDv7 tells no time: as if drawn before everything.
    let undated = with(&|house| {
        house.erase("erased", &[operator]);
        without(house);
        let id = RecordId::parse("5f0c1f6e-0000-4000-8000-000000000000").unwrap();
        assert_eq!(id.time(), Millis(0));
        house.sealed(Kind::Refuse, id, None, KEY);
        house.lose(7).lose_key(KEY);
    });
    case("undated", "an identity that tells no time", 0, None, undated);
    let gone = with(&|house| {
        house.lose(second);
    });
    let expected = Expected { exit: 12, policy: Some("policies/both"), ..Expected::default() };
    vectors.ledger("content-unwitnessed", "nobody has signed the head, and an envelope is gone", &gone, &expected);
}
