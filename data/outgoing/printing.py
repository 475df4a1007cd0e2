"""What the commands print for people: tables, what was skipped, what a check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from data.columns import Skip
from data.rows import loop_tables
from data.upkeep.checking import Checked
from data.words.terminal import LONGEST, Terminal, one_line
from data.words.wording import number

Row = Mapping[str, Any]
_UNBOUNDED = Terminal(width=10_000).options


def show_import(runs: Sequence[Row], skipped: Sequence[Skip]) -> None:
    """What an import brought in, a line a run, and what it did not read."""
    console = Terminal()
    if runs:
        runs = [{**row, **dict(zip(("KL", "converted"), _kl(row), strict=True))} for row in runs]
        further = ("behaviours", *loop_tables.NAMES)
        seen = [name for name in further if any(row[name] for row in runs)]
        shown = ("run", "points", "replaced", "gold_evaluations", "samples", "answers", *seen, "KL",
                 "converted")  # fmt: skip
        print_table(shown, runs)
    for row in runs:
        for warning in row["warnings"]:
            console.print(Text(f"{one_line(row['run'])}: {one_line(warning, LONGEST)}"))
    for skip in skipped:
        console.print(
            Text(one_line(f"skipped {skip.path}: {skip.reason}", LONGEST)), style="yellow"
        )
    if not runs and not skipped:
        console.print("Nothing was named that could be read.")


def _kl(row: Row) -> tuple[str, str]:
    """What is told of a run's KL: nothing of an import that brought no metrics of it."""
    if row["kl_conversion"] == "missing":
        return ("not logged" if row["points"] else "–"), "–"
    unit = row["kl_logged_unit"] or "unit not stated"
    return f"{row['kl_estimator'] or 'estimator not stated,'} {unit}", row["kl_conversion"]


def show_check(checked: Checked) -> None:
    """What ``data.upkeep.checking.check`` found, a paragraph a run."""
    console = Terminal()
    for row in checked["runs"]:
        _show_run(console, row)
    for skip in checked["skipped"]:
        skipped = one_line(f"skipped {skip['path']}: {skip['reason']}", LONGEST)
        console.print(Text(skipped), style="yellow")
    for one in checked["damaged"]:
        skipped = one_line(f"damaged: {one['segment']}/{one['file']}: {one['reason']}", LONGEST)
        console.print(Text(skipped), style="red")


def _show_run(console: Terminal, row: Row) -> None:
    where = one_line(row["path"], LONGEST)
    age = "no gold" if row["gold_age_steps"] is None else f"{row['gold_age_steps']} steps old"
    console.print(Text(f"{one_line(row['run'])} ({row['format']}, {where})"), style="bold")
    for lines in (
        f"{row['points']} rows, {row['steps_replaced']} steps replaced, {row['nan_rows']} "
        f"rows with NaN; without KL {row['without_kl']}, proxy {row['without_proxy']}, gold "
        f"{row['without_gold']}; last grown {row['last_grown']}",
        f"KL: {one_line(row['kl_key'] or 'none')}: {row['kl_note'] or 'not logged'}",
        f"gold: {one_line(row['gold_key'] or 'none')}, {age}",
        *row["warnings"],
    ):
        console.print(Text(f"  {one_line(lines, LONGEST)}"))


def print_table(keys: Sequence[str], rows: Sequence[Row]) -> None:
    """Rows as lines that are never cut or folded, whatever the terminal's width."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for key in keys:
        numbers = all(isinstance(row[key], int | float | None) for row in rows)
        justify: Literal["right", "left"] = "right" if numbers else "left"
        table.add_column(key.replace("_", " "), justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(row[key])) for key in keys))
    console = Terminal()
    console.width = max(console.width, console.measure(table, options=_UNBOUNDED).maximum)
    console.print(table)


def _cell(value: object) -> str:
    return number(value) if value is None or isinstance(value, float) else one_line(value)
