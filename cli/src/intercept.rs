//! `penstock intercept`: the authority of intercepted connections, and what their callers need.
//!
//! ```text
//! pki/intercept-root.pem .key            issues the intermediate; its key belongs elsewhere
//! pki/intercept.pem .key                 the intermediate, for the plant's AI hosts only: what the gateway issues with
//! pki/intercept-authorities.pem          what callers trust: the root, and while it is replaced the next one too
//! pki/intercept-root-next.pem .key       the next root, from `rotate begin` to `rotate switch`
//! ```
//!
//! A running gateway takes changed files within a second; connections that it has go on with what they were shown.

use crate::assemble;
use crate::authority::{Authority, Leaf};
use crate::print::say;
use clap::Subcommand;
use config::{Intercept, Loaded};
use gateway::pac;
use miette::{IntoDiagnostic, WrapErr, bail, miette};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Make the authority of intercepted connections, and what their callers need.
///
/// For applications whose base URL cannot be changed: see `[intercept]` of the plant file. Callers trust a root of its own, not
/// the plant's authority; the gateway holds an intermediate which may issue for the hosts of the plant's providers and no other.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make the root and the intermediate, for the hosts of the plant file.
    Init,
    /// Issue another intermediate, for the hosts as the plant file has them now: when providers change, and once a year.
    Issue,
    #[command(subcommand)]
    Rotate(Rotate),
    /// Print the authorities that callers must trust, PEM.
    Authorities,
    Pac(Pac),
}

/// Replace the root without a moment at which callers trust nothing.
#[derive(Debug, Subcommand)]
enum Rotate {
    /// Make the next root, and add it to what callers are to trust. Nothing is issued by it yet.
    Begin,
    /// Issue by the next root from now on. Both stay trusted.
    Switch,
    /// Trust the old root no longer.
    End,
}

/// Print the proxy auto-configuration for browsers and operating systems
///
/// The proxy gives the same at `/proxy.pac`, under the name that it was asked by.
#[derive(Debug, clap::Args)]
struct Pac {
    /// The proxy as callers reach it.
    #[arg(long, value_name = "HOST:PORT")]
    proxy: String,
    /// The proxy is spoken to by TLS.
    #[arg(long)]
    tls: bool,
}

pub(crate) fn run(path: &Path, args: Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(path)?;
    let Some(intercept) = loaded.gateway.intercept.as_ref() else {
        return Err(miette!(
            help = "add `[intercept]` with a listener: `proxy = [\"127.0.0.1:3128\"]`",
            "nothing is intercepted here"
        ));
    };
    let files = Files::of(intercept);
    let text = match args.task {
        Task::Init => files.init(&loaded)?,
        Task::Issue => files.issue(&loaded)?,
        Task::Rotate(Rotate::Begin) => files.begin(&loaded)?,
        Task::Rotate(Rotate::Switch) => files.switch(&loaded)?,
        Task::Rotate(Rotate::End) => files.end()?,
        Task::Authorities => read(&files.bundle)?.to_string(),
        Task::Pac(args) => {
            let proxy = gateway::Authority::parse(&args.proxy, None);
            let proxy =
                proxy.ok_or_else(|| miette!("`--proxy` is no host and port, such as `gate.plant.example:3128`"))?;
            pac(&assemble::hosts(&loaded).names(), &proxy, args.tls)
        }
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Where everything lies: beside the intermediate.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    bundle: PathBuf,
    root: Pair,
    next: Pair,
}

/// A certificate and its key.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    fn beside(path: &Path, name: &str) -> Self {
        let beside = |ending: &str| path.with_file_name(format!("{name}.{ending}"));
        Self { certificate: beside("pem"), key: beside("key") }
    }

    fn load(&self) -> miette::Result<Authority> {
        Ok(Authority::load(&read(&self.certificate)?, &read(&self.key)?)?)
    }

    fn store(&self, authority: &Authority) -> miette::Result<()> {
        write(&self.key, authority.key().as_bytes(), 0o600)?;
        write(&self.certificate, authority.certificate().as_bytes(), 0o644)
    }
}

impl Files {
    fn of(intercept: &Intercept) -> Self {
        let certificate = &intercept.certificate;
        Self {
            certificate: certificate.clone(),
            key: intercept.key.clone(),
            bundle: intercept.authorities.clone(),
            root: Pair::beside(certificate, "intercept-root"),
            next: Pair::beside(certificate, "intercept-root-next"),
        }
    }

    /// Make the root and the intermediate.
    fn init(&self, loaded: &Loaded) -> miette::Result<String> {
        for path in [&self.root.certificate, &self.root.key, &self.certificate, &self.key, &self.bundle] {
            if path.exists() {
                let help = "`penstock intercept issue` makes another intermediate, `rotate` another root";
                return Err(miette!(help = help, "`{}` is there already", path.display()));
            }
        }
        let root = Authority::for_interception(loaded.plant.id.as_str(), gateway::now())?;
        self.root.store(&root)?;
        write(&self.bundle, root.certificate().as_bytes(), 0o644)?;
        let covered = self.issue_by(&root, loaded)?;
        Ok(format!(
            "Interception authority made.

  {bundle}   what callers must trust
  {certificate}   what the gateway issues with, for: {covered}
  {key}   keep it elsewhere: only `issue` and `rotate` need it

The fingerprint, to compare after a copy went over a network:
  {fingerprint}
",
            bundle = self.bundle.display(),
            certificate = self.certificate.display(),
            key = self.root.key.display(),
            fingerprint = fingerprint(root.certificate())?,
        ))
    }

    /// Issue another intermediate, for the hosts as the plant file has them now.
    fn issue(&self, loaded: &Loaded) -> miette::Result<String> {
        let covered = self.issue_by(&self.root.load()?, loaded)?;
        Ok(format!("{} covers now: {covered}\n", self.certificate.display()))
    }

    fn issue_by(&self, root: &Authority, loaded: &Loaded) -> miette::Result<String> {
        let hosts = assemble::hosts(loaded);
        let names: Vec<&str> = hosts.names().into_iter().collect();
        if names.is_empty() {
            bail!("no provider is called by TLS, so there is no host to issue for");
        }
        let Leaf { certificate, key } = root.intermediate(loaded.plant.id.as_str(), &names, gateway::now())?;
        // A gateway that looks in between finds two that do not belong together, keeps what it has, and looks again.
        write(&self.key, key.as_bytes(), 0o600)?;
        write(&self.certificate, certificate.as_bytes(), 0o644)?;
        Ok(names.join(", "))
    }

    fn begin(&self, loaded: &Loaded) -> miette::Result<String> {
        if self.next.key.exists() {
            bail!("a next root is there already: `penstock intercept rotate switch` is what follows");
        }
        let next = Authority::for_interception(loaded.plant.id.as_str(), gateway::now())?;
        self.next.store(&next)?;
        let both = format!("{}{}", read(&self.root.certificate)?.as_str(), next.certificate());
        write(&self.bundle, both.as_bytes(), 0o644)?;
        let print = fingerprint(next.certificate())?;
        Ok(format!(
            "{} holds both roots. Bring it to every caller, then: penstock intercept rotate switch\n  {print}\n",
            self.bundle.display()
        ))
    }

    fn switch(&self, loaded: &Loaded) -> miette::Result<String> {
        let next = self.next.load().wrap_err("there is no next root: `penstock intercept rotate begin` makes one")?;
        let covered = self.issue_by(&next, loaded)?;
        for (from, to) in [(&self.next.key, &self.root.key), (&self.next.certificate, &self.root.certificate)] {
            fs::rename(from, to).into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", to.display()))?;
        }
        Ok(format!("The next root issues now, for: {covered}\nWhen all is well: penstock intercept rotate end\n"))
    }

    fn end(&self) -> miette::Result<String> {
        if self.next.key.exists() {
            bail!("the next root does not issue yet: `penstock intercept rotate switch` comes first");
        }
        write(&self.bundle, read(&self.root.certificate)?.as_bytes(), 0o644)?;
        Ok(format!("{} holds the new root alone.\n", self.bundle.display()))
    }
}

/// SHA-256 of a certificate, as browsers and `openssl x509 -fingerprint -sha256` show it.
fn fingerprint(pem: &str) -> miette::Result<String> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).into_diagnostic()?;
    let hex = seal::hex(&seal::sha256(&der)).to_uppercase();
    let pairs: Vec<&str> = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect();
    Ok(format!("SHA-256 {}", pairs.join(":")))
}

fn read(path: &Path) -> miette::Result<Zeroizing<String>> {
    let text = fs::read_to_string(path).map(Zeroizing::new).into_diagnostic();
    text.wrap_err_with(|| format!("cannot read `{}`", path.display()))
}

/// Writes a file whole or not at all, with its mode from the first moment.
fn write(path: &Path, bytes: &[u8], mode: u32) -> miette::Result<()> {
    let fresh = path.with_extension("new");
    let written = || {
        let _ = fs::remove_file(&fresh);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    written().into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))
}
