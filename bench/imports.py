"""Rows per CPU second of ``data import``, beside Polars reading the file and writing Parquet."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench import workload
from bench.processes import kept, python

READERS = {"csv": "read_csv", "jsonl": "read_ndjson", "parquet": "read_parquet"}


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    rows = workload.training_log(runs, steps)
    found: list[dict[str, object]] = []
    plainly = 0  # bytes of the rows as zstd Parquet
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for kind, reader in READERS.items():
            log = workload.write(rows, Path(folder) / f"log.{kind}")
            home = Path(folder) / kind
            plain = python(
                ["-c", f"import polars; polars.{reader}({str(log)!r})"
                 f".write_parquet({str(log) + '.out'!r})"], home,
            )  # fmt: skip
            plainly = plainly or Path(f"{log}.out").stat().st_size
            ours = python(["-m", "data", "import", log, "--json"], home)
            disk = kept(home)
            again = python(["-m", "data", "import", log, "--json"], home)
            found.append({
                "what": f"import {kind}", "rows": rows.height, "file_mb": log.stat().st_size / 1e6,
                "ours_cpu_s": ours.cpu, "polars_cpu_s": plain.cpu, "ratio": ours.cpu / plain.cpu,
                "ours_rows_per_cpu_s": rows.height / ours.cpu,
                "polars_rows_per_cpu_s": rows.height / plain.cpu,
                "again_cpu_s": again.cpu, "ours_mb": ours.memory, "polars_mb": plain.memory,
                "store_mb": (home / "store.duckdb").stat().st_size / 1e6,
                "disk_ratio": disk / plainly,
            })  # fmt: skip
    return found
