"""Holds the ledger's format against an implementation that is not ours: the Go project's packages for transparency logs.

go/main.go checks ledgers with them and go/remake/main.go makes ledgers with them. Three judge every ledger here:
`penstock verify`, verify.py and go/main.go; and what Go makes has to be what Penstock made, byte for byte.
"""

import base64
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent / "testdata" / "ledgers"
CASES = json.loads((VECTORS / "cases.json").read_text())
PENSTOCK = HERE.parent / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "penstock"

# Debian's packages of Go libraries are sources below one GOPATH; nothing is fetched.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0"}

# Ledgers of which something worse is wrong than what is wrong first.
WORSE_LATER = {"pruned-ahead", "pruned-early", "pruned-within"}

# Ledgers whose bytes, tree and signatures are right. What is wrong is told by what the records say, and that is the
# form of our records, which no public format knows and Go does not judge.
TOLD_BY_RECORDS = {
    "clock-back",
    "duplicate-key",
    "escaped-key",
    "escaped-kind",
    "float",
    "left-out",
    "no-intent",
    "other-genesis",
    "other-version",
    "pruned-orphan",
    "swapped",
    "unclosed",
    "unlinked",
}

# The key of every ledger in testdata.
SEED = b"\1" * 32


def run(*command):
    return subprocess.run([str(word) for word in command], cwd=VECTORS, capture_output=True, text=True, timeout=60)


def build(source, program):
    subprocess.run(["go", "build", "-o", program, "."], cwd=source, env=os.environ | GO, check=True)
    return program


@pytest.fixture(scope="session")
def checker(tmp_path_factory):
    return build(HERE / "go", tmp_path_factory.mktemp("go") / "check")


@pytest.fixture(scope="session")
def maker(tmp_path_factory):
    return build(HERE / "go" / "remake", tmp_path_factory.mktemp("go") / "remake")


@pytest.fixture(scope="session")
def judge(checker):
    """Gives what each of the three verifiers says of a ledger."""

    def say(folder, keys="trust", known=None, policy=None):
        kept, asked = ["--known", known] if known else [], ["--policy", policy] if policy else []
        return {
            "penstock": run(PENSTOCK, "verify", folder, "--key", keys, *kept, *asked),
            "python": run(sys.executable, HERE / "verify.py", "ledger", folder, keys, *kept, *asked),
            "go": run(checker, *asked, "ledger", folder, keys, *kept[1:]),
        }

    return say


@pytest.fixture(scope="session")
def plant(tmp_path_factory):
    """A plant with the ledger of a gateway that ran."""
    folder = tmp_path_factory.mktemp("demo") / "plant"
    done = run(PENSTOCK, "demo", "--once", "--dir", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def codes(said):
    return {name: done.returncode for name, done in said.items()}


def all_say(code):
    return dict.fromkeys(("penstock", "python", "go"), code)


def copy(folder, home):
    return pathlib.Path(shutil.copytree(folder, home / "ledger"))


def files(folder):
    """Those that the public formats know, by name."""
    known = [folder / "checkpoint", *folder.glob("checkpoints/*.note"), *folder.glob("tile/**/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(known) if path.is_file()}


def records(folder):
    """The records of a ledger, out of its bundles."""
    found = []
    for path in sorted((folder / "tile" / "entries").rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            found, data = [*found, data[2:end]], data[end:]
    return found


def head(folder):
    """Origin, size and root of a ledger's head."""
    origin, size, root = (folder / "checkpoint").read_text().splitlines()[:3]
    return origin, int(size), root


def public_key(seed):
    return b"\1" + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_id(name, seed):
    return hashlib.sha256(name.encode() + b"\n" + public_key(seed)).digest()[:4]


def signed(origin, size, root, seed=SEED, name=None, id=None):
    """A checkpoint, signed."""
    text = f"{origin}\n{size}\n{root}\n"
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    line = base64.b64encode((id or key_id(name or origin, seed)) + signature).decode()
    return f"{text}\n\u2014 {name or origin} {line}\n"


def respelled(note):
    """The same note with the bits set that the last digit of base64 has too many."""
    assert note.endswith("=\n") and not note.endswith("==\n")
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return f"{note[:-3]}{digits[digits.index(note[-3]) + 1]}=\n"


# ---- the shared vectors


@pytest.mark.parametrize("case", CASES["ledgers"], ids=lambda case: case["folder"])
def test_three_verifiers_agree_on_every_ledger(case, judge):
    said = judge(case["folder"], case["trust"], case["known"], case["policy"])
    expected = all_say(case["exit"])
    if case["folder"] in TOLD_BY_RECORDS:
        assert case["exit"] != 0
        expected["go"] = 0
    assert codes(said) == expected, said
    # Of several things that are wrong Go names the worst, and the others the first.
    if expected["go"] >= 10 and case["folder"] not in WORSE_LATER:
        assert (case["file"] or "") in said["go"].stdout
        assert case["seq"] is None or f"record {case['seq']} " in said["go"].stdout


@pytest.mark.parametrize("case", CASES["content"], ids=lambda case: case["folder"])
def test_three_verifiers_agree_on_all_content(case, judge):
    said = judge(case["folder"], case["trust"], case["known"], case["policy"])
    assert codes(said) == all_say(case["exit"]), said
    assert case["seq"] is None or all(f"record {case['seq']} " in done.stdout for done in said.values()), said


@pytest.mark.parametrize("case", CASES["epochs"], ids=lambda case: case["folder"])
def test_two_verifiers_agree_on_every_ledger_with_epochs(case, judge):
    said = judge(case["folder"], case["trust"], case["known"], case["policy"])
    # Their keys stand in records, and the public formats know nothing of them.
    assert codes(said) == all_say(case["exit"]) | {"go": 0}, said


@pytest.mark.parametrize("case", CASES["policies"], ids=lambda case: case["policy"])
def test_three_verifiers_read_every_policy_alike(case, judge):
    said = judge(case["folder"], case["trust"], policy=case["policy"])
    assert codes(said) == all_say(case["exit"]), said


@pytest.mark.parametrize("case", CASES["receipts"], ids=lambda case: case["receipt"])
def test_three_verifiers_agree_on_every_receipt(case, checker):
    receipt, record, trust = case["receipt"], case["record"], case["trust"]
    asked = ["--policy", case["policy"]] if case["policy"] else []
    said = {
        "penstock": run(PENSTOCK, "verify", receipt, "--key", trust, "--record", record, *asked),
        "python": run(sys.executable, HERE / "verify.py", "receipt", receipt, record, trust, *asked),
        "go": run(checker, *asked, "receipt", receipt, trust, record),
    }
    assert codes(said) == all_say(case["exit"]), said


def test_every_ledger_that_go_passes_over_is_a_vector():
    assert TOLD_BY_RECORDS <= {case["folder"] for case in CASES["ledgers"]}


# ---- what is refused


BOUNDARY = VECTORS / "boundary"


@pytest.mark.parametrize("name", files(BOUNDARY))
def test_a_flipped_bit_in_any_file_is_seen_by_all(name, judge, tmp_path):
    folder = copy(BOUNDARY, tmp_path)
    whole = (folder / name).read_bytes()
    for place, bit in ((0, 7), (len(whole) // 3, 0), (len(whole) // 2, 3), (len(whole) - 1, 1)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << bit
        (folder / name).write_bytes(flipped)
        said = judge(folder)
        assert codes(said) == all_say(10), (place, bit, said)


@pytest.mark.parametrize("name", [name for name in files(BOUNDARY) if name.startswith("tile/")])
def test_a_missing_tile_is_missed_by_all(name, judge, tmp_path):
    folder = copy(BOUNDARY, tmp_path)
    (folder / name).unlink()
    said = judge(folder)
    assert codes(said) == all_say(12), said
    assert all(name in done.stdout for done in said.values()), said


LENGTHS = {
    "a byte more": lambda whole: whole + b"\n",
    "a hash more": lambda whole: whole + b"\0" * 32,
    "a byte less": lambda whole: whole[:-1],
    "nothing": lambda whole: b"",
}


@pytest.mark.parametrize("name", files(BOUNDARY))
@pytest.mark.parametrize("length", LENGTHS)
def test_a_file_of_another_length_is_refused_by_all(name, length, judge, tmp_path):
    folder = copy(BOUNDARY, tmp_path)
    (folder / name).write_bytes(LENGTHS[length]((folder / name).read_bytes()))
    expected = all_say(10)
    if name == "tile/0/000" and "more" in length:
        expected["penstock"] = 14  # It does not read a file further than the longest of its kind.
    assert codes(judge(folder)) == expected


ORIGIN, SIZE, ROOT = head(BOUNDARY)
SOUND = (BOUNDARY / "checkpoint").read_text()
STRANGER = b"\2" * 32
HEADS = {
    "over one record less": (signed(ORIGIN, SIZE - 1, ROOT), 10),
    "over one record more": (signed(ORIGIN, SIZE + 1, ROOT), 12),
    "with another root": (signed(ORIGIN, SIZE, base64.b64encode(b"\0" * 32).decode()), 10),
    "of the empty tree": (signed(ORIGIN, 0, ROOT), 10),
    "under a wrong key id": (signed(ORIGIN, SIZE, ROOT, id=b"\0\0\0\0"), 10),
    "of another key": (signed(ORIGIN, SIZE, ROOT, STRANGER), 10),
    "of another key under the right id": (signed(ORIGIN, SIZE, ROOT, STRANGER, id=key_id(ORIGIN, SEED)), 10),
    "under another name": (signed(ORIGIN, SIZE, ROOT, name="another"), 10),
    "of another origin": (signed("another", SIZE, ROOT, name=ORIGIN), 10),
    "without a signature": (SOUND.partition("\n\n")[0] + "\n", 10),
    "with base64 in another spelling": (respelled(SOUND), 10),
    "with a second signature in another spelling": (SOUND + respelled(SOUND).partition("\n\n")[2], 10),
    "after a byte order mark": ("\ufeff" + SOUND, 10),
    "with a NUL": (SOUND.replace("gate-1", "gate\0-1"), 10),
    "nothing": ("", 10),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_is_wrong_is_refused_by_all(name, judge, tmp_path):
    folder = copy(BOUNDARY, tmp_path)
    text, code = HEADS[name]
    (folder / "checkpoint").write_text(text, newline="")
    said = judge(folder)
    assert codes(said) == all_say(code), said


def test_the_key_that_signs_here_is_the_key_of_the_vectors():
    assert signed(ORIGIN, SIZE, ROOT) == SOUND


def test_a_verifier_key_with_a_wrong_id_is_no_key(judge, tmp_path):
    (tmp_path / "key").write_text(f"{ORIGIN}+00000000+{base64.b64encode(public_key(SEED)).decode()}\n")
    assert codes(judge(BOUNDARY, tmp_path / "key")) == all_say(2)


def test_a_schedule_of_epoch_keys_is_no_hindrance(checker, tmp_path):
    root = base64.b64encode(b"\7" * 32).decode()
    (tmp_path / "trust").write_text((VECTORS / "trust").read_text() + f"epochs 20413 {root}\n")
    assert run(checker, "ledger", "good", tmp_path / "trust").returncode == 0


def test_a_head_over_more_records_than_any_disk_holds_ends(judge, tmp_path):
    folder = copy(BOUNDARY, tmp_path)
    (folder / "checkpoint").write_text(signed(ORIGIN, 2**63 - 1, ROOT))
    # The packages would count for ever, so go/main.go does not begin.
    assert codes(judge(folder)) == all_say(12) | {"go": 14}


def test_a_full_tile_stands_in_for_a_partial_one_that_is_gone(judge, tmp_path):
    folder = copy(BOUNDARY, tmp_path)
    (folder / "checkpoints" / "257.note").unlink()
    (folder / "checkpoint").write_bytes((folder / "checkpoints" / "255.note").read_bytes())
    said = judge(folder)
    assert codes(said) == all_say(0), said


def test_damaged_files_are_never_good_to_go_and_never_break_it(checker, tmp_path):
    dice, folder = random.Random(9), copy(BOUNDARY, tmp_path)
    for turn in range(300):
        name, whole = dice.choice(sorted(files(BOUNDARY).items()))
        begin, end = sorted(dice.randrange(len(whole) + 1) for _ in range(2))
        damaged = whole[:begin] + dice.randbytes(dice.choice((0, 1, end - begin))) + whole[end:]
        (folder / name).write_bytes(damaged)
        done = run(checker, "ledger", folder, "trust")
        assert (done.returncode, done.stderr) == (0 if damaged == whole else 10, ""), (turn, name, begin, end, done)
        (folder / name).write_bytes(whole)


# ---- the same in disorder, from a seed


def disordered(dice, parts, others):
    """Parts of a file, some of them gone, there twice, in another order, in another's place, or with another byte."""
    parts = list(parts)
    for _ in range(dice.randrange(1, 4)):
        place, kind = dice.randrange(len(parts)), dice.randrange(5)
        if kind == 0:
            parts.insert(place, dice.choice(others))
        elif kind == 1 and len(parts) > 1:
            parts.pop(place)
        elif kind == 2:
            parts[place] = dice.choice(others)
        elif kind == 3 and parts[place]:
            at = dice.randrange(len(parts[place]))
            parts[place] = parts[place][:at] + dice.choice((b"A", b" ", b"\t", b"+", b"\r", b"\xc2")) + parts[place][at + 1 :]
        else:
            dice.shuffle(parts)
    return parts


def test_policies_in_disorder_are_read_alike(judge, tmp_path):
    dice = random.Random(11)
    texts = [path.read_bytes() for path in sorted((VECTORS / "policies").iterdir()) if path.stat().st_size < 5000]
    good = [(VECTORS / case["policy"]).read_bytes() for case in CASES["policies"] if case["exit"] != 2]
    words = sorted({word for text in texts for word in text.split()})
    lines = sorted({line for text in texts for line in text.split(b"\n")})
    exits = set()
    for turn in range(60):
        policy = disordered(dice, dice.choice(good).split(b"\n"), lines)
        place = dice.randrange(len(policy))
        policy[place] = b" ".join(disordered(dice, policy[place].split(b" "), words)) if turn % 2 else policy[place]
        (tmp_path / "policy").write_bytes(b"\n".join(policy))
        said = judge("witnessed", policy=tmp_path / "policy")
        assert len({*codes(said).values()}) == 1 and "Traceback" not in said["python"].stderr, (turn, policy, said)
        exits |= {*codes(said).values()}
    assert exits >= {0, 2}, "of every sort"


def test_signatures_in_disorder_are_judged_alike(judge, tmp_path):
    dice = random.Random(12)
    # Where nothing else is wrong: Go stops at the first problem.
    folders = [VECTORS / case["folder"] for case in CASES["ledgers"] if case["policy"] and case["exit"] in (0, 13)]
    notes = [path for folder in folders for path in sorted([folder / "checkpoint", *folder.glob("*/*.note")])]
    lines = sorted({line for path in notes for line in path.read_bytes().split(b"\n") if line.startswith("\u2014".encode())})
    exits = set()
    for turn in range(60):
        home = tmp_path / str(turn)
        whole = dice.choice(notes)
        folder = whole.parent if whole.name == "checkpoint" else whole.parent.parent
        shutil.copytree(folder, home)
        text, blank, tail = whole.read_bytes().rpartition(b"\n\n")
        tail = b"\n".join(disordered(dice, tail.rstrip(b"\n").split(b"\n"), lines))
        (home / whole.relative_to(folder)).write_bytes(text + blank + tail + b"\n")
        said = judge(home, policy="policies/both")
        assert len({*codes(said).values()}) == 1 and "Traceback" not in said["python"].stderr, (turn, whole, tail, said)
        exits |= {*codes(said).values()}
    assert exits >= {0, 10, 13}, "of every sort"


def test_a_copy_without_content_is_good_to_all_if_that_is_said(checker):
    said = {
        "penstock": run(PENSTOCK, "verify", "content-gone", "--key", "trust", "--without-content"),
        "python": run(sys.executable, HERE / "verify.py", "ledger", "content-gone", "trust", "--without-content"),
        "go": run(checker, "--without-content", "ledger", "content-gone", "trust"),
    }
    assert codes(said) == all_say(0), said


def test_wrong_usage_exits_with_two(checker):
    for arguments in ("", "ledger", "ledger good", "ledger good nowhere", "ledger good cases.json", "ledger nowhere trust",
                      "ledger good trust nowhere", "receipt nowhere trust", "other good trust"):
        assert run(checker, *arguments.split()).returncode == 2, arguments


# ---- a ledger of a gateway that ran


def test_the_ledger_of_a_gateway_is_good_to_all(plant, judge):
    said = judge(plant / "ledger", plant / "ledger" / "trust" / "ledger.vkey")
    assert codes(said) == all_say(0), said


def test_what_is_changed_in_the_ledger_of_a_gateway_is_seen_by_all(plant, judge, tmp_path):
    key = plant / "ledger" / "trust" / "ledger.vkey"
    assert codes(judge(plant / "forged", key)) == all_say(10)
    folder = copy(plant / "ledger", tmp_path)
    for name, whole in files(folder).items():
        (folder / name).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        assert codes(judge(folder, key)) == all_say(10), name
        (folder / name).write_bytes(whole)


def test_a_receipt_that_a_gateway_gave_proves_its_record_to_go(plant, checker, tmp_path):
    key, receipt = plant / "ledger" / "trust" / "ledger.vkey", tmp_path / "receipt"
    for record in records(plant / "ledger")[::5]:
        receipt.unlink(missing_ok=True)
        done = run(PENSTOCK, "receipt", json.loads(record)["id"], "--plant", plant, "-o", receipt)
        assert done.returncode == 0, done.stderr
        assert run(checker, "receipt", receipt, key).returncode == 0
        (tmp_path / "other").write_bytes(record.replace(b'"kind"', b'"kinD"'))
        assert run(checker, "receipt", receipt, key, tmp_path / "other").returncode == 10


# ---- the other direction


def remake(maker, ledger, seed, home):
    """Has Go make the ledger from its records, with a head wherever it has one; gives the folder."""
    origin = head(ledger)[0]
    sizes = sorted(int(path.stem) for path in ledger.glob("checkpoints/*.note"))
    (home / "records").write_bytes(b"\n".join(records(ledger)) + b"\n")
    secret = base64.b64encode(b"\1" + seed).decode()
    (home / "key").write_text(f"PRIVATE+KEY+{origin}+{key_id(origin, seed).hex()}+{secret}")
    done = run(maker, home / "records", home / "key", home / "made", *sizes)
    assert done.returncode == 0, done.stderr
    return home / "made"


@pytest.mark.parametrize("name", ["good", "boundary"])
def test_what_go_makes_of_our_records_is_what_we_made(name, maker, judge, tmp_path):
    made = remake(maker, VECTORS / name, SEED, tmp_path)
    theirs, ours = files(made), files(VECTORS / name)
    # The tiles of earlier heads are there as well.
    assert {path: theirs.get(path) for path in ours} == ours
    said = judge(made)
    assert codes(said) == all_say(0), said


def test_what_go_makes_of_the_records_of_a_gateway_is_what_the_gateway_made(plant, maker, tmp_path):
    seed = base64.b64decode((plant / "keys" / "gateway.key").read_text())
    theirs = files(remake(maker, plant / "ledger", seed, tmp_path))
    for path, ours in files(plant / "ledger").items():
        if path.startswith("tile/"):
            assert theirs[path] == ours, path
        else:  # A gateway's head may bear signatures of others.
            text, blank, signature = theirs[path].rpartition(b"\n\n")
            assert ours.startswith(text + blank) and signature in ours, path


def test_receipts_that_go_makes_prove_their_records_to_us(maker, checker, tmp_path):
    made = remake(maker, VECTORS / "good", SEED, tmp_path)
    assert (made / "receipts" / "5.tlog-proof").read_bytes() == (VECTORS / "receipts" / "good.tlog-proof").read_bytes()
    for seq, record in enumerate(records(VECTORS / "good")):
        receipt, line = made / "receipts" / f"{seq}.tlog-proof", tmp_path / "record"
        line.write_bytes(record)
        assert run(PENSTOCK, "verify", receipt, "--key", "trust", "--record", line).returncode == 0
        whole = receipt.read_bytes()
        for place in range(seq, len(whole), 131):
            receipt.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert run(PENSTOCK, "verify", receipt, "--key", "trust", "--record", line).returncode == 10, (seq, place)
            assert run(checker, "receipt", receipt, "trust", line).returncode == 10, (seq, place)


def test_the_programs_in_go_are_in_good_order():
    assert run("gofmt", "-l", HERE / "go").stdout == ""
    for folder in (HERE / "go", HERE / "go" / "remake"):
        subprocess.run(["go", "vet", "."], cwd=folder, env=os.environ | GO, check=True)
