"""A bypass drill of every dialect, where nothing but this machine's loopback exists: whatever it does, it does without a provider."""

import json
import os
import subprocess
import tomllib

import pytest
from conftest import BINARIES, HERE, Plant


class Nobody:
    """Stands where the address of a provider is asked for."""

    address = "provider.invalid"


@pytest.fixture(scope="module")
def alone():
    """A namespace with a loopback and no way out of it. Only root can make one; others drill where they are."""
    if os.getuid() != 0:
        yield ()
        return
    name = f"alone-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "netns", "exec", name, "ip", "link", "set", "lo", "up"], check=True)
        yield ("ip", "netns", "exec", name)
    finally:
        subprocess.run(["ip", "netns", "delete", name])


@pytest.mark.parametrize("file", ["plant.toml", "clouds.toml"])
def test_every_conduit_is_drilled_without_a_network(alone, tmp_path, file):
    text = (HERE / file).read_text().replace("http://PROVIDER", "https://provider.invalid")
    plant = Plant(tmp_path / "works", Nobody(), text=text)
    command = [*alone, BINARIES / "penstock", "--plant", plant.folder, "drill", "--by", "ada", "--json"]
    done = subprocess.run(command, env=plant.environment, capture_output=True, text=True)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    odd = [step for step in told["steps"] if step["result"] not in ("kept", "unobserved")]
    assert (done.returncode, odd) == (0, [])
    assert {step["conduit"] for step in told["steps"]} - {None} == set(tomllib.loads(text)["conduits"])
    drills = plant.records("--kind", "drill")
    assert [drills[0]["note"]["event"], drills[-1]["note"]["event"]] == ["begun", "ended"]
    assert len(drills) == len(told["steps"]) + 2
    assert drills[-1]["note"]["result"] == "kept"
    assert not plant.records("--kind", "intent")
    verified = plant.penstock("verify", str(plant.folder / "ledger"), plant=False)
    assert "VERIFIED" in verified.stdout
