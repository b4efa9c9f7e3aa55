//! How long a page of records takes, in a ledger of millions.
//!
//! `cargo run --release -p penstock-index --example pages -- DIR [RECORDS]`
//!
//! DIR is a folder on the disk to be measured; what is made there is removed again. Ten million records take 7 GB. Files are in the page
//! cache as far as the machine has room; each question is asked first by a search that has asked nothing yet, then again.

mod scratch;

use penstock_index::{Bounds, FOLDER, Question, Search};
use plant::{
    Body, ConduitId, Decided, Draft, FindingCount, Kind, Millis, OperatorId, Outcome, Party, Place, PlantId,
    ProviderId, Reason, RecordId, Verdict, What, Who, Wildcard, WorkloadId, ZoneId,
};
use scratch::Result;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use store::{Filter, Reader};

static GO_ON: AtomicBool = AtomicBool::new(false);
const PAGE: usize = 50;
const ROUNDS: usize = 21;
const TIME: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    scratch::with("pages", 10_000_000, draft, measure)
}

fn measure(folder: &Path) -> Result<()> {
    let reader = Reader::open(folder)?;
    let newest = reader.newest(1, Filter::default())?.pop().ok_or("no record")?.entry;
    let oldest = reader.records(100, Filter::default()).next().ok_or("no record")??.entry;
    let end = newest.seq() + 1;
    let (log, _) = size(&folder.join("tile"))?;
    println!("{end} records, {} MiB of tiles and bundles", log >> 20);
    let begin = Instant::now();
    Search::new(folder).prepare(end, &GO_ON)?;
    let took = begin.elapsed();
    let (bytes, files) = size(&folder.join(FOLDER))?;
    println!("{:<46} {took:>9.1?}, resting half of it", "making the chapters");
    println!("{:<46} {:>9} MiB in {files} files, {} bytes a record", "they take", bytes >> 20, bytes / end);
    let begin = Instant::now();
    let prepared = Search::new(folder);
    prepared.prepare(end, &GO_ON)?;
    println!("{:<46} {:>9.1?}", "taking them up at a start", begin.elapsed());
    for (name, question) in questions(oldest.id(), oldest.t(), newest.t(), end)? {
        let bounds = Bounds { records: PAGE, time: TIME, end, stop: &GO_ON };
        let ask = || -> Result<(Duration, usize)> {
            let begin = Instant::now();
            let page = prepared.page(&question, &bounds)?;
            if page.cut {
                return Err("a page took too long".into());
            }
            Ok((begin.elapsed(), page.found.len()))
        };
        let (first, found) = ask()?;
        let mut times = (0..ROUNDS).map(|_| Ok(ask()?.0)).collect::<Result<Vec<_>>>()?;
        times.sort_unstable();
        let (middle, worst) = (times.get(ROUNDS / 2).copied(), times.last().copied());
        let (middle, worst) = (middle.unwrap_or_default(), worst.unwrap_or_default());
        println!("{name:<46} {found:>3} found, first {first:>9.1?}, middle {middle:>9.1?}, worst {worst:>9.1?}");
    }
    Ok(())
}

fn questions(old: RecordId, from: Millis, to: Millis, end: u64) -> Result<Vec<(&'static str, Question)>> {
    let filter = Filter::default;
    let of = |filter| Question { filter, ..Question::default() };
    let middle = Millis(from.0.midpoint(to.0));
    let rare = OperatorId::new(operator(4242 * 6))?;
    let conduit = Some(ConduitId::new("conduit-7")?);
    let refused = Filter { verdict: Some(Verdict::Refuse), ..filter() };
    Ok(vec![
        ("the newest", of(filter())),
        ("from the middle of the ledger on", Question { below: Some(end / 2), ..of(filter()) }),
        ("the oldest", Question { below: Some(60), ..of(filter()) }),
        ("of one of 40 conduits", of(Filter { conduit: conduit.clone(), ..filter() })),
        ("refused, 1 of 50", of(refused.clone())),
        ("refused, below the hundred-thousandth", Question { below: Some(100_000.min(end)), ..of(refused.clone()) }),
        ("for one of 5,000 people", of(Filter { operator: Some(rare.clone()), ..filter() })),
        (
            "of that person, refused for a reason",
            of(Filter { operator: Some(rare), reason: Some(Reason::NoConduit), ..refused.clone() }),
        ),
        ("none: outcomes never have a verdict", of(Filter { kind: Some(Kind::Outcome), ..refused })),
        ("a model by a wildcard", of(Filter { model: Some(Wildcard("model-1*9".to_owned())), ..filter() })),
        ("with a finding, 1 of 1,000", Question { finding: Some("recipe".to_owned()), ..of(filter()) }),
        ("written before the middle, by one workload", {
            let workload = Some(WorkloadId::new("workload-77")?);
            of(Filter { until: Some(middle), workload, ..filter() })
        }),
        ("one of the oldest by its identity", of(Filter { id: Some(old), ..filter() })),
        ("what names one of the oldest", Question { naming: Some(old.to_string()), ..of(filter()) }),
        ("none of that identity", of(Filter { id: Some(RecordId::new(from, [9; 10])), ..filter() })),
    ])
}

fn size(folder: &Path) -> Result<(u64, u64)> {
    let (mut bytes, mut files) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (more, count) =
            if entry.file_type()?.is_dir() { size(&entry.path())? } else { (entry.metadata()?.len(), 1) };
        (bytes, files) = (bytes + more, files + count);
    }
    Ok((bytes, files))
}

fn mixed(number: u64, salt: u64) -> u64 {
    (number ^ salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

fn id(number: u64) -> RecordId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
    RecordId::new(Millis(1_790_000_000_000 + number / 10), random)
}

fn operator(number: u64) -> String {
    let letters = (0..16).map(|at| char::from(b'a' + u8::try_from(number >> (at % 4 * 4) & 15).unwrap_or_default()));
    format!("op-{}", letters.collect::<String>())
}

/// An intent, then its outcome, or a refusal: as a gateway writes them, without commitments.
fn draft(number: u64) -> Result<Draft> {
    let call = number / 2;
    let party = |id: String, by| Some(Party { id, by });
    let refused = mixed(call, 1).is_multiple_of(50);
    let answers = !number.is_multiple_of(2) && !refused;
    let finding = |label: &str| vec![FindingCount { label: label.to_owned(), count: 1 }];
    let what = What {
        provider: Some(ProviderId::new(format!("provider-{}", mixed(call, 2) % 5))?),
        endpoint: "chat.completions".to_owned(),
        model: Some(format!("model-{}", mixed(call, 3) % 30)),
        sensitivity: Some("internal".to_owned()),
        findings: if mixed(call, 4).is_multiple_of(500) { finding("recipe") } else { Vec::new() },
        ..What::default()
    };
    let intent = Body {
        who: Some(Who {
            client: None,
            workload: party(format!("workload-{}", mixed(call, 5) % 300), "mtls"),
            workstation: None,
            operator: party(operator(mixed(call, 6) % 5000 * 6), "oidc"),
            peer: "10.2.0.7".parse()?,
        }),
        place: Some(Place {
            plant: PlantId::new("brewery")?,
            zone: Some(ZoneId::new(format!("zone-{}", mixed(call, 7) % 12))?),
            conduit: Some(ConduitId::new(format!("conduit-{}", mixed(call, 8) % 40))?),
            purpose: None,
        }),
        what: Some(what),
        ..Body::default()
    };
    if answers {
        let out = Outcome {
            status: 200,
            reason: None,
            began: Millis(1_790_000_000_000 + number / 10),
            micros: 1_200_000,
            first_byte_micros: None,
            provider_id: None,
            model: None,
        };
        let body = Body { out: Some(out), ..intent.about() };
        return Ok(Draft { kind: Kind::Outcome, id: id(number), reference: Some(id(number - 1)), body });
    }
    let reasons = [Reason::NoConduit, Reason::Malformed, Reason::TokenUnknown];
    let reason = reasons.get((mixed(call, 9) % 3) as usize).copied().filter(|_| refused);
    let verdict = if refused { Verdict::Refuse } else { Verdict::Allow };
    let decided = Decided { verdict, reason, detail: None, rules: Vec::new(), policy: "00".repeat(8) };
    let kind = if refused { Kind::Refuse } else { Kind::Intent };
    Ok(Draft { kind, id: id(number), reference: None, body: Body { decided: Some(decided), ..intent } })
}
