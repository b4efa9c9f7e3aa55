//! Every operation failing: a full disk, a broken one, one that turns read-only; once, or from then on.

use super::{Acknowledged, Album, Durable, Picture, Shot, check, draft, folder, opening, picture, tiny};
use crate::Store;
use crate::tests::epochs::Days;
use crate::touch::{self, Touch, watch};
use plant::Kind;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How a disk fails.
#[derive(Clone, Copy, Debug)]
enum Disk {
    /// There is no room: names still go, and what is written can be synced.
    Full,
    /// Nothing works, syncing included.
    Broken,
    /// Nothing can be changed.
    ReadOnly,
}

impl Disk {
    fn refuses(self, touch: Touch<'_>) -> io::Result<()> {
        let number = match (self, touch) {
            (Self::Full, Touch::Changed) => 28,
            (Self::Broken, _) => 5,
            (Self::ReadOnly, Touch::Changed | Touch::Removed) => 30,
            _ => return Ok(()),
        };
        Err(io::Error::from_raw_os_error(number))
    }
}

/// The disk fails at operation `at`, and at all later ones if `lasting`.
#[derive(Clone, Copy, Debug)]
struct Fault {
    disk: Disk,
    at: u64,
    lasting: bool,
}

/// A short life with a change of the day and several segments; gives how many operations there were. Nothing is expected
/// of it but that it ends and tells the truth about what it wrote.
fn live(ledger: &Path, fault: Fault, acknowledged: &Mutex<Acknowledged>) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let failing = watch::fail(ledger, move |touch| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let now = number == fault.at || fault.lasting && number > fault.at;
        if now { fault.disk.refuses(touch) } else { Ok(()) }
    });
    let clock = Days::at(0);
    if let Ok((store, _)) = Store::open(ledger, &opening(ledger, &clock, tiny())) {
        for number in 0..24 {
            if number == 12 {
                clock.pass(1);
            }
            if let Ok(written) = store.write(draft(Kind::Admin, number, None, 1000)) {
                acknowledged.lock().unwrap().insert(written.seq, written.id);
            }
        }
        store.close();
    }
    drop(failing);
    count.load(Ordering::SeqCst)
}

/// Lives with a fault; then the process is killed, or the power is cut.
fn dies(fault: Fault) -> u64 {
    let base = folder();
    let ledger = base.path().join("ledger");
    std::fs::create_dir(&ledger).unwrap();
    let acknowledged = Arc::new(Mutex::new(Acknowledged::new()));
    let durable = Arc::new(Mutex::new(Durable::all(&ledger)));
    let watched = {
        let (durable, ledger) = (Arc::clone(&durable), ledger.clone());
        watch::watch(&ledger.clone(), move |touch| durable.lock().unwrap().follow(&ledger, touch))
    };
    let count = live(&ledger, fault, &acknowledged);
    drop(watched);
    let mut album = Album::default();
    let acknowledged = acknowledged.lock().unwrap().clone();
    let mut synced = Picture::new();
    durable.lock().unwrap().picture(&ledger, &ledger, false, &mut synced);
    for (what, picture) in [("killed", picture(&ledger)), ("power cut", synced)] {
        let what = format!("{what} after {fault:?}");
        album.take(Shot { picture, durable: None, acknowledged: acknowledged.clone(), what });
    }
    album.shots.iter().for_each(check);
    count
}

#[test]
fn f3_f4_a_disk_that_fails_at_any_operation_loses_nothing_that_was_acknowledged() {
    let faultless = Fault { disk: Disk::Broken, at: u64::MAX, lasting: false };
    let operations = dies(faultless);
    // How often it published meanwhile is the machine's affair; each record took a write and a sync.
    assert!(operations > 2 * 24, "{operations}");
    let all = std::env::var_os("PENSTOCK_CRASHES").is_some();
    let step = if all { 1 } else { operations.div_ceil(12) };
    for (number, disk) in (0..).zip([Disk::Full, Disk::Broken, Disk::ReadOnly]) {
        for lasting in [false, true] {
            // Each way of failing meets other operations.
            let begin = if all { 0 } else { 2 * number + u64::from(lasting) };
            for at in (begin..operations).step_by(usize::try_from(step).unwrap()) {
                dies(Fault { disk, at, lasting });
            }
        }
    }
}

/// A file that takes a few bytes at a time, and is interrupted in between.
struct Hiccups(std::fs::File, AtomicU64);

impl Hiccups {
    fn takes(&self, bytes: usize) -> io::Result<usize> {
        match self.1.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => Err(io::ErrorKind::Interrupted.into()),
            turn => Ok(bytes.min(usize::try_from(1000 * turn).unwrap())),
        }
    }
}

impl FileExt for Hiccups {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(&bytes[..self.takes(bytes.len())?], offset)
    }
}

impl io::Write for &Hiccups {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.takes(bytes.len())?;
        (&self.0).write(&bytes[..taken])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn f5_short_writes_and_interruptions_leave_no_gap() {
    let folder = folder();
    let path = folder.path().join("00000000000000000000.seg");
    let file = std::fs::File::create(&path).unwrap();
    let hiccups = Hiccups(file, AtomicU64::new(0));
    let bytes: Vec<u8> = (0..20_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    touch::write(&hiccups, &path, &bytes).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    touch::write_at(&hiccups, &path, &bytes[..9_000], 4_096).unwrap();
    assert_eq!(std::fs::read(&path).unwrap()[4_096..13_096], bytes[..9_000]);
    assert!(hiccups.1.load(Ordering::Relaxed) > 20);
}
