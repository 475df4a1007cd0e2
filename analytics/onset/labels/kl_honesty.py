"""What speaks against a logged KL: other estimates of it, its unit, its size, its spikes.

Every check needs two witnesses and names both. Source: Schulman 2020, "Approximating KL
Divergence"; Donsker and Varadhan 1975 (size); docs/methods.md (KL honesty).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.onset.evidence.measurements import LARGEST

FloatArray = NDArray[np.float64]

LIMIT = 3.0
"""Standard errors beyond which two estimates disagree."""
LEAST_OFF = 0.05
"""Relative difference below which a disagreement does not matter, however sure it is."""
SAME = 0.02
"""Relative spread of a ratio that is one number in every row."""
SPIKE = 5.0
"""A row's KL over the median of its neighbours."""
LEAST_SPIKE = 1.0
"""Nats that a spike must stand above its neighbours."""
NEIGHBOURS = 4
FEWEST_ROWS = 20
SLACK = 1.5
"""Above the Gaussian bound on the proxy's gain: rewards are not quite Gaussian."""
ENDS = 8
"""Rows whose mean stands for the start, and for the end, of a run."""

UMBRELLA = {
    "kl_in_bits": "kl_unit_unknown",
    "kl_per_token": "kl_unit_unknown",
    "kl_estimators_disagree": "kl_estimator_unreliable",
    "kl_spikes": "kl_estimator_unreliable",
}
"""The specific flags, each with the general one that it raises as well."""


class OffResponses(NamedTuple):
    """The logged KL over `steps` is ratio (± error) times k1 of the responses, `apart` standard
    errors away from it; bits: which of the two may be in them; length: of responses, tokens, where
    the ratio is that of tokens."""

    steps: int
    ratio: float
    error: float
    apart: float
    bits: Literal["logged", "log-probabilities"] | None = None
    length: float | None = None


class OffFurther(NamedTuple):
    """Another logged KL, `key`, is `times` the logged one in `rows` rows; bits: which is."""

    key: str
    times: float
    rows: int
    bits: Literal["logged", "further"]


class TooSmall(NamedTuple):
    """The proxy's gain, standard deviations of its start; mean KL at the end; the gain that is
    possible with it; per_token: whether a KL per token explains it."""

    gain: float
    kl: float
    reach: float
    per_token: bool


class Spikes(NamedTuple):
    """`spiking` of `rows` rows; the highest, at `step`, and its neighbours' KL, nats."""

    estimator: str | None
    spiking: int
    rows: int
    step: int
    highest: float
    usual: float


class Doubt(NamedTuple):
    """One thing that speaks against the logged KL: its flag (a key of UMBRELLA), and why."""

    flag: str
    seen: OffResponses | OffFurther | TooSmall | Spikes


def doubts(
    trajectory: pl.DataFrame,
    samples: pl.DataFrame | None,
    further: pl.DataFrame | None,
    facts: Mapping[str, Any],
) -> list[Doubt]:
    """Everything that speaks against the KL of one run, at most one doubt of each flag.

    trajectory: step, kl (nats per response), and where logged proxy_reward, proxy_reward_sd,
    response_length. samples: step, n, k1, k1_sd of responses. further: step, key, value of other
    logged KLs. facts: kl_estimator, kl_logged_unit, kl_key.
    """
    trajectory = _numbers(trajectory)
    rows = trajectory.filter(pl.col("kl").cast(pl.Float64, strict=False).is_finite())
    if rows.is_empty():
        return []
    found = [
        against_samples(rows, _numbers(samples)) if samples is not None else None,
        against_further(rows, _numbers(further)) if further is not None else None,
        against_gain(rows, facts),
        spikes(rows, facts),
    ]
    first: dict[str, Doubt] = {}
    for doubt in found:
        if doubt is not None:
            first.setdefault(doubt.flag, doubt)
    return list(first.values())


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with what is no number, or one whose square is none, as missing."""
    numbers = pl.selectors.float()
    return frame.with_columns(pl.when(numbers.abs() <= LARGEST).then(numbers).name.keep())


def against_samples(rows: pl.DataFrame, samples: pl.DataFrame) -> Doubt | None:
    """The logged KL against k1 of the responses' log-probabilities at the same steps."""
    both = rows.join(
        samples.filter((pl.col("n") > 1) & (pl.col("k1_sd") > 0)), on="step", how="inner"
    )
    if both.is_empty():
        return None
    kl, k1 = (both[name].cast(pl.Float64).to_numpy() for name in ("kl", "k1"))
    se = (both["k1_sd"] / both["n"].sqrt()).to_numpy()
    total, error = float(np.sum(k1)), float(np.sqrt(np.sum(se**2)))
    off = float(np.sum(kl)) - total
    if abs(off) <= LIMIT * error or abs(off) <= LEAST_OFF * abs(total) or total <= 0:
        return None
    ratio, ratio_se = float(np.sum(kl)) / total, float(np.sum(kl)) / total * error / total
    seen = OffResponses(both.height, ratio, ratio_se, abs(off) / error)
    if _is(ratio, ratio_se, 1 / np.log(2)):
        return Doubt("kl_in_bits", seen._replace(bits="logged"))
    if _is(ratio, ratio_se, np.log(2)):
        return Doubt("kl_in_bits", seen._replace(bits="log-probabilities"))
    length = _length(both)
    if length is not None:
        for factor in (1 / length, length):
            if _is(ratio, max(ratio_se, 0.05 * factor), factor):
                return Doubt("kl_per_token", seen._replace(length=length))
    return Doubt("kl_estimators_disagree", seen)


def against_further(rows: pl.DataFrame, further: pl.DataFrame) -> Doubt | None:
    """Another logged KL that stands to this one as bits to nats in every row."""
    for (key,), part in further.group_by("key", maintain_order=True):
        both = rows.join(part, on="step", how="inner").filter(
            (pl.col("kl").abs() > 1e-9) & (pl.col("value").abs() > 1e-9)
        )
        if both.height < ENDS:
            continue
        ratio = (both["value"] / both["kl"]).to_numpy()
        middle = float(np.median(ratio))
        units: tuple[tuple[float, Literal["further", "logged"]], ...]
        units = (1 / np.log(2), "further"), (np.log(2), "logged")
        for factor, bits in units:
            same = float(np.mean(np.abs(ratio / factor - 1) < SAME))
            if abs(middle / factor - 1) < SAME and same > 0.9:
                return Doubt("kl_in_bits", OffFurther(str(key), middle, both.height, bits))
    return None


def against_gain(rows: pl.DataFrame, facts: Mapping[str, Any]) -> Doubt | None:
    """A KL too small for what the proxy gained: gain / sd <= sqrt(2 KL) for Gaussian rewards.

    Both ends of the run are off the initial policy, so the bounds of both are added. Rewards
    between 0 and 1 take half their range for the sd, which holds for every distribution. Source:
    Donsker and Varadhan 1975; Boucheron, Lugosi, Massart 2013, section 4.9.
    """
    if not {"proxy_reward", "proxy_reward_sd"} <= set(rows.columns) or rows.height < FEWEST_ROWS:
        return None
    kl, proxy, sd = (
        rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("kl", "proxy_reward", "proxy_reward_sd")
    )
    if not np.all(np.isfinite(proxy)) or not np.all(np.isfinite(sd[:ENDS])) or np.any(kl < 0):
        return None
    at_start = float(np.sqrt(np.mean(sd[:ENDS] ** 2)))
    if np.all((proxy >= 0) & (proxy <= 1)):
        at_start = max(at_start, 0.5)
    gain = float(np.mean(proxy[-ENDS:]) - np.mean(proxy[:ENDS]))
    reach = float(np.sqrt(2 * np.mean(kl[-ENDS:])) + np.sqrt(2 * np.mean(kl[:ENDS])))
    if at_start <= 0 or gain <= SLACK * at_start * reach:
        return None
    length = _length(rows.tail(ENDS))
    enough = length is not None and gain <= SLACK * at_start * reach * np.sqrt(length)
    per_token = bool(enough) and facts.get("kl_logged_unit") != "nats/token"
    seen = TooSmall(gain / at_start, float(np.mean(kl[-ENDS:])), reach, per_token)
    return Doubt("kl_per_token" if per_token else "kl_estimators_disagree", seen)


def spikes(rows: pl.DataFrame, facts: Mapping[str, Any]) -> Doubt | None:
    """Single rows far above their neighbours, as a heavy-tailed estimate makes."""
    kl = rows.sort("step")["kl"].cast(pl.Float64).to_numpy()
    if len(kl) < FEWEST_ROWS:
        return None
    # mirrored at the ends: repeating the end value would hide a spike there
    padded = np.pad(kl, NEIGHBOURS, mode="reflect")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1), axis=1)
    high = (kl > SPIKE * around) & (kl > around + LEAST_SPIKE)
    if not high.any():
        return None
    worst = int(np.argmax(np.where(high, kl - around, -np.inf)))
    step = rows.sort("step")["step"][worst]
    seen = Spikes(
        facts.get("kl_estimator"), int(high.sum()), len(kl), int(step), float(kl[worst]),
        float(around[worst]),
    )  # fmt: skip
    return Doubt("kl_spikes", seen)


def _is(ratio: float, error: float, factor: float) -> bool:
    """Whether a ratio is a factor within its error, and is not also 1 within it."""
    return abs(ratio - factor) <= max(LIMIT * error, SAME * factor) and abs(ratio - 1) > max(
        LIMIT * error, LEAST_OFF
    )


def _length(rows: pl.DataFrame) -> float | None:
    """Mean response length in tokens; None where it was not logged or is of no use."""
    if "response_length" not in rows.columns:
        return None
    known = rows["response_length"].cast(pl.Float64).drop_nulls()
    mean = float(known.mean()) if known.len() else 0.0  # type: ignore[arg-type]
    return mean if mean > 2 else None
