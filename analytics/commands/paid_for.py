"""``paid-for``: what a run is paid for by its numbers."""

from __future__ import annotations

import argparse
import json
import sys

from analytics.commands.verdict import verdicts
from analytics.kept_verdicts.verdicts import (
    method,
    unpacked_looks,
)  # fmt: skip
from analytics.paid_for import words as paid_words
from analytics.paid_for.report import paid_for
from analytics.words.steps import a_step
from data.database.kept_verdicts import kept_rows
from data.database.questions import meaning
from data.home import begun
from data.remote import StoreAccess
from data.words.terminal import one_line, visible


def add_paid_for(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    paid = commands.add_parser("paid-for", help="length, judge, rivals, signals without gold")
    paid.add_argument("--run", nargs="+", action="extend", metavar="R", required=True)
    paid.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    paid.add_argument("--json", action="store_true", help="one JSON document on stdout")
    paid.set_defaults(do=_paid_for)


def _paid_for(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        known = store.query("runs", project=None, runs=options.run)
        judged = {row["run"]: row for row in verdicts(store, options.run, None, options.until)}
        by = method(meaning)
        kept = kept_rows(store, by, options.run, options.until)
        looks = {row["run_id"]: unpacked_looks(row["looks"]) for row in kept.to_dicts()}
        reports = [
            paid_for(store.query, run, options.until, judged[name], looks[name])
            for run in known.iter_rows(named=True)
            for name in [run["run_id"]]
        ]
    if options.json:
        print(json.dumps(reports, indent=1))
    else:
        for row in reports:
            for line in paid_words.lines(row):
                print(f"{one_line(row['run'])}: {visible(line)}")
    missing = [run for run in options.run if run not in {row["run"] for row in reports}]
    for run in missing:
        print(f"there is no run {run!r}; see: python -m data list", file=sys.stderr)
    return 1 if missing else 0
