"""What may be gone from a ledger, and which record says so: kept content, and the oldest records. A part of verify.py.

A record's `seal` names an envelope, `blobs/AA/SHA-256`, and the key that it opens with, `seals/YYYY-MM/SUBJECT`. Who has no key can
check that the envelope is the one that was named, and that neither is gone unless an `erase` record covers it.
"""
import hashlib, re  # noqa: E401
from pathlib import Path
from records import HASH, UUID
from signatures import INCOMPLETE, TAMPERED, UNDECIDED, expect

KEY = re.compile(r"(?=.{9,120}$)([0-9]{4}-(?:0[1-9]|1[0-2]))/([a-z0-9][a-z0-9._-]*)")
LONGEST = (1 << 30) + 512
GONE = [f"{what} is gone, and nothing says that it was erased" for what in ("its content", "the key of its content")]

def drawn(id):
    """When an identity was drawn, in milliseconds since 1970, if it tells (RFC 9562 section 5.7)."""
    return int(id[:8] + id[9:13], 16) if id[14] == "7" else 0

def digest(path):
    """SHA-256 of a file in hexadecimal; None if it is not there, or nothing but zeros: it is being destroyed."""
    if not path.exists():
        return None
    # A pipe in its place would keep us waiting for ever.
    expect(path.is_file() and path.stat().st_size <= LONGEST, "is no envelope")
    hash, zeros = hashlib.sha256(), path.stat().st_size > 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hash.update(piece)
            zeros = zeros and not piece.strip(b"\0")
    return None if zeros else hash.hexdigest()

class Removed:
    """Bundles that are not there, and the record that allows the first of them to be gone because their time was over."""

    DAY = 86_400_000

    def __init__(self):
        # Bundles; the first record that had to stay, and which record says that; when the first one after a gap was written.
        self.bundles, self.minimum, self.by, self.resuming, self.resumed = [], 0, None, False, None

    def take(self, record):
        """Every record in order; whether it is a `prune` record that allows nothing."""
        self.resumed, self.resuming = record["t"] if self.resuming else self.resumed, False
        if record["kind"] != "prune":
            return False
        note = record.get("note")
        minimum, until, days = (note.get(key) if isinstance(note, dict) else None for key in ("minimum", "until", "keep_days"))
        whole = all(type(number) is int for number in (minimum, until, days)) and minimum % 256 == 0
        if not whole or minimum > record["seq"] or until + days * self.DAY > record["t"]:
            return True
        if minimum > self.minimum:
            self.minimum, self.by = minimum, record["seq"]
        return False

    def covers(self, call):
        """Whether a call may have begun in a record that is gone."""
        return self.resumed is not None and call is not None and drawn(call) <= self.resumed

    def missing(self):
        """The bundles of which no record says that they may be gone."""
        return [bundle for bundle in self.bundles if (bundle + 1) * 256 > self.minimum]

    def __str__(self):
        return f", {256 * len(self.bundles)} records pruned by #{self.by}" if self.bundles and self.by is not None else ""

class Content:
    """Gathers what records say of content; `judge` compares it with the files and tells what became of it."""

    def __init__(self, folder):
        # Records that name content; erasures as (number, time, (call, subject, month)), two of the three empty or one.
        self.folder, self.named, self.erasures, self.kept, self.erased = Path(folder), [], [], 0, {}

    def take(self, record):
        seal = record.get("seal")
        if isinstance(seal, dict) and isinstance(seal.get("blob"), str) and isinstance(seal.get("key"), str):
            self.named.append((record["seq"], record["id"], record.get("ref", record["id"]), seal["blob"], seal["key"]))
        note = record.get("note")
        if record["kind"] == "erase" and isinstance(note, dict) and note.get("event") == "erased":
            call, subject, month = (note.get(key) if isinstance(note.get(key), str) else "" for key in ("record", "subject", "month"))
            fits = UUID.fullmatch(call) if call else KEY.fullmatch(f"{month or '2000-01'}/{subject}")
            if fits and bool(call) != bool(subject):
                self.erasures.append((record["seq"], record["t"], (call, subject, "" if call else month)))

    def erasure(self, seq, id, call, month, subject):
        """The number of the record that allows content to be gone, or None.

        An identity is drawn before its content is sealed, and nothing is sealed while content is erased: what was sealed
        before has an earlier identity, though its record may come later.
        """
        for by, t, scope in self.erasures:
            covers = scope[0] == call if scope[0] else scope[1] == subject and scope[2] in ("", month)
            if covers and (seq < by or drawn(id) <= t):
                return by

    def judge(self, minimum=0):
        """What is wrong, as (class, where, what). Of records before the minimum, content may be gone: they go next."""
        for seq, id, call, blob, key in self.named:
            try:
                name = KEY.fullmatch(key)
                expect(name and HASH.fullmatch(blob), "names no content that may be")
                by = self.erasure(seq, id, call, *name.groups())
                code, what = self.compare(seq, blob, key, by)
            except (OSError, ValueError):
                code, what = UNDECIDED, "its content cannot be read"
            if what in GONE and seq < minimum:
                continue
            if what:
                yield code, f"record {seq} ({id})", what
            elif code is None:
                self.erased[by] = self.erased.get(by, 0) + 1
            else:
                self.kept += 1

    def compare(self, seq, blob, key, by):
        """The class and what is wrong; nothing is if that is empty, and the content is gone if there is no class either."""
        found = digest(self.folder / "blobs" / blob[:2] / blob)
        if found is None:
            return (None, "") if by is not None else (INCOMPLETE, GONE[0])
        if by is not None and seq < by:  # A call that began before and was sealed after is kept under a fresh key.
            return INCOMPLETE, f"its content is still there, though #{by} says that it was erased: erase it again"
        if found != blob:
            return TAMPERED, "its content is not what the record names"
        if not (self.folder / "seals" / key).exists():
            return INCOMPLETE, GONE[1]
        return 0, ""

    def __str__(self):
        return ", ".join([f"{self.kept} contents kept", *(f"{count} erased by #{by}" for by, count in self.erased.items())])
