"""A group of features as a shortcut that can be told: shares, pay, onset, examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from analytics.shortcuts.design import Windows
from analytics.shortcuts.found import ExampleKey, Shortcut
from analytics.shortcuts.grouping import Group
from analytics.shortcuts.marks import Mark
from analytics.shortcuts.onset import onset, points
from analytics.shortcuts.pay import Pay
from analytics.shortcuts.rules import Texts
from analytics.shortcuts.sides import Side

EXAMPLES = 5
POINTS = 20
LARGEST = 1e300
KEY = ["step", "phase", "prompt_id", "sample_id"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Evidence(NamedTuple):
    """All features that were tested, one after the other over both sides."""

    marks: list[Mark]
    presence: sparse.csc_array
    sides: list[Side]
    earned: Floats
    logs: Floats


def tell(
    groups: Sequence[Group], all_of: Evidence, texts: Texts, window: Windows
) -> tuple[Shortcut, ...]:
    """The shortcuts that groups are."""
    every = all_of.presence[:, [one.lead for one in groups]].toarray() > 0
    many = every.sum(axis=1).astype(float)
    return tuple(
        _one(group, every[:, at], many - every[:, at], all_of, texts.frame, window)
        for at, group in enumerate(groups)
    )


def _one(
    group: Group, there: Bools, others: Floats, all_of: Evidence, frame: pl.DataFrame,
    window: Windows,
) -> Shortcut:  # fmt: skip
    at = group.lead
    step = frame["step"].to_numpy()
    first, share, n = points(step, there, POINTS)
    side = all_of.sides[0 if at < len(all_of.sides[0].marks) else 1]
    begun, late = (there[(step >= low) & (step <= high)] for low, high in (
        window.start, window.late[-1]))  # fmt: skip
    column = all_of.presence[:, [at]]
    mark = all_of.marks[at]
    return Shortcut(
        mark.name,
        kind=mark.kind,
        shares=tuple(
            {"step": int(s), "share": float(p), "n": int(m)}
            for s, p, m in zip(first, share, n, strict=True)
        ),
        share_start=float(begun.mean()),
        share_now=float(late.mean()),
        proxy=_effect(side.proxy, column),
        gold=None if side.gold is None else _effect(side.gold, column),
        earned=float(all_of.earned[at]),
        onset=onset(step, there),
        e_value=float(min(np.exp(min(all_of.logs[at], 690)), LARGEST)),
        same_as=tuple(all_of.marks[one].name for one in group.same),
        examples=_examples(there, others, side, frame, window),
        rule=mark.rule,
    )


def _effect(pay: Pay, column: sparse.csc_array) -> dict[str, float | None]:
    values = [float(one[0]) for one in pay.effects(column)]
    return dict(zip(("value", "low", "high"), (x if np.isfinite(x) else None for x in values),
                    strict=True))  # fmt: skip


def _examples(
    there: Bools, others: Floats, side: Side, frame: pl.DataFrame, window: Windows
) -> tuple[ExampleKey, ...]:
    """Responses that have it, of different prompts: paid for, with few other shortcuts, paid most.

    others: how many other shortcuts each response has.
    """
    pay = side.gap or side.proxy
    gain = pl.DataFrame({
        "row": pay.blocks.row, "gain": pay.blocks.centred(pay.values),
        "others": others[pay.blocks.row],
    })  # fmt: skip
    rows = frame.filter(pl.Series(there)).join(gain, on="row")
    late = rows.filter(pl.col("step") >= window.late[0][0])
    best = late.sort(
        pl.col("gain") <= 0, "others", "gain", "row", descending=[False, False, True, False]
    ).unique("prompt_id", keep="first", maintain_order=True)
    return tuple(cast("list[ExampleKey]", best.head(EXAMPLES).select(KEY).to_dicts()))
