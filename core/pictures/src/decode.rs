//! Decodes pictures of strangers: sizes are judged before a pixel is, and a decoder that fails in any way has found a picture
//! that cannot be read.

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits as DecoderLimits};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the pictures of one message may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels of one picture.
    pub pixels: u64,
    /// Longest side of one picture, in pixels.
    pub side: u32,
    /// Most pixels of all pictures together.
    pub all: u64,
    /// Most pictures.
    pub count: usize,
}

impl Default for Limits {
    /// 64 million pixels (8,000 x 8,000 is the most that providers take), 32,768 on a side, 256 million pixels in 100
    /// pictures.
    fn default() -> Self {
        Self { pixels: 64_000_000, side: 1 << 15, all: 256_000_000, count: 100 }
    }
}

/// Most scans of one JPEG. Each is drawn over all of the picture, and a hundred bytes are one: a body of 32 MiB could ask for days.
/// Cameras write one scan, and those who show pictures step by step some ten.
const SCANS: usize = 64;

/// What is left of the limits.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Limits,
}

impl Budget {
    /// All of it.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { left: *limits }
    }
}

/// Why a picture cannot be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is of no kind that is decoded here: PNG, JPEG, GIF, WebP and BMP are.
    #[error("it is no picture of a kind that is read here: PNG, JPEG, GIF, WebP, BMP")]
    Unknown,
    /// It does not decode.
    #[error("it is damaged: it does not decode")]
    Damaged,
    /// It has more pixels than are looked at.
    #[error("it has more pixels than are looked at")]
    TooLarge,
}

/// A picture, decoded and upright. Of an animation, its first frame.
pub struct Picture {
    pub(crate) image: DynamicImage,
    pub(crate) format: ImageFormat,
}

impl Picture {
    /// Decodes a picture.
    ///
    /// # Errors
    /// If it cannot be looked at, or is beyond what is left of the budget.
    pub fn decode(bytes: &[u8], budget: &mut Budget) -> Result<Self, Unread> {
        let format = format(bytes).ok_or(Unread::Unknown)?;
        // The decoders are other people's: one that panics must not take an exchange with it.
        catch_unwind(AssertUnwindSafe(|| decode(bytes, format, budget))).unwrap_or(Err(Unread::Damaged))
    }

    /// Pixels from left to right, as it is seen.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.image.width()
    }

    /// Pixels from top to bottom, as it is seen.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.image.height()
    }
}

impl std::fmt::Debug for Picture {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shape = f.debug_struct("Picture");
        shape.field("width", &self.width()).field("height", &self.height()).finish_non_exhaustive()
    }
}

/// How many pixels a picture says that it has; `None` if it is none.
#[must_use]
pub fn pixels(bytes: &[u8]) -> Option<u64> {
    let format = format(bytes)?;
    let size = || ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().ok();
    let (width, height) = catch_unwind(AssertUnwindSafe(size)).ok()??;
    Some(u64::from(width) * u64::from(height))
}

fn format(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    image::guess_format(bytes).ok().filter(|format| matches!(format, Bmp | Gif | Jpeg | Png | WebP))
}

fn decode(bytes: &[u8], format: ImageFormat, budget: &mut Budget) -> Result<Picture, Unread> {
    let left = &mut budget.left;
    let most = left.pixels.min(left.all);
    if left.count == 0 {
        return Err(Unread::TooLarge);
    }
    left.count -= 1;
    // Within a scan, no such bytes stand together (T.81, section F.1.2.3).
    let scans = bytes.windows(2).filter(|pair| *pair == b"\xff\xda");
    if format == ImageFormat::Jpeg && scans.take(SCANS + 1).count() > SCANS {
        return Err(Unread::TooLarge);
    }
    let mut limits = DecoderLimits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(left.side), Some(left.side));
    // Sixteen bits in four channels, and what the decoder itself needs.
    limits.max_alloc = Some(most.saturating_mul(8).saturating_add(64 << 20));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unread)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > most {
        return Err(Unread::TooLarge);
    }
    left.all -= pixels;
    let orientation = decoder.orientation().map_err(unread)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(unread)?;
    image.apply_orientation(orientation);
    if pixels == 0 { Err(Unread::Damaged) } else { Ok(Picture { image, format }) }
}

fn unread(problem: ImageError) -> Unread {
    match problem {
        ImageError::Limits(_) => Unread::TooLarge,
        _ => Unread::Damaged,
    }
}
