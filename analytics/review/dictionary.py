"""The tables beside a review's document, and what each column means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from analytics.figures.drawing.curves import RunCurve
from analytics.review.changes import Change

DICTIONARY: dict[str, dict[str, str]] = {
    "changes": {
        "kind": "what kind of change it is",
        "subject": "run, loop or file that changed",
        "what": "what changed, in words",
        "evidence": "the rows or the test that says so",
        "link": "address of its view",
        "needs_decision": "whether somebody is to decide",
        "cause": "rows, judge (gold has another one), setting, or software",
        "decided": "what was decided since, by whom",
    },
    "verdicts": {
        "run": "run",
        "status": "overoptimized, collapsed, warning, no_onset, too_little_gold, unmeasured",
        "step_end": "last optimiser step",
        "kl_end": "KL at the end, nats per response",
        "gold_evaluations": "gold evaluations judged by, count",
        "peak_kl": "KL where gold peaks, best guess, nats per response",
        "peak_kl_low": "lower end of its 90 % interval, nats per response",
        "peak_kl_high": "upper end, nats per response; missing = no upper end",
        "gold_lost": "gold lost since its peak, units of the gold measure",
        "gold_lost_low": "lower end of its 90 % interval",
        "gold_lost_high": "upper end",
        "alarm_step": "optimiser step of an alarm that stands; missing = none",
    },
    "curves": {
        "run": "run",
        "step_start": "first optimiser step of the bin",
        "step_end": "last optimiser step of the bin",
        "n_rows": "logged rows behind the means, count",
        "kl": "mean KL from the initial policy, nats per response",
        "proxy_reward": "mean proxy reward, units of the reward model",
        "gold_reward": "mean gold reward, units of the gold measure",
    },
}
"""Table to column to meaning, with its unit."""


def tables(
    found: Sequence[Change], verdicts: Sequence[Mapping[str, Any]], curves: Sequence[RunCurve]
) -> dict[str, pl.DataFrame]:
    """The tables by name, in the columns of DICTIONARY; and that itself."""
    rows: dict[str, list[dict[str, object]]] = {
        "changes": [asdict(one) for one in found],
        "verdicts": [_verdict(one) for one in verdicts],
        "curves": [
            {"run": curve.run_id, **row} for curve in curves for row in curve.curve.to_dicts()
        ],
    }
    tables_there = {
        name: pl.DataFrame(rows[name], infer_schema_length=None).select(
            pl.col(column) if rows[name] and column in rows[name][0] else pl.lit(None).alias(column)
            for column in columns
        ) if rows[name] else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        for name, columns in DICTIONARY.items()
    }  # fmt: skip
    words = [(t, c, text) for t, columns in DICTIONARY.items() for c, text in columns.items()]
    tables_there["dictionary"] = pl.DataFrame(words, ["table", "column", "meaning"], orient="row")
    return tables_there


def _verdict(row: Mapping[str, Any]) -> dict[str, object]:
    peak, lost, alarm = (row.get(name) or {} for name in ("peak", "gold_lost", "alarm"))
    plain_cells = ("run", "status", "step_end", "kl_end", "gold_evaluations")
    return {
        **{name: row.get(name) for name in plain_cells},
        **{f"peak_{name}": peak.get(name) for name in ("kl", "kl_low", "kl_high")},
        "gold_lost": lost.get("value"), "gold_lost_low": lost.get("low"),
        "gold_lost_high": lost.get("high"),
        "alarm_step": None if alarm.get("withdrawn") else alarm.get("step"),
    }  # fmt: skip


def as_json(found: Sequence[Change], since: str, until: str) -> str:
    """The document of ``review --json``."""
    rows = [{k: v for k, v in asdict(one).items() if k != "weight"} for one in found]
    return json.dumps({"since": since, "until": until, "changes": rows}, indent=1)
