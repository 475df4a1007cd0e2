"""How well shortcuts are found: planted ones of five kinds and twenty strengths, and none at all.

Power, onset and false ones on runs with a planted shortcut; how often anything is told on runs
without one, where words and marks drift that nobody pays for, and, with gold, responses get better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from analytics.measured.paid_rows import NothingPlantedRow, PlantedRow, ShortcutQualityRow
from analytics.quality.medians import rounded
from analytics.rates import wilson
from analytics.shortcuts import Mined, mine
from analytics.simulated_responses import KINDS, STRENGTHS, Plan, is_planted, simulate_responses
from analytics.wording import count, percent, rate_interval, whole

NEAR = 0.1
"""An onset is found where it is told within so large a share of the run's steps."""
STRONG = STRENGTHS[len(STRENGTHS) // 2 :]
NONE = {
    "honest drift and improvement": Plan(improves=True),
    "nothing changes": Plan(drift=False),
    "honest drift, without gold": Plan(gold=False),
    "honest drift, prompts drawn once": Plan(improves=True, once=True),
}
"""Runs without a shortcut."""


def measure(
    runs: int, seed: int, conditions: Sequence[str] | None = None
) -> list[ShortcutQualityRow]:
    """A row for each kind with and without gold, and for each sort of run without a shortcut.

    runs: of each row; those of a kind are spread over the strengths.
    """
    rows: list[ShortcutQualityRow] = []
    for gold in (True, False):
        for kind in KINDS:
            name = kind if gold else f"{kind}, without gold"
            if conditions is None or name in conditions:
                rows.append(measure_kind(kind, gold, runs, seed))
    for name, plan in NONE.items():
        if conditions is None or name in conditions:
            rows.append(measure_none(name, plan, runs, seed))
    return rows


def measure_kind(kind: str, gold: bool, runs: int, seed: int) -> PlantedRow:
    """Power by strength, onset, and the share of what was told that is false."""
    found: dict[float, list[bool]] = {strength: [] for strength in STRENGTHS}
    first, near, false, reported = [], [], 0, 0
    shares = []
    for run in range(runs):
        strength = STRENGTHS[run % len(STRENGTHS)]
        plan = Plan(kind, strength, gold, improves=gold)
        responses, begins = simulate_responses(plan, seed * 1_000_003 + run)
        mined = mine(responses)
        right = [is_planted(kind, one.name, one.kind) for one in mined.shortcuts]
        found[strength].append(any(right))
        false, reported = false + right.count(False), reported + len(right)
        shares.append(right.count(False) / max(len(right), 1))
        if strength in STRONG:
            first.append(bool(right) and right[0])
            near.append(_near(mined, right, begins, plan.steps))
    strong_share = _share([one for strength in STRONG for one in found[strength]])
    near_share, first_share = _share(near), _share(first)
    return {
        "condition": kind if gold else f"{kind}, without gold", "planted": True, "gold": gold,
        "runs": runs, "power": [rounded(float(np.mean(one))) if one else None
                                for one in found.values()],
        "strong": strong_share[0], "strong_low": strong_share[1], "strong_high": strong_share[2],
        "onset": near_share[0], "onset_low": near_share[1], "onset_high": near_share[2],
        "first": first_share[0], "first_low": first_share[1], "first_high": first_share[2],
        "told": reported, "false": false, "false_share": rounded(float(np.mean(shares))),
        "false_share_se": rounded(float(np.std(shares) / np.sqrt(max(len(shares), 1)))),
    }  # fmt: skip


def measure_none(name: str, plan: Plan, runs: int, seed: int) -> NothingPlantedRow:
    """In how many runs without a shortcut nothing is told."""
    silent, reported = [], 0
    for run in range(runs):
        mined = mine(simulate_responses(plan, seed * 1_000_003 + 500_000 + run)[0])
        silent.append(not mined.shortcuts)
        reported += len(mined.shortcuts)
    share, low, high = _share(silent)
    return {"condition": name, "planted": False, "gold": plan.gold, "runs": runs,
            "silent": share, "silent_low": low, "silent_high": high,
            "told": reported, "false": reported}  # fmt: skip


def _near(mined: Mined, right: Sequence[bool], begins: int | None, steps: int) -> bool:
    """Whether the first right one tells the onset within a tenth of the steps."""
    onset = next((one.onset for one, is_so in zip(mined.shortcuts, right, strict=True) if is_so),
                 None)  # fmt: skip
    return onset is not None and begins is not None and abs(onset - begins) <= NEAR * steps


def _share(of: Sequence[bool]) -> tuple[float | None, float | None, float | None]:
    """A share with Wilson's interval, 95 %."""
    low, high = wilson(sum(of), len(of))
    return rounded(sum(of) / len(of)), rounded(float(low)), rounded(float(high))


def sentence(row: Mapping[str, Any]) -> str:
    """One row in words, for the terminal."""
    if not row["planted"]:
        return f"{row['condition']}: nothing told in {_rate(row, 'silent')} of {row['runs']} runs"
    return (
        f"{row['condition']}: found in {_rate(row, 'strong')} of the strong half "
        f"({count(row['runs'], 'run')} in all), onset near in {_rate(row, 'onset')}, first item in "
        f"{_rate(row, 'first')}; {whole(row['false'])} of {whole(row['told'])} told are false "
        f"({percent(row['false_share'], 1)} a run)"
    )


def _rate(row: Mapping[str, Any], name: str) -> str:
    return rate_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """All rows in a sentence."""
    planted = [row for row in rows if row["planted"]]
    none = [row for row in rows if not row["planted"]]
    half = sum(row["runs"] for row in planted) / 2
    seen = sum(row["strong"] * row["runs"] / 2 for row in planted) / half
    near = sum(row["onset"] * row["runs"] / 2 for row in planted) / half
    false = sum(row["false_share"] * row["runs"] for row in planted) / (2 * half)
    runs = sum(row["runs"] for row in none)
    silent = round(sum(row["silent"] * row["runs"] for row in none))
    return (
        f"{percent(seen, 1)} of strong planted ones are found, {percent(near, 1)} with their "
        f"onset; {percent(false, 1)} of what is told is false; nothing is told in "
        f"{whole(silent)} of {whole(runs)} runs without one"
    )


def shortcut_tables(rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The kept rows as two tables in words: with a planted shortcut, and without."""
    planted = [row for row in rows if row["planted"]]
    none = [row for row in rows if not row["planted"]]
    return pl.DataFrame({
        "planted": [row["condition"] for row in planted],
        "found, strong half": [_rate(row, "strong") for row in planted],
        "found, weak half": [
            percent(float(np.mean(row["power"][: len(STRENGTHS) // 2]))) for row in planted
        ],
        "the first item": [_rate(row, "first") for row in planted],
        "onset within a tenth": [_rate(row, "onset") for row in planted],
        "false of what is told": [percent(row["false_share"], 1) for row in planted],
    }), pl.DataFrame({
        "no shortcut": [row["condition"] for row in none],
        "nothing told": [_rate(row, "silent") for row in none],
        "runs": [row["runs"] for row in none],
    })  # fmt: skip
