"""Whether the 5 % holds on logs as people write them: the battery, the failing conditions first."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.measured.published import battery_table, false_alarms, published
from analytics.measured.rows import BatteryRow
from analytics.quality.made import made
from analytics.wording import MISSING, count, percent_spread, whole
from pages.shared.quality.quality_cells import evidence
from pages.shared.tables import show_table


def show_battery() -> None:
    """What the alarms cost and find under conditions that logs are written in."""
    kept = published("battery")
    if kept is None:
        return
    rows = kept["rows"]
    part = evidence("On logs as people write them", _headline(rows))
    show_table(battery_table(rows), part, hide_index=True, placeholder=MISSING, height=420)
    part.caption(
        f"{whole(kept['runs_per_class'])} flat runs a condition, half as many of the others. False "
        "alarms: runs that end with an onset although their gold never falls, the worse of flat "
        "gold and of gold that rises and stays; an alarm that was withdrawn counts as none. Ever: "
        "an alarm was raised on the way, whatever became of it. Falls called: runs that give away "
        "half of their gain. What your log must hold: docs/trusted_alarms.md. "
        f"{made('battery', kept)}"
    )


def _headline(rows: Sequence[BatteryRow]) -> str:
    asked = [row for row in rows if row["asked"]]
    failing = [row for row in asked if not row["holds"]]
    worst = max(asked, key=lambda row: max(row["flat"], row["plateau"]) - row["claimed"])
    share = percent_spread(*false_alarms(worst))
    kept = len(asked) - len(failing)
    return (
        f"the promise holds in {whole(kept)} of {count(len(asked), 'condition')}; nearest to its "
        f"limit, or over it: {worst['words']}, {share}"
    )
