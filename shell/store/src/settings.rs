//! How a ledger is kept. The defaults are those of a plant; tests make everything small.

use crate::clock::{Clock, System};
use std::sync::Arc;
use std::time::Duration;

/// How a ledger is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Length of a segment of the write-ahead log, 64 KiB to 1 GiB; rounded up to whole blocks.
    pub segment_bytes: u64,
    /// Records that may wait; one more is refused as busy.
    pub queue: usize,
    /// Silence after which a `beat` record says that the gateway is alive.
    pub beat: Duration,
    /// Longest time between a record and a published checkpoint that covers it.
    pub publish_after: Duration,
    /// Records after which a checkpoint is published sooner.
    pub publish_records: u64,
    /// Shortest time between two publications: each rewrites the same few files, however much is new.
    pub publish_rest: Duration,
    /// Segments that are kept although published tiles hold all their records.
    pub keep_segments: usize,
    /// Published notes that are kept; beyond them the first of each day is kept.
    pub keep_notes: usize,
    /// Room that is kept back, so that a full disk can be recorded.
    pub reserve_bytes: u64,
    /// Room for records of essential conduits, if there are any, while the log cannot be written; 0 for none. A call
    /// takes 8 KiB.
    pub emergency_bytes: u64,
    /// Per cent of the disk at which a `storage` record warns that it fills up, in rising order.
    pub warn_at: Vec<u8>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Faults that a test injects.
    #[cfg(test)]
    pub(crate) faults: Arc<Faults>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue: 8192,
            beat: Duration::from_secs(60),
            publish_after: Duration::from_secs(1),
            publish_records: 256,
            publish_rest: Duration::from_millis(100),
            keep_segments: 2,
            keep_notes: 1000,
            reserve_bytes: 1 << 20,
            emergency_bytes: 4 << 20,
            warn_at: vec![70, 85, 95],
            clock: Arc::new(System),
            #[cfg(test)]
            faults: Arc::default(),
        }
    }
}

/// What a test lets go wrong.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// The next sync of the log fails; those after it would succeed.
    pub(crate) next_sync_fails: std::sync::atomic::AtomicBool,
    /// The next segment cannot be had, for lack of descriptors.
    pub(crate) no_descriptors: std::sync::atomic::AtomicBool,
}

#[cfg(test)]
impl Faults {
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        if self.next_sync_fails.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Err(std::io::Error::from_raw_os_error(5));
        }
        Ok(())
    }

    pub(crate) fn segment(&self) -> std::io::Result<()> {
        if self.no_descriptors.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Err(std::io::Error::from_raw_os_error(24));
        }
        Ok(())
    }
}
