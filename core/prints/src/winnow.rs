//! Winnowing: of each window of runs, the one with the smallest hash is kept.
//!
//! ```text
//! letters  h e a t t h e m i x ...        a run: RUN letters, its hash rolled on letter by letter
//! window   [ run run run ... ]            WINDOW runs; the smallest is kept as long as it is in the window
//! ```

use crate::key::Keys;
use crate::letters::{self, Take};

/// Letters of a run. Longer ones are rarer by chance; shorter ones survive more edits.
pub const RUN: usize = 24;
/// Runs of a window: about 2 of `WINDOW + 1` are kept.
const WINDOW: usize = 16;
/// A stretch of that many letters that two texts share is found for certain, unless it is too plain.
pub const CERTAIN: usize = RUN + WINDOW - 1;
/// Fewest different letters of a run: below, it is a ruler, a table of zeros or a row of dots.
const DIFFERENT: u32 = 7;
/// Letters that are remembered: more than a window of runs reaches back.
const MEMORY: usize = 64;
const _: () = assert!(MEMORY.is_power_of_two() && MEMORY > CERTAIN);

/// A run that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) print: u64,
    /// Which letter of the text it begins with.
    pub(crate) letter: u32,
    /// Where in the text, in bytes.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Gives the kept runs of a text, in order; says how many letters it has.
pub(crate) fn winnow(text: &str, keys: &Keys, keep: impl FnMut(Kept)) -> u32 {
    let mut winnow = Winnow {
        text: text.as_bytes(),
        keys,
        keep,
        letters: 0,
        rolling: 0,
        memory: Ring([0; MEMORY]),
        starts: Ring([0; MEMORY]),
        hashes: Ring([0; MEMORY]),
        least: None,
    };
    letters::read(text, true, &mut winnow);
    winnow.finish()
}

/// The last values by their number.
struct Ring<T>([T; MEMORY]);

impl<T: Copy> Ring<T> {
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length")]
    fn at(&self, number: usize) -> T {
        self.0[number % MEMORY]
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length")]
    fn put(&mut self, number: usize, value: T) {
        self.0[number % MEMORY] = value;
    }
}

struct Winnow<'k, F> {
    text: &'k [u8],
    keys: &'k Keys,
    keep: F,
    letters: usize,
    rolling: u64,
    memory: Ring<u8>,
    starts: Ring<u32>,
    /// Of the run that begins with a letter.
    hashes: Ring<u64>,
    /// The run that was kept last, or will be once the first window is full; with its hash.
    least: Option<(usize, u64)>,
}

impl<F: FnMut(Kept)> Take for Winnow<'_, F> {
    fn take(&mut self, letter: u8, start: u32, _: u32) {
        let number = self.letters;
        // A sum of what the letters add, each turned once for every letter behind it (a cyclic polynomial).
        self.rolling = self.rolling.rotate_left(1) ^ self.keys.letter(letter);
        if number >= RUN {
            self.rolling ^= self.keys.letter(self.memory.at(number - RUN)).rotate_left(RUN as u32);
        }
        self.memory.put(number, letter);
        self.starts.put(number, start);
        self.letters += 1;
        if let Some(run) = self.letters.checked_sub(RUN) {
            self.run(run);
        }
    }
}

impl<F: FnMut(Kept)> Winnow<'_, F> {
    /// Looks at the run that begins with a letter.
    fn run(&mut self, run: usize) {
        self.hashes.put(run, self.rolling);
        let fresh = (run, self.rolling);
        let full = run + 1 >= WINDOW;
        let before = self.least;
        let least = match before {
            // Of equals the first stays: rows of the same give few prints.
            Some((at, hash)) if at + WINDOW > run => {
                if self.rolling < hash {
                    fresh
                } else {
                    (at, hash)
                }
            }
            Some(_) => self.least_of(run + 1 - WINDOW..=run),
            None => fresh,
        };
        self.least = Some(least);
        if full && (before != Some(least) || run + 1 == WINDOW) {
            self.keep(least);
        }
    }

    fn least_of(&self, runs: std::ops::RangeInclusive<usize>) -> (usize, u64) {
        let all = runs.map(|run| (run, self.hashes.at(run)));
        all.reduce(|least, next| if next.1 <= least.1 { next } else { least }).unwrap_or_default()
    }

    fn keep(&mut self, (run, hash): (usize, u64)) {
        if self.differs(run) {
            let end = self.end(self.starts.at(run + RUN - 1));
            (self.keep)(Kept {
                print: self.keys.print(hash),
                letter: u32::try_from(run).unwrap_or(u32::MAX),
                start: self.starts.at(run),
                end,
            });
        }
    }

    /// Whether a run has enough different letters. Of most, the first half has.
    fn differs(&self, run: usize) -> bool {
        // Six bits of a letter: some digits count as the letter that they share them with.
        let seen = |letters: std::ops::Range<usize>| {
            letters.fold(0u64, |seen, letter| seen | 1 << (self.memory.at(letter) % 64))
        };
        let first = seen(run..run + RUN / 2);
        first.count_ones() >= DIFFERENT || (first | seen(run + RUN / 2..run + RUN)).count_ones() >= DIFFERENT
    }

    /// Where the character that begins at `start` ends.
    fn end(&self, start: u32) -> u32 {
        let first = self.text.get(start as usize).copied().unwrap_or_default();
        start + first.leading_ones().max(1)
    }

    /// A text that is shorter than a window has one print all the same.
    fn finish(mut self) -> u32 {
        if let Some(least) = self.least.filter(|_| self.letters < CERTAIN) {
            self.keep(least);
        }
        u32::try_from(self.letters).unwrap_or(u32::MAX)
    }
}
