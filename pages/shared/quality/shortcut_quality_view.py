"""How well shortcuts are found: planted ones, and none at all."""

from __future__ import annotations

from analytics.measured.published import published
from analytics.quality.made import made
from analytics.quality.shortcuts import shortcut_tables, summary
from analytics.simulated_responses import PAY, STRENGTHS
from analytics.wording import MISSING, number, percent, whole
from pages.shared.quality.quality_cells import evidence
from pages.shared.tables import show_table


def show_shortcut_quality() -> None:
    """Power, onset, false ones; and how often nothing is told where nothing is planted."""
    measured = published("shortcuts")
    if measured is None:
        return
    planted, none = shortcut_tables(measured["rows"])
    part = evidence("Shortcuts", summary(measured["rows"]))
    show_table(planted, part, hide_index=True, placeholder=MISSING)
    show_table(none, part, hide_index=True, placeholder=MISSING)
    part.caption(
        "Simulated runs of 4,800 responses to 64 prompts (800 where each is drawn once). At the "
        f"end {percent(STRENGTHS[0])} to {percent(STRENGTHS[-1])} have what is planted "
        f"({whole(len(STRENGTHS))} strengths, the strong half from "
        f"{percent(STRENGTHS[len(STRENGTHS) // 2])} on); the proxy pays {number(PAY)} standard "
        "deviations for it, gold falls. In all, words and lists that nobody pays for come and go; "
        "with gold, good words that both pay for grow as well. Texts are drawn words, easier than "
        "a language model's. Onset: told within a tenth of the run's steps. Intervals in brackets "
        f"are Wilson's, 95 %. {made('shortcuts', measured)}"
    )
