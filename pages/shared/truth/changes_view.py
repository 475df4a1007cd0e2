"""What changed in rates of wrong answers, in sentences and tables, the surest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from analytics.hallucination import rows as nested
from analytics.hallucination.over_iterations import trend_sentences
from analytics.hallucination.words import (
    arms_sentence,
    beside_benchmark,
    change_sentence,
    malformed_sentence,
    rate_sentence,
)
from analytics.wording import MISSING, count, rate_interval, rate_text, whole
from pages.shared import links
from pages.shared.asking import answer_reads
from pages.shared.escaping import called, escaped
from pages.shared.page_parts.fault_view import isolated
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import Scope


def show_changes(
    loops: Sequence[str], totals: pl.DataFrame, each: pl.DataFrame, compare_to: int | None
) -> None:
    """What changed at the end of each loop, its test, the trend, and how many loops an arm has.

    Args:
        loops: on the page.
        totals: compared as the reader chose.
        each: totals compared with the iteration before, for trends.
        compare_to: the iteration that the reader compares with; None = the one before.
    """
    last = totals.filter(pl.col("iteration") == pl.col("iteration").max().over("loop", "origin"))
    columns = st.columns(2, gap="medium") if len(loops) > 1 else [st.container()]
    for i, loop in enumerate(loops):
        with columns[i % len(columns)], isolated(loop, "in words"):
            _show_loop(loop, last.filter(loop=loop), each.filter(loop=loop), compare_to)
    if len(loops) > 1:
        counts: dict[str, int] = {}
        for arm in answer_reads.arms(tuple(loops)).values():
            counts[arm] = counts.get(arm, 0) + 1
        st.caption(escaped(arms_sentence(counts)))


def _show_loop(loop: str, last: pl.DataFrame, each: pl.DataFrame, compare_to: int | None) -> None:
    ends = {row["origin"]: row for row in nested(last)}
    sentences: list[str] = []
    trends: list[str] = []
    for origin in sorted(ends, key=lambda o: (o != "benchmark", o)):
        row = ends[origin]
        sentences.append(escaped(change_sentence(row) if row["n"] else rate_sentence(row)))
        trends += trend_sentences(each.filter(origin=origin))
        trends += malformed_sentence(row)
        if row["n"] and origin == "self_generated":
            own = f"{beside_benchmark(row, ends.get('benchmark'))} {_covered(row)}"
            sentences.append(escaped(own))
    with st.container(border=True):
        st.markdown(f"**{called(loop)}**\n" + "\n".join(f"- {text}" for text in sentences))
        st.caption(escaped(" ".join(trends)))
        asked: list[tuple[str, object]] = [("loop", loop), ("change", "newly_wrong")]
        asked += [("with", compare_to)] * (compare_to is not None)
        st.markdown(f"[The newly wrong questions]({links.local_link('/answers', asked)})")


def _covered(row: dict[str, Any]) -> str:
    about = f" about {count(row['clusters'], 'entity', 'entities')}" if row["clusters"] else ""
    asked = count(row["questions"], "self-generated question")
    return f"Facts covered at iteration {whole(row['iteration'])}: {asked}{about}."


def show_trained_on(scope: Scope, loops: tuple[str, ...], tau: float) -> None:
    """Wrong answers about what was trained on beside what was not, first against last."""
    parts = scope.cut(answer_reads.trained_on(loops, tau)).filter(
        pl.col("n") > 0, pl.col("topic").n_unique().over("loop", "origin") > 1
    )
    if parts.is_empty():
        return
    st.markdown("**Trained on, and not trained on**")
    rows = []
    for _, part in parts.sort("topic", descending=True).group_by(
        "loop", "origin", "topic", maintain_order=True
    ):
        first, last = (part.sort("iteration").row(at, named=True) for at in (0, -1))
        rows.append({
            "loop": last["loop"],
            "entities": last["topic"],
            "wrong, first → last (95 %)": f"{rate_text(first['rate'])} → "
            f"{rate_interval(last['rate'], last['low'], last['high'])}",
            "not attempted": f"{rate_text(first['not_attempted_rate'])} → "
            f"{rate_text(last['not_attempted_rate'])}",
            "n": last["n"],
            "origin": last["origin"].replace("_", "-"),
            "iterations": f"{first['iteration']} → {last['iteration']}",
        })  # fmt: skip
    place = {loop: i for i, loop in enumerate(loops)}
    rows.sort(key=lambda row: place[row["loop"]])
    show_table(pl.DataFrame(rows, infer_schema_length=None), hide_index=True, placeholder=MISSING)
    st.caption(
        "Wrong of all graded, with the Wilson interval of the last. A loop can get better on what "
        "it trains on while it forgets the rest."
    )


def clustered_notes(totals: pl.DataFrame) -> list[str]:
    """Where questions share entities, the wider interval of each loop's last rate."""
    last = totals.filter(
        pl.col("iteration") == pl.col("iteration").max().over("loop", "origin"),
        pl.col("design_effect") > 1.1,
    )
    return [
        f"{row['loop']}: {count(row['questions'], 'question')} of origin "
        f"{row['origin'].replace('_', '-')} about {count(row['clusters'], 'entity', 'entities')}; "
        f"with these as clusters the interval of {rate_text(row['rate'])} at iteration "
        f"{row['iteration']} is {rate_text(row['low_clustered'])} to "
        f"{rate_text(row['high_clustered'])}."
        for row in last.iter_rows(named=True)
    ]
