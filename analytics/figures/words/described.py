"""A figure in words, for readers who hear it: made from what is drawn, so that it cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from analytics.figures.words.captions import caption_of
from analytics.wording import count, number

MOST_LINES = 8


class Words(NamedTuple):
    """The title of the x axis, a sentence a line, and what each kind of mark means."""

    over: str
    lines: tuple[str, ...]
    caption: str = ""


def words_of(figure: go.Figure) -> Words:
    """What is drawn: where each named line begins and ends."""
    over = without_tags(figure.layout.xaxis.title.text)
    return Words(over, tuple(_lines(figure)), caption_of(figure))


def described(words: Words, says: str) -> str:
    """The finding, and what is drawn.

    Args:
        words: of the figure.
        says: the finding in a sentence, or the figure's title.
    """
    sentences = [f"{says.rstrip('.')}."]
    if words.over:
        sentences.append(f"Over {words.over}.")
    lines = words.lines
    sentences += lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        sentences.append(f"And {count(len(lines) - MOST_LINES, 'more line')}.")
    return " ".join(sentences)


def _lines(figure: go.Figure) -> Iterator[str]:
    seen = set()
    for trace in figure.data:
        name, axis = without_tags(trace.name), getattr(trace, "yaxis", None) or "y"
        if not name or (name, axis) in seen or not hasattr(trace, "y") or trace.y is None:
            continue
        values = np.asarray(trace.y)
        if values.dtype.kind not in "fiu" or not np.isfinite(values).any():
            continue
        seen.add((name, axis))
        finite = values[np.isfinite(values)]
        panel = without_tags(figure.layout[f"yaxis{axis[1:]}"].title.text)
        where = f"{name}, {panel}" if panel and panel != name else name
        if len(finite) == 1:
            yield f"{where}: {number(float(finite[0]))}."
        else:
            yield f"{where}: {number(float(finite[0]))} to {number(float(finite[-1]))}."


def without_tags(text: str | None) -> str:
    """A label without its tags and line breaks."""
    return " ".join(re.sub(r"<[^>]*>", " ", text or "").split())
