"""The element that HMIs embed, in a real browser: with the mouse, by keyboard, in both languages, and when nobody can take what is told.

Needs Debian's `chromium`. Screenshots of the example page are left in .test/hmi/.
"""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from conftest import DEADLINE, HERE, first_line
from test_oversight import PAGE, Works

EXAMPLE = HERE.parent / "examples" / "hmi"
SHOTS = HERE.parent / ".test" / "hmi"
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider, issuer):
    works = Works(tmp_path_factory.mktemp("hmi") / "works", provider, issuer)
    yield works
    works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


@pytest.fixture(scope="module")
def server(works, anna):
    """The example's own server, as its README starts it."""
    for name, text in {"token": works.key, "operator": anna}.items():
        (works.folder / name).write_text(text + "\n")
    settings = {
        "HMI_LISTEN": "127.0.0.1:0", "HMI_GATE": works.base, "HMI_PROVIDER": "watched", "HMI_AUTHORITY": works.authority,
        "HMI_TOKEN": str(works.folder / "token"), "HMI_OPERATOR": str(works.folder / "operator"), "HMI_CONNECT": works.plain,
    }
    process = subprocess.Popen(
        [sys.executable, EXAMPLE / "server.py"], env=os.environ | settings, stdout=subprocess.PIPE, text=True
    )
    yield first_line(process)
    process.terminate()
    process.wait(DEADLINE)


@pytest.fixture
def page(chromium, server):
    """The page in front of an operator. Nothing may come from elsewhere, and the console must stay empty."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(DEADLINE * 1000)
    page = context.new_page()
    page.noise = []
    page.on("console", lambda message: page.noise.append(message.text))
    page.on("pageerror", lambda error: page.noise.append(str(error)))
    yield page
    context.close()


def ask(page, server, question="how hot", language="en"):
    page.goto(f"{server}/?lang={language}")
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")
    expect(page.locator("#answer")).to_have_text(question)
    page.locator("#oversight[record]").wait_for()
    return page.locator("#oversight").get_attribute("record")


def told(works, call):
    return [record["note"] | {"by": record["who"].get("operator", {}).get("by")}
            for record in works.records("--kind", "oversight", "--id", call)]


def status(page):
    return page.get_by_role("status").filter(has_text=".")


def test_a_button_tells_and_the_gateway_has_it_on_record(works, server, page):
    call = ask(page, server)
    expect(page.get_by_role("toolbar", name="What did you do with this answer?").get_by_role("button")).to_have_count(5)
    page.get_by_role("button", name="Accept").click()
    expect(status(page)).to_have_text("Recorded: accepted.")
    [note] = told(works, call)
    assert (note["decision"], note["by"]) == ("accepted", "oidc")
    assert 0 <= note["shown_ms"] <= note["after_ms"] + 1000
    expect(page.get_by_role("button", name="Accept")).to_be_disabled()
    expect(page.get_by_role("button", name="Accept")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Why? (optional)").fill("it was 64 already")
    page.get_by_role("button", name="Change my mind").click()
    page.get_by_role("button", name="Override").click()
    expect(status(page)).to_have_text("Recorded: overridden.")
    first, second = told(works, call)
    assert (first["decision"], second["decision"], second["comment_bytes"]) == ("accepted", "overridden", 17)
    assert not page.noise, page.noise
    page.screenshot(path=SHOTS / "recorded.png")


def test_an_edit_begins_with_the_answer_and_is_committed_to(works, server, page):
    call = ask(page, server, "lower it to 62")
    page.get_by_label("Why? (optional)").fill("too hot")
    page.get_by_role("button", name="Edit").click()
    edited = page.get_by_label("What do you use instead?")
    expect(edited).to_have_value("lower it to 62")
    expect(edited).to_be_focused()
    page.screenshot(path=SHOTS / "edit.png")
    edited.press("Escape")
    expect(page.get_by_role("button", name="Edit")).to_be_focused()
    assert told(works, call) == []
    page.keyboard.press("Enter")
    edited.fill("lower it to 63")
    page.get_by_role("button", name="Save").click()
    expect(status(page)).to_have_text("Recorded: edited.")
    [note] = told(works, call)
    assert (note["edited_bytes"], note["comment_bytes"]) == (14, 7)
    assert not page.noise, page.noise


def test_by_keyboard_alone_and_in_german(works, server, page):
    call = ask(page, server, language="de")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Übernehmen")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Ablehnen")).to_be_focused()
    page.screenshot(path=SHOTS / "german.png")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Übernehmen")).to_be_focused()
    page.keyboard.press("r")
    expect(status(page)).to_have_text("Aufgezeichnet: abgelehnt.")
    expect(page.get_by_role("button", name="Anders entscheiden")).to_be_focused()
    assert [note["decision"] for note in told(works, call)] == ["rejected"]
    assert not page.noise, page.noise


def test_what_nobody_can_take_now_is_tried_again_with_the_time_that_it_took(works, server, page):
    call = ask(page, server)
    sent = []

    def away(route):
        sent.append(route.request.post_data_json)
        route.abort()

    page.route("**/oversight", away)
    page.get_by_role("button", name="Accept").click()
    expect(status(page)).to_have_text("Not recorded yet. It is being tried again; leave this page open.")
    assert told(works, call) == []
    page.unroute("**/oversight")
    expect(status(page)).to_have_text("Recorded: accepted.")
    [note] = told(works, call)
    assert note["shown_ms"] == sent[0]["shown_ms"], "waiting for the gateway is not reading"


def test_what_the_gateway_does_not_take_is_said(works, server, page):
    call = ask(page, server)
    page.evaluate("document.getElementById('oversight').addEventListener('failed', event => document.title = event.detail.code)")
    other = call[:-1] + ("0" if call[-1] != "0" else "1")
    page.evaluate("record => document.getElementById('oversight').setAttribute('record', record)", other)
    page.get_by_role("button", name="Accept").click()
    expect(status(page)).to_have_text("Not recorded: record-unknown.")
    expect(page).to_have_title("record-unknown")
    expect(page.get_by_role("button", name="Accept")).to_be_enabled()


def test_an_answer_that_is_hostile_stays_text(works, server, page):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    call = ask(page, server)
    # The gateway has let no such thing through; another server might.
    page.evaluate("text => { document.getElementById('answer').textContent = text }", hostile)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("What do you use instead?")).to_have_value(hostile)
    page.get_by_role("button", name="Save").click()
    expect(status(page)).to_have_text("Recorded: edited.")
    assert len(told(works, call)) == 1 and not page.noise, page.noise


def test_only_while_it_is_in_sight_an_answer_is_on_show(server, page):
    ask(page, server)
    body = []
    page.route("**/oversight", lambda route: (body.append(route.request.post_data_json), route.fulfill(status=400, json={"code": "x"})))
    frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
    page.evaluate("document.getElementById('answer').hidden = true")
    page.evaluate(frames)
    gone = page.evaluate("performance.now()")
    page.wait_for_function("since => performance.now() > since + 500", arg=gone)
    back = page.evaluate("performance.now()")
    page.evaluate("document.getElementById('answer').hidden = false")
    page.get_by_role("button", name="Reject").click()
    expect(status(page)).to_have_text("Not recorded: x.")
    assert 0 <= body[0]["shown_ms"] <= page.evaluate("performance.now()") - (back - gone)


def test_a_page_that_the_plant_names_tells_the_gateway_itself(works, server, page, anna):
    call = ask(page, server)
    direct = """([gate, key, operator]) => {
        const element = document.getElementById("oversight");
        element.endpoint = `${gate}/penstock/v1/oversight`;
        element.headers = async () => ({ Authorization: `Bearer ${key}`, "Penstock-Operator": operator });
    }"""
    page.evaluate(direct, [works.plain, works.key, anna])
    page.get_by_role("button", name="Stop").click()
    # Of another origin than the plant names: the browser does not let it, and nothing is on record.
    expect(status(page)).to_have_text("Not recorded yet. It is being tried again; leave this page open.")
    assert told(works, call) == []
    plant = works.folder / "plant.toml"
    plant.write_text(plant.read_text().replace(f'"{PAGE}"', f'"{PAGE}", "{server}"'))
    works.penstock("reload")
    expect(status(page)).to_have_text("Recorded: stopped.")
    assert [note["decision"] for note in told(works, call)] == ["stopped"]
    assert told(works, call)[0]["by"] == "oidc"
