"""kill -9 under load: what was acknowledged is in the ledger, what was under way is closed as abandoned, all verifies."""

import json
import os
import signal
import threading

import httpx
import pytest

from conftest import Plant

ROUNDS = int(os.environ.get("PENSTOCK_KILL_ROUNDS", "5"))


def load(plant, token, stop, acknowledged):
    """Calls until the gateway dies; keeps the record of each answer that came whole."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with plant.client(headers=headers) as client:
            while not stop.is_set():
                answer = client.post(f"{plant.base}/openai/v1/chat/completions", json=body)
                if answer.status_code == 200:
                    acknowledged.append(answer.headers["penstock-record"])
    except httpx.HTTPError:
        pass


@pytest.fixture
def works(tmp_path, provider):
    return Plant(tmp_path / "works", provider)


def test_no_acknowledged_record_is_lost(works):
    token = works.token("copilot")
    acknowledged = []
    for _ in range(ROUNDS):
        works.start()
        stop = threading.Event()
        mine = [[] for _ in range(4)]
        callers = [threading.Thread(target=load, args=(works, token, stop, one)) for one in mine]
        for caller in callers:
            caller.start()
        while sum(len(one) for one in mine) < 20:
            assert works.process.poll() is None
            stop.wait(0.001)
        works.stop(signal.SIGKILL)
        stop.set()
        for caller in callers:
            caller.join()
        acknowledged += [id for one in mine for id in one]
    works.start()
    works.stop()

    records = works.records()
    intents = {record["id"]: record for record in records if record["kind"] == "intent"}
    closed = {record["ref"] for record in records if record["kind"] in ("outcome", "abandon")}
    assert set(acknowledged) <= set(intents), "an acknowledged record is lost"
    assert set(acknowledged) <= {record["ref"] for record in records if record["kind"] == "outcome"}
    assert set(intents) == closed, "an intent is left open"
    verified = works.penstock("verify", str(works.folder / "ledger"), "--json", plant=False)
    assert json.loads(verified.stdout)


def test_a_flipped_byte_is_found_and_named(works):
    token = works.token("copilot")
    works.start()
    load_one = threading.Event()
    acknowledged = []
    caller = threading.Thread(target=load, args=(works, token, load_one, acknowledged))
    caller.start()
    while len(acknowledged) < 30:
        load_one.wait(0.001)
    load_one.set()
    caller.join()
    works.stop()
    entries = next(path for path in sorted((works.folder / "ledger/tile/entries").rglob("*")) if path.is_file())
    bytes_ = bytearray(entries.read_bytes())
    place = bytes_.index(b'"status":200') + 9
    bytes_[place] ^= 1
    entries.write_bytes(bytes_)
    broken = works.penstock("verify", str(works.folder / "ledger"), plant=False, check=False)
    assert broken.returncode == 10, broken.stdout + broken.stderr
    assert "record" in broken.stdout
