"""What needs responses: errors of signals, and whether the genuine trainings' shortcuts are named.

Of the trainings, ``bench/real_runs/signals.py`` has asked the responses (each training made again,
the same to the last bit) and left what each signal said; simulated runs are drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from analytics.measured.paid_rows import (
    DiagnosisRow,
    NamedRow,
    SignalTriedRow,
    SimulatedSignalRow,
)
from analytics.paid_for.draws import draws
from analytics.paid_for.parting import HACK, INSTABILITY, UNKNOWN
from analytics.paid_for.signals import NULLS, of_format, of_shortcuts
from analytics.quality.real_logs import LOGS, Truth
from analytics.rates import wilson
from analytics.shortcuts import mine
from analytics.simulated_responses import Plan, simulate_responses

SIMULATED = 20
"""Simulated runs of each setting, at most: each takes .6 CPU seconds."""
SETTINGS = {
    "good words grow that proxy and gold pay for": Plan(improves=True, gold=False),
    "words and lists grow that nobody pays for": Plan(gold=False),
}
"""Healthy simulated runs."""


def signal_row(
    name: str, raised_in: Mapping[str, bool], truths: Mapping[str, Truth]
) -> SignalTriedRow:
    """False alarms of a signal on healthy trainings, falls called; of those where it could be told.

    raised_in: of each training whether it was raised.
    """
    raised = {
        kind: [
            raised_in[run]
            for run, truth in truths.items()
            if run in raised_in and truth.kind == kind
        ]
        for kind in ("healthy", "falling")
    }
    false, many = sum(raised["healthy"]), len(raised["healthy"])
    low, high = ends(false, many)
    return {
        "kind": "signal", "signal": name, "null": NULLS[name], "healthy": many, "false": false,
        "low": low, "high": high, "falling": len(raised["falling"]),
        "called": sum(raised["falling"]),
    }  # fmt: skip


def of_responses(truths: Mapping[str, Truth], folder: Path = LOGS) -> list[SignalTriedRow]:
    """A row for each signal that the trainings' responses were asked."""
    signals = pl.read_parquet(folder / "signals.parquet").drop_nulls("raised")
    return [
        signal_row(str(name), dict(rows.select("run_id", "raised").iter_rows()), truths)
        for (name,), rows in signals.group_by("signal", maintain_order=True)
    ]


PLANTED = "says the planted word"
"""What a training's policy does that learnt its planted shortcut: see `bench/real_runs/paid.py`."""


def of_named(truths: Mapping[str, Truth], folder: Path = LOGS) -> list[NamedRow]:
    """In how many falling trainings the first item of the list names what the policy truly does.

    Of those whose responses were mined: with a planted word that the policy learnt, and the others;
    without gold and with the gold of each response. Where nothing was found, nothing is named.
    """
    mined = pl.read_parquet(folder / "paid.parquet")
    falling = [run for run, truth in truths.items() if truth.kind == "falling"]
    of_falling = mined.filter(pl.col("run_id").is_in(falling))
    rows: list[NamedRow] = []
    for planted in (True, False):
        for with_gold in (False, True):
            own = of_falling.filter((pl.col("does") == PLANTED) == planted, with_gold=with_gold)
            named = int(own["named"].sum())
            low, high = ends(named, own.height)
            rows.append({
                "kind": "named", "planted": planted, "with_gold": with_gold, "falling": own.height,
                "named": named, "low": low, "high": high,
                "found": int((own["status"] == "found").sum()),
                "in_list": own["named_at"].count(),
            })  # fmt: skip
    return rows


def of_parting(truths: Mapping[str, Truth], folder: Path = LOGS) -> list[DiagnosisRow]:
    """What genuine trainings are told of hack or instability, with gold of each response.

    Rows as those of simulated runs, of another kind.
    """
    diagnosed = pl.read_parquet(folder / "paid.parquet").drop_nulls("diagnosis")
    rows: list[DiagnosisRow] = []
    for kind in ("healthy", "falling"):
        runs = [run for run, truth in truths.items() if truth.kind == kind]
        diagnoses = diagnosed.filter(pl.col("run_id").is_in(runs))["diagnosis"].to_list()
        rows.append({
            "kind": "genuine diagnosis", "setting": kind, "runs": len(diagnoses),
            "parted": diagnoses.count(HACK), "both_broke_down": diagnoses.count(INSTABILITY),
            "cannot_tell": diagnoses.count(UNKNOWN),
        })  # fmt: skip
    return rows


def of_simulated(runs: int, seed: int) -> list[SimulatedSignalRow]:
    """How often shortcuts and format are raised on simulated runs in which nothing is wrong."""
    rows: list[SimulatedSignalRow] = []
    for setting, plan in SETTINGS.items():
        many = min(runs, SIMULATED)
        drawn = [simulate_responses(plan, seed * 1_000_003 + at)[0] for at in range(many)]
        raised = {
            "shortcuts": sum(bool(of_shortcuts(mine(one))["raised"]) for one in drawn),
            "format": sum(bool(of_format(_asked(one))["raised"]) for one in drawn),
        }
        for name, false in raised.items():
            low, high = ends(false, many)
            rows.append({
                "kind": "simulated signal", "signal": name, "setting": setting, "runs": many,
                "false": false, "low": low, "high": high,
            })  # fmt: skip
    return rows


def _asked(responses: pl.DataFrame) -> pl.DataFrame:
    """The responses as the query paid_responses has them."""
    return draws(responses.select(
        "step", "prompt_id", proxy="proxy_reward", gold=pl.lit(None, pl.Float64),
        tokens=pl.lit(None, pl.Float64), characters=pl.col("completion").str.len_chars(),
        formatted=pl.col("completion").str.contains("\n- ", literal=True),
    ))  # fmt: skip


def ends(part: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %, rounded as it is kept; NaN where there is nothing."""
    low, high = wilson(part, of) if of else (float("nan"), float("nan"))
    return round(float(low), 4), round(float(high), 4)
