//! Good input of what reads a ledger: records, proofs, segments, and what is searched for in them.

use super::{cosigned_notes, data, is_json, notes, values};
use crate::{keys, records};

/// Records of the good ledgers.
#[must_use]
pub fn records() -> Vec<Vec<u8>> {
    let bundle = &records::good()["tile/entries/000.p/13"];
    let mut all: Vec<Vec<u8>> = store::frame::split(bundle).flatten().map(<[u8]>::to_vec).collect();
    all.extend(values("ledgers/receipts").filter(|(name, _)| is_json(name)).map(|(_, bytes)| bytes));
    all
}

/// What records are searched for.
#[must_use]
pub fn queries() -> Vec<Vec<u8>> {
    let all = [
        "",
        "kind=refuse&limit=200&before=4711",
        "since=1790000000000&until=1790000060000&conduit=copilot-openai&workload=copilot&zone=line&provider=openai",
        "model=gpt-*%C3%BC&verdict=allow&reason=no-conduit&sensitivity=internal&decision=edited&finding=secret.key",
        "operator=op-aaaabbbbccccdddd&id=01a1fb28-26bf-77bf-a1d9-a527ad6ecc12",
    ];
    all.map(|query| query.as_bytes().to_vec()).to_vec()
}

/// What is put away of records for a search.
#[must_use]
pub fn chapters() -> Vec<Vec<u8>> {
    let entries: Vec<_> = records().iter().filter_map(|line| ledger::decode(line).ok()).collect();
    vec![index::seed(&entries), index::seed(&[])]
}

/// Bundles and tiles after their width, and the paths of tiles.
#[must_use]
pub fn bundles() -> Vec<Vec<u8>> {
    let tiles = records::good().iter().filter(|(name, _)| name.starts_with("tile/"));
    let paths = ["tile/0/000", "tile/0/x001/234.p/7", "tile/entries/000.p/13", "tile/63/000"]
        .map(|path| path.as_bytes().to_vec());
    tiles.map(|(_, bytes)| [&[13], bytes.as_slice()].concat()).chain(paths).collect()
}

/// Receipts.
#[must_use]
pub fn receipts() -> Vec<Vec<u8>> {
    values("ledgers/receipts").filter(|(name, _)| name.ends_with(".tlog-proof")).map(|(_, bytes)| bytes).collect()
}

/// What is asked of witnesses, and what they answer.
#[must_use]
pub fn witness_requests() -> Vec<Vec<u8>> {
    let hash = seal::base64(&[7; 32]);
    let claims = ["old 0\n\n".to_owned(), format!("old 3\n{hash}\n{hash}\n\n")];
    let join = |note: &Vec<u8>| claims.clone().map(|claim| [claim.as_bytes(), note].concat());
    let answers = cosigned_notes().into_iter().filter_map(|note| {
        let end = note.windows(2).rposition(|pair| pair == b"\n\n")?;
        note.get(end + 2..).map(<[u8]>::to_vec)
    });
    notes().iter().flat_map(join).chain(answers).chain([b"20852163\n".to_vec()]).collect()
}

/// Trust files.
#[must_use]
pub fn trust_files() -> Vec<Vec<u8>> {
    let policy = format!("log {} https://log.example\nquorum none\n", keys::signer().verifier());
    let witness = keys::cosigner().witness();
    let grouped = format!("{policy}witness w {witness} https://w.example\ngroup g 1 w\n").replace("none", "g");
    let grouped = format!("{}quorum g\n", grouped.replace("quorum g\n", ""));
    vec![data("ledgers/trust"), data("ledgers/trust-witnessed"), policy.into_bytes(), grouped.into_bytes()]
}

/// Alterations of the good ledger: none, and one of each kind.
#[must_use]
pub fn alterations() -> Vec<Vec<u8>> {
    let one = (0..5).map(|how| vec![0, 0, 40, how, 1]);
    let of_records = (0..5).map(|how| vec![5, 1, 0, how, b'x']);
    std::iter::once(Vec::new()).chain(one).chain(of_records).collect()
}

/// Frames after the byte that names their segment.
#[must_use]
pub fn frames() -> Vec<Vec<u8>> {
    let frame = |first: u64, entries: &[&[u8]]| {
        let mut run = Vec::new();
        for entry in entries {
            store::frame::push_entry(&mut run, entry);
        }
        let count = u32::try_from(entries.len()).expect("few entries");
        let header = store::frame::Header { first, count, previous: [1; 32], root: [2; 32], signature: [3; 64] };
        let mut out = vec![0];
        let mut bytes = Vec::new();
        store::frame::encode(&header, 0, &run, &mut bytes);
        out.extend_from_slice(&bytes);
        out
    };
    vec![frame(0, &[b"{}"]), frame(9, &[b"one", b"", b"three"])]
}
