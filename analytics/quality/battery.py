"""The battery: do 5 % of false alarms hold on logs as people write them, and are falls seen?

Each condition's logs go through the same door as a stored run: frame, facts, verdict. What counts
is the status at the end of the log; beside it stands the share of runs in which an alarm was ever
raised on the way. A detector that never calls is no answer, so falling runs are judged as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict, cast

import numpy as np
import polars as pl

from analytics import onset
from analytics.measured.rows import BatteryRow
from analytics.quality.battery_logs import CONDITIONS, TRUTHS, Condition, Log, simulated_log
from analytics.wording import fixed

ONSET = ("overoptimized", "collapsed")
REFUSED = ("too_little_gold", "unmeasured")
_ABSENT = {
    "gold_reward_se": pl.Float64,
    "gold_reward_sd": pl.Float64,
    "n_responses": pl.Int64,
    "n_prompts": pl.Int64,
}


def measure(
    runs: int, seed: int, names: Iterable[str] | None = None, replayed: bool = False
) -> list[BatteryRow]:
    """One row per condition: claimed, measured ± standard error for each truth, failing ones first.

    names: conditions to measure, None = all. replayed: "ever" comes from judging every run anew
    at each of its evaluations, instead of from the alarm that the verdict at the end carries.
    Raises KeyError for an unknown condition.
    """
    rows = [measure_condition(one, runs, seed, replayed) for one in chosen(names)]
    return sorted(rows, key=lambda row: row["holds"] and row["finds"])


def chosen(names: Iterable[str] | None) -> list[Condition]:
    """The conditions of these names, in the battery's order. Raises KeyError for an unknown one."""
    by_name = {one.name: one for one in CONDITIONS}
    if names is None:
        return list(CONDITIONS)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise KeyError(f"unknown condition {unknown[0]!r}; known: {'; '.join(by_name)}")
    return [by_name[name] for name in names]


def measure_condition(
    condition: Condition, runs: int, seed: int, replayed: bool = False
) -> BatteryRow:
    """The row of one condition; run i has seed `seed` * 100,000 + i."""
    judged = {
        truth: [
            judge(simulated_log(condition, truth, seed * 100_000 + i), replayed)
            for i in range(runs_of(truth, runs))
        ]
        for truth in TRUTHS
    }
    return row_of(condition, judged)


def runs_of(truth: str, runs: int) -> int:
    """Runs of a truth: all of flat gold, the least favourable one, and half as many of others."""
    return runs if truth == "flat" else (runs + 1) // 2


class Ended(TypedDict):
    """The verdict at the end of a log; ever: an alarm was raised; kl: of one that stands."""

    status: str
    ever: bool
    kl: float | None
    flags: list[str]


def judge(log: Log, replayed: bool = False) -> Ended:
    """The verdict at the end of a log; replayed: judged anew at each of its evaluations."""
    row = verdict_of(log).row
    alarm = row["alarm"]
    ever = any(status in ONSET for status in statuses(log)) if replayed else alarm is not None
    kl = alarm["kl"] if alarm is not None and row["status"] in ONSET else None
    return {"status": row["status"], "ever": ever, "kl": kl, "flags": row["flags"]}


def verdict_of(log: Log, until: int | None = None) -> onset.Verdict:
    """The verdict on a log as the store hands it over."""
    missing = [name for name in _ABSENT if name not in log.table.columns]
    gold = log.table.with_columns(
        pl.lit(log.source).alias("source"),
        pl.lit(0).alias("stretch"),
        *(pl.lit(None, dtype=_ABSENT[name]).alias(name) for name in missing),
    )
    trajectory = gold.select("step", "stretch", "kl", "proxy_reward")
    facts = {"gold_kind": log.kind, "kl_conversion": "exact", "max_steps": log.max_steps}
    return onset.verdict(gold, trajectory, facts, until=until)


def statuses(log: Log) -> Iterator[str]:
    """The status that each evaluation would have brought, had the log ended there."""
    for step in log.table["step"].to_list():
        yield verdict_of(log, until=step).row["status"]


def row_of(condition: Condition, judged: Mapping[str, Sequence[Ended]]) -> BatteryRow:
    """A condition's figures from its judged runs, by truth.

    holds: no honest truth has more onsets than claimed, by more than two standard errors; finds:
    the same for the share of falling runs that are called. refused: neither onset nor no onset.
    """
    falling, figures = judged["falling"], dict[str, float]()
    for truth, runs in judged.items():
        ended = np.array([one["status"] in ONSET for one in runs])
        ever = np.array([one["ever"] for one in runs])
        figures[truth], figures[f"{truth}_se"] = _share(ended)
        figures[f"{truth}_ever"], figures[f"{truth}_ever_se"] = _share(ever)
    holds = all(
        figures[truth] <= condition.claimed + 2 * _error(condition.claimed, len(judged[truth]))
        for truth in TRUTHS
        if truth != "falling"
    )
    refused = _share(np.array([one["status"] in REFUSED for one in falling]))[0]
    needed = condition.called - 2 * _error(condition.called, len(falling))
    row = {
        "condition": condition.name,
        "words": condition.words,
        "evaluations": condition.evaluations,
        "asked": condition.asked,
        "claimed": condition.claimed,
        "called_at_least": condition.called,
        "runs": len(judged["flat"]),
        "runs_falling": len(falling),
        **condition.setting,
        **figures,
        "refused": refused,
        "warned": _share(np.array([one["status"] == "warning" for one in falling]))[0],
        "holds": holds,
        "finds": figures["falling"] >= needed and refused <= 0.10,
    }
    return cast("BatteryRow", row)


def sentence(row: Mapping[str, Any]) -> str:
    """A row as one line of text: false onsets by truth (ever raised), falls called, refused."""
    honest = ", ".join(
        f"{truth} {fixed(row[truth], 3)} ± {fixed(row[f'{truth}_se'], 3)} "
        f"(ever {fixed(row[f'{truth}_ever'], 3)})"
        for truth in TRUTHS
        if truth != "falling"
    )
    claim = "" if row["holds"] else "; MORE THAN CLAIMED"
    claim += "" if row["finds"] else "; MISSES FALLS"
    return (
        f"{row['condition']}: claimed {fixed(row['claimed'], 2)}; {honest}; falls called "
        f"{fixed(row['falling'], 3)}, refused {fixed(row['refused'], 3)}{claim}"
    )


def _share(values: np.ndarray) -> tuple[float, float]:
    """A share and its binomial standard error, which is not 0 at 0 of n."""
    smooth = (float(np.sum(values)) + 1) / (len(values) + 2)
    return round(float(np.mean(values)), 4), round(_error(smooth, len(values)), 4)


def _error(share: float, runs: int) -> float:
    return float(np.sqrt(share * (1 - share) / runs))
