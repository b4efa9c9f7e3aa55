"""How soon the console's pages are painted, and how much comes over the network for it.

    .test/venv/bin/python sdk/paint.py [TIMES]    # after `cargo build -p penstock -p penstock-testkit`

Each page is opened in a new browser context with nothing cached, as somebody does who is signed in and follows a link.
"""

import pathlib
import shutil
import statistics
import sys
import tempfile

from playwright.sync_api import sync_playwright
from test_console_pages import ask, link, plant_text

from conftest import Plant, Provider

PAGES = ["now", "map", "isolate", "holds", "records", "oversight", "components", "paths", "plant"]
# First contentful paint in milliseconds, and bytes with their heads.
TOLD = """async () => {
  const paint = await new Promise((then) => new PerformanceObserver((list) => {
    for (const one of list.getEntriesByName('first-contentful-paint')) then(one.startTime);
  }).observe({ type: 'paint', buffered: true }));
  const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  return [paint, all.reduce((sum, one) => sum + one.transferSize, 0)];
}"""


def main(times):
    provider = Provider()
    plant = Plant(pathlib.Path(tempfile.mkdtemp()) / "works", provider, text=plant_text()).start()
    token = plant.token("copilot")
    for _ in range(20):
        assert ask(plant, token).status_code == 200
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        first = browser.new_context()
        page = first.new_page()
        page.goto(link(plant, "vera", "engineer"))
        page.locator("#to-now").wait_for()
        state = first.storage_state()
        first.close()
        print("| page | first paint, middle | worst | transferred |\n|---|---:|---:|---:|")
        for name in PAGES:
            seen = []
            for _ in range(times):
                context = browser.new_context(storage_state=state)
                page = context.new_page()
                page.goto(f"{plant.console}/#/{name}")
                page.locator("#content h1, #content h2").first.wait_for(state="attached")
                page.wait_for_load_state("load")
                seen.append(page.evaluate(TOLD))
                context.close()
            paints = [paint for paint, _ in seen]
            print(f"| {name} | {statistics.median(paints):.0f} ms | {max(paints):.0f} ms | {max(size for _, size in seen) / 1024:.0f} KiB |")
        browser.close()
    plant.stop()
    provider.close()


main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
