"""Writing in pictures that SDKs send: read by Tesseract as Debian has it, and decided like any text."""

import base64
import io
import json
import os
import pathlib
import random
import signal
import stat
import subprocess
import threading
import zipfile

import anthropic
import httpx
import httpx2
import openai
import pytest
from drawn import COLOURS, jpeg, lines, panel, png

from conftest import BINARIES, DEADLINE, HERE, Plant, wait_for

# Reading takes seconds where eight things run on two processors.
PATIENCE = 6 * DEADLINE
OCR = """
[ocr]
command = "COMMAND"
languages = ["eng", "deu"]
time = "TIME"
call_time = "TIME"

[dictionary.project]
terms = ["Geheimprojekt Löwenbräu"]
sensitivity = "confidential"
"""
CLEAN = ["Cleaning plan for the canteen", "Monday: tables and chairs"]
PANEL = ["Brewhouse 2, mash tun", "TIC-4711", "SP 65.5 °C"]


def works(tmp_path_factory, provider, command="/usr/bin/tesseract", time="100s", more=""):
    text = (HERE / "plant.toml").read_text().replace("[labels]\n", '[labels]\n"attachment.opaque" = "internal"\n')
    handling = '    { label = "tag", do = "tokenise" },\n    { label = "recipe", do = "reroute" },\n]\n'
    assert handling in text
    text = text.replace(handling, '    { label = "tag", do = "tokenise" },\n    { label = "project", do = "refuse" },\n]\n' + more)
    text = text.replace('reroute = { to = "edge" }\n', "", 1)
    plant = Plant(
        tmp_path_factory.mktemp("pictures") / "works", provider, text=text + OCR.replace("COMMAND", str(command)).replace("TIME", time)
    )
    plant.start()
    plant.key = plant.token("copilot")
    return plant


@pytest.fixture(scope="module")
def plant(tmp_path_factory, provider):
    plant = works(tmp_path_factory, provider)
    yield plant
    plant.stop()


def client(plant):
    http = httpx.Client(verify=plant.tls(), timeout=PATIENCE)
    return openai.OpenAI(base_url=f"{plant.base}/openai/v1", api_key=plant.key, http_client=http, max_retries=0)


def parts(picture, kind="png"):
    url = f"data:image/{kind};base64," + base64.b64encode(picture).decode()
    return [{"type": "text", "text": "What does it show?"}, {"type": "image_url", "image_url": {"url": url}}]


def show(plant, picture, kind="png"):
    messages = [{"role": "user", "content": parts(picture, kind)}]
    return client(plant).chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=messages)


def refused(plant, picture, kind="png"):
    with pytest.raises(openai.APIStatusError) as stopped:
        show(plant, picture, kind)
    assert stopped.value.response.headers["penstock-decision"] == "refuse; reason=content-refused"
    return plant.record(stopped.value.response.headers["penstock-record"])


def labels(record):
    return {one["label"] for one in record["what"]["findings"]}


def count(plant, result):
    text = httpx.get(f"{plant.operations}/metrics").text
    name = f'penstock_pictures_total{{result="{result}"}} '
    return next((int(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)), 0)


@pytest.mark.parametrize("colours", COLOURS, ids=["paper", "grey", "dark", "yellow on blue", "green on black"])
def test_a_panel_with_a_tag_and_a_setpoint_does_not_leave(plant, provider, colours):
    before = len(provider.seen())
    found = labels(refused(plant, png(lines(PANEL, colours=colours))))
    assert {"tag", "setpoint"} <= found
    assert len(provider.seen()) == before


def test_a_whole_panel_and_a_compressed_one(plant):
    image, _, _ = panel(2, 14)
    refused(plant, png(image))
    refused(plant, jpeg(image, 60), "jpeg")


def test_a_clean_picture_passes_as_it_is(plant, provider):
    picture = png(lines(CLEAN))
    raw = show(plant, picture)
    assert raw.headers["penstock-decision"] == "allow"
    assert base64.b64encode(picture).decode() in provider.last()["body"]


def test_a_word_of_the_plants_with_umlauts_is_known(plant):
    assert "project" in labels(refused(plant, png(lines(["Rezept für das", "Geheimprojekt Löwenbräu", "gültig ab Mai"], 16))))


def test_a_picture_in_a_document_is_read(plant):
    out = io.BytesIO()
    body = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>See.</w:t></w:r></w:p></w:body></w:document>'
    with zipfile.ZipFile(out, "w") as docx:
        types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
        docx.writestr("[Content_Types].xml", types)
        docx.writestr("word/document.xml", body)
        docx.writestr("word/media/image1.png", png(lines(PANEL)))
    data = "data:application/octet-stream;base64," + base64.b64encode(out.getvalue()).decode()
    content = [{"type": "file", "file": {"filename": "sheet.docx", "file_data": data}}]
    with pytest.raises(openai.APIStatusError) as stopped:
        client(plant).chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": content}])
    assert "tag" in labels(plant.record(stopped.value.response.headers["penstock-record"]))


def test_the_sdk_of_anthropic(plant):
    http = httpx2.Client(verify=plant.tls(), timeout=PATIENCE)
    claude = anthropic.Anthropic(base_url=f"{plant.base}/anthropic", api_key=plant.key, http_client=http, max_retries=0)
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png(lines(PANEL))).decode()}
    with pytest.raises(anthropic.APIStatusError) as stopped:
        claude.messages.create(
            model="claude-sonnet-4", max_tokens=64, messages=[{"role": "user", "content": [{"type": "image", "source": source}]}]
        )
    assert stopped.value.response.headers["penstock-decision"] == "refuse; reason=content-refused"


def test_the_same_picture_is_read_once(plant):
    picture = png(lines([*CLEAN, "and Wednesday"]))
    read, remembered = count(plant, "read"), count(plant, "remembered")
    show(plant, picture)
    assert (count(plant, "read"), count(plant, "remembered")) == (read + 1, remembered)
    show(plant, picture)
    assert (count(plant, "read"), count(plant, "remembered")) == (read + 1, remembered + 1)


def test_explain_says_what_was_read_and_where(plant):
    (plant.folder / "body.json").write_text(
        json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": parts(png(lines(PANEL)))}]})
    )
    call = ["explain", "--workload", "copilot", "--provider", "openai", "--purpose", "advice", "--body", str(plant.folder / "body.json")]
    told = plant.penstock(*call, check=False).stdout
    assert "image_url.url: writing" in told and "read at 28, " in told and "TIC-4711" not in told
    told = plant.penstock(*call, "--show-body", check=False).stdout
    assert "Read in messages[0].content[1].image_url.url: writing\nBrewhouse 2, mash tun\nTIC-4711" in told


def test_a_picture_of_20_mib_holds_up_nobody(tmp_path_factory, provider):
    from PIL import Image

    plant = works(tmp_path_factory, provider, time="2s", more='opaque_files = "record"\n')
    try:
        picture = png(Image.frombytes("RGB", (2450, 2450), random.Random(1).randbytes(2450 * 2450 * 3)))
        assert 17 << 20 < len(picture) < 18 << 20, "as base64 it is of the conduit's largest"
        raw = show(plant, picture)
        found = labels(plant.record(raw.headers["penstock-record"]))
        assert "attachment.image.photograph" in found
        raw = client(plant).chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Is anybody there?"}]
        )
        assert raw.headers["penstock-decision"] == "allow"
    finally:
        plant.stop()


def engine(folder, text):
    path = folder / "engine"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def below(parent, program):
    """The processes that a process has started of a program."""

    def is_one(pid):
        try:
            stated = (pathlib.Path("/proc") / pid / "stat").read_bytes()
            own = (pathlib.Path("/proc") / pid / "cmdline").read_bytes()
        except OSError:
            return False
        return int(stated.rsplit(b")", 1)[1].split()[1]) == parent and own.startswith(program)

    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_one(pid)]


def test_an_engine_that_is_missing_hangs_or_is_killed_reads_nothing(tmp_path_factory, provider):
    folder = tmp_path_factory.mktemp("engine")
    # It says which models it has, and reads nothing.
    hangs = 'case "$1" in --list-langs) printf "\\neng\\ndeu\\n"; exit;; esac; exec sleep 1000'
    path = engine(folder, hangs)
    plant = works(tmp_path_factory, provider, path, "100s")
    try:
        # Killed from outside.
        http = httpx.Client(verify=plant.tls(), timeout=PATIENCE)
        answers = []
        asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": parts(png(lines(CLEAN)))}]}
        headers = {"authorization": f"Bearer {plant.key}"}
        ask = threading.Thread(
            target=lambda: answers.append(http.post(f"{plant.base}/openai/v1/chat/completions", json=asked, headers=headers))
        )
        ask.start()
        pids = wait_for(lambda: below(plant.process.pid, b"sleep"), "the engine to start")
        # Others go on meanwhile.
        raw = client(plant).chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Is anybody there?"}]
        )
        assert raw.headers["penstock-decision"] == "allow"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        ask.join(PATIENCE)
        assert answers[0].headers["penstock-decision"] == "refuse; reason=content-refused"
        assert "attachment.opaque" in labels(plant.record(answers[0].headers["penstock-record"]))
        assert count(plant, "failed") == 1
        path.unlink()
        assert "attachment.opaque" in labels(refused(plant, png(lines(CLEAN))))
        assert count(plant, "no-engine") == 1
        told = plant.penstock("check", check=False).stdout
        assert "is not there" in told and "tesseract-ocr" in told
    finally:
        plant.stop()
    hangs = works(tmp_path_factory, provider, engine(folder, hangs), "300ms")
    try:
        assert "attachment.opaque" in labels(refused(hangs, png(lines(CLEAN))))
        assert count(hangs, "too-slow") == 1
    finally:
        hangs.stop()


def test_a_conduit_wants_read_what_nobody_reads(plant):
    text = (plant.folder / "plant.toml").read_text()
    own = text.split("\n[ocr]\n")[0].replace("[conduits.copilot-openai]\n", '[conduits.copilot-openai]\nwriting = "require"\n')
    other = plant.folder / "without.toml"
    other.write_text(own)
    done = subprocess.run([BINARIES / "penstock", "--plant", other, "check"], capture_output=True, text=True)
    assert done.returncode == 1 and "the plant has no engine" in done.stdout
