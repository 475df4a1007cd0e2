"""From a curve to the responses behind it: at its start, peak and end, and at a point clicked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from pages.shared.links import local_link
from pages.shared.responses.completions_view import stretches

_STYLE = """
<style>
.to-rsp {font-size:.9rem}
.to-rsp a {color:inherit; text-decoration:none; border-bottom:1.5px solid rgba(128,128,128,.5)}
.to-rsp a:hover {border-bottom-color:currentColor}
.to-rsp a:not([href]) {border:0}
</style>
"""


def show_links(
    curves: Sequence[RunCurve], every: Mapping[str, Mapping[str, Any]], frozen: Mapping[str, int]
) -> None:
    """A line below the chart; nothing where none of its runs has logged responses.

    Args:
        curves: as drawn.
        every: rows of the query runs, by run.
        frozen: step that a run is frozen at.
    """
    with_samples = [curve for curve in curves if every[curve.run_id]["samples"]]
    if with_samples:
        st.html(links_html(with_samples, frozen))


def links_html(with_samples: Sequence[RunCurve], frozen: Mapping[str, int]) -> str:
    """HTML of the links to the responses of runs; a script completes it at a click."""
    runs = [curve.run_id for curve in with_samples]
    until = frozen.get(runs[0]) if len(runs) == 1 else None
    links = _links(with_samples[0], until) if len(runs) == 1 else ""
    data = escape(json.dumps(runs))
    kept = "" if until is None else f' data-until="{until}"'
    return (
        f'{_STYLE}<div class="to-rsp" data-runs="{data}"{kept}>Responses: {links}'
        '<a class="point"></a><span class="hint">click a point of the chart</span></div>'
    )


def _links(curve: RunCurve, until: int | None) -> str:
    own = [("run", curve.run_id), *[("until", until)] * (until is not None)]
    links = [("what it is paid for", own)]
    for name, first, last in stretches(curve):
        links.append((name.lower(), [*own, ("from", first), ("to", last)]))
    made = (f'<a href="{escape(local_link("/responses", where))}">{escape(name)}</a>'
            for name, where in links)  # fmt: skip
    return " · ".join(made) + " · "
