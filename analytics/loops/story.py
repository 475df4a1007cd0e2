"""A loop in one row: what each measure was at its first iteration, and what it is at its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.collapse.words import Change
from analytics.loops.cells import Question

TITLES = {
    "proxy_reward": "Proxy", "gold_reward": "Gold", "wrong": "Wrong answers",
    "outside": "Wrong outside pool", "confident": "Confident, wrong",
    "distinct_2": "Distinct-2", "kl": "KL, nats",
}  # fmt: skip
"""Rows of the board that tell the story, and their short titles, in the order of reading."""


@dataclass(frozen=True)
class End:
    """From the first to the last iteration that was measured; ``change`` is the last one's test."""

    title: str
    first: str
    last: str
    change: Change
    at: int


def ends(board: Sequence[Question]) -> dict[str, End]:
    """By name of the question; what was measured at fewer than two iterations is left out."""
    by_name = {question.name: question for question in board}
    found = {}
    for name, title in TITLES.items():
        cells = by_name[name].cells if name in by_name else {}
        known = [at for at, cell in sorted(cells.items()) if cell.value is not None]
        if len(known) > 1:
            last = cells[known[-1]]
            found[name] = End(title, cells[known[0]].text, last.text, last.change, known[-1])
    return found


def since_first(board: Sequence[Question]) -> str:
    """The same in a sentence; empty where nothing was measured twice."""
    parts = [f"{one.title[0].lower()}{one.title[1:]} {one.first} → {one.last}"
            if not one.title.startswith("KL") else f"{one.title} {one.first} → {one.last}"
            for one in ends(board).values()]  # fmt: skip
    return f"From the first to the last iteration: {', '.join(parts)}." if parts else ""
