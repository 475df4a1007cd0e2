"""``hallucination``: rates of wrong answers, intervals, tests, and facts stated in training."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from analytics import hallucination
from analytics.answers import claims
from analytics.hallucination import beside, facts, grader
from analytics.hallucination.over_iterations import trend_sentences
from analytics.hallucination.report import COLUMNS, sections
from analytics.hallucination.words import grader_unknown, unclear_sentences
from analytics.words.steps import a_step
from data.database.any_store import AnyStore
from data.home import begun
from data.remote import StoreAccess
from data.rows import answers
from data.words.terminal import Terminal, one_line


def add_hallucination(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    wrong = commands.add_parser("hallucination", help="rates, intervals, tests, never pooled")
    which = wrong.add_mutually_exclusive_group()
    which.add_argument("--loop", nargs="+", action="extend", metavar="L")
    which.add_argument("--run", nargs="+", action="extend", metavar="R")
    wrong.add_argument("--tau", type=_share, default=0.8, help="confident from here on, in [0, 1]")
    wrong.add_argument("--compare", type=int, metavar="N", help="iteration to compare with")
    wrong.add_argument("--until", type=a_step, metavar="N", help="ignore later iterations")
    wrong.add_argument("--json", action="store_true", help="one JSON document on stdout")
    wrong.set_defaults(do=_hallucination)


def _hallucination(options: argparse.Namespace) -> int:
    named = options.loop or options.run
    name = "run" if options.run else "loop"
    with StoreAccess(begun()) as store:
        found = rates(store, named, options.tau, options.compare, options.until)
        asked = {"loops": named}
        graders = store.query("graders", **asked)
        unclear = store.query("answers_unclear", **asked, until=options.until)
        regraded = store.query("audits", **asked, until=options.until)
        every = store.query("runs", project=None, runs=None)
        known = set(every["run_id"])
        judged_claims = {
            (run, at): claims.summary(store.query("claims", run=run, iteration=at))
            for run in claims.runs_of_claims(every)
            for at in found.filter(loop=run)["iteration"].unique().sort()
        }
        each = found if options.compare is None else rates(
            store, named, options.tau, None, options.until
        )  # fmt: skip
        stating = [
            run for run in store.query("fact_runs")["run_id"]
            if run not in set(found["loop"]) and (named is None or run in named)
        ]  # fmt: skip
        stated = {
            run: facts.pooled_facts(store.query("fact_rates", run=run, until=options.until))
            for run in stating
        }
        gold = beside.rewards(store.query("metrics", runs=stating, until=options.until))
    audits = grader.corrected(found, regraded)
    rows = hallucination.rows(found)
    judged = {(row["loop"], row["iteration"], row["origin"]): row for row in audits}
    for row in rows:
        key = (row["loop"], row["iteration"], row["origin"])
        whole = row["level"] == "total"
        row["audit"] = judged.get(key) if whole else None
        row["claims"] = judged_claims.get((row["loop"], row["iteration"])) if whole else None
    rows = [{name: row.pop("loop"), **row} for row in rows]
    keys = [key for key in found.columns if not key.startswith("change_")][1:]
    counted = [
        {name: run, **row}
        for run, pooled in stated.items()
        for row in facts.fact_rows(pooled, [*keys, "change", "audit", "claims"])
    ]
    unknown = [loop for loop in named or [] if loop not in known]
    if options.json:
        print(json.dumps(rows + counted, indent=1))
    else:
        if rows or not counted:
            _show_rates(rows, name)
        for run, pooled in stated.items():
            of_facts = facts.facts_sentence(pooled, gold.filter(line=run), {})
            print(f"{one_line(run)}, facts stated in training responses: {of_facts}")
        for (loop, origin), part in each.filter(level="total").group_by(
            "loop", "origin", maintain_order=True
        ):
            for sentence in trend_sentences(part):
                print(f"{one_line(loop)}, {one_line(origin).replace('_', '-')}: {sentence}")
        for (loop, at), summary in judged_claims.items():
            print(f"{one_line(loop)}, iteration {at}: {claims.sentence(summary)}")
        for audit in audits:
            print(f"{one_line(audit['loop'])}: {grader.sentence(audit)}")
        for sentence in grader.unmatched_sentences(regraded):
            print(sentence)
        for row in unclear.iter_rows(named=True):
            for sentence in unclear_sentences(row):
                print(f"{one_line(row['loop'])}: {sentence}")
        for loop in dict.fromkeys(graders["loop"]):
            if sentence := grader_unknown(graders.filter(loop=loop)["grader"].to_list()):
                print(f"{one_line(loop)}: {sentence}")
    for loop in unknown:
        print(f"there is no {name} {loop!r}; see: python -m data list", file=sys.stderr)
    loops = {row[name] for row in rows + counted}
    for loop in (loop for loop in named or [] if loop in known and loop not in loops):
        print(f"{loop} has no graded answers and no counted facts", file=sys.stderr)
    return 1 if unknown else 0


def rates(
    store: AnyStore, loops: list[str] | None, tau: float = 0.8, compare_to: int | None = None,
    until: int | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Hallucination rates of some loops (None = all) from the store's rollups."""
    asked = {"loops": loops, "until": until}
    return hallucination.rates_from_counts(
        answers.counts(store.query, loops, until, tau),
        answers.flips(store.query, loops, until, compare_to),
        store.query("answer_clusters", **asked), store.query("answer_calibration", **asked),
        compare_to, tau, answers.flip_clusters(store.query, loops, until, compare_to),
    )  # fmt: skip


def _show_rates(rows: list[dict[str, Any]], name: str) -> None:
    console = Terminal(width=max(Terminal().width, 130))  # no cell of a table is cut
    if not rows:
        console.print("There are no graded answers. Import a table of answers: "
                      "python -m data import PATH")  # fmt: skip
    for section in sections(rows, name):
        console.print(Text(one_line(section.title), style="bold"))
        table = Table(box=None, pad_edge=False)
        for head in COLUMNS:
            table.add_column(head, justify="right", no_wrap=True)
        for cells in section.table:
            table.add_row(*(Text(one_line(cell)) for cell in cells))
        console.print(table)
        for sentence in section.sentences:
            console.print(Text(f"  {sentence}"))


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie in [0, 1]")
    return value
