"""``python -m bench.real_runs.signals [RUN…]``: what signals without gold say of the responses.

Needs no torch, but what ``python -m bench.real_runs.responses`` left. Each training's responses are
brought into a store as a team would, and asked there; gold is in none of them. Writes
bench/real_runs/logs/signals.parquet, a row for each training and signal; rows of before that are
not asked anew stay. With names of trainings only these are asked.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from analytics.paid_for import report, signals
from analytics.quality.real_logs import LOGS
from analytics.shortcuts import mine
from bench.real_runs.collect import KEPT as TRAININGS
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.owner import Owner

KEPT = TRAININGS.parent / "real_runs_responses"
COLUMNS = ("signal", "value", "low", "high", "raised")


def main() -> int:
    os.nice(10)
    files = sorted(KEPT.glob("*.parquet"))
    if asked := set(sys.argv[1:]):
        files = [file for file in files if file.stem in asked]
    if not files:
        print(f"{KEPT}: nothing there; run python -m bench.real_runs.responses", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        import_paths(home, files, ReadOptions())
        with closing(Owner(home)) as owner:
            found = [told_of(file, owner.store.query) for file in files]
    frame = pl.DataFrame([row for rows in found for row in rows], infer_schema_length=None)
    known = LOGS / "signals.parquet"
    if known.exists():  # what only an ensemble or a second reward can say, where it was kept before
        before = pl.read_parquet(known).join(frame, on=["run_id", "signal"], how="anti")
        frame = pl.concat([frame, before], how="diagonal_relaxed")
    frame.sort("run_id", maintain_order=True).write_parquet(known, compression="zstd")
    print(f"{len(files)} trainings, {frame.height} rows")
    return 0


def told_of(file: Path, query: report.Query) -> list[dict[str, Any]]:
    """The signals of one training."""
    run = file.stem
    log = pl.read_parquet(LOGS / "log.parquet").filter(run_id=run)
    second = report.second_of(query, run)
    drawn = report.read(query, run, None, second)
    found = [
        signals.of_ensemble(query("disagreement", run=run, keys=list(members), until=None))
        for members in report.ensembles(query, run)
    ]
    found += [signals.of_second(drawn)] if second else []
    found.append(signals.of_chi_squared(drawn, float(log["kl"][-1])))
    found.append(signals.of_embeddings(pl.read_parquet(file.with_suffix(".latents"))))
    found.append(signals.of_shortcuts(mine(pl.read_parquet(file))))
    rows = [{"run_id": run} | {name: one[name] for name in COLUMNS} for one in found]
    print(run, *(f"{row['signal']} {row['value']} {row['raised']}," for row in rows), flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
