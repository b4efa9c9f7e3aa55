//! Writes a record of 1 KiB and adds it to the tree as often as the first argument says, for `cargo xtask count`.

use penstock_ledger::{ClockState, Frontier, Stamp, encode, leaf_hash};
use plant::{Body, Draft, Kind, Millis, Note, RecordId};
use std::collections::BTreeMap;
use std::hint::black_box;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: u64 = std::env::args().nth(1).ok_or("usage: count_record ROUNDS")?.parse()?;
    let t = Millis(1_790_000_000_000);
    let note = BTreeMap::from([("n", Note::Number(1)), ("text", Note::Text("x".repeat(690)))]);
    let draft = Draft {
        kind: Kind::Admin,
        id: RecordId::new(t, [7; 10]),
        reference: None,
        body: Body { note, ..Body::default() },
    };
    let (mut tree, mut prev) = (Frontier::new(), [0; 32]);
    for seq in 0..rounds {
        let stamp = Stamp { seq, prev, t, mono: seq, boot: 1, clk: ClockState::default() };
        prev = leaf_hash(&encode(&stamp, black_box(&draft))?);
        tree.push(prev);
    }
    black_box(tree.root());
    Ok(())
}
