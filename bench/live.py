"""``python -m bench.live PYTHON``: a real TRL run, killed, resumed, and followed by a page.

PYTHON is the interpreter of an environment with torch, trl, trackio and tensorboard (how:
``tests/data/logs/train_grpo.py``). At the end the store that ``watch`` filled, and the chart of the
open page, must hold what a fresh import of the folder gives.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.pages import browser, server
from bench.processes import ROOT, python

STEPS, KILLED_AT = 24, 14
DRAWN = """() => document.querySelector('.js-plotly-plot')._fullData.map(
    trace => [trace.name, Array.from(trace.x || []), Array.from(trace.y || [])])"""


def main() -> int:
    trainer = [sys.argv[1], str(ROOT / "tests" / "data" / "logs" / "train_grpo.py")]
    with tempfile.TemporaryDirectory(prefix="live-") as name:
        folder = Path(name)
        logs, home, fresh = folder / "logs", folder / "home", folder / "fresh"
        for made in (logs, home, fresh):
            made.mkdir()
        run = logs / "tiny_grpo"
        command = [*trainer, str(run), str(STEPS)]
        with server(ROOT / "app.py", home, folder) as url, browser() as chromium:
            watch = subprocess.Popen(
                [sys.executable, "-m", "data", "watch", str(logs)], cwd=ROOT,
                env=os.environ | {"OVEROPT_HOME": str(home)}, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                print(f"killed at step {killed(command, run, folder)}", flush=True)
                page = chromium.new_page(viewport={"width": 1440, "height": 900})
                page.goto(f"{url}/overoptimization?run=tiny_grpo&axis=step")
                page.wait_for_selector(".js-plotly-plot", timeout=120_000)
                with (folder / "trainer.txt").open("a") as printed:
                    subprocess.run(
                        [*command, "--resume"], check=True, stdout=printed, stderr=printed
                    )
                python(["-m", "data", "import", run, "--json"], fresh)
                same = settled(home, fresh)
                page.wait_for_timeout(8_000)
                followed = page.evaluate(DRAWN)
            finally:
                watch.send_signal(signal.SIGINT)
                watch.wait(30)
        with server(ROOT / "app.py", fresh, folder) as url, browser() as chromium:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{url}/overoptimization?run=tiny_grpo&axis=step")
            page.wait_for_selector(".js-plotly-plot .scatterlayer path", timeout=120_000)
            page.wait_for_timeout(8_000)
            drawn = page.evaluate(DRAWN)
        points = sum(len(trace[1]) for trace in drawn)
        print(f"store of watch equals a fresh import: {same}")
        print(f"page equals a fresh page: {followed == drawn} ({points} points drawn)")
        return 0 if same and followed == drawn else 1


def killed(command: list[str], run: Path, folder: Path) -> int:
    """Start the trainer and kill it once it has written the completions of a late step."""
    with (folder / "trainer.txt").open("w") as printed:
        child = subprocess.Popen(command, stdout=printed, stderr=printed)
        end = time.monotonic() + 900
        while child.poll() is None and time.monotonic() < end:
            if (run / "completions" / f"completions_{KILLED_AT:05d}.parquet").exists():
                child.kill()
                child.wait()
                return KILLED_AT
            time.sleep(0.2)
    raise RuntimeError(f"the trainer ended early: {(folder / 'trainer.txt').read_text()[-2000:]}")


def settled(home: Path, fresh: Path) -> bool:
    """Whether the followed store comes to say what the fresh one does, within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if contents(home) == contents(fresh):
            return True
        time.sleep(2)
    return False


def contents(home: Path) -> str:
    """Rows, responses and facts of the run as text (asked of whoever owns the store)."""
    code = (
        "import json; from data.home import home; from data.remote import StoreAccess\n"
        "with StoreAccess(home()) as s:\n"
        "    tables = [s.query('metrics', runs=['tiny_grpo'], until=None).write_json(),\n"
        "        s.query('scalars', run='tiny_grpo').write_json(),\n"
        "        s.query('responses', run='tiny_grpo', first=0, last=99).write_json()]\n"
        "print(json.dumps(tables))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"OVEROPT_HOME": str(home)},
    )  # fmt: skip
    return json.dumps(json.loads(done.stdout))


if __name__ == "__main__":
    sys.exit(main())
