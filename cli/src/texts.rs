//! Finds files that are to be registered, and reads texts as the machines of a plant write them.

use miette::miette;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Largest file: a manual of a thousand pages has 4 MB of text.
const LARGEST: u64 = 64 << 20;
/// Deepest folder below the one that was named.
const DEEPEST: usize = 32;

/// The file, or every file below a folder in the order of their paths, each after what it is called. Hidden ones are left
/// out, and links not followed.
pub(crate) fn below(path: &Path) -> miette::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    if path.is_dir() {
        walk(path, path, DEEPEST, &mut found)?;
    } else {
        found.push((name(Path::new(path.file_name().unwrap_or_default()))?, path.to_owned()));
    }
    Ok(found)
}

fn walk(root: &Path, folder: &Path, depth: usize, found: &mut Vec<(String, PathBuf)>) -> miette::Result<()> {
    let failed = |problem: std::io::Error| miette!("cannot read `{}`: {problem}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            let deeper = depth.checked_sub(1).ok_or_else(|| miette!("`{}` is too deep", path.display()))?;
            walk(root, &path, deeper, found)?;
        } else {
            found.push((name(path.strip_prefix(root).unwrap_or(&path))?, path));
        }
    }
    Ok(())
}

/// What is in a file is called by its path: `sop/Pump 7.txt` is `sop.pump-7`.
pub(crate) fn name(path: &Path) -> miette::Result<String> {
    let text = path.with_extension("").to_string_lossy().to_lowercase();
    let mut name = String::new();
    for letter in text.chars() {
        match letter {
            '/' => name.push('.'),
            'a'..='z' | '0'..='9' | '_' | '.' => name.push(letter),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_matches(['-', '.', '_']);
    if name.is_empty() {
        return Err(miette!(help = "say what it is called with `--id`", "`{}` gives no name", path.display()));
    }
    Ok(name.to_owned())
}

/// The lines of a span, as an editor counts them.
pub(crate) fn lines(text: &str, span: &Range<usize>) -> String {
    let line = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    match (line(span.start), line(span.end)) {
        (first, last) if first == last => format!("line {first}"),
        (first, last) => format!("lines {first} to {last}"),
    }
}

/// A file that cannot be registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("it is larger than {} MiB", .0 >> 20)]
    TooLarge(u64),
    #[error("it is no text; register the text of it, such as `pdftotext` gives")]
    Binary,
}

/// The text of a file, `-` being standard input: UTF-8, UTF-16 with its mark, or else Latin-1.
pub(crate) fn text(path: &Path) -> Result<String, TextError> {
    decode(bytes(path, LARGEST)?).ok_or(TextError::Binary)
}

/// What is in a file of at most so many bytes, `-` being standard input.
pub(crate) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, TextError> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(most + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > most { Err(TextError::TooLarge(most)) } else { Ok(bytes) }
}

fn decode(bytes: Vec<u8>) -> Option<String> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).skip(1).filter_map(|pair| Some(from(*pair.first_chunk()?)));
        String::from_utf16(&units.collect::<Vec<_>>()).ok()
    };
    match bytes.get(..2) {
        Some([0xFF, 0xFE]) => return wide(u16::from_le_bytes),
        Some([0xFE, 0xFF]) => return wide(u16::from_be_bytes),
        _ => {}
    }
    let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\r\x0C\x1A\x1B".contains(byte);
    if bytes.iter().any(is_control) || bytes.starts_with(b"%PDF-") {
        return None;
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|odd| odd.as_bytes().iter().map(|byte| char::from(*byte)).collect()))
}

#[cfg(test)]
mod tests {
    use super::{decode, name};
    use std::path::Path;

    #[test]
    fn documents_are_called_by_their_path() {
        for (path, id) in
            [("sop/Pump 7.txt", "sop.pump-7"), ("Rezept Nr. 12 – alt.md", "rezept-nr.-12-alt"), ("x", "x")]
        {
            assert_eq!(name(Path::new(path)).expect("a name"), id);
        }
        assert!(name(Path::new("–.txt")).is_err());
    }

    #[test]
    fn texts_of_old_and_new_machines_are_read() {
        let read = |bytes: &[u8]| decode(bytes.to_vec());
        assert_eq!(read("Größe".as_bytes()).as_deref(), Some("Größe"));
        assert_eq!(read(b"Gr\xF6\xDFe").as_deref(), Some("Größe"));
        assert_eq!(read(b"\xFF\xFEG\0\xF6\0").as_deref(), Some("Gö"));
        assert_eq!(read(b"\xFE\xFF\0G\0\xF6").as_deref(), Some("Gö"));
        assert_eq!(read(b"PK\x03\x04"), None);
        assert_eq!(read(b"%PDF-1.7\n"), None);
    }
}
