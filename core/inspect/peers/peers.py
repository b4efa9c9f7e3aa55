#!/usr/bin/env python3
"""What others find on the same labelled texts, counted as `evaluate` counts, and how fast they are.

    python3 -m venv .test/peers && .test/peers/bin/pip install presidio-analyzer detect-secrets
    .test/peers/bin/python core/inspect/peers/peers.py FOLDER [--json]

Presidio runs its pattern recognisers only (no language model); detect-secrets its default plugins, each text a file;
`plain` are eight ordinary expressions one after the other, by ripgrep if it is there: the limit of searching by pattern.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GROUPS = {"secret": "secret", "ip": "network", "mac": "network"}
PATTERNS = {
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    "iban": r"\b[A-Z]{2}[0-9]{2}(?:[ ]?[A-Z0-9]{4}){3,7}\b",
    "credit_card": r"\b(?:[0-9]{4}[ -]?){3}[0-9]{4}\b",
    "phone": r"\+[0-9]{1,3}[ -]?(?:[0-9]{2,5}[ -]?){2,4}",
    "ip": r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
    "mac": r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
    "tag": r"\b[A-Z]{2,4}[-_]?[0-9]{2,5}[A-Z]?\b",
    "setpoint": r"\b[0-9]+(?:[.,][0-9]+)?[ ]?(?:°C|bar|rpm|kW|Hz|psi|l/h|m3/h)",
}


def plain():
    compiled = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}
    return lambda text: [(kind, *m.span()) for kind, pattern in compiled.items() for m in pattern.finditer(text)]


def presidio():
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer, EmailRecognizer, IbanRecognizer, IpRecognizer, PhoneRecognizer)

    recognisers = {"email": EmailRecognizer(), "iban": IbanRecognizer(), "credit_card": CreditCardRecognizer(),
                   "ip": IpRecognizer(), "phone": PhoneRecognizer()}

    def find(text):
        found = []
        for kind, recogniser in recognisers.items():
            for result in recogniser.analyze(text, recogniser.supported_entities, None) or []:
                found.append((kind, result.start, result.end))
        return found

    return find


def detect_secrets():
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    path = Path(tempfile.mkdtemp()) / "text.txt"

    def find(text):
        path.write_text(text, encoding="utf-8", newline="")
        found, starts = [], [0]
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        with default_settings():
            for secret in scan_file(str(path)):
                line, value = secret.line_number - 1, secret.secret_value or ""
                place = text.find(value, starts[line], starts[line + 1])
                found.append(("secret", place, place + len(value)) if place >= 0 else ("secret", starts[line], starts[line + 1]))
        return found

    return find


def score(rows, found, kind):
    group = GROUPS.get(kind, kind if kind in ("tag", "setpoint") else "pii")
    counts = dict(labels=0, found=0, right=0, wrong=0, clean=0, flagged=0)
    for row, ours in zip(rows, found):
        if group not in row["labelled_for"] or row["kind"] == "secret_soft_negative":
            continue
        labels = [(l["start"], l["end"]) for l in row["labels"] if l["type"] == kind]
        mine = [(start, end) for name, start, end in ours if name == kind]
        meets = lambda a, b: a[0] < b[1] and b[0] < a[1]
        counts["labels"] += len(labels)
        counts["found"] += sum(any(meets(l, m) for m in mine) for l in labels)
        for m in mine:
            counts["right" if any(meets(m, l) for l in labels) else "wrong"] += 1
        if not labels:
            counts["clean"] += 1
            counts["flagged"] += bool(mine)
    share = lambda part, whole: round(part / whole, 4) if whole else None
    counts["recall"] = share(counts["found"], counts["labels"])
    counts["precision"] = share(counts["right"], counts["right"] + counts["wrong"])
    return counts


def speed(find, rows):
    """Bytes per second of processor time on bodies of 64 KiB, in 10^6; at most 20 seconds."""
    text = "\n".join(row["text"] for row in rows if row["class"] == "benign")
    bodies = [text[at:at + 65536] for at in range(0, len(text) - 65536, 65536)]
    begin, read = time.process_time(), 0
    for body in bodies:
        find(body)
        read += len(body.encode())
        if time.process_time() - begin > 20:
            break
    return round(read / 1e6 / (time.process_time() - begin), 3)


def ripgrep(rows):
    """The same patterns by ripgrep over the same bytes, in 10^6 per second; None if there is no ripgrep."""
    if not shutil.which("rg"):
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(row["text"] for row in rows if row["class"] == "benign") * 20)
        file.flush()
        size, begin = Path(file.name).stat().st_size, time.monotonic()
        patterns = [part for pattern in PATTERNS.values() for part in ("-e", pattern)]
        subprocess.run(["rg", "-j1", "--no-unicode", "-c", *patterns, file.name], stdout=subprocess.DEVNULL, check=False)
        return round(size / 1e6 / (time.monotonic() - begin), 1)


def main():
    folder = Path(sys.argv[1])
    rows = [json.loads(line) for line in (folder / "labelled.jsonl").open(encoding="utf-8")]
    report = {}
    for name, make, kinds in (
        ("presidio", presidio, ["email", "phone", "iban", "credit_card", "ip"]),
        ("detect-secrets", detect_secrets, ["secret"]),
        ("plain", plain, list(PATTERNS)),
    ):
        try:
            find = make()
        except ImportError as problem:
            report[name] = {"skipped": str(problem)}
            continue
        found = [find(row["text"]) for row in rows]
        report[name] = {kind: score(rows, found, kind) for kind in kinds}
        report[name]["megabytes_per_second"] = speed(find, rows)
    report["ripgrep"] = {"megabytes_per_second": ripgrep(rows)}
    if "--json" in sys.argv:
        print(json.dumps(report))
        return
    for name, kinds in report.items():
        for kind, counts in kinds.items():
            if isinstance(counts, dict):
                print(f"{name:15} {kind:12} recall {counts['recall']}  precision {counts['precision']}  "
                      f"clean flagged {counts['flagged']}/{counts['clean']}")
            else:
                print(f"{name:15} {kind} {counts}")


if __name__ == "__main__":
    main()
