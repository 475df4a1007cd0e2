"""How often a recommended checkpoint is better than the end, and what choosing it adds."""

from __future__ import annotations

from analytics.measured.published import candidate_table, null_table, published
from analytics.quality.made import made
from analytics.wording import MISSING, fixed, percent
from pages.shared.quality.quality_cells import evidence
from pages.shared.tables import show_table


def show_candidates() -> None:
    """Candidates on falling runs, and the best of checkpoints that differ by chance alone."""
    measured, null = published("candidates"), published("null_candidates")
    if measured is None or null is None:
        return
    least = min(
        row["right"] for row in measured["rows"] if row["kind"] == "falling" and row["told"]
    )
    raw, corrected = (row["gain_bias"] for row in null["rows"][:2])
    part = evidence(
        "Checkpoints to go back to",
        f"better than the end in {percent(least)} at worst where that is told with 90 %; the gain "
        f"of the best of 20 that differ by chance alone is off by {fixed(corrected, 2)} standard "
        f"errors ({fixed(raw, 2)} before it is corrected)",
    )
    show_table(null_table(null["rows"]), part, hide_index=True, placeholder=MISSING)
    part.caption(
        "Means over runs with twice their errors, in standard errors of one evaluation (gold) and "
        f"of a difference of two (gain); the truth is 0. {made('null_candidates', null)}"
    )
    show_table(candidate_table(measured["rows"]), part, hide_index=True, placeholder=MISSING)
    part.caption(
        "Runs whose gold falls, all kinds together. Right: of candidates with a probability of "
        f"90 % and more, those better than the end. {made('candidates', measured)}"
    )
