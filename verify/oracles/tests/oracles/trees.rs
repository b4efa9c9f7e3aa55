//! Roots, tiles and proofs over every boundary of the tiles: made by each side, equal, and accepted by the other.

use crate::support::{Damage, Folder, HEIGHT, SIZES, Theirs, path};
use ledger::tile::{Row, Tiles, grown};
use ledger::{Edge, Hash, Tile, leaf_hash};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use tlog_tiles::TileHashReader;

/// A tree at one of the sizes.
struct Grown {
    size: u64,
    root: Hash,
    /// The hash tiles of this size, as we write them.
    tiles: Folder,
    /// The same as the crate writes them.
    theirs: BTreeMap<String, Vec<u8>>,
    their_root: tlog_tiles::Hash,
}

/// One tree, grown by both sides leaf by leaf, and looked at where a tile begins or ends.
static TREES: LazyLock<Vec<Grown>> = LazyLock::new(|| {
    let (mut edge, mut theirs) = (Edge::new(), Theirs::default());
    let (mut full, mut trees) = (BTreeMap::new(), Vec::new());
    for size in SIZES {
        while edge.size() < size {
            let record = record(edge.size());
            theirs.push(&record);
            edge.push(leaf_hash(&record), |tile, hashes| {
                full.insert(tile.path(), hashes.concat());
            });
        }
        let mut tiles = Folder(full.clone());
        tiles.0.extend(edge.partial().map(|(tile, hashes)| (tile.path(), hashes.concat())));
        let root = edge.frontier().root();
        trees.push(Grown { size, root, tiles, theirs: theirs.grown(0), their_root: theirs.root() });
    }
    trees
});

fn record(seq: u64) -> Vec<u8> {
    format!("record {seq}").into_bytes()
}

/// Leaves at the edges of the tree and of its tiles.
fn leaves(size: u64) -> impl Iterator<Item = u64> {
    let edges = [0, 1, 127, 128, 254, 255, 256, 257, 65_279, 65_280, 65_534, 65_535, 65_536];
    edges.into_iter().filter(move |index| *index < size)
}

impl Grown {
    /// Our tiles, read by us.
    fn ours(&self) -> Tiles<impl Fn(Tile) -> Option<Vec<u8>>> {
        Tiles::new(self.size, |tile: Tile| self.tiles.0.get(&tile.path()).cloned())
    }

    /// Our tiles, read and authenticated by the crate.
    fn reader(&self) -> TileHashReader<'_> {
        TileHashReader::new(self.size, tlog_tiles::Hash(self.root), &self.tiles)
    }
}

fn outside(path: &[Hash]) -> Vec<tlog_tiles::Hash> {
    path.iter().copied().map(tlog_tiles::Hash).collect()
}

fn inside(path: &[tlog_tiles::Hash]) -> Vec<Hash> {
    path.iter().map(|hash| hash.0).collect()
}

#[test]
fn roots_are_the_same_at_every_size() {
    assert_eq!(ledger::empty_root(), tlog_tiles::EMPTY_HASH.0);
    let (mut edge, mut theirs) = (Edge::new(), Theirs::default());
    for seq in 0..600 {
        assert_eq!(edge.frontier().root(), theirs.root().0, "{seq}");
        edge.push(leaf_hash(&record(seq)), |_, _| {});
        theirs.push(&record(seq));
    }
    for tree in TREES.iter() {
        assert_eq!(tree.root, tree.their_root.0, "{}", tree.size);
    }
}

#[test]
fn tiles_are_the_same_files_with_the_same_bytes() {
    for tree in TREES.iter() {
        assert_eq!(tree.tiles.0.keys().collect::<Vec<_>>(), tree.theirs.keys().collect::<Vec<_>>(), "{}", tree.size);
        assert_eq!(tree.tiles.0, tree.theirs, "{}", tree.size);
    }
}

#[test]
fn a_tree_that_grows_writes_the_same_tiles() {
    for old in [0].into_iter().chain(SIZES) {
        for size in SIZES.into_iter().filter(|size| old <= *size) {
            let mut ours: Vec<String> =
                grown(old, size).filter(|tile| tile.row() != Row::Entries).map(Tile::path).collect();
            let mut theirs: Vec<String> = tlog_tiles::Tile::new_tiles(HEIGHT, old, size).iter().map(path).collect();
            ours.sort_unstable();
            theirs.sort_unstable();
            assert_eq!(ours, theirs, "{old} to {size}");
        }
    }
}

#[test]
fn tiles_have_the_same_paths() {
    for size in SIZES.into_iter().chain([1_234_067 * 256 + 8, 70_000, u64::MAX >> 8]) {
        for row in 0..7 {
            for index in [0, 1, 255, 256, 999, 1000, 999_999, 1_000_000, 1_234_067] {
                for (place, entries) in [(Row::Hashes(row), false), (Row::Entries, true)] {
                    let Some(ours) = Tile::in_tree(place, index, size) else { continue };
                    let level = if entries { 0 } else { row };
                    let theirs = tlog_tiles::Tile::new(HEIGHT, level, index, ours.width().into(), entries);
                    assert_eq!(ours.path(), path(&theirs));
                    assert_eq!(Tile::parse(&path(&theirs)), Some(ours));
                    assert_eq!(tlog_tiles::Tile::from_path(&theirs.path()).unwrap(), theirs);
                }
            }
        }
    }
}

#[test]
fn inclusion_proofs_are_the_same_and_hold_on_both_sides() {
    for tree in TREES.iter() {
        for index in leaves(tree.size) {
            let (leaf, place) = (leaf_hash(&record(index)), format!("{index} of {}", tree.size));
            let ours = ledger::prove_inclusion(index, tree.size, &tree.ours()).unwrap();
            let theirs = tlog_tiles::prove_record(tree.size, index, &tree.reader()).unwrap();
            assert_eq!(outside(&ours), theirs, "{place}");
            assert!(ledger::verify_inclusion(&leaf, index, tree.size, &inside(&theirs), &tree.root), "{place}");
            tlog_tiles::check_record(&outside(&ours), tree.size, tree.their_root, index, tlog_tiles::Hash(leaf))
                .unwrap();
        }
    }
}

#[test]
fn consistency_proofs_are_the_same_and_hold_on_both_sides() {
    for tree in TREES.iter() {
        for old in TREES.iter().filter(|old| old.size <= tree.size) {
            let place = format!("{} to {}", old.size, tree.size);
            let ours = ledger::prove_consistency(old.size, tree.size, &tree.ours()).unwrap();
            let theirs = tlog_tiles::prove_tree(tree.size, old.size, &tree.reader()).unwrap();
            assert_eq!(outside(&ours), theirs, "{place}");
            assert!(
                ledger::verify_consistency(old.size, &old.root, tree.size, &tree.root, &inside(&theirs)),
                "{place}"
            );
            tlog_tiles::check_tree(&outside(&ours), tree.size, tree.their_root, old.size, old.their_root).unwrap();
        }
    }
}

/// A question to both sides: whether the path leads from the leaf to the root.
#[derive(Clone)]
struct Inclusion {
    leaf: Hash,
    index: u64,
    size: u64,
    path: Vec<Hash>,
    root: Hash,
}

impl Inclusion {
    fn both(&self) -> (bool, bool) {
        let Self { leaf, index, size, path, root } = self;
        let ours = ledger::verify_inclusion(leaf, *index, *size, path, root);
        let (root, leaf) = (tlog_tiles::Hash(*root), tlog_tiles::Hash(*leaf));
        (ours, tlog_tiles::check_record(&outside(path), *size, root, *index, leaf).is_ok())
    }
}

const OF_INCLUSION: &Damage<Inclusion> = &[
    ("another leaf", |it| it.leaf[0] ^= 1),
    ("another root", |it| it.root[31] ^= 128),
    ("another index", |it| it.index ^= 1),
    ("an index beyond the tree", |it| it.index = it.size),
    ("a size with another shape", |it| it.size = it.size * 2 + 1),
    ("no leaf at all", |it| it.size = 0),
    ("a flipped bit at the leaf", |it| it.path[0][7] ^= 1),
    ("a flipped bit at the root", |it| it.path.last_mut().unwrap()[0] ^= 1),
    ("a hash less at the leaf", |it| it.path = it.path.split_off(1)),
    ("a hash less at the root", |it| it.path.truncate(it.path.len() - 1)),
    ("a hash more", |it| it.path.push([0; 32])),
    ("the root as one more step", |it| it.path.push(it.root)),
    ("steps in another order", |it| it.path.reverse()),
    ("no path", |it| it.path.clear()),
];

#[test]
fn a_spoilt_inclusion_proof_is_refused_by_both_sides() {
    for tree in TREES.iter().filter(|tree| tree.size > 2) {
        for index in leaves(tree.size) {
            let path = ledger::prove_inclusion(index, tree.size, &tree.ours()).unwrap();
            let good = Inclusion { leaf: leaf_hash(&record(index)), index, size: tree.size, path, root: tree.root };
            assert_eq!(good.both(), (true, true));
            for (name, spoil) in OF_INCLUSION {
                let mut spoilt = good.clone();
                spoil(&mut spoilt);
                let same = spoilt.path == good.path && spoilt.index == good.index && spoilt.size == good.size;
                let unchanged = same && spoilt.leaf == good.leaf && spoilt.root == good.root;
                assert_eq!(spoilt.both(), (unchanged, unchanged), "{name}: {index} of {}", tree.size);
            }
        }
    }
}

/// A question to both sides: whether one tree continues another.
#[derive(Clone)]
struct Consistency {
    old: u64,
    old_root: Hash,
    size: u64,
    root: Hash,
    path: Vec<Hash>,
}

impl Consistency {
    fn both(&self) -> (bool, bool) {
        let Self { old, old_root, size, root, path } = self;
        let ours = ledger::verify_consistency(*old, old_root, *size, root, path);
        let (root, old_root) = (tlog_tiles::Hash(*root), tlog_tiles::Hash(*old_root));
        (ours, tlog_tiles::check_tree(&outside(path), *size, root, *old, old_root).is_ok())
    }
}

const OF_CONSISTENCY: &Damage<Consistency> = &[
    ("another old root", |it| it.old_root[0] ^= 1),
    ("another root", |it| it.root[31] ^= 128),
    ("the roots swapped", |it| std::mem::swap(&mut it.old_root, &mut it.root)),
    ("the sizes swapped", |it| std::mem::swap(&mut it.old, &mut it.size)),
    ("the same size", |it| it.old = it.size),
    ("an older size", |it| it.old -= 1),
    ("a size with another shape", |it| it.size = it.size * 2 + 1),
    ("a flipped bit", |it| it.path[0][7] ^= 1),
    ("a flipped bit at the root", |it| it.path.last_mut().unwrap()[0] ^= 1),
    ("a hash less", |it| it.path = it.path.split_off(1)),
    ("a hash more", |it| it.path.push([0; 32])),
    ("no path", |it| it.path.clear()),
];

#[test]
fn a_spoilt_consistency_proof_is_refused_by_both_sides() {
    for tree in TREES.iter() {
        for old in TREES.iter().filter(|old| 1 < old.size && old.size < tree.size) {
            let path = ledger::prove_consistency(old.size, tree.size, &tree.ours()).unwrap();
            let good = Consistency { old: old.size, old_root: old.root, size: tree.size, root: tree.root, path };
            assert_eq!(good.both(), (true, true));
            for (name, spoil) in OF_CONSISTENCY {
                let mut spoilt = good.clone();
                spoil(&mut spoilt);
                assert_eq!(spoilt.both(), (false, false), "{name}: {} to {}", old.size, tree.size);
            }
        }
    }
}
