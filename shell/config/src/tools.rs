//! The tools of MCP servers: `tools.json`, which says who approved which definition, and the definitions that wait for that.
//!
//! ```json
//! { "version": 1, "tools": [ { "provider": "historian", "tool": "read_tag", "sha256": "9f86...", "approver": "J. Brandt",
//!   "approved": "2026-11-22T09:30:00.000Z" } ] }
//! ```
//!
//! Each is replaced as a whole, so that a reader sees the old one or the new one: the first by `penstock mcp`, the
//! second, in the ledger's folder, by the gateway.

use crate::private;
use plant::{Millis, ProviderId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest file. 256 definitions of 64 KiB, with their quotes escaped, come to less.
const LARGEST: u64 = 64 << 20;
const VERSION: u32 = 1;

/// A tool that somebody approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The server, by its name in the plant file.
    pub provider: String,
    /// The tool.
    pub tool: String,
    /// SHA-256 of the definition's canonical JSON, in lower-case hexadecimal.
    pub sha256: String,
    /// Who approved it.
    pub approver: String,
    /// When, by RFC 3339.
    pub approved: String,
}

/// A definition that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The server.
    pub provider: String,
    /// The tool.
    pub tool: String,
    /// Its definition, as canonical JSON.
    pub definition: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed<T> {
    version: u32,
    tools: Vec<T>,
}

impl Approval {
    /// Whether every field is what it says.
    fn is_sound(&self) -> bool {
        let hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ProviderId::new(self.provider.clone()).is_ok() && hash(&self.sha256) && Millis::parse(&self.approved).is_some()
    }
}

/// Reads the approvals. A file that does not exist holds none.
///
/// # Errors
/// When it cannot be read, or is not what it should be.
pub fn approvals(path: &Path) -> io::Result<Vec<Approval>> {
    let list: Vec<Approval> = read(path)?;
    let sound = list.iter().all(Approval::is_sound);
    if sound { Ok(list) } else { Err(wrong("an approval has no server, hash or time")) }
}

/// Reads the definitions that wait. A file that does not exist holds none.
///
/// # Errors
/// When it cannot be read, or is not what it should be.
pub fn offers(path: &Path) -> io::Result<Vec<Offer>> {
    read(path)
}

/// Replaces a file of approvals or definitions.
///
/// # Errors
/// When it cannot be written; the old one is there then.
pub fn write<T: Serialize>(path: &Path, tools: Vec<T>) -> io::Result<()> {
    let folder = folder(path)?;
    let text = serde_json::to_string_pretty(&Listed { version: VERSION, tools })? + "\n";
    private::replace(path, &folder, text.as_bytes())
}

/// Lets `change` change the approvals, one writer at a time.
///
/// # Errors
/// When the file cannot be read or written.
pub fn change(path: &Path, change: impl FnOnce(&mut Vec<Approval>)) -> io::Result<()> {
    // Ends with the handle.
    let lock = folder(path)?;
    lock.lock()?;
    let mut list = approvals(path)?;
    change(&mut list);
    list.sort_by(|one, other| (&one.provider, &one.tool).cmp(&(&other.provider, &other.tool)));
    write(path, list)
}

fn folder(path: &Path) -> io::Result<File> {
    File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<T>> {
    let file = match File::open(path) {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(wrong("it is larger than 64 MiB"));
    }
    let listed: Listed<T> = serde_json::from_slice(&bytes)?;
    if listed.version == VERSION { Ok(listed.tools) } else { Err(wrong("it is of another version of penstock")) }
}

fn wrong(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::{Approval, approvals, change};

    fn approval(tool: &str) -> Approval {
        Approval {
            provider: "historian".to_owned(),
            tool: tool.to_owned(),
            sha256: "0f".repeat(32),
            approver: "J. Brandt".to_owned(),
            approved: "2026-11-22T09:30:00.000Z".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tools.json");
        assert_eq!(approvals(&path).unwrap(), []);
        change(&path, |list| list.extend([approval("write_tag"), approval("read_tag")])).unwrap();
        assert_eq!(approvals(&path).unwrap(), [approval("read_tag"), approval("write_tag")]);
        for damage in [
            ("\"version\": 1", "\"version\": 2"),
            ("0f0f", "0F0F"),
            ("2026-11", "2026-13"),
            ("approver", "by"),
            ("]", ""),
        ] {
            let text = std::fs::read_to_string(&path).unwrap();
            let broken = folder.path().join("broken.json");
            std::fs::write(&broken, text.replacen(damage.0, damage.1, 1)).unwrap();
            assert!(approvals(&broken).is_err(), "{damage:?}");
        }
    }
}
