"""``review``: what changed, as a document, as tables, as JSON."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from analytics.review import reading
from analytics.review.changes import summary
from analytics.review.dictionary import as_json
from data import spool
from data.home import existing
from data.outgoing.exporting import NotWritable, check_writable, write_whole
from data.remote import StoreAccess
from data.serving.hosts import listed
from data.upkeep import past
from data.words.terminal import Terminal


def add_review(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    weekly = commands.add_parser("review", help="what changed, and what needs a decision")
    weekly.add_argument("--since", metavar="DATE", help="not since the last closed review")
    weekly.add_argument("--out", type=Path, metavar="FILE", help="the document")
    weekly.add_argument("--format", choices=("html", "md"), help="not as FILE's name says")
    weekly.add_argument("--data", type=Path, metavar="FILE", help="its tables, a zip archive")
    weekly.add_argument("--on", type=datetime.date.fromisoformat, metavar="DATE", help="not today")
    weekly.add_argument("--json", action="store_true", help="one JSON document on stdout")
    weekly.set_defaults(do=_review)


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
