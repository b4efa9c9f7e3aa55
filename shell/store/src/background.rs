//! Threads that do what can wait while calls are answered: publishing, and preparing segments.

/// How much less of the processor such a thread asks for: about a third of what an ordinary one gets where both want it all, so
/// that what it does at once does not keep the writer and the callers waiting, and it still comes to an end under a load
/// that lasts. See `sched(7)`, "The nice value".
const NICE: i32 = 5;

/// Lets the other threads go first from here on, unless all of them stand further back already. Linux keeps this for each thread;
/// where a system refuses, nothing changes.
pub(crate) fn step_back() {
    let own = rustix::process::getpriority_process(None).unwrap_or(0);
    let _ = rustix::process::setpriority_process(None, own.max(NICE));
}

#[cfg(test)]
mod tests {
    use super::{NICE, step_back};

    #[test]
    fn only_the_thread_that_steps_back_does() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let there = std::thread::spawn(move || {
            step_back();
            nice()
        });
        assert_eq!(there.join().unwrap(), before.max(NICE));
        assert_eq!(nice(), before);
    }
}
