"""``pull wandb``: runs of a project into the folder in which they are kept, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from data.columns import Skip
from data.declared.foreign import JsonObject
from data.pull import offline_log
from data.pull.kept import Kept, bring, choose, hashed, log_of, read, write
from data.pull.outcome import NotThere, Pulled, PullError, kept_folder
from data.pull.wandb_client import RemoteRun, WandbClient
from data.readers.trackers.wandb import TABLE

BATCH = 1000
"""Log calls after which what was fetched is on the disk: a killed pull goes on from there."""


def pull(
    client: WandbClient, home: Path, path: str, wanted: list[str], again: bool,
    say: Callable[[str], None],
) -> Pulled:  # fmt: skip
    """Fetch what is new of a project's runs.

    Args:
        client: the user's.
        home: folder of the store.
        path: ``ENTITY/PROJECT``.
        wanted: ids or names of runs; empty for all.
        again: whether runs that have nothing new are imported too.
        say: told what is being fetched.

    Raises:
        PullError: the project cannot be read at all.
    """
    entity, _, project = path.strip("/").partition("/")
    if not entity or not project or "/" in project:
        raise PullError(f"{path} names no project of W&B: write ENTITY/PROJECT")
    folder = kept_folder(home, "wandb", urlsplit(client.address).netloc, entity, project)
    done = Pulled()
    runs = _wanted(client, entity, project, wanted, done)
    if not runs and not done.failed:
        raise PullError(f"the project {entity}/{project} holds no runs")
    changed: set[str] = set()
    for run in runs:
        say(f"{run.name} ({run.id})")
        place = _Place(folder, run, project)
        changed |= bring(place, (run.id, run.name), path, run.state == "running", again, done)
    choose(folder, ".wandb", changed, done)
    return done


def _wanted(
    client: WandbClient, entity: str, project: str, wanted: list[str], done: Pulled
) -> list[RemoteRun]:
    """The runs asked for, and those of their names: they are numbered in the order of their start,
    so which number one gets must not hang on which was pulled first."""
    if not wanted:
        return client.runs(entity, project)
    found: dict[str, RemoteRun] = {}
    for one in wanted:
        named = client.runs(entity, project, one)
        try:
            run = None if named else client.run(entity, project, one)
        except NotThere as error:
            done.failed.append(Skip(f"{entity}/{project}/{one}", str(error)))
            continue
        if run is not None:
            named = client.runs(entity, project, run.name) or [run]
        if len(named) > 1:
            done.notes.append(
                f"{len(named)} runs are called {named[0].name}: all are brought, numbered by start"
            )
        found |= {run.id: run for run in named}
    return sorted(found.values(), key=lambda run: run.started)


class _Place:
    """One run's log, its tables, and what is known of it."""

    def __init__(self, folder: Path, run: RemoteRun, project: str) -> None:
        self.run, self.project, self.folder = run, project, folder
        self.log = log_of(folder, run.id, ".wandb")
        kept = read(self.log)
        same = kept is not None and kept.id == run.id and kept.started == run.started
        self.kept = kept if kept and same else Kept(run.id, run.name, run.started)
        if not self.log.exists() or self.log.stat().st_size < self.kept.size:
            self.kept = Kept(run.id, self.kept.name, run.started)

    def grow(self, done: Pulled) -> int | None:
        """Bring the log to where the run is now; how many log calls are new, None = nothing.

        Raises:
            PullError: it could not be fetched to its end; what came is kept.
        """
        before, last = self.kept, self.run.last_step()
        if before.whole and last == before.last_step and not before.tables:
            return None
        rows = self._rows_from(last, done)
        self.kept.whole = False
        self._settle()
        fetched = 0
        for batch in _batches(rows):
            fetched += len(batch)
            self._keep(batch)
        for name in list(self.kept.tables):
            self._fetch(name, done)
        self.kept.whole = True
        write(self.log, self.kept)
        if self.kept.name != self.run.name:
            done.notes.append(f"{self.run.name} was renamed in W&B: it stays {self.kept.name} here")
        return fetched or None

    def left_off(self, reason: str) -> str:
        """Why the run is not imported, with what is kept of it."""
        if self.kept.last_step < 0:
            return f"{reason}. Nothing of it was stored"
        return (
            f"{reason}. Its log calls up to {self.kept.last_step} are kept, none of the new ones "
            "imported: pull again to go on from there"
        )

    def _rows_from(self, last: int, done: Pulled) -> Iterator[JsonObject]:
        """What follows the last kept log call; all rows where W&B has another one in its place."""
        if self.kept.last_step < 0:
            return self.run.history(0)
        rows = self.run.history(self.kept.last_step)
        first = next(rows, None) if last >= self.kept.last_step else None
        if first is not None and hashed(first) == self.kept.last_row:
            return rows
        done.notes.append(
            f"{self.run.name} was wound back in W&B and is fetched anew. Steps that it no longer "
            f"has stay here until: python -m data forget {self.kept.name}, and pull again"
        )
        self.kept = Kept(self.run.id, self.kept.name, self.run.started)
        return self.run.history(0)

    def _settle(self) -> None:
        """The records that name the run, and its settings where they are new."""
        config = self.run.config()
        records = []
        if self.kept.size == 0:
            records.append(offline_log.run_record(
                self.run.id, self.project, self.kept.name, self.run.started
            ))  # fmt: skip
        if hashed(config) != self.kept.config:
            records.append(offline_log.config_record(config))
        self.kept.size = offline_log.append(self.log, records, self.kept.size)
        self.kept.config = hashed(config)
        write(self.log, self.kept)

    def _keep(self, rows: list[JsonObject]) -> None:
        records = [offline_log.history_record(row) for row in rows]
        self.kept.size = offline_log.append(self.log, records, self.kept.size)
        self.kept.last_step, self.kept.last_row = int(rows[-1]["_step"]), hashed(rows[-1])
        self.kept.empty = False
        new = [name for row in rows for name in _tables(row) if not (self._files / name).exists()]
        self.kept.tables += [name for name in new if name not in self.kept.tables]
        write(self.log, self.kept)

    def _fetch(self, name: str, done: Pulled) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as draft:
            try:
                file = self.run.table(name, Path(draft))
                target = self._files / name
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, target)
            except NotThere as error:
                done.notes.append(f"{self.run.name}: {error}")
        self.kept.tables.remove(name)
        write(self.log, self.kept)

    @property
    def _files(self) -> Path:
        return self.folder / "files"


def _tables(row: JsonObject) -> Iterator[str]:
    """The files of tables that a row names; a name that would leave the folder is none."""
    for key, value in offline_log.flat(row):
        named = key.endswith(".path") and isinstance(value, str) and ".." not in value
        if named and TABLE.fullmatch(value):
            yield value


def _batches(rows: Iterable[JsonObject]) -> Iterator[list[JsonObject]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
