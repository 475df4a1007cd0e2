"""``verdict``: verdict rows, the kept ones where they hold, else judged and kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial

import polars as pl
from rich.text import Text

from analytics.kept_verdicts.judging import Budget, Judge
from analytics.kept_verdicts.verdicts import (
    Asked,
    holds,
    method,
    rows_fingerprint,
    stamp,
)  # fmt: skip
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.onset.judging.recommendation import among_all
from analytics.wording import interval, number
from analytics.words.steps import a_step
from data.database.any_store import AnyStore
from data.database.kept_verdicts import kept_rows, to_keep
from data.database.questions import meaning
from data.home import begun
from data.remote import StoreAccess
from data.words.terminal import Terminal, one_line


def add_verdict(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    verdict = commands.add_parser("verdict", help="verdicts, one row a run")
    verdict.add_argument("--run", nargs="+", action="extend", metavar="R")
    verdict.add_argument("--project")
    verdict.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    verdict.add_argument("--gold", metavar="SOURCE", help="gold source to judge by")
    verdict.add_argument("--again", action="store_true", help="judge also what is kept")
    verdict.add_argument("--json", action="store_true", help="one JSON document on stdout")
    verdict.set_defaults(do=_verdict)


def _verdict(options: argparse.Namespace) -> int:
    try:
        Budget.named()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    with StoreAccess(begun()) as store:
        rows = verdicts(
            store, options.run, options.project, options.until, options.gold, options.again
        )
        known = set(store.query("runs", project=None, runs=None)["run_id"])
    unknown = [run for run in options.run or [] if run not in known]
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        _show(rows)
    for run in unknown:
        print(f"there is no run {run!r}; see: python -m data list", file=sys.stderr)
    return 1 if unknown else 0


def verdicts(
    store: AnyStore, runs: list[str] | None, project: str | None, until: int | None = None,
    source: str | None = None, again: bool = False,
) -> list[VerdictRow]:  # fmt: skip
    """Verdict rows of some runs, the kept ones where they hold, else computed and kept.

    A run that takes more than the budget, or whose judgement dies, is told so, and the others go
    on. again: judge also those that are kept.
    """
    known = store.query("runs", project=project, runs=runs)
    by = method(meaning)
    there = kept_rows(store, by, until=until, source=source)
    kept = {row["run_id"]: row for row in there.to_dicts()}
    fresh = []
    with Judge() as judge:
        for run in known.iter_rows(named=True):
            kept_row = kept.get(run["run_id"])
            if kept_row and not again and holds(kept_row, run, until, by, store.query):
                continue
            rows = Asked(store.query)
            made = judge.judge(rows, run, until, source, partial(_every_run, store))
            frozen = "" if until is None else rows_fingerprint(rows, run, until)
            mark = stamp(by, frozen)
            fresh.append(to_keep(run, mark, made.row, made.looks, until, source))
    if fresh:
        store.save_verdicts(pl.DataFrame(fresh))
    now = kept | {row["run_id"]: row for row in fresh}
    every: dict[str, VerdictRow] = {
        run_id: json.loads(row["verdict"]) for run_id, row in now.items()
    }
    advice = among_all(every.values())
    return [every[run_id] | {"recommendation": advice[run_id]} for run_id in known["run_id"]]


def _every_run(store: AnyStore) -> pl.DataFrame:
    return store.query("runs", project=None, runs=None)


def _show(rows: Sequence[VerdictRow]) -> None:
    console = Terminal()
    if not rows:
        console.print("There is no run to judge. Fill the store with: python -m data import PATH")
    for row in rows:
        console.print(
            Text(f"{one_line(row['run'])}: {row['status'].replace('_', ' ')}", style="bold")
        )
        peak, unit = row["peak"], "nats"
        if peak and row["axis"] == "kl":
            where = interval(peak["kl_low"], peak["kl_high"], unit)
            console.print(f"  gold peaks at KL {where} (90 %), best guess {number(peak['kl'])}")
        if row["recommendation"] is not None:
            console.print(Text(f"  {row['recommendation']['reason']}"))
        for reason in row["reasons"]:
            console.print(Text(f"  {reason}"))
        if row["flags"]:
            console.print(Text(f"  flags: {', '.join(row['flags'])}"))
