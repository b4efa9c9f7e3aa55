"""The ledger's records in the console: searched, proved in the browser, handed out and opened, on a gateway that runs.

Needs Debian's `chromium`. Screenshots of the page are left in .test/console/.
"""

import concurrent.futures
import hashlib
import pathlib
import re
import shutil

import httpx
import pytest
from playwright.sync_api import expect

from conftest import DEADLINE, HERE, Plant, wait_for
from test_console_pages import CONSOLE, HOSTILE, SECRET, ask, cookie_of, people, signed_in, sober  # noqa: F401

CALLS = 1300
WORD = "W" * (1 << 20)


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    """A plant that keeps what is said on one conduit, with thousands of records."""
    text = (HERE / "plant.toml").read_text() + CONSOLE
    text = text.replace('[conduits.copilot-openai]\n', '[conduits.copilot-openai]\nkeep = "content"\n', 1)
    plant = Plant(tmp_path_factory.mktemp("records") / "works", provider, text=text).start()
    plant.copilot = plant.token("copilot")
    headers = {"Authorization": f"Bearer {plant.copilot}"}
    with plant.client(headers=headers) as client, concurrent.futures.ThreadPoolExecutor(8) as pool:

        def call(number):
            content = f"use password: {SECRET}" if number % 13 == 0 else f"call {number}"
            model = HOSTILE if number == 700 else ["gpt-4o", "gpt-4o-mini"][number % 2]
            body = {"model": model, "messages": [{"role": "user", "content": content}]}
            return client.post(f"{plant.base}/openai/v1/chat/completions", json=body).status_code

        assert set(pool.map(call, range(CALLS))) == {200, 403}
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


def paged(api, **query):
    """Every record that fits, page by page."""
    found, before = [], None
    while True:
        answer = api.get("/records", params=query | ({"before": before} if before is not None else {}))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert not (set(one["seq"] for one in page["records"]) & set(one["seq"] for one in found))
        found += page["records"]
        before = page["next"]
        if before is None:
            return found


def rows(page):
    return page.locator("#records tbody tr").evaluate_all("all => all.map(one => Number(one.dataset.seq))")


def test_every_filter_of_the_command_finds_the_same_over_the_api(works):
    api = works.api("viewer")
    operator = "op-" + "a" * 16
    for flags, query in [
        (["--kind", "refuse"], {"kind": "refuse"}),
        (["--conduit", "copilot-openai"], {"conduit": "copilot-openai"}),
        (["--workload", "copilot", "--verdict", "refuse"], {"workload": "copilot", "verdict": "refuse"}),
        (["--provider", "openai", "--kind", "outcome"], {"provider": "openai", "kind": "outcome"}),
        (["--model", "*-mini", "--kind", "intent"], {"model": "*-mini", "kind": "intent"}),
        (["--zone", "line", "--kind", "outcome"], {"zone": "line", "kind": "outcome"}),
        (["--sensitivity", "restricted"], {"sensitivity": "restricted"}),
        (["--operator", operator], {"operator": operator}),
        (["--kind", "boot"], {"kind": "boot"}),
    ]:
        wanted = [one["seq"] for one in works.records(*flags)][::-1]
        assert [one["seq"] for one in paged(api, **query, limit=200)] == wanted, flags
    reason = paged(api, verdict="refuse")[0]["reason"]
    assert len(paged(api, reason=reason)) == len(works.records("--reason", reason)) == CALLS // 13
    label = next(one["what"]["findings"][0]["label"] for one in works.records("--kind", "refuse") if one.get("what", {}).get("findings"))
    assert len(paged(api, finding=label)) == CALLS // 13
    some = works.records("--kind", "intent")[400]
    assert [one["id"] for one in paged(api, id=some["id"])][-1] == some["id"]
    assert [one["seq"] for one in paged(api, since=some["t"], until=some["t"] + 1) if one["seq"] == some["seq"]]


def test_a_page_stays_true_while_calls_go_on(works):
    api = works.api("viewer")
    wanted = [one["seq"] for one in works.records("--kind", "outcome")][::-1]
    found, before = [], {}
    for _ in range(12):
        page = api.get("/records", params={"kind": "outcome"} | before).json()
        found += [one["seq"] for one in page["records"]]
        before = {"before": page["next"]}
        assert ask(works, works.copilot).status_code == 200
    assert len(found) == 600 and found == wanted[:600]


def test_what_is_asked_for_wrongly_is_a_problem_and_never_repeated(works):
    api = works.api("viewer")
    evil = "<script>alert(1)</script>"
    for query in [f"zone={evil}", "kind=all", "limit=0", "limit=100000", "before=-1", "since=now", "zone=a&zone=b", f"{evil}=1", "zone=%ff", "x" * 5000, "model=" + "m" * 121]:
        answer = api.get(f"/records?{query}")
        assert answer.status_code in (400, 422), query[:80]
        assert answer.headers["content-type"] == "application/problem+json" and "script" not in answer.text
    for name in ["nothing", "-1", "01", "99999999", "01a1fb28-26bf-77bf-a1d9-a527ad6ecc12", "..%2f..%2fetc", "18446744073709551616"]:
        for part in ["", "/proof", "/receipt"]:
            answer = api.get(f"/records/{name}{part}")
            assert answer.status_code == 404 and answer.json()["type"] == "urn:penstock:problem:unknown", name
    assert httpx.get(f"{works.console}/api/v1/records").status_code == 401


def test_a_role_that_may_not_see_content_is_refused_and_leaves_no_trace(works):
    kept = works.records("--kind", "intent")[0]["id"]
    before = len(works.records("--kind", "read"))
    for role in ("viewer", "operator", "administrator"):
        answer = works.api(role).post(f"/records/{kept}/openings")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:penstock:problem:right"), role
    assert len(works.records("--kind", "read")) == before
    api = works.api("auditor")
    opened = api.post(f"/records/{kept}/openings").json()
    assert [one["what"] for one in opened["bodies"]] == ["request", "answer"] and all(one["genuine"] for one in opened["bodies"])
    [told] = [one for one in works.records("--kind", "read") if one["id"] == opened["recorded"]]
    assert (told["note"]["by"], told["note"]["event"], told["note"]["record"]) == ("auditor (token)", "opened", kept)
    refused = works.records("--kind", "refuse")[0]["id"]
    assert api.post(f"/records/{refused}/openings").status_code == 404
    assert api.post(f"/records/{kept}/openings", json={}).status_code == 422


def test_records_are_searched_and_paged_by_clicks(works, people):  # noqa: F811
    page = signed_in(people, works, "rita", "auditor", at="records", color_scheme="light")
    expect(page.locator("#records tbody tr")).to_have_count(50)
    first = rows(page)
    assert first == sorted(first, reverse=True)
    page.locator("#older").click()
    expect(page.locator("#records tbody tr").first).to_have_attribute("data-seq", str(first[-1] - 1))
    expect(page.locator("#records tbody tr")).to_have_count(50)
    page.locator("#newer").click()
    expect(page.locator("#records tbody tr").first).to_have_attribute("data-seq", str(first[0]))
    page.locator("#by-kind").select_option("refuse")
    page.locator("#by-conduit").fill("copilot-openai")
    page.locator("#by-conduit").press("Enter")
    expect(page.locator("#records tbody tr td:nth-child(3)").first).to_have_text("refuse")
    assert re.search(r"#/records\?kind=refuse&conduit=copilot-openai$", page.url)
    wanted = [one["seq"] for one in works.records("--kind", "refuse", "--conduit", "copilot-openai")][::-1]
    assert rows(page) == wanted[:50]
    page.locator("#older").click()
    expect(page.locator("#records tbody tr").first).to_have_attribute("data-seq", str(wanted[50]))
    assert rows(page) == wanted[50:100]
    # What is asked for is in the address: somebody else sees the same.
    other = signed_in(people, works, "rolf", "viewer", at=page.url.split("#/")[1])
    expect(other.locator("#records tbody tr").first).to_have_attribute("data-seq", str(wanted[50]))
    page.go_back()
    expect(page.locator("#records tbody tr").first).to_have_attribute("data-seq", str(wanted[0]))
    page.locator("#all").click()
    expect(page.locator("#by-kind")).to_have_value("")
    page.locator("details summary").first.click()
    page.locator("#by-model").fill("no such model")
    page.locator("#search").click()
    expect(page.locator("#found")).to_have_text("No record fits.")
    # Times are the plant's, wherever the browser is.
    some = works.records("--kind", "intent")[300]["t"]
    page.goto(f"{works.console}/#/records?kind=intent&since={some // 1000 * 1000}")
    expect(page.locator("#records tbody tr")).to_have_count(50)
    local = page.locator("#by-since").input_value()
    shown = page.evaluate("at => new Intl.DateTimeFormat('sv-SE', {timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'medium'}).format(new Date(at))", some)
    assert local == shown.replace(" ", "T")
    page.locator("#search").click()
    assert f"since={some // 1000 * 1000}" in page.url
    sober(page, "records-light")


def test_a_record_shows_what_belongs_to_it_and_is_proved_in_the_browser(works, people):  # noqa: F811
    page = signed_in(people, works, "vera", "viewer", at="records?kind=intent")
    page.locator("#records tbody tr a").nth(3).click()
    expect(page.locator("#record .facts")).to_contain_text("copilot-openai")
    seq = int(page.locator("#records tr.chosen").get_attribute("data-seq"))
    [intent] = [one for one in works.records("--kind", "intent") if one["seq"] == seq]
    outcome = works.outcome(intent["id"])
    expect(page.locator("#related details[data-kind=outcome]")).to_contain_text(str(outcome["status"] if "status" in outcome else outcome["out"]["status"]))
    page.locator("#related details[data-kind=outcome] summary").click()
    expect(page.locator("#related")).to_contain_text("first_byte_us")
    page.locator("#verify").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_have_attribute("data-level", "note")
    expect(verdict).to_contain_text("The gateway showed that key itself")
    line = next(line for line in works.penstock("records", "--format", "ndjson", "--id", intent["id"]).stdout.splitlines() if f'"seq":{seq},' in line)
    expect(page.locator("#result")).to_contain_text(hashlib.sha256(b"\0" + line.encode()).hexdigest())
    sober(page, "record-proved-by-shown-key")
    trust = (works.folder / "ledger" / "trust" / "ledger.trust").read_text()
    page.locator("#own-key").fill(trust)
    page.locator("#verify").click()
    expect(verdict).to_have_attribute("data-level", "good")
    expect(verdict).to_contain_text("Proved")
    sober(page, "record-proved")
    # Another plant's key proves nothing of this one.
    name, rest = trust.split("\n")[0].split("+", 1)
    page.locator("#own-key").fill("other+" + rest)
    page.locator("#verify").click()
    expect(verdict).to_have_attribute("data-level", "alarm")
    page.locator("#own-key").fill("")
    # A record of just now is proved as soon as there is a head over it.
    newest = ask(works, works.copilot).headers["penstock-record"]
    page.goto(f"{works.console}/#/records?open={newest}")
    expect(page.locator("#record .facts")).to_contain_text(newest)
    page.locator("#verify").click()
    expect(verdict).to_have_attribute("data-level", "note")


def test_a_record_that_was_altered_is_told_to_be(works, people):  # noqa: F811
    page = signed_in(people, works, "tina", "viewer")
    refused = works.records("--kind", "refuse")[5]

    def altered(route):
        story = route.fetch().json()
        story["record"]["text"] = story["record"]["text"].replace('"verdict":"refuse"', '"verdict":"permit"')
        route.fulfill(json=story)

    # On its way to the page.
    page.route(re.compile(r"/api/v1/records/[0-9a-f-]+$"), altered)
    page.goto(f"{works.console}/#/records?open={refused['seq']}")
    page.locator("#verify").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("NOT PROVED")
    expect(verdict).to_contain_text("it was altered")
    sober(page, "record-altered")
    page.unroute(re.compile(r"/api/v1/records/[0-9a-f-]+$"))

    def retold(route):
        story = route.fetch().json()
        story["record"]["line"] |= {"verdict": "allow", "reason": "fine", "workload": "nobody"}
        route.fulfill(json=story)

    # What stands above the proof is what is proved, whatever else the gateway says of it.
    page.route(re.compile(r"/api/v1/records/[0-9a-f-]+$"), retold)
    page.reload()
    expect(page.locator("#record .facts")).to_contain_text(refused["dec"]["reason"])
    assert not re.search("allow|fine|nobody", page.locator("#record .facts").inner_text())
    page.unroute(re.compile(r"/api/v1/records/[0-9a-f-]+$"))
    # A proof of another record, another root, a head whose signature is spoilt.
    proof = {}
    page.route(re.compile(r"/proof$"), lambda route: route.fulfill(json=route.fetch().json() | proof))
    own = httpx.get(f"{works.console}/api/v1/records/{refused['seq']}/proof", cookies=cookie_of(page, works)).json()
    head, signatures = own["checkpoint"].split("\n\n")
    for changed, said in [
        ({"seq": refused["seq"] - 1}, "stands elsewhere"),
        ({"path": own["path"][1:]}, "is none"),
        ({"path": [*own["path"][1:], own["path"][0]]}, "it was altered"),
        ({"checkpoint": own["checkpoint"].replace(head.split("\n")[1], "99999", 1)}, "not signed by this key"),
        ({"checkpoint": head + "\n\n" + signatures.replace("\u2014", "-")}, "malformed"),
        ({"key": "works+00000000+AAAA"}, "no key"),
    ]:
        proof = changed
        page.locator("#verify").click()
        expect(verdict).to_contain_text(said)
        expect(verdict).to_have_attribute("data-level", "alarm")
    page.unroute(re.compile(r"/proof$"))
    # Where it is stored: one letter, then so that it is no record any more.
    bundle = next(path for path in (works.folder / "ledger" / "tile" / "entries").rglob("*") if path.is_file() and refused["id"].encode() in path.read_bytes())
    whole = bundle.read_bytes()
    at = whole.index(b'"id":"' + refused["id"].encode())
    try:
        bundle.write_bytes(whole[: at + 6] + (b"1" if whole[at + 6 : at + 7] == b"0" else b"0") + whole[at + 7 :])
        page.reload()
        expect(page.locator("#record .facts")).to_contain_text("refuse")
        page.locator("#verify").click()
        expect(verdict).to_contain_text("it was altered")
        bundle.write_bytes(whole[:at] + b"[" + whole[at + 1 :])
        page.goto(f"{works.console}/#/records?before={refused['seq'] + 1}")
        row = page.locator(f"#records tr[data-seq='{refused['seq']}']")
        expect(row).to_contain_text("damaged or altered")
        row.locator("a").click()
        expect(page.locator("#record")).to_contain_text("cannot be read")
        page.locator("#verify").click()
        expect(verdict).to_contain_text("it was altered")
        sober(page, "record-damaged")
    finally:
        bundle.write_bytes(whole)


def test_a_browser_that_cannot_prove_says_so(works, people):  # noqa: F811
    for lacking, said in [
        ("SubtleCrypto.prototype.importKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'))", "no Ed25519"),
        ("Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})", "without TLS"),
    ]:
        page = people()
        page.add_init_script(lacking)
        page.goto(works.penstock("admin", "link", "--person", "otto", "--role", "viewer").stdout.strip())
        page.locator("#to-now").wait_for()
        page.goto(f"{works.console}/#/records?open=3")
        page.locator("#verify").click()
        expect(page.locator("#verdict")).to_contain_text(said)
        expect(page.locator("#verdict")).to_have_attribute("data-level", "warning")


def test_the_receipt_is_the_one_that_the_command_writes(works, people, tmp_path):  # noqa: F811
    page = signed_in(people, works, "rosa", "auditor", at="records?kind=refuse")
    page.locator("#records tbody tr a").first.click()
    identity = works.records("--kind", "refuse")[-1]["id"]

    def receipts():
        with page.expect_download() as saved:
            page.locator("#receipt").click()
        assert saved.value.suggested_filename == f"{identity}.tlog-proof"
        ours = pathlib.Path(saved.value.path()).read_bytes()
        file = tmp_path / "ours.tlog-proof"
        works.penstock("receipt", identity, "-o", str(file))
        # The head may have grown in between.
        return ours if ours == file.read_bytes() else None

    ours = wait_for(receipts, "two receipts under one head")
    shutil.copy(works.folder / "ledger" / "trust" / "ledger.trust", tmp_path / "key")
    (tmp_path / "page.tlog-proof").write_bytes(ours)
    assert "VERIFIED" in works.penstock("verify", str(tmp_path / "page.tlog-proof"), "--key", str(tmp_path / "key"), plant=False).stdout


def test_what_a_call_said_is_shown_on_request_and_harmless(works, people):  # noqa: F811
    answer = ask(works, works.copilot, f"{HOSTILE} \x1b[2J {WORD}", HOSTILE)
    identity = answer.headers["penstock-record"]
    page = signed_in(people, works, "sven", "security", at=f"records?open={identity}")
    detail = page.locator("#record")
    # Records hold nothing that turns letters round; content does, and it is shown by its number.
    shown = "<img src=x onerror=document.title='owned'>\ufffdgnp.exe\ufffd"
    expect(detail.locator(".facts")).to_contain_text(shown)
    assert "WWWWWWWW" not in page.content()
    before = len(works.records("--kind", "read"))
    page.locator("#open-content").click()
    expect(page.locator("#content-of-call")).to_contain_text("The request as it was sent")
    words = page.locator("#content-of-call blockquote").first.inner_text()
    assert "W" * 1000 in words and "\\u{202e}gnp.exe" in words and "\u202e" not in words and "\x1b" not in words
    expect(page.locator("#content-of-call")).to_contain_text("This is the beginning of it")
    [told] = works.records("--kind", "read")[before:]
    assert told["note"]["by"] == "sven (link)" and told["note"]["record"] == identity
    expect(page.locator("#content-of-call")).to_contain_text(told["id"])
    assert page.title().startswith("Records") and page.locator("main img").count() == 0
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280
    sober(page, "record-content", shot=False)
    looker = signed_in(people, works, "vic", "viewer", at=f"records?open={identity}")
    expect(looker.locator("#record")).to_contain_text("do not include seeing content")
    assert looker.locator("#open-content").count() == 0
    # The table cuts what is long and hides nothing that turns letters round.
    looker.goto(f"{works.console}/#/records?id={identity}")
    expect(looker.locator("#records tbody")).to_contain_text(shown)


def test_the_map_leads_to_records(works, people):  # noqa: F811
    page = signed_in(people, works, "mia", "viewer", at="map")
    page.locator("a[href*='conduit=copilot-openai&verdict=refuse']").click()
    expect(page.locator("#by-verdict")).to_have_value("refuse")
    expect(page.locator("#by-conduit")).to_have_value("copilot-openai")
    expect(page.locator("#records tbody tr").first).to_contain_text("refuse")
    page.go_back()
    page.locator(".drawing a.zone[data-zone=line] text").first.click()
    expect(page.locator("#by-zone")).to_have_value("line")
    expect(page.locator("#records tbody tr")).to_have_count(50)
    page.go_back()
    page.locator(".drawing [data-conduit='copilot-openai']").first.wait_for()
    page.locator("a[href$='records?conduit=copilot-openai'] .reach").first.dispatch_event("click", {"bubbles": True})
    expect(page.locator("#by-conduit")).to_have_value("copilot-openai")


def test_records_are_read_on_a_phone_by_keyboard_in_the_dark_and_in_german(works, people):  # noqa: F811
    phone = signed_in(people, works, "pia", "auditor", at="records?kind=refuse", is_mobile=True, has_touch=True, color_scheme="dark")
    phone.set_viewport_size({"width": 390, "height": 844})
    phone.locator("#records tbody tr a").first.click()
    expect(phone.locator("#record .facts")).to_be_visible()
    phone.locator("#verify").click()
    expect(phone.locator("#verdict")).to_be_visible()
    assert phone.evaluate("() => document.documentElement.scrollWidth") <= 390
    sober(phone, "phone-records-dark")
    phone.locator("#language").click()
    expect(phone.locator("main h1")).to_have_text("Einträge")
    expect(phone.locator("#record .facts")).to_be_visible()
    sober(phone, "phone-records-german")
    desk = signed_in(people, works, "pia", "auditor", at="records")
    desk.locator("#by-kind").focus()
    desk.keyboard.press("r")
    desk.keyboard.press("Tab")
    for _ in range(20):
        if desk.evaluate("() => document.activeElement.id") == "search":
            break
        desk.keyboard.press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.locator("#records tbody tr td:nth-child(3)").first).to_have_text(desk.locator("#by-kind").input_value())
    desk.locator("#records tbody tr a").first.focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("#record .facts")).to_be_visible()
    assert desk.evaluate("() => document.activeElement.id") == "record"


def test_whoever_looks_keeps_no_gateway_from_stopping(tmp_path, provider):
    plant = Plant(tmp_path / "ends", provider, text=(HERE / "plant.toml").read_text() + CONSOLE).start()
    api = plant.api("viewer")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(api.get, "/records", params={"model": "*a*b*"}) for _ in range(64)]
        plant.stop()
        for one in asked:
            one.exception(DEADLINE)
    assert plant.process.returncode == 0
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout
