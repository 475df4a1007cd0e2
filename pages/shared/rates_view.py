"""Rates of wrong answers drawn: one figure an origin, rewards of the same models beside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analytics.figures.palette import RUN_COLOURS
from analytics.figures.rates import (
    DENOMINATORS,
    KL_PANEL,
    REWARDS,
    Line,
    Panel,
    rate_figure,
    wrong_panels,
)
from analytics.hallucination.beside import by_arm
from analytics.hallucination.words import origin_words
from pages.shared import answer_reads, charts, reads
from pages.shared.fault_view import together
from pages.shared.frame import called, escaped
from pages.shared.truth_choices import Scope

LINES = {
    "loop": "loops", "arm": "arms", "topic": "topics", "knowledge": "knowledge categories",
    "trained": "trained on or not",
}  # fmt: skip
AXES = {"iteration": "iteration", "sqrt_kl": "KL"}
MOST_LINES = 7


def show_figures(
    scope: Scope, loops: tuple[str, ...], rates: pl.DataFrame, by: str | None, axis: str | None,
    denominator: str | None, tau: float, rewarded: bool,
) -> DeltaGenerator:  # fmt: skip
    """Benchmark on the left, every other origin on its right, on the same scales.

    Returns:
        The room beside the last figure, for what else belongs to these rates.
    """
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
                cells = st.columns(2, gap="medium")
                _draw_origins(cells, mine, lines, of, axis, tau, loop)
        st.caption(_notes(set(totals["origin"]), [], rewarded=False))
        return st.container()
    points, lines = totals.with_columns(line="loop"), scope.lines(loops)
    if by == "arm":
        arms = answer_reads.arms(loops)
        points = by_arm(totals, arms)
        first = {arm: loop for loop, arm in reversed(list(arms.items()))}
        lines = [Line(arm, arm, line.colour, line.dash) for arm in dict.fromkeys(arms.values())
                 for line in scope.lines([first[arm]])]  # fmt: skip
    peaks = _peaks(loops, axis) if len(loops) == 1 else []
    beside = scope.cut(answer_reads.rewards(loops), "line") if rewarded and by != "arm" else None
    cells = st.columns(2, gap="medium")
    drawn = _draw_origins(cells, points, lines, of, axis, tau, "all", peaks, beside)
    room = cells[drawn % 2 if drawn == 1 else 1]
    room.caption(_notes(set(totals["origin"]), peaks, rewarded))
    return room


_LACKING = {"topic": "topics", "knowledge": "knowledge categories", "trained": "training status"}


def _draw_origins(
    cells: Sequence[DeltaGenerator], points: pl.DataFrame, lines: list[Line], of: str, axis: str,
    tau: float, key: str, peaks: Sequence[tuple[float, float | None]] = (),
    beside: pl.DataFrame | None = None,
) -> int:  # fmt: skip
    """One figure an origin in the cells by turns, the first with the rewards below; how many."""
    value, _, high, _ = DENOMINATORS[of]
    tops = {
        name: float(points[upper].max() or 0)  # type: ignore[arg-type]
        for name, upper in ((value, high), ("confident", "confident_high"),
                            ("not_attempted_rate", "not_attempted_rate"))
    }  # fmt: skip
    origins = sorted(points["origin"].unique(), key=lambda o: (o != "benchmark", o))
    for i, origin in enumerate(origins):
        with cells[i % 2]:
            mine, panels = points.filter(pl.col("origin") == origin), wrong_panels(of, tau, tops)
            title = _title(origin)
            if i == 0 and beside is not None and beside.height:
                title += ", with gold and proxy reward of the same models"
                mine = pl.concat([mine, beside], how="diagonal_relaxed")
                panels = [*panels, *REWARDS, *([KL_PANEL] if axis != "sqrt_kl" else [])]
            st.markdown(f"**{escaped(title)}**")
            figure = together(
                lines, lambda line: line.label, "drawn",
                partial(_figure, mine, panels, axis, peaks),
            )  # fmt: skip
            if figure is not None:
                place = f"rates-{key}-{origin}"
                charts.draw(figure, place, title)
    return len(origins)


def _figure(
    points: pl.DataFrame, panels: Sequence[Panel], axis: str,
    peaks: Sequence[tuple[float, float | None]], lines: Sequence[Line],
) -> object:  # fmt: skip
    mine = points.filter(pl.col("line").is_in([line.key for line in lines]))
    return rate_figure(mine, lines, panels, axis, peaks=peaks)


def _notes(origins: set[str], peaks: Sequence[object], rewarded: bool) -> str:
    said = [
        "Bars: 95 % intervals (Wilson; of gold normal; of arms Student over loops). Dotted: "
        "malformed answers among the wrong ones, a broken model rather than hallucination."
    ]
    if peaks:
        said.append("Shaded: where gold peaks (90 %), from the run's verdict.")
    if rewarded:
        said.append(
            "A rate of wrong answers alone is no sign of an onset: it can fall while gold falls."
        )
    if "self_generated" in origins:
        said.append(
            "Self-generated questions change from iteration to iteration, so their rate says what "
            "the model asks itself as much as what it knows: read it beside the benchmark."
        )
    return " ".join(said)


def _title(origin: str) -> str:
    fixed = {"benchmark": "Fixed benchmark"}
    return fixed.get(origin) or origin_words(origin).capitalize()


def _part_lines(parts: pl.DataFrame, of: str) -> list[Line]:
    """Lines of topics or categories: the 7 with the most evidence where there are more."""
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
    return [Line(name, name, RUN_COLOURS[i % 7]) for i, name in enumerate(named)]


def _peaks(loops: Sequence[str], axis: str) -> list[tuple[float, float | None]]:
    verdict = reads.kept_verdicts().get(loops[0])
    peak = (verdict or {}).get("peak")
    if not peak or not verdict or verdict["status"] not in ("overoptimized", "warning"):
        return []
    low, high = ("kl_low", "kl_high") if axis == "sqrt_kl" else ("step_low", "step_high")
    return [] if peak.get(low) is None else [(peak[low], peak.get(high))]
