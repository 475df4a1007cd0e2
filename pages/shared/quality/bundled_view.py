"""What the verdicts say of the bundled real runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from analytics.figures.drawing.palette import status_look
from analytics.measured.published import SCENARIO_WORDS, matching_scenario
from analytics.onset.alarm.many_runs import standing
from analytics.wording import MISSING, count, interval, whole
from pages.shared import reads
from pages.shared.quality.quality_cells import evidence
from pages.shared.tables import show_table


def show_bundled(kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Verdict, peak and alarm of each bundled run that is in the store and judged."""
    bundled = [
        run["run_id"] for run in reads.runs().iter_rows(named=True)
        if "data/examples" in run["path"].replace("\\", "/") and run["run_id"] in kept
    ]  # fmt: skip
    if not bundled:
        return
    judged = [_verdict_line(run, kept[run]) for run in bundled]
    alarms = sum(row["alarm"] != "none" for row in judged)
    part = evidence(
        "On the bundled real runs", f"{count(alarms, 'alarm')} in {count(len(judged), 'run')}"
    )
    show_table(pl.DataFrame(judged), part, hide_index=True, placeholder=MISSING)


def _verdict_line(run: str, verdict: Mapping[str, Any]) -> dict[str, str]:
    peak, alarm = verdict["peak"], verdict["alarm"]
    kl = peak and verdict["axis"] == "kl"
    return {
        "run": run,
        "verdict": status_look(verdict["status"])[1],
        "gold peaks at (90 %)": interval(peak["kl_low"], peak["kl_high"], "nats")
        if kl
        else MISSING,
        "alarm": f"step {whole(alarm['step'])}" if standing(alarm) else "none",
        "nearest scenario": SCENARIO_WORDS.get(matching_scenario(verdict) or "", MISSING),
    }
