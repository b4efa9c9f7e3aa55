"""Operations: traces reach a collector, a reload keeps the last good file, a stop lets streams end, help teaches."""

import http.server
import json
import signal
import ssl
import subprocess
import threading

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import certificates
from conftest import BINARIES, DEADLINE, HERE, Plant, wait_for

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "unspeakable TIC-101"}]}


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes OTLP over HTTP and keeps the bodies."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(params=["http", "https"])
def collector(request, tmp_path):
    """In the clear, and over TLS behind an authority that no system knows."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.bodies = []
    server.telemetry = f'[gateway.telemetry]\notlp = "{request.param}://localhost:{server.server_port}"\nservice = "gate-1"\n'
    if request.param == "https":
        subprocess.run([BINARIES / "penstock", "init", tmp_path / "collector"], check=True, capture_output=True)
        pki = tmp_path / "collector" / "pki"
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificates.issue(tmp_path, "localhost", ["localhost"], pki, use=ExtendedKeyUsageOID.SERVER_AUTH))
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.telemetry += f'authorities = "{pki / "authority.pem"}"\n'
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def works(tmp_path, provider):
    made = []

    def make(more=""):
        text = (HERE / "plant.toml").read_text()
        plant = Plant(tmp_path / "works", provider, text=text.replace("[zones.line]", more + "\n[zones.line]", 1))
        made.append(plant)
        return plant

    yield make
    for plant in made:
        if plant.process and plant.process.poll() is None:
            plant.stop()


def ask(plant, token, body=CHAT, provider="openai"):
    with plant.client(headers={"Authorization": f"Bearer {token}"}) as client:
        return client.post(f"{plant.base}/{provider}/v1/chat/completions", json=body)


def test_traces_carry_the_genai_conventions_and_no_content(works, collector):
    plant = works(collector.telemetry)
    token = plant.token("copilot")
    plant.start()
    answer = ask(plant, token)
    assert answer.status_code == 200
    assert ask(plant, "psk_nobody_x").status_code == 401
    plant.stop()
    assert collector.bodies, "no trace reached the collector"
    assert {path for path, _ in collector.bodies} == {"/v1/traces"}
    sent = b"".join(body for _, body in collector.bodies)
    for name in (b"chat gpt-4o-mini", b"gen_ai.operation.name", b"gen_ai.provider.name", b"gen_ai.request.model",
                 b"gen_ai.response.model", b"gen_ai.usage.input_tokens", b"gen_ai.usage.output_tokens", b"penstock.conduit",
                 b"server.address", b"server.port", b"penstock.provider", b"error.type", b"token-unknown"):
        assert name in sent, name
    assert answer.headers["penstock-record"].encode() in sent
    for secret in (b"unspeakable", b"TIC-101", b"TAG_", b"sk-of-the-plant", token.encode()):
        assert secret not in sent


def test_a_bad_plant_file_never_replaces_a_good_one(works):
    plant = works()
    token = plant.token("copilot")
    plant.start()
    file = plant.folder / "plant.toml"
    good = file.read_text()
    file.write_text(good + "\n[conduits.broken]\n")
    rejected = lambda: [one for one in plant.records("--kind", "config") if one["note"]["result"] == "rejected"]
    wait_for(rejected, "the rejection to be recorded")
    assert ask(plant, token).status_code == 200
    file.write_text(good.replace('models = ["*"]', 'models = ["none"]'))
    answer = wait_for(lambda: (lambda one: one if one.status_code == 403 else None)(ask(plant, token)), "the reload")
    assert answer.json()["error"]["code"] == "model-not-allowed"


def test_a_stop_lets_a_stream_end(works):
    plant = works()
    token = plant.token("copilot")
    plant.start()
    body = dict(CHAT, stream=True)
    with plant.client(headers={"Authorization": f"Bearer {token}"}) as client:
        with client.stream("POST", f"{plant.base}/openai/v1/chat/completions", json=body) as answer:
            lines = answer.iter_lines()
            next(lines)
            plant.process.send_signal(signal.SIGTERM)
            rest = list(lines)
    assert "data: [DONE]" in rest
    assert plant.process.wait(DEADLINE) == 0
    assert plant.outcome(answer.headers["penstock-record"])["out"]["status"] == 200


def test_a_stop_cuts_what_does_not_end(works):
    plant = works()
    token = plant.token("copilot")
    plant.start()
    body = dict(CHAT, model="endless", stream=True)
    with plant.client(headers={"Authorization": f"Bearer {token}"}) as client:
        with client.stream("POST", f"{plant.base}/openai/v1/chat/completions", json=body) as answer:
            plant.process.send_signal(signal.SIGTERM)
            last = [line for line in answer.iter_lines() if line][-1]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "shutting-down"
    assert plant.process.wait(DEADLINE) == 0
    assert plant.outcome(answer.headers["penstock-record"])["out"]["reason"] == "shutting-down"


def test_health_says_when_it_is_not_ready(works):
    plant = works()
    plant.start()
    assert httpx.get(f"{plant.operations}/readyz").status_code == 200
    head = httpx.head(f"{plant.operations}/healthz")
    assert (head.status_code, head.content) == (200, b"")
    assert httpx.get(f"{plant.operations}/nothing").status_code == 404
    assert httpx.post(f"{plant.operations}/healthz").status_code == 405


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell):
    done = subprocess.run([BINARIES / "penstock", "completions", shell], capture_output=True, text=True)
    assert done.returncode == 0 and "explain" in done.stdout


def test_manual_pages(tmp_path):
    assert subprocess.run([BINARIES / "penstock", "manual", tmp_path]).returncode == 0
    pages = {page.name for page in tmp_path.iterdir()}
    assert {"penstock.1", "penstock-run.1", "penstock-verify.1"} <= pages
