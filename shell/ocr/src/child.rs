//! One engine: a process that starts confined, is bounded before it gets a picture, and is gone by a deadline whatever it does.

use crate::confine::Cell;
use crate::{Page, Settings};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit, setpriority_process,
};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// Most bytes that an engine writes: of a page full of words its table is some twenty times as long as they are.
const OUTPUT: u64 = 16 << 20;
/// How much less urgent an engine is than calls that need none.
const NICE: i32 = 10;

/// What an engine is started for.
pub(crate) enum Task<'a> {
    /// To read a picture; gives a table of its words.
    Read(&'a Page),
    /// To say which models it has, one in a line.
    Models,
}

/// How an engine ended that did not do what it was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Unstarted,
    Late,
    Failed,
}

/// Starts an engine and gives what it wrote.
pub(crate) fn run(settings: &Settings, task: Task<'_>, deadline: Instant) -> Result<Vec<u8>, Ending> {
    let unstarted = |_| Ending::Unstarted;
    let output = File::from(memfd_create("penstock-ocr", MemfdFlags::CLOEXEC).map_err(|_| Ending::Unstarted)?);
    let errors = File::options().write(true).open("/dev/null").map_err(unstarted)?;
    let mut command = command(settings, &task);
    command.stdout(output.try_clone().map_err(unstarted)?).stderr(errors);
    let cell = Cell::around(settings);
    // A thread of its own, because what is given up is given up for good. It ends with the start of the engine.
    let started = std::thread::Builder::new().name("ocr".to_owned()).spawn(move || {
        cell.enter();
        command.spawn()
    });
    let started = started.map_err(unstarted)?.join().map_err(|_| Ending::Unstarted)?;
    let mut engine = Running(started.map_err(unstarted)?);
    engine.bound(settings)?;
    match (task, engine.0.stdin.take()) {
        (Task::Read(page), Some(stdin)) => engine.with(stdin, page, deadline)?,
        _ => engine.end(deadline)?,
    }
    written(output)
}

fn command(settings: &Settings, task: &Task<'_>) -> Command {
    let mut command = Command::new(&settings.command);
    // One processor for each engine: several engines are sooner done than several threads of each.
    command.env_clear().env("OMP_THREAD_LIMIT", "1").env("LC_ALL", "C").current_dir("/").process_group(0);
    match task {
        Task::Read(page) => {
            let dots = 96 * page.scale.max(1) / 100;
            command.stdin(Stdio::piped()).args(["stdin", "stdout", "-l"]).arg(settings.languages.join("+"));
            command.args(["--psm", "3", "--dpi"]).arg(dots.clamp(70, 2400).to_string());
            command.args(["-c", "tessedit_create_tsv=1"]);
        }
        Task::Models => {
            command.stdin(Stdio::null()).arg("--list-langs");
        }
    }
    if let Some(models) = &settings.models {
        command.arg("--tessdata-dir").arg(models);
    }
    command
}

/// What the engine wrote.
fn written(mut output: File) -> Result<Vec<u8>, Ending> {
    let mut bytes = Vec::new();
    output.rewind().and_then(|()| output.take(OUTPUT).read_to_end(&mut bytes)).map_err(|_| Ending::Failed)?;
    Ok(bytes)
}

/// An engine that runs. It does not outlive this, nor does what it may have started.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            self.kill();
        }
    }
}

impl Running {
    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
    }

    /// Takes from it what it does not need, before it has anything to read.
    fn bound(&self, settings: &Settings) -> Result<(), Ending> {
        let pid = self.pid().ok_or(Ending::Failed)?;
        let seconds = settings.time.as_secs().saturating_add(1);
        let most = [
            (Resource::As, settings.memory),
            (Resource::Cpu, seconds),
            (Resource::Fsize, OUTPUT),
            // A picture must not come to lie in a file because an engine crashed on it.
            (Resource::Core, 0),
            (Resource::Nofile, 64),
        ];
        for (resource, most) in most {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            // One that has ended already needs none, and how it ended is seen later.
            prlimit(Some(pid), resource, limit).map(drop).or_else(gone).map_err(|_| Ending::Failed)?;
        }
        // An engine that is as urgent as all else still reads.
        let _ = setpriority_process(Some(pid), NICE);
        Ok(())
    }

    /// Hands it a picture and waits for its end. What does not take it is killed, and then nobody writes any more.
    fn with(&mut self, mut stdin: ChildStdin, page: &Page, deadline: Instant) -> Result<(), Ending> {
        std::thread::scope(|scope| {
            let give = move || {
                // An engine that ends early says so by how it ends.
                let _ = write!(stdin, "P5\n{} {}\n255\n", page.width, page.height)
                    .and_then(|()| stdin.write_all(&page.pixels));
            };
            let given = std::thread::Builder::new().name("ocr-page".to_owned()).spawn_scoped(scope, give);
            given.map_err(|_| Ending::Failed)?;
            self.end(deadline).inspect_err(|_| self.kill())
        })
    }

    /// Waits for its end.
    fn end(&mut self, deadline: Instant) -> Result<(), Ending> {
        let pid = self.pid().ok_or(Ending::Failed)?;
        let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| Ending::Failed)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut ended = [PollFd::new(&handle, PollFlags::IN)];
            match poll(&mut ended, Timespec::try_from(left).ok().as_ref()) {
                Ok(0) if left > Duration::ZERO => {}
                Ok(0) => return Err(Ending::Late),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Ending::Failed),
            }
        }
        match self.0.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) | Err(_) => Err(Ending::Failed),
        }
    }

    fn kill(&mut self) {
        // Its group: it may be a script that started the engine.
        let group = self.pid().map(|pid| kill_process_group(pid, Signal::KILL));
        debug_assert!(group.is_some(), "a process has a number");
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gone(error: rustix::io::Errno) -> Result<(), rustix::io::Errno> {
    if error == rustix::io::Errno::SRCH { Ok(()) } else { Err(error) }
}
