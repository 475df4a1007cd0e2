"""The same prompts' responses at the start, at the peak and at the end, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from analytics.figures.curves import RunCurve
from analytics.wording import count, number, whole
from pages.shared import reads
from pages.shared.frame import LONGEST, escaped

RESPONSES_SHOWN = 4


def show_completions(run: Mapping[str, Any], curve: RunCurve) -> None:
    """Write the comparison for one run; says why when it cannot be made."""
    st.subheader("What the policy writes: start, peak, end", anchor=False)
    if not run["samples"]:
        st.caption("No responses were logged. In TRL, log_completions=True keeps them.")
        return
    spans = _spans(curve)
    if not spans:
        st.caption("Without a peak there is nothing to compare the start and the end with.")
        return
    rows = reads.completions(run["run_id"], spans)
    shared = (
        rows.group_by("prompt_id")
        .agg(pl.col("span").n_unique(), pl.len(), pl.col("prompt").first())
        .filter(pl.col("span") == len(spans))
        .sort("len", "prompt", descending=[True, False])
    )
    if not shared.height:
        st.caption("No prompt was drawn in all of these stretches, so no pair can be compared.")
        return
    prompts = dict(shared.select("prompt_id", "prompt").iter_rows())
    prompt = st.selectbox(
        f"Prompt ({shared.height} were drawn in all {len(spans)} stretches)", list(prompts),
        format_func=lambda key: prompts[key][:120], key="prompt",
    )  # fmt: skip
    for column, (name, first, last) in zip(st.columns(len(spans)), spans, strict=True):
        held = rows.filter((pl.col("prompt_id") == prompt) & (pl.col("span") == name))
        with column:
            st.markdown(f"**{name}**, steps {whole(first)} to {whole(last)}")
            means = held.select(pl.col("proxy_reward", "gold_reward").mean()).row(0)
            st.caption(
                f"{count(held.height, 'response')}, mean proxy {number(means[0])}, "
                f"gold {number(means[1])}; the {min(RESPONSES_SHOWN, held.height)} that the proxy "
                "likes best:"
            )
            best = held.sort("proxy_reward", descending=True, nulls_last=True)
            for row in best.head(RESPONSES_SHOWN).iter_rows(named=True):
                with st.container(border=True):
                    st.markdown(escaped(row["completion"] or "(empty)", LONGEST))
                    st.caption(
                        f"proxy {number(row['proxy_reward'])} · gold {number(row['gold_reward'])}"
                    )


def _spans(curve: RunCurve) -> tuple[tuple[str, int, int], ...]:
    looks, peak = curve.looks, curve.verdict["peak"]
    if looks.height < 3 or not peak or peak.get("step") is None:
        return ()
    bounds = looks.select("step_start", "step_end", "step").rows()
    middle = min(bounds, key=lambda row: abs(row[2] - peak["step"]))
    named = [("Start", bounds[0]), ("Peak", middle), ("End", bounds[-1])]
    kept: dict[tuple[int, int], str] = {}
    for name, (first, last, _) in named:
        kept.setdefault((int(first), int(last)), name)
    return tuple((name, first, last) for (first, last), name in kept.items())
