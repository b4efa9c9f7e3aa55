//! What an engine may not do, given up by the thread that starts it and so by all that it starts: open what it does not need
//! (Landlock), reach anybody, or touch another process (seccomp).
//!
//! The engine runs as the gateway's own user, who may read the plant's keys. It reads pictures of strangers with a great deal of
//! C++, so it is treated as if a stranger ran in it.

use crate::Settings;
use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What any program needs to start, and what it looks up on the way.
const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.preload", "/dev/urandom"];

/// How much of what is asked for the machine's kernel can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Whether engines open nothing but programs, libraries and their models.
    pub files: bool,
    /// Whether engines reach nobody and touch no other process.
    pub calls: bool,
}

/// What holds on this machine, found by trying it.
#[must_use]
pub fn confinement() -> Confinement {
    let tried = std::thread::spawn(|| {
        let cell = Cell { paths: SYSTEM.map(PathBuf::from).to_vec(), filter: filter() };
        cell.enter()
    });
    tried.join().unwrap_or(Confinement { files: false, calls: false })
}

/// What an engine is left.
pub(crate) struct Cell {
    paths: Vec<PathBuf>,
    filter: Option<BpfProgram>,
}

impl Cell {
    pub(crate) fn around(settings: &Settings) -> Self {
        let own = [Some(settings.command.as_path()), settings.models.as_deref()];
        let paths = SYSTEM.iter().map(Path::new).chain(own.into_iter().flatten());
        Self { paths: paths.map(Path::to_path_buf).collect(), filter: filter() }
    }

    /// Gives up everything else, for this thread and what it starts, as far as the kernel knows how.
    pub(crate) fn enter(&self) -> Confinement {
        let files = self.files().is_ok_and(|status| status != RulesetStatus::NotEnforced);
        let calls = self.filter.as_ref().is_some_and(|filter| apply_filter(filter).is_ok());
        Confinement { files, calls }
    }

    fn files(&self) -> Result<RulesetStatus, RulesetError> {
        let abi = ABI::V6;
        let rules = path_beneath_rules(&self.paths, AccessFs::from_read(abi));
        let set = Ruleset::default()
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .add_rules(rules)?
            .add_rules(path_beneath_rules(["/dev/null"], AccessFs::ReadFile | AccessFs::WriteFile))?;
        Ok(set.restrict_self()?.ruleset)
    }
}

/// System calls that fail, whatever they are given.
const NEVER: [i64; 24] = [
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_setpriority,
    libc::SYS_sched_setscheduler,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_unshare,
    libc::SYS_setns,
];

/// `None` on processors that the filter is not written for.
fn filter() -> Option<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    // Limits of its own are looked up with the same call as those of others are set with.
    let others = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0).ok()?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![others]).ok()?]);
    let refused = SeccompAction::Errno(u32::try_from(libc::EPERM).ok()?);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).ok()?;
    filter.try_into().ok()
}
