//! Tiles: paths, bundles, and growth over every boundary.

use super::{Edge, Row, Tile, TileError, Tiles, WIDTH, entries, grown, hashes, push_entry};
use crate::proof::{prove_consistency, prove_inclusion, verify_consistency, verify_inclusion};
use crate::tree::tests::{leaves, naive_root};
use crate::tree::{Frontier, Hash};
use proptest::prelude::{any, prop, proptest};
use std::collections::BTreeMap;

/// Writes all hash tiles of a tree, growing it in steps, as `store` does.
fn tiles_of(leaves: &[Hash], step: usize) -> BTreeMap<Tile, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut edge = Edge::new();
    for batch in leaves.chunks(step) {
        for leaf in batch {
            edge.push(*leaf, |tile, hashes| {
                files.insert(tile, hashes.concat());
            });
        }
        files.extend(edge.partial().map(|(tile, hashes)| (tile, hashes.concat())));
    }
    files
}

#[test]
fn paths_are_those_of_the_format() {
    for (row, index, size, path) in [
        (Row::Hashes(0), 0, 256, "tile/0/000"),
        (Row::Hashes(0), 0, 1, "tile/0/000.p/1"),
        (Row::Entries, 1_234_067, u64::MAX, "tile/entries/x001/x234/067"),
        (Row::Entries, 1000, 256_255, "tile/entries/x001/000.p/255"),
        (Row::Hashes(7), 0, u64::MAX, "tile/7/000.p/255"),
    ] {
        let tile = Tile::in_tree(row, index, size).unwrap();
        assert_eq!(tile.path(), path);
        assert_eq!(Tile::parse(path), Some(tile));
    }
}

#[test]
fn the_tree_of_70_000_records_has_the_tiles_that_the_format_names() {
    let width = |row, index| Tile::in_tree(Row::Hashes(row), index, 70_000).map(Tile::width);
    assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (Some(256), Some(112), None));
    assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (Some(256), Some(17), None));
    assert_eq!((width(2, 0), width(2, 1), width(3, 0)), (Some(1), None, None));
}

#[test]
fn hostile_paths_are_refused() {
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/8/000",
        "tile/00/000",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/-01",
        "tile/0/+01",
        "tile/0/../000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000 ",
        "tile/7/001",
        "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x072/x057/x594/x037/x927/936",
        "tile/0/٠٠٠",
    ] {
        assert_eq!(Tile::parse(path), None, "{path}");
    }
}

#[test]
fn growing_over_a_boundary_writes_what_became_full_and_what_is_partial_now() {
    let paths = |old, size| grown(old, size).map(Tile::path).collect::<Vec<_>>();
    assert_eq!(paths(255, 256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(paths(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
    assert_eq!(
        paths(0, 257),
        ["tile/entries/000", "tile/entries/001.p/1", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]
    );
    assert_eq!(paths(65_535, 65_536), ["tile/entries/255", "tile/0/255", "tile/1/000", "tile/2/000.p/1"]);
    assert!(paths(7, 7).is_empty());
}

#[test]
fn proofs_from_tiles_hold_at_every_boundary() {
    let all = leaves(65_537);
    let files = tiles_of(&all, 4096);
    let edges = tiles_of(&all[..65_535], 65_535);
    for size in [1_u64, 2, 255, 256, 257, 4096, 65_535, 65_536, 65_537] {
        let count = usize::try_from(size).unwrap();
        let root = naive_root(&all[..count]);
        let own = tiles_of(&all[..count], count);
        let tiles = Tiles::new(size, |tile: Tile| own.get(&tile).or(edges.get(&tile)).cloned());
        assert_eq!(Frontier::from_hashes(size, &tiles).unwrap().root(), root, "{size}");
        for index in [0, 1, size / 2, size - 1].into_iter().filter(|index| *index < size) {
            let path = prove_inclusion(index, size, &tiles).unwrap();
            let leaf = &all[usize::try_from(index).unwrap()];
            assert!(verify_inclusion(leaf, index, size, &path, &root), "{index} of {size}");
        }
        let later = Tiles::new(65_537, |tile: Tile| files.get(&tile).cloned());
        let path = prove_consistency(size, 65_537, &later).unwrap();
        assert!(verify_consistency(size, &root, 65_537, &naive_root(&all), &path), "{size}");
        let edge = Edge::load(size, |tile| own.get(&tile).cloned()).unwrap();
        assert_eq!((edge.frontier().root(), edge.size()), (root, size));
        assert_eq!(edge.frontier(), Frontier::from_hashes(size, &tiles).unwrap());
    }
}

#[test]
fn a_full_tile_stands_in_for_a_partial_one_that_is_gone() {
    let all = leaves(300);
    let files = tiles_of(&all, 300);
    let tiles = Tiles::new(200, |tile: Tile| files.get(&tile).cloned());
    let path = prove_inclusion(150, 200, &tiles).unwrap();
    assert!(verify_inclusion(&all[150], 150, 200, &path, &naive_root(&all[..200])));
    assert!(Tiles::new(200, |_: Tile| None).find(0, 5).is_none());
    assert!(Tiles::new(200, |_: Tile| Some(vec![0; 31])).find(0, 5).is_none());
    assert!(Tiles::new(200, |_: Tile| Some(vec![0; 8192])).find(0, 200).is_none());
    assert!(Tiles::new(u64::MAX, |_: Tile| Some(vec![0; 8192])).find(63, u64::MAX).is_none());
}

#[test]
fn loading_an_edge_names_the_tile_that_is_wrong() {
    let files = tiles_of(&leaves(300), 300);
    let partial = Tile::parse("tile/0/001.p/44").unwrap();
    assert_eq!(Edge::load(300, |tile| files.get(&tile).filter(|_| tile != partial).cloned()).unwrap_err(), partial);
    assert_eq!(Edge::load(300, |_| Some(vec![0; 32])).unwrap_err(), partial);
    assert_eq!(Edge::load(0, |_| None).unwrap().frontier(), Frontier::new());
}

#[test]
fn a_bundle_has_exactly_its_entries() {
    let mut bundle = Vec::new();
    for record in [b"one".as_slice(), b"", &[7; 65_535]] {
        push_entry(&mut bundle, record).unwrap();
    }
    assert_eq!(push_entry(&mut bundle, &[7; 65_536]), Err(TileError::EntryTooLong));
    assert_eq!(entries(&bundle, 3).unwrap(), [b"one".as_slice(), b"", &[7; 65_535]]);
    assert_eq!(entries(&bundle, 2), Err(TileError::Trailing));
    assert_eq!(entries(&bundle, 4), Err(TileError::Truncated { entry: 3 }));
    assert_eq!(entries(&bundle[..bundle.len() - 1], 3), Err(TileError::Truncated { entry: 2 }));
    assert_eq!(entries(&[], u16::MAX), Err(TileError::Truncated { entry: 0 }));
    assert_eq!(hashes(&[0; 64], 2).unwrap().len(), 2);
    assert_eq!(hashes(&[0; 65], 2), Err(TileError::Length { expected: 64, found: 65 }));
    assert!(hashes(&[0; 32], 2).is_err() && hashes(&[], WIDTH).is_err());
}

proptest! {
    #[test]
    fn any_path_is_read_or_refused(path in "(tile/)?[a-z0-9/x.p]{0,30}", wild: String) {
        for path in [path, wild] {
            if let Some(tile) = Tile::parse(&path) {
                assert_eq!(tile.path(), path);
            }
        }
    }

    #[test]
    fn a_path_read_back_is_the_same_tile(row in 0_u8..8, index: u64, size: u64) {
        for row in [Row::Entries, Row::Hashes(row)] {
            for index in [index, index % 1000, index % 2_000_000] {
                if let Some(tile) = Tile::in_tree(row, index, size) {
                    assert_eq!(Tile::parse(&tile.path()), Some(tile));
                }
            }
        }
    }

    #[test]
    fn any_bundle_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), width: u16) {
        if let Ok(records) = entries(&bytes, width) {
            let mut written = Vec::new();
            records.iter().for_each(|record| push_entry(&mut written, record).unwrap());
            assert_eq!(written, bytes);
        }
    }

    #[test]
    fn growing_in_steps_writes_the_tiles_of_growing_at_once(sizes in prop::collection::vec(1_u64..1500, 1..6)) {
        let mut stepwise = Vec::new();
        let mut old = 0;
        for step in &sizes {
            stepwise.extend(grown(old, old + step).filter(|tile| tile.is_full()));
            old += step;
        }
        let mut at_once: Vec<Tile> = grown(0, old).filter(|tile| tile.is_full()).collect();
        stepwise.sort_unstable();
        at_once.sort_unstable();
        assert_eq!(stepwise, at_once);
    }
}
