"""How long a run is meant to become, where a column of its table says so."""

from __future__ import annotations

import polars as pl

COLUMN = "max_steps"


def planned_steps(rows: pl.DataFrame) -> tuple[int | None, str]:
    """The planned last step that a run's column max_steps states, and what is wrong with it.

    rows: of one run, with step. (None, "") without such a column; (None, why) where it says two
    things, or less than the run has.
    """
    if COLUMN not in rows.columns:
        return None, ""
    stated = rows[COLUMN].cast(pl.Float64, strict=False).drop_nulls().unique().sort().to_list()
    if not stated:
        return None, ""
    last = rows["step"].max()
    end = int(last) if isinstance(last, int | float) else 0
    if len(stated) > 1:
        named = ", ".join(f"{value:g}" for value in stated[:3])
        why = f"says {named}: a plan is one number in all rows of a run"
    elif not stated[0].is_integer() or stated[0] <= 0:
        why = f"says {stated[0]:g}: expected the number of the last planned step"
    elif stated[0] < end:
        why = f"says {stated[0]:g}, and the run has step {end}"
    else:
        return int(stated[0]), ""
    return None, f"column {COLUMN} {why}; it is not taken as the plan"
