"""Event files of many runs: our import beside TensorBoard's own reader; ``watch`` while they rest.

Set BENCH_TENSORBOARD to the interpreter of an environment with tensorboard; without it our side
alone is measured.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench import events, workload
from bench.pages import browser, server
from bench.processes import ROOT, Cost, python

ACCUMULATE = """
import sys
from pathlib import Path
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
for folder in sorted(Path(sys.argv[1]).iterdir()):
    read = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    read.Reload()
    for tag in read.Tags()["scalars"]:
        read.Scalars(tag)
"""
LAST = """() => { const plot = document.querySelector('.js-plotly-plot');
    return plot && plot._fullData ? Math.max(...plot._fullData.flatMap(
        trace => Array.from(trace.x || []).map(Number).filter(Number.isFinite))) : -1 }"""
IDLE, LOOKS = 40.0, 10
QUIET = 1_800  # seconds to wait for what needs no limit: a busy machine must not end a benchmark


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        say(f"writing {runs} runs of {steps:,} steps")
        rows = workload.training_log(runs, steps)
        scalars = events.write(rows, folder / "logs")
        packed = folder / "rows.parquet"
        rows.write_parquet(packed, compression="zstd")
        say("importing the event files")
        home = folder / "home"
        ours = python(["-m", "data", "import", folder / "logs", "--json"], home)
        store = (home / "store.duckdb").stat().st_size
        archive = sum(p.stat().st_size for p in (home / "archive").rglob("*") if p.is_file())
        say("importing the same rows as a table")
        table = python(["-m", "data", "import", packed, "--json"], folder / "table")
        copy = f"import polars; polars.read_parquet({str(packed)!r}).write_parquet('copy.parquet')"
        plain = python(["-c", f"import os; os.chdir({name!r}); {copy}"], folder / "table")
        say("reading them with TensorBoard")
        theirs = accumulator(folder / "logs", folder)
        return [
            {
                "what": f"import {scalars:,} scalars of event files", "ours": ours.cpu,
                "beside": theirs and theirs.cpu, "unit": "CPU s", "ours_mb": ours.memory,
                "ratio": ours.cpu / theirs.cpu if theirs else None,
            },
            {
                "what": "import the rows as a table (beside: Polars)", "ours": table.cpu,
                "beside": plain.cpu, "unit": "CPU s", "ours_mb": table.memory,
                "ratio": table.cpu / plain.cpu,
            },
            {
                "what": "store beside zstd Parquet of the rows", "ours": store / 1e6,
                "beside": packed.stat().st_size / 1e6, "unit": "MB",
                "ratio": store / packed.stat().st_size,
            },
            {"what": "archive of the spool, kept beside it", "ours": archive / 1e6, "unit": "MB"},
            *followed(folder / "logs", home, folder),
        ]  # fmt: skip


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what} (load {os.getloadavg()[0]:.1f})", flush=True)


def accumulator(logs: Path, folder: Path) -> Cost | None:
    interpreter = os.environ.get("BENCH_TENSORBOARD")
    if not interpreter:
        print("BENCH_TENSORBOARD is not set: TensorBoard's reader is not measured beside ours")
        return None
    child = subprocess.Popen(
        [interpreter, "-c", ACCUMULATE, str(logs)], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError("TensorBoard's reader failed")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def followed(logs: Path, home: Path, folder: Path) -> list[dict[str, object]]:
    """CPU of an idle watch, and seconds from a written row to the open page."""
    growing = logs / "growing.jsonl"
    growing.write_text("".join(line(step) for step in range(50)))
    python(["-m", "data", "import", growing, "--json"], home)
    with server(ROOT / "app.py", home, folder) as url, browser() as chromium:
        watch = subprocess.Popen(
            [sys.executable, "-m", "data", "watch", str(logs)], cwd=ROOT,
            env=os.environ | {"OVEROPT_HOME": str(home)}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            say("waiting until watch has read the folder and all runs are judged")
            resting(watch.pid)
            judged(url)
            say("writing rows")
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{url}/overoptimization?run=growing&axis=step", timeout=QUIET * 1000)
            page.wait_for_function(f"({LAST})() >= 40", timeout=QUIET * 1000)
            judged(url)
            seen = []
            for look in range(LOOKS):
                time.sleep(2 + look / LOOKS)  # at other moments between two looks of watch and page
                step = 1_000 * (look + 1)
                began = time.monotonic()
                with growing.open("a") as log:
                    log.write(line(step))
                page.wait_for_function(
                    f"({LAST})() >= {step}", timeout=QUIET * 1000, polling=50
                )  # fmt: skip
                seen.append(time.monotonic() - began)
            page.close()
            say("leaving watch alone")
            resting(watch.pid)
            before, began = used_by(watch.pid), time.monotonic()
            time.sleep(IDLE)
            share = (used_by(watch.pid) - before) / (time.monotonic() - began)
        finally:
            watch.send_signal(signal.SIGINT)
            watch.wait(QUIET)
    return [
        {"what": "a written row on the page (median)", "ours": sorted(seen)[LOOKS // 2],
         "unit": "s", "all": seen},
        {"what": "the slowest of them", "ours": max(seen), "unit": "s"},
        {"what": "watch while nothing grows", "ours": 100 * share, "unit": "% of a core"},
    ]  # fmt: skip


def judged(url: str) -> None:
    """Wait until the server has judged every run."""
    end = time.monotonic() + QUIET
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{url}/api/verdicts", timeout=QUIET) as answer:
            kept = json.load(answer)
        with urllib.request.urlopen(f"{url}/api/health", timeout=QUIET) as answer:
            runs = json.load(answer)["runs"]
        if len(kept) == runs and not any(row["updating"] for row in kept):
            return
        time.sleep(2)


def line(step: int) -> str:
    row = {"step": step, "kl": 0.1 + step / 10, "proxy_reward": step / 50, "gold_reward": 0.5}
    return json.dumps(row) + "\n"


def used_by(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resting(pid: int) -> None:
    """Wait until the process has read what there is: it takes next to no CPU for six seconds."""
    quiet, end = 0, time.monotonic() + QUIET
    while quiet < 3 and time.monotonic() < end:
        before = used_by(pid)
        time.sleep(2)
        quiet = quiet + 1 if used_by(pid) - before < 0.2 else 0
