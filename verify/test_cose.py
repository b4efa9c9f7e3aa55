"""Reads COSE receipts (RFC 9942) with a library that is not ours, and nothing else: `scitt-cose`."""

import base64
import os
import pathlib
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from scitt_cose.receipt import verify_receipt

PENSTOCK = pathlib.Path(__file__).parent.parent / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "penstock"


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cose") / "plant"
    subprocess.run([PENSTOCK, "demo", "--once", "--dir", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def key(plant):
    name, _, text = (plant / "ledger" / "trust" / "ledger.vkey").read_text().strip().split("+", 2)
    kind, *own = base64.b64decode(text, validate=True)
    assert (name.split("/")[0], kind, len(own)) == ("harbour-brewery", 1, 32)
    return Ed25519PublicKey.from_public_bytes(bytes(own)).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def receipt(plant, record, *more):
    command = [PENSTOCK, "--plant", plant, "receipt", str(record), *more]
    return subprocess.run(command, check=True, capture_output=True).stdout


def entry(plant, record):
    """The record's bytes, from the other receipt."""
    (line,) = (line for line in receipt(plant, record).decode().splitlines() if line.startswith("extra "))
    return base64.b64decode(line.removeprefix("extra ")).hex()


def test_every_record_of_a_plant_is_proved(plant, key):
    count = int((plant / "ledger" / "checkpoint").read_text().splitlines()[1])
    assert count > 10
    for record in range(count):
        result = verify_receipt(receipt(plant, record, "--cose"), leaf_entry_hex=entry(plant, record), log_public_key_pem=key)
        assert result.ok, result.errors


def test_another_record_and_another_key_are_not(plant, key):
    proof = receipt(plant, 3, "--cose")
    other = Ed25519PublicKey.from_public_bytes(bytes(31) + b"\x01").public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert verify_receipt(proof, leaf_entry_hex=entry(plant, 3), log_public_key_pem=key).ok
    assert not verify_receipt(proof, leaf_entry_hex=entry(plant, 4), log_public_key_pem=key).ok
    assert not verify_receipt(proof, leaf_entry_hex=entry(plant, 3), log_public_key_pem=other).ok


def test_no_byte_can_change_what_is_proved(plant, key):
    """Only the size of the tree may: it is not signed, and a path of one shape fits several (RFC 9162, section 2.1.3.2)."""
    proof, record = receipt(plant, 7, "--cose"), entry(plant, 7)
    good = verify_receipt(proof, leaf_entry_hex=record, log_public_key_pem=key)
    assert good.ok
    for at in range(len(proof)):
        changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
        result = verify_receipt(changed, leaf_entry_hex=record, log_public_key_pem=key)
        assert not result.ok or (result.root, result.leaf_index) == (good.root, 7), at


def verify(plant, file, *more):
    command = [PENSTOCK, "verify", file, "--key", plant / "ledger" / "trust" / "ledger.vkey", *more]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_penstock_says_the_same_of_them(plant, tmp_path):
    file, record, other = tmp_path / "7.cose", tmp_path / "7.json", tmp_path / "8.json"
    file.write_bytes(receipt(plant, 7, "--cose"))
    record.write_bytes(bytes.fromhex(entry(plant, 7)) + b"\n")
    other.write_bytes(bytes.fromhex(entry(plant, 8)))
    code, said = verify(plant, file, "--record", record)
    assert (code, "VERIFIED" in said, "the number of records is not" in said) == (0, True, True), said
    assert verify(plant, file)[0] == 14, "its record is not in it"
    assert verify(plant, file, "--record", other)[0] == 10
    code, said = verify(plant, file, "--record", record, "--known", plant / "ledger" / "checkpoint")
    assert (code, "the one that you hold" in said) == (0, True), said
    (tmp_path / "policy").write_text("witness w other.example/w1+94bdefac+BLoNpt3bkzlSQ4XHFvJkcnlhQHsAyfgdgVMXm51mYICa\nquorum w\n")
    assert verify(plant, file, "--record", record, "--policy", tmp_path / "policy")[0] == 13


def test_who_lacks_the_key_signs_nothing(plant, tmp_path):
    command = [PENSTOCK, "--plant", tmp_path, "receipt", "3", "--cose", "--ledger", plant / "ledger"]
    result = subprocess.run(command, check=False, capture_output=True)
    assert result.returncode == 1 and result.stdout == b""
