"""The battery through the commands: logs are written, imported and judged as a user's would be."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from analytics.quality.battery import chosen, row_of, runs_of
from analytics.quality.battery_logs import TRUTHS, Condition, simulated_log
from bench.processes import ROOT, environment, python

COLUMNS = (
    "condition", "claimed", "flat", "flat_se", "flat_ever", "plateau", "plateau_ever", "falling",
    "refused", "holds", "finds",
)  # fmt: skip


def measure(
    runs: int, steps: int, seed: int = 1, names: Iterable[str] | None = None
) -> list[dict[str, object]]:
    """``steps`` says nothing here; names: conditions, None = all. Rows as in the battery's own."""
    rows = [measure_condition(one, runs, seed) for one in chosen(names)]
    return [{"what": row["condition"]} | {name: row[name] for name in COLUMNS[1:]} for row in rows]


def measure_condition(condition: Condition, runs: int, seed: int) -> dict[str, Any]:
    """One import of a table with one run_id a run, one ``verdict --json`` over all of them."""
    with tempfile.TemporaryDirectory(prefix="battery-") as folder:
        home = Path(folder) / "home"
        log = written(condition, runs, seed, Path(folder) / "battery.csv")
        words = ["-m", "data", "import", log, "--json"]
        if condition.kind != "score":
            words += ["--gold-kind", condition.kind]
        python(words, home)
        verdicts = json.loads(answer(("-m", "analytics", "verdict", "--json"), home))
    judged: dict[str, list[dict[str, Any]]] = {truth: [] for truth in TRUTHS}
    for row in verdicts:
        ever = row["alarm"] is not None
        verdict = {"status": row["status"], "ever": ever, "flags": row["flags"]}
        judged[row["run"].split("-")[0]].append(verdict)
    return row_of(condition, judged)


def written(condition: Condition, runs: int, seed: int, file: Path) -> Path:
    """All runs of a condition as one CSV table: the log's own columns and run_id.

    A table states no plan of looks, so its runs are judged without one.
    """
    tables = []
    for truth in TRUTHS:
        for i in range(runs_of(truth, runs)):
            log = simulated_log(condition, truth, seed * 100_000 + i)
            name = pl.lit(f"{truth}-{i:05d}").alias("run_id")
            tables.append(log.table.with_columns(name))
    pl.concat(tables).write_csv(file)
    return file


def answer(words: Iterable[str], home: Path) -> str:
    """What a command prints for the store in ``home``."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, check=True, capture_output=True, text=True,
        env=environment(home),
    )  # fmt: skip
    return done.stdout
