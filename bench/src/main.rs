//! The side-by-side: Penstock with everything on, nginx as a plain TLS reverse proxy, and calling the provider directly.
//!
//! ```text
//! load ──────────────── HTTP ──────────────────> scripted provider      direct
//! load ── TLS ──> nginx ────────── HTTP ───────> scripted provider      nginx
//! load ── TLS ──> penstock run ─── HTTP ───────> scripted provider      penstock: identify, read, decide, record
//! ```
//!
//! All are processes of their own on one machine. The contenders take turns; a window in which any call fails is void.
//! Beside the numbers stand the floor of the rig (direct) and of the disk (a raw write and sync).

mod load;
mod rig;

use clap::Parser;
use load::{Target, Window};
use rig::Rig;
use std::path::PathBuf;
use std::time::Duration;

/// Measure Penstock beside nginx and beside calling the provider directly.
#[derive(Debug, Parser)]
struct Args {
    /// The folder that the ledger is on; a tmpfs such as `/dev/shm` leaves the disk out.
    #[arg(long, default_value = "/dev/shm")]
    ledger: PathBuf,
    /// Length of a window in seconds.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Windows of each contender.
    #[arg(long, default_value_t = 4)]
    windows: usize,
    /// Connections, each with one call at a time.
    #[arg(long, default_value = "1,64", value_delimiter = ',')]
    connections: Vec<usize>,
    /// The folder of `penstock` and `scripted-provider`.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// Streams that are held open for the measurement of memory; 0 leaves it out.
    #[arg(long, default_value_t = 1000)]
    streams: usize,
}

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args = Args::parse();
    let rig = Rig::build(&args.binaries, &args.ledger)?;
    println!("machine: {} cores; ledger on `{}`", std::thread::available_parallelism()?, args.ledger.display());
    println!("prompt: {} bytes of request body, one call at a time a connection, HTTP/1.1\n", rig.body("bench").len());
    let (p50, p99) = rig.raw_sync(500)?;
    println!("raw 4 KiB write + fdatasync on the ledger's disk: p50 {p50} us, p99 {p99} us\n");

    println!("| connections | contender | requests/s | p50 us | p99 us | cpu us/request | windows |");
    println!("|---|---|---|---|---|---|---|");
    for connections in &args.connections {
        side_by_side(&rig, &args, *connections).await?;
    }
    memory(&rig, args.streams).await
}

async fn side_by_side(rig: &Rig, args: &Args, connections: usize) -> Outcome<()> {
    let targets = rig.targets();
    let mut windows: Vec<Vec<Window>> = targets.iter().map(|_| Vec::new()).collect();
    for round in 0..=args.windows {
        for (target, windows) in targets.iter().zip(&mut windows) {
            let length = Duration::from_secs(if round == 0 { 1 } else { args.seconds });
            let window = load::run(target, &rig.body("bench"), connections, length).await?;
            // The first round warms up.
            if round > 0 && window.failed == 0 {
                windows.push(window);
            }
        }
    }
    for (target, windows) in targets.iter().zip(&windows) {
        let median = |of: fn(&Window) -> f64| {
            let mut values: Vec<f64> = windows.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        println!(
            "| {connections} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {} of {} |",
            target.name,
            median(|window| window.per_second),
            median(|window| window.p50),
            median(|window| window.p99),
            median(|window| window.cpu),
            windows.len(),
            args.windows,
        );
    }
    Ok(())
}

/// Resident memory of the gateway: at rest, with streams held open, with a large body, and afterwards.
async fn memory(rig: &Rig, streams: usize) -> Outcome<()> {
    if streams == 0 {
        return Ok(());
    }
    let Some(target) = rig.targets().into_iter().find(|target| target.name == "penstock") else { return Ok(()) };
    println!("\n| resident memory of the gateway | MiB |\n|---|---|");
    println!("| after the load above | {:.1} |", rig.resident());
    let held = load::hold(&target, &rig.body_streamed("silent"), streams).await?;
    println!("| with {} streams held open | {:.1} |", held.len(), rig.resident());
    drop(held);
    let large = rig.large(20 << 20);
    load::once(&target, &large).await?;
    println!("| after a body of {} MiB | {:.1} |", large.len() >> 20, rig.resident());
    Ok(())
}

/// A contender's name and way in.
pub(crate) fn target(name: &'static str, address: std::net::SocketAddr, path: &str, process: u32) -> Target {
    Target { name, address, path: path.to_owned(), tls: None, token: None, process }
}
