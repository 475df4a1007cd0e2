"""``python -m analytics shortcuts``: what a run is paid for. The store is handed in."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from analytics.shortcuts.found import Mined
from analytics.shortcuts.mining import Progress
from analytics.shortcuts.of_run import of_run
from analytics.shortcuts.words import lines
from analytics.words.steps import a_step

Query = Callable[..., pl.DataFrame]


def add_shortcuts(commands: Any, do: Callable[[argparse.Namespace], int]) -> None:
    """The command's options, among the others."""
    mined = commands.add_parser("shortcuts", help="what a run is paid for, from its responses")
    mined.add_argument("--run", nargs="+", action="extend", metavar="R")
    mined.add_argument("--pattern", action="append", default=[], metavar="RE",
                       help="a regular expression, looked at as a feature")  # fmt: skip
    mined.add_argument("--rubric", type=Path, metavar="FILE", help="the judge's rubric, a text")
    mined.add_argument("--until", type=a_step, metavar="STEP", help="ignore later steps")
    mined.add_argument("--json", action="store_true", help="one JSON document on stdout")
    mined.set_defaults(do=do)


def rubric(options: argparse.Namespace) -> str:
    """The rubric's text.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no text, or empty.
    """
    if options.rubric is None:
        return ""
    try:
        text = str(options.rubric.read_text(encoding="utf-8"))
    except OSError as error:
        raise OSError(f"--rubric {str(options.rubric)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"--rubric {str(options.rubric)!r} is no text in UTF-8") from error
    if not text.strip():
        raise ValueError(f"--rubric {str(options.rubric)!r} is empty")
    return text


def run(
    options: argparse.Namespace, query: Query, gold_onset: Callable[[str], int | None],
    safe: Callable[[str], str], progress: Progress,
) -> int:  # fmt: skip
    """Mine the runs that are asked for, or all that have responses; 1 = one is not there.

    Args:
        options: of the command line.
        query: of the store.
        gold_onset: the step from which a run's gold falls.
        safe: a text of a log as a terminal may show it.
        progress: told what is being done.

    Raises:
        OSError, ValueError: of the rubric, or a pattern that is none.
    """
    rubric_text = rubric(options)
    known = query("runs", project=None, runs=options.run)
    asked = options.run or known.filter(pl.col("samples") > 0)["run_id"].to_list()
    there = set(known["run_id"])
    found: dict[str, Mined] = {
        name: of_run(
            query, name, options.until, options.pattern, rubric_text, gold_onset(name), progress
        )
        for name in dict.fromkeys(asked) if name in there
    }  # fmt: skip
    if options.json:
        print(json.dumps([{"run": name, **one.to_dict()} for name, one in found.items()], indent=1))
    elif not found and not options.run:
        print("No run has responses: what one is paid for cannot be told. Bring some in: "
              "python -m data import PATH")  # fmt: skip
    else:
        for name, one in found.items():
            print("\n".join(map(safe, lines(name, one))))
    missing = [name for name in asked if name not in there]
    for name in missing:
        print(f"there is no run {name!r}; see: python -m data list", file=sys.stderr)
    return 1 if missing else 0
