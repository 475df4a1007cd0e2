"""A signal without gold: the members of an ensemble of reward models have come to disagree.

It can only raise attention: it sets the flag ``label_free_signal`` and adds a sentence, and changes
no status. Members are recognised by their names (``rm_0, rm_1, …``), since a run's other numbers
may disagree for reasons of their own. Source: Coste et al. 2024 (arXiv 2310.02743), section 5.5.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from analytics.comparing.components import disagreement, step_bins
from analytics.comparing.verdict_frames import VerdictFrames
from analytics.onset.judging.judged import Verdict
from analytics.wording import with_interval

FLAG = "label_free_signal"


def with_signal(frames: VerdictFrames, made: Verdict) -> Verdict:
    """The verdict, flagged where an ensemble of the run disagrees surely more than at its start."""
    for members, cells in frames.ensembles:
        signal = sentence(members, cells)
        if signal:
            row = made.row | {
                "flags": [*made.row["flags"], FLAG], "reasons": [*made.row["reasons"], signal],
            }  # fmt: skip
            return replace(made, row=row)
    return made


def sentence(members: tuple[str, ...], cells: pl.DataFrame) -> str:
    """What the last part of a run says against its start; empty where nothing is raised there."""
    found = disagreement(cells, *step_bins(cells["step"].to_numpy()))
    if not found.height or not found["raised"][-1]:
        return ""
    end = found.row(-1, named=True)
    return (
        f"Without gold: {', '.join(members)} disagree "
        f"{with_interval(end['ratio'], end['low'], end['high'])} times as much as at the start, "
        "90 %: a reason to evaluate gold, which decides nothing by itself."
    )
