"""Why an alert came, and what became of it: the run itself, other runs, the program, a forget.

An alarm is told where it stands among all runs of its project. So it may come or go by what other
runs show, and that is said: the run itself has not changed then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analytics.alerts import chat
from analytics.alerts.open_alerts import Alert
from analytics.wording import number

Own = Sequence[str]
"""Project of a run, and what it shows by itself."""
OTHERS, PROGRAM = "others", "program"
STANDS_NOW = "It stands now among all runs of its project; the run itself has not changed"
OWN_AS_BEFORE = "It stands now among all runs of its project; its own alarm is as it was"
OVER = {
    "alarm": "Raised and withdrawn",
    "gate": "Raised and over",
    "checkpoint": "Not due any more",
}
FORGOTTEN = "Run forgotten"


def own(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, Own]:
    """What each run shows by itself, whatever the others show.

    verdicts: rows of ``verdict --json``.
    """
    by_run: dict[str, Own] = {}
    for row in verdicts:
        alarm, size = row.get("alarm") or {}, row.get("e_value")
        shows = f"{'' if size is None else number(size, 6)} {alarm.get('step')}"
        taken = (alarm.get("withdrawn") or {}).get("step")
        by_run[str(row["run"])] = [str(row.get("project") or ""), f"{shows} {taken}"]
    return by_run


def raised_by(
    alert: Alert, rows_before: Mapping[str, int], rows: Mapping[str, int],
    before: Mapping[str, Own], now: Mapping[str, Own],
) -> str:  # fmt: skip
    """What made an alert come: OTHERS, PROGRAM (or a setting), or empty: the run's own rows.

    Args:
        alert: that was not there before.
        rows_before: how many rows each run had.
        rows: how many each has now, of those whose verdict is of all of them.
        before: of ``own``, as it was.
        now: as it is.
    """
    run = alert.subject
    if alert.kind == "checkpoint":  # which falls due without rows
        return ""
    known = alert.kind == "alarm" and run in before and run in now
    if known and list(before[run]) == list(now[run]) and _others(
        run, rows_before, rows, before, now
    ):  # fmt: skip
        return OTHERS
    return PROGRAM if _same_rows(run, rows_before, rows) else ""


def _others(
    run: str, rows_before: Mapping[str, int], rows: Mapping[str, int],
    before: Mapping[str, Own], now: Mapping[str, Own],
) -> bool:  # fmt: skip
    """Whether rows of other runs of its project came or went, or a whole run did."""
    project = now[run][0]
    was, is_now = (
        {name: one[1] for name, one in one_of_both.items() if name != run and one[0] == project}
        for one_of_both in (before, now)
    )
    return any(
        name not in was or name not in is_now
        or (was[name] != is_now[name] and not _same_rows(name, rows_before, rows))
        for name in {*was, *is_now}
    )  # fmt: skip


def _same_rows(run: str, rows_before: Mapping[str, int], rows: Mapping[str, int]) -> bool:
    return run in rows_before and rows_before[run] == rows.get(run)


def lead(run: str, cause: str, rows_before: Mapping[str, int], rows: Mapping[str, int]) -> str:
    """What an alert says first: that it is not the run's own doing; empty where it is."""
    if cause != OTHERS:
        return ""
    return STANDS_NOW if _same_rows(run, rows_before, rows) else OWN_AS_BEFORE


def left(kind: str, why: str, forgotten: bool) -> tuple[str, str]:
    """What became of an alert that does not hold any more: in a title, and why."""
    if forgotten:
        return FORGOTTEN, "the run was forgotten: nothing was withdrawn"
    return OVER[kind], chat.plain(why, 300) or "does not hold any more"
