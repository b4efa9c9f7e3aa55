"""The proof that the console's page makes, held against trees, keys and heads of our own (RFC 6962, RFC 9162, C2SP signed-note)."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_console_pages import CONSOLE, people, signed_in  # noqa: F401

from conftest import HERE, Plant

PROVE = """async ([text, seq, proof, own]) => {
  const { prove } = await import(document.querySelector("script[type=module]").src.replace("app.js", "proof.js"));
  try { const done = await prove(text, seq, proof, own); return { root: done.head.root, leaf: done.leaf, own: done.own }; }
  catch (broken) { return { step: broken.step ?? String(broken) }; }
}"""


def b64(data):
    return base64.b64encode(data).decode()


def sha(data):
    return hashlib.sha256(data).digest()


def split(size):
    return 1 << ((size - 1).bit_length() - 1)


def root(leaves):
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    k = split(len(leaves))
    return sha(b"\1" + root(leaves[:k]) + root(leaves[k:]))


def path(index, leaves):
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


class Ledger:
    """A key with its name, and what it signs."""

    def __init__(self, name="works/gate-1"):
        self.name, self.secret = name, Ed25519PrivateKey.generate()
        raw = b"\x01" + self.secret.public_key().public_bytes_raw()
        self.id = sha(f"{name}\n".encode() + raw)[:4]
        self.key = f"{name}+{self.id.hex()}+{b64(raw)}"

    def head(self, size, top, origin=None):
        text = f"{origin or self.name}\n{size}\n{b64(top)}\n"
        return f"{text}\n\u2014 {self.name} {b64(self.id + self.secret.sign(text.encode()))}\n"

    def proof(self, index, lines):
        leaves = [line.encode() for line in lines]
        way = [b64(one) for one in path(index, leaves)]
        return {"seq": index, "path": way, "checkpoint": self.head(len(leaves), root(leaves)), "key": self.key}


def lines(size):
    return [f'{{"kind":"intent","seq":{seq}}}' for seq in range(size)]


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    text = (HERE / "plant.toml").read_text() + CONSOLE
    plant = Plant(tmp_path_factory.mktemp("proof") / "works", provider, text=text).start()
    yield plant
    plant.stop()


@pytest.fixture
def prove(works, people):  # noqa: F811
    page = signed_in(people, works, "vera", "viewer")
    return lambda text, seq, proof, own="": page.evaluate(PROVE, [text, seq, proof, own])


def test_every_leaf_of_small_trees_is_proved_and_no_other_in_its_place(prove):
    ledger = Ledger()
    for size in [1, 2, 3, 4, 5, 7, 8, 9]:
        all = lines(size)
        for index in range(size):
            done = prove(all[index], index, ledger.proof(index, all), ledger.key)
            assert done == {"root": root([one.encode() for one in all]).hex(), "leaf": sha(b"\0" + all[index].encode()).hex(), "own": True}
            assert "step" in prove(all[index] + " ", index, ledger.proof(index, all), ledger.key), "a byte more"
            if size > 1:
                other = (index + 1) % size
                # A path of another leaf, with its number and with ours.
                assert "step" in prove(all[index], index, ledger.proof(other, all), ledger.key)
                assert "step" in prove(all[index], index, ledger.proof(other, all) | {"seq": index}, ledger.key)
        assert prove(all[0], size, ledger.proof(0, all) | {"seq": size}, ledger.key)["step"] == "path"


def test_an_inner_node_is_no_record(prove):
    ledger = Ledger()
    all = [one.encode() for one in lines(4)]
    node = (sha(b"\0" + all[0]) + sha(b"\0" + all[1])).decode("latin-1")
    proof = {"seq": 0, "path": [b64(root(all[2:]))], "checkpoint": ledger.head(2, root(all)), "key": ledger.key}
    assert prove(node, 0, proof, ledger.key)["step"] == "record"


def test_another_key_name_or_ledger_proves_nothing(prove):
    ledger, other = Ledger(), Ledger()
    [text] = all = lines(1)
    proof = ledger.proof(0, all)
    top = root([text.encode()])
    assert prove(text, 0, proof, other.key)["step"] == "signature", "another key of the same name"
    forged = proof["checkpoint"].replace(b64(ledger.id + b"")[:5], b64(other.id + b"")[:5])
    assert prove(text, 0, proof | {"checkpoint": forged}, other.key)["step"] == "signature", "with its number too"
    assert prove(text, 0, proof | {"checkpoint": ledger.head(1, top, "works/gate-2")}, ledger.key)["step"] == "head"
    assert prove(text, 0, proof, ledger.key.replace("gate-1", "gate-2"))["step"] == "key"
    assert prove(text, 0, proof | {"checkpoint": ledger.head(1, top).split("\n\n")[0] + "\n\n"}, ledger.key)["step"] == "head"
    for size in ["0", "01", "-1", "1e0", "9007199254740993", "99999999999999999999"]:
        assert prove(text, 0, proof | {"checkpoint": ledger.head(size, top)}, ledger.key)["step"] == "head", size
    assert prove(text, 0, proof | {"path": [b64(top)] * 64}, ledger.key)["step"] == "path"
    assert prove(text, 0, proof | {"path": [b64(top)[:-4]]}, ledger.key)["step"] == "path"


def test_a_large_tree_is_climbed_where_numbers_of_32_bits_end(prove):
    ledger = Ledger()
    size = (1 << 53) - 1
    seq = size - 1
    text = json.dumps({"seq": seq}, separators=(",", ":"))
    # The last leaf of a tree of 2^53 - 1: it has a sibling on the left for each bit of its number.
    way, top = [], sha(b"\0" + text.encode())
    for bit in range(53):
        if seq >> bit & 1:
            way.append(sha(bytes([bit])))
            top = sha(b"\1" + way[-1] + top)
    proof = {"seq": seq, "path": [b64(one) for one in way], "checkpoint": ledger.head(size, top), "key": ledger.key}
    assert prove(text, seq, proof, ledger.key).get("root") == top.hex()


def test_what_can_be_read_in_two_ways_is_not_proved(prove):
    ledger = Ledger()
    for text in [
        '{"dec":{"verdict":"refuse"},"dec":{"verdict":"allow"},"seq":0}',
        '{"n":9007199254740993,"seq":0}',
        '{"seq":0, "v":1}',
        '{"seq":0,"v":1.0}',
        '{"a":"\\u0041","seq":0}',
    ]:
        assert prove(text, 0, ledger.proof(0, [text]), ledger.key) == {"step": "form"}, text
    harmless = '{"__proto__":{"seq":7},"seq":0}'
    assert prove(harmless, 0, ledger.proof(0, [harmless]), ledger.key)["own"]
    assert prove('{"__proto__":{"seq":0}}', 0, ledger.proof(0, ['{"__proto__":{"seq":0}}']), ledger.key) == {"step": "place"}
