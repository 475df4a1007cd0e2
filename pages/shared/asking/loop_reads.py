"""What the pages of a loop ask of the store, cached by its generation. data and analytics meet."""

from __future__ import annotations

import json

import polars as pl

from analytics import hallucination as statistics
from analytics.collapse.indicators import IndicatorRow
from analytics.comparing.verdict_frames import Asked
from analytics.hallucination.pairs import FLIPS
from analytics.loops import board
from analytics.loops.cells import Question
from analytics.loops.overlap import Overlap, of_loop
from data.rows import answers
from pages.shared import reads
from pages.shared.asking.answer_reads import ask
from pages.shared.keeping import collapsing
from pages.shared.keeping.caching import cached

TAU = 0.8


def loops() -> dict[str, int]:
    """Loops of which iterations, corpora or kept texts are known: name to number of arrival."""
    named = set(ask("loops")["loop"])
    there = reads.runs().filter(pl.col("run_id").is_in(named)).sort("ordinal")
    return dict(there.select("run_id", "ordinal").iter_rows())


def state(*_: object) -> object:
    """Changes whenever rows or indicators do."""
    store = reads.store()
    return store.generation, store.indicators_saved


@cached(16, state)
def indicators(loop: str) -> tuple[list[IndicatorRow], bool]:
    """The kept indicators of a loop, and whether they are of the rows as they are now."""
    kept = reads.store().query("indicators", loops=[loop]).to_dicts()
    if not kept:
        return [], False
    row = kept[0]
    current = row["generation"] == row["now"] and row["method"] == collapsing.method()
    return json.loads(row["rows"]), current


@cached(16, state)
def questions(loop: str, until: int | None) -> list[Question]:
    """The board of a loop, up to an iteration."""
    query, named = reads.store().query, [loop]
    rows, _ = indicators(loop)
    asked: Asked = {"loops": named, "until": until}
    counts = answers.counts(query, named, until, TAU)
    apart = answers.counts(query, named, until, TAU, by_training=True)
    return board.questions(
        board.LoopFacts(
            loop=loop,
            metrics=query("metrics", runs=named, until=until).filter(pl.col("phase") == "train"),
            indicators=[row for row in rows if until is None or row["iteration"] <= until],
            rates=statistics.rates_from_counts(
                counts, answers.flips(query, named, until, 0, None),
                query("answer_clusters", **asked), query("answer_calibration", **asked), 0, TAU,
            ),
            apart=statistics.rates_from_counts(
                apart, pl.DataFrame(schema=FLIPS), tau=TAU
            ).filter(pl.col("level") == "topic"),
            corpus=query("corpus", **asked),
            kept_texts=query("kept_texts", **asked),
            reviews=query("reviews", **asked),
            decisions=query("decisions", **asked),
        )
    )  # fmt: skip


def own_generation(loop: str) -> object:
    """Changes whenever a loop's own rows do: other runs may grow every second."""
    runs = reads.store().query("runs", project=None, runs=[loop])
    return runs["generation"].to_list()


def compare_all() -> None:
    """Look for evaluation questions in every loop's training text, so that no page waits for it."""
    for loop in reads.store().query("loops")["loop"]:
        overlap(loop)


@cached(16, own_generation)
def overlap(loop: str) -> list[Overlap]:
    """Which evaluation questions stand in the texts that each policy of a loop has seen."""
    query, named = reads.store().query, [loop]
    return of_loop(
        query("training_texts", loops=named), query("asked_questions", loops=named),
        query("iterations", loops=named, until=None), query("corpus", loops=named, until=None),
    )  # fmt: skip
