"""Peak memory of importing one large JSON Lines file, written for this and deleted afterwards."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import polars as pl

from bench import workload
from bench.processes import kept, python

LIMIT = 500.0  # MB that an import may take, whatever the size of the file
BATCH = 40  # runs generated at a time


def measure(runs: int, steps: int, megabytes: int = 2_000) -> list[dict[str, object]]:
    """``runs`` does not count here: so many of ``steps`` steps are written as fill the file."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 3e6 * megabytes:
            raise RuntimeError(f"{folder} has too little room for a file of {megabytes} MB")
        log = folder / "log.jsonl"
        rows = written(log, steps, megabytes * 1e6)
        home = folder / "home"
        ours = python(["-m", "data", "import", log, "--json"], home)
        return [{
            "what": "peak memory of an import of JSON Lines", "ours": ours.memory, "beside": LIMIT,
            "unit": "MB (beside: the limit)", "ratio": ours.memory / LIMIT, "rows": rows,
            "file_mb": log.stat().st_size / 1e6, "ours_cpu_s": ours.cpu,
            "home_mb": kept(home) / 1e6,
        }]  # fmt: skip


def written(log: Path, steps: int, size: float) -> int:
    """Write runs until the file has ``size`` bytes; how many rows it has."""
    count = 0
    with log.open("wb") as file:
        while file.tell() < size:
            batch = workload.training_log(BATCH, steps, seed=count)
            batch = batch.with_columns(run_id=pl.format("{}-{}", pl.lit(count), "run_id"))
            batch.write_ndjson(file)
            count += batch.height
    return count
