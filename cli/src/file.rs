//! Small files of our own: read within a bound, replaced whole, and known again as this plant's.

use seal::Mac;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// What is in a file of at most so many bytes; nothing if it is not there.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(problem) if problem.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?.take(most.saturating_add(1)).read_to_end(&mut bytes)?,
    };
    if bytes.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(Some(bytes))
}

/// Puts these bytes into a file, whole or not at all: whoever waits for it reads all of it. Not synced.
pub(crate) fn replace(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let fresh = beside(path);
    fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path))
}

/// Does so even if the power fails: it is on the disk when this returns.
pub(crate) fn replace_durably(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let fresh = beside(path);
    let mut file = File::create(&fresh)?;
    file.write_all(bytes.as_ref())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Where a file is written before it takes the place of another.
fn beside(path: &Path) -> PathBuf {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    fresh.into()
}

/// A line under a tag that says who wrote it. The tag is over the text as it stands, so that nothing depends on how JSON is
/// written.
pub(crate) fn tagged(line: &str, mac: &Mac) -> String {
    format!("{}\n{line}\n", seal::hex(&mac.tag(&[line.as_bytes()])))
}

/// The line, if it was tagged with this key and nobody has changed it.
pub(crate) fn untagged<'a>(text: &'a str, mac: &Mac) -> Option<&'a str> {
    let (tag, line) = text.strip_suffix('\n')?.split_once('\n')?;
    seal::equal(&seal::unhex(tag)?, &mac.tag(&[line.as_bytes()])).then_some(line)
}
