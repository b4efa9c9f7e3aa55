"""The bill of materials is what CycloneDX says one is, and lists what the lock file pins."""

import hashlib
import json
import pathlib
import subprocess
import tomllib

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

ROOT = pathlib.Path(__file__).parent.parent


def test_the_bill_of_materials_holds_against_the_schema_and_the_lock_file():
    command = ["cargo", "run", "--quiet", "--locked", "--package", "xtask", "--", "sbom"]
    bill = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill) is None

    bill = json.loads(bill)
    with open(ROOT / "Cargo.lock", "rb") as file:
        locked = {f"{one['name']}@{one['version']}": one.get("checksum") for one in tomllib.load(file)["package"]}
    listed = {one["bom-ref"]: one.get("hashes", [{}])[0].get("content") for one in bill["components"]}
    assert {"rustls", "hyper", "aws-lc-sys"} <= {name.split("@")[0] for name in listed}
    # What is no crate, and lies in the repository as it was published.
    [charts] = [name for name in listed if name.startswith("uplot@")]
    locked[charts] = hashlib.sha256((ROOT / "web" / "uplot.js").read_bytes()).hexdigest()
    for name, checksum in listed.items():
        assert locked[name] == checksum, name
    # Who depends on what is said of each, and of nobody else.
    whole = {bill["metadata"]["component"]["bom-ref"], *listed}
    assert {one["ref"] for one in bill["dependencies"]} == whole
    assert {on for one in bill["dependencies"] for on in one["dependsOn"]} <= whole
    # What only runs in the compiler is not in the binary; nor is what only another package of the workspace switches on.
    assert not {name for name in listed if name.split("@")[0] in {"serde_derive", "syn", "cc", "ring"}}
    for one in bill["components"]:
        wrong = get_spdx_licensing().validate(one["licenses"][0]["expression"], strict=True).errors
        assert not wrong, (one["name"], wrong)
