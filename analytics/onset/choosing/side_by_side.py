"""The saved checkpoints around the peak side by side, each against the end of the run.

A comparison is by pairs where both evaluations ask the same prompts: how hard a prompt is cancels.
All intervals hold together (Bonferroni), because the best of them is what is looked at. Source:
Miller 2024 (arXiv 2411.00640), paired differences; docs/methods.md (Candidates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from analytics.computing.quantiles import normal_quantile, t_quantile
from analytics.onset.choosing.candidates import measured
from analytics.onset.errors.prompt_clusters import FEWEST_CLUSTERS
from analytics.onset.evidence.measurements import FloatArray

LEVEL = 0.90
"""Of all intervals of a table together."""
MOST = 5
POWER_Z = 0.842
"""Quantile by which a further measurement sees the difference in 80 % of cases."""
MOST_TIMES = 100
"""More than so many times the responses that are there are not asked for."""


class Against(NamedTuple):
    """A checkpoint's gold minus the end's: its interval and what follows from it.

    prompts: shared ones, None = compared without pairs. decision: promote, reject or undecided.
    more: further responses of each of the two that would probably decide; None = not known, or
    beyond all reason. counted: whether the log says how many responses there were.
    """

    value: float
    low: float
    high: float
    prompts: int | None
    decision: str
    more: int | None
    counted: bool = True


@dataclass(frozen=True)
class Row:
    """A saved checkpoint. gold: value, low, high; proxy_cost, steps: what going back gives up;
    own: whether it has an evaluation of its own."""

    step: int
    kl: float | None
    gold: tuple[float, float, float]
    own: bool
    against: Against
    proxy_cost: float | None
    steps: int


def side_by_side(
    looks: pl.DataFrame, saved: Sequence[int], peak_step: float, prompts: pl.DataFrame,
    chosen: int | None = None,
) -> list[Row]:  # fmt: skip
    """The saved checkpoints nearest to the peak, in the order of their steps.

    Args:
        looks: of a verdict, its last stretch counts: step, kl, gold_reward, gold_se, proxy_reward,
            n_responses.
        saved: steps of saved checkpoints.
        peak_step: step of the peak.
        prompts: step, prompt_id, gold_n, gold_reward: means of responses, as far as logged.
        chosen: a checkpoint that is shown in any case.

    Returns:
        at most five rows; none where no checkpoint lies between two evaluations.
    """
    known = looks.filter(
        (pl.col("stretch") == looks["stretch"].max()) & pl.col("gold_reward").is_finite()
        & pl.col("gold_se").is_finite()
    ).sort("step")  # fmt: skip
    steps = known["step"].cast(pl.Float64).to_numpy()
    usable = measured(saved, steps) if known.height > 1 else []
    nearest = sorted(usable, key=lambda step: (step != chosen, abs(step - peak_step), step))[:MOST]
    if not nearest:
        return []
    around = _Around(
        known, steps, prompts, float(normal_quantile(1 - (1 - LEVEL) / 4 / len(nearest)))
    )
    return [around.row(step, len(nearest)) for step in sorted(nearest)]


class _Around:
    """The evaluations, and the quantile of the intervals of all checkpoints' gold and gains."""

    def __init__(
        self, looks: pl.DataFrame, steps: FloatArray, prompts: pl.DataFrame, z: float
    ) -> None:
        self.steps, self.prompts, self.z = steps, prompts, z
        self.gold, self.se, self.kl, self.proxy, self.n = (
            looks[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in ("gold_reward", "gold_se", "kl", "proxy_reward", "n_responses")
        )

    def row(self, step: int, among: int) -> Row:
        after = int(np.searchsorted(self.steps, step))
        own = bool(self.steps[after] == step)
        around = [after] if own else [after - 1, after]
        ends = [self.gold[at] + sign * self.z * self.se[at] for at in around for sign in (-1, 1)]
        value = float(np.interp(step, self.steps, self.gold))
        proxy = self.proxy[-1] - float(np.interp(step, self.steps, self.proxy))
        kl = float(np.interp(step, self.steps, self.kl))
        against = (own and self._paired(step, among)) or self._unpaired(value, around)
        return Row(
            step, kl if np.isfinite(kl) else None, (value, float(min(ends)), float(max(ends))), own,
            against, float(proxy) if np.isfinite(proxy) else None, round(self.steps[-1] - step),
        )  # fmt: skip

    def _paired(self, step: int, among: int) -> Against | None:
        """By the prompts that both evaluations ask; None where there are too few."""
        end = self.steps[-1]
        first, last = (
            self.prompts.filter(
                (pl.col("step") == at) & (pl.col("gold_n") > 0) & pl.col("gold_reward").is_finite()
            ).select("prompt_id", "gold_n", gold=pl.col("gold_reward").cast(pl.Float64))
            for at in (step, end)
        )
        both = first.join(last, on="prompt_id", suffix="_end").sort("prompt_id")
        if both.height < FEWEST_CLUSTERS:
            return None
        apart = (both["gold"] - both["gold_end"]).to_numpy()
        n, mean = len(apart), float(np.mean(apart))
        error = float(np.std(apart, ddof=1)) / np.sqrt(n)
        if error == 0:  # all prompts say the same: how much another prompt would differ is unknown
            return None
        quantile = float(t_quantile(1 - (1 - LEVEL) / 4 / among, n - 1))
        each = float((both["gold_n"].cast(pl.Float64) + both["gold_n_end"]).mean() or 0) / 2  # type: ignore[arg-type]
        return _against(mean, quantile * error, error, quantile, n * each, n)

    def _unpaired(self, value: float, around: Sequence[int]) -> Against:
        """By the errors of the evaluations; between two, by the wider of their intervals."""
        gains = self.gold[around] - self.gold[-1]
        errors = np.sqrt(self.se[around] ** 2 + self.se[-1] ** 2)
        low = float(np.min(gains - self.z * errors))
        high = float(np.max(gains + self.z * errors))
        mean = value - float(self.gold[-1])
        there = float(np.min(np.append(self.n[around], self.n[-1])))
        half = max(high - mean, mean - low)
        found = _against(mean, half, half / self.z, self.z, there, None)
        return found._replace(low=low, high=high, decision=_decision(low, high))


def _against(
    mean: float, half: float, error: float, quantile: float, responses: float, prompts: int | None
) -> Against:
    low, high = mean - half, mean + half
    decision = _decision(low, high)
    more, counted = None, bool(np.isfinite(responses) and responses > 0)
    if decision == "undecided" and mean and counted:
        times = ((quantile + POWER_Z) * error / mean) ** 2
        if 1 < times <= MOST_TIMES:
            more = 10 * int(np.ceil(responses * (times - 1) / 10))
    return Against(mean, float(low), float(high), prompts, decision, more, counted)


def _decision(low: float, high: float) -> str:
    return "promote" if low > 0 else "reject" if high < 0 else "undecided"
