"""Applications whose base URL cannot be changed: real clients that know of the gateway by their environment alone, and every way
of saying one host here and another there, over real sockets."""

import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys

import pytest
from certificates import issue
from conftest import BINARIES, HERE, wait_for
from cryptography import x509
from intercepted import Works
from people import People

CHAT = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "TIC-101 drifts"}]})


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    works = Works(tmp_path_factory.mktemp("intercept") / "works", provider)
    yield works
    works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


@pytest.fixture(scope="module")
def key(works):
    return works.token("copilot")


@pytest.fixture(scope="module")
def asking(tmp_path_factory, provider):
    """One that asks for evidence before it opens a tunnel, and that takes what may be a hidden handshake for the decoy that it mostly is."""
    works = Works(tmp_path_factory.mktemp("challenge") / "works", provider, challenge=True)
    yield works
    works.stop()


def crossed(works, by="token", provider="openai", conduit="copilot-openai"):
    """The newest call, which a client made and which left."""
    intent = [record for record in works.records() if record["kind"] == "intent"][-1]
    assert intent["who"]["workload"]["by"] == by
    assert (intent["what"]["provider"], intent["where"]["conduit"]) == (provider, conduit)
    return intent


# Clients, unmodified: the proxy and what to trust come from the environment, the address of the service is their own.

def test_curl(works, provider, key):
    for how, more in {"key": ["-H", f"Authorization: Bearer {key}"], "proxy": []}.items():
        token = key if how == "proxy" else None
        done = works.curl("https://api.openai.com/v1/chat/completions", "-d", CHAT, "-H", "Content-Type: application/json", *more, token=token)
        assert json.loads(done.stdout)["choices"][0]["message"]["content"] == "TIC-101 drifts"
        intent = crossed(works)
        assert intent["what"]["findings"] == [{"count": 1, "label": "tag"}], "what went through the tunnel was read"
        assert provider.last()["headers"]["authorization"] == "Bearer sk-of-the-plant"
        assert "TIC-101" not in json.dumps(provider.last()) and "psk_" not in json.dumps(provider.last())


def test_curl_speaks_http_2_to_us_whatever_the_provider_speaks(works, key):
    done = works.curl(
        f"https://localhost:{works.upstream.port}/v1/chat/completions", "-d", CHAT, "-H", "Content-Type: application/json",
        "--http2", "-w", "\n%{http_version}", "-H", f"Authorization: Bearer {key}",
    )
    body, version = done.stdout.rsplit("\n", 1)
    assert version == "2" and json.loads(body)["choices"][0]["message"]["content"] == "TIC-101 drifts"
    assert works.upstream.seen[-1][0] == "/v1/chat/completions", "and it got it in HTTP/1.1, which is all that it speaks"
    crossed(works, provider="tls", conduit="tls")


def test_requests(works, key):
    text = works.python(
        f"import requests; print(requests.post('https://api.openai.com/v1/chat/completions', data={CHAT!r}, "
        f"headers={{'Authorization': 'Bearer {key}', 'Content-Type': 'application/json'}}).json()['choices'][0]['message']['content'])"
    )
    assert text == "TIC-101 drifts"
    crossed(works)


def test_httpx(works, key):
    text = works.python(
        f"import httpx; print(httpx.post('https://api.openai.com/v1/chat/completions', content={CHAT!r}, "
        f"headers={{'Authorization': 'Bearer {key}', 'Content-Type': 'application/json'}}).json()['choices'][0]['message']['content'])"
    )
    assert text == "TIC-101 drifts"
    crossed(works)


OPENAI = """
import openai
client = openai.OpenAI(max_retries=0)
message = [{"role": "user", "content": "why does TIC-101 drift"}]
print(client.chat.completions.create(model="gpt-4o-mini", messages=message).choices[0].message.content)
stream = client.chat.completions.create(model="gpt-4o-mini", messages=message, stream=True)
print("".join(chunk.choices[0].delta.content or "" for chunk in stream))
"""
ANTHROPIC = """
import anthropic
client = anthropic.Anthropic(max_retries=0)
message = [{"role": "user", "content": "why does TIC-101 drift"}]
print(client.messages.create(model="claude", max_tokens=99, messages=message).content[0].text)
with client.messages.stream(model="claude", max_tokens=99, messages=message) as stream:
    print("".join(stream.text_stream))
"""


TLS_1_2 = """
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MaxProtocol = TLSv1.2
"""
SESSION = """
import openai
with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as session:
    print(session.recv().type)
    content = [{"type": "input_text", "text": "why does TIC-101 drift"}]
    session.conversation.item.create(item={"type": "message", "role": "user", "content": content})
    session.response.create()
    while (event := session.recv()).type != "response.done":
        if event.type == "response.output_text.done":
            print(event.text)
"""


@pytest.mark.parametrize("how", ["key", "proxy"])
def test_a_session_of_the_sdk_by_its_environment_alone(works, provider, key, how, tmp_path):
    own, token = (key, None) if how == "key" else ("sk-of-the-application", key)
    # As in test_realtime: the client reads and writes from two threads, and a ticket of TLS 1.3 may come between.
    (tmp_path / "openssl.cnf").write_text(TLS_1_2)
    said = works.python(SESSION, token, OPENAI_API_KEY=own, OPENSSL_CONF=str(tmp_path / "openssl.cnf")).splitlines()
    assert said == ["session.created", "why does TIC-101 drift"]
    intent = crossed(works)
    ended = lambda: [one for one in works.records("--kind", "outcome") if one["ref"] == intent["id"]]
    assert wait_for(ended, "the end of the session")[0]["out"]["status"] == 101
    assert intent["what"]["endpoint"] == "realtime"
    sent = [one for one in provider.seen() if "why does" in one["body"]][-1]
    assert "TAG_" in sent["body"] and "TIC-101" not in sent["body"]


@pytest.mark.parametrize("how", ["key", "proxy"])
def test_the_sdk_of_openai_by_its_environment_alone(works, key, how):
    """With the workload token as its API key; and with its own old key, the token shown to the proxy."""
    own, token = (key, None) if how == "key" else ("sk-of-the-application", key)
    said = works.python(OPENAI, token, OPENAI_API_KEY=own).splitlines()
    assert said == ["why does TIC-101 drift"] * 2
    crossed(works)


def test_the_sdk_of_anthropic_by_its_environment_alone(works, key):
    said = works.python(ANTHROPIC, ANTHROPIC_API_KEY=key).splitlines()
    assert said == ["why does TIC-101 drift"] * 2
    crossed(works, provider="anthropic", conduit="copilot-anthropic")


def test_node(works, key):
    done = works.run("node", "node/intercepted.mjs", OPENAI_API_KEY=key)
    assert done.stdout.splitlines() == ["fetch TIC-101 drifts", "openai TIC-101 drifts"]
    crossed(works)


def test_java(works, asking, tmp_path):
    """Its HttpClient shows a proxy nothing until it is asked, and trusts a key store."""
    store = tmp_path / "trust.p12"
    subprocess.run(
        ["keytool", "-importcert", "-noprompt", "-alias", "plant", "-file", asking.trust, "-keystore", store, "-storepass", "changeit"],
        check=True, capture_output=True,
    )
    host, port = asking.proxy.split(":")
    done = asking.run(
        "java", "-XX:TieredStopAtLevel=1", f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit",
        "-Djdk.http.auth.tunneling.disabledSchemes=", HERE / "java" / "Intercepted.java", host, port, asking.token("copilot"),
    )
    assert done.stdout.splitlines() == ["200 HTTP_2", "TIC-101 drifts"], done.stderr
    crossed(asking)


def test_chromium(asking):
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path, "Debian's package chromium is needed"
    spki = subprocess.run(
        f"openssl x509 -in {asking.folder}/pki/intercept.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64",
        shell=True, check=True, capture_output=True, text=True,
    ).stdout.strip()
    # A browser has a store of its own; this says that it knows who issues here. It also sends a decoy of ECH, which this plant declines.
    arguments = [f"--ignore-certificate-errors-spki-list={spki}"]
    proxy = {"server": f"http://{asking.proxy}", "bypass": "<-loopback>", "username": "copilot", "password": asking.token("copilot")}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=arguments + ([] if os.getuid() else ["--no-sandbox"]), proxy=proxy
        )
        page = browser.new_page()
        answer = page.goto("https://api.openai.com/v1/models")
        assert answer.status == 200 and "gpt" in answer.text()
        assert answer.headers["penstock-decision"] == "allow"
        with pytest.raises(Exception, match="ERR_TUNNEL_CONNECTION_FAILED"):
            page.goto("https://example.com/")
        browser.close()
    crossed(asking)


# Evidence: a certificate to the proxy, a token to it, an address, or none.

def test_a_certificate_shown_to_the_proxy_proves_the_workload(works, tmp_path):
    certificate, key = issue(tmp_path, "copilot", ["spiffe://works/workload/copilot"], works.folder / "pki")
    done = works.run(
        "curl", "-sS", "-x", f"https://localhost:{works.proxy_tls.rsplit(':', 1)[1]}", "--proxy-cacert", works.authority,
        "--proxy-cert", certificate, "--proxy-key", key, "https://api.openai.com/v1/models",
    )
    assert json.loads(done.stdout)["object"] == "list"
    crossed(works, by="mtls")


def test_an_address_proves_a_workload_and_is_recorded_as_the_weakest_evidence(works):
    url = f"https://localhost:{works.upstream.port}/v1/chat/completions"
    done = works.curl(url, "-d", CHAT, "-H", "Content-Type: application/json", "-H", "Authorization: Bearer sk-own", "--interface", "127.0.0.2")
    assert json.loads(done.stdout)["choices"]
    intent = crossed(works, by="address", provider="tls", conduit="lab")
    assert intent["who"]["peer"] == "127.0.0.2" and intent["where"]["zone"] == "lab"
    # To the gateway's own address an address proves nothing.
    direct = works.curl("--cacert", works.authority, "--noproxy", "*", "--interface", "127.0.0.2", f"{works.base}/openai/v1/models", check=False)
    assert "no-identity" in direct.stdout or "identify" in direct.stdout or direct.returncode


def test_without_evidence_the_request_inside_is_refused(works):
    done = works.curl("-i", "https://api.openai.com/v1/models")
    assert "no-identity" in done.stdout and "401" in done.stdout


def test_a_token_of_nobody_is_refused_before_the_tunnel_opens(works):
    plain, head = works.tunnel("api.openai.com:443", token="psk_copilot_nobody")
    assert head.startswith("HTTP/1.1 407") and "proxy-authenticate: basic" in head.lower()
    plain.close()
    last = works.refusals()[-1]
    assert last["dec"]["reason"] == "token-unknown" and last["what"]["endpoint"] == "CONNECT api.openai.com:443"


# What is refused, each with exactly one record.

def refused_by_one_record(works, attempt, reason, known=True):
    before = len(works.records())
    attempt()
    wait_for(lambda: len(works.records()) > before, "a record")
    records = works.records()[before:]
    assert [record["kind"] for record in records] == ["refuse"], records
    assert records[0]["dec"]["reason"] == reason, records[0]
    return records[0]


def fails_to_shake(works, target, name, key, trust=None):
    plain, head = works.tunnel(target, key)
    assert head.startswith("HTTP/1.1 200"), head
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)) as failed:
        works.handshake(plain, name, trust).do_handshake()
    plain.close()
    return failed


def test_a_host_that_is_no_providers_is_refused(works, key):
    def attempt():
        done = works.curl("https://example.com/", token=key, check=False)
        assert done.returncode == 56 and "403" in done.stderr

    record = refused_by_one_record(works, attempt, "unknown-host")
    assert record["what"]["endpoint"] == "CONNECT example.com:443" and record["who"]["workload"]["id"] == "copilot"


def test_a_tunnel_for_one_host_and_a_handshake_for_another_is_refused(works, key):
    refused_by_one_record(works, lambda: fails_to_shake(works, "api.openai.com:443", "api.anthropic.com", key), "host-mismatch")


def test_a_tunnel_whose_host_header_names_another_is_refused(works, key):
    def attempt():
        _, head = works.tunnel("api.openai.com:443", key, lines=["Host: example.com"])
        assert head.startswith("HTTP/1.1 421")

    refused_by_one_record(works, attempt, "host-mismatch")


@pytest.mark.parametrize("request_line, host", [
    ("GET /v1/models HTTP/1.1", "example.com"),
    ("GET https://example.com/v1/models HTTP/1.1", "api.openai.com"),
    ("GET /v1/models HTTP/1.1", "api.openai.com:8443"),
])
def test_a_request_for_another_host_than_its_tunnel_is_refused(works, key, request_line, host):
    def attempt():
        plain, _ = works.tunnel("api.openai.com:443", key)
        with works.handshake(plain, "api.openai.com") as tls:
            tls.sendall(f"{request_line}\r\nHost: {host}\r\n\r\n".encode())
            assert tls.recv(4096).startswith(b"HTTP/1.1 421")

    refused_by_one_record(works, attempt, "host-mismatch")


def test_without_a_server_name_only_an_address_is_meant(works, key):
    refused_by_one_record(works, lambda: fails_to_shake(works, "api.openai.com:443", None, key), "hello-refused")
    done = works.curl(f"https://127.0.0.1:{works.upstream.port}/v1/models", token=key)
    assert json.loads(done.stdout)["object"] == "list"
    crossed(works, provider="literal", conduit="literal")


def test_what_is_no_tls_is_refused(works, key):
    def attempt():
        plain, _ = works.tunnel("api.openai.com:443", key)
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert plain.recv(64)[:1] == b"\x15", "a TLS alert"

    refused_by_one_record(works, attempt, "hello-refused")


def with_extension(hello, kind, content):
    """A ClientHello in one record, with another extension."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at:at + 2], "big")
    at += 1 + hello[at]
    more = kind.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content
    all_of_them = hello[at + 2:] + more
    body = hello[9:at] + len(all_of_them).to_bytes(2, "big") + all_of_them
    message = hello[5:6] + len(body).to_bytes(3, "big") + body
    return hello[:3] + len(message).to_bytes(2, "big") + message


def test_an_encrypted_hello_is_refused(works, key):
    def attempt():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="api.openai.com")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        plain, _ = works.tunnel("api.openai.com:443", key)
        plain.sendall(with_extension(outgoing.read(), 0xFE0D, bytes(64)))
        assert plain.recv(64) == bytes([21, 3, 3, 0, 2, 2, 49]), "access denied"

    record = refused_by_one_record(works, attempt, "hello-refused")
    assert "ECH" in record["dec"]["detail"]


def test_a_bad_certificate_of_the_provider_is_not_hidden_behind_ours(works, key):
    target = f"127.0.0.2:{works.upstream.port}"
    record = refused_by_one_record(works, lambda: fails_to_shake(works, target, None, key), "provider-unreachable")
    assert "certificate is not trusted" in record["dec"]["detail"]
    assert record["what"]["provider"] == "bad"


def test_a_client_that_pins_another_certificate_is_told_of(works, key):
    record = refused_by_one_record(
        works, lambda: fails_to_shake(works, "api.openai.com:443", "api.openai.com", key, works.authority), "caller-distrusts"
    )
    assert "pins" in record["dec"]["detail"]


def test_a_pinned_host_passes_unread_and_is_recorded_so(works, key):
    pinned = str(works.upstream.certificate)
    before = len(works.records())
    url = f"https://127.0.0.3:{works.upstream.port}/anything"
    done = works.curl(url, "--cacert", pinned, token=key)
    assert json.loads(done.stdout)["object"] == "list", "the client has seen the vendor's own certificate"
    intent, outcome = wait_for(lambda: (records := works.records()[before:])[1:] and records, "the end of the connection")
    assert (intent["kind"], outcome["kind"], outcome["ref"]) == ("intent", "outcome", intent["id"])
    assert intent["what"]["endpoint"].startswith("CONNECT 127.0.0.3") and intent["note"]["inspected"] == "no"
    assert outcome["io"]["request_bytes"] > 300 and outcome["io"]["answer_bytes"] > 300 and outcome["out"]["status"] == 200
    # Nobody's connection passes, and who says nothing is asked for it.
    refused = refused_by_one_record(works, lambda: works.curl(url, "--cacert", pinned, check=False), "no-identity")
    assert refused["out"]["status"] == 401


def test_plain_http_goes_only_where_a_provider_is_spoken_to_so(works, key):
    refused = works.curl("http://example.com/", token=key)
    assert "unknown-host" in refused.stdout
    done = works.curl(f"http://{works.provider.address}/v1/models", token=key)
    assert "no single one" in json.dumps(works.refusals()[-1]), "several providers are at that address, so nobody knows who is meant"
    assert "unknown-host" in done.stdout


def test_the_proxy_tells_how_to_use_it(works):
    script = works.curl("--noproxy", "*", f"http://{works.proxy}/proxy.pac").stdout
    assert 'case "api.openai.com":' in script and f'return "PROXY {works.proxy}";' in script
    assert script == works.penstock("intercept", "pac", "--proxy", works.proxy).stdout
    bundle = works.curl("--noproxy", "*", f"http://{works.proxy}/authorities.pem").stdout
    assert bundle == pathlib.Path(works.trust).read_text() == works.penstock("intercept", "authorities").stdout


def test_connections_that_come_by_a_name_are_taken_over_too(works, key):
    """The third way: the name of the service leads to the gateway."""
    host, port = works.transparent.split(":")
    done = works.curl(
        "--noproxy", "*", "--connect-to", f"api.openai.com:443:{host}:{port}", "https://api.openai.com/v1/models",
        "-H", f"Authorization: Bearer {key}",
    )
    assert json.loads(done.stdout)["object"] == "list"
    assert crossed(works)["note"]["way"] == "transparent"


def test_the_authority_is_replaced_while_it_serves(works, key):
    """A client that trusts the old root alone, and one that trusts the new one alone: both work while both should."""
    old = works.folder / "old.pem"
    old.write_bytes(pathlib.Path(works.trust).read_bytes())
    url = "https://api.openai.com/v1/models"
    look = lambda trust: works.curl("--cacert", trust, url, token=key, check=False).returncode
    works.penstock("intercept", "rotate", "begin")
    both = x509.load_pem_x509_certificates(pathlib.Path(works.trust).read_bytes())
    assert len(both) == 2 and look(old) == 0 and look(works.trust) == 0
    works.penstock("intercept", "rotate", "switch")
    # Whoever has the bundle of both notices nothing.
    wait_for(lambda: look(works.trust) == 0 and look(old) == 60, "the gateway to issue by the next root")
    works.penstock("intercept", "rotate", "end")
    assert look(works.trust) == 0
    assert len(x509.load_pem_x509_certificates(pathlib.Path(works.trust).read_bytes())) == 1


def test_the_authority_that_the_gateway_holds_issues_for_the_plants_hosts_only(works):
    held = x509.load_pem_x509_certificate((works.folder / "pki" / "intercept.pem").read_bytes())
    constraints = held.extensions.get_extension_for_class(x509.NameConstraints)
    names = {one.value for one in constraints.value.permitted_subtrees if isinstance(one, x509.DNSName)}
    assert constraints.critical and names == {"api.openai.com", "api.anthropic.com", "localhost"}
    assert held.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


# What tells on a client's machine whether all of this works there.

def diagnosed(works, *arguments, environment=None, code=0):
    command = [BINARIES / "penstock", "doctor", "--json", *arguments]
    # What this machine's own environment trusts is not asked.
    bare = {name: value for name, value in works.environment.items() if "CERT" not in name and "BUNDLE" not in name and "proxy" not in name.lower()}
    done = subprocess.run(command, env=environment or bare, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_doctor_finds_nothing_wrong_where_nothing_is(works, key, tmp_path):
    token = tmp_path / "token"
    token.write_text(key + "\n")
    arguments = ["--authorities", works.trust, "--token-file", token]
    found = diagnosed(works, "--proxy", f"http://{works.proxy}", *arguments)
    assert [found[check]["state"] for check in ("name", "path", "clock", "tunnel", "trust inside", "call")] == ["ok"] * 6
    # By its environment alone, with the token in the proxy's address; every runtime that a variable prepares is tried.
    found = diagnosed(works, environment=works.surroundings(key), *["--authorities", works.trust])
    assert {found[check]["state"] for check in found} == {"ok"}, found
    found = diagnosed(works, "--gateway", works.base, "--provider", "openai", "--authorities", works.authority, "--token-file", token)
    assert {found[check]["state"] for check in ("name", "path", "trust", "clock", "call")} == {"ok"}


@pytest.mark.parametrize("what, arguments, check", [
    ("a host of nobody", ["--host", "example.com"], "tunnel"),
    ("a client without the authority", ["--authorities", "{works.authority}"], "trust inside"),
    ("a proxy that is not there", ["--proxy", "http://127.0.0.1:1"], "path"),
    ("a name that is not known", ["--proxy", "http://nowhere.invalid:3128"], "name"),
    ("a token of nobody", ["--proxy", "http://copilot:psk_copilot_x@{works.proxy}"], "tunnel"),
    ("no proxy but the gateway", ["--proxy", "{works.plain}"], "tunnel"),
])
def test_doctor_names_what_is_wrong(works, what, arguments, check):
    filled = [argument.replace("{works.authority}", works.authority).replace("{works.plain}", works.plain).replace("{works.proxy}", works.proxy) for argument in arguments]
    base = [] if "--proxy" in arguments else ["--proxy", f"http://{works.proxy}"]
    base += [] if "--authorities" in arguments else ["--authorities", works.trust]
    found = diagnosed(works, *base, *filled, code=1)
    assert found[check]["state"] == "bad" and found[check]["help"], what


def test_doctor_sees_a_way_past_the_proxy(works):
    around = works.surroundings() | {"NO_PROXY": "localhost,.openai.com"}
    found = diagnosed(works, "--authorities", works.trust, environment=around, code=1)
    assert found["environment"]["state"] == "bad" and ".openai.com" in found["environment"]["detail"]


def test_what_is_suspended_is_refused_through_the_proxy_and_inside_of_it(tmp_path, provider):
    """Also on a tunnel that was open before: the connection stays, and no call crosses it."""
    works = Works(tmp_path / "works", provider)
    try:
        people, key = People(works), works.token("copilot")
        call = (
            "import sys, httpx\n"
            "client = httpx.Client()\n"
            f"post = lambda: client.post('https://api.openai.com/v1/chat/completions', content={CHAT!r}, "
            f"headers={{'Authorization': 'Bearer {key}', 'Content-Type': 'application/json'}})\n"
            "print(post().status_code, flush=True)\n"
            "sys.stdin.readline()\n"
            "answer = post()\n"
            "print(answer.status_code, answer.json()['error']['code'])\n"
        )
        client = subprocess.Popen(
            [sys.executable, "-c", call], env=works.surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert client.stdout.readline().strip() == "200"
        before = provider.seen()
        people.step("workload:copilot", "suspended")
        said, _ = client.communicate("\n", timeout=60)
        assert said.strip() == "403 component-suspended"
        done = works.curl("https://api.openai.com/v1/chat/completions", "-d", CHAT, "-H", "Content-Type: application/json", token=key)
        assert json.loads(done.stdout)["error"]["code"] == "component-suspended", "named by the proxy's password too"
        assert provider.seen() == before, "nothing left"
        people.step("workload:copilot", "live")
        done = works.curl("https://api.openai.com/v1/chat/completions", "-d", CHAT, "-H", "Content-Type: application/json", token=key)
        assert json.loads(done.stdout)["choices"]
        people.step("provider:openai", "suspended")
        done = works.curl("https://api.openai.com/v1/chat/completions", "-d", CHAT, "-H", "Content-Type: application/json", token=key)
        assert json.loads(done.stdout)["error"]["code"] == "component-suspended"
    finally:
        works.stop()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0
