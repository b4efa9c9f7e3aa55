"""Operators signed in at a real OpenID Connect provider (npm `oidc-provider`), with a key rotation in the middle."""

import base64
import json
import re
import time

import pytest
from conftest import HERE, Plant


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider, issuer):
    text = issuer.vouches((HERE / "plant.toml").read_text())
    plant = Plant(tmp_path_factory.mktemp("operators") / "works", provider, issuer.address, issuer.discovery, text)
    plant.start()
    yield plant
    plant.stop()


def ask(plant, token, operator=None):
    headers = {"Authorization": f"Bearer {token}"} | ({"Penstock-Operator": operator} if operator else {})
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    with plant.client() as client:
        return client.post(f"{plant.base}/supervised/v1/chat/completions", headers=headers, json=body)


def reason(answer):
    return answer.json()["error"]["code"]


def forge(token, **changes):
    head, body, mark = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    body = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{mark}"


def test_a_conduit_with_an_operator_needs_one(works, issuer):
    token = works.token("copilot")
    refused = ask(works, token)
    assert (refused.status_code, reason(refused)) == (403, "operator-required")

    anna = issuer.sign_in("anna")
    answer = ask(works, token, anna)
    assert answer.status_code == 200, answer.text
    who = works.record(answer.headers["penstock-record"])["who"]["operator"]
    assert who["by"] == "oidc"
    assert re.fullmatch(r"op-[a-z2-7]{16}", who["id"]) and "anna" not in json.dumps(who)

    again = works.record(ask(works, token, issuer.sign_in("anna")).headers["penstock-record"])["who"]["operator"]
    other = works.record(ask(works, token, issuer.sign_in("bela")).headers["penstock-record"])["who"]["operator"]
    assert again["id"] == who["id"] != other["id"]


def test_who_was_erased_is_nobody_any_more_and_calls_on_under_another_pseudonym(works, issuer):
    token, dora, bela = works.token("copilot"), issuer.sign_in("dora"), issuer.sign_in("bela")
    call = ask(works, token, dora).headers["penstock-record"]
    before, other = works.record(call)["who"]["operator"]["id"], ask(works, token, bela).headers["penstock-record"]
    key = str(works.folder / "keys" / "seal.key")
    opened = lambda: works.penstock("records", "--open", call, "--key", key, "--format", "json", check=False).stdout
    assert [(one["pseudonym"], one["subject"]) for one in json.loads(opened())] == [(before, "dora")]
    assert {one["who"]["operator"]["id"] for one in works.records("--operator", "dora")} == {before}

    told = works.penstock("erase", "--subject", "dora", "--basis", "request of 3 November", "--approver", "J. Brandt", "--json").stdout
    assert json.loads(told)["person"] is True
    assert "dora" not in opened()
    assert "nobody of that name" in works.penstock("records", "--operator", "dora", check=False).stderr
    for file in (works.folder / "ledger").rglob("*"):
        if file.is_file() and "blobs" not in file.parts:
            assert b"dora" not in file.read_bytes(), file

    # The same token goes on, as somebody whom nothing ties to the records of before.
    after = works.record(ask(works, token, dora).headers["penstock-record"])["who"]["operator"]["id"]
    assert after != before and {one["who"]["operator"]["id"] for one in works.records("--operator", "dora")} == {after}
    assert len(works.records("--operator", before)) == 2, "intent and outcome stay, as nobody's"
    again = works.record(ask(works, token, bela).headers["penstock-record"])["who"]["operator"]["id"]
    assert again == works.record(other)["who"]["operator"]["id"], "nobody else is touched"


def test_keys_rotate_in_the_middle(works, issuer):
    token = works.token("copilot")
    before = issuer.sign_in("anna")
    assert ask(works, token, before).status_code == 200
    issuer.rotate()
    after = issuer.sign_in("anna")
    heads = [json.loads(base64.urlsafe_b64decode(one.split(".")[0] + "==")) for one in (before, after)]
    assert heads[0]["kid"] != heads[1]["kid"]
    assert ask(works, token, after).status_code == 200
    assert ask(works, token, before).status_code == 200


def test_a_forged_token_is_refused(works, issuer):
    token = works.token("copilot")
    anna = issuer.sign_in("anna")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for forged in [
        forge(anna, sub="boss"),
        forge(anna, exp=int(time.time()) + 10**6),
        f"{none}.{anna.split('.')[1]}.",
        "not a token",
    ]:
        answer = ask(works, token, forged)
        assert (answer.status_code, reason(answer)) == (401, "operator-invalid")
