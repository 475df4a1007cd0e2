"""What a page shows before anything is chosen: an answer for some run, not an empty choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.onset.alarm.many_runs import standing
from pages.shared import reads

ORDER = ("overoptimized", "collapsed", "warning", "no_onset")


def most_urgent(every: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The run that asks first for a look, of those with a verdict on gold; none where none has.

    Args:
        every: the runs of the store by name.

    Standing alarms come first, then the status, then the run that came last into the store.
    """
    kept = reads.kept_verdicts()
    judged = [run for run in every if run in kept and kept[run].get("status") in ORDER]
    judged.sort(key=lambda run: (
        not standing(kept[run].get("alarm")), ORDER.index(kept[run]["status"]),
        "gold_noise_unknown" in (kept[run].get("flags") or ()), -every[run]["ordinal"], run,
    ))  # fmt: skip
    return judged[:1]
