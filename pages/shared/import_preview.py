"""What an import would bring in, shown before anything is stored."""

from __future__ import annotations

import polars as pl
import streamlit as st

from data.columns import Skip
from data.previewing import Ends, Preview, SeenRun
from data.wording import number
from pages.shared.frame import escaped, shown_name

MOST = 20
"""Runs, and skipped files, of which each is told in sentences."""


def show_preview(seen: Preview) -> None:
    """Runs with the first and last values of step, KL, proxy and gold; notes; what is not read."""
    if seen.runs:
        st.dataframe(
            pl.DataFrame([_row(run) for run in seen.runs], infer_schema_length=None),
            hide_index=True,
            column_config={"run": st.column_config.TextColumn(pinned=True)},
        )
    for run in seen.runs[:MOST]:
        _notes(run)
    if len(seen.runs) > MOST:
        st.caption(f"Notes on the first {MOST} of {len(seen.runs)} runs.")
    _skips(seen.skipped, bool(seen.runs))


def _row(run: SeenRun) -> dict[str, object]:
    facts = run.facts
    return {
        "run": shown_name(run.run),
        "rows": run.rows,
        "step": _between(run.ends["step"]),
        "KL, nats per response": _kl_ends(run),
        "proxy reward": _between(run.ends["proxy_reward"]),
        "gold reward": _between(run.ends["gold_reward"]),
        "gold evaluations": run.gold_evaluations,
        "KL is": f"{facts.kl_key} ({facts.kl_logged_unit or '?'})" if facts.kl_key else "none",
        "proxy is": facts.proxy_key or "none",
        "gold is": facts.gold_key or "none",
        "responses": run.samples,
        "answers": run.answers,
        "read as": facts.trainer or run.format,
    }


def _kl_ends(run: SeenRun) -> str:
    told = _between(run.ends["kl"])
    return f"{told} (unit unknown)" if run.facts.kl_conversion == "unknown" else told


def _between(ends: Ends) -> str:
    if ends.first is None:
        return number(None)
    return f"{number(ends.first)} → {number(ends.last)}"


def _notes(run: SeenRun) -> None:
    """How the KL was read, what its numbers say of its unit, and every warning."""
    told = []
    if run.facts.kl_note and run.rows:
        told.append(f"KL ({run.facts.kl_conversion.replace('_', ' ')}): {run.facts.kl_note}")
    if run.unit is not None:
        told += run.unit.sentences
    told += [w for w in run.warnings if run.facts.kl_note not in w or not run.facts.kl_note]
    if not told:
        return
    st.markdown(f"**{escaped(shown_name(run.run))}**")
    st.markdown("\n".join(f"- {escaped(line)}" for line in dict.fromkeys(told)))


def _skips(skipped: list[Skip], some: bool) -> None:
    if not skipped:
        return
    st.warning("Not read:" if some else "Nothing could be read:", icon=":material/block:")
    st.markdown(
        "\n".join(f"- {escaped(s.path)}: {escaped(s.reason)}" for s in skipped[:MOST])
    )  # fmt: skip
    if len(skipped) > MOST:
        st.caption(f"And {len(skipped) - MOST} more.")
