"""Bytes that no SDK sends. Each gets a clear error and a record; nothing half-read is forwarded, nothing hangs."""

import gzip
import json
import socket
import zlib

import httpx
import pytest

from conftest import DEADLINE, wait_for

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def call(plant, token):
    def call(content, provider="openai", path="/v1/chat/completions", **headers):
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        with plant.client() as client:
            return client.post(f"{plant.base}/{provider}{path}", content=content, headers=headers)

    return call


@pytest.fixture
def raw(plant):
    """Sends bytes as they are over a plain connection and gives everything that comes back."""

    def raw(*pieces, half_close=False):
        host, port = plant.plain.removeprefix("http://").rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=DEADLINE) as wire:
            for piece in pieces:
                wire.sendall(piece)
            if half_close:
                wire.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while piece := wire.recv(65536):
                    got += piece
                    final = got.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
                    if b"\r\n\r\n" in final and b"content-length" in final.lower():
                        head, body = final.split(b"\r\n\r\n", 1)
                        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                        if len(body) >= length:
                            break
            except ConnectionResetError:
                pass
            return got

    return raw


def head(plant, token, *more, path="/openai/v1/chat/completions"):
    lines = [f"POST {path} HTTP/1.1", "Host: gate", f"Authorization: Bearer {token}", "Content-Type: application/json", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def refused(plant, provider, before, answer, status, reason):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, reason), answer.text
    assert plant.record(answer.headers["penstock-record"])["dec"]["reason"] == reason
    assert len(provider.seen()) == before


DEEP = b'{"model":"m","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b"null", "malformed"),
        (b'{"model":"m","messages":[]} x', "malformed"),
        (b'{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}', "malformed"),
        (b"\xef\xbb\xbf" + json.dumps(CHAT).encode(), "malformed"),
        (json.dumps(CHAT).encode("utf-16"), "malformed"),
        (b'{"model":"m","model":"n","messages":[]}', "duplicate-key"),
        (b'{"model":"m","messages":[],"m\\u0065ssages":[{"role":"user","content":"x"}]}', "duplicate-key"),
        (b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}', "malformed"),
        (b'{"model":"m","messages":[NaN]}', "malformed"),
        (DEEP, "too-deep"),
    ],
)
def test_a_body_that_is_not_sound_json(plant, provider, call, content, reason):
    before = len(provider.seen())
    refused(plant, provider, before, call(content), 400, reason)


def test_a_wrong_content_type(plant, provider, call):
    before = len(provider.seen())
    refused(plant, provider, before, call(json.dumps(CHAT), content_type="text/plain"), 415, "content-type")
    refused(plant, provider, before, call("a=b", content_type="application/x-www-form-urlencoded"), 415, "content-type")


def test_a_body_over_the_limit(plant, provider, call):
    before = len(provider.seen())
    refused(plant, provider, before, call(b" " * (25 << 20)), 413, "body-too-large")


@pytest.mark.parametrize(
    "encoding, encode", [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", lambda body: zlib.compress(body)[2:-4])]
)
def test_an_encoded_body_is_decoded_and_read(plant, provider, call, encoding, encode):
    assert call(encode(json.dumps(CHAT).encode()), content_encoding=encoding).status_code == 200
    assert json.loads(provider.last()["body"]) == CHAT
    assert "content-encoding" not in provider.last()["headers"]
    secret = dict(CHAT, messages=[{"role": "user", "content": "AKIAQ3EGRTYUJK5LZXCV kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb"}])
    before = len(provider.seen())
    answer = call(encode(json.dumps(secret).encode()), content_encoding=encoding)
    refused(plant, provider, before, answer, 403, "content-refused")


def test_a_bomb_goes_nowhere(plant, provider, call):
    before = len(provider.seen())
    bomb = gzip.compress(b" " * (200 << 20))
    refused(plant, provider, before, call(bomb, content_encoding="gzip"), 413, "body-too-large")


def test_an_encoding_that_lies_or_is_stacked(plant, provider, call):
    before = len(provider.seen())
    body = json.dumps(CHAT).encode()
    refused(plant, provider, before, call(body, content_encoding="gzip"), 415, "content-encoding")
    refused(plant, provider, before, call(gzip.compress(gzip.compress(body)), content_encoding="gzip, gzip"), 415, "content-encoding")
    refused(plant, provider, before, call(body, content_encoding="rot13"), 415, "content-encoding")


def test_a_secret_behind_escapes_is_found(plant, provider, call):
    before = len(provider.seen())
    body = json.dumps(dict(CHAT, messages=[{"role": "user", "content": "AKIAQ3EGRTYUJK5LZXCV kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb"}]))
    escaped = body.replace("AKIA", "\\u0041K\\u0049A")
    refused(plant, provider, before, call(escaped), 403, "content-refused")


def test_unknown_fields_are_read_too(plant, provider, call):
    before = len(provider.seen())
    body = dict(CHAT, new_feature={"deep": ["AKIAQ3EGRTYUJK5LZXCV kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb"]})
    refused(plant, provider, before, call(json.dumps(body)), 403, "content-refused")


def test_a_query_is_read_too(plant, provider, token):
    before = len(provider.seen())
    with plant.client(headers={"authorization": f"Bearer {token}"}) as client:
        answer = client.get(f"{plant.base}/openai/v1/models", params={"note": "password=Xk29dLq8vTz1Rw7p"})
    refused(plant, provider, before, answer, 403, "content-refused")


@pytest.mark.parametrize("path", ["/v1/../admin", "/v1/%2e%2e/admin", "//v1/chat/completions", "/v1/chat%2fcompletions", "/v1/secret"])
def test_unknown_and_tricky_paths_are_closed(plant, provider, raw, token, path):
    before = len(provider.seen())
    body = json.dumps(CHAT).encode()
    got = raw(head(plant, token, f"Content-Length: {len(body)}", path=f"/openai{path}") + body)
    assert b"403" in got.split(b"\r\n")[0] and b"unknown-endpoint" in got
    assert len(provider.seen()) == before


def test_a_chunked_body_with_trailers(provider, raw, plant, token):
    body = json.dumps(CHAT).encode()
    chunks = b"%x\r\n%s\r\n0\r\nX-Smuggled: AKIAQ3EGRTYUJK5LZXCV\r\n\r\n" % (len(body), body)
    got = raw(head(plant, token, "Transfer-Encoding: chunked", "Trailer: X-Smuggled"), chunks)
    assert b"200 OK" in got
    assert "x-smuggled" not in provider.last()["headers"]


def test_no_hundred_continue_before_authorisation(raw, plant, token):
    body = json.dumps(CHAT).encode()
    stranger = raw(head(plant, "psk_nobody_x", "Expect: 100-continue", f"Content-Length: {len(body)}"))
    assert stranger.startswith(b"HTTP/1.1 401")
    known = raw(head(plant, token, "Expect: 100-continue", f"Content-Length: {len(body)}"), body)
    assert known.startswith(b"HTTP/1.1 100")


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: +5"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Content-Length: 5", " folded"],
        ["Bad Header: x"],
        ["Upgrade: websocket", "Connection: upgrade", "Content-Length: 0"],
    ],
)
def test_smuggling_shapes_are_refused(plant, provider, raw, token, lines):
    before, records = len(provider.seen()), len(plant.records("--kind", "refuse"))
    smuggled = b"0\r\n\r\nGET /openai/v1/models HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode()
    got = raw(head(plant, token, *lines), smuggled)
    assert got.startswith(b"HTTP/1.1 4") or got == b""
    assert len(provider.seen()) == before
    wait_for(lambda: len(plant.records("--kind", "refuse")) > records, "a record of the refusal")


@pytest.mark.parametrize("lines", [["Transfer-Encoding: chunked", "Content-Length: 5"], ["Content-Length: 5", "Transfer-Encoding: chunked"]])
def test_of_two_framings_the_encoding_holds_and_nothing_follows(plant, provider, raw, token, lines):
    """RFC 9112 section 6.3: the length is ignored, and the connection ends with the answer."""
    before, body = len(provider.seen()), json.dumps(CHAT).encode()
    smuggled = b"GET /openai/v1/models HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer %s\r\n\r\n" % token.encode()
    got = raw(head(plant, token, *lines), b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + smuggled)
    assert got.startswith(b"HTTP/1.1 200") and got.count(b"HTTP/1.1") == 1 and b"connection: close" in got.lower()
    assert len(provider.seen()) == before + 1


def test_garbage_is_recorded(plant, raw):
    records = len(plant.records("--reason", "bad-request"))
    raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    wait_for(lambda: len(plant.records("--reason", "bad-request")) > records, "a record of the refusal")


def test_a_caller_that_leaves_while_uploading_is_recorded(plant, token):
    records = len(plant.records("--kind", "refuse", "--reason", "caller-left"))
    host, port = plant.plain.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(head(plant, token, "Content-Length: 1000") + b'{"model":')
    look = lambda: len(plant.records("--kind", "refuse")) > records
    wait_for(look, "a record of the caller that left")


def test_a_head_over_the_limit(raw, plant, token):
    got = raw(head(plant, token, "X-Long: " + "a" * 100_000))
    assert got == b"" or got.split(b" ")[1] in (b"400", b"431")


def test_http2_works_like_http1(plant, provider, token):
    import subprocess

    done = subprocess.run(
        ["curl", "-sS", "--http2", "--cacert", plant.authority, "-H", f"Authorization: Bearer {token}",
         "-H", "Content-Type: application/json", "-d", json.dumps(CHAT), "-w", "\n%{http_version} %{http_code}",
         f"{plant.base}/openai/v1/chat/completions"],
        capture_output=True, text=True, timeout=DEADLINE,
    )
    assert done.stdout.endswith("2 200"), done.stdout + done.stderr


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_head_is_answered_without_a_body(plant, token, version):
    import subprocess

    done = subprocess.run(
        ["curl", "-sS", version, "--head", "--cacert", plant.authority, "-H", f"Authorization: Bearer {token}", f"{plant.base}/openai/v1/models"],
        capture_output=True, text=True, timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    head = {name.lower(): value for name, _, value in (line.partition(": ") for line in done.stdout.splitlines())}
    assert head["penstock-decision"] == "refuse; reason=unknown-endpoint" and int(head["content-length"]) > 0


def test_nothing_hangs_and_nothing_panicked(plant):
    log = (plant.folder / "log").read_text()
    assert "panicked" not in log
    assert httpx.get(f"{plant.operations}/healthz").text == "alive\n"
    assert httpx.get(f"{plant.operations}/readyz").text == "ready\n"


def test_nothing_of_content_is_in_log_or_metrics(plant, call):
    call(json.dumps(dict(CHAT, messages=[{"role": "user", "content": "xyzzy-unspeakable TIC-101"}])))
    metrics = httpx.get(f"{plant.operations}/metrics").text
    log = (plant.folder / "log").read_text()
    assert "penstock_exchanges_total" in metrics and "penstock_ledger_records" in metrics
    for secret in ("unspeakable", "TIC-101", "sk-of-the-plant", "psk_"):
        assert secret not in metrics and secret not in log
