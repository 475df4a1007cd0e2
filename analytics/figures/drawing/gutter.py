"""Names at the ends of lines, in the margin to the right, where they never meet each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.figures.drawing.stacked import Stack
from analytics.figures.drawing.text import plain

LETTER, APART = 7.6, 16
"""Pixels: the width of a letter and the height of a line of the labels, 12 pixels large."""
LONGEST = 14


def apart(wanted: Sequence[float], least: float = APART, highest: float = np.inf) -> list[float]:
    """The places nearest to those wanted that are ``least`` apart and between 0 and ``highest``.

    >>> apart([50.0, 52.0, 10.0], 16)
    [43.0, 59.0, 10.0]
    """
    order = np.argsort(np.asarray(wanted, dtype=float), kind="stable")
    groups: list[tuple[float, int]] = []  # (middle, how many labels)
    for at in order:
        middle, size = float(wanted[at]), 1
        while groups and middle - groups[-1][0] < least * (size + groups[-1][1]) / 2:
            before, number = groups.pop()
            middle = (middle * size + before * number) / (size + number)
            size += number
        low = least * (size - 1) / 2
        groups.append((min(max(middle, low), max(highest - low, low)), size))
    placed = [
        middle + least * (place - (size - 1) / 2)
        for middle, size in groups
        for place in range(size)
    ]
    for i in range(len(placed) - 2, -1, -1):  # a group that was held at the upper end pushes down
        placed[i] = min(placed[i], placed[i + 1] - least)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + least)
    found = np.empty(len(placed))
    found[order] = placed
    return [float(place) for place in found]


def short_names(names: Sequence[str]) -> list[str]:
    """Names for the gutter: what all begin with is left out where it would cut their ends.

    >>> short_names(["ppo_large_model_seed1", "ppo_large_model_seed2"])
    ['…seed1', '…seed2']
    >>> short_names(["r3", "r5"])
    ['r3', 'r5']
    """
    plain_names = [plain(" ".join(name.split()) or "(a blank name)", 10_000) for name in names]
    if max((len(name) for name in plain_names), default=0) > LONGEST and len(plain_names) > 1:
        first, last = (
            min(plain_names),
            max(plain_names),
        )  # what these two share, all between them share
        same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
        shared = first[:same]
        cut = max(shared.rfind(mark) + 1 for mark in "-_ /.:")
        if cut > 2:
            plain_names = [f"…{name[cut:]}" for name in plain_names]
    return [plain(name, LONGEST) for name in plain_names]


def width_for(labels: Sequence[str]) -> int:
    """Pixels that the gutter takes for these labels and the mark before each."""
    longest = max((len(label) for label in labels), default=0)
    return round(28 + LETTER * min(longest, LONGEST))


def chip(colour: str, label: str, mark: str = "●", after: bool = False) -> str:
    """A label whose mark, not whose letters, has the colour: any colour can be read so."""
    sign = f'<span style="color:{colour}">{mark}</span>'
    return f"{label} {sign}" if after else f"{sign} {label}"


class Gutter:
    """Collects the ends of lines, and writes their names beside them."""

    def __init__(self, stack: Stack) -> None:
        """For the panels of a stack."""
        self.stack = stack
        self.ends: dict[int, list[tuple[float, str]]] = {}
        self.reach: dict[int, tuple[float, float]] = {}

    def drawn(self, panel: int, y: np.ndarray) -> None:
        """Take note of what a panel has to show."""
        finite = y[np.isfinite(y)]
        if finite.size:
            low, high = self.reach.get(panel, (np.inf, -np.inf))
            self.reach[panel] = (min(low, float(finite.min())), max(high, float(finite.max())))

    def name(self, panel: int, x: np.ndarray, y: np.ndarray, label: str) -> None:
        """Name a line by its last point; one without any point has no name."""
        finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if finite.size:
            self.ends.setdefault(panel, []).append((float(y[finite[np.argmax(x[finite])]]), label))

    def write(self) -> None:
        """Write the names: one a line, moved up or down where two would meet."""
        for panel, ends in self.ends.items():
            low, high = self.reach[panel]
            room = 0.06 * (high - low) or 1.0
            pixels = self.stack.heights[panel] / (high - low + 2 * room)
            wanted = [(y - low + room) * pixels for y, _ in ends]
            placed = apart(wanted, highest=self.stack.heights[panel])
            for (y, label), want, place in zip(ends, wanted, placed, strict=True):
                self.stack.figure.add_annotation(
                    x=1, xref="paper", xanchor="left", xshift=6, y=y, yref=self.stack.panel(panel),
                    yanchor="middle", yshift=round(place - want), text=label, showarrow=False,
                    font={"size": 12}, align="left", name="line",
                )  # fmt: skip
