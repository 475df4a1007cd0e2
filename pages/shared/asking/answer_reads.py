"""What the pages on truth ask of the store, cached by its generation. data and analytics meet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from analytics import hallucination as statistics
from analytics import knowledge
from analytics.answers import calibration_cells
from analytics.comparing.verdict_frames import Asked
from analytics.hallucination import beside, facts, training
from analytics.hallucination.pairs import FLIPS
from analytics.hallucination.training import TrainingView
from data.rows import answers
from pages.shared import reads
from pages.shared.keeping.caching import cached

Loops = tuple[str, ...]


def loops() -> dict[str, int]:
    """Loops and runs with graded answers: name to number of arrival."""
    there = reads.runs().filter(pl.col("answers") > 0).sort("ordinal")
    return dict(there.select("run_id", "ordinal").iter_rows())


def fact_runs() -> dict[str, int]:
    """Runs whose responses hold counted facts, or whose trainer logged a rate of wrong ones."""
    named = set(ask("fact_runs")["run_id"])
    there = reads.runs().filter(pl.col("run_id").is_in(named)).sort("ordinal")
    return dict(there.select("run_id", "ordinal").iter_rows())


def ask(question: str, **asked: Any) -> pl.DataFrame:
    """A named query of ``data/queries``; the answer is kept while the store does not change."""
    return _ask(question, tuple(asked.items()))


@cached(64)
def _ask(question: str, asked: tuple[Any, ...]) -> pl.DataFrame:
    values = {key: list(v) if isinstance(v, tuple) else v for key, v in asked}
    return reads.store().query(question, **values)


def hallucination(
    named: Loops, tau: float, compare_to: int | None, frozen: Mapping[str, int]
) -> pl.DataFrame:
    """The frame of ``analytics.hallucination.rates_from_counts`` for some loops, with their KL.

    Compared with a chosen iteration, only the last of each loop (``frozen`` at an earlier one) has
    a change: all of them would take seconds for millions of answers.
    """
    ends = tuple(frozen.items()) if compare_to is not None else ()
    return _hallucination(named, tau, compare_to, ends)


@cached(32)
def _hallucination(
    named: Loops, tau: float, compare_to: int | None, ends: tuple[tuple[str, int], ...]
) -> pl.DataFrame:
    query, loops = reads.store().query, list(named)
    counts = answers.counts(query, loops, None, tau)
    shown = counts
    for loop, last in ends:
        shown = shown.filter((pl.col("loop") != loop) | (pl.col("iteration") <= last))
    last_ones = shown.group_by("loop", "origin").agg(pl.col("iteration").max())["iteration"]
    found = statistics.rates_from_counts(
        counts,
        answers.flips(query, loops, None, compare_to, sorted(set(last_ones))),
        query("answer_clusters", loops=loops, until=None),
        query("answer_calibration", loops=loops, until=None), compare_to, tau,
        answers.flip_clusters(query, loops, None, compare_to, sorted(set(last_ones))),
    )  # fmt: skip
    if compare_to is not None:
        at_end = pl.col("iteration").is_in(sorted(set(last_ones)))
        found = found.with_columns(pl.when(at_end).then(pl.col("^change_.*$")))
    return beside.with_kl(found, query("metrics", runs=loops, until=None))


@cached(16)
def trained_on(named: Loops, tau: float) -> pl.DataFrame:
    """Rates by whether the entity asked about was trained on (as topic), without changes."""
    query, loops = reads.store().query, list(named)
    counts = answers.counts(query, loops, None, tau, by_training=True)
    found = statistics.rates_from_counts(counts, pl.DataFrame(schema=FLIPS), tau=tau)
    metrics = query("metrics", runs=loops, until=None)
    return beside.with_kl(found.filter(pl.col("level") == "topic"), metrics)


@cached(16)
def calibrations(named: Loops, bins: int) -> pl.DataFrame:
    """Calibration of some loops by iteration and origin."""
    cells = reads.store().query("answer_cells", loops=list(named), until=None)
    return calibration_cells.by_iteration(cells, bins)


def cells(loop: str, iteration: int, origin: str) -> pl.DataFrame:
    """Cells of confidence of one loop, iteration and origin."""
    cells_read = ask("answer_cells", loops=(loop,), until=iteration)
    return calibration_cells.merged(cells_read.filter(iteration=iteration, origin=origin))


def sampled(named: Loops) -> pl.DataFrame:
    """What sampled answers say: SliCK categories, semantic entropy."""
    asked: Asked = {"loops": named, "until": None}
    return knowledge.sampled(ask("sample_counts", **asked), ask("sample_clusters", **asked))


def rewards(named: Loops) -> pl.DataFrame:
    """Rewards and KL of some runs by iteration, pooled to be drawn beside their rates."""
    return beside.rewards(ask("metrics", runs=named, until=None))


def answers_page(named: Loops, rows: int, skip: int, **filters: Any) -> pl.DataFrame:
    """One page of the answers that pass the filters, newly wrong first, and the total."""
    return ask("answers_page", loops=named, rows=rows, skip=skip, **filters)


def answer_history(named: Loops, question_id: str, origin: str | None) -> pl.DataFrame:
    """One question over the iterations of some loops."""
    return ask("answer_history", loops=named, question_id=question_id, origin=origin, until=None)


def training_claims(named: Loops, control: str | None, until: int | None) -> TrainingView:
    """What generated training texts claimed: false before training, repeated after it."""
    rows = ask("training_answers", loops=named, until=until)
    return training.training_view(training.statements(rows), rows, control)


def training_mistakes(named: Loops, until: int | None) -> TrainingView:
    """Wrong benchmark answers about what was trained on, beside those that were not."""
    rows = ask("training_answers", loops=named, until=until)
    return training.training_view(training.mistakes(rows), rows)


def training_texts(named: Loops) -> pl.DataFrame:
    """False claims among generated texts, kept for training or not."""
    return training.training_texts_from_counts(ask("kept_texts", loops=named, until=None))


def corpus(named: Loops) -> pl.DataFrame:
    """What each iteration was trained on."""
    return ask("corpus", loops=named, until=None)


def fact_rates(run: str, until: int | None = None) -> pl.DataFrame:
    """Wrong among stated facts of one run's responses, consecutive steps pooled."""
    return facts.pooled_facts(ask("fact_rates", run=run, until=until))


def arms(named: Loops) -> dict[str, str]:
    """Arm of each loop, where its log states one; a loop without one is an arm of its own."""
    every = {row["run_id"]: row["facts"] for row in reads.runs().iter_rows(named=True)}
    config = {loop: json.loads(every[loop]).get("config", {}) for loop in named}
    return {loop: str(settings.get("arm", loop)) for loop, settings in config.items()}
