//! Texts that were written by hand, each with what is to be found in it between brackets.
//!
//! ```text
//! #! secret
//! %% compose
//! environment:
//!   - TOKEN=⟦‹A32›⟧
//! ```
//!
//! The first line says for which type the texts are labelled, and the class of those without a label if it is another than
//! `benign`. `‹A32›` stands for 32 characters drawn from an alphabet: `A` letters and digits, `l` and `u` small or capital letters
//! and digits, `x` and `X` hexadecimal digits, `d` digits, `w` also `_`, `b` also `+` and `/`. They are drawn anew for each place, and
//! alike in each run; so no file of ours holds what looks like a key.

use crate::data::Row;
use std::path::Path;

const OPEN: char = '⟦';
const CLOSE: char = '⟧';

/// The texts of all such files of a folder, in order of their names.
pub(crate) fn read(folder: &str) -> Vec<Row> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder can be read")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    let texts = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "txt"));
    texts.flat_map(|path| file(path)).collect()
}

fn file(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).expect("a text can be read");
    let Some((head, texts)) = text.strip_prefix("#! ").and_then(|text| text.split_once('\n')) else {
        return Vec::new();
    };
    let (kind, class) = head.split_once(' ').unwrap_or((head, "benign"));
    let mut state = path.file_name().unwrap_or_default().as_encoded_bytes().iter().copied().fold(0, mix);
    let texts = texts.split("\n%%").map(|part| part.strip_prefix("%%").unwrap_or(part));
    texts
        .filter_map(|part| part.split_once('\n'))
        .map(|(name, text)| row(name.trim(), text.trim_end(), kind, class, &mut state))
        .collect()
}

fn row(name: &str, text: &str, kind: &str, class: &str, state: &mut u64) -> Row {
    let (mut plain, mut labels, mut open) = (String::new(), Vec::new(), 0);
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            OPEN => open = plain.len(),
            CLOSE => labels.push((kind.to_owned(), open..plain.len())),
            '‹' => {
                let drawn: String = rest.by_ref().take_while(|letter| *letter != '›').collect();
                let (alphabet, count) = drawn.split_at(1);
                draw(alphabet, count.parse().expect("a number of characters"), state, &mut plain);
            }
            letter => plain.push(letter),
        }
    }
    let class = if labels.is_empty() { class } else { kind };
    Row { class: class.to_owned(), kind: name.to_owned(), text: plain, labels, labelled_for: vec![kind.to_owned()] }
}

fn draw(alphabet: &str, count: usize, state: &mut u64, to: &mut String) {
    let holds = |byte: u8| match alphabet {
        "A" => byte.is_ascii_alphanumeric(),
        "l" => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
        "u" => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        "x" => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        "X" => matches!(byte, b'0'..=b'9' | b'A'..=b'F'),
        "d" => byte.is_ascii_digit(),
        "w" => byte.is_ascii_alphanumeric() || byte == b'_',
        _ => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
    };
    let end = to.len() + count;
    while to.len() < end {
        *state = mix(*state, 0);
        let byte = state.to_be_bytes()[0] & 0x7F;
        if holds(byte) {
            to.push(char::from(byte));
        }
    }
}

fn mix(state: u64, byte: u8) -> u64 {
    (state ^ u64::from(byte)).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
