"""``shortcuts``: mined from the responses of a store."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from rich.text import Text

from analytics.commands.verdict import verdicts
from analytics.shortcuts import command as mining
from analytics.shortcuts.of_run import gold_onset
from data.home import begun
from data.remote import StoreAccess
from data.words.terminal import Terminal, one_line


def add_shortcuts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    mining.add_shortcuts(commands, _shortcuts)


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
