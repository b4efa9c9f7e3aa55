"""Approved data sources: what a workload may not use does not leave, on any way in; and the refusal says which source it is."""

import base64
import csv
import json
import pathlib
import re
import subprocess

import anthropic
import grpc
import httpx2
import mcp
import openai
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc
from websockets.sync.client import connect

from conftest import DEADLINE, HERE, Plant, wait_for
from test_bypass import FORMS, PLACES, Watched
from test_mcp import PROVIDER as HISTORIAN
from test_mcp import Server
from test_mcp import Works as McpWorks

# Of the safety system, which no workload but the planner may use; and of line 1, which everybody may.
SIS, LINE = "SIS-AREA1.PT4711.TRIP", "LINE1.TIC101.PV"
RECIPE = (
    "Charge the kettle with twelve hundred litres of softened water and bring it to fifty two degrees. Rest there for twenty "
    "minutes, raise the temperature slowly to sixty three degrees and hold it until the starch test stays clear. Then mash out, "
    "transfer to the lauter tun without splashing and begin to sparge when the bed has settled and the wort runs bright."
)
SOURCES = """
[sources.line-1]
tags = ["LINE1.*", "ns=2;s=Oven.*"]
sensitivity = "internal"
owner = "Line engineering"

[sources.sis]
title = "Safety system"
tags = ["SIS-AREA1.*"]
paths = ['\\\\\\\\PISRV01\\\\SIS*']
sensitivity = "confidential"
owner = "Functional safety"

[sources.recipes]
documents = ["recipes"]
tables = ["mes.recipe_*"]
sensitivity = "internal"
owner = "Brewing"

[providers.vision]
dialect = "kserve"
address = "http://127.0.0.1:9"
zone = "edge"
clearance = "restricted"
supplier = { name = "The plant itself" }
grpc = { names = ["localhost"], port = 9 }

[conduits.copilot-vision]
from = ["line"]
to = "vision"
purposes = ["advice"]
models = ["*"]
ceiling = "restricted"
owner = "Line engineering"
approved_by = "Security"

[providers.plain]
dialect = "json"
address = "http://PROVIDER"
zone = "edge"
clearance = "restricted"
supplier = { name = "The plant itself" }

[conduits.copilot-plain]
from = ["line"]
to = "plain"
purposes = ["advice"]
models = ["*"]
ceiling = "restricted"
unapproved_sources = "redact"
owner = "Line engineering"
approved_by = "Security"

[intercept]
proxy = ["127.0.0.1:0"]
"""


@pytest.fixture(scope="module")
def provider():
    provider = Watched()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    server = Server()
    text = (HERE / "plant.toml").read_text()
    text = text.replace("[workloads.copilot]\n", '[workloads.copilot]\nsources = ["line-1"]\n')
    text = text.replace("[workloads.planner]\n", '[workloads.planner]\ndeny_sources = ["recipes"]\n')
    text = text.replace("[providers.openai]\n", '[providers.openai]\nhosts = ["api.openai.com"]\n')
    text = text.replace('country = "DE" }', 'country = "DE", sub_processors = ["=Hosting Ltd"] }', 1)
    text = text.replace('{ label = "tag", do = "tokenise" }', '{ label = "tag", do = "allow" }')
    text += SOURCES + HISTORIAN.replace("SERVER", server.address).replace('{ label = "tag", do = "tokenise" }', '{ label = "tag", do = "allow" }')
    works = McpWorks(tmp_path_factory.mktemp("sources") / "works", provider, text=text)
    works.penstock("intercept", "init")
    recipes = works.folder / "recipes"
    recipes.mkdir()
    (recipes / "amber.txt").write_text(RECIPE)
    done = works.penstock("fingerprint", "add", "--collection", "recipes", "--sensitivity", "internal", str(recipes))
    assert "registered" in done.stdout and done.stderr == "", done.stderr
    works.server = server
    works.start()
    works.tokens = {workload: works.token(workload) for workload in ("copilot", "planner")}
    with works.client() as works.caller:
        yield works
    works.stop()
    works.server.close()
    assert "panicked" not in pathlib.Path(works.folder / "log").read_text()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


@pytest.fixture
def ask(works):
    """A client of the official SDK for a workload."""
    clients = []

    def ask(text, workload="copilot", provider="openai", **more):
        http = works.client()
        clients.append(http)
        client = openai.OpenAI(base_url=f"{works.base}/{provider}/v1", api_key=works.tokens[workload], http_client=http, max_retries=0)
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        return client.chat.completions.create(model="gpt-4o-mini", messages=messages, **more)

    yield ask
    for client in clients:
        client.close()


def denied(call, *arguments, source="sis", **more):
    """The refusal of a call, as the SDK raises it; it names the source, and nothing of what was found."""
    with pytest.raises(openai.PermissionDeniedError) as problem:
        call(*arguments, **more)
    assert problem.value.code == "source-denied"
    assert f"source `{source}`" in problem.value.message and "PT4711" not in problem.value.message
    assert problem.value.response.headers["penstock-decision"] == "refuse; reason=source-denied"
    return problem.value


def test_a_tag_of_a_source_that_is_not_approved_does_not_leave_and_the_refusal_names_the_source(works, provider, ask):
    assert ask(f"Why does {LINE} drift?").choices
    assert LINE in json.dumps(provider.last()), "what is approved leaves as it is"
    provider.news()
    problem = denied(ask, f"Why did {SIS} act?")
    assert provider.news() == [], "nothing left"
    record = works.record(problem.response.headers["penstock-record"])
    assert (record["kind"], record["dec"]["reason"]) == ("refuse", "source-denied")
    assert {"label": "source.sis", "count": 1} in record["what"]["findings"]
    assert record["dec"]["rules"] == ["source.sis"]
    assert SIS not in json.dumps(works.records())
    assert "not among those that are open to workload `copilot`" in problem.message


def test_denial_is_by_workload(ask):
    assert ask(f"Why did {SIS} act?", workload="planner").choices, "the planner may use all but the recipes"
    problem = denied(ask, "SELECT * FROM [mes].[recipe_steps]", workload="planner", source="recipes")
    assert "denied to workload `planner`" in problem.message


@pytest.mark.parametrize("written", [
    "sis-area1.pt4711.trip", "SIS_AREA1/PT4711/TRIP", "ns=4;s=SIS-AREA1.PT4711.TRIP", "[default]SIS-AREA1/PT4711/Trip", r"\\PISRV01\SIS_PT4711",
    r"\\\\PISRV01\\SIS_PT4711", "SIS-AREA1%2EPT4711%2ETRIP", base64.b64encode(b"please tell me what SIS-AREA1.PT4711.TRIP did").decode(),
])
def test_however_it_is_written(ask, written):
    denied(ask, f"Tell me about {written} now")
    denied(ask, [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "c1", "content": json.dumps({"rows": [{written: 1}]})}])


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_json_body_is_a_way_around(works, provider, place):
    path, body = PLACES[place](SIS)
    crosses(works, provider, path, json.dumps(body) if not isinstance(body, str) else body, "application/json")


@pytest.mark.parametrize("place", FORMS)
def test_no_place_of_a_form_is_a_way_around(works, provider, place):
    body, kind = FORMS[place](SIS)
    path = "/openai/v1/audio/transcriptions" if "model" in place or "field" in place else "/openai/v1/files"
    crosses(works, provider, path, body, kind)


def crosses(works, provider, path, body, kind):
    """Whatever becomes of the call, the provider does not see the tag."""
    provider.news()
    headers = {"authorization": f"Bearer {works.tokens['copilot']}", "content-type": kind}
    answer = works.caller.post(works.base + path, content=body, headers=headers)
    seen = json.dumps(provider.news())
    assert "PT4711" not in seen and "4711" not in re.sub(r"\\u00([0-9a-f]{2})", lambda hit: chr(int(hit[1], 16)), seen), answer.text
    assert answer.status_code in (200, 400, 403, 413, 415)
    if answer.status_code == 403:
        # A file that nobody can read, a model that is not open: refused before anybody asks what they say.
        assert any(reason in answer.text for reason in ("source-denied", "content-refused", "model-not-allowed", "unknown-endpoint")), answer.text


def test_a_line_of_a_batch(works, provider):
    lines = [{"custom_id": str(at), "method": "POST", "url": "/v1/chat/completions",
              "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}}
             for at, text in enumerate([f"Why does {LINE} drift?", f"Why did {SIS} act?"])]
    with works.client() as http:
        client = openai.OpenAI(base_url=f"{works.base}/openai/v1", api_key=works.tokens["copilot"], http_client=http, max_retries=0)
        batch = lambda some: ("batch.jsonl", "\n".join(map(json.dumps, some)).encode())
        assert client.files.create(file=batch(lines[:1]), purpose="batch").id
        provider.news()
        denied(client.files.create, file=batch(lines), purpose="batch")
        assert provider.news() == []


def test_a_registered_document_is_of_its_collections_source(works, provider, ask):
    listed = json.loads(works.penstock("fingerprint", "list", "--json").stdout)
    assert [(row["id"], row["collection"]) for row in listed] == [("amber", "recipes")]
    provider.news()
    passage = RECIPE[40:260]
    denied(ask, f"Shorten this:\n\n{passage.upper()}", source="recipes")
    wrapped = base64.b64encode(RECIPE.encode()).decode()
    denied(ask, f"Shorten this: {wrapped}", source="recipes")
    assert provider.news() == []
    assert ask("Shorten this: charge the kettle with water").choices, "a few words are no passage"


def test_a_file_in_a_message(works, ask, provider):
    data = base64.b64encode(f"tag;value\n{SIS};1\n".encode()).decode()
    part = {"type": "file", "file": {"filename": "trend.csv", "file_data": f"data:text/csv;base64,{data}"}}
    provider.news()
    denied(ask, [{"role": "user", "content": [part]}])
    assert provider.news() == []


def test_anthropic_says_it_in_its_own_dialect(works):
    with httpx2.Client(verify=works.tls(), timeout=DEADLINE) as http:
        client = anthropic.Anthropic(base_url=f"{works.base}/anthropic", api_key=works.tokens["copilot"], http_client=http, max_retries=0)
        with pytest.raises(anthropic.PermissionDeniedError, match="source `sis`"):
            client.messages.create(model="claude", max_tokens=9, messages=[{"role": "user", "content": SIS}])


def test_an_event_of_a_session(works, provider):
    host = works.plain.removeprefix("http://")
    headers = {"Authorization": f"Bearer {works.tokens['copilot']}"}
    with connect(f"ws://{host}/openai/v1/realtime?model=gpt-realtime", additional_headers=headers, open_timeout=DEADLINE) as session:
        assert json.loads(session.recv(DEADLINE))["type"] == "session.created"
        content = [{"type": "input_text", "text": f"why did {SIS} act"}]
        item = {"type": "message", "role": "user", "content": content}
        session.send(json.dumps({"type": "conversation.item.create", "item": item}))
        error = json.loads(session.recv(DEADLINE))
        assert error["type"] == "error" and "source-denied" in json.dumps(error) and "source `sis`" in json.dumps(error), error


def test_grpc(works):
    credentials = grpc.ssl_channel_credentials(open(works.authority, "rb").read())
    with grpc.secure_channel(f"localhost:{works.port}", credentials) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        tensor = pb.ModelInferRequest.InferInputTensor(name="a", datatype="BYTES", shape=[1])
        tensor.contents.bytes_contents.append(f"why did {SIS} act".encode())
        request = pb.ModelInferRequest(model_name="weld", inputs=[tensor])
        with pytest.raises(grpc.RpcError) as raised:
            stub.ModelInfer(request, metadata=[("authorization", f"Bearer {works.tokens['copilot']}")], timeout=DEADLINE)
        assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
        assert "source `sis`" in raised.value.details(), raised.value.details()


def test_a_connection_that_was_taken_over(works, provider):
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": SIS}]})
    provider.news()
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(DEADLINE), "-x", f"http://{works.more[0]}", "--cacert", works.folder / "pki" / "intercept-authorities.pem",
         "https://api.openai.com/v1/chat/completions", "-d", body, "-H", "Content-Type: application/json",
         "-H", f"Authorization: Bearer {works.tokens['copilot']}"], capture_output=True, text=True, timeout=60)
    assert "source-denied" in done.stdout and "source `sis`" in done.stdout, done.stdout + done.stderr
    assert provider.news() == []


def test_a_tool_is_not_asked_for_it_and_brings_none_of_it(works):
    assert works.tools() == [], "what nobody has approved is not shown"
    works.approve("read_tag", "asked")
    assert works.call("read_tag", {"tag": LINE}) == f"{LINE} is at 180 degrees"
    with pytest.raises(mcp.MCPError, match="source-denied"):
        works.call("read_tag", {"tag": SIS})
    assert works.call("read_tag", {"tag": SIS}, workload="planner") == f"{SIS} is at 180 degrees"
    with pytest.raises(mcp.MCPError) as problem:
        works.call("asked", {})
    assert "PT4711" not in str(problem.value), "what the planner asked for is not told to the copilot"
    assert "4711" in works.call("asked", {}, workload="planner")


def test_a_conduit_can_take_it_out_instead(works, provider):
    provider.news()
    headers = {"authorization": f"Bearer {works.tokens['copilot']}"}
    answer = works.caller.post(f"{works.base}/plain/predict", json={"x": f"{SIS} and {LINE}"}, headers=headers)
    assert answer.status_code == 200, answer.text
    (seen,) = provider.news()
    assert "[redacted:source.sis]" in json.dumps(seen) and LINE in json.dumps(seen) and "PT4711" not in json.dumps(seen)


def test_explain_check_and_diff_know_of_it(works, tmp_path):
    body = tmp_path / "chat.json"
    body.write_text(json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"{LINE} {SIS}"}]}))
    told = works.penstock("explain", "--workload", "copilot", "--provider", "openai", "--body", str(body), check=False).stdout
    assert "source `line-1` may be used; source `sis` is not among those that are open to workload `copilot`" in told
    assert "refuse: source-denied" in told
    text = (works.folder / "plant.toml").read_text()
    wider = tmp_path / "wider.toml"
    wider.write_text(text.replace('sources = ["line-1"]', 'sources = ["line-1", "sis"]'))
    told = works.penstock("diff", str(works.folder), str(wider), plant=False, check=False).stdout
    assert "may use source `sis` too" in told, told


def test_replay_decides_anew_what_a_draft_closes(works, ask, tmp_path):
    ask(f"Why did {SIS} act?", workload="planner")
    (tmp_path / "plant.toml").write_text((works.folder / "plant.toml").read_text().replace('deny_sources = ["recipes"]', 'deny_sources = ["sis"]'))
    done = works.penstock("replay", str(tmp_path / "plant.toml"), check=False)
    assert done.returncode == 1 and "source-denied" in done.stdout, done.stdout + done.stderr


def test_paths_are_told_by_the_plant_file_and_by_the_ledger(works, ask, tmp_path):
    ask(f"Why does {LINE} drift?")
    ask(f"Why did {SIS} act?", workload="planner")
    denied(ask, f"Why did {SIS} act?")
    rows = json.loads(works.penstock("paths", "--json").stdout)
    way = lambda rows, *names: next(
        row for row in rows if (row["source"], row["workload"], row["conduit"], row["provider"]) == names)
    line = way(rows, "line-1", "copilot", "copilot-openai", "openai")
    assert (line["calls"] > 0, line["allowed"], line["seen"], line["marks"]) == (True, "confidential", "internal", [])
    assert (line["source_owner"], line["workload_owner"], line["conduit_owner"]) == ("Line engineering", "A. Berger", "Line engineering")
    assert (line["supplier"], line["country"], line["sub_processors"]) == ("Scripted", "DE", ["=Hosting Ltd"])
    assert line["seen_labels"]["source.line-1"] > 0 and "source.sis" not in line["seen_labels"]
    refused = way(rows, "sis", "copilot", "copilot-openai", "openai")
    assert (refused["declared"], refused["calls"], refused["refused"] > 0, refused["marks"]) == (False, 0, True, [])
    assert way(rows, "sis", "planner", "copilot-openai", "openai")["calls"] > 0
    assert "unused" in way(rows, "line-1", "planner", "copilot-ollama", "ollama")["marks"]
    assert works.penstock("paths", "--marked").stdout == "there is no way, and none was taken\n"

    text = works.penstock("paths", "--format", "csv").stdout
    assert "'=Hosting Ltd" in text and not any(cell.startswith("=") for row in csv.reader(text.splitlines()) for cell in row)
    assert works.penstock("paths", "--format", "mermaid").stdout.startswith("flowchart LR\n")
    assert "SUB-PROCESSORS" in works.penstock("paths").stdout

    narrower = tmp_path / "plant.toml"
    text = (works.folder / "plant.toml").read_text().replace('deny_sources = ["recipes"]', 'deny_sources = ["recipes", "sis"]')
    text = re.sub(r'(?m)^(sensitivity = )"internal"(\nowner = "Line engineering")', r'\1"restricted"\2', text)
    narrower.write_text(text)
    done = works.penstock("--plant", str(narrower), "paths", "--ledger", str(works.folder / "ledger"), "--marked", "--json", plant=False, check=False)
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)
    assert way(rows, "sis", "planner", "copilot-openai", "openai")["marks"] == ["undeclared"]
    line = way(rows, "line-1", "copilot", "copilot-openai", "openai")
    assert (line["marks"], line["above"]) == (["above"], ["source.line-1"])
