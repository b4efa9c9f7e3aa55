"""Whom the auditor trusts: the keys of ledgers, and the witnesses that must have seen a head. A part of verify.py.

Both stand in a file in the form of a C2SP tlog-policy (c2sp.org/tlog-policy), which may also hold bare keys, and the schedules
of epoch keys. What a witness signs is a cosignature/v1 (c2sp.org/tlog-cosignature): a line with the time, and the checkpoint.
"""
import re
from pathlib import Path
from signatures import SIGNATURES, expect, is_signed, key_id, number, parse_note, read_schedule, unbase64

# Types of keys; most keys, witnesses and groups that are read; longest file.
LOG, COSIGNATURE, MOST, LONGEST = b"\1", b"\4", 64, 64 << 10

def read_key(text, kind):
    """Name, id and key of `name+hex(id)+base64(type, key)`."""
    name, shown, encoded = (*text.split("+", 2), "", "")[:3]
    data = unbase64(encoded)
    good = re.fullmatch(r"[^\s+\x00-\x1f]+", name) and data[:1] == kind and len(data) == 33
    expect(good and key_id(name, data[1:], kind).hex() == shown, f"the key {text} is malformed, or of another kind")
    return name, key_id(name, data[1:], kind), data[1:]

class Quorum:
    """Which witnesses there are, and which of them are enough."""

    def __init__(self):
        # Witnesses are (name, id, key) by the policy's name, groups (how many must have seen it, members).
        self.witnesses, self.groups, self.needed = {}, {}, None

    def take(self, kind, *words):
        """A line: `witness NAME KEY [URL]`, `group NAME all|any|COUNT NAME...` or `quorum NAME`."""
        known, name = {*self.witnesses, *self.groups}, words[0] if words else ""
        if kind == "quorum":
            fits = len(words) == 1 and self.needed is None and name in known | {"none"}
            expect(fits, "the policy has two quorum lines, or one that names nobody whom it has defined")
            self.needed = name
            return
        before = self.witnesses if kind == "witness" else self.groups
        expect(len(words) > 1 and name not in known | {"none"} and len(before) < MOST, f"the {kind} {name} is malformed, or there twice")
        if kind == "witness":
            key = read_key(words[1], COSIGNATURE)
            twice = key[2] in (other for _, _, other in self.witnesses.values())
            expect(len(words) <= 3 and not twice, f"the witness {name} is malformed, or has the key of another")
            self.witnesses[name] = key
        else:
            count, members = words[1], words[2:]
            grouped = {member for _, others in self.groups.values() for member in others}
            fits = len({*members}) == len(members) and {*members} <= known - grouped
            threshold = {"any": 1, "all": len(members)}.get(count) or number(count)
            expect(fits and 1 <= threshold <= len(members), f"the group {name} counts wrong, or somebody twice")
            self.groups[name] = threshold, members

    def judge(self, text, lines):
        """Whether enough have signed a note, who has at which second since 1970, and who has not."""
        times = {name: cosigned(key, text, lines) for name, key in self.witnesses.items()}
        met = {name: time is not None for name, time in times.items()}
        for name, (threshold, members) in self.groups.items():
            met[name] = sum(met[member] for member in members) >= threshold
        by = {name: time for name, time in times.items() if time is not None}
        return met.get(self.needed, True), by, [name for name in times if name not in by]

def cosigned(key, text, lines):
    """When a witness says that it saw the text: its latest word, None if it says nothing. A line in its name must be its."""
    name, id, public = key
    times = []
    for signature in (signature for *whose, signature in lines if whose == [name, id]):
        time = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {time}\n{text}"
        good = len(signature) == 72 and time < 2**63 and is_signed(public, signature[8:], message)
        expect(good, f"the signature of the witness {name} does not verify")
        times.append(time)
    return max(times, default=None)

def gathered(data, later):
    """Text and signature lines of a note, with those that witnesses gave it later, if `later` is the same note."""
    text, lines = parse_note(data)
    try:
        other, more = parse_note(later or b"")
    except ValueError:
        return text, lines
    for line in more if other == text else ():
        lines = [one for one in lines if one[:2] != line[:2]]
        if len(lines) >= SIGNATURES:
            break
        lines.append(line)
    return text, lines

class Trust:
    """What a trust file or a policy says: keys by (name, id), schedules by (name, "epochs"), and the quorum, or None."""

    def __init__(self, text):
        expect(len(text.encode()) <= LONGEST, "the trust file is longer than 64 KiB")
        self.keys, self.quorum, quorum, logs, count, name = {}, None, Quorum(), set(), 0, None
        for line in re.split("\r?\n", text):
            kind, *words = [word for word in re.split("[ \t]", line) if word] or ["#"]
            if kind.startswith("#"):
                continue
            expect(not re.search(r"[\x00-\x08\x0a-\x1f]", line), "the trust file holds what is not text")
            if kind in ("witness", "group", "quorum"):
                quorum.take(kind, *words)
                self.quorum = quorum
            elif kind == "epochs" and len(words) == 2:
                expect(name, "a schedule of epoch keys stands before the key that it is for")
                self.keys.setdefault((name, "epochs"), read_schedule(" ".join(words)))
            else:
                log = kind == "log" and 1 <= len(words) <= 2
                expect(log or not words, f"a line of the trust file begins with {kind}, and is none that is known")
                name, id, key = read_key(words[0] if log else kind, LOG)
                expect(not log or key not in logs, "two logs have one key")
                logs |= {key} if log else set()
                self.keys[name, id], count = key, count + 1
        expect(count <= MOST, "the trust file names too many keys")
        expect(not self.quorum or quorum.needed, "the policy has no quorum line")

    def under(self, policy):
        """The same keys under a policy; if that names logs, only those of them."""
        if policy.keys:
            self.keys = {of: key for of, key in self.keys.items() if of[1] == "epochs" or policy.keys.get(of) == key}
        self.quorum = policy.quorum
        expect(any(id != "epochs" for _, id in self.keys), "the policy names logs, and the key is of none of them")
        return self

    def unseen(self, text, lines):
        """What is wrong with a head that too few have seen; None if enough have, or nobody is asked for."""
        enough, _, missing = self.quorum.judge(text, lines) if self.quorum else (True, {}, [])
        return None if enough else f"not enough witnesses have signed the head; missing: {', '.join(missing)}"

def load_trust(path, policy=None):
    """What a trust file says under a policy, each in a file of its own; one of the two may be left out."""
    trust, policy = (Trust(Path(one).read_bytes().decode()) if one else None for one in (path, policy))
    expect(not policy or policy.quorum, "the policy has no quorum line")
    trust = trust.under(policy) if trust and policy else trust or policy
    expect(trust.keys, "the trust file names no key")
    return trust
