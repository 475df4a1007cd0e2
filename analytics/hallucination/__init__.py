"""Hallucination: graded answers to rates with intervals, calibration and change, never pooled.

`rates` does all from a frame of answers; `rates_from_counts` the same from small frames that a
database can count (`counts.COUNTS`, `pairs.FLIPS`, `counts.CLUSTERS`, `counts.CELLS`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from analytics.answers.clustered_rates import by_entity_interval
from analytics.calibration import BINS
from analytics.computing.any_frame import polars_frame
from analytics.hallucination.changes import change
from analytics.hallucination.counts import cells, clusters, count
from analytics.hallucination.level_rows import ROW, calibration, in_order, levels
from analytics.hallucination.pairs import flip_clusters, flipped, flips
from analytics.hallucination.scores import f_score, penalised_score
from analytics.hallucination.topics import shrink
from analytics.rates import FloatArray, wilson

__all__ = [
    "cells", "clusters", "count", "flip_clusters", "flipped", "flips", "rates", "rates_from_counts",
    "rows",
]  # fmt: skip

CHANGE = (
    "from_iteration", "difference", "low", "high", "test", "p", "q", "newly_wrong", "newly_right",
    "p_exact", "paired", "shared", "rate_before", "rate_now",
)  # fmt: skip
"""Keys of a row's change; in the flat frame each is prefixed `change_`."""


def rates(answers: Any, tau: float = 0.8, compare_to: int | None = None) -> pl.DataFrame:
    """Rates by loop, iteration and origin: the total, then each topic, then each category.

    Args:
        answers: a frame of any library with loop (or run_id), iteration (or step), question_id,
            grade; where there topic, origin, confidence, knowledge, sample_id, entity_id,
            malformed, question.
        tau: confidence from which a wrong answer is a confident hallucination.
        compare_to: iteration to compare with; None = each with the one before.

    Returns:
        The frame of `rates_from_counts`; the first column is `run` where answers name runs.
    """
    answers = polars_frame(answers)
    found = rates_from_counts(
        count(answers, tau), flips(answers, compare_to), clusters(answers),
        calibration(cells(answers)),
        compare_to, tau, flip_clusters(answers, compare_to),
    )  # fmt: skip
    return found if "loop" in answers.columns else found.rename({"loop": "run"})


def rates_from_counts(
    counts: pl.DataFrame,
    flips: pl.DataFrame,
    clusters: pl.DataFrame | None = None,
    calibrated: pl.DataFrame | None = None,
    compare_to: int | None = None,
    tau: float = 0.8,
    changed_entities: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """As `rates`, from frames that were counted elsewhere.

    Args:
        counts: `counts.COUNTS`, of every iteration that is shown or compared with.
        flips: `pairs.FLIPS` for the same `compare_to`.
        clusters: `counts.CLUSTERS`; without it the clustered columns are null.
        calibrated: `level_rows.calibration` of `counts.CELLS`; without it ece, ece_null, auroc,
            brier are null.
        compare_to: as given to `flips`.
        tau: as given to `count`; only written beside the result.
        changed_entities: `pairs.FLIP_CLUSTERS` for the same `compare_to`; without it changes are
            tested as if no two questions were about one entity.

    Returns:
        One row a (loop, iteration, origin, level, topic, knowledge), in this order; n, correct,
        incorrect, not_attempted, ungraded, questions (counts); shares in [0, 1]: rate
        (incorrect / graded) with low, high (Wilson 95 %, method in `interval`), correct_rate,
        not_attempted_rate, rate_of_attempted (incorrect / attempted) with attempted_low,
        attempted_high, confident (incorrect with confidence >= tau / graded) with
        confident_low, confident_high, confident_of_confident (CH | confident), malformed_rate
        (incorrect and malformed / graded), confident_malformed_rate, f_score, penalised,
        mean_confidence; se_clustered, low_clustered, high_clustered, design_effect, clusters
        (over entities); shrunken, shrunken_low, shrunken_high, shrunken_effect (topics only);
        n_calibration, ece, ece_null, auroc, brier, bins; tau, measured, confidence_refused;
        `change_` and the names in CHANGE.

    With several answers a question, rates average within the question first, and n in the
    Wilson interval is the effective number of answers. Source: Miller 2024 (arXiv 2411.00640).
    """
    whole = levels(counts)
    columns = {
        name: whole[name].to_numpy().astype(np.float64) for name in whole.columns[len(ROW) :]
    }
    wrong, size = _effective(columns["incorrect_share"], columns["incorrect_squares"],
                             columns["questions"], columns["n"])  # fmt: skip
    sure, sure_size = _effective(columns["confident_share"], columns["confident_squares"],
                                 columns["measured_questions"], columns["measured"])  # fmt: skip
    some = columns["confidence_n"] > 0
    sure = np.where(some, sure, np.nan)
    right = _over(columns["correct_share"], columns["questions"])
    silent = np.where(columns["not_attempted"] > 0, np.maximum(1 - right - wrong, 0), 0 * right)
    attempted = size * (wrong + right)
    low, high = wilson(wrong * size, size)
    attempted_low, attempted_high = wilson(wrong * size, attempted)
    sure_low, sure_high = wilson(sure * sure_size, sure_size)
    single = columns["questions"] == columns["n"]
    table = whole.select(*ROW, "n", "correct", "incorrect", "not_attempted", "ungraded",
                         "questions", "measured", "confidence_refused").with_columns(
        rate=wrong, low=low, high=high,
        interval=pl.Series(
            np.where(single, "Wilson", "Wilson, questions averaged"), dtype=pl.String),
        correct_rate=right, not_attempted_rate=silent,
        rate_of_attempted=_over(wrong, wrong + right),
        attempted_low=attempted_low, attempted_high=attempted_high,
        confident=sure, confident_low=sure_low, confident_high=sure_high,
        confident_of_confident=_over(columns["confident_incorrect"], columns["confident"]),
        malformed_rate=_over(columns["malformed"], columns["n"]),
        confident_malformed_rate=np.where(
            some, _over(columns["confident_malformed"], columns["measured"]), np.nan),
        f_score=f_score(right, wrong, silent), penalised=penalised_score(right, wrong, silent),
        mean_confidence=_over(columns["confidence_sum"], columns["confidence_n"]),
        tau=pl.lit(tau), effective=size,
    )  # fmt: skip
    table = _clustered(table, clusters)
    table = table.join(_shrunken(table), on=list(ROW), how="left", nulls_equal=True)
    table = _calibrated(table, calibrated)
    table = change(table, levels(flips, ["from_iteration"]), compare_to, changed_entities)
    floats = pl.selectors.float()
    return in_order(table.drop("effective").with_columns(floats.fill_nan(None)))


def rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as `hallucination --json` prints them: `change` nested, null where there is none.

    Every column of the frame is kept; nothing in it is NaN.
    """
    rates = []
    for row in frame.iter_rows(named=True):
        nested = {key: row.pop(f"change_{key}") for key in CHANGE}
        rates.append({**row, "change": nested if nested["from_iteration"] is not None else None})
    return rates


def _over(top: FloatArray, bottom: FloatArray) -> FloatArray:
    return np.asarray(np.divide(top, bottom, out=np.full(len(bottom), np.nan), where=bottom > 0))


def _effective(
    total: FloatArray, squares: FloatArray, questions: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean over questions, and the answers that a binomial of the same variance would have."""
    p = _over(total, questions)
    spread = (squares - questions * p**2) / np.maximum(questions - 1, 1) / np.maximum(questions, 1)
    size = np.where(spread > 1e-15, _over(p * (1 - p), np.maximum(spread, 1e-15)), n)
    size = np.where((p <= 0) | (p >= 1) | (questions < 2), questions, size)
    size = np.clip(size, questions, np.maximum(n, questions))
    return p, np.where(questions == n, n, size)


def _clustered(table: pl.DataFrame, clusters: pl.DataFrame | None) -> pl.DataFrame:
    names = ("se_clustered", "low_clustered", "high_clustered", "design_effect")
    if clusters is None or clusters.is_empty():
        empty = [pl.lit(None, pl.Float64).alias(name) for name in names]
        return table.with_columns(pl.lit(None, pl.Int64).alias("clusters"), *empty)
    keys = [name for name in ROW if name != "level"]
    both = table.join(clusters, on=keys, how="left", nulls_equal=True)
    n, x, own, cross, squares = (
        both[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("n", "incorrect", "n_squares", "cross", "incorrect_squares")
    )
    p = _over(x, n)
    variance = np.maximum(_over(squares - 2 * p * cross + p**2 * own, n**2), 0)
    binomial = _over(p * (1 - p), n)
    # Nothing or everything wrong: no spread to see, so the entities are the sample.
    effect = np.where(binomial > 0, _over(variance, binomial), _over(own, n))
    low, high = by_entity_interval(p, n, variance, own)
    found = dict(zip(names, (np.sqrt(variance), low, high, effect), strict=True))
    return both.drop("n_squares", "cross", "incorrect_squares").with_columns(**found)


def _shrunken(table: pl.DataFrame) -> pl.DataFrame:
    found = []
    topics = table.filter(pl.col("level") == "topic", pl.col("n") > 0).sort(ROW)
    for _, part in topics.group_by("loop", "iteration", "origin", maintain_order=True):
        size = part["effective"].to_numpy()
        shrunken = shrink(part["rate"].to_numpy() * size, size)
        found.append(part.select(ROW).with_columns(
            shrunken=shrunken.rate, shrunken_low=shrunken.low, shrunken_high=shrunken.high,
            shrunken_effect=shrunken.effect,
        ))  # fmt: skip
    names = ("shrunken", "shrunken_low", "shrunken_high", "shrunken_effect")
    empty = topics.select(ROW).with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    return pl.concat(found) if found else empty.clear()


def _calibrated(table: pl.DataFrame, calibrated: pl.DataFrame | None) -> pl.DataFrame:
    names = ("ece", "ece_null", "auroc", "brier")
    bins = pl.lit(BINS, pl.Int64).alias("bins")
    if calibrated is None:
        empty = [pl.lit(None, pl.Float64).alias(name) for name in names]
        return table.with_columns(pl.lit(None, pl.Int64).alias("n_calibration"), *empty, bins)
    keys = [name for name in ROW if name != "level"]
    found = calibrated.select(*keys, "n_calibration", *names)
    return table.join(found, on=keys, how="left", nulls_equal=True).with_columns(bins)
