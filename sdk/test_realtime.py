"""Sessions over WebSocket: the official SDK, and frames that it would not send, through a real gateway."""

import base64
import json
import os
import ssl
from datetime import UTC, datetime, timedelta

import openai
import pytest
import websockets
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from conftest import DEADLINE, wait_for

SECRET = "AKIAQ3EGRTYUJK5LZXCV kV9xT2mQ7pLz4RwB8nYc1JdF6hGsA3eUoI5tXrKb"


@pytest.fixture
def session(plant, token):
    """A session of the SDK, its first event read."""
    client = openai.OpenAI(base_url=f"{plant.base}/openai/v1", api_key=token, max_retries=0)
    context = plant.tls()
    # The client reads and writes one TLS connection from two threads, which OpenSSL does not allow: a ticket of TLS 1.3 that is read
    # while the request is written may lose it.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    options = {"ssl": context, "close_timeout": DEADLINE}
    with client.realtime.connect(model="gpt-realtime", websocket_connection_options=options) as session:
        assert session.recv().type == "session.created"
        yield session


@pytest.fixture
def raw(plant, token):
    def raw(path="/openai/v1/realtime?model=gpt-realtime", bearer=token, **more):
        host = plant.plain.removeprefix("http://")
        headers = {"Authorization": f"Bearer {bearer}"}
        return connect(f"ws://{host}{path}", additional_headers=headers, open_timeout=DEADLINE, **more)

    return raw


def say(session, text):
    content = [{"type": "input_text", "text": text}]
    session.conversation.item.create(item={"type": "message", "role": "user", "content": content})


def texts(session):
    """The two texts of an answer, as their deltas add up and as they are at the end."""
    joined, whole = {}, {}
    while (event := session.recv()).type != "response.done":
        if event.type.endswith(".delta"):
            joined[event.type.removesuffix(".delta")] = joined.get(event.type.removesuffix(".delta"), "") + event.delta
        elif event.type.endswith("text.done"):
            whole["response.output_text"] = event.text
        elif event.type.endswith("transcript.done"):
            whole["response.output_audio_transcript"] = event.transcript
    assert joined == whole
    return set(joined.values())


def record(plant, before):
    """The outcome that came after `before` of them."""
    return wait_for(lambda: sessions(plant)[before:], "the outcome of the session")[0]


def sessions(plant):
    return [one for one in plant.records("--kind", "outcome") if one["what"]["endpoint"] == "realtime"]


def test_what_is_said_leaves_with_tokens_and_comes_back_without(plant, provider, session):
    before = len(sessions(plant))
    say(session, "why does TIC-101 swing?")
    assert session.recv().type == "conversation.item.added"
    assert "TIC-101" not in provider.last()["body"] and "TAG_" in provider.last()["body"]
    assert provider.last()["headers"]["authorization"] == "Bearer sk-of-the-plant"
    session.response.create()
    assert texts(session) == {"why does TIC-101 swing?"}, "in both texts that came at once"
    say(session, "and FIC-202 beside TIC-101?")
    assert session.recv().type == "conversation.item.added"
    session.response.create()
    assert texts(session) == {"and FIC-202 beside TIC-101?"}
    session.close()
    outcome = record(plant, before)
    assert (outcome["out"]["status"], outcome["out"].get("reason")) == (101, None)
    found = {finding["label"]: finding["count"] for finding in outcome["what"]["findings"]}
    assert found["tag"] == 3, found
    assert outcome["io"]["input_tokens"] == 8 and outcome["io"]["output_tokens"] == 6
    intent = plant.record(outcome["ref"])
    assert intent["what"]["model"] == "gpt-realtime" and intent["t"] <= outcome["t"]
    own = [one for one in plant.records() if outcome["ref"] in (one["id"], one.get("ref"))]
    assert [one["kind"] for one in own] == ["intent", *["event"] * 4, "outcome"]
    assert [one["dec"]["verdict"] for one in own[1:-1]] == ["tokenise", "allow", "tokenise", "allow"]


def test_an_event_that_may_not_leave_is_answered_and_the_session_goes_on(plant, provider, session):
    before = len(sessions(plant))
    seen = len(provider.seen())
    for event in [
        {"type": "conversation.item.create", "event_id": "mine-1", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": SECRET}]}},
        {"type": "session.update", "event_id": "mine-1", "session": {"type": "realtime", "instructions": SECRET}},
        {"type": "session.update", "event_id": "mine-1", "session": {"type": "realtime", "tools": [{"type": "function", "name": "f", "description": SECRET}]}},
        {"type": "something.new", "event_id": "mine-1", "deep": {"unknown": [SECRET]}},
    ]:
        session.send(event)
        error = session.recv()
        assert (error.type, error.error.code, error.error.event_id) == ("error", "content-refused", "mine-1")
        assert SECRET[:20] not in error.to_json()
    assert len(provider.seen()) == seen
    say(session, "hello")
    assert session.recv().type == "conversation.item.added"
    session.close()
    found = {finding["label"]: finding["count"] for finding in record(plant, before)["what"]["findings"]}
    assert found["event.refused"] == 4, found


def test_sound_that_nobody_can_read_needs_a_conduit_that_says_so(provider, session):
    seen = len(provider.seen())
    session.input_audio_buffer.append(audio=base64.b64encode(os.urandom(4800)).decode())
    assert session.recv().error.code == "content-refused"
    assert len(provider.seen()) == seen


def test_what_is_no_event_is_answered_too(plant, provider, raw):
    seen = len(provider.seen())
    with raw() as wire:
        wire.recv(timeout=DEADLINE)
        for event, reason in [("{", "malformed"), ("[]", "malformed"), ("{}", "malformed"), (b"{}", "content-type"), ('{"type":"a","type":"b"}', "duplicate-key")]:
            wire.send(event)
            assert json.loads(wire.recv(timeout=DEADLINE))["error"]["code"] == reason, event
    assert len(provider.seen()) == seen


def test_fragments_are_joined_and_control_frames_stand_between(provider, raw):
    event = json.dumps({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
        "content": [{"type": "input_text", "text": "hello \u00e4 TIC-101"}]}}, ensure_ascii=False).encode()
    with raw() as wire:
        wire.recv(timeout=DEADLINE)
        cut = event.index(b"\xc3") + 1
        out = b""
        for place, (start, end) in enumerate([(0, 1), (1, cut), (cut, len(event) - 1), (len(event) - 1, len(event))]):
            opcode = Opcode.TEXT if place == 0 else Opcode.CONT
            out += Frame(opcode, event[start:end], fin=end == len(event)).serialize(mask=True)
            out += Frame(Opcode.PING, b"between").serialize(mask=True)
        wire.socket.sendall(out)
        assert json.loads(wire.recv(timeout=DEADLINE))["type"] == "conversation.item.added"
    assert "hello \u00e4 TAG_" in provider.last()["body"]


def test_nothing_is_compressed(raw):
    with raw(compression="deflate") as wire:
        assert not wire.protocol.extensions
        assert json.loads(wire.recv(timeout=DEADLINE))["type"] == "session.created"


def test_an_isolated_provider_ends_sessions_and_a_restored_one_takes_them_again(plant, session, raw):
    try:
        plant.penstock("isolate", "provider:openai", "--reason", "a drill")
        assert session.recv().error.code == "isolated"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            session.recv()
        assert closed.value.rcvd.code == 1008
    finally:
        plant.penstock("restore", "provider:openai", "--reason", "done")

    def again():
        try:
            return raw()
        except websockets.InvalidStatus:
            return None

    wait_for(again, "the provider").close()


def test_close_codes_are_kept(plant, session, raw):
    say(session, "close")
    session.recv()
    before = len(sessions(plant))
    session.response.create()
    with pytest.raises(websockets.ConnectionClosed) as closed:
        session.recv()
    assert closed.value.rcvd.code == 4001
    assert record(plant, before)["out"].get("reason") is None
    before = len(sessions(plant))
    wire = raw()
    wire.recv(timeout=DEADLINE)
    wire.close(code=4002)
    assert record(plant, before)["out"].get("reason") is None
    wire = raw()
    wire.recv(timeout=DEADLINE)
    wire.socket.close()
    wait_for(lambda: any(one["out"].get("reason") == "caller-left" for one in sessions(plant)), "the one that left")


def test_a_session_ends_with_the_token_of_its_caller(plant, raw):
    soon = (datetime.now(UTC) + timedelta(seconds=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = plant.token("copilot", "--expires", soon)
    before = len(sessions(plant))
    # Its pings keep the session from falling silent before its time is up.
    with raw(bearer=token, ping_interval=1) as wire:
        assert json.loads(wire.recv(timeout=DEADLINE))["type"] == "session.created"
        assert json.loads(wire.recv(timeout=DEADLINE))["error"]["code"] == "token-expired"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            wire.recv(timeout=DEADLINE)
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "token-expired")
    assert record(plant, before)["out"]["reason"] == "token-expired"


@pytest.mark.parametrize(
    "path, bearer, status",
    [
        ("/openai/v1/realtime?model=gpt-realtime", "psk_nobody_x", 401),
        ("/anthropic/v1/realtime?model=x", None, 400),
        ("/openai/v1/chat/completions", None, 400),
        (f"/openai/v1/realtime?model=gpt-realtime&note={SECRET.split()[0]}%20{SECRET.split()[1]}", None, 403),
    ],
)
def test_a_session_that_may_not_begin_is_refused_as_a_call_is(plant, provider, raw, token, path, bearer, status):
    seen, refused = len(provider.seen()), len(plant.records("--kind", "refuse"))
    with pytest.raises(websockets.InvalidStatus) as refusal:
        raw(path, bearer or token).close()
    assert refusal.value.response.status_code == status
    assert len(provider.seen()) == seen
    wait_for(lambda: len(plant.records("--kind", "refuse")) > refused, "a record")
