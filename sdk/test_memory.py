"""What many streams cost at once that say nothing, as the system counts it."""

import asyncio
import json
import resource

import pytest

from conftest import DEADLINE, HERE, Plant, Provider

STREAMS = 1000
MOST = 200 << 20
# Ours, the provider's and the gateway's two of each stream, and what else there is.
DESCRIPTORS = 2 * STREAMS + 200
CHAT = {"model": "silent", "stream": True, "messages": [{"role": "user", "content": "a text that stops in the middle"}]}


@pytest.fixture
def descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < DESCRIPTORS:
        pytest.skip(f"a process may have {before[1]} files open here, and {DESCRIPTORS} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], DESCRIPTORS), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def works(descriptors, tmp_path):
    text = (HERE / "plant.toml").read_text().replace('idle = "3s"', 'idle = "5m"')
    plant = Plant(tmp_path / "works", Provider(), text=text)
    plant.idle = plant.token("copilot")
    yield plant.start()
    plant.stop(9)


def resident(plant):
    with open(f"/proc/{plant.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


async def stream(plant, tls, turn):
    """A stream on a connection of its own, up to the first event of its answer."""
    body = json.dumps(CHAT).encode()
    async with turn:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(plant.port), ssl=tls, server_hostname="localhost")
        head = f"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {plant.idle}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE * 3)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        await asyncio.wait_for(reader.readuntil(b"data: "), DEADLINE * 3)
    return writer


def test_a_thousand_idle_streams_have_room_in_200_mib(works):
    async def main():
        tls, turn = works.tls(), asyncio.Semaphore(16)
        writers = await asyncio.gather(*(stream(works, tls, turn) for _ in range(STREAMS)))
        under_way, peak = metric(await fetch(works)), resident(works)
        for writer in writers:
            writer.transport.abort()
        return under_way, peak

    under_way, peak = asyncio.run(main())
    assert under_way == STREAMS
    assert peak < MOST, f"{peak >> 20} MiB"


async def fetch(plant):
    host, port = plant.operations.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")
    return (await reader.read()).decode()


def metric(text):
    (line,) = (line for line in text.splitlines() if line.startswith("penstock_exchanges_under_way "))
    return int(line.split()[1])
