//! A long mixed load: what a plant does all day, with its plant file changed under it, and the gateway's memory before, during and after.
//!
//! ```text
//! chats, streams, pictures, refusals, callers that leave ── TLS, HTTP/1.1 ─┐
//! calls and streams of messages of gRPC ─────────────────── TLS, HTTP/2 ───┤──> penstock run ──> scripted provider, gRPC echo
//! penstock reload, with a changed plant file ──────────────────────────────┘
//! ```
//!
//! Then nothing calls for two minutes. It has gone well if every call came to what it should, each left one record of its end, the
//! ledger verifies, and memory is back.

mod ends;
mod vision;

use crate::gate::{Gate, Without};
use crate::load::{self, Sender, Target};
use crate::process::{done, resident};
use crate::rig::{self, Provider};
use crate::{Args, Outcome, streams};
use bytes::Bytes;
use ends::Ends;
use http_body_util::BodyExt;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long memory has to come back, and to how many times what it was before.
const REST: Duration = Duration::from_secs(120);
const BACK: f64 = 1.5;
/// How long each caller thinks between two calls, so that an hour's ledger stays at a few gigabytes.
const PAUSE: Duration = Duration::from_millis(40);
/// Callers of each kind.
const CHATS: usize = 8;
const STREAMS: usize = 4;
/// Unexpected ends that are told in full.
const TOLD: usize = 10;

/// What came of the calls.
#[derive(Default)]
pub(crate) struct Tally {
    /// Calls that left, and so must have an intent and an outcome.
    left: AtomicU64,
    refused: AtomicU64,
    reloads: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Tally {
    fn count(&self, what: &str, came: Outcome<u16>, expected: u16) {
        match came {
            Ok(status) if status == expected && status == 200 => self.left.fetch_add(1, Ordering::Relaxed),
            Ok(status) if status == expected => self.refused.fetch_add(1, Ordering::Relaxed),
            Ok(status) => return self.wrong(format!("{what}: {status} and not {expected}")),
            Err(problem) => return self.wrong(format!("{what}: {problem}")),
        };
    }

    fn wrong(&self, what: String) {
        // A panic under the lock leaves a list that is whole.
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn counted(&self) -> [u64; 3] {
        [&self.left, &self.refused, &self.reloads].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Runs the load for so long, and prints what came of it.
pub(crate) async fn run(args: &Args) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let provider = Provider::start(&args.binaries.join("scripted-provider"))?;
    let vision = vision::serve().await?;
    let plant = folder.path().join("plant");
    let more = include_str!("endurance.toml").replace("VISION", &vision.to_string());
    let binary = args.binaries.join("penstock");
    let mut gate = Gate::start("endurance", (&binary, &plant, &args.disk), provider.address, Without::Nothing, &more)?;
    tokio::time::sleep(REST / 20).await;
    let (process, idle) = (gate.target.process, resident(gate.target.process));
    let length = Duration::from_secs(args.minutes * 60);
    println!("idle {idle:.1} MiB; mixed load for {} minutes", args.minutes);

    let (tally, began) = (Arc::new(Tally::default()), Instant::now());
    let mut callers = callers(&gate, &tally, began + length)?;
    let mut seen = Vec::new();
    while began.elapsed() < length {
        tokio::time::sleep(LOOK).await;
        seen.push(resident(process));
        if seen.len().is_multiple_of(30) {
            let [left, refused, reloads] = tally.counted();
            println!(
                "{:5} s  {:6.1} MiB  {left} calls, {refused} refused, {reloads} reloads",
                began.elapsed().as_secs(),
                seen.last().unwrap_or(&0.0)
            );
        }
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let recovered = rest(process, idle).await;
    gate.stop();
    let told = done(gate.command(&["verify"]).arg(gate.ledger()));
    let ends = Ends::of(gate.command(&["records", "--format", "ndjson"]))?;
    conclude(&tally, &ends, told.is_ok(), &Memory { idle, seen, recovered })
}

/// Memory of the gateway in MiB.
struct Memory {
    idle: f64,
    /// Under load, in equal steps of time.
    seen: Vec<f64>,
    /// After how many seconds it was back, and what it was at the end.
    recovered: (Option<u64>, f64),
}

/// Everybody who calls.
fn callers(gate: &Gate, tally: &Arc<Tally>, end: Instant) -> Outcome<JoinSet<Outcome<()>>> {
    let mut callers = JoinSet::new();
    let (target, chat, picture) = (&gate.target, rig::chat(2048), rig::picture(512)?);
    let secret = Bytes::from(
        json!({"model": "bench", "messages": [{"role": "user", "content":
            "Log in with AKIAQ3EGRTYUJK5LZXCV and kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb"}]})
        .to_string(),
    );
    let unknown = Bytes::from(json!({"model": "nobodys", "messages": []}).to_string());
    let calls = std::iter::repeat_n(("chat", chat, 200), CHATS).chain([
        ("picture", picture, 200),
        ("secret", secret, 403),
        ("model", unknown, 403),
    ]);
    for (what, body, expected) in calls {
        callers.spawn(calling(target.clone(), Arc::clone(tally), (what, body, expected), end));
    }
    for _ in 0..STREAMS {
        callers.spawn(streaming(target.clone(), Arc::clone(tally), end));
    }
    callers.spawn(leaving(target.clone(), Arc::clone(tally), end));
    callers.spawn(vision::calling(target.clone(), Arc::clone(tally), end));
    let (file, reload) = (gate.plant_file(), gate.command(&["reload"]));
    callers.spawn(reloading(file, reload, Arc::clone(tally), end));
    Ok(callers)
}

async fn calling(
    target: Target,
    tally: Arc<Tally>,
    (what, body, expected): (&'static str, Bytes, u16),
    end: Instant,
) -> Outcome<()> {
    let mut sender = load::connect(&target).await?;
    while Instant::now() < end {
        let came = load::call(&mut sender, &target, &body).await;
        if came.is_err() || expected != 200 {
            sender = load::connect(&target).await?;
        }
        tally.count(what, came, expected);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn streaming(target: Target, tally: Arc<Tally>, end: Instant) -> Outcome<()> {
    let (mut sender, body) = (load::connect(&target).await?, streams::paced(5));
    while Instant::now() < end {
        let seen = streams::follow(&mut sender, &target, &body).await;
        let whole = seen.and_then(|seen| if seen.whole { Ok(200) } else { Err("a stream is not whole".into()) });
        if whole.is_err() {
            sender = load::connect(&target).await?;
        }
        tally.count("stream", whole, 200);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Callers that leave in mid-stream.
async fn leaving(target: Target, tally: Arc<Tally>, end: Instant) -> Outcome<()> {
    let body = streams::paced(20);
    while Instant::now() < end {
        let mut sender = load::connect(&target).await?;
        tally.count("left", begun(&mut sender, &target, &body).await, 200);
        drop(sender);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The status of a stream of which the first piece has come.
async fn begun(sender: &mut Sender, target: &Target, body: &Bytes) -> Outcome<u16> {
    let mut answer = load::begin(sender, target, body).await?;
    answer.body_mut().frame().await.ok_or("nothing came")??;
    Ok(answer.status().as_u16())
}

/// Changes the plant file and has it read, about once a second.
async fn reloading(
    file: std::path::PathBuf,
    mut reload: std::process::Command,
    tally: Arc<Tally>,
    end: Instant,
) -> Outcome<()> {
    let text = std::fs::read_to_string(&file)?;
    for turn in 0_u64.. {
        if Instant::now() >= end {
            break;
        }
        let fresh = file.with_extension("fresh");
        std::fs::write(&fresh, format!("{text}\n# turn {turn}\n"))?;
        std::fs::rename(&fresh, &file)?;
        let (told, own) = tokio::task::spawn_blocking(move || (done(&mut reload), reload)).await?;
        reload = own;
        match told {
            Ok(_) => tally.reloads.fetch_add(1, Ordering::Relaxed),
            Err(problem) => {
                tally.wrong(format!("reload: {problem}"));
                0
            }
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Waits for memory to come back: after how many seconds it had, and what it is in the end.
async fn rest(process: u32, idle: f64) -> (Option<u64>, f64) {
    let (began, mut back) = (Instant::now(), None);
    loop {
        let now = resident(process);
        if now <= idle * BACK {
            back = back.or(Some(began.elapsed().as_secs()));
        }
        if began.elapsed() >= REST {
            return (back.filter(|_| now <= idle * BACK), now);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Prints what came of it.
///
/// # Errors
/// If something is not as it should be.
fn conclude(tally: &Tally, ends: &Ends, verifies: bool, memory: &Memory) -> Outcome<()> {
    let [left, refused, reloads] = tally.counted();
    let wrong = tally.wrong.lock().unwrap_or_else(PoisonError::into_inner);
    wrong.iter().take(TOLD).for_each(|what| println!("  {what}"));
    println!(
        "calls        {left} passed, {refused} refused as they should, {} otherwise; {reloads} reloads",
        wrong.len()
    );
    println!(
        "records      {} intents, {} outcomes, {} refusals, {} events; {} without an end, {} with two",
        ends.intents,
        ends.outcomes,
        ends.refusals,
        ends.events,
        ends.open(),
        ends.twice
    );
    println!("ledger       {}", if verifies { "verifies" } else { "DOES NOT VERIFY" });
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let (early, late) = memory.seen.split_at(memory.seen.len() / 2);
    let most = memory.seen.iter().copied().fold(memory.idle, f64::max);
    let (back, last) = memory.recovered;
    println!(
        "memory, MiB  idle {:.1}; under load {:.1} in the first half, {:.1} in the second, {most:.1} at most; {last:.1} after {} s",
        memory.idle,
        mean(early),
        mean(late),
        REST.as_secs()
    );
    println!(
        "aim          {:.1} MiB ({BACK} times idle) within {} s: {}",
        memory.idle * BACK,
        REST.as_secs(),
        back.map_or("MISSED".to_owned(), |seconds| format!("met after {seconds} s"))
    );
    let whole = ends.intents == left && ends.outcomes == left && ends.refusals == refused && ends.open() == 0;
    match wrong.is_empty() && whole && ends.twice == 0 && verifies && back.is_some() {
        true => Ok(()),
        false => Err("not everything is as it should be".into()),
    }
}
