"""The inventory of AI components, through a real gateway: seen, drafted, declared, approved by two, live; then suspended and refused."""

import json

import openai
import pytest
from conftest import DEADLINE, Plant, wait_for
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from people import People
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

GOVERNED = '\nowner = "Ada"\nupdate_process = "notices of the supplier"\nisolation_plan = "the printed instructions"\n'


class Works(Plant):
    """A plant in which two of three people sign."""

    def __init__(self, folder, provider, text=None):
        super().__init__(folder, provider, text=text)
        self.people = People(self)

    def say(self, text):
        """Adds to the plant file; the gateway, if it runs, has taken notice when this returns."""
        file = self.folder / "plant.toml"
        file.write_text(file.read_text() + text)
        if self.process:
            self.penstock("reload")

    def inventory(self, *arguments):
        return json.loads(self.penstock("inventory", "list", "--json", *arguments).stdout)

    def component(self, name):
        return next((one for one in self.inventory() if one["name"] == name), None)

    def sign(self, *arguments, **more):
        return self.people.sign(*arguments, **more)

    def step(self, *arguments):
        """Signed by two, and in force."""
        self.people.step(*arguments)
        return self

    def openai(self, token):
        return openai.OpenAI(base_url=f"{self.plain}/openai/v1", api_key=token, max_retries=0, timeout=DEADLINE)

    def session(self, token):
        url = f"{self.plain.replace('http', 'ws')}/openai/v1/realtime?model=gpt-realtime"
        return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, open_timeout=DEADLINE)


@pytest.fixture
def works(tmp_path, provider):
    works = Works(tmp_path / "works", provider).start()
    yield works
    works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


def ask(client, model="gpt-4o"):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Why?"}])


def refused(client, reason, model="gpt-4o"):
    with pytest.raises(openai.PermissionDeniedError) as problem:
        ask(client, model)
    assert problem.value.code == reason


def test_a_component_is_seen_drafted_declared_approved_and_suspended(works):
    client = works.openai(works.token("copilot"))
    ask(client)
    name = "model:openai/gpt-4o"
    shadow = wait_for(lambda: works.component(name), "the model to be seen")
    assert (shadow["drift"], shadow["state"]) == ("shadow", None)
    assert shadow["seen"]["span"]["calls"] == 1 and shadow["seen"]["workloads"] == ["copilot"]
    library = works.component("library:OpenAI/Python")
    assert list(library["seen"]["versions"]) == [openai.__version__]
    assert works.component("endpoint:openai/chat.completions")["drift"] == "matched"
    assert works.component("workload:copilot")["drift"] == "matched"
    assert works.component("workload:planner")["drift"] == "declared"

    # Drafted, and declared once a person has said who answers for it.
    draft = works.penstock("inventory", "draft", name).stdout
    works.say("\n" + draft + GOVERNED)
    works.penstock("check")
    ask(client)
    own = works.component("model:gpt-4o")
    assert (own["drift"], own["state"], works.component(name)) == ("matched", "live", None)
    assert own["seen"]["span"]["calls"] == 2

    # Whoever takes the declaration away opens something, and is told so.
    plant = works.folder / "plant.toml"
    (works.folder.parent / "draft.toml").write_text(plant.read_text().split("[components.")[0])
    told = works.penstock("diff", str(plant), str(works.folder.parent / "draft.toml"), "--json", plant=False, check=False)
    assert ("opens", "component `model:gpt-4o`") in {(one["effect"], one["place"]) for one in json.loads(told.stdout)}

    # Suspended: one signature is not enough, and two are, in a gateway that runs.
    with works.session(client.api_key) as session:
        assert json.loads(session.recv())["type"] == "session.created"
        works.sign("ada", "model:gpt-4o", "suspended", "leaks recipes")
        ask(client)
        works.step("model:gpt-4o", "suspended", ("ben",))
        refused(client, "component-suspended")
        ask(client, "gpt-4o-mini")
        session.send(json.dumps({"type": "response.create"}))
        assert session.recv(), "a session with another model goes on"
    notes = [record["note"] for record in works.records("--kind", "approval")]
    assert [(note["by"], note["because"]) for note in notes] == [("ada", "leaks recipes"), ("ben", "it was tried")]
    assert {(note["component"], note["from"], note["to"], note["step"]) for note in notes} == {("model:gpt-4o", "live", "suspended", 1)}

    # It survives a restart, a file that somebody changed, and the loss of it: the ledger says the same.
    kept = works.folder / "ledger" / "components.json"
    for spoil in (lambda: None, lambda: kept.write_text(kept.read_text().replace("suspended", "live")), kept.unlink):
        works.stop()
        spoil()
        works.start()
        refused(works.openai(client.api_key), "component-suspended")

    # The same signatures are good for once.
    client = works.openai(client.api_key)
    works.step("model:gpt-4o", "live")
    ask(client)
    works.step("model:gpt-4o", "retired", ("ben", "cleo"))
    refused(client, "component-retired")
    assert works.component("model:gpt-4o")["drift"] == "retired"
    assert works.sign("ada", "model:gpt-4o", "live", check=False).returncode == 1


def test_a_suspended_workload_is_refused_wherever_its_calls_come_in(works):
    token = works.token("copilot")
    client = works.openai(token)
    with works.session(token) as session:
        assert json.loads(session.recv())["type"] == "session.created"
        works.step("workload:copilot", "suspended")
        with pytest.raises(ConnectionClosed):
            while True:
                session.recv(timeout=DEADLINE)
    refused(client, "component-suspended")
    with pytest.raises(InvalidStatus) as problem:
        works.session(token)
    assert problem.value.response.status_code == 403
    with works.client(headers={"Authorization": f"Bearer {token}"}) as http:
        for path, body in {
            "/anthropic/v1/messages": {"model": "claude-sonnet-4", "max_tokens": 9, "messages": [{"role": "user", "content": "Why?"}]},
            "/ollama/api/chat": {"model": "llama3", "messages": [{"role": "user", "content": "Why?"}]},
        }.items():
            answer = http.post(works.base + path, json=body)
            assert answer.status_code == 403, path
            last = works.records("--reason", "component-suspended")[-1]
            assert path.startswith(f"/{last['what']['provider']}/"), "nobody read further"
    planner = works.openai(works.token("planner"))
    ask(planner.with_options(base_url=f"{works.plain}/edge/v1", default_headers={"Penstock-Purpose": "scheduling"}))
    works.step("workload:copilot", "live")
    ask(client)


def test_only_what_is_declared_in_full_is_used_where_the_plant_asks_for_it(works):
    client = works.openai(works.token("copilot"))
    text = (works.folder / "plant.toml").read_text()
    (works.folder / "plant.toml").write_text(text.replace("[governance]\n", '[governance]\nrequire = ["model"]\n'))
    works.penstock("reload")
    refused(client, "ungoverned")
    works.say('\n[components.chat]\nkind = "model"\nnames = ["gpt-4o*"]\n')
    refused(client, "ungoverned")
    (works.folder / "plant.toml").write_text((works.folder / "plant.toml").read_text() + GOVERNED)
    works.penstock("reload")
    ask(client)

    # Drafts go nowhere before two have approved them and put them into service.
    text = (works.folder / "plant.toml").read_text()
    (works.folder / "plant.toml").write_text(text.replace("[governance]\n", '[governance]\nunlisted = "draft"\n'))
    works.penstock("reload")
    refused(client, "component-not-live")
    for name in ("workload:copilot", "provider:openai", "model:chat"):
        if name.startswith("provider"):
            assert works.sign("ada", name, "approved", check=False).returncode == 1, "it has no owner"
            continue
        works.step(name, "approved").step(name, "live")
    refused(client, "component-not-live")


def test_a_stranger_does_not_write_the_inventory(works):
    token = works.token("copilot")
    ask(works.openai(token))
    with works.client() as http:
        chat = {"model": "made-up", "messages": [{"role": "user", "content": "Why?"}]}
        for agent in ("=cmd|' /C calc'!A0", "<script>alert(1)</script>", "evil/1.0 (ring 555)", token):
            http.post(f"{works.base}/openai/v1/chat/completions", json=chat, headers={"User-Agent": agent})
            http.post(
                f"{works.base}/openai/v1/chat/completions",
                json=chat | {"model": "=1+1"},
                headers={"User-Agent": agent, "Authorization": f"Bearer {token}"},
            )
    wait_for(lambda: works.component("model:openai/=1+1"), "the calls to be counted")
    names = {one["name"] for one in works.inventory()}
    assert "model:openai/made-up" not in names and "caller:127.0.0.1" in names
    assert {name for name in names if name.startswith("library:")} == {"library:OpenAI/Python", "library:evil", "library:python-httpx"}
    rows = works.penstock("inventory", "export", "--format", "csv").stdout
    assert not [cell for line in rows.splitlines() for cell in line.split(",") if cell.startswith(("=", "+", "-", "@"))]
    assert "psk_" not in rows


def test_a_bill_of_materials_goes_out_and_comes_in(works, tmp_path):
    ask(works.openai(works.token("copilot")))
    wait_for(lambda: works.component("model:openai/gpt-4o"), "the model to be seen")
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {
                "type": "machine-learning-model",
                "name": "Llama 3.1 8B",
                "version": "3.1",
                "supplier": {"name": "Meta"},
                "licenses": [{"license": {"name": "Llama 3.1 Community License"}}],
                "hashes": [{"alg": "SHA-256", "content": "0c" * 32}],
            },
            {"type": "container", "name": 'vllm"] \n[plant]', "licenses": [{"expression": "Apache-2.0"}]},
        ],
    }
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    (tmp_path / "supplier.json").write_text(json.dumps(bill))
    fragment = works.penstock("inventory", "import", str(tmp_path / "supplier.json")).stdout
    works.say("\n" + fragment)
    assert works.component("model:llama-3.1-8b")["declared"]["hashes"] == ["sha-256:" + "0c" * 32]
    exported = works.penstock("inventory", "export", "--format", "cyclonedx").stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(exported) is None
    models = [one for one in json.loads(exported)["components"] if one["type"] == "machine-learning-model"]
    assert {one["name"] for one in models} == {"llama-3.1-8b", "openai/gpt-4o"}
