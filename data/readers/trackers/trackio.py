"""The SQLite databases of trackio: one a project, several runs in each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.files.blocks import object_frame
from data.readers.raw import sqlite
from data.readers.raw.reader import Frame, Gives, NotALog, Piece, Reader, in_store, store
from data.readers.raw.scalars import Scalars, as_step
from data.readers.raw.texts import load_json
from data.readers.trackers.tracked import Tracked, name_of, set_config

FORMAT = "trackio"
FOLDER = "trackio"
MAX_RUNS = 10_000
NEEDED = {"run_name", "step", "metrics"}


def recognises(path: Path) -> bool:
    """Whether a file is, by its folder or its tables, a database of trackio."""
    if path.suffix != ".db":
        return False
    if path.parent.name == FOLDER:
        return True
    try:
        with sqlite.opened(path) as connection:
            return holds(connection)
    except LogError:
        return False


def holds(connection: sqlite3.Connection) -> bool:
    """Whether an open database is one of trackio."""
    return set(sqlite.tables(connection).get("metrics", [])) >= NEEDED


def runs(path: Path) -> list[Piece]:
    """The runs in a database, by the time of their first row.

    Raises:
        LogError: the file is damaged, or is no database of trackio though it lies among them.
        NotALog: it is a database of something else.
    """
    with sqlite.opened(path) as connection:
        if not holds(connection):
            message = sqlite.of_no_tracker(path)
            raise LogError(message) if path.parent.name == FOLDER else NotALog(message)
        key = _key(connection)
        found = sqlite.rows(
            connection,
            f"select {key}, max(run_name), min(id) from metrics group by {key} order by 3 "
            f"limit {MAX_RUNS}",
        )
        return [
            Piece(
                kind=FORMAT,
                path=path,
                name=name_of(name, None) or str(run_id),
                project=path.stem,
                started=float(first) if isinstance(first, int) else 0.0,
                placed=path.parent.name == FOLDER,
                scalars=partial(read, path, run_id),
                tables=partial(completions, path, run_id),
            )
            for run_id, name, first in found
        ]


def read(path: Path, run_id: object) -> Scalars:
    """The metric rows and settings of one run; of a step logged twice the later row is kept.

    Raises:
        LogError: the database is damaged.
    """
    scalars = Scalars(path=str(path), format=FORMAT)
    tracked = Tracked(scalars)
    broken = 0
    with sqlite.opened(path) as connection:
        key = _key(connection)
        query = (
            "select step, case when length(cast(metrics as blob)) <= ? then metrics end "
            f"from metrics where {key} = ? order by id"
        )
        for step, content in sqlite.rows(connection, query, (sqlite.MAX_CELL, run_id)):
            values = _json(content, path)
            if values is None:
                broken += 1
                continue
            tracked.add(values, as_step(step))
        if {"config", key} <= set(sqlite.tables(connection).get("configs", [])):
            query = f"select config from configs where {key} = ? order by rowid desc limit 1"
            for (content,) in sqlite.rows(connection, query, (run_id,)):
                set_config(scalars, _json(content, path))
    if broken:
        scalars.notes.append(f"{path.name}: {broken} rows are not JSON objects and were left out")
    tracked.done()
    scalars.function_order = scalars.keys()
    return scalars


def completions(path: Path, run_id: object, problems: list[str]) -> Iterator[Frame]:
    """The tables of completions that were logged inline, in the order in which they were.

    Raises:
        LogError: the database is damaged.
    """
    with sqlite.opened(path) as connection:
        query = (
            "select id, case when length(cast(metrics as blob)) <= ? then metrics end "
            f"from metrics where {_key(connection)} = ? and instr(metrics, 'trackio.table') > 0 "
            "order by id"
        )
        for number, content in sqlite.rows(connection, query, (sqlite.MAX_CELL, run_id)):
            values = _json(content, path) or {}
            for table in values.values():
                frame = _table(table)
                if frame is not None:
                    yield f"{path.name} row {number}", frame


def _table(value: object) -> pl.DataFrame | None:
    """An inline table of completions as a frame; None for any other value."""
    if not isinstance(value, dict) or value.get("_type") != "trackio.table":
        return None
    found = value.get("_value")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        return None
    if not found or "completion" not in found[0]:
        return None
    try:
        return object_frame(found)
    except LogError:
        return None


def _key(connection: sqlite3.Connection) -> str:
    """The column that tells runs apart: run_id, which older versions do not have."""
    return "run_id" if "run_id" in sqlite.tables(connection).get("metrics", []) else "run_name"


def _json(content: object, path: Path) -> JsonObject | None:
    """The JSON object in a cell, which trackio writes as bytes; None where there is none."""
    if isinstance(content, bytes):
        content = content.decode("utf-8", "replace")
    if not isinstance(content, str):
        return None
    try:
        values = load_json(content, path.name)
    except LogError:
        return None
    return values if isinstance(values, dict) else None


READER = Reader(
    name=FORMAT,
    expects="trackio databases (trackio/*.db)",
    rank=2,
    gives=(Gives.METRICS, Gives.SETTINGS, Gives.RESPONSES),
    recognises=recognises,
    read=store(runs),
    belongs=in_store,
    inside=(FOLDER,),
    examples=("tests/data/logs/trackio/small-lab.db",),
    tells="metric rows at `train/global_step`, settings, tables of responses",
)
