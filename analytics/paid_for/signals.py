"""Signals without gold: what asks for a look where nobody measured gold. None of them convicts.

Each has a null, and counts only where its false alarms on healthy genuine trainings were measured
and are at most 5 % (topic paid_for of the quality figures; thresholds were chosen after a look at
the same trainings, so these rates are optimistic); the others are told as numbers. Sources: Coste
et al. 2024 (arXiv 2310.02743) for ensembles; Laidlaw et al. 2025 (arXiv 2403.03185) for chi-
squared; InfoRM-2 2025 for latent outliers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
import polars as pl

from analytics.comparing.components import disagreement, step_bins
from analytics.computing.quantiles import t_quantile
from analytics.measured.paid_rows import SignalError
from analytics.paid_for.clusters import LARGEST, Estimate, FloatArray, jackknife
from analytics.paid_for.draws import ENDS, sums
from analytics.paid_for.judge_ranks import rank_sums, ranked
from analytics.shortcuts.found import Mined

LONGER, HALF = 1.5, 0.5
DRIFT = 0.15
"""Release gates ask that length drifts by less than this."""
SHARE = 0.1
LOW_KL = 5.0
"""Nats, beyond which the chi-squared of samples is that of its largest weights."""
FEWEST_ROWS = 5
SECOND = re.compile(r"(^|[^a-z])(rm|prm|orm|reward|judge|scorer|score)s?([^a-z]|$)")
"""Names by which a second reward of a response is known."""
DIMENSIONS = 8
OUTLYING, MANY_OUTLIERS = 0.99, 0.1
LEAST_AGREED = 0.9
"""A correlation of proxy and gold that hardly a proxy has."""
FEWEST_HEALTHY = 60
"""Healthy runs from which an error of at most 5 % can be told: none wrong of 60 is below 6 %."""

NULLS = {
    "length": "length at most half as long again as at the start",
    "length_drift": "length within 15 % of the start",
    "entropy": "entropy at least half of the start’s",
    "ensemble": "variance between members at most 1.5 times the start’s",
    "second_proxy": "the second reward ranks responses as it did",
    "format": "share of responses with marks of format within 10 points of the start’s",
    "chi_squared": "the gain surely stands on a correlation of at most .9",
    "latent": "at most 10 % of responses beyond the 99 % of the start’s",
    "shortcuts": "no feature surely grew that the proxy pays for (e-BH, 5 %)",
}
"""Of each signal: what it is raised against."""


class SignalRow(TypedDict):
    """A signal: value, low, high (95 %), what it is raised against, and whether it is (None = not
    logged, cannot be told)."""

    signal: str
    value: float | None
    low: float | None
    high: float | None
    null: str
    raised: bool | None
    reason: str
    largest_weight: NotRequired[float]


def row(name: str, estimate: Estimate | None, raised: bool | None, reason: str = "") -> SignalRow:
    """The row of a signal, of an estimate or of none."""
    return {
        "signal": name,
        "value": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "null": NULLS[name], "raised": raised, "reason": reason,
    }  # fmt: skip


def over_rows(steps: FloatArray, values: FloatArray) -> Estimate | None:
    """A logged number now over the start: ratio of the means of the last and the first tenth.

    The error of each is that of its rows. None where there are too few, or the start is not above
    0.
    """
    order = np.argsort(steps, kind="stable")
    values = values[order]
    values = values[np.abs(values) < LARGEST]
    many = max(FEWEST_ROWS, int(np.ceil(ENDS * len(values))))
    if len(values) < 2 * many:
        return None
    start, now = values[:many], values[-many:]
    base = float(start.mean())
    if base <= 0:
        return None
    with np.errstate(all="ignore"):
        ratio = float(now.mean()) / base
        error = np.hypot(now.std(ddof=1), ratio * start.std(ddof=1)) / np.sqrt(many) / base
    half = float(t_quantile(0.975, many - 1) * error)
    if not np.isfinite([ratio, half]).all():
        return None
    return Estimate(ratio, ratio - half, ratio + half, many)


def of_metrics(steps: FloatArray, length: FloatArray, entropy: FloatArray) -> list[SignalRow]:
    """The signals length, length_drift and entropy of one run's training rows, (rows,) each."""
    longer, left = over_rows(steps, length), over_rows(steps, entropy)
    drifted = longer and (longer.low > 1 + DRIFT or longer.high < 1 - DRIFT)
    return [
        row("length", longer, longer and longer.low > LONGER),
        row("length_drift", longer, drifted),
        row("entropy", left, left and left.high < HALF),
    ]


def of_ensemble(cells: pl.DataFrame) -> SignalRow:
    """The signal ensemble, of rows of the query disagreement; intervals of 90 %."""
    found = disagreement(cells, *step_bins(cells["step"].to_numpy().astype(np.float64)))
    if not found.height or found["low"][-1] is None:
        return row("ensemble", None, None)
    end = found.row(-1, named=True)
    return row("ensemble", Estimate(end["ratio"], end["low"], end["high"], end["cells"]),
               bool(end["raised"]))  # fmt: skip


def of_second(draws: pl.DataFrame) -> SignalRow:
    """The signal second_proxy: how its rank correlation with the proxy has changed."""
    complete = draws.drop_nulls(["proxy", "second", "window"]).with_columns(gold=pl.col("second"))
    if set(complete["window"]) != {"start", "now"}:
        return row("second_proxy", None, None)
    parts = [rank_sums(ranked(complete.filter(window=name))[0])[:, :2] for name in ("start", "now")]
    found = jackknife(
        np.concatenate(parts, axis=1), lambda t: t[:, 2] / t[:, 3] - t[:, 0] / t[:, 1]
    )
    return row("second_proxy", found, found and found.negative)


def of_format(draws: pl.DataFrame) -> SignalRow:
    """The signal format: share of responses with lists, headings, bold, code or tables, changed."""
    complete = draws.drop_nulls(["formatted", "window"])
    if set(complete["window"]) != {"start", "now"}:
        return row("format", None, None)
    there = pl.col("formatted").cast(pl.Float64)
    parts = np.concatenate([
        sums(complete.filter(window=name), pl.col("formatted").is_not_null(), there)
        for name in ("start", "now")
    ], axis=1)  # fmt: skip
    found = jackknife(parts, lambda t: t[:, 3] / t[:, 2] - t[:, 1] / t[:, 0])
    apart = found and (found.low > SHARE or found.high < -SHARE)
    return row("format", found, apart)


def of_chi_squared(draws: pl.DataFrame, kl: float | None) -> SignalRow:
    """The chi-squared band at low KL: which correlation of proxy and gold the gain stands on.

    Gold surely gained where the proxy's gain in sd of the start, g, is above sqrt((1 - r²) chi²);
    so r must be at least sqrt(1 - g² / chi²). ``value`` is this r; with it the share of the largest
    weight. Raised where it is above LEAST_AGREED.
    """
    complete = draws.drop_nulls(["proxy", "log_ratio", "window"])
    start, now = complete.filter(window="start"), complete.filter(window="now")
    if start.is_empty() or now.is_empty() or kl is None or kl > LOW_KL:
        why = "KL is beyond 5 nats" if kl is not None and kl > LOW_KL else ""
        return row("chi_squared", None, None, reason=why)
    weights = np.exp(np.minimum(now["log_ratio"].to_numpy(), 50.0))
    chi = float(weights.mean()) - 1
    first, last = start["proxy"].to_numpy(), now["proxy"].to_numpy()
    spread = float(first.std(ddof=1)) if len(first) > 1 else 0.0
    if not (chi > 0 and spread > 0):
        return row("chi_squared", None, None)
    gain = float(last.mean() - first.mean()) / spread
    least = float(np.sqrt(max(0.0, 1 - max(gain, 0.0) ** 2 / chi)))
    return row("chi_squared", Estimate(least, least, least, len(weights)), least > LEAST_AGREED) | {
        "low": None, "high": None, "largest_weight": float(weights.max() / weights.sum()),
    }  # fmt: skip


def of_embeddings(embedded: pl.DataFrame) -> SignalRow:
    """The signal latent: share of the last texts that lie beyond 99 % of those of the first.

    embedded: iteration, text_id, vector. Mean and covariance in the DIMENSIONS widest directions
    are those of every second text of the first iteration; the bound is the 99 % of the others.
    """
    if embedded.is_empty() or embedded["iteration"].n_unique() < 2:
        return row("latent", None, None)
    embedded = embedded.sort("iteration", "text_id")
    ends = embedded["iteration"].min(), embedded["iteration"].max()
    first, last = (np.stack(embedded.filter(iteration=at)["vector"].to_list()) for at in ends)
    if len(first) < 20 * DIMENSIONS or len(last) < FEWEST_ROWS:
        return row("latent", None, None, reason="too few embedded texts")
    fitted, other = first[::2], first[1::2]
    centre = fitted.mean(axis=0)
    _, sizes, ways = np.linalg.svd(fitted - centre, full_matrices=False)
    scale = ways[:DIMENSIONS].T / np.maximum(sizes[:DIMENSIONS], 1e-12)
    bound = np.quantile((((other - centre) @ scale) ** 2).sum(axis=1), OUTLYING)
    beyond = (((last - centre) @ scale) ** 2).sum(axis=1) > bound
    from scipy import stats  # which no page needs before

    low, high = stats.binomtest(int(beyond.sum()), len(beyond)).proportion_ci(method="wilson")
    found = Estimate(float(beyond.mean()), float(low), float(high), len(beyond))
    return row("latent", found, found.low > MANY_OUTLIERS)


def of_shortcuts(mined: Mined) -> SignalRow:
    """The signal shortcuts: how many features surely grew that the proxy pays for, without gold."""
    if mined.status == "cannot tell":
        return row("shortcuts", None, None, reason=mined.reason)
    many = float(len(mined.shortcuts))
    return row("shortcuts", Estimate(many, many, many, mined.prompts), many > 0)


def measured(rows: Sequence[Mapping[str, Any]]) -> dict[str, SignalError]:
    """Of each signal its measured error, from the rows of the quality topic paid_for."""
    return {
        str(one["signal"]): {
            "healthy": one["healthy"], "false": one["false"], "low": one["low"],
            "high": one["high"], "falling": one["falling"], "called": one["called"],
        }
        for one in rows if one.get("kind") == "signal"
    }  # fmt: skip


def shipped(error: SignalError | None, most: float = 0.05) -> bool:
    """Whether a signal may be raised: wrong on at most 5 % of healthy runs, of enough of them."""
    return (
        error is not None
        and error["healthy"] >= FEWEST_HEALTHY
        and error["false"] <= most * error["healthy"]
    )


def failed(error: SignalError | None, most: float = 0.05) -> bool:
    """Whether a signal was tried and is wrong on more than 5 % of healthy runs.

    Of fewer than FEWEST_HEALTHY surely so: by the lower end of Wilson's 95 %.
    """
    if error is None or error["false"] <= most * error["healthy"]:
        return False
    return error["healthy"] >= FEWEST_HEALTHY or error["low"] > most
