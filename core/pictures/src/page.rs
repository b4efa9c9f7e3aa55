//! A picture made ready to be read: brightness alone, dark on light, as large as small letters need.

use crate::decode::Picture;
use crate::gray::Gray;

/// A picture as it is read.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Row by row, black being 0.
    pub pixels: Vec<u8>,
    /// How many of its pixels are a hundred of the picture's, on one side: 200 where it was made larger.
    pub scale: u32,
}

impl std::fmt::Debug for Page {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("width", &self.width).field("height", &self.height).finish_non_exhaustive()
    }
}

impl Picture {
    /// The picture as a page of `most` pixels at most. It is twice as wide and high where that fits: letters of a screen are ten
    /// pixels high, and engines read letters of twenty best. What is light on dark is turned around, which halves their time.
    #[must_use]
    pub fn page(&self, most: u64) -> Page {
        let mut gray = Gray::of(&self.image);
        if gray.ground() < 128 {
            gray.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        }
        let own = (gray.width as u64).saturating_mul(gray.height as u64);
        let longest = gray.width.max(gray.height);
        if own.saturating_mul(4) <= most {
            gray = doubled(&gray);
        } else if own > most {
            let side = longest as f64 * (most as f64 / own as f64).sqrt();
            gray = gray.within((side as usize).max(1));
        }
        let scale = gray.width.max(gray.height) * 100 / longest.max(1);
        let side = |own: usize| u32::try_from(own).unwrap_or(u32::MAX);
        Page { width: side(gray.width), height: side(gray.height), pixels: gray.pixels, scale: side(scale.max(1)) }
    }
}

/// Twice as wide and high: each new pixel takes nine parts of the nearest, three each of the next two, one of the fourth.
fn doubled(gray: &Gray) -> Gray {
    let mut pixels = Vec::with_capacity(gray.pixels.len() * 4);
    let rows: Vec<&[u8]> = gray.rows().collect();
    for (at, row) in rows.iter().enumerate() {
        let above = at.checked_sub(1).and_then(|at| rows.get(at)).unwrap_or(row);
        let below = rows.get(at + 1).unwrap_or(row);
        for other in [above, below] {
            let mixed: Vec<u16> =
                row.iter().zip(*other).map(|(near, far)| u16::from(*near) * 3 + u16::from(*far)).collect();
            for (at, near) in mixed.iter().enumerate() {
                let left = at.checked_sub(1).and_then(|at| mixed.get(at)).unwrap_or(near);
                let right = mixed.get(at + 1).unwrap_or(near);
                pixels.extend([left, right].map(|far| ((near * 3 + far + 8) >> 4) as u8));
            }
        }
    }
    Gray { width: gray.width * 2, height: gray.height * 2, pixels }
}

#[cfg(test)]
mod tests {
    use crate::{Budget, Limits, Page, Picture};
    use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgba, RgbaImage};
    use std::io::Cursor;

    fn page(image: &DynamicImage, most: u64) -> Page {
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).unwrap();
        Picture::decode(png.get_ref(), &mut Budget::new(&Limits::default())).unwrap().page(most)
    }

    fn striped(width: u32, height: u32, ground: u8, ink: u8) -> DynamicImage {
        let at = |x, _| Luma([if x % 10 == 3 { ink } else { ground }]);
        GrayImage::from_fn(width, height, at).into()
    }

    #[test]
    fn a_page_is_twice_as_large_where_that_fits_and_smaller_where_it_must() {
        let shape = |most| {
            let page = page(&striped(100, 60, 255, 0), most);
            assert_eq!(page.pixels.len(), page.width as usize * page.height as usize);
            (page.width, page.height, page.scale)
        };
        assert_eq!(shape(24_000), (200, 120, 200));
        assert_eq!(shape(23_999), (100, 60, 100));
        assert_eq!(shape(6_000), (100, 60, 100));
        assert_eq!(shape(1_500), (50, 30, 50));
        assert_eq!(shape(0), (1, 1, 1));
    }

    #[test]
    fn light_on_dark_becomes_dark_on_light() {
        assert_eq!(page(&striped(40, 40, 20, 235), 10_000), page(&striped(40, 40, 235, 20), 10_000));
        let seen = page(&RgbaImage::from_pixel(4, 4, Rgba([0, 0, 0, 0])).into(), 100);
        assert!(seen.pixels.iter().all(|pixel| *pixel == 255), "what is transparent shows white");
    }

    #[test]
    fn what_is_doubled_keeps_its_brightness() {
        let even = page(&striped(9, 7, 200, 200), 10_000);
        assert!(even.pixels.iter().all(|pixel| *pixel == 200), "{:?}", even.pixels);
        let lines = page(&striped(20, 2, 255, 0), 10_000);
        assert_eq!(lines.pixels[4..10], [255, 191, 64, 64, 191, 255]);
    }
}
