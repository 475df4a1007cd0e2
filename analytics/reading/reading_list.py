"""The reading list: the few responses that tell what the proxy pays for and gold does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from analytics.reading.novelty import Beginning, Trait, traits
from analytics.reading.shown import one_line
from analytics.reading.traits import phrases
from analytics.wording import count, number, whole

MOST = 20
COVER = 12
"""So many items at most are there because they hold a shortcut that no other item holds."""
STRETCHES = 8
"""Stretches of steps that the list draws on evenly."""
AGAIN = {"prompt": 0.5, "stretch": 0.93, "trait": 0.9}
"""What an item is worth, times this, for each earlier one of the same prompt, stretch or trait."""
MOST_NAMED = 2
"""Shortcuts that an item's reason names."""
ALIKE = 0.8
"""Share of phrases in common from which two responses are one to a reader."""
NEW, GROWN = 2.0, 1.3
"""What a phrase adds: one that the start never said, one that it said less."""


@dataclass(frozen=True)
class Item:
    """A response to read, and why.

    ``row``: step, prompt_id, sample_id, phase, prompt, completion, proxy_reward, gold_reward, gain
    and loss (proxy above and gold below the start on that prompt, reward units; loss None without
    gold), own (whether the prompt was drawn at the start), score (the lesser of both in standard
    deviations of the run's start).
    """

    row: Mapping[str, Any]
    traits: tuple[Trait, ...]
    shortcuts: tuple[str, ...]
    why: str


def reading_list(
    candidates: pl.DataFrame,
    start: Beginning,
    shortcuts: Mapping[str, Sequence[bool]] | None = None,
    most: int = MOST,
) -> list[Item]:
    """Choose what to read: first what covers the shortcuts, then what gained most and is new.

    Greedy: each next item holds the most shortcuts that no earlier one holds, and then is worth
    the most, where another of the same prompt, stretch of steps or trait is worth less. The same
    list whatever order the candidates come in.

    Args:
        candidates: rows as in ``Item``.
        start: of ``novelty.beginning``.
        shortcuts: for each name, in order of importance, whether each candidate holds it.
        most: length of the list.
    """
    by_shortcut = shortcuts or {}
    pool = [
        _Candidate(row, traits(row["prompt"], row["completion"], start),
                   tuple(name for name, there in by_shortcut.items() if there[place]))
        for place, row in enumerate(candidates.iter_rows(named=True))
    ]  # fmt: skip
    pool.sort(key=lambda one: one.order)
    _place_in_stretches(pool)
    chosen: list[_Candidate] = []
    covered: set[str] = set()
    seen: Counter[tuple[str, object]] = Counter()
    while pool and len(chosen) < most:
        covering = len(chosen) < COVER
        best = max(
            range(len(pool)),
            key=lambda at: (
                len(set(pool[at].shortcuts) - covered) if covering else 0,
                round(pool[at].worth(seen), 9),
                -at,
            ),
        )
        one = pool.pop(best)
        if any(_alike(one.phrases, other.phrases) for other in chosen):
            continue
        chosen.append(one)
        covered.update(one.shortcuts)
        seen.update(one.marks)
    return [
        Item(one.row, tuple(one.traits), one.shortcuts, why(one.row, one.traits, one.shortcuts))
        for one in chosen
    ]


class _Candidate:
    def __init__(self, row: dict[str, Any], found: list[Trait], shortcuts: tuple[str, ...]) -> None:
        self.row, self.traits, self.shortcuts = row, found, shortcuts
        self.order = (-round(row["score"], 9), -row["step"], row["prompt_id"], row["sample_id"])
        self.phrases = phrases(row["completion"][:800])
        self.stretch = 0
        lead = [one for one in found if one.kind == "phrase"]
        self.new = (NEW if lead[0].is_new else GROWN) if lead else 1.0

    @property
    def marks(self) -> list[tuple[str, object]]:
        lead = [("trait", self.traits[0].name)] if self.traits else []
        return [("prompt", self.row["prompt_id"]), ("stretch", self.stretch), *lead]

    def worth(self, seen: Counter[tuple[str, object]]) -> float:
        """Its score, more where it says something new, less where its like was chosen."""
        worth = self.row["score"] * self.new
        for mark in self.marks:
            worth *= AGAIN[mark[0]] ** seen[mark]
        return float(worth)


def _place_in_stretches(pool: Sequence[_Candidate]) -> None:
    steps = [one.row["step"] for one in pool]
    first, width = min(steps, default=0), max(steps, default=0) - min(steps, default=0) + 1
    for one in pool:
        one.stretch = (one.row["step"] - first) * STRETCHES // width


def _alike(one: set[str], other: set[str]) -> bool:
    if not one or not other:
        return one == other
    return len(one & other) >= ALIKE * len(one | other)


def why(
    row: Mapping[str, Any], found: Sequence[Trait], shortcuts: Sequence[str] = (), most: int = 2
) -> str:
    """Why an item is there, in a sentence: rewards against the start, shortcuts, what stands out.

    >>> row = {"gain": 2.13, "loss": 0.8, "own": True}
    >>> why(row, [Trait("phrase", "empower", True, "says “empower”, new since step 120")])
    'proxy 2.13 above this prompt’s start, gold 0.8 below; says “empower”, new since step 120'
    """
    whose = "this prompt’s start" if row["own"] else "the run’s start"
    reason = f"proxy {number(row['gain'])} above {whose}"
    if row["loss"] is not None:
        reason += f", gold {number(row['loss'])} below"
    named = [one_line(name) for name in shortcuts]
    fit = MOST_NAMED if len(named) > MOST_NAMED + 1 else MOST_NAMED + 1
    reason += f"; paid for: {' · '.join(named[:fit])}" if named else ""
    if len(named) > fit:
        reason += f" and {count(len(named) - fit, 'further shortcut')}"
    other = [one for one in found if not _named(one, named[:fit])]
    return "; ".join([reason, *(one.says for one in other[:most])])


def _named(one: Trait, shortcuts: Sequence[str]) -> bool:
    """Whether a shortcut says what a trait would say again: the same phrase, or one around it."""
    return one.kind == "phrase" and any(one.name in name for name in shortcuts)


SHARED = {
    "repeats": "repeat themselves", "long": "are far longer than at the start",
    "short": "are far shorter than at the start",
}  # fmt: skip
"""What several items do, by kind of trait."""
SOME = 0.1
"""More than this share of the items do what is said of the whole list."""


def in_common(items: Sequence[Item], most: int = 3) -> str:
    """What the list says as a whole: "15 repeat themselves, 9 say “as an ai”"; may be empty.

    Where shortcuts were found, these alone: what else the items share is not what is paid for.
    """
    paid = Counter(one_line(name) for item in items for name in item.shortcuts)
    if paid:
        most_held = sorted(paid.items(), key=lambda one: (-one[1], one[0]))[:most]
        return ", ".join(f"{whole(n)}: {name}" for name, n in most_held)
    traits = Counter(_shared(one) for item in items for one in item.traits)
    new = {_shared(one) for item in items for one in item.traits if one.is_new}
    often = sorted(
        (one for one in traits.items() if one[1] > max(1, SOME * len(items))),
        key=lambda one: (one[0] not in new, one[0] not in SHARED.values(), -one[1], one[0]),
    )
    return ", ".join(f"{whole(n)} {trait}" for trait, n in often[:most])


def _shared(one: Trait) -> str:
    return SHARED.get(one.kind, f"say “{one.name}”")
