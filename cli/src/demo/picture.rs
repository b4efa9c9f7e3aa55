//! Draws what the camera over the filling line sees: a crown cap from above, one of its teeth bent.
//!
//! A real PNG, made here, so that nobody has to ask whose picture it is.

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::f32::consts::TAU;
use std::io::Write;

/// Width and height in pixels.
const SIDE: u32 = 160;
/// A crown cap has 21 teeth (DIN 6099).
const TEETH: f32 = 21.0;
/// Where the bent tooth is, as part of a turn.
const BENT: f32 = 0.36;

/// The picture as a PNG file.
pub(super) fn bottle_cap() -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..SIDE {
        // Each row begins with its filter; 0 leaves the samples as they are (PNG, section 9.2).
        rows.push(0);
        rows.extend((0..SIDE).flat_map(|x| pixel(x, y)));
    }
    png(&rows)
}

/// Red, green and blue at a place.
fn pixel(x: u32, y: u32) -> [u8; 3] {
    let centred = |at: u32| {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        (f32::from(at) + 0.5) / 80.0 - 1.0
    };
    let (x, y) = (centred(x), centred(y));
    let (radius, turn) = (x.hypot(y), (y.atan2(x) / TAU).rem_euclid(1.0));
    let bent = (1.0 - (turn - BENT).abs() * 30.0).max(0.0);
    let rim = 0.86 + 0.05 * (turn * TAU * TEETH).cos() - 0.17 * bent;
    // Light from the upper left; the rim slopes, the top is flat.
    let light = -(x + y) / radius.max(0.1) / 1.5;
    let shade = |base: f32, slope: f32| base * (0.82 + slope * light);
    match radius {
        // The conveyor under the cap.
        r if r > rim => grey(shade(58.0, 0.0) - 14.0 * (y * 40.0).sin().max(0.0)),
        r if r > 0.66 => grey(shade(196.0, 0.30) - 70.0 * bent),
        // A ring of print, then the plain top with a scratch towards the bent tooth.
        r if (0.47..0.53).contains(&r) => [214, 168, 60],
        r if r > 0.2 && (turn - BENT).abs() < 0.006 => grey(225.0),
        _ => [tone(shade(150.0, 0.08)), tone(shade(28.0, 0.08)), tone(shade(34.0, 0.08))],
    }
}

fn grey(light: f32) -> [u8; 3] {
    [tone(light); 3]
}

fn tone(light: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a byte holds")]
    let byte = light.clamp(0.0, 255.0) as u8;
    byte
}

fn png(rows: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [SIDE.to_be_bytes(), SIDE.to_be_bytes()].concat();
    // 8 bits a sample, RGB, deflate, adaptive filters, not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &deflated(rows));
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn deflated(rows: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let _ = encoder.write_all(rows);
    encoder.finish().unwrap_or_default()
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::{bottle_cap, pixel};

    #[test]
    fn the_picture_is_a_small_png_with_whole_chunks() {
        let file = bottle_cap();
        assert!(file.len() < 24 << 10, "{}", file.len());
        let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n").unwrap();
        let mut kinds = Vec::new();
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let mut crc = flate2::Crc::new();
            crc.update(&tail[..4 + length]);
            assert_eq!(tail[4 + length..8 + length], crc.sum().to_be_bytes());
            kinds.push(String::from_utf8_lossy(&tail[..4]).into_owned());
            rest = &tail[8 + length..];
        }
        assert_eq!(kinds, ["IHDR", "IDAT", "IEND"]);
    }

    #[test]
    fn the_cap_is_red_and_stands_on_a_grey_conveyor() {
        let [red, green, _] = pixel(80, 80);
        assert!(red > 100 && green < 60);
        let [red, green, blue] = pixel(2, 2);
        assert!(red == green && green == blue);
    }
}
