"""Operators signed in at a real OpenID Connect provider (npm `oidc-provider`), with a key rotation in the middle."""

import base64
import json
import pathlib
import re
import ssl
import subprocess
import time
import urllib.parse

import httpx
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import certificates
from conftest import BINARIES, DEADLINE, Plant

HERE = pathlib.Path(__file__).parent
BACK = "https://hmi.works.example/back"


class Issuer:
    """The provider behind an authority of its own, which no system knows."""

    def __init__(self, folder):
        subprocess.run([BINARIES / "penstock", "init", folder / "login"], check=True, capture_output=True)
        pki = folder / "login" / "pki"
        self.authority = pki / "authority.pem"
        self.tls = ssl.create_default_context(cafile=self.authority)
        files = certificates.issue(folder, "login", ["localhost"], pki, use=ExtendedKeyUsageOID.SERVER_AUTH)
        self.process = subprocess.Popen(
            ["node", "node/issuer.mjs", *files], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )
        self.address = self.process.stdout.readline().strip()

    def sign_in(self, person):
        """The authorization code flow, as a browser would go through it. Gives the ID token."""
        with httpx.Client(base_url=self.address, verify=self.tls, timeout=DEADLINE) as browser:
            ask = {"client_id": "penstock", "redirect_uri": BACK, "response_type": "code", "scope": "openid", "nonce": "n"}
            answer = browser.get("/auth", params=ask)
            for _ in range(12):
                if answer.status_code in (302, 303):
                    where = answer.headers["location"]
                    if where.startswith(BACK):
                        break
                    answer = browser.get(where)
                    continue
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
                action = re.search(r'action="([^"]+)"', answer.text)[1]
                answer = browser.post(action, data={"prompt": prompt, "login": person, "password": "x"})
            code = urllib.parse.parse_qs(urllib.parse.urlparse(where).query)["code"][0]
            answer = browser.post(
                "/token",
                data={"grant_type": "authorization_code", "code": code, "redirect_uri": BACK},
                auth=("penstock", "a-secret-of-the-test"),
            )
            return answer.json()["id_token"]

    def rotate(self):
        assert httpx.post(f"{self.address}/rotate", verify=self.tls).status_code == 200

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    issuer = Issuer(tmp_path_factory.mktemp("login"))
    yield issuer
    issuer.close()


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider, issuer):
    text = (HERE / "plant.toml").read_text().replace('keys = "KEYS"', f'keys = "KEYS"\nauthorities = "{issuer.authority}"')
    discovery = f"{issuer.address}/.well-known/openid-configuration"
    plant = Plant(tmp_path_factory.mktemp("operators") / "works", provider, issuer.address, discovery, text)
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
