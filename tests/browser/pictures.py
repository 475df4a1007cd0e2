"""Photograph the pages for README and docs: `python -m tests.browser.pictures`.

The bundled runs in a store of its own, judged first; six files in docs/, each below 300 KB.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.stores import EXAMPLES, ROOT, command
from tests.browser.view import View
from tests.server import Server

LARGEST = 300_000
PICTURES = {
    "overoptimization": ("/overoptimization?run=r3_grpo_bigrm", 1440, 1290, "light"),
    "overview": ("/", 1440, 900, "light"),
    "hallucination": ("/hallucination?loop=replace&loop=verified", 1440, 1100, "light"),
    "training_set": ("/training-set", 1440, 1100, "dark"),
    "quality": ("/quality?run=r3_grpo_bigrm", 1440, 900, "light"),
    "overview_phone": ("/", 390, 844, "dark"),
}
"""Name of a file to the address, width and height in pixels, and colours."""


def main() -> None:
    """Take each picture, and end with its size."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        home.mkdir()
        command(home, "import", str(EXAMPLES))
        command(home, "verdict", "--json", module="analytics")
        found = chromium.find()
        browser = playwright.chromium.launch(
            executable_path=found.path, args=list(chromium.FLAGS),
            env=dict(os.environ | found.variables),
        )  # fmt: skip
        server = Server(ROOT / "app.py", home, Path(folder) / "log").start()
        try:
            for name, (address, width, height, scheme) in PICTURES.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                page.goto(server.url + address)
                view = View(page).whole().in_colours(scheme)
                view.steady(lambda: page.evaluate("document.querySelectorAll('*').length"))  # noqa: B023
                file = ROOT / "docs" / f"{name}.png"
                page.screenshot(path=str(file))
                size = file.stat().st_size
                print(f"{file.relative_to(ROOT)}: {size:,} bytes")
                if size > LARGEST:
                    sys.exit(f"{name} is larger than {LARGEST:,} bytes")
                page.close()
        finally:
            server.stop()
            browser.close()


if __name__ == "__main__":
    main()
