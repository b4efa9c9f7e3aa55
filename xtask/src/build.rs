//! The build of a release: the flags that keep the place and the time of a build out of its bytes.
//!
//! The target is glibc, linked dynamically. A static musl binary cannot load the PKCS#11 module of a device that holds the
//! ledger's key, because a static program has no loader; and the platforms that we support all have glibc.

use crate::Outcome;
use crate::shell::{command, output, run, time_of};
use std::path::{Path, PathBuf};

pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A build: of which commit and package, by which profile, from where to where.
pub(crate) struct Build<'a> {
    pub(crate) commit: &'a str,
    pub(crate) package: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) source: &'a Path,
    pub(crate) target: &'a Path,
}

impl Build<'_> {
    /// Builds it and gives the folder of its binaries.
    pub(crate) fn run(&self) -> Outcome<PathBuf> {
        let mut cargo = command("cargo", ["build", "--locked", "--package", self.package]);
        cargo
            .args(["--profile", self.profile, "--target", TARGET])
            .current_dir(self.source)
            .env("CARGO_TARGET_DIR", self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env("SOURCE_DATE_EPOCH", time_of(self.commit)?)
            // Not RUSTFLAGS, which falls apart at the first space of a path.
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags()?.join("\u{1f}"))
            .env_remove("RUSTFLAGS")
            .env("CFLAGS", self.c_flags()?)
            .env("CXXFLAGS", self.c_flags()?);
        run(&mut cargo)?;
        let folder = if self.profile == "dev" { "debug" } else { self.profile };
        Ok(self.target.join(TARGET).join(folder))
    }

    /// Where things lie on this machine, and what a binary calls them instead. Later entries win, so the widest comes first.
    fn places(&self) -> Outcome<Vec<(PathBuf, &'static str)>> {
        let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
        let cargo = cargo.or(home).ok_or("neither CARGO_HOME nor HOME is set")?;
        Ok(vec![
            (cargo, "/cargo"),
            (self.source.canonicalize()?, "/penstock"),
            (std::path::absolute(self.target)?, "/target"),
        ])
    }

    pub(crate) fn rust_flags(&self) -> Outcome<Vec<String>> {
        let places = self.places()?;
        Ok(places.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())).collect())
    }

    /// The same for what is compiled from C: AWS-LC, SQLite, Zstandard, jemalloc.
    fn c_flags(&self) -> Outcome<String> {
        let places = self.places()?;
        let flags = places.iter().map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display()));
        Ok(flags.collect::<Vec<_>>().join(" "))
    }
}

/// Version and commit of the compiler.
pub(crate) fn compiler() -> Outcome<String> {
    Ok(output(&mut command("rustc", ["--version", "--verbose"]))?.trim().to_owned())
}
