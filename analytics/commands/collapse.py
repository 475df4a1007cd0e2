"""``collapse``: indicators of loops, the kept ones where they hold, else computed."""

from __future__ import annotations

import argparse
import json
import sys

from rich.text import Text

from analytics.collapse import kept as indicators
from analytics.collapse import words as collapse_words
from analytics.collapse.indicators import IndicatorRow
from data.database.any_store import AnyStore
from data.database.questions import meaning
from data.home import begun
from data.remote import StoreAccess
from data.words.terminal import Terminal


def add_collapse(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    lost = commands.add_parser("collapse", help="diversity, tails, near-duplicates of a loop")
    lost.add_argument("--loop", nargs="+", action="extend", metavar="L")
    lost.add_argument("--again", action="store_true", help="compute also what is kept")
    lost.add_argument("--json", action="store_true", help="one JSON document on stdout")
    lost.set_defaults(do=_collapse)


def _collapse(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        rows = collapse_rows(store, options.loop, options.again)
        known = set(store.query("runs", project=None, runs=None)["run_id"])
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        for line in collapse_words.lines(rows):
            print(line)
    for loop in options.loop or []:
        if loop not in {row["loop"] for row in rows}:
            why = "has no texts" if loop in known else "is not there; see: python -m data list"
            print(f"{loop} {why}", file=sys.stderr)
    return 1 if set(options.loop or []) - known else 0


def collapse_rows(
    store: AnyStore, loops: list[str] | None, again: bool = False
) -> list[IndicatorRow]:
    """Indicators of some loops (None = all), the kept ones where they hold, else computed."""
    by = indicators.method(meaning)
    with Terminal(stderr=True).status("Measuring …") as status:

        def progress(what: str, done: int, of: int) -> None:
            status.update(Text(f"{what} ({done} of {of})"))

        waiting = indicators.missing(store.query, loops, by, again)
        for row in indicators.computed(store.query, waiting, by, progress):
            store.save_indicators(row)
    return indicators.rows(store.query("indicators", loops=loops))
