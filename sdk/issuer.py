"""A real OpenID Connect provider (npm `oidc-provider`) and the people who sign in at it."""

import re
import ssl
import subprocess
import urllib.parse

import certificates
import httpx
from conftest import BINARIES, DEADLINE, HERE, Child
from cryptography.x509.oid import ExtendedKeyUsageOID

BACK = "https://hmi.works.example/back"


class Issuer(Child):
    """The provider behind an authority of its own, which no system knows."""

    def __init__(self, folder):
        subprocess.run([BINARIES / "penstock", "init", folder / "login"], check=True, capture_output=True, timeout=DEADLINE)
        pki = folder / "login" / "pki"
        self.authority = pki / "authority.pem"
        self.tls = ssl.create_default_context(cafile=self.authority)
        files = certificates.issue(folder, "login", ["localhost"], pki, use=ExtendedKeyUsageOID.SERVER_AUTH)
        super().__init__(["node", "node/issuer.mjs", *files], cwd=HERE, stderr=subprocess.DEVNULL)

    @property
    def discovery(self):
        return f"{self.address}/.well-known/openid-configuration"

    def vouches(self, text, *more):
        """A plant file whose operators sign in here, with more lines of `[operators]`."""
        return text.replace('keys = "KEYS"', "\n".join(['keys = "KEYS"', *more, f'authorities = "{self.authority}"']))

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
