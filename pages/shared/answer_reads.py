"""What the pages on truth ask of the store, cached by its generation. data and analytics meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from analytics import hallucination as statistics
from data.home import home
from pages.shared import reads

Loops = tuple[str, ...]


def loops() -> dict[str, int]:
    """Loops and runs with graded answers: name to number of arrival."""
    there = reads.runs().filter(pl.col("answers") > 0).sort("ordinal")
    return dict(there.select("run_id", "ordinal").iter_rows())


def ask(question: str, **asked: Any) -> pl.DataFrame:
    """A named query of ``data/queries``; the answer is kept while the store does not change."""
    return _ask(str(home()), reads.store().generation, question, tuple(asked.items()))


@st.cache_data(show_spinner=False, max_entries=64)
def _ask(_home: str, generation: int, question: str, asked: tuple[Any, ...]) -> pl.DataFrame:
    values = {key: list(v) if isinstance(v, tuple) else v for key, v in asked}
    return reads.store().query(question, **values)


def hallucination(
    named: Loops, tau: float, compare_to: int | None, until: int | None = None
) -> pl.DataFrame:
    """The frame of ``analytics.hallucination.rates_from_counts`` for some loops."""
    return _hallucination(
        str(home()), reads.store().generation, named, tau, compare_to, until
    )  # fmt: skip


@st.cache_data(show_spinner=False, max_entries=32)
def _hallucination(
    _home: str, generation: int, named: Loops, tau: float, compare_to: int | None,
    until: int | None,
) -> pl.DataFrame:  # fmt: skip
    query: Callable[..., pl.DataFrame] = reads.store().query
    asked = {"loops": list(named), "until": until}
    return statistics.rates_from_counts(
        query("answer_counts", **asked, tau=tau),
        query("answer_flips", **asked, compare_to=compare_to),
        query("answer_clusters", **asked), query("answer_cells", **asked), compare_to, tau,
    )  # fmt: skip


def answers_page(named: Loops, rows: int, skip: int, **filters: Any) -> pl.DataFrame:
    """One page of the answers that pass the filters, newly wrong first, and the total."""
    return ask("answers_page", loops=named, rows=rows, skip=skip, **filters)


def answer_history(named: Loops, question_id: str, origin: str | None) -> pl.DataFrame:
    """One question over the iterations of some loops."""
    return ask("answer_history", loops=named, question_id=question_id, origin=origin, until=None)


def training_answers(named: Loops, until: int | None = None) -> pl.DataFrame:
    """Answers with what was trained on, for the training-set view."""
    return ask("training_answers", loops=named, until=until)


def corpus(named: Loops, until: int | None = None) -> pl.DataFrame:
    """What each iteration was trained on."""
    return ask("corpus", loops=named, until=until)


def fact_rates(run: str, until: int | None = None) -> pl.DataFrame:
    """Stated and wrong facts of one run by step, and the rate that its trainer logged."""
    return ask("fact_rates", run=run, until=until)


def arms(named: Loops) -> dict[str, str]:
    """Arm of each loop, where its log states one."""
    every = {row["run_id"]: row["facts"] for row in reads.runs().iter_rows(named=True)}
    config = {loop: json.loads(every[loop]).get("config", {}) for loop in named}
    return {loop: str(held.get("arm", loop)) for loop, held in config.items()}
