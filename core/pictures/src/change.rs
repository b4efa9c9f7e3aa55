//! Pictures that show less: smaller, or blurred. Written anew in their own format, without anything beside the pixels.

use crate::decode::{Picture, Unread};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use std::io::Cursor;

/// How well JPEG is written, of 100: what cameras write.
const QUALITY: u8 = 85;

impl Picture {
    /// The picture with no side longer than so many pixels. `None` if it is no larger.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn smaller(&self, side: u32) -> Result<Option<Vec<u8>>, Unread> {
        let fits = self.width().max(self.height()) <= side;
        if fits { Ok(None) } else { self.written(&self.image.resize(side, side, FilterType::Triangle)).map(Some) }
    }

    /// The picture with no more detail than one of `detail` pixels on its longer side has, drawn with no side longer than
    /// `side`. What is finer is gone, not hidden: nothing brings it back.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn blurred(&self, detail: u32, side: u32) -> Result<Vec<u8>, Unread> {
        let longest = self.width().max(self.height()).max(1);
        let scaled = |own: u32, to: u32| {
            let scaled = u64::from(own) * u64::from(to.min(longest)) / u64::from(longest);
            u32::try_from(scaled).unwrap_or(to).max(1)
        };
        let to = |picture: &DynamicImage, side| {
            picture.resize_exact(scaled(self.width(), side), scaled(self.height(), side), FilterType::Triangle)
        };
        self.written(&to(&to(&self.image, detail), side))
    }

    fn written(&self, picture: &DynamicImage) -> Result<Vec<u8>, Unread> {
        let mut out = Cursor::new(Vec::new());
        let written = match self.format {
            ImageFormat::Jpeg => DynamicImage::from(picture.to_rgb8())
                .write_with_encoder(JpegEncoder::new_with_quality(&mut out, QUALITY)),
            // WebP without loss knows no others, and BMP and GIF need no more.
            _ if picture.color().has_alpha() => DynamicImage::from(picture.to_rgba8()).write_to(&mut out, self.format),
            _ => DynamicImage::from(picture.to_rgb8()).write_to(&mut out, self.format),
        };
        written.map(|()| out.into_inner()).map_err(|_| Unread::Damaged)
    }
}
