"""Oversight at the console: what people did with answers, and whoever was asked for accounts there for their own."""

import json
import re

import pytest
from playwright.sync_api import expect

from conftest import wait_for
from test_console_pages import at_issuer, people, signed_in, sober, with_issuer
from test_oversight import CONDUIT

__all__ = ["people"]
CONDUITS = {"watched": 'oversight = { required = true, within = "1h" }', "hasty": 'oversight = { required = true, within = "1s" }', "brief": 'oversight = { until = "1s" }'}


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider, issuer):
    conduits = "".join(CONDUIT.format(name, more) for name, more in CONDUITS.items())
    plant = with_issuer(tmp_path_factory.mktemp("overseen") / "works", provider, issuer, conduits)
    plant.copilot = plant.token("copilot")
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def ask(plant, operator, conduit="watched"):
    headers = {"Authorization": f"Bearer {plant.copilot}", "Penstock-Operator": operator}
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "how hot"}]}
    with plant.client(headers=headers) as client:
        answer = client.post(f"{plant.base}/{conduit}/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.headers["penstock-record"]


def post(page, path, body):
    """Asks the API as the page does."""
    return page.evaluate(
        """async ([path, body]) => {
            const { token } = await (await fetch("/api/v1/session")).json();
            const headers = { "Content-Type": "application/json", "Penstock-Console-Token": token };
            const answer = await fetch(`/api/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
            return [answer.status, await answer.json()];
        }""",
        [path, body],
    )


def accounts(plant, call):
    return [one for one in plant.records("--kind", "oversight") if one["ref"] == call]


def test_who_was_asked_for_accounts_for_their_own_and_for_nobody_elses(works, people, anna, issuer):
    mine, theirs = ask(works, anna), ask(works, issuer.sign_in("bruno"))
    page = people(ignore_https_errors=True)
    at_issuer(page, works, "anna")
    page.locator("#to-oversight").click()
    own, other = (page.locator(f"#owed li[data-record='{one}']") for one in (mine, theirs))
    expect(own.locator(".rest")).to_have_text(re.compile(r"\d+:\d\d"))
    expect(other).to_be_visible()
    assert (own.get_by_role("button").count(), other.get_by_role("button").count()) == (5, 0)
    expect(page.locator("#oversight-state")).to_contain_text("wait for you")
    sober(page, "oversight")
    own.locator("[data-decision=rejected]").click()
    expect(own).to_have_count(0)
    [told] = accounts(works, mine)
    whose = page.locator(".person bdi").inner_text()
    assert (told["who"]["operator"], "workload" in told["who"]) == ({"id": whose, "by": "oidc"}, False)
    note = told["note"]
    assert (note["decision"], note["via"], note["of"], note["nth"]) == ("rejected", "console", "copilot", 1)
    [outcome] = [one for one in works.records("--kind", "outcome") if one["ref"] == mine]
    assert note["outcome"] == outcome["id"] and told["where"]["conduit"] == "watched"
    # Nobody rewrites: who changes their mind tells again.
    assert post(page, f"records/{mine}/accounts", {"decision": "accepted"})[0] == 201
    assert [one["note"]["nth"] for one in accounts(works, mine)] == [1, 2]
    status, problem = post(page, f"records/{theirs}/accounts", {"decision": "accepted"})
    assert (status, problem["type"]) == (404, "urn:penstock:problem:unknown") and not accounts(works, theirs)
    for body, status in [({"decision": "liked"}, 422), ({}, 422), ({"decision": "accepted", "operator": "bruno"}, 422)]:
        assert post(page, f"records/{mine}/accounts", body)[0] in (400, status), body
    assert post(page, "records/01a1fb28-26bf-77bf-a1d9-a527ad6ecc12/accounts", {"decision": "accepted"})[0] == 404


def test_only_whom_the_issuer_knows_accounts_for_anything(works, people, anna):
    call = ask(works, anna)
    with works.api("engineer") as client:
        refused = client.post(f"/records/{call}/accounts", json={"decision": "accepted"})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:penstock:problem:person")
        [owed] = [one for one in client.get("/oversight").json()["open"] if one["record"] == call]
        assert (owed["mine"], owed["conduit"], owed["workload"]) == (False, "watched", "copilot")
    page = signed_in(people, works, "ada", "engineer", at="oversight")
    expect(page.locator(f"#owed li[data-record='{call}']")).to_be_visible()
    assert page.locator("#owed").get_by_role("button").count() == 0
    assert not accounts(works, call)


def test_what_is_too_long_ago_is_closed(works, people, anna):
    call = ask(works, anna, "brief")
    page = people(ignore_https_errors=True)
    at_issuer(page, works, "anna")
    page.locator("#to-now").wait_for()
    closed = lambda: post(page, f"records/{call}/accounts", {"decision": "accepted"})
    status, problem = wait_for(lambda: (lambda told: told if told[0] != 201 else None)(closed()), "its time to be over")
    assert (status, problem["type"]) == (409, "urn:penstock:problem:conflict")


def test_the_page_tells_what_the_command_tells(works, people, anna):
    call = ask(works, anna, "hasty")
    wait_for(lambda: [one for one in works.records("--kind", "alert") if one.get("ref") == call], "the finding")
    with works.api("viewer") as client:
        for apart in ("conduit", "operator", "workload", "day"):
            page = client.get(f"/oversight?by={apart}").json()
            printed = {row.pop(apart): row for row in json.loads(works.penstock("oversight", "--json", "--by", apart).stdout)}
            assert page["counted_until"] is None and page["quick_ms"] == 5000
            assert {row["name"]: row["required"] for row in page["rows"]} == {name: row["required"] for name, row in printed.items()}
            for row in page["rows"]:
                same = printed[row.pop("name")]
                assert {name: value for name, value in same.items() if not name.endswith("_percent")} == row
        assert [row["name"] for row in client.get("/oversight?conduit=hasty").json()["rows"]] == ["hasty"]
        assert client.get("/oversight?since=9007199254740991").json()["rows"] == []
        assert client.get("/oversight?by=colour").status_code == 422
    page = signed_in(people, works, "ada", "viewer", at="oversight")
    row = page.locator("#accounts tr[data-name=hasty]")
    expect(row.locator("td.warning")).to_contain_text("1 (100 %)")
    expect(page.locator("#oversight-state")).to_contain_text("nobody ever accounted for: 1")
    page.locator("#by-apart").select_option("day")
    expect(page.locator("#accounts tbody tr")).to_have_count(1)
    page.locator("#by-apart").select_option("conduit")
    page.locator("#accounts tr[data-name=watched] a").click()
    expect(page.locator("#found")).to_contain_text("records")
    assert "kind=oversight" in page.url and "conduit=watched" in page.url


def test_it_is_used_by_keyboard_in_german_on_a_phone_and_in_the_dark(works, people, anna):
    call = ask(works, anna)
    page = people(ignore_https_errors=True, color_scheme="dark")
    at_issuer(page, works, "anna")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#language").click()
    page.goto(f"{works.console}/#/oversight")
    button = page.locator(f"#owed li[data-record='{call}'] [data-decision=edited]")
    expect(button).to_have_text("Geändert")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sober(page, "oversight-phone")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".signals")).to_contain_text("Aufgezeichnet: Geändert")
    assert [one["note"]["decision"] for one in accounts(works, call)] == ["edited"]
