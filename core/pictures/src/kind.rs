//! What sort of picture it is, by how its colours lie: no learning, and the same answer for the same pixels.
//!
//! A photograph has thousands of colours. A screen has few, in areas. A drawing has one ground and thin lines on it.

use crate::decode::Picture;
use image::{DynamicImage, GenericImageView};
use std::collections::HashMap;

/// What sort of picture it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Thin lines on one ground: a drawing, a plan, a diagram, a curve, a page of text.
    Drawing,
    /// Areas of few colours: what a screen shows, an operator panel, a slide.
    Screen,
    /// Many colours: a photograph, or what is drawn to look like one.
    Photograph,
}

impl Kind {
    /// Each with its name in labels.
    pub const NAMES: [(&'static str, Self); 3] =
        [("drawing", Self::Drawing), ("screen", Self::Screen), ("photograph", Self::Photograph)];

    /// Its name in labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drawing => "drawing",
            Self::Screen => "screen",
            Self::Photograph => "photograph",
        }
    }
}

/// Most pixels that are looked at; of larger pictures, every so manieth of a row and column.
const MOST: u32 = 1 << 19;
/// Colours, in steps of four, that nine tenths of a picture take if it is a photograph, whatever stands behind what it shows.
const MANY: usize = 200;
/// Colours that they take at least if no colour is common. A screen takes about ten, and some dozens where it was compressed.
const COLOURS: usize = 40;
/// Share of a colour that is common on a screen, in percent: its ground.
const COMMON: usize = 30;
/// Colours that they take of a photograph without colours, of which there are but 64,
const GRAYS: usize = 20;
/// and the share of the commonest of those at most, in percent.
const RARE: usize = 12;
/// Share of a drawing that is ground at least, in percent.
const GROUND: usize = 60;
/// Share of what stands on a drawing's ground that may be thicker than a line, in percent.
const THICK: usize = 30;
/// How far from the colour of the ground is still ground.
const NEAR: u8 = 24;

impl Picture {
    /// What sort of picture it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let counted = Counted::of(&self.image);
        let (spread, commonest) = (counted.spread(), counted.commonest());
        if spread >= MANY || spread >= COLOURS && commonest < COMMON || spread >= GRAYS && commonest < RARE {
            return Kind::Photograph;
        }
        let (ground, thick) = counted.lines(&self.image);
        if ground >= GROUND && thick <= THICK { Kind::Drawing } else { Kind::Screen }
    }
}

/// How often each colour was seen, in steps of four for each channel.
struct Counted {
    counts: HashMap<[u8; 3], usize>,
    step: u32,
    all: usize,
}

fn colour(image: &DynamicImage, x: u32, y: u32) -> [u8; 3] {
    let [red, green, blue, alpha] = image.get_pixel(x, y).0;
    let over_white = |own: u8| {
        let (own, alpha) = (u16::from(own), u16::from(alpha));
        u8::try_from((own * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
    };
    [red, green, blue].map(over_white)
}

impl Counted {
    fn of(image: &DynamicImage) -> Self {
        let pixels = u64::from(image.width()) * u64::from(image.height());
        let step = (1..=64).find(|step| pixels / (u64::from(*step) * u64::from(*step)) <= u64::from(MOST));
        let (mut counts, step, mut all) = (HashMap::new(), step.unwrap_or(64), 0);
        each(image, step, |x, y| {
            *counts.entry(colour(image, x, y).map(|own| own >> 2)).or_default() += 1;
            all += 1;
        });
        Self { counts, step, all }
    }

    /// How many colours nine tenths of it take.
    fn spread(&self) -> usize {
        let mut counts: Vec<usize> = self.counts.values().copied().collect();
        counts.sort_unstable_by(|one, other| other.cmp(one));
        let (mut sum, enough) = (0, self.all * 9 / 10);
        let reached = counts.iter().position(|count| {
            sum += count;
            sum >= enough
        });
        reached.map_or(counts.len(), |place| place + 1)
    }

    /// The share of the commonest colour, in percent.
    fn commonest(&self) -> usize {
        self.counts.values().max().copied().unwrap_or_default() * 100 / self.all.max(1)
    }

    /// Which shares are ground, and of what is not, thicker than a line; in percent.
    fn lines(&self, image: &DynamicImage) -> (usize, usize) {
        let most = self.counts.iter().max_by_key(|(colour, count)| (**count, **colour));
        let ground = most.map_or([255; 3], |(colour, _)| colour.map(|own| own << 2 | 2));
        let is_ground = |x: u32, y: u32| {
            let own = colour(image, x, y);
            own.iter().zip(ground).all(|(own, ground)| own.abs_diff(ground) <= NEAR)
        };
        // A line has ground on one side or the other, some pixels away in each direction.
        let reach = (image.width().max(image.height()) / 200).clamp(2, 40);
        let (mut grounds, mut inks, mut thick) = (0usize, 0usize, 0usize);
        each(image, self.step, |x, y| {
            if is_ground(x, y) {
                grounds += 1;
                return;
            }
            inks += 1;
            let (left, up) = (x.saturating_sub(reach), y.saturating_sub(reach));
            let (right, low) = ((x + reach).min(image.width() - 1), (y + reach).min(image.height() - 1));
            let around = [(left, y), (right, y), (x, up), (x, low), (left, up), (right, up), (left, low), (right, low)];
            thick += usize::from(around.iter().filter(|(x, y)| !is_ground(*x, *y)).count() >= 7);
        });
        (grounds * 100 / self.all.max(1), thick * 100 / inks.max(1))
    }
}

fn each(image: &DynamicImage, step: u32, mut take: impl FnMut(u32, u32)) {
    for y in (0..image.height()).step_by(step as usize) {
        for x in (0..image.width()).step_by(step as usize) {
            take(x, y);
        }
    }
}
