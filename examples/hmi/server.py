"""The server behind the page: asks the copilot through Penstock, and tells Penstock what the operator did with the answer.

The workload token and the operator's own token stay here; the page never sees them. In a real HMI the second one is in the session
of whoever is signed in. Standard library only: `python3 server.py`, with

    HMI_LISTEN     address and port, 127.0.0.1:8080 if it is not said
    HMI_GATE       the gateway: https://gate.works.example:8443
    HMI_PROVIDER   the provider's name there, openai if it is not said
    HMI_MODEL      the model, gpt-4o-mini if it is not said
    HMI_TOKEN      a file with the workload token
    HMI_OPERATOR   a file with the operator's token
    HMI_AUTHORITY  the authority of the gateway's certificate, PEM
    HMI_CONNECT    another origin that the page may talk to, if it tells the gateway itself
"""

import http.server
import json
import os
import pathlib
import ssl
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).parent
FILES = {"/": ("index.html", "text/html"), "/page.js": ("page.js", "text/javascript"),
         "/oversight.js": ("oversight.js", "text/javascript"), "/page.css": ("page.css", "text/css")}
LONGEST = 64 << 10
setting = os.environ.get


def first_line(name):
    """The first line of the file that a setting names."""
    return pathlib.Path(setting(name, "")).read_text().splitlines()[0].strip()


def post(path, body, **headers):
    """Asks the gateway; gives status, the record that it names, and the body."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {first_line('HMI_TOKEN')}"} | headers
    request = urllib.request.Request(setting("HMI_GATE") + path, body, headers)
    tls = ssl.create_default_context(cafile=setting("HMI_AUTHORITY")) if setting("HMI_GATE").startswith("https") else None
    try:
        with urllib.request.urlopen(request, timeout=60, context=tls) as answer:
            return answer.status, answer.headers["Penstock-Record"], answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Penstock-Record"], refused.read()


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name, kind = FILES.get(self.path.split("?")[0], (None, "text/plain"))
        self.reply(200 if name else 404, kind, (HERE / name).read_bytes() if name else b"no such page\n")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        own = self.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        fits = length.isdecimal() and int(length) <= LONGEST and self.headers.get("Content-Type") == "application/json"
        if not (own and fits):
            self.close_connection = True
            return self.reply(400, "text/plain", b"not like this\n")
        body = self.rfile.read(int(length))
        try:
            if self.path == "/ask":
                return self.ask(json.loads(body)["question"])
            if self.path == "/oversight":
                status, _, told = post("/penstock/v1/oversight", body, **{"Penstock-Operator": first_line("HMI_OPERATOR")})
                return self.reply(status, "application/json", told)
        except (OSError, ValueError, KeyError, TypeError):
            return self.reply(502, "application/json", b"{}")
        self.reply(404, "text/plain", b"no such page\n")

    def ask(self, question):
        call = {"model": setting("HMI_MODEL", "gpt-4o-mini"), "messages": [{"role": "user", "content": str(question)}]}
        status, record, told = post(f"/{setting('HMI_PROVIDER', 'openai')}/v1/chat/completions", json.dumps(call).encode())
        answer = json.loads(told)["choices"][0]["message"]["content"] if status == 200 else None
        self.reply(status, "application/json", json.dumps({"answer": answer, "record": record}).encode())

    def reply(self, status, kind, body):
        self.send_response(status)
        connect = " ".join(["'self'", setting("HMI_CONNECT", "")]).strip()
        self.send_header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
                         f"connect-src {connect}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
                         "require-trusted-types-for 'script'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    host, _, port = setting("HMI_LISTEN", "127.0.0.1:8080").rpartition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Page)
    print(f"http://{host}:{server.server_address[1]}", flush=True)
    server.serve_forever()
