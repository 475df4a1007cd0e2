"""What a run is paid for by its numbers, in folded panels below the reading list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.shared import reads
from pages.shared.frame import reading
from pages.shared.page_parts.fault_view import isolated, say
from pages.shared.paid.paid_judge_view import show_judge
from pages.shared.paid.paid_length_view import show_length
from pages.shared.paid.paid_rivals_view import show_rivals
from pages.shared.paid.paid_signals_view import show_signals

BLIND = ("unmeasured", "too_little_gold")


def show_panels(run: Mapping[str, Any], until: int | None) -> None:
    """Length, the judge, rivals (beside an alarm), signals (where gold is missing).

    Nothing is read before a panel is opened. run: a row of the query runs.
    """
    kept = reads.kept_verdicts().get(run["run_id"])
    _panel("Length: how much of the gain it explains", "length", run, until,
           lambda curve: show_length(curve, until))  # fmt: skip
    _panel("Judge over training: does the proxy still rank as gold does?", "judge", run, until,
           lambda curve: show_judge(curve, until))  # fmt: skip
    if kept is not None and kept.get("alarm"):
        _panel("Rival explanations: what else moved when gold fell", "rivals", run, until,
               lambda curve: show_rivals(curve, until))  # fmt: skip
    if kept is not None and kept.get("status") in BLIND:
        _panel("Without gold: what is worth checking", "signals", run, until,
               lambda curve: show_signals(run, curve, until))  # fmt: skip


def _panel(
    title: str, key: str, run: Mapping[str, Any], until: int | None, show: Callable[[Any], None]
) -> None:
    folded = st.expander(title, key=f"paid_{key}", on_change="rerun")
    if not folded.open:
        return
    name = run["run_id"]
    with folded, reading("Reading the responses …", (name, until, key)):
        frozen = {} if until is None else {name: until}
        curves, faults = reads.run_curves([run], frozen, None)
        for fault in faults:
            say(fault)
        if curves:
            with isolated(name, f"from its {key}"):
                show(curves[0])
