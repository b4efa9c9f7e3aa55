//! `penstock init`: lays out a plant's folder.
//!
//! ```text
//! plant.toml   rules/plant.cedar   tokens.json   secrets/README.md
//! keys/gateway.key  keys/plant.key
//! pki/authority.pem .key   pki/gateway.pem .key   pki/workloads/<id>.pem .key
//! ```
//!
//! [`lay`] does the same for any plant file, so that others can begin a plant with content of their own.

use crate::authority::{Authority, AuthorityError, Leaf};
use crate::print::say;
use config::{Loaded, PLANT_FILE};
use miette::{IntoDiagnostic, WrapErr};
use plant::{Millis, PlantId, Workload};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Write a commented plant file, keys, a certificate authority and certificates.
///
/// The plant loads as it is and stays on this machine, until you put your own zones and workloads in.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to lay the plant out in. It is made if it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The plant's name; the folder's, unless given. It is part of every record: choose it once.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Also if the folder is not empty. What is there stays as it is; only what is missing is added.
    #[arg(long)]
    force: bool,
}

/// A plant to be laid out.
pub(crate) struct Template<'a> {
    /// The text of `plant.toml`.
    pub(crate) plant_file: &'a str,
    /// Rule files that it names, by path.
    pub(crate) rules: &'a [(&'a str, &'a str)],
}

/// A folder that cannot be laid out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum InitError {
    #[error("`{}` is not empty", folder.display())]
    #[diagnostic(help("name another folder; or, to add what is missing and touch nothing else, say `--force`"))]
    NotEmpty { folder: PathBuf },
    #[error("`{}` cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    #[error("the plant file does not load")]
    #[diagnostic(transparent)]
    Plant(#[from] Box<config::Problems>),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Authority(#[from] AuthorityError),
}

pub(crate) fn run(args: Args) -> miette::Result<ExitCode> {
    let name = match args.name {
        Some(name) => PlantId::new(name).into_diagnostic().wrap_err("this cannot be the plant's name")?,
        None => name_of(&args.folder),
    };
    let now = gateway::now();
    let plant_file = plant_file(&name, now);
    let template =
        Template { plant_file: &plant_file, rules: &[("rules/plant.cedar", include_str!("init/plant.cedar"))] };
    let loaded = lay(&args.folder, &template, args.force, now)?;
    let text = next_steps(&args.folder, &loaded);
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Lays out a plant's folder, and gives the plant as it loads from there. What is there already is never touched:
/// unless `force` is set, nothing may be.
pub(crate) fn lay(folder: &Path, template: &Template<'_>, force: bool, now: Millis) -> Result<Loaded, InitError> {
    let wrong = |source| InitError::Write { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(wrong)?;
    if !force && fs::read_dir(folder).map_err(wrong)?.next().is_some() {
        return Err(InitError::NotEmpty { folder: folder.to_owned() });
    }
    let place = Place { folder };
    place.file(PLANT_FILE, template.plant_file.as_bytes())?;
    for (path, text) in template.rules {
        place.file(path, text.as_bytes())?;
    }
    let load = || config::load(folder, now, |bytes| seal::hex(&seal::sha256(bytes))).map_err(Box::new);
    let loaded = load()?;
    place.private_folder("secrets")?;
    place.file("secrets/README.md", include_bytes!("init/secrets.md"))?;
    place.secret("tokens.json", b"{\n  \"version\": 1,\n  \"tokens\": []\n}\n")?;
    place.private_folder("keys")?;
    place.key("keys/gateway.key")?;
    place.key("keys/plant.key")?;
    certificates(&place, &loaded, now)?;
    // Again, so that what was missing a moment ago is no longer warned of.
    Ok(load()?)
}

/// Issues what the plant needs and does not have.
fn certificates(place: &Place<'_>, loaded: &Loaded, now: Millis) -> Result<(), InitError> {
    let plant = &loaded.plant;
    let authority = authority(place, &plant.id, now)?;
    if !place.has("pki/gateway.pem") {
        let (names, addresses) = gateway_names(loaded);
        place.leaf("pki/gateway", &authority.server(&names, &addresses, now)?)?;
    }
    for workload in plant.workloads.values() {
        let stem = format!("pki/workloads/{}", workload.id);
        if !place.has(&format!("{stem}.pem")) {
            place.leaf(&stem, &authority.client(workload.id.as_str(), &proofs(&plant.id, workload), now)?)?;
        }
    }
    Ok(())
}

fn authority(place: &Place<'_>, plant: &PlantId, now: Millis) -> Result<Authority, InitError> {
    const CERTIFICATE: &str = "pki/authority.pem";
    const KEY: &str = "pki/authority.key";
    if place.has(CERTIFICATE) || place.has(KEY) {
        let read = |path| {
            let path = place.folder.join(path);
            fs::read_to_string(&path).map(Zeroizing::new).map_err(|source| InitError::Write { path, source })
        };
        return Ok(Authority::load(&read(CERTIFICATE)?, &read(KEY)?)?);
    }
    let authority = Authority::new(plant.as_str(), now)?;
    place.file(CERTIFICATE, authority.certificate().as_bytes())?;
    place.secret(KEY, authority.key().as_bytes())?;
    Ok(authority)
}

/// What a workload's certificate says: the names that the plant file gives, or else the one that it could give.
fn proofs(plant: &PlantId, workload: &Workload) -> Vec<String> {
    if workload.certificates.is_empty() {
        return vec![format!("spiffe://{plant}/workload/{}", workload.id)];
    }
    workload.certificates.clone()
}

/// Every name and address that callers may reach this gateway by.
fn gateway_names(loaded: &Loaded) -> (Vec<String>, Vec<IpAddr>) {
    let mut names = vec!["localhost".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if host != "localhost" && host.len() <= 253 && host.split('.').all(label) {
        names.push(host);
    }
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for listener in &loaded.gateway.listen {
        if !listener.ip().is_unspecified() && !addresses.contains(&listener.ip()) {
            addresses.push(listener.ip());
        }
    }
    (names, addresses)
}

/// The embedded plant file, for a plant of this name that begins today.
fn plant_file(name: &PlantId, now: Millis) -> String {
    let day = |at: Millis| at.to_string().chars().take(10).collect::<String>();
    let year = Millis(now.0 + 365 * 24 * 3_600_000);
    include_str!("init/plant.toml")
        .replace("@PLANT@", name.as_str())
        .replace("@TODAY@", &day(now))
        .replace("@EXPIRES@", &day(year))
}

/// The folder's name as a plant's name, or `plant`.
fn name_of(folder: &Path) -> PlantId {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let last = whole.components().next_back().map(|part| part.as_os_str().to_string_lossy().to_lowercase());
    let tame: String = last
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' })
        .collect();
    let tame = tame.trim_matches(['-', '.', '_']);
    #[expect(clippy::expect_used, reason = "`plant` is an identifier")]
    PlantId::new(tame).unwrap_or_else(|_| PlantId::new("plant").expect("is an identifier"))
}

fn next_steps(folder: &Path, loaded: &Loaded) -> String {
    let shown = folder.display();
    let listener = loaded.gateway.listen.first().map_or_else(|| "127.0.0.1:8443".to_owned(), ToString::to_string);
    let workload = loaded.plant.workloads.keys().next().map_or("WORKLOAD", |id| id.as_str());
    let steps = [
        (format!("penstock check --plant {shown}"), "says whether the plant file is right"),
        (format!("penstock token issue --workload {workload} --plant {shown}"), "gives an SDK its API key, shown once"),
        (format!("penstock run --plant {shown}"), "runs the gateway"),
    ];
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let steps: String = steps.iter().map(|(command, what)| format!("  {command:width$}   {what}\n")).collect();
    format!(
        "Plant `{plant}` is laid out in {shown}.

Next:
{steps}
An SDK then takes https://{listener}/openai/v1 as its base URL, the token as its API key, and
{shown}/pki/authority.pem as the authority to trust (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS).

Keep {shown}/pki/authority.key somewhere else: the gateway does not need it, and whoever has
it can be any workload. keys/ cannot be made again: records are signed with it.
",
        plant = loaded.plant.id,
    )
}

/// The folder that is being laid out.
struct Place<'a> {
    folder: &'a Path,
}

impl Place<'_> {
    fn has(&self, path: &str) -> bool {
        self.folder.join(path).symlink_metadata().is_ok()
    }

    /// A file that anybody may read.
    fn file(&self, path: &str, bytes: &[u8]) -> Result<(), InitError> {
        self.write(path, bytes, 0o644)
    }

    /// A file that only its owner may read.
    fn secret(&self, path: &str, bytes: &[u8]) -> Result<(), InitError> {
        self.write(path, bytes, 0o600)
    }

    /// A folder that only its owner may enter.
    fn private_folder(&self, path: &str) -> Result<(), InitError> {
        let path = self.folder.join(path);
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(InitError::Write { path, source }),
            _ => Ok(()),
        }
    }

    /// A key of 32 random bytes, in base64 on one line.
    fn key(&self, path: &str) -> Result<(), InitError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(InitError::Random)?;
        let mut line = Zeroizing::new(seal::base64(bytes.as_slice()));
        line.push('\n');
        self.secret(path, line.as_bytes())
    }

    fn leaf(&self, stem: &str, leaf: &Leaf) -> Result<(), InitError> {
        self.secret(&format!("{stem}.key"), leaf.key.as_bytes())?;
        self.file(&format!("{stem}.pem"), leaf.certificate.as_bytes())
    }

    /// Writes a file that is not there yet. The mode is set as the file is made, so that a secret is never readable,
    /// not even for a moment; and a link that somebody put there is not followed.
    fn write(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), InitError> {
        let path = self.folder.join(path);
        let wrong = |source| InitError::Write { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(wrong)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        match file {
            Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(problem) => Err(wrong(problem)),
            Ok(mut file) => file.write_all(bytes).and_then(|()| file.sync_all()).map_err(wrong),
        }
    }
}
