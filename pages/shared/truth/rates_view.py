"""Rates of wrong answers drawn: one figure an origin, rewards of the same models beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analytics.figures.drawing.palette import RUN_COLOURS, run_colour
from analytics.figures.drawing.text import plain
from analytics.figures.truth.rates import (
    DENOMINATORS,
    KL_PANEL,
    REWARDS,
    Line,
    Panel,
    beside_origins,
    rate_figure,
    wrong_panels,
)
from analytics.hallucination.beside import by_arm
from analytics.hallucination.words import origin_words
from pages.shared import charts, reads
from pages.shared.asking import answer_reads
from pages.shared.escaping import called, escaped
from pages.shared.page_parts.fault_view import together
from pages.shared.truth.truth_choices import Scope

LINES = {
    "loop": "loops", "arm": "arms", "topic": "topics", "knowledge": "knowledge categories",
    "trained": "trained on or not",
}  # fmt: skip
AXES = {"iteration": "iteration", "sqrt_kl": "KL"}
MOST_LINES = len(RUN_COLOURS)


def show_figures(
    scope: Scope, loops: tuple[str, ...], rates: pl.DataFrame, by: str | None, axis: str | None,
    denominator: str | None, tau: float, rewarded: bool,
) -> None:  # fmt: skip
    """A column a measure, a row an origin, all on one grid; gold, proxy and KL in the row below."""
    of, axis = denominator or "all", axis or "iteration"
    totals = rates.filter(pl.col("level") == "total")
    if axis == "sqrt_kl":
        without = [loop for loop in loops if not totals.filter(loop=loop)["kl"].count()]
        if without:
            st.warning(f"KL was not measured in {escaped(', '.join(without))}: "
                       "the iteration axis shows it.", icon=":material/straighten:")  # fmt: skip
    if by in _LACKING:
        parts = answer_reads.trained_on(loops, tau) if by == "trained" else rates
        level = "topic" if by == "trained" else by
        parts = scope.cut(parts).filter(pl.col("level") == level)
        if parts.is_empty():
            st.info(f"The log does not say the {_LACKING[by]} of these answers.")
        for loop in loops:
            mine = parts.filter(pl.col("loop") == loop).with_columns(line=pl.col(level))
            if mine.height:
                st.markdown(f"## {called(loop)}")
                lines = _part_lines(mine, of)
                mine = mine.filter(pl.col("line").is_in([line.key for line in lines]))
                _draw_grid(mine, lines, of, axis, tau, loop)
        st.caption(_notes(set(totals["origin"]), [], rewarded=False))
        return
    points, lines = totals.with_columns(line="loop"), scope.lines(loops)
    if by == "arm":
        arms = answer_reads.arms(loops)
        points = by_arm(totals, arms)
        first = {arm: loop for loop, arm in reversed(list(arms.items()))}
        lines = [Line(arm, arm, line.colour, line.dash) for arm in dict.fromkeys(arms.values())
                 for line in scope.lines([first[arm]])]  # fmt: skip
    peaks = _peaks(loops, axis) if len(loops) == 1 else []
    _draw_grid(points, lines, of, axis, tau, "all", peaks)
    if rewarded and by != "arm":
        _draw_rewards(scope.cut(answer_reads.rewards(loops), "line"), lines, axis, peaks)
    st.caption(_notes(set(totals["origin"]), peaks, rewarded))


def show_confidence(scope: Scope, totals: pl.DataFrame, tau: float) -> None:
    """Mean confidence of each loop, an origin a figure: a detail, as it can mislead alone."""
    if not totals["mean_confidence"].count():
        return
    panel = wrong_panels("all", tau, {})[-1]
    figure = _measure(totals.with_columns(line="loop"), scope.lines(), panel, "iteration")
    if figure is not None:
        charts.draw(figure, "mean-confidence", "Mean confidence of all graded answers")


_LACKING = {"topic": "topics", "knowledge": "knowledge categories", "trained": "training status"}


def _draw_grid(
    points: pl.DataFrame, lines: list[Line], of: str, axis: str, tau: float, key: str,
    peaks: Sequence[tuple[float, float | None]] = (),
) -> None:  # fmt: skip
    """Wrong, confidently wrong and not attempted beside each other, the origins below each other.

    One measure has one scale, and the lines are named once: in the first column.
    """
    value, _, high, _ = DENOMINATORS[of]
    tops = {
        name: float(points[upper].max() or 0)  # type: ignore[arg-type]
        for name, upper in ((value, high), ("confident", "confident_high"),
                            ("not_attempted_rate", "not_attempted_rate"))
    }  # fmt: skip
    shown = [panel for panel in wrong_panels(of, tau, tops)[:-1] if points[panel.value].count()]
    for order, (cell, panel) in enumerate(zip(_cells(len(shown)), shown, strict=True)):
        with cell:
            title = panel.title.replace("<br>", " ").removesuffix(", of all graded")
            st.markdown(f"**{escaped(title.capitalize())}**")
            figure = _measure(points, lines, panel, axis, peaks, keyed=order == 0)
            if figure is not None:
                charts.draw(figure, f"rates-{key}-{panel.value}", title)


def _reward_figure(
    rewards: pl.DataFrame, panel: Panel, axis: str, peaks: Sequence[tuple[float, float | None]],
    some: Sequence[Line],
) -> Any:  # fmt: skip
    mine = rewards.filter(pl.col("line").is_in([line.key for line in some]))
    return rate_figure(mine, some, [panel], axis, peaks=peaks, keyed=False)


def _draw_rewards(
    rewards: pl.DataFrame, lines: list[Line], axis: str,
    peaks: Sequence[tuple[float, float | None]],
) -> None:  # fmt: skip
    """Gold, proxy and KL of the same models, in the columns of the rates."""
    panels = [*REWARDS, *([KL_PANEL] if axis != "sqrt_kl" else [])]
    shown = [panel for panel in panels
             if panel.value in rewards.columns and rewards[panel.value].count()]  # fmt: skip
    for cell, panel in zip(_cells(len(shown)), shown, strict=True):
        with cell:
            title = panel.title.replace("<br>", ", ")
            st.markdown(f"**{escaped(title[0].upper() + title[1:])}**")
            figure = together(
                lines, lambda line: line.label, "drawn",
                partial(_reward_figure, rewards, replace(panel, title=""), axis, peaks),
            )  # fmt: skip
            if figure is not None:
                charts.draw(figure, f"rewards-{panel.value}", title)


def _cells(n: int) -> Sequence[DeltaGenerator]:
    """Columns as wide as a first one that names its lines needs."""
    return st.columns([1.38, *[1.0] * 2], gap="small")[:n] if n else []


def _measure(
    points: pl.DataFrame, lines: Sequence[Line], panel: Panel, axis: str,
    peaks: Sequence[tuple[float, float | None]] = (), keyed: bool = True,
) -> object:  # fmt: skip
    origins = sorted(points["origin"].unique(), key=lambda o: (o != "benchmark", o))
    titles = {origin: _title(origin) for origin in origins}

    def draw(some: Sequence[Line]) -> object:
        mine = points.filter(pl.col("line").is_in([line.key for line in some]))
        apart, panels = beside_origins(mine, panel, titles)
        return rate_figure(apart, some, panels, axis, peaks=peaks, keyed=keyed)

    return together(lines, lambda line: line.label, "drawn", draw)


def _notes(origins: set[str], peaks: Sequence[object], rewarded: bool) -> str:
    notes = [
        "Bars: 95 % intervals. Dotted: malformed answers among the wrong ones, a broken model "
        "rather than hallucination."
    ]
    if peaks:
        notes.append("Shaded: where gold peaks (90 %), from the run's verdict.")
    if rewarded:
        notes.append(
            "Gold, proxy and KL are of the same models. A rate of wrong answers alone is no sign "
            "of an onset: it can fall while gold falls."
        )
    if "self_generated" in origins:
        notes.append(
            "Self-generated questions are other ones at each iteration: read them beside the "
            "benchmark."
        )
    return " ".join(notes)


def _title(origin: str) -> str:
    short = {"benchmark": "fixed benchmark", "self_generated": "self-generated"}
    return short.get(origin) or plain(origin_words(origin), 24)


def _part_lines(parts: pl.DataFrame, of: str) -> list[Line]:
    """Lines of topics or categories: the MOST_LINES with the most evidence where there are more."""
    named = parts.sort("iteration")["line"].unique(maintain_order=True).sort().to_list()
    if len(named) > MOST_LINES:
        value = DENOMINATORS[of][0]
        moved = parts.group_by("line").agg(
            q=pl.col("change_q").min(), spread=pl.col(value).max() - pl.col(value).min()
        )
        best = moved.sort("q", "spread", descending=[False, True], nulls_last=True)["line"]
        st.caption(f"The {MOST_LINES} of {len(named)} with the most evidence of a change; "
                   "the table below has all.")  # fmt: skip
        named = sorted(best.head(MOST_LINES))
    return [Line(name, name, run_colour(i)) for i, name in enumerate(named)]


def _peaks(loops: Sequence[str], axis: str) -> list[tuple[float, float | None]]:
    verdict = reads.kept_verdicts().get(loops[0])
    peak = None if verdict is None else verdict.get("peak")
    if not peak or not verdict or verdict["status"] not in ("overoptimized", "warning"):
        return []
    if axis != "sqrt_kl":
        return [(peak["step_low"], peak["step_high"])]
    return [] if peak["kl_low"] is None else [(peak["kl_low"], peak["kl_high"])]
