"""A signal without gold: the members of an ensemble of reward models have come to disagree.

It can only raise attention: it sets the flag ``label_free_signal`` and adds a sentence, and changes
no status. Members are recognised by their names (``rm_0, rm_1, …``), since a run's other numbers
may disagree for reasons of their own. Source: Coste et al. 2024 (arXiv 2310.02743), section 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from analytics.components import disagreement, ensembles_by_name, step_bins
from analytics.onset.judging.judged import Verdict
from analytics.wording import with_interval

Query = Callable[..., pl.DataFrame]

FLAG = "label_free_signal"


def with_signal(query: Query, run: Mapping[str, Any], until: int | None, made: Verdict) -> Verdict:
    """The verdict, flagged where an ensemble of the run disagrees surely more than at its start.

    query: answers "member_keys" and "disagreement"; run: a row of the question "runs".
    """
    if not run.get("samples"):
        return made
    keys = query("member_keys", run=run["run_id"])["key"].to_list()
    for members in ensembles_by_name(keys):
        cells = query("disagreement", run=run["run_id"], keys=list(members), until=until)
        said = sentence(members, cells)
        if said:
            row = made.row | {
                "flags": [*made.row["flags"], FLAG], "reasons": [*made.row["reasons"], said],
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
