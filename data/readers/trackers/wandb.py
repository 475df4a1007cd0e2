"""Offline runs of Weights & Biases, read without wandb: the ``.wandb`` file and its tables.

A record is a ``wandb_internal.Record``: history 2, config 5, run 17. Items of history and config
are ``key 1, nested_key 2, value_json 16``; a run holds its first config in field 4.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.raw.protobuf import fields
from data.readers.raw.reader import Frame, Gives, Piece, Reader, in_store, store
from data.readers.raw.scalars import Scalars, as_step
from data.readers.raw.texts import load_json
from data.readers.raw.wandb_log import records
from data.readers.trackers.tracked import Tracked, logged_table, name_of, set_config

FORMAT = "wandb"
FOLDER = "wandb"
MAX_VALUE = 1 << 20  # bytes of one value; a longer one is no number
RECORDS_TO_NAME = 200  # the run's name and settings stand among the first records
TABLE = re.compile(r"media/table/[\w.() -]+\.table\.json")


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, the log of a wandb run."""
    return path.suffix == ".wandb"


def run(path: Path) -> Piece:
    """The run in a ``.wandb`` file.

    Raises:
        LogError: the file cannot be opened, or is no wandb log.
    """
    head = _Head()
    for number, record in enumerate(_records(path, [])):
        if number >= RECORDS_TO_NAME:
            break
        head.add(record)
    name = name_of(head.name, head.config) or head.run_id or path.stem
    placed = path.parent.parent.name == FOLDER
    return Piece(
        kind=FORMAT,
        path=path,
        name=name,
        project=head.project,
        started=head.started,
        scalars=partial(read, path),
        tables=partial(completions, path),
        placed=placed,
        beside=partial(_beside, path.parent.parent) if placed else None,
    )


def _beside(folder: Path) -> Iterator[tuple[Path, str]]:
    """The runs in wandb's folder, by name; links and broken ones are left out."""
    for path in sorted(folder.glob("*/*.wandb")):
        if not path.parent.is_symlink():
            with contextlib.suppress(LogError):
                yield path, run(path).name


def read(path: Path) -> Scalars:
    """The metric rows and settings of one offline run, up to its last whole record.

    Raises:
        LogError: the file cannot be opened, or is no wandb log.
    """
    scalars = Scalars(path=str(path), format=FORMAT)
    tracked, head = Tracked(scalars), _Head()
    broken = 0
    for record in _records(path, scalars.notes):
        try:
            head.add(record)
            row = _history(record)
        except IndexError:
            broken += 1
            continue
        if row:
            media = tuple(f"{key[:-6]}." for key in row if key.endswith("._type"))
            if media:  # a table's size and number of rows are no metrics
                row = {key: value for key, value in row.items() if not key.startswith(media)}
            tracked.add(row, as_step(row.get("_step")))
    if broken:
        scalars.notes.append(f"{path.name}: {broken} malformed records were left out")
    set_config(scalars, head.config)
    tracked.done()
    scalars.function_order = scalars.keys()
    return scalars


def completions(path: Path, problems: list[str]) -> Iterator[Frame]:
    """The tables of completions that the run's history names, in the order in which it does.

    A table whose file is missing or broken is named in ``problems`` and leaves the rest.
    """
    for record in _records(path, []):
        try:
            row = _history(record)
        except IndexError:
            continue
        for key, value in row.items():
            if not key.endswith(".path") or not isinstance(value, str):
                continue
            if not TABLE.fullmatch(value) or ".." in value:
                continue
            yield from logged_table(path.parent / "files" / value, value, problems)


class _Head:
    """What a run's records say of the run itself; later records overtake earlier ones."""

    def __init__(self) -> None:
        self.name = self.project = self.run_id = ""
        self.started = 0.0
        self.config: JsonObject = {}

    def add(self, record: bytes) -> None:
        """Take up one record; raises IndexError where it is malformed."""
        for number, body in fields(record):
            if number == 17 and isinstance(body, bytes):
                self._run(body)
            elif number == 5 and isinstance(body, bytes):
                self._configured(body)

    def _configured(self, body: bytes) -> None:
        for field, item in fields(body):
            if field == 1 and isinstance(item, bytes):
                key, value = _item(item)
                if key != "_wandb":
                    self.config[key] = value

    def _run(self, body: bytes) -> None:
        for field, value in fields(body):
            if not isinstance(value, bytes):
                continue
            if field == 4:  # what wandb.init was given; later changes are records of their own
                self._configured(value)
            elif field == 17:
                seconds = [v for f, v in fields(value) if f == 1 and isinstance(v, int)]
                self.started = float(seconds[0]) if seconds else 0.0
            elif field in (1, 3, 8):
                text = value.decode("utf-8", "replace")
                if field == 1:
                    self.run_id = text
                elif field == 3:
                    self.project = text
                else:
                    self.name = text


def _records(path: Path, notes: list[str]) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from records(file, notes, path.name)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None


def _history(record: bytes) -> JsonObject:
    """The values of a history record by key; nested keys joined by dots; empty for others."""
    row: JsonObject = {}
    for number, body in fields(record):
        if number == 2 and isinstance(body, bytes):
            for field, item in fields(body):
                if field == 1 and isinstance(item, bytes):
                    key, value = _item(item)
                    row[key] = value
    return row


def _item(item: bytes) -> tuple[str, Any]:
    """Key and value of one item; a value that is no JSON is None."""
    keys: list[str] = []
    value: Any = None
    for field, part in fields(item):
        if not isinstance(part, bytes):
            continue
        if field in (1, 2):
            keys.append(part.decode("utf-8", "replace"))
        elif field == 16 and len(part) <= MAX_VALUE:
            try:
                value = load_json(part.decode("utf-8", "replace"), "item")
            except LogError:
                value = None
    return ".".join(keys), value


READER = Reader(
    name=FORMAT,
    expects="wandb offline runs (wandb/offline-run-*/run-*.wandb)",
    rank=3,
    gives=(Gives.METRICS, Gives.SETTINGS, Gives.RESPONSES),
    recognises=recognises,
    read=store(lambda path: [run(path)]),
    belongs=in_store,
    inside=(FOLDER, rf"{FOLDER}/(offline-)?run-\d{{8}}_\d{{6}}-.+"),
    examples=("tests/data/logs/r12_wandb",),
    tells="history rows with metrics, settings, tables of responses; also exported histories",
)
