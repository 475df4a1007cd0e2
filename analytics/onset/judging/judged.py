"""A verdict as it is handed out: the row of `verdict --json`, and what a notebook asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import polars as pl

from analytics.onset.evidence.verdict_keys import (
    Alarm,
    Interval,
    Peak,
    Recommendation,
    VerdictRow,
)


@dataclass(frozen=True, repr=False)
class Verdict:
    """What is known about one run's onset.

    row: the keys of `verdict --json`, plain Python values, null instead of NaN.

    looks: one row per look for the chart: look, stretch, step_start, step_end, step (mean), kl
    (nats per response), sqrt_kl, gold_reward, gold_se, proxy_reward, proxy_se, n_rows,
    n_responses, in_peak.

    curve, base: the training rows in at most 256 bins, and the mean and spread of the rewards at
    the start, for `plot`; None draws the looks alone.
    """

    row: VerdictRow
    looks: pl.DataFrame
    curve: pl.DataFrame | None = None
    base: Mapping[str, float | None] | None = None

    @property
    def status(self) -> str:
        """overoptimized, collapsed, warning, no_onset, too_little_gold or unmeasured."""
        return str(self.row["status"])

    @property
    def peak(self) -> Peak | None:
        """Where gold is highest, a 90 % interval: kl, kl_low, kl_high, step …, gold.

        None where there is no gold, or too little; kl_high None = no upper bound.
        """
        return copy(self.row["peak"])

    @property
    def alarm(self) -> Alarm | None:
        """Where gold was first seen to have fallen: kl, step, statistic, boundary; None = never.

        withdrawn: step and reason where later rows disproved it, None while it stands.
        """
        return copy(self.row["alarm"])

    @property
    def gold_lost(self) -> Interval | None:
        """Gold at the peak minus gold now: value, low, high (90 %); None without an alarm."""
        return copy(self.row["gold_lost"])

    @property
    def recommendation(self) -> Recommendation | None:
        """What to do next: action "candidate", "measure" or "none", each with its reason.

        None only in a verdict that an earlier program kept.
        """
        return copy(self.row.get("recommendation"))

    @property
    def reasons(self) -> list[str]:
        """The evidence in sentences, the decisive ones first."""
        return list(self.row["reasons"])

    @property
    def flags(self) -> list[str]:
        """What to keep in mind: kl_missing, gold_noise_unknown …"""
        return list(self.row["flags"])

    def to_dict(self) -> VerdictRow:
        """The JSON of `python -m analytics verdict --json`, a copy."""
        return deepcopy(self.row)

    def plot(self, axis: str | None = None) -> Any:
        """The Plotly figure of the page Overoptimization: proxy, gold, its peak and the alarm.

        axis: "sqrt_kl", "kl" or "step"; None = √KL, or steps where KL was not measured.

        Raises ValueError for another axis, and for KL where it was not measured.
        """
        from analytics.onset.judging.shown import figure

        return figure(self, axis)

    def __repr__(self) -> str:
        from analytics.onset.judging.shown import sentence

        return f"<Verdict: {sentence(self)}>"

    def _repr_html_(self) -> str:
        from analytics.onset.judging.shown import html

        return html(self)
