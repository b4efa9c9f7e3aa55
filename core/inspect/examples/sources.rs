//! What looking for data sources adds to reading a prompt of 64 KiB: `cargo run --release -p penstock-inspect --example sources`.
//!
//! The text is the prompt of the other measurements over and over. It holds no tag of a source, one in every 2 KiB, or is made
//! of beginnings of tags and nothing else. Patterns are told from each other by their numbers, as a plant's are.

use penstock_inspect::{Inspector, Settings};
use plant::{Content, Origin, Piece, Sensitivity, Source, SourceId};
use std::hint::black_box;
use std::time::Duration;

const PROMPT: &str = include_str!("../../../testdata/bench/prompt.txt");
const LENGTH: usize = 64 << 10;
const ROUNDS: usize = 60;

/// What this thread has had of a processor: what others do meanwhile does not count.
#[expect(clippy::expect_used, reason = "a measurement that cannot begin is no measurement")]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a time since the start")
}

fn inspector(tags: usize) -> Result<Inspector, Box<dyn std::error::Error>> {
    let tag = |number: usize| match number % 10 {
        0 => format!("AREA{}.LINE{}.U{number}.*", number % 7, number % 31),
        _ => format!("AREA{}.LINE{}.TIC{number:05}.PV", number % 7, number % 31),
    };
    let of = |index: usize| (0..tags).filter(move |number| number % 10 == index).map(tag).collect::<Vec<_>>();
    let source = |index: usize| {
        let id = SourceId::new(format!("line-{index}"))?;
        let (sensitivity, owner) = (Sensitivity::LOWEST, String::new());
        let (paths, documents, tables) = Default::default();
        Ok::<_, plant::InvalidId>(Source {
            id,
            title: None,
            sensitivity,
            owner,
            tags: of(index),
            paths,
            documents,
            tables,
        })
    };
    let sources = (0..10).filter(|index| *index < tags).map(source).collect::<Result<_, _>>()?;
    Ok(Inspector::new(&Settings { sources, ..Settings::new(Sensitivity::LOWEST) })?)
}

/// The middle of many readings, and how many findings are of sources.
fn read(inspector: &Inspector, text: &str) -> Result<(Duration, usize), Box<dyn std::error::Error>> {
    let piece = Piece {
        path: "messages[0].content".to_owned(),
        text: text.into(),
        attachment: None,
        origin: Origin::Prompt,
        fixed: false,
    };
    let content = Content { pieces: vec![piece] };
    let (mut times, mut found) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let begin = cpu_time();
        let findings = black_box(inspector.read(black_box(&content))?);
        times.push(cpu_time() - begin);
        found = findings.iter().filter(|finding| finding.source().is_some()).count();
    }
    times.sort_unstable();
    Ok((times.get(ROUNDS / 2).copied().unwrap_or_default(), found))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let prose: String = PROMPT.chars().cycle().take(LENGTH).collect();
    let mut tagged = prose.clone();
    (0..32).for_each(|part| tagged.insert_str(part * 2048, " AREA2.LINE3.U0.PV AREA1.LINE1.TIC00001.PV "));
    let beginnings = "AREA1.LINE1.TIC0000 AREA0.LINE0.U0 ".chars().cycle().take(LENGTH).collect::<String>();
    let texts = [("prose", prose), ("prose with tags", tagged), ("beginnings of tags", beginnings)];
    println!("{:<20} {:>8} {:>10} {:>8} {:>6}", "text of 64 KiB", "tags", "p50", "MB/s", "found");
    for tags in [0, 100, 1_000, 10_000, 50_000] {
        let inspector = inspector(tags)?;
        for (name, text) in &texts {
            let (time, found) = read(&inspector, text)?;
            let rate = text.len() as f64 / time.as_secs_f64() / 1e6;
            println!("{name:<20} {tags:>8} {:>8.0}µs {rate:>8.1} {found:>6}", time.as_secs_f64() * 1e6);
        }
    }
    Ok(())
}
