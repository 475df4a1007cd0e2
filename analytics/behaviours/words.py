"""What the rates of behaviours say, in sentences that a reviewer can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.behaviours import BehaviourRow, beyond_chance
from analytics.wording import count, fixed, p_value, points, rate_interval, steps, whole
from analytics.words.names import cut

Row = Mapping[str, Any]
FEWEST = 5
"""Trajectories with the behaviour below which silence says little."""

HEADS = ("environment", "trajectories", "seen", "rate (95 %)", "first third", "last third",
         "change, points (95 %)", "p", "q")  # fmt: skip
"""Heads of the table of a behaviour."""


def sentences(rows: Sequence[BehaviourRow]) -> list[str]:
    """On the rows of one run, source and behaviour: what moves, and what is silent."""
    environments = [row for row in rows if row["environment"] is not None]
    tested = [row for row in environments if row["change"]]
    if not tested:
        return [f"{_name(rows[0])}: {_why_not(environments)}, so no trend can be tested."]
    moving = list(beyond_chance(environments))
    sentences = [moved_sentence(row) for row in moving]
    silent = [row for row in tested if row not in moving]
    if silent:
        rest = "the other " if moving else ""
        where = count(len(silent), "environment")
        quietest = min(row["change"]["q"] or 0.0 for row in silent if row["change"])
        sentences.append(
            f"In {rest}{where} no trend of {_name(rows[0])} is beyond chance (smallest "
            f"{_q(quietest)})."
        )
    few = [row for row in silent if row["seen"] < FEWEST]
    if few:
        sentences.append(
            f"In {len(few)} of them it was seen fewer than {FEWEST} times: a rise there could "
            "hardly have been found."
        )
    if untested := len(environments) - len(tested):
        sentences.append(f"In {count(untested, 'environment')} no trend can be tested.")
    return sentences


def moved_sentence(row: Row) -> str:
    """One environment's rise or fall."""
    change, first, last = row["change"], row["first"], row["last"]
    wider = ""
    if change["scatter"] > 1.2:
        wider = (
            f", steps vary {fixed(change['scatter'], 1)} times as much as independent "
            "trajectories do, which is allowed for"
        )
    return (
        f"{_name(row)} {change['direction']} in {cut(row['environment'])}: "
        f"{rate_interval(first['rate'], first['low'], first['high'])} at "
        f"{steps(first['step_first'], first['step_end'])}, "
        f"{rate_interval(last['rate'], last['low'], last['high'])} at "
        f"{steps(last['step_first'], last['step_end'])} "
        f"({p_value(change['p'])}, {_q(change['q'])}{wider})."
    )


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table under HEADS."""
    change = row["change"]
    between, p, q = "–", "–", "–"
    if change:
        low, high = (fixed(100 * change[end], 1) for end in ("low", "high"))
        between = f"{points(change['difference'])} ({low} to {high})"
        p, q = (p_value(change[key]).removeprefix("p ").removeprefix("= ") for key in "pq")
    thirds = (
        "–" if part is None else rate_interval(part["rate"], part["low"], part["high"])
        for part in (row["first"], row["last"])
    )
    return (
        cut(row["environment"] or "all environments"), whole(row["n"]), whole(row["seen"]),
        rate_interval(row["rate"], row["low"], row["high"]), *thirds, between, p, q,
    )  # fmt: skip


def _name(row: Row) -> str:
    return f"“{cut(row['behaviour'])}” ({cut(row['source'])})"


def _q(value: float) -> str:
    return p_value(value).replace("p", "q", 1)


def _why_not(environments: Sequence[Row]) -> str:
    if all(row["steps"] < 2 for row in environments):
        return "it was looked for at a single step"
    if all(row["seen"] == 0 for row in environments):
        n = whole(sum(row["n"] for row in environments))
        return f"it was seen in none of {n} trajectories"
    return "it was seen in all trajectories, or in none"
