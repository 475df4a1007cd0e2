"""Offline runs of SwanLab, read without swanlab: the ``.swanlab`` file and its settings.

Its framing is wandb's under another header. A record is a ``swanlab.record.v1.Record``: start 10
(project 1, name 4, id 10, started_at 12), scalar 13 (key 1, step 2, value 5 with number 1).
Source: swanlab 0.10.3, its store and its compiled protobuf descriptors.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.raw.protobuf import fields
from data.readers.raw.reader import Gives, Piece, Reader, in_store, store
from data.readers.raw.scalars import Scalars
from data.readers.raw.texts import load_literal, read_text
from data.readers.raw.wandb_log import records
from data.readers.trackers.tracked import EVALUATED, Tracked, name_of, set_config

FORMAT = "swanlab"
HEADER = b":SWL"
RECORDS_TO_NAME = 50  # the run's name stands in its first record
MAX_SETTINGS = 4 << 20
TRAINS = ("train/loss", "train/grad_norm", "train/learning_rate", "loss", "learning_rate")
_SETTING = re.compile(r"^([^\s:#][^:\n]*):[ \t]*\n((?:[ \t]+.*\n?)+)", re.MULTILINE)
_VALUE = re.compile(r"^[ \t]+value:[ \t]*(.+)$", re.MULTILINE)


@dataclass
class Head:
    """What a run's records say of the run itself."""

    name: str = ""
    project: str = ""
    run_id: str = ""
    started: float = 0.0

    def add(self, body: bytes) -> None:
        """Take up a start record; raises IndexError where it is malformed."""
        texts = {1: "project", 4: "name", 10: "run_id"}
        for field, value in fields(body):
            if field in texts and isinstance(value, bytes):
                setattr(self, texts[field], value.decode("utf-8", "replace"))
            elif field == 12 and isinstance(value, bytes):
                seconds = [v for f, v in fields(value) if f == 1 and isinstance(v, int)]
                self.started = float(seconds[0]) if seconds else 0.0


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, the log of a SwanLab run."""
    return path.suffix == ".swanlab"


def run(path: Path) -> Piece:
    """The run in a ``.swanlab`` file.

    Raises:
        LogError: the file cannot be opened, or is no SwanLab log.
    """
    head = Head()
    for number, record in enumerate(_records(path, [])):
        if number >= RECORDS_TO_NAME:
            break
        try:
            for field, body in fields(record):
                if field == 10 and isinstance(body, bytes):
                    head.add(body)
        except IndexError:
            continue
    name = name_of(head.name, _settings(path)) or head.run_id or path.stem
    placed = path.parent.parent.name == "swanlog"
    return Piece(
        kind=FORMAT, path=path, name=name, project=head.project, started=head.started,
        scalars=partial(read, path), placed=placed,
    )  # fmt: skip


def read(path: Path) -> Scalars:
    """The metric rows and settings of one offline run, up to its last whole record.

    Raises:
        LogError: the file cannot be opened, or is no SwanLab log.
    """
    scalars = Scalars(path=str(path), format=FORMAT)
    tracked = Tracked(scalars)
    call: dict[str, float] = {}
    at = -1
    broken = 0
    for record in _records(path, scalars.notes):
        try:
            point = _scalar(record)
        except (IndexError, struct.error):
            broken += 1
            continue
        if point is None:
            continue
        key, step, number = point
        if step != at or key in call:
            _add(tracked, call, at)
            call, at = {}, step
        call[key] = number
    _add(tracked, call, at)
    if broken:
        scalars.notes.append(f"{path.name}: {broken} malformed records were left out")
    set_config(scalars, _settings(path))
    tracked.done()
    scalars.function_order = scalars.keys()
    return scalars


def _add(tracked: Tracked, call: dict[str, float], step: int) -> None:
    """The points of one step as log calls: an evaluation of the same step is one of its own."""
    if step < 0 or not call:
        return
    both = any(key in call for key in EVALUATED) and any(key in call for key in TRAINS)
    evaluated = {key: x for key, x in call.items() if both and key.startswith(("eval/", "eval_"))}
    for part in (evaluated, {key: x for key, x in call.items() if key not in evaluated}):
        if part:
            tracked.add(part, step)


def _scalar(record: bytes) -> tuple[str, int, float] | None:
    """Key, step and number of a record; None where it holds no scalar."""
    for field, body in fields(record):
        if field != 13 or not isinstance(body, bytes):
            continue
        key, step, number = "", 0, None
        for part, value in fields(body):
            if part == 1 and isinstance(value, bytes):
                key = value.decode("utf-8", "replace")
            elif part == 2 and isinstance(value, int):
                step = value
            elif part == 5 and isinstance(value, bytes):
                number = 0.0  # a number of 0 is not written
                for inner, raw in fields(value):
                    if inner == 1 and isinstance(raw, bytes):
                        number = float(struct.unpack("<d", raw)[0])
        if key and number is not None and step < 1 << 62:
            return key, step, number
    return None


def _records(path: Path, notes: list[str]) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from records(file, notes, path.name, HEADER)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None


def _settings(path: Path) -> JsonObject:
    """The settings beside a run's log: ``files/config.yaml``, each with a description and value."""
    try:
        text = read_text(path.parent / "files" / "config.yaml", MAX_SETTINGS)
    except LogError:
        return {}
    found: JsonObject = {}
    for key, block in _SETTING.findall(text):
        value = _VALUE.search(block)
        if value:
            found[key.strip("'\"")] = _plain(value.group(1).strip())
    return found


def _plain(text: str) -> Any:
    words = {"true": True, "false": False, "null": None, "~": None}
    if text.lower() in words or len(text) > 400:
        return words.get(text.lower(), text)
    try:
        return load_literal(text)
    except ValueError:
        return text


READER = Reader(
    name=FORMAT,
    expects="SwanLab offline runs (swanlog/run-*/run-*.swanlab)",
    rank=3,
    gives=(Gives.METRICS, Gives.SETTINGS),
    recognises=recognises,
    read=store(lambda path: [run(path)]),
    belongs=in_store,
    inside=("swanlog", r"(swanlog|\.swanlab)/run-.+"),
    examples=("tests/data/logs/swanlab",),
    tells="scalars and settings",
)
