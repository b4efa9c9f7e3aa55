//! QR codes and bar codes in a picture: what they say. Reading them is other people's work (the `rxing` crate, a port of `ZXing`).

use crate::decode::Picture;
use crate::gray::Gray;
use rxing::common::HybridBinarizer;
use rxing::multi::{GenericMultipleBarcodeReader, MultipleBarcodeReader};
use rxing::{BarcodeFormat, BinaryBitmap, DecodeHints, Luma8LuminanceSource, MultiUseMultiFormatReader, RXingResult};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest side of what is searched: a fifth of a second for a picture of nothing but noise.
const SIDE: usize = 1280;
/// Most codes of one picture.
const MOST: usize = 32;

/// The forms that are looked for. Interleaved 2 of 5, Codabar and their like are not: hatching on a drawing reads as one.
const FORMS: [(BarcodeFormat, &str); 8] = [
    (BarcodeFormat::QR_CODE, "QR code"),
    (BarcodeFormat::DATA_MATRIX, "Data Matrix"),
    (BarcodeFormat::AZTEC, "Aztec code"),
    (BarcodeFormat::PDF_417, "PDF417"),
    (BarcodeFormat::CODE_128, "Code 128"),
    (BarcodeFormat::CODE_93, "Code 93"),
    (BarcodeFormat::CODE_39, "Code 39"),
    (BarcodeFormat::EAN_13, "EAN-13"),
];

/// A code in a picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// What it is called: `QR code`.
    pub form: &'static str,
    /// What it says.
    pub text: String,
}

impl std::fmt::Debug for Code {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("form", &self.form).field("bytes", &self.text.len()).finish()
    }
}

impl Picture {
    /// The codes in it: dark on light, upright or turned, in a picture that is made smaller to 1,280 pixels first.
    #[must_use]
    pub fn codes(&self) -> Vec<Code> {
        let Gray { width, height, pixels } = Gray::of(&self.image).within(SIDE);
        let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else { return Vec::new() };
        let forms: HashSet<BarcodeFormat> = FORMS.iter().map(|(form, _)| *form).collect();
        let hints = DecodeHints { PossibleFormats: Some(forms), TryHarder: Some(true), ..DecodeHints::default() };
        let read = || {
            let mut bits = BinaryBitmap::new(HybridBinarizer::new(Luma8LuminanceSource::new(pixels, width, height)?));
            let mut reader = GenericMultipleBarcodeReader::new(MultiUseMultiFormatReader::default());
            reader.decode_multiple_with_hints(&mut bits, &hints)
        };
        // As for the decoders: what panics has found nothing.
        let found = catch_unwind(AssertUnwindSafe(read)).ok().and_then(Result::ok).unwrap_or_default();
        let code = |one: &RXingResult| {
            let (_, form) = FORMS.iter().find(|(form, _)| form == one.getBarcodeFormat())?;
            Some(Code { form, text: one.getText().to_owned() })
        };
        found.iter().filter_map(code).filter(|code| !code.text.is_empty()).take(MOST).collect()
    }
}
