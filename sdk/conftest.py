"""A real plant for the SDK tests: `penstock init`, a scripted provider, and `penstock run` as processes of their own."""

import json
import os
import pathlib
import select
import shutil
import signal
import ssl
import struct
import subprocess
import time
import zlib

import httpx
import pytest

HERE = pathlib.Path(__file__).parent
BINARIES = HERE.parent / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
DEADLINE = 20


def wait_for(look, what):
    """Polls until `look` gives something."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(f"waited {DEADLINE} s for {what}")


def first_line(process):
    """What a process says first, which has as long as everything else here."""
    if not select.select([process.stdout], [], [], DEADLINE)[0]:
        process.kill()
        raise TimeoutError(f"waited {DEADLINE} s for the first line of {process.args}")
    return process.stdout.readline().strip()


def png():
    """A small real picture."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([x * 8 % 256, y * 8 % 256, 128]) * 1 for y in range(32) for x in range(1))
    head = struct.pack(">IIBBBBB", 1, 32, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Child:
    """A process that serves: it says its address first, and its standard input is the leash."""

    def __init__(self, command, **more):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)
        self.address = first_line(self.process)

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)


class Provider(Child):
    """The scripted provider."""

    def __init__(self, within=()):
        super().__init__([*within, BINARIES / "scripted-provider"])

    def seen(self):
        return httpx.get(f"http://{self.address}/_seen").json()

    def last(self):
        return self.seen()[-1]


class Plant:
    """A plant's folder and its gateway."""

    # What the gateway is started with, such as another network.
    within = ()

    def __init__(self, folder, provider, issuer="https://id.works.example", keys="operators.json", text=None):
        self.folder = folder
        self.provider = provider
        self.environment = os.environ | {"OPENAI_CREDENTIAL": "sk-of-the-plant", "ANTHROPIC_CREDENTIAL": "ak-of-the-plant"}
        self.penstock("init", str(folder), plant=False)
        if keys == "operators.json":
            (folder / keys).write_text('{"keys": []}')
        text = text or (HERE / "plant.toml").read_text()
        for name, value in {"PROVIDER": provider.address, "ISSUER": issuer, "KEYS": keys}.items():
            text = text.replace(name, value)
        (folder / "plant.toml").write_text(text)
        self.process = None

    def penstock(self, *arguments, plant=True, check=True):
        command = [BINARIES / "penstock", *(["--plant", str(self.folder)] if plant else []), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def token(self, workload, *more):
        """A workload token that the gateway, if it runs, has taken notice of."""
        token = self.penstock("token", "issue", "--workload", workload, *more).stdout.strip()
        if self.process and self.process.poll() is None:
            with self.client(headers={"Authorization": f"Bearer {token}"}) as client:
                wait_for(lambda: "token-unknown" not in client.get(f"{self.base}/openai/v1/models").text, "the token")
        return token

    def start(self):
        addresses = self.folder / "addresses"
        addresses.unlink(missing_ok=True)
        self.log = open(self.folder / "log", "a")
        self.process = subprocess.Popen(
            [*self.within, BINARIES / "penstock", "--plant", str(self.folder), "run", "--log", "json", "--addresses", str(addresses)],
            env=self.environment,
            stderr=self.log,
        )

        def up():
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            return addresses.exists()

        wait_for(up, "the gateway to listen")
        secure, plain, operations, *self.more = addresses.read_text().split()
        self.port = secure.rsplit(":", 1)[1]
        self.base = f"https://localhost:{self.port}"
        self.plain = f"http://{plain}"
        self.operations = f"http://{operations}"
        self.console = f"http://{self.more[0]}" if self.more else None
        return self

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(DEADLINE)

    @property
    def authority(self):
        return str(self.folder / "pki" / "authority.pem")

    def tls(self, workload=None):
        context = ssl.create_default_context(cafile=self.authority)
        if workload:
            pki = self.folder / "pki" / "workloads"
            context.load_cert_chain(pki / f"{workload}.pem", pki / f"{workload}.key")
        return context

    def client(self, **more):
        return httpx.Client(verify=more.pop("tls", None) or self.tls(), timeout=DEADLINE, **more)

    def api(self, role):
        """The console's API, as it is asked with a token of a person in that role."""
        token = self.penstock("admin", "token", "issue", "--person", role, "--role", role).stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        wait_for(lambda: httpx.get(f"{self.console}/api/v1/me", headers=headers).status_code == 200, "the token")
        return httpx.Client(base_url=f"{self.console}/api/v1", headers=headers, timeout=DEADLINE)

    def records(self, *filters):
        done = self.penstock("records", "--format", "ndjson", *filters)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def record(self, id):
        """The record with this id: acknowledged means that it is there."""
        return next(record for record in self.records() if record["id"] == id)

    def outcome(self, id):
        """The outcome of an intent. It is durable before the last byte, so it is there when the answer has ended."""
        return wait_for(
            lambda: next((record for record in self.records() if record.get("ref") == id), None), f"the outcome of {id}"
        )


@pytest.fixture(scope="session")
def provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    from issuer import Issuer

    issuer = Issuer(tmp_path_factory.mktemp("login"))
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def anna(issuer):
    """Anna's ID token."""
    return issuer.sign_in("anna")


@pytest.fixture(scope="module")
def chromium():
    """Debian's browser. It ends with its module: while it is driven, nobody else can run a loop of asyncio."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path, "Debian's package chromium is needed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[] if os.getuid() else ["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def plant(tmp_path_factory, provider):
    plant = Plant(tmp_path_factory.mktemp("plant") / "works", provider)
    plant.start()
    yield plant
    plant.stop()
    verified = plant.penstock("verify", str(plant.folder / "ledger"), plant=False)
    assert verified.returncode == 0


@pytest.fixture(scope="session")
def token(plant):
    return plant.token("copilot")
