//! A text as a QR code (ISO/IEC 18004) in SVG: to be shown on one side of a gap and read by a camera on the other.

use qrcode::types::QrError;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Modules of white around it (ISO/IEC 18004, section 6.3.8).
const QUIET: usize = 4;

/// Draws a text; one module is one unit.
pub(super) fn svg(text: &str) -> Result<String, QrError> {
    // The lowest level of correction: a screen is not torn, and every module that is saved is larger.
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    let (width, side) = (code.width(), code.width() + 2 * QUIET);
    let mut path = String::new();
    for (at, _) in code.to_colors().iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let _ = write!(path, "M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::svg;

    /// What a camera reads, by a decoder that is not ours.
    fn seen(svg: &str) -> String {
        let number = |text: &str| text.parse::<usize>().unwrap();
        let side = number(svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap());
        let modules = svg.split("<path d=\"").nth(1).unwrap().split("\"/>").next().unwrap();
        let dark: std::collections::BTreeSet<(usize, usize)> = modules
            .split("h1v1h-1z")
            .filter_map(|module| module.strip_prefix('M')?.split_once(' '))
            .map(|(x, y)| (number(x), number(y)))
            .collect();
        let scale = 3;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * scale, side * scale, |x, y| {
            if dark.contains(&(x / scale, y / scale)) { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_camera_reads_what_was_drawn() {
        let proof =
            "c2sp.org/witness\nold 12\n".to_owned() + &"l6TrfzYQWiPqCGBgAzBCSYw3F7Wk0a9Ys3s1uV8mZrU=\n".repeat(40);
        for text in ["a", "witness \u{2014} 1", &proof] {
            assert_eq!(seen(&svg(text).unwrap()), *text);
        }
        assert!(svg(&"x".repeat(3000)).is_err());
    }
}
