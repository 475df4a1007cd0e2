"""The dialog in which a reader takes a figure away: its size, format, ground, title, caption.

SVG and PNG are saved by the reader's own browser from the preview, which costs the server nothing;
PDF is printed by a browser on the server, where there is one. Both show the reader's zoom.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from analytics.figures.sent.takeaway import (
    INKS,
    PRINTED,
    SIZES,
    drawn_rows,
    framed,
    printable,
    zoomed,
)
from analytics.figures.words.captions import caption_of
from pages.shared import charts
from pages.shared.page_parts import printing
from pages.shared.reads import csv_bytes

BUTTON = """<style>.take-away {background:#1F4E79; color:#FFFFFF; border:0; border-radius:.4rem;
padding:.5rem .9rem; font:inherit; font-size:.9rem; cursor:pointer}</style>"""
Draw = Callable[[int, bool], Any]
"""Draws the figure anew: height of its highest panel, whether with the panels below."""


@st.dialog("Take the figure away", width="large")
def take_away(draw: Draw, name: str, title: str) -> None:
    """Show the figure as it will be saved, and save it.

    Args:
        draw: makes the figure.
        name: of the file, without its ending.
        title: the figure's finding.
    """
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    size = row.segmented_control(
        "Size", list(SIZES), default="page", required=True, key="take_size",
        help="; ".join(f"{key}: {one.words}" for key, one in SIZES.items()),
    )  # fmt: skip
    program = printing.browser()
    kinds = ["svg", "png", *(["pdf"] if program else [])]
    kind = row.segmented_control(
        "Format", kinds, default="svg", required=True, format_func=str.upper, key="take_kind",
        help="PNG has 300 dots an inch.",
    )  # fmt: skip
    ground = row.segmented_control(
        "Ground", list(INKS), default="light", required=True, key="take_ground"
    )
    titled = row.toggle("Title", value=True, key="take_title")
    with_caption = row.toggle("Caption", value=True, key="take_caption")
    below = row.toggle("Lower panels", value=False, key="take_below")
    if not program:
        st.caption("PDF needs a browser on the server, and there is none: SVG is as sharp.")
    figure = zoomed(draw(SIZES[size].tall, below), st.query_params.get("zoom", ""))
    caption = caption_of(figure)
    made = framed(
        figure, SIZES[size], INKS[ground], title if titled else "", caption if with_caption else ""
    )
    _save(made, name, kind, program)
    charts.preview(made, "take-away", title)
    st.caption("To paste under it:")
    st.code(f"{title.rstrip('.')}. {caption}", language=None, wrap_lines=True)


def _save(figure: Any, name: str, kind: str, program: str | None) -> None:
    row = st.container(horizontal=True, gap="small")
    if kind == "pdf" and program:
        row.download_button(
            "Save PDF", lambda: printing.pdf(printable(figure), program),
            file_name=f"{name}.pdf", mime="application/pdf", on_click="ignore", type="primary",
            icon=":material/download:",
        )  # fmt: skip
    else:
        scale = PRINTED if kind == "png" else 1
        row.html(
            f'{BUTTON}<button type="button" class="take-away" data-format="{kind}" '
            f'data-scale="{scale}" data-name="{escape(name)}">Save {kind.upper()}</button>'
        )
    row.download_button(
        "Data as drawn (CSV)", lambda: csv_bytes(drawn_rows(figure)), file_name=f"{name}.csv",
        mime="text/csv", on_click="ignore",
    )  # fmt: skip
