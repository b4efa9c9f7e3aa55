"""People account for what they did with answers: with tokens of a real OpenID Connect provider, over real sockets, and with whatever else
somebody may send there."""

import json
import re
import signal
import time

import httpx
import pytest

from conftest import HERE, Plant, wait_for
from test_operator import forge

PAGE = "https://hmi.works.example"
OVERSIGHT = f"""
[oversight]
origins = ["{PAGE}"]

[workloads.panel]
zone = "line"
purposes = ["advice"]
owner = "Line engineering"
update_process = "with the SCADA"
isolation_plan = "pull the plug"
"""
CONDUIT = """
[providers.{0}]
dialect = "openai"
address = "http://PROVIDER"
zone = "edge"
clearance = "restricted"
supplier = {{ name = "The plant itself" }}

[conduits.{0}]
from = ["line"]
to = "{0}"
purposes = ["advice"]
models = ["*"]
ceiling = "restricted"
owner = "Line engineering"
approved_by = "Security"
{1}
"""
CONDUITS = {
    "watched": 'oversight = { required = true, within = "1h", by = ["panel"] }',
    "strict": "oversight = { proved = true }",
    "hasty": 'oversight = { required = true, within = "1s" }',
    "brief": 'oversight = { until = "1s" }',
    "kept": 'keep = "content"',
    "patient": 'limits = { idle = "2m" }',
}


def text(issuer):
    return issuer.vouches((HERE / "plant.toml").read_text()) + OVERSIGHT + "".join(CONDUIT.format(name, more) for name, more in CONDUITS.items())


class Works(Plant):
    """A plant whose answers are accounted for."""

    def __init__(self, folder, provider, issuer):
        super().__init__(folder, provider, issuer.address, issuer.discovery, text(issuer))
        self.start()
        self.key = self.token("copilot")

    def ask(self, conduit="watched", model="gpt-4o-mini", path="chat/completions", key=None, **more):
        body = {"model": model, "messages": [{"role": "user", "content": "how hot"}], "input": "how hot"} | more
        with self.client() as client:
            answer = client.post(
                f"{self.base}/{conduit}/v1/{path}", headers={"Authorization": f"Bearer {key or self.key}"}, json=body
            )
        assert answer.status_code == 200, answer.text
        return answer.headers["penstock-record"]

    def send(self, method="POST", key="", content=None, operator=None, path="", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": f"Bearer {key or self.key}"} if key is not None else {}
        headers |= {"Penstock-Operator": operator} if operator else {}
        headers.setdefault("Content-Type", "application/json")
        with self.client() as client:
            return client.request(method, f"{self.base}/penstock/v1/oversight{path}", headers=headers, content=content)

    def tell(self, record, decision="accepted", operator=None, key="", **more):
        return self.send(content=json.dumps({"record": record, "decision": decision} | more), operator=operator, key=key)

    def oversight(self, *more):
        return json.loads(self.penstock("oversight", "--json", *more).stdout)

    def metric(self, name):
        lines = httpx.get(f"{self.operations}/metrics").text.splitlines()
        return {line.rsplit(" ", 1)[0].removeprefix(name): float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)}


def refused(answer, status, reason):
    assert (answer.status_code, answer.json()["code"]) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["type"], answer.json()["status"]) == (f"urn:penstock:reason:{reason}", status)
    return answer.headers["penstock-record"]


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider, issuer):
    works = Works(tmp_path_factory.mktemp("oversight") / "works", provider, issuer)
    yield works
    works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


def test_an_answer_is_accounted_for(works, anna):
    call = works.ask()
    outcome = works.outcome(call)
    assert outcome["note"]["oversight_ms"] == 3_600_000
    answer = works.tell(call, "edited", anna, comment="too hot for line 2", edited="62 °C", shown_ms=0)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["call"], told["decision"], told["operator"], told["late"], told["nth"]) == (call, "edited", "oidc", False, 1)
    record = works.record(told["record"])
    assert answer.headers["penstock-record"] == record["id"] and record["kind"] == "oversight"
    assert record["ref"] == call and record["note"]["outcome"] == outcome["id"]
    assert (record["note"]["decision"], record["note"]["shown_ms"]) == ("edited", 0)
    assert 0 <= record["note"]["after_ms"] == told["after_ms"] <= record["t"] - outcome["t"] + 1000
    assert record["who"]["workload"] == {"by": "token", "id": "copilot"}
    assert record["who"]["operator"]["by"] == "oidc" and re.fullmatch("op-[a-z2-7]{16}", record["who"]["operator"]["id"])
    assert (record["where"], record["what"]) == (outcome["where"], outcome["what"])
    # What people write is committed to, and nowhere to be read.
    assert record["note"]["comment_bytes"] == 18 and record["note"]["edited_bytes"] == len("62 °C".encode())
    assert all(re.fullmatch("[0-9a-f]{64}", record["note"][name]) for name in ("comment", "edited"))
    assert "anna" not in json.dumps(record) and "seal" not in record
    for file in (works.folder / "ledger").rglob("*"):
        assert not file.is_file() or b"too hot" not in file.read_bytes()
    assert "too hot" not in (works.folder / "log").read_text()
    assert works.records("--kind", "oversight", "--decision", "edited", "--id", call) == [record]
    receipt = wait_for(lambda: works.penstock("receipt", record["id"], check=False).stdout, "the receipt")
    assert receipt.startswith("c2sp.org/tlog-proof@v1")


def test_who_changes_their_mind_adds_a_record(works, issuer, anna):
    call, bela = works.ask(), issuer.sign_in("bela")
    decisions = ["accepted", "rejected", "rejected", "stopped", "overridden"]
    told = [works.tell(call, decision, who).json() for decision, who in zip(decisions, [anna, anna, anna, bela, bela])]
    assert [one["nth"] for one in told] == [1, 2, 3, 4, 5]
    records = works.records("--kind", "oversight", "--id", call)
    assert [record["note"]["decision"] for record in records] == decisions
    assert len({record["who"]["operator"]["id"] for record in records}) == 2


def test_there_is_an_end_to_that(works):
    call = works.ask("patient")
    for _ in range(32):
        assert works.tell(call).status_code == 201
    refused(works.tell(call), 410, "record-closed")


def test_only_those_who_called_account_for_it(works, anna):
    call, planner, panel = works.ask(), works.token("planner"), works.token("panel")
    foreign = refused(works.tell(call, operator=anna, key=planner), 404, "record-unknown")
    nobody = refused(works.tell("0193e6a4-7c1b-7f00-8000-000000000000", operator=anna), 404, "record-unknown")
    assert "`copilot`'s, for which `planner` does not account" in works.record(foreign)["dec"]["detail"]
    assert works.record(nobody)["kind"] == "refuse" and works.record(nobody)["note"]["at"] == "oversight"
    # Of a refusal there is no answer, and of what is no call neither.
    refused(works.tell(nobody), 404, "record-unknown")
    refused(works.tell(works.outcome(call)["id"]), 404, "record-unknown")
    taken = works.tell(call, operator=anna, key=panel)
    assert taken.status_code == 201, taken.text
    record = works.record(taken.json()["record"])
    assert (record["who"]["workload"]["id"], record["note"]["of"]) == ("panel", "copilot")
    refused(works.tell(works.ask("strict"), operator=anna, key=panel), 404, "record-unknown")


def test_who_tells_is_proved(works, anna):
    call = works.ask("strict")
    refused(works.tell(call, key=None), 401, "no-identity")
    refused(works.tell(call, key="psk_copilot_" + "a" * 43), 401, "token-unknown")
    refused(works.tell(call, key=works.token("stray")), 403, "ungoverned")
    refused(works.tell(call, key=works.token("bench")), 403, "zone-mismatch")
    for token in [forge(anna, sub="boss"), forge(anna, exp=int(time.time()) + 10**6), "no token"]:
        refused(works.tell(call, operator=token), 401, "operator-invalid")
    refused(works.tell(call), 403, "operator-required")
    assert not works.records("--kind", "oversight", "--id", call), "nothing of that is an account"
    assert works.tell(call, operator=anna).status_code == 201


def test_whom_a_program_names_is_asserted_and_no_more(works, anna):
    body = json.dumps({"record": works.ask("strict"), "decision": "accepted", "operator": "anna"})
    refused(works.send(content=body), 403, "operator-required")
    refused(works.send(content=body, operator=anna), 400, "malformed")
    taken = works.send(content=body.replace(json.loads(body)["record"], works.ask()))
    assert taken.status_code == 201 and taken.json()["operator"] == "asserted"
    who = works.record(taken.json()["record"])["who"]["operator"]
    proved = works.record(works.tell(works.ask(), operator=anna).json()["record"])["who"]["operator"]
    assert (who["id"], who["by"], proved["by"]) == (proved["id"], "asserted", "oidc")
    alone = works.tell(works.ask()).json()
    assert alone["operator"] is None and "operator" not in works.record(alone["record"])["who"]


def test_what_is_no_account_is_refused(works):
    call = works.ask()
    good = json.dumps({"record": call, "decision": "accepted"})
    for status, reason, sent in [
        (400, "malformed", {"content": ""}),
        (400, "malformed", {"content": "{"}),
        (400, "malformed", {"content": good[:-1] + ', "who": "anna"}'}),
        (400, "malformed", {"content": good.replace("accepted", "approved")}),
        (400, "malformed", {"content": good.replace(call, call.upper())}),
        (400, "malformed", {"content": good[:-1] + ', "shown_ms": 86400000}'}),
        (400, "malformed", {"content": good[:-1] + ', "comment": "' + "x" * 2001 + '"}'}),
        (400, "malformed", {"content": b"\xff" + good.encode()}),
        (400, "duplicate-key", {"content": good[:-1] + ', "decision": "rejected"}'}),
        (400, "too-deep", {"content": "[" * 10_000}),
        (413, "body-too-large", {"content": good[:-1] + ', "comment": "' + "x" * (64 << 10) + '"}'}),
        (415, "content-type", {"content": good, "Content_Type": "text/plain"}),
        (415, "content-encoding", {"content": good, "Content_Encoding": "rot13"}),
        (400, "bad-request", {"content": good, "path": "?record=1"}),
        (405, "unknown-endpoint", {"method": "GET"}),
        (405, "unknown-endpoint", {"method": "DELETE"}),
    ]:
        record = refused(works.send(**sent), status, reason)
        assert works.record(record)["kind"] == "refuse", sent
        assert "x" * 100 not in json.dumps(works.record(record))
    assert not works.records("--kind", "oversight", "--id", call)
    assert works.send(content=good).status_code == 201


def test_only_pages_that_the_plant_names_may_tell(works):
    call = works.ask()
    body = json.dumps({"record": call, "decision": "accepted"})
    ask = {"method": "OPTIONS", "key": None, "Access_Control_Request_Method": "POST"}
    preflight = works.send(**ask, Origin=PAGE)
    assert (preflight.status_code, preflight.text) == (204, "")
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "penstock-operator" in preflight.headers["access-control-allow-headers"]
    assert works.send(**ask, Origin=PAGE, Access_Control_Request_Private_Network="true").headers["access-control-allow-private-network"] == "true"
    for origin in ["https://evil.example", "http://hmi.works.example", PAGE + ".evil.example", "null", PAGE + ":8443", ""]:
        for sent in [ask | {"Origin": origin}, {"content": body, "Origin": origin}]:
            answer = works.send(**sent)
            refused(answer, 403, "origin-refused")
            assert "access-control-allow-origin" not in answer.headers
    taken = works.send(content=body, Origin=PAGE)
    assert taken.status_code == 201
    assert taken.headers["access-control-allow-origin"] == PAGE and taken.headers["vary"] == "origin"
    assert works.send(content="{}", Origin=PAGE).headers["access-control-allow-origin"] == PAGE, "so that it can read why"
    assert len(works.records("--kind", "oversight", "--id", call)) == 1


def test_a_call_under_way_has_no_answer_yet_and_one_that_was_stopped_has(works, anna):
    body = {"model": "silent", "stream": True, "messages": [{"role": "user", "content": "how hot"}]}
    with works.client() as client:
        with client.stream(
            "POST", f"{works.base}/patient/v1/chat/completions", headers={"Authorization": f"Bearer {works.key}"}, json=body
        ) as answer:
            call = answer.headers["penstock-record"]
            pieces = answer.iter_raw()
            next(pieces)
            early = works.tell(call, "stopped", anna)
            refused(early, 409, "record-open")
            assert early.headers["retry-after"] == "1"
    works.outcome(call)
    assert works.tell(call, "stopped", anna).status_code == 201


def test_an_answer_cannot_be_accounted_for_for_ever(works):
    call = works.ask("brief")
    ended = works.outcome(call)["t"]
    wait_for(lambda: time.time() * 1000 > ended + 1_100, "its time to be over")
    refused(works.tell(call), 410, "record-closed")


def missed(works, call):
    return [record for record in works.records("--kind", "alert", "--id", call) if record["note"]["event"] == "unaccounted"]


def test_an_answer_that_nobody_accounts_for_becomes_a_finding(works, anna):
    call = works.ask("hasty")
    [alert] = wait_for(lambda: missed(works, call), "the finding")
    outcome = works.outcome(call)
    assert alert["note"] == {
        "event": "unaccounted", "outcome": outcome["id"], "oversight_ms": 1000, "due": outcome["t"] + 1000, "workload": "copilot",
    }
    assert alert["t"] >= outcome["t"] + 1000 and alert["where"]["conduit"] == "hasty"
    assert works.metric("penstock_oversight_missed_total")['{conduit="hasty"}'] >= 1
    [row] = works.oversight("--conduit", "hasty")
    assert (row["required"], row["never"], row["never_percent"], row["late"]) == (1, 1, 100, 0)
    late = works.tell(call, "rejected", anna).json()
    record = works.record(late["record"])
    assert late["late"] and record["note"]["late_ms"] == record["note"]["after_ms"] - 1000
    assert len(missed(works, call)) == 1
    [row] = works.oversight("--conduit", "hasty")
    assert (row["required"], row["never"], row["late"], row["rejected"]) == (1, 0, 1, 1)


def test_what_programs_read_is_nobodys_to_account_for(works):
    call = works.ask("watched", "text-embedding-3", "embeddings")
    assert "oversight_ms" not in works.outcome(call).get("note", {})
    assert works.tell(call).status_code == 201, "though whoever wants to may"


def test_where_content_is_kept_so_is_what_people_write_and_erased_with_it(works, anna):
    call = works.ask("kept")
    told = works.tell(call, "edited", anna, comment="too hot", edited="62 °C").json()
    record = works.record(told["record"])
    key = str(works.folder / "keys" / "seal.key")
    opened = json.loads(works.penstock("records", "--open", call, "--key", key, "--format", "json").stdout)
    account = [one for one in opened if one["record"] == record["id"]]
    assert [one["what"] for one in opened] == ["request as it was sent", "answer as it was released", "account as it was told", "person"]
    assert opened[-1]["subject"] == "anna" and opened[-1]["pseudonym"] == record["who"]["operator"]["id"]
    assert account[0]["genuine"] and json.loads(account[0]["text"])["edited"] == "62 °C"
    person = record["who"]["operator"]["id"]
    works.penstock("erase", "--subject", person, "--basis", "request", "--approver", "J. Brandt")
    assert "too hot" not in works.penstock("records", "--open", call, "--key", key, "--format", "json", check=False).stdout
    assert works.tell(call, "rejected", anna, comment="still too hot").json()["nth"] == 2, "erased is what was written, not what was done"
    works.penstock("erase", "--record", call, "--basis", "request", "--approver", "J. Brandt")
    assert "still" not in works.penstock("records", "--open", call, "--key", key, "--format", "json", check=False).stdout


def test_the_report(works, issuer):
    carl = issuer.sign_in("carl")
    for decision, shown in [("accepted", 0), ("accepted", 0), ("accepted", None), ("rejected", None), ("accepted", 0)]:
        call = works.ask("watched")
        works.tell(call, decision, carl, **({} if shown is None else {"shown_ms": shown}))
    works.tell(call, "overridden", carl)
    person = works.records("--kind", "oversight", "--id", call)[0]["who"]["operator"]["id"]
    [row] = works.oversight("--by", "operator", "--operator", person, "--quick", "1ms")
    assert row["operator"] == person and row["required"] == 5 and row["never"] == row["open"] == row["late"] == 0
    assert (row["accepted"], row["rejected"], row["overridden"], row["accepted_first"]) == (3, 1, 1, 4)
    assert row["accepted_quickly"] >= 3 and row["median_ms"] <= row["p90_ms"]
    assert works.oversight("--operator", "carl") == works.oversight("--operator", person)
    assert works.oversight("--since", "2099-01-01") == []
    table = works.penstock("oversight", "--by", "conduit", "--by", "workload").stdout
    assert "CONDUIT  WORKLOAD" in table and "watched  copilot" in table
    used = json.loads(works.penstock("usage", "--json", "--by", "workload").stdout)
    assert next(row for row in used if row["workload"] == "copilot")["refused"] == 0, "a refused account was no call"


def test_explain_says_whether_somebody_must_account(works):
    def explain(conduit):
        told = works.penstock("explain", "--workload", "copilot", "--provider", conduit, "--model", "gpt-4o", "--from", "127.0.0.1", "--json")
        return json.loads(told.stdout)

    assert explain("watched")["account_within_ms"] == 3_600_000
    assert "account_within_ms" not in explain("strict")


def test_a_plant_that_makes_no_sense_is_told_so(works, tmp_path, issuer):
    for change, complaint in [
        ((CONDUITS["strict"], 'oversight = { within = "5m" }'), "requires nothing"),
        ((CONDUITS["strict"], 'oversight = { required = true, until = "1m" }'), "ends before the time is over"),
        ((CONDUITS["strict"], 'oversight = { by = ["nobody"] }'), "nobody"),
        ((PAGE, PAGE + "/"), "origin"),
        ((PAGE, "https://HMI.example"), "origin"),
        (("providers.strict", "providers.penstock"), "the gateway's own paths"),
    ]:
        (tmp_path / "plant.toml").write_text((works.folder / "plant.toml").read_text().replace(*change))
        done = works.penstock("check", "--plant", str(tmp_path), plant=False, check=False)
        assert complaint in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_open_stays_open_over_a_restart(tmp_path, provider, issuer, how):
    anna = issuer.sign_in("anna")
    works = Works(tmp_path / "works", provider, issuer)
    open_, done, hasty = works.ask(), works.ask(), works.ask("hasty")
    assert works.tell(done, operator=anna).status_code == 201
    ended = works.outcome(hasty)["t"]
    works.stop(how)
    wait_for(lambda: time.time() * 1000 > ended + 1_000, "the time of the last to be over while nothing runs")
    works.start()
    assert len(wait_for(lambda: missed(works, hasty), "the finding")) == 1
    wait_for(lambda: works.metric("penstock_oversight_open")[""] == 1, "the open answer to be known")
    assert works.tell(open_, operator=anna).json()["nth"] == 1
    assert works.metric("penstock_oversight_open")[""] == 0
    assert works.tell(done, "rejected", anna).json()["nth"] == 2
    works.stop()
    works.start()
    assert works.tell(done, "accepted", anna).json()["nth"] == 3
    assert [len(missed(works, call)) for call in (open_, done, hasty)] == [0, 0, 1]
    works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0
