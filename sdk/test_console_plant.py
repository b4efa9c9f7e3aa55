"""The page of the plant's own files: what is in force, what lies on the disk, and drafts that are tried out over recorded calls."""

import contextlib
import json

import httpx
import pytest
from playwright.sync_api import expect
from test_console_pages import HOSTILE, ask, link, people, plant_text, signed_in, sober  # noqa: F401  (people is a fixture)

from conftest import DEADLINE, Plant, wait_for


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    folder = tmp_path_factory.mktemp("plant-page") / "works"
    text = plant_text().replace("[plant]\n", '[plant]\n# A word that stays here: Falcon.\n', 1)
    text = text.replace('models = ["*"]', 'models = ["gpt-4o-mini"]', 1) + '\n[rules]\nfiles = ["rules/plant.cedar"]\n'
    plant = Plant(folder, provider, text=text).start()
    token = plant.token("copilot")
    for content in ["hello", "why does TIC-101 drift", "hello again"]:
        assert ask(plant, token, content).status_code == 200
    # What is replayed is what is published.
    wait_for(lambda: plant.penstock("records", "--limit", "1").returncode == 0, "records")
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def text_of(plant):
    return (plant.folder / "plant.toml").read_text()


def tried(client, *files):
    answer = client.post("/drafts", json={"files": dict(files)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_draft_is_checked_compared_and_replayed_before_it_goes_live(works, people):
    page = signed_in(people, works, "eva", "engineer", at="plant")
    editor = page.locator("#text")
    expect(editor).to_have_value(text_of(works))
    expect(page.locator("#try")).to_be_disabled()
    sober(page, "plant")

    def published():
        with works.api("engineer") as client:
            return tried(client, ("plant.toml", text_of(works) + "\n"))["replay"]["calls"] >= 3

    wait_for(published, "the calls to be published")
    before = text_of(works)
    editor.fill(before.replace("gpt-4o-mini", "gpt-5-nano"))
    page.locator("#try").click()
    result = page.locator("#tried")
    expect(result).to_contain_text("3 would be decided otherwise")
    expect(result).to_contain_text("refuse (model-not-allowed)")
    expect(result.locator(".closes")).to_contain_text("gpt-4o-mini")
    expect(result.locator(".opens")).to_contain_text("gpt-5-nano")
    expect(result).to_contain_text("penstock reload")
    sober(page, "plant-tried")
    # A slip is shown where it is.
    editor.fill(before.replace('ceiling = "restricted"', 'ceiling = "restrickted"', 1))
    page.locator("#try").click()
    expect(result).to_contain_text("This cannot come into force.")
    line = before[: before.index('ceiling = "restricted"')].count("\n") + 1
    result.locator(".problems button").first.click()
    assert f"plant.toml:{line}" in result.locator(".problems").first.inner_text()
    marked = "() => { const one = document.querySelector('#text'); return one.value.slice(one.selectionStart, one.selectionEnd) }"
    assert "restrickted" in page.evaluate(marked)
    page.locator("#undo").click()
    expect(editor).to_have_value(before)
    expect(result).to_be_hidden()
    assert text_of(works) == before, "nothing of a draft is written"
    with page.expect_download() as download:
        page.locator("#save").click()
    assert download.value.suggested_filename == "plant.toml" and open(download.value.path()).read() == before


def test_what_lies_on_the_disk_and_cannot_come_into_force_is_shown(works, people):
    page = signed_in(people, works, "eva", "engineer", at="plant")
    expect(page.locator("#waits")).to_be_hidden()
    before = text_of(works)
    # A comment of somebody who may write there, but not everything.
    (works.folder / "plant.toml").write_text(before + f'\n# {HOSTILE}\n[zones.nowhere]\nlevel = "9"\n')
    try:
        page.reload()
        expect(page.locator("#waits")).to_contain_text("This cannot come into force.")
        page.locator("#reload").click()
        expect(page.locator(".signals")).to_contain_text("This cannot come into force.")
        expect(page.locator(".problems li").first).to_contain_text("nowhere")
        assert "owned" not in page.title()
        sober(page, "plant-waits")
    finally:
        (works.folder / "plant.toml").write_text(before)
    page.locator("#reload").click()
    expect(page.locator("#waits")).to_be_hidden()


def test_rules_of_a_draft_are_tried_too(works):
    with works.api("engineer") as client:
        [rules] = [one for one in client.get("/plant").json()["files"] if one["path"].endswith(".cedar")]
        forbid = '\n@id("nobody")\nforbid (principal, action, resource) when { context has model && context.model == "gpt-4o-mini" };\n'
        new = tried(client, (rules["path"], rules["text"] + forbid))
        assert new["digest"], new["problems"]
        assert new["replay"]["changed"] == 3
        assert {one["draft"] for one in new["replay"]["list"]} == {"refuse (rule-forbids)"}
        broken = tried(client, (rules["path"], "forbid (principal"))
        assert (broken["digest"], broken["replay"]) == (None, None) and broken["problems"][0]["severity"] == "error"


def test_a_draft_with_too_many_paths_is_compared_as_far_as_there_is_time(works):
    """Each of many workloads, on a conduit with many purposes; what was left out is told, and nothing else is left out."""
    purposes = json.dumps([f"p{number}" for number in range(50)])
    owned = 'owner = "a"\nupdate_process = "b"\nisolation_plan = "c"\n'
    workload = f'[workloads.w{{}}]\nzone = "line"\npurposes = {purposes}\n{owned}'
    conduit = (
        f'[conduits.c0]\nfrom = ["line"]\nto = "openai"\npurposes = {purposes}\nmodels = ["*"]\nceiling = "public"\n'
        'owner = "a"\napproved_by = "b"\n'
    )
    with api(works, "engineer") as client:
        for count, compared in ((100, True), (1000, False)):
            text = text_of(works) + conduit + "".join(workload.format(number) for number in range(count))
            told = tried(client, ("plant.toml", text))
            assert told["digest"], told["problems"][:3]
            left_out = [one for one in told["problems"] if "was not compared" in one["message"]]
            assert [one["severity"] for one in left_out] == ([] if compared else ["warning"]), told["problems"][:3]
            assert any(one["text"].startswith("can call `openai`") for one in told["differences"]) == compared
            assert any(one["place"] == "conduit `c0`" for one in told["differences"]), "everything else was compared"


def test_a_draft_sees_no_file_that_the_plant_does_not_name(works):
    with works.api("engineer") as client:
        for path in ["/etc/passwd", "../../../../../../etc/passwd", "keys/gateway.key", "tokens.json"]:
            told = tried(client, ("plant.toml", text_of(works).replace("rules/plant.cedar", path)))
            assert told["digest"] is None and "root:" not in json.dumps(told)
            assert any("neither in the draft nor named" in one["message"] or path in one["message"] for one in told["problems"]), told


def test_a_draft_tells_of_no_file_outside_of_the_plants_folder(works):
    up = "../" * 24
    with works.api("engineer") as client:
        told = []
        for path in ["etc/passwd", "etc/no-such-file-at-all", "etc/shadow"]:
            text = text_of(works).replace('"pki/authority.pem"', f'"{up}{path}"', 1)
            assert path in text
            told.append([(one["line"], one["message"].replace(path, "")) for one in tried(client, ("plant.toml", text))["problems"]])
        assert told[0] == told[1] == told[2]


def test_a_draft_that_is_hung_up_on_still_has_its_turn(works):
    slow = "\n".join(f'@id("r{n}")\nforbid (principal, action, resource) when {{ context has model && context.model like "*{n}*x*" }};' for n in range(800))
    with works.api("engineer") as client:
        [rules] = [one for one in client.get("/plant").json()["files"] if one["path"].endswith(".cedar")]

        def busy_after_hanging_up():
            with contextlib.suppress(httpx.TimeoutException):
                client.post("/drafts", json={"files": {rules["path"]: slow}}, timeout=httpx.Timeout(DEADLINE, read=0.2))
            return client.post("/drafts", json={"files": {rules["path"]: rules["text"]}}).status_code == 503

        # A machine on which the draft is done that soon may be asked again.
        assert any(busy_after_hanging_up() for _ in range(5))
        wait_for(lambda: client.post("/drafts", json={"files": {rules["path"]: rules["text"]}}).status_code == 200, "its end")


def test_what_is_no_draft_is_refused(works):
    with works.api("engineer") as client:
        other = {"files": {"plant.toml": text_of(works).replace('name = "works"', 'name = "mine"')}}
        for body in [{}, {"files": {}}, {"files": {"a": None}}, {"files": {"": "b"}}, {"files": {f"f{n}": "b" for n in range(65)}}, other]:
            assert client.post("/drafts", json=body).status_code == 422, body
        assert client.post("/drafts", json={"files": {"plant.toml": "x" * (3 << 20)}}).status_code == 413
        strange = tried(client, ("plant.toml", "\x00" + HOSTILE))
        assert strange["digest"] is None and strange["problems"]


def test_a_plant_of_another_name_on_the_disk_is_shown_as_what_cannot_come_into_force(works):
    before = text_of(works)
    with works.api("viewer") as viewer, works.api("engineer") as engineer:
        (works.folder / "plant.toml").write_text(before.replace('name = "works"', 'name = "mine"'))
        try:
            for client in [viewer, engineer]:
                standing = client.get("/plant")
                assert standing.status_code == 200, standing.text
                waits = standing.json()["waits"]
                assert waits["digest"] is None and not waits["differences"]
                [told] = waits["problems"]
                assert told["severity"] == "error" and "this is the plant file of" in told["message"]
                assert ("`mine`" in told["message"]) == (client is engineer), "names are for whom may see the files"
        finally:
            (works.folder / "plant.toml").write_text(before)


def test_what_waits_is_told_to_whoever_may_not_see_the_files_without_its_words(works):
    before = text_of(works)
    with contextlib.ExitStack() as stack:
        # A new token has the gateway read its files anew, so these come first.
        clients = [(stack.enter_context(works.api(role)), sees) for role, sees in [("viewer", False), ("operator", False), ("security", True)]]
        (works.folder / "plant.toml").write_text(before.replace('owner = "Line engineering"', 'owner = "Falcon"', 1))
        try:
            for client, sees in clients:
                waits = client.get("/plant").json()["waits"]
                assert waits["digest"] and [one["effect"] for one in waits["differences"]] == ["changes"], waits
                assert ("Falcon" in json.dumps(waits)) == sees
        finally:
            (works.folder / "plant.toml").write_text(before)


def test_who_may_not_sees_what_is_in_force_and_no_words_of_it(works, people):
    for role, sees in {"viewer": False, "operator": False, "auditor": True, "engineer": True}.items():
        with works.api(role) as client:
            standing = client.get("/plant").json()
            assert bool(standing["files"]) == sees and ("Falcon" in json.dumps(standing)) == sees, role
            if role != "engineer":
                assert client.post("/drafts", json={"files": {"plant.toml": ""}}).status_code == 403
    page = signed_in(people, works, "vera", "viewer", at="plant")
    expect(page.locator("main")).to_contain_text("they may hold words")
    assert page.locator("#text").count() == page.locator("#try").count() == 0 and "Falcon" not in page.content()
    sober(page, "plant-viewer")
