"""A frozen view: rows after its step change nothing, and the page says that there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared.frame import escaped


def frozen_steps(
    chosen: Sequence[str], until: Mapping[str, int | None], every: Mapping[str, Any]
) -> dict[str, int]:
    """The step each chosen run is frozen at, with a banner that says so.

    Args:
        chosen: run_ids on the page.
        until: what the address asks for, by run.
        every: rows of the query runs, by run.
    """
    frozen = {run: step for run in chosen if (step := until.get(run)) is not None}
    if not frozen:
        return {}
    steps = ", ".join(f"{escaped(run)} at step {step:,}" for run, step in frozen.items())
    newer = [
        f"{escaped(run)} up to step {every[run]['step_end']:,}"
        for run, step in frozen.items()
        if (every[run]["step_end"] or 0) > step
    ]
    more = f"Newer rows exist: {', '.join(newer)}." if newer else "There are no newer rows."
    told, button = st.columns([4, 1], vertical_alignment="center")
    told.info(f"This view is frozen: {steps}. {more}", icon=":material/ac_unit:")
    if button.button("Show all rows", width="stretch"):
        del st.query_params["until"]
        st.rerun()
    return frozen
