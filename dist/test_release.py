"""A release, packed around the debug binary: what is in it is held against tools that are not ours, and run."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

ROOT = pathlib.Path(__file__).parent.parent
BINARY = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/penstock"
NOBODY = 65532


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def pack(place, binary, key):
    arguments = ["dist", "--level", "1", "--binary", binary, "--key", key, "--out", place]
    run("cargo", "run", "--quiet", "--locked", "--package", "xtask", "--", *arguments, cwd=ROOT)
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a key and a binary."""
    place = tmp_path_factory.mktemp("release")
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", place / "release.key")
    run("openssl", "pkey", "-in", place / "release.key", "-pubout", "-out", place / "release.pub")
    run("strip", "-o", place / "penstock", BINARY)
    return place


@pytest.fixture(scope="module")
def release(place):
    return pack(place / "out", place / "penstock", place / "release.key")


def file(release, pattern):
    (found,) = release.glob(pattern)
    return found


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_provenance_is_what_in_toto_slsa_and_dsse_say(place, release):
    text = file(release, "*.intoto.json").read_text()
    envelope = Envelope.from_dict(json.loads(text))
    pem = (place / "release.pub").read_text()
    key = SSlibKey("", "ed25519", "ed25519", {"public": ed25519(pem)})
    assert envelope.verify([key], 1)

    # Strict: a field that the specification does not know is an error.
    statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    assert statement.predicate_type == "https://slsa.dev/provenance/v1"
    predicate = json_format.MessageToDict(statement.predicate)
    provenance = json_format.ParseDict(predicate, provenance_pb2.Provenance())
    assert provenance.build_definition.build_type and provenance.run_details.builder.id
    assert provenance.run_details.metadata.HasField("started_on")
    # Of a binary that it did not build, it tells the hash, and no compiler.
    asked = predicate["buildDefinition"]["externalParameters"]
    assert asked["binary"] == {"digest": {"sha256": sha256(place / "penstock")}}
    assert predicate["buildDefinition"]["internalParameters"] == {}

    told = {one.name: one.digest["sha256"] for one in statement.subject}
    assert told == {one.name: sha256(one) for one in release.iterdir() if one.name not in {"SHA256SUMS", file(release, "*.intoto.json").name}}
    assert len(told) == 4

    envelope.payload = envelope.payload.replace(b'"changed":', b'"unchanged":')
    with pytest.raises(VerificationError):
        envelope.verify([key], 1)


def ed25519(pem):
    """The raw key at the end of its SubjectPublicKeyInfo (RFC 8410), in hexadecimal."""
    import base64

    return base64.b64decode("".join(pem.splitlines()[1:-1]))[-32:].hex()


def test_the_lines_of_the_guide_verify_a_release_and_refuse_another(place, release):
    guide = (ROOT / "docs/src/guides/install.md").read_text()
    lines = re.search(r"```sh\n(payload=.*?)```", guide, re.S)[1]
    lines = lines.replace("penstock-VERSION.intoto.json", str(file(release, "*.intoto.json")))
    assert "Verified Successfully" in run("bash", "-ec", lines, cwd=place)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=release)

    forged = json.loads(file(release, "*.intoto.json").read_text())
    forged["payload"] = forged["payload"][:-8] + "fX0="
    (place / "forged.json").write_text(json.dumps(forged))
    lines = lines.replace(str(file(release, "*.intoto.json")), "forged.json")
    assert subprocess.run(["bash", "-ec", lines], cwd=place, capture_output=True).returncode != 0


def test_the_same_binary_packs_into_the_same_bytes(place, release):
    again = pack(place / "a-longer-name", place / "penstock", place / "release.key")
    # All but the provenance, which tells the hour.
    for one in release.iterdir():
        if one.suffix != ".json" and one.name != "SHA256SUMS" or one.name.endswith(".cdx.json"):
            assert sha256(one) == sha256(again / one.name), one.name


def test_a_folder_that_holds_something_is_not_written_to(place):
    arguments = ["dist", "--binary", place / "penstock", "--out", place]
    refused = subprocess.run(
        ["cargo", "run", "--quiet", "--locked", "--package", "xtask", "--", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert refused.returncode != 0 and "is not empty" in refused.stderr
    assert (place / "release.key").exists()


def test_lintian_finds_nothing_wrong_with_the_package(release):
    assert run("lintian", "--allow-root", "--fail-on", "error,warning", file(release, "*.deb")) == ""


def test_the_package_says_what_it_needs_and_which_files_are_the_administrators(release):
    package = file(release, "*.deb")
    assert re.fullmatch(r"adduser, ca-certificates, libc6 \(>= 2\.\d+\), libgcc-s1\n", run("dpkg-deb", "--field", package, "Depends"))
    assert run("dpkg-deb", "--info", package, "conffiles") == "/etc/default/penstock\n"
    listed = run("dpkg-deb", "--contents", package)
    assert all(" root/root " in line for line in listed.splitlines())
    for path in ["./usr/bin/penstock", "./usr/lib/systemd/system/penstock.service", "./usr/share/man/man1/penstock-run.1.gz", "examples/penstock.socket"]:
        assert path in listed


def test_the_archive_unpacks_to_a_binary_that_runs(place, release):
    with tarfile.open(file(release, "*.tar.gz")) as archive:
        assert {(one.uid, one.gid) for one in archive} == {(0, 0)}
        archive.extractall(place / "unpacked", filter="data")
    (folder,) = (place / "unpacked").iterdir()
    assert run(folder / "bin/penstock", "--version").startswith("penstock ")
    assert {one.name for one in folder.iterdir()} == {
        "LICENSE", "README.md", "CHANGELOG.md", "bin", "man", "completions", "systemd"
    }


def layer(release, place):
    """The files of the image, by way of its index, manifest and configuration; each hash on the way is compared."""
    with tarfile.open(file(release, "*.oci.tar")) as archive:
        archive.extractall(place / "layout", filter="data")
    layout = place / "layout"

    def blob(descriptor):
        algorithm, _, digest = descriptor["digest"].partition(":")
        path = layout / "blobs" / algorithm / digest
        assert (sha256(path), path.stat().st_size) == (digest, descriptor["size"])
        return path

    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(manifest).read_text())
    config = json.loads(blob(manifest["config"]).read_text())
    (packed,) = manifest["layers"]
    plain = subprocess.run(["gzip", "-dc", blob(packed)], capture_output=True, check=True).stdout
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(plain).hexdigest()]
    (place / "layer.tar").write_bytes(plain)
    return place / "layer.tar", config["config"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder the root")
def test_the_image_holds_all_that_the_gateway_needs_and_no_shell(place, release):
    packed, config = layer(release, place)
    files = place / "files"
    files.mkdir()
    run("tar", "-xpf", packed, "-C", files)
    assert (config["User"], config["Entrypoint"]) == (f"{NOBODY}:{NOBODY}", ["/usr/bin/penstock"])
    assert not (files / "bin").exists() and [one.name for one in (files / "usr/bin").iterdir()] == ["penstock"]
    for theirs in ["etc/penstock", "var/lib/penstock"]:
        assert (files / theirs).stat().st_uid == NOBODY
    assert (files / "usr/bin/penstock").stat().st_uid == 0

    # Nothing but the image is to be seen, and the user is the image's.
    inside = ["chroot", f"--userspec={NOBODY}:{NOBODY}", files, *config["Entrypoint"], "--plant", "/etc/penstock"]
    run(*inside, "init", "--force", "/etc/penstock", "--name", "springwell")
    run(*inside, "check")
