"""Facts counted in training responses, on one axis with gold and proxy reward."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from analytics.figures.truth.rates import KL_PANEL, REWARDS, Panel, rate_figure
from analytics.hallucination.facts import facts_sentence
from pages.shared import charts, reads
from pages.shared.asking import answer_reads
from pages.shared.escaping import called, escaped
from pages.shared.page_parts.fault_view import isolated, together
from pages.shared.truth.truth_choices import Scope

PANELS = (
    Panel("rate", "wrong, of the facts<br>that responses state", "low", "high"),
    Panel("facts_per_response", "stated facts<br>per response", share=False),
    *REWARDS,
)


def show_facts(scope: Scope, runs: Sequence[str], axis: str | None, key: str) -> None:
    """Wrong facts among those stated in responses, with the rewards of the same steps below."""
    st.caption(
        "Counted by the trainer's own reward function, on whatever the prompts of a step asked: "
        "not a benchmark, and never pooled with graded answers."
    )
    rewards = scope.cut(answer_reads.rewards(tuple(runs)), "line")
    facts = {run: answer_reads.fact_rates(run, scope.frozen.get(run)) for run in runs}
    points = pl.concat([own.with_columns(line=pl.lit(run)) for run, own in facts.items()])
    axis = axis or "iteration"
    panels = [*PANELS, *([KL_PANEL] if axis != "sqrt_kl" else [])]
    picture, words = st.columns([3, 2], gap="medium")
    with picture:
        both = pl.concat([points, rewards], how="diagonal_relaxed")
        figure = together(
            scope.lines(runs), lambda line: line.label, "drawn",
            lambda some: rate_figure(
                both.filter(pl.col("line").is_in([line.key for line in some])), some, panels,
                axis, "step or iteration",
            ),
        )  # fmt: skip
        if figure is not None:
            charts.draw(figure, key, "Wrong facts in responses, with the rewards of the same steps")
    verdicts = reads.kept_verdicts()
    sentences = []
    for run in runs:
        with isolated(run, "in words"):
            own = rewards.filter(pl.col("line") == run)
            sentence = facts_sentence(facts[run], own, verdicts.get(run, {}))
            sentences.append(f"- **{called(run)}**: {escaped(sentence)}")
    words.markdown("\n".join(sentences))
    words.caption(
        "Neighbouring steps are pooled; bars: 95 % intervals with the steps of a point as clusters."
        " A rate of wrong facts alone is no sign of an onset: the verdict goes by gold."
    )
