//! C2SP tlog-tiles (<https://c2sp.org/tlog-tiles>): the tree as files of 256 hashes, the records as files of 256 entries.
//!
//! A full tile never changes, so any web server, cache or copy tool can carry a ledger.

use crate::proof::{Hashes, Missing};
use crate::tree::{Frontier, Hash, node_hash};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// How many hashes or entries a full tile holds.
pub const WIDTH: u16 = 256;
/// Longest entry that the format can hold.
pub const ENTRY_LIMIT: usize = u16::MAX as usize;
/// Longest entry bundle: a reader of files need not read further.
pub const BUNDLE_LIMIT: usize = WIDTH as usize * (2 + ENTRY_LIMIT);
/// Length of a full hash tile.
pub const TILE_LIMIT: usize = WIDTH as usize * 32;
/// Above this row there is nothing: 256^8 leaves are 2^64.
const ROWS: u8 = 8;

/// What a tile is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// The records themselves.
    Entries,
    /// Hashes of subtrees of height 8 times this; 0 are the leaf hashes. Below 8.
    Hashes(u8),
}

/// A file of the tree by its place.
///
/// INVARIANT: the width is 1 to 256, the row below 8, and the tile ends below leaf 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    row: Row,
    index: u64,
    width: u16,
}

/// The bytes of a tile or a bundle are not what its place says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// The hashes are not as many as the tile is wide.
    #[error("the tile is {found} bytes long and should be {expected}")]
    Length {
        /// What it should be.
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// The bundle ends before its last entry does.
    #[error("the bundle ends within entry {entry}")]
    Truncated {
        /// Which entry of the bundle, from 0.
        entry: u16,
    },
    /// The bundle goes on after its last entry.
    #[error("the bundle holds bytes after its last entry")]
    Trailing,
    /// The record is longer than the format can hold.
    #[error("the entry is longer than 65,535 bytes")]
    EntryTooLong,
}

impl Tile {
    /// The `index`th tile of a row in the tree of `size` leaves: full, partial, or `None` if it has none there.
    #[must_use]
    pub fn in_tree(row: Row, index: u64, size: u64) -> Option<Self> {
        let begin = index.checked_mul(u64::from(WIDTH))?;
        let left = count(row, size)?.checked_sub(begin)?.min(u64::from(WIDTH));
        let width = u16::try_from(left).ok().filter(|width| *width > 0)?;
        Some(Self { row, index, width })
    }

    /// Reads a path; `None` unless it is exactly the one that [`Self::path`] writes.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let row = match row {
            "entries" => Row::Entries,
            digit => Row::Hashes(decimal(digit, 1)?.try_into().ok().filter(|row| *row < ROWS)?),
        };
        let (place, width) = match rest.split_once(".p/") {
            Some((place, width)) => (place, u16::try_from(decimal(width, 3)?).ok().filter(|w| (1..WIDTH).contains(w))?),
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        let mut groups = place.split('/').peekable();
        while let Some(group) = groups.next() {
            let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
            if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { row, index, width };
        (tile.fits() && tile.path() == path).then_some(tile)
    }

    /// The same place when the tile is full.
    #[must_use]
    pub fn filled(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// What it is a piece of.
    #[must_use]
    pub fn row(self) -> Row {
        self.row
    }

    /// Which of its row.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, 1 to 256.
    #[must_use]
    pub fn width(self) -> u16 {
        self.width
    }

    /// Whether it will never change again.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// The path of its file below the ledger's folder.
    #[must_use]
    pub fn path(self) -> String {
        let mut place = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            place.insert_str(0, &format!("x{:03}/", rest % 1000));
            rest /= 1000;
        }
        let row = match self.row {
            Row::Entries => "entries".to_owned(),
            Row::Hashes(row) => row.to_string(),
        };
        let width = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{row}/{place}{width}")
    }

    fn fits(self) -> bool {
        let shift = 8 * (1 + u32::from(self.row.height()));
        u128::from(self.index) < 1_u128 << 64_u32.saturating_sub(shift)
    }
}

impl Row {
    /// The height of the row in steps of 256.
    fn height(self) -> u8 {
        match self {
            Self::Entries => 0,
            Self::Hashes(row) => row,
        }
    }
}

/// How many hashes or entries a row has in the tree of `size` leaves; `None` above the highest row.
fn count(row: Row, size: u64) -> Option<u64> {
    size.checked_shr(8 * u32::from(row.height()))
}

fn decimal(text: &str, longest: usize) -> Option<u64> {
    let canonical = text.len() <= longest && text.bytes().all(|digit| digit.is_ascii_digit());
    (canonical && !(text.len() > 1 && text.starts_with('0'))).then(|| text.parse().ok())?
}

/// The tiles that have to be written when the tree grows from `old` to `size` leaves: those that became full, and the
/// partial ones as they are now. Entry bundles first, then hashes from the leaves up.
pub fn grown(old: u64, size: u64) -> impl Iterator<Item = Tile> {
    std::iter::once(Row::Entries).chain((0..ROWS).map(Row::Hashes)).flat_map(move |row| {
        let (before, after) = (count(row, old).unwrap_or(0), count(row, size).unwrap_or(0));
        let width = u64::from(WIDTH);
        let tiles = if after > before { before / width..after.div_ceil(width) } else { 0..0 };
        tiles.filter_map(move |index| Tile::in_tree(row, index, size))
    })
}

/// Adds a record to a bundle: two bytes of length, big-endian, and the record.
///
/// # Errors
/// If it is longer than the format can hold.
pub fn push_entry(bundle: &mut Vec<u8>, record: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(record.len()).map_err(|_| TileError::EntryTooLong)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(record);
    Ok(())
}

/// Reads the records of a bundle, from any source.
///
/// # Errors
/// Unless the bytes hold exactly `width` entries.
pub fn entries(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut entries = Vec::with_capacity(usize::from(width.min(WIDTH)));
    let mut rest = bundle;
    for entry in 0..width {
        let (record, after) = split_entry(rest).ok_or(TileError::Truncated { entry })?;
        entries.push(record);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::Trailing) }
}

pub(crate) fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Reads the hashes of a tile, from any source.
///
/// # Errors
/// Unless the bytes are exactly `width` hashes.
pub fn hashes(bytes: &[u8], width: u16) -> Result<&[Hash], TileError> {
    match bytes.as_chunks::<32>() {
        (hashes, []) if hashes.len() == usize::from(width) => Ok(hashes),
        _ => Err(TileError::Length { expected: usize::from(width) * 32, found: bytes.len() }),
    }
}

/// The root of the perfect subtree over `hashes`, whose number is a power of two up to 256.
fn perfect_root(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two() && hashes.len() <= usize::from(WIDTH), "{}", hashes.len());
    match hashes {
        [] => Hash::default(),
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&perfect_root(left), &perfect_root(right))
        }
    }
}

/// The unfinished tiles at the right edge of the tree: what the writer of tiles has to remember.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    size: u64,
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up the edge of a tree of `size` leaves from its partial tiles; `read` gives the bytes of one.
    ///
    /// # Errors
    /// Names the tile that is missing or not as long as it should be.
    pub fn load(size: u64, mut read: impl FnMut(Tile) -> Option<Vec<u8>>) -> Result<Self, Tile> {
        let mut rows = Vec::new();
        for row in 0..ROWS {
            let count = count(Row::Hashes(row), size).unwrap_or(0);
            if count == 0 {
                break;
            }
            // A row that ends with a full tile has nothing unfinished.
            let partial = Tile::in_tree(Row::Hashes(row), count / u64::from(WIDTH), size);
            rows.push(match partial {
                Some(tile) => {
                    read(tile).and_then(|bytes| Some(hashes(&bytes, tile.width).ok()?.to_vec())).ok_or(tile)?
                }
                None => Vec::new(),
            });
        }
        Ok(Self { size, rows })
    }

    /// Appends a leaf hash; `full` is handed every hash tile that this completes, the leaves' first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile, &[Hash])) {
        let mut hash = leaf;
        self.size += 1;
        for row in 0..ROWS {
            if self.rows.len() <= usize::from(row) {
                self.rows.push(Vec::with_capacity(usize::from(WIDTH)));
            }
            let Some(unfinished) = self.rows.get_mut(usize::from(row)) else { return };
            unfinished.push(hash);
            if unfinished.len() < usize::from(WIDTH) {
                return;
            }
            let index = (self.size >> (8 * (u32::from(row) + 1))).saturating_sub(1);
            full(Tile { row: Row::Hashes(row), index, width: WIDTH }, unfinished);
            hash = perfect_root(unfinished);
            unfinished.clear();
        }
    }

    /// The unfinished hash tiles, the leaves' first: what has to be written before a checkpoint of this size.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..ROWS).zip(&self.rows).filter_map(|(row, hashes)| {
            let row = Row::Hashes(row);
            let tile = Tile::in_tree(row, count(row, self.size)? / u64::from(WIDTH), self.size)?;
            debug_assert_eq!(usize::from(tile.width), hashes.len(), "{tile:?}");
            Some((tile, hashes.as_slice()))
        })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The frontier of the same tree.
    #[must_use]
    pub fn frontier(&self) -> Frontier {
        let mut peaks = Vec::new();
        for row in self.rows.iter().rev() {
            let mut rest = row.as_slice();
            while let Some(bits) = rest.len().checked_ilog2() {
                let (peak, after) = rest.split_at_checked(1 << bits).unwrap_or((rest, &[]));
                peaks.push(perfect_root(peak));
                rest = after;
            }
        }
        Frontier::from_peaks(self.size, peaks).unwrap_or_default()
    }
}

/// Stored tiles as a source of hashes for proofs. What proofs under one head share, the tiles above the leaves' own, is read
/// and hashed once.
pub struct Tiles<R> {
    size: u64,
    read: R,
    seen: RefCell<BTreeMap<Tile, Seen>>,
}

/// Most tiles that are kept: 16 MiB with what lies above their hashes.
const KEPT: usize = 1024;

/// A tile that was read.
struct Seen {
    hashes: Vec<Hash>,
    /// The roots of all its whole subtrees by height, beginning with pairs. A path takes all but eight of them.
    above: Vec<Vec<Hash>>,
}

impl Seen {
    fn new(tile: Tile, bytes: &[u8]) -> Option<Self> {
        // Only hashes that the tree of this size has, also when the full tile stands in for a partial one.
        let hashes = bytes.as_chunks::<32>().0.get(..usize::from(tile.width))?.to_vec();
        let mut above: Vec<Vec<Hash>> = Vec::new();
        loop {
            let below = above.last().unwrap_or(&hashes);
            if below.len() < 2 {
                break;
            }
            above.push(below.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect());
        }
        Some(Self { hashes, above })
    }

    /// The root of the subtree of this height that begins with the `begin`th hash.
    fn root(&self, begin: usize, height: u32) -> Option<Hash> {
        let row = match usize::try_from(height).ok()?.checked_sub(1) {
            Some(row) => self.above.get(row)?,
            None => &self.hashes,
        };
        row.get(begin >> height).copied()
    }
}

impl<R: Fn(Tile) -> Option<Vec<u8>>> Tiles<R> {
    /// The tiles of the tree of `size` leaves; `read` gives the bytes of one. If a partial tile is gone, the full one
    /// of its place is asked for, as the format allows.
    #[must_use]
    pub fn new(size: u64, read: R) -> Self {
        Self { size, read, seen: RefCell::default() }
    }

    /// The hash of the `index`th subtree of height `level`, from the row below it.
    fn find(&self, level: u32, index: u64) -> Option<Hash> {
        let (row, height) = (u8::try_from(level / 8).ok()?, level % 8);
        let first = index.checked_shl(height)?;
        let tile = Tile::in_tree(Row::Hashes(row), first / u64::from(WIDTH), self.size)?;
        let mut seen = self.seen.borrow_mut();
        if seen.len() >= KEPT && !seen.contains_key(&tile) {
            seen.clear();
        }
        let stored = match seen.entry(tile) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let bytes = (self.read)(tile).or_else(|| (self.read)(tile.filled()))?;
                place.insert(Seen::new(tile, &bytes)?)
            }
        };
        stored.root(usize::try_from(first % u64::from(WIDTH)).ok()?, height)
    }
}

impl<R: Fn(Tile) -> Option<Vec<u8>>> Hashes for Tiles<R> {
    fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
        self.find(level, index).ok_or(Missing { level, index })
    }
}

#[cfg(test)]
mod tests;
