"""Who comes in at the console and who is turned away: on record, within bounds, told of, and never with what they showed."""

import json

import httpx
import pytest
from playwright.sync_api import expect

from conftest import DEADLINE, HERE, Plant, wait_for
from test_console_pages import link, people, plant_text, signed_in, sober, with_issuer

__all__ = ["people"]
WRONG = "f" * 64


@pytest.fixture
def works(tmp_path_factory, provider):
    plant = Plant(tmp_path_factory.mktemp("access") / "works", provider, text=plant_text()).start()
    yield plant
    if plant.process.poll() is None:
        plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def access(plant):
    """What is on record of who came: change, reason and by whom."""
    return [record for record in plant.records("--kind", "admin") if record["note"]["change"] in ("signed-in", "signed-out", "access-refused")]


def told(plant, reason, times=1):
    """The records of a reason, once there are so many."""
    found = lambda: [one for one in access(plant) if one["note"].get("reason") == reason]
    return wait_for(lambda: (lambda all: all if len(all) >= times else None)(found()), f"{times} of {reason}")


def follow(plant, secret, origin=None):
    return httpx.post(f"{plant.console}/api/v1/session", json={"link": secret}, headers={"Origin": origin or plant.console})


def bearing(plant, token, method="GET", path="me", **more):
    return httpx.request(method, f"{plant.console}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"}, **more)


def issue(plant, person, role):
    token = plant.penstock("admin", "token", "issue", "--person", person, "--role", role).stdout.strip()
    wait_for(lambda: bearing(plant, token).status_code == 200, "the token")
    return token


def test_who_is_turned_away_is_on_record_without_what_they_showed(works):
    secret = link(works, "ada", "engineer").split("=")[1]
    assert follow(works, WRONG).status_code == 401
    assert follow(works, secret, "https://evil.example").status_code == 403
    first = follow(works, secret)
    assert first.status_code == 200
    again = follow(works, secret)
    # Whoever tries is not told which of them it was.
    assert again.status_code == 401 and again.json() == follow(works, WRONG).json()
    told(works, "link-unknown", 2)
    [used] = told(works, "link-used")
    assert used["note"] == {"by": "ada (link)", "change": "access-refused", "reason": "link-used", "result": "refused", "roles": "engineer"}
    assert used["who"]["peer"] == "127.0.0.1"
    assert len(told(works, "cross-site")) == 1
    [came] = [one for one in access(works) if one["note"]["change"] == "signed-in"]
    assert (came["note"]["by"], came["note"]["roles"], came["who"]["peer"]) == ("ada (link)", "engineer", "127.0.0.1")
    # With the session of somebody, from a page that is not the console's.
    cookies = dict(first.cookies)
    wish = {"part": "external", "reason": "a drill"}
    answer = httpx.post(f"{works.console}/api/v1/isolations", cookies=cookies, json=wish, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert told(works, "cross-site", 2)[1]["note"]["by"] == "ada (link)"
    lines = "".join(json.dumps(one) for one in works.records())
    log = (works.folder / "log").read_text()
    for shown in (secret, WRONG, "evil.example", *cookies.values()):
        assert shown not in lines and shown not in log


def test_tokens_are_on_record_when_they_are_used_refused_and_misused(works):
    token = issue(works, "vera", "viewer")
    for _ in range(20):
        assert bearing(works, token).status_code == 200
    assert bearing(works, token, "POST", "isolations", json={"part": "external", "reason": "x"}).status_code == 403
    [missing] = told(works, "right-missing")
    assert (missing["note"]["by"], missing["note"]["roles"]) == ("vera (token)", "viewer")
    came = [one["note"] for one in access(works) if one["note"]["change"] == "signed-in"]
    assert [one["by"] for one in came] == ["vera (token)"], "once, however often it is shown"
    works.penstock("admin", "token", "revoke", token.split("_")[1])
    wait_for(lambda: bearing(works, token).status_code == 401, "revocation")
    assert told(works, "token-revoked")[0]["note"]["by"] == "vera (token)"
    forged = token[:-4] + "aaaq"
    assert bearing(works, forged).status_code == 401 and bearing(works, "anything").status_code == 401
    unknown = told(works, "token-unknown", 2)
    assert all("by" not in one["note"] for one in unknown[-2:])
    # Who shows nothing at all has not tried anything.
    before = len(access(works))
    assert httpx.get(f"{works.console}/api/v1/me").status_code == 401
    assert len(access(works)) == before
    lines = "".join(json.dumps(one) for one in works.records())
    for shown in (token, forged, token.rsplit("_", 1)[1]):
        assert shown not in lines and shown not in (works.folder / "log").read_text()


def test_a_stranger_fills_neither_ledger_nor_screen(works, people):
    page = signed_in(people, works, "sam", "security")
    noisy = httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=DEADLINE)
    tries = 0
    while tries < 120:
        answer = noisy.get(f"{works.console}/api/v1/me", headers={"Authorization": f"Bearer {'x' * 40}"})
        tries += answer.status_code == 401
    assert follow(works, WRONG).status_code == 401, "somebody else, meanwhile"
    assert told(works, "link-unknown")[0]["who"]["peer"] == "127.0.0.1"
    assert len(told(works, "token-unknown")) == 5
    line = page.locator("#abnormal a")
    expect(line).to_contain_text("refused in the last 15 minutes")
    sober(page, "now-refused")
    line.click()
    expect(page.locator("#records tbody tr").first).to_be_visible()
    assert "kind=admin" in page.url
    expect(page.locator("#records")).to_contain_text("token-unknown")
    now = page.evaluate("async () => (await (await fetch('/api/v1/now')).json()).barred")
    assert now == 121
    works.stop()
    *each, rest = told(works, "token-unknown")
    assert len(each) == 5 and all("times" not in one["note"] for one in each)
    assert (rest["note"]["times"], rest["who"]["peer"]) == (115, "127.0.0.2")
    # Each is a row of its own for a SIEM, as a failure.
    rows = works.penstock("export", "--format", "ocsf", "--kind", "admin").stdout.splitlines()
    failed = [row for row in map(json.loads, rows) if row.get("status_code") == "token-unknown"]
    assert len(failed) == 6 and all((row["status"], row["severity"]) == ("Failure", "Medium") for row in failed)


def test_a_way_from_the_issuer_that_ends_nowhere_is_on_record(tmp_path, provider, issuer):
    plant = with_issuer(tmp_path / "office", provider, issuer)
    try:
        assert httpx.get(f"{plant.console}/signed-in?code=x&state=0").headers["location"] == "/#sign-in-failed"
        told(plant, "trip-unknown")
        with httpx.Client(base_url=plant.console, timeout=DEADLINE) as browser:
            state = httpx.URL(browser.get("/sign-in").headers["location"]).params["state"]
            away = browser.get(f"/signed-in?code=made-up-code&state={state}")
            assert away.headers["location"] == "/#sign-in-failed"
        [refused] = told(plant, "issuer-refused")
        assert "by" not in refused["note"] and "made-up-code" not in (plant.folder / "log").read_text() + json.dumps(refused)
    finally:
        plant.stop()
