"""Checks an evidence pack: the folder that `penstock export --pack` makes. A part of verify.py.

Every file is compared with the manifest, the manifest with its signature, the sample is drawn again from the
population, and every record is proved to be in the ledger under the pack's checkpoint: by its bytes or, if it is redacted,
by its leaf hash. A record that stands behind another of the pack must continue it.
"""
import hashlib, heapq, json, re  # noqa: E401
from pathlib import Path
from records import read_line, read_record
from signatures import INCOMPLETE, TAMPERED, UNDECIDED, UNWITNESSED
from signatures import expect, number, open_checkpoint, open_note, parse_note, unbase64
from witnesses import LONGEST as TRUST, Trust

FIXED = ["README.md", "verify.html", "verify.py", "records.py", "signatures.py", "witnesses.py", "content.py", "pack.py", "trust/ledger.trust",
         "checkpoint", "population.txt", "records.ndjson", "redacted.ndjson", "manifest.json", "manifest.note"]
MOST, LONGEST, STAMPS = 100_000, 8 << 30, 3 * 64

STAMP = re.compile(r"anchors/(0|[1-9][0-9]{0,17})\.(tsr|head|proof)", re.ASCII)

def is_name(name):
    proof = re.fullmatch(r"proofs/([0-9]{12,19})\.tlog-proof", name, re.ASCII)
    return name in FIXED or bool(proof and name == proof_of(int(proof[1])) or STAMP.fullmatch(name))

def proof_of(seq):
    return f"proofs/{seq:012}.tlog-proof"

def lot(seed, seq):
    return hashlib.sha256(f"penstock sample v1\n{seed}\n{seq}\n".encode()).digest(), seq

def leads(old, before, size, root, proof):
    """Whether the proof shows that the tree of `size` leaves continues that of `old`: RFC 9162 section 2.1.4.2."""
    if old in (0, size):
        return not proof and before == (root if old else hashlib.sha256().digest())
    if old & (old - 1) == 0:
        proof = [before, *proof]
    if not proof or any(len(step) != 32 for step in proof):
        return False
    shift = (~(old - 1) & old).bit_length() - 1
    node, last, (first, *steps) = old - 1 >> shift, size - 1 >> shift, proof
    one = two = first
    join = lambda left, right: hashlib.sha256(b"\1" + left + right).digest()  # noqa: E731
    for step in steps:
        if last == 0:
            return False
        if node & 1 or node == last:
            one, two = join(step, one), join(step, two)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            two = join(two, step)
        node, last = node >> 1, last >> 1
    return last == 0 and one == before and two == root

class Pack:
    """Goes over a pack once; what is wrong gathers in `problems` as (class, where, what)."""

    def __init__(self, folder, trust, receipts):
        """`receipts` verifies receipts: the module verify."""
        self.folder, self.trust, self.receipts = Path(folder), trust, receipts
        self.problems, self.proved, self.manifest = [], 0, {}

    def add(self, code, where, what):
        self.problems.append((code, where, str(what)))

    def read(self, name, limit):
        """The bytes of a file that is short enough to hold."""
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            raise FileNotFoundError(name)
        expect(path.stat().st_size <= limit, "is too long")
        return path.read_bytes()

    def step(self, name, what):
        """Runs a step; gives None and says so if the file is missing or wrong."""
        try:
            return what()
        except FileNotFoundError as error:
            self.add(INCOMPLETE, str(error), "is missing")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self.add(TAMPERED, name, error)

    def verify(self):
        data = self.step("manifest.json", lambda: self.read("manifest.json", 32 << 20))
        self.manifest = data and self.step("manifest.json", lambda: self.parse(data))
        if not self.manifest:
            return
        self.files(self.manifest["files"])
        trust = self.trust or self.step("trust/ledger.trust", self.own_trust)
        if not trust:
            return
        keys = trust.keys
        if (self.folder / "manifest.note").exists():
            note = self.step("manifest.note", lambda: open_note(self.read("manifest.note", 900_000), keys))
            self.step("manifest.json", lambda: note and self.signature(data, *note))
        else:
            self.add(UNDECIDED, "manifest.note", "is missing: nobody vouches for the filter and the population")
        head = self.step("checkpoint", lambda: self.head(trust))
        for size in sorted({int(name[1]) for name in map(STAMP.fullmatch, (file["name"] for file in self.manifest["files"])) if name}) if head else ():
            self.step(f"anchors/{size}.proof", lambda: self.stamp(size, head))
        drawn = head and self.step("population.txt", lambda: self.draw(head[1]))
        if drawn is not None and head:
            self.step("records.ndjson", lambda: self.records(drawn, head, keys))

    def parse(self, data):
        manifest = json.loads(data.decode())
        expect(manifest["version"] == 1, "is of another version")
        for key in ("population", "records"):
            expect(type(manifest[key]) is int and manifest[key] >= 0, "lacks a count")
        sample, names = manifest.get("sample"), [file["name"] for file in manifest["files"]]
        expect(len(names) <= MOST + len(FIXED) + STAMPS and len(set(names)) == len(names), "lists a file twice, or too many")
        expect(all(is_name(name) and name not in FIXED[-2:] for name in names), "lists a file that no pack has")
        expect(sum(file["size"] for file in manifest["files"]) <= LONGEST, "lists files of more than 8 GiB")
        known = sample is None or (sample["method"] == "sha256-smallest v1" and 0 < sample["size"] <= MOST and
                                   re.fullmatch("[!-~](?:[ -~]{0,126}[!-~])?", sample["seed"]))
        expect(known, "has a malformed sample, or a method that is not known")
        redaction, all_of_them = manifest.get("redaction", {"profile": None, "records": 0}), manifest["records"]
        hidden, profile = redaction["records"], redaction["profile"]
        fits = type(hidden) is int and (hidden == all_of_them if profile == "all" else 0 <= hidden <= all_of_them)
        expect(fits and profile in (("persons", "all") if "redaction" in manifest else (None,)), "has a malformed redaction, or a profile that is not known")
        expect(("redacted.ndjson" in names) == ("redaction" in manifest), "names a redaction without its file, or the file without it")
        return manifest

    def files(self, listed):
        for file in listed:
            self.step(file["name"], lambda: self.measure(file))
        there = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir())
        for name in sorted({*there} - {file["name"] for file in listed} - {*FIXED[-2:]}):
            self.add(TAMPERED, ascii(name)[1:-1], "is not in the manifest")

    def measure(self, file):
        self.read(file["name"], 0) if (self.folder / file["name"]).is_symlink() else None
        digest, path = hashlib.sha256(), self.folder / file["name"]
        if not path.is_file():
            raise FileNotFoundError(file["name"])
        same = path.stat().st_size == file["size"]
        with path.open("rb") as data:
            while same and (piece := data.read(1 << 16)):
                digest.update(piece)
        expect(same and digest.hexdigest() == file["sha256"], "is not the file that the manifest names")

    def signature(self, data, text, signed):
        origin = self.manifest["head"]["origin"]
        says = f"penstock evidence pack v1\n{origin}\nsha256 {hashlib.sha256(data).hexdigest()}\n"
        expect(origin in signed and text == says, "is not the one that the ledger's key signed")

    def own_trust(self):
        trust = Trust(self.read("trust/ledger.trust", TRUST).decode(errors="replace"))
        expect(trust.keys, "names no key")
        return trust

    def head(self, trust):
        head, says = open_checkpoint(self.read("checkpoint", 900_000), trust.keys), self.manifest["head"]
        expect(head[:3] == (says["origin"], says["size"], unbase64(says["root"])), "is not the head that the manifest names")
        if missing := trust.unseen(*parse_note(head[3])):
            self.add(UNWITNESSED, "checkpoint", missing)
        return head

    def stamp(self, size, head):
        """That what an authority has stamped led to the pack's head. Whose stamp it is, is not judged here."""
        _, text, lines = (self.read(f"anchors/{size}.{part}", limit) for part, limit in (("tsr", 64 << 10), ("head", 4096), ("proof", 4096)))
        origin, number, root, *rest = text.decode().split("\n")
        expect((origin, number, rest) == (head[0], str(size), [""]) and size <= head[1], "is of another ledger or size")
        proof = lines.decode().split("\n")
        expect(not proof.pop(), "has no end")
        expect(leads(size, unbase64(root), head[1], head[2], [*map(unbase64, proof)]), "does not lead from the head that was stamped to the pack's")

    def population(self, size):
        """The numbers of all records that fit, in order."""
        count, at = 0, 0
        with (self.folder / "population.txt").open("rb") as lines:
            for line in iter(lambda: lines.readline(43), b""):
                expect(line.endswith(b"\n"), "is malformed")
                first, dash, last = line[:-1].decode("ascii").partition("-")
                first, last = number(first), number(last if dash else first)
                expect(first < last if dash else True, "is malformed")
                count += last - first + 1
                fits = at <= first and last < size and count <= self.manifest["population"]
                expect(fits, "is not in order, names records beyond the head, or more than the manifest says")
                yield from range(first, last + 1)
                at = last + 1
        expect(count == self.manifest["population"], "names fewer records than the manifest says")

    def draw(self, size):
        """The numbers of the records that must be there: the population, or the sample drawn again."""
        sample, numbers = self.manifest.get("sample"), self.population(size)
        if sample:
            drawn = sorted(seq for _, seq in heapq.nsmallest(sample["size"], (lot(sample["seed"], seq) for seq in numbers)))
        else:
            expect(self.manifest["population"] <= MOST, "names more records than a pack holds")
            drawn = list(numbers)
        expect(len(drawn) == self.manifest["records"], "does not give as many records as the manifest says")
        return drawn

    def records(self, drawn, head, keys):
        hidden, before = self.step("redacted.ndjson", lambda: self.hidden(drawn)), None
        if hidden is None:
            return
        with (self.folder / "records.ndjson").open("rb") as lines:
            for seq in drawn:
                if seq in hidden:
                    where, prove = f"record {seq} in redacted.ndjson", lambda: self.prove_hidden(seq, hidden[seq], head, keys)
                elif line := lines.readline(65537):
                    where, prove = f"record {seq} in records.ndjson", lambda: self.prove(seq, line, before, head, keys)
                else:
                    return self.add(INCOMPLETE, f"record {seq}", "is not in records.ndjson")
                leaf = self.step(f"{where} and {proof_of(seq)}", prove)
                before, self.proved = leaf and (seq, leaf), self.proved + bool(leaf)
            expect(not lines.read(1), "holds more records than were drawn")

    def hidden(self, drawn):
        """The leaf hashes of the redacted records by number."""
        hidden, redaction = {}, self.manifest.get("redaction")
        if not redaction:
            return hidden
        with (self.folder / "redacted.ndjson").open("rb") as lines:
            for line in iter(lambda: lines.readline(65536), b""):
                read, claims = read_line(line[:-1]), redaction["profile"] != "all"
                fits = line.endswith(b"\n") and [*read] == ["claimed"] * claims + ["leaf", "seq"] and type(read["seq"]) is int
                expect(fits and (not claims or isinstance(read["claimed"], dict)) and read["seq"] > next(reversed(hidden), -1), "is malformed")
                expect(re.fullmatch("[0-9a-f]{64}", read["leaf"]) and len(hidden) < redaction["records"], "is malformed, or holds too many")
                hidden[read["seq"]] = bytes.fromhex(read["leaf"])
        expect(len(hidden) == redaction["records"] and hidden.keys() <= {*drawn}, "does not hold the records that the manifest says")
        return hidden

    def prove(self, seq, line, before, head, keys):
        """One record against its proof, and against the one before it if that is here; gives its leaf hash."""
        expect(line.endswith(b"\n"), "a line is too long, or has no end")
        data, record, leaf = self.read(proof_of(seq), 2 << 20), line[:-1], hashlib.sha256(b"\0" + line[:-1]).digest()
        self.under(self.receipts.verify_receipt(data, record, keys), seq, data, head, keys)
        extra = self.extra(data)
        expect(not extra or unbase64(extra[1].decode()) == record, "the proof carries another record")
        follows = before and before[0] + 1 == seq
        expect(not follows or read_record(record)["prev"] == before[1].hex(), "does not continue the one before it")
        return leaf

    def prove_hidden(self, seq, leaf, head, keys):
        """The leaf hash of a redacted record against its proof, which must not carry what was kept back."""
        data = self.read(proof_of(seq), 2 << 20)
        self.under(self.receipts.verify_leaf(data, leaf, keys), seq, data, head, keys)
        expect(not self.extra(data), "the proof carries a record that is redacted")
        return leaf

    def under(self, found, seq, data, head, keys):
        expect(found == (head[0], seq, head[1]), "is proved for another head or place")
        expect(open_checkpoint(data.partition(b"\n\n")[2], keys)[:3] == head[:3], "is proved for another head")

    def extra(self, data):
        return re.match(rb"[^\n]*\nextra ([^\n]*)\n", data)

def verify_pack(folder, trust, named, receipts):
    """Checks an evidence pack and says so; gives the exit code."""
    pack = Pack(folder, trust, receipts)
    try:
        pack.verify()
    except OSError as error:
        pack.add(UNDECIDED, error.filename, f"cannot be read: {error.strerror}")
    for code, where, what in pack.problems:
        print(f"{receipts.NAMES[code]}: {where}: {what}")
    if pack.problems or not pack.manifest:
        return min((code for code, _, _ in pack.problems), default=UNDECIDED)
    head, sample, redaction = (pack.manifest.get(key) for key in ("head", "sample", "redaction"))
    print(f"good: {pack.proved} records are in {head['origin']} under its head of {head['size']}, byte for byte as signed")
    print(f"{pack.manifest['population']} fit what was asked for" + (f"; drawn by the seed {sample['seed']!r}" if sample else ""))
    if redaction:
        print("{records} of them are redacted by the profile {profile!r}, and there by their hashes only".format(**redaction))
    left = {"witnesses (--policy)": trust and trust.quorum, "the selection (penstock verify --ledger)": False}
    left["whose the time stamps are"] = not any(Path(folder, "anchors").glob("*.tsr"))
    print("not checked:", ", ".join(what for what, done in left.items() if not done))
    print("the key is " + (f"that in {named}" if trust else "the pack's own copy: compare trust/ledger.trust with the one you were given"))
    return 0
