"""A plant that takes connections over, hosts that it leads to, and clients that know of it by their environment alone."""

import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import threading

from certificates import issue
from conftest import DEADLINE, HERE, Plant
from cryptography.x509.oid import ExtendedKeyUsageOID

EXTRA = """
[intercept]
proxy = ["127.0.0.1:0"]
proxy_tls = ["127.0.0.1:0"]
transparent = ["127.0.0.1:0"]
pinned = ["127.0.0.3"]
CHALLENGE

[providers.tls]
dialect = "openai"
address = "https://localhost:TLS_PORT"
authorities = "pki/upstream.pem"
zone = "cloud"
clearance = "confidential"
supplier = { name = "Scripted" }

[providers.literal]
dialect = "openai"
address = "https://127.0.0.1:TLS_PORT"
authorities = "pki/upstream.pem"
zone = "cloud"
clearance = "confidential"
supplier = { name = "Scripted" }

[providers.bad]
dialect = "openai"
address = "https://127.0.0.2:TLS_PORT"
authorities = "pki/upstream.pem"
zone = "cloud"
clearance = "confidential"
supplier = { name = "Scripted" }

[providers.vendor]
dialect = "json"
address = "https://127.0.0.3:TLS_PORT"
zone = "cloud"
clearance = "restricted"
supplier = { name = "Machine vendor" }

[conduits.vendor]
from = ["line"]
to = "vendor"
purposes = ["advice"]
models = ["*"]
ceiling = "restricted"
opaque = ["/*"]
owner = "Line engineering"
approved_by = "Security"
"""
CONDUIT = """
[conduits.{0}]
from = ["line"]
to = "{0}"
purposes = ["advice"]
models = ["*"]
ceiling = "confidential"
owner = "Line engineering"
approved_by = "Security"
handling = [{{ label = "secret", do = "refuse" }}, {{ label = "tag", do = "tokenise" }}]
"""


class Upstream:
    """A provider that speaks TLS and HTTP/1.1: for `localhost`, 127.0.0.1 and 127.0.0.3, and for no other."""

    def __init__(self, folder):
        self.seen = []
        seen = self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                seen.append((self.path, dict(self.headers), body))
                text = json.loads(body)["messages"][0]["content"]
                message = {"role": "assistant", "content": text}
                self.give({"id": "c-1", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

            def do_GET(self):
                seen.append((self.path, dict(self.headers), b""))
                self.give({"object": "list", "data": []})

            def give(self, value):
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        names = ["localhost"]
        certificate, key = issue(folder, "upstream", names, addresses=["127.0.0.1", "127.0.0.3"], use=ExtendedKeyUsageOID.SERVER_AUTH, own=True)
        context.load_cert_chain(certificate, key)
        self.certificate = certificate
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()


class Works(Plant):
    """A plant that is a proxy too."""

    def __init__(self, folder, provider, challenge=False):
        (folder.parent / "upstream").mkdir(exist_ok=True)
        self.upstream = Upstream(folder.parent / "upstream")
        text = (HERE / "plant.toml").read_text()
        text = text.replace('[providers.openai]\n', '[providers.openai]\nhosts = ["api.openai.com"]\n')
        text = text.replace('[providers.anthropic]\n', '[providers.anthropic]\nhosts = ["api.anthropic.com"]\n')
        text = text.replace('[workloads.bench]\n', '[workloads.bench]\naddresses = ["127.0.0.2/32"]\n')
        text += EXTRA.replace("TLS_PORT", str(self.upstream.port)).replace("CHALLENGE", "challenge = true\nencrypted_hello = \"decline\"" if challenge else "")
        text += "".join(CONDUIT.format(name) for name in ["tls", "literal", "bad"])
        text += CONDUIT.format("lab").replace('from = ["line"]', 'from = ["lab"]').replace('to = "lab"', 'to = "tls"')
        super().__init__(folder, provider, text=text)
        (folder / "pki" / "upstream.pem").write_bytes(self.upstream.certificate.read_bytes())
        self.penstock("intercept", "init")
        self.start()
        self.proxy, self.proxy_tls, self.transparent = self.more
        self.trust = str(folder / "pki" / "intercept-authorities.pem")

    def stop(self, *how):
        super().stop(*how)
        self.upstream.close()

    def surroundings(self, token=None):
        """The environment of a client that knows the proxy and nothing else."""
        user = f"copilot:{token}@" if token else ""
        keep = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return keep | {
            "HTTPS_PROXY": f"http://{user}{self.proxy}",
            "HTTP_PROXY": f"http://{user}{self.proxy}",
            "https_proxy": f"http://{user}{self.proxy}",
            "http_proxy": f"http://{user}{self.proxy}",
            "NO_PROXY": "",
            "SSL_CERT_FILE": self.trust,
            "REQUESTS_CA_BUNDLE": self.trust,
            "CURL_CA_BUNDLE": self.trust,
            "NODE_EXTRA_CA_CERTS": self.trust,
            "AWS_CA_BUNDLE": self.trust,
        }

    def run(self, *command, token=None, check=True, **environment):
        """Runs a client; gives what it prints."""
        done = subprocess.run(
            list(map(str, command)), env=self.surroundings(token) | environment, capture_output=True, text=True, timeout=60, cwd=HERE
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def python(self, script, token=None, **environment):
        return self.run(sys.executable, "-c", script, token=token, **environment).stdout.strip()

    def curl(self, *arguments, token=None, check=True):
        return self.run("curl", "-sS", "--max-time", DEADLINE, *arguments, token=token, check=check)

    def tunnel(self, target, token=None, lines=(), address=None):
        """Asks the proxy for a tunnel; gives the socket and the head of the answer."""
        host, port = (address or self.proxy).rsplit(":", 1)
        plain = socket.create_connection((host, int(port)), DEADLINE)
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}" if not lines else "", *lines]
        if token:
            lines.append(f"Proxy-Authorization: Bearer {token}")
        plain.sendall(("\r\n".join(filter(None, lines)) + "\r\n\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = plain.recv(4096)
            if not piece:
                break
            head += piece
        return plain, head.decode()

    def handshake(self, plain, name, trust=None, protocols=("http/1.1",)):
        """Shakes hands inside a tunnel, with this server name or with none."""
        context = ssl.create_default_context(cafile=trust or self.trust)
        context.set_alpn_protocols(list(protocols))
        if name is None:
            context.check_hostname = False
        return context.wrap_socket(plain, server_hostname=name)

    def refusals(self):
        return [record for record in self.records() if record["kind"] == "refuse"]
