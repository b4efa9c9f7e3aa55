"""Paths at the console: what is open against what was taken, the same as the command prints, and on the map in red what nobody declared."""

import csv
import io
import json

import httpx
import pytest
from playwright.sync_api import expect

from conftest import DEADLINE, Plant, wait_for
from test_console_pages import HOSTILE, ask, people, plant_text, signed_in, sober
from test_console_plant import api

__all__ = ["people"]


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    plant = Plant(tmp_path_factory.mktemp("paths") / "works", provider, text=plant_text()).start()
    plant.copilot = plant.token("copilot")
    for content in ("hello", "write to anna@works.example"):
        assert ask(plant, plant.copilot, content).status_code == 200
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def paths(client, query=""):
    answer = client.get(f"/paths{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def way(client):
    """The one that calls of the copilot took; looking for its token was one of them."""
    [taken] = [one for one in paths(client)["paths"] if one["workload"] == "copilot" and one["provider"] == "openai" and one["calls"] > 0]
    return taken


def stray(plant, token=None, model="gpt-4o-mini", local="127.0.0.2", provider="openai"):
    """A call by a way that nobody declared: from another zone's network, or of nobody known."""
    transport = httpx.HTTPTransport(local_address=local, verify=plant.tls())
    with httpx.Client(transport=transport, timeout=DEADLINE) as client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return client.post(f"{plant.base}/{provider}/v1/chat/completions", json=body, headers=headers)


def test_the_page_shows_what_the_command_prints(works, people):
    with api(works, "viewer") as client:
        taken = way(client)
        assert (taken["marks"], taken["declared"], taken["seen_labels"].get("person.email")) == ([], True, 1)
        printed = json.loads(works.penstock("paths", "--json").stdout)
        assert sorted(paths(client, "?format=json"), key=str) == sorted(printed, key=str)
        file = client.get("/paths?format=csv")
        assert file.text.replace("\r\n", "\n") == works.penstock("paths", "--format", "csv").stdout.replace("\r\n", "\n")
        assert file.headers["content-disposition"] == 'attachment; filename="paths.csv"' and file.headers["content-type"].startswith("text/csv")
        assert client.get("/paths?format=mermaid").text == works.penstock("paths", "--format", "mermaid").stdout
        only = paths(client, "?mark=taken&workload=copilot")["paths"]
        assert only == [taken]
        assert paths(client, "?mark=wrong")["paths"] == []
        for bad in ("?mark=evil", "?colour=red", "?workload="):
            assert client.get(f"/paths{bad}").status_code in (400, 422)
    page = signed_in(people, works, "vera", "viewer", at="paths")
    expect(page.locator("#paths-state")).to_contain_text("No way was taken that the plant file does not open")
    page.locator("#by-mark").select_option("taken")
    expect(page.locator("#paths tbody tr")).to_have_count(1)
    assert "mark=taken" in page.locator("#save-csv").get_attribute("href")
    sober(page, "paths")
    with page.expect_download() as came:
        page.locator("#save-csv").click()
    rows = list(csv.DictReader(io.StringIO(came.value.path().read_text())))
    assert [(row["workload"], row["calls"]) for row in rows] == [("copilot", str(taken["calls"]))]
    page.locator("#paths tbody tr a").click()
    detail = page.locator("#path")
    expect(detail.locator("#chain")).to_contain_text("copilot")
    expect(detail.locator("#chain li")).to_have_count(len(taken["sub_processors"]) + (5 if taken["supplier"] else 4))
    sober(page, "path")
    detail.locator("#to-records").click()
    expect(page.locator("#records tbody tr").first).to_be_visible()
    assert "workload=copilot" in page.url


def test_what_nobody_declared_is_red_on_the_map_and_leads_to_its_records(works, people):
    page = signed_in(people, works, "vera", "viewer", at="map")
    # Who waited for the token to be known was nobody until then.
    expect(page.locator("#strays tbody tr")).to_have_count(1)
    expect(page.locator("#strays tbody tr")).to_contain_text("token-unknown")
    assert stray(works, works.copilot).status_code == 403
    assert stray(works, model=HOSTILE).status_code in (400, 401)
    page.goto("about:blank")
    page.goto(f"{works.console}/#/map")
    rows = page.locator("#strays tbody tr")
    expect(rows).to_have_count(3)
    lines = page.locator("path.stray")
    expect(lines).to_have_count(3)
    red = lines.first.evaluate("one => getComputedStyle(one).stroke")
    assert red == lines.last.evaluate("one => getComputedStyle(one).stroke") != page.locator("path.conduit").first.evaluate("one => getComputedStyle(one).stroke")
    # The workload stands in its zone, the address as a stranger in the zone that it lies in.
    expect(page.locator("g.stranger[data-stranger='127.0.0.2']")).to_contain_text("127.0.0.2")
    expect(page.locator("g.stranger[data-stranger=copilot]")).to_have_count(0)
    sober(page, "map-undeclared")
    with page.expect_download() as came:
        page.locator("#save-svg").click()
    drawing = came.value.path().read_text()
    assert drawing.count('class="stray"') == 3 and "href" not in drawing and "127.0.0.2" in drawing
    with page.expect_download() as came:
        page.locator("#save-table").click()
    table = list(csv.DictReader(io.StringIO(came.value.path().read_text(encoding="utf-8-sig"))))
    found = [row["name"] for row in table if row["kind"] == "undeclared path"]
    assert sorted(found) == ["127.0.0.1 to openai", "127.0.0.2 to openai", "copilot to openai"]
    with page.expect_download() as came:
        page.locator("#save-png").click()
    assert came.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    rows.filter(has_text="copilot").locator("a").click()
    expect(page.locator("#records tbody tr").first).to_contain_text("zone-mismatch")
    assert "reason=zone-mismatch" in page.url
    page.go_back()
    # A line leads there too.
    page.locator("a:has(path.stray[data-stray='127.0.0.2']) path.reach").dispatch_event("click")
    expect(page.locator("#records tbody tr").first).to_be_visible()


def test_a_way_that_was_taken_and_is_open_no_more_is_undeclared(works, people):
    file = works.folder / "plant.toml"
    text = file.read_text()
    with api(works, "viewer") as client:
        before = way(client)
        name = before["conduit"]
        start = text.index(f"[conduits.{name}]")
        cut = text[start:].replace("workloads = [", 'workloads = ["planner", ', 1) if "workloads = [" in text[start : start + 400] else None
        changed = text[:start] + cut.replace('"copilot"', '"stray"', 1) if cut else text.replace(f"[conduits.{name}]", f"[conduits.{name}-new]")
        file.write_text(changed)
        try:
            wrong = lambda: paths(client, "?mark=undeclared")["paths"]
            [gone] = wait_for(wrong, "the plant file to be in force")
            assert (gone["workload"], gone["calls"], gone["declared"], gone["allowed"]) == ("copilot", before["calls"], False, None)
            page = signed_in(people, works, "vera", "viewer", at="paths?mark=wrong")
            expect(page.locator("#paths-state")).to_contain_text("Ways that are not as the plant file says: 1.")
            page.locator("#paths tbody tr a").click()
            expect(page.locator("#path")).to_contain_text("the plant file of now does not open it")
            sober(page, "path-undeclared")
            page.goto(f"{works.console}/#/map")
            expect(page.locator("#strays")).to_contain_text("went on")
            listed = client.get("/undeclared").json()["paths"]
            assert [one for one in listed if one["reason"] is None and one["calls"] == before["calls"]]
        finally:
            file.write_text(text)
            wait_for(lambda: not paths(client, "?mark=undeclared")["paths"], "the plant file as it was")


def test_a_gateway_elsewhere_tells_its_paths_and_how_it_stands(works, tmp_path):
    issued = works.penstock("admin", "token", "issue", "--person", "otto", "--role", "viewer").stdout.strip()
    file = tmp_path / "token"
    file.write_text(issued)
    file.chmod(0o600)
    there = ("--console", works.console, "--token-file", str(file))
    wait_for(lambda: works.penstock("status", *there, plant=False, check=False).returncode == 0, "the token")
    told = works.penstock("status", *there, plant=False).stdout
    assert "takes calls   yes" in told and "copilot-openai" in told
    assert json.loads(works.penstock("status", "--json").stdout)["gateway"] == json.loads(works.penstock("status", "--json", *there).stdout)["gateway"]
    for form in (["--json"], ["--format", "csv"], ["--format", "mermaid"]):
        assert works.penstock("paths", *form, *there, plant=False).stdout == works.penstock("paths", *form).stdout
    marked = works.penstock("paths", "--json", "--marked", *there, plant=False)
    assert json.loads(marked.stdout) == []
    for wrong in (["--since", "1d", "--json"], []):
        assert works.penstock("paths", *wrong, *there, plant=False, check=False).returncode != 0
    file.write_text("nothing")
    refused = works.penstock("status", *there, plant=False, check=False)
    assert refused.returncode != 0 and "It is not known who asks" in refused.stderr
