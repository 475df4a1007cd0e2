"""Whether what was trained on is repeated afterwards, beside a control: in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from analytics.wording import count, p_value, points, rate_text, whole

Z95 = 1.959964


@dataclass(frozen=True)
class Repeated:
    """Counts of one loop's statements, all iterations pooled, and of its control.

    - answers: whether the statements are wrong answers, all of them false.
    - other: repeated and asked of the control; None without one. name: the control in words.
    - gap: difference of the two shares with low, high (95 %, the question as the cluster) and p;
      None where they are of different loops, or nothing to compare; p None where nothing varies.
    """

    statements: int
    checked: int
    false: int
    asked: int
    repeated: int
    answers: bool
    other: tuple[int, int] | None = None
    name: str = ""
    gap: tuple[float, float, float] | None = None
    p: float | None = None


def repeated(own: Mapping[str, Any], other: Mapping[str, Any] | None, name: str) -> Repeated:
    """Compare a loop's statements with its control's.

    Args:
        own: loop, statements, checked, false, asked, repeated, and the variance of the share
            repeated between questions.
        other: the same of the control; None = there is none.
        name: the control in words.
    """
    alone = Repeated(
        int(own["statements"]), int(own["checked"]), int(own["false"]), int(own["asked"]),
        int(own["repeated"]), answers=own["false"] == own["statements"], name=name,
    )  # fmt: skip
    if other is None or not other["asked"] or not own["asked"]:
        return alone
    beside = int(other["repeated"]), int(other["asked"])
    if other["loop"] != own["loop"]:
        return replace(alone, other=beside)
    gap = own["repeated"] / own["asked"] - other["repeated"] / other["asked"]
    error = float(np.sqrt(own["variance"] + other["variance"]))
    p = float(2 * special.ndtr(-abs(gap) / error)) if error > 0 else None
    return replace(alone, other=beside, gap=(gap, gap - Z95 * error, gap + Z95 * error), p=p)


def sentence(again: Repeated) -> str:
    """What became of a loop's statements, in words."""
    if not again.checked:
        stated = count(again.statements, "statement")
        return f"None of {stated} was checked before it was trained on."
    start = (
        f"{rate_text(again.false / again.checked)} of "
        f"{count(again.checked, 'checked statement')} were false before they were trained on"
    )
    if again.checked < again.statements:
        start += f" ({whole(again.statements - again.checked)} more were never checked)"
    if not again.asked:
        return f"{start}; no false one was asked again."
    share = rate_text(again.repeated / again.asked)
    if again.answers:
        wrong = count(again.asked, "wrong answer")
        start = f"{whole(again.repeated)} of {wrong} on what was trained on"
        start += f" ({share}) were repeated afterwards"
    else:
        start += (
            f"; {whole(again.repeated)} of {whole(again.asked)} false ones "
            f"({share}) were repeated afterwards"
        )
    if again.other is None:
        return f"{start}. Without a control this is an association: it may be so untrained too."
    rate = f"{rate_text(again.other[0] / again.other[1])} of {whole(again.other[1])}"
    if again.gap is None:
        return f"{start}, against {rate} in {again.name}. One loop each: no test between them."
    gap, low, high = again.gap
    test = "" if again.p is None else f", clustered by question, {p_value(again.p)}"
    return (
        f"{start}, against {rate} for {again.name}: {points(gap)} points ({points(low)} to "
        f"{points(high)}{test}). What was trained on was not drawn by lot."
    )
