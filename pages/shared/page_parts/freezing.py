"""A frozen view: rows after its step change nothing, and the page says that there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from analytics.wording import whole
from pages.shared.escaping import called, named


def frozen_steps(
    chosen: Sequence[str],
    until: Mapping[str, int | None],
    every: Mapping[str, Any],
    word: str = "step",
) -> dict[str, int]:
    """The step each chosen run is frozen at, with a banner that says so.

    Args:
        chosen: run_ids on the page.
        until: what the address asks for, by run.
        every: rows of the query runs, by run.
        word: what the page calls a step.
    """
    frozen = {run: step for run in chosen if (step := until.get(run)) is not None}
    for run in [one for one in frozen if frozen[one] < 0 <= (every[one]["step_end"] or 0)]:
        st.warning(
            f"The link’s until={whole(frozen.pop(run))} is no {word} of {called(run)}, so the view "
            "is not frozen."
        )
    if not frozen:
        return {}
    ends = sorted(set(frozen.values()))
    steps = (
        f"{word} {whole(ends[0])}"
        if len(ends) == 1
        else f"{word}s {whole(ends[0])} to {whole(ends[-1])}"
    )
    newer = [run for run, step in frozen.items() if (every[run]["step_end"] or 0) > step]
    last = max((every[run]["step_end"] for run in newer), default=0)
    more = "There are no newer rows."
    if newer:
        more = f"Newer rows exist: {named(newer)}, up to {word} {whole(last)}."
    note, button = st.columns([4, 1], vertical_alignment="center")
    note.info(f"This view is frozen at {steps}. {more}", icon=":material/ac_unit:")
    if button.button("Show all rows", width="stretch"):
        del st.query_params["until"]
        st.rerun()
    return frozen
