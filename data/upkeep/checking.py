"""Data quality: for each run where it came from, what was lost on the way, and how old gold is."""

from __future__ import annotations

import json
from typing import TypedDict, cast

from data.columns import Source
from data.database.any_store import AnyStore
from data.upkeep.damage import damaged

FACTS = (
    "trainer", "kl_key", "kl_estimator", "kl_logged_unit", "kl_reference", "kl_conversion",
    "kl_note", "proxy_key", "gold_key", "gold_kind", "steps_replaced", "nan_rows", "checkpoints",
    "sources",
)  # fmt: skip
"""What the log says of the run that a check repeats."""


class Skipped(TypedDict):
    """A path that could not be read, why, and when that was seen."""

    path: str
    reason: str
    seen_at: str


class CheckedRun(TypedDict):
    """One run of a check."""

    run: str
    project: str
    format: str
    path: str
    last_grown: str
    points: int
    samples: int
    without_kl: int | None
    without_proxy: int | None
    without_gold: int | None
    gold_evaluations: int
    gold_step_end: int | None
    gold_age_steps: int | None
    gold_age_kl: float | None
    trainer: str | None
    kl_key: str | None
    kl_estimator: str | None
    kl_logged_unit: str | None
    kl_reference: str | None
    kl_conversion: str | None
    kl_note: str | None
    proxy_key: str | None
    gold_key: str | None
    gold_kind: str | None
    steps_replaced: int | None
    nan_rows: int | None
    checkpoints: list[int] | None
    sources: list[Source] | None
    warnings: list[str]


class Checked(TypedDict):
    """The document of ``check --json``."""

    runs: list[CheckedRun]
    skipped: list[Skipped]
    damaged: list[dict[str, str]]


def check(store: AnyStore, project: str | None = None, whole: bool = False) -> Checked:
    """What ``python -m data check --json`` prints.

    Returns:
        ``runs``, one row a run: path, sources, last_grown (local time), points, rows without KL,
        proxy or gold, steps_replaced, nan_rows, the KL's key, estimator, unit and conversion,
        the gold's key and age in steps and nats (null where there is none), warnings;
        ``skipped``, what could not be read and why; and ``damaged``, files of the archive that
        cannot be read any more (``whole``: every value was tried, else what they say they hold).
    """
    runs = store.query("runs", project=project, runs=None)
    gaps = {row["run_id"]: row for row in store.query("gaps", runs=None).iter_rows(named=True)}
    rows: list[CheckedRun] = []
    for run in runs.iter_rows(named=True):
        facts = json.loads(run["facts"])
        gap = gaps.get(run["run_id"], {})
        has_gold = run["gold_step_end"] is not None
        has_kl = has_gold and run["kl_end"] is not None and run["gold_kl_end"] is not None
        rows.append(cast("CheckedRun", {
            "run": run["run_id"], "project": run["project"], "format": run["format"],
            "path": run["path"], "last_grown": run["imported_at"].isoformat(" ", "seconds"),
            "points": run["points"], "samples": run["samples"],
            "without_kl": gap.get("without_kl"), "without_proxy": gap.get("without_proxy"),
            "without_gold": gap.get("without_gold"), "gold_evaluations": run["gold_evaluations"],
            "gold_step_end": run["gold_step_end"],
            "gold_age_steps": run["step_end"] - run["gold_step_end"] if has_gold else None,
            "gold_age_kl": run["kl_end"] - run["gold_kl_end"] if has_kl else None,
            **{key: facts.get(key) for key in FACTS}, "warnings": json.loads(run["warnings"]),
        }))  # fmt: skip
    skipped: list[Skipped] = [
        {"path": row["path"], "reason": row["reason"],
         "seen_at": row["seen_at"].isoformat(" ", "seconds")}
        for row in store.query("skips").iter_rows(named=True)
    ]  # fmt: skip
    return {"runs": rows, "skipped": skipped, "damaged": damaged(store.home, whole)}
