"""A view as it was pinned, on whatever page; and what pins the view at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl
import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import status_look
from analytics.figures.sent.pinned import packed, packed_all, unpacked_all
from analytics.review.software import detector_settings, software
from analytics.wording import count
from analytics.words.notes import when
from pages.shared import charts
from pages.shared.asking import note_reads, pin_reads
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.frame import heading
from pages.shared.keeping.isolation import attempt
from pages.shared.links import local_link, page_link
from pages.shared.people.notes_view import show_notes
from pages.shared.tables import show_table

SETTINGS = "axis", "scale", "gold", "band", "until"


def pin_popover(
    place: Any, page: str, address: Sequence[tuple[str, object]], says: Callable[[], str],
    figure: Any, curves: Sequence[RunCurve],
) -> None:  # fmt: skip
    """What pins the view: a name, a button, and then the pin's own address.

    Args:
        place: where it is drawn.
        page: path of the page.
        address: choices of the view, frozen.
        says: gives the finding in a sentence.
        figure: as drawn.
        curves: the runs that it shows.
    """
    with place.popover("Pin", icon=":material/keep:", width="stretch"):
        st.caption(
            "Keeps rows, verdict, settings and figure as they are now, also when the run is "
            "forgotten or the program changes. A copied link is frozen in its rows alone."
        )
        _form(page, address, lambda: _View(
            says(), packed(figure),
            {c.run_id: {"curve": c.curve.to_dicts(), "looks": c.looks.to_dicts()} for c in curves},
            [dict(c.verdict) for c in curves],
        ))  # fmt: skip


def pin_any(page: str, figures: Sequence[charts.Drawn]) -> None:
    """What pins a page by its figures and choices; nothing where it has drawn none.

    page: its path.
    """
    if not figures:
        return
    address = [(key, one) for key in st.query_params for one in st.query_params.get_all(key)]
    with st.popover("Pin", icon=":material/keep:"):
        st.caption(
            f"Keeps {count(len(figures), 'figure')} of this page with what they show, and the "
            "choices, as they are now."
        )
        _form(page, address, lambda: _View(
            figures[0].says, packed_all([(one.says, one.figure) for one in figures]), {}, []
        ))  # fmt: skip


class _View(NamedTuple):
    """What a pin keeps of a view."""

    says: str
    figure: str
    frames: Mapping[str, Any]
    verdicts: Sequence[Mapping[str, Any]]


def _form(page: str, address: Sequence[tuple[str, object]], view: Callable[[], _View]) -> None:
    with st.form("pin", border=False):
        by = st.text_input("Your name", note_reads.signed_in(), key="pin-by")
        asked = st.form_submit_button("Pin this view")
    if asked:
        _keep(by, page, address, view())
    # Kept, for the page runs again when the store has changed, and it just has.
    seen, name = st.session_state.get("pinned", (None, ""))
    if seen == (page, *address):
        st.caption("Pinned. Its address:")
        st.code(page_link(page, [("pin", name)]), language=None, wrap_lines=True)


def _keep(by: str, page: str, address: Sequence[tuple[str, object]], view: _View) -> None:
    chosen = {key: value for key, value in address if key in SETTINGS or not view.verdicts}
    try:
        name = pin_reads.keep(
            by,
            page=page,
            address=address,
            says=view.says,
            figure=view.figure,
            frames=view.frames,
            verdicts=view.verdicts,
            settings={**chosen, **detector_settings()},
            software=software(pin_reads.method()),
        )
    except pin_reads.NoteError as error:
        st.error(escaped(error), icon=":material/error:")
        return
    note_reads.remember(by.strip())
    st.session_state["pinned"] = (page, *address), name


def show_pin(name: str) -> None:
    """The page of a pin: all of it comes from the pin, nothing from today's runs."""
    heading("Pinned view", "What was shown when it was pinned, unchanged since.")
    pin = pin_reads.pin(name)
    if pin is None:
        st.error(f"There is no pin {called(name)} in this store.", icon=":material/search_off:")
        return
    st.set_page_config(page_title=f"{shown_name(pin['says'] or 'Pinned', 60)} · pinned")
    live = f"{pin['page']}?{pin['address']}"
    st.info(
        f"Pinned by {called(pin['by'])} on {escaped(when(pin))} UTC: rows, verdict and figure are "
        f"of that moment. [Show today's]({live})",
        icon=":material/keep:",
    )  # fmt: skip
    if pin["says"]:
        st.markdown(f"## {escaped(pin['says'], 200)}")
    sentence = pin["says"] or "Pinned figure"
    figures = attempt(name, "drawn", lambda: unpacked_all(pin["figure"], sentence))
    if isinstance(figures, list):
        for number, (says, figure) in enumerate(figures):
            charts.draw(figure, f"pinned-{number}" if number else "pinned", says)
    else:
        st.warning("The figure cannot be drawn by this program. Its rows are below.")
    verdicts = json.loads(pin["verdicts"] or "[]")
    for verdict in verdicts:
        _verdict(verdict, len(verdicts) > 1)
    with st.expander("Settings and software of that moment"):
        made = {"software": pin["software"], **json.loads(pin["settings"] or "{}")}
        show_table(pl.DataFrame({"setting": list(made), "value": [str(v) for v in made.values()]}),
                   hide_index=True)  # fmt: skip
    frames = json.loads(pin["frames"] or "{}")
    if frames:
        with st.expander("Rows as drawn"):
            _frames(frames)
    show_notes((), pin=name)
    with st.popover("Copy link", icon=":material/link:"):
        st.code(page_link(pin["page"], [("pin", name)]), language=None, wrap_lines=True)


def _verdict(verdict: Mapping[str, Any], titled: bool) -> None:
    words = status_look(str(verdict.get("status", "")))[1]
    who = f"{called(str(verdict.get('run')))}: " if titled else ""
    st.markdown(f"**{who}{escaped(words)}**")
    reasons = [str(reason) for reason in verdict.get("reasons") or []]
    st.markdown("\n".join(f"- {escaped(reason)}" for reason in reasons[:5]))
    if len(reasons) > 5:
        with st.expander("More findings"):
            st.markdown("\n".join(f"- {escaped(reason)}" for reason in reasons[5:]))


def _frames(frames: Mapping[str, Mapping[str, Any]]) -> None:
    for run, kept in frames.items():
        for name, rows in kept.items():
            if rows:
                st.caption(f"{called(run)}, {name}")
                show_table(pl.DataFrame(rows, infer_schema_length=None), hide_index=True)


def pin_links(rows: pl.DataFrame) -> str:
    """Pins as a Markdown list, each a link."""
    return "\n".join(
        f"- [{called(row['says'] or row['pin_id'])}]"
        f"({local_link(row['page'], [('pin', row['pin_id'])])})"
        f", {called(row['by'])}, {escaped(when(row))}"
        for row in rows.iter_rows(named=True)
    )
