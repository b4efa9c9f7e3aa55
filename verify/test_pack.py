"""Evidence packs of a real gateway, judged by `penstock verify` and by the verifier that lies in them: they must agree."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
PENSTOCK = os.path.join(TARGET, "debug", "penstock")


def run(*command):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PENSTOCK_")}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return result.returncode, result.stdout + result.stderr


def files(folder):
    return sorted(
        os.path.relpath(os.path.join(root, name), folder) for root, _, names in os.walk(folder) for name in names
    )


class Packs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory()
        cls.plant, cls.pack = os.path.join(cls.home.name, "plant"), os.path.join(cls.home.name, "pack")
        code, said = run(PENSTOCK, "demo", "--once", "--dir", cls.plant)
        assert code == 0, said
        # As it was before its first export, which is a record of it.
        cls.fresh = shutil.copytree(cls.plant, os.path.join(cls.home.name, "fresh"))
        code, said = cls.export(cls.pack, "--sample", "5", "--seed", "spring")
        assert code == 0 and "signed     by the ledger's key" in said, said
        cls.checker = os.path.join(cls.home.name, "check")
        go = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0"}
        source = os.path.join(HERE, "go")
        subprocess.run(["go", "build", "-o", cls.checker, "."], cwd=source, env=os.environ | go, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.home.cleanup()

    @classmethod
    def export(cls, place, *wish, plant=None):
        return run(PENSTOCK, "--plant", plant or cls.plant, "export", "--pack", place, *wish)

    def another(self, name):
        """A copy of the plant, whose ledger may change."""
        return shutil.copytree(self.plant, os.path.join(self.home.name, name))

    def judged(self, folder, *trust, policy=None):
        """The exit code on which all agree, and what ours and the one in Python say. Go must be told a key."""
        key, asked = ["--key", *trust] if trust else [], ["--policy", policy] if policy else []
        ours, said = run(PENSTOCK, "verify", folder, *key, *asked)
        theirs, also = run(sys.executable, os.path.join(HERE, "verify.py"), "pack", folder, *trust, *asked)
        self.assertEqual(ours, theirs, said + also)
        self.assertNotIn("Traceback", also)
        if policy and not trust:
            return ours, said, also
        keys = trust or [os.path.join(self.plant, "ledger", "trust", "ledger.trust")]
        third, its = run(self.checker, *asked, "pack", folder, *keys)
        self.assertEqual(ours, third, said + its)
        return ours, said, also

    def test_a_pack_is_good_with_its_own_key_and_with_the_auditors(self):
        self.assertEqual(self.judged(self.pack)[0], 0)
        self.assertEqual(self.judged(self.pack, os.path.join(self.plant, "ledger", "trust", "ledger.trust"))[0], 0)
        other = os.path.join(HERE, "..", "testdata", "ledgers", "trust")
        self.assertEqual(self.judged(self.pack, other)[0], 10)

    def test_the_verifier_in_the_pack_checks_it_where_it_lies_and_leaves_nothing(self):
        before = files(self.pack)
        code, said = run(sys.executable, os.path.join(self.pack, "verify.py"))
        self.assertEqual((code, said[:4]), (0, "good"), said)
        self.assertEqual(files(self.pack), before)

    def test_a_flipped_byte_is_found_in_each_file_by_both(self):
        for name in files(self.pack):
            path = os.path.join(self.pack, name)
            with open(path, "rb") as file:
                good = file.read()
            for at in (0, len(good) // 3, len(good) - 1):
                with self.subTest(file=name, at=at):
                    with open(path, "wb") as file:
                        file.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
                    code, said, also = self.judged(self.pack)
                    self.assertEqual(code, 10)
                    self.assertTrue(name in said and name in also, said + also)
            with open(path, "wb") as file:
                file.write(good)
        self.assertEqual(self.judged(self.pack)[0], 0)

    def test_missing_and_added_files_are_found_by_both(self):
        for name in files(self.pack):
            with self.subTest(name):
                path = os.path.join(self.pack, name)
                os.rename(path, path + ".away")
                os.rename(path + ".away", os.path.join(self.home.name, "away"))
                self.assertEqual(self.judged(self.pack)[0], 14 if name == "manifest.note" else 12)
                os.rename(os.path.join(self.home.name, "away"), path)
        added = os.path.join(self.pack, "proofs", "000000000001.tlog-proof")
        for link in (False, True):
            os.symlink("/dev/null", added) if link else open(added, "wb").close()
            self.assertEqual(self.judged(self.pack)[0], 10)
            os.remove(added)

    def test_a_zip_holds_what_the_folder_holds(self):
        place = os.path.join(self.home.name, "pack.zip")
        code, said = self.export(place, "--sample", "5", "--seed", "spring", plant=self.fresh)
        self.assertEqual(code, 0, said)
        self.assertEqual(run(PENSTOCK, "verify", place)[0], 0)
        folder = os.path.join(self.home.name, "unpacked")
        shutil.unpack_archive(place, folder)
        self.assertEqual(files(folder), files(self.pack), "the same sample")
        self.assertEqual(self.judged(folder)[0], 0)

    def test_the_witnesses_of_a_packs_head_are_counted_by_both(self):
        def file(name, *lines):
            path = os.path.join(self.home.name, name)
            with open(path, "w", encoding="utf-8") as policy:
                policy.write("".join(f"{line}\n" for line in lines))
            return path

        def witness(task, *words):
            code, said = run(PENSTOCK, "witness", task, *words)
            self.assertEqual(code, 0, said)
            return said.strip()

        plant, place = self.another("witnessed-plant"), os.path.join(self.home.name, "witnessed")
        ledger = os.path.join(plant, "ledger")
        request, signed, state, key, other = (os.path.join(self.home.name, name) for name in ("r", "s", "state", "w", "x"))
        trust, log = os.path.join(ledger, "trust", "ledger.trust"), os.path.join(ledger, "trust", "ledger.vkey")
        public = [witness("key", "--name", f"{name}.example", "--out", out) for name, out in (("w", key), ("x", other))]
        one = file("one", f"witness w {public[0]}", "quorum w")
        both = file("both", f"witness w {public[0]}", f"witness x {public[1]}", "group g all w x", "quorum g")
        with open(log, encoding="utf-8") as text:
            whole = file("whole", f"log {text.read().strip()}", f"witness w {public[0]}", "quorum w")
        self.assertEqual(self.judged(self.pack, trust, policy=one)[0], 13, "it was made before")
        witness("request", ledger, "--out", request)
        witness("sign", request, "--state", state, "--key", key, "--logs", log, "--out", signed)
        witness("add", ledger, signed, "--policy", one)
        code, said = self.export(place, "--kind", "refuse", plant=plant)
        self.assertEqual(code, 0, said)
        self.assertEqual(self.judged(place, trust, policy=one)[0], 0)
        code, said, also = self.judged(place, trust, policy=both)
        self.assertEqual(code, 13)
        self.assertTrue("missing: x" in said and "missing: x" in also, said + also)
        # The policy that names the log takes the place of the key, another one does not.
        self.assertEqual(self.judged(place, policy=whole)[0], 0)
        self.assertEqual(self.judged(place, policy=one)[0], 2)
        with open(os.path.join(place, "checkpoint"), encoding="utf-8") as text:
            lines = text.read().splitlines()
        self.assertTrue(lines[-1].startswith("\u2014 w.example "), lines)
        # A signature under another head, in a pack whose manifest nobody has signed.
        os.remove(os.path.join(place, "manifest.note"))
        forged = lines[-1][:-4] + "AAA="
        for changed, expected in (([*lines[:-1], forged], 10), (lines[:-1], 13)):
            self.rewrite(place, "checkpoint", "".join(f"{line}\n" for line in changed).encode())
            self.assertEqual(self.judged(place, trust, policy=one)[0], expected)

    def test_a_pack_beside_a_ledger_is_compared_with_it(self):
        plant, place, later = self.another("going-on"), *(os.path.join(self.home.name, name) for name in ("refusals", "later"))
        ledger, early = os.path.join(plant, "ledger"), os.path.join(self.plant, "ledger")
        self.assertEqual(self.export(place, "--kind", "refuse", plant=plant)[0], 0)
        code, said = run(PENSTOCK, "verify", place, "--ledger", early)
        self.assertTrue(code == 0 and "selection  all of the 6 records" in said, said)
        # The ledger goes on, the pack stays as good as it was; a pack of today is not of yesterday's ledger.
        held = ("hold", "add", "--subject", "workload.mes", "--basis", "dispute", "--approver", "Counsel")
        self.assertEqual(run(PENSTOCK, "--plant", plant, *held)[0], 0)
        self.assertEqual(run(PENSTOCK, "verify", place, "--ledger", ledger)[0], 0)
        self.assertEqual(self.export(later, "--kind", "refuse", plant=plant)[0], 0)
        self.assertEqual(run(PENSTOCK, "verify", later, "--ledger", ledger)[0], 0)
        code, said = run(PENSTOCK, "verify", later, "--ledger", early)
        self.assertTrue(code == 12 and "more than there are" in said, said)
        self.assertEqual(run(PENSTOCK, "verify", place, "--ledger", os.path.join(self.plant, "forged"))[0], 10)
        # One refusal less, and nothing in the pack itself tells.
        def lines(name):
            with open(os.path.join(place, name), encoding="utf-8") as file:
                return file.read().splitlines()

        gone, *_ = seqs = [json.loads(line)["seq"] for line in lines("records.ndjson")]
        self.rewrite(place, "population.txt", "".join(f"{seq}\n" for seq in seqs[1:]).encode())
        self.rewrite(place, "records.ndjson", "".join(f"{line}\n" for line in lines("records.ndjson")[1:]).encode())
        os.remove(os.path.join(place, "manifest.note"))
        os.remove(os.path.join(place, f"proofs/{gone:012}.tlog-proof"))
        with open(os.path.join(place, "manifest.json"), "r+", encoding="utf-8") as file:
            manifest = json.load(file)
            manifest.update(population=5, records=5)
            manifest["files"] = [entry for entry in manifest["files"] if str(gone) not in entry["name"]]
            file.seek(0)
            file.truncate()
            json.dump(manifest, file)
        self.assertEqual(self.judged(place)[0], 14, "only the signature is missing")
        code, said = run(PENSTOCK, "verify", place, "--ledger", ledger)
        self.assertTrue(code == 12 and f"record {gone} of the ledger" in said, said)

    def rewrite(self, folder, name, data):
        """Puts other bytes into a file of a pack, and into its manifest."""
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        place = os.path.join(folder, "manifest.json")
        with open(place, encoding="utf-8") as file:
            manifest = json.load(file)
        entry = next(entry for entry in manifest["files"] if entry["name"] == name)
        entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())
        with open(place, "w", encoding="utf-8") as file:
            json.dump(manifest, file)

    def test_redacted_packs_are_good_to_all_and_a_flipped_byte_in_them_is_found(self):
        for profile in ("persons", "all"):
            place = os.path.join(self.home.name, profile)
            self.assertEqual(self.export(place, "--kind", "intent", "--redact", profile)[0], 0)
            self.assertEqual(self.judged(place)[0], 0)
            proof = next(name for name in files(place) if name.startswith("proofs"))
            for name in ("redacted.ndjson", "records.ndjson", "manifest.json", proof):
                with open(os.path.join(place, name), "rb") as file:
                    good = file.read()
                for at in (0, len(good) // 2, len(good) - 1) if good else ():
                    with self.subTest(profile=profile, file=name, at=at):
                        with open(os.path.join(place, name), "wb") as file:
                            file.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
                        self.assertEqual(self.judged(place)[0], 10)
                with open(os.path.join(place, name), "wb") as file:
                    file.write(good)
            self.assertEqual(self.judged(place)[0], 0)
        # A leaf that is another one, in a manifest that nobody signs: the proof tells.
        with open(os.path.join(place, "redacted.ndjson"), "rb") as file:
            lines = file.read()
        os.remove(os.path.join(place, "manifest.note"))
        self.rewrite(place, "redacted.ndjson", lines.replace(b'"leaf":"', b'"leaf":"00', 1).replace(lines[-20:-18], b"", 1))
        self.assertEqual(self.judged(place)[0], 10)

    def test_a_pack_without_the_key_is_undecided(self):
        place = os.path.join(self.home.name, "unsigned")
        code, said = run(PENSTOCK, "export", os.path.join(self.plant, "ledger"), "--pack", place, "--kind", "refuse")
        self.assertTrue(code == 0 and "signed     no" in said, said)
        self.assertEqual(self.judged(place)[0], 14)


if __name__ == "__main__":
    unittest.main()
