"""Stores that may hold several runs (trackio, wandb, MLflow): which run is the folder's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from data.columns import LogError, Skip
from data.readers.raw.reader import Belongs, Gives, Piece, Reader, of_its_own, skip
from data.readers.raw.scalars import Scalars
from data.readers.runs.formats import READERS

CACHE = "huggingface"  # trackio's default folder lies in it: no run's folder


def _names_its_runs(reader: Reader) -> bool:
    return reader.belongs(Path("log")).belongs is Belongs.STORE


_MADE = re.compile("|".join((
    "checkpoint-.*",
    *(name for reader in READERS if not _names_its_runs(reader) for name in reader.inside),
)))  # fmt: skip
"""What a trainer makes in its run's folder, beside its logs."""


def is_runs_folder(folder: Path) -> bool:
    """Whether a folder is that of one training run, by what a trainer leaves in it."""
    try:
        entries = list(folder.iterdir())
    except OSError:
        return False
    return any(_MADE.fullmatch(entry.name) or _is_its_log(entry) for entry in entries)


_FOLDERS = tuple(
    reader for reader in READERS
    if Gives.METRICS in reader.gives and reader.belongs is not of_its_own
)  # fmt: skip
"""Readers of a run folder's metrics: no other is asked, for some ask back about the folder."""


def _is_its_log(path: Path) -> bool:
    return any(
        reader.recognises(path) and reader.belongs(path).belongs is Belongs.FOLDER
        for reader in _FOLDERS
    )


def sorted_out(folder: Path, runs: Sequence[Piece]) -> tuple[list[Piece], dict[str, list[Piece]]]:
    """The store runs that are the folder's own run, and the others by name.

    A run of the folder's name is its own; so is the only one there is, when the folder is a
    run's, or the tracker's folder (``wandb``, ``trackio``) lies in it.
    """
    by_name: dict[str, list[Piece]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        by_name.setdefault(run.name, []).append(run)
    if folder.name in by_name:
        own = by_name.pop(folder.name)
        return own, by_name
    placed = any(folder in run.path.parents and run.placed for run in runs)
    alone = len(by_name) == 1 and not _neighbours(runs, by_name)
    if alone and (is_runs_folder(folder) or (placed and folder.name != CACHE)):
        return by_name.popitem()[1], {}
    return [], by_name


def _neighbours(runs: Sequence[Piece], names: Collection[str]) -> bool:
    """Whether the store's folder holds runs of other names, which were not imported this time."""
    here = {run.path for run in runs}
    for run in runs:
        for path, name in run.beside() if run.beside else ():
            if path not in here and name not in names:
                return True
    return False


def chained(
    runs: Iterable[Piece], one_run: bool, broken: list[Skip]
) -> list[tuple[Scalars, list[Piece]]]:
    """Runs of one name and one kind of store, read; a resume is joined to what it resumed.

    A run that begins where the first one began is another run of the same name, unless
    ``one_run`` says that all are one folder's: there a later start overtakes an earlier one.
    Broken ones go to ``broken`` and leave the rest.
    """
    chains: list[tuple[Scalars, list[Piece]]] = []
    for run in runs:
        if run.scalars is None:
            continue
        try:
            scalars = run.scalars()
            run.rows = scalars.count()
        except LogError as error:
            broken.append(skip(run.path, error))
            continue
        if chains and (one_run or not scalars.count() or _first(scalars) > _first(chains[-1][0])):
            chains[-1][0].overtake(scalars)
            chains[-1][1].append(run)
        else:
            chains.append((scalars, [run]))
    return chains


def _first(scalars: Scalars) -> int:
    return min((min(rows) for rows in scalars.rows.values() if rows), default=-1)
