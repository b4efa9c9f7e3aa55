#!/usr/bin/env python3
"""Checks a Penstock ledger, the receipt of one record, or an evidence pack, knowing nothing but files and a public key.

    verify.py ledger FOLDER TRUST [--known CHECKPOINT] [--policy POLICY] [--without-content]
    verify.py receipt RECEIPT RECORD TRUST [--policy POLICY]
    verify.py pack FOLDER [TRUST] [--policy POLICY]
    verify.py                              in a pack: that pack

A second verifier, written from the public formats (c2sp.org signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-policy;
RFC 6962; RFC 8785) and sharing no code with Penstock. Needs Python 3.9, `cryptography`, and the
modules beside it. Exit codes: 0 good, 2 usage, 10 tampered, 11 forked, 12 incomplete, 13 unwitnessed beyond policy, 14 cannot decide.
"""
import argparse, re, sys  # noqa: E401
from pathlib import Path

sys.dont_write_bytecode = True  # A pack that is checked where it lies must not get more files by it.
from content import Content, Removed
from records import Story, read_whole
from signatures import FORKED, INCOMPLETE, TAMPERED, UNDECIDED, UNWITNESSED
from signatures import Epochs, Tree, climb, expect, number, open_checkpoint, parse_note, perfect, sha256, unbase64
from witnesses import gathered, load_trust

LONGEST = 17 << 20  # Of a file: 256 records of 65,535 bytes, each behind its length.
NAMES = dict(zip(range(10, 15), ("tampered", "forked", "incomplete", "unwitnessed", "undecided")))

# ---- the files
class Ledger:
    """Goes over a ledger's files once; what is wrong gathers in `problems` as (class, where, what)."""

    def __init__(self, folder, trust, known=None):
        self.folder, self.trust, self.known, self.problems, self.size, self.leaves = folder, trust, known, [], 0, []
        self.keys, self.epochs, self.listed, self.content, self.removed = trust.keys, None, set(), Content(folder), Removed()
        self.counts = dict.fromkeys(("records", "tiles", "checkpoints", "calls under way"), 0)
        # The story: hashes that the next record may continue, the record before it, open calls, the last start.
        self.story, self.blind = Story(), False
        self.prev, self.last, self.open, self.booted, self.settled = {"0" * 64}, None, {}, 0, False

    def add(self, code, where, what):
        self.problems.append((code, where, what))

    def read(self, path):
        file = Path(self.folder, path)
        if file.exists() and not (file.is_file() and file.stat().st_size <= LONGEST):  # A pipe would keep us waiting for ever.
            raise OSError(0, "is no file, or longer than any may be", path)
        return file.read_bytes() if file.exists() else None

    def checkpoint(self, path):
        """A signed checkpoint among the files; None if it is missing or bad, which is then reported."""
        try:
            data = self.read(path)
            return self.add(UNDECIDED, path, "is missing") if data is None else open_checkpoint(data, self.keys)
        except ValueError as error:
            self.add(TAMPERED, path, str(error))

    def path(self, row, index):
        """Where a tile is in the tree of this size, and how many hashes or entries it holds."""
        width = min(256, (self.size >> 8 * (0 if row == "entries" else row)) - index * 256)
        groups, rest = f"{index % 1000:03}", index // 1000
        while rest:
            groups, rest = f"x{rest % 1000:03}/{groups}", rest // 1000
        return f"tile/{row}/{groups}" + (f".p/{width}" if width < 256 else ""), width

    def tile(self, row, index, kept=()):
        """The hashes or records of a tile, or of the full one that took its place; None if missing or malformed."""
        path, width = self.path(row, index)
        holds = width if Path(self.folder, path).exists() else 256
        data = self.read(path if holds == width else path.partition(".p/")[0])
        if data is None:
            return self.add(INCOMPLETE, path, "is missing")
        items, at, prefix = [], 0, 2 if row == "entries" else 0
        while at < len(data) and len(items) < 256:
            at, end = at + prefix, at + prefix + (int.from_bytes(data[at:at + 2], "big") if prefix else 32)
            items.append(data[at:end])
            at = end
        if at == len(data) and len(items) == holds:
            self.counts["tiles"] += not prefix
            return items[:width]
        wrong = index * 256 + [*(sha256(b"\0" + i) == hash for i, hash in zip(items, kept or ())), False].index(False)
        self.add(TAMPERED, f"record {wrong} in {path}" if kept else path, "lengths do not fit")

    def heads(self):
        """The head, or the last good one of the history; and all signed checkpoints with their files, by size."""
        head, notes = self.checkpoint("checkpoint"), {}
        for folder in ("checkpoints", "witnessed"):  # The second holds what came back from witnesses.
            names = (file.stem for file in Path(self.folder, folder).glob("*.note"))
            self.listed |= {(int(name), folder) for name in names if re.fullmatch("0|[1-9][0-9]{0,18}", name, re.ASCII)}
        for size, folder in sorted(self.listed):
            path = f"{folder}/{size}.note"
            note = self.checkpoint(path)
            if note and note[:2] == ((head or note)[0], size):
                notes.setdefault(size, []).append((path, note))
            elif note:
                self.add(TAMPERED, path, "is the checkpoint of another size or ledger")
        published, head = head, head or (notes[max(notes)][0][1] if notes else None)
        beyond = [path for size in sorted(notes) if size > head[1] for path, _ in notes[size]]
        self.counts["checkpoints"] = sum(map(len, notes.values())) - len(beyond)
        # One is the ledger caught between signing and publishing; but no witness has seen what was not published.
        if later := [path for place, path in enumerate(beyond) if place or path.startswith("witnessed/")]:
            self.add(INCOMPLETE, later[0], "covers more records than there are")
        if published:
            self.witnesses(head)
        if head and self.known and self.known[0] != head[0]:
            self.add(UNDECIDED, "the known checkpoint", "is of another ledger")
        elif head and self.known and self.known[1] > head[1]:
            self.add(INCOMPLETE, "the known checkpoint", "covers more records than there are")
        elif head and self.known:
            notes.setdefault(self.known[1], []).append(("the known checkpoint", self.known))
        if published:
            notes.setdefault(head[1], []).append(("checkpoint", head))
        return head, notes

    def witnesses(self, head):
        """Whether enough of those whom the policy names have signed the head, here or later."""
        try:
            if missing := self.trust.unseen(*gathered(head[3], self.read(f"witnessed/{head[1]}.note"))):
                self.add(UNWITNESSED, "checkpoint", missing)
        except ValueError as error:
            self.add(TAMPERED, "checkpoint", str(error))

    def verify(self):
        head, notes = self.heads()
        if not head:
            return
        origin, self.size, root, _ = head
        self.epochs = Epochs(origin, self.keys.get((origin, "epochs")))
        ours, altered, forks = Tree(), {}, []
        for seq in range(self.size + 1):
            forks += [(path, seq) for path, note in notes.get(seq, []) if note[2] != ours.root()]
            # Only the ledger's own must carry the epoch's signature: the auditor's is older than any doubt, and from what
            # witnesses gave back whoever carried it could have dropped that line.
            own = [(path, note[3]) for path, note in notes.get(seq, []) if path.startswith("checkpoint")]
            self.problems += self.epochs.judge(own, self.keys)
            if (seq, "checkpoints") in self.listed:
                self.epochs.hand_over()  # One that is bad was reported.
            if seq == self.size:
                break
            if seq % 256 == 0:
                kept = self.tile(0, seq // 256)
                gone = kept and len(kept) == 256 and not Path(self.folder, self.path("entries", seq // 256)[0]).exists()
                records = None if gone else self.tile("entries", seq // 256, kept)
                self.removed.bundles += [seq // 256] if gone else []
            if records is None and kept is None:
                self.blind = True
                return
            leaf = sha256(b"\0" + records[seq % 256]) if records else kept[seq % 256]
            other = kept[seq % 256] if kept else leaf
            self.counts["records"] += records is not None
            if records and leaf == other:
                self.take(seq, records[seq % 256], leaf, origin)
            elif gone:  # Whether it may be, a later record says.
                self.prev, self.last, self.open, self.removed.resuming = {leaf.hex()}, None, {}, True
                self.epochs.skip()
            else:  # Which of the two hashes was signed is not known yet.
                altered.update({seq: other} if records else {})
                self.blind, self.prev, self.last = True, {leaf.hex(), other.hex()}, None
                self.epochs.skip()
            ours.push(leaf)
            self.leaves.append(leaf)
        if missing := self.removed.missing():
            self.blind = True
            self.problems[:0] = [(INCOMPLETE, self.path("entries", bundle)[0], "is missing") for bundle in missing]
        wrong_tiles = self.wrong_tiles() | {self.path(0, seq // 256)[0] for seq in altered}
        if ours.root() == root:
            for path in sorted(wrong_tiles):
                self.add(TAMPERED, path, "the stored hashes are not those of the records")
            for path, size in forks:
                self.add(FORKED, path, f"the key signed another root for the first {size} records")
        else:
            for seq in altered:
                self.add(TAMPERED, self.name(seq), "is not the one that was signed")
            if Tree(altered.get(seq, leaf) for seq, leaf in enumerate(self.leaves)).root() != root:
                self.add(TAMPERED, "the tree", "the records do not add up to the signed root")
        for call, seq in self.open.items():
            if seq > self.booted or not self.settled:
                self.counts["calls under way"] += 1
            elif not self.blind:
                self.add(INCOMPLETE, self.name(seq), f"the call {call} was never ended")

    def wrong_tiles(self):
        """The stored tiles above the leaves whose hashes are not those that the leaves make."""
        wrong, row, hashes = set(), 0, self.leaves
        while hashes := [perfect(hashes[at:at + 256]) for at in range(0, len(hashes) // 256 * 256, 256)]:
            row += 1
            tiles = enumerate(hashes[at:at + 256] for at in range(0, len(hashes), 256))
            wrong |= {self.path(row, index)[0] for index, tile in tiles if self.tile(row, index) not in (None, tile)}
        return wrong

    def name(self, seq, id=None):
        return f"record {seq} " + (f"({id}) " if id else "") + f"in {self.path('entries', seq // 256)[0]}"

    def take(self, seq, line, leaf, origin):
        """The next record of the story: its place, its link, its time, and the call that it begins or ends."""
        prev, last, self.prev, self.last = self.prev, self.last, {leaf.hex()}, None
        try:
            record = self.last = self.story.read(line)
        except ValueError as error:
            self.blind = True
            self.epochs.skip()
            return self.add(TAMPERED, self.name(seq), f"is no record: {error}")
        kind, note, place = record["kind"], record.get("note"), record["seq"]
        says = note.get("origin") if isinstance(note, dict) else None
        back = last and "clock" not in (kind, last["kind"]) and record["t"] < last["t"]
        early = self.removed.take(record)
        ended = kind in ("outcome", "abandon") and self.open.pop(record.get("ref"), self.removed.covers(record.get("ref")) or None)
        for code, wrong, what in (
            (INCOMPLETE, place != seq, f"says that it is number {place}"),
            (TAMPERED, place == seq and record["prev"] not in prev, "does not continue the one before it"),
            (INCOMPLETE, back, "the time went back and no clock record says why"),
            (INCOMPLETE, last and (record["boot"], record["mono"]) < (last["boot"], last["mono"]), "starts went back"),
            (TAMPERED, (kind == "genesis") != (seq == 0) or (seq == 0 and says != origin), "is not its genesis"),
            (TAMPERED, kind == "intent" and self.open.setdefault(record["id"], seq) != seq, "begins a call twice"),
            (INCOMPLETE, ended is None and not self.blind, "ends a call that is not under way"),
            (TAMPERED, early, "allows to remove records whose time is not over"),
        ):
            if wrong:
                self.add(code, self.name(seq, record["id"]), what)
        if "seal" in record or kind == "erase":
            self.content.take(record)
        for code, what in self.epochs.take(record, self.blind or (bool(self.removed.bundles) and not self.epochs.count)):
            self.add(code, self.name(seq, record["id"]), what)
        self.booted, self.settled = (seq, False) if kind == "boot" else (self.booted, self.settled)
        self.settled |= kind in ("intent", "outcome", "refuse", "beat")

# ---- receipts
def verify_leaf(data, leaf, keys):
    """Gives origin, index and size if the receipt proves that a record of this hash is in the ledger of a trusted key."""
    proof, _, note = data.partition(b"\n\n")
    version, *lines = proof.decode("utf-8", "replace").split("\n")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[6:])
    expect(version == "c2sp.org/tlog-proof@v1" and lines and lines[0].startswith("index "), "not a receipt")
    index, path = number(lines[0][6:]), [unbase64(line) for line in lines[1:]]
    origin, size, root, _ = open_checkpoint(note, keys)
    expect(climb(leaf, index, size, path) == root, "the receipt does not lead from the record to the signed root")
    return origin, index, size

def verify_receipt(data, record, keys):
    """The same for a record, byte for byte."""
    found = verify_leaf(data, sha256(b"\0", record), keys)
    expect(read_whole(record)["seq"] == found[1], "the record says that it stands elsewhere")
    return found

def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1], description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=("ledger", "receipt", "pack"), nargs="?")
    parser.add_argument("files", nargs="*", help="FOLDER TRUST, RECEIPT RECORD TRUST, or FOLDER [TRUST]")
    parser.add_argument("--known", help="a signed checkpoint of this ledger that was kept elsewhere")
    parser.add_argument("--policy", help="the witnesses that must have signed the head: a C2SP tlog-policy")
    parser.add_argument("--without-content", action="store_true", help="do not look for kept content: this copy has none")
    given = parser.parse_args()
    here = Path(__file__).parent
    if given.what is None and (here / "manifest.json").exists():
        given.what, given.files = "pack", [here]
    least, most = {"ledger": (2, 2), "receipt": (3, 3), "pack": (1, 2)}.get(given.what, (1, 0))
    try:
        expect(least <= len(given.files) <= most, "see the usage")
        own = given.files[-1] if len(given.files) == most else None
        trust = load_trust(own, given.policy) if own or given.policy else None
        receipt = [Path(path).read_bytes() for path in given.files[:-1] if given.what == "receipt"]
        known = given.known and Path(given.known).read_bytes()
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if given.what == "pack":
        from pack import verify_pack  # Who checks a ledger or a receipt needs no pack.py.
        return verify_pack(given.files[0], trust, own or given.policy, sys.modules[__name__])
    ledger = Ledger(given.files[0], trust)
    try:
        if receipt:
            said = verify_receipt(*receipt, trust.keys)
            missing = trust.unseen(*parse_note(receipt[0].partition(b"\n\n")[2]))
            if not missing:
                print("good: record {1} of {2} in {0}, byte for byte as signed".format(*said))
                return 0
            ledger.add(UNWITNESSED, given.files[0], missing)
        else:
            ledger.known = known and open_checkpoint(known, ledger.keys)
            ledger.verify()
            # What is not proved says nothing of content.
            if not given.without_content and all(code == UNWITNESSED for code, _, _ in ledger.problems):
                ledger.problems += ledger.content.judge(ledger.removed.minimum)
    except ValueError as error:
        ledger.add(TAMPERED if receipt else UNDECIDED, given.files[0] if receipt else given.known, str(error))
    except OSError as error:
        ledger.add(UNDECIDED, error.filename, f"cannot be read: {error.strerror}")
    for code, where, what in ledger.problems:
        print(f"{NAMES[code]}: {where}: {what}")
    if not receipt:
        done = ", ".join(f"{count} {name}" for name, count in ledger.counts.items())
        done += f", {ledger.epochs.count} epochs" if ledger.epochs and ledger.epochs.schedule else ""
        done += str(ledger.removed)
        done += f", {ledger.content}" if ledger.content.kept or ledger.content.erased else ""
        print(f"checked: {done}" + ("; completeness was not judged" if ledger.blind else ""))
        left = {"witnesses (--policy)": trust.quorum, "a head that was kept (--known)": known, "content": not given.without_content}
        left |= {"time stamps": not any(Path(given.files[0], "anchors").glob("*.tsr")), "the write-ahead log": False}
        print("not checked:", ", ".join(what for what, done in left.items() if not done))
    return min((code for code, _, _ in ledger.problems), default=0)

if __name__ == "__main__":
    sys.exit(main())
