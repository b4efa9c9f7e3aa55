"""How much of what is written in pictures is found: the figures in docs/src/reference/writing.md.

    .test/venv/bin/python sdk/writing.py [PICTURES]    # after `cargo build -p penstock`; 20 pictures of each sort

Each picture goes through `penstock explain` with a real engine. What counts is a finding with the right label whose text is what was
drawn, letter for letter, spaces aside.
"""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

from drawn import jpeg, panel, photographed, png
from PIL import Image

from conftest import BINARIES, HERE

OCR = '[ocr]\ncommand = "/usr/bin/tesseract"\nlanguages = ["eng", "deu"]\ntime = "2m"\n'


def found(plant, picture, kind):
    """What was found in a picture, by label."""
    url = f"data:image/{kind};base64," + base64.b64encode(picture).decode()
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}
    (plant / "body.json").write_text(json.dumps(body))
    command = ["--plant", plant, "explain", "--workload", "copilot", "--provider", "openai", "--purpose", "advice"]
    began = time.monotonic()
    done = subprocess.run(
        [BINARIES / "penstock", *command, "--body", plant / "body.json", "--show-body", "--json"], capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    texts = {one["path"]: one["text"].encode() for one in told.get("writings", [])}
    seen = {}
    for one in told["findings"]:
        text = texts.get(one["path"], b"")[one["start"] : one["end"]].decode()
        seen.setdefault(one["label"], []).append(text)
    return SimpleNamespace(seen=seen, time=time.monotonic() - began)


def main(count):
    plant = pathlib.Path(tempfile.mkdtemp()) / "works"
    subprocess.run([BINARIES / "penstock", "init", plant], check=True, capture_output=True)
    text = (HERE / "plant.toml").read_text()
    for name, value in {"PROVIDER": "127.0.0.1:9", "ISSUER": "https://id.works.example", "KEYS": "operators.json"}.items():
        text = text.replace(name, value)
    (plant / "operators.json").write_text('{"keys": []}')
    (plant / "plant.toml").write_text(text + OCR)
    sorts = [(f"screenshot, letters of {size} px", size, lambda image, _: (png(image), "png")) for size in (9, 10, 12, 14, 18, 24)]
    small = lambda image, _: (png(image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS)), "png")
    sorts += [
        ("screenshot of 14 px, three quarters as large", 14, small),
        ("JPEG of quality 50, 14 px", 14, lambda image, _: (jpeg(image, 50), "jpeg")),
        ("as photographed, 24 px", 24, lambda image, seed: (jpeg(photographed(image, seed), 80), "jpeg")),
    ]
    print("| picture | tags | setpoints | tags that are none | time |\n|---|---|---|---|---|")
    for name, size, made in sorts:
        hits, all_, wrong, spent = [0, 0], [0, 0], 0, 0.0
        for seed in range(count):
            image, tags, setpoints = panel(seed, size)
            got = found(plant, *made(image, seed))
            for place, (label, drawn) in enumerate([("tag", tags), ("setpoint", setpoints)]):
                texts = ["".join(one.split()) for one in got.seen.get(label, [])]
                hits[place] += sum(any("".join(one.split()) in text for text in texts) for one in drawn)
                all_[place] += len(drawn)
            wrong += sum(one not in tags for one in got.seen.get("tag", []))
            spent += got.time
        shares = [f"{hit / whole:.2f}" for hit, whole in zip(hits, all_)]
        print(f"| {name} | {shares[0]} of {all_[0]} | {shares[1]} of {all_[1]} | {wrong} | {spent / count:.1f} s |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
