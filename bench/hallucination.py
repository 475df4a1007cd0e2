"""Rates by iteration and topic over five million answers: our rollups beside a plain group by."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from analytics.hallucination import rates_from_counts
from analytics.rates import wilson
from bench.processes import python
from data.owner import Owner

ITERATIONS, TOPICS = 50, 20
RAW = """
select iteration, origin, topic, count(grade) as n,
    avg((grade = 'incorrect')::int) as rate,
    avg((grade = 'incorrect' and confidence >= 0.8)::int) as confident
from answers where loop = 'bench' group by iteration, origin, topic
"""


def answers(path: Path, rows: int, seed: int = 0) -> Path:
    """One loop in the order of its iterations; the same questions each time, seeded."""
    rng = np.random.default_rng(seed)
    each = rows // ITERATIONS
    number = np.arange(each)
    questions = pl.DataFrame({
        "question_id": [f"q{i}" for i in number], "topic": [f"topic {i % TOPICS}" for i in number],
        "entity_id": [f"e{i // 5}" for i in number],
        "question": [f"what is attribute {i % TOPICS} of entity {i // 5}?" for i in number],
        "reference": [f"value {i % 997}" for i in number],
        "origin": np.where(number % 5 == 0, "self_generated", "benchmark"),
        "knowledge": np.take(["HighlyKnown", "MaybeKnown", "Unknown"], number % 3),
    })  # fmt: skip
    kinds = np.array(["correct", "incorrect", "not_attempted"])
    parts = []
    for iteration in range(ITERATIONS):
        wrong = 0.1 + 0.5 * iteration / ITERATIONS
        grade = kinds[np.searchsorted([0.8 - wrong, 0.8], rng.random(each))]
        parts.append(questions.with_columns(
            loop=pl.lit("bench"), iteration=pl.lit(iteration, pl.Int64),
            grade=pl.Series(grade), answer=pl.Series(number * 7 % 997).cast(pl.String),
            confidence=pl.Series(rng.beta(3, 2, each).round(4)),
        ))  # fmt: skip
    pl.concat(parts).write_parquet(path, row_group_size=each)
    return path


def run(rows: int = 5_000_000, repeats: int = 7) -> dict[str, float]:
    """Seconds and ratio of one question, and time and memory of the import before it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        log, home = answers(Path(folder) / "answers.parquet", rows), Path(folder) / "home"
        imported = python(["-m", "data", "import", log, "--json"], home)
        with closing(Owner(home)) as owner:
            query = owner.store.query

            def frames() -> pl.DataFrame:
                asked = {"loops": ["bench"], "until": None}
                return rates_from_counts(
                    query("answer_counts", **asked, tau=0.8),
                    query("answer_flips", **asked, compare_to=None),
                    query("answer_clusters", **asked), query("answer_cells", **asked),
                )  # fmt: skip

            def intervals() -> pl.DataFrame:
                sums = (
                    counted()
                    .group_by("iteration", "origin", "topic")
                    .agg(pl.col("n", "incorrect", "confident_incorrect", "measured").sum())
                )
                low, high = wilson(sums["incorrect"].to_numpy(), sums["n"].to_numpy())
                sure = wilson(sums["confident_incorrect"].to_numpy(), sums["measured"].to_numpy())
                return sums.with_columns(low=low, high=high, sure_low=sure[0], sure_high=sure[1])

            def counted() -> pl.DataFrame:
                return query("answer_counts", loops=["bench"], until=None, tau=0.8)

            bare = _median(counted, repeats)
            ours, whole = _median(intervals, repeats), _median(frames, 3)
            other = _median(lambda: query("answer_counts", loops=["bench"], until=None, tau=0.7), 1)
            none = dict.fromkeys(("until", "origin", "topic", "knowledge", "grade", "change"))
            page = {**none, "loops": ["bench"], "iteration": ITERATIONS - 1, "search": "entity 77",
                    "compare_to": None, "rows": 50, "skip": 0}  # fmt: skip
            shown = _median(lambda: query("answers_page", **page), 3)
        with duckdb.connect(str(home / "store.duckdb"), read_only=True) as store:
            raw = _median(lambda: store.sql(RAW).pl(), repeats)
        size = (home / "store.duckdb").stat().st_size / 1e6
    return {
        "rows": rows, "counts_s": bare, "rates_s": ours, "raw_group_by_s": raw,
        "ratio": bare / raw, "rates_ratio": ours / raw,
        "all_statistics_s": whole, "all_statistics_ratio": whole / raw, "other_tau_s": other,
        "page_s": shown, "import_cpu_s": imported.cpu, "import_mb": imported.memory,
        "store_mb": size,
    }  # fmt: skip


def _median(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
