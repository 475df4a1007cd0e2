"""Which run's responses: the one that the address names, or the one that most needs a look."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from pages.shared import links, reads
from pages.shared.choices import by_hand, seed
from pages.shared.escaping import called

URGENT = ("overoptimized", "warning", "collapsed", "too_little_gold", "unmeasured", "no_onset")


def choose_run(row: Any) -> str:
    """Ask for a run in ``row``; ends the page where there are none, and says what to log."""
    runs = reads.runs()
    there = runs.filter(pl.col("samples") > 0)["run_id"].to_list()
    every, asked = runs["run_id"].to_list(), links.asked("run")
    for name in (one for one in asked if one not in every):
        st.error(
            f"The link asks for run {called(name)}, which is not in this store. Import its log, or "
            "choose another run.", icon=":material/search_off:",
        )  # fmt: skip
    named = [one for one in asked if one in every]
    there_of_named = [one for one in named if one in there]
    if not there:
        _say_what_to_log("No run of this store has responses.")
    first = (there_of_named or named or sorted(there, key=_urgency))[0]
    options = there if first in there else [first, *there]
    seed("run", first)
    if st.session_state["run"] not in options:
        st.session_state["run"] = first

    def keep() -> None:
        st.query_params["run"] = st.session_state["run"]
        by_hand("run")

    now = options.index(st.session_state["run"])
    run = str(row.selectbox("Run", options, now, key="run", on_change=keep, width=280))
    if run not in there:
        _say_what_to_log(f"{called(run)} has no logged responses.")
    return run


def _urgency(run: str) -> tuple[int, str]:
    known = reads.kept_verdicts().get(run)
    status = None if known is None else known.get("status")
    return (URGENT.index(status) if status in URGENT else len(URGENT)), run


def _say_what_to_log(says: str) -> None:
    st.info(f"{says} The rewards alone do not tell what it is paid for.", icon=":material/forum:")
    st.markdown(
        "In TRL, `log_completions=True` keeps them; rollout dumps of verl, OpenRLHF and others are "
        "read as they are. A table (CSV, JSON Lines, Parquet) has `run_id, step, prompt_id, "
        "sample_id, prompt, completion, proxy_reward` and, where measured, `gold_reward`."
    )
    st.code("python -m data import PATH/TO/responses.parquet", language=None, wrap_lines=True)
    st.stop()
