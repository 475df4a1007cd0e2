"""What the commands print for people: tables and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from data import loop_tables
from data.columns import Skip
from data.wording import number

Row = dict[str, Any]
_UNBOUNDED = Console(width=10_000).options


def show_import(runs: list[Row], skipped: Sequence[Skip]) -> None:
    """What an import brought in, a line a run, and what it did not read."""
    console = Console()
    if runs:
        for row in runs:
            row["KL"] = " ".join(row[k] or "?" for k in ("kl_estimator", "kl_logged_unit"))
            row["converted"] = row["kl_conversion"]
        further = ("behaviours", *loop_tables.NAMES)
        seen = [name for name in further if any(row[name] for row in runs)]
        shown = ("run", "points", "replaced", "gold_evaluations", "samples", "answers", *seen, "KL",
                 "converted")  # fmt: skip
        print_table(shown, runs)
    for row in runs:
        for warning in row["warnings"]:
            console.print(Text(f"{row['run']}: {warning}"))
    for skip in skipped:
        console.print(Text(f"skipped {skip.path}: {skip.reason}"), style="yellow")
    if not runs and not skipped:
        console.print("Nothing was named that could be read.")


def print_table(keys: Sequence[str], rows: Sequence[Row]) -> None:
    """Rows as lines that are never cut or folded, whatever the terminal's width."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for key in keys:
        numbers = all(isinstance(row[key], int | float | None) for row in rows)
        justify: Literal["right", "left"] = "right" if numbers else "left"
        table.add_column(key.replace("_", " "), justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(row[key])) for key in keys))
    console = Console()
    console.width = max(console.width, console.measure(table, options=_UNBOUNDED).maximum)
    console.print(table)


def _cell(value: object) -> str:
    return number(value) if value is None or isinstance(value, float) else str(value)
