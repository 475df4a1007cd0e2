"""Commands on results: ``python -m analytics verdict``, ``hallucination``, ``gate`` …"""

from __future__ import annotations

import data.address_space  # noqa: F401 - first: it says where there is too little memory

# isort: split
import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from analytics import behaviours, claims, for_agents, hallucination
from analytics.alerts.command import add_alerts
from analytics.behaviours import words as behaviour_words
from analytics.collapse import kept as indicators
from analytics.collapse import words as collapse_words
from analytics.gate import command as gating
from analytics.gate.limits import proposal
from analytics.gate.policy import PolicyError
from analytics.hallucination import beside, facts, grader
from analytics.hallucination.over_iterations import trend_sentences
from analytics.hallucination.report import COLUMNS, sections
from analytics.hallucination.words import grader_unknown, unclear_sentences
from analytics.judging import Budget, Judge
from analytics.onset.judging.recommendation import among_all
from analytics.paid_for import words as paid_words
from analytics.paid_for.report import paid_for
from analytics.review import reading
from analytics.review.changes import summary
from analytics.review.dictionary import as_json
from analytics.shortcuts import command as mining
from analytics.shortcuts.of_run import gold_onset
from analytics.steps import a_step
from analytics.verdicts import (
    Asked,
    holds,
    method,
    rows_fingerprint,
    stamp,
    unpacked_looks,
)  # fmt: skip
from analytics.wording import interval, number
from data import answers, past, policies, sealing, spool
from data.exporting import NotWritable, check_writable, write_whole
from data.failing import ended
from data.home import begun, existing
from data.hosts import listed
from data.kept_verdicts import kept_rows, to_keep
from data.owner import StoreOwned
from data.questions import meaning
from data.remote import AnyStore, StoreAccess
from data.reviewing import keep_decision
from data.sql import StoreError
from data.terminal import Terminal, one_line, visible


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = a named run is not there or the store cannot be used."""
    options = _parser().parse_args(argv)
    return ended(lambda: int(options.do(options)), getattr(options, "json", False))


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
) -> list[dict[str, Any]]:  # fmt: skip
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
            held = kept.get(run["run_id"])
            if held and not again and holds(held, run, until, by, store.query):
                continue
            rows = Asked(store.query)
            made = judge.judge(rows, run, until, source, partial(_every_run, store))
            frozen = "" if until is None else rows_fingerprint(rows, run, until)
            mark = stamp(by, frozen)
            fresh.append(to_keep(run, mark, made.row, made.looks, until, source))
    if fresh:
        store.save_verdicts(pl.DataFrame(fresh))
    now = kept | {row["run_id"]: row for row in fresh}
    every = {run_id: json.loads(row["verdict"]) for run_id, row in now.items()}
    advice = among_all(every.values())
    return [every[run_id] | {"recommendation": advice[run_id]} for run_id in known["run_id"]]


def _every_run(store: AnyStore) -> pl.DataFrame:
    return store.query("runs", project=None, runs=None)


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
    told = hallucination.rows(found)
    judged = {(row["loop"], row["iteration"], row["origin"]): row for row in audits}
    for row in told:
        key = (row["loop"], row["iteration"], row["origin"])
        whole = row["level"] == "total"
        row["audit"] = judged.get(key) if whole else None
        row["claims"] = judged_claims.get((row["loop"], row["iteration"])) if whole else None
    told = [{name: row.pop("loop"), **row} for row in told]
    keys = [key for key in found.columns if not key.startswith("change_")][1:]
    counted = [
        {name: run, **row}
        for run, pooled in stated.items()
        for row in facts.fact_rows(pooled, [*keys, "change", "audit", "claims"])
    ]
    unknown = [loop for loop in named or [] if loop not in known]
    if options.json:
        print(json.dumps(told + counted, indent=1))
    else:
        if told or not counted:
            _show_rates(told, name)
        for run, pooled in stated.items():
            said = facts.facts_sentence(pooled, gold.filter(line=run), {})
            print(f"{one_line(run)}, facts stated in training responses: {said}")
        for (loop, origin), part in each.filter(level="total").group_by(
            "loop", "origin", maintain_order=True
        ):
            for sentence in trend_sentences(part):
                print(f"{one_line(loop)}, {one_line(origin).replace('_', '-')}: {sentence}")
        for (loop, at), summary in judged_claims.items():
            print(f"{one_line(loop)}, iteration {at}: {claims.sentence(summary)}")
        for row in audits:
            print(f"{one_line(row['loop'])}: {grader.sentence(row)}")
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
    held = {row[name] for row in told + counted}
    for loop in (loop for loop in named or [] if loop in known and loop not in held):
        print(f"{loop} has no graded answers and no counted facts", file=sys.stderr)
    return 1 if unknown else 0


def _behaviours(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        counts = store.query("behaviour_counts", runs=options.run, until=options.until)
        known = set(store.query("runs", project=None, runs=None)["run_id"])
    told = behaviours.rows(counts)
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        _show_behaviours(told)
    missing = [run for run in options.run or [] if run not in {row["run"] for row in told}]
    for run in missing:
        why = "has no behaviours" if run in known else "is not there; see: python -m data list"
        print(f"the run {run!r} {why}", file=sys.stderr)
    return 1 if set(missing) - known else 0


def _paid_for(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        known = store.query("runs", project=None, runs=options.run)
        judged = {row["run"]: row for row in verdicts(store, options.run, None, options.until)}
        by = method(meaning)
        kept = kept_rows(store, by, options.run, options.until)
        looks = {row["run_id"]: unpacked_looks(row["looks"]) for row in kept.to_dicts()}
        told = [
            paid_for(store.query, run, options.until, judged[name], looks[name])
            for run in known.iter_rows(named=True)
            for name in [run["run_id"]]
        ]
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        for row in told:
            for line in paid_words.lines(row):
                print(f"{one_line(row['run'])}: {visible(line)}")
    missing = [run for run in options.run if run not in {row["run"] for row in told}]
    for run in missing:
        print(f"there is no run {run!r}; see: python -m data list", file=sys.stderr)
    return 1 if missing else 0


def _gate(options: argparse.Namespace) -> int:
    if options.proposal:
        print(proposal(), end="")
        return 0
    try:
        if missing := gating.needs(options):
            raise PolicyError(missing)
        gating.policy_of(options)
        with StoreAccess(begun()) as store:
            return gating.run(options, held_by(store))
    except (*gating.ERRORS, StoreError, StoreOwned, OSError) as error:
        return gating.failed(error, options.json)


def held_by(store: AnyStore) -> gating.Held:
    """What the gate asks of a store, and writes into it."""

    return gating.Held(
        store.query,
        generation=store.generation,
        verdict=lambda loop, until: next(iter(verdicts(store, [loop], None, until)), None),
        indicators=lambda loop: collapse_rows(store, [loop]),
        policies=partial(policies.kept, store.home),
        keep_policy=partial(policies.keep, store.home),
        record=partial(keep_decision, store),
        look=partial(sealing.look, store),
    )


def _collapse(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store:
        told = collapse_rows(store, options.loop, options.again)
        known = set(store.query("runs", project=None, runs=None)["run_id"])
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        for line in collapse_words.lines(told):
            print(line)
    for loop in options.loop or []:
        if loop not in {row["loop"] for row in told}:
            why = "has no texts" if loop in known else "is not there; see: python -m data list"
            print(f"{loop} {why}", file=sys.stderr)
    return 1 if set(options.loop or []) - known else 0


def collapse_rows(
    store: AnyStore, loops: list[str] | None, again: bool = False
) -> list[dict[str, Any]]:
    """Indicators of some loops (None = all), the kept ones where they hold, else computed."""
    by = indicators.method(meaning)
    with Terminal(stderr=True).status("Measuring …") as status:

        def progress(what: str, done: int, of: int) -> None:
            status.update(Text(f"{what} ({done} of {of})"))

        waiting = indicators.missing(store.query, loops, by, again)
        for row in indicators.computed(store.query, waiting, by, progress):
            store.save_indicators(row)
    return indicators.rows(store.query("indicators", loops=loops))


def _shortcuts(options: argparse.Namespace) -> int:
    with StoreAccess(begun()) as store, Terminal(stderr=True).status("Reading …") as status:

        def progress(what: str, done: int, of: int) -> None:
            status.update(Text(f"{what} ({done} of {of})" if of else what))

        def onset(run: str) -> int | None:
            return gold_onset(next(iter(verdicts(store, [run], None, options.until)), None))

        try:
            return mining.run(
                options, store.query, onset, partial(one_line, longest=2_000), progress
            )
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1


def _review(options: argparse.Namespace) -> int:
    if not (options.out or options.data or options.json):
        print("say where to: --out FILE, --data FILE or --json", file=sys.stderr)
        return 1
    try:
        form = review_form(options.out, options.data, options.format)
    except NotWritable as error:
        print(error, file=sys.stderr)
        return 2
    today = options.on or datetime.date.today()
    if options.since is not None:
        try:
            past.moment(options.since)
        except (ValueError, OverflowError):
            print(f"--since {options.since!r} is no date such as 2026-11-21", file=sys.stderr)
            return 1
    with StoreAccess(place := existing()) as store, spool.scratch(place) as folder:
        begin = reading.begins(store, options.since, datetime.datetime.now(datetime.UTC))
        with Terminal(stderr=True).status("Reading …") as status:
            found = reading.review(store, begin, today, Path(folder), status.update)
        if options.out or options.data:
            server = listed()[0].url if listed() else ""
            made = reading.written(store, found, today, server)
            if options.out:
                write_whole(options.out, (made.markdown if form == "md" else made.html).encode())
            if options.data:
                write_whole(options.data, made.data)
    print(as_json(found.changes, found.since, found.until) if options.json
          else summary(found.changes))  # fmt: skip
    return 0


FORMS = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", "": "html"}
"""Of a review's document, by the ending of its file's name."""


def review_form(out: Path | None, tables: Path | None, asked: str | None) -> str:
    """``html`` or ``md``: how a review is written; the files are tried before the work begins.

    Raises:
        NotWritable: a file cannot be written, or its ending says something else.
    """
    ending = out.suffix.lower() if out else ""
    device = out is not None and out.exists() and not out.is_file() and not out.is_dir()
    if not asked and not device and ending not in FORMS:
        raise NotWritable(
            f"--out {str(out)[:200]!r} ends in {ending[:20]!r}; a review is HTML (.html) "
            "or Markdown (.md): name the file so, or say --format html or --format md"
        )
    if tables and tables.suffix.lower() not in (".zip", ""):
        raise NotWritable(f"--data {str(tables)[:200]!r}: the tables are a zip archive; expected a "
                          "name that ends in .zip")  # fmt: skip
    if out and tables and out.resolve() == tables.resolve():
        raise NotWritable("--out and --data name the same file; expected two")
    for file in filter(None, (out, tables)):
        check_writable(file)
    return asked or FORMS.get(ending, "html")


def _mcp(_: argparse.Namespace) -> int:
    asked = {"until": -1, "source": "", "method": method(meaning)}

    def statuses(store: AnyStore) -> dict[str, str]:
        kept = store.query("verdicts", runs=None, **asked)
        told = map(json.loads, kept.filter("current")["verdict"])
        return {row["run"]: row["status"] for row in told}

    def looks(store: AnyStore, run: str) -> pl.DataFrame:
        kept = store.query("verdicts", runs=[run], **asked)
        return unpacked_looks(kept["looks"][0]) if kept.height else pl.DataFrame()

    def changed(store: AnyStore, since: str | None) -> str:
        begin = reading.begins(store, since, datetime.datetime.now(datetime.UTC))
        with spool.scratch(store.home) as folder:
            found = reading.review(store, begin, datetime.date.today(), Path(folder))
        return as_json(found.changes, found.since, found.until)

    try:
        for_agents.serve(for_agents.Held(
            lambda: StoreAccess(existing()), statuses, lambda store, runs, until: verdicts(
                store, runs, None, until), looks, changed, (StoreError, StoreOwned, OSError),
        ))  # fmt: skip
    except ImportError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _show_behaviours(told: list[behaviours.BehaviourRow]) -> None:
    console = Terminal(width=max(Terminal().width, 170))  # no cell of a table is cut
    if not told:
        console.print("There are no behaviours. Import a table of them, or scans of Inspect Scout: "
                      "python -m data import PATH")  # fmt: skip
    parts = groupby(told, lambda row: (row["run"], row["source"], row["behaviour"]))
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


def _show(rows: list[dict[str, Any]]) -> None:
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
        console.print(Text(f"  {row['recommendation']['reason']}"))
        for reason in row["reasons"]:
            console.print(Text(f"  {reason}"))
        if row["flags"]:
            console.print(Text(f"  flags: {', '.join(row['flags'])}"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analytics", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    verdict = commands.add_parser("verdict", help="verdicts, one row a run")
    verdict.add_argument("--run", nargs="+", action="extend", metavar="R")
    verdict.add_argument("--project")
    verdict.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    verdict.add_argument("--gold", metavar="SOURCE", help="gold source to judge by")
    verdict.add_argument("--again", action="store_true", help="judge also what is kept")
    verdict.add_argument("--json", action="store_true", help="one JSON document on stdout")
    verdict.set_defaults(do=_verdict)

    wrong = commands.add_parser("hallucination", help="rates, intervals, tests, never pooled")
    which = wrong.add_mutually_exclusive_group()
    which.add_argument("--loop", nargs="+", action="extend", metavar="L")
    which.add_argument("--run", nargs="+", action="extend", metavar="R")
    wrong.add_argument("--tau", type=_share, default=0.8, help="confident from here on, in [0, 1]")
    wrong.add_argument("--compare", type=int, metavar="N", help="iteration to compare with")
    wrong.add_argument("--until", type=a_step, metavar="N", help="ignore later iterations")
    wrong.add_argument("--json", action="store_true", help="one JSON document on stdout")
    wrong.set_defaults(do=_hallucination)

    seen = commands.add_parser("behaviours", help="rates of bad behaviour, by environment")
    seen.add_argument("--run", nargs="+", action="extend", metavar="R")
    seen.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    seen.add_argument("--json", action="store_true", help="one JSON document on stdout")
    seen.set_defaults(do=_behaviours)
    paid = commands.add_parser("paid-for", help="length, judge, rivals, signals without gold")
    paid.add_argument("--run", nargs="+", action="extend", metavar="R", required=True)
    paid.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    paid.add_argument("--json", action="store_true", help="one JSON document on stdout")
    paid.set_defaults(do=_paid_for)
    gating.add_gate(commands, _gate)

    lost = commands.add_parser("collapse", help="diversity, tails, near-duplicates of a loop")
    lost.add_argument("--loop", nargs="+", action="extend", metavar="L")
    lost.add_argument("--again", action="store_true", help="compute also what is kept")
    lost.add_argument("--json", action="store_true", help="one JSON document on stdout")
    lost.set_defaults(do=_collapse)

    mining.add_shortcuts(commands, _shortcuts)

    weekly = commands.add_parser("review", help="what changed, and what needs a decision")
    weekly.add_argument("--since", metavar="DATE", help="not since the last closed review")
    weekly.add_argument("--out", type=Path, metavar="FILE", help="the document")
    weekly.add_argument("--format", choices=("html", "md"), help="not as FILE's name says")
    weekly.add_argument("--data", type=Path, metavar="FILE", help="its tables, a zip archive")
    weekly.add_argument("--on", type=datetime.date.fromisoformat, metavar="DATE", help="not today")
    weekly.add_argument("--json", action="store_true", help="one JSON document on stdout")
    weekly.set_defaults(do=_review)
    add_alerts(commands)
    agents = commands.add_parser("mcp", help="the questions as MCP tools on stdin and stdout")
    agents.set_defaults(do=_mcp)
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie in [0, 1]")
    return value


if __name__ == "__main__":
    sys.exit(main())
