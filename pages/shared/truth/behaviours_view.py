"""Rates of behaviours drawn and listed: a line an environment, the run's rewards below."""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
import streamlit as st

from analytics.behaviours import BehaviourRow
from analytics.figures.drawing.palette import RUN_COLOURS, run_colour
from analytics.figures.truth.rates import KL_PANEL, REWARDS, Line, Panel, rate_figure
from pages.shared import charts, links, reads
from pages.shared.asking import answer_reads, behaviour_reads
from pages.shared.page_parts.fault_view import together

MOST_LINES = len(RUN_COLOURS)
PANEL = Panel("rate", "trajectories in<br>which it was seen", "low", "high")
REWARD_LINE = "rewards of the run"

Row = BehaviourRow


def runs() -> list[str]:
    """Runs in whose trajectories somebody looked for a behaviour."""
    named = behaviour_reads.runs()
    every = reads.runs()["run_id"].to_list()
    return [run for run in every if run in named]


def say_how() -> None:
    """Say how behaviours come in, and end the page."""
    st.info("There are no behaviours in the store yet.", icon=":material/policy:")
    st.code("python -m data import PATH/TO/behaviours.csv  # or a folder scans/",
            language=None, wrap_lines=True)  # fmt: skip
    st.markdown(
        "A table (CSV, JSON Lines, Parquet) has `run_id, step, trajectory_id, environment, "
        "behaviour, value` (1 = seen, 0 = looked for and not seen) and, where known, `source`; or "
        "`visible_tests_passed, hidden_tests_passed` in place of behaviour and value. Scans of "
        "Inspect Scout (`scans/`) are read as they are."
    )
    st.stop()


def frozen(run: str | None) -> int | None:
    """The step at which the address freezes the run."""
    until = links.asked_until([str(run)])[0]
    if until is not None:
        st.caption(f"Frozen at step {until}: later steps change nothing here.")
    return until


def rows(run: str | None, until: int | None) -> list[Row]:
    """The rows of ``analytics.behaviours.rows`` of a run."""
    return behaviour_reads.rows(str(run), until)


def kind_of(row: Row) -> str:
    """A behaviour and who looked for it, as the address names them."""
    return json.dumps([row["behaviour"], row["source"]], ensure_ascii=False)


def _q(row: Row) -> float:
    """How sure a change is: 1 where it cannot be told."""
    change = row["change"]
    return 1.0 if change is None or change["q"] is None else change["q"]


def kinds(rows: list[Row]) -> dict[str, str]:
    """The behaviours of a run, those that move first, with their labels."""
    surest: dict[str, float] = {}
    labels = {}
    for row in rows:
        q = _q(row) if row["environment"] is not None else 1.0
        surest[kind_of(row)] = min(q, surest.get(kind_of(row), 1.0))
        labels[kind_of(row)] = f"{row['behaviour']} ({row['source']})"
    return {kind: labels[kind] for kind in sorted(labels, key=lambda kind: surest[kind])}


def show_figure(run: str, part: list[Row], until: int | None, rewarded: bool) -> None:
    """The environments with the most evidence, and gold, proxy and KL of the same steps."""
    own = [(row, name) for row in part if (name := row["environment"]) is not None]
    surest = sorted(own, key=lambda one: _q(one[0]))
    drawn = sorted(name for _, name in surest[:MOST_LINES])
    if len(own) > MOST_LINES:
        st.caption(f"The {MOST_LINES} of {len(own)} environments with the most evidence of a "
                   "change; the table has all.")  # fmt: skip
    lines = [Line(name, name, run_colour(i)) for i, name in enumerate(drawn)]
    first = own[0][0]
    points = behaviour_reads.points(run, first["source"], first["behaviour"], until)
    panels = [PANEL]
    if rewarded:
        beside = answer_reads.rewards((run,)).with_columns(line=pl.lit(REWARD_LINE))
        if until is not None:
            beside = beside.filter(pl.col("iteration") <= until)
        if beside.height:
            points = pl.concat([points, beside], how="diagonal_relaxed")
            lines.append(Line(REWARD_LINE, REWARD_LINE, "#7F7F7F"))
            panels += [*REWARDS, KL_PANEL]
    figure = together(
        lines, lambda line: line.label, "drawn",
        lambda some: rate_figure(
            points.filter(pl.col("line").is_in([line.key for line in some])), some, panels,
            x_title="step",
        ),
    )  # fmt: skip
    if figure is not None:
        charts.draw(figure, "behaviours", f"How often {first['behaviour']} was seen in {run}")


def _of_change(row: Row, key: str) -> object:
    change: Mapping[str, object] = row["change"] or {}
    return change.get(key)


def flat(rows: list[Row]) -> pl.DataFrame:
    """All rows as a table of plain columns."""
    return pl.DataFrame([
        {
            **{key: row[key] for key in ("behaviour", "source", "environment", "n", "seen", "rate",
                                         "low", "high")},
            **{key: _of_change(row, key) for key in ("direction", "difference", "p", "q",
                                                               "scatter")},
        }
        for row in rows
    ])  # fmt: skip


def address(
    run: str | None, kind: str, rewarded: bool, until: int | None, rows: list[Row]
) -> list[tuple[str, object]]:
    """The choices that a link pins, frozen where the behaviours end now."""
    last = max(row["step_end"] for row in rows) if until is None else until
    return [("run", run), ("behaviour", kind), ("rewards", str(rewarded).lower()), ("until", last)]
