"""The people of a plant who sign what its components may do: two of three."""

import json

from conftest import wait_for

NAMES = ("ada", "ben", "cleo")


class People:
    """Approvers of a plant, whether its gateway runs or not."""

    def __init__(self, plant):
        self.plant = plant
        self.keys = {name: plant.folder.parent / f"{name}.key" for name in NAMES}
        made = [plant.penstock("approve", "key", "--name", name, "--out", str(key)) for name, key in self.keys.items()]
        approvers = json.dumps([one.stdout.strip() for one in made])
        file = plant.folder / "plant.toml"
        file.write_text(file.read_text() + f"\n[governance]\napprovals = 2\n\n[control]\napprovers = {approvers}\n")
        if plant.process:
            plant.penstock("reload")

    def state(self, name):
        listed = json.loads(self.plant.penstock("inventory", "list", "--json").stdout)
        return next((one["state"] for one in listed if one["name"] == name), None)

    def sign(self, who, name, to, because="it was tried", check=True):
        command = ("inventory", "sign", name, "--to", to, "--because", because, "--key", str(self.keys[who]))
        return self.plant.penstock(*command, check=check)

    def step(self, name, to, people=("ada", "ben")):
        """Signed by two, and in force."""
        for who in people:
            self.sign(who, name, to)
        wait_for(lambda: self.state(name) == to, f"{name} to be {to}")
