"""Commands that ask a gateway elsewhere: they print, byte for byte, what they print beside its files."""

import json
import shutil

import pytest

from conftest import Plant, wait_for
from test_console_pages import ask, plant_text


@pytest.fixture(scope="module")
def works(tmp_path_factory, provider):
    plant = Plant(tmp_path_factory.mktemp("elsewhere") / "works", provider, text=plant_text()).start()
    token = plant.token("copilot")
    for number in range(250):
        ask(plant, token, "hello" if number % 5 else "write to anna@works.example", model=f"gpt-{number % 3}")
    yield plant
    plant.stop()
    assert "VERIFIED" in plant.penstock("verify", str(plant.folder / "ledger"), plant=False).stdout


@pytest.fixture(scope="module")
def there(works, tmp_path_factory):
    """Asks it as somebody on another machine does: by its address, with a token, and with no file of the plant."""
    token = tmp_path_factory.mktemp("person") / "token"
    token.write_text(works.penstock("admin", "token", "issue", "--person", "otto", "--role", "engineer").stdout)
    token.chmod(0o600)

    def there(*arguments, **more):
        return works.penstock(*arguments, "--console", works.console, "--token-file", str(token), plant=False, **more)

    wait_for(lambda: there("status", check=False).returncode == 0, "the token")
    return there


# Whoever asks is not on record for it, so that both see the same.
@pytest.mark.parametrize(
    "asked",
    [
        ["--kind", "intent"],
        ["--kind", "intent", "--format", "ndjson"],
        ["--kind", "intent", "--format", "json", "--limit", "3"],
        ["--kind", "intent", "--limit", "201", "--format", "ndjson"],
        ["--model", "gpt-1*", "--verdict", "allow", "--workload", "copilot", "--since", "1h"],
        ["--kind", "gap", "--format", "json"],
    ],
    ids=" ".join,
)
def test_records_are_the_same_from_elsewhere(works, there, asked):
    here = works.penstock("records", *asked).stdout
    assert there("records", *asked).stdout == here
    assert len(here.splitlines()) > 200 or "--limit" in asked or "--kind" not in asked or "gap" in asked


def test_a_receipt_from_elsewhere_proves_the_same(works, there, tmp_path):
    record = works.records("--kind", "outcome", "--limit", "1")[0]["id"]
    file = tmp_path / "receipt"
    wait_for(lambda: there("receipt", record, "--output", str(file), check=False).returncode == 0, "a published head")
    key = shutil.copy(works.folder / "ledger" / "trust" / "ledger.trust", tmp_path / "key")
    assert "VERIFIED" in works.penstock("verify", str(file), "--key", str(key), plant=False).stdout
    refused = there("receipt", record, "--cose", check=False)
    assert refused.returncode != 0 and "the plant's own key" in refused.stderr


@pytest.mark.parametrize(
    "asked",
    [
        ["list"],
        ["list", "--json"],
        ["list", "--state", "shadow", "--kind", "model"],
        ["show", "model:openai/gpt-1"],
        ["show", "model:openai/gpt-1", "--json"],
        ["draft", "model:openai/gpt-1"],
        ["export", "--format", "csv"],
    ],
    ids=" ".join,
)
def test_the_inventory_is_the_same_from_elsewhere(works, there, asked):
    here = works.penstock("inventory", *asked).stdout
    assert "gpt-1" in here
    assert there("inventory", *asked).stdout == here


def test_a_bill_of_materials_from_elsewhere_names_the_same_components(works, there):
    def components(bill):
        return [{key: one[key] for key in ("type", "name", "bom-ref")} for one in json.loads(bill)["components"]]

    here, afar = (ask("inventory", "export", "--format", "cyclonedx").stdout for ask in (works.penstock, there))
    assert components(afar) == components(here) and json.loads(afar)["specVersion"] == "1.6"


@pytest.mark.parametrize(
    "asked, why",
    [
        (["records", "--follow"], "not followed"),
        (["records", "--incident", "01a1fb28-26bf-77bf-a1d9-a527ad6ecc12"], "gathered where the ledger is"),
        (["records", "--operator", "Anna Muster"], "op-"),
        (["inventory", "show", "model:nothing"], "no component has that name"),
        (["receipt", "01a1fb28-26bf-77bf-a1d9-a527ad6ecc12"], "no such record"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_had_from_elsewhere_is_said(there, asked, why):
    refused = there(*asked, check=False)
    assert refused.returncode != 0 and why in " ".join(refused.stderr.split()), refused.stderr


def test_a_ledger_that_is_named_is_read_wherever_a_gateway_may_be(works, there):
    folder = str(works.folder / "ledger")
    asked = ("records", "--ledger", folder, "--kind", "boot", "--format", "ndjson")
    assert there(*asked).stdout == works.penstock(*asked, plant=False).stdout != ""
