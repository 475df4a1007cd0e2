"""Figures that are the same for all readers are drawn once, by what they show."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.sent.finished import Finished

MOST = 64


@dataclass
class _Place:
    """Where a figure is drawn by the first who asks; the others wait for it."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    figure: Finished | None = None


_places: OrderedDict[Hashable, _Place] = OrderedDict()
_lock = threading.Lock()


def once(view: Hashable, draw: Callable[[], Any]) -> Finished:
    """The figure of a view, drawn where it is not kept; what drawing raises is raised.

    Args:
        view: everything that the figure depends on.
        draw: makes the plotly figure.
    """
    with _lock:
        place = _places.setdefault(view, _Place())
        _places.move_to_end(view)
        while len(_places) > MOST:
            _places.popitem(last=False)
    with place.turn:
        if place.figure is None:
            place.figure = Finished(draw())
        return place.figure


def shown_of(curves: Sequence[RunCurve], every: Mapping[str, Mapping[str, Any]]) -> Hashable:
    """What a figure of these runs depends on of them: rows, looks and verdict as they are now."""
    return tuple(
        (c.run_id, c.ordinal, every[c.run_id]["generation"], c.curve.height, c.looks.height,
         hash(json.dumps(c.verdict, default=str)))
        for c in curves
    )  # fmt: skip
