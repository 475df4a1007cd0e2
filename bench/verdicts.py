"""CPU of verdicts: all runs, and again after one of them got one more gold evaluation."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import polars as pl

from analytics import onset
from bench import workload
from bench.processes import python

EVALUATIONS = 20
REPEATS = 7
"""Runs that grow by one evaluation, one after the other: the median is told."""
VERDICT = ("-m", "analytics", "verdict", "--json")


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    """``steps`` says nothing here: each run has EVALUATIONS rows."""
    rows = workload.evaluations(runs, EVALUATIONS)
    last = rows["step"].max()
    growing = [workload.run_name(runs // 2 + i) for i in range(min(REPEATS, runs // 2))]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder) / "home"
        one_short = (pl.col("step") == last) & pl.col("run_id").is_in(growing)
        log = workload.write(rows.filter(~one_short), Path(folder) / "log.parquet")
        python(["-m", "data", "import", log, "--json"], home)
        start = python(["-m", "data", "list", "--json"], home)
        everything = python(VERDICT, home)
        nothing, one = [], []
        for grown in range(1, len(growing) + 1):
            nothing.append(python(VERDICT, home).cpu)
            waiting = one_short & pl.col("run_id").is_in(growing[grown:])
            workload.write(rows.filter(~waiting), log)
            python(["-m", "data", "import", log, "--json"], home)
            one.append(python(VERDICT, home).cpu)
    idle, with_one = median(nothing), median(one)
    more = median([b - a for a, b in zip(nothing, one, strict=True)])
    return [
        {
            "what": f"{runs} verdicts of {EVALUATIONS} evaluations",
            "ours_cpu_s": everything.cpu, "beside": "listing the runs", "beside_cpu_s": start.cpu,
            "ratio": everything.cpu / start.cpu,
            "cpu_s_a_verdict": (everything.cpu - idle) / runs,
        },
        {
            "what": "one new evaluation of one run",
            "ours_cpu_s": with_one, "beside": f"{runs} verdicts", "beside_cpu_s": everything.cpu,
            "ratio": with_one / everything.cpu, "cpu_s_a_verdict": more,
        },
        {
            "what": "one new evaluation, server running",
            "ours_cpu_s": (warm := one_more()), "beside": "the same in a new process",
            "beside_cpu_s": more, "ratio": warm / max(more, 1e-9),
            "cpu_s_a_verdict": warm,
        },
        {
            "what": "nothing new",
            "ours_cpu_s": idle, "beside": "listing the runs", "beside_cpu_s": start.cpu,
            "ratio": idle / start.cpu,
        },
    ]  # fmt: skip


def one_more(runs: int = 12) -> float:
    """CPU seconds of one more verdict in a process that has judged some runs before."""
    tables = workload.evaluations(runs, EVALUATIONS).partition_by("run_id")
    for table in tables[1:]:
        _judged(table)
    _judged(tables[0].head(EVALUATIONS - 1))
    began = time.process_time()
    _judged(tables[0])
    return time.process_time() - began


def _judged(table: pl.DataFrame) -> None:
    gold = table.with_columns(
        pl.lit("evaluation").alias("source"), pl.lit(0).alias("stretch"),
        pl.lit(None, dtype=pl.Float64).alias("gold_reward_sd"),
        pl.lit(None, dtype=pl.Int64).alias("n_responses"),
    )  # fmt: skip
    onset.verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), {})
