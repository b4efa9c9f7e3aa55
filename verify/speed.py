"""Measures verify.py on a ledger like a gateway's: `python3 verify/speed.py [RECORDS]`. A part of no pack."""
import base64
import sys
import tempfile
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from records import READ, WRITE
from signatures import key_id, sha256
from verify import Ledger, Tree
from witnesses import load_trust

ORIGIN = "brewery/gate-1/01010101010101010101010101010101"
BEGAN = 1_763_674_500_000
WHO = {"operator": {"by": "oidc", "id": "op-7k2m5qhd3zxw4a6t"}, "peer": "10.20.3.17", "workload": {"by": "token", "id": "mes-copilot"}}
WHERE = {"conduit": "copilot-cloud", "plant": "brewery", "purpose": "maintenance", "zone": "filling"}
WHAT = {"dialect": "openai", "endpoint": "chat.completions", "findings": [{"count": 2, "label": "tag"}], "model": "gpt-4o",
        "provider": "openai", "sensitivity": "internal"}
REQUEST = {"dec": {"policy": "5e" * 32, "rules": ["isa-tag"], "verdict": "tokenise"}, "what": WHAT,
           "io": {"request": "c0" * 32, "request_bytes": 1024, "sent": "c1" * 32}}
ANSWER = {"io": {"answer": "c2" * 32, "answer_bytes": 2048, "input_tokens": 300, "output_tokens": 200},
          "out": {"began": BEGAN, "first_byte_us": 400_000, "model": "gpt-4o-2024-08-06", "provider_id": "chatcmpl-BzT3xq", "status": 200, "us": 812_000}}


def identity(t, number):
    return str(uuid.UUID(int=t << 80 | 7 << 76 | 2 << 62 | number))


def body(seq, t):
    """Calls, each an intent and an outcome."""
    if seq < 2:
        return [{"kind": "genesis", "note": {"origin": ORIGIN}}, {"kind": "boot"}][seq]
    if seq % 2 == 0:
        return {"kind": "intent", "who": WHO, "where": WHERE, **REQUEST}
    return {"kind": "outcome", "ref": identity(t - 7, seq - 1), "who": WHO, "where": WHERE, **ANSWER}


def lines(count):
    prev = "0" * 64
    for seq in range(count):
        t = BEGAN + 7 * seq
        clock = {"bound": 10, "source": "system"}
        line = WRITE({"v": 1, "seq": seq, "prev": prev, "t": t, "mono": 7 * seq, "boot": 1, "clk": clock, "id": identity(t, seq), **body(seq, t)})
        prev = sha256(b"\0", line.encode()).hex()
        yield line.encode()


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write(folder, count):
    """A ledger of so many records, its trust beside it."""
    records = list(lines(count))
    leaves = [sha256(b"\0", line) for line in records]
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    id, encoded = key_id(ORIGIN, public), base64.b64encode(b"\1" + public).decode()
    put(folder / "trust", f"{ORIGIN}+{id.hex()}+{encoded}\n".encode())
    places = Ledger(folder, load_trust(folder / "trust"))
    places.size = count
    for bundle in range(0, count, 256):
        entries = b"".join(len(line).to_bytes(2, "big") + line for line in records[bundle:bundle + 256])
        put(folder / places.path("entries", bundle // 256)[0], entries)
    row, hashes = 0, leaves
    while hashes:
        for tile in range(0, len(hashes), 256):
            put(folder / places.path(row, tile // 256)[0], b"".join(hashes[tile:tile + 256]))
        hashes = [Tree(hashes[at:at + 256]).root() for at in range(0, len(hashes) // 256 * 256, 256)]
        row += 1
    text = f"{ORIGIN}\n{count}\n{base64.b64encode(Tree(leaves).root()).decode()}\n"
    signature = base64.b64encode(id + key.sign(text.encode())).decode()
    put(folder / "checkpoint", f"{text}\n\u2014 {ORIGIN} {signature}\n".encode())
    return records


def spent(act):
    began = time.process_time()
    act()
    return time.process_time() - began


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as home:
        records = write(Path(home), count)
        ledger = Ledger(home, load_trust(Path(home, "trust")))
        verified = spent(ledger.verify)
        assert not ledger.problems and ledger.counts["records"] == count, ledger.problems
    # The limit that it is held against: what Python's own JSON takes to read the same lines, which proves nothing.
    read = spent(lambda: [READ(line.decode()) for line in records])
    size = sum(map(len, records)) // count
    print(f"Python {sys.version.split()[0]}, {count} records of {size} bytes, by the processor's time")
    print(f"verified: {count / verified:,.0f} records/s; only read as JSON: {count / read:,.0f} records/s")


if __name__ == "__main__":
    main()
