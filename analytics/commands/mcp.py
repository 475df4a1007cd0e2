"""``mcp``: the questions as tools for agents."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path

import polars as pl

from analytics.agents import for_agents
from analytics.commands.verdict import verdicts
from analytics.kept_verdicts.verdicts import (
    method,
    unpacked_looks,
)  # fmt: skip
from analytics.review import reading
from analytics.review.dictionary import as_json
from data import spool
from data.database.any_store import AnyStore
from data.database.questions import meaning
from data.database.sql import StoreError
from data.home import existing
from data.owner import StoreOwned
from data.remote import StoreAccess


def add_mcp(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    agents = commands.add_parser("mcp", help="the questions as MCP tools on stdin and stdout")
    agents.set_defaults(do=_mcp)


def _mcp(_: argparse.Namespace) -> int:
    asked = {"until": -1, "source": "", "method": method(meaning)}

    def statuses(store: AnyStore) -> dict[str, str]:
        kept = store.query("verdicts", runs=None, **asked)
        documents = map(json.loads, kept.filter("current")["verdict"])
        return {row["run"]: row["status"] for row in documents}

    def looks(store: AnyStore, run: str) -> pl.DataFrame:
        kept = store.query("verdicts", runs=[run], **asked)
        return unpacked_looks(kept["looks"][0]) if kept.height else pl.DataFrame()

    def changed(store: AnyStore, since: str | None) -> str:
        begin = reading.begins(store, since, datetime.datetime.now(datetime.UTC))
        with spool.scratch(store.home) as folder:
            found = reading.review(store, begin, datetime.date.today(), Path(folder))
        return as_json(found.changes, found.since, found.until)

    try:
        for_agents.serve(for_agents.Doors(
            lambda: StoreAccess(existing()), statuses, lambda store, runs, until: verdicts(
                store, runs, None, until), looks, changed, (StoreError, StoreOwned, OSError),
        ))  # fmt: skip
    except ImportError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
