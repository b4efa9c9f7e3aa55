//! The files beside a plant file: whether they are there, and who can read them.

use crate::node::{At, Node};
use crate::problem::Code;
use crate::read::Surroundings;
use crate::report::Report;
use crate::value::{self, quote};
use std::io;
use std::path::Path;

/// Largest plant file, and largest file of rules.
pub(crate) const MOST_BYTES: usize = 4 << 20;

/// Looks at files. The real ones, or none: a plant file can be read far from its plant.
pub trait Files {
    /// The whole file.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or is larger than any such file needs to be.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What is known of a file without reading it; `None` if it is not there.
    fn state(&self, path: &Path) -> Option<State>;
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether others than its owner can read it.
    pub exposed: bool,
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        use io::Read as _;
        let file = std::fs::File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        let mut bytes = Vec::new();
        let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MOST_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {MOST_BYTES} bytes")));
        }
        Ok(bytes)
    }

    fn state(&self, path: &Path) -> Option<State> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let exposed = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0;
        #[cfg(not(unix))]
        let exposed = false;
        Some(State { exposed: exposed && metadata.is_file() })
    }
}

/// No files at all: nothing is read, and nothing is missed.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn state(&self, _: &Path) -> Option<State> {
        Some(State { exposed: false })
    }
}

/// Warns of files that the gateway will miss, and of secrets that others can read.
pub(crate) fn check(file: &Node<'_>, around: &Surroundings<'_>, report: &mut Report) {
    if let Some(gateway) = file.table("gateway") {
        let witness = file.table("witness").filter(|_| file.says("witness"));
        let secure = |node: &Node<'_>| !node.texts("listen").is_empty();
        if secure(&gateway) || witness.as_ref().is_some_and(secure) {
            look(&gateway, "certificate", "`penstock init` makes one", false, around, report);
            look(&gateway, "key", "`penstock init` makes one", true, around, report);
        }
        if secure(&gateway) {
            look(&gateway, "client_authority", "`penstock init` makes one", false, around, report);
        }
        if let Some(telemetry) = gateway.table("telemetry").filter(|_| gateway.says("telemetry")) {
            look(&telemetry, "authorities", "put the authorities there, PEM", false, around, report);
        }
        device(&gateway, around, report);
        look(&gateway, "keys", "`penstock init` makes them: `gateway.key` and `plant.key`", false, around, report);
    }
    if let Some(intercept) = file.table("intercept").filter(|_| file.says("intercept")) {
        let help = "`penstock intercept init` makes it";
        look(&intercept, "certificate", help, false, around, report);
        look(&intercept, "key", help, true, around, report);
        look(&intercept, "authorities", help, false, around, report);
    }
    if let Some(ocr) = file.table("ocr").filter(|_| file.says("ocr")) {
        engine(&ocr, around, report);
    }
    if let Some(witnesses) = file.table("witnesses").filter(|_| file.says("witnesses")) {
        let help = "write a policy there: `witness NAME KEY URL` for each witness, and `quorum NAME`";
        look(&witnesses, "policy", help, false, around, report);
        look(&witnesses, "authorities", "put the authorities there, PEM", false, around, report);
    }
    if let Some(witness) = file.table("witness").filter(|_| file.says("witness")) {
        look(&witness, "key", "`penstock witness key --name NAME --out FILE` makes one", true, around, report);
        look(&witness, "logs", "put the peers' `ledger.vkey` there, one after the other", false, around, report);
    }
    for (_, provider) in file.tables("providers") {
        look(&provider, "authorities", "put the authorities there, PEM", false, around, report);
        if let Some(credential) = provider.table("credential") {
            look(
                &credential,
                "file",
                "put the credential there, alone in the first line, readable by the gateway only",
                true,
                around,
                report,
            );
        }
    }
    for (_, destination) in file.tables("alerts") {
        look(&destination, "authorities", "put the authorities there, PEM", false, around, report);
        if let Some(credential) = destination.table("credential") {
            let help = "put the credential there, alone in the first line, readable by the gateway only";
            look(&credential, "file", help, true, around, report);
        }
    }
    if let Some(operators) = file.table("operators") {
        look(&operators, "authorities", "put the authorities there, PEM", false, around, report);
        if operators.text("keys").is_some_and(|keys| !keys.value.contains("://")) {
            look(&operators, "keys", "put the issuer's key set (JWKS) there", false, around, report);
        }
    }
}

/// The engine that reads pictures, and the files of its models where the plant has its own.
fn engine(ocr: &Node<'_>, around: &Surroundings<'_>, report: &mut Report) {
    look(
        ocr,
        "command",
        "install it (Debian: `apt install tesseract-ocr`), or correct the path",
        false,
        around,
        report,
    );
    let Some(folder) = ocr.text("models") else { return };
    for At { value, span } in ocr.texts("languages") {
        let file = format!("{}/{value}.traineddata", folder.value);
        let help = "put the model there, or correct `languages`";
        look_at(&ocr.place, &At { value: &file, span }, help, false, around, report);
    }
}

/// The library that speaks to the device, and the file of its PIN.
fn device(gateway: &Node<'_>, around: &Surroundings<'_>, report: &mut Report) {
    let Some(At { value, span }) = gateway.text("signing") else { return };
    let Ok(uri) = value::signing(value) else { return };
    let help = "install what the maker of the device provides, or correct `module-path`";
    look_at(&gateway.place, &At { value: &uri.module, span: span.clone() }, help, false, around, report);
    let help = "write the PIN there, alone in the first line, readable by the gateway only";
    look_at(&gateway.place, &At { value: &uri.pin, span }, help, true, around, report);
}

fn look(node: &Node<'_>, key: &str, help: &str, secret: bool, around: &Surroundings<'_>, report: &mut Report) {
    if let Some(named) = node.text(key) {
        look_at(&node.place, &named, help, secret, around, report);
    }
}

fn look_at(place: &str, named: &At<&str>, help: &str, secret: bool, around: &Surroundings<'_>, report: &mut Report) {
    let At { value, span } = named;
    match around.files.state(&around.folder.join(value)) {
        None => {
            let message = format!("{}: {} is not there", place, quote(value));
            report.add(report.problem(Code::FileMissing, span.clone(), message).help(help));
        }
        Some(State { exposed: true }) if secret => {
            let message = format!("{}: {} can be read by others than its owner", place, quote(value));
            report.add(
                report
                    .problem(Code::FileExposed, span.clone(), message)
                    .help(format!("run `chmod 600 {value}` in the plant's folder")),
            );
        }
        Some(_) => {}
    }
}
