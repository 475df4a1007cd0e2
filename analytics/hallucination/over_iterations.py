"""How rates move over all iterations of a loop, as sentences: trends, and an e-process."""

from __future__ import annotations

import numpy as np
import polars as pl

from analytics.hallucination.trend import (
    cochran_armitage,
    rise_on_same_questions,
    scatter_trend,
)
from analytics.hallucination.words import origin_words
from analytics.wording import count, fixed, number, p_value, rate_text, whole

ALPHA = 0.05
FEWEST = 3
"""Iterations below which a trend is not spoken of."""


def trend_sentences(totals: pl.DataFrame) -> list[str]:
    """Trends of wrong and confidently wrong answers, and whether a rise was seen in time.

    The trend is tested against the scatter of the iterations themselves, each of which is a
    training of its own; where counting noise alone would have shown one, that is said too. The
    e-process bets on newly wrong against newly right answers, each
    iteration against the one before; it may be looked at every time.

    Args:
        totals: rows of `rates` of one loop and origin, level "total", each compared with the
            iteration before (compare_to=None).
    """
    rows = totals.filter(pl.col("n") > 0).sort("iteration")
    if rows.height == 0:
        return []
    where = origin_words(rows["origin"][0])
    if rows.height < FEWEST:
        return [f"{count(rows.height, 'iteration')} of answers on {where}: too few for a trend."]
    first, last = rows["iteration"][0], rows["iteration"][-1]
    sentences = [
        f"Over iterations {whole(first)} to {whole(last)}, wrong answers on {where} "
        + _trend(rows, "rate", "n")
        + "."
    ]
    if rows["confident"].count() >= FEWEST:
        sure = rows.drop_nulls("confident")
        sentences.append(
            f"Wrong ones with confidence of at least {number(rows['tau'][0])} "
            + _trend(sure, "confident", "measured") + "."
        )  # fmt: skip
        if sure["confident"][-1] > sure["confident"][0]:
            sentences += _mean_confidence(sure)
    paired = rows.filter(pl.col("change_paired").fill_null(False))
    if paired.height >= FEWEST - 1:
        sentences.append(_evidence(paired, where))
    return sentences


def _trend(rows: pl.DataFrame, share: str, weight: str) -> str:
    n = rows[weight].to_numpy().astype(np.float64)
    rates, at = rows[share].to_numpy(), rows["iteration"].to_numpy().astype(np.float64)
    trend = scatter_trend(rates, n, at)
    ends = f"{rate_text(rows[share][0])} to {rate_text(rows[share][-1])}"
    if np.isnan(trend.t):
        return f"show no change to test ({ends})"
    test = f"t over iterations, {count(trend.freedom, 'degree')} of freedom, {p_value(trend.p)}"
    if trend.p <= ALPHA:
        how = "rise" if trend.slope > 0 else "fall"
        return f"{how} by {number(abs(100 * trend.slope))} points an iteration ({ends}; {test})"
    finding = f"show no trend beyond the scatter of retrained iterations ({ends}; {test}"
    counted = cochran_armitage(rates * n, n, at)
    if counted.p <= ALPHA:
        finding += f"; counting noise alone would give {p_value(counted.p)}"
    return f"{finding})"


def _mean_confidence(sure: pl.DataFrame) -> list[str]:
    """Said where it misleads: the mean falls while confident errors become more."""
    start, end = sure["mean_confidence"][0], sure["mean_confidence"][-1]
    if end >= start - 0.01:
        return []
    return [
        f"Mean confidence fell from {fixed(start, 2)} to {fixed(end, 2)} meanwhile: alone it would "
        "have shown the opposite."
    ]


def _evidence(paired: pl.DataFrame, where: str) -> str:
    found = rise_on_same_questions(
        paired["change_newly_wrong"].to_numpy(), paired["change_newly_right"].to_numpy(), ALPHA
    )
    if found.alarm is None:
        return (
            f"An e-process that may be looked at after every iteration has seen no rise on {where} "
            f"so far (anytime-valid {p_value(float(found.p[-1]))})."
        )
    return (
        f"An e-process that may be looked at after every iteration first saw a rise on {where} at "
        f"iteration {whole(paired['iteration'][found.alarm])} (it errs in at most 5 % of loops "
        "where retraining itself adds no noise)."
    )
