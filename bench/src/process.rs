//! A contender as processes: its own and its children, what they take of the processor and of memory, and their end.

use crate::Outcome;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that was started here. Dropped, it and its children end.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it with nothing to read and nobody who listens to what it says.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        child
            .map(Self)
            .map_err(|problem| format!("{} does not start: {problem}", command.get_program().display()).into())
    }

    pub(crate) fn of(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let family = tree(self.id());
        // What has ended already needs no ending.
        let _ = Command::new("kill").arg(self.id().to_string()).stderr(Stdio::null()).status();
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if matches!(self.0.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for id in family {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.0.wait();
    }
}

/// Processor seconds of a process and all below it, from `/proc`. 100 ticks a second on Linux.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let ticks = |id: u32| -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default();
        after.split_whitespace().skip(11).take(2).filter_map(|tick| tick.parse::<f64>().ok()).sum()
    };
    tree(process).into_iter().map(ticks).sum::<f64>() / 100.0
}

/// Resident memory of a process and all below it in MiB. What several share counts once (PSS).
pub(crate) fn resident(process: u32) -> f64 {
    mebibytes(process, "Pss:")
}

/// What of it is no file's: without the pages of the program itself, which the system may take back at any time.
pub(crate) fn anonymous(process: u32) -> f64 {
    mebibytes(process, "Pss_Anon:")
}

fn mebibytes(process: u32, row: &str) -> f64 {
    let kib = |id: u32| -> f64 {
        let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find(|line| line.starts_with(row)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or_default()
    };
    tree(process).into_iter().map(kib).sum::<f64>() / 1024.0
}

fn tree(process: u32) -> Vec<u32> {
    let mut found = vec![process];
    let mut at = 0;
    while let Some(id) = found.get(at).copied() {
        // Any thread may have started a child.
        for thread in std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        at += 1;
    }
    found
}

/// A free port: taken for a moment, then given to whoever is told.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Runs a command to its end; it must succeed. Gives what it wrote to standard output.
pub(crate) fn done(command: &mut Command) -> Outcome<Vec<u8>> {
    let output = command.output().map_err(|problem| format!("{}: {problem}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {said}").into())
}

/// Waits for something to be there, for at most two minutes: LiteLLM takes half of one to start on a busy machine.
pub(crate) fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> Outcome<T> {
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        match look() {
            Some(found) => return Ok(found),
            None if Instant::now() > end => return Err(format!("waited two minutes for {what} in vain").into()),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
