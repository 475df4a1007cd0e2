"""The same prompts' responses at the start, at the peak and at the end, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.figures.drawing.curves import RunCurve
from analytics.wording import count, number, whole
from pages.shared import links
from pages.shared.asking import response_reads
from pages.shared.escaping import LONGEST, escaped

RESPONSES_SHOWN = 4


def show_completions(run: Mapping[str, Any], curve: RunCurve) -> None:
    """Write the comparison for one run, folded; says why when it cannot be made."""
    with st.expander("What the policy writes: start, peak, end"):
        if run["samples"]:
            address = links.local_link("/responses", [("run", run["run_id"])])
            st.markdown(f"[Twenty responses to read, and all of them]({address})")
        _compared(run, curve)


def _compared(run: Mapping[str, Any], curve: RunCurve) -> None:
    if not run["samples"]:
        st.caption("No responses were logged. In TRL, log_completions=True keeps them.")
        return
    spans = stretches(curve)
    if not spans:
        st.caption("Without a peak there is nothing to compare the start and the end with.")
        return
    prompts = response_reads.shared_prompts(run["run_id"], spans)
    if not prompts:
        st.caption("No prompt was drawn in all of these segments, so no pair can be compared.")
        return
    prompt = st.selectbox(
        f"Prompt ({len(prompts)} were drawn in all {len(spans)} segments)", list(prompts),
        format_func=lambda key: prompts[key][:120], key="compared_prompt",
    )  # fmt: skip
    best = response_reads.best_responses(run["run_id"], spans, prompt, RESPONSES_SHOWN)
    for column, span in zip(st.columns(len(spans)), best, strict=True):
        with column:
            st.markdown(
                f"**{span['name']}**, steps {whole(span['first'])} to {whole(span['last'])}"
            )
            st.caption(
                f"{count(span['n'], 'response')}, mean proxy {number(span['proxy'])}, "
                f"gold {number(span['gold'])}; the {len(span['best'])} that the proxy likes best:"
            )
            for row in span["best"]:
                with st.container(border=True):
                    st.markdown(escaped(row["completion"] or "(empty)", LONGEST))
                    st.caption(
                        f"proxy {number(row['proxy_reward'])} · gold {number(row['gold_reward'])}"
                    )


def stretches(curve: RunCurve) -> tuple[tuple[str, int, int], ...]:
    """Name, first and last step of the looks at the start, the peak and the end; maybe none."""
    looks, peak = curve.looks, curve.verdict["peak"]
    if looks.height < 3 or not peak or peak.get("step") is None:
        return ()
    columns = (looks[name].to_list() for name in ("step_start", "step_end", "step"))
    bounds = list(zip(*columns, strict=True))
    middle = min(bounds, key=lambda row: abs(row[2] - peak["step"]))
    named = [("Start", bounds[0]), ("Peak", middle), ("End", bounds[-1])]
    kept: dict[tuple[int, int], str] = {}
    for name, (first, last, _) in named:
        kept.setdefault((int(first), int(last)), name)
    return tuple((name, first, last) for (first, last), name in kept.items())
