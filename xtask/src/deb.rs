//! `cargo xtask deb`: the Debian package, written with `dpkg-deb`.
//!
//! What it holds is listed in [`FILES`]; what runs when it is installed and removed lies in `dist/debian`. Every file bears
//! the time of the commit, so the same binary gives the same package.

use crate::archive::gzip;
use crate::dist::{papers, version};
use crate::shell::{command, commit_time, output, root, run as must};
use crate::{Outcome, sbom};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Write the Debian package around a binary.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The binary.
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version, where it is not the one in Cargo.toml.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// How hard to compress: 1 is fast, 9 small.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=9))]
    level: u8,
}

pub(crate) fn run(args: &Args) -> Outcome<()> {
    fs::create_dir_all(&args.out)?;
    let version = args.version.clone().map_or_else(version, Ok)?;
    println!("{}", write(&args.binary, &version, &args.out, args.level)?.display());
    Ok(())
}

/// Files of the repository, where the package puts them, and with which mode.
const FILES: [(&str, &str, u32); 9] = [
    ("dist/debian/penstock.default", "etc/default/penstock", 0o644),
    ("dist/debian/copyright", "usr/share/doc/penstock/copyright", 0o644),
    ("dist/penstock.socket", "usr/share/doc/penstock/examples/penstock.socket", 0o644),
    ("dist/penstock-witness.service", "usr/share/doc/penstock/examples/penstock-witness.service", 0o644),
    ("examples/brewery/plant.toml", "usr/share/doc/penstock/examples/brewery.toml", 0o644),
    ("CHANGELOG.md", "usr/share/doc/penstock/NEWS.md", 0o644),
    ("dist/debian/postinst", "DEBIAN/postinst", 0o755),
    ("dist/debian/prerm", "DEBIAN/prerm", 0o755),
    ("dist/debian/postrm", "DEBIAN/postrm", 0o755),
];

/// As SECURITY.md has it.
const MAIL: &str = "security@penstock.dev";

const MANUAL: &str = "usr/share/man/man1";

/// Writes `penstock_VERSION_amd64.deb` into a folder and says where it is.
pub(crate) fn write(binary: &Path, version: &str, folder: &Path, level: u8) -> Outcome<PathBuf> {
    let binary = fs::canonicalize(binary)?;
    let place = tempfile::tempdir()?;
    let tree = place.path().join("tree");
    for part in ["DEBIAN", "etc/penstock", MANUAL] {
        fs::create_dir_all(tree.join(part))?;
    }
    install(&binary, &tree.join("usr/bin/penstock"), 0o755)?;
    must(command("strip", ["--strip-unneeded", "--remove-section=.comment"]).arg(tree.join("usr/bin/penstock")))?;
    for (from, to, mode) in FILES {
        install(&root().join(from), &tree.join(to), mode)?;
    }
    papers_of(&binary, &tree, place.path())?;
    let unit = fs::read_to_string(root().join("dist/penstock.service"))?;
    let unit_file = tree.join("usr/lib/systemd/system/penstock.service");
    fs::create_dir_all(unit_file.parent().ok_or("the unit has no folder")?)?;
    fs::write(&unit_file, packaged(&unit))?;
    fs::write(tree.join("usr/share/doc/penstock/penstock.cdx.json"), sbom::text()?)?;
    let changes = tree.join("usr/share/doc/penstock/changelog");
    fs::write(&changes, changelog(version)?)?;
    gzip(&changes, 9)?;
    fs::write(tree.join("DEBIAN/conffiles"), "/etc/default/penstock\n")?;
    fs::write(tree.join("DEBIAN/control"), control(&tree, version)?)?;
    sums(&tree)?;
    settle(&tree)?;
    let package = std::path::absolute(folder)?.join(format!("penstock_{version}_amd64.deb"));
    // One thread: how xz cuts its blocks depends on how many there are.
    let build = ["--root-owner-group", "-Zxz", "--threads-max=1"];
    must(
        command("dpkg-deb", build)
            .arg(format!("-z{level}"))
            .arg("--build")
            .arg(&tree)
            .arg(&package)
            .env("SOURCE_DATE_EPOCH", commit_time()?),
    )?;
    Ok(package)
}

fn install(from: &Path, to: &Path, mode: u32) -> Outcome<()> {
    fs::create_dir_all(to.parent().ok_or("a file has no folder")?)?;
    fs::copy(from, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Manual pages, compressed as Debian wants them, and completions where shells look for them.
fn papers_of(binary: &Path, tree: &Path, place: &Path) -> Outcome<()> {
    let completions = place.join("completions");
    fs::create_dir_all(&completions)?;
    papers(binary, &tree.join(MANUAL), &completions)?;
    for page in fs::read_dir(tree.join(MANUAL))? {
        gzip(&page?.path(), 9)?;
    }
    install(&completions.join("penstock"), &tree.join("usr/share/bash-completion/completions/penstock"), 0o644)?;
    install(&completions.join("_penstock"), &tree.join("usr/share/zsh/vendor-completions/_penstock"), 0o644)?;
    let fish = "usr/share/fish/vendor_completions.d/penstock.fish";
    install(&completions.join("penstock.fish"), &tree.join(fish), 0o644)
}

/// The unit as a package has it: the binary in `/usr/bin`, and no start before there is a plant.
fn packaged(unit: &str) -> String {
    unit.replace("/usr/local/bin/", "/usr/bin/")
        .replace(" Copy to /etc/systemd/system/, then: systemctl enable --now penstock", "")
        .replace("\n[Service]\n", "ConditionPathExists=/etc/penstock/plant.toml\n\n[Service]\n")
        .replace("\nExecStart=", "\nEnvironmentFile=-/etc/default/penstock\nExecStart=")
}

fn changelog(version: &str) -> Outcome<String> {
    let time = output(command("date", ["-u", "-R", "-d"]).arg(format!("@{}", commit_time()?)))?;
    Ok(format!(
        "penstock ({version}) stable; urgency=medium\n\n  * What changed stands in NEWS.md, beside this file.\n\n \
         -- The authors of Penstock <{MAIL}>  {time}"
    ))
}

fn control(tree: &Path, version: &str) -> Outcome<String> {
    let size = output(command("du", ["-k", "-s", "--apparent-size"]).arg(tree))?;
    let size = size.split_whitespace().next().unwrap_or_default().to_owned();
    let depends = depends(&tree.join("usr/bin/penstock"))?;
    Ok(format!(
        "Package: penstock
Version: {version}
Architecture: amd64
Maintainer: The authors of Penstock <{MAIL}>
Installed-Size: {size}
Depends: adduser, ca-certificates, {depends}
Suggests: tesseract-ocr
Section: net
Priority: optional
Description: gate between an industrial plant and AI services
 Every call from the plant to an AI service crosses this gateway. It
 identifies who calls, places the call in its IEC 62443 zone and conduit, reads
 what would leave, decides, and keeps a signed record that cannot be changed
 without being seen. What no conduit allows is closed.
 .
 The package runs it as a user of its own, without privileges, once a plant is
 laid out in /etc/penstock.
"
    ))
}

/// The packages whose libraries the binary loads. Which version of glibc, its symbols say.
fn depends(binary: &Path) -> Outcome<String> {
    let symbols = output(command("objdump", ["-T"]).arg(binary))?;
    let newest = symbols
        .split(|other: char| !(other.is_ascii_alphanumeric() || other == '.' || other == '_'))
        .filter_map(|word| word.strip_prefix("GLIBC_2."))
        .filter_map(|minor| minor.split('.').next()?.parse::<u32>().ok())
        .max()
        .ok_or("the binary is not linked with glibc")?;
    Ok(format!("libc6 (>= 2.{newest}), libgcc-s1"))
}

/// What `dpkg --verify` and `debsums` compare with.
fn sums(tree: &Path) -> Outcome<()> {
    let find = "find . -type f ! -path './DEBIAN/*' -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' md5sum";
    fs::write(tree.join("DEBIAN/md5sums"), output(command("sh", ["-c", find]).current_dir(tree))?)?;
    Ok(())
}

/// Modes and times that depend on nothing around.
fn settle(tree: &Path) -> Outcome<()> {
    let modes = "chmod -R u=rwX,go=rX .";
    must(command("sh", ["-c", modes]).current_dir(tree))?;
    let touch = format!("find . -print0 | xargs -0 touch -h -d @{}", commit_time()?);
    must(command("sh", ["-c", touch.as_str()]).current_dir(tree))
}
