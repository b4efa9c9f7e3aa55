//! The lock record: the last size and root that were signed for the world, written and synced before the world
//! sees them.
//!
//! It is what recovery starts from, and what keeps a gateway from ever signing a size at or below it with
//! another root. It also says where in the write-ahead log that size ends and which intents were open there, so
//! that a start needs neither the whole log nor an index.
//!
//! ```text
//! penstock lock 1
//! origin brewery/gate-1/5f0c...
//! size 1234
//! root 64 hexadecimal digits
//! wal SEGMENT OFFSET SHA-256-OF-THE-LAST-FRAME'S-HEADER
//! last LEAF-HASH TIME MONO START MACHINE
//! epochs FIRST-DAY ROOT ANNOUNCED     (if the ledger has epochs; `-` before the first is announced)
//! minimum SEQ                         (if records were removed)
//! open SEQ RECORD-ID            (one line for each open intent)
//! crc32c 8 hexadecimal digits   (over all lines before)
//! ```

use crate::clock::Reading;
use crate::epochs::Progress;
use crate::wal::Position;
use ledger::Schedule;
use plant::{Millis, RecordId};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A lock record with a million open intents still fits, as many as verification follows; a longer one is not ours.
pub(crate) const LIMIT: u64 = 64 << 20;

/// A published state of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    /// The ledger's name.
    pub(crate) origin: String,
    /// How many records.
    pub(crate) size: u64,
    /// The root of their tree.
    pub(crate) root: [u8; 32],
    /// Where the next frame goes.
    pub(crate) position: Position,
    /// Hash of the last frame's header.
    pub(crate) frame: [u8; 32],
    /// Leaf hash of the last record: what the next one names as `prev`.
    pub(crate) leaf: [u8; 32],
    /// The clocks at the last record.
    pub(crate) reading: Reading,
    /// The start of the gateway that wrote it, counted from 1.
    pub(crate) start: u64,
    /// The start of the machine that `reading` belongs to.
    pub(crate) machine: String,
    /// The schedule of epoch keys, and how far it is used.
    pub(crate) epochs: Option<Progress>,
    /// The number of the first record that is to stay, by the last `prune` record; 0 if there is none.
    pub(crate) minimum: u64,
    /// Intents whose end is not recorded, with their sequence numbers.
    pub(crate) open: BTreeMap<RecordId, u64>,
}

impl Lock {
    /// The record as it stands in the file.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::with_capacity(512 + self.open.len() * 64);
        let Position { segment, offset } = self.position;
        let _ = write!(
            text,
            "penstock lock 1\norigin {}\nsize {}\nroot {}\nwal {segment} {offset} {}\nlast {} {} {} {} {}\n",
            self.origin,
            self.size,
            seal::hex(&self.root),
            seal::hex(&self.frame),
            seal::hex(&self.leaf),
            self.reading.time.0,
            self.reading.mono,
            self.start,
            self.machine,
        );
        if let Some(Progress { schedule, announced }) = &self.epochs {
            let announced = announced.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string());
            let _ = writeln!(text, "epochs {schedule} {announced}");
        }
        if self.minimum > 0 {
            let _ = writeln!(text, "minimum {}", self.minimum);
        }
        for (id, seq) in &self.open {
            let _ = writeln!(text, "open {seq} {id}");
        }
        let _ = writeln!(text, "crc32c {:08x}", crc32c::crc32c(text.as_bytes()));
        text
    }

    /// Reads the record; `None` if a bit of it is not as it was written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (body, crc) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let body = text.get(..=body.len())?;
        if crc.strip_prefix("crc32c ")? != format!("{:08x}", crc32c::crc32c(body.as_bytes())) {
            return None;
        }
        let mut lines = body.lines().peekable();
        (lines.next()? == "penstock lock 1").then_some(())?;
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let origin = field("origin")?.to_owned();
        let size = field("size")?.parse().ok()?;
        let root = hash(field("root")?)?;
        let mut wal = field("wal")?.split(' ');
        let position = Position { segment: wal.next()?.parse().ok()?, offset: wal.next()?.parse().ok()? };
        let frame = hash(wal.next()?)?;
        let mut last = field("last")?.split(' ');
        let leaf = hash(last.next()?)?;
        let reading = Reading { time: Millis(last.next()?.parse().ok()?), mono: last.next()?.parse().ok()? };
        let start = last.next()?.parse().ok()?;
        let machine = last.next()?.to_owned();
        let epochs = match lines.next_if(|line| line.starts_with("epochs ")) {
            Some(line) => Some(progress(line.strip_prefix("epochs ")?)?),
            None => None,
        };
        let minimum = match lines.next_if(|line| line.starts_with("minimum ")) {
            Some(line) => line.strip_prefix("minimum ")?.parse().ok()?,
            None => 0,
        };
        let open = lines.map(|line| {
            let (seq, id) = line.strip_prefix("open ")?.split_once(' ')?;
            Some((RecordId::parse(id)?, seq.parse().ok()?))
        });
        let open = open.collect::<Option<_>>()?;
        Some(Self { origin, size, root, position, frame, leaf, reading, start, machine, epochs, minimum, open })
    }
}

/// Reads a schedule and the epoch that was announced last.
fn progress(text: &str) -> Option<Progress> {
    let (schedule, announced) = text.rsplit_once(' ')?;
    let announced = if announced == "-" { None } else { Some(announced.parse().ok()?) };
    Some(Progress { schedule: Schedule::parse(schedule)?, announced })
}

/// 64 hexadecimal digits.
pub(crate) fn hash(text: &str) -> Option<[u8; 32]> {
    seal::unhex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::{Lock, Progress};
    use crate::clock::Reading;
    use crate::wal::Position;
    use ledger::Schedule;
    use plant::{Millis, RecordId};

    fn lock() -> Lock {
        Lock {
            origin: "brewery/gate-1/00".to_owned(),
            size: 1234,
            root: [0xa5; 32],
            position: Position { segment: 1000, offset: 8192 },
            frame: [1; 32],
            leaf: [2; 32],
            reading: Reading { time: Millis(1_700_000_000_000), mono: 12 },
            start: 3,
            machine: "b".to_owned(),
            epochs: Some(Progress { schedule: Schedule { first: 20_413, root: [3; 32] }, announced: Some(7) }),
            minimum: 512,
            open: (0..3).map(|n| (RecordId::new(Millis(n), [7; 10]), n)).collect(),
        }
    }

    #[test]
    fn a_lock_record_reads_as_it_was_written() {
        let Progress { schedule, announced } = lock().epochs.unwrap();
        for epochs in [None, Some(announced), Some(None)] {
            let epochs = epochs.map(|announced| Progress { schedule, announced });
            for minimum in [0, 512] {
                let lock = Lock { epochs: epochs.clone(), minimum, ..lock() };
                assert_eq!(Lock::decode(lock.encode().as_bytes()), Some(lock));
            }
        }
    }

    #[test]
    fn any_flipped_bit_or_cut_spoils_a_lock_record() {
        let text = lock().encode().into_bytes();
        for at in 0..text.len() {
            assert_eq!(Lock::decode(&text[..at]), None);
            for bit in 0..8 {
                let mut spoilt = text.clone();
                spoilt[at] ^= 1 << bit;
                assert_eq!(Lock::decode(&spoilt), None, "byte {at} bit {bit}");
            }
        }
    }
}
