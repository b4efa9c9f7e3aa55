//! The container image of a release, as an OCI archive: made without a daemon, a base image or root.
//!
//! It holds the binary, the libraries that the loader names for it, public authorities, and nothing else: no shell, no package
//! manager. The libraries are those of the machine that builds. Layout, manifest and configuration are those of the OCI image
//! specification 1.0; the same binary on the same Debian gives the same bytes.

use crate::Outcome;
use crate::archive::{self, Owner};
use crate::shell::{command, commit_time, git, output, sha256};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// The user: nobody of the host's.
const USER: u32 = 65532;

/// Public authorities, which the gateway does not start without.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The terms under which what is not ours may be passed on, where the machine that builds has them.
const TERMS: [&str; 3] = [
    "/usr/share/doc/ca-certificates/copyright",
    "/usr/share/doc/libc6/copyright",
    "/usr/share/doc/libgcc-s1/copyright",
];

/// Writes `penstock-VERSION.oci.tar` into a folder and says where it is.
pub(crate) fn write(binary: &Path, version: &str, folder: &Path, level: u8) -> Outcome<PathBuf> {
    let place = tempfile::tempdir()?;
    let (layer, layout) = (place.path().join("layer.tar"), place.path().join("layout"));
    let files = place.path().join("files");
    stage(binary, &files)?;
    // Two folders belong to the user; all else to root.
    let theirs = ["etc/penstock", "var/lib/penstock"];
    archive::tar(&files, &["etc/group", "etc/passwd", "etc/ssl", "lib", "lib64", "usr"], &layer, Owner(0))?;
    archive::append(&files, &theirs, &layer, Owner(USER))?;

    fs::create_dir_all(layout.join("blobs/sha256"))?;
    let plain = sha256(&layer)?;
    archive::gzip(&layer, level)?;
    let layer = blob(&layout, &fs::read(layer.with_extension("tar.gz"))?, "layer.v1.tar+gzip")?;
    let config = configuration(version, &plain)?;
    let config = blob(&layout, config.to_string().as_bytes(), "config.v1+json")?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": kind("manifest.v1+json"), "config": config, "layers": [layer]
    });
    let mut manifest = blob(&layout, manifest.to_string().as_bytes(), "manifest.v1+json")?;
    if let Some(fields) = manifest.as_object_mut() {
        fields.insert("annotations".to_owned(), json!({"org.opencontainers.image.ref.name": version}));
    }
    let index = json!({"schemaVersion": 2, "mediaType": kind("index.v1+json"), "manifests": [manifest]});
    fs::write(layout.join("index.json"), index.to_string())?;
    fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;

    let image = folder.join(format!("penstock-{version}.oci.tar"));
    archive::tar(&layout, &["oci-layout", "index.json", "blobs"], &image, Owner(0))?;
    Ok(image)
}

/// Lays out the files of the image.
fn stage(binary: &Path, files: &Path) -> Outcome<()> {
    for part in ["etc/penstock", "etc/ssl", "var/lib/penstock", "lib", "lib64", "usr/bin"] {
        fs::create_dir_all(files.join(part))?;
    }
    fs::write(files.join("etc/passwd"), format!("penstock:x:{USER}:{USER}::/var/lib/penstock:/nonexistent\n"))?;
    fs::write(files.join("etc/group"), format!("penstock:x:{USER}:\n"))?;
    fs::copy(binary, files.join("usr/bin/penstock"))?;
    let libraries = output(&mut command("ldd", [binary]))?;
    let libraries = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    let terms = TERMS.into_iter().filter(|terms| Path::new(terms).exists());
    for path in libraries.chain([AUTHORITIES]).chain(terms) {
        let to = files.join(path.trim_start_matches('/'));
        fs::create_dir_all(to.parent().ok_or("a file has no folder")?)?;
        fs::copy(path, to)?;
    }
    Ok(())
}

/// How the image is run.
fn configuration(version: &str, layer: &str) -> Outcome<Value> {
    let seconds = format!("@{}", commit_time()?);
    let time = output(&mut command("date", ["-u", "+%Y-%m-%dT%H:%M:%SZ", "-d", &seconds]))?;
    Ok(json!({
        "created": time.trim(),
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Env": ["PENSTOCK_PLANT=/etc/penstock", "PATH=/usr/bin"],
            "Entrypoint": ["/usr/bin/penstock"],
            "Cmd": ["run"],
            "ExposedPorts": {"8443/tcp": {}},
            "Volumes": {"/var/lib/penstock": {}},
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "Penstock",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.revision": git(&["rev-parse", "HEAD"])?,
                "org.opencontainers.image.licenses": "Apache-2.0"
            }
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer}")]},
        "history": [{"created": time.trim(), "created_by": "cargo xtask dist"}]
    }))
}

fn kind(name: &str) -> String {
    format!("application/vnd.oci.image.{name}")
}

/// Puts bytes where their hash says, and gives the descriptor that points there.
fn blob(layout: &Path, bytes: &[u8], media: &str) -> Outcome<Value> {
    let fresh = layout.join("blobs/sha256/fresh");
    fs::write(&fresh, bytes)?;
    let hash = sha256(&fresh)?;
    fs::rename(&fresh, layout.join("blobs/sha256").join(&hash))?;
    Ok(json!({"mediaType": kind(media), "digest": format!("sha256:{hash}"), "size": bytes.len()}))
}
