"""TensorBoard event files, read without TensorBoard: the protobuf wire of their records.

A record is an ``Event`` (wall_time 1, step 2, summary 5) whose ``Summary`` holds ``Value`` entries
(tag 1, simple_value 2, tensor 8). Only scalars, and the two texts in which the Hugging Face
trainer writes its settings, are kept. Events of the common layout are read many at a time
(data.readers.raw.tfevent_columns); this module reads all others.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.readers.raw import event_order
from data.readers.raw.protobuf import fields, varint
from data.readers.raw.reader import Belongs, Gives, NotALog, Piece, Place, Reader, in_folder, skip
from data.readers.raw.scalars import Scalars
from data.readers.raw.texts import load_json
from data.readers.raw.tfevent_columns import Logged, quick
from data.readers.raw.tfrecord import records

FORMAT = "tensorboard"
TEXTS = {"args/text_summary": "args", "model_config/text_summary": "model_config"}

SESSION_START = b"\x08\x01"
"""A SessionLog of status START: what follows replaces what was logged from its step on."""
HPARAMS = b"_hparams_/"
ONLY_SETTINGS = "holds hyperparameters only"
EVALUATIONS = ("eval", "evaluation", "val", "valid", "validation", "test")

_FLOAT = struct.Struct("<f")
# dtype of a TensorProto -> how a scalar stands in its tensor_content
_CONTENT = {1: "<f", 2: "<d", 3: "<i", 4: "<B", 6: "<b", 9: "<q"}


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a TensorBoard event file."""
    return ".tfevents." in path.name or path.name.endswith(".tfevents")


def read(path: Path) -> Scalars:
    """Read one event file up to its last whole record.

    Tags ``train/…`` and ``eval/…`` give phase and key (``split_key``).

    Raises:
        LogError: the file cannot be opened, does not start with a whole record, or has neither
            scalars nor settings.
    """
    scalars = Scalars(path=str(path), format=FORMAT)
    found = Logged()
    hparams = False
    try:
        with path.open("rb") as file:
            for block in records(file, path.stat().st_size, scalars.notes, path.name):
                for alike in block:
                    scalars.seen(_wall(alike.payload[0]), _wall(alike.payload[-1]))
                    for record in quick(alike, found).tolist():
                        number, payload = alike.number[record], alike.payload[record].tobytes()
                        hparams = hparams or HPARAMS in payload[:200]
                        _general(payload, int(number), found, scalars)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    scalars.started_at = min((step for _, step in found.starts if step > 0), default=None)
    found.fill(scalars)
    _place(path, scalars)
    beside = hparams and scalars.count() <= 1 and _has_events(path.parent.parent)
    if beside or (hparams and not scalars.count() and not scalars.config):
        raise NotALog(f"{path.name} {ONLY_SETTINGS}")
    if not scalars.count() and not scalars.config:
        raise LogError(f"{path.name} holds no scalar in a whole record")
    return scalars


def _wall(payload: NDArray[np.uint8]) -> float:
    """An event's wall time in seconds; 0 where it does not begin with one."""
    if len(payload) < 9 or payload[0] != 0x09:
        return 0.0
    return float(struct.unpack("<d", payload[1:9].tobytes())[0])


def _place(path: Path, scalars: Scalars) -> None:
    """What a file's folder says of its scalars: that they are an evaluation's, or which of several
    lines of one chart (``add_scalars``) they are."""
    if path.parent.name.lower() in EVALUATIONS:
        for step, row in scalars.rows.pop("train", {}).items():
            scalars.rows.setdefault("eval", {}).setdefault(step, {}).update(row)
        scalars.rows.setdefault("train", {})
    keys = scalars.keys()
    if len(keys) == 1 and (line := _line_of(path.parent, keys[0], "train/")):
        for rows in scalars.rows.values():
            for row in rows.values():
                row[f"{keys[0]}/{line}"] = row.pop(keys[0])
        scalars.function_order = [f"{keys[0]}/{line}"]


def _has_events(folder: Path) -> bool:
    """Whether event files stand in a folder itself."""
    try:
        return any(recognises(entry) for entry in folder.iterdir())
    except OSError:
        return False


def _line_of(folder: Path, key: str, phase: str = "") -> str:
    """Which line of the chart ``key`` a folder made by ``add_scalars`` holds; empty = of none."""
    for tag in dict.fromkeys((phase + key, key)):
        flat = tag.replace("/", "_") + "_"
        if folder.name.startswith(flat) and len(folder.name) > len(flat):
            return folder.name[len(flat) :]
        if folder.parent.as_posix().endswith(f"/{tag}"):
            return folder.name
    return ""


def first_wall_time(path: Path) -> float:
    """Wall time of a file's first event in seconds, for ordering the files of a resumed run.

    Raises:
        LogError: the file does not start with a whole event.
    """
    try:
        with path.open("rb") as file:
            block = next(records(file, path.stat().st_size, [], path.name), [])
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    first = min(block, key=lambda alike: int(alike.number[0]), default=None)
    if first is None or first.payload.shape[1] < 9 or first.payload[0, 0] != 0x09:
        return 0.0
    return float(struct.unpack("<d", first.payload[0, 1:9].tobytes())[0])


def _general(payload: bytes, record: int, found: Logged, scalars: Scalars) -> None:
    """Read one event of any layout; a malformed one is left out with a note."""
    try:
        step, values = 0, []
        for number, value in fields(payload):
            if number == 2 and isinstance(value, int):
                step = value - (1 << 64) if value >> 63 else value
            elif number == 7 and value == SESSION_START:
                found.starts.append((record, step))
            elif number == 5 and isinstance(value, bytes):
                values += [v for n, v in fields(value) if n == 1 and isinstance(v, bytes)]
        for entry in values:
            tag, scalar = _value(entry, scalars)
            if scalar is not None and step >= 0:
                found.add(tag, record, step, scalar)
    except (IndexError, struct.error):
        note = f"{Path(scalars.path).name}: holds malformed events, which were left out"
        if note not in scalars.notes:
            scalars.notes.append(note)


def _value(entry: bytes, scalars: Scalars) -> tuple[bytes, float | None]:
    """Tag and number of one value of a summary; None where it is no number."""
    tag, number, tensor = b"", None, None
    for field, value in fields(entry):
        if field == 1 and isinstance(value, bytes):
            tag = value
        elif field == 2 and isinstance(value, bytes) and len(value) == 4:
            number = _FLOAT.unpack(value)[0]
        elif field == 8 and isinstance(value, bytes):
            tensor = value
    kind = TEXTS.get(tag.decode("utf-8", "replace"))
    if kind is not None:
        if tensor is not None:
            _settings(kind, tensor, scalars)
        return tag, None
    if number is None and tensor is not None:
        number = _tensor_scalar(tensor)
    return tag, number


def _settings(kind: str, tensor: bytes, scalars: Scalars) -> None:
    """Keep the trainer's or the model's settings, which are written as a JSON text."""
    texts = [v for n, v in fields(tensor) if n == 8 and isinstance(v, bytes)]
    if not texts:
        return
    try:
        settings = load_json(texts[0].decode("utf-8", "replace"), kind)
    except LogError:
        return  # an older version writes Markdown here; the scalars do not depend on it
    if isinstance(settings, dict):
        scalars.config[kind] = settings


def _tensor_scalar(tensor: bytes) -> float | None:
    """The value of a TensorProto of one number; None for anything else."""
    dtype, content = 0, None
    for field, value in fields(tensor):
        if field == 1 and isinstance(value, int):
            dtype = value
        elif field == 4 and isinstance(value, bytes):
            content = value
        elif field == 5 and isinstance(value, bytes) and len(value) == 4:
            return float(_FLOAT.unpack(value)[0])
        elif field == 6 and isinstance(value, bytes) and len(value) == 8:
            return float(struct.unpack("<d", value)[0])
        elif field in (7, 10) and isinstance(value, bytes) and dtype in (3, 4, 6, 9):
            whole, end = varint(value, 0)
            if end == len(value):
                return float(whole - (1 << 64) if whole >> 63 else whole)
        elif field in (7, 10) and isinstance(value, int) and dtype in (3, 4, 6, 9):
            return float(value - (1 << 64) if value >> 63 else value)
    layout = _CONTENT.get(dtype)
    if content is not None and layout and len(content) == struct.calcsize(layout):
        return float(struct.unpack(layout, content)[0])
    return None


def _belongs(path: Path) -> Place:
    """The run's folder, above those that ``add_scalars`` makes for each line of a chart."""
    folder = path.parent
    if "_" in folder.name or folder.parent.name in ("rewards", "train", "eval"):
        tag = _first_tag(path)
        if tag and _line_of(folder, tag):
            depth = tag.count("/") + 1 if folder.parent.as_posix().endswith(f"/{tag}") else 0
            return Place(Belongs.FOLDER, folder.parents[depth], path)
    return in_folder(path)


def _first_tag(path: Path) -> str:
    """The first tag of a file's scalars; empty where its start holds none."""
    found = Logged()
    scalars = Scalars(path=str(path), format=FORMAT)
    try:
        with path.open("rb") as file:
            for block in records(file, path.stat().st_size, [], path.name):
                for alike in block:
                    for record in quick(alike, found).tolist():
                        _general(alike.payload[record].tobytes(), 0, found, scalars)
                break
    except (OSError, LogError):
        return ""
    tags = [*found.parts, *found.singles]
    return tags[0].decode("utf-8", "replace") if len(tags) == 1 else ""


def _pieces(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
    """The event files of one run in the order of its attempts; of several ranks only the first."""
    read_ones: list[Scalars] = []
    for path in paths:
        try:
            read_ones.append(read(path))
        except LogError as error:
            yield skip(path, error)
    for scalars in event_order.ordered(read_ones):
        yield Piece(FORMAT, Path(scalars.path), scalars=partial(_as_it_is, scalars),
                    started=scalars.first_time)  # fmt: skip


def _as_it_is(scalars: Scalars) -> Scalars:
    return scalars


READER = Reader(
    name=FORMAT,
    expects="TensorBoard event files (events.out.tfevents.*)",
    rank=4,
    gives=(Gives.METRICS, Gives.SETTINGS),
    recognises=recognises,
    place_of=in_folder,
    read=_pieces,
    belongs=_belongs,
    own_folders=re.compile("train|training|eval|evaluation|val|valid|validation|test"),
    inside=(
        "tb",
        "tensorboard",
        "runs",
        r"runs/[A-Z][a-z]{2}\d{1,2}_\d{2}-\d{2}-\d{2}_.+",
    ),  # Nov23_11-13-00_host
    examples=("tests/data/logs/r9_ppo_trl1.9/tb", "tests/data/logs/openrlhf/ppo_llama"),
    tells="every scalar of TRL, verl, OpenRLHF or your own, and the trainer's settings",
)
