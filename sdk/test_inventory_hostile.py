"""Who would use a component that is out of service, and what becomes of where components stand when files are lost, old or not to be written."""

import shutil

import pytest
from test_inventory import Works, ask, refused

from conftest import wait_for


@pytest.fixture
def works(tmp_path, provider):
    works = Works(tmp_path / "works", provider).start()
    yield works
    works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


def test_a_step_is_in_force_where_it_cannot_be_written_and_is_written_later(works):
    client = works.openai(works.token("copilot"))
    ask(client)
    kept = works.folder / "ledger" / "components.json"
    # As a full disk: nothing can be put in its place.
    in_the_way = kept.with_name("components.json.new")
    (in_the_way / "full").mkdir(parents=True)
    for who in ("ada", "ben"):
        works.sign(who, "workload:copilot", "suspended")
    wait_for(lambda: works.records("--kind", "approval"), "the step to be taken")
    wait_for(lambda: works.client().post(f"{works.plain}/openai/v1/chat/completions", headers={"Authorization": f"Bearer {client.api_key}"}, json={
        "model": "gpt-4o", "messages": [{"role": "user", "content": "Why?"}]}).status_code == 403, "the step to be in force")
    refused(client, "component-suspended")
    shutil.rmtree(in_the_way)
    wait_for(lambda: "suspended" in kept.read_text(), "the step to be written")
    assert len(works.records("--kind", "approval")) == 2, "it was taken once"


def test_an_older_copy_of_the_file_brings_nothing_back(works):
    client = works.openai(works.token("copilot"))
    kept = works.folder / "ledger" / "components.json"
    older = kept.read_text()
    works.step("workload:copilot", "suspended")
    works.stop()
    kept.write_text(older)
    shutil.rmtree(works.folder / "approvals")
    works.start()
    refused(works.openai(client.api_key), "component-suspended")
    assert works.component("workload:copilot")["state"] == "suspended"


@pytest.mark.parametrize("spoil", ["lost", "changed"])
def test_a_file_that_is_spoilt_while_the_gateway_runs_is_written_again(works, spoil):
    works.step("workload:copilot", "suspended")
    kept = works.folder / "ledger" / "components.json"
    if spoil == "lost":
        kept.unlink()
    else:
        kept.write_text(kept.read_text().replace("suspended", "live"))
    wait_for(lambda: kept.exists() and "suspended" in kept.read_text(), "the file to be written again")
    assert works.component("workload:copilot")["state"] == "suspended"
    assert "somebody has changed where components stand" in (works.folder / "log").read_text()
