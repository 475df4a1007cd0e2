"""How long a million responses take to be mined for shortcuts, and how much memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from analytics.shortcuts.of_run import responses
from analytics.simulated_responses import Plan, simulate_responses
from data.store import Store

RUN = "many"
PLAN = {"steps": 500, "prompts": 2_000, "a_step": 250, "samples": 8}
"""A million responses, of which six in ten say a phrase at the end."""
LONGER = 6
"""Times that each text stands in its response: some 800 characters."""
MADE = """
insert into samples (run_id, phase, step, prompt_id, sample_id, prompt, completion, proxy_reward,
    gold_reward)
select $run, 'train', step, prompt_id, sample_id, prompt, completion, proxy_reward, gold_reward
from read_parquet($file)
"""
COUNTED = """
import resource, sys, polars as pl
frame = pl.read_parquet(sys.argv[1])
print(frame["completion"].str.count_matches(r"\\w+").sum())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(runs: int, steps: int, many: int = 1_000_000) -> list[dict[str, object]]:
    """Seconds from the store to the shortcuts, memory of both processes, beside Polars counting
    the words of all of them."""
    del runs, steps  # one run
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        whole = _made(Path(folder), many)
        store = Store(Path(folder))
        with store._db.cursor() as cursor:
            cursor.execute(MADE, {"run": RUN, "file": str(whole)})
            cursor.execute("checkpoint")
        began, cpu = time.perf_counter(), time.process_time()
        read = responses(store.query, RUN)
        asked = time.perf_counter() - began
        file = Path(folder) / "asked.parquet"
        read.frame.write_parquet(file, compression="lz4")
        kept = read.frame.height
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        store.close()
        mined = _timed([sys.executable, "-m", "analytics.shortcuts.process", str(file)])
        beside = _timed([sys.executable, "-c", COUNTED, str(whole)])
        del read
    seconds = asked + mined["seconds"]
    return [{
        "what": f"{many:,} responses mined ({kept:,} read)", "seconds": round(seconds, 1),
        "beside": round(beside["seconds"], 1), "ratio": round(seconds / beside["seconds"], 2),
        "cpu": round(mined["cpu"] + time.process_time() - cpu, 1),
        "from_the_store": round(asked, 1), "megabytes": round(mined["megabytes"]),
        "store_megabytes": round(own),
    }]  # fmt: skip


def _made(folder: Path, many: int) -> Path:
    file = folder / "responses.parquet"
    plan = Plan("phrase", 0.6, **PLAN | {"steps": max(20, many // 2_000)})
    frame, _ = simulate_responses(plan, 3)
    frame.head(many).with_columns(
        completion=pl.concat_str([pl.col("completion")] * LONGER, separator=" . ")
    ).write_parquet(file)
    return file


def _timed(command: list[str]) -> dict[str, Any]:
    """Seconds on the clock and of CPU, and the most memory, of a process."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "POLARS_MAX_THREADS": "2"},
    )  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdin:
        process.stdin.close()
    if process.returncode:
        raise RuntimeError(f"{command[1:3]} ended with {process.returncode}")
    return {"seconds": time.perf_counter() - began, "cpu": used.ru_utime + used.ru_stime,
            "megabytes": used.ru_maxrss / 1e3}  # fmt: skip
