"""``python -m data pull wandb|mlflow``: the command."""

from __future__ import annotations

import argparse
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.text import Text

from data.columns import ReadOptions, Skip
from data.home import home
from data.incoming.importing import Imported, import_paths
from data.outgoing.printing import show_import
from data.pull import mlflow_runs, wandb_runs
from data.pull.asking import Asking
from data.pull.outcome import Pulled, PullError
from data.pull.wandb_client import WandbClient
from data.words.terminal import LONGEST, Terminal, one_line

Say = Callable[[str], None]
KEYS = ("proxy", "gold", "kl", "kl-unit", "length", "step")


def add(commands: Any) -> None:
    """Add ``pull`` and its two servers to the commands of ``python -m data``."""
    pulls = commands.add_parser("pull", help="bring runs from a tracking server")
    servers = pulls.add_subparsers(required=True, metavar="SERVER")
    of_wandb = servers.add_parser("wandb", help="Weights & Biases, through its own client")
    of_wandb.add_argument("source", metavar="ENTITY/PROJECT")
    of_wandb.set_defaults(fetch=_wandb)
    of_mlflow = servers.add_parser("mlflow", help="an MLflow tracking server, over REST")
    of_mlflow.add_argument("server", metavar="URL")
    of_mlflow.add_argument("source", metavar="EXPERIMENT", help="name or number of an experiment")
    of_mlflow.set_defaults(fetch=_mlflow)
    for server in (of_wandb, of_mlflow):
        server.add_argument("--run", action="append", default=[], metavar="RUN",
                            help="name or id of a run; may repeat (default: all)")  # fmt: skip
        server.add_argument("--project", help="project the runs belong to")
        for key in KEYS:
            server.add_argument(f"--{key}", metavar="KEY", help="as of import")
        server.add_argument("--json", action="store_true", help="one JSON document on stdout")
        server.set_defaults(do=run)


def run(options: argparse.Namespace) -> int:
    """Pull, import, and tell; 0 = all came, 1 = something did not."""
    with Terminal(stderr=True).status("Asking the server …") as status:
        try:
            with _alone(home()):
                done, imported = _brought(options, status.update)
        except PullError as error:
            done, imported = Pulled(failed=[Skip(options.source, str(error))]), Imported()
    skipped = [*done.failed, *imported.skipped]
    if options.json:
        printed = {
            "runs": imported.runs,
            "fetched": done.fetched,
            "unchanged": done.unchanged,
            "notes": done.notes,
            "skipped": [{"path": skip.path, "reason": skip.reason} for skip in skipped],
        }
        print(json.dumps(printed, indent=1))
    else:
        _show(done, imported, skipped)
    return 1 if skipped else 0


def _brought(
    options: argparse.Namespace, report: Callable[[Text], None]
) -> tuple[Pulled, Imported]:
    done = options.fetch(options, lambda what: report(Text(f"Fetching {what} …")))
    report(Text("Importing …"))
    keys = {key.replace("-", "_"): getattr(options, key.replace("-", "_")) for key in KEYS}
    read = ReadOptions(project=options.project, **keys)
    imported = import_paths(home(), done.logs, read) if done.logs else Imported()
    done.imported()
    return done, imported


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two pulls at once would write over each other's files.

    Raises:
        PullError: another one is at work.
    """
    folder = home / "pulled"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PullError("another pull into this store is at work: wait for its end") from None
        yield


def _show(done: Pulled, imported: Imported, skipped: list[Skip]) -> None:
    if imported.runs or skipped:
        show_import(imported.runs, skipped)
    console = Terminal()
    if done.unchanged:
        console.print(Text(f"{len(done.unchanged)} runs have nothing new."))
    for note in done.notes:
        console.print(Text(one_line(note, LONGEST)))


def _wandb(options: argparse.Namespace, say: Say) -> Pulled:
    return wandb_runs.pull(WandbClient(), home(), options.source, options.run, _again(options), say)


def _mlflow(options: argparse.Namespace, say: Say) -> Pulled:
    return mlflow_runs.pull(
        Asking(options.server), home(), options.source, options.run, _again(options), say
    )


def _again(options: argparse.Namespace) -> bool:
    """Whether kept runs are imported though nothing is new: they were named, or read otherwise."""
    named = any(getattr(options, key.replace("-", "_")) is not None for key in KEYS)
    return bool(options.run) or named or options.project is not None
