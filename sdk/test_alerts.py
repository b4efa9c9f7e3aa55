"""Alerts reach a webhook, a collector of syslog and a mail server that know their formats and nothing of us: `standardwebhooks` checks
signatures, rsyslog and `pycef` read messages, aiosmtpd takes mail. None of them is punctual, and some are hostile."""

import email
import email.policy
import http.server
import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import threading

import httpx
import pycef
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from standardwebhooks import Webhook, WebhookVerificationError

from conftest import DEADLINE, HERE, Plant, wait_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOSTILE = "m|cs1=x\\ act=allow\r\n<13>1 forged\u202eCEF:0|a\u200b=\u2028" + "y" * 200


def text(alerts):
    return (HERE / "plant.toml").read_text() + alerts


class Site(Plant):
    """A plant with alerts."""

    def __init__(self, folder, provider, alerts, secrets=()):
        super().__init__(folder, provider, text=text(alerts))
        for name, secret in dict(secrets).items():
            file = folder / "secrets" / name
            file.write_text(secret + "\n")
            file.chmod(0o600)

    def begin(self):
        self.start()
        self.key = self.token("copilot")
        return self

    def refuse(self, model="gpt-4o", times=1, provider="unreached"):
        """Calls to a provider that no conduit leads to, or none for the model."""
        with self.client(headers={"Authorization": f"Bearer {self.key}"}) as client:
            for _ in range(times):
                body = {"model": model, "messages": [{"role": "user", "content": "SECRET-PROMPT"}]}
                answer = client.post(f"{self.base}/{provider}/v1/chat/completions", json=body)
                assert answer.status_code == 403, answer.text

    def state(self, name):
        file = self.folder / "ledger" / "alerts" / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def metrics(self):
        return httpx.get(f"{self.operations}/metrics").text


@pytest.fixture
def site(tmp_path, provider):
    """Makes plants, and ends their gateways."""
    sites = []

    def make(alerts, **secrets):
        sites.append(Site(tmp_path / f"works-{len(sites)}", provider, alerts, secrets))
        return sites[-1]

    yield make
    for one in sites:
        if one.process and one.process.poll() is None:
            one.stop()
        if (one.folder / "ledger").exists():
            assert one.penstock("verify", str(one.folder / "ledger"), plant=False).returncode == 0


class Receiver:
    """A program that takes webhooks, and answers what it is told to."""

    def __init__(self, site, port=0):
        self.came, self.answers = queue.Queue(), queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status, headers = (200, {}) if receiver.answers.empty() else receiver.answers.get()
                receiver.came.put((self.path, dict(self.headers.items()), body, status))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(site.folder / "pki" / "gateway.pem", site.folder / "pki" / "gateway.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        """The next alert that was taken; verified."""
        while True:
            path, headers, body, status = self.came.get(timeout=DEADLINE)
            assert path == "/alerts"
            alert = Webhook(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})
            if status < 300:
                return headers, alert

    def find(self, code, status="firing"):
        while True:
            headers, alert = self.next()
            if (alert["code"], alert["status"]) == (code, status):
                return headers, alert

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


UNREACHED = """
[providers.unreached]
dialect = "openai"
address = "http://PROVIDER"
zone = "cloud"
clearance = "restricted"
supplier = { name = "Nobody" }

[providers.narrow]
dialect = "openai"
address = "http://PROVIDER"
zone = "cloud"
clearance = "restricted"
supplier = { name = "Somebody" }

[conduits.narrow]
from = ["line"]
to = "narrow"
purposes = ["advice"]
models = ["none"]
ceiling = "restricted"
owner = "Line engineering"
approved_by = "Security"
"""


def webhook(port, name="hook", more=""):
    return f"""
[alerts.{name}]
to = "https://localhost:{port}/alerts"
at_least = "low"
authorities = "pki/authority.pem"
credential = {{ file = "secrets/hook.key" }}
window = "1h"
{more}
"""


SECRETS = {"hook.key": SECRET}


@pytest.fixture
def hooked(site):
    """A plant and the receiver of its alerts."""
    receivers = []

    def make(more="", begin=True, before=None):
        port = free_port()
        one = site(UNREACHED + webhook(port, more=more), **SECRETS)
        receivers.append(Receiver(one, port))
        if before:
            before(receivers[-1])
        return (one.begin() if begin else one), receivers[-1]

    yield make
    for receiver in receivers:
        receiver.close()


def test_a_refusal_is_a_signed_message_without_content(hooked):
    site, receiver = hooked()
    site.refuse()
    headers, alert = receiver.find("path-refused")
    record = next(one for one in site.records("--kind", "refuse") if one["id"] == alert["record"])
    assert (alert["schema"], alert["severity"], alert["count"]) == (1, "medium", 1)
    assert (alert["plant"], alert["gateway"], alert["facts"]["zone"]) == ("works", "gate-1", "line")
    assert alert["facts"]["reason"] == record["dec"]["reason"] == "no-conduit"
    assert (headers["ce-specversion"], headers["ce-type"]) == ("1.0", "penstock.alert.path-refused")
    assert headers["ce-source"] == "/penstock/works/gate-1"
    assert headers["ce-id"] == headers["webhook-id"] == alert["id"]
    assert "SECRET" not in json.dumps(alert)


def test_a_message_that_was_changed_or_is_old_is_known(hooked):
    site, receiver = hooked()
    site.refuse()
    _, headers, body, _ = receiver.came.get(timeout=DEADLINE)
    headers = {name.lower(): value for name, value in headers.items()}
    Webhook(SECRET).verify(body, headers)
    for other in [
        (body + b" ", headers),
        (body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}),
        (body, headers | {"webhook-id": "another"}),
    ]:
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(*other)


def test_a_storm_of_equal_refusals_is_one_message(hooked):
    site, receiver = hooked()
    site.refuse(times=300)
    _, first = receiver.find("path-refused")
    assert first["count"] == 1

    def counted():
        open = [one for one in site.state("hook")["watch"]["open"] if one["code"] == "path-refused"]
        return open and open[0]["count"] == 299

    wait_for(counted, "the others to be counted")
    # Something else comes after them: they were not sent.
    site.penstock("isolate", "provider:unreached", "--reason", "SECRET-REASON")
    while (code := receiver.next()[1]["code"]) != "isolated":
        assert code != "path-refused"
    site.stop()
    would = json.loads(site.penstock("alerts", "--since", "1h", "--json").stdout)["alerts"]
    assert [(one["alert"]["code"], one["alert"]["count"]) for one in would if one["alert"]["code"] == "path-refused"] == [
        ("path-refused", 1)
    ]


def test_what_was_counted_is_told_when_the_window_ends(site):
    port = free_port()
    # However long the calls take, the minute has room for a number each second.
    one = site(UNREACHED + webhook(port, more="per_minute = 6000").replace('"1h"', '"1s"'), **SECRETS)
    receiver = Receiver(one, port)
    one.begin()
    one.refuse(times=50)
    counts = []
    while sum(counts) < 50:
        counts.append(receiver.next()[1])
        counts[-1] = counts[-1]["count"] if counts[-1]["code"] == "path-refused" else 0
    assert sum(counts) == 50, counts
    receiver.close()


def test_what_begins_and_ends_is_told_as_such(hooked):
    site, receiver = hooked()
    site.penstock("isolate", "external", "--reason", "drill")
    _, begun = receiver.find("isolated")
    assert (begun["severity"], begun["facts"]["part"]) == ("high", "external")
    site.penstock("restore", "external", "--reason", "over")
    _, over = receiver.find("isolated", "resolved")
    assert (over["severity"], over["about"]) == ("info", begun["about"])


def test_a_rejected_plant_file_is_told_of_and_a_changed_one_changes_who_is(hooked):
    site, receiver = hooked()
    file = site.folder / "plant.toml"
    good = file.read_text()
    file.write_text(good + "\n[conduits.broken]\n")
    assert receiver.find("plant-refused")[1]["severity"] == "high"
    file.write_text(good.replace('at_least = "low"', 'at_least = "high"'))
    site.penstock("reload")
    site.refuse()
    site.penstock("isolate", "external", "--reason", "drill")
    # The refusal is less urgent than what is asked for now.
    while (code := receiver.next()[1]["code"]) != "isolated":
        assert code != "path-refused"


def test_a_hostile_name_is_short_and_clean(hooked):
    site, receiver = hooked()
    site.refuse(model=HOSTILE, provider="narrow")
    model = receiver.find("path-refused")[1]["facts"]["model"]
    assert model.startswith("m|cs1=x\\ act=allow") and len(model) <= 120
    assert not set(model) & set("\r\n\u202e\u200b\u2028")


def test_nothing_is_lost_by_a_crash_between_alert_and_delivery(hooked):
    # It refuses, so that the alert has been found and not been delivered when the gateway is killed.
    site, receiver = hooked(before=lambda receiver: [receiver.answers.put((503, {})) for _ in range(3)])
    site.refuse()
    first = receiver.came.get(timeout=DEADLINE)
    assert first[3] == 503
    site.stop(signal.SIGKILL)
    while not receiver.answers.empty():
        receiver.answers.get()
    site.start()
    wanted = json.loads(first[2])["id"]
    while receiver.next()[0]["webhook-id"] != wanted:
        pass


def test_a_caller_nobody_knows_is_placed_by_the_address(hooked):
    site, receiver = hooked()
    with site.client() as client:
        client.get(f"{site.base}/openai/v1/models", headers={"Authorization": "Bearer psk_unknown"})
    assert receiver.find("identity-refused")[1]["facts"]["zone"] == "line"


def test_a_redirect_is_not_followed_and_an_unwanted_alert_holds_up_no_other(hooked):
    elsewhere = {"location": "https://localhost:1/stolen"}
    site, receiver = hooked(
        before=lambda receiver: [receiver.answers.put(one) for one in [(307, elsewhere)] + [(400, {})] * 3]
    )
    site.refuse()
    came = [receiver.came.get(timeout=DEADLINE) for _ in range(4)]
    assert [(path, status) for path, _, _, status in came] == [("/alerts", status) for status in (307, 400, 400, 400)]
    left_out = {json.loads(body)["id"] for _, _, body, _ in came}
    site.penstock("isolate", "external", "--reason", "drill")
    assert receiver.find("isolated")[1]["id"] not in left_out and len(left_out) == 1
    refused = 'penstock_alerts_total{destination="hook",outcome="refused"} 1'
    wait_for(lambda: refused in site.metrics(), "what was left out to be counted")


def test_a_destination_that_hangs_delays_no_call_and_the_others_are_told(site):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port, gone = free_port(), free_port()
        alerts = (
            webhook(port)
            + webhook(gone, "gone", "per_minute = 100")
            + f'\n[alerts.silent]\nto = "syslog+tls://localhost:{silent.getsockname()[1]}"\nat_least = "low"\n'
        )
        one = site(UNREACHED + alerts, **SECRETS)
        receiver = Receiver(one, port)
        one.begin()
        one.refuse()
        _, alert = receiver.find("path-refused")
        # While one hangs and one is not there, calls pass and the third is told that the second is down.
        one.refuse(times=20)
        _, down = receiver.find("destination-down")
        assert (down["facts"]["destination"], down["record"]) == ("gone", None)
        figures = one.metrics()
        assert 'penstock_alert_destination_up{destination="gone"} 0' in figures
        assert 'penstock_alert_destination_up{destination="hook"} 1' in figures
        shown = one.penstock("alerts").stdout
        assert "gone" in shown and "down" in shown
        back = Receiver(one, gone)
        while back.next()[0]["webhook-id"] != alert["id"]:
            pass
        assert receiver.find("destination-down", "resolved")
        back.close()
        receiver.close()
        one.stop()


def test_a_destination_that_is_taken_out_is_down_no_more(hooked):
    site, receiver = hooked(more=webhook(free_port(), "gone"))
    assert receiver.find("destination-down")[1]["facts"]["destination"] == "gone"
    file = site.folder / "plant.toml"
    before, after = file.read_text().split("[alerts.gone]")
    file.write_text(before + after[after.index("window") :].partition("\n")[2])
    site.penstock("reload")
    assert receiver.find("destination-down", "resolved")[1]["facts"]["destination"] == "gone"
    assert "gone" not in site.penstock("alerts").stdout


def test_the_first_changed_plant_file_is_told_of(hooked):
    site, receiver = hooked()
    file = site.folder / "plant.toml"
    file.write_text(file.read_text().replace('at_least = "low"', 'at_least = "info"'))
    site.penstock("reload")
    receiver.find("plant-changed")


def test_a_test_says_what_came_of_it(hooked):
    site, receiver = hooked(begin=False)
    done = site.penstock("alerts", "test", "hook")
    assert done.stdout.startswith("hook: delivered to https://localhost:")
    assert receiver.next()[1]["code"] == "test"
    assert site.penstock("alerts", "test", "nobody", check=False).returncode == 1
    receiver.answers.put((401, {}))
    done = site.penstock("alerts", "test", "--json", check=False)
    assert (done.returncode, json.loads(done.stdout)[0]["problem"]) == (1, "it answers 401")
    (site.folder / "secrets" / "hook.key").chmod(0o644)
    done = site.penstock("alerts", "test", check=False)
    assert "can be read by others" in done.stdout and SECRET not in done.stdout


class Collector:
    """rsyslog over TLS, which hands on what it understood."""

    def __init__(self, site, port):
        here = site.folder / "collector"
        here.mkdir()
        self.pipe = here / "pipe"
        os.mkfifo(self.pipe)
        # For reading and writing, so that it stays open while nobody writes.
        self.open = open(os.open(self.pipe, os.O_RDWR), "rb")
        pki = site.folder / "pki"
        (here / "conf").write_text(f"""
global(workDirectory="{here}" defaultNetstreamDriverCAFile="{pki}/authority.pem"
       defaultNetstreamDriverCertFile="{pki}/gateway.pem" defaultNetstreamDriverKeyFile="{pki}/gateway.key"
       parser.escapeControlCharactersOnReceive="on")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" address="127.0.0.1" port="{port}")
module(load="builtin:ompipe")
template(name="understood" type="string" string="%pri% %hostname% %app-name% %msgid% %structured-data% %msg%\\n")
action(type="ompipe" pipe="{self.pipe}" template="understood")
""")
        self.process = subprocess.Popen(
            ["rsyslogd", "-n", "-f", here / "conf", "-i", here / "pid"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def find(self, code):
        for line in self.open:
            pri, host, name, message, rest = line.decode().rstrip("\n").split(" ", 4)
            if name == "penstock" and message == code:
                return int(pri), host, rest

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.open.close()


@pytest.mark.parametrize("form", ["cef", "rfc5424"])
def test_rsyslog_takes_alerts_over_tls(site, form):
    port = free_port()
    alerts = f'\n[alerts.siem]\nto = "syslog+tls://localhost:{port}"\nformat = "{form}"\nauthorities = "pki/authority.pem"\n'
    one = site(UNREACHED + alerts).begin()
    # Begun while nobody listens: what is found now arrives later.
    one.refuse(model=HOSTILE, provider="narrow")
    collector = Collector(one, port)
    pri, host, rest = collector.find("path-refused")
    assert (pri, host) == (13 * 8 + 4, "gate-1")
    if form == "cef":
        read = pycef.parse(rest.split(" ", 1)[1].strip())
        assert (read["DeviceVendor"], read["DeviceEventClassID"], read["Severity"]) == ("Penstock", "path-refused", "5")
        assert (read["zone"], read["reason"], read["cnt"], read["cat"]) == ("line", "model-not-allowed", "1", "firing")
        assert read["model"].startswith("m|cs1\\=x\\\\ act\\=allow")
        assert "record" in read and "act" not in read
    else:
        assert rest.startswith("[origin ") and 'reason="model-not-allowed"' in rest and 'model="m|cs1=x\\\\ act=allow' in rest
    assert not set(rest) & set("\r\u202e\u200b\u2028") and "SECRET" not in rest
    collector.close()


class Mailbox:
    """A mail server that wants TLS and a password."""

    def __init__(self, site, port, implicit=False, offers=True):
        self.came, self.gone = queue.Queue(), set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(site.folder / "pki" / "gateway.pem", site.folder / "pki" / "gateway.key")
        box = self

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address in box.gone:
                    return "550 SECRET words about somebody who has left"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                box.came.put((envelope, session.ssl is not None or implicit))
                return "250 OK"

        def check(server, session, envelope, mechanism, data):
            good = (data.login, data.password) == (b"penstock", b"hunter-of-leaks-2")
            return AuthResult(success=good, handled=False)

        more = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True} if offers else {}
        self.server = Controller(
            Handler(), hostname="127.0.0.1", port=port, authenticator=check, auth_required=offers,
            auth_require_tls=not implicit, server_hostname="localhost", ready_timeout=DEADLINE, **more,
        )
        if implicit:
            # aiosmtpd looks whether it is there as a client that believes the system's authorities.
            self.server._trigger_server = lambda: self.knock(port)
        self.server.start()

    @staticmethod
    def knock(port):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as plain, context.wrap_socket(plain) as line:
            line.recv(1024)

    def next(self):
        envelope, secure = self.came.get(timeout=DEADLINE)
        assert secure
        return envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)


def mail(port, scheme="smtp", digest="0s"):
    return f"""
[alerts.people]
to = "{scheme}://localhost:{port}"
at_least = "low"
from = "penstock@works.example"
recipients = ["ot-security@works.example", "night@works.example"]
user = "penstock"
credential = {{ file = "secrets/mail.key" }}
authorities = "pki/authority.pem"
digest = "{digest}"
"""


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_takes_alerts_over_tls_with_a_password(site, scheme):
    port = free_port()
    one = site(UNREACHED + mail(port, scheme), **{"mail.key": "hunter-of-leaks-2"})
    box = Mailbox(one, port, implicit=scheme == "smtps")
    one.begin()
    one.refuse(model=HOSTILE, provider="narrow")
    while True:
        envelope, letter = box.next()
        if "path-refused" in letter.get_content():
            break
    assert envelope.mail_from == "penstock@works.example"
    assert envelope.rcpt_tos == ["ot-security@works.example", "night@works.example"]
    assert letter["subject"].startswith("[works] ") and not letter.defects
    assert letter["auto-submitted"] == "auto-generated" and letter["bcc"] is None
    content = letter.get_content()
    assert "reason: model-not-allowed" in content and "SECRET" not in content
    assert not set(content) & set("\u202e\u200b\u2028")
    box.server.stop()


def test_somebody_who_has_left_keeps_no_mail_from_the_others(site):
    port = free_port()
    one = site(UNREACHED + mail(port), **{"mail.key": "hunter-of-leaks-2"})
    box = Mailbox(one, port)
    box.gone = {"night@works.example"}
    done = one.penstock("alerts", "test")
    assert "delivered" in done.stdout and "SECRET" not in done.stdout + done.stderr
    assert box.next()[0].rcpt_tos == ["ot-security@works.example"]
    box.gone.add("ot-security@works.example")
    done = one.penstock("alerts", "test", check=False)
    assert "it answers 550" in done.stdout and box.came.empty()
    box.server.stop()


def test_mails_are_gathered_and_not_sent_in_the_clear(site):
    port = free_port()
    one = site(UNREACHED + mail(port, digest="1h"), **{"mail.key": "hunter-of-leaks-2"})
    box = Mailbox(one, port, offers=False)
    done = one.penstock("alerts", "test", check=False)
    assert "offers no TLS" in done.stdout and box.came.empty()
    box.server.stop()
    box = Mailbox(one, port)
    one.begin()
    one.refuse()
    box.next()
    one.penstock("isolate", "external", "--reason", "drill")
    one.penstock("restore", "external", "--reason", "over")
    wait_for(lambda: len(one.state("people")["outbox"]) >= 2, "what comes meanwhile to be gathered")
    assert box.came.empty()
    box.server.stop()


def test_a_wrong_password_is_a_problem_that_is_told_without_it(site):
    port = free_port()
    one = site(UNREACHED + mail(port), **{"mail.key": "wrong-password-7"})
    box = Mailbox(one, port)
    done = one.penstock("alerts", "test", check=False)
    assert "it answers 535" in done.stdout and "wrong-password" not in done.stdout + done.stderr
    box.server.stop()


def framed(line):
    """A message in octet counting."""
    length, _, rest = line.partition(b" ")
    assert int(length) == len(rest), line
    return rest


def test_syslog_goes_by_tcp_and_udp_too(site):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as stream:
        for one in (datagrams, stream):
            one.bind(("127.0.0.1", 0))
            one.settimeout(DEADLINE)
        stream.listen()
        alerts = "".join(
            f'[alerts.{name}]\nto = "syslog+{name}://127.0.0.1:{one.getsockname()[1]}"\nformat = "json"\n'
            for name, one in (("udp", datagrams), ("tcp", stream))
        )
        one, came = site(alerts), queue.Queue()

        def take():
            taken, _ = stream.accept()
            with taken:
                came.put(b"".join(iter(lambda: taken.recv(4096), b"")))

        threading.Thread(target=take, daemon=True).start()
        assert one.penstock("alerts", "test").stdout.count("delivered") == 2
        for line in (datagrams.recv(65536), framed(came.get(timeout=DEADLINE))):
            head, _, alert = line.decode().partition(" - test - ")
            assert head.startswith("<110>1 ") and head.endswith(" gate-1 penstock")
            assert json.loads(alert)["code"] == "test"


@pytest.mark.parametrize(
    "says, problem",
    [
        (b"220-" + b"x" * 60 + b"\r\n", "its answer is too long"),
        (b"x" * 64, "its answer is too long"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks no SMTP"),
        (b"554 we do not want you SECRET\r\n", "it answers 554"),
    ],
)
def test_a_hostile_mail_server_costs_nothing_and_its_words_are_not_repeated(site, says, problem):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        one = site(mail(server.getsockname()[1]), **{"mail.key": "hunter-of-leaks-2"})

        def talk():
            taken, _ = server.accept()
            with taken:
                try:
                    while True:
                        taken.sendall(says)
                        if problem != "its answer is too long":
                            return
                except OSError:
                    pass

        threading.Thread(target=talk, daemon=True).start()
        done = one.penstock("alerts", "test", check=False)
        assert problem in done.stdout and "SECRET" not in done.stdout + done.stderr, done.stdout


def test_what_a_mail_server_says_before_the_handshake_does_not_count_after_it(site):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        one = site(mail(server.getsockname()[1]), **{"mail.key": "hunter-of-leaks-2"})

        def talk():
            taken, _ = server.accept()
            with taken:
                taken.sendall(b"220 here\r\n")
                taken.recv(4096)
                taken.sendall(b"250-here\r\n250 STARTTLS\r\n")
                taken.recv(4096)
                # In one piece, as whoever sits between would slip it in.
                taken.sendall(b"220 go on\r\n250-here\r\n250 AUTH PLAIN\r\n")
                taken.recv(4096)

        threading.Thread(target=talk, daemon=True).start()
        done = one.penstock("alerts", "test", check=False)
        assert "says something before the handshake" in done.stdout
