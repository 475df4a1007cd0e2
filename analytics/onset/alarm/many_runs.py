"""Many runs at once: which alarms stand when all runs of a project are tested together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from analytics.onset.alarm.e_process import e_bh

RATE = 0.05
"""False discovery rate among the alarms that survive."""


def standing(alarm: Mapping[str, Any] | None) -> bool:
    """Whether a verdict's alarm was raised and not withdrawn (verdicts of old code know no
    withdrawal)."""
    return alarm is not None and alarm.get("withdrawn") is None


def survivors(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Runs with an alarm that e-BH keeps among all tested runs of their project.

    rows: of `verdict --json`. Of the alarms that survive at most RATE are false on average, also
    where the runs share prompts, gold model or seed. Source: Wang and Ramdas 2022.

    >>> runs = [("a", 900.0, {}), ("b", 50.0, {}), ("c", 0.1, None)]
    >>> rows = [{"run": r, "project": "p", "e_value": e, "alarm": a} for r, e, a in runs]
    >>> sorted(survivors(rows))
    ['a', 'b']
    """
    by_project: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("e_value") is not None:
            by_project.setdefault(row.get("project"), []).append(row)
    kept: set[str] = set()
    for tested in by_project.values():
        chosen = e_bh(np.array([row["e_value"] for row in tested]), RATE)
        kept |= {
            str(row["run"]) for row, keep in zip(tested, chosen, strict=True)
            if keep and standing(row["alarm"])
        }  # fmt: skip
    return kept
