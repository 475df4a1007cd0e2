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
IDLE, LOOKS = 40.0, 5


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        rows = workload.training_log(runs, steps)
        scalars = events.write(rows, folder / "logs")
        packed = folder / "rows.parquet"
        rows.write_parquet(packed, compression="zstd")
        home = folder / "home"
        ours = python(["-m", "data", "import", folder / "logs", "--json"], home)
        store = (home / "store.duckdb").stat().st_size
        archive = sum(p.stat().st_size for p in (home / "archive").rglob("*") if p.is_file())
        theirs = accumulator(folder / "logs", folder)
        return [
            {
                "what": f"import {scalars:,} scalars of event files", "ours": ours.cpu,
                "beside": theirs and theirs.cpu, "unit": "CPU s", "ours_mb": ours.memory,
                "ratio": ours.cpu / theirs.cpu if theirs else None,
            },
            {
                "what": "store beside zstd Parquet of the rows", "ours": store / 1e6,
                "beside": packed.stat().st_size / 1e6, "unit": "MB",
                "ratio": store / packed.stat().st_size,
            },
            {"what": "archive of the spool, kept beside it", "ours": archive / 1e6, "unit": "MB"},
            *followed(folder / "logs", home, folder),
        ]  # fmt: skip


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
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{url}/overoptimization?run=growing&axis=step")
            page.wait_for_function(f"({LAST})() >= 40", timeout=60_000)
            seen = []
            for look in range(LOOKS):
                step = 1_000 * (look + 1)
                began = time.monotonic()
                with growing.open("a") as log:
                    log.write(line(step))
                page.wait_for_function(f"({LAST})() >= {step}", timeout=120_000, polling=50)
                seen.append(time.monotonic() - began)
            page.close()
            resting(watch.pid)
            before, began = used_by(watch.pid), time.monotonic()
            time.sleep(IDLE)
            share = (used_by(watch.pid) - before) / (time.monotonic() - began)
        finally:
            watch.send_signal(signal.SIGINT)
            watch.wait(60)
    return [
        {"what": "a written row on the page (median)", "ours": sorted(seen)[LOOKS // 2],
         "unit": "s", "all": seen},
        {"what": "watch while nothing grows", "ours": 100 * share, "unit": "% of a core"},
    ]  # fmt: skip


def line(step: int) -> str:
    row = {"step": step, "kl": 0.1 + step / 10, "proxy_reward": step / 50, "gold_reward": 0.5}
    return json.dumps(row) + "\n"


def used_by(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resting(pid: int) -> None:
    """Wait until the process has read what there is."""
    for _ in range(120):
        before = used_by(pid)
        time.sleep(2)
        if used_by(pid) - before < 0.2:
            return
