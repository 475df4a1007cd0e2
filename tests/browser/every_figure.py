"""A page of all figures that draw several things, with 1, 2, 3, 5 and 20 of them: the test's own.

Ends lie close to each other and names are long, which is what labels do not bear well.
"""

import sys
from pathlib import Path as File

import numpy as np
import polars as pl
import streamlit as st

sys.path.insert(0, str(File(__file__).resolve().parents[2]))

from analytics.answers.calibration_cells import merged, reliability, risk_coverage
from analytics.comparing.components import ProxyPoint
from analytics.figures.drawing.palette import run_colour, run_dash
from analytics.figures.laws.scaling import Path, proxy_axis_figure
from analytics.figures.runs.components import Component, component_figure
from analytics.figures.runs.specimens import specimen
from analytics.figures.truth.calibration import reliability_figure, risk_figure
from analytics.figures.truth.iterations import arms_figure, provenance_figure
from analytics.figures.truth.rates import Line, Panel, rate_figure
from analytics.figures.truth.topics import topic_figure
from analytics.hallucination import cells
from analytics.loops.cells import Cell, Question

HOW_MANY = (1, 2, 3, 5, 20)
AT = np.arange(9)


def names(many: int) -> list[str]:
    return [f"arm_{i}_of_the_sweep" if i % 2 else f"arm {i}" for i in range(many)]


def lines(many: int) -> list[Line]:
    return [Line(name, name, run_colour(i), run_dash(i)) for i, name in enumerate(names(many))]


def rates(many: int) -> object:
    points = pl.concat([
        pl.DataFrame({"line": name, "iteration": AT, "kl": AT / 3, "rate": 0.3 + AT / 20 + i / 900,
                      "low": 0.25 + AT / 20, "high": 0.35 + AT / 20, "gold": 5.0 + AT / 99})
        for i, name in enumerate(names(many))
    ])  # fmt: skip
    panels = [Panel("rate", "wrong<br>of all graded", "low", "high"),
              Panel("gold", "gold reward<br>as logged", share=False)]  # fmt: skip
    return rate_figure(points, lines(many), panels)


def topics(many: int) -> object:
    rows = pl.DataFrame([
        {"part": f"a topic of the benchmark with number {part}", "loop": name, "rate": 0.4,
         "low": 0.3, "high": 0.5, "change_rate_before": 0.2, "change_q": 0.01, "questions": 90}
        for part in range(min(many, 12)) for name in names(min(many, 4))
    ])  # fmt: skip
    return topic_figure(rows, lines(min(many, 4)))


def arms(many: int) -> object:
    board = [
        Question(name, name, "",
                 {int(at): Cell("0.5", "worse", value=float(at) / 9) for at in AT})
        for name in ("gold_reward", "kl", "wrong", "tail_coverage")
    ]  # fmt: skip
    few = min(many, 5)
    return arms_figure(dict.fromkeys(names(few), board), lines(few))


def mix(many: int) -> object:
    few = min(many, 5)
    parts = pl.DataFrame([
        {"loop": name, "iteration": int(at), "part": part, "writer": writer, "share": 0.25}
        for name in names(few) for at in AT
        for part, writer in (("human", -1), ("benchmark", -1), ("iteration 0", 0),
                             ("iteration 1", 1))
    ])  # fmt: skip
    return provenance_figure(parts, lines(few))


def proxies(many: int) -> object:
    return proxy_axis_figure([
        Path(name, i, "RL" if i % 2 else "best-of-n", AT / 9.0, AT / 9.0 + i / 500,
             np.full(9, 0.02), list(AT / 3))
        for i, name in enumerate(names(many))
    ])  # fmt: skip


def components(many: int) -> object:
    run = specimen(0)
    mean = run.looks["proxy_reward"].to_numpy()
    few = min(many, 5)
    parts = [
        Component(f"rewards/{name}/mean", mean, mean / 9, ProxyPoint(1.0, 2.0, True, True))
        for name in names(few)
    ]
    return component_figure(run, parts, "sqrt_kl", None)


def answers() -> pl.DataFrame:
    frame = pl.DataFrame({
        "loop": ["l"] * 200, "iteration": [0] * 200, "question_id": [f"q{i}" for i in range(200)],
        "grade": ["correct", "incorrect"] * 100, "confidence": [i / 200 for i in range(200)],
    })  # fmt: skip
    return merged(cells(frame))


for many in HOW_MANY:
    st.header(f"{many}", anchor=False)
    graded = answers()
    figures = {
        "rates": rates(many), "topics": topics(many), "arms": arms(many), "mix": mix(many),
        "proxies": proxies(many), "components": components(many),
        "reliability": reliability_figure({i: reliability(graded) for i in range(many)}),
        "risk": risk_figure({i: risk_coverage(graded) for i in range(many)}),
    }  # fmt: skip
    for name, figure in figures.items():
        st.plotly_chart(figure, key=f"{name}-{many}", theme="streamlit")
