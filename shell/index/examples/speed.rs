//! How fast an index is built, printed beside what reading the same records costs without it, in the same run.
//!
//! `cargo run --release -p penstock-index --example speed -- DIR [RECORDS]`
//!
//! DIR is a folder on the disk to be measured; what is made there is removed again. Rounds alternate between reading and
//! indexing, so that a busy machine is busy for both. Files are in the page cache, as they are soon after being written.

mod scratch;

use penstock_index::{Answer, Index, IndexError, Limits, Progress, Value};
use plant::{
    Body, ConduitId, Decided, Draft, FindingCount, Io, Kind, Millis, Outcome, Party, Place, PlantId, ProviderId,
    RecordId, RuleId, Verdict, What, Who, ZoneId,
};
use rustix::time::{ClockId, clock_gettime};
use scratch::Result;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use store::{Filter, Reader};

const ROUNDS: usize = 3;

const QUESTIONS: [(&str, &str); 4] = [
    ("count by verdict", "select verdict, count(*) from records group by verdict"),
    ("calls by zone and day", "select date(time), zone, count(*) from records where kind = 'intent' group by 1, 2"),
    ("calls with their ends", "select count(*) from records i join records o on o.ref = i.id where o.status = 200"),
    ("one record by its identity", "select seq from records where id = (select max(id) from records)"),
];

fn main() -> Result<()> {
    scratch::with("speed", 200_000, draft, measure)
}

fn measure(folder: &Path) -> Result<()> {
    let reader = Reader::open(folder)?;
    let index = |how: How| how(folder, &mut |_| {}).map(drop).map_err(Into::into);
    let (mut read, mut indexed) = (Vec::new(), Vec::new());
    let (mut count, mut bytes) = (0, 0);
    for _ in 0..ROUNDS {
        (count, bytes) = (0_u64, 0_u64);
        read.push(worked(|| {
            for record in reader.records(0, Filter::default()) {
                count += 1;
                bytes += record?.line.len() as u64;
            }
            Ok(())
        })?);
        indexed.push(worked(|| index(Index::rebuild))?);
    }
    println!("{count} records of {} bytes on average", bytes / count.max(1));
    let (read, indexed) = (middle(read), middle(indexed));
    show("reading them", count, read);
    show("building the index", count, indexed);
    let ratio = |indexed: Duration, read: Duration| indexed.as_secs_f64() / read.as_secs_f64();
    let ratios = (ratio(indexed.0, read.0), ratio(indexed.1, read.1));
    println!("{:<28} {:>9.2}, of the processor's time {:.2}", "ratio of the middles", ratios.0, ratios.1);
    let size = std::fs::metadata(folder.join(penstock_index::FILE))?.len();
    println!("{:<28} {:>9} MiB, {} bytes a record", "the index takes", size >> 20, size / count.max(1));
    let nothing = timed(|| index(Index::open))?;
    println!("{:<28} {nothing:>9.1?}", "opening, nothing new");
    let index = Index::open(folder, &mut |_| {})?;
    for (name, question) in QUESTIONS {
        println!("{name:<28} {:>9.1?}", timed(|| Ok(index.ask(question, &Limits::default(), &mut Silent)?))?);
    }
    Ok(())
}

/// A way to come to an index.
type How = fn(&Path, &mut dyn FnMut(Progress)) -> std::result::Result<Index, IndexError>;

/// Takes an answer and says nothing.
struct Silent;

impl Answer for Silent {
    fn columns(&mut self, _: &[&str]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &[Value<'_>]) -> io::Result<()> {
        Ok(())
    }
}

fn timed(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed())
}

/// How long it takes, and the processor's time for it: what a busy machine does not add to.
fn worked(mut work: impl FnMut() -> Result<()>) -> Result<(Duration, Duration)> {
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime));
    let before = used()?;
    let took = timed(&mut work)?;
    Ok((took, used()?.saturating_sub(before)))
}

fn middle(mut times: Vec<(Duration, Duration)>) -> (Duration, Duration) {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn show(what: &str, count: u64, (took, used): (Duration, Duration)) {
    let rate = |time: Duration| count as f64 / time.as_secs_f64();
    println!("{what:<28} {took:>9.1?} {:>9.0} records/s, {:.0} a second of the processor's", rate(took), rate(used));
}

fn id(number: u64) -> RecordId {
    let mut random = [0; 10];
    for (byte, from) in random.iter_mut().zip(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()) {
        *byte = from;
    }
    RecordId::new(Millis(1_700_000_000_000 + number / 10), random)
}

/// An intent, then its outcome: as a gateway writes them.
fn draft(number: u64) -> Result<Draft> {
    let party = |id: &str, by| Some(Party { id: id.to_owned(), by });
    let zone = ["cell-1", "cell-2", "office"].get(number as usize / 2 % 3).ok_or("no zone")?;
    let what = What {
        provider: Some(ProviderId::new("openai")?),
        endpoint: "chat.completions".to_owned(),
        model: Some("gpt-4o".to_owned()),
        sensitivity: Some("internal".to_owned()),
        findings: vec![FindingCount { label: "person.email".to_owned(), count: 2 }],
        tools: vec!["read_tag".to_owned()],
        ..What::default()
    };
    let intent = Body {
        who: Some(Who {
            client: None,
            workload: party("mes-copilot", "mtls"),
            workstation: party("hmi-1", "mtls"),
            operator: party("op-aaaabbbbccccdddd", "oidc"),
            peer: "10.2.0.7".parse()?,
        }),
        place: Some(Place {
            plant: PlantId::new("brewery")?,
            zone: Some(ZoneId::new(*zone)?),
            conduit: Some(ConduitId::new("copilot")?),
            purpose: None,
        }),
        what: Some(what),
        ..Body::default()
    };
    let io = Io { request: Some("0f".repeat(32)), request_bytes: 900, answer_bytes: 1200, ..Io::default() };
    if number.is_multiple_of(2) {
        let decided = Decided {
            verdict: Verdict::Redact,
            reason: None,
            detail: None,
            rules: vec![RuleId::new("email.address")?],
            policy: "00".repeat(32),
        };
        let body = Body { decided: Some(decided), io: Some(io), ..intent };
        return Ok(Draft { kind: Kind::Intent, id: id(number), reference: None, body });
    }
    let out = Outcome {
        status: 200,
        reason: None,
        began: Millis(1_700_000_000_000 + number / 10),
        micros: 1_200_000,
        first_byte_micros: Some(300_000),
        provider_id: Some("chatcmpl-0123456789".to_owned()),
        model: Some("gpt-4o-2024-08-06".to_owned()),
    };
    let body = Body { io: Some(io), out: Some(out), ..intent.about() };
    Ok(Draft { kind: Kind::Outcome, id: id(number), reference: Some(id(number - 1)), body })
}
