"""The page of the plant's components: seen in traffic, drafted by a click, declared, suspended by two people, and what a stranger cannot do with it."""

import json

import pytest
from playwright.sync_api import expect
from test_console_pages import HOSTILE, ask, people, plant_text, signed_in, sober  # noqa: F401  (people is a fixture)
from test_inventory import GOVERNED, Works

from conftest import wait_for

MODEL = "model:openai/gpt-4o-mini"
# Records hold nothing that turns letters round.
RECORDED = HOSTILE.translate({0x202E: "\ufffd", 0x2066: "\ufffd"})


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    works = Works(tmp_path_factory.mktemp("components") / "works", provider, plant_text()).start()
    works.copilot = works.token("copilot")
    assert ask(works, works.copilot).status_code == 200
    wait_for(lambda: works.component(MODEL), "the model to be counted")
    yield works
    works.stop()
    assert "VERIFIED" in works.penstock("verify", str(works.folder / "ledger"), plant=False).stdout


def told(client, name):
    answer = client.get("/components")
    assert answer.status_code == 200, answer.text
    return next((one for one in answer.json()["components"] if one["name"] == name), None)


def row(page, name):
    return page.locator(f"#components tr[data-name='{name}']")


def governed(draft):
    """The draft with what a person says in place of its three comments."""
    return "".join(line for line in draft.splitlines(keepends=True) if not line.startswith("# ")) + GOVERNED


def test_a_component_is_seen_drafted_by_a_click_declared_suspended_and_approved_by_two(works, people):
    page = signed_in(people, works, "eva", "engineer", at="components")
    expect(row(page, MODEL).locator(".drift")).to_have_text("shadow")
    expect(row(page, MODEL).locator(".calls")).to_have_text("1")
    expect(page.locator("#attention")).to_contain_text(f"{MODEL}: used, and declared nowhere")
    # A workload that lacks the three is used by nobody, and said to lack them.
    expect(row(page, "workload:stray").locator(".why")).to_contain_text("lacks: owner, update process, isolation plan")
    sober(page, "components")

    row(page, MODEL).locator("a").click()
    detail = page.locator("#component")
    expect(detail).to_contain_text("seen, and declared nowhere.")
    expect(detail.locator("#seen")).to_contain_text("copilot")
    detail.locator("#draft-it").click()
    draft = works.penstock("inventory", "draft", MODEL).stdout
    expect(detail.locator("#declaration code")).to_have_text(draft, use_inner_text=True)
    assert detail.locator("#declaration").text_content() == draft
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    detail.locator("#copy").click()
    wait_for(lambda: page.evaluate("() => navigator.clipboard.readText()") == draft, "the copy")
    sober(page, "components-draft")
    detail.locator("#to-draft").click()
    expect(page.locator("h1")).to_have_text("Plant")

    works.say("\n" + governed(draft))
    page.goto(f"{works.console}/#/components?open=model:gpt-4o-mini")
    name = "model:gpt-4o-mini"
    expect(row(page, name).locator(".drift")).to_have_text("matched")
    expect(row(page, name).locator(".owner")).to_have_text("Ada")
    expect(row(page, MODEL)).to_have_count(0)
    expect(detail.locator("#declared")).to_contain_text("the printed instructions")
    command = f'penstock inventory sign {name} --to suspended --because "WHY" --key FILE'
    step = detail.locator("#steps li[data-to=suspended]")
    expect(step.locator("code")).to_have_text(command)
    expect(step).to_contain_text("0 of 2 signed")
    assert detail.locator("#draft-it").count() == 0

    # Each signature is seen as it comes; the second puts it in force.
    works.sign("ada", name, "suspended", "leaks recipes")
    expect(step).to_contain_text("1 of 2 signed ada")
    expect(row(page, name).locator(".stands")).to_have_text("live")
    works.sign("ben", name, "suspended")
    expect(row(page, name).locator(".stands")).to_have_text("suspended")
    expect(detail.locator("#steps")).to_contain_text("signed by ada, ben: leaks recipes")
    assert ask(works, works.copilot).status_code == 403
    # A call that was refused for it has used nothing.
    expect(row(page, name).locator(".refused")).to_have_text("1")
    expect(row(page, name).locator(".drift")).to_have_text("matched")
    sober(page, "components-suspended")

    page.locator("#by-state").select_option("suspended")
    expect(page.locator("#components tbody tr")).to_have_count(1)
    page.locator("#by-state").select_option("")

    # Approved by two, it is seen live, and works.
    back = detail.locator("#steps li[data-to=live]")
    works.sign("ada", name, "live")
    expect(back).to_contain_text("1 of 2 signed ada")
    assert ask(works, works.copilot).status_code == 403
    works.sign("ben", name, "live")
    expect(row(page, name).locator(".stands")).to_have_text("live")
    assert ask(works, works.copilot).status_code == 200
    page.locator("#by-state").select_option("live")
    assert "state=live" in page.url
    page.locator("#close").click()
    expect(detail).to_be_hidden()
    expect(row(page, name).locator("a")).to_be_focused()
    page.locator("#by-state").select_option("")
    page.locator("#by-kind").select_option("provider")
    expect(row(page, "provider:openai")).to_have_count(1)
    expect(row(page, name)).to_have_count(0)


def test_who_may_not_change_the_plant_sees_the_list_and_gets_no_draft(works, people):
    assert ask(works, works.copilot, model="gpt-viewed").status_code == 200
    name = "model:openai/gpt-viewed"
    with works.api("viewer") as client:
        one = wait_for(lambda: told(client, name), "the model to be counted")
        assert (one["drift"], one["state"], one["draftable"], one["seen"]["calls"]) == ("shadow", None, True, 1)
        refused = client.post("/declarations", json={"component": name})
        assert refused.status_code == 403 and "text" not in refused.json()
    page = signed_in(people, works, "vera", "viewer", at=f"components?open={name}")
    expect(page.locator("#component")).to_contain_text("Your roles do not include drafting")
    assert page.locator("#draft-it").count() == 0
    sober(page, "components-viewer")
    with works.api("engineer") as client:
        given = client.post("/declarations", json={"component": name})
        assert given.json() == {"text": works.penstock("inventory", "draft", name).stdout}
        assert client.post("/declarations", json={"component": "model:nobody/nothing"}).status_code == 404
        for component in ("workload:copilot", "endpoint:openai/chat.completions", "", "x" * 601):
            assert client.post("/declarations", json={"component": component}).status_code == 422, component


def test_names_of_a_stranger_execute_nothing_and_mislead_nobody(works, people):
    agent = "<script>document.title='owned'</script>/1.0"
    with works.client(headers={"Authorization": f"Bearer {works.copilot}", "User-Agent": agent}) as client:
        body = {"model": HOSTILE, "messages": [{"role": "user", "content": "hello"}]}
        client.post(f"{works.base}/openai/v1/chat/completions", json=body)
    name = f"model:openai/{RECORDED}"
    with works.api("engineer") as client:
        one = wait_for(lambda: told(client, name), "the model to be counted")
        text = client.post("/declarations", json={"component": one["name"]}).json()["text"]
        listed = client.get("/components").text
    assert "\u202e" not in text + listed and "<script" not in listed
    page = signed_in(people, works, "eva", "engineer", at="components")
    entry = page.locator("#components tr", has_text="onerror=document.title")
    expect(entry).to_contain_text("\ufffdgnp.exe\ufffd")
    entry.locator("a").click()
    page.locator("#draft-it").click()
    expect(page.locator("#declaration")).to_contain_text("onerror")
    assert page.locator("#declaration").text_content() == text, "what is shown is what is copied"
    assert "owned" not in page.title() and page.locator("main img").count() == 0
    sober(page, "components-hostile")
    # It is put into the plant file as it is, and declares that model and nothing else.
    works.say("\n" + governed(text))
    with works.api("engineer") as client:
        assert wait_for(lambda: told(client, name) is None, "the model to be declared")
    declared = [one for one in works.inventory("--state", "matched") if one["kind"] == "model"]
    assert RECORDED in [called for one in declared for called in one["declared"]["names"]]


def test_the_page_is_used_by_keyboard_in_german_on_a_phone_and_in_the_dark(works, people):
    page = signed_in(people, works, "eva", "engineer", at="components", color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text("Komponenten")
    sober(page, "components-phone")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    link = page.locator("#components tbody tr a").first
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#component")).to_be_focused()
    expect(page.locator("#component")).to_contain_text("Was gesehen wurde")
    sober(page, "components-phone-detail")
    page.keyboard.press("Tab")
    expect(page.locator("#close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(link).to_be_focused()


def test_the_list_holds_nothing_that_was_said_and_is_narrowed_down(works):
    with works.api("viewer") as client:
        listed = client.get("/components")
        assert MODEL.split("/")[1] in listed.text and "hello" not in json.dumps(listed.json())
        models = client.get("/components?kind=model").json()
        assert models and {one["kind"] for one in models} == {"model"}
        assert client.get("/components?format=text&name=model:nothing").status_code == 404
        for query, status in [("kind=colour", 422), ("state=colour", 422), ("format=xml", 422), ("colour=red", 400)]:
            assert client.get(f"/components?{query}").status_code == status, query
