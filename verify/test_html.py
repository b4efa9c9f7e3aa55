"""verify.html in a real browser, from disk and without a network, beside pack.py, verify.py and `penstock verify`: all agree.

Needs Debian's `chromium`. Screenshots of the page are left in .test/html/.
"""
import base64
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import time
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE / "verify.html"
VECTORS = HERE.parent / "testdata" / "ledgers"
SHOTS = HERE.parent / ".test" / "html"
PENSTOCK = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "debug" / "penstock"
SHIPPED = ("verify.html", "verify.py", "records.py", "signatures.py", "witnesses.py", "content.py", "pack.py")
# Of the pack for the measurement that docs/src/reference/performance.md names: 10000.
MANY = int(os.environ.get("PENSTOCK_HTML_RECORDS", "450"))


def run(*command):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PENSTOCK_")}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=clean)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def python(*arguments):
    return run(sys.executable, HERE / "verify.py", *arguments)


def penstock(what, *arguments):
    return run(PENSTOCK, "verify", what, *arguments)


class Verdict:
    """What the page shows."""

    def __init__(self, page):
        seen = page.evaluate("""() => {
            const text = id => document.getElementById(id).innerText;
            return [document.body.dataset.code, document.getElementById("verdict").classList[1], text("word"), text("sentence"),
                text("wrong"), text("result"), Array.from(document.querySelectorAll("#steps li"), item => item.className)];
        }""")
        code, self.tone, self.word, self.sentence, self.problems, self.all, self.steps = seen
        self.code = int(code)


class Browser:
    """A page for each test, given one thing after the other; nothing may be fetched, and the console must stay empty."""

    def __init__(self, browser):
        self.browser, self.noise, self.scheme, self.before, self.page = browser, [], "light", "", None

    def open(self):
        self.noise.clear()
        context = self.browser.new_context(color_scheme=self.scheme, viewport={"width": 1280, "height": 900})
        context.set_offline(True)
        context.add_init_script(self.before)
        page = context.new_page()
        page.on("console", lambda message: self.noise.append(message.text))
        page.on("pageerror", lambda error: self.noise.append(str(error)))
        page.on("request", lambda request: self.noise.append(request.url) if request.url != PAGE.as_uri() else None)
        page.goto(PAGE.as_uri())
        page.locator("body[data-ready]").wait_for()
        return page

    def verify(self, page, *evidence, key=None):
        """Gives evidence and key as a person would, and reads the verdict."""
        folder = evidence[0].is_dir()
        page.locator("#folder" if folder else "#file").set_input_files(evidence[0] if folder else list(evidence))
        page.locator("#key").fill(pathlib.Path(key).read_text() if key else "")
        page.locator("#verify").click()
        page.locator("body[data-code]").wait_for(timeout=120_000)
        return Verdict(page)

    def judge(self, *evidence, key=None):
        self.page = self.page or self.open()
        verdict = self.verify(self.page, *map(pathlib.Path, evidence), key=key)
        assert not self.noise, self.noise
        return verdict


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium")
    assert path, "Debian's package chromium is needed"
    with sync_playwright() as playwright:
        sandbox = [] if os.getuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    browser = Browser(chromium)
    yield browser
    for context in chromium.contexts:
        context.close()


@pytest.fixture(scope="session")
def plant(tmp_path_factory):
    """A plant with the ledger of a gateway that ran, and a signed sample of it as `pack` and `pack.zip`."""
    home = tmp_path_factory.mktemp("demo")
    assert run(PENSTOCK, "demo", "--once", "--dir", home / "plant") == 0
    for name in ("pack", "pack.zip"):
        export(home / "plant", home / name, "--sample", "5", "--seed", "spring")
    return home


def export(plant, place, *wish):
    assert run(PENSTOCK, "--plant", plant, "export", "--pack", place, *wish) == 0


@pytest.fixture
def pack(plant, tmp_path):
    """A copy of the pack, to be altered."""
    return pathlib.Path(shutil.copytree(plant / "pack", tmp_path / "pack"))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def write(path, content):
    path.write_bytes(content)
    return path


# ---- a pack of our own, of records that no gateway writes

SEED, ORIGIN = bytes([9] * 32), "brewery/gate-9/09090909090909090909090909090909"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def note(text):
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    ident = sha256(ORIGIN.encode(), b"\n\1", key.public_key().public_bytes_raw())[:4]
    return f"{text}\n\u2014 {ORIGIN} {b64(ident + key.sign(text.encode()))}\n".encode()


def trust():
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    return f"{ORIGIN}+{sha256(ORIGIN.encode(), bytes([10, 1]), public)[:4].hex()}+{b64(bytes([1]) + public)}\n".encode()


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def record(seq, prev, **parts):
    body = {
        "boot": 1, "clk": {"source": "system"}, "id": f"01a1fb30-3806-72d4-ae00-{seq:012x}", "kind": "intent", "mono": 5 + seq,
        "prev": prev.hex(), "seq": seq, "t": 1_795_215_603_000 + 911 * seq, "v": 1,
        "dec": {"policy": "5e" * 32, "rules": ["isa-tag"], "verdict": ("allow", "tokenise", "redact")[seq % 3]},
        "io": {"request": "c0" * 32, "request_bytes": 1024}, "where": {"conduit": "copilot-cloud", "plant": "brewery", "zone": "filling"},
        "what": {"dialect": "openai", "endpoint": "chat.completions", "model": "gpt-4o", "provider": "openai", "stream": False},
        "who": {"peer": "10.20.3.17", "workload": {"by": "token", "id": "mes-copilot"}}, **parts,
    }
    return canonical(body)


def levels(hashes):
    """The rows of the tree from the leaves up; the last of a row may stand alone."""
    rows = [hashes]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([sha256(b"\1", *row[at:at + 2]) if at + 1 < len(row) else row[at] for at in range(0, len(row), 2)])
    return rows


def made(lines, place, alter=lambda manifest: manifest, hide=None, **others):
    """Writes a signed pack of these records as a zip; `hide` is a profile and the numbers that it redacts, `others` are files by name."""
    profile, hidden = hide or (None, ())
    rows = levels([sha256(b"\0", line) for line in lines])
    head = note(f"{ORIGIN}\n{len(lines)}\n{b64(rows[-1][0])}\n")
    content = {name: (HERE / name).read_bytes() for name in SHIPPED}
    content |= {"README.md": b"made by a test\n", "trust/ledger.trust": trust(), "checkpoint": head}
    content |= {"population.txt": (f"0-{len(lines) - 1}\n" if len(lines) > 1 else "0\n").encode(), "records.ndjson": b"".join(line + b"\n" for seq, line in enumerate(lines) if seq not in hidden)}
    if hide:
        content["redacted.ndjson"] = b"".join(redacted(seq, lines[seq], profile) for seq in hidden)
    for seq, line in enumerate(lines):
        path = [row[seq >> level ^ 1] for level, row in enumerate(rows) if seq >> level ^ 1 < len(row)]
        extra = "" if seq in hidden else f"extra {b64(line)}\n"
        proof = f"c2sp.org/tlog-proof@v1\n{extra}index {seq}\n" + "".join(b64(step) + "\n" for step in path)
        content[f"proofs/{seq:012}.tlog-proof"] = proof.encode() + b"\n" + head
    content |= others
    manifest = {
        "by": "penstock test", "filter": {}, "made": "2026-11-21T12:00:00.000Z", "population": len(lines), "records": len(lines),
        "files": [{"name": n, "sha256": hashlib.sha256(c).hexdigest(), "size": len(c)} for n, c in content.items()],
        "head": {"origin": ORIGIN, "root": b64(rows[-1][0]), "size": len(lines)}, "version": 1,
    }
    manifest |= {"redaction": {"profile": profile, "records": len(hidden)}} if hide else {}
    data = alter(manifest)
    data = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    content |= {"manifest.json": data, "manifest.note": note(f"penstock evidence pack v1\n{ORIGIN}\nsha256 {hashlib.sha256(data).hexdigest()}\n")}
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, bytes_of in content.items():
            archive.writestr(name, bytes_of)
    return place


def redacted(seq, line, profile, **claimed):
    claims = {} if profile == "all" else {"claimed": {"kind": "intent", "t": 1, **claimed}}
    return canonical({**claims, "leaf": sha256(b"\0", line).hex(), "seq": seq}) + b"\n"


def chain(count, **parts):
    lines, prev = [], bytes(32)
    for seq in range(count):
        lines.append(record(seq, prev, **parts))
        prev = sha256(b"\0", lines[-1])
    return lines


def agreed(page, archive, *said):
    """The exit code on which all three verifiers agree; what the page shows holds these words."""
    verdict = page.judge(archive)
    assert verdict.code == python("pack", unpacked(archive)) == penstock(archive), verdict.all
    assert all(word in verdict.all for word in said), verdict.all
    return verdict.code


def unpacked(archive):
    folder = archive.with_suffix("")
    shutil.unpack_archive(archive, folder)
    return folder


# ---- the page itself

def test_the_page_runs_nothing_but_the_two_blocks_that_its_policy_names():
    text = PAGE.read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    for block in ("script", "style"):
        body, = re.findall(rf"<{block}>(.*?)</{block}>", text, re.DOTALL)
        assert f"{block}-src 'sha256-{b64(sha256(body.encode()))}';" in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    assert not re.search(r"(?i)\b(src|href|action|on[a-z]+)=|https?://|innerHTML|insertAdjacent|document\.write|eval\(|fetch\(", text)


def test_a_browser_without_ed25519_says_so_and_verifies_nothing(page, plant):
    page.before = """const real = crypto.subtle.importKey.bind(crypto.subtle);
        crypto.subtle.importKey = (form, key, name, ...rest) => name === "Ed25519"
            ? Promise.reject(new DOMException("no", "NotSupportedError")) : real(form, key, name, ...rest);"""
    shown = page.open()
    verdict = Verdict(shown)
    assert (verdict.code, verdict.tone) == (2, "none") and "Ed25519" in verdict.sentence and "NOT CHECKED" in verdict.word
    assert all(control.is_disabled() for control in shown.locator("input, button.main, textarea").all())


# ---- packs of a gateway

def test_a_good_pack_is_verified_and_without_a_key_from_elsewhere_not_called_independent(page, plant):
    key = plant / "plant" / "ledger" / "trust" / "ledger.trust"
    for place in (plant / "pack", plant / "pack.zip"):
        own, given = page.judge(place), page.judge(place, key=key)
        assert (own.code, own.tone, given.code, given.tone) == (0, "warn", 0, "good")
        assert "VERIFIED" in own.word and "not independent" in own.word and "not independent" not in given.word
        assert given.steps == own.steps == ["good"] * 5 and given.all.count("proved") >= 5
        assert penstock(place) == penstock(place, "--key", key) == 0
    other = page.judge(plant / "pack.zip", key=VECTORS / "trust")
    assert (other.code, other.tone) == (10, "bad") and "wrong key" in other.sentence
    assert python("pack", plant / "pack", VECTORS / "trust") == 10


def test_a_flipped_byte_is_found_in_each_file_as_by_pack_py(page, pack):
    for name, good in files(pack).items():
        for place in (0, len(good) // 3, len(good) - 1):
            write(pack / name, good[:place] + bytes([good[place] ^ 1]) + good[place + 1:])
            verdict = page.judge(pack)
            assert verdict.code == python("pack", pack) == 10, (name, place, verdict.all)
            assert name in verdict.problems and "good" not in (verdict.tone, *verdict.steps[4:] * name.startswith("check"))
        write(pack / name, good)
    assert page.judge(pack).code == 0


def test_missing_and_added_files_are_found_as_by_pack_py(page, pack):
    for name, good in files(pack).items():
        (pack / name).unlink()
        verdict = page.judge(pack)
        assert verdict.code == python("pack", pack) == (14 if name == "manifest.note" else 12), (name, verdict.all)
        assert name in verdict.problems
        write(pack / name, good)
    for name in ("proofs/000000000001.tlog-proof", "evil.sh"):
        write(pack / name, b"")
        assert page.judge(pack).code == python("pack", pack) == 10
        (pack / name).unlink()


def test_a_pack_without_the_ledgers_key_is_undecided_and_one_that_nobody_witnessed_unwitnessed(page, plant, tmp_path):
    place = tmp_path / "unsigned.zip"
    assert run(PENSTOCK, "export", plant / "plant" / "ledger", "--pack", place, "--kind", "refuse") == 0
    verdict = page.judge(place)
    assert (verdict.code, verdict.steps) == (14, ["good", "bad", "good", "good", "good"]) and penstock(place) == 14
    asked = [line for line in (VECTORS / "trust-witnessed").read_text().splitlines() if not line.startswith("log ")]
    key = (plant / "plant" / "ledger" / "trust" / "ledger.vkey").read_text()
    policy = write(tmp_path / "policy", "\n".join([key.strip(), *asked, ""]).encode())
    assert page.judge(plant / "pack.zip", key=policy).code == penstock(plant / "pack.zip", "--key", policy) == 13


def test_witnesses_of_a_head_are_counted_as_by_pack_py(page, plant, tmp_path):
    own, place = pathlib.Path(shutil.copytree(plant / "plant", tmp_path / "plant")), tmp_path / "pack"
    ledger, names = own / "ledger", ("request", "signed", "state", "w", "x")
    request, signed, state, w, x = (tmp_path / name for name in names)

    def witness(task, *words):
        done = subprocess.run([PENSTOCK, "witness", task, *map(str, words)], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    public = [witness("key", "--name", f"{out.name}.example", "--out", out) for out in (w, x)]
    both = [f"witness w {public[0]}", f"witness x {public[1]} https://x.example"]
    log = ledger / "trust" / "ledger.vkey"
    one = write(tmp_path / "one", "\n".join([*both, "quorum w", ""]).encode())
    witness("request", ledger, "--out", request)
    witness("sign", request, "--state", state, "--key", w, "--logs", log, "--out", signed)
    witness("add", ledger, signed, "--policy", one)
    export(own, place, "--kind", "refuse")
    head, _, lines = (place / "checkpoint").read_text().rpartition("\n\n")
    for ends, code in ((["quorum w"], 0), (["quorum x"], 13), (["group g any x w", "quorum g"], 0), (["group g 2 w x", "quorum g"], 13),
                       (["group g all w", "group h 1 x g", "quorum h"], 0), (["quorum none"], 0)):
        policy = write(tmp_path / "policy", "\n".join([*both, *ends, ""]).encode())
        key = write(tmp_path / "key", log.read_bytes() + policy.read_bytes())
        verdict = page.judge(place, key=key)
        assert verdict.code == code == python("pack", place, log, "--policy", policy), (ends, verdict.all)
        assert "w, 20" in verdict.all and (code == 0 or "missing: x" in verdict.problems)
    for spoilt in (["quorum y"], ["quorum w", "quorum w"], ["group g 3 w x", "quorum g"], ["group g all w w", "quorum g"], [],
                   ["group g all w", "group h all w", "quorum h"], [f"witness y {public[0]}", "quorum y"], ["witness w A", "quorum w"]):
        key = write(tmp_path / "key", log.read_bytes() + "\n".join([*both, *spoilt, ""]).encode())
        assert page.judge(place, key=key).code == 2, spoilt
    # A line in the name of the witness that it did not write, in a pack whose manifest nobody has signed.
    (place / "manifest.note").unlink()
    for row in lines.splitlines():
        if "w.example" in row:
            spoilt = f"{head}\n\n{lines.replace(row, row[:-4] + 'AAA=')}".encode()
    manifest = json.loads((place / "manifest.json").read_text())
    entry = next(entry for entry in manifest["files"] if entry["name"] == "checkpoint")
    entry.update(size=len(spoilt), sha256=hashlib.sha256(spoilt).hexdigest())
    write(place / "checkpoint", spoilt)
    write(place / "manifest.json", json.dumps(manifest).encode())
    key = write(tmp_path / "key", log.read_bytes() + one.read_bytes())
    assert page.judge(place, key=key).code == python("pack", place, log, "--policy", one) == 10


def test_a_key_that_is_none_verifies_nothing(page, plant, tmp_path):
    for text in (b"nonsense", b"a+00000000+AAAA", trust()[:-3], trust() + b"epochs 1 x\n", b"# only words\n", b"\xff\xfe"):
        assert page.judge(plant / "pack.zip", key=write(tmp_path / "key", text.decode("latin-1").encode())).code == 2, text


# ---- zips that a stranger made

def zipped(content, method=zipfile.ZIP_DEFLATED, tune=lambda info: None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in content:
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = method, 0o100644 << 16
            tune(info)
            archive.writestr(info, data)
    return out.getvalue()


def patched(data, signature, offset, value, which=0):
    at = [match.start() for match in re.finditer(re.escape(signature), data)][which] + offset
    return data[:at] + value + data[at + len(value):]


def wide(data):
    """The same zip as those of more than 65,535 files end: with Zip64 records (APPNOTE sections 4.3.14 and 4.3.15)."""
    at = data.rindex(END)
    count, length, begin = struct.unpack_from("<HII", data, at + 10)
    large = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, begin) + struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    return data[:at] + large + data[at:at + 8] + b"\xff" * 12 + data[at + 20:]


LOCAL, DIRECTORY, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"


def hostile(content):
    """Zips by what is wrong with them."""
    good, names = zipped(content), [name for name, _ in content]
    first = [("README.md", b"one")]
    longer = [(name, b"\n" * (64 << 20) if name == "records.ndjson" else data) for name, data in content]
    return {
        "a path upwards": zipped([*content, ("../evil", b"x")]), "a foreign name": zipped([*content, ("evil\x1b[2J", b"x")]),
        "an absolute path": zipped([*content, ("/etc/passwd", b"x")]), "another case": zipped([*content, ("readme.MD", b"x")]),
        "a number respelt": zipped([*content, ("proofs/1.tlog-proof", b"x")]),
        "a file twice": zipped([*content, *first]),
        "a link": zipped(content, tune=lambda info: setattr(info, "external_attr", 0o120777 << 16 if info.filename == "README.md" else 0o644 << 16)),
        "another compression": zipped(content, zipfile.ZIP_BZIP2),
        "encrypted": patched(patched(good, DIRECTORY, 8, b"\1"), LOCAL, 6, b"\1"),
        "another checksum": patched(good, DIRECTORY, 16, b"\0\0\0\0"),
        "longer than it says": patched(good, DIRECTORY, 24, b"\1\0\0\0"),
        "shorter than it says": patched(good, DIRECTORY, 24, b"\xff\xff\0\0"),
        "a bomb by its size": patched(good, DIRECTORY, 24, b"\xfe\xff\xff\xff", -1),
        "a bomb": zipped(longer), "a large manifest": zipped([("manifest.json", b" " * (33 << 20))]),
        "one file over another": patched(zipped([("README.md", b"one"), ("verify.py", b"one")]), DIRECTORY, 42, b"\0\0\0\0", 1),
        "a directory elsewhere": patched(good, END, 16, b"\xff\xff\xff\x7f"),
        "another thing in its place": patched(good, LOCAL, 0, b"PK\7\7", names.index("checkpoint")),
        "nothing": zipped([]), "only a manifest": zipped([("manifest.json", b"{}")]),
        **{f"cut at {part}": good[:len(good) * part // 9] for part in range(1, 9)}, "cut at its end": good[:-1],
    }


def test_hostile_zips_are_refused_as_by_penstock(page, plant, tmp_path):
    content = list(files(plant / "pack").items())
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert page.judge(write(tmp_path / f"good-{method}.zip", zipped(content, method))).code == 0
    large = write(tmp_path / "wide.zip", wide(zipped(content)))
    assert page.judge(large).code == penstock(large) == 0
    for what, data in hostile(content).items():
        place = write(tmp_path / f"{what}.zip", data)
        verdict = page.judge(place)
        # An empty zip does not begin as one: the command takes it for a receipt and wants a key.
        assert verdict.code == (12 if what == "nothing" else penstock(place)), (what, verdict.all)
        assert verdict.code >= 10 and "\x1b" not in verdict.all, what


def test_a_zip_that_two_programs_would_unpack_differently_is_refused(page, plant, tmp_path):
    """They differ in which of two names and counts they take: `penstock verify` takes one, and this page wants both to be the same."""
    good = zipped(list(files(plant / "pack").items()))
    for at, two in enumerate((good.replace(b"README.md", b"README.mD", 1), patched(good, END, 8, b"\xff\xff\xff\xff"), b"prelude" + good)):
        assert page.judge(write(tmp_path / f"{at}.zip", two)).code == 10


def test_a_flipped_bit_of_a_zip_is_found_or_changes_nothing_that_is_read(page, plant, tmp_path):
    good = (plant / "pack.zip").read_bytes()
    for at in range(0, len(good), len(good) // 60):
        place = write(tmp_path / f"{at}.zip", good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
        verdict, ours = page.judge(place), penstock(place)
        assert verdict.code == 10 or (verdict.code, ours) == (0, 0), (at, verdict.all)
        assert ours != 10 or verdict.code == 10, (at, verdict.all)


def test_a_file_that_changes_after_it_was_chosen_is_undecided(page, plant, tmp_path):
    place = shutil.copy(plant / "pack.zip", tmp_path / "pack.zip")
    shown = page.open()
    shown.locator("#file").set_input_files(place)
    shown.locator("#verify:enabled").wait_for()
    write(tmp_path / "pack.zip", b"PK\3\4")
    shown.locator("#verify").click()
    shown.locator("body[data-code='14']").wait_for()
    assert "cannot be read" in Verdict(shown).problems and not page.noise


# ---- receipts

CASES = json.loads((VECTORS / "cases.json").read_text())


@pytest.mark.parametrize("case", CASES["receipts"], ids=lambda case: f"{pathlib.Path(case['receipt']).stem}-{case['policy']}")
def test_every_receipt_is_judged_as_it_says(page, case, tmp_path):
    receipt, beside, key = (VECTORS / case[part] for part in ("receipt", "record", "trust"))
    asked = ["--policy", VECTORS / case["policy"]] if case["policy"] else []
    assert python("receipt", receipt, beside, key, *asked) == case["exit"]
    # Into the page goes one text, which says both.
    both = [key, *asked[1:]]
    key = write(tmp_path / "key", b"\n".join(path.read_bytes() for path in both)) if asked else key
    assert page.judge(receipt, beside, key=key).code == case["exit"]
    if page.judge(receipt, beside).code != 2:
        pytest.fail("a receipt brings no key")


def test_a_receipt_that_carries_its_record_needs_no_other_and_one_that_does_not_is_undecided(page):
    receipts, key = VECTORS / "receipts", VECTORS / "trust"
    assert page.judge(receipts / "extra.tlog-proof", key=key).code == penstock(receipts / "extra.tlog-proof", "--key", key) == 0
    assert page.judge(receipts / "good.tlog-proof", key=key).code == penstock(receipts / "good.tlog-proof", "--key", key) == 14
    witnessed = VECTORS / "trust-witnessed"
    assert page.judge(receipts / "extra.tlog-proof", key=witnessed).code == penstock(receipts / "extra.tlog-proof", "--key", witnessed) == 13


# ---- what stands in records and manifests

FLAG = "<script>window.hit=1</script><img src=x onerror=window.hit=1><svg onload=window.hit=1>"
SPOOF = "\u202egood\u202c\u2066\u200b\u0085\ufeff"


def test_markup_marks_and_endless_words_are_shown_as_text(page, tmp_path):
    word = "w" * 60_000
    lines = chain(3, kind=FLAG, who={"operator": {"by": "oidc", "id": FLAG}, "workload": {"by": FLAG, "id": word}}, note={FLAG: FLAG, "__proto__": 1})
    lines[2] = lines[2].replace(b'"oidc"', f'"{SPOOF}"'.encode())
    alter = lambda manifest: manifest | {"filter": {FLAG: "w" * (1 << 20), "__proto__": {"polluted": 1}}, "by": FLAG + SPOOF}  # noqa: E731
    shown = page.open()
    verdict = page.verify(shown, made(lines, tmp_path / "hostile.zip", alter))
    assert verdict.code == 10 and "record 2" in verdict.problems
    for row in range(3):
        shown.locator("#rows button").nth(row).click()
        assert ("not proved" if row == 2 else "byte for byte") in shown.locator("#detail-facts").inner_text()
        assert json.loads(shown.locator("#detail-text").inner_text().replace("\\u{", "u{"))["kind"] == FLAG
        shown.locator("#close").click()
    assert FLAG in verdict.all and "\\u{202e}good" in verdict.all and not {*SPOOF} & {*verdict.all} - {*"good"}
    assert len(verdict.all) < 20_000 and shown.evaluate("document.body.scrollWidth <= innerWidth && window.hit === undefined && ({}).polluted === undefined")
    assert shown.locator("main img, main svg, main script").count() == 0 and not page.noise, page.noise


DEEP = b"[" * 100_000 + b"]" * 100_000
MALFORMED = [
    b"", b"{}", b"[]", b"null", b"\xff", b'{"v":1}', b'{"a":' + DEEP + b"}", b'{"a":1,"a":1}', b"x" * 65_536,
    *(record(0, bytes(32), note=mark) for mark in "\x7f\x9f\xad\u200b\u2028\u202e\u2066\ufeff\U000e0041"),
    *(record(0, bytes(32), note=value) for value in ({"n": 1.5}, {"n": -1}, {"n": None}, {"n": 2**53}, {"n": "\t"}, {"": 1}, [[[[[[[[1]]]]]]]])),
    *(record(0, bytes(32)).replace(*pair, 1) for pair in (
        (b'"v":1', b'"v":1 '), (b'"v":1', b'"v":01'), (b'"v":1', b'"v":1e0'), (b'"v":1', b'"v":2'), (b'"v":1', b'"v":true'), (b'"seq":0', b'"seq":1'),
        (b'"boot":1,', b'"boot":1,"boot":1,'), (b'{"boot":1,', b'{"z":1,"boot":1,'), (b'"mes-', b'"\\u006des-'), (b'"id":"01a1', b'"id":"01A1'),
    )),
]


def test_malformed_records_are_refused_as_by_pack_py_and_penstock(page, tmp_path):
    for at, line in enumerate(MALFORMED):
        archive = made([line], tmp_path / f"{at}.zip")
        verdict = page.judge(archive)
        assert verdict.code == python("pack", unpacked(archive)) == penstock(archive) == 10, line[:80]
        assert "record 0" in verdict.problems and verdict.steps == ["good"] * 4 + ["bad"], verdict.problems
    odd = record(0, bytes(32), note={"\ue000": 1, "\U0001f600": [True, {"a": '"\\\u2027é'}]})
    archive = made([odd], tmp_path / "odd.zip")
    assert page.judge(archive).code == python("pack", unpacked(archive)) == penstock(archive) == 0


def signed_as(**changes):
    return lambda manifest: manifest | changes


TEXTS = {b'"population": 2': (b'"population": 2.0', b'"population": -2', b'"population": 9007199254740993', b'"population": "2"'),
         b'"version": 1': (b'"version": 2', b'"version": "1"', b'"version": 1e0', b'"version": 1, "version": 2')}
ALTERED = {
    "a list": lambda manifest: b"[]", "a byte order mark": lambda manifest: b"\xef\xbb\xbf" + json.dumps(manifest).encode(), "depth": lambda manifest: DEEP,
    "no text": lambda manifest: b"\xff", "fewer": signed_as(population=1), "more": signed_as(population=3), "fewer records": signed_as(records=1),
    "a file twice": lambda manifest: manifest | {"files": manifest["files"] + manifest["files"][:1]},
    "a foreign file": lambda manifest: manifest | {"files": manifest["files"] + [{"name": "../x", "size": 0, "sha256": "00" * 32}]},
    "itself": lambda manifest: manifest | {"files": manifest["files"] + [{"name": "manifest.note", "size": 0, "sha256": "00" * 32}]},
    "nine GiB": lambda manifest: manifest | {"files": [file | {"size": 9 << 30} for file in manifest["files"]]},
    "another method": signed_as(sample={"method": "mine", "seed": "a", "size": 1}),
    "a seed with blanks": signed_as(sample={"method": "sha256-smallest v1", "seed": " a", "size": 1}),
    "no seed": signed_as(sample={"method": "sha256-smallest v1", "seed": "", "size": 1}),
    "a sample of none": signed_as(sample={"method": "sha256-smallest v1", "seed": "a", "size": 0}),
    "another head": lambda manifest: manifest | {"head": manifest["head"] | {"size": 3}},
    **{f"{new}": lambda manifest, old=old, new=new: json.dumps(manifest).encode().replace(old, new) for old, news in TEXTS.items() for new in news},
}


def test_altered_manifests_are_refused_though_signed_as_by_pack_py(page, tmp_path):
    lines = chain(2)
    for at, (what, alter) in enumerate(ALTERED.items()):
        archive = made(lines, tmp_path / f"{at}.zip", alter)
        # JSON in Python takes 1e0 and 1.0 for 1; Rust does not, and neither does the page.
        theirs = penstock(archive) if b"e0" in what.encode() or "2.0" in what else python("pack", unpacked(archive))
        verdict = page.judge(archive)
        assert verdict.code == theirs == 10, (what, verdict.all)


POPULATIONS = [b"", b"0", b"1\n0\n", b"0-0\n1\n", b"0-1\n1\n", b"0-2\n", b"00\n1\n", b"0 -1\n", b"0-1-2\n", b"-1\n", b"0\r\n1\n", b"\n", b"0-9007199254740993\n", b"0-18446744073709551616\n"]


def test_malformed_populations_are_refused_as_by_pack_py(page, tmp_path):
    for at, text in enumerate(POPULATIONS):
        archive = made(chain(2), tmp_path / f"{at}.zip", **{"population.txt": text})
        verdict = page.judge(archive)
        assert verdict.code == python("pack", unpacked(archive)) == 10, (text, verdict.all)
        assert "population.txt" in verdict.problems


def test_a_sample_is_drawn_again_from_a_long_population(page, tmp_path):
    lines = chain(700)
    lots = sorted((hashlib.sha256(f"penstock sample v1\nautumn\n{seq}\n".encode()).digest(), seq) for seq in range(700))
    drawn = sorted(seq for _, seq in lots[:9])
    alter = signed_as(sample={"method": "sha256-smallest v1", "seed": "autumn", "size": 9}, records=9)
    archive = made(lines, tmp_path / "sample.zip", alter, **{"records.ndjson": b"".join(lines[seq] + b"\n" for seq in drawn)})
    verdict = page.judge(archive)
    assert verdict.code == python("pack", unpacked(archive)) == 0, verdict.all
    assert "9 of them drawn again" in verdict.all


# ---- redacted packs

def test_packs_of_a_gateway_are_redacted_and_still_good(page, plant, tmp_path):
    for profile in ("persons", "all"):
        place = tmp_path / f"{profile}.zip"
        export(plant / "plant", place, "--redact", profile)
        assert agreed(page, place, f"by the profile \u201c{profile}\u201d", "redacted") == 0
        content = files(tmp_path / profile)
        hidden = [json.loads(line) for line in content["redacted.ndjson"].splitlines()]
        everything = b"".join(data for name, data in content.items() if not name.startswith("verif"))
        assert hidden and all(base64.b64encode(b"op-")[:3] not in content[f"proofs/{line['seq']:012}.tlog-proof"][:40] for line in hidden)
        assert not re.search(rb"\bop-[a-z2-7]{16}\b", everything) and all("extra" not in str(content[f"proofs/{line['seq']:012}.tlog-proof"]) for line in hidden)
        assert (content["records.ndjson"] == b"") == (profile == "all") and all(("claimed" in line) == (profile == "persons") for line in hidden)
        assert not any(key in str(line.get("claimed")) for line in hidden for key in ("'id'", "'prev'", "'mono'", "'request'", "'who'", "'ref'", "'note'"))
    export(plant / "plant", tmp_path / "none.zip", "--redact", "none")
    assert agreed(page, tmp_path / "none.zip") == 0 and "redacted.ndjson" not in files(tmp_path / "none")


def test_a_flipped_byte_of_a_redacted_pack_is_found_by_all(page, plant, tmp_path):
    export(plant / "plant", tmp_path / "pack", "--redact", "persons")
    names = [name for name in files(tmp_path / "pack") if name.startswith(("re", "man", "pop", "proofs/000000000007", "proofs/000000000014"))]
    assert "redacted.ndjson" in names
    for name in names:
        good = (tmp_path / "pack" / name).read_bytes()
        for at in (0, len(good) // 2, len(good) - 1):
            write(tmp_path / "pack" / name, good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            assert page.judge(tmp_path / "pack").code == python("pack", tmp_path / "pack") == penstock(tmp_path / "pack") == 10, (name, at)
        (tmp_path / "pack" / name).unlink()
        code = 14 if name == "manifest.note" else 12
        assert page.judge(tmp_path / "pack").code == python("pack", tmp_path / "pack") == penstock(tmp_path / "pack") == code, name
        write(tmp_path / "pack" / name, good)


def test_a_redaction_that_says_something_else_than_the_pack_is_refused_by_all(page, tmp_path):
    lines, some, every = chain(4), ("persons", (1, 2)), ("all", (0, 1, 2, 3))
    assert agreed(page, made(lines, tmp_path / "some.zip", hide=some), "2 of 4 records, by the profile") == 0
    assert agreed(page, made(lines, tmp_path / "every.zip", hide=every), "4 of 4 records, by the profile") == 0
    one, two = (redacted(seq, lines[seq], "persons") for seq in (1, 2))
    says = lambda profile, records: signed_as(redaction={"profile": profile, "records": records})  # noqa: E731
    hidden = lambda data, hide=some, alter=lambda manifest: manifest: (hide, alter, {"redacted.ndjson": data})  # noqa: E731
    carried = made(lines, tmp_path / "open.zip")
    with zipfile.ZipFile(carried) as archive:
        proof = archive.read("proofs/000000000001.tlog-proof")
    broken = [*lines[:2], record(2, bytes(32)), lines[3]]
    for at, (hide, alter, others) in enumerate((
        (some, says("persons", 1), {}), (some, says("persons", 3), {}), (some, says("persons", 5), {}), (some, says("persons", 2.5), {}),
        (some, says("persons", True), {}), (some, says("mine", 2), {}), (some, says("none", 2), {}), (some, says("all", 2), {}), (every, says("persons", 4), {}),
        (some, signed_as(redaction=None), {}), (some, signed_as(redaction=[]), {}), (None, says("persons", 0), {}),
        (some, lambda manifest: {key: value for key, value in manifest.items() if key != "redaction"}, {}),
        hidden(b""), hidden(one), hidden(two + one), hidden(one + one), hidden(one + two + two), hidden(one + two[:-1]), hidden(one + b"\n"),
        hidden(one + two.replace(b'"seq":2', b'"seq":3')), hidden(one + two.replace(b'"seq":2', b'"seq":9')), hidden(one + two.replace(b'"seq":2', b'"seq":2.0')),
        hidden(one + redacted(2, lines[3], "persons")), hidden(one + redacted(2, lines[2], "all")), hidden(one + two.replace(b'{"kind"', b'{ "kind"')),
        hidden(one + two.replace(b'"claimed":{', b'"claimed":{"a":1,"a":1,')), hidden(one + two.replace(b'"claimed"', b'"asserted"')),
        hidden(one + two.replace(b'"t":1', b'"t":1.5')), hidden(one + two.replace(b'"t":1', b'"t":null')), hidden(one + two.replace(b'}', b',"x":' + DEEP[:50] + b'}', 1)),
        hidden(one + redacted(2, lines[2], "persons", word="w" * 70_000)), hidden(one + two.replace(b'"intent"', b'"int\xffent"')),
        (some, lambda manifest: manifest, {"proofs/000000000001.tlog-proof": proof}),
        (some, lambda manifest: manifest, {"records.ndjson": b"".join(line + b"\n" for line in lines)}),
    )):
        assert agreed(page, made(lines, tmp_path / f"{at}.zip", alter, hide, **others)) == 10, (at, others)
    assert agreed(page, made(lines, tmp_path / "short.zip", hide=some, **{"records.ndjson": lines[0] + b"\n"})) == 12
    assert agreed(page, made(broken, tmp_path / "broken.zip", hide=("persons", (1,))), "does not continue the one before it") == 10
    assert agreed(page, made(broken, tmp_path / "alike.zip"), "does not continue the one before it") == 10


def test_what_is_claimed_of_a_redacted_record_is_shown_as_a_claim(page, tmp_path):
    lines = chain(3)
    others = {"redacted.ndjson": redacted(1, lines[1], "persons", kind=FLAG + SPOOF, where={"zone": "filling", "conduit": FLAG})}
    shown = page.open()
    verdict = page.verify(shown, made(lines, tmp_path / "claims.zip", hide=("persons", (1,)), **others), key=write(tmp_path / "key", trust()))
    assert (verdict.code, verdict.tone) == (0, "good") and "Of the redacted ones, 1 of 3, only the hash is" in verdict.sentence
    assert "exporter\u2019s word, which no hash proves" in verdict.all and FLAG in verdict.all and "\u202e" not in verdict.all
    assert shown.locator("#rows tr").nth(1).locator(".shut").inner_text() == "redacted"
    shown.locator("#rows button").nth(1).click()
    assert "claimed by the exporter, not proved" in shown.locator("#detail-title").inner_text()
    assert "is not proved" in shown.locator("#detail-facts").inner_text() and not page.noise
    SHOTS.mkdir(parents=True, exist_ok=True)
    shown.locator("#close").click()
    shown.screenshot(path=SHOTS / "redacted-light.png", full_page=True)


# ---- as a person sees it

def test_many_records_are_shown_in_parts_and_found_by_words_and_keys_alone_reach_all(page, tmp_path):
    lines = chain(MANY)
    key = write(tmp_path / "ledger.trust", trust())
    archive = made(lines, tmp_path / "many.zip")
    shown = page.open()
    began = time.monotonic()
    verdict = page.verify(shown, archive, key=key)
    print(f"{MANY} records, {archive.stat().st_size >> 20} MiB: {shown.locator('#status').inner_text()}; {MANY / (time.monotonic() - began):.0f}/s with all around it")
    assert (verdict.code, verdict.tone) == (0, "good") and shown.evaluate("document.activeElement.id") == "word"
    rows = shown.locator("#rows tr")
    assert rows.count() == 200 and f"{MANY} of {MANY} records" in shown.locator("#count").inner_text()
    shown.locator("#more").press("Enter")
    assert rows.count() == 400
    shown.locator("#filter").fill("TOKENISE")
    assert f"{MANY // 3} of {MANY}" in shown.locator("#count").inner_text() and rows.count() == min(200, MANY // 3)
    rows.locator("button").first.press("Enter")
    assert "Record 1" in shown.locator("dialog h2").inner_text() and sha256(b"\0", lines[1]).hex() in shown.locator("dialog").inner_text()
    shown.keyboard.press("Escape")
    assert not shown.locator("dialog").is_visible()
    # Another key: what was shown before is not shown any more.
    shown.locator("#key").fill("x")
    assert not shown.locator("#result").is_visible() and shown.locator("body[data-code]").count() == 0


def test_files_can_be_dropped_and_reach_their_place(page, plant):
    shown = page.open()
    data = {"pack.zip": b64((plant / "pack.zip").read_bytes()), "ledger.trust": b64((plant / "pack" / "trust" / "ledger.trust").read_bytes())}
    shown.evaluate("""files => {
        const list = new DataTransfer();
        for (const [name, data] of Object.entries(files)) list.items.add(new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], name));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: list, bubbles: true, cancelable: true }));
    }""", data)
    shown.locator("#verify:enabled").wait_for()
    shown.locator("#verify").click()
    shown.locator("body[data-code='0']").wait_for()
    assert Verdict(shown).tone == "good" and not page.noise


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_drawn_in_both_themes(page, plant, pack, scheme):
    SHOTS.mkdir(parents=True, exist_ok=True)
    key, page.scheme = plant / "pack" / "trust" / "ledger.trust", scheme
    shown = page.open()
    shown.screenshot(path=SHOTS / f"empty-{scheme}.png", full_page=True)
    page.verify(shown, plant / "pack.zip", key=key)
    shown.screenshot(path=SHOTS / f"good-{scheme}.png", full_page=True)
    shown.locator("#rows button").first.click()
    shown.screenshot(path=SHOTS / f"record-{scheme}.png")
    page.verify(page.open(), plant / "pack.zip")
    records = pack / "records.ndjson"
    write(records, records.read_bytes().replace(b'"refuse"', b'"permit"').replace(b'"v":1', b'"v":2', 1))
    for name, given in (("own", plant / "pack.zip"), ("tampered", pack)):
        shown = page.open()
        page.verify(shown, given, key=None if name == "own" else key)
        shown.screenshot(path=SHOTS / f"{name}-{scheme}.png", full_page=True)
    shown.set_viewport_size({"width": 390, "height": 800})
    shown.screenshot(path=SHOTS / f"narrow-{scheme}.png", full_page=True)
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
