"""Who signed what: notes, checkpoints, the keys of days, and the tree that heads are signed of. A part of verify.py.

Each UTC day of a ledger has a key of its own, which signs its checkpoints beside the ledger's key. The genesis names a
schedule: the first day, and the root of an RFC 6962 tree over the public keys of 4,096 days. A `key` record proves its key
against that root. The first checkpoint over a `key` record is still signed by the key before it, so that whoever steals
today's keys cannot sign the records of yesterday anew.
"""
import base64, hashlib, re  # noqa: E401
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TAMPERED, FORKED, INCOMPLETE, UNWITNESSED, UNDECIDED = range(10, 15)
EPOCHS, DAY, HOUR = 4096, 86_400_000, 3_600_000
# Longest text of a note and longest line below it, in bytes; most such lines.
TEXT, LINE, SIGNATURES = 64 << 10, 8 << 10, 100

def expect(condition, what):
    if not condition:
        raise ValueError(what)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unbase64(text):
    expect(base64.b64encode(base64.b64decode(text)).decode() == text, "base64 in another spelling")
    return base64.b64decode(text)

def number(text):
    expect(re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII) and int(text) < 2**63, "not a number below 2^63")
    return int(text)

class Tree:
    """RFC 6962, appended leaf by leaf: its perfect subtrees from left to right, each as (number of leaves, hash)."""

    def __init__(self, leaves=()):
        self.peaks = []
        any(map(self.push, leaves))

    def push(self, leaf):
        count = 1
        while self.peaks and self.peaks[-1][0] == count:
            leaf, count = sha256(b"\1" + self.peaks.pop()[1] + leaf), count * 2
        self.peaks.append((count, leaf))

    def root(self):
        root = self.peaks[-1][1] if self.peaks else sha256(b"")
        for _, peak in reversed(self.peaks[:-1]):
            root = sha256(b"\1" + peak + root)
        return root

def perfect(hashes):
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = [sha256(b"\1", left, right) for left, right in zip(hashes[::2], hashes[1::2])]
    return hashes[0]

def climb(leaf, index, size, path):
    """RFC 6962 section 2.1.1 backwards: the root over `size` leaves that the path leads to."""
    fits = bool(path) == (size > 1) and index < size and all(len(step) == 32 for step in path)
    expect(fits, "the path is too long or too short")
    if size == 1:
        return leaf
    half = 1 << (size - 1).bit_length() - 1
    below = climb(leaf, index, half, path[:-1]) if index < half else climb(leaf, index - half, size - half, path[:-1])
    return sha256(b"\1", below, path[-1]) if index < half else sha256(b"\1", path[-1], below)

def key_id(name, key, kind=b"\1"):
    return sha256(name.encode(), b"\n", kind, key)[:4]

def read_schedule(text):
    """The day of epoch 0, counted from 1970, and the root over the keys of all epochs."""
    day, _, root = str(text).partition(" ")
    expect(len(unbase64(root)) == 32 and number(day) < 2**32, "a malformed schedule of epoch keys")
    return number(day), unbase64(root)

def is_signed(key, signature, message):
    """Whether the signature over this text is of this Ed25519 key."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message.encode())
    except InvalidSignature:
        return False
    return True

def parse_note(data):
    """The text of a signed note, and its lines as (name, key id, signature), none of them checked."""
    text, blank, tail = data.decode().rpartition("\n\n")
    expect(blank and tail.endswith("\n") and not re.search(rb"[\x00-\x09\x0b-\x1f]", data), "the note is malformed")
    rows = tail[:-1].split("\n")
    short = len(text.encode()) < TEXT and len(rows) <= SIGNATURES and max(len(row.encode()) for row in rows) <= LINE
    expect(short, "the note has more than 100 signatures, or is too long")
    lines = []
    for row in rows:
        match = re.fullmatch("\u2014 ([^\\s+]+) ([0-9A-Za-z+/=]+)", row)
        signature = unbase64(match[2]) if match else b""
        expect(len(signature) > 4, "a signature line is malformed")
        lines.append((match[1], signature[:4], signature[4:]))
    return text + "\n", lines

def open_note(data, keys):
    """The text of a signed note, and the names of those of these keys that signed it; at least one must have."""
    text, lines = parse_note(data)
    signed = set()
    for name, id, signature in lines:
        key = keys.get((name, id))
        if key and (name, id) not in signed:
            expect(is_signed(key, signature, text), "a signature of the trusted key does not verify")
            signed.add((name, id))
    expect(signed, "no trusted key signed it")
    return text, {name for name, _ in signed}

def open_checkpoint(data, keys, also=()):
    """Origin, size, root and bytes of a checkpoint, if it is a note that the keys of the origin's and these names signed."""
    text, signed = open_note(data, keys)
    expect(text.count("\n") == 3, "it is not origin, size and root")
    origin, size, root = text.splitlines()
    expect(origin in signed and len(unbase64(root)) == 32, "its origin is not its signer, or the root is no hash")
    expect(signed >= {*also}, "the key of its day did not sign it: it may have been made later")
    return origin, number(size), unbase64(root), data

class Epochs:
    """Whose key must sign the next checkpoint, as the records tell it; keys are {(name, id): key}."""

    def __init__(self, origin, given):
        """Of a ledger of which the auditor has this schedule, or None."""
        self.origin, self.given, self.schedule = origin, given, given
        # The last epoch that was announced; its key from the next checkpoint on; when the next one was due.
        self.epoch, self.signer, self.coming, self.due, self.count = None, {}, {}, None, 0

    def skip(self):
        """Records are skipped: until the next `key` record nobody knows who signs."""
        self.signer, self.coming = {}, {}

    def hand_over(self):
        """A checkpoint has covered the records so far."""
        self.signer, self.coming = self.coming or self.signer, {}

    def judge(self, listed, keys):
        """Takes the checkpoints that cover just the records so far, as (path, bytes); gives what is wrong with them."""
        wrong = []
        for path, data in listed:
            try:
                open_checkpoint(data, {**keys, **self.signer}, [name for name, _ in self.signer])
            except ValueError as error:
                wrong.append((TAMPERED, path, str(error)))
        if listed:
            self.hand_over()
        return wrong

    def take(self, record, blind):
        """The next record, and whether some before it were skipped; gives what is wrong as (class, what)."""
        kind, note, t, wrong = record["kind"], record.get("note"), record["t"], []
        note = note if isinstance(note, dict) else {}
        if kind == "genesis":
            try:
                named = read_schedule(note["epochs"]) if "epochs" in note else None
                expect(self.given in (None, named), "not the auditor's")
                self.schedule = named
            except ValueError:
                wrong.append((TAMPERED, "names a schedule of epoch keys that is malformed, or not the auditor's"))
        if not self.schedule:
            return wrong
        if kind == "key":
            wrong += self.announce(note, t, blind)
        elif self.epoch is None and not blind and kind not in ("genesis", "clock"):
            self.schedule = None
            return [*wrong, (TAMPERED, "comes before the first key, though the ledger has a schedule of epoch keys")]
        known = self.schedule and self.epoch is not None and not blind
        over = known and self.epoch < EPOCHS - 1 and t >= self.begins(self.epoch + 1)
        since = t if self.due is None or kind in ("boot", "clock", "key") else self.due
        self.due = since if over else None
        if over and t > since + HOUR:
            self.due = float("inf")  # Said once.
            wrong.append((INCOMPLETE, f"the key of epoch {self.epoch} stays in use for more than an hour after its day"))
        return wrong

    def announce(self, note, t, blind):
        """A `key` record."""
        try:
            epoch, key, proof = note["epoch"], unbase64(note["key"]), unbase64(note["proof"])
            path = [proof[at:at + 32] for at in range(0, len(proof), 32)]
            expect(climb(sha256(b"\0", key), epoch, EPOCHS, path) == self.schedule[1], "another root")
        except (KeyError, TypeError, ValueError):
            self.skip()
            self.schedule = None
            return [(TAMPERED, "does not prove that this is the key of its epoch")]
        begun, out_of_order = self.epoch is not None, bool(epoch) and not blind
        wrong = [
            (INCOMPLETE, "comes though the last checkpoint of the epoch before is missing", self.signer and self.coming),
            (TAMPERED, "is out of order", epoch <= self.epoch if begun else out_of_order),
            (TAMPERED, "is announced before its day", epoch > 0 and t + HOUR < self.begins(epoch)),
        ]
        name = f"{self.origin}/epoch/{epoch}"
        self.hand_over()
        self.coming, self.epoch, self.count = {(name, key_id(name, key)): key}, epoch, self.count + 1
        if not begun and not blind:
            self.hand_over()
        return [(code, what) for code, what, is_so in wrong if is_so]

    def begins(self, epoch):
        return (self.schedule[0] + epoch) * DAY
