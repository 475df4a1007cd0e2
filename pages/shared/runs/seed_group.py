"""Seeds of one setting as a group: its own verdict, and how the seeds' peaks lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from analytics.comparing.seeds import GroupFall
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import status_look
from analytics.wording import alike, count, number, whole


def group_words(curves: Sequence[RunCurve], fall: GroupFall | None) -> str:
    """The group's verdict in words: all seeds together, then each by its own.

    Args:
        curves: the seeds.
        fall: of their gold together; None where too few share a range.
    """
    many = Counter(status_look(curve.verdict["status"])[1] for curve in curves)
    each = ", ".join(f"{whole(n)} {words}" for words, n in many.most_common())
    return f"{_together(fall)} Each by itself: {each}. {_peaks(curves)}".rstrip()


def _together(fall: GroupFall | None) -> str:
    if fall is None:
        return "Fewer than three seeds with gold share a range: no verdict on the group."
    value, low, high = alike(fall.value, fall.low, fall.high)
    text = f"{value} ({low} to {high}, 90 %, t over {count(fall.n, 'seed')})"
    if fall.low > 0:
        return f"Together the seeds are past their gold peak: gold has lost {text} since."
    return f"Together the seeds do not show that gold fell: {text} from its peak to the end."


def _peaks(curves: Sequence[RunCurve]) -> str:
    """Where the seeds peak, on the axis of their verdicts where that is one for all."""
    axes = {curve.verdict["axis"] for curve in curves}
    key = axes.pop() if len(axes) == 1 else "step"
    found = [at for curve in curves
             if (at := (curve.verdict.get("peak") or {}).get(key)) is not None]  # fmt: skip
    if len(found) < 2:
        return ""
    word, unit = ("KL", " nats") if key == "kl" else ("step", "")
    middle, low, high = (number(float(v)) for v in (np.median(found), min(found), max(found)))
    return f"Gold peaks at {word} {middle}{unit} in the median seed, from {low} to {high}."
