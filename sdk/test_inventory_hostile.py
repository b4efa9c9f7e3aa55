"""Who would use a component that is out of service, and what becomes of where components stand when files are lost, old or not to be written."""

import json
import shutil

import httpx
import pytest
from test_inventory import GOVERNED, ask, refused, works  # noqa: F401  (works is a fixture)

from conftest import DEADLINE, wait_for


def declare(works, name, provider, called):
    names = json.dumps([called])
    works.say(f'\n[components.{name}]\nkind = "model"\nprovider = "{provider}"\nnames = {names}{GOVERNED}')


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


def test_a_suspended_model_answers_under_no_name_that_a_fallback_gives_it(works):
    declare(works, "edge-mini", "edge", "gpt-4o-mini")
    client = works.openai(works.token("copilot")).with_options(base_url=f"{works.plain}/frail/v1")
    assert ask(client, "overloaded").model == "gpt-4o-mini"
    (switch,) = works.records("--kind", "switch")
    assert (switch["what"]["model"], switch["what"]["renamed"], switch["what"]["rerouted"]) == ("overloaded", "gpt-4o-mini", "edge")
    wait_for(lambda: works.component("model:edge-mini"), "the model to be counted")
    works.step("model:edge-mini", "suspended")
    seen = len(works.provider.seen())
    answer = ask(client, "overloaded")
    assert "The assistant is away" in answer.choices[0].message.content
    assert len(works.provider.seen()) == seen + 1, "only the one that failed was asked"


def test_a_suspended_model_is_not_had_by_spelling_it_otherwise(works):
    token = works.token("copilot")
    declare(works, "gpt", "openai", "gpt-4o")
    declare(works, "llama", "ollama", "llama3")
    client = works.openai(token)
    for name in ("model:gpt", "model:llama"):
        works.step(name, "suspended")
    for spelt in ("gpt-4o", "GPT-4o", "gpt-4O"):
        refused(client, "component-suspended", spelt)
    with works.client(headers={"Authorization": f"Bearer {token}"}) as http:
        for spelt in ("llama3", "llama3:latest"):
            chat = {"model": spelt, "messages": [{"role": "user", "content": "Why?"}]}
            answer = http.post(f"{works.base}/ollama/api/chat", json=chat)
            assert answer.status_code == 403 and "component-suspended" in answer.text, spelt
    ask(client, "gpt-4o-mini")


def test_a_session_does_not_turn_to_a_suspended_model(works):
    declare(works, "ears", "openai", "gpt-4o-transcribe")
    declare(works, "gpt", "openai", "gpt-4o")
    with works.session(works.token("copilot")) as session:
        assert json.loads(session.recv(DEADLINE))["type"] == "session.created"
        works.step("model:ears", "suspended").step("model:gpt", "suspended")
        for own in (
            {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}},
            {"input_audio_transcription": {"model": "GPT-4o-transcribe"}},
            {"model": "gpt-4o"},
        ):
            session.send(json.dumps({"type": "session.update", "session": own}))
            told = session.recv(DEADLINE)
            assert json.loads(told)["type"] == "error" and "component-suspended" in told, (own, told)
        session.send(json.dumps({"type": "session.update", "session": {"model": "gpt-realtime"}}))
        assert json.loads(session.recv(DEADLINE))["type"] != "error"


def test_a_model_that_is_left_to_the_provider_is_not_declared(works):
    client = works.openai(works.token("copilot"))
    plant = works.folder / "plant.toml"
    declare(works, "gpt", "openai", "gpt-4o*")
    chat = {"messages": [{"role": "user", "content": "Why?"}]}
    headers = {"Authorization": f"Bearer {client.api_key}"}
    send = lambda: httpx.post(f"{works.plain}/openai/v1/chat/completions", json=chat, headers=headers, timeout=DEADLINE)
    assert "ungoverned" not in send().text
    plant.write_text(plant.read_text().replace("[governance]\n", '[governance]\nrequire = ["model"]\n'))
    works.penstock("reload")
    answer = send()
    assert answer.status_code == 403 and "ungoverned" in answer.text, answer.text
    assert httpx.get(f"{works.plain}/openai/v1/models", headers=headers, timeout=DEADLINE).status_code == 200, "a list asks none"
    ask(client)
