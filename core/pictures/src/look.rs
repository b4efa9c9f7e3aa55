//! What a picture looks like, in 256 bits: the signs of the lowest frequencies of what is drawn, ground and margins aside.
//!
//! ```text
//! picture ─> gray, 512 pixels ─┬─> all of it ──────┐
//!                              ├─> what is drawn ──┼─> 64 x 64 ─> cosine transform ─> 16 x 16 signs ─> Look
//!                              └─> windows in it ──┘
//! ```
//!
//! Two pictures that look alike differ in few signs (Zauner, "Implementation and benchmarking of perceptual image hash
//! functions", 2010). A mirrored or turned picture has the same frequencies with other signs or in other places, so that all
//! eight ways to lay it are compared from one transform.

use crate::decode::Picture;
use crate::gray::{Area, Gray};
use crate::region::windows;
use std::f32::consts::PI;

/// Longest side of what is looked at.
const SIDE: usize = 512;
/// Cells across and down that are transformed.
const CELLS: usize = 64;
/// Frequencies across and down that are kept.
const KEPT: usize = 16;
/// Signs of one look; that of the mean says nothing, and is left out.
const SIGNS: usize = KEPT * KEPT;

/// Signs of a registered picture that are compared. Of 96, 128, 160, 200 and all, 160 found most drawings at one false alarm in
/// a thousand.
pub(crate) const STRONG: usize = 160;
/// Below this sum of squares there is nothing to be seen but noise.
const FAINT: f32 = 1.0e6;

/// What a picture looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look([u64; 4]);

/// What a registered picture looks like, and which signs of it are not by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    look: Look,
    strong: [u64; 4],
}

impl Kept {
    /// In how many of its [`STRONG`] signs a look differs: in half of them, if the two have nothing to do with each other.
    pub(crate) fn distance(&self, look: &Look) -> u32 {
        let differ = self.look.0.iter().zip(look.0).zip(self.strong);
        differ.map(|((own, other), strong)| ((own ^ other) & strong).count_ones()).sum()
    }

    /// How it lies in a file.
    pub(crate) fn words(&self) -> [u64; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.look.0, self.strong);
        [a, b, c, d, e, f, g, h]
    }

    /// What [`Self::words`] gave.
    pub(crate) fn read([a, b, c, d, e, f, g, h]: [u64; 8]) -> Self {
        Self { look: Look([a, b, c, d]), strong: [e, f, g, h] }
    }
}

/// The lowest frequencies of a picture, row by row.
#[derive(Clone)]
pub(crate) struct Frequencies(Vec<f32>);

impl Frequencies {
    pub(crate) fn of(gray: &Gray) -> Option<Self> {
        let mut cells = gray.means(CELLS, CELLS);
        // Without it, what is rounded of the mean would look like something drawn.
        let mean = cells.iter().sum::<f32>() / (CELLS * CELLS) as f32;
        cells.iter_mut().for_each(|cell| *cell -= mean);
        let wave = |frequency: usize, place: usize| (PI * frequency as f32 * (place as f32 + 0.5) / CELLS as f32).cos();
        let waves: Vec<Vec<f32>> =
            (0..KEPT).map(|frequency| (0..CELLS).map(|place| wave(frequency, place)).collect()).collect();
        let product = |line: &[f32], wave: &[f32]| line.iter().zip(wave).map(|(value, wave)| value * wave).sum::<f32>();
        let rows: Vec<Vec<f32>> =
            cells.chunks_exact(CELLS).map(|row| waves.iter().map(|wave| product(row, wave)).collect()).collect();
        let mut kept = Vec::with_capacity(SIGNS);
        for wave in &waves {
            for across in 0..KEPT {
                kept.push(rows.iter().zip(wave).filter_map(|(row, wave)| Some(row.get(across)? * wave)).sum());
            }
        }
        let strength: f32 = kept.iter().skip(1).map(|own: &f32| own * own).sum();
        (strength > FAINT).then_some(Self(kept))
    }

    fn at(&self, across: usize, down: usize) -> f32 {
        self.0.get(down * KEPT + across).copied().unwrap_or_default()
    }

    /// The picture as it is, with the signs of its strongest frequencies marked. What is weak in the picture has its sign by
    /// chance: of a drawing that is the same left and right, a quarter of all.
    pub(crate) fn kept(&self) -> Kept {
        let mut places: Vec<usize> = (1..SIGNS).collect();
        let strength = |place: &usize| self.0.get(*place).copied().unwrap_or_default().abs();
        places.sort_by(|one, other| strength(other).total_cmp(&strength(one)));
        let mut strong = [0; 4];
        places.iter().take(STRONG).for_each(|place| mark(&mut strong, *place));
        Kept { look: self.laid(false, false, false), strong }
    }

    /// The picture as it is, mirrored and turned by quarters: each of the eight ways to lay it.
    pub(crate) fn looks(&self) -> [Look; 8] {
        let [no, yes] = [false, true];
        [
            self.laid(no, no, no),
            self.laid(no, yes, no),
            self.laid(no, no, yes),
            self.laid(no, yes, yes),
            self.laid(yes, no, no),
            self.laid(yes, yes, no),
            self.laid(yes, no, yes),
            self.laid(yes, yes, yes),
        ]
    }

    /// The picture with rows for columns, left for right, and top for bottom.
    fn laid(&self, swap: bool, flip: bool, upend: bool) -> Look {
        let mut bits = [0u64; 4];
        for place in 1..SIGNS {
            let (across, down) = (place % KEPT, place / KEPT);
            let own = if swap { self.at(down, across) } else { self.at(across, down) };
            let turned = (flip && across % 2 == 1) != (upend && down % 2 == 1);
            if (own > 0.0) != turned {
                mark(&mut bits, place);
            }
        }
        Look(bits)
    }
}

fn mark(bits: &mut [u64; 4], place: usize) {
    if let Some(word) = bits.get_mut(place / 64) {
        *word |= 1 << (place % 64);
    }
}

/// How a picture is looked at. Looks of one sort are compared with each other only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// By what is drawn on a ground, whatever the colours, margins and proportions.
    Drawn,
    /// By all of it, as it is.
    Whole,
}

impl Sort {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Drawn, Self::Whole];

    /// In how many signs two looks of one picture differ at most: what let one of a thousand other drawings pass.
    pub(crate) fn farthest(self) -> u32 {
        match self {
            Self::Drawn => 25,
            Self::Whole => 28,
        }
    }
}

/// All of a picture in gray, and how each part of it that is looked at looks in each of the eight ways to lay it.
pub(crate) fn seen(picture: &Picture) -> (Gray, Vec<(Sort, [Look; 8])>) {
    let gray = Gray::of(&picture.image);
    let small = gray.clone().within(SIDE);
    let areas = std::iter::once(small.all()).chain(windows(&small));
    let drawn = areas.filter_map(|area| trimmed(small.part(&area)));
    let mut looks: Vec<_> = drawn.filter_map(|part| Some((Sort::Drawn, Frequencies::of(&part)?.looks()))).collect();
    looks.extend(Frequencies::of(&small).map(|whole| (Sort::Whole, whole.looks())));
    (gray, looks)
}

/// The looks that are kept of a picture: as it is, and as it would be a little turned or cut.
pub(crate) fn prototypes(picture: &Picture) -> Vec<(Sort, Kept)> {
    const TURNED: [f32; 7] = [0.0, -1.0, 1.0, -2.0, 2.0, -3.5, 3.5];
    /// In thousandths of a side.
    const CUT: [usize; 3] = [25, 50, 75];
    let small = Gray::of(&picture.image).within(SIDE);
    let turned = TURNED.iter().map(|degrees| if *degrees == 0.0 { small.clone() } else { small.turned(*degrees) });
    let cut = CUT.iter().map(|share| {
        let inside = |side: usize| side * share / 1000..side - side * share / 1000;
        small.part(&Area { across: inside(small.width), down: inside(small.height) })
    });
    let parts: Vec<Gray> = turned.chain(cut).collect();
    let drawn = parts.iter().filter_map(|part| Some((Sort::Drawn, Frequencies::of(&trimmed(part.clone())?)?)));
    let whole = parts.iter().filter_map(|part| Some((Sort::Whole, Frequencies::of(part)?)));
    drawn.chain(whole).map(|(sort, frequencies)| (sort, frequencies.kept())).collect()
}

/// What is drawn, as ink without margins. `None` if that is nothing, or too small to be known again.
fn trimmed(gray: Gray) -> Option<Gray> {
    const SMALLEST: usize = 24;
    let ink = gray.ink();
    let area = ink.drawn()?;
    (area.across.len() >= SMALLEST && area.down.len() >= SMALLEST).then(|| ink.part(&area))
}
