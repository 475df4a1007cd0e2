"""The standard error that a log states for each gold measurement, directly or by its counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.onset.measurements import FloatArray, Rows

RATE_KINDS = ("rate", "win_rate")
_MOST_QUESTIONS = 5_000
_WIDEST_GAPS = 0.8
"""Share of rows that must state an error before the others borrow the median."""


def percent_scale(gold: FloatArray) -> float:
    """100 where a rate is written in percent (some value above 1), else 1."""
    return 100.0 if len(gold) and float(np.max(gold)) > 1 else 1.0


def stated_error(
    rows: Rows, gold_kind: str, clustered: FloatArray | None = None
) -> tuple[FloatArray | None, str]:
    """Standard error of each row's gold, shape (rows,), and a phrase for where it comes from.

    In order: the logged standard error; ``clustered``, that of `clustered_error`, shape (rows,),
    where it is known; sd / sqrt(n); for a rate the binomial error with the
    centre moved to (x + 2) / (n + 4), so that it is not 0 at 0 or 1 (Agresti and Coull 1998).
    Where the number of prompts is known it stands for n: responses to one prompt go together, and
    m to each prompt have at most m times the variance of independent ones (Kish 1965).
    A rate without n takes the smallest n of which every value is a whole multiple. None where
    nothing of this is there.
    """
    direct = _filled(rows.gold_se)
    if direct is not None:
        return direct, "as the log states it"
    if clustered is not None and (filled := _filled(clustered)) is not None:
        return filled, "from the spread between prompts of each evaluation"
    n, counted = _independent(rows)
    within = _filled(rows.gold_sd / np.sqrt(np.where(n > 0, n, np.nan)))
    if within is not None:
        bound = "" if counted == "responses" else f", over the number of {counted}, an upper bound"
        return within, f"from the spread between the responses of each evaluation{bound}"
    if gold_kind in RATE_KINDS and len(rows):
        scale = percent_scale(rows.gold)
        share = np.clip(rows.gold / scale, 0, 1)
        if np.all(np.isfinite(n)) and np.all(n > 0):
            return scale * binomial_error(share, n), f"binomial, from the number of {counted}"
        whole = questions_behind(share.tolist())
        if whole is not None:
            counts = np.full(len(share), float(whole))
            phrase = f"binomial for {whole} questions, the fewest that give exactly these rates"
            return scale * binomial_error(share, counts), phrase
    return None, ""


def _independent(rows: Rows) -> tuple[FloatArray, str]:
    """How many independent responses each row has at least, and what was counted."""
    if rows.n_prompts is not None and np.all(rows.n_prompts > 0):
        return rows.n_prompts, "prompts"
    return rows.n_responses, "responses"


def binomial_error(share: FloatArray, n: FloatArray) -> FloatArray:
    """sqrt(p (1 - p) / n) at p = (n share + 2) / (n + 4): never 0. Source: Agresti, Coull 1998.

    >>> binomial_error(np.array([0.0]), np.array([96.0])).round(4).tolist()
    [0.0143]
    """
    centre = (share * n + 2) / (n + 4)
    return np.asarray(np.sqrt(centre * (1 - centre) / n))


def questions_behind(shares: Sequence[float]) -> int | None:
    """The smallest n of which every share is a whole multiple, None where that tells nothing.

    At least two distinct shares between 0 and 1 are needed. Rates rounded to r decimals are all
    multiples of 10^-r, so the answer can be too small, which makes the error too large: the safe
    side.

    >>> questions_behind([0.508, 0.562, 0.548, 0.458, 0.322, 0.35])
    500
    """
    distinct = sorted({round(share, 9) for share in shares if 0 < share < 1})
    if len(distinct) < 2:
        return None
    values = np.array(distinct)
    for n in range(2, _MOST_QUESTIONS + 1):
        multiples = values * n
        if np.all(np.abs(multiples - np.round(multiples)) < 1e-6 * n):
            return n
    return None


def _filled(error: FloatArray) -> FloatArray | None:
    usable = np.isfinite(error) & (error > 0)
    if len(error) == 0 or usable.mean() < _WIDEST_GAPS:
        return None
    return np.where(usable, error, float(np.median(error[usable])))
