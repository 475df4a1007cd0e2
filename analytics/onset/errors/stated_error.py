"""The standard error that a log states for each gold measurement, directly or by its counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.onset.errors.paired import Paired
from analytics.onset.evidence.measurements import FloatArray, Rows
from analytics.wording import count

RATE_KINDS = ("rate", "win_rate")
_WIDEST_GAPS = 0.8
"""Share of rows that must state an error before the others borrow the median."""
_LEAST = 1e-6
"""An error below this share of the large ones counts as so much: weights beyond lose all digits."""


def percent_scale(gold: FloatArray) -> float:
    """100 where a rate is written in percent (some value above 1), else 1."""
    return 100.0 if len(gold) and float(np.max(gold)) > 1 else 1.0


class Stated(NamedTuple):
    """error: standard error of each row's gold, (rows,), None = nothing states it; phrase: where
    it comes from; by_prompt: whether it allows for several responses to one prompt."""

    error: FloatArray | None
    phrase: str = ""
    by_prompt: bool = False


def stated_error(
    rows: Rows, gold_kind: str, clustered: FloatArray | None = None, pairs: Paired | None = None
) -> Stated:
    """The standard error that the log states, directly or by its counts.

    In order: that of the same prompts at every evaluation (``pairs``); the logged standard error;
    ``clustered``, that of `clustered_error`, shape (rows,), where it is known; the
    logged spread over the number of prompts, which is right where responses
    to one prompt are alike and else too large, or of responses where nobody logged the prompts;
    for a rate the binomial error, of prompts or responses too, with the centre moved to
    (x + 2) / (n + 4), so that it is not 0 at 0 or 1 (Agresti and Coull 1998). A rate's number of
    questions is never guessed from its digits.
    """
    same = pairs.error(len(rows)) if pairs is not None else None
    if pairs is not None and same is not None:
        asked = count(pairs.prompts, "prompt")
        return Stated(same, f"from how the same {asked} move between evaluations", True)
    prompts = None if rows.n_prompts is None else _filled(rows.n_prompts)
    direct = _filled(rows.gold_se)
    if direct is not None:
        return Stated(direct, "as the log states it", prompts is not None)
    if clustered is not None and (filled := _filled(clustered)) is not None:
        return Stated(filled, "from the spread between prompts of each evaluation", True)
    counts = rows.n_responses if prompts is None else prompts
    named = "responses" if prompts is None else "prompts"
    within = _filled(rows.gold_sd / np.sqrt(np.where(counts > 0, counts, np.nan)))
    if within is not None:
        phrase = "from the spread between the responses of each evaluation"
        if prompts is not None:
            phrase += ", over the number of prompts, an upper bound"
        return Stated(within, phrase, prompts is not None)
    if gold_kind in RATE_KINDS and len(rows) and np.all(np.isfinite(counts) & (counts > 0)):
        scale = percent_scale(rows.gold)
        share = np.clip(rows.gold / scale, 0, 1)
        phrase = f"binomial, from the number of {named}"
        return Stated(scale * binomial_error(share, counts), phrase, prompts is not None)
    return Stated(None)


def binomial_error(share: FloatArray, n: FloatArray) -> FloatArray:
    """sqrt(p (1 - p) / n) at p = (n share + 2) / (n + 4): never 0. Source: Agresti, Coull 1998.

    >>> binomial_error(np.array([0.0]), np.array([96.0])).round(4).tolist()
    [0.0143]
    """
    centre = (share * n + 2) / (n + 4)
    return np.asarray(np.sqrt(centre * (1 - centre) / n))


def _filled(error: FloatArray) -> FloatArray | None:
    usable = np.isfinite(error) & (error > 0)
    if len(error) == 0 or usable.mean() < _WIDEST_GAPS:
        return None
    filled = np.where(usable, error, float(np.median(error[usable])))
    least = _LEAST * float(np.quantile(filled, 0.9, method="lower"))
    return np.asarray(np.maximum(filled, least))
