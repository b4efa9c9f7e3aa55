//! What a disk has of files that were written and not synced: some blocks, in no order, and one of them torn.

use super::Picture;
use std::sync::Arc;

/// What disks write at once, and what of it they tear.
const BLOCK: usize = 4096;
const SECTOR: usize = 512;

/// One of the pictures between what was synced, with the names of now, and what was written; drawn by the seed. None if
/// all of it was synced.
pub(super) fn some(synced: &Picture, written: &Picture, seed: u64) -> Option<Picture> {
    let mut dice = Dice(seed);
    let (mut between, mut mixed) = (written.clone(), false);
    for (path, now) in &mut between {
        let (Some(bytes), Some(before)) = (&*now, synced.get(path).and_then(Option::as_ref)) else { continue };
        if bytes != before {
            *now = Some(mix(before, bytes, &mut dice));
            mixed = true;
        }
    }
    mixed.then_some(between)
}

/// The file with some of its blocks as they were and some as they are; of what it grew by, all or nothing.
fn mix(before: &[u8], now: &[u8], dice: &mut Dice) -> Arc<[u8]> {
    let length = if dice.below(2) == 0 { before.len() } else { now.len() };
    let blocks = length.div_ceil(BLOCK);
    let torn = dice.below(blocks as u64) as usize;
    let mut mixed = Vec::with_capacity(length);
    for block in 0..blocks {
        let (begin, end) = (block * BLOCK, length.min((block + 1) * BLOCK));
        let from = match block == torn {
            true => begin + SECTOR * dice.below((BLOCK / SECTOR) as u64) as usize,
            false if dice.below(2) == 0 => begin,
            false => end,
        };
        let bytes = |of: &[u8], at: usize| of.get(at).copied().unwrap_or(0);
        mixed.extend((begin..end).map(|at| bytes(if at < from { now } else { before }, at)));
    }
    mixed.into()
}

/// Numbers that look random and are the same in every run: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

#[test]
fn a_mixed_file_has_blocks_of_both_and_nothing_else() {
    let (before, now) = ([1; 6 * BLOCK], [2; 8 * BLOCK]);
    let mut seen = [false; 4];
    for seed in 0..64 {
        let mixed = mix(&before, &now, &mut Dice(seed));
        assert!([before.len(), now.len()].contains(&mixed.len()));
        for sector in mixed.chunks(SECTOR) {
            assert!(sector.iter().all(|byte| *byte == sector[0]));
            seen[usize::from(sector[0])] = true;
        }
        seen[3] |= mixed.chunks(BLOCK).any(|block| block[0] != block[BLOCK - 1]);
    }
    assert_eq!(seen, [true; 4], "zeros, both, and a torn block");
}
