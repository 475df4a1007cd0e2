"""What the page on components asks of one run, cached by the run's own generation."""

from __future__ import annotations

import polars as pl
import streamlit as st

from pages.shared import reads


def scalar_keys(run: str) -> list[str]:
    """Further numbers of a run's training rows that change over the run."""
    return _keys(reads.run_generation(run), "scalar_keys", run)


def member_keys(run: str) -> list[str]:
    """Further numbers of a run's training responses."""
    return _keys(reads.run_generation(run), "member_keys", run)


@st.cache_data(show_spinner=False, max_entries=1024)
def _keys(run_generation: int, question: str, run: str) -> list[str]:
    return reads.store().query(question, run=run)["key"].to_list()


def components(run: str, keys: tuple[str, ...], until: int | None) -> pl.DataFrame:
    """Components by step: key, step, value; the proxy reward under its own name."""
    return _components(reads.run_generation(run), run, keys, until)


@st.cache_data(show_spinner=False, max_entries=32)
def _components(
    run_generation: int, run: str, keys: tuple[str, ...], until: int | None
) -> pl.DataFrame:
    store = reads.store()
    rows = store.query("components", run=run, keys=list(keys), until=until)
    if "proxy_reward" not in keys:
        return rows
    proxy = store.query("trajectory", run=run, until=until).select(
        key=pl.lit("proxy_reward"), step="step", value="proxy_reward"
    )
    return pl.concat([proxy.filter(pl.col("value").is_finite()), rows])


def disagreement(run: str, keys: tuple[str, ...], until: int | None) -> pl.DataFrame:
    """Variance between members by step and prompt."""
    return _disagreement(reads.run_generation(run), run, keys, until)


@st.cache_data(show_spinner=False, max_entries=32)
def _disagreement(
    run_generation: int, run: str, keys: tuple[str, ...], until: int | None
) -> pl.DataFrame:
    return reads.store().query("disagreement", run=run, keys=list(keys), until=until)
