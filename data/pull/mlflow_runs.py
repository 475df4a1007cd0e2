"""``pull mlflow``: runs of an experiment into small databases of MLflow's own form, one a run."""

from __future__ import annotations

import math
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from data.columns import Skip
from data.pull import mlflow_server
from data.pull.asking import Asking
from data.pull.kept import Kept, bring, choose, hashed, log_of, read, write
from data.pull.mlflow_server import Page, Point, RemoteRun
from data.pull.outcome import NotThere, Pulled, PullError, kept_folder
from data.readers.trackers.mlflow import NOT_OURS, TABLES_TAG, logged_tables

LARGEST = sys.float_info.max

_TABLES = """
create table if not exists experiments (experiment_id text primary key, name text);
create table if not exists runs (
    run_uuid text primary key, name text, start_time integer, experiment_id text,
    lifecycle_stage text
);
create table if not exists metrics (
    key text, value real, timestamp integer, run_uuid text, step integer, is_nan integer,
    page text
);
create index if not exists metrics_by_key on metrics (key);
create table if not exists params (key text, value text, run_uuid text);
create table if not exists tags (key text, value text, run_uuid text);
create table if not exists pulled (key text primary key, latest text);
"""


def pull(
    asking: Asking, home: Path, named: str, wanted: list[str], again: bool,
    say: Callable[[str], None],
) -> Pulled:  # fmt: skip
    """Fetch what is new of an experiment's runs.

    Args:
        asking: the server.
        home: folder of the store.
        named: the experiment, by name or number.
        wanted: ids or names of runs; empty for all.
        again: whether runs that have nothing new are imported too.
        say: told what is being fetched.

    Raises:
        PullError: the experiment cannot be read at all.
    """
    number, name = mlflow_server.experiment(asking, named)
    folder = kept_folder(home, "mlflow", urlsplit(asking.address).netloc, name)
    done, changed = Pulled(), set[str]()
    found = list(mlflow_server.runs(asking, number))
    if not found and not wanted:
        raise PullError(f"the experiment {name} holds no runs")
    for run in _chosen(asking, found, wanted, name, done):
        say(f"{run.name} ({run.id})")
        place = _Place(asking, folder, run, (number, name))
        running = run.status == "RUNNING"
        changed |= bring(place, (run.id, run.name), name, running, again, done)
    choose(folder, ".db", changed, done)
    return done


def _chosen(
    asking: Asking, found: list[RemoteRun], wanted: list[str], experiment: str, done: Pulled
) -> list[RemoteRun]:
    """The runs asked for, and those of their names, which are numbered together."""
    if not wanted:
        return found
    names: set[str] = set()
    for one in wanted:
        mine = {run.name for run in found if one in (run.id, run.name)}
        names |= mine
        if not mine:
            done.failed.append(Skip(f"{experiment}/{one}", _why_not(asking, one, experiment)))
    return [run for run in found if run.name in names]


def _why_not(asking: Asking, run_id: str, experiment: str) -> str:
    try:
        run = mlflow_server.run(asking, run_id)
    except PullError:
        return f"the experiment {experiment} has no run {run_id}, by name or id"
    if run.deleted:
        return f"{run.name} was deleted on the server; restore it there to pull it"
    return f"{run.name} is a run of another experiment than {experiment}"


class _Place:
    """One run's database, and what is known of it."""

    def __init__(
        self, asking: Asking, folder: Path, run: RemoteRun, experiment: tuple[str, str]
    ) -> None:
        self.asking, self.run, self.experiment = asking, run, experiment
        self.log = log_of(folder, run.id, ".db")
        kept = read(self.log)
        fresh = Kept(run.id, run.name, run.started)
        self.kept = kept if kept and kept.id == run.id and self.log.exists() else fresh

    def grow(self, done: Pulled) -> int | None:
        """Bring the database to where the run is now; how many points came, None = nothing new.

        Raises:
            PullError: it could not be fetched to its end; what came is kept.
        """
        keys = sorted(key for key in self.run.latest if not key.startswith(NOT_OURS))
        with _opened(self.log) as database:
            known = dict(database.execute("select key, latest from pulled").fetchall())
            settings = hashed([self.run.params, self.run.name, self.run.tables])
            new = [key for key in keys if known.get(key) != str(self.run.latest[key])]
            if not new and self.kept.whole and settings == self.kept.config:
                return None
            self.kept.whole, self.kept.imported, before = False, -1, _count(database)
            write(self.log, self.kept)
            self._head(database)
            for key in new:
                self._fetch(database, key)
            for path in logged_tables(self.run.tables):
                self._fetch_table(path, done)
            self.kept.size = _count(database)
            self.kept.empty = self.kept.size == 0
        self.kept.config, self.kept.name, self.kept.whole = settings, self.run.name, True
        write(self.log, self.kept)
        return self.kept.size - before

    def left_off(self, reason: str) -> str:
        """Why the run is not imported, with what is kept of it."""
        with _opened(self.log) as database:
            kept = _count(database)
        if not kept:
            return f"{reason}. Nothing of it was stored"
        return f"{reason}. {kept} points of it are kept: pull again to go on from there"

    def _head(self, database: sqlite3.Connection) -> None:
        number, name = self.experiment
        with database:
            database.execute("delete from params")
            database.execute("delete from tags")
            database.execute("insert or replace into experiments values (?, ?)", (number, name))
            database.execute(
                "insert or replace into runs values (?, ?, ?, ?, 'active')",
                (self.run.id, self.run.name, self.run.started, number),
            )
            database.execute(
                "insert into tags values (?, ?, ?)", (TABLES_TAG, self.run.tables, self.run.id)
            )
            database.executemany(
                "insert into params values (?, ?, ?)",
                [(key, value, self.run.id) for key, value in self.run.params.items()],
            )

    def _fetch(self, database: sqlite3.Connection, key: str) -> None:
        """The points of one metric from its last page on; from the first where that one changed."""
        token, values = self._last_page(database, key)
        pages = mlflow_server.history(self.asking, self.run.id, key, token)
        for page in pages:
            if page.token == token and not _goes_on(values, page.points):
                with database:  # what was there has changed: all of it again
                    database.execute("delete from metrics where key = ?", (key,))
                return self._fetch(database, key)
            self._keep(database, key, page)
        with database:
            latest = str(self.run.latest[key])
            database.execute("insert or replace into pulled values (?, ?)", (key, latest))

    def _fetch_table(self, path: str, done: Pulled) -> None:
        """A table of responses, to where MLflow itself puts artifacts beside its database."""
        number, _ = self.experiment
        target = self.log.parent / "mlruns" / number / self.run.id / "artifacts" / path
        try:
            body = mlflow_server.artifact(self.asking, self.run.id, path)
        except NotThere:
            done.notes.append(f"{self.run.name}: the server does not hand out its table {path}")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".new")
        draft.write_bytes(body)
        os.replace(draft, target)

    def _last_page(self, database: sqlite3.Connection, key: str) -> tuple[str, list[Point]]:
        asked = "select page from metrics where key = ? order by rowid desc limit 1"
        (token,) = database.execute(asked, (key,)).fetchone() or ("",)
        values = database.execute(
            "select timestamp, step, value, is_nan from metrics where key = ? and page = ? "
            "order by rowid", (key, token),
        ).fetchall()  # fmt: skip
        return token, [(at, step, _read_back(value, nan)) for at, step, value, nan in values]

    def _keep(self, database: sqlite3.Connection, key: str, page: Page) -> None:
        with database:
            database.execute("delete from metrics where key = ? and page = ?", (key, page.token))
            database.executemany(
                "insert into metrics values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (key, _stored(value), at, self.run.id, step, math.isnan(value), page.token)
                    for at, step, value in page.points
                ],
            )


def _stored(value: float) -> float:
    """A number as MLflow's databases hold it: NaN is 0, infinity the largest double."""
    return 0.0 if math.isnan(value) else max(-LARGEST, min(LARGEST, value))


def _read_back(value: float, is_nan: int) -> float:
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value


def _goes_on(before: list[Point], found: list[Point]) -> bool:
    """Whether the points of a page begin with those that it had (NaN is NaN)."""
    return [str(point) for point in found[: len(before)]] == [str(point) for point in before]


def _count(database: sqlite3.Connection) -> int:
    return int(database.execute("select count(*) from metrics").fetchone()[0])


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path)
    try:
        database.executescript(_TABLES)
    except sqlite3.DatabaseError:  # damaged, as by a full disk: all of it again
        database.close()
        path.unlink()
        database = sqlite3.connect(path)
        database.executescript(_TABLES)
    try:
        yield database
    finally:
        database.close()
