"""Stores that may hold several runs (trackio, wandb, MLflow): which run is the folder's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from data.columns import LogError, Skip
from data.readers import mlflow, sqlite, trackio, wandb
from data.readers.scalars import Scalars
from data.readers.tables import NotALog
from data.readers.tracked import StoreRun

CACHE = "huggingface"  # trackio's default folder lies in it: no run's folder
_OWN = ("trainer_state.json", "tb", "runs", "completions")  # what a trainer makes in its folder


def runs_of(path: Path) -> list[StoreRun]:
    """The runs in one store.

    Raises:
        LogError: the store is broken.
        NotALog: it is a database of something else.
    """
    if path.suffix == ".wandb":
        return [wandb.run(path)]
    if path.is_dir():
        return mlflow.runs(path)
    with sqlite.opened(path) as connection:
        for module in (trackio, mlflow):
            if module.holds(connection):
                return module.runs(path)
    message = f"{path.name} is a database, but neither trackio's nor MLflow's"
    raise LogError(message) if path.parent.name == "trackio" else NotALog(message)


def is_runs_folder(folder: Path) -> bool:
    """Whether a folder is that of one training run, by what a trainer leaves in it."""
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return False
    return bool(names & set(_OWN)) or any(
        name.startswith(("checkpoint-", "events.out.tfevents.")) for name in names
    )


def sorted_out(
    folder: Path, runs: Sequence[StoreRun]
) -> tuple[list[StoreRun], dict[str, list[StoreRun]]]:
    """The store runs that are the folder's own run, and the others by name.

    A run of the folder's name is its own; so is the only one there is, when the folder is a
    run's, or the tracker's folder (``wandb``, ``trackio``) lies in it.
    """
    by_name: dict[str, list[StoreRun]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        by_name.setdefault(run.name, []).append(run)
    if folder.name in by_name:
        own = by_name.pop(folder.name)
        return own, by_name
    placed = any(folder in run.path.parents and _in_trackers(run.path) for run in runs)
    alone = len(by_name) == 1 and not _neighbours(runs, by_name)
    if alone and (is_runs_folder(folder) or (placed and folder.name != CACHE)):
        return by_name.popitem()[1], {}
    return [], by_name


def _neighbours(runs: Sequence[StoreRun], names: dict[str, list[StoreRun]]) -> bool:
    """Whether wandb's folder holds runs of other names, which were not imported this time."""
    here = {run.path for run in runs}
    for run in runs:
        if run.kind != wandb.FORMAT or run.path.parent.parent.name != "wandb":
            continue
        for other in sorted(run.path.parent.parent.glob("*/*.wandb")):
            if other in here or other.parent.is_symlink():
                continue
            try:
                if wandb.run(other).name not in names:
                    return True
            except LogError:
                continue
    return False


def _in_trackers(path: Path) -> bool:
    return path.parent.name == "trackio" or path.parent.parent.name == "wandb"


def chained(
    runs: Iterable[StoreRun], one_run: bool, broken: list[Skip]
) -> list[tuple[Scalars, list[StoreRun]]]:
    """Runs of one name and one kind of store, read; a resume is joined to what it resumed.

    A run that begins where the first one began is another run of the same name, unless
    ``one_run`` says that all are one folder's: there a later start overtakes an earlier one.
    Broken ones go to ``broken`` and leave the rest.
    """
    chains: list[tuple[Scalars, list[StoreRun]]] = []
    for run in runs:
        try:
            scalars = run.scalars()
            run.rows = scalars.count()
        except LogError as error:
            broken.append(Skip(str(run.path), str(error)))
            continue
        if chains and (one_run or not scalars.count() or _first(scalars) > _first(chains[-1][0])):
            chains[-1][0].overtake(scalars)
            chains[-1][1].append(run)
        else:
            chains.append((scalars, [run]))
    return chains


def _first(scalars: Scalars) -> int:
    return min((min(rows) for rows in scalars.rows.values() if rows), default=-1)
