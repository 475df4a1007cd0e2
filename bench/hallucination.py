"""Rates by iteration and topic over five million answers: our rollups beside a plain group by."""

from __future__ import annotations

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
from data.rows import answers as answer_counts

ANSWERS = 5_000_000
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


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    """One row a question; the size is ANSWERS whatever the other benchmarks' size is."""
    return run(ANSWERS)


def run(rows: int, repeats: int = 9) -> list[dict[str, object]]:
    """Time of each question beside the plain group by, and what the import before them took."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        log, home = answers(Path(folder) / "answers.parquet", rows), Path(folder) / "home"
        imported = python(["-m", "data", "import", log, "--json"], home)
        size = (home / "store.duckdb").stat().st_size / 1e6
        with closing(Owner(home)) as owner:
            found = _questions(owner.store.query, home, repeats)
    found.append({
        "what": "import in parts", "answers": rows, "cpu_s": imported.cpu,
        "memory_mb": imported.memory, "store_mb": size,
    })  # fmt: skip
    return found


def _questions(query: answer_counts.Query, home: Path, repeats: int) -> list[dict[str, object]]:
    loops = ["bench"]

    def counted(tau: float = 0.8) -> pl.DataFrame:
        return answer_counts.counts(query, loops, None, tau)

    def intervals() -> pl.DataFrame:
        sums = (
            counted()
            .group_by("iteration", "origin", "topic")
            .agg(pl.col("n", "incorrect", "confident_incorrect", "measured").sum())
        )
        low, high = wilson(sums["incorrect"].to_numpy(), sums["n"].to_numpy())
        sure = wilson(sums["confident_incorrect"].to_numpy(), sums["measured"].to_numpy())
        return sums.with_columns(low=low, high=high, sure_low=sure[0], sure_high=sure[1])

    def whole() -> pl.DataFrame:
        asked = {"loops": loops, "until": None}
        return rates_from_counts(
            counted(), answer_counts.flips(query, loops, None, None),
            query("answer_clusters", **asked), query("answer_calibration", **asked),
            changed_entities=answer_counts.flip_clusters(query, loops, None, None),
        )  # fmt: skip

    def page(search: str | None) -> pl.DataFrame:
        none = dict.fromkeys(("until", "origin", "topic", "knowledge", "grade", "change"))
        return query("answers_page", **none, loops=loops, iteration=ITERATIONS - 1,
                     search=search, compare_to=None, rows=25, skip=0)  # fmt: skip

    work: dict[str, Callable[[], object]] = {
        "rates by iteration x topic with intervals": intervals,
        "all statistics of the page": whole,
        "confident from another tau": lambda: counted(0.7),
        "a page of answers, newly wrong first": lambda: page(None),
        "a search in an iteration": lambda: page("entity 77"),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    raw: list[float] = []
    with duckdb.connect(str(home / "store.duckdb")) as store:  # the owner's own, within a process
        for turn in range(repeats):
            raw.append(_seconds(lambda: store.sql(RAW).pl()))
            for name, task in work.items():
                if turn < 3 or name.startswith("rates"):
                    times[name].append(_seconds(task))
    beside = statistics.median(raw)
    return [
        {"what": name, "ours_ms": 1000 * statistics.median(seen),
         "group_by_ms": 1000 * beside, "ratio": statistics.median(seen) / beside}
        for name, seen in times.items()
    ]  # fmt: skip


def _seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start
