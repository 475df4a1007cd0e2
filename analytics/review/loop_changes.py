"""What changed in a loop: wrong answers and texts that hold up with their tests, gate, people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import polars as pl

from analytics.collapse.indicators import BY_NAME
from analytics.collapse.words import changes as indicator_changes
from analytics.hallucination.words import origin_words
from analytics.rates import benjamini_hochberg
from analytics.review.state import TOTAL, GateState, State
from analytics.wording import p_value, rate_text, whole

LEVEL = 0.05
"""Of the false ones among the changes of wrong answers that a review names."""
ChangeParts = tuple[str, str, str, str, str, bool]


def found(then: State, now: State) -> Iterator[ChangeParts]:
    """Changes as (kind, subject, what, evidence, link, needs_decision)."""
    yield from _wrong(then, now)
    yield from _texts(then, now)
    for loop in sorted(now.gates):
        yield from _gate(loop, then.gates.get(loop), now.gates[loop])
    for loop, (iteration, sentence) in sorted(now.people.items()):
        asked: list[tuple[str, Any]] = [("loop", loop), ("iteration", iteration)]
        yield "checkpoint_due", loop, sentence, "", f"/checkpoints?{urlencode(asked)}", True


def _wrong(then: State, now: State) -> Iterator[ChangeParts]:
    """New tests of wrong answers that hold up among all new ones of the review (BH)."""
    if now.wrong.is_empty():
        return
    tested = now.wrong.filter(pl.col("change_p").is_not_null())
    if not then.wrong.is_empty():
        same = [*TOTAL, "n", "incorrect"]
        tested = tested.join(then.wrong.select(same), on=same, how="anti")
    if tested.is_empty():
        return
    tested = tested.sort(TOTAL)
    q = benjamini_hochberg(tested["change_p"].to_numpy().astype(np.float64))
    surely = tested.filter(pl.Series(q <= LEVEL))
    for (loop, _), rows in surely.group_by("loop", "origin", maintain_order=True):
        row = rows.row(-1, named=True)
        rose = row["change_difference"] > 0
        sentence = (
            f"wrong answers on {origin_words(row['origin'])} {'rose' if rose else 'fell'} from "
            f"{rate_text(row['change_rate_before'])} to {rate_text(row['change_rate_now'])} "
            f"at iteration {whole(row['iteration'])}"
        )
        test = f"{row['change_test']}, p{p_value(row['change_p'])[1:]}, {whole(row['n'])} answers"
        if earlier := rows["iteration"].to_list()[:-1]:
            test += f"; changed also at iteration {', '.join(map(str, earlier))}"
        link = f"/hallucination?{urlencode([('loop', loop)])}"
        worse = bool((rows["change_difference"] > 0).any())
        yield "wrong_answers", str(loop), sentence, test, link, worse


def _texts(then: State, now: State) -> Iterator[ChangeParts]:
    """Indicators that are worse at an iteration that was not there, and were not before."""
    ends = {loop: _last(then, loop) for loop in {row["loop"] for row in now.indicators}}
    for loop, end in sorted(ends.items()):
        rows = [row for row in now.indicators if row["loop"] == loop]
        new: dict[str, int] = {}
        for name in dict.fromkeys(row["indicator"] for row in rows):
            worse = [at for at, one in indicator_changes(rows, name).items() if one == "worse"]
            if worse and min(worse) > end:
                new[BY_NAME[name].title] = min(worse)
        if new:
            what = f"worse than at first from iteration {min(new.values())} on: {', '.join(new)}"
            link = f"/iterations?{urlencode([('loop', loop)])}"
            yield "diversity", loop, what, "5 % over all iterations of a row together", link, True


def _last(then: State, loop: str) -> int:
    """The last iteration of a loop's texts in the earlier state; -1 where there was none."""
    return max((int(row["iteration"]) for row in then.indicators if row["loop"] == loop),
               default=-1)  # fmt: skip


def _gate(loop: str, then: GateState | None, now: GateState) -> Iterator[ChangeParts]:
    asked: list[tuple[str, Any]] = [("loop", loop), ("iteration", now.iteration)]
    link = f"/gate?{urlencode(asked)}"
    if then is None or (then.iteration, then.result) != (now.iteration, now.result):
        was = f"was {then.result} at iteration {then.iteration}" if then else "not judged before"
        sentence = f"gate of iteration {now.iteration}: {now.result} ({was})"
        yield "gate", loop, sentence, now.reason, link, now.result != "PASS"
    if now.people_due and not (then and then.people_due and then.iteration == now.iteration):
        yield (
            "checkpoint_due",
            loop,
            now.people_due,
            "",
            link.replace("/gate", "/checkpoints"),
            True,
        )
