"""Runs the second verifier on the vectors in testdata/ledgers: `python3 verify/test_verify.py`."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "testdata", "ledgers")
sys.path.insert(0, HERE)
import content  # noqa: E402
import records  # noqa: E402
import signatures  # noqa: E402
import verify  # noqa: E402
import witnesses  # noqa: E402


def run(*arguments):
    command = [sys.executable, os.path.join(HERE, "verify.py"), *arguments]
    return subprocess.run(command, cwd=VECTORS, capture_output=True, text=True, check=False)


class Vectors(unittest.TestCase):
    with open(os.path.join(VECTORS, "cases.json"), encoding="utf-8") as file:
        cases = json.load(file)

    def test_each_part_is_short_enough_to_be_read(self):
        for part in ("verify", "records", "signatures", "witnesses", "content", "pack"):
            with open(os.path.join(HERE, f"{part}.py"), encoding="utf-8") as file:
                lines = file.readlines()
            self.assertLessEqual(len(lines), 300, part)
            self.assertLess(max(map(len, lines)), 160, part)

    def test_every_ledger_is_judged_as_it_says(self):
        for case in self.cases["ledgers"] + self.cases["epochs"] + self.cases["content"]:
            with self.subTest(case["folder"]):
                known = ["--known", case["known"]] if case["known"] else []
                policy = ["--policy", case["policy"]] if case["policy"] else []
                result = run("ledger", case["folder"], case["trust"], *known, *policy)
                self.assertEqual(result.returncode, case["exit"], result.stdout + result.stderr)
                self.assertEqual(result.stderr, "")
                first = result.stdout.splitlines()[0]
                if case["seq"] is not None:
                    self.assertIn(f"record {case['seq']} ", first)
                if case["file"] is not None:
                    self.assertIn(case["file"], first)

    def test_every_receipt_is_judged_as_it_says(self):
        for case in self.cases["receipts"]:
            with self.subTest(case["receipt"]):
                policy = ["--policy", case["policy"]] if case["policy"] else []
                result = run("receipt", case["receipt"], case["record"], case["trust"], *policy)
                self.assertEqual(result.returncode, case["exit"], result.stdout + result.stderr)

    def test_every_policy_is_read_as_it_says(self):
        for case in self.cases["policies"]:
            with self.subTest(case["policy"]):
                result = run("ledger", case["folder"], case["trust"], "--policy", case["policy"])
                self.assertEqual(result.returncode, case["exit"], result.stdout + result.stderr)
                self.assertNotIn("Traceback", result.stderr)

    def test_who_has_not_signed_and_what_was_erased_is_said(self):
        said = run("ledger", "witnessed-few", "trust", "--policy", "policies/both").stdout
        self.assertIn("unwitnessed: checkpoint: not enough witnesses have signed the head; missing: s\n", said)
        said = run("ledger", "content-erased", "trust").stdout
        self.assertIn("2 contents kept, 2 erased by #6", said)
        self.assertEqual(run("ledger", "content-gone", "trust", "--without-content").returncode, 0)

    def test_what_was_not_checked_is_said(self):
        said = lambda *more: run("ledger", *more).stdout.splitlines()[-1]
        self.assertEqual(said("good", "trust"), "not checked: witnesses (--policy), a head that was kept (--known), the write-ahead log")
        self.assertEqual(said("witnessed", "trust", "--policy", "policies/both", "--known", "witnessed/checkpoint"), "not checked: the write-ahead log")
        self.assertIn("content", said("content-gone", "trust", "--without-content"))

    def test_wrong_usage_exits_with_two(self):
        for arguments in ([], ["ledger"], ["ledger", "good", "nowhere"], ["ledger", "good", "cases.json"]):
            self.assertEqual(run(*arguments).returncode, 2, arguments)


class Size(unittest.TestCase):
    def test_an_auditor_can_read_the_verifier_in_one_sitting(self):
        for module in (verify, records, signatures, witnesses, content):
            with open(module.__file__, encoding="utf-8") as file:
                self.assertLessEqual(sum(1 for line in file if line.strip()), 300)


class Hostile(unittest.TestCase):
    def judge(self, folder):
        ledger = verify.Ledger(folder, verify.load_trust(os.path.join(VECTORS, "trust")))
        ledger.verify()
        return ledger.problems

    def test_flipped_bits_are_seen_and_the_file_is_named(self):
        dice = random.Random(7)
        for _ in range(200):
            with tempfile.TemporaryDirectory() as home:
                folder = os.path.join(home, "ledger")
                shutil.copytree(os.path.join(VECTORS, dice.choice(["good", "boundary", "epochs"])), folder)
                files = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
                path = dice.choice(sorted(files))
                with open(path, "r+b") as file:
                    data = bytearray(file.read())
                    at, bit = dice.randrange(len(data)), dice.randrange(8)
                    data[at] ^= 1 << bit
                    file.seek(0)
                    file.write(data)
                problems = self.judge(folder)
                self.assertEqual(len(problems), 1, (path, at, bit, problems))
                self.assertEqual(problems[0][0], verify.TAMPERED)
                self.assertIn(os.path.relpath(path, folder), problems[0][1])

    def test_what_is_no_file_or_too_long_is_not_read(self):
        for spoil in (os.mkfifo, lambda path: open(path, "wb").truncate(1 << 40)):
            for name in ("checkpoint", os.path.join("tile", "entries", "000.p", "13")):
                with tempfile.TemporaryDirectory() as home:
                    folder = os.path.join(home, "ledger")
                    shutil.copytree(os.path.join(VECTORS, "good"), folder)
                    self.assertTrue(os.path.exists(path := os.path.join(folder, name)))
                    os.remove(path)
                    spoil(path)
                    result = run("ledger", folder, os.path.join(VECTORS, "trust"))
                    self.assertEqual(result.returncode, 14, result.stdout + result.stderr)
                    self.assertIn(name, result.stdout)

    def test_cut_files_are_never_good_and_never_break_the_verifier(self):
        dice = random.Random(8)
        for _ in range(100):
            with tempfile.TemporaryDirectory() as home:
                folder = os.path.join(home, "ledger")
                shutil.copytree(os.path.join(VECTORS, "good"), folder)
                files = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
                path = dice.choice(sorted(files))
                os.truncate(path, dice.randrange(os.path.getsize(path)))
                self.assertTrue(self.judge(folder), path)

    def test_what_a_pattern_fits_is_what_is_read_whole(self):
        dice, fitted = random.Random(9), 0
        ledger = verify.Ledger(os.path.join(VECTORS, "good"), verify.load_trust(os.path.join(VECTORS, "trust")))
        ledger.verify()
        lines = ledger.tile("entries", 0)
        story = records.Story()
        for line in lines:
            story.read(line)
        self.assertGreater(story.count, 1)
        pieces = [b"0", b"01", b"-1", b" ", b'"', b"\\", b"\\u0041", b"\n", b"\xff", b"\xc3\xa9", b"\x7f", b"{", b"]", b",", b"null", b"9" * 16]
        for _ in range(20_000):
            line = bytearray(dice.choice(lines))
            at = dice.randrange(len(line))
            line[at:at + dice.randrange(3)] = dice.choice(pieces)
            learned, line = story.count, bytes(line)
            try:
                whole = records.read_record(line)
            except ValueError:
                self.assertRaises(ValueError, story.read, line)
                continue
            read = story.read(line)
            self.assertEqual(read, {key: whole[key] for key in read})
            fitted += learned == story.count and len(read) < len(whole)
        self.assertGreater(fitted, 1000)
        self.assertLessEqual(story.count, story.MOST)

    def test_hostile_records_are_refused(self):
        deep = b"[" * 100_000 + b"]" * 100_000
        for line in [b"", b"{}", b"[]", b"null", b"\xff", b'{"v":1}', b'{"v":1 }', b'{"v":1,"v":1}', b'{"a":' + deep + b"}"]:
            with self.assertRaises(ValueError, msg=line[:40]):
                records.read_record(line)


if __name__ == "__main__":
    unittest.main()
