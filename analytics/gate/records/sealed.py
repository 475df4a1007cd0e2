"""Sealed gold: the gate opens it, each look is recorded, and the gate says how many there were.

Gold on which checkpoints were chosen is selected on; gold that only a gate has read is not, as long
as a gate reads it once an iteration. Of n looks whose best is taken the best stands above the truth
by the expected largest of n standard normal numbers, in standard errors (`gold_uses`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from analytics.comparing.gold_uses import expected_best
from analytics.gate.rules.policy import Policy
from analytics.wording import count, fixed

Query = Callable[..., pl.DataFrame]
GOLD_CHECKS = {"gold_from_release", "gold_from_first"}
"""The checks that read it."""


def sealed_sources(query: Query, loop: str) -> list[str]:
    """Sources of a loop's gold that are sealed, that with the most scores first."""
    rows = query("sealed_sources", runs=[loop]).filter(pl.col("scores") > 0)
    return rows.sort("scores", descending=True)["source"].to_list()


def acts(query: Query, loop: str) -> tuple[dict[str, Any], ...]:
    """What was done with the sealed gold of a loop's project, in order."""
    runs = query("runs", project=None, runs=[loop])
    return tuple(query("seals", project=runs["project"][0]).to_dicts()) if runs.height else ()


def opened(
    query: Query, loop: str, iteration: int, policy: Policy,
    record: Callable[[Mapping[str, Any]], None],
) -> pl.DataFrame:  # fmt: skip
    """A loop's sealed gold up to an iteration, and the record that a gate looked at it.

    Of several sealed sources that with the most scores: sources are never pooled. Empty, and
    nothing recorded, where none was measured at this iteration, or the policy asks nothing of gold.
    The same look again (same rows, same policy) is the same.

    Args:
        record: writes the look down: act, seal_id, project, source, loop, iteration, policy.
    """
    sources = sealed_sources(query, loop)
    asked = GOLD_CHECKS & set(policy.checks("reward_hacking"))
    rows = query("sealed_gold", loops=[loop], until=iteration) if sources and asked else None
    if rows is None or rows.filter(pl.col("iteration") == iteration).is_empty():
        return pl.DataFrame(schema={"iteration": pl.Int64})
    rows = rows.filter(pl.col("source") == sources[0])
    seen = hashlib.sha256(repr(rows.drop("text").rows()).encode()).hexdigest()
    act = (loop, iteration, policy.hash, seen)
    record({
        "seal_id": hashlib.sha256(repr(act).encode()).hexdigest()[:16], "act": "gate",
        "project": query("runs", project=None, runs=[loop])["project"][0], "source": sources[0],
        "loop": loop, "iteration": iteration, "policy": policy.hash,
    })  # fmt: skip
    return rows


def sentence(held_sealed: Sequence[str], looks: Sequence[Mapping[str, Any]], source: str,
             iteration: int, planned: int) -> str:  # fmt: skip
    """How often sealed gold was looked at, and what that does; what was not opened is said.

    Args:
        held_sealed: sources that stayed sealed at this look.
        looks: acts on the project's sealed gold, this look among them.
        source: that was opened; "" = none.
        iteration: that is judged.
        planned: looks that the policy plans a year.
    """
    if not source:
        return "" if not held_sealed else (
            f"Gold of {', '.join(held_sealed)} is sealed and was not opened here: the gate's page "
            "and its command do, and are counted."
        )  # fmt: skip
    mine = [act for act in looks if act["source"] == source]
    gates = [act for act in mine if act["act"] == "gate"]
    at = Counter(act["iteration"] for act in gates)
    sentence = (
        f"Gold is that of {source}, which is sealed: no verdict, page or export has read it. Gates "
        f"have looked at it {count(len(gates), 'time')}, at {count(len(at), 'iteration')}."
    )
    if at[iteration] > 1:
        sentence += (
            f" Iteration {iteration} was looked at {at[iteration]} times: where the best of them "
            f"is taken, expect its gold to be too high by up to "
            f"{fixed(expected_best(at[iteration]), 1)} standard errors. Report the first look."
        )
    if len(gates) > planned:
        sentence += (
            f" That is more than the {planned} looks that the policy plans a year: seal a new set "
            "of prompts."
        )
    elif len(at) < len(gates) and at[iteration] <= 1:
        sentence += " Other iterations were looked at more than once."
    for act, word in (("export", "exported"), ("unseal", "unsealed")):
        times = sum(one["act"] == act for one in mine)
        if times:
            sentence += (
                f" It was {word} {count(times, 'time')}: whoever has seen it can choose on it."
            )
    return sentence
