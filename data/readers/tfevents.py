"""TensorBoard event files, read without TensorBoard: the protobuf wire of their records.

A record is an ``Event`` (wall_time 1, step 2, summary 5) whose ``Summary`` holds ``Value`` entries
(tag 1, simple_value 2, tensor 8). Only scalars, and the two texts in which the Hugging Face
trainer writes its settings, are kept. Events of the common layout are read many at a time
(data.readers.tfevent_columns); this module reads all others.
"""

from __future__ import annotations

import struct
from pathlib import Path

from data.columns import LogError
from data.readers.reader import Gives, Reader, in_folder, scalar_log
from data.readers.scalars import Scalars, load_json
from data.readers.tfevent_columns import Logged, quick
from data.readers.tfrecord import records
from data.readers.wire import fields, varint

FORMAT = "tensorboard"
TEXTS = {"args/text_summary": "args", "model_config/text_summary": "model_config"}

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
    try:
        with path.open("rb") as file:
            for block in records(file, path.stat().st_size, scalars.notes, path.name):
                for alike in block:
                    for record in quick(alike, found).tolist():
                        number, payload = alike.number[record], alike.payload[record].tobytes()
                        _general(payload, int(number), found, scalars)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    found.fill(scalars)
    if not scalars.count() and not scalars.config:
        raise LogError(f"{path.name} holds no scalar in a whole record")
    return scalars


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


READER = Reader(
    name=FORMAT,
    expects="TensorBoard event files (events.out.tfevents.*)",
    rank=4,
    gives=(Gives.METRICS, Gives.SETTINGS),
    recognises=recognises,
    told=in_folder,
    read=scalar_log(FORMAT, read, first_wall_time),
    inside=(
        "tb",
        "runs",
        "tensorboard",
        r"runs/[A-Z][a-z]{2}\d{1,2}_\d{2}-\d{2}-\d{2}_.+",
    ),  # Nov23_11-13-00_host
    examples=("tests/data/logs/r9_ppo_trl1.9/tb", "tests/data/logs/openrlhf/ppo_llama"),
    tells="every scalar of TRL, verl, OpenRLHF or your own, and the trainer's settings",
)
