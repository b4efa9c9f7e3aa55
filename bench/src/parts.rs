//! The runs: who takes part in each, under which load.

use crate::consoles::{Open, Person};
use crate::contenders::{self, Ground};
use crate::gate::{Gate, Without};
use crate::load::{self, Target};
use crate::page::{DISK, TEN, TMPFS, UNWATCHED};
use crate::process::{done, resident};
use crate::results::{Memory, Part, Pictures, Row, Streams, Table};
use crate::rig::{self, Provider};
use crate::{Args, Outcome, streams};
use bytes::Bytes;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Bytes of a prompt, and of its answer; and of a shorter one.
const PROMPT: usize = 2048;
const SHORT: usize = 1024;

/// Time for memory to come back after the last call.
const REST: Duration = Duration::from_secs(10);

/// What all parts have in common while they run.
struct Bench {
    folder: tempfile::TempDir,
    provider: Provider,
    part: Part,
}

impl Bench {
    fn new(args: &Args) -> Outcome<Self> {
        let provider = Provider::start(&args.binaries.join("scripted-provider"))?;
        let mut part = Part { machine: machine(), seconds: args.seconds, ..Part::default() };
        for (name, folder) in [("disk", &args.disk), ("tmpfs", &args.tmpfs)] {
            part.syncs.insert(name.to_owned(), rig::raw_sync(folder)?);
        }
        let version = String::from_utf8(done(Command::new(args.binaries.join("penstock")).arg("--version"))?)?;
        let version = version.trim().trim_start_matches("penstock ").to_owned();
        part.versions.insert("penstock".to_owned(), version);
        Ok(Self { folder: tempfile::tempdir()?, provider, part })
    }

    fn gate(&self, args: &Args, name: &'static str, ledgers: &Path, without: Without) -> Outcome<Gate> {
        let plant = self.folder.path().join(name.replace(' ', "-").replace(',', ""));
        Gate::start(name, (&args.binaries.join("penstock"), &plant, ledgers), self.provider.address, without, "")
    }

    fn direct(&self) -> Target {
        Target {
            name: "direct",
            address: self.provider.address,
            path: "/v1/chat/completions".to_owned(),
            tls: None,
            headers: Vec::new(),
            process: self.provider.process.id(),
        }
    }
}

/// Everyone, in turns: 1 and 64 connections, memory, streams.
pub(crate) async fn gateways(args: &Args) -> Outcome<Part> {
    let mut bench = Bench::new(args)?;
    let disk = bench.gate(args, DISK, &args.disk, Without::Nothing)?;
    let tmpfs = bench.gate(args, TMPFS, &args.tmpfs, Without::Nothing)?;
    let plant = bench.folder.path().join(DISK.replace(' ', "-").replace(',', ""));
    let others = contenders::start(&Ground {
        folder: bench.folder.path(),
        plant: &plant,
        installed: &args.installed,
        provider: bench.provider.address,
    });
    let mut targets = vec![bench.direct()];
    for other in &others {
        bench.part.versions.insert(other.target.name.to_owned(), other.version.clone());
        targets.push(other.target.clone());
    }
    targets.extend([disk.target.clone(), tmpfs.target.clone()]);

    let mut memory: Vec<Memory> = targets
        .iter()
        .map(|target| {
            let idle = resident(target.process);
            Memory { name: target.name.to_owned(), idle, loaded: idle, recovered: idle }
        })
        .collect();
    let body = rig::chat(PROMPT);
    for connections in [1, 64] {
        let table = side_by_side(args, &targets, &body, connections, &mut memory).await?;
        bench.part.tables.push(table);
    }
    let proxies: Vec<Target> =
        targets.iter().filter(|target| ["direct", "nginx", DISK, TMPFS].contains(&target.name)).cloned().collect();
    bench.part.tables.push(side_by_side(args, &proxies, &rig::chat(SHORT), 64, &mut []).await?);
    bench.part.streams = flowing(args, &targets).await?;
    tokio::time::sleep(REST).await;
    for (memory, target) in memory.iter_mut().zip(&targets) {
        memory.recovered = resident(target.process);
    }
    bench.part.memory = memory;
    Ok(bench.part)
}

/// Penstock, with one step after the other switched off. The ledger is on a tmpfs but where it says otherwise.
pub(crate) async fn steps(args: &Args) -> Outcome<Part> {
    let mut bench = Bench::new(args)?;
    let steps = [
        Without::Nothing,
        Without::Operator,
        Without::Rule,
        Without::Shifts,
        Without::Reading,
        Without::Certificate,
        Without::Tls,
    ];
    let mut gates = Vec::new();
    for step in steps {
        gates.push(bench.gate(args, step.name(), &args.tmpfs, step)?);
    }
    gates.push(bench.gate(args, "everything on, ledger on the disk", &args.disk, Without::Nothing)?);
    let mut targets = vec![bench.direct()];
    targets.extend(gates.iter().map(|gate| gate.target.clone()));
    for connections in [1, 64] {
        let table = side_by_side(args, &targets, &rig::chat(PROMPT), connections, &mut []).await?;
        bench.part.tables.push(table);
    }
    Ok(bench.part)
}

/// Long prompts, many streams, large pictures.
pub(crate) async fn bodies(args: &Args) -> Outcome<Part> {
    let mut bench = Bench::new(args)?;
    let tmpfs = bench.gate(args, TMPFS, &args.tmpfs, Without::Nothing)?;
    let targets = [bench.direct(), tmpfs.target.clone()];
    let table = side_by_side(args, &targets, &rig::chat(100 << 10), 1, &mut []).await?;
    bench.part.tables.push(table);
    for target in &targets {
        bench.part.many.push(streams::many(target, 1024).await?);
    }
    bench.part.pictures = Some(pictures(&tmpfs.target).await?);
    let shut = tmpfs.command(&["isolate", "everything", "--reason", "measured"]);
    bench.part.cut = Some(streams::cut(&tmpfs.target, 256, shut).await?);
    Ok(bench.part)
}

/// Ten consoles that follow and reload, against none, in alternating windows of one gateway.
pub(crate) async fn consoles(args: &Args) -> Outcome<Part> {
    let mut bench = Bench::new(args)?;
    let gate = bench.gate(args, TMPFS, &args.tmpfs, Without::Nothing)?;
    let mut people = Vec::new();
    for nth in 1..=10 {
        people.push(Person::sign_in(&gate, &format!("person-{nth}")).await?);
    }
    let body = rig::chat(PROMPT);
    load::once(&gate.target, &body).await?;
    for connections in [1, 64] {
        let row = |name: &str| Row { name: name.to_owned(), windows: Vec::new() };
        let mut rows = vec![row(UNWATCHED), row(TEN)];
        for round in 0..=args.windows {
            for (row, people) in rows.iter_mut().zip([&[], people.as_slice()]) {
                let open = Open::by(people).await?;
                // The first round warms up.
                let length = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
                let window = load::run(&gate.target, &body, connections, length).await?;
                open.close()?;
                if round > 0 {
                    row.windows.push(window);
                }
            }
        }
        for row in &rows {
            let (p50, p99) = (row.median(|window| window.p50), row.median(|window| window.p99));
            eprintln!("{connections:3} {:40} p50 {p50:8.0} us  p99 {p99:8.0} us  {} windows", row.name, row.whole());
        }
        bench.part.tables.push(Table { connections, bytes: body.len(), rows });
    }
    Ok(bench.part)
}

async fn side_by_side(
    args: &Args,
    targets: &[Target],
    body: &Bytes,
    connections: usize,
    memory: &mut [Memory],
) -> Outcome<Table> {
    let mut rows: Vec<Row> =
        targets.iter().map(|target| Row { name: target.name.to_owned(), windows: Vec::new() }).collect();
    for target in targets {
        load::once(target, body).await?;
    }
    for round in 0..=args.windows {
        for (place, (target, row)) in targets.iter().zip(&mut rows).enumerate() {
            // The first round warms up.
            let length = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
            let window = load::run(target, body, connections, length).await?;
            if round > 0 {
                row.windows.push(window);
            }
            if let Some(memory) = memory.get_mut(place) {
                memory.loaded = memory.loaded.max(resident(target.process));
            }
        }
    }
    for row in &rows {
        let (rate, p50) = (row.median(|window| window.per_second), row.median(|window| window.p50));
        eprintln!("{connections:3} {:40} {rate:8.0}/s  p50 {p50:8.0} us  {} windows", row.name, row.whole());
    }
    Ok(Table { connections, bytes: body.len(), rows })
}

async fn flowing(args: &Args, targets: &[Target]) -> Outcome<Vec<Streams>> {
    let mut rows: Vec<Streams> =
        targets.iter().map(|target| Streams { name: target.name.to_owned(), windows: Vec::new() }).collect();
    let mut able = Vec::new();
    for target in targets {
        // Who cannot stream at all keeps an empty row, and the page says so.
        let tried = load::once(target, &streams::paced(5)).await;
        able.push(tried.map_err(|problem| eprintln!("no streams: {problem}")).is_ok());
    }
    for _ in 0..args.windows {
        for ((target, row), _) in targets.iter().zip(&mut rows).zip(&able).filter(|(_, able)| **able) {
            row.windows.push(streams::run(target, Duration::from_secs(args.seconds.div_ceil(2))).await?);
        }
    }
    Ok(rows)
}

/// 64 calls at once with a picture of 20 MiB each.
async fn pictures(target: &Target) -> Outcome<Pictures> {
    const CALLS: usize = 64;
    // 2,645 pixels square, three bytes each, are 20 MiB.
    let body = rig::picture(2645)?;
    let before = resident(target.process);
    let loops: Vec<_> = (0..CALLS)
        .map(|_| {
            let (target, body) = (target.clone(), body.clone());
            tokio::spawn(async move { load::once(&target, &body).await })
        })
        .collect();
    let mut most = before;
    while loops.iter().any(|one| !one.is_finished()) {
        most = most.max(resident(target.process));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut failed = 0;
    for one in loops {
        if let Err(problem) = one.await? {
            eprintln!("{problem}");
            failed += 1;
        }
    }
    tokio::time::sleep(REST).await;
    let after = resident(target.process);
    Ok(Pictures { calls: CALLS, failed, body: body.len() as f64 / f64::from(1 << 20), before, most, after })
}

/// What it ran on.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cpu = cpu.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores ({cpu}), shared with the load and the provider")
}
