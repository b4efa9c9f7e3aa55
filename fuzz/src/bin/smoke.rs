//! Every target on its seeds, its corpus and mutations of both. Stable Rust, one seed, about half a minute.
//!
//! ```text
//! smoke [--seed N] [--times N] [--careful] [TARGET ...]    mutate; `--times 20` tries twenty times as many
//! smoke TARGET FILE ...                                    only these inputs: how a finding is looked at again
//! smoke --write-seeds FOLDER                               the seeds as files, for `cargo fuzz`
//! ```
//!
//! A panic, a broken law and an input that takes too long are told with the input. What ends the whole process, such as a
//! stack overflow, is found by running the target again with `--careful`: the input under way is then always in
//! `artifacts/TARGET.current`. The seed makes it the same run.

use penstock_fuzz::mutate::{Random, mutant};
use penstock_fuzz::{TARGETS, Target, target};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long one input may take. Inputs have at most 16 KiB, or the length of their seed, and every parser is linear; this is
/// for a busy machine.
const LONGEST_RUN: Duration = Duration::from_secs(20);

/// Begins every run that names no other.
const SEED: u64 = 0x0050_454E_5354_4F43;

/// What was asked for.
struct Order {
    seed: u64,
    times: u32,
    careful: bool,
    targets: Vec<Target>,
    files: Vec<PathBuf>,
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    let order = match order() {
        Ok(order) => order,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    if let Some(folder) = &order.write {
        write_seeds(folder);
        return ExitCode::SUCCESS;
    }
    println!("seed {}", order.seed);
    let (mut passed, mut failed) = (0, 0);
    for target in &order.targets {
        let began = Instant::now();
        match run(*target, &order) {
            Ok(inputs) => {
                passed += 1;
                println!("{:<12} {inputs:>7} inputs  {:>5.1} s", target.name, began.elapsed().as_secs_f32());
            }
            Err(problem) => {
                failed += 1;
                println!("{:<12} FAILED: {problem}", target.name);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn order() -> Result<Order, String> {
    let mut order = Order { seed: SEED, times: 1, careful: false, targets: Vec::new(), files: Vec::new(), write: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number =
            || words.next().and_then(|text| text.parse::<u64>().ok()).ok_or(format!("`{word}` wants a number"));
        match word.as_str() {
            "--seed" => order.seed = number()?,
            "--times" => order.times = u32::try_from(number()?).map_err(|_| "`--times` wants less")?,
            "--careful" => order.careful = true,
            "--write-seeds" => order.write = Some(words.next().ok_or("`--write-seeds` wants a folder")?.into()),
            name => match target(name) {
                Some(target) => order.targets.push(target),
                None if Path::new(name).is_file() => order.files.push(name.into()),
                None => return Err(format!("`{name}` is neither a target nor a file")),
            },
        }
    }
    if order.targets.is_empty() {
        order.targets = TARGETS.to_vec();
    }
    Ok(order)
}

/// The inputs to begin with: those of `corpus/`, of `testdata/regressions/` and the target's own.
fn inputs(target: Target) -> Vec<Vec<u8>> {
    let mut all = (target.seeds)();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [root.join("corpus").join(target.name), root.join("../testdata/regressions").join(target.name)] {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort();
        all.extend(files.iter().filter_map(|path| fs::read(path).ok()));
    }
    all
}

/// What the thread of a target shows to whoever watches it.
#[derive(Default)]
struct Progress {
    done: AtomicU32,
    input: Mutex<Vec<u8>>,
}

/// Runs one target in a thread of its own and watches it.
fn run(target: Target, order: &Order) -> Result<u32, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let read = |path: &PathBuf| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let given = order.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let rounds = if given.is_empty() { target.rounds.saturating_mul(order.times) } else { 0 };
    let current = order.careful.then(|| folder.join(format!("{}.current", target.name)));
    let (seed, progress) = (order.seed, Arc::new(Progress::default()));
    let (report, reports) = channel();
    let shared = Arc::clone(&progress);
    let worker = move || {
        let seeds = if given.is_empty() { inputs(target) } else { given };
        let mut random = Random::new(seed);
        let mutants = (0..rounds).map(|_| mutant(&mut random, &seeds, target.words));
        for input in seeds.iter().cloned().chain(mutants) {
            if let Some(path) = &current {
                fs::write(path, &input).expect("the input under way can be noted");
            }
            shared.input.lock().expect("one writer").clone_from(&input);
            let good = catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_ok();
            shared.done.fetch_add(1, Ordering::Relaxed);
            if !good {
                let _ = report.send(());
                return;
            }
        }
        if let Some(path) = &current {
            drop(fs::remove_file(path));
        }
    };
    let worker =
        thread::Builder::new().name(target.name.to_owned()).spawn(worker).map_err(|error| error.to_string())?;
    match watch(&reports, &progress) {
        Ok(()) => match worker.join() {
            Ok(()) => Ok(progress.done.load(Ordering::Relaxed)),
            Err(_) => Err("its inputs cannot be made, see above".to_owned()),
        },
        Err(problem) => {
            Err(format!("{problem}\n{}", keep(&progress.input.lock().expect("one writer"), &folder, target)))
        }
    }
}

/// Waits for the end, a panic, or an input that takes too long; the thread of that one is left behind.
fn watch(reports: &Receiver<()>, progress: &Progress) -> Result<(), String> {
    let mut before = None;
    loop {
        let done = progress.done.load(Ordering::Relaxed);
        match reports.recv_timeout(LONGEST_RUN) {
            Ok(()) => return Err("an input breaks a law, see above".to_owned()),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if before == Some(done) => {
                return Err(format!("an input takes more than {LONGEST_RUN:?}"));
            }
            Err(RecvTimeoutError::Timeout) => before = Some(done),
        }
    }
}

/// Keeps an input under a name of its own, and says how to look at it again.
fn keep(input: &[u8], folder: &Path, target: Target) -> String {
    let digest = seal::hex(&seal::sha256(input));
    let path = folder.join(format!("{}-{}", target.name, &digest[..16]));
    let kept = match fs::write(&path, input) {
        Ok(()) => format!("again: cargo run --bin smoke -- {} {}", target.name, path.display()),
        Err(error) => error.to_string(),
    };
    let hex: String = input.iter().take(2048).map(|byte| format!("{byte:02x}")).collect();
    let rest = if input.len() > 2048 { format!(" and {} bytes more", input.len() - 2048) } else { String::new() };
    format!("{} bytes: {hex}{rest}\n{kept}", input.len())
}

fn write_seeds(folder: &Path) {
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for seed in inputs(*target) {
            let name = seal::hex(&seal::sha256(&seed));
            fs::write(folder.join(&name[..16]), seed).expect("a seed can be written");
        }
    }
}
