"""``python -m bench.real_runs.collect``: what trainings left, as the logs that are committed.

Needs no torch. Writes bench/real_runs/logs: log.parquet is what a team would have, ready for
``python -m data import``; labels.parquet the gold of every response that it paid for;
truth.parquet what 4,096 responses say; runs.json how each run was trained.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

from analytics.quality.real_logs import LOGS, logged

KEPT = Path(__file__).parents[1] / "results" / "real_runs"


def main() -> int:
    trainings = [json.loads(gzip.decompress(f.read_bytes())) for f in sorted(KEPT.glob("*.gz"))]
    if not trainings:
        print(f"{KEPT}: no training there; run python -m bench.real_runs first", file=sys.stderr)
        return 1
    LOGS.mkdir(exist_ok=True)
    metrics, labels, truth = (
        pl.concat([frame(one) for one in trainings]) for frame in (metrics_of, labels_of, truth_of)
    )
    squeezed = {"compression": "zstd", "compression_level": 19}
    labels.write_parquet(LOGS / "labels.parquet", **squeezed)
    truth.write_parquet(LOGS / "truth.parquet", **squeezed)
    metrics.join(logged(labels, "stated"), on=["run_id", "step"], how="left").write_parquet(
        LOGS / "log.parquet", **squeezed
    )
    abouts = {one["plan"]["run"]: about(one) for one in trainings}
    (LOGS / "runs.json").write_text(json.dumps(abouts, indent=1) + "\n")
    size = sum(file.stat().st_size for file in LOGS.iterdir())
    print(f"{len(trainings)} trainings in {LOGS}: {size / 1e6:.1f} MB")
    return 0


def about(one: dict[str, Any]) -> dict[str, Any]:
    """How a run was trained, and what it cost."""
    plan = {key: value for key, value in one["plan"].items() if key != "run"}
    shares = {"proxy_accuracy": round(one["accuracy"], 3), "cpu_seconds": one["seconds"]}
    return plan | shares | {"torch": one["torch"]}


def metrics_of(one: dict[str, Any]) -> pl.DataFrame:
    """What the trainer logs at every step, from its own batch of 128 responses."""
    rows = pl.DataFrame(one["rows"]).with_columns(pl.selectors.float().cast(pl.Float32))
    return _named(one, rows)


def truth_of(one: dict[str, Any]) -> pl.DataFrame:
    """step, kl (exact along 512 responses), gold and gold_se of 4,096 responses, proxy."""
    return _named(one, pl.DataFrame(one["truth"]))


def labels_of(one: dict[str, Any]) -> pl.DataFrame:
    """step, prompt (its place in the evaluation), gold of each response in 56ths."""
    steps = [row["step"] for row in one["labels"] for _ in row["gold"]]
    places = [place for row in one["labels"] for place in range(len(row["gold"]))]
    gold = [scores for row in one["labels"] for scores in row["gold"]]
    frame = pl.DataFrame({"step": steps, "prompt": places, "gold": gold})
    return _named(one, frame.with_columns(
        pl.col("step").cast(pl.Int64), pl.col("prompt").cast(pl.Int16),
        pl.col("gold").cast(pl.List(pl.Int8)),
    ))  # fmt: skip


def _named(one: dict[str, Any], frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.lit(one["plan"]["run"]).alias("run_id"), pl.all())


if __name__ == "__main__":
    sys.exit(main())
