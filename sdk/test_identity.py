"""Who may call: tokens, certificates, zones, governance; and what each refusal says."""

import time

import httpx
import pytest

from certificates import issue
from conftest import wait_for

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


def ask(plant, token=None, provider="openai", tls=None, headers=None, local=None):
    headers = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    transport = httpx.HTTPTransport(verify=tls or plant.tls(), local_address=local)
    with httpx.Client(transport=transport, timeout=20) as client:
        return client.post(f"{plant.base}/{provider}/v1/chat/completions", headers=headers, json=BODY)


def refused(plant, answer, status, reason):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, reason)
    record = plant.record(answer.headers["penstock-record"])
    assert (record["kind"], record["dec"]["reason"]) == ("refuse", reason)
    return record


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "api-key", "x-goog-api-key"])
def test_a_token_counts_in_every_header_that_sdks_use(plant, token, header):
    value = f"Bearer {token}" if header == "Authorization" else token
    assert ask(plant, headers={header: value}).status_code == 200


def test_nobody_is_refused(plant):
    refused(plant, ask(plant), 401, "no-identity")
    refused(plant, ask(plant, "sk-shared-by-the-whole-plant"), 401, "token-unknown")


def test_a_token_that_nobody_issued_is_refused(plant, token):
    other = "a" if token[-2] != "a" else "e"
    refused(plant, ask(plant, token[:-2] + other + token[-1]), 401, "token-unknown")


def test_a_token_ends(plant):
    issued = plant.token("copilot", "--expires", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3)))
    ended = lambda one: one if one.status_code == 401 and one.json()["error"]["code"] != "token-unknown" else None
    answer = wait_for(lambda: ended(ask(plant, issued)), "its end")
    refused(plant, answer, 401, "token-expired")


def test_a_token_is_revoked(plant):
    issued = plant.token("copilot")
    wait_for(lambda: ask(plant, issued).status_code == 200, "the token to be known")
    plant.penstock("token", "revoke", issued.split("_")[1])
    answer = wait_for(lambda: (lambda one: one if one.status_code == 401 else None)(ask(plant, issued)), "revocation")
    refused(plant, answer, 401, "token-revoked")
    notes = [record["note"] for record in plant.records("--kind", "admin")]
    assert any(note["change"] == "token-revoked" and note["workload"] == "copilot" for note in notes)


def test_tokens_are_stored_hashed(plant, token):
    text = (plant.folder / "tokens.json").read_text()
    assert token.split("_")[-1] not in text


def test_a_workload_without_owner_is_ungoverned(plant):
    issued = plant.token("stray")
    answer = wait_for(lambda: (lambda one: one if one.status_code == 403 else None)(ask(plant, issued)), "the token")
    record = refused(plant, answer, 403, "ungoverned")
    assert "update_process" in record["dec"]["detail"]


def test_a_call_from_another_zones_network_is_refused(plant, token):
    record = refused(plant, ask(plant, token, local="127.0.0.2"), 403, "zone-mismatch")
    assert record["who"]["workload"]["id"] == "copilot"
    refused(plant, ask(plant, token, local="127.0.0.9"), 403, "zone-mismatch")


def test_no_conduit_no_way(plant):
    issued = plant.token("bench")
    wait_for(lambda: ask(plant, issued, local="127.0.0.2").status_code == 403, "the token")
    refused(plant, ask(plant, issued, local="127.0.0.2"), 403, "no-conduit")


def test_a_purpose_must_be_stated_where_several_are_possible(plant):
    issued = plant.token("planner")
    wait_for(lambda: ask(plant, issued, "edge").status_code == 403, "the token")
    refused(plant, ask(plant, issued, "edge"), 403, "purpose-missing")
    assert ask(plant, issued, "edge", headers={"Penstock-Purpose": "scheduling"}).status_code == 200
    refused(plant, ask(plant, issued, "edge", headers={"Penstock-Purpose": "poetry"}), 403, "purpose-not-allowed")


@pytest.fixture
def certificate(plant, tmp_path):
    def make(names, **more):
        chain, key = issue(tmp_path, "caller", names, **({"authority": plant.folder / "pki"} | more))
        context = plant.tls()
        context.load_cert_chain(chain, key)
        return context

    return make


def test_a_certificate_proves_a_workload(plant, certificate):
    answer = ask(plant, tls=certificate(["spiffe://works/workload/copilot"]))
    assert answer.status_code == 200
    who = plant.record(answer.headers["penstock-record"])["who"]
    assert who["workload"] == {"by": "mtls", "id": "copilot"}


def test_a_certificate_proves_a_workstation_beside_a_token(plant, token, certificate):
    answer = ask(plant, token, tls=certificate(["hmi-4.works.example"]))
    assert answer.status_code == 200
    who = plant.record(answer.headers["penstock-record"])["who"]
    assert who["workstation"] == {"by": "mtls", "id": "hmi-4"}
    asserted = ask(plant, token, headers={"Penstock-Workstation": "hmi-4"})
    assert plant.record(asserted.headers["penstock-record"])["who"]["workstation"] == {"by": "asserted", "id": "hmi-4"}


def test_a_strangers_certificate_is_refused_with_a_record(plant, certificate):
    tls = certificate(["spiffe://works/workload/copilot"], authority=None)
    refused(plant, ask(plant, tls=tls), 401, "certificate-untrusted")


def test_an_expired_certificate_is_refused_with_a_record(plant, certificate):
    tls = certificate(["spiffe://works/workload/copilot"], began=-10, days=2)
    refused(plant, ask(plant, tls=tls), 401, "certificate-expired")


def test_a_certificate_of_nobody_is_refused(plant, certificate):
    refused(plant, ask(plant, tls=certificate(["spiffe://works/workload/other"])), 403, "certificate-unmapped")


def test_certificate_and_token_must_agree(plant, certificate):
    other = plant.token("planner")
    tls = certificate(["spiffe://works/workload/copilot"])
    answer = wait_for(lambda: (lambda one: one if one.status_code == 403 else None)(ask(plant, other, tls=tls)), "it")
    refused(plant, answer, 403, "identity-conflict")
