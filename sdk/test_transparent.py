"""Transparent interception in networks of its own: a client whose only way leads through the gateway's machine, where nftables
redirects what is meant for port 443."""

import json
import os
import subprocess

import pytest
from conftest import DEADLINE, HERE, Plant, Provider, wait_for

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="network namespaces are made by root")

GATE, CLIENT = "10.77.35.1", "10.77.35.2"
# The service as the client knows it: an address that nobody has here.
SERVICE = "192.0.2.10"


def root(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


@pytest.fixture(scope="module")
def networks():
    """Two namespaces, joined; the client's default route leads to the gate's."""
    gate, client = f"gate-{os.getpid()}", f"client-{os.getpid()}"
    for name in (gate, client):
        root("ip", "netns", "add", name)
    try:
        root("ip", "link", "add", "eth0", "netns", gate, "type", "veth", "peer", "name", "eth0", "netns", client)
        for name, address in ((gate, GATE), (client, CLIENT)):
            inside = ("ip", "netns", "exec", name)
            root(*inside, "ip", "link", "set", "lo", "up")
            root(*inside, "ip", "address", "add", f"{address}/24", "dev", "eth0")
            root(*inside, "ip", "link", "set", "eth0", "up")
        root("ip", "netns", "exec", client, "ip", "route", "add", "default", "via", GATE)
        yield ("ip", "netns", "exec", gate), ("ip", "netns", "exec", client)
    finally:
        for name in (gate, client):
            root("ip", "netns", "delete", name, check=False)


@pytest.fixture(scope="module")
def works(networks, tmp_path_factory):
    within, _ = networks
    provider = Provider(within)
    text = (HERE / "plant.toml").read_text()
    text = text.replace('networks = ["127.0.0.1/32"]', f'networks = ["{CLIENT}/32"]')
    text = text.replace("[providers.openai]\n", '[providers.openai]\nhosts = ["api.openai.com"]\n')
    text += f'\n[intercept]\ntransparent = ["{GATE}:0"]\n'
    folder = tmp_path_factory.mktemp("transparent") / "works"
    plant = Plant(folder, provider, text=text)
    plant.within = within
    plant.penstock("intercept", "init")
    token = plant.penstock("token", "issue", "--workload", "copilot").stdout.strip()
    plant.start()
    port = plant.more[0].rsplit(":", 1)[1]
    rules = f"""
    table ip penstock {{
      chain before {{
        type nat hook prerouting priority dstnat;
        iifname "eth0" tcp dport 443 redirect to :{port}
      }}
    }}"""
    subprocess.run([*within, "nft", "-f", "-"], input=rules, text=True, check=True)
    plant.key = token
    yield plant
    plant.stop()
    provider.close()
    assert plant.penstock("verify", str(folder / "ledger"), plant=False).returncode == 0


def curl(networks, works, *arguments):
    return subprocess.run(
        [*networks[1], "curl", "-sS", "--noproxy", "*", "--max-time", str(DEADLINE), "--cacert",
         str(works.folder / "pki" / "intercept-authorities.pem"), *arguments],
        capture_output=True, text=True,
    )


def test_a_client_that_knows_nothing_of_the_gateway_is_read_and_recorded(networks, works):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "TIC-101 drifts"}]}
    done = curl(
        networks, works, "--resolve", f"api.openai.com:443:{SERVICE}", "https://api.openai.com/v1/chat/completions",
        "-d", json.dumps(body), "-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {works.key}",
    )
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "TIC-101 drifts", done.stderr
    intent = next(record for record in works.records() if record["kind"] == "intent")
    assert intent["who"]["peer"] == CLIENT and intent["note"]["way"] == "transparent"
    assert intent["what"]["findings"] == [{"count": 1, "label": "tag"}]


@pytest.mark.parametrize("url, endpoint", [
    (f"https://{SERVICE}/v1/models", f"CONNECT {SERVICE}:443"),
    ("https://example.com/", "CONNECT "),
])
def test_other_hosts_and_nameless_handshakes_go_nowhere(networks, works, url, endpoint):
    before = len(works.records())
    done = curl(networks, works, "--resolve", f"example.com:443:{SERVICE}", url)
    assert done.returncode == 35, done.stderr
    records = wait_for(lambda: works.records()[before:], "the record")
    assert [(record["kind"], record["dec"]["reason"]) for record in records] == [("refuse", "unknown-host")]
    assert records[0]["what"]["endpoint"].startswith(endpoint) and records[0]["who"]["peer"] == CLIENT
