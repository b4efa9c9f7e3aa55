//! Brightness alone, and the few things that are done with it. What is transparent shows white, as viewers show it.

use image::DynamicImage;
use std::f32::consts::PI;
use std::ops::Range;

/// A picture without colours.
#[derive(Clone)]
pub(crate) struct Gray {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Row by row, as many as width times height.
    pub(crate) pixels: Vec<u8>,
}

/// A part of a picture; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) across: Range<usize>,
    pub(crate) down: Range<usize>,
}

impl Area {
    pub(crate) fn size(&self) -> usize {
        self.across.len() * self.down.len()
    }
}

impl Gray {
    pub(crate) fn of(image: &DynamicImage) -> Self {
        let (width, height) = (image.width() as usize, image.height() as usize);
        if !image.color().has_alpha() {
            return Self { width, height, pixels: image.to_luma8().into_raw() };
        }
        let over_white = |pair: &[u8]| {
            let [luma, alpha] = pair.first_chunk().copied().unwrap_or([255, 255]).map(u16::from);
            u8::try_from((luma * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
        };
        Self { width, height, pixels: image.to_luma_alpha8().chunks_exact(2).map(over_white).collect() }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width.max(1))
    }

    pub(crate) fn all(&self) -> Area {
        Area { across: 0..self.width, down: 0..self.height }
    }

    pub(crate) fn at(&self, x: usize, y: usize) -> Option<u8> {
        if x < self.width { self.pixels.get(y * self.width + x).copied() } else { None }
    }

    pub(crate) fn part(&self, area: &Area) -> Self {
        let rows = self.rows().skip(area.down.start).take(area.down.len());
        let pixels = rows.flat_map(|row| row.get(area.across.clone()).unwrap_or_default()).copied().collect();
        Self { width: area.across.len(), height: area.down.len(), pixels }
    }

    /// The same with no side longer than `side`.
    pub(crate) fn within(self, side: usize) -> Self {
        let longest = self.width.max(self.height);
        if longest <= side {
            return self;
        }
        let scaled = |own: usize| (own * side / longest).max(1);
        let (width, height) = (scaled(self.width), scaled(self.height));
        let means = self.means(width, height);
        let pixels = means.into_iter().map(|mean| mean.round() as u8).collect();
        Self { width, height, pixels }
    }

    /// The mean brightness of so many cells across and down, each of which may cover parts of pixels.
    pub(crate) fn means(&self, across: usize, down: usize) -> Vec<f32> {
        let mut rows: Vec<Vec<f32>> = Vec::with_capacity(self.height);
        for row in self.rows() {
            rows.push(cells(row.iter().map(|pixel| f32::from(*pixel)), row.len(), across));
        }
        let mut out = vec![0.0; across * down];
        for column in 0..across {
            let line = rows.iter().map(|row| row.get(column).copied().unwrap_or_default());
            for (row, mean) in cells(line, self.height, down).into_iter().enumerate() {
                if let Some(place) = out.get_mut(row * across + column) {
                    *place = mean;
                }
            }
        }
        out
    }

    /// Which brightness most of it has, neighbours counted in.
    pub(crate) fn ground(&self) -> u8 {
        let mut counts = [0u32; 256];
        for pixel in &self.pixels {
            if let Some(count) = counts.get_mut(usize::from(*pixel)) {
                *count += 1;
            }
        }
        let around = |level: &u8| -> u32 {
            let level = usize::from(*level);
            counts.get(level.saturating_sub(2)..(level + 3).min(256)).unwrap_or_default().iter().sum()
        };
        (0..=u8::MAX).max_by_key(around).unwrap_or_default()
    }

    /// How far each pixel is from the ground: light on dark and dark on light become the same.
    pub(crate) fn ink(mut self) -> Self {
        let ground = self.ground();
        for pixel in &mut self.pixels {
            *pixel = pixel.abs_diff(ground);
        }
        self
    }

    /// The smallest part with all that is drawn, of a picture that is ink. `None` if nothing is.
    pub(crate) fn drawn(&self) -> Option<Area> {
        let faintest = self.faintest()?;
        let (mut left, mut right, mut down) = (self.width, 0, None::<Range<usize>>);
        for (y, row) in self.rows().enumerate() {
            let mut strong = row.iter().enumerate().filter(|(_, pixel)| **pixel >= faintest).map(|(x, _)| x);
            let Some(first) = strong.next() else { continue };
            let last = strong.next_back().unwrap_or(first);
            (left, right) = (left.min(first), right.max(last + 1));
            down = Some(down.map_or(y, |down| down.start)..y + 1);
        }
        Some(Area { across: left..right, down: down? })
    }

    /// How strong ink must be to count: a quarter of what the strongest thousandth has. Less is noise of a coder.
    fn faintest(&self) -> Option<u8> {
        let mut pixels = self.pixels.clone();
        let place = pixels.len() - 1 - pixels.len().checked_sub(1)? / 1000;
        let (_, strong, _) = pixels.select_nth_unstable(place);
        let strong = *strong;
        (strong >= 24).then_some((strong / 4).max(12))
    }

    /// The same turned by some degrees around its middle, the ground shown where it ends.
    pub(crate) fn turned(&self, degrees: f32) -> Self {
        let (sine, cosine) = (degrees * PI / 180.0).sin_cos();
        let (middle_x, middle_y) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        let ground = self.ground();
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..self.height {
            for x in 0..self.width {
                let (dx, dy) = (x as f32 + 0.5 - middle_x, y as f32 + 0.5 - middle_y);
                let from_x = cosine * dx + sine * dy + middle_x - 0.5;
                let from_y = cosine * dy - sine * dx + middle_y - 0.5;
                let value = |x: f32, y: f32| {
                    let inside = x >= 0.0 && y >= 0.0;
                    let own = if inside { self.at(x as usize, y as usize) } else { None };
                    f32::from(own.unwrap_or(ground))
                };
                let (left, top) = (from_x.floor(), from_y.floor());
                let (share_x, share_y) = (from_x - left, from_y - top);
                let upper = value(left, top) * (1.0 - share_x) + value(left + 1.0, top) * share_x;
                let lower = value(left, top + 1.0) * (1.0 - share_x) + value(left + 1.0, top + 1.0) * share_x;
                pixels.push((upper * (1.0 - share_y) + lower * share_y).round() as u8);
            }
        }
        Self { width: self.width, height: self.height, pixels }
    }
}

/// The means of a line of values, cut into so many cells of one width.
fn cells(line: impl Iterator<Item = f32>, length: usize, count: usize) -> Vec<f32> {
    let mut sums = Vec::with_capacity(length + 1);
    let mut sum = 0.0f64;
    sums.push(sum);
    for value in line {
        sum += f64::from(value);
        sums.push(sum);
    }
    let until = |at: f64| {
        let whole = at as usize;
        let low = sums.get(whole).copied().unwrap_or(sum);
        let high = sums.get(whole + 1).copied().unwrap_or(sum);
        low + (high - low) * at.fract()
    };
    let width = length as f64 / count as f64;
    let mean = |cell: usize| ((until((cell + 1) as f64 * width) - until(cell as f64 * width)) / width) as f32;
    (0..count).map(mean).collect()
}
