"""Alpha of the RL form from the sibling runs of a project: what a forecast borrows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from analytics.onset.curves.fits import FORMLESS, form_of, gao_fit
from analytics.onset.errors.noise import noise_of_looks
from analytics.onset.errors.stated_error import stated_error
from analytics.onset.evidence.measurements import (
    fill_from_trajectory,
    gold_rows,
    gold_sources,
    trajectory_rows,
)
from analytics.onset.evidence.pooling import pool, rows_per_look
from analytics.onset.labels.judges import by_judge

MOST = 12
"""Siblings that are asked: more would hardly narrow alpha."""
_SETTINGS = ("model_name_or_path", "_name_or_path", "model", "dataset_name")


def setup_of(facts: Mapping[str, Any]) -> tuple[object, ...] | None:
    """What two runs must share for one alpha: optimiser, rewards, KL, start. None: shares nothing.

    The proxy's key, not its size: Gao et al. find alpha independent of the reward model's size.
    """
    trainer = facts.get("trainer") or facts.get("algorithm")
    if form_of(facts) != "rl" or any(word in str(trainer) for word in FORMLESS):
        return None
    config = facts.get("config") or {}
    named = ("proxy_key", "gold_key", "gold_kind", "kl_estimator", "kl_logged_unit", "kl_reference")
    return (
        trainer,
        *(facts.get(name) for name in named),
        *(config.get(name) for name in _SETTINGS),
    )


def alpha_fit(
    gold: pl.DataFrame, trajectory: pl.DataFrame, facts: Mapping[str, Any], source: str | None
) -> dict[str, float] | None:
    """alpha and alpha_se of a run's RL fit, gold's unit; None where it has none that fits.

    Frames and facts as in `verdict`; source: gold source, None = the default. Only the last
    stretch counts, and only a fit whose lack of fit is not significant.
    """
    sources = gold_sources(gold, None)
    chosen = source if source is not None else (sources[0] if sources else None)
    if chosen not in sources:
        return None
    rows = fill_from_trajectory(gold_rows(gold, chosen, None), trajectory_rows(trajectory, None))
    if len(rows) == 0:
        return None
    rows, _ = by_judge(rows)
    rows = rows.take(rows.stretch == rows.stretch[-1])
    size = rows_per_look(len(rows))
    looks = pool(rows, size)
    if not np.all(np.isfinite(looks.kl)):
        return None
    stated = stated_error(rows, str(facts.get("gold_kind") or "score"))
    noise = noise_of_looks(rows, looks, size, stated.error, stated.phrase, None)
    d = np.sqrt(np.maximum(looks.kl, 0))
    fit = gao_fit(d, looks.gold, noise.se, "rl", float(noise.freedom[-1]), noise.rho)
    if fit is None or not fit.fits:
        return None
    return {"alpha": fit.alpha, "alpha_se": fit.alpha_se}
