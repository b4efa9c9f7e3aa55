"""Runs the tests that are written for Node, each as a test of its own."""

import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent


def test_the_openai_sdk_for_node(plant, token):
    environment = os.environ | {
        "PENSTOCK_BASE": f"{plant.base}/openai/v1",
        "PENSTOCK_TOKEN": token,
        "NODE_EXTRA_CA_CERTS": plant.authority,
    }
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "node/openai.test.mjs"],
        cwd=HERE, env=environment, capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)", done.stdout, re.M)[1]) >= 10
