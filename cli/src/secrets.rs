//! Reads secrets: keys and credentials. From files that only their owner can read, or from the environment; never
//! logged, zeroised when dropped.

use gateway::Secrets;
use plant::CredentialReference;
use seal::{Mac, OpeningKey, RootKey, SigningKey};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Largest file that a secret is read from.
const LARGEST: u64 = 64 << 10;

/// A secret that cannot be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum SecretError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{}` can be read by others than its owner", path.display())]
    #[diagnostic(help("chmod 600 {}", path.display()))]
    Open { path: PathBuf },
    #[error("`{}` does not hold a key: 32 bytes in base64 on one line are expected", path.display())]
    Shape { path: PathBuf },
    #[error("`{}` is empty or holds characters that no HTTP header can carry", path.display())]
    Empty { path: PathBuf },
    #[error("cannot write `{}`", path.display())]
    #[diagnostic(help("a key that is there is never overwritten: what it opens would be lost"))]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the system gives no random bytes")]
    Random,
    #[error("the environment variable `{name}` is not set or not text")]
    Unset { name: String },
}

/// The plant's symmetric root key and what is derived from it.
pub(crate) struct PlantKey(RootKey);

impl PlantKey {
    /// Reads `plant.key` of a folder of keys.
    pub(crate) fn read(keys: &Path) -> Result<Self, SecretError> {
        let bytes = key(&keys.join("plant.key"))?;
        Ok(Self(RootKey::from_bytes(*bytes)))
    }

    /// Finds who is named by which pseudonym.
    pub(crate) fn persons(&self) -> Mac {
        self.0.derive("persons")
    }

    /// Says that what is isolated was written down by this plant's gateway.
    pub(crate) fn isolations(&self) -> Mac {
        self.0.derive("isolations")
    }

    /// Says that what was in force was written down by this plant's gateway.
    pub(crate) fn in_force(&self) -> Mac {
        self.0.derive("in-force")
    }

    /// Says that where components stand was written down by this plant's gateway.
    pub(crate) fn components(&self) -> Mac {
        self.0.derive("components")
    }

    /// Makes prints of what is registered, and of messages.
    pub(crate) fn prints(&self) -> prints::Keys {
        prints::Keys::new(&self.0.derive("prints").tag(&[]))
    }

    /// What the gateway uses on content.
    pub(crate) fn secrets(&self) -> Secrets {
        let [commitments, tokens, shifts, sessions] =
            ["commitments", "tokens", "shifts", "sessions"].map(|label| self.0.derive(label));
        Secrets { commitments, tokens, shifts, sessions }
    }
}

/// Reads the gateway's signing key.
pub(crate) fn signing_key(keys: &Path) -> Result<SigningKey, SecretError> {
    Ok(SigningKey::from_seed(key(&keys.join("gateway.key"))?))
}

/// Reads a key that opens what is sealed.
pub(crate) fn opening_key(path: &Path) -> Result<OpeningKey, SecretError> {
    OpeningKey::from_bytes(key(path)?).map_err(|_| SecretError::Shape { path: path.to_owned() })
}

/// Makes such a key, in a file that only its owner can read. Durable when this returns.
pub(crate) fn make_opening_key(path: &Path) -> Result<OpeningKey, SecretError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| SecretError::Random)?;
    let text = Zeroizing::new(seal::base64(bytes.as_slice()));
    write_new(path, &text).map_err(|source| SecretError::Write { path: path.to_owned(), source })?;
    OpeningKey::from_bytes(bytes).map_err(|_| SecretError::Shape { path: path.to_owned() })
}

/// Writes a line to a new file that only its owner can read. Durable when this returns, its name too.
pub(crate) fn write_new(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(line.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

/// Reads a provider's credential.
pub(crate) fn credential(reference: &CredentialReference) -> Result<Zeroizing<String>, SecretError> {
    match reference {
        CredentialReference::File(path) => {
            let text = read(path)?;
            let line = text.lines().next().unwrap_or_default().trim();
            let fit = !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_graphic());
            if fit { Ok(Zeroizing::new(line.to_owned())) } else { Err(SecretError::Empty { path: path.clone() }) }
        }
        CredentialReference::Environment(name) => {
            std::env::var(name).map(Zeroizing::new).map_err(|_| SecretError::Unset { name: name.clone() })
        }
    }
}

fn key(path: &Path) -> Result<Zeroizing<[u8; 32]>, SecretError> {
    let text = read(path)?;
    let shape = || SecretError::Shape { path: path.to_owned() };
    let bytes = Zeroizing::new(seal::unbase64(text.trim()).ok_or_else(shape)?);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(shape());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// Reads a file that only its owner can read.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, SecretError> {
    use std::io::Read;
    let failed = |source| SecretError::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    // The mode of the file that is open, not of whatever stands at the path by then.
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(SecretError::Open { path: path.to_owned() });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
