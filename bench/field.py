"""``python -m bench.field [--all] [--markdown]``: how each log of the wider field is read.

A table, one row a run: input, points, last KL and how it is called, last proxy, gold (number and
last), whether that is right, and what is wrong or was said. ``--all`` adds the inputs that the
tests make. Nothing is timed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.data.field_reading import Read, Stored, exact_and_wrong, faults, read
from tests.data.field_values import Input
from tests.data.test_field import HANDED, INPUTS

COLUMNS = ("input", "run", "points", "KL", "called", "proxy", "gold", "right", "message")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.field", description=__doc__)
    parser.add_argument("--all", action="store_true", help="the made inputs too")
    parser.add_argument("--markdown", action="store_true", help="a table for a note")
    options = parser.parse_args()
    rows: list[list[str]] = []
    right, exact, unknown = Counter[str](), [], 0
    inputs = INPUTS if options.all else HANDED
    for given in inputs:
        with tempfile.TemporaryDirectory() as folder:
            done = read(given, Path(folder))
        wrong = faults(given, done)
        right[given.kind] += not wrong
        exact += exact_and_wrong(given, done)
        unknown += any(run.label == "unknown" for run in done.runs)
        rows += rows_of(given, done, wrong)
    show(rows, options.markdown)
    kinds = Counter(given.kind for given in inputs)
    for kind in sorted(kinds, key=lambda kind: (int(kind.split()[0]), kind)):
        print(f"{kind}: {right[kind]} of {kinds[kind]} right")
    print(f"all: {right.total()} of {len(inputs)} right")
    print(f"called exact and wrong: {len(exact)}; answered unknown: {unknown} of {len(inputs)}")
    return 0


def rows_of(given: Input, done: Read, wrong: list[str]) -> list[list[str]]:
    """The rows of one input; one that says so where nothing came in."""
    verdict = "no" if wrong else "yes"
    message = "; ".join(wrong or done.remarks[:1])
    rows = [[given.name, run.name[:40], *numbers(run), verdict, message] for run in done.runs[:4]]
    for loop, grades in list(done.loops.items())[:4]:
        total = sum(sum(counts) for counts in grades.values())
        rows.append([given.name, loop, f"{total} answers", "", "", "", "", verdict, message])
    if not rows:
        rows = [[given.name, "none", "0", "", "refused", "", "", verdict, message]]
    for row in rows[1:]:
        row[0] = row[-1] = ""
    return rows


def numbers(run: Stored) -> list[str]:
    """Points, KL, label, proxy and gold of a run, as text."""
    train = run.rows.get("train", [])
    kl, proxy = ([row[i] for row in train if row[i] is not None] for i in (1, 2))
    gold = list(run.gold.values())
    return [
        str(sum(map(len, run.rows.values()))), last(kl), run.label, last(proxy),
        f"{len(gold)}, {last(gold)}" if gold else "–",
    ]  # fmt: skip


def last(values: list[float | None] | list[float]) -> str:
    return f"{values[-1]:.4g}" if values else "–"


def show(rows: list[list[str]], markdown: bool) -> None:
    if markdown:
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
        for row in rows:
            print("| " + " | ".join(cell.replace("|", "/")[:160] for cell in row) + " |")
        return
    table = Table()
    for name in COLUMNS:
        table.add_column(name, overflow="fold" if name in ("input", "message") else "ellipsis")
    for row in rows:
        table.add_row(*(cell[:200] for cell in row))
    Console(width=None if sys.stdout.isatty() else 200, markup=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
