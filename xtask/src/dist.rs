//! `cargo xtask dist`: everything that a release has.
//!
//! ```text
//! target/dist/penstock-VERSION/
//!   penstock-VERSION-x86_64-linux-gnu.tar.gz    binary, unit files, manual, completions
//!   penstock_VERSION_amd64.deb                  the same as a Debian package
//!   penstock-VERSION.oci.tar                    the same as a container image
//!   penstock-VERSION.cdx.json                   what it is made of: CycloneDX
//!   penstock-VERSION.intoto.json                how it was built: in-toto, SLSA provenance; signed where a key is given
//!   SHA256SUMS                                  the hashes of all of them
//! ```

use crate::archive::{self, Owner};
use crate::build::Build;
use crate::shell::{command, output, root, run as must, sha256, target};
use crate::{Outcome, deb, image, provenance, sbom};
use provenance::Origin;
use std::fs;
use std::path::{Path, PathBuf};

/// Build a release: binary, archive, Debian package, container image, checksums, SBOM and provenance.
///
/// The build is for glibc, linked dynamically, with the paths of this machine taken out; see `cargo xtask reproduce`. The
/// archive and the package bear the time of the commit, so they too are the same bytes wherever they are made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder to write to, which must be empty. Usually `target/dist/penstock-VERSION`, which is cleared.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// An Ed25519 key in PEM (`openssl genpkey -algorithm ed25519`) that signs the provenance. Without it, it is not signed.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Who builds, as a URI: part of the provenance.
    #[arg(long, value_name = "URI", default_value = "urn:penstock:builder:by-hand")]
    builder: String,
    /// The profile of cargo.
    #[arg(long, value_name = "NAME", default_value = "dist")]
    profile: String,
    /// Build nothing, and pack this binary. The provenance then says its hash, and nothing of how it was built.
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    binary: Option<PathBuf>,
    /// How hard to compress: 1 is fast, 9 small.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=9))]
    level: u8,
}

pub(crate) fn run(args: &Args) -> Outcome<()> {
    let began = now()?;
    let version = version()?;
    let folder = empty(args, &version)?;
    let (binary, origin) = binary(args)?;

    let staged = tempfile::tempdir()?;
    let name = format!("penstock-{version}-x86_64-linux-gnu");
    stage(&staged.path().join(&name), &binary)?;
    let archive = folder.join(&name).with_added_extension("tar");
    archive::tar(staged.path(), &[&name], &archive, Owner(0))?;
    archive::gzip(&archive, args.level)?;
    deb::write(&binary, &version, &folder, args.level)?;
    image::write(&binary, &version, &folder, args.level)?;
    fs::write(folder.join(format!("penstock-{version}.cdx.json")), sbom::text()?)?;

    let subjects = hashes(&folder)?;
    let run = provenance::Run { began, ended: now()?, builder: &args.builder };
    let statement = provenance::statement(&subjects, &origin, &run)?;
    let text = provenance::envelope(&statement, args.key.as_deref())?;
    fs::write(folder.join(format!("penstock-{version}.intoto.json")), text)?;
    let sums: String = hashes(&folder)?.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    fs::write(folder.join("SHA256SUMS"), &sums)?;
    println!("{}\n\n{sums}", folder.display());
    if args.key.is_none() {
        println!("the provenance is not signed: no --key was given");
    }
    Ok(())
}

/// The folder of the release, with nothing in it. Only our own default is ever cleared.
fn empty(args: &Args, version: &str) -> Outcome<PathBuf> {
    let usual = target().join("dist").join(format!("penstock-{version}"));
    if args.out.is_none() && usual.exists() {
        fs::remove_dir_all(&usual)?;
    }
    let folder = args.out.clone().unwrap_or(usual);
    fs::create_dir_all(&folder)?;
    if fs::read_dir(&folder)?.next().is_some() {
        return Err(format!("`{}` is not empty", folder.display()).into());
    }
    Ok(folder)
}

/// The binary of the release, and what can be said of where it comes from.
fn binary(args: &Args) -> Outcome<(PathBuf, Origin)> {
    if let Some(given) = &args.binary {
        let given = fs::canonicalize(given)?;
        let hash = sha256(&given)?;
        return Ok((given, Origin::Given { hash }));
    }
    let (source, target) = (root(), target());
    let build = Build { commit: "HEAD", package: "penstock", profile: &args.profile, source: &source, target: &target };
    let binary = build.run()?.join("penstock");
    Ok((binary, Origin::Built { profile: args.profile.clone(), flags: build.rust_flags()? }))
}

/// Lays out what the archive has.
fn stage(folder: &Path, binary: &Path) -> Outcome<()> {
    for part in ["bin", "man/man1", "completions", "systemd"] {
        fs::create_dir_all(folder.join(part))?;
    }
    fs::copy(binary, folder.join("bin/penstock"))?;
    for file in ["LICENSE", "README.md", "CHANGELOG.md"] {
        fs::copy(root().join(file), folder.join(file))?;
    }
    for unit in ["penstock.service", "penstock.socket", "penstock-witness.service"] {
        fs::copy(root().join("dist").join(unit), folder.join("systemd").join(unit))?;
    }
    papers(binary, &folder.join("man/man1"), &folder.join("completions"))
}

/// Writes the manual pages and the completions, as the binary gives them.
pub(crate) fn papers(binary: &Path, manual: &Path, completions: &Path) -> Outcome<()> {
    let binary = binary.display().to_string();
    must(command(&binary, ["manual"]).arg(manual))?;
    for (shell, name) in [("bash", "penstock"), ("zsh", "_penstock"), ("fish", "penstock.fish")] {
        fs::write(completions.join(name), output(&mut command(&binary, ["completions", shell]))?)?;
    }
    Ok(())
}

/// The files of a folder with their hashes, by name.
fn hashes(folder: &Path) -> Outcome<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push((name, sha256(&path)?));
    }
    found.sort();
    Ok(found)
}

/// The version in the root's Cargo.toml.
pub(crate) fn version() -> Outcome<String> {
    let said = output(&mut command("cargo", ["pkgid", "--package", "penstock"]))?;
    let (_, version) = said.trim().rsplit_once(['#', '@']).ok_or("cargo names no version")?;
    Ok(version.to_owned())
}

/// The hour, by RFC 3339.
fn now() -> Outcome<String> {
    Ok(output(&mut command("date", ["-u", "+%Y-%m-%dT%H:%M:%SZ"]))?.trim().to_owned())
}
