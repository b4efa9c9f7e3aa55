"""HTTP/2 as attackers speak it, frame by frame, and providers that do not wait: nothing hangs, nothing panics, each exchange has its one
record, and whoever else calls does not notice."""

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import threading
from collections import Counter

import httpx
import pytest

from conftest import DEADLINE, Plant, wait_for

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


def frame(kind, flags=0, stream=0, payload=b""):
    """RFC 9113 section 4.1."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def number(value, prefix):
    """RFC 7541 section 5.1."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([value])
    out, value = bytes([most]), value - most
    while value >= 128:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def field(name, value):
    """A header as it stands, not indexed (RFC 7541 section 6.2.2)."""
    text = lambda text: number(len(text), 7) + text.encode()
    return b"\0" + text(name) + text(value)


def head(token, length=None):
    fields = {":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": "/openai/v1/chat/completions",
              "authorization": f"Bearer {token}", "content-type": "application/json"}
    return b"".join(field(name, value) for name, value in fields.items())


class Wire:
    """A connection that has said its preface."""

    def __init__(self, plant):
        context = plant.tls()
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(("127.0.0.1", int(plant.port)), timeout=DEADLINE)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS))
        self.rest = b""

    def send(self, bytes, most=3):
        """Sends as much as the other side takes in `most` seconds; whether it took all."""
        self.socket.settimeout(most)
        try:
            self.socket.sendall(bytes)
            return True
        except (OSError, ssl.SSLError):
            return False

    def frames(self, until=lambda kind, flags, stream, payload: False):
        """What comes, up to what `until` says or the end."""
        self.socket.settimeout(DEADLINE)
        while True:
            while len(self.rest) >= 9 and len(self.rest) >= 9 + int.from_bytes(self.rest[:3]):
                length = int.from_bytes(self.rest[:3])
                kind, flags, stream = struct.unpack(">BBI", self.rest[3:9])
                payload, self.rest = self.rest[9 : 9 + length], self.rest[9 + length :]
                yield kind, flags, stream, payload
                if until(kind, flags, stream, payload):
                    return
            try:
                more = self.socket.recv(1 << 16)
            except (ConnectionResetError, ssl.SSLError):
                more = b""
            if not more:
                return
            self.rest += more

    def ended(self):
        """Whether the other side ends the connection, and with which error it says so, if it says one."""
        goodbyes = [payload for kind, _, _, payload in self.frames() if kind == GOAWAY]
        return int.from_bytes(goodbyes[-1][4:8]) if goodbyes else None


@pytest.fixture
def wire(plant):
    wires = []

    def wire():
        wires.append(Wire(plant))
        return wires[-1]

    yield wire
    for one in wires:
        one.socket.close()


@pytest.fixture(autouse=True)
def nobody_else_notices(plant, token):
    yield
    with plant.client(headers={"authorization": f"Bearer {token}"}) as client:
        assert client.post(f"{plant.base}/openai/v1/chat/completions", json=CHAT).status_code == 200
    metric = lambda name: next(
        int(line.split()[-1]) for line in httpx.get(f"{plant.operations}/metrics").text.splitlines() if line.startswith(name + " ")
    )
    wait_for(lambda: metric("penstock_exchanges_under_way") == 0, "the end of all exchanges")
    assert "panicked" not in (plant.folder / "log").read_text()
    records = plant.records()
    ends = Counter(record.get("ref") or record["id"] for record in records if record["kind"] in ("outcome", "refuse", "abandon"))
    assert set(ends.values()) == {1}, "no exchange has two ends"
    assert all(record["id"] in ends for record in records if record["kind"] == "intent"), "and none has none"


def test_streams_that_are_reset_as_soon_as_they_begin(plant, provider, wire, token):
    """CVE-2023-44487."""
    before, one = len(provider.seen()), wire()
    block = head(token)
    flood = b"".join(
        frame(HEADERS, END_HEADERS, stream, block) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08") for stream in range(1, 6001, 2)
    )
    one.send(flood)
    assert one.ended() == 11, "ENHANCE_YOUR_CALM"
    assert len(provider.seen()) == before


def test_a_head_that_never_ends(plant, provider, wire, token):
    """CONTINUATION frames without END_HEADERS (VU#421644)."""
    before, one = len(provider.seen()), wire()
    one.send(frame(HEADERS, 0, 1, head(token)))
    more = field("x", "y" * 16_000)
    took = all(one.send(frame(CONTINUATION, 0, 1, more)) for _ in range(2_000))
    assert not took or one.ended() is not None, "it is ended long before 32 MB"
    assert len(provider.seen()) == before


def test_a_few_bytes_that_unfold_to_many_headers(plant, provider, wire, token):
    """One large entry in the dynamic table, and thousands of references to it."""
    before, one = len(provider.seen()), wire()
    large = b"\x40" + number(1, 7) + b"x" + number(4000, 7) + b"y" * 4000
    bomb = head(token) + large + b"\xbe" * 10_000
    one.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb[:16_000]))
    answer = list(one.frames(until=lambda kind, flags, stream, payload: kind in (RST_STREAM, GOAWAY) or stream == 1))
    kind, _, _, payload = answer[-1]
    # 431 is `:status` as a literal, or a stream or a connection that ends.
    assert kind in (RST_STREAM, GOAWAY) or b"431" in payload or kind == HEADERS, answer[-1]
    assert len(provider.seen()) == before


@pytest.mark.parametrize("kind, payload", [(SETTINGS, b""), (PING, b"\0" * 8), (SETTINGS, b"\0\x04\0\0\xff\xff" * 100)])
def test_frames_that_each_want_an_answer_which_nobody_reads(plant, wire, kind, payload):
    resident = lambda: int(next(line.split()[1] for line in open(f"/proc/{plant.process.pid}/status") if line.startswith("VmRSS")))
    before, one = resident(), wire()
    for _ in range(100):
        if not one.send(frame(kind, 0, 0, payload) * 2_000, most=1):
            break
    assert resident() - before < 32 << 10, "what it owes is bounded"


@pytest.mark.parametrize(
    "frames, errors",
    [
        (frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, [3]),
        (frame(DATA, 0, 1, b"x"), [1]),
        (frame(SETTINGS, 0, 0, b"\0\x04\xff\xff\xff\xff"), [1, 3]),
        (frame(HEADERS, END_HEADERS, 2, b"\x82"), [1]),
        (frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"), [1, 9]),
        (frame(CONTINUATION, END_HEADERS, 1, b""), [1]),
        (b"\xff\xff\xff\0\0\0\0\0\x01" + b"x" * 70_000, [6]),
    ],
)
def test_frames_that_break_the_protocol_end_the_connection(provider, wire, frames, errors):
    before, one = len(provider.seen()), wire()
    one.send(frames)
    assert one.ended() in errors
    assert len(provider.seen()) == before


def test_more_than_the_window_takes_is_not_forwarded(provider, wire, token):
    before, one = len(provider.seen()), wire()
    one.send(frame(HEADERS, END_HEADERS, 1, head(token)))
    one.send(frame(DATA, 0, 1, b" " * 16_000) * 200)
    stop = lambda kind, flags, stream, payload: kind in (RST_STREAM, GOAWAY)
    assert any(kind in (RST_STREAM, GOAWAY) for kind, *_ in one.frames(until=stop))
    assert len(provider.seen()) == before


@pytest.mark.parametrize("model, reached", [("silent", True), ("hang", True)])
def test_a_caller_that_resets_its_stream_leaves_the_provider_too(plant, provider, wire, token, model, reached):
    left = lambda: [one for one in plant.records("--kind", "outcome") if one["out"].get("reason") == "caller-left"]
    before, seen, one = len(left()), len(provider.seen()), wire()
    body = json.dumps(dict(CHAT, model=model, stream=True)).encode()
    one.send(frame(HEADERS, END_HEADERS, 1, head(token)) + frame(DATA, END_STREAM, 1, body))
    wait_for(lambda: len(provider.seen()) > seen, "the call")
    if model == "silent":
        next(kind for kind, *_ in one.frames() if kind == DATA)
    one.send(frame(RST_STREAM, 0, 1, b"\0\0\0\x08"))
    wait_for(lambda: len(left()) > before, "the outcome")


BROTLI = "let b=[];process.stdin.on('data',d=>b.push(d)).on('end',()=>process.stdout.write(require('zlib').brotliCompressSync(Buffer.concat(b))))"


def brotli(body):
    return subprocess.run(["node", "-e", BROTLI], input=body, capture_output=True, check=True).stdout


def zstandard(body):
    """A frame with a window of 8 MiB (RFC 8878 section 3.1.1), its blocks raw, or one byte many times where they can be."""
    out = b"\x28\xb5\x2f\xfd\x00" + bytes([13 << 3])
    blocks = [body[at : at + (1 << 17)] for at in range(0, len(body), 1 << 17)]
    for place, block in enumerate(blocks):
        same = block == block[:1] * len(block)
        header = (place == len(blocks) - 1) | same << 1 | len(block) << 3
        out += header.to_bytes(3, "little") + (block[:1] if same else block)
    return out


@pytest.mark.parametrize("encoding, encode", [("br", brotli), ("zstd", zstandard)])
def test_brotli_and_zstandard_are_undone_and_bounded(plant, provider, token, encoding, encode):
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "content-encoding": encoding}
    with plant.client(headers=headers) as client:
        post = lambda body: client.post(f"{plant.base}/openai/v1/chat/completions", content=body)
        whole = encode(json.dumps(CHAT).encode())
        assert post(whole).status_code == 200 and json.loads(provider.last()["body"]) == CHAT
        seen = len(provider.seen())
        bomb = encode(b" " * (64 << 20))
        assert len(bomb) < 16_384
        for body, reason in [(bomb, "body-too-large"), (whole[:-4], "content-encoding"), (b"{}", "content-encoding")]:
            assert post(body).json()["error"]["code"] == reason
        stacked = client.post(f"{plant.base}/openai/v1/chat/completions", content=whole, headers={"content-encoding": f"gzip, {encoding}"})
        assert stacked.json()["error"]["code"] == "content-encoding"
        assert len(provider.seen()) == seen


class Hasty:
    """A provider that answers when it has read `after` bytes of a request, and no more."""

    def __init__(self, after, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self.listener.getsockname()
        threading.Thread(target=self.serve, args=(after, answer), daemon=True).start()

    def serve(self, after, answer):
        while True:
            try:
                wire, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(wire, after, answer), daemon=True).start()

    def answer(self, wire, after, answer):
        read = 0
        while read < after and (piece := wire.recv(min(65_536, after - read))):
            read += len(piece)
        wire.sendall(answer)
        with contextlib.suppress(OSError):  # The gateway has all of it, and may be gone.
            wire.shutdown(socket.SHUT_WR)
        # Not closed yet: a reset would take the answer away that is on its way.
        threading.Timer(1, wire.close).start()


@pytest.mark.parametrize("size", [1_000, 256 << 10])
@pytest.mark.parametrize("after", [0, 200])
def test_a_provider_that_answers_before_it_has_read(tmp_path, after, size):
    body = b'{"error":{"message":"too large for us"}}'
    answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
    hasty = Hasty(after, answer)
    plant = Plant(tmp_path / "works", hasty).start()
    try:
        call = dict(CHAT, messages=[{"role": "user", "content": "a " * (size // 2)}])
        with plant.client(headers={"authorization": f"Bearer {plant.token('copilot')}"}) as client:
            answer = client.post(f"{plant.base}/openai/v1/chat/completions", json=call)
        if answer.status_code == 413:
            assert answer.json() == json.loads(body)
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider-broken")
        intent = answer.headers["penstock-record"]
        assert plant.outcome(intent)["out"]["status"] == answer.status_code
        assert sum(record["id"] == intent or record.get("ref") == intent for record in plant.records()) == 2
    finally:
        plant.stop()
        hasty.listener.close()
