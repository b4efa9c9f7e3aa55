//! Bytes and tree: hashes every record up to the signed root, and where that fails says which record or file it is.
//!
//! Two witnesses are heard about every leaf: the record's own hash, and the hash that `tile/0` holds. While they agree
//! one tree is built. Where they part, a second one is begun from the stored hashes, and the signed root decides
//! afterwards which of the two was right.

use super::heads::Heads;
use super::story::Story;
use super::{Class, Fault, Files, Problem, Report, Unreadable};
use crate::Schedule;
use crate::entry::Head;
use crate::tile::{BUNDLE_LIMIT, Edge, Row, TILE_LIMIT, Tile, TileError, WIDTH, entries, hashes};
use crate::tree::{Frontier, Hash, leaf_hash};
use plant::RecordId;

/// Most doubtful places that are remembered.
const DOUBTS: usize = 100;

/// The walk over the records.
struct Walk<'f, F> {
    files: &'f F,
    size: u64,
    /// The tree that the records make.
    edge: Edge,
    /// The tree that the stored leaf hashes make, from where it parts from the records'.
    stored: Option<Frontier>,
    story: Story,
    /// Records whose hash is not the stored one.
    altered: Vec<(u64, Option<RecordId>)>,
    /// Tiles whose hashes are not those that the records make.
    differing: Vec<Tile>,
    /// The bundle and the tile under way, kept for their memory.
    buffers: [Vec<u8>; 2],
    /// Bundles that are not there: from and to. A `prune` record must allow that.
    removed: Vec<(u64, u64)>,
    /// Some records could neither be read nor be replaced by stored hashes, so there is no root.
    broken: bool,
}

/// Goes through the whole ledger.
pub(super) fn walk(files: &impl Files, heads: &mut Heads<'_>, schedule: Option<Schedule>, report: &mut Report) {
    let size = heads.head().size;
    let mut walk = Walk {
        files,
        size,
        edge: Edge::new(),
        stored: None,
        story: Story::new(&heads.head().origin, schedule),
        altered: Vec::new(),
        differing: Vec::new(),
        buffers: Default::default(),
        removed: Vec::new(),
        broken: false,
    };
    walk.compare(heads, report);
    for index in 0..size.div_ceil(u64::from(WIDTH)) {
        if let Some(tile) = Tile::in_tree(Row::Entries, index, size) {
            walk.bundle(tile, heads, report);
        }
        if walk.broken {
            break;
        }
    }
    walk.finish(heads, report);
}

impl<F: Files> Walk<'_, F> {
    /// One bundle of records.
    fn bundle(&mut self, tile: Tile, heads: &mut Heads<'_>, report: &mut Report) {
        let [mut bundle, mut hashes] = std::mem::take(&mut self.buffers);
        let stored = self.leaf_hashes(tile, &mut hashes, report);
        let found = match (self.look(tile, BUNDLE_LIMIT, &mut bundle), stored) {
            (Ok(None), Some(stored)) if tile.is_full() && self.removed.len() < DOUBTS => {
                self.pass(tile.index(), stored, heads, report);
                self.buffers = [bundle, hashes];
                return;
            }
            (found, _) => there(found, tile, report),
        };
        let read = found.map(|found| read_entries(&bundle, tile, found));
        let first = tile.index() * u64::from(WIDTH);
        match (read, stored) {
            (Some(Ok(records)), stored) => self.records(first, &records, stored, heads, report),
            (failed, Some(stored)) => {
                if let Some(Err(error)) = failed {
                    let seq = first + first_foreign(&bundle, stored);
                    let (seq, file) = (Some(seq), Some(tile.path()));
                    report.put(Problem { class: Class::Tampered, fault: Fault::Tile(error), seq, id: None, file });
                }
                // The stored hashes stand in, so that everything after these records can still be judged.
                for leaf in stored {
                    self.push(*leaf, *leaf, heads, report);
                }
                self.story.skip(stored.len() as u64, stored.last().map(|hash| [*hash; 2]));
            }
            (failed, None) => {
                if let Some(Err(error)) = failed {
                    report.add_file(Class::Tampered, Fault::Tile(error), tile.path());
                }
                self.story.skip(u64::from(tile.width()), None);
                self.broken = true;
            }
        }
        self.buffers = [bundle, hashes];
    }

    /// A bundle that is not there and may have been removed: its hashes are.
    fn pass(&mut self, index: u64, stored: &[Hash], heads: &mut Heads<'_>, report: &mut Report) {
        match self.removed.last_mut() {
            Some((_, to)) if *to == index => *to += 1,
            _ => self.removed.push((index, index + 1)),
        }
        stored.iter().for_each(|leaf| self.push(*leaf, *leaf, heads, report));
        self.story.pass(stored.len() as u64, stored.last().copied());
    }

    fn records(
        &mut self,
        first: u64,
        records: &[&[u8]],
        stored: Option<&[Hash]>,
        heads: &mut Heads<'_>,
        report: &mut Report,
    ) {
        let mut stored = stored.map(|hashes| hashes.iter());
        for (seq, record) in (first..).zip(records) {
            let leaf = leaf_hash(record);
            let kept = stored.as_mut().and_then(Iterator::next).copied().unwrap_or(leaf);
            report.records += 1;
            report.bytes += record.len() as u64;
            if kept == leaf {
                self.story.take(record, leaf, report);
            } else {
                if self.altered.len() < DOUBTS {
                    self.altered.push((seq, Head::parse(record).ok().map(|head| head.id)));
                }
                // Which of the two hashes was signed is not known yet.
                self.story.skip(1, Some([leaf, kept]));
            }
            self.push(leaf, kept, heads, report);
        }
    }

    /// Adds a leaf to both trees, and compares the hash tiles that this completes with the stored ones.
    fn push(&mut self, leaf: Hash, kept: Hash, heads: &mut Heads<'_>, report: &mut Report) {
        if leaf != kept && self.stored.is_none() {
            self.stored = Some(self.edge.frontier());
        }
        if let Some(stored) = &mut self.stored {
            stored.push(kept);
        }
        let mut full = Vec::new();
        self.edge.push(leaf, |tile, hashes| {
            // The leaves' own tile has been compared already, hash by hash.
            if tile.row() != Row::Hashes(0) {
                full.push((tile, hashes.to_vec()));
            }
        });
        for (tile, hashes) in full {
            self.compare_tile(tile, &hashes, report);
        }
        self.compare(heads, report);
    }

    /// Compares the root at this size with the signed ones, where there are any.
    fn compare(&mut self, heads: &mut Heads<'_>, report: &mut Report) {
        let size = self.edge.size();
        if heads.wants(size) {
            heads.compare(size, &self.edge.frontier().root(), self.files, &mut self.story.epochs, report);
        }
    }

    fn compare_tile(&mut self, tile: Tile, computed: &[Hash], report: &mut Report) {
        let mut bytes = Vec::new();
        let Some(found) = self.fetch(tile, TILE_LIMIT, &mut bytes, report) else { return };
        report.tiles += 1;
        match read_hashes(&bytes, tile, found) {
            Ok(stored) if stored == computed => {}
            Ok(_) if self.differing.len() < DOUBTS => self.differing.push(tile),
            Ok(_) => {}
            Err(error) => report.add_file(Class::Tampered, Fault::Tile(error), tile.path()),
        }
    }

    /// The stored leaf hashes of a bundle, as many as it has records.
    fn leaf_hashes<'b>(&self, bundle: Tile, bytes: &'b mut Vec<u8>, report: &mut Report) -> Option<&'b [Hash]> {
        let tile = Tile::in_tree(Row::Hashes(0), bundle.index(), self.size)?;
        let found = self.fetch(tile, TILE_LIMIT, bytes, report)?;
        report.tiles += 1;
        match read_hashes(bytes, tile, found) {
            Ok(hashes) => Some(hashes),
            Err(error) => {
                report.add_file(Class::Tampered, Fault::Tile(error), tile.path());
                None
            }
        }
    }

    /// Reads a file; for a partial tile that is gone, the full one of its place, as the format allows. Says which.
    fn look(&self, tile: Tile, limit: usize, bytes: &mut Vec<u8>) -> Result<Option<Tile>, (Tile, Unreadable)> {
        for tile in [tile, tile.filled()] {
            if self.files.read_into(&tile.path(), limit, bytes).map_err(|error| (tile, error))? {
                return Ok(Some(tile));
            }
        }
        Ok(None)
    }

    /// Reads a file that must be there.
    fn fetch(&self, tile: Tile, limit: usize, bytes: &mut Vec<u8>, report: &mut Report) -> Option<Tile> {
        there(self.look(tile, limit, bytes), tile, report)
    }

    /// All records are read: the signed root decides who was right.
    fn finish(mut self, heads: &mut Heads<'_>, report: &mut Report) {
        self.judge_removed(report);
        if self.broken {
            self.story.finish(report);
            return;
        }
        let partial: Vec<(Tile, Vec<Hash>)> = self.edge.partial().map(|(tile, row)| (tile, row.to_vec())).collect();
        for (tile, hashes) in partial.iter().filter(|(tile, _)| tile.row() != Row::Hashes(0)) {
            self.compare_tile(*tile, hashes, report);
        }
        let signed = heads.head().root;
        let frontier = self.edge.frontier();
        let records_right = frontier.root() == signed;
        let stored_right = self.stored.as_ref().is_some_and(|stored| stored.root() == signed);
        if records_right {
            self.blame_tiles(report);
        } else {
            for (seq, id) in &self.altered {
                report.add_record(Class::Tampered, Fault::Altered, *seq, *id);
            }
        }
        if !records_right && !stored_right {
            let (from, to) = heads.narrow();
            report.add(Class::Tampered, Fault::Root { from, to });
        }
        self.story.finish(report);
        report.complete_judged &= records_right;
        if records_right {
            heads.convict(report);
        }
    }

    /// What is not there is either removed with authority or missing.
    fn judge_removed(&mut self, report: &mut Report) {
        let minimum = self.story.minimum();
        let (gone, missing): (Vec<_>, Vec<_>) =
            self.removed.iter().copied().partition(|(_, to)| *to * u64::from(WIDTH) <= minimum);
        report.pruned = self.story.pruned(gone.iter().map(|(from, to)| (to - from) * u64::from(WIDTH)).sum());
        if !missing.is_empty() {
            let bundles = missing.into_iter().flat_map(|(from, to)| from..to);
            report.put_missing(bundles.filter_map(|index| Tile::in_tree(Row::Entries, index, self.size)));
            self.story.go_blind();
        }
    }

    /// The records are right, so every tile that differs is wrong.
    fn blame_tiles(&mut self, report: &mut Report) {
        let mut tiles = std::mem::take(&mut self.differing);
        for (seq, _) in &self.altered {
            tiles.extend(Tile::in_tree(Row::Hashes(0), seq / u64::from(WIDTH), self.size));
        }
        tiles.sort_unstable();
        tiles.dedup();
        for tile in tiles {
            report.add_file(Class::Tampered, Fault::TileDiffers, tile.path());
        }
    }
}

/// Says it if a file that must be there is not.
fn there(found: Result<Option<Tile>, (Tile, Unreadable)>, tile: Tile, report: &mut Report) -> Option<Tile> {
    match found {
        Ok(Some(found)) => return Some(found),
        Ok(None) => report.add_file(Class::Incomplete, Fault::Missing, tile.path()),
        Err((tile, error)) => report.add_file(Class::Undecided, Fault::Unreadable(error.0), tile.path()),
    }
    None
}

/// The records of a bundle; of a full one that stands in for a partial one, the first. A file under the partial path
/// holds as many as that says: what it holds beyond them was signed by nobody.
fn read_entries(bytes: &[u8], tile: Tile, found: Tile) -> Result<Vec<&[u8]>, TileError> {
    let mut records = entries(bytes, found.width())?;
    records.truncate(usize::from(tile.width()));
    Ok(records)
}

/// The hashes of a tile; of a full one that stands in for a partial one, the first.
fn read_hashes(bytes: &[u8], tile: Tile, found: Tile) -> Result<&[Hash], TileError> {
    let all = hashes(bytes, found.width())?;
    Ok(all.get(..usize::from(tile.width())).unwrap_or(all))
}

/// In a bundle whose lengths do not fit: the first record that is not the one whose hash is stored.
fn first_foreign(bundle: &[u8], stored: &[Hash]) -> u64 {
    let mut rest = bundle;
    let mut right = 0;
    for hash in stored {
        match crate::tile::split_entry(rest) {
            Some((record, after)) if leaf_hash(record) == *hash => rest = after,
            _ => break,
        }
        right += 1;
    }
    right.min(stored.len().saturating_sub(1) as u64)
}
