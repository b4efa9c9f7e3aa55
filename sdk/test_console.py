"""The API that controls a gateway, held against its own description: whatever is sent, it does not fail, and answers as it says."""

import pathlib
import subprocess
import sys

import httpx
import pytest

from conftest import HERE, Plant

CONSOLE = '\n[console]\nlisten = "127.0.0.1:0"\n'
SCHEMATHESIS = pathlib.Path(sys.executable).parent / "schemathesis"
# Everything that it checks by itself: no 5xx, only statuses, types and shapes that are described, bad requests refused, good ones taken,
# nothing without a token.
CHECKS = "all"


@pytest.fixture(scope="module")
def plant(tmp_path_factory, provider):
    text = (HERE / "plant.toml").read_text() + CONSOLE
    plant = Plant(tmp_path_factory.mktemp("console") / "works", provider, text=text).start()
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def fuzz(plant, role, *more):
    command = [
        SCHEMATHESIS, "run", f"{plant.console}/api/v1/openapi.json", "--header", f"Authorization: {plant.api(role).headers['Authorization']}",
        # A stream that never ends is no answer to wait for; its own test is with the pages.
        "--exclude-path", "/api/v1/events",
        "--checks", CHECKS, "--max-examples", "40", "--rate-limit", "150/s", "--seed", "20261122", "--no-color", *more,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=plant.folder)


def test_whatever_is_sent_the_api_does_not_fail_and_answers_as_it_describes(plant):
    done = fuzz(plant, "engineer")
    assert done.returncode == 0, done.stdout[-6000:]
    assert httpx.get(f"{plant.operations}/readyz").status_code == 200
    # Much was isolated on the way; all of it is on record with who did it.
    isolated = plant.records("--kind", "isolate")
    assert isolated and all(record["note"]["by"] == "engineer (token)" for record in isolated)


def test_a_role_that_may_not_is_refused_at_every_address(plant):
    viewer = plant.api("viewer")
    document = viewer.get("/openapi.json").json()
    seen = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            url = plant.console + path.replace("{id}", "01a1fb28-26bf-77bf-a1d9-a527ad6ecc12")
            right = operation.get("x-right")
            with viewer.stream(method, url) as answer:
                status = answer.status_code
            if right not in (None, "view"):
                assert status == 403, (method, path)
            if right:
                assert httpx.request(method, url).status_code == 401, (method, path)
            seen.add(right)
    assert {"view", "isolate", "restore", "decide-hold", "change", None} <= seen


def test_a_request_under_the_same_key_is_done_once(plant):
    client = plant.api("security")

    def restore(part):
        return client.post("/restorations", headers={"Idempotency-Key": "drill-1"}, json={"part": part, "reason": "a drill"})

    part = {"part": "zone:cloud", "reason": "a drill"}
    assert client.post("/isolations", headers={"Idempotency-Key": "drill-0"}, json=part).status_code == 200
    first = restore("zone:cloud")
    again = restore("zone:cloud")
    # Without the key the second one would find nothing to restore.
    assert (first.status_code, again.status_code, first.content) == (200, 200, again.content)
    other = restore("external")
    assert other.status_code == 409 and other.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_long_is_a_problem_and_not_a_reset(plant):
    body = '{"part": "external", "reason": "' + "x" * 100_000 + '"}'
    answer = plant.api("engineer").post("/isolations", headers={"Content-Type": "application/json"}, content=body)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
