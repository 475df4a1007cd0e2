"""``behaviours``: rates of bad behaviour, by environment."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby

from rich.table import Table
from rich.text import Text

from analytics import behaviours
from analytics.behaviours import words as behaviour_words
from analytics.words.steps import a_step
from data.home import begun
from data.remote import StoreAccess
from data.words.terminal import Terminal, one_line


def add_behaviours(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    seen = commands.add_parser("behaviours", help="rates of bad behaviour, by environment")
    seen.add_argument("--run", nargs="+", action="extend", metavar="R")
    seen.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    seen.add_argument("--json", action="store_true", help="one JSON document on stdout")
    seen.set_defaults(do=_behaviours)


def _behaviours(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        counts = store.query("behaviour_counts", runs=options.run, until=options.until)
        known = set(store.query("runs", project=None, runs=None)["run_id"])
    rows = behaviours.rows(counts)
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        _show_behaviours(rows)
    missing = [run for run in options.run or [] if run not in {row["run"] for row in rows}]
    for run in missing:
        why = "has no behaviours" if run in known else "is not there; see: python -m data list"
        print(f"the run {run!r} {why}", file=sys.stderr)
    return 1 if set(missing) - known else 0


def _show_behaviours(rows: list[behaviours.BehaviourRow]) -> None:
    console = Terminal(width=max(Terminal().width, 170))  # no cell of a table is cut
    if not rows:
        console.print("There are no behaviours. Import a table of them, or scans of Inspect Scout: "
                      "python -m data import PATH")  # fmt: skip
    parts = groupby(rows, lambda row: (row["run"], row["source"], row["behaviour"]))
    for (run, source, behaviour), found in parts:
        part = list(found)
        title = f"{one_line(run)}: {one_line(behaviour)}, seen by {one_line(source)}"
        console.print(Text(title, style="bold"))
        table = Table(box=None, pad_edge=False)
        for head in behaviour_words.HEADS:
            table.add_column(head, justify="right", no_wrap=True)
        for row in part:
            table.add_row(*(Text(one_line(cell)) for cell in behaviour_words.cells(row)))
        console.print(table)
        for sentence in behaviour_words.sentences(part):
            console.print(Text(f"  {sentence}"))
