"""A figure as text and back: what a pin keeps is drawn again as it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.utils import PlotlyJSONEncoder


def packed(figure: Any) -> str:
    """A figure (or a finished one) as Plotly's JSON; the same figure gives the same text."""
    return json.dumps(figure.to_dict(), cls=PlotlyJSONEncoder, sort_keys=True)


def packed_all(figures: Sequence[tuple[str, Any]]) -> str:
    """Several figures, each with its finding, as one text."""
    list_of_figures = [
        {"says": says, "figure": json.loads(packed(figure))} for says, figure in figures
    ]
    return json.dumps({"figures": list_of_figures}, sort_keys=True)


def unpacked_all(text: str, says: str) -> list[tuple[str, go.Figure]]:
    """The figures of a pin with their findings; of one figure the finding is ``says``.

    Raises:
        ValueError: the text is no figure.
    """
    pages = json.loads(text)
    if not (isinstance(pages, dict) and isinstance(pages.get("figures"), list)):
        return [(says, unpacked(text))]
    return [(str(one["says"]), unpacked(json.dumps(one["figure"]))) for one in pages["figures"]]


def unpacked(text: str) -> go.Figure:
    """The figure of ``packed``; what a later Plotly does not know any more is left out of it.

    Raises:
        ValueError: the text is no figure.
    """
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise ValueError("a figure is a JSON object")
    return go.Figure(_arrays(parsed), skip_invalid=True)


def _arrays(part: Any) -> Any:
    """The same, with arrays where Plotly's JSON has their bytes."""
    if isinstance(part, list):
        return [_arrays(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    if part.keys() >= {"bdata", "dtype"}:
        values = np.frombuffer(base64.b64decode(part["bdata"]), dtype=part["dtype"])
        shape = str(part.get("shape") or values.size)
        return values.reshape([int(size) for size in shape.split(",")])
    return {key: _arrays(inner) for key, inner in part.items()}
