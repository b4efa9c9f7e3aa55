"""The console's pages in a real browser: signing in both ways, what is shown, and what is done by clicks, on a gateway that runs.

Needs Debian's `chromium`. Screenshots of the pages are left in .test/console/.
"""

import concurrent.futures
import csv
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import threading

import httpx
import pytest
from playwright.sync_api import expect

from conftest import BINARIES, DEADLINE, HERE, Plant, wait_for

expect.set_options(timeout=DEADLINE * 1000)
SHOTS = HERE.parent / ".test" / "console"
AXE = (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text
CONSOLE = """
[console]
listen = "127.0.0.1:0"
time_zone = "Europe/Berlin"
"""
LOGIN = """
[console.login]
client = "penstock-console"
secret = "console.secret"
scopes = ["openid", "groups"]

[console.roles]
engineer = ["ot-engineering"]
viewer = ["plant-staff"]
"""
# What somebody might want a person who decides to see.
HOSTILE = "<img src=x onerror=document.title='owned'>\u202egnp.exe\u2066"
SECRET = "Xk29dLq8vTz1"


def plant_text(more=""):
    """The plant of the SDK tests with a console, where calls with a secret wait for a person."""
    text = (HERE / "plant.toml").read_text()
    text = text.replace('{ label = "secret", do = "refuse" },', '{ label = "secret", do = "hold" },', 1)
    # What an approval lets out stays below the conduit's ceiling.
    return text.replace("[labels]", '[labels]\nsecret = "confidential"') + CONSOLE + more


@pytest.fixture
def people(chromium):
    """Gives each person a browser of their own, and fails if a page ever complained."""
    made, noise = [], []

    def person(**more):
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", **more)
        context.set_default_timeout(DEADLINE * 1000)
        page = context.new_page()
        # What could not be had is what some of these tests are about; everything else is a fault of the page.
        faults = lambda one: one.type in ("error", "warning") and not one.text.startswith("Failed to load resource")
        page.on("console", lambda one: noise.append(one.text) if faults(one) else None)
        page.on("pageerror", lambda problem: noise.append(str(problem)))
        made.append(context)
        return page

    yield person
    for context in made:
        context.close()
    assert not noise, noise


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    plant = Plant(tmp_path_factory.mktemp("pages") / "works", provider, text=plant_text()).start()
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def link(plant, person, *roles):
    flags = [flag for role in roles for flag in ("--role", role)]
    return plant.penstock("admin", "link", "--person", person, *flags).stdout.strip()


def signed_in(people, plant, person, *roles, at="now", **more):
    page = people(**more)
    page.goto(link(plant, person, *roles))
    page.locator("#to-now").wait_for()
    page.goto(f"{plant.console}/#/{at}")
    expect(page.locator(".state")).to_have_text(re.compile("live"))
    return page


def ask(plant, token, content="hello", model="gpt-4o-mini", provider="openai"):
    body = {"model": model, "messages": [{"role": "user", "content": content}]}
    with plant.client(headers={"Authorization": f"Bearer {token}"}) as client:
        return client.post(f"{plant.base}/{provider}/v1/chat/completions", json=body)


def sober(page, name, shot=True):
    """No serious finding of axe-core, and a picture to look at."""
    if shot:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    # The page's own policy lets no script in; the tool comes by the debugger, which stands outside of it.
    page.evaluate(f"() => {{ {AXE()} }}")
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in serious]
    assert not told, (name, told)


def test_whoever_starts_a_fresh_gateway_is_given_a_link_on_the_terminal(tmp_path, provider, people):
    plant = Plant(tmp_path / "fresh", provider, text=plant_text())
    ours, theirs = pty.openpty()
    addresses = plant.folder / "addresses"
    process = subprocess.Popen(
        [BINARIES / "penstock", "--plant", str(plant.folder), "run", "--addresses", str(addresses)], env=plant.environment, stderr=theirs
    )
    os.close(theirs)
    told = []

    def read():
        try:
            while chunk := os.read(ours, 4096):
                told.append(chunk)
        except OSError:
            pass  # the terminal is gone with the gateway

    reader = threading.Thread(target=read)
    reader.start()
    try:
        found = wait_for(lambda: re.search(rb"http://[0-9.:]+/#link=[0-9a-f]{64}", b"".join(told)), "the link")
        page = people()
        page.goto(found[0].decode())
        page.locator("#to-now").wait_for()
        assert "link=" not in page.url and "link=" not in page.evaluate("() => location.href")
        assert page.locator(".person bdi").inner_text() == f"user-{os.getuid()}"
        again = people()
        again.goto(found[0].decode())
        expect(again.locator("[role=alert]")).to_contain_text("has been used")
        sober(again, "sign-in-link-used")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(DEADLINE)
        reader.join(DEADLINE)
        os.close(ours)
    # In a log there is none: whoever reads it is somebody else.
    plant.start()
    plant.stop()
    log = (plant.folder / "log").read_text()
    assert "penstock admin link" in log and "#link=" not in log


def with_issuer(folder, provider, issuer, more=""):
    """A plant whose people sign in at the issuer, with more lines in its file; it runs."""
    text = issuer.vouches(plant_text(LOGIN), 'roles_claim = "groups"')
    text = text.replace('audiences = ["penstock"]', 'audiences = ["penstock", "penstock-console"]')
    plant = Plant(folder, provider, issuer.address, issuer.discovery, text + more)
    secret = plant.folder / "console.secret"
    secret.write_text("a-secret/of_the:console\n")
    secret.chmod(0o600)
    plant.start()
    known = httpx.post(f"{issuer.address}/console?{plant.console}/signed-in", verify=issuer.tls)
    assert known.status_code == 200
    return plant


@pytest.fixture(scope="module")
def office(tmp_path_factory, provider, issuer):
    plant = with_issuer(tmp_path_factory.mktemp("office") / "works", provider, issuer)
    yield plant
    plant.stop()


def at_issuer(page, plant, person):
    """Signs in at the issuer's own pages; ends where it sends the browser."""
    page.goto(plant.console)
    page.locator("#sign-in").click()
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("x")
    page.get_by_role("button").first.click()
    page.get_by_role("button", name="Continue").click()


def test_people_sign_in_at_the_issuer_and_out_again(office, people):
    page = people(ignore_https_errors=True)
    page.goto(office.console)
    sober(page, "sign-in")
    at_issuer(page, office, "anna")
    page.locator("#to-now").wait_for()
    assert page.url.rstrip("/") == office.console
    assert re.fullmatch(r"op-[a-z2-7]{16}", page.locator(".person bdi").inner_text())
    expect(page.locator(".person small")).to_have_text("engineer")
    cookies = {one["name"]: one for one in page.context.cookies(office.console)}
    [session] = [one for name, one in cookies.items() if re.fullmatch(r"penstock-\d+", name)]
    assert (session["httpOnly"], session["sameSite"], session["expires"]) == (True, "Strict", -1)
    page.locator("#sign-out").click()
    page.locator("#sign-in").wait_for()
    url = f"{office.console}/api/v1/me"
    assert httpx.get(url, cookies={session["name"]: session["value"]}).status_code == 401
    told = wait_for(lambda: [one["note"] for one in office.records("--kind", "admin") if one["note"].get("change") == "signed-out"], "the record")
    assert told[-1]["by"].endswith("(oidc)") and told[-1]["roles"] == "engineer"


def test_whom_the_issuer_knows_and_the_plant_does_not_sees_nothing(office, people):
    page = people(ignore_https_errors=True)
    at_issuer(page, office, "clara")
    expect(page.get_by_role("heading")).to_contain_text("no role")
    sober(page, "no-role")
    assert page.evaluate("async () => (await fetch('/api/v1/now')).status") == 403
    found = lambda: [one for one in office.records("--kind", "admin") if one["note"].get("reason") == "no-role"]
    refused = wait_for(found, "the record")[0]
    assert refused["note"]["by"] == f"{refused['who']['operator']['id']} (oidc)" and refused["note"]["roles"] == ""


def test_who_comes_back_with_anything_but_their_own_trip_is_not_signed_in(office, people):
    """Another state, another browser, a second time, somebody else's address: all end at the front page, signed out."""
    page = people(ignore_https_errors=True)
    came = []
    page.on("request", lambda one: came.append(one.url) if "/signed-in?" in one.url else None)
    at_issuer(page, office, "anna")
    page.locator("#to-now").wait_for()
    [back] = came
    other = people(ignore_https_errors=True)
    other.goto(back)  # the code and state of somebody else
    expect(other.locator("[role=alert]")).to_contain_text("did not work")
    with httpx.Client(base_url=office.console) as browser:
        away = browser.get("/sign-in?next=https://evil.example&redirect_uri=https://evil.example")
        assert away.status_code == 303
        where = httpx.URL(away.headers["location"])
        assert where.params["redirect_uri"] == f"{office.console}/signed-in"
        assert where.params["code_challenge_method"] == "S256" and len(where.params["nonce"]) == 64
        for query in ["", "?code=x", f"?state={where.params['state']}", "?code=x&state=0", f"?code=x&state={where.params['state']}", "?code=%"]:
            answer = browser.get(f"/signed-in{query}")
            assert (answer.status_code, answer.headers["location"]) == (303, "/#sign-in-failed"), query
            assert "penstock-" not in "".join(one for one in answer.headers.get_list("set-cookie") if "trip" not in one)
    again = people(ignore_https_errors=True)
    again.goto(f"{office.console}/#sign-in-failed")
    expect(again.locator("[role=alert]")).to_contain_text("did not work")


def cookie_of(page, plant):
    [session] = [one for one in page.context.cookies(plant.console) if re.fullmatch(r"penstock-\d+", one["name"])]
    return {session["name"]: session["value"]}


def test_a_planted_session_is_never_that_of_who_signs_in(works, people):
    page = people()
    name = f"penstock-{httpx.URL(works.console).port}"
    planted = "0" * 64
    page.context.add_cookies([{"name": name, "value": planted, "url": works.console, "sameSite": "Strict", "httpOnly": True}])
    page.goto(link(works, "ada", "viewer"))
    page.locator("#to-now").wait_for()
    first = cookie_of(page, works)
    assert first[name] != planted
    page.goto("about:blank")
    page.goto(link(works, "ada", "viewer"))
    page.locator("#to-now").wait_for()
    second = cookie_of(page, works)
    assert second != first
    for stale in ({name: planted}, first):
        assert httpx.get(f"{works.console}/api/v1/me", cookies=stale).status_code == 401
    # Two of one name: one of them is somebody else's.
    both = {"Cookie": f"{name}={second[name]}; {name}={planted}"}
    assert httpx.get(f"{works.console}/api/v1/me", headers=both).status_code == 401


def test_another_site_changes_nothing_by_somebodys_session(works, people):
    page = signed_in(people, works, "sam", "security")
    cookies = cookie_of(page, works)
    token = page.evaluate("async () => (await (await fetch('/api/v1/session')).json()).token")
    own = {"Origin": works.console, "Penstock-Console-Token": token}
    wish = {"part": "zone:lab", "reason": "a drill"}

    def isolate(**headers):
        return httpx.post(f"{works.console}/api/v1/isolations", cookies=cookies, json=wish, headers=headers)

    for refused in [
        {},
        {"Origin": works.console},
        {"Penstock-Console-Token": token},
        own | {"Origin": "https://evil.example"},
        own | {"Origin": "null"},
        own | {"Penstock-Console-Token": "0" * 64},
        own | {"Sec-Fetch-Site": "cross-site"},
        own | {"Sec-Fetch-Site": "same-site"},
    ]:
        answer = isolate(**refused)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:penstock:problem:cross-site"), refused
    url = f"{works.console}/api/v1/session"
    assert httpx.delete(url, cookies=cookies, headers={"Origin": "https://evil.example"}).status_code == 403
    strange = httpx.post(url, json={"link": "0" * 64}, headers={"Origin": "https://evil.example"})
    assert strange.status_code == 403, "nobody is signed in by another site either"
    assert httpx.get(f"{works.console}/api/v1/isolations", cookies=cookies).json()["isolated"] == []
    # A page of another site, in the same browser, with the person signed in: the browser sends no cookie along.
    page.route("http://evil.test/", lambda route: route.fulfill(body="<!doctype html><title>evil</title>", content_type="text/html"))
    evil = page.context.new_page()
    evil.route("http://evil.test/", lambda route: route.fulfill(body="<!doctype html><title>evil</title>", content_type="text/html"))
    evil.goto("http://evil.test/")
    asked = "url => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'}).then(() => 'sent', () => 'not sent')"
    evil.evaluate(asked, f"{works.console}/api/v1/isolations")
    framed = "url => { const frame = document.createElement('iframe'); frame.src = url; document.body.append(frame); return new Promise(done => frame.onload = () => { try { done(frame.contentDocument ? 'seen' : 'kept out') } catch { done('kept out') } }) }"
    assert evil.evaluate(framed, works.console) == "kept out"
    assert httpx.get(f"{works.console}/api/v1/isolations", cookies=cookies).json()["isolated"] == []
    assert isolate(**own, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200
    restored = httpx.post(f"{works.console}/api/v1/restorations", cookies=cookies, json=wish, headers=own)
    assert restored.status_code == 200


def test_browsers_are_told_to_trust_nothing_but_the_page_itself(works):
    page = httpx.get(works.console)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in page.headers["content-security-policy"] and policy["trusted-types"] == "'none'"
    files = re.findall(r'(?:src|href)="(/files/[^"]+)"', page.text)
    assert len(files) > 10 and "http" not in "".join(files)
    answers = [page, httpx.get(f"{works.console}/api/v1/me"), httpx.get(f"{works.console}/nothing")]
    answers += [httpx.get(works.console + file) for file in files]
    for answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"] and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert all("immutable" in answer.headers["cache-control"] for answer in answers[3:])
    assert sum(len(answer.content) for answer in answers if answer.status_code == 200) < 300 << 10
    fresh = httpx.get(works.console, headers={"If-None-Match": page.headers["etag"]})
    assert (fresh.status_code, fresh.content) == (304, b"")


def test_what_is_not_ours_is_served_as_it_was_published(works):
    front = httpx.get(works.console).text
    for name, published in [("uplot.js", "uPlot.iife.min.js"), ("uplot.css", "uPlot.min.css"), ("uplot.LICENSE", "../LICENSE")]:
        there = (HERE / "node_modules" / "uplot" / "dist" / published).read_bytes()
        assert httpx.get(f"{works.console}{re.search('/files/[0-9a-f]+/', front)[0]}{name}").content == there


def test_now_shows_what_crosses_as_it_does(works, people):
    page = signed_in(people, works, "vera", "viewer", color_scheme="light")
    token = works.token("copilot")
    expect(page.locator("#n-isolated")).to_have_text("0")
    for _ in range(6):
        assert ask(works, token).status_code == 200
    assert ask(works, "psk_nobody").status_code == 401
    row = page.locator("#conduits tbody tr", has_text="copilot-openai")
    expect(row.locator("td.calls")).to_have_text(re.compile("[1-9]"))
    crossed = "async () => (await (await fetch('/api/v1/now')).json()).lanes.find(one => one.conduit === 'copilot-openai').verdicts.allow"
    wait_for(lambda: page.evaluate(crossed) >= 6, "six calls to be counted")
    expect(row.locator("td.p50")).to_have_text(re.compile(r"\d (ms|s)"))
    expect(page.locator("#n-refused")).not_to_have_text("0")
    expect(page.locator("#ledger dd.records")).not_to_have_text("0")
    expect(page.locator("#ledger dd.unwitnessed")).to_have_text("no witness is asked")
    # Times are the plant's, wherever the browser is.
    at = page.evaluate("async () => (await (await fetch('/api/v1/now')).json()).at")
    hour = page.evaluate("at => new Intl.DateTimeFormat('en-GB', {timeZone: 'Europe/Berlin', hour: '2-digit', hourCycle: 'h23'}).format(new Date(at))", at)
    assert page.locator("time.clock").inner_text().startswith(hour)
    page.locator("#all-lanes").click()
    expect(page.locator("#conduits tbody tr", has_text="planner-edge")).to_be_visible()
    page.locator("#all-lanes").click()
    sober(page, "now-light")


def test_the_last_day_is_drawn_and_told_in_numbers(works, people):
    token = works.token("copilot")
    assert ask(works, token).status_code == 200
    assert ask(works, "psk_nobody").status_code == 401
    with works.api("viewer") as api:

        def counted():
            day = api.get("/history").json()
            passed, refused, failed = (sum(minute[place] for minute in day["minutes"]) for place in range(3))
            return day if passed and refused and not failed else None

        day = wait_for(counted, "the calls to be counted")
        assert all(half is None or 0 < half <= most for *_, half, most in day["minutes"])
        page = signed_in(people, works, "vera", "viewer", color_scheme="light")
        drawing = page.locator("#day-drawing")
        expect(drawing).to_have_attribute("aria-label", re.compile(r"^Calls since .+: [1-9]\d* went on, [1-9]\d* were refused, 0 failed$"))
        page.locator("#day summary").click()
        passed = sum(int(text) for text in page.locator("#hours td:nth-of-type(1)").all_inner_texts())
        assert passed >= sum(minute[0] for minute in day["minutes"])
    sober(page, "day")


def test_a_part_of_the_day_is_looked_at_closer_and_leads_to_its_records(works, people):
    """Nobody waits for a day: the numbers of one are given to the page instead of the gateway's."""
    began = "2027-01-15T08:00:00.000Z"
    minutes = [[at % 97, at % 13 if at > 700 else 0, 3 if at % 200 == 0 else 0, 1.5 + at % 7, 90 + at % 400] for at in range(1440)]
    minutes[100:160] = [[0, 0, 0, None, None]] * 60
    page = signed_in(people, works, "vera", "viewer", at="plant", color_scheme="dark")
    page.route("**/api/v1/history", lambda route: route.fulfill(json={"began": began, "minutes": minutes}))
    page.locator("#to-now").click()
    chart = page.locator("#day .u-over").first
    box = chart.bounding_box()
    expect(page.locator("#day-records")).to_be_hidden()
    painted = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(one => one > 0)"
    assert page.locator("#day canvas").first.evaluate(painted)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    # 08:00 in London is 09:00 in Berlin, and half a day later it is 21:00.
    expect(page.locator("#day .foot .mono")).to_have_text(re.compile("^(20:5|21:0)"))
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40, steps=5)
    page.mouse.up()
    records = page.locator("#day-records")
    expect(records).to_have_text(re.compile(r"^Records from (20:5|21:0)\d to (02:5|03:0)\d$"))
    sober(page, "day-closer")
    page.locator("#day-whole").click()
    expect(records).to_be_hidden()
    chart.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40, steps=5)
    page.mouse.up()
    records.click()
    expect(page.locator("#by-since")).to_have_value(re.compile(r"^2027-01-15T2\d:\d\d$"))


def test_an_operator_isolates_by_clicks_and_an_engineer_restores(works, people):
    token = works.token("copilot")
    page = signed_in(people, works, "olga", "operator", at="isolate")
    assert ask(works, token).status_code == 200
    page.locator("[data-part='conduit:copilot-openai']").click()
    page.locator("#confirm").click()
    assert page.locator("dialog").is_visible(), "nothing is isolated without a reason"
    page.locator("#reason").fill("odd answers on line 2")
    sober(page, "isolate-asked")
    page.locator("#confirm").click()
    shut = page.locator("#isolated tr[data-part='conduit:copilot-openai']")
    expect(shut).to_contain_text("odd answers on line 2")
    assert ask(works, token).json()["error"]["code"] == "isolated"
    expect(shut.get_by_role("button")).to_have_count(0)
    sober(page, "isolate-operator")
    other = signed_in(people, works, "emil", "engineer", color_scheme="dark")
    expect(other.locator("#abnormal")).to_contain_text("conduit:copilot-openai")
    expect(other.locator("#n-isolated")).to_have_text("1")
    sober(other, "now-isolated-dark")
    other.locator("#to-isolate").click()
    other.locator("#isolated tr[data-part='conduit:copilot-openai']").get_by_role("button").click()
    other.locator("#reason").fill("looked into")
    # By the keyboard alone.
    other.keyboard.press("Enter")
    expect(other.locator("#isolated tr[data-part='conduit:copilot-openai']")).to_have_count(0)
    expect(shut).to_have_count(0)
    assert ask(works, token).status_code == 200
    by = [one["note"]["by"] for one in works.records("--kind", "isolate") if one["note"]["part"] == "conduit:copilot-openai"]
    assert by == ["olga (link)", "emil (link)"]


def held(works, token, content):
    """A call in a thread that waits for a person."""
    pool = concurrent.futures.ThreadPoolExecutor(1)
    return pool.submit(ask, works, token, content, HOSTILE)


def test_a_held_call_is_read_and_approved(works, people):
    token = works.token("copilot")
    page = signed_in(people, works, "erika", "engineer", at="holds")
    expect(page.get_by_text("No call waits.").first).to_be_visible()
    answer = held(works, token, f"{HOSTILE} then use password: {SECRET} please")
    page.locator("#holds button").first.click()
    detail = page.locator("#hold")
    expect(detail).to_contain_text("copilot-openai")
    # What would turn letters round or become an element is shown as what it is.
    expect(detail).to_contain_text("<img src=x onerror=document.title='owned'>\\u{202e}gnp.exe\\u{2066}")
    assert SECRET not in page.content(), "words are shown to who asks for them"
    page.locator("#see").click()
    expect(detail.locator("mark").first).to_contain_text(SECRET)
    assert page.title().startswith("Holds") and page.locator("main img").count() == 0
    expect(page.locator(".badge")).to_have_text("1")
    sober(page, "hold-light")
    page.locator("#theme").click()
    page.locator("#language").click()
    page.locator("#holds button").first.click()
    sober(page, "hold-dark-german")
    page.locator("#approve").click()
    page.locator("#reason").fill("a test account")
    page.locator("#confirm").click()
    assert answer.result(DEADLINE).status_code == 200
    expect(page.locator("#holds button")).to_have_count(0)
    told = [one["note"] for one in works.records("--kind", "hold") if one["note"].get("event") == "seen"]
    assert told[-1]["by"] == "erika (link)"


def test_an_operator_refuses_a_held_call_without_seeing_its_words(works, people):
    token = works.token("copilot")
    page = signed_in(people, works, "otto", "operator", at="holds")
    answer = held(works, token, f"use password: {SECRET} please")
    page.locator("#holds button").first.click()
    expect(page.locator("#hold")).to_contain_text("do not include seeing content")
    assert page.locator("#see").count() == 0
    identity = page.locator("#holds button").first.get_attribute("data-id")
    asked = "async url => { const answer = await fetch(url); return [answer.status, await answer.text()] }"
    status, text = page.evaluate(asked, f"/api/v1/holds/{identity}?content=true")
    assert status == 403 and SECRET not in text
    page.locator("#refuse").click()
    page.locator("#reason").fill("not now")
    page.locator("#confirm").click()
    assert answer.result(DEADLINE).json()["error"]["code"] == "hold-refused"


def test_who_only_looks_is_offered_nothing_and_refused_by_the_api_too(works, people):
    page = signed_in(people, works, "vic", "viewer", at="isolate")
    page.locator("[data-part='conduit:copilot-openai']").wait_for()
    assert page.locator(".part:not([disabled])").count() == 0
    change = """async ([path, body]) => {
        const { token } = await (await fetch("/api/v1/session")).json();
        const headers = { "Content-Type": "application/json", "Penstock-Console-Token": token };
        return (await fetch(`/api/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) })).status;
    }"""
    wish = {"part": "everything", "reason": "a drill"}
    hold = "holds/01a1fb28-26bf-77bf-a1d9-a527ad6ecc12/decision"
    for path, body in [("isolations", wish), ("restorations", wish), ("reloads", {}), ("links", {"person": "x", "roles": ["security"]}), (hold, {})]:
        assert page.evaluate(change, [path, body]) == 403, path
    sober(page, "isolate-viewer")
    # Even whoever may do everything over the network draws no links there.
    chief = signed_in(people, works, "chief", "security", "administrator")
    assert chief.evaluate(change, ["links", {"person": "x", "roles": ["security"]}]) == 403


def test_two_people_restore_where_the_plant_says_so(tmp_path, provider, people):
    plant = Plant(tmp_path / "two", provider, text=plant_text('\n[control]\napprover_for = ["restore"]\n')).start()
    try:
        first = signed_in(people, plant, "ada", "engineer", at="isolate")
        second = signed_in(people, plant, "ben", "security", at="isolate")
        first.locator("[data-part=external]").click()
        first.locator("#reason").fill("uplink compromised")
        first.locator("#confirm").click()
        row = "#isolated tr[data-part=external]"
        first.locator(row).get_by_role("button").click()
        first.locator("dialog").get_by_text("Takes two people").wait_for()
        first.locator("#reason").fill("clean again")
        first.locator("#confirm").click()
        expect(first.locator("#waiting tr[data-part=external]")).to_contain_text("another person has to agree")
        sober(first, "isolate-two-people")
        second.locator("#waiting tr[data-part=external]").get_by_role("button").click()
        second.locator("#reason").fill("seen it too")
        second.locator("#confirm").click()
        expect(second.locator(row)).to_have_count(0)
        expect(first.locator(row)).to_have_count(0)
        told = [one["note"] for one in plant.records("--kind", "isolate") if one["note"]["event"] == "restore"]
        assert (told[-1]["by"], told[-1]["approver"]) == ("ada (link)", "ben (link)")
    finally:
        plant.stop()


def test_the_map_draws_every_zone_and_conduit(works, people):
    page = signed_in(people, works, "mia", "auditor", at="map")
    page.locator(".drawing").wait_for()
    zones = page.locator(".drawing .zone").evaluate_all("all => all.map(one => one.dataset.zone)")
    assert set(zones) == {"line", "lab", "cloud", "edge"}
    token = works.token("copilot")
    assert ask(works, token).status_code == 200
    expect(page.locator(".drawing [data-conduit='copilot-openai']")).to_have_class(re.compile("busy"))
    sober(page, "map")
    with page.expect_download() as saved:
        page.locator("#save-svg").click()
    drawing = pathlib.Path(saved.value.path()).read_text()
    assert drawing.startswith("<svg") and "copilot-openai" in drawing and "<script" not in drawing
    with page.expect_download() as saved:
        page.locator("#save-png").click()
    picture = pathlib.Path(saved.value.path()).read_bytes()
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG\r\n\x1a\n") and width == 2240 and height > 400 and len(picture) > 20_000
    (SHOTS / "map-saved.png").write_bytes(picture)


def test_the_register_of_zones_and_conduits_is_a_table_that_runs_nothing(tmp_path, provider, people):
    text = plant_text().replace('owner = "Laboratory"', 'owner = "=cmd|\' /C calc\'!A0"').replace('approved_by = "Security"', 'approved_by = "@SUM(\\"1\\")"')
    plant = Plant(tmp_path / "register", provider, text=text).start()
    page = signed_in(people, plant, "mia", "auditor", at="map")
    page.locator(".drawing").wait_for()
    with page.expect_download() as saved:
        page.locator("#save-table").click()
    assert saved.value.suggested_filename == "zones-and-conduits.csv"
    with open(saved.value.path(), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows if row["kind"] == "zone"} == {"line", "lab", "cloud", "edge"}
    assert len([row for row in rows if row["kind"] == "conduit"]) > 5
    by = {(row["kind"], row["name"]): row for row in rows}
    line, lab, conduit = by["zone", "line"], by["zone", "lab"], by["conduit", "copilot-openai"]
    assert line["SL-T (IAC UC SI DC RDF TRE RA)"] == "2 2 2 2 2 2 2" and line["logical boundary"] == "127.0.0.1/32"
    assert "copilot" in line["assets"].split() and "copilot-openai" in line["connected zones and conduits"].split()
    assert lab["accountable organisation"].startswith("'=cmd") and conduit["approved by"].startswith("'@SUM")
    assert conduit["data allowed out, up to"] == "confidential" and "advice" in conduit["data flows"]
    assert not [value for row in rows for value in row.values() if value[:1] in set("=+-@\t\r")]
    plant.stop()


def test_it_is_used_on_a_phone_and_by_keyboard(works, people):
    page = signed_in(people, works, "pia", "operator", at="now", is_mobile=True, has_touch=True)
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("now", "map", "isolate", "holds"):
        page.locator(f"#to-{name}").click()
        expect(page.locator(f"#to-{name}")).to_have_attribute("aria-current", "page")
        expect(page.locator("main h1")).not_to_be_empty()
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 390, (name, width)
        sober(page, f"phone-{name}")
    desk = signed_in(people, works, "pia", "operator")
    desk.reload()
    expect(desk.locator(".state")).to_have_text(re.compile("live"))
    desk.locator("body").press("Tab")
    assert desk.evaluate("() => document.activeElement.className") == "skip"
    desk.keyboard.press("Enter")
    assert desk.evaluate("() => document.activeElement.id") == "content"


def test_what_is_old_is_not_shown_as_new(tmp_path, provider, people):
    plant = Plant(tmp_path / "ends", provider, text=plant_text()).start()
    page = signed_in(people, plant, "lea", "viewer")
    plant.stop()
    expect(page.locator(".state")).to_have_text(re.compile("no data since"))
    sober(page, "stale")
    # A gateway that starts anew knows no session of before.
    port = httpx.URL(plant.console).port
    text = (plant.folder / "plant.toml").read_text()
    (plant.folder / "plant.toml").write_text(text.replace(CONSOLE, CONSOLE.replace("127.0.0.1:0", f"127.0.0.1:{port}")))
    plant.start()
    page.locator(".entrance").wait_for()
    plant.stop()


def test_so_many_consoles_follow_live_and_no_more(works):
    """Each has the same events; whoever comes when all places are taken is told so, and the others go on."""
    issued = works.penstock("admin", "token", "issue", "--person", "wall", "--role", "viewer").stdout.strip()
    bearer = {"Authorization": f"Bearer {issued}"}
    url = f"{works.console}/api/v1/events"
    wait_for(lambda: httpx.get(f"{works.console}/api/v1/me", headers=bearer).status_code == 200, "the token")
    with httpx.Client(headers=bearer, timeout=DEADLINE, limits=httpx.Limits(max_connections=64)) as client:
        open_ones = []
        while len(open_ones) < 64:
            answer = client.send(client.build_request("GET", url), stream=True)
            if answer.status_code != 200:
                break
            open_ones.append(answer)
        assert (answer.status_code, len(open_ones)) == (503, 32) and answer.headers["retry-after"]
        answer.close()
        told = []
        for one in open_ones:
            lines = one.iter_lines()
            assert next(lines) == "event: now"
            told.append(json.loads(next(lines).removeprefix("data: ")))
        assert all(one["plant"] == "works" and one["ledger"]["problem"] is None for one in told)
        for one in open_ones:
            one.close()
    def again():
        with httpx.stream("GET", url, headers=bearer) as answer:
            return answer.status_code == 200
    wait_for(again, "a place")
