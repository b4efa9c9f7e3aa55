//! What is taken of a prompt: a language, and letters to be hashed so that the same prompt is known again.

use crate::Language;
use plant::{Content, Origin};

/// Bytes of a prompt that are looked at, from its end: that is where the newest message is.
const MOST: usize = 16 << 10;
/// Bytes that tell a language.
const SAMPLE: usize = 1 << 10;
/// Fewest letters and digits that make a prompt: `yes` and `go on` are said again and again.
const LEAST: usize = 12;

/// What is taken of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// Its language, if that shows.
    pub language: Option<Language>,
    /// Its letters and digits, lower case, without what stands between; `None` if it says too little. To be hashed under a key,
    /// and not kept.
    pub normal: Option<Vec<u8>>,
}

/// Takes what is needed of the content of a request. Takes time in the 16 KiB at its end.
#[must_use]
pub fn sketch(content: &Content<'_>) -> Sketch {
    let said = content.pieces.iter().rev().filter(|piece| {
        piece.origin == Origin::Prompt && !piece.fixed && piece.attachment.is_none() && !piece.text.is_empty()
    });
    let (mut left, mut normal, mut sample) = (MOST, Vec::new(), String::new());
    for piece in said {
        let tail = tail(&piece.text, left);
        left -= tail.len();
        if tail.is_ascii() {
            extend(&mut normal, tail.as_bytes());
        } else {
            let own = tail.chars().filter(|own| own.is_alphanumeric()).flat_map(char::to_lowercase);
            normal.extend_from_slice(own.collect::<String>().as_bytes());
        }
        // What stands between two texts, so that `ab` `c` is not `a` `bc`.
        normal.push(b'\n');
        if sample.len() < SAMPLE {
            sample.push_str(self::tail(tail, SAMPLE - sample.len()));
            sample.push('\n');
        }
        if left == 0 {
            break;
        }
    }
    let normal = Some(normal).filter(|normal| normal.len() >= LEAST);
    Sketch { language: Language::of(&sample), normal }
}

/// Adds the letters and digits of an ASCII text: each byte is written, and stays if the next one goes behind it. Where words end,
/// no processor guesses right.
fn extend(normal: &mut Vec<u8>, text: &[u8]) {
    let mut end = normal.len();
    normal.resize(end + text.len(), 0);
    for byte in text {
        if let Some(place) = normal.get_mut(end) {
            *place = byte.to_ascii_lowercase();
        }
        end += usize::from(byte.is_ascii_alphanumeric());
    }
    normal.truncate(end);
}

/// The end of a text, of at most this many bytes.
fn tail(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}
